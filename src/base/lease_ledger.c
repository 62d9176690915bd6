/* SPDX-License-Identifier: Apache-2.0
 *
 * The books of a lease pool (lease_ledger.h). Costs: a request, cancel or release is constant time plus what
 * it grants; the queue is walked only while an abandoned lease has not been told yet; expiry walks queue and
 * holders, at deadlines only.
 */
#include "base/lease_ledger.h"

#include "base/check.h"

/* ---- lists --------------------------------------------------------------------------------------- */

static void list_add(struct alb_lease_list *list, struct alb_lease *l)
{
    l->next = NULL;
    l->prev = list->tail;
    if (list->tail != NULL)
        list->tail->next = l;
    else
        list->head = l;
    list->tail = l;
}

static void list_remove(struct alb_lease_list *list, struct alb_lease *l)
{
    if (l->prev != NULL)
        l->prev->next = l->next;
    else
        list->head = l->next;
    if (l->next != NULL)
        l->next->prev = l->prev;
    else
        list->tail = l->prev;
    l->prev = NULL;
    l->next = NULL;
}

static void due_add(struct alb_ledger *g, struct alb_lease *l, enum alb_lease_due what)
{
    if (l->due == 0) {
        l->due_next = NULL;
        l->due_prev = g->due.tail;
        if (g->due.tail != NULL)
            g->due.tail->due_next = l;
        else
            g->due.head = l;
        g->due.tail = l;
    }
    l->due |= what;
}

static void due_drop(struct alb_ledger *g, struct alb_lease *l, unsigned what)
{
    if (l->due == 0)
        return;
    l->due &= ~what;
    if (l->due != 0)
        return;
    if (l->due_prev != NULL)
        l->due_prev->due_next = l->due_next;
    else
        g->due.head = l->due_next;
    if (l->due_next != NULL)
        l->due_next->due_prev = l->due_prev;
    else
        g->due.tail = l->due_prev;
    l->due_prev = NULL;
    l->due_next = NULL;
}

enum alb_lease_due alb_ledger_take_due(struct alb_ledger *g, struct alb_lease **l)
{
    unsigned due;

    *l = g->due.head;
    if (*l == NULL)
        return ALB_LEASE_DUE_NONE;
    due = (*l)->due & -(*l)->due; /* the lowest bit comes first */
    due_drop(g, *l, due);
    return (enum alb_lease_due)due;
}

/* ---- what is held and what is free (L1) ---------------------------------------------------------- */

void alb_ledger_init(struct alb_ledger *g, const struct alb_lease_config *config)
{
    uint64_t share = config->background_budget > 0 && config->background_budget < config->budget
                         ? config->background_budget
                         : config->budget;
    *g = (struct alb_ledger){
        .queue_max = config->queue_max,
        .budget = config->budget,
        .background_budget = share,
        .free = {config->slots, config->background_slots, config->budget, share},
        .background = config->background_slots > 0,
        .earliest = ALB_NEVER,
    };
}

static bool fits(const struct alb_lease_room *room, const struct alb_lease *l)
{
    return room->slots > 0 && room->budget >= l->cost &&
           (l->cls == ALB_LEASE_FOREGROUND ||
            (room->background_slots > 0 && room->background_budget >= l->cost));
}

static void room_take(struct alb_lease_room *room, const struct alb_lease *l)
{
    room->slots--;
    room->budget -= l->cost;
    room->background_slots -= l->cls == ALB_LEASE_BACKGROUND;
    room->background_budget -= l->cls == ALB_LEASE_BACKGROUND ? l->cost : 0;
}

static void room_give(struct alb_lease_room *room, const struct alb_lease *l)
{
    room->slots++;
    room->budget += l->cost;
    room->background_slots += l->cls == ALB_LEASE_BACKGROUND;
    room->background_budget += l->cls == ALB_LEASE_BACKGROUND ? l->cost : 0;
}

static bool is(const struct alb_lease *l, enum alb_lease_state state)
{
    return l->state == (int)state;
}

static bool is_untold(const struct alb_lease *l)
{
    return is(l, ALB_LEASE_S_ABANDONED) && !l->told_wanted;
}

static void set_state(struct alb_ledger *g, struct alb_lease *l, enum alb_lease_state state)
{
    g->untold -= is_untold(l);
    if (!is(l, ALB_LEASE_S_IDLE))
        g->in_state[l->state]--;
    if (state != ALB_LEASE_S_IDLE)
        g->in_state[state]++;
    l->state = (int)state;
    if (state == ALB_LEASE_S_HELD)
        l->told_wanted = false;
    g->untold += is_untold(l);
}

