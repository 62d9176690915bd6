/* SPDX-License-Identifier: Apache-2.0
 *
 * Levels: which one a picture is made of, what is then left to do, and that results are as large as without them.
 */
#include "plan_world.h"

#define W 6000u
#define H 4000u

/* A photograph of that size, as large as side x side at most, with levels. */
static void photo(uint32_t width, uint32_t height, uint32_t side)
{
    fresh(ALB_TYPE_JPEG, width, height);
    o.output.format = ALB_FORMAT_JPEG;
    o.width = o.height = side;
    o.shrink_margin = 2000;
    o.levels = true;
}

static uint32_t level_of(void)
{
    expect_code(ALB_OK);
    assert_int_equal(alb_plan_check(&p, NULL), ALB_OK);
    return p.level;
}

static void test_which(void **state)
{
    static const struct {
        uint32_t width, height, side, level;
    } table[] = {
        {6000, 4000, 240, 1024}, {6000, 4000, 512, 1024},  {6000, 4000, 744, 1024},
        {6000, 4000, 745, 2048}, {6000, 4000, 1440, 2048}, {6000, 4000, 1488, 2048},
        {6000, 4000, 1489, 0},   {6000, 4000, 6000, 0},    {6000, 4000, 0, 0},
        {4000, 6000, 512, 1024}, {4000, 6000, 1440, 2048}, {3584, 1000, 1440, 2048},
        {3583, 1000, 1440, 0},   {3583, 1000, 512, 0},     {3584, 3584, 512, 1024},
        {3583, 3583, 512, 0},    {1000, 700, 100, 0},      {20000, 300, 1440, 2048},
        {20000, 300, 8000, 0},   {60000, 1, 512, 0},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        photo(table[i].width, table[i].height, table[i].side);
        if (level_of() != table[i].level)
            fail_msg("%u x %u to %u: level %u, not %u", table[i].width, table[i].height, table[i].side,
                     p.level, table[i].level);
        assert_int_equal(alb_level_any(&h[0]), table[i].width >= 3584 || table[i].height >= 3584);
    }
}

static void test_what_is_left(void **state)
{
    (void)state;
    photo(W, H, 512);
    assert_string_equal(steps(), "L1024x683 R512x341 K512x341/1 E512x341");
    assert_int_equal(step(ALB_STEP_LOAD)->u.load.type, ALB_TYPE_JPEG);
    assert_int_equal(step(ALB_STEP_LOAD)->u.load.source_width, 1024);
    assert_int_equal(step(ALB_STEP_LOAD)->u.load.source_height, 683);
    o.width = o.height = 120; /* a level is a file like any other: its decoder makes it smaller */
    assert_string_equal(steps(), "L512x341 R120x80 K120x80/1 E120x80");
    h[0].orientation = 6; /* levels lie as the original does */
    o.width = o.height = 512;
    assert_string_equal(steps(), "L1024x683 R512x341 K512x341/1 T341x512/6 E341x512");
    o.turn = 90;
    assert_string_equal(steps(), "L1024x683 R512x341 K512x341/1 T512x341/3 E512x341");
    h[0].alpha = true;
    h[0].type = ALB_TYPE_PNG;
    o.output.format = ALB_FORMAT_WEBP;
    expect_code(ALB_OK);
    assert_int_equal(step(ALB_STEP_LOAD)->u.load.type, ALB_TYPE_WEBP);
    photo(W, H, 512); /* of many bits, in another space: a level has 8 in sRGB */
    h[0].bits = 16;
    h[0].type = ALB_TYPE_TIFF;
    h[0].space = ALB_SPACE_CMYK;
    o.linear = true;
    assert_string_equal(steps(), "L1024x683 K1024x683/2 R512x341 K512x341/3 K512x341/1 E512x341");
    assert_int_equal(p.level, 1024);
}

/* A cut needs more pixels of the whole than what is shown of it. */
static void test_cuts(void **state)
{
    static const struct {
        double width, height;
        uint32_t level;
    } table[] = {{0, 0, 1024},       {0.75, 0.75, 1024}, {0.68, 0.68, 2048}, {0.5, 0.5, 2048},
                 {0.35, 0.35, 2048}, {0.34, 0.34, 0},    {0.1, 0.1, 0},      {6000, 4000, 1024},
                 {3000, 2000, 2048}, {1000, 1000, 0},    {0.68, 0.1, 2048},  {0, 0.1, 1024},
                 {0.1, 0, 2048}};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        photo(W, H, 512);
        o.crop =
            (struct alb_crop){true, table[i].width, table[i].height, {ALB_GRAVITY_CENTRE, 0, 0}, 0, false};
        if (level_of() != table[i].level)
            fail_msg("%g x %g: level %u, not %u", table[i].width, table[i].height, p.level, table[i].level);
    }
    photo(W, H, 512);
    o.crop = (struct alb_crop){true, 3000, 2000, {ALB_GRAVITY_NORTH_WEST, 600, 0.1}, 0, false};
    assert_string_equal(steps(), "L2048x1365 C1024x683+205+136 R512x341 K512x341/1 E512x341");
    photo(W, H, 0);
    o.fit = ALB_FIT_COVER;
    o.width = o.height = 400;
    assert_string_equal(steps(), "L1024x683 R600x400 C400x400+100+0 K400x400/1 E400x400");
    o.width = o.height = 496; /* the short side counts */
    assert_int_equal(level_of(), 1024);
    o.width = o.height = 497;
    assert_int_equal(level_of(), 2048);
    o.width = o.height = 992;
    assert_int_equal(level_of(), 2048);
    o.width = o.height = 993;
    assert_int_equal(level_of(), 0);
    photo(20000, 2000, 0);
    o.fit = ALB_FIT_COVER;
    o.width = o.height = 120; /* 205 pixels high at 2048 */
    assert_int_equal(level_of(), 2048);
    o.width = o.height = 200;
    assert_int_equal(level_of(), 0);
    photo(W, H, 512); /* of a result with more pixels by itself */
    o.dpr = 2;
    assert_int_equal(level_of(), 2048);
    o.dpr = 3;
    assert_int_equal(level_of(), 0);
}

