/* SPDX-License-Identifier: Apache-2.0
 *
 * The effects of thumbor's language and canvases with a ground, on pictures of few pixels: every kind of picture (grey
 * and colour, 8 and 16 bits, with and without alpha) goes through each, and the right pixels come out.
 */
#include "pixel_world.h"

static struct alb_plan_step filter_of(enum alb_effect_kind kind, double amount, double amount2)
{
    struct alb_plan_step s = {.kind = ALB_STEP_EFFECT};
    s.u.effect.kind = kind;
    s.u.effect.amount = amount;
    s.u.effect.amount2 = amount2;
    return s;
}

static void run(VipsImage **x, const struct alb_plan_step *s, struct alb_str data, const char *what)
{
    struct alb_err err = ALB_ERR_INIT;
    if (alb_step_effect(x, s, data, &err) != ALB_OK)
        fail_msg("%s: %s", what, err.msg);
    if (alb_step_hold(x, &err) != ALB_OK)
        fail_msg("%s: %s", what, err.msg);
}

static void expect(VipsImage *x, int left, int top, unsigned r, unsigned g, unsigned b, unsigned slack)
{
    const unsigned v[4] = {r, g, b, 255};
    if (pixels_differ(x, left, top, v, slack) >= 0)
        fail_msg("%d, %d: %u %u %u", left, top, pixels_at(x, left, top, 0),
                 x->Bands > 1 ? pixels_at(x, left, top, 1) : 0,
                 x->Bands > 2 ? pixels_at(x, left, top, 2) : 0);
}

static VipsImage *colour(int w, int h, unsigned r, unsigned g, unsigned b)
{
    const unsigned v[3] = {r, g, b};
    return pixels_flat(w, h, 3, false, v);
}

/* ---- what holds for all of them ---- */

static unsigned char curve[ALB_EFFECT_CURVE_LEN];

static const struct {
    const char *name;
    enum alb_effect_kind kind;
    double amount, amount2, v[6];
    int bands[4]; /* that come out of 1, 2, 3, 4 */
} all[] = {
    {"linear", ALB_EFFECT_LINEAR, 0, 0, {1, 1, 1, 5, 5, 5}, {3, 4, 3, 4}},
    {"grey", ALB_EFFECT_GREY, 0, 0, {0}, {1, 2, 1, 2}},
    {"modulate", ALB_EFFECT_MODULATE, 0, 0, {1.1, 1.2, 30}, {3, 4, 3, 4}},
    {"round", ALB_EFFECT_ROUND, 2, 3, {0}, {2, 2, 4, 4}},
    {"noise", ALB_EFFECT_NOISE, 20, 7, {0}, {1, 2, 3, 4}},
    {"equalize", ALB_EFFECT_EQUALIZE, 0, 0, {0}, {1, 2, 3, 4}},
    {"curve", ALB_EFFECT_CURVE, 0, 0, {0}, {3, 4, 3, 4}},
    {"convolve", ALB_EFFECT_CONVOLVE, 1, 0, {0}, {1, 2, 3, 4}},
};

static void test_every_picture(void **state)
{
    static const unsigned half[4] = {200, 120, 40, 128};
    unsigned char one[8];
    (void)state;
    alb_effect_weight_put(one, 0, 1);
    for (size_t i = 0; i < ALB_ARRAY_LEN(all) * 8; i++) {
        size_t n = i / 8;
        int bands = (int)(i % 4) + 1;
        bool wide = i % 8 > 3;
        unsigned v[4];
        char what[64];
        for (int b = 0; b < 4; b++)
            v[b] = half[b == bands - 1 && bands % 2 == 0 ? 3 : b] * (wide ? 257 : 1);
        snprintf(what, sizeof(what), "%s, %d bands%s", all[n].name, bands, wide ? ", 16 bits" : "");
        struct alb_plan_step s = filter_of(all[n].kind, all[n].amount, all[n].amount2);
        memcpy(s.u.effect.v, all[n].v, sizeof(s.u.effect.v));
        struct alb_str data = all[n].kind == ALB_EFFECT_CURVE ? alb_str_n((const char *)curve, sizeof(curve))
                              : all[n].kind == ALB_EFFECT_CONVOLVE ? alb_str_n((const char *)one, sizeof(one))
                                                                   : ALB_STR_NONE;
        VipsImage *x = pixels_flat(9, 7, bands, wide, v);
        run(&x, &s, data, what);
        pixels_check_kind(x, 9, 7, all[n].bands[bands - 1], wide, what);
        if (bands % 2 == 0 && all[n].kind != ALB_EFFECT_ROUND &&
            pixels_at(x, 4, 3, x->Bands - 1) != (wide ? 128u * 257 : 128))
            fail_msg("%s: transparency is %u", what, pixels_at(x, 4, 3, x->Bands - 1));
        g_object_unref(x);
    }
}

