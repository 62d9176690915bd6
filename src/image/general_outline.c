/* SPDX-License-Identifier: Apache-2.0
 *
 * The outline of a rectangle, on libvips: a line in a colour, and a thin black one within, so that it is seen on every
 * ground.
 */
#include "image/general_effects.h"
#include "image/general_steps.h"
#include "image/load.h"

#define BLACK_PARTS 3 /* the black line is so small a part of the other one */

static uint32_t within(int offset, uint32_t side, uint32_t part)
{
    uint32_t at = offset < 0 ? (uint32_t)-offset : 0;
    return at < side - part ? at : side - part;
}

/* Where the eye goes: libvips tells the place of its cut by the offset that it leaves. */
static enum alb_code find_eye(VipsImage **image, struct alb_rect *area, struct alb_err *err)
{
    VipsImage *cut = NULL;
    enum alb_code code = alb_step_hold(image, err); /* it is read twice */
    if (code != ALB_OK)
        return code;
    if (vips_smartcrop(*image, &cut, (int)area->width, (int)area->height, "interesting",
                       VIPS_INTERESTING_ATTENTION, NULL) != 0) {
        g_clear_object(image);
        return alb_load_fail(err, ALB_E_UNPROCESSABLE, "outline");
    }
    area->left = within(cut->Xoffset, (uint32_t)(*image)->Xsize, area->width);
    area->top = within(cut->Yoffset, (uint32_t)(*image)->Ysize, area->height);
    g_object_unref(cut);
    return ALB_OK;
}

/* *a becomes what is `line` pixels inside of it; false: nothing is. */
static bool inner(struct alb_rect *a, uint32_t line)
{
    if (a->width <= 2 * line || a->height <= 2 * line)
        return false;
    *a = (struct alb_rect){a->left + line, a->top + line, a->width - 2 * line, a->height - 2 * line};
    return true;
}

/* A frame along the inner edge of `a`, which is filled where it is too small for one. */
static int frame(VipsImage *image, const struct alb_rect *a, uint32_t line, uint32_t rgb)
{
    double k = image->BandFmt == VIPS_FORMAT_USHORT ? 257 : 1;
    double ink[4] = {(rgb >> 16 & 0xff) * k, (rgb >> 8 & 0xff) * k, (rgb & 0xff) * k, 255 * k};
    struct alb_rect in = *a, side[4] = {*a, *a, *a, *a};
    int rc = 0, sides = 1;
    if (inner(&in, line)) {
        side[0].height = side[1].height = side[2].width = side[3].width = line;
        side[1].top = in.top + in.height;
        side[3].left = in.left + in.width;
        sides = 4;
    }
    for (int i = 0; rc == 0 && i < sides; i++)
        rc = vips_draw_rect(image, ink, image->Bands, (int)side[i].left, (int)side[i].top, (int)side[i].width,
                            (int)side[i].height, "fill", TRUE, NULL);
    return rc;
}

enum alb_code alb_step_outline(VipsImage **image, const struct alb_plan_step *s, struct alb_err *err)
{
    struct alb_rect area = s->u.effect.area;
    uint32_t line = (uint32_t)s->u.effect.amount;
    enum alb_code code = alb_step_rgb(image, err);
    if (area.width == 0)
        area = (struct alb_rect){0, 0, s->width, s->height};
    if (code == ALB_OK && s->u.effect.keep)
        code = find_eye(image, &area, err);
    if (code == ALB_OK)
        code = alb_step_own(image, err);
    if (code != ALB_OK)
        return code;
    int rc = frame(*image, &area, line, s->u.effect.rgb);
    if (rc == 0 && inner(&area, line))
        rc = frame(*image, &area, (line + BLACK_PARTS - 1) / BLACK_PARTS, 0);
    if (rc == 0)
        return ALB_OK;
    g_clear_object(image);
    return alb_load_fail(err, ALB_E_UNPROCESSABLE, "outline");
}
