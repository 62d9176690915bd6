/* SPDX-License-Identifier: Apache-2.0
 *
 * The translation (contract: compile.h).
 */
#include "doors/thumbor/compile_priv.h"

#include <math.h>
#include <string.h>

#define FILL_SIGMA 50
#define SIDE_FAR 100000000

/* ---- pipelines ---- */

static struct alb_plan_options *new_pipeline(struct alb_thumbor_compiling *k)
{
    struct alb_plan_options *o =
        k->count++ < ALB_PIPELINES_MAX ? ALB_ARENA_NEW(k->arena, struct alb_plan_options) : NULL;
    if (!o) {
        k->failed = true;
        return NULL;
    }
    alb_plan_options_init(o);
    o->sizing = ALB_SIZING_THUMBNAIL;
    o->shrink_margin = 2000; /* as vips_thumbnail: twice as large as the result, at least */
    o->background = 0;
    if (k->now)
        k->now->next = o;
    else
        k->first = o;
    k->now = o;
    return o;
}

/* The pipeline that has room for `part`, one that stands alone; NULL: failed. */
static struct alb_plan_options *at(struct alb_thumbor_compiling *k, enum alb_thumbor_part part)
{
    if (part <= k->part && !new_pipeline(k))
        return NULL;
    k->part = part;
    return k->failed ? NULL : k->now;
}

static bool grow(struct alb_thumbor_compiling *k, const struct alb_effect **list, uint32_t *count,
                 struct alb_effect **out)
{
    struct alb_effect *room = (struct alb_effect *)(uintptr_t)*list; /* ours, from this arena */
    if (!room)
        *list = room = alb_arena_calloc(k->arena, ALB_EFFECTS_MAX, sizeof(*room));
    if (!room || *count == ALB_EFFECTS_MAX) {
        k->failed = true;
        return false;
    }
    *out = &room[(*count)++];
    return true;
}

/* The next effect, behind all that there is. */
struct alb_effect *alb_thumbor_add(struct alb_thumbor_compiling *k, enum alb_effect_kind kind)
{
    struct alb_effect *e = NULL;
    if (k->failed)
        return NULL;
    k->part = k->part <= ALB_THUMBOR_PART_EFFECTS ? ALB_THUMBOR_PART_EFFECTS : ALB_THUMBOR_PART_OVERLAYS;
    bool early = k->part == ALB_THUMBOR_PART_EFFECTS;
    if (!grow(k, early ? &k->now->effects : &k->now->overlays,
              early ? &k->now->effect_count : &k->now->overlay_count, &e))
        return NULL;
    e->kind = kind;
    return e;
}

static const struct alb_effect *last_effect(const struct alb_thumbor_compiling *k)
{
    const struct alb_plan_options *o = k->now;
    if (k->part == ALB_THUMBOR_PART_EFFECTS && o->effect_count > 0)
        return &o->effects[o->effect_count - 1];
    return k->part == ALB_THUMBOR_PART_OVERLAYS && o->overlay_count > 0 ? &o->overlays[o->overlay_count - 1]
                                                                        : NULL;
}

/* ---- the URL's own geometry ---- */

static uint32_t side(int64_t v)
{
    return v > SIDE_FAR ? SIDE_FAR : (uint32_t)v;
}

static void window(const struct alb_thumbor_url *u, struct alb_plan_options *o)
{
    const double *v = u->crop;
    bool relative = v[0] < 1 && v[1] < 1 && v[2] <= 1 && v[3] <= 1;
    if (alb_thumbor_url_crops(u))
        o->window = (struct alb_window){true, false, relative ? 15 : 0, v[0], v[1], v[2], v[3]};
}

static enum alb_gravity_kind gravity(const struct alb_thumbor_url *u)
{
    static const enum alb_gravity_kind kinds[3][3] = {
        {ALB_GRAVITY_NORTH_WEST, ALB_GRAVITY_NORTH, ALB_GRAVITY_NORTH_EAST},
        {ALB_GRAVITY_WEST, ALB_GRAVITY_CENTRE, ALB_GRAVITY_EAST},
        {ALB_GRAVITY_SOUTH_WEST, ALB_GRAVITY_SOUTH, ALB_GRAVITY_SOUTH_EAST},
    };
    static const size_t index[] = {[ALB_THUMBOR_ALIGN_NONE] = 1,
                                   [ALB_THUMBOR_ALIGN_START] = 0,
                                   [ALB_THUMBOR_ALIGN_MIDDLE] = 1,
                                   [ALB_THUMBOR_ALIGN_END] = 2};
    return u->smart ? ALB_GRAVITY_SMART : kinds[index[u->valign]][index[u->halign]];
}

