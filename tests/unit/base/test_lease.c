/* SPDX-License-Identifier: Apache-2.0
 * Leases, one thread: every transition of lease.h as a table of steps, with L1 and L4 checked after each step
 * from what alb_lease_list says; views and deadlines. Callbacks that act, and two threads:
 * test_lease_calls.c; many threads: test_lease_stress.c.
 */
#include "lease_world.h"

static uint64_t background_part; /* of the budget, 0: all of it */

/* L1 and L4, from the outside. */
static void check_invariants(const struct script *s)
{
    struct alb_lease_info info[LEASES];
    struct alb_lease_view view = alb_lease_look(world.pool);
    size_t n = alb_lease_list(world.pool, info, LEASES);
    unsigned held = 0, background = 0, busy = 0, queued[ALB_LEASE_CLASS_COUNT] = {0};
    uint64_t used = 0, background_used = 0;
    uint64_t part = background_part > 0 ? background_part : s->budget;

    for (size_t i = 0; i < n; i++) {
        if (strcmp(info[i].state, "queued") == 0) {
            queued[info[i].cls]++;
            continue;
        }
        held++;
        used += info[i].cost;
        background += info[i].cls == ALB_LEASE_BACKGROUND;
        background_used += info[i].cls == ALB_LEASE_BACKGROUND ? info[i].cost : 0;
    }
    for (size_t i = 0; i < LEASES; i++)
        busy += world.busy[i];
    assert_int_equal(n, busy);
    assert_int_equal(view.held, held);
    assert_int_equal(view.budget_used, used);
    assert_int_equal(view.queued[ALB_LEASE_FOREGROUND], queued[ALB_LEASE_FOREGROUND]);
    assert_int_equal(view.queued[ALB_LEASE_BACKGROUND], queued[ALB_LEASE_BACKGROUND]);
    assert_true(held <= s->slots && used <= s->budget && background <= s->background &&
                background_used <= part);
    assert_true(queued[0] + queued[1] <= s->queue_max &&
                queued[ALB_LEASE_BACKGROUND] <= (s->queue_max + 1) / 2);
    if (held < n) { /* the first that waits: L4 */
        const struct alb_lease_info *head = &info[held];
        bool share = head->cls == ALB_LEASE_FOREGROUND ||
                     (background < s->background && head->cost <= part - background_used);
        assert_false(held < s->slots && head->cost <= s->budget - used && share);
    }
}

static void run_script(const struct script *s)
{
    memset(&world, 0, sizeof(world));
    alb_manual_clock_init(&world.clock, 100, 0);
    const struct alb_lease_config config = {
        .slots = s->slots,
        .background_slots = s->background,
        .budget = s->budget,
        .background_budget = background_part,
        .queue_max = s->queue_max,
        .clock = &world.clock.clock,
    };
    world.pool = alb_lease_pool_new(&config);
    assert_non_null(world.pool);
    for (size_t i = 0; s->leases[2 * i] != '\0'; i++) {
        world.l[i] = (struct alb_lease){
            .granted = granted,
            .refused = refused,
            .reclaim = reclaim,
            .cls = s->leases[2 * i] == 'f' ? ALB_LEASE_FOREGROUND : ALB_LEASE_BACKGROUND,
            .cost = (uint64_t)(s->leases[2 * i + 1] - '0'),
        };
        (void)snprintf(world.l[i].owner, sizeof(world.l[i].owner), "lease %zu", i);
    }
    for (const char *p = s->steps; *p != '\0'; p += 2) {
        step(p[0], p[1], s);
        check_invariants(s);
    }
    assert_string_equal(world.trace, s->trace);
    /* Everything can be given back, and then nothing is left. */
    for (size_t i = 0; i < LEASES; i++) {
        if (world.busy[i] && alb_lease_cancel(&world.l[i]))
            world.busy[i] = false;
    }
    for (size_t i = 0; i < LEASES; i++) {
        if (world.busy[i])
            step('r', (char)('0' + i), s);
    }
    struct alb_lease_view view = alb_lease_look(world.pool);
    assert_int_equal(view.held + view.queued[0] + view.queued[1] + view.budget_used, 0);
    alb_lease_pool_free(&world.pool);
    assert_null(world.pool);
}

