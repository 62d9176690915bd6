/* SPDX-License-Identifier: Apache-2.0
 *
 * Putting right what is counted (alb_catalog_check with repair), while everybody else goes on writing.
 *
 * Counting again what a large library holds takes longer than a slice (law 6), so it is done in a read
 * snapshot, and only the *difference* to what is kept is written: commands keep counters by differences as
 * well, so an error stays what it was in the snapshot whatever is written meanwhile. Other derived rows are
 * found in the snapshot and made anew, one by one, from what the writer's transaction sees.
 * A page of findings is at most PAGE rows, a unit writes at most SLICE of them.
 */
#include <string.h>

#include "base/mem.h"
#include "catalog/asset.h"
#include "catalog/job.h"
#include "catalog/sqlite/counted.h"

#define PAGE 4096
#define LIMIT_PAGE " LIMIT 4096"
#define SLICE 128
#define VALUES 8
#define ROUNDS_MAX                                                                                           \
    100000 /* pages of one kind: far more than there can be, unless repairing does not help   \
                           */

struct row {
    int64_t v[VALUES];
    char kind[ALB_JOB_KIND_MAX + 1];
};
typedef enum alb_code apply_fn(struct alb_tx *tx, const struct row *row, struct alb_err *err);

struct page {
    struct alb_obj obj;
    apply_fn *apply;
    size_t count;
    struct row rows[SLICE];
};

/* Runs a command with the row's values from `first` on as ?1, ?2, …; literal text. */
static enum alb_code run(struct alb_tx *tx, const char *sql, const struct row *row, int n,
                         struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, &tx->snap, sql);
    for (int i = 0; i < n; i++)
        alb_q_i64(&q, row->v[i]);
    return alb_q_run(&q, err);
}

/* ---- the kinds ---- */

#define FIND_MONTHS                                                                                          \
    "SELECT owner_id, visibility, trashed, month, sum(assets), sum(images), sum(videos), sum(behind)"        \
    " FROM (SELECT owner_id, visibility, trashed, month, -assets AS assets, -images AS images,"              \
    " -videos AS videos, -behind AS behind FROM count_month UNION ALL SELECT * FROM (" COUNTED_MONTHS "))"   \
    " GROUP BY 1, 2, 3, 4 HAVING sum(assets) <> 0 OR sum(images) <> 0 OR sum(videos) <> 0"                   \
    " OR sum(behind) <> 0 OR max(assets) = 0" LIMIT_PAGE

static enum alb_code apply_month(struct alb_tx *tx, const struct row *row, struct alb_err *err)
{
    enum alb_code code =
        run(tx,
            "INSERT INTO count_month (owner_id, visibility, trashed, month, assets, images, videos, behind)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET assets = assets + "
            "excluded.assets,"
            " images = images + excluded.images, videos = videos + excluded.videos,"
            " behind = behind + excluded.behind",
            row, 8, err);

    if (code != ALB_OK)
        return code;
    return run(
        tx,
        "DELETE FROM count_month WHERE owner_id = ?1 AND visibility = ?2 AND trashed = ?3 AND month = ?4"
        " AND assets = 0",
        row, 4, err);
}

#define FIND_OWNERS                                                                                          \
    "SELECT owner_id, sum(assets), sum(bytes) FROM (SELECT owner_id, -assets AS assets, -bytes AS bytes"     \
    " FROM count_owner UNION ALL SELECT * FROM (" COUNTED_OWNERS ")) GROUP BY 1"                             \
    " HAVING sum(assets) <> 0 OR sum(bytes) <> 0" LIMIT_PAGE

static enum alb_code apply_owner(struct alb_tx *tx, const struct row *row, struct alb_err *err)
{
    return run(tx,
               "INSERT INTO count_owner (owner_id, assets, bytes) VALUES (?1, ?2, ?3)"
               " ON CONFLICT DO UPDATE SET assets = assets + excluded.assets, bytes = bytes + excluded.bytes",
               row, 3, err);
}

#define FIND_LINKS                                                                                           \
    "SELECT l.album_id, l.asset_id FROM album_asset l JOIN asset a ON a.id = l.asset_id"                     \
    " WHERE l.asset_created_at <> a.created_at OR l.shown_level IS NOT " COUNTED_SHOWN LIMIT_PAGE

static enum alb_code apply_link(struct alb_tx *tx, const struct row *row, struct alb_err *err)
{
    return run(tx,
               "UPDATE album_asset SET (asset_created_at, shown_level) = (SELECT a.created_at, " COUNTED_SHOWN
               " FROM asset a WHERE a.id = ?2) WHERE album_id = ?1 AND asset_id = ?2",
               row, 2, err);
}

