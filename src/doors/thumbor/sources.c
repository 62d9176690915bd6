/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures of other servers: which address a name stands for, who may be asked, what they are told and what is passed
 * on of their answers.
 */
#include <string.h>

#include "base/codec.h"
#include "base/mem.h"
#include "doors/common/headers.h"
#include "doors/common/pattern.h"
#include "doors/thumbor/job.h"

#define FORWARD_MAX 48

/* ---- who may be asked ---- */

static void policy_free(struct alb_obj *obj)
{
    struct alb_thumbor_policy *p = ALB_CONTAINER_OF(obj, struct alb_thumbor_policy, base.obj);
    alb_mem_free(p->agent);
    alb_mem_free(p->keep);
    alb_mem_free(p->names);
    alb_mem_free(p);
}

/* "host" where the port is the scheme's own, and always "host:port"; IPv6 in brackets. */
static bool host_fits(struct alb_str pattern, const struct alb_url *url)
{
    struct alb_buf text = ALB_BUF_INIT(512);
    bool v6 = alb_str_find(url->host, ':') != ALB_STR_NPOS;
    alb_buf_c(&text, v6 ? "[" : "");
    alb_buf_str(&text, url->host);
    alb_buf_c(&text, v6 ? "]" : "");
    bool own = url->port == (url->secure ? 443 : 80);
    bool fits = own && alb_buf_code(&text) == ALB_OK && alb_door_glob(pattern, alb_buf_view(&text));
    alb_buf_char(&text, ':');
    alb_buf_u64(&text, url->port);
    fits = fits || (alb_buf_code(&text) == ALB_OK && alb_door_glob(pattern, alb_buf_view(&text)));
    alb_buf_fini(&text);
    return fits;
}

/* Every hop is asked for, not only the first. */
static bool may(const struct alb_origin_policy *base, const struct alb_url *url, struct alb_str path)
{
    const struct alb_thumbor_policy *p = (const struct alb_thumbor_policy *)(const void *)base;
    const struct alb_thumbor_http *h = &p->config->http;
    (void)path;
    if (!url)
        return base->local;
    if (!h->on)
        return false;
    for (size_t i = 0; i < h->allowed.count; i++)
        if (host_fits(h->allowed.item[i], url))
            return true;
    if (h->matches)
        return h->matches(h->matches_ctx, url->text);
    return h->allowed.count == 0;
}

/* What says how long an answer may be kept is of all headers the one that people pass on. */
static bool may_keep(struct alb_str name)
{
    return alb_door_may_pass(name) || alb_str_eq_ci(name, ALB_STR("cache-control")) ||
           alb_str_eq_ci(name, ALB_STR("expires"));
}

static bool keep_headers(struct alb_thumbor_policy *p, const struct alb_thumbor_list *list)
{
    size_t n = 0, room = 0;
    for (size_t i = 0; i < list->count; i++)
        room += list->item[i].n + 1;
    p->keep = alb_mem_calloc(list->count + 1, sizeof(*p->keep));
    p->names = alb_mem_calloc(room + 1, 1);
    for (size_t i = 0; p->keep && p->names && i < list->count; i++) {
        if (!may_keep(list->item[i]))
            continue;
        memcpy(p->names + n, list->item[i].p, list->item[i].n); /* calloc: a NUL follows */
        p->keep[p->base.keep_count++] = p->names + n;
        n += list->item[i].n + 1;
    }
    p->base.keep = p->keep;
    return p->keep && p->names;
}

struct alb_thumbor_policy *alb_thumbor_policy_new(const struct alb_thumbor_door_config *config)
{
    const struct alb_thumbor_http *h = &config->config->http;
    struct alb_thumbor_policy *p = alb_mem_calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    alb_obj_init(&p->base.obj, policy_free);
    p->config = config->config;
    p->agent = alb_mem_calloc(h->agent.n + 1, 1);
    if (p->agent && h->agent.n > 0)
        memcpy(p->agent, h->agent.p, h->agent.n);
    p->base.reach = h->reach;
    p->base.blocked = h->blocked;
    p->base.blocked_count = h->blocked_count;
    p->base.local = config->local;
    p->base.redirects = h->redirects;
    p->base.insecure = h->insecure;
    p->base.agent = h->agent.n > 0 ? p->agent : "albumen/" ALB_VERSION;
    p->base.connect_ns = p->base.timeout_ns = h->timeout;
    p->base.may = may;
    if (p->agent && keep_headers(p, &h->keep))
        return p;
    alb_obj_unref(&p->base.obj);
    return NULL;
}

/* ---- addresses ---- */

