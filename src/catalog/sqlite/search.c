/* SPDX-License-Identifier: Apache-2.0
 *
 * Search by metadata (contract: catalog/search.h).
 *
 * Shape of the query: one branch per (visibility, trashed) that is asked for. Within a branch the index
 * asset_timeline delivers rows in the order of the answer, so each branch stops after one page; the outer
 * query merges at most eight such pages and only then reads the wide rows.
 *
 * Parts of words are found by walking: over the index asset_find (`f`), which has all text in the order of
 * the answer, and only rows whose text fits are looked up for the other conditions (`a`).
 */
#include "catalog/search.h"

#include <string.h>

#include "catalog/sqlite/asset_row.h"
#include "catalog/sqlite/rights_sql.h"
#include "catalog/sqlite/sqlb.h"

struct search {
    const struct alb_viewer *v;
    const struct alb_search *q;
    const struct alb_search_album *albums;
    size_t album_count;
    const int64_t *tags;
    size_t tag_count, page;
    struct alb_buf name, description, text; /* folded */
    int p_name, p_description, p_text;
    const char *at; /* where scope, order and texts are looked at: "f" when own assets are searched by text */
};

static void add_range(struct alb_sqlb *b, const char *column, int64_t after, int64_t before)
{
    if (after != ALB_TIME_UNSET)
        alb_sqlb_add(b, " AND %s >= ?%d", column, alb_sqlb_int(b, after));
    if (before != ALB_TIME_UNSET)
        alb_sqlb_add(b, " AND %s < ?%d", column, alb_sqlb_int(b, before));
}

static void add_times(struct alb_sqlb *b, const struct alb_search *q)
{
    add_range(b, "coalesce(a.taken_utc, a.sort_local)", q->taken_after, q->taken_before);
    add_range(b, "a.created_at", q->created_after, q->created_before);
    add_range(b, "a.updated_at", q->updated_after, q->updated_before);
    add_range(b, "a.trashed_at", q->trashed_after, q->trashed_before);
}

static void add_fact(struct alb_sqlb *b, const char *column, struct alb_str value)
{
    if (value.p != NULL)
        alb_sqlb_add(b,
                     " AND EXISTS (SELECT 1 FROM asset_media m WHERE m.asset_id = a.id"
                     " AND m.%s = ?%d COLLATE NOCASE)",
                     column, alb_sqlb_str(b, value));
}

static void add_facts(struct alb_sqlb *b, const struct alb_search *q)
{
    add_fact(b, "make", q->make);
    add_fact(b, "model", q->model);
    add_fact(b, "lens", q->lens);
    add_fact(b, "city", q->city);
    add_fact(b, "state", q->state);
    add_fact(b, "country", q->country);
}

static void add_texts(struct alb_sqlb *b, const struct search *x)
{
    const char *at = x->at;

    if (x->name.n > 0)
        alb_sqlb_add(b, " AND instr(%s.name_key, ?%d) > 0", at, x->p_name);
    if (x->description.n > 0)
        alb_sqlb_add(b, " AND instr(%s.description_key, ?%d) > 0", at, x->p_description);
    if (x->text.n > 0)
        alb_sqlb_add(b,
                     " AND (instr(%s.name_key, ?%d) > 0 OR instr(coalesce(%s.title_key, ''), ?%d) > 0"
                     " OR instr(coalesce(%s.description_key, ''), ?%d) > 0)",
                     at, x->p_text, at, x->p_text, at, x->p_text);
}

static void add_flags(struct alb_sqlb *b, const struct alb_search *q)
{
    if (q->favorite >= 0)
        alb_sqlb_add(
            b, " AND %s EXISTS (SELECT 1 FROM favorite f WHERE f.account_id = ?1 AND f.asset_id = a.id)",
            q->favorite ? "" : "NOT");
    if (q->kind >= 0)
        alb_sqlb_add(b, " AND a.kind = %d", q->kind);
    if (q->in_album >= 0)
        alb_sqlb_add(b, " AND %s EXISTS (SELECT 1 FROM album_asset i WHERE i.asset_id = a.id)",
                     q->in_album ? "" : "NOT");
    if (q->rating != ALB_RATING_ANY)
        alb_sqlb_add(b, " AND a.rating = ?%d", alb_sqlb_int(b, q->rating));
    if (q->min_rating != ALB_RATING_ANY)
        alb_sqlb_add(b, " AND a.rating >= ?%d", alb_sqlb_int(b, q->min_rating));
    if (q->has_live >= 0)
        alb_sqlb_add(b, " AND a.live_id IS %s NULL", q->has_live ? "NOT" : "");
    if (q->damaged >= 0)
        alb_sqlb_add(b, " AND a.damaged = %d", q->damaged != 0);
    if (q->with_stacked)
        alb_sqlb_add(b, " AND a.behind = 0");
}

