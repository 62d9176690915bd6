/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan: what exactly is to be done to a picture. Pure arithmetic from headers (what the probe said of the
 * sources) and options (what somebody wants, in any dialect: options.h) to a list of typed steps with exact
 * geometry. Nothing here decodes anything, so every rule is tested by table.
 *
 *     struct alb_plan_ask {headers, options, limits, rectangles of trims} --alb_plan_make--> struct alb_plan
 *
 * Steps of one pipeline, each only if needed:
 *     LOAD, [CROP], [LINEAR], [RESIZE], [CROP or SMART_CROP], [COLOUR], [TURN], EFFECT..., [CANVAS]...,
 *     [FLATTEN], EFFECT or MARK..., ENCODE
 * A further pipeline goes on behind the overlays of the one before it. LOAD is the first step and ENCODE the last.
 * A layer is a pipeline within: LOAD of its input, its steps, and BLEND, which lays it over the picture as it was
 * before that LOAD. Levels nest. A frame is LOAD, COLOUR, NINE, BLEND.
 * The arithmetic of sizes and places is imgproxy's (its processing/prepare.go, calc_position.go, gravity.go;
 * imgproxy's documentation calls it resizing types, gravity and extend), or with options.sizing that of libvips'
 * vips_thumbnail (plan_box.c). Where a dialect differs otherwise, its compiler says so in options.
 *
 * What only pixels can tell is asked of a worker, never guessed:
 *   - SMART_CROP has a known size; only its place is found by the worker.
 *   - Pages of a document may differ in size, and the header tells the first one's: for others the plan is
 *     LOAD, FIND_TRIM (size_only), and its rectangle comes before those of trims. So it is with frames of a video
 *     where unused ones are left out: only the file tells how long it is.
 *   - A trim changes sizes. When a pipeline trims and its rectangle is not in the ask, the plan ends in FIND_TRIM
 *     instead of ENCODE: run it, add the rectangle that the worker tells, and make the plan again.
 *   - How wide the sides of a frame are, only its pixels tell: LOAD of its input, FIND_TRIM (frame), and the
 *     rectangle is what of it a picture is to fill.
 *   - `best` formats and autoquality change the bytes, not the geometry: the reply names the format.
 *
 * Invariants (alb_plan_check, run by both sides of the darkroom's socket):
 *   P1  the first step is LOAD of input 0, the last is ENCODE or FIND_TRIM, each once; at most ALB_PLAN_STEPS steps;
 *       every other LOAD, of another input, has its BLEND, but for those that are open before a FIND_TRIM;
 *   P2  each step's input size is the output size of the step before it, BLEND's that of the step before its LOAD;
 *       no side is 0 or above the limits;
 *   P3  sizes, pixels and the expected memory are within the limits before any byte is decoded (law 7);
 *   P4  equal headers and options give equal plans on every machine.
 *
 * Geometry words: "stored" is the pixel grid of the file; "shown" is after EXIF orientation and the turn a
 * person gave. Options speak in shown pixels, steps before TURN in stored ones. Rounding is half away from
 * zero for sizes, half to even for places.
 *
 * Pure; any thread. Headers are plain values; a plan owns nothing and may be copied: its texts lie in itself.
 */
#ifndef ALB_IMAGE_PLAN_H
#define ALB_IMAGE_PLAN_H

#include "base/buf.h"
#include "base/err.h"
#include "image/options.h"
#include "image/sniff.h"
#include "image/turn.h"

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
    /* HEIC, AVIF: the embedded thumbnail, stored orientation as of the picture; 0 = none */
    uint32_t thumb_width, thumb_height;
    /* TIFF: so many pages behind the first one are the same picture, each half as large as the one before
     * (rounded down) */
    uint8_t halvings;
    int64_t bytes; /* of the file */
};

/* JPEG in memory is at most so large after the decoder's shrinking; more of it stays in libvips' hands. */
#define ALB_JPEG_PIXELS (16u << 20)
/* A side as the decoder leaves it: no part of a pixel for powers of two, as libvips has it, else the nearest. */
uint32_t alb_jpeg_side(uint32_t side, unsigned eighths);

/* The size as shown, with a person's turn (clockwise degrees, multiple of 90). */
void alb_header_shown(const struct alb_image_header *h, int turn, uint32_t *width, uint32_t *height);

/* Raised whenever the same plan would give other bytes; part of every cache key. */
#define ALB_IMAGE_EPOCH 8

/* ---- limits (law 7) ---- */

struct alb_plan_limits {
    int64_t source_bytes;      /* of the file */
    uint64_t source_pixels;    /* one page */
    uint64_t animation_pixels; /* all frames together, before resizing */
    uint64_t frame_pixels;     /* not 0: one frame of an animation, and its frames together are not counted */
    uint32_t frames;
    uint32_t result_side;
    uint64_t result_pixels;
    uint64_t memory; /* expected memory of one job, bytes */
    /* Bounds that decoders have of their own are lifted: of chunks of a PNG, of texts and nodes of an SVG. A job's
     * memory and time hold all the same. */
    bool png_unlimited, svg_unlimited;
};
void alb_plan_limits_default(struct alb_plan_limits *l);

