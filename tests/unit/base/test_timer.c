/* SPDX-License-Identifier: Apache-2.0
 * Timers: order, limits and reserved places on a manual clock; callbacks that arm, clear and free; a random
 * schedule against a plain list; the thread, and clear against fire across threads.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/pool.h"
#include "base/timer.h"
#include "test.h"

struct tester {
    struct alb_timer t;
    int name;
    unsigned fired;
    void (*also)(struct tester *tester);
};

static struct alb_manual_clock hands;
static struct alb_timers *ts;
static int order[4096];
static size_t n_order;

static void fire(struct alb_timer *t)
{
    struct tester *tester = ALB_CONTAINER_OF(t, struct tester, t);

    tester->fired++;
    assert_true(n_order < ALB_ARRAY_LEN(order));
    order[n_order++] = tester->name;
    if (tester->also != NULL)
        tester->also(tester);
}

static int setup(void **state)
{
    (void)state;
    alb_manual_clock_init(&hands, 1000, 0);
    ts = alb_timers_new(&hands.clock, 4);
    n_order = 0;
    return ts == NULL;
}

static int teardown(void **state)
{
    (void)state;
    alb_timers_free(&ts);
    return 0;
}

static void test_due_order(void **state)
{
    struct tester a = {.t = {.fire = fire}, .name = 'a'}, b = {.t = {.fire = fire}, .name = 'b'};
    struct tester c = {.t = {.fire = fire}, .name = 'c'}, d = {.t = {.fire = fire}, .name = 'd'};

    (void)state;
    assert_int_equal(alb_timers_run(ts), ALB_NEVER);
    assert_int_equal(alb_timer_set(ts, &a.t, 1030), ALB_OK);
    assert_int_equal(alb_timer_set(ts, &b.t, 1010), ALB_OK);
    assert_int_equal(alb_timer_set(ts, &c.t, 1020), ALB_OK);
    assert_int_equal(alb_timer_set(ts, &d.t, 1010), ALB_OK);
    assert_int_equal(alb_timers_run(ts), 1010);
    assert_int_equal(n_order, 0); /* T2 */
    alb_manual_clock_advance(&hands, 9);
    assert_int_equal(alb_timers_run(ts), 1010);
    alb_manual_clock_advance(&hands, 1);
    assert_int_equal(alb_timers_run(ts), 1020);
    assert_int_equal(n_order, 2);
    assert_int_equal(order[0], 'b'); /* equal times: as armed */
    assert_int_equal(order[1], 'd');
    alb_manual_clock_advance(&hands, 1000);
    assert_int_equal(alb_timers_run(ts), ALB_NEVER);
    assert_int_equal(order[2], 'c');
    assert_int_equal(order[3], 'a');
    assert_int_equal(alb_timers_run(ts), ALB_NEVER);
    assert_int_equal(n_order, 4); /* once each */
}

static void test_set_clear(void **state)
{
    struct tester a = {.t = {.fire = fire}, .name = 'a'}, b = {.t = {.fire = fire}, .name = 'b'};

    (void)state;
    assert_false(alb_timer_clear(ts, &a.t));
    assert_int_equal(alb_timer_set(ts, &a.t, 1010), ALB_OK);
    assert_int_equal(alb_timer_set(ts, &b.t, 1020), ALB_OK);
    assert_int_equal(alb_timer_set(ts, &a.t, 1030), ALB_OK); /* later */
    assert_int_equal(alb_timers_run(ts), 1020);
    assert_int_equal(alb_timer_set(ts, &a.t, 1015), ALB_OK); /* earlier */
    assert_int_equal(alb_timers_run(ts), 1015);
    assert_true(alb_timer_clear(ts, &a.t));
    assert_false(alb_timer_clear(ts, &a.t));
    alb_timer_clear_sync(ts, &b.t);
    assert_int_equal(alb_timer_set(ts, &a.t, ALB_NEVER), ALB_OK);
    assert_int_equal(alb_timer_set(ts, &b.t, 0), ALB_OK); /* long past */
    alb_manual_clock_advance(&hands, ALB_NEVER - 2000);
    assert_int_equal(alb_timers_run(ts), ALB_NEVER);
    assert_int_equal(a.fired, 0);
    assert_int_equal(b.fired, 1);
    assert_true(alb_timer_clear(ts, &a.t));
}

