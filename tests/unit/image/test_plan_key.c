/* SPDX-License-Identifier: Apache-2.0
 *
 * Options as values: every field counts in the key, a copy is its own, every range is held.
 */
#include <math.h>

#include "plan_simple.h"
#include "test.h"

/* A chain with something in every list; static, as its parts point to each other. */
struct world {
    struct alb_plan_options o, second;
    struct alb_effect effects[2], overlays[2];
};

static void fill(struct world *w)
{
    memset(w, 0, sizeof(*w));
    alb_plan_options_init(&w->o);
    alb_plan_options_init(&w->second);
    w->effects[0] = (struct alb_effect){.kind = ALB_EFFECT_BLUR, .amount = 2};
    w->effects[1] = (struct alb_effect){.kind = ALB_EFFECT_UNSHARP, .amount = 9, .amount2 = 24};
    w->overlays[0] =
        (struct alb_effect){.kind = ALB_EFFECT_WATERMARK, .mark = {.text = ALB_STR("hello"), .opacity = 1}};
    w->overlays[1] = (struct alb_effect){.kind = ALB_EFFECT_GRADIENT, .amount = 0.5, .stop = 1};
    w->o.style = ALB_STR("a{}");
    w->o.effects = w->effects;
    w->o.overlays = w->overlays;
    w->o.effect_count = w->o.overlay_count = 2;
    w->o.next = &w->second;
}

static void key(const struct alb_plan_options *o, struct alb_buf *b)
{
    alb_buf_reset(b);
    alb_plan_options_key(o, b);
    assert_int_equal(alb_buf_code(b), ALB_OK);
}

/* ---- every field ---- */

struct field {
    const char *name;
    size_t at, size;
};
#define F(of, f) {#f, offsetof(struct of, f), sizeof(((struct of *)NULL)->f)}