/* After the links: the newest one is looked up through them. */
#define FIND_ALBUMS                                                                                          \
    "SELECT album_id, level, sum(p) FROM (SELECT album_id, level, -photos AS p, newest_at AS n"              \
    " FROM count_album UNION ALL SELECT * FROM (" COUNTED_ALBUMS ")) GROUP BY 1, 2"                          \
    " HAVING sum(p) <> 0 OR count(*) <> 2 OR min(n) <> max(n)" LIMIT_PAGE

static enum alb_code apply_album(struct alb_tx *tx, const struct row *row, struct alb_err *err)
{
    enum alb_code code =
        run(tx,
            "INSERT INTO count_album (album_id, level, photos, newest_at) SELECT id, ?2, ?3, 0"
            " FROM album WHERE id = ?1 ON CONFLICT DO UPDATE SET photos = photos + ?3",
            row, 3, err);

    if (code == ALB_OK)
        code =
            run(tx,
                "UPDATE count_album SET newest_at = coalesce((SELECT max(asset_created_at) FROM album_asset"
                " WHERE album_id = ?1 AND shown_level = ?2), 0) WHERE album_id = ?1 AND level = ?2",
                row, 2, err);
    if (code != ALB_OK)
        return code;
    return run(tx, "DELETE FROM count_album WHERE album_id = ?1 AND level = ?2 AND photos = 0", row, 2, err);
}

#define FIND_GALLERY                                                                                         \
    "SELECT DISTINCT a.id FROM asset a JOIN album_asset l ON l.asset_id = a.id"                              \
    " JOIN album b ON b.id = l.album_id WHERE a.gallery = 0 AND b.kind = 0" LIMIT_PAGE

static enum alb_code apply_gallery(struct alb_tx *tx, const struct row *row, struct alb_err *err)
{
    struct alb_asset_core core;
    struct alb_err why = ALB_ERR_INIT;
    enum alb_code code = alb_catalog_asset_core(&tx->snap, row->v[0], &core, &why);

    if (code == ALB_E_NOT_FOUND || (code == ALB_OK && core.gallery))
        return ALB_OK;
    if (code != ALB_OK)
        return alb_fail(err, code, "%s", why.msg);
    return alb_catalog_asset_set_places(tx, core.id, true, core.personal, err);
}

#define FIND_JOBS                                                                                            \
    "SELECT sum(waiting), sum(leased), sum(failed), 0, 0, 0, 0, 0, kind FROM (SELECT kind,"                  \
    " -waiting AS waiting, -leased AS leased, -failed AS failed FROM job_kind UNION ALL"                     \
    " SELECT * FROM (" COUNTED_JOBS ")) GROUP BY kind"                                                       \
    " HAVING sum(waiting) <> 0 OR sum(leased) <> 0 OR sum(failed) <> 0" LIMIT_PAGE

static enum alb_code apply_job(struct alb_tx *tx, const struct row *row, struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, &tx->snap,
               "INSERT INTO job_kind (waiting, leased, failed, kind) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO"
               " UPDATE SET waiting = waiting + ?1, leased = leased + ?2, failed = failed + ?3");
    for (int i = 0; i < 3; i++)
        alb_q_i64(&q, row->v[i]);
    alb_q_str(&q, alb_str_c(row->kind));
    return alb_q_run(&q, err);
}

#define REFERRED                                                                                             \
    "(EXISTS (SELECT 1 FROM asset a WHERE a.blob_id = blob.id)"                                              \
    " OR EXISTS (SELECT 1 FROM asset_file f WHERE f.blob_id = blob.id))"

static enum alb_code apply_blob(struct alb_tx *tx, const struct row *row, struct alb_err *err)
{
    return run(tx, "UPDATE blob SET state = 0 WHERE id = ?1 AND state = 1 AND " REFERRED, row, 1, err);
}

#define FIND_PATHS                                                                                           \
    COUNTED_PATHS " SELECT DISTINCT album_id FROM (SELECT * FROM (SELECT * FROM up EXCEPT"                   \
                  " SELECT album_id, ancestor_id, depth FROM album_path) UNION ALL"                          \
                  " SELECT * FROM (SELECT album_id, ancestor_id, depth FROM album_path EXCEPT"               \
                  " SELECT * FROM up))" LIMIT_PAGE

static enum alb_code apply_path(struct alb_tx *tx, const struct row *row, struct alb_err *err)
{
    enum alb_code code = run(tx, "DELETE FROM album_path WHERE album_id = ?1", row, 1, err);

    alb_tx_touch_rights(tx);
    if (code != ALB_OK)
        return code;
    return run(tx,
               "INSERT INTO album_path (album_id, ancestor_id, depth)"
               " WITH RECURSIVE up(ancestor_id, depth) AS (SELECT id, 0 FROM album WHERE id = ?1 UNION ALL"
               " SELECT b.parent_id, up.depth + 1 FROM up JOIN album b ON b.id = up.ancestor_id"
               " WHERE b.parent_id IS NOT NULL AND up.depth < 1000) SELECT ?1, ancestor_id, depth FROM up",
               row, 1, err);
}

