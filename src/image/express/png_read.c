/* SPDX-License-Identifier: Apache-2.0
 *
 * PNG to rows, BAND of them at a time: inflated (by isa-l, twice as fast as zlib) into a window that stays in
 * the processor's own memory, their filters undone there, and handed on. So memory grows with the width only.
 * Rows of 8 bits are handed on where they lie; others are spread to 8 bits first.
 */
#include <isa-l/igzip_lib.h>
#include <libdeflate.h>
#include <string.h>

#include "image/express/png_file.h"
#include "image/express/png_filter.h"
#include "image/express/rows.h"

#define BAND 16
#define ROW_MAX ((size_t)16 << 20)
#define PROFILE_MAX ((size_t)1 << 20)

struct png {
    struct alb_source base;
    struct alb_express *x;
    struct alb_png_file file;
    bool strict;
    /* set by start: rows with a filter byte before each, `line` bytes apart */
    size_t line;
    uint8_t *rows;        /* the row before, and BAND of them */
    const uint8_t *above; /* of the next row; at first zeros */
    uint32_t next;        /* row whose filter is undone next */
    uint8_t *spread;      /* BAND rows of 8 bits, NULL if rows are handed on as they are */
    size_t spread_line;
    size_t at; /* the next part of the pixels' stream */
    uint32_t parts;
    struct inflate_state *inflate;
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

/* ---- inflating ---- */

static bool is_ended(const struct png *p)
{
    return p->inflate->block_state == ISAL_BLOCK_FINISH;
}

/* The next part, if there is one and all before it is used up. False: its checksum is wrong. */
static bool refill(struct png *p)
{
    struct alb_str part;
    while (p->inflate->avail_in == 0 && p->parts < p->file.parts) {
        if (!alb_png_part(&p->file, &p->at, &part))
            return false;
        p->parts++;
        p->inflate->next_in = (uint8_t *)(uintptr_t)part.p; /* it only reads */
        p->inflate->avail_in = (uint32_t)part.n;            /* a chunk's length has 32 bits */
    }
    return true;
}

/* The next n bytes, or fewer: *made. At the end of the stream its checksum is compared. */
static bool inflate_bytes(struct png *p, uint8_t *out, size_t n, size_t *made)
{
    struct inflate_state *z = p->inflate;
    bool moved = true, good = true;
    z->next_out = out;
    z->avail_out = (uint32_t)n;
    while (good && moved && z->avail_out > 0 && !is_ended(p)) {
        good = refill(p);
        uint32_t in = z->avail_in, room = z->avail_out;
        good = good && isal_inflate(z) == ISAL_DECOMP_OK;
        moved = z->avail_in < in || z->avail_out < room || p->parts < p->file.parts;
    }
    *made = n - z->avail_out;
    return good;
}

/* Behind the last row nothing may follow but the checksum. More pixels, or bytes behind them, are nothing
 * that libpng minds. */
static enum alb_code end_stream(struct png *p, struct alb_err *err)
{
    uint8_t more;
    size_t made;
    if (!inflate_bytes(p, &more, 1, &made) || (made == 0 && !is_ended(p)) || !refill(p))
        return damaged(err);
    bool left = p->inflate->avail_in > 0 || p->inflate->read_in_length >= 8; /* bits that it took in */
    return made == 0 && !left ? ALB_OK : alb_fail(err, ALB_E_UNSUPPORTED, "png: more than its pixels");
}

/* Keeps the last row of the band before, since the first of the next one stands on it, and fills the band. */
static enum alb_code fill_band(struct png *p, uint32_t rows, struct alb_err *err)
{
    size_t made;
    if (p->next > 0)
        memmove(p->rows, p->above - 1, p->line);
    p->above = p->rows + 1;
    bool whole = inflate_bytes(p, p->rows + p->line, p->line * rows, &made) && made == p->line * rows;
    return whole ? ALB_OK : damaged(err);
}

/* ---- rows ---- */

/* The next rows, their filters undone; *first is the first of them. */
static enum alb_code undo_rows(struct png *p, uint32_t rows, uint8_t **first, struct alb_err *err)
{
    uint8_t *at = p->rows + p->line;
    enum alb_code code = fill_band(p, rows, err);
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
        if (!p->strict && end < p->file.height)
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
    p->rows = alb_scratch_take(p->x->scratch, BAND + 1, p->line + ALB_ROW_SLACK);
    p->inflate = alb_scratch_take(p->x->scratch, 1, sizeof(*p->inflate));
    if (!p->rows || !p->inflate)
        return no_memory(err);
    memset(p->rows, 0, p->line); /* above the first */
    isal_inflate_init(p->inflate);
    p->inflate->crc_flag = ISAL_ZLIB;
    p->at = p->file.data;
    return skip_rows(p, window.top, err);
}

static void close_source(struct alb_source *s)
{
    (void)s; /* all of it lies in the scratch */
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
