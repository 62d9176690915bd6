/* SPDX-License-Identifier: Apache-2.0
 *
 * thumbor's grammar: a path to a value, told in one line, and to its canonical form; what is lenient; words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "doors/thumbor/url.h"
#include "doors/thumbor/words.h"

/* ---- a value in one line ---- */

static void tell_scalars(const struct alb_thumbor_url *u, struct alb_buf *b)
{
    static const char *const align[] = {"", "<", "=", ">"};
    if (u->params)
        alb_buf_c(b, "params ");
    if (u->is_unsafe)
        alb_buf_c(b, "unsafe ");
    if (u->hash.n > 0)
        alb_buf_printf(b, "hash=%.*s ", ALB_STR_ARG(u->hash));
    if (u->debug)
        alb_buf_c(b, "debug ");
    if (u->meta)
        alb_buf_c(b, "meta ");
    if (u->trim)
        alb_buf_printf(b, "trim%s%lld ", u->trim_last ? "-" : "+", (long long)u->trim_tolerance);
    if (alb_thumbor_url_crops(u))
        alb_buf_printf(b, "crop=%g,%g,%g,%g ", u->crop[0], u->crop[1], u->crop[2], u->crop[3]);
    if (u->fit_in)
        alb_buf_printf(b, "fit%s%s ", u->adaptive ? "-a" : "", u->full ? "-f" : "");
    if (u->stretch)
        alb_buf_c(b, "stretch ");
    if (u->width > 0 || u->height > 0 || u->flip_h || u->flip_v || u->orig_width || u->orig_height)
        alb_buf_printf(b, "%s%s%lldx%s%s%lld ", u->flip_h ? "-" : "", u->orig_width ? "o" : "",
                       (long long)u->width, u->flip_v ? "-" : "", u->orig_height ? "o" : "",
                       (long long)u->height);
    if (u->padding[0] > 0 || u->padding[1] > 0 || u->padding[2] > 0 || u->padding[3] > 0)
        alb_buf_printf(b, "pad=%lld,%lld,%lld,%lld ", (long long)u->padding[0], (long long)u->padding[1],
                       (long long)u->padding[2], (long long)u->padding[3]);
    if (u->halign || u->valign)
        alb_buf_printf(b, "h%sv%s ", align[u->halign], align[u->valign]);
    if (u->smart)
        alb_buf_c(b, "smart ");
}

static void tell(const struct alb_thumbor_url *u, struct alb_buf *b)
{
    tell_scalars(u, b);
    for (size_t i = 0; i < u->filter_count; i++)
        alb_buf_printf(b, "%.*s[%.*s] ", ALB_STR_ARG(u->filters[i].name), ALB_STR_ARG(u->filters[i].args));
    alb_buf_printf(b, "%s%.*s", u->is_base64 ? "b64 " : "", ALB_STR_ARG(u->image));
}

static void expect(const char *path, const char *base, const char *told, const char *canonical)
{
    struct alb_arena *arena = alb_arena_new((size_t)1 << 20);
    struct alb_thumbor_url u = {0};
    struct alb_buf b = ALB_BUF_INIT(8192);
    assert_true(alb_thumbor_url_apply(&u, arena, alb_str_c(path)));
    if (base)
        assert_true(alb_thumbor_url_apply(&u, arena, alb_str_c(base)));
    tell(&u, &b);
    if (!alb_str_eq_c(alb_buf_view(&b), told))
        fail_msg("%s\n  is  %s\n  not %s", path, alb_buf_cstr(&b), told);
    struct alb_str form = alb_thumbor_url_canonical(arena, &u);
    if (canonical && !alb_str_eq_c(form, canonical))
        fail_msg("%s\n  is  %.*s\n  not %s", path, ALB_STR_ARG(form), canonical);
    alb_buf_fini(&b);
    alb_arena_free(&arena);
}

