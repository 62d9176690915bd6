/* SPDX-License-Identifier: Apache-2.0
 *
 * The timeline (contract: catalog/timeline.h). Months come from the counters when nothing is asked that they
 * do not know; then the cost is the number of months, whatever the number of assets.
 */
#include "catalog/timeline.h"

#include <string.h>

#include "catalog/sqlite/engine.h"
#include "catalog/sqlite/rights_sql.h"
#include "catalog/sqlite/sqlb.h"

#define MONTHS_MAX 4096
#define COLUMNS_MAX 500000 /* assets in one month that one answer may hold */

/* "(0, 1)" from a mask; "(-1)" if it is empty. */
static void add_visibility(struct alb_sqlb *b, const char *column, uint32_t mask)
{
    const char *sep = "";

    alb_sqlb_add(b, "%s IN (", column);
    for (int v = 0; v < ALB_VIS_COUNT; v++)
        if (mask & ALB_VIS_BIT(v)) {
            alb_sqlb_add(b, "%s%d", sep, v);
            sep = ", ";
        }
    alb_sqlb_add(b, "%s)", *sep ? "" : "-1");
}

/* Motion parts of locked stills are asked about one by one: no counter knows them. */
static bool hides_locked(const struct alb_timeline_scope *t)
{
    return (t->visibility & ALB_VIS_BIT(ALB_VIS_HIDDEN)) && !t->viewer->elevated && !t->viewer->all;
}

/* FROM and WHERE for the scope; `a` is the asset. ?1 is the viewer. */
static void add_scope(struct alb_sqlb *b, const struct alb_timeline_scope *t)
{
    alb_sqlb_int(b, t->viewer->user_id);
    if (t->album == 0) {
        alb_sqlb_add(b, " FROM asset a WHERE a.owner_id = ?1 AND ");
    } else {
        alb_sqlb_add(b, " FROM album_asset l JOIN asset a ON a.id = l.asset_id WHERE l.album_id = ?%d AND ",
                     alb_sqlb_int(b, t->album));
        /* What others see is what the album shows; in the gallery only up to their level. */
        if (t->album_kind == ALB_ALBUM_GALLERY)
            alb_sqlb_add(b, "(l.shown_level <= ?%d OR (a.owner_id = ?1 AND l.shown_level IS NOT NULL)) AND ",
                         alb_sqlb_int(b, t->viewer->level));
        else
            alb_sqlb_add(b, "(l.shown_level IS NOT NULL OR a.owner_id = ?1) AND ");
    }
    add_visibility(b, "a.visibility", t->visibility);
    alb_sqlb_add(b, " AND a.trashed = %d", t->trashed);
    if (hides_locked(t))
        alb_sqlb_add(b, " AND (a.visibility <> 2 OR NOT " ALB_SQL_STILL_LOCKED("a") ")");
    if (t->favorites)
        alb_sqlb_add(b,
                     " AND EXISTS (SELECT 1 FROM favorite f WHERE f.account_id = ?1 AND f.asset_id = a.id)");
    if (t->tag != 0)
        alb_sqlb_add(b, " AND EXISTS (SELECT 1 FROM asset_tag g WHERE g.tag_id = ?%d AND g.asset_id = a.id)",
                     alb_sqlb_int(b, t->tag));
    if (t->with_stacked)
        alb_sqlb_add(b, " AND a.behind = 0");
}

static void build_months(struct alb_sqlb *b, const struct alb_timeline_scope *t)
{
    if (t->album == 0 && t->tag == 0 && !t->favorites && !hides_locked(t)) {
        alb_sqlb_add(b, "SELECT month, sum(assets%s) AS n FROM count_month WHERE owner_id = ?%d AND ",
                     t->with_stacked ? " - behind" : "", alb_sqlb_int(b, t->viewer->user_id));
        add_visibility(b, "visibility", t->visibility);
        alb_sqlb_add(b, " AND trashed = %d GROUP BY month HAVING n > 0", t->trashed);
    } else {
        alb_sqlb_add(b, "SELECT month_of(a.sort_local) AS month, count(*)");
        add_scope(b, t);
        alb_sqlb_add(b, " GROUP BY 1");
    }
    alb_sqlb_add(b, " ORDER BY month %s", t->ascending ? "" : "DESC");
}

enum alb_code alb_catalog_buckets(struct alb_snap *s, const struct alb_timeline_scope *t, struct alb_arena *a,
                                  struct alb_bucket **list, size_t *count, struct alb_err *err)
{
    struct alb_sqlb b;
    size_t n = 0;
    struct alb_q q;
    enum alb_code code;

