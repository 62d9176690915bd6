/* SPDX-License-Identifier: Apache-2.0
 *
 * An order is an actor, like a render job and simpler: opened and verified in slices, then a place of few, then a
 * worker, then its end. Nobody inherits an order; if its last asker has left it is cancelled, and if somebody came
 * meanwhile it is given again.
 */
#include "render/order.h"

#include <stdio.h>
#include <string.h>

#include "base/actor.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/stat.h"
#include "render/failures.h"
#include "render/job.h"

enum {
    EV_TURN = ALB_ACTOR_EVENT(0), /* begin, or the next slice */
    EV_GRANTED = ALB_ACTOR_EVENT(1),
    EV_REFUSED = ALB_ACTOR_EVENT(2),
    EV_DONE = ALB_ACTOR_EVENT(3),
    EV_FORSAKEN = ALB_ACTOR_EVENT(4),
    EV_CANCEL = ALB_ACTOR_EVENT(5),
};
enum stage { VERIFYING, QUEUED, RUNNING };

#define VERIFY_SLICE ((int64_t)32 << 20)

struct alb_order {
    /* fixed after create */
    struct alb_render *render;
    enum alb_order_kind kind;
    enum alb_type type;
    struct alb_flight_key key;
    struct alb_actor actor;
    /* owned by the turn that runs (before the start: by the maker) */
    struct alb_owner owner;
    enum stage stage;
    struct alb_render_inputs inputs;
    struct alb_lease lease;
    bool leased, cancelled;
    struct alb_darkroom_job job;
    uint64_t ticket; /* of the darkroom, 0 = none */
    enum alb_code refusal;
    /* under the render's mtx */
    struct alb_order *prev, *next;
};

/* ---- events ---- */

static void on_granted(struct alb_lease *l)
{
    alb_actor_post(&ALB_CONTAINER_OF(l, struct alb_order, lease)->actor, EV_GRANTED);
}

static void on_refused(struct alb_lease *l, enum alb_code code)
{
    struct alb_order *o = ALB_CONTAINER_OF(l, struct alb_order, lease);
    o->refusal = code;
    alb_actor_post(&o->actor, EV_REFUSED);
}

static void on_done(struct alb_darkroom_job *job)
{
    alb_actor_post(&ALB_CONTAINER_OF(job, struct alb_order, job)->actor, EV_DONE);
}

static void on_forsaken(void *arg)
{
    struct alb_order *o = arg;
    alb_actor_post(&o->actor, EV_FORSAKEN);
}

void alb_render_order_cancel_locked(struct alb_order *first) ALB_NO_LOCK_ANALYSIS
{
    for (struct alb_order *o = first; o; o = o->next)
        alb_actor_post(&o->actor, EV_CANCEL);
}

/* ---- the end ---- */

static void unlink_order(struct alb_order *o)
{
    struct alb_render *r = o->render;
    alb_mutex_lock(&r->mtx);
    if (o->prev)
        o->prev->next = o->next;
    else
        r->orders = o->next;
    if (o->next)
        o->next->prev = o->prev;
    r->order_count--;
    if (r->job_count + r->order_count == 0)
        alb_cond_broadcast(&r->none_left);
    alb_mutex_unlock(&r->mtx);
}

static void drop(struct alb_order *o)
{
    alb_render_inputs_drop(&o->inputs);
    alb_bytes_unref(o->job.result);
    alb_probe_free(&o->job.probe);
    alb_mem_free(o);
}

/* The title has ended, the place is back. False, as turns return it. */
static bool over(struct alb_order *o)
{
    unlink_order(o);
    drop(o);
    return false;
}

static void let_go(struct alb_order *o)
{
    if (o->leased)
        alb_lease_release(&o->lease);
    o->leased = false;
}

/* What lies in the load of this machine, or in nobody waiting any more, is a resignation (future.h): the answer is for
 * those who are there now, not for who comes next. */
static bool fail(struct alb_order *o, const struct alb_err *why)
{
    let_go(o);
    if (why->code == ALB_E_BUSY)
        (void)alb_future_resign(&o->owner, why);
    else
        (void)alb_future_fail(&o->owner, why);
    return over(o);
}

static bool fail_code(struct alb_order *o, enum alb_code code, const char *text)
{
    struct alb_err err = ALB_ERR_INIT;
    (void)alb_fail(&err, code, "%s", text);
    return fail(o, &err);
}

static void answer_free(struct alb_obj *obj)
{
    struct alb_order_answer *a = ALB_CONTAINER_OF(obj, struct alb_order_answer, obj);
    struct alb_probe *probe = a->probe;
    alb_bytes_unref(a->bytes);
    alb_probe_free(&probe);
    alb_mem_free(a);
}

