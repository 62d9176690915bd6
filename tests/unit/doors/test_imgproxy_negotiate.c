/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "doors/imgproxy/compile.h"

#define WEBP ALB_IMGPROXY_FORMAT_BIT(ALB_IMGPROXY_WEBP)
#define AVIF ALB_IMGPROXY_FORMAT_BIT(ALB_IMGPROXY_AVIF)
#define JXL ALB_IMGPROXY_FORMAT_BIT(ALB_IMGPROXY_JXL)

/* Lines of one header, "|" between them. */
static struct alb_imgproxy_accept heard(const char *lines)
{
    struct alb_imgproxy_accept a = {.refused = 0};
    struct alb_str rest = alb_str_c(lines), line;
    while (alb_str_next(&rest, '|', &line))
        alb_imgproxy_accept_add(&a, line);
    return a;
}

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
        {"image/avif,image/webp,image/apng,*/*;q=0.8", WEBP | AVIF}, /* Chrome, Firefox, Safari */
        {"image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", WEBP | AVIF},
        {"image/webp,image/avif,image/jxl,image/heic,video/*;q=0.8,image/png,image/*;q=0.8,*/*;q=0.5",
         WEBP | AVIF | JXL},
        {"image/avif;q=0, image/webp", WEBP},
        {"image/avif; q=0.000", 0},
        {"image/avif;q=0.001", AVIF},
        {"image/avif;q=0.0001", AVIF},
        {"image/avif ; v=b3 ; q=0", 0},
        {"image/avif;q=0,image/avif", 0},
        {"image/avif|image/avif;q=0", 0},
        {"image/avif|image/webp;q=0.5", WEBP | AVIF},
        {"IMAGE/JXL;Q=1", JXL},
        {"image/jxl;q=nonsense", JXL},
        {"image/webpx,ximage/webp,text/image/webp", 0},
        {",,;,image/webp,", WEBP},
        {"application/x;p=\"image/webp\"", 0},
        /* what it would get instead is liked better */
        {"image/jpeg,image/avif;q=0.1", 0},
        {"image/jpeg;q=0.1,image/avif;q=0.1", AVIF},
        {"image/png,image/webp;q=0.9", 0},
        {"image/*,image/avif;q=0.9", 0},
        {"*/*,image/avif;q=0.9", 0},
        {"*/*;q=0.8,image/avif;q=0.9", AVIF},
        {"image/*;q=0.1,*/*,image/avif;q=0.5", AVIF}, /* the nearer wildcard counts */
        {"image/jpeg;q=0,image/png;q=0,*/*,image/webp;q=0.2", WEBP},
        {"image/webp;q=0.2,*/*;q=0", WEBP},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        const struct alb_imgproxy_accept a = heard(table[i].accept);
        if (alb_imgproxy_accepted(&a) != table[i].formats)
            fail_msg("%s: %x, not %x", table[i].accept, alb_imgproxy_accepted(&a), table[i].formats);
    }
}

/* What is tried, in order, as text. */
static void test_order(void **state)
{
    static const struct {
        const char *accept, *formats;
    } table[] = {
        {"image/avif,image/webp", "avif webp "},
        {"image/webp,image/avif", "avif webp "}, /* equal: imgproxy's order */
        {"image/webp,image/avif,image/jxl", "jxl avif webp "},
        {"image/avif;q=0.1,image/webp", "webp avif "},
        {"image/avif;q=0.5,image/webp;q=0.7,image/jxl;q=0.6", "webp jxl avif "},
        {"image/avif;q=0.5,image/webp;q=0.5,image/jxl;q=0.4", "avif webp jxl "},
        {"image/avif;q=0.5,image/webp,image/jxl;q=0", "webp avif "},
        {"image/avif;q=0.5,image/webp,image/*;q=0.8", "webp "},
        {"*/*", ""},
    };
    struct alb_imgproxy_config *c = alb_imgproxy_config_new();
    struct alb_plan_limits limits;
    (void)state;
    assert_non_null(c);
    alb_plan_limits_default(&limits);
    c->auto_webp = c->auto_avif = c->auto_jxl = true;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        const struct alb_imgproxy_accept a = heard(table[i].accept);
        static struct alb_imgproxy_pipeline pipeline = {.zoom_x = 1, .zoom_y = 1, .dpr = 1};
        static struct alb_imgproxy_request r = {.pipelines = 1, .pipeline = {&pipeline}};
        struct alb_imgproxy_wish wish;
        struct alb_arena *arena = alb_arena_new((size_t)1 << 20);
        char got[64] = "";
        assert_non_null(arena);
        assert_int_equal(alb_imgproxy_compile(c, &r, &a, &limits, arena, &wish, NULL), ALB_IMGPROXY_FINE);
        for (size_t k = 0; k < ALB_FORMAT_LIST && wish.options->output.automatic[k] != ALB_FORMAT_SAME; k++) {
            strcat(got, alb_format_name(wish.options->output.automatic[k]));
            strcat(got, " ");
        }
        assert_string_equal(got, table[i].formats);
        alb_arena_free(&arena);
    }
    alb_imgproxy_config_unref(c);
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
    assert_int_equal(thousandths(alb_imgproxy_hint_dpr(ALB_STR("0.0000001"))), 0);
    assert_int_equal(thousandths(alb_imgproxy_hint_dpr(ALB_STR("0.01"))), 10);
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
    c->client_hints = c->auto_webp = false; /* no newer format is offered: the same for everybody */
    assert_null(alb_imgproxy_vary(c, &r));
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
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_hints),
        cmocka_unit_test(test_vary),
        cmocka_unit_test(test_file_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
