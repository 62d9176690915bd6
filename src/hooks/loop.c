/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread of the room. Each turn: take what came in, end what is over, over its time or nobody's, start
 * what has a place, and wait for a program's pipe, a program's end, a signal (eventfd) or the next deadline.
 */
#include <errno.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "hooks/priv.h"

#define LINGER_NS ALB_NS_PER_S /* at the end, for killed programs to go */

static const struct alb_hook_way *way_of(const struct alb_hooks *h)
{
    return h->dir ? &alb_hook_by_command : &alb_hook_by_web;
}

/* ---- ends ---- */

/* The future of an ask, and the books. *reply is used up; NULL: *err says why. */
static void answer(struct alb_hook_run *run, struct alb_hook_reply *reply, const struct alb_err *err)
{
    struct alb_hooks *h = run->room;
    struct alb_err none = ALB_ERR_INIT;
    struct alb_str id = alb_buf_view(&run->id);
    run->ended = true;
    if (run->spooled)
        alb_spool_ended(run, reply ? ALB_OK : err->code);
    if (reply) {
        alb_log(ALB_LOG_DEBUG, "HookInvocationFinish", ALB_LOG_C("type", alb_hook_name(run->type)),
                ALB_LOG_STR("id", id));
        struct alb_obj *result =
            h->config.result ? h->config.result(run->type, reply) : alb_obj_ref(&reply->obj);
        alb_obj_unref(&reply->obj);
        if (result) {
            (void)alb_future_settle(&run->title, result); /* of a tell it is released */
            return;
        }
        (void)alb_fail(&none, ALB_E_NO_MEMORY, "no memory for a hook's answer");
        err = &none;
    }
    atomic_fetch_add(&h->errors[run->type], 1);
    alb_log(ALB_LOG_ERROR, "HookInvocationError", ALB_LOG_C("type", alb_hook_name(run->type)),
            ALB_LOG_STR("id", id), ALB_LOG_C("error", err->msg));
    (void)alb_future_fail(&run->title, err);
}

static void answer_error(struct alb_hook_run *run, enum alb_code code, const char *text)
{
    struct alb_err err = ALB_ERR_INIT;
    (void)alb_fail(&err, code, "%s", text);
    answer(run, NULL, &err);
}

static bool is_forsaken(struct alb_hook_run *run)
{
    return atomic_load(&run->signals) & ALB_RUN_FORSAKEN;
}

/* Progress that nobody has begun to hear of and nobody wants to any more: no failure of the hook. */
static void skip(struct alb_hook_run *run)
{
    struct alb_err err = ALB_ERR_INIT;
    run->ended = true;
    atomic_fetch_add(&run->room->dropped[run->type], 1);
    (void)alb_fail(&err, ALB_E_CANCELLED, "nobody waits for the hook any more");
    (void)alb_future_fail(&run->title, &err);
}

/* Progress that runs and that nobody waits for has a moment to come to its end; and at the end of the server,
 * what is told again anyway. */
static void hurry(struct alb_hook_run *run, int64_t now)
{
    int64_t soon = alb_deadline(now, ALB_HOOKS_LEFT_NS);
    if (run->hurried)
        return;
    run->hurried = true;
    run->deadline = soon < run->deadline ? soon : run->deadline;
}

/* ---- one turn ---- */

static void take_inbox(struct alb_hooks *h, bool *stopping, int64_t *stop_by)
{
    alb_mutex_lock(&h->mtx);
    struct alb_hook_run *in = h->inbox, *oldest = NULL;
    h->inbox = NULL;
    *stopping = h->stopping;
    *stop_by = h->stop_by;
    alb_mutex_unlock(&h->mtx);
    while (in) {
        struct alb_hook_run *run = in;
        in = run->next;
        run->next = oldest;
        oldest = run;
    }
    while (oldest) {
        struct alb_hook_run *run = oldest;
        struct alb_hook_queue *q = &h->lanes[run->lane];
        oldest = run->next;
        run->next = NULL;
        *q->waiting_end = run;
        q->waiting_end = &run->next;
    }
}

