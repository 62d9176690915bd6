/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the express lane's decoders and encoders share: a source read to its end, a sink fed by
 * bands of odd heights, noise, and PNG files written chunk by chunk, right or wrong.
 */
#ifndef ALB_TESTS_IMAGE_EXPRESS_ENDS_H
#define ALB_TESTS_IMAGE_EXPRESS_ENDS_H

#include <string.h>
#include <vips/vips.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "image/express/rows.h"
#include "image/load.h"
#include "test.h"

struct noise {
    uint32_t state;
};
static inline uint8_t noise(struct noise *n)
{
    n->state = n->state * 1664525 + 1013904223;
    return (uint8_t)(n->state >> 24);
}

/* ---- reading ---- */

struct pixels {
    struct alb_rows_format format;
    struct alb_rect area;
    uint8_t *plane[ALB_PLANES]; /* without gaps; alb_mem_free */
    uint32_t rows[ALB_PLANES];
};

static inline void pixels_free(struct pixels *p)
{
    for (int i = 0; i < ALB_PLANES; i++)
        alb_mem_free(p->plane[i]);
    memset(p, 0, sizeof(*p));
}

static inline enum alb_code take_bands(struct alb_source *s, struct pixels *out, struct alb_err *err)
{
    struct alb_band b;
    for (;;) {
        enum alb_code code = s->ops->read(s, &b, err);
        if (code != ALB_OK || b.rows[0] == 0)
            return code;
        for (unsigned i = 0; i < alb_layout_planes(s->format.layout); i++) {
            size_t line = (size_t)alb_plane_width(&s->format, i) * alb_layout_samples(s->format.layout);
            assert_true(out->rows[i] + b.rows[i] <= alb_plane_height(&s->format, i));
            for (uint32_t y = 0; y < b.rows[i]; y++)
                memcpy(out->plane[i] + line * out->rows[i]++, b.plane[i] + y * b.stride[i], line);
        }
    }
}

/* Everything that a source gives of a window; width 0: of the whole picture. YCC only where the caller wants it. */
static inline enum alb_code read_all(alb_source_open_fn *open, struct alb_express *x, struct alb_str bytes,
                                     uint32_t w, uint32_t h, bool planes, struct alb_rect window,
                                     struct pixels *out)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_source *s;
    const struct alb_source_ask ask = {.bytes = bytes,
                                       .eighths = 8,
                                       .width = w,
                                       .height = h,
                                       .source_width = w,
                                       .source_height = h,
                                       .strict = true,
                                       .metadata = true};
    memset(out, 0, sizeof(*out));
    enum alb_code code = open(x, &ask, &s, &err);
    if (code != ALB_OK) {
        assert_null(s);
        return code;
    }
    enum alb_layout layout = s->native.layout;
    if (layout == ALB_LAYOUT_YCC && !planes)
        layout = ALB_LAYOUT_RGB;
    assert_true((s->layouts & ALB_LAYOUT_BIT(layout)) != 0);
    if (window.width == 0)
        window = (struct alb_rect){0, 0, w, h};
    code = s->ops->start(s, layout, window, &err);
    for (unsigned i = 0; code == ALB_OK && i < ALB_PLANES; i++)
        out->plane[i] = alb_mem_calloc((size_t)w * h, 4);
    if (code == ALB_OK)
        code = take_bands(s, out, &err);
    out->format = s->format;
    out->area = s->area;
    s->ops->close(s);
    alb_scratch_reset(x->scratch);
    return code;
}

/* ---- writing ---- */

