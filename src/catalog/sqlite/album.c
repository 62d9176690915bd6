/* SPDX-License-Identifier: Apache-2.0
 *
 * Albums: questions, making and deleting, links (contract: catalog/album.h). Privacy and grants: grant.c.
 */
#include "catalog/album.h"

#include <string.h>

#include "base/buf.h"
#include "catalog/sqlite/album_row.h"
#include "catalog/sqlite/derive.h"
#include "catalog/sqlite/rights_sql.h"

#define ALBUMS_MAX 100000

#define ALBUM_COLUMNS                                                                                        \
    "b.id, b.uuid, b.kind, b.owner_id, b.parent_id, b.name, b.description, b.path, b.private, b.locked, "    \
    "b.rank,"                                                                                                \
    " b.representative_id, b.created_at, b.updated_at, b.rev,"                                               \
    " (SELECT sum(c.photos) FROM count_album c WHERE c.album_id = b.id AND (b.kind = 1 OR c.level <= ?3)),"  \
    " (SELECT max(c.newest_at) FROM count_album c WHERE c.album_id = b.id AND (b.kind = 1 OR c.level <= "    \
    "?3))"

static void read_album(struct alb_q *q, struct alb_arena *a, struct alb_album *b)
{
    b->id = alb_q_int(q, 0);
    alb_q_get_uuid(q, 1, &b->uuid);
    b->kind = (enum alb_album_kind)alb_q_int(q, 2);
    b->owner_id = alb_q_int(q, 3);
    b->parent = alb_q_int(q, 4);
    b->name = alb_q_keep(q, 5, a);
    b->description = alb_q_keep(q, 6, a);
    b->path = alb_q_keep(q, 7, a);
    b->is_private = alb_q_int(q, 8) != 0;
    b->locked = alb_q_int(q, 9) != 0;
    b->rank = alb_q_int(q, 10);
    b->representative = alb_q_int(q, 11);
    b->created_at = alb_q_int(q, 12);
    b->updated_at = alb_q_int(q, 13);
    b->rev = alb_q_int(q, 14);
    b->photos = alb_q_int(q, 15);
    b->newest_at = alb_q_int(q, 16);
}

static const char *list_query(enum alb_album_kind kind, bool all)
{
    if (all)
        return "SELECT " ALBUM_COLUMNS
               " FROM album b WHERE b.kind = ?4 AND ?1 = ?1 AND ?2 = ?2 ORDER BY b.id";
    if (kind == ALB_ALBUM_GALLERY)
        return "SELECT " ALBUM_COLUMNS
               " FROM album b WHERE b.kind = ?4 AND " ALB_SQL_GALLERY_VISIBLE("b.id") " ORDER BY b.id";
    return "SELECT " ALBUM_COLUMNS
           " FROM album b WHERE b.kind = ?4 AND ?2 = ?2 AND " ALB_SQL_PERSONAL_VISIBLE("b") " ORDER BY b.id";
}

/* Parents have smaller ids unless an album was moved; the order is for stability, not for the tree. */
enum alb_code alb_catalog_album_list(struct alb_snap *s, const struct alb_viewer *v, enum alb_album_kind kind,
                                     struct alb_arena *a, struct alb_album **list, size_t *count,
                                     struct alb_err *err)
{
    size_t n = 0, room = 0;
    struct alb_q q;
    enum alb_code code;

    *list = NULL;
    *count = 0;
    if ((v->user_id == 0 && !v->all) || v->share_id != 0)
        return ALB_OK;
    alb_q_open(&q, s, "SELECT count(*) FROM album WHERE kind = ?");
    alb_q_i64(&q, kind);
    *list = alb_q_end_room(&q, ALBUMS_MAX, sizeof(**list), a, &room, &code, err);
    if (room == 0)
        return code;
    alb_q_open(&q, s, list_query(kind, v->all));
    alb_q_i64(&q, v->user_id);
    alb_q_i64(&q, v->admin);
    alb_q_i64(&q, v->level);
    alb_q_i64(&q, kind);
    while (n < room && alb_q_row(&q))
        read_album(&q, a, &(*list)[n++]);
    code = alb_q_end(&q, err);
    *count = code == ALB_OK ? n : 0;
    return code;
}