static const struct script scripts[] = {
    {"hold and release", 1, 1, 9, 4, "f1", 0, 0, "q0r0q0", "hh"},
    {"queue, then granted in order", 1, 1, 9, 4, "f1f1f1", 0, 0, "q0q1q2r0r1", "hqqG1G2"},
    {"cancel", 1, 1, 9, 4, "f1f1f1", 0, 0, "q0q1q2c1r0c1", "hqq-G2x"},
    {"cancel what is held, idle or was never asked for", 1, 1, 9, 4, "f1f1", 0, 0, "q0c0r0c0c1", "hxxx"},
    {"cancel of a head that does not fit lets the next one in", 2, 1, 3, 4, "f2f2f1", 0, 0, "q0q1q2c1",
     "hqqG2-"},
    {"queue full", 1, 1, 9, 2, "f1f1f1f1", 0, 0, "q0q1q2q3r0q3", "hqqbG1q"},
    {"no queue", 1, 1, 9, 0, "f1f1", 0, 0, "q0q1r0q1", "hbh"},
    {"too large", 2, 1, 3, 4, "f4f3", 0, 0, "q0q1", "lh"},
    {"cost nothing", 2, 1, 0, 4, "f0f0f0", 0, 0, "q0q1q2r1", "hhqG2"},
    {"budget keeps a slot empty", 3, 1, 3, 4, "f2f2f1", 0, 0, "q0q1q2", "hqq"},
    {"one release, two grants", 3, 1, 3, 4, "f3f2f1", 0, 0, "q0q1q2r0", "hqqG1G2"},
    /* classes */
    {"the share of the background", 3, 1, 9, 6, "b1b1f1f1f1", 0, 0, "q0q1q2q3q4r0r2", "hqhhqG4G1"},
    {"no share: refused", 2, 0, 9, 4, "b1", 0, 0, "q0", "b"},
    {"foreground first", 1, 1, 9, 4, "f1b1f1", 0, 0, "q0q1q2r0r2", "hqqG2G1"},
    {"no background past a foreground that does not fit", 3, 2, 3, 4, "f2f2b1", 0, 0, "q0q1q2r0", "hqqG1G2"},
    {"nor a new one", 3, 2, 4, 6, "f3f2b1f1", 0, 0, "q0q1q2q3r0", "hqqqG1G3G2"},
    {"cancel of the foreground lets the background in", 3, 2, 3, 4, "f2f2b1", 0, 0, "q0q1q2c1", "hqqG2-"},
    {"background fills half of the queue", 1, 1, 9, 3, "f1b1b1b1f1f1", 0, 0, "q0q1q2q3q4q5", "hqqbqb"},
    {"a foreground one may go when only the share is used up", 2, 1, 9, 4, "b1b1f1", 0, 0, "q0q1q2", "hqh"},
    /* queue deadlines */
    {"times out at a tick", 1, 1, 9, 4, "f1f1", 5, 0, "q0q1k4k1r0", "hqT1"},
    {"is not granted after its deadline", 1, 1, 9, 4, "f1f1f1", 5, 0, "q0q1n3q2n2r0", "hqqT1G2"},
    {"a dead head does not keep a newcomer out", 2, 1, 3, 4, "f2f2f1", 5, 0, "q0q1n5q2", "hqT1h"},
    {"the next one fits after the head timed out", 2, 1, 3, 4, "f2f2f1", 5, 0, "q0q1n2q2k3", "hqqT1G2"},
    {"now or never", 1, 1, 9, 4, "f1f1", -1, 0, "q0q1r0q1", "hth"},
    {"cancel after time-out", 1, 1, 9, 4, "f1f1", 5, 0, "q0q1k5c1q1", "hqT1xq"},
    /* hold deadlines */
    {"overdue once", 1, 1, 9, 4, "f1f1", 0, 7, "q0q1k6k1k9r0k6k1", "hqO0G1O1"},
    {"release before it", 1, 1, 9, 4, "f1", 0, 7, "q0k6r0k9", "h"},
    {"a grant begins its own time", 1, 1, 9, 4, "f1f1", 0, 7, "q0n6q1r0k6k1", "hqG1O1"},
    {"abandoned, then overdue", 1, 1, 9, 4, "f1", 0, 7, "q0a0k7a0u0k9", "hO0x"},
    {"wanted, then overdue", 1, 1, 9, 4, "f1f1", 0, 7, "q0a0q1k7r0", "hW0qO0G1"},
    {"overdue is not asked again", 1, 1, 9, 4, "f1f1", 0, 7, "q0k7a0q1", "hO0q"},
    /* abandoned and wanted */
    {"abandoned and nobody wants it", 1, 1, 9, 4, "f1f1", 0, 0, "q0a0r0q1", "hh"},
    {"wanted when somebody queues", 1, 1, 9, 4, "f1f1", 0, 0, "q0a0q1r0", "hW0qG1"},
    {"wanted by who queues already", 1, 1, 9, 4, "f1f1", 0, 0, "q0q1a0r0", "hqW0G1"},
    {"wanted once", 1, 1, 9, 4, "f1f1f1", 0, 0, "q0a0q1q2c1a0", "hW0qq-"},
    {"as many as are needed, the youngest first", 3, 1, 9, 4, "f1f1f1f1f1", 0, 0, "q0q1q2a2a1a0q3q4",
     "hhhW2qW1q"},
    {"who will come back is counted on", 2, 1, 9, 4, "f1f1f1f1", 0, 7, "q0n3q1a1n4k0q2q3", "hhO0qW1q"},
    {"for budget, those that hold some", 3, 1, 4, 4, "f0f2f2f3", 0, 0, "q0q1q2a0a1a2q3", "hhhW2W1q"},
    {"for a slot, any", 2, 1, 4, 4, "f0f2f1", 0, 0, "q0q1a0q2r0", "hhW0qG2"},
    {"for a share, background ones", 3, 1, 9, 4, "f1b1b1", 0, 0, "q0q1a0a1q2r1", "hhW1qG2"},
    {"not for one that waits behind what cannot be helped", 2, 1, 4, 4, "f4f3f0", 0, 0, "q0q1q2", "hqq"},
    {"healthy work and abandoned work together", 2, 1, 4, 4, "f2f2f4", 0, 0, "q0q1a1q2r1r0", "hhW1qG2"},
    {"foreground is thought of first", 2, 2, 9, 4, "f1f1b1f1", 0, 0, "q0q1a0q2q3r0", "hhW0qqG3"},
    {"expired requests want nothing", 2, 1, 9, 4, "f1f1f1", 5, 0, "q0q1q2n5a0k0", "hhqT2"},
    {"adopted before anybody asks", 1, 1, 9, 4, "f1f1", 0, 0, "q0a0u0q1a0", "h-qW0"},
    {"adopted after it was asked for", 1, 1, 9, 4, "f1f1", 0, 0, "q0a0q1u0u0a0", "hW0q-xW0"},
    {"adopted: another one is asked", 2, 1, 9, 4, "f1f1f1", 0, 0, "q0q1a0a1q2u1r0", "hhW1qW0-G2"},
    {"adopt in other states", 1, 1, 9, 4, "f1f1", 0, 0, "u0q0u0q1u1r0u0", "xhxqxG1x"},
    {"abandon in other states", 1, 1, 9, 4, "f1f1", 0, 0, "a0q0q1a1r0r1a0", "hqG1"},
    /* close */
    {"close", 2, 1, 9, 6, "f1b1f1b1f1", 0, 7, "q0q1q2q3z0q4c2r0k7q0", "hhqqC2C3bxO1b"},
    {"close twice", 1, 1, 9, 4, "f1f1", 0, 0, "q0q1z0z0", "hqC1"},
    {"too large stays too large", 1, 1, 3, 4, "f4", 0, 0, "z0q0", "l"},
};

