/* SPDX-License-Identifier: Apache-2.0
 *
 * The inner parts of the server: timer wheel, ring, tally.
 */
#include "http_test.h"

#include <stdlib.h>

#include "http/http_priv.h"

/* ---- wheel --------------------------------------------------------------------------------------- */

struct timer {
    struct alb_wheel_entry e;
    int64_t fired_at;
    int fired;
};

static void fired(struct alb_wheel_entry *e, int64_t now)
{
    struct timer *t = ALB_CONTAINER_OF(e, struct timer, e);

    t->fired++;
    t->fired_at = now;
}

#define MS ALB_NS_PER_MS
#define TICK ((int64_t)1 << ALB_WHEEL_SHIFT)

static void test_wheel(void **state)
{
    static struct alb_wheel w;
    struct timer t = {.e = {.fire = fired, .due = ALB_NEVER}};
    int64_t start = 123456789, now = start;

    (void)state;
    alb_wheel_init(&w, now);
    assert_int_equal(alb_wheel_timeout(&w, now), -1);
    alb_wheel_set(&w, &t.e, now + 1000 * MS);
    assert_true(alb_wheel_timeout(&w, now) >= 900 && alb_wheel_timeout(&w, now) <= 1100);
    while (!t.fired) {
        now += 10 * MS;
        alb_wheel_run(&w, now);
    }
    assert_true(t.fired_at >= start + 1000 * MS && t.fired_at <= start + 1000 * MS + TICK + 10 * MS);
    assert_int_equal(alb_wheel_timeout(&w, now), -1);

    alb_wheel_set(&w, &t.e, now + 500 * MS); /* later costs nothing, and fires later */
    alb_wheel_set(&w, &t.e, now + 3000 * MS);
    alb_wheel_run(&w, now + 2900 * MS);
    assert_int_equal(t.fired, 1);
    alb_wheel_set(&w, &t.e, now + 2950 * MS); /* nearer */
    alb_wheel_run(&w, now + 3100 * MS);
    assert_int_equal(t.fired, 2);

    now += 3100 * MS;
    alb_wheel_set(&w, &t.e, now + 300000 * MS); /* farther than a turn */
    for (int i = 0; i < 299; i++)
        alb_wheel_run(&w, now += 1000 * MS);
    assert_int_equal(t.fired, 2);
    alb_wheel_run(&w, now += 2000 * MS);
    assert_int_equal(t.fired, 3);

    alb_wheel_set(&w, &t.e, now + 100 * MS);
    alb_wheel_clear(&w, &t.e);
    assert_int_equal(alb_wheel_timeout(&w, now), -1);
    alb_wheel_set(&w, &t.e, now - 5000 * MS); /* past: with the next tick */
    alb_wheel_run(&w, now + TICK);
    assert_int_equal(t.fired, 4);
}

/* Against a plain list, with random sets, clears and steps of time, also steps over several turns. */
static void test_wheel_random(void **state)
{
    enum { N = 200 };
    static struct timer t[N];
    static struct alb_wheel w;
    int64_t now = 0;
    unsigned seed = 7;

    (void)state;
    alb_wheel_init(&w, 0);
    for (int i = 0; i < N; i++)
        t[i].e = (struct alb_wheel_entry){.fire = fired, .due = ALB_NEVER};
    for (int round = 0; round < 20000; round++) {
        int i = rand_r(&seed) % N, fires = t[i].fired;
        int64_t due = now + (int64_t)(rand_r(&seed) % 100000) * MS * (round % 50 ? 1 : 10), step;

        if (rand_r(&seed) % 4)
            alb_wheel_set(&w, &t[i].e, due);
        else
            alb_wheel_clear(&w, &t[i].e);
        assert_int_equal(t[i].fired, fires);
        step = (int64_t)(rand_r(&seed) % 200) * MS * (round % 997 ? 1 : 2000);
        now += step;
        alb_wheel_run(&w, now);
        for (int k = 0; k < N; k++) {
            if (t[k].e.due == ALB_NEVER)
                continue;
            if (t[k].e.due < now - TICK)
                fail_msg("timer %d, due %lld ms ago, has not fired", k, (long long)((now - t[k].e.due) / MS));
        }
        for (int k = 0; k < N; k++)
            if (t[k].fired_at == now && t[k].e.due != ALB_NEVER && t[k].e.due <= now - TICK)
                fail_msg("timer %d still set", k);
    }
}

