/* SPDX-License-Identifier: Apache-2.0
 *
 * Effects of one pixel: every kind with numbers worked out by hand, both depths, grey and colour, with and without
 * alpha; and where a gradient lies.
 */
#include "test.h"
#include "image/tone.h"

struct one {
    const char *name;
    struct alb_tone tone;
    uint8_t in[4], out[4]; /* RGBA, 8 bits */
};

#define K(k) .kind = ALB_EFFECT_##k
static const struct one cases[] = {
    {"as bright", {K(BRIGHTNESS), .amount = 0}, {1, 2, 3, 4}, {1, 2, 3, 4}},
    {"brighter", {K(BRIGHTNESS), .amount = 20}, {0, 100, 250, 7}, {20, 120, 255, 7}},
    {"darker", {K(BRIGHTNESS), .amount = -20}, {0, 100, 250, 255}, {0, 80, 230, 255}},
    {"white", {K(BRIGHTNESS), .amount = 255}, {0, 100, 250, 255}, {255, 255, 255, 255}},
    {"black", {K(BRIGHTNESS), .amount = -255}, {0, 100, 255, 255}, {0, 0, 0, 255}},
    {"contrast 2", {K(CONTRAST), .amount = 2}, {0, 100, 200, 255}, {0, 73, 255, 255}}, /* 72.5 */
    {"contrast 1/2", {K(CONTRAST), .amount = 0.5}, {0, 100, 255, 9}, {64, 114, 191, 9}},
    {"no saturation", {K(SATURATION), .amount = 0}, {255, 0, 0, 255}, {54, 54, 54, 255}},
    {"double saturation", {K(SATURATION), .amount = 2}, {100, 100, 120, 255}, {99, 99, 139, 255}},
    {"a grey one has no colours to strengthen",
     {K(SATURATION), .amount = 3},
     {77, 77, 77, 5},
     {77, 77, 77, 5}},
    {"monochrome grey", {K(MONOCHROME), .amount = 1, .rgb = 0x808080}, {255, 0, 0, 3}, {54, 54, 54, 3}},
    {"monochrome dark", {K(MONOCHROME), .amount = 1, .rgb = 0x0000ff}, {0, 0, 0, 255}, {0, 0, 0, 255}},
    {"monochrome light",
     {K(MONOCHROME), .amount = 1, .rgb = 0x0000ff},
     {255, 255, 255, 255},
     {255, 255, 255, 255}},
    {"monochrome at its colour",
     {K(MONOCHROME), .amount = 1, .rgb = 0x00ff00},
     {0, 255, 0, 9},
     {0, 255, 0, 9}},
    {"half monochrome", {K(MONOCHROME), .amount = 0.5, .rgb = 0x808080}, {255, 0, 0, 9}, {155, 27, 27, 9}},
    {"monochrome black", {K(MONOCHROME), .amount = 1, .rgb = 0}, {255, 0, 0, 255}, {54, 54, 54, 255}},
    {"monochrome white", {K(MONOCHROME), .amount = 1, .rgb = 0xffffff}, {255, 0, 0, 255}, {54, 54, 54, 255}},
    {"duotone dark",
     {K(DUOTONE), .amount = 1, .rgb = 0x102030, .rgb2 = 0xf0e0d0},
     {0, 0, 0, 1},
     {16, 32, 48, 1}},
    {"duotone light",
     {K(DUOTONE), .amount = 1, .rgb = 0x102030, .rgb2 = 0xf0e0d0},
     {255, 255, 255, 255},
     {240, 224, 208, 255}},
    {"half duotone",
     {K(DUOTONE), .amount = 0.5, .rgb = 0, .rgb2 = 0xffffff},
     {255, 0, 0, 255},
     {155, 27, 27, 255}},
    {"colour over", {K(COLORIZE), .amount = 0.5, .rgb = 0xff0000}, {0, 0, 255, 255}, {128, 0, 128, 255}},
    {"colour over nothing", {K(COLORIZE), .amount = 0.5, .rgb = 0x204060}, {9, 9, 9, 0}, {32, 64, 96, 128}},
    {"colour within alpha",
     {K(COLORIZE), .amount = 0.5, .rgb = 0xff0000, .keep = true},
     {0, 0, 255, 51},
     {128, 0, 128, 51}},
    {"colour within nothing",
     {K(COLORIZE), .amount = 1, .rgb = 0x010203, .keep = true},
     {9, 9, 9, 0},
     {1, 2, 3, 0}},
    {"all colour", {K(COLORIZE), .amount = 1, .rgb = 0x010203}, {9, 200, 9, 50}, {1, 2, 3, 255}},
    /* one pixel is the middle of a gradient */
    {"gradient",
     {K(GRADIENT), .amount = 1, .rgb = 0, .start = 0, .stop = 1},
     {255, 255, 255, 255},
     {128, 128, 128, 255}},
    {"before it", {K(GRADIENT), .amount = 1, .rgb = 0, .start = 0.6, .stop = 1}, {9, 8, 7, 6}, {9, 8, 7, 6}},
    {"behind it",
     {K(GRADIENT), .amount = 1, .rgb = 0x112233, .start = 0, .stop = 0.4},
     {9, 8, 7, 6},
     {17, 34, 51, 255}},
};

