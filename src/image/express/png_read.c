/* SPDX-License-Identifier: Apache-2.0
 *
 * PNG to rows. A picture whose pixels and packed bytes together are within WHOLE_MAX is inflated at once
 * (libdeflate, more than twice as fast as zlib) and its filters are undone in place, BAND rows at a time, so
 * that the rows are warm when they are handed on. A larger one goes through zlib, BAND rows at a time: then
 * memory does not grow with its height. Rows of 8 bits are handed on where they lie; others are spread to 8
 * bits first.
 */
#include <libdeflate.h>
#include <string.h>
#include <zlib.h>

#include "image/express/png_file.h"
#include "image/express/png_filter.h"
#include "image/express/rows.h"

#define BAND 16
#define WHOLE_MAX ((uint64_t)32 << 20)
#define ROW_MAX ((size_t)16 << 20)
#define PROFILE_MAX ((size_t)1 << 20)

struct png {
    struct alb_source base;
    struct alb_express *x;
    struct alb_png_file file;
    bool strict;
    /* set by start: rows with a filter byte before each, `line` bytes apart */
    size_t line;
    uint8_t *rows;        /* whole: all of them; else BAND rows and the one before them */
    const uint8_t *above; /* of the next row; at first zeros */
    uint32_t next;        /* row whose filter is undone next */
    uint8_t *spread;      /* BAND rows of 8 bits, NULL if rows are handed on as they are */
    size_t spread_line;
    /* streaming */
    bool streams, inflating, ended;
    size_t at; /* the next part */
    z_stream z;
};

static struct png *of(struct alb_source *s)
{
    return ALB_CONTAINER_OF(s, struct png, base);
}

static enum alb_code damaged(struct alb_err *err)
{
    return alb_fail(err, ALB_E_UNPROCESSABLE, "png: damaged pixels");
}

static enum alb_code no_memory(struct alb_err *err)
{
    return alb_fail(err, ALB_E_NO_MEMORY, "png: no memory");
}

/* ---- to 8 bits ---- */

/* Sample x of a packed row. */
static unsigned sample(const uint8_t *row, uint32_t x, unsigned depth)
{
    size_t bit = (size_t)x * depth;
    return (unsigned)row[bit / 8] >> (8 - depth - bit % 8) & ((1u << depth) - 1);
}

static void spread_palette(const struct alb_png_file *f, const uint8_t *row, uint8_t *out)
{
    size_t n = f->palette_alpha ? 4 : 3;
    if (f->depth == 8) {
        for (uint32_t x = 0; x < f->width; x++, out += n)
            memcpy(out, f->palette[row[x]], 4); /* the fourth is overwritten, or slack */
        return;
    }
    for (uint32_t x = 0; x < f->width; x++, out += n)
        memcpy(out, f->palette[sample(row, x, f->depth)], 4);
}

static void spread_grey(const struct alb_png_file *f, const uint8_t *row, uint8_t *out)
{
    static const uint8_t full[9] = {0, 255, 85, 0, 17, 0, 0, 0, 1};
    unsigned k = full[f->depth];
    for (uint32_t x = 0; x < f->width; x++) {
        unsigned v = sample(row, x, f->depth);
        *out++ = (uint8_t)(v * k);
        if (f->keyed)
            *out++ = v == f->key[0] ? 0 : 255;
    }
}

static void spread_keyed(const struct alb_png_file *f, const uint8_t *row, uint8_t *out)
{
    for (uint32_t x = 0; x < f->width; x++, row += 3, out += 4) {
        bool is_key = row[0] == f->key[0] && row[1] == f->key[1] && row[2] == f->key[2];
        memcpy(out, row, 3);
        out[3] = is_key ? 0 : 255;
    }
}

static void spread_row(const struct alb_png_file *f, const uint8_t *row, uint8_t *out)
{
    if (f->colour == ALB_PNG_PALETTE)
        spread_palette(f, row, out);
    else if (f->colour == ALB_PNG_GREY)
        spread_grey(f, row, out);
    else
        spread_keyed(f, row, out);
}

static bool must_spread(const struct alb_png_file *f)
{
    return f->colour == ALB_PNG_PALETTE || f->depth < 8 || f->keyed;
}

/* ---- inflating at once ---- */

static uint64_t whole_size(const struct png *p)
{
    return (uint64_t)p->line * p->file.height;
}

static bool fits_whole(const struct png *p)
{
    return p->line < WHOLE_MAX && whole_size(p) + p->file.packed <= WHOLE_MAX;
}

/* All parts behind each other: where they lie if it is only one. */
static enum alb_code join(struct png *p, struct alb_str *packed, struct alb_err *err)
{
    size_t at = p->file.data, n = 0;
    struct alb_str part;
    if (p->file.parts == 1)
        return alb_png_part(&p->file, &at, packed) ? ALB_OK : damaged(err);
    char *all = alb_scratch_take(p->x->scratch, p->file.packed, 1);
    if (!all)
        return no_memory(err);
    for (uint32_t i = 0; i < p->file.parts; i++) {
        if (!alb_png_part(&p->file, &at, &part))
            return damaged(err);
        memcpy(all + n, part.p, part.n);
        n += part.n;
    }
    *packed = (struct alb_str){all, n};
    return ALB_OK;
}

