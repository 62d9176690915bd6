/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of a connection around an answer: answers that the loop makes itself, the rest of a body that
 * nobody wants any more, and the step to the next request or to the end. On the loop.
 */
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "http/hand.h"

/* A server that ends waits for its clients' answers, not for their bodies: one that has been answered gets so long to
 * read it. */
#define FAREWELL_NS ALB_NS_PER_S

static bool draining(const struct alb_conn *c)
{
    return atomic_load_explicit(&c->loop->server->draining, memory_order_relaxed);
}

/* The answer is known and the body is not all in. Early answers must be readable: what still comes is read
 * away within limits and the connection lives on; else it ends by a half-close and a lingering read. */
void alb_conn_settle(struct alb_conn *c)
{
    struct alb_req *r = c->req;
    const struct alb_http_limits *lim = &r->server->config.limits;
    bool all = r->match.entry && (r->match.entry->route->flags & ALB_ROUTE_DRAIN_FIRST);

    if (r->settled)
        return;
    r->settled = true;
    switch (r->in) {
    case ALB_IN_DONE:
    case ALB_IN_DEAD:
        return;
    case ALB_IN_EXPECT: /* was never told to send it: whether it will is anybody's guess */
        r->in = ALB_IN_DEAD;
        return;
    case ALB_IN_COLLECT:
    case ALB_IN_STREAM:
    case ALB_IN_DISCARD:
        break;
    }
    r->in = ALB_IN_DISCARD;
    if (draining(c)) {
        r->in = ALB_IN_DEAD;
    } else if (all) {
        r->held = true;
    } else if (r->closing || r->res.close || !r->head.keep_alive) {
        r->in = ALB_IN_DEAD; /* nothing to keep: it is read away while the connection lingers */
    } else if (r->in_left > 0 && (uint64_t)r->in_left > lim->drain_bytes) {
        r->in = ALB_IN_DEAD;
    } else {
        r->drain_until = alb_deadline(c->loop->now, lim->drain_ns);
        alb_conn_arm(c);
    }
}

void alb_conn_answered(struct alb_conn *c)
{
    c->req->answered = true;
    alb_conn_settle(c);
}

void alb_conn_answer(struct alb_conn *c)
{
    struct alb_req *r = c->req;

    if (!r->head_made)
        alb_res_finalise(r);
    r->head_ready = true; /* no step has it: no lock */
    r->out_end = true;
    alb_conn_answered(c);
}

/* The request stays with its step and ends there; the connection gets a fresh one to answer with. */
static struct alb_req *replace_request(struct alb_conn *c, enum alb_code why)
{
    struct alb_req *old = c->req, *r = alb_req_take(c->loop);

    if (r) {
        memcpy(r->id, old->id, sizeof(r->id));
        r->id_n = old->id_n;
        r->method = old->method;
        r->in = ALB_IN_DEAD;
        r->recorded = true; /* under the old one */
        r->conn = c;
    }
    alb_conn_drop_request(c, why);
    c->req = r;
    return r;
}

void alb_conn_refuse(struct alb_conn *c, int status, const char *text)
{
    struct alb_req *r = c->req;

    if (r->pooled) {
        r = replace_request(c, ALB_E_TIMEOUT);
        if (!r) {
            c->io->shut(c);
            c->state = ALB_CONN_LINGER;
            c->linger_until = alb_deadline(c->loop->now, c->loop->server->config.limits.linger_ns);
            return;
        }
    }
    r->head_made = r->pumping = false; /* a hot answer that the pool had no room for */
    r->segment_n = 0;
    alb_res_error_status(r, status, text);
    alb_conn_answer(c);
}

void alb_conn_body_failed(struct alb_conn *c, enum alb_code code)
{
    struct alb_req *r = c->req;
    enum alb_in was = r->in;

    r->in = ALB_IN_DEAD;
    r->pace_in.since = ALB_NEVER;
    r->drain_until = ALB_NEVER;
    r->closing = true;
    if (was == ALB_IN_COLLECT) {
        if (code == ALB_E_TIMEOUT)
            alb_conn_refuse(c, 408, "the body came too slowly");
        else
            alb_conn_refuse(c, alb_code_status(code), alb_code_client_text(code));
    } else if (was != ALB_IN_DISCARD) {
        alb_mutex_lock(&r->mtx);
        if (!r->in_end && r->in_code == ALB_OK)
            r->in_code = code;
        alb_mutex_unlock(&r->mtx);
        alb_hand_body(r);
    }
}

/* ---- the end of a request ------------------------------------------------------------------------ */

/* What was read beyond the request outlives its buffer. False: no memory. */
static bool save_pending(struct alb_conn *c)
{
    char *copy;

    if (c->pending_n == 0 || c->pending_memory)
        return true;
    copy = alb_mem_alloc(c->pending_n);
    if (!copy)
        return false;
    memcpy(copy, c->pending, c->pending_n);
    c->pending = c->pending_memory = copy;
    return true;
}

static void set_linger(struct alb_conn *c, int64_t ns)
{
    if (draining(c) && ns > FAREWELL_NS)
        ns = FAREWELL_NS;
    c->linger_until = alb_deadline(c->loop->now, ns);
    alb_conn_arm(c);
}

/* Bodies that are only read away are given up, and whoever lingers has a moment more. */
void alb_conn_part(struct alb_conn *c)
{
    struct alb_req *r = c->req;

    if (c->state == ALB_CONN_LINGER) {
        if (c->linger_until > alb_deadline(c->loop->now, FAREWELL_NS))
            set_linger(c, FAREWELL_NS);
        return;
    }
    if (c->state != ALB_CONN_REQUEST || !r->settled || r->in != ALB_IN_DISCARD)
        return;
    r->in = ALB_IN_DEAD;
    r->held = false;
    r->closing = true;
    r->drain_until = ALB_NEVER;
    r->pace_in.since = ALB_NEVER;
    alb_conn_run(c);
}

static enum alb_conn_go end_connection(struct alb_conn *c, bool polite, bool unread)
{
    const struct alb_http_limits *lim = &c->loop->server->config.limits;

    if (!polite) {
        alb_conn_close(c);
        return ALB_CONN_OVER;
    }
    c->io->shut(c);
    c->state = ALB_CONN_LINGER;
    c->linger_left = lim->drain_bytes + ALB_LOOP_SCRATCH;
    set_linger(c, unread ? lim->drain_ns : lim->linger_ns);
    return ALB_CONN_MOVED;
}

enum alb_conn_go alb_conn_finish(struct alb_conn *c)
{
    struct alb_req *r = c->req;
    bool closing, polite, unread;

    if (r->out != ALB_OUT_DONE || !r->answered || (r->in != ALB_IN_DONE && r->in != ALB_IN_DEAD))
        return ALB_CONN_STUCK;
    /* Closing with unread bytes resets the connection, perhaps before the client has read the answer. */
    unread = r->in == ALB_IN_DEAD;
    polite = unread || r->head.keep_alive || c->pending_n > 0;
    closing = r->closing || !save_pending(c);
    if (closing && !c->pending_memory)
        c->pending_n = 0; /* it lies in the request's buffer */
    alb_req_record(r, alb_mono(r->server->config.clock));
    c->req = NULL;
    r->conn = NULL;
    alb_req_recycle(r);
    c->served = true;
    if (closing)
        return end_connection(c, polite, unread);
    c->state = ALB_CONN_IDLE;
    c->since = c->loop->now;
    c->gone_at = ALB_NEVER; /* what else it has sent has its own time */
    alb_conn_arm(c);
    return ALB_CONN_MOVED;
}
