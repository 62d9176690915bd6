/* SPDX-License-Identifier: Apache-2.0
 *
 * The pyramid: which level a picture is made of, and what a level is (plan.h). The numbers are measured by
 * bench/pyramid; docs/architecture.md tells what came out.
 */
#include "image/plan_priv.h"

/* Smallest first. Each is made of the next one, the last of the original. */
static const uint32_t sides[] = {1024, 2048};

/* A longest side from which on a source has levels: with less, decoding it is cheap enough. */
#define LARGE 3584
/* In eighths: a picture is made of a level that is so much larger than itself, for what is then reduced keeps its
 * detail. */
#define MARGIN 11

/* Both together: 0.7 MB of a photograph, on average. Chroma of half the size costs a point of SSIMULACRA2 in what is
 * made of it and saves no time there; quality 95 gives a fifth of a point for 30 % more bytes. */
#define JPEG_QUALITY 92
#define WEBP_QUALITY 95
#define FINE_MARGIN 2000 /* as albumen's own sizes, render/sizes.c */

bool alb_light_is_cheap(const struct alb_image_header *h)
{
    bool common = h->type == ALB_TYPE_JPEG || h->type == ALB_TYPE_PNG || h->type == ALB_TYPE_WEBP ||
                  h->type == ALB_TYPE_AVIF;
    return common && !h->animated && h->bits == 8 && (h->icc == ALB_ICC_NONE || h->icc == ALB_ICC_SRGB) &&
           (h->space == ALB_SPACE_RGB || h->space == ALB_SPACE_GREY);
}

/* ---- what a level is ---- */

static uint32_t longest(const struct alb_image_header *h)
{
    return h->width > h->height ? h->width : h->height;
}

bool alb_level_any(const struct alb_image_header *h)
{
    enum alb_type_class cls = alb_type_class(h->type);
    return (cls == ALB_CLASS_RASTER || cls == ALB_CLASS_RAW) && !h->animated && h->width > 0 &&
           h->height > 0 && longest(h) >= LARGE;
}

static uint32_t side_of(uint32_t side, uint32_t of, uint32_t whole)
{
    uint32_t v = (uint32_t)(((uint64_t)side * of * 2 + whole) / ((uint64_t)whole * 2));
    return v > 0 ? v : 1;
}

void alb_level_header(const struct alb_image_header *h, uint32_t side, struct alb_image_header *out)
{
    *out = (struct alb_image_header){
        .type = h->alpha ? ALB_TYPE_WEBP : ALB_TYPE_JPEG,
        .width = side_of(side, h->width, longest(h)),
        .height = side_of(side, h->height, longest(h)),
        .orientation = h->orientation,
        .pages = 1,
        .alpha = h->alpha,
        .bits = 8,
        .icc = ALB_ICC_NONE,
        .space = h->space == ALB_SPACE_GREY ? ALB_SPACE_GREY : ALB_SPACE_RGB,
        .bytes = 1, /* not known */
    };
}

void alb_level_options(const struct alb_image_header *h, uint32_t side, struct alb_plan_options *out)
{
    struct alb_image_header level;
    alb_level_header(h, side, &level);
    alb_plan_options_init(out);
    out->levels = true;
    out->ignore_orientation = true;
    out->fit = ALB_FIT_FORCE;
    out->width = level.width;
    out->height = level.height;
    out->linear =
        alb_light_is_cheap(h) || side != sides[ALB_ARRAY_LEN(sides) - 1]; /* levels are fit for it */
    out->shrink_margin = FINE_MARGIN;
    out->output.format = h->alpha ? ALB_FORMAT_WEBP : ALB_FORMAT_JPEG;
    out->output.quality[ALB_FORMAT_JPEG] = JPEG_QUALITY;
    out->output.quality[ALB_FORMAT_WEBP] = WEBP_QUALITY;
    out->output.chroma = ALB_CHROMA_FULL;
}

/* ---- which one ---- */

/* Options that ask for something of the file that a level has not. */
static bool may_use(const struct alb_draft *d, const struct alb_plan_options *o)
{
    const struct alb_output *out = &d->ask->options->output;
    bool whole = d->page == 0 && d->pages == 1 && !d->animated && !d->tiles && !d->embedded && !o->lenient &&
                 d->depth == 0;
    return o->levels && whole && out->profile == ALB_PROFILE_SRGB && !out->keep_metadata &&
           !out->keep_copyright && !out->deep;
}

bool alb_plan_find_level(struct alb_draft *d, const struct alb_plan_options *o, double shrink)
{
    if (!may_use(d, o) || !alb_level_any(d->h))
        return false;
    for (size_t i = 0; i < ALB_ARRAY_LEN(sides); i++) {
        alb_level_header(d->h, sides[i], &d->level);
        double x = (double)d->h->width / d->level.width, y = (double)d->h->height / d->level.height;
        if (shrink * 8 < (x > y ? x : y) * MARGIN)
            continue;
        d->plan->level = sides[i];
        d->h = &d->level;
        d->width = d->natural_width = d->level.width;
        d->height = d->natural_height = d->level.height;
        return true;
    }
    return false;
}
