/* SPDX-License-Identifier: Apache-2.0
 *
 * What a URL asks for, typed: the path behind the signature -> struct alb_imgproxy_request. All of imgproxy's
 * options but object detection and machine learning (refused with a reason), chained pipelines, presets, and
 * /info.
 *
 * Order of strength, weakest first: configuration, client hints, the preset "default", the URL's options from
 * left to right (a preset acts where it stands), the source's extension. Later wins, each sub-field for
 * itself. So every field holds its effective value; `given` tells for the few that must know whether it is
 * from configuration.
 *
 * Options that shape the picture belong to the pipeline they stand in; options on what is written, on limits
 * and on the answer belong to the whole request, wherever they stand. "-" starts the next pipeline; a "-"
 * inside a preset counts from the pipeline where the preset was used, and pipelines of presets and of the URL
 * that have the same number are merged.
 *
 * Everything lies in the caller's arena (or points into the path or the configuration: both must outlive it).
 * Nothing here allocates elsewhere, looks at a clock or at a file. Pure; any thread. Bounds below (law 7).
 */
#ifndef ALB_DOORS_IMGPROXY_OPTIONS_H
#define ALB_DOORS_IMGPROXY_OPTIONS_H

#include "doors/imgproxy/source.h"

#define ALB_IMGPROXY_PIPELINES_MAX 8 /* as many as a plan may have */
#define ALB_IMGPROXY_ARGS_MAX 132     /* of one option */
#define ALB_IMGPROXY_APPLIED_MAX 2048 /* options of one request, those of presets included */
#define ALB_IMGPROXY_NESTING_MAX 16   /* presets inside presets */
#define ALB_IMGPROXY_AREAS_MAX 32     /* of blur_areas */
#define ALB_IMGPROXY_TAGS_MAX 64
#define ALB_IMGPROXY_WARNINGS_MAX 16
#define ALB_IMGPROXY_PRESETS_USED_MAX 64
#define ALB_IMGPROXY_TEXT_MAX ((size_t)8 << 10) /* bytes of a watermark's text or of a style sheet */
#define ALB_IMGPROXY_NAME_MAX 1024              /* bytes of a file name, a tag, a cache buster */

/* ---- one pipeline ---- */

enum { /* bits of struct alb_imgproxy_pipeline.given: by URL, preset or client hint */
       ALB_IMGPROXY_GIVEN_SIZE = 1u << 0, /* width or height */
       ALB_IMGPROXY_GIVEN_DPR = 1u << 1,
       ALB_IMGPROXY_GIVEN_RESIZE = 1u << 2,
       ALB_IMGPROXY_GIVEN_KERNEL = 1u << 3,
       ALB_IMGPROXY_GIVEN_AUTO_ROTATE = 1u << 4,
       ALB_IMGPROXY_GIVEN_UNSHARP = 1u << 5,
       ALB_IMGPROXY_GIVEN_CROP = 1u << 6,
       ALB_IMGPROXY_GIVEN_WATERMARK = 1u << 7,
       ALB_IMGPROXY_GIVEN_PADDING_TOP = 1u << 8, /* only a side that was said fills in others */
       ALB_IMGPROXY_GIVEN_PADDING_RIGHT = 1u << 9,
};

struct alb_imgproxy_gravity {
    enum alb_imgproxy_place place; /* NOWHERE: not said */
    double x, y;                   /* |v| >= 1: pixels, else a fraction of the side; FP: 0..1 */
};
struct alb_imgproxy_extend {
    bool on;
    struct alb_imgproxy_gravity gravity; /* never SM */
};
struct alb_imgproxy_area {
    double left, top, width, height; /* fractions, 0..1 */
};
struct alb_imgproxy_ramp { /* gradient, progressive blur */
    double angle;       /* degrees clockwise: 0 down (from clear at the top to full at the bottom), 90 left,
                               180 up, 270 right */
    double start, stop; /* 0..1 */
};

