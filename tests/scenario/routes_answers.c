/* SPDX-License-Identifier: Apache-2.0
 *
 * Test routes that only answer: hot, from the pool, errors, sources with ranges, streams.
 */
#include <string.h>

#include "base/check.h"
#include "base/stat.h"
#include "serverd.h"

static enum alb_hot hot_small(struct alb_req *req)
{
    alb_res_type(req, "text/plain");
    alb_res_bytes(req, serverd.small);
    return ALB_HOT_HIT;
}

static enum alb_hot hot_large(struct alb_req *req)
{
    alb_res_type(req, "text/plain");
    alb_res_bytes(req, serverd.large);
    return ALB_HOT_HIT;
}

static enum alb_step step_small(struct alb_req *req)
{
    serverd_hold(req);
    alb_res_type(req, "text/plain");
    alb_res_bytes(req, serverd.small);
    return ALB_STEP_DONE;
}

/* /etag: a body with validators; PUT changes it, if it may. */
static enum alb_step step_etag(struct alb_req *req)
{
    if (alb_req_method(req) == ALB_M_PUT) {
        if (alb_req_may_change(req, ALB_STR("v1"), false, 1700000000000))
            alb_res_status(req, 204);
        return ALB_STEP_DONE;
    }
    alb_res_type(req, "text/plain");
    alb_res_etag(req, ALB_STR("v1"), false);
    alb_res_modified(req, 1700000000000);
    alb_res_bytes(req, serverd.small);
    return ALB_STEP_DONE;
}

/* /who: what the server saw. */
static enum alb_step step_who(struct alb_req *req)
{
    struct alb_str text = alb_arena_printf(
        alb_req_arena(req),
        "client=" ALB_STR_FMT " scheme=" ALB_STR_FMT " host=" ALB_STR_FMT " base=" ALB_STR_FMT,
        ALB_STR_ARG(alb_req_client(req)), ALB_STR_ARG(alb_req_scheme(req)), ALB_STR_ARG(alb_req_host(req)),
        ALB_STR_ARG(alb_req_base_url(req)));

    alb_res_literal(req, text);
    return ALB_STEP_DONE;
}

/* /target/{rest*}: the raw target back, and the parameter. */
static enum alb_step step_target(struct alb_req *req)
{
    alb_res_header(req, "X-Rest", alb_req_param(req, "rest"));
    alb_res_header(req, "X-Target", alb_req_target(req));
    alb_res_copy(req, alb_req_target(req).p, alb_req_target(req).n);
    return ALB_STEP_DONE;
}

static enum alb_step step_error(struct alb_req *req)
{
    struct alb_err err = ALB_ERR_INIT;

    (void)alb_fail(&err, (enum alb_code)serverd_number(req, "code", ALB_E_INTERNAL), "the test wanted it");
    alb_res_fail(req, &err);
    return ALB_STEP_DONE;
}

/* ---- a source: byte i is a function of i ---------------------------------------------------------- */

struct source {
    uint64_t fail_at;
};

static enum alb_code read_source(void *ctx, uint64_t off, void *p, size_t n, size_t *got, struct alb_err *err)
{
    const struct source *s = ctx;
    unsigned char *out = p;

    if (off + n > s->fail_at)
        n = off < s->fail_at ? (size_t)(s->fail_at - off) : 0;
    if (n == 0)
        return alb_fail(err, ALB_E_CORRUPT, "the test source ends at %llu", (unsigned long long)off);
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)('a' + (off + i) % 23);
    *got = n;
    return ALB_OK;
}

/* /source?size=N&fail=N */
static enum alb_step step_source(struct alb_req *req)
{
    struct source *s = ALB_ARENA_NEW(alb_req_arena(req), struct source);

    serverd_hold(req);
    s->fail_at = (uint64_t)serverd_number(req, "fail", INT64_MAX);
    alb_res_type(req, "application/octet-stream");
    alb_res_etag(req, ALB_STR("src"), false);
    alb_res_source(req, (uint64_t)serverd_number(req, "size", 100000), read_source, s);
    return ALB_STEP_DONE;
}