static const struct field fields[] = {
    F(alb_plan_options, ignore_orientation),
    F(alb_plan_options, page),
    F(alb_plan_options, pages),
    F(alb_plan_options, frames),
    F(alb_plan_options, video_second),
    F(alb_plan_options, video_keyframe),
    F(alb_plan_options, sheet.step),
    F(alb_plan_options, sheet.columns),
    F(alb_plan_options, sheet.rows),
    F(alb_plan_options, sheet.delay),
    F(alb_plan_options, sheet.width),
    F(alb_plan_options, sheet.height),
    F(alb_plan_options, sheet.extend),
    F(alb_plan_options, sheet.trim),
    F(alb_plan_options, sheet.fill),
    F(alb_plan_options, sheet.focus_x),
    F(alb_plan_options, sheet.focus_y),
    F(alb_plan_options, film.step),
    F(alb_plan_options, film.columns),
    F(alb_plan_options, film.rows),
    F(alb_plan_options, film.delay),
    F(alb_plan_options, film.width),
    F(alb_plan_options, film.height),
    F(alb_plan_options, film.extend),
    F(alb_plan_options, film.trim),
    F(alb_plan_options, film.fill),
    F(alb_plan_options, film.focus_x),
    F(alb_plan_options, film.focus_y),
    F(alb_plan_options, embedded),
    F(alb_plan_options, lenient),
    F(alb_plan_options, pdf_clear),
    F(alb_plan_options, trim.on),
    F(alb_plan_options, trim.threshold),
    F(alb_plan_options, trim.has_color),
    F(alb_plan_options, trim.color),
    F(alb_plan_options, trim.last),
    F(alb_plan_options, trim.equal_h),
    F(alb_plan_options, trim.equal_v),
    F(alb_plan_options, crop.on),
    F(alb_plan_options, crop.width),
    F(alb_plan_options, crop.height),
    F(alb_plan_options, crop.at.kind),
    F(alb_plan_options, crop.at.x),
    F(alb_plan_options, crop.at.y),
    F(alb_plan_options, crop.aspect),
    F(alb_plan_options, crop.aspect_enlarge),
    F(alb_plan_options, sizing),
    F(alb_plan_options, window.on),
    F(alb_plan_options, window.extent),
    F(alb_plan_options, window.fractions),
    F(alb_plan_options, window.left),
    F(alb_plan_options, window.top),
    F(alb_plan_options, window.right),
    F(alb_plan_options, window.bottom),
    F(alb_plan_options, own_width),
    F(alb_plan_options, own_height),
    F(alb_plan_options, below_width),
    F(alb_plan_options, below_height),
    F(alb_plan_options, dpi),
    F(alb_plan_options, adaptive),
    F(alb_plan_options, share),
    F(alb_plan_options, fit),
    F(alb_plan_options, width),
    F(alb_plan_options, height),
    F(alb_plan_options, min_width),
    F(alb_plan_options, min_height),
    F(alb_plan_options, zoom_x),
    F(alb_plan_options, zoom_y),
    F(alb_plan_options, dpr),
    F(alb_plan_options, enlarge),
    F(alb_plan_options, gravity.kind),
    F(alb_plan_options, gravity.x),
    F(alb_plan_options, gravity.y),
    F(alb_plan_options, outline),
    F(alb_plan_options, turn),
    F(alb_plan_options, flip_h),
    F(alb_plan_options, flip_v),
    F(alb_plan_options, extend.on),
    F(alb_plan_options, extend.at.kind),
    F(alb_plan_options, extend.at.x),
    F(alb_plan_options, extend.at.y),
    F(alb_plan_options, extend_aspect.on),
    F(alb_plan_options, extend_aspect.at.kind),
    F(alb_plan_options, extend_aspect.at.x),
    F(alb_plan_options, extend_aspect.at.y),
    F(alb_plan_options, padding[0]),
    F(alb_plan_options, padding[1]),
    F(alb_plan_options, padding[2]),
    F(alb_plan_options, padding[3]),
    F(alb_plan_options, fill.on),
    F(alb_plan_options, fill.box),
    F(alb_plan_options, fill.swap),
    F(alb_plan_options, fill.padding[0]),
    F(alb_plan_options, fill.padding[1]),
    F(alb_plan_options, fill.padding[2]),
    F(alb_plan_options, fill.padding[3]),
    F(alb_plan_options, fill.ground),
    F(alb_plan_options, fill.color),
    F(alb_plan_options, fill.sigma),
    F(alb_plan_options, side_max),
    F(alb_plan_options, kernel),
    F(alb_plan_options, linear),
    F(alb_plan_options, shrink_margin),
    F(alb_plan_options, levels),
    F(alb_plan_options, flatten),
    F(alb_plan_options, background),
    F(alb_plan_options, background_alpha),
    F(alb_plan_options, background_mean),
    F(alb_plan_options, output.format),
    F(alb_plan_options, output.automatic[0]),
    F(alb_plan_options, output.automatic[5]),
    F(alb_plan_options, output.preferred[0]),
    F(alb_plan_options, output.preferred[5]),
    F(alb_plan_options, output.keep),
    F(alb_plan_options, output.best),
    F(alb_plan_options, output.quality[0]),
    F(alb_plan_options, output.quality[ALB_FORMAT_COUNT - 1]),
    F(alb_plan_options, output.max_bytes),
    F(alb_plan_options, output.autoquality),
    F(alb_plan_options, output.target),
    F(alb_plan_options, output.error),
    F(alb_plan_options, output.least),
    F(alb_plan_options, output.most),
    F(alb_plan_options, output.least_of[0]),
    F(alb_plan_options, output.least_of[ALB_FORMAT_COUNT - 1]),
    F(alb_plan_options, output.most_of[0]),
    F(alb_plan_options, output.most_of[ALB_FORMAT_COUNT - 1]),
    F(alb_plan_options, output.autoquality_pixels),
    F(alb_plan_options, output.best_pixels),
    F(alb_plan_options, output.best_plain),
    F(alb_plan_options, output.keep_metadata),
    F(alb_plan_options, output.keep_copyright),
    F(alb_plan_options, output.profile),
    F(alb_plan_options, output.profile_input),
    F(alb_plan_options, output.deep),
    F(alb_plan_options, output.dpi),
    F(alb_plan_options, output.lossless),
    F(alb_plan_options, output.jpeg_progressive),
    F(alb_plan_options, output.jpeg_trellis),
    F(alb_plan_options, output.jpeg_overshoot),
    F(alb_plan_options, output.jpeg_scans),
    F(alb_plan_options, output.jpeg_table),
    F(alb_plan_options, output.chroma),
    F(alb_plan_options, output.heif_chroma),
    F(alb_plan_options, output.png_interlaced),
    F(alb_plan_options, output.png_quantize),
    F(alb_plan_options, output.png_plain),
    F(alb_plan_options, output.png_colors),
    F(alb_plan_options, output.webp_mode),
    F(alb_plan_options, output.webp_smart_subsample),
    F(alb_plan_options, output.webp_preset),
    F(alb_plan_options, output.effort[0]),
    F(alb_plan_options, output.effort[ALB_FORMAT_COUNT - 1]),
};
static const struct field effect_fields[] = {
    F(alb_effect, kind),
    F(alb_effect, amount),
    F(alb_effect, amount2),
    F(alb_effect, rgb),
    F(alb_effect, rgb2),
    F(alb_effect, keep),
    F(alb_effect, angle),
    F(alb_effect, start),
    F(alb_effect, stop),
    F(alb_effect, left),
    F(alb_effect, top),
    F(alb_effect, width),
    F(alb_effect, height),
    F(alb_effect, mark.input),
    F(alb_effect, mark.opacity),
    F(alb_effect, mark.tiling),
    F(alb_effect, mark.at.kind),
    F(alb_effect, mark.at.x),
    F(alb_effect, mark.at.y),
    F(alb_effect, mark.scale),
    F(alb_effect, mark.width),
    F(alb_effect, mark.height),
    F(alb_effect, mark.rotate),
    F(alb_effect, mark.shadow),
    F(alb_effect, mark.placed),
    F(alb_effect, mark.x.from),
    F(alb_effect, mark.x.part),
    F(alb_effect, mark.x.fixed),
    F(alb_effect, mark.x.value),
    F(alb_effect, mark.y.from),
    F(alb_effect, mark.y.value),
    F(alb_effect, mark.share_x),
    F(alb_effect, mark.share_y),
    F(alb_effect, mark.blend),
    F(alb_effect, mark.set.forgiving),
    F(alb_effect, mark.set.filled),
    F(alb_effect, mark.set.painted),
    F(alb_effect, mark.set.mean),
    F(alb_effect, mark.set.justify),
    F(alb_effect, mark.set.rgb),
    F(alb_effect, mark.set.align),
    F(alb_effect, mark.set.wrap),
    F(alb_effect, mark.set.share),
    F(alb_effect, mark.set.more),
    F(alb_effect, mark.set.spacing),
    F(alb_effect, mark.set.dpi),
    F(alb_effect, v[0]),
    F(alb_effect, v[1]),
    F(alb_effect, v[2]),
    F(alb_effect, v[3]),
    F(alb_effect, v[4]),
    F(alb_effect, v[5]),
};

