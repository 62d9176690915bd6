/* SPDX-License-Identifier: Apache-2.0
 *
 * From header and options to steps. The order of the work in alb_plan_make is the order of the rules:
 *   refuse (limits of the source) -> size as shown -> result format -> how to load -> steps
 *     -> limits of the result
 * Geometry is computed in shown pixels and mapped to stored ones at the end (image/turn.h), so every
 * step but TURN works on the grid of the file, and turning happens last, on few pixels.
 */
#include "image/plan.h"

#include <math.h>
#include <string.h>

#include "image/plan_priv.h"

/* Everything alb_plan_make knows while it works. */
struct draft {
    const struct alb_image_header *h;
    const struct alb_plan_options *o;
    const struct alb_plan_limits *l;
    struct alb_err *err;
    struct alb_plan *plan;
    uint8_t turn;                /* stored -> shown, everything together */
    uint32_t shown_w, shown_h;   /* of the source */
    uint32_t scaled_w, scaled_h; /* shown, after resizing */
    struct alb_rect crop;        /* shown, inside scaled */
    uint32_t loaded_w, loaded_h; /* stored, as the loader gives it */
    uint32_t pages;
    enum alb_format format;
};

static uint32_t round_side(double v)
{
    if (!(v >= 1.0))
        return 1;
    return v >= 4294967295.0 ? UINT32_MAX : (uint32_t)floor(v + 0.5);
}

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

static enum alb_code check_source(struct draft *d)
{
    const struct alb_image_header *h = d->h;
    uint64_t pixels = (uint64_t)h->width * h->height;
    if (!alb_type_can_show(h->type))
        return alb_fail(d->err, ALB_E_UNSUPPORTED, "no pictures are made of %s", alb_type_name(h->type));
    if (pixels == 0 || h->pages == 0)
        return alb_fail(d->err, ALB_E_UNPROCESSABLE, "the source has no size");
    if (h->bytes > d->l->source_bytes)
        return alb_fail(d->err, ALB_E_TOO_LARGE, "the source has more than %lld bytes",
                        (long long)d->l->source_bytes);
    if (!is_vector(h) &&
        (pixels > d->l->source_pixels || (uint64_t)h->raw_width * h->raw_height > d->l->source_pixels))
        return alb_fail(d->err, ALB_E_TOO_LARGE, "the source has more than %llu pixels",
                        (unsigned long long)d->l->source_pixels);
    if (!(d->o->frames > 1 && h->animated) && d->o->page >= h->pages)
        return alb_fail(d->err, ALB_E_INVALID, "there is no page %u", d->o->page);
    return ALB_OK;
}

static bool holds(const struct draft *d, enum alb_format f, bool animated)
{
    bool alpha = d->h->alpha && !d->o->flatten;
    return (!animated || alb_format_animation(f)) && (!alpha || alb_format_alpha(f));
}

static void choose_format(struct draft *d)
{
    const struct alb_output *out = &d->o->output;
    bool animated = d->o->frames > 1 && d->h->animated;
    d->format = out->format;
    for (unsigned f = 1; d->format == ALB_FORMAT_SAME && f < ALB_FORMAT_COUNT; f++) {
        if (alb_format_type((enum alb_format)f) == d->h->type && (out->keep & ALB_FORMAT_BIT(f)))
            d->format = (enum alb_format)f;
    }
    for (size_t i = 0; d->format == ALB_FORMAT_SAME && i < ALB_FORMAT_LIST; i++) {
        if (out->preferred[i] != ALB_FORMAT_SAME && holds(d, out->preferred[i], animated))
            d->format = out->preferred[i];
    }
    if (d->format == ALB_FORMAT_SAME)
        d->format = ALB_FORMAT_JPEG;
    d->pages = animated && alb_format_animation(d->format) ? d->h->pages : 1;
    if (d->pages > d->o->frames && d->pages > 1)
        d->pages = d->o->frames;
}

static enum alb_code check_animation(const struct draft *d)
{
    if (d->pages > d->l->frames)
        return alb_fail(d->err, ALB_E_TOO_LARGE, "the animation has more than %u frames", d->l->frames);
    if (d->pages > 1 && (uint64_t)d->h->width * d->h->height * d->pages > d->l->animation_pixels)
        return alb_fail(d->err, ALB_E_TOO_LARGE, "the animation has more than %llu pixels",
                        (unsigned long long)d->l->animation_pixels);
    return ALB_OK;
}

