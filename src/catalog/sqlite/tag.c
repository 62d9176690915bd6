/* SPDX-License-Identifier: Apache-2.0
 *
 * Tags (contract: catalog/tag.h).
 */
#include "catalog/tag.h"

#include <string.h>

#include "base/buf.h"
#include "catalog/change.h"
#include "catalog/sqlite/engine.h"

#define TAGS_MAX 65536 /* in one list */

enum alb_code alb_catalog_tag_list(struct alb_snap *s, int64_t user, struct alb_arena *a,
                                   struct alb_tag **list, size_t *count, struct alb_err *err)
{
    size_t room = 0, n = 0;
    struct alb_q q;
    enum alb_code code;

    *list = NULL;
    *count = 0;
    alb_q_open(&q, s, "SELECT count(*) FROM tag WHERE owner_id = ? OR owner_id IS NULL");
    alb_q_i64(&q, user);
    *list = alb_q_end_room(&q, TAGS_MAX, sizeof(**list), a, &room, &code, err);
    if (room == 0)
        return code;
    alb_q_open(
        &q, s,
        "SELECT t.id, t.uuid, t.scope, t.value, t.created_at, t.updated_at, n.assets FROM tag t LEFT JOIN"
        " (SELECT l.tag_id, count(*) AS assets FROM asset a JOIN asset_tag l ON l.asset_id = a.id"
        "  WHERE a.owner_id = ?1 AND a.trashed = 0 GROUP BY l.tag_id) n ON n.tag_id = t.id"
        " WHERE t.owner_id = ?1 OR t.owner_id IS NULL ORDER BY t.value_key, t.id");
    alb_q_i64(&q, user);
    while (n < room && alb_q_row(&q)) {
        struct alb_tag *t = &(*list)[n++];

        t->id = alb_q_int(&q, 0);
        alb_q_get_uuid(&q, 1, &t->uuid);
        t->scope = (enum alb_tag_scope)alb_q_int(&q, 2);
        t->value = alb_q_keep(&q, 3, a);
        t->created_at = alb_q_int(&q, 4);
        t->updated_at = alb_q_int(&q, 5);
        t->assets = alb_q_int(&q, 6);
    }
    code = alb_q_end(&q, err);
    *count = code == ALB_OK ? n : 0;
    return code;
}

enum alb_code alb_catalog_tag_id(struct alb_snap *s, const struct alb_uuid *uuid, int64_t user, int64_t *id,
                                 struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    *id = 0;
    alb_q_open(&q, s, "SELECT id FROM tag WHERE uuid = ? AND (owner_id = ? OR owner_id IS NULL)");
    alb_q_uuid(&q, uuid);
    alb_q_i64(&q, user);
    if (alb_q_first(&q))
        *id = alb_q_int(&q, 0);
    code = alb_q_end(&q, err);
    if (code == ALB_OK && *id == 0)
        return alb_fail(err, ALB_E_NOT_FOUND, "no such tag");
    return code;
}

static enum alb_code find(struct alb_snap *s, enum alb_tag_scope scope, int64_t owner, struct alb_str key,
                          int64_t *id, struct alb_err *err)
{
    struct alb_q q;

    *id = 0;
    if (scope == ALB_TAG_GALLERY) {
        alb_q_open(&q, s, "SELECT id FROM tag WHERE owner_id IS NULL AND value_key = ?");
    } else {
        alb_q_open(&q, s, "SELECT id FROM tag WHERE owner_id = ? AND value_key = ?");
        alb_q_i64(&q, owner);
    }
    alb_q_str(&q, key);
    if (alb_q_first(&q))
        *id = alb_q_int(&q, 0);
    return alb_q_end(&q, err);
}

enum alb_code alb_catalog_tag_find(struct alb_snap *s, const struct alb_tag_name *name, int64_t owner,
                                   int64_t *id, struct alb_err *err)
{
    struct alb_buf key = ALB_BUF_INIT(ALB_TAG_MAX * 12 + 64);
    enum alb_code code;

    *id = 0;
    alb_fold(name->value, &key);
    code = alb_buf_code(&key);
    if (code == ALB_OK)
        code = find(s, name->scope, owner, alb_buf_view(&key), id, err);
    else
        code = alb_fail(err, code, "the tag is too long");
    alb_buf_fini(&key);
    return code;
}

bool alb_tag_name_valid(struct alb_str value)
{
    struct alb_str rest = value, part;

    if (value.n == 0 || value.n > ALB_TAG_MAX || !alb_str_is_utf8(value) || alb_str_has_control(value))
        return false;
    while (alb_str_next(&rest, '/', &part))
        if (alb_str_trim(part).n == 0)
            return false;
    return true;
}

static enum alb_code make(struct alb_tx *tx, const struct alb_tag_name *name, int64_t owner,
                          struct alb_str key, int64_t *id, struct alb_err *err)
{
    struct alb_change change = {.entity = ALB_ENTITY_TAG, .kind = ALB_CHANGE_CREATE, .rev = 1};
    bool gallery = name->scope == ALB_TAG_GALLERY;
    struct alb_q q;
    enum alb_code code;

    change.uuid = alb_uuid_v7(alb_tx_clock(tx));
    change.owner_id = gallery ? 0 : owner;
    alb_q_open(&q, &tx->snap,
               "INSERT INTO tag (uuid, scope, owner_id, value, value_key, created_at, updated_at)"
               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)");
    alb_q_uuid(&q, &change.uuid);
    alb_q_i64(&q, name->scope);
    alb_q_i64_or_null(&q, owner, gallery);
    alb_q_str(&q, name->value);
    alb_q_str(&q, key);
    alb_q_i64(&q, alb_tx_now(tx));
    code = alb_q_run_id(&q, id, err);
    change.id = *id;
    return code == ALB_OK ? alb_catalog_change_add(tx, &change, err) : code;
}

enum alb_code alb_catalog_tag_ensure(struct alb_tx *tx, const struct alb_tag_name *name, int64_t owner,
                                     int64_t *id, struct alb_err *err)
{
    struct alb_buf key = ALB_BUF_INIT(ALB_TAG_MAX * 12 + 64);
    enum alb_code code;

    *id = 0;
    if (!alb_tag_name_valid(name->value))
        return alb_fail(err, ALB_E_INVALID, "not a tag");
    alb_fold(name->value, &key);
    code = alb_buf_code(&key);
    if (code == ALB_OK)
        code = find(&tx->snap, name->scope, owner, alb_buf_view(&key), id, err);
    else
        code = alb_fail(err, code, "the tag is too long");
    if (code == ALB_OK && *id == 0)
        code = make(tx, name, owner, alb_buf_view(&key), id, err);
    alb_buf_fini(&key);
    return code;
}
