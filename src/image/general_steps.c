/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps on libvips. Transparency is premultiplied around resizing; colour is converted after it, on few
 * pixels; turning by quarters needs the pixels in any order, so the (small) picture is held in memory first.
 */
#include "image/general_steps.h"

#include <string.h>

#include "image/icc.h"
#include "image/load.h"
#include "image/resample.h"

/* *image becomes `next` if rc is 0; the old one is released either way. */
static enum alb_code replace(VipsImage **image, int rc, VipsImage *next, const char *what,
                             struct alb_err *err)
{
    g_object_unref(*image);
    *image = rc == 0 ? next : NULL;
    return rc == 0 ? ALB_OK : alb_load_fail(err, ALB_E_UNPROCESSABLE, what);
}

struct alb_str alb_image_blob(VipsImage *image, const char *name)
{
    const void *p;
    size_t n;
    if (!vips_image_get_typeof(image, name) || vips_image_get_blob(image, name, &p, &n) != 0) {
        vips_error_clear();
        return ALB_STR_NONE;
    }
    return (struct alb_str){p, n};
}

enum alb_code alb_step_hold(VipsImage **image, struct alb_err *err)
{
    VipsImage *held = vips_image_copy_memory(*image);
    return replace(image, held ? 0 : -1, held, "decode", err);
}

/* ---- resize ---- */

static enum alb_code resize_plain(VipsImage **image, uint32_t width, uint32_t height, struct alb_err *err)
{
    VipsImage *out = NULL;
    double sx = (double)width / vips_image_get_width(*image),
           sy = (double)height / vips_image_get_height(*image);
    int rc = vips_resize(*image, &out, sx, "vscale", sy, NULL);
    enum alb_code code = replace(image, rc, out, "resize", err);
    if (code != ALB_OK)
        return code;
    uint32_t w = (uint32_t)vips_image_get_width(*image), h = (uint32_t)vips_image_get_height(*image);
    if (w == width && h == height)
        return ALB_OK;
    /* a rounding apart: repeat or drop the last line */
    rc = vips_embed(*image, &out, 0, 0, (int)width, (int)height, "extend", VIPS_EXTEND_COPY, NULL);
    return replace(image, rc, out, "resize", err);
}

/* Whether the picture is such as decoders leave it for a thumbnail. */
static bool is_small(VipsImage *image, uint32_t width, uint32_t height)
{
    uint32_t w = (uint32_t)vips_image_get_width(image), h = (uint32_t)vips_image_get_height(image);
    int bands = vips_image_get_bands(image);
    return vips_image_get_format(image) == VIPS_FORMAT_UCHAR && (bands == 1 || bands == 3) &&
           vips_image_get_coding(image) == VIPS_CODING_NONE && (uint64_t)w * h <= ALB_RESAMPLE_PIXELS &&
           w <= (uint64_t)width * ALB_RESAMPLE_SHRINK && h <= (uint64_t)height * ALB_RESAMPLE_SHRINK &&
           (uint64_t)width * height <= ALB_RESAMPLE_PIXELS;
}

static enum alb_code resize_small(VipsImage **image, uint32_t width, uint32_t height, struct alb_err *err)
{
    enum alb_code code = alb_step_hold(image, err);
    if (code != ALB_OK)
        return code;
    VipsImage *in = *image, *out = vips_image_new_memory();
    int rc = vips_image_pipelinev(out, VIPS_DEMAND_STYLE_ANY, in, NULL); /* profile and metadata come along */
    out->Xsize = (int)width;
    out->Ysize = (int)height;
    if (rc == 0)
        rc = vips_image_write_prepare(out);
    if (rc == 0 && !alb_resample(vips_image_get_data(in), (uint32_t)in->Xsize, (uint32_t)in->Ysize,
                                 (unsigned)in->Bands, out->data, width, height))
        rc = -1;
    if (rc != 0)
        g_object_unref(out);
    return replace(image, rc, out, "resize", err);
}

enum alb_code alb_step_resize(VipsImage **image, uint32_t width, uint32_t height, struct alb_err *err)
{
    VipsImage *out = NULL;
    if ((uint32_t)vips_image_get_width(*image) == width && (uint32_t)vips_image_get_height(*image) == height)
        return ALB_OK;
    if (is_small(*image, width, height))
        return resize_small(image, width, height, err);
    if (!vips_image_hasalpha(*image))
        return resize_plain(image, width, height, err);
    VipsBandFormat format = vips_image_get_format(*image);
    int rc = vips_premultiply(*image, &out, NULL);
    enum alb_code code = replace(image, rc, out, "premultiply", err);
    if (code == ALB_OK) {
        rc = vips_cast(*image, &out, format, NULL);
        code = replace(image, rc, out, "premultiply", err);
    }
    if (code == ALB_OK)
        code = resize_plain(image, width, height, err);
    if (code == ALB_OK) {
        rc = vips_unpremultiply(*image, &out, NULL);
        code = replace(image, rc, out, "unpremultiply", err);
    }
    if (code == ALB_OK) {
        rc = vips_cast(*image, &out, format, NULL);
        code = replace(image, rc, out, "unpremultiply", err);
    }
    return code;
}

