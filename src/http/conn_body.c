/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a body: collected into one buffer (SMALL routes), into the ring that a step empties (STREAM), or
 * away (nobody wants it). Back-pressure is simply not reading. On the loop; HTTP_REQUEST is taken for the
 * ring's positions, never while bytes are read.
 */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "http/hand.h"

#define COLLECT_STEP 16384

/* Where the next bytes go. */
struct place {
    char *p;
    size_t room;
};

static struct place collect_place(struct alb_req *r)
{
    size_t want = COLLECT_STEP, grown;
    struct place at = {NULL, 0};

    if (r->in_left > 0 && r->in_left < COLLECT_STEP)
        want = (size_t)r->in_left;
    at.p = alb_buf_reserve(&r->small, want);
    grown = r->small.cap > r->small_charged ? r->small.cap - r->small_charged : 0;
    if (at.p && grown > 0) {
        if (!alb_http_charge(r->server, grown))
            return (struct place){NULL, 0};
        r->small_charged += grown;
    }
    at.room = want;
    return at;
}

/* room = 0 and p = NULL: full; the step says when it has used some. */
static struct place stream_place(struct alb_req *r)
{
    struct place at;

    alb_mutex_lock(&r->mtx);
    at.p =
        alb_ring_space(&r->in_ring, r->server, r->in_left > 0 ? (uint64_t)r->in_left : UINT64_MAX, &at.room);
    if (!at.p && at.room == 0)
        r->in_paused = true;
    alb_mutex_unlock(&r->mtx);
    return at;
}

static struct place find_place(struct alb_conn *c, struct alb_req *r)
{
    if (r->in == ALB_IN_COLLECT)
        return collect_place(r);
    if (r->in == ALB_IN_STREAM)
        return stream_place(r);
    return (struct place){(char *)c->loop->scratch, ALB_LOOP_SCRATCH};
}

/* Bytes behind the end of a chunked body belong to the next request. */
static bool put_back(struct alb_conn *c, const char *p, size_t n)
{
    if (c->pending_n > 0) {
        c->pending -= n;
        c->pending_n += n;
        return true;
    }
    c->pending_memory = alb_mem_alloc(n);
    if (!c->pending_memory)
        return false;
    memcpy(c->pending_memory, p, n);
    c->pending = c->pending_memory;
    c->pending_n = n;
    return true;
}

enum framing { FRAMING_MORE, FRAMING_END, FRAMING_BAD };

/* n raw bytes have been read to p: what of them is body (*payload, at p), and is it complete? */
static enum framing unframe(struct alb_conn *c, struct alb_req *r, char *p, size_t n, size_t *payload)
{
    size_t used;

    if (!r->head.chunked) {
        *payload = n;
        r->in_left -= (int64_t)n;
        return r->in_left == 0 ? FRAMING_END : FRAMING_MORE;
    }
    used = alb_chunked_decode(&r->chunked, p, n, payload);
    if (r->chunked.state == ALB_CHUNK_BAD)
        return FRAMING_BAD;
    if (r->chunked.state != ALB_CHUNK_END)
        return FRAMING_MORE;
    return used == n || put_back(c, p + used, n - used) ? FRAMING_END : FRAMING_BAD;
}

static void took_collected(struct alb_conn *c, struct alb_req *r, size_t n, enum framing f)
{
    alb_buf_commit(&r->small, n);
    r->in_seen += n;
    if (r->in_seen > r->in_max) {
        alb_conn_body_failed(c, ALB_E_TOO_LARGE);
    } else if (f == FRAMING_END) {
        r->in = ALB_IN_DONE;
        r->pace_in.since = ALB_NEVER;
        alb_req_read_trailers(r);
        alb_req_enter(r);
    }
}

static void took_stream(struct alb_conn *c, struct alb_req *r, size_t n, enum framing f)
{
    bool large;

    if (f == FRAMING_END)
        r->in = ALB_IN_DONE;
    alb_mutex_lock(&r->mtx);
    alb_ring_filled(&r->in_ring, n);
    r->in_seen += n;
    large = r->in_seen > r->in_max;
    if (f == FRAMING_END && !large)
        r->in_end = true;
    alb_mutex_unlock(&r->mtx);
    if (large)
        alb_conn_body_failed(c, ALB_E_TOO_LARGE);
    else if (n > 0 || f == FRAMING_END)
        alb_hand_body(r);
}

