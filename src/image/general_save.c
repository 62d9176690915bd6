/* SPDX-License-Identifier: Apache-2.0
 *
 * Writers of Windows bitmaps and icons. Source: Microsoft's BITMAPINFOHEADER, BITMAPV4HEADER and the ICO format, where
 * an entry may be a PNG since Windows Vista.
 */
#include <string.h>

#include "image/general_encode.h"

struct out {
    unsigned char b[160];
    size_t n;
};

static void put(struct out *o, uint32_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        o->b[o->n++] = (unsigned char)(v >> (8 * i));
}

#define BMP_FILE 14
#define BMP_INFO 40
#define BMP_V4 108

/* The header: the plain one, or with alpha the one that names the channels. */
static void bmp_head(struct out *o, uint32_t w, uint32_t h, bool alpha, uint32_t row, uint32_t per_metre)
{
    uint32_t head = alpha ? BMP_V4 : BMP_INFO;
    put(o, 0x4d42, 2);
    put(o, BMP_FILE + head + row * h, 4);
    put(o, 0, 4);
    put(o, BMP_FILE + head, 4);
    put(o, head, 4);
    put(o, w, 4);
    put(o, h, 4);
    put(o, 1, 2);
    put(o, alpha ? 32 : 24, 2);
    put(o, alpha ? 3 : 0, 4); /* BI_BITFIELDS, BI_RGB */
    put(o, row * h, 4);
    put(o, per_metre, 4);
    put(o, per_metre, 4);
    put(o, 0, 4);
    put(o, 0, 4);
    if (!alpha)
        return;
    put(o, 0x00ff0000, 4);
    put(o, 0x0000ff00, 4);
    put(o, 0x000000ff, 4);
    put(o, 0xff000000, 4);
    put(o, 0x73524742, 4); /* LCS_sRGB */
    memset(o->b + o->n, 0, 48);
    o->n += 48;
}

static void bmp_row(const VipsPel *from, unsigned char *to, uint32_t w, int bands)
{
    bool grey = bands < 3, alpha = bands == 2 || bands == 4;
    unsigned step = alpha ? 4 : 3;
    for (uint32_t x = 0; x < w; x++, from += bands, to += step) {
        to[0] = from[grey ? 0 : 2];
        to[1] = from[grey ? 0 : 1];
        to[2] = from[0];
        if (alpha)
            to[3] = from[bands - 1];
    }
}

int alb_bmp_save(VipsImage *image, VipsTarget *target)
{
    struct out o = {.n = 0};
    VipsImage *held = vips_image_copy_memory(image);
    if (!held)
        return -1;
    uint32_t w = (uint32_t)held->Xsize, h = (uint32_t)held->Ysize;
    bool alpha = held->Bands == 2 || held->Bands == 4;
    uint32_t row = (w * (alpha ? 4 : 3) + 3) & ~3u;
    unsigned char *line = g_malloc0(row);
    bmp_head(&o, w, h, alpha, row, (uint32_t)(held->Xres * 1000 + 0.5));
    int rc = vips_target_write(target, o.b, o.n);
    for (uint32_t y = h; rc == 0 && y > 0; y--) { /* the last row comes first */
        bmp_row(held->data + (size_t)(y - 1) * w * (size_t)held->Bands, line, w, held->Bands);
        rc = vips_target_write(target, line, row);
    }
    g_free(line);
    g_object_unref(held);
    return rc == 0 ? vips_target_end(target) : -1;
}

int alb_ico_save(VipsImage *image, VipsTarget *target)
{
    struct out o = {.n = 0};
    void *png = NULL;
    size_t n = 0;
    if (image->Xsize > 256 || image->Ysize > 256) {
        vips_error("ico", "no side may be above 256 pixels");
        return -1;
    }
    if (vips_pngsave_buffer(image, &png, &n, "strip", TRUE, NULL) != 0)
        return -1;
    put(&o, 0, 2);
    put(&o, 1, 2);
    put(&o, 1, 2);
    put(&o, (uint32_t)image->Xsize & 0xff, 1); /* 256 is 0 */
    put(&o, (uint32_t)image->Ysize & 0xff, 1);
    put(&o, 0, 2);
    put(&o, 1, 2);
    put(&o, 32, 2);
    put(&o, (uint32_t)n, 4);
    put(&o, 22, 4);
    int rc = vips_target_write(target, o.b, o.n);
    if (rc == 0)
        rc = vips_target_write(target, png, n);
    g_free(png);
    return rc == 0 ? vips_target_end(target) : -1;
}
