/* SPDX-License-Identifier: Apache-2.0
 *
 * Words and numbers of imgproxy's language, and the classes of refusal.
 */
#include "imgproxy.h"

#include "doors/imgproxy/refusal.h"

static void integers(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"+7", 7},
                {"-12", -12},
                {"007", 7},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN}};
    static const char *const bad[] = {
        "", "+", "-", "+-1", "--1", "1.0", "1_0", "0x1", " 1", "1 ", "9223372036854775808"};
    int64_t v;

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(good); i++)
        assert_true(alb_imgproxy_int(alb_str_c(good[i].text), &v) && v == good[i].value);
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++)
        assert_false(alb_imgproxy_int(alb_str_c(bad[i]), &v));
}

static void floats(void **state)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"1.5", 1.5},
                {"+.5", 0.5},
                {"5.", 5},
                {"1e3", 1000},
                {"1E+2", 100},
                {"2e-1", 0.2},
                {"1_000", 1000},
                {"0x1p4", 16},
                {"0x_8p0", 8},
                {"-0X1.8P1", -3},
                {"1_2.5_0e1_0", 125000000000.0},
                {"1e-400", 0}};
    static const char *const bad[] = {
        "",     ".",    "+",  "e1", "1e",   "1e+",  "NaN", "nan", "Inf", "-inf", "+Infinity", "1e999", "0x1",
        "0xp1", "1__0", "_1", "1_", "1_.5", "1._5", "1 ",  "1,5", "0x",  "..5",  "1.2.3",     "1p4"};
    char deep[400];
    double v;

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(good); i++) {
        if (!alb_imgproxy_float(alb_str_c(good[i].text), &v))
            fail_msg("%s", good[i].text);
        assert_near(v, good[i].value);
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        if (alb_imgproxy_float(alb_str_c(bad[i]), &v))
            fail_msg("%s was taken", bad[i]);
    }
    memset(deep, '1', sizeof(deep));
    assert_false(alb_imgproxy_float(alb_str_n(deep, sizeof(deep)), &v));
    assert_true(alb_imgproxy_float(ALB_STR("-0.0"), &v) && !__builtin_signbit(v));
}

static void booleans(void **state)
{
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
    static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};
    static const char *const bad[] = {"", "yes", "tRUE", "2", "on", "1 "};
    bool v;

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(yes); i++) {
        assert_true(alb_imgproxy_bool(alb_str_c(yes[i]), &v) && v);
        assert_true(alb_imgproxy_bool(alb_str_c(no[i]), &v) && !v);
        assert_false(alb_imgproxy_bool(alb_str_c(bad[i]), &v));
        assert_false(v);
    }
}

static void colours(void **state)
{
    static const char *const bad[] = {"", "ff", "ffff", "fffff", "gggggg", "#ffffff", "0xffff", "fffffff"};
    uint32_t v;

    (void)state;
    assert_true(alb_imgproxy_colour(ALB_STR("f80"), &v) && v == 0xff8800);
    assert_true(alb_imgproxy_colour(ALB_STR("123"), &v) && v == 0x112233);
    assert_true(alb_imgproxy_colour(ALB_STR("FfDdEe"), &v) && v == 0xffddee);
    assert_true(alb_imgproxy_colour(ALB_STR("000000"), &v) && v == 0);
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++)
        assert_false(alb_imgproxy_colour(alb_str_c(bad[i]), &v));
}

static void formats(void **state)
{
    static const char *const good[] = {"jpg",  "jpeg", "jxl", "png",  "webp", "gif", "ico", "svg",
                                       "heic", "avif", "bmp", "tiff", "pdf",  "mp4", "best"};
    static const char *const bad[] = {"JPG", "tif", "jpgg", "", "raw", "jpe"};
    int v;

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(good); i++)
        assert_true(alb_imgproxy_word(alb_imgproxy_formats, alb_str_c(good[i]), &v) && v > 0);
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++)
        assert_false(alb_imgproxy_word(alb_imgproxy_formats, alb_str_c(bad[i]), &v));
    assert_string_equal(alb_imgproxy_word_name(alb_imgproxy_formats, ALB_IMGPROXY_JPEG), "jpeg");
    assert_string_equal(alb_imgproxy_word_name(alb_imgproxy_formats, 99), "?");
}

static void refusals(void **state)
{
    struct alb_err err = ALB_ERR_INIT;

    (void)state;
    for (int r = 0; r < ALB_IMGPROXY_REFUSALS; r++) {
        assert_int_equal(alb_imgproxy_refusal_code((enum alb_imgproxy_refusal)r) == ALB_OK,
                         r == ALB_IMGPROXY_FINE);
        assert_true(alb_imgproxy_refusal_text((enum alb_imgproxy_refusal)r)[0] != '\0');
    }
    assert_int_equal(alb_imgproxy_refusal_status(ALB_IMGPROXY_BAD_URL), 404);
    assert_int_equal(alb_imgproxy_refusal_status(ALB_IMGPROXY_SECURITY_OPTION), 403);
    assert_string_equal(alb_imgproxy_refusal_text(ALB_IMGPROXY_SECURITY_OPTION), "Invalid URL");
    assert_int_equal(alb_imgproxy_refusal_status(ALB_IMGPROXY_BAD_SIGNATURE), 403);
    assert_string_equal(alb_imgproxy_refusal_text(ALB_IMGPROXY_BAD_SIGNATURE), "Forbidden");
    assert_string_equal(alb_imgproxy_refusal_text(ALB_IMGPROXY_BAD_SOURCE), "Invalid source URL");
    assert_int_equal(alb_imgproxy_refuse(&err, ALB_IMGPROXY_BAD_URL, "%d", 5), ALB_IMGPROXY_BAD_URL);
    assert_int_equal(err.code, ALB_E_NOT_FOUND);
    assert_string_equal(err.msg, "5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers), cmocka_unit_test(floats),  cmocka_unit_test(booleans),
        cmocka_unit_test(colours),  cmocka_unit_test(formats), cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
