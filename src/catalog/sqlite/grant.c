/* SPDX-License-Identifier: Apache-2.0
 *
 * Privacy, locks and grants of albums, and groups (contract: catalog/album.h). Everything here touches
 * rights.
 *
 * As Piwigo does: setting private or locked goes down to all descendants, lifting it goes up to all
 * ancestors. When an album becomes private, grants in its subtree that the reference lacks are dropped; the
 * reference is its parent if that is private, else the album itself.
 */
#include <string.h>

#include "base/buf.h"
#include "catalog/album.h"
#include "catalog/sqlite/album_row.h"

static enum alb_code feed_subtree(struct alb_tx *tx, int64_t id, bool down, struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code = ALB_OK;

    alb_q_open(&q, &tx->snap,
               "SELECT CASE WHEN ?2 THEN album_id ELSE ancestor_id END FROM album_path"
               " WHERE (?2 AND ancestor_id = ?1) OR (NOT ?2 AND album_id = ?1)");
    alb_q_i64(&q, id);
    alb_q_i64(&q, down);
    while (code == ALB_OK && alb_q_row(&q)) {
        struct alb_album_row row;

        code = alb_album_row_get(&tx->snap, alb_q_int(&q, 0), &row, err);
        if (code == ALB_OK)
            code = alb_album_feed(tx, &row, ALB_ENTITY_ALBUM, ALB_CHANGE_UPDATE, 0, err);
    }
    if (code != ALB_OK)
        alb_q_give_up(&q, code);
    return alb_q_end(&q, err);
}

static enum alb_code set_flag(struct alb_tx *tx, int64_t id, const char *down, const char *up, bool on,
                              struct alb_err *err)
{
    struct alb_album_row row;
    struct alb_q q;
    enum alb_code code = alb_album_row_get(&tx->snap, id, &row, err);

    if (code != ALB_OK)
        return code;
    if (row.kind != ALB_ALBUM_GALLERY)
        return alb_fail(err, ALB_E_INVALID, "only gallery albums are private or locked");
    alb_q_open(&q, &tx->snap, on ? down : up);
    alb_q_i64(&q, id);
    alb_q_i64(&q, alb_tx_now(tx));
    code = alb_q_run(&q, err);
    alb_tx_touch_rights(tx);
    return code == ALB_OK ? feed_subtree(tx, id, on, err) : code;
}

enum alb_code alb_catalog_album_set_locked(struct alb_tx *tx, int64_t id, bool on, struct alb_err *err)
{
    return set_flag(tx, id,
                    "UPDATE album SET locked = 1, updated_at = ?2, rev = rev + 1"
                    " WHERE id IN (SELECT album_id FROM album_path WHERE ancestor_id = ?1)",
                    "UPDATE album SET locked = 0, updated_at = ?2, rev = rev + 1"
                    " WHERE id IN (SELECT ancestor_id FROM album_path WHERE album_id = ?1)",
                    on, err);
}

static enum alb_code drop_grants(struct alb_tx *tx, const char *sql, int64_t id, int64_t reference,
                                 struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, &tx->snap, sql);
    alb_q_i64(&q, id);
    alb_q_i64(&q, reference);
    return alb_q_run(&q, err);
}

enum alb_code alb_catalog_album_set_private(struct alb_tx *tx, int64_t id, bool on, struct alb_err *err)
{
    struct alb_album_row row, parent = {0};
    int64_t reference;
    enum alb_code code = set_flag(tx, id,
                                  "UPDATE album SET private = 1, updated_at = ?2, rev = rev + 1"
                                  " WHERE id IN (SELECT album_id FROM album_path WHERE ancestor_id = ?1)",
                                  "UPDATE album SET private = 0, updated_at = ?2, rev = rev + 1"
                                  " WHERE id IN (SELECT ancestor_id FROM album_path WHERE album_id = ?1)",
                                  on, err);

    if (code != ALB_OK || !on)
        return code;
    code = alb_album_row_get(&tx->snap, id, &row, err);
    if (code == ALB_OK && row.parent != 0)
        code = alb_album_row_get(&tx->snap, row.parent, &parent, err);
    if (code != ALB_OK)
        return code;
    reference = parent.is_private ? parent.id : id;
    code = drop_grants(tx,
                       "DELETE FROM album_account WHERE album_id IN (SELECT album_id FROM album_path"
                       " WHERE ancestor_id = ?1) AND account_id NOT IN (SELECT account_id FROM album_account"
                       " WHERE album_id = ?2)",
                       id, reference, err);
    if (code == ALB_OK)
        code = drop_grants(tx,
                           "DELETE FROM album_group WHERE album_id IN (SELECT album_id FROM album_path"
                           " WHERE ancestor_id = ?1) AND group_id NOT IN (SELECT group_id FROM album_group"
                           " WHERE album_id = ?2)",
                           id, reference, err);
    return code;
}

enum alb_code alb_catalog_album_grant_user(struct alb_tx *tx, int64_t id, int64_t user, int role,
                                           struct alb_err *err)
{
    struct alb_album_row row;
    struct alb_q q;
    enum alb_code code = alb_album_row_get(&tx->snap, id, &row, err);

