/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan: what exactly is to be done to a picture. Pure arithmetic from a header (what the probe said of
 * the source) and options (what somebody wants, in any dialect) to a list of typed steps with exact geometry;
 * all doors compile to the same options. Nothing here decodes anything, so every rule is tested by table.
 *
 *     struct alb_image_header + struct alb_plan_options + struct alb_plan_limits
 *         --alb_plan_make-->  struct alb_plan: LOAD, [RESIZE], [CROP], [TURN], [COLOUR], [FLATTEN], ENCODE
 *
 * Invariants (alb_plan_check, run by both sides of the darkroom's socket):
 *   P1  the first step is LOAD, the last is ENCODE, each once; at most ALB_PLAN_STEPS steps;
 *   P2  each step's input size is the output size of the step before it; no side is 0 or above the limits;
 *   P3  sizes, pixels and the expected memory are within the limits before any byte is decoded (law 7);
 *   P4  equal headers and options give equal plans on every machine.
 *
 * Geometry words: "stored" is the pixel grid of the file; "shown" is after EXIF orientation and the turn a
 * person gave. Options speak in shown pixels, steps before TURN in stored ones. Rounding is half away from
 * zero. New kinds of steps (blur, pad, trim, watermark ...) are added to enum alb_step_kind and the union.
 *
 * Pure; any thread. Plans, headers and options are plain values: copy them freely.
 */
#ifndef ALB_IMAGE_PLAN_H
#define ALB_IMAGE_PLAN_H

#include "base/buf.h"
#include "base/err.h"
#include "image/sniff.h"

/* ---- what the source is ---- */

enum alb_icc {
    ALB_ICC_NONE, /* no profile: taken as sRGB (CMYK: a generic press profile) */
    ALB_ICC_SRGB, /* has the primaries and the curve of sRGB: nothing to convert */
    ALB_ICC_RGB,  /* another RGB space (Display P3, Adobe RGB ...) */
    ALB_ICC_GREY,
    ALB_ICC_CMYK,
    ALB_ICC_OTHER, /* Lab, broken or unknown: converted if possible, else ignored */
};
enum alb_space { ALB_SPACE_RGB, ALB_SPACE_GREY, ALB_SPACE_CMYK, ALB_SPACE_OTHER };

/* What the probe says of a source. Width and height are stored sizes of one page. RAW: of the embedded
 * preview that will be shown (raw_width x raw_height is the sensor's). VECTOR: natural size in CSS pixels
 * (SVG) or points (PDF), rounded up. */
struct alb_image_header {
    enum alb_type type;
    uint32_t width, height;
    uint32_t raw_width, raw_height; /* RAW only, else 0 */
    uint8_t orientation;            /* EXIF 1..8; 1 if unknown */
    uint32_t pages;                 /* frames of an animation, pages of a document; >= 1 */
    bool animated;                  /* the pages are frames */
    bool alpha;
    bool progressive; /* JPEG, PNG interlaced: the whole picture is held while decoding */
    bool preview;     /* RAW: an embedded preview exists */
    uint8_t bits;     /* per channel: 1..32 */
    enum alb_icc icc;
    enum alb_space space;
    int64_t bytes; /* of the file */
};

/* The size as shown, with a person's turn (clockwise degrees, multiple of 90). */
void alb_header_shown(const struct alb_image_header *h, int turn, uint32_t *width, uint32_t *height);

/* ---- what is wanted ---- */

enum alb_fit {
    ALB_FIT_INSIDE, /* whole picture inside width x height */
    ALB_FIT_COVER,  /* fill width x height, cut what is over */
    ALB_FIT_FORCE,  /* exactly width x height, proportions may change */
};
enum alb_format {
    ALB_FORMAT_SAME, /* that of the source if it can be written, else PNG with alpha, JPEG without */
    ALB_FORMAT_JPEG,
    ALB_FORMAT_PNG,
    ALB_FORMAT_WEBP,
    ALB_FORMAT_AVIF,
    ALB_FORMAT_JXL,
    ALB_FORMAT_COUNT
};

/* alb_plan_options_init: the whole picture as it is shown, same format, default quality, focus in the middle,
 * white under transparency where the format has none. */
struct alb_plan_options {
    enum alb_fit fit;
    uint32_t width, height; /* shown; 0 = follows from the other */
    bool enlarge;           /* rasters are never made larger without it; vectors always may */
    uint16_t turn;          /* 0, 90, 180, 270 clockwise, on top of the file's orientation */
    bool flip_h, flip_v;    /* after the turn */
    bool ignore_orientation;
    /* COVER: the point that stays in view, thousandths of width and height as shown; 500,500 = centre */
    uint16_t focus_x, focus_y;
    enum alb_format format;
    uint8_t quality;     /* 1..100, 0 = the format's default */
    bool lossless;       /* WebP, JXL; ignored elsewhere */
    bool flatten;        /* paint `background` under transparency even if the format could keep it */
    uint32_t background; /* 0xRRGGBB; formats without alpha are always flattened on it */
    bool keep_metadata;  /* false: stripped (the default); true: EXIF, XMP and IPTC are copied, orientation
                            reset */
    bool keep_profile;   /* false: converted to sRGB */
    bool animate;        /* keep an animation if the format can (WebP); false: first frame */
    uint32_t page;       /* first page, from 0; ignored with animate */
    /* How much larger than the result the decoder's own shrinking (JPEG n/8, WebP) must leave the picture, in
     * thousandths: 0 or 1000 = fast mode, as small as possible; 1700 keeps the fine detail. */
    uint16_t shrink_margin;
    bool lenient; /* show what can be decoded of a damaged file; the default refuses truncated content */
};
void alb_plan_options_init(struct alb_plan_options *o);
/* Canonical bytes of the options, equal if and only if the options are: part of a cache key. */
void alb_plan_options_key(const struct alb_plan_options *o, struct alb_buf *out);

/* Raised whenever the same plan would give other bytes; part of every cache key. */
#define ALB_IMAGE_EPOCH 2

/* ---- limits (law 7) ---- */

struct alb_plan_limits {
    int64_t source_bytes;      /* of the file */
    uint64_t source_pixels;    /* one page */
    uint64_t animation_pixels; /* all frames together, before resizing */
    uint32_t frames;
    uint32_t result_side;
    uint64_t result_pixels;
    uint64_t memory; /* expected memory of one job, bytes */
};
void alb_plan_limits_default(struct alb_plan_limits *l);

/* ---- the plan ---- */

enum alb_step_kind {
    ALB_STEP_LOAD = 1,
    ALB_STEP_RESIZE = 2,
    ALB_STEP_CROP = 3,
    ALB_STEP_TURN = 4,
    ALB_STEP_COLOUR = 5,
    ALB_STEP_FLATTEN = 6,
    ALB_STEP_ENCODE = 7,
};
enum alb_load_how {
    ALB_LOAD_FULL,    /* every pixel */
    ALB_LOAD_EIGHTHS, /* JPEG, RAW preview: 1/8, 2/8 or 4/8 of the size, in the decoder */
    ALB_LOAD_SCALED,  /* WebP, SVG, PDF: the loader scales to width x height (one pixel more or less) */
    ALB_LOAD_DEVELOP, /* RAW without a preview: half-size demosaic */
};

/* width, height of a step: of one page, after the step. */
struct alb_plan_step {
    enum alb_step_kind kind;
    uint32_t width, height;
    union {
        struct {
            enum alb_type type;
            enum alb_load_how how;
            uint8_t eighths;      /* 1, 2, 4; 8 unless EIGHTHS */
            uint32_t page, pages; /* first, and how many */
            bool strict;          /* truncated content is an error */
            uint32_t source_width,
                source_height; /* as planned from the header: checked again by the worker */
        } load;
        struct {
            uint32_t left, top;
        } crop;
        struct {
            uint8_t orientation; /* EXIF 1..8 that brings stored to shown */
        } turn;
        struct {
            bool to_srgb;
        } colour;
        struct {
            uint32_t rgb;
        } flatten;
        struct {
            enum alb_format format;
            uint8_t quality; /* 1..100 */
            bool lossless, animate, keep_metadata, keep_profile;
        } encode;
    } u;
};

#define ALB_PLAN_STEPS 16
struct alb_plan {
    uint32_t count;
    uint64_t memory;        /* expected peak of the job in bytes: the `cost` of its lease */
    uint32_t width, height; /* of the result, one page */
    enum alb_format format; /* of the result */
    struct alb_plan_step steps[ALB_PLAN_STEPS];
};

/* INVALID: options out of range. UNSUPPORTED: this type cannot be shown. TOO_LARGE: a limit (the text says
 * which one). UNPROCESSABLE: a header without a size. */
enum alb_code alb_plan_make(const struct alb_image_header *h, const struct alb_plan_options *o,
                            const struct alb_plan_limits *l, struct alb_plan *out,
                            struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_plan_check(const struct alb_plan *p, struct alb_err *err) ALB_MUST_CHECK;

/* Serialised, versioned, little-endian. unpack checks (INVALID if anything is off). */
#define ALB_PLAN_PACKED_MAX 1024
void alb_plan_pack(const struct alb_plan *p, struct alb_buf *out);
enum alb_code alb_plan_unpack(struct alb_str s, struct alb_plan *out, struct alb_err *err) ALB_MUST_CHECK;

const char *alb_format_name(enum alb_format f); /* "jpeg" */
const char *alb_format_mime(enum alb_format f); /* "image/jpeg" */
enum alb_type alb_format_type(enum alb_format f);
enum alb_format alb_format_of_name(struct alb_str name); /* jpg and jpeg ...; SAME if unknown */

#endif
