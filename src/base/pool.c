/* SPDX-License-Identifier: Apache-2.0
 *
 * The worker pool (contract: pool.h). Four queues: per class, what goes on and what is new; a worker takes
 * from the first that has something and is allowed. Whoever queues wakes one worker that sleeps, unless one
 * is on its way already. A worker that ends a task looks again before it sleeps; one that takes a task wakes
 * another if there is more that may run now, also because this worker just gave a share of the background
 * back. So no worker sleeps for long while a task may run.
 */
#include "base/pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/mem.h"

#define POOL_MAGIC 0xa1b00901U

enum line { FG_RESUMED, FG_NEW, BG_RESUMED, BG_NEW, LINE_COUNT };

struct queue {
    struct alb_task *head, *tail;
    unsigned n;
};

struct alb_pool {
    uint32_t magic;

    /* fixed after create */
    unsigned threads;
    unsigned queue_max;
    unsigned background_max;       /* at once */
    unsigned background_queue_max; /* of queue_max */
    char name[16];

    /* under mtx */
    struct alb_mutex mtx;
    struct alb_cond work; /* something was queued, or the end came nearer */
    struct queue lines[LINE_COUNT];
    unsigned started, idle, busy, background_busy;
    uint64_t done;
    bool stopping, waking; /* waking: a signalled worker has not got the lock yet */

    pthread_t ids[];
};

/* The next of the last task in a queue: tells "queued" from "not queued". */
static struct alb_task end_mark;

static _Thread_local bool must_not_block;
static _Thread_local const struct alb_pool *pool_of_thread;

bool alb_thread_may_block(void)
{
    return !must_not_block;
}

void alb_thread_set_may_block(bool may)
{
    must_not_block = !may;
}

/* One worker at a time is on its way from sleep to work; once there it wakes the next one if there is more to
 * do. Signals for every task of a burst would wake all of them to find an empty queue. */
static void wake_locked(struct alb_pool *pool)
{
    if (pool->idle == 0 || pool->waking)
        return;
    pool->waking = true;
    alb_cond_signal(&pool->work);
}

static void put_locked(struct alb_pool *pool, enum line line, struct alb_task *task)
{
    struct queue *q = &pool->lines[line];

    task->next = &end_mark;
    if (q->n++ == 0)
        q->head = task;
    else
        q->tail->next = task;
    q->tail = task;
    wake_locked(pool); /* under the lock: the pool may be freed after the task has run */
}

/* How many of the lines may be served now. */
static unsigned open_lines_locked(const struct alb_pool *pool)
{
    return pool->background_busy < pool->background_max ? LINE_COUNT : BG_RESUMED;
}

/* The task to run now, out of its queue; NULL if there is none, or only background beyond its share. */
static struct alb_task *take_locked(struct alb_pool *pool)
{
    for (unsigned i = 0; i < open_lines_locked(pool); i++) {
        struct queue *q = &pool->lines[i];
        struct alb_task *task = q->head;
        if (q->n == 0)
            continue;
        q->n--;
        q->head = task->next;
        task->next = NULL;
        return task;
    }
    return NULL;
}

static bool has_more_locked(const struct alb_pool *pool)
{
    for (unsigned i = 0; i < open_lines_locked(pool); i++)
        if (pool->lines[i].n > 0)
            return true;
    return false;
}

static unsigned queued_locked(const struct alb_pool *pool)
{
    unsigned n = 0;

    for (unsigned i = 0; i < LINE_COUNT; i++)
        n += pool->lines[i].n;
    return n;
}

static void run_locked(struct alb_pool *pool, struct alb_task *task) ALB_REQUIRES(pool->mtx)
{
    bool background = task->background;

    pool->busy++;
    pool->background_busy += background;
    alb_mutex_unlock(&pool->mtx);
    task->run(task);
    alb_mutex_lock(&pool->mtx);
    pool->background_busy -= background;
    pool->busy--;
    pool->done++;
}

static void *worker(void *arg)
{
    struct alb_pool *pool = arg;
    char name[32];

    pool_of_thread = pool;
    alb_thread_set_may_block(false);
    alb_mutex_lock(&pool->mtx);
    (void)snprintf(name, sizeof(name), "%s-%u", pool->name, pool->started++);
    alb_thread_name(name);
    for (;;) {
        struct alb_task *task = take_locked(pool);
        if (task != NULL) {
            if (has_more_locked(pool))
                wake_locked(pool);
            run_locked(pool, task);
        } else if (pool->stopping && pool->busy == 0 && queued_locked(pool) == 0) {
            break;
        } else {
            pool->idle++;
            alb_cond_wait(&pool->work, &pool->mtx);
            pool->idle--;
            pool->waking = false;
        }
    }
    alb_cond_broadcast(&pool->work); /* the others may end as well */
    alb_mutex_unlock(&pool->mtx);
    return NULL;
}

