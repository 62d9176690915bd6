/* SPDX-License-Identifier: Apache-2.0
 *
 * A pool of worker threads with a bounded queue of tasks. A task is embedded in its user's struct: queueing
 * never allocates and so, once a task is admitted, never fails. Foreground tasks run before background ones,
 * and inside a class what was resumed before what is new, each first in, first out. Background runs on at
 * most half of the threads at a time (rounded down, but at least one), and takes at most half of the queue
 * (rounded up): so it never delays or refuses foreground work by more than its share.
 * Law 1: a worker never waits for a client, a future, a commit or another process. alb_thread_may_block() is
 * false on pool threads, timer threads and event loops, and alb_future_await panics there.
 * Threads: submit from any. Lock: POOL; no task runs under it.
 */
#ifndef ALB_BASE_POOL_H
#define ALB_BASE_POOL_H

#include "base/err.h"

struct alb_pool;
struct alb_task;
typedef void alb_task_fn(struct alb_task *task);

struct alb_task {     /* zeroed before its first use; fields are the user's while it is not queued */
    alb_task_fn *run; /* after it starts the pool does not touch the task any more: it may be freed or queued
                         again at once, even by another thread */
    bool background;
    /* private */
    struct alb_task *next; /* not NULL while queued: queueing twice panics */
    int64_t since;
};

struct alb_pool_config {
    const char *name;   /* thread names: name-0, name-1 … */
    unsigned threads;   /* >= 1 */
    unsigned queue_max; /* new tasks waiting that alb_pool_submit accepts; >= 1 */
};
enum alb_code alb_pool_new(const struct alb_pool_config *config, struct alb_pool **pool,
                           struct alb_err *err) ALB_MUST_CHECK;
/* Runs what is queued to its end, then joins the threads. Nobody may submit any more, except that the tasks
 * that run to their end may still resume others. Not from a thread of the pool. */
void alb_pool_free(struct alb_pool **pool);

/* New work: ALB_E_BUSY when queue_max new tasks wait already, or half of that for background. Resumed ones do
 * not count: they are not new. */
enum alb_code alb_pool_submit(struct alb_pool *pool, struct alb_task *task) ALB_MUST_CHECK;
/* Work that was admitted before and goes on (a woken step): always accepted. Its number is bounded by what
 * admitted it (requests, jobs). Runs before new work of its class. */
void alb_pool_resume(struct alb_pool *pool, struct alb_task *task);

struct alb_pool_view {
    unsigned threads, busy, queued; /* queued: new and resumed, both classes */
    uint64_t done_total;
    int64_t oldest_wait_ns; /* of what is queued, 0 if nothing is: /health looks at it */
};
struct alb_pool_view alb_pool_look(struct alb_pool *pool);

/* Whether this thread may wait for others; true by default. */
bool alb_thread_may_block(void);
void alb_thread_set_may_block(bool may);

#endif
