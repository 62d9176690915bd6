/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps: which ones there are, in which order, with which numbers, rule by rule.
 */
#include "plan_simple.h"
#include "test.h"

static struct alb_plan_limits limits;
static struct alb_plan p;
static struct alb_plan_options o;
static struct alb_image_header h[ALB_PLAN_INPUTS];
static struct alb_rect trims[2];
static uint32_t trim_count, header_count;

/* A source of that size and options that want all of it as PNG. */
static void fresh(enum alb_type type, uint32_t width, uint32_t height)
{
    memset(h, 0, sizeof(h));
    for (int i = 0; i < ALB_PLAN_INPUTS; i++)
        h[i] = (struct alb_image_header){
            .type = type, .width = width, .height = height, .orientation = 1, .pages = 1, .bits = 8, .bytes = 1000};
    alb_plan_options_init(&o);
    alb_plan_limits_default(&limits);
    o.output.format = ALB_FORMAT_PNG;
    trim_count = 0;
    header_count = 1;
}

static enum alb_code try_make(struct alb_err *err)
{
    const struct alb_plan_ask ask = {h, header_count, &o, &limits, trims, trim_count};
    return alb_plan_make(&ask, &p, err);
}

static void expect_code(enum alb_code code)
{
    struct alb_err err = ALB_ERR_INIT;
    if (try_make(&err) != code)
        fail_msg("%d: %s", (int)err.code, err.msg);
}

/* The steps in short: letter, size, and what counts of each. */
static const char *steps(void)
{
    static char text[2048];
    struct alb_buf b = ALB_BUF_INIT(sizeof(text) - 1);
    expect_code(ALB_OK);
    assert_int_equal(alb_plan_check(&p, NULL), ALB_OK);
    for (uint32_t i = 0; i < p.count; i++) {
        const struct alb_plan_step *s = &p.steps[i];
        static const char letters[] = "?LRCTKFESGXMN";
        alb_buf_printf(&b, "%s%c%ux%u", i > 0 ? " " : "", letters[s->kind], s->width, s->height);
        if (s->kind == ALB_STEP_CROP || s->kind == ALB_STEP_CANVAS)
            alb_buf_printf(&b, "+%u+%u", s->u.crop.left, s->u.crop.top);
        if (s->kind == ALB_STEP_TURN)
            alb_buf_printf(&b, "/%u", s->u.turn.orientation);
        if (s->kind == ALB_STEP_COLOUR)
            alb_buf_printf(&b, "/%d", (int)s->u.colour.to);
        if (s->kind == ALB_STEP_EFFECT)
            alb_buf_printf(&b, "/%d", (int)s->u.effect.kind);
    }
    memcpy(text, alb_buf_cstr(&b), b.n + 1);
    alb_buf_fini(&b);
    return text;
}

static const struct alb_plan_step *step(enum alb_step_kind kind)
{
    for (uint32_t i = 0; i < p.count; i++) {
        if (p.steps[i].kind == kind)
            return &p.steps[i];
    }
    fail_msg("no step %d", (int)kind);
    return NULL;
}

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
    assert_string_equal(steps(), "L500x400 R400x320 K400x320/1 T400x320/3 C100x50+120+86 G200x200+50+76 F200x200 E200x200");
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
    assert_string_equal(steps(), "L1000x750 R500x375 K500x375/1 E500x375"); /* 500.125 would be a bit too far */
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
    o.page = 3; /* two are left */
    assert_string_equal(steps(), "L100x100 K100x100/1 E100x100");
    assert_int_equal(step(ALB_STEP_LOAD)->u.load.pages, 2);
    assert_true(p.fonts);
    fresh(ALB_TYPE_GIF, 100, 50);
    h[0].pages = 5;
    h[0].animated = true;
    o.frames = 3;
    o.output.format = ALB_FORMAT_GIF;
    o.page = 1;
    assert_string_equal(steps(), "L100x50 K100x50/1 E100x50");
    assert_int_equal(step(ALB_STEP_LOAD)->u.load.pages, 3);
    assert_int_equal(step(ALB_STEP_LOAD)->u.load.page, 1);
    assert_true(step(ALB_STEP_ENCODE)->u.encode.animate);
    limits.animation_pixels = 14999;
    expect_code(ALB_E_TOO_LARGE);
    limits.frame_pixels = 5000; /* then the sum does not count */
    expect_code(ALB_OK);
    limits.frame_pixels = 4999;
    expect_code(ALB_E_TOO_LARGE);
    o.output.format = ALB_FORMAT_PNG;
    expect_code(ALB_OK); /* a still */
    fresh(ALB_TYPE_TIFF, 1000, 1000);
    h[0].pages = 500;
    o.pages = 400;
    expect_code(ALB_E_TOO_LARGE);
}

