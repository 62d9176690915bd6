/* SPDX-License-Identifier: Apache-2.0 */
#include "personality/servers.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fs.h"

/* ---- where ---- */

enum alb_code alb_servers_split(struct alb_arena *text, const char *setting, struct alb_str bind,
                                const char **host, const char **port, struct alb_err *err)
{
    size_t colon = alb_str_rfind(bind, ':');
    *host = *port = "";
    if (colon == ALB_STR_NPOS || colon + 1 == bind.n)
        return alb_fail(err, ALB_E_INVALID, "%s: \"" ALB_STR_FMT "\" is not right; host:port is wanted",
                        setting, ALB_STR_ARG(bind));
    *host = alb_arena_cstr(text, alb_str_sub(bind, 0, colon));
    *port = alb_arena_cstr(text, alb_str_from(bind, colon + 1));
    return *host && *port ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "out of memory");
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0;
    alb_fs_close(&fd);
    return ok;
}

enum alb_code alb_servers_where(struct alb_arena *text, const char *host, const char *port,
                                const char *listen[ALB_SERVERS_WHERE_MAX], size_t *n, struct alb_err *err)
{
    bool any = host[0] == '\0' || strcmp(host, "0.0.0.0") == 0;
    *n = 0;
    if (any && strcmp(port, "0") != 0 && has_ipv6()) /* a free port of both would be two ports */
        listen[(*n)++] = alb_arena_cstr(text, alb_arena_printf(text, "[::]:%s", port));
    listen[(*n)++] = alb_arena_cstr(text, alb_arena_printf(text, "%s:%s", any ? "0.0.0.0" : host, port));
    return alb_arena_code(text) == ALB_OK ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "out of memory");
}

/* ---- servers ---- */

enum alb_code alb_servers_add_metrics(struct alb_servers *s, struct alb_pool *pool, struct alb_arena *text,
                                      const char *setting, struct alb_str bind, struct alb_err *err)
{
    struct alb_http_config h;
    const char *host, *port;
    if (bind.n == 0)
        return ALB_OK;
    alb_http_config_default(&h);
    h.pool = pool;
    h.loops = 1;
    h.listen = s->listen_metrics;
    enum alb_code code = alb_servers_split(text, setting, bind, &host, &port, err);
    if (code == ALB_OK)
        code = alb_servers_where(text, host, port, s->listen_metrics, &h.listen_count, err);
    return code == ALB_OK ? alb_http_server_new(&h, &s->metrics, err) : code;
}

enum alb_code alb_servers_start(struct alb_servers *s, struct alb_err *err)
{
    enum alb_code code = s->metrics ? alb_http_server_start(s->metrics, err) : ALB_OK;
    return code == ALB_OK ? alb_http_server_start(s->http, err) : code;
}

bool alb_servers_stop(struct alb_servers *s, int64_t deadline)
{
    bool clean = !s->http || alb_http_server_stop(s->http, deadline) == ALB_OK;
    return (!s->metrics || alb_http_server_stop(s->metrics, deadline) == ALB_OK) && clean;
}

void alb_servers_free(struct alb_servers *s)
{
    alb_http_server_free(&s->http);
    alb_http_server_free(&s->metrics);
}
