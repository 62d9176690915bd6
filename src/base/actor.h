/* SPDX-License-Identifier: Apache-2.0
 *
 * An actor: work that is pushed on by callbacks from many sides (a lease, a future, a worker process, its own
 * next slice) and whose state is nevertheless touched by one thread at a time, without a lock. Whatever
 * happens is a bit; bits are gathered and handled in turns on a pool.
 *
 *     post(bit), any thread  -->  [events]  -->  handle(actor, bits), one turn at a time on the pool
 *
 *   A1  every posted bit is handled in a turn that begins after the post; equal bits may share a turn.
 *   A2  turns of one actor never overlap, and each sees all that the one before wrote.
 *   A3  handle returning false ends the actor: it may have freed itself, nothing here touches it again.
 * Whoever may still post must have been silenced before (future.h C4, lease.h L3).
 *
 * Posting is short and takes no lock but the pool's: callbacks may do it. Threads: any.
 */
#ifndef ALB_BASE_ACTOR_H
#define ALB_BASE_ACTOR_H

#include <stdatomic.h>

#include "base/pool.h"

struct alb_actor;
/* A turn: `events` holds at least one bit. False: the actor has ended. */
typedef bool alb_actor_fn(struct alb_actor *actor, unsigned events);

#define ALB_ACTOR_EVENT(n) (1u << (n)) /* n in 0..30 */

struct alb_actor {
    /* private */
    struct alb_task task;
    struct alb_pool *pool;
    alb_actor_fn *handle;
    atomic_uint events;
};

/* Prepared with its first events, but not running: posts only gather. So callbacks may be hooked up that come
 * at once; alb_actor_start begins the first turn and is the last thing its maker does with it. */
void alb_actor_init(struct alb_actor *a, struct alb_pool *pool, bool background, alb_actor_fn *handle,
                    unsigned first_events);
void alb_actor_start(struct alb_actor *a);
void alb_actor_post(struct alb_actor *a, unsigned events);
/* Only inside a turn: the class in the pool of the turns from the next one on. */
void alb_actor_set_background(struct alb_actor *a, bool background);

#endif
