/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of originals (contract: catalog/blob.h; life of a row: library/blob.h).
 */
#include "catalog/blob.h"

#include <string.h>

#include "catalog/sqlite/engine.h"

#define BLOB_COLUMNS "id, size, created_at, state, sha256, sha1, md5, store, key, verified_at, bad, sums"

/* Time of a judgement, later than that of any before (blob.h). */
#define JUDGED(now) "max(" now ", coalesce(verified_at, 0) + 1)"

static void read_blob(struct alb_q *q, struct alb_arena *a, struct alb_blob *b)
{
    b->id = alb_q_int(q, 0);
    b->size = alb_q_int(q, 1);
    b->created_at = alb_q_int(q, 2);
    b->state = (enum alb_blob_state)alb_q_int(q, 3);
    alb_ignore(!alb_q_get_bytes(q, 4, b->sha256, ALB_SHA256_LEN), "a CHECK of the table");
    alb_ignore(!alb_q_get_bytes(q, 5, b->sha1, ALB_SHA1_LEN), "a CHECK of the table");
    b->has_md5 = alb_q_get_bytes(q, 6, b->md5, ALB_MD5_LEN);
    b->store = alb_q_keep(q, 7, a);
    b->key = alb_q_keep(q, 8, a);
    b->verified_at = alb_q_int(q, 9);
    b->bad = alb_q_int(q, 10) != 0;
    b->sums = alb_q_keep(q, 11, a);
}

enum alb_code alb_catalog_blob_by_sha256(struct alb_snap *s, const unsigned char sha256[ALB_SHA256_LEN],
                                         struct alb_arena *a, struct alb_blob *out, struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    memset(out, 0, sizeof(*out));
    alb_q_open(&q, s, "SELECT " BLOB_COLUMNS " FROM blob WHERE sha256 = ?");
    alb_q_blob(&q, sha256, ALB_SHA256_LEN);
    if (alb_q_first(&q))
        read_blob(&q, a, out);
    code = alb_q_end(&q, err);
    if (code == ALB_OK && out->id == 0)
        return alb_fail(err, ALB_E_NOT_FOUND, "no such blob");
    return code;
}

enum alb_code alb_catalog_blob_page(struct alb_snap *s, int state, int64_t after, size_t limit,
                                    struct alb_arena *a, struct alb_blob **list, size_t *count,
                                    struct alb_err *err)
{
    size_t n = 0;
    struct alb_q q;
    enum alb_code code;

    *count = 0;
    *list = alb_arena_calloc(a, limit, sizeof(**list));
    if (*list == NULL)
        return alb_fail(err, alb_arena_code(a), "no room for %zu blobs", limit);
    if (state == ALB_BLOB_DYING) /* state = 1 as a literal: lets the partial index serve */
        alb_q_open(&q, s,
                   "SELECT " BLOB_COLUMNS " FROM blob WHERE state = 1 AND id > ?1 ORDER BY id LIMIT ?2");
    else
        alb_q_open(&q, s,
                   "SELECT " BLOB_COLUMNS
                   " FROM blob WHERE id > ?1 AND (?3 < 0 OR state = ?3) ORDER BY id LIMIT ?2");
    alb_q_i64(&q, after);
    alb_q_i64(&q, (int64_t)limit);
    if (state != ALB_BLOB_DYING)
        alb_q_i64(&q, state);
    while (n < limit && alb_q_row(&q))
        read_blob(&q, a, &(*list)[n++]);
    code = alb_q_end(&q, err);
    *count = code == ALB_OK ? n : 0;
    return code;
}

enum alb_code alb_catalog_blob_totals(struct alb_snap *s, int64_t *count, int64_t *bytes, struct alb_err *err)
{
    struct alb_q q;

    *count = *bytes = 0;
    alb_q_open(&q, s, "SELECT count(*), total(size) FROM blob WHERE state = 0");
    if (alb_q_first(&q)) {
        *count = alb_q_int(&q, 0);
        *bytes = (int64_t)alb_q_double(&q, 1);
    }
    return alb_q_end(&q, err);
}

enum alb_code alb_catalog_blob_users(struct alb_snap *s, int64_t blob_id, size_t limit, struct alb_arena *a,
                                     struct alb_blob_user **list, size_t *count, struct alb_err *err)
{
    size_t n = 0;
    struct alb_q q;
    enum alb_code code;

