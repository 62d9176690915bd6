/* SPDX-License-Identifier: Apache-2.0
 *
 * Sizes and places with sizing THUMBNAIL: those of libvips' vips_thumbnail (its resample/thumbnail.c: one factor for
 * both sides, from the side that counts; the other one follows and is rounded half up), and around it what thumbor and
 * imagor make of a URL: windows by their edges, the middle of several focal areas, boxes of which a side is missing,
 * and the canvas that is filled.
 */
#include <math.h>

#include "image/plan_priv.h"

/* ---- the window ---- */

/* An edge or an extent in pixels. */
static double measure(double v, bool fraction, double side, bool extent)
{
    if (!fraction)
        return v;
    return extent ? v * side : round(v * side);
}

/* One axis: [*from, *to) of a side; false: nothing of it. */
static bool span(const struct alb_window *w, bool down, uint32_t side, uint32_t *from, uint32_t *to)
{
    unsigned first = down ? 2 : 1, second = down ? 8 : 4;
    double a = measure(down ? w->top : w->left, (w->fractions & first) != 0, side, w->extent),
           b = measure(down ? w->bottom : w->right, (w->fractions & second) != 0, side, w->extent);
    a = fmin(fmax(a, 0), side);
    if (w->extent)
        b = fmin(b, side - a);
    else
        b = (b > 0 ? fmin(b, side) : side) - a;
    if (!(b >= 1))
        return false;
    *from = (uint32_t)a;
    *to = *from + (uint32_t)b;
    return true;
}

/* What is left of `clip`, in its pixels. */
static bool clip_span(uint32_t from, uint32_t to, uint32_t clip_at, uint32_t clip_n, uint32_t *at,
                      uint32_t *n)
{
    uint32_t end = clip_at + clip_n;
    from = from > clip_at ? from : clip_at;
    to = to < end ? to : end;
    *at = from - clip_at;
    *n = to > from ? to - from : 0;
    return to > from;
}

static void compute_window(const struct alb_plan_options *o, const struct alb_view *view,
                           struct alb_plan_sizes *s, struct alb_rect *r)
{
    uint32_t left, top, right, bottom;
    struct alb_rect found;
    *r = (struct alb_rect){0, 0, view->clip.width, view->clip.height};
    if (!o->window.on || !span(&o->window, false, view->width, &left, &right) ||
        !span(&o->window, true, view->height, &top, &bottom))
        return;
    if (!clip_span(left, right, view->clip.left, view->clip.width, &found.left, &found.width) ||
        !clip_span(top, bottom, view->clip.top, view->clip.height, &found.top, &found.height))
        return;
    *r = found;
    s->crop_w = r->width;
    s->crop_h = r->height;
}

/* ---- the focus ---- */

/* Where, of the part `r` of the clip, the middle of all areas lies. */
static void compute_focus(const struct alb_plan_options *o, const struct alb_view *view,
                          const struct alb_rect *r, struct alb_gravity *at)
{
    double x = 0, y = 0, all = 0;
    for (uint32_t i = 0; i < o->focus_count; i++) {
        const struct alb_focus *f = &o->focus[i];
        double w = f->fractions ? view->width : 1, h = f->fractions ? view->height : 1;
        double left = f->left * w, top = f->top * h;
        double right = f->point ? left + 1 : f->right * w, bottom = f->point ? top + 1 : f->bottom * h;
        double area = (right - left) * (bottom - top);
        x += (left + right) / 2 * area;
        y += (top + bottom) / 2 * area;
        all += area;
    }
    if (!(all > 0))
        return;
    at->kind = ALB_GRAVITY_POINT;
    at->x = fmin(fmax((x / all - view->clip.left - r->left) / r->width, 0), 1);
    at->y = fmin(fmax((y / all - view->clip.top - r->top) / r->height, 0), 1);
}

/* ---- the box ---- */

struct box {
    double w, h; /* 0: not given */
};

