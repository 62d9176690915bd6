/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <time.h>

#include "import/select.h"
#include "test.h"

static void make(struct alb_select *s)
{
    *s = (struct alb_select){.bans = NULL};
    assert_int_equal(alb_extension_add(&s->types, ALB_STR(".jpg"), ALB_KIND_MEDIA, NULL), ALB_OK);
    assert_int_equal(alb_extension_add(&s->types, ALB_STR("PNG"), ALB_KIND_MEDIA, NULL), ALB_OK);
    assert_int_equal(alb_extension_add(&s->types, ALB_STR(".jpg"), ALB_KIND_MEDIA, NULL), ALB_OK);
    assert_int_equal(alb_extension_add(&s->types, ALB_STR(".xmp"), ALB_KIND_SIDECAR, NULL), ALB_OK);
    assert_int_equal(s->types.n, 3);
}

static void test_extensions(void **state)
{
    (void)state;
    static const struct {
        const char *path, *ext;
    } cases[] = {{"/a/b.c/X.JPG", ".jpg"},
                 {"x.tar.gz", ".gz"},
                 {".hidden", ""},
                 {"/a.b/c", ""},
                 {"x.", ""},
                 {"", ""},
                 {"/a/.jpg", ""},
                 {"x.MP~2", ".mp~2"},
                 {"x.jpg/y", ""},
                 {"x. jpg", ". jpg"},
                 {"x.abcdefghijklmno", ""},
                 {"x.abcdefghijklmn", ".abcdefghijklmn"}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        char room[16];
        struct alb_str e = alb_extension_of(alb_str_c(cases[i].path), room);
        assert_true(alb_str_eq_c(e, cases[i].ext));
    }
    struct alb_extension_set set = {NULL, 0};
    assert_int_equal(alb_extension_add(&set, ALB_STR(""), ALB_KIND_MEDIA, NULL), ALB_E_INVALID);
    assert_int_equal(alb_extension_add(&set, ALB_STR("a/b"), ALB_KIND_MEDIA, NULL), ALB_E_INVALID);
    assert_int_equal(alb_extension_add(&set, ALB_STR("an extension too long"), ALB_KIND_MEDIA, NULL),
                     ALB_E_INVALID);
    assert_null(set.items);
}

static void test_names(void **state)
{
    (void)state;
    struct alb_select s;
    make(&s);
    assert_int_equal(alb_select_name(&s, ALB_STR("/p/a.jpg")), ALB_SKIP_NONE);
    assert_int_equal(alb_select_name(&s, ALB_STR("/p/a.Png")), ALB_SKIP_NONE);
    assert_int_equal(alb_select_name(&s, ALB_STR("/p/a.txt")), ALB_SKIP_TYPE);
    assert_int_equal(alb_select_name(&s, ALB_STR("/p/jpg")), ALB_SKIP_TYPE);
    assert_int_equal(alb_select_name(&s, ALB_STR("/p/a.xmp")), ALB_SKIP_SIDECAR);
    assert_int_equal(alb_extension_add(&s.exclude, ALB_STR("png"), ALB_KIND_MEDIA, NULL), ALB_OK);
    assert_int_equal(alb_select_name(&s, ALB_STR("/p/a.Png")), ALB_SKIP_EXCLUDED);
    assert_int_equal(alb_extension_add(&s.include, ALB_STR(".zzz"), ALB_KIND_MEDIA, NULL), ALB_OK);
    assert_int_equal(alb_select_name(&s, ALB_STR("/p/a.jpg")), ALB_SKIP_EXCLUDED);
    assert_int_equal(alb_select_name(&s, ALB_STR("/p/a.ZZZ")), ALB_SKIP_NONE);
    assert_int_equal(alb_select_name(&s, ALB_STR("/p/a.txt")), ALB_SKIP_TYPE);
    alb_select_fini(&s);
}

static void test_bans(void **state)
{
    (void)state;
    static const char *const own[] = {"tmp/", "*_copy.*", "Export/web/*"};
    struct alb_select s;
    make(&s);
    s.bans = own;
    s.bans_n = ALB_ARRAY_LEN(own);
    static const struct {
        const char *path;
        bool folder, banned;
    } cases[] = {
        {"/p/@eaDir", true, true},
        {"/p/@EADIR", true, true},
        {"/p/@eaDir", false, false},
        {"/p/._a.jpg", false, true},
        {"/p/a._jpg", false, false},
        {"/p/SYNOFILE_THUMB_M.png", false, true},
        {"/p/thumbnails", true, true},
        {"/p/thumbnails.jpg", false, false},
        {"/p/Lightroom Catalog", true, true},
        {"/p/Recently Deleted", true, true},
        {"/p/.Trash-1000", true, true},
        {"/p/photos", true, false},
        {"/p/tmp", true, true},
        {"/p/tmp", false, false},
        {"/p/a_copy.jpg", false, true},
        {"/x/export/WEB/a.jpg", false, true},
        {"/x/export/a.jpg", false, false},
        {"web/a.jpg", false, false},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++)
        assert_int_equal(alb_select_banned(&s, alb_str_c(cases[i].path), cases[i].folder), cases[i].banned);
    alb_select_fini(&s);
}

