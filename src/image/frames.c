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

/* libvips keeps EXIF as a block and as fields, and makes one of both when it saves: a JPEG of one pixel has it. */
struct alb_str alb_exif_block(VipsImage *image)
{
    struct alb_str out = ALB_STR_NONE;
    VipsImage *point = NULL, *grey = NULL;
    unsigned char *p = NULL;
    size_t n = 0;
    if (vips_image_get_typeof(image, VIPS_META_EXIF_NAME) &&
        vips_crop(image, &point, 0, 0, 1, 1, NULL) == 0 &&
        vips_colourspace(point, &grey, VIPS_INTERPRETATION_B_W, NULL) == 0 &&
        vips_jpegsave_buffer(grey, (void **)&p, &n, NULL) == 0) {
        for (size_t at = 2; n > 10 && at < n - 10 && p[at] == 0xff && p[at + 1] != 0xda;) {
            size_t length = (size_t)p[at + 2] << 8 | p[at + 3];
            if (p[at + 1] == 0xe1 && length >= 8 && length <= n - at - 2 &&
                memcmp(p + at + 4, "Exif\0", 6) == 0) {
                out = (struct alb_str){g_memdup2(p + at + 4, length - 2), length - 2};
                break;
            }
            at += 2 + length;
        }
    }
    g_free(p);
    g_clear_object(&point);
    g_clear_object(&grey);
    vips_error_clear();
    return out;
}
