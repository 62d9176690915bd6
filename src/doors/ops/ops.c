/* SPDX-License-Identifier: Apache-2.0 */
#include "doors/ops/ops.h"

#include <string.h>

#include "base/json.h"
#include "base/stat.h"
#include "doors/ops/priv.h"
#include "jobs/jobs.h"
#include "render/books.h"
#include "upload/upload.h"

#define METRICS_MAX ((size_t)1 << 20)

/* What must make progress: how long the oldest of it has been waiting. */
struct waits {
    const char *what;
    int64_t ns;
};

static size_t look(const struct alb_door_ops *d, struct waits *w)
{
    struct alb_render_view render = alb_render_look(d->render);
    size_t n = 0;
    w[n++] = (struct waits){"render", render.oldest_ns};
    w[n++] = (struct waits){"catalog", alb_library_look(d->auth.library).oldest_queued_ns};
    w[n++] = (struct waits){"io pool", alb_pool_look(d->pool).oldest_wait_ns};
    w[n++] = (struct waits){"finishing uploads", alb_uploads_look(d->uploads).oldest_finish_ns};
    return n;
}

static void write_reasons(struct alb_json *j, const struct waits *w, size_t n, int64_t limit)
{
    alb_json_key(j, "reasons");
    alb_json_array(j);
    for (size_t i = 0; i < n; i++) {
        if (w[i].ns <= limit)
            continue;
        alb_json_object(j);
        alb_json_kc(j, "what", w[i].what);
        alb_json_ki64(j, "waitingMs", w[i].ns / ALB_NS_PER_MS);
        alb_json_ki64(j, "limitMs", limit / ALB_NS_PER_MS);
        alb_json_end(j);
    }
    alb_json_end(j);
}

static void write_troubles(struct alb_json *j, const struct alb_render_trouble *t, size_t n)
{
    alb_json_key(j, "caches");
    alb_json_array(j);
    for (size_t i = 0; i < n; i++) {
        const char *error = strerrordesc_np(t[i].sys);
        alb_json_object(j);
        alb_json_kc(j, "folder", t[i].folder);
        alb_json_kc(j, "doing", t[i].doing);
        alb_json_kc(j, "error", error ? error : "");
        alb_json_ki64(j, "sinceMs", t[i].since_ms);
        alb_json_end(j);
    }
    alb_json_end(j);
}

static enum alb_hot health(struct alb_req *req)
{
    const struct alb_door_ops *d = alb_req_ctx(req);
    struct alb_render_trouble troubles[ALB_RENDER_TROUBLES];
    struct waits w[8];
    struct alb_str live;
    bool healthy = true;
    alb_res_type(req, "application/json");
    alb_res_header_c(req, "Cache-Control", "no-store");
    if (alb_req_query_get(req, "live", &live)) {
        alb_res_literal(req, ALB_STR("{\"status\":\"alive\"}\n"));
        return ALB_HOT_HIT;
    }
    size_t n = look(d, w);
    for (size_t i = 0; i < n; i++)
        healthy = healthy && w[i].ns <= d->stuck_ns;
    size_t trouble_count = alb_render_troubles(d->render, d->origins, troubles);
    if (healthy && trouble_count == 0) {
        alb_res_literal(req, ALB_STR("{\"status\":\"ok\"}\n"));
        return ALB_HOT_HIT;
    }
    struct alb_buf out = ALB_BUF_INIT(4096);
    struct alb_json j;
    alb_json_init(&j, &out);
    alb_json_object(&j);
    alb_json_kc(&j, "status", healthy ? "ok" : "stuck");
    if (!healthy)
        write_reasons(&j, w, n, d->stuck_ns);
    if (trouble_count > 0)
        write_troubles(&j, troubles, trouble_count);
    alb_json_end(&j);
    alb_buf_char(&out, '\n');
    alb_res_status(req, healthy ? 200 : 503);
    alb_res_buf(req, &out);
    alb_buf_fini(&out);
    return ALB_HOT_HIT;
}

static void gauge(struct alb_buf *out, const char *name, const char *help, int64_t value)
{
    alb_buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %lld\n", name, help, name, name, (long long)value);
}