/* ---- one by one ---- */

static void test_linear(void **state)
{
    struct alb_plan_step s = filter_of(ALB_EFFECT_LINEAR, 0, 0);
    const double v[6] = {-1, 1, 2, 255, -30, 25.5};
    VipsImage *x = colour(2, 2, 100, 20, 200);
    (void)state;
    memcpy(s.u.effect.v, v, sizeof(v));
    run(&x, &s, ALB_STR_NONE, "linear");
    expect(x, 0, 0, 155, 0, 255, 0);
    g_object_unref(x);
}

static void test_grey_and_modulate(void **state)
{
    struct alb_plan_step s = filter_of(ALB_EFFECT_GREY, 0, 0);
    VipsImage *x = colour(2, 2, 255, 0, 0);
    (void)state;
    run(&x, &s, ALB_STR_NONE, "grey");
    assert_in_range(pixels_at(x, 0, 0, 0), 122, 128); /* 0.2126 of the light */
    g_object_unref(x);
    s = filter_of(ALB_EFFECT_MODULATE, 0, 0);
    s.u.effect.v[0] = 1; /* no chroma */
    x = colour(2, 2, 200, 100, 50);
    run(&x, &s, ALB_STR_NONE, "modulate");
    unsigned r = pixels_at(x, 0, 0, 0);
    expect(x, 0, 0, r, r, r, 1);
    assert_in_range(r, 115, 135);
    g_object_unref(x);
    s.u.effect.v[1] = 1;
    s.u.effect.v[2] = 120; /* red becomes green */
    x = colour(2, 2, 200, 50, 50);
    run(&x, &s, ALB_STR_NONE, "modulate");
    assert_true(pixels_at(x, 0, 0, 1) > pixels_at(x, 0, 0, 0) + 40);
    g_object_unref(x);
}

static void test_round(void **state)
{
    struct alb_plan_step s = filter_of(ALB_EFFECT_ROUND, 4, 4);
    VipsImage *x = colour(20, 12, 10, 20, 30);
    unsigned sum = 0;
    (void)state;
    run(&x, &s, ALB_STR_NONE, "round");
    assert_int_equal(pixels_at(x, 0, 0, 3), 0);
    assert_int_equal(pixels_at(x, 4, 0, 3), 255);
    assert_int_equal(pixels_at(x, 10, 6, 3), 255);
    for (int i = 0; i < 4; i++) { /* all four corners alike */
        for (int k = 0; k < 4; k++) {
            unsigned a = pixels_at(x, i, k, 3);
            sum += a;
            assert_int_equal(pixels_at(x, 19 - i, k, 3), a);
            assert_int_equal(pixels_at(x, i, 11 - k, 3), a);
            assert_int_equal(pixels_at(x, 19 - i, 11 - k, 3), a);
        }
    }
    assert_in_range(sum / 16, 255 * 774 / 1000, 255 * 796 / 1000); /* pi / 4 of the square */
    g_object_unref(x);
    s = filter_of(ALB_EFFECT_ROUND, 100, 100); /* at most half of the picture */
    x = colour(7, 5, 10, 20, 30);
    run(&x, &s, ALB_STR_NONE, "round");
    assert_int_equal(pixels_at(x, 3, 2, 3), 255);
    assert_true(pixels_at(x, 3, 0, 3) > 200);
    assert_true(pixels_at(x, 0, 0, 3) < 60);
    g_object_unref(x);
}

