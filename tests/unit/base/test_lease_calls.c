/* SPDX-License-Identifier: Apache-2.0
 * Leases: callbacks that act, the order of callbacks, the pool's own timer, who waits for whom across two
 * threads, failure of memory and the panics.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/lock.h"
#include "base/timer.h"
#include "lease_world.h"

/* ---- callbacks that act -------------------------------------------------------------------------- */

static unsigned depth, granted_count;
static struct alb_lease_pool *chain_pool;

static void release_at_once(struct alb_lease *l)
{
    assert_int_equal(depth++, 0); /* C2 */
    granted_count++;
    alb_lease_release(l);
    depth--;
    free(l);
}

static void test_grants_that_release_at_once(void **state)
{
    const struct alb_lease_config config = {
        .slots = 1, .background_slots = 0, .budget = 1, .queue_max = 1000, .clock = alb_clock_real()};
    struct alb_lease first = {.granted = granted, .refused = refused, .hold_ns = ALB_NEVER};

    (void)state;
    chain_pool = alb_lease_pool_new(&config);
    assert_non_null(chain_pool);
    granted_count = 0;
    assert_int_equal(alb_lease_request(chain_pool, &first, NULL), ALB_LEASE_HELD);
    for (int i = 0; i < 1000; i++) {
        struct alb_lease *l = calloc(1, sizeof(*l));
        assert_non_null(l);
        *l = (struct alb_lease){.granted = release_at_once,
                                .refused = refused,
                                .queue_deadline = ALB_NEVER,
                                .hold_ns = ALB_NEVER};
        assert_int_equal(alb_lease_request(chain_pool, l, NULL), ALB_LEASE_QUEUED);
    }
    alb_lease_release(&first);
    assert_int_equal(granted_count, 1000);
    alb_lease_pool_free(&chain_pool);
}

static void release_on_reclaim(struct alb_lease *l, enum alb_reclaim why)
{
    reclaim(l, why);
    world.busy[l - world.l] = false;
    alb_lease_release(l);
}

static void adopt_on_reclaim(struct alb_lease *l, enum alb_reclaim why)
{
    reclaim(l, why);
    assert_true(alb_lease_adopt(l));
}

static void request_again(struct alb_lease *l, enum alb_code code)
{
    refused(l, code);
    l->queue_deadline = ALB_NEVER;
    assert_int_equal(alb_lease_request(world.pool, l, NULL), ALB_LEASE_QUEUED);
    world.busy[l - world.l] = true;
}

static void test_callbacks_that_act(void **state)
{
    const struct script s = {"", 2, 1, 9, 8, "", 5, 0, "", ""};
    const struct alb_lease_config config = {
        .slots = 2, .background_slots = 1, .budget = 9, .queue_max = 8, .clock = &world.clock.clock};

    (void)state;
    memset(&world, 0, sizeof(world));
    alb_manual_clock_init(&world.clock, 100, 0);
    world.pool = alb_lease_pool_new(&config);
    assert_non_null(world.pool);
    for (size_t i = 0; i < 4; i++)
        world.l[i] =
            (struct alb_lease){.granted = granted, .refused = request_again, .reclaim = reclaim, .cost = 1};
    world.l[0].reclaim = adopt_on_reclaim;
    world.l[1].reclaim = release_on_reclaim;
    step('q', '0', &s);
    step('q', '1', &s);
    step('a', '1', &s);
    step('a', '0', &s);
    step('q', '2', &s); /* wants 1, which gives way inside its reclaim: 2 is granted */
    assert_string_equal(world.trace, "hhW1G2q");
    step('q', '3', &s); /* wants 0, which has got somebody who waits again */
    assert_string_equal(world.trace, "hhW1G2qW0q");
    step('k', '5', &s); /* times out, asks again inside its refusal */
    assert_string_equal(world.trace, "hhW1G2qW0qT3");
    step('r', '2', &s);
    assert_string_equal(world.trace, "hhW1G2qW0qT3G3");
    step('r', '0', &s);
    step('r', '3', &s);
    alb_lease_pool_free(&world.pool);
}

