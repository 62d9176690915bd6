/* SPDX-License-Identifier: Apache-2.0
 *
 * What an imgproxy is set to: one struct, made once (from IMGPROXY_* by env.h, or by alb_imgproxy_config_new
 * and a hand that fills it in), then immutable, counted, and read by any thread. Every field names its
 * variable; all carry the prefix IMGPROXY_. Texts and lists lie in the config's own arena and live as long as
 * it does.
 */
#ifndef ALB_DOORS_IMGPROXY_CONFIG_H
#define ALB_DOORS_IMGPROXY_CONFIG_H

#include "base/arena.h"
#include "base/obj.h"
#include "doors/imgproxy/words.h"

#define ALB_IMGPROXY_CONFIG_MEMORY ((size_t)4 << 20)
#define ALB_IMGPROXY_PAIRS_MAX 32 /* keys that are valid at the same time */

struct alb_imgproxy_list {
    const struct alb_str *item;
    size_t count;
};
/* One IMGPROXY_URL_REPLACEMENTS rule: a prefix pattern ("*" is any run without "/") and what takes its place.
 * */
struct alb_imgproxy_replacement {
    struct alb_str pattern, text;
};
struct alb_imgproxy_preset {
    struct alb_str name, options; /* "rs:fill:100:100/q:70" */
};
struct alb_imgproxy_presets {
    const struct alb_imgproxy_preset *item;
    size_t count;
};

struct alb_imgproxy_autoquality {
    enum alb_imgproxy_aq method; /* AUTOQUALITY_METHOD (none) */
    double target;               /* AUTOQUALITY_TARGET (0.02): bytes for size, a distance for dssim */
    int64_t min, max;            /* AUTOQUALITY_MIN (70), AUTOQUALITY_MAX (80) */
    double error;                /* AUTOQUALITY_ALLOWED_ERROR (0.002) */
};
struct alb_imgproxy_jpeg {
    bool progressive;  /* JPEG_PROGRESSIVE */
    bool no_subsample; /* JPEG_NO_SUBSAMPLE */
    bool trellis;      /* JPEG_TRELLIS_QUANT */
    bool overshoot;    /* JPEG_OVERSHOOT_DERINGING */
    bool scans;        /* JPEG_OPTIMIZE_SCANS */
    int64_t table;     /* JPEG_QUANT_TABLE, 0..8 */
};
struct alb_imgproxy_png {
    bool interlaced; /* PNG_INTERLACED */
    bool quantize;   /* PNG_QUANTIZE */
    int64_t colours; /* PNG_QUANTIZATION_COLORS (256), 2..256 */
};
struct alb_imgproxy_unsharp_mask {
    enum alb_imgproxy_unsharp mode; /* UNSHARP_MASKING_MODE (auto) */
    double weight, divider;         /* UNSHARP_MASKING_WEIGHT (1), UNSHARP_MASKING_DIVIDER (24); > 0 */
};
/* Limits that the security options may change. */
struct alb_imgproxy_limits {
    int64_t source_pixels; /* MAX_SRC_RESOLUTION (50 megapixels), here in pixels */
    int64_t source_bytes;  /* MAX_SRC_FILE_SIZE (0: none) */
    int64_t frames;        /* MAX_ANIMATION_FRAMES (1) */
    int64_t
        frame_pixels; /* MAX_ANIMATION_FRAME_RESOLUTION (0: all frames together count against the source) */
    int64_t result_side; /* MAX_RESULT_DIMENSION (0: none) */
};

struct alb_imgproxy_config {
    struct alb_obj obj;
    struct alb_arena *arena;

    /* ---- signature ---- */
    struct alb_imgproxy_list keys, salts; /* KEY, SALT: bytes, pairwise */
    int64_t signature_size;               /* SIGNATURE_SIZE (32), 1..32 */
    struct alb_imgproxy_list trusted;     /* TRUSTED_SIGNATURES */
    struct alb_str secret;                /* SECRET: bearer token */

