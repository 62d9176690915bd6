/* SPDX-License-Identifier: Apache-2.0
 *
 * Geometry and loading: which steps there are, in which order, with which numbers, rule by rule.
 */
#include "plan_world.h"

/* ---- places ---- */

static void test_places(void **state)
{
    static const struct {
        struct alb_gravity at;
        uint32_t side, part;
        double dpr;
        bool over;
        int x, y;
    } cases[] = {
        {{ALB_GRAVITY_CENTRE, 0, 0}, 100, 50, 1, false, 26, 26}, /* 25.5 to even */
        {{ALB_GRAVITY_CENTRE, 0, 0}, 100, 49, 1, false, 26, 26},
        {{ALB_GRAVITY_CENTRE, 0, 0}, 98, 49, 1, false, 25, 25},
        {{ALB_GRAVITY_CENTRE, 3, -3}, 100, 50, 2, false, 32, 20},
        {{ALB_GRAVITY_CENTRE, 0.1, -0.1}, 100, 50, 2, false, 36, 16},
        {{ALB_GRAVITY_NORTH_WEST, 3, 0.05}, 100, 50, 2, false, 6, 5},
        {{ALB_GRAVITY_SOUTH_EAST, 3, 0.05}, 100, 50, 2, false, 44, 45},
        {{ALB_GRAVITY_NORTH, 0, 7}, 100, 50, 1, false, 26, 7},
        {{ALB_GRAVITY_SOUTH, 0, 7}, 100, 50, 1, false, 26, 43},
        {{ALB_GRAVITY_EAST, 7, 0}, 100, 50, 1, false, 43, 26},
        {{ALB_GRAVITY_WEST, 7, 0}, 100, 50, 1, false, 7, 26},
        {{ALB_GRAVITY_NORTH_EAST, 7, 8}, 100, 50, 1, false, 43, 8},
        {{ALB_GRAVITY_SOUTH_WEST, 7, 8}, 100, 50, 1, false, 7, 42},
        {{ALB_GRAVITY_WEST, -30, 90}, 100, 50, 1, false, 0, 50},
        {{ALB_GRAVITY_WEST, -30, 90}, 100, 50, 1, true, -30, 99},
        {{ALB_GRAVITY_WEST, -80, 0}, 100, 50, 1, true, -49, 26},
        {{ALB_GRAVITY_POINT, 0.5, 0.6}, 100, 50, 1, false, 25, 35},
        {{ALB_GRAVITY_POINT, 0, 1}, 100, 49, 1, false, 0, 51},
        {{ALB_GRAVITY_WEST, 1e8, 0}, 100, 50, 1e5, false, 50, 26},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        int64_t x = alb_place_x(&cases[i].at, cases[i].side, cases[i].part, cases[i].dpr, cases[i].over),
                y = alb_place_y(&cases[i].at, cases[i].side, cases[i].part, cases[i].dpr, cases[i].over);
        if (x != cases[i].x || y != cases[i].y)
            fail_msg("case %zu: %d, %d", i, (int)x, (int)y);
    }
}

/* A cut before the turn shows what the same cut shows after it: for every way to lie and to be turned. */
static void test_crop_is_of_the_picture_as_shown(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 8 * 4 * 4; way++) {
        for (unsigned kind = 0; kind < ALB_GRAVITY_POINT; kind++) {
            fresh(ALB_TYPE_PNG, 400, 300);
            h[0].orientation = (uint8_t)(1 + way % 8);
            o.turn = (uint16_t)(way / 8 % 4 * 90);
            o.flip_h = way / 32 & 1;
            o.flip_v = way / 64 & 1;
            o.crop = (struct alb_crop){true, 101, 51, {(enum alb_gravity_kind)kind, 10, 20}, 0, false};
            expect_code(ALB_OK);
            const struct alb_plan_step *c = step(ALB_STEP_CROP);
            uint8_t turn = alb_turn_compose(h[0].orientation, alb_turn_of(o.turn, o.flip_h, o.flip_v));
            bool swap = alb_turn_swaps(turn);
            struct alb_rect r = {0, 0, 101, 51};
            r.left = (uint32_t)alb_place_x(&o.crop.at, swap ? 300 : 400, 101, 1, false);
            r.top = (uint32_t)alb_place_y(&o.crop.at, swap ? 400 : 300, 51, 1, false);
            r = alb_turn_to_stored(turn, 400, 300, r);
            /* the middle of an odd number of pixels may be either of two */
            assert_in_range(c->u.crop.left + 1, r.left, r.left + 2);
            assert_in_range(c->u.crop.top + 1, r.top, r.top + 2);
            assert_int_equal(c->width, r.width);
            assert_int_equal(c->height, r.height);
        }
    }
}

