/* SPDX-License-Identifier: Apache-2.0
 *
 * One row per type: which libvips loader, with which arguments. Everything is read through a memory source
 * over the mapped file, so a sealed worker needs no file call.
 */
#include "image/load.h"

#include <string.h>

#include "base/mem.h"
#include "image/frames.h"
#include "image/jpeg.h"

static const char *const allowed[] = {
    "VipsForeignLoadJpeg", "VipsForeignLoadPng",  "VipsForeignLoadWebp", "VipsForeignLoadNsgif",
    "VipsForeignLoadTiff", "VipsForeignLoadHeif", "VipsForeignLoadJxl",  "VipsForeignLoadJp2k",
    "VipsForeignLoadSvg",  "VipsForeignLoadPdf",  "VipsForeignSaveJpeg", "VipsForeignSavePng",
    "VipsForeignSaveWebp", "VipsForeignSaveHeif", "VipsForeignSaveJxl",  "VipsForeignSaveCgif",
    "VipsForeignSaveTiff", "VipsForeignSaveJp2k",
};

void alb_load_block_others(void)
{
    vips_operation_block_set("VipsForeign", TRUE);
    for (size_t i = 0; i < ALB_ARRAY_LEN(allowed); i++)
        vips_operation_block_set(allowed[i], FALSE);
}

enum alb_code alb_load_fail(struct alb_err *err, enum alb_code code, const char *what)
{
    char text[160];
    const char *from = vips_error_buffer();
    size_t n = 0;
    for (; from[n] && n + 1 < sizeof(text); n++)
        text[n] = from[n] >= ' ' && from[n] <= '~' ? from[n] : ' ';
    while (n > 0 && text[n - 1] == ' ')
        n--;
    text[n] = 0;
    vips_error_clear();
    return alb_fail(err, code, "%s: %s", what, text);
}

static struct {
    gboolean png, svg;
} unlimited;

void alb_load_unlimit(bool png, bool svg)
{
    unlimited.png = png;
    unlimited.svg = svg;
}

static int open_pdf(const struct alb_load *l, VipsSource *s, VipsImage **out, double scale, VipsFailOn fail,
                    VipsAccess access)
{
    static const double none[4] = {0, 0, 0, 0}, white[4] = {255, 255, 255, 255};
    VipsArrayDouble *ground = vips_array_double_new(l->clear ? none : white, 4);
    int rc = vips_pdfload_source(s, out, "page", (int)l->page, "n", l->pages, "scale", scale, "background", ground,
                                 "fail_on", fail, "access", access, NULL);
    vips_area_unref(VIPS_AREA(ground));
    return rc;
}

/* As samples say it. */
static double white_of(VipsImage *image)
{
    if (vips_image_get_interpretation(image) == VIPS_INTERPRETATION_CMYK)
        return 0;
    return vips_image_get_format(image) == VIPS_FORMAT_USHORT ? 65535 : 255;
}

/* Pages of different sizes, below each other on white. */
static int join_pages(const struct alb_load *l, VipsSource *s, VipsImage **out, VipsFailOn fail)
{
    VipsImage *all = NULL;
    int rc = 0;
    for (int i = 0; rc == 0 && i < l->pages; i++) {
        VipsImage *page = NULL, *both = NULL;
        rc = vips_tiffload_source(s, &page, "page", (int)l->page + i, "fail_on", fail, NULL);
        if (rc == 0 && all) {
            VipsArrayDouble *white = vips_array_double_newv(1, white_of(page));
            rc = vips_join(all, page, &both, VIPS_DIRECTION_VERTICAL, "expand", TRUE, "background", white,
                           NULL);
            vips_area_unref(VIPS_AREA(white));
            g_clear_object(&page);
            g_clear_object(&all);
            page = both;
        }
        if (rc == 0)
            all = page;
    }
    if (rc == 0)
        *out = all;
    else
        g_clear_object(&all);
    return rc;
}

static int open_tiff(const struct alb_load *l, VipsSource *s, VipsImage **out, VipsFailOn fail,
                     VipsAccess access)
{
    if (vips_tiffload_source(s, out, "page", (int)l->page, "n", l->pages, "fail_on", fail, "access", access,
                             NULL) == 0)
        return 0;
    if (l->pages == 1)
        return -1;
    vips_error_clear();
    return join_pages(l, s, out, fail);
}

