/* SPDX-License-Identifier: Apache-2.0
 *
 * One render: holds the title of a flight from start to end. Private to src/render.
 *
 * A job is an actor (base/actor.h).
 *
 *   LOOKING --hit--> end(settle)    --failed lately--> end(fail)
 *      | miss; another process makes it: CLAIMING, a bounded time --it has ended--> LOOKING
 *      | miss; its plan is for a level of the source: LEVELLING, until another job has made that --> the plan, with it
 *      | miss: plan, open the original
 *   VERIFYING   blocks of the original, a slice per turn of the pool
 *      | all good
 *   PROBING     an origin whose header is not known yet is looked at, without a lease (a lane of its own)
 *      | plan
 *   QUEUED  for a lease of its lane --refused--> end(resign)
 *      | granted
 *   RUNNING in a worker --done--> lease released, end(settle | fail | resign)
 *      | a trim was found: the plan is made again, QUEUED
 *      | its time is nearly up, and it may degrade: RUNNING again in a faster format
 *
 * Forsaken: before RUNNING it ends (resign: a newcomer inherits); RUNNING its lease is abandoned, and adopted
 * again if somebody came meanwhile when the slot is wanted; else the worker is killed.
 * Hurried: a background job that a person has joined goes on as a foreground one: later turns in the pool,
 * and its place in the queue for a slot, which it takes anew with that person's deadline. Cancelled
 * (closing): ends in every stage as soon as it can; a running worker is killed.
 *
 * What ends a job for reasons of its own (no slot, killed for another, nobody waits) is a resignation with
 * BUSY; what lies in the picture (also: too slow to make) is an answer for all who wait.
 *
 * Invariant: a job is in one list of its render from before its flight can be joined by anybody else until it
 * is freed; so whoever joins a flight under the render's mtx finds the job, or its title is on its way to an
 * heir.
 */
#ifndef ALB_RENDER_JOB_H
#define ALB_RENDER_JOB_H

#include "base/actor.h"
#include "base/arena.h"
#include "base/lock.h"
#include "blob/claims.h"
#include "blob/store.h"
#include "image/darkroom.h"
#include "render/hot.h"
#include "render/inputs.h"
#include "render/render.h"

enum alb_render_stage {
    ALB_RENDER_LOOKING,
    ALB_RENDER_CLAIMING,
    ALB_RENDER_LEVELLING,
    ALB_RENDER_VERIFYING,
    ALB_RENDER_PROBING,
    ALB_RENDER_QUEUED,
    ALB_RENDER_RUNNING,
};

struct alb_order;

struct alb_render_job {
    /* fixed after create */
    struct alb_render *render;
    struct alb_flight_key key;
    struct alb_arena *arena; /* holds the options */
    struct alb_plan_options *options;
    struct alb_str labels; /* in the arena, as they are written into the file */
    uint64_t purges;       /* that its making knows of */
    struct alb_claim claim; /* waits while CLAIMING */
    int64_t begun;
    bool is_level; /* what it makes is for other jobs */
    bool own_limits;
    enum alb_render_door door; /* that asked first, and the source that it asked for: for the books */
    struct alb_str source;     /* in the arena */
    struct alb_actor actor;
    /* owned by the turn that runs (before the start: by the maker) */
    struct alb_owner owner;
    enum alb_render_stage stage;
    struct alb_render_inputs inputs;
    struct alb_rect trims[ALB_PLAN_TRIMS]; /* in the order of the plan's questions */
    uint32_t trim_count;
    struct alb_plan_limits limits;
    bool may_degrade, degraded;
    int64_t deadline; /* monotonic: of whoever asked; 0: none */
    int64_t asked_line; /* monotonic: how long that one waits for a slot at most */
    struct alb_plan *plan; /* NULL until it is made */
    struct alb_lease lease;
    bool leased, cancelled, overdue, claimed;
    int64_t claim_until; /* real monotonic: then it is made here too; 0: it has not waited */
    int64_t queued_at; /* monotonic: when it asked for the slot that it has not got yet; 0: it does not ask */
    int64_t run_until; /* monotonic: of the slot that it has */
    struct alb_darkroom_job darkroom;
    uint64_t ticket;       /* of the darkroom, 0 = none */
    enum alb_code refusal; /* written before the REFUSED event, read after it */
    /* while LEVELLING */
    struct alb_future *level; /* a reference, or NULL */
    struct alb_waiter level_waiter;
    enum alb_wake level_why; /* written before the LEVEL event, read after it */
    struct alb_flight_key level_key;
    enum alb_lease_class level_cls; /* as which it was asked for */
    int64_t level_begun;
    bool anew; /* the source itself was decoded for the level that it is made of */
    /* under the render's mtx */
    enum alb_lease_class list; /* where it stands */
    int64_t waited_since;      /* since when somebody of that class waits */
    int64_t hurry_deadline;    /* of the person who joined; read after the HURRY event */
    struct alb_render_job *prev, *next;
};

