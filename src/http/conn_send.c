/* SPDX-License-Identifier: Apache-2.0
 *
 * Sending an answer: interim answers, head, and a body from memory or from the out ring (as it is, or in
 * chunks), as much per system call as is there. On the loop; HTTP_REQUEST for what the step's side has
 * written.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/stat.h"
#include "http/hand.h"

#define MOST_PER_CALL 1048576 /* so that one large body does not hold up the others */
#define FILE_LEAST 16384 /* shorter stretches of a file are copied: that is quicker than a call of its own */

/* What the other side offers now. */
struct offer {
    bool head, end, abort;
    const char *ring; /* first filled piece */
    size_t ring_n;
};

static struct offer look(struct alb_req *r)
{
    struct offer o;

    if (!r->pooled) /* the loop has made the answer itself */
        return (struct offer){r->head_ready, r->out_end, r->res.abort, NULL, 0};
    alb_mutex_lock(&r->mtx);
    o.head = r->head_ready;
    o.end = r->out_end;
    o.abort = o.end && r->res.abort;
    o.ring = alb_ring_view(&r->out_ring, &o.ring_n);
    if (r->early_sent == r->early.n && r->interim.n > 0) {
        struct alb_buf empty = r->early;

        r->early = r->interim;
        r->interim = empty;
        alb_buf_reset(&r->interim);
        r->early_sent = 0;
    }
    alb_mutex_unlock(&r->mtx);
    return o;
}

/* The last lines, which depend on the connection and the moment. */
static void start(struct alb_conn *c, struct alb_req *r)
{
    struct alb_buf *b = &r->out_head;
    const char *date;
    size_t n;

    date = alb_loop_date(c->loop, &n);
    alb_buf_add(b, date, n);
    if (!r->head.keep_alive || r->res.close || r->in == ALB_IN_DEAD ||
        atomic_load_explicit(&r->server->draining, memory_order_relaxed))
        r->closing = true;
    if (r->closing)
        alb_buf_add(b, "Connection: close\r\n", 19);
    else if (!r->head.v11)
        alb_buf_add(b, "Connection: keep-alive\r\n", 24);
    alb_buf_add(b, "\r\n", 2);
    r->out = ALB_OUT_SENDING;
}

static bool from_ring(const struct alb_req *r)
{
    return r->pumping || r->res.kind == ALB_RES_STREAM;
}

static bool in_chunks(const struct alb_req *r)
{
    return r->body_size == UINT64_MAX && r->head.v11;
}

/* ---- gathering ----------------------------------------------------------------------------------- */

/* Pieces of memory, and behind them a stretch of a file. */
struct pieces {
    struct iovec v[6];
    int n;
    int fd;
    size_t file_at, file_n;
    size_t total;
};

static void piece(struct pieces *ps, const char *p, size_t n)
{
    if (n == 0)
        return;
    ps->v[ps->n].iov_base = (void *)(uintptr_t)p;
    ps->v[ps->n++].iov_len = n;
    ps->total += n;
}

static void stretch(struct pieces *ps, const struct alb_bytes *bytes, const char *p, size_t n)
{
    ps->fd = bytes->fd;
    ps->file_at = (size_t)((const unsigned char *)p - bytes->p);
    ps->file_n = n;
    ps->total += n;
}

/* The head of a chunk for what is in the ring now, or the last chunk. */
static void open_frame(struct alb_req *r, const struct offer *o)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = o->ring_n;
    int shift = 60;

    r->frame_at = r->frame_n = 0;
    if (n == 0) {
        if (o->end && !r->frame_last) {
            memcpy(r->frame, "0\r\n\r\n", 5);
            r->frame_n = 5;
            r->frame_last = true;
        }
        return;
    }
    while (shift > 0 && (n >> shift & 15) == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        r->frame[r->frame_n++] = digits[n >> shift & 15];
    r->frame[r->frame_n++] = '\r';
    r->frame[r->frame_n++] = '\n';
    r->frame_left = n;
    r->frame_tail = 2;
}

static const char crlf[2] = {'\r', '\n'};

static void gather_body(struct alb_req *r, const struct offer *o, struct pieces *ps)
{
    if (r->head_only)
        return;
    if (!from_ring(r)) {
        size_t left = r->res.memory.n - (size_t)r->body_sent, n = left < MOST_PER_CALL ? left : MOST_PER_CALL;
        const char *at = r->res.memory.p + r->body_sent;

        if (r->res.kind == ALB_RES_BYTES && r->res.bytes->fd >= 0 && n >= FILE_LEAST)
            stretch(ps, r->res.bytes, at, n);
        else
            piece(ps, at, n);
    } else if (in_chunks(r)) {
        if (r->frame_at == r->frame_n && r->frame_left == 0 && r->frame_tail == 0)
            open_frame(r, o);
        piece(ps, r->frame + r->frame_at, r->frame_n - r->frame_at);
        piece(ps, o->ring, r->frame_left < o->ring_n ? r->frame_left : o->ring_n);
        if (r->frame_left <= o->ring_n)
            piece(ps, crlf + sizeof(crlf) - r->frame_tail, r->frame_tail);
    } else {
        piece(ps, o->ring, o->ring_n);
    }
}

/* ---- accounting ---------------------------------------------------------------------------------- */

static size_t take(size_t *sent, size_t most)
{
    size_t n = *sent < most ? *sent : most;

    *sent -= n;
    return n;
}