static void add_sets(struct alb_sqlb *b, const struct search *x)
{
    const struct alb_search *q = x->q;

    for (size_t i = 0; i < x->tag_count; i++)
        alb_sqlb_add(b, " AND EXISTS (SELECT 1 FROM asset_tag g WHERE g.tag_id = ?%d AND g.asset_id = a.id)",
                     alb_sqlb_int(b, x->tags[i]));
    for (size_t i = 0; i < q->id_count; i++)
        alb_sqlb_add(b, "%s?%d%s", i == 0 ? " AND a.uuid IN (" : ", ", alb_sqlb_bytes(b, q->ids[i].b, 16),
                     i + 1 == q->id_count ? ")" : "");
    if (q->has_sha1)
        alb_sqlb_add(b, " AND a.sha1 = ?%d", alb_sqlb_bytes(b, q->sha1, ALB_SHA1_LEN));
    if (q->device_id.p != NULL)
        alb_sqlb_add(b, " AND a.device_id = ?%d", alb_sqlb_str(b, q->device_id));
    if (q->device_asset_id.p != NULL)
        alb_sqlb_add(b, " AND a.device_asset_id = ?%d", alb_sqlb_str(b, q->device_asset_id));
}

/* Own assets, or what the albums hold: for others' assets only what the album shows to the viewer. */
static void add_scope(struct alb_sqlb *b, const struct search *x)
{
    if (x->q->album_count == 0) {
        alb_sqlb_add(b, "%s.owner_id = ?1", x->at);
        return;
    }
    alb_sqlb_add(b,
                 "a.id IN (SELECT l.asset_id FROM album_asset l JOIN asset la ON la.id = l.asset_id WHERE 0");
    for (size_t i = 0; i < x->album_count; i++) {
        int id = alb_sqlb_int(b, x->albums[i].id);

        if (x->albums[i].kind == ALB_ALBUM_GALLERY)
            alb_sqlb_add(b, " OR (l.album_id = ?%d AND (l.shown_level <= ?2 OR la.owner_id = ?1))", id);
        else
            alb_sqlb_add(b, " OR (l.album_id = ?%d AND (l.shown_level IS NOT NULL OR la.owner_id = ?1))", id);
    }
    alb_sqlb_add(b, ")");
}

/* Everything that does not depend on the branch, once: its text is repeated, its parameters are not. */
static void build_filter(struct alb_sqlb *b, struct search *x)
{
    const struct alb_search *q = x->q;

    x->at = x->album_count == 0 && x->q->album_count == 0 && x->name.n + x->description.n + x->text.n > 0
                ? "f"
                : "a";
    alb_sqlb_int(b, x->v->user_id);
    alb_sqlb_int(b, x->v->level);
    x->p_name = alb_sqlb_str(b, alb_buf_view(&x->name));
    x->p_description = alb_sqlb_str(b, alb_buf_view(&x->description));
    x->p_text = alb_sqlb_str(b, alb_buf_view(&x->text));
    add_scope(b, x);
    add_texts(b, x);
    add_times(b, q);
    add_facts(b, q);
    add_flags(b, q);
    add_sets(b, x);
    if (q->after.id != 0)
        alb_sqlb_add(b, " AND (%s.sort_local, %s.id) %s (?%d, ?%d)", x->at, x->at, q->ascending ? ">" : "<",
                     alb_sqlb_int(b, q->after.sort_local), alb_sqlb_int(b, q->after.id));
}

