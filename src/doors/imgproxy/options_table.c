/* SPDX-License-Identifier: Apache-2.0
 *
 * Every option of the language: one row each, names, number of arguments, what it belongs to and who reads
 * it. Names are exact, as in imgproxy: "min-width" has a hyphen, "max_bytes" has none.
 */
#include <math.h>

#include "doors/imgproxy/options_priv.h"

#define PIPE(field) .scope = ALB_IMGPROXY_OF_PIPELINE, .offset = offsetof(struct alb_imgproxy_pipeline, field)
#define MAIN(field) .scope = ALB_IMGPROXY_OF_REQUEST, .offset = offsetof(struct alb_imgproxy_request, field)
#define INFO(field) .scope = ALB_IMGPROXY_OF_INFO, .offset = offsetof(struct alb_imgproxy_info, field)
#define GIVES(bit) .given = ALB_IMGPROXY_GIVEN_##bit
#define TAKE(fn) .parse = alb_imgproxy_take_##fn
#define FROM(least) .low = (least), .high = HUGE_VAL
#define IN(least, most) .low = (least), .high = (most)
#define MANY ALB_IMGPROXY_ARGS_MAX

/* What both languages have. */
#define SHARED_ROWS                                                                                            \
    {{"cachebuster", "cb"}, 1, 1, MAIN(cachebuster), TAKE(text)},                                              \
        {{"bypass_cache", "bc"}, 1, 1, MAIN(bypass_cache), TAKE(bypass)},                                      \
        {{"cache_tags", "ct"}, 1, MANY, MAIN(tags), TAKE(tags)},                                               \
        {{"expires", "exp"}, 1, 1, MAIN(expires), TAKE(expires)},                                              \
        {{"preset", "pr"}, 1, MANY, MAIN(presets), TAKE(preset)},                                              \
        {{"hashsum", "hs"}, 1, 2, MAIN(hash), TAKE(hashsum)},                                                  \
        {{"page", "pg"}, 1, 1, MAIN(page), GIVES(PAGE), TAKE(int), FROM(0)},                                   \
        {{"video_thumbnail_second", "vts"}, 1, 1, MAIN(video_second), GIVES(VIDEO), TAKE(float), FROM(0)},     \
        {{"video_thumbnail_keyframes", "vtk"}, 1, 1, MAIN(video_keyframes), GIVES(VIDEO), TAKE(bool)},         \
        {{"max_src_resolution", "msr"}, 1, 1, MAIN(limits.source_pixels), GIVES(LIMITS), TAKE(resolution)},    \
        {{"max_src_file_size", "msfs"}, 1, 1, MAIN(limits.source_bytes), GIVES(LIMITS), TAKE(limit), FROM(0)}, \
    {                                                                                                          \
        {"objects_position", "obj_pos", "op"}, 1, MANY, MAIN(given), TAKE(learning)                            \
    }

