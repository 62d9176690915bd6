/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows to PNG: 8 bits, grey or RGB with or without alpha, or a palette of imagequant's (if asked for, or if
 * the source had one). Each row gets the filter whose differences are smallest, as libpng does it; then all
 * is packed at once (png_pack.h, libdeflate). So memory is twice that of the result's pixels: within
 * RESULT_MAX, else it is the general executor's. What else stands in the file is what that one writes
 * without metadata: the resolution.
 */
#include <libdeflate.h>
#include <libimagequant.h>
#include <string.h>

#include "image/express/png_filter.h"
#include "image/express/png_pack.h"
#include "image/express/rows.h"

#define RESULT_MAX ((uint64_t)64 << 20)
/* libdeflate's, for what is not packed by our own packer. */
#define LEVEL_SMALL 9
#define LEVEL_DRAWING 6
#define LEVEL_PALETTE 7
#define DPI_DEFAULT 72
#define METRE 39.370078740157481 /* inches */
#define CHUNK 12

/* As the saver of libvips asks it. */
#define QUANTISE_SPEED 4
#define QUANTISE_DITHER 1.0f

struct png {
    struct alb_sink base;
    struct alb_express *x;
    struct alb_buf *out;
    struct alb_str exif, xmp;
    uint32_t width, height, next;
    uint32_t per_metre; /* pixels */
    unsigned samples;   /* of a pixel that comes in */
    size_t row;         /* bytes of one */
    /* pixels: rows as they are packed, each behind its filter's byte */
    uint8_t *packed, *now, *before; /* now and before have ALB_PNG_SLACK zeros in front of them */
    /* palette: all pixels as RGBA */
    uint8_t *rgba;
    int colours;
};

static struct png *of(struct alb_sink *s)
{
    return ALB_CONTAINER_OF(s, struct png, base);
}

static enum alb_code no_memory(struct alb_err *err)
{
    return alb_fail(err, ALB_E_NO_MEMORY, "png: no memory");
}

/* ---- rows ---- */

static void take_row(struct png *p, const uint8_t *row)
{
    uint64_t costs[ALB_PNG_FILTERS];
    uint8_t *to = p->packed + (size_t)p->next * (p->row + 1);
    int best = 0;
    memcpy(p->now, row, p->row);
    alb_png_costs(p->now, p->before, p->row, p->samples, costs);
    for (int f = 1; f < ALB_PNG_FILTERS; f++) {
        if (costs[f] < costs[best])
            best = f;
    }
    to[0] = (uint8_t)best;
    alb_png_filter((enum alb_png_filter)best, p->now, p->before, p->row, p->samples, to + 1);
    uint8_t *swap = p->now;
    p->now = p->before;
    p->before = swap;
}

static void take_rgba(struct png *p, const uint8_t *row)
{
    uint8_t *to = p->rgba + (size_t)p->next * p->width * 4;
    bool grey = p->samples < 3, alpha = p->samples == 2 || p->samples == 4;
    for (uint32_t x = 0; x < p->width; x++, row += p->samples, to += 4) {
        to[0] = row[0];
        to[1] = row[grey ? 0 : 1];
        to[2] = row[grey ? 0 : 2];
        to[3] = alpha ? row[p->samples - 1] : 255;
    }
}

static enum alb_code write_band(struct alb_sink *s, const struct alb_band *band, struct alb_err *err)
{
    struct png *p = of(s);
    if (band->rows[0] > p->height - p->next)
        return alb_fail(err, ALB_E_INTERNAL, "png: more rows than the picture has");
    for (uint32_t i = 0; i < band->rows[0]; i++, p->next++) {
        const uint8_t *row = band->plane[0] + i * band->stride[0];
        if (p->rgba)
            take_rgba(p, row);
        else
            take_row(p, row);
    }
    return ALB_OK;
}

/* ---- the file ---- */

static void put_be32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static void add_be32(struct alb_buf *out, uint32_t v)
{
    uint8_t b[4];
    put_be32(b, v);
    alb_buf_add(out, b, sizeof(b));
}

static void add_chunk(struct alb_buf *out, const char type[4], const void *data, size_t n)
{
    uint32_t crc = libdeflate_crc32(0, type, 4);
    add_be32(out, (uint32_t)n);
    alb_buf_add(out, type, 4);
    alb_buf_add(out, data, n);
    add_be32(out, libdeflate_crc32(crc, data, n));
}

static void add_metadata(struct png *p)
{
    static const char xmp_head[] = "XML:com.adobe.xmp\0\0\0\0"; /* not packed, in no language */
    struct alb_str exif = alb_exif_bare(p->exif);
    if (exif.n > 0)
        add_chunk(p->out, "eXIf", exif.p, exif.n);
    if (p->xmp.n == 0)
        return;
    char *text = alb_scratch_take(p->x->scratch, sizeof(xmp_head) + p->xmp.n, 1);
    if (!text)
        return; /* the general executor leaves out what it cannot write, too */
    memcpy(text, xmp_head, sizeof(xmp_head));
    memcpy(text + sizeof(xmp_head), p->xmp.p, p->xmp.n);
    add_chunk(p->out, "iTXt", text, sizeof(xmp_head) + p->xmp.n);
}

