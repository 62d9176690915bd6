/* SPDX-License-Identifier: Apache-2.0
 *
 * Marks: a picture or a text that is laid over the result, once or tiled. In order: get it in its size, turn it, give
 * it a shadow, make it as faint as asked, repeat it, lay it over. A mark may reach over the edges.
 */
#include "image/general_effects.h"

#include <math.h>

#include "image/general_layers.h"
#include "image/general_steps.h"
#include "image/load.h"

#define SHADOW_REACH 3 /* sigmas of blur around the mark */

/* ---- getting it ---- */

enum alb_code alb_mark_alpha(VipsImage **image, struct alb_err *err)
{
    VipsImage *out = NULL;
    if (vips_image_hasalpha(*image))
        return ALB_OK;
    int rc = vips_addalpha(*image, &out, NULL);
    return alb_step_replace(image, rc, out, "mark", err);
}

static enum alb_code picture(VipsImage **mark, const struct alb_plan_step *s, struct alb_str bytes,
                             struct alb_err *err)
{
    struct alb_load l = ALB_LOAD_INIT(s->u.mark.type, bytes);
    uint32_t w = s->u.mark.width, h = s->u.mark.height;
    l.eighths = s->u.mark.eighths;
    if (alb_type_class(l.type) == ALB_CLASS_VECTOR)
        l.scale = (double)w / s->u.mark.source_width;
    *mark = alb_load_open(&l, err);
    if (!*mark)
        return ALB_E_UNPROCESSABLE;
    enum alb_code code = alb_step_colour(mark, ALB_COLOUR_SRGB, false, err);
    if (code == ALB_OK)
        code = alb_step_turn(mark, s->u.mark.orientation, err);
    if (code == ALB_OK)
        code = alb_step_resize(mark, w, h, ALB_KERNEL_LANCZOS3, err);
    if (code == ALB_OK)
        code = alb_mark_alpha(mark, err);
    return code == ALB_OK ? alb_step_hold(mark, err) : code;
}

/* ---- making it what was asked ---- */

/* By quarters exactly: vips_rotate would go between the pixels and lose those at the edge. */
static enum alb_code quarters(VipsImage **mark, int n, struct alb_err *err)
{
    static const VipsAngle angles[4] = {VIPS_ANGLE_D0, VIPS_ANGLE_D90, VIPS_ANGLE_D180, VIPS_ANGLE_D270};
    VipsImage *out = NULL;
    int rc = vips_rot(*mark, &out, angles[n], NULL);
    return alb_step_replace(mark, rc, out, "mark", err);
}

/* vips_rotate multiplies by the transparency and divides again itself. */
static enum alb_code rotated(VipsImage **mark, double degrees, struct alb_err *err)
{
    VipsImage *out = NULL;
    double turn = fmod(degrees, 360);
    turn = turn < 0 ? turn + 360 : turn;
    int quarter = (int)lround(turn / 90) % 4;
    if (fabs(remainder(turn, 90)) < 1e-6) {
        if (quarter == 0)
            return ALB_OK;
        enum alb_code code = quarters(mark, quarter, err);
        return code == ALB_OK ? alb_step_hold(mark, err) : code;
    }
    int rc = vips_rotate(*mark, &out, turn, NULL);
    enum alb_code code = alb_step_replace(mark, rc, out, "mark", err);
    if (code == ALB_OK) {
        rc = vips_cast(*mark, &out, VIPS_FORMAT_UCHAR, NULL);
        code = alb_step_replace(mark, rc, out, "mark", err);
    }
    return code == ALB_OK ? alb_step_hold(mark, err) : code;
}

enum alb_code alb_mark_fade(VipsImage **mark, double by, struct alb_err *err)
{
    VipsImage *out = NULL;
    double a[4] = {1, 1, 1, 1}, b[4] = {0, 0, 0, 0};
    int bands = vips_image_get_bands(*mark);
    a[bands - 1] = by;
    int rc = vips_linear(*mark, &out, a, b, bands, "uchar", TRUE, NULL);
    return alb_step_replace(mark, rc, out, "mark", err);
}

