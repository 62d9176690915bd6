/* SPDX-License-Identifier: Apache-2.0
 *
 * What is laid over a picture (contract: compile_priv.h): other images as they are, paths of this language with all
 * that they say, texts, frames. A layer's chain is made as the picture's own is; depth and number are bounded, so the
 * recursion is.
 */
#include <string.h>

#include "doors/thumbor/compile_priv.h"

#define LABEL_WIDTH 9999 /* as imagor: a line is as long as it likes */

/* The number by which options name it; 0: there are too many. */
static uint32_t input_of(struct alb_thumbor_compiling *k, struct alb_str image)
{
    struct alb_thumbor_wish *w = k->out;
    for (unsigned i = 0; i < w->inputs; i++) {
        if (alb_str_eq(w->input[i], image))
            return i + 1;
    }
    if (w->inputs == ALB_ARRAY_LEN(w->input))
        return 0;
    w->input[w->inputs++] = image;
    return w->inputs;
}

static struct alb_spot spot_of(const struct alb_thumbor_place *p)
{
    static const enum alb_spot_from from[] = {[ALB_THUMBOR_START] = ALB_SPOT_START,
                                              [ALB_THUMBOR_MIDDLE] = ALB_SPOT_MIDDLE,
                                              [ALB_THUMBOR_END] = ALB_SPOT_END,
                                              [ALB_THUMBOR_REPEAT] = ALB_SPOT_REPEAT};
    return (struct alb_spot){from[p->from], p->part, p->fixed, p->value};
}

static enum alb_blend blend_of(enum alb_thumbor_blend b)
{
    static const enum alb_blend blends[ALB_THUMBOR_BLENDS] = {
        [ALB_THUMBOR_NORMAL] = ALB_BLEND_OVER,
        [ALB_THUMBOR_MULTIPLY] = ALB_BLEND_MULTIPLY,
        [ALB_THUMBOR_SCREEN] = ALB_BLEND_SCREEN,
        [ALB_THUMBOR_OVERLAY] = ALB_BLEND_OVERLAY,
        [ALB_THUMBOR_DARKEN] = ALB_BLEND_DARKEN,
        [ALB_THUMBOR_LIGHTEN] = ALB_BLEND_LIGHTEN,
        [ALB_THUMBOR_COLOR_DODGE] = ALB_BLEND_DODGE,
        [ALB_THUMBOR_COLOR_BURN] = ALB_BLEND_BURN,
        [ALB_THUMBOR_HARD_LIGHT] = ALB_BLEND_HARD,
        [ALB_THUMBOR_SOFT_LIGHT] = ALB_BLEND_SOFT,
        [ALB_THUMBOR_DIFFERENCE] = ALB_BLEND_DIFFERENCE,
        [ALB_THUMBOR_EXCLUSION] = ALB_BLEND_EXCLUSION,
        [ALB_THUMBOR_ADD] = ALB_BLEND_ADD,
        [ALB_THUMBOR_MASK] = ALB_BLEND_MASK,
        [ALB_THUMBOR_MASK_OUT] = ALB_BLEND_MASK_OUT,
    };
    return blends[b];
}

/* An overlay of that kind, placed as the filter says; NULL: failed. */
static struct alb_effect *add_over(struct alb_thumbor_compiling *k, enum alb_effect_kind kind,
                                   const struct alb_thumbor_op *op)
{
    k->part = ALB_THUMBOR_PART_OVERLAYS;
    struct alb_effect *e = alb_thumbor_add(k, kind);
    if (!e)
        return NULL;
    e->mark.opacity = op->v[0];
    e->mark.placed = true;
    e->mark.x = spot_of(&op->at[0]);
    e->mark.y = spot_of(&op->at[1]);
    e->mark.blend = blend_of(op->blend);
    return e;
}

static void set_input(struct alb_thumbor_compiling *k, struct alb_effect *e, struct alb_str image)
{
    e->mark.input = input_of(k, image);
    k->failed = k->failed || e->mark.input == 0;
}

void alb_thumbor_add_mark(struct alb_thumbor_compiling *k, const struct alb_thumbor_op *op)
{
    struct alb_effect *e = add_over(k, ALB_EFFECT_WATERMARK, op);
    if (!e)
        return;
    set_input(k, e, op->data);
    e->mark.share_x = op->v[1];
    e->mark.share_y = op->v[2];
}