/* What is asked for of a picture of w x h. */
static struct box asked(const struct alb_plan_options *o, const struct alb_view *view, double w, double h)
{
    struct box b = {o->own_width ? w : o->width, o->own_height ? h : o->height};
    if (o->below_width)
        b.w = fmax(1, (double)view->below_width - o->width);
    if (o->below_height)
        b.h = fmax(1, (double)view->below_height - o->height);
    if (o->share > 0) {
        b = (struct box){floor(w * o->share), floor(h * o->share)};
        if (b.w < 1 || b.h < 1)
            b = (struct box){0, 0};
    }
    if (o->adaptive && b.w > 0 && b.h > 0 && (w > h) != (b.w > b.h))
        b = (struct box){b.h, b.w};
    return b;
}

/* Both sides, whole pixels. */
static struct box completed(const struct alb_plan_options *o, struct box b, double w, double h)
{
    if (b.w < 1 && b.h < 1)
        return (struct box){w, h};
    if (b.w < 1)
        b.w = fmax(1, floor(w * b.h / h));
    else if (b.h < 1)
        b.h = fmax(1, floor(h * b.w / w));
    if (!o->enlarge && o->width == 0 && !o->own_width && !o->below_width)
        b.w = fmin(b.w, w);
    if (!o->enlarge && o->height == 0 && !o->own_height && !o->below_height)
        b.h = fmin(b.h, h);
    return b;
}

/* As small as covers it: the side that is over is rounded up. */
static struct box grown(struct box b, double w, double h)
{
    double aspect = w / h;
    if (aspect < b.w / b.h)
        b.h = ceil(b.w / aspect);
    else
        b.w = ceil(b.h * aspect);
    return b;
}

/* A side that is not given follows, but not beyond side_max. */
static struct box bounded(const struct alb_plan_options *o, struct box b)
{
    double far = o->side_max > 0 ? o->side_max : ALB_PLAN_SIDE_MAX;
    return (struct box){b.w > 0 ? b.w : far, b.h > 0 ? b.h : far};
}

/* ---- scales ---- */

static void compute_scales(const struct alb_plan_options *o, struct box given, double w, double h,
                           struct alb_plan_sizes *s)
{
    bool both = given.w > 0 && given.h > 0, none = !(given.w > 0) && !(given.h > 0);
    bool force = o->fit == ALB_FIT_FORCE && !none, cover = o->fit == ALB_FIT_COVER && both;
    struct box to = force || o->fit == ALB_FIT_OUTSIDE ? (struct box){(double)s->box_w, (double)s->box_h}
                                                       : bounded(o, given);
    double across = w / to.w, down = h / to.h;
    if (!force)
        across = down = cover ? fmin(across, down) : fmax(across, down);
    if ((!o->enlarge || none) && !force)
        across = down = fmax(1, across);
    s->dpr = 1;
    s->scale_w = 1.0 / fmin(across, w); /* never below one pixel */
    s->scale_h = 1.0 / fmin(down, h);
    s->scaled_w = alb_resized((int64_t)w, s->scale_w);
    s->scaled_h = alb_resized((int64_t)h, s->scale_h);
    s->target_w = cover ? s->box_w : 0;
    s->target_h = cover ? s->box_h : 0;
    s->cut_w = s->target_w;
    s->cut_h = s->target_h;
}

