/* SPDX-License-Identifier: Apache-2.0 */
#include "personality/imagor.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "personality/imagor_priv.h"

#define TEXT_MAX ((size_t)256 * 1024)
#define CLIENTS_MAX 65536

/* ---- where ---- */

static enum alb_code make_listen(struct alb_imagor_service *s, size_t *n, struct alb_err *err)
{
    const struct alb_imagor_flags *f = s->config.flags;
    const char *host = f->address,
               *port = alb_arena_cstr(s->text, alb_arena_printf(s->text, "%d", (int)f->port));
    enum alb_code code = port ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "out of memory");
    if (code == ALB_OK && f->bind[0])
        code = alb_servers_split(s->text, "-bind", alb_str_c(f->bind), &host, &port, err);
    return code == ALB_OK ? alb_servers_where(s->text, host, port, s->servers.listen, n, err) : code;
}

/* "/x" of "x", "x/", "/x/". */
static const char *make_prefix(struct alb_imagor_service *s)
{
    struct alb_str p = alb_str_c(s->config.flags->path_prefix);
    while (p.n > 0 && p.p[0] == '/')
        p = alb_str_from(p, 1);
    while (p.n > 0 && p.p[p.n - 1] == '/')
        p.n--;
    return p.n == 0 ? ""
                    : alb_arena_cstr(s->text, alb_arena_printf(s->text, "/" ALB_STR_FMT, ALB_STR_ARG(p)));
}

/* ---- words ---- */

static const char *method_name(const struct alb_req *req)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(names); i++) {
        if (alb_req_method(req) == 1u << i)
            return names[i];
    }
    return "OTHER";
}

static void begun(void *ctx, const struct alb_req *req)
{
    (void)ctx;
    (void)req;
}

static void ended(void *ctx, const struct alb_req *req, const struct alb_http_ended *how)
{
    struct alb_imagor_service *s = ctx;
    bool silent = alb_req_route(req) && (alb_req_route(req)->flags & ALB_ROUTE_QUIET);
    const char *method = method_name(req);
    if (silent && how->status < 400)
        return;
    if (!silent)
        alb_imagor_count(s, how->status, method, how->total_ns);
    bool failed = how->status >= 500;
    if (s->config.flags->access_log || failed)
        alb_log(failed ? ALB_LOG_ERROR : ALB_LOG_INFO, "access", ALB_LOG_INT("status", how->status),
                ALB_LOG_C("method", method), ALB_LOG_STR("uri", alb_req_target(req)),
                ALB_LOG_STR("ip", alb_req_client(req)),
                ALB_LOG_STR("user-agent", alb_req_header(req, "User-Agent")),
                ALB_LOG_MS("took", how->total_ns),
                ALB_LOG_C("error", how->err->code == ALB_OK ? "" : how->err->msg));
    else if (s->config.flags->debug && how->err->code != ALB_OK)
        alb_log(ALB_LOG_DEBUG, "refused", ALB_LOG_INT("status", how->status),
                ALB_LOG_STR("uri", alb_req_target(req)), ALB_LOG_C("error", how->err->msg),
                ALB_LOG_C("at", how->err->where));
}

/* ---- up ---- */

static enum alb_code http_config(struct alb_imagor_service *s, struct alb_http_config *h, struct alb_err *err)
{
    enum alb_code code = alb_http_config_options(h, s->config.options, err);
    if (code != ALB_OK)
        return code;
    h->pool = s->config.pool;
    h->clock = alb_clock_real();
    h->voice = &s->voice;
    h->limits.head_bytes = (size_t)1 << 20; /* as Go's server reads */
    h->limits.target_bytes = ALB_THUMBOR_PATH_MAX;
    h->limits.connections = h->limits.connections_per_address = CLIENTS_MAX; /* all of a proxy's */
    h->limits.request_ns = ALB_NEVER; /* the door ends a request at its timeout; sending has the rate */
    if (s->config.flags->cors) {
        s->origins[0] = "*";
        s->cors = (struct alb_cors){.origins = s->origins, .origin_count = 1};
        h->cors = &s->cors;
    }
    return ALB_OK;
}

