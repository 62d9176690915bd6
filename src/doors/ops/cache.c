/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /cache/stats: the caches of pictures in numbers (its JSON: ops.h).
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "doors/ops/priv.h"
#include "render/books.h"

#define STATS_MAX ((size_t)512 << 10)
#define TOP 20
#define ROWS ((size_t)ALB_RENDER_DOORS * ALB_FORMAT_COUNT)

struct row {
    enum alb_render_door door;
    enum alb_format format;
    struct alb_render_count c;
    uint64_t hits, asked;
};

static void ku64(struct alb_json *j, const char *key, uint64_t v)
{
    alb_json_key(j, key);
    alb_json_u64(j, v);
}

static const char *format_name(enum alb_format f)
{
    return f == ALB_FORMAT_SAME ? "unknown" : alb_format_name(f);
}

/* ---- what was asked for ---- */

static int by_asked(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    return x->asked < y->asked ? 1 : x->asked > y->asked ? -1 : 0;
}

/* All that anything is known of. */
static size_t gather(struct alb_render *render, struct row rows[ROWS])
{
    size_t n = 0;
    for (unsigned d = 0; d < ALB_RENDER_DOORS; d++)
        for (unsigned f = 0; f < ALB_FORMAT_COUNT; f++) {
            struct row r = {.door = (enum alb_render_door)d, .format = (enum alb_format)f};
            r.c = alb_render_count(render, r.door, r.format);
            r.hits = alb_render_count_hits(&r.c);
            r.asked = r.hits + r.c.made;
            if (r.asked > 0 || r.c.files > 0)
                rows[n++] = r;
        }
    qsort(rows, n, sizeof(*rows), by_asked);
    return n;
}

/* Of people: what jobs make beforehand was not asked for by anybody. Memory and disk as render saw it: doors do not
 * know of all answers where they were. */
static void write_asked(struct alb_json *j, const struct alb_render_view *view, const struct row *rows,
                        size_t n)
{
    struct alb_render_count sum = {0};
    uint64_t hits = 0, asked = 0;
    for (size_t i = 0; i < n; i++) {
        sum.made += rows[i].c.made;
        sum.unchanged += rows[i].c.unchanged;
        if (rows[i].door == ALB_RENDER_DOOR_JOBS)
            continue;
        hits += rows[i].hits;
        asked += rows[i].asked;
    }
    alb_json_key(j, "asked");
    alb_json_object(j);
    ku64(j, "memory", view->hot_hits);
    ku64(j, "disk", view->disk_hits);
    ku64(j, "joined", view->joined);
    ku64(j, "made", sum.made);
    ku64(j, "failed", view->failed);
    ku64(j, "unchanged", sum.unchanged);
    alb_json_key(j, "hitRate");
    if (asked > 0)
        alb_json_double(j, (double)hits / (double)asked);
    else
        alb_json_null(j);
    alb_json_end(j);
}

static void write_doors(struct alb_json *j, const struct row *rows, size_t n)
{
    alb_json_key(j, "doors");
    alb_json_array(j);
    for (size_t i = 0; i < n; i++) {
        const struct row *r = &rows[i];
        alb_json_object(j);
        alb_json_kc(j, "door", alb_render_door_name(r->door));
        alb_json_kc(j, "format", format_name(r->format));
        ku64(j, "hits", r->hits);
        ku64(j, "misses", r->c.made);
        ku64(j, "bytes", r->c.bytes);
        ku64(j, "answers", r->c.answers);
        ku64(j, "memory", r->c.memory);
        ku64(j, "disk", r->c.disk);
        ku64(j, "unchanged", r->c.unchanged);
        alb_json_ki64(j, "files", r->c.files);
        alb_json_ki64(j, "fileBytes", r->c.kept_bytes);
        alb_json_end(j);
    }
    alb_json_end(j);
}

static void write_top(struct alb_json *j, const char *name, struct alb_render *render, enum alb_render_top by)
{
    struct alb_render_source top[TOP];
    size_t n = alb_render_top(render, by, top, TOP);
    alb_json_key(j, name);
    alb_json_array(j);
    for (size_t i = 0; i < n; i++) {
        uint64_t made = top[i].made < top[i].answers ? top[i].made : top[i].answers;
        alb_json_object(j);
        alb_json_kc(j, "source", top[i].name);
        ku64(j, "hits", top[i].answers - made);
        ku64(j, "misses", made);
        ku64(j, "bytes", top[i].bytes);
        ku64(j, "over", top[i].over);
        alb_json_end(j);
    }
    alb_json_end(j);
}

