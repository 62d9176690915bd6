/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to filters*.c.
 */
#ifndef ALB_DOORS_THUMBOR_FILTERS_PRIV_H
#define ALB_DOORS_THUMBOR_FILTERS_PRIV_H

#include "doors/thumbor/filters.h"

#define ALB_THUMBOR_FAR 1e6 /* no number that a filter works with is larger */

/* A filter that sets something: it is set. False: it is none of them. */
bool alb_thumbor_filter_sets(struct alb_thumbor_filters *f, struct alb_arena *arena,
                             const struct alb_thumbor_filter *filter);

#endif
