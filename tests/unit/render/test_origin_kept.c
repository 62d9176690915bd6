/* SPDX-License-Identifier: Apache-2.0
 *
 * Headers of a source that are to be kept: what is gathered, and that a note brings them back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "render/origin_priv.h"

static const char *const names[] = {"X-One", "x-two", "X-None"};
static const struct alb_origin_policy policy = {.keep = names, .keep_count = ALB_ARRAY_LEN(names)};

static void assert_next(struct alb_str *rest, const char *name, const char *value)
{
    struct alb_str n, v;
    assert_true(alb_origin_kept_next(rest, &n, &v));
    assert_true(alb_str_eq_c(n, name) && alb_str_eq_c(v, value));
}

static void assert_end(struct alb_str *rest)
{
    struct alb_str n, v;
    assert_false(alb_origin_kept_next(rest, &n, &v));
}

static void test_gather(void **state)
{
    struct alb_buf b = ALB_BUF_INIT(ALB_ORIGIN_KEPT_MAX);
    (void)state;
    alb_origin_kept_gather(&policy,
                           ALB_STR("HTTP/1.1 200 OK\r\nX-Two: b: c\r\nX-ONE:  a \r\nX-Other: no\r\nX-Two: d\r\n"
                                   "X-None:\r\n\r\n"),
                           &b);
    struct alb_str rest = alb_buf_view(&b);
    assert_next(&rest, "X-One", "a");
    assert_next(&rest, "x-two", "b: c");
    assert_next(&rest, "x-two", "d");
    assert_end(&rest);
    alb_buf_fini(&b);
    rest = ALB_STR("nothing of ours\n");
    assert_end(&rest);
    rest = ALB_STR_NONE;
    assert_end(&rest);
}

static void test_too_many(void **state)
{
    struct alb_buf head = ALB_BUF_INIT(100000), b = ALB_BUF_INIT(ALB_ORIGIN_KEPT_MAX);
    struct alb_str name, value;
    size_t n = 0;
    (void)state;
    for (int i = 0; i < 1000; i++)
        alb_buf_c(&head, "X-One: twenty characters it is\r\n");
    alb_origin_kept_gather(&policy, alb_buf_view(&head), &b);
    assert_int_equal(alb_buf_code(&b), ALB_OK);
    for (struct alb_str rest = alb_buf_view(&b); alb_origin_kept_next(&rest, &name, &value); n++)
        assert_true(alb_str_eq_c(value, "twenty characters it is"));
    assert_in_range(n, 50, 200);
    alb_buf_fini(&head);
    alb_buf_fini(&b);
}

static void test_in_a_note(void **state)
{
    struct alb_buf kept = ALB_BUF_INIT(ALB_ORIGIN_KEPT_MAX), text = ALB_BUF_INIT(8192);
    struct alb_origin_note note = {.o = {.size = 7, .type = ALB_TYPE_PNG, .url = ALB_STR("http://h/")},
                                   .sums = ALB_STR("keep no: sum\n")},
                           back;
    (void)state;
    alb_origin_note_write(&note, &text);
    assert_true(alb_origin_note_read(alb_buf_view(&text), &back));
    assert_int_equal(back.o.kept.n, 0);
    alb_origin_kept_gather(&policy, ALB_STR("X-One: a\r\nX-Two: b\r\n"), &kept);
    note.o.kept = alb_buf_view(&kept);
    alb_buf_reset(&text);
    alb_origin_note_write(&note, &text);
    assert_true(alb_origin_note_read(alb_buf_view(&text), &back));
    assert_true(alb_str_eq(back.o.kept, note.o.kept) && alb_str_eq(back.sums, note.sums) && back.o.size == 7);
    struct alb_str rest = back.o.kept;
    assert_next(&rest, "X-One", "a");
    assert_next(&rest, "x-two", "b");
    assert_end(&rest);
    alb_buf_fini(&kept);
    alb_buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gather),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_in_a_note),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