static void test_point_through_turns(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 8; way++) {
        fresh(ALB_TYPE_PNG, 400, 300);
        h[0].orientation = (uint8_t)(1 + way);
        bool swap = way >= 4;
        o.crop = (struct alb_crop){true, 100, 100, {ALB_GRAVITY_POINT, 0.75, 0.5}, 0, false};
        expect_code(ALB_OK);
        const struct alb_plan_step *c = step(ALB_STEP_CROP);
        struct alb_rect r = {(swap ? 300u : 400u) * 3 / 4 - 50, (swap ? 400u : 300u) / 2 - 50, 100, 100};
        r = alb_turn_to_stored(h[0].orientation, 400, 300, r);
        assert_int_equal(c->u.crop.left, r.left);
        assert_int_equal(c->u.crop.top, r.top);
    }
}

/* ---- trim ---- */

static void test_trim(void **state)
{
    (void)state;
    fresh(ALB_TYPE_JPEG, 1000, 800);
    o.trim = (struct alb_trim){.on = true, .threshold = 10, .has_color = true, .color = 0x123456};
    o.width = 100;
    assert_string_equal(steps(), "L1000x800 N1000x800"); /* every pixel, before anything else */
    assert_true(alb_plan_is_trim(&p));
    assert_int_equal(step(ALB_STEP_FIND_TRIM)->u.find_trim.color, 0x123456);
    trims[0] = (struct alb_rect){100, 50, 600, 700};
    trim_count = 1;
    assert_string_equal(steps(), "L1000x800 C600x700+100+50 R100x117 K100x117/1 E100x117");
    o.trim.equal_h = o.trim.equal_v = true; /* 100 left, 300 right; 50 above and below */
    assert_string_equal(steps(), "L1000x800 C800x700+100+50 R100x88 K100x88/1 E100x88");
    trims[0] = (struct alb_rect){400, 100, 500, 700}; /* 400 left, 100 right; 100 above, none below */
    assert_string_equal(steps(), "L1000x800 C800x800+100+0 R100x100 K100x100/1 E100x100");
    trims[0] = (struct alb_rect){0, 0, 0, 0}; /* nothing but ground */
    assert_string_equal(steps(), "L1000x800 R100x80 K100x80/1 E100x80");
    o.trim.equal_h = o.trim.equal_v = false;
    trims[0] = (struct alb_rect){100, 50, 600, 700};
    o.crop = (struct alb_crop){true, 300, 350, {ALB_GRAVITY_NORTH_WEST, 0, 0}, 0, false};
    assert_string_equal(steps(), "L1000x800 C300x350+100+50 R100x117 K100x117/1 E100x117"); /* one cut */
    trims[0] = (struct alb_rect){100, 50, 901, 700};
    expect_code(ALB_E_INVALID);
    trims[0] = (struct alb_rect){1001, 50, 1, 1};
    expect_code(ALB_E_INVALID);
    trims[0] = (struct alb_rect){0, 801, 1, 1};
    expect_code(ALB_E_INVALID);
    trims[0] = (struct alb_rect){0, 50, 1, 751};
    expect_code(ALB_E_INVALID);
}

static void test_trim_of_other_kinds(void **state)
{
    (void)state;
    fresh(ALB_TYPE_GIF, 100, 80); /* frames are not trimmed: each would get another size */
    h[0].animated = true;
    h[0].pages = 3;
    o.trim.on = true;
    o.frames = 3;
    o.output.format = ALB_FORMAT_WEBP;
    assert_string_equal(steps(), "L100x80 K100x80/1 E100x80");
    fresh(ALB_TYPE_SVG, 100, 80); /* drawn at its natural size, and pixels from there on */
    o.trim.on = true;
    o.width = 400;
    assert_string_equal(steps(), "L100x80 N100x80");
    trim_count = 1;
    trims[0] = (struct alb_rect){10, 10, 50, 40};
    assert_string_equal(steps(), "L100x80 C50x40+10+10 K50x40/1 E50x40");
    limits.source_pixels = 2000; /* above which it is drawn smaller */
    trim_count = 0;
    assert_string_equal(steps(), "L50x40 N50x40");
    fresh(ALB_TYPE_NEF, 100, 80);
    h[0].raw_width = 200;
    h[0].raw_height = 160;
    o.trim.on = true;
    expect_code(ALB_OK);
    assert_int_equal(step(ALB_STEP_LOAD)->u.load.how, ALB_LOAD_DEVELOP);
}

