/* SPDX-License-Identifier: Apache-2.0
 *
 * alb_catalog_check: is the file sound, do references hold, and is everything derived what its rows say?
 *
 * Reading happens in one snapshot per question (the writer goes on; what changes meanwhile is seen by a later
 * check). Putting right happens in units of at most one slice: what is counted in repair.c, assets are merged
 * again from their layers here.
 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/pool.h"
#include "catalog/sqlite/counted.h"
#include "catalog/sqlite/derive.h"

struct report {
    alb_catalog_report_fn *fn;
    void *ctx;
    uint64_t problems;
};

static void tell(struct report *r, const char *what, const char *text)
{
    r->problems++;
    if (r->fn != NULL)
        r->fn(r->ctx, what, text);
}

/* Every row of the query is a problem; column 0 tells it. A snapshot of its own: slow by nature, and nobody's
 * request waits for it, but the WAL cannot begin anew while it lasts. */
static enum alb_code rows_are_problems(struct alb_catalog *cat, struct report *r, const char *what,
                                       const char *sql, struct alb_err *err)
{
    struct alb_snap *s;
    struct alb_q q;
    enum alb_code code = alb_catalog_read(cat, &s, err);

    if (code != ALB_OK)
        return code;
    s->conn->deadline_ns = ALB_NEVER;
    alb_q_open(&q, s, sql);
    while (alb_q_row(&q)) {
        char text[256];
        struct alb_str v = alb_q_text(&q, 0);

        snprintf(text, sizeof(text), ALB_STR_FMT, ALB_STR_ARG(v));
        tell(r, what, text);
    }
    code = alb_q_end(&q, err);
    alb_catalog_read_end(&s);
    return code;
}

static enum alb_code check_file(struct alb_catalog *cat, struct report *r, struct alb_err *err)
{
    enum alb_code code = rows_are_problems(
        cat, r, "integrity",
        "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'", err);

    if (code == ALB_OK)
        code =
            rows_are_problems(cat, r, "reference",
                              "SELECT \"table\" || ' row ' || coalesce(rowid, '?') || ' refers to a missing '"
                              " || parent FROM pragma_foreign_key_check",
                              err);
    return code;
}

/* Kept and counted side by side; a row that only one side has shows up, too. */
#define DIFFER(kept, counted)                                                                                \
    "WITH k AS (" kept "), c AS (" counted                                                                   \
    ") SELECT 'kept ' || r FROM (SELECT * FROM k EXCEPT SELECT * FROM c)"                                    \
    " UNION ALL SELECT 'counted ' || r FROM (SELECT * FROM c EXCEPT SELECT * FROM k)"

static enum alb_code check_counters(struct alb_catalog *cat, struct report *r, struct alb_err *err)
{
    static const struct {
        const char *what, *sql;
    } questions[] = {
        {"month counter", DIFFER("SELECT owner_id || '/' || visibility || '/' || trashed || '/' || month || "
                                 "': ' || assets || ' ' ||"
                                 " images || ' ' || videos || ' ' || behind AS r FROM count_month",
                                 "SELECT owner_id || '/' || visibility || '/' || trashed || '/' || month || "
                                 "': ' || assets || ' ' ||"
                                 " images || ' ' || videos || ' ' || behind AS r FROM (" COUNTED_MONTHS ")")},
        {"owner counter",
         DIFFER("SELECT owner_id || ': ' || assets || ' ' || bytes AS r FROM count_owner WHERE assets <> 0"
                " OR bytes <> 0",
                "SELECT owner_id || ': ' || assets || ' ' || bytes AS r FROM (" COUNTED_OWNERS ")")},
        {"album counter",
         DIFFER("SELECT album_id || '/' || level || ': ' || photos || ' ' || newest_at AS r FROM count_album",
                "SELECT album_id || '/' || level || ': ' || photos || ' ' || newest_at AS r FROM "
                "(" COUNTED_ALBUMS ")")},
        {"job counter",
         DIFFER("SELECT kind || ': ' || waiting || ' ' || leased || ' ' || failed AS r FROM job_kind"
                " WHERE waiting <> 0 OR leased <> 0 OR failed <> 0",
                "SELECT kind || ': ' || waiting || ' ' || leased || ' ' || failed AS r FROM (" COUNTED_JOBS
                ")")},
        {"album link",
         "SELECT l.album_id || ' ' || l.asset_id FROM album_asset l JOIN asset a ON a.id = l.asset_id"
         " WHERE l.asset_created_at <> a.created_at OR l.shown_level IS NOT " COUNTED_SHOWN},
        {"gallery",
         "SELECT 'asset ' || l.asset_id || ' is in gallery album ' || l.album_id || ' but not in the gallery'"
         " FROM album_asset l JOIN album b ON b.id = l.album_id JOIN asset a ON a.id = l.asset_id"
         " WHERE b.kind = 0 AND a.gallery = 0"},
        {"album path", COUNTED_PATHS
         " SELECT 'album ' || album_id || ' ancestor ' || ancestor_id FROM"
         " (SELECT * FROM up EXCEPT SELECT album_id, ancestor_id, depth FROM album_path"
         "  UNION ALL SELECT * FROM (SELECT album_id, ancestor_id, depth FROM album_path EXCEPT SELECT * "
         "FROM up))"},
        {"album path", "SELECT 'album ' || b.id || ' says ' || b.path FROM album b WHERE b.path IS "
                       "NOT " COUNTED_PATH_TEXT},
        {"stack", "SELECT 'asset ' || id FROM asset WHERE behind = 1 AND stack_id IS NULL"
                  " UNION ALL SELECT 'stack ' || s.id FROM stack s WHERE (SELECT count(*) FROM asset a WHERE "
                  "a.stack_id = s.id"
                  "  AND a.behind = 0 AND a.id = s.primary_id) <> 1 OR (SELECT count(*) FROM asset a WHERE "
                  "a.stack_id = s.id)"
                  "  < 2"},
        {"dying blob", "SELECT 'blob ' || id || ' is dying but referred to' FROM blob WHERE state = 1 AND"
                       " (EXISTS (SELECT 1 FROM asset a WHERE a.blob_id = blob.id)"
                       " OR EXISTS (SELECT 1 FROM asset_file f WHERE f.blob_id = blob.id))"},
    };
    enum alb_code code = ALB_OK;

