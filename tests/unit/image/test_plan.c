/* SPDX-License-Identifier: Apache-2.0 */
#include "image/plan.h"
#include "plan_simple.h"
#include "test.h"

static struct alb_plan_limits limits;

static struct alb_image_header header(enum alb_type type, uint32_t w, uint32_t h)
{
    return (struct alb_image_header){
        .type = type, .width = w, .height = h, .orientation = 1, .pages = 1, .bits = 8, .bytes = 1000};
}

static const struct alb_plan_step *step(const struct alb_plan *p, enum alb_step_kind kind)
{
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->steps[i].kind == kind)
            return &p->steps[i];
    }
    return NULL;
}

/* Valid until the next but one. */
static const struct alb_plan *plan(const struct alb_image_header *h, const struct alb_plan_options *o)
{
    static struct alb_plan p, back;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_buf b = ALB_BUF_INIT(ALB_PLAN_PACKED_MAX), again = ALB_BUF_INIT(ALB_PLAN_PACKED_MAX);
    if (plan_make(h, o, &limits, &p, &err) != ALB_OK)
        fail_msg("%s", err.msg);
    if (alb_plan_check(&p, &err) != ALB_OK)
        fail_msg("%s", err.msg);
    alb_plan_pack(&p, &b);
    assert_int_equal(alb_buf_code(&b), ALB_OK);
    assert_int_equal(alb_plan_unpack(alb_buf_view(&b), &back, NULL), ALB_OK);
    alb_plan_pack(&back, &again);
    assert_true(alb_str_eq(alb_buf_view(&b), alb_buf_view(&again)));
    assert_int_equal(p.width, back.width);
    assert_int_equal(p.height, back.height);
    assert_int_equal(p.format, back.format);
    assert_int_equal(p.memory, back.memory);
    alb_buf_fini(&b);
    alb_buf_fini(&again);
    return &p;
}

/* Results as shown, from a source as shown (orientation 1). */
static void test_sizes(void **state)
{
    static const struct {
        uint32_t sw, sh;
        enum alb_fit fit;
        uint32_t w, h;
        bool enlarge;
        uint32_t rw, rh;
    } cases[] = {
        {200, 100, ALB_FIT_INSIDE, 50, 50, false, 50, 25},
        {200, 100, ALB_FIT_INSIDE, 33, 33, false, 33, 17}, /* 16.5: half away from zero */
        {200, 100, ALB_FIT_INSIDE, 300, 300, false, 200, 100},
        {200, 100, ALB_FIT_INSIDE, 300, 300, true, 300, 150},
        {200, 100, ALB_FIT_INSIDE, 0, 50, false, 100, 50},
        {200, 100, ALB_FIT_INSIDE, 50, 0, false, 50, 25},
        {200, 100, ALB_FIT_INSIDE, 0, 200, false, 200, 100},
        {200, 100, ALB_FIT_INSIDE, 0, 200, true, 400, 200},
        {200, 100, ALB_FIT_INSIDE, 0, 0, false, 200, 100},
        {10000, 10, ALB_FIT_INSIDE, 100, 100, false, 100, 1}, /* never below one pixel */
        {200, 100, ALB_FIT_COVER, 50, 50, false, 50, 50},
        {200, 100, ALB_FIT_COVER, 300, 300, false, 200, 100},
        {200, 100, ALB_FIT_COVER, 300, 300, true, 300, 300},
        {200, 100, ALB_FIT_COVER, 150, 300, false, 150, 100},
        {200, 100, ALB_FIT_COVER, 0, 50, false, 100, 50},
        {200, 100, ALB_FIT_FORCE, 50, 50, false, 50, 50},
        {200, 100, ALB_FIT_FORCE, 50, 0, false, 50, 100},
        {200, 100, ALB_FIT_FORCE, 300, 300, false, 100, 100}, /* no axis enlarged, proportions as asked */
        {200, 100, ALB_FIT_FORCE, 300, 300, true, 300, 300},
        {4000, 3000, ALB_FIT_INSIDE, 512, 512, false, 512, 384},
        {1, 1, ALB_FIT_COVER, 1, 1, false, 1, 1},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_image_header h = header(ALB_TYPE_PNG, cases[i].sw, cases[i].sh);
        struct alb_plan_options o;
        alb_plan_options_init(&o);
        o.fit = cases[i].fit;
        o.width = cases[i].w;
        o.height = cases[i].h;
        o.enlarge = cases[i].enlarge;
        const struct alb_plan *p = plan(&h, &o);
        if (p->width != cases[i].rw || p->height != cases[i].rh)
            fail_msg("case %zu: %ux%u", i, p->width, p->height);
    }
}

