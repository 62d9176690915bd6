/* SPDX-License-Identifier: Apache-2.0
 *
 * The check of plans: a plan with every kind of step is good, and no value of it can be wrong unseen; whole or as
 * bytes.
 */
#include <math.h>

#include "plan_simple.h"
#include "test.h"

static struct alb_plan good, bad;

static void make_good(void)
{
    static struct alb_effect effects[1], overlays[2];
    static struct alb_image_header h[2];
    struct alb_plan_options o;
    struct alb_plan_limits limits;
    h[0] = (struct alb_image_header){.type = ALB_TYPE_JPEG,
                                     .width = 800,
                                     .height = 600,
                                     .orientation = 6,
                                     .pages = 1,
                                     .bits = 8,
                                     .bytes = 1000};
    h[1] = h[0];
    alb_plan_options_init(&o);
    alb_plan_limits_default(&limits);
    effects[0] = (struct alb_effect){.kind = ALB_EFFECT_BLUR,
                                     .amount = 2,
                                     .left = 0.25,
                                     .top = 0.25,
                                     .width = 0.5,
                                     .height = 0.5,
                                     .stop = 1};
    overlays[0] =
        (struct alb_effect){.kind = ALB_EFFECT_WATERMARK, .mark = {.text = ALB_STR("word"), .opacity = 1}};
    overlays[1] =
        (struct alb_effect){.kind = ALB_EFFECT_WATERMARK, .mark = {.input = 1, .opacity = 1, .scale = 0.5}};
    o.crop = (struct alb_crop){true, 500, 700, {ALB_GRAVITY_CENTRE, 0, 0}, 0, false};
    o.fit = ALB_FIT_COVER;
    o.width = o.height = 100;
    o.gravity.kind = ALB_GRAVITY_SMART;
    o.effects = effects;
    o.overlays = overlays;
    o.effect_count = 1;
    o.overlay_count = 2;
    o.padding[0] = 3;
    o.output.format = ALB_FORMAT_JPEG;
    const struct alb_plan_ask ask = {.headers = h, .header_count = 2, .options = &o, .limits = &limits};
    assert_int_equal(alb_plan_make(&ask, &good, NULL), ALB_OK);
    assert_int_equal(alb_plan_check(&good, NULL), ALB_OK);
}

static struct alb_plan_step *of(struct alb_plan *p, enum alb_step_kind kind, unsigned nth)
{
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->steps[i].kind == kind && nth-- == 0)
            return &p->steps[i];
    }
    fail_msg("no step %d", (int)kind);
    return NULL;
}

static void refused(const char *what, int line)
{
    struct alb_buf b = ALB_BUF_INIT(ALB_PLAN_PACKED_MAX);
    static struct alb_plan back;
    if (alb_plan_check(&bad, NULL) != ALB_E_INVALID)
        fail_msg("line %d: %s", line, what);
    alb_plan_pack(&bad, &b); /* what cannot be written is not what is meant: never a crash */
    if (alb_plan_unpack(alb_buf_view(&b), &back, NULL) == ALB_OK)
        assert_int_equal(alb_plan_check(&back, NULL), ALB_OK);
    alb_buf_fini(&b);
}

