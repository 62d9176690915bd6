/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to compile*.c: one translation.
 */
#ifndef ALB_DOORS_IMGPROXY_COMPILE_PRIV_H
#define ALB_DOORS_IMGPROXY_COMPILE_PRIV_H

#include "doors/imgproxy/compile.h"

struct alb_imgproxy_compiling {
    const struct alb_imgproxy_config *c;
    const struct alb_imgproxy_request *r;
    const struct alb_imgproxy_accept *accept;
    struct alb_arena *arena;
    struct alb_imgproxy_wish *out;
    struct alb_err *err;
};

static inline enum alb_imgproxy_refusal alb_imgproxy_compile_no_memory(struct alb_imgproxy_compiling *k)
{
    return alb_imgproxy_refuse(k->err, ALB_IMGPROXY_NO_MEMORY, "no memory");
}

/* The number by which options name it; the same source is fetched once. 0: there are too many. */
unsigned alb_imgproxy_input_of(struct alb_imgproxy_compiling *k, const struct alb_imgproxy_source *source,
                               struct alb_str profile);

/* ---- compile_output.c: what is written ---- */
enum alb_imgproxy_refusal alb_imgproxy_compile_output(struct alb_imgproxy_compiling *k,
                                                      struct alb_output *o) ALB_MUST_CHECK;

#endif