/* Whatever way it is stored, the result is the same as shown. */
static void test_orientations(void **state)
{
    (void)state;
    for (uint8_t o = 1; o <= 8; o++) {
        for (uint16_t turn = 0; turn < 360; turn = (uint16_t)(turn + 90)) {
            struct alb_image_header h = header(ALB_TYPE_JPEG, 400, 200);
            struct alb_plan_options opt;
            alb_plan_options_init(&opt);
            h.orientation = o;
            opt.turn = turn;
            opt.width = 100;
            opt.height = 100;
            bool tall = (o >= 5) != (turn == 90 || turn == 270);
            const struct alb_plan *p = plan(&h, &opt);
            assert_int_equal(p->width, tall ? 50 : 100);
            assert_int_equal(p->height, tall ? 100 : 50);
            assert_int_equal(step(p, ALB_STEP_LOAD)->width, 100); /* before the turn: as stored */
            uint32_t w, hh;
            alb_header_shown(&h, turn, &w, &hh);
            assert_int_equal(w > hh, !tall);
            opt.ignore_orientation = true;
            p = plan(&h, &opt);
            assert_int_equal(p->width, turn == 90 || turn == 270 ? 50 : 100);
        }
    }
}

static void test_shrink_on_load(void **state)
{
    static const struct {
        uint32_t w, h, want;
        uint16_t margin;
        uint8_t eighths;
    } cases[] = {
        {4096, 3072, 512, 0, 1},    {4097, 3073, 512, 0, 1},    {4095, 3071, 512, 0, 2},
        {4000, 3000, 512, 0, 2},    {4000, 3000, 500, 0, 1},    {4000, 3000, 512, 1700, 2},
        {4000, 3000, 512, 2000, 4}, {1023, 700, 512, 0, 8},     {1024, 768, 512, 0, 4},
        {600, 400, 512, 0, 8},      {8000, 8000, 100, 8000, 1},
        /* what is not a power of two: with a margin only, and where it is worth it */
        {4000, 3000, 1440, 0, 4},   {4000, 3000, 1440, 1000, 4}, {4000, 3000, 1440, 1700, 5},
        {4001, 3001, 1440, 1700, 5}, {3840, 2160, 1440, 1700, 8}, {4000, 3000, 1600, 1700, 8},
        {6000, 4000, 2560, 1700, 6}, {5400, 3600, 2700, 1700, 7}, {6000, 4000, 3000, 1700, 8},
        {6000, 4000, 1440, 1700, 4},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_image_header h = header(ALB_TYPE_JPEG, cases[i].w, cases[i].h);
        struct alb_plan_options o;
        alb_plan_options_init(&o);
        o.width = o.height = cases[i].want;
        o.shrink_margin = cases[i].margin;
        const struct alb_plan *p = plan(&h, &o);
        const struct alb_plan_step *l = step(p, ALB_STEP_LOAD);
        if (l->u.load.eighths != cases[i].eighths)
            fail_msg("case %zu: %u/8", i, l->u.load.eighths);
        uint32_t n = l->u.load.eighths, part = n == 5 || n == 6 || n == 7 ? 4 : 0; /* to the nearest */
        assert_int_equal(l->width, (cases[i].w * n + part) / 8);
        assert_int_equal(l->height, (cases[i].h * n + part) / 8);
        assert_true(l->width >= p->width && l->height >= p->height); /* the decoder never shrinks too far */
    }
}

/* Our own reader has the others; what it does not take is left to libvips, which has powers of two. */
static void test_odd_eighths(void **state)
{
    struct alb_image_header h = header(ALB_TYPE_JPEG, 4000, 3000);
    struct alb_plan_options o;
    (void)state;
    alb_plan_options_init(&o);
    o.width = o.height = 1440;
    o.shrink_margin = 1700;
    static const enum alb_space spaces[] = {ALB_SPACE_RGB, ALB_SPACE_GREY, ALB_SPACE_CMYK, ALB_SPACE_OTHER};
    for (size_t i = 0; i < ALB_ARRAY_LEN(spaces); i++) {
        h.space = spaces[i];
        assert_int_equal(step(plan(&h, &o), ALB_STEP_LOAD)->u.load.eighths, i < 2 ? 5 : 8);
    }
    h.space = ALB_SPACE_RGB;
    o.output.keep_metadata = true;
    assert_int_equal(step(plan(&h, &o), ALB_STEP_LOAD)->u.load.eighths, 8);
    o.output.keep_metadata = false;
    o.output.keep_copyright = true;
    assert_int_equal(step(plan(&h, &o), ALB_STEP_LOAD)->u.load.eighths, 8);
    o.output.keep_copyright = false;
    h = header(ALB_TYPE_NEF, 4000, 3000);
    h.preview = true;
    assert_int_equal(step(plan(&h, &o), ALB_STEP_LOAD)->u.load.eighths, 5);
}