static void stop(struct alb_pool *pool, unsigned running)
{
    alb_mutex_lock(&pool->mtx);
    pool->stopping = true;
    alb_cond_broadcast(&pool->work);
    alb_mutex_unlock(&pool->mtx);
    for (unsigned i = 0; i < running; i++)
        ALB_CHECK(pthread_join(pool->ids[i], NULL) == 0);
    ALB_CHECK(queued_locked(pool) == 0);
    alb_cond_fini(&pool->work);
    alb_mutex_fini(&pool->mtx);
    pool->magic = 0;
    alb_mem_free(pool);
}

enum alb_code alb_pool_new(const struct alb_pool_config *config, struct alb_pool **out, struct alb_err *err)
{
    size_t bytes;
    sigset_t all, before;
    int rc = 0;
    unsigned n;

    *out = NULL;
    ALB_CHECK(config->threads >= 1 && config->queue_max >= 1);
    if (!alb_size_mul(config->threads, sizeof(pthread_t), &bytes) ||
        !alb_size_add(bytes, sizeof(struct alb_pool), &bytes))
        return alb_fail(err, ALB_E_NO_MEMORY, "a pool of %u threads", config->threads);
    struct alb_pool *pool = alb_mem_calloc(1, bytes);
    if (pool == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a pool of %u threads", config->threads);
    pool->magic = POOL_MAGIC;
    pool->threads = config->threads;
    pool->queue_max = config->queue_max;
    pool->background_max = config->threads > 1 ? config->threads / 2 : 1;
    pool->background_queue_max = config->queue_max / 2 + config->queue_max % 2;
    (void)snprintf(pool->name, sizeof(pool->name), "%s", config->name);
    alb_mutex_init(&pool->mtx, ALB_LOCK_POOL);
    alb_cond_init(&pool->work);

    /* Signals are for the main thread; workers are born with all of them blocked. */
    (void)sigfillset(&all);
    ALB_CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    for (n = 0; n < pool->threads; n++) {
        rc = pthread_create(&pool->ids[n], NULL, worker, pool);
        if (rc != 0)
            break;
    }
    ALB_CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    if (rc != 0) {
        stop(pool, n);
        return alb_fail_sys(err, rc == EAGAIN ? ALB_E_BUSY : alb_code_of_errno(rc), rc,
                            "thread %u of pool %s", n, config->name);
    }
    *out = pool;
    return ALB_OK;
}

void alb_pool_free(struct alb_pool **pool)
{
    struct alb_pool *p = *pool;

    if (p == NULL)
        return;
    ALB_MAGIC_CHECK(p, POOL_MAGIC);
    ALB_CHECK(pool_of_thread != p);
    stop(p, p->threads);
    *pool = NULL; /* not before: what still runs may use it */
}

enum alb_code alb_pool_submit(struct alb_pool *pool, struct alb_task *task)
{
    int64_t now = alb_mono(alb_clock_real());
    enum alb_code code = ALB_OK;

    ALB_MAGIC_CHECK(pool, POOL_MAGIC);
    ALB_CHECK(task->run != NULL);
    alb_mutex_lock(&pool->mtx);
    ALB_CHECK(task->next == NULL && !pool->stopping);
    unsigned background = pool->lines[BG_NEW].n;
    if (background + pool->lines[FG_NEW].n >= pool->queue_max ||
        (task->background && background >= pool->background_queue_max)) {
        code = ALB_E_BUSY;
    } else {
        task->since = now;
        put_locked(pool, task->background ? BG_NEW : FG_NEW, task);
    }
    alb_mutex_unlock(&pool->mtx);
    return code;
}

void alb_pool_resume(struct alb_pool *pool, struct alb_task *task)
{
    int64_t now = alb_mono(alb_clock_real());

    ALB_MAGIC_CHECK(pool, POOL_MAGIC);
    ALB_CHECK(task->run != NULL);
    alb_mutex_lock(&pool->mtx);
    ALB_CHECK(task->next == NULL && (!pool->stopping || pool->busy > 0));
    task->since = now;
    put_locked(pool, task->background ? BG_RESUMED : FG_RESUMED, task);
    alb_mutex_unlock(&pool->mtx);
}

struct alb_pool_view alb_pool_look(struct alb_pool *pool)
{
    int64_t now = alb_mono(alb_clock_real());
    struct alb_pool_view view = {.threads = pool->threads};

    ALB_MAGIC_CHECK(pool, POOL_MAGIC);
    alb_mutex_lock(&pool->mtx);
    view.busy = pool->busy;
    view.queued = queued_locked(pool);
    view.done_total = pool->done;
    for (unsigned i = 0; i < LINE_COUNT; i++) {
        if (pool->lines[i].n > 0 && now - pool->lines[i].head->since > view.oldest_wait_ns)
            view.oldest_wait_ns = now - pool->lines[i].head->since;
    }
    alb_mutex_unlock(&pool->mtx);
    return view;
}
