/* SPDX-License-Identifier: Apache-2.0
 *
 * Filters of thumbor's language as typed values: numbers that are coerced, what does nothing, what is set wherever it
 * stands, curves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "doors/thumbor/filters.h"

static struct alb_arena *arena;
static struct alb_thumbor_filters f;

static enum alb_code try_read_to(const char *text, struct alb_err *err)
{
    static const struct alb_thumbor_rules none;
    struct alb_thumbor_url u = {0};
    alb_arena_free(&arena);
    arena = alb_arena_new((size_t)4 << 20);
    struct alb_str path = alb_arena_printf(arena, "unsafe/filters:%s/i", text);
    assert_true(alb_thumbor_url_apply(&u, arena, path));
    return alb_thumbor_filters_read(&none, &u, arena, &f, err);
}

static void read(const char *text)
{
    struct alb_err err = ALB_ERR_INIT;
    if (try_read_to(text, &err) != ALB_OK)
        fail_msg("%s: %s", text, err.msg);
}

static enum alb_code try_read(const char *text)
{
    struct alb_err err = ALB_ERR_INIT;
    return try_read_to(text, &err);
}

static void ops(void **state)
{
    static const struct {
        const char *text, *told; /* kind: v[0..2] | n | colour */
    } table[] = {
        {"blur(4)", "3: 2 0 0"},
        {"blur(4,3)", "3: 3 0 0"},
        {"blur(x)", ""},
        {"blur(1,2,3)", ""},
        {"sharpen()", "4: 1 0 0"},
        {"sharpen(1,2,true)", "4: 5 0 0"},
        {"sharpen(-1)", ""},
        {"brightness(10)", "5: 1 1 1 25.5 25.5 25.5"},
        {"brightness()", ""},
        {"contrast(0)", "5: 1 1 1 0 0 0"},
        {"rgb(10,20,30)", "5: 1 1 1 25.5 51 76.5"},
        {"rgb(10,20)", ""},
        {"invert()", "5: -1 -1 -1 255 255 255"},
        {"colorize(0,50,100,ff8000)", "5: 1 0.5 0 0 64 0"},
        {"grayscale()", "6: 0 0 0"},
        {"hue(290)", "7: 1 1 290"},
        {"saturation(-100)", "7: 1 0 0"},
        {"modulate(-10,30,20)", "7: 0.9 1.3 20"},
        {"rotate(90)", "8: 90"},
        {"rotate(45)", ""},
        {"proportion(0.0000000001)", "9: 1e-10 0 0"},
        {"proportion(9999)", "9: 1 0 0"},
        {"proportion(10)", "9: 0.1 0 0"},
        {"crop(1,2,3,0)", ""},
        {"crop(-1,2,3,4)", "10: 0 2 3"},
        {"trim(50,bottom-right)", "11: 50 last"},
        {"pixelate(-3)", "12: 10"},
        {"pixelate(1)", ""},
        {"round_corner(7)", "13: 7 7 0"},
        {"round_corner(7,8)", "13: 7 8 0"},
        {"round_corner(7,8,red)", "13: 7 8 0 last ff0000"},
        {"round_corner(7,1,2,3)", "13: 7 7 0 last 010203"},
        {"round_corner(7%7C8,1,2,3,true)", "13: 7 8 0"},
        {"noise(5,6)", "14: 5 6"},
        {"equalize()", "15: 0 0 0"},
        {"padding(red,1)", "2: 1 1 1 1 ff0000"},
        {"padding(red,1,2,3)", "2: 1 2 1 2 ff0000"},
        {"padding(red,1,2,3,4)", "2: 1 2 3 4 ff0000"},
        {"padding(red)", ""},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        struct alb_buf b = ALB_BUF_INIT(512);
        read(table[i].text);
        for (size_t n = 0; n < f.count; n++) {
            const struct alb_thumbor_op *op = &f.ops[n];
            bool integers = op->n[0] != 0 || op->n[1] != 0;
            alb_buf_printf(&b, "%d:", (int)op->kind);
            for (int k = 0; !integers && k < (op->kind == ALB_THUMBOR_LINEAR ? 6 : 3); k++)
                alb_buf_printf(&b, " %.4g", op->v[k]);
            for (int k = 0; integers && k < 4; k++) {
                if (op->n[k] != 0)
                    alb_buf_printf(&b, " %lld", (long long)op->n[k]);
            }
            if (op->last)
                alb_buf_c(&b, " last");
            if (op->colour.rgb != 0)
                alb_buf_printf(&b, " %06x", op->colour.rgb);
        }
        if (!alb_str_eq_c(alb_buf_view(&b), table[i].told))
            fail_msg("%s is %s", table[i].text, alb_buf_cstr(&b));
        alb_buf_fini(&b);
    }
}

static void settings(void **state)
{
    (void)state;
    read("format(webp):quality(40):format(x):quality():upscale():no_upscale():max_age(60):expire(5):page(3):"
         "page(0)");
    assert_int_equal(f.format, ALB_THUMBOR_WEBP);
    assert_int_equal(f.quality, 0); /* the last one wins */
    assert_true(f.no_upscale && !f.upscale && f.has_max_age && f.has_expire);
    assert_int_equal(f.max_age, 60);
    assert_int_equal(f.expire, 5);
    assert_int_equal(f.page, 3);
    assert_int_equal(f.count, 0);
    read("focal(0.1x0.2:0.3x0.4):focal(5,6):focal(1x2x3):focal(0.9x0:0.1x1):attachment(a%20b.png):label("
         "x)");
    assert_int_equal(f.focuses, 2);
    assert_true(f.focus[0].fractions && !f.focus[0].point);
    assert_true(!f.focus[1].fractions && f.focus[1].point);
    assert_true(f.attachment && alb_str_eq_c(f.name, "a b.png"));
    assert_int_equal(f.count, 1); /* the label */
    read("to_colorspace():draw_detections():redact(blur):dpi(150):dpi(-1)");
    assert_true(alb_str_eq_c(f.colorspace, "srgb"));
    assert_int_equal(f.count, 0);
    assert_int_equal(f.dpi, 150);
}

