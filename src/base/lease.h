/* SPDX-License-Identifier: Apache-2.0
 *
 * A lease is a bounded slot with an owner, a deadline and a way to take it back (laws 1, 7, 8). A pool has
 * S slots and a budget B (bytes, pixels); a lease holds one slot and `cost` of the budget. Who cannot be
 * served queues, bounded, first come first served inside a class. A cost larger than B is refused at once (it
 * would never fit); the head of a class is never overtaken by smaller ones of its class, and no background
 * request is served while a foreground one waits (else small background ones could keep a large foreground
 * one from ever fitting). Background never holds more than its shares of the slots and of the budget (what
 * costs more than its share is refused at once), nor takes more than half of the queue (rounded up). Under
 * unbroken foreground load background waits, until its queue deadlines.
 *
 * States of one lease (struct alb_lease lies in its user; every arrow under the pool's lock):
 *
 *   IDLE --request--> HELD                       free slot and budget, nobody before it
 *     ^  \--request--> REFUSED (stays IDLE)      closed, queue full, cost too large, queue deadline passed
 *     |  \--request--> QUEUED --grant----------> HELD         granted(lease) is called
 *     |                  | cancel -> IDLE                     (true: no callback will be called)
 *     |                  | queue deadline passed -> IDLE      refused(lease, TIMEOUT): at a tick, or when its
 *     |                  |                                    turn comes: it is never granted after it
 *     |                  | close -> IDLE                      refused(lease, CANCELLED)
 *     |
 *     |        HELD --abandon--> ABANDONED       nobody waits for the work; it may finish
 *     |        HELD <--adopt---- ABANDONED       somebody waits for it again
 *     |        ABANDONED                         needed for a request that queues: reclaim(lease, WANTED),
 *     |                                          once per abandoning; the youngest first
 *     |        HELD, ABANDONED --tick, hold deadline passed--> OVERDUE: reclaim(lease, OVERDUE), once
 *     +--release-- HELD, ABANDONED, OVERDUE
 *
 * Invariants (tests/models/lease.pml; tests/unit/base/test_lease.c):
 *   L1  slots and budget in use equal the sum over HELD, ABANDONED, OVERDUE; never above S and B; background
 *       never above its shares.
 *   L2  a queued request gets exactly one of: granted, refused, successful cancel.
 *   L3  granted is the first callback of a holding that queued. After release has returned no callback for
 *       that holding is called or runs on another thread (callback.h, C4); the lease may be freed or used
 *       again. After a successful cancel none is called.
 *   L4  the head of the foreground queue waits only for a slot or for budget; the head of the background
 *       queue only for that, for its shares, or for foreground ones that wait. This holds after every call,
 *       also when what changed was a cancel or a refusal before it.
 *   L5  reclaim is called at most once per reason, WANTED once per abandoning; the slot comes back only by
 *       release: the owner always gets to end its own work (kill its process, reap it), then releases. While
 *       a request queues that abandoned leases could make room for, they have been told WANTED.
 *   L6  no callback is called with a lock held (callback.h, C1).
 *   L7  the callbacks of one pool are called one at a time, in the order in which they were decided, by any
 *       thread that is in a call to the pool.
 *
 * Threads: any. Locks: LEASE inside, TIMERS inside that. Callbacks are short, by the rules of callback.h.
 */
#ifndef ALB_BASE_LEASE_H
#define ALB_BASE_LEASE_H

#include "base/callback.h"
#include "base/clock.h"
#include "base/err.h"

struct alb_lease_pool;
struct alb_lease;
struct alb_timers;

enum alb_lease_class { ALB_LEASE_FOREGROUND, ALB_LEASE_BACKGROUND, ALB_LEASE_CLASS_COUNT };
enum alb_reclaim { ALB_RECLAIM_OVERDUE, ALB_RECLAIM_WANTED };

struct alb_lease_config {
    unsigned slots;             /* >= 1 */
    unsigned background_slots;  /* most that background may hold; <= slots; 0: background is refused BUSY */
    uint64_t budget;            /* UINT64_MAX = unlimited */
    uint64_t background_budget; /* most of it that background may hold; 0: all of it */
    unsigned queue_max;         /* waiting requests, both classes together; 0: nobody waits */
    const struct alb_clock *clock;
    struct alb_timers *timers; /* where the pool arms its tick; NULL: its user calls alb_lease_tick */
};

