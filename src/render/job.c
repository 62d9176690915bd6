/* SPDX-License-Identifier: Apache-2.0
 *
 * The stages of a render job (job.h). Everything here runs in turns of the job's actor, but for the
 * callbacks, which only post.
 */
#include "render/job.h"

#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/mem.h"
#include "base/stat.h"
#include "image/probe.h"
#include "render/books.h"
#include "render/failures.h"
#include "render/picture.h"

enum {
    EV_TURN = ALB_ACTOR_EVENT(0), /* begin, or the next slice */
    EV_GRANTED = ALB_ACTOR_EVENT(1),
    EV_REFUSED = ALB_ACTOR_EVENT(2),
    EV_DONE = ALB_ACTOR_EVENT(3),
    EV_FORSAKEN = ALB_ACTOR_EVENT(4),
    EV_WANTED = ALB_ACTOR_EVENT(5),
    EV_OVERDUE = ALB_ACTOR_EVENT(6),
    EV_CANCEL = ALB_RENDER_JOB_CANCEL,
    EV_HURRY = ALB_RENDER_JOB_HURRY,
    EV_CLAIM = ALB_RENDER_JOB_CLAIM,
    EV_LEVEL = ALB_RENDER_JOB_LEVEL,
};

#define VERIFY_SLICE ((int64_t)32 << 20) /* about 5 ms of reading from the page cache */
#define HOLD_GRACE (2 * ALB_NS_PER_S)
#define OPTIONS_ARENA ((size_t)1 << 20) /* the longest that are valid take less */

/* ---- events ---- */

static void post(struct alb_render_job *job, unsigned event)
{
    alb_actor_post(&job->actor, event);
}

static void on_granted(struct alb_lease *l)
{
    post(ALB_CONTAINER_OF(l, struct alb_render_job, lease), EV_GRANTED);
}

static void on_refused(struct alb_lease *l, enum alb_code code)
{
    struct alb_render_job *job = ALB_CONTAINER_OF(l, struct alb_render_job, lease);
    job->refusal = code;
    post(job, EV_REFUSED);
}

static void on_reclaim(struct alb_lease *l, enum alb_reclaim why)
{
    post(ALB_CONTAINER_OF(l, struct alb_render_job, lease),
         why == ALB_RECLAIM_WANTED ? EV_WANTED : EV_OVERDUE);
}

static void on_forsaken(void *arg)
{
    post(arg, EV_FORSAKEN);
}

static void on_done(struct alb_darkroom_job *dj)
{
    post(ALB_CONTAINER_OF(dj, struct alb_render_job, darkroom), EV_DONE);
}

/* ---- the end ---- */

void alb_render_job_drop(struct alb_render_job *job)
{
    alb_render_inputs_drop(&job->inputs);
    alb_arena_free(&job->arena);
    alb_mem_free(job->plan);
    alb_mem_free(job);
}

/* The title has ended and the lease is back: nothing points to the job any more (future.h C4, lease.h L3). */
static void job_free(struct alb_render_job *job)
{
    alb_render_job_unclaim(job);
    alb_bytes_unref(job->darkroom.result);
    alb_probe_free(&job->darkroom.probe);
    alb_future_unref(job->level);
    alb_render_job_forget(job);
    alb_render_job_drop(job);
}

static void let_go(struct alb_render_job *job)
{
    if (job->leased)
        alb_lease_release(&job->lease);
    job->leased = false;
}

/* For reasons that hold for this job only: somebody else may want to try (law 2). False, as turns return it.
 */
static bool resign(struct alb_render_job *job, const struct alb_err *why)
{
    alb_stat_inc(ALB_STAT_RENDER_FAILED);
    let_go(job);
    (void)alb_future_resign(&job->owner, why);
    job_free(job);
    return false;
}

static bool give_up(struct alb_render_job *job, const char *text)
{
    struct alb_err err = ALB_ERR_INIT;
    (void)alb_fail(&err, ALB_E_BUSY, "%s", text);
    return resign(job, &err);
}

static bool end_badly(struct alb_render_job *job, const struct alb_err *why)
{
    if (why->code == ALB_E_BUSY || why->code == ALB_E_CANCELLED)
        return give_up(job, why->msg);
    alb_stat_inc(ALB_STAT_RENDER_FAILED);
    let_go(job);
    (void)alb_future_fail(&job->owner, why);
    job_free(job);
    return false;
}