/* Within one step of 255, which is what 8 bits round to; 16 bits within 1.5 of them (inputs are exact there too). */
static void check(const struct one *c, unsigned bands, bool alpha, bool wide)
{
    uint8_t p8[4];
    uint16_t p16[4];
    for (unsigned i = 0; i < 4; i++) {
        p8[i] = c->in[i < bands ? i : 3];
        p16[i] = (uint16_t)(p8[i] * 257);
    }
    if (wide)
        alb_tone_run16(&c->tone, p16, 1, 1, bands, alpha);
    else
        alb_tone_run8(&c->tone, p8, 1, 1, bands, alpha);
    for (unsigned i = 0; i < bands + (alpha ? 1u : 0u); i++) {
        int want = c->out[i < bands ? i : 3], got = wide ? p16[i] / 257 : p8[i];
        int slack = wide ? 1 : 0;
        if (got > want + slack || got < want - slack)
            fail_msg("%s: %u bands %s, channel %u is %d, not %d", c->name, bands,
                     wide ? "of 16 bits" : "of 8 bits", i, got, want);
    }
}

static bool opaque(const struct one *c)
{
    return c->in[3] == 255;
}

static bool grey(const struct one *c)
{
    return c->in[0] == c->in[1] && c->in[1] == c->in[2] && !alb_tone_colours(&c->tone);
}

static void test_one_pixel(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        assert_true(alb_tone_knows(cases[i].tone.kind));
        for (int wide = 0; wide < 2; wide++) {
            check(&cases[i], 3, true, wide != 0);
            if (opaque(&cases[i]))
                check(&cases[i], 3, false, wide != 0);
            if (grey(&cases[i]))
                check(&cases[i], 1, true, wide != 0);
            if (grey(&cases[i]) && opaque(&cases[i]))
                check(&cases[i], 1, false, wide != 0);
        }
    }
}

/* In percent at the corners of a picture of 11 x 21. */
static void test_ramps(void **state)
{
    static const struct {
        double angle, start, stop;
        int top_left, top_right, bottom_left, bottom_right;
    } ramps[] = {
        {0, 0, 1, 2, 2, 98, 98},     {180, 0, 1, 98, 98, 2, 2},       {90, 0, 1, 95, 5, 95, 5},
        {270, 0, 1, 5, 95, 5, 95},   {0, 0.5, 1, 0, 0, 95, 95},       {0, 0, 0.5, 5, 5, 100, 100},
        {0, 0.5, 0.5, 0, 0, 100, 100}, {0, 1, 0, 98, 98, 2, 2},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(ramps); i++) {
        const struct alb_tone t = {
            .angle = ramps[i].angle, .start = ramps[i].start, .stop = ramps[i].stop};
        float top[11], bottom[11];
        alb_tone_ramp_row(&t, 11, 21, 0, top);
        alb_tone_ramp_row(&t, 11, 21, 20, bottom);
        const int got[] = {(int)(top[0] * 100 + 0.5f), (int)(top[10] * 100 + 0.5f), (int)(bottom[0] * 100 + 0.5f),
                           (int)(bottom[10] * 100 + 0.5f)};
        const int want[] = {ramps[i].top_left, ramps[i].top_right, ramps[i].bottom_left, ramps[i].bottom_right};
        for (size_t k = 0; k < ALB_ARRAY_LEN(got); k++)
            if (got[k] != want[k])
                fail_msg("case %zu, corner %zu: %d, not %d", i, k, got[k], want[k]);
    }
}

