/* SPDX-License-Identifier: Apache-2.0
 *
 * The pieces of the lane: the plan read as one map from result to source (lane_plan.c), what stands between resizers
 * and sink (lane_rows.c), and a thread that decodes ahead (lane_ahead.c).
 */
#ifndef ALB_IMAGE_EXPRESS_LANE_PRIV_H
#define ALB_IMAGE_EXPRESS_LANE_PRIV_H

#include "image/express/lane.h"

/* ---- formats ---- */

struct alb_lane_format {
    enum alb_type type;
    enum alb_format format;
    bool streams; /* the source decodes while it is read, row by row */
    alb_source_open_fn *source;
    alb_sink_open_fn *sink;
    alb_sink_planes_fn *planes; /* NULL: never */
    alb_sink_takes_fn *takes;
};
/* NULL: not of the lane. */
const struct alb_lane_format *alb_lane_type(enum alb_type type);
const struct alb_lane_format *alb_lane_format(enum alb_format format);

/* ---- the plan as the lane reads it ---- */

/* All in pixels of the picture as it was loaded and lies in the file, until `orientation`. */
struct alb_lane_plan {
    const struct alb_plan_step *load, *encode;
    struct alb_rect crop;        /* of the loaded picture */
    uint32_t scaled_w, scaled_h; /* the crop is resized to this ... */
    struct alb_rect cut;         /* ... and this part of it is the result, before it is turned */
    enum alb_kernel kernel;
    bool linear, flatten;
    uint32_t ground; /* 0xRRGGBB */
    uint8_t orientation;
};
/* False: not a plan of the lane. */
bool alb_lane_read(const struct alb_plan *plan, struct alb_lane_plan *out);

/* What an orientation does to the stored rows: mirror them in x, reverse their order, then change x and y over. */
struct alb_lane_turn {
    bool swap, mirror, reverse;
};
struct alb_lane_turn alb_lane_turn_of(uint8_t orientation);

/* The part of the source's picture that is needed. Its size may be another one than the plan loads: a decoder that
 * could shrink (WebP) need not. */
struct alb_rect alb_lane_window(const struct alb_lane_plan *p, const struct alb_rows_format *native);

/* The part of a plane of the source that is needed, and the axes of its resizer. `to` is the sink's format. */
struct alb_lane_plane {
    uint32_t left, top; /* first sample and row in the whole plane */
    struct alb_axis x, y;
    bool copy; /* nothing to resize: result samples are the source's, as they lie (or mirrored) */
};
void alb_lane_plane(const struct alb_lane_plan *p, const struct alb_rows_format *from,
                    const struct alb_rows_format *to, unsigned plane, struct alb_lane_plane *out);

/* ---- from resized rows to the sink ---- */

/* Collects rows of each plane until a band is whole, or the whole result where it has to be turned, and lays the ground
 * under transparency. In the scratch: no close. */
struct alb_lane_out;
struct alb_lane_out_ask {
    struct alb_rows_format rows; /* as resized: before the turn, before the ground */
    struct alb_lane_turn turn;
    bool flatten;
    uint32_t ground;
    uint32_t ahead; /* rows by which one plane may be ahead of another */
};
/* The format that the sink will get. */
struct alb_rows_format alb_lane_out_format(const struct alb_lane_out_ask *ask);
enum alb_code alb_lane_out_open(struct alb_express *x, const struct alb_lane_out_ask *ask,
                                struct alb_sink *sink, struct alb_lane_out **out,
                                struct alb_err *err) ALB_MUST_CHECK;
/* Where the next row of a plane goes (with slack), or NULL: there is no room now, other planes first. */
uint8_t *alb_lane_out_row(struct alb_lane_out *o, unsigned plane);
/* That row is there. */
void alb_lane_out_add(struct alb_lane_out *o, unsigned plane);
/* Hands to the sink what is whole. After the last row of all planes everything is written. */
enum alb_code alb_lane_out_flush(struct alb_lane_out *o, struct alb_err *err) ALB_MUST_CHECK;
bool alb_lane_out_done(const struct alb_lane_out *o);

/* ---- light ---- */

/* A source of rows of light, half as wide and as many as those of `inner`, which is YCC and was started (lane_light.c).
 * Takes inner over, as below. */
enum alb_code alb_lane_light_open(struct alb_express *x, struct alb_source *inner, struct alb_source **out,
                                  struct alb_err *err) ALB_MUST_CHECK;

/* ---- decoding ahead ---- */

/* A source that another thread reads from `inner`, some bands ahead. Takes inner over: closing this one closes it. On
 * failure inner is as it was. `inner` must have been started. */
enum alb_code alb_lane_ahead_open(struct alb_express *x, struct alb_source *inner, struct alb_source **out,
                                  struct alb_err *err) ALB_MUST_CHECK;

#endif