/* Rows without gaps, in bands of 1, 3, 5 ... rows (times the subsampling). */
static inline enum alb_code write_all(alb_sink_open_fn *open, struct alb_express *x,
                                      const struct alb_sink_ask *ask, const uint8_t *const planes[ALB_PLANES])
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_sink *s;
    const struct alb_rows_format *f = &ask->format;
    uint32_t at = 0, n = 1;
    enum alb_code code = open(x, ask, &s, &err);
    if (code != ALB_OK) {
        assert_null(s);
        return code;
    }
    for (; code == ALB_OK && at < f->height; n += 2) {
        struct alb_band b = {.rows = {0}};
        uint32_t rows = n << f->sub_y, end = f->height - at > rows ? at + rows : f->height;
        for (unsigned i = 0; i < alb_layout_planes(f->layout); i++) {
            unsigned sub = i == 0 ? 0 : f->sub_y;
            uint32_t first = at >> sub, behind = (end + (1u << sub) - 1) >> sub;
            b.stride[i] = (size_t)alb_plane_width(f, i) * alb_layout_samples(f->layout);
            b.plane[i] = planes[i] + first * b.stride[i];
            b.rows[i] = behind - first;
        }
        code = s->ops->write(s, &b, &err);
        at = end;
    }
    if (code == ALB_OK)
        code = s->ops->finish(s, &err);
    s->ops->close(s);
    alb_scratch_reset(x->scratch);
    return code;
}

/* ---- PNG by hand ---- */

static inline void png_be32(struct alb_buf *b, uint32_t v)
{
    const char c[4] = {(char)(v >> 24), (char)(v >> 16), (char)(v >> 8), (char)v};
    alb_buf_add(b, c, 4);
}

static inline void png_chunk(struct alb_buf *b, const char *type, const void *data, size_t n)
{
    uLong crc = crc32(crc32(0, NULL, 0), (const Bytef *)type, 4);
    if (n > 0)
        crc = crc32(crc, data, (uInt)n);
    png_be32(b, (uint32_t)n);
    alb_buf_add(b, type, 4);
    alb_buf_add(b, data, n);
    png_be32(b, (uint32_t)crc);
}

struct png_kind {
    unsigned depth, colour, interlace;
};

static inline void png_start(struct alb_buf *b, uint32_t w, uint32_t h, const struct png_kind *k)
{
    const char rest[5] = {(char)k->depth, (char)k->colour, 0, 0, (char)k->interlace};
    struct alb_buf head = ALB_BUF_INIT(16);
    alb_buf_add(b, "\x89PNG\r\n\x1a\n", 8);
    png_be32(&head, w);
    png_be32(&head, h);
    alb_buf_add(&head, rest, 5);
    png_chunk(b, "IHDR", head.p, head.n);
    alb_buf_fini(&head);
}

/* rows: filter bytes and all. In `parts` chunks of pixels. */
static inline void png_end(struct alb_buf *b, const uint8_t *rows, size_t n, unsigned parts)
{
    uLongf room = compressBound(n), at = 0;
    uint8_t *packed = alb_mem_alloc(room);
    assert_non_null(packed);
    assert_int_equal(compress2(packed, &room, rows, n, 1), Z_OK);
    for (unsigned i = 0; i < parts; i++) {
        uLongf end = i + 1 == parts ? room : room * (i + 1) / parts;
        png_chunk(b, "IDAT", packed + at, end - at);
        at = end;
    }
    png_chunk(b, "IEND", "", 0);
    alb_mem_free(packed);
}

static inline size_t png_line(uint32_t w, const struct png_kind *k)
{
    static const unsigned samples[7] = {1, 0, 3, 1, 2, 0, 4};
    return ((size_t)w * k->depth * samples[k->colour] + 7) / 8 + 1;
}

/* What libvips makes of it: pixels without gaps (g_free), or NULL. */
static inline uint8_t *by_vips(struct alb_str s, enum alb_type type, uint32_t *w, uint32_t *h, int *bands)
{
    struct alb_load l = ALB_LOAD_INIT(type, s);
    VipsImage *image = alb_load_open(&l, NULL);
    size_t n;
    *w = *h = 0;
    *bands = 0;
    if (!image)
        return NULL;
    *w = (uint32_t)image->Xsize;
    *h = (uint32_t)image->Ysize;
    *bands = image->Bands;
    uint8_t *p = vips_image_write_to_memory(image, &n);
    g_object_unref(image);
    vips_error_clear();
    return p;
}

#endif