/* Background may hold 2 of the budget. */
static const struct script part_scripts[] = {
    {"a large background one leaves room for a person", 3, 2, 4, 4, "b2b1f2", 0, 0, "q0q1q2r0r1", "hqhG1"},
    {"above its part it will never fit", 3, 2, 4, 4, "b3f3", 0, 0, "q0q1", "lh"},
    {"the foreground has all of it", 3, 2, 4, 4, "f4b1", 0, 0, "q0q1r0", "hqG1"},
    {"for its part, background ones that hold some", 4, 3, 9, 4, "f2b0b2b1", 0, 0, "q0q1q2a0a2a1q3r2",
     "hhhW2qG3"},
    {"slots of the share first, then its part", 4, 2, 9, 4, "b2b0b2", 0, 0, "q0q1a1a0q2r0", "hhW0qG2"},
};

static void test_transitions(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(scripts); i++) {
        print_message("# %s\n", scripts[i].name);
        run_script(&scripts[i]);
    }
    background_part = 2;
    for (size_t i = 0; i < ALB_ARRAY_LEN(part_scripts); i++) {
        print_message("# %s\n", part_scripts[i].name);
        run_script(&part_scripts[i]);
    }
    background_part = 0;
}

static void test_views(void **state)
{
    const struct script s = {"", 2, 1, 9, 8, "f1b2f3b1f1", 0, 7, "q0q1n2q2q3a1n1", "hhqqW1"};
    struct alb_lease_info info[LEASES];

    (void)state;
    run_script(&s);
    /* The same once more, looked at from within. */
    memset(&world, 0, sizeof(world));
    alb_manual_clock_init(&world.clock, 100, 0);
    const struct alb_lease_config config = {
        .slots = 2, .background_slots = 1, .budget = UINT64_MAX, .queue_max = 8, .clock = &world.clock.clock};
    world.pool = alb_lease_pool_new(&config);
    assert_non_null(world.pool);
    for (size_t i = 0; i < 4; i++) {
        world.l[i] =
            (struct alb_lease){.granted = granted, .refused = refused, .reclaim = reclaim, .cost = i + 1};
        world.l[i].cls = i % 2 == 0 ? ALB_LEASE_FOREGROUND : ALB_LEASE_BACKGROUND;
        (void)snprintf(world.l[i].owner, sizeof(world.l[i].owner), "lease %zu", i);
    }
    struct script longer = s;
    step('q', '0', &longer);
    step('n', '2', &longer);
    longer.hold_ns = 50;
    step('q', '1', &longer);
    step('q', '2', &longer);
    step('n', '1', &longer);
    step('q', '3', &longer);
    step('k', '4', &longer);
    step('a', '1', &longer);
    step('n', '3', &longer);
    assert_int_equal(alb_lease_list(world.pool, info, LEASES), 4);
    assert_string_equal(info[0].state, "overdue");
    assert_string_equal(info[1].state, "abandoned");
    assert_string_equal(info[2].state, "queued");
    assert_string_equal(info[3].state, "queued");
    for (size_t i = 0; i < 4; i++) {
        const int64_t age[] = {10, 8, 8, 7};
        assert_string_equal(info[i].owner, world.l[i].owner);
        assert_int_equal(info[i].cost, i + 1);
        assert_int_equal(info[i].cls, world.l[i].cls);
        assert_int_equal(info[i].age_ns, age[i]);
    }
    assert_int_equal(alb_lease_list(world.pool, info, 3), 3);
    struct alb_lease_view view = alb_lease_look(world.pool);
    assert_int_equal(view.slots, 2);
    assert_int_equal(view.held, 2);
    assert_int_equal(view.overdue, 1);
    assert_int_equal(view.abandoned, 1);
    assert_int_equal(view.oldest_wait_ns, 8);
    assert_int_equal(view.budget_used, 3);
    assert_int_equal(view.granted_total, 2);
    assert_int_equal(view.refused_total, 0);
    assert_int_equal(view.reclaimed_total, 2);
    alb_lease_close(world.pool);
    assert_int_equal(alb_lease_look(world.pool).refused_total, 2);
    assert_int_equal(alb_lease_look(world.pool).oldest_wait_ns, 0);
    alb_lease_release(&world.l[0]);
    alb_lease_release(&world.l[1]);
    alb_lease_pool_free(&world.pool);
    alb_lease_pool_free(&world.pool);
}

