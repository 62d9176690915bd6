/* SPDX-License-Identifier: Apache-2.0
 *
 * Cross-origin rules (Fetch standard, "CORS protocol"): lines added to answers whose request has an Origin
 * that the group allows, and preflights. Called by the holder.
 */
#include <string.h>

#include "http/http_priv.h"

static const struct alb_cors *rules(const struct alb_req *r)
{
    return r->group->cors ? r->group->cors : r->server->config.cors;
}

static bool any_origin(const struct alb_cors *c)
{
    return c->origin_count == 1 && strcmp(c->origins[0], "*") == 0;
}

/* The request's origin if it is allowed; p == NULL: none, or not. */
static struct alb_str allowed_origin(const struct alb_req *r, const struct alb_cors *c)
{
    struct alb_str origin = alb_head_known(&r->head, ALB_H_ORIGIN);

    if (!origin.p || !c)
        return ALB_STR_NONE;
    if (any_origin(c))
        return origin;
    for (size_t i = 0; i < c->origin_count; i++)
        if (alb_str_eq_c(origin, c->origins[i]))
            return origin;
    return ALB_STR_NONE;
}

void alb_cors_lines(struct alb_req *r)
{
    const struct alb_cors *c = rules(r);
    struct alb_str origin;

    if (!c || c->origin_count == 0)
        return;
    if (!any_origin(c) || c->credentials)
        alb_res_header_c(r, "Vary", "Origin"); /* also when there is none: a cache must not mix them up */
    origin = allowed_origin(r, c);
    if (!origin.p)
        return;
    if (any_origin(c) && !c->credentials)
        alb_res_header_set(r, "Access-Control-Allow-Origin", ALB_STR("*"));
    else
        alb_res_header_set(r, "Access-Control-Allow-Origin", origin);
    if (c->credentials)
        alb_res_header_set(r, "Access-Control-Allow-Credentials", ALB_STR("true"));
    if (c->expose_headers && r->method != ALB_M_OPTIONS)
        alb_res_header_set(r, "Access-Control-Expose-Headers", alb_str_c(c->expose_headers));
}

bool alb_res_preflight(struct alb_req *r, unsigned allow)
{
    const struct alb_cors *c = rules(r);
    struct alb_str wanted = alb_head_known(&r->head, ALB_H_AC_REQUEST_HEADERS);
    char methods[64];

    if (!alb_head_known(&r->head, ALB_H_AC_REQUEST_METHOD).p || !allowed_origin(r, c).p)
        return false;
    alb_methods_text(allow, methods);
    alb_res_status(r, 204);
    alb_res_header_c(r, "Access-Control-Allow-Methods", methods);
    if (c->allow_headers)
        alb_res_header_c(r, "Access-Control-Allow-Headers", c->allow_headers);
    else if (wanted.p)
        alb_res_header(r, "Access-Control-Allow-Headers", wanted);
    alb_res_header_i64(r, "Access-Control-Max-Age", c->max_age_s);
    return true;
}
