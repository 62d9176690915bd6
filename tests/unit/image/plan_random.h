/* SPDX-License-Identifier: Apache-2.0
 *
 * Any ask at all, from bytes (the fuzzer's) or from a seed (the test of properties), and the promises that hold for
 * the plan of each. Most values are reasonable, so that plans come about; some are not.
 */
#ifndef ALB_TESTS_IMAGE_PLAN_RANDOM_H
#define ALB_TESTS_IMAGE_PLAN_RANDOM_H

#include <string.h>

#include "base/check.h"
#include "image/plan.h"

struct dice {
    const uint8_t *p; /* NULL: from the seed */
    size_t n;
    uint64_t seed;
};

static inline uint32_t dice_word(struct dice *d)
{
    uint32_t v = 0;
    if (!d->p) {
        d->seed ^= d->seed << 13;
        d->seed ^= d->seed >> 7;
        d->seed ^= d->seed << 17;
        return (uint32_t)(d->seed >> 24);
    }
    for (int i = 0; i < 2 && d->n > 0; i++, d->n--)
        v = v << 8 | *d->p++;
    return v;
}

static inline uint32_t dice_below(struct dice *d, uint32_t n)
{
    return dice_word(d) % n;
}

/* One in n. */
static inline bool dice_rare(struct dice *d, uint32_t n)
{
    return dice_below(d, n) == n - 1;
}

static inline uint32_t dice_side(struct dice *d)
{
    static const uint32_t odd[] = {0,   1,     2,     15,    16,    255,     256,
                                   257, 16383, 16384, 65535, 65536, 1000000, UINT32_MAX};
    if (dice_rare(d, 50))
        return odd[dice_below(d, sizeof(odd) / sizeof(odd[0]))];
    return dice_below(d, dice_rare(d, 4) ? 20000 : 1500);
}

static inline double dice_fraction(struct dice *d)
{
    return dice_below(d, 1001) / 1000.0;
}

static inline double dice_number(struct dice *d, double usual)
{
    static const double odd[] = {0, -0.0, -1, 0.5, 1, 1e-300, 1e9, 1e300, -1e300, 100000};
    if (dice_rare(d, 120))
        return odd[dice_below(d, sizeof(odd) / sizeof(odd[0]))];
    if (dice_rare(d, 400)) {
        double nan;
        memset(&nan, 0xff, sizeof(nan));
        return nan;
    }
    return dice_rare(d, 3) ? usual * dice_fraction(d) * 4 + 0.01 : usual;
}

static inline struct alb_gravity dice_gravity(struct dice *d, uint32_t kinds)
{
    struct alb_gravity g = {(enum alb_gravity_kind)dice_below(d, dice_rare(d, 200) ? 20 : kinds), 0, 0};
    if (g.kind == ALB_GRAVITY_POINT || dice_rare(d, 2)) {
        g.x = dice_fraction(d);
        g.y = dice_fraction(d);
    } else if (dice_rare(d, 2)) {
        g.x = dice_below(d, 500) - 250.0;
        g.y = dice_number(d, 30);
    }
    return g;
}

/* ---- the ask ---- */

struct random_ask {
    struct alb_image_header headers[ALB_PLAN_INPUTS];
    struct alb_plan_options options[3];
    struct alb_effect effects[3][3], overlays[3][3], over_layer[1];
    struct alb_plan_options layer; /* of all overlays that are layers */
    struct alb_plan_limits limits;
    struct alb_rect trims[3];
    struct alb_plan_ask ask;
};

