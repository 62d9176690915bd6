/* SPDX-License-Identifier: Apache-2.0
 *
 * From headers and options to steps. The order of the work in alb_plan_make is the order of the rules:
 *   refuse (options, limits of the source) -> result format -> pipelines -> ENCODE -> limits of the result
 * and within a pipeline
 *   trim -> sizes (plan_size.c) -> load (plan_load.c) -> crop -> resize -> cut to the result -> colour -> turn
 *     -> effects -> canvases -> side limit of the format -> ground -> overlays
 * The draft holds the picture as it is after the steps so far. Until TURN that is the grid of the file: sizes
 * and gravity, which are of the picture as shown, are mapped back to it (image/turn.h), so turning happens last,
 * on few pixels.
 */
#include <math.h>
#include <string.h>

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

static enum alb_code check_ask(const struct alb_draft *d)
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
static enum alb_code choose_pages(struct alb_draft *d)
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
    return !d->h->animated && d->h->pages > 1 && (d->page > 0 || d->pages > 1); /* frames are all of one size */
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
static enum alb_code begin(struct alb_draft *d, bool *done)
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
    d->embedded = o->embedded && h->thumb_width > 0 && h->thumb_height > 0 && d->pages == 1 &&
                  d->page == 0;
    if (d->embedded) {
        d->width = h->thumb_width;
        d->height = h->thumb_height;
    }
    if (d->vector)
        guard_vector(d, o->dpi);
    return count_source(d);
}

/* ---- colour ---- */

static bool format_is_deep(enum alb_format f)
{
    return f == ALB_FORMAT_PNG || f == ALB_FORMAT_TIFF || f == ALB_FORMAT_AVIF || f == ALB_FORMAT_JXL;
}

static void add_colour_step(struct alb_draft *d, enum alb_colour_to to)
{
    struct alb_plan_step *s = alb_draft_add(d, ALB_STEP_COLOUR, d->width, d->height);
    s->u.colour.to = to;
    s->u.colour.deep =
        d->depth == 0 && d->ask->options->output.deep && d->h->bits > 8 && format_is_deep(d->format);
}

/* Colours that no result format has are converted even if the profile is to be kept. */
static bool is_odd(const struct alb_image_header *h)
{
    return h->space == ALB_SPACE_CMYK || h->space == ALB_SPACE_OTHER || h->bits > 8;
}

static void add_colour(struct alb_draft *d)
{
    if (d->depth > 0 || d->ask->options->output.profile != ALB_PROFILE_KEEP)
        add_colour_step(d, ALB_COLOUR_SRGB);
    else if (is_odd(d->h))
        add_colour_step(d, ALB_COLOUR_PIXELS);
}

/* ---- trim ---- */

/* The same amount off both sides: the smaller one of the two. */
static void equal_sides(uint32_t whole, uint32_t *at, uint32_t *n)
{
    uint32_t after = whole - *at - *n, off = *at < after ? *at : after;
    *at = off;
    *n = whole - 2 * off;
}

/* Where the pixel lies in the file whose colour is cut off: with imgproxy's sizing it is the file's first one. */
static uint8_t trim_corner(const struct alb_plan_options *o, uint8_t turn)
{
    const struct alb_rect pixel = {o->trim.last ? 1 : 0, o->trim.last ? 1 : 0, 1, 1};
    if (o->trim.has_color || (o->sizing == ALB_SIZING_IMGPROXY && !o->trim.last))
        return 0;
    struct alb_rect r = alb_turn_to_stored(turn, 2, 2, pixel);
    return (uint8_t)(r.left | r.top << 1);
}

/* *done: the plan ends here, with the question for the rectangle. */
static enum alb_code trim(struct alb_draft *d, const struct alb_plan_options *o, uint8_t turn, bool *done)
{
    *done = false;
    if (!o->trim.on || d->animated)
        return ALB_OK;
    if (d->fresh)
        alb_plan_load_full(d);
    d->vector = false; /* pixels now */
    if (d->trims == d->ask->trim_count) {
        struct alb_plan_step *s = alb_draft_add(d, ALB_STEP_FIND_TRIM, d->width, d->height);
        s->u.find_trim.corner = trim_corner(o, turn);
        s->u.find_trim.threshold = o->trim.threshold;
        s->u.find_trim.has_color = o->trim.has_color;
        s->u.find_trim.color = o->trim.has_color ? o->trim.color : 0;
        *done = true;
        return ALB_OK;
    }
    struct alb_rect r = d->ask->trims[d->trims++];
    if (r.width == 0 || r.height == 0) /* nothing but ground: it stays as it is */
        return ALB_OK;
    if (r.left > d->width || r.width > d->width - r.left || r.top > d->height || r.height > d->height - r.top)
        return alb_fail(d->err, ALB_E_INVALID, "a trim outside of the picture");
    if (o->trim.equal_h)
        equal_sides(d->width, &r.left, &r.width);
    if (o->trim.equal_v)
        equal_sides(d->height, &r.top, &r.height);
    d->view.clip = r;
    alb_draft_crop(d, r);
    return ALB_OK;
}

