/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to image/plan*.c: the pieces a plan is made of. Each file is one rule book:
 *   plan_options.c  ranges of options           plan_size.c   how large everything is
 *   plan_key.c      options as bytes            plan_place.c  where everything lies
 *   plan_format.c   which format is written     plan_load.c   how the source is loaded
 *   plan_tiles.c    frames of videos            plan_box.c    both, with sizing THUMBNAIL; fill
 *   plan_effect.c   what effects may say        plan_level.c  smaller ones that are kept
 *   plan_layer.c    layers and frames           plan_mark.c   overlays
 *   plan_cost.c   expected memory             plan_outline.c  outlines of what decides
 *   plan_draft.c    the steps as they grow      plan_check.c, plan_wire.c  plans as bytes that nobody trusts
 *   plan_source.c   what may come in, its pages and its size
 *   plan.c          the order of all that
 * Pure; any thread.
 */
#ifndef ALB_IMAGE_PLAN_PRIV_H
#define ALB_IMAGE_PLAN_PRIV_H

#include "image/plan.h"

#define ALB_PLAN_SIDE_MAX 1000000u /* far above every limit: keeps products inside 64 bits */

bool alb_effect_amount_ok(enum alb_effect_kind kind, double amount, double amount2);
bool alb_effect_values_ok(enum alb_effect_kind kind, double amount, const double v[6], struct alb_str data);
/* A side that is a whole number of blocks, one at least. */
uint32_t alb_whole_blocks(uint32_t side, double block);
bool alb_output_ok(const struct alb_output *o);
/* Texts are drawn, or the source is a vector. */
bool alb_plan_needs_fonts(const struct alb_plan *p);

/* ---- sizes (plan_size.c) ---- */

/* Shown pixels of one pipeline. */
struct alb_plan_sizes {
    int64_t source_w, source_h;
    int64_t crop_w, crop_h; /* cut out of the source, perhaps larger than it; 0: the whole side */
    double scale_w, scale_h, dpr;
    int64_t target_w, target_h; /* what was asked for; 0: not given */
    int64_t scaled_w, scaled_h;
    int64_t cut_w, cut_h;       /* the scaled picture is cut to these; 0: not at all */
    int64_t aspect_w, aspect_h; /* canvas for extend_aspect; 0: none */
    int64_t box_w, box_h;       /* sizing THUMBNAIL: what the picture is to fit, both sides known */
    /* With outline: what would be left of the picture, at its place (eye: a worker finds that), and where the whole
     * one, which is so large, begins. Above, sizes are as without a wish. */
    struct alb_rect left;
    bool eye;
    int64_t whole_x, whole_y, whole_w, whole_h;
};
void alb_plan_size(const struct alb_plan_options *o, uint32_t width, uint32_t height, bool vector,
                   struct alb_plan_sizes *s);
int64_t alb_scaled(int64_t side, double scale);      /* halves away from zero */
int64_t alb_scaled_even(int64_t side, double scale); /* halves to even */
/* As libvips makes pictures larger and smaller (vips_reduce: by the reciprocal): what imgproxy plans and what it gets
 * differ where a half is only nearly one. */
int64_t alb_resized(int64_t side, double scale);
int64_t alb_least_given(int64_t a, int64_t b);       /* the smaller one; of one that is 0, the other */

/* ---- plan_box.c ---- */

/* What a pipeline sees: `clip` of a picture of width x height. */
struct alb_view {
    uint32_t width, height;
    struct alb_rect clip;
    uint32_t below_width, below_height; /* of what a layer is laid over */
};
/* With sizing THUMBNAIL, of what is shown. *crop_at: where the crop of *s lies; *at: what stays when the result is
 * cut. */
void alb_plan_size_box(const struct alb_plan_options *o, const struct alb_view *view, struct alb_plan_sizes *s,
                       struct alb_gravity *crop_at, struct alb_gravity *at);
struct alb_draft;
enum alb_code alb_plan_fill(struct alb_draft *d, const struct alb_fill *f);