void alb_plan_size_box(const struct alb_plan_options *o, const struct alb_view *view,
                       struct alb_plan_sizes *s, struct alb_gravity *crop_at, struct alb_gravity *at)
{
    struct alb_rect r;
    *s = (struct alb_plan_sizes){.source_w = view->clip.width, .source_h = view->clip.height};
    compute_window(o, view, s, &r);
    *crop_at = (struct alb_gravity){ALB_GRAVITY_NORTH_WEST, r.left, r.top};
    *at = o->gravity;
    if (o->focus_count > 0)
        compute_focus(o, view, &r, at);
    struct box given = asked(o, view, r.width, r.height), whole = completed(o, given, r.width, r.height);
    if (o->fit == ALB_FIT_OUTSIDE)
        whole = grown(whole, r.width, r.height);
    s->box_w = (int64_t)whole.w;
    s->box_h = (int64_t)whole.h;
    compute_scales(o, given, r.width, r.height, s);
    if (!(given.w > 0) && o->fit != ALB_FIT_FORCE && o->fit != ALB_FIT_OUTSIDE) /* as it has come out */
        s->box_w = s->scaled_w;
    if (!(given.h > 0) && o->fit != ALB_FIT_FORCE && o->fit != ALB_FIT_OUTSIDE)
        s->box_h = s->scaled_h;
    if (o->outline)
        alb_plan_size_outline(view, &r, at, s);
}

/* ---- fill ---- */

/* What of a side lies on a canvas of `whole`; false: nothing. */
static bool on_canvas(int64_t at, uint32_t side, int64_t whole, uint32_t *skip, uint32_t *n, uint32_t *to)
{
    int64_t from = at < 0 ? -at : 0, end = at + side > whole ? whole - at : side;
    if (end <= from)
        return false;
    *skip = (uint32_t)from;
    *n = (uint32_t)(end - from);
    *to = (uint32_t)(at + from);
    return true;
}

static void add_ground(struct alb_draft *d, const struct alb_fill *f, uint32_t w, uint32_t h, uint32_t left,
                       uint32_t top)
{
    bool painted = f->ground == ALB_GROUND_COLOR || f->ground == ALB_GROUND_MEAN;
    if (w == d->width && h == d->height && (!painted || !d->alpha))
        return;
    if (f->ground == ALB_GROUND_CLEAR) {
        alb_draft_canvas(d, w, h, left, top);
        return;
    }
    struct alb_plan_step *s = alb_draft_add(d, ALB_STEP_CANVAS, w, h);
    s->u.canvas.left = left;
    s->u.canvas.top = top;
    s->u.canvas.ground = f->ground;
    s->u.canvas.rgb = f->ground == ALB_GROUND_COLOR ? f->color : 0;
    s->u.canvas.sigma = f->ground == ALB_GROUND_BLUR ? f->sigma : 0;
    d->held += (uint64_t)w * h * (f->ground == ALB_GROUND_BLUR ? 24 : 4) + (uint64_t)d->width * d->height * 4;
    d->width = w;
    d->height = h;
    d->alpha = d->alpha && !painted;
}

enum alb_code alb_plan_fill(struct alb_draft *d, const struct alb_fill *f)
{
    bool box = f->box && d->box_width > 0 && d->box_height > 0;
    unsigned x = f->swap ? 1 : 0, y = 1 - x; /* padding: left or top first */
    int64_t w = box ? (f->swap ? d->box_height : d->box_width) : d->width,
            h = box ? (f->swap ? d->box_width : d->box_height) : d->height;
    int64_t left = (w - d->width) / 2 + f->padding[x], top = (h - d->height) / 2 + f->padding[y];
    struct alb_rect part;
    uint32_t to_x, to_y;
    if (!f->on)
        return ALB_OK;
    w += (int64_t)f->padding[x] + f->padding[x + 2];
    h += (int64_t)f->padding[y] + f->padding[y + 2];
    enum alb_code code = alb_draft_check_canvas(d, w, h);
    if (code != ALB_OK)
        return code;
    if (!on_canvas(left, d->width, w, &part.left, &part.width, &to_x) ||
        !on_canvas(top, d->height, h, &part.top, &part.height, &to_y))
        return alb_fail(d->err, ALB_E_UNPROCESSABLE, "nothing of the picture is left on its canvas");
    alb_draft_crop(d, part);
    add_ground(d, f, (uint32_t)w, (uint32_t)h, to_x, to_y);
    return ALB_OK;
}