/* ---- geometry ---- */

static uint32_t least(int64_t given, uint32_t side)
{
    return given > 0 && given < side ? (uint32_t)given : side;
}

/* The cut before resizing. */
static void crop(struct alb_draft *d, const struct alb_plan_options *o, const struct alb_plan_sizes *s,
                 bool swap, struct alb_gravity at)
{
    uint32_t w = least(swap ? s->crop_h : s->crop_w, d->width),
             h = least(swap ? s->crop_w : s->crop_h, d->height);
    if (w == d->width && h == d->height)
        return;
    if (at.kind == ALB_GRAVITY_SMART) {
        alb_draft_smart_crop(d, w, h);
        return;
    }
    alb_gravity_to_stored(&at, d->orientation, o);
    alb_draft_crop(d, (struct alb_rect){(uint32_t)alb_place_x(&at, d->width, w, 1, false),
                                        (uint32_t)alb_place_y(&at, d->height, h, 1, false), w, h});
}

static enum alb_code resize(struct alb_draft *d, const struct alb_plan_options *o,
                            const struct alb_plan_sizes *s, bool swap)
{
    int64_t w = alb_resized(d->width, swap ? s->scale_h : s->scale_w),
            h = alb_resized(d->height, swap ? s->scale_w : s->scale_h);
    if (w == d->width && h == d->height)
        return ALB_OK;
    if (o->linear)
        add_colour_step(d, ALB_COLOUR_LINEAR);
    enum alb_code code = alb_draft_resize(d, o, w, h);
    if (code == ALB_OK && o->linear)
        add_colour_step(d, ALB_COLOUR_ENCODED);
    return code;
}

/* The cut to the result: of the picture as it will be shown. `at`: what stays. */
static void cut(struct alb_draft *d, const struct alb_plan_options *o, const struct alb_plan_sizes *s,
                const struct alb_gravity *at, uint8_t turn)
{
    bool down = o->sizing == ALB_SIZING_THUMBNAIL;
    bool swap = alb_turn_swaps(turn);
    uint32_t sw = swap ? d->height : d->width, sh = swap ? d->width : d->height;
    struct alb_rect r = {0, 0, least(s->cut_w, sw), least(s->cut_h, sh)};
    if (r.width == sw && r.height == sh)
        return;
    if (at->kind == ALB_GRAVITY_SMART && !(down && d->animated)) { /* the eye would go elsewhere in each frame */
        alb_draft_smart_crop(d, swap ? r.height : r.width, swap ? r.width : r.height);
        return;
    }
    r.left = (uint32_t)(down ? alb_place_down_x(at, sw, r.width) : alb_place_x(at, sw, r.width, s->dpr, false));
    r.top = (uint32_t)(down ? alb_place_down_y(at, sh, r.height) : alb_place_y(at, sh, r.height, s->dpr, false));
    alb_draft_crop(d, alb_turn_to_stored(turn, d->width, d->height, r));
}

static void add_turn(struct alb_draft *d, uint8_t turn)
{
    d->orientation = 1;
    if (turn == 1)
        return;
    if (alb_turn_swaps(turn)) {
        uint32_t w = d->width;
        d->width = d->height;
        d->height = w;
    }
    alb_draft_add(d, ALB_STEP_TURN, d->width, d->height)->u.turn.orientation = turn;
    d->held += (uint64_t)d->width * d->height * 4;
}

/* ---- canvases ---- */

/* 0: as the picture. Rounding may leave the picture a pixel larger than its canvas: that is cut off. */
static enum alb_code extend(struct alb_draft *d, int64_t w, int64_t h, const struct alb_gravity *at,
                            double dpr)
{
    if (w <= d->width && h <= d->height)
        return ALB_OK;
    w = w > 0 ? w : d->width;
    h = h > 0 ? h : d->height;
    enum alb_code code = alb_draft_check_canvas(d, w, h);
    if (code != ALB_OK)
        return code;
    alb_draft_crop(d, (struct alb_rect){0, 0, least(w, d->width), least(h, d->height)});
    alb_draft_canvas(d, (uint32_t)w, (uint32_t)h,
                     (uint32_t)alb_place_x(at, (uint32_t)w, d->width, dpr, false),
                     (uint32_t)alb_place_y(at, (uint32_t)h, d->height, dpr, false));
    return ALB_OK;
}