/* The mark in black, blurred, under itself. The picture grows by the reach of the blur on all sides. */
static enum alb_code shadowed(VipsImage **mark, double sigma, struct alb_err *err)
{
    int reach = (int)ceil(SHADOW_REACH * sigma), bands = vips_image_get_bands(*mark);
    double none[4] = {0, 0, 0, 1}, zero[4] = {0, 0, 0, 0};
    VipsImage *wide = NULL, *black = NULL, *soft = NULL, *out = NULL;
    none[bands - 1] = 1;
    for (int i = 0; i < bands - 1; i++)
        none[i] = 0;
    int rc = vips_embed(*mark, &wide, reach, reach, vips_image_get_width(*mark) + 2 * reach,
                        vips_image_get_height(*mark) + 2 * reach, "extend", VIPS_EXTEND_BLACK, NULL);
    if (rc == 0)
        rc = vips_linear(wide, &black, none, zero, bands, "uchar", TRUE, NULL);
    if (rc == 0)
        rc = vips_gaussblur(black, &soft, sigma, NULL);
    if (rc == 0)
        rc = vips_composite2(soft, wide, &out, VIPS_BLEND_MODE_OVER, NULL);
    g_clear_object(&wide);
    g_clear_object(&black);
    g_clear_object(&soft);
    enum alb_code code = alb_step_replace(mark, rc, out, "shadow", err);
    if (code == ALB_OK) {
        rc = vips_cast(*mark, &out, VIPS_FORMAT_UCHAR, NULL);
        code = alb_step_replace(mark, rc, out, "shadow", err);
    }
    return code == ALB_OK ? alb_step_hold(mark, err) : code;
}

/* ---- repeating it ---- */

/* How many cells on each side of the one in the middle cover the whole. */
static int cells_beside(int whole, int cell)
{
    return whole <= cell ? 0 : ((whole - cell) / 2 + cell - 1) / cell;
}

/* A field of marks with one in its middle, cut to width x height. In a chess pattern every other cell is empty. */
static enum alb_code tiled(VipsImage **mark, const struct alb_plan_step *s, int width, int height,
                           struct alb_err *err)
{
    VipsImage *out = NULL;
    int cell_w = vips_image_get_width(*mark) + (int)s->u.mark.gap_x,
        cell_h = vips_image_get_height(*mark) + (int)s->u.mark.gap_y;
    bool chess = s->u.mark.tiling == ALB_TILING_CHESS;
    int half_x = (int)s->u.mark.gap_x / 2, half_y = (int)s->u.mark.gap_y / 2;
    int rc = vips_embed(*mark, &out, half_x, half_y, cell_w, cell_h, "extend", VIPS_EXTEND_BLACK, NULL);
    enum alb_code code = alb_step_replace(mark, rc, out, "mark", err);
    int beside_x = cells_beside(width, cell_w), beside_y = cells_beside(height, cell_h);
    int left = ((2 * beside_x + 1) * cell_w - width) / 2, top = ((2 * beside_y + 1) * cell_h - height) / 2;
    if (code == ALB_OK && chess) { /* two by two cells, the marks on a diagonal */
        VipsImage *once = NULL, *twice = NULL;
        rc = vips_embed(*mark, &once, 0, 0, 2 * cell_w, 2 * cell_h, "extend", VIPS_EXTEND_BLACK, NULL);
        if (rc == 0)
            rc = vips_insert(once, *mark, &twice, cell_w, cell_h, NULL);
        g_clear_object(&once);
        code = alb_step_replace(mark, rc, twice, "mark", err);
        left += (beside_x & 1) * cell_w; /* a mark, not a gap, in the middle */
        top += (beside_y & 1) * cell_h;
        cell_w *= 2;
        cell_h *= 2;
    }
    if (code == ALB_OK) {
        rc = vips_replicate(*mark, &out, (left + width + cell_w - 1) / cell_w,
                            (top + height + cell_h - 1) / cell_h, NULL);
        code = alb_step_replace(mark, rc, out, "mark", err);
    }
    return code == ALB_OK
               ? alb_step_crop(mark, (uint32_t)left, (uint32_t)top, (uint32_t)width, (uint32_t)height, err)
               : code;
}