/* ---- chains ---- */

static void test_chain(void **state)
{
    static struct alb_plan_options second;
    (void)state;
    fresh(ALB_TYPE_JPEG, 1000, 800);
    h[0].orientation = 6;
    alb_plan_options_init(&second);
    o.width = 400; /* the file says a quarter, and another one: upside down */
    o.turn = 90;
    o.next = &second;
    second.trim.on = true;
    second.crop = (struct alb_crop){true, 100, 50, {ALB_GRAVITY_CENTRE, 0, 0}, 0, false};
    second.extend.on = true;
    second.width = 200;
    second.height = 200;
    second.flatten = true;
    assert_string_equal(steps(), "L500x400 R400x320 K400x320/1 T400x320/3 N400x320");
    trim_count = 1;
    trims[0] = (struct alb_rect){20, 10, 300, 200};
    assert_string_equal(
        steps(), "L500x400 R400x320 K400x320/1 T400x320/3 C100x50+120+86 G200x200+50+76 F200x200 E200x200");
    second.trim.on = false;
    second.next = NULL;
    second.turn = 90;
    second.extend.on = false;
    second.crop.on = false;
    second.flatten = false;
    assert_string_equal(steps(), "L500x400 R400x320 K400x320/1 T400x320/3 R200x160 T160x200/6 E160x200");
}

/* ---- canvases ---- */

static void test_canvases(void **state)
{
    (void)state;
    fresh(ALB_TYPE_PNG, 200, 100);
    o.width = 50;
    o.height = 50;
    o.extend = (struct alb_extend){true, {ALB_GRAVITY_SOUTH, 0, 5}};
    o.padding[0] = 1;
    o.padding[3] = 2;
    assert_string_equal(steps(), "L200x100 R50x25 K50x25/1 G52x51+2+21 E52x51"); /* one canvas */
    o.output.format = ALB_FORMAT_JPEG;
    assert_string_equal(steps(), "L200x100 R50x25 K50x25/1 G52x51+2+21 F52x51 E52x51");
    o.background_alpha = 0.5; /* JPEG has none */
    assert_string_equal(steps(), "L200x100 R50x25 K50x25/1 G52x51+2+21 F52x51 E52x51");
    assert_true(step(ALB_STEP_FLATTEN)->u.flatten.alpha >= 1);
    o.output.format = ALB_FORMAT_PNG;
    o.flatten = true;
    expect_code(ALB_OK);
    assert_true(step(ALB_STEP_FLATTEN)->u.flatten.alpha < 1);
    fresh(ALB_TYPE_PNG, 200, 100);
    o.width = 100;
    o.height = 100;
    o.extend_aspect = (struct alb_extend){true, {ALB_GRAVITY_NORTH, 0, 0}};
    assert_string_equal(steps(), "L200x100 R100x50 K100x50/1 G100x100+0+0 E100x100");
    limits.result_pixels = 9999;
    expect_code(ALB_E_TOO_LARGE);
    alb_plan_limits_default(&limits);
    o.extend_aspect.on = false;
    o.padding[1] = 100000000;
    expect_code(ALB_E_TOO_LARGE);
}

/* ---- loading ---- */