static bool focus(struct alb_thumbor_compiling *k, const struct alb_thumbor_filters *f,
                  struct alb_plan_options *o)
{
    if (f->focuses == 0 || (o->fit != ALB_FIT_COVER && !o->outline))
        return true;
    struct alb_focus *list = alb_arena_calloc(k->arena, f->focuses, sizeof(*list));
    for (size_t i = 0; list && i < f->focuses; i++) {
        const struct alb_thumbor_focus *from = &f->focus[i];
        list[i] = (struct alb_focus){from->left,   from->top,       from->right,
                                     from->bottom, from->fractions, from->point};
    }
    o->focus = list;
    o->focus_count = (uint32_t)f->focuses;
    return list != NULL;
}

/* Turns against the clock, as thumbor's are. */
static uint16_t turn_of(int64_t angle)
{
    return angle == 90 || angle == 180 || angle == 270 ? (uint16_t)(360 - angle) : 0;
}

static struct alb_trim trim_of(int64_t tolerance, bool last)
{
    return (struct alb_trim){
        .on = true, .last = last, .threshold = fmin(fmax((double)tolerance, 1), UINT16_MAX)};
}

/* fit-in enlarges nothing unless it is asked to, or is a full one; a stretch always may. */
static void set_fit(const struct alb_thumbor_url *u, const struct alb_thumbor_filters *f,
                    struct alb_plan_options *o)
{
    if (u->fit_in)
        o->fit = u->full ? ALB_FIT_OUTSIDE : ALB_FIT_INSIDE;
    else
        o->fit = u->stretch || f->stretch ? ALB_FIT_FORCE : ALB_FIT_COVER;
    o->enlarge = o->fit == ALB_FIT_FORCE || f->upscale || (o->fit != ALB_FIT_INSIDE && !f->no_upscale);
}

/* Places are those of the picture before it is flipped: that is a pipeline of its own. */
static void flip(struct alb_thumbor_compiling *k, const struct alb_thumbor_url *u)
{
    if ((!u->flip_h && !u->flip_v) || u->debug)
        return;
    struct alb_plan_options *next = new_pipeline(k);
    k->part = ALB_THUMBOR_PART_TURN;
    if (next) {
        next->flip_h = u->flip_h;
        next->flip_v = u->flip_v;
    }
}

static void own_geometry(struct alb_thumbor_compiling *k, const struct alb_thumbor_url *u,
                         const struct alb_thumbor_filters *f)
{
    struct alb_plan_options *o = k->now;
    if (f->orient > 0) {
        o->ignore_orientation = true;
        o->turn = turn_of(f->orient);
    }
    if (u->trim)
        o->trim = trim_of(u->trim_tolerance, u->trim_last);
    window(u, o);
    set_fit(u, f, o);
    o->outline = u->debug;
    o->adaptive = u->adaptive;
    o->below_width = k->below.width;
    o->below_height = k->below.height;
    o->width = side(k->below.width ? k->below.less_width : u->width);
    o->height = side(k->below.height ? k->below.less_height : u->height);
    o->own_width = u->orig_width;
    o->own_height = u->orig_height;
    o->gravity.kind = o->fit == ALB_FIT_COVER ? gravity(u) : ALB_GRAVITY_CENTRE;
    o->side_max = side(k->c->max_width < k->c->max_height ? k->c->max_width : k->c->max_height);
    k->failed = k->failed || !focus(k, f, o);
    k->part = ALB_THUMBOR_PART_RESIZE;
    flip(k, u);
}

/* ---- filters ---- */