void alb_thumbor_add_text(struct alb_thumbor_compiling *k, const struct alb_thumbor_op *op)
{
    static const enum alb_text_align aligns[] = {[ALB_THUMBOR_LOW] = ALB_TEXT_START,
                                                 [ALB_THUMBOR_CENTRE] = ALB_TEXT_MIDDLE,
                                                 [ALB_THUMBOR_HIGH] = ALB_TEXT_END};
    static const enum alb_text_wrap wraps[] = {[ALB_THUMBOR_WORD] = ALB_TEXT_WORD,
                                               [ALB_THUMBOR_CHAR] = ALB_TEXT_CHAR,
                                               [ALB_THUMBOR_WORD_CHAR] = ALB_TEXT_WORD_CHAR,
                                               [ALB_THUMBOR_NO_WRAP] = ALB_TEXT_NO_WRAP};
    const struct alb_thumbor_text *t = op->text;
    struct alb_effect *e = add_over(k, ALB_EFFECT_WATERMARK, op);
    if (!e)
        return;
    e->mark.text = op->data;
    e->mark.set = (struct alb_typeset){.forgiving = true,
                                       .filled = t->label > 0,
                                       .painted = true,
                                       .mean = op->colour.hue == ALB_THUMBOR_AUTO,
                                       .justify = t->justify,
                                       .rgb = op->colour.hue == ALB_THUMBOR_RGB ? op->colour.rgb : 0,
                                       .font = t->font,
                                       .align = aligns[t->align],
                                       .wrap = wraps[t->wrap],
                                       .share = t->share,
                                       .more = (int32_t)t->more,
                                       .spacing = (uint32_t)t->spacing,
                                       .dpi = (uint32_t)t->dpi};
    if (t->label > 0) {
        e->mark.width = LABEL_WIDTH;
        e->mark.height = (uint32_t)t->label;
    }
}

static bool too_many(struct alb_thumbor_compiling *k)
{
    if (k->depth < ALB_LAYER_DEPTH && ++k->all->layers <= ALB_LAYERS_MAX)
        return false;
    k->failed = true;
    k->code = alb_fail(k->err, ALB_E_INVALID, "more than %u pictures on each other, or %d within each other",
                       ALB_LAYERS_MAX, ALB_LAYER_DEPTH);
    return true;
}

/* The chain of a layer; NULL: failed. */
static const struct alb_plan_options *make_chain(struct alb_thumbor_compiling *k,
                                                 struct alb_thumbor_compiling *layer,
                                                 const struct alb_thumbor_url *u)
{
    struct alb_thumbor_filters *f = ALB_ARENA_NEW(k->arena, struct alb_thumbor_filters);
    if (!f)
        return NULL;
    layer->code = alb_thumbor_filters_read(&k->c->rules, u, k->arena, f, k->err);
    return layer->code == ALB_OK ? alb_thumbor_chain(layer, u, f) : NULL;
}

void alb_thumbor_add_layer(struct alb_thumbor_compiling *k, const struct alb_thumbor_op *op)
{
    struct alb_thumbor_compiling layer = {
        .c = k->c, .arena = k->arena, .err = k->err, .out = k->out, .all = k->all, .depth = k->depth + 1};
    struct alb_thumbor_url u;
    if (k->failed || too_many(k))
        return;
    if (!alb_thumbor_layer_url(&u, k->arena, op->data, &layer.below) || u.image.n == 0) {
        k->failed = true;
        k->code = alb_fail(k->err, ALB_E_INVALID, "image() names no image");
        return;
    }
    struct alb_effect *e = add_over(k, ALB_EFFECT_LAYER, op);
    struct alb_thumbor_colour colour;
    if (!e)
        return;
    if (alb_thumbor_colour_image(u.image, &colour)) { /* a canvas is as large as is said, whatever it is to fit */
        u.fit_in = u.full = u.adaptive = false;
        u.stretch = true;
    }
    set_input(k, e, u.image);
    e->layer = k->failed ? NULL : make_chain(k, &layer, &u);
    k->failed = k->failed || !e->layer;
    k->code = k->code != ALB_OK ? k->code : layer.code;
}

void alb_thumbor_add_frame(struct alb_thumbor_compiling *k, const struct alb_thumbor_op *op)
{
    if (k->failed || too_many(k))
        return;
    k->part = ALB_THUMBOR_PART_OVERLAYS;
    struct alb_effect *e = alb_thumbor_add(k, ALB_EFFECT_FRAME);
    if (e)
        set_input(k, e, op->data);
}
