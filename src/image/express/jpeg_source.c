/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG in: libjpeg-turbo, shrunk in the decoder by n/8. As planes it gives what lies in the file, a row of blocks at a
 * time: colour conversion and upsampling are left out, since the resizer brings each plane to its size anyway. (Where
 * the decoder shrinks, libjpeg makes chroma of 4:2:0 as large as luma by shrinking it less: `native` says so.) As
 * RGB or grey it gives scanlines, and leaves out what lies outside of the window as far as the decoder can.
 */
#include <string.h>

#include <jerror.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "image/express/jpeg_ends.h"

#define SCANS_MAX 100 /* a progressive file may ask for any number of passes over the whole picture */
#define LINES 16      /* of interleaved layouts, at a time */
#define MARGIN 16     /* pixels around the window: upsampling looks at neighbours */
#define BEHIND ((size_t)512 << 10) /* bytes of a mapped file that may be resident behind the reader */
#define PAGE ((uintptr_t)4096)     /* or a part of one: the kernel says no then */

struct jpeg_source {
    struct alb_source base;
    struct jpeg_decompress_struct d;
    struct alb_jpeg_errors errors;
    struct jpeg_progress_mgr progress;
    struct alb_express *x;
    struct alb_source_ask ask;
    bool planes, ended;
    JSAMPARRAY rows[ALB_PLANES]; /* pointers to the rows of one read */
    size_t stride[ALB_PLANES];
    uint32_t most[ALB_PLANES]; /* rows of one read */
    uint32_t given[ALB_PLANES];
    size_t dropped; /* bytes of the file whose pages were given back */
    JOCTET *icc;
    unsigned icc_length;
};

static struct jpeg_source *of(struct alb_source *s)
{
    return ALB_CONTAINER_OF(s, struct jpeg_source, base);
}

static void on_progress(j_common_ptr c)
{
    struct jpeg_source *s = c->client_data;
    if (s->d.input_scan_number > SCANS_MAX)
        alb_jpeg_fail(c, ALB_E_UNPROCESSABLE);
}

static void *take(struct jpeg_source *s, size_t count, size_t size)
{
    void *p = alb_scratch_take(s->x->scratch, count, size);
    if (!p)
        alb_jpeg_fail((j_common_ptr)&s->d, ALB_E_NO_MEMORY);
    return p;
}

/* ---- header ---- */

static void find_metadata(struct jpeg_source *s)
{
    static const char exif[] = "Exif\0", xmp[] = "http://ns.adobe.com/xap/1.0/";
    for (jpeg_saved_marker_ptr m = s->d.marker_list; m; m = m->next) {
        struct alb_str b = {(const char *)m->data, m->data_length};
        if (m->marker == JPEG_APP0 + 1 && b.n > sizeof(exif) && memcmp(b.p, exif, sizeof(exif)) == 0 &&
            s->base.exif.n == 0)
            s->base.exif = b;
        else if (m->marker == JPEG_APP0 + 1 && b.n > sizeof(xmp) && memcmp(b.p, xmp, sizeof(xmp)) == 0 &&
                 s->base.xmp.n == 0)
            s->base.xmp = (struct alb_str){b.p + sizeof(xmp), b.n - sizeof(xmp)};
        else if (m->marker == JPEG_APP0 + 13 && s->base.iptc.n == 0)
            s->base.iptc = b;
    }
}

/* log2 of how much coarser a plane is than luma; -1: not a power of two that we know. */
static int ratio_log2(int luma, int chroma)
{
    for (int k = 0; k <= 2; k++) {
        if (luma == chroma << k)
            return k;
    }
    return -1;
}

/* Whether the planes can be used as they are: luma first and finest, the others alike. */
static bool find_planes(struct jpeg_source *s)
{
    const struct jpeg_decompress_struct *d = &s->d;
    const jpeg_component_info *c = d->comp_info;
    int size[ALB_PLANES][2];
    if (d->jpeg_color_space != JCS_YCbCr || d->num_components != 3)
        return false;
    for (int i = 0; i < ALB_PLANES; i++) {
        size[i][0] = c[i].h_samp_factor * c[i].DCT_scaled_size;
        size[i][1] = c[i].v_samp_factor * c[i].DCT_scaled_size;
    }
    int x = ratio_log2(size[0][0], size[1][0]), y = ratio_log2(size[0][1], size[1][1]);
    bool finest = size[0][0] == d->max_h_samp_factor * d->min_DCT_scaled_size &&
                  size[0][1] == d->max_v_samp_factor * d->min_DCT_scaled_size;
    if (x < 0 || y < 0 || !finest || size[1][0] != size[2][0] || size[1][1] != size[2][1])
        return false;
    s->base.native.sub_x = (uint8_t)x;
    s->base.native.sub_y = (uint8_t)y;
    return true;
}

static bool is_ours(const struct jpeg_source *s)
{
    const struct jpeg_decompress_struct *d = &s->d;
    bool grey = d->jpeg_color_space == JCS_GRAYSCALE && d->num_components == 1;
    bool colour =
        (d->jpeg_color_space == JCS_YCbCr || d->jpeg_color_space == JCS_RGB) && d->num_components == 3;
    return (grey || colour) && d->data_precision == 8;
}

