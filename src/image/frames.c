/* SPDX-License-Identifier: Apache-2.0
 *
 * What AVIF and JPEG XL animations have in common; and EXIF as bytes.
 */
#include "image/frames.h"

#include <string.h>

uint32_t alb_frames_wanted(const struct alb_load *l, uint32_t count)
{
    uint32_t left = l->page < count ? count - l->page : 0;
    return l->pages >= 0 && (uint32_t)l->pages < left ? (uint32_t)l->pages : left;
}

VipsImage *alb_frames_new(const struct alb_load *l, const struct alb_frames *f, struct alb_err *err)
{
    uint32_t n = l->header ? 1 : alb_frames_wanted(l, f->count);
    VipsBandFormat format = f->bits > 8 ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR;
    if (n == 0 || (uint64_t)f->height * n > INT32_MAX) {
        alb_fail(err, ALB_E_UNPROCESSABLE, "frames: there are fewer");
        return NULL;
    }
    VipsImage *image = l->header ? alb_load_hollow(f->width, f->height, f->bands, format, err)
                                 : alb_load_blank(f->width, f->height * n, f->bands, format, err);
    if (!image)
        return NULL;
    if (format == VIPS_FORMAT_USHORT)
        image->Type = f->bands < 3 ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16;
    vips_image_set_int(image, VIPS_META_N_PAGES, (int)f->count);
    vips_image_set_int(image, VIPS_META_PAGE_HEIGHT, (int)f->height);
    vips_image_set_int(image, "loop", f->plays);
    vips_image_set_int(image, "bits-per-sample", (int)f->bits);
    if (f->delays)
        vips_image_set_array_int(image, "delay", f->delays, (int)f->count);
    return image;
}

static void *copy_exif(VipsImage *image, const char *name, GValue *value, void *to)
{
    (void)image;
    if (strncmp(name, "exif-", 5) == 0 || strcmp(name, VIPS_META_ORIENTATION) == 0)
        vips_image_set(to, name, value);
    return NULL;
}

/* The EXIF of a JPEG; empty if there is none. Borrowed. */
static struct alb_str find_exif(struct alb_str jpeg)
{
    const unsigned char *p = (const unsigned char *)jpeg.p;
    for (size_t at = 2; at + 10 < jpeg.n && p[at] == 0xff && p[at + 1] != 0xda;) {
        size_t length = (size_t)p[at + 2] << 8 | p[at + 3];
        struct alb_str body = alb_str_sub(jpeg, at + 4, length - 2);
        if (p[at + 1] == 0xe1 && length >= 8 && body.n == length - 2 && memcmp(body.p, "Exif\0", 6) == 0)
            return body;
        at += 2 + length;
    }
    return ALB_STR_NONE;
}

/* libvips keeps EXIF as a block and as fields, and makes one of both when it saves: a JPEG of one pixel has it. The
 * picture's own pixels are not touched: they may be read once only. */
struct alb_str alb_exif_block(VipsImage *image)
{
    struct alb_str out = ALB_STR_NONE, found;
    VipsImage *black = NULL, *point = NULL;
    void *p = NULL;
    size_t n = 0;
    if (!vips_image_get_typeof(image, VIPS_META_EXIF_NAME))
        return out;
    if (vips_black(&black, 1, 1, NULL) == 0 && vips_copy(black, &point, NULL) == 0) {
        vips_image_map(image, copy_exif, point);
        if (vips_jpegsave_buffer(point, &p, &n, NULL) == 0) {
            found = find_exif((struct alb_str){p, n});
            out = (struct alb_str){found.n > 0 ? g_memdup2(found.p, found.n) : NULL, found.n};
        }
    }
    g_free(p);
    g_clear_object(&point);
    g_clear_object(&black);
    vips_error_clear();
    return out;
}