static enum alb_code pad(struct alb_draft *d, const struct alb_plan_options *o, double dpr)
{
    int64_t p[4], all = 0;
    for (size_t i = 0; i < 4; i++) {
        p[i] = alb_scaled_even(o->padding[i], dpr);
        all += p[i];
    }
    if (all == 0)
        return ALB_OK;
    int64_t w = d->width + p[1] + p[3], h = d->height + p[0] + p[2];
    enum alb_code code = alb_draft_check_canvas(d, w, h);
    if (code == ALB_OK)
        alb_draft_canvas(d, (uint32_t)w, (uint32_t)h, (uint32_t)p[3], (uint32_t)p[0]);
    return code;
}

static enum alb_code canvases(struct alb_draft *d, const struct alb_plan_options *o,
                              const struct alb_plan_sizes *s)
{
    enum alb_code code = ALB_OK;
    if (o->extend.on)
        code = extend(d, s->target_w, s->target_h, &o->extend.at, s->dpr);
    if (code == ALB_OK && s->aspect_w > 0 && s->aspect_h > 0)
        code = extend(d, s->aspect_w, s->aspect_h, &o->extend_aspect.at, s->dpr);
    return code == ALB_OK ? pad(d, o, s->dpr) : code;
}

/* ---- the result ---- */

/* What the format cannot hold is made smaller. */
static enum alb_code fix_size(struct alb_draft *d, const struct alb_plan_options *o)
{
    double side = d->width > d->height ? d->width : d->height,
           scale = 1.0 / (side / alb_format_side(d->format));
    bool alpha = d->alpha && !(o->flatten && o->background_alpha >= 1);
    if (d->ask->options->output.best != 0 && alb_best_candidates(d, alpha) != 0)
        return ALB_OK;
    if (d->format == ALB_FORMAT_GIF) /* its encoder counts pixels in an int */
        scale = fmin(scale, sqrt(1.0 / ((double)((uint64_t)d->width * d->height) / (INT32_MAX / 4))));
    if (scale >= 1.0)
        return ALB_OK;
    return alb_draft_resize(d, o, alb_resized(d->width, scale), alb_resized(d->height, scale));
}

static void ground(struct alb_draft *d, const struct alb_plan_options *o)
{
    bool can = o->next || d->depth > 0 || alb_format_alpha(d->format);
    if (!d->alpha || (can && !o->flatten))
        return;
    struct alb_plan_step *s = alb_draft_add(d, ALB_STEP_FLATTEN, d->width, d->height);
    s->u.flatten.rgb = o->background;
    s->u.flatten.alpha = can ? o->background_alpha : 1;
    s->u.flatten.mean = o->flatten && o->background_mean;
    d->alpha = s->u.flatten.alpha < 1;
}

static enum alb_code frame_it(struct alb_draft *d, const struct alb_plan_options *o,
                              const struct alb_plan_sizes *s)
{
    alb_plan_outline(d, o, s);
    enum alb_code code = alb_plan_effects(d, o->effects, o->effect_count, s->dpr);
    if (code == ALB_OK && o->sizing == ALB_SIZING_IMGPROXY)
        code = canvases(d, o, s);
    if (code == ALB_OK)
        code = alb_plan_fill(d, &o->fill);
    if (code == ALB_OK && !o->next && d->depth == 0)
        code = fix_size(d, o);
    if (code != ALB_OK)
        return code;
    ground(d, o);
    uint32_t width = d->width, height = d->height;
    code = alb_plan_effects(d, o->overlays, o->overlay_count, s->dpr);
    if (code != ALB_OK || d->asks || o->next || d->depth > 0)
        return code;
    if (!alb_format_alpha(d->format))
        ground(d, o);      /* of what a mask has made transparent */
    return d->width != width || d->height != height ? fix_size(d, o) : ALB_OK; /* a frame makes it larger */
}

/* Orientation 1..8 that undoes another. */
static uint8_t undone(uint8_t turn)
{
    return turn == 6 ? 8 : turn == 8 ? 6 : turn;
}

/* With thumbnails' arithmetic a pipeline is told in pixels of the whole picture, trimmed or not. */
static void compute_box(struct alb_draft *d, const struct alb_plan_options *o, uint8_t turn, bool first,
                        struct alb_plan_sizes *s, struct alb_gravity *crop_at, struct alb_gravity *at)
{
    bool swap = alb_turn_swaps(turn);
    struct alb_view v = {swap ? d->view.height : d->view.width,
                         swap ? d->view.width : d->view.height,
                         {0, 0, 0, 0},
                         d->below_width,
                         d->below_height};
    v.clip = alb_turn_to_stored(undone(turn), v.width, v.height, d->view.clip);
    alb_plan_size_box(o, &v, s, crop_at, at);
    if (!first)
        return;
    d->box_width = (uint32_t)(s->box_w < ALB_PLAN_SIDE_MAX ? s->box_w : ALB_PLAN_SIDE_MAX);
    d->box_height = (uint32_t)(s->box_h < ALB_PLAN_SIDE_MAX ? s->box_h : ALB_PLAN_SIDE_MAX);
}