static void ring_sent(struct alb_req *r, size_t n)
{
    bool drained;

    if (n == 0)
        return;
    alb_mutex_lock(&r->mtx);
    alb_ring_used(&r->out_ring, n);
    drained = r->out_ring.fill <= r->out_ring.cap / 2;
    alb_mutex_unlock(&r->mtx);
    if (drained)
        alb_hand_drained(r);
}

static void account(struct alb_req *r, size_t sent)
{
    r->bytes_out += sent;
    r->pace_out.bytes += sent;
    alb_stat_add(ALB_STAT_HTTP_BYTES_OUT, (int64_t)sent);
    r->early_sent += take(&sent, r->early.n - r->early_sent);
    if (r->out != ALB_OUT_SENDING)
        return;
    r->head_sent += take(&sent, r->out_head.n - r->head_sent);
    if (!from_ring(r)) {
        r->body_sent += sent;
        return;
    }
    if (in_chunks(r)) {
        size_t data;

        r->frame_at += (unsigned)take(&sent, r->frame_n - r->frame_at);
        data = take(&sent, r->frame_left);
        r->frame_left -= data;
        r->frame_tail -= (unsigned)take(&sent, r->frame_tail);
        r->body_sent += data;
        ring_sent(r, data);
    } else {
        r->body_sent += sent;
        ring_sent(r, sent);
    }
}

/* Is everything out? *cut: it ended before its size. */
static bool complete(const struct alb_req *r, const struct offer *o, bool *cut)
{
    bool empty;

    *cut = false;
    if (r->out != ALB_OUT_SENDING || r->head_sent < r->out_head.n)
        return false;
    if (r->head_only)
        return o->end;
    if (!from_ring(r))
        return r->body_sent == r->res.memory.n;
    if (in_chunks(r))
        return r->frame_last && r->frame_at == r->frame_n;
    if (r->body_sent == r->body_size)
        return o->end;
    empty = o->end && o->ring_n == 0;
    *cut = empty && r->body_size != UINT64_MAX;
    return empty;
}

/* A body that breaks off must look so, even where the end of the connection would end it well. */
static enum alb_conn_go cut_off(struct alb_conn *c)
{
    struct linger now = {1, 0};

    (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    alb_conn_close(c);
    return ALB_CONN_OVER;
}

/* May the final answer go out, as far as it is there? */
static bool is_due(const struct alb_req *r, const struct offer *o)
{
    return r->out != ALB_OUT_NOTHING || (o->head && !(r->held && r->in == ALB_IN_DISCARD));
}

/* The client does not read. That counts from the moment on at which there is a final answer to read: who sends
 * a long body and reads nothing meanwhile may let interim answers lie. */
static enum alb_conn_go not_now(struct alb_conn *c, struct alb_req *r, const struct offer *o)
{
    c->writable = false;
    if (r->pace_out.since == ALB_NEVER && is_due(r, o)) {
        r->pace_out = (struct alb_pace){c->loop->now, 0};
        alb_conn_arm(c);
    }
    return ALB_CONN_STUCK;
}

/* Everything that can go out now. */
static void gather(struct alb_req *r, const struct offer *o, struct pieces *ps)
{
    piece(ps, r->early.p + r->early_sent, r->early.n - r->early_sent);
    if (r->out != ALB_OUT_SENDING)
        return;
    piece(ps, r->out_head.p + r->head_sent, r->out_head.n - r->head_sent);
    gather_body(r, o, ps);
}

static enum alb_conn_go sent_all(struct alb_conn *c, struct alb_req *r, const struct offer *o, bool any)
{
    bool cut;

    if (complete(r, o, &cut))
        r->out = ALB_OUT_DONE;
    if (cut)
        return cut_off(c);
    if (any)
        return ALB_CONN_MOVED;
    r->pace_out.since = ALB_NEVER; /* all is out that there is: we are the slow side */
    return ALB_CONN_STUCK;
}

/* As much as the socket takes now. */
static ssize_t send_out(struct alb_conn *c, const struct pieces *ps)
{
    size_t first = ps->total - ps->file_n;
    ssize_t sent = 0, more;

    if (ps->n > 0)
        sent = c->io->send(c, ps->v, ps->n, ps->file_n > 0);
    if (ps->file_n == 0 || sent < (ssize_t)first)
        return sent;
    more = c->io->send_file(c, ps->fd, ps->file_at, ps->file_n);
    if (more < 0)
        return errno == EAGAIN && sent > 0 ? sent : -1;
    return sent + more;
}

enum alb_conn_go alb_conn_send(struct alb_conn *c)
{
    struct alb_req *r = c->req;
    struct pieces ps = {.n = 0};
    struct offer o;
    ssize_t sent;

    if (r->out == ALB_OUT_DONE || (!c->writable && r->pace_out.since != ALB_NEVER))
        return ALB_CONN_STUCK;
    o = look(r);
    if (o.abort)
        return cut_off(c);
    if (o.end)
        alb_conn_settle(c); /* its letter may still be on the way */
    if (!c->writable)
        return not_now(c, r, &o);
    if (r->out == ALB_OUT_NOTHING && is_due(r, &o))
        start(c, r);
    gather(r, &o, &ps);
    if (ps.total == 0)
        return sent_all(c, r, &o, false);
    sent = send_out(c, &ps);
    if (sent < 0 && errno != EAGAIN) {
        alb_conn_close(c);
        return ALB_CONN_OVER;
    }
    if (sent > 0)
        account(r, (size_t)sent);
    if (sent < (ssize_t)ps.total)
        return not_now(c, r, &o);
    return sent_all(c, r, &o, true);
}