static inline void dice_header(struct dice *d, struct alb_image_header *h)
{
    static const enum alb_type usual[] = {ALB_TYPE_JPEG, ALB_TYPE_PNG,  ALB_TYPE_WEBP, ALB_TYPE_GIF,
                                          ALB_TYPE_HEIC, ALB_TYPE_AVIF, ALB_TYPE_TIFF, ALB_TYPE_SVG,
                                          ALB_TYPE_PDF,  ALB_TYPE_NEF};
    h->type = dice_rare(d, 20) ? (enum alb_type)dice_below(d, ALB_TYPE_COUNT) : usual[dice_below(d, 10)];
    h->width = dice_side(d) + !dice_rare(d, 50);
    h->height = dice_side(d) + !dice_rare(d, 50);
    h->orientation = (uint8_t)(1 + dice_below(d, 8));
    h->pages = dice_rare(d, 4) ? 1 + dice_below(d, 20) : 1;
    h->animated = h->pages > 1 && dice_rare(d, 2);
    h->alpha = dice_rare(d, 2);
    h->progressive = dice_rare(d, 4);
    h->preview = dice_rare(d, 2);
    h->bits = dice_rare(d, 5) ? 16 : 8;
    h->space = (enum alb_space)dice_below(d, 4);
    h->bytes = 100000;
    if (alb_type_class(h->type) == ALB_CLASS_RAW) {
        h->raw_width = h->width * 2;
        h->raw_height = h->height * 2;
    }
    if (dice_rare(d, 3)) {
        h->thumb_width = h->width / 4 + 1;
        h->thumb_height = h->height / 4 + 1;
        h->halvings = (uint8_t)dice_below(d, 8);
    }
}

static inline void dice_effect(struct dice *d, struct alb_effect *e, bool overlay)
{
    memset(e, 0, sizeof(*e));
    e->kind = (enum alb_effect_kind)dice_below(d, overlay ? ALB_EFFECT_COUNT : ALB_EFFECT_WATERMARK);
    if (e->kind != ALB_EFFECT_WATERMARK)
        e->amount = dice_rare(d, 2) ? 1 : dice_fraction(d);
    e->amount2 = e->kind == ALB_EFFECT_UNSHARP ? 24 : 0;
    if (e->kind == ALB_EFFECT_CURVE || e->kind == ALB_EFFECT_CONVOLVE)
        e->kind = ALB_EFFECT_LINEAR;
    if (e->kind >= ALB_EFFECT_LINEAR && e->kind != ALB_EFFECT_ROUND && e->kind != ALB_EFFECT_NOISE)
        e->amount = e->kind == ALB_EFFECT_OUTLINE ? 3 : 0;
    for (size_t i = 0; e->kind >= ALB_EFFECT_LINEAR && i < ALB_ARRAY_LEN(e->v); i++)
        e->v[i] = dice_number(d, 2);
    e->rgb = dice_word(d) & 0xffff;
    e->stop = dice_fraction(d);
    if (e->kind == ALB_EFFECT_PIXELATE)
        e->amount = dice_number(d, 8) + 1;
    if ((e->kind == ALB_EFFECT_BLUR || e->kind == ALB_EFFECT_PIXELATE || e->kind == ALB_EFFECT_OUTLINE) &&
        dice_rare(d, 2)) {
        e->left = dice_fraction(d);
        e->top = dice_fraction(d);
        e->width = dice_fraction(d);
        e->height = dice_fraction(d);
    }
    if (e->kind == ALB_EFFECT_LAYER || e->kind == ALB_EFFECT_FRAME) {
        e->mark.input = 1 + dice_below(d, 2);
        e->mark.opacity = dice_fraction(d);
        e->mark.placed = true;
        e->mark.x.value = dice_number(d, 20);
        e->mark.y.from = (enum alb_spot_from)dice_below(d, ALB_SPOT_COUNT);
        e->mark.blend = (enum alb_blend)dice_below(d, ALB_BLEND_COUNT);
    }
    if (e->kind != ALB_EFFECT_WATERMARK)
        return;
    e->mark.input = dice_below(d, ALB_PLAN_INPUTS);
    if (e->mark.input == 0)
        e->mark.text = ALB_STR("<b>words</b>");
    e->mark.opacity = dice_fraction(d);
    e->mark.tiling = (enum alb_tiling)dice_below(d, ALB_TILING_COUNT);
    e->mark.at = dice_gravity(d, ALB_GRAVITY_POINT);
    e->mark.scale = dice_rare(d, 2) ? dice_number(d, 0.3) : 0;
    e->mark.width = dice_rare(d, 3) ? dice_side(d) : 0;
    e->mark.height = dice_rare(d, 3) ? dice_side(d) : 0;
    e->mark.rotate = dice_number(d, 45);
    e->mark.shadow = dice_number(d, 3);
}

