/* SPDX-License-Identifier: Apache-2.0
 *
 * Effects and overlays: options in fractions and in pixels at dpr 1 become steps in pixels of the picture as it is
 * there. What would change nothing is no step.
 */
#include <math.h>
#include <string.h>

#include "image/plan_priv.h"

#define AMOUNT_MAX 100000.0

static bool is_number(double v, double n)
{
    return fabs(v - n) < 1e-9;
}

static bool is_identity(const double v[3], double n)
{
    return is_number(v[0], n) && is_number(v[1], n) && is_number(v[2], n);
}

static bool does_nothing(const struct alb_effect *e)
{
    switch (e->kind) {
    case ALB_EFFECT_PIXELATE:
        return e->amount < 2;
    case ALB_EFFECT_CONTRAST:
    case ALB_EFFECT_SATURATION:
        return is_number(e->amount, 1);
    case ALB_EFFECT_WATERMARK:
    case ALB_EFFECT_LAYER: /* a mask that is not seen leaves nothing */
        return is_number(e->mark.opacity, 0) && e->mark.blend != ALB_BLEND_MASK;
    case ALB_EFFECT_LINEAR:
        return is_identity(e->v, 1) && is_number(e->v[3], 0) && is_number(e->v[4], 0) && is_number(e->v[5], 0);
    case ALB_EFFECT_MODULATE:
        return is_number(e->v[0], 1) && is_number(e->v[1], 1) && is_number(e->v[2], 0);
    case ALB_EFFECT_ROUND:
        return is_number(e->amount, 0) && is_number(e->amount2, 0);
    case ALB_EFFECT_GREY:
    case ALB_EFFECT_EQUALIZE:
    case ALB_EFFECT_CURVE:
    case ALB_EFFECT_CONVOLVE:
    case ALB_EFFECT_FRAME:
    case ALB_EFFECT_RED_EYE:
    case ALB_EFFECT_OUTLINE:
    case ALB_EFFECT_UNSHARP: /* the kernel of weight 1 + 8 and divider 1 is none of them */
        return false;
    case ALB_EFFECT_NOISE:
    case ALB_EFFECT_BLUR:
    case ALB_EFFECT_SHARPEN:
    case ALB_EFFECT_BRIGHTNESS:
    case ALB_EFFECT_MONOCHROME:
    case ALB_EFFECT_DUOTONE:
    case ALB_EFFECT_COLORIZE:
    case ALB_EFFECT_GRADIENT:
    case ALB_EFFECT_BLUR_RAMP:
    case ALB_EFFECT_COUNT:
        break;
    }
    return is_number(e->amount, 0);
}

/* The pixels from `from` to `from + part` of a side; 0: none. */
static void cut_side(double from, double part, uint32_t side, uint32_t *at, uint32_t *n)
{
    int64_t a = alb_scaled(side, from), b = alb_scaled(side, from + part);
    b = b < side ? b : side;
    *at = (uint32_t)a;
    *n = b > a ? (uint32_t)(b - a) : 0;
}

static void add_effect(struct alb_draft *d, const struct alb_effect *e)
{
    struct alb_rect area = {0, 0, 0, 0};
    if (e->width > 0) {
        cut_side(e->left, e->width, d->width, &area.left, &area.width);
        cut_side(e->top, e->height, d->height, &area.top, &area.height);
        if (area.width == 0 || area.height == 0)
            return;
    }
    if (e->kind == ALB_EFFECT_PIXELATE && e->keep) {
        d->width = alb_whole_blocks(d->width, floor(e->amount));
        d->height = alb_whole_blocks(d->height, floor(e->amount));
    }
    struct alb_plan_step *s = alb_draft_add(d, ALB_STEP_EFFECT, d->width, d->height);
    s->u.effect.kind = e->kind;
    s->u.effect.amount = e->amount;
    if (e->kind == ALB_EFFECT_PIXELATE)
        s->u.effect.amount = fmin(floor(e->amount), e->keep ? AMOUNT_MAX : d->width > d->height ? d->width : d->height);
    s->u.effect.amount2 = e->amount2;
    s->u.effect.angle = e->angle;
    s->u.effect.start = e->start;
    s->u.effect.stop = e->stop;
    s->u.effect.rgb = e->rgb;
    s->u.effect.rgb2 = e->rgb2;
    s->u.effect.keep = e->keep;
    memcpy(s->u.effect.v, e->v, sizeof(e->v));
    s->u.effect.data = alb_draft_text(d, e->data);
    d->alpha = d->alpha || e->kind == ALB_EFFECT_ROUND;
    s->u.effect.area = area;
    d->held += (uint64_t)d->width * d->height * (e->kind == ALB_EFFECT_BLUR_RAMP ? 24 : 8);
}