struct alb_imgproxy_pipeline {
    uint32_t given;
    enum alb_imgproxy_resize resize;
    enum alb_imgproxy_kernel kernel;
    int64_t width, height, min_width, min_height; /* >= 0; 0: not said */
    double zoom_x, zoom_y, dpr;                   /* > 0 */
    bool enlarge;
    struct alb_imgproxy_extend extend, extend_ar;
    struct alb_imgproxy_gravity gravity;
    struct {
        double width, height;                /* >= 1: pixels; below 1: fraction; 0: the whole side */
        struct alb_imgproxy_gravity gravity; /* NOWHERE: that of the pipeline */
        double ratio;                        /* 0: as it is */
        bool ratio_enlarge;
    } crop;
    struct {
        bool on;
        double threshold;
        bool coloured; /* else the colour of pixel (0,0) */
        uint32_t colour;
        bool equal_hor, equal_ver;
    } trim;
    struct {
        int64_t top, right, bottom, left;
    } padding;
    bool auto_rotate;
    uint16_t rotate; /* 0, 90, 180, 270 clockwise: negative and large angles are brought here */
    bool flip_h, flip_v;
    bool background_on;
    uint32_t background;         /* 0xRRGGBB, as all colours */
    double background_alpha;     /* 0..1; 1 */
    int32_t brightness;          /* -255..255 */
    double contrast, saturation; /* >= 0; 1 = unchanged */
    struct {
        double intensity; /* 0..1; 0: off */
        uint32_t colour;
    } monochrome;
    struct {
        double intensity;
        uint32_t dark, light;
    } duotone;
    double blur, sharpen; /* sigma; 0: off */
    int64_t pixelate;     /* block; 0 and 1: off */
    struct alb_imgproxy_unsharp_mask unsharp;
    struct {
        double sigma;
        const struct alb_imgproxy_area *area;
        size_t count;
    } blur_areas;
    struct {
        double sigma;
        struct alb_imgproxy_ramp ramp;
    } progressive_blur;
    struct {
        double opacity; /* 0: off */
        uint32_t colour;
        bool keep_alpha;
    } colorize;
    struct {
        double opacity;
        uint32_t colour;
        struct alb_imgproxy_ramp ramp;
    } gradient;
    struct {
        double opacity;                      /* 0: none; to be multiplied with the configured one */
        struct alb_imgproxy_gravity gravity; /* place CE by default; RE and CH: x, y are spacing */
        double scale;                        /* 0: natural size, or `width` and `height` */
        int64_t width, height;               /* watermark_size; 0: derived */
        double rotate;                       /* degrees clockwise */
        double shadow;                       /* sigma; 0: none */
        struct alb_imgproxy_source source;   /* watermark_url; url.p == NULL: the configured picture */
        struct alb_str text; /* watermark_text, Pango markup, UTF-8; wins over a URL if it came later */
    } watermark;
};

/* ---- /info ---- */

struct alb_imgproxy_info {
    bool size, format, dimensions, exif, exif_canonical, iptc, xmp, video_meta; /* true, except canonical */
    bool colorspace, bands, sample_format, pages_number;
    bool alpha, alpha_check;
    double crop_width, crop_height; /* both 0: not asked for */
    struct alb_imgproxy_gravity crop_gravity;
    int64_t palette;                          /* 0, or 2..256 colours */
    bool average, average_ignore_transparent; /* false, true */
    bool dominant, dominant_build_missed;
    int64_t blurhash_x, blurhash_y; /* 0, or 1..9 */
    bool thumb_hash, perceptual_hash;
    uint32_t hashes; /* calc_hashsums: bits 1 << enum alb_imgproxy_hash */
};

/* ---- the whole request ---- */

enum { /* bits of struct alb_imgproxy_request.given */
       ALB_IMGPROXY_GIVEN_STRIP = 1u << 0,
       ALB_IMGPROXY_GIVEN_COPYRIGHT = 1u << 1,
       ALB_IMGPROXY_GIVEN_PROFILE = 1u << 2, /* strip_color_profile */
       ALB_IMGPROXY_GIVEN_HDR = 1u << 3,
       ALB_IMGPROXY_GIVEN_THUMBNAIL = 1u << 4,
       ALB_IMGPROXY_GIVEN_QUALITY = 1u << 5,
       ALB_IMGPROXY_GIVEN_AUTOQUALITY = 1u << 6, /* its min and max then hold for every format */
       ALB_IMGPROXY_GIVEN_FORMAT = 1u << 7,      /* by option or extension */
       ALB_IMGPROXY_GIVEN_ATTACHMENT = 1u << 8,
       ALB_IMGPROXY_GIVEN_LIMITS = 1u << 9, /* any security option */
       ALB_IMGPROXY_GIVEN_PAGE = 1u << 10,
       ALB_IMGPROXY_GIVEN_VIDEO = 1u << 11,
};

struct alb_imgproxy_tiles { /* video_thumbnail_tile, video_thumbnail_animation */
    double step;            /* seconds; 0: off; negative: spread over the whole video */
    int64_t columns, rows;  /* animation: rows = 1, columns = frames */
    int64_t delay;          /* ms between frames; animation only */
    int64_t width, height;
    bool extend, trim, fill;
    double focus_x, focus_y;
};

