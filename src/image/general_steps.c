/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps on libvips that change size and place. Transparency is premultiplied around resizing; turning by
 * quarters needs the pixels in any order, so the (small) picture is held in memory first.
 */
#include "image/general_steps.h"

#include <string.h>

#include "image/express/resize.h"
#include "image/load.h"

/* What is resized by the express lane's resizer, for libvips' general machinery costs several times the arithmetic:
 * what a decoder leaves for a thumbnail. All of it is held in memory, so not everything. */
#define OWN_PIXELS (16u << 20)
#define OWN_SHRINK 3
#define OWN_FAR 8
#define OWN_FAR_PIXELS (4u << 20)

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
    uint32_t shrink = (uint64_t)w * h <= OWN_FAR_PIXELS ? OWN_FAR : OWN_SHRINK;
    return vips_image_get_format(image) == VIPS_FORMAT_UCHAR && (bands == 1 || bands == 3) &&
           vips_image_get_coding(image) == VIPS_CODING_NONE && (uint64_t)w * h <= OWN_PIXELS &&
           w <= (uint64_t)width * shrink && h <= (uint64_t)height * shrink &&
           (uint64_t)width * height <= OWN_PIXELS && w <= ALB_RESIZE_SIDE && h <= ALB_RESIZE_SIDE &&
           width <= ALB_RESIZE_SIDE && height <= ALB_RESIZE_SIDE;
}

/* Rows go through buffers of their own: an image has no slack behind it. */
static enum alb_code resize_rows(VipsImage *in, VipsImage *out, struct alb_scratch *scratch,
                                 struct alb_err *err)
{
    struct alb_express x = {.scratch = scratch, .threads = 1};
    struct alb_resize_ask ask = {
        .x = {(uint32_t)in->Xsize, (uint32_t)out->Xsize, 0, in->Xsize, false},
        .y = {(uint32_t)in->Ysize, (uint32_t)out->Ysize, 0, in->Ysize, false},
        .samples = (unsigned)in->Bands,
        .bits_in = 8,
        .bits_out = 8,
        .kernel = ALB_KERNEL_LANCZOS3,
        .gain = 1,
    };
    struct alb_resize *r;
    size_t from = (size_t)in->Xsize * ask.samples, to = (size_t)out->Xsize * ask.samples;
    const uint8_t *source = (const uint8_t *)vips_image_get_data(in);
    uint8_t *result = out->data;
    uint8_t *row = alb_scratch_take(scratch, from + ALB_ROW_SLACK, 1);
    uint8_t *made = alb_scratch_take(scratch, to + ALB_ROW_SLACK, 1);
    if (!row || !made)
        return alb_fail(err, ALB_E_NO_MEMORY, "rows to resize");
    enum alb_code code = alb_resize_open(&x, &ask, &r, err);
    for (; code == ALB_OK && !alb_resize_done(r); source += from) {
        memcpy(row, source, from);
        alb_resize_push(r, row);
        for (; alb_resize_pull(r, made); result += to)
            memcpy(result, made, to);
    }
    return code;
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
    struct alb_scratch *scratch = alb_scratch_new();
    if (rc == 0)
        rc = vips_image_write_prepare(out);
    if (rc == 0 && scratch)
        code = resize_rows(in, out, scratch, err);
    else if (rc == 0)
        code = alb_fail(err, ALB_E_NO_MEMORY, "scratch to resize");
    alb_scratch_free(&scratch);
    if (rc != 0 || code != ALB_OK)
        g_object_unref(out);
    if (code != ALB_OK)
        return code;
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