static void took_away(struct alb_conn *c, struct alb_req *r, size_t n, enum framing f)
{
    bool all = r->match.entry && (r->match.entry->route->flags & ALB_ROUTE_DRAIN_FIRST);

    r->drained += n;
    if (f == FRAMING_END)
        r->in = ALB_IN_DONE;
    else if (!all && r->drained > r->server->config.limits.drain_bytes)
        alb_conn_body_failed(c, ALB_E_TOO_LARGE);
}

static void took(struct alb_conn *c, struct alb_req *r, char *p, size_t n)
{
    size_t payload;
    enum framing f = unframe(c, r, p, n, &payload);

    r->pace_in.bytes += n;
    if (f == FRAMING_BAD) {
        alb_conn_body_failed(c, ALB_E_INVALID);
        return;
    }
    if (f == FRAMING_END) {
        r->pace_in.since = ALB_NEVER;
        r->drain_until = ALB_NEVER;
    }
    if (r->in == ALB_IN_COLLECT)
        took_collected(c, r, payload, f);
    else if (r->in == ALB_IN_STREAM)
        took_stream(c, r, payload, f);
    else
        took_away(c, r, payload, f);
}

/* The step has asked for a body that the client keeps back until it is told to go on. One that has shut its
 * side waits for nothing: it has sent the body, or has gone. */
static bool go_on(struct alb_conn *c, struct alb_req *r)
{
    bool wanted;

    alb_mutex_lock(&r->mtx);
    wanted = r->in_wanted || c->hung_up;
    if (wanted) { /* interim answers that the step has given before it asked come before this one */
        alb_buf_str(&r->early, alb_buf_view(&r->interim));
        alb_buf_reset(&r->interim);
    }
    alb_mutex_unlock(&r->mtx);
    if (!wanted)
        return false;
    if (c->pending_n == 0)
        alb_buf_c(&r->early, "HTTP/1.1 100 Continue\r\n\r\n");
    r->continued = true;
    r->in = ALB_IN_STREAM;
    return true;
}

/* Nothing there: from now on it is the client that is awaited; with the first bytes its time begins anew, and
 * is another one (conn.c, body_window). */
static enum alb_conn_go wait_for_client(struct alb_conn *c, struct alb_req *r)
{
    bool begun = r->in_seen > 0 || r->drained > 0;

    if (r->pace_in.since == ALB_NEVER || r->in_begun != begun) {
        r->pace_in = (struct alb_pace){c->loop->now, 0};
        r->in_begun = begun;
        alb_conn_arm(c);
    }
    if (r->in == ALB_IN_COLLECT)
        alb_loop_flight_add(c->loop, r); /* it may take a while */
    return ALB_CONN_STUCK;
}

static enum alb_conn_go read_to(struct alb_conn *c, struct alb_req *r, struct place at)
{
    ssize_t n;

    if (r->in_left > 0 && at.room > (uint64_t)r->in_left)
        at.room = (size_t)r->in_left;
    n = alb_conn_recv(c, at.p, at.room);
    if (n < 0 && errno == EAGAIN)
        return wait_for_client(c, r);
    if (n <= 0) {
        alb_conn_close(c); /* the step still gets what is in the ring */
        return ALB_CONN_OVER;
    }
    took(c, r, at.p, (size_t)n);
    return ALB_CONN_MOVED;
}

enum alb_conn_go alb_conn_read_body(struct alb_conn *c)
{
    struct alb_req *r = c->req;
    struct place at;

    if (r->in == ALB_IN_DONE || r->in == ALB_IN_DEAD || (r->in == ALB_IN_EXPECT && !go_on(c, r)))
        return ALB_CONN_STUCK;
    if (!c->readable && c->pending_n == 0)
        return wait_for_client(c, r);
    at = find_place(c, r);
    if (at.p)
        return read_to(c, r, at);
    if (at.room == 0 && r->in == ALB_IN_STREAM) {
        r->pace_in.since = ALB_NEVER; /* the ring is full: we are the slow side */
        return ALB_CONN_STUCK;
    }
    alb_conn_body_failed(c, ALB_E_BUSY);
    return ALB_CONN_MOVED;
}
