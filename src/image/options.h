/* SPDX-License-Identifier: Apache-2.0
 *
 * What is wanted of a picture, in albumen's own words. Every dialect (our own sizes, imgproxy, thumbor, Piwigo,
 * Immich) compiles to these options, and only plan.h reads them. One struct is one pipeline: cut, resize,
 * turn, effects, canvas, ground, overlays. `next` chains another pipeline behind it, whose source is the
 * result of this one. What is written at the end (`output`) is taken from the first of the chain.
 *
 * Order of work within a pipeline, whatever the order of fields (it is imgproxy's, processing/processing.go):
 *     trim -> crop -> resize -> turn, flip -> cut to the result -> effects -> extend -> extend to the aspect
 *     -> padding -> fill -> ground (flatten) -> overlays
 *
 * A layer (ALB_EFFECT_LAYER) is a picture of its own that is laid over the result: an input with a chain of
 * pipelines of its own, which may have layers again, ALB_LAYER_DEPTH deep. Nothing is written of it: of its
 * `output` nothing is looked at. What it costs counts as if it were part of the source: pixels, memory, time.
 * All sizes and places are in shown pixels: after the file's orientation and the turn of this pipeline.
 *
 * Plain values with borrowed pointers (next, effects, overlays, texts): valid as long as whoever made them
 * says; alb_plan_options_clone makes a copy that owns its own. Equal options have equal keys; no field has
 * padding or unused values that the key would not see. Numbers are finite, colours 0xRRGGBB: alb_plan_make
 * checks all of it (INVALID), so that a dialect need only translate.
 */
#ifndef ALB_IMAGE_OPTIONS_H
#define ALB_IMAGE_OPTIONS_H

#include "base/arena.h"
#include "base/buf.h"
#include "image/sniff.h"

/* ---- words ---- */

enum alb_fit {
    ALB_FIT_INSIDE,     /* whole picture inside width x height */
    ALB_FIT_COVER,      /* fill width x height, cut what is over */
    ALB_FIT_FORCE,      /* exactly width x height, proportions may change */
    ALB_FIT_COVER_DOWN, /* as COVER; a source that is too small is cut to the proportions of width x height */
    ALB_FIT_AUTO,       /* COVER if source and result are both upright or both lying, else INSIDE */
    ALB_FIT_OUTSIDE,    /* whole picture, as small as covers width x height; sizing THUMBNAIL only */
    ALB_FIT_COUNT
};

/* Whose arithmetic sizes and places follow. */
enum alb_sizing {
    ALB_SIZING_IMGPROXY,
    /* That of libvips' vips_thumbnail, as thumbor and imagor have it: one factor for both sides, sides rounded half
     * up, what is left over in the middle is halved downwards, vectors are made larger only with `enlarge`. dpr, zoom,
     * min_width, min_height, extend, extend_aspect and padding are not looked at. Fits: INSIDE, COVER, FORCE, OUTSIDE.
     */
    ALB_SIZING_THUMBNAIL,
    ALB_SIZING_COUNT
};

enum alb_format { /* numbers are part of keys and of cached files: only append */
                  ALB_FORMAT_SAME,
                  ALB_FORMAT_JPEG,
                  ALB_FORMAT_PNG,
                  ALB_FORMAT_WEBP,
                  ALB_FORMAT_AVIF,
                  ALB_FORMAT_JXL,
                  ALB_FORMAT_HEIC,
                  ALB_FORMAT_GIF,
                  ALB_FORMAT_TIFF,
                  ALB_FORMAT_BMP,
                  ALB_FORMAT_ICO,
                  ALB_FORMAT_JP2,
                  ALB_FORMAT_COUNT
};
#define ALB_FORMAT_BIT(f) ((uint16_t)(1u << (f)))
bool alb_format_alpha(enum alb_format f);     /* can keep transparency */
bool alb_format_animation(enum alb_format f); /* can keep frames: WebP, GIF, AVIF */
bool alb_format_quality(enum alb_format f);   /* has a quality that costs bytes */
uint32_t alb_format_side(enum alb_format f);  /* largest side that it can hold */

