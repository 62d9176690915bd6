/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>

#include "base/clock.h"
#include "base/lock.h"
#include "test.h"

#define THREADS 4
#define ROUNDS 20000

static struct {
    struct alb_mutex mtx;
    struct alb_cond cond;
    /* under mtx */
    int64_t count;
    int turn;
} shared;

static void shared_init(void)
{
    alb_mutex_init(&shared.mtx, ALB_LOCK_TEST_OUTER);
    alb_cond_init(&shared.cond);
    shared.count = 0;
    shared.turn = 0;
}

static void shared_fini(void)
{
    alb_cond_fini(&shared.cond);
    alb_mutex_fini(&shared.mtx);
}

static void *add_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        alb_mutex_lock(&shared.mtx);
        alb_mutex_assert_held(&shared.mtx);
        shared.count++;
        alb_mutex_unlock(&shared.mtx);
    }
    return NULL;
}

static void test_exclusion_and_counts(void **state)
{
    pthread_t t[THREADS];

    (void)state;
    shared_init();
    struct alb_lock_stat before = alb_lock_stat(ALB_LOCK_TEST_OUTER);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, add_many, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(t[i], NULL), 0);
    struct alb_lock_stat after = alb_lock_stat(ALB_LOCK_TEST_OUTER);
    assert_int_equal(shared.count, THREADS * ROUNDS);
    assert_int_equal(after.taken - before.taken, THREADS * ROUNDS);
    assert_string_equal(after.name, "TEST_OUTER");
    assert_int_equal(after.rank, 1);
    shared_fini();
}

static void *wait_for_it(void *arg)
{
    atomic_int *at_lock = arg;

    atomic_store(at_lock, 1);
    alb_mutex_lock(&shared.mtx);
    alb_mutex_unlock(&shared.mtx);
    return NULL;
}

static void test_contention_is_counted(void **state)
{
    pthread_t t;
    atomic_int at_lock = 0;

    (void)state;
    shared_init();
    struct alb_lock_stat before = alb_lock_stat(ALB_LOCK_TEST_OUTER);
    alb_mutex_lock(&shared.mtx);
    assert_int_equal(pthread_create(&t, NULL, wait_for_it, &at_lock), 0);
    /* The other one counts before it waits, so this ends. */
    while (alb_lock_stat(ALB_LOCK_TEST_OUTER).contended == before.contended)
        (void)sched_yield();
    alb_mutex_unlock(&shared.mtx);
    assert_int_equal(pthread_join(t, NULL), 0);
    assert_int_equal(alb_lock_stat(ALB_LOCK_TEST_OUTER).contended - before.contended, 1);
    shared_fini();
}

static void *answer(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++) {
        alb_mutex_lock(&shared.mtx);
        while (shared.turn == 0)
            alb_cond_wait(&shared.cond, &shared.mtx);
        shared.turn = 0;
        shared.count++;
        alb_cond_signal(&shared.cond);
        alb_mutex_unlock(&shared.mtx);
    }
    return NULL;
}

