/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to src/jobs: the runners' shared state, and what one kind of job is.
 */
#ifndef ALB_JOBS_RUNNER_H
#define ALB_JOBS_RUNNER_H

#include <stdatomic.h>

#include "base/future.h"
#include "base/lock.h"
#include "base/thread.h"
#include "jobs/jobs.h"
#include "library/job.h"

struct alb_jobs {
    /* fixed after start */
    struct alb_jobs_config config;
    unsigned runner_count;
    struct alb_runner *runners;
    struct alb_thread janitor;
    /* under mtx */
    struct alb_mutex mtx;
    struct alb_cond news;
    uint64_t notices; /* counts: a notice between "nothing to do" and the sleep is not lost */
    /* atomic */
    atomic_bool stopping;
    atomic_uint busy;
    _Atomic uint64_t done, failed;
};

/* OK: done. CANCELLED (stopping) and BUSY (people are served first): given back, no attempt counted. TIMEOUT,
 * NO_SPACE, NO_MEMORY, IO: try again later. Others: it will never work, say so in the queue. May wait; looks
 * at jobs->stopping between steps. */
typedef enum alb_code alb_job_run_fn(struct alb_jobs *jobs, const struct alb_job *job, struct alb_err *err);

alb_job_run_fn alb_job_warm;

void *alb_janitor_main(void *jobs);
/* Waits until `deadline` (monotonic) or stopping. */
void alb_jobs_rest(struct alb_jobs *jobs, int64_t deadline);
/* Waits for *future (take), no longer than `deadline` (TIMEOUT) or stopping (CANCELLED): what may take long
 * is waited for with this one, so that stopping is prompt. *result (may be NULL): a reference. */
enum alb_code alb_jobs_await(struct alb_jobs *jobs, struct alb_future **future, struct alb_obj **result,
                             int64_t deadline, struct alb_err *err) ALB_MUST_CHECK;

#endif