static enum alb_code open_pictures(struct alb_imagor_service *s, struct alb_err *err)
{
    struct alb_http_config h;
    const struct alb_thumbor_door_config door = {.config = s->config.door,
                                                 .prefix = s->prefix,
                                                 .render = s->config.render,
                                                 .origins = s->config.origins,
                                                 .limits = s->config.limits,
                                                 .files = &s->config.files->hooks};
    enum alb_code code = alb_thumbor_door_open(&door, &s->door, err);
    if (code == ALB_OK)
        code = http_config(s, &h, err);
    h.listen = s->servers.listen;
    if (code == ALB_OK)
        code = make_listen(s, &h.listen_count, err);
    if (code == ALB_OK)
        code = alb_http_server_new(&h, &s->servers.http, err);
    if (code == ALB_OK)
        code = alb_thumbor_door_mount(s->door, s->servers.http, err);
    return code == ALB_OK ? alb_imagor_pages_add(s, err) : code;
}

static void announce(const struct alb_http *http, const char *what)
{
    char address[160];
    for (size_t i = 0; alb_http_server_address(http, i, address, sizeof(address)); i++)
        alb_log(ALB_LOG_INFO, what, ALB_LOG_C("address", address));
}

static enum alb_code open_all(struct alb_imagor_service *s, struct alb_err *err)
{
    enum alb_code code = open_pictures(s, err);
    if (code == ALB_OK)
        code = alb_servers_add_metrics(&s->servers, s->config.pool, s->text, "-prometheus-bind",
                                       alb_str_c(s->config.flags->prometheus_bind), err);
    if (code == ALB_OK && s->servers.metrics)
        code = alb_imagor_metrics_add(s, err);
    return code == ALB_OK ? alb_servers_start(&s->servers, err) : code;
}

enum alb_code alb_imagor_service_open(const struct alb_imagor_service_config *config,
                                      struct alb_imagor_service **out, struct alb_err *err)
{
    struct alb_imagor_service *s = alb_mem_calloc(1, sizeof(*s));
    *out = s;
    if (!s)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the service");
    s->config = *config;
    alb_mutex_init(&s->mtx, ALB_LOCK_IMAGOR_TALLY);
    s->text = alb_arena_new(TEXT_MAX);
    s->prefix = s->text ? make_prefix(s) : NULL;
    if (!s->prefix)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the service");
    if (strchr(s->prefix, '{') || strchr(config->flags->prometheus_path, '{'))
        return alb_fail(err, ALB_E_INVALID, "-server-path-prefix, -prometheus-path: no { in a path");
    s->voice = (struct alb_http_voice){
        .ctx = s, .lines = ALB_STR(""), .error = alb_imagor_error, .begun = begun, .ended = ended};
    enum alb_code code = open_all(s, err);
    if (code != ALB_OK)
        return code;
    if (s->servers.metrics)
        announce(s->servers.metrics, "prometheus listen");
    announce(s->servers.http, "listen");
    return ALB_OK;
}

/* ---- down ---- */

bool alb_imagor_service_stop(struct alb_imagor_service *s, int64_t deadline)
{
    return !s || alb_servers_stop(&s->servers, deadline);
}

void alb_imagor_service_free(struct alb_imagor_service **service)
{
    struct alb_imagor_service *s = *service;
    if (!s)
        return;
    *service = NULL;
    alb_servers_free(&s->servers);
    if (s->door)
        alb_thumbor_door_close(&s->door);
    alb_arena_free(&s->text);
    alb_mutex_fini(&s->mtx);
    alb_mem_free(s);
}

void alb_imagor_service_dump(struct alb_imagor_service *s, int fd)
{
    alb_http_dump(s->servers.http, fd);
}
