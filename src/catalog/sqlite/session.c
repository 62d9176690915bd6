/* SPDX-License-Identifier: Apache-2.0
 *
 * Credentials (contract: catalog/session.h). What ends a credential touches rights: memos die with it.
 */
#include "catalog/session.h"

#include <string.h>

#include "catalog/change.h"
#include "catalog/sqlite/engine.h"

#define LIST_MAX 10000

#define TOKEN_USER "u.id, u.uuid, u.name, u.role, u.level FROM "
#define TOKEN_JOIN " c JOIN account u ON u.id = c.account_id WHERE u.deleted_at IS NULL AND "

static const char *token_query(enum alb_token kind)
{
    /* id, expires, elevated, download, upload, password, permissions, then the user */
    switch (kind) {
    case ALB_TOKEN_SESSION:
        return "SELECT c.id, c.expires_at, c.elevated_until, 1, 1, 0, 'all', " TOKEN_USER "session" TOKEN_JOIN
               "c.token_hash = ?1 AND c.expires_at > ?2";
    case ALB_TOKEN_KEY:
        return "SELECT c.id, c.expires_at, 0, 1, 1, 0, c.permissions, " TOKEN_USER "api_key" TOKEN_JOIN
               "c.secret_hash = ?1 AND (c.expires_at IS NULL OR c.expires_at > ?2) AND c.revoked_at IS NULL";
    case ALB_TOKEN_SHARE:
    default:
        return "SELECT c.id, c.expires_at, 0, c.may_download, c.may_upload, c.password_hash IS NOT NULL,"
               " 'all', " TOKEN_USER "share" TOKEN_JOIN
               "c.token_hash = ?1 AND (c.expires_at IS NULL OR c.expires_at > ?2) AND c.ended_at IS NULL";
    }
}

enum alb_code alb_catalog_token(struct alb_snap *s, enum alb_token kind,
                                const unsigned char hash[ALB_SHA256_LEN], int64_t now_ms, struct alb_arena *a,
                                struct alb_token_row *out, struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    memset(out, 0, sizeof(*out));
    alb_q_open(&q, s, token_query(kind));
    alb_q_blob(&q, hash, ALB_SHA256_LEN);
    alb_q_i64(&q, now_ms);
    if (alb_q_first(&q)) {
        out->id = alb_q_int(&q, 0);
        out->expires_at = alb_q_int_or(&q, 1, INT64_MAX);
        out->elevated_until = alb_q_int(&q, 2);
        out->may_download = alb_q_int(&q, 3) != 0;
        out->may_upload = alb_q_int(&q, 4) != 0;
        out->has_password = alb_q_int(&q, 5) != 0;
        out->permissions = alb_q_keep(&q, 6, a);
        out->user_id = alb_q_int(&q, 7);
        alb_q_get_uuid(&q, 8, &out->user_uuid);
        out->user_name = alb_q_keep(&q, 9, a);
        out->role = (enum alb_role)alb_q_int(&q, 10);
        out->level = (int)alb_q_int(&q, 11);
    }
    code = alb_q_end(&q, err);
    if (code == ALB_OK && out->id == 0)
        return alb_fail(err, ALB_E_UNAUTHENTICATED, "unknown, expired or revoked");
    return code;
}

enum alb_code alb_catalog_session_list(struct alb_snap *s, int64_t user, int64_t now_ms, struct alb_arena *a,
                                       struct alb_session **list, size_t *count, struct alb_err *err)
{
    size_t n = 0, room = 0;
    struct alb_q q;
    enum alb_code code;

    *list = NULL;
    *count = 0;
    alb_q_open(&q, s, "SELECT count(*) FROM session WHERE account_id = ? AND expires_at > ?");
    alb_q_i64(&q, user);
    alb_q_i64(&q, now_ms);
    *list = alb_q_end_room(&q, LIST_MAX, sizeof(**list), a, &room, &code, err);
    if (room == 0)
        return code;
    alb_q_open(
        &q, s,
        "SELECT id, uuid, account_id, created_at, last_used_at, expires_at, device_type, device_os, app,"
        " address FROM session WHERE account_id = ? AND expires_at > ? ORDER BY id DESC");
    alb_q_i64(&q, user);
    alb_q_i64(&q, now_ms);
    while (n < room && alb_q_row(&q)) {
        struct alb_session *x = &(*list)[n++];

        x->id = alb_q_int(&q, 0);
        alb_q_get_uuid(&q, 1, &x->uuid);
        x->user_id = alb_q_int(&q, 2);
        x->created_at = alb_q_int(&q, 3);
        x->last_used_at = alb_q_int(&q, 4);
        x->expires_at = alb_q_int(&q, 5);
        x->type = alb_q_keep(&q, 6, a);
        x->os = alb_q_keep(&q, 7, a);
        x->app = alb_q_keep(&q, 8, a);
        x->address = alb_q_keep(&q, 9, a);
    }
    code = alb_q_end(&q, err);
    *count = code == ALB_OK ? n : 0;
    return code;
}