/* Another value of the field's own kind: the number next to it, or the other truth. */
static void change(void *of, const struct field *f)
{
    unsigned char *p = (unsigned char *)of + f->at;
    if (f->size == sizeof(double) && strstr(f->name, "max_bytes") == NULL &&
        strstr(f->name, "_pixels") == NULL) {
        double v;
        memcpy(&v, p, sizeof(v));
        v += 0.25;
        memcpy(p, &v, sizeof(v));
    } else {
        p[0] ^= 1;
    }
}

static void each_counts(struct world *w, void *of, const struct field *list, size_t count)
{
    struct alb_buf base = ALB_BUF_INIT(ALB_OPTIONS_KEY_MAX), b = ALB_BUF_INIT(ALB_OPTIONS_KEY_MAX);
    key(&w->o, &base);
    for (size_t i = 0; i < count; i++) {
        struct world saved = *w;
        change(of, &list[i]);
        key(&w->o, &b);
        if (alb_str_eq(alb_buf_view(&base), alb_buf_view(&b)))
            fail_msg("%s does not count", list[i].name);
        *w = saved;
        key(&w->o, &b);
        assert_true(alb_str_eq(alb_buf_view(&base), alb_buf_view(&b)));
    }
    alb_buf_fini(&base);
    alb_buf_fini(&b);
}