/* ---- plan_outline.c ---- */

/* Of a picture of which `r` of the clip is cut out: notes what the sizes would leave, and takes them back. */
void alb_plan_size_outline(const struct alb_view *view, const struct alb_rect *r, const struct alb_gravity *at,
                           struct alb_plan_sizes *s);
/* Nothing without options.outline. */
void alb_plan_outline(struct alb_draft *d, const struct alb_plan_options *o, const struct alb_plan_sizes *s);

/* ---- places (plan_place.c) ---- */

/* As alb_place_x, _y within the side, what is left in the middle halved downwards. */
int64_t alb_place_down_x(const struct alb_gravity *at, uint32_t side, uint32_t part);
int64_t alb_place_down_y(const struct alb_gravity *at, uint32_t side, uint32_t part);

int64_t alb_even(double v); /* nearest, halves to even; far outside of any size: 10^15 */
/* What a gravity was before the picture was turned clockwise by degrees and then mirrored. */
void alb_gravity_before(struct alb_gravity *g, unsigned degrees, bool flip_h, bool flip_v);
/* What a gravity of a picture as shown is on the pixels as stored: orientation, then the options' own turn. */
void alb_gravity_to_stored(struct alb_gravity *g, uint8_t orientation, const struct alb_plan_options *o);

/* ---- the draft that everything below works on ---- */

struct alb_draft {
    const struct alb_plan_ask *ask;
    const struct alb_plan_options *options; /* the first of this picture's pipelines */
    const struct alb_image_header *h;       /* of the source, of the level that is loaded instead, or of the layer */
    struct alb_image_header level;
    struct alb_err *err;
    struct alb_plan *plan;
    uint32_t input; /* its number */
    unsigned depth; /* 0: the source; else of a layer, with what is below it: */
    uint32_t below_width, below_height;
    bool below_animated;
    uint64_t sources;                       /* pixels of the source and of all layers so far */
    bool asks;                              /* the plan ends here, with a question */
    uint32_t natural_width, natural_height; /* of what is loaded: one frame, one page or all pages together */
    /* the picture as it is after the steps so far */
    uint32_t width, height;
    uint8_t orientation; /* EXIF 1..8 that is still to be applied */
    bool alpha;
    bool embedded;      /* it is the embedded thumbnail */
    bool fresh;         /* nothing has been done to it: the loader may still shrink it */
    bool vector;        /* may grow */
    bool smaller; /* this pipeline makes it smaller, on one axis at least */
    double base_shrink; /* of a vector's natural size to what is taken for it */
    bool full;          /* no room for another step */
    uint32_t page, pages;
    bool animated; /* the pages are frames */
    const struct alb_tiles *tiles; /* several frames of a video; NULL: no */
    struct alb_plan_tiles laid;
    uint32_t trims;
    struct alb_view view; /* of this pipeline, as stored */
    uint32_t box_width, box_height; /* of the first pipeline; 0: it has none */
    enum alb_format format;
    uint64_t held; /* bytes that steps hold at once, beyond decoder and encoder */
};
/* The next step, or one that nobody sees if there is no room (`full`). */
struct alb_plan_step *alb_draft_add(struct alb_draft *d, enum alb_step_kind kind, uint32_t width,
                                    uint32_t height);
struct alb_plan_text alb_draft_text(struct alb_draft *d, struct alb_str text);
/* Cuts a rectangle out; two cuts in a row are one. */
void alb_draft_crop(struct alb_draft *d, struct alb_rect r);
void alb_draft_smart_crop(struct alb_draft *d, uint32_t width, uint32_t height);
/* No canvas that has no pixels, or too many. */
enum alb_code alb_draft_check_canvas(const struct alb_draft *d, int64_t width, int64_t height);
/* The picture at left, top of a transparent canvas; two canvases in a row are one. */
void alb_draft_canvas(struct alb_draft *d, uint32_t width, uint32_t height, uint32_t left, uint32_t top);
/* TOO_LARGE: it would have to be enlarged too much. */
enum alb_code alb_draft_resize(struct alb_draft *d, const struct alb_plan_options *o, int64_t width,
                               int64_t height);