enum alb_code alb_catalog_key_list(struct alb_snap *s, int64_t user, struct alb_arena *a,
                                   struct alb_key **list, size_t *count, struct alb_err *err)
{
    size_t n = 0, room = 0;
    struct alb_q q;
    enum alb_code code;

    *list = NULL;
    *count = 0;
    alb_q_open(&q, s, "SELECT count(*) FROM api_key WHERE ?1 = 0 OR account_id = ?1");
    alb_q_i64(&q, user);
    *list = alb_q_end_room(&q, LIST_MAX, sizeof(**list), a, &room, &code, err);
    if (room == 0)
        return code;
    alb_q_open(&q, s,
               "SELECT id, uuid, account_id, name, prefix, permissions, created_at, updated_at, last_used_at,"
               " expires_at, revoked_at FROM api_key WHERE ?1 = 0 OR account_id = ?1 ORDER BY id");
    alb_q_i64(&q, user);
    while (n < room && alb_q_row(&q)) {
        struct alb_key *x = &(*list)[n++];

        x->id = alb_q_int(&q, 0);
        alb_q_get_uuid(&q, 1, &x->uuid);
        x->user_id = alb_q_int(&q, 2);
        x->name = alb_q_keep(&q, 3, a);
        x->prefix = alb_q_keep(&q, 4, a);
        x->permissions = alb_q_keep(&q, 5, a);
        x->created_at = alb_q_int(&q, 6);
        x->updated_at = alb_q_int(&q, 7);
        x->last_used_at = alb_q_int(&q, 8);
        x->expires_at = alb_q_int(&q, 9);
        x->revoked_at = alb_q_int(&q, 10);
    }
    code = alb_q_end(&q, err);
    *count = code == ALB_OK ? n : 0;
    return code;
}

/* ---- sessions ---- */

static enum alb_code end_some(struct alb_tx *tx, struct alb_q *q, int64_t *count, struct alb_err *err)
{
    enum alb_code code = alb_q_run_count(q, count, err);

    if (code == ALB_OK && *count > 0)
        alb_tx_touch_rights(tx);
    return code;
}

/* A script that signs in for every call must not fill the catalog. */
static enum alb_code end_surplus(struct alb_tx *tx, int64_t user, int64_t keep, struct alb_err *err)
{
    int64_t n = 0;
    struct alb_q q;
    enum alb_code code;

    alb_q_open(&q, &tx->snap, "SELECT count(*) FROM session WHERE account_id = ?");
    alb_q_i64(&q, user);
    if (alb_q_first(&q))
        n = alb_q_int(&q, 0);
    code = alb_q_end(&q, err);
    if (code != ALB_OK || n <= ALB_SESSIONS_MAX)
        return code;
    alb_q_open(&q, &tx->snap,
               "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE account_id = ?1 AND id <> ?2"
               " ORDER BY last_used_at, id LIMIT ?3)");
    alb_q_i64(&q, user);
    alb_q_i64(&q, keep);
    alb_q_i64(&q, n - ALB_SESSIONS_MAX);
    return end_some(tx, &q, &n, err);
}

enum alb_code alb_catalog_session_insert(struct alb_tx *tx, const struct alb_session *row,
                                         const unsigned char hash[ALB_SHA256_LEN], int door, int64_t *id,
                                         struct alb_uuid *uuid, struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    *uuid = alb_uuid_v7(alb_tx_clock(tx));
    alb_q_open(
        &q, &tx->snap,
        "INSERT INTO session (uuid, account_id, token_hash, door, device_type, device_os, app, address,"
        " created_at, last_used_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10)");
    alb_q_uuid(&q, uuid);
    alb_q_i64(&q, row->user_id);
    alb_q_blob(&q, hash, ALB_SHA256_LEN);
    alb_q_i64(&q, door);
    alb_q_str(&q, row->type);
    alb_q_str(&q, row->os);
    alb_q_str(&q, row->app);
    alb_q_str(&q, row->address);
    alb_q_i64(&q, alb_tx_now(tx));
    alb_q_i64(&q, row->expires_at);
    code = alb_q_run_id(&q, id, err);
    return code == ALB_OK ? end_surplus(tx, row->user_id, *id, err) : code;
}

