/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "test.h"

struct trail {
    char text[64];
    size_t n;
};

struct step {
    struct trail *trail;
    char letter;
};

static void leave_letter(void *arg)
{
    struct step *s = arg;

    s->trail->text[s->trail->n++] = s->letter;
}

static void test_allocations(void **state)
{
    (void)state;
    struct alb_arena *a = alb_arena_new(1 << 20);
    assert_non_null(a);
    for (size_t n = 0; n < 3000; n += 7) {
        char *p = alb_arena_alloc(a, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        memset(p, (int)n, n);
    }
    int *numbers = alb_arena_calloc(a, 100, sizeof(int));
    for (int i = 0; i < 100; i++)
        assert_int_equal(numbers[i], 0);
    assert_ptr_not_equal(alb_arena_alloc(a, 0), alb_arena_alloc(a, 0));
    assert_str(alb_arena_str(a, ALB_STR("text")), "text");
    assert_str(alb_arena_str(a, ALB_STR_NONE), "");
    assert_string_equal(alb_arena_cstr(a, ALB_STR("text")), "text");
    assert_str(alb_arena_printf(a, "%d %s", 5, "five"), "5 five");
    assert_int_equal(alb_arena_code(a), ALB_OK);
    assert_true(alb_arena_used(a) <= 1 << 20);
    alb_arena_free(&a);
    assert_null(a);
    alb_arena_free(&a);
}

static void test_cap(void **state)
{
    static const size_t caps[] = {0, 512, 600, 4095, 4096, 4097, 10000, 200000};

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(caps); i++) {
        size_t cap = caps[i] < 512 ? 512 : caps[i], got = 0;
        struct alb_arena *a = alb_arena_new(caps[i]);
        assert_non_null(a);
        while (alb_arena_alloc(a, 64) != NULL)
            got += 64;
        assert_int_equal(alb_arena_code(a), ALB_E_TOO_LARGE);
        assert_true(alb_arena_used(a) <= cap);
        assert_true(got >= 256 && got <= cap);
        alb_arena_free(&a);
    }
}

static void test_sizes_that_overflow(void **state)
{
    (void)state;
    struct alb_arena *a = alb_arena_new(SIZE_MAX);
    assert_null(alb_arena_alloc(a, SIZE_MAX));
    assert_null(alb_arena_alloc(a, SIZE_MAX - 40));
    assert_null(alb_arena_calloc(a, SIZE_MAX / 2, 3));
    assert_null(alb_arena_cstr(a, alb_str_n("x", SIZE_MAX)));
    assert_int_equal(alb_arena_code(a), ALB_E_TOO_LARGE);
    assert_non_null(alb_arena_alloc(a, 1000000)); /* the error sticks, the arena goes on */
    assert_int_equal(alb_arena_code(a), ALB_E_TOO_LARGE);
    alb_arena_free(&a);
}

static void test_hooks_run_last_in_first_out(void **state)
{
    struct trail trail = {{0}, 0};
    struct step steps[] = {{&trail, 'a'}, {&trail, 'b'}, {&trail, 'c'}};

    (void)state;
    struct alb_arena *a = alb_arena_new(100000);
    for (size_t i = 0; i < ALB_ARRAY_LEN(steps); i++) {
        assert_true(alb_arena_defer(a, leave_letter, &steps[i]));
        assert_non_null(alb_arena_alloc(a, 5000));
    }
    alb_arena_free(&a);
    assert_string_equal(trail.text, "cba");
}

static void test_hook_without_room_runs_at_once(void **state)
{
    struct trail trail = {{0}, 0};
    struct step step = {&trail, 'x'};

    (void)state;
    struct alb_arena *a = alb_arena_new(512);
    while (alb_arena_alloc(a, 1) != NULL)
        ;
    assert_false(alb_arena_defer(a, leave_letter, &step));
    assert_string_equal(trail.text, "x");
    alb_arena_free(&a);
    assert_string_equal(trail.text, "x");
}