#define BAD(kind, nth, field, value)                                                                         \
    do {                                                                                                     \
        bad = good;                                                                                          \
        of(&bad, (kind), (nth))->field = (value);                                                            \
        refused(#kind " " #field " " #value, __LINE__);                                                      \
    } while (0)

static void test_load(void **state)
{
    (void)state;
    BAD(ALB_STEP_LOAD, 0, u.load.type, ALB_TYPE_COUNT);
    BAD(ALB_STEP_LOAD, 0, u.load.type, ALB_TYPE_XMP);
    BAD(ALB_STEP_LOAD, 0, u.load.type, ALB_TYPE_UNKNOWN);
    BAD(ALB_STEP_LOAD, 0, u.load.how, ALB_LOAD_HOW_COUNT);
    BAD(ALB_STEP_LOAD, 0, u.load.how, ALB_LOAD_FULL); /* with eighths */
    BAD(ALB_STEP_LOAD, 0, u.load.eighths, 0);
    BAD(ALB_STEP_LOAD, 0, u.load.eighths, 9);
    BAD(ALB_STEP_LOAD, 0, u.load.source_width, 0);
    BAD(ALB_STEP_LOAD, 0, u.load.source_height, 0);
    BAD(ALB_STEP_LOAD, 0, u.load.style.at, 5);
    BAD(ALB_STEP_LOAD, 0, u.load.style.n, 5);
    BAD(ALB_STEP_LOAD, 0, u.load.video_second, NAN);
    BAD(ALB_STEP_LOAD, 0, u.load.video_second, -1);
    BAD(ALB_STEP_LOAD, 0, u.load.pages, 0);
    BAD(ALB_STEP_LOAD, 0, u.load.pages, 100001);
    BAD(ALB_STEP_LOAD, 0, u.load.page, 1000001);
    BAD(ALB_STEP_LOAD, 0, u.load.animated, true); /* and a still is encoded */
    BAD(ALB_STEP_LOAD, 0, width, 0);
    BAD(ALB_STEP_LOAD, 0, height, 0);
    BAD(ALB_STEP_LOAD, 0, width, 1000001);
    BAD(ALB_STEP_LOAD, 0, height, 1000001);
    BAD(ALB_STEP_LOAD, 0, kind, ALB_STEP_RESIZE);
}

static void test_sizes(void **state)
{
    (void)state;
    BAD(ALB_STEP_CROP, 0, u.crop.left, UINT32_MAX);
    BAD(ALB_STEP_CROP, 0, u.crop.top, UINT32_MAX);
    BAD(ALB_STEP_CROP, 0, u.crop.left, 300);
    BAD(ALB_STEP_CROP, 0, u.crop.top, 300);
    BAD(ALB_STEP_RESIZE, 0, u.resize.kernel, ALB_KERNEL_COUNT);
    BAD(ALB_STEP_SMART_CROP, 0, width, 1000);
    BAD(ALB_STEP_SMART_CROP, 0, height, 1000);
    BAD(ALB_STEP_CANVAS, 0, u.canvas.left, 1);
    BAD(ALB_STEP_CANVAS, 0, u.canvas.top, 4);
    BAD(ALB_STEP_CANVAS, 0, u.canvas.left, UINT32_MAX);
    BAD(ALB_STEP_CANVAS, 0, u.canvas.top, UINT32_MAX);
    BAD(ALB_STEP_TURN, 0, u.turn.orientation, 0);
    BAD(ALB_STEP_TURN, 0, u.turn.orientation, 9);
    BAD(ALB_STEP_TURN, 0, width, 99);
    BAD(ALB_STEP_TURN, 0, height, 99);
    bad = good;
    of(&bad, ALB_STEP_TURN, 0)->u.turn.orientation = 3; /* square: it could lie any way */
    assert_int_equal(alb_plan_check(&bad, NULL), ALB_OK);
    bad.steps[4].width = 1; /* but not be another size */
    refused("turn", __LINE__);
}

static void test_plain_steps(void **state)
{
    (void)state;
    BAD(ALB_STEP_COLOUR, 0, u.colour.to, ALB_COLOUR_TO_COUNT);
    BAD(ALB_STEP_COLOUR, 0, width, 99);
    BAD(ALB_STEP_FLATTEN, 0, u.flatten.rgb, 0x1000000);
    BAD(ALB_STEP_FLATTEN, 0, u.flatten.alpha, 1.5);
    BAD(ALB_STEP_FLATTEN, 0, u.flatten.alpha, NAN);
    BAD(ALB_STEP_FLATTEN, 0, height, 99);
    BAD(ALB_STEP_FLATTEN, 0, kind, ALB_STEP_LOAD);
    BAD(ALB_STEP_FLATTEN, 0, kind, ALB_STEP_ENCODE);
    BAD(ALB_STEP_FLATTEN, 0, kind, ALB_STEP_FIND_TRIM);
    BAD(ALB_STEP_FLATTEN, 0, kind, (enum alb_step_kind)99);
    BAD(ALB_STEP_EFFECT, 0, u.effect.kind, ALB_EFFECT_WATERMARK);
    BAD(ALB_STEP_EFFECT, 0, u.effect.kind, ALB_EFFECT_COUNT);
    BAD(ALB_STEP_EFFECT, 0, u.effect.amount, -1);
    BAD(ALB_STEP_EFFECT, 0, u.effect.amount, NAN);
    BAD(ALB_STEP_EFFECT, 0, u.effect.rgb, 0x1000000);
    BAD(ALB_STEP_EFFECT, 0, u.effect.rgb2, 0x1000000);
    BAD(ALB_STEP_EFFECT, 0, u.effect.angle, 1e9);
    BAD(ALB_STEP_EFFECT, 0, u.effect.start, -1);
    BAD(ALB_STEP_EFFECT, 0, u.effect.stop, 2);
    BAD(ALB_STEP_EFFECT, 0, u.effect.area.width, 0);
    BAD(ALB_STEP_EFFECT, 0, u.effect.area.height, 0);
    BAD(ALB_STEP_EFFECT, 0, u.effect.area.width, 76);
    BAD(ALB_STEP_EFFECT, 0, u.effect.area.height, 76);
    BAD(ALB_STEP_EFFECT, 0, u.effect.area.left, UINT32_MAX);
    BAD(ALB_STEP_EFFECT, 0, u.effect.area.top, UINT32_MAX);
}

static void test_marks(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        BAD(ALB_STEP_MARK, i, u.mark.input, ALB_PLAN_INPUTS);
        BAD(ALB_STEP_MARK, i, u.mark.input, 1 - i);
        BAD(ALB_STEP_MARK, i, u.mark.tiling, ALB_TILING_COUNT);
        BAD(ALB_STEP_MARK, i, u.mark.at.kind, ALB_GRAVITY_POINT);
        BAD(ALB_STEP_MARK, i, u.mark.at.x, NAN);
        BAD(ALB_STEP_MARK, i, u.mark.at.y, 1e10);
        BAD(ALB_STEP_MARK, i, u.mark.opacity, 2);
        BAD(ALB_STEP_MARK, i, u.mark.rotate, INFINITY);
        BAD(ALB_STEP_MARK, i, u.mark.shadow, -1);
        BAD(ALB_STEP_MARK, i, u.mark.scale, -1);
        BAD(ALB_STEP_MARK, i, u.mark.width, 1000001);
        BAD(ALB_STEP_MARK, i, u.mark.height, 1000001);
        BAD(ALB_STEP_MARK, i, u.mark.gap_x, 1000001);
        BAD(ALB_STEP_MARK, i, u.mark.gap_y, 1000001);
        BAD(ALB_STEP_MARK, i, u.mark.text.n, 5);
    }
    BAD(ALB_STEP_MARK, 0, u.mark.text.n, 0);
    BAD(ALB_STEP_MARK, 0, u.mark.text.at, 4);
    BAD(ALB_STEP_MARK, 0, u.mark.text.n, UINT32_MAX);
    BAD(ALB_STEP_MARK, 0, u.mark.scale, 0);
    BAD(ALB_STEP_MARK, 1, u.mark.width, 0);
    BAD(ALB_STEP_MARK, 1, u.mark.height, 0);
    BAD(ALB_STEP_MARK, 1, u.mark.type, ALB_TYPE_COUNT);
    BAD(ALB_STEP_MARK, 1, u.mark.type, ALB_TYPE_XMP);
    BAD(ALB_STEP_MARK, 1, u.mark.eighths, 0);
    BAD(ALB_STEP_MARK, 1, u.mark.eighths, 9);
    BAD(ALB_STEP_MARK, 1, u.mark.source_width, 0);
    BAD(ALB_STEP_MARK, 1, u.mark.source_height, 0);
    BAD(ALB_STEP_MARK, 1, u.mark.orientation, 0);
    BAD(ALB_STEP_MARK, 1, u.mark.orientation, 9);
}

