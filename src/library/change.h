/* SPDX-License-Identifier: Apache-2.0
 *
 * The change feed: every change of an entity is a row with a growing seq, written in the transaction of the
 * change. Readers keep the last seq they saw and ask for what came after; a page holds no snapshot.
 * Old rows are forgotten (alb_library_compact): who stayed away for longer is told so, reads everything anew
 * and goes on from alb_library_last_change as it was before that.
 */
#ifndef ALB_LIBRARY_CHANGE_H
#define ALB_LIBRARY_CHANGE_H

#include "catalog/change.h" /* struct alb_change */
#include "library/principal.h"

/* Changes with seq > after, oldest first, at most limit (<= 1000): the principal's own and the house's; those
 * of everybody with ALB_CRED_LOCAL or without a principal. GONE if some of them are forgotten. */
enum alb_code alb_library_changes(struct alb_library *lib, const struct alb_principal *p, int64_t after,
                                  size_t limit, struct alb_arena *a, struct alb_change **list, size_t *count,
                                  struct alb_err *err) ALB_MUST_CHECK;
/* Highest seq known to be durable; memory only, event loop allowed. */
int64_t alb_library_last_change(struct alb_library *lib);

#endif
