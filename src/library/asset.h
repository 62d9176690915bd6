/* SPDX-License-Identifier: Apache-2.0
 *
 * Assets: making them, what the layers say, what persons change, the trash.
 *
 * Revisions: `rev` counts every change of the row (change feed, ETag); `input_rev` counts changes of what
 * jobs read (the original, the sidecar): a job writes its layer only if input_rev is still the one it read;
 * `render_rev` counts changes of rotation and centre of interest (identity of derived pictures).
 */
#ifndef ALB_LIBRARY_ASSET_H
#define ALB_LIBRARY_ASSET_H

#include "catalog/asset.h"  /* struct alb_asset, struct alb_declared_sum */
#include "catalog/blob.h"   /* struct alb_blob_new */
#include "catalog/upload.h" /* struct alb_taken */
#include "library/job.h"
#include "library/principal.h"

/* ---- making ---- */

struct alb_asset_new {
    int64_t owner_id;
    int64_t actor_id; /* who uploads; usually the owner */
    enum alb_door
        door; /* PIWIGO puts the asset into the gallery; IMMICH leaves a trashed duplicate in the trash */
    struct alb_blob_new blob;
    struct alb_str name; /* original file name */
    struct alb_str mime;
    enum alb_kind kind;
    bool damaged;
    int64_t file_modified_ms; /* as the client said; 0 = unknown */
    enum alb_visibility visibility;
    int level;
    bool favorite;
    struct alb_media media;                                 /* what the probe found */
    const struct alb_layer *hint, *file, *sidecar, *person; /* each may be NULL */
    const struct alb_tag_name *file_tags, *sidecar_tags, *person_tags;
    size_t file_tag_count, sidecar_tag_count, person_tag_count;
    const int64_t
        *albums; /* ids; one that is gone or may not be edited by the actor is skipped and counted */
    size_t album_count;
    const struct alb_str *album_names; /* personal albums of the owner by name; made if there is none */
    size_t album_name_count;
    int64_t motion_of; /* this is the motion part of that asset (both ways: see live) */
    int64_t live;      /* the motion part of this still; it becomes hidden; 0 = none */
    const struct alb_declared_sum *declared;
    size_t declared_count;
    const struct alb_job_new *jobs; /* follow-up; subject 0 = the new asset; only if created */
    size_t job_count;
    /* Remembered in the same transaction for upload_keep_ms (0 = not at all): alb_library_upload_taken. The
     * operation is idempotent by (owner, sha1) anyway. */
    struct alb_str upload_id;
    int64_t upload_keep_ms;
    struct alb_str device_id, device_asset_id; /* Immich v2 clients; may be empty */
};
enum alb_created_as { ALB_CREATED, ALB_DUPLICATE, ALB_RESTORED }; /* numbers are stored (struct alb_taken) */
struct alb_created {
    struct alb_obj obj;
    enum alb_created_as as;
    int64_t asset_id;
    struct alb_uuid asset_uuid;
    bool trashed;      /* duplicate that stays in the trash (Immich) */
    bool blob_known;   /* the blob row existed (somebody has these bytes) */
    bool blob_revived; /* it was dying, see library/blob.h */
    int64_t blob_id;
    size_t albums_skipped;
};
/* One transaction: blob row, asset, layers, links, jobs, change feed, counters. TOO_LARGE over the owner's
 * quota; UNPROCESSABLE if the same SHA-1 belongs to other bytes. Result struct alb_created. */
