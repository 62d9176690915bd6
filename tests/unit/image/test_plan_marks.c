/* SPDX-License-Identifier: Apache-2.0
 *
 * Effects, marks, formats and cost of plans, rule by rule.
 */
#include "plan_world.h"

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
    e[0] = (struct alb_effect){.kind = ALB_EFFECT_WATERMARK,
                               .mark = {.input = 1,
                                        .opacity = 0.5,
                                        .at = {ALB_GRAVITY_SOUTH_EAST, 7, -0.1},
                                        .scale = 0.25,
                                        .rotate = 30}};
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
        e[i] = (struct alb_effect){.kind = ALB_EFFECT_WATERMARK,
                                   .mark = {.text = ALB_STR("hello"), .opacity = 1}};
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
    o.overlay_count = ALB_EFFECTS_MAX;
    second = third = o;
    o.overlay_count -= 3;
    o.next = &second;
    expect_code(ALB_OK);
    assert_int_equal(p.count, ALB_PLAN_STEPS);
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
    fresh(ALB_TYPE_PNG, 100,
          50); /* a canvas for the aspect alone makes no format expect transparency, but there is some */
    o.width = o.height = 100;
    o.extend_aspect.on = true;
    o.output.best = ALB_FORMAT_BIT(ALB_FORMAT_JPEG) | ALB_FORMAT_BIT(ALB_FORMAT_WEBP);
    expect_code(ALB_OK);
    assert_int_equal(p.format, ALB_FORMAT_WEBP);
    o.flatten = true;
    expect_code(ALB_OK);
    assert_int_equal(p.format, ALB_FORMAT_SAME);
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
    h[0] = (struct alb_image_header){.type = ALB_TYPE_GIF,
                                     .width = 10,
                                     .height = 10,
                                     .orientation = 1,
                                     .pages = 2,
                                     .animated = true,
                                     .bits = 8};
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
        cmocka_unit_test(test_effects),        cmocka_unit_test(test_marks),     cmocka_unit_test(test_texts),
        cmocka_unit_test(test_too_many_steps), cmocka_unit_test(test_automatic), cmocka_unit_test(test_best),
        cmocka_unit_test(test_quality),        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
