/* SPDX-License-Identifier: Apache-2.0
 *
 * Effects, canvas, ground, smart crop and trim on pictures of few pixels: every kind of picture (grey and colour, 8 and
 * 16 bits, with and without alpha) goes through every step, keeps its kind where it can, and has the right pixels.
 */
#include "pixel_world.h"
#include "plan_simple.h"

static const struct alb_rect all = {0, 0, 0, 0};

static struct alb_plan_step effect_of(enum alb_effect_kind kind, double amount, struct alb_rect area)
{
    struct alb_plan_step s = {.kind = ALB_STEP_EFFECT};
    s.u.effect.kind = kind;
    s.u.effect.amount = amount;
    s.u.effect.amount2 = kind == ALB_EFFECT_UNSHARP ? 24 : 0;
    s.u.effect.stop = 1;
    s.u.effect.area = area;
    return s;
}

static void run(VipsImage **x, const struct alb_plan_step *s, const char *what)
{
    struct alb_err err = ALB_ERR_INIT;
    if (alb_step_effect(x, s, ALB_STR_NONE, &err) != ALB_OK)
        fail_msg("%s: %s", what, err.msg);
    if (alb_step_hold(x, &err) != ALB_OK)
        fail_msg("%s: %s", what, err.msg);
}

/* ---- what holds for all of them ---- */

static const struct {
    const char *name;
    enum alb_effect_kind kind;
    double amount;
    struct alb_rect area; /* within a picture of 3 x 5; of others: everywhere */
    bool keeps;           /* a flat opaque picture stays as it is */
} effects[] = {
    {"blur", ALB_EFFECT_BLUR, 2, {0, 0, 0, 0}, true},
    {"blur of a part", ALB_EFFECT_BLUR, 2, {1, 1, 2, 3}, true},
    {"blur of a corner", ALB_EFFECT_BLUR, 0.5, {2, 4, 1, 1}, true},
    {"wide blur", ALB_EFFECT_BLUR, 90, {0, 0, 0, 0}, true},
    {"hardly a blur", ALB_EFFECT_BLUR, 0.01, {0, 0, 0, 0}, true},
    {"sharpen", ALB_EFFECT_SHARPEN, 1, {0, 0, 0, 0}, true},
    {"sharpen much", ALB_EFFECT_SHARPEN, 10, {0, 0, 0, 0}, true},
    {"unsharp", ALB_EFFECT_UNSHARP, 1, {0, 0, 0, 0}, true},
    {"pixelate", ALB_EFFECT_PIXELATE, 2, {0, 0, 0, 0}, true},
    {"pixelate a part", ALB_EFFECT_PIXELATE, 2, {0, 1, 3, 3}, true},
    {"pixelate all", ALB_EFFECT_PIXELATE, 100, {0, 0, 0, 0}, true},
    {"brightness", ALB_EFFECT_BRIGHTNESS, 10, {0, 0, 0, 0}, false},
    {"contrast", ALB_EFFECT_CONTRAST, 1.5, {0, 0, 0, 0}, false},
    {"saturation", ALB_EFFECT_SATURATION, 1, {0, 0, 0, 0}, true},
    {"monochrome", ALB_EFFECT_MONOCHROME, 0.5, {0, 0, 0, 0}, false},
    {"duotone", ALB_EFFECT_DUOTONE, 0.5, {0, 0, 0, 0}, false},
    {"colorize", ALB_EFFECT_COLORIZE, 0.5, {0, 0, 0, 0}, false},
    {"gradient", ALB_EFFECT_GRADIENT, 0.5, {0, 0, 0, 0}, false},
    {"blur that grows", ALB_EFFECT_BLUR_RAMP, 4, {0, 0, 0, 0}, true},
    {"wide blur that grows", ALB_EFFECT_BLUR_RAMP, 90, {0, 0, 0, 0}, true},
};

static void flat(size_t i, int w, int h, int bands, bool wide)
{
    static const unsigned grey[4] = {120, 255, 120, 255}, colour[4] = {200, 120, 40, 255};
    unsigned v[4];
    for (int b = 0; b < 4; b++)
        v[b] = (bands < 3 ? grey[b] : colour[b]) * (wide ? 257 : 1);
    char what[100];
    snprintf(what, sizeof(what), "%s, %d x %d, %d bands%s", effects[i].name, w, h, bands,
             wide ? ", 16 bits" : "");
    bool part = w == 3 && h == 5;
    struct alb_plan_step s = effect_of(effects[i].kind, effects[i].amount, part ? effects[i].area : all);
    VipsImage *x = pixels_flat(w, h, bands, wide, v);
    run(&x, &s, what);
    pixels_check_kind(x, w, h, bands, wide, what);
    if (effects[i].keeps) /* sharpening goes through Lab and may round */
        pixels_check_flat(x, v, effects[i].kind != ALB_EFFECT_SHARPEN ? 0 : wide ? 257 : 1, what);
    g_object_unref(x);
}