static bool settle(struct alb_order *o)
{
    struct alb_order_answer *a = alb_mem_calloc(1, sizeof(*a));
    if (!a)
        return fail_code(o, ALB_E_NO_MEMORY, "a worker's words");
    alb_obj_init(&a->obj, answer_free);
    a->header = o->inputs.in[0].header;
    a->probe = o->job.probe;
    a->bytes = o->job.result;
    o->job.probe = NULL;
    o->job.result = NULL;
    let_go(o);
    (void)alb_future_settle(&o->owner, &a->obj);
    return over(o);
}

/* ---- the stages; each returns false when the order has ended ---- */

static bool run(struct alb_order *o)
{
    static const enum alb_darkroom_work works[] = {[ALB_ORDER_FACTS] = ALB_WORK_PROBE,
                                                   [ALB_ORDER_CLEAN] = ALB_WORK_SANITISE,
                                                   [ALB_ORDER_HEADER] = ALB_WORK_HEADER};
    struct alb_render *r = o->render;
    struct alb_err err = ALB_ERR_INIT;
    o->stage = RUNNING;
    o->job =
        (struct alb_darkroom_job){.work = works[o->kind],
                                  .source_fd = -1,
                                  .type = o->type,
                                  .deadline = alb_deadline(alb_mono(r->config.clock), r->config.deadline_ns),
                                  .done = on_done};
    if (alb_render_inputs_lend(&o->inputs, &o->job, &err) != ALB_OK ||
        alb_darkroom_submit(r->config.darkroom, &o->job, &o->ticket, &err) != ALB_OK)
        return fail(o, &err);
    return true;
}

static bool ask_for_place(struct alb_order *o)
{
    struct alb_err err = ALB_ERR_INIT;
    o->stage = QUEUED;
    switch (alb_lease_request(o->render->order_places, &o->lease, &err)) {
    case ALB_LEASE_HELD:
        o->leased = true;
        return run(o);
    case ALB_LEASE_QUEUED:
        return true;
    case ALB_LEASE_REFUSED:
        break;
    }
    return fail(o, &err);
}

static bool slice(struct alb_order *o)
{
    struct alb_err err = ALB_ERR_INIT;
    bool done = false;
    if (alb_render_inputs_verify(&o->inputs, VERIFY_SLICE, &done, &err) != ALB_OK)
        return fail(o, &err);
    if (done)
        return ask_for_place(o);
    alb_actor_post(&o->actor, EV_TURN);
    return true;
}

static bool turn(struct alb_order *o)
{
    struct alb_render *r = o->render;
    struct alb_err err = ALB_ERR_INIT;
    if (o->stage != VERIFYING) /* an old one */
        return true;
    enum alb_code known = alb_failures_look(r->failures, &o->key, alb_mono(r->config.clock));
    if (known != ALB_OK) {
        alb_stat_inc(ALB_STAT_RENDER_REMEMBERED);
        return fail_code(o, known, "it has failed just now");
    }
    if (!o->inputs.opened && alb_render_inputs_open(&o->inputs, r->config.store, r->headers, &err) != ALB_OK)
        return fail(o, &err);
    if (o->kind == ALB_ORDER_HEADER && o->inputs.in[0].known)
        return settle(o);
    return slice(o);
}

/* A header that a worker has read is a header for everybody. */
static bool told(struct alb_order *o)
{
    struct alb_render_held *h = &o->inputs.in[0];
    const struct alb_probe *p = o->job.probe;
    if (o->kind != ALB_ORDER_HEADER)
        return settle(o);
    if (p->damaged && (p->header.width == 0 || p->header.height == 0))
        return fail_code(o, ALB_E_UNPROCESSABLE, p->note);
    h->header = p->header;
    h->known = true;
    if (h->origin)
        alb_headers_put(o->render->headers, h->origin->identity, &h->header);
    return settle(o);
}

static bool is_unwanted(const struct alb_order *o)
{
    return o->cancelled || alb_future_is_forsaken(&o->owner);
}

static bool done(struct alb_order *o)
{
    enum alb_code code = o->job.code;
    o->ticket = 0;
    if (code == ALB_OK)
        return told(o);
    if (code == ALB_E_CANCELLED && !is_unwanted(o)) { /* somebody came while it was being cancelled */
        alb_future_on_forsaken(&o->owner, on_forsaken, o);
        return run(o);
    }
    if (code == ALB_E_CANCELLED)
        return fail_code(o, ALB_E_BUSY, "nobody waits any more, or closing");
    if (alb_render_lies_in_the_file(&o->job, code))
        alb_failures_note(o->render->failures, &o->key, code, o->job.run_ns, alb_mono(o->render->config.clock));
    return fail(o, &o->job.err);
}

static bool granted(struct alb_order *o)
{
    o->leased = true;
    return is_unwanted(o) ? fail_code(o, ALB_E_BUSY, "nobody waits any more") : run(o);
}

