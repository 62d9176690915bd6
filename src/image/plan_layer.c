/* SPDX-License-Identifier: Apache-2.0
 *
 * Layers and frames: pictures of their own between a LOAD and a BLEND. A layer has a draft of its own, as a source has
 * one; what it costs is added to the draft that it is laid over. Depth and number are bounded (plan_options.c), so the
 * recursion is.
 */
#include "image/plan_priv.h"

#define HELD 8 /* bytes of a pixel: the layer itself, and laid out over the picture */

static enum alb_code open_layer(struct alb_draft *d, uint32_t input, const struct alb_plan_options *o,
                                struct alb_draft *layer)
{
    const struct alb_plan_ask *ask = d->ask;
    if (input >= ask->header_count)
        return alb_fail(d->err, ALB_E_INVALID, "there is no input %u", input);
    *layer = (struct alb_draft){.ask = ask,
                                .options = o,
                                .h = &ask->headers[input],
                                .err = d->err,
                                .plan = d->plan,
                                .input = input,
                                .depth = d->depth + 1,
                                .below_width = d->width,
                                .below_height = d->height,
                                .below_animated = d->animated,
                                .sources = d->sources,
                                .full = d->full,
                                .trims = d->trims};
    if (!alb_type_can_show(layer->h->type))
        return alb_fail(d->err, ALB_E_UNPROCESSABLE, "a picture is laid over that is none");
    return alb_plan_check_source(layer->h, ask->limits, d->err);
}

/* load: the number of its step. */
static void close_layer(struct alb_draft *d, const struct alb_draft *layer, uint32_t load)
{
    uint64_t pixels = (uint64_t)layer->width * layer->height * (layer->animated ? layer->pages : 1);
    d->trims = layer->trims;
    d->sources = layer->sources;
    d->full = layer->full;
    d->asks = layer->asks;
    d->held += layer->held + alb_plan_decode_memory(layer, &d->plan->steps[load]) + pixels * HELD +
               (uint64_t)d->width * d->height * HELD;
}

static void add_blend(struct alb_draft *d, const struct alb_mark *m, const struct alb_placing *p)
{
    struct alb_plan_step *s = alb_draft_add(d, ALB_STEP_BLEND, d->width, d->height);
    s->u.blend.opacity = m->opacity;
    s->u.blend.blend = m->blend;
    s->u.blend.left = p->left;
    s->u.blend.top = p->top;
    s->u.blend.across = p->across;
    s->u.blend.down = p->down;
    d->alpha = d->alpha || m->blend == ALB_BLEND_MASK || m->blend == ALB_BLEND_MASK_OUT;
}

enum alb_code alb_plan_layer(struct alb_draft *d, const struct alb_effect *e)
{
    uint32_t begin = d->plan->count;
    struct alb_draft layer;
    struct alb_placing p;
    enum alb_code code = open_layer(d, e->mark.input, e->layer, &layer);
    if (code == ALB_OK)
        code = alb_plan_pipelines(&layer);
    if (code != ALB_OK)
        return code;
    if (!layer.asks && !alb_plan_place(d, &e->mark, layer.width, layer.height, &p)) {
        d->plan->count = begin; /* all of it lies outside; what was asked for stays answered */
        d->trims = layer.trims;
        d->full = layer.full;
        return ALB_OK;
    }
    close_layer(d, &layer, begin);
    if (!layer.asks)
        add_blend(d, &e->mark, &p);
    return ALB_OK;
}

/* ---- frames ---- */

/* The nine-patch as it lies in its file, in the colours that frames have. */
static enum alb_code load_frame(struct alb_draft *d, const struct alb_plan_options *o, uint32_t input,
                                struct alb_draft *frame)
{
    enum alb_code code = open_layer(d, input, o, frame);
    if (code != ALB_OK)
        return code;
    frame->pages = 1;
    frame->width = frame->natural_width = frame->h->width;
    frame->height = frame->natural_height = frame->h->height;
    frame->vector = alb_type_class(frame->h->type) == ALB_CLASS_VECTOR;
    frame->sources += (uint64_t)frame->width * frame->height;
    if (frame->sources > d->ask->limits->source_pixels)
        return alb_fail(d->err, ALB_E_TOO_LARGE, "the pictures have more than %llu pixels together",
                        (unsigned long long)d->ask->limits->source_pixels);
    if (frame->width < ALB_FRAME_SIDE_MIN || frame->height < ALB_FRAME_SIDE_MIN)
        return alb_fail(d->err, ALB_E_UNPROCESSABLE, "a frame of less than %d x %d pixels",
                        ALB_FRAME_SIDE_MIN, ALB_FRAME_SIDE_MIN);
    alb_plan_load_full(frame);
    alb_draft_add(frame, ALB_STEP_COLOUR, frame->width, frame->height)->u.colour.to = ALB_COLOUR_SRGB;
    return ALB_OK;
}

/* As much wider on each side as the frame says; white shows where it is clear. */
static enum alb_code pad(struct alb_draft *d, const struct alb_image_header *h, const struct alb_rect *r)
{
    if (r->left > h->width || r->width > h->width - r->left || r->top > h->height ||
        r->height > h->height - r->top)
        return alb_fail(d->err, ALB_E_INVALID, "a rectangle outside of its frame");
    const struct alb_fill f = {.on = true,
                               .ground = ALB_GROUND_COLOR,
                               .color = 0xffffff,
                               .padding = {(int32_t)r->left, (int32_t)r->top,
                                           (int32_t)(h->width - r->left - r->width),
                                           (int32_t)(h->height - r->top - r->height)}};
    return alb_plan_fill(d, &f);
}

enum alb_code alb_plan_frame(struct alb_draft *d, const struct alb_effect *e)
{
    const struct alb_mark over = {.opacity = 1};
    const struct alb_placing whole = {0, 0, 1, 1};
    struct alb_plan_options o;
    struct alb_draft frame;
    enum alb_code code = ALB_OK;
    alb_plan_options_init(&o);
    bool asks = d->trims == d->ask->trim_count;
    if (!asks && e->mark.input < d->ask->header_count)
        code = pad(d, &d->ask->headers[e->mark.input], &d->ask->trims[d->trims++]);
    uint32_t begin = d->plan->count;
    if (code == ALB_OK)
        code = load_frame(d, &o, e->mark.input, &frame);
    if (code != ALB_OK)
        return code;
    frame.asks = asks;
    if (asks)
        alb_draft_add(&frame, ALB_STEP_FIND_TRIM, frame.width, frame.height)->u.find_trim.frame = true;
    else
        alb_draft_add(&frame, ALB_STEP_NINE, d->width, d->height);
    close_layer(d, &frame, begin);
    if (!asks)
        add_blend(d, &over, &whole);
    return ALB_OK;
}