enum alb_code alb_catalog_album_get(struct alb_snap *s, int64_t id, int level, struct alb_arena *a,
                                    struct alb_album *out, struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    memset(out, 0, sizeof(*out));
    alb_q_open(&q, s, "SELECT " ALBUM_COLUMNS " FROM album b WHERE b.id = ?1 AND ?2 IS NULL");
    alb_q_i64(&q, id);
    alb_q_null(&q);
    alb_q_i64(&q, level);
    if (alb_q_first(&q))
        read_album(&q, a, out);
    code = alb_q_end(&q, err);
    if (code == ALB_OK && out->id == 0)
        return alb_fail(err, ALB_E_NOT_FOUND, "no album %lld", (long long)id);
    return code;
}

enum alb_code alb_catalog_album_id(struct alb_snap *s, const struct alb_uuid *uuid, int64_t *id,
                                   struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    *id = 0;
    alb_q_open(&q, s, "SELECT id FROM album WHERE uuid = ?");
    alb_q_uuid(&q, uuid);
    if (alb_q_first(&q))
        *id = alb_q_int(&q, 0);
    code = alb_q_end(&q, err);
    if (code == ALB_OK && *id == 0)
        return alb_fail(err, ALB_E_NOT_FOUND, "no such album");
    return code;
}

enum alb_code alb_catalog_album_named(struct alb_snap *s, int64_t owner, struct alb_str name, int64_t *id,
                                      struct alb_err *err)
{
    struct alb_q q;

    *id = 0;
    alb_q_open(&q, s, "SELECT id FROM album WHERE owner_id = ? AND name = ? ORDER BY id LIMIT 1");
    alb_q_i64(&q, owner);
    alb_q_str(&q, name);
    if (alb_q_first(&q))
        *id = alb_q_int(&q, 0);
    return alb_q_end(&q, err);
}

enum alb_code alb_catalog_album_kind(struct alb_snap *s, int64_t id, enum alb_album_kind *kind,
                                     struct alb_err *err)
{
    struct alb_album_row row;
    enum alb_code code = alb_album_row_get(s, id, &row, err);

    *kind = (enum alb_album_kind)row.kind;
    return code;
}

enum alb_code alb_catalog_album_has(struct alb_snap *s, int64_t album, int64_t asset, bool *has,
                                    struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, s, "SELECT 1 FROM album_asset WHERE album_id = ? AND asset_id = ?");
    alb_q_i64(&q, album);
    alb_q_i64(&q, asset);
    *has = alb_q_first(&q);
    return alb_q_end(&q, err);
}

enum alb_code alb_catalog_albums_of(struct alb_snap *s, int64_t asset, enum alb_album_kind kind,
                                    struct alb_arena *a, int64_t **ids, size_t *count, struct alb_err *err)
{
    size_t n = 0, room = 0;
    struct alb_q q;
    enum alb_code code;

    *ids = NULL;
    *count = 0;
    alb_q_open(&q, s, "SELECT count(*) FROM album_asset WHERE asset_id = ?");
    alb_q_i64(&q, asset);
    *ids = alb_q_end_room(&q, SIZE_MAX, sizeof(**ids), a, &room, &code, err);
    if (room == 0)
        return code;
    alb_q_open(&q, s,
               "SELECT l.album_id FROM album_asset l JOIN album b ON b.id = l.album_id"
               " WHERE l.asset_id = ? AND b.kind = ? ORDER BY l.album_id");
    alb_q_i64(&q, asset);
    alb_q_i64(&q, kind);
    while (n < room && alb_q_row(&q))
        (*ids)[n++] = alb_q_int(&q, 0);
    code = alb_q_end(&q, err);
    *count = code == ALB_OK ? n : 0;
    return code;
}

