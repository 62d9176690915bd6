/* SPDX-License-Identifier: Apache-2.0
 *
 * AVIF to rows, through libavif and dav1d. Stills of 8 bits in colour come as the planes that they are coded
 * in, or as RGB; with transparency as RGBA. Those that are turned, cut or made of tiles by their container,
 * sequences, more bits, grey ones, and colours that are not those of sRGB's primaries and curve are the
 * general executor's (which takes any colours that a file says it has for sRGB, unless it has a profile; so
 * nothing is lost).
 */
#include <avif/avif.h>
#include <string.h>

#include "image/express/rows.h"

#define BAND 32 /* rows; even */

struct avif {
    struct alb_source base;
    struct alb_express *x;
    avifDecoder *decoder;
    bool decoded;
    uint8_t *pixels; /* RGB or RGBA; NULL: planes, where the decoder has them */
    size_t line;
    uint32_t next;
};

static struct avif *of(struct alb_source *s)
{
    return ALB_CONTAINER_OF(s, struct avif, base);
}

static enum alb_code no_memory(struct alb_err *err)
{
    return alb_fail(err, ALB_E_NO_MEMORY, "avif: no memory");
}

static enum alb_code not_ours(struct alb_err *err, const char *why)
{
    return alb_fail(err, ALB_E_UNSUPPORTED, "avif: %s", why);
}

static enum alb_code failed(avifResult r, struct alb_err *err)
{
    if (r == AVIF_RESULT_OUT_OF_MEMORY)
        return no_memory(err);
    return alb_fail(err, ALB_E_UNPROCESSABLE, "avif: %s", avifResultToString(r));
}

/* ---- what lies in the file ---- */

static bool is_601(avifMatrixCoefficients m)
{
    return m == AVIF_MATRIX_COEFFICIENTS_BT601 || m == AVIF_MATRIX_COEFFICIENTS_BT470BG ||
           m == AVIF_MATRIX_COEFFICIENTS_UNSPECIFIED;
}

static bool is_srgb(const avifImage *i)
{
    bool curve = i->transferCharacteristics == AVIF_TRANSFER_CHARACTERISTICS_SRGB ||
                 i->transferCharacteristics == AVIF_TRANSFER_CHARACTERISTICS_BT709 ||
                 i->transferCharacteristics == AVIF_TRANSFER_CHARACTERISTICS_BT601 ||
                 i->transferCharacteristics == AVIF_TRANSFER_CHARACTERISTICS_UNSPECIFIED;
    bool primaries = i->colorPrimaries == AVIF_COLOR_PRIMARIES_BT709 ||
                     i->colorPrimaries == AVIF_COLOR_PRIMARIES_UNSPECIFIED;
    return curve && primaries;
}

static bool layout_of(const avifImage *i, bool alpha, struct alb_rows_format *f)
{
    *f = (struct alb_rows_format){.bits = 8, .width = i->width, .height = i->height};
    f->layout = alpha ? ALB_LAYOUT_RGB_ALPHA : ALB_LAYOUT_YCC;
    f->sub_x = i->yuvFormat != AVIF_PIXEL_FORMAT_YUV444;
    f->sub_y = i->yuvFormat == AVIF_PIXEL_FORMAT_YUV420;
    f->matrix = is_601(i->matrixCoefficients) ? ALB_MATRIX_601 : ALB_MATRIX_709;
    f->limited = i->yuvRange == AVIF_RANGE_LIMITED;
    bool coloured = i->yuvFormat == AVIF_PIXEL_FORMAT_YUV444 || i->yuvFormat == AVIF_PIXEL_FORMAT_YUV422 ||
                    i->yuvFormat == AVIF_PIXEL_FORMAT_YUV420;
    return i->depth == 8 && coloured && is_srgb(i) && !i->alphaPremultiplied &&
           (is_601(i->matrixCoefficients) || i->matrixCoefficients == AVIF_MATRIX_COEFFICIENTS_BT709);
}

static bool same_format(const struct alb_rows_format *a, const struct alb_rows_format *b)
{
    return a->layout == b->layout && a->width == b->width && a->height == b->height && a->sub_x == b->sub_x &&
           a->sub_y == b->sub_y && a->matrix == b->matrix && a->limited == b->limited;
}

/* ---- rows ---- */

static enum alb_code start(struct alb_source *s, enum alb_layout layout, struct alb_rect window,
                           struct alb_err *err)
{
    struct avif *a = of(s);
    if ((s->layouts & ALB_LAYOUT_BIT(layout)) == 0)
        return not_ours(err, "another layout");
    s->format = s->native;
    s->format.layout = layout;
    uint32_t top = window.top & ~1u;
    s->area = (struct alb_rect){0, top, s->native.width, window.top - top + window.height};
    a->next = top;
    if (layout == ALB_LAYOUT_YCC)
        return ALB_OK;
    a->line = (size_t)s->native.width * alb_layout_samples(layout);
    a->pixels = alb_scratch_take(a->x->scratch, a->line * s->native.height + ALB_ROW_SLACK, 1);
    return a->pixels ? ALB_OK : no_memory(err);
}

