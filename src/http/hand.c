/* SPDX-License-Identifier: Apache-2.0
 *
 * See hand.h. Pool threads enter by run(), any thread by on_wake(), the loop by the alb_hand_ functions.
 */
#include "http/hand.h"

#include "base/check.h"
#include "base/stat.h"
#include "http/nudge.h"

#define SLICE_NS (20 * ALB_NS_PER_MS)

static void run(struct alb_task *task);
static void on_wake(struct alb_waiter *w, enum alb_wake why);

void alb_hand_init(struct alb_req *r)
{
    r->task.run = run;
    r->waiter.wake = on_wake;
    r->hand = ALB_HAND_LOOP;
    r->wait = ALB_WAIT_NONE;
    r->wait_until = ALB_NEVER;
}

static void resume(struct alb_req *r)
{
    alb_pool_resume(r->server->config.pool, &r->task);
}

/* Any thread, under no lock of ours. */
static void on_wake(struct alb_waiter *w, enum alb_wake why)
{
    struct alb_req *r = ALB_CONTAINER_OF(w, struct alb_req, waiter);
    bool go;

    alb_mutex_lock(&r->mtx);
    r->registered = false;
    r->woken = true;
    r->why = why;
    go = r->hand == ALB_HAND_WAITING && r->wait == ALB_WAIT_FUTURE;
    if (go)
        r->hand = ALB_HAND_QUEUED;
    alb_mutex_unlock(&r->mtx);
    if (go)
        resume(r);
}

/* ---- pool side ----------------------------------------------------------------------------------- */

static bool told(const struct alb_req *r)
{
    return r->match.entry && (r->match.entry->route->flags & ALB_ROUTE_TOLD) && !r->untold && !r->pumping &&
           !atomic_load_explicit(&r->server->cutting, memory_order_relaxed);
}

/* Looks at the last wake or deadline. A title that comes with it is kept until the step takes it, or
 * resigned. */
static void take_wake(struct alb_req *r)
{
    bool promoted;

    alb_mutex_lock(&r->mtx);
    promoted = r->woken && r->why == ALB_WAKE_PROMOTED;
    r->timed_out = r->timeout && !r->woken;
    r->woken = false;
    r->timeout = false;
    alb_mutex_unlock(&r->mtx);
    if (promoted) {
        r->promoted = true;
        r->title = r->waiter.owner;
        r->waiter.owner = ALB_OWNER_NONE;
    }
}

static void resign_title(struct alb_req *r)
{
    struct alb_err err = ALB_ERR_INIT;

    if (!r->promoted)
        return;
    r->promoted = false;
    (void)alb_fail(&err, ALB_E_CANCELLED, "a promoted waiter did not go on");
    alb_ignore(alb_future_resign(&r->title, &err), "a stale title changes nothing");
}

/* Leaves the future that the request is still registered on. False: its wake is on the way; the request is
 * parked, to end or to be finished with it, and is no longer ours. */
static bool unregister(struct alb_req *r, bool ending)
{
    bool still;

    if (r->lent) /* a waiter that was lent and registered must be waited on (req.h) */
        ALB_CHECK(r->waiter.on == NULL);
    r->lent = false;
    alb_mutex_lock(&r->mtx);
    still = r->registered;
    alb_mutex_unlock(&r->mtx);
    if (!still)
        return true;
    if (alb_future_leave(r->on, &r->waiter)) {
        alb_mutex_lock(&r->mtx);
        r->registered = false;
        alb_mutex_unlock(&r->mtx);
        return true;
    }
    alb_mutex_lock(&r->mtx);
    still = r->registered;
    if (still) {
        r->ending = ending;
        r->finishing = !ending;
        r->hand = ALB_HAND_WAITING;
        r->wait = ALB_WAIT_FUTURE;
    }
    alb_mutex_unlock(&r->mtx);
    return !still;
}

static void drop_future(struct alb_req *r)
{
    alb_future_unref(r->on);
    r->on = NULL;
}

/* Runs the hooks of the request; what lies in its arena stays, for the answer or the record may be of it. */
static void run_hooks(struct alb_req *r)
{
    struct alb_arena_mark all = alb_arena_mark(r->arena);

    all.hook = r->base.hook;
    alb_arena_rewind(r->arena, all);
}

