/* SPDX-License-Identifier: Apache-2.0
 *
 * One asset as a row: the columns, the joins they need, and the reader that fills struct alb_asset from them.
 * `?1` is the user whose favourite flag is shown; `a` is the asset.
 */
#ifndef ALB_CATALOG_SQLITE_ASSET_ROW_H
#define ALB_CATALOG_SQLITE_ASSET_ROW_H

#include "catalog/asset.h"
#include "catalog/sqlite/engine.h"

#define ALB_ASSET_COLUMNS                                                                                    \
    "a.id, a.uuid, a.owner_id, o.uuid, a.blob_id, b.size, a.sha1, b.sha256, b.md5, a.name, a.mime, "         \
    "a.device_id,"                                                                                           \
    " a.device_asset_id, a.kind, a.damaged, a.gallery, a.personal, a.trashed_at,"                            \
    " EXISTS (SELECT 1 FROM favorite f WHERE f.account_id = ?1 AND f.asset_id = a.id), a.visibility, "       \
    "a.level,"                                                                                               \
    " a.created_at, a.updated_at, a.file_modified_at, a.rev, a.input_rev, a.render_rev,"                     \
    " a.taken_utc, a.taken_local, a.taken_offset, a.taken_layer, a.sort_local, a.title, a.description, "     \
    "a.author,"                                                                                              \
    " a.latitude, a.longitude, a.rating, a.rotation,"                                                        \
    " a.width, a.height, a.orientation, a.duration_ms, a.thumbhash, m.make, m.model, m.lens, m.f_number,"    \
    " m.exposure, m.iso, m.focal_mm, m.fps, m.projection, m.city, m.state, m.country, m.time_zone,"          \
    " lv.uuid, st.uuid, sp.uuid,"                                                                            \
    " CASE WHEN st.id IS NULL THEN 0 ELSE (SELECT count(*) FROM asset x WHERE x.stack_id = st.id) END, "     \
    "a.behind, b.bad"
#define ALB_ASSET_JOINS                                                                                      \
    "JOIN blob b ON b.id = a.blob_id JOIN account o ON o.id = a.owner_id"                                    \
    " LEFT JOIN asset_media m ON m.asset_id = a.id LEFT JOIN asset lv ON lv.id = a.live_id"                  \
    " LEFT JOIN stack st ON st.id = a.stack_id LEFT JOIN asset sp ON sp.id = st.primary_id"

/* Texts go to the arena. */
void alb_asset_row_read(struct alb_q *q, struct alb_arena *a, struct alb_asset *out);

#endif
