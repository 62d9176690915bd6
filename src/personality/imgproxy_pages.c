/* SPDX-License-Identifier: Apache-2.0
 *
 * The pages beside the pictures. /health is honest (personality/health.h).
 */
#include "base/build.h"
#include "personality/imgproxy_priv.h"

/* ---- health ---- */

static void say_health(struct alb_req *req, const struct alb_err *why)
{
    const struct alb_imgproxy_service *s = alb_req_ctx(req);
    alb_res_type(req, "text/plain");
    alb_res_header_set(req, "Cache-Control", ALB_STR("no-cache"));
    if (why->code == ALB_OK) {
        alb_res_literal(req, s->config.config->health_message);
        return;
    }
    alb_req_log_err(req, why);
    alb_res_status(req, 500);
    alb_res_literal(req, ALB_STR("Error"));
}

static enum alb_hot health_hot(struct alb_req *req)
{
    const struct alb_imgproxy_service *s = alb_req_ctx(req);
    return alb_health_hot(req, &s->health);
}

static enum alb_step health(struct alb_req *req)
{
    const struct alb_imgproxy_service *s = alb_req_ctx(req);
    return alb_health_step(req, &s->health);
}

/* ---- the others ---- */

static enum alb_hot landing(struct alb_req *req)
{
    const struct alb_imgproxy_service *s = alb_req_ctx(req);
    alb_res_type(req, "text/html; charset=utf-8");
    alb_res_literal(req, s->landing);
    return ALB_HOT_HIT;
}

static enum alb_hot not_there(struct alb_req *req)
{
    alb_res_status(req, 404);
    alb_res_type(req, "text/plain");
    alb_res_literal(req, ALB_STR(" "));
    return ALB_HOT_HIT;
}

void alb_imgproxy_error_words(struct alb_req *req, int status, struct alb_str text)
{
    (void)status;
    alb_res_type(req, "text/plain");
    alb_res_copy(req, text.p, text.n);
}

static struct alb_str landing_text(struct alb_imgproxy_service *s)
{
    return alb_arena_printf(
        s->text,
        "<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport "
        "content=\"width=device-width\">\n"
        "<title>albumen</title>\n"
        "<style>body{font:1rem/1.6 sans-serif;max-width:38rem;margin:12vh auto;padding:0 1rem;color:#222;"
        "background:#fbfaf7}code{background:#eee9dd;padding:.1em .3em}"
        "@media(prefers-color-scheme:dark){body{color:#ddd;background:#1c1b19}code{background:#33312c}}</"
        "style>\n"
        "<h1>It works.</h1>\n"
        "<p>This is albumen %s, in imgproxy's place: pictures in any size and form, by URL.</p>\n"
        "<p><code>" ALB_STR_FMT
        "/<em>signature</em>/rs:fit:300:300/plain/https://example.com/photo.jpg@webp</code></p>\n"
        "<p><code>albumen sign imgproxy</code> makes such URLs and explains them; "
        "<code>albumen imgproxy --help</code> shows what can be set.</p>\n",
        alb_version(), ALB_STR_ARG(s->config.config->path_prefix));
}

/* ---- routes ---- */

static void add(struct alb_imgproxy_service *s, struct alb_str path, unsigned methods, unsigned flags,
                alb_hot_fn *hot, alb_step_fn *step)
{
    const char *pattern = alb_arena_cstr(s->text, path);
    if (pattern)
        s->routes[s->route_count++] = (struct alb_route){
            .pattern = pattern, .methods = methods, .flags = flags, .hot = hot, .step = step};
}

static struct alb_str under(struct alb_imgproxy_service *s, const char *rest)
{
    return alb_arena_printf(s->text, ALB_STR_FMT "%s", ALB_STR_ARG(s->config.config->path_prefix), rest);
}

bool alb_imgproxy_is_page(const struct alb_imgproxy_service *s, const struct alb_route *route)
{
    return !route || (route >= s->routes && route < s->routes + s->route_count);
}

enum alb_code alb_imgproxy_pages_add(struct alb_imgproxy_service *s, struct alb_err *err)
{
    const struct alb_imgproxy_config *c = s->config.config;
    const unsigned no_get = ALB_M_POST | ALB_M_PUT | ALB_M_PATCH | ALB_M_DELETE;
    bool has_prefix = c->path_prefix.n > 0;
    if (alb_str_find(c->path_prefix, '{') != ALB_STR_NPOS ||
        alb_str_find(c->health_path, '{') != ALB_STR_NPOS)
        return alb_fail(err, ALB_E_INVALID,
                        "IMGPROXY_PATH_PREFIX, IMGPROXY_HEALTH_CHECK_PATH: no { in a path");
    s->group = (struct alb_http_group){.name = "pages", .ctx = s, .error = alb_imgproxy_error_words};
    s->landing = landing_text(s);
    s->health = (struct alb_health){.pool = s->config.pool,
                                    .render = s->config.render,
                                    .origins = s->config.origins,
                                    .canary = s->config.canary,
                                    .request_ns = c->timeout,
                                    .say = say_health};
    add(s, under(s, "/"), ALB_M_GET, 0, landing, NULL);
    if (has_prefix)
        add(s, c->path_prefix, ALB_M_GET, 0, landing, NULL);
    add(s, under(s, "/favicon.ico"), ALB_M_GET, ALB_ROUTE_QUIET, not_there, NULL);
    add(s, under(s, "/.well-known/{rest*}"), ALB_M_GET, ALB_ROUTE_QUIET, not_there, NULL);
    add(s, under(s, "/health"), ALB_M_GET, ALB_ROUTE_QUIET, health_hot, health);
    if (c->health_path.n > 0 && !alb_str_eq_c(c->health_path, "/health"))
        add(s, under(s, alb_arena_cstr(s->text, c->health_path)), ALB_M_GET, ALB_ROUTE_QUIET, health_hot,
            health);
    add(s, ALB_STR("/{rest*}"), has_prefix ? ALB_M_ALL & ~(unsigned)ALB_M_HEAD : no_get, 0, not_there, NULL);
    if (has_prefix)
        add(s, under(s, "/{rest*}"), no_get, 0, not_there, NULL);
    if (alb_arena_code(s->text) != ALB_OK)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the pages");
    return alb_http_routes(s->servers.http, &s->group, s->routes, s->route_count, err);
}
