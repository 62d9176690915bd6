/* SPDX-License-Identifier: Apache-2.0
 *
 * AVIF through libavif: the frames of animations, both ways, and pictures of 10 bits out.
 */
#include <string.h>

#include <avif/avif.h>

#include "image/frames.h"
#include "image/hdr.h"

#define TIMESCALE 1000    /* delays are milliseconds */
#define DELAY_DEFAULT 100 /* of a frame that is told to last no time: as browsers show it */
#define FULL_CHROMA 90    /* quality from which on AUTO keeps all colours, as libvips has it */

/* ---- in ---- */

static VipsImage *bad(struct alb_err *err, const char *what, avifResult rc)
{
    alb_fail(err, ALB_E_UNPROCESSABLE, "avif: %s: %s", what, avifResultToString(rc));
    return NULL;
}

static int milliseconds(double seconds)
{
    double ms = seconds * 1000 + 0.5;
    return ms >= 0 && ms < INT32_MAX ? (int)ms : 0;
}

/* What libvips would have put on it. */
static void put_metadata(VipsImage *image, const avifImage *a)
{
    if (a->icc.size > 0)
        vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, a->icc.data, a->icc.size);
    if (a->xmp.size > 0)
        vips_image_set_blob_copy(image, VIPS_META_XMP_NAME, a->xmp.data, a->xmp.size);
    if (a->exif.size > 0) {
        char *whole = g_malloc(6 + a->exif.size);
        memcpy(whole, "Exif\0", 6);
        memcpy(whole + 6, a->exif.data, a->exif.size);
        vips_image_set_blob_copy(image, VIPS_META_EXIF_NAME, whole, 6 + a->exif.size);
        g_free(whole);
    }
}

static avifResult read_frame(avifDecoder *d, uint32_t n, VipsImage *image, uint32_t at,
                             const struct alb_frames *f)
{
    avifRGBImage rgb;
    avifResult rc = avifDecoderNthImage(d, n);
    if (rc != AVIF_RESULT_OK)
        return rc;
    if (d->image->width != f->width || d->image->height != f->height)
        return AVIF_RESULT_INVALID_IMAGE_GRID;
    avifRGBImageSetDefaults(&rgb, d->image);
    rgb.format = f->bands == 4 ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
    rgb.depth = f->bits > 8 ? 16 : 8;
    rgb.rowBytes = f->width * f->bands * (f->bits > 8 ? 2 : 1);
    rgb.pixels = image->data + (size_t)at * rgb.rowBytes * f->height;
    return avifImageYUVToRGB(d->image, &rgb);
}

static VipsImage *read_frames(avifDecoder *d, const struct alb_load *l, struct alb_err *err)
{
    struct alb_frames f = {
        d->image->width, d->image->height,         (uint32_t)d->imageCount,           d->alphaPresent ? 4 : 3,
        d->image->depth, alb_avif_plays(l->bytes), g_new0(int, (size_t)d->imageCount)};
    avifResult rc = AVIF_RESULT_OK;
    for (uint32_t i = 0; i < f.count; i++) {
        avifImageTiming t;
        if (avifDecoderNthImageTiming(d, i, &t) == AVIF_RESULT_OK)
            f.delays[i] = milliseconds(t.duration);
    }
    VipsImage *image = alb_frames_new(l, &f, err);
    uint32_t wanted = l->header ? 0 : alb_frames_wanted(l, f.count);
    for (uint32_t i = 0; image && rc == AVIF_RESULT_OK && i < wanted; i++)
        rc = read_frame(d, l->page + i, image, i, &f);
    g_free(f.delays);
    if (rc != AVIF_RESULT_OK) {
        g_object_unref(image);
        return bad(err, "frames", rc);
    }
    if (image)
        put_metadata(image, d->image);
    return image;
}

/* ---- stills of other colours ---- */