enum alb_gravity_kind {
    ALB_GRAVITY_CENTRE,
    ALB_GRAVITY_NORTH,
    ALB_GRAVITY_SOUTH,
    ALB_GRAVITY_EAST,
    ALB_GRAVITY_WEST,
    ALB_GRAVITY_NORTH_EAST,
    ALB_GRAVITY_NORTH_WEST,
    ALB_GRAVITY_SOUTH_EAST,
    ALB_GRAVITY_SOUTH_WEST,
    ALB_GRAVITY_POINT, /* x, y in 0..1: the point that stays as near to the middle as it can */
    ALB_GRAVITY_SMART, /* where the eye goes (the worker looks); only for crops */
    ALB_GRAVITY_COUNT
};
/* x, y: offset towards the inside. |v| >= 1: pixels (times dpr), else a fraction of the whole side. */
struct alb_gravity {
    enum alb_gravity_kind kind;
    double x, y;
};

/* ---- effects and overlays ---- */

enum alb_effect_kind {
    ALB_EFFECT_BLUR,    /* amount: sigma in pixels */
    ALB_EFFECT_SHARPEN, /* amount: sigma in pixels; amount2, v[0]: libvips' m2 and x1, 0 = 3 and 2 */
    ALB_EFFECT_UNSHARP, /* amount: weight of the eight neighbours, amount2: divider; keep: only if made smaller */
    ALB_EFFECT_PIXELATE,   /* amount: side of a block; keep: the picture becomes a whole number of blocks */
    ALB_EFFECT_BRIGHTNESS, /* amount: -255..255, added */
    ALB_EFFECT_CONTRAST,   /* amount: > 0, around the middle; 1 = as it is */
    ALB_EFFECT_SATURATION, /* amount: >= 0; 1 = as it is */
    ALB_EFFECT_MONOCHROME, /* amount: intensity 0..1 of a picture in shades of rgb */
    ALB_EFFECT_DUOTONE,    /* amount: intensity 0..1; rgb for the dark, rgb2 for the light */
    ALB_EFFECT_COLORIZE,   /* amount: opacity 0..1 of rgb laid over; keep: under the picture's own alpha */
    ALB_EFFECT_GRADIENT, /* amount: opacity 0..1 of rgb, from none at `start` to full at `stop` along `angle` */
    ALB_EFFECT_WATERMARK, /* `mark`, input or text; overlays only */
    ALB_EFFECT_BLUR_RAMP, /* amount: sigma in pixels, from none at `start` to all of it at `stop` along `angle` */
    ALB_EFFECT_LINEAR,   /* each of red, green, blue times v[0..2], plus v[3..5] of 0..255 */
    ALB_EFFECT_GREY,     /* by luminance, in linear light */
    ALB_EFFECT_MODULATE, /* in CIE LCh: lightness times v[0], chroma times v[1], hue plus v[2] degrees */
    ALB_EFFECT_ROUND,    /* corners become transparent, ellipses of amount x amount2 pixels */
    ALB_EFFECT_NOISE, /* amount: 0..1000, how far apart from least to most; amount2: seed. Brightness only */
    ALB_EFFECT_EQUALIZE, /* the histogram of each channel, flat */
    ALB_EFFECT_CURVE,    /* data: three tables of 256 bytes, for red, green, blue */
    ALB_EFFECT_CONVOLVE, /* amount: columns; data: weights (alb_effect_weight), rows and columns odd */
    ALB_EFFECT_LAYER, /* `layer`: what becomes of mark.input before it is laid over, by mark.x, y, opacity and blend;
                         overlays only */
    ALB_EFFECT_FRAME,   /* mark.input is a nine-patch (general_frame.h) that is laid around; overlays only */
    ALB_EFFECT_RED_EYE, /* pairs of red pupils in faces lose their red */
    ALB_EFFECT_OUTLINE, /* amount: width in pixels of a frame in rgb, with black within, along the inner edge of the
                           rectangle; keep: of a rectangle so large, there where the eye goes (the worker looks) */
    ALB_EFFECT_COUNT
};

/* How what is laid over mixes with what is below: that of W3C's Compositing and Blending, as libvips has it. */
enum alb_blend {
    ALB_BLEND_OVER,
    ALB_BLEND_MULTIPLY,
    ALB_BLEND_SCREEN,
    ALB_BLEND_OVERLAY,
    ALB_BLEND_DARKEN,
    ALB_BLEND_LIGHTEN,
    ALB_BLEND_DODGE,
    ALB_BLEND_BURN,
    ALB_BLEND_HARD,
    ALB_BLEND_SOFT,
    ALB_BLEND_DIFFERENCE,
    ALB_BLEND_EXCLUSION,
    ALB_BLEND_ADD,
    ALB_BLEND_MASK,     /* what is below stays where there is something over it */
    ALB_BLEND_MASK_OUT, /* and where there is nothing */
    ALB_BLEND_COUNT
};