static void test_every_field_counts(void **state)
{
    static struct world w;
    (void)state;
    fill(&w);
    each_counts(&w, &w.o, fields, ALB_ARRAY_LEN(fields));
    each_counts(&w, &w.second, fields, ALB_ARRAY_LEN(fields));
    each_counts(&w, &w.effects[1], effect_fields, ALB_ARRAY_LEN(effect_fields));
    each_counts(&w, &w.overlays[0], effect_fields, ALB_ARRAY_LEN(effect_fields));
}

/* The sum of what the table above knows is the struct: a new field has no place to hide in. */
static void test_no_field_is_forgotten(void **state)
{
    (void)state;
    unsigned char seen[sizeof(struct alb_plan_options)] = {0};
    static const struct field more[] = {
        F(alb_plan_options, style),
        F(alb_plan_options, effects),
        F(alb_plan_options, overlays),
        F(alb_plan_options, effect_count),
        F(alb_plan_options, overlay_count),
        F(alb_plan_options, focus),
        F(alb_plan_options, focus_count),
        F(alb_plan_options, next),
        F(alb_plan_options, output.automatic),
        F(alb_plan_options, output.preferred),
        F(alb_plan_options, output.quality),
        F(alb_plan_options, output.effort),
        F(alb_plan_options, output.least_of),
        F(alb_plan_options, output.most_of),
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(fields); i++)
        memset(seen + fields[i].at, 1, fields[i].size);
    for (size_t i = 0; i < ALB_ARRAY_LEN(more); i++)
        memset(seen + more[i].at, 1, more[i].size);
    size_t hole = 0;
    for (size_t i = 0; i < sizeof(seen); i++) { /* padding in front of a number is at most 7 bytes */
        hole = seen[i] ? 0 : hole + 1;
        if (hole > 7)
            fail_msg("a field at byte %zu is not in the table", i);
    }
}

static void test_lists_and_texts_count(void **state)
{
    static struct world w;
    static const struct alb_plan_options third = {.zoom_x = 1};
    static const struct alb_focus focus = {0, 0, 1, 1, false, false};
    struct alb_buf base = ALB_BUF_INIT(ALB_OPTIONS_KEY_MAX), b = ALB_BUF_INIT(ALB_OPTIONS_KEY_MAX);
    (void)state;
    for (int i = 0; i < 9; i++) {
        fill(&w);
        key(&w.o, &base);
        if (i == 0)
            w.o.style = ALB_STR("b{}");
        else if (i == 1)
            w.o.effect_count = 1;
        else if (i == 2)
            w.o.overlay_count = 1;
        else if (i == 3)
            w.overlays[0].mark.text = ALB_STR("hullo");
        else if (i == 4)
            w.o.next = NULL;
        else if (i == 5)
            w.second.next = &third;
        else if (i == 6)
            w.effects[0].data = ALB_STR("x");
        else if (i == 7)
            w.o.focus = &focus, w.o.focus_count = 1;
        else
            w.o.effects = w.overlays;
        key(&w.o, &b);
        assert_false(alb_str_eq(alb_buf_view(&base), alb_buf_view(&b)));
    }
    fill(&w);
    key(&w.o, &base);
    w.o.crop.width = -0.0; /* the same number */
    key(&w.o, &b);
    assert_true(alb_str_eq(alb_buf_view(&base), alb_buf_view(&b)));
    alb_buf_fini(&base);
    alb_buf_fini(&b);
}

/* ---- copies ---- */

