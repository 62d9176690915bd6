/* SPDX-License-Identifier: Apache-2.0
 *
 * How the source is loaded: a decoder that can give a smaller picture does it for a fraction of the time. The
 * rules of how small it may become are imgproxy's (its processing/scale_on_load.go), with two more ways and a
 * margin: albumen's own sizes ask the decoder for more than they need, because its shrinking is coarse. Or not the
 * source is loaded but a level of it (plan_level.c).
 *
 * JPEG: decoders have fast code for 1, 2, 4 and 8 eighths, which is all that imgproxy's choice knows, and plain code
 * for the others. Measured with libjpeg-turbo 2.1 on photographs of 4 to 9 megapixels to 512, 1000 and 1440 pixels, CPU
 * of the whole job against all eighths: 4 takes 0.55 to 0.75 of it, 3 the same as 4 with five times its error, 5 takes
 * 0.75 to 0.95, 6 takes 0.9 to 1.05, 7 takes 1.2 to 1.35. So with a margin 5 is used where 4 is too little, 3 is never,
 * and 6 and 7 only where all eighths would be too many pixels to be held, and libvips would take twice the time. The
 * margin itself: what is shrunk by 1.33 afterwards differs from a full decode by 0.0004 (DSSIM; 0.001 is hardly to be
 * seen), by 1.7 and more 0.0001 at most.
 */
#include <math.h>

#include "image/plan_priv.h"

static int64_t at_least_one(int64_t v)
{
    return v < 1 ? 1 : v;
}

uint8_t alb_jpeg_eighths(double shrink)
{
    uint8_t n = 8;
    while (n > 1 && 8 / n * 2 <= shrink)
        n = (uint8_t)(n / 2);
    return n;
}

static struct alb_plan_step *load_step(struct alb_draft *d)
{
    const struct alb_image_header *h = d->h;
    const struct alb_plan_options *o = d->options;
    struct alb_plan_step *s = alb_draft_add(d, ALB_STEP_LOAD, d->width, d->height);
    s->u.load.input = d->input;
    s->u.load.type = h->type;
    s->u.load.how = ALB_LOAD_FULL;
    s->u.load.eighths = 8;
    s->u.load.page = d->page;
    s->u.load.pages = d->pages;
    s->u.load.strict = !o->lenient;
    s->u.load.animated = d->animated;
    s->u.load.video_second = o->video_second;
    s->u.load.video_keyframe = o->video_keyframe;
    s->u.load.tiles = d->laid;
    s->u.load.pdf_clear = o->pdf_clear && h->type == ALB_TYPE_PDF;
    s->u.load.style = alb_draft_text(d, h->type == ALB_TYPE_SVG ? o->style : ALB_STR_NONE);
    s->u.load.source_width = d->natural_width;
    s->u.load.source_height = d->natural_height;
    d->fresh = false;
    return s;
}

static bool is_undeveloped(const struct alb_image_header *h)
{
    return alb_type_class(h->type) == ALB_CLASS_RAW && !h->preview;
}

void alb_plan_load_full(struct alb_draft *d)
{
    struct alb_plan_step *s = load_step(d);
    if (d->vector)
        s->u.load.how = ALB_LOAD_SCALED;
    else if (is_undeveloped(d->h))
        s->u.load.how = ALB_LOAD_DEVELOP;
    else if (d->embedded)
        s->u.load.how = ALB_LOAD_THUMBNAIL;
}

/* ---- what a smaller one would be ---- */

struct smaller {
    enum alb_load_how how;
    uint8_t eighths;
    uint32_t page, width, height; /* stored; 0: none is worth it */
};

static uint32_t side_of(double v)
{
    return v < 1 ? 1 : v > ALB_PLAN_SIDE_MAX ? ALB_PLAN_SIDE_MAX : (uint32_t)v;
}