static enum alb_code pipeline(struct alb_draft *d, const struct alb_plan_options *o, bool first, bool *done)
{
    struct alb_plan_sizes s;
    struct alb_gravity crop_at = o->crop.at, at = o->gravity;
    bool fresh = d->fresh;
    uint8_t turn = alb_turn_compose(d->orientation, alb_turn_of(o->turn, o->flip_h, o->flip_v));
    bool swap = alb_turn_swaps(turn);
    d->view = (struct alb_view){.width = d->width, .height = d->height, .clip = {0, 0, d->width, d->height}};
    enum alb_code code = trim(d, o, turn, done);
    if (code != ALB_OK || *done)
        return code;
    if (o->sizing == ALB_SIZING_THUMBNAIL)
        compute_box(d, o, turn, first, &s, &crop_at, &at);
    else
        alb_plan_size(o, swap ? d->height : d->width, swap ? d->width : d->height, d->vector, &s);
    d->smaller = s.scale_w < 1 || s.scale_h < 1;
    if (d->fresh)
        alb_plan_load(d, o, swap, &s, &crop_at);
    crop(d, o, &s, swap, crop_at);
    code = resize(d, o, &s, swap);
    if (code != ALB_OK)
        return code;
    cut(d, o, &s, &at, turn);
    if (fresh)
        add_colour(d);
    add_turn(d, turn);
    d->vector = false;
    code = frame_it(d, o, &s);
    *done = d->asks;
    return code;
}

enum alb_code alb_plan_pipelines(struct alb_draft *d)
{
    bool done = false;
    enum alb_code code = choose_pages(d);
    if (code == ALB_OK)
        code = begin(d, &done);
    for (const struct alb_plan_options *o = d->options; code == ALB_OK && o && !done; o = o->next)
        code = pipeline(d, o, o == d->options, &done);
    d->asks = done;
    return code;
}

static enum alb_code finish(struct alb_draft *d)
{
    const struct alb_plan_limits *l = d->ask->limits;
    struct alb_plan_step *e = alb_draft_add(d, ALB_STEP_ENCODE, d->width, d->height);
    e->u.encode.output = d->ask->options->output;
    e->u.encode.animate = d->animated;
    alb_resolve_output(d, &e->u.encode.output);
    d->plan->format = e->u.encode.output.format;
    if (d->width > l->result_side || d->height > l->result_side)
        return alb_fail(d->err, ALB_E_TOO_LARGE, "the result would have a side above %u pixels",
                        l->result_side);
    if ((uint64_t)d->width * d->height > l->result_pixels / (d->animated ? d->pages : 1))
        return alb_fail(d->err, ALB_E_TOO_LARGE, "the result would have more than %llu pixels",
                        (unsigned long long)l->result_pixels);
    return ALB_OK;
}

static enum alb_code make(struct alb_draft *d)
{
    struct alb_plan *p = d->plan;
    enum alb_code code = check_ask(d);
    if (code == ALB_OK)
        code = alb_plan_pipelines(d);
    if (code == ALB_OK && !d->asks)
        code = finish(d);
    if (code != ALB_OK)
        return code;
    if (d->asks && d->ask->trim_count >= ALB_PLAN_TRIMS)
        return alb_fail(d->err, ALB_E_INVALID, "more than %d trims, frames and pages of one picture",
                        ALB_PLAN_TRIMS);
    if (d->full)
        return alb_fail(d->err, ALB_E_INVALID, "more steps or texts than a plan has room for");
    p->width = p->steps[p->count - 1].width;
    p->height = p->steps[p->count - 1].height;
    p->fonts = alb_plan_needs_fonts(p);
    p->memory = alb_plan_memory(d);
    if (p->memory > d->ask->limits->memory)
        return alb_fail(d->err, ALB_E_TOO_LARGE, "the work would need more than %llu MiB of memory",
                        (unsigned long long)(d->ask->limits->memory >> 20));
    return ALB_OK;
}

enum alb_code alb_plan_make(const struct alb_plan_ask *ask, struct alb_plan *out, struct alb_err *err)
{
    struct alb_draft d = {
        .ask = ask, .options = ask->options, .h = &ask->headers[0], .err = err, .plan = out};
    memset(out, 0, sizeof(*out));
    enum alb_code code = make(&d);
    if (code != ALB_OK)
        memset(out, 0, sizeof(*out));
    return code;
}