struct alb_render {
    /* fixed after create */
    struct alb_render_config config;
    struct alb_flight *flights;
    struct alb_flight *level_flights; /* of their own: who waits for one must not be refused for being there itself */
    struct alb_lease_pool *leases;       /* rasters, RAW */
    struct alb_lease_pool *vectors;      /* SVG, PDF */
    struct alb_lease_pool *order_places; /* order.h */
    struct alb_flight *order_flights;
    struct alb_failures *failures;
    struct alb_headers *headers;
    struct alb_hot_cache *hot;
    struct alb_books *books;
    int64_t started_ms; /* wall */
    /* under mtx */
    struct alb_mutex mtx;
    struct alb_cond none_left;
    struct alb_render_job *jobs[ALB_LEASE_CLASS_COUNT];
    unsigned job_count;
    struct alb_order *orders;
    unsigned order_count;
    unsigned ahead_count; /* ahead.c */
    bool closing;
};

/* order.c: cancels this one and those behind it. The render's mtx is held. */
void alb_render_order_cancel_locked(struct alb_order *first);
/* A job without a title, in no list, with its own copy of `options`, which are as in the key. NULL: no memory. */
struct alb_render_job *alb_render_job_new(struct alb_render *render, const struct alb_render_ask *ask,
                                          const struct alb_plan_options *options,
                                          const struct alb_flight_key *key) ALB_MUST_CHECK;
void alb_render_job_drop(struct alb_render_job *job); /* one that was never linked */
/* job_list.c. Puts it into the list of its class. Its render's mtx is held, its owner is set. */
void alb_render_job_link_locked(struct alb_render_job *job);
/* Takes it out again, its title has ended; without locks. */
void alb_render_job_forget(struct alb_render_job *job);
/* The render's mtx is held: a person waits for this job of the background now / the render is closing. The job hears of
 * it by these events. */
#define ALB_RENDER_JOB_CANCEL ALB_ACTOR_EVENT(7)
#define ALB_RENDER_JOB_HURRY ALB_ACTOR_EVENT(8)
void alb_render_job_hurry_locked(struct alb_render_job *job, int64_t deadline);
void alb_render_job_cancel_locked(struct alb_render_job *job);
/* It goes its way by itself from here on. Linked; without locks. */
void alb_render_job_start(struct alb_render_job *job);
/* job_claim.c. The event that the waiting for another process is over; whether it waits now (its stage is CLAIMING);
 * what it claims is given back, and nothing wakes it any more; who asks, and what can purge it (without memory:
 * anything). */
