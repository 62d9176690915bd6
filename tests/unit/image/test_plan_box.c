/* SPDX-License-Identifier: Apache-2.0
 *
 * Sizes and places with thumbnails' arithmetic: fits, windows, focus, fill, blocks, chains. What imagor 1.9.5 makes of
 * the same is where a number is marked as golden.
 */
#include "plan_world.h"

static void begin(uint32_t w, uint32_t height)
{
    fresh(ALB_TYPE_PNG, w, height);
    o.sizing = ALB_SIZING_THUMBNAIL;
    o.enlarge = true;
    o.output.profile = ALB_PROFILE_KEEP;
}

static void expect_size(uint32_t w, uint32_t height)
{
    const char *text = steps();
    if (p.width != w || p.height != height)
        fail_msg("%ux%u instead of %ux%u: %s", p.width, p.height, w, height, text);
}

/* flags: e enlarge, a adaptive */
static const struct {
    uint32_t from_w, from_h;
    enum alb_fit fit;
    uint32_t w, h;
    const char *flags;
    uint32_t to_w, to_h;
} sizes[] = {
    {100, 68, ALB_FIT_OUTSIDE, 102, 30, "e", 102, 69}, /* golden */
    {100, 68, ALB_FIT_OUTSIDE, 50, 50, "e", 74, 50},    {100, 68, ALB_FIT_INSIDE, 50, 0, "", 50, 34},
    {100, 68, ALB_FIT_INSIDE, 0, 50, "", 74, 50},       {100, 68, ALB_FIT_INSIDE, 200, 200, "", 100, 68},
    {100, 68, ALB_FIT_INSIDE, 200, 200, "e", 200, 136}, {100, 68, ALB_FIT_INSIDE, 200, 50, "", 74, 50},
    {100, 68, ALB_FIT_INSIDE, 0, 0, "e", 100, 68},      {100, 68, ALB_FIT_INSIDE, 30, 60, "a", 44, 30},
    {100, 68, ALB_FIT_INSIDE, 60, 30, "a", 44, 30},     {68, 100, ALB_FIT_INSIDE, 60, 30, "a", 30, 44},
    {68, 100, ALB_FIT_OUTSIDE, 60, 30, "ae", 41, 60},   {100, 68, ALB_FIT_COVER, 40, 40, "e", 40, 40},
    {100, 68, ALB_FIT_COVER, 300, 50, "e", 300, 50},    {100, 68, ALB_FIT_COVER, 300, 50, "", 100, 50},
    {100, 68, ALB_FIT_COVER, 300, 300, "", 100, 68},    {100, 68, ALB_FIT_COVER, 50, 0, "e", 50, 34},
    {100, 68, ALB_FIT_COVER, 0, 136, "e", 200, 136},    {100, 68, ALB_FIT_FORCE, 20, 90, "", 20, 90},
    {100, 68, ALB_FIT_FORCE, 200, 0, "e", 200, 136},    {100, 68, ALB_FIT_FORCE, 0, 33, "", 48, 33},
    {1000, 1, ALB_FIT_INSIDE, 10, 10, "", 10, 1},
};

static void test_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(sizes); i++) {
        begin(sizes[i].from_w, sizes[i].from_h);
        o.fit = sizes[i].fit;
        o.width = sizes[i].w;
        o.height = sizes[i].h;
        o.enlarge = strchr(sizes[i].flags, 'e') != NULL;
        o.adaptive = strchr(sizes[i].flags, 'a') != NULL;
        expect_size(sizes[i].to_w, sizes[i].to_h);
    }
}

static void test_share_and_own(void **state)
{
    static const struct {
        double share;
        uint32_t w, h;
    } table[] = {{0.5, 50, 34}, {0.1, 9, 6}, {0.001, 100, 68}, {1, 100, 68}};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        begin(100, 68);
        o.share = table[i].share;
        expect_size(table[i].w, table[i].h);
    }
    begin(100, 68);
    o.own_width = true;
    o.height = 20;
    o.fit = ALB_FIT_COVER;
    expect_size(100, 20);
    begin(100, 68);
    o.own_width = o.own_height = true;
    o.fit = ALB_FIT_INSIDE;
    expect_size(100, 68);
    begin(20000, 10);
    o.side_max = 9999;
    expect_size(9999, 5);
}

