/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/stat.h"
#include "personality/tusd_priv.h"

#define METRICS_MAX ((size_t)1 << 20)

static const struct {
    unsigned bit;
    const char *name;
} methods[] = {{ALB_M_DELETE, "DELETE"},   {ALB_M_GET, "GET"},     {ALB_M_HEAD, "HEAD"},
               {ALB_M_OPTIONS, "OPTIONS"}, {ALB_M_PATCH, "PATCH"}, {ALB_M_POST, "POST"}};

/* ---- counting ---- */

void alb_tusd_pages_answered(struct alb_tusd_pages *p, const struct alb_req *req, int status,
                             const char *code)
{
    for (size_t i = 0; i < ALB_ARRAY_LEN(methods); i++)
        if (alb_req_method(req) == methods[i].bit)
            atomic_fetch_add(&p->requests[i], 1);
    if (!code)
        return;
    alb_mutex_lock(&p->mtx);
    size_t i = 0;
    while (i < p->error_count && (p->errors[i].status != status || strcmp(p->errors[i].code, code) != 0))
        i++;
    if (i == p->error_count && i < ALB_TUSD_ERRORS_MAX)
        p->errors[p->error_count++] = (struct alb_tusd_error_count){status, code, 0};
    p->errors[i < ALB_TUSD_ERRORS_MAX ? i : ALB_TUSD_ERRORS_MAX - 1].n++;
    alb_mutex_unlock(&p->mtx);
}

/* ---- metrics ---- */