static const struct alb_thumbor_op *only(const char *args)
{
    read(args);
    if (f.count != 1)
        fail_msg("%s: %zu filters", args, f.count);
    return &f.ops[0];
}

static void overlays(void **state)
{
    (void)state;
    const struct alb_thumbor_op *op =
        only("image(300x200/filters:fill(red):blur(1,2)/a%2520b.png,10p,-0.5,25,Color-Burn)");
    assert_int_equal(op->kind, ALB_THUMBOR_IMAGE);
    assert_true(alb_str_eq_c(op->data, "300x200/filters:fill(red):blur(1,2)/a%20b.png"));
    assert_true(op->at[0].part && op->at[1].part && op->at[1].value < -0.49);
    assert_true(op->v[0] > 0.749 && op->v[0] < 0.751);
    assert_int_equal(op->blend, ALB_THUMBOR_COLOR_BURN);
    assert_int_equal(only("image(a,1,2,3,no-such-mode)")->blend, ALB_THUMBOR_NORMAL);
    assert_int_equal(only("image(a)")->at[0].from, ALB_THUMBOR_START);
    op = only("label(b64:SGVsbG8sIHdvcmxk,center,bottom-3,40,ff0000,50,serif-bold)");
    assert_int_equal(op->kind, ALB_THUMBOR_TEXT);
    assert_true(alb_str_eq_c(op->data, "Hello, world"));
    assert_int_equal(op->colour.rgb, 0xff0000);
    assert_int_equal(op->text->label, 40);
    assert_true(alb_str_eq_c(op->text->font, "serif bold"));
    op = only("text(a+b,0,0,mono-bold-18,,0,multiply,80p,right,1,word_char,5,144)");
    assert_true(alb_str_eq_c(op->data, "a b") && alb_str_eq_c(op->text->font, "mono bold 18"));
    assert_true(op->text->share > 0.799 && op->text->share < 0.801 && op->text->justify &&
                op->text->label == 0);
    assert_int_equal(op->text->align, ALB_THUMBOR_HIGH);
    assert_int_equal(op->text->wrap, ALB_THUMBOR_WORD_CHAR);
    assert_int_equal(op->text->spacing, 5);
    assert_int_equal(op->text->dpi, 144);
    assert_int_equal(op->blend, ALB_THUMBOR_MULTIPLY);
    op = only("text(x,,,,,,,full-20)");
    assert_true(op->text->share > 0.99 && op->text->more == -20 && alb_str_eq_c(op->text->font, "sans 20"));
    assert_int_equal(only("text(x,,,,,,,300)")->text->more, 300);
    assert_int_equal(only("frame(a.png)")->kind, ALB_THUMBOR_FRAME);
    assert_int_equal(only("red_eye()")->kind, ALB_THUMBOR_RED_EYE);
    read("label():label(+):text(%20%0A):image():frame():label(x,0,0,0)");
    assert_int_equal(f.count, 0);
}

/* Of what cannot be shown something is said. */
static void wrong_texts(void **state)
{
    static const char *const wrong[] = {"label(%ff)", "text(a%00b)", "text(x,0,0,sans-2001)",
                                        "label(x,0,0,2001)", "label(x,0,0,20,red,0,%fe)"};
    char many[1100 + 8] = "text(";
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(wrong); i++)
        assert_int_equal(try_read(wrong[i]), ALB_E_INVALID);
    memset(many + 5, 'x', 1025);
    memcpy(many + 5 + 1025, ")", 2);
    assert_int_equal(try_read(many), ALB_E_INVALID);
    memcpy(many + 5 + 1024, ")", 2);
    assert_int_equal(try_read(many), ALB_OK);
}

static void curves(void **state)
{
    (void)state;
    read("curve([],[(0,0),(255,255)],[(0,255),(255,0)],[(100,50)])");
    assert_int_equal(f.count, 1);
    const unsigned char *t = (const unsigned char *)f.ops[0].data.p;
    assert_int_equal(f.ops[0].data.n, 768);
    for (int i = 0; i < 256; i++) {
        assert_int_equal(t[i], i);
        assert_int_equal(t[256 + i], 255 - i);
        assert_int_equal(t[512 + i], 50);
    }
    read("curve([(0,0),(128,200),(255,255)],[],[],[])"); /* goes through its points, smoothly */
    t = (const unsigned char *)f.ops[0].data.p;
    assert_int_equal(t[0], 0);
    assert_int_equal(t[128], 200);
    assert_int_equal(t[255], 255);
    for (int i = 1; i < 256; i++)
        assert_in_range(t[i] - t[i - 1] + 2, 1, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ops), cmocka_unit_test(settings),
                                       cmocka_unit_test(overlays), cmocka_unit_test(wrong_texts),
                                       cmocka_unit_test(curves)};
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    alb_arena_free(&arena);
    return rc;
}