static const struct {
    const char *what;
    struct alb_window window;
    const char *steps;
} windows[] = {
    /* imagor 1.9.5 loses the last row and column: 70x107 is its golden for the first one */
    {"edges", {true, false, 0, 30, 20, 100, 150}, "L121x128 C70x108+30+20 E70x108"},
    {"all", {true, false, 15, 0, 0, 1, 1}, "L121x128 E121x128"},
    {"open edges", {true, false, 0, 50, 50, 0, 0}, "L121x128 C71x78+50+50 E71x78"},
    {"fractions", {true, false, 15, .1, .2, .89, .72}, "L121x128 C96x66+12+26 E96x66"},
    {"outside", {true, false, 0, 200, 20, 300, 150}, "L121x128 E121x128"},
    {"nothing", {true, false, 0, 30, 20, 30, 150}, "L121x128 E121x128"},
    {"extent", {true, true, 0, 30, 20, 100, 150}, "L121x128 C91x108+30+20 E91x108"},
    {"fractions of extent", {true, true, 15, .1, .2, .5, .5}, "L121x128 C60x64+12+25 E60x64"},
};

static void test_windows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(windows); i++) {
        begin(121, 128);
        o.window = windows[i].window;
        if (strcmp(steps(), windows[i].steps) != 0)
            fail_msg("%s: %s", windows[i].what, steps());
    }
    begin(121, 128);
    h[0].orientation = 6; /* 128 x 121 as shown */
    o.window = (struct alb_window){true, false, 0, 10, 20, 30, 60};
    assert_string_equal(steps(), "L121x128 C40x20+20+98 T20x40/6 E20x40");
    begin(121, 128);
    o.turn = 270;
    o.window = (struct alb_window){true, false, 0, 10, 20, 30, 60};
    assert_string_equal(steps(), "L121x128 C40x20+61+10 T20x40/8 E20x40");
}

/* A window counts in the picture as it was before it was trimmed. */
static void test_window_and_trim(void **state)
{
    (void)state;
    begin(100, 80);
    o.trim.on = true;
    o.trim.last = true;
    o.window = (struct alb_window){true, false, 0, 20, 0, 60, 0};
    assert_string_equal(steps(), "L100x80 N100x80");
    assert_int_equal(p.steps[1].u.find_trim.corner, 3);
    trims[0] = (struct alb_rect){30, 10, 50, 60};
    trim_count = 1;
    assert_string_equal(steps(), "L100x80 C30x60+30+10 E30x60");
    h[0].orientation = 3; /* the last pixel as shown is the first one of the file; from 20 to 50 as shown */
    trim_count = 0;
    assert_string_equal(steps(), "L100x80 N100x80");
    assert_int_equal(p.steps[1].u.find_trim.corner, 0);
    trim_count = 1;
    assert_string_equal(steps(), "L100x80 C40x60+40+10 T40x60/3 E40x60");
    o.trim.last = false;
    trim_count = 0;
    assert_string_equal(steps(), "L100x80 N100x80");
    assert_int_equal(p.steps[1].u.find_trim.corner, 3);
}

static void test_places(void **state)
{
    static const struct {
        enum alb_gravity_kind kind;
        const char *steps;
    } table[] = {
        {ALB_GRAVITY_CENTRE, "L101x50 C50x50+25+0 E50x50"}, {ALB_GRAVITY_WEST, "L101x50 C50x50+0+0 E50x50"},
        {ALB_GRAVITY_EAST, "L101x50 C50x50+51+0 E50x50"},   {ALB_GRAVITY_NORTH, "L101x50 C50x50+25+0 E50x50"},
        {ALB_GRAVITY_SMART, "L101x50 S50x50 E50x50"},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        begin(101, 50);
        o.fit = ALB_FIT_COVER;
        o.width = o.height = 50;
        o.gravity.kind = table[i].kind;
        if (strcmp(steps(), table[i].steps) != 0)
            fail_msg("%zu: %s", i, steps());
    }
}

