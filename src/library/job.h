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

#include "catalog/job.h" /* struct alb_job, alb_job_new, alb_job_counts */
#include "library/library.h"

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
/* All failed jobs of a kind wait again / are dropped; in slices. */
enum alb_code alb_library_job_retry(struct alb_library *lib, struct alb_str kind, bool drop,
                                    struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;
/* Nobody leases this kind until `until_ms` (INT64_MAX = until resumed; 0 = resume). */
enum alb_code alb_library_job_pause(struct alb_library *lib, struct alb_str kind, int64_t until_ms,
                                    int64_t actor, struct alb_future **future,
                                    struct alb_err *err) ALB_MUST_CHECK;

/* O(kinds): from counters. */
enum alb_code alb_library_job_counts(struct alb_library *lib, struct alb_arena *a,
                                     struct alb_job_counts **list, size_t *count,
                                     struct alb_err *err) ALB_MUST_CHECK;

#endif
