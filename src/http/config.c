/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's configuration from the option table. Defaults for programs without one (tests) are the table's
 * own, so that they cannot drift apart: they are read back from an empty command line.
 */
#include <string.h>

#include "base/check.h"
#include "http/http.h"

static unsigned as_unsigned(int64_t v)
{
    return v < 0 ? 0 : (v > UINT32_MAX ? UINT32_MAX : (unsigned)v);
}

static void read_limits(struct alb_http_limits *l, const struct alb_options *o)
{
    l->head_bytes = (size_t)alb_opt_size(o, ALB_P_MAX_HEAD_SIZE);
    l->target_bytes = (size_t)alb_opt_size(o, ALB_P_MAX_TARGET_SIZE);
    l->head_count = as_unsigned(alb_opt_int(o, ALB_P_MAX_HEADERS));
    l->small_body = (size_t)alb_opt_size(o, ALB_P_MAX_SMALL_BODY);
    l->ring_bytes = (size_t)alb_opt_size(o, ALB_P_BODY_BUFFER);
    l->body_memory = (size_t)alb_opt_size(o, ALB_P_BODY_MEMORY);
    l->arena_bytes = (size_t)alb_opt_size(o, ALB_P_REQUEST_MEMORY);
    l->connections = as_unsigned(alb_opt_int(o, ALB_P_MAX_CONNECTIONS));
    l->connections_per_address = as_unsigned(alb_opt_int(o, ALB_P_MAX_CONNECTIONS_PER_ADDRESS));
    l->requests_per_user = as_unsigned(alb_opt_int(o, ALB_P_MAX_REQUESTS_PER_USER));
    l->head_ns = alb_opt_duration(o, ALB_P_HEAD_TIMEOUT);
    l->body_first_ns = alb_opt_duration(o, ALB_P_BODY_TIMEOUT);
    l->idle_ns = alb_opt_duration(o, ALB_P_IDLE_TIMEOUT);
    l->request_ns = alb_opt_duration(o, ALB_P_REQUEST_TIMEOUT);
    l->rate_in = (uint64_t)alb_opt_size(o, ALB_P_MIN_RATE_IN);
    l->rate_out = (uint64_t)alb_opt_size(o, ALB_P_MIN_RATE_OUT);
    l->rate_window_ns = alb_opt_duration(o, ALB_P_RATE_WINDOW);
    l->drain_bytes = (uint64_t)alb_opt_size(o, ALB_P_DRAIN_SIZE);
    l->drain_ns = alb_opt_duration(o, ALB_P_DRAIN_TIMEOUT);
    l->linger_ns = alb_opt_duration(o, ALB_P_LINGER_TIMEOUT);
}

enum alb_code alb_http_config_options(struct alb_http_config *c, const struct alb_options *o,
                                      struct alb_err *err)
{
    const char *url = alb_opt_string(o, ALB_P_PUBLIC_URL);
    const char *host = strncmp(url, "http://", 7) == 0 ? url + 7 : strncmp(url, "https://", 8) == 0 ? url + 8 : "";

    memset(c, 0, sizeof(*c));
    c->listen_count = alb_opt_list(o, ALB_P_LISTEN, &c->listen);
    c->trusted_proxy_count = alb_opt_list(o, ALB_P_TRUSTED_PROXY, &c->trusted_proxies);
    c->proxy_protocol = alb_opt_bool(o, ALB_P_PROXY_PROTOCOL);
    c->public_url = url;
    c->loops = as_unsigned(alb_opt_int(o, ALB_P_HTTP_LOOPS));
    c->clock = alb_clock_real();
    read_limits(&c->limits, o);
    if (url[0] && (!host[0] || host[0] == '/'))
        return alb_fail(err, ALB_E_INVALID, "public-url %s: must be http:// or https:// and a host", url);
    return ALB_OK;
}

void alb_http_config_default(struct alb_http_config *c)
{
    char flag[] = "--config", nothing[] = "/dev/null"; /* and no file of the folder we happen to be in */
    char *args[] = {flag, nothing, NULL}, *env[] = {NULL}, **rest;
    struct alb_options *o;

    ALB_CHECK(alb_options_parse(ALB_CMD_SERVE, 2, args, env, &o, &rest, NULL) == ALB_OK);
    ALB_CHECK(alb_http_config_options(c, o, NULL) == ALB_OK);
    c->listen = c->trusted_proxies = NULL; /* they belong to the options */
    c->listen_count = c->trusted_proxy_count = 0;
    c->public_url = "";
    alb_options_free(&o);
}
