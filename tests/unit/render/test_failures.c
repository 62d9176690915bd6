/* SPDX-License-Identifier: Apache-2.0
 * The notes of what could not be made lately: how long they hold, and their bound.
 */
#include "fakes.h"

#include "render/failures.h"

#define SECOND ALB_NS_PER_S

static struct alb_flight_key key_of(unsigned place, unsigned n)
{
    struct alb_flight_key key;
    memset(&key, 0, sizeof(key));
    key.b[0] = (unsigned char)(place >> 8);
    key.b[1] = (unsigned char)place;
    memcpy(key.b + 8, &n, sizeof(n));
    return key;
}

static void expect_life(struct alb_failures *f, int64_t took, int64_t life)
{
    const struct alb_flight_key key = key_of(1, 1);
    alb_failures_note(f, &key, ALB_E_TIMEOUT, took, 1000);
    assert_int_equal(alb_failures_look(f, &key, 1000), ALB_E_TIMEOUT);
    assert_int_equal(alb_failures_look(f, &key, 999 + life), ALB_E_TIMEOUT);
    assert_int_equal(alb_failures_look(f, &key, 1000 + life), ALB_OK);
}

static void test_ten_times_the_try(void **state)
{
    struct alb_failures *f = alb_failures_new();
    (void)state;
    assert_non_null(f);
    expect_life(f, 0, ALB_FAILURE_LEAST_NS);
    expect_life(f, SECOND, 10 * SECOND);
    expect_life(f, 7 * SECOND, 70 * SECOND);
    expect_life(f, 30 * SECOND, ALB_FAILURE_MOST_NS);
    expect_life(f, INT64_MAX, ALB_FAILURE_MOST_NS);
    alb_failures_free(&f);
    assert_null(f);
}

static void test_a_second_note_replaces_the_first(void **state)
{
    struct alb_failures *f = alb_failures_new();
    const struct alb_flight_key a = key_of(3, 1), b = key_of(3, 2);
    (void)state;
    assert_non_null(f);
    alb_failures_note(f, &a, ALB_E_TIMEOUT, 2 * SECOND, 0);
    alb_failures_note(f, &a, ALB_E_UNPROCESSABLE, 0, 0);
    assert_int_equal(alb_failures_look(f, &a, 0), ALB_E_UNPROCESSABLE);
    assert_int_equal(alb_failures_look(f, &a, 15 * SECOND), ALB_OK);
    assert_int_equal(alb_failures_look(f, &b, 0), ALB_OK);
    alb_failures_free(&f);
}

/* More than there is room for: the last one is there, the one that holds longest as well, and nothing grows.
 */
static void test_bounded(void **state)
{
    struct alb_failures *f = alb_failures_new();
    const struct alb_flight_key longest = key_of(5, 1000000);
    unsigned known = 0;
    (void)state;
    assert_non_null(f);
    alb_failures_note(f, &longest, ALB_E_TIMEOUT, 30 * SECOND, 0);
    for (unsigned i = 0; i < 4 * ALB_FAILURES_MAX; i++) {
        const struct alb_flight_key key = key_of(i, i);
        alb_failures_note(f, &key, ALB_E_UNPROCESSABLE, 0, (int64_t)i);
        assert_int_equal(alb_failures_look(f, &key, (int64_t)i), ALB_E_UNPROCESSABLE);
    }
    for (unsigned i = 0; i < 4 * ALB_FAILURES_MAX; i++) {
        const struct alb_flight_key key = key_of(i, i);
        known += alb_failures_look(f, &key, SECOND) != ALB_OK;
    }
    assert_int_equal(known, ALB_FAILURES_MAX - 1);
    assert_int_equal(alb_failures_look(f, &longest, SECOND), ALB_E_TIMEOUT);
    alb_failures_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ten_times_the_try),
        cmocka_unit_test(test_a_second_note_replaces_the_first),
        cmocka_unit_test(test_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