/* No more steps: undo what hangs on the request, then the loop may have it back. */
static void end(struct alb_req *r)
{
    alb_nudge_detach(r);
    if (!unregister(r, true))
        return;
    take_wake(r); /* it may have come as a promotion */
    resign_title(r);
    drop_future(r);
    run_hooks(r);
    alb_loop_post(r->loop, &r->mail, ALB_MAIL_ENDED);
}

/* The client has gone: does the step still get to know? One that reads the body is, until it has had what came
 * and was told GONE; as long as each call takes some of it. */
static bool abandon(struct alb_req *r)
{
    size_t left;

    if (!atomic_load_explicit(&r->gone, memory_order_acquire))
        return false;
    if (told(r))
        return false;
    if (!r->entered || r->waited != ALB_WAIT_BODY || r->gone_told || r->pumping)
        return true;
    alb_mutex_lock(&r->mtx);
    left = r->in_ring.fill;
    alb_mutex_unlock(&r->mtx);
    if (left >= r->gone_left)
        return true;
    r->gone_left = left;
    return false;
}

/* Has what the step waits for happened? Under mtx. */
static bool happened(struct alb_req *r, int64_t now)
{
    if (r->want_until != ALB_NEVER && now >= r->want_until && r->want != ALB_WAIT_FUTURE) {
        r->timeout = true;
        return true;
    }
    switch (r->want) {
    case ALB_WAIT_FUTURE:
        return r->woken;
    case ALB_WAIT_BODY:
        return r->in_ring.fill > 0 || r->in_end || r->in_code != ALB_OK || r->nudged;
    case ALB_WAIT_DRAIN:
        return r->out_ring.fill <= r->out_ring.cap / 2 ||
               atomic_load_explicit(&r->gone, memory_order_relaxed);
    case ALB_WAIT_NONE:
        break;
    }
    return true;
}

/* What the loop has to do before the step can go on. */
static unsigned errands(struct alb_req *r)
{
    unsigned bits = 0;

    alb_mutex_lock(&r->mtx);
    if (r->head_made && (!r->head_ready || r->out_ring.fill > 0)) {
        r->head_ready = true;
        bits |= ALB_MAIL_OUT;
    }
    if (r->want == ALB_WAIT_BODY && (!r->in_wanted || r->in_paused)) {
        r->in_wanted = true;
        bits |= ALB_MAIL_BODY;
    }
    r->wait_until = r->want_until;
    if (r->want_until != ALB_NEVER)
        bits |= ALB_MAIL_TIMER;
    alb_mutex_unlock(&r->mtx);
    return bits;
}

/* The deadline of a wait for a future had passed before the request could be parked. True: go on. */
static bool leave_late(struct alb_req *r)
{
    bool left = alb_future_leave(r->on, &r->waiter), go;

    alb_mutex_lock(&r->mtx);
    if (left)
        r->registered = false;
    r->timeout = true;
    go = !r->registered;
    if (!go) { /* its wake is on the way */
        r->hand = ALB_HAND_WAITING;
        r->wait = ALB_WAIT_FUTURE;
    }
    alb_mutex_unlock(&r->mtx);
    return go;
}

/* The step waits. True: it has happened already, go on. False: parked (or ended), no longer ours. */
static bool park(struct alb_req *r)
{
    unsigned bits;
    bool go, gone;

    ALB_CHECK(r->want != ALB_WAIT_NONE); /* a step that says WAIT says for what */
    if (r->res.kind == ALB_RES_STREAM && !r->head_made)
        alb_res_finalise(r);
    bits = errands(r);
    if (bits)
        alb_loop_post(r->loop, &r->mail, bits);
    r->waited = r->want;
    alb_mutex_lock(&r->mtx);
    gone = atomic_load_explicit(&r->gone, memory_order_relaxed);
    if (gone && r->want != ALB_WAIT_BODY && !told(r)) {
        alb_mutex_unlock(&r->mtx);
        end(r);
        return false;
    }
    r->wait_since = alb_mono(r->server->config.clock);
    go = happened(r, r->wait_since);
    if (!go && r->wait_since >= r->want_until) {
        alb_mutex_unlock(&r->mtx);
        return leave_late(r);
    }
    if (!go) {
        r->hand = ALB_HAND_WAITING;
        r->wait = r->want;
    }
    alb_mutex_unlock(&r->mtx);
    return go;
}