/* Those in the queue that need not, or may not, begin any more. */
static void prune(struct alb_hook_queue *q, int64_t now, bool stopping, bool cut)
{
    struct alb_hook_run **at = &q->waiting;
    while (*at) {
        struct alb_hook_run *run = *at;
        bool over = now >= run->deadline,
             later = stopping && run->spooled; /* its file waits for the next start */
        bool unwanted = cut || later || is_forsaken(run) || (stopping && run->lane == ALB_LANE_PROGRESS);
        if (!over && !unwanted) {
            at = &run->next;
            continue;
        }
        *at = run->next;
        if (run->lane == ALB_LANE_PROGRESS && !over)
            skip(run);
        else if (!later)
            answer_error(run, over ? ALB_E_TIMEOUT : ALB_E_CANCELLED,
                         over ? "it did not get its turn in time" : "stopped");
        alb_hook_run_unref(run);
    }
    q->waiting_end = at;
}

static void step(struct alb_hook_run *run, int64_t now, bool stopping, bool cut)
{
    const struct alb_hook_way *way = way_of(run->room);
    struct alb_err err = ALB_ERR_INIT;
    struct alb_hook_reply *reply = NULL;
    if (run->ended)
        return;
    bool is_progress = run->lane == ALB_LANE_PROGRESS, later = stopping && run->spooled;
    if (later || (is_progress && (stopping || is_forsaken(run))))
        hurry(run, now);
    if (way->go_on(run, &reply, &err)) {
        answer(run, reply, &err);
    } else if (now >= run->deadline) {
        way->stop(run);
        answer_error(run, later ? ALB_E_CANCELLED : ALB_E_TIMEOUT,
                     later ? "the server stops: it is told again" : "the hook took too long");
    } else if (cut || (is_forsaken(run) && !is_progress)) {
        way->stop(run);
        answer_error(run, ALB_E_CANCELLED, "nobody waits for the hook any more");
    }
}

static void step_all(struct alb_hooks *h, struct alb_hook_queue *q, int64_t now, bool stopping, bool cut)
{
    for (struct alb_hook_run **at = &q->running; *at;) {
        struct alb_hook_run *run = *at;
        step(run, now, stopping, cut);
        if (!run->ended || !way_of(h)->gone(run)) {
            at = &run->next;
            continue;
        }
        *at = run->next;
        q->running_count--;
        atomic_fetch_sub(&h->running, 1);
        alb_hook_run_unref(run);
    }
}

static void start_one(struct alb_hooks *h, struct alb_hook_queue *q)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_hook_reply *reply = NULL;
    struct alb_hook_run *run = q->waiting;
    q->waiting = run->next;
    if (!q->waiting)
        q->waiting_end = &q->waiting;
    run->next = q->running;
    q->running = run;
    q->running_count++;
    if (run->spooled)
        atomic_fetch_add(&h->invocations[run->type], 1);
    atomic_fetch_add(&h->running, 1);
    if (!run->title.future) /* nobody waits: its turn is not counted */
        run->deadline = alb_deadline(alb_hooks_now(), h->dir ? h->config.tell_ns : h->config.http_ns);
    alb_log(ALB_LOG_DEBUG, "HookInvocationStart", ALB_LOG_C("type", alb_hook_name(run->type)),
            ALB_LOG_STR("id", alb_buf_view(&run->id)));
    if (!way_of(h)->start(run, &reply, &err))
        answer(run, reply, &err);
}

/* ---- waiting ---- */

/* When the run needs us, whatever its descriptors say. */
static int64_t due_of(const struct alb_hook_run *run)
{
    bool pausing = !run->fetch && run->resume_at > 0 && run->resume_at < run->deadline;
    return run->ended ? ALB_NEVER : pausing ? run->resume_at : run->deadline;
}