static void test_ping_pong(void **state)
{
    pthread_t t;

    (void)state;
    shared_init();
    assert_int_equal(pthread_create(&t, NULL, answer, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        alb_mutex_lock(&shared.mtx);
        shared.turn = 1;
        alb_cond_broadcast(&shared.cond);
        while (shared.turn == 1)
            assert_true(alb_cond_wait_until(&shared.cond, &shared.mtx, ALB_NEVER));
        alb_mutex_unlock(&shared.mtx);
    }
    assert_int_equal(pthread_join(t, NULL), 0);
    assert_int_equal(shared.count, 1000);
    shared_fini();
}

static void test_deadline(void **state)
{
    const struct alb_clock *clock = alb_clock_real();

    (void)state;
    shared_init();
    alb_mutex_lock(&shared.mtx);
    int64_t deadline = alb_mono(clock) + 5 * ALB_NS_PER_MS;
    while (alb_cond_wait_until(&shared.cond, &shared.mtx, deadline))
        ;
    assert_true(alb_mono(clock) >= deadline);
    assert_false(alb_cond_wait_until(&shared.cond, &shared.mtx, 0));
    assert_false(alb_cond_wait_until(&shared.cond, &shared.mtx, -5));
    assert_false(alb_cond_wait_until(&shared.cond, &shared.mtx, INT64_MIN));
    alb_mutex_unlock(&shared.mtx);
    shared_fini();
}

/* ---- misuse that every build catches ---- */

static void lock_twice(void *arg) ALB_NO_LOCK_ANALYSIS
{
    struct alb_mutex m;

    (void)arg;
    alb_mutex_init(&m, ALB_LOCK_TEST_OUTER);
    alb_mutex_lock(&m);
    alb_mutex_lock(&m);
}

static void unlock_unheld(void *arg) ALB_NO_LOCK_ANALYSIS
{
    struct alb_mutex m;

    (void)arg;
    alb_mutex_init(&m, ALB_LOCK_TEST_OUTER);
    alb_mutex_unlock(&m);
}

#ifndef __SANITIZE_THREAD__
static void end_while_held(void *arg) ALB_NO_LOCK_ANALYSIS
{
    struct alb_mutex m;

    (void)arg;
    alb_mutex_init(&m, ALB_LOCK_TEST_OUTER);
    alb_mutex_lock(&m);
    alb_mutex_fini(&m);
}
#endif

static void test_misuse(void **state)
{
    (void)state;
    expect_panic(lock_twice, NULL, "TEST_OUTER");
    expect_panic(unlock_unheld, NULL, "TEST_OUTER");
#ifndef __SANITIZE_THREAD__ /* which reports it in its own way */
    expect_panic(end_while_held, NULL, "end of TEST_OUTER");
#endif
}

/* ---- ranks: debug builds ---- */

#ifdef ALB_LOCK_DEBUG

static struct alb_mutex outer, inner;

static void pair_init(void)
{
    alb_mutex_init(&outer, ALB_LOCK_TEST_OUTER);
    alb_mutex_init(&inner, ALB_LOCK_TEST_INNER);
}

static void wrong_order(void *arg) ALB_NO_LOCK_ANALYSIS
{
    (void)arg;
    pair_init();
    alb_mutex_lock(&inner);
    alb_mutex_lock(&outer);
}

static void same_rank(void *arg) ALB_NO_LOCK_ANALYSIS
{
    struct alb_mutex other;

    (void)arg;
    pair_init();
    alb_mutex_init(&other, ALB_LOCK_TEST_OUTER);
    alb_mutex_lock(&outer);
    alb_mutex_lock(&other);
}

static void wait_with_two(void *arg) ALB_NO_LOCK_ANALYSIS
{
    struct alb_cond c;

    (void)arg;
    pair_init();
    alb_cond_init(&c);
    alb_mutex_lock(&outer);
    alb_mutex_lock(&inner);
    alb_cond_wait(&c, &inner);
}

static void assert_unheld(void *arg) ALB_NO_LOCK_ANALYSIS
{
    (void)arg;
    pair_init();
    alb_mutex_assert_held(&outer);
}

static void test_ranks(void **state) ALB_NO_LOCK_ANALYSIS
{
    char names[64];

    (void)state;
    pair_init();
    alb_mutex_lock(&outer);
    alb_mutex_lock(&inner);
    assert_int_equal(alb_lock_held_count(), 2);
    alb_lock_held_names(names, sizeof(names));
    assert_string_equal(names, "TEST_OUTER TEST_INNER");
    alb_lock_held_names(names, 8); /* cut, not overrun */
    assert_string_equal(names, "TEST_OU");
    alb_mutex_unlock(&outer); /* any order of giving back is fine */
    alb_lock_held_names(names, sizeof(names));
    assert_string_equal(names, "TEST_INNER");
    alb_mutex_unlock(&inner);
    assert_int_equal(alb_lock_held_count(), 0);
    alb_lock_held_names(names, sizeof(names));
    assert_string_equal(names, "");
    alb_mutex_fini(&outer);
    alb_mutex_fini(&inner);

    expect_panic(wrong_order, NULL, "lock order: TEST_OUTER (rank 1) taken inside TEST_INNER (rank 2)");
    expect_panic(same_rank, NULL, "lock order");
    expect_panic(wait_with_two, NULL, "another lock in hand");
    expect_panic(assert_unheld, NULL, "TEST_OUTER must be held");
}

#endif

static void test_table(void **state)
{
    (void)state;
    for (unsigned c = 1; c < ALB_LOCK_CLASS_COUNT; c++) {
        struct alb_lock_stat a = alb_lock_stat((enum alb_lock_class)(c - 1)),
                             b = alb_lock_stat((enum alb_lock_class)c);
        if (a.rank >= b.rank) /* the table reads from the outside to the inside */
            fail_msg("%s stands after %s", b.name, a.name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exclusion_and_counts),
        cmocka_unit_test(test_contention_is_counted),
        cmocka_unit_test(test_ping_pong),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_misuse),
#ifdef ALB_LOCK_DEBUG
        cmocka_unit_test(test_ranks),
#endif
        cmocka_unit_test(test_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