static enum alb_code inflate_whole(struct png *p, struct alb_err *err)
{
    struct alb_str packed;
    size_t n = (size_t)whole_size(p), used, made;
    enum alb_code code = join(p, &packed, err);
    if (code != ALB_OK)
        return code;
    p->rows = alb_scratch_take(p->x->scratch, n + ALB_ROW_SLACK, 1);
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    if (!p->rows || !d) {
        libdeflate_free_decompressor(d);
        return no_memory(err);
    }
    enum libdeflate_result r = libdeflate_zlib_decompress_ex(d, packed.p, packed.n, p->rows, n, &used, &made);
    libdeflate_free_decompressor(d);
    memset(p->rows + n, 0, ALB_ROW_SLACK);
    /* too many pixels, or bytes behind them: libpng lets them pass */
    if (r == LIBDEFLATE_INSUFFICIENT_SPACE || (r == LIBDEFLATE_SUCCESS && used != packed.n))
        return alb_fail(err, ALB_E_UNSUPPORTED, "png: more than its pixels");
    return r == LIBDEFLATE_SUCCESS && made == n ? ALB_OK : damaged(err);
}

/* ---- inflating in bands ---- */

static enum alb_code open_stream(struct png *p, struct alb_err *err)
{
    p->streams = true;
    p->at = p->file.data;
    p->rows = alb_scratch_take(p->x->scratch, BAND + 1, p->line + ALB_ROW_SLACK);
    if (!p->rows || inflateInit(&p->z) != Z_OK)
        return no_memory(err);
    p->inflating = true;
    return ALB_OK;
}

/* The next n bytes. */
static bool inflate_bytes(struct png *p, uint8_t *out, size_t n)
{
    struct alb_str part;
    p->z.next_out = out;
    p->z.avail_out = (uInt)n;
    while (p->z.avail_out > 0 && !p->ended) {
        if (p->z.avail_in == 0) {
            if (!alb_png_part(&p->file, &p->at, &part))
                return false;
            p->z.next_in = (z_const Bytef *)(uintptr_t)part.p;
            p->z.avail_in =
                (uInt)part.n; /* a chunk's length has 31 bits in files that are right, 32 in all */
            continue;
        }
        int rc = inflate(&p->z, Z_NO_FLUSH);
        p->ended = rc == Z_STREAM_END;
        if (rc != Z_OK && !p->ended)
            return false;
    }
    return p->z.avail_out == 0;
}

/* Behind the last row nothing may follow but the checksum. */
static enum alb_code end_stream(struct png *p, struct alb_err *err)
{
    uint8_t more;
    while (!p->ended) {
        if (inflate_bytes(p, &more, 1))
            return alb_fail(err, ALB_E_UNSUPPORTED, "png: more than its pixels");
        if (!p->ended)
            return damaged(err);
    }
    return ALB_OK;
}

/* Keeps the last row of the band before, since the first of the next one stands on it, and fills the band. */
static enum alb_code fill_band(struct png *p, uint32_t rows, struct alb_err *err)
{
    if (p->next > 0) {
        memmove(p->rows, p->above - 1, p->line);
        p->above = p->rows + 1;
    }
    return inflate_bytes(p, p->rows + p->line, p->line * rows) ? ALB_OK : damaged(err);
}

/* ---- rows ---- */

/* The next rows, their filters undone; *first is the first of them. */
static enum alb_code undo_rows(struct png *p, uint32_t rows, uint8_t **first, struct alb_err *err)
{
    uint8_t *at = p->rows + p->line * (p->streams ? 1 : p->next);
    enum alb_code code = p->streams ? fill_band(p, rows, err) : ALB_OK;
    *first = at + 1;
    if (code == ALB_OK && !alb_png_unfilter(at, p->line, rows, p->above, p->file.bpp))
        return damaged(err);
    p->above = at + (rows - 1) * p->line + 1;
    p->next += rows;
    return code;
}

static uint32_t at_most(uint32_t rows)
{
    return rows < BAND ? rows : BAND;
}

static enum alb_code skip_rows(struct png *p, uint32_t until, struct alb_err *err)
{
    enum alb_code code = ALB_OK;
    uint8_t *first;
    while (code == ALB_OK && p->next < until)
        code = undo_rows(p, at_most(until - p->next), &first, err);
    return code;
}

static enum alb_code read_band(struct alb_source *s, struct alb_band *band, struct alb_err *err)
{
    struct png *p = of(s);
    uint32_t end = s->area.top + s->area.height;
    uint8_t *first;
    memset(band, 0, sizeof(*band));
    if (p->next >= end) {
        if (!p->streams || !p->strict)
            return ALB_OK;
        enum alb_code code = skip_rows(p, p->file.height, err);
        return code == ALB_OK ? end_stream(p, err) : code;
    }
    uint32_t rows = at_most(end - p->next);
    enum alb_code code = undo_rows(p, rows, &first, err);
    if (code != ALB_OK)
        return code;
    for (uint32_t i = 0; p->spread && i < rows; i++)
        spread_row(&p->file, first + i * p->line, p->spread + i * p->spread_line);
    band->plane[0] = p->spread ? p->spread : first;
    band->stride[0] = p->spread ? p->spread_line : p->line;
    band->rows[0] = rows;
    return ALB_OK;
}