/* ---- laying it over ---- */

static VipsBlendMode mode_of(enum alb_blend blend)
{
    static const VipsBlendMode modes[ALB_BLEND_COUNT] = {
        [ALB_BLEND_OVER] = VIPS_BLEND_MODE_OVER,
        [ALB_BLEND_MULTIPLY] = VIPS_BLEND_MODE_MULTIPLY,
        [ALB_BLEND_SCREEN] = VIPS_BLEND_MODE_SCREEN,
        [ALB_BLEND_OVERLAY] = VIPS_BLEND_MODE_OVERLAY,
        [ALB_BLEND_DARKEN] = VIPS_BLEND_MODE_DARKEN,
        [ALB_BLEND_LIGHTEN] = VIPS_BLEND_MODE_LIGHTEN,
        [ALB_BLEND_DODGE] = VIPS_BLEND_MODE_COLOUR_DODGE,
        [ALB_BLEND_BURN] = VIPS_BLEND_MODE_COLOUR_BURN,
        [ALB_BLEND_HARD] = VIPS_BLEND_MODE_HARD_LIGHT,
        [ALB_BLEND_SOFT] = VIPS_BLEND_MODE_SOFT_LIGHT,
        [ALB_BLEND_DIFFERENCE] = VIPS_BLEND_MODE_DIFFERENCE,
        [ALB_BLEND_EXCLUSION] = VIPS_BLEND_MODE_EXCLUSION,
        [ALB_BLEND_ADD] = VIPS_BLEND_MODE_ADD,
        [ALB_BLEND_MASK] = VIPS_BLEND_MODE_DEST_IN,
        [ALB_BLEND_MASK_OUT] = VIPS_BLEND_MODE_DEST_OUT,
    };
    return modes[blend];
}

/* A coloured mark on a grey picture makes it one in colours, and a mask one with transparency. */
static enum alb_code make_ready(VipsImage **image, VipsImage *mark, enum alb_blend blend, struct alb_err *err)
{
    enum alb_code code = ALB_OK;
    if (vips_image_get_bands(mark) >= 3)
        code = alb_step_rgb(image, err);
    if (code == ALB_OK && (blend == ALB_BLEND_MASK || blend == ALB_BLEND_MASK_OUT))
        code = alb_mark_alpha(image, err);
    return code;
}

static void *forget(VipsImage *image, const char *name, GValue *value, void *arg)
{
    (void)value;
    (void)arg;
    vips_image_remove(image, name);
    return NULL;
}

/* What libvips puts together has what all of its parts tell: a picture would get the mark's author and palette. */
static int compose(VipsImage *image, VipsImage *mark, int x, int y, enum alb_blend blend, VipsImage **out)
{
    VipsInterpretation space = vips_image_get_interpretation(image);
    VipsImage *plain = NULL;
    if (vips_copy(mark, &plain, NULL) != 0)
        return -1;
    vips_image_map(plain, forget, NULL);
    int rc =
        vips_composite2(image, plain, out, mode_of(blend), "x", x, "y", y, "compositing_space", space, NULL);
    g_object_unref(plain);
    return rc;
}

/* Both in sRGB with as many bits as the picture has; the picture has transparency afterwards only if it had before. */
static enum alb_code lay_over(VipsImage **image, VipsImage *mark, int x, int y, enum alb_blend blend,
                              struct alb_err *err)
{
    VipsImage *out = NULL;
    enum alb_code code = make_ready(image, mark, blend, err);
    if (code != ALB_OK)
        return code;
    bool alpha = vips_image_hasalpha(*image) != 0;
    VipsBandFormat format = vips_image_get_format(*image);
    int bands = vips_image_get_bands(*image);
    int rc = compose(*image, mark, x, y, blend, &out);
    code = alb_step_replace(image, rc, out, "mark", err);
    if (code == ALB_OK && !alpha) {
        rc = vips_extract_band(*image, &out, 0, "n", bands, NULL);
        code = alb_step_replace(image, rc, out, "mark", err);
    }
    if (code == ALB_OK) {
        rc = vips_cast(*image, &out, format, NULL);
        code = alb_step_replace(image, rc, out, "mark", err);
    }
    return code;
}

