/* SPDX-License-Identifier: Apache-2.0
 *
 * Albums of both kinds: tree, links, grants. Rights are the caller's (rights.h).
 */
#ifndef ALB_CATALOG_ALBUM_H
#define ALB_CATALOG_ALBUM_H

#include "catalog/rights.h"

struct alb_album_new {
    enum alb_album_kind kind;
    int64_t parent; /* gallery: parent album, 0 = root */
    struct alb_str name, description;
    bool is_private, locked; /* gallery */
};
struct alb_album {
    int64_t id;
    struct alb_uuid uuid;
    enum alb_album_kind kind;
    int64_t owner_id, parent;               /* 0 = none */
    struct alb_str name, description, path; /* path: ids root to self, "1,5,9" */
    bool is_private, locked;
    int64_t rank, representative;
    int64_t created_at, updated_at, rev;
    int64_t photos;    /* visible to the viewer's level */
    int64_t newest_at; /* when the newest of them was added, 0 = none */
};

/* Those of the kind that the viewer sees, by id (parents before children). */
enum alb_code alb_catalog_album_list(struct alb_snap *s, const struct alb_viewer *v, enum alb_album_kind kind,
                                     struct alb_arena *a, struct alb_album **list, size_t *count,
                                     struct alb_err *err) ALB_MUST_CHECK;
/* Without rights. NOT_FOUND. */
enum alb_code alb_catalog_album_get(struct alb_snap *s, int64_t id, int level, struct alb_arena *a,
                                    struct alb_album *out, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_album_id(struct alb_snap *s, const struct alb_uuid *uuid, int64_t *id,
                                   struct alb_err *err) ALB_MUST_CHECK; /* NOT_FOUND */
/* The oldest personal album of the owner that is called exactly so; 0 = none. */
enum alb_code alb_catalog_album_named(struct alb_snap *s, int64_t owner, struct alb_str name, int64_t *id,
                                      struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_album_kind(struct alb_snap *s, int64_t id, enum alb_album_kind *kind,
                                     struct alb_err *err) ALB_MUST_CHECK; /* NOT_FOUND */
enum alb_code alb_catalog_album_has(struct alb_snap *s, int64_t album, int64_t asset, bool *has,
                                    struct alb_err *err) ALB_MUST_CHECK;
/* Albums of one kind that hold the asset. */
enum alb_code alb_catalog_albums_of(struct alb_snap *s, int64_t asset, enum alb_album_kind kind,
                                    struct alb_arena *a, int64_t **ids, size_t *count,
                                    struct alb_err *err) ALB_MUST_CHECK;

enum alb_code alb_catalog_album_insert(struct alb_tx *tx, const struct alb_album_new *album, int64_t owner,
                                       int64_t actor, int64_t *id, struct alb_uuid *uuid,
                                       struct alb_err *err) ALB_MUST_CHECK;
/* With descendants, deepest first. *ended false: the slice is over before all is gone; call again in the
 * next. */
enum alb_code alb_catalog_album_delete(struct alb_tx *tx, int64_t id, bool *ended,
                                       struct alb_err *err) ALB_MUST_CHECK;
/* -1 = leave. Setting goes down to all descendants (grants there that the reference album lacks are dropped),
 * lifting goes up to all ancestors. */
enum alb_code alb_catalog_album_set_private(struct alb_tx *tx, int64_t id, bool on,
                                            struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_album_set_locked(struct alb_tx *tx, int64_t id, bool on,
                                           struct alb_err *err) ALB_MUST_CHECK;
/* role -1 = take back. */
enum alb_code alb_catalog_album_grant_user(struct alb_tx *tx, int64_t id, int64_t user, int role,
                                           struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_album_grant_group(struct alb_tx *tx, int64_t id, int64_t group, bool grant,
                                            struct alb_err *err) ALB_MUST_CHECK;

/* A link into a gallery album also makes the asset part of the gallery. *changed: it was not there before. */
enum alb_code alb_catalog_album_link(struct alb_tx *tx, int64_t album, int64_t asset, int64_t actor,
                                     bool *changed, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_album_unlink(struct alb_tx *tx, int64_t album, int64_t asset, bool *changed,
                                       struct alb_err *err) ALB_MUST_CHECK;

enum alb_code alb_catalog_group_insert(struct alb_tx *tx, struct alb_str name, int64_t *id,
                                       struct alb_uuid *uuid, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_group_member(struct alb_tx *tx, int64_t group, int64_t user, bool member,
                                       struct alb_err *err) ALB_MUST_CHECK;

#endif