/* A hold deadline that passes before granted was called: granted first, then reclaim (L3). And a reclaim that
 * is due but has not begun is dropped by release. */
static struct alb_lease *tick_victim;

static void tick_inside(struct alb_lease *l)
{
    granted(l);
    alb_manual_clock_advance(&world.clock, 100);
    (void)alb_lease_tick(world.pool); /* decides OVERDUE for 1 and 2, calls nothing yet */
    assert_int_equal(alb_lease_look(world.pool).overdue, 2);
    assert_int_equal(alb_lease_look(world.pool).reclaimed_total, 0);
    assert_false(alb_lease_cancel(tick_victim)); /* granted, though it does not know yet */
    alb_lease_release(l);                        /* drops its own reclaim */
    world.busy[l - world.l] = false;
}

static void test_order_of_callbacks(void **state)
{
    const struct script s = {"", 2, 1, 9, 8, "", 0, 7, "", ""};
    const struct alb_lease_config config = {
        .slots = 2, .background_slots = 1, .budget = 9, .queue_max = 8, .clock = &world.clock.clock};

    (void)state;
    memset(&world, 0, sizeof(world));
    alb_manual_clock_init(&world.clock, 100, 0);
    world.pool = alb_lease_pool_new(&config);
    assert_non_null(world.pool);
    for (size_t i = 0; i < 3; i++)
        world.l[i] =
            (struct alb_lease){.granted = granted, .refused = refused, .reclaim = reclaim, .cost = 3};
    world.l[0].cost = 9;
    world.l[1].granted = tick_inside;
    tick_victim = &world.l[2];
    step('q', '0', &s);
    step('q', '1', &s);
    step('q', '2', &s);
    step('r', '0', &s); /* grants 1 and 2 at once */
    assert_string_equal(world.trace, "hqqG1G2O2");
    step('r', '2', &s);
    alb_lease_pool_free(&world.pool);
}

/* A reclaim that is due but has not begun is dropped by adopt, too. */
static void abandon_and_adopt(struct alb_lease *l)
{
    granted(l);
    alb_lease_abandon(&world.l[0]); /* 2 queues: it is wanted at once, and the call waits for its turn */
    assert_true(alb_lease_adopt(&world.l[0]));
}

static void test_adopt_drops_what_is_due(void **state)
{
    const struct script s = {"", 2, 1, 9, 8, "", 0, 0, "", ""};
    const struct alb_lease_config config = {
        .slots = 2, .background_slots = 1, .budget = 9, .queue_max = 8, .clock = &world.clock.clock};

    (void)state;
    memset(&world, 0, sizeof(world));
    alb_manual_clock_init(&world.clock, 100, 0);
    world.pool = alb_lease_pool_new(&config);
    assert_non_null(world.pool);
    for (size_t i = 0; i < 4; i++)
        world.l[i] =
            (struct alb_lease){.granted = granted, .refused = refused, .reclaim = reclaim, .cost = 1};
    world.l[1].granted = abandon_and_adopt;
    step('q', '0', &s);
    step('q', '3', &s);
    step('q', '1', &s);
    step('q', '2', &s);
    step('r', '3', &s);
    assert_string_equal(world.trace, "hhqqG1");
    step('r', '0', &s);
    assert_string_equal(world.trace, "hhqqG1G2");
    step('r', '1', &s);
    step('r', '2', &s);
    alb_lease_pool_free(&world.pool);
}

/* ---- the pool's own timer ------------------------------------------------------------------------ */

