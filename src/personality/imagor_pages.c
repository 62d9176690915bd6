/* SPDX-License-Identifier: Apache-2.0
 *
 * The pages beside the pictures. /healthcheck is empty and 200 as imagor's, but honest: 500 when a worker of the
 * darkroom has not just looked at a picture or something has waited longer than it can while all goes well; and it
 * names what keeps a storage from its work, with 200, for requests are answered without it.
 */
#include <string.h>

#include "base/build.h"
#include "personality/imagor_priv.h"

#define CANARY_NS (5 * ALB_NS_PER_S)
#define TROUBLES_MAX ((size_t)8192)

struct check { /* of one request; in its arena */
    struct alb_future *future;
};

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
        alb_buf_printf(out, "cache %s, %s: %s\n", caches[i].folder, caches[i].doing,
                       strerrordesc_np(caches[i].sys));
    for (size_t i = 0; i < ALB_IMAGOR_FOLDERS; i++) {
        if (!s->config.files->shelf[i])
            continue;
        const struct alb_shelf_view v = alb_shelf_look(s->config.files->shelf[i]);
        trouble(out, v.name, "read", v.reading);
        trouble(out, v.name, "written", v.writing);
    }
}

static void say_health(struct alb_req *req, const struct alb_imagor_service *s, const struct alb_err *why)
{
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

/* What has waited for too long, from memory alone. */
static bool is_stuck(const struct alb_imagor_service *s, struct alb_err *why)
{
    const struct {
        const char *what;
        int64_t ns;
    } waits[] = {{"a picture", alb_render_look(s->config.render).oldest_ns},
                 {"a source", alb_origins_look(s->config.origins).oldest_ns},
                 {"a step of a request", alb_pool_look(s->config.pool).oldest_wait_ns}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(waits); i++) {
        if (waits[i].ns > s->stuck_ns)
            (void)alb_fail(why, ALB_E_TIMEOUT, "%s has been waited for for %lld ms", waits[i].what,
                           (long long)(waits[i].ns / ALB_NS_PER_MS));
    }
    return why->code != ALB_OK;
}

/* When the io pool stands still no step would ever say so. */
static enum alb_hot health_hot(struct alb_req *req)
{
    const struct alb_imagor_service *s = alb_req_ctx(req);
    struct alb_err why = ALB_ERR_INIT;
    if (!is_stuck(s, &why))
        return ALB_HOT_MISS;
    say_health(req, s, &why);
    return ALB_HOT_HIT;
}

static void drop_check(void *arg)
{
    struct check *c = arg;
    alb_future_unref(c->future);
}

static enum alb_step health_begin(struct alb_req *req, const struct alb_imagor_service *s)
{
    struct alb_err why = ALB_ERR_INIT;
    struct check *c = ALB_ARENA_NEW(alb_req_arena(req), struct check);
    int64_t deadline = alb_deadline(alb_mono(alb_req_clock(req)), CANARY_NS);
    if (!c || !alb_arena_defer(alb_req_arena(req), drop_check, c))
        (void)alb_fail(&why, ALB_E_NO_MEMORY, "no memory for a health check");
    else if (alb_canary_ask(s->config.canary, deadline, alb_req_waiter(req, false), &c->future, &why) ==
             ALB_OK) {
        alb_req_set_slot(req, c);
        alb_req_wait_until(req, deadline);
        alb_req_doing(req, "waiting for a word of the darkroom");
        return alb_req_wait_joined(req, c->future);
    }
    say_health(req, s, &why);
    return ALB_STEP_DONE;
}

static enum alb_step health(struct alb_req *req)
{
    const struct alb_imagor_service *s = alb_req_ctx(req);
    struct check *c = alb_req_slot(req);
    struct alb_err why = ALB_ERR_INIT;
    if (!c)
        return health_begin(req, s);
    if (alb_req_timed_out(req) && !alb_future_done(c->future))
        (void)alb_fail(&why, ALB_E_TIMEOUT, "the darkroom does not answer");
    else
        (void)alb_future_error(c->future, &why);
    say_health(req, s, &why);
    return ALB_STEP_DONE;
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
    return alb_http_routes(s->http, &s->group, s->routes, 3, err);
}