static void test_next_deadline(void **state)
{
    const struct script s = {"", 1, 1, 9, 8, "f1f1", 20, 30, "", ""};

    (void)state;
    memset(&world, 0, sizeof(world));
    alb_manual_clock_init(&world.clock, 100, 0);
    const struct alb_lease_config config = {
        .slots = 1, .background_slots = 1, .budget = 9, .queue_max = 8, .clock = &world.clock.clock};
    world.pool = alb_lease_pool_new(&config);
    assert_non_null(world.pool);
    for (size_t i = 0; i < 2; i++)
        world.l[i] =
            (struct alb_lease){.granted = granted, .refused = refused, .reclaim = reclaim, .cost = 1};
    assert_int_equal(alb_lease_tick(world.pool), ALB_NEVER);
    request(&world.l[0], &s);
    assert_int_equal(alb_lease_tick(world.pool), 130);
    request(&world.l[1], &s);
    assert_int_equal(alb_lease_tick(world.pool), 120);
    alb_lease_abandon(&world.l[0]);
    alb_manual_clock_advance(&world.clock, 20);
    assert_int_equal(alb_lease_tick(world.pool), 130);
    alb_manual_clock_advance(&world.clock, 10);
    assert_int_equal(alb_lease_tick(world.pool), ALB_NEVER);
    assert_string_equal(world.trace, "hqW0T1O0");
    alb_lease_release(&world.l[0]);
    alb_lease_pool_free(&world.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transitions),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_next_deadline),
    };
    return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