enum alb_code alb_library_asset_create(struct alb_library *lib, const struct alb_asset_new *asset,
                                       struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;

/* What an upload became; NOT_FOUND if it is not remembered. */
enum alb_code alb_library_upload_taken(struct alb_library *lib, struct alb_str upload_id,
                                       struct alb_taken *out, struct alb_err *err) ALB_MUST_CHECK;

/* ---- machines: layers ---- */

struct alb_layer_write {
    int64_t asset_id;
    int64_t input_rev;       /* as read by the job; CONFLICT if it has changed */
    enum alb_layer_id layer; /* not PERSON */
    struct alb_layer values; /* replaces the whole layer */
    const struct alb_tag_name *tags;
    size_t tag_count;
    const struct alb_media *media; /* FILE layer: replaces the facts; NULL = leave */
    struct alb_str thumbhash;      /* empty = leave */
    int damaged;                   /* 0, 1; -1 = leave */
    bool has_md5;
    unsigned char md5[ALB_MD5_LEN];
    struct alb_str mime; /* empty = leave */
    /* The job this belongs to, completed in the same transaction (CONFLICT if the lease is lost); 0 = none.
     */
    int64_t job_id;
    struct alb_str job_owner;
    const struct alb_job_new *jobs; /* follow-up; subject 0 = this asset */
    size_t job_count;
};
enum alb_code alb_library_layer_write(struct alb_library *lib, const struct alb_layer_write *w,
                                      struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;

/* ---- persons ---- */

#define ALB_ASSET_ANY_REV ((int64_t)-1)
struct alb_asset_update {
    struct alb_layer values; /* person layer: fields in `stated` are set (explicit empty allowed) */
    uint32_t forget;         /* fields whose person value is taken back: weaker layers show again */
    const struct alb_tag_name *tags_add, *tags_remove;
    size_t tag_add_count, tag_remove_count;
    int favorite;   /* of the principal: 0, 1; -1 = leave */
    int visibility; /* enum alb_visibility; -1 = leave */
    int level;      /* -1 = leave; administrators and owners of gallery assets */
    bool set_live;  /* live: id of the motion part, 0 = none */
    int64_t live;
    int64_t if_rev; /* PRECONDITION unless the row has this rev; ALB_ASSET_ANY_REV */
};
/* FORBIDDEN / NOT_FOUND by the rules of edit(user, asset). Result alb_done (id, uuid). */
enum alb_code alb_library_asset_update(struct alb_library *lib, const struct alb_principal *p,
                                       const struct alb_uuid *asset, const struct alb_asset_update *update,
                                       struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;

/* Bulk edits are operations: a row of their own, slices of at most 20 ms with undo rows, others' writes in
 * between; taken up again after a crash. Assets that do not exist or may not be edited are skipped and
 * counted. The future is settled when the operation has ended. Result struct alb_bulk. */
enum alb_bulk_action {
    ALB_BULK_TRASH, /* model.md "Deleting and keeping": may only leave the gallery, by door */
    ALB_BULK_RESTORE,
    ALB_BULK_PURGE,      /* for ever; no undo */
    ALB_BULK_VISIBILITY, /* value: enum alb_visibility */
    ALB_BULK_FAVORITE,   /* value: 0, 1 */
    ALB_BULK_LEVEL,      /* value */
    ALB_BULK_ALBUM_ADD,  /* value: album id */
    ALB_BULK_ALBUM_REMOVE,
    ALB_BULK_UNDO /* value: operation id; ids NULL */
};
struct alb_bulk {
    struct alb_obj obj;
    int64_t operation_id;
    int64_t done, skipped;
    struct alb_uuid uuid;
};
#define ALB_BULK_MAX 65536 /* ids in one call */
enum alb_code alb_library_bulk(struct alb_library *lib, const struct alb_principal *p, enum alb_door door,
                               enum alb_bulk_action action, int64_t value, const struct alb_uuid *ids,
                               size_t count, struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;
/* The whole trash of the principal: restored or purged. */
enum alb_code alb_library_trash_all(struct alb_library *lib, const struct alb_principal *p, bool restore,
                                    struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;
/* Purges what was trashed before `before_ms`, of everybody (the nightly job). */
enum alb_code alb_library_purge_old(struct alb_library *lib, int64_t before_ms, struct alb_future **future,
                                    struct alb_err *err) ALB_MUST_CHECK;

/* ---- reading ---- */

/* NOT_FOUND if absent or not visible to the principal. */
enum alb_code alb_library_asset_get(struct alb_library *lib, const struct alb_principal *p,
                                    const struct alb_uuid *id, struct alb_arena *a, struct alb_asset *out,
                                    struct alb_err *err) ALB_MUST_CHECK;
/* For jobs and tests: by id, without rights. */
enum alb_code alb_library_asset_by_id(struct alb_library *lib, int64_t id, struct alb_arena *a,
                                      struct alb_asset *out, struct alb_err *err) ALB_MUST_CHECK;
/* One layer as it is stored (stated = 0 if the layer says nothing). Owner or no principal. */
enum alb_code alb_library_layer_get(struct alb_library *lib, int64_t asset_id, enum alb_layer_id layer,
                                    struct alb_arena *a, struct alb_layer *out,
                                    struct alb_err *err) ALB_MUST_CHECK;

/* Which of these checksums does the owner have? For every sum one answer, in order; asset_id 0 = no. */
struct alb_sum_answer {
    int64_t asset_id;
    struct alb_uuid uuid;
    bool trashed;
    bool bad; /* its original is known to be damaged or missing: the same bytes, uploaded again, mend it */
};
#define ALB_SUMS_MAX 5000
enum alb_code alb_library_check_sums(struct alb_library *lib, const struct alb_principal *p,
                                     const unsigned char (*sha1)[ALB_SHA1_LEN], size_t count,
                                     struct alb_arena *a, struct alb_sum_answer **answers,
                                     struct alb_err *err) ALB_MUST_CHECK;

/* What may the principal do with an asset? Computed in one snapshot. */
enum alb_right { ALB_RIGHT_SEE, ALB_RIGHT_EDIT, ALB_RIGHT_EDIT_GALLERY, ALB_RIGHT_OWN };
bool alb_library_may(struct alb_library *lib, const struct alb_principal *p, int64_t asset_id,
                     enum alb_right right);

#endif