/* ---- geometry, in shown pixels ---- */

/* How many times smaller the result is than the source, per axis. Below 1: enlarged. */
static void shrink_factors(const struct draft *d, double *fx, double *fy)
{
    const struct alb_plan_options *o = d->o;
    double w = d->shown_w, h = d->shown_h;
    *fx = o->width ? w / o->width : 1.0;
    *fy = o->height ? h / o->height : 1.0;
    if (o->fit != ALB_FIT_FORCE) {
        double f;
        if (!o->width || !o->height)
            f = o->width ? *fx : *fy;
        else
            f = o->fit == ALB_FIT_INSIDE ? fmax(*fx, *fy) : fmin(*fx, *fy);
        *fx = *fy = f;
    }
    double least = fmin(*fx, *fy);
    if (least < 1.0 && !o->enlarge && !is_vector(d->h)) { /* proportions as asked, no axis enlarged */
        *fx /= least;
        *fy /= least;
    }
}

static void compute_size(struct draft *d)
{
    double fx, fy;
    shrink_factors(d, &fx, &fy);
    d->scaled_w = round_side(d->shown_w / fx);
    d->scaled_h = round_side(d->shown_h / fy);
    struct alb_rect c = {0, 0, d->scaled_w, d->scaled_h};
    if (d->o->width && d->o->width < c.width)
        c.width = d->o->width;
    if (d->o->height && d->o->height < c.height)
        c.height = d->o->height;
    c.left = (uint32_t)alb_place_x(&d->o->gravity, d->scaled_w, c.width, 1, false);
    c.top = (uint32_t)alb_place_y(&d->o->gravity, d->scaled_h, c.height, 1, false);
    d->crop = c;
}

static enum alb_code check_result(const struct draft *d)
{
    uint32_t side = d->format == ALB_FORMAT_WEBP && d->l->result_side > 16383 ? 16383 : d->l->result_side;
    if (d->crop.width > side || d->crop.height > side)
        return alb_fail(d->err, ALB_E_TOO_LARGE, "the result would have a side above %u pixels", side);
    uint64_t pixels = (uint64_t)d->scaled_w * d->scaled_h;
    if (pixels * d->pages > d->l->result_pixels && pixels > (uint64_t)d->shown_w * d->shown_h)
        return alb_fail(d->err, ALB_E_TOO_LARGE, "the picture would have to be enlarged too much");
    if ((uint64_t)d->crop.width * d->crop.height * d->pages > d->l->result_pixels)
        return alb_fail(d->err, ALB_E_TOO_LARGE, "the result would have more than %llu pixels",
                        (unsigned long long)d->l->result_pixels);
    return ALB_OK;
}

/* ---- steps ---- */

static struct alb_plan_step *add(struct draft *d, enum alb_step_kind kind, uint32_t width, uint32_t height)
{
    struct alb_plan_step *s = &d->plan->steps[d->plan->count++]; /* at most 7 of ALB_PLAN_STEPS */
    s->kind = kind;
    s->width = width;
    s->height = height;
    return s;
}

/* The smallest n/8 that leaves both sides at least as large as wanted (the loader drops a partial pixel at
 * the far sides). Only the powers of two: the decoder has fast code for these, and 3, 5, 6 and 7 eighths cost
 * more than the next larger one. */
static uint8_t choose_eighths(uint32_t w, uint32_t h, double want_w, double want_h)
{
    for (uint8_t n = 1; n < 8; n = (uint8_t)(n * 2)) {
        uint64_t lw = (uint64_t)w * n / 8, lh = (uint64_t)h * n / 8;
        if ((double)lw >= want_w && (double)lh >= want_h)
            return n;
    }
    return 8;
}