static void test_every_picture(void **state)
{
    static const int sizes[][2] = {{1, 1}, {3, 5}, {1, 7}, {9, 1}, {16, 16}};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(effects); i++) {
        for (size_t k = 0; k < ALB_ARRAY_LEN(sizes); k++) {
            for (int bands = 1; bands <= 4; bands++) {
                flat(i, sizes[k][0], sizes[k][1], bands, false);
                flat(i, sizes[k][0], sizes[k][1], bands, true);
            }
        }
    }
}

/* Green, and to its left nothing, under which lies a colour. */
static VipsImage *beside_hidden(unsigned hidden, bool wide)
{
    VipsImage *x = pixels_new(6, 6, 4, wide);
    unsigned k = wide ? 257 : 1;
    for (size_t p = 0; p < 36; p++) {
        bool left = p % 6 < 3;
        pixels_set(x, 4 * p, left ? hidden * k : 0);
        pixels_set(x, 4 * p + 1, left ? 0 : 255 * k);
        pixels_set(x, 4 * p + 2, 0);
        pixels_set(x, 4 * p + 3, left ? 0 : 255 * k);
    }
    return x;
}

/* The colour of what is transparent makes no difference. */
static void test_nothing_bleeds(void **state)
{
    static const enum alb_effect_kind kinds[] = {ALB_EFFECT_BLUR, ALB_EFFECT_SHARPEN, ALB_EFFECT_UNSHARP,
                                                 ALB_EFFECT_PIXELATE};
    (void)state;
    for (size_t i = 0; i < 2 * ALB_ARRAY_LEN(kinds); i++) {
        bool wide = (i & 1) != 0;
        VipsImage *red = beside_hidden(255, wide), *black = beside_hidden(0, wide);
        struct alb_plan_step s = effect_of(kinds[i / 2], kinds[i / 2] == ALB_EFFECT_PIXELATE ? 4 : 1, all);
        run(&red, &s, "red");
        run(&black, &s, "black");
        pixels_check_kind(red, 6, 6, 4, wide, "bleed");
        assert_true(pixels_at(red, 3, 3, 3) > 0);
        for (int j = 0; j < 36; j++) {
            unsigned v[4];
            for (int b = 0; b < 4; b++)
                v[b] = pixels_at(black, j % 6, j / 6, b);
            pixels_check(red, j % 6, j / 6, v, 0, "bleed");
        }
        g_object_unref(red);
        g_object_unref(black);
    }
}

/* ---- each one's pixels ---- */

static void test_blur(void **state)
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) { /* one white pixel spreads evenly and is not lost */
        VipsImage *x = pixels_new(15, 15, 1, wide != 0);
        unsigned k = wide ? 257 : 1, sum = 0;
        pixels_set(x, 7 * 15 + 7, 255 * k);
        struct alb_plan_step s = effect_of(ALB_EFFECT_BLUR, 1, all);
        run(&x, &s, "blur");
        for (int j = 0; j < 15; j++)
            for (int i = 0; i < 15; i++)
                sum += pixels_at(x, i, j, 0);
        assert_in_range(sum / k, 235, 275);
        assert_in_range(pixels_at(x, 7, 7, 0) / k, 38,
                        56); /* 255 / (2 pi), and more where the tails are cut off */
        assert_int_equal(pixels_at(x, 6, 7, 0), pixels_at(x, 8, 7, 0));
        assert_int_equal(pixels_at(x, 7, 6, 0), pixels_at(x, 7, 8, 0));
        assert_true(pixels_at(x, 7, 6, 0) < pixels_at(x, 7, 7, 0));
        g_object_unref(x);
    }
}

