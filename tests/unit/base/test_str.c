/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

static void test_parts(void **state)
{
    struct alb_str s = ALB_STR("abcdef");

    (void)state;
    assert_str(alb_str_from(s, 2), "cdef");
    assert_str(alb_str_from(s, 6), "");
    assert_str(alb_str_from(s, 99), "");
    assert_str(alb_str_sub(s, 1, 3), "bcd");
    assert_str(alb_str_sub(s, 4, SIZE_MAX), "ef");
    assert_str(alb_str_sub(s, SIZE_MAX, SIZE_MAX), "");
    assert_null(alb_str_from(ALB_STR_NONE, 3).p);
    assert_null(alb_str_c(NULL).p);
    assert_str(alb_str_c("x"), "x");
}

static void test_comparing(void **state)
{
    (void)state;
    assert_true(alb_str_eq(ALB_STR_NONE, ALB_STR("")));
    assert_true(alb_str_eq(ALB_STR("ab"), ALB_STR("ab")));
    assert_false(alb_str_eq(ALB_STR("ab"), ALB_STR("aB")));
    assert_false(alb_str_eq(ALB_STR("ab"), ALB_STR("abc")));
    assert_true(alb_str_eq_ci(ALB_STR("Content-Length"), ALB_STR("cONTENT-lENGTH")));
    assert_false(alb_str_eq_ci(ALB_STR("@"), ALB_STR("`"))); /* 0x40 and 0x60 */
    assert_false(alb_str_eq_ci(ALB_STR("\xc3\x84"), ALB_STR("\xc3\xa4")));
    assert_true(alb_str_eq_c(ALB_STR("ab"), "ab"));
    assert_true(alb_str_eq_secret(ALB_STR("ab"), ALB_STR("ab")));
    assert_false(alb_str_eq_secret(ALB_STR("ab"), ALB_STR("ac")));
    assert_false(alb_str_eq_secret(ALB_STR("ab"), ALB_STR("a")));
    assert_true(alb_str_eq_secret(ALB_STR_NONE, ALB_STR("")));
    assert_int_equal(alb_str_cmp(ALB_STR("a"), ALB_STR("b")), -1);
    assert_int_equal(alb_str_cmp(ALB_STR("ab"), ALB_STR("a")), 1);
    assert_int_equal(alb_str_cmp(ALB_STR("a"), ALB_STR("ab")), -1);
    assert_int_equal(alb_str_cmp(ALB_STR("b"), ALB_STR("ab")), 1);
    assert_int_equal(alb_str_cmp(ALB_STR("\xff"), ALB_STR("a")), 1); /* bytes, not chars */
    assert_int_equal(alb_str_cmp(ALB_STR_NONE, ALB_STR("")), 0);
    assert_true(alb_str_starts(ALB_STR("abc"), ALB_STR("ab")));
    assert_true(alb_str_starts(ALB_STR("abc"), ALB_STR_NONE));
    assert_false(alb_str_starts(ALB_STR("a"), ALB_STR("ab")));
    assert_true(alb_str_ends(ALB_STR("abc"), ALB_STR("bc")));
    assert_true(alb_str_ends(ALB_STR_NONE, ALB_STR("")));
    assert_false(alb_str_ends(ALB_STR("c"), ALB_STR("bc")));
    assert_true(alb_str_ends_ci(ALB_STR("photo.JPG"), ALB_STR(".jpg")));
    assert_false(alb_str_ends_ci(ALB_STR("photo.png"), ALB_STR(".jpg")));
}

static void test_finding(void **state)
{
    struct alb_str s = ALB_STR("a/b/c");

    (void)state;
    assert_int_equal(alb_str_find(s, '/'), 1);
    assert_int_equal(alb_str_rfind(s, '/'), 3);
    assert_true(alb_str_find(s, 'x') == ALB_STR_NPOS);
    assert_true(alb_str_rfind(ALB_STR_NONE, 'x') == ALB_STR_NPOS);
    assert_true(alb_str_find(ALB_STR_NONE, 'x') == ALB_STR_NPOS);
    assert_int_equal(alb_str_find_str(s, ALB_STR("b/")), 2);
    assert_int_equal(alb_str_find_str(s, ALB_STR("")), 0);
    assert_true(alb_str_find_str(ALB_STR_NONE, ALB_STR("b")) == ALB_STR_NPOS);
    assert_true(alb_str_find_str(s, ALB_STR("c/")) == ALB_STR_NPOS);
}

static void test_cutting(void **state)
{
    struct alb_str head, tail;

    (void)state;
    assert_true(alb_str_cut(ALB_STR("name=value=x"), '=', &head, &tail));
    assert_str(head, "name");
    assert_str(tail, "value=x");
    assert_true(alb_str_cut(ALB_STR("="), '=', &head, &tail));
    assert_str(head, "");
    assert_str(tail, "");
    assert_non_null(tail.p);
    assert_false(alb_str_cut(ALB_STR("name"), '=', &head, &tail));
    assert_str(head, "name");
    assert_null(tail.p);
}