/* A page of a pyramid, or the embedded thumbnail: only if it is not shrunk too much on either axis. */
static bool fine_enough(const struct alb_draft *d, uint32_t w, uint32_t h, double shrink)
{
    double x = (double)d->width / w, y = (double)d->height / h;
    return w > 0 && h > 0 && fmin(x, y) > 1.0 && fmax(x, y) <= shrink;
}

static struct smaller smaller_page(const struct alb_draft *d, double shrink)
{
    struct smaller best = {.how = ALB_LOAD_FULL};
    for (uint32_t i = 1; i <= d->h->halvings && i < 32; i++) {
        uint32_t w = d->h->width >> i, h = d->h->height >> i;
        if (fine_enough(d, w, h, shrink))
            best = (struct smaller){ALB_LOAD_PAGE, 8, i, w, h};
    }
    return best;
}

/* From its natural size, whatever was taken for it. */
static struct smaller drawn(const struct alb_draft *d, double scale)
{
    return (struct smaller){ALB_LOAD_SCALED, 8, d->page, side_of(round(d->natural_width * scale)),
                            side_of(round(d->natural_height * scale))};
}

uint32_t alb_jpeg_side(uint32_t side, unsigned eighths)
{
    bool power = (eighths & (eighths - 1)) == 0;
    return (uint32_t)(((uint64_t)side * eighths + (power ? 0 : 4)) / 8);
}

static bool is_held(const struct alb_draft *d, unsigned eighths)
{
    return (uint64_t)alb_jpeg_side(d->width, eighths) * alb_jpeg_side(d->height, eighths) <= ALB_JPEG_PIXELS;
}

/* Only our own reader does these: it takes neither CMYK nor metadata. */
static uint8_t odd_eighths(const struct alb_draft *d, double shrink)
{
    const struct alb_output *out = &d->options->output;
    bool ours = (d->h->space == ALB_SPACE_RGB || d->h->space == ALB_SPACE_GREY) && !out->keep_metadata &&
                !out->keep_copyright;
    for (uint8_t n = 5; ours && n < 8; n++) {
        if (n * shrink >= 8 && is_held(d, n) && (n == 5 || !is_held(d, 8)))
            return n;
    }
    return 8;
}

static struct smaller eighths(const struct alb_draft *d, double shrink)
{
    uint8_t n = alb_jpeg_eighths(shrink);
    if (n == 8 && d->options->shrink_margin > 1000)
        n = odd_eighths(d, shrink);
    uint32_t w = alb_jpeg_side(d->width, n), h = alb_jpeg_side(d->height, n);
    if (n == 8 || w == 0 || h == 0)
        return (struct smaller){.how = ALB_LOAD_FULL};
    return (struct smaller){ALB_LOAD_EIGHTHS, n, d->page, w, h};
}

static struct smaller find_smaller(const struct alb_draft *d, double shrink)
{
    const struct alb_image_header *h = d->h;
    struct smaller none = {.how = ALB_LOAD_FULL};
    if (d->vector)
        return drawn(d, 1.0 / (shrink * d->base_shrink));
    if (shrink <= 1.0)
        return none;
    if (h->type == ALB_TYPE_JPEG || alb_type_class(h->type) == ALB_CLASS_RAW)
        return eighths(d, shrink);
    if (h->type == ALB_TYPE_WEBP && !h->animated)
        return (struct smaller){ALB_LOAD_SCALED, 8, d->page, side_of(nearbyint(d->width * (1.0 / shrink))),
                                side_of(nearbyint(d->height * (1.0 / shrink)))};
    if ((h->type == ALB_TYPE_HEIC || h->type == ALB_TYPE_AVIF) && d->page == 0 &&
        fine_enough(d, h->thumb_width, h->thumb_height, shrink))
        return (struct smaller){ALB_LOAD_THUMBNAIL, 8, d->page, h->thumb_width, h->thumb_height};
    bool pages = h->type == ALB_TYPE_TIFF || h->type == ALB_TYPE_ICO;
    return pages && d->page == 0 ? smaller_page(d, shrink) : none;
}

/* ---- and what is then left to do ---- */