static void test_clone(void **state)
{
    static struct world w;
    struct alb_buf base = ALB_BUF_INIT(ALB_OPTIONS_KEY_MAX), b = ALB_BUF_INIT(ALB_OPTIONS_KEY_MAX);
    char text[] = "words";
    (void)state;
    fill(&w);
    w.overlays[0].mark.text = alb_str_n(text, 5);
    key(&w.o, &base);
    struct alb_arena *arena = alb_arena_new(1 << 20);
    assert_non_null(arena);
    struct alb_plan_options *copy = alb_plan_options_clone(&w.o, arena);
    assert_non_null(copy);
    memset(&w, 0xff, sizeof(w));
    memset(text, 'x', sizeof(text));
    key(copy, &b);
    assert_true(alb_str_eq(alb_buf_view(&base), alb_buf_view(&b)));
    alb_arena_free(&arena);
    alb_buf_fini(&base);
    alb_buf_fini(&b);
}

static bool can_clone(const struct world *w, size_t cap)
{
    struct alb_arena *arena = alb_arena_new(cap);
    assert_non_null(arena);
    bool can = alb_plan_options_clone(&w->o, arena) != NULL;
    alb_arena_free(&arena);
    return can;
}

static void test_clone_refuses(void **state)
{
    static struct world w;
    static char text[ALB_STYLE_MAX + 1];
    bool could = false;
    (void)state;
    fill(&w);
    assert_true(can_clone(&w, 1 << 20));
    for (size_t cap = 512; cap < 16384; cap += 64) { /* each allocation is the last one once */
        bool can = can_clone(&w, cap);
        assert_true(can || !could);
        could = can;
    }
    assert_true(could);
    memset(text, 'a', sizeof(text));
    w.o.style = alb_str_n(text, sizeof(text));
    assert_false(can_clone(&w, 1 << 20));
    fill(&w);
    w.overlays[0].mark.text = alb_str_n(text, ALB_MARK_TEXT_MAX + 1);
    assert_false(can_clone(&w, 1 << 20));
    fill(&w);
    w.o.overlay_count = ALB_EFFECTS_MAX + 1;
    assert_false(can_clone(&w, 1 << 20));
    fill(&w);
    w.second.next = &w.o; /* no end */
    assert_false(can_clone(&w, 1 << 20));
}

/* ---- ranges ---- */

