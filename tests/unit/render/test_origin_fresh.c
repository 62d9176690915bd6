/* SPDX-License-Identifier: Apache-2.0
 *
 * How long an answer is fresh, by tables; notes that come back as they went, and what is no note; the
 * memory of fresh ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "render/origin_fresh.h"
#include "render/origin_priv.h"

#define NOW ((int64_t)784111777000) /* Sun, 06 Nov 1994 08:49:37 GMT */
#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define YEAR ((int64_t)366 * 86400)

struct row {
    const char *control, *expires, *date, *age, *pragma, *vary;
    bool only_mine; /* credentials were sent */
    int64_t delay_ms;
    /* what comes out; seconds from now, ms in delay */
    bool worded, always, no_store;
    int64_t fresh_ms;
};

static struct alb_str text(const char *c)
{
    return c ? alb_str_c(c) : ALB_STR_NONE;
}

static void table(void **state)
{
    static const struct row rows[] = {
        {.control = NULL},
        {.control = ""},
        {.control = "public, immutable"},
        {.control = "max-age=60", .worded = true, .fresh_ms = 60000},
        {.control = " Public ,MAX-AGE = 60 ", .worded = true, .fresh_ms = 60000},
        {.control = "max-age=\"60\"", .worded = true, .fresh_ms = 60000},
        {.control = "max-age=0", .worded = true},
        {.control = "max-age", .worded = true},
        {.control = "max-age=-1", .worded = true},
        {.control = "max-age=1.5", .worded = true},
        {.control = "max-age=60, max-age=5", .worded = true, .fresh_ms = 60000},
        {.control = "max-age=99999999999999999999", .worded = true, .fresh_ms = YEAR * 1000},
        {.control = "max-age=31536000", .worded = true, .fresh_ms = (int64_t)31536000 * 1000},
        {.control = "s-maxage=10, max-age=60", .worded = true, .fresh_ms = 10000},
        {.control = "max-age=60,s-maxage=10", .only_mine = true, .worded = true, .fresh_ms = 60000},
        {.control = "s-maxage=10", .only_mine = true},
        {.control = "x=\"a, no-store, \\\", no-cache\", max-age=5", .worded = true, .fresh_ms = 5000},
        {.control = "no-cache", .always = true},
        {.control = "no-cache=\"Set-Cookie\", max-age=60", .worded = true, .always = true, .fresh_ms = 60000},
        {.control = "no-store", .no_store = true},
        {.control = "No-Store, max-age=60", .worded = true, .no_store = true, .fresh_ms = 60000},
        {.control = ",,, ,max-age=3,", .worded = true, .fresh_ms = 3000},
        {.expires = "Sun, 06 Nov 1994 08:50:37 GMT", .date = DATE, .worded = true, .fresh_ms = 60000},
        {.expires = "Sun, 06 Nov 1994 08:50:37 GMT", .worded = true, .fresh_ms = 60000},
        {.expires = DATE, .date = DATE, .worded = true},
        {.expires = "0", .worded = true},
        {.expires = "", .worded = true},
        {.expires = "Sun, 06 Nov 1994 08:50:37 GMT",
         .control = "max-age=5",
         .worded = true,
         .fresh_ms = 5000},
        /* the origin's clock is an hour behind ours: the answer counts as that old */
        {.control = "max-age=7200",
         .date = "Sun, 06 Nov 1994 07:49:37 GMT",
         .worded = true,
         .fresh_ms = 3600000},
        /* ...and ahead of ours: not */
        {.control = "max-age=60", .date = "Sun, 06 Nov 1994 09:49:37 GMT", .worded = true, .fresh_ms = 60000},
        {.control = "max-age=60", .date = "Sun, 06 Nov 1994 08:49:36 GMT", .worded = true, .fresh_ms = 60000},
        {.control = "max-age=60", .age = "20", .worded = true, .fresh_ms = 40000},
        {.control = "max-age=60", .age = "20", .delay_ms = 3000, .worded = true, .fresh_ms = 37000},
        {.control = "max-age=60", .age = "90", .worded = true, .fresh_ms = -30000},
        {.control = "max-age=60", .age = "junk", .worded = true, .fresh_ms = 60000},
        {.pragma = "no-cache", .always = true},
        {.pragma = "no-cache", .control = "max-age=60", .worded = true, .fresh_ms = 60000},
        {.vary = "Accept, *", .control = "max-age=60", .worded = true, .always = true, .fresh_ms = 60000},
        {.vary = "Accept", .control = "max-age=60", .worded = true, .fresh_ms = 60000},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        const struct alb_origin_words w = {text(r->control), text(r->expires), text(r->date),
                                           text(r->age),     text(r->pragma),  text(r->vary)};
        struct alb_origin_fresh f = alb_origin_fresh_of(&w, !r->only_mine, NOW - r->delay_ms, NOW);
        int64_t want = r->worded ? NOW + r->fresh_ms : 0;
        if (f.worded != r->worded || f.always != r->always || f.no_store != r->no_store || f.until_ms != want)
            fail_msg("row %zu (%s): worded %d, always %d, no-store %d, %lld ms", i,
                     r->control ? r->control : "-", f.worded, f.always, f.no_store,
                     (long long)(f.until_ms - NOW));
    }
}

