/* SPDX-License-Identifier: Apache-2.0
 *
 * A lease is a bounded slot with an owner, a deadline and a way to take it back (laws 1, 7, 8). A pool has
 * S slots and a budget B (bytes, pixels); a lease holds one slot and `cost` of the budget. Who cannot be
 * served queues, bounded, foreground before background, first come first served inside a class; background
 * never holds more than its share of the slots. A cost larger than B is refused at once (it would never fit);
 * the head of a class is never overtaken by smaller ones of the same class (no starvation).
 *
 * States of one lease (struct alb_lease lies in its user; every arrow under the pool's lock):
 *
 *   IDLE --request--> HELD                       free slot and budget, nobody of its class before it
 *     ^  \--request--> QUEUED --grant-----------> HELD        granted(lease) is called
 *     |                  | cancel -> IDLE                     (true: granted will never be called)
 *     |                  | tick, queue deadline passed -> IDLE, refused(lease, TIMEOUT) is called
 *     |                  | close -> IDLE, refused(lease, CANCELLED)
 *     |
 *     +--release-- HELD --tick, hold deadline passed--> OVERDUE   reclaim(lease, OVERDUE), once
 *     +--release-- HELD/OVERDUE
 *                  HELD --abandon--> ABANDONED: nobody waits for the work. It may finish; as soon as somebody
 *                        queues for what it holds: reclaim(lease, WANTED), once. release ends it.
 *
 * Invariants (tests/models/lease.pml; tests/unit/base/test_lease.c):
 *   L1  slots and budget in use equal the sum over HELD, OVERDUE, ABANDONED; never above S and B.
 *   L2  a queued lease gets exactly one of: granted, refused, successful cancel.
 *   L3  after release or cancel no callback for that request is called any more, except one already running.
 *   L4  while a slot and budget are free for the head of a class and its share allows it, nobody queues.
 *   L5  reclaim is called at most once per reason and holding; the slot comes back only by release: the owner
 *       always gets to end its own work (kill its process, reap it), then releases.
 *   L6  no callback is called with a lock of this module held.
 *
 * Threads: any. Lock: LEASE inside. Callbacks are short, like those of future.h.
 */
#ifndef ALB_BASE_LEASE_H
#define ALB_BASE_LEASE_H

#include "base/clock.h"
#include "base/err.h"

struct alb_lease_pool;
struct alb_lease;

enum alb_lease_class { ALB_LEASE_FOREGROUND, ALB_LEASE_BACKGROUND, ALB_LEASE_CLASS_COUNT };
enum alb_reclaim { ALB_RECLAIM_OVERDUE, ALB_RECLAIM_WANTED };

struct alb_lease_config {
    unsigned slots;            /* >= 1 */
    unsigned background_slots; /* most slots that background may hold; <= slots */
    uint64_t budget;           /* UINT64_MAX = unlimited */
    unsigned queue_max;        /* waiting requests, both classes together */
    const struct alb_clock *clock;
};

struct alb_lease {
    /* set by the user before the request */
    void (*granted)(struct alb_lease *l);
    void (*refused)(struct alb_lease *l, enum alb_code code);
    void (*reclaim)(struct alb_lease *l, enum alb_reclaim why);
    enum alb_lease_class cls;
    uint64_t cost;
    int64_t queue_deadline; /* monotonic ns, ALB_NEVER allowed */
    int64_t hold_ns;        /* the hold deadline is the time of the grant plus this; ALB_NEVER allowed */
    char owner[48];         /* for dumps */
    /* private */
    struct alb_lease_pool *pool;
    int state;
    bool told_overdue, told_wanted;
    int64_t since, hold_deadline;
    struct alb_lease *prev, *next;
};

struct alb_lease_pool *alb_lease_pool_new(const struct alb_lease_config *config) ALB_MUST_CHECK;
void alb_lease_pool_free(struct alb_lease_pool **pool); /* nothing held, nothing queued */

enum alb_lease_answer { ALB_LEASE_HELD, ALB_LEASE_QUEUED, ALB_LEASE_REFUSED };
/* HELD: yours now, granted is not called. QUEUED: one callback will come. REFUSED: *err says BUSY (queue full,
 * or closed) or TOO_LARGE (cost above the budget). A granted callback may run before this returns. */
enum alb_lease_answer alb_lease_request(struct alb_lease_pool *pool, struct alb_lease *l,
                                        struct alb_err *err) ALB_MUST_CHECK;
bool alb_lease_cancel(struct alb_lease *l) ALB_MUST_CHECK; /* only out of QUEUED, L2 */
void alb_lease_abandon(struct alb_lease *l);               /* HELD or OVERDUE */
void alb_lease_release(struct alb_lease *l);               /* HELD, OVERDUE or ABANDONED */

/* Ends what is past its deadline. Returns the next deadline (ALB_NEVER if none) for the caller's timer. */
int64_t alb_lease_tick(struct alb_lease_pool *pool);
/* No new requests; the queue is refused with CANCELLED; what is held goes on until released. */
void alb_lease_close(struct alb_lease_pool *pool);

struct alb_lease_view {
    unsigned slots, held, abandoned, overdue, queued[ALB_LEASE_CLASS_COUNT];
    uint64_t budget_used, granted_total, refused_total, reclaimed_total;
    int64_t oldest_wait_ns; /* of the queue, 0 if empty: /health looks at it */
};
struct alb_lease_view alb_lease_look(struct alb_lease_pool *pool);

#endif
