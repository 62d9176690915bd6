/* SPDX-License-Identifier: Apache-2.0
 *
 * Assets: rows, layers, and every command that changes one. Each command keeps what is derived (effective
 * values, effective tags, counters, what albums show) and writes the change feed, in the same transaction;
 * callers decide only what may be changed by whom.
 */
#ifndef ALB_CATALOG_ASSET_H
#define ALB_CATALOG_ASSET_H

#include "catalog/rights.h"

struct alb_asset_tag {
    int64_t id;
    struct alb_uuid uuid;
    enum alb_tag_scope scope;
    struct alb_str value; /* path */
};
struct alb_asset {
    int64_t id;
    struct alb_uuid uuid;
    int64_t owner_id;
    struct alb_uuid owner_uuid;
    int64_t blob_id, size;
    unsigned char sha1[ALB_SHA1_LEN], sha256[ALB_SHA256_LEN];
    bool has_md5;
    unsigned char md5[ALB_MD5_LEN];
    struct alb_str name, mime, device_id, device_asset_id;
    enum alb_kind kind;
    bool damaged, gallery, personal, trashed, favorite; /* favorite: of the principal */
    bool original_bad; /* its original was found damaged or missing (blob.h) */
    enum alb_visibility visibility;
    int level;
    int64_t created_at, updated_at, trashed_at, file_modified_at; /* wall ms, 0 = not / unknown */
    int64_t rev, input_rev, render_rev;
    struct alb_layer effective;
    int capture_source; /* enum alb_layer_id, -1: unknown */
    int64_t sort_local; /* wall clock used for order: capture, else created_at */
    struct alb_media media;
    bool has_live, has_stack, stack_cover;
    struct alb_uuid live, stack, stack_primary; /* motion part; stack */
    int64_t stack_count;
    const struct alb_asset_tag *tags;
    size_t tag_count;
};

/* What rules need to know about an asset, without its texts. */
struct alb_asset_core {
    int64_t id, owner_id, blob_id, size, rev, input_rev, trashed_at, live_id, stack_id, created_at,
        sort_local;
    struct alb_uuid uuid;
    enum alb_kind kind;
    enum alb_visibility visibility;
    int level;
    bool gallery, personal, trashed, behind;
};

struct alb_declared_sum {
    enum alb_sum_kind kind;
    struct alb_str value; /* bytes */
};

/* ---- questions ---- */

/* NOT_FOUND if there is none. Rights are the caller's. favorite_of: whose favourite flag. */
enum alb_code alb_catalog_asset_get(struct alb_snap *s, int64_t id, int64_t favorite_of, struct alb_arena *a,
                                    struct alb_asset *out, struct alb_err *err) ALB_MUST_CHECK;