/* ---- ring ---------------------------------------------------------------------------------------- */

static void test_ring(void **state)
{
    static struct alb_http s;
    struct alb_ring r;
    size_t n, in = 0, out = 0, cap = 0;
    unsigned seed = 3;

    (void)state;
    s.config.limits.body_memory = 1 << 20;
    alb_ring_init(&r, 262144);
    while (out < 20000000) {
        char *to = alb_ring_space(&r, &s, UINT64_MAX, &n);
        const char *from;

        if (to) {
            n = n > 1 ? 1 + (size_t)rand_r(&seed) % n : n;
            for (size_t i = 0; i < n; i++)
                to[i] = (char)((in + i) % 251);
            alb_ring_filled(&r, n);
            in += n;
        } else {
            assert_int_equal(n, 0);
            assert_int_equal(r.fill, r.cap);
        }
        cap = r.cap > cap ? r.cap : cap;
        from = alb_ring_view(&r, &n);
        if (rand_r(&seed) % 3 && n > 0)
            n = 1 + (size_t)rand_r(&seed) % n;
        for (size_t i = 0; i < n; i++)
            if (from[i] != (char)((out + i) % 251))
                fail_msg("byte %zu", out + i);
        alb_ring_used(&r, n);
        out += n;
    }
    assert_true(cap <= 262144 && cap >= 65536);
    assert_int_equal(atomic_load(&s.body_memory), r.cap);
    alb_ring_fini(&r, &s);
    assert_int_equal(atomic_load(&s.body_memory), 0);
}

/* It begins small, grows when it was full and is empty, and a full account is told apart from a full ring. */
static void test_ring_grows(void **state)
{
    static struct alb_http s;
    struct alb_ring r;
    size_t n;

    (void)state;
    s.config.limits.body_memory = 100000;
    alb_ring_init(&r, 262144);
    assert_non_null(alb_ring_space(&r, &s, 0, &n));
    assert_int_equal(n, ALB_RING_FIRST);
    alb_ring_filled(&r, n);
    assert_null(alb_ring_space(&r, &s, 0, &n));
    assert_int_equal(n, 0);
    alb_ring_used(&r, ALB_RING_FIRST);
    assert_non_null(alb_ring_space(&r, &s, 0, &n));
    assert_int_equal(n, 4 * ALB_RING_FIRST);
    alb_ring_filled(&r, n);
    alb_ring_used(&r, n);
    assert_non_null(alb_ring_space(&r, &s, 0, &n)); /* the account has no room for more: it stays as it is */
    assert_int_equal(n, 4 * ALB_RING_FIRST);
    alb_ring_fini(&r, &s);
    s.config.limits.body_memory = 10;
    assert_null(alb_ring_space(&r, &s, 0, &n));
    assert_true(n > 0);
    alb_ring_fini(&r, &s);
}

/* ---- tally --------------------------------------------------------------------------------------- */

static void test_tally(void **state)
{
    struct alb_tally *t = alb_tally_new();
    struct alb_tally_key a = {{1}}, b = {{2}};

    (void)state;
    assert_non_null(t);
    assert_true(alb_tally_up(t, &a, 2));
    assert_true(alb_tally_up(t, &a, 2));
    assert_false(alb_tally_up(t, &a, 2));
    assert_true(alb_tally_up(t, &b, 1));
    assert_false(alb_tally_up(t, &b, 1));
    alb_tally_down(t, &a);
    assert_true(alb_tally_up(t, &a, 2));
    alb_tally_down(t, &a);
    alb_tally_down(t, &a);
    alb_tally_down(t, &b);
    assert_false(alb_tally_up(t, &a, 0));
    alb_tally_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wheel),      cmocka_unit_test(test_wheel_random), cmocka_unit_test(test_ring),
        cmocka_unit_test(test_ring_grows), cmocka_unit_test(test_tally),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
