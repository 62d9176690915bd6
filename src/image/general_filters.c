/* SPDX-License-Identifier: Apache-2.0
 *
 * Effects that thumbor's URLs ask for: linear changes of channels, shades of grey, lightness, chroma and hue, rounded
 * corners, noise, flat histograms, curves. Arithmetic on libvips where it has the operation (what it makes of a
 * fraction is cut off, as it does), else on rows of our own.
 */
#include <math.h>
#include <string.h>

#include "image/general_effects.h"
#include "image/general_steps.h"
#include "image/load.h"
#include "image/red_eye.h"

enum alb_code alb_step_rgb(VipsImage **image, struct alb_err *err)
{
    VipsImage *out = NULL;
    VipsInterpretation want = vips_image_get_format(*image) == VIPS_FORMAT_USHORT ? VIPS_INTERPRETATION_RGB16
                                                                                  : VIPS_INTERPRETATION_sRGB;
    if (vips_image_get_bands(*image) >= 3)
        return ALB_OK;
    int rc = vips_colourspace(*image, &out, want, NULL);
    return alb_step_replace(image, rc, out, "colour", err);
}

static bool is_wide(VipsImage *image)
{
    return vips_image_get_format(image) == VIPS_FORMAT_USHORT;
}

/* ---- on libvips ---- */

/* Times a, plus b; transparency stays as it is. The result has `format`. */
static int affine(VipsImage *in, VipsImage **out, const double a[3], const double b[3], VipsBandFormat format)
{
    double times[4] = {a[0], a[1], a[2], 1}, plus[4] = {b[0], b[1], b[2], 0};
    VipsImage *exact = NULL;
    int rc = vips_linear(in, &exact, times, plus, vips_image_get_bands(in), NULL);
    if (rc == 0)
        rc = vips_cast(exact, out, format, NULL);
    g_clear_object(&exact);
    return rc;
}

static enum alb_code linear(VipsImage **image, const struct alb_plan_step *s, struct alb_err *err)
{
    VipsImage *out = NULL;
    double k = is_wide(*image) ? 257 : 1;
    const double b[3] = {s->u.effect.v[3] * k, s->u.effect.v[4] * k, s->u.effect.v[5] * k};
    enum alb_code code = alb_step_rgb(image, err);
    if (code != ALB_OK)
        return code;
    int rc = affine(*image, &out, s->u.effect.v, b, vips_image_get_format(*image));
    return alb_step_replace(image, rc, out, "effect", err);
}

static enum alb_code grey(VipsImage **image, struct alb_err *err)
{
    VipsImage *out = NULL;
    if (vips_image_get_bands(*image) < 3)
        return ALB_OK;
    int rc = vips_colourspace(*image, &out,
                              is_wide(*image) ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W, NULL);
    return alb_step_replace(image, rc, out, "effect", err);
}

static enum alb_code modulate(VipsImage **image, const struct alb_plan_step *s, struct alb_err *err)
{
    VipsImage *lch = NULL, *changed = NULL, *back = NULL, *out = NULL;
    const double a[3] = {s->u.effect.v[0], s->u.effect.v[1], 1}, b[3] = {0, 0, s->u.effect.v[2]};
    enum alb_code code = alb_step_rgb(image, err);
    if (code != ALB_OK)
        return code;
    VipsBandFormat format = vips_image_get_format(*image);
    int rc = vips_colourspace(*image, &lch, VIPS_INTERPRETATION_LCH, NULL);
    if (rc == 0)
        rc = affine(lch, &changed, a, b, VIPS_FORMAT_FLOAT);
    if (rc == 0)
        rc = vips_colourspace(changed, &back, vips_image_get_interpretation(*image), NULL);
    if (rc == 0)
        rc = vips_cast(back, &out, format, NULL);
    g_clear_object(&lch);
    g_clear_object(&changed);
    g_clear_object(&back);
    return alb_step_replace(image, rc, out, "effect", err);
}

/* ---- on rows in memory ---- */

