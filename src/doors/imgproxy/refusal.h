/* SPDX-License-Identifier: Apache-2.0
 *
 * Why the door says no, as a class that decides status and public text (reference: imgproxy's table of
 * errors). Every parser of this door returns one of these and fills a struct alb_err whose text is the
 * precise reason: that one is for the log, for development mode and for `albumen sign imgproxy --explain`,
 * never for strangers.
 */
#ifndef ALB_DOORS_IMGPROXY_REFUSAL_H
#define ALB_DOORS_IMGPROXY_REFUSAL_H

#include "base/err.h"

enum alb_imgproxy_refusal {
    ALB_IMGPROXY_FINE,
    ALB_IMGPROXY_BAD_URL,         /* 404 Invalid URL: path, option, preset, expired, option not in the list */
    ALB_IMGPROXY_SECURITY_OPTION, /* 403 Invalid URL: an option that configuration keeps to itself */
    ALB_IMGPROXY_BAD_SIGNATURE,   /* 403 Forbidden */
    ALB_IMGPROXY_NO_SIGNATURE,    /* 403, and the text says what is missing */
    ALB_IMGPROXY_BAD_SOURCE,      /* 404 Invalid source URL: not in the list of allowed sources */
    ALB_IMGPROXY_SOURCE_OFF,      /* 404 Source is unreachable: a scheme that is unknown or not enabled */
    ALB_IMGPROXY_TOO_LONG,        /* 404 Invalid URL: a bound of ours (law 7) */
    ALB_IMGPROXY_NO_MEMORY,       /* 503 */
    ALB_IMGPROXY_REFUSALS
};

int alb_imgproxy_refusal_status(enum alb_imgproxy_refusal r);         /* FINE: 200 */
const char *alb_imgproxy_refusal_text(enum alb_imgproxy_refusal r);   /* public */
enum alb_code alb_imgproxy_refusal_code(enum alb_imgproxy_refusal r); /* for logs and counters */

/* Sets *err (its code follows from the class) and gives the class back. */
#define alb_imgproxy_refuse(err, refusal, ...)                                                               \
    (alb_ignore_code_(alb_fail((err), alb_imgproxy_refusal_code(refusal), __VA_ARGS__)), (refusal))
static inline void alb_ignore_code_(enum alb_code code)
{
    (void)code;
}

#endif