/* ---- plan_source.c ---- */

/* Options and source are within their limits, and a picture can be made of it. */
enum alb_code alb_plan_check_ask(const struct alb_draft *d) ALB_MUST_CHECK;
/* The format of the result, as far as pages depend on it, and which pages are taken for it. */
enum alb_code alb_plan_choose_pages(struct alb_draft *d) ALB_MUST_CHECK;
/* The draft is the picture as it lies in the file, all its pages together. *done (else untouched): the plan ends here,
 * with the question how large they are, or how many frames there are. */
enum alb_code alb_plan_begin(struct alb_draft *d, bool *done) ALB_MUST_CHECK;

/* ---- plan_format.c ---- */

/* Whether the result may have transparency, as far as options and header tell. */
bool alb_expects_alpha(const struct alb_draft *d);
enum alb_format alb_choose_format(const struct alb_draft *d, bool animated);
/* The output as it is written: format and qualities resolved for a result of this size. */
void alb_resolve_output(const struct alb_draft *d, struct alb_output *out);
/* What `best` may be for the picture as it is, with transparency or without; 0: nothing, or not asked for. */
uint16_t alb_best_candidates(const struct alb_draft *d, bool alpha);

/* ---- plan_load.c ---- */

/* Adds LOAD for the source, shrunk by the loader as far as the sizes allow; sizes become those that are left to do
 * on the loaded picture, and crop offsets are scaled along. swap: shown and stored sides change places. */
void alb_plan_load(struct alb_draft *d, const struct alb_plan_options *o, bool swap, struct alb_plan_sizes *s,
                   struct alb_gravity *crop_at);
/* Adds LOAD for every pixel. */
void alb_plan_load_full(struct alb_draft *d);
uint8_t alb_jpeg_eighths(double shrink);

/* ---- plan_level.c ---- */

/* With options of the first pipeline, whose pixels shrink so much at least: a level takes the place of the source in
 * the draft (false: none does). */
bool alb_plan_find_level(struct alb_draft *d, const struct alb_plan_options *o, double shrink);
/* Least shrink_margin where a level is loaded: that is small, and every pixel of it was paid for. */
#define ALB_LEVEL_MARGIN 4000u

/* ---- plan_tiles.c ---- */

/* A film can be made of it: if the format can move, it will be. */
bool alb_tiles_may_move(const struct alb_draft *d);
/* Sets d->tiles, and with those that move d->pages. */
void alb_tiles_choose(struct alb_draft *d);
/* Lays them out: d->laid, and the size of what is loaded. *done: the plan ends here, with the question how many frames
 * there are. */
enum alb_code alb_tiles_lay(struct alb_draft *d, bool *done);

/* ---- plan_mark.c ---- */

/* The pipelines of a picture, one behind the other. */
enum alb_code alb_plan_pipelines(struct alb_draft *d);
enum alb_code alb_plan_effects(struct alb_draft *d, const struct alb_effect *list, uint32_t count,
                               double dpr);

/* A mark of part_w x part_h at two spots of the picture; false: nothing of it lies there. */
struct alb_placing {
    int32_t left, top;
    uint32_t across, down;
};
bool alb_plan_place(const struct alb_draft *d, const struct alb_mark *m, uint32_t part_w, uint32_t part_h,
                    struct alb_placing *out);

/* ---- plan_layer.c ---- */

#define ALB_FRAME_SIDE_MIN 3 /* a nine-patch has marks around it */

enum alb_code alb_plan_layer(struct alb_draft *d, const struct alb_effect *e);
enum alb_code alb_plan_frame(struct alb_draft *d, const struct alb_effect *e);

/* ---- plan_cost.c ---- */

/* What decoding takes: `load` is the LOAD step of this picture. */
uint64_t alb_plan_decode_memory(const struct alb_draft *d, const struct alb_plan_step *load);

uint64_t alb_plan_memory(const struct alb_draft *d);

#endif