struct alb_imgproxy_request {
    uint32_t given;
    bool is_info;
    struct alb_imgproxy_info info; /* if is_info */
    size_t pipelines;              /* >= 1 */
    struct alb_imgproxy_pipeline *pipeline[ALB_IMGPROXY_PIPELINES_MAX];
    struct alb_imgproxy_source source;

    /* what is written */
    enum alb_imgproxy_format format;              /* NONE: negotiated; never PDF or MP4 */
    uint8_t quality;                              /* 0: by format */
    uint8_t format_quality[ALB_IMGPROXY_FORMATS]; /* 0: the configured quality */
    int64_t max_bytes;                            /* 0: any */
    struct alb_imgproxy_autoquality autoquality;
    struct alb_imgproxy_jpeg jpeg;
    struct alb_imgproxy_png png;
    enum alb_imgproxy_webp webp_compression;
    bool webp_smart_subsample;
    enum alb_imgproxy_webp_preset webp_preset;
    enum alb_imgproxy_subsample avif_subsample;
    bool strip_metadata, keep_copyright, strip_profile, preserve_hdr, enforce_thumbnail;
    double dpi;                   /* 0: as it is */
    struct alb_str color_profile; /* "srgb", "cmyk" or a file's plain name; empty: none */
    struct alb_str style;         /* CSS put into an SVG; empty: none */

    /* what is read */
    int64_t page, pages; /* 0, 1 */
    bool disable_animation;
    double video_second;
    bool video_keyframes;
    struct alb_imgproxy_tiles video_tile, video_animation;
    struct alb_imgproxy_source fallback; /* fallback_image_url; url.p == NULL: the configured one */
    uint32_t skip_formats;               /* bits; configured and given */
    bool raw;
    enum alb_imgproxy_hash hash; /* hashsum: what the source must hash to */
    unsigned char hash_bytes[64];
    size_t hash_len;
    struct alb_imgproxy_limits limits;

    /* the answer */
    struct alb_str cachebuster, filename;
    bool attachment;
    bool bypass_cache;
    struct alb_str tag[ALB_IMGPROXY_TAGS_MAX];
    size_t tags;
    int64_t expires; /* Unix seconds; 0: never */

    struct alb_str preset[ALB_IMGPROXY_PRESETS_USED_MAX]; /* names, in the order of use */
    size_t presets;
    struct alb_str
        warning[ALB_IMGPROXY_WARNINGS_MAX]; /* for the log: what was taken in another way than meant */
    size_t warnings;
};

/* What the parser needs besides the URL. */
struct alb_imgproxy_setting {
    const struct alb_imgproxy_config *config;
    struct alb_arena *arena;
    int64_t now;       /* Unix seconds: for `expires` */
    double hint_dpr;   /* client hints; 0: none */
    double hint_width; /* in CSS pixels times dpr, as the header says; 0: none */
};

/* Everything behind the signature. `url` as alb_imgproxy_url_split made it. Does not look at the signature,
 * nor whether the sources are allowed (alb_imgproxy_request_check_sources). On refusal *out is not to be
 * used. */
enum alb_imgproxy_refusal alb_imgproxy_request_parse(const struct alb_imgproxy_setting *set,
                                                     const struct alb_imgproxy_url *url,
                                                     struct alb_imgproxy_request *out,
                                                     struct alb_err *err) ALB_MUST_CHECK;
/* The source, and those of watermarks and fallback. */
enum alb_imgproxy_refusal alb_imgproxy_request_check_sources(const struct alb_imgproxy_config *c,
                                                             const struct alb_imgproxy_request *r,
                                                             struct alb_err *err) ALB_MUST_CHECK;

/* Presets. "name=opt:arg/opt:arg", one of them, trimmed; an empty text or a comment gives *name empty. */
enum alb_code alb_imgproxy_preset_parse(struct alb_str text, struct alb_imgproxy_preset *out,
                                        struct alb_err *err) ALB_MUST_CHECK;
/* Does every preset parse? As at imgproxy's start. `info`: those of /info. */
enum alb_code alb_imgproxy_presets_check(const struct alb_imgproxy_config *c, bool info,
                                         struct alb_err *err) ALB_MUST_CHECK;
const struct alb_imgproxy_preset *alb_imgproxy_preset_find(const struct alb_imgproxy_presets *p,
                                                           struct alb_str name);

#endif