static enum alb_code to_pixels(struct avif *a, struct alb_err *err)
{
    avifRGBImage rgb;
    avifImage *i = a->decoder->image;
    if (i->matrixCoefficients == AVIF_MATRIX_COEFFICIENTS_UNSPECIFIED)
        i->matrixCoefficients = AVIF_MATRIX_COEFFICIENTS_BT601;
    avifRGBImageSetDefaults(&rgb, i);
    rgb.format = a->base.format.layout == ALB_LAYOUT_RGB ? AVIF_RGB_FORMAT_RGB : AVIF_RGB_FORMAT_RGBA;
    rgb.depth = 8;
    rgb.pixels = a->pixels;
    rgb.rowBytes = (uint32_t)a->line;
    avifResult r = avifImageYUVToRGB(i, &rgb);
    return r == AVIF_RESULT_OK ? ALB_OK : failed(r, err);
}

/* What the stream says may be other than what the container said. Planes of its own are those that libavif
 * has put together from tiles; they have no room behind them. */
static enum alb_code decode(struct avif *a, struct alb_err *err)
{
    struct alb_rows_format f;
    const avifImage *i = a->decoder->image;
    avifResult r = avifDecoderNextImage(a->decoder);
    if (r != AVIF_RESULT_OK)
        return failed(r, err);
    a->decoded = true;
    bool alpha = i->alphaPlane != NULL;
    if (!layout_of(i, alpha, &f) || !same_format(&f, &a->base.native) || i->imageOwnsYUVPlanes)
        return not_ours(err, "not what its container says, or tiles");
    return a->pixels ? to_pixels(a, err) : ALB_OK;
}

static void put_planes(const struct avif *a, uint32_t rows, struct alb_band *band)
{
    const avifImage *i = a->decoder->image;
    for (unsigned p = 0; p < ALB_PLANES; p++) {
        unsigned sub = p == 0 ? 0 : a->base.format.sub_y;
        uint32_t first = a->next >> sub, behind = (a->next + rows + (1u << sub) - 1) >> sub;
        band->stride[p] = i->yuvRowBytes[p];
        band->plane[p] = i->yuvPlanes[p] + first * band->stride[p];
        band->rows[p] = behind - first;
    }
}

static enum alb_code read_band(struct alb_source *s, struct alb_band *band, struct alb_err *err)
{
    struct avif *a = of(s);
    uint32_t end = s->area.top + s->area.height, rows = end - a->next;
    memset(band, 0, sizeof(*band));
    enum alb_code code = a->decoded ? ALB_OK : decode(a, err);
    if (code != ALB_OK || rows == 0)
        return code;
    rows = rows < BAND ? rows : BAND;
    if (a->pixels) {
        band->plane[0] = a->pixels + a->next * a->line;
        band->stride[0] = a->line;
        band->rows[0] = rows;
    } else {
        put_planes(a, rows, band);
    }
    a->next += rows;
    return ALB_OK;
}

static void close_source(struct alb_source *s)
{
    struct avif *a = of(s);
    if (a->decoder)
        avifDecoderDestroy(a->decoder);
    a->decoder = NULL;
}

/* ---- opening ---- */

static enum alb_code look(struct avif *a, const struct alb_source_ask *ask, struct alb_err *err)
{
    avifDecoder *d = a->decoder;
    d->codecChoice = AVIF_CODEC_CHOICE_DAV1D;
    d->maxThreads = (int)a->x->threads;
    d->requestedSource = AVIF_DECODER_SOURCE_PRIMARY_ITEM;
    d->ignoreExif = !ask->metadata;
    d->ignoreXMP = !ask->metadata;
    avifResult r = avifDecoderSetIOMemory(d, (const uint8_t *)ask->bytes.p, ask->bytes.n);
    if (r == AVIF_RESULT_OK)
        r = avifDecoderParse(d);
    if (r != AVIF_RESULT_OK)
        return not_ours(err, avifResultToString(r));
    const avifImage *i = d->image;
    if (d->imageCount != 1 || i->transformFlags != AVIF_TRANSFORM_NONE || i->width != ask->source_width ||
        i->height != ask->source_height || ask->width != i->width || ask->height != i->height ||
        !layout_of(i, d->alphaPresent, &a->base.native))
        return not_ours(err, "not of the common kind");
    return ALB_OK;
}

static void describe(struct avif *a)
{
    struct alb_source *s = &a->base;
    const avifImage *i = a->decoder->image;
    s->layouts = ALB_LAYOUT_BIT(s->native.layout);
    if (s->native.layout == ALB_LAYOUT_YCC)
        s->layouts |= ALB_LAYOUT_BIT(ALB_LAYOUT_RGB);
    s->icc = (struct alb_str){(const char *)i->icc.data, i->icc.size};
    s->exif = (struct alb_str){(const char *)i->exif.data, i->exif.size};
    s->xmp = (struct alb_str){(const char *)i->xmp.data, i->xmp.size};
}

enum alb_code alb_avif_source_open(struct alb_express *x, const struct alb_source_ask *ask,
                                   struct alb_source **out, struct alb_err *err)
{
    static const struct alb_source_ops ops = {start, read_band, close_source};
    struct avif *a = alb_scratch_take(x->scratch, 1, sizeof(*a));
    *out = NULL;
    if (!a)
        return no_memory(err);
    memset(a, 0, sizeof(*a));
    a->base.ops = &ops;
    a->x = x;
    a->decoder = avifDecoderCreate();
    if (!a->decoder)
        return no_memory(err);
    enum alb_code code = look(a, ask, err);
    if (code != ALB_OK) {
        close_source(&a->base);
        return code;
    }
    describe(a);
    *out = &a->base;
    return ALB_OK;
}