#define ALB_RENDER_JOB_CLAIM ALB_ACTOR_EVENT(9)
bool alb_render_job_waits_for_another(struct alb_render_job *job);
void alb_render_job_unclaim(struct alb_render_job *job);
void alb_render_job_label(struct alb_render_job *job, const struct alb_render_ask *ask);
/* job_level.c. The event that the level has come, or not; whether it was left (false: the event will come). */
#define ALB_RENDER_JOB_LEVEL ALB_ACTOR_EVENT(10)
enum alb_render_level {
    ALB_RENDER_LEVEL_THERE,   /* and is what the worker gets */
    ALB_RENDER_LEVEL_NOT_YET, /* the event will come again */
    ALB_RENDER_LEVEL_REFUSED, /* to the background: resign */
    ALB_RENDER_LEVEL_FAILED,
};
/* With a plan that names one: waits from here on. */
enum alb_code alb_render_job_level_ask(struct alb_render_job *job, struct alb_err *err) ALB_MUST_CHECK;
enum alb_render_level alb_render_job_level_take(struct alb_render_job *job, bool unwanted,
                                                struct alb_err *err) ALB_MUST_CHECK;
bool alb_render_job_level_leave(struct alb_render_job *job) ALB_MUST_CHECK;
void alb_render_job_level_hurry(struct alb_render_job *job);
/* render.c: as alb_render_start and alb_render_inherit, of a level; options as they are. */
enum alb_code alb_render_level_start(struct alb_render *render, const struct alb_render_ask *ask, struct alb_waiter *w,
                                     struct alb_flight_key *key, struct alb_future **future,
                                     struct alb_err *err) ALB_MUST_CHECK;
void alb_render_level_inherit(struct alb_render *render, const struct alb_render_ask *ask, struct alb_owner *owner,
                              struct alb_waiter *w);
/* ahead.c. Before the job's title ends, with all that it has made: what of its source is to be made next, or NULL. When
 * the answer is out: begins with it and takes it (NULL: nothing). */
struct alb_render_ahead;
struct alb_render_ahead *alb_render_ahead_of(const struct alb_render_job *job);
void alb_render_ahead_go(struct alb_render_ahead *ahead);
/* A person waits for the job of that key, if there is one in the background. The render's mtx is held. */
void alb_render_hurry_locked(struct alb_render *render, const struct alb_flight_key *key, int64_t deadline);
/* job_make.c: parts of its turns. */
enum alb_code alb_render_job_plan(struct alb_render_job *job, struct alb_err *err) ALB_MUST_CHECK;
/* Whether a failure lies in what was worked on, not in the load of this machine. */
bool alb_render_lies_in_the_file(const struct alb_darkroom_job *d, enum alb_code code);
void alb_render_job_note_failure(struct alb_render_job *job, enum alb_code code);
struct alb_picture *alb_render_job_from_disk(struct alb_render_job *job); /* a reference, or NULL */
bool alb_render_job_add_trim(struct alb_render_job *job, const struct alb_rect *found) ALB_MUST_CHECK;
/* Changes what is wanted into something faster; false: there is nothing faster. Plan again then. */
bool alb_render_job_degrade(struct alb_render_job *job) ALB_MUST_CHECK;
/* Before a slot is asked for and when it is there, with a plan. The latest moment for a slot: what is left then is
 * enough for the faster one. Whether no time is left to try the good one at all: degrade then. */
int64_t alb_render_job_line_ends(const struct alb_render_job *job);
bool alb_render_job_is_late(const struct alb_render_job *job);
/* The rule, pure. What making the faster one of a plan takes on a busy machine, ns; how much of `left` ns the good one
 * may be tried for so that `need` remains, and a third in any case. 0: not worth it. */
int64_t alb_render_makeshift_need(const struct alb_plan *plan);
int64_t alb_render_first_try(int64_t left, int64_t need);
/* Hands RENDER or HEADER to the darkroom. */
enum alb_code alb_render_job_order(struct alb_render_job *job, enum alb_darkroom_work work,
                                   alb_job_done_fn *done, struct alb_err *err) ALB_MUST_CHECK;
/* What the worker has made, as those who asked get it. NULL: no memory. */
struct alb_picture *alb_render_job_picture(struct alb_render_job *job);
/* Takes the header that a HEADER order has brought. */
enum alb_code alb_render_job_learn(struct alb_render_job *job, struct alb_err *err) ALB_MUST_CHECK;

#endif
