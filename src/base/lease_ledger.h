/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to base: the books of a lease pool. Who holds, who queues, what is free, and which callbacks are
 * due: the states and the rules L1, L2, L4 and L5 of lease.h, without clock, lock or callback. Each change is
 * followed by alb_ledger_balance, which restores L4 and L5. lease.c puts the lock around it and calls back.
 * Threads: one at a time (the pool's lock).
 */
#ifndef ALB_BASE_LEASE_LEDGER_H
#define ALB_BASE_LEASE_LEDGER_H

#include "base/lease.h"

enum alb_lease_state {
    ALB_LEASE_S_IDLE, /* also of a lease that is all zero */
    ALB_LEASE_S_QUEUED,
    ALB_LEASE_S_HELD,
    ALB_LEASE_S_ABANDONED,
    ALB_LEASE_S_OVERDUE,
    ALB_LEASE_S_COUNT
};

/* Callbacks that are decided and not begun, in the order in which one lease gets them. */
enum alb_lease_due {
    ALB_LEASE_DUE_NONE = 0,
    ALB_LEASE_DUE_REFUSED = 1 << 0,
    ALB_LEASE_DUE_GRANTED = 1 << 1,
    ALB_LEASE_DUE_OVERDUE = 1 << 2,
    ALB_LEASE_DUE_WANTED = 1 << 3,
};

struct alb_lease_list {
    struct alb_lease *head, *tail;
};

/* What is free, or would be. */
struct alb_lease_room {
    unsigned slots, background_slots;
    uint64_t budget, background_budget;
};

struct alb_ledger {
    unsigned queue_max;
    uint64_t budget, background_budget;
    struct alb_lease_list queue[ALB_LEASE_CLASS_COUNT]; /* in order of request */
    struct alb_lease_list holders;                      /* in order of grant */
    struct alb_lease_list due;                          /* in order of decision, linked by due_next */
    unsigned queued[ALB_LEASE_CLASS_COUNT];
    unsigned in_state[ALB_LEASE_S_COUNT]; /* IDLE is not counted */
    unsigned untold;                      /* ABANDONED and not told WANTED */
    struct alb_lease_room free;
    bool background; /* may be requested at all */
    bool closed;
    int64_t earliest; /* no deadline is before it */
    uint64_t granted_total, refused_total, reclaimed_total;
};

void alb_ledger_init(struct alb_ledger *g, const struct alb_lease_config *config);

/* ALB_OK: l (IDLE before) is HELD or QUEUED now. */
enum alb_code alb_ledger_request(struct alb_ledger *g, struct alb_lease *l, int64_t now) ALB_MUST_CHECK;
bool alb_ledger_cancel(struct alb_ledger *g, struct alb_lease *l);
bool alb_ledger_abandon(struct alb_ledger *g, struct alb_lease *l);
bool alb_ledger_adopt(struct alb_ledger *g, struct alb_lease *l);
void alb_ledger_release(struct alb_ledger *g, struct alb_lease *l);
void alb_ledger_expire(struct alb_ledger *g, int64_t now);
void alb_ledger_close(struct alb_ledger *g);

/* Grants in order while it fits, then tells as many abandoned leases as the rest of the queue needs. */
void alb_ledger_balance(struct alb_ledger *g, int64_t now);
/* Sets g->earliest to what it is. */
void alb_ledger_find_earliest(struct alb_ledger *g);

/* The next due callback, no longer due: its lease in *l. NONE: nothing is due. */
enum alb_lease_due alb_ledger_take_due(struct alb_ledger *g, struct alb_lease **l);

#endif