    *count = 0;
    *list = alb_arena_calloc(a, MONTHS_MAX, sizeof(**list));
    if (*list == NULL)
        return alb_fail(err, alb_arena_code(a), "no room for months");
    alb_sqlb_init(&b);
    build_months(&b, t);
    alb_sqlb_open(&b, &q, s);
    while (n < MONTHS_MAX && alb_q_row(&q)) {
        (*list)[n].month = (int32_t)alb_q_int(&q, 0);
        (*list)[n++].count = alb_q_int(&q, 1);
    }
    code = alb_q_end(&q, err);
    alb_sqlb_fini(&b);
    *count = code == ALB_OK ? n : 0;
    return code;
}

/* ---- one month ---- */

static bool alloc_columns(struct alb_columns *c, size_t n, struct alb_arena *a)
{
#define COLUMN(field) {&c->field, sizeof(*c->field)}
    const struct {
        void *pointer; /* to the column's pointer */
        size_t size;
    } columns[] = {
        COLUMN(id),       COLUMN(owner),      COLUMN(ratio),       COLUMN(taken_utc),  COLUMN(taken_local),
        COLUMN(created_at), COLUMN(offset_min), COLUMN(duration_ms), COLUMN(kind),     COLUMN(visibility),
        COLUMN(favorite), COLUMN(trashed),    COLUMN(has_live),    COLUMN(has_stack),  COLUMN(has_gps),
        COLUMN(live),     COLUMN(stack),      COLUMN(stack_count), COLUMN(thumbhash),  COLUMN(projection),
        COLUMN(city),     COLUMN(country),    COLUMN(latitude),    COLUMN(longitude),
        COLUMN(damaged),
    };
#undef COLUMN
    for (size_t i = 0; i < ALB_ARRAY_LEN(columns); i++) {
        void *column = alb_arena_calloc(a, n, columns[i].size);

        if (column == NULL)
            return false;
        memcpy(columns[i].pointer, &column, sizeof(column));
    }
    return true;
}

/* Quarter turns swap the sides: EXIF 5..8, and a person's 90 and 270. */
static double ratio_of(int64_t width, int64_t height, int64_t orientation, int64_t rotation)
{
    bool swap = (orientation >= 5) != (rotation == 90 || rotation == 270);

    if (width <= 0 || height <= 0)
        return 1.0;
    return swap ? (double)height / (double)width : (double)width / (double)height;
}

static void read_columns(struct alb_q *q, struct alb_arena *a, struct alb_columns *c, size_t i)
{
    alb_q_get_uuid(q, 0, &c->id[i]);
    alb_q_get_uuid(q, 1, &c->owner[i]);
    c->ratio[i] = ratio_of(alb_q_int(q, 2), alb_q_int(q, 3), alb_q_int(q, 4), alb_q_int(q, 5));
    c->taken_local[i] = alb_q_int(q, 7);
    c->taken_utc[i] = alb_q_int_or(q, 6, c->taken_local[i]);
    c->offset_min[i] = (int32_t)alb_q_int_or(q, 8, INT32_MIN);
    c->created_at[i] = alb_q_int(q, 9);
    c->duration_ms[i] = alb_q_int(q, 10);
    c->kind[i] = (unsigned char)alb_q_int(q, 11);
    c->visibility[i] = (unsigned char)alb_q_int(q, 12);
    c->favorite[i] = alb_q_int(q, 13) != 0;
    c->trashed[i] = alb_q_int(q, 14) != 0;
    c->thumbhash[i] = alb_q_keep(q, 15, a);
    c->has_live[i] = !alb_q_is_null(q, 16);
    alb_q_get_uuid(q, 16, &c->live[i]);
    c->has_stack[i] = !alb_q_is_null(q, 17);
    alb_q_get_uuid(q, 17, &c->stack[i]);
    c->stack_count[i] = alb_q_int(q, 18);
    c->projection[i] = alb_q_keep(q, 19, a);
    c->city[i] = alb_q_keep(q, 20, a);
    c->country[i] = alb_q_keep(q, 21, a);
    c->has_gps[i] = !alb_q_is_null(q, 22);
    c->latitude[i] = alb_q_double(q, 22);
    c->longitude[i] = alb_q_double(q, 23);
    c->damaged[i] = alb_q_int(q, 24) != 0;
}

static void add_month(struct alb_sqlb *b, int32_t month)
{
    alb_sqlb_add(b, " AND a.sort_local >= ?%d", alb_sqlb_int(b, alb_month_start(month)));
    alb_sqlb_add(b, " AND a.sort_local < ?%d", alb_sqlb_int(b, alb_month_start(month + 1)));
}