static void test_shrink_of_others(void **state)
{
    struct alb_image_header h = header(ALB_TYPE_WEBP, 4000, 3000);
    struct alb_plan_options o;
    (void)state;
    alb_plan_options_init(&o);
    o.width = o.height = 400;
    const struct alb_plan *p = plan(&h, &o);
    assert_int_equal(step(p, ALB_STEP_LOAD)->u.load.how, ALB_LOAD_SCALED);
    assert_int_equal(step(p, ALB_STEP_LOAD)->width, 400);
    assert_null(step(p, ALB_STEP_RESIZE));
    o.shrink_margin = 1700;
    p = plan(&h, &o);
    assert_int_equal(step(p, ALB_STEP_LOAD)->width, 680);
    assert_non_null(step(p, ALB_STEP_RESIZE));
    h = header(ALB_TYPE_SVG, 100, 50);
    h.alpha = true;
    p = plan(&h, &o); /* vectors may grow, and are drawn at their size */
    assert_int_equal(p->width, 400);
    assert_int_equal(step(p, ALB_STEP_LOAD)->u.load.how, ALB_LOAD_SCALED);
    h = header(ALB_TYPE_NEF, 1600, 1000);
    h.raw_width = 6000;
    h.raw_height = 4000;
    p = plan(&h, &o);
    assert_int_equal(step(p, ALB_STEP_LOAD)->u.load.how, ALB_LOAD_DEVELOP);
    h.preview = true;
    o.shrink_margin = 0;
    p = plan(&h, &o);
    assert_int_equal(step(p, ALB_STEP_LOAD)->u.load.how, ALB_LOAD_EIGHTHS);
}

static void test_formats(void **state)
{
    static const struct {
        enum alb_type type;
        bool alpha, animated, animate, flatten;
        enum alb_format asked, got;
        bool flattened;
        uint32_t pages;
    } cases[] = {
        {ALB_TYPE_JPEG, false, false, false, false, ALB_FORMAT_SAME, ALB_FORMAT_JPEG, false, 1},
        {ALB_TYPE_PNG, true, false, false, false, ALB_FORMAT_SAME, ALB_FORMAT_PNG, false, 1},
        {ALB_TYPE_PNG, true, false, false, false, ALB_FORMAT_JPEG, ALB_FORMAT_JPEG, true, 1},
        {ALB_TYPE_PNG, true, false, false, true, ALB_FORMAT_WEBP, ALB_FORMAT_WEBP, true, 1},
        {ALB_TYPE_TIFF, false, false, false, false, ALB_FORMAT_SAME, ALB_FORMAT_JPEG, false, 1},
        {ALB_TYPE_TIFF, true, false, false, false, ALB_FORMAT_SAME, ALB_FORMAT_PNG, false, 1},
        {ALB_TYPE_HEIC, false, false, false, false, ALB_FORMAT_SAME, ALB_FORMAT_JPEG, false, 1},
        {ALB_TYPE_GIF, false, true, true, false, ALB_FORMAT_SAME, ALB_FORMAT_WEBP, false, 5},
        {ALB_TYPE_GIF, false, true, true, false, ALB_FORMAT_JPEG, ALB_FORMAT_JPEG, false, 1},
        {ALB_TYPE_WEBP, false, true, false, false, ALB_FORMAT_SAME, ALB_FORMAT_WEBP, false, 1},
        {ALB_TYPE_WEBP, true, true, true, false, ALB_FORMAT_WEBP, ALB_FORMAT_WEBP, false, 5},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_image_header h = header(cases[i].type, 100, 100);
        struct alb_plan_options o;
        alb_plan_options_init(&o);
        h.alpha = cases[i].alpha;
        h.animated = cases[i].animated;
        h.pages = cases[i].animated ? 5 : 1;
        o.frames = cases[i].animate ? 100 : 0;
        o.flatten = cases[i].flatten;
        o.output.format = cases[i].asked;
        const struct alb_plan *p = plan(&h, &o);
        if (p->format != cases[i].got || (step(p, ALB_STEP_FLATTEN) != NULL) != cases[i].flattened ||
            step(p, ALB_STEP_LOAD)->u.load.pages != cases[i].pages)
            fail_msg("case %zu: %s", i, alb_format_name(p->format));
    }
}

