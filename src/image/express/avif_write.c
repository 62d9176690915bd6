/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows to AVIF through libavif and libaom. Planes are coded as they come; RGB is turned into planes here,
 * once all of it is there (the encoder wants the picture whole).
 *
 * Where a plan asks for an effort, libaom gets the settings that the general executor gives it. Where it
 * leaves that open, that would be speed 8; up to quality 65 speed 9 with quantisation matrices does it in a
 * third of the time, with as many bytes and no lower score, at a quality that is raised for it
 * (docs/architecture.md has the numbers).
 *
 * SVT-AV1 1.4 takes 210 ms before its first picture, and no odd sizes. Debian's libaom 3.6 aborts on 10 bits.
 * Several threads make other bytes, so it is always one.
 */
#include <avif/avif.h>
#include <stdio.h>
#include <string.h>

#include "image/express/rows.h"

#define RESULT_MAX ((uint64_t)64 << 20)
#define QUANTIZERS 63
#define OPEN_EFFORT_MOST 65 /* quality up to which speed 9 does the work of 8 */
#define MATRIX "5"          /* 0: the steepest .. 15: flat; 5 is the best of 0, 2, 4, 5, 8, 10 and 12 */

struct avif {
    struct alb_sink base;
    struct alb_rows_format format;
    const struct alb_output *output;
    struct alb_buf *out;
    struct alb_str exif, xmp;
    unsigned quality;
    uint8_t *plane[ALB_PLANES]; /* YCC; grey: Y; RGB: all in the first */
    size_t stride[ALB_PLANES];
    uint8_t *alpha; /* of grey with alpha */
    uint32_t next[ALB_PLANES];
};

static struct avif *of(struct alb_sink *s)
{
    return ALB_CONTAINER_OF(s, struct avif, base);
}

static enum alb_code no_memory(struct alb_err *err)
{
    return alb_fail(err, ALB_E_NO_MEMORY, "avif: no memory");
}

/* ---- settings ---- */

static bool full_chroma(const struct alb_output *o, unsigned quality)
{
    return o->heif_chroma == ALB_CHROMA_FULL || (o->heif_chroma == ALB_CHROMA_AUTO && quality >= 90);
}

/* Effort 1..10 on libaom's 9..0. */
static int speed(const struct alb_output *o)
{
    unsigned e = o->effort[ALB_FORMAT_AVIF];
    return e == 0 ? 8 : 9 - (int)((e - 1) * 9 + 4) / 9;
}

static unsigned quality_of(const struct alb_output *o)
{
    return o->quality[ALB_FORMAT_AVIF] ? o->quality[ALB_FORMAT_AVIF] : o->quality[ALB_FORMAT_SAME];
}

/* The quality at which speed 9 with matrices writes as many bytes as speed 8 without does at this one, or
 * fewer. (Means of photographs to 512 pixels.) */
static unsigned with_matrices(unsigned quality)
{
    static const struct {
        unsigned q, to;
    } t[] = {{0, 0}, {20, 21}, {30, 33}, {40, 45}, {50, 57}, {63, 77}, {OPEN_EFFORT_MOST, 78}};
    size_t i = 1;
    while (i + 1 < ALB_ARRAY_LEN(t) && quality > t[i].q)
        i++;
    unsigned span = t[i].q - t[i - 1].q;
    return t[i - 1].to + ((quality - t[i - 1].q) * (t[i].to - t[i - 1].to) + span / 2) / span;
}

static void configure(const struct avif *a, avifEncoder *e)
{
    char level[16];
    bool ours = a->output->effort[ALB_FORMAT_AVIF] == 0 && a->quality <= OPEN_EFFORT_MOST;
    unsigned quality = ours ? with_matrices(a->quality) : a->quality;
    snprintf(level, sizeof(level), "%u", ((100 - quality) * QUANTIZERS + 50) / 100);
    e->codecChoice = AVIF_CODEC_CHOICE_AOM;
    e->maxThreads = 1;
    e->speed = ours ? 9 : speed(a->output);
    if (ours) {
        avifEncoderSetCodecSpecificOption(e, "enable-qm", "1");
        avifEncoderSetCodecSpecificOption(e, "qm-min", MATRIX);
        avifEncoderSetCodecSpecificOption(e, "qm-max", MATRIX);
    }
    e->minQuantizer = e->minQuantizerAlpha = 0;
    e->maxQuantizer = e->maxQuantizerAlpha = QUANTIZERS;
    avifEncoderSetCodecSpecificOption(e, "end-usage", "q");
    avifEncoderSetCodecSpecificOption(e, "cq-level", level);
    avifEncoderSetCodecSpecificOption(e, "tune", "ssim");
}