static void scale_offset(double *v, double shrink)
{
    if (fabs(*v) >= 1.0) /* rounded, or 1 pixel would become half of the side */
        *v = nearbyint(*v / shrink);
}

static void left_to_do(struct alb_plan_sizes *s, double width, double height, struct alb_gravity *crop_at)
{
    double by_w = (double)s->source_w / width, by_h = (double)s->source_h / height;
    s->scale_w *= by_w;
    s->scale_h *= by_h;
    if (alb_scaled((int64_t)width, s->scale_w) == (int64_t)width)
        s->scale_w = 1;
    if (alb_scaled((int64_t)height, s->scale_h) == (int64_t)height)
        s->scale_h = 1;
    if (s->crop_w > 0)
        s->crop_w = at_least_one((int64_t)round((double)s->crop_w / by_w));
    if (s->crop_h > 0)
        s->crop_h = at_least_one((int64_t)round((double)s->crop_h / by_h));
    if (crop_at->kind != ALB_GRAVITY_POINT) {
        scale_offset(&crop_at->x, by_w);
        scale_offset(&crop_at->y, by_h);
    }
    s->source_w = (int64_t)width;
    s->source_h = (int64_t)height;
}

static int64_t cut_side(int64_t cut, int64_t side)
{
    return cut > 0 && cut < side ? cut : side;
}

/* The same with a level in the place of the source: what comes out is as large as it would be of the source, also where
 * rounding could decide otherwise. */
static void left_of_level(const struct alb_draft *d, bool swap, struct alb_plan_sizes *s, struct alb_gravity *crop_at)
{
    int64_t w = alb_resized(cut_side(s->crop_w, s->source_w), s->scale_w),
            h = alb_resized(cut_side(s->crop_h, s->source_h), s->scale_h);
    left_to_do(s, swap ? d->height : d->width, swap ? d->width : d->height, crop_at);
    s->scale_w = (double)at_least_one(w) / (double)cut_side(s->crop_w, s->source_w);
    s->scale_h = (double)at_least_one(h) / (double)cut_side(s->crop_h, s->source_h);
}

/* By the sizes that would come out: a scale alone would shrink too far when only one side was given. */
static double possible_shrink(const struct alb_plan_sizes *s)
{
    double w = (double)s->source_w / (double)at_least_one(alb_scaled(s->source_w, s->scale_w)),
           h = (double)s->source_h / (double)at_least_one(alb_scaled(s->source_h, s->scale_h));
    return fmin(w, h);
}

/* How much larger than the result the decoder must leave the picture. */
static double margin_of(const struct alb_draft *d, const struct alb_plan_options *o)
{
    unsigned least = d->depth == 0 && d->plan->level > 0 ? ALB_LEVEL_MARGIN : 1000;
    return (o->shrink_margin > least ? o->shrink_margin : least) / 1000.0;
}

void alb_plan_load(struct alb_draft *d, const struct alb_plan_options *o, bool swap, struct alb_plan_sizes *s,
                   struct alb_gravity *crop_at)
{
    if (alb_plan_find_level(d, o, possible_shrink(s)))
        left_of_level(d, swap, s, crop_at);
    double shrink = possible_shrink(s);
    bool never = !d->vector && (d->pages > 1 || is_undeveloped(d->h) || d->embedded ||
                                o->shrink_margin == ALB_SHRINK_NEVER);
    if (!d->vector)
        shrink /= margin_of(d, o);
    struct smaller to = {.how = ALB_LOAD_FULL};
    if (!never)
        to = find_smaller(d, shrink);
    if (to.width == 0 || (to.width == d->width && to.height == d->height)) {
        alb_plan_load_full(d);
        return;
    }
    struct alb_plan_step *l = load_step(d);
    l->u.load.how = to.how;
    l->u.load.eighths = to.eighths;
    l->u.load.page = to.page;
    l->width = to.width;
    l->height = to.height;
    d->width = to.width;
    d->height = to.height;
    left_to_do(s, swap ? to.height : to.width, swap ? to.width : to.height, crop_at);
}