/* ---- the plan ---- */

/* Input 0 is the source, the others are watermarks and profiles. */
#define ALB_PLAN_INPUTS 8

enum alb_step_kind {
    ALB_STEP_LOAD = 1,
    ALB_STEP_RESIZE = 2,
    ALB_STEP_CROP = 3,
    ALB_STEP_TURN = 4,
    ALB_STEP_COLOUR = 5,
    ALB_STEP_FLATTEN = 6,
    ALB_STEP_ENCODE = 7,
    ALB_STEP_SMART_CROP = 8,
    ALB_STEP_CANVAS = 9,
    ALB_STEP_EFFECT = 10,
    ALB_STEP_MARK = 11,
    ALB_STEP_FIND_TRIM = 12,
    ALB_STEP_BLEND = 13,
    ALB_STEP_NINE = 14, /* a nine-patch becomes as large as the step says */
};
enum alb_load_how {
    ALB_LOAD_FULL,      /* every pixel */
    ALB_LOAD_EIGHTHS,   /* JPEG, RAW preview: 1/8 .. 7/8 of the size, in the decoder */
    ALB_LOAD_SCALED,    /* WebP, SVG, PDF: the loader scales to width x height (one pixel more or less) */
    ALB_LOAD_DEVELOP,   /* RAW without a preview: half-size demosaic */
    ALB_LOAD_THUMBNAIL, /* HEIC, AVIF: the embedded thumbnail */
    ALB_LOAD_PAGE,      /* TIFF pyramid: a smaller page of the same picture; `page` says which one */
    ALB_LOAD_HOW_COUNT
};
enum alb_colour_to {
    ALB_COLOUR_PIXELS,  /* only out of spaces that no result has (CMYK, Lab, float), 8 bits unless `deep` */
    ALB_COLOUR_SRGB,    /* through the profile to sRGB or grey, profile dropped */
    ALB_COLOUR_LINEAR,  /* to linear light, to be followed by RESIZE and a step back */
    ALB_COLOUR_ENCODED, /* back from linear light */
    ALB_COLOUR_TO_COUNT
};

/* A text of a step: `n` bytes at `at` in the plan's own texts. */
struct alb_plan_text {
    uint32_t at, n;
};

struct alb_plan_typeset {
    bool forgiving, filled, painted, mean, justify;
    uint32_t rgb;
    struct alb_plan_text font;
    enum alb_text_align align;
    enum alb_text_wrap wrap;
    uint32_t width; /* at which lines are broken; 0: never */
    uint32_t spacing, dpi;
};

/* Frames of a video, as they are laid out. A frame is turned upright, `part` is cut out of it and resized to
 * inner_width x inner_height, which lies at left, top of its cell. */
struct alb_plan_tiles {
    uint32_t columns, rows; /* columns 0: one frame, nothing of all this */
    uint32_t of;            /* a step below 0 is so large a part of the duration */
    double step;
    uint32_t delay;
    uint8_t orientation; /* EXIF 1..8 */
    struct alb_rect part;
    uint32_t cell_width, cell_height, inner_width, inner_height, left, top;
};

/* width, height of a step: of what there is after it: one picture, one frame of an animation, or all pages of a
 * document below each other (each as large as the first). */
struct alb_plan_step {
    enum alb_step_kind kind;
    uint32_t width, height;
    union {
        struct {
            uint32_t input; /* 0: the source; else a layer begins here */
            enum alb_type type;
            enum alb_load_how how;
            uint8_t eighths;      /* 1..8; 8 unless EIGHTHS */
            uint32_t page, pages; /* first, and how many */
            bool strict;          /* truncated content is an error */
            bool animated;        /* the pages are frames: each goes through the steps alone */
            double video_second;
            bool video_keyframe;
            struct alb_plan_tiles tiles;
            bool pdf_clear;
            struct alb_plan_text style;
            uint32_t source_width,
                source_height; /* as planned from the header: checked again by the worker */
        } load;
        struct {
            enum alb_kernel kernel;
        } resize;
        struct {
            uint32_t left, top;
        } crop;
        struct {
            uint8_t orientation; /* EXIF 1..8 that brings stored to shown */
        } turn;
        struct {
            enum alb_colour_to to;
            bool deep;
        } colour;
        struct {
            uint32_t rgb;
            double alpha; /* 1: the result has no transparency */
            bool mean;    /* not rgb, but the mean colour of the picture over white */
        } flatten;
        struct {
            uint32_t left, top; /* where the picture lies on a canvas of width x height */
            enum alb_ground ground;
            uint32_t rgb;
            double sigma;
        } canvas;
        struct { /* pixels, as they are at this step */
            enum alb_effect_kind kind;
            double amount, amount2, angle, start, stop;
            uint32_t rgb, rgb2;
            bool keep;
            double v[6];
            struct alb_plan_text data;
            struct alb_rect area; /* width 0: everywhere */
        } effect;
        struct {
            uint32_t input; /* 0: text */
            struct alb_plan_text text;
            double opacity, rotate, shadow;
            /* The mark before it is turned; a text with 0 x 0 has its own size times `scale` (at 72 dpi). */
            uint32_t width, height;
            double scale;
            enum alb_tiling tiling;
            struct alb_gravity at; /* offsets in pixels */
            uint32_t gap_x, gap_y; /* between two, when tiled */
            enum alb_blend blend;
            struct alb_plan_typeset set;
            struct alb_spot x, y;  /* of a text that is placed; else zeroed */
            bool placed;           /* at left, top, so often to the right and down; instead of the four above */
            int32_t left, top;
            uint32_t across, down;
            /* how input `input` is to be loaded */
            enum alb_type type;
            uint8_t eighths;
            uint32_t source_width, source_height;
            uint8_t orientation;
        } mark;
        struct {
            double threshold;
            bool has_color;
            uint32_t color;
            uint8_t corner; /* of the pixel whose colour it is: 1 at the right, 2 at the bottom */
            bool size_only; /* the rectangle is all of what LOAD gives, whatever size the plan said */
            bool frame;     /* it is what of a nine-patch is to be filled */
        } find_trim;
        struct { /* the layer that ends here, on what was there before it; width, height: of that */
            double opacity;
            enum alb_blend blend;
            int32_t left, top;
            uint32_t across, down; /* so often side by side */
        } blend;
        struct {
            struct alb_output output; /* format: never SAME, the one that is written; quality of it set */
            bool animate;
        } encode;
    } u;
};

