/* SPDX-License-Identifier: Apache-2.0
 *
 * How derived data is kept. Every command that changes an asset brackets its change:
 *
 *     alb_asset_change_begin(tx, id, &before, err)     what counters know about it now
 *     … the UPDATE …
 *     alb_asset_change_end(tx, id, &before, kind, err) counters and album links by the difference, rev + 1,
 *                                                      change feed, the hook's list
 *
 * Counters are therefore never touched anywhere else. What an asset counts for is a function of its row
 * (struct alb_counted), so `albumen check` can recompute every counter from the rows.
 */
#ifndef ALB_CATALOG_SQLITE_DERIVE_H
#define ALB_CATALOG_SQLITE_DERIVE_H

#include "catalog/asset.h"
#include "catalog/change.h"
#include "catalog/sqlite/engine.h"

struct alb_counted {
    bool exists;
    int64_t owner_id, size, created_at, rev, live_id;
    struct alb_uuid uuid;
    int32_t month;
    int kind, visibility, level;
    bool trashed, behind;
};
/* NOT_FOUND if there is no such asset. */
enum alb_code alb_asset_change_begin(struct alb_tx *tx, int64_t id, struct alb_counted *before,
                                     struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_asset_change_end(struct alb_tx *tx, int64_t id, const struct alb_counted *before,
                                   struct alb_err *err) ALB_MUST_CHECK;
/* After an INSERT: counts it and feeds the creation. */
enum alb_code alb_asset_created(struct alb_tx *tx, int64_t id, struct alb_err *err) ALB_MUST_CHECK;
/* Before a DELETE whose links are gone already: counts it out and feeds the deletion. */
enum alb_code alb_asset_deleting(struct alb_tx *tx, int64_t id, struct alb_err *err) ALB_MUST_CHECK;

/* For the hook: the asset and its motion part, which is seen through it, are not what caches know. */
void alb_counted_touch(struct alb_tx *tx, int64_t id, const struct alb_counted *c);
/* The level at which album lists show the asset, -1 = not. */
int alb_counted_shown(const struct alb_counted *c);
/* One link more or less at that level (-1: nothing to do). After the row of the link was changed. */
enum alb_code alb_album_count(struct alb_tx *tx, int64_t album, int shown, int64_t asset_created_at,
                              int delta, struct alb_err *err) ALB_MUST_CHECK;

/* Recomputes columns and tags of one asset from its layers; the caller brackets. *changed: a column differs.
 */
enum alb_code alb_asset_apply_layers(struct alb_tx *tx, int64_t id, bool *changed,
                                     struct alb_err *err) ALB_MUST_CHECK;
/* The union over the layers minus removals into asset_tag. */
enum alb_code alb_asset_apply_tags(struct alb_tx *tx, int64_t id, bool *changed,
                                   struct alb_err *err) ALB_MUST_CHECK;
/* Writes a layer's row (deletes it if it states nothing) and its tags; no derivation. */
enum alb_code alb_layer_store(struct alb_tx *tx, int64_t asset, enum alb_layer_id layer,
                              const struct alb_layer *values, int64_t input_rev,
                              struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_layer_tags_store(struct alb_tx *tx, int64_t asset, enum alb_layer_id layer,
                                   const int64_t *tags, size_t count, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_media_store(struct alb_tx *tx, int64_t asset, const struct alb_media *m,
                              struct alb_err *err) ALB_MUST_CHECK;
/* The effective values of a set of layers as columns: bound in the order of ALB_EFFECTIVE_SET. */
void alb_effective_bind(struct alb_q *q, const struct alb_layer *e, int capture_source, int64_t created_at,
                        struct alb_buf *keys);
#define ALB_EFFECTIVE_COLUMNS                                                                                \
    "taken_utc, taken_local, taken_offset, taken_layer, sort_local, title, title_key, description, "         \
    "description_key, author, latitude, longitude, rating, rotation"
#define ALB_EFFECTIVE_MARKS "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"

/* The cover of a stack has gone or two are too few: repairs or dissolves it. */
enum alb_code alb_stack_settle(struct alb_tx *tx, int64_t stack, struct alb_err *err) ALB_MUST_CHECK;

#endif
