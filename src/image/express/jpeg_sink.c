/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG out: libjpeg-turbo with optimised coding. Planes go to the forward transform as they are: rows of blocks are
 * gathered here, with the last column and the last row repeated to whole blocks. Quality and subsampling mean what they
 * mean to libvips (and so to imgproxy): 4:4:4 from quality 90 on unless asked otherwise; a JFIF head where a resolution
 * is asked for.
 */
#include <math.h>
#include <string.h>

#include "image/express/jpeg_ends.h"

#define PIECE ((size_t)32 << 10) /* of the file, from libjpeg's hand at a time */
#define FULL_FROM 90             /* quality */
#define MARKER_MOST 65533

struct jpeg_sink {
    struct alb_sink base;
    struct jpeg_compress_struct c;
    struct alb_jpeg_errors errors;
    struct jpeg_destination_mgr to;
    struct alb_express *x;
    struct alb_sink_ask ask;
    uint32_t filled[ALB_PLANES]; /* rows gathered for the row of blocks */
    uint32_t seen[ALB_PLANES];   /* rows that came */
    uint32_t most[ALB_PLANES];   /* rows of blocks have so many */
    size_t wide[ALB_PLANES];     /* samples of a gathered row, whole blocks */
    JSAMPARRAY rows[ALB_PLANES];
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

/* ---- where the file goes ---- */

static void room(j_compress_ptr c)
{
    struct jpeg_sink *s = c->client_data;
    char *p = alb_buf_reserve(s->ask.out, PIECE);
    if (!p)
        alb_jpeg_fail((j_common_ptr)c, s->ask.out->code);
    s->to.next_output_byte = (JOCTET *)p;
    s->to.free_in_buffer = PIECE;
}

static boolean piece_full(j_compress_ptr c)
{
    struct jpeg_sink *s = c->client_data;
    alb_buf_commit(s->ask.out, PIECE);
    room(c);
    return TRUE;
}

static void last_piece(j_compress_ptr c)
{
    struct jpeg_sink *s = c->client_data;
    alb_buf_commit(s->ask.out, PIECE - s->to.free_in_buffer);
}

/* ---- begin ---- */

static void *take(struct jpeg_sink *s, size_t count, size_t size)
{
    void *p = alb_scratch_take(s->x->scratch, count, size);
    if (!p)
        alb_jpeg_fail((j_common_ptr)&s->c, ALB_E_NO_MEMORY);
    return p;
}

static void marker(struct jpeg_sink *s, int which, const char *head, size_t head_n, struct alb_str b)
{
    if (b.n == 0)
        return;
    if (b.n >= head_n && memcmp(b.p, head, head_n) == 0)
        head_n = 0; /* it brings its own */
    if (head_n + b.n > MARKER_MOST)
        alb_jpeg_fail((j_common_ptr)&s->c, ALB_E_UNSUPPORTED);
    jpeg_write_m_header(&s->c, which, (unsigned)(head_n + b.n));
    for (size_t i = 0; i < head_n; i++)
        jpeg_write_m_byte(&s->c, (unsigned char)head[i]);
    for (size_t i = 0; i < b.n; i++)
        jpeg_write_m_byte(&s->c, (unsigned char)b.p[i]);
}

static void metadata(struct jpeg_sink *s)
{
    static const char exif[] = "Exif\0", xmp[] = "http://ns.adobe.com/xap/1.0/";
    marker(s, JPEG_APP0 + 1, exif, sizeof(exif), s->ask.exif);
    marker(s, JPEG_APP0 + 1, xmp, sizeof(xmp), s->ask.xmp);
    marker(s, JPEG_APP0 + 13, "", 0, s->ask.iptc);
}

static void make_rows(struct jpeg_sink *s)
{
    for (int i = 0; i < s->c.num_components; i++) {
        const jpeg_component_info *c = &s->c.comp_info[i];
        uint32_t rows = (uint32_t)c->v_samp_factor * DCTSIZE;
        size_t wide = (size_t)c->width_in_blocks * DCTSIZE;
        JSAMPLE *p = take(s, rows * wide, 1);
        s->rows[i] = take(s, rows, sizeof(JSAMPROW));
        s->most[i] = rows;
        s->wide[i] = wide;
        for (uint32_t y = 0; y < rows; y++)
            s->rows[i][y] = p + y * wide;
    }
}

static void resolution(struct jpeg_sink *s)
{
    s->c.write_JFIF_header = s->ask.output->dpi > 0;
    s->c.density_unit = 1; /* dots per inch */
    s->c.X_density = s->c.Y_density = (UINT16)lround(s->ask.output->dpi);
}

static bool can_write(const struct alb_rows_format *f)
{
    bool odd = f->layout == ALB_LAYOUT_YCC
                   ? f->matrix != ALB_MATRIX_601 || f->limited || f->sub_x > 1 || f->sub_x != f->sub_y
                   : alb_layout_alpha(f->layout);
    return f->bits == 8 && !odd && f->width <= JPEG_MAX_DIMENSION && f->height <= JPEG_MAX_DIMENSION;
}

static bool begin(struct jpeg_sink *s)
{
    struct jpeg_compress_struct *c = &s->c;
    const struct alb_rows_format *f = &s->ask.format;
    bool planes = f->layout == ALB_LAYOUT_YCC;
    if (!can_write(f))
        return false;
    c->image_width = f->width;
    c->image_height = f->height;
    c->input_components = f->layout == ALB_LAYOUT_GREY ? 1 : 3;
    c->in_color_space = f->layout == ALB_LAYOUT_GREY ? JCS_GRAYSCALE : planes ? JCS_YCbCr : JCS_RGB;
    jpeg_set_defaults(c);
    jpeg_set_quality(c, (int)s->ask.quality, TRUE);
    c->optimize_coding = TRUE;
    resolution(s);
    if (s->ask.output->jpeg_progressive)
        jpeg_simple_progression(c);
    bool full = planes ? f->sub_x == 0 : is_full(s->ask.output->chroma, s->ask.quality);
    if (full)
        c->comp_info[0].h_samp_factor = c->comp_info[0].v_samp_factor = 1;
    c->raw_data_in = planes;
    jpeg_start_compress(c, TRUE);
    metadata(s);
    if (planes)
        make_rows(s);
    return true;
}

/* ---- rows ---- */

static void put_row(struct jpeg_sink *s, int plane, const uint8_t *row)
{
    size_t n = alb_plane_width(&s->ask.format, (unsigned)plane);
    JSAMPLE *to = s->rows[plane][s->filled[plane]++];
    memcpy(to, row, n);
    memset(to + n, row[n - 1], s->wide[plane] - n);
}

/* The last row of the picture again, up to a whole row of blocks. */
static void fill_up(struct jpeg_sink *s)
{
    for (int i = 0; i < ALB_PLANES; i++) {
        for (uint32_t y = s->filled[i]; y < s->most[i]; y++)
            memcpy(s->rows[i][y], s->rows[i][s->filled[i] - 1], s->wide[i]);
        s->filled[i] = s->most[i];
    }
}

static void put_blocks(struct jpeg_sink *s)
{
    jpeg_write_raw_data(&s->c, s->rows, s->most[0]);
    memset(s->filled, 0, sizeof(s->filled));
}

static bool is_last(const struct jpeg_sink *s)
{
    for (unsigned i = 0; i < ALB_PLANES; i++) {
        if (s->seen[i] < alb_plane_height(&s->ask.format, i))
            return false;
    }
    return true;
}

static void write_planes(struct jpeg_sink *s, const struct alb_band *band)
{
    uint32_t done[ALB_PLANES] = {0};
    for (bool full = true; full;) {
        for (int i = 0; i < ALB_PLANES; i++) {
            for (; s->filled[i] < s->most[i] && done[i] < band->rows[i]; s->seen[i]++)
                put_row(s, i, band->plane[i] + done[i]++ * band->stride[i]);
            full = full && s->filled[i] == s->most[i];
        }
        if (!full && s->filled[0] > 0 && is_last(s)) {
            fill_up(s);
            full = true;
        }
        if (full)
            put_blocks(s);
    }
}

static void write_lines(struct jpeg_sink *s, const struct alb_band *band)
{
    for (uint32_t y = 0; y < band->rows[0]; y++) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(band->plane[0] + y * band->stride[0]);
        jpeg_write_scanlines(&s->c, &row, 1);
    }
}