static void test_focus(void **state)
{
    static const struct alb_focus point = {80, 10, 0, 0, false, true}, area = {.75, 0, 1, 1, true, false},
                                  two[] = {{0, 0, 10, 10, false, false}, {60, 0, 90, 10, false, false}};
    (void)state;
    begin(100, 50);
    o.fit = ALB_FIT_COVER;
    o.width = o.height = 50;
    o.focus = &point;
    o.focus_count = 1;
    assert_string_equal(steps(), "L100x50 C50x50+50+0 E50x50"); /* as far as it goes */
    o.width = o.height = 20;
    assert_string_equal(steps(), "L100x50 R40x20 C20x20+20+0 E20x20");
    o.focus = &area;
    assert_string_equal(steps(), "L100x50 R40x20 C20x20+20+0 E20x20");
    o.focus = two; /* middle of 5 and 75, the second one counts three times: 57.5 */
    o.focus_count = 2;
    assert_string_equal(steps(), "L100x50 R40x20 C20x20+13+0 E20x20");
    o.window = (struct alb_window){true, false, 0, 50, 0, 100, 0};
    o.width = 10;
    assert_string_equal(steps(), "L100x50 C50x50+50+0 R20x20 C10x20+0+0 E10x20");
}

/* Places are those of the picture as it is shown, whatever way it lies in the file. */
static void test_outline(void **state)
{
    static const struct alb_focus area = {10, 20, 30, 60, false, false};
    (void)state;
    begin(100, 50);
    h[0].orientation = 6; /* shown: 50 x 100 */
    o.fit = ALB_FIT_COVER;
    o.width = o.height = 25;
    o.focus = &area;
    o.focus_count = 1;
    o.outline = true;
    assert_string_equal(steps(), "L100x50 T50x100/6 X50x100/24 X50x100/24 E50x100");
    const struct alb_rect *left = &p.steps[2].u.effect.area, *stays = &p.steps[3].u.effect.area;
    assert_int_equal(left->left, 0);
    assert_int_equal(left->top, 14); /* the middle of the area is at 40, in halves */
    assert_int_equal(left->width, 50);
    assert_int_equal(left->height, 50);
    assert_int_equal(stays->left, 10);
    assert_int_equal(stays->top, 20);
    assert_int_equal(stays->width, 20);
    assert_int_equal(stays->height, 40);
    o.sizing = ALB_SIZING_IMGPROXY;
    o.focus_count = 0;
    expect_code(ALB_E_INVALID);
}

static const struct {
    uint32_t w, h;
    struct alb_fill fill;
    const char *steps;
} fills[] = {
    {100,
     100,
     {true, true, false, {0, 0, 0, 0}, ALB_GROUND_COLOR, 0xffffff, 0},
     "L100x68 G100x100+0+16 E100x100"},
    {100,
     100,
     {true, true, false, {10, 5, 10, 5}, ALB_GROUND_CLEAR, 0, 0},
     "L100x68 G120x110+10+21 E120x110"},
    {0, 0, {true, true, false, {40, 50, 1, 2}, ALB_GROUND_BLUR, 0, 50}, "L100x68 G141x120+40+50 E141x120"},
    {100, 69, {true, true, false, {0, 0, 0, 0}, ALB_GROUND_MEAN, 0, 0}, "L100x68 G100x69+0+0 E100x69"},
    {200, 300, {true, true, true, {1, 2, 3, 4}, ALB_GROUND_COLOR, 1, 0}, "L100x68 G306x204+102+67 E306x204"},
    {0, 0, {true, false, false, {-10, 0, -10, 0}, ALB_GROUND_COLOR, 1, 0}, "L100x68 C80x68+10+0 E80x68"},
    {50, 60, {true, true, false, {0, 0, 0, 0}, ALB_GROUND_COLOR, 1, 0}, "L100x68 R50x34 G50x60+0+13 E50x60"},
};

