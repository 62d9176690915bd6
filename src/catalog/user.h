/* SPDX-License-Identifier: Apache-2.0
 *
 * Users. Passwords come here hashed.
 */
#ifndef ALB_CATALOG_USER_H
#define ALB_CATALOG_USER_H

#include "catalog/catalog.h"
#include "catalog/types.h"

struct alb_user {
    int64_t id;
    struct alb_uuid uuid;
    struct alb_str name, email, avatar_color;
    enum alb_role role;
    int level;
    bool has_password, should_change_password;
    int64_t quota_bytes; /* -1 = none */
    int64_t used_bytes;
    int64_t created_at, updated_at, deleted_at; /* deleted_at 0 = not */
    int64_t rev;
};

/* NOT_FOUND if there is none (deleted ones count as none). */
enum alb_code alb_catalog_user_get(struct alb_snap *s, int64_t id, struct alb_arena *a, struct alb_user *out,
                                   struct alb_err *err) ALB_MUST_CHECK;
/* By name or e-mail, without regard to case. */
enum alb_code alb_catalog_user_by_login(struct alb_snap *s, struct alb_str login, struct alb_arena *a,
                                        struct alb_user *out, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_user_list(struct alb_snap *s, struct alb_arena *a, struct alb_user **list,
                                    size_t *count, struct alb_err *err) ALB_MUST_CHECK;
/* Empty if there is none. */
enum alb_code alb_catalog_user_hash(struct alb_snap *s, int64_t id, struct alb_arena *a, struct alb_str *hash,
                                    struct alb_err *err) ALB_MUST_CHECK;

/* Takes name, email, role, level, quota_bytes, should_change_password from `u`. CONFLICT if the name or the
 * e-mail is a name or an e-mail of somebody else. hash may be empty. */
enum alb_code alb_catalog_user_insert(struct alb_tx *tx, const struct alb_user *u, struct alb_str hash,
                                      int64_t *id, struct alb_uuid *uuid, struct alb_err *err) ALB_MUST_CHECK;
/* NOT_FOUND if there is no such user; CONFLICT if `only_first` and there is a password. */
enum alb_code alb_catalog_user_set_hash(struct alb_tx *tx, int64_t id, struct alb_str hash, bool only_first,
                                        struct alb_err *err) ALB_MUST_CHECK;
/* Empty = leave. CONFLICT as in insert. */
enum alb_code alb_catalog_user_set_names(struct alb_tx *tx, int64_t id, struct alb_str name,
                                         struct alb_str email, struct alb_err *err) ALB_MUST_CHECK;

#endif
