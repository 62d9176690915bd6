/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to filters*.c.
 */
#ifndef ALB_DOORS_THUMBOR_FILTERS_PRIV_H
#define ALB_DOORS_THUMBOR_FILTERS_PRIV_H

#include "doors/thumbor/filters.h"

#define ALB_THUMBOR_FAR 1e6 /* no number that a filter works with is larger */
#define ALB_THUMBOR_ARGS_MAX 16

struct alb_thumbor_call { /* one filter, its arguments split */
    struct alb_arena *arena;
    struct alb_thumbor_filters *f;
    struct alb_thumbor_op *op; /* the next one; `done` keeps it */
    struct alb_str args, arg[ALB_THUMBOR_ARGS_MAX];
    size_t n;
};
double alb_thumbor_call_number(const struct alb_thumbor_call *c,
                               size_t i); /* 0 if it is not there, or none */
int64_t alb_thumbor_call_whole(const struct alb_thumbor_call *c, size_t i);
bool alb_thumbor_call_true(const struct alb_thumbor_call *c, size_t i);
struct alb_thumbor_op *alb_thumbor_call_done(struct alb_thumbor_call *c, enum alb_thumbor_op_kind kind);

/* A filter that lays something over the picture: it is kept. False: it is none of them. */
bool alb_thumbor_filter_lays(struct alb_thumbor_call *c, struct alb_str name);
/* A filter that sets something: it is set. False: it is none of them. */
bool alb_thumbor_filter_sets(struct alb_thumbor_filters *f, struct alb_arena *arena,
                             const struct alb_thumbor_filter *filter);

#endif