static enum alb_code write_band(struct alb_sink *b, const struct alb_band *band, struct alb_err *err)
{
    struct jpeg_sink *s = of(b);
    if (setjmp(s->errors.end) != 0) /* allowed: setjmp, see jpeg_ends.h */
        return alb_jpeg_failed(&s->errors, err);
    if (s->ask.format.layout == ALB_LAYOUT_YCC)
        write_planes(s, band);
    else
        write_lines(s, band);
    return ALB_OK;
}

static enum alb_code finish(struct alb_sink *b, struct alb_err *err)
{
    struct jpeg_sink *s = of(b);
    if (setjmp(s->errors.end) != 0) /* allowed: setjmp, see jpeg_ends.h */
        return alb_jpeg_failed(&s->errors, err);
    jpeg_finish_compress(&s->c);
    return ALB_OK;
}

/* ---- life ---- */

static void close_sink(struct alb_sink *b)
{
    jpeg_destroy_compress(&of(b)->c);
}

static const struct alb_sink_ops ops = {write_band, finish, close_sink};

enum alb_code alb_jpeg_sink_open(struct alb_express *x, const struct alb_sink_ask *ask,
                                 struct alb_sink **sink, struct alb_err *err)
{
    struct jpeg_sink *s = alb_scratch_take(x->scratch, 1, sizeof(*s));
    enum alb_code code = ALB_OK;
    *sink = NULL;
    if (!s)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory");
    memset(s, 0, sizeof(*s));
    s->base.ops = &ops;
    s->x = x;
    s->ask = *ask;
    alb_jpeg_errors_init(&s->errors, false);
    s->c.err = &s->errors.mgr;
    if (setjmp(s->errors.end) != 0) { /* allowed: setjmp, see jpeg_ends.h */
        code = alb_jpeg_failed(&s->errors, err);
    } else {
        jpeg_create_compress(&s->c);
        s->c.client_data = s;
        s->to.init_destination = room;
        s->to.empty_output_buffer = piece_full;
        s->to.term_destination = last_piece;
        s->c.dest = &s->to;
        if (!begin(s))
            code = alb_fail(err, ALB_E_UNSUPPORTED, "a JPEG for the general executor");
    }
    if (code != ALB_OK)
        close_sink(&s->base);
    else
        *sink = &s->base;
    return code;
}