enum alb_code alb_catalog_session_end(struct alb_tx *tx, int64_t user, int64_t id, int64_t *count,
                                      struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, &tx->snap, "DELETE FROM session WHERE account_id = ? AND id = ?");
    alb_q_i64(&q, user);
    alb_q_i64(&q, id);
    return end_some(tx, &q, count, err);
}

enum alb_code alb_catalog_session_end_uuid(struct alb_tx *tx, int64_t user, const struct alb_uuid *uuid,
                                           int64_t *count, struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, &tx->snap, "DELETE FROM session WHERE account_id = ? AND uuid = ?");
    alb_q_i64(&q, user);
    alb_q_uuid(&q, uuid);
    return end_some(tx, &q, count, err);
}

enum alb_code alb_catalog_session_end_others(struct alb_tx *tx, int64_t user, int64_t keep, int64_t *count,
                                             struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, &tx->snap, "DELETE FROM session WHERE account_id = ? AND id <> ?");
    alb_q_i64(&q, user);
    alb_q_i64(&q, keep);
    return end_some(tx, &q, count, err);
}

enum alb_code alb_catalog_session_end_expired(struct alb_tx *tx, bool *more, struct alb_err *err)
{
    int64_t n = 1;
    enum alb_code code = ALB_OK;

    /* Expired ones are refused by their time already: no memo to kill. */
    while (code == ALB_OK && n > 0 && !alb_tx_slice_over(tx)) {
        struct alb_q q;

        alb_q_open(&q, &tx->snap,
                   "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE expires_at <= ? LIMIT 64)");
        alb_q_i64(&q, alb_tx_now(tx));
        code = alb_q_run_count(&q, &n, err);
    }
    *more = n > 0;
    return code;
}

enum alb_code alb_catalog_session_elevate(struct alb_tx *tx, int64_t id, int64_t until_ms,
                                          struct alb_err *err)
{
    int64_t n;
    struct alb_q q;
    enum alb_code code;

    alb_q_open(&q, &tx->snap, "UPDATE session SET elevated_until = ? WHERE id = ? AND expires_at > ?");
    alb_q_i64(&q, until_ms);
    alb_q_i64(&q, id);
    alb_q_i64(&q, alb_tx_now(tx));
    code = alb_q_run_count(&q, &n, err);
    alb_tx_touch_rights(tx);
    if (code == ALB_OK && n == 0)
        return alb_fail(err, ALB_E_UNAUTHENTICATED, "the session has ended");
    return code;
}

enum alb_code alb_catalog_token_used(struct alb_tx *tx, enum alb_token kind, int64_t id, int64_t at_ms,
                                     int64_t expires_at, struct alb_err *err)
{
    struct alb_q q;

    if (kind == ALB_TOKEN_SHARE)
        return ALB_OK;
    if (kind == ALB_TOKEN_KEY) {
        alb_q_open(&q, &tx->snap,
                   "UPDATE api_key SET last_used_at = max(coalesce(last_used_at, 0), ?1) WHERE id = ?2");
    } else {
        alb_q_open(&q, &tx->snap,
                   "UPDATE session SET last_used_at = max(last_used_at, ?1), expires_at = max(expires_at, ?3)"
                   " WHERE id = ?2");
    }
    alb_q_i64(&q, at_ms);
    alb_q_i64(&q, id);
    if (kind == ALB_TOKEN_SESSION)
        alb_q_i64(&q, expires_at);
    return alb_q_run(&q, err);
}

/* ---- keys ---- */

enum alb_code alb_catalog_key_insert(struct alb_tx *tx, const struct alb_key *row,
                                     const unsigned char hash[ALB_SHA256_LEN], int64_t *id,
                                     struct alb_uuid *uuid, struct alb_err *err)
{
    struct alb_q q;