/* ---- what is kept ---- */

static void write_cache(struct alb_json *j, const char *name, const struct alb_render_cache *c)
{
    alb_json_key(j, name);
    if (!c->folder) {
        alb_json_null(j);
        return;
    }
    alb_json_object(j);
    alb_json_kc(j, "folder", c->folder);
    alb_json_kbool(j, "complete", c->complete);
    alb_json_ki64(j, "files", c->files);
    alb_json_ki64(j, "bytes", c->bytes);
    alb_json_ki64(j, "limitBytes", c->limit);
    ku64(j, "hits", c->hits);
    ku64(j, "misses", c->misses);
    ku64(j, "stored", c->stored);
    ku64(j, "refused", c->refused);
    ku64(j, "evicted", c->evicted);
    ku64(j, "expired", c->expired);
    ku64(j, "corrupt", c->corrupt);
    alb_json_ki64(j, "indexBytes", c->index_bytes);
    alb_json_end(j);
}

struct kept {
    enum alb_format format;
    int64_t files, bytes;
};

static int by_bytes(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;
    return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : 0;
}

static void write_formats(struct alb_json *j, const struct row *rows, size_t n)
{
    struct kept kept[ALB_FORMAT_COUNT] = {{.files = 0}};
    for (size_t i = 0; i < n; i++) {
        kept[rows[i].format].files += rows[i].c.files;
        kept[rows[i].format].bytes += rows[i].c.kept_bytes;
    }
    for (unsigned f = 0; f < ALB_FORMAT_COUNT; f++)
        kept[f].format = (enum alb_format)f;
    qsort(kept, ALB_ARRAY_LEN(kept), sizeof(*kept), by_bytes);
    alb_json_key(j, "formats");
    alb_json_array(j);
    for (size_t i = 0; i < ALB_ARRAY_LEN(kept) && kept[i].files > 0; i++) {
        alb_json_object(j);
        alb_json_kc(j, "format", format_name(kept[i].format));
        alb_json_ki64(j, "files", kept[i].files);
        alb_json_ki64(j, "bytes", kept[i].bytes);
        alb_json_end(j);
    }
    alb_json_end(j);
}

static void write_scrub(struct alb_json *j, const struct alb_door_ops *d)
{
    struct alb_render_scrub s = {0};
    if (d->scrub)
        s = d->scrub(d->scrub_ctx);
    alb_json_key(j, "scrub");
    alb_json_object(j);
    ku64(j, "rounds", s.rounds);
    alb_json_ki64(j, "files", s.files);
    alb_json_ki64(j, "bytes", s.bytes);
    alb_json_ki64(j, "corrupt", s.corrupt);
    alb_json_end(j);
}

enum alb_step alb_ops_cache_stats(struct alb_req *req)
{
    const struct alb_door_ops *d = alb_req_ctx(req);
    const struct alb_render_view view = alb_render_look(d->render);
    const struct alb_render_cache results = alb_render_results(d->render),
                                  copies = alb_render_copies(d->origins);
    struct alb_buf out = ALB_BUF_INIT(STATS_MAX);
    struct alb_json j;
    struct row rows[ROWS];
    size_t n = gather(d->render, rows);
    alb_json_init(&j, &out);
    alb_json_object(&j);
    alb_json_ki64(&j, "startedMs", view.started_ms);
    alb_json_ki64(&j, "nowMs", alb_wall(d->clock));
    write_asked(&j, &view, rows, n);
    alb_json_key(&j, "memory");
    alb_json_object(&j);
    ku64(&j, "bytes", view.hot_bytes);
    ku64(&j, "limitBytes", view.hot_limit);
    alb_json_end(&j);
    write_cache(&j, "results", &results);
    write_cache(&j, "sources", &copies);
    write_formats(&j, rows, n);
    write_doors(&j, rows, n);
    write_top(&j, "top", d->render, ALB_RENDER_TOP_ANSWERS);
    write_top(&j, "topBytes", d->render, ALB_RENDER_TOP_BYTES);
    write_scrub(&j, d);
    alb_json_end(&j);
    alb_buf_char(&out, '\n');
    alb_res_type(req, "application/json");
    alb_res_header_c(req, "Cache-Control", "no-store");
    alb_res_buf(req, &out);
    alb_buf_fini(&out);
    return ALB_STEP_DONE;
}
