/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "test.h"

static bool can_allocate(void)
{
    void *p = alb_mem_alloc(8);

    alb_mem_free(p);
    return p != NULL;
}

static void test_zero_bytes(void **state)
{
    (void)state;
    void *a = alb_mem_alloc(0), *b = alb_mem_alloc(0), *c = alb_mem_calloc(0, 8);
    assert_non_null(a);
    assert_non_null(b);
    assert_non_null(c);
    assert_ptr_not_equal(a, b);
    a = alb_mem_realloc(a, 0);
    assert_non_null(a);
    alb_mem_free(a);
    alb_mem_free(b);
    alb_mem_free(c);
    alb_mem_free(NULL);
}

static void test_overflow(void **state)
{
    size_t n = 5;

    (void)state;
    assert_null(alb_mem_calloc(SIZE_MAX / 2, 3));
    assert_false(alb_size_add(SIZE_MAX, 1, &n));
    assert_false(alb_size_mul(SIZE_MAX / 2, 3, &n));
    assert_int_equal(n, 5);
    assert_true(alb_size_add(SIZE_MAX - 1, 1, &n));
    assert_true(n == SIZE_MAX);
    assert_true(alb_size_mul(6, 7, &n));
    assert_int_equal(n, 42);
}

static void test_fault_plan(void **state)
{
    static const struct {
        uint64_t n;
        bool once;
        const char *expect; /* one letter per allocation: y or n */
    } cases[] = {
        {0, false, "yyyy"}, {1, true, "nyyy"}, {1, false, "nnnn"}, {3, true, "yyny"}, {3, false, "yynn"},
    };

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        alb_mem_fault(cases[i].n, cases[i].once);
        assert_false(alb_mem_fault_fired());
        for (const char *e = cases[i].expect; *e != '\0'; e++)
            assert_int_equal(can_allocate(), *e == 'y');
        assert_int_equal(alb_mem_fault_fired(), strchr(cases[i].expect, 'n') != NULL);
        alb_mem_fault(0, false);
        assert_true(can_allocate());
    }
}

static void test_fault_leaves_realloc_alone(void **state)
{
    (void)state;
    char *p = alb_mem_alloc(4);
    assert_non_null(p);
    memcpy(p, "abc", 4);
    alb_mem_fault(1, true);
    assert_null(alb_mem_realloc(p, 100));
    assert_string_equal(p, "abc");
    p = alb_mem_realloc(p, 100);
    assert_string_equal(p, "abc");
    alb_mem_free(p);
    alb_mem_fault(1, true);
    assert_null(alb_mem_calloc(2, 2));
}

static void *other_thread(void *arg)
{
    *(bool *)arg = can_allocate();
    return NULL;
}

static void test_fault_is_of_one_thread(void **state)
{
    pthread_t t;
    bool other = false;

    (void)state;
    alb_mem_fault(1, false);
    assert_int_equal(pthread_create(&t, NULL, other_thread, &other), 0);
    assert_int_equal(pthread_join(t, NULL), 0);
    assert_true(other);
    assert_false(can_allocate());
    alb_mem_fault(0, false);
}

static void allocate_nofail(void *arg)
{
    (void)arg;
    alb_mem_fault(1, false);
    alb_mem_free(alb_mem_alloc_nofail(10));
}

static void test_nofail(void **state)
{
    (void)state;
    alb_mem_free(alb_mem_alloc_nofail(10));
    expect_panic(allocate_nofail, NULL, "no memory for 10 bytes");
}

static void test_cleanup(void **state)
{
    (void)state;
    ALB_CLEANUP(alb_mem_cleanup) char *p = alb_mem_alloc(3); /* ASan sees it if it leaks */
    assert_non_null(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zero_bytes),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_fault_plan),
        cmocka_unit_test(test_fault_leaves_realloc_alone),
        cmocka_unit_test(test_fault_is_of_one_thread),
        cmocka_unit_test(test_nofail),
        cmocka_unit_test(test_cleanup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