static void plan_load(struct draft *d, uint32_t want_w, uint32_t want_h)
{
    const struct alb_image_header *h = d->h;
    struct alb_plan_step *s = add(d, ALB_STEP_LOAD, h->width, h->height);
    double margin = d->o->shrink_margin ? d->o->shrink_margin / 1000.0 : 1.0;
    s->u.load.type = h->type;
    s->u.load.how = ALB_LOAD_FULL;
    s->u.load.page = d->pages > 1 ? 0 : d->o->page;
    s->u.load.pages = d->pages;
    s->u.load.animated = d->pages > 1;
    s->u.load.strict = !d->o->lenient;
    s->u.load.source_width = h->width;
    s->u.load.source_height = h->height;
    s->u.load.eighths = 8;
    if (is_vector(h)) {
        s->u.load.how = ALB_LOAD_SCALED;
        s->width = want_w;
        s->height = want_h;
    } else if (h->type == ALB_TYPE_JPEG || (alb_type_class(h->type) == ALB_CLASS_RAW && h->preview)) {
        uint8_t n = choose_eighths(h->width, h->height, want_w * margin, want_h * margin);
        s->u.load.how = n == 8 ? ALB_LOAD_FULL : ALB_LOAD_EIGHTHS;
        s->u.load.eighths = n;
        s->width = (uint32_t)((uint64_t)h->width * n / 8);
        s->height = (uint32_t)((uint64_t)h->height * n / 8);
    } else if (alb_type_class(h->type) == ALB_CLASS_RAW) {
        s->u.load.how = ALB_LOAD_DEVELOP;
    } else if (h->type == ALB_TYPE_WEBP && d->pages == 1 && !h->animated) {
        double f = fmax(want_w * margin / h->width, want_h * margin / h->height);
        if (f < 1.0) {
            s->u.load.how = ALB_LOAD_SCALED;
            s->width = round_side(h->width * f);
            s->height = round_side(h->height * f);
        }
    }
    d->loaded_w = s->width;
    d->loaded_h = s->height;
}

static uint8_t default_quality(enum alb_format f)
{
    static const uint8_t q[ALB_FORMAT_COUNT] = {
        [ALB_FORMAT_SAME] = 80, [ALB_FORMAT_JPEG] = 80, [ALB_FORMAT_PNG] = 100,
        [ALB_FORMAT_WEBP] = 79, [ALB_FORMAT_AVIF] = 63, [ALB_FORMAT_JXL] = 77,
        [ALB_FORMAT_HEIC] = 80, [ALB_FORMAT_GIF] = 80,  [ALB_FORMAT_TIFF] = 80,
        [ALB_FORMAT_BMP] = 80, [ALB_FORMAT_ICO] = 80,
    };
    return q[f];
}

static void plan_encode(struct draft *d)
{
    struct alb_plan_step *e = add(d, ALB_STEP_ENCODE, d->crop.width, d->crop.height);
    struct alb_output *o = &e->u.encode.output;
    *o = d->o->output;
    o->format = d->format;
    if (o->quality[d->format] == 0)
        o->quality[d->format] = o->quality[ALB_FORMAT_SAME];
    if (o->quality[d->format] == 0)
        o->quality[d->format] = default_quality(d->format);
    e->u.encode.animate = d->pages > 1;
    d->plan->width = d->crop.width;
    d->plan->height = d->crop.height;
    d->plan->format = d->format;
}

/* Colours that no result format has are converted even if the profile is to be kept. */
static bool needs_colour(const struct draft *d)
{
    return d->o->output.profile == ALB_PROFILE_SRGB || d->h->space == ALB_SPACE_CMYK || d->h->space == ALB_SPACE_OTHER ||
           d->h->bits > 8;
}

static void plan_steps(struct draft *d)
{
    bool swap = alb_turn_swaps(d->turn);
    uint32_t sw = swap ? d->scaled_h : d->scaled_w, sh = swap ? d->scaled_w : d->scaled_h;
    plan_load(d, sw, sh);
    if (d->loaded_w != sw || d->loaded_h != sh)
        add(d, ALB_STEP_RESIZE, sw, sh);
    struct alb_rect c = alb_turn_to_stored(d->turn, sw, sh, d->crop);
    if (c.width != sw || c.height != sh) {
        struct alb_plan_step *s = add(d, ALB_STEP_CROP, c.width, c.height);
        s->u.crop.left = c.left;
        s->u.crop.top = c.top;
    }
    if (needs_colour(d))
        add(d, ALB_STEP_COLOUR, c.width, c.height)->u.colour.to =
            d->o->output.profile == ALB_PROFILE_SRGB ? ALB_COLOUR_SRGB : ALB_COLOUR_PIXELS;
    if (d->h->alpha && (d->o->flatten || d->format == ALB_FORMAT_JPEG)) {
        struct alb_plan_step *s = add(d, ALB_STEP_FLATTEN, c.width, c.height);
        s->u.flatten.rgb = d->o->background;
        s->u.flatten.alpha = 1;
    }
    if (d->turn != 1)
        add(d, ALB_STEP_TURN, d->crop.width, d->crop.height)->u.turn.orientation = d->turn;
    plan_encode(d);
}

/* ---- memory ---- */