static void set_fill(struct alb_fill *fill, const struct alb_thumbor_colour *c)
{
    fill->on = true;
    fill->ground = c->hue == ALB_THUMBOR_CLEAR     ? ALB_GROUND_CLEAR
                   : c->hue == ALB_THUMBOR_AUTO    ? ALB_GROUND_MEAN
                   : c->hue == ALB_THUMBOR_BLURRED ? ALB_GROUND_BLUR
                                                   : ALB_GROUND_COLOR;
    fill->color = fill->ground == ALB_GROUND_COLOR ? c->rgb : 0;
    fill->sigma = fill->ground == ALB_GROUND_BLUR ? FILL_SIGMA : 0;
}

static void add_fill(struct alb_thumbor_compiling *k, const struct alb_thumbor_url *u,
                     const struct alb_thumbor_op *op)
{
    struct alb_plan_options *o = at(k, ALB_THUMBOR_PART_FILL);
    if (!o)
        return;
    bool box = op->kind == ALB_THUMBOR_FILL;
    const int64_t *p = box ? u->padding : op->n;
    set_fill(&o->fill, &op->colour);
    o->fill.box = box;
    o->fill.swap = box && k->turned; /* what a filter says of its own sides is meant as it is written */
    for (size_t i = 0; i < 4; i++)
        o->fill.padding[i] = (int32_t)fmin(fmax((double)p[i], -ALB_FILL_PADDING_MAX), ALB_FILL_PADDING_MAX);
}

static void add_ground(struct alb_thumbor_compiling *k, const struct alb_thumbor_colour *c)
{
    struct alb_plan_options *o = at(k, ALB_THUMBOR_PART_GROUND);
    if (!o)
        return;
    o->flatten = true;
    o->background = c->hue == ALB_THUMBOR_RGB ? c->rgb : 0;
    o->background_mean = c->hue == ALB_THUMBOR_AUTO;
}

/* Two in a row are one: nothing is cut off between them. */
static void add_linear(struct alb_thumbor_compiling *k, const struct alb_thumbor_op *op)
{
    const struct alb_effect *last = last_effect(k);
    if (last && last->kind == ALB_EFFECT_LINEAR) {
        struct alb_effect *e = (struct alb_effect *)(uintptr_t)last; /* ours */
        for (size_t i = 0; i < 3; i++) {
            e->v[i] = fmin(fmax(e->v[i] * op->v[i], -1e6), 1e6);
            e->v[3 + i] = fmin(fmax(e->v[3 + i] * op->v[i] + op->v[3 + i], -1e6), 1e6);
        }
        return;
    }
    struct alb_effect *e = alb_thumbor_add(k, ALB_EFFECT_LINEAR);
    if (e)
        memcpy(e->v, op->v, sizeof(e->v));
}

static void add_convolution(struct alb_thumbor_compiling *k, const struct alb_thumbor_op *op)
{
    struct alb_effect *e = alb_thumbor_add(k, ALB_EFFECT_CONVOLVE);
    size_t n = (size_t)op->n[1];
    unsigned char *data = alb_arena_alloc(k->arena, 8 * n);
    if (!e || !data)
        return;
    for (size_t i = 0; i < n; i++)
        alb_effect_weight_put(data, i, op->weight[i]);
    e->amount = (double)op->n[0];
    e->data = alb_str_n((const char *)data, 8 * n);
}

/* Effects that are told in numbers alone. */
static void add_plain(struct alb_thumbor_compiling *k, const struct alb_thumbor_op *op)
{
    static const enum alb_effect_kind kinds[] = {
        [ALB_THUMBOR_BLUR] = ALB_EFFECT_BLUR,         [ALB_THUMBOR_SHARPEN] = ALB_EFFECT_SHARPEN,
        [ALB_THUMBOR_GREY] = ALB_EFFECT_GREY,         [ALB_THUMBOR_MODULATE] = ALB_EFFECT_MODULATE,
        [ALB_THUMBOR_PIXELATE] = ALB_EFFECT_PIXELATE, [ALB_THUMBOR_ROUND] = ALB_EFFECT_ROUND,
        [ALB_THUMBOR_NOISE] = ALB_EFFECT_NOISE,       [ALB_THUMBOR_EQUALIZE] = ALB_EFFECT_EQUALIZE,
        [ALB_THUMBOR_CURVE] = ALB_EFFECT_CURVE,       [ALB_THUMBOR_RED_EYE] = ALB_EFFECT_RED_EYE,
    };
    struct alb_effect *e = alb_thumbor_add(k, kinds[op->kind]);
    if (!e)
        return;
    if (op->kind == ALB_THUMBOR_BLUR || op->kind == ALB_THUMBOR_SHARPEN || op->kind == ALB_THUMBOR_ROUND)
        e->amount = op->v[0];
    if (op->kind == ALB_THUMBOR_PIXELATE || op->kind == ALB_THUMBOR_NOISE)
        e->amount = (double)op->n[0];
    if (op->kind == ALB_THUMBOR_SHARPEN) { /* imagor's own m2 and x1 */
        e->amount2 = 2;
        e->v[0] = 1;
    }
    if (op->kind == ALB_THUMBOR_ROUND)
        e->amount2 = op->v[1];
    if (op->kind == ALB_THUMBOR_NOISE)
        e->amount2 = (double)op->n[1];
    e->keep = op->kind == ALB_THUMBOR_PIXELATE;
    if (op->kind == ALB_THUMBOR_MODULATE)
        memcpy(e->v, op->v, 3 * sizeof(e->v[0]));
    e->data = op->data;
    if (op->kind == ALB_THUMBOR_ROUND && op->last)
        add_ground(k, &op->colour);
}