static void expect(const struct alb_plan_options *o, bool ok, const char *what, int line)
{
    enum alb_code code = alb_plan_options_check(o, NULL);
    if ((code == ALB_OK) != ok)
        fail_msg("line %d: %s", line, what);
}
#define BAD(assignment)                                                                                      \
    do {                                                                                                     \
        fill(&w);                                                                                            \
        assignment;                                                                                          \
        expect(&w.o, false, #assignment, __LINE__);                                                          \
    } while (0)
#define GOOD(assignment)                                                                                     \
    do {                                                                                                     \
        fill(&w);                                                                                            \
        assignment;                                                                                          \
        expect(&w.o, true, #assignment, __LINE__);                                                           \
    } while (0)

static void test_geometry_ranges(void **state)
{
    static struct world w;
    (void)state;
    GOOD((void)0);
    BAD(w.o.fit = ALB_FIT_COUNT);
    BAD(w.o.kernel = ALB_KERNEL_COUNT);
    BAD(w.o.turn = 45);
    BAD(w.o.turn = 360);
    BAD(w.o.zoom_x = 0);
    BAD(w.o.zoom_y = -1);
    BAD(w.o.dpr = NAN);
    BAD(w.o.dpr = INFINITY);
    BAD(w.o.width = UINT32_MAX);
    BAD(w.o.height = UINT32_MAX);
    BAD(w.o.min_width = UINT32_MAX);
    BAD(w.o.min_height = UINT32_MAX);
    BAD(w.o.padding[3] = UINT32_MAX);
    BAD(w.o.gravity.kind = ALB_GRAVITY_COUNT);
    BAD(w.o.gravity.x = NAN);
    BAD(w.o.gravity.y = 1e300);
    BAD(w.o.gravity = ((struct alb_gravity){ALB_GRAVITY_POINT, 1.1, 0}));
    BAD(w.o.gravity = ((struct alb_gravity){ALB_GRAVITY_POINT, 0, -0.1}));
    GOOD(w.o.gravity.kind = ALB_GRAVITY_SMART);
    GOOD(w.o.crop.at.kind = ALB_GRAVITY_SMART);
    BAD(w.o.extend.at.kind = ALB_GRAVITY_SMART);
    BAD(w.o.extend_aspect.at.kind = ALB_GRAVITY_SMART);
    BAD(w.o.crop.width = -1);
    BAD(w.o.crop.height = NAN);
    BAD(w.o.crop.aspect = -1);
    BAD(w.o.crop.aspect = 1e-9);
    BAD(w.o.trim.threshold = -1);
    BAD(w.o.trim.color = 0x1000000);
    BAD(w.o.shrink_margin = 999);
    BAD(w.o.shrink_margin = 8001);
    GOOD(w.o.shrink_margin = ALB_SHRINK_NEVER);
    BAD(w.o.background = 0x1000000);
    BAD(w.o.background_alpha = 1.01);
    BAD(w.o.video_second = -1);
    BAD(w.o.sheet.step = NAN);
    BAD(w.o.sheet.step = 1); /* of no frames */
    BAD((w.o.sheet = (struct alb_tiles){.step = 1, .columns = 1, .rows = 1, .width = 16385, .height = 1}));
    BAD((w.o.sheet = (struct alb_tiles){.step = 1, .columns = 10001, .rows = 1, .width = 1, .height = 1}));
    BAD((w.o.sheet =
             (struct alb_tiles){.step = 1, .columns = 1, .rows = 1, .width = 1, .height = 1, .focus_x = 2}));
    BAD((w.o.film = (struct alb_tiles){.step = 1, .columns = 1, .rows = 2, .width = 1, .height = 1}));
    BAD((w.o.film = (struct alb_tiles){
             .step = 1, .columns = 1, .rows = 1, .width = 1, .height = 1, .delay = 60001}));
    BAD(w.o.style.n = ALB_STYLE_MAX + 1);
    BAD(w.second.turn = 1);
    BAD(w.second.next = &w.o);
}

static void test_effect_ranges(void **state)
{
    static struct world w;
    (void)state;
    BAD(w.o.effect_count = ALB_EFFECTS_MAX + 1);
    BAD(w.o.effects = NULL);
    BAD(w.effects[0].kind = ALB_EFFECT_COUNT);
    BAD(w.effects[0].kind = ALB_EFFECT_WATERMARK);
    BAD(w.effects[0].amount = NAN);
    BAD(w.effects[0].amount = -1);
    BAD(w.effects[1].amount2 = 0);
    BAD(w.effects[0].rgb = 0x1000000);
    BAD(w.effects[0].rgb2 = 0x1000000);
    BAD(w.effects[0].angle = INFINITY);
    BAD(w.effects[0].start = 2);
    BAD(w.effects[0].stop = -1);
    BAD(w.effects[0].left = 0.5);
    GOOD((w.effects[0].width = 0.5, w.effects[0].height = 0.5));
    BAD((w.effects[0].width = 0.5, w.effects[0].height = 0));
    BAD((w.effects[1].width = 0.5, w.effects[1].height = 0.5));
    GOOD((w.effects[0].kind = ALB_EFFECT_OUTLINE, w.effects[0].amount = 1, w.effects[0].width = 0.5,
          w.effects[0].height = 0.5));
    BAD((w.effects[0].kind = ALB_EFFECT_OUTLINE, w.effects[0].amount = 0));
    BAD((w.effects[0].kind = ALB_EFFECT_OUTLINE, w.effects[0].amount = 1001));
    BAD(w.overlays[0].amount = 1);
    BAD(w.overlays[0].mark.input = ALB_PLAN_INPUTS);
    BAD(w.overlays[0].mark.input = 1); /* a picture or a text */
    BAD(w.overlays[0].mark.text = ALB_STR_NONE);
    BAD(w.overlays[0].mark.opacity = 2);
    BAD(w.overlays[0].mark.tiling = ALB_TILING_COUNT);
    BAD(w.overlays[0].mark.at.kind = ALB_GRAVITY_POINT);
    BAD(w.overlays[0].mark.at.kind = ALB_GRAVITY_SMART);
    BAD(w.overlays[0].mark.scale = -1);
    GOOD(w.overlays[0].mark.scale = 0.25);
    BAD(w.overlays[0].mark.width = 2000000);
    BAD(w.overlays[0].mark.height = 2000000);
    BAD(w.overlays[0].mark.rotate = NAN);
    BAD(w.overlays[0].mark.shadow = -1);
    BAD(w.overlays[0].mark.text.n = ALB_MARK_TEXT_MAX + 1);
    BAD(w.overlays[0].mark.blend = ALB_BLEND_COUNT);
    BAD(w.overlays[0].mark.set.align = ALB_TEXT_ALIGN_COUNT);
    BAD(w.overlays[0].mark.set.wrap = ALB_TEXT_WRAP_COUNT);
    BAD(w.overlays[0].mark.set.font.n = ALB_FONT_MAX + 1);
    BAD(w.overlays[0].mark.set.rgb = 0x1000000);
    BAD(w.overlays[0].mark.set.share = NAN);
    BAD(w.overlays[0].mark.set.more = INT32_MAX);
    BAD(w.overlays[0].mark.set.spacing = ALB_FONT_POINTS + 1);
    BAD(w.overlays[0].mark.set.dpi = ALB_FONT_DPI + 1);
    GOOD(w.overlays[0].mark.placed = true);
}

static void test_output_ranges(void **state)
{
    static struct world w;
    struct alb_output *o = &w.o.output;
    (void)state;
    BAD(o->format = ALB_FORMAT_COUNT);
    BAD(o->automatic[1] = ALB_FORMAT_COUNT);
    BAD(o->preferred[1] = ALB_FORMAT_COUNT);
    BAD(o->keep = 1); /* the bit of SAME */
    BAD(o->best = ALB_FORMAT_BIT(ALB_FORMAT_COUNT));
    BAD(o->quality[0] = 101);
    BAD(o->effort[1] = 11);
    BAD(o->autoquality = ALB_AUTOQUALITY_COUNT);
    BAD(o->autoquality = ALB_AUTOQUALITY_SIZE); /* without a target */
    GOOD((o->autoquality = ALB_AUTOQUALITY_SIZE, o->target = 1000, o->least = 10, o->most = 90));
    BAD((o->autoquality = ALB_AUTOQUALITY_SIZE, o->target = 1000, o->least = 90, o->most = 10));
    BAD((o->autoquality = ALB_AUTOQUALITY_DSSIM, o->target = 1, o->least = 10, o->most = 101));
    BAD(o->most = 101);
    BAD(o->target = NAN);
    BAD(o->error = -1);
    BAD(o->profile = ALB_PROFILE_COUNT);
    BAD(o->profile = ALB_PROFILE_INPUT);
    GOOD((o->profile = ALB_PROFILE_INPUT, o->profile_input = 1));
    BAD(o->profile_input = 1);
    BAD((o->profile = ALB_PROFILE_INPUT, o->profile_input = ALB_PLAN_INPUTS));
    BAD(o->dpi = -1);
    BAD(o->jpeg_table = 9);
    BAD(o->chroma = ALB_CHROMA_COUNT);
    BAD(o->heif_chroma = ALB_CHROMA_COUNT);
    BAD(o->png_colors = 1);
    BAD(o->png_colors = 257);
    BAD(o->webp_mode = ALB_WEBP_MODE_COUNT);
    BAD(o->webp_preset = ALB_WEBP_PRESET_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_counts),    cmocka_unit_test(test_no_field_is_forgotten),
        cmocka_unit_test(test_lists_and_texts_count), cmocka_unit_test(test_clone),
        cmocka_unit_test(test_clone_refuses),         cmocka_unit_test(test_geometry_ranges),
        cmocka_unit_test(test_effect_ranges),         cmocka_unit_test(test_output_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