static void test_loading(void **state)
{
    (void)state;
    fresh(ALB_TYPE_HEIC, 4000, 3000);
    h[0].thumb_width = 320;
    h[0].thumb_height = 240;
    o.width = 320;
    assert_string_equal(steps(), "L320x240 K320x240/1 E320x240");
    assert_int_equal(step(ALB_STEP_LOAD)->u.load.how, ALB_LOAD_THUMBNAIL);
    o.width = 321; /* it is too small */
    expect_code(ALB_OK);
    assert_int_equal(step(ALB_STEP_LOAD)->u.load.how, ALB_LOAD_FULL);
    o.embedded = true; /* whatever its size */
    assert_string_equal(steps(), "L320x240 K320x240/1 E320x240");
    o.embedded = false;
    o.width = 300;
    o.shrink_margin = 1700;
    expect_code(ALB_OK);
    assert_int_equal(step(ALB_STEP_LOAD)->u.load.how, ALB_LOAD_FULL);
    fresh(ALB_TYPE_TIFF, 4001, 3000);
    h[0].halvings = 5;
    h[0].pages = 6;
    o.width = 500;
    assert_string_equal(steps(),
                        "L1000x750 R500x375 K500x375/1 E500x375"); /* 500.125 would be a bit too far */
    assert_int_equal(step(ALB_STEP_LOAD)->u.load.page, 2);
    o.page = 1;
    expect_code(ALB_OK);
    assert_int_equal(step(ALB_STEP_LOAD)->u.load.how, ALB_LOAD_FULL);
    assert_int_equal(step(ALB_STEP_LOAD)->u.load.page, 1);
    fresh(ALB_TYPE_JPEG, 4000, 3000);
    o.width = 400;
    o.shrink_margin = ALB_SHRINK_NEVER;
    assert_string_equal(steps(), "L4000x3000 R400x300 K400x300/1 E400x300");
    o.shrink_margin = 0;
    o.crop = (struct alb_crop){true, 2001, 1501, {ALB_GRAVITY_NORTH_WEST, 101, 0.25}, 0, false};
    assert_string_equal(steps(), "L1000x750 C500x375+25+188 R400x300 K400x300/1 E400x300");
    o.crop.at.kind = ALB_GRAVITY_SMART;
    assert_string_equal(steps(), "L1000x750 S500x375 R400x300 K400x300/1 E400x300");
    o.crop.on = false;
    o.fit = ALB_FIT_COVER;
    o.height = 400;
    o.gravity.kind = ALB_GRAVITY_SMART;
    o.turn = 90;
    assert_string_equal(steps(), "L1000x750 R533x400 S400x400 K400x400/1 T400x400/6 E400x400");
}

static void test_linear_and_deep(void **state)
{
    (void)state;
    fresh(ALB_TYPE_PNG, 400, 300);
    h[0].bits = 16;
    o.width = 200;
    o.linear = true;
    assert_string_equal(steps(), "L400x300 K400x300/2 R200x150 K200x150/3 K200x150/1 E200x150");
    assert_false(p.steps[4].u.colour.deep);
    o.output.deep = true;
    expect_code(ALB_OK);
    assert_true(p.steps[4].u.colour.deep);
    o.output.format = ALB_FORMAT_JPEG;
    expect_code(ALB_OK);
    assert_false(p.steps[4].u.colour.deep);
    o.linear = false;
    o.output.profile = ALB_PROFILE_KEEP;
    assert_string_equal(steps(), "L400x300 R200x150 K200x150/0 E200x150");
    h[0].bits = 8;
    assert_string_equal(steps(), "L400x300 R200x150 E200x150");
}

