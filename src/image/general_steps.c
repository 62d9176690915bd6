/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps on libvips that change size and place. Transparency is premultiplied around resizing; turning by
 * quarters needs the pixels in any order, so the (small) picture is held in memory first.
 */
#include "image/general_steps.h"

#include <string.h>

#include "image/load.h"
#include "image/resample.h"

enum alb_code alb_step_replace(VipsImage **image, int rc, VipsImage *next, const char *what,
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
    return alb_step_replace(image, held ? 0 : -1, held, "decode", err);
}

/* ---- resize ---- */

static VipsKernel kernel_of(enum alb_kernel kernel)
{
    static const VipsKernel kernels[ALB_KERNEL_COUNT] = {
        [ALB_KERNEL_LANCZOS3] = VIPS_KERNEL_LANCZOS3, [ALB_KERNEL_NEAREST] = VIPS_KERNEL_NEAREST,
        [ALB_KERNEL_LINEAR] = VIPS_KERNEL_LINEAR,     [ALB_KERNEL_CUBIC] = VIPS_KERNEL_CUBIC,
        [ALB_KERNEL_LANCZOS2] = VIPS_KERNEL_LANCZOS2,
    };
    return kernels[(unsigned)kernel < ALB_KERNEL_COUNT ? kernel : ALB_KERNEL_LANCZOS3];
}

static enum alb_code resize_plain(VipsImage **image, uint32_t width, uint32_t height, enum alb_kernel kernel,
                                  struct alb_err *err)
{
    VipsImage *out = NULL;
    double sx = (double)width / vips_image_get_width(*image),
           sy = (double)height / vips_image_get_height(*image);
    int rc = vips_resize(*image, &out, sx, "vscale", sy, "kernel", kernel_of(kernel), NULL);
    enum alb_code code = alb_step_replace(image, rc, out, "resize", err);
    if (code != ALB_OK)
        return code;
    uint32_t w = (uint32_t)vips_image_get_width(*image), h = (uint32_t)vips_image_get_height(*image);
    if (w == width && h == height)
        return ALB_OK;
    /* a rounding apart: repeat or drop the last line */
    rc = vips_embed(*image, &out, 0, 0, (int)width, (int)height, "extend", VIPS_EXTEND_COPY, NULL);
    return alb_step_replace(image, rc, out, "resize", err);
}

/* Whether the picture is such as decoders leave it for a thumbnail. */
static bool is_small(VipsImage *image, uint32_t width, uint32_t height)
{
    uint32_t w = (uint32_t)vips_image_get_width(image), h = (uint32_t)vips_image_get_height(image);
    int bands = vips_image_get_bands(image);
    uint32_t shrink =
        (uint64_t)w * h <= ALB_RESAMPLE_FAR_PIXELS ? ALB_RESAMPLE_FAR : ALB_RESAMPLE_SHRINK;
    return vips_image_get_format(image) == VIPS_FORMAT_UCHAR && (bands == 1 || bands == 3) &&
           vips_image_get_coding(image) == VIPS_CODING_NONE && (uint64_t)w * h <= ALB_RESAMPLE_PIXELS &&
           w <= (uint64_t)width * shrink && h <= (uint64_t)height * shrink &&
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
    return alb_step_replace(image, rc, out, "resize", err);
}

enum alb_code alb_step_resize(VipsImage **image, uint32_t width, uint32_t height, enum alb_kernel kernel,
                              struct alb_err *err)
{
    VipsImage *out = NULL;
    if ((uint32_t)vips_image_get_width(*image) == width && (uint32_t)vips_image_get_height(*image) == height)
        return ALB_OK;
    if (kernel == ALB_KERNEL_LANCZOS3 && is_small(*image, width, height))
        return resize_small(image, width, height, err);
    if (!vips_image_hasalpha(*image))
        return resize_plain(image, width, height, kernel, err);
    VipsBandFormat format = vips_image_get_format(*image);
    int rc = vips_premultiply(*image, &out, NULL);
    enum alb_code code = alb_step_replace(image, rc, out, "premultiply", err);
    if (code == ALB_OK) {
        rc = vips_cast(*image, &out, format, NULL);
        code = alb_step_replace(image, rc, out, "premultiply", err);
    }
    if (code == ALB_OK)
        code = resize_plain(image, width, height, kernel, err);
    if (code == ALB_OK) {
        rc = vips_unpremultiply(*image, &out, NULL);
        code = alb_step_replace(image, rc, out, "unpremultiply", err);
    }
    if (code == ALB_OK) {
        rc = vips_cast(*image, &out, format, NULL);
        code = alb_step_replace(image, rc, out, "unpremultiply", err);
    }
    return code;
}

enum alb_code alb_step_crop(VipsImage **image, uint32_t left, uint32_t top, uint32_t width, uint32_t height,
                            struct alb_err *err)
{
    VipsImage *out = NULL;
    int rc = vips_crop(*image, &out, (int)left, (int)top, (int)width, (int)height, NULL);
    return alb_step_replace(image, rc, out, "crop", err);
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
            code = alb_step_replace(image, rc, out, "turn", err);
        }
    }
    if (code == ALB_OK && mirrored[orientation]) {
        int rc = vips_flip(*image, &out, VIPS_DIRECTION_HORIZONTAL, NULL);
        code = alb_step_replace(image, rc, out, "flip", err);
    }
    return code;
}
