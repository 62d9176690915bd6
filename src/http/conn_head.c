/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a head into a request's buffer. A connection has a request (and so a buffer) from the first byte
 * on; an idle one has none. On the loop.
 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/stat.h"
#include "http/hand.h"

static bool grow(struct alb_req *r, size_t max)
{
    size_t cap = r->in_cap * 2 < max ? r->in_cap * 2 : max;
    char *p = cap > r->in_cap ? alb_mem_realloc(r->in_buf, cap) : NULL;

    if (!p)
        return false;
    r->in_buf = p;
    r->in_cap = cap;
    return true;
}

/* What came behind the head is read as body, or as the next head. If not all of what was pending is used up,
 * everything behind the head came from there: it is put back. Else it stays in the request's buffer. */
static void keep_rest(struct alb_conn *c, struct alb_req *r)
{
    size_t rest = r->in_n - r->scan.at;

    if (c->pending_n > 0) {
        c->pending -= rest;
        c->pending_n += rest;
    } else {
        c->pending = r->in_buf + r->scan.at;
        c->pending_n = rest;
    }
}

static enum alb_conn_go head_complete(struct alb_conn *c, struct alb_req *r, int scanned)
{
    const struct alb_http_limits *lim = &c->loop->server->config.limits;
    const struct alb_head_limits limits = {lim->head_bytes, lim->target_bytes, lim->head_count};
    int status = scanned;

    c->state = ALB_CONN_REQUEST;
    if (scanned == ALB_SCAN_DONE) {
        status = alb_head_parse(r->in_buf + r->scan.start, r->scan.at - r->scan.start, &limits, &r->head);
        keep_rest(c, r);
    }
    alb_req_dispatch(c, r, status);
    return ALB_CONN_MOVED;
}

static void give_back(struct alb_conn *c)
{
    struct alb_req *r = c->req;

    c->req = NULL;
    c->state = ALB_CONN_IDLE;
    if (r)
        alb_req_recycle(r);
}

static enum alb_conn_go hang_up(struct alb_conn *c)
{
    give_back(c);
    alb_conn_close(c);
    return ALB_CONN_OVER;
}

/* Nothing to read now. With the server draining, an idle connection has no future. */
static enum alb_conn_go wait_for_more(struct alb_conn *c)
{
    if (c->req && c->req->in_n > 0) {
        if (c->state == ALB_CONN_IDLE) {
            c->state = ALB_CONN_HEAD;
            c->since = c->loop->now;
            alb_conn_arm(c);
        }
        return ALB_CONN_STUCK;
    }
    if (atomic_load_explicit(&c->loop->server->draining, memory_order_relaxed))
        return hang_up(c);
    give_back(c);
    return ALB_CONN_STUCK;
}

enum alb_conn_go alb_conn_read_head(struct alb_conn *c)
{
    const struct alb_http_limits *lim = &c->loop->server->config.limits;
    const struct alb_head_limits limits = {lim->head_bytes, lim->target_bytes, lim->head_count};
    struct alb_req *r = c->req;
    ssize_t n;
    int scanned;

    if (!c->readable && c->pending_n == 0)
        return wait_for_more(c);
    if (!r) {
        r = alb_req_take(c->loop);
        if (!r)
            return hang_up(c);
        c->req = r;
        r->conn = c;
    }
    if (r->in_n == r->in_cap && !grow(r, lim->head_bytes + 4)) /* the scan refuses before it is that full */
        return hang_up(c);
    n = alb_conn_recv(c, r->in_buf + r->in_n, r->in_cap - r->in_n);
    if (n < 0 && errno == EAGAIN)
        return wait_for_more(c);
    if (n <= 0)
        return hang_up(c);
    if (r->in_n == 0)
        r->t_first = c->loop->now;
    r->in_n += (size_t)n;
    scanned = alb_head_scan(&r->scan, r->in_buf, r->in_n, &limits);
    return scanned == ALB_SCAN_MORE ? ALB_CONN_MOVED : head_complete(c, r, scanned);
}