static void test_which(void **state)
{
    (void)state;
    for (unsigned k = 0; k < ALB_EFFECT_COUNT; k++)
        assert_int_equal(alb_tone_knows((enum alb_effect_kind)k),
                         k != ALB_EFFECT_BLUR && k != ALB_EFFECT_SHARPEN && k != ALB_EFFECT_UNSHARP &&
                             k != ALB_EFFECT_PIXELATE && k != ALB_EFFECT_WATERMARK &&
                             k < ALB_EFFECT_BLUR_RAMP);
    assert_false(alb_tone_colours(&(struct alb_tone){K(COLORIZE), .rgb = 0x777777}));
    assert_true(alb_tone_colours(&(struct alb_tone){K(COLORIZE), .rgb = 0x777778}));
    assert_true(alb_tone_colours(&(struct alb_tone){K(MONOCHROME), .rgb = 0x787777}));
    assert_true(alb_tone_colours(&(struct alb_tone){K(GRADIENT), .rgb = 0x777877}));
    assert_true(alb_tone_colours(&(struct alb_tone){K(DUOTONE), .rgb = 0, .rgb2 = 0xff0000}));
    assert_true(alb_tone_colours(&(struct alb_tone){K(DUOTONE), .rgb = 0xff0000, .rgb2 = 0}));
    assert_false(alb_tone_colours(&(struct alb_tone){K(DUOTONE), .rgb = 0, .rgb2 = 0xffffff}));
    assert_false(alb_tone_colours(&(struct alb_tone){K(BRIGHTNESS), .rgb = 0x123456}));
}

/* White over black: the value is the opacity. Angles are clockwise from downwards. */
static const struct {
    double angle, start, stop;
    uint8_t top, right, bottom, left; /* of 5 x 5, the middles of the edges */
} gradients[] = {
    {0, 0, 1, 26, 128, 230, 128},   {90, 0, 1, 128, 26, 128, 230},  {180, 0, 1, 230, 128, 26, 128},
    {270, 0, 1, 128, 230, 128, 26}, {-90, 0, 1, 128, 230, 128, 26}, {450, 0, 1, 128, 26, 128, 230},
    {0, 0.5, 1, 0, 0, 204, 0},      {0, 0, 0.5, 51, 255, 255, 255}, {0, 0.4, 0.4, 0, 255, 255, 255},
    {0, 1, 0, 230, 128, 26, 128},   {45, 0, 1, 77, 77, 179, 179},
};

static void test_gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(gradients); i++) {
        uint8_t p[25] = {0};
        struct alb_tone t = {K(GRADIENT),
                             .amount = 1,
                             .rgb = 0xffffff,
                             .angle = gradients[i].angle,
                             .start = gradients[i].start,
                             .stop = gradients[i].stop};
        alb_tone_run8(&t, p, 5, 5, 1, false);
        const uint8_t got[4] = {p[2], p[14], p[22], p[10]},
                      want[4] = {gradients[i].top, gradients[i].right, gradients[i].bottom,
                                 gradients[i].left};
        for (int k = 0; k < 4; k++) {
            if (got[k] > want[k] + 1 || got[k] + 1 < want[k])
                fail_msg("gradient %zu, edge %d: %u, not %u", i, k, got[k], want[k]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_pixel),
        cmocka_unit_test(test_ramps),
        cmocka_unit_test(test_which),
        cmocka_unit_test(test_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