static const struct alb_imgproxy_row processing_rows[] = {
    /* size and place */
    {{"resize", "rs"}, 1, 8, PIPE(resize), TAKE(resize)},
    {{"size", "s"}, 1, 7, PIPE(width), TAKE(size)},
    {{"resizing_type", "rt"}, 1, 1, PIPE(resize), GIVES(RESIZE), TAKE(word), .words = alb_imgproxy_resizes},
    {{"resizing_algorithm", "ra"},
     1,
     1,
     PIPE(kernel),
     GIVES(KERNEL),
     TAKE(word),
     .words = alb_imgproxy_kernels},
    {{"width", "w"}, 1, 1, PIPE(width), GIVES(SIZE), TAKE(int), FROM(0)},
    {{"height", "h"}, 1, 1, PIPE(height), GIVES(SIZE), TAKE(int), FROM(0)},
    {{"min-width", "mw"}, 1, 1, PIPE(min_width), TAKE(int), FROM(0)},
    {{"min-height", "mh"}, 1, 1, PIPE(min_height), TAKE(int), FROM(0)},
    {{"zoom", "z"}, 1, 2, PIPE(zoom_x), TAKE(zoom)},
    {{"dpr"}, 1, 1, PIPE(dpr), GIVES(DPR), TAKE(above)},
    {{"enlarge", "el"}, 1, 1, PIPE(enlarge), TAKE(bool)},
    {{"extend", "ex"}, 1, 4, PIPE(extend), TAKE(extend)},
    {{"extend_aspect_ratio", "extend_ar", "exar"}, 1, 4, PIPE(extend_ar), TAKE(extend)},
    {{"gravity", "g"}, 1, MANY, PIPE(gravity), TAKE(gravity)},
    {{"crop", "c"}, 1, MANY, PIPE(crop), GIVES(CROP), TAKE(crop)},
    {{"crop_aspect_ratio", "crop_ar", "car"}, 1, 2, PIPE(crop.ratio), TAKE(crop_ratio)},
    {{"trim", "t"}, 1, 4, PIPE(trim), TAKE(trim)},
    {{"padding", "pd"}, 1, 4, PIPE(padding), TAKE(padding)},
    {{"auto_rotate", "ar"}, 1, 1, PIPE(auto_rotate), GIVES(AUTO_ROTATE), TAKE(bool)},
    {{"rotate", "rot"}, 1, 1, PIPE(rotate), TAKE(rotate)},
    {{"flip", "fl"}, 1, 2, PIPE(flip_h), TAKE(flip)},
    /* colour and filters */
    {{"background", "bg"}, 1, 3, PIPE(background), TAKE(background)},
    {{"background_alpha", "bga"}, 1, 1, PIPE(background_alpha), TAKE(float), IN(0, 1)},
    {{"adjust", "a"}, 1, 3, PIPE(brightness), TAKE(adjust)},
    {{"brightness", "br"}, 1, 1, PIPE(brightness), TAKE(brightness)},
    {{"contrast", "co"}, 1, 1, PIPE(contrast), TAKE(float), FROM(0)},
    {{"saturation", "sa"}, 1, 1, PIPE(saturation), TAKE(float), FROM(0)},
    {{"monochrome", "mc"}, 1, 2, PIPE(monochrome), TAKE(monochrome)},
    {{"duotone", "dt"}, 1, 3, PIPE(duotone), TAKE(duotone)},
    {{"blur", "bl"}, 1, 1, PIPE(blur), TAKE(float), FROM(0)},
    {{"sharpen", "sh"}, 1, 1, PIPE(sharpen), TAKE(float), FROM(0)},
    {{"pixelate", "pix"}, 1, 1, PIPE(pixelate), TAKE(int), FROM(0)},
    {{"unsharp_masking", "ush"}, 1, 3, PIPE(unsharp), GIVES(UNSHARP), TAKE(unsharp)},
    {{"blur_areas", "ba"}, 1, MANY, PIPE(blur_areas), TAKE(blur_areas)},
    {{"progressive_blur", "pbl"}, 1, 4, PIPE(progressive_blur), TAKE(progressive_blur)},
    {{"colorize", "col"}, 1, 3, PIPE(colorize), TAKE(colorize)},
    {{"gradient", "gr"}, 1, 5, PIPE(gradient), TAKE(gradient)},
    /* watermarks */
    {{"watermark", "wm"}, 1, 7, PIPE(watermark), GIVES(WATERMARK), TAKE(watermark)},
    {{"watermark_url", "wmu"}, 1, 1, PIPE(watermark.source), TAKE(watermark_url)},
    {{"watermark_text", "wmt"}, 1, 1, PIPE(watermark.text), TAKE(watermark_text)},
    {{"watermark_size", "wms"}, 1, 2, PIPE(watermark.width), TAKE(watermark_size)},
    {{"watermark_rotate", "wm_rot", "wmr"}, 1, 1, PIPE(watermark.rotate), TAKE(watermark_rotate)},
    {{"watermark_shadow", "wmsh"}, 1, 1, PIPE(watermark.shadow), TAKE(float), FROM(0)},
    /* what is written */
    {{"strip_metadata", "sm"}, 1, 1, MAIN(strip_metadata), GIVES(STRIP), TAKE(bool)},
    {{"keep_copyright", "kcr"}, 1, 1, MAIN(keep_copyright), GIVES(COPYRIGHT), TAKE(bool)},
    {{"strip_color_profile", "scp"}, 1, 1, MAIN(strip_profile), GIVES(PROFILE), TAKE(bool)},
    {{"preserve_hdr", "ph"}, 1, 1, MAIN(preserve_hdr), GIVES(HDR), TAKE(bool)},
    {{"enforce_thumbnail", "eth"}, 1, 1, MAIN(enforce_thumbnail), GIVES(THUMBNAIL), TAKE(bool)},
    {{"dpi"}, 1, 1, MAIN(dpi), TAKE(float), IN(0, 1e6)},
    {{"color_profile", "cp", "icc"}, 1, 1, MAIN(color_profile), TAKE(profile)},
    {{"style", "st"}, 1, 1, MAIN(style), TAKE(style)},
    {{"quality", "q"}, 1, 1, MAIN(quality), GIVES(QUALITY), TAKE(quality)},
    {{"format_quality", "fq"}, 1, MANY, MAIN(format_quality), TAKE(format_quality)},
    {{"autoquality", "aq"}, 1, 5, MAIN(autoquality), GIVES(AUTOQUALITY), TAKE(autoquality)},
    {{"max_bytes", "mb"}, 1, 1, MAIN(max_bytes), TAKE(int), FROM(0)},
    {{"jpeg_options", "jpgo"}, 1, 6, MAIN(jpeg), TAKE(jpeg)},
    {{"png_options", "pngo"}, 1, 3, MAIN(png), TAKE(png)},
    {{"webp_options", "webpo"}, 1, 3, MAIN(webp_compression), TAKE(webp)},
    {{"avif_options", "avifo"}, 1, 1, MAIN(avif_subsample), TAKE(word), .words = alb_imgproxy_subsamples},
    {{"format", "f", "ext"}, 1, 1, MAIN(format), TAKE(format)},
    /* what is read, and the answer */
    {{"pages", "pgs"}, 1, 1, MAIN(pages), GIVES(PAGE), TAKE(int), FROM(1)},
    {{"disable_animation", "da"}, 1, 1, MAIN(disable_animation), TAKE(bool)},
    {{"video_thumbnail_tile", "vtt"}, 1, 10, MAIN(video_tile), TAKE(video_tile)},
    {{"video_thumbnail_animation", "vta"}, 1, 10, MAIN(video_animation), TAKE(video_animation)},
    {{"fallback_image_url", "fiu"}, 1, 1, MAIN(fallback), TAKE(fallback)},
    {{"skip_processing", "skp"}, 1, MANY, MAIN(skip_formats), TAKE(skip)},
    {{"raw"}, 1, 1, MAIN(raw), TAKE(bool)},
    {{"filename", "fn"}, 1, 2, MAIN(filename), TAKE(filename)},
    {{"return_attachment", "att"}, 1, 1, MAIN(attachment), GIVES(ATTACHMENT), TAKE(bool)},
    {{"max_animation_frames", "maf"}, 1, 1, MAIN(limits.frames), GIVES(LIMITS), TAKE(limit), FROM(1)},
    {{"max_animation_frame_resolution", "mafr"},
     1,
     1,
     MAIN(limits.frame_pixels),
     GIVES(LIMITS),
     TAKE(resolution)},
    {{"max_result_dimension", "mrd"}, 1, 1, MAIN(limits.result_side), GIVES(LIMITS), TAKE(limit), FROM(0)},
    SHARED_ROWS,
    /* known, and no part of albumen */
    {{"crop_objects"}, 1, MANY, MAIN(given), TAKE(learning)},
    {{"blur_detections", "bd"}, 1, MANY, MAIN(given), TAKE(learning)},
    {{"draw_detections", "dd"}, 1, MANY, MAIN(given), TAKE(learning)},
};

