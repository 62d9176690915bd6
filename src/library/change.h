/* SPDX-License-Identifier: Apache-2.0
 *
 * The change feed: every change of an entity is a row with a growing seq, written in the transaction of the
 * change. Readers keep the last seq they saw and ask for what came after; a page holds no snapshot.
 */
#ifndef ALB_LIBRARY_CHANGE_H
#define ALB_LIBRARY_CHANGE_H

#include "library/principal.h"

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
/* Changes with seq > after, oldest first, at most limit (<= 1000): the principal's own and the house's
 * (administrators and jobs with ALB_CRED_LOCAL: all). */
enum alb_code alb_library_changes(struct alb_library *lib, const struct alb_principal *p, int64_t after,
                                  size_t limit, struct alb_arena *a, struct alb_change **list, size_t *count,
                                  struct alb_err *err) ALB_MUST_CHECK;
/* Highest seq known to be durable; memory only, event loop allowed. */
int64_t alb_library_last_change(struct alb_library *lib);

#endif
