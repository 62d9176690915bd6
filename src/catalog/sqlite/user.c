/* SPDX-License-Identifier: Apache-2.0
 *
 * Users (contract: catalog/user.h).
 */
#include "catalog/user.h"

#include <string.h>

#include "base/buf.h"
#include "catalog/change.h"
#include "catalog/sqlite/engine.h"

#define USER_COLUMNS                                                                                         \
    "u.id, u.uuid, u.name, u.email, u.avatar_color, u.role, u.level, u.password_hash IS NOT NULL,"           \
    " u.should_change_password, u.quota_bytes, (SELECT c.bytes FROM count_owner c WHERE c.owner_id = u.id)," \
    " u.created_at, u.updated_at, u.deleted_at, u.rev"
#define USERS_MAX 10000
#define LOGIN_KEY_MAX ((size_t)16 << 10)

static void read_user(struct alb_q *q, struct alb_arena *a, struct alb_user *u)
{
    u->id = alb_q_int(q, 0);
    alb_q_get_uuid(q, 1, &u->uuid);
    u->name = alb_q_keep(q, 2, a);
    u->email = alb_q_keep(q, 3, a);
    u->avatar_color = alb_q_keep(q, 4, a);
    u->role = (enum alb_role)alb_q_int(q, 5);
    u->level = (int)alb_q_int(q, 6);
    u->has_password = alb_q_int(q, 7) != 0;
    u->should_change_password = alb_q_int(q, 8) != 0;
    u->quota_bytes = alb_q_int_or(q, 9, -1);
    u->used_bytes = alb_q_int(q, 10);
    u->created_at = alb_q_int(q, 11);
    u->updated_at = alb_q_int(q, 12);
    u->deleted_at = alb_q_int(q, 13);
    u->rev = alb_q_int(q, 14);
}

enum alb_code alb_catalog_user_get(struct alb_snap *s, int64_t id, struct alb_arena *a, struct alb_user *out,
                                   struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    memset(out, 0, sizeof(*out));
    alb_q_open(&q, s, "SELECT " USER_COLUMNS " FROM account u WHERE u.id = ? AND u.deleted_at IS NULL");
    alb_q_i64(&q, id);
    if (alb_q_first(&q))
        read_user(&q, a, out);
    code = alb_q_end(&q, err);
    if (code == ALB_OK && out->id == 0)
        return alb_fail(err, ALB_E_NOT_FOUND, "no user %lld", (long long)id);
    return code;
}

enum alb_code alb_catalog_user_by_login(struct alb_snap *s, struct alb_str login, struct alb_arena *a,
                                        struct alb_user *out, struct alb_err *err)
{
    struct alb_buf key = ALB_BUF_INIT(LOGIN_KEY_MAX);
    struct alb_q q;
    enum alb_code code;

    memset(out, 0, sizeof(*out));
    alb_fold(alb_str_trim(login), &key);
    code = alb_buf_code(&key);
    if (code != ALB_OK) {
        alb_buf_fini(&key);
        return alb_fail(err, code == ALB_E_TOO_LARGE ? ALB_E_NOT_FOUND : code, "no such user");
    }
    alb_q_open(&q, s,
               "SELECT " USER_COLUMNS " FROM account u WHERE (u.name_key = ?1 OR u.email_key = ?1)"
               " AND u.deleted_at IS NULL ORDER BY u.id LIMIT 1");
    alb_q_str(&q, alb_buf_view(&key));
    if (alb_q_first(&q))
        read_user(&q, a, out);
    code = alb_q_end(&q, err);
    alb_buf_fini(&key);
    if (code == ALB_OK && out->id == 0)
        return alb_fail(err, ALB_E_NOT_FOUND, "no such user");
    return code;
}

enum alb_code alb_catalog_user_list(struct alb_snap *s, struct alb_arena *a, struct alb_user **list,
                                    size_t *count, struct alb_err *err)
{
    size_t room = 0, n = 0;
    struct alb_q q;
    enum alb_code code;

    *list = NULL;
    *count = 0;
    alb_q_open(&q, s, "SELECT count(*) FROM account WHERE deleted_at IS NULL");
    *list = alb_q_end_room(&q, USERS_MAX, sizeof(**list), a, &room, &code, err);
    if (room == 0)
        return code;
    alb_q_open(&q, s, "SELECT " USER_COLUMNS " FROM account u WHERE u.deleted_at IS NULL ORDER BY u.id");
    while (n < room && alb_q_row(&q))
        read_user(&q, a, &(*list)[n++]);
    code = alb_q_end(&q, err);
    *count = code == ALB_OK ? n : 0;
    return code;
}