enum alb_tiling { ALB_TILING_ONE, ALB_TILING_REPEAT, ALB_TILING_CHESS, ALB_TILING_COUNT };

/* Where a mark lies on one axis, with thumbnails' arithmetic. `value`: pixels, or with `part` of the side, cut to
 * whole ones; what is below 0 counts from the end with START. */
enum alb_spot_from { ALB_SPOT_START, ALB_SPOT_MIDDLE, ALB_SPOT_END, ALB_SPOT_REPEAT, ALB_SPOT_COUNT };
struct alb_spot {
    enum alb_spot_from from; /* REPEAT: side by side from the start */
    bool part;
    bool fixed; /* START is the start, whatever the sign */
    double value;
};
/* How a text is set. Zeroed: in the colours of its markup, one line, in the usual font. */
enum alb_text_align { ALB_TEXT_START, ALB_TEXT_MIDDLE, ALB_TEXT_END, ALB_TEXT_ALIGN_COUNT };
enum alb_text_wrap {
    ALB_TEXT_WORD,
    ALB_TEXT_CHAR,
    ALB_TEXT_WORD_CHAR,
    ALB_TEXT_NO_WRAP,
    ALB_TEXT_WRAP_COUNT
};
struct alb_typeset {
    bool forgiving;     /* what is no markup is shown as it is written; else it is an error */
    bool filled;        /* as high as its box: what is over lies below */
    bool painted, mean; /* all of it in `rgb`; mean: in the mean colour of what is below, over white */
    bool justify;       /* both edges */
    uint32_t rgb;
    struct alb_str font; /* a Pango font description, at most ALB_FONT_MAX bytes; empty: the usual one */
    enum alb_text_align align;
    enum alb_text_wrap wrap;
    double share;     /* lines are broken at so large a part of the picture's width, cut to whole pixels, */
    int32_t more;     /* and so many pixels; both together not above 0: never */
    uint32_t spacing; /* of lines, in points; 0: the font's own */
    uint32_t dpi;     /* 0: 72 times dpr */
};
#define ALB_FONT_MAX 128
#define ALB_FONT_POINTS 2000 /* no larger letters */
#define ALB_FONT_DPI 2400

/* A picture or a text laid over the result. Sizes: width x height (0 = follows from the other) if one is
 * given; else `scale` > 0: inside scale x the result; else its own size (a text: times dpr). */
struct alb_mark {
    uint32_t input;      /* 1..ALB_PLAN_INPUTS - 1: which input; 0: the text */
    struct alb_str text; /* Pango markup; at most ALB_MARK_TEXT_MAX bytes */
    double opacity;      /* 0..1 */
    enum alb_tiling tiling;
    struct alb_gravity at; /* no SMART, no POINT; REPEAT and CHESS: x, y are the distance between two */
    double scale;
    uint32_t width, height;
    double rotate; /* degrees clockwise */
    double shadow; /* sigma in pixels, 0 = none */
    bool placed;   /* by x and y instead of `at` and `tiling`; what lies outside is not there */
    struct alb_spot x, y;
    enum alb_blend blend;
    struct alb_typeset set;  /* of a text */
    double share_x, share_y; /* inside so large a part of the result; > 0 instead of scale, 0 = the other one counts */
};
#define ALB_MARK_TEXT_MAX 1024

struct alb_effect {
    enum alb_effect_kind kind;
    double amount, amount2;
    uint32_t rgb, rgb2;
    bool keep;
    double angle; /* degrees clockwise from "downwards" */
    double start, stop;
    /* Only within this rectangle, fractions of the picture; width 0: everywhere. BLUR, PIXELATE and OUTLINE only. */
    double left, top, width, height;
    struct alb_mark mark;
    double v[6];
    struct alb_str data;
    const struct alb_plan_options *layer;
};
#define ALB_LAYER_DEPTH 4  /* a picture on a picture on a picture on a picture on the source */
#define ALB_LAYERS_MAX 16u /* all together, with frames */
#define ALB_EFFECT_DATA_MAX 1024
#define ALB_EFFECT_CURVE_LEN 768
/* Weight i of CONVOLVE; put: into `data`, which has eight bytes for each. */
double alb_effect_weight(struct alb_str data, size_t i);
void alb_effect_weight_put(unsigned char *data, size_t i, double weight);
#define ALB_EFFECTS_MAX 32 /* of each list */

/* ---- output ---- */

