/* SPDX-License-Identifier: Apache-2.0
 *
 * A head is complete (or broken): who asks, for what, and who answers. Fills the request's context, finds the
 * route, looks at the announced body, and gives the request to hot, or to the pool. On the loop.
 */
#include <string.h>

#include "base/check.h"
#include "base/stat.h"
#include "http/hand.h"

/* ---- context ------------------------------------------------------------------------------------- */

/* Ids of other systems are taken over if they look like ids, so that one request keeps one name in all logs.
 */
static bool is_request_id(struct alb_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!alb_is_digit(s.p[i]) && !(alb_lower(s.p[i]) >= 'a' && alb_lower(s.p[i]) <= 'z') &&
            s.p[i] != '-' && s.p[i] != '_' && s.p[i] != '.')
            return false;
    return s.n >= 1 && s.n <= 36;
}

static void set_id(struct alb_req *r)
{
    static const char digits[] = "0123456789abcdef";
    struct alb_str given = alb_head_known(&r->head, ALB_H_X_REQUEST_ID);
    struct alb_loop *l = r->loop;

    if (given.p && is_request_id(given)) {
        memcpy(r->id, given.p, given.n);
        r->id_n = given.n;
    } else { /* a prefix per loop and start, and a number: unique, short, and cheap on the hot path */
        uint64_t n = l->id_next++;

        memcpy(r->id, l->id_prefix, sizeof(l->id_prefix));
        for (size_t i = 0; i < 10; i++)
            r->id[sizeof(l->id_prefix) + i] = digits[n >> (4 * (9 - i)) & 15];
        r->id_n = sizeof(l->id_prefix) + 10;
    }
    r->id[r->id_n] = '\0';
}

static void set_client(struct alb_req *r, const struct alb_conn *c)
{
    struct alb_seen seen = {c->peer, ALB_STR_NONE, ALB_STR_NONE};

    if (r->server->trusted_n > 0)
        alb_proxy_see(&r->head, &c->peer, r->server->trusted, r->server->trusted_n, &seen);
    r->client_n = alb_addr_text(&seen.client, r->client);
    r->client_port = memcmp(&seen.client, &c->peer, sizeof(seen.client)) == 0 ? c->port : 0;
    r->scheme = seen.scheme.p ? seen.scheme : ALB_STR("http");
    r->host = seen.host.p ? seen.host : r->head.host;
}

/* ---- route --------------------------------------------------------------------------------------- */

static void refuse_method(struct alb_conn *c, struct alb_req *r)
{
    char allow[64];

    alb_methods_text(r->match.allow | ALB_M_OPTIONS, allow);
    if (r->method == ALB_M_OPTIONS) {
        if (!alb_res_preflight(r, r->match.allow))
            alb_res_status(r, 204);
        alb_res_header_c(r, "Allow", allow);
        alb_conn_answer(c);
        return;
    }
    alb_res_header_c(r, "Allow", allow);
    alb_conn_refuse(c, r->method ? 405 : 501, NULL);
}

/* POST with X-HTTP-Method-Override, where the route that is meant allows it. */
static void find_override(struct alb_req *r)
{
    struct alb_str name = alb_head_known(&r->head, ALB_H_X_HTTP_METHOD_OVERRIDE);
    unsigned bit = name.p && r->method == ALB_M_POST ? alb_method_bit(name) : 0;
    struct alb_route_match m;

    if (!bit)
        return;
    alb_router_find(r->server->router, r->head.path, bit, &m);
    if (m.entry && (m.entry->route->flags & ALB_ROUTE_OVERRIDE)) {
        r->match = m;
        r->method = bit;
    }
}

/* Any route of the path lends its group to answers that no route gives (405, preflight). */
static const struct alb_http_group *group_of(const struct alb_req *r)
{
    struct alb_route_match m;

    if (r->match.entry)
        return r->match.entry->group;
    for (unsigned i = 0; i < ALB_ROUTE_METHODS; i++)
        if (r->match.allow & 1u << i) {
            alb_router_find(r->server->router, r->head.path, 1u << i, &m);
            if (m.entry)
                return m.entry->group;
        }
    return &r->server->bare;
}

static void tell_begun(const struct alb_req *r)
{
    const struct alb_http_voice *voice = r->server->config.voice;

    if (voice)
        voice->begun(voice->ctx, r);
}

