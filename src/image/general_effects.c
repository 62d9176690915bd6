/* SPDX-License-Identifier: Apache-2.0
 *
 * Effects on libvips. What mixes neighbours (blur, sharpen) works on premultiplied colours, so that what is
 * transparent does not bleed; what looks at one pixel alone is arithmetic of our own (tone.h).
 */
#include "image/general_effects.h"

#include <math.h>
#include <string.h>

#include "image/general_steps.h"
#include "image/load.h"
#include "image/tone.h"

#define EDGE_SIGMAS 3 /* beyond so many sigmas a blur sees nothing */

/* ---- effects on one pixel ---- */

static enum alb_code run_tone(VipsImage **image, const struct alb_tone *t, struct alb_err *err)
{
    enum alb_code code = alb_tone_colours(t) ? alb_step_rgb(image, err) : ALB_OK;
    if (code != ALB_OK)
        return code;
    VipsImage *in = *image, *out = vips_image_new_memory();
    int rc = vips_image_write(in, out); /* pixels of our own: they may be changed */
    if (rc == 0) {
        bool alpha = vips_image_hasalpha(out) != 0;
        unsigned bands = (unsigned)out->Bands - (alpha ? 1 : 0);
        if (out->BandFmt == VIPS_FORMAT_USHORT)
            alb_tone_run16(t, (uint16_t *)(void *)out->data, (uint32_t)out->Xsize, (uint32_t)out->Ysize,
                           bands, alpha);
        else
            alb_tone_run8(t, out->data, (uint32_t)out->Xsize, (uint32_t)out->Ysize, bands, alpha);
    } else {
        g_object_unref(out);
    }
    return alb_step_replace(image, rc, out, "effect", err);
}

static bool is_plain(VipsImage *image)
{
    int bands = vips_image_get_bands(image) - (vips_image_hasalpha(image) ? 1 : 0);
    VipsBandFormat f = vips_image_get_format(image);
    return (bands == 1 || bands == 3) && (f == VIPS_FORMAT_UCHAR || f == VIPS_FORMAT_USHORT);
}

/* ---- effects on neighbours ---- */

static int blur(VipsImage *in, VipsImage **out, const struct alb_plan_step *s, struct alb_str data)
{
    (void)data;
    return vips_gaussblur(in, out, s->u.effect.amount, NULL);
}

static int sharpen(VipsImage *in, VipsImage **out, const struct alb_plan_step *s, struct alb_str data)
{
    (void)data;
    double m2 = s->u.effect.amount2 > 0 ? s->u.effect.amount2 : 3, x1 = s->u.effect.v[0] > 0 ? s->u.effect.v[0] : 2;
    return vips_sharpen(in, out, "sigma", s->u.effect.amount, "m2", m2, "x1", x1, NULL);
}

/* The eight neighbours weigh -amount, the middle as much as makes a flat area stay as it is. */
static int unsharp(VipsImage *in, VipsImage **out, const struct alb_plan_step *s, struct alb_str data)
{
    (void)data;
    double w = -s->u.effect.amount, divider = s->u.effect.amount2;
    VipsImage *kernel = vips_image_new_matrixv(3, 3, w, w, w, w, divider - 8 * w, w, w, w, w);
    if (!kernel)
        return -1;
    vips_image_set_double(kernel, "scale", divider);
    int rc = vips_conv(in, out, kernel, "precision", VIPS_PRECISION_FLOAT, NULL);
    g_object_unref(kernel);
    return rc;
}

static int convolve(VipsImage *in, VipsImage **out, const struct alb_plan_step *s, struct alb_str data)
{
    size_t n = data.n / 8, across = (size_t)s->u.effect.amount;
    VipsImage *kernel = vips_image_new_matrix((int)across, (int)(n / across));
    double *weights = kernel ? (double *)(void *)kernel->data : NULL; /* rows without padding */
    for (size_t i = 0; kernel && i < n; i++)
        weights[i] = alb_effect_weight(data, i);
    int rc = kernel ? vips_conv(in, out, kernel, "precision", VIPS_PRECISION_FLOAT, NULL) : -1;
    g_clear_object(&kernel);
    return rc;
}

/* To whole blocks: what is over is cut, what is short is as the last line. */
static int pixelate_all(VipsImage *in, VipsImage **out, const struct alb_plan_step *s, struct alb_str data)
{
    (void)data;
    int block = (int)s->u.effect.amount;
    VipsImage *whole = NULL, *small = NULL;
    int rc = vips_embed(in, &whole, 0, 0, (int)s->width, (int)s->height, "extend", VIPS_EXTEND_COPY, NULL);
    if (rc == 0)
        rc = vips_shrink(whole, &small, block, block, NULL);
    if (rc == 0)
        rc = vips_zoom(small, out, block, block, NULL);
    g_clear_object(&whole);
    g_clear_object(&small);
    return rc;
}

