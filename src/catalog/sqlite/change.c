/* SPDX-License-Identifier: Apache-2.0
 *
 * The change feed, and the rows of operations (contract: catalog/change.h).
 */
#include "catalog/change.h"

#include <string.h>

#include "catalog/sqlite/engine.h"

static bool uuid_is_nil(const struct alb_uuid *u)
{
    static const struct alb_uuid nil;

    return memcmp(u, &nil, sizeof(nil)) == 0;
}

enum alb_code alb_catalog_change_add(struct alb_tx *tx, const struct alb_change *c, struct alb_err *err)
{
    struct alb_q q;
    int64_t seq;
    enum alb_code code;

    alb_q_open(&q, &tx->snap,
               "INSERT INTO change (entity, kind, entity_id, other_id, uuid, owner_id, rev, at)"
               " VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    alb_q_i64(&q, c->entity);
    alb_q_i64(&q, c->kind);
    alb_q_i64(&q, c->id);
    alb_q_i64(&q, c->other);
    if (uuid_is_nil(&c->uuid))
        alb_q_null(&q);
    else
        alb_q_uuid(&q, &c->uuid);
    alb_q_i64(&q, c->owner_id);
    alb_q_i64(&q, c->rev);
    alb_q_i64(&q, alb_tx_now(tx));
    code = alb_q_run_id(&q, &seq, err);
    if (code == ALB_OK)
        alb_tx_note_change(tx, seq);
    return code;
}

static const char *feed_query(int64_t user)
{
    /* Two owners are two ranges of one index; the ends are cut by the outer ORDER and LIMIT. */
    if (user == 0)
        return "SELECT seq, entity, kind, entity_id, other_id, uuid, owner_id, rev, at FROM change"
               " WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    return "SELECT * FROM (SELECT * FROM (SELECT seq, entity, kind, entity_id, other_id, uuid, owner_id, "
           "rev, at"
           "  FROM change WHERE owner_id = ?3 AND seq > ?1 ORDER BY seq LIMIT ?2)"
           " UNION ALL SELECT * FROM (SELECT seq, entity, kind, entity_id, other_id, uuid, owner_id, rev, at"
           "  FROM change WHERE owner_id = 0 AND seq > ?1 ORDER BY seq LIMIT ?2)) ORDER BY seq LIMIT ?2";
}

enum alb_code alb_catalog_changes(struct alb_snap *s, int64_t user, int64_t after, size_t limit,
                                  struct alb_arena *a, struct alb_change **list, size_t *count,
                                  struct alb_err *err)
{
    struct alb_q q;
    size_t n = 0;
    enum alb_code code;

    *count = 0;
    *list = alb_arena_calloc(a, limit, sizeof(**list));
    if (*list == NULL)
        return alb_fail(err, alb_arena_code(a), "no room for %zu changes", limit);
    alb_q_open(&q, s, feed_query(user));
    alb_q_i64(&q, after);
    alb_q_i64(&q, (int64_t)limit);
    if (user != 0)
        alb_q_i64(&q, user);
    while (n < limit && alb_q_row(&q)) {
        struct alb_change *c = &(*list)[n++];

        c->seq = alb_q_int(&q, 0);
        c->entity = (enum alb_entity)alb_q_int(&q, 1);
        c->kind = (enum alb_change_kind)alb_q_int(&q, 2);
        c->id = alb_q_int(&q, 3);
        c->other = alb_q_int(&q, 4);
        alb_q_get_uuid(&q, 5, &c->uuid);
        c->owner_id = alb_q_int(&q, 6);
        c->rev = alb_q_int(&q, 7);
        c->at = alb_q_int(&q, 8);
    }
    code = alb_q_end(&q, err);
    *count = code == ALB_OK ? n : 0;
    return code;
}

static enum alb_code seq_of(struct alb_snap *s, const char *sql, int64_t *seq, struct alb_err *err)
{
    struct alb_q q;

    *seq = 0;
    alb_q_open(&q, s, sql);
    if (alb_q_first(&q))
        *seq = alb_q_int(&q, 0);
    return alb_q_end(&q, err);
}

enum alb_code alb_catalog_first_change(struct alb_snap *s, int64_t *seq, struct alb_err *err)
{
    return seq_of(s, "SELECT min(seq) FROM change", seq, err);
}

enum alb_code alb_catalog_last_change(struct alb_snap *s, int64_t *seq, struct alb_err *err)
{
    return seq_of(s, "SELECT max(seq) FROM change", seq, err);
}

/* ---- operations ---- */

enum alb_code alb_catalog_operation_get(struct alb_snap *s, int64_t id, struct alb_operation *out,
                                        struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    memset(out, 0, sizeof(*out));
    alb_q_open(&q, s,
               "SELECT id, uuid, account_id, door, action, value, state, total, cursor, done, skipped, drain"
               " FROM operation WHERE id = ?");
    alb_q_i64(&q, id);
    if (alb_q_first(&q)) {
        out->id = alb_q_int(&q, 0);
        alb_q_get_uuid(&q, 1, &out->uuid);
        out->user_id = alb_q_int(&q, 2);
        out->door = (int)alb_q_int(&q, 3);
        out->action = (int)alb_q_int(&q, 4);
        out->value = alb_q_int(&q, 5);
        out->state = (enum alb_operation_state)alb_q_int(&q, 6);
        out->total = alb_q_int(&q, 7);
        out->cursor = alb_q_int(&q, 8);
        out->done = alb_q_int(&q, 9);
        out->skipped = alb_q_int(&q, 10);
        out->drain = (enum alb_operation_drain)alb_q_int(&q, 11);
    }
    code = alb_q_end(&q, err);
    if (code == ALB_OK && out->id == 0)
        return alb_fail(err, ALB_E_NOT_FOUND, "no operation %lld", (long long)id);
    return code;
}

#define RUNNING_MAX 1000

enum alb_code alb_catalog_operation_running(struct alb_snap *s, struct alb_arena *a, int64_t **ids,
                                            size_t *count, struct alb_err *err)
{
    struct alb_q q;

    *count = 0;
    *ids = alb_arena_alloc(a, RUNNING_MAX * sizeof(**ids));
    if (*ids == NULL)
        return alb_fail(err, alb_arena_code(a), "no room for operations");
    alb_q_open(&q, s, "SELECT id FROM operation WHERE state = 0 ORDER BY id LIMIT 1000");
    while (*count < RUNNING_MAX && alb_q_row(&q))
        (*ids)[(*count)++] = alb_q_int(&q, 0);
    return alb_q_end(&q, err);
}

enum alb_code alb_catalog_operation_insert(struct alb_tx *tx, const struct alb_operation *op, int64_t *id,
                                           struct alb_uuid *uuid, struct alb_err *err)
{
    struct alb_q q;

    *uuid = alb_uuid_v7(alb_tx_clock(tx));
    alb_q_open(
        &q, &tx->snap,
        "INSERT INTO operation (uuid, account_id, door, action, value, state, total, drain, created_at)"
        " VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?)");
    alb_q_uuid(&q, uuid);
    alb_q_i64(&q, op->user_id);
    alb_q_i64(&q, op->door);
    alb_q_i64(&q, op->action);
    alb_q_i64(&q, op->value);
    alb_q_i64(&q, op->total);
    alb_q_i64(&q, op->drain);
    alb_q_i64(&q, alb_tx_now(tx));
    return alb_q_run_id(&q, id, err);
}

enum alb_code alb_catalog_operation_items_add(struct alb_tx *tx, int64_t op, int64_t chunk,
                                              const struct alb_uuid *assets, size_t count,
                                              struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, &tx->snap, "INSERT INTO operation_item (operation_id, n, assets) VALUES (?, ?, ?)");
    alb_q_i64(&q, op);
    alb_q_i64(&q, chunk);
    alb_q_blob(&q, assets, count * sizeof(*assets));
    return alb_q_run(&q, err);
}

enum alb_code alb_catalog_operation_items(struct alb_snap *s, int64_t op, int64_t chunk,
                                          struct alb_uuid assets[ALB_OPERATION_CHUNK], size_t *count,
                                          struct alb_err *err)
{
    struct alb_q q;

    *count = 0;
    alb_q_open(&q, s, "SELECT assets FROM operation_item WHERE operation_id = ? AND n = ?");
    alb_q_i64(&q, op);
    alb_q_i64(&q, chunk);
    if (alb_q_first(&q)) {
        struct alb_str bytes = alb_q_text(&q, 0);

        *count = bytes.n / sizeof(*assets);
        if (*count > ALB_OPERATION_CHUNK)
            *count = ALB_OPERATION_CHUNK;
        memcpy(assets, bytes.p, *count * sizeof(*assets));
    }
    return alb_q_end(&q, err);
}

enum alb_code alb_catalog_operation_progress(struct alb_tx *tx, const struct alb_operation *op,
                                             struct alb_err *err)
{
    struct alb_change change = {.entity = ALB_ENTITY_OPERATION,
                                .id = op->id,
                                .uuid = op->uuid,
                                .owner_id = op->user_id,
                                .kind = ALB_CHANGE_UPDATE};
    bool ended = op->cursor >= op->total;
    struct alb_q q;
    enum alb_code code;

    alb_q_open(
        &q, &tx->snap,
        "UPDATE operation SET cursor = ?, done = ?, skipped = ?, state = CASE WHEN ?4 THEN 1 ELSE state END,"
        " ended_at = CASE WHEN ?4 THEN ?5 ELSE ended_at END WHERE id = ?6");
    alb_q_i64(&q, op->cursor);
    alb_q_i64(&q, op->done);
    alb_q_i64(&q, op->skipped);
    alb_q_i64(&q, ended);
    alb_q_i64(&q, alb_tx_now(tx));
    alb_q_i64(&q, op->id);
    code = alb_q_run(&q, err);
    if (code == ALB_OK && ended) {
        alb_q_open(&q, &tx->snap, "DELETE FROM operation_item WHERE operation_id = ?");
        alb_q_i64(&q, op->id);
        code = alb_q_run(&q, err);
    }
    return code == ALB_OK ? alb_catalog_change_add(tx, &change, err) : code;
}

enum alb_code alb_catalog_operation_set_undone(struct alb_tx *tx, int64_t op, struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, &tx->snap, "UPDATE operation SET state = 2 WHERE id = ?");
    alb_q_i64(&q, op);
    return alb_q_run(&q, err);
}

enum alb_code alb_catalog_undo_add(struct alb_tx *tx, int64_t op, const struct alb_undo *u,
                                   struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(
        &q, &tx->snap,
        "INSERT INTO operation_undo (operation_id, n, asset_id, field, before, after, other_id) VALUES (?1,"
        " coalesce((SELECT max(n) + 1 FROM operation_undo WHERE operation_id = ?1), 0), ?2, ?3, ?4, ?5, ?6)");
    alb_q_i64(&q, op);
    alb_q_i64(&q, u->asset_id);
    alb_q_i64(&q, u->field);
    alb_q_i64(&q, u->before);
    alb_q_i64(&q, u->after);
    alb_q_i64(&q, u->other_id);
    return alb_q_run(&q, err);
}

enum alb_code alb_catalog_undo_count(struct alb_snap *s, int64_t op, int64_t *count, struct alb_err *err)
{
    struct alb_q q;