enum alb_code alb_step_own(VipsImage **image, struct alb_err *err)
{
    VipsImage *out = vips_image_new_memory();
    int rc = vips_image_write(*image, out);
    if (rc != 0)
        g_clear_object(&out);
    return alb_step_replace(image, rc, out, "effect", err);
}

static unsigned colours(VipsImage *image)
{
    return (unsigned)image->Bands - (vips_image_hasalpha(image) ? 1u : 0u);
}

/* Sample i of the picture in 0..255 or 0..65535. */
static unsigned get(const VipsImage *image, size_t i)
{
    return image->BandFmt == VIPS_FORMAT_USHORT ? ((const uint16_t *)(const void *)image->data)[i]
                                                : image->data[i];
}

static void set(VipsImage *image, size_t i, unsigned v)
{
    if (image->BandFmt == VIPS_FORMAT_USHORT)
        ((uint16_t *)(void *)image->data)[i] = (uint16_t)v;
    else
        image->data[i] = (VipsPel)v;
}

static size_t pixel_count(const VipsImage *image)
{
    return (size_t)image->Xsize * (size_t)image->Ysize;
}

/* A table for each of three channels; samples of 16 bits are looked up by their upper half. */
static void look_up(VipsImage *image, const uint8_t *table)
{
    unsigned n = colours(image), bands = (unsigned)image->Bands, k = is_wide(image) ? 257 : 1;
    for (size_t i = 0, all = pixel_count(image); i < all; i++) {
        for (unsigned c = 0; c < n; c++) {
            unsigned v = get(image, i * bands + c) / k;
            set(image, i * bands + c, table[256 * c + v] * k);
        }
    }
}

/* How many pixels are at most as bright as each value, without those of the lowest one there is; over all of the others
 * (Wikipedia, "Histogram equalization"). */
static void flatten_channel(const uint64_t *count, uint64_t all, uint8_t *table)
{
    uint64_t sum = 0, least = 0;
    for (unsigned v = 0; v < 256; v++) {
        sum += count[v];
        if (least == 0)
            least = count[v];
        uint64_t above = sum > least ? sum - least : 0;
        table[v] = (uint8_t)(all > least ? above * 255 / (all - least) : v);
    }
}

static void equalize(VipsImage *image)
{
    uint64_t count[3][256] = {{0}};
    uint8_t table[3 * 256];
    unsigned n = colours(image), bands = (unsigned)image->Bands, k = is_wide(image) ? 257 : 1;
    size_t all = pixel_count(image);
    for (size_t i = 0; i < all; i++) {
        for (unsigned c = 0; c < n; c++)
            count[c][get(image, i * bands + c) / k]++;
    }
    for (unsigned c = 0; c < n; c++)
        flatten_channel(count[c], all, table + 256 * c);
    look_up(image, table);
}