static void add_branch(struct alb_sqlb *b, const struct search *x, struct alb_str filter, int visibility,
                       bool trashed)
{
    const char *way = x->q->ascending ? "ASC" : "DESC", *at = x->at;

    alb_sqlb_add(b, "SELECT * FROM (SELECT %s.id AS id, %s.sort_local AS s FROM asset %s", at, at, at);
    alb_sqlb_add(b, "%s WHERE ", *at == 'f' ? " CROSS JOIN asset a ON a.id = f.id" : "");
    alb_buf_str(&b->sql, filter);
    alb_sqlb_add(b, " AND %s.visibility = %d AND %s.trashed = %d", at, visibility, at, trashed);
    if (visibility == ALB_VIS_HIDDEN && !x->v->elevated)
        alb_sqlb_add(b, " AND NOT " ALB_SQL_STILL_LOCKED("a"));
    alb_sqlb_add(b, " ORDER BY %s.sort_local %s, %s.id %s LIMIT %zu)", at, way, at, way,
                 x->page + x->q->skip + 1);
}

static uint32_t visibility_mask(const struct search *x)
{
    uint32_t mask = x->q->visibility;

    if (mask == 0)
        mask = ALB_VIS_BIT(ALB_VIS_TIMELINE) | ALB_VIS_BIT(ALB_VIS_ARCHIVE);
    return x->v->elevated ? mask : mask & ~ALB_VIS_BIT(ALB_VIS_LOCKED);
}

static void add_branches(struct alb_sqlb *b, const struct search *x, struct alb_str filter)
{
    const struct alb_search *q = x->q;
    bool only = q->only_trashed || q->trashed_after != ALB_TIME_UNSET || q->trashed_before != ALB_TIME_UNSET;
    uint32_t mask = visibility_mask(x);
    const char *join = "";

    for (int v = 0; v < ALB_VIS_COUNT; v++)
        for (int trashed = 0; trashed < 2; trashed++) {
            if (!(mask & ALB_VIS_BIT(v)) || (trashed && !only && !q->with_trashed) || (!trashed && only))
                continue;
            alb_sqlb_add(b, "%s", join);
            add_branch(b, x, filter, v, trashed != 0);
            join = " UNION ALL ";
        }
    if (*join == '\0')
        alb_sqlb_add(b, "SELECT 0 AS id, 0 AS s WHERE 0");
}

static void build(struct alb_sqlb *b, struct search *x)
{
    const char *way = x->q->ascending ? "ASC" : "DESC";
    struct alb_buf filter;

    build_filter(b, x);
    filter = b->sql;
    alb_buf_init(&b->sql, ALB_SQLB_TEXT);
    if (alb_buf_code(&filter) != ALB_OK)
        b->code = alb_buf_code(&filter);
    alb_buf_c(&b->sql, "SELECT " ALB_ASSET_COLUMNS " FROM (SELECT id, s FROM (");
    add_branches(b, x, alb_buf_view(&filter));
    alb_sqlb_add(b, ") ORDER BY s %s, id %s LIMIT %zu OFFSET %zu) h JOIN asset a ON a.id = h.id ", way, way,
                 x->page + 1, x->q->skip);
    alb_buf_c(&b->sql, ALB_ASSET_JOINS);
    alb_sqlb_add(b, " ORDER BY h.s %s, h.id %s", way, way);
    alb_buf_fini(&filter);
}

static enum alb_code fill_tags(struct alb_snap *s, const struct alb_viewer *v, struct alb_arena *a,
                               struct alb_found *out, struct alb_err *err)
{
    enum alb_code code = ALB_OK;

    for (size_t i = 0; code == ALB_OK && i < out->count; i++)
        code = alb_catalog_asset_tags(s, out->assets[i].id, v->all || out->assets[i].owner_id == v->user_id,
                                      a, &out->assets[i].tags, &out->assets[i].tag_count, err);
    return code;
}

static enum alb_code run(struct alb_snap *s, struct search *x, struct alb_arena *a, struct alb_found *out,
                         struct alb_err *err)
{
    struct alb_sqlb b;
    size_t n = 0;
    struct alb_q q;
    enum alb_code code;

    alb_sqlb_init(&b);
    build(&b, x);
    alb_sqlb_open(&b, &q, s);
    while (alb_q_row(&q)) {
        if (n == x->page) {
            out->more = true;
            break;
        }
        alb_asset_row_read(&q, a, &out->assets[n++]);
    }
    code = alb_q_end(&q, err);
    alb_sqlb_fini(&b);
    if (code != ALB_OK)
        return code;
    out->count = n;
    if (n > 0)
        out->next = (struct alb_search_key){out->assets[n - 1].sort_local, out->assets[n - 1].id};
    return x->q->with_tags ? fill_tags(s, x->v, a, out, err) : ALB_OK;
}