static void grammar(void **state)
{
    static const struct {
        const char *path, *told, *canonical;
    } table[] = {
        {"i.jpg", "i.jpg", "i.jpg"},
        {"/unsafe/i.jpg", "unsafe i.jpg", "i.jpg"},
        {"//unsafe///i.jpg", "unsafe i.jpg", "i.jpg"},
        {"/cST4Ko5_FqwT3BDn-Wf4gO3RFSk=/500x500/top/h/g.png",
         "hash=cST4Ko5_FqwT3BDn-Wf4gO3RFSk= 500x500 hv< h/g.png", "500x500/top/h/g.png"},
        {"/my-long-directory-name/x.jpg", "hash=my-long-directory-name x.jpg", "x.jpg"},
        {"/sixteen_is_short/x.jpg", "sixteen_is_short/x.jpg", "sixteen_is_short/x.jpg"},
        {"/seventeen_is_long/x.jpg", "hash=seventeen_is_long x.jpg", "x.jpg"},
        {"/adaptive-full-fit-in/200x100/x.jpg", "fit-a-f 200x100 x.jpg",
         "adaptive-full-fit-in/200x100/x.jpg"},
        {"/params/unsafe/meta/x.jpg", "params unsafe meta x.jpg", "meta/x.jpg"},
        {"/unsafe/debug/meta/8x8/x.jpg", "unsafe debug meta 8x8 x.jpg", "debug/meta/8x8/x.jpg"},
        {"/cST4Ko5_FqwT3BDn-Wf4gO3RFSk=/debug/x", "hash=cST4Ko5_FqwT3BDn-Wf4gO3RFSk= debug x", "debug/x"},
        {"/meta/debug/x.jpg", "meta debug/x.jpg", "meta/debug%2Fx.jpg"},
        {"/unsafe/debug%2Fx.jpg", "unsafe debug/x.jpg", "debug%2Fx.jpg"},
        {"/debug", "debug", "debug"},
        {"/meta/unsafe/x.jpg", "meta unsafe/x.jpg", "meta/unsafe/x.jpg"},
        {"/unsafe/meta/trim/10x11:12x13/fit-in/-300x-200/left/top/smart/filters:some_filter()/img",
         "unsafe meta trim+0 crop=10,11,12,13 fit -300x-200 h<v< smart some_filter[] img",
         "meta/trim/10x11:12x13/fit-in/-300x-200/left/top/smart/filters:some_filter()/img"},
        {"unsafe/trim:top-left:50/x", "unsafe trim+50 x", "trim:50/x"},
        {"unsafe/trim:bottom-right/x", "unsafe trim-0 x", "trim:bottom-right/x"},
        {"unsafe/trim:bottom-right:7/x", "unsafe trim-7 x", "trim:bottom-right:7/x"},
        {"unsafe/trim:7/x", "unsafe trim+7 x", "trim:7/x"},
        {"unsafe/trim:/x", "unsafe trim:/x", NULL},
        {"unsafe/trim:middle/x", "unsafe trim:middle/x", NULL},
        {"unsafe/trimmed/x", "unsafe trimmed/x", NULL},
        {"0.1x.2:1.0x0.75/x", "crop=0.1,0.2,1,0.75 x", "0.1x0.2:1x0.75/x"},
        {"1.5x0:2.0x1/x", "1.5x0:2.0x1/x", NULL},
        {"0.5x0:300x200/x", "crop=0.5,0,300,200 x", "0.5x0:300x200/x"},
        {"0x0:0x0/x", "x", "x"},
        {"300x/x", "300x0 x", "300x0/x"},
        {"x200/x", "0x200 x", "0x200/x"},
        {"x/y", "y", "y"},
        {"-x-/y", "-0x-0 y", "-0x-0/y"},
        {"fit-in/300x/x", "fit 300x0 x", "fit-in/300x0/x"},
        {"full-fit-in/x", "fit-f x", "full-fit-in/x"},
        {"adaptive-fit-in/stretch/x", "fit-a stretch x", "adaptive-fit-in/stretch/x"},
        {"unsafe/99999999999999999999x5/x", "unsafe 9223372036854775807x5 x", "9223372036854775807x5/x"},
        {"300x200/10x20/x", "300x200 pad=10,20,10,20 x", "300x200/10x20/x"},
        {"300x200/10x20:30x40/x", "300x200 pad=10,20,30,40 x", "300x200/10x20:30x40/x"},
        {"0x0/40x50/x", "pad=40,50,40,50 x", "0x0/40x50/x"},
        {"300x200/top/left/i.jpg", "300x200 hv< left/i.jpg", "300x200/top/left%2Fi.jpg"},
        {"300x200/center/middle/i.jpg", "300x200 h=v= i.jpg", "300x200/i.jpg"},
        {"300x200/right/bottom/smart/i.jpg", "300x200 h>v> smart i.jpg", "300x200/right/bottom/smart/i.jpg"},
        {"unsafe/300x200", "unsafe 300x200", NULL},
        {"%66it-in/300x200/x", "fit-in/300x200/x", NULL},
        {"unsafe/origx300/x", "unsafe o0x300 x", "origx300/x"},
        {"unsafe/-300x-orig/x", "unsafe -300x-o0 x", "-300x-orig/x"},
        {"un\r\nsafe/3\x0b"
         "00x\x0c"
         "200/\xc2\x85x\xe2\x80\xa8y\xe2\x80\xa9",
         "unsafe 300x200 xy", "300x200/xy"},
        {"a\xe2\x80z", "a\xe2\x80z", NULL},
        {"", "", ""},
        {"/", "", ""},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++)
        expect(table[i].path, NULL, table[i].told, table[i].canonical);
}