static int open_source(const struct alb_load *l, VipsSource *s, VipsImage **out)
{
    VipsFailOn fail = l->strict ? VIPS_FAIL_ON_TRUNCATED : VIPS_FAIL_ON_NONE;
    VipsAccess access = l->random ? VIPS_ACCESS_RANDOM : VIPS_ACCESS_SEQUENTIAL;
    int page = (int)l->page;
    double vector = l->scale > ALB_LOAD_SCALE_MIN ? l->scale : ALB_LOAD_SCALE_MIN;
    switch ((int)l->type) {
    case ALB_TYPE_JPEG:
        return vips_jpegload_source(s, out, "shrink", 8 / l->eighths, "fail_on", fail, "access", access,
                                    NULL);
    case ALB_TYPE_PNG:
        return vips_pngload_source(s, out, "fail_on", fail, "access", access, "unlimited", unlimited.png, NULL);
    case ALB_TYPE_WEBP:
        return vips_webpload_source(s, out, "page", page, "n", l->pages, "scale", l->scale, "fail_on", fail,
                                    "access", access, NULL);
    case ALB_TYPE_GIF:
        return vips_gifload_source(s, out, "page", page, "n", l->pages, "fail_on", fail, "access", access,
                                   NULL);
    case ALB_TYPE_TIFF:
        return open_tiff(l, s, out, fail, access);
    case ALB_TYPE_HEIC:
    case ALB_TYPE_AVIF:
        if (l->thumbnail)
            return vips_heifload_source(s, out, "thumbnail", TRUE, "fail_on", fail, "access", access, NULL);
        if (page == 0) /* the primary picture: need not be the first, and is found only if no page is named */
            return vips_heifload_source(s, out, "fail_on", fail, "access", access, NULL);
        return vips_heifload_source(s, out, "page", page, "n", 1, "fail_on", fail, "access", access, NULL);
    case ALB_TYPE_JXL:
        return vips_jxlload_source(s, out, "fail_on", fail, "access", access, NULL);
    case ALB_TYPE_JP2:
        return vips_jp2kload_source(s, out, "fail_on", fail, "access", access, NULL);
    case ALB_TYPE_SVG:
        return vips_svgload_source(s, out, "scale", vector, "fail_on", fail, "access", access, "unlimited",
                                   unlimited.svg, NULL);
    case ALB_TYPE_PDF:
        return open_pdf(l, s, out, vector, fail, access);
    default:
        return -1;
    }
}

/* Lab of 8 bits comes packed into four bytes, which all else takes for a picture with transparency. */
static VipsImage *unpacked(VipsImage *image, struct alb_err *err)
{
    VipsImage *out = NULL;
    if (vips_image_get_coding(image) != VIPS_CODING_LABQ)
        return image;
    if (vips_LabQ2Lab(image, &out, NULL) != 0) {
        alb_load_fail(err, ALB_E_UNPROCESSABLE, "lab");
        out = NULL;
    }
    g_object_unref(image);
    return out;
}

static const VipsInterpretation spaces[5] = {VIPS_INTERPRETATION_MULTIBAND, VIPS_INTERPRETATION_B_W,
                                             VIPS_INTERPRETATION_B_W, VIPS_INTERPRETATION_sRGB,
                                             VIPS_INTERPRETATION_sRGB};

VipsImage *alb_load_hollow(uint32_t width, uint32_t height, unsigned bands, VipsBandFormat format,
                           struct alb_err *err)
{
    VipsImage *black = NULL, *cast = NULL, *image = NULL;
    int rc = vips_black(&black, (int)width, (int)height, "bands", (int)bands, NULL);
    if (rc == 0)
        rc = vips_cast(black, &cast, format, NULL);
    if (rc == 0) /* nobody else holds a copy: its header may be changed */
        rc = vips_copy(cast, &image, "interpretation", spaces[bands < 5 ? bands : 0], NULL);
    g_clear_object(&black);
    g_clear_object(&cast);
    if (rc != 0)
        alb_load_fail(err, ALB_E_UNPROCESSABLE, "header");
    return rc == 0 ? image : NULL;
}

VipsImage *alb_load_blank(uint32_t width, uint32_t height, unsigned bands, VipsBandFormat format,
                          struct alb_err *err)
{
    VipsImage *image = vips_image_new_memory();
    vips_image_init_fields(image, (int)width, (int)height, (int)bands, format, VIPS_CODING_NONE,
                           spaces[bands < 5 ? bands : 0], 1, 1);
    if (vips_image_write_prepare(image) != 0) {
        vips_error_clear();
        g_object_unref(image);
        alb_fail(err, ALB_E_NO_MEMORY, "no memory for a picture");
        return NULL;
    }
    memset(image->data, 0, (size_t)width * height * bands * vips_format_sizeof(format));
    return image;
}

static void free_text(VipsImage *image, void *text)
{
    (void)image;
    alb_mem_free(text);
}

