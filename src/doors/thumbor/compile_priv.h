/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to compile*.c: one chain of pipelines as it grows; that of the picture, or that of a layer.
 */
#ifndef ALB_DOORS_THUMBOR_COMPILE_PRIV_H
#define ALB_DOORS_THUMBOR_COMPILE_PRIV_H

#include "doors/thumbor/compile.h"

/* Parts of a pipeline in the order of their work: what comes next must lie behind what there is. */
enum alb_thumbor_part {
    ALB_THUMBOR_PART_TRIM,
    ALB_THUMBOR_PART_WINDOW,
    ALB_THUMBOR_PART_RESIZE,
    ALB_THUMBOR_PART_TURN,
    ALB_THUMBOR_PART_EFFECTS,
    ALB_THUMBOR_PART_FILL,
    ALB_THUMBOR_PART_GROUND,
    ALB_THUMBOR_PART_OVERLAYS
};

struct alb_thumbor_all { /* of the picture and all of its layers */
    unsigned layers, ops;
};
struct alb_thumbor_compiling {
    const struct alb_thumbor_config *c;
    struct alb_arena *arena;
    struct alb_err *err;
    struct alb_thumbor_wish *out;
    struct alb_thumbor_all *all;
    unsigned depth;
    struct alb_thumbor_below below;
    struct alb_plan_options *first, *now;
    unsigned count;
    enum alb_thumbor_part part;
    bool turned; /* width and height have changed places since the URL's own geometry */
    bool failed;
    enum alb_code code; /* failed, and *err says why */
};

/* NULL: failed. */
const struct alb_plan_options *alb_thumbor_chain(struct alb_thumbor_compiling *k,
                                                 const struct alb_thumbor_url *u,
                                                 const struct alb_thumbor_filters *f);
/* The next effect, behind all that there is. NULL: failed. */
struct alb_effect *alb_thumbor_add(struct alb_thumbor_compiling *k, enum alb_effect_kind kind);

/* ---- compile_overlay.c ---- */

void alb_thumbor_add_mark(struct alb_thumbor_compiling *k, const struct alb_thumbor_op *op);
void alb_thumbor_add_text(struct alb_thumbor_compiling *k, const struct alb_thumbor_op *op);
void alb_thumbor_add_layer(struct alb_thumbor_compiling *k, const struct alb_thumbor_op *op);
void alb_thumbor_add_frame(struct alb_thumbor_compiling *k, const struct alb_thumbor_op *op);

#endif