static void test_none(void **state)
{
    (void)state;
#define NONE(statement)                                                                                      \
    do {                                                                                                     \
        photo(W, H, 512);                                                                                    \
        assert_int_equal(level_of(), 1024);                                                                  \
        statement;                                                                                           \
        if (level_of() != 0)                                                                                 \
            fail_msg("%s", #statement);                                                                      \
    } while (0)
    NONE(o.levels = false);
    NONE(o.lenient = true);
    NONE(o.output.keep_metadata = true);
    NONE(o.output.keep_copyright = true);
    NONE(o.output.profile = ALB_PROFILE_KEEP);
    NONE(o.output.deep = true);
    NONE(h[0].type = ALB_TYPE_SVG);
    NONE(h[0].type = ALB_TYPE_PDF);
    NONE(h[0].type = ALB_TYPE_MP4);
    NONE((h[0].type = ALB_TYPE_TIFF, h[0].pages = 3, o.pages = 2, o.height = 0,
          trims[0] = (struct alb_rect){0, 0, W, H}, trim_count = 1));
    NONE((h[0].type = ALB_TYPE_GIF, h[0].pages = 3, h[0].animated = true));
    NONE((h[0].type = ALB_TYPE_HEIC, h[0].thumb_width = 600, h[0].thumb_height = 400, o.embedded = true));
    NONE((o.trim.on = true, trims[0] = (struct alb_rect){0, 0, 5000, 3000}, trim_count = 1));
#undef NONE
    photo(W, H, 512);
    h[0].type = ALB_TYPE_HEIC;
    assert_int_equal(level_of(), 1024);
    h[0].type = ALB_TYPE_DNG;
    h[0].preview = true;
    assert_int_equal(level_of(), 1024);
    h[0].preview = false;
    assert_int_equal(level_of(), 1024);
}

/* What makes a level makes it as large as everybody who uses it takes it to be. */
static void test_levels_are_as_large_as_said(void **state)
{
    static const enum alb_type types[] = {ALB_TYPE_JPEG, ALB_TYPE_PNG, ALB_TYPE_WEBP, ALB_TYPE_HEIC,
                                          ALB_TYPE_TIFF};
    uint32_t seed = 11;
    unsigned chained = 0;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct alb_image_header level;
        seed = seed * 1664525u + 1013904223u;
        uint32_t width = 1 + (seed >> 8) % 12000;
        seed = seed * 1664525u + 1013904223u;
        uint32_t height = 1 + (seed >> 8) % 12000, side = (seed & 1) != 0 ? 1024 : 2048;
        if ((width > height ? width : height) < 3584)
            continue;
        fresh(types[i % 5], width, height);
        h[0].alpha = types[i % 5] != ALB_TYPE_JPEG && (seed & 2) != 0;
        h[0].orientation = (uint8_t)(1 + (seed >> 4) % 8);
        alb_level_header(&h[0], side, &level);
        alb_level_options(&h[0], side, &o);
        expect_code(ALB_OK);
        if (p.width != level.width || p.height != level.height || alb_format_type(p.format) != level.type)
            fail_msg("%u x %u at %u: %u x %u, not %u x %u", width, height, side, p.width, p.height,
                     level.width, level.height);
        assert_true(p.level == 0 || (side == 1024 && p.level == 2048));
        chained += p.level != 0;
        assert_true(alb_plan_check(&p, NULL) == ALB_OK);
    }
    assert_true(chained > 1000);
}

static void test_results_are_as_large_as_without(void **state)
{
    uint32_t seed = 5;
    unsigned used = 0;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1664525u + 1013904223u;
        uint32_t width = 1500 + (seed >> 8) % 9000;
        seed = seed * 1664525u + 1013904223u;
        uint32_t height = 1500 + (seed >> 8) % 9000;
        seed = seed * 1664525u + 1013904223u;
        photo(width, height, 16 + (seed >> 8) % 1500);
        o.shrink_margin = (seed & 1) != 0 ? 2000 : ALB_SHRINK_NEVER;
        o.fit = (seed & 2) != 0 ? ALB_FIT_COVER : ALB_FIT_INSIDE;
        h[0].orientation = (uint8_t)(1 + (seed >> 4) % 8);
        used += level_of() > 0;
        uint32_t w = p.width, t = p.height;
        o.levels = false;
        o.shrink_margin = ALB_SHRINK_NEVER;
        expect_code(ALB_OK);
        if (w != p.width || t != p.height)
            fail_msg("%u x %u to %u: %u x %u, not %u x %u", width, height, o.width, w, t, p.width, p.height);
    }
    assert_true(used > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which),
        cmocka_unit_test(test_what_is_left),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_levels_are_as_large_as_said),
        cmocka_unit_test(test_results_are_as_large_as_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