static void test_pages(void **state)
{
    (void)state;
    fresh(ALB_TYPE_PDF, 100, 50);
    h[0].pages = 5;
    o.pages = 3;
    o.page = 3; /* two are left: first, how large are they? */
    assert_string_equal(steps(), "L100x100 N100x100");
    assert_true(step(ALB_STEP_FIND_TRIM)->u.find_trim.size_only);
    assert_int_equal(step(ALB_STEP_LOAD)->u.load.pages, 2);
    assert_true(p.fonts);
    trim_count = 1;
    trims[0] = (struct alb_rect){0, 0, 120, 130};
    assert_string_equal(steps(), "L120x130 K120x130/1 E120x130");
    assert_int_equal(step(ALB_STEP_LOAD)->u.load.page, 3);
    assert_int_equal(step(ALB_STEP_LOAD)->u.load.source_height, 130);
    o.width = 60; /* a vector is drawn at its size */
    o.fit = ALB_FIT_INSIDE;
    assert_string_equal(steps(), "L60x65 K60x65/1 E60x65");
    trims[0].height = 0;
    expect_code(ALB_E_INVALID);
    trims[0].height = UINT32_MAX;
    expect_code(ALB_E_TOO_LARGE);
    o.trim.on = true; /* what a trim found comes behind it */
    trims[0].height = 130;
    assert_string_equal(steps(), "L120x130 N120x130");
    trim_count = 2;
    trims[1] = (struct alb_rect){10, 10, 60, 30};
    assert_string_equal(steps(), "L120x130 C60x30+10+10 K60x30/1 E60x30");
    fresh(ALB_TYPE_GIF, 100, 50);
    h[0].pages = 5;
    h[0].animated = true;
    o.frames = 3;
    o.output.format = ALB_FORMAT_GIF;
    o.page = 1; /* what moves, moves from its beginning, and has no pages */
    o.pages = 2;
    assert_string_equal(steps(), "L100x50 K100x50/1 E100x50");
    assert_int_equal(step(ALB_STEP_LOAD)->u.load.pages, 3);
    assert_int_equal(step(ALB_STEP_LOAD)->u.load.page, 0);
    assert_true(step(ALB_STEP_ENCODE)->u.encode.animate);
    trim_count = 0;
    limits.animation_pixels = 14999;
    expect_code(ALB_E_TOO_LARGE);
    limits.frame_pixels = 5000; /* then the sum does not count */
    expect_code(ALB_OK);
    limits.frame_pixels = 4999;
    expect_code(ALB_E_TOO_LARGE);
    o.output.format = ALB_FORMAT_PNG; /* a still: now its frames are pages, all of one size */
    assert_string_equal(steps(), "L100x100 K100x100/1 E100x100");
    assert_int_equal(step(ALB_STEP_LOAD)->u.load.page, 1);
    assert_int_equal(step(ALB_STEP_LOAD)->u.load.pages, 2);
    fresh(ALB_TYPE_TIFF, 1000, 1000);
    h[0].pages = 500;
    o.pages = 400;
    expect_code(ALB_E_TOO_LARGE);
}

/* ---- frames of videos ---- */

struct tiles_case {
    uint32_t width, height;
    uint8_t orientation;
    struct alb_tiles t;
    struct alb_plan_tiles laid;
    uint32_t sheet_width, sheet_height;
};

static void tiles_alike(size_t i, const struct alb_plan_tiles *a, const struct alb_plan_tiles *b)
{
    if (a->columns != b->columns || a->rows != b->rows || a->cell_width != b->cell_width ||
        a->cell_height != b->cell_height || a->inner_width != b->inner_width ||
        a->inner_height != b->inner_height || a->left != b->left || a->top != b->top ||
        memcmp(&a->part, &b->part, sizeof(a->part)) != 0)
        fail_msg("case %zu: cell %ux%u, frame %ux%u at %u,%u, part %ux%u at %u,%u", i, a->cell_width,
                 a->cell_height, a->inner_width, a->inner_height, a->left, a->top, a->part.width,
                 a->part.height, a->part.left, a->part.top);
}

#define TILES(c, r, w, h, ...)                                                                               \
    {.step = 1, .columns = (c), .rows = (r), .width = (w), .height = (h), __VA_ARGS__}
#define LAID(c, r, pl, pt, pw, ph, cw, ch, iw, ih, l, t)                                                     \
    {.columns = (c),                                                                                         \
     .rows = (r),                                                                                            \
     .part = {(pl), (pt), (pw), (ph)},                                                                       \
     .cell_width = (cw),                                                                                     \
     .cell_height = (ch),                                                                                    \
     .inner_width = (iw),                                                                                    \
     .inner_height = (ih),                                                                                   \
     .left = (l),                                                                                            \
     .top = (t)}