/* ---- marks ---- */

static double pixels(double v, uint32_t side, double dpr)
{
    return (double)(fabs(v) >= 1.0 ? alb_even(v * dpr) : alb_scaled_even(side, v));
}

static uint32_t gap(double v)
{
    return v < 0 ? 0 : v > ALB_PLAN_SIDE_MAX ? ALB_PLAN_SIDE_MAX : (uint32_t)v;
}

static uint32_t side(int64_t v)
{
    return v < 1 ? 1 : v > ALB_PLAN_SIDE_MAX ? ALB_PLAN_SIDE_MAX : (uint32_t)v;
}

/* The box that it is to fill; 0 x 0: its own size. */
static void box_of(const struct alb_draft *d, const struct alb_mark *m, uint32_t *w, uint32_t *h)
{
    *w = m->width;
    *h = m->height;
    if (m->share_x > 0 || m->share_y > 0) {
        *w = m->share_x > 0 ? side((int64_t)(d->width * m->share_x)) : 0;
        *h = m->share_y > 0 ? side((int64_t)(d->height * m->share_y)) : 0;
    }
    if (*w == 0 && *h == 0 && m->scale > 0) {
        *w = side(alb_scaled_even(d->width, m->scale));
        *h = side(alb_scaled_even(d->height, m->scale));
    }
}

/* How it is set, in pixels of the picture. */
static void set_text(struct alb_draft *d, const struct alb_typeset *t, struct alb_plan_typeset *to)
{
    double width = trunc(d->width * t->share) + t->more;
    *to = (struct alb_plan_typeset){.forgiving = t->forgiving,
                                    .filled = t->filled,
                                    .painted = t->painted || t->mean,
                                    .mean = t->mean,
                                    .justify = t->justify,
                                    .rgb = t->mean ? 0 : t->rgb,
                                    .font = alb_draft_text(d, t->font),
                                    .align = t->align,
                                    .wrap = t->wrap,
                                    .width = width >= 1 ? side((int64_t)width) : 0,
                                    .spacing = t->spacing,
                                    .dpi = t->dpi};
}

static void text_mark(struct alb_draft *d, const struct alb_mark *m, double dpr, struct alb_plan_step *s)
{
    uint32_t w, h;
    box_of(d, m, &w, &h);
    set_text(d, &m->set, &s->u.mark.set);
    s->u.mark.text = alb_draft_text(d, m->text);
    s->u.mark.scale = fmin(fmax(dpr, 0.01), 1000);
    if (w == 0 && h == 0)
        return;
    s->u.mark.width = w ? w : d->width; /* one line of text: its proportions are its own */
    s->u.mark.height = h ? h : d->height;
}

static enum alb_code picture_mark(struct alb_draft *d, const struct alb_mark *m, struct alb_plan_step *s)
{
    if (m->input >= d->ask->header_count)
        return alb_fail(d->err, ALB_E_INVALID, "there is no input %u", m->input);
    const struct alb_image_header *h = &d->ask->headers[m->input];
    if (!alb_type_can_show(h->type) || h->width == 0 || h->height == 0)
        return alb_fail(d->err, ALB_E_UNPROCESSABLE, "a watermark that is no picture");
    if (alb_type_class(h->type) != ALB_CLASS_VECTOR &&
        (uint64_t)h->width * h->height > d->ask->limits->source_pixels)
        return alb_fail(d->err, ALB_E_TOO_LARGE, "a watermark with more than %llu pixels",
                        (unsigned long long)d->ask->limits->source_pixels);
    struct alb_plan_options o;
    struct alb_plan_sizes size;
    uint32_t w, hh;
    alb_plan_options_init(&o);
    o.enlarge = true;
    box_of(d, m, &o.width, &o.height);
    alb_header_shown(h, 0, &w, &hh);
    alb_plan_size(&o, w, hh, false, &size);
    s->u.mark.width = side(size.scaled_w);
    s->u.mark.height = side(size.scaled_h);
    s->u.mark.type = h->type;
    s->u.mark.orientation = alb_turn_valid(h->orientation);
    s->u.mark.source_width = h->width;
    s->u.mark.source_height = h->height;
    s->u.mark.eighths = 8;
    if (h->type == ALB_TYPE_JPEG)
        s->u.mark.eighths =
            alb_jpeg_eighths(fmin((double)w / s->u.mark.width, (double)hh / s->u.mark.height));
    d->held += (uint64_t)h->width * h->height * (h->type == ALB_TYPE_JPEG ? 1 : 8);
    return ALB_OK;
}