static void add_head(struct png *p, unsigned depth, unsigned colour)
{
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    uint8_t head[13] = {0}, physical[9] = {0};
    put_be32(head, p->width);
    put_be32(head + 4, p->height);
    head[8] = (uint8_t)depth;
    head[9] = (uint8_t)colour;
    put_be32(physical, p->per_metre);
    put_be32(physical + 4, p->per_metre);
    physical[8] = 1; /* metres */
    alb_buf_add(p->out, signature, sizeof(signature));
    add_chunk(p->out, "IHDR", head, sizeof(head));
    add_chunk(p->out, "pHYs", physical, sizeof(physical));
    add_metadata(p);
}

/* Takes *best if it is shorter than that (or that is empty). */
static enum alb_code deflate(struct png *p, const uint8_t *data, size_t n, int level, struct alb_str *best,
                             struct alb_err *err)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(level);
    if (!c)
        return no_memory(err);
    size_t bound = best->n > 0 ? best->n : libdeflate_zlib_compress_bound(c, n), size = 0;
    uint8_t *room = alb_scratch_take(p->x->scratch, bound, 1);
    if (room)
        size = libdeflate_zlib_compress(c, data, n, room, bound);
    libdeflate_free_compressor(c);
    if (!room)
        return no_memory(err);
    if (size > 0)
        *best = (struct alb_str){(const char *)room, size};
    return best->n > 0 ? ALB_OK : alb_fail(err, ALB_E_INTERNAL, "png: not packed");
}

/* The rows end in slack that the packer may read. */
static enum alb_code pack_rows(struct png *p, struct alb_str *packed, struct alb_err *err)
{
    size_t n = (p->row + 1) * p->height;
    bool repeats = true;
    struct alb_png_pack *work = alb_scratch_take(p->x->scratch, 1, alb_png_pack_size());
    uint8_t *room = alb_scratch_take(p->x->scratch, alb_png_pack_bound(n), 1);
    if (!work || !room)
        return no_memory(err);
    size_t size = alb_png_pack(work, p->packed, n, room, &repeats);
    *packed = (struct alb_str){(const char *)room, size};
    if (!repeats)
        return ALB_OK;
    return deflate(p, p->packed, n, size > 0 ? LEVEL_DRAWING : LEVEL_SMALL, packed, err);
}

/* The pixels and the end. */
static enum alb_code add_data(struct png *p, struct alb_str packed, struct alb_err *err)
{
    add_chunk(p->out, "IDAT", packed.p, packed.n);
    add_chunk(p->out, "IEND", "", 0);
    return alb_buf_code(p->out) == ALB_OK
               ? ALB_OK
               : alb_fail(err, alb_buf_code(p->out), "png: the result is too large");
}

/* ---- palette ---- */

static unsigned depth_of(int colours)
{
    return colours <= 2 ? 1 : colours <= 4 ? 2 : colours <= 16 ? 4 : 8;
}

static void add_palette(struct png *p, const liq_palette *pal)
{
    uint8_t rgb[256 * 3] = {0}, alpha[256] = {0};
    size_t seen = 0, count = pal->count < 256 ? pal->count : 256;
    for (size_t i = 0; i < count; i++) {
        rgb[3 * i] = pal->entries[i].r;
        rgb[3 * i + 1] = pal->entries[i].g;
        rgb[3 * i + 2] = pal->entries[i].b;
        alpha[i] = pal->entries[i].a;
        if (alpha[i] != 255)
            seen = i + 1;
    }
    add_chunk(p->out, "PLTE", rgb, count * 3);
    if (seen > 0)
        add_chunk(p->out, "tRNS", alpha, seen);
}

/* Rows of indices, filter NONE before each, `depth` bits an index. */
static void pack_indices(const struct png *p, const uint8_t *from, unsigned depth, uint8_t *to)
{
    for (uint32_t y = 0; y < p->height; y++) {
        unsigned bits = 0, n = 0;
        *to++ = ALB_PNG_NONE;
        for (uint32_t x = 0; x < p->width; x++) {
            bits = bits << depth | *from++;
            n += depth;
            if (n == 8) {
                *to++ = (uint8_t)bits;
                bits = n = 0;
            }
        }
        if (n > 0)
            *to++ = (uint8_t)(bits << (8 - n));
    }
}