/* ---- rows ---- */

static void take_grey(const struct avif *a, const uint8_t *from, uint32_t y)
{
    uint8_t *to = a->plane[0] + y * a->stride[0], *alpha = a->alpha + y * a->stride[0];
    for (uint32_t x = 0; x < a->format.width; x++) {
        to[x] = *from++;
        alpha[x] = *from++;
    }
}

static enum alb_code write_band(struct alb_sink *s, const struct alb_band *band, struct alb_err *err)
{
    struct avif *a = of(s);
    for (unsigned i = 0; i < alb_layout_planes(a->format.layout); i++) {
        if (band->rows[i] > alb_plane_height(&a->format, i) - a->next[i])
            return alb_fail(err, ALB_E_INTERNAL, "avif: more rows than the picture has");
        for (uint32_t y = 0; y < band->rows[i]; y++, a->next[i]++) {
            const uint8_t *from = band->plane[i] + y * band->stride[i];
            if (a->alpha)
                take_grey(a, from, a->next[i]);
            else
                memcpy(a->plane[i] + a->next[i] * a->stride[i], from, a->stride[i]);
        }
    }
    return ALB_OK;
}

/* ---- the file ---- */

static avifPixelFormat pixel_format(const struct avif *a)
{
    const struct alb_rows_format *f = &a->format;
    bool full = f->layout == ALB_LAYOUT_YCC ? f->sub_x == 0 : full_chroma(a->output, a->quality);
    return full ? AVIF_PIXEL_FORMAT_YUV444 : AVIF_PIXEL_FORMAT_YUV420;
}

static void borrow_planes(const struct avif *a, avifImage *i)
{
    for (unsigned p = 0; p < ALB_PLANES; p++) {
        i->yuvPlanes[p] = a->plane[p];
        i->yuvRowBytes[p] = (uint32_t)a->stride[p];
    }
    i->alphaPlane = a->alpha;
    i->alphaRowBytes = a->alpha ? (uint32_t)a->stride[0] : 0;
    i->imageOwnsYUVPlanes = i->imageOwnsAlphaPlane = AVIF_FALSE;
}

static avifResult make_planes(const struct avif *a, avifImage *i)
{
    avifRGBImage rgb;
    avifRGBImageSetDefaults(&rgb, i);
    rgb.format = a->format.layout == ALB_LAYOUT_RGB ? AVIF_RGB_FORMAT_RGB : AVIF_RGB_FORMAT_RGBA;
    rgb.depth = 8;
    rgb.pixels = a->plane[0];
    rgb.rowBytes = (uint32_t)a->stride[0];
    return avifImageRGBToYUV(i, &rgb);
}

static avifResult fill(const struct avif *a, avifImage *i)
{
    bool is_709 = a->format.layout == ALB_LAYOUT_YCC && a->format.matrix == ALB_MATRIX_709;
    i->colorPrimaries = AVIF_COLOR_PRIMARIES_BT709;
    i->transferCharacteristics = AVIF_TRANSFER_CHARACTERISTICS_SRGB;
    i->matrixCoefficients = is_709 ? AVIF_MATRIX_COEFFICIENTS_BT709 : AVIF_MATRIX_COEFFICIENTS_BT601;
    i->yuvRange = AVIF_RANGE_FULL;
    if (a->exif.n > 0)
        avifImageSetMetadataExif(i, (const uint8_t *)a->exif.p, a->exif.n);
    if (a->xmp.n > 0)
        avifImageSetMetadataXMP(i, (const uint8_t *)a->xmp.p, a->xmp.n);
    if (a->format.layout == ALB_LAYOUT_RGB || a->format.layout == ALB_LAYOUT_RGB_ALPHA)
        return make_planes(a, i);
    borrow_planes(a, i);
    return AVIF_RESULT_OK;
}

static enum alb_code encode(struct avif *a, avifImage *image, avifEncoder *encoder, struct alb_err *err)
{
    avifRWData file = AVIF_DATA_EMPTY;
    avifResult r = fill(a, image);
    configure(a, encoder);
    if (r == AVIF_RESULT_OK)
        r = avifEncoderWrite(encoder, image, &file);
    if (r == AVIF_RESULT_OK)
        alb_buf_add(a->out, file.data, file.size);
    avifRWDataFree(&file);
    if (r == AVIF_RESULT_OUT_OF_MEMORY)
        return no_memory(err);
    if (r != AVIF_RESULT_OK)
        return alb_fail(err, ALB_E_UNSUPPORTED, "avif: %s", avifResultToString(r));
    return alb_buf_code(a->out) == ALB_OK
               ? ALB_OK
               : alb_fail(err, alb_buf_code(a->out), "avif: the result is too large");
}