/* Bytes per pixel that decoding takes, as measured per codec, rounded up: of the whole picture (decoders that
 * hold it), of what they give out, and of the whole picture if it is progressive or interlaced. Kinds that
 * are not listed (TIFF in one strip, BMP) hold the picture once. */
static const struct {
    uint8_t whole, loaded, progressive;
} decode_cost[ALB_TYPE_COUNT] = {
    [ALB_TYPE_JPEG] = {0, 3, 6}, [ALB_TYPE_PNG] = {0, 0, 4},  [ALB_TYPE_WEBP] = {4, 4, 0},
    [ALB_TYPE_GIF] = {8, 4, 0},  [ALB_TYPE_JXL] = {8, 0, 0},  [ALB_TYPE_HEIC] = {8, 0, 0},
    [ALB_TYPE_AVIF] = {8, 0, 0}, [ALB_TYPE_JP2] = {16, 0, 0}, [ALB_TYPE_SVG] = {0, 12, 0},
    [ALB_TYPE_PDF] = {0, 12, 0}, [ALB_TYPE_TIFF] = {4, 0, 0}, [ALB_TYPE_BMP] = {4, 0, 0},
};

static uint64_t decode_memory(const struct draft *d)
{
    const struct alb_image_header *h = d->h;
    uint64_t whole = (uint64_t)h->width * h->height, loaded = (uint64_t)d->loaded_w * d->loaded_h;
    uint64_t sample = h->bits > 16 ? 4 : h->bits > 8 ? 2 : 1;
    if (alb_type_class(h->type) == ALB_CLASS_RAW) {
        uint64_t sensor = (uint64_t)h->raw_width * h->raw_height;
        return (h->preview ? loaded * 3 + whole * 6 : sensor * 12) + (uint64_t)(h->bytes > 0 ? h->bytes : 0);
    }
    uint64_t per_pixel =
        decode_cost[h->type].whole + (h->progressive ? decode_cost[h->type].progressive : 0u);
    return (uint64_t)h->width * 1024 + whole * per_pixel * sample +
           loaded * decode_cost[h->type].loaded * d->pages;
}

static void estimate_memory(struct draft *d)
{
    static const uint8_t encode[ALB_FORMAT_COUNT] = {
        [ALB_FORMAT_SAME] = 8,  [ALB_FORMAT_JPEG] = 8,  [ALB_FORMAT_PNG] = 8,
        [ALB_FORMAT_WEBP] = 12, [ALB_FORMAT_AVIF] = 24, [ALB_FORMAT_JXL] = 44,
    };
    uint64_t result = (uint64_t)d->crop.width * d->crop.height;
    uint64_t turned = d->turn > 1 ? result * 4 : 0;
    uint64_t frames = d->pages > 1 ? result * 4 * d->pages : 0;
    d->plan->memory = ((uint64_t)16 << 20) + decode_memory(d) + turned + frames + result * encode[d->format];
}

enum alb_code alb_plan_make(const struct alb_plan_ask *ask, struct alb_plan *out, struct alb_err *err)
{
    const struct alb_image_header *h = &ask->headers[0];
    const struct alb_plan_options *o = ask->options;
    const struct alb_plan_limits *l = ask->limits;
    struct draft d = {.h = h, .o = o, .l = l, .err = err, .plan = out};
    memset(out, 0, sizeof(*out));
    enum alb_code code = alb_plan_options_check(o, err);
    if (code == ALB_OK)
        code = check_source(&d);
    if (code != ALB_OK)
        return code;
    choose_format(&d);
    uint8_t stored = o->ignore_orientation ? 1 : alb_turn_valid(h->orientation);
    d.turn = alb_turn_compose(stored, alb_turn_of(o->turn, o->flip_h, o->flip_v));
    d.shown_w = alb_turn_swaps(d.turn) ? h->height : h->width;
    d.shown_h = alb_turn_swaps(d.turn) ? h->width : h->height;
    code = check_animation(&d);
    if (code != ALB_OK)
        return code;
    compute_size(&d);
    code = check_result(&d);
    if (code != ALB_OK)
        return code;
    plan_steps(&d);
    out->fonts = alb_plan_needs_fonts(out);
    estimate_memory(&d);
    if (out->memory > l->memory) {
        memset(out, 0, sizeof(*out));
        return alb_fail(err, ALB_E_TOO_LARGE, "the work would need more than %llu MiB of memory",
                        (unsigned long long)(l->memory >> 20));
    }
    return ALB_OK;
}
