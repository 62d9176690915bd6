/* SPDX-License-Identifier: Apache-2.0
 *
 * What is kept for a while and then forgotten: the change feed, operations that have ended (with what undoes
 * them), jobs that failed for good. Bounded by age and by number (law 7).
 */
#ifndef ALB_CATALOG_COMPACT_H
#define ALB_CATALOG_COMPACT_H

#include "catalog/catalog.h"

struct alb_keep {
    int64_t since_ms; /* what is older goes; INT64_MIN = age does not matter */
    int64_t rows_max; /* of each kind; the oldest go first */
};
/* One slice; *more: there is more to forget. The newest change always stays, so that the feed's numbers go on
 * after a restart; running operations stay. */
enum alb_code alb_catalog_compact(struct alb_tx *tx, const struct alb_keep *keep, bool *more,
                                  struct alb_err *err) ALB_MUST_CHECK;

#endif