static void add_geometry(struct alb_thumbor_compiling *k, const struct alb_thumbor_op *op)
{
    struct alb_plan_options *o;
    if (op->kind ==
        ALB_THUMBOR_ROTATE) { /* alone: sizes and places of a pipeline are those of the turned picture */
        o = new_pipeline(k);
        k->part = ALB_THUMBOR_PART_TURN;
        if (o)
            o->turn = turn_of(op->n[0]);
        k->turned = k->turned != (op->n[0] != 180);
    } else if (op->kind == ALB_THUMBOR_PROPORTION) {
        o = at(k, ALB_THUMBOR_PART_RESIZE);
        if (o)
            o->share = op->v[0];
    } else if (op->kind == ALB_THUMBOR_TRIM) {
        o = at(k, ALB_THUMBOR_PART_TRIM);
        if (o)
            o->trim = trim_of(op->n[0], op->last);
    } else {
        unsigned parts = 0;
        for (unsigned i = 0; i < 4; i++)
            parts |= op->v[i] > 0 && op->v[i] < 1 ? 1u << i : 0;
        o = at(k, ALB_THUMBOR_PART_WINDOW);
        if (o)
            o->window =
                (struct alb_window){true, true, (uint8_t)parts, op->v[0], op->v[1], op->v[2], op->v[3]};
    }
}

static void add_filter(struct alb_thumbor_compiling *k, const struct alb_thumbor_url *u,
                       const struct alb_thumbor_op *op)
{
    switch (op->kind) {
    case ALB_THUMBOR_BACKGROUND:
        add_ground(k, &op->colour);
        return;
    case ALB_THUMBOR_FILL:
    case ALB_THUMBOR_PADDING:
        add_fill(k, u, op);
        return;
    case ALB_THUMBOR_LINEAR:
        add_linear(k, op);
        return;
    case ALB_THUMBOR_CONVOLVE:
        add_convolution(k, op);
        return;
    case ALB_THUMBOR_WATERMARK:
        alb_thumbor_add_mark(k, op);
        return;
    case ALB_THUMBOR_TEXT:
        alb_thumbor_add_text(k, op);
        return;
    case ALB_THUMBOR_IMAGE:
        alb_thumbor_add_layer(k, op);
        return;
    case ALB_THUMBOR_FRAME:
        alb_thumbor_add_frame(k, op);
        return;
    case ALB_THUMBOR_ROTATE:
    case ALB_THUMBOR_PROPORTION:
    case ALB_THUMBOR_CROP:
    case ALB_THUMBOR_TRIM:
        add_geometry(k, op);
        return;
    case ALB_THUMBOR_BLUR:
    case ALB_THUMBOR_SHARPEN:
    case ALB_THUMBOR_GREY:
    case ALB_THUMBOR_MODULATE:
    case ALB_THUMBOR_PIXELATE:
    case ALB_THUMBOR_ROUND:
    case ALB_THUMBOR_NOISE:
    case ALB_THUMBOR_EQUALIZE:
    case ALB_THUMBOR_CURVE:
    case ALB_THUMBOR_RED_EYE:
        add_plain(k, op);
        return;
    }
}