bool alb_spot_place(const struct alb_spot *s, uint32_t whole, uint32_t part, int32_t *at, uint32_t *times)
{
    double v = trunc(s->part ? whole * s->value : s->value), from = 0;
    *times = s->from == ALB_SPOT_REPEAT ? whole / part + 1 : 1;
    if (s->from == ALB_SPOT_MIDDLE)
        from = trunc(((double)whole - part) / 2);
    else if (s->from == ALB_SPOT_END || (s->from == ALB_SPOT_START && v < 0 && !s->fixed))
        from = (double)whole - part + v;
    else if (s->from == ALB_SPOT_START)
        from = v;
    *at = (int32_t)fmin(fmax(from, -2e9), 2e9);
    return from < whole && from + (double)part * *times > 0;
}

bool alb_plan_place(const struct alb_draft *d, const struct alb_mark *m, uint32_t part_w, uint32_t part_h,
                    struct alb_placing *out)
{
    bool in_x = alb_spot_place(&m->x, d->width, part_w, &out->left, &out->across),
         in_y = alb_spot_place(&m->y, d->height, part_h, &out->top, &out->down);
    return in_x && in_y;
}

/* False: it is not there. Where a text lies is found when its size is. */
static bool place_mark(struct alb_draft *d, const struct alb_mark *m, struct alb_plan_step *s)
{
    struct alb_placing p;
    s->u.mark.placed = true;
    if (m->input == 0) {
        s->u.mark.x = m->x;
        s->u.mark.y = m->y;
        return true;
    }
    if (!alb_plan_place(d, m, s->u.mark.width, s->u.mark.height, &p)) {
        d->plan->count--;
        return false;
    }
    s->u.mark.left = p.left;
    s->u.mark.top = p.top;
    s->u.mark.across = p.across;
    s->u.mark.down = p.down;
    return true;
}

static enum alb_code add_mark(struct alb_draft *d, const struct alb_mark *m, double dpr)
{
    struct alb_plan_step *s = alb_draft_add(d, ALB_STEP_MARK, d->width, d->height);
    enum alb_code code = ALB_OK;
    s->u.mark.input = m->input;
    s->u.mark.opacity = m->opacity;
    s->u.mark.blend = m->blend;
    s->u.mark.rotate = m->rotate;
    s->u.mark.shadow = m->shadow;
    s->u.mark.tiling = m->tiling;
    s->u.mark.orientation = 1;
    s->u.mark.eighths = 8;
    s->u.mark.at.kind = m->at.kind;
    s->u.mark.at.x = pixels(m->at.x, d->width, dpr);
    s->u.mark.at.y = pixels(m->at.y, d->height, dpr);
    if (m->tiling != ALB_TILING_ONE) {
        s->u.mark.gap_x = gap(s->u.mark.at.x);
        s->u.mark.gap_y = gap(s->u.mark.at.y);
        s->u.mark.at = (struct alb_gravity){ALB_GRAVITY_CENTRE, 0, 0};
    }
    if (m->input == 0)
        text_mark(d, m, dpr, s);
    else
        code = picture_mark(d, m, s);
    if (code == ALB_OK && m->placed && !place_mark(d, m, s))
        return ALB_OK;
    d->alpha = d->alpha || m->blend == ALB_BLEND_MASK || m->blend == ALB_BLEND_MASK_OUT;
    /* the mark itself, and laid out over the picture */
    d->held += (uint64_t)s->u.mark.width * s->u.mark.height * 8 + (uint64_t)d->width * d->height * 8;
    return code;
}

enum alb_code alb_plan_effects(struct alb_draft *d, const struct alb_effect *list, uint32_t count, double dpr)
{
    enum alb_code code = ALB_OK;
    for (uint32_t i = 0; code == ALB_OK && !d->asks && i < count; i++) {
        bool in_vain = list[i].kind == ALB_EFFECT_UNSHARP && list[i].keep && !d->smaller;
        if (in_vain || does_nothing(&list[i]))
            continue;
        if (list[i].kind == ALB_EFFECT_WATERMARK)
            code = add_mark(d, &list[i].mark, dpr);
        else if (list[i].kind == ALB_EFFECT_LAYER)
            code = alb_plan_layer(d, &list[i]);
        else if (list[i].kind == ALB_EFFECT_FRAME)
            code = alb_plan_frame(d, &list[i]);
        else
            add_effect(d, &list[i]);
    }
    return code;
}