/* A part that is blurred looks as that part of the blurred whole, and nothing else changes. */
static void test_blur_area(void **state)
{
    struct alb_rect area = {4, 5, 7, 6};
    (void)state;
    for (int bands = 1; bands <= 4; bands++) {
        VipsImage *x = pixels_new(20, 18, bands, false), *whole, *part;
        for (size_t i = 0; i < (size_t)(20 * 18 * bands); i++)
            pixels_set(x, i, (unsigned)((i * 7919 + i / 13 * 104729) % 256));
        whole = vips_image_copy_memory(x);
        part = vips_image_copy_memory(x);
        struct alb_plan_step s = effect_of(ALB_EFFECT_BLUR, 1.5, all),
                             a = effect_of(ALB_EFFECT_BLUR, 1.5, area);
        run(&whole, &s, "whole");
        run(&part, &a, "part");
        for (int j = 0; j < 18; j++) {
            for (int i = 0; i < 20; i++) {
                bool in = i >= 4 && i < 11 && j >= 5 && j < 11;
                unsigned v[4];
                for (int b = 0; b < bands; b++)
                    v[b] = pixels_at(in ? whole : x, i, j, b);
                pixels_check(part, i, j, v, 0, in ? "inside" : "outside");
            }
        }
        g_object_unref(x);
        g_object_unref(whole);
        g_object_unref(part);
    }
}

/* 3 x 3 of weight -1 around 24 + 8, divided by 24. */
static void test_unsharp(void **state)
{
    static const unsigned in[9] = {100, 100, 100, 100, 124, 100, 100, 100, 100};
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        unsigned v[9], k = wide ? 257 : 1;
        for (int i = 0; i < 9; i++)
            v[i] = in[i] * k;
        VipsImage *x = pixels_of(3, 3, 1, wide != 0, v);
        struct alb_plan_step s = effect_of(ALB_EFFECT_UNSHARP, 1, all);
        run(&x, &s, "unsharp");
        pixels_check(x, 1, 1, &(unsigned){(unsigned)(132 * k)}, k, "middle"); /* 124 + 8 * 24 / 24 */
        pixels_check(x, 0, 1, &(unsigned){(unsigned)(99 * k)}, k, "beside");
        g_object_unref(x);
    }
}

/* Asked for only where a picture is made smaller, it is no step elsewhere: same size, larger, or only cut. */
static void test_unsharp_only_if_smaller(void **state)
{
    static const struct {
        uint32_t width, height;
        enum alb_fit fit;
        bool enlarge, sharpens;
    } cases[] = {{50, 0, ALB_FIT_INSIDE, false, true},   {100, 0, ALB_FIT_INSIDE, false, false},
                 {0, 0, ALB_FIT_INSIDE, false, false},   {200, 0, ALB_FIT_INSIDE, true, false},
                 {200, 0, ALB_FIT_INSIDE, false, false}, {60, 80, ALB_FIT_COVER, false, false}};
    (void)state;
    for (size_t i = 0; i < 2 * ALB_ARRAY_LEN(cases); i++) {
        static struct alb_plan plan;
        struct alb_image_header h = {.type = ALB_TYPE_JPEG,
                                     .width = 100,
                                     .height = 80,
                                     .orientation = 1,
                                     .pages = 1,
                                     .bits = 8,
                                     .bytes = 1000};
        struct alb_effect e = {.kind = ALB_EFFECT_UNSHARP, .amount = 1, .amount2 = 24, .keep = (i & 1) == 0};
        struct alb_plan_options o;
        struct alb_plan_limits l;
        struct alb_err err = ALB_ERR_INIT;
        alb_plan_options_init(&o);
        alb_plan_limits_default(&l);
        o.width = cases[i / 2].width;
        o.height = cases[i / 2].height;
        o.fit = cases[i / 2].fit;
        o.enlarge = cases[i / 2].enlarge;
        o.effects = &e;
        o.effect_count = 1;
        if (plan_make(&h, &o, &l, &plan, &err) != ALB_OK)
            fail_msg("%s", err.msg);
        unsigned steps = 0;
        for (uint32_t k = 0; k < plan.count; k++)
            steps += plan.steps[k].kind == ALB_STEP_EFFECT;
        if ((steps == 1) != (cases[i / 2].sharpens || !e.keep))
            fail_msg("case %zu: %u effects", i, steps);
    }
}