enum alb_code alb_step_crop(VipsImage **image, uint32_t left, uint32_t top, uint32_t width, uint32_t height,
                            struct alb_err *err)
{
    VipsImage *out = NULL;
    int rc = vips_crop(*image, &out, (int)left, (int)top, (int)width, (int)height, NULL);
    return replace(image, rc, out, "crop", err);
}

enum alb_code alb_step_turn(VipsImage **image, uint8_t orientation, struct alb_err *err)
{
    static const VipsAngle angles[9] = {VIPS_ANGLE_D0,   VIPS_ANGLE_D0,   VIPS_ANGLE_D0,
                                        VIPS_ANGLE_D180, VIPS_ANGLE_D180, VIPS_ANGLE_D90,
                                        VIPS_ANGLE_D90,  VIPS_ANGLE_D270, VIPS_ANGLE_D270};
    static const bool mirrored[9] = {false, false, true, false, true, true, false, true, false};
    VipsImage *out = NULL;
    enum alb_code code = ALB_OK;
    if (angles[orientation] != VIPS_ANGLE_D0) {
        code = alb_step_hold(image, err);
        if (code == ALB_OK) {
            int rc = vips_rot(*image, &out, angles[orientation], NULL);
            code = replace(image, rc, out, "turn", err);
        }
    }
    if (code == ALB_OK && mirrored[orientation]) {
        int rc = vips_flip(*image, &out, VIPS_DIRECTION_HORIZONTAL, NULL);
        code = replace(image, rc, out, "flip", err);
    }
    return code;
}

/* ---- colour ---- */

static bool is_grey(VipsInterpretation i)
{
    return i == VIPS_INTERPRETATION_B_W || i == VIPS_INTERPRETATION_GREY16;
}

/* Through the profile. A broken profile is not a broken picture: then its colours are taken as they are. */
static bool by_profile(VipsImage **image, struct alb_err *err)
{
    VipsImage *out = NULL;
    bool cmyk = vips_image_get_interpretation(*image) == VIPS_INTERPRETATION_CMYK;
    enum alb_icc kind = alb_icc_kind(alb_image_blob(*image, VIPS_META_ICC_NAME));
    if (!cmyk && (kind == ALB_ICC_NONE || kind == ALB_ICC_SRGB))
        return false;
    int rc = vips_icc_transform(*image, &out, "srgb", "embedded", TRUE, "input_profile",
                                cmyk ? "cmyk" : "srgb", "intent", VIPS_INTENT_RELATIVE, "depth", 8, NULL);
    if (rc != 0) {
        vips_error_clear();
        return false;
    }
    return replace(image, rc, out, "profile", err) == ALB_OK;
}

static enum alb_code to_space(VipsImage **image, bool to_srgb, struct alb_err *err)
{
    VipsImage *out = NULL;
    VipsInterpretation i = vips_image_get_interpretation(*image);
    bool grey = is_grey(i) && vips_image_get_bands(*image) <= 2;
    VipsInterpretation want = grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    if (i == want || (!to_srgb && i == VIPS_INTERPRETATION_RGB))
        return ALB_OK;
    int rc = vips_colourspace(*image, &out, want, NULL);
    return replace(image, rc, out, "colour", err);
}

enum alb_code alb_step_colour(VipsImage **image, bool to_srgb, struct alb_err *err)
{
    VipsImage *out = NULL;
    enum alb_code code = ALB_OK;
    bool cmyk = vips_image_get_interpretation(*image) == VIPS_INTERPRETATION_CMYK;
    bool converted = (to_srgb || cmyk) && by_profile(image, err);
    if (!converted)
        code = to_space(image, to_srgb, err);
    if (code == ALB_OK && vips_image_get_format(*image) != VIPS_FORMAT_UCHAR) {
        int rc = vips_cast(*image, &out, VIPS_FORMAT_UCHAR, NULL);
        code = replace(image, rc, out, "depth", err);
    }
    if (code == ALB_OK && (to_srgb || converted)) {
        int rc = vips_copy(*image, &out, NULL); /* metadata may only be changed on a copy */
        code = replace(image, rc, out, "colour", err);
        if (code == ALB_OK)
            vips_image_remove(*image, VIPS_META_ICC_NAME);
    }
    return code;
}