static bool has_scheme(struct alb_str image)
{
    struct alb_str scheme, rest;
    size_t at = alb_str_find_str(image, ALB_STR("://"));
    if (at == ALB_STR_NPOS || at == 0 || !alb_str_cut(image, ':', &scheme, &rest) || scheme.n != at)
        return false;
    for (size_t i = 0; i < scheme.n; i++) {
        char c = alb_lower(scheme.p[i]);
        if (!(c >= 'a' && c <= 'z') && !alb_is_digit(c) && c != '+' && c != '-' && c != '.')
            return false;
    }
    return true;
}

/* Path and query of an image behind a base; of one that is an address its own path and query, as imagor does. */
static struct alb_str join(struct alb_arena *arena, struct alb_str base, struct alb_str image)
{
    if (has_scheme(image)) {
        struct alb_str behind = alb_str_from(image, alb_str_find_str(image, ALB_STR("://")) + 3);
        size_t slash = alb_str_find(behind, '/');
        image = slash == ALB_STR_NPOS ? ALB_STR_NONE : alb_str_from(behind, slash);
    }
    while (image.n > 0 && image.p[0] == '/')
        image = alb_str_from(image, 1);
    while (base.n > 0 && base.p[base.n - 1] == '/')
        base = alb_str_sub(base, 0, base.n - 1);
    return alb_arena_printf(arena, ALB_STR_FMT "/" ALB_STR_FMT, ALB_STR_ARG(base), ALB_STR_ARG(image));
}

enum alb_code alb_thumbor_address(const struct alb_thumbor_config *c, struct alb_arena *arena,
                                  struct alb_str image, struct alb_str *out, struct alb_err *err)
{
    const struct alb_thumbor_http *h = &c->http;
    *out = ALB_STR_NONE;
    if (!h->on)
        return alb_fail(err, ALB_E_NOT_FOUND, "pictures of other servers are not allowed here");
    if (alb_str_has_control(image) || image.n > ALB_DOOR_SOURCE_MAX)
        return alb_fail(err, ALB_E_INVALID, "an address is too long, or has a control character in it");
    *out = image;
    if (h->base_url.n > 0) {
        *out = join(arena, h->base_url, image);
    } else if (!has_scheme(image)) {
        if (h->default_scheme.n == 0 || alb_str_eq_c(h->default_scheme, "nil"))
            return alb_fail(err, ALB_E_INVALID, "an image has neither scheme nor host");
        *out = alb_arena_printf(arena, ALB_STR_FMT "://" ALB_STR_FMT, ALB_STR_ARG(h->default_scheme),
                                ALB_STR_ARG(image));
    }
    if (alb_arena_code(arena) != ALB_OK)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for an address");
    struct alb_url url = {0};
    enum alb_code code = alb_url_parse(*out, &url, err);
    alb_url_fini(&url);
    return code;
}

/* ---- what they are told ---- */

static void add(struct alb_thumbor_job *job, struct alb_str name, struct alb_str value)
{
    if (value.p && job->forward_count < FORWARD_MAX)
        job->forward[job->forward_count++] =
            alb_arena_printf(job->arena, ALB_STR_FMT ": " ALB_STR_FMT, ALB_STR_ARG(name), ALB_STR_ARG(value));
}

/* Whether Accept is among them. */
static bool add_all(struct alb_thumbor_job *job)
{
    struct alb_str name, value;
    bool has_accept = false;
    for (size_t i = 0; alb_req_header_at(job->req, i, &name, &value); i++) {
        has_accept = has_accept || alb_str_eq_ci(name, ALB_STR("accept"));
        if (alb_door_may_forward(name))
            add(job, name, value);
    }
    return has_accept;
}

static bool add_named(struct alb_thumbor_job *job, const struct alb_thumbor_list *names)
{
    bool has_accept = false;
    for (size_t i = 0; i < names->count; i++) {
        struct alb_str name = names->item[i];
        const char *text = alb_arena_cstr(job->arena, name);
        has_accept = has_accept || alb_str_eq_ci(name, ALB_STR("accept"));
        if (text && (alb_door_may_forward(name) || alb_str_eq_ci(name, ALB_STR("authorization"))))
            add(job, name, alb_req_header(job->req, text));
    }
    return has_accept;
}

bool alb_thumbor_forward(struct alb_thumbor_job *job)
{
    const struct alb_thumbor_http *h = &job->door->config.config->http;
    if (job->forward)
        return true;
    job->forward = alb_arena_calloc(job->arena, FORWARD_MAX, sizeof(*job->forward));
    if (!job->forward)
        return false;
    bool has_accept = h->forward_all ? add_all(job) : add_named(job, &h->forward);
    if (!has_accept && h->accept.n > 0 && !alb_str_eq_c(h->accept, "*/*"))
        add(job, ALB_STR("Accept"), h->accept);
    return alb_arena_code(job->arena) == ALB_OK;
}