static void filters(void **state)
{
    static const struct {
        const char *path, *told;
    } table[] = {
        {"filters:a(b):c(d,e)/i", "a[b] c[d,e] i"},
        {"filters:a()/i", "a[] i"},
        {"filters:a(b):c/i", "a[b] i"},
        {"filters:c:a(b)/i", "[] a[b] i"},
        {"filters:a(b)c(d)/i", "c[d] i"},
        {"filters:a(b/i", "a[] "},
        {"filters:a(b))/c(d)/i", "a[b] "},
        {"filters:x()/filters:y()/i", "x[] filters:y()/i"},
        {"filters:image(/100x100/filters:blur(2)/o.png,10,10)/i",
         "image[/100x100/filters:blur(2)/o.png,10,10] i"},
        {"filters:w(http://h:80/a.png,1)/http://h:90/i", "w[http://h:80/a.png,1] http://h:90/i"},
        {"filters:label(a%2Cb,1)/i", "label[a%2Cb,1] i"},
        {"filters:/i", "i"},
        {"filters:", ""},
        {"filters:a()", "a[] "},
        {"filters:a()/", "a[] "},
        {"filters:fill(red)", "fill[red] "},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++)
        expect(table[i].path, NULL, table[i].told, NULL);
}

static void images(void **state)
{
    static const struct {
        const char *path, *told, *canonical;
    } table[] = {
        {"a%20b+c%2Bd", "a b c+d", "a b c+d"},
        {"100%.jpg", "100%.jpg", "100%.jpg"},
        {"b64:aHR0cDovL2gvYS5qcGc", "b64 http://h/a.jpg", "b64:aHR0cDovL2gvYS5qcGc"},
        {"b64:aHR0cDovL2gvYS5qcGc=", "b64 http://h/a.jpg", "b64:aHR0cDovL2gvYS5qcGc"},
        {"b64:aHR0cDovL2gvYS5qcGc/", "b64 http://h/a.jpg", "b64:aHR0cDovL2gvYS5qcGc"},
        {"b64:not*base64", "b64:not*base64", "b64:not*base64"},
        {"https%3A%2F%2Fh%2Fa.jpg%3Fx%3D1%2C2", "https://h/a.jpg?x=1,2", "https:%2F%2Fh%2Fa.jpg%3Fx=1%2C2"},
        {"a%28b%29", "a(b)", "a%28b%29"},
        {"top%2Fx", "top/x", "top%2Fx"},
        {"color:red", "color:red", "color:red"},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++)
        expect(table[i].path, NULL, table[i].told, table[i].canonical);
}

static void base_params(void **state)
{
    (void)state;
    expect("unsafe/300x200/left/filters:blur(2)/i.jpg", "filters:watermark(w.png,0,0)/",
           "unsafe 300x200 h<v blur[2] watermark[w.png,0,0] i.jpg",
           "300x200/left/filters:blur(2):watermark(w.png,0,0)/i.jpg");
    expect("unsafe/300x200/i.jpg", "fit-in/100x50/top/", "unsafe fit 100x50 hv< i.jpg",
           "fit-in/100x50/top/i.jpg");
    expect("-300x200/i.jpg", "100x/", "100x0 i.jpg", "100x0/i.jpg");
    expect("i.jpg", "trim:5/other.jpg", "trim+5 other.jpg", "trim:5/other.jpg");
}