static void test_colour(void **state)
{
    struct alb_image_header h = header(ALB_TYPE_JPEG, 100, 100);
    struct alb_plan_options o;
    (void)state;
    alb_plan_options_init(&o);
    const struct alb_plan *p = plan(&h, &o);
    assert_int_equal(step(p, ALB_STEP_COLOUR)->u.colour.to, ALB_COLOUR_SRGB);
    o.output.profile = ALB_PROFILE_KEEP;
    p = plan(&h, &o);
    assert_null(step(p, ALB_STEP_COLOUR));
    h.space = ALB_SPACE_CMYK;
    p = plan(&h, &o);
    assert_int_equal(step(p, ALB_STEP_COLOUR)->u.colour.to, ALB_COLOUR_PIXELS);
}

static void expect(const struct alb_image_header *h, const struct alb_plan_options *o, enum alb_code code)
{
    static struct alb_plan p;
    struct alb_err err = ALB_ERR_INIT;
    assert_int_equal(plan_make(h, o, &limits, &p, &err), code);
    assert_int_equal(err.code, code);
    assert_int_equal(p.count, 0);
}

static void test_refusals(void **state)
{
    struct alb_image_header h = header(ALB_TYPE_PNG, 30000, 30000);
    struct alb_plan_options o, good;
    (void)state;
    alb_plan_options_init(&good);
    expect(&h, &good, ALB_E_TOO_LARGE); /* pixels */
    h = header(ALB_TYPE_PNG, 0, 100);
    expect(&h, &good, ALB_E_UNPROCESSABLE);
    h = header(ALB_TYPE_XMP, 100, 100);
    expect(&h, &good, ALB_E_UNSUPPORTED);
    h = header(ALB_TYPE_PNG, 100, 100);
    h.bytes = limits.source_bytes + 1;
    expect(&h, &good, ALB_E_TOO_LARGE);
    h = header(ALB_TYPE_NEF, 100, 100);
    h.raw_width = h.raw_height = 60000;
    expect(&h, &good, ALB_E_TOO_LARGE);
    h = header(ALB_TYPE_JXL, 16000, 15000); /* fewer pixels than the limit, but 8 bytes each */
    h.bits = 16;
    expect(&h, &good, ALB_E_TOO_LARGE);
    h = header(ALB_TYPE_GIF, 5000, 5000);
    h.animated = true;
    h.pages = 100;
    o = good;
    o.frames = 100000;
    expect(&h, &o, ALB_E_TOO_LARGE);
    h = header(ALB_TYPE_GIF, 5, 5);
    h.animated = true;
    h.pages = limits.frames + 1;
    expect(&h, &o, ALB_E_TOO_LARGE);
    h = header(ALB_TYPE_PNG, 100, 100);
    o = good;
    o.width = 16000;
    o.enlarge = true;
    h = header(ALB_TYPE_PNG, 10, 100); /* 16000 wide would be 160000 high */
    expect(&h, &o, ALB_E_TOO_LARGE);
    o.fit = ALB_FIT_COVER; /* cut to 16000 x 1, but 2.5 billion pixels on the way */
    o.height = 1;
    expect(&h, &o, ALB_E_TOO_LARGE);
}

static void test_bad_options(void **state)
{
    struct alb_image_header h = header(ALB_TYPE_PDF, 100, 100);
    struct alb_plan_options o, good;
    (void)state;
    alb_plan_options_init(&good);
    o = good;
    o.output.quality[ALB_FORMAT_SAME] = 101;
    expect(&h, &o, ALB_E_INVALID);
    o = good;
    o.turn = 45;
    expect(&h, &o, ALB_E_INVALID);
    o = good;
    o.turn = 360;
    expect(&h, &o, ALB_E_INVALID);
    o = good;
    o.gravity = (struct alb_gravity){ALB_GRAVITY_POINT, 0.5, 1.01};
    expect(&h, &o, ALB_E_INVALID);
    o = good;
    o.output.format = ALB_FORMAT_COUNT;
    expect(&h, &o, ALB_E_INVALID);
    o = good;
    o.fit = ALB_FIT_COUNT;
    expect(&h, &o, ALB_E_INVALID);
    o = good;
    o.shrink_margin = 500;
    expect(&h, &o, ALB_E_INVALID);
    o = good;
    o.background = 0x1000000;
    expect(&h, &o, ALB_E_INVALID);
    o = good;
    o.page = 1;
    expect(&h, &o, ALB_E_INVALID);
    h.pages = 2;
    const struct alb_plan *p = plan(&h, &o);
    assert_int_equal(step(p, ALB_STEP_LOAD)->u.load.page, 1);
}

