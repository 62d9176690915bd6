/* SPDX-License-Identifier: Apache-2.0
 *
 * Which format is written, and with which quality: the rules of alb_output (options.h), which are imgproxy's (its
 * processing/processing.go).
 */
#include "image/plan_priv.h"

#define AVIF_LEAST_SIDE 16u

static const uint8_t default_quality[ALB_FORMAT_COUNT] = {
    [ALB_FORMAT_SAME] = 80, [ALB_FORMAT_JPEG] = 80, [ALB_FORMAT_PNG] = 80,  [ALB_FORMAT_WEBP] = 79,
    [ALB_FORMAT_AVIF] = 63, [ALB_FORMAT_JXL] = 77,  [ALB_FORMAT_HEIC] = 80, [ALB_FORMAT_GIF] = 80,
    [ALB_FORMAT_TIFF] = 80, [ALB_FORMAT_BMP] = 80,  [ALB_FORMAT_ICO] = 80,  [ALB_FORMAT_JP2] = 48,
};

bool alb_expects_alpha(const struct alb_draft *d)
{
    bool alpha = d->h->alpha;
    for (const struct alb_plan_options *o = d->ask->options; o; o = o->next) {
        for (size_t i = 0; i < ALB_ARRAY_LEN(o->padding); i++)
            alpha = alpha || o->padding[i] > 0;
        alpha = (alpha || o->extend.on) && (!o->flatten || o->background_alpha < 1);
    }
    return alpha;
}

static bool can_hold(enum alb_format f, bool animated, bool alpha)
{
    return f != ALB_FORMAT_SAME && (!animated || alb_format_animation(f)) && (!alpha || alb_format_alpha(f));
}

static enum alb_format own_format(const struct alb_draft *d)
{
    for (unsigned f = 1; f < ALB_FORMAT_COUNT; f++) {
        if (alb_format_type((enum alb_format)f) == d->h->type &&
            (d->ask->options->output.keep & ALB_FORMAT_BIT(f)) != 0)
            return (enum alb_format)f;
    }
    return ALB_FORMAT_SAME;
}

enum alb_format alb_choose_format(const struct alb_draft *d, bool animated)
{
    const struct alb_output *o = &d->ask->options->output;
    bool alpha = alb_expects_alpha(d);
    for (size_t i = 0; i < ALB_FORMAT_LIST && o->automatic[i] != ALB_FORMAT_SAME; i++) {
        bool slow = o->automatic[i] == ALB_FORMAT_AVIF || o->automatic[i] == ALB_FORMAT_JXL;
        if (can_hold(o->automatic[i], animated, alpha) && !(animated && slow))
            return o->automatic[i];
    }
    enum alb_format f = o->format != ALB_FORMAT_SAME ? o->format : own_format(d);
    if (f != ALB_FORMAT_SAME)
        return f;
    for (size_t i = 0; i < ALB_FORMAT_LIST && o->preferred[i] != ALB_FORMAT_SAME; i++) {
        if (can_hold(o->preferred[i], animated, alpha))
            return o->preferred[i];
    }
    return o->preferred[0] != ALB_FORMAT_SAME ? o->preferred[0] : ALB_FORMAT_JPEG;
}

uint16_t alb_best_candidates(const struct alb_draft *d, bool alpha)
{
    uint16_t of = d->ask->options->output.best, left = 0;
    uint32_t width = d->width, height = d->height;
    for (unsigned n = 1; n < ALB_FORMAT_COUNT; n++) {
        enum alb_format f = (enum alb_format)n;
        bool fits = width <= alb_format_side(f) && height <= alb_format_side(f);
        if (f == ALB_FORMAT_AVIF && (width < AVIF_LEAST_SIDE || height < AVIF_LEAST_SIDE))
            fits = false;
        if ((of & ALB_FORMAT_BIT(f)) != 0 && fits && can_hold(f, d->animated, alpha))
            left |= ALB_FORMAT_BIT(f);
    }
    return left;
}

static enum alb_format only_one(uint16_t formats)
{
    for (unsigned f = 1; f < ALB_FORMAT_COUNT; f++) {
        if (formats == ALB_FORMAT_BIT(f))
            return (enum alb_format)f;
    }
    return ALB_FORMAT_SAME;
}

/* What is written instead of an AVIF that is too small to be one. */
static enum alb_format small_avif(const struct alb_draft *d)
{
    if (d->animated)
        return ALB_FORMAT_WEBP;
    return d->alpha ? ALB_FORMAT_PNG : ALB_FORMAT_JPEG;
}

/* Where trying all of them would take too long: what is small and quickly written. */
static uint16_t likeliest(uint16_t formats)
{
    static const enum alb_format order[] = {ALB_FORMAT_WEBP, ALB_FORMAT_JPEG, ALB_FORMAT_PNG, ALB_FORMAT_AVIF,
                                            ALB_FORMAT_JXL};
    for (size_t i = 0; i < ALB_ARRAY_LEN(order); i++) {
        if ((formats & ALB_FORMAT_BIT(order[i])) != 0)
            return ALB_FORMAT_BIT(order[i]);
    }
    return formats;
}

static bool is_above(const struct alb_draft *d, uint64_t pixels)
{
    return pixels > 0 && (uint64_t)d->width * d->height > pixels;
}

void alb_resolve_output(const struct alb_draft *d, struct alb_output *out)
{
    out->format = d->format;
    if (out->format == ALB_FORMAT_AVIF && (d->width < AVIF_LEAST_SIDE || d->height < AVIF_LEAST_SIDE))
        out->format = small_avif(d);
    out->best = alb_best_candidates(d, d->alpha);
    if (is_above(d, out->best_pixels))
        out->best = likeliest(out->best);
    if (is_above(d, out->autoquality_pixels))
        out->autoquality = ALB_AUTOQUALITY_OFF;
    enum alb_format one = only_one(out->best);
    if (one != ALB_FORMAT_SAME) {
        out->format = one;
        out->best = 0;
    }
    if (out->best != 0)
        out->format = ALB_FORMAT_SAME;
    for (unsigned f = 1; f < ALB_FORMAT_COUNT; f++) {
        if (out->quality[f] == 0)
            out->quality[f] =
                out->quality[ALB_FORMAT_SAME] ? out->quality[ALB_FORMAT_SAME] : default_quality[f];
    }
}