static void test_end(void **state)
{
    (void)state;
    BAD(ALB_STEP_ENCODE, 0, width, 1);
    BAD(ALB_STEP_ENCODE, 0, u.encode.animate, true);
    BAD(ALB_STEP_ENCODE, 0, u.encode.output.format, ALB_FORMAT_SAME);
    BAD(ALB_STEP_ENCODE, 0, u.encode.output.format, ALB_FORMAT_PNG); /* not the plan's */
    BAD(ALB_STEP_ENCODE, 0, u.encode.output.best, ALB_FORMAT_BIT(ALB_FORMAT_PNG));
    BAD(ALB_STEP_ENCODE, 0, u.encode.output.quality[ALB_FORMAT_JPEG], 0);
    BAD(ALB_STEP_ENCODE, 0, u.encode.output.quality[ALB_FORMAT_JPEG], 101);
    BAD(ALB_STEP_ENCODE, 0, kind, ALB_STEP_FLATTEN);
    bad = good;
    bad.fonts = false;
    refused("fonts", __LINE__);
    bad = good;
    bad.width++;
    refused("width", __LINE__);
    bad = good;
    bad.height++;
    refused("height", __LINE__);
    bad = good;
    bad.text_bytes = ALB_PLAN_TEXTS + 1;
    assert_int_equal(alb_plan_check(&bad, NULL), ALB_E_INVALID);
    bad = good;
    bad.count = 1;
    refused("count", __LINE__);
    bad = good;
    bad.count = ALB_PLAN_STEPS + 1;
    assert_int_equal(alb_plan_check(&bad, NULL), ALB_E_INVALID);
}