static void ways(void **state)
{
    const struct alb_origin_fresh minute = {.worded = true, .until_ms = NOW + 60000},
                                  second = {.worded = true, .until_ms = NOW + 1000}, silent = {0},
                                  never = {.always = true}, nothing = {.no_store = true};
    (void)state;
    assert_int_equal(alb_origin_fresh_least(minute, second).until_ms, NOW + 1000);
    assert_int_equal(alb_origin_fresh_least(second, minute).until_ms, NOW + 1000);
    assert_false(alb_origin_fresh_least(minute, silent).worded);
    assert_false(alb_origin_fresh_least(silent, minute).worded);
    assert_true(alb_origin_fresh_least(minute, never).always);
    assert_true(alb_origin_fresh_least(minute, nothing).always);
    assert_false(alb_origin_fresh_least(minute, nothing).no_store);
}

static void freshness(void **state)
{
    struct alb_origin_note n = {.o = {.validated_ms = NOW, .fresh_until_ms = NOW + 60000}, .worded = true};
    (void)state;
    assert_true(alb_origin_note_is_fresh(&n, NOW, 5000));
    assert_true(alb_origin_note_is_fresh(&n, NOW + 59999, 5000));
    assert_false(alb_origin_note_is_fresh(&n, NOW + 60000, 5000));
    assert_false(alb_origin_note_is_fresh(&n, NOW - 1, 5000)); /* the clock was turned back */
    n.always = true;
    assert_false(alb_origin_note_is_fresh(&n, NOW, 5000));
    n.always = n.worded = false;
    assert_true(alb_origin_note_is_fresh(&n, NOW + 4999, 5000));
    assert_false(alb_origin_note_is_fresh(&n, NOW + 5000, 5000));
}

static struct alb_origin_note sample(void)
{
    struct alb_origin_note n = {.o = {.type = ALB_TYPE_JPEG,
                                      .status = 200,
                                      .size = 1234567,
                                      .url = ALB_STR("http://h/a b?c=d"),
                                      .etag = ALB_STR("W/\"x\""),
                                      .last_modified = ALB_STR(DATE),
                                      .modified_ms = NOW,
                                      .cache_control = ALB_STR("max-age=1"),
                                      .expires = ALB_STR("0"),
                                      .content_type = ALB_STR("image/jpeg; charset=x"),
                                      .fetched_ms = NOW + 1,
                                      .validated_ms = NOW + 2,
                                      .fresh_until_ms = NOW - 3,
                                      .is_shared = true},
                                .sums = ALB_STR("\n0123456\n\nsize 7\n"),
                                .worded = true,
                                .always = true};
    for (size_t i = 0; i < sizeof(n.o.identity); i++)
        n.o.identity[i] = (unsigned char)(i * 37);
    return n;
}

