/* SPDX-License-Identifier: Apache-2.0
 *
 * The filters of a URL, typed: what is set wherever it stands (formats, loading, HTTP), and what is done to the
 * picture in the order in which it is written. As imagor reads them (its filters; thumbor's that it lacks as thumbor's
 * docs tell them): numbers that cannot be read are 0, a filter without what it needs does nothing, names that nobody
 * knows are passed over. Views point into the URL or into the arena. Pure; any thread.
 */
#ifndef ALB_DOORS_THUMBOR_FILTERS_H
#define ALB_DOORS_THUMBOR_FILTERS_H

#include "base/err.h"
#include "doors/thumbor/url.h"
#include "doors/thumbor/words.h"

enum alb_thumbor_format {
    ALB_THUMBOR_FORMAT_NONE,
    ALB_THUMBOR_JPEG,
    ALB_THUMBOR_PNG,
    ALB_THUMBOR_WEBP,
    ALB_THUMBOR_GIF,
    ALB_THUMBOR_TIFF,
    ALB_THUMBOR_HEIF,
    ALB_THUMBOR_AVIF,
    ALB_THUMBOR_JXL,
    ALB_THUMBOR_JP2,
    ALB_THUMBOR_FORMATS
};
/* Of format(): pdf, svg and bmp are JPEG. NONE: unknown. */
enum alb_thumbor_format alb_thumbor_format_of(struct alb_str name);

enum alb_thumbor_op_kind {
    ALB_THUMBOR_BACKGROUND, /* colour */
    ALB_THUMBOR_FILL,       /* colour */
    ALB_THUMBOR_PADDING,    /* colour; n: left, top, right, bottom */
    ALB_THUMBOR_BLUR,       /* v[0]: sigma */
    ALB_THUMBOR_SHARPEN,    /* v[0]: sigma */
    ALB_THUMBOR_LINEAR,     /* v: three factors, three additions */
    ALB_THUMBOR_GREY,
    ALB_THUMBOR_MODULATE,   /* v: lightness, chroma (factors), hue (degrees) */
    ALB_THUMBOR_ROTATE,     /* n[0]: 90, 180, 270 counter-clockwise */
    ALB_THUMBOR_PROPORTION, /* v[0]: above 0, at most 1 */
    ALB_THUMBOR_CROP,       /* v: left, top, width, height; what is below 1 is a part of the side */
    ALB_THUMBOR_TRIM,       /* n[0]: tolerance; last */
    ALB_THUMBOR_PIXELATE,   /* n[0]: side of a block */
    ALB_THUMBOR_ROUND,      /* v: two radii; colour if `last` */
    ALB_THUMBOR_NOISE,      /* n: amount, seed */
    ALB_THUMBOR_EQUALIZE,
    ALB_THUMBOR_CURVE,     /* data: three tables of 256 bytes */
    ALB_THUMBOR_CONVOLVE,  /* n[0]: columns; weight: n[1] of them */
    ALB_THUMBOR_WATERMARK, /* data: the image; at; v: opacity, width and height as parts of the picture or 0 */
    ALB_THUMBOR_IMAGE,     /* data: a path of this language, decoded; at; v: opacity; blend */
    ALB_THUMBOR_TEXT,      /* data: the text, UTF-8; at; v: opacity; blend; colour; text */
    ALB_THUMBOR_FRAME,     /* data: the image */
    ALB_THUMBOR_RED_EYE,
};
enum alb_thumbor_blend {
    ALB_THUMBOR_NORMAL,
    ALB_THUMBOR_MULTIPLY,
    ALB_THUMBOR_SCREEN,
    ALB_THUMBOR_OVERLAY,
    ALB_THUMBOR_DARKEN,
    ALB_THUMBOR_LIGHTEN,
    ALB_THUMBOR_COLOR_DODGE,
    ALB_THUMBOR_COLOR_BURN,
    ALB_THUMBOR_HARD_LIGHT,
    ALB_THUMBOR_SOFT_LIGHT,
    ALB_THUMBOR_DIFFERENCE,
    ALB_THUMBOR_EXCLUSION,
    ALB_THUMBOR_ADD,
    ALB_THUMBOR_MASK,
    ALB_THUMBOR_MASK_OUT,
    ALB_THUMBOR_BLENDS
};
enum alb_thumbor_text_align { ALB_THUMBOR_LOW, ALB_THUMBOR_CENTRE, ALB_THUMBOR_HIGH };
enum alb_thumbor_wrap { ALB_THUMBOR_WORD, ALB_THUMBOR_CHAR, ALB_THUMBOR_WORD_CHAR, ALB_THUMBOR_NO_WRAP };
/* How a text is set. */
struct alb_thumbor_text {
    struct alb_str font; /* as Pango reads it; at most ALB_THUMBOR_FONT_MAX bytes */
    int64_t label;       /* of label(): one line that is made to fit into so many pixels of height; else 0 */
    double share;        /* lines are broken at so large a part of the picture's width */
    int64_t more;        /* and so many pixels */
    enum alb_thumbor_text_align align;
    enum alb_thumbor_wrap wrap;
    bool justify;
    int64_t spacing, dpi; /* 0: not given */
};
#define ALB_THUMBOR_TEXT_MAX 1024
#define ALB_THUMBOR_FONT_MAX 128
#define ALB_THUMBOR_DPI_MAX 2400
#define ALB_THUMBOR_LETTER_MAX 2000 /* points, and pixels of a label */
/* "10", "-10", "25p", "-0.1", "center", "repeat", "left", "right-20" ... on one axis. */
enum alb_thumbor_from { ALB_THUMBOR_START, ALB_THUMBOR_MIDDLE, ALB_THUMBOR_END, ALB_THUMBOR_REPEAT };
struct alb_thumbor_place {
    enum alb_thumbor_from from;
    bool part, fixed; /* value is a part of the side; is meant as it is, though it is below 0 */
    double value;
};
struct alb_thumbor_op {
    enum alb_thumbor_op_kind kind;
    struct alb_thumbor_colour colour;
    double v[6];
    int64_t n[4];
    bool last;
    struct alb_str data;
    const double *weight;
    struct alb_thumbor_place at[2]; /* across, down */
    enum alb_thumbor_blend blend;
    const struct alb_thumbor_text *text;
};