    /* ---- URL language ---- */
    struct alb_str separator;                 /* ARGUMENTS_SEPARATOR (:), never empty */
    struct alb_imgproxy_presets presets;      /* PRESETS, PRESETS_SEPARATOR, PRESETS_PATH */
    struct alb_imgproxy_presets info_presets; /* INFO_PRESETS, INFO_PRESETS_PATH */
    bool only_presets;                        /* ONLY_PRESETS */
    bool info_only_presets;                   /* INFO_ONLY_PRESETS (as ONLY_PRESETS) */
    struct alb_imgproxy_list allowed_options; /* ALLOWED_PROCESSING_OPTIONS (all) */
    struct alb_imgproxy_list allowed_info;    /* ALLOWED_INFO_OPTIONS (all) */
    bool allow_security_options;              /* ALLOW_SECURITY_OPTIONS */
    bool allow_bypass_cache;                  /* ALLOW_BYPASS_CACHE */
    int64_t max_pipelines;                    /* MAX_CHAINED_PIPELINES (0: ALB_IMGPROXY_PIPELINES_MAX) */
    bool filename_in_base64;                  /* BASE64_URL_INCLUDES_FILENAME */

    /* ---- sources ---- */
    struct alb_str base_url;                             /* BASE_URL */
    const struct alb_imgproxy_replacement *replacements; /* URL_REPLACEMENTS */
    size_t replacement_count;
    struct alb_imgproxy_list allowed_sources; /* ALLOWED_SOURCES (all); see source.h */
    struct alb_str encryption_key;            /* SOURCE_URL_ENCRYPTION_KEY: 16, 24 or 32 bytes, or none */
    struct alb_str local_root;                /* LOCAL_FILESYSTEM_ROOT: none = local:// is off */
    struct alb_str query_separator;           /* SOURCE_URL_QUERY_SEPARATOR (?); empty: none */
    bool allow_loopback, allow_link_local,
        allow_private;                        /* ALLOW_{LOOPBACK,LINK_LOCAL,PRIVATE}_SOURCE_ADDRESSES
                                                             (false, false, true) */
    bool ignore_tls;                          /* IGNORE_SSL_VERIFICATION */
    bool use_s3, use_gcs, use_abs, use_swift; /* USE_*: asked for, and not there: warned of */
    int64_t download_timeout;                 /* DOWNLOAD_TIMEOUT (5 s), ns */
    int64_t client_keep_alive;                /* CLIENT_KEEP_ALIVE_TIMEOUT (90 s), ns */
    int64_t max_redirects;                    /* MAX_REDIRECTS (10): N lets N-1 through */
    struct alb_str user_agent;                /* USER_AGENT; %current_version is put in */
    struct alb_imgproxy_list pass_request, pass_response; /* {REQUEST,RESPONSE}_HEADERS_PASSTHROUGH */
    bool cookies, cookies_all;                            /* COOKIE_PASSTHROUGH, COOKIE_PASSTHROUGH_ALL */
    struct alb_str cookie_base_url;                       /* COOKIE_BASE_URL */