    *count = 0;
    alb_q_open(&q, s, "SELECT coalesce(max(n) + 1, 0) FROM operation_undo WHERE operation_id = ?");
    alb_q_i64(&q, op);
    if (alb_q_first(&q))
        *count = alb_q_int(&q, 0);
    return alb_q_end(&q, err);
}

enum alb_code alb_catalog_undo_get(struct alb_snap *s, int64_t op, int64_t n, struct alb_undo *out,
                                   struct alb_err *err)
{
    struct alb_q q;
    bool found = false;
    enum alb_code code;

    memset(out, 0, sizeof(*out));
    alb_q_open(&q, s,
               "SELECT n, asset_id, field, before, after, other_id FROM operation_undo"
               " WHERE operation_id = ? AND n = ?");
    alb_q_i64(&q, op);
    alb_q_i64(&q, n);
    if (alb_q_first(&q)) {
        found = true;
        out->n = alb_q_int(&q, 0);
        out->asset_id = alb_q_int(&q, 1);
        out->field = (enum alb_undo_field)alb_q_int(&q, 2);
        out->before = alb_q_int(&q, 3);
        out->after = alb_q_int(&q, 4);
        out->other_id = alb_q_int(&q, 5);
    }
    code = alb_q_end(&q, err);
    if (code == ALB_OK && !found)
        return alb_fail(err, ALB_E_NOT_FOUND, "no undo row %lld", (long long)n);
    return code;
}
