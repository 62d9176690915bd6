/* SPDX-License-Identifier: Apache-2.0
 *
 * Between bulk.c (operations, slices) and bulk_item.c (what an action does to one asset).
 */
#ifndef ALB_LIBRARY_BULK_H
#define ALB_LIBRARY_BULK_H

#include "catalog/change.h"
#include "library/asset.h"
#include "library/priv.h"

struct alb_bulk_step {
    struct alb_tx *tx;
    struct alb_operation *op;
    struct alb_viewer v; /* on whose behalf */
    struct alb_arena *arena;
    int64_t asset; /* 0: the item does not exist (any more) */
    int64_t item;  /* its number, for undo */
};
/* An alb_catalog_try_fn: the action on one asset with its undo rows. NOT_FOUND, FORBIDDEN: skipped. */
enum alb_code alb_bulk_apply(struct alb_tx *tx, void *step, struct alb_err *err) ALB_MUST_CHECK;
/* Who an operation acts for when its principal is not at hand (resumed) or is the room itself. */
enum alb_code alb_bulk_viewer(struct alb_tx *tx, const struct alb_operation *op, struct alb_viewer *v,
                              struct alb_err *err) ALB_MUST_CHECK;

#endif
