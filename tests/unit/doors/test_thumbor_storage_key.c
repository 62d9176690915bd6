/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths of file storages, as imagor itself has told them for the same keys.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "doors/thumbor/storage_key.h"

static struct alb_arena *arena;

static int up(void **state)
{
    (void)state;
    arena = alb_arena_new((size_t)1 << 20);
    return arena ? 0 : -1;
}

static int down(void **state)
{
    (void)state;
    alb_arena_free(&arena);
    return 0;
}

static void is(struct alb_str got, const char *want)
{
    char text[512];
    assert_true(alb_str_to_c(got, text, sizeof(text)));
    assert_string_equal(text, want);
}

/* ---- folders ---- */

static void test_folder(void **state)
{
    static const struct {
        const char *prefix, *safe, *key, *path; /* path "-": never there */
    } cases[] = {
        {"", "", "fit-in/16x17/foobar.jpg", "fit-in/16x17/foobar.jpg"},
        {"", "", "https://a/b", "https%3A/a/b"},
        {"", "", "https://a.example/b c/d+e.jpg?x=1&y=2", "https%3A/a.example/b+c/d%2Be.jpg%3Fx%3D1%26y%3D2"},
        {"", "", "//a//b/../c/./d/", "a/c/d"},
        {"", "", "../x", "-"},
        {"", "", "/../x", "x"},
        {"", "", "a/../../x", "-"},
        {"", "", "a/.hidden", "-"},
        {"", "", ".hidden/a", "-"},
        {"", "", "0x0:1x1/.1x.2:.3x.4/a.jpg", "-"},
        {"", "", "caf\xc3\xa9/\xff.png", "caf%C3%A9/%FF.png"},
        {"", "", "", "-"},
        {"", "", "/", "-"},
        {"", "", "a\n/b\r\n.jpg", "a/b.jpg"},
        {"", "", "x/..", "-"},
        {"", "", "filters:fill(red):label(a%20b,1,2)/a.jpg",
         "filters%3Afill%28red%29%3Alabel%28a%2520b%2C1%2C2%29/a.jpg"},
        {"", "", "a (1).jpg!", "a+%281%29.jpg%21"},
        {"", "", "a/b/../../../y", "-"},
        {"", "", "./a", "a"},
        {"a/b", "", "a/b/c.jpg", "c.jpg"},
        {"/a/b/", "", "a/b/c.jpg", "c.jpg"},
        {"/a/b/", "", "/a/b/c/d.jpg", "c/d.jpg"},
        {"a/b", "", "a/bc.jpg", "-"},
        {"a/b", "", "a/b", "-"},
        {"a/b", "", "c.jpg", "-"},
        {"/", "", "c.jpg", "c.jpg"},
        {"", " ()", "a (1).jpg!", "a (1).jpg%21"},
        {"", " ()", "filters:fill(red):label(a%20b,1,2)/a.jpg",
         "filters%3Afill(red)%3Alabel(a%2520b%2C1%2C2)/a.jpg"},
        {"", "--", "https://a.example/b c/d+e.jpg?x=1&y=2", "https:/a.example/b c/d+e.jpg?x=1&y=2"},
        {"", "--", "caf\xc3\xa9/\xff.png", "caf\xc3\xa9/\xff.png"},
        {"", "--", "../x", "-"},
        {"", "--", "a/.\n./x", "-"}, /* ".." once the line break has gone */
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        const struct alb_thumbor_folder f = {alb_str_c(cases[i].prefix), alb_str_c(cases[i].safe)};
        struct alb_str path;
        bool there = alb_thumbor_folder_path(arena, &f, alb_str_c(cases[i].key), &path);
        is(there ? path : ALB_STR("-"), cases[i].path);
    }
}

/* A NUL is a byte like any other where it is escaped, and never part of a path. */
static void test_nul(void **state)
{
    struct alb_str path, key = alb_str_n("a\0b", 3);
    struct alb_thumbor_folder f = {ALB_STR_NONE, ALB_STR_NONE};
    (void)state;
    assert_true(alb_thumbor_folder_path(arena, &f, key, &path));
    is(path, "a%00b");
    f.safe = ALB_STR("--");
    assert_false(alb_thumbor_folder_path(arena, &f, key, &path));
}

/* ---- styles ---- */

static struct alb_thumbor_url url_of(const char *path)
{
    struct alb_thumbor_url u = {0};
    assert_true(alb_thumbor_url_apply(&u, arena, alb_str_c(path)));
    return u;
}

static void keyed(enum alb_thumbor_style style, const struct alb_thumbor_url *u, const char *want)
{
    is(alb_thumbor_result_key(arena, style, u->path, u, ALB_STR_NONE), want);
}