enum alb_autoquality {
    ALB_AUTOQUALITY_OFF,
    ALB_AUTOQUALITY_SIZE,
    ALB_AUTOQUALITY_DSSIM,
    ALB_AUTOQUALITY_COUNT
};
enum alb_profile_out {
    ALB_PROFILE_SRGB,  /* converted to sRGB (grey stays grey), no profile written: the default */
    ALB_PROFILE_KEEP,  /* the source's own stays, pixels as they are */
    ALB_PROFILE_CMYK,  /* JPEG and TIFF only: a generic press profile, written along; others: SRGB */
    ALB_PROFILE_INPUT, /* converted to the profile that is input `profile_input`, written along */
    ALB_PROFILE_P3,    /* from the source's own to Display P3, written along; GIF, BMP, ICO: SRGB */
    ALB_PROFILE_COUNT
};
enum alb_webp_mode { ALB_WEBP_LOSSY, ALB_WEBP_NEAR_LOSSLESS, ALB_WEBP_LOSSLESS, ALB_WEBP_MODE_COUNT };
enum alb_webp_preset { /* as libwebp's WebPPreset */
                       ALB_WEBP_DEFAULT,
                       ALB_WEBP_PHOTO,
                       ALB_WEBP_PICTURE,
                       ALB_WEBP_DRAWING,
                       ALB_WEBP_ICON,
                       ALB_WEBP_TEXT,
                       ALB_WEBP_PRESET_COUNT
};
enum alb_chroma { ALB_CHROMA_AUTO, ALB_CHROMA_FULL, ALB_CHROMA_HALF, ALB_CHROMA_COUNT };

/* How the format is found: the first of `automatic` that can hold the picture (alpha; frames: then neither AVIF
 * nor JXL); else `format`; if that is SAME: the source's own if it is in `keep`, else the first of `preferred`
 * that can hold it, else the first of `preferred`. A result with a side below 16 is never AVIF. */
#define ALB_FORMAT_LIST 6
struct alb_output {
    enum alb_format format;
    enum alb_format automatic[ALB_FORMAT_LIST], preferred[ALB_FORMAT_LIST]; /* SAME ends a list */
    uint16_t keep;                                                          /* ALB_FORMAT_BIT of each */
    uint16_t best; /* not 0: all of these that can hold it are tried, the smallest of equal score wins */
    uint8_t quality[ALB_FORMAT_COUNT]; /* 1..100; 0 = that of [SAME]; 0 there: the format's own default */
    uint64_t max_bytes;                /* quality is lowered until it fits or reaches 10; 0 = off */
    enum alb_autoquality autoquality;
    double target, error; /* SIZE: bytes; DSSIM: distance, and how near is near enough */
    uint8_t least, most;  /* qualities that autoquality may take */
    uint8_t least_of[ALB_FORMAT_COUNT], most_of[ALB_FORMAT_COUNT]; /* the same for one format; 0: these */
    uint64_t autoquality_pixels; /* a larger result gets its plain quality; 0 = any size */
    uint64_t best_pixels;        /* a larger result is written in the likeliest of `best` at once; 0 = any size */
    double best_plain; /* bits of entropy of its brightness, below which `best` takes formats without loss; 0 = never */
    bool keep_metadata;   /* EXIF, XMP and IPTC are copied, orientation reset */
    bool keep_copyright;  /* without keep_metadata: author, copyright and their like stay */
    enum alb_profile_out profile;
    uint32_t profile_input;
    bool deep;     /* keep 16 bits a channel where the format can (PNG, TIFF, AVIF, JXL) */
    double dpi;    /* written; 0 = 72 */
    bool lossless; /* JXL, JP2, AVIF, HEIC (WebP has its mode); a PNG gets no palette that nobody asked for */
    bool jpeg_progressive, jpeg_trellis, jpeg_overshoot,
        jpeg_scans;              /* the last three need mozjpeg; else ignored */
    uint8_t jpeg_table;          /* quantisation table 0..8, as mozjpeg */
    enum alb_chroma chroma;      /* JPEG */
    enum alb_chroma heif_chroma; /* AVIF, HEIC */
    bool png_interlaced, png_quantize;
    bool png_plain;      /* else a source with a palette gets one, quantised or not */
    uint16_t png_colors; /* 2..256; 0 = 256 */
    enum alb_webp_mode webp_mode;
    bool webp_smart_subsample;
    enum alb_webp_preset webp_preset;
    uint8_t effort[ALB_FORMAT_COUNT]; /* 1 = fastest .. 10 = slowest; 0 = the default of the format */
};