static void test_rewind(void **state)
{
    struct trail trail = {{0}, 0};
    struct step steps[] = {{&trail, 'a'}, {&trail, 'b'}, {&trail, 'c'}};

    (void)state;
    struct alb_arena *a = alb_arena_new(1 << 20);
    assert_true(alb_arena_defer(a, leave_letter, &steps[0]));
    char *kept = alb_arena_cstr(a, ALB_STR("kept"));
    size_t used = alb_arena_used(a);
    struct alb_arena_mark outer = alb_arena_mark(a);
    char *first = alb_arena_alloc(a, 100);
    assert_true(alb_arena_defer(a, leave_letter, &steps[1]));
    for (int i = 0; i < 100; i++)
        assert_non_null(alb_arena_alloc(a, 1000));
    struct alb_arena_mark inner = alb_arena_mark(a);
    assert_true(alb_arena_defer(a, leave_letter, &steps[2]));
    assert_non_null(alb_arena_alloc(a, 200000));
    alb_arena_rewind(a, inner);
    assert_string_equal(trail.text, "c");
    assert_true(alb_arena_used(a) < 250000);
    alb_arena_rewind(a, outer);
    assert_string_equal(trail.text, "cb");
    assert_int_equal(alb_arena_used(a), used);
    assert_string_equal(kept, "kept");
    assert_ptr_equal(alb_arena_alloc(a, 100), first);
    alb_arena_rewind(a, outer);
    alb_arena_rewind(a, outer); /* again: nothing to do */
    alb_arena_free(&a);
    assert_string_equal(trail.text, "cba");
}

static void rewind_forward(void *arg)
{
    (void)arg;
    struct alb_arena *a = alb_arena_new(100000);
    struct alb_arena_mark early = alb_arena_mark(a);
    char *p = alb_arena_alloc(a, 50000);
    struct alb_arena_mark late = alb_arena_mark(a);
    p[0] = 'x';
    alb_arena_rewind(a, early);
    alb_arena_rewind(a, late);
}

static void test_rewind_only_goes_back(void **state)
{
    (void)state;
    expect_panic(rewind_forward, NULL, "a->newest");
}

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>

static void test_poison(void **state)
{
    (void)state;
    struct alb_arena *a = alb_arena_new(100000);
    char *p = alb_arena_alloc(a, 10);
    struct alb_arena_mark m = alb_arena_mark(a);
    char *q = alb_arena_alloc(a, 10);
    assert_false(__asan_address_is_poisoned(p + 9));
    assert_true(__asan_address_is_poisoned(p + 16));
    assert_false(__asan_address_is_poisoned(q));
    alb_arena_rewind(a, m);
    assert_true(__asan_address_is_poisoned(q));
    alb_arena_free(&a);
}
#endif

static bool build_request(void *arg)
{
    struct trail trail = {{0}, 0};
    struct step step = {&trail, 'x'};
    bool failed = false;

    (void)arg;
    struct alb_arena *a = alb_arena_new(1 << 20);
    if (a == NULL)
        return true;
    for (int i = 0; i < 40; i++) {
        struct alb_str s = alb_arena_printf(a, "%0500d", i);
        assert_true(s.p == NULL || s.n == 500);
        if (!alb_arena_defer(a, leave_letter, &step))
            failed = true;
    }
    failed = failed || alb_arena_code(a) != ALB_OK;
    if (failed)
        assert_int_equal(alb_arena_code(a), ALB_E_NO_MEMORY);
    alb_arena_free(&a);
    assert_int_equal(trail.n, 40); /* each hook ran, stored or not */
    return failed;
}

static void test_no_memory(void **state)
{
    (void)state;
    sweep_allocations(build_request, NULL);
}

/* printf itself can fail: a wide character that the locale cannot write. */
static void test_text_that_cannot_be_written(void **state)
{
    static const wchar_t euro[] = {0x20ac, 0};
    struct alb_arena *a = alb_arena_new(4096);

    (void)state;
    assert_non_null(a);
    assert_null(alb_arena_printf(a, "%ls", euro).p);
    assert_int_equal(alb_arena_code(a), ALB_E_TOO_LARGE);
    alb_arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocations),
        cmocka_unit_test(test_cap),
        cmocka_unit_test(test_sizes_that_overflow),
        cmocka_unit_test(test_hooks_run_last_in_first_out),
        cmocka_unit_test(test_hook_without_room_runs_at_once),
        cmocka_unit_test(test_rewind),
        cmocka_unit_test(test_rewind_only_goes_back),
#if defined(__SANITIZE_ADDRESS__)
        cmocka_unit_test(test_poison),
#endif
        cmocka_unit_test(test_text_that_cannot_be_written),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