/* The step is done. True: the body has to be pumped, go on. The hooks run before the answer is sent: nothing is
 * held while a client is waited for (law 1), and the request need not come back here after it. */
static bool done(struct alb_req *r)
{
    alb_nudge_detach(r);
    if (!unregister(r, false))
        return false;
    take_wake(r); /* of a future that the step has registered on and then did not wait for */
    resign_title(r);
    if (!r->head_made)
        alb_res_finalise(r); /* may find that the body has to be pumped */
    if (r->pumping && r->segment_at < r->segment_n && !r->res.abort)
        return true;
    drop_future(r);
    run_hooks(r);
    alb_mutex_lock(&r->mtx);
    r->head_ready = true;
    r->out_end = true;
    r->hand = ALB_HAND_DONE;
    alb_mutex_unlock(&r->mtx);
    alb_loop_post(r->loop, &r->mail, ALB_MAIL_ANSWER);
    return false;
}

static enum alb_step enter(struct alb_req *r)
{
    alb_before_fn *before = r->group->before ? r->group->before : r->server->config.before;

    if (r->pumping)
        return alb_pump_step(r);
    r->entered = true;
    if (!r->before_done && before) {
        switch (before(r, false)) {
        case ALB_BEFORE_GO:
            break;
        case ALB_BEFORE_ANSWERED:
            return ALB_STEP_DONE;
        case ALB_BEFORE_WAIT:
            return ALB_STEP_WAIT;
        case ALB_BEFORE_LATER:
            alb_panic("http", "%s: LATER is an answer for the loop only", r->group->name);
        }
    }
    r->before_done = true;
    return r->match.entry->route->step(r);
}

/* One call of the step. True: again. */
static bool turn(struct alb_req *r)
{
    const struct alb_clock *clock = r->server->config.clock;
    enum alb_step said;
    int64_t t;

    take_wake(r);
    if (abandon(r)) {
        end(r);
        return false;
    }
    r->untold = false;
    r->want = ALB_WAIT_NONE;
    r->want_until = ALB_NEVER;
    t = alb_mono(clock);
    if (r->steps++ == 0)
        r->t_entry = t;
    said = enter(r);
    t = alb_mono(clock) - t;
    r->step_ns += t;
    alb_stat_observe(ALB_HIST_HTTP_STEP, t);
    resign_title(r);
    return said == ALB_STEP_WAIT ? park(r) : done(r);
}

/* Turns as long as there is something to do, but not for ever: a client that is as fast as its thread would
 * keep it, and as many of them as there are threads would keep everybody else from being served. */
static void take_turns(struct alb_req *r)
{
    const struct alb_clock *clock = r->server->config.clock;
    int64_t until = alb_deadline(alb_mono(clock), SLICE_NS);

    while (turn(r))
        if (alb_mono(clock) >= until) {
            alb_mutex_lock(&r->mtx);
            r->hand = ALB_HAND_QUEUED;
            alb_mutex_unlock(&r->mtx);
            resume(r);
            return;
        }
}

static void run(struct alb_task *task)
{
    struct alb_req *r = ALB_CONTAINER_OF(task, struct alb_req, task);
    bool ending, finishing;

    alb_mutex_lock(&r->mtx);
    ALB_CHECK(r->hand == ALB_HAND_QUEUED);
    r->hand = ALB_HAND_RUNNING;
    r->wait = ALB_WAIT_NONE;
    ending = r->ending;
    finishing = r->finishing;
    r->finishing = false;
    alb_mutex_unlock(&r->mtx);
    alb_thread_working_on(r->id);
    if (ending)
        end(r);
    else if (!finishing || done(r))
        take_turns(r);
    alb_thread_working_on(NULL);
}

/* ---- loop side ----------------------------------------------------------------------------------- */