static enum alb_hdr range_of(const avifImage *a)
{
    if (a->transferCharacteristics == AVIF_TRANSFER_CHARACTERISTICS_SMPTE2084)
        return ALB_HDR_PQ;
    return a->transferCharacteristics == AVIF_TRANSFER_CHARACTERISTICS_HLG ? ALB_HDR_HLG : ALB_HDR_NONE;
}

/* Display P3 that only numbers tell of (CICP 12, with the curve of sRGB), no profile. */
static bool is_p3(const avifImage *a)
{
    return a->icc.size == 0 && a->colorPrimaries == AVIF_COLOR_PRIMARIES_SMPTE432 &&
           (a->transferCharacteristics == AVIF_TRANSFER_CHARACTERISTICS_SRGB ||
            a->transferCharacteristics == AVIF_TRANSFER_CHARACTERISTICS_UNSPECIFIED);
}

/* libheif tells libvips nothing of them. Turned and cut pictures are left to it: it does that. */
static bool has_other_colours(const avifDecoder *d)
{
    const avifImage *a = d->image;
    return d->imageCount == 1 && (a->transformFlags & ~(unsigned)AVIF_TRANSFORM_PASP) == 0 &&
           (is_p3(a) || (range_of(a) != ALB_HDR_NONE && a->icc.size == 0));
}

static VipsImage *tone_mapped(VipsImage *deep, enum alb_hdr how, struct alb_err *err)
{
    unsigned bands = (unsigned)deep->Bands;
    VipsImage *image =
        alb_load_blank((uint32_t)deep->Xsize, (uint32_t)deep->Ysize, bands, VIPS_FORMAT_UCHAR, err);
    struct alb_hdr_tables *t = image ? alb_hdr_new(how) : NULL;
    if (t)
        alb_hdr_run(t, (const uint16_t *)(const void *)deep->data, image->data,
                    (size_t)deep->Xsize * (size_t)deep->Ysize, bands);
    else if (image)
        alb_fail(err, ALB_E_NO_MEMORY, "no memory for a picture");
    if (!t)
        g_clear_object(&image);
    alb_hdr_free(&t);
    g_object_unref(deep);
    return image;
}

static void put_p3(VipsImage *image)
{
    VipsBlob *profile = NULL;
    size_t n = 0;
    if (vips_profile_load("p3", &profile, NULL) == 0 && profile) {
        const void *p = vips_blob_get(profile, &n);
        vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, p, n);
        vips_area_unref(VIPS_AREA(profile));
    }
    vips_error_clear();
}

static VipsImage *read_still(avifDecoder *d, const struct alb_load *l, struct alb_err *err)
{
    enum alb_hdr how = range_of(d->image);
    struct alb_frames f = {.width = d->image->width,
                           .height = d->image->height,
                           .count = 1,
                           .bands = d->alphaPresent ? 4 : 3,
                           .bits = how != ALB_HDR_NONE && !l->header ? 16
                                   : how != ALB_HDR_NONE             ? 8
                                                                     : d->image->depth};
    VipsImage *image = alb_frames_new(l, &f, err);
    avifResult rc = image && !l->header ? read_frame(d, 0, image, 0, &f) : AVIF_RESULT_OK;
    if (rc != AVIF_RESULT_OK) {
        g_object_unref(image);
        return bad(err, "picture", rc);
    }
    if (image && how != ALB_HDR_NONE && !l->header)
        image = tone_mapped(image, how, err);
    if (!image)
        return NULL;
    put_metadata(image, d->image);
    if (is_p3(d->image))
        put_p3(image);
    return image;
}

static avifDecoder *decoder(const struct alb_load *l, bool moves)
{
    avifDecoder *d = avifDecoderCreate();
    if (!d)
        return NULL;
    d->maxThreads = 1;
    d->imageCountLimit = ALB_FRAMES_MAX;
    d->strictFlags = AVIF_STRICT_DISABLED;
    if (avifDecoderSetSource(d, moves ? AVIF_DECODER_SOURCE_TRACKS : AVIF_DECODER_SOURCE_PRIMARY_ITEM) ==
            AVIF_RESULT_OK &&
        avifDecoderSetIOMemory(d, (const uint8_t *)l->bytes.p, l->bytes.n) == AVIF_RESULT_OK &&
        avifDecoderParse(d) == AVIF_RESULT_OK)
        return d;
    avifDecoderDestroy(d);
    return NULL;
}