/* ---- what is read and written ---- */

enum alb_format alb_thumbor_to_format(enum alb_thumbor_format f)
{
    static const enum alb_format formats[ALB_THUMBOR_FORMATS] = {
        [ALB_THUMBOR_JPEG] = ALB_FORMAT_JPEG, [ALB_THUMBOR_PNG] = ALB_FORMAT_PNG,
        [ALB_THUMBOR_WEBP] = ALB_FORMAT_WEBP, [ALB_THUMBOR_GIF] = ALB_FORMAT_GIF,
        [ALB_THUMBOR_TIFF] = ALB_FORMAT_TIFF, [ALB_THUMBOR_HEIF] = ALB_FORMAT_HEIC,
        [ALB_THUMBOR_AVIF] = ALB_FORMAT_AVIF, [ALB_THUMBOR_JXL] = ALB_FORMAT_JXL,
        [ALB_THUMBOR_JP2] = ALB_FORMAT_JP2,
    };
    return (unsigned)f < ALB_THUMBOR_FORMATS ? formats[f] : ALB_FORMAT_SAME;
}

static void source(const struct alb_thumbor_config *c, const struct alb_thumbor_filters *f,
                   const struct alb_plan_limits *l, struct alb_plan_options *o)
{
    int64_t frames = c->max_frames < 0 ? (int64_t)l->frames : c->max_frames;
    if (f->max_frames > 0 && f->max_frames < frames)
        frames = f->max_frames;
    o->dpi = (double)(f->dpi < ALB_THUMBOR_DPI_MAX ? f->dpi : ALB_THUMBOR_DPI_MAX);
    o->page = f->page > 0 ? side(f->page - 1) : 0;
    o->frames = f->page > 1 || frames <= 1 ? 0 : side(frames);
}

/* The format that was asked for, or another one if it cannot hold what moves. */
static void set_formats(const struct alb_thumbor_filters *f, struct alb_output *out)
{
    static const enum alb_format kept[] = {ALB_FORMAT_JPEG, ALB_FORMAT_PNG,  ALB_FORMAT_WEBP,
                                           ALB_FORMAT_GIF,  ALB_FORMAT_TIFF, ALB_FORMAT_HEIC,
                                           ALB_FORMAT_AVIF, ALB_FORMAT_JXL,  ALB_FORMAT_JP2};
    memset(out->preferred, 0, sizeof(out->preferred));
    memset(out->automatic, 0, sizeof(out->automatic));
    out->preferred[0] = ALB_FORMAT_JPEG; /* documents, vectors and raw photos */
    out->keep = 0;
    for (size_t i = 0; i < ALB_ARRAY_LEN(kept); i++)
        out->keep |= ALB_FORMAT_BIT(kept[i]);
    out->format = alb_thumbor_to_format(f->format);
    enum alb_format other = alb_thumbor_to_format(f->fallback);
    if ((other == ALB_FORMAT_WEBP || other == ALB_FORMAT_GIF) &&
        (out->format == ALB_FORMAT_AVIF || out->format == ALB_FORMAT_JXL)) {
        out->automatic[0] = out->format;
        out->automatic[1] = other;
    }
}