    for (size_t i = 0; code == ALB_OK && i < ALB_ARRAY_LEN(questions); i++)
        code = rows_are_problems(cat, r, questions[i].what, questions[i].sql, err);
    return code;
}

/* ---- effective values: merged again, a slice at a time, in a savepoint of the writer that is undone ---- */

struct remerge {
    struct alb_obj obj;
    int64_t after;
    bool repair;
    /* owned by the writer while the unit runs, then by the checking thread */
    int64_t next; /* last id looked at, 0 = no more */
    size_t bad_count;
    int64_t bad[256];
};

static void remerge_free(struct alb_obj *obj)
{
    alb_mem_free(ALB_CONTAINER_OF(obj, struct remerge, obj));
}

static struct remerge *remerge_new(int64_t after, bool repair)
{
    struct remerge *r = alb_mem_calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    alb_obj_init(&r->obj, remerge_free);
    r->after = after;
    r->repair = repair;
    return r;
}

static enum alb_code next_asset(struct alb_snap *s, int64_t after, int64_t *id, struct alb_err *err)
{
    struct alb_q q;

    *id = 0;
    alb_q_open(&q, s, "SELECT id FROM asset WHERE id > ? ORDER BY id LIMIT 1");
    alb_q_i64(&q, after);
    if (alb_q_first(&q))
        *id = alb_q_int(&q, 0);
    return alb_q_end(&q, err);
}

/* Without repair the change is made and undone: the one merge function says what would be right. */
static enum alb_code remerge_one(struct alb_tx *tx, int64_t id, bool repair, bool *differs,
                                 struct alb_err *err)
{
    int64_t last_change = tx->last_change;
    enum alb_code code = alb_dbconn_exec(tx->snap.conn, "SAVEPOINT remerge", err);

    if (code == ALB_OK)
        code = alb_catalog_asset_remerge(tx, id, differs, err);
    if (code == ALB_OK && !repair) {
        code = alb_dbconn_exec(tx->snap.conn, "ROLLBACK TO remerge", err);
        tx->last_change = last_change; /* that seq does not exist after all */
    }
    return code == ALB_OK ? alb_dbconn_exec(tx->snap.conn, "RELEASE remerge", err) : code;
}

static enum alb_code remerge_unit(struct alb_tx *tx, struct alb_obj *args, struct alb_obj **result,
                                  struct alb_err *err)
{
    const struct remerge *in = ALB_CONTAINER_OF(args, struct remerge, obj);
    struct remerge *r = remerge_new(in->after, in->repair);
    enum alb_code code = ALB_OK;

    if (r == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to check assets");
    r->next = in->after;
    while (code == ALB_OK && !alb_tx_slice_over(tx) && r->bad_count < ALB_ARRAY_LEN(r->bad)) {
        bool differs = false;
        int64_t id;

        code = next_asset(&tx->snap, r->next, &id, err);
        if (code != ALB_OK || id == 0) {
            r->next = 0;
            break;
        }
        code = remerge_one(tx, id, r->repair, &differs, err);
        if (differs)
            r->bad[r->bad_count++] = id;
        r->next = id;
    }
    if (code != ALB_OK) {
        alb_obj_unref(&r->obj);
        return code;
    }
    *result = &r->obj;
    return ALB_OK;
}

static enum alb_code check_effective(struct alb_catalog *cat, bool repair, struct report *r,
                                     struct alb_err *err)
{
    int64_t after = 0;

    for (;;) {
        struct remerge *args = remerge_new(after, repair);
        struct alb_catalog_unit unit = {.name = "check-effective", .run = remerge_unit};
        struct alb_obj *result;
        struct remerge *found;
        enum alb_code code;

        if (args == NULL)
            return alb_fail(err, ALB_E_NO_MEMORY, "no memory to check assets");
        unit.args = &args->obj;
        code = alb_catalog_write_now(cat, &unit, &result, err);
        if (code != ALB_OK)
            return code;
        found = ALB_CONTAINER_OF(result, struct remerge, obj);
        for (size_t i = 0; i < found->bad_count; i++) {
            char text[64];

            snprintf(text, sizeof(text), "asset %lld", (long long)found->bad[i]);
            tell(r, "effective values", text);
        }
        after = found->next;
        alb_obj_unref(result);
        if (after == 0)
            return ALB_OK;
    }
}

enum alb_code alb_catalog_check(struct alb_catalog *cat, bool repair, alb_catalog_report_fn *report,
                                void *ctx, uint64_t *problems, struct alb_err *err)
{
    struct report r = {.fn = report, .ctx = ctx};
    uint64_t before;
    enum alb_code code;

    ALB_CHECK(alb_thread_may_block());
    *problems = 0;
    code = check_file(cat, &r, err);
    before = r.problems;
    if (code == ALB_OK)
        code = check_counters(cat, &r, err);
    if (code == ALB_OK && repair && r.problems > before)
        code = alb_catalog_repair(cat, err);
    if (code == ALB_OK)
        code = check_effective(cat, repair, &r, err);
    *problems = r.problems;
    return code;
}
