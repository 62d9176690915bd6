/* SPDX-License-Identifier: Apache-2.0
 *
 * The queue of jobs, faked: alb_library_job_* over one list in memory. What is done with a job is written
 * down.
 */
#ifndef ALB_TESTS_JOBS_FAKES_H
#define ALB_TESTS_JOBS_FAKES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "jobs/runner.h"

#define FAKE_JOBS 64

struct fake_job {
    const char *kind;
    unsigned leases, done, retried, failed, released;
    bool waiting, leased;
};

/* Under fake_lock while threads run. */
struct fake_queue {
    struct fake_job jobs[FAKE_JOBS];
    unsigned count;
    enum alb_code lease; /* what leasing says */
    unsigned most_leased;
};
extern struct fake_queue fake_queue;
void fake_lock(void);
void fake_unlock(void);
void fake_reset(void);
/* Adds a job of the kind and gives notice; its id is its number + 1. */
unsigned fake_add(struct alb_jobs *jobs, const char *kind);
struct fake_job fake_look(unsigned job);

/* A future that is never ended by anybody but the test. */
struct alb_future *fake_pending(void);     /* a reference; remembers the title */
void fake_end_pending(enum alb_code code); /* ends the oldest one */
unsigned fake_pending_count(void);

#define until(expr)                                                                                          \
    do {                                                                                                     \
        while (!(expr))                                                                                      \
            (void)sched_yield();                                                                             \
    } while (0)

#endif
