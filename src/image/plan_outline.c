/* SPDX-License-Identifier: Apache-2.0
 *
 * Outlines instead of a cut, with sizing THUMBNAIL: the picture as large as it is, and on it in red what would be left,
 * in green what is to stay.
 */
#include <math.h>

#include "image/plan_priv.h"

#define RED 0xff2020u
#define GREEN 0x20ff20u
#define LINE_MIN 2
#define LINE_MAX 1000
#define LINES_PER_SIDE 250 /* a line is so small a part of the longer side */
#define SPOT_LINES 8       /* a point is drawn so many lines large */

void alb_plan_size_outline(const struct alb_view *view, const struct alb_rect *r,
                           const struct alb_gravity *at, struct alb_plan_sizes *s)
{
    uint32_t scaled_w = (uint32_t)s->scaled_w, scaled_h = (uint32_t)s->scaled_h;
    uint32_t w = s->cut_w > 0 && s->cut_w < s->scaled_w ? (uint32_t)s->cut_w : scaled_w;
    uint32_t h = s->cut_h > 0 && s->cut_h < s->scaled_h ? (uint32_t)s->cut_h : scaled_h;
    double across = (double)r->width / scaled_w, down = (double)r->height / scaled_h;
    s->eye = at->kind == ALB_GRAVITY_SMART;
    s->left = (struct alb_rect){(uint32_t)floor((double)alb_place_down_x(at, scaled_w, w) * across),
                                (uint32_t)floor((double)alb_place_down_y(at, scaled_h, h) * down),
                                (uint32_t)fmax(1, round(w * across)), (uint32_t)fmax(1, round(h * down))};
    s->whole_x = -(int64_t)view->clip.left - r->left;
    s->whole_y = -(int64_t)view->clip.top - r->top;
    s->whole_w = view->width;
    s->whole_h = view->height;
    s->scale_w = s->scale_h = 1;
    s->target_w = s->target_h = s->cut_w = s->cut_h = 0;
    s->scaled_w = s->box_w = r->width;
    s->scaled_h = s->box_h = r->height;
}

static double line(const struct alb_draft *d)
{
    uint32_t longer = d->width > d->height ? d->width : d->height;
    return fmin(fmax(LINE_MIN, floor(longer / (double)LINES_PER_SIDE)), LINE_MAX);
}

static void add(struct alb_draft *d, struct alb_rect area, uint32_t rgb, bool eye)
{
    struct alb_plan_step *s = alb_draft_add(d, ALB_STEP_EFFECT, d->width, d->height);
    s->u.effect.kind = ALB_EFFECT_OUTLINE;
    s->u.effect.amount = line(d);
    s->u.effect.rgb = rgb;
    s->u.effect.keep = eye;
    s->u.effect.area = area;
    d->held += (uint64_t)d->width * d->height * 8;
}

/* From `a` to `b`, a point around its middle, what of it lies on a side; false: nothing. */
static bool on_side(double a, double b, double spot, uint32_t side, uint32_t *at, uint32_t *n)
{
    if (b - a <= 1) {
        a = (a + b - spot) / 2;
        b = a + spot;
    }
    a = fmin(fmax(floor(a), 0), side);
    b = fmin(fmax(ceil(b), 0), side);
    *at = (uint32_t)a;
    *n = (uint32_t)(b - a);
    return b > a;
}

static void add_focus(struct alb_draft *d, const struct alb_focus *f, const struct alb_plan_sizes *s)
{
    double w = f->fractions ? (double)s->whole_w : 1, h = f->fractions ? (double)s->whole_h : 1;
    double left = f->left * w, top = f->top * h, spot = SPOT_LINES * line(d);
    double right = f->point ? left + 1 : f->right * w, bottom = f->point ? top + 1 : f->bottom * h;
    double x = (double)s->whole_x, y = (double)s->whole_y;
    struct alb_rect area;
    if (on_side(x + left, x + right, spot, d->width, &area.left, &area.width) &&
        on_side(y + top, y + bottom, spot, d->height, &area.top, &area.height))
        add(d, area, GREEN, false);
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

void alb_plan_outline(struct alb_draft *d, const struct alb_plan_options *o, const struct alb_plan_sizes *s)
{
    struct alb_rect left = s->left;
    bool eye = s->eye && !d->animated; /* it would go elsewhere in each frame */
    if (!o->outline)
        return;
    left.width = least(left.width, d->width);
    left.height = least(left.height, d->height);
    left.left = eye ? 0 : least(left.left, d->width - left.width);
    left.top = eye ? 0 : least(left.top, d->height - left.height);
    if (left.width < d->width || left.height < d->height)
        add(d, left, RED, eye);
    for (uint32_t i = 0; i < o->focus_count; i++)
        add_focus(d, &o->focus[i], s);
}
