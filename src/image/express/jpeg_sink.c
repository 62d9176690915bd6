/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG out: rows of each plane are gathered until they make a row of blocks, with the last column and the last
 * row repeated to whole blocks, and become coefficients (jpeg_blocks.h); when all are there the file is coded
 * (jpeg_code.h). Quality and subsampling mean what they mean to libvips (and so to imgproxy): 4:4:4 from
 * quality 90 on unless asked otherwise, and at each quality about the bytes of libjpeg's own tables; a JFIF
 * head where a resolution is asked for.
 */
#include <math.h>
#include <string.h>

#include "image/express/jpeg_code.h"
#include "image/express/rows.h"

#define SIDE 8       /* of a block */
#define FULL_FROM 90 /* quality */

struct plane {
    int16_t *row[SIDE];
    uint32_t filled;  /* rows gathered for the row of blocks */
    uint32_t samples; /* of a row */
    uint32_t next;    /* row of blocks */
    struct alb_jpeg_quant quant;
};

struct jpeg_sink {
    struct alb_sink base;
    struct alb_express *x;
    struct alb_sink_ask ask;
    struct alb_jpeg_file file;
    struct plane plane[ALB_PLANES];
    uint8_t *upper; /* pixels of a row that waits for its lower one; chroma of four pixels */
    bool waits;
};

static struct jpeg_sink *of(struct alb_sink *s)
{
    return ALB_CONTAINER_OF(s, struct jpeg_sink, base);
}

bool alb_jpeg_sink_takes(const struct alb_output *output)
{
    /* What it asks for beyond quality, chroma, scans and resolution needs mozjpeg, and is ignored without it. */
    return output->dpi <= UINT16_MAX;
}

static bool is_full(enum alb_chroma chroma, unsigned quality)
{
    return chroma == ALB_CHROMA_FULL || (chroma == ALB_CHROMA_AUTO && quality >= FULL_FROM);
}

bool alb_jpeg_sink_planes(const struct alb_output *output, const struct alb_rows_format *source,
                          struct alb_rows_format *want)
{
    uint8_t sub = is_full(output->chroma, output->quality[ALB_FORMAT_JPEG]) ? 0 : 1;
    if (source->layout != ALB_LAYOUT_YCC || source->matrix != ALB_MATRIX_601)
        return false;
    want->layout = ALB_LAYOUT_YCC;
    want->bits = 8;
    want->sub_x = want->sub_y = sub;
    want->matrix = ALB_MATRIX_601;
    want->limited = false;
    return true;
}

/* ---- begin ---- */

static bool metadata(const struct jpeg_sink *s)
{
    const struct alb_str exif = {"Exif\0", 6}, xmp = {"http://ns.adobe.com/xap/1.0/", 29};
    const struct {
        unsigned app;
        struct alb_str head, body;
    } all[] = {{1, exif, s->ask.exif}, {1, xmp, s->ask.xmp}, {13, ALB_STR_NONE, s->ask.iptc}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(all); i++) {
        bool own = alb_str_starts(all[i].body, all[i].head); /* it brings its own */
        if (all[i].body.n > 0 &&
            !alb_jpeg_app(s->ask.out, all[i].app, own ? ALB_STR_NONE : all[i].head, all[i].body))
            return false;
    }
    return true;
}

static bool can_write(const struct alb_rows_format *f)
{
    bool odd = f->layout == ALB_LAYOUT_YCC
                   ? f->matrix != ALB_MATRIX_601 || f->limited || f->sub_x > 1 || f->sub_x != f->sub_y
                   : alb_layout_alpha(f->layout);
    return f->bits == 8 && !odd && f->width <= ALB_JPEG_SIDE && f->height <= ALB_JPEG_SIDE;
}

static bool open_plane(struct jpeg_sink *s, const struct alb_rows_format *f, unsigned i)
{
    struct plane *p = &s->plane[i];
    struct alb_jpeg_plane *to = &s->file.plane[i];
    alb_jpeg_quant(s->ask.quality, i > 0, &p->quant, s->file.step[i > 0]);
    p->samples = alb_plane_width(f, i);
    to->across = (p->samples + SIDE - 1) / SIDE;
    to->down = (alb_plane_height(f, i) + SIDE - 1) / SIDE;
    to->sub = i == 0 && f->sub_x > 0 ? 2 : 1;
    to->block = alb_scratch_take(s->x->scratch, (size_t)to->across * to->down, sizeof(*to->block));
    size_t wide = (size_t)to->across * SIDE;
    int16_t *row = alb_scratch_take(s->x->scratch, wide * SIDE, sizeof(*row));
    for (size_t y = 0; row && y < SIDE; y++)
        p->row[y] = row + y * wide;
    return to->block && row;
}

