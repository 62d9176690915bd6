/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters: per (owner, visibility, trashed, month), per owner, per (album, level). Contract: derive.h.
 */
#include <string.h>

#include "catalog/sqlite/derive.h"

void alb_counted_touch(struct alb_tx *tx, int64_t id, const struct alb_counted *c)
{
    alb_tx_touch_asset(tx, id);
    if (c->live_id != 0)
        alb_tx_touch_asset(tx, c->live_id);
}

int alb_counted_shown(const struct alb_counted *c)
{
    if (!c->exists || c->trashed)
        return -1;
    if (c->visibility != ALB_VIS_TIMELINE && c->visibility != ALB_VIS_ARCHIVE)
        return -1;
    return c->level;
}

static enum alb_code load(struct alb_tx *tx, int64_t id, struct alb_counted *c, struct alb_err *err)
{
    struct alb_q q;

    memset(c, 0, sizeof(*c));
    alb_q_open(
        &q, &tx->snap,
        "SELECT a.owner_id, b.size, a.created_at, a.rev, a.uuid, a.sort_local, a.kind, a.visibility, a.level,"
        " a.trashed, a.behind, a.live_id FROM asset a JOIN blob b ON b.id = a.blob_id WHERE a.id = ?");
    alb_q_i64(&q, id);
    if (alb_q_first(&q)) {
        c->exists = true;
        c->owner_id = alb_q_int(&q, 0);
        c->size = alb_q_int(&q, 1);
        c->created_at = alb_q_int(&q, 2);
        c->rev = alb_q_int(&q, 3);
        alb_q_get_uuid(&q, 4, &c->uuid);
        c->month = alb_month_of(alb_q_int(&q, 5));
        c->kind = (int)alb_q_int(&q, 6);
        c->visibility = (int)alb_q_int(&q, 7);
        c->level = (int)alb_q_int(&q, 8);
        c->trashed = alb_q_int(&q, 9) != 0;
        c->behind = alb_q_int(&q, 10) != 0;
        c->live_id = alb_q_int(&q, 11);
    }
    return alb_q_end(&q, err);
}

static enum alb_code count_month(struct alb_tx *tx, const struct alb_counted *c, int delta,
                                 struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    alb_q_open(
        &q, &tx->snap,
        "INSERT INTO count_month (owner_id, visibility, trashed, month, assets, images, videos, behind)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET assets = assets + excluded.assets, images = images + excluded.images,"
        " videos = videos + excluded.videos, behind = behind + excluded.behind");
    alb_q_i64(&q, c->owner_id);
    alb_q_i64(&q, c->visibility);
    alb_q_i64(&q, c->trashed);
    alb_q_i64(&q, c->month);
    alb_q_i64(&q, delta);
    alb_q_i64(&q, c->kind == ALB_KIND_IMAGE ? delta : 0);
    alb_q_i64(&q, c->kind == ALB_KIND_VIDEO ? delta : 0);
    alb_q_i64(&q, c->behind ? delta : 0);
    code = alb_q_run(&q, err);
    if (code != ALB_OK || delta > 0)
        return code;
    alb_q_open(&q, &tx->snap,
               "DELETE FROM count_month WHERE owner_id = ? AND visibility = ? AND trashed = ? AND month = ?"
               " AND assets = 0 AND images = 0 AND videos = 0 AND behind = 0");
    alb_q_i64(&q, c->owner_id);
    alb_q_i64(&q, c->visibility);
    alb_q_i64(&q, c->trashed);
    alb_q_i64(&q, c->month);
    return alb_q_run(&q, err);
}

static enum alb_code count_owner(struct alb_tx *tx, const struct alb_counted *c, int delta,
                                 struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(
        &q, &tx->snap,
        "INSERT INTO count_owner (owner_id, assets, bytes) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET assets = assets + excluded.assets, bytes = bytes + excluded.bytes");
    alb_q_i64(&q, c->owner_id);
    alb_q_i64(&q, delta);
    alb_q_i64(&q, delta * c->size);
    return alb_q_run(&q, err);
}

static enum alb_code count_album_more(struct alb_tx *tx, int64_t album, int shown, int64_t created_at,
                                      struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(
        &q, &tx->snap,
        "INSERT INTO count_album (album_id, level, photos, newest_at) VALUES (?, ?, 1, ?)"
        " ON CONFLICT DO UPDATE SET photos = photos + 1, newest_at = max(newest_at, excluded.newest_at)");
    alb_q_i64(&q, album);
    alb_q_i64(&q, shown);
    alb_q_i64(&q, created_at);
    return alb_q_run(&q, err);
}

/* The newest of the rest comes from the index (album, level, created); an empty level has no row. A row that
 * is missing although there was something to count is a counter that is wrong, and stays wrong by as much
 * until it is repaired (repair.c). */
static enum alb_code count_album_less(struct alb_tx *tx, int64_t album, int shown, struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    alb_q_open(&q, &tx->snap,
               "INSERT INTO count_album (album_id, level, photos, newest_at) SELECT id, ?2, -1,"
               " coalesce((SELECT max(asset_created_at) FROM album_asset WHERE album_id = ?1 AND shown_level "
               "= ?2), 0)"
               " FROM album WHERE id = ?1"
               " ON CONFLICT DO UPDATE SET photos = photos - 1, newest_at = excluded.newest_at");
    alb_q_i64(&q, album);
    alb_q_i64(&q, shown);
    code = alb_q_run(&q, err);
    if (code != ALB_OK)
        return code;
    alb_q_open(&q, &tx->snap, "DELETE FROM count_album WHERE album_id = ? AND level = ? AND photos = 0");
    alb_q_i64(&q, album);
    alb_q_i64(&q, shown);
    return alb_q_run(&q, err);
}

