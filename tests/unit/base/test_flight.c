/* SPDX-License-Identifier: Apache-2.0
 * The single-flight table, one thread: roles, the life of an entry, limits, registering in the same step,
 * failure of memory. Threads: test_future_stress.c.
 */
#include <stdio.h>

#include "base/flight.h"
#include "test.h"

struct listener {
    struct alb_waiter w;
    struct alb_flight *fl;
    unsigned settled, promoted;
    size_t count_seen; /* entries in the table at the moment of the wake */
};

static void listen(struct alb_waiter *w, enum alb_wake why)
{
    struct listener *l = ALB_CONTAINER_OF(w, struct listener, w);

    l->count_seen = alb_flight_count(l->fl);
    if (why == ALB_WAKE_SETTLED)
        l->settled++;
    else
        l->promoted++;
}

static struct alb_flight_key key_of(unsigned n)
{
    struct alb_flight_key key = {{0}};

    (void)snprintf((char *)key.b, sizeof(key.b), "key %u", n);
    return key;
}

static struct alb_obj *result(void)
{
    struct alb_bytes *b = alb_bytes_copy("x", 1);

    assert_non_null(b);
    return &b->obj;
}

static void test_one_owner_many_waiters(void **state)
{
    struct alb_flight *fl = alb_flight_new(8);
    struct alb_flight_key key = key_of(1), other_key = key_of(2);
    struct alb_future *f, *g, *h, *again;
    struct alb_owner owner, none, other;
    enum alb_flight_role role;
    struct listener early = {.w = {.wake = listen, .heir = true}, .fl = fl, .count_seen = 99};
    struct listener mine = {.w = {.wake = listen, .heir = true}, .fl = fl};

    (void)state;
    assert_non_null(fl);
    assert_int_equal(alb_flight_join(fl, &key, &mine.w, &f, &owner, &role, NULL), ALB_OK);
    assert_int_equal(role, ALB_FLIGHT_OWNER);
    assert_ptr_equal(owner.future, f);
    assert_false(mine.w.heir); /* a maker does not inherit from itself */
    assert_int_equal(alb_future_look(f).waiters, 1);

    assert_int_equal(alb_flight_join(fl, &key, &early.w, &g, &none, &role, NULL), ALB_OK);
    assert_int_equal(role, ALB_FLIGHT_WAITER);
    assert_ptr_equal(g, f);
    assert_null(none.future);
    assert_true(early.w.heir);
    assert_int_equal(alb_future_look(f).waiters, 2);

    assert_int_equal(alb_flight_join(fl, &other_key, NULL, &h, &other, &role, NULL), ALB_OK);
    assert_int_equal(role, ALB_FLIGHT_OWNER);
    assert_ptr_not_equal(h, f);
    assert_int_equal(alb_flight_count(fl), 2);

    assert_true(alb_future_settle(&owner, result()));
    assert_int_equal(early.settled + mine.settled, 2);
    assert_int_equal(early.count_seen, 1); /* gone before the first wake */
    assert_int_equal(mine.count_seen, 1);

    /* The next one starts afresh, though the old result is still held. */
    assert_int_equal(alb_flight_join(fl, &key, NULL, &again, &owner, &role, NULL), ALB_OK);
    assert_int_equal(role, ALB_FLIGHT_OWNER);
    assert_ptr_not_equal(again, f);
    assert_true(alb_future_fail(&owner, NULL));
    assert_true(alb_future_fail(&other, NULL));
    assert_int_equal(alb_flight_count(fl), 0);
    alb_flight_free(&fl);
    assert_null(fl);
    alb_flight_free(&fl);
    assert_non_null(alb_future_result(f)); /* outlives the table */
    alb_future_unref(f);
    alb_future_unref(g);
    alb_future_unref(h);
    alb_future_unref(again);
}

static void test_a_promotion_keeps_the_entry(void **state)
{
    struct alb_flight *fl = alb_flight_new(8);
    struct alb_flight_key key = key_of(1);
    struct alb_future *f, *g, *h;
    struct alb_owner owner, none;
    enum alb_flight_role role;
    struct listener heir = {.w = {.wake = listen, .heir = true}, .fl = fl};

    (void)state;
    assert_int_equal(alb_flight_join(fl, &key, NULL, &f, &owner, &role, NULL), ALB_OK);
    assert_int_equal(alb_flight_join(fl, &key, &heir.w, &g, &none, &role, NULL), ALB_OK);
    assert_true(alb_future_resign(&owner, NULL));
    assert_int_equal(heir.promoted, 1);
    assert_int_equal(heir.count_seen, 1);
    assert_int_equal(alb_flight_join(fl, &key, NULL, &h, &none, &role, NULL), ALB_OK);
    assert_int_equal(role, ALB_FLIGHT_WAITER); /* never two owners of a key */
    assert_ptr_equal(h, f);
    assert_true(alb_future_resign(&heir.w.owner, NULL)); /* no heir: fails, and the entry goes */
    assert_int_equal(alb_flight_count(fl), 0);
    alb_future_unref(f);
    alb_future_unref(g);
    alb_future_unref(h);
    alb_flight_free(&fl);
}