static inline void dice_source(struct dice *d, struct alb_plan_options *o)
{
    o->ignore_orientation = dice_rare(d, 4);
    o->page = dice_rare(d, 8) ? dice_below(d, 4) : 0;
    o->pages = dice_below(d, 5);
    o->frames = dice_below(d, 5);
    o->embedded = dice_rare(d, 8);
    o->lenient = dice_rare(d, 2);
    if (dice_rare(d, 4))
        o->style = ALB_STR("rect{fill:red}");
    o->shrink_margin = dice_rare(d, 4) ? ALB_SHRINK_NEVER : dice_rare(d, 3) ? 1700 : 0;
}

static inline void dice_output(struct dice *d, struct alb_output *o)
{
    o->format = (enum alb_format)dice_below(d, ALB_FORMAT_COUNT);
    if (dice_rare(d, 4))
        o->automatic[0] = (enum alb_format)dice_below(d, ALB_FORMAT_COUNT);
    if (dice_rare(d, 4))
        o->preferred[0] = (enum alb_format)dice_below(d, ALB_FORMAT_COUNT);
    if (dice_rare(d, 4))
        o->keep = (uint16_t)(dice_word(d) & 0x7fe);
    if (dice_rare(d, 6))
        o->best = (uint16_t)(dice_word(d) & 0x7fe);
    o->quality[dice_below(d, ALB_FORMAT_COUNT)] = (uint8_t)dice_below(d, 101);
    o->deep = dice_rare(d, 3);
    o->profile = (enum alb_profile_out)dice_below(d, ALB_PROFILE_INPUT);
    o->max_bytes = dice_rare(d, 6) ? 10000 : 0;
}

static inline void dice_geometry(struct dice *d, struct alb_plan_options *o)
{
    o->trim = (struct alb_trim){.on = dice_rare(d, 6),
                                .threshold = dice_number(d, 10),
                                .has_color = dice_rare(d, 2),
                                .color = dice_word(d) & 0xffff,
                                .equal_h = dice_rare(d, 2),
                                .equal_v = dice_rare(d, 2)};
    o->crop = (struct alb_crop){.on = dice_rare(d, 3),
                                .width = dice_rare(d, 2) ? dice_fraction(d) : dice_number(d, 300),
                                .height = dice_rare(d, 2) ? dice_fraction(d) : dice_number(d, 300),
                                .at = dice_gravity(d, ALB_GRAVITY_COUNT),
                                .aspect = dice_rare(d, 3) ? dice_number(d, 1.5) : 0,
                                .aspect_enlarge = dice_rare(d, 2)};
    o->fit = (enum alb_fit)dice_below(d, ALB_FIT_COUNT);
    o->width = dice_side(d);
    o->height = dice_side(d);
    o->min_width = dice_rare(d, 6) ? dice_side(d) : 0;
    o->min_height = dice_rare(d, 6) ? dice_side(d) : 0;
    o->zoom_x = dice_number(d, 1);
    o->zoom_y = dice_number(d, 1);
    o->dpr = dice_number(d, 1);
    o->enlarge = dice_rare(d, 3);
    o->gravity = dice_gravity(d, ALB_GRAVITY_COUNT);
    o->turn = (uint16_t)(dice_below(d, dice_rare(d, 100) ? 6 : 4) * 90);
    o->flip_h = dice_rare(d, 3);
    o->flip_v = dice_rare(d, 3);
    o->extend = (struct alb_extend){dice_rare(d, 3), dice_gravity(d, ALB_GRAVITY_SMART)};
    o->extend_aspect = (struct alb_extend){dice_rare(d, 3), dice_gravity(d, ALB_GRAVITY_SMART)};
    for (int i = 0; i < 4; i++)
        o->padding[i] = dice_rare(d, 6) ? dice_below(d, 100) : 0;
    o->side_max = dice_rare(d, 5) ? dice_side(d) : 0;
    o->linear = dice_rare(d, 5);
}