static enum alb_code start(struct alb_source *s, enum alb_layout layout, struct alb_rect window,
                           struct alb_err *err)
{
    struct png *p = of(s);
    size_t pixel = alb_layout_samples(s->native.layout);
    if (layout != s->native.layout)
        return alb_fail(err, ALB_E_UNSUPPORTED, "png: another layout");
    s->format = s->native;
    s->area = (struct alb_rect){0, window.top, s->native.width, window.height};
    if (p->line > ROW_MAX)
        return alb_fail(err, ALB_E_UNSUPPORTED, "png: too wide");
    if (must_spread(&p->file)) {
        p->spread_line = pixel * p->file.width + ALB_ROW_SLACK;
        p->spread = alb_scratch_take(p->x->scratch, BAND, p->spread_line);
        if (!p->spread)
            return no_memory(err);
    }
    uint8_t *zeros = alb_scratch_take(p->x->scratch, p->file.row + ALB_ROW_SLACK, 1);
    if (!zeros)
        return no_memory(err);
    memset(zeros, 0, p->file.row + ALB_ROW_SLACK);
    p->above = zeros;
    enum alb_code code = fits_whole(p) ? inflate_whole(p, err) : open_stream(p, err);
    return code == ALB_OK ? skip_rows(p, window.top, err) : code;
}

static void close_source(struct alb_source *s)
{
    struct png *p = of(s);
    if (p->inflating)
        inflateEnd(&p->z);
    p->inflating = false;
}

/* ---- opening ---- */

static enum alb_layout layout_of(const struct alb_png_file *f)
{
    switch (f->colour) {
    case ALB_PNG_GREY:
        return f->keyed ? ALB_LAYOUT_GREY_ALPHA : ALB_LAYOUT_GREY;
    case ALB_PNG_GREY_ALPHA:
        return ALB_LAYOUT_GREY_ALPHA;
    case ALB_PNG_PALETTE:
        return f->palette_alpha ? ALB_LAYOUT_RGB_ALPHA : ALB_LAYOUT_RGB;
    case ALB_PNG_RGB:
        return f->keyed ? ALB_LAYOUT_RGB_ALPHA : ALB_LAYOUT_RGB;
    case ALB_PNG_RGB_ALPHA:
        break;
    }
    return ALB_LAYOUT_RGB_ALPHA;
}

static enum alb_code read_profile(struct png *p, struct alb_err *err)
{
    struct alb_str packed = p->file.profile_packed;
    size_t n = 0;
    if (packed.n == 0)
        return ALB_OK;
    char *profile = alb_scratch_take(p->x->scratch, PROFILE_MAX, 1);
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    enum libdeflate_result r = LIBDEFLATE_BAD_DATA;
    if (profile && d)
        r = libdeflate_zlib_decompress(d, packed.p, packed.n, profile, PROFILE_MAX, &n);
    libdeflate_free_decompressor(d);
    if (!profile || !d)
        return no_memory(err);
    if (r != LIBDEFLATE_SUCCESS)
        return alb_fail(err, ALB_E_UNSUPPORTED, "png: a profile that cannot be read");
    p->base.icc = (struct alb_str){profile, n};
    return ALB_OK;
}

enum alb_code alb_png_source_open(struct alb_express *x, const struct alb_source_ask *ask,
                                  struct alb_source **out, struct alb_err *err)
{
    static const struct alb_source_ops ops = {start, read_band, close_source};
    struct png *p = alb_scratch_take(x->scratch, 1, sizeof(*p));
    *out = NULL;
    if (!p)
        return no_memory(err);
    memset(p, 0, sizeof(*p));
    enum alb_code code = alb_png_look(ask->bytes, &p->file, err);
    if (code != ALB_OK)
        return code;
    if (p->file.width != ask->source_width || p->file.height != ask->source_height ||
        ask->width != ask->source_width || ask->height != ask->source_height)
        return alb_fail(err, ALB_E_UNSUPPORTED, "png: not what the plan was made for");
    p->x = x;
    p->strict = ask->strict;
    p->line = p->file.row + 1;
    p->base.ops = &ops;
    p->base.native = (struct alb_rows_format){
        .layout = layout_of(&p->file), .bits = 8, .width = ask->width, .height = ask->height};
    p->base.palette_bits = p->file.colour == ALB_PNG_PALETTE ? (uint8_t)p->file.depth : 0;
    p->base.layouts = ALB_LAYOUT_BIT(p->base.native.layout);
    if (ask->metadata) {
        p->base.exif = p->file.exif;
        p->base.xmp = p->file.xmp;
    }
    code = read_profile(p, err);
    if (code == ALB_OK)
        *out = &p->base;
    return code;
}
