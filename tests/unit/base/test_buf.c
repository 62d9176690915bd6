/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "test.h"

static void test_building(void **state)
{
    struct alb_buf b = ALB_BUF_INIT(1000);

    (void)state;
    assert_string_equal(alb_buf_cstr(&b), "");
    assert_str(alb_buf_view(&b), "");
    alb_buf_c(&b, "a");
    alb_buf_char(&b, '-');
    alb_buf_str(&b, ALB_STR("bc"));
    alb_buf_str(&b, ALB_STR_NONE);
    alb_buf_add(&b, NULL, 0);
    alb_buf_u64(&b, 0);
    alb_buf_u64(&b, UINT64_MAX);
    alb_buf_char(&b, ' ');
    alb_buf_i64(&b, INT64_MIN);
    alb_buf_i64(&b, INT64_MAX);
    alb_buf_i64(&b, -5);
    alb_buf_printf(&b, " %s%d", "x", 1);
    assert_int_equal(alb_buf_code(&b), ALB_OK);
    assert_string_equal(alb_buf_cstr(&b),
                        "a-bc018446744073709551615 -92233720368547758089223372036854775807-5 x1");
    assert_int_equal(alb_buf_view(&b).n, strlen(alb_buf_cstr(&b)));
    alb_buf_fini(&b);
    alb_buf_c(&b, "again"); /* the maximum is still there */
    assert_str(alb_buf_view(&b), "again");
    alb_buf_fini(&b);
}

static void test_maximum(void **state)
{
    struct alb_buf b;

    (void)state;
    alb_buf_init(&b, 10);
    alb_buf_c(&b, "0123456789"); /* exactly */
    assert_int_equal(alb_buf_code(&b), ALB_OK);
    assert_string_equal(alb_buf_cstr(&b), "0123456789");
    alb_buf_add(&b, "", 0);
    assert_int_equal(alb_buf_code(&b), ALB_OK);
    alb_buf_char(&b, 'x');
    assert_int_equal(alb_buf_code(&b), ALB_E_TOO_LARGE);
    assert_int_equal(b.n, 10);
    alb_buf_drop_front(&b, 10);
    alb_buf_c(&b, "y"); /* sticky */
    assert_int_equal(b.n, 0);
    assert_string_equal(alb_buf_cstr(&b), "");
    alb_buf_reset(&b);
    alb_buf_c(&b, "y");
    assert_string_equal(alb_buf_cstr(&b), "y");
    alb_buf_fini(&b);

    alb_buf_init(&b, 10);
    alb_buf_printf(&b, "%s", "0123456789");
    assert_int_equal(alb_buf_code(&b), ALB_OK);
    alb_buf_printf(&b, "%d", 1);
    assert_int_equal(alb_buf_code(&b), ALB_E_TOO_LARGE);
    assert_str(alb_buf_view(&b), "0123456789");
    alb_buf_fini(&b);

    alb_buf_init(&b, 0);
    alb_buf_printf(&b, "%s", "");
    assert_int_equal(alb_buf_code(&b), ALB_OK);
    assert_null(alb_buf_reserve(&b, 1));
    assert_int_equal(alb_buf_code(&b), ALB_E_TOO_LARGE);
    alb_buf_fini(&b);

    alb_buf_init(&b, SIZE_MAX);
    assert_null(alb_buf_reserve(&b, SIZE_MAX));
    assert_int_equal(alb_buf_code(&b), ALB_E_TOO_LARGE);
    alb_buf_fini(&b);
}

static void test_printf_at_the_edge_of_the_room(void **state)
{
    char text[600];

    (void)state;
    memset(text, 'x', sizeof(text));
    for (int n = 100; n < 300; n++) {
        struct alb_buf b = ALB_BUF_INIT(1000);
        alb_buf_c(&b, "head");
        alb_buf_printf(&b, "%.*s", n, text);
        alb_buf_printf(&b, "%.*s", 300 - n, text);
        assert_int_equal(b.n, 304);
        assert_memory_equal(b.p + 4, text, 300);
        alb_buf_fini(&b);
    }
}