static enum alb_code fold_one(struct alb_str text, struct alb_buf *out, struct alb_err *err)
{
    alb_fold(text, out);
    if (alb_buf_code(out) == ALB_E_TOO_LARGE)
        return alb_fail(err, ALB_E_INVALID, "a text of the search is too long");
    return alb_buf_code(out) == ALB_OK ? ALB_OK : alb_fail(err, alb_buf_code(out), "no memory to search");
}

static enum alb_code fold_all(struct search *x, struct alb_err *err)
{
    enum alb_code code = fold_one(x->q->name, &x->name, err);

    if (code == ALB_OK)
        code = fold_one(x->q->description, &x->description, err);
    return code == ALB_OK ? fold_one(x->q->text, &x->text, err) : code;
}

enum alb_code alb_catalog_search(struct alb_snap *s, const struct alb_viewer *v, const struct alb_search *q,
                                 const struct alb_search_album *albums, size_t album_count,
                                 const int64_t *tags, size_t tag_count, struct alb_arena *a,
                                 struct alb_found *out, struct alb_err *err)
{
    struct search x = {.v = v,
                       .q = q,
                       .albums = albums,
                       .album_count = album_count,
                       .tags = tags,
                       .tag_count = tag_count,
                       .page = q->limit > 0 ? q->limit : 250,
                       .name = ALB_BUF_INIT(16384),
                       .description = ALB_BUF_INIT(16384),
                       .text = ALB_BUF_INIT(16384)};
    enum alb_code code;

    memset(out, 0, sizeof(*out));
    if (x.page > ALB_SEARCH_PAGE_MAX || album_count > ALB_SEARCH_LIST_MAX ||
        tag_count > ALB_SEARCH_LIST_MAX || q->id_count > ALB_SEARCH_LIST_MAX || q->skip > INT32_MAX)
        return alb_fail(err, ALB_E_INVALID, "the search is larger than the limit");
    out->assets = alb_arena_calloc(a, x.page, sizeof(*out->assets));
    if (out->assets == NULL)
        code = alb_fail(err, alb_arena_code(a), "no room for %zu assets", x.page);
    else
        code = fold_all(&x, err);
    if (code == ALB_OK)
        code = run(s, &x, a, out, err);
    alb_buf_fini(&x.name);
    alb_buf_fini(&x.description);
    alb_buf_fini(&x.text);
    if (code != ALB_OK)
        memset(out, 0, sizeof(*out));
    return code;
}

#define SUGGEST_MAX 1000
#define SUGGEST(column)                                                                                      \
    "SELECT DISTINCT m." column " FROM asset a JOIN asset_media m ON m.asset_id = a.id WHERE a.owner_id = ?" \
    " AND a.trashed = 0 AND a.visibility <> 3 AND m." column " IS NOT NULL ORDER BY 1 LIMIT 1000"

static const char *suggest_query(enum alb_suggest what)
{
    switch (what) {
    case ALB_SUGGEST_MODEL:
        return SUGGEST("model");
    case ALB_SUGGEST_LENS:
        return SUGGEST("lens");
    case ALB_SUGGEST_CITY:
        return SUGGEST("city");
    case ALB_SUGGEST_STATE:
        return SUGGEST("state");
    case ALB_SUGGEST_COUNTRY:
        return SUGGEST("country");
    case ALB_SUGGEST_MAKE:
    default:
        return SUGGEST("make");
    }
}

enum alb_code alb_catalog_suggest(struct alb_snap *s, int64_t owner, enum alb_suggest what,
                                  struct alb_arena *a, struct alb_str **list, size_t *count,
                                  struct alb_err *err)
{
    size_t n = 0;
    struct alb_q q;
    enum alb_code code;

    *count = 0;
    *list = alb_arena_calloc(a, SUGGEST_MAX, sizeof(**list));
    if (*list == NULL)
        return alb_fail(err, alb_arena_code(a), "no room for suggestions");
    alb_q_open(&q, s, suggest_query(what));
    alb_q_i64(&q, owner);
    while (n < SUGGEST_MAX && alb_q_row(&q))
        (*list)[n++] = alb_q_keep(&q, 0, a);
    code = alb_q_end(&q, err);
    *count = code == ALB_OK ? n : 0;
    return code;
}