static enum alb_code add_indexed(struct png *p, liq_result *found, liq_image *image, struct alb_err *err)
{
    unsigned depth = depth_of(p->colours);
    size_t pixels = (size_t)p->width * p->height;
    size_t n = (((size_t)p->width * depth + 7) / 8 + 1) * p->height;
    uint8_t *indices = alb_scratch_take(p->x->scratch, pixels, 1);
    uint8_t *rows = alb_scratch_take(p->x->scratch, n, 1);
    if (!indices || !rows)
        return no_memory(err);
    liq_set_dithering_level(found, QUANTISE_DITHER);
    if (liq_write_remapped_image(found, image, indices, pixels) != LIQ_OK)
        return alb_fail(err, ALB_E_UNSUPPORTED, "png: no palette");
    add_head(p, depth, 3);
    add_palette(p, liq_get_palette(found));
    pack_indices(p, indices, depth, rows);
    struct alb_str packed = ALB_STR_NONE;
    enum alb_code code = deflate(p, rows, n, LEVEL_PALETTE, &packed, err);
    return code == ALB_OK ? add_data(p, packed, err) : code;
}

static enum alb_code quantised(struct png *p, struct alb_err *err)
{
    liq_attr *attr = liq_attr_create();
    liq_image *image = NULL;
    liq_result *found = NULL;
    enum alb_code code = ALB_OK;
    if (!attr)
        return no_memory(err);
    liq_set_max_colors(attr, 1 << depth_of(p->colours));
    liq_set_quality(attr, 0, 100);
    liq_set_speed(attr, QUANTISE_SPEED);
    image = liq_image_create_rgba(attr, p->rgba, (int)p->width, (int)p->height, 0);
    if (!image || liq_image_quantize(image, attr, &found) != LIQ_OK)
        code = alb_fail(err, ALB_E_UNSUPPORTED, "png: no palette");
    else
        code = add_indexed(p, found, image, err);
    if (found)
        liq_result_destroy(found);
    if (image)
        liq_image_destroy(image);
    liq_attr_destroy(attr);
    return code;
}

static enum alb_code finish(struct alb_sink *s, struct alb_err *err)
{
    static const uint8_t colours[5] = {0, 0, 4, 2, 6};
    struct png *p = of(s);
    if (p->next != p->height)
        return alb_fail(err, ALB_E_INTERNAL, "png: rows are missing");
    if (p->rgba)
        return quantised(p, err);
    add_head(p, 8, colours[p->samples]);
    struct alb_str packed;
    enum alb_code code = pack_rows(p, &packed, err);
    return code == ALB_OK ? add_data(p, packed, err) : code;
}

static void close_sink(struct alb_sink *s)
{
    (void)s; /* all of it lies in the scratch */
}

/* ---- opening ---- */

bool alb_png_sink_takes(const struct alb_output *o)
{
    return !o->png_interlaced && o->profile == ALB_PROFILE_SRGB && !o->keep_metadata && o->dpi < UINT16_MAX;
}

static uint8_t *zeroed_row(struct png *p)
{
    size_t n = ALB_PNG_SLACK + p->row + ALB_ROW_SLACK;
    uint8_t *row = alb_scratch_take(p->x->scratch, n, 1);
    if (row)
        memset(row, 0, n);
    return row ? row + ALB_PNG_SLACK : NULL;
}

static int colours_of(const struct alb_sink_ask *ask)
{
    const struct alb_output *o = ask->output;
    if (o->png_quantize)
        return o->png_colors ? o->png_colors : 256;
    return ask->palette_bits > 0 && !o->lossless && !o->png_plain ? 1 << ask->palette_bits : 0;
}

static bool prepare(struct png *p, const struct alb_sink_ask *ask)
{
    p->colours = colours_of(ask);
    if (p->colours > 0) {
        p->rgba = alb_scratch_take(p->x->scratch, (size_t)p->width * p->height, 4);
        return p->rgba != NULL;
    }
    p->packed = alb_scratch_take(p->x->scratch, (p->row + 1) * p->height + ALB_ROW_SLACK, 1);
    p->now = zeroed_row(p);
    p->before = zeroed_row(p);
    return p->packed && p->now && p->before;
}

enum alb_code alb_png_sink_open(struct alb_express *x, const struct alb_sink_ask *ask, struct alb_sink **sink,
                                struct alb_err *err)
{
    static const struct alb_sink_ops ops = {write_band, finish, close_sink};
    const struct alb_rows_format *f = &ask->format;
    *sink = NULL;
    if (!alb_png_sink_takes(ask->output) || f->layout == ALB_LAYOUT_YCC || f->bits != 8 ||
        (uint64_t)f->width * f->height * 4 > RESULT_MAX)
        return alb_fail(err, ALB_E_UNSUPPORTED, "png: not this one");
    struct png *p = alb_scratch_take(x->scratch, 1, sizeof(*p));
    if (!p)
        return no_memory(err);
    *p = (struct png){.base = {&ops},
                      .x = x,
                      .out = ask->out,
                      .exif = ask->exif,
                      .xmp = ask->xmp,
                      .width = f->width,
                      .height = f->height};
    p->per_metre = (uint32_t)((ask->output->dpi > 0 ? ask->output->dpi : DPI_DEFAULT) * METRE + 0.5);
    p->samples = alb_layout_samples(f->layout);
    p->row = (size_t)p->samples * p->width;
    if (!prepare(p, ask))
        return no_memory(err);
    *sink = &p->base;
    return ALB_OK;
}