struct alb_thumbor_focus { /* right, bottom: below 0 for a point */
    double left, top, right, bottom;
    bool fractions, point;
};
#define ALB_THUMBOR_FOCUS_MAX 16
#define ALB_THUMBOR_WEIGHTS_MAX 121

struct alb_thumbor_filters {
    /* what is written */
    enum alb_thumbor_format format, fallback;
    bool has_format;                                   /* format() stands somewhere, whatever it says */
    int64_t quality, bitdepth, compression, max_bytes; /* 0: not given */
    bool palette, lossless, strip_metadata, strip_icc, strip_exif;
    struct alb_str colorspace;
    /* what is read, and sizes */
    int64_t max_frames, page, orient, dpi; /* 0: not given */
    bool stretch, upscale, no_upscale;
    struct alb_thumbor_focus focus[ALB_THUMBOR_FOCUS_MAX];
    size_t focuses;
    bool extract_focal;
    /* HTTP */
    bool has_expire, has_max_age, attachment, raw, preview;
    int64_t expire, max_age; /* ms since 1970; s */
    struct alb_str name;     /* of attachment; empty: that of the source */
    /* what is done */
    struct alb_thumbor_op *ops;
    size_t count;
    const char *wrong;         /* the first thing that is refused rather than passed over; NULL: nothing */
    struct alb_str wrong_name; /* the filter of it */
};

/* What an operator allows. Zeroed: everything. */
struct alb_thumbor_rules {
    struct alb_str disabled[64]; /* names */
    size_t disabled_count;
    int64_t max_ops; /* filters behind so many are not done; 0: all are */
};

/* INVALID: more than a picture may have of something, or a text that is none (the message says what). */
enum alb_code alb_thumbor_filters_read(const struct alb_thumbor_rules *rules, const struct alb_thumbor_url *u,
                                       struct alb_arena *arena, struct alb_thumbor_filters *out,
                                       struct alb_err *err) ALB_MUST_CHECK;
/* extract_focal(): an image that is a URL of thumbor's itself; its crop becomes a focus, its image the image. */
bool alb_thumbor_extract_focal(struct alb_thumbor_url *u, struct alb_arena *arena,
                               struct alb_thumbor_filters *f) ALB_MUST_CHECK;

/* ---- layer.c ---- */

/* Sides of a layer that are told in those of what it is laid over: less so many pixels. */
struct alb_thumbor_below {
    bool width, height;
    int64_t less_width, less_height;
};
/* The path of an image(): as any path, but that "f", "full", "f-20" may stand for a side of its size. False: no
 * memory. */
bool alb_thumbor_layer_url(struct alb_thumbor_url *u, struct alb_arena *arena, struct alb_str path,
                           struct alb_thumbor_below *below) ALB_MUST_CHECK;

/* ---- filters_curve.c ---- */

/* "[(x,y),...],[...],[...],[...]" (all, red, green, blue) as three tables; a list without points changes nothing.
 * False: no memory. */
bool alb_thumbor_curve(struct alb_arena *arena, struct alb_str args, struct alb_str *tables) ALB_MUST_CHECK;

#endif