static bool end_code(struct alb_render_job *job, enum alb_code code, const char *text)
{
    struct alb_err err = ALB_ERR_INIT;
    (void)alb_fail(&err, code, "%s", text);
    return end_badly(job, &err);
}

/* Takes the picture. It is in a cache before anyone hears of it, so that whoever comes next finds it. */
static bool end_well(struct alb_render_job *job, struct alb_picture *p, bool made)
{
    struct alb_render *r = job->render;
    enum alb_format format = made ? job->darkroom.format : ALB_FORMAT_SAME;
    struct alb_cache *disk = made && !p->no_store ? r->config.cache : NULL;
    struct alb_derived_front front = {
        .labels = job->labels, .purges = job->purges, .kind = alb_books_kind(job->door, p->format)};
    if (made)
        alb_books_made(r->books, job->door, p->format, job->source);
    let_go(job);
    struct alb_render_ahead *ahead = made && !p->no_store ? alb_render_ahead_of(job) : NULL;
    bool hot = !p->no_store && !job->is_level && alb_hot_cache_put(r->hot, &job->key, p);
    if (!hot)
        alb_picture_to_disk(disk, &job->key, format, p, &front);
    alb_stat_observe(ALB_HIST_RENDER, alb_mono(r->config.clock) - job->begun);
    alb_obj_ref(&p->obj);
    (void)alb_future_settle(&job->owner, &p->obj);
    if (hot) /* nobody waits for the disk */
        alb_picture_to_disk(disk, &job->key, format, p, &front);
    alb_obj_unref(&p->obj);
    alb_render_ahead_go(ahead);
    job_free(job);
    return false;
}

/* ---- the stages; each returns false when the job has ended ---- */

static bool run_in_worker(struct alb_render_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    job->stage = ALB_RENDER_RUNNING;
    if (job->queued_at != 0) /* not a second work in the same slot */
        alb_stat_observe(ALB_HIST_RENDER_QUEUE, alb_mono(job->render->config.clock) - job->queued_at);
    job->queued_at = 0;
    if (alb_render_job_is_late(job) && alb_render_job_degrade(job) && alb_render_job_plan(job, &err) != ALB_OK)
        return end_badly(job, &err);
    if (alb_render_job_order(job, ALB_WORK_RENDER, on_done, &err) != ALB_OK)
        return end_badly(job, &err);
    if (alb_future_is_forsaken(&job->owner))
        alb_lease_abandon(&job->lease);
    return true;
}

static struct alb_lease_pool *pool_of(const struct alb_render_job *job)
{
    return job->plan->fonts ? job->render->vectors : job->render->leases;
}

static bool ask_for_slot(struct alb_render_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    job->stage = ALB_RENDER_QUEUED;
    if (job->queued_at == 0)
        job->queued_at = alb_mono(job->render->config.clock);
    job->lease.cost = job->plan->memory;
    job->lease.queue_deadline = alb_render_job_line_ends(job);
    switch (alb_lease_request(pool_of(job), &job->lease, &err)) {
    case ALB_LEASE_HELD:
        job->leased = true;
        return run_in_worker(job);
    case ALB_LEASE_QUEUED:
        return true;
    case ALB_LEASE_REFUSED:
        break;
    }
    if (err.code == ALB_E_TOO_LARGE && job->lease.cls == ALB_LEASE_BACKGROUND)
        return resign(job, &err); /* for its share: a person has more */
    return err.code == ALB_E_TIMEOUT ? give_up(job, err.msg) : end_badly(job, &err);
}

static bool ask_for_level(struct alb_render_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    return alb_render_job_level_ask(job, &err) == ALB_OK || end_badly(job, &err);
}

/* Everything is there: asks for headers that are not known, then for a level, then for a slot. */
static bool prepare(struct alb_render_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    if (alb_render_inputs_unknown(&job->inputs) < job->inputs.count) {
        job->stage = ALB_RENDER_PROBING;
        return alb_render_job_order(job, ALB_WORK_HEADER, on_done, &err) == ALB_OK || end_badly(job, &err);
    }
    if (alb_render_job_plan(job, &err) != ALB_OK)
        return end_badly(job, &err);
    return job->plan->level > 0 && !job->inputs.levelled ? ask_for_level(job) : ask_for_slot(job);
}