static void test_sharpen(void **state)
{
    (void)state;
    for (int bands = 1; bands <= 4; bands++) { /* an edge becomes steeper, alpha stays */
        VipsImage *x = pixels_new(16, 3, bands, false);
        for (size_t i = 0; i < 48; i++)
            for (int b = 0; b < bands; b++)
                pixels_set(x, i * (size_t)bands + (size_t)b,
                           (bands & 1) == 0 && b == bands - 1 ? 255
                           : i % 16 < 8                       ? 80
                                                              : 160);
        struct alb_plan_step s = effect_of(ALB_EFFECT_SHARPEN, 2, all);
        run(&x, &s, "sharpen");
        pixels_check_kind(x, 16, 3, bands, false, "sharpen");
        assert_true(pixels_at(x, 7, 1, 0) < 78);
        assert_true(pixels_at(x, 8, 1, 0) > 162);
        assert_in_range(pixels_at(x, 0, 1, 0), 79, 81);
        if ((bands & 1) == 0)
            assert_int_equal(pixels_at(x, 8, 1, bands - 1), 255);
        g_object_unref(x);
    }
}

/* Blocks of 2 x 2; the last column is mirrored: its block is the mean of itself twice. */
static void test_pixelate(void **state)
{
    static const unsigned in[15] = {0, 100, 10, 20, 50, 100, 200, 30, 40, 70, 8, 12, 4, 0, 90};
    static const unsigned out[15] = {100, 100, 25, 25, 60, 100, 100, 25, 25, 60, 10, 10, 2, 2, 90};
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        unsigned v[15], w[15], k = wide ? 257 : 1;
        for (int i = 0; i < 15; i++) {
            v[i] = in[i] * k;
            w[i] = out[i] * k;
        }
        VipsImage *x = pixels_of(5, 3, 1, wide != 0, v);
        struct alb_plan_step s = effect_of(ALB_EFFECT_PIXELATE, 2, all);
        run(&x, &s, "pixelate");
        for (int i = 0; i < 15; i++)
            pixels_check(x, i % 5, i / 5, &w[i], 1, "pixelate");
        g_object_unref(x);
    }
}

/* A grey picture becomes a coloured one only if the effect has colours. */
static void test_colours_on_grey(void **state)
{
    static const unsigned grey[2] = {100, 255};
    (void)state;
    for (int bands = 1; bands <= 2; bands++) {
        for (int wide = 0; wide < 2; wide++) {
            unsigned v[2] = {grey[0] * (wide ? 257 : 1), grey[1] * (wide ? 257 : 1)};
            VipsImage *x = pixels_flat(2, 2, bands, wide != 0, v);
            struct alb_plan_step s = effect_of(ALB_EFFECT_COLORIZE, 0.5, all);
            s.u.effect.rgb = 0xff0000;
            run(&x, &s, "colorize");
            pixels_check_kind(x, 2, 2, bands + 2, wide != 0, "colorize");
            unsigned want[4] = {178, 50, 50, 255};
            for (int i = 0; i < 4; i++)
                want[i] *= wide ? 257 : 1;
            pixels_check_flat(x, want, wide ? 257 : 0, "colorize");
            g_object_unref(x);
        }
    }
}

/* The picture that an effect is given may be seen by others: it must not change under them. */
static void test_not_in_place(void **state)
{
    static const unsigned v[3] = {10, 20, 30};
    VipsImage *x = pixels_flat(4, 4, 3, false, v), *same = g_object_ref(x);
    (void)state;
    struct alb_plan_step s = effect_of(ALB_EFFECT_BRIGHTNESS, 100, all);
    run(&x, &s, "brightness");
    pixels_check_flat(same, v, 0, "before");
    pixels_check_flat(x, (const unsigned[]){110, 120, 130}, 0, "after");
    g_object_unref(same);
    g_object_unref(x);
}

static void test_refused(void **state)
{
    VipsImage *x = pixels_new(2, 2, 3, false), *f = NULL;
    struct alb_err err = ALB_ERR_INIT;
    (void)state;
    struct alb_plan_step s = effect_of(ALB_EFFECT_WATERMARK, 1, all);
    VipsImage *y = g_object_ref(x);
    assert_int_equal(alb_step_effect(&y, &s, ALB_STR_NONE, &err), ALB_E_INVALID);
    assert_null(y);
    s = effect_of(ALB_EFFECT_BLUR, 1, all);
    assert_int_equal(vips_cast(x, &f, VIPS_FORMAT_FLOAT, NULL), 0);
    assert_int_equal(alb_step_effect(&f, &s, ALB_STR_NONE, &err), ALB_E_INVALID);
    assert_null(f);
    g_object_unref(x);
}

/* ---- canvas and ground ---- */