static void test_own_timer(void **state)
{
    const struct script s = {"", 1, 1, 9, 8, "", 20, 30, "", ""};
    struct alb_timers *timers;

    (void)state;
    memset(&world, 0, sizeof(world));
    alb_manual_clock_init(&world.clock, 100, 0);
    timers = alb_timers_new(&world.clock.clock, 1);
    assert_non_null(timers);
    const struct alb_lease_config config = {.slots = 1,
                                            .background_slots = 1,
                                            .budget = 9,
                                            .queue_max = 8,
                                            .clock = &world.clock.clock,
                                            .timers = timers};
    world.pool = alb_lease_pool_new(&config);
    assert_non_null(world.pool);
    assert_null(alb_lease_pool_new(&config)); /* no place for its timer */
    for (size_t i = 0; i < 3; i++)
        world.l[i] =
            (struct alb_lease){.granted = granted, .refused = refused, .reclaim = reclaim, .cost = 1};
    assert_int_equal(alb_timers_run(timers), ALB_NEVER);
    step('q', '0', &s);
    assert_int_equal(alb_timers_run(timers), 130);
    step('n', '5', &s);
    step('q', '1', &s); /* brings an earlier deadline: nobody has to tell the timer */
    assert_int_equal(alb_timers_run(timers), 125);
    step('n', '9', &s);
    step('n', '9', &s);
    step('n', '1', &s);
    assert_string_equal(world.trace, "hq");
    step('n', '1', &s);
    assert_int_equal(alb_timers_run(timers), 130);
    assert_string_equal(world.trace, "hqT1");
    step('n', '5', &s);
    assert_int_equal(alb_timers_run(timers), ALB_NEVER);
    assert_string_equal(world.trace, "hqT1O0");
    step('q', '2', &s);
    step('r', '0', &s); /* a grant brings a deadline, too */
    assert_int_equal(alb_timers_run(timers), 150);
    step('n', '9', &s);
    step('n', '9', &s);
    step('n', '2', &s);
    assert_int_equal(alb_timers_run(timers), 160);
    step('r', '2', &s);
    alb_lease_pool_free(&world.pool);
    alb_timers_free(&timers);
}

/* ---- release waits for a reclaim on another thread (C4) ------------------------------------------ */

struct slow {
    struct alb_lease l;
    atomic_bool inside, releasing, over;
};

static void slow_reclaim(struct alb_lease *l, enum alb_reclaim why)
{
    struct slow *s = ALB_CONTAINER_OF(l, struct slow, l);

    (void)why;
    atomic_store(&s->inside, true);
    while (!atomic_load(&s->releasing))
        sched_yield();
    for (int i = 0; i < 1000; i++)
        sched_yield();
    atomic_store(&s->over, true);
}

static void *abandoner(void *arg)
{
    alb_lease_abandon(&((struct slow *)arg)->l);
    return NULL;
}

static void test_release_waits_for_a_running_reclaim(void **state)
{
    const struct alb_lease_config config = {
        .slots = 1, .background_slots = 0, .budget = 1, .queue_max = 4, .clock = alb_clock_real()};
    struct alb_lease_pool *pool = alb_lease_pool_new(&config);

    (void)state;
    assert_non_null(pool);
    for (int i = 0; i < 5; i++) {
        struct slow s = {
            .l = {.granted = granted, .refused = refused, .reclaim = slow_reclaim, .hold_ns = ALB_NEVER}};
        memset(&world, 0, sizeof(world));
        struct alb_lease *next = &world.l[0];
        *next = (struct alb_lease){
            .granted = granted, .refused = refused, .queue_deadline = ALB_NEVER, .hold_ns = ALB_NEVER};
        pthread_t thread;
        assert_int_equal(alb_lease_request(pool, &s.l, NULL), ALB_LEASE_HELD);
        assert_int_equal(alb_lease_request(pool, next, NULL), ALB_LEASE_QUEUED);
        assert_int_equal(pthread_create(&thread, NULL, abandoner, &s), 0);
        while (!atomic_load(&s.inside))
            sched_yield();
        atomic_store(&s.releasing, true);
        alb_lease_release(&s.l);
        assert_true(atomic_load(&s.over));
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_string_equal(world.trace, "G0");
        alb_lease_release(next);
    }
    alb_lease_pool_free(&pool);
}

