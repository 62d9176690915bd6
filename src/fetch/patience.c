/* SPDX-License-Identifier: Apache-2.0
 *
 * See patience.h. `outage->since` is set by the first failure and cleared by any answer below 500; a lost
 * race between the two costs one pause, never a wrong verdict.
 */
#include "fetch/patience.h"

#include <errno.h>
#include <poll.h>

#include "base/hash.h"

#define PAUSE_FIRST_NS (250 * ALB_NS_PER_MS)
#define PAUSE_MAX_NS (15 * ALB_NS_PER_S)
#define HARD_TRIES_MAX 5

void alb_outage_init(struct alb_outage *o)
{
    atomic_init(&o->since, 0);
}

int64_t alb_outage_since(const struct alb_outage *o)
{
    return atomic_load_explicit(&o->since, memory_order_relaxed);
}

void alb_patience_init(struct alb_patience *p, struct alb_outage *outage, const struct alb_clock *clock,
                       int64_t retry_ns)
{
    *p = (struct alb_patience){.outage = outage, .clock = clock, .retry_ns = retry_ns};
}

void alb_patience_progress(struct alb_patience *p)
{
    p->began = 0;
    p->tries = 0;
    p->hard_tries = 0;
}

static int64_t back_off(unsigned tries)
{
    int64_t full = PAUSE_FIRST_NS;
    for (unsigned i = 1; i < tries && full < PAUSE_MAX_NS; i++)
        full *= 2;
    if (full > PAUSE_MAX_NS)
        full = PAUSE_MAX_NS;
    uint32_t r;
    alb_random(&r, sizeof(r));
    return full / 2 + (int64_t)((uint64_t)(full / 2) * r / UINT32_MAX);
}

static int64_t retry_after(const struct alb_patience *p, const struct alb_client_answer *a)
{
    struct alb_str v;
    uint64_t seconds;
    int64_t when;
    if (!a || !alb_client_header(a, "retry-after", &v))
        return 0;
    if (alb_str_u64(v, &seconds))
        return seconds > 86400 ? 86400 * ALB_NS_PER_S : (int64_t)seconds * ALB_NS_PER_S;
    if (!alb_time_http_parse(v.p, v.n, &when))
        return 0;
    int64_t ms = when - alb_wall(p->clock);
    if (ms <= 0)
        return 0;
    return ms > 86400000 ? 86400 * ALB_NS_PER_S : ms * ALB_NS_PER_MS;
}

static enum alb_verdict again(struct alb_patience *p, bool unreachable, int64_t asked, int64_t *pause_ns)
{
    int64_t now = alb_mono(p->clock);
    if (p->began == 0)
        p->began = now;
    p->tries++;
    if (unreachable) {
        int64_t none = 0;
        atomic_compare_exchange_strong(&p->outage->since, &none, now == 0 ? 1 : now);
    }
    int64_t since = alb_outage_since(p->outage);
    int64_t pause = back_off(p->tries);
    if (pause < asked)
        pause = asked;
    *pause_ns = pause;
    /* Waiting past the end would only make the failure later. */
    if (now - p->began + (asked > 0 ? pause : 0) >= p->retry_ns)
        return ALB_VERDICT_GIVE_UP;
    if (since != 0 && now - since >= p->retry_ns)
        return ALB_VERDICT_GIVE_UP;
    return ALB_VERDICT_AGAIN;
}

static bool is_transient(int status)
{
    return status == 408 || status == 425 || status == 429 || status == 502 || status == 503 || status == 504;
}

enum alb_verdict alb_patience_judge(struct alb_patience *p, enum alb_code code,
                                    const struct alb_client_answer *a, int64_t *pause_ns)
{
    *pause_ns = 0;
    if (code == ALB_E_BUSY || code == ALB_E_TIMEOUT)
        return again(p, true, 0, pause_ns);
    if (code != ALB_OK)
        return ALB_VERDICT_GIVE_UP;
    if (a->status < 500)
        atomic_store(&p->outage->since, 0);
    if (is_transient(a->status))
        return again(p, a->status >= 500, retry_after(p, a), pause_ns);
    if (a->status >= 500 && a->status != 501 && a->status != 505 && a->status != 507) {
        if (++p->hard_tries >= HARD_TRIES_MAX)
            return ALB_VERDICT_ANSWER;
        return again(p, false, retry_after(p, a), pause_ns);
    }
    return ALB_VERDICT_ANSWER;
}

enum alb_verdict alb_patience_again(struct alb_patience *p, int64_t *pause_ns)
{
    return again(p, false, 0, pause_ns);
}

bool alb_patience_wait(int fd, int64_t pause_ns)
{
    const struct alb_clock *clock = alb_clock_real();
    int64_t until = alb_deadline(alb_mono(clock), pause_ns);
    for (;;) {
        int64_t left = until - alb_mono(clock);
        if (left < 0)
            left = 0;
        struct pollfd p = {.fd = fd, .events = POLLIN, .revents = 0};
        struct timespec ts = {.tv_sec = (time_t)(left / ALB_NS_PER_S),
                              .tv_nsec = (long)(left % ALB_NS_PER_S)};
        int rc = ppoll(&p, fd >= 0 ? 1 : 0, &ts, NULL);
        if (rc > 0)
            return false;
        if (rc == 0)
            return true;
        if (errno != EINTR)
            return true;
    }
}
