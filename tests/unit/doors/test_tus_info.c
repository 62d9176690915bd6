/* SPDX-License-Identifier: Apache-2.0
 * Sidecars as tusd writes them: ours are read again as what they were, others' too, and forgeries are not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/arena.h"
#include "doors/tus/metadata.h"
#include "doors/tus/tus.h"

static struct alb_arena *arena;

static int make_arena(void **state)
{
    (void)state;
    arena = alb_arena_new((size_t)4 << 20);
    return arena == NULL;
}

static int free_arena(void **state)
{
    (void)state;
    alb_arena_free(&arena);
    return 0;
}

static void check_value(struct alb_str metadata, const char *key, struct alb_str want)
{
    struct alb_str value = alb_tus_metadata_find(metadata, alb_str_c(key), arena);

    assert_true(alb_str_eq(value, want));
}

static void ours_are_read_again(void **state)
{
    struct alb_buf text = ALB_BUF_INIT((size_t)64 << 10);
    struct alb_upload_spec spec;
    /* "a\"b.jpg", "x\0y", nothing */
    const struct alb_upload_view v = {.id = ALB_STR("0a1b"),
                                      .metadata = ALB_STR("filename YSJiLmpwZw==,binary eAB5,flag"),
                                      .length = 5000,
                                      .kind = ALB_UPLOAD_PARTIAL,
                                      .folder = ALB_STR("./data")};

    (void)state;
    alb_tus_sidecar(NULL, &v, &text);
    assert_int_equal(alb_buf_code(&text), ALB_OK);
    assert_true(alb_tus_adopt(NULL, alb_buf_view(&text), arena, &spec));
    assert_true(alb_str_eq(spec.id, v.id));
    assert_int_equal(spec.length, 5000);
    assert_int_equal(spec.kind, ALB_UPLOAD_PARTIAL);
    assert_int_equal(spec.path.n, 0);
    check_value(spec.metadata, "filename", ALB_STR("a\"b.jpg"));
    check_value(spec.metadata, "binary", alb_str_n("x\0y", 3));
    check_value(spec.metadata, "flag", ALB_STR(""));
    alb_buf_fini(&text);
}

/* A zero byte is a byte in a value; in an id or a path it is one that the upload room refuses. */
static void zeros_are_not_the_end(void **state)
{
    struct alb_upload_spec spec;

    (void)state;
    assert_true(
        alb_tus_adopt(NULL,
                      ALB_STR("{\"ID\":\"a\\u0000b\",\"Size\":5,\"SizeIsDeferred\":false,\"MetaData\":"
                              "{\"k\":\"\\u0000\"},\"Storage\":{\"Path\":\"data/c\\u0000d\"}}"),
                      arena, &spec));
    assert_int_equal(spec.id.n, 3);
    assert_int_equal(spec.path.n, 3);
    check_value(spec.metadata, "k", alb_str_n("\0", 1));
}

static void what_is_none_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "[]",
                                      "{}",
                                      "{\"ID\":\"a\"}",
                                      "{\"ID\":\"a\",\"Size\":-1}",
                                      "{\"ID\":\"a\",\"Size\":\"5\"}",
                                      "{\"ID\":\"a\",\"Size\":1e3}",
                                      "{\"ID\":\"\",\"Size\":5}",
                                      "{\"ID\":5,\"Size\":5}",
                                      "{\"ID\":\"a\",\"Size\":5,\"Size\":6}",
                                      "{\"ID\":\"a\",\"Size\":99999999999999999999}",
                                      "{\"ID\":\"a\",\"Size\":5"};
    struct alb_upload_spec spec;

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        if (alb_tus_adopt(NULL, alb_str_c(bad[i]), arena, &spec))
            fail_msg("taken: %s", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ours_are_read_again, make_arena, free_arena),
        cmocka_unit_test_setup_teardown(zeros_are_not_the_end, make_arena, free_arena),
        cmocka_unit_test_setup_teardown(what_is_none_is_refused, make_arena, free_arena),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