static void test_tiles(void **state)
{
    static const struct tiles_case cases[] = {
        {1600, 900, 1, TILES(4, 2, 160, 90, 0), LAID(4, 2, 0, 0, 1600, 900, 160, 90, 160, 90, 0, 0), 640,
         180},
        {1600, 900, 1, TILES(4, 2, 160, 160, 0), LAID(4, 2, 0, 0, 1600, 900, 160, 90, 160, 90, 0, 0), 640,
         180},
        {1600, 900, 1, TILES(4, 2, 160, 160, .extend = true),
         LAID(4, 2, 0, 0, 1600, 900, 160, 160, 160, 90, 0, 36), 640, 320},
        {1600, 900, 6, TILES(1, 2, 90, 160, 0), LAID(1, 2, 0, 0, 900, 1600, 90, 160, 90, 160, 0, 0), 90, 320},
        {1600, 800, 1, TILES(2, 2, 100, 100, .fill = true, .focus_x = 0.5, .focus_y = 0.5),
         LAID(2, 2, 400, 0, 800, 800, 100, 100, 100, 100, 0, 0), 200, 200},
        {1600, 800, 1, TILES(2, 2, 100, 100, .fill = true, .focus_x = 1, .focus_y = 0),
         LAID(2, 2, 800, 0, 800, 800, 100, 100, 100, 100, 0, 0), 200, 200},
        {40, 20, 1, TILES(1, 1, 80, 80, 0), LAID(1, 1, 0, 0, 40, 20, 80, 40, 80, 40, 0, 0), 80, 40},
        {60000, 1, 1, TILES(1, 1, 80, 80, 0), LAID(1, 1, 0, 0, 60000, 1, 80, 1, 80, 1, 0, 0), 80, 1},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        fresh(ALB_TYPE_MP4, cases[i].width, cases[i].height);
        h[0].orientation = cases[i].orientation;
        o.sheet = cases[i].t;
        expect_code(ALB_OK);
        tiles_alike(i, &p.steps[0].u.load.tiles, &cases[i].laid);
        assert_int_equal(p.width, cases[i].sheet_width);
        assert_int_equal(p.height, cases[i].sheet_height);
        assert_int_equal(alb_plan_check(&p, NULL), ALB_OK);
    }
}

/* What a worker must not be told. */
static void test_bad_tiles(void **state)
{
    (void)state;
    fresh(ALB_TYPE_MP4, 1600, 900);
    o.sheet = (struct alb_tiles)TILES(4, 2, 160, 160, .extend = true);
    expect_code(ALB_OK);
    static struct alb_plan bad;
    struct alb_plan_tiles *t = &bad.steps[0].u.load.tiles;
#define BAD(change)                                                                                          \
    do {                                                                                                     \
        bad = p;                                                                                             \
        change;                                                                                              \
        if (alb_plan_check(&bad, NULL) != ALB_E_INVALID)                                                     \
            fail_msg("line %d: %s", __LINE__, #change);                                                      \
    } while (0)
    BAD(t->columns = 5);
    BAD(t->columns = UINT32_MAX);
    BAD(t->rows = 0);
    BAD(t->of = 0);
    BAD(t->step = 2e9);
    BAD(t->orientation = 9);
    BAD(t->delay = 60001);
    BAD(t->left = 1);
    BAD(t->top = UINT32_MAX);
    BAD(t->inner_width = 0);
    BAD(t->inner_height = 161);
    BAD(t->cell_width = 159);
    BAD(t->part.width = 0);
    BAD(t->part.top = UINT32_MAX);
    BAD(bad.steps[0].u.load.pages = 2);
    BAD(bad.steps[0].u.load.type = ALB_TYPE_PNG);
#undef BAD
}

/* What moves is the film where it can; bounds hold before anything is decoded. */
static void test_film(void **state)
{
    (void)state;
    fresh(ALB_TYPE_MP4, 1600, 900);
    o.film = (struct alb_tiles)TILES(5, 1, 160, 90, .delay = 40);
    o.output.format = ALB_FORMAT_WEBP;
    expect_code(ALB_OK);
    assert_true(p.steps[0].u.load.animated && p.steps[0].u.load.pages == 5 && p.height == 90);
    o.output.format = ALB_FORMAT_JPEG;
    expect_code(ALB_OK);
    assert_true(p.steps[0].u.load.tiles.columns == 0 && p.width == 1600);
    o.sheet = (struct alb_tiles)TILES(100, 101, 1, 1, .extend = true);
    expect_code(ALB_E_TOO_LARGE);
    o.sheet = (struct alb_tiles)TILES(100, 100, 200, 200, .extend = true);
    expect_code(ALB_E_TOO_LARGE);
    o.sheet = (struct alb_tiles)TILES(100, 100, 20, 20, .extend = true);
    expect_code(ALB_OK);
    fresh(ALB_TYPE_PNG, 1600, 900);
    o.sheet = (struct alb_tiles)TILES(2, 2, 20, 20, 0);
    expect_code(ALB_OK);
    assert_int_equal(p.width, 1600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_crop_is_of_the_picture_as_shown),
        cmocka_unit_test(test_point_through_turns),
        cmocka_unit_test(test_trim),
        cmocka_unit_test(test_trim_of_other_kinds),
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_canvases),
        cmocka_unit_test(test_loading),
        cmocka_unit_test(test_linear_and_deep),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_bad_tiles),
        cmocka_unit_test(test_film),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
