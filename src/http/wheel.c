/* SPDX-License-Identifier: Apache-2.0
 *
 * See wheel.h. Invariant: a linked entry lies in the slot of e->tick, w->tick <= e->tick < w->tick + slots,
 * and e->tick is not later than the tick of e->due.
 */
#include "http/wheel.h"

#include <string.h>

#include "base/check.h"

/* The tick at whose run an entry that is due at `ns` fires: the first one that begins at or after it. */
static int64_t tick_after(int64_t ns)
{
    return (ns >> ALB_WHEEL_SHIFT) + ((ns & (((int64_t)1 << ALB_WHEEL_SHIFT) - 1)) != 0);
}

void alb_wheel_init(struct alb_wheel *w, int64_t now)
{
    memset(w, 0, sizeof(*w));
    for (size_t i = 0; i < ALB_WHEEL_SLOTS; i++)
        w->slots[i].prev = w->slots[i].next = &w->slots[i];
    w->tick = now >> ALB_WHEEL_SHIFT;
}

static void unlink_entry(struct alb_wheel_entry *e)
{
    e->prev->next = e->next;
    e->next->prev = e->prev;
    e->prev = e->next = NULL;
}

static void link_entry(struct alb_wheel *w, struct alb_wheel_entry *e)
{
    int64_t tick = tick_after(e->due);
    struct alb_wheel_entry *head;
    size_t slot;

    if (tick < w->tick)
        tick = w->tick;
    if (tick > w->tick + ALB_WHEEL_SLOTS - 1)
        tick = w->tick + ALB_WHEEL_SLOTS - 1; /* farther than a turn: it is put back when it comes up */
    slot = (size_t)tick % ALB_WHEEL_SLOTS;
    head = &w->slots[slot];
    e->tick = tick;
    e->prev = head->prev;
    e->next = head;
    head->prev->next = e;
    head->prev = e;
    w->used[slot / 64] |= (uint64_t)1 << slot % 64;
}

void alb_wheel_set(struct alb_wheel *w, struct alb_wheel_entry *e, int64_t due)
{
    e->due = due;
    if (due == ALB_NEVER) {
        alb_wheel_clear(w, e);
        return;
    }
    if (e->next) {
        if (tick_after(due) >= e->tick)
            return;
        unlink_entry(e);
    }
    link_entry(w, e);
}

void alb_wheel_clear(struct alb_wheel *w, struct alb_wheel_entry *e)
{
    (void)w;
    e->due = ALB_NEVER;
    if (e->next)
        unlink_entry(e);
}

static void run_slot(struct alb_wheel *w, size_t slot, int64_t now)
{
    struct alb_wheel_entry list, *head = &w->slots[slot];

    w->used[slot / 64] &= ~((uint64_t)1 << slot % 64);
    if (head->next == head)
        return;
    /* Move the slot aside: what is put back may land in it again. */
    list = *head;
    list.next->prev = &list;
    list.prev->next = &list;
    head->prev = head->next = head;
    while (list.next != &list) {
        struct alb_wheel_entry *e = list.next;

        unlink_entry(e);
        if (e->due <= now) {
            e->due = ALB_NEVER;
            e->fire(e, now);
        } else {
            link_entry(w, e);
        }
    }
}

void alb_wheel_run(struct alb_wheel *w, int64_t now)
{
    int64_t last = now >> ALB_WHEEL_SHIFT;

    if (last - w->tick >= ALB_WHEEL_SLOTS) /* slept for more than a turn: every slot once is enough */
        w->tick = last - ALB_WHEEL_SLOTS + 1;
    while (w->tick <= last) {
        size_t slot = (size_t)w->tick % ALB_WHEEL_SLOTS;

        w->tick++; /* first: what fires may be set anew, for a later slot */
        if (w->used[slot / 64] & (uint64_t)1 << slot % 64)
            run_slot(w, slot, now);
    }
}

int alb_wheel_timeout(struct alb_wheel *w, int64_t now)
{
    for (int64_t t = w->tick; t < w->tick + ALB_WHEEL_SLOTS;) {
        size_t slot = (size_t)t % ALB_WHEEL_SLOTS;
        uint64_t bits = w->used[slot / 64] >> slot % 64;

        if (bits == 0) {
            t += (int64_t)(64 - slot % 64);
            continue;
        }
        t += __builtin_ctzll(bits);
        slot = (size_t)t % ALB_WHEEL_SLOTS;
        if (w->slots[slot].next != &w->slots[slot]) {
            int64_t ns = (t << ALB_WHEEL_SHIFT) - now;

            return ns <= 0 ? 0 : (int)(ns / ALB_NS_PER_MS) + 1;
        }
        w->used[slot / 64] &= ~((uint64_t)1 << slot % 64); /* it was emptied by clear */
    }
    return -1;
}