static void note_deadline(struct alb_ledger *g, int64_t deadline)
{
    if (deadline < g->earliest)
        g->earliest = deadline;
}

static void hold(struct alb_ledger *g, struct alb_lease *l, int64_t now)
{
    room_take(&g->free, l);
    set_state(g, l, ALB_LEASE_S_HELD);
    l->since = now;
    l->hold_deadline = alb_deadline(now, l->hold_ns);
    list_add(&g->holders, l);
    note_deadline(g, l->hold_deadline);
    g->granted_total++;
}

static void unqueue(struct alb_ledger *g, struct alb_lease *l)
{
    list_remove(&g->queue[l->cls], l);
    g->queued[l->cls]--;
    set_state(g, l, ALB_LEASE_S_IDLE);
}

static void refuse(struct alb_ledger *g, struct alb_lease *l, enum alb_code code)
{
    unqueue(g, l);
    l->refusal = code;
    due_add(g, l, ALB_LEASE_DUE_REFUSED);
    g->refused_total++;
}

/* ---- balance: L4 and L5 -------------------------------------------------------------------------- */

static void grant(struct alb_ledger *g, int64_t now)
{
    for (int cls = 0; cls < ALB_LEASE_CLASS_COUNT; cls++) {
        struct alb_lease *l;
        while ((l = g->queue[cls].head) != NULL) {
            if (l->queue_deadline <= now) {
                refuse(g, l, ALB_E_TIMEOUT);
                continue;
            }
            if (!fits(&g->free, l))
                return; /* nobody overtakes the head of a class, nor background the foreground */
            unqueue(g, l);
            hold(g, l, now);
            due_add(g, l, ALB_LEASE_DUE_GRANTED);
        }
    }
}

static struct alb_lease *youngest_untold(struct alb_ledger *g, bool background, bool budget)
{
    for (struct alb_lease *a = g->holders.tail; a != NULL; a = a->prev) {
        if (is_untold(a) && (!background || a->cls == ALB_LEASE_BACKGROUND) && (!budget || a->cost > 0))
            return a;
    }
    return NULL;
}

/* The abandoned lease to tell next for l, which does not fit in `room`: one that brings nearer everything
 * that lacks, if there is one; the youngest, so that the least work is lost. NULL: none helps. */
static struct alb_lease *helper(struct alb_ledger *g, const struct alb_lease_room *room,
                                const struct alb_lease *l)
{
    bool share = l->cls == ALB_LEASE_BACKGROUND && room->background_budget < l->cost;
    bool background = share || (l->cls == ALB_LEASE_BACKGROUND && room->background_slots == 0);
    bool budget = share || room->budget < l->cost;
    struct alb_lease *a = youngest_untold(g, background, budget);

    if (a == NULL && background && budget)
        a = youngest_untold(g, true, false);
    if (a == NULL && budget && room->slots == 0 && !background)
        a = youngest_untold(g, false, false);
    return a;
}

/* Who queues is served in thought, in order, from what is free and what will come back because its owner has
 * been told; where that is not enough, another abandoned lease is told. */
static void want(struct alb_ledger *g, int64_t now)
{
    struct alb_lease_room room = g->free;

    for (const struct alb_lease *a = g->holders.head; a != NULL; a = a->next) {
        if (is(a, ALB_LEASE_S_OVERDUE) || a->told_wanted)
            room_give(&room, a);
    }
    for (int cls = 0; cls < ALB_LEASE_CLASS_COUNT; cls++) {
        for (const struct alb_lease *l = g->queue[cls].head; l != NULL && g->untold > 0; l = l->next) {
            if (l->queue_deadline <= now)
                continue; /* it will not be granted any more */
            while (!fits(&room, l)) {
                struct alb_lease *a = helper(g, &room, l);
                if (a == NULL)
                    return;
                a->told_wanted = true;
                g->untold--;
                due_add(g, a, ALB_LEASE_DUE_WANTED);
                room_give(&room, a);
            }
            room_take(&room, l);
        }
    }
}

void alb_ledger_balance(struct alb_ledger *g, int64_t now)
{
    grant(g, now);
    if (g->untold > 0 && g->in_state[ALB_LEASE_S_QUEUED] > 0)
        want(g, now);
}

/* ---- changes ------------------------------------------------------------------------------------- */

