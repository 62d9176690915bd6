/* SPDX-License-Identifier: Apache-2.0
 *
 * Uploads that became assets: what is needed to answer for them when they are asked for again by their id.
 * The row is written with the asset, and forgotten some time after.
 */
#ifndef ALB_CATALOG_UPLOAD_H
#define ALB_CATALOG_UPLOAD_H

#include "catalog/catalog.h"
#include "catalog/types.h"

#define ALB_TAKEN_ID_MAX 64

struct alb_taken {
    int64_t owner_id, size;
    struct alb_uuid asset; /* may have been deleted since */
    int made;              /* enum alb_created_as (library/asset.h); its numbers are part of the format */
    bool trashed;
};

/* NOT_FOUND if it is not remembered (any more). */
enum alb_code alb_catalog_taken_get(struct alb_snap *s, struct alb_str upload, struct alb_taken *out,
                                    struct alb_err *err) ALB_MUST_CHECK;
/* Remembers it, and forgets a few that are older than keep_ms, so that the table stays as large as what comes
 * in that time. An id that is known keeps its first answer, unless it has become another asset. */
enum alb_code alb_catalog_taken_add(struct alb_tx *tx, struct alb_str upload, const struct alb_taken *taken,
                                    int64_t keep_ms, struct alb_err *err) ALB_MUST_CHECK;

#endif