enum alb_code alb_album_row_get(struct alb_snap *s, int64_t id, struct alb_album_row *row,
                                struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    memset(row, 0, sizeof(*row));
    alb_q_open(&q, s,
               "SELECT id, uuid, kind, owner_id, parent_id, private, locked, rev FROM album WHERE id = ?");
    alb_q_i64(&q, id);
    if (alb_q_first(&q)) {
        row->id = alb_q_int(&q, 0);
        alb_q_get_uuid(&q, 1, &row->uuid);
        row->kind = (int)alb_q_int(&q, 2);
        row->owner_id = alb_q_int(&q, 3);
        row->parent = alb_q_int(&q, 4);
        row->is_private = alb_q_int(&q, 5) != 0;
        row->locked = alb_q_int(&q, 6) != 0;
        row->rev = alb_q_int(&q, 7);
    }
    code = alb_q_end(&q, err);
    if (code == ALB_OK && row->id == 0)
        return alb_fail(err, ALB_E_NOT_FOUND, "no album %lld", (long long)id);
    return code;
}

enum alb_code alb_album_feed(struct alb_tx *tx, const struct alb_album_row *row, enum alb_entity entity,
                             enum alb_change_kind kind, int64_t other, struct alb_err *err)
{
    struct alb_change change = {.entity = entity,
                                .kind = kind,
                                .id = row->id,
                                .other = other,
                                .uuid = row->uuid,
                                .owner_id = row->owner_id,
                                .rev = row->rev};

    return alb_catalog_change_add(tx, &change, err);
}

/* ---- making and deleting ---- */

static enum alb_code insert_row(struct alb_tx *tx, const struct alb_album_new *album, int64_t owner,
                                int64_t actor, bool is_private, bool locked, struct alb_str name_key,
                                int64_t *id, struct alb_uuid *uuid, struct alb_err *err)
{
    bool gallery = album->kind == ALB_ALBUM_GALLERY;
    struct alb_q q;

    *uuid = alb_uuid_v7(alb_tx_clock(tx));
    alb_q_open(
        &q, &tx->snap,
        "INSERT INTO album (uuid, kind, owner_id, parent_id, path, name, name_key, description, private,"
        " locked, created_by, created_at, updated_at, rank)"
        " VALUES (?1, ?2, ?3, ?4, '', ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11,"
        " coalesce((SELECT min(rank) - 1 FROM album WHERE parent_id IS ?4 AND kind = ?2), 0))");
    alb_q_uuid(&q, uuid);
    alb_q_i64(&q, album->kind);
    alb_q_i64_or_null(&q, owner, gallery);
    alb_q_i64_or_null(&q, album->parent, album->parent == 0);
    alb_q_str(&q, album->name);
    alb_q_str(&q, name_key);
    alb_q_str(&q, album->description);
    alb_q_i64(&q, is_private);
    alb_q_i64(&q, locked);
    alb_q_i64(&q, actor);
    alb_q_i64(&q, alb_tx_now(tx));
    return alb_q_run_id(&q, id, err);
}

static enum alb_code insert_path(struct alb_tx *tx, int64_t id, int64_t parent, struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    alb_q_open(&q, &tx->snap,
               "INSERT INTO album_path (album_id, ancestor_id, depth) SELECT ?1, ancestor_id, depth + 1"
               " FROM album_path WHERE album_id = ?2 UNION ALL SELECT ?1, ?1, 0");
    alb_q_i64(&q, id);
    alb_q_i64(&q, parent);
    code = alb_q_run(&q, err);
    if (code != ALB_OK)
        return code;
    alb_q_open(&q, &tx->snap,
               "UPDATE album SET path = (SELECT group_concat(ancestor_id, ',') FROM (SELECT ancestor_id FROM "
               "album_path"
               " WHERE album_id = ?1 ORDER BY depth DESC)) WHERE id = ?1");
    alb_q_i64(&q, id);
    return alb_q_run(&q, err);
}