static void test_many_keys_and_the_limit(void **state)
{
    enum { N = 500 };
    struct alb_flight *fl = alb_flight_new(N);
    struct alb_future *f[N], *g;
    struct alb_owner owner[N], none;
    enum alb_flight_role role;
    struct alb_err err = ALB_ERR_INIT;
    struct listener late = {.w = {.wake = listen}, .fl = fl};

    (void)state;
    for (unsigned i = 0; i < N; i++) {
        struct alb_flight_key key = key_of(i);
        assert_int_equal(alb_flight_join(fl, &key, NULL, &f[i], &owner[i], &role, NULL), ALB_OK);
        assert_int_equal(role, ALB_FLIGHT_OWNER);
    }
    assert_int_equal(alb_flight_count(fl), N);
    struct alb_flight_key one_more = key_of(N);
    assert_int_equal(alb_flight_join(fl, &one_more, &late.w, &g, &none, &role, &err), ALB_E_BUSY);
    assert_int_equal(err.code, ALB_E_BUSY);
    assert_null(g);
    assert_null(none.future);
    assert_null(late.w.on);
    /* Joining one that flies is never refused; and out of the chains in any order. */
    for (unsigned i = 0; i < N; i++) {
        unsigned n = i * 7 % N;
        struct alb_flight_key key = key_of(n);
        assert_int_equal(alb_flight_join(fl, &key, NULL, &g, &none, &role, NULL), ALB_OK);
        assert_int_equal(role, ALB_FLIGHT_WAITER);
        assert_ptr_equal(g, f[n]);
        alb_future_unref(g);
        assert_true(alb_future_fail(&owner[n], NULL));
        alb_future_unref(f[n]);
        assert_int_equal(alb_flight_count(fl), N - 1 - i);
    }
    assert_int_equal(alb_flight_join(fl, &one_more, &late.w, &g, &none, &role, NULL), ALB_OK);
    assert_true(alb_future_fail(&none, NULL));
    assert_int_equal(late.settled, 1);
    alb_future_unref(g);
    alb_flight_free(&fl);
}

static void test_a_maker_that_waits_is_not_forsaken(void **state)
{
    struct alb_flight *fl = alb_flight_new(1);
    struct alb_flight_key key = key_of(1);
    struct alb_future *f, *g;
    struct alb_owner owner, none;
    enum alb_flight_role role;
    struct listener mine = {.w = {.wake = listen}, .fl = fl}, other = {.w = {.wake = listen}, .fl = fl};

    (void)state;
    assert_int_equal(alb_flight_join(fl, &key, &mine.w, &f, &owner, &role, NULL), ALB_OK);
    assert_int_equal(alb_flight_join(fl, &key, &other.w, &g, &none, &role, NULL), ALB_OK);
    assert_true(alb_future_leave(g, &other.w));
    assert_false(alb_future_is_forsaken(&owner));
    assert_true(alb_future_leave(f, &mine.w));
    assert_true(alb_future_is_forsaken(&owner));
    assert_true(alb_future_resign(&owner, NULL));
    alb_future_unref(f);
    alb_future_unref(g);
    alb_flight_free(&fl);
}

static bool join_one(void *arg)
{
    struct alb_flight *fl = alb_flight_new(4);
    struct alb_flight_key key = key_of(1);
    struct alb_future *f;
    struct alb_owner owner;
    enum alb_flight_role role;
    struct alb_err err = ALB_ERR_INIT;
    struct listener mine = {.w = {.wake = listen}, .fl = fl};

    (void)arg;
    if (fl == NULL)
        return true;
    enum alb_code code = alb_flight_join(fl, &key, &mine.w, &f, &owner, &role, &err);
    if (code == ALB_OK) {
        assert_true(alb_future_fail(&owner, NULL));
        alb_future_unref(f);
    } else {
        assert_int_equal(code, ALB_E_NO_MEMORY);
        assert_int_equal(err.code, code);
        assert_null(f);
        assert_null(owner.future);
        assert_null(mine.w.on);
        /* The table is as before: with memory it works. */
        alb_mem_fault(0, false);
        assert_int_equal(alb_flight_count(fl), 0);
        assert_int_equal(alb_flight_join(fl, &key, &mine.w, &f, &owner, &role, NULL), ALB_OK);
        assert_true(alb_future_fail(&owner, NULL));
        alb_future_unref(f);
    }
    alb_flight_free(&fl);
    return code != ALB_OK;
}

static void test_no_memory(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 2; n++) {
        alb_mem_fault(n, true);
        assert_true(join_one(NULL));
        alb_mem_fault(0, false);
    }
    assert_false(join_one(NULL));
    assert_null(alb_flight_new(SIZE_MAX / 2));
}

static void frees_with_an_owner(void *arg)
{
    struct alb_flight *fl = alb_flight_new(1);
    struct alb_flight_key key = key_of(1);
    struct alb_future *f;
    struct alb_owner owner;
    enum alb_flight_role role;

    (void)arg;
    if (fl != NULL && alb_flight_join(fl, &key, NULL, &f, &owner, &role, NULL) == ALB_OK)
        alb_flight_free(&fl);
}

static void test_panics(void **state)
{
    (void)state;
    expect_panic(frees_with_an_owner, NULL, "== NULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_owner_many_waiters),
        cmocka_unit_test(test_a_promotion_keeps_the_entry),
        cmocka_unit_test(test_many_keys_and_the_limit),
        cmocka_unit_test(test_a_maker_that_waits_is_not_forsaken),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_panics),
    };
    return cmocka_run_group_tests_name("flight", tests, NULL, NULL);
}
