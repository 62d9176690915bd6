/* SPDX-License-Identifier: Apache-2.0 */
#include "personality/health.h"

#define CANARY_NS (5 * ALB_NS_PER_S)
#define GRACE (5 * ALB_NS_PER_S) /* beyond the deadline of a request, until it counts as stuck */

struct check { /* of one request; in its arena */
    struct alb_future *future;
};

/* What has waited for too long, from memory alone. */
static bool is_stuck(const struct alb_health *h, struct alb_err *why)
{
    const struct {
        const char *what;
        int64_t ns;
    } waits[] = {{"a picture", alb_render_look(h->render).oldest_ns},
                 {"a source", alb_origins_look(h->origins).oldest_ns},
                 {"a step of a request", alb_pool_look(h->pool).oldest_wait_ns}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(waits); i++) {
        if (waits[i].ns > alb_deadline(h->request_ns, GRACE))
            (void)alb_fail(why, ALB_E_TIMEOUT, "%s has been waited for for %lld ms", waits[i].what,
                           (long long)(waits[i].ns / ALB_NS_PER_MS));
    }
    return why->code != ALB_OK;
}

/* When the io pool stands still no step would ever say so. */
enum alb_hot alb_health_hot(struct alb_req *req, const struct alb_health *h)
{
    struct alb_err why = ALB_ERR_INIT;
    if (!is_stuck(h, &why))
        return ALB_HOT_MISS;
    h->say(req, &why);
    return ALB_HOT_HIT;
}

static void drop_check(void *arg)
{
    struct check *c = arg;
    alb_future_unref(c->future);
}

static enum alb_step begin(struct alb_req *req, const struct alb_health *h)
{
    struct alb_err why = ALB_ERR_INIT;
    struct check *c = ALB_ARENA_NEW(alb_req_arena(req), struct check);
    int64_t deadline = alb_deadline(alb_mono(alb_req_clock(req)), CANARY_NS);
    if (!c || !alb_arena_defer(alb_req_arena(req), drop_check, c))
        (void)alb_fail(&why, ALB_E_NO_MEMORY, "no memory for a health check");
    else if (alb_canary_ask(h->canary, deadline, alb_req_waiter(req, false), &c->future, &why) == ALB_OK) {
        alb_req_set_slot(req, c);
        alb_req_wait_until(req, deadline);
        alb_req_doing(req, "waiting for a word of the darkroom");
        return alb_req_wait_joined(req, c->future);
    }
    h->say(req, &why);
    return ALB_STEP_DONE;
}

enum alb_step alb_health_step(struct alb_req *req, const struct alb_health *h)
{
    struct check *c = alb_req_slot(req);
    struct alb_err why = ALB_ERR_INIT;
    if (!c)
        return begin(req, h);
    if (alb_req_timed_out(req) && !alb_future_done(c->future))
        (void)alb_fail(&why, ALB_E_TIMEOUT, "the darkroom does not answer");
    else
        (void)alb_future_error(c->future, &why);
    h->say(req, &why);
    return ALB_STEP_DONE;
}