    /* ---- defaults of a request ---- */
    struct alb_imgproxy_limits limits;
    int64_t quality;                              /* QUALITY (80), 1..100 */
    uint8_t format_quality[ALB_IMGPROXY_FORMATS]; /* FORMAT_QUALITY (webp=79,avif=63,jxl=77); 0: quality */
    struct alb_imgproxy_autoquality autoquality;
    uint8_t aq_format_min[ALB_IMGPROXY_FORMATS]; /* AUTOQUALITY_FORMAT_MIN (avif=60); 0: autoquality.min */
    uint8_t aq_format_max[ALB_IMGPROXY_FORMATS]; /* AUTOQUALITY_FORMAT_MAX (avif=65) */
    int64_t aq_max_pixels;                       /* AUTOQUALITY_MAX_RESOLUTION (0: none), in pixels */
    struct alb_imgproxy_jpeg jpeg;
    struct alb_imgproxy_png png;
    enum alb_imgproxy_webp webp_compression;    /* WEBP_COMPRESSION (lossy) */
    bool webp_smart_subsample;                  /* WEBP_SMART_SUBSAMPLE */
    enum alb_imgproxy_webp_preset webp_preset;  /* WEBP_PRESET (default) */
    int64_t webp_effort;                        /* WEBP_EFFORT, 1..6 (0: ours to choose) */
    enum alb_imgproxy_subsample avif_subsample; /* AVIF_SUBSAMPLE (auto) */
    int64_t avif_speed;                         /* AVIF_SPEED, 0..9 (-1: ours to choose) */
    int64_t jxl_effort;                         /* JXL_EFFORT (4), 1..9 */
    struct alb_imgproxy_unsharp_mask unsharp;
    bool strip_metadata, keep_copyright,
        strip_profile;              /* STRIP_METADATA, KEEP_COPYRIGHT, STRIP_COLOR_PROFILE (true) */
    bool auto_rotate;               /* AUTO_ROTATE (true) */
    bool enforce_thumbnail;         /* ENFORCE_THUMBNAIL */
    bool preserve_hdr;              /* PRESERVE_HDR */
    bool attachment;                /* RETURN_ATTACHMENT */
    double strip_dpi;               /* STRIP_METADATA_DPI (72) */
    struct alb_str profiles_dir;    /* COLOR_PROFILES_DIR (/usr/share/color/icc) */
    bool linear, no_shrink_on_load; /* USE_LINEAR_COLORSPACE, DISABLE_SHRINK_ON_LOAD */
    bool png_unlimited, svg_unlimited; /* {PNG,SVG}_UNLIMITED */
    bool sanitize_svg;                                 /* SANITIZE_SVG (true) */
    bool rasterize_svg;                                /* ALWAYS_RASTERIZE_SVG */
    bool pdf_no_background;                            /* PDF_NO_BACKGROUND */
    bool video, raw_photos;                            /* ENABLE_VIDEO_THUMBNAILS, ENABLE_RAW_FORMATS (true;
                                                                             false in imgproxy) */
    double video_second;                               /* VIDEO_THUMBNAIL_SECOND (1) */
    bool video_keyframes;                              /* VIDEO_THUMBNAIL_KEYFRAMES */

    /* ---- choice of format ---- */
    bool auto_webp, auto_avif, auto_jxl;                      /* AUTO_{WEBP,AVIF,JXL} */
    bool enforce_webp, enforce_avif, enforce_jxl;             /* ENFORCE_{WEBP,AVIF,JXL} */
    bool client_hints;                                        /* ENABLE_CLIENT_HINTS */
    enum alb_imgproxy_format preferred[ALB_IMGPROXY_FORMATS]; /* PREFERRED_FORMATS (jpeg,png,gif), in order */
    size_t preferred_count;
    uint32_t skip_formats;            /* SKIP_PROCESSING_FORMATS: bits */
    double best_complexity;           /* BEST_FORMAT_COMPLEXITY_THRESHOLD (5.5) */
    int64_t best_max_pixels;          /* BEST_FORMAT_MAX_RESOLUTION (0: none), in pixels */
    bool best_by_default, best_skips; /* BEST_FORMAT_BY_DEFAULT, BEST_FORMAT_ALLOW_SKIPS */

    /* ---- watermark and fallback image ---- */
    struct alb_str watermark_data, watermark_path,
        watermark_url;                                         /* WATERMARK_{DATA,PATH,URL}; data: base64 */
    bool watermark_preprocess;                                 /* WATERMARK_PREPROCESS_URL */
    double watermark_opacity;                                  /* WATERMARK_OPACITY (1), above 0 to 1 */
    struct alb_str fallback_data, fallback_path, fallback_url; /* FALLBACK_IMAGE_{DATA,PATH,URL} */
    bool fallback_preprocess;                                  /* FALLBACK_IMAGE_PREPROCESS_URL */
    int64_t fallback_status; /* FALLBACK_IMAGE_HTTP_CODE (200; 0: the error's) */
    int64_t fallback_ttl;    /* FALLBACK_IMAGE_TTL (0: as ttl), seconds */