enum alb_code alb_mark_over(VipsImage **image, VipsImage **mark, const struct alb_over *o,
                            struct alb_err *err)
{
    int64_t x = o->left < 0 ? 0 : o->left, y = o->top < 0 ? 0 : o->top,
            right = o->left + vips_image_get_width(*mark) * (int64_t)o->across,
            bottom = o->top + vips_image_get_height(*mark) * (int64_t)o->down;
    right = right < (*image)->Xsize ? right : (*image)->Xsize;
    bottom = bottom < (*image)->Ysize ? bottom : (*image)->Ysize;
    VipsImage *out = NULL;
    if (right <= x || bottom <= y)
        return ALB_OK;
    int rc = vips_replicate(*mark, &out, (int)o->across, (int)o->down, NULL);
    enum alb_code code = alb_step_replace(mark, rc, out, "mark", err);
    if (code == ALB_OK)
        code = alb_step_crop(mark, (uint32_t)(x - o->left), (uint32_t)(y - o->top), (uint32_t)(right - x),
                             (uint32_t)(bottom - y), err);
    return code == ALB_OK ? lay_over(image, *mark, (int)x, (int)y, o->blend, err) : code;
}

/* Where a text lies only its size tells. */
static enum alb_code placed(VipsImage **image, VipsImage **mark, const struct alb_plan_step *s,
                            struct alb_err *err)
{
    struct alb_over o = {s->u.mark.left, s->u.mark.top, s->u.mark.across, s->u.mark.down, s->u.mark.blend};
    int32_t left, top;
    if (s->u.mark.input == 0) {
        bool in_x = alb_spot_place(&s->u.mark.x, (uint32_t)(*image)->Xsize, (uint32_t)(*mark)->Xsize, &left,
                                   &o.across),
             in_y = alb_spot_place(&s->u.mark.y, (uint32_t)(*image)->Ysize, (uint32_t)(*mark)->Ysize, &top,
                                   &o.down);
        if (!in_x || !in_y)
            return ALB_OK;
        o.left = left;
        o.top = top;
    }
    return alb_mark_over(image, mark, &o, err);
}

static enum alb_code place(VipsImage **image, VipsImage **mark, const struct alb_plan_step *s,
                           struct alb_err *err)
{
    uint32_t w = (uint32_t)vips_image_get_width(*image), h = (uint32_t)vips_image_get_height(*image);
    enum alb_blend blend = s->u.mark.blend;
    if (s->u.mark.placed)
        return placed(image, mark, s, err);
    if (s->u.mark.tiling != ALB_TILING_ONE) {
        enum alb_code code = tiled(mark, s, (int)w, (int)h, err);
        return code == ALB_OK ? lay_over(image, *mark, 0, 0, blend, err) : code;
    }
    int64_t x = alb_place_x(&s->u.mark.at, w, (uint32_t)vips_image_get_width(*mark), 1, true),
            y = alb_place_y(&s->u.mark.at, h, (uint32_t)vips_image_get_height(*mark), 1, true);
    return lay_over(image, *mark, (int)x, (int)y, blend, err);
}

enum alb_code alb_step_mark(VipsImage **image, const struct alb_plan_step *s, const char *texts,
                            struct alb_str bytes, struct alb_err *err)
{
    VipsImage *mark = NULL;
    enum alb_code code = s->u.mark.input == 0 ? alb_mark_text(image, s, texts, bytes, &mark, err)
                                              : picture(&mark, s, bytes, err);
    if (code == ALB_OK)
        code = rotated(&mark, s->u.mark.rotate, err);
    if (code == ALB_OK && s->u.mark.shadow > 0)
        code = shadowed(&mark, s->u.mark.shadow, err);
    if (code == ALB_OK && s->u.mark.opacity < 1)
        code = alb_mark_fade(&mark, s->u.mark.opacity, err);
    if (code == ALB_OK)
        code = place(image, &mark, s, err);
    g_clear_object(&mark);
    if (code != ALB_OK)
        g_clear_object(image);
    return code;
}