static void test_limit_and_reserved_places(void **state)
{
    struct tester t[6];

    (void)state;
    memset(t, 0, sizeof(t));
    for (int i = 0; i < 6; i++)
        t[i].t.fire = fire;
    assert_int_equal(alb_timer_reserve(ts, &t[0].t), ALB_OK);
    for (int i = 1; i < 4; i++)
        assert_int_equal(alb_timer_set(ts, &t[i].t, 1010), ALB_OK);
    assert_int_equal(alb_timer_set(ts, &t[4].t, 1010), ALB_E_BUSY); /* the fourth place is reserved */
    assert_int_equal(alb_timer_reserve(ts, &t[5].t), ALB_E_BUSY);
    assert_int_equal(alb_timer_set(ts, &t[1].t, 1011), ALB_OK); /* re-arming never fails */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(alb_timer_set(ts, &t[0].t, 1000), ALB_OK);
        assert_int_equal(alb_timers_run(ts), 1010);
        assert_int_equal(alb_timer_set(ts, &t[4].t, 1010), ALB_E_BUSY); /* also while it is not armed */
    }
    assert_int_equal(t[0].fired, 3);
    assert_int_equal(alb_timer_set(ts, &t[0].t, 1000), ALB_OK);
    alb_timer_unreserve(ts, &t[0].t);
    assert_false(alb_timer_clear(ts, &t[0].t));
    assert_int_equal(alb_timer_set(ts, &t[4].t, 1010), ALB_OK);
    assert_int_equal(alb_timer_set(ts, &t[0].t, 1010), ALB_E_BUSY);
    alb_timers_free(&ts); /* armed still when the heap ends: never fires, and is idle */
    assert_int_equal(t[4].fired, 0);
    assert_int_equal(t[4].t.slot, 0);
}

static struct tester *victim;

static void also_again(struct tester *tester)
{
    assert_int_equal(alb_timer_set(ts, &tester->t, alb_mono(&hands.clock)), ALB_OK);
}

static void also_clear(struct tester *tester)
{
    assert_false(alb_timer_clear(ts, &tester->t)); /* idle before its callback begins */
    alb_timer_clear_sync(ts, &tester->t);          /* does not wait for itself */
    assert_true(alb_timer_clear(ts, &victim->t));
}

static void also_free(struct tester *tester)
{
    free(tester);
}

static void test_callbacks_that_act(void **state)
{
    struct tester a = {.t = {.fire = fire}, .name = 'a', .also = also_again};
    struct tester b = {.t = {.fire = fire}, .name = 'b', .also = also_clear};
    struct tester c = {.t = {.fire = fire}, .name = 'c'};
    struct tester *d = calloc(1, sizeof(*d));

    (void)state;
    assert_non_null(d);
    *d = (struct tester){.t = {.fire = fire}, .name = 'd', .also = also_free};
    victim = &c;
    assert_int_equal(alb_timer_set(ts, &a.t, 1000), ALB_OK);
    assert_int_equal(alb_timer_set(ts, &d->t, 1000), ALB_OK);
    assert_int_equal(alb_timer_set(ts, &b.t, 1000), ALB_OK);
    assert_int_equal(alb_timer_set(ts, &c.t, 1000), ALB_OK);
    /* a arms itself for now: once per run, and the others get their turn */
    assert_int_equal(alb_timers_run(ts), 1000);
    assert_int_equal(n_order, 3);
    assert_int_equal(order[0], 'a');
    assert_int_equal(order[1], 'd');
    assert_int_equal(order[2], 'b');
    assert_int_equal(alb_timers_run(ts), 1000);
    assert_int_equal(a.fired, 2);
    assert_int_equal(c.fired, 0);
    assert_true(alb_timer_clear(ts, &a.t));
}

/* The heap against a plain array. */
static void test_random_schedule(void **state)
{
    enum { N = 200 };
    static struct tester t[N];
    int64_t due[N];
    unsigned seed = (unsigned)time(NULL), expected[N] = {0};
    struct alb_timers *many = alb_timers_new(&hands.clock, N);

    (void)state;
    print_message("# seed %u\n", seed);
    memset(t, 0, sizeof(t));
    assert_non_null(many);
    for (int i = 0; i < N; i++) {
        t[i].t.fire = fire;
        due[i] = -1;
    }
    for (int round = 0; round < 20000; round++) {
        int i = (int)((unsigned)rand_r(&seed) % N);
        n_order = 0;
        switch (rand_r(&seed) % 4) {
        case 0:
        case 1:
            due[i] = alb_mono(&hands.clock) + 1 + rand_r(&seed) % 500;
            assert_int_equal(alb_timer_set(many, &t[i].t, due[i]), ALB_OK);
            break;
        case 2:
            assert_int_equal(alb_timer_clear(many, &t[i].t), due[i] >= 0);
            due[i] = -1;
            break;
        default:
            alb_manual_clock_advance(&hands, rand_r(&seed) % 50);
            int64_t now = alb_mono(&hands.clock), next = ALB_NEVER;
            for (int k = 0; k < N; k++) {
                if (due[k] >= 0 && due[k] <= now) {
                    expected[k]++;
                    due[k] = -1;
                }
                if (due[k] >= 0 && due[k] < next)
                    next = due[k];
            }
            assert_int_equal(alb_timers_run(many), next);
        }
    }
    for (int k = 0; k < N; k++)
        assert_int_equal(t[k].fired, expected[k]);
    alb_timers_free(&many);
}

