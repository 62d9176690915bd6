/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plan begins with: what may come in at all, which of its pages are taken, and how large they lie in the file.
 */
#include <math.h>

#include "image/plan_priv.h"

#define VECTOR_DPI 72.0

static bool is_vector(const struct alb_image_header *h)
{
    return alb_type_class(h->type) == ALB_CLASS_VECTOR;
}

void alb_header_shown(const struct alb_image_header *h, int turn, uint32_t *width, uint32_t *height)
{
    int quarter = (turn % 360 + 360) % 360 / 90;
    bool swap = alb_turn_swaps(alb_turn_valid(h->orientation)) != ((quarter & 1) != 0);
    *width = swap ? h->height : h->width;
    *height = swap ? h->width : h->height;
}

void alb_plan_limits_default(struct alb_plan_limits *l)
{
    *l = (struct alb_plan_limits){
        .source_bytes = (int64_t)2 << 30,
        .source_pixels = 300u * 1000 * 1000,
        .animation_pixels = 150u * 1000 * 1000,
        .frames = 1000,
        .result_side = 16383,
        .result_pixels = 150u * 1000 * 1000,
        .memory = (uint64_t)2 << 30,
    };
}

/* ---- what may come in ---- */

enum alb_code alb_plan_check_source(const struct alb_image_header *h, const struct alb_plan_limits *l,
                                    struct alb_err *err)
{
    uint64_t pixels = (uint64_t)h->width * h->height;
    if (pixels == 0 || h->pages == 0)
        return alb_fail(err, ALB_E_UNPROCESSABLE, "the source has no size");
    if (h->bytes > l->source_bytes)
        return alb_fail(err, ALB_E_TOO_LARGE, "the source has more than %lld bytes",
                        (long long)l->source_bytes);
    if (h->width > ALB_PLAN_SIDE_MAX || h->height > ALB_PLAN_SIDE_MAX)
        return alb_fail(err, ALB_E_TOO_LARGE, "the source has a side above %u pixels", ALB_PLAN_SIDE_MAX);
    if (!is_vector(h) &&
        (pixels > l->source_pixels || (uint64_t)h->raw_width * h->raw_height > l->source_pixels))
        return alb_fail(err, ALB_E_TOO_LARGE, "the source has more than %llu pixels",
                        (unsigned long long)l->source_pixels);
    return ALB_OK;
}

enum alb_code alb_plan_check_ask(const struct alb_draft *d)
{
    const struct alb_plan_ask *ask = d->ask;
    if (ask->header_count < 1 || ask->header_count > ALB_PLAN_INPUTS)
        return alb_fail(d->err, ALB_E_INVALID, "%u inputs", ask->header_count);
    enum alb_code code = alb_plan_options_check(ask->options, d->err);
    if (code != ALB_OK)
        return code;
    if (ask->options->output.profile_input >= ask->header_count)
        return alb_fail(d->err, ALB_E_INVALID, "there is no input %u", ask->options->output.profile_input);
    if (!alb_type_can_show(d->h->type))
        return alb_fail(d->err, ALB_E_UNSUPPORTED, "no pictures are made of %s", alb_type_name(d->h->type));
    return alb_plan_check_source(d->h, ask->limits, d->err);
}

static enum alb_code check_pages(const struct alb_draft *d)
{
    const struct alb_plan_limits *l = d->ask->limits;
    uint64_t one = (uint64_t)d->h->width * d->h->height;
    if (d->pages == 1)
        return ALB_OK;
    if (d->animated && d->pages > l->frames)
        return alb_fail(d->err, ALB_E_TOO_LARGE, "the animation has more than %u frames", l->frames);
    if (d->animated && l->frame_pixels > 0)
        return one <= l->frame_pixels ? ALB_OK
                                      : alb_fail(d->err, ALB_E_TOO_LARGE, "a frame has more than %llu pixels",
                                                 (unsigned long long)l->frame_pixels);
    uint64_t limit = d->animated ? l->animation_pixels : l->source_pixels;
    if (one > limit / d->pages || (!d->animated && (uint64_t)d->h->height * d->pages > ALB_PLAN_SIDE_MAX))
        return alb_fail(d->err, ALB_E_TOO_LARGE, "its pages have more than %llu pixels together",
                        (unsigned long long)limit);
    return ALB_OK;
}

static uint32_t vector_side(double v)
{
    return v < 1 ? 1 : v > ALB_PLAN_SIDE_MAX ? ALB_PLAN_SIDE_MAX : (uint32_t)v;
}

/* A vector is as large as its resolution says. One above the limit is drawn smaller, and goes on from there. */
static void guard_vector(struct alb_draft *d, double dpi)
{
    if (dpi > 0) {
        d->base_shrink = VECTOR_DPI / dpi;
        d->width = vector_side(round(d->natural_width / d->base_shrink));
        d->height = vector_side(round(d->natural_height / d->base_shrink));
    }
    uint64_t pixels = (uint64_t)d->width * d->height, limit = d->ask->limits->source_pixels;
    if (pixels <= limit || limit == 0)
        return;
    double by = sqrt((double)pixels / (double)limit);
    d->base_shrink *= by;
    d->width = vector_side((double)alb_scaled(d->width, 1.0 / by));
    d->height = vector_side((double)alb_scaled(d->height, 1.0 / by));
}