    /* ---- server ---- */
    struct alb_str bind;            /* BIND (:8080, or :PORT where PORT is set) */
    struct alb_str network;         /* NETWORK (tcp) */
    struct alb_str path_prefix;     /* PATH_PREFIX: "" or "/…" without a slash at its end */
    int64_t workers;                /* WORKERS (0: the machine decides) */
    int64_t queue;                  /* REQUESTS_QUEUE_SIZE (0: our own bound) */
    int64_t max_clients;            /* MAX_CLIENTS (2048; 0: none) */
    int64_t timeout;                /* TIMEOUT (10 s), ns */
    int64_t read_timeout;           /* READ_REQUEST_TIMEOUT (10 s), ns */
    int64_t write_timeout;          /* WRITE_RESPONSE_TIMEOUT (10 s), ns */
    int64_t keep_alive;             /* KEEP_ALIVE_TIMEOUT (10 s; 0: off), ns */
    int64_t graceful_stop;          /* GRACEFUL_STOP_TIMEOUT (20 s), ns */
    bool reuse_port;                /* SO_REUSEPORT */
    int64_t ttl;                    /* TTL (31536000), seconds; 0: no-cache */
    bool cache_control_passthrough; /* CACHE_CONTROL_PASSTHROUGH */
    bool etag, last_modified;       /* USE_ETAG, USE_LAST_MODIFIED (true) */
    struct alb_str etag_buster;     /* ETAG_BUSTER */
    int64_t last_modified_buster;  /* LAST_MODIFIED_BUSTER: RFC 3339, here ms of the epoch; INT64_MIN: none */
    bool canonical;                /* SET_CANONICAL_HEADER */
    bool debug_headers;            /* ENABLE_DEBUG_HEADERS */
    struct alb_str allow_origin;   /* ALLOW_ORIGIN */
    struct alb_str health_path;    /* HEALTH_CHECK_PATH: "" or "/…" */
    struct alb_str health_message; /* HEALTH_CHECK_MESSAGE (imgproxy is running) */
    struct alb_str server_name;    /* SERVER_NAME (imgproxy) */
    struct alb_str cache_tags_format;     /* CACHE_TAGS_FORMAT (all): all, cloudfront, cloudflare, none */
    bool development_errors;              /* DEVELOPMENT_ERRORS_MODE */
    struct alb_str log_format, log_level; /* LOG_FORMAT (empty: by the terminal), LOG_LEVEL (info) */
    struct alb_str prometheus_bind, prometheus_namespace; /* PROMETHEUS_BIND, PROMETHEUS_NAMESPACE */
};

/* Every default, one reference; NULL: no memory. Whoever made it may write to it until it is shared. */
struct alb_imgproxy_config *alb_imgproxy_config_new(void) ALB_MUST_CHECK;
/* What cannot be right, with the name of the variable: unequal numbers of keys and salts, an empty separator,
 * presets that do not parse ... To be called once, before sharing; INVALID with *err. */
enum alb_code alb_imgproxy_config_check(const struct alb_imgproxy_config *c,
                                        struct alb_err *err) ALB_MUST_CHECK;
static inline struct alb_imgproxy_config *alb_imgproxy_config_ref(struct alb_imgproxy_config *c)
{
    return c ? (struct alb_imgproxy_config *)(void *)alb_obj_ref(&c->obj) : NULL;
}
static inline void alb_imgproxy_config_unref(struct alb_imgproxy_config *c)
{
    if (c)
        alb_obj_unref(&c->obj);
}
/* Does it check signatures at all? */
static inline bool alb_imgproxy_config_signs(const struct alb_imgproxy_config *c)
{
    return c->keys.count > 0 && c->salts.count > 0;
}

#endif