static void test_noise(void **state)
{
    struct alb_plan_step s = filter_of(ALB_EFFECT_NOISE, 20, 7);
    VipsImage *x = colour(40, 40, 100, 100, 250), *y = colour(40, 40, 100, 100, 250);
    unsigned least = 999, most = 0, sum = 0;
    (void)state;
    run(&x, &s, ALB_STR_NONE, "noise");
    run(&y, &s, ALB_STR_NONE, "noise");
    for (int i = 0; i < 1600; i++) {
        unsigned v = pixels_at(x, i % 40, i / 40, 0);
        assert_int_equal(pixels_at(y, i % 40, i / 40, 0), v);
        assert_int_equal(pixels_at(x, i % 40, i / 40, 1), v);
        least = v < least ? v : least;
        most = v > most ? v : most;
        sum += v;
    }
    assert_int_equal(least, 90);
    assert_int_equal(most, 109);
    assert_in_range(sum / 1600, 98, 101);
    g_object_unref(y);
    s.u.effect.amount2 = 8; /* another seed, other noise */
    y = colour(40, 40, 100, 100, 250);
    run(&y, &s, ALB_STR_NONE, "noise");
    int same = 0;
    for (int i = 0; i < 1600; i++)
        same += pixels_at(y, i % 40, i / 40, 0) == pixels_at(x, i % 40, i / 40, 0);
    assert_true(same < 300);
    g_object_unref(x);
    g_object_unref(y);
}

static void test_equalize(void **state)
{
    static const unsigned v[12] = {10, 0, 0, 20, 0, 0, 20, 0, 0, 30, 0, 0};
    struct alb_plan_step s = filter_of(ALB_EFFECT_EQUALIZE, 0, 0);
    VipsImage *x = pixels_of(4, 1, 3, false, v);
    (void)state;
    run(&x, &s, ALB_STR_NONE, "equalize");
    expect(x, 0, 0, 0, 0, 0, 0);
    expect(x, 1, 0, 170, 0, 0, 0); /* two of the three that are not the least */
    expect(x, 3, 0, 255, 0, 0, 0);
    g_object_unref(x);
}

static void test_curve_and_convolve(void **state)
{
    static const unsigned v[5] = {0, 0, 90, 0, 0};
    struct alb_plan_step s = filter_of(ALB_EFFECT_CURVE, 0, 0);
    unsigned char weights[24];
    VipsImage *x = colour(2, 2, 10, 20, 30);
    (void)state;
    run(&x, &s, alb_str_n((const char *)curve, sizeof(curve)), "curve");
    expect(x, 0, 0, 245, 20, 7, 0);
    g_object_unref(x);
    for (size_t i = 0; i < 3; i++)
        alb_effect_weight_put(weights, i, i == 1 ? 0.5 : 0.25);
    s = filter_of(ALB_EFFECT_CONVOLVE, 3, 0);
    x = pixels_of(5, 1, 1, false, v);
    run(&x, &s, alb_str_n((const char *)weights, sizeof(weights)), "convolve");
    assert_int_equal(pixels_at(x, 0, 0, 0), 0);
    assert_int_equal(pixels_at(x, 1, 0, 0), 22);
    assert_int_equal(pixels_at(x, 2, 0, 0), 45);
    assert_int_equal(pixels_at(x, 3, 0, 0), 22);
    g_object_unref(x);
}

static void test_whole_blocks(void **state)
{
    static const unsigned v[15] = {10, 20, 30, 40, 99, 10, 20, 30, 40, 99, 20, 30, 50, 60, 99};
    struct alb_plan_step s = filter_of(ALB_EFFECT_PIXELATE, 2, 0);
    VipsImage *x = pixels_of(5, 3, 1, false, v);
    (void)state;
    s.u.effect.keep = true;
    s.width = 4; /* 5 x 3 in blocks of two, as libvips' shrink has it */
    s.height = 4;
    run(&x, &s, ALB_STR_NONE, "blocks");
    pixels_check_kind(x, 4, 4, 1, false, "blocks");
    assert_int_equal(pixels_at(x, 0, 0, 0), 15);
    assert_int_equal(pixels_at(x, 3, 1, 0), 35);
    assert_int_equal(pixels_at(x, 1, 2, 0), 25); /* the last line once more */
    g_object_unref(x);
}

/* ---- grounds ---- */

