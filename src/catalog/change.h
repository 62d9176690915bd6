/* SPDX-License-Identifier: Apache-2.0
 *
 * The change feed, and operations (batches of edits with undo rows).
 */
#ifndef ALB_CATALOG_CHANGE_H
#define ALB_CATALOG_CHANGE_H

#include "catalog/catalog.h"
#include "catalog/types.h"

enum alb_entity {
    ALB_ENTITY_USER = 0,
    ALB_ENTITY_ASSET = 1,
    ALB_ENTITY_ALBUM = 2,
    ALB_ENTITY_ALBUM_ASSET = 3,
    ALB_ENTITY_ALBUM_USER = 4,
    ALB_ENTITY_TAG = 5,
    ALB_ENTITY_STACK = 6,
    ALB_ENTITY_FAVORITE = 7,
    ALB_ENTITY_OPERATION = 8,
    ALB_ENTITY_SHARE = 9,
    ALB_ENTITY_GROUP = 10
};
enum alb_change_kind { ALB_CHANGE_CREATE = 0, ALB_CHANGE_UPDATE = 1, ALB_CHANGE_DELETE = 2 };

struct alb_change {
    int64_t seq;
    enum alb_entity entity;
    enum alb_change_kind kind;
    int64_t id;    /* of the entity */
    int64_t other; /* second id: asset of ALBUM_ASSET, user of ALBUM_USER and FAVORITE; else 0 */
    struct alb_uuid uuid;
    int64_t owner_id; /* whose it is, 0 = of the house */
    int64_t rev, at;
};
/* seq > after, oldest first; user 0 = everybody's, else the user's and the house's. */
enum alb_code alb_catalog_changes(struct alb_snap *s, int64_t user, int64_t after, size_t limit,
                                  struct alb_arena *a, struct alb_change **list, size_t *count,
                                  struct alb_err *err) ALB_MUST_CHECK;
/* The oldest and the newest that are kept; 0 = there is none. */
enum alb_code alb_catalog_first_change(struct alb_snap *s, int64_t *seq, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_last_change(struct alb_snap *s, int64_t *seq, struct alb_err *err) ALB_MUST_CHECK;
/* seq and at are filled in here; uuid may be nil. */
enum alb_code alb_catalog_change_add(struct alb_tx *tx, const struct alb_change *c,
                                     struct alb_err *err) ALB_MUST_CHECK;

/* ---- operations ---- */

enum alb_operation_state { ALB_OPERATION_RUNNING = 0, ALB_OPERATION_ENDED = 1, ALB_OPERATION_UNDONE = 2 };
enum alb_operation_drain {
    ALB_DRAIN_NONE = 0,      /* the items are fixed */
    ALB_DRAIN_OWN_TRASH = 1, /* what the user has in the trash since before `value` (wall ms) */
    ALB_DRAIN_ALL_TRASH = 2  /* what anybody has */
};
struct alb_operation {
    int64_t id;
    struct alb_uuid uuid;
    int64_t user_id, value, total, cursor, done, skipped;
    int door, action;
    enum alb_operation_drain drain;
    enum alb_operation_state state;
};
enum alb_undo_field {
    ALB_UNDO_TRASHED_AT = 0,
    ALB_UNDO_VISIBILITY = 1,
    ALB_UNDO_FAVORITE = 2,
    ALB_UNDO_LEVEL = 3,
    ALB_UNDO_GALLERY = 4,
    ALB_UNDO_ALBUM_LINK = 5
};
struct alb_undo {
    int64_t n, asset_id;
    enum alb_undo_field field;
    int64_t before, after, other_id;
};
enum alb_code alb_catalog_operation_get(struct alb_snap *s, int64_t id, struct alb_operation *out,
                                        struct alb_err *err) ALB_MUST_CHECK; /* NOT_FOUND */
/* Ids of operations that are running, oldest first. */
enum alb_code alb_catalog_operation_running(struct alb_snap *s, struct alb_arena *a, int64_t **ids,
                                            size_t *count, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_operation_insert(struct alb_tx *tx, const struct alb_operation *op, int64_t *id,
                                           struct alb_uuid *uuid, struct alb_err *err) ALB_MUST_CHECK;
/* Fixed items, in order; at most ALB_OPERATION_CHUNK at once, all but the last chunk full. */
#define ALB_OPERATION_CHUNK 256
enum alb_code alb_catalog_operation_items_add(struct alb_tx *tx, int64_t op, int64_t chunk,
                                              const struct alb_uuid *assets, size_t count,
                                              struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_operation_items(struct alb_snap *s, int64_t op, int64_t chunk,
                                          struct alb_uuid assets[ALB_OPERATION_CHUNK], size_t *count,
                                          struct alb_err *err) ALB_MUST_CHECK;
/* Stores cursor, done, skipped; ends it when the cursor has reached the total. */
enum alb_code alb_catalog_operation_progress(struct alb_tx *tx, const struct alb_operation *op,
                                             struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_operation_set_undone(struct alb_tx *tx, int64_t op,
                                               struct alb_err *err) ALB_MUST_CHECK;
/* n is given here. */
enum alb_code alb_catalog_undo_add(struct alb_tx *tx, int64_t op, const struct alb_undo *u,
                                   struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_undo_count(struct alb_snap *s, int64_t op, int64_t *count,
                                     struct alb_err *err) ALB_MUST_CHECK;
/* Row n of 0..count-1. NOT_FOUND. */
enum alb_code alb_catalog_undo_get(struct alb_snap *s, int64_t op, int64_t n, struct alb_undo *out,
                                   struct alb_err *err) ALB_MUST_CHECK;

#endif