static void test_styles(void **state)
{
    static const struct {
        const char *url, *path, *digest, *suffix, *size;
    } cases[] = {
        {"fit-in/16x17/foobar.jpg", "fit-in/16x17/foobar.jpg", "61/4c/9ba1725e8cdd8263a4ad437c56b35f33deba",
         "foobar.614c9ba1725e8cdd8263.jpg", "foobar.614c9ba1725e8cdd8263_16x17.jpg"},
        {"/unsafe/fit-in/16x17/foobar.jpg", "fit-in/16x17/foobar.jpg",
         "61/4c/9ba1725e8cdd8263a4ad437c56b35f33deba", "foobar.614c9ba1725e8cdd8263.jpg",
         "foobar.614c9ba1725e8cdd8263_16x17.jpg"},
        {"unsafe/300x200/a/b.c/d", "300x200/a/b.c/d", "61/f3/bbb2cbdd6051ca402e3373b663a247d16c39",
         "a/b.c/d.61f3bbb2cbdd6051ca40", "a/b.c/d.61f3bbb2cbdd6051ca40_300x200"},
        {"unsafe/-300x0/a/b.png", "-300x0/a/b.png", "1e/da/02464c17f39d49cffa5cfa2dc4ecbb0a1a3c",
         "a/b.1eda02464c17f39d49cf.png", "a/b.1eda02464c17f39d49cf_300x0.png"},
        {"unsafe/x200/filters:format(webp):quality(80):format(avif)/https%3A%2F%2Fe.example%2Fa%20b.jpg",
         "x200/filters:format(webp):quality(80):format(avif)/https%3A%2F%2Fe.example%2Fa%20b.jpg",
         "46/11/6edb3d94b9837f8c0ec8ddab3be70a3a5a1c", "https://e.example/a b.46116edb3d94b9837f8c.avif",
         "https://e.example/a b.46116edb3d94b9837f8c_0x200.avif"},
        {"unsafe/meta/20x20/a.jpg", "meta/20x20/a.jpg", "a2/bb/04422e8759fe24bae617411ddcd275dab667",
         "a.a2bb04422e8759fe24ba.json", "a.a2bb04422e8759fe24ba_20x20.json"},
        {"unsafe/trim/a.b/c", "trim/a.b/c", "cf/3e/d1170c591c5ba060c038c473b4994a0ee793",
         "a.b/c.cf3ed1170c591c5ba060", "a.b/c.cf3ed1170c591c5ba060"},
        {"unsafe/https://raw.example/x.png?y=1", "https://raw.example/x.png?y=1",
         "5e/0a/ce116dc6ce0c226917da679abbb858cc8bc2", "https://raw.example/x.5e0ace116dc6ce0c2269.png?y=1",
         "https://raw.example/x.5e0ace116dc6ce0c2269.png?y=1"},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        const struct alb_thumbor_url u = url_of(cases[i].url);
        is(u.path, cases[i].path);
        keyed(ALB_THUMBOR_STYLE_ORIGINAL, &u, cases[i].path);
        keyed(ALB_THUMBOR_STYLE_DIGEST, &u, cases[i].digest);
        keyed(ALB_THUMBOR_STYLE_SUFFIX, &u, cases[i].suffix);
        keyed(ALB_THUMBOR_STYLE_SIZE, &u, cases[i].size);
    }
    is(alb_thumbor_original_key(arena, ALB_THUMBOR_STYLE_ORIGINAL, ALB_STR("https://a/b")), "https://a/b");
    is(alb_thumbor_original_key(arena, ALB_THUMBOR_STYLE_DIGEST, ALB_STR("https://a/b")),
       "6c/ee/a27924608c9ae55f8592999de10cf8e00eb7");
}

/* The client's choice is the ending too. */
static void test_chosen(void **state)
{
    const struct alb_thumbor_url u = url_of("unsafe/9x/a.jpg");
    struct alb_str path = ALB_STR("9x0/filters:format(webp)/a.jpg");
    (void)state;
    is(alb_thumbor_result_key(arena, ALB_THUMBOR_STYLE_SUFFIX, path, &u, ALB_STR("webp")),
       "a.b0c8051081905d2a24fd.webp");
    is(alb_thumbor_result_key(arena, ALB_THUMBOR_STYLE_SIZE, path, &u, ALB_STR("webp")),
       "a.b0c8051081905d2a24fd_9x0.webp");
}

static void test_names(void **state)
{
    enum alb_thumbor_style s;
    (void)state;
    assert_true(alb_thumbor_style_of(ALB_STR("Digest"), false, &s));
    assert_int_equal(s, ALB_THUMBOR_STYLE_DIGEST);
    assert_true(alb_thumbor_style_of(ALB_STR("size"), true, &s));
    assert_int_equal(s, ALB_THUMBOR_STYLE_SIZE);
    assert_false(alb_thumbor_style_of(ALB_STR("size"), false, &s));
    assert_false(alb_thumbor_style_of(ALB_STR(""), true, &s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_folder, up, down),
        cmocka_unit_test_setup_teardown(test_nul, up, down),
        cmocka_unit_test_setup_teardown(test_styles, up, down),
        cmocka_unit_test_setup_teardown(test_chosen, up, down),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