static VipsImage *on(VipsImage *x, int w, int h, uint32_t left, uint32_t top, enum alb_ground ground,
                     uint32_t rgb)
{
    struct alb_plan_step s = {.kind = ALB_STEP_CANVAS, .width = (uint32_t)w, .height = (uint32_t)h};
    struct alb_err err = ALB_ERR_INIT;
    s.u.canvas.left = left;
    s.u.canvas.top = top;
    s.u.canvas.ground = ground;
    s.u.canvas.rgb = rgb;
    s.u.canvas.sigma = ground == ALB_GROUND_BLUR ? 50 : 0;
    if (alb_step_canvas(&x, &s, &err) != ALB_OK || alb_step_hold(&x, &err) != ALB_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(x->Xsize, w);
    assert_int_equal(x->Ysize, h);
    return x;
}

static void test_grounds(void **state)
{
    static const unsigned clear[4] = {200, 100, 0, 0}, half[4] = {200, 100, 0, 128}, grey[2] = {80, 255},
                          wide[3] = {257, 514, 771};
    (void)state;
    VipsImage *x = on(colour(2, 2, 1, 2, 3), 6, 4, 1, 2, ALB_GROUND_COLOR, 0x102030);
    pixels_check_kind(x, 6, 4, 3, false, "colour");
    expect(x, 0, 0, 16, 32, 48, 0);
    expect(x, 1, 2, 1, 2, 3, 0);
    g_object_unref(x);
    x = on(pixels_flat(2, 2, 4, false, clear), 4, 4, 1, 1, ALB_GROUND_COLOR, 0x102030);
    pixels_check_kind(x, 4, 4, 3, false, "colour");
    expect(x, 1, 1, 16, 32, 48, 0);
    g_object_unref(x);
    x = on(pixels_flat(2, 2, 2, false, grey), 4, 4, 1, 1, ALB_GROUND_COLOR, 0xff0000);
    pixels_check_kind(x, 4, 4, 3, false, "grey");
    expect(x, 1, 1, 80, 80, 80, 1);
    expect(x, 0, 0, 255, 0, 0, 0);
    g_object_unref(x);
    x = on(pixels_flat(2, 2, 3, true, wide), 4, 4, 1, 1, ALB_GROUND_COLOR, 0xff0000);
    pixels_check_kind(x, 4, 4, 3, true, "16 bits");
    expect(x, 0, 0, 65535, 0, 0, 0);
    g_object_unref(x);
    x = on(colour(2, 2, 40, 60, 80), 4, 4, 1, 1, ALB_GROUND_MEAN, 0);
    expect(x, 0, 0, 40, 60, 80, 0);
    g_object_unref(x);
    x = on(pixels_flat(2, 2, 4, false, half), 4, 4, 1, 1, ALB_GROUND_MEAN, 0); /* over white */
    expect(x, 0, 0, 227, 177, 127, 1);
    g_object_unref(x);
    x = on(colour(4, 4, 40, 60, 80), 8, 6, 2, 1, ALB_GROUND_BLUR, 0);
    pixels_check_kind(x, 8, 6, 3, false, "blur");
    expect(x, 0, 0, 40, 60, 80, 1);
    expect(x, 3, 3, 40, 60, 80, 1);
    g_object_unref(x);
    x = on(pixels_flat(2, 2, 4, false, half), 4, 4, 1, 1, ALB_GROUND_BLUR, 0);
    pixels_check_kind(x, 4, 4, 4, false, "blur with alpha");
    assert_in_range(pixels_at(x, 0, 0, 3), 126, 130);
    assert_in_range(pixels_at(x, 1, 1, 3), 188, 194); /* both, one over the other */
    g_object_unref(x);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_picture),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_grey_and_modulate),
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_equalize),
        cmocka_unit_test(test_whole_blocks),
        cmocka_unit_test(test_grounds),
        cmocka_unit_test(test_curve_and_convolve),
    };
    (void)argc;
    for (int i = 0; i < 256; i++) { /* upside down, as it is, a quarter */
        curve[i] = (unsigned char)(255 - i);
        curve[256 + i] = (unsigned char)i;
        curve[512 + i] = (unsigned char)(i / 4);
    }
    if (!pixels_begin(argv[0]))
        return 1;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    vips_shutdown();
    return rc;
}
