/* SPDX-License-Identifier: Apache-2.0
 *
 * Camera raw: what libraw knows of the file, its embedded preview, and a quick development where there is
 * none.
 */
#include <libraw/libraw.h>
#include <string.h>

#include "base/mem.h"
#include "image/load.h"
#include "image/sniff.h"

struct alb_raw {
    libraw_data_t *lr;
    struct alb_str bytes;
    int flip; /* as the file says: developing forgets it */
    bool is_damaged;
    bool unpacked_preview;
    struct alb_str preview;
};

static enum alb_code fail(struct alb_err *err, int code)
{
    return alb_fail(err, ALB_E_UNPROCESSABLE, "raw: %s", libraw_strerror(code));
}

/* libraw goes on where a sensor's data is broken or missing, and makes something up. */
static void on_damage(void *arg, const char *file, const int offset)
{
    struct alb_raw *raw = arg;
    (void)file;
    (void)offset;
    raw->is_damaged = true;
}

/* libraw's prototype is not const; it only reads. */
static int open_bytes(struct alb_raw *raw)
{
    int code = libraw_open_buffer(raw->lr, (void *)(uintptr_t)raw->bytes.p, raw->bytes.n);
    int flip = raw->lr->sizes.flip % 360; /* of some cameras it is in degrees until they are developed */
    raw->flip = flip == 90 ? 6 : flip == 180 ? 3 : flip == 270 ? 5 : flip;
    return code;
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
    raw->bytes = bytes;
    libraw_set_dataerror_handler(raw->lr, on_damage, raw);
    int code = open_bytes(raw);
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
    static const uint8_t of_flip[8] = {1, 2, 4, 3,
                                       5, 8, 6, 7}; /* dcraw's: 1 mirrors, 2 turns over, 4 swaps axes */
    return of_flip[raw->flip & 7];
}

/* After a fatal error libraw has forgotten the file: its size, its orientation and what could be developed. */
static bool take_preview(struct alb_raw *raw)
{
    int code = libraw_unpack_thumb(raw->lr);
    if (LIBRAW_FATAL_ERROR(code))
        alb_ignore(open_bytes(raw) != LIBRAW_SUCCESS, "what comes next says that nothing is open");
    return code == LIBRAW_SUCCESS;
}

struct alb_str alb_raw_preview(struct alb_raw *raw)
{
    if (!raw->unpacked_preview) {
        raw->unpacked_preview = true;
        const libraw_thumbnail_t *t = &raw->lr->thumbnail;
        if (take_preview(raw) && t->tformat == LIBRAW_THUMBNAIL_JPEG && t->thumb)
            raw->preview = (struct alb_str){t->thumb, t->tlength};
    }
    return raw->preview;
}

bool alb_raw_is_thumbnail(const struct alb_raw *raw, struct alb_str preview)
{
    uint32_t width = 0, height = 0, raw_width, raw_height;
    alb_raw_size(raw, &raw_width, &raw_height);
    if (!alb_sniff_size(ALB_TYPE_JPEG, preview.p, preview.n, &width, &height))
        return false;
    uint64_t side = width > height ? width : height, of = raw_width > raw_height ? raw_width : raw_height;
    return side * ALB_RAW_PREVIEW_SHARE < of;
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

static bool is_empty(const uint8_t *p, size_t n)
{
    return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

/* Some of libraw's decoders stop without a word where the file ends: what they did not write is 0. No sensor is that
 * quiet over many lines. */
static bool ends_early(const struct alb_raw *raw)
{
    const libraw_rawdata_t *r = &raw->lr->rawdata;
    const void *all = r->raw_image      ? (const void *)r->raw_image
                      : r->color4_image ? (const void *)r->color4_image
                                        : (const void *)r->color3_image;
    size_t lines = raw->lr->sizes.raw_height, pitch = raw->lr->sizes.raw_pitch, empty = 0;
    const uint8_t *end = all ? (const uint8_t *)all + lines * pitch : NULL;
    if (!all || pitch == 0) /* of floats: not looked at */
        return false;
    while (empty < lines && is_empty(end - (empty + 1) * pitch, pitch))
        empty++;
    return empty > lines / 8;
}

VipsImage *alb_raw_develop(struct alb_raw *raw, struct alb_err *err)
{
    libraw_output_params_t *o = &raw->lr->params;
    o->half_size = 1;
    o->use_camera_wb = 1;
    o->output_bps = 8;
    o->output_color = 1;
    o->user_flip = 0;
    raw->is_damaged = false;
    int code = libraw_unpack(raw->lr);
    if (code == LIBRAW_SUCCESS && (raw->is_damaged || ends_early(raw))) {
        alb_fail(err, ALB_E_UNPROCESSABLE, "raw: what the sensor saw is damaged, or ends too early");
        return NULL;
    }
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
