/* SPDX-License-Identifier: Apache-2.0 */
#include "render/sizes.h"

#include "image/probe.h"
#include "library/source.h"

/* How much finer than the result a JPEG is decoded, in thousandths: keeps detail that 1/8 steps would lose. Twice,
 * and in linear light, gives 78 to 79 points of SSIMULACRA2 where the fast mode of image servers gives 71 to 73,
 * for 4 to 7 milliseconds more of a photograph of 3 to 11 megapixels; the whole picture would give half a point
 * more. */
#define FINE_MARGIN 2000

static const struct {
    uint32_t side;
    uint8_t jpeg_quality, webp_quality;
    uint16_t margin;
} SIZES[ALB_SIZE_COUNT] = {
    [ALB_SIZE_THUMBNAIL] = {512, 80, 78, FINE_MARGIN},
    [ALB_SIZE_PREVIEW] = {1440, 82, 80, FINE_MARGIN},
    [ALB_SIZE_FULL] = {0, 90, 88, 0},
};

/* Longer animations are shown by their first frame: a recording of a screen has thousands of frames, and is
 * no reason to show nothing. The default limits, so that what is asked for does not depend on a
 * configuration. */
static bool may_move(const struct alb_image_header *h)
{
    struct alb_plan_limits l;
    alb_plan_limits_default(&l);
    return h->animated && h->pages <= l.frames &&
           (uint64_t)h->width * h->height * h->pages <= l.animation_pixels;
}

void alb_size_options(enum alb_size size, const struct alb_source *source, struct alb_plan_options *out)
{
    struct alb_image_header header;
    bool keeps_alpha = false, moves = false;
    alb_plan_options_init(out);
    if (source->header.n > 0 && alb_header_unpack(source->header, &header, NULL) == ALB_OK) {
        moves = may_move(&header);
        out->levels = SIZES[size].side > 0 && alb_level_any(&header);
        out->linear = SIZES[size].side > 0 && (alb_light_is_cheap(&header) || out->levels);
        keeps_alpha = header.alpha || header.animated;
    }
    out->fit = ALB_FIT_INSIDE;
    out->width = out->height = SIZES[size].side;
    out->output.format = keeps_alpha ? ALB_FORMAT_WEBP : ALB_FORMAT_JPEG;
    out->output.quality[ALB_FORMAT_JPEG] = SIZES[size].jpeg_quality;
    out->output.quality[ALB_FORMAT_WEBP] = SIZES[size].webp_quality;
    out->shrink_margin = SIZES[size].margin;
    if (moves && size != ALB_SIZE_THUMBNAIL)
        out->frames = header.pages;
}