static void test_pieces(void **state)
{
    static const struct {
        struct alb_str in;
        const char *pieces[5];
    } cases[] = {
        {{"a,,b", 4}, {"a", "", "b"}}, {{"", 0}, {""}},     {{",", 1}, {"", ""}},
        {{"abc", 3}, {"abc"}},         {{NULL, 0}, {NULL}}, {{"a,", 2}, {"a", ""}},
    };

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_str rest = cases[i].in, piece;
        size_t n = 0;
        while (alb_str_next(&rest, ',', &piece)) {
            assert_non_null(cases[i].pieces[n]);
            assert_true(alb_str_eq_c(piece, cases[i].pieces[n]));
            n++;
        }
        assert_null(cases[i].pieces[n]);
    }
}

static void test_trim(void **state)
{
    (void)state;
    assert_str(alb_str_trim(ALB_STR(" \t a b\t ")), "a b");
    assert_str(alb_str_trim(ALB_STR(" \t ")), "");
    assert_str(alb_str_trim(ALB_STR_NONE), "");
    assert_str(alb_str_trim(ALB_STR("\na")), "\na"); /* only blanks */
}

static void test_u64(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        uint64_t v;
    } cases[] = {
        {"0", true, 0},
        {"007", true, 7},
        {"18446744073709551615", true, UINT64_MAX},
        {"018446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"99999999999999999999", false, 0},
        {"184467440737095516150", false, 0},
        {"", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"0x1", false, 0},
        {"1a", false, 0},
        {"1.0", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        uint64_t v = 77;
        if (alb_str_u64(alb_str_c(cases[i].text), &v) != cases[i].ok || v != cases[i].v)
            fail_msg("\"%s\"", cases[i].text);
    }
}

static void test_i64(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t v;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"-1", true, -1},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"--1", false, 0},
        {"-", false, 0},
        {"", false, 0},
        {"+1", false, 0},
        {"1-", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        int64_t v = 77;
        if (alb_str_i64(alb_str_c(cases[i].text), &v) != cases[i].ok || v != cases[i].v)
            fail_msg("\"%s\"", cases[i].text);
    }
}

static void test_double(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        double v;
    } cases[] = {
        {"0", true, 0},      {"-1.5", true, -1.5}, {"+2.25", true, 2.25},
        {"0.1", true, 0.1},  {"00.10", true, 0.1}, {"1.", false, 0},
        {".5", false, 0},    {"", false, 0},       {"-", false, 0},
        {"+", false, 0},     {".", false, 0},      {"1e5", false, 0},
        {"nan", false, 0},   {"inf", false, 0},    {"0x10", false, 0},
        {"1,5", false, 0},   {" 1", false, 0},     {"1 ", false, 0},
        {"1.5.2", false, 0}, {"--1", false, 0},    {"123456789.123456789", true, 123456789.123456789},
    };
    char text[400];
    double v;

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        v = 77;
        if (alb_str_double(alb_str_c(cases[i].text), &v) != cases[i].ok ||
            memcmp(&v, &cases[i].v, sizeof(v)) != 0)
            fail_msg("\"%s\"", cases[i].text);
    }
    memset(text, '9', sizeof(text));
    assert_true(alb_str_double(alb_str_n(text, 308), &v));
    assert_false(alb_str_double(alb_str_n(text, 310), &v)); /* infinite */
    memset(text, '0', sizeof(text));
    assert_true(alb_str_double(alb_str_n(text, 320), &v));
    assert_false(alb_str_double(alb_str_n(text, 321), &v));
    assert_false(alb_str_double(ALB_STR("1\0"), &v));
}

static void test_hex(void **state)
{
    uint64_t v;

    (void)state;
    assert_true(alb_str_hex_u64(ALB_STR("fFfFffff00000001"), &v));
    assert_true(v == 0xffffffff00000001U);
    assert_true(alb_str_hex_u64(ALB_STR("0"), &v));
    assert_false(alb_str_hex_u64(ALB_STR("00000000000000000"), &v)); /* 17 */
    assert_false(alb_str_hex_u64(ALB_STR(""), &v));
    assert_false(alb_str_hex_u64(ALB_STR("0x1"), &v));
    assert_false(alb_str_hex_u64(ALB_STR("g"), &v));
}