    *uuid = alb_uuid_v7(alb_tx_clock(tx));
    alb_q_open(&q, &tx->snap,
               "INSERT INTO api_key (uuid, account_id, name, prefix, secret_hash, permissions, created_at, "
               "updated_at,"
               " expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)");
    alb_q_uuid(&q, uuid);
    alb_q_i64(&q, row->user_id);
    alb_q_str(&q, row->name);
    alb_q_str(&q, row->prefix);
    alb_q_blob(&q, hash, ALB_SHA256_LEN);
    alb_q_str(&q, row->permissions);
    alb_q_i64(&q, alb_tx_now(tx));
    alb_q_i64_or_null(&q, row->expires_at, row->expires_at == 0);
    return alb_q_run_id(&q, id, err);
}

enum alb_code alb_catalog_key_revoke(struct alb_tx *tx, int64_t owner, int64_t id, struct alb_err *err)
{
    int64_t n;
    struct alb_q q;
    enum alb_code code;

    alb_q_open(&q, &tx->snap,
               "UPDATE api_key SET revoked_at = coalesce(revoked_at, ?1), updated_at = ?1"
               " WHERE id = ?2 AND (?3 = 0 OR account_id = ?3)");
    alb_q_i64(&q, alb_tx_now(tx));
    alb_q_i64(&q, id);
    alb_q_i64(&q, owner);
    code = alb_q_run_count(&q, &n, err);
    alb_tx_touch_rights(tx);
    if (code == ALB_OK && n == 0)
        return alb_fail(err, ALB_E_NOT_FOUND, "no key %lld", (long long)id);
    return code;
}

/* ---- shares ---- */

static enum alb_code feed_share(struct alb_tx *tx, int64_t id, const struct alb_uuid *uuid, int64_t owner,
                                enum alb_change_kind kind, struct alb_err *err)
{
    struct alb_change change = {
        .entity = ALB_ENTITY_SHARE, .kind = kind, .id = id, .uuid = *uuid, .owner_id = owner};

    return alb_catalog_change_add(tx, &change, err);
}

enum alb_code alb_catalog_share_insert(struct alb_tx *tx, const struct alb_share_row *row,
                                       const unsigned char hash[ALB_SHA256_LEN], int64_t *id,
                                       struct alb_uuid *uuid, struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    *uuid = alb_uuid_v7(alb_tx_clock(tx));
    alb_q_open(
        &q, &tx->snap,
        "INSERT INTO share (uuid, account_id, token_hash, album_id, description, may_download, may_upload,"
        " created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    alb_q_uuid(&q, uuid);
    alb_q_i64(&q, row->user_id);
    alb_q_blob(&q, hash, ALB_SHA256_LEN);
    alb_q_i64_or_null(&q, row->album_id, row->album_id == 0);
    alb_q_str(&q, row->description);
    alb_q_i64(&q, row->may_download);
    alb_q_i64(&q, row->may_upload);
    alb_q_i64(&q, alb_tx_now(tx));
    alb_q_i64_or_null(&q, row->expires_at, row->expires_at == 0);
    code = alb_q_run_id(&q, id, err);
    return code == ALB_OK ? feed_share(tx, *id, uuid, row->user_id, ALB_CHANGE_CREATE, err) : code;
}

enum alb_code alb_catalog_share_add(struct alb_tx *tx, int64_t share, int64_t asset, struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, &tx->snap, "INSERT OR IGNORE INTO share_asset (share_id, asset_id) VALUES (?, ?)");
    alb_q_i64(&q, share);
    alb_q_i64(&q, asset);
    return alb_q_run(&q, err);
}

enum alb_code alb_catalog_share_end(struct alb_tx *tx, int64_t owner, int64_t id, struct alb_err *err)
{
    struct alb_uuid uuid = {{0}};
    int64_t maker = 0;
    struct alb_q q;
    enum alb_code code;

    alb_q_open(
        &q, &tx->snap,
        "UPDATE share SET ended_at = coalesce(ended_at, ?1) WHERE id = ?2 AND (?3 = 0 OR account_id = ?3)"
        " RETURNING account_id, uuid");
    alb_q_i64(&q, alb_tx_now(tx));
    alb_q_i64(&q, id);
    alb_q_i64(&q, owner);
    while (alb_q_row(&q)) {
        maker = alb_q_int(&q, 0);
        alb_q_get_uuid(&q, 1, &uuid);
    }
    code = alb_q_end(&q, err);
    alb_tx_touch_rights(tx);
    if (code == ALB_OK && maker == 0)
        return alb_fail(err, ALB_E_NOT_FOUND, "no share %lld", (long long)id);
    return code == ALB_OK ? feed_share(tx, id, &uuid, maker, ALB_CHANGE_DELETE, err) : code;
}