/* A picture whose sides are no multiple of the block is mirrored over its edge first. */
static int pixelate(VipsImage *in, VipsImage **out, const struct alb_plan_step *s, struct alb_str data)
{
    (void)data;
    int w = in->Xsize, h = in->Ysize, longest = w > h ? w : h;
    int block = s->u.effect.amount < longest ? (int)s->u.effect.amount : longest;
    int across = (w + block - 1) / block, down = (h + block - 1) / block;
    VipsImage *step[4] = {NULL, NULL, NULL, NULL};
    int rc = vips_embed(in, &step[0], 0, 0, across * block, down * block, "extend", VIPS_EXTEND_MIRROR, NULL);
    if (rc == 0)
        rc = vips_shrink(step[0], &step[1], block, block, NULL);
    if (rc == 0)
        rc = vips_zoom(step[1], &step[2], block, block, NULL);
    if (rc == 0)
        rc = vips_crop(step[2], &step[3], 0, 0, w, h, NULL);
    for (int i = 0; i < 3; i++)
        g_clear_object(&step[i]);
    *out = step[3];
    return rc;
}

#define RAMP_LEVELS 6 /* blurs of growing sigma, between which a ramp goes over */

/* How much of level `level` is to be seen at each pixel, 0..255. */
static VipsImage *ramp_mask(const struct alb_plan_step *s, uint32_t w, uint32_t h, int level)
{
    const struct alb_tone t = {.angle = s->u.effect.angle, .start = s->u.effect.start, .stop = s->u.effect.stop};
    VipsImage *mask = alb_load_blank(w, h, 1, VIPS_FORMAT_UCHAR, NULL);
    float *row = g_try_new(float, w);
    for (uint32_t y = 0; mask && row && y < h; y++) {
        alb_tone_ramp_row(&t, w, h, y, row);
        for (uint32_t x = 0; x < w; x++) {
            float share = row[x] * RAMP_LEVELS - (float)level;
            mask->data[(size_t)y * w + x] = share <= 0 ? 0 : share >= 1 ? 255 : (VipsPel)(share * 255 + 0.5f);
        }
    }
    if (!row)
        g_clear_object(&mask);
    g_free(row);
    return mask;
}

/* In floating point: the integer masks of small sigmas make a flat area darker, and levels would add that up. */
static int blur_level(VipsImage *in, VipsImage **out, double sigma)
{
    VipsImage *exact = NULL, *whole = NULL;
    int rc = vips_gaussblur(in, &exact, sigma, "precision", VIPS_PRECISION_FLOAT, NULL);
    if (rc == 0)
        rc = vips_rint(exact, &whole, NULL);
    if (rc == 0)
        rc = vips_cast(vips_image_get_format(in) == VIPS_FORMAT_FLOAT ? exact : whole, out,
                       vips_image_get_format(in), NULL);
    g_clear_object(&exact);
    g_clear_object(&whole);
    return rc;
}

/* `under` with level over it where the mask says so, held: levels are not made again for those above them. */
static int lay_level(VipsImage *in, VipsImage *under, VipsImage **out, const struct alb_plan_step *s, int level)
{
    VipsImage *mask = ramp_mask(s, (uint32_t)in->Xsize, (uint32_t)in->Ysize, level);
    VipsImage *blurred = NULL, *mixed = NULL;
    int rc = mask ? blur_level(in, &blurred, s->u.effect.amount * (level + 1) / RAMP_LEVELS) : -1;
    if (rc == 0)
        rc = vips_ifthenelse(mask, blurred, under, &mixed, "blend", TRUE, NULL);
    *out = rc == 0 ? vips_image_copy_memory(mixed) : NULL;
    g_clear_object(&mask);
    g_clear_object(&blurred);
    g_clear_object(&mixed);
    return *out ? 0 : -1;
}

static int blur_ramp(VipsImage *in, VipsImage **out, const struct alb_plan_step *s, struct alb_str data)
{
    (void)data;
    VipsImage *held = vips_image_copy_memory(in), *under = held ? g_object_ref(held) : NULL, *next = NULL;
    int rc = held ? 0 : -1;
    for (int level = 0; rc == 0 && level < RAMP_LEVELS; level++) {
        rc = lay_level(held, under, &next, s, level);
        g_object_unref(under);
        under = next;
    }
    g_clear_object(&held);
    *out = under;
    return rc;
}