static void begin_body(struct alb_conn *c, struct alb_req *r)
{
    const struct alb_route *route = r->match.entry->route;
    uint64_t max = route->body_max;

    if (route->body == ALB_BODY_SMALL && max == 0)
        max = r->server->config.limits.small_body;
    if (max > 0 && r->head.length > 0 && (uint64_t)r->head.length > max) {
        alb_conn_refuse(c, 413, alb_code_client_text(ALB_E_TOO_LARGE));
        return;
    }
    r->in_max = max > 0 ? max : UINT64_MAX;
    switch (route->body) {
    case ALB_BODY_NONE:
        alb_req_enter(r);
        break;
    case ALB_BODY_SMALL:
        if (r->head.length == 0) {
            alb_req_enter(r);
            break;
        }
        r->in = ALB_IN_COLLECT;
        if (r->head.expect && c->pending_n == 0)
            alb_buf_c(&r->early, "HTTP/1.1 100 Continue\r\n\r\n");
        r->continued = true;
        break;
    case ALB_BODY_STREAM:
        if (r->head.length == 0)
            r->in_end = true; /* nobody else knows the request yet: no lock */
        else
            r->in = r->head.expect ? ALB_IN_EXPECT : ALB_IN_STREAM;
        alb_req_enter(r);
        break;
    }
}

void alb_req_dispatch(struct alb_conn *c, struct alb_req *r, int status)
{
    r->t_head = r->loop->now;
    r->deadline = alb_deadline(r->t_head, r->server->config.limits.request_ns);
    r->method = r->head.method_bit;
    if (r->server->config.limits.idle_ns == 0)
        r->head.keep_alive = false;
    alb_stat_inc(ALB_STAT_HTTP_REQUESTS);
    alb_stat_inc(ALB_STAT_HTTP_IN_FLIGHT);
    set_id(r);
    set_client(r, c);
    if (status) {
        r->in = ALB_IN_DEAD; /* what follows has no meaning */
        alb_conn_refuse(c, status, NULL);
        return;
    }
    if (r->head.length != 0) {
        r->in = r->head.expect ? ALB_IN_EXPECT : ALB_IN_DISCARD;
        r->in_left = r->head.length;
        if (r->head.chunked)
            alb_chunked_init(&r->chunked);
    }
    if (r->head.path.p[0] == '*') {
        r->match.allow = ALB_M_ALL;
        refuse_method(c, r);
        return;
    }
    alb_router_find(r->server->router, r->head.path, r->method, &r->match);
    find_override(r);
    if (r->match.entry || r->match.allow)
        r->group = group_of(r);
    tell_begun(r);
    if (r->match.entry)
        begin_body(c, r);
    else if (r->match.allow)
        refuse_method(c, r);
    else
        alb_conn_refuse(c, r->method ? 404 : 501, NULL);
}

/* ---- entry --------------------------------------------------------------------------------------- */

/* True: an answer is set. */
static bool try_hot(struct alb_req *r)
{
    alb_before_fn *before = r->group->before ? r->group->before : r->server->config.before;
    alb_hot_fn *hot = r->match.entry->route->hot;

    if (!hot)
        return false;
    if (before) {
        switch (before(r, true)) {
        case ALB_BEFORE_GO:
            break;
        case ALB_BEFORE_ANSWERED:
            return true;
        case ALB_BEFORE_LATER:
            alb_req_reset_response(r);
            return false;
        case ALB_BEFORE_WAIT:
            alb_panic("http", "%s: WAIT is an answer for the pool only", r->group->name);
        }
    }
    r->before_done = true;
    if (hot(r) == ALB_HOT_HIT)
        return true;
    alb_req_reset_response(r);
    return false;
}

void alb_req_enter(struct alb_req *r)
{
    r->t_entry = r->loop->now;
    if (try_hot(r)) {
        alb_res_finalise(r);
        if (!r->pumping) {
            alb_conn_answer(r->conn);
            return;
        }
    }
    alb_loop_flight_add(r->loop, r);
    if (alb_hand_submit(r) != ALB_OK)
        alb_conn_refuse(r->conn, 503, alb_code_client_text(ALB_E_BUSY));
}
