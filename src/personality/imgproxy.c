/* SPDX-License-Identifier: Apache-2.0 */
#include "personality/imgproxy.h"

#include <string.h>

#include "base/mem.h"
#include "doors/imgproxy/url.h"
#include "personality/imgproxy_priv.h"

#define TEXT_MAX ((size_t)256 * 1024)
#define NO_LIMIT 65536           /* of clients, where the variable says 0: law 7 */

/* ---- where ---- */

static enum alb_code make_listen(struct alb_imgproxy_service *s, size_t *n, struct alb_err *err)
{
    const struct alb_imgproxy_config *c = s->config.config;
    const char *host, *port;
    *n = 0;
    if (alb_str_eq_c(c->network, "unixpacket"))
        return alb_fail(err, ALB_E_INVALID, "IMGPROXY_NETWORK: unixpacket is not spoken here; unix is");
    if (alb_str_eq_c(c->network, "unix")) {
        s->servers.listen[(*n)++] =
            alb_arena_cstr(s->text, alb_arena_printf(s->text, "unix:" ALB_STR_FMT, ALB_STR_ARG(c->bind)));
        return s->servers.listen[0] ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "out of memory");
    }
    if (alb_servers_split(s->text, "IMGPROXY_BIND", c->bind, &host, &port, err) != ALB_OK)
        return err->code;
    if (host[0] == '\0' && alb_str_eq_c(c->network, "tcp6"))
        host = "[::]";
    bool only_v4 = alb_str_eq_c(c->network, "tcp4") && (host[0] == '\0' || strcmp(host, "0.0.0.0") == 0);
    if (only_v4) {
        s->servers.listen[(*n)++] = alb_arena_cstr(s->text, alb_arena_printf(s->text, "0.0.0.0:%s", port));
        return s->servers.listen[0] ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "out of memory");
    }
    return alb_servers_where(s->text, host, port, s->servers.listen, n, err);
}

/* ---- up ---- */

static enum alb_code http_config(struct alb_imgproxy_service *s, struct alb_http_config *h,
                                 struct alb_err *err)
{
    const struct alb_imgproxy_config *c = s->config.config;
    enum alb_code code = alb_http_config_options(h, s->config.options, err);
    if (code != ALB_OK)
        return code;
    h->pool = s->config.pool;
    h->clock = alb_clock_real();
    h->voice = &s->voice;
    h->reuse_port = c->reuse_port;
    h->limits.head_bytes = (size_t)1 << 20; /* as Go's server reads */
    h->limits.target_bytes = ALB_IMGPROXY_TARGET_MAX;
    h->limits.connections =
        c->max_clients > 0 && c->max_clients < NO_LIMIT ? (unsigned)c->max_clients : NO_LIMIT;
    h->limits.connections_per_address = h->limits.connections; /* all of a proxy's */
    h->limits.head_ns = c->read_timeout;
    h->limits.idle_ns = c->keep_alive;
    /* imgproxy gives a client that long for the whole answer; here it is how long it may stand still. */
    h->limits.rate_window_ns = c->write_timeout;
    h->limits.request_ns = ALB_NEVER; /* the door ends a request at its timeout; sending has the rate */
    return ALB_OK;
}

static enum alb_code open_pictures(struct alb_imgproxy_service *s, struct alb_err *err)
{
    struct alb_http_config h;
    const struct alb_imgproxy_door_config door = {.config = s->config.config,
                                                  .prefix = "",
                                                  .render = s->config.render,
                                                  .origins = s->config.origins,
                                                  .limits = s->config.limits,
                                                  .http_sources = true,
                                                  .may_degrade = s->config.may_degrade};
    enum alb_code code = alb_imgproxy_door_open(&door, &s->door, err);
    if (code == ALB_OK)
        code = http_config(s, &h, err);
    h.listen = s->servers.listen;
    if (code == ALB_OK)
        code = make_listen(s, &h.listen_count, err);
    if (code == ALB_OK)
        code = alb_http_server_new(&h, &s->servers.http, err);
    if (code == ALB_OK)
        code = alb_imgproxy_door_mount(s->door, s->servers.http, err);
    if (code == ALB_OK)
        code = alb_imgproxy_pages_add(s, err);
    return code;
}

static void announce(const struct alb_http *http, const char *what)
{
    char address[160];
    struct alb_buf text = ALB_BUF_INIT(256);
    for (size_t i = 0; alb_http_server_address(http, i, address, sizeof(address)); i++) {
        alb_buf_reset(&text);
        alb_buf_printf(&text, "Starting %s at %s", what, address);
        alb_log_event(ALB_LOG_INFO, alb_buf_cstr(&text));
    }
    alb_buf_fini(&text);
}

enum alb_code alb_imgproxy_service_open(const struct alb_imgproxy_service_config *config,
                                        struct alb_imgproxy_service **out, struct alb_err *err)
{
    struct alb_imgproxy_service *s = alb_mem_calloc(1, sizeof(*s));
    *out = s;
    if (!s)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the service");
    s->config = *config;
    s->config.config = alb_imgproxy_config_ref(config->config);
    s->text = alb_arena_new(TEXT_MAX);
    if (!s->text)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the service");
    alb_imgproxy_voice_init(s);
    enum alb_code code = open_pictures(s, err);
    if (code == ALB_OK)
        code = alb_servers_add_metrics(&s->servers, s->config.pool, s->text, "IMGPROXY_PROMETHEUS_BIND",
                                       config->config->prometheus_bind, err);
    if (code == ALB_OK && s->servers.metrics)
        code = alb_imgproxy_metrics_add(s, err);
    if (code == ALB_OK)
        code = alb_servers_start(&s->servers, err);
    if (code != ALB_OK)
        return code;
    if (s->servers.metrics)
        announce(s->servers.metrics, "Prometheus server");
    announce(s->servers.http, "server");
    return ALB_OK;
}

/* ---- down ---- */

bool alb_imgproxy_service_stop(struct alb_imgproxy_service *s, int64_t deadline)
{
    return !s || alb_servers_stop(&s->servers, deadline);
}

void alb_imgproxy_service_free(struct alb_imgproxy_service **service)
{
    struct alb_imgproxy_service *s = *service;
    if (!s)
        return;
    *service = NULL;
    alb_servers_free(&s->servers);
    alb_imgproxy_door_close(&s->door);
    alb_imgproxy_config_unref(s->config.config);
    alb_arena_free(&s->text);
    alb_mem_free(s);
}

void alb_imgproxy_service_dump(struct alb_imgproxy_service *s, int fd)
{
    alb_http_dump(s->servers.http, fd);
}