/* ---- effects and marks ---- */

static void test_effects(void **state)
{
    static struct alb_effect e[12];
    (void)state;
    fresh(ALB_TYPE_PNG, 400, 300);
    memset(e, 0, sizeof(e));
    o.effects = e;
    o.effect_count = 9;
    e[0] = (struct alb_effect){.kind = ALB_EFFECT_BLUR, .amount = 0}; /* nothing, like the next ones */
    e[1] = (struct alb_effect){.kind = ALB_EFFECT_PIXELATE, .amount = 1};
    e[2] = (struct alb_effect){.kind = ALB_EFFECT_CONTRAST, .amount = 1};
    e[3] = (struct alb_effect){.kind = ALB_EFFECT_SATURATION, .amount = 1};
    e[4] = (struct alb_effect){.kind = ALB_EFFECT_BRIGHTNESS, .amount = 0};
    e[5] = (struct alb_effect){
        .kind = ALB_EFFECT_BLUR, .amount = 2, .left = 1, .top = 0, .width = 0.5, .height = 1}; /* outside */
    e[6] = (struct alb_effect){
        .kind = ALB_EFFECT_BLUR, .amount = 2, .left = 0.5, .top = 0.25, .width = 0.75, .height = 0.5};
    e[7] = (struct alb_effect){.kind = ALB_EFFECT_PIXELATE, .amount = 9999.5};
    e[8] = (struct alb_effect){.kind = ALB_EFFECT_UNSHARP, .amount = 0, .amount2 = 24};
    assert_string_equal(steps(), "L400x300 K400x300/1 X400x300/0 X400x300/3 X400x300/2 E400x300");
    const struct alb_rect *a = &p.steps[2].u.effect.area;
    assert_true(a->left == 200 && a->top == 75 && a->width == 200 && a->height == 150);
    assert_true(p.steps[3].u.effect.amount < 400.5 && p.steps[3].u.effect.amount > 399.5);
}

static void test_marks(void **state)
{
    static struct alb_effect e[2];
    (void)state;
    fresh(ALB_TYPE_PNG, 400, 300);
    h[1] = (struct alb_image_header){
        .type = ALB_TYPE_JPEG, .width = 1600, .height = 800, .orientation = 6, .pages = 1, .bits = 8};
    header_count = 2;
    o.dpr = 2;
    o.enlarge = true;
    o.width = 200;
    o.overlays = e;
    o.overlay_count = 1;
    e[0] = (struct alb_effect){
        .kind = ALB_EFFECT_WATERMARK,
        .mark = {.input = 1, .opacity = 0.5, .at = {ALB_GRAVITY_SOUTH_EAST, 7, -0.1}, .scale = 0.25, .rotate = 30}};
    assert_string_equal(steps(), "L400x300 K400x300/1 M400x300 E400x300");
    const struct alb_plan_step *m = step(ALB_STEP_MARK);
    assert_int_equal(m->u.mark.width, 38); /* 800 x 1600 as shown, inside 100 x 75 */
    assert_int_equal(m->u.mark.height, 75);
    assert_int_equal(m->u.mark.eighths, 1);
    assert_int_equal(m->u.mark.orientation, 6);
    assert_int_equal((int)m->u.mark.at.x, 14);
    assert_int_equal((int)m->u.mark.at.y, -30);
    assert_false(p.fonts);
    e[0].mark.tiling = ALB_TILING_REPEAT; /* offsets are distances */
    expect_code(ALB_OK);
    assert_int_equal(step(ALB_STEP_MARK)->u.mark.gap_x, 14);
    assert_int_equal(step(ALB_STEP_MARK)->u.mark.gap_y, 0);
    e[0].mark.scale = 0; /* its own size */
    expect_code(ALB_OK);
    assert_int_equal(step(ALB_STEP_MARK)->u.mark.width, 800);
    e[0].mark.width = 10;
    expect_code(ALB_OK);
    assert_int_equal(step(ALB_STEP_MARK)->u.mark.height, 20);
    header_count = 1;
    expect_code(ALB_E_INVALID);
    header_count = 2;
    h[1].width = 0;
    expect_code(ALB_E_UNPROCESSABLE);
    h[1].width = h[1].height = 60000;
    expect_code(ALB_E_TOO_LARGE);
    h[1].width = h[1].height = 64;
    h[1].type = ALB_TYPE_SVG;
    expect_code(ALB_OK);
    assert_true(p.fonts);
    e[0].mark.opacity = 0;
    assert_string_equal(steps(), "L400x300 K400x300/1 E400x300");
}

