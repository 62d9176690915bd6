/* SPDX-License-Identifier: Apache-2.0
 *
 * Tags: path values ("a/b"), unique without regard to case in the gallery and per owner.
 */
#ifndef ALB_CATALOG_TAG_H
#define ALB_CATALOG_TAG_H

#include "catalog/catalog.h"
#include "catalog/types.h"

#define ALB_TAG_MAX 255 /* bytes of a value */

struct alb_tag {
    int64_t id;
    struct alb_uuid uuid;
    enum alb_tag_scope scope;
    struct alb_str value;
    int64_t created_at, updated_at, assets; /* assets: of the owner of the list that carry it */
};
/* The user's own and the gallery's, by value. */
enum alb_code alb_catalog_tag_list(struct alb_snap *s, int64_t user, struct alb_arena *a,
                                   struct alb_tag **list, size_t *count, struct alb_err *err) ALB_MUST_CHECK;
/* NOT_FOUND unless the user may use it (own, or of the gallery). */
enum alb_code alb_catalog_tag_id(struct alb_snap *s, const struct alb_uuid *uuid, int64_t user, int64_t *id,
                                 struct alb_err *err) ALB_MUST_CHECK;
/* 0 if there is none. */
enum alb_code alb_catalog_tag_find(struct alb_snap *s, const struct alb_tag_name *name, int64_t owner,
                                   int64_t *id, struct alb_err *err) ALB_MUST_CHECK;
bool alb_tag_name_valid(struct alb_str value);
/* Found or made. INVALID if the value is empty, too long, or has an empty part. */
enum alb_code alb_catalog_tag_ensure(struct alb_tx *tx, const struct alb_tag_name *name, int64_t owner,
                                     int64_t *id, struct alb_err *err) ALB_MUST_CHECK;

#endif