/* Equal seeds give equal noise, everywhere and always: a picture that is made again is the same. */
static uint32_t random_at(uint64_t seed, uint64_t i)
{
    uint64_t z = seed * 0x9e3779b97f4a7c15u + (i + 1) * 0xbf58476d1ce4e5b9u; /* splitmix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}

static void noise(VipsImage *image, const struct alb_plan_step *s)
{
    uint32_t range = (uint32_t)s->u.effect.amount;
    int k = is_wide(image) ? 257 : 1, top = 255 * k;
    unsigned n = colours(image), bands = (unsigned)image->Bands;
    uint64_t seed = (uint64_t)(int64_t)s->u.effect.amount2;
    for (size_t i = 0, all = pixel_count(image); range > 0 && i < all; i++) {
        int by = ((int)(random_at(seed, i) % range) - (int)(range / 2)) * k;
        for (unsigned c = 0; c < n; c++) {
            int v = (int)get(image, i * bands + c) + by;
            set(image, i * bands + c, (unsigned)(v < 0 ? 0 : v > top ? top : v));
        }
    }
}

/* ---- rounded corners ---- */

#define SAMPLES 8 /* on each side of a pixel on the edge */

/* How much of the pixel at x, y, counted from the corner, is inside of an ellipse that ends at both edges: 0..1. */
static double inside(double x, double y, double rx, double ry)
{
    int n = 0;
    for (int i = 0; i < SAMPLES * SAMPLES; i++) {
        double dx = (rx - x - (i % SAMPLES + 0.5) / SAMPLES) / rx,
               dy = (ry - y - (i / SAMPLES + 0.5) / SAMPLES) / ry;
        n += dx <= 0 || dy <= 0 || dx * dx + dy * dy <= 1;
    }
    return (double)n / (SAMPLES * SAMPLES);
}

static void cut_corner_pixel(VipsImage *image, int x, int y, double share)
{
    size_t at = ((size_t)y * (size_t)image->Xsize + (size_t)x + 1) * (size_t)image->Bands - 1;
    set(image, at, (unsigned)(get(image, at) * share + 0.5));
}

static void cut_corners(VipsImage *image, const struct alb_plan_step *s)
{
    int w = image->Xsize, h = image->Ysize;
    double rx = fmin(s->u.effect.amount, w / 2.0), ry = fmin(s->u.effect.amount2, h / 2.0);
    for (int y = 0; y < ry; y++) {
        for (int x = 0; x < rx; x++) {
            double share = inside(x, y, rx, ry);
            if (share >= 1)
                break; /* and so is what follows in this row */
            cut_corner_pixel(image, x, y, share);
            if (w - 1 - x > x)
                cut_corner_pixel(image, w - 1 - x, y, share);
            if (h - 1 - y > y)
                cut_corner_pixel(image, x, h - 1 - y, share);
            if (w - 1 - x > x && h - 1 - y > y)
                cut_corner_pixel(image, w - 1 - x, h - 1 - y, share);
        }
    }
}

static enum alb_code round_corners(VipsImage **image, const struct alb_plan_step *s, struct alb_err *err)
{
    VipsImage *out = NULL;
    enum alb_code code = ALB_OK;
    if (!vips_image_hasalpha(*image)) {
        int rc = vips_addalpha(*image, &out, NULL);
        code = alb_step_replace(image, rc, out, "effect", err);
    }
    if (code == ALB_OK)
        code = alb_step_own(image, err);
    if (code == ALB_OK)
        cut_corners(*image, s);
    return code;
}

enum alb_code alb_step_red_eye(VipsImage **image, struct alb_err *err)
{
    VipsImage *out = NULL;
    enum alb_code code = ALB_OK;
    if (vips_image_get_bands(*image) < 3)
        return ALB_OK;
    if (is_wide(*image)) {
        int rc = vips_colourspace(*image, &out, VIPS_INTERPRETATION_sRGB, NULL);
        code = alb_step_replace(image, rc, out, "effect", err);
    }
    if (code == ALB_OK)
        code = alb_step_own(image, err);
    if (code == ALB_OK)
        (void)alb_red_eyes((*image)->data, (uint32_t)(*image)->Xsize, (uint32_t)(*image)->Ysize,
                           (unsigned)(*image)->Bands);
    return code;
}

enum alb_code alb_step_filter(VipsImage **image, const struct alb_plan_step *s, struct alb_str data,
                              struct alb_err *err)
{
    enum alb_code code;
    switch ((int)s->u.effect.kind) {
    case ALB_EFFECT_LINEAR:
        return linear(image, s, err);
    case ALB_EFFECT_GREY:
        return grey(image, err);
    case ALB_EFFECT_MODULATE:
        return modulate(image, s, err);
    case ALB_EFFECT_ROUND:
        return round_corners(image, s, err);
    default:
        break;
    }
    code = s->u.effect.kind == ALB_EFFECT_CURVE ? alb_step_rgb(image, err) : ALB_OK;
    if (code == ALB_OK)
        code = alb_step_own(image, err);
    if (code != ALB_OK)
        return code;
    if (s->u.effect.kind == ALB_EFFECT_NOISE)
        noise(*image, s);
    else if (s->u.effect.kind == ALB_EFFECT_EQUALIZE)
        equalize(*image);
    else
        look_up(*image, (const uint8_t *)data.p);
    return ALB_OK;
}
