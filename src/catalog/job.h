/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of the job queue (states: library/job.h). Counters per kind are kept by these commands.
 */
#ifndef ALB_CATALOG_JOB_H
#define ALB_CATALOG_JOB_H

#include "catalog/catalog.h"
#include "catalog/types.h"

enum alb_job_priority { ALB_JOB_LOW = 0, ALB_JOB_NORMAL = 1, ALB_JOB_HIGH = 2 };
enum alb_job_state { ALB_JOB_WAITING = 0, ALB_JOB_LEASED = 1, ALB_JOB_FAILED = 2 };
#define ALB_JOB_KIND_MAX 48
#define ALB_JOB_ARGS_MAX 4096
#define ALB_JOB_LEASE_MAX 64 /* jobs in one lease */

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
struct alb_job_counts {
    struct alb_str kind;
    int64_t waiting, leased, failed, completed;
    bool paused;
    int64_t paused_until;
};

bool alb_job_valid(const struct alb_job_new *job);
enum alb_code alb_catalog_job_counts(struct alb_snap *s, int64_t now_ms, struct alb_arena *a,
                                     struct alb_job_counts **list, size_t *count,
                                     struct alb_err *err) ALB_MUST_CHECK;

/* Added, or merged into the one that waits for the same (kind, subject): higher input_rev, higher priority,
 * earlier time. */
enum alb_code alb_catalog_job_add(struct alb_tx *tx, const struct alb_job_new *job,
                                  struct alb_err *err) ALB_MUST_CHECK;
/* Leases the best waiting job of the kind that is due and better than nothing: *found false if there is none.
 * Text goes to the arena. */
struct alb_job_pick {
    int64_t id;
    int priority;
    int64_t run_at;
};
enum alb_code alb_catalog_job_best(struct alb_snap *s, struct alb_str kind, int64_t now_ms,
                                   struct alb_job_pick *pick, bool *found,
                                   struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_job_lease(struct alb_tx *tx, int64_t id, struct alb_str owner, int64_t until_ms,
                                    struct alb_arena *a, struct alb_job *out,
                                    struct alb_err *err) ALB_MUST_CHECK;
/* When the next delayed job of the kind is due; INT64_MAX = none. */
enum alb_code alb_catalog_job_next(struct alb_snap *s, struct alb_str kind, int64_t *run_at,
                                   struct alb_err *err) ALB_MUST_CHECK;

/* The following are CONFLICT unless `owner` holds the lease. */
enum alb_code alb_catalog_job_done(struct alb_tx *tx, int64_t id, struct alb_str owner,
                                   struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_job_extend(struct alb_tx *tx, int64_t id, struct alb_str owner, int64_t until_ms,
                                     struct alb_err *err) ALB_MUST_CHECK;
/* retry_at -1: failed for good (also when no attempts are left). count_attempt false: given back. */
enum alb_code alb_catalog_job_fail(struct alb_tx *tx, int64_t id, struct alb_str owner, int64_t retry_at,
                                   bool count_attempt, struct alb_str error,
                                   struct alb_err *err) ALB_MUST_CHECK;
/* Attempts so far, for the back-off; CONFLICT as above. */
enum alb_code alb_catalog_job_attempts(struct alb_snap *s, int64_t id, struct alb_str owner, int *attempts,
                                       struct alb_err *err) ALB_MUST_CHECK;
/* Overdue leases (now_ms) wait again, or fail if their attempts are used up. INT64_MAX: all leases, of a
 * process that is gone; none of these fails. */
enum alb_code alb_catalog_job_reclaim(struct alb_tx *tx, int64_t now_ms, int64_t *count,
                                      struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_job_retry(struct alb_tx *tx, struct alb_str kind, bool drop, int64_t *count,
                                    struct alb_err *err) ALB_MUST_CHECK;
/* Forgets a job, whatever its state; a runner that has it is told CONFLICT. Nothing to do if it is gone. */
enum alb_code alb_catalog_job_drop(struct alb_tx *tx, int64_t id, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_job_pause(struct alb_tx *tx, struct alb_str kind, int64_t until_ms, int64_t actor,
                                    struct alb_err *err) ALB_MUST_CHECK;

#endif
