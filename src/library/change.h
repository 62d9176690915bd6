/* SPDX-License-Identifier: Apache-2.0
 *
 * The change feed: every change of an entity is a row with a growing seq, written in the transaction of the
 * change. Readers keep the last seq they saw and ask for what came after; a page holds no snapshot.
 */
#ifndef ALB_LIBRARY_CHANGE_H
#define ALB_LIBRARY_CHANGE_H

#include "catalog/change.h" /* struct alb_change */
#include "library/principal.h"

/* Changes with seq > after, oldest first, at most limit (<= 1000): the principal's own and the house's
 * (administrators and jobs with ALB_CRED_LOCAL: all). */
enum alb_code alb_library_changes(struct alb_library *lib, const struct alb_principal *p, int64_t after,
                                  size_t limit, struct alb_arena *a, struct alb_change **list, size_t *count,
                                  struct alb_err *err) ALB_MUST_CHECK;
/* Highest seq known to be durable; memory only, event loop allowed. */
int64_t alb_library_last_change(struct alb_library *lib);

#endif