static bool verify_slice(struct alb_render_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    bool done = false;
    if (alb_render_inputs_verify(&job->inputs, VERIFY_SLICE, &done, &err) != ALB_OK)
        return end_badly(job, &err);
    if (done)
        return prepare(job);
    post(job, EV_TURN);
    return true;
}

static bool open_inputs(struct alb_render_job *job)
{
    const struct alb_render *r = job->render;
    struct alb_err err = ALB_ERR_INIT;
    job->stage = ALB_RENDER_VERIFYING;
    return alb_render_inputs_open(&job->inputs, r->config.store, r->headers, &err) == ALB_OK ? verify_slice(job)
                                                                                          : end_badly(job, &err);
}

/* Where a level does, the original is not even opened. */
static bool begin(struct alb_render_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    alb_stat_inc(job->is_level ? ALB_STAT_LEVELS : ALB_STAT_RENDER_MISSES);
    if (!job->options->levels || !alb_render_inputs_headers(&job->inputs))
        return open_inputs(job);
    if (alb_render_job_plan(job, &err) != ALB_OK)
        return end_badly(job, &err);
    return job->plan->level > 0 ? ask_for_level(job) : open_inputs(job);
}

static bool look(struct alb_render_job *job)
{
    struct alb_render *r = job->render;
    struct alb_picture *p = job->is_level ? NULL : alb_render_hot(r, &job->key);
    if (!p)
        p = alb_render_job_from_disk(job);
    if (p)
        return end_well(job, p, false);
    if (alb_render_job_waits_for_another(job))
        return true;
    p = job->claimed ? alb_render_job_from_disk(job) : NULL; /* it may have come between the two looks */
    if (p)
        return end_well(job, p, false);
    enum alb_code known = alb_failures_look(r->failures, &job->key, alb_mono(r->config.clock));
    if (known != ALB_OK) {
        alb_stat_inc(ALB_STAT_RENDER_REMEMBERED);
        return end_code(job, known, "it has failed just now");
    }
    return begin(job);
}

/* A header has come. */
static bool learned(struct alb_render_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    if (job->cancelled)
        return give_up(job, "closing");
    if (alb_render_job_learn(job, &err) != ALB_OK) {
        alb_render_job_note_failure(job, err.code);
        return end_badly(job, &err);
    }
    alb_probe_free(&job->darkroom.probe);
    return prepare(job);
}

/* Another round, without the slot that this one had: it costs something else. */
static bool again(struct alb_render_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    let_go(job);
    if (job->cancelled)
        return give_up(job, "closing");
    return alb_render_job_plan(job, &err) == ALB_OK ? ask_for_slot(job) : end_badly(job, &err);
}

static bool made(struct alb_render_job *job)
{
    struct alb_darkroom_job *d = &job->darkroom;
    if (alb_plan_is_trim(job->plan))
        return alb_render_job_add_trim(job, &d->trim)
                   ? again(job)
                   : end_code(job, ALB_E_INTERNAL, "a plan trims for ever");
    struct alb_picture *p = alb_render_job_picture(job);
    return p ? end_well(job, p, true) : end_code(job, ALB_E_NO_MEMORY, "a finished picture");
}

/* Its time is up: a picture that is waited for may still be made in a faster format, in the slot that it has. */
static bool too_late(struct alb_render_job *job, const char *text)
{
    struct alb_err err = ALB_ERR_INIT;
    if (job->leased && !job->overdue && !job->cancelled && !alb_future_is_forsaken(&job->owner) &&
        alb_mono(job->render->config.clock) < job->run_until && alb_render_job_degrade(job))
        return alb_render_job_plan(job, &err) == ALB_OK ? run_in_worker(job) : end_badly(job, &err);
    alb_render_job_note_failure(job, ALB_E_TIMEOUT);
    return end_code(job, ALB_E_TIMEOUT, text);
}