/* ---- one pipeline ---- */

struct alb_crop {
    bool on;
    double width, height;  /* >= 1: pixels, < 1: fraction of the side, 0: the whole side */
    struct alb_gravity at; /* offsets in source pixels, without dpr */
    double aspect;         /* width / height that the rectangle is brought to; 0 = off */
    bool aspect_enlarge;   /* by enlarging it (cut again where the picture ends); else by cutting */
};
struct alb_trim {
    bool on;
    double threshold;
    bool has_color; /* else that of the first pixel */
    uint32_t color;
    bool last;             /* without a colour: that of the last pixel, at the lower right as shown */
    bool equal_h, equal_v; /* the same amount off both sides */
};
/* A part of the picture by its edges, in shown pixels of the whole of it, whatever is trimmed; what lies outside is
 * not there. What has no pixel is no window. Edges that are fractions are rounded, all else is cut to whole pixels. */
struct alb_window {
    bool on;
    bool extent;                     /* right and bottom are width and height */
    uint8_t fractions;               /* of the side: bits 1, 2, 4, 8 for left, top, right, bottom */
    double left, top, right, bottom; /* right, bottom as edges 0: the picture's own */
};
/* What is to stay when the result is cut: the middle of these, by their area, in shown pixels of the whole source. */
struct alb_focus {
    double left, top, right, bottom;
    bool fractions; /* of the sides */
    bool point;     /* left, top; as large as one pixel */
};
#define ALB_FOCUS_MAX 16
/* A canvas around the picture, which lies in its middle. */
enum alb_ground {
    ALB_GROUND_CLEAR,
    ALB_GROUND_COLOR, /* painted under transparent parts of the picture as well */
    ALB_GROUND_MEAN,  /* the same, in the mean colour of the picture over white */
    ALB_GROUND_BLUR,  /* the picture itself, stretched and blurred */
    ALB_GROUND_COUNT
};
struct alb_fill {
    bool on;
    bool box;           /* as large as the box that the first pipeline was to fit, else as the picture */
    bool swap;          /* box and padding lie on their side */
    int32_t padding[4]; /* left, top, right, bottom; below 0: cut off */
    enum alb_ground ground;
    uint32_t color;
    double sigma; /* of BLUR */
};
#define ALB_FILL_PADDING_MAX 1000000
struct alb_extend {
    bool on;
    struct alb_gravity at; /* no SMART */
};
/* Frames of a video, each made to fit width x height (smaller or larger): a sheet of them, or an animation. The
 * first is that of video_second. */
struct alb_tiles {
    double step; /* seconds from one to the next; < 0: all frames spread over its duration; 0: off */
    uint32_t columns,
        rows;       /* at most ALB_TILES_MAX together; of an animation: rows 1, columns: how many frames */
    uint32_t delay; /* ms for which a frame is shown; of a sheet: 0 */
    uint32_t width, height;
    bool extend; /* black around what does not fill width x height; else a tile is as large as its frame */
    bool trim;   /* no rows, columns or frames for times behind the end: else they are black */
    bool fill;   /* fill width x height, cut what is over */
    double focus_x, focus_y; /* 0..1, for `fill`: the point that stays as near to the middle as it can */
};
#define ALB_TILES_MAX 10000u
#define ALB_TILE_SIDE_MAX 16384u

enum alb_kernel {
    ALB_KERNEL_LANCZOS3,
    ALB_KERNEL_NEAREST,
    ALB_KERNEL_LINEAR,
    ALB_KERNEL_CUBIC,
    ALB_KERNEL_LANCZOS2,
    ALB_KERNEL_COUNT
};

/* alb_plan_options_init: the whole picture as it is shown, in its own format or one that every browser knows,
 * default quality, white under transparency where the format has none. */