static inline void dice_layer(struct dice *d, struct random_ask *a)
{
    struct alb_plan_options *o = &a->layer;
    alb_plan_options_init(o);
    dice_source(d, o);
    o->sizing = ALB_SIZING_THUMBNAIL;
    o->fit = dice_rare(d, 2) ? ALB_FIT_COVER : ALB_FIT_FORCE;
    o->width = dice_side(d);
    o->below_height = dice_rare(d, 2);
    o->height = dice_below(d, 30);
    o->enlarge = dice_rare(d, 2);
    o->outline = dice_rare(d, 4);
    o->trim.on = dice_rare(d, 6);
    o->trim.threshold = 10;
    o->overlay_count = dice_rare(d, 3) ? 1 : 0;
    o->overlays = a->over_layer;
    do
        dice_effect(d, &a->over_layer[0], true);
    while (a->over_layer[0].kind == ALB_EFFECT_LAYER);
}

static inline void dice_limits(struct dice *d, struct alb_plan_limits *l)
{
    alb_plan_limits_default(l);
    if (dice_rare(d, 10))
        l->source_pixels = dice_word(d);
    if (dice_rare(d, 10))
        l->frame_pixels = dice_word(d);
    if (dice_rare(d, 10))
        l->result_side = dice_below(d, 5000);
    if (dice_rare(d, 10))
        l->result_pixels = dice_word(d);
}

static inline void dice_ask(struct dice *d, struct random_ask *a)
{
    uint32_t pipelines = dice_rare(d, 5) ? 1 + dice_below(d, 3) : 1;
    memset(a, 0, sizeof(*a));
    a->ask = (struct alb_plan_ask){
        a->headers, 1 + dice_below(d, ALB_PLAN_INPUTS), a->options, &a->limits, a->trims, 0};
    for (uint32_t i = 0; i < a->ask.header_count; i++)
        dice_header(d, &a->headers[i]);
    for (uint32_t i = 0; i < pipelines; i++) {
        struct alb_plan_options *o = &a->options[i];
        alb_plan_options_init(o);
        dice_source(d, o);
        dice_geometry(d, o);
        dice_output(d, &o->output);
        o->effect_count = dice_rare(d, 3) ? 1 + dice_below(d, 3) : 0;
        o->overlay_count = dice_rare(d, 3) ? 1 + dice_below(d, 3) : 0;
        for (uint32_t k = 0; k < 3; k++) {
            dice_effect(d, &a->effects[i][k], false);
            dice_effect(d, &a->overlays[i][k], true);
            if (a->overlays[i][k].kind == ALB_EFFECT_LAYER)
                a->overlays[i][k].layer = &a->layer;
        }
        o->effects = a->effects[i];
        o->overlays = a->overlays[i];
        o->flatten = dice_rare(d, 4);
        o->background = dice_word(d) & 0xffffff;
        o->background_alpha = dice_rare(d, 3) ? dice_fraction(d) : 1;
        if (i > 0)
            a->options[i - 1].next = o;
    }
    dice_layer(d, a);
    dice_limits(d, &a->limits);
}

/* ---- what holds for every plan ---- */

static inline bool same_plan(const struct alb_plan *a, const struct alb_plan *b)
{
    struct alb_buf x = ALB_BUF_INIT(ALB_PLAN_PACKED_MAX), y = ALB_BUF_INIT(ALB_PLAN_PACKED_MAX);
    alb_plan_pack(a, &x);
    alb_plan_pack(b, &y);
    bool same = alb_buf_code(&x) == ALB_OK && alb_str_eq(alb_buf_view(&x), alb_buf_view(&y)) &&
                a->width == b->width && a->height == b->height && a->format == b->format &&
                a->fonts == b->fonts && a->memory == b->memory;
    alb_buf_fini(&x);
    alb_buf_fini(&y);
    return same;
}