/* Under a private or locked parent an album becomes so. */
static enum alb_code inherit(struct alb_tx *tx, const struct alb_album_new *album, bool *is_private,
                             bool *locked, struct alb_err *err)
{
    struct alb_album_row parent;
    enum alb_code code;

    *is_private = album->kind == ALB_ALBUM_GALLERY && album->is_private;
    *locked = album->kind == ALB_ALBUM_GALLERY && album->locked;
    if (album->parent == 0)
        return ALB_OK;
    code = alb_album_row_get(&tx->snap, album->parent, &parent, err);
    if (code != ALB_OK)
        return code;
    if (album->kind != ALB_ALBUM_GALLERY || parent.kind != ALB_ALBUM_GALLERY)
        return alb_fail(err, ALB_E_INVALID, "only gallery albums form a tree");
    *is_private = *is_private || parent.is_private;
    *locked = *locked || parent.locked;
    return ALB_OK;
}

enum alb_code alb_catalog_album_insert(struct alb_tx *tx, const struct alb_album_new *album, int64_t owner,
                                       int64_t actor, int64_t *id, struct alb_uuid *uuid, struct alb_err *err)
{
    struct alb_buf key = ALB_BUF_INIT((size_t)16 << 10);
    struct alb_album_row row;
    bool is_private, locked;
    enum alb_code code;

    *id = 0;
    if (album->name.n == 0 || album->name.n > 1024 || !alb_str_is_utf8(album->name) ||
        album->description.n > 65536)
        return alb_fail(err, ALB_E_INVALID, "an album needs a name of at most 1024 bytes");
    code = inherit(tx, album, &is_private, &locked, err);
    if (code != ALB_OK)
        return code;
    alb_fold(album->name, &key);
    code = alb_buf_code(&key);
    if (code == ALB_OK)
        code = insert_row(tx, album, owner, actor, is_private, locked, alb_buf_view(&key), id, uuid, err);
    else
        code = alb_fail(err, code, "the name of the album is too long");
    alb_buf_fini(&key);
    if (code == ALB_OK)
        code = insert_path(tx, *id, album->parent, err);
    if (code == ALB_OK && is_private)
        code = alb_catalog_album_grant_user(tx, *id, actor, ALB_ALBUM_VIEWER, err);
    if (code == ALB_OK)
        code = alb_album_row_get(&tx->snap, *id, &row, err);
    return code == ALB_OK ? alb_album_feed(tx, &row, ALB_ENTITY_ALBUM, ALB_CHANGE_CREATE, 0, err) : code;
}

/* Links of one album, until the slice is over. */
static enum alb_code unlink_some(struct alb_tx *tx, int64_t id, bool *ended, struct alb_err *err)
{
    enum alb_code code = ALB_OK;

    *ended = false;
    while (code == ALB_OK && !alb_tx_slice_over(tx)) {
        int64_t asset = 0;
        bool changed;
        struct alb_q q;

        alb_q_open(&q, &tx->snap, "SELECT asset_id FROM album_asset WHERE album_id = ? LIMIT 1");
        alb_q_i64(&q, id);
        if (alb_q_first(&q))
            asset = alb_q_int(&q, 0);
        code = alb_q_end(&q, err);
        if (code == ALB_OK && asset == 0) {
            *ended = true;
            break;
        }
        if (code == ALB_OK)
            code = alb_catalog_album_unlink(tx, id, asset, &changed, err);
    }
    return code;
}

/* An album without children: its links, then the row. */
static enum alb_code delete_one(struct alb_tx *tx, int64_t id, bool *ended, struct alb_err *err)
{
    struct alb_album_row row;
    struct alb_q q;
    enum alb_code code = alb_album_row_get(&tx->snap, id, &row, err);

    *ended = false;
    if (code == ALB_OK)
        code = unlink_some(tx, id, ended, err);
    if (code != ALB_OK || !*ended)
        return code;
    alb_q_open(&q, &tx->snap, "DELETE FROM album WHERE id = ?");
    alb_q_i64(&q, id);
    code = alb_q_run(&q, err);
    return code == ALB_OK ? alb_album_feed(tx, &row, ALB_ENTITY_ALBUM, ALB_CHANGE_DELETE, 0, err) : code;
}

enum alb_code alb_catalog_album_delete(struct alb_tx *tx, int64_t id, bool *ended, struct alb_err *err)
{
    enum alb_code code = ALB_OK;

