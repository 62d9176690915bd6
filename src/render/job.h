/* SPDX-License-Identifier: Apache-2.0
 *
 * One render: holds the title of a flight from start to end. Private to src/render.
 *
 * A job is an actor (base/actor.h).
 *
 *   LOOKING --hit--> end(settle)
 *      | miss: plan, open the original
 *   VERIFYING   blocks of the original, a slice per turn of the pool
 *      | all good
 *   QUEUED  for a lease --refused--> end(resign)
 *      | granted
 *   RUNNING in a worker --done--> lease released, end(settle | fail | resign)
 *
 * Forsaken: before RUNNING it ends (resign: a newcomer inherits); RUNNING its lease is abandoned, and adopted
 * again if somebody came meanwhile when the slot is wanted; else the worker is killed.
 */
#ifndef ALB_RENDER_JOB_H
#define ALB_RENDER_JOB_H

#include "base/actor.h"
#include "base/lock.h"
#include "blob/store.h"
#include "image/darkroom.h"
#include "render/hot.h"
#include "render/render.h"

enum alb_render_stage {
    ALB_RENDER_LOOKING,
    ALB_RENDER_VERIFYING,
    ALB_RENDER_QUEUED,
    ALB_RENDER_RUNNING,
};

struct alb_render_job {
    /* fixed after create */
    struct alb_render *render;
    struct alb_flight_key key;
    struct alb_source *source; /* a reference */
    struct alb_plan_options options;
    int64_t begun;
    struct alb_actor actor;
    /* owned by the turn that runs */
    struct alb_owner owner;
    enum alb_render_stage stage;
    struct alb_blob_reader *reader;
    struct alb_plan plan;
    struct alb_lease lease;
    bool leased;
    struct alb_darkroom_job darkroom;
    /* atomic */
    _Atomic uint64_t ticket; /* of the darkroom, 0 = none */
    enum alb_code refusal;   /* written before the REFUSED event, read after it */
    /* under the render's mtx */
    struct alb_render_job *prev, *next;
};

struct alb_render {
    /* fixed after create */
    struct alb_render_config config;
    struct alb_flight *flights;
    struct alb_lease_pool *leases;
    struct alb_hot_cache *hot;
    /* under mtx */
    struct alb_mutex mtx;
    struct alb_cond none_left;
    struct alb_render_job *jobs;
    unsigned job_count;
    /* atomic */
    atomic_bool closing;
};

/* Takes *owner; the job goes its way by itself. Out of memory, or closing: the flight fails. */
void alb_render_job_begin(struct alb_render *render, const struct alb_render_ask *ask,
                          const struct alb_flight_key *key, struct alb_owner *owner);
/* Asks a running job to end soon (closing). */
void alb_render_job_cancel(struct alb_render_job *job);

#endif
