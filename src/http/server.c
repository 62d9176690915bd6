/* SPDX-License-Identifier: Apache-2.0
 *
 * The server as a whole: made, started, drained, stopped. See http.h for the contract.
 */
#include <sys/resource.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "http/hand.h"

/* ---- memory of bodies ---------------------------------------------------------------------------- */

bool alb_http_charge(struct alb_http *s, size_t n)
{
    size_t before = atomic_fetch_add_explicit(&s->body_memory, n, memory_order_relaxed);

    if (before + n <= s->config.limits.body_memory)
        return true;
    atomic_fetch_sub_explicit(&s->body_memory, n, memory_order_relaxed);
    return false;
}

void alb_http_uncharge(struct alb_http *s, size_t n)
{
    atomic_fetch_sub_explicit(&s->body_memory, n, memory_order_relaxed);
}

/* ---- life ---------------------------------------------------------------------------------------- */

static enum alb_code read_proxies(struct alb_http *s, struct alb_err *err)
{
    const struct alb_http_config *c = &s->config;

    s->trusted = alb_mem_calloc(c->trusted_proxy_count + 1, sizeof(*s->trusted));
    if (!s->trusted)
        return alb_fail(err, ALB_E_NO_MEMORY, "trusted proxies");
    for (size_t i = 0; i < c->trusted_proxy_count; i++)
        if (!alb_cidr_parse(alb_str_c(c->trusted_proxies[i]), &s->trusted[s->trusted_n++]))
            return alb_fail(err, ALB_E_INVALID, "trusted-proxy %s: not an address, a network or \"unix\"",
                            c->trusted_proxies[i]);
    return ALB_OK;
}

static enum alb_code check_config(const struct alb_http_config *c, struct alb_err *err)
{
    const struct alb_http_limits *l = &c->limits;

    ALB_CHECK(c->pool != NULL && c->clock != NULL);
    if (l->head_bytes < 1024 || l->target_bytes + 128 > l->head_bytes)
        return alb_fail(err, ALB_E_INVALID,
                        "max-head-size must be at least 1k, and 128 bytes more than max-target-size");
    if (l->head_count < 8 || l->head_count > ALB_HEAD_FIELDS_MAX)
        return alb_fail(err, ALB_E_INVALID, "max-headers must be from 8 to %d", ALB_HEAD_FIELDS_MAX);
    if (l->ring_bytes < ALB_RING_FIRST || l->body_memory < l->ring_bytes)
        return alb_fail(err, ALB_E_INVALID, "body-memory must hold one body-buffer, and that at least %d bytes",
                        (int)ALB_RING_FIRST);
    if (l->connections == 0)
        return alb_fail(err, ALB_E_INVALID, "max-connections must be at least 1");
    return ALB_OK;
}

enum alb_code alb_http_server_new(const struct alb_http_config *c, struct alb_http **server,
                                  struct alb_err *err)
{
    enum alb_code code = check_config(c, err);
    struct alb_http *s;

    *server = NULL;
    if (code != ALB_OK)
        return code;
    s = alb_mem_calloc(1, sizeof(*s));
    if (!s)
        return alb_fail(err, ALB_E_NO_MEMORY, "http server");
    s->config = *c;
    s->bare.name = "http";
    s->bare.error = c->voice ? c->voice->error : NULL;
    alb_mutex_init(&s->mtx, ALB_LOCK_HTTP_SERVER);
    alb_cond_init(&s->idle);
    s->router = alb_router_new();
    s->addresses = alb_tally_new();
    s->users = alb_tally_new();
    if (!s->router || !s->addresses || !s->users)
        code = alb_fail(err, ALB_E_NO_MEMORY, "http server");
    else
        code = read_proxies(s, err);
    if (code != ALB_OK)
        alb_http_server_free(&s);
    *server = s;
    return code;
}

enum alb_code alb_http_routes(struct alb_http *s, const struct alb_http_group *group,
                              const struct alb_route *routes, size_t n, struct alb_err *err)
{
    ALB_CHECK(!s->started);
    for (size_t i = 0; i < n; i++) {
        enum alb_code code;

        ALB_CHECK(routes[i].step != NULL || routes[i].hot != NULL);
        code = alb_router_add(s->router, &routes[i], group, err);
        if (code != ALB_OK)
            return code;
    }
    return ALB_OK;
}