/* What libavif cannot read may be a still for libheif. */
VipsImage *alb_avif_open(const struct alb_load *l, bool *taken, struct alb_err *err)
{
    VipsImage *image = NULL;
    bool may_move = alb_str_find_str(l->bytes, ALB_STR("moov")) != ALB_STR_NPOS;
    *taken = false;
    if (l->thumbnail)
        return NULL;
    avifDecoder *d = may_move ? decoder(l, true) : NULL;
    if (d && d->imageCount > 1) {
        *taken = true;
        image = read_frames(d, l, err);
    }
    if (d)
        avifDecoderDestroy(d);
    d = !*taken ? decoder(l, false) : NULL;
    if (d && l->page == 0 && has_other_colours(d)) {
        *taken = true;
        image = read_still(d, l, err);
    }
    if (d)
        avifDecoderDestroy(d);
    return image;
}

/* ---- out ---- */

static avifPixelFormat chroma_of(const struct alb_output *o, int quality, bool grey)
{
    if (grey)
        return AVIF_PIXEL_FORMAT_YUV400;
    bool full =
        o->heif_chroma == ALB_CHROMA_FULL || (o->heif_chroma == ALB_CHROMA_AUTO && quality >= FULL_CHROMA);
    return full ? AVIF_PIXEL_FORMAT_YUV444 : AVIF_PIXEL_FORMAT_YUV420;
}

/* The colours of a frame as the encoder takes them; it borrows from `image` until it is done. */
static avifResult fill(avifImage *a, VipsImage *image, uint32_t at)
{
    avifRGBImage rgb;
    avifRGBImageSetDefaults(&rgb, a);
    rgb.format = image->Bands == 4 ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
    rgb.depth = a->depth > 8 ? 16 : 8;
    rgb.rowBytes = (uint32_t)(image->Xsize * image->Bands) * (a->depth > 8 ? 2 : 1);
    rgb.pixels = image->data + (size_t)at * rgb.rowBytes * a->height;
    return avifImageRGBToYUV(a, &rgb);
}

static void take_metadata(avifImage *a, VipsImage *image)
{
    const void *p;
    size_t n;
    a->colorPrimaries = AVIF_COLOR_PRIMARIES_BT709;
    a->transferCharacteristics = AVIF_TRANSFER_CHARACTERISTICS_SRGB;
    a->matrixCoefficients = AVIF_MATRIX_COEFFICIENTS_BT601;
    a->yuvRange = AVIF_RANGE_FULL;
    if (vips_image_get_typeof(image, VIPS_META_ICC_NAME) &&
        vips_image_get_blob(image, VIPS_META_ICC_NAME, &p, &n) == 0)
        avifImageSetProfileICC(a, p, n);
    if (vips_image_get_typeof(image, VIPS_META_XMP_NAME) &&
        vips_image_get_blob(image, VIPS_META_XMP_NAME, &p, &n) == 0)
        avifImageSetMetadataXMP(a, p, n);
    struct alb_str exif = alb_exif_block(image);
    if (exif.n > 6)
        avifImageSetMetadataExif(a, (const uint8_t *)exif.p + 6, exif.n - 6);
    g_free((void *)(uintptr_t)exif.p);
}

/* Constant quality on libaom's own scale, as libheif maps it. */
static void set_quality(avifEncoder *e, int quality, int speed)
{
    char level[8];
    g_snprintf(level, sizeof(level), "%d", ((100 - quality) * 63 + 50) / 100);
    e->codecChoice = AVIF_CODEC_CHOICE_AOM;
    e->maxThreads = 1;
    e->speed = speed;
    e->timescale = TIMESCALE;
    e->minQuantizer = e->minQuantizerAlpha = 0;
    e->maxQuantizer = e->maxQuantizerAlpha = 63;
    avifEncoderSetCodecSpecificOption(e, "end-usage", "q");
    avifEncoderSetCodecSpecificOption(e, "cq-level", level);
    avifEncoderSetCodecSpecificOption(e, "tune", "ssim");
}

