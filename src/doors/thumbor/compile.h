/* SPDX-License-Identifier: Apache-2.0
 *
 * From a URL of thumbor's language to what render makes (image/options.h): a translation. The URL's own geometry is
 * one pipeline; a flip, and each filter that changes the size or comes behind one that does, begins another, so that
 * filters work in the order in which they are written. Everything lies in the caller's arena. Pure; any thread.
 *
 * What imagor does otherwise is listed in docs/doors/thumbor.md.
 */
#ifndef ALB_DOORS_THUMBOR_COMPILE_H
#define ALB_DOORS_THUMBOR_COMPILE_H

#include "doors/thumbor/config.h"
#include "render/render.h"

struct alb_thumbor_wish {
    const struct alb_plan_options *options;
    struct alb_plan_limits limits;
    struct alb_str input[ALB_PLAN_INPUTS - 1]; /* images besides the URL's own: options name them from 1 */
    unsigned inputs;
};

/* `limits`: those of the server, which the configuration may make narrower. INVALID: more filters than a plan may have
 * pipelines or effects. UNSUPPORTED: a filter or a format that is not made here (the text says which one). */
enum alb_code alb_thumbor_compile(const struct alb_thumbor_config *c, const struct alb_thumbor_url *u,
                                  const struct alb_thumbor_filters *f, const struct alb_plan_limits *limits,
                                  struct alb_arena *arena, struct alb_thumbor_wish *out,
                                  struct alb_err *err) ALB_MUST_CHECK;
enum alb_format alb_thumbor_to_format(enum alb_thumbor_format f); /* SAME: none */

#endif