static void set_quality(const struct alb_thumbor_config *c, const struct alb_thumbor_filters *f,
                        struct alb_output *out)
{
    static const uint8_t defaults[ALB_FORMAT_COUNT] = {
        [ALB_FORMAT_SAME] = 75, [ALB_FORMAT_JPEG] = 75, [ALB_FORMAT_WEBP] = 75, [ALB_FORMAT_AVIF] = 50,
        [ALB_FORMAT_JXL] = 75,  [ALB_FORMAT_HEIC] = 50, [ALB_FORMAT_TIFF] = 75, [ALB_FORMAT_JP2] = 48};
    memcpy(out->quality, defaults, sizeof(defaults));
    if (f->quality > 0) {
        memset(out->quality, 0, sizeof(out->quality));
        out->quality[ALB_FORMAT_SAME] = (uint8_t)(f->quality > 100 ? 100 : f->quality);
    }
    out->effort[ALB_FORMAT_WEBP] = 7; /* 4 of 0..6 */
    out->effort[ALB_FORMAT_AVIF] = (uint8_t)(1 + (c->avif_speed < 0   ? 9
                                                  : c->avif_speed > 9 ? 0
                                                                      : 9 - c->avif_speed));
    out->effort[ALB_FORMAT_HEIC] = 1;
    if (f->compression > 0)
        out->effort[ALB_FORMAT_PNG] = (uint8_t)(f->compression > 9 ? 10 : f->compression + 1);
    out->png_quantize = f->palette;
    out->png_plain = true;
    if (f->bitdepth == 1 || f->bitdepth == 2 || f->bitdepth == 4) {
        out->png_quantize = true; /* what has so few bits has a palette */
        out->png_colors = (uint16_t)(1u << f->bitdepth);
    }
    out->webp_mode = f->lossless ? ALB_WEBP_LOSSLESS : ALB_WEBP_LOSSY;
    out->lossless = f->lossless;
    out->max_bytes = f->lossless ? 0 : (uint64_t)f->max_bytes;
    out->jpeg_progressive = out->jpeg_trellis = out->jpeg_scans = c->mozjpeg;
    out->jpeg_table = c->mozjpeg ? 3 : 0;
}

static void output(const struct alb_thumbor_config *c, const struct alb_thumbor_filters *f,
                   struct alb_output *out)
{
    bool strip = f->strip_metadata || c->strip_metadata;
    set_formats(f, out);
    set_quality(c, f, out);
    out->keep_metadata = !strip && !f->strip_exif;
    out->profile = ALB_PROFILE_KEEP;
    if (strip || f->strip_icc || c->strip_icc || alb_str_eq_ci(f->colorspace, ALB_STR("srgb")))
        out->profile = ALB_PROFILE_SRGB;
    else if (alb_str_eq_ci(f->colorspace, ALB_STR("cmyk")))
        out->profile = ALB_PROFILE_CMYK;
    else if (alb_str_eq_ci(f->colorspace, ALB_STR("p3")))
        out->profile = ALB_PROFILE_P3;
}

static uint64_t least(uint64_t a, int64_t b)
{
    return b > 0 && (uint64_t)b < a ? (uint64_t)b : a;
}

static void limits(const struct alb_thumbor_config *c, const struct alb_plan_limits *server,
                   struct alb_plan_limits *l)
{
    *l = *server;
    l->result_side =
        (uint32_t)least(l->result_side, c->max_width > c->max_height ? c->max_width : c->max_height);
    l->result_pixels = least(l->result_pixels, c->max_resolution);
    l->source_pixels = least(l->source_pixels, c->max_resolution);
    l->animation_pixels = least(l->animation_pixels, c->max_resolution);
}

const struct alb_plan_options *alb_thumbor_chain(struct alb_thumbor_compiling *k,
                                                 const struct alb_thumbor_url *u,
                                                 const struct alb_thumbor_filters *f)
{
    if (new_pipeline(k)) {
        own_geometry(k, u, f);
        source(k->c, f, &k->out->limits, k->first);
    }
    for (size_t i = 0; !k->failed && i < f->count; i++) {
        k->failed = ++k->all->ops > ALB_THUMBOR_FILTERS_MAX;
        add_filter(k, u, &f->ops[i]);
    }
    return k->failed ? NULL : k->first;
}

enum alb_code alb_thumbor_compile(const struct alb_thumbor_config *c, const struct alb_thumbor_url *u,
                                  const struct alb_thumbor_filters *f, const struct alb_plan_limits *server,
                                  struct alb_arena *arena, struct alb_thumbor_wish *out, struct alb_err *err)
{
    struct alb_thumbor_all all = {0, 0};
    struct alb_thumbor_compiling k = {.c = c, .arena = arena, .err = err, .out = out, .all = &all};
    memset(out, 0, sizeof(*out));
    limits(c, server, &out->limits);
    out->options = alb_thumbor_chain(&k, u, f);
    if (out->options) {
        output(c, f, &k.first->output);
        return ALB_OK;
    }
    if (alb_arena_code(arena) != ALB_OK)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a picture's options");
    if (k.code != ALB_OK) /* of a layer, which has said why */
        return k.code;
    return alb_fail(err, ALB_E_INVALID,
                    "more filters than one picture may have, or more than %d other images",
                    ALB_PLAN_INPUTS - 1);
}
