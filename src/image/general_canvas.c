/* SPDX-License-Identifier: Apache-2.0
 *
 * Canvases on libvips: the picture on a larger one that is clear, of one colour, of the picture's own mean colour, or
 * the picture itself, stretched and blurred. What is clear in the picture shows its ground.
 */
#include "image/general_effects.h"

#include <math.h>

#include "image/general_steps.h"
#include "image/load.h"

enum alb_code alb_image_mean(VipsImage *image, uint32_t *rgb, struct alb_err *err)
{
    VipsImage *look = g_object_ref(image), *stats = NULL;
    double k = vips_image_get_format(image) == VIPS_FORMAT_USHORT ? 257 : 1;
    enum alb_code code = alb_step_rgb(&look, err);
    if (code == ALB_OK)
        code = alb_step_flatten(&look, 0xffffff, 1, err);
    if (code != ALB_OK)
        return code;
    int rc = vips_stats(look, &stats, NULL);
    g_object_unref(look);
    if (rc != 0)
        return alb_load_fail(err, ALB_E_UNPROCESSABLE, "mean");
    const double *row = (const double *)(const void *)stats->data; /* row 0 is of all bands; column 4 the mean */
    *rgb = 0;
    for (int i = 1; i <= 3; i++)
        *rgb = *rgb << 8 | (uint32_t)round(row[i * stats->Xsize + 4] / k) % 256;
    g_object_unref(stats);
    return ALB_OK;
}

static enum alb_code embed(VipsImage **image, const struct alb_plan_step *s, VipsExtend extend,
                           const double *color, struct alb_err *err)
{
    VipsImage *out = NULL;
    VipsArrayDouble *ground = color ? vips_array_double_new(color, vips_image_get_bands(*image)) : NULL;
    int rc = vips_embed(*image, &out, (int)s->u.canvas.left, (int)s->u.canvas.top, (int)s->width,
                        (int)s->height, "extend", extend, color ? "background" : NULL, ground, NULL);
    if (ground)
        vips_area_unref(VIPS_AREA(ground));
    return alb_step_replace(image, rc, out, "canvas", err);
}

static enum alb_code clear(VipsImage **image, const struct alb_plan_step *s, struct alb_err *err)
{
    VipsImage *out = NULL;
    enum alb_code code = ALB_OK;
    if (!vips_image_hasalpha(*image)) {
        int rc = vips_addalpha(*image, &out, NULL);
        code = alb_step_replace(image, rc, out, "canvas", err);
    }
    return code == ALB_OK ? embed(image, s, VIPS_EXTEND_BLACK, NULL, err) : code;
}

static enum alb_code painted(VipsImage **image, const struct alb_plan_step *s, uint32_t rgb,
                             struct alb_err *err)
{
    double k = vips_image_get_format(*image) == VIPS_FORMAT_USHORT ? 257 : 1;
    const double c[3] = {(rgb >> 16 & 0xff) * k, (rgb >> 8 & 0xff) * k, (rgb & 0xff) * k};
    bool grey = (rgb >> 16 & 0xff) == (rgb >> 8 & 0xff) && (rgb >> 8 & 0xff) == (rgb & 0xff);
    enum alb_code code = alb_step_flatten(image, rgb, 1, err);
    if (code == ALB_OK && !grey)
        code = alb_step_rgb(image, err);
    return code == ALB_OK ? embed(image, s, VIPS_EXTEND_BACKGROUND, c, err) : code;
}

static enum alb_code in_mean(VipsImage **image, const struct alb_plan_step *s, struct alb_err *err)
{
    uint32_t rgb = 0;
    enum alb_code code = alb_step_hold(image, err); /* it is read twice */
    if (code == ALB_OK) {
        code = alb_image_mean(*image, &rgb, err);
        if (code != ALB_OK)
            g_clear_object(image);
    }
    return code == ALB_OK ? painted(image, s, rgb, err) : code;
}

/* The backdrop, as large as the canvas. */
static enum alb_code backdrop(VipsImage **image, const struct alb_plan_step *s, struct alb_err *err)
{
    VipsImage *out = NULL;
    enum alb_code code = alb_step_resize(image, s->width, s->height, ALB_KERNEL_LANCZOS3, err);
    if (code == ALB_OK) {
        int rc = vips_gaussblur(*image, &out, s->u.canvas.sigma, NULL);
        code = alb_step_replace(image, rc, out, "canvas", err);
    }
    return code == ALB_OK ? alb_step_hold(image, err) : code;
}

static enum alb_code blurred(VipsImage **image, const struct alb_plan_step *s, struct alb_err *err)
{
    enum alb_code code = alb_step_hold(image, err);
    if (code != ALB_OK)
        return code;
    VipsImage *behind = g_object_ref(*image), *out = NULL;
    VipsBandFormat format = vips_image_get_format(*image);
    VipsInterpretation space = vips_image_get_interpretation(*image);
    bool alpha = vips_image_hasalpha(*image) != 0;
    int x = (int)s->u.canvas.left, y = (int)s->u.canvas.top, rc = -1;
    code = backdrop(&behind, s, err);
    if (code == ALB_OK && !alpha) /* nothing shows through */
        rc = vips_insert(behind, *image, &out, x, y, NULL);
    else if (code == ALB_OK)
        rc = vips_composite2(behind, *image, &out, VIPS_BLEND_MODE_OVER, "x", x, "y", y, "compositing_space",
                             space, NULL);
    g_clear_object(&behind);
    enum alb_code put = alb_step_replace(image, rc, out, "canvas", code == ALB_OK ? err : NULL);
    if (code == ALB_OK && put == ALB_OK && vips_image_get_format(*image) != format) {
        rc = vips_cast(*image, &out, format, NULL);
        put = alb_step_replace(image, rc, out, "canvas", err);
    }
    return code != ALB_OK ? code : put;
}

enum alb_code alb_step_canvas(VipsImage **image, const struct alb_plan_step *s, struct alb_err *err)
{
    switch ((int)s->u.canvas.ground) {
    case ALB_GROUND_COLOR:
        return painted(image, s, s->u.canvas.rgb, err);
    case ALB_GROUND_MEAN:
        return in_mean(image, s, err);
    case ALB_GROUND_BLUR:
        return blurred(image, s, err);
    default:
        return clear(image, s, err);
    }
}