static void test_texts(void **state)
{
    static struct alb_effect e[ALB_EFFECTS_MAX];
    static char words[ALB_MARK_TEXT_MAX];
    (void)state;
    fresh(ALB_TYPE_SVG, 400, 300);
    memset(words, 'w', sizeof(words));
    o.style = ALB_STR("a{}");
    o.overlays = e;
    o.overlay_count = 2;
    for (int i = 0; i < ALB_EFFECTS_MAX; i++)
        e[i] = (struct alb_effect){.kind = ALB_EFFECT_WATERMARK, .mark = {.text = ALB_STR("hello"), .opacity = 1}};
    e[1].mark.text = ALB_STR("world");
    e[1].mark.width = 50;
    expect_code(ALB_OK);
    assert_true(p.fonts);
    assert_memory_equal(p.texts, "a{}helloworld", 13);
    const struct alb_plan_step *m = step(ALB_STEP_MARK);
    assert_int_equal(m->u.mark.text.at, 3);
    assert_int_equal(m->u.mark.width, 0);
    assert_true(m[1].u.mark.width == 50 && m[1].u.mark.height == 300);
    e[0].mark.scale = 0.5;
    expect_code(ALB_OK);
    assert_int_equal(step(ALB_STEP_MARK)->u.mark.width, 200);
    o.overlay_count = ALB_EFFECTS_MAX; /* more words than a plan has room for */
    for (int i = 0; i < ALB_EFFECTS_MAX; i++)
        e[i].mark.text = alb_str_n(words, sizeof(words));
    expect_code(ALB_E_INVALID);
}

static void test_too_many_steps(void **state)
{
    static struct alb_effect e[ALB_EFFECTS_MAX];
    static struct alb_plan_options second, third;
    (void)state;
    fresh(ALB_TYPE_PNG, 40, 30);
    for (int i = 0; i < ALB_EFFECTS_MAX; i++)
        e[i] = (struct alb_effect){.kind = ALB_EFFECT_BLUR, .amount = 1};
    o.effects = o.overlays = e;
    o.effect_count = ALB_EFFECTS_MAX;
    o.overlay_count = ALB_EFFECTS_MAX - 3;
    expect_code(ALB_OK);
    assert_int_equal(p.count, ALB_PLAN_STEPS);
    second = third = o;
    o.next = &second;
    second.next = &third;
    expect_code(ALB_E_INVALID);
}

/* ---- formats ---- */

static void test_automatic(void **state)
{
    (void)state;
    fresh(ALB_TYPE_JPEG, 100, 100);
    o.output.automatic[0] = ALB_FORMAT_JXL;
    o.output.automatic[1] = ALB_FORMAT_WEBP;
    expect_code(ALB_OK);
    assert_int_equal(p.format, ALB_FORMAT_JXL); /* before what was asked for */
    h[0].pages = 3;
    h[0].animated = true;
    o.frames = 9;
    expect_code(ALB_OK);
    assert_int_equal(p.format, ALB_FORMAT_WEBP); /* frames: neither AVIF nor JXL */
    fresh(ALB_TYPE_PNG, 100, 100);
    o.output.format = ALB_FORMAT_SAME;
    o.output.keep = 0;
    expect_code(ALB_OK);
    assert_int_equal(p.format, ALB_FORMAT_JPEG); /* the first preferred */
    o.padding[0] = 1;
    expect_code(ALB_OK);
    assert_int_equal(p.format, ALB_FORMAT_PNG); /* the first with transparency */
    o.flatten = true;
    expect_code(ALB_OK);
    assert_int_equal(p.format, ALB_FORMAT_JPEG);
    o.background_alpha = 0.5;
    expect_code(ALB_OK);
    assert_int_equal(p.format, ALB_FORMAT_PNG);
    memset(o.output.preferred, 0, sizeof(o.output.preferred));
    expect_code(ALB_OK);
    assert_int_equal(p.format, ALB_FORMAT_JPEG);
    o.output.preferred[0] = ALB_FORMAT_BMP;
    h[0].pages = 2;
    h[0].animated = true;
    o.frames = 2;
    expect_code(ALB_OK);
    assert_int_equal(p.format, ALB_FORMAT_BMP); /* none holds frames: the first, with one frame */
}