static void set_hand(struct alb_req *r, enum alb_hand hand)
{
    alb_mutex_lock(&r->mtx); /* dumps look at it */
    r->hand = hand;
    alb_mutex_unlock(&r->mtx);
}

enum alb_code alb_hand_submit(struct alb_req *r)
{
    enum alb_code code;

    r->task.background = r->match.entry && (r->match.entry->route->flags & ALB_ROUTE_BACKGROUND);
    set_hand(r, ALB_HAND_QUEUED);
    r->pooled = true;
    code = alb_pool_submit(r->server->config.pool, &r->task);
    if (code != ALB_OK) {
        set_hand(r, ALB_HAND_LOOP);
        r->pooled = false;
    }
    return code;
}

/* mtx is held, and let go. The request waits for a future and shall not any more. */
static void take_off(struct alb_req *r, bool ending) ALB_RELEASE(r->mtx);
static void take_off(struct alb_req *r, bool ending) ALB_NO_LOCK_ANALYSIS
{
    bool left, go;

    r->hand = ALB_HAND_LEAVING;
    alb_mutex_unlock(&r->mtx);
    left = alb_future_leave(r->on, &r->waiter);
    alb_mutex_lock(&r->mtx);
    if (left)
        r->registered = false;
    if (ending)
        r->ending = true;
    else
        r->timeout = true;
    go = !r->registered;
    r->hand = go ? ALB_HAND_QUEUED : ALB_HAND_WAITING; /* the wake that is on the way will queue it */
    alb_mutex_unlock(&r->mtx);
    if (go)
        resume(r);
}

static void go_on(struct alb_req *r, enum alb_wait wait)
{
    bool go;

    alb_mutex_lock(&r->mtx);
    go = r->hand == ALB_HAND_WAITING && r->wait == wait;
    if (go)
        r->hand = ALB_HAND_QUEUED;
    alb_mutex_unlock(&r->mtx);
    if (go)
        resume(r);
}

void alb_hand_body(struct alb_req *r)
{
    go_on(r, ALB_WAIT_BODY);
}

void alb_hand_nudged(struct alb_req *r)
{
    alb_mutex_lock(&r->mtx);
    r->nudged = true;
    alb_mutex_unlock(&r->mtx);
    go_on(r, ALB_WAIT_BODY);
}

void alb_hand_drained(struct alb_req *r)
{
    go_on(r, ALB_WAIT_DRAIN);
}

void alb_hand_gone(struct alb_req *r, enum alb_code why)
{
    bool go = false;

    alb_mutex_lock(&r->mtx);
    atomic_store_explicit(&r->gone, true, memory_order_release);
    if (!r->in_end && r->in_code == ALB_OK)
        r->in_code = why;
    if (r->hand == ALB_HAND_WAITING) {
        if (r->wait == ALB_WAIT_FUTURE) {
            if (!told(r)) {
                take_off(r, true);
                return;
            }
        } else {
            if (r->wait == ALB_WAIT_DRAIN && !told(r))
                r->ending = true;
            r->hand = ALB_HAND_QUEUED;
            go = true;
        }
    }
    alb_mutex_unlock(&r->mtx);
    if (go)
        resume(r);
}

void alb_hand_cut(struct alb_req *r)
{
    alb_mutex_lock(&r->mtx);
    if (r->hand == ALB_HAND_WAITING && r->wait == ALB_WAIT_FUTURE && r->registered) {
        take_off(r, true);
        return;
    }
    alb_mutex_unlock(&r->mtx);
}

void alb_hand_timeout(struct alb_req *r, int64_t now)
{
    bool go = false;

    alb_mutex_lock(&r->mtx);
    if (r->hand == ALB_HAND_WAITING && now >= r->wait_until) {
        r->wait_until = ALB_NEVER;
        if (r->wait == ALB_WAIT_FUTURE) {
            if (r->registered) {
                take_off(r, false);
                return;
            }
        } else {
            r->timeout = true;
            r->hand = ALB_HAND_QUEUED;
            go = true;
        }
    }
    alb_mutex_unlock(&r->mtx);
    if (go)
        resume(r);
}