static void notes(void **state)
{
    struct alb_origin_note n = sample(), back;
    struct alb_buf b = ALB_BUF_INIT(10000);
    (void)state;
    alb_origin_note_write(&n, &b);
    assert_true(alb_origin_note_read(alb_buf_view(&b), &back));
    assert_memory_equal(back.o.identity, n.o.identity, sizeof(n.o.identity));
    assert_true(alb_str_eq(back.o.url, n.o.url) && alb_str_eq(back.o.etag, n.o.etag));
    assert_true(alb_str_eq(back.o.last_modified, n.o.last_modified) &&
                alb_str_eq(back.o.expires, n.o.expires));
    assert_true(alb_str_eq(back.o.cache_control, n.o.cache_control) && alb_str_eq(back.sums, n.sums));
    assert_true(alb_str_eq(back.o.content_type, n.o.content_type));
    assert_true(back.o.type == n.o.type && back.o.size == n.o.size && back.o.modified_ms == NOW);
    assert_true(back.o.fetched_ms == NOW + 1 && back.o.validated_ms == NOW + 2);
    assert_true(back.o.fresh_until_ms == NOW - 3 && back.worded && back.always && back.o.is_shared);
    /* cut anywhere it is no note, or says less, and never reads outside */
    for (size_t i = 0; i < b.n; i++) {
        char *cut = malloc(i + 1);
        memcpy(cut, b.p, i);
        if (alb_origin_note_read(alb_str_n(cut, i), &back))
            assert_true(back.o.size <= n.o.size);
        free(cut);
    }
    n.o.etag = ALB_STR("a\nsize 5"); /* no line of its own */
    n.worded = n.always = n.o.is_shared = false;
    alb_buf_reset(&b);
    alb_origin_note_write(&n, &b);
    assert_true(alb_origin_note_read(alb_buf_view(&b), &back));
    assert_true(back.o.size == n.o.size && back.o.etag.n == 0);
    assert_false(back.worded || back.always || back.o.is_shared);
    static const char *const bad[] = {"",
                                      "albumen source 1",
                                      "albumen source 2 0\n",
                                      "albumen source 1 0\n",
                                      "albumen source 1 99\nsize 1\n",
                                      "albumen source 1 0\nsize 5\n",
                                      "albumen source 1 0\nsize 5\nsha256 00\n",
                                      "albumen source 1 0\nwhat 5\n"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++)
        assert_false(alb_origin_note_read(alb_str_c(bad[i]), &back));
    alb_buf_fini(&b);
}

static struct alb_derived_key key_of(unsigned i)
{
    struct alb_derived_key k = {{0}};
    memcpy(k.b + 8, &i, sizeof(i));
    return k;
}

static void hot(void **state)
{
    struct alb_origin_note n = sample();
    struct alb_origin_hot *h = alb_origin_hot_new(16);
    struct alb_derived_key k = key_of(1), other = key_of(2);
    (void)state;
    assert_null(alb_origin_hot_get(h, &k));
    struct alb_origin *a = alb_origin_make(&n, NULL), *b = alb_origin_make(&n, NULL);
    alb_origin_hot_put(h, &k, a);
    alb_origin_hot_put(h, &other, a);
    alb_origin_hot_put(h, &k, b); /* instead */
    struct alb_origin *got = alb_origin_hot_get(h, &k);
    assert_ptr_equal(got, b);
    alb_origin_unref(got);
    for (unsigned i = 3; i < 1000; i++) { /* bounded, and who is asked for again stays */
        struct alb_derived_key more = key_of(i);
        alb_origin_hot_put(h, &more, a);
        got = alb_origin_hot_get(h, &k);
        assert_ptr_equal(got, b);
        alb_origin_unref(got);
    }
    assert_null(alb_origin_hot_get(h, &other));
    alb_origin_hot_purge(h);
    assert_null(alb_origin_hot_get(h, &k));
    alb_origin_hot_put(h, &k, b);
    alb_origin_hot_free(&h);
    h = alb_origin_hot_new(0);
    alb_origin_hot_put(h, &k, b);
    assert_null(alb_origin_hot_get(h, &k));
    alb_origin_hot_free(&h);
    alb_origin_unref(a);
    alb_origin_unref(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table), cmocka_unit_test(ways), cmocka_unit_test(freshness),
        cmocka_unit_test(notes), cmocka_unit_test(hot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