/* The text lives as long as the picture that is drawn from it. */
static VipsImage *open_styled(const struct alb_load *l, struct alb_err *err)
{
    struct alb_buf text = ALB_BUF_INIT(l->bytes.n + 16 * l->style.n + 1024);
    struct alb_load styled = *l;
    size_t n = 0;
    styled.style = ALB_STR_NONE;
    if (!alb_svg_style(l->bytes, l->style, &text)) {
        bool full = alb_buf_code(&text) != ALB_OK;
        alb_buf_fini(&text);
        if (!full)
            return alb_load_open(&styled, err);
        alb_fail(err, ALB_E_NO_MEMORY, "no memory for a style");
        return NULL;
    }
    char *p = alb_buf_give(&text, &n);
    styled.bytes = (struct alb_str){p, n};
    VipsImage *image = alb_load_open(&styled, err);
    if (image)
        g_signal_connect(image, "postclose", G_CALLBACK(free_text), p);
    else
        alb_mem_free(p);
    return image;
}

static void *own_blob(VipsImage *image, const char *name, GValue *value, void *copy)
{
    const void *p;
    size_t n;
    if (G_VALUE_TYPE(value) == VIPS_TYPE_BLOB && vips_image_get_blob(image, name, &p, &n) == 0)
        vips_image_set_blob_copy(copy, name, p, n);
    return NULL;
}

/* libvips 8.14 ties profile and metadata of HEIF to the image that it loads, but hands them on to all that is made of
 * it, which may live longer (a copy in memory does): a copy of them belongs to whom it should. */
static VipsImage *with_own_blobs(VipsImage *image, struct alb_err *err)
{
    VipsImage *out = NULL;
    int rc = vips_copy(image, &out, NULL);
    if (rc == 0)
        vips_image_map(image, own_blob, out);
    else
        alb_load_fail(err, ALB_E_UNPROCESSABLE, "metadata");
    g_object_unref(image);
    return rc == 0 ? out : NULL;
}

static VipsImage *open_through_vips(const struct alb_load *l, struct alb_err *err)
{
    VipsImage *image = NULL;
    VipsSource *source = vips_source_new_from_memory(l->bytes.p, l->bytes.n);
    if (!source) {
        alb_load_fail(err, ALB_E_UNPROCESSABLE, "source");
        return NULL;
    }
    if (open_source(l, source, &image) != 0) {
        alb_load_fail(err, ALB_E_UNPROCESSABLE, alb_type_name(l->type));
        image = NULL;
    }
    g_object_unref(source); /* the image holds its own reference */
    if (image && (l->type == ALB_TYPE_HEIC || l->type == ALB_TYPE_AVIF))
        image = with_own_blobs(image, err);
    return image ? unpacked(image, err) : NULL;
}

/* Sequences (brands msf1, hevc, avis) may have no still beside their frames: then the first of those is shown. */
static VipsImage *open_heif(const struct alb_load *l, struct alb_err *err)
{
    struct alb_load frame = *l;
    struct alb_err why = ALB_ERR_INIT;
    VipsImage *image = open_through_vips(l, &why);
    if (!image && !l->thumbnail && alb_str_find_str(l->bytes, ALB_STR("moov")) != ALB_STR_NPOS) {
        struct alb_video v;
        frame.keyframe = true;
        frame.second = 0;
        if (!l->header)
            image = alb_video_open(&frame, NULL);
        else if (alb_video_look(l->type, l->bytes, &v, NULL) ==
                 ALB_OK) /* its limits are checked before a frame */
            image = alb_load_hollow(v.width, v.height, 3, VIPS_FORMAT_UCHAR, NULL);
    }
    if (!image)
        alb_fail(err, why.code, "%s", why.msg);
    return image;
}

VipsImage *alb_load_open(const struct alb_load *l, struct alb_err *err)
{
    VipsImage *image = NULL;
    bool taken = false;
    switch ((int)l->type) {
    case ALB_TYPE_BMP:
        return alb_bmp_open(l, err);
    case ALB_TYPE_ICO:
        return alb_ico_open(l, err);
    case ALB_TYPE_PSD:
        return alb_psd_open(l, err);
    case ALB_TYPE_AVIF:
        image = alb_avif_open(l, &taken, err);
        return taken ? image : open_heif(l, err);
    case ALB_TYPE_JXL:
        image = alb_jxl_open(l, &taken, err);
        return taken ? image : open_through_vips(l, err);
    case ALB_TYPE_HEIC:
        return open_heif(l, err);
    case ALB_TYPE_SVG:
        return l->style.n > 0 ? open_styled(l, err) : open_through_vips(l, err);
    case ALB_TYPE_JPEG:
        if (l->plain &&
            (alb_jpeg_open(l->bytes, l->eighths, l->strict, &image, &taken, err) != ALB_OK || taken))
            return image;
        return open_through_vips(l, err);
    default:
        return alb_type_class(l->type) == ALB_CLASS_VIDEO ? alb_video_open(l, err)
                                                          : open_through_vips(l, err);
    }
}