    if (code != ALB_OK)
        return code;
    if (role >= 0) {
        alb_q_open(&q, &tx->snap,
                   "INSERT INTO album_account (album_id, account_id, role, created_at) VALUES (?, ?, ?, ?)"
                   " ON CONFLICT DO UPDATE SET role = excluded.role");
        alb_q_i64(&q, id);
        alb_q_i64(&q, user);
        alb_q_i64(&q, role);
        alb_q_i64(&q, alb_tx_now(tx));
    } else {
        alb_q_open(&q, &tx->snap, "DELETE FROM album_account WHERE album_id = ? AND account_id = ?");
        alb_q_i64(&q, id);
        alb_q_i64(&q, user);
    }
    code = alb_q_run(&q, err);
    alb_tx_touch_rights(tx);
    if (code != ALB_OK)
        return code;
    return alb_album_feed(tx, &row, ALB_ENTITY_ALBUM_USER, role >= 0 ? ALB_CHANGE_UPDATE : ALB_CHANGE_DELETE,
                          user, err);
}

enum alb_code alb_catalog_album_grant_group(struct alb_tx *tx, int64_t id, int64_t group, bool grant,
                                            struct alb_err *err)
{
    struct alb_album_row row;
    struct alb_q q;
    enum alb_code code = alb_album_row_get(&tx->snap, id, &row, err);

    if (code != ALB_OK)
        return code;
    if (grant) {
        alb_q_open(&q, &tx->snap,
                   "INSERT OR IGNORE INTO album_group (album_id, group_id, created_at) VALUES (?, ?, ?)");
        alb_q_i64(&q, id);
        alb_q_i64(&q, group);
        alb_q_i64(&q, alb_tx_now(tx));
    } else {
        alb_q_open(&q, &tx->snap, "DELETE FROM album_group WHERE album_id = ? AND group_id = ?");
        alb_q_i64(&q, id);
        alb_q_i64(&q, group);
    }
    code = alb_q_run(&q, err);
    alb_tx_touch_rights(tx);
    return code == ALB_OK ? alb_album_feed(tx, &row, ALB_ENTITY_ALBUM, ALB_CHANGE_UPDATE, 0, err) : code;
}

/* ---- groups ---- */

static enum alb_code feed_group(struct alb_tx *tx, int64_t id, const struct alb_uuid *uuid,
                                enum alb_change_kind kind, int64_t other, struct alb_err *err)
{
    struct alb_change change = {
        .entity = ALB_ENTITY_GROUP, .kind = kind, .id = id, .other = other, .uuid = *uuid};

    return alb_catalog_change_add(tx, &change, err);
}

enum alb_code alb_catalog_group_insert(struct alb_tx *tx, struct alb_str name, int64_t *id,
                                       struct alb_uuid *uuid, struct alb_err *err)
{
    struct alb_buf key = ALB_BUF_INIT((size_t)16 << 10);
    struct alb_q q;
    enum alb_code code;

    *id = 0;
    if (name.n == 0 || name.n > 255 || !alb_str_is_utf8(name))
        return alb_fail(err, ALB_E_INVALID, "a group needs a name of at most 255 bytes");
    *uuid = alb_uuid_v7(alb_tx_clock(tx));
    alb_fold(name, &key);
    if (alb_buf_code(&key) != ALB_OK) {
        code = alb_fail(err, alb_buf_code(&key), "the name of the group is too long");
    } else {
        alb_q_open(&q, &tx->snap,
                   "INSERT INTO account_group (uuid, name, name_key, created_at, updated_at)"
                   " VALUES (?1, ?2, ?3, ?4, ?4)");
        alb_q_uuid(&q, uuid);
        alb_q_str(&q, name);
        alb_q_str(&q, alb_buf_view(&key));
        alb_q_i64(&q, alb_tx_now(tx));
        code = alb_q_run_id(&q, id, err);
    }
    alb_buf_fini(&key);
    return code == ALB_OK ? feed_group(tx, *id, uuid, ALB_CHANGE_CREATE, 0, err) : code;
}

enum alb_code alb_catalog_group_member(struct alb_tx *tx, int64_t group, int64_t user, bool member,
                                       struct alb_err *err)
{
    struct alb_uuid uuid;
    bool known;
    int64_t n = 0;
    struct alb_q q;
    enum alb_code code;

    alb_q_open(&q, &tx->snap, "SELECT uuid FROM account_group WHERE id = ?");
    alb_q_i64(&q, group);
    known = alb_q_first(&q);
    if (known)
        alb_q_get_uuid(&q, 0, &uuid);
    code = alb_q_end(&q, err);
    if (code != ALB_OK)
        return code;
    if (!known)
        return alb_fail(err, ALB_E_NOT_FOUND, "no such group");
    if (member)
        alb_q_open(&q, &tx->snap, "INSERT OR IGNORE INTO group_member (group_id, account_id) VALUES (?, ?)");
    else
        alb_q_open(&q, &tx->snap, "DELETE FROM group_member WHERE group_id = ? AND account_id = ?");
    alb_q_i64(&q, group);
    alb_q_i64(&q, user);
    code = alb_q_run_count(&q, &n, err);
    if (code != ALB_OK || n == 0) /* nothing has changed */
        return code;
    alb_tx_touch_rights(tx);
    return feed_group(tx, group, &uuid, ALB_CHANGE_UPDATE, user, err);
}
