/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "doors/imgproxy/negotiate.h"

#define WEBP ALB_IMGPROXY_FORMAT_BIT(ALB_IMGPROXY_WEBP)
#define AVIF ALB_IMGPROXY_FORMAT_BIT(ALB_IMGPROXY_AVIF)
#define JXL ALB_IMGPROXY_FORMAT_BIT(ALB_IMGPROXY_JXL)

static void test_accept(void **state)
{
    static const struct {
        const char *accept;
        uint32_t formats;
    } table[] = {
        {"", 0},
        {"*/*", 0},
        {"image/*", 0},
        {"image/webp", WEBP},
        {"image/avif,image/webp,image/apng,*/*;q=0.8", WEBP | AVIF},
        {"image/avif;q=0, image/webp", WEBP},
        {"image/avif; q=0.000", 0},
        {"image/avif;q=0.001", AVIF},
        {"image/avif ; v=b3 ; q=0", 0},
        {"image/avif;q=0,image/avif", 0},
        {"IMAGE/JXL;Q=1", JXL},
        {"image/jxl;q=nonsense", JXL},
        {"image/webpx,ximage/webp,text/image/webp", 0},
        {",,;,image/webp,", WEBP},
        {"application/x;p=\"image/webp\"", 0},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++)
        assert_int_equal(alb_imgproxy_accepts(alb_str_c(table[i].accept)), table[i].formats);
    assert_int_equal(alb_imgproxy_accepts(ALB_STR_NONE), 0);
}

static int thousandths(double d)
{
    return (int)(d * 1000 + 0.5);
}

static void test_hints(void **state)
{
    (void)state;
    assert_int_equal(thousandths(alb_imgproxy_hint_dpr(ALB_STR("2.5"))), 2500);
    assert_int_equal(thousandths(alb_imgproxy_hint_dpr(ALB_STR(" 8 "))), 8000);
    assert_int_equal(thousandths(alb_imgproxy_hint_dpr(ALB_STR("8.1"))), 0);
    assert_int_equal(thousandths(alb_imgproxy_hint_dpr(ALB_STR("0"))), 0);
    assert_int_equal(thousandths(alb_imgproxy_hint_dpr(ALB_STR("-1"))), 0);
    assert_int_equal(thousandths(alb_imgproxy_hint_dpr(ALB_STR("inf"))), 0);
    assert_int_equal(thousandths(alb_imgproxy_hint_dpr(ALB_STR_NONE)), 0);
    assert_int_equal(thousandths(alb_imgproxy_hint_width(ALB_STR("320"))), 320000);
    assert_int_equal(thousandths(alb_imgproxy_hint_width(ALB_STR("32.5"))), 0);
    assert_int_equal(thousandths(alb_imgproxy_hint_width(ALB_STR("-3"))), 0);
    assert_int_equal(thousandths(alb_imgproxy_hint_width(ALB_STR("99999999999999999999"))), 0);
}

static void test_vary(void **state)
{
    struct alb_imgproxy_config *c = alb_imgproxy_config_new();
    struct alb_imgproxy_request r = {.format = ALB_IMGPROXY_FORMAT_NONE};
    (void)state;
    assert_non_null(c);
    assert_null(alb_imgproxy_vary(c, &r));
    c->auto_webp = true;
    assert_string_equal(alb_imgproxy_vary(c, &r), "Accept");
    r.format = ALB_IMGPROXY_PNG;
    assert_null(alb_imgproxy_vary(c, &r));
    c->enforce_avif = true;
    assert_string_equal(alb_imgproxy_vary(c, &r), "Accept");
    r.raw = true;
    assert_null(alb_imgproxy_vary(c, &r));
    r.raw = false;
    c->client_hints = true;
    assert_string_equal(alb_imgproxy_vary(c, &r), "Accept, Sec-CH-DPR, DPR, Sec-CH-Width, Width");
    c->enforce_avif = false;
    assert_string_equal(alb_imgproxy_vary(c, &r), "Sec-CH-DPR, DPR, Sec-CH-Width, Width");
    r.format = ALB_IMGPROXY_BEST;
    assert_string_equal(alb_imgproxy_vary(c, &r), "Accept, Sec-CH-DPR, DPR, Sec-CH-Width, Width");
    alb_imgproxy_config_unref(c);
}

static void test_file_names(void **state)
{
    static const struct {
        const char *url, *option, *name;
    } table[] = {
        {"http://host/dir/cat.jpg", "", "cat.png"}, {"http://host/dir/cat", "", "cat.png"},
        {"http://host/a.b.c", "", "a.b.png"},       {"http://host/", "", "image.png"},
        {"http://host", "", "image.png"},           {"http://host/.hidden", "", "image.png"},
        {"local:///x/y.tif", "", "y.png"},          {"asset:17", "", "image.png"},
        {"http://host/cat.jpg", "dog", "dog.png"},
    };
    struct alb_arena *a = alb_arena_new(65536);
    (void)state;
    assert_non_null(a);
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        const struct alb_imgproxy_request r = {.source = {.url = alb_str_c(table[i].url)},
                                               .filename = alb_str_c(table[i].option)};
        assert_string_equal(alb_imgproxy_filename(a, &r, ALB_STR_NONE, "png").p, table[i].name);
    }
    const struct alb_imgproxy_request asset = {.source = {.url = ALB_STR("asset:17")}};
    assert_string_equal(alb_imgproxy_filename(a, &asset, ALB_STR("IMG_1.HEIC"), "jpg").p, "IMG_1.jpg");
    alb_arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept),
        cmocka_unit_test(test_hints),
        cmocka_unit_test(test_vary),
        cmocka_unit_test(test_file_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