/* Every byte of a packed plan changed in turn, and cut: refused, or still a plan that checks. */
static void test_unpack_is_strict(void **state)
{
    struct alb_image_header h = header(ALB_TYPE_JPEG, 4000, 3000);
    struct alb_plan_options o;
    struct alb_buf b = ALB_BUF_INIT(ALB_PLAN_PACKED_MAX);
    (void)state;
    alb_plan_options_init(&o);
    o.fit = ALB_FIT_COVER;
    o.width = 300;
    o.height = 200;
    o.turn = 90;
    h.alpha = true;
    static struct alb_plan back;
    const struct alb_plan *p = plan(&h, &o);
    alb_plan_pack(p, &b);
    for (size_t n = 0; n < b.n; n++) {
        assert_int_equal(alb_plan_unpack((struct alb_str){b.p, n}, &back, NULL), ALB_E_INVALID);
        for (int flip = 1; flip < 256; flip <<= 1) {
            b.p[n] = (char)(b.p[n] ^ flip);
            if (alb_plan_unpack(alb_buf_view(&b), &back, NULL) == ALB_OK)
                assert_int_equal(alb_plan_check(&back, NULL), ALB_OK);
            b.p[n] = (char)(b.p[n] ^ flip);
        }
    }
    alb_buf_char(&b, 'x');
    assert_int_equal(alb_plan_unpack(alb_buf_view(&b), &back, NULL), ALB_E_INVALID);
    alb_buf_fini(&b);
}

static void test_check(void **state)
{
    struct alb_image_header h = header(ALB_TYPE_JPEG, 4000, 3000);
    struct alb_plan_options o;
    (void)state;
    alb_plan_options_init(&o);
    o.fit = ALB_FIT_COVER;
    o.width = 300;
    o.height = 200;
    static struct alb_plan good, p;
    good = *plan(&h, &o);
    p = good;
    p.count = 1;
    assert_int_equal(alb_plan_check(&p, NULL), ALB_E_INVALID);
    p.count = ALB_PLAN_STEPS + 1;
    assert_int_equal(alb_plan_check(&p, NULL), ALB_E_INVALID);
    p = good;
    p.steps[0].kind = ALB_STEP_RESIZE;
    assert_int_equal(alb_plan_check(&p, NULL), ALB_E_INVALID);
    p = good;
    p.steps[1] = p.steps[0];
    assert_int_equal(alb_plan_check(&p, NULL), ALB_E_INVALID);
    p = good;
    p.steps[2].u.crop.top = 1000; /* outside of what is there */
    assert_int_equal(p.steps[2].kind, ALB_STEP_CROP);
    assert_int_equal(alb_plan_check(&p, NULL), ALB_E_INVALID);
    p.steps[2].u.crop.top = UINT32_MAX;
    assert_int_equal(alb_plan_check(&p, NULL), ALB_E_INVALID);
    p = good;
    p.steps[1].width = 0;
    assert_int_equal(alb_plan_check(&p, NULL), ALB_E_INVALID);
    p = good;
    p.width++;
    assert_int_equal(alb_plan_check(&p, NULL), ALB_E_INVALID);
}

static void test_names(void **state)
{
    (void)state;
    for (unsigned f = 1; f < ALB_FORMAT_COUNT; f++) {
        assert_int_equal(alb_format_of_name(alb_str_c(alb_format_name((enum alb_format)f))), f);
        assert_string_equal(alb_format_mime((enum alb_format)f),
                            alb_type_mime(alb_format_type((enum alb_format)f)));
    }
    assert_int_equal(alb_format_of_name(ALB_STR("jpg")), ALB_FORMAT_JPEG);
    assert_int_equal(alb_format_of_name(ALB_STR("svg")), ALB_FORMAT_SAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),          cmocka_unit_test(test_orientations),
        cmocka_unit_test(test_shrink_on_load), cmocka_unit_test(test_odd_eighths),
        cmocka_unit_test(test_shrink_of_others), cmocka_unit_test(test_formats),
        cmocka_unit_test(test_colour),         cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_bad_options),    cmocka_unit_test(test_unpack_is_strict),
        cmocka_unit_test(test_check),          cmocka_unit_test(test_names),
    };
    alb_plan_limits_default(&limits);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
