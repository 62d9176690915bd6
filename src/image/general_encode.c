/* SPDX-License-Identifier: Apache-2.0
 *
 * One row per format: which libvips saver, with which arguments.
 */
#include "image/general_encode.h"

#include <string.h>

#include "image/frames.h"
#include "image/general_rights.h"
#include "image/general_steps.h"
#include "image/icc.h"
#include "image/load.h"

#define MM_PER_INCH 25.4
#define DPI_DEFAULT 72

/* ---- what goes along ---- */

static bool is_animation_field(const char *name)
{
    static const char *const names[] = {"delay",
                                        "loop",
                                        "gif-delay",
                                        "gif-loop",
                                        VIPS_META_PAGE_HEIGHT,
                                        VIPS_META_N_PAGES,
                                        VIPS_META_SEQUENTIAL};
    for (size_t i = 0; i < ALB_ARRAY_LEN(names); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

struct keeping {
    const struct alb_output *output;
    bool animate;
};

#define PALETTE_DEPTH "palette-bit-depth" /* libvips: bits of an index, where the source had a palette */

static void *forget(VipsImage *image, const char *name, GValue *value, void *arg)
{
    const struct keeping *k = arg;
    bool metadata = strncmp(name, "exif", 4) == 0 || strcmp(name, VIPS_META_XMP_NAME) == 0 ||
                    strcmp(name, VIPS_META_IPTC_NAME) == 0;
    (void)value;
    if ((k->animate && is_animation_field(name)) || strcmp(name, PALETTE_DEPTH) == 0)
        return NULL;
    if ((k->output->keep_metadata || k->output->keep_copyright) && metadata)
        return NULL;
    if (k->output->profile != ALB_PROFILE_SRGB && strcmp(name, VIPS_META_ICC_NAME) == 0)
        return NULL;
    vips_image_remove(image, name);
    return NULL;
}

static enum alb_code fit_metadata(VipsImage **image, const struct alb_output *o, bool animate,
                                  struct alb_err *err)
{
    VipsImage *out = NULL;
    struct keeping k = {o, animate};
    double per_mm = (o->dpi > 0 ? o->dpi : DPI_DEFAULT) / MM_PER_INCH;
    int rc = vips_copy(*image, &out, "xres", per_mm, "yres", per_mm, NULL);
    enum alb_code code = alb_step_replace(image, rc, out, "encode", err);
    if (code != ALB_OK)
        return code;
    vips_image_map(*image, forget, &k);
    if (o->keep_copyright && !o->keep_metadata)
        alb_rights_only(*image);
    vips_image_set_int(*image, VIPS_META_ORIENTATION, 1); /* it is upright now, whatever EXIF said */
    return ALB_OK;
}

/* Profiles of three or four channels need a picture in colour. */
static enum alb_code in_colour(VipsImage **image, struct alb_err *err)
{
    VipsImage *out = NULL;
    bool wide = vips_image_get_format(*image) == VIPS_FORMAT_USHORT;
    if (vips_image_get_bands(*image) >= 3)
        return ALB_OK;
    int rc =
        vips_colourspace(*image, &out, wide ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB, NULL);
    return alb_step_replace(image, rc, out, "profile", err);
}

static enum alb_code to_cmyk(VipsImage **image, struct alb_err *err)
{
    VipsImage *out = NULL;
    enum alb_code code = in_colour(image, err);
    if (code != ALB_OK)
        return code;
    int rc =
        vips_icc_transform(*image, &out, "cmyk", "input_profile", "srgb", "embedded", TRUE, "depth", 8, NULL);
    return alb_step_replace(image, rc, out, "profile", err);
}

/* Where no profile can go along, all colours are taken for sRGB. */
static bool holds_profile(const struct alb_output *o)
{
    return o->best != 0 ||
           (o->format != ALB_FORMAT_GIF && o->format != ALB_FORMAT_BMP && o->format != ALB_FORMAT_ICO);
}

static enum alb_code to_p3(VipsImage **image, const struct alb_output *o, struct alb_err *err)
{
    VipsImage *out = NULL;
    const char *space = holds_profile(o) ? "p3" : "srgb";
    int depth = vips_image_get_format(*image) == VIPS_FORMAT_USHORT ? 16 : 8;
    enum alb_code code = in_colour(image, err);
    if (code != ALB_OK)
        return code;
    int rc = vips_icc_transform(*image, &out, space, "input_profile", "srgb", "embedded", TRUE, "depth", depth,
                                NULL);
    return alb_step_replace(image, rc, out, "profile", err);
}

/* libvips takes a target profile by file name only; a sealed worker has no files: connect by hand. */
static enum alb_code to_given(VipsImage **image, struct alb_str profile, struct alb_err *err)
{
    VipsImage *out = NULL;
    int depth = vips_image_get_format(*image) == VIPS_FORMAT_USHORT ? 16 : 8;
    enum alb_icc kind = alb_icc_kind(profile);
    enum alb_code code = kind == ALB_ICC_GREY ? ALB_OK : in_colour(image, err);
    if (code != ALB_OK)
        return code;
    if (kind == ALB_ICC_NONE || kind == ALB_ICC_OTHER) {
        g_clear_object(image);
        return alb_fail(err, ALB_E_UNPROCESSABLE, "the profile is none that pictures can have");
    }
    bool grey = vips_image_get_bands(*image) < 3;
    int rc = vips_icc_import(*image, &out, "embedded", TRUE, "input_profile", grey ? "sgrey" : "srgb", NULL);
    code = alb_step_replace(image, rc, out, "profile", err);
    if (code == ALB_OK) {
        rc = vips_copy(*image, &out, NULL);
        code = alb_step_replace(image, rc, out, "profile", err);
    }
    if (code != ALB_OK)
        return code;
    vips_image_set_blob_copy(*image, VIPS_META_ICC_NAME, profile.p, profile.n);
    rc = vips_icc_export(*image, &out, "depth", depth, NULL); /* to the embedded profile */
    return alb_step_replace(image, rc, out, "profile", err);
}

static bool holds_cmyk(const struct alb_output *o)
{
    return o->best == 0 && (o->format == ALB_FORMAT_JPEG || o->format == ALB_FORMAT_TIFF);
}

/* Through the profile that was asked for, which goes along. One of a press, for a format that has no such colours: the
 * picture stays in sRGB. */
static enum alb_code to_profile(VipsImage **image, const struct alb_output *o, struct alb_str profile,
                                struct alb_err *err)
{
    if (o->profile == ALB_PROFILE_CMYK && holds_cmyk(o))
        return to_cmyk(image, err);
    if (o->profile == ALB_PROFILE_P3)
        return to_p3(image, o, err);
    if (o->profile != ALB_PROFILE_INPUT || profile.n == 0)
        return ALB_OK;
    if (alb_icc_kind(profile) == ALB_ICC_CMYK && !holds_cmyk(o))
        return ALB_OK;
    return to_given(image, profile, err);
}

enum alb_code alb_encode_prepare(VipsImage **image, const struct alb_output *output, bool animate,
                                 struct alb_str profile, struct alb_err *err)
{
    enum alb_code code = to_profile(image, output, profile, err);
    return code == ALB_OK ? fit_metadata(image, output, animate, err) : code;
}

/* ---- savers ---- */

/* JPEG XL states its quality as a distance: the usual map of its own tools. */
static double jxl_distance(unsigned q)
{
    if (q >= 100)
        return 0;
    double d = q >= 30 ? 0.1 + (100 - q) * 0.09 : 53.0 / 3000.0 * q * q - 23.0 / 20.0 * q + 25.0;
    return d < 15 ? d : 15; /* the most that libvips takes */
}

/* Effort 1..10 on a saver's own scale; 0: what is best by our measure of time against bytes. */
static int effort(const struct alb_output *o, enum alb_format f, int least, int most, int usual)
{
    unsigned e = o->effort[f];
    return e == 0 ? usual : least + (int)((e - 1) * (unsigned)(most - least) + 4) / 9;
}

static VipsForeignSubsample subsample(enum alb_chroma c)
{
    static const VipsForeignSubsample modes[ALB_CHROMA_COUNT] = {
        [ALB_CHROMA_AUTO] = VIPS_FOREIGN_SUBSAMPLE_AUTO,
        [ALB_CHROMA_FULL] = VIPS_FOREIGN_SUBSAMPLE_OFF,
        [ALB_CHROMA_HALF] = VIPS_FOREIGN_SUBSAMPLE_ON,
    };
    return modes[c];
}

/* 1, 2, 4 or 8 of a source with a palette; else 0. */
static int palette_depth(const VipsImage *image)
{
    int depth = 0;
    if (vips_image_get_typeof(image, PALETTE_DEPTH) == 0 ||
        vips_image_get_int(image, PALETTE_DEPTH, &depth) != 0 || depth < 1 || depth > 8)
        return 0;
    return depth <= 2 ? depth : depth <= 4 ? 4 : 8;
}

/* What came with a palette gets one again, unless nothing may be lost, or none is wanted: drawings and screenshots
 * are several times smaller so. Rows of a palette are not differences; all others are whatever is smallest (as
 * imgproxy). */
static int save_png(VipsImage *image, const struct alb_output *o, VipsTarget *t, gboolean strip)
{
    unsigned colors = o->png_colors ? o->png_colors : 256;
    int depth = colors <= 2 ? 1 : colors <= 4 ? 2 : colors <= 16 ? 4 : 8;
    bool palette = o->png_quantize;
    if (!palette && !o->lossless && !o->png_plain) {
        depth = palette_depth(image);
        palette = depth != 0;
    }
    if (!palette || vips_image_get_format(image) != VIPS_FORMAT_UCHAR)
        return vips_pngsave_target(image, t, "interlace", o->png_interlaced, "filter",
                                   VIPS_FOREIGN_PNG_FILTER_ALL, "strip", strip, NULL);
    return vips_pngsave_target(image, t, "interlace", o->png_interlaced, "palette", TRUE, "bitdepth", depth,
                               "filter", VIPS_FOREIGN_PNG_FILTER_NONE, "strip", strip, NULL);
}

static int save_gif(VipsImage *image, const struct alb_output *o, VipsTarget *t, gboolean strip)
{
    int depth = palette_depth(image);
    return vips_gifsave_target(image, t, "effort", effort(o, ALB_FORMAT_GIF, 1, 10, 7), "bitdepth",
                               depth ? depth : 8, "strip", strip, NULL);
}

static int save_webp(VipsImage *image, const struct alb_output *o, int q, VipsTarget *t, gboolean strip)
{
    static const VipsForeignWebpPreset presets[ALB_WEBP_PRESET_COUNT] = {
        [ALB_WEBP_DEFAULT] = VIPS_FOREIGN_WEBP_PRESET_DEFAULT,
        [ALB_WEBP_PHOTO] = VIPS_FOREIGN_WEBP_PRESET_PHOTO,
        [ALB_WEBP_PICTURE] = VIPS_FOREIGN_WEBP_PRESET_PICTURE,
        [ALB_WEBP_DRAWING] = VIPS_FOREIGN_WEBP_PRESET_DRAWING,
        [ALB_WEBP_ICON] = VIPS_FOREIGN_WEBP_PRESET_ICON,
        [ALB_WEBP_TEXT] = VIPS_FOREIGN_WEBP_PRESET_TEXT,
    };
    return vips_webpsave_target(image, t, "Q", q, "lossless", o->webp_mode == ALB_WEBP_LOSSLESS,
                                "near_lossless", o->webp_mode == ALB_WEBP_NEAR_LOSSLESS, "smart_subsample",
                                o->webp_smart_subsample, "preset", presets[o->webp_preset], "effort",
                                effort(o, ALB_FORMAT_WEBP, 0, 6, 4), "strip", strip, NULL);
}

static int save_heif(VipsImage *image, const struct alb_output *o, enum alb_format f, int q, VipsTarget *t,
                     gboolean strip)
{
    bool av1 = f == ALB_FORMAT_AVIF, wide = vips_image_get_format(image) == VIPS_FORMAT_USHORT;
    bool moves = vips_image_get_page_height(image) < vips_image_get_height(image);
    if (av1 && (wide || moves))
        return alb_avif_save(image, o, q, 9 - effort(o, f, 0, 9, 1), t);
    return vips_heifsave_target(
        image, t, "Q", q, "compression",
        av1 ? VIPS_FOREIGN_HEIF_COMPRESSION_AV1 : VIPS_FOREIGN_HEIF_COMPRESSION_HEVC, "effort",
        effort(o, f, 0, 9, av1 ? 1 : 4), "bitdepth", 8, "lossless", o->lossless, "subsample_mode",
        o->lossless ? VIPS_FOREIGN_SUBSAMPLE_OFF : subsample(o->heif_chroma), "strip", strip, NULL);
}

/* With EXIF, which libvips leaves out of TIFF. What cannot be added leaves the file as it is. */
static int save_tiff_exif(void *p, size_t n, struct alb_str exif, VipsTarget *t)
{
    struct alb_str bytes = {p, n};
    struct alb_buf with = ALB_BUF_INIT(n + 2 * exif.n + 4096);
    if (alb_tiff_add_exif(bytes, exif, &with))
        bytes = alb_buf_view(&with);
    int rc = vips_target_write(t, bytes.p, bytes.n);
    alb_buf_fini(&with);
    return rc == 0 ? vips_target_end(t) : -1;
}

/* Pictures are photographs: deflate after differences is the smallest that every reader knows. */
static int save_tiff(VipsImage *image, VipsTarget *t, gboolean strip)
{
    void *p = NULL;
    size_t n = 0;
    struct alb_str exif = strip ? ALB_STR_NONE : alb_exif_block(image);
    if (exif.n == 0)
        return vips_tiffsave_target(image, t, "compression", VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE,
                                    "predictor", VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL, "strip", strip,
                                    NULL);
    int rc = vips_tiffsave_buffer(image, &p, &n, "compression", VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE,
                                  "predictor", VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL, NULL);
    if (rc == 0)
        rc = save_tiff_exif(p, n, exif, t);
    g_free(p);
    g_free((void *)(uintptr_t)exif.p);
    return rc;
}

static int save(VipsImage *image, const struct alb_output *o, enum alb_format format, int q, VipsTarget *t)
{
    /* what is not to go along is gone already; JPEG leaves its density out when it strips */
    gboolean strip = !o->keep_metadata && !o->keep_copyright && o->profile == ALB_PROFILE_SRGB && o->dpi <= 0;
    switch (format) {
    case ALB_FORMAT_JPEG:
        return vips_jpegsave_target(
            image, t, "Q", q, "optimize_coding", TRUE, "interlace", o->jpeg_progressive, "trellis_quant",
            o->jpeg_trellis, "overshoot_deringing", o->jpeg_overshoot, "optimize_scans", o->jpeg_scans,
            "quant_table", (int)o->jpeg_table, "subsample_mode", subsample(o->chroma), "strip", strip, NULL);
    case ALB_FORMAT_PNG:
        return save_png(image, o, t, strip);
    case ALB_FORMAT_WEBP:
        return save_webp(image, o, q, t, strip);
    case ALB_FORMAT_AVIF:
    case ALB_FORMAT_HEIC:
        return save_heif(image, o, format, q, t, strip);
    case ALB_FORMAT_JXL:
        return vips_jxlsave_target(image, t, "distance", o->lossless ? 0.0 : jxl_distance((unsigned)q),
                                   "lossless", o->lossless, "effort", effort(o, format, 3, 9, 4), "strip",
                                   strip, NULL);
    case ALB_FORMAT_GIF:
        return save_gif(image, o, t, strip);
    case ALB_FORMAT_TIFF:
        return save_tiff(image, t, strip);
    case ALB_FORMAT_BMP:
        return alb_bmp_save(image, t);
    case ALB_FORMAT_ICO:
        return alb_ico_save(image, t);
    case ALB_FORMAT_JP2: /* libvips itself does not read all that it subsamples */
        return vips_jp2ksave_target(image, t, "Q", q, "lossless", o->lossless, "subsample_mode",
                                    VIPS_FOREIGN_SUBSAMPLE_OFF, "strip", strip, NULL);
    case ALB_FORMAT_SAME:
    case ALB_FORMAT_COUNT:
        break;
    }
    vips_error("encode", "not a format");
    return -1;
}

/* Formats with 8 bits only get them; 16 bits come here only if the plan kept them for a format that can. */
static VipsImage *fit_depth(VipsImage *image, enum alb_format f)
{
    VipsImage *out = NULL;
    bool can = f == ALB_FORMAT_PNG || f == ALB_FORMAT_TIFF || f == ALB_FORMAT_JXL || f == ALB_FORMAT_AVIF;
    VipsInterpretation i = vips_image_get_interpretation(image);
    if (can || vips_image_get_format(image) != VIPS_FORMAT_USHORT)
        return g_object_ref(image);
    bool grey = i == VIPS_INTERPRETATION_GREY16;
    if (vips_colourspace(image, &out, grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, NULL) != 0)
        return NULL;
    return out;
}

enum alb_code alb_encode(VipsImage *image, const struct alb_output *output, enum alb_format format,
                         unsigned quality, VipsTarget *target, struct alb_err *err)
{
    VipsImage *fit = fit_depth(image, format);
    int rc = fit ? save(fit, output, format, (int)quality, target) : -1;
    g_clear_object(&fit);
    return rc == 0 ? ALB_OK : alb_load_fail(err, ALB_E_UNPROCESSABLE, alb_format_name(format));
}

enum alb_code alb_encode_memory(VipsImage *image, const struct alb_output *output, enum alb_format format,
                                unsigned quality, struct alb_str *bytes, struct alb_err *err)
{
    VipsTarget *target = vips_target_new_to_memory();
    *bytes = ALB_STR_NONE;
    if (!target)
        return alb_load_fail(err, ALB_E_NO_MEMORY, "encode");
    enum alb_code code = alb_encode(image, output, format, quality, target, err);
    if (code ==
        ALB_OK) { /* savers have ended the target: what it holds is a blob now, which lets go of its bytes */
        VipsBlob *blob = NULL;
        g_object_get(target, "blob", &blob, NULL);
        VipsArea *area = VIPS_AREA(blob);
        *bytes = (struct alb_str){area->data, area->length};
        area->free_fn = NULL;
        vips_area_unref(area);
    }
    g_object_unref(target);
    return code;
}