static void test_trim_end(void **state)
{
    (void)state;
    good.count = 2;
    good.steps[1] = (struct alb_plan_step){
        .kind = ALB_STEP_FIND_TRIM, .width = good.steps[0].width, .height = good.steps[0].height};
    good.width = good.steps[0].width;
    good.height = good.steps[0].height;
    good.format = ALB_FORMAT_SAME;
    good.fonts = false;
    assert_int_equal(alb_plan_check(&good, NULL), ALB_OK);
    BAD(ALB_STEP_FIND_TRIM, 0, u.find_trim.threshold, -1);
    BAD(ALB_STEP_FIND_TRIM, 0, u.find_trim.color, 0x1000000);
    bad = good;
    bad.format = ALB_FORMAT_PNG;
    refused("format", __LINE__);
    make_good();
}

/* Every byte of a packed plan with all kinds of steps changed in turn, and cut: refused, or a plan that checks and
 * packs to the same bytes. */
static void test_bytes(void **state)
{
    struct alb_buf b = ALB_BUF_INIT(ALB_PLAN_PACKED_MAX), again = ALB_BUF_INIT(ALB_PLAN_PACKED_MAX);
    (void)state;
    alb_plan_pack(&good, &b);
    assert_int_equal(alb_plan_unpack(alb_buf_view(&b), &bad, NULL), ALB_OK);
    for (size_t n = 0; n < b.n; n++) {
        assert_int_equal(alb_plan_unpack((struct alb_str){b.p, n}, &bad, NULL), ALB_E_INVALID);
        for (int flip = 1; flip < 256; flip <<= 1) {
            b.p[n] = (char)(b.p[n] ^ flip);
            if (alb_plan_unpack(alb_buf_view(&b), &bad, NULL) == ALB_OK) {
                alb_buf_reset(&again);
                alb_plan_pack(&bad, &again);
                assert_true(alb_str_eq(alb_buf_view(&b), alb_buf_view(&again)));
            }
            b.p[n] = (char)(b.p[n] ^ flip);
        }
    }
    alb_buf_fini(&b);
    alb_buf_fini(&again);
}

static int set_up(void **state)
{
    (void)state;
    make_good();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load),  cmocka_unit_test(test_sizes), cmocka_unit_test(test_plain_steps),
        cmocka_unit_test(test_marks), cmocka_unit_test(test_end),   cmocka_unit_test(test_trim_end),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