typedef int neighbours_fn(VipsImage *in, VipsImage **out, const struct alb_plan_step *s, struct alb_str data);

/* With colours premultiplied, and back in the format it came in. */
static enum alb_code premultiplied(VipsImage **image, neighbours_fn *fn, const struct alb_plan_step *s,
                                   struct alb_str data, struct alb_err *err)
{
    VipsImage *out = NULL;
    VipsBandFormat format = vips_image_get_format(*image);
    VipsInterpretation space = vips_image_get_interpretation(*image);
    bool alpha = vips_image_hasalpha(*image) != 0;
    enum alb_code code = ALB_OK;
    if (alpha) {
        int rc = vips_premultiply(*image, &out, NULL);
        code = alb_step_replace(image, rc, out, "premultiply", err);
    }
    if (code == ALB_OK) {
        int rc = fn(*image, &out, s, data);
        code = alb_step_replace(image, rc, out, "effect", err);
    }
    if (code == ALB_OK && alpha) {
        int rc = vips_unpremultiply(*image, &out, NULL);
        code = alb_step_replace(image, rc, out, "unpremultiply", err);
    }
    if (code == ALB_OK && vips_image_get_format(*image) != format) {
        int rc = vips_cast(*image, &out, format, NULL);
        code = alb_step_replace(image, rc, out, "effect", err);
    }
    if (code == ALB_OK && vips_image_get_interpretation(*image) != space) {
        int rc = vips_copy(*image, &out, "interpretation", space, NULL);
        code = alb_step_replace(image, rc, out, "effect", err);
    }
    return code;
}

/* ---- a part of the picture ---- */

/* The area and as much around it as the effect looks at. */
static struct alb_rect with_margin(const struct alb_rect *a, VipsImage *image, double sigma)
{
    uint32_t m = (uint32_t)ceil(sigma * EDGE_SIGMAS), w = (uint32_t)image->Xsize, h = (uint32_t)image->Ysize;
    struct alb_rect r;
    r.left = a->left > m ? a->left - m : 0;
    r.top = a->top > m ? a->top - m : 0;
    r.width = (w - a->left - a->width > m ? a->left + a->width + m : w) - r.left;
    r.height = (h - a->top - a->height > m ? a->top + a->height + m : h) - r.top;
    return r;
}

static enum alb_code in_area(VipsImage **image, neighbours_fn *fn, const struct alb_plan_step *s,
                             struct alb_str data, struct alb_err *err)
{
    const struct alb_rect *a = &s->u.effect.area;
    if (a->width == 0)
        return premultiplied(image, fn, s, data, err);
    enum alb_code code = alb_step_hold(image, err); /* it is read twice */
    if (code != ALB_OK)
        return code;
    bool looks_around = s->u.effect.kind == ALB_EFFECT_BLUR;
    struct alb_rect r = looks_around ? with_margin(a, *image, s->u.effect.amount) : *a;
    VipsImage *part = g_object_ref(*image), *out = NULL;
    code = alb_step_crop(&part, r.left, r.top, r.width, r.height, err);
    if (code == ALB_OK)
        code = premultiplied(&part, fn, s, data, err);
    if (code == ALB_OK)
        code = alb_step_crop(&part, a->left - r.left, a->top - r.top, a->width, a->height, err);
    int rc = code == ALB_OK ? vips_insert(*image, part, &out, (int)a->left, (int)a->top, NULL) : -1;
    g_clear_object(&part);
    enum alb_code put = alb_step_replace(image, rc, out, "effect", code == ALB_OK ? err : NULL);
    return code != ALB_OK ? code : put;
}

enum alb_code alb_step_effect(VipsImage **image, const struct alb_plan_step *s, struct alb_str data,
                              struct alb_err *err)
{
    struct alb_tone t = {.kind = s->u.effect.kind,
                         .amount = s->u.effect.amount,
                         .rgb = s->u.effect.rgb,
                         .rgb2 = s->u.effect.rgb2,
                         .keep = s->u.effect.keep,
                         .angle = s->u.effect.angle,
                         .start = s->u.effect.start,
                         .stop = s->u.effect.stop};
    if (!is_plain(*image)) {
        g_clear_object(image);
        return alb_fail(err, ALB_E_INVALID, "an effect on a picture that has not the pixels for it");
    }
    switch ((int)s->u.effect.kind) {
    case ALB_EFFECT_BLUR:
        return in_area(image, blur, s, data, err);
    case ALB_EFFECT_SHARPEN:
        return in_area(image, sharpen, s, data, err);
    case ALB_EFFECT_UNSHARP:
        return in_area(image, unsharp, s, data, err);
    case ALB_EFFECT_PIXELATE:
        return in_area(image, s->u.effect.keep ? pixelate_all : pixelate, s, data, err);
    case ALB_EFFECT_BLUR_RAMP:
        return premultiplied(image, blur_ramp, s, data, err);
    case ALB_EFFECT_CONVOLVE:
        return premultiplied(image, convolve, s, data, err);
    case ALB_EFFECT_RED_EYE:
        return alb_step_red_eye(image, err);
    case ALB_EFFECT_OUTLINE:
        return alb_step_outline(image, s, err);
    default:
        break;
    }
    if (alb_tone_knows(t.kind))
        return run_tone(image, &t, err);
    if (s->u.effect.kind >= ALB_EFFECT_LINEAR && s->u.effect.kind <= ALB_EFFECT_CURVE)
        return alb_step_filter(image, s, data, err);
    g_clear_object(image);
    return alb_fail(err, ALB_E_INVALID, "an effect that is none");
}