static void test_canvas(void **state)
{
    static const unsigned v[4] = {10, 20, 30, 40};
    (void)state;
    for (int bands = 1; bands <= 4; bands++) {
        for (int wide = 0; wide < 2; wide++) {
            struct alb_err err = ALB_ERR_INIT;
            VipsImage *x = pixels_flat(2, 1, bands, wide != 0, v);
            struct alb_plan_step s = {.kind = ALB_STEP_CANVAS, .width = 5, .height = 3};
            s.u.canvas.left = 1;
            s.u.canvas.top = 2;
            assert_int_equal(alb_step_canvas(&x, &s, &err), ALB_OK);
            int now = (bands & 1) ? bands + 1 : bands;
            pixels_check_kind(x, 5, 3, now, wide != 0, "canvas");
            unsigned in[4] = {10, 20, 30, 40};
            if (bands & 1)
                in[bands] = wide ? 65535 : 255;
            for (int j = 0; j < 3; j++)
                for (int i = 0; i < 5; i++)
                    pixels_check(x, i, j, j == 2 && (i == 1 || i == 2) ? in : (const unsigned[4]){0}, 0,
                                 "canvas");
            g_object_unref(x);
        }
    }
}

static const struct {
    int bands;
    unsigned in[4];
    uint32_t rgb;
    double alpha;
    int out_bands;
    unsigned out[4];
} grounds[] = {
    {1, {7}, 0xff0000, 1, 1, {7}},
    {3, {7, 8, 9}, 0xff0000, 1, 3, {7, 8, 9}},
    {3, {7, 8, 9}, 0xff0000, 0.5, 3, {7, 8, 9}},
    {2, {7, 0}, 0xffffff, 1, 1, {255}},
    {2, {7, 255}, 0xffffff, 1, 1, {7}},
    {2, {0, 51}, 0xffffff, 1, 1, {204}},
    {2, {7, 0}, 0x102030, 1, 3, {16, 32, 48}},
    {4, {7, 8, 9, 0}, 0x102030, 1, 3, {16, 32, 48}},
    {4, {7, 8, 9, 255}, 0x102030, 1, 3, {7, 8, 9}},
    {4, {0, 0, 0, 51}, 0x646464, 1, 3, {80, 80, 80}},
    {4, {7, 8, 9, 0}, 0x102030, 0.2, 4, {16, 32, 48, 51}},
    {4, {7, 8, 9, 255}, 0x102030, 0.2, 4, {7, 8, 9, 255}},
    {4, {0, 0, 0, 128}, 0xffffff, 0, 4, {0, 0, 0, 128}},
    {2, {7, 0}, 0x102030, 0.2, 4, {16, 32, 48, 51}},
};

static void test_ground(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(grounds); i++) {
        for (int wide = 0; wide < 2; wide++) {
            unsigned in[4], out[4], k = wide ? 257 : 1;
            char what[40];
            struct alb_err err = ALB_ERR_INIT;
            snprintf(what, sizeof(what), "ground %zu, %d", i, wide);
            for (int b = 0; b < 4; b++) {
                in[b] = grounds[i].in[b] * k;
                out[b] = grounds[i].out[b] * k;
            }
            VipsImage *x = pixels_flat(3, 3, grounds[i].bands, wide != 0, in);
            assert_int_equal(alb_step_flatten(&x, grounds[i].rgb, grounds[i].alpha, &err), ALB_OK);
            pixels_check_kind(x, 3, 3, grounds[i].out_bands, wide != 0, what);
            pixels_check_flat(x, out, k, what);
            g_object_unref(x);
        }
    }
}

/* ---- what only pixels can tell ---- */

/* Something bright and coloured in a grey plain: that is where the eye goes. */
static void test_smart_crop(void **state)
{
    (void)state;
    for (int bands = 1; bands <= 4; bands++) {
        for (int wide = 0; wide < 2; wide++) {
            VipsImage *x = pixels_new(200, 60, bands, wide != 0);
            unsigned k = wide ? 257 : 1;
            for (size_t p = 0; p < 200 * 60; p++) {
                bool thing = p % 200 >= 150 && p % 200 < 180 && p / 200 > 10 && p / 200 < 50 && (p % 7 < 4);
                for (int b = 0; b < bands; b++)
                    pixels_set(x, p * (size_t)bands + (size_t)b,
                               ((bands & 1) == 0 && b == bands - 1 ? 255
                                : thing                            ? (b == 0 ? 250 : 90)
                                                                   : 60) *
                                   k);
            }
            struct alb_plan_step s = {.kind = ALB_STEP_SMART_CROP, .width = 60, .height = 60};
            struct alb_err err = ALB_ERR_INIT;
            assert_int_equal(alb_step_smart_crop(&x, &s, &err), ALB_OK);
            pixels_check_kind(x, 60, 60, bands, wide != 0, "smart crop");
            unsigned seen = 0;
            for (int j = 0; j < 60; j++)
                for (int i = 0; i < 60; i++)
                    seen += pixels_at(x, i, j, 0) > 200 * k;
            if (seen < 500)
                fail_msg("%d bands, %d: only %u of it", bands, wide, seen);
            g_object_unref(x);
        }
    }
}