enum alb_code alb_catalog_user_hash(struct alb_snap *s, int64_t id, struct alb_arena *a, struct alb_str *hash,
                                    struct alb_err *err)
{
    struct alb_q q;

    *hash = ALB_STR_NONE;
    alb_q_open(&q, s, "SELECT password_hash FROM account WHERE id = ? AND deleted_at IS NULL");
    alb_q_i64(&q, id);
    if (alb_q_first(&q))
        *hash = alb_q_keep(&q, 0, a);
    return alb_q_end(&q, err);
}

/* ---- commands ---- */

static enum alb_code feed(struct alb_tx *tx, int64_t id, enum alb_change_kind kind, struct alb_err *err)
{
    struct alb_change change = {.entity = ALB_ENTITY_USER, .kind = kind, .id = id};
    struct alb_q q;
    enum alb_code code;

    alb_q_open(&q, &tx->snap, "SELECT uuid, rev FROM account WHERE id = ?");
    alb_q_i64(&q, id);
    if (alb_q_first(&q)) {
        alb_q_get_uuid(&q, 0, &change.uuid);
        change.rev = alb_q_int(&q, 1);
    }
    code = alb_q_end(&q, err);
    alb_tx_touch_rights(tx);
    return code == ALB_OK ? alb_catalog_change_add(tx, &change, err) : code;
}

/* Name and e-mail both sign in: neither may be either of somebody else. */
static enum alb_code check_free(struct alb_tx *tx, struct alb_str key, int64_t self, struct alb_err *err)
{
    bool taken;
    struct alb_q q;
    enum alb_code code;

    if (key.n == 0)
        return ALB_OK;
    alb_q_open(
        &q, &tx->snap,
        "SELECT 1 FROM account WHERE (name_key = ?1 OR email_key = ?1) AND id <> ?2 AND deleted_at IS NULL");
    alb_q_str(&q, key);
    alb_q_i64(&q, self);
    taken = alb_q_first(&q);
    code = alb_q_end(&q, err);
    if (code == ALB_OK && taken)
        return alb_fail(err, ALB_E_CONFLICT, "this name or e-mail is taken");
    return code;
}

static bool name_ok(struct alb_str name)
{
    return name.n <= 255 && alb_str_is_utf8(name) && !alb_str_has_control(name);
}

/* Folds both into one buffer. */
static enum alb_code fold_names(struct alb_str name, struct alb_str email, struct alb_buf *keys,
                                struct alb_str *name_key, struct alb_str *email_key, struct alb_err *err)
{
    size_t cut;

    if (!name_ok(name) || !name_ok(email))
        return alb_fail(err, ALB_E_INVALID, "a name or e-mail is too long or not text");
    alb_fold(name, keys);
    cut = keys->n;
    alb_fold(email, keys);
    if (alb_buf_code(keys) != ALB_OK)
        return alb_fail(err, alb_buf_code(keys), "a name or e-mail is too long");
    *name_key = alb_str_sub(alb_buf_view(keys), 0, cut);
    *email_key = alb_str_from(alb_buf_view(keys), cut);
    return ALB_OK;
}

static enum alb_code insert(struct alb_tx *tx, const struct alb_user *u, struct alb_str hash,
                            struct alb_str name_key, struct alb_str email_key, struct alb_uuid *uuid,
                            int64_t *id, struct alb_err *err)
{
    struct alb_q q;

    *uuid = alb_uuid_v7(alb_tx_clock(tx));
    alb_q_open(&q, &tx->snap,
               "INSERT INTO account (uuid, name, name_key, email, email_key, role, level, password_hash,"
               " should_change_password, quota_bytes, created_at, updated_at)"
               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11)");
    alb_q_uuid(&q, uuid);
    alb_q_str(&q, u->name);
    alb_q_str(&q, name_key);
    alb_q_str_or_null(&q, u->email);
    alb_q_str_or_null(&q, email_key);
    alb_q_i64(&q, u->role);
    alb_q_i64(&q, u->level);
    alb_q_str_or_null(&q, hash);
    alb_q_i64(&q, u->should_change_password);
    alb_q_i64_or_null(&q, u->quota_bytes, u->quota_bytes < 0);
    alb_q_i64(&q, alb_tx_now(tx));
    return alb_q_run_id(&q, id, err);
}

