/* SPDX-License-Identifier: Apache-2.0
 * Upload-Metadata, by table: what is taken, what is only echoed, what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/codec.h"
#include "doors/tus/metadata.h"

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

static struct alb_str b64(const char *text)
{
    struct alb_buf out = ALB_BUF_INIT(4096);
    alb_b64_encode(&out, text, strlen(text), ALB_B64_STD);
    struct alb_str s = alb_arena_str(arena, alb_buf_view(&out));
    alb_buf_fini(&out);
    return s;
}

/* "key=text;flag" written as the protocol wants it. */
static struct alb_str header(const char *pairs)
{
    struct alb_buf out = ALB_BUF_INIT(8192);
    struct alb_str rest = alb_str_c(pairs), pair;
    while (alb_str_next(&rest, ';', &pair)) {
        struct alb_str key, text;
        bool value = alb_str_cut(pair, '=', &key, &text);
        if (out.n > 0)
            alb_buf_char(&out, ',');
        alb_buf_str(&out, key);
        if (value) {
            alb_buf_char(&out, ' ');
            alb_buf_str(&out, b64(alb_arena_cstr(arena, text)));
        }
    }
    struct alb_str s = alb_arena_str(arena, alb_buf_view(&out));
    alb_buf_fini(&out);
    return s;
}

static struct alb_ingest_hints taken(struct alb_str text)
{
    struct alb_ingest_hints h;
    struct alb_err err = ALB_ERR_INIT;
    alb_ingest_hints_init(&h);
    if (alb_tus_metadata(text, arena, &h, &err) != ALB_OK)
        fail_msg("%s", err.msg);
    return h;
}

#define assert_text(s, literal) assert_true(alb_str_eq_c((s), (literal)))

static void test_names(void **state)
{
    static const struct {
        const char *pairs, *name;
    } cases[] = {
        {"filename=a.jpg", "a.jpg"},
        {"name=b.jpg", "b.jpg"},
        {"filename=a.jpg;name=b.jpg", "a.jpg"},
        {"name=b.jpg;filename=a.jpg", "a.jpg"},
        {"filename=/home/me/a.jpg", "a.jpg"},
        {"filename=C:\\Fotos\\a.jpg", "a.jpg"},
        {"filename=../../etc/passwd", "passwd"},
        {"filename=folder/", ""},
        {"filename=..", ""},
        {"filename=.", ""},
        {"filename=a\\..", ""},
        {"filename=..;name=b.jpg", "b.jpg"},
        {"name=b.jpg;filename=..", "b.jpg"},
        {"filename=...", "..."},
        {"filename=\xc3\xa4.jpg", "\xc3\xa4.jpg"},
        {"filename=\xff.jpg", ""}, /* not UTF-8: not taken */
        {"filetype=image/jpeg;relativePath=null", ""},
        {"filename=", ""},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        const struct alb_ingest_hints h = taken(header(cases[i].pairs));
        if (!alb_str_eq_c(h.name, cases[i].name))
            fail_msg("%s gives " ALB_STR_FMT, cases[i].pairs, ALB_STR_ARG(h.name));
    }
}

static void test_everything_that_is_known(void **state)
{
    struct alb_ingest_hints h;
    (void)state;
    h = taken(
        header("title=T;description=D\nE;favorite=true;tags=a, b/c ,,d;taken-at=2024-07-01T12:00:00+02:00;"
               "modified-at=1970-01-01T00:00:01Z"));
    assert_text(h.title, "T");
    assert_text(h.description, "D\nE");
    assert_true(h.favorite);
    assert_int_equal(h.tag_count, 3);
    assert_text(h.tags[0], "a");
    assert_text(h.tags[1], "b/c");
    assert_text(h.tags[2], "d");
    assert_true(h.has_taken && h.taken.has_offset);
    assert_int_equal(h.taken.offset_min, 120);
    assert_int_equal(h.taken.utc_ms, 1719828000000);
    assert_int_equal(h.file_modified_ms, 1000);
    h = taken(header("taken-at=2024-07-01T12:00:00Z;favorite=1;modified-at=yesterday"));
    assert_true(h.has_taken && !h.taken.has_offset); /* the instant, not where the camera was */
    assert_false(h.favorite);
    assert_int_equal(h.file_modified_ms, 0);
    h = taken(header("taken-at=2024-07-01"));
    assert_false(h.has_taken);
    h = taken(ALB_STR(""));
    assert_null(h.name.p);
    h = taken(ALB_STR("  flag , filename YQ== , other  "));
    assert_text(h.name, "a");
}

static void test_bounds(void **state)
{
    struct alb_buf many = ALB_BUF_INIT(65536);
    struct alb_ingest_hints h;
    (void)state;
    alb_buf_c(&many, "tags=");
    for (int i = 0; i < 200; i++)
        alb_buf_printf(&many, "t%d,", i);
    char *pairs = alb_arena_cstr(arena, alb_buf_view(&many));
    h = taken(header(pairs));
    assert_int_equal(h.tag_count, ALB_INGEST_TAGS_MAX);
    alb_buf_reset(&many);
    for (int i = 0; i < 65; i++)
        alb_buf_printf(&many, "%sk%d", i ? "," : "", i);
    assert_int_equal(alb_tus_metadata(alb_buf_view(&many), arena, &h, NULL), ALB_E_INVALID);
    alb_buf_fini(&many);
    struct alb_arena *tiny = alb_arena_new(512);
    assert_int_equal(
        alb_tus_metadata(header("title=ttttttttttttttttttttttttttttttttttttttttttttttttttttttt;"
                                "description=dddddddddddddddddddddddddddddddddddddddddddddddd;"
                                "a=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;"
                                "b=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;"
                                "c=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;"
                                "d=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;"
                                "e=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
                         tiny, &h, NULL),
        ALB_E_NO_MEMORY);
    alb_arena_free(&tiny);
}

static void test_refused(void **state)
{
    static const char *const bad[] = {
        ",",    "a YQ==,", ",a YQ==",  "a YQ==,,b YQ==", "a YQ==,a YQ==", "a,a",       "a !",
        "a YQ", "a YQ= =", "a  YQ==x", "a YQ== YQ==",    "\xc3\xa4 YQ==", "a\tb YQ==", "a YR==",
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        struct alb_ingest_hints h;
        alb_ingest_hints_init(&h);
        if (alb_tus_metadata(alb_str_c(bad[i]), arena, &h, NULL) != ALB_E_INVALID)
            fail_msg("taken: %s", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_everything_that_is_known),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, make_arena, free_arena);
}