/* A format without transparency never gets any: after what may bring it there is a ground. */
static inline bool is_grounded(const struct alb_plan *p, bool alpha)
{
    unsigned depth = 0;
    for (uint32_t i = 1; i < p->count; i++) {
        const struct alb_plan_step *s = &p->steps[i];
        depth += s->kind == ALB_STEP_LOAD;
        depth -= s->kind == ALB_STEP_BLEND;
        if (depth > 0)
            continue;
        if (s->kind == ALB_STEP_CANVAS)
            alpha =
                s->u.canvas.ground == ALB_GROUND_CLEAR || (alpha && s->u.canvas.ground == ALB_GROUND_BLUR);
        if (s->kind == ALB_STEP_MARK && s->u.mark.blend >= ALB_BLEND_MASK)
            alpha = true;
        if (s->kind == ALB_STEP_EFFECT && s->u.effect.kind == ALB_EFFECT_ROUND)
            alpha = true;
        if (s->kind == ALB_STEP_BLEND)
            alpha = alpha || s->u.blend.blend >= ALB_BLEND_MASK;
        if (s->kind == ALB_STEP_FLATTEN && s->u.flatten.alpha >= 1)
            alpha = false;
    }
    return !alpha;
}

/* Whatever of the best is chosen in the end. */
static inline bool keeps_alpha(const struct alb_plan *p)
{
    uint16_t best = p->steps[p->count - 1].u.encode.output.best;
    for (unsigned f = 1; f < ALB_FORMAT_COUNT; f++) {
        if ((best & ALB_FORMAT_BIT(f)) && !alb_format_alpha((enum alb_format)f))
            return false;
    }
    return best != 0 || alb_format_alpha(p->format);
}

static inline void hold_plan(const struct random_ask *a, const struct alb_plan *p)
{
    static struct alb_plan other;
    struct alb_buf b = ALB_BUF_INIT(ALB_PLAN_PACKED_MAX);
    ALB_CHECK(alb_plan_check(p, NULL) == ALB_OK); /* P1, P2 */
    ALB_CHECK(p->memory <= a->limits.memory);     /* P3 */
    if (!alb_plan_is_trim(p)) {
        ALB_CHECK(p->width <= a->limits.result_side && p->height <= a->limits.result_side);
        ALB_CHECK((uint64_t)p->width * p->height <= a->limits.result_pixels);
        ALB_CHECK(keeps_alpha(p) || is_grounded(p, a->headers[0].alpha));
        ALB_CHECK(p->format == ALB_FORMAT_SAME ||
                  (p->width <= alb_format_side(p->format) && p->height <= alb_format_side(p->format)));
    }
    ALB_CHECK(alb_plan_make(&a->ask, &other, NULL) == ALB_OK && same_plan(p, &other)); /* P4 */
    alb_plan_pack(p, &b);
    ALB_CHECK(alb_plan_unpack(alb_buf_view(&b), &other, NULL) == ALB_OK && same_plan(p, &other));
    alb_buf_fini(&b);
}

/* Makes the plan, and goes on with some rectangle while it asks for one. */
static inline enum alb_code hold_ask(struct dice *d, struct random_ask *a)
{
    static struct alb_plan p;
    enum alb_code code = alb_plan_make(&a->ask, &p, NULL);
    while (code == ALB_OK && alb_plan_is_trim(&p) && a->ask.trim_count < 3) {
        hold_plan(a, &p);
        uint32_t w = dice_below(d, p.width + 1), h = dice_below(d, p.height + 1);
        a->trims[a->ask.trim_count++] =
            (struct alb_rect){dice_below(d, p.width - w + 1), dice_below(d, p.height - h + 1), w, h};
        code = alb_plan_make(&a->ask, &p, NULL);
    }
    if (code == ALB_OK)
        hold_plan(a, &p);
    else
        ALB_CHECK(p.count == 0 && (code == ALB_E_INVALID || code == ALB_E_TOO_LARGE ||
                                   code == ALB_E_UNSUPPORTED || code == ALB_E_UNPROCESSABLE));
    return code;
}

#endif