static void head(struct alb_buf *out, const char *name, const char *type, const char *help)
{
    alb_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void number(struct alb_buf *out, const char *name, const char *type, const char *help, int64_t value)
{
    head(out, name, type, help);
    alb_buf_printf(out, "%s %lld\n", name, (long long)value);
}

static void write_errors(struct alb_tusd_pages *p, struct alb_buf *out)
{
    struct alb_tusd_error_count copy[ALB_TUSD_ERRORS_MAX];
    alb_mutex_lock(&p->mtx);
    size_t n = p->error_count;
    memcpy(copy, p->errors, n * sizeof(copy[0]));
    alb_mutex_unlock(&p->mtx);
    if (n > 0)
        head(out, "tusd_errors_total", "counter", "Answers that reported an error, by status and code");
    for (size_t i = 0; i < n; i++)
        alb_buf_printf(out, "tusd_errors_total{code=\"%s\",status=\"%d\"} %llu\n", copy[i].code,
                       copy[i].status, (unsigned long long)copy[i].n);
}

static void write_hooks(struct alb_tusd_pages *p, struct alb_buf *out)
{
    struct alb_hooks_view v = {.running = 0};
    if (p->hooks)
        v = alb_hooks_look(p->hooks);
    head(out, "tusd_hook_errors_total", "counter", "Hooks that failed, by type");
    for (unsigned i = 0; i < ALB_HOOK_COUNT; i++)
        alb_buf_printf(out, "tusd_hook_errors_total{hooktype=\"%s\"} %llu\n",
                       alb_hook_name((enum alb_hook_type)i), (unsigned long long)v.errors[i]);
    head(out, "tusd_hook_invocations_total", "counter", "Hooks that were called, by type");
    for (unsigned i = 0; i < ALB_HOOK_COUNT; i++)
        alb_buf_printf(out, "tusd_hook_invocations_total{hooktype=\"%s\"} %llu\n",
                       alb_hook_name((enum alb_hook_type)i), (unsigned long long)v.invocations[i]);
}

static enum alb_step metrics(struct alb_req *req)
{
    struct alb_tusd_pages *p = alb_req_ctx(req);
    struct alb_buf out = ALB_BUF_INIT(METRICS_MAX);
    number(&out, "tusd_bytes_received", "counter", "Bytes received for uploads",
           alb_stat_get(ALB_STAT_UPLOAD_BYTES));
    number(&out, "tusd_connections_open", "gauge", "Open connections",
           alb_stat_get(ALB_STAT_HTTP_CONNECTIONS));
    write_errors(p, &out);
    write_hooks(p, &out);
    head(&out, "tusd_requests_total", "counter", "Requests, by method");
    for (size_t i = 0; i < ALB_ARRAY_LEN(methods); i++)
        alb_buf_printf(&out, "tusd_requests_total{method=\"%s\"} %llu\n", methods[i].name,
                       (unsigned long long)atomic_load(&p->requests[i]));
    number(&out, "tusd_uploads_created", "counter", "Uploads created",
           alb_stat_get(ALB_STAT_UPLOADS_CREATED));
    number(&out, "tusd_uploads_finished", "counter", "Uploads finished",
           alb_stat_get(ALB_STAT_UPLOADS_FINISHED));
    number(&out, "tusd_uploads_terminated", "counter", "Uploads removed by their client",
           alb_stat_get(ALB_STAT_UPLOADS_TERMINATED));
    alb_stat_write(&out);
    alb_res_type(req, "text/plain; version=0.0.4; charset=utf-8");
    alb_res_buf(req, &out);
    alb_buf_fini(&out);
    return ALB_STEP_DONE;
}

/* ---- greeting ---- */

/* A method that the door has no route for. */
static enum alb_hot refuse_method(struct alb_req *req, bool is_base)
{
    alb_res_status(req, 405);
    alb_res_header_c(req, "Allow", is_base ? "POST" : "GET, HEAD, PATCH, DELETE");
    alb_res_header_c(req, "Tus-Resumable", "1.0.0");
    alb_res_header_c(req, "X-Content-Type-Options", "nosniff");
    alb_res_type(req, "text/plain; charset=utf-8");
    alb_res_literal(req, ALB_STR("method not allowed"));
    return ALB_HOT_HIT;
}

/* Every path that is nothing else, as tusd does; so also the paths of uploads with other methods. */
static enum alb_hot greet(struct alb_req *req)
{
    const struct alb_tusd_pages *p = alb_req_ctx(req);
    struct alb_str path = alb_req_path(req), bare = alb_str_sub(p->base, 0, p->base.n - 1);
    if (alb_str_eq(path, p->base) || alb_str_eq(path, bare))
        return refuse_method(req, true);
    if (alb_str_starts(path, p->base))
        return refuse_method(req, false);
    alb_res_type(req, "text/plain; charset=utf-8");
    alb_res_literal(req, p->greeting); /* lives as long as the process */
    return ALB_HOT_HIT;
}

static struct alb_str make_greeting(const struct alb_tusd_flags *f, struct alb_arena *text,
                                    const char *version)
{
    struct alb_str where = ALB_STR("");
    if (f->expose_metrics)
        where = alb_arena_printf(text, "- %s - figures for Prometheus\n", f->metrics_path);
    return alb_arena_printf(
        text,
        "Welcome to tusd\n"
        "===============\n\n"
        "This is albumen, in tusd's place: it keeps your uploads, and answers as tusd does.\n\n"
        "- %s - send your tus uploads here\n" ALB_STR_FMT "\n"
        "Version = albumen %s\n",
        f->base_path, ALB_STR_ARG(where), version);
}

enum alb_code alb_tusd_pages_add(struct alb_tusd_pages *p, const struct alb_tusd_flags *f,
                                 struct alb_http *http, struct alb_arena *text, const char *version,
                                 struct alb_err *err)
{
    size_t n = 0;
    p->group = (struct alb_http_group){.name = "tusd", .ctx = p};
    p->base = alb_str_c(f->base_path);
    p->greeting = make_greeting(f, text, version);
    if (snprintf(p->metrics_path, sizeof(p->metrics_path), "%s", f->metrics_path) >=
        (int)sizeof(p->metrics_path))
        return alb_fail(err, ALB_E_INVALID, "-metrics-path is too long");
    if (f->expose_metrics)
        p->routes[n++] =
            (struct alb_route){.pattern = p->metrics_path, .methods = ALB_M_GET, .step = metrics};
    if (f->show_greeting && strcmp(f->base_path, "/") != 0)
        p->routes[n++] = (struct alb_route){
            .pattern = "/{rest*}", .methods = ALB_M_ALL & ~(unsigned)ALB_M_OPTIONS, .hot = greet};
    return n > 0 ? alb_http_routes(http, &p->group, p->routes, n, err) : ALB_OK;
}