static bool refused(struct alb_order *o)
{
    return fail_code(o, o->refusal == ALB_E_CANCELLED ? ALB_E_BUSY : o->refusal,
                     "no place came free in time");
}

/* Nobody waits, or the room closes. */
static bool stop(struct alb_order *o, const char *why)
{
    if (o->stage == RUNNING) {
        if (o->ticket)
            alb_darkroom_cancel(o->render->config.darkroom, o->ticket);
        return true;
    }
    if (o->stage == QUEUED && !alb_lease_cancel(&o->lease))
        return true; /* granted or refused is on its way */
    return fail_code(o, ALB_E_BUSY, why);
}

static bool forsaken(struct alb_order *o)
{
    if (alb_future_is_forsaken(&o->owner))
        return stop(o, "nobody waits any more");
    alb_future_on_forsaken(&o->owner, on_forsaken, o);
    return true;
}

static bool cancelled(struct alb_order *o)
{
    o->cancelled = true;
    return stop(o, "closing");
}

static bool handle(struct alb_actor *actor, unsigned events)
{
    static const struct {
        unsigned event;
        bool (*run)(struct alb_order *o);
    } table[] = {{EV_DONE, done},        {EV_REFUSED, refused},   {EV_GRANTED, granted},
                 {EV_CANCEL, cancelled}, {EV_FORSAKEN, forsaken}, {EV_TURN, turn}};
    struct alb_order *o = ALB_CONTAINER_OF(actor, struct alb_order, actor);
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++)
        if ((events & table[i].event) && !table[i].run(o))
            return false;
    return true;
}

/* ---- the beginning ---- */

static struct alb_order *order_new(struct alb_render *r, const struct alb_order_ask *ask)
{
    const struct alb_render_ask inputs = {.source = ask->source, .origin = ask->origin};
    struct alb_order *o = alb_mem_calloc(1, sizeof(*o));
    if (!o)
        return NULL;
    o->render = r;
    o->kind = ask->kind;
    o->type = ask->type;
    alb_render_inputs_take(&o->inputs, &inputs);
    alb_actor_init(&o->actor, r->config.pool, false, handle, EV_TURN);
    o->lease.granted = on_granted;
    o->lease.refused = on_refused;
    o->lease.cls = ALB_LEASE_FOREGROUND;
    o->lease.queue_deadline = ask->deadline;
    o->lease.hold_ns = ALB_NEVER; /* the darkroom ends it */
    (void)snprintf(o->lease.owner, sizeof(o->lease.owner), "order");
    return o;
}

static void key_of(const struct alb_order_ask *ask, struct alb_flight_key *key)
{
    const struct alb_render_ask inputs = {.source = ask->source, .origin = ask->origin};
    const unsigned char head[2] = {(unsigned char)ask->kind, (unsigned char)ask->type};
    struct alb_buf text = ALB_BUF_INIT(256);
    alb_buf_add(&text, head, sizeof(head));
    alb_render_inputs_key(&inputs, &text);
    if (alb_buf_code(&text) == ALB_OK)
        alb_sha256(text.p, text.n, key->b);
    else
        alb_random(key->b, sizeof(key->b)); /* no memory: a key that nobody shares */
    alb_buf_fini(&text);
}

/* Joined and linked in one step, so that a closing room finds it. */
static enum alb_code enter(struct alb_render *r, struct alb_order *o, struct alb_waiter *w,
                           struct alb_future **future, enum alb_flight_role *role, struct alb_err *err)
{
    enum alb_code code = ALB_OK;
    alb_mutex_lock(&r->mtx);
    if (r->closing)
        code = alb_fail(err, ALB_E_BUSY, "closing");
    if (code == ALB_OK)
        code = alb_flight_join(r->order_flights, &o->key, w, future, &o->owner, role, err);
    if (code == ALB_OK && *role == ALB_FLIGHT_OWNER) {
        o->next = r->orders;
        if (r->orders)
            r->orders->prev = o;
        r->orders = o;
        r->order_count++;
    }
    alb_mutex_unlock(&r->mtx);
    return code;
}

enum alb_code alb_render_order(struct alb_render *r, const struct alb_order_ask *ask, struct alb_waiter *w,
                               struct alb_future **future, struct alb_err *err)
{
    enum alb_flight_role role = ALB_FLIGHT_WAITER;
    *future = NULL;
    struct alb_order *o =
        order_new(r, ask); /* made before the flight is joined: after that nothing may fail */
    if (!o)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for an order");
    key_of(ask, &o->key);
    enum alb_code code = enter(r, o, w, future, &role, err);
    if (code == ALB_OK && role == ALB_FLIGHT_OWNER) {
        alb_future_on_forsaken(&o->owner, on_forsaken, o);
        alb_actor_start(&o->actor);
        return ALB_OK;
    }
    drop(o);
    return code;
}
