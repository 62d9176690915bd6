/* SPDX-License-Identifier: Apache-2.0
 * The books of a lease pool alone, under a random schedule: L1, L2, L4 and L5 of lease.h after every change.
 * ALB_SEED=n repeats a schedule exactly.
 */
#include <time.h>

#include "base/clock.h"
#include "base/lease_ledger.h"
#include "test.h"

struct books {
    struct alb_ledger g;
    struct alb_lease l[24];
    unsigned answers[24]; /* callbacks and cancels of the request that queues or queued last */
    bool queued[24];
    int64_t now;
    unsigned seed;
};

static unsigned pick(struct books *b, unsigned n)
{
    return (unsigned)rand_r(&b->seed) % n;
}

static void take_all_due(struct books *b)
{
    struct alb_lease *l;

    for (;;) {
        enum alb_lease_due due = alb_ledger_take_due(&b->g, &l);
        size_t i = (size_t)(l - b->l);
        switch (due) {
        case ALB_LEASE_DUE_NONE:
            return;
        case ALB_LEASE_DUE_GRANTED:
            assert_true(l->state >= (int)ALB_LEASE_S_HELD);
            b->answers[i]++;
            break;
        case ALB_LEASE_DUE_REFUSED:
            assert_int_equal(l->state, ALB_LEASE_S_IDLE);
            b->answers[i]++;
            break;
        case ALB_LEASE_DUE_OVERDUE:
            assert_int_equal(l->state, ALB_LEASE_S_OVERDUE);
            break;
        case ALB_LEASE_DUE_WANTED:
            assert_true(l->state == (int)ALB_LEASE_S_ABANDONED || l->state == (int)ALB_LEASE_S_OVERDUE);
            assert_true(l->told_wanted);
            break;
        }
    }
}

static bool fits_in(const struct alb_lease_room *room, const struct alb_lease *l)
{
    return room->slots > 0 && room->budget >= l->cost &&
           (l->cls == ALB_LEASE_FOREGROUND ||
            (room->background_slots > 0 && room->background_budget >= l->cost));
}

static void check_books(struct books *b)
{
    struct alb_lease_room used = {0, 0, 0, 0}, coming = b->g.free;
    unsigned untold = 0, in_queue = 0;
    bool helpful = false;

    for (const struct alb_lease *l = b->g.holders.head; l != NULL; l = l->next) {
        bool bg = l->cls == ALB_LEASE_BACKGROUND;
        used.slots++;
        used.budget += l->cost;
        used.background_slots += bg;
        used.background_budget += bg ? l->cost : 0;
        untold += l->state == (int)ALB_LEASE_S_ABANDONED && !l->told_wanted;
        if (l->state == (int)ALB_LEASE_S_OVERDUE || l->told_wanted) {
            coming.slots++;
            coming.budget += l->cost;
            coming.background_slots += bg;
            coming.background_budget += bg ? l->cost : 0;
        }
    }
    assert_int_equal(used.slots + b->g.free.slots, 4); /* L1 */
    assert_int_equal(used.background_slots + b->g.free.background_slots, 2);
    assert_int_equal(used.budget + b->g.free.budget, 10);
    assert_int_equal(used.background_budget + b->g.free.background_budget, 6);
    assert_int_equal(untold, b->g.untold);
    const struct alb_lease *heads[] = {b->g.queue[0].head, b->g.queue[1].head};
    for (size_t cls = 0; cls < 2; cls++) {
        for (const struct alb_lease *l = b->g.queue[cls].head; l != NULL; l = l->next)
            in_queue++;
    }
    assert_int_equal(in_queue, b->g.in_state[ALB_LEASE_S_QUEUED]);
    const struct alb_lease *first = heads[0] != NULL ? heads[0] : heads[1];
    if (first == NULL)
        return;
    assert_true(first->queue_deadline > b->now);
    assert_false(fits_in(&b->g.free, first)); /* L4 */
    if (fits_in(&coming, first))
        return;
    for (const struct alb_lease *l = b->g.holders.head; l != NULL; l = l->next) { /* L5 */
        bool bg = first->cls == ALB_LEASE_BACKGROUND, share = bg && coming.background_slots == 0;
        bool memory = bg && coming.background_budget < first->cost; /* its part of the budget */
        if (l->state == (int)ALB_LEASE_S_ABANDONED && !l->told_wanted && (memory || share))
            helpful |= l->cls == ALB_LEASE_BACKGROUND && (share || l->cost > 0);
        else if (l->state == (int)ALB_LEASE_S_ABANDONED && !l->told_wanted)
            helpful |= coming.slots == 0 || l->cost > 0;
    }
    assert_false(helpful);
}

