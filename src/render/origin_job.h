/* SPDX-License-Identifier: Apache-2.0
 *
 * One flight of a source: holds the title of its future from start to end. Private to src/render.
 *
 * A job is an actor (base/actor.h).
 *
 *   LOOKING --local--> opened, end
 *      | http: the note of a copy
 *      |--fresh--> VERIFYING --good--> end             --damaged--> quarantine, FETCHING
 *      |--stale, none--> FETCHING --304--> VERIFYING
 *                           | redirect: FETCHING the next hop
 *                           | body: pipe -> spool
 *                           \--whole--> kept, end
 *   every stage --failure of the source--> settled with it
 *   every stage --forsaken, closing--> out of the table, transfer cut, failed CANCELLED, BUSY
 *   ended, but the transfer's wake is on its way: ENDED until that has come, then freed
 *
 * Invariants: a job is in the table of its room from before anybody else can join it until just before its
 * title ends: whoever finds it there finds an owned future, and so nobody joins one that is about to be
 * given up. The decision that nobody waits is made under the room's mtx, which every joiner holds.
 */
#ifndef ALB_RENDER_ORIGIN_JOB_H
#define ALB_RENDER_ORIGIN_JOB_H

#include "base/actor.h"
#include "blob/store.h"
#include "render/origin_fresh.h"
#include "render/origin_pipe.h"
#include "render/origin_priv.h"
#include "render/origin_spool.h"

enum {
    ALB_ORIGIN_EV_TURN = ALB_ACTOR_EVENT(0), /* begin, or the next slice */
    ALB_ORIGIN_EV_DATA = ALB_ACTOR_EVENT(1),
    ALB_ORIGIN_EV_FETCHED = ALB_ACTOR_EVENT(2),
    ALB_ORIGIN_EV_FORSAKEN = ALB_ACTOR_EVENT(3),
    ALB_ORIGIN_EV_CANCEL = ALB_ACTOR_EVENT(4),
};

enum alb_origin_stage {
    ALB_ORIGIN_LOOKING,
    ALB_ORIGIN_VERIFYING,
    ALB_ORIGIN_FETCHING,
    ALB_ORIGIN_ENDED,
};

struct alb_origin_job {
    /* fixed after create */
    struct alb_origins *origins;
    unsigned char flight[32];
    struct alb_derived_key copy_key;
    struct alb_origin_ask ask; /* its texts in `memory`; policy: a reference */
    char *memory;
    int64_t begun, deadline;
    uint64_t purged, known; /* as in struct alb_origin */
    struct alb_actor actor;
    struct alb_future *future; /* a reference */
    /* owned by the turn that runs (before the start: by the maker) */
    struct alb_owner owner;
    enum alb_origin_stage stage;
    struct alb_url first, hop; /* where it began, where it is */
    unsigned hops;
    bool redirected; /* by something temporary: `way` is how fresh that is */
    struct alb_origin_fresh way;
    struct alb_buf jar; /* cookies of the way */
    /* the transfer */
    struct alb_future *fetch; /* NULL: none */
    struct alb_waiter waiter; /* on it, while `pending` */
    bool pending, conditional;
    int64_t asked_ms; /* wall */
    struct alb_origin_pipe *pipe;
    struct alb_buf drain;
    struct alb_origin_spool spool;
    bool spooling;
    /* the copy that is kept */
    struct alb_derived kept; /* of the note: what its views point into */
    struct alb_origin_note note;
    bool has_note, revalidated;
    int kept_fd;
    struct alb_origin_stamp kept_stamp; /* before it was verified */
    struct alb_blob_reader *reader;
    /* under the room's mtx */
    struct alb_origin_job *prev, *next;
    bool listed;
};

/* Of the room (origin.c). Without locks. */
struct alb_origin_job *
alb_origin_job_new(struct alb_origins *origins, const struct alb_origin_ask *ask,
                   const struct alb_derived_key *copy_key,
                   const unsigned char flight[32]) ALB_MUST_CHECK; /* NULL: no memory */
void alb_origin_job_drop(struct alb_origin_job *job);              /* one that was never started */
void alb_origin_job_start(struct alb_origin_job *job);
void alb_origin_forget(struct alb_origin_job *job);  /* takes it out of the table; safe twice */
bool alb_origin_forsake(struct alb_origin_job *job); /* the same if nobody waits; false: somebody does */
void alb_origin_gone(struct alb_origins *origins);   /* one job was freed */

/* Of the job (origin_job.c): each ends it and returns false, as turns do. */
bool alb_origin_job_settle(struct alb_origin_job *job, struct alb_origin *o /* take; NULL: no memory */);
bool alb_origin_job_failure(struct alb_origin_job *job, enum alb_origin_failure failure, int status,
                            const char *text);
bool alb_origin_job_fail(struct alb_origin_job *job, const struct alb_err *why);
/* The bytes of the note are verified, slice by slice, then given. */
bool alb_origin_job_verify(struct alb_origin_job *job);
void alb_origin_job_drop_note(struct alb_origin_job *job);
/* What the note says goes to the cache of notes and to memory, as far as it may. */
void alb_origin_job_remember(struct alb_origin_job *job, const struct alb_origin_note *note, bool on_disk);

/* Of http (origin_http.c): turns. */
bool alb_origin_http_look(struct alb_origin_job *job);
bool alb_origin_http_again(struct alb_origin_job *job); /* from the beginning */
bool alb_origin_http_data(struct alb_origin_job *job);
bool alb_origin_http_fetched(struct alb_origin_job *job);

/* Of local (origin_local.c). */
bool alb_origin_local(struct alb_origin_job *job);

#endif