    *count = 0;
    *list = alb_arena_calloc(a, limit, sizeof(**list));
    if (*list == NULL)
        return alb_fail(err, alb_arena_code(a), "no room for %zu assets", limit);
    alb_q_open(&q, s,
               "SELECT a.id, a.uuid, o.name, u.name, a.sort_local, a.trashed, u.extra FROM"
               " (SELECT id AS asset_id, name, 0 AS extra FROM asset WHERE blob_id = ?1 UNION ALL"
               "  SELECT asset_id, name, 1 FROM asset_file WHERE blob_id = ?1) u"
               " JOIN asset a ON a.id = u.asset_id JOIN account o ON o.id = a.owner_id"
               " ORDER BY a.id, u.extra LIMIT ?2");
    alb_q_i64(&q, blob_id);
    alb_q_i64(&q, (int64_t)limit);
    while (n < limit && alb_q_row(&q)) {
        struct alb_blob_user *u = &(*list)[n++];

        u->asset_id = alb_q_int(&q, 0);
        alb_q_get_uuid(&q, 1, &u->uuid);
        u->owner = alb_q_keep(&q, 2, a);
        u->name = alb_q_keep(&q, 3, a);
        u->local_ms = alb_q_int(&q, 4);
        u->trashed = alb_q_int(&q, 5) != 0;
        u->extra = alb_q_int(&q, 6) != 0;
    }
    code = alb_q_end(&q, err);
    *count = code == ALB_OK ? n : 0;
    return code;
}

enum alb_code alb_catalog_blob_is_dying(struct alb_snap *s, int64_t id, bool *dying, struct alb_err *err)
{
    struct alb_q q;

    *dying = false;
    alb_q_open(&q, s, "SELECT state FROM blob WHERE id = ?");
    alb_q_i64(&q, id);
    if (alb_q_first(&q))
        *dying = alb_q_int(&q, 0) == ALB_BLOB_DYING;
    return alb_q_end(&q, err);
}

static enum alb_code revive(struct alb_tx *tx, int64_t id, const struct alb_blob_new *blob,
                            struct alb_err *err)
{
    struct alb_q q;

    /* Where it lies is said anew: the caller has just published it there. */
    alb_q_open(&q, &tx->snap,
               "UPDATE blob SET state = 0, bad = 0, store = ?1, key = ?2, sums = ?3, verified_at = " JUDGED(
                   "?4") " WHERE id = ?5");
    alb_q_str(&q, blob->store);
    alb_q_str(&q, blob->key);
    alb_q_blob(&q, blob->sums.p, blob->sums.n);
    alb_q_i64(&q, alb_tx_now(tx));
    alb_q_i64(&q, id);
    return alb_q_run(&q, err);
}

/* Nothing was wrong as far as anybody knew; but somebody may be looking at a damaged file that these bytes
 * have just replaced. */
static enum alb_code judge(struct alb_tx *tx, int64_t id, struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, &tx->snap, "UPDATE blob SET verified_at = " JUDGED("?1") " WHERE id = ?2");
    alb_q_i64(&q, alb_tx_now(tx));
    alb_q_i64(&q, id);
    return alb_q_run(&q, err);
}

static enum alb_code insert(struct alb_tx *tx, const struct alb_blob_new *blob, int64_t *id,
                            struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, &tx->snap,
               "INSERT INTO blob (sha256, sha1, md5, size, store, key, created_at, sums)"
               " VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    alb_q_blob(&q, blob->sha256, ALB_SHA256_LEN);
    alb_q_blob(&q, blob->sha1, ALB_SHA1_LEN);
    if (blob->has_md5)
        alb_q_blob(&q, blob->md5, ALB_MD5_LEN);
    else
        alb_q_null(&q);
    alb_q_i64(&q, blob->size);
    alb_q_str(&q, blob->store);
    alb_q_str(&q, blob->key);
    alb_q_i64(&q, alb_tx_now(tx));
    alb_q_blob(&q, blob->sums.p, blob->sums.n);
    return alb_q_run_id(&q, id, err);
}