/* ---- with the thread ----------------------------------------------------------------------------- */

struct remote {
    struct alb_timer t;
    struct alb_timers *ts;
    atomic_uint fired;
    atomic_bool inside, let_go, over, may_block;
    bool again;
};

static void fire_remote(struct alb_timer *t)
{
    struct remote *r = ALB_CONTAINER_OF(t, struct remote, t);

    atomic_store(&r->may_block, alb_thread_may_block());
    atomic_fetch_add(&r->fired, 1);
    atomic_store(&r->inside, true);
    while (!atomic_load(&r->let_go))
        sched_yield();
    for (int i = 0; i < 200; i++)
        sched_yield();
    if (r->again)
        assert_int_equal(alb_timer_set(r->ts, &r->t, 0), ALB_OK);
    atomic_store(&r->over, true);
}

static void clear_while_firing(struct alb_timers *real, bool again)
{
    struct remote r = {.t = {.fire = fire_remote}, .ts = real, .again = again, .may_block = true};

    assert_int_equal(alb_timer_set(real, &r.t, 0), ALB_OK);
    while (!atomic_load(&r.inside))
        sched_yield();
    assert_false(alb_timer_clear(real, &r.t));
    atomic_store(&r.let_go, true);
    alb_timer_clear_sync(real, &r.t);
    assert_true(atomic_load(&r.over)); /* T3 */
    assert_false(atomic_load(&r.may_block));
    unsigned fired = atomic_load(&r.fired);
    assert_false(alb_timer_clear(real, &r.t));
    assert_int_equal(atomic_load(&r.fired), fired);
    assert_true(again || fired == 1);
}

static void count(struct alb_timer *t)
{
    atomic_fetch_add(&ALB_CONTAINER_OF(t, struct remote, t)->fired, 1);
}

static void test_thread(void **state)
{
    struct alb_timers *real = alb_timers_new(alb_clock_real(), 64);
    struct remote later = {.t = {.fire = count}}, sooner = {.t = {.fire = count}},
                  never = {.t = {.fire = count}};

    (void)state;
    assert_non_null(real);
    assert_int_equal(alb_timers_start(real, NULL), ALB_OK);
    for (int i = 0; i < 20; i++) {
        clear_while_firing(real, false);
        clear_while_firing(real, true);
    }
    /* The thread sleeps towards a far one, and wakes for a near one that comes later. */
    int64_t now = alb_mono(alb_clock_real());
    assert_int_equal(alb_timer_set(real, &later.t, now + 3600 * ALB_NS_PER_S), ALB_OK);
    assert_int_equal(alb_timer_set(real, &never.t, ALB_NEVER), ALB_OK);
    assert_int_equal(alb_timer_set(real, &sooner.t, now + 5 * ALB_NS_PER_MS), ALB_OK);
    while (atomic_load(&sooner.fired) == 0)
        sched_yield();
    assert_true(alb_mono(alb_clock_real()) >= now + 5 * ALB_NS_PER_MS);
    alb_timers_free(&real);
    assert_null(real);
    assert_int_equal(atomic_load(&later.fired) + atomic_load(&never.fired), 0);
    alb_timers_free(&real);
}

/* T1 across threads: every arming ends in exactly one fire or one true clear. */
struct churn {
    struct remote r[8];
    struct alb_timers *ts;
    unsigned seed;
    uint64_t armed, cleared;
};