#define ALB_PLAN_STEPS 128
#define ALB_PLAN_TRIMS 32 /* questions that only pixels answer, for one picture */
#define ALB_PLAN_TEXTS 6144
struct alb_plan {
    uint32_t count;
    uint64_t memory;        /* expected peak of the job in bytes: the `cost` of its lease */
    uint32_t width, height; /* of the result, one page; FIND_TRIM: of what is looked at */
    enum alb_format format; /* of the result; SAME: output.best, the worker chooses */
    bool fonts;             /* needs fonts (texts, SVG, PDF): lane and slots of the vectors */
    uint32_t text_bytes;
    char texts[ALB_PLAN_TEXTS];
    struct alb_plan_step steps[ALB_PLAN_STEPS];
};
/* One more than the highest input that a step names. */
uint32_t alb_plan_inputs(const struct alb_plan *p);
static inline bool alb_plan_is_trim(const struct alb_plan *p)
{
    return p->count > 0 && p->steps[p->count - 1].kind == ALB_STEP_FIND_TRIM;
}

struct alb_plan_ask {
    const struct alb_image_header *headers; /* of the inputs, [0] is the source's */
    uint32_t header_count;                  /* 1..ALB_PLAN_INPUTS */
    const struct alb_plan_options *options;
    const struct alb_plan_limits *limits;
    const struct alb_rect *trims; /* what the FIND_TRIMs found so far, in the pixels they saw, in order */
    uint32_t trim_count;
};
/* INVALID: options out of range, or an input that is not there. UNSUPPORTED: this type cannot be shown.
 * TOO_LARGE: a limit (the text says which one). UNPROCESSABLE: a header without a size. *out is about 60 KB: not
 * for a small stack. */
enum alb_code alb_plan_make(const struct alb_plan_ask *ask, struct alb_plan *out,
                            struct alb_err *err) ALB_MUST_CHECK;
/* Whether a source may be opened at all, for whoever passes it on without a plan. UNPROCESSABLE, TOO_LARGE. */
enum alb_code alb_plan_check_source(const struct alb_image_header *h, const struct alb_plan_limits *limits,
                                    struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_plan_check(const struct alb_plan *p, struct alb_err *err) ALB_MUST_CHECK;

/* Where a mark of `part` pixels begins on a side of `whole`, and how often it stands side by side; false: none of
 * it lies there. */
bool alb_spot_place(const struct alb_spot *s, uint32_t whole, uint32_t part, int32_t *at, uint32_t *times);
/* Left or top of a part of `part` pixels on a side of `side`, as the gravity says (half to even; dpr scales pixel
 * offsets). Within [0, side - part], or with `over` within [-part + 1, side - 1]. Workers use it for texts, whose size
 * only they know. */
int64_t alb_place_x(const struct alb_gravity *at, uint32_t side, uint32_t part, double dpr, bool over);
int64_t alb_place_y(const struct alb_gravity *at, uint32_t side, uint32_t part, double dpr, bool over);

/* Serialised, versioned, little-endian; only what is used of steps and texts. unpack checks (INVALID if anything is
 * off). */
#define ALB_PLAN_PACKED_MAX (64 << 10)
void alb_plan_pack(const struct alb_plan *p, struct alb_buf *out);
enum alb_code alb_plan_unpack(struct alb_str s, struct alb_plan *out, struct alb_err *err) ALB_MUST_CHECK;

#endif