#define FIND_PATH_TEXTS "SELECT b.id FROM album b WHERE b.path IS NOT " COUNTED_PATH_TEXT LIMIT_PAGE

static enum alb_code apply_path_text(struct alb_tx *tx, const struct row *row, struct alb_err *err)
{
    return run(tx, "UPDATE album AS b SET path = " COUNTED_PATH_TEXT " WHERE id = ?1", row, 1, err);
}

static const struct kind {
    const char *find;
    apply_fn *apply;
} kinds[] = {
    {FIND_PATHS, apply_path},
    {FIND_PATH_TEXTS, apply_path_text},
    {FIND_GALLERY, apply_gallery},
    {"SELECT id FROM blob WHERE state = 1 AND " REFERRED LIMIT_PAGE, apply_blob},
    {FIND_LINKS, apply_link},
    {FIND_MONTHS, apply_month},
    {FIND_OWNERS, apply_owner},
    {FIND_ALBUMS, apply_album},
    {FIND_JOBS, apply_job},
};

/* ---- finding ---- */

static void read_row(struct alb_q *q, struct row *row)
{
    int columns = sqlite3_column_count(q->st);

    memset(row, 0, sizeof(*row));
    for (int i = 0; i < VALUES && i < columns; i++)
        row->v[i] = alb_q_int(q, i);
    if (columns > VALUES && !alb_str_to_c(alb_q_text(q, VALUES), row->kind, sizeof(row->kind)))
        alb_q_give_up(q, ALB_E_CORRUPT);
}

static enum alb_code find(struct alb_catalog *cat, const char *sql, struct row *rows, size_t *count,
                          struct alb_err *err)
{
    struct alb_snap *s;
    struct alb_q q;
    size_t n = 0;
    enum alb_code code = alb_catalog_read(cat, &s, err);

    *count = 0;
    if (code != ALB_OK)
        return code;
    s->conn->deadline_ns = ALB_NEVER; /* nobody's request waits for it */
    alb_q_open(&q, s, sql);
    while (n < PAGE && alb_q_row(&q))
        read_row(&q, &rows[n++]);
    code = alb_q_end(&q, err);
    alb_catalog_read_end(&s);
    *count = code == ALB_OK ? n : 0;
    return code;
}

/* ---- writing ---- */

static void page_free(struct alb_obj *obj)
{
    alb_mem_free(ALB_CONTAINER_OF(obj, struct page, obj));
}

static enum alb_code repair_unit(struct alb_tx *tx, struct alb_obj *args, struct alb_obj **result,
                                 struct alb_err *err)
{
    const struct page *p = ALB_CONTAINER_OF(args, struct page, obj);
    enum alb_code code = ALB_OK;

    (void)result;
    for (size_t i = 0; code == ALB_OK && i < p->count; i++)
        code = p->apply(tx, &p->rows[i], err);
    return code;
}

static enum alb_code write_rows(struct alb_catalog *cat, apply_fn *apply, const struct row *rows,
                                size_t count, struct alb_err *err)
{
    enum alb_code code = ALB_OK;

    for (size_t at = 0; code == ALB_OK && at < count; at += SLICE) {
        struct alb_catalog_unit unit = {.name = "check-repair", .run = repair_unit, .background = true};
        struct page *p = alb_mem_calloc(1, sizeof(*p));

        if (p == NULL)
            return alb_fail(err, ALB_E_NO_MEMORY, "no memory to repair");
        alb_obj_init(&p->obj, page_free);
        p->apply = apply;
        p->count = count - at < SLICE ? count - at : SLICE;
        memcpy(p->rows, rows + at, p->count * sizeof(*rows));
        unit.args = &p->obj;
        code = alb_catalog_write_now(cat, &unit, NULL, err);
    }
    return code;
}

enum alb_code alb_catalog_repair(struct alb_catalog *cat, struct alb_err *err)
{
    struct row *rows = alb_mem_calloc(PAGE, sizeof(*rows));
    enum alb_code code = ALB_OK;

    if (rows == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to repair");
    for (size_t k = 0; code == ALB_OK && k < ALB_ARRAY_LEN(kinds); k++) {
        size_t count = PAGE;

        for (int round = 0; code == ALB_OK && count == PAGE && round < ROUNDS_MAX; round++) {
            code = find(cat, kinds[k].find, rows, &count, err);
            if (code == ALB_OK)
                code = write_rows(cat, kinds[k].apply, rows, count, err);
        }
    }
    alb_mem_free(rows);
    return code;
}