static enum alb_code count_rows(struct alb_snap *s, const struct alb_timeline_scope *t, int32_t month,
                                size_t *n, struct alb_err *err)
{
    struct alb_sqlb b;
    struct alb_q q;
    enum alb_code code;

    *n = 0;
    alb_sqlb_init(&b);
    alb_sqlb_add(&b, "SELECT count(*)");
    add_scope(&b, t);
    add_month(&b, month);
    alb_sqlb_open(&b, &q, s);
    if (alb_q_first(&q))
        *n = (size_t)alb_q_int(&q, 0);
    code = alb_q_end(&q, err);
    alb_sqlb_fini(&b);
    return code;
}

static void build_rows(struct alb_sqlb *b, const struct alb_timeline_scope *t, int32_t month)
{
    const char *way = t->ascending ? "ASC" : "DESC";

    /* The ids first, from the index alone; the wide rows only for them. */
    alb_sqlb_add(
        b, "SELECT a.uuid, o.uuid, a.width, a.height, a.orientation, a.rotation, a.taken_utc, a.sort_local,"
           " a.taken_offset, a.created_at, a.duration_ms, a.kind, a.visibility,"
           " EXISTS (SELECT 1 FROM favorite f WHERE f.account_id = ?1 AND f.asset_id = a.id), a.trashed,"
           " a.thumbhash, lv.uuid, st.uuid, CASE WHEN st.id IS NULL THEN 0 ELSE"
           " (SELECT count(*) FROM asset x WHERE x.stack_id = st.id) END,"
           " m.projection, m.city, m.country, a.latitude, a.longitude, a.damaged OR bl.bad FROM (SELECT a.id");
    add_scope(b, t);
    add_month(b, month);
    alb_sqlb_add(b,
                 ") h JOIN asset a ON a.id = h.id JOIN account o ON o.id = a.owner_id"
                 " JOIN blob bl ON bl.id = a.blob_id"
                 " LEFT JOIN asset_media m ON m.asset_id = a.id LEFT JOIN asset lv ON lv.id = a.live_id"
                 " LEFT JOIN stack st ON st.id = a.stack_id ORDER BY a.sort_local %s, a.id %s",
                 way, way);
}

enum alb_code alb_catalog_bucket(struct alb_snap *s, const struct alb_timeline_scope *t, int32_t month,
                                 struct alb_arena *a, struct alb_columns *out, struct alb_err *err)
{
    struct alb_sqlb b;
    size_t n, i = 0;
    struct alb_q q;
    enum alb_code code;

    memset(out, 0, sizeof(*out));
    code = count_rows(s, t, month, &n, err);
    if (code != ALB_OK)
        return code;
    if (n > COLUMNS_MAX)
        return alb_fail(err, ALB_E_TOO_LARGE, "%zu assets in one month", n);
    if (!alloc_columns(out, n, a)) {
        memset(out, 0, sizeof(*out));
        return alb_fail(err, alb_arena_code(a), "no room for %zu assets", n);
    }
    alb_sqlb_init(&b);
    build_rows(&b, t, month);
    alb_sqlb_open(&b, &q, s);
    while (i < n && alb_q_row(&q))
        read_columns(&q, a, out, i++);
    code = alb_q_end(&q, err);
    alb_sqlb_fini(&b);
    if (code != ALB_OK)
        memset(out, 0, sizeof(*out));
    else
        out->count = i;
    return code;
}

/* ---- statistics ---- */

enum alb_code alb_catalog_statistics(struct alb_snap *s, int64_t owner, uint32_t visibility, bool trashed,
                                     int favorites, struct alb_statistics *out, struct alb_err *err)
{
    struct alb_sqlb b;
    struct alb_q q;
    enum alb_code code;

    memset(out, 0, sizeof(*out));
    alb_sqlb_init(&b);
    if (favorites < 0) {
        alb_sqlb_add(
            &b, "SELECT sum(images), sum(videos), sum(assets) FROM count_month WHERE owner_id = ?%d AND ",
            alb_sqlb_int(&b, owner));
        add_visibility(&b, "visibility", visibility);
        alb_sqlb_add(&b, " AND trashed = %d", trashed);
    } else {
        alb_sqlb_add(
            &b, "SELECT sum(a.kind = 0), sum(a.kind = 1), count(*) FROM asset a WHERE a.owner_id = ?%d AND ",
            alb_sqlb_int(&b, owner));
        add_visibility(&b, "a.visibility", visibility);
        alb_sqlb_add(&b,
                     " AND a.trashed = %d AND %s EXISTS (SELECT 1 FROM favorite f WHERE f.account_id = ?1"
                     " AND f.asset_id = a.id)",
                     trashed, favorites ? "" : "NOT");
    }
    alb_sqlb_open(&b, &q, s);
    if (alb_q_first(&q)) {
        out->images = alb_q_int(&q, 0);
        out->videos = alb_q_int(&q, 1);
        out->total = alb_q_int(&q, 2);
    }
    code = alb_q_end(&q, err);
    alb_sqlb_fini(&b);
    return code;
}
