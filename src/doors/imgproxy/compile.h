/* SPDX-License-Identifier: Apache-2.0
 *
 * From what a URL asks for (options.h) to what render makes (image/options.h): a translation, without a decision of
 * its own but for the choice of formats that a client accepts. Everything lies in the caller's arena or points into
 * the request and the configuration. Pure; any thread.
 *
 * Deliberate differences: unsharp masking is only done if a URL asks for it (imgproxy's open build has none, so none
 * is what its users see); `dpi` of a result is 72 unless asked for, as imgproxy's is while metadata are stripped.
 */
#ifndef ALB_DOORS_IMGPROXY_COMPILE_H
#define ALB_DOORS_IMGPROXY_COMPILE_H

#include "doors/imgproxy/negotiate.h"
#include "render/render.h"

/* An input besides the source: options name it by its place here, from 1. */
struct alb_imgproxy_input {
    const struct alb_imgproxy_source *source; /* watermark_url; NULL: */
    struct alb_str profile;                   /* a file in profiles_dir; empty: the configured watermark */
};

struct alb_imgproxy_wish {
    const struct alb_plan_options *options;
    struct alb_plan_limits limits;
    struct alb_imgproxy_input input[ALB_PLAN_INPUTS - 1];
    unsigned inputs;
};

/* `accept`: what the client takes. `limits`: those of the server, which a request may lower but, without the right to
 * security options, never raises. BAD_URL: something that the grammar
 * knows and albumen cannot do (the text says what), or more inputs or pipelines than a plan may have. */
enum alb_imgproxy_refusal alb_imgproxy_compile(const struct alb_imgproxy_config *c,
                                               const struct alb_imgproxy_request *r,
                                               const struct alb_imgproxy_accept *accept,
                                               const struct alb_plan_limits *limits, struct alb_arena *arena,
                                               struct alb_imgproxy_wish *out,
                                               struct alb_err *err) ALB_MUST_CHECK;

struct alb_gravity alb_imgproxy_to_gravity(const struct alb_imgproxy_gravity *g);
/* The door's word for a format and render's, both ways; SAME and NONE where there is none. */
enum alb_format alb_imgproxy_to_format(enum alb_imgproxy_format f);
enum alb_imgproxy_format alb_imgproxy_of_type(enum alb_type t);

#endif
