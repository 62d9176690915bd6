/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan for one source without watermarks and trims, as most tests want it.
 */
#ifndef ALB_TESTS_IMAGE_PLAN_SIMPLE_H
#define ALB_TESTS_IMAGE_PLAN_SIMPLE_H

#include "image/plan.h"

/* `found`: the size of pages that are not the first one, once a worker has told it; else NULL. */
static inline enum alb_code plan_again(const struct alb_image_header *h, const struct alb_plan_options *o,
                                       const struct alb_plan_limits *l, const struct alb_rect *found,
                                       struct alb_plan *out, struct alb_err *err)
{
    const struct alb_plan_ask ask = {.headers = h, .header_count = 1, .options = o, .limits = l, .trims = found,
                                     .trim_count = found != NULL};
    return alb_plan_make(&ask, out, err);
}

static inline enum alb_code plan_make(const struct alb_image_header *h, const struct alb_plan_options *o,
                                      const struct alb_plan_limits *l, struct alb_plan *out,
                                      struct alb_err *err)
{
    return plan_again(h, o, l, NULL, out, err);
}

#endif