/* ---- the end of a pool waits for a callback that still uses it ----------------------------------- */

struct late {
    struct alb_lease holder, first, second;
    struct alb_lease_pool *pool;
    struct alb_timers *timers;
    struct alb_timer greedy; /* takes the pool's place among the timers as soon as that is given back */
    atomic_bool inside;
};

static void late_granted(struct alb_lease *l)
{
    struct late *s = ALB_CONTAINER_OF(l, struct late, first);

    alb_lease_release(l); /* nothing is held or queued now: the pool may be freed */
    atomic_store(&s->inside, true);
    for (int i = 0; i < 1000 && alb_timer_reserve(s->timers, &s->greedy) != ALB_OK; i++)
        sched_yield();
    alb_ignore(alb_lease_request(s->pool, &s->second, NULL) != ALB_LEASE_HELD, "the slot is free");
    alb_lease_release(&s->second);
}

static void *releaser(void *arg)
{
    alb_lease_release(&((struct late *)arg)->holder);
    return NULL;
}

static void test_free_waits_for_a_callback_that_goes_on(void **state)
{
    struct late s = {.holder = {.granted = granted, .refused = refused, .hold_ns = ALB_NEVER}};
    struct alb_lease_config config = {
        .slots = 1, .background_slots = 0, .budget = 1, .queue_max = 4, .clock = alb_clock_real()};
    pthread_t thread;

    (void)state;
    s.first = (struct alb_lease){
        .granted = late_granted, .refused = refused, .queue_deadline = ALB_NEVER, .hold_ns = ALB_NEVER};
    s.second = (struct alb_lease){.granted = granted,
                                  .refused = refused,
                                  .reclaim = reclaim,
                                  .queue_deadline = ALB_NEVER,
                                  .hold_ns = 3600 * ALB_NS_PER_S}; /* arms the pool's timer */
    s.timers = alb_timers_new(alb_clock_real(), 1);
    assert_non_null(s.timers);
    config.timers = s.timers;
    s.pool = alb_lease_pool_new(&config);
    assert_non_null(s.pool);
    assert_int_equal(alb_lease_request(s.pool, &s.holder, NULL), ALB_LEASE_HELD);
    assert_int_equal(alb_lease_request(s.pool, &s.first, NULL), ALB_LEASE_QUEUED);
    assert_int_equal(pthread_create(&thread, NULL, releaser, &s), 0);
    while (!atomic_load(&s.inside))
        sched_yield();
    alb_lease_pool_free(&s.pool);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(alb_timers_run(s.timers), ALB_NEVER); /* no timer of a pool that is gone */
    alb_timers_free(&s.timers);
}

/* ---- memory, panics ------------------------------------------------------------------------------ */

static bool make(void *arg)
{
    struct alb_lease_config config = {.slots = 1, .background_slots = 1, .budget = 1, .queue_max = 1};
    struct alb_timers *timers = alb_timers_new(alb_clock_real(), 1);
    bool failed = true;

    (void)arg;
    if (timers == NULL)
        return true;
    config.clock = alb_clock_real();
    config.timers = timers;
    struct alb_lease_pool *pool = alb_lease_pool_new(&config);
    if (pool != NULL) {
        alb_lease_pool_free(&pool);
        failed = false;
    }
    alb_timers_free(&timers);
    return failed;
}

static void test_no_memory(void **state)
{
    (void)state;
    sweep_allocations(make, NULL);
}

static struct alb_lease_pool *small_pool(struct alb_lease l[2])
{
    const struct alb_lease_config config = {
        .slots = 1, .background_slots = 1, .budget = 9, .queue_max = 8, .clock = alb_clock_real()};

    memset(l, 0, 2 * sizeof(*l));
    for (size_t i = 0; i < 2; i++)
        l[i] = (struct alb_lease){
            .granted = granted, .refused = refused, .queue_deadline = ALB_NEVER, .hold_ns = ALB_NEVER};
    struct alb_lease_pool *pool = alb_lease_pool_new(&config);
    assert_non_null(pool);
    return pool;
}