enum alb_code alb_step_flatten(VipsImage **image, uint32_t rgb, struct alb_err *err)
{
    VipsImage *out = NULL;
    double c[3] = {rgb >> 16 & 0xff, rgb >> 8 & 0xff, rgb & 0xff};
    if (!vips_image_hasalpha(*image))
        return ALB_OK;
    int bands = 3;
    if (vips_image_get_bands(*image) == 2) { /* grey with alpha: a grey ground, or colour first */
        if (c[0] != c[1] || c[1] != c[2]) {  /* NOLINT: whole numbers */
            int rc = vips_colourspace(*image, &out, VIPS_INTERPRETATION_sRGB, NULL);
            enum alb_code code = replace(image, rc, out, "flatten", err);
            if (code != ALB_OK)
                return code;
        } else {
            bands = 1;
        }
    }
    VipsArrayDouble *ground = vips_array_double_new(c, bands);
    int rc = vips_flatten(*image, &out, "background", ground, NULL);
    vips_area_unref(VIPS_AREA(ground));
    return replace(image, rc, out, "flatten", err);
}

/* ---- encode ---- */

static void *forget(VipsImage *image, const char *name, GValue *value, void *arg)
{
    const struct alb_plan_step *e = arg;
    (void)value;
    static const char *const animation[] = {"delay",
                                            "loop",
                                            "gif-delay",
                                            "gif-loop",
                                            VIPS_META_PAGE_HEIGHT,
                                            VIPS_META_N_PAGES,
                                            VIPS_META_SEQUENTIAL};
    for (size_t i = 0; i < ALB_ARRAY_LEN(animation); i++) {
        if (e->u.encode.animate && strcmp(name, animation[i]) == 0)
            return NULL;
    }
    bool metadata = strncmp(name, "exif", 4) == 0 || strcmp(name, VIPS_META_XMP_NAME) == 0 ||
                    strcmp(name, VIPS_META_IPTC_NAME) == 0;
    if (e->u.encode.keep_metadata && metadata)
        return NULL;
    if (e->u.encode.keep_profile && strcmp(name, VIPS_META_ICC_NAME) == 0)
        return NULL;
    vips_image_remove(image, name);
    return NULL;
}

/* JPEG XL states its quality as a distance: the usual map of its own tools. */
static double jxl_distance(unsigned q)
{
    if (q >= 100)
        return 0;
    double d = q >= 30 ? 0.1 + (100 - q) * 0.09 : 53.0 / 3000.0 * q * q - 23.0 / 20.0 * q + 25.0;
    return d < 15 ? d : 15; /* the most that libvips takes */
}

static int save(VipsImage *image, const struct alb_plan_step *e, VipsTarget *t)
{
    int q = e->u.encode.quality;
    gboolean strip = !e->u.encode.keep_metadata && !e->u.encode.keep_profile;
    switch (e->u.encode.format) {
    case ALB_FORMAT_JPEG:
        return vips_jpegsave_target(image, t, "Q", q, "optimize_coding", TRUE, "strip", strip, NULL);
    case ALB_FORMAT_PNG:
        return vips_pngsave_target(image, t, "strip", strip, NULL);
    case ALB_FORMAT_WEBP:
        return vips_webpsave_target(image, t, "Q", q, "lossless", e->u.encode.lossless, "strip", strip, NULL);
    case ALB_FORMAT_AVIF:
        return vips_heifsave_target(image, t, "Q", q, "compression", VIPS_FOREIGN_HEIF_COMPRESSION_AV1,
                                    "effort", 1, "bitdepth", 8, "strip", strip, NULL);
    case ALB_FORMAT_JXL:
        return vips_jxlsave_target(image, t, "distance",
                                   e->u.encode.lossless ? 0.0 : jxl_distance((unsigned)q), "lossless",
                                   e->u.encode.lossless, "effort", 4, "strip", strip, NULL);
    case ALB_FORMAT_SAME:
    case ALB_FORMAT_COUNT:
        break;
    }
    return -1;
}

enum alb_code alb_step_encode(VipsImage **image, const struct alb_plan_step *e, int result_fd,
                              struct alb_err *err)
{
    VipsImage *out = NULL;
    int rc = vips_copy(*image, &out, NULL);
    enum alb_code code = replace(image, rc, out, "encode", err);
    if (code != ALB_OK)
        return code;
    vips_image_map(*image, forget, (void *)(uintptr_t)e);
    vips_image_set_int(*image, VIPS_META_ORIENTATION, 1); /* it is upright now, whatever EXIF said */
    VipsTarget *target = vips_target_new_to_descriptor(result_fd);
    if (!target)
        return alb_load_fail(err, ALB_E_UNPROCESSABLE, "encode");
    rc = save(*image, e, target);
    g_object_unref(target);
    return rc == 0 ? ALB_OK : alb_load_fail(err, ALB_E_UNPROCESSABLE, alb_format_name(e->u.encode.format));
}
