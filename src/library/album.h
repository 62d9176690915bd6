/* SPDX-License-Identifier: Apache-2.0
 *
 * Albums of both kinds, their grants, groups, tags and share links: what the doors of this slice and the
 * rights need. Gallery albums form a tree owned by the house; personal albums belong to a user.
 * A photo put into a gallery album by a person joins the gallery universe (asset.gallery).
 */
#ifndef ALB_LIBRARY_ALBUM_H
#define ALB_LIBRARY_ALBUM_H

#include "catalog/album.h" /* struct alb_album, alb_album_new */
#include "catalog/tag.h"   /* struct alb_tag */
#include "library/principal.h"

/* Personal: any user. Gallery: administrators; under a private or locked parent it becomes so; a private one
 * grants its maker. Result alb_done. */
enum alb_code alb_library_album_new(struct alb_library *lib, const struct alb_principal *p,
                                    const struct alb_album_new *album, struct alb_future **future,
                                    struct alb_err *err) ALB_MUST_CHECK;
/* Gallery: visible ones. Personal: own and shared ones. By id. */
enum alb_code alb_library_album_list(struct alb_library *lib, const struct alb_principal *p,
                                     enum alb_album_kind kind, struct alb_arena *a, struct alb_album **list,
                                     size_t *count, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_library_album_get(struct alb_library *lib, const struct alb_principal *p,
                                    const struct alb_uuid *id, struct alb_arena *a, struct alb_album *out,
                                    struct alb_err *err) ALB_MUST_CHECK;
/* -1 = leave; privacy goes down to descendants when set and up to ancestors when lifted, the lock likewise
 * (as Piwigo does). Administrators. */
enum alb_code alb_library_album_privacy(struct alb_library *lib, const struct alb_principal *p, int64_t album,
                                        int is_private, int locked, struct alb_future **future,
                                        struct alb_err *err) ALB_MUST_CHECK;
/* Grants: to a user (as viewer or editor) or a group. role -1 = take the grant back. */
enum alb_code alb_library_album_grant_user(struct alb_library *lib, const struct alb_principal *p,
                                           int64_t album, int64_t user, int role, struct alb_future **future,
                                           struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_library_album_grant_group(struct alb_library *lib, const struct alb_principal *p,
                                            int64_t album, int64_t group, bool grant,
                                            struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;
/* Deletes the album and what lies below; links go, assets stay. In slices: a large one is seen to shrink. */
enum alb_code alb_library_album_delete(struct alb_library *lib, const struct alb_principal *p, int64_t album,
                                       struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;

/* Groups of users; administrators. Result alb_done. */
enum alb_code alb_library_group_new(struct alb_library *lib, const struct alb_principal *p,
                                    struct alb_str name, struct alb_future **future,
                                    struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_library_group_member(struct alb_library *lib, const struct alb_principal *p, int64_t group,
                                       int64_t user, bool member, struct alb_future **future,
                                       struct alb_err *err) ALB_MUST_CHECK;

/* Share links: an album, or a set of own assets. */
struct alb_share_new {
    int64_t album; /* 0 = the set */
    const struct alb_uuid *assets;
    size_t asset_count;
    struct alb_str description;
    int64_t expires_at; /* 0 = never */
    bool may_download, may_upload;
};
struct alb_share_made {
    struct alb_obj obj;
    int64_t id;
    struct alb_uuid uuid;
    char token[64]; /* shown once */
};
enum alb_code alb_library_share_new(struct alb_library *lib, const struct alb_principal *p,
                                    const struct alb_share_new *share, struct alb_future **future,
                                    struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_library_share_end(struct alb_library *lib, const struct alb_principal *p, int64_t share,
                                    struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;

/* Tags that the principal sees: own, and those of the gallery. */
enum alb_code alb_library_tag_list(struct alb_library *lib, const struct alb_principal *p,
                                   struct alb_arena *a, struct alb_tag **list, size_t *count,
                                   struct alb_err *err) ALB_MUST_CHECK;

#endif