static void *churn(void *arg)
{
    struct churn *c = arg;

    for (int i = 0; i < 20000; i++) {
        struct remote *r = &c->r[(unsigned)rand_r(&c->seed) % ALB_ARRAY_LEN(c->r)];
        if (alb_timer_clear(c->ts, &r->t))
            c->cleared++;
        if (alb_timer_set(c->ts, &r->t, alb_mono(alb_clock_real()) + rand_r(&c->seed) % 20000) == ALB_OK)
            c->armed++;
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(c->r); i++) {
        if (alb_timer_clear(c->ts, &c->r[i].t))
            c->cleared++;
        alb_timer_clear_sync(c->ts, &c->r[i].t);
    }
    return NULL;
}

static void test_every_arming_is_answered_once(void **state)
{
    enum { THREADS = 4 };
    static struct churn c[THREADS];
    pthread_t threads[THREADS];
    struct alb_timers *real = alb_timers_new(alb_clock_real(), 64);

    (void)state;
    assert_non_null(real);
    assert_int_equal(alb_timers_start(real, NULL), ALB_OK);
    memset(c, 0, sizeof(c));
    for (unsigned i = 0; i < THREADS; i++) {
        c[i].ts = real;
        c[i].seed = (unsigned)time(NULL) + i;
        print_message("# seed %u\n", c[i].seed);
        for (size_t k = 0; k < ALB_ARRAY_LEN(c[i].r); k++)
            c[i].r[k].t.fire = count;
        assert_int_equal(pthread_create(&threads[i], NULL, churn, &c[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        uint64_t fired = 0;
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        for (size_t k = 0; k < ALB_ARRAY_LEN(c[i].r); k++)
            fired += atomic_load(&c[i].r[k].fired);
        assert_int_equal(c[i].armed, 20000);
        assert_int_equal(fired + c[i].cleared, c[i].armed);
    }
    alb_timers_free(&real);
}

/* ---- memory, panics ------------------------------------------------------------------------------ */

static bool make(void *arg)
{
    struct alb_timers *made = alb_timers_new(&hands.clock, 10);

    (void)arg;
    if (made == NULL)
        return true;
    alb_timers_free(&made);
    return false;
}

static void test_no_memory(void **state)
{
    (void)state;
    sweep_allocations(make, NULL);
    assert_null(alb_timers_new(&hands.clock, SIZE_MAX / 2));
    assert_null(alb_timers_new(&hands.clock, SIZE_MAX / 8 - 4));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* No room for the thread's stack: the caller is told, and the heap is as it was. */
static void test_no_thread(void **state)
{
    int status;

    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit old;
        struct alb_timers *made = alb_timers_new(alb_clock_real(), 4);
        struct alb_err err = ALB_ERR_INIT;
        if (made == NULL || getrlimit(RLIMIT_AS, &old) != 0 ||
            setrlimit(RLIMIT_AS, &(struct rlimit){1 << 20, old.rlim_max}) != 0)
            child_exit(10);
        if (alb_timers_start(made, &err) != ALB_E_BUSY || err.code != ALB_E_BUSY)
            child_exit(11);
        if (setrlimit(RLIMIT_AS, &old) != 0 || alb_timers_run(made) != ALB_NEVER)
            child_exit(12); /* it may be run by hand still */
        if (alb_timers_start(made, &err) != ALB_OK)
            child_exit(13);
        alb_timers_free(&made);
        child_exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}
#endif

static void starts_on_a_manual_clock(void *arg)
{
    (void)arg;
    alb_ignore(alb_timers_start(ts, NULL), "panics");
}

static void run_inside(struct tester *tester)
{
    (void)tester;
    (void)alb_timers_run(ts);
}

static void free_inside(struct tester *tester)
{
    (void)tester;
    alb_timers_free(&ts);
}

static void fires_with(void *also)
{
    struct tester a = {.t = {.fire = fire}};

    memcpy(&a.also, also, sizeof(a.also));
    if (alb_timer_set(ts, &a.t, 0) == ALB_OK)
        (void)alb_timers_run(ts);
}

static void test_panics(void **state)
{
    void (*run)(struct tester *) = run_inside;
    void (*end)(struct tester *) = free_inside;

    (void)state;
    expect_panic(starts_on_a_manual_clock, NULL, "alb_clock_real");
    expect_panic(fires_with, &run, "passing");
    expect_panic(fires_with, &end, "passing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_due_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_set_clear, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limit_and_reserved_places, setup, teardown),
        cmocka_unit_test_setup_teardown(test_callbacks_that_act, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_schedule, setup, teardown),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        cmocka_unit_test(test_no_thread), /* forks: while there are no threads */
#endif
        cmocka_unit_test(test_thread),
        cmocka_unit_test(test_every_arming_is_answered_once),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test_setup_teardown(test_panics, setup, teardown),
    };
    return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
