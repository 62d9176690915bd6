/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to image/plan*.c: the pieces a plan is made of. Each file is one rule book:
 *   plan_options.c  ranges of options           plan_size.c   how large everything is
 *   plan_key.c      options as bytes            plan_place.c  where everything lies
 *   plan_format.c   which format is written     plan_load.c   how the source is loaded
 *   plan_mark.c     overlays                    plan_cost.c   expected memory
 *   plan.c          the order of all that       plan_check.c, plan_wire.c  plans as bytes that nobody trusts
 * Pure; any thread.
 */
#ifndef ALB_IMAGE_PLAN_PRIV_H
#define ALB_IMAGE_PLAN_PRIV_H

#include "image/plan.h"

#define ALB_PLAN_SIDE_MAX 1000000u /* far above every limit: keeps products inside 64 bits */

bool alb_effect_amount_ok(enum alb_effect_kind kind, double amount, double amount2);
bool alb_output_ok(const struct alb_output *o);
/* Texts are drawn, or the source is a vector. */
bool alb_plan_needs_fonts(const struct alb_plan *p);

/* ---- places (plan_place.c) ---- */

int64_t alb_even(double v); /* nearest, halves to even; far outside of any size: 10^15 */
/* What a gravity was before the picture was turned clockwise by degrees and then mirrored. */
void alb_gravity_before(struct alb_gravity *g, unsigned degrees, bool flip_h, bool flip_v);

#endif