static void test_utf8(void **state)
{
    static const struct {
        struct alb_str s;
        bool ok;
    } cases[] = {
        {{NULL, 0}, true},
        {{"plain", 5}, true},
        {{"sixteen bytes..!", 16}, true},
        {{"\0", 1}, true},
        {{"\x7f", 1}, true},
        {{"\xc2\x80", 2}, true},
        {{"\xdf\xbf", 2}, true},
        {{"\xe0\xa0\x80", 3}, true},
        {{"\xed\x9f\xbf", 3}, true},
        {{"\xee\x80\x80", 3}, true},
        {{"\xef\xbf\xbf", 3}, true},
        {{"\xf0\x90\x80\x80", 4}, true},
        {{"\xf4\x8f\xbf\xbf", 4}, true},
        {{"\x80", 1}, false},             /* a tail alone */
        {{"\xc0\x80", 2}, false},         /* overlong NUL */
        {{"\xc1\xbf", 2}, false},         /* overlong */
        {{"\xe0\x9f\xbf", 3}, false},     /* overlong */
        {{"\xf0\x8f\xbf\xbf", 4}, false}, /* overlong */
        {{"\xed\xa0\x80", 3}, false},     /* surrogate */
        {{"\xed\xbf\xbf", 3}, false},     /* surrogate */
        {{"\xf4\x90\x80\x80", 4}, false}, /* above U+10FFFF */
        {{"\xf5\x80\x80\x80", 4}, false},
        {{"\xff", 1}, false},
        {{"\xc3", 1}, false},
        {{"\xe2\x82", 2}, false},
        {{"\xf0\x9f\x93", 3}, false},
        {{"\xc3\x28", 2}, false},
        {{"\xe2\x28\xa1", 3}, false},
        {{"\xe2\x82\x28", 3}, false},
        {{"12345678\x80", 9}, false},
        {{"1234567\xc3\xa4"
          "12345678",
          17},
         true},
    };

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        if (alb_str_is_utf8(cases[i].s) != cases[i].ok)
            fail_msg("case %zu", i);
    }
}

static void test_utf8_next(void **state)
{
    static const struct {
        struct alb_str s;
        size_t len;
        uint32_t c;
    } cases[] = {
        {{"a", 1}, 1, 'a'},
        {{"\xc3\xa4x", 3}, 2, 0xe4},
        {{"\xe2\x82\xac", 3}, 3, 0x20ac},
        {{"\xf0\x9f\x93\xb7", 4}, 4, 0x1f4f7},
        {{"\xf0\x9f\x93\xb7", 3}, 0, 0},
        {{NULL, 0}, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        uint32_t c = 1;
        assert_int_equal(alb_utf8_next(cases[i].s, &c), cases[i].len);
        assert_int_equal(c, cases[i].c);
    }
}

static void test_number(void **state)
{
    static const char *const bad[] = {"", "+", ".", "e1", "1e", "1e+", "1e1.5", "nan", "inf", "0x", "0x1", "0x1p", "0xg1p1",
                                      "1p1", "1.2.3", "1e999", " 1"};
    double v;

    (void)state;
    assert_true(alb_str_number(ALB_STR("1.5"), &v) && v == 1.5);
    assert_true(alb_str_number(ALB_STR("+.5"), &v) && v == 0.5);
    assert_true(alb_str_number(ALB_STR("-5."), &v) && v == -5);
    assert_true(alb_str_number(ALB_STR("1e3"), &v) && v == 1000);
    assert_true(alb_str_number(ALB_STR("25E-2"), &v) && v == 0.25);
    assert_true(alb_str_number(ALB_STR("0x1.8p+1"), &v) && v == 3);
    assert_true(alb_str_number(ALB_STR("0XAp0"), &v) && v == 10);
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++)
        assert_false(alb_str_number(alb_str_c(bad[i]), &v));
}

static void test_control(void **state)
{
    (void)state;
    assert_false(alb_str_has_control(ALB_STR("a b~\xc3\xa4")));
    assert_true(alb_str_has_control(ALB_STR("a\x1f")));
    assert_true(alb_str_has_control(ALB_STR("\x7f")));
    assert_true(alb_str_has_control(ALB_STR("a\0")));
    assert_false(alb_str_has_control(ALB_STR_NONE));
}

static void test_to_c(void **state)
{
    char out[4] = "zzz";

    (void)state;
    assert_true(alb_str_to_c(ALB_STR("abc"), out, sizeof(out)));
    assert_string_equal(out, "abc");
    assert_false(alb_str_to_c(ALB_STR("abcd"), out, sizeof(out)));
    assert_string_equal(out, "");
    assert_false(alb_str_to_c(ALB_STR("a\0"), out, sizeof(out)));
    assert_string_equal(out, "");
    assert_true(alb_str_to_c(ALB_STR_NONE, out, sizeof(out)));
    assert_string_equal(out, "");
    assert_false(alb_str_to_c(ALB_STR(""), out, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),   cmocka_unit_test(test_comparing), cmocka_unit_test(test_finding),
        cmocka_unit_test(test_cutting), cmocka_unit_test(test_pieces),    cmocka_unit_test(test_trim),
        cmocka_unit_test(test_u64),     cmocka_unit_test(test_i64),       cmocka_unit_test(test_double),
        cmocka_unit_test(test_hex),     cmocka_unit_test(test_utf8),      cmocka_unit_test(test_utf8_next),
        cmocka_unit_test(test_number),  cmocka_unit_test(test_control), cmocka_unit_test(test_to_c),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