struct alb_plan_options {
    /* the source; looked at in the first pipeline only */
    bool ignore_orientation;
    uint32_t page;       /* first page, from 0 */
    uint32_t pages;      /* how many pages of a document, below each other; 0 and 1: one */
    uint32_t frames;     /* at most so many frames of an animation if the format can; 0: the first one only */
    double video_second; /* frame of a video nearest to this time */
    bool video_keyframe; /* the key frame before it: cheaper */
    /* Several frames of a video, upright. The film is made where the result's format can move, whatever `frames` says;
     * else the sheet. */
    struct alb_tiles sheet, film;
    bool embedded;       /* HEIC, AVIF: the embedded thumbnail, whatever its size */
    bool pdf_clear;      /* PDF: pages without a ground of their own stay transparent; else it is white */
    struct alb_str style; /* SVG: CSS that is added; at most ALB_STYLE_MAX bytes */
    bool lenient; /* show what can be decoded of a damaged file; the default refuses truncated content */
    double dpi;   /* SVG, PDF: their own size is that at so many dots per inch; 0: 72 */
    /* geometry */
    enum alb_sizing sizing;
    struct alb_trim trim;
    struct alb_crop crop;
    struct alb_window window; /* sizing THUMBNAIL, instead of crop */
    enum alb_fit fit;
    uint32_t width, height;         /* 0 = follows from the other */
    bool own_width, own_height;     /* sizing THUMBNAIL: as wide, as high as the picture is */
    /* the same, of a layer: as wide, as high as what it is laid over, less width, height; one pixel at least */
    bool below_width, below_height;
    bool adaptive; /* sizing THUMBNAIL: width and height change places if the picture lies the other way */
    double share;  /* sizing THUMBNAIL, > 0: width and height are so large a part of the picture */
    uint32_t min_width, min_height; /* enlarged to reach these, then cut to width x height; 0 = off */
    double zoom_x, zoom_y, dpr;     /* > 0 */
    bool enlarge;                   /* rasters are never made larger without it; vectors always may */
    struct alb_gravity gravity;     /* what stays when the result is cut */
    const struct alb_focus *focus;  /* sizing THUMBNAIL: instead of gravity, if there are any */
    uint32_t focus_count;
    /* sizing THUMBNAIL: the picture, trimmed and cut to its window, keeps its size, and outlines tell what would decide
     * about the rest: red what would be left of it, green what is to stay. */
    bool outline;
    uint16_t turn;                  /* 0, 90, 180, 270 clockwise, on top of the file's orientation */
    bool flip_h, flip_v;            /* after the turn */
    struct alb_extend extend, extend_aspect;
    uint32_t padding[4]; /* top, right, bottom, left; times dpr */
    struct alb_fill fill; /* behind all of these */
    uint32_t side_max;   /* the whole result is made smaller to stay within; 0 = off */
    enum alb_kernel kernel;
    bool linear; /* resize in linear light */
    /* How much larger than the result the decoder's own shrinking (JPEG n/8, WebP) must leave the picture, in
     * thousandths: 0 or 1000 = fast mode, as small as possible; 1700 keeps the fine detail. 65535: it does not
     * shrink at all. */
    uint16_t shrink_margin;
    bool levels; /* made of a smaller picture of the source that is kept, if there is one that is fine enough: plan.h */
    /* pixels */
    const struct alb_effect *effects, *overlays; /* in this order */
    uint32_t effect_count, overlay_count;
    bool flatten;            /* paint the ground under transparency even if the format could keep it */
    uint32_t background;     /* 0xRRGGBB; formats without alpha are always flattened on it */
    double background_alpha; /* 0..1: of the ground, where the format can keep it */
    bool background_mean;    /* flatten: on the mean colour of the picture over white instead */
    const struct alb_plan_options *next;
    struct alb_output output;
};
#define ALB_STYLE_MAX 4096
#define ALB_PIPELINES_MAX 16
#define ALB_SHRINK_NEVER 65535

void alb_plan_options_init(struct alb_plan_options *o);
/* A deep copy with everything in the arena; NULL: its cap is reached, or a list is longer than it may be. */
struct alb_plan_options *alb_plan_options_clone(const struct alb_plan_options *o,
                                                struct alb_arena *arena) ALB_MUST_CHECK;
/* Canonical bytes of the options, equal if and only if the options are: part of a cache key. Which bytes stand
 * behind an input index is not part of them. */
#define ALB_OPTIONS_KEY_MAX (1u << 20) /* no options that a plan takes have a longer one */
void alb_plan_options_key(const struct alb_plan_options *o, struct alb_buf *out);
/* INVALID if a value is out of range; alb_plan_make asks it first. */
enum alb_code alb_plan_options_check(const struct alb_plan_options *o, struct alb_err *err) ALB_MUST_CHECK;

const char *alb_format_name(enum alb_format f); /* "jpeg" */
const char *alb_format_mime(enum alb_format f); /* "image/jpeg" */
enum alb_type alb_format_type(enum alb_format f);
enum alb_format alb_format_of_name(struct alb_str name); /* jpg and jpeg ...; SAME if unknown */

#endif