static bool worker_done(struct alb_render_job *job)
{
    struct alb_darkroom_job *d = &job->darkroom;
    job->ticket = 0;
    if (d->code != ALB_E_CANCELLED && d->code != ALB_E_TIMEOUT && !alb_render_inputs_same(&job->inputs))
        return end_code(job, ALB_E_CONFLICT, "a source has changed meanwhile");
    if (d->code == ALB_OK)
        return job->stage == ALB_RENDER_PROBING ? learned(job) : made(job);
    if (d->code == ALB_E_CANCELLED && job->overdue)
        return too_late(job, "a worker did not come to an end");
    if (d->code == ALB_E_TIMEOUT && d->run_ns == 0) /* it never got to one: others of its lane are slow */
        return give_up(job, "no worker came free in time");
    if (d->code == ALB_E_TIMEOUT)
        return too_late(job, d->err.msg);
    alb_render_job_note_failure(job, d->code);
    (void)alb_fail(&d->err, d->code, "the darkroom");
    return end_badly(job, &d->err);
}

static void kill_worker(struct alb_render_job *job)
{
    if (job->ticket)
        alb_darkroom_cancel(job->render->config.darkroom, job->ticket);
}

/* ---- what others want of it ---- */

/* The last waiter has left; a newcomer may have come since. */
static bool forsaken(struct alb_render_job *job)
{
    if (!alb_future_is_forsaken(&job->owner)) {
        alb_future_on_forsaken(&job->owner, on_forsaken, job);
        return true;
    }
    switch (job->stage) {
    case ALB_RENDER_RUNNING:
        alb_lease_abandon(&job->lease);
        return true;
    case ALB_RENDER_PROBING:
        kill_worker(job); /* and ends when that has gone */
        return true;
    case ALB_RENDER_QUEUED:
        if (!alb_lease_cancel(&job->lease))
            return true; /* granted or refused is on its way and will look again */
        break;
    case ALB_RENDER_LEVELLING:
        if (!alb_render_job_level_leave(job))
            return true; /* it comes, and will look again */
        break;
    case ALB_RENDER_LOOKING:
    case ALB_RENDER_CLAIMING:
    case ALB_RENDER_VERIFYING:
        break;
    }
    return give_up(job, "nobody waits any more");
}

static bool wanted(struct alb_render_job *job)
{
    if (!alb_future_is_forsaken(&job->owner) && alb_lease_adopt(&job->lease))
        alb_future_on_forsaken(&job->owner, on_forsaken, job);
    else
        kill_worker(job);
    return true;
}

static bool granted(struct alb_render_job *job)
{
    job->leased = true;
    if (job->cancelled)
        return give_up(job, "closing");
    if (alb_future_is_forsaken(&job->owner))
        return give_up(job, "nobody waits any more");
    return run_in_worker(job);
}

static bool cancelled(struct alb_render_job *job)
{
    job->cancelled = true;
    if (job->stage == ALB_RENDER_RUNNING || job->stage == ALB_RENDER_PROBING) {
        kill_worker(job);
        return true;
    }
    if (job->stage == ALB_RENDER_QUEUED && !alb_lease_cancel(&job->lease))
        return true;
    if (job->stage == ALB_RENDER_LEVELLING && !alb_render_job_level_leave(job))
        return true;
    return give_up(job, "closing");
}

static bool hurried(struct alb_render_job *job)
{
    alb_actor_set_background(&job->actor, false);
    if (job->stage == ALB_RENDER_RUNNING)
        return true;
    if (job->stage == ALB_RENDER_QUEUED && !alb_lease_cancel(&job->lease))
        return true; /* it has a slot, or is refused one: then somebody in a hurry inherits */
    alb_mutex_lock(&job->render->mtx);
    job->lease.queue_deadline = job->asked_line = job->hurry_deadline;
    alb_mutex_unlock(&job->render->mtx);
    job->lease.cls = ALB_LEASE_FOREGROUND;
    if (job->stage == ALB_RENDER_LEVELLING)
        alb_render_job_level_hurry(job);
    return job->stage == ALB_RENDER_QUEUED ? ask_for_slot(job) : true;
}

static bool turn(struct alb_render_job *job)
{
    return job->stage == ALB_RENDER_LOOKING ? look(job) : verify_slice(job);
}

