/* SPDX-License-Identifier: Apache-2.0
 *
 * Actors (contract: actor.h): one word of bits. SCHEDULED is set by whoever finds it clear, and that thread
 * alone queues the task; it is cleared only by the turn that finds no bit left, in one step with looking.
 */
#include "base/actor.h"

#include "base/check.h"

#define SCHEDULED (1u << 31) /* a turn is queued or running */

static void turn(struct alb_task *task)
{
    struct alb_actor *a = ALB_CONTAINER_OF(task, struct alb_actor, task);
    unsigned events = atomic_fetch_and(&a->events, SCHEDULED) & ~SCHEDULED;
    if (!a->handle(a, events))
        return;
    unsigned idle = SCHEDULED;
    if (!atomic_compare_exchange_strong(&a->events, &idle, 0)) /* more has come during the turn */
        alb_pool_resume(a->pool, &a->task);
}

void alb_actor_init(struct alb_actor *a, struct alb_pool *pool, bool background, alb_actor_fn *handle,
                    unsigned first_events)
{
    a->task = (struct alb_task){.run = turn, .background = background};
    a->pool = pool;
    a->handle = handle;
    atomic_store(&a->events, first_events | SCHEDULED);
}

void alb_actor_start(struct alb_actor *a)
{
    alb_pool_resume(a->pool, &a->task);
}

void alb_actor_post(struct alb_actor *a, unsigned events)
{
    ALB_CHECK(events != 0 && !(events & SCHEDULED));
    unsigned before = atomic_fetch_or(&a->events, events | SCHEDULED);
    if (!(before & SCHEDULED))
        alb_pool_resume(a->pool, &a->task);
}

void alb_actor_set_background(struct alb_actor *a, bool background)
{
    a->task.background = background; /* not queued: the field is ours (pool.h) */
}