/* own: also the owner's tags, which are the owner's words for nobody else; else only those of the gallery. */
enum alb_code alb_catalog_asset_tags(struct alb_snap *s, int64_t id, bool own, struct alb_arena *a,
                                     const struct alb_asset_tag **tags, size_t *count,
                                     struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_asset_core(struct alb_snap *s, int64_t id, struct alb_asset_core *out,
                                     struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_asset_id(struct alb_snap *s, const struct alb_uuid *uuid, int64_t *id,
                                   struct alb_err *err) ALB_MUST_CHECK; /* NOT_FOUND */
/* 0 if the owner has no such asset; the trash counts. */
enum alb_code alb_catalog_asset_by_sha1(struct alb_snap *s, int64_t owner,
                                        const unsigned char sha1[ALB_SHA1_LEN], int64_t *id,
                                        struct alb_uuid *uuid, bool *trashed,
                                        struct alb_err *err) ALB_MUST_CHECK;
/* Whether its original was found damaged or missing when it was last looked at. */
enum alb_code alb_catalog_asset_original_bad(struct alb_snap *s, int64_t id, bool *bad,
                                             struct alb_err *err) ALB_MUST_CHECK;
/* stated = 0 if the layer says nothing. */
enum alb_code alb_catalog_layer_get(struct alb_snap *s, int64_t asset, enum alb_layer_id layer,
                                    struct alb_arena *a, struct alb_layer *out,
                                    struct alb_err *err) ALB_MUST_CHECK;
/* Ids in the trash, oldest first: of one owner (0 = anybody), trashed before `before_ms`. */
enum alb_code alb_catalog_trash_ids(struct alb_snap *s, int64_t owner, int64_t before_ms, size_t limit,
                                    struct alb_arena *a, int64_t **ids, size_t *count,
                                    struct alb_err *err) ALB_MUST_CHECK;
/* How many stills have this motion part. */
enum alb_code alb_catalog_live_uses(struct alb_snap *s, int64_t motion, int64_t *count,
                                    struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_is_favorite(struct alb_snap *s, int64_t user, int64_t asset, bool *is,
                                      struct alb_err *err) ALB_MUST_CHECK;
/* Assets and bytes of an owner, trash included. */
enum alb_code alb_catalog_owner_usage(struct alb_snap *s, int64_t owner, int64_t *assets, int64_t *bytes,
                                      struct alb_err *err) ALB_MUST_CHECK;

/* What alb_source needs, in one row. */
struct alb_asset_bytes {
    int64_t asset_id, owner_id, blob_id, size, render_rev, created_at, duration_ms;
    struct alb_uuid uuid;
    int blob_state;
    unsigned char sha256[ALB_SHA256_LEN];
    enum alb_kind kind;
    int32_t width, height;
    int orientation, rotation;
    enum alb_visibility visibility;
    bool damaged;
    struct alb_str store, key, sums, mime, name, header;
};
/* By UUID, or by id if uuid is NULL. NOT_FOUND. */
enum alb_code alb_catalog_asset_bytes(struct alb_snap *s, const struct alb_uuid *uuid, int64_t id,
                                      struct alb_arena *a, struct alb_asset_bytes *out,
                                      struct alb_err *err) ALB_MUST_CHECK;

/* ---- making ---- */

struct alb_asset_row {
    int64_t owner_id, added_by, blob_id;
    unsigned char sha1[ALB_SHA1_LEN];
    int64_t size;
    enum alb_kind kind;
    struct alb_str name, mime, device_id, device_asset_id;
    bool damaged, gallery, personal;
    enum alb_door door;
    enum alb_visibility visibility;
    int level;
    int64_t file_modified_at; /* 0 = unknown */
    struct alb_media media;
    const struct alb_layer *layers[ALB_LAYER_COUNT]; /* NULL = silent */
    const int64_t *tags[ALB_LAYER_COUNT];            /* tag ids by layer */
    size_t tag_count[ALB_LAYER_COUNT];
};
/* CONFLICT if the owner has these bytes. */
enum alb_code alb_catalog_asset_insert(struct alb_tx *tx, const struct alb_asset_row *row, int64_t *id,
                                       struct alb_uuid *uuid, struct alb_err *err) ALB_MUST_CHECK;
/* Gone for ever: the row, what hangs on it, its stack if too few are left; its blob is buried if it was the
 * last reference. */
enum alb_code alb_catalog_asset_purge(struct alb_tx *tx, int64_t id, struct alb_err *err) ALB_MUST_CHECK;

/* ---- layers ---- */

struct alb_machine_write {
    enum alb_layer_id layer;
    const struct alb_layer *values; /* replaces the layer */
    const int64_t *tags;            /* replaces its tags */
    size_t tag_count;
    const struct alb_media *media; /* NULL = leave */
    struct alb_str thumbhash;      /* empty = leave */
    struct alb_str mime;           /* empty = leave */
    int damaged;                   /* -1 = leave */
};
enum alb_code alb_catalog_layer_write(struct alb_tx *tx, int64_t asset, const struct alb_machine_write *w,
                                      struct alb_err *err) ALB_MUST_CHECK;

struct alb_person_write {
    const struct alb_layer *values; /* what it states is set */
    uint32_t forget;                /* what the person said about these is taken back */
    const int64_t *tags_add, *tags_remove;
    size_t tag_add_count, tag_remove_count;
    int64_t actor;
};
enum alb_code alb_catalog_person_write(struct alb_tx *tx, int64_t asset, const struct alb_person_write *w,
                                       struct alb_err *err) ALB_MUST_CHECK;
/* The original or the sidecar has changed: layers that jobs read for the old one will be refused. */
enum alb_code alb_catalog_asset_new_input(struct alb_tx *tx, int64_t asset,
                                          struct alb_err *err) ALB_MUST_CHECK;

/* ---- state ---- */

enum alb_code alb_catalog_asset_set_trashed(struct alb_tx *tx, int64_t id, int64_t at_ms /* 0 = restore */,
                                            struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_asset_set_visibility(struct alb_tx *tx, int64_t id, enum alb_visibility v,
                                               struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_asset_set_level(struct alb_tx *tx, int64_t id, int level,
                                          struct alb_err *err) ALB_MUST_CHECK;
/* At least one of the two must stay true (else INVALID). */
enum alb_code alb_catalog_asset_set_places(struct alb_tx *tx, int64_t id, bool gallery, bool personal,
                                           struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_asset_set_live(struct alb_tx *tx, int64_t still, int64_t motion /* 0 = none */,
                                         struct alb_err *err) ALB_MUST_CHECK;
/* *changed says whether the row was there before. Feeds the change of the favourite. */
enum alb_code alb_catalog_favorite_set(struct alb_tx *tx, int64_t user, int64_t asset, bool on, bool *changed,
                                       struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_declared_add(struct alb_tx *tx, int64_t asset, const struct alb_declared_sum *sum,
                                       struct alb_err *err) ALB_MUST_CHECK;

/* ---- stacks ---- */

/* ids[0] is the cover; at least two, of one owner. Assets of other stacks move over. */
enum alb_code alb_catalog_stack_new(struct alb_tx *tx, int64_t owner, const int64_t *ids, size_t count,
                                    int64_t *stack, struct alb_uuid *uuid,
                                    struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_stack_dissolve(struct alb_tx *tx, int64_t stack,
                                         struct alb_err *err) ALB_MUST_CHECK;

/* ---- derived data (check.c) ---- */

/* Merges the layers again; *differs says whether the row held something else (it is put right if fix). */
enum alb_code alb_catalog_asset_remerge(struct alb_tx *tx, int64_t id, bool *differs,
                                        struct alb_err *err) ALB_MUST_CHECK;

#endif
