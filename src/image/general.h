/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker side: the executor for every plan, on libvips, and the probe. Called by a sealed worker, one job at
 * a time; what they hold is released before they return.
 */
#ifndef ALB_IMAGE_GENERAL_H
#define ALB_IMAGE_GENERAL_H

#include "image/plan.h"
#include "image/probe.h"

struct alb_general_outcome {
    enum alb_format format; /* that was written */
    struct alb_rect trim;   /* of a plan that ends in FIND_TRIM: nothing was written */
};
/* Runs a plan over its inputs (as many as alb_plan_inputs says) and writes the encoded picture to result_fd.
 * UNPROCESSABLE: damaged, or not what the plan was made for. */
enum alb_code alb_general_render(const struct alb_plan *plan, const struct alb_str *inputs, int result_fd,
                                 struct alb_general_outcome *outcome, struct alb_err *err) ALB_MUST_CHECK;

/* Fills *out (its arena is given by the caller). What cannot be read is told in *out, not as a failure. Without
 * `pixels` only header and metadata are read. */
enum alb_code alb_general_probe(enum alb_type type, struct alb_str source,
                                const struct alb_plan_limits *limits, bool pixels, struct alb_probe *out,
                                struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_general_sidecar(struct alb_str source, struct alb_probe *out,
                                  struct alb_err *err) ALB_MUST_CHECK;

/* Draws a word. UNPROCESSABLE if it leaves no ink: then fonts cannot be reached, which nothing else would
 * tell. */
enum alb_code alb_general_canary(struct alb_err *err) ALB_MUST_CHECK;

#endif