static void test_reserve(void **state)
{
    struct alb_buf b = ALB_BUF_INIT(5000);

    (void)state;
    char *p = alb_buf_reserve(&b, 5000);
    assert_non_null(p);
    memset(p, 'z', 5000); /* all of it may be written */
    alb_buf_commit(&b, 4);
    assert_str(alb_buf_view(&b), "zzzz");
    alb_buf_drop_front(&b, 3);
    assert_str(alb_buf_view(&b), "z");
    alb_buf_drop_front(&b, 0);
    assert_non_null(alb_buf_reserve(&b, 0));
    alb_buf_fini(&b);
}

static void commit_too_much(void *arg)
{
    struct alb_buf b = ALB_BUF_INIT(10);

    (void)arg;
    if (alb_buf_reserve(&b, 4) != NULL)
        alb_buf_commit(&b, 11);
}

static void drop_too_much(void *arg)
{
    struct alb_buf b = ALB_BUF_INIT(10);

    (void)arg;
    alb_buf_c(&b, "abc");
    alb_buf_drop_front(&b, 4);
}

static void test_misuse(void **state)
{
    (void)state;
    expect_panic(commit_too_much, NULL, "n <= b->cap");
    expect_panic(drop_too_much, NULL, "n <= b->n");
}

static void test_give(void **state)
{
    struct alb_buf b = ALB_BUF_INIT(10);
    size_t n = 99;

    (void)state;
    alb_buf_c(&b, "abc");
    char *p = alb_buf_give(&b, &n);
    assert_int_equal(n, 3);
    assert_string_equal(p, "abc");
    alb_mem_free(p);
    p = alb_buf_give(&b, &n); /* empty now */
    assert_int_equal(n, 0);
    assert_string_equal(p, "");
    alb_mem_free(p);
    alb_buf_c(&b, "01234567890");
    assert_null(alb_buf_give(&b, &n));
    assert_int_equal(n, 0);
    assert_int_equal(alb_buf_code(&b), ALB_OK); /* left without error */
}

static bool build_and_give(void *arg)
{
    struct alb_buf b = ALB_BUF_INIT(100000);
    size_t n;

    (void)arg;
    for (int i = 0; i < 200; i++) {
        alb_buf_c(&b, "some text of a line ");
        alb_buf_printf(&b, "%d\n", i);
    }
    bool failed = alb_buf_code(&b) == ALB_E_NO_MEMORY;
    if (failed) {
        assert_string_equal(alb_buf_cstr(&b), "");
        alb_mem_fault(0, true);
        alb_buf_reset(&b); /* still usable */
        alb_buf_c(&b, "fine");
        assert_string_equal(alb_buf_cstr(&b), "fine");
        alb_buf_fini(&b);
        alb_mem_fault(1, true); /* the sweep asks whether the plan struck */
        assert_null(alb_mem_alloc(1));
        return true;
    }
    char *p = alb_buf_give(&b, &n);
    assert_non_null(p);
    alb_mem_free(p);
    return false;
}

static bool give_empty(void *arg)
{
    struct alb_buf b = ALB_BUF_INIT(10);
    size_t n;

    (void)arg;
    char *p = alb_buf_give(&b, &n);
    alb_mem_free(p);
    return p == NULL;
}

static void test_no_memory(void **state)
{
    (void)state;
    sweep_allocations(build_and_give, NULL);
    sweep_allocations(give_empty, NULL);
}

/* printf itself can fail: a wide character that the locale cannot write. */
static void test_text_that_cannot_be_written(void **state)
{
    static const wchar_t euro[] = {0x20ac, 0};
    struct alb_buf b = ALB_BUF_INIT(100);

    (void)state;
    alb_buf_c(&b, "kept");
    alb_buf_printf(&b, "%ls", euro);
    assert_int_equal(alb_buf_code(&b), ALB_E_TOO_LARGE);
    assert_str(alb_buf_view(&b), "kept");
    alb_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_building),
        cmocka_unit_test(test_maximum),
        cmocka_unit_test(test_printf_at_the_edge_of_the_room),
        cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_give),
        cmocka_unit_test(test_text_that_cannot_be_written),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