static enum alb_code begin(struct jpeg_sink *s, struct alb_err *err)
{
    struct alb_rows_format f = s->ask.format;
    bool metadata_fits, memory = true;
    if (!can_write(&f))
        return alb_fail(err, ALB_E_UNSUPPORTED, "a JPEG for the general executor");
    if (f.layout == ALB_LAYOUT_RGB)
        f.sub_x = f.sub_y = is_full(s->ask.output->chroma, s->ask.quality) ? 0 : 1;
    f.sub_x = f.sub_y = f.layout == ALB_LAYOUT_GREY ? 0 : f.sub_x;
    s->file.width = f.width;
    s->file.height = f.height;
    s->file.planes = f.layout == ALB_LAYOUT_GREY ? 1 : ALB_PLANES;
    s->file.progressive = s->ask.output->jpeg_progressive;
    for (unsigned i = 0; memory && i < s->file.planes; i++)
        memory = open_plane(s, &f, i);
    if (memory && f.sub_x > 0 && f.layout == ALB_LAYOUT_RGB)
        memory = (s->upper = alb_scratch_take(s->x->scratch, f.width, 3)) != NULL;
    if (!memory)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory");
    alb_jpeg_begin(s->ask.out, (unsigned)lround(s->ask.output->dpi));
    metadata_fits = metadata(s);
    return metadata_fits ? ALB_OK : alb_fail(err, ALB_E_UNSUPPORTED, "jpeg: metadata are too large");
}

/* ---- rows ---- */

/* Where the plane's next row goes. */
static int16_t *row_of(const struct plane *p)
{
    return p->row[p->filled];
}

static void put_blocks(struct jpeg_sink *s, unsigned i)
{
    struct plane *p = &s->plane[i];
    const struct alb_jpeg_plane *to = &s->file.plane[i];
    alb_jpeg_blocks(p->row, to->across, &p->quant, to->block + (size_t)p->next * to->across);
    p->next++;
    p->filled = 0;
}

/* That row is there. */
static void row_done(struct jpeg_sink *s, unsigned i)
{
    struct plane *p = &s->plane[i];
    int16_t *row = row_of(p);
    for (size_t x = p->samples; x < (size_t)s->file.plane[i].across * SIDE; x++)
        row[x] = row[p->samples - 1];
    if (++p->filled == SIDE)
        put_blocks(s, i);
}

/* The last row of the picture again, up to a whole row of blocks. */
static void fill_up(struct jpeg_sink *s, unsigned i)
{
    struct plane *p = &s->plane[i];
    if (p->filled == 0)
        return;
    for (uint32_t y = p->filled; y < SIDE; y++)
        memcpy(p->row[y], p->row[p->filled - 1], (size_t)s->file.plane[i].across * SIDE * sizeof(*p->row[y]));
    put_blocks(s, i);
}

static void write_planes(struct jpeg_sink *s, const struct alb_band *band)
{
    for (unsigned i = 0; i < s->file.planes; i++) {
        for (uint32_t y = 0; y < band->rows[i]; y++) {
            alb_jpeg_widen(band->plane[i] + y * band->stride[i], s->plane[i].samples, row_of(&s->plane[i]));
            row_done(s, i);
        }
    }
}

static void put_chroma(struct jpeg_sink *s, const uint8_t *upper, const uint8_t *lower)
{
    int16_t *cb = row_of(&s->plane[1]), *cr = row_of(&s->plane[2]);
    if (lower)
        alb_jpeg_chroma_half(upper, lower, s->ask.format.width, cb, cr);
    else
        alb_jpeg_chroma(upper, s->ask.format.width, cb, cr);
    row_done(s, 1);
    row_done(s, 2);
}

static void write_pixels(struct jpeg_sink *s, const struct alb_band *band)
{
    bool full = s->file.plane[0].sub == 1;
    for (uint32_t y = 0; y < band->rows[0]; y++) {
        const uint8_t *rgb = band->plane[0] + y * band->stride[0];
        alb_jpeg_luma(rgb, s->ask.format.width, row_of(&s->plane[0]));
        row_done(s, 0);
        if (full)
            put_chroma(s, rgb, NULL);
        else if (s->waits)
            put_chroma(s, s->upper, rgb);
        else
            memcpy(s->upper, rgb, (size_t)s->ask.format.width * 3);
        s->waits = !full && !s->waits;
    }
}

static enum alb_code write_band(struct alb_sink *b, const struct alb_band *band, struct alb_err *err)
{
    struct jpeg_sink *s = of(b);
    (void)err;
    if (s->ask.format.layout == ALB_LAYOUT_RGB)
        write_pixels(s, band);
    else
        write_planes(s, band);
    return ALB_OK;
}

static enum alb_code finish(struct alb_sink *b, struct alb_err *err)
{
    struct jpeg_sink *s = of(b);
    if (s->waits)
        put_chroma(s, s->upper, s->upper);
    for (unsigned i = 0; i < s->file.planes; i++)
        fill_up(s, i);
    alb_jpeg_code(s->ask.out, &s->file);
    enum alb_code code = alb_buf_code(s->ask.out);
    return code == ALB_OK ? ALB_OK : alb_fail(err, code, "jpeg: no room for the result");
}

/* ---- life ---- */

static void close_sink(struct alb_sink *b)
{
    (void)b; /* all of it lies in the scratch */
}

static const struct alb_sink_ops ops = {write_band, finish, close_sink};

enum alb_code alb_jpeg_sink_open(struct alb_express *x, const struct alb_sink_ask *ask,
                                 struct alb_sink **sink, struct alb_err *err)
{
    struct jpeg_sink *s = alb_scratch_take(x->scratch, 1, sizeof(*s));
    *sink = NULL;
    if (!s)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory");
    memset(s, 0, sizeof(*s));
    s->base.ops = &ops;
    s->x = x;
    s->ask = *ask;
    enum alb_code code = begin(s, err);
    if (code == ALB_OK)
        *sink = &s->base;
    return code;
}