static void words(void **state)
{
    static const struct {
        const char *text;
        int64_t n;
    } numbers[] = {{"5", 5},
                   {"-5", -5},
                   {"+5", 5},
                   {"", 0},
                   {"-", 0},
                   {"5a", 0},
                   {" 5", 0},
                   {"1.5", 0},
                   {"007", 7},
                   {"99999999999999999999", INT64_MAX},
                   {"-99999999999999999999", -INT64_MAX}};
    static const struct {
        const char *text;
        enum alb_thumbor_hue hue;
        uint32_t rgb;
    } colours[] = {
        {"red", ALB_THUMBOR_RGB, 0xff0000},
        {"Red", ALB_THUMBOR_RGB, 0xff0000},
        {"#0f0", ALB_THUMBOR_RGB, 0x00ff00},
        {"FFO", ALB_THUMBOR_RGB, 0xffff00},
        {"123456", ALB_THUMBOR_RGB, 0x123456},
        {"12345678", ALB_THUMBOR_RGB, 0x123456},
        {"nonsense!", ALB_THUMBOR_RGB, 0},
        {"", ALB_THUMBOR_RGB, 0},
        {"auto", ALB_THUMBOR_AUTO, 0},
        {"none", ALB_THUMBOR_CLEAR, 0},
        {"transparent", ALB_THUMBOR_CLEAR, 0},
        {"blur", ALB_THUMBOR_BLURRED, 0},
        {"blur,true", ALB_THUMBOR_BLURRED, 0},
        {"white,1", ALB_THUMBOR_RGB, 0xffffff},
        {"aliceblue", ALB_THUMBOR_RGB, 0xf0f8ff},
        {"yellowgreen", ALB_THUMBOR_RGB, 0x9acd32},
    };
    struct alb_thumbor_colour c;
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(numbers); i++) {
        if (alb_thumbor_int(alb_str_c(numbers[i].text)) != numbers[i].n)
            fail_msg("\"%s\" is not %lld", numbers[i].text, (long long)numbers[i].n);
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(colours); i++) {
        c = alb_thumbor_colour(alb_str_c(colours[i].text));
        if (c.hue != colours[i].hue || c.rgb != colours[i].rgb)
            fail_msg("\"%s\" is %d %06x", colours[i].text, (int)c.hue, c.rgb);
    }
    assert_true(alb_thumbor_colour_image(ALB_STR("COLOR:FF00007f"), &c));
    assert_int_equal(c.rgb, 0xff0000);
    assert_int_equal(c.alpha, 0x7f);
    assert_true(alb_thumbor_colour_image(ALB_STR("color:none"), &c));
    assert_int_equal(c.hue, ALB_THUMBOR_CLEAR);
    assert_false(alb_thumbor_colour_image(ALB_STR("color:"), &c));
    assert_false(alb_thumbor_colour_image(ALB_STR("color:nonsense!"), &c));
    assert_false(alb_thumbor_colour_image(ALB_STR("colour:red"), &c));
}

static void arguments(void **state)
{
    static const struct {
        const char *args, *told;
    } table[] = {{"", ""},         {"a", "a;"}, {"a,b", "a;b;"},           {"a,,b", "a;;b;"},
                 {"a,b,", "a;b;"}, {",", ";"},  {"f(a,b),c", "f(a,b);c;"}, {" a, b", " a; b;"},
                 {"a),b", "a),b;"}};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        struct alb_buf b = ALB_BUF_INIT(256);
        struct alb_str rest = alb_str_c(table[i].args), arg;
        while (alb_thumbor_next_arg(&rest, &arg))
            alb_buf_printf(&b, "%.*s;", ALB_STR_ARG(arg));
        if (!alb_str_eq_c(alb_buf_view(&b), table[i].told))
            fail_msg("\"%s\" is %s", table[i].args, alb_buf_cstr(&b));
        alb_buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(grammar), cmocka_unit_test(filters),
                                       cmocka_unit_test(images),  cmocka_unit_test(base_params),
                                       cmocka_unit_test(words),   cmocka_unit_test(arguments)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