static const struct alb_imgproxy_row info_rows[] = {
    {{"size", "s"}, 1, 1, INFO(size), TAKE(bool)},
    {{"format", "f"}, 1, 1, INFO(format), TAKE(bool)},
    {{"dimensions", "d"}, 1, 1, INFO(dimensions), TAKE(bool)},
    {{"exif"}, 1, 2, INFO(exif), TAKE(two_bools)},
    {{"iptc"}, 1, 1, INFO(iptc), TAKE(bool)},
    {{"xmp"}, 1, 1, INFO(xmp), TAKE(bool)},
    {{"video_meta", "vm"}, 1, 1, INFO(video_meta), TAKE(bool)},
    {{"detect_objects", "do"}, 1, 1, INFO(size), TAKE(info_off)},
    {{"classify", "cl"}, 1, MANY, INFO(size), TAKE(info_off)},
    {{"colorspace", "cs"}, 1, 1, INFO(colorspace), TAKE(bool)},
    {{"bands", "b"}, 1, 1, INFO(bands), TAKE(bool)},
    {{"sample_format", "sf"}, 1, 1, INFO(sample_format), TAKE(bool)},
    {{"pages_number", "pn"}, 1, 1, INFO(pages_number), TAKE(bool)},
    {{"alpha", "a"}, 1, 2, INFO(alpha), TAKE(two_bools)},
    {{"crop", "c"}, 1, MANY, INFO(crop_width), TAKE(info_crop)},
    {{"palette", "p"}, 1, 1, INFO(palette), TAKE(palette)},
    {{"average", "avg"}, 1, 2, INFO(average), TAKE(two_bools)},
    {{"dominant_colors", "dc"}, 1, 2, INFO(dominant), TAKE(two_bools)},
    {{"blurhash", "bh"}, 2, 2, INFO(blurhash_x), TAKE(blurhash)},
    {{"thumb_hash", "th"}, 1, 1, INFO(thumb_hash), TAKE(bool)},
    {{"perceptual_hash", "phash", "ph"}, 1, 1, INFO(perceptual_hash), TAKE(bool)},
    {{"calc_hashsums", "chs"}, 1, MANY, INFO(hashes), TAKE(hashes)},
    SHARED_ROWS,
};

static const struct alb_imgproxy_row *find(const struct alb_imgproxy_row *rows, size_t count,
                                           struct alb_str name)
{
    for (size_t i = 0; i < count && name.n > 0; i++) {
        for (size_t k = 0; k < ALB_IMGPROXY_NAMES && rows[i].name[k] != NULL; k++) {
            if (rows[i].name[k][0] == name.p[0] && alb_str_eq_c(name, rows[i].name[k]))
                return &rows[i];
        }
    }
    return NULL;
}

const struct alb_imgproxy_row *alb_imgproxy_row_find(bool info, struct alb_str name)
{
    return info ? find(info_rows, ALB_ARRAY_LEN(info_rows), name)
                : find(processing_rows, ALB_ARRAY_LEN(processing_rows), name);
}
