/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan for one source without watermarks and trims, as most tests want it.
 */
#ifndef ALB_TESTS_IMAGE_PLAN_SIMPLE_H
#define ALB_TESTS_IMAGE_PLAN_SIMPLE_H

#include "image/plan.h"

static inline enum alb_code plan_make(const struct alb_image_header *h, const struct alb_plan_options *o,
                                      const struct alb_plan_limits *l, struct alb_plan *out,
                                      struct alb_err *err)
{
    const struct alb_plan_ask ask = {.headers = h, .header_count = 1, .options = o, .limits = l};
    return alb_plan_make(&ask, out, err);
}

#endif