static enum alb_code admit(struct alb_ledger *g, struct alb_lease *l, int64_t now)
{
    bool background = l->cls == ALB_LEASE_BACKGROUND;

    if (l->cost > (background ? g->background_budget : g->budget))
        return ALB_E_TOO_LARGE;
    if (g->closed || (background && !g->background))
        return ALB_E_BUSY;
    grant(g, now); /* who queues and is too late must not keep l out */
    if (g->queued[ALB_LEASE_FOREGROUND] == 0 && g->queued[l->cls] == 0 && fits(&g->free, l)) {
        hold(g, l, now);
        return ALB_OK;
    }
    if (g->in_state[ALB_LEASE_S_QUEUED] >= g->queue_max ||
        (background && g->queued[ALB_LEASE_BACKGROUND] >= g->queue_max / 2 + g->queue_max % 2))
        return ALB_E_BUSY;
    if (l->queue_deadline <= now)
        return ALB_E_TIMEOUT;
    list_add(&g->queue[l->cls], l);
    g->queued[l->cls]++;
    set_state(g, l, ALB_LEASE_S_QUEUED);
    l->since = now;
    note_deadline(g, l->queue_deadline);
    return ALB_OK;
}

enum alb_code alb_ledger_request(struct alb_ledger *g, struct alb_lease *l, int64_t now)
{
    ALB_CHECK(is(l, ALB_LEASE_S_IDLE) && l->due == 0);
    enum alb_code code = admit(g, l, now);
    if (code != ALB_OK)
        g->refused_total++;
    return code;
}

bool alb_ledger_cancel(struct alb_ledger *g, struct alb_lease *l)
{
    if (!is(l, ALB_LEASE_S_QUEUED))
        return false;
    unqueue(g, l);
    return true;
}

bool alb_ledger_abandon(struct alb_ledger *g, struct alb_lease *l)
{
    if (!is(l, ALB_LEASE_S_HELD))
        return false;
    ALB_CHECK(l->reclaim != NULL);
    set_state(g, l, ALB_LEASE_S_ABANDONED);
    return true;
}

bool alb_ledger_adopt(struct alb_ledger *g, struct alb_lease *l)
{
    if (!is(l, ALB_LEASE_S_ABANDONED))
        return false;
    set_state(g, l, ALB_LEASE_S_HELD);
    due_drop(g, l, ALB_LEASE_DUE_WANTED);
    return true;
}

void alb_ledger_release(struct alb_ledger *g, struct alb_lease *l)
{
    ALB_CHECK(l->state >= (int)ALB_LEASE_S_HELD && (l->due & ALB_LEASE_DUE_GRANTED) == 0);
    due_drop(g, l, ALB_LEASE_DUE_OVERDUE | ALB_LEASE_DUE_WANTED);
    list_remove(&g->holders, l);
    room_give(&g->free, l);
    set_state(g, l, ALB_LEASE_S_IDLE);
}

void alb_ledger_expire(struct alb_ledger *g, int64_t now)
{
    for (int cls = 0; cls < ALB_LEASE_CLASS_COUNT; cls++) {
        struct alb_lease *after;
        for (struct alb_lease *l = g->queue[cls].head; l != NULL; l = after) {
            after = l->next;
            if (l->queue_deadline <= now)
                refuse(g, l, ALB_E_TIMEOUT);
        }
    }
    for (struct alb_lease *l = g->holders.head; l != NULL; l = l->next) {
        if (l->hold_deadline <= now && !is(l, ALB_LEASE_S_OVERDUE)) {
            set_state(g, l, ALB_LEASE_S_OVERDUE);
            due_add(g, l, ALB_LEASE_DUE_OVERDUE);
        }
    }
}

void alb_ledger_close(struct alb_ledger *g)
{
    g->closed = true;
    for (int cls = 0; cls < ALB_LEASE_CLASS_COUNT; cls++) {
        while (g->queue[cls].head != NULL)
            refuse(g, g->queue[cls].head, ALB_E_CANCELLED);
    }
}

void alb_ledger_find_earliest(struct alb_ledger *g)
{
    g->earliest = ALB_NEVER;
    for (int cls = 0; cls < ALB_LEASE_CLASS_COUNT; cls++) {
        for (const struct alb_lease *l = g->queue[cls].head; l != NULL; l = l->next)
            note_deadline(g, l->queue_deadline);
    }
    for (const struct alb_lease *l = g->holders.head; l != NULL; l = l->next) {
        if (!is(l, ALB_LEASE_S_OVERDUE))
            note_deadline(g, l->hold_deadline);
    }
}