static enum alb_code finish(struct alb_sink *s, struct alb_err *err)
{
    struct avif *a = of(s);
    for (unsigned i = 0; i < alb_layout_planes(a->format.layout); i++) {
        if (a->next[i] != alb_plane_height(&a->format, i))
            return alb_fail(err, ALB_E_INTERNAL, "avif: rows are missing");
    }
    avifImage *image = avifImageCreate(a->format.width, a->format.height, 8, pixel_format(a));
    avifEncoder *encoder = avifEncoderCreate();
    enum alb_code code = image && encoder ? encode(a, image, encoder, err) : no_memory(err);
    if (encoder)
        avifEncoderDestroy(encoder);
    if (image)
        avifImageDestroy(image);
    return code;
}

static void close_sink(struct alb_sink *s)
{
    (void)s; /* all of it lies in the scratch */
}

/* ---- opening ---- */

/* The format has no place for a resolution but EXIF, where 72 dpi is what readers assume anyway. */
bool alb_avif_sink_takes(const struct alb_output *o)
{
    return o->profile == ALB_PROFILE_SRGB && (o->dpi <= 0 || (o->dpi > 71.9 && o->dpi < 72.1)) &&
           !o->keep_metadata && !o->lossless;
}

bool alb_avif_sink_planes(const struct alb_output *o, const struct alb_rows_format *source,
                          struct alb_rows_format *want)
{
    if (source->layout != ALB_LAYOUT_YCC)
        return false;
    want->layout = ALB_LAYOUT_YCC;
    want->bits = 8;
    want->sub_x = want->sub_y = full_chroma(o, quality_of(o)) ? 0 : 1;
    want->matrix = source->matrix;
    want->limited = false;
    return true;
}

static bool is_possible(const struct alb_rows_format *f, const struct alb_output *o)
{
    if (f->bits != 8 || !alb_avif_sink_takes(o) || (uint64_t)f->width * f->height * 4 > RESULT_MAX)
        return false;
    return f->layout != ALB_LAYOUT_YCC || (!f->limited && f->sub_x == f->sub_y && f->sub_x <= 1);
}

/* Room for what will come, and for grey also the planes that it has not: chroma in the middle. */
static bool prepare(struct avif *a, struct alb_express *x)
{
    bool grey = a->format.layout == ALB_LAYOUT_GREY || a->format.layout == ALB_LAYOUT_GREY_ALPHA;
    struct alb_rows_format f = a->format;
    if (grey)
        f.sub_x = f.sub_y = pixel_format(a) == AVIF_PIXEL_FORMAT_YUV420;
    for (unsigned i = 0; i < (grey ? ALB_PLANES : alb_layout_planes(f.layout)); i++) {
        size_t rows = i == 0 ? f.height : alb_plane_height(&f, i);
        a->stride[i] = (size_t)alb_plane_width(&f, i) * (grey ? 1 : alb_layout_samples(f.layout));
        a->plane[i] = alb_scratch_take(x->scratch, a->stride[i], rows);
        if (!a->plane[i])
            return false;
        if (grey && i > 0)
            memset(a->plane[i], 128, a->stride[i] * rows);
    }
    if (a->format.layout != ALB_LAYOUT_GREY_ALPHA)
        return true;
    a->alpha = alb_scratch_take(x->scratch, a->stride[0], f.height);
    return a->alpha != NULL;
}

enum alb_code alb_avif_sink_open(struct alb_express *x, const struct alb_sink_ask *ask,
                                 struct alb_sink **sink, struct alb_err *err)
{
    static const struct alb_sink_ops ops = {write_band, finish, close_sink};
    *sink = NULL;
    if (!is_possible(&ask->format, ask->output))
        return alb_fail(err, ALB_E_UNSUPPORTED, "avif: not this one");
    struct avif *a = alb_scratch_take(x->scratch, 1, sizeof(*a));
    if (!a)
        return no_memory(err);
    *a = (struct avif){.base = {&ops},
                       .format = ask->format,
                       .output = ask->output,
                       .out = ask->out,
                       .exif = alb_exif_bare(ask->exif),
                       .xmp = ask->xmp,
                       .quality = ask->quality};
    if (!prepare(a, x))
        return no_memory(err);
    *sink = &a->base;
    return ALB_OK;
}