    *ended = false;
    alb_tx_touch_rights(tx);
    while (code == ALB_OK) {
        int64_t deepest = 0;
        struct alb_q q;

        alb_q_open(
            &q, &tx->snap,
            "SELECT album_id FROM album_path WHERE ancestor_id = ? ORDER BY depth DESC, album_id LIMIT 1");
        alb_q_i64(&q, id);
        if (alb_q_first(&q))
            deepest = alb_q_int(&q, 0);
        code = alb_q_end(&q, err);
        if (code == ALB_OK && deepest == 0)
            return alb_fail(err, ALB_E_NOT_FOUND, "no album %lld", (long long)id);
        if (code == ALB_OK)
            code = delete_one(tx, deepest, ended, err);
        if (deepest == id || !*ended)
            break;
    }
    return code;
}

/* ---- links ---- */

static enum alb_code insert_link(struct alb_tx *tx, int64_t album, int64_t asset, int64_t actor, int shown,
                                 int64_t asset_created_at, int64_t *n, struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, &tx->snap,
               "INSERT INTO album_asset (album_id, asset_id, rank, added_at, added_by, asset_created_at, "
               "shown_level)"
               " VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING");
    alb_q_i64(&q, album);
    alb_q_i64(&q, asset);
    alb_q_i64(&q, alb_tx_now(tx)); /* the rank: last, until somebody sorts by hand */
    alb_q_i64(&q, actor);
    alb_q_i64(&q, asset_created_at);
    alb_q_i64_or_null(&q, shown, shown < 0);
    return alb_q_run_count(&q, n, err);
}

enum alb_code alb_catalog_album_link(struct alb_tx *tx, int64_t album, int64_t asset, int64_t actor,
                                     bool *changed, struct alb_err *err)
{
    struct alb_album_row row;
    struct alb_asset_core core;
    struct alb_counted c;
    int64_t n = 0;
    enum alb_code code = alb_album_row_get(&tx->snap, album, &row, err);

    *changed = false;
    if (code == ALB_OK)
        code = alb_asset_change_begin(tx, asset, &c, err);
    if (code == ALB_OK)
        code = insert_link(tx, album, asset, actor, alb_counted_shown(&c), c.created_at, &n, err);
    if (code != ALB_OK || n == 0)
        return code;
    *changed = true;
    code = alb_album_count(tx, album, alb_counted_shown(&c), c.created_at, 1, err);
    if (code == ALB_OK && row.kind == ALB_ALBUM_GALLERY) {
        code = alb_catalog_asset_core(&tx->snap, asset, &core, err);
        if (code == ALB_OK && !core.gallery)
            code = alb_catalog_asset_set_places(tx, asset, true, core.personal, err);
    }
    alb_counted_touch(tx, asset, &c);
    return code == ALB_OK ? alb_album_feed(tx, &row, ALB_ENTITY_ALBUM_ASSET, ALB_CHANGE_CREATE, asset, err)
                          : code;
}

enum alb_code alb_catalog_album_unlink(struct alb_tx *tx, int64_t album, int64_t asset, bool *changed,
                                       struct alb_err *err)
{
    struct alb_album_row row;
    struct alb_counted c;
    int64_t n = 0;
    struct alb_q q;
    enum alb_code code = alb_album_row_get(&tx->snap, album, &row, err);

    *changed = false;
    if (code == ALB_OK)
        code = alb_asset_change_begin(tx, asset, &c, err);
    if (code != ALB_OK)
        return code;
    alb_q_open(&q, &tx->snap, "DELETE FROM album_asset WHERE album_id = ? AND asset_id = ?");
    alb_q_i64(&q, album);
    alb_q_i64(&q, asset);
    code = alb_q_run_count(&q, &n, err);
    if (code != ALB_OK || n == 0)
        return code;
    *changed = true;
    code = alb_album_count(tx, album, alb_counted_shown(&c), c.created_at, -1, err);
    alb_counted_touch(tx, asset, &c);
    return code == ALB_OK ? alb_album_feed(tx, &row, ALB_ENTITY_ALBUM_ASSET, ALB_CHANGE_DELETE, asset, err)
                          : code;
}