struct trim_case {
    const char *name;
    int bands;
    unsigned ground[4], thing[4];
    bool has_color;
    uint32_t color;
    double threshold;
    struct alb_rect found; /* of 20 x 16, the thing lies at 5, 4 and has 9 x 6 */
};
#define WHOLE {0, 0, 20, 16}
#define THING {5, 4, 9, 6}
static const struct trim_case trims[] = {
    {"white ground", 3, {255, 255, 255}, {0, 0, 0}, false, 0, 10, THING},
    {"coloured ground", 3, {200, 10, 10}, {10, 200, 10}, false, 0, 10, THING},
    {"ground that is named", 3, {200, 10, 10}, {10, 200, 10}, true, 0xc80a0a, 10, THING},
    {"another ground is named", 3, {200, 10, 10}, {10, 200, 10}, true, 0x0000ff, 10, WHOLE},
    {"nothing but ground", 3, {200, 10, 10}, {200, 10, 10}, false, 0, 10, WHOLE},
    {"near enough to be ground", 3, {200, 200, 200}, {205, 205, 205}, false, 0, 10, WHOLE},
    {"near, but not so near", 3, {200, 200, 200}, {205, 205, 205}, false, 0, 2, THING},
    {"grey", 1, {255}, {0}, false, 0, 10, THING},
    {"grey, a colour is named", 1, {255}, {0}, true, 0xffffff, 10, THING},
    {"transparent", 4, {0, 0, 0, 0}, {0, 0, 0, 255}, false, 0, 10, THING},
    {"transparent counts as magenta", 4, {9, 9, 9, 0}, {255, 0, 255, 255}, false, 0, 10, WHOLE},
    {"transparent grey", 2, {0, 0}, {0, 255}, false, 0, 10, THING},
    {"magenta is named", 2, {0, 0}, {0, 255}, true, 0xff00ff, 10, THING},
    {"opaque with alpha", 4, {255, 255, 255, 255}, {0, 0, 0, 255}, false, 0, 10, THING},
};

static void test_trim(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(trims); i++) {
        const struct trim_case *c = &trims[i];
        for (int wide = 0; wide < 2; wide++) {
            VipsImage *x = pixels_new(20, 16, c->bands, wide != 0);
            for (size_t p = 0; p < 320; p++) {
                bool in = p % 20 >= 5 && p % 20 < 14 && p / 20 >= 4 && p / 20 < 10;
                for (int b = 0; b < c->bands; b++)
                    pixels_set(x, p * (size_t)c->bands + (size_t)b,
                               (in ? c->thing : c->ground)[b] * (wide ? 257 : 1));
            }
            struct alb_plan_step s = {.kind = ALB_STEP_FIND_TRIM};
            struct alb_rect r;
            struct alb_err err = ALB_ERR_INIT;
            s.u.find_trim.threshold = c->threshold;
            s.u.find_trim.has_color = c->has_color;
            s.u.find_trim.color = c->color;
            if (alb_step_find_trim(x, &s, &r, &err) != ALB_OK)
                fail_msg("%s: %s", c->name, err.msg);
            if (memcmp(&r, &c->found, sizeof(r)) != 0)
                fail_msg("%s, %d: %u, %u, %u x %u", c->name, wide, r.left, r.top, r.width, r.height);
            g_object_unref(x);
        }
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_picture),
        cmocka_unit_test(test_nothing_bleeds),
        cmocka_unit_test(test_blur),
        cmocka_unit_test(test_blur_area),
        cmocka_unit_test(test_unsharp),
        cmocka_unit_test(test_unsharp_only_if_smaller),
        cmocka_unit_test(test_sharpen),
        cmocka_unit_test(test_pixelate),
        cmocka_unit_test(test_colours_on_grey),
        cmocka_unit_test(test_not_in_place),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_canvas),
        cmocka_unit_test(test_ground),
        cmocka_unit_test(test_smart_crop),
        cmocka_unit_test(test_trim),
    };
    (void)argc;
    if (!pixels_begin(argv[0]))
        return 1;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    vips_shutdown();
    return rc;
}