struct alb_lease { /* zeroed before its first use */
    /* set by the user before the request and left alone until it is IDLE again; none may be NULL but reclaim,
     * which may be if the lease has no hold deadline and is never abandoned */
    void (*granted)(struct alb_lease *l); /* l may be released, and then freed, inside it or from then on */
    void (*refused)(struct alb_lease *l, enum alb_code code); /* l may be freed inside it */
    void (*reclaim)(struct alb_lease *l, enum alb_reclaim why);
    enum alb_lease_class cls;
    uint64_t cost;
    int64_t queue_deadline; /* monotonic ns, ALB_NEVER allowed; passed already: now or never */
    int64_t hold_ns;        /* the hold deadline is the time of the grant plus this; ALB_NEVER allowed */
    char owner[48];         /* for dumps */
    /* private */
    _Atomic(struct alb_lease_pool *) pool;
    int state;
    unsigned due; /* callbacks decided and not begun */
    enum alb_code refusal;
    bool told_wanted;
    int64_t since, hold_deadline;
    struct alb_lease *prev, *next;         /* queue or holders */
    struct alb_lease *due_prev, *due_next; /* callbacks to be called */
};

/* NULL: no memory, or no room among the timers, of which a pool takes one; free the pool before them. */
struct alb_lease_pool *alb_lease_pool_new(const struct alb_lease_config *config) ALB_MUST_CHECK;
/* Nothing held, nothing queued (panics); waits for a callback that still runs, which may use the pool until it
 * returns. Not from a callback. */
void alb_lease_pool_free(struct alb_lease_pool **pool);

enum alb_lease_answer { ALB_LEASE_HELD, ALB_LEASE_QUEUED, ALB_LEASE_REFUSED };
/* HELD: yours now, granted is not called; reclaim may come before this returns. QUEUED: one callback will
 * come, perhaps before this returns. REFUSED: *err says BUSY (queue full, closed, no share), TIMEOUT
 * (queue_deadline has passed) or TOO_LARGE (cost above the budget, of background: above its share of it). l
 * must be IDLE. */
enum alb_lease_answer alb_lease_request(struct alb_lease_pool *pool, struct alb_lease *l,
                                        struct alb_err *err) ALB_MUST_CHECK;
/* These two may be called in any state, also while another thread requests or releases, as long as the struct
 * is valid: so `forsaken` may call them without knowing how far its owner is.
 * cancel: true out of QUEUED (L2). False in every other state: granted or refused was called, runs or is
 * about to be called, or it was never queued. abandon: does something only in HELD. */
bool alb_lease_cancel(struct alb_lease *l) ALB_MUST_CHECK;
void alb_lease_abandon(struct alb_lease *l);
/* Somebody waits for the work again. True: it is HELD again; if it had been told WANTED, others are told in
 * its place. So reclaim(WANTED) adopts instead of ending when its future has got a newcomer. False: not
 * ABANDONED. */
bool alb_lease_adopt(struct alb_lease *l) ALB_MUST_CHECK;
/* By the owner: HELD, ABANDONED or OVERDUE, and granted has begun (else panics). Not in another's reclaim or
 * forsaken (C5). */
void alb_lease_release(struct alb_lease *l);

/* Ends what is past its deadline (at a deadline counts as past). Returns the next deadline (ALB_NEVER if
 * none) for the caller's timer; a request or grant made later may bring an earlier one. */
int64_t alb_lease_tick(struct alb_lease_pool *pool);
/* No new requests; the queue is refused with CANCELLED; what is held goes on until released. */
void alb_lease_close(struct alb_lease_pool *pool);

struct alb_lease_view {
    unsigned slots, held, abandoned, overdue, queued[ALB_LEASE_CLASS_COUNT]; /* held: in all three states */
    uint64_t budget_used, granted_total, refused_total, reclaimed_total;
    int64_t oldest_wait_ns; /* of the queue, 0 if empty: /health looks at it */
};
struct alb_lease_view alb_lease_look(struct alb_lease_pool *pool);

struct alb_lease_info { /* one holder or waiter, for dumps */
    const char *state;  /* "held", "abandoned", "overdue", "queued" */
    enum alb_lease_class cls;
    uint64_t cost;
    int64_t age_ns; /* since the request (queued) or the grant */
    char owner[48];
};
/* Fills up to max entries, holders first (oldest first), then the queue in order; returns how many. */
size_t alb_lease_list(struct alb_lease_pool *pool, struct alb_lease_info *out, size_t max);

#endif
