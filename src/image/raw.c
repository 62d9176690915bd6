/* SPDX-License-Identifier: Apache-2.0
 *
 * Camera raw: what libraw knows of the file, its embedded preview, and a quick development where there is
 * none.
 */
#include <libraw/libraw.h>

#include "base/mem.h"
#include "image/load.h"

struct alb_raw {
    libraw_data_t *lr;
    bool unpacked_preview;
    struct alb_str preview;
};

static enum alb_code fail(struct alb_err *err, int code)
{
    return alb_fail(err, ALB_E_UNPROCESSABLE, "raw: %s", libraw_strerror(code));
}

enum alb_code alb_raw_open(struct alb_str bytes, struct alb_raw **out, struct alb_err *err)
{
    *out = NULL;
    struct alb_raw *raw = alb_mem_calloc(1, sizeof(*raw));
    if (!raw)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory");
    raw->lr = libraw_init(0);
    if (!raw->lr) {
        alb_mem_free(raw);
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory");
    }
    /* libraw's prototype is not const; it only reads. */
    int code = libraw_open_buffer(raw->lr, (void *)(uintptr_t)bytes.p, bytes.n);
    if (code != LIBRAW_SUCCESS) {
        alb_raw_close(&raw);
        return fail(err, code);
    }
    *out = raw;
    return ALB_OK;
}

void alb_raw_close(struct alb_raw **raw)
{
    if (!*raw)
        return;
    libraw_close((*raw)->lr);
    alb_mem_free(*raw);
    *raw = NULL;
}

void alb_raw_size(const struct alb_raw *raw, uint32_t *width, uint32_t *height)
{
    *width = raw->lr->sizes.width ? raw->lr->sizes.width : raw->lr->sizes.raw_width;
    *height = raw->lr->sizes.height ? raw->lr->sizes.height : raw->lr->sizes.raw_height;
}

uint8_t alb_raw_orientation(const struct alb_raw *raw)
{
    switch (raw->lr->sizes.flip) { /* dcraw's: 3 = half turn, 5 and 6 = quarters */
    case 3:
        return 3;
    case 5:
        return 8;
    case 6:
        return 6;
    default:
        return 1;
    }
}

struct alb_str alb_raw_preview(struct alb_raw *raw)
{
    if (!raw->unpacked_preview) {
        raw->unpacked_preview = true;
        const libraw_thumbnail_t *t = &raw->lr->thumbnail;
        if (libraw_unpack_thumb(raw->lr) == LIBRAW_SUCCESS && t->tformat == LIBRAW_THUMBNAIL_JPEG && t->thumb)
            raw->preview = (struct alb_str){t->thumb, t->tlength};
    }
    return raw->preview;
}

struct alb_str alb_raw_xmp(const struct alb_raw *raw)
{
    return (struct alb_str){raw->lr->idata.xmpdata, raw->lr->idata.xmpdata ? raw->lr->idata.xmplen : 0};
}

static VipsImage *to_image(const libraw_processed_image_t *p, struct alb_err *err)
{
    if (p->type != LIBRAW_IMAGE_BITMAP || p->bits != 8 || (p->colors != 1 && p->colors != 3)) {
        alb_fail(err, ALB_E_UNPROCESSABLE, "raw: an odd development");
        return NULL;
    }
    VipsImage *image = vips_image_new_from_memory_copy(p->data, p->data_size, p->width, p->height, p->colors,
                                                       VIPS_FORMAT_UCHAR);
    if (!image) {
        alb_load_fail(err, ALB_E_UNPROCESSABLE, "raw");
        return NULL;
    }
    image->Type = p->colors == 3 ? VIPS_INTERPRETATION_sRGB : VIPS_INTERPRETATION_B_W;
    return image;
}

VipsImage *alb_raw_develop(struct alb_raw *raw, struct alb_err *err)
{
    libraw_output_params_t *o = &raw->lr->params;
    o->half_size = 1;
    o->use_camera_wb = 1;
    o->output_bps = 8;
    o->output_color = 1;
    o->user_flip = 0;
    int code = libraw_unpack(raw->lr);
    if (code == LIBRAW_SUCCESS)
        code = libraw_dcraw_process(raw->lr);
    if (code != LIBRAW_SUCCESS) {
        fail(err, code);
        return NULL;
    }
    libraw_processed_image_t *p = libraw_dcraw_make_mem_image(raw->lr, &code);
    if (!p) {
        fail(err, code);
        return NULL;
    }
    VipsImage *image = to_image(p, err);
    libraw_dcraw_clear_mem(p);
    return image;
}