static void one_request(struct books *b, size_t i)
{
    struct alb_lease *l = &b->l[i];

    assert_int_equal(b->answers[i], b->queued[i]); /* L2 */
    b->answers[i] = 0;
    l->cls = pick(b, 2) == 0 ? ALB_LEASE_FOREGROUND : ALB_LEASE_BACKGROUND;
    l->cost = pick(b, 5) == 0 ? pick(b, 12) : pick(b, 4);
    l->queue_deadline = b->now + pick(b, 30);
    l->hold_ns = 1 + pick(b, 50);
    enum alb_code code = alb_ledger_request(&b->g, l, b->now);
    assert_int_equal(code == ALB_E_TOO_LARGE, l->cost > (l->cls == ALB_LEASE_BACKGROUND ? 6 : 10));
    b->queued[i] = l->state == (int)ALB_LEASE_S_QUEUED;
    assert_int_equal(code == ALB_OK, l->state != (int)ALB_LEASE_S_IDLE);
}

static void one_change(struct books *b)
{
    size_t i = pick(b, ALB_ARRAY_LEN(b->l));
    struct alb_lease *l = &b->l[i];

    switch (pick(b, 8)) {
    case 0:
    case 1:
    case 2:
        if (l->state == (int)ALB_LEASE_S_IDLE && l->due == 0)
            one_request(b, i);
        break;
    case 3:
        b->answers[i] += alb_ledger_cancel(&b->g, l);
        break;
    case 4:
        (void)alb_ledger_abandon(&b->g, l);
        break;
    case 5:
        (void)alb_ledger_adopt(&b->g, l);
        break;
    case 6:
        if (l->state >= (int)ALB_LEASE_S_HELD && (l->due & ALB_LEASE_DUE_GRANTED) == 0)
            alb_ledger_release(&b->g, l);
        break;
    default:
        b->now += pick(b, 20);
        alb_ledger_expire(&b->g, b->now);
    }
}

static void never_called(struct alb_lease *l, enum alb_reclaim why)
{
    (void)l;
    (void)why;
    fail();
}

static void test_books_under_a_random_schedule(void **state)
{
    static struct books b;
    const struct alb_lease_config config = {
        .slots = 4, .background_slots = 2, .budget = 10, .background_budget = 6, .queue_max = 9};

    (void)state;
    memset(&b, 0, sizeof(b));
    const char *given = getenv("ALB_SEED");
    b.seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    print_message("# ALB_SEED=%u\n", b.seed);
    alb_ledger_init(&b.g, &config);
    for (size_t i = 0; i < ALB_ARRAY_LEN(b.l); i++)
        b.l[i] = (struct alb_lease){.reclaim = never_called};
    for (int round = 0; round < 200000; round++) {
        one_change(&b);
        alb_ledger_balance(&b.g, b.now);
        check_books(&b);
        if (pick(&b, 3) > 0) /* else what is due may be overtaken by further changes */
            take_all_due(&b);
        alb_ledger_find_earliest(&b.g);
    }
    assert_true(b.g.granted_total > 1000 && b.g.refused_total > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_books_under_a_random_schedule)};
    return cmocka_run_group_tests_name("lease_ledger", tests, NULL, NULL);
}
