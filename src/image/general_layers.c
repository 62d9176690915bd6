/* SPDX-License-Identifier: Apache-2.0
 *
 * Layers: which steps belong to one, what is kept of it, and its end.
 */
#include "image/general_layers.h"

#include "image/general_effects.h"
#include "image/general_frame.h"
#include "image/general_steps.h"
#include "image/load.h"

uint32_t alb_layer_end(const struct alb_plan *p, uint32_t begin)
{
    unsigned open = 0;
    for (uint32_t i = begin; i < p->count; i++) {
        open += p->steps[i].kind == ALB_STEP_LOAD;
        open -= p->steps[i].kind == ALB_STEP_BLEND;
        if (open == 0)
            return i;
    }
    return p->count - 1;
}

uint32_t alb_layer_open(const struct alb_plan *p)
{
    uint32_t open[ALB_LAYER_DEPTH + 1] = {0}, depth = 0;
    for (uint32_t i = 1; i < p->count; i++) {
        if (p->steps[i].kind == ALB_STEP_LOAD && depth < ALB_LAYER_DEPTH)
            open[++depth] = i;
        else if (p->steps[i].kind == ALB_STEP_BLEND && depth > 0)
            depth--;
    }
    return open[depth];
}

/* ---- what is kept ---- */

struct alb_layers {
    uint32_t steps;
    struct alb_layer at[]; /* by the step that they begin with */
};

struct alb_layers *alb_layers_new(const struct alb_plan *p)
{
    struct alb_layers *l = g_malloc0(sizeof(*l) + p->count * sizeof(l->at[0]));
    l->steps = p->count;
    return l;
}

void alb_layers_free(struct alb_layers **layers)
{
    struct alb_layers *l = *layers;
    for (uint32_t i = 0; i < l->steps; i++) {
        for (uint32_t k = 0; k < l->at[i].count; k++)
            g_clear_object(&l->at[i].frames[k]);
        g_free(l->at[i].frames);
    }
    g_free(l);
    *layers = NULL;
}

struct alb_layer *alb_layers_at(struct alb_layers *layers, uint32_t begin)
{
    return &layers->at[begin];
}

enum alb_code alb_layer_new(struct alb_layer *layer, uint32_t count, struct alb_err *err)
{
    layer->frames = g_try_new0(VipsImage *, count);
    layer->count = layer->frames ? count : 0;
    return layer->frames ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "no memory for a layer");
}

/* ---- steps ---- */

enum alb_code alb_step_blend(VipsImage **image, VipsImage *layer, const struct alb_plan_step *s,
                             struct alb_err *err)
{
    const struct alb_over over = {s->u.blend.left, s->u.blend.top, s->u.blend.across, s->u.blend.down,
                                  s->u.blend.blend};
    VipsImage *mark = g_object_ref(layer);
    enum alb_code code = alb_mark_alpha(&mark, err);
    if (code == ALB_OK && s->u.blend.opacity < 1)
        code = alb_mark_fade(&mark, s->u.blend.opacity, err);
    if (code == ALB_OK)
        code = alb_mark_over(image, &mark, &over, err);
    g_clear_object(&mark);
    if (code != ALB_OK)
        g_clear_object(image);
    return code;
}

/* Four channels of 8 bits in memory. */
static enum alb_code as_rgba(VipsImage **image, struct alb_err *err)
{
    VipsImage *out = NULL;
    enum alb_code code = alb_step_rgb(image, err);
    if (code == ALB_OK)
        code = alb_mark_alpha(image, err);
    if (code == ALB_OK) {
        int rc = vips_cast(*image, &out, VIPS_FORMAT_UCHAR, NULL);
        code = alb_step_replace(image, rc, out, "frame", err);
    }
    if (code == ALB_OK)
        code = alb_step_hold(image, err);
    if (code != ALB_OK || vips_image_get_bands(*image) == 4)
        return code;
    g_clear_object(image);
    return alb_fail(err, ALB_E_UNPROCESSABLE, "a frame without red, green and blue");
}

static struct alb_nine nine_of(VipsImage *image)
{
    return (struct alb_nine){(const uint8_t *)vips_image_get_data(image), (uint32_t)image->Xsize,
                             (uint32_t)image->Ysize};
}

enum alb_code alb_step_nine(VipsImage **image, uint32_t width, uint32_t height, struct alb_err *err)
{
    enum alb_code code = as_rgba(image, err);
    if (code != ALB_OK)
        return code;
    const struct alb_nine nine = nine_of(*image);
    VipsImage *out = alb_load_blank(width, height, 4, VIPS_FORMAT_UCHAR, err);
    if (out)
        alb_nine_draw(&nine, out->data, width, height);
    g_object_unref(*image);
    *image = out;
    return out ? ALB_OK : ALB_E_NO_MEMORY;
}

enum alb_code alb_step_find_frame(VipsImage **image, struct alb_rect *inside, struct alb_err *err)
{
    enum alb_code code = as_rgba(image, err);
    if (code != ALB_OK)
        return code;
    const struct alb_nine nine = nine_of(*image);
    alb_nine_inside(&nine, inside);
    return ALB_OK;
}