static avifResult add_frames(avifEncoder *e, avifImage *a, VipsImage *image, uint32_t n)
{
    int *delays = NULL, have = 0;
    avifResult rc = AVIF_RESULT_OK;
    if (vips_image_get_typeof(image, "delay") &&
        vips_image_get_array_int(image, "delay", &delays, &have) != 0)
        have = 0;
    for (uint32_t i = 0; rc == AVIF_RESULT_OK && i < n; i++) {
        int ms = (int)i < have && delays[i] > 0 ? delays[i] : DELAY_DEFAULT;
        rc = fill(a, image, i);
        if (rc == AVIF_RESULT_OK)
            rc = avifEncoderAddImage(e, a, (uint64_t)ms,
                                     n == 1 ? AVIF_ADD_IMAGE_FLAG_SINGLE : AVIF_ADD_IMAGE_FLAG_NONE);
    }
    return rc;
}

static int write_out(const avifRWData *data, VipsImage *image, bool moves, VipsTarget *target)
{
    struct alb_str bytes = {(const char *)data->data, data->size};
    struct alb_buf with = ALB_BUF_INIT(data->size + 1024);
    int plays = 0;
    if (moves) {
        if (vips_image_get_typeof(image, "loop") && vips_image_get_int(image, "loop", &plays) != 0)
            plays = 0;
        if (!alb_avif_set_plays(bytes, plays < 0 ? 0 : plays, &with)) {
            alb_buf_fini(&with);
            vips_error("avif", "the animation cannot be told how often to play");
            return -1;
        }
        bytes = alb_buf_view(&with);
    }
    int rc = vips_target_write(target, bytes.p, bytes.n);
    alb_buf_fini(&with);
    return rc == 0 ? vips_target_end(target) : -1;
}

/* `held`: in memory, three or four bands. */
static int encode(VipsImage *held, const struct alb_output *o, int quality, int speed, bool grey,
                  VipsTarget *target)
{
    int height = vips_image_get_page_height(held), n = held->Ysize / height;
    avifImage *a = avifImageCreate((uint32_t)held->Xsize, (uint32_t)height,
                                   held->BandFmt == VIPS_FORMAT_USHORT ? 10 : 8, chroma_of(o, quality, grey));
    avifEncoder *e = avifEncoderCreate();
    avifRWData data = AVIF_DATA_EMPTY;
    avifResult rc = AVIF_RESULT_UNKNOWN_ERROR;
    if (a && e) {
        take_metadata(a, held);
        set_quality(e, quality, speed);
        rc = add_frames(e, a, held, (uint32_t)n);
    }
    if (rc == AVIF_RESULT_OK)
        rc = avifEncoderFinish(e, &data);
    int done = rc == AVIF_RESULT_OK ? write_out(&data, held, n > 1, target) : -1;
    if (rc != AVIF_RESULT_OK)
        vips_error("avif", "%s", avifResultToString(rc));
    avifRWDataFree(&data);
    if (e)
        avifEncoderDestroy(e);
    if (a)
        avifImageDestroy(a);
    return done;
}

int alb_avif_save(VipsImage *image, const struct alb_output *o, int quality, int speed, VipsTarget *target)
{
    VipsImage *colour = NULL, *held = NULL;
    bool grey = image->Bands < 3, wide = image->BandFmt == VIPS_FORMAT_USHORT;
    int rc = grey ? vips_colourspace(image, &colour,
                                     wide ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB, NULL)
                  : vips_copy(image, &colour, NULL);
    if (rc == 0)
        held = vips_image_copy_memory(colour);
    rc = held ? encode(held, o, quality, speed, grey, target) : -1;
    g_clear_object(&held);
    g_clear_object(&colour);
    return rc;
}
