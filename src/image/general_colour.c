/* SPDX-License-Identifier: Apache-2.0
 *
 * Colour: out of spaces that no result has, through profiles, into linear light and back, and the ground under
 * transparency. Conversion comes after the reduction, on few pixels.
 */
#include "image/general_steps.h"

#include "image/icc.h"
#include "image/load.h"

/* Put on pictures in linear light that were grey: they have three channels there. */
#define WAS_GREY "albumen-was-grey"

static bool is_grey(VipsInterpretation i)
{
    return i == VIPS_INTERPRETATION_B_W || i == VIPS_INTERPRETATION_GREY16;
}

/* Whether 16 bits a channel are to stay. */
static bool stays_deep(VipsImage *image, bool deep)
{
    return deep && vips_image_get_format(image) == VIPS_FORMAT_USHORT;
}

/* One channel of the three equal ones, and transparency. */
static enum alb_code grey_again(VipsImage **image, bool deep, struct alb_err *err)
{
    VipsImage *grey = NULL, *alpha = NULL, *both = NULL, *out = NULL;
    int rc = vips_extract_band(*image, &grey, 0, NULL);
    if (rc == 0 && vips_image_hasalpha(*image)) {
        rc = vips_extract_band(*image, &alpha, vips_image_get_bands(*image) - 1, NULL);
        if (rc == 0)
            rc = vips_bandjoin2(grey, alpha, &both, NULL);
    }
    if (rc == 0)
        rc = vips_copy(both ? both : grey, &out, "interpretation",
                       deep ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W, NULL);
    g_clear_object(&grey);
    g_clear_object(&alpha);
    g_clear_object(&both);
    return alb_step_replace(image, rc, out, "profile", err);
}

/* Through the profile. What is grey stays grey. A broken profile is not a broken picture: then its colours are taken
 * as they are. */
static bool by_profile(VipsImage **image, bool deep, struct alb_err *err)
{
    VipsImage *out = NULL;
    VipsInterpretation space = vips_image_get_interpretation(*image);
    bool cmyk = space == VIPS_INTERPRETATION_CMYK, grey = is_grey(space), stays = stays_deep(*image, deep);
    enum alb_icc kind = alb_icc_kind(alb_image_blob(*image, VIPS_META_ICC_NAME));
    if (!cmyk && (kind == ALB_ICC_NONE || kind == ALB_ICC_SRGB))
        return false;
    int rc =
        vips_icc_transform(*image, &out, "srgb", "embedded", TRUE, "input_profile", cmyk ? "cmyk" : "srgb",
                           "intent", VIPS_INTENT_RELATIVE, "depth", stays ? 16 : 8, NULL);
    if (rc != 0) {
        vips_error_clear();
        return false;
    }
    return alb_step_replace(image, rc, out, "profile", err) == ALB_OK &&
           (!grey || grey_again(image, stays, err) == ALB_OK);
}

static enum alb_code to_space(VipsImage **image, bool to_srgb, bool deep, struct alb_err *err)
{
    VipsImage *out = NULL;
    VipsInterpretation i = vips_image_get_interpretation(*image), want;
    bool grey = is_grey(i) && vips_image_get_bands(*image) <= 2;
    if (stays_deep(*image, deep))
        want = grey ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16;
    else
        want = grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    if (i == want || (!to_srgb && i == VIPS_INTERPRETATION_RGB))
        return ALB_OK;
    int rc = vips_colourspace(*image, &out, want, NULL);
    return alb_step_replace(image, rc, out, "colour", err);
}

static enum alb_code without_profile(VipsImage **image, struct alb_err *err)
{
    VipsImage *out = NULL;
    int rc = vips_copy(*image, &out, NULL); /* metadata may only be changed on a copy */
    enum alb_code code = alb_step_replace(image, rc, out, "colour", err);
    if (code == ALB_OK)
        vips_image_remove(*image, VIPS_META_ICC_NAME);
    return code;
}

static enum alb_code convert(VipsImage **image, bool to_srgb, bool deep, struct alb_err *err)
{
    VipsImage *out = NULL;
    enum alb_code code = ALB_OK;
    bool cmyk = vips_image_get_interpretation(*image) == VIPS_INTERPRETATION_CMYK;
    bool converted = (to_srgb || cmyk) && by_profile(image, deep, err);
    if (!*image)
        return ALB_E_UNPROCESSABLE;
    if (!converted)
        code = to_space(image, to_srgb, deep, err);
    if (code == ALB_OK && vips_image_get_format(*image) != VIPS_FORMAT_UCHAR && !stays_deep(*image, deep)) {
        int rc = vips_cast(*image, &out, VIPS_FORMAT_UCHAR, NULL);
        code = alb_step_replace(image, rc, out, "depth", err);
    }
    return code == ALB_OK && (to_srgb || converted) ? without_profile(image, err) : code;
}