/* Fills h->polls; returns the earliest deadline of all runs. */
static int64_t collect(struct alb_hooks *h, nfds_t *n)
{
    int64_t next = ALB_NEVER, due;
    h->polls[0] = (struct pollfd){.fd = h->wake, .events = POLLIN, .revents = 0};
    *n = 1;
    for (size_t lane = 0; lane < ALB_LANE_COUNT; lane++) {
        for (const struct alb_hook_run *run = h->lanes[lane].waiting; run; run = run->next)
            next = run->deadline < next ? run->deadline : next;
        for (const struct alb_hook_run *run = h->lanes[lane].running; run; run = run->next) {
            *n += way_of(h)->polls(run, h->polls + *n);
            due = due_of(run);
            next = due < next ? due : next;
        }
    }
    return next;
}

static void wait_for_news(struct alb_hooks *h, int64_t until)
{
    nfds_t n;
    int64_t next = collect(h, &n), now = alb_hooks_now();
    next = until < next ? until : next;
    int64_t left = next > now ? next - now : 0;
    struct timespec ts = {.tv_sec = (time_t)(left / ALB_NS_PER_S), .tv_nsec = (long)(left % ALB_NS_PER_S)};
    if (ppoll(h->polls, n, next == ALB_NEVER ? NULL : &ts, NULL) > 0 && h->polls[0].revents) {
        uint64_t count;
        ssize_t got = read(h->wake, &count, sizeof(count));
        (void)got; /* it is only emptied */
    }
}

static bool is_idle(const struct alb_hooks *h)
{
    for (size_t lane = 0; lane < ALB_LANE_COUNT; lane++)
        if (h->lanes[lane].waiting || h->lanes[lane].running)
            return false;
    return true;
}

/* What the system does not let go in time is left to it: it dies, and nobody is answered by it. */
static void abandon(struct alb_hooks *h)
{
    for (size_t lane = 0; lane < ALB_LANE_COUNT; lane++) {
        struct alb_hook_queue *q = &h->lanes[lane];
        while (q->running) {
            struct alb_hook_run *run = q->running;
            ALB_CHECK(run->ended);
            q->running = run->next;
            alb_log(ALB_LOG_WARN, "a hook that was killed is still there",
                    ALB_LOG_C("type", alb_hook_name(run->type)), ALB_LOG_INT("pid", run->pid));
            alb_hook_run_unref(run);
        }
    }
}

static void turn(struct alb_hooks *h, int64_t now, bool stopping, bool cut)
{
    if (h->spool >= 0 && !stopping)
        alb_spool_fill(h, now);
    for (size_t lane = 0; lane < ALB_LANE_COUNT; lane++) {
        struct alb_hook_queue *q = &h->lanes[lane];
        step_all(h, q, now, stopping, cut);
        prune(q, now, stopping, cut);
        while (q->waiting && q->running_count < q->places) {
            while (q->waiting && q->running_count < q->places)
                start_one(h, q);
            step_all(h, q, now, stopping, cut); /* what was over at its start makes room at once */
        }
    }
}

/* When there is work although nothing has happened. */
static int64_t idle_until(const struct alb_hooks *h, int64_t now)
{
    if (h->spool < 0)
        return ALB_NEVER;
    bool room = !h->lanes[ALB_LANE_TELL].waiting && atomic_load(&h->spool_news);
    return room ? now : h->spool_next;
}

void *alb_hooks_loop(void *room)
{
    struct alb_hooks *h = room;
    alb_thread_working_on("hooks");
    for (;;) {
        bool stopping;
        int64_t stop_by;
        take_inbox(h, &stopping, &stop_by);
        int64_t now = alb_hooks_now();
        bool cut = stopping && now >= stop_by;
        turn(h, now, stopping, cut);
        if (stopping && is_idle(h))
            return NULL;
        if (cut && now >= alb_deadline(stop_by, LINGER_NS)) {
            abandon(h);
            return NULL;
        }
        int64_t until = stopping ? stop_by : idle_until(h, now);
        wait_for_news(h, cut ? alb_deadline(stop_by, LINGER_NS) : until);
    }
}
