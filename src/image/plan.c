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
    /* What ends in a wider space does not go through sRGB, which would cut off the colours that it is wider by. */
    enum alb_profile_out profile = d->ask->options->output.profile;
    if (d->depth > 0 || (profile != ALB_PROFILE_KEEP && profile != ALB_PROFILE_P3))
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
    enum alb_code code = alb_plan_choose_pages(d);
    if (code == ALB_OK)
        code = alb_plan_begin(d, &done);
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
    enum alb_code code = alb_plan_check_ask(d);
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