static void write_views(const struct alb_door_ops *d, struct alb_buf *out)
{
    struct alb_render_view render = alb_render_look(d->render);
    struct alb_catalog_view catalog = alb_library_look(d->auth.library);
    struct alb_uploads_view uploads = alb_uploads_look(d->uploads);
    struct alb_jobs_view jobs = alb_jobs_look(d->jobs);
    struct alb_pool_view pool = alb_pool_look(d->pool);
    gauge(out, "albumen_render_slots", "Renders that may run at once", render.lease.slots);
    gauge(out, "albumen_render_slots_held", "Renders that hold a slot now", render.lease.held);
    gauge(out, "albumen_render_queued", "Renders that wait for a slot",
          (int64_t)render.lease.queued[ALB_LEASE_FOREGROUND] + render.lease.queued[ALB_LEASE_BACKGROUND]);
    gauge(out, "albumen_render_vector_slots_held", "Renders of SVG and PDF that hold a slot of theirs now",
          render.vectors.held);
    gauge(out, "albumen_render_vectors_queued", "Renders of SVG and PDF that wait for a slot of theirs",
          (int64_t)render.vectors.queued[ALB_LEASE_FOREGROUND] + render.vectors.queued[ALB_LEASE_BACKGROUND]);
    gauge(out, "albumen_render_jobs", "Renders under way in any stage", render.jobs);
    gauge(out, "albumen_render_hot_bytes", "Bytes of the hot cache", (int64_t)render.hot_bytes);
    gauge(out, "albumen_catalog_queued", "Writes that wait for the catalog", catalog.queued);
    gauge(out, "albumen_catalog_readers_busy", "Open snapshots", catalog.readers_busy);
    gauge(out, "albumen_catalog_wal_bytes", "Size of the write-ahead log", catalog.wal_bytes);
    gauge(out, "albumen_uploads_known", "Uploads known, finished ones included", uploads.known);
    gauge(out, "albumen_uploads_unfinished", "Uploads that are not finished", uploads.unfinished);
    gauge(out, "albumen_uploads_memory_bytes", "Memory of the table of uploads", uploads.memory_bytes);
    gauge(out, "albumen_jobs_busy", "Background jobs that run now", jobs.busy);
    gauge(out, "albumen_io_pool_busy", "Threads of the io pool that work now", pool.busy);
    gauge(out, "albumen_io_pool_queued", "Steps that wait for a thread", pool.queued);
}

static enum alb_before metrics_before(struct alb_req *req, bool on_loop)
{
    const struct alb_door_ops *d = alb_req_ctx(req);
    if (d->public_metrics)
        return ALB_BEFORE_GO;
    enum alb_before answer = alb_auth_require(req, on_loop);
    if (answer == ALB_BEFORE_GO && alb_auth_principal(req)->role != ALB_ROLE_ADMIN) {
        alb_res_error(req, ALB_E_FORBIDDEN, "only administrators may read the metrics");
        return ALB_BEFORE_ANSWERED;
    }
    return answer;
}

static enum alb_step metrics(struct alb_req *req)
{
    const struct alb_door_ops *d = alb_req_ctx(req);
    struct alb_buf out = ALB_BUF_INIT(METRICS_MAX);
    alb_stat_write(&out);
    write_views(d, &out);
    alb_render_books_write(d->render, &out);
    alb_res_type(req, "text/plain; version=0.0.4; charset=utf-8");
    alb_res_header_c(req, "Cache-Control", "no-store");
    alb_res_buf(req, &out);
    alb_buf_fini(&out);
    return ALB_STEP_DONE;
}

/* ---- the caches, for administrators ---- */

static enum alb_before admin_before(struct alb_req *req, bool on_loop)
{
    enum alb_before answer = alb_auth_require(req, on_loop);
    if (answer == ALB_BEFORE_GO && alb_auth_principal(req)->role != ALB_ROLE_ADMIN) {
        alb_res_error(req, ALB_E_FORBIDDEN, "only administrators may look into the caches");
        return ALB_BEFORE_ANSWERED;
    }
    if (answer == ALB_BEFORE_GO &&
        !alb_auth_may(req, alb_req_method(req) == ALB_M_POST ? "cache.purge" : "cache.read"))
        return ALB_BEFORE_ANSWERED;
    return answer;
}

static const struct alb_route cache_routes[] = {
    {"/cache/stats", ALB_M_GET, ALB_BODY_NONE, ALB_ROUTE_QUIET, 0, NULL, alb_ops_cache_stats},
    {"/cache/purge", ALB_M_POST, ALB_BODY_NONE, 0, 0, NULL, alb_ops_purge},
    {"/cache/purges", ALB_M_GET, ALB_BODY_NONE, ALB_ROUTE_QUIET, 0, NULL, alb_ops_purges},
};
static const struct alb_route health_routes[] = {
    {"/health", ALB_M_GET, ALB_BODY_NONE, ALB_ROUTE_QUIET, 0, health, NULL},
};
static const struct alb_route metrics_routes[] = {
    {"/metrics", ALB_M_GET, ALB_BODY_NONE, ALB_ROUTE_QUIET, 0, NULL, metrics},
};

enum alb_code alb_door_ops(struct alb_http *http, struct alb_door_ops *door, struct alb_err *err)
{
    static struct alb_http_group open_group = {.name = "ops"};
    static struct alb_http_group group = {.name = "ops", .before = metrics_before};
    static struct alb_http_group admin_group = {.name = "ops", .before = admin_before};
    open_group.ctx = door;
    admin_group.ctx = door;
    group.ctx = door;
    enum alb_code code = alb_http_routes(http, &open_group, health_routes, ALB_ARRAY_LEN(health_routes), err);
    if (code == ALB_OK)
        code = alb_http_routes(http, &admin_group, cache_routes, ALB_ARRAY_LEN(cache_routes), err);
    return code == ALB_OK ? alb_http_routes(http, &group, metrics_routes, ALB_ARRAY_LEN(metrics_routes), err)
                          : code;
}