/* Layers are as much work as a source: all of them together are within its limit. */
static enum alb_code count_source(struct alb_draft *d)
{
    uint64_t limit = d->ask->limits->source_pixels;
    d->sources += d->vector ? 0 : (uint64_t)d->natural_width * d->natural_height;
    if (d->depth > 0 && d->sources > limit)
        return alb_fail(d->err, ALB_E_TOO_LARGE, "the pictures have more than %llu pixels together",
                        (unsigned long long)limit);
    return ALB_OK;
}

/* Of a layer: its format holds everything, and its frames go with those of what it is laid over. */
static enum alb_code choose_layer_pages(struct alb_draft *d)
{
    const struct alb_plan_options *o = d->options;
    const struct alb_image_header *h = d->h;
    d->format = ALB_FORMAT_PNG;
    d->animated = d->below_animated && h->animated && o->frames > 1 && h->pages > 1;
    d->page = d->animated ? 0 : o->page < h->pages ? o->page : h->pages - 1;
    d->pages = !d->animated ? 1 : o->frames < h->pages ? o->frames : h->pages;
    return check_pages(d);
}

/* Which format, and which pages for it: of what moves before and after, all (imgproxy's rule). */
enum alb_code alb_plan_choose_pages(struct alb_draft *d)
{
    const struct alb_plan_options *o = d->ask->options;
    const struct alb_image_header *h = d->h;
    if (d->depth > 0)
        return choose_layer_pages(d);
    bool film = alb_tiles_may_move(d), moves = film || (h->animated && o->frames > 1 && h->pages > 1);
    d->format = alb_choose_format(d, moves);
    d->animated = moves && alb_format_animation(d->format);
    alb_tiles_choose(d);
    if (d->tiles)
        return ALB_OK; /* their bounds are looked at when they are laid out */
    d->page = d->animated ? 0 : o->page;
    if (o->sizing == ALB_SIZING_THUMBNAIL && d->page >= h->pages)
        d->page = h->pages - 1; /* the last one there is */
    if (d->page >= h->pages)
        return alb_fail(d->err, ALB_E_INVALID, "there is no page %u", d->page);
    uint32_t left = h->pages - d->page, wanted = d->animated ? o->frames : o->pages;
    d->pages = wanted < 1 ? 1 : left < wanted ? left : wanted;
    return check_pages(d);
}

/* ---- pages of other sizes ---- */

/* The header tells the first page's size. What another one has, or several below each other, a worker says. */
static bool is_of_other_size(const struct alb_draft *d)
{
    return !d->h->animated && d->h->pages > 1 &&
           (d->page > 0 || d->pages > 1); /* frames are all of one size */
}

/* *done: the plan ends here, with the question for the size. */
static enum alb_code find_size(struct alb_draft *d, bool *done)
{
    const struct alb_plan_limits *l = d->ask->limits;
    if (!is_of_other_size(d))
        return ALB_OK;
    if (d->trims == d->ask->trim_count) {
        d->width = d->natural_width;
        d->height = d->natural_height;
        alb_plan_load_full(d);
        alb_draft_add(d, ALB_STEP_FIND_TRIM, d->width, d->height)->u.find_trim.size_only = true;
        *done = true;
        return ALB_OK;
    }
    struct alb_rect r = d->ask->trims[d->trims++];
    if (r.width == 0 || r.height == 0)
        return alb_fail(d->err, ALB_E_INVALID, "a page without a size");
    if (r.width > ALB_PLAN_SIDE_MAX || r.height > ALB_PLAN_SIDE_MAX ||
        (!is_vector(d->h) && (uint64_t)r.width * r.height > l->source_pixels))
        return alb_fail(d->err, ALB_E_TOO_LARGE, "its pages have more than %llu pixels together",
                        (unsigned long long)l->source_pixels);
    d->natural_width = r.width;
    d->natural_height = r.height;
    return ALB_OK;
}

/* The picture as it lies in the file. */
enum alb_code alb_plan_begin(struct alb_draft *d, bool *done)
{
    const struct alb_plan_options *o = d->options;
    const struct alb_image_header *h = d->h;
    d->fresh = true;
    d->vector = is_vector(h);
    d->base_shrink = 1;
    d->alpha = h->alpha;
    d->orientation = o->ignore_orientation ? 1 : alb_turn_valid(h->orientation);
    d->natural_width = h->width;
    d->natural_height = h->height * (d->animated ? 1 : d->pages);
    enum alb_code code = d->tiles ? alb_tiles_lay(d, done) : find_size(d, done);
    if (code != ALB_OK || *done)
        return code;
    d->width = d->natural_width;
    d->height = d->natural_height;
    d->embedded = o->embedded && h->thumb_width > 0 && h->thumb_height > 0 && d->pages == 1 && d->page == 0;
    if (d->embedded) {
        d->width = h->thumb_width;
        d->height = h->thumb_height;
    }
    if (d->vector)
        guard_vector(d, o->dpi);
    return count_source(d);
}