/* w, h: what comes out. */
static bool is_as_asked(const struct jpeg_source *s, uint32_t w, uint32_t h)
{
    const struct alb_source_ask *a = &s->ask;
    if (s->d.image_width != a->source_width || s->d.image_height != a->source_height)
        return false;
    return a->eighths >= 1 && a->eighths <= 8 && w > 0 && h > 0 && w == a->width && h == a->height;
}

static bool read_header(struct jpeg_source *s)
{
    struct jpeg_decompress_struct *d = &s->d;
    uint32_t n = s->ask.eighths;
    jpeg_mem_src(d, (const unsigned char *)s->ask.bytes.p, s->ask.bytes.n);
    jpeg_save_markers(d, JPEG_APP0 + 2, 0xffff);
    if (s->ask.metadata) {
        jpeg_save_markers(d, JPEG_APP0 + 1, 0xffff);
        jpeg_save_markers(d, JPEG_APP0 + 13, 0xffff);
    }
    jpeg_read_header(d, TRUE);
    uint32_t w = d->image_width * n / 8, h = d->image_height * n / 8;
    if (!is_ours(s) || !is_as_asked(s, w, h))
        return false;
    d->scale_num = n;
    d->scale_denom = 8;
    jpeg_calc_output_dimensions(d);
    bool grey = d->num_components == 1, planes = find_planes(s);
    s->base.native.layout = grey ? ALB_LAYOUT_GREY : planes ? ALB_LAYOUT_YCC : ALB_LAYOUT_RGB;
    s->base.native.bits = 8;
    s->base.native.width = w;
    s->base.native.height = h;
    s->base.layouts = ALB_LAYOUT_BIT(s->base.native.layout) | (grey ? 0 : ALB_LAYOUT_BIT(ALB_LAYOUT_RGB));
    if (jpeg_read_icc_profile(d, &s->icc, &s->icc_length) && s->icc_length > 0)
        s->base.icc = (struct alb_str){(const char *)s->icc, s->icc_length};
    if (s->ask.metadata)
        find_metadata(s);
    return true;
}

/* ---- start ---- */

static void make_rows(struct jpeg_source *s, unsigned plane, size_t row, uint32_t rows)
{
    size_t stride = (row + ALB_ROW_SLACK - 1) & ~(size_t)(ALB_ROW_SLACK - 1);
    JSAMPLE *p = take(s, stride * rows + ALB_ROW_SLACK, 1);
    s->rows[plane] = take(s, rows, sizeof(JSAMPROW));
    s->stride[plane] = stride;
    s->most[plane] = rows;
    for (uint32_t i = 0; i < rows; i++)
        s->rows[plane][i] = p + i * stride;
}

static void start_planes(struct jpeg_source *s)
{
    s->d.raw_data_out = TRUE;
    s->d.out_color_space = JCS_YCbCr;
    jpeg_start_decompress(&s->d);
    for (unsigned i = 0; i < ALB_PLANES; i++) {
        const jpeg_component_info *c = &s->d.comp_info[i];
        uint32_t n = (uint32_t)c->DCT_scaled_size;
        make_rows(s, i, (size_t)(c->width_in_blocks + (uint32_t)c->h_samp_factor) * n,
                  (uint32_t)c->v_samp_factor * n);
    }
    s->base.area = (struct alb_rect){0, 0, s->base.format.width, s->base.format.height};
}

static void start_lines(struct jpeg_source *s, struct alb_rect window)
{
    struct alb_source *b = &s->base;
    uint32_t top = window.top > MARGIN ? window.top - MARGIN : 0;
    s->d.out_color_space = b->format.layout == ALB_LAYOUT_GREY ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_start_decompress(&s->d);
    JDIMENSION left = window.left > MARGIN ? window.left - MARGIN : 0;
    JDIMENSION width = window.left + window.width + MARGIN - left;
    b->area = (struct alb_rect){0, 0, b->format.width, b->format.height};
    if (left + width <= s->d.output_width && (left > 0 || width < s->d.output_width)) {
        jpeg_crop_scanline(&s->d, &left, &width);
        b->area.left = left;
        b->area.width = left + width < b->format.width ? width : b->format.width - left;
    }
    if (top > 0 && jpeg_skip_scanlines(&s->d, top) != top)
        alb_jpeg_fail((j_common_ptr)&s->d, ALB_E_UNSUPPORTED);
    b->area.top = top;
    b->area.height = window.top + window.height - top;
    make_rows(s, 0, (size_t)s->d.output_width * (size_t)s->d.output_components, LINES);
}

static enum alb_code start(struct alb_source *b, enum alb_layout layout, struct alb_rect window,
                           struct alb_err *err)
{
    struct jpeg_source *s = of(b);
    if (setjmp(s->errors.end) != 0) /* allowed: setjmp, see jpeg_ends.h */
        return alb_jpeg_failed(&s->errors, err);
    b->format = b->native;
    b->format.layout = layout;
    s->planes = layout == ALB_LAYOUT_YCC;
    if (s->planes)
        start_planes(s);
    else
        start_lines(s, window);
    return ALB_OK;
}