/* ---- what only pixels can tell ---- */

enum alb_code alb_step_smart_crop(VipsImage **image, const struct alb_plan_step *s, struct alb_err *err)
{
    VipsImage *out = NULL;
    enum alb_code code = alb_step_hold(image, err);
    if (code != ALB_OK)
        return code;
    int rc = vips_smartcrop(*image, &out, (int)s->width, (int)s->height, "interesting",
                            VIPS_INTERESTING_ATTENTION, NULL);
    return alb_step_replace(image, rc, out, "smart crop", err);
}

/* In sRGB, with transparency painted in a colour that pictures rarely have. */
static enum alb_code for_trim(VipsImage **image, struct alb_err *err)
{
    static const double magenta[3] = {255, 0, 255};
    VipsImage *out = NULL;
    enum alb_code code = alb_step_colour(image, ALB_COLOUR_SRGB, false, err);
    if (code == ALB_OK && vips_image_hasalpha(*image)) {
        code = alb_step_rgb(image, err);
        if (code != ALB_OK)
            return code;
        VipsArrayDouble *ground = vips_array_double_new(magenta, 3);
        int rc = vips_flatten(*image, &out, "background", ground, NULL);
        vips_area_unref(VIPS_AREA(ground));
        code = alb_step_replace(image, rc, out, "trim", err);
    }
    return code == ALB_OK ? alb_step_hold(image, err) : code;
}

/* The ground that is cut off: the colour that was asked for, or that of a corner. */
static VipsArrayDouble *ground_of(VipsImage *image, const struct alb_plan_step *s)
{
    uint32_t rgb = s->u.find_trim.color;
    double c[3] = {rgb >> 16 & 0xff, rgb >> 8 & 0xff, rgb & 0xff}, *pixel = NULL;
    int n = 0;
    if (s->u.find_trim.has_color)
        return vips_array_double_new(c, 3);
    if (vips_getpoint(image, &pixel, &n, s->u.find_trim.corner & 1 ? image->Xsize - 1 : 0,
                      s->u.find_trim.corner & 2 ? image->Ysize - 1 : 0, NULL) != 0)
        return NULL;
    VipsArrayDouble *ground = vips_array_double_new(pixel, n);
    g_free(pixel);
    return ground;
}

#define TRIM_WINDOW 3 /* of the median that libvips takes first: smaller pictures have nothing to trim */

enum alb_code alb_step_find_trim(VipsImage *image, const struct alb_plan_step *s, struct alb_rect *found,
                                 struct alb_err *err)
{
    int left, top, width, height, rc = -1;
    *found = (struct alb_rect){0, 0, (uint32_t)image->Xsize, (uint32_t)image->Ysize};
    if (image->Xsize < TRIM_WINDOW || image->Ysize < TRIM_WINDOW)
        return ALB_OK;
    VipsImage *look = g_object_ref(image);
    enum alb_code code = for_trim(&look, err);
    if (code == ALB_OK && s->u.find_trim.has_color) /* three numbers need three bands */
        code = alb_step_rgb(&look, err);
    if (code != ALB_OK)
        return code;
    VipsArrayDouble *ground = ground_of(look, s);
    if (ground) {
        rc = vips_find_trim(look, &left, &top, &width, &height, "threshold", s->u.find_trim.threshold,
                            "background", ground, NULL);
        vips_area_unref(VIPS_AREA(ground));
    }
    g_object_unref(look);
    if (rc != 0)
        return alb_load_fail(err, ALB_E_UNPROCESSABLE, "trim");
    if (width > 0 && height > 0)
        *found = (struct alb_rect){(uint32_t)left, (uint32_t)top, (uint32_t)width, (uint32_t)height};
    return ALB_OK;
}