/* ---- a stream: /lines?n=N&abort=N, each line 32 bytes ----------------------------------------------- */

struct lines {
    int64_t at, n, abort;
    struct alb_buf buf;
};

static void fini_buf(void *b)
{
    alb_buf_fini(b);
}

static enum alb_step step_lines(struct alb_req *req)
{
    struct lines *l = alb_req_slot(req);

    if (!l) {
        serverd_hold(req);
        l = ALB_ARENA_NEW(alb_req_arena(req), struct lines);
        alb_req_set_slot(req, l);
        l->n = serverd_number(req, "n", 1000);
        l->abort = serverd_number(req, "abort", -1);
        alb_buf_init(&l->buf, 64);
        alb_ignore(!alb_arena_defer(alb_req_arena(req), fini_buf, &l->buf), "the test server has memory");
        alb_res_type(req, "application/jsonlines+json");
        alb_res_stream(req);
    }
    while (alb_res_write_buf(req, &l->buf)) {
        if (l->at == l->n)
            return ALB_STEP_DONE;
        if (l->at == l->abort) {
            alb_res_abort(req);
            return ALB_STEP_DONE;
        }
        alb_buf_printf(&l->buf, "{\"line\":%022lld}\n", (long long)l->at++);
    }
    return alb_req_wait_drain(req);
}

/* /stats, /counts: what /metrics would show; what is still held. */
static enum alb_hot hot_stats(struct alb_req *req)
{
    struct alb_buf b = ALB_BUF_INIT(1 << 20);

    alb_stat_write(&b);
    alb_res_type(req, "text/plain");
    alb_res_buf(req, &b);
    return ALB_HOT_HIT;
}

static enum alb_hot hot_counts(struct alb_req *req)
{
    struct alb_http_view v = alb_http_look(serverd.http);

    alb_res_literal(req,
                    alb_arena_printf(alb_req_arena(req),
                                     "open=%ld builds=%ld told=%ld gone_bytes=%ld connections=%u requests=%u "
                                     "waiting=%u\n",
                                     serverd_open(), atomic_load(&serverd.builds), atomic_load(&serverd.told),
                                     atomic_load(&serverd.gone_bytes), v.connections, v.requests, v.waiting));
    return ALB_HOT_HIT;
}

static const struct alb_route routes[] = {
    {.pattern = "/hello", .methods = ALB_M_GET, .hot = hot_small},
    {.pattern = "/large", .methods = ALB_M_GET, .hot = hot_large},
    {.pattern = "/step", .methods = ALB_M_GET | ALB_M_POST, .step = step_small},
    {.pattern = "/etag", .methods = ALB_M_GET | ALB_M_PUT, .step = step_etag},
    {.pattern = "/who", .methods = ALB_M_GET, .step = step_who},
    {.pattern = "/target/{rest*}", .methods = ALB_M_GET, .step = step_target},
    {.pattern = "/error", .methods = ALB_M_GET, .step = step_error},
    {.pattern = "/source", .methods = ALB_M_GET, .step = step_source},
    {.pattern = "/lines", .methods = ALB_M_GET, .step = step_lines},
    {.pattern = "/stats", .methods = ALB_M_GET, .flags = ALB_ROUTE_QUIET, .hot = hot_stats},
    {.pattern = "/counts", .methods = ALB_M_GET, .flags = ALB_ROUTE_QUIET, .hot = hot_counts},
};

static const unsigned char page[] = "<!doctype html><title>page</title>";
static const unsigned char page_gzip[] = "not really gzip";
static const struct alb_static_file files[] = {
    {.path = "/page.html",
     .p = page,
     .n = sizeof(page) - 1,
     .gzip = page_gzip,
     .gzip_n = sizeof(page_gzip) - 1,
     .etag = "p1",
     .type = "text/html"},
};

enum alb_code serverd_routes_answers(struct alb_http *s, struct alb_err *err)
{
    enum alb_code code = alb_http_static(s, files, ALB_ARRAY_LEN(files), err);

    return code != ALB_OK ? code : alb_http_routes(s, &serverd_group, routes, ALB_ARRAY_LEN(routes), err);
}
