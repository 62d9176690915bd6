/* SPDX-License-Identifier: Apache-2.0
 *
 * The expected memory of a job: the cost of its lease, and a third of what its worker may take before the kernel
 * stops it. Bytes per pixel as measured per codec, rounded up.
 */
#include "image/plan_priv.h"

#define AV1_LOOK_AHEAD 36u /* frames that its encoder keeps at once */
#define WORKER ((uint64_t)16 << 20) /* libraries, threads, lines in flight */

/* What decoding takes: of the whole picture (decoders that hold it), of what they give out, and of the whole
 * picture if it is progressive or interlaced. */
static const struct {
    uint8_t whole, loaded, progressive;
} decode_cost[ALB_TYPE_COUNT] = {
    [ALB_TYPE_JPEG] = {0, 3, 6}, [ALB_TYPE_PNG] = {0, 0, 4},  [ALB_TYPE_WEBP] = {4, 4, 0},
    [ALB_TYPE_GIF] = {8, 4, 0},  [ALB_TYPE_JXL] = {8, 0, 0},  [ALB_TYPE_HEIC] = {8, 0, 0},
    [ALB_TYPE_AVIF] = {8, 0, 0}, [ALB_TYPE_JP2] = {16, 0, 0}, [ALB_TYPE_SVG] = {0, 12, 0},
    [ALB_TYPE_PDF] = {0, 12, 0}, [ALB_TYPE_TIFF] = {4, 0, 0}, [ALB_TYPE_BMP] = {4, 0, 0},
    [ALB_TYPE_ICO] = {8, 0, 0},  [ALB_TYPE_PSD] = {8, 0, 0},
};
static const uint8_t encode_cost[ALB_FORMAT_COUNT] = {
    [ALB_FORMAT_SAME] = 8,  [ALB_FORMAT_JPEG] = 8, [ALB_FORMAT_PNG] = 8,   [ALB_FORMAT_WEBP] = 12,
    [ALB_FORMAT_AVIF] = 24, [ALB_FORMAT_JXL] = 44, [ALB_FORMAT_HEIC] = 24, [ALB_FORMAT_GIF] = 16,
    [ALB_FORMAT_TIFF] = 8,  [ALB_FORMAT_BMP] = 8,  [ALB_FORMAT_ICO] = 8,   [ALB_FORMAT_JP2] = 24,
};

static uint64_t sample_of(const struct alb_image_header *h)
{
    return h->bits > 16 ? 4 : h->bits > 8 ? 2 : 1;
}

uint64_t alb_plan_decode_memory(const struct alb_draft *d, const struct alb_plan_step *load)
{
    const struct alb_image_header *h = d->h;
    uint64_t whole = (uint64_t)d->natural_width * d->natural_height, loaded = (uint64_t)load->width * load->height;
    if (load->u.load.how == ALB_LOAD_THUMBNAIL || load->u.load.how == ALB_LOAD_PAGE)
        whole = loaded;
    if (d->animated)
        loaded *= d->pages;
    if (alb_type_class(h->type) == ALB_CLASS_RAW) {
        uint64_t sensor = (uint64_t)h->raw_width * h->raw_height;
        return (h->preview ? loaded * 3 + whole * 6 : sensor * 12) + (uint64_t)(h->bytes > 0 ? h->bytes : 0);
    }
    if (alb_type_class(h->type) == ALB_CLASS_VIDEO &&
        d->tiles) /* one frame at a time, and all that are made of them */
        return (uint64_t)h->width * h->height * 32 + loaded * 4 +
               (uint64_t)d->laid.inner_width * d->laid.inner_height * 16;
    if (alb_type_class(h->type) == ALB_CLASS_VIDEO)
        return whole * 24;
    uint64_t per_pixel =
        decode_cost[h->type].whole + (h->progressive ? decode_cost[h->type].progressive : 0u);
    uint64_t per_loaded = decode_cost[h->type].loaded;
    if (d->animated && per_loaded == 0) /* AVIF, JPEG XL: their frames are held */
        per_loaded = 4 * sample_of(h);
    return (uint64_t)d->natural_width * 1024 + whole * per_pixel * sample_of(h) + loaded * per_loaded;
}

/* Trying qualities or formats keeps the picture, its decoded attempt and what the comparison makes of them. */
static uint64_t encode_memory(const struct alb_draft *d, const struct alb_output *o)
{
    uint64_t most = encode_cost[o->format], pixels = (uint64_t)d->width * d->height;
    for (unsigned f = 1; f < ALB_FORMAT_COUNT; f++) {
        if ((o->best & ALB_FORMAT_BIT(f)) != 0 && encode_cost[f] > most)
            most = encode_cost[f];
    }
    if (d->animated && o->format == ALB_FORMAT_AVIF)
        most += 6 * (d->pages < AV1_LOOK_AHEAD ? d->pages : AV1_LOOK_AHEAD);
    if (o->best != 0 || o->autoquality == ALB_AUTOQUALITY_DSSIM)
        most += 40;
    else if (o->autoquality != ALB_AUTOQUALITY_OFF || o->max_bytes > 0)
        most += 4;
    return pixels * most * (o->deep ? sample_of(d->h) : 1);
}

uint64_t alb_plan_memory(const struct alb_draft *d)
{
    const struct alb_plan_step *last = &d->plan->steps[d->plan->count - 1];
    uint64_t result = (uint64_t)d->width * d->height, all = WORKER + d->held;
    all += alb_plan_decode_memory(d, &d->plan->steps[0]);
    if (d->animated)
        all += result * 4 * d->pages;
    if (last->kind == ALB_STEP_FIND_TRIM)
        return all + result * 8; /* every pixel, as colour and as mask */
    return all + encode_memory(d, &last->u.encode.output);
}