static unsigned loop_count(const struct alb_http *s)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = s->config.loops ? s->config.loops : (cores > 0 ? (unsigned)cores : 1);

    return n < ALB_LOOPS_MAX ? n : ALB_LOOPS_MAX;
}

/* Connections need descriptors: as many as the system lets us have. */
static void raise_files(const struct alb_http *s)
{
    struct rlimit lim;
    rlim_t want = (rlim_t)s->config.limits.connections + 1024;

    if (getrlimit(RLIMIT_NOFILE, &lim) != 0 || lim.rlim_cur >= want)
        return;
    lim.rlim_cur = lim.rlim_max == RLIM_INFINITY || want < lim.rlim_max ? want : lim.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &lim);
}

enum alb_code alb_http_server_start(struct alb_http *s, struct alb_err *err)
{
    enum alb_code code = ALB_OK;
    unsigned n = loop_count(s);

    ALB_CHECK(!s->started);
    raise_files(s);
    if (s->config.listen_count == 0)
        return alb_fail(err, ALB_E_INVALID, "nothing to listen on");
    for (size_t i = 0; i < s->config.listen_count && code == ALB_OK; i++)
        code = alb_listen_open(s, s->config.listen[i], err);
    for (; s->loop_n < n && code == ALB_OK; s->loop_n++)
        code = alb_loop_open(&s->loops[s->loop_n], s, s->loop_n, err);
    if (code != ALB_OK)
        return code;
    s->started = true;
    atomic_store(&s->loops_listening, s->loop_n);
    s->loops_running = s->loop_n;
    for (unsigned i = 0; i < s->loop_n && code == ALB_OK; i++)
        code = alb_loop_start(&s->loops[i], err);
    if (code != ALB_OK) { /* some run: take them down again, as if the others had run and ended */
        for (unsigned i = 0; i < s->loop_n; i++)
            if (!s->loops[i].thread.started) {
                atomic_fetch_sub(&s->loops_listening, 1);
                s->loops[i].stopped = true;
                alb_mutex_lock(&s->mtx);
                s->loops_running--;
                alb_mutex_unlock(&s->mtx);
            }
        alb_ignore(alb_http_server_stop(s, 0), "nobody has been answered yet");
    }
    return code;
}

bool alb_http_server_address(const struct alb_http *s, size_t i, char *out, size_t cap)
{
    return i < s->listener_n && alb_str_to_c(alb_str_c(s->listeners[i].text), out, cap);
}

static void tell_loops(struct alb_http *s)
{
    for (unsigned i = 0; i < s->loop_n; i++)
        alb_loop_post(&s->loops[i], &s->loops[i].control, ALB_MAIL_CONTROL);
}

void alb_http_server_drain(struct alb_http *s)
{
    atomic_store_explicit(&s->draining, true, memory_order_release);
    tell_loops(s);
}

enum alb_code alb_http_server_stop(struct alb_http *s, int64_t deadline_ns)
{
    bool cut = false;

    if (!s->started)
        return ALB_OK;
    alb_http_server_drain(s);
    alb_mutex_lock(&s->mtx);
    while (s->loops_running > 0) {
        if (cut) {
            alb_cond_wait(&s->idle, &s->mtx);
        } else if (!alb_cond_wait_until(&s->idle, &s->mtx, deadline_ns)) {
            cut = s->loops_running > 0;
            atomic_store_explicit(&s->cutting, cut, memory_order_release);
            alb_mutex_unlock(&s->mtx);
            tell_loops(s);
            alb_mutex_lock(&s->mtx);
        }
    }
    alb_mutex_unlock(&s->mtx);
    for (unsigned i = 0; i < s->loop_n; i++)
        alb_thread_join(&s->loops[i].thread);
    s->started = false;
    return cut ? ALB_E_TIMEOUT : ALB_OK;
}

void alb_http_server_free(struct alb_http **server)
{
    struct alb_http *s = *server;

    if (!s)
        return;
    ALB_CHECK(!s->started);
    alb_listen_close(s);
    for (unsigned i = 0; i < s->loop_n; i++)
        alb_loop_close(&s->loops[i]);
    alb_static_free(s);
    alb_router_free(&s->router);
    alb_tally_free(&s->addresses);
    alb_tally_free(&s->users);
    ALB_CHECK(atomic_load(&s->body_memory) == 0);
    alb_mem_free(s->trusted);
    alb_cond_fini(&s->idle);
    alb_mutex_fini(&s->mtx);
    alb_mem_free(s);
    *server = NULL;
}