static void test_best(void **state)
{
    const uint16_t all = ALB_FORMAT_BIT(ALB_FORMAT_JPEG) | ALB_FORMAT_BIT(ALB_FORMAT_AVIF) |
                         ALB_FORMAT_BIT(ALB_FORMAT_WEBP) | ALB_FORMAT_BIT(ALB_FORMAT_PNG);
    (void)state;
    fresh(ALB_TYPE_PNG, 100, 100);
    o.output.best = all;
    expect_code(ALB_OK);
    assert_int_equal(p.format, ALB_FORMAT_SAME);
    assert_int_equal(step(ALB_STEP_ENCODE)->u.encode.output.best, all);
    assert_int_equal(step(ALB_STEP_ENCODE)->u.encode.output.quality[ALB_FORMAT_AVIF], 63);
    h[0].alpha = true;
    expect_code(ALB_OK);
    assert_int_equal(step(ALB_STEP_ENCODE)->u.encode.output.best, all & ~ALB_FORMAT_BIT(ALB_FORMAT_JPEG));
    h[0].height = 15; /* no AVIF */
    o.output.best = ALB_FORMAT_BIT(ALB_FORMAT_AVIF) | ALB_FORMAT_BIT(ALB_FORMAT_WEBP);
    expect_code(ALB_OK);
    assert_int_equal(p.format, ALB_FORMAT_WEBP); /* the only one: nothing to choose */
    o.output.best = ALB_FORMAT_BIT(ALB_FORMAT_AVIF);
    expect_code(ALB_OK);
    assert_int_equal(p.format, ALB_FORMAT_PNG); /* none: as without it */
}

static void test_quality(void **state)
{
    (void)state;
    fresh(ALB_TYPE_PNG, 100, 100);
    o.output.format = ALB_FORMAT_WEBP;
    expect_code(ALB_OK);
    assert_int_equal(step(ALB_STEP_ENCODE)->u.encode.output.quality[ALB_FORMAT_WEBP], 79);
    o.output.quality[ALB_FORMAT_SAME] = 33;
    expect_code(ALB_OK);
    assert_int_equal(step(ALB_STEP_ENCODE)->u.encode.output.quality[ALB_FORMAT_WEBP], 33);
    o.output.quality[ALB_FORMAT_WEBP] = 44;
    expect_code(ALB_OK);
    assert_int_equal(step(ALB_STEP_ENCODE)->u.encode.output.quality[ALB_FORMAT_WEBP], 44);
    o.output.format = ALB_FORMAT_AVIF; /* frames that are too small for it */
    h[0] = (struct alb_image_header){
        .type = ALB_TYPE_GIF, .width = 10, .height = 10, .orientation = 1, .pages = 2, .animated = true, .bits = 8};
    o.frames = 2;
    expect_code(ALB_OK);
    assert_int_equal(p.format, ALB_FORMAT_WEBP);
}

/* ---- what it costs ---- */

static uint64_t cost(void)
{
    expect_code(ALB_OK);
    return p.memory;
}

static void test_memory(void **state)
{
    (void)state;
    fresh(ALB_TYPE_JPEG, 4000, 3000);
    o.width = 500;
    uint64_t small = cost();
    h[0].progressive = true; /* is held whole */
    assert_true(cost() >= small + 4000u * 3000u * 6u);
    h[0].progressive = false;
    o.width = 0;
    o.output.format = ALB_FORMAT_AVIF;
    assert_true(cost() >= 4000u * 3000u * 20u);
    uint64_t avif = cost();
    o.output.format = ALB_FORMAT_JXL;
    assert_true(cost() >= 4000u * 3000u * 42u);
    o.output.format = ALB_FORMAT_AVIF;
    o.output.max_bytes = 1000;
    assert_true(cost() > avif);
    o.output.autoquality = ALB_AUTOQUALITY_DSSIM;
    o.output.target = 0.1;
    o.output.least = 1;
    o.output.most = 100;
    assert_true(cost() > avif + 4000u * 3000u * 30u);
    limits.memory = avif;
    expect_code(ALB_E_TOO_LARGE);
    fresh(ALB_TYPE_HEIC, 4000, 3000);
    h[0].thumb_width = 400;
    h[0].thumb_height = 300;
    o.width = 300;
    uint64_t thumb = cost();
    h[0].thumb_width = h[0].thumb_height = 0;
    assert_true(cost() > thumb + 4000u * 3000u * 6u);
    o.trim.on = true;
    assert_true(cost() > 4000u * 3000u * 14u);
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
        cmocka_unit_test(test_effects),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_too_many_steps),
        cmocka_unit_test(test_automatic),
        cmocka_unit_test(test_best),
        cmocka_unit_test(test_quality),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