static void test_fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(fills); i++) {
        begin(100, 68);
        o.enlarge = false;
        o.width = fills[i].w;
        o.height = fills[i].h;
        o.fill = fills[i].fill;
        if (strcmp(steps(), fills[i].steps) != 0)
            fail_msg("%zu: %s", i, steps());
    }
    begin(100, 68);
    o.fill = (struct alb_fill){true, false, false, {-60, 0, -60, 0}, ALB_GROUND_CLEAR, 0, 0};
    expect_code(ALB_E_UNPROCESSABLE);
    begin(100, 68); /* nothing to paint, nothing to add */
    o.fill = (struct alb_fill){true, true, false, {0, 0, 0, 0}, ALB_GROUND_COLOR, 0, 0};
    assert_string_equal(steps(), "L100x68 E100x68");
    h[0].alpha = true;
    assert_string_equal(steps(), "L100x68 G100x68+0+0 E100x68");
}

/* The box of the first pipeline is that of a fill further on; what a later one is resized to is not. */
static void test_chain(void **state)
{
    struct alb_plan_options second, third;
    (void)state;
    begin(100, 68);
    o.width = 50;
    o.height = 40;
    second = third = o;
    second.width = second.height = third.width = third.height = 0;
    second.turn = 270;
    third.share = 0.5;
    third.fill = (struct alb_fill){true, true, true, {0, 0, 0, 0}, ALB_GROUND_CLEAR, 0, 0};
    o.next = &second;
    second.next = &third;
    assert_string_equal(steps(), "L100x68 R50x34 T34x50/8 R17x25 G40x50+11+12 E40x50");
}

static void test_blocks(void **state)
{
    struct alb_effect e = {.kind = ALB_EFFECT_PIXELATE, .amount = 10, .keep = true};
    (void)state;
    begin(202, 259);
    o.effects = &e;
    o.effect_count = 1;
    assert_string_equal(steps(), "L202x259 X200x260/3 E200x260"); /* golden */
    e.keep = false;
    assert_string_equal(steps(), "L202x259 X202x259/3 E202x259");
    e.keep = true;
    e.amount = 1000;
    assert_string_equal(steps(), "L202x259 X1000x1000/3 E1000x1000");
    begin(202, 259);
    o.effects = &e;
    o.effect_count = 1;
    e.amount = 10;
    (void)steps();
    p.steps[1].width = 210; /* no other size passes */
    p.steps[2].width = p.width = 210;
    assert_int_equal(alb_plan_check(&p, NULL), ALB_E_INVALID);
}

static void test_ranges(void **state)
{
    static const struct alb_focus bad = {5, 5, 5, 6, false, false};
    (void)state;
    begin(10, 10);
    o.fit = ALB_FIT_AUTO;
    expect_code(ALB_E_INVALID);
    begin(10, 10);
    o.sizing = ALB_SIZING_IMGPROXY;
    o.fit = ALB_FIT_OUTSIDE;
    expect_code(ALB_E_INVALID);
    o.fit = ALB_FIT_INSIDE;
    o.adaptive = true;
    expect_code(ALB_E_INVALID);
    begin(10, 10);
    o.crop.on = true;
    expect_code(ALB_E_INVALID);
    begin(10, 10);
    o.focus = &bad;
    o.focus_count = 1;
    expect_code(ALB_E_INVALID);
    begin(10, 10);
    o.share = 1.5;
    expect_code(ALB_E_INVALID);
    begin(10, 10);
    o.fill.padding[0] = ALB_FILL_PADDING_MAX + 1;
    expect_code(ALB_E_INVALID);
}

/* A JPEG that is cut first is still made smaller by its decoder. */
static void test_shrink(void **state)
{
    (void)state;
    begin(4000, 3000);
    h[0].type = ALB_TYPE_JPEG;
    o.shrink_margin = 2000;
    o.fit = ALB_FIT_COVER;
    o.width = o.height = 100;
    o.window = (struct alb_window){true, false, 0, 1000, 1000, 3000, 3000};
    assert_string_equal(steps(), "L500x375 C250x250+125+125 R100x100 E100x100");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),  cmocka_unit_test(test_share_and_own),   cmocka_unit_test(test_windows),
        cmocka_unit_test(test_places), cmocka_unit_test(test_window_and_trim), cmocka_unit_test(test_focus), cmocka_unit_test(test_outline),
        cmocka_unit_test(test_fill),   cmocka_unit_test(test_chain),           cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_ranges), cmocka_unit_test(test_shrink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