enum alb_code alb_catalog_blob_ensure(struct alb_tx *tx, const struct alb_blob_new *blob, int64_t *id,
                                      bool *known, bool *revived, struct alb_err *err)
{
    int64_t size = 0;
    bool bad = false;
    struct alb_q q;
    enum alb_code code;

    *id = 0;
    *known = *revived = false;
    alb_q_open(&q, &tx->snap, "SELECT id, state, size, bad FROM blob WHERE sha256 = ?");
    alb_q_blob(&q, blob->sha256, ALB_SHA256_LEN);
    if (alb_q_first(&q)) {
        *id = alb_q_int(&q, 0);
        *known = true;
        *revived = alb_q_int(&q, 1) == ALB_BLOB_DYING;
        size = alb_q_int(&q, 2);
        bad = alb_q_int(&q, 3) != 0;
    }
    code = alb_q_end(&q, err);
    if (code != ALB_OK)
        return code;
    if (!*known)
        return insert(tx, blob, id, err);
    if (size != blob->size)
        return alb_fail(err, ALB_E_CORRUPT, "blob %lld has %lld bytes on record, %lld were published",
                        (long long)*id, (long long)size, (long long)blob->size);
    code = *revived || bad ? revive(tx, *id, blob, err) : judge(tx, *id, err);
    if (code == ALB_OK && blob->has_md5)
        code = alb_catalog_blob_set_md5(tx, *id, blob->md5, err);
    return code;
}

#define UNREFERENCED                                                                                         \
    "NOT EXISTS (SELECT 1 FROM asset a WHERE a.blob_id = blob.id)"                                           \
    " AND NOT EXISTS (SELECT 1 FROM asset_file f WHERE f.blob_id = blob.id)"

enum alb_code alb_catalog_blob_bury(struct alb_tx *tx, int64_t id, bool *buried, struct alb_err *err)
{
    int64_t n;
    struct alb_q q;
    enum alb_code code;

    alb_q_open(&q, &tx->snap, "UPDATE blob SET state = 1 WHERE id = ? AND state = 0 AND " UNREFERENCED);
    alb_q_i64(&q, id);
    code = alb_q_run_count(&q, &n, err);
    *buried = n > 0;
    return code;
}

enum alb_code alb_catalog_blob_bury_some(struct alb_tx *tx, size_t limit, int64_t *count, struct alb_err *err)
{
    int64_t after = 0;
    enum alb_code code = ALB_OK;

    *count = 0;
    while (code == ALB_OK && *count < (int64_t)limit) {
        int64_t id = 0;
        bool buried = false;
        struct alb_q q;

        alb_q_open(&q, &tx->snap,
                   "SELECT id FROM blob WHERE state = 0 AND id > ? AND " UNREFERENCED " ORDER BY id LIMIT 1");
        alb_q_i64(&q, after);
        if (alb_q_first(&q))
            id = alb_q_int(&q, 0);
        code = alb_q_end(&q, err);
        if (code != ALB_OK || id == 0)
            break;
        after = id;
        code = alb_catalog_blob_bury(tx, id, &buried, err);
        *count += buried;
    }
    return code;
}

enum alb_code alb_catalog_blob_remove_dying(struct alb_tx *tx, int64_t id, int64_t *count,
                                            struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, &tx->snap, "DELETE FROM blob WHERE id = ? AND state = 1 AND " UNREFERENCED);
    alb_q_i64(&q, id);
    return alb_q_run_count(&q, count, err);
}

enum alb_code alb_catalog_blob_verified(struct alb_tx *tx, int64_t id, int64_t seen, bool good,
                                        int64_t *count, struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, &tx->snap,
               "UPDATE blob SET bad = ?1, verified_at = " JUDGED(
                   "?2") " WHERE id = ?3 AND state = 0 AND coalesce(verified_at, 0) = ?4");
    alb_q_i64(&q, !good);
    alb_q_i64(&q, alb_tx_now(tx));
    alb_q_i64(&q, id);
    alb_q_i64(&q, seen);
    return alb_q_run_count(&q, count, err);
}

enum alb_code alb_catalog_blob_set_md5(struct alb_tx *tx, int64_t id, const unsigned char md5[ALB_MD5_LEN],
                                       struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, &tx->snap, "UPDATE blob SET md5 = ? WHERE id = ? AND md5 IS NULL");
    alb_q_blob(&q, md5, ALB_MD5_LEN);
    alb_q_i64(&q, id);
    return alb_q_run(&q, err);
}