/* ---- linear light ---- */

static enum alb_code to_linear(VipsImage **image, struct alb_err *err)
{
    VipsImage *out = NULL;
    bool grey = is_grey(vips_image_get_interpretation(*image));
    enum alb_code code = convert(image, true, true, err); /* light is linear only in a known space */
    if (code != ALB_OK)
        return code;
    int rc = vips_colourspace(*image, &out, VIPS_INTERPRETATION_scRGB, NULL);
    code = alb_step_replace(image, rc, out, "linear light", err);
    if (code == ALB_OK && grey) {
        rc = vips_copy(*image, &out, NULL);
        code = alb_step_replace(image, rc, out, "linear light", err);
        if (code == ALB_OK)
            vips_image_set_int(*image, WAS_GREY, 1);
    }
    return code;
}

static enum alb_code from_linear(VipsImage **image, bool deep, struct alb_err *err)
{
    VipsImage *out = NULL;
    bool grey = vips_image_get_typeof(*image, WAS_GREY) != 0;
    VipsInterpretation want = deep ? (grey ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16)
                                   : (grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB);
    int rc = vips_colourspace(*image, &out, want, NULL);
    enum alb_code code = alb_step_replace(image, rc, out, "linear light", err);
    if (code == ALB_OK) { /* transparency was not converted with the colours */
        rc = vips_cast(*image, &out, deep ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR, NULL);
        code = alb_step_replace(image, rc, out, "linear light", err);
    }
    return code;
}

enum alb_code alb_step_colour(VipsImage **image, enum alb_colour_to to, bool deep, struct alb_err *err)
{
    switch (to) {
    case ALB_COLOUR_LINEAR:
        return to_linear(image, err);
    case ALB_COLOUR_ENCODED:
        return from_linear(image, deep, err);
    case ALB_COLOUR_SRGB:
        return convert(image, true, deep, err);
    case ALB_COLOUR_PIXELS:
    case ALB_COLOUR_TO_COUNT:
        break;
    }
    return convert(image, false, deep, err);
}

/* ---- ground ---- */

/* A ground that shows through: the picture over a canvas of that colour and transparency. */
static enum alb_code over_ground(VipsImage **image, const double c[3], double alpha, double top,
                                 struct alb_err *err)
{
    double one[4] = {c[0], c[1], c[2], alpha * top};
    VipsImage *ground = vips_image_new_from_image(*image, one, 4), *out = NULL;
    VipsBandFormat format = vips_image_get_format(*image);
    VipsInterpretation space = vips_image_get_interpretation(*image);
    int rc =
        ground ? vips_composite2(ground, *image, &out, VIPS_BLEND_MODE_OVER, "compositing_space", space, NULL)
               : -1;
    g_clear_object(&ground);
    enum alb_code code = alb_step_replace(image, rc, out, "ground", err);
    if (code == ALB_OK) {
        rc = vips_cast(*image, &out, format, NULL);
        code = alb_step_replace(image, rc, out, "ground", err);
    }
    return code;
}

enum alb_code alb_step_flatten(VipsImage **image, uint32_t rgb, double alpha, struct alb_err *err)
{
    VipsImage *out = NULL;
    bool wide = vips_image_get_format(*image) == VIPS_FORMAT_USHORT;
    double k = wide ? 257 : 1;
    double c[3] = {(rgb >> 16 & 0xff) * k, (rgb >> 8 & 0xff) * k, (rgb & 0xff) * k};
    bool grey = (rgb >> 16 & 0xff) == (rgb >> 8 & 0xff) && (rgb >> 8 & 0xff) == (rgb & 0xff);
    if (!vips_image_hasalpha(*image))
        return ALB_OK;
    if (vips_image_get_bands(*image) == 2 && (!grey || alpha < 1)) { /* grey with alpha: colour first */
        int rc =
            vips_colourspace(*image, &out, wide ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB, NULL);
        enum alb_code code = alb_step_replace(image, rc, out, "flatten", err);
        if (code != ALB_OK)
            return code;
    }
    if (alpha < 1)
        return over_ground(image, c, alpha, 255 * k, err);
    VipsArrayDouble *ground = vips_array_double_new(c, vips_image_get_bands(*image) - 1);
    int rc = vips_flatten(*image, &out, "background", ground, NULL);
    vips_area_unref(VIPS_AREA(ground));
    return alb_step_replace(image, rc, out, "flatten", err);
}