static enum alb_code join_default_groups(struct alb_tx *tx, int64_t user, struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, &tx->snap,
               "INSERT INTO group_member (group_id, account_id) SELECT id, ? FROM account_group WHERE "
               "is_default = 1");
    alb_q_i64(&q, user);
    return alb_q_run(&q, err);
}

enum alb_code alb_catalog_user_insert(struct alb_tx *tx, const struct alb_user *u, struct alb_str hash,
                                      int64_t *id, struct alb_uuid *uuid, struct alb_err *err)
{
    struct alb_buf keys = ALB_BUF_INIT(LOGIN_KEY_MAX);
    struct alb_str name_key, email_key;
    enum alb_code code;

    *id = 0;
    if (u->name.n == 0 || u->role == ALB_ROLE_GUEST || !alb_level_valid(u->level))
        return alb_fail(err, ALB_E_INVALID, "a user needs a name, a role and a level");
    code = fold_names(u->name, u->email, &keys, &name_key, &email_key, err);
    if (code == ALB_OK)
        code = check_free(tx, name_key, 0, err);
    if (code == ALB_OK)
        code = check_free(tx, email_key, 0, err);
    if (code == ALB_OK)
        code = insert(tx, u, hash, name_key, email_key, uuid, id, err);
    if (code == ALB_OK)
        code = join_default_groups(tx, *id, err);
    alb_buf_fini(&keys);
    return code == ALB_OK ? feed(tx, *id, ALB_CHANGE_CREATE, err) : code;
}

enum alb_code alb_catalog_user_set_hash(struct alb_tx *tx, int64_t id, struct alb_str hash, bool only_first,
                                        struct alb_err *err)
{
    int64_t n;
    struct alb_arena *a = alb_arena_new(65536);
    struct alb_user u;
    struct alb_q q;
    enum alb_code code;

    if (a == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to look at a user");
    code = alb_catalog_user_get(&tx->snap, id, a, &u, err);
    alb_arena_free(&a);
    if (code != ALB_OK)
        return code;
    if (u.role == ALB_ROLE_GUEST)
        return alb_fail(err, ALB_E_FORBIDDEN, "the guest has no password");
    if (only_first && u.has_password)
        return alb_fail(err, ALB_E_CONFLICT, "the password has been set already");
    alb_q_open(
        &q, &tx->snap,
        "UPDATE account SET password_hash = ?, should_change_password = 0, updated_at = ?, rev = rev + 1"
        " WHERE id = ?");
    alb_q_str_or_null(&q, hash);
    alb_q_i64(&q, alb_tx_now(tx));
    alb_q_i64(&q, id);
    code = alb_q_run_count(&q, &n, err);
    return code == ALB_OK ? feed(tx, id, ALB_CHANGE_UPDATE, err) : code;
}

enum alb_code alb_catalog_user_set_names(struct alb_tx *tx, int64_t id, struct alb_str name,
                                         struct alb_str email, struct alb_err *err)
{
    struct alb_buf keys = ALB_BUF_INIT(LOGIN_KEY_MAX);
    struct alb_str name_key, email_key;
    struct alb_q q;
    enum alb_code code = fold_names(name, email, &keys, &name_key, &email_key, err);

    if (code == ALB_OK)
        code = check_free(tx, name_key, id, err);
    if (code == ALB_OK)
        code = check_free(tx, email_key, id, err);
    if (code == ALB_OK) {
        alb_q_open(
            &q, &tx->snap,
            "UPDATE account SET name = coalesce(?, name), name_key = coalesce(?, name_key),"
            " email = coalesce(?, email), email_key = coalesce(?, email_key), updated_at = ?, rev = rev + 1"
            " WHERE id = ? AND deleted_at IS NULL");
        alb_q_str_or_null(&q, name);
        alb_q_str_or_null(&q, name_key);
        alb_q_str_or_null(&q, email);
        alb_q_str_or_null(&q, email_key);
        alb_q_i64(&q, alb_tx_now(tx));
        alb_q_i64(&q, id);
        code = alb_q_run(&q, err);
    }
    alb_buf_fini(&keys);
    return code == ALB_OK ? feed(tx, id, ALB_CHANGE_UPDATE, err) : code;
}
