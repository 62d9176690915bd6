/* SPDX-License-Identifier: Apache-2.0
 *
 * The durable job queue: rows in the catalog, written in the transaction that makes them necessary (law 6). A
 * runner leases jobs (owner + deadline) and completes them by compare-and-set on the lease: a runner that was
 * too slow cannot complete what another has taken over. One waiting job per (kind, subject): adding it
 * again raises its input revision and priority instead.
 *
 *   WAITING --lease--> LEASED --done--> (row deleted, counted)
 *      ^                | | \--fail, attempts left--> WAITING with run_at = now + back-off
 *      |                | \----fail, none left-----> FAILED --retry--> WAITING
 *      \--lease overdue-/
 */
#ifndef ALB_LIBRARY_JOB_H
#define ALB_LIBRARY_JOB_H

#include "library/library.h"

enum alb_job_priority { ALB_JOB_LOW = 0, ALB_JOB_NORMAL = 1, ALB_JOB_HIGH = 2 };
enum alb_job_state { ALB_JOB_WAITING = 0, ALB_JOB_LEASED = 1, ALB_JOB_FAILED = 2 };
#define ALB_JOB_KIND_MAX 48

struct alb_job_new {
    struct alb_str kind; /* [a-z._-]+, e.g. "asset.extract" */
    int64_t subject;     /* usually an asset id; 0 = the asset of this call, or none */
    int64_t input_rev;   /* of the subject; 0 with subject 0 = as it is now */
    enum alb_job_priority priority;
    int64_t delay_ms;
    int max_attempts;    /* 0 = 5 */
    struct alb_str args; /* for the job's own use, <= 4 KiB */
};
struct alb_job {
    int64_t id, subject, input_rev;
    enum alb_job_state state;
    enum alb_job_priority priority;
    int attempts, max_attempts;
    int64_t run_at, lease_until, created_at;
    struct alb_str kind, args, last_error;
};
struct alb_job_batch {
    struct alb_obj obj;
    size_t count; /* may be 0 */
    const struct alb_job *jobs;
    int64_t next_run_at; /* wall ms of the next delayed job of these kinds, INT64_MAX = none */
    struct alb_arena *arena;
};

enum alb_code alb_library_job_add(struct alb_library *lib, const struct alb_job_new *jobs, size_t count,
                                  struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;
/* Up to `max` (<= 64) jobs of the kinds (not paused ones), highest priority first, then oldest. `owner` names
 * the runner, unique among runners. Result struct alb_job_batch. */
enum alb_code alb_library_job_lease(struct alb_library *lib, const struct alb_str *kinds, size_t kind_count,
                                    struct alb_str owner, int64_t lease_ms, size_t max,
                                    struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;
/* CONFLICT if the lease is no longer the owner's. */
enum alb_code alb_library_job_done(struct alb_library *lib, int64_t job, struct alb_str owner,
                                   struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_library_job_extend(struct alb_library *lib, int64_t job, struct alb_str owner,
                                     int64_t lease_ms, struct alb_future **future,
                                     struct alb_err *err) ALB_MUST_CHECK;
/* retry false: FAILED at once. Back-off: 2 s, 4 s, 8 s … at most 1 h, plus up to a quarter by chance. */
enum alb_code alb_library_job_fail(struct alb_library *lib, int64_t job, struct alb_str owner, bool retry,
                                   struct alb_str error, struct alb_future **future,
                                   struct alb_err *err) ALB_MUST_CHECK;
/* Gives a lease back without counting an attempt (shutdown, yielding). */
enum alb_code alb_library_job_release(struct alb_library *lib, int64_t job, struct alb_str owner,
                                      struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;
/* All failed jobs of a kind wait again / are dropped. Result alb_done (count). */
enum alb_code alb_library_job_retry(struct alb_library *lib, struct alb_str kind, bool drop,
                                    struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;
/* Nobody leases this kind until `until_ms` (INT64_MAX = until resumed; 0 = resume). */
enum alb_code alb_library_job_pause(struct alb_library *lib, struct alb_str kind, int64_t until_ms,
                                    int64_t actor, struct alb_future **future,
                                    struct alb_err *err) ALB_MUST_CHECK;

struct alb_job_counts {
    struct alb_str kind;
    int64_t waiting, leased, failed, completed;
    bool paused;
    int64_t paused_until;
};
/* O(kinds): from counters. */
enum alb_code alb_library_job_counts(struct alb_library *lib, struct alb_arena *a,
                                     struct alb_job_counts **list, size_t *count,
                                     struct alb_err *err) ALB_MUST_CHECK;

#endif
