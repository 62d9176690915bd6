/* SPDX-License-Identifier: Apache-2.0
 *
 * A pool of worker threads with a bounded queue of tasks. A task is embedded in its user's struct: queueing
 * never allocates and so, once a task is admitted, never fails. Foreground tasks run before background ones;
 * background runs on at most half of the threads at a time.
 * Law 1: a worker never waits for a client, a future, a commit or another process. alb_thread_may_block() is
 * false on pool threads and event loops, and alb_future_await panics there.
 * Threads: submit from any. Lock: POOL.
 */
#ifndef ALB_BASE_POOL_H
#define ALB_BASE_POOL_H

#include "base/err.h"

struct alb_pool;
struct alb_task;
typedef void alb_task_fn(struct alb_task *task);

struct alb_task {
    alb_task_fn *run; /* after it starts the pool does not touch the task any more */
    bool background;
    /* private */
    struct alb_task *next;
};

struct alb_pool_config {
    const char *name; /* thread names: name-0, name-1 … */
    unsigned threads; /* >= 1 */
    unsigned queue_max; /* tasks waiting that alb_pool_submit accepts */
};
enum alb_code alb_pool_new(const struct alb_pool_config *config, struct alb_pool **pool,
                           struct alb_err *err) ALB_MUST_CHECK;
/* Runs what is queued to its end, then joins the threads. Nobody may submit any more. */
void alb_pool_free(struct alb_pool **pool);

/* New work: ALB_E_BUSY when queue_max tasks wait. */
enum alb_code alb_pool_submit(struct alb_pool *pool, struct alb_task *task) ALB_MUST_CHECK;
/* Work that was admitted before and goes on (a woken step): always accepted. Its number is bounded by what
 * admitted it (requests, jobs). Runs before new work of its class. */
void alb_pool_resume(struct alb_pool *pool, struct alb_task *task);

struct alb_pool_view {
    unsigned threads, busy, queued;
    uint64_t done_total;
    int64_t oldest_wait_ns;
};
struct alb_pool_view alb_pool_look(struct alb_pool *pool);

/* Whether this thread may wait for others; true by default. */
bool alb_thread_may_block(void);
void alb_thread_set_may_block(bool may);

#endif