static void test_date_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int from, to;
    } good[] = {
        {"", 0, 0},
        {"2023", 20230101, 20231231},
        {"2024-02", 20240201, 20240229},
        {"2023-02", 20230201, 20230228},
        {" 2023-07-14 ", 20230714, 20230714},
        {"2023,2024-05", 20230101, 20240531},
        {"2023-07-14,", 20230714, 0},
        {",2023", 0, 20231231},
        {"2023-12, 2024-01-02", 20231201, 20240102},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(good); i++) {
        struct alb_date_range r;
        assert_int_equal(alb_date_range_parse(alb_str_c(good[i].text), &r, NULL), ALB_OK);
        assert_int_equal(r.from, good[i].from);
        assert_int_equal(r.to, good[i].to);
    }
    static const char *const bad[] = {"23",         "2023-13",      "2023-00",    "2023-1",     "2023-02-29",
                                      "2023-02-00", "2024,2023",    ",",          "x",          "2023-",
                                      "2023-07-",   "2023-07-14-1", "2023,2024,", "2023-07-1x", "0000",
                                      "+2023",      "20230714",     "2023;2024"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        struct alb_date_range r;
        struct alb_err err = ALB_ERR_INIT;
        assert_int_equal(alb_date_range_parse(alb_str_c(bad[i]), &r, &err), ALB_E_INVALID);
        assert_int_equal(r.from, 0);
        assert_non_null(strstr(err.msg, "2023-07-14"));
    }
    struct alb_date_range r = {20230201, 20230228};
    assert_false(alb_date_range_has(&r, 20230131));
    assert_true(alb_date_range_has(&r, 20230201));
    assert_true(alb_date_range_has(&r, 20230228));
    assert_false(alb_date_range_has(&r, 20230301));
}

static void test_dates_in_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int day;
    } cases[] = {
        {"IMG_20230714_123456.jpg", 20230714},
        {"PXL_20230714123456789.jpg", 20230714},
        {"2023-07-14 12.30.00.jpg", 20230714},
        {"2023_07_14.png", 20230714},
        {"Screenshot 2023.07.14.png", 20230714},
        {"20230714.jpg", 20230714},
        {"20230230.jpg", 0},
        {"DSC_1234.jpg", 0},
        {"18991231.jpg", 0},
        {"12345678901234567890.jpg", 0},
        {"1234-20230714.jpg", 20230714},
        {"2023-7-14.jpg", 0},
        {"/2020-01-01/IMG_1.jpg", 0},
        {"v2.20230714.jpg", 20230714},
        {"2023-07-145.jpg", 20230714},
        {"", 0},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++)
        assert_int_equal(alb_date_from_name(alb_str_c(cases[i].name)), cases[i].day);
}

static void test_day_of_change_is_local(void **state)
{
    (void)state;
    struct alb_select s;
    make(&s);
    s.dates = (struct alb_date_range){20200126, 20200126};
    int64_t t = (int64_t)1580000000 * 1000000000; /* 2020-01-26T00:53:20Z */
    setenv("TZ", "UTC0", 1);
    tzset();
    assert_int_equal(alb_select_stat(&s, ALB_STR("a.jpg"), 1, t), ALB_SKIP_NONE);
    setenv("TZ", "EST5", 1);
    tzset();
    assert_int_equal(alb_date_of_time(t), 20200125);
    assert_int_equal(alb_select_stat(&s, ALB_STR("a.jpg"), 1, t), ALB_SKIP_DATE);
    assert_int_equal(alb_select_stat(&s, ALB_STR("20200126.jpg"), 1, t), ALB_SKIP_NONE);
    assert_int_equal(alb_select_stat(&s, ALB_STR("a.jpg"), 0, t), ALB_SKIP_EMPTY);
    setenv("TZ", "UTC0", 1);
    tzset();
    assert_int_equal(alb_date_of_time(-1), 19691231);
    alb_select_fini(&s);
}

static void test_words(void **state)
{
    (void)state;
    for (int i = 0; i < ALB_SKIP_COUNT; i++) {
        assert_non_null(alb_skip_text((enum alb_skip)i));
        assert_non_null(alb_skip_key((enum alb_skip)i));
    }
    assert_string_equal(alb_mime_of(ALB_STR(".heic")), "image/heic");
    assert_string_equal(alb_mime_of(ALB_STR(".what")), "application/octet-stream");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extensions),     cmocka_unit_test(test_names),
        cmocka_unit_test(test_bans),           cmocka_unit_test(test_date_ranges),
        cmocka_unit_test(test_dates_in_names), cmocka_unit_test(test_day_of_change_is_local),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