/* ---- read ---- */

static void read_planes(struct jpeg_source *s, struct alb_band *band)
{
    JDIMENSION lines = (JDIMENSION)(s->d.max_v_samp_factor * s->d.min_DCT_scaled_size);
    jpeg_read_raw_data(&s->d, s->rows, lines);
    for (unsigned i = 0; i < ALB_PLANES; i++) {
        uint32_t left = alb_plane_height(&s->base.format, i) - s->given[i];
        band->plane[i] = s->rows[i][0];
        band->stride[i] = s->stride[i];
        band->rows[i] = left < s->most[i] ? left : s->most[i];
        s->given[i] += band->rows[i];
    }
}

static void read_lines(struct jpeg_source *s, struct alb_band *band)
{
    uint32_t left = s->base.area.height - s->given[0], n = 0;
    uint32_t want = left < s->most[0] ? left : s->most[0];
    while (n < want)
        n += jpeg_read_scanlines(&s->d, s->rows[0] + n, want - n);
    band->plane[0] = s->rows[0][0];
    band->stride[0] = s->stride[0];
    band->rows[0] = n;
    s->given[0] += n;
}

/* To the end of the file: whether it is whole is only known there. The last line is read, not skipped, or libjpeg would
 * not look at what is left. */
static void finish(struct jpeg_source *s)
{
    JDIMENSION lines = (JDIMENSION)(s->d.max_v_samp_factor * s->d.min_DCT_scaled_size);
    s->ended = true;
    if (!s->ask.strict)
        return;
    if (!s->planes && s->d.output_scanline + 1 < s->d.output_height)
        jpeg_skip_scanlines(&s->d, s->d.output_height - s->d.output_scanline - 1);
    while (s->d.output_scanline < s->d.output_height) {
        if (s->planes)
            jpeg_read_raw_data(&s->d, s->rows, lines);
        else
            jpeg_read_scanlines(&s->d, s->rows[0], 1);
    }
    jpeg_finish_decompress(&s->d);
}

/* A large file is not to be resident as a whole: what was read is mapped again if somebody asks for it. */
static void forget(struct jpeg_source *s)
{
    const char *file = s->ask.bytes.p, *at = (const char *)s->d.src->next_input_byte;
    if (!s->x->mapped || at < file + s->dropped + BEHIND || at > file + s->ask.bytes.n)
        return;
    uintptr_t from = ((uintptr_t)file + s->dropped + PAGE - 1) & ~(PAGE - 1), to = (uintptr_t)at & ~(PAGE - 1);
    s->dropped = (size_t)(to - (uintptr_t)file);
    if (from < to)
        alb_ignore(madvise((void *)from, to - from, MADV_DONTNEED) != 0, "memory stays until the picture is done");
}

static enum alb_code read_band(struct alb_source *b, struct alb_band *band, struct alb_err *err)
{
    struct jpeg_source *s = of(b);
    memset(band, 0, sizeof(*band));
    if (s->ended)
        return ALB_OK;
    if (setjmp(s->errors.end) != 0) /* allowed: setjmp, see jpeg_ends.h */
        return alb_jpeg_failed(&s->errors, err);
    uint32_t height = s->planes ? b->format.height : b->area.height;
    if (s->given[0] >= height)
        finish(s);
    else if (s->planes)
        read_planes(s, band);
    else
        read_lines(s, band);
    forget(s);
    return ALB_OK;
}

/* ---- life ---- */

static void close_source(struct alb_source *b)
{
    struct jpeg_source *s = of(b);
    jpeg_destroy_decompress(&s->d);
    alb_mem_free(s->icc); /* from libjpeg's malloc */
    s->icc = NULL;
}

static const struct alb_source_ops ops = {start, read_band, close_source};

enum alb_code alb_jpeg_source_open(struct alb_express *x, const struct alb_source_ask *ask,
                                   struct alb_source **out, struct alb_err *err)
{
    struct jpeg_source *s = alb_scratch_take(x->scratch, 1, sizeof(*s));
    enum alb_code code = ALB_OK;
    *out = NULL;
    if (!s)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory");
    memset(s, 0, sizeof(*s));
    s->base.ops = &ops;
    s->x = x;
    s->ask = *ask;
    alb_jpeg_errors_init(&s->errors, ask->strict);
    s->d.err = &s->errors.mgr;
    if (setjmp(s->errors.end) != 0) { /* allowed: setjmp, see jpeg_ends.h */
        code = alb_jpeg_failed(&s->errors, err);
    } else {
        jpeg_create_decompress(&s->d);
        s->d.client_data = s;
        s->progress.progress_monitor = on_progress;
        s->d.progress = &s->progress;
        if (!read_header(s))
            code = alb_fail(err, ALB_E_UNSUPPORTED, "a JPEG for the general executor");
    }
    if (code != ALB_OK)
        close_source(&s->base);
    else
        *out = &s->base;
    return code;
}
