/* SPDX-License-Identifier: Apache-2.0
 *
 * The pages beside the pictures. /healthcheck is empty and 200 as imagor's, but honest: 500 when all is not well
 * (personality/health.h); and it names what keeps a storage from its work, with 200, for requests are answered without.
 */
#include <string.h>

#include "base/build.h"
#include "personality/imagor_priv.h"

#define TROUBLES_MAX ((size_t)8192)

/* ---- health ---- */

static void trouble(struct alb_buf *out, const char *what, const char *doing, int sys)
{
    if (sys != 0)
        alb_buf_printf(out, "%s cannot be %s: %s\n", what, doing,
                       strerrordesc_np(sys) ? strerrordesc_np(sys) : "?");
}

static void put_troubles(const struct alb_imagor_service *s, struct alb_buf *out)
{
    struct alb_render_trouble caches[ALB_RENDER_TROUBLES];
    size_t n = alb_render_troubles(s->config.render, s->config.origins, caches);
    for (size_t i = 0; i < n; i++)
        alb_buf_printf(out, "cache folder %s, %s: %s\n", caches[i].folder, caches[i].doing,
                       strerrordesc_np(caches[i].sys));
    for (size_t i = 0; i < ALB_IMAGOR_FOLDERS; i++) {
        if (!s->config.files->shelf[i])
            continue;
        const struct alb_shelf_view v = alb_shelf_look(s->config.files->shelf[i]);
        trouble(out, v.name, "read", v.reading);
        trouble(out, v.name, "written", v.writing);
    }
}

static void say_health(struct alb_req *req, const struct alb_err *why)
{
    const struct alb_imagor_service *s = alb_req_ctx(req);
    struct alb_buf text = ALB_BUF_INIT(TROUBLES_MAX);
    alb_res_header_c(req, "Cache-Control", "no-store");
    if (why->code != ALB_OK) {
        alb_req_log_err(req, why);
        alb_res_error_status(req, 500, why->msg);
    } else {
        put_troubles(s, &text);
        if (text.n > 0)
            alb_res_type(req, "text/plain; charset=utf-8");
        alb_res_buf(req, &text);
    }
    alb_buf_fini(&text);
}

static enum alb_hot health_hot(struct alb_req *req)
{
    const struct alb_imagor_service *s = alb_req_ctx(req);
    return alb_health_hot(req, &s->health);
}

static enum alb_step health(struct alb_req *req)
{
    const struct alb_imagor_service *s = alb_req_ctx(req);
    if (!alb_req_slot(req)) /* it begins */
        alb_imagor_files_tend(s->config.files);
    return alb_health_step(req, &s->health);
}

/* ---- the others ---- */

static enum alb_hot landing(struct alb_req *req)
{
    const struct alb_imagor_service *s = alb_req_ctx(req);
    const char *to = s->config.flags->base_redirect;
    if (to[0]) {
        alb_res_status(req, 307);
        alb_res_header_set(req, "Location", alb_str_c(to));
        return ALB_HOT_HIT;
    }
    alb_res_type(req, "text/html; charset=utf-8");
    alb_res_literal(req, s->landing);
    return ALB_HOT_HIT;
}

static enum alb_hot nothing(struct alb_req *req)
{
    alb_res_literal(req, ALB_STR(""));
    return ALB_HOT_HIT;
}

/* {"message","status"}: texts of ours, without quotes and controls. */
void alb_imagor_error(struct alb_req *req, int status, struct alb_str text)
{
    struct alb_str body = alb_arena_printf(
        alb_req_arena(req), "{\"message\":\"" ALB_STR_FMT "\",\"status\":%d}", ALB_STR_ARG(text), status);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"' || text.p[i] == '\\' || (unsigned char)text.p[i] < 0x20)
            body = ALB_STR_NONE;
    }
    alb_res_type(req, "application/json");
    alb_res_copy(req, body.p, body.n);
}

static struct alb_str landing_text(struct alb_imagor_service *s)
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
        "<p>This is albumen %s, in imagor's place: pictures in any size and form, by URL.</p>\n"
        "<p><code>%s/<em>signature</em>/fit-in/300x300/filters:format(webp)/https://example.com/photo.jpg</"
        "code></p>\n"
        "<p><code>albumen sign imagor</code> makes such URLs and explains them; <code>albumen imagor "
        "--help</code> shows "
        "what can be set.</p>\n",
        alb_version(), s->prefix);
}

static const char *under(struct alb_imagor_service *s, const char *rest)
{
    return alb_arena_cstr(s->text, alb_arena_printf(s->text, "%s%s", s->prefix, rest));
}

enum alb_code alb_imagor_pages_add(struct alb_imagor_service *s, struct alb_err *err)
{
    s->group = (struct alb_http_group){.name = "pages", .ctx = s, .error = alb_imagor_error};
    s->landing = landing_text(s);
    s->health = (struct alb_health){.pool = s->config.pool,
                                    .render = s->config.render,
                                    .origins = s->config.origins,
                                    .canary = s->config.canary,
                                    .request_ns = alb_imagor_request_time(s->config.flags),
                                    .say = say_health};
    s->routes[0] = (struct alb_route){.pattern = under(s, "/"), .methods = ALB_M_GET, .hot = landing};
    s->routes[1] = (struct alb_route){
        .pattern = under(s, "/favicon.ico"), .methods = ALB_M_GET, .flags = ALB_ROUTE_QUIET, .hot = nothing};
    s->routes[2] = (struct alb_route){.pattern = under(s, "/healthcheck"),
                                      .methods = ALB_M_GET,
                                      .flags = ALB_ROUTE_QUIET,
                                      .hot = health_hot,
                                      .step = health};
    if (alb_arena_code(s->text) != ALB_OK)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the pages");
    return alb_http_routes(s->servers.http, &s->group, s->routes, 3, err);
}
