/* SPDX-License-Identifier: Apache-2.0
 *
 * What the commands on albums share (album.c, grant.c).
 */
#ifndef ALB_CATALOG_SQLITE_ALBUM_ROW_H
#define ALB_CATALOG_SQLITE_ALBUM_ROW_H

#include "catalog/change.h"
#include "catalog/sqlite/engine.h"

struct alb_album_row {
    int64_t id, owner_id, parent, rev;
    struct alb_uuid uuid;
    int kind;
    bool is_private, locked;
};
enum alb_code alb_album_row_get(struct alb_snap *s, int64_t id, struct alb_album_row *row,
                                struct alb_err *err) ALB_MUST_CHECK; /* NOT_FOUND */
enum alb_code alb_album_feed(struct alb_tx *tx, const struct alb_album_row *row, enum alb_entity entity,
                             enum alb_change_kind kind, int64_t other, struct alb_err *err) ALB_MUST_CHECK;

#endif