static void misuse(void *arg)
{
    struct alb_lease l[2];
    struct alb_lease_pool *pool = small_pool(l);

    alb_ignore(alb_lease_request(pool, &l[0], NULL) != ALB_LEASE_HELD, "it does");
    alb_ignore(alb_lease_request(pool, &l[1], NULL) != ALB_LEASE_QUEUED, "it does");
    switch (*(const char *)arg) {
    case 'f':
        alb_lease_pool_free(&pool);
        break;
    case 'q':
        alb_ignore(alb_lease_request(pool, &l[0], NULL) != ALB_LEASE_HELD, "panics");
        break;
    case 'r':
        alb_lease_release(&l[1]); /* queued */
        break;
    case 'n':
        l[1] = (struct alb_lease){.state = 0};
        alb_lease_release(&l[1]); /* of no pool */
        break;
    case 'a':
        alb_lease_abandon(&l[0]); /* nobody could be told */
        break;
    default:
        l[1] = (struct alb_lease){.granted = granted, .refused = refused, .hold_ns = 5};
        alb_ignore(alb_lease_request(pool, &l[1], NULL) != ALB_LEASE_HELD,
                   "panics: a deadline and no reclaim");
    }
}

static void test_panics(void **state)
{
    (void)state;
    expect_panic(misuse, &(char){'f'}, "ALB_LEASE_S_QUEUED");
    expect_panic(misuse, &(char){'q'}, "ALB_LEASE_S_IDLE");
    expect_panic(misuse, &(char){'r'}, "ALB_LEASE_S_HELD");
    expect_panic(misuse, &(char){'n'}, "p != NULL");
    expect_panic(misuse, &(char){'a'}, "l->reclaim != NULL");
    expect_panic(misuse, &(char){'d'}, "l->reclaim != NULL");
}

#ifdef ALB_LOCK_DEBUG
static struct alb_lease rules[2];

static void release_another(struct alb_lease *l, enum alb_reclaim why)
{
    (void)why;
    alb_lease_release(l == &rules[0] ? &rules[1] : &rules[0]);
}

static void releases_another_in_reclaim(void *arg)
{
    struct alb_lease_pool *pool = small_pool(rules);

    (void)arg;
    rules[0].reclaim = release_another;
    alb_ignore(alb_lease_request(pool, &rules[0], NULL) != ALB_LEASE_HELD, "it does");
    alb_ignore(alb_lease_request(pool, &rules[1], NULL) != ALB_LEASE_QUEUED, "it does");
    alb_lease_abandon(&rules[0]);
}

static void requests_under_a_lock(void *arg)
{
    struct alb_lease_pool *pool = small_pool(rules);
    struct alb_mutex m;

    (void)arg;
    alb_mutex_init(&m, ALB_LOCK_TEST_OUTER);
    alb_mutex_lock(&m);
    alb_ignore(alb_lease_request(pool, &rules[0], NULL) != ALB_LEASE_HELD, "panics");
}

static void test_rules_are_checked(void **state)
{
    (void)state;
    expect_panic(releases_another_in_reclaim, NULL, "callback.h, C5");
    expect_panic(requests_under_a_lock, NULL, "with a lock held");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grants_that_release_at_once),
        cmocka_unit_test(test_callbacks_that_act),
        cmocka_unit_test(test_order_of_callbacks),
        cmocka_unit_test(test_adopt_drops_what_is_due),
        cmocka_unit_test(test_own_timer),
        cmocka_unit_test(test_release_waits_for_a_running_reclaim),
        cmocka_unit_test(test_free_waits_for_a_callback_that_goes_on),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_panics),
#ifdef ALB_LOCK_DEBUG
        cmocka_unit_test(test_rules_are_checked),
#endif
    };
    return cmocka_run_group_tests_name("lease_calls", tests, NULL, NULL);
}