/* Whoever made it has ended, or has had its time. */
static bool claim_came(struct alb_render_job *job)
{
    return job->stage == ALB_RENDER_CLAIMING ? look(job) : true;
}

static bool level_came(struct alb_render_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    bool unwanted = job->cancelled || alb_future_is_forsaken(&job->owner);
    switch (alb_render_job_level_take(job, unwanted, &err)) {
    case ALB_RENDER_LEVEL_THERE:
        break;
    case ALB_RENDER_LEVEL_NOT_YET:
        return true;
    case ALB_RENDER_LEVEL_REFUSED:
        return resign(job, &err);
    case ALB_RENDER_LEVEL_FAILED:
        return end_badly(job, &err);
    }
    if (unwanted)
        return give_up(job, "nobody waits any more");
    alb_future_on_forsaken(&job->owner, on_forsaken, job); /* it may have come while there was a newcomer */
    return open_inputs(job);
}

static bool refused(struct alb_render_job *job)
{
    return job->refusal == ALB_E_TIMEOUT || job->refusal == ALB_E_CANCELLED
               ? give_up(job, "no slot came free in time")
               : end_code(job, job->refusal, "no slot for this picture");
}

static bool overdue(struct alb_render_job *job)
{
    job->overdue = true;
    kill_worker(job);
    return true;
}

/* In this order within one turn: what ends the job comes first, after it nothing else matters. */
static bool handle(struct alb_actor *actor, unsigned events)
{
    static const struct {
        unsigned event;
        bool (*run)(struct alb_render_job *job);
    } table[] = {
        {EV_DONE, worker_done}, {EV_REFUSED, refused},   {EV_GRANTED, granted},
        {EV_CANCEL, cancelled}, {EV_FORSAKEN, forsaken}, {EV_HURRY, hurried},
        {EV_OVERDUE, overdue},  {EV_WANTED, wanted},     {EV_TURN, turn},
        {EV_CLAIM, claim_came}, {EV_LEVEL, level_came},
    };
    struct alb_render_job *job = ALB_CONTAINER_OF(actor, struct alb_render_job, actor);
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++)
        if ((events & table[i].event) && !table[i].run(job))
            return false;
    return true;
}

/* ---- the beginning ---- */

struct alb_render_job *alb_render_job_new(struct alb_render *r, const struct alb_render_ask *ask,
                                          const struct alb_plan_options *options,
                                          const struct alb_flight_key *key)
{
    struct alb_render_job *job = alb_mem_calloc(1, sizeof(*job));
    char id[17];
    if (!job)
        return NULL;
    job->arena = alb_arena_new(OPTIONS_ARENA);
    if (job->arena)
        job->options = alb_plan_options_clone(options, job->arena);
    if (!job->options) {
        alb_arena_free(&job->arena);
        alb_mem_free(job);
        return NULL;
    }
    job->render = r;
    job->key = *key;
    alb_render_job_label(job, ask);
    job->limits = ask->limits ? *ask->limits : r->config.limits;
    job->own_limits = ask->limits != NULL;
    job->may_degrade = ask->may_degrade;
    job->deadline = ask->deadline;
    job->asked_line = ask->queue_deadline;
    alb_render_inputs_take(&job->inputs, ask);
    job->begun = job->waited_since = alb_mono(r->config.clock);
    job->list = ask->cls;
    alb_actor_init(&job->actor, r->config.pool, ask->cls == ALB_LEASE_BACKGROUND, handle, EV_TURN);
    job->lease.granted = on_granted;
    job->lease.refused = on_refused;
    job->lease.reclaim = on_reclaim;
    job->lease.cls = ask->cls;
    job->lease.queue_deadline = ask->queue_deadline;
    /* The darkroom ends it earlier; this is the net. */
    job->lease.hold_ns = alb_deadline(r->config.deadline_ns, HOLD_GRACE);
    alb_hex(key->b, 8, id);
    (void)snprintf(job->lease.owner, sizeof(job->lease.owner), "render %s", id);
    return job;
}

void alb_render_job_start(struct alb_render_job *job)
{
    alb_future_describe_owner(&job->owner, job->lease.owner);
    alb_future_on_forsaken(&job->owner, on_forsaken, job);
    alb_actor_start(&job->actor);
}
