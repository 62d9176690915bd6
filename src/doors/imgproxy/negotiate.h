/* SPDX-License-Identifier: Apache-2.0
 *
 * What a client says about itself: which newer formats it takes, how dense and how wide its screen is; and which of
 * these words an answer depends on. Pure; any thread.
 */
#ifndef ALB_DOORS_IMGPROXY_NEGOTIATE_H
#define ALB_DOORS_IMGPROXY_NEGOTIATE_H

#include "doors/imgproxy/options.h"

/* What the lines of Accept say, in thousandths. Zeroed: there were none. */
struct alb_imgproxy_accept {
    uint16_t weight[ALB_IMGPROXY_FORMATS]; /* of a format that is named, 0: not named, or refused */
    uint32_t refused;                      /* bits: named with q=0, wherever else it is named too */
    uint16_t image, any;                   /* of "image/" with "*", and of "*" alone */
};
/* Takes in one line of the header; several count as one. What is no number counts as 1, a parameter that is not
 * q is passed over. */
void alb_imgproxy_accept_add(struct alb_imgproxy_accept *a, struct alb_str line);
/* Bits of WEBP, AVIF and JXL that the client takes: named with a weight above 0, and not below that of the
 * pictures that it would get instead (JPEG or PNG, named or by a wildcard). Wildcards do not name the newer
 * formats: clients have sent them since long before these existed. */
uint32_t alb_imgproxy_accepted(const struct alb_imgproxy_accept *a);

/* A density in 0.01 <= d <= 8, else 0 (nonsense, and no reason to refuse a URL); a width of whole pixels above 0,
 * else 0. */
double alb_imgproxy_hint_dpr(struct alb_str value);
double alb_imgproxy_hint_width(struct alb_str value);

/* Is the smallest of several formats wanted: asked for, or the default? */
bool alb_imgproxy_wants_best(const struct alb_imgproxy_config *c, const struct alb_imgproxy_request *r);
/* The value of Vary, a literal; NULL: the answer is the same for everybody. */
const char *alb_imgproxy_vary(const struct alb_imgproxy_config *c, const struct alb_imgproxy_request *r);

/* The name that a picture is saved under, with its ending: the option `filename`, else `own` (the file name of an
 * asset, or empty) or the last segment of the source without its ending, else "image". Empty view: no memory. */
struct alb_str alb_imgproxy_filename(struct alb_arena *arena, const struct alb_imgproxy_request *r,
                                     struct alb_str own, const char *ending);

#endif
