/* SPDX-License-Identifier: Apache-2.0
 *
 * How large everything becomes: imgproxy's arithmetic to the last bit (its processing/prepare.go; the page
 * "Resizing" of its documentation tells the rules in words). Sizes are rounded half away from zero. What looks as
 * if it could be written shorter (dividing by a quotient, multiplying by a reciprocal) is there because it rounds
 * differently; the build forbids the compiler to fuse operations.
 */
#include <math.h>

#include "image/plan_priv.h"

#define FAR 1000000000000000.0 /* larger than any size that passes a limit; far inside 64 bits */

int64_t alb_scaled(int64_t side, double scale)
{
    double v = (double)side * scale;
    return v < FAR ? (int64_t)round(v) : (int64_t)FAR;
}

int64_t alb_resized(int64_t side, double scale)
{
    double v = (double)side / (1.0 / scale);
    return v < FAR ? (int64_t)(v + 0.5) : (int64_t)FAR;
}

int64_t alb_scaled_even(int64_t side, double scale)
{
    return alb_even((double)side * scale);
}

/* 0 is "not given". */
int64_t alb_least_given(int64_t a, int64_t b)
{
    if (a == 0 || b == 0)
        return a + b;
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- the cut before ---- */

static int64_t crop_side(double wanted, int64_t side)
{
    if (wanted >= 1.0)
        return (int64_t)wanted;
    return wanted > 0 ? larger(1, alb_scaled(side, wanted)) : 0;
}

/* To the proportions: the side that is too short grows as far as it can, then the one that is too long is cut. */
static void crop_aspect(const struct alb_crop *c, struct alb_plan_sizes *s)
{
    double w = (double)alb_least_given(s->crop_w, s->source_w),
           h = (double)alb_least_given(s->crop_h, s->source_h);
    if (c->aspect_enlarge && w / h > c->aspect)
        h = fmin(w / c->aspect, (double)s->source_h);
    else if (c->aspect_enlarge)
        w = fmin(h * c->aspect, (double)s->source_w);
    if (w / h > c->aspect)
        w = h * c->aspect;
    else
        h = w / c->aspect;
    s->crop_w = larger(1, alb_scaled(1, w));
    s->crop_h = larger(1, alb_scaled(1, h));
}

static void compute_crop(const struct alb_plan_options *o, struct alb_plan_sizes *s)
{
    if (!o->crop.on)
        return;
    s->crop_w = crop_side(o->crop.width, s->source_w);
    s->crop_h = crop_side(o->crop.height, s->source_h);
    if (o->crop.aspect > 0)
        crop_aspect(&o->crop, s);
}

/* ---- scales ---- */

struct shrink {
    double w, h; /* of the source by the result; below 1: enlarged */
};

static enum alb_fit fit_of(const struct alb_plan_options *o, double w, double h, double to_w, double to_h)
{
    if (o->fit != ALB_FIT_AUTO)
        return o->fit;
    return (w >= h) == (to_w >= to_h) ? ALB_FIT_COVER : ALB_FIT_INSIDE;
}

static struct shrink to_fit(const struct alb_plan_options *o, double w, double h)
{
    double to_w = o->width ? (double)o->width : w, to_h = o->height ? (double)o->height : h;
    struct shrink s = {w / to_w, h / to_h};
    enum alb_fit fit = fit_of(o, w, h, to_w, to_h);
    if (fit == ALB_FIT_FORCE)
        return s;
    if (o->width == 0)
        s.w = s.h;
    else if (o->height == 0)
        s.h = s.w;
    else if (fit == ALB_FIT_INSIDE)
        s.w = s.h = fmax(s.w, s.h);
    else
        s.w = s.h = fmin(s.w, s.h);
    return s;
}

/* Nothing is enlarged: if it would be, both axes are brought back by the same factor, so that proportions stay as
 * asked. What is short of the wanted size may take up a dpr below 1. */
static void never_enlarge(const struct alb_plan_options *o, struct shrink *s, double *dpr)
{
    double least = fmin(s->w, s->h);
    if (least < 1) {
        s->w /= least;
        s->h /= least;
        if (!o->extend.on)
            *dpr /= least;
    }
    *dpr = fmin(*dpr, fmin(s->w, s->h));
}

static void reach_minimum(const struct alb_plan_options *o, double w, double h, struct shrink *s)
{
    double most_w = o->min_width ? w / (double)o->min_width : s->w;
    if (most_w < s->w) {
        s->h /= s->w / most_w;
        s->w = most_w;
    }
    double most_h = o->min_height ? h / (double)o->min_height : s->h;
    if (most_h < s->h) {
        s->w /= s->h / most_h;
        s->h = most_h;
    }
}

static void compute_scales(const struct alb_plan_options *o, int64_t width, int64_t height, bool vector,
                           struct alb_plan_sizes *out)
{
    double w = (double)width, h = (double)height;
    struct shrink s = to_fit(o, w, h);
    s.w /= o->zoom_x;
    s.h /= o->zoom_y;
    out->dpr = o->dpr;
    if (!o->enlarge && !vector)
        never_enlarge(o, &s, &out->dpr);
    reach_minimum(o, w, h, &s);
    s.w /= out->dpr;
    s.h /= out->dpr;
    out->scale_w = 1.0 / fmin(s.w, w); /* never below one pixel */
    out->scale_h = 1.0 / fmin(s.h, h);
}

/* ---- sizes ---- */

/* The result is cut to the wanted size; COVER_DOWN cuts a picture that is too small to its proportions. */
static void compute_cut(const struct alb_plan_options *o, struct alb_plan_sizes *s)
{
    s->cut_w = s->target_w;
    s->cut_h = s->target_h;
    if (o->fit != ALB_FIT_COVER_DOWN || o->enlarge)
        return;
    double over_w = (double)s->target_w / (double)s->scaled_w,
           over_h = (double)s->target_h / (double)s->scaled_h;
    if (over_w > over_h && over_w > 1.0) {
        s->cut_w = s->scaled_w;
        s->cut_h = alb_scaled(s->scaled_w, (double)s->target_h / (double)s->target_w);
    } else if (over_h > over_w && over_h > 1.0) {
        s->cut_w = alb_scaled(s->scaled_h, (double)s->target_w / (double)s->target_h);
        s->cut_h = s->scaled_h;
    }
}

static void compute_aspect(const struct alb_plan_options *o, struct alb_plan_sizes *s)
{
    s->aspect_w = s->aspect_h = 0;
    if (!o->extend_aspect.on || s->target_w == 0 || s->target_h == 0)
        return;
    int64_t w = alb_least_given(s->scaled_w, s->cut_w), h = alb_least_given(s->scaled_h, s->cut_h);
    double over_w = (double)s->target_w / (double)w, over_h = (double)s->target_h / (double)h;
    if (over_h > over_w) {
        s->aspect_w = w;
        s->aspect_h = alb_scaled(w, (double)s->target_h / (double)s->target_w);
    } else if (over_w > over_h) {
        s->aspect_w = alb_scaled(h, (double)s->target_w / (double)s->target_h);
        s->aspect_h = h;
    }
}

static void compute_sizes(const struct alb_plan_options *o, int64_t width, int64_t height,
                          struct alb_plan_sizes *s)
{
    s->target_w = alb_scaled(o->width, s->dpr * o->zoom_x);
    s->target_h = alb_scaled(o->height, s->dpr * o->zoom_y);
    s->scaled_w = alb_scaled(width, s->scale_w);
    s->scaled_h = alb_scaled(height, s->scale_h);
    compute_cut(o, s);
    compute_aspect(o, s);
}

/* The sides of the result: with the canvases and the padding around it. */
static void result_sides(const struct alb_plan_options *o, const struct alb_plan_sizes *s, int64_t *w,
                         int64_t *h)
{
    *w = alb_least_given(s->scaled_w, s->cut_w);
    *h = alb_least_given(s->scaled_h, s->cut_h);
    if (o->extend.on) {
        *w = larger(*w, s->target_w);
        *h = larger(*h, s->target_h);
    } else {
        *w = larger(*w, s->aspect_w);
        *h = larger(*h, s->aspect_h);
    }
    *w += alb_scaled_even(o->padding[3], s->dpr) + alb_scaled_even(o->padding[1], s->dpr);
    *h += alb_scaled_even(o->padding[0], s->dpr) + alb_scaled_even(o->padding[2], s->dpr);
}

static void keep_within(const struct alb_plan_options *o, int64_t width, int64_t height,
                        struct alb_plan_sizes *s)
{
    int64_t w, h;
    result_sides(o, s, &w, &h);
    if (o->side_max == 0 || larger(w, h) <= o->side_max)
        return;
    double down = (double)o->side_max / (double)larger(w, h);
    s->scale_w = fmax(s->scale_w * down, 1.0 / (double)width);
    s->scale_h = fmax(s->scale_h * down, 1.0 / (double)height);
    s->dpr *= down;
    compute_sizes(o, width, height, s);
}

void alb_plan_size(const struct alb_plan_options *o, uint32_t width, uint32_t height, bool vector,
                   struct alb_plan_sizes *s)
{
    *s = (struct alb_plan_sizes){.source_w = width, .source_h = height};
    compute_crop(o, s);
    int64_t w = alb_least_given(s->crop_w, s->source_w), h = alb_least_given(s->crop_h, s->source_h);
    compute_scales(o, w, h, vector, s);
    compute_sizes(o, w, h, s);
    keep_within(o, w, h, s);
}
