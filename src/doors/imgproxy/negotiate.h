/* SPDX-License-Identifier: Apache-2.0
 *
 * What a client says about itself: which newer formats it takes, how dense and how wide its screen is; and which of
 * these words an answer depends on. Pure; any thread.
 */
#ifndef ALB_DOORS_IMGPROXY_NEGOTIATE_H
#define ALB_DOORS_IMGPROXY_NEGOTIATE_H

#include "doors/imgproxy/options.h"

/* ALB_IMGPROXY_FORMAT_BIT of WEBP, AVIF and JXL that an Accept header names with a weight above 0. "image/" with
 * "*" does not name them: clients have said so since long before these formats. Several header lines are or-ed. */
uint32_t alb_imgproxy_accepts(struct alb_str accept);

/* A density in 0 < d <= 8, else 0; a width of whole pixels above 0, else 0. */
double alb_imgproxy_hint_dpr(struct alb_str value);
double alb_imgproxy_hint_width(struct alb_str value);

/* The value of Vary, a literal; NULL: the answer is the same for everybody. */
const char *alb_imgproxy_vary(const struct alb_imgproxy_config *c, const struct alb_imgproxy_request *r);

/* The name that a picture is saved under, with its ending: the option `filename`, else `own` (the file name of an
 * asset, or empty) or the last segment of the source without its ending, else "image". Empty view: no memory. */
struct alb_str alb_imgproxy_filename(struct alb_arena *arena, const struct alb_imgproxy_request *r,
                                     struct alb_str own, const char *ending);

#endif