enum alb_code alb_album_count(struct alb_tx *tx, int64_t album, int shown, int64_t asset_created_at,
                              int delta, struct alb_err *err)
{
    if (shown < 0)
        return ALB_OK;
    return delta > 0 ? count_album_more(tx, album, shown, asset_created_at, err)
                     : count_album_less(tx, album, shown, err);
}

/* The asset's links show it at another level now. The rows change first: the recount looks at them. */
static enum alb_code relink(struct alb_tx *tx, int64_t id, const struct alb_counted *before,
                            const struct alb_counted *after, struct alb_err *err)
{
    int was = alb_counted_shown(before), is = alb_counted_shown(after);
    struct alb_q q;
    enum alb_code code;

    if (was == is)
        return ALB_OK;
    alb_q_open(&q, &tx->snap, "UPDATE album_asset SET shown_level = ? WHERE asset_id = ?");
    alb_q_i64_or_null(&q, is, is < 0);
    alb_q_i64(&q, id);
    code = alb_q_run(&q, err);
    if (code != ALB_OK)
        return code;
    alb_q_open(&q, &tx->snap, "SELECT album_id FROM album_asset WHERE asset_id = ?");
    alb_q_i64(&q, id);
    while (code == ALB_OK && alb_q_row(&q)) {
        code = alb_album_count(tx, alb_q_int(&q, 0), was, after->created_at, -1, err);
        if (code == ALB_OK)
            code = alb_album_count(tx, alb_q_int(&q, 0), is, after->created_at, 1, err);
    }
    if (code != ALB_OK)
        alb_q_give_up(&q, code);
    return alb_q_end(&q, err);
}

static bool same_month_row(const struct alb_counted *a, const struct alb_counted *b)
{
    return a->owner_id == b->owner_id && a->visibility == b->visibility && a->trashed == b->trashed &&
           a->month == b->month && a->kind == b->kind && a->behind == b->behind;
}

static enum alb_code feed(struct alb_tx *tx, int64_t id, const struct alb_counted *c,
                          enum alb_change_kind kind, struct alb_err *err)
{
    struct alb_change change = {
        .entity = ALB_ENTITY_ASSET,
        .kind = kind,
        .id = id,
        .uuid = c->uuid,
        .owner_id = c->owner_id,
        .rev = c->rev,
    };

    return alb_catalog_change_add(tx, &change, err);
}

enum alb_code alb_asset_change_begin(struct alb_tx *tx, int64_t id, struct alb_counted *before,
                                     struct alb_err *err)
{
    enum alb_code code = load(tx, id, before, err);

    if (code == ALB_OK && !before->exists)
        return alb_fail(err, ALB_E_NOT_FOUND, "no asset %lld", (long long)id);
    return code;
}

enum alb_code alb_asset_change_end(struct alb_tx *tx, int64_t id, const struct alb_counted *before,
                                   struct alb_err *err)
{
    struct alb_counted after;
    struct alb_q q;
    enum alb_code code;

    alb_q_open(&q, &tx->snap, "UPDATE asset SET rev = rev + 1, updated_at = ? WHERE id = ?");
    alb_q_i64(&q, alb_tx_now(tx));
    alb_q_i64(&q, id);
    code = alb_q_run(&q, err);
    if (code == ALB_OK)
        code = load(tx, id, &after, err);
    if (code == ALB_OK && !same_month_row(before, &after)) {
        code = count_month(tx, before, -1, err);
        if (code == ALB_OK)
            code = count_month(tx, &after, 1, err);
    }
    if (code == ALB_OK)
        code = relink(tx, id, before, &after, err);
    if (code == ALB_OK)
        code = feed(tx, id, &after, ALB_CHANGE_UPDATE, err);
    alb_counted_touch(tx, id, before);
    if (code == ALB_OK)
        alb_counted_touch(tx, id, &after);
    return code;
}

enum alb_code alb_asset_created(struct alb_tx *tx, int64_t id, struct alb_err *err)
{
    struct alb_counted c;
    enum alb_code code = load(tx, id, &c, err);

    if (code == ALB_OK)
        code = count_month(tx, &c, 1, err);
    if (code == ALB_OK)
        code = count_owner(tx, &c, 1, err);
    if (code == ALB_OK)
        code = feed(tx, id, &c, ALB_CHANGE_CREATE, err);
    return code; /* no cache can know it: nothing to touch */
}

enum alb_code alb_asset_deleting(struct alb_tx *tx, int64_t id, struct alb_err *err)
{
    struct alb_counted c;
    enum alb_code code = load(tx, id, &c, err);

    if (code == ALB_OK && !c.exists)
        return alb_fail(err, ALB_E_NOT_FOUND, "no asset %lld", (long long)id);
    if (code == ALB_OK)
        code = count_month(tx, &c, -1, err);
    if (code == ALB_OK)
        code = count_owner(tx, &c, -1, err);
    if (code == ALB_OK)
        code = feed(tx, id, &c, ALB_CHANGE_DELETE, err);
    alb_counted_touch(tx, id, &c);
    return code;
}
