/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a connection (conn.h): from accept to close, deadlines, and the order in which its parts get
 * their turn. Reading and sending are in conn_head.c, conn_body.c and conn_send.c. On the loop.
 */
#include "http/conn.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/stat.h"
#include "http/hand.h"

#define TURNS 16 /* of one connection before the others get theirs */
/* A client that has shut its side may still read (nc -N, old libraries), or has closed: TCP says the same of both.
 * So long it gets its answer; after that whatever is only waited for by it is dropped (law 8). */
#define HALF_CLOSED_NS ALB_NS_PER_S

/* ---- the plain transport ------------------------------------------------------------------------- */

static ssize_t plain_recv(struct alb_conn *c, void *p, size_t n)
{
    ssize_t got;

    do
        got = recv(c->fd, p, n, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

static ssize_t plain_send(struct alb_conn *c, const struct iovec *iov, int count, bool more)
{
    union { /* sendmsg does not write to the pieces, but its struct says it might */
        const struct iovec *in;
        struct iovec *out;
    } pieces = {iov};
    struct msghdr msg = {.msg_iov = pieces.out, .msg_iovlen = (size_t)count};
    ssize_t sent;

    do
        sent = sendmsg(c->fd, &msg, more ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

/* A closed socket is EPIPE: SIGPIPE, for which sendfile has no flag, is blocked in all our threads (base/thread.h). */
static ssize_t plain_send_file(struct alb_conn *c, int fd, size_t off, size_t n)
{
    off_t at = (off_t)off;
    ssize_t sent;

    do
        sent = sendfile(c->fd, fd, &at, n);
    while (sent < 0 && errno == EINTR);
    return sent;
}

static void plain_shut(struct alb_conn *c)
{
    (void)shutdown(c->fd, SHUT_WR);
}

static void plain_close(struct alb_conn *c)
{
    (void)close(c->fd);
}

const struct alb_transport alb_transport_plain = {plain_recv, plain_send, plain_send_file, plain_shut,
                                                  plain_close};

ssize_t alb_conn_recv(struct alb_conn *c, void *p, size_t n)
{
    ssize_t got;

    if (c->pending_n > 0) {
        size_t k = n < c->pending_n ? n : c->pending_n;

        memcpy(p, c->pending, k);
        c->pending += k;
        c->pending_n -= k;
        if (c->pending_n == 0) {
            alb_mem_free(c->pending_memory);
            c->pending_memory = NULL;
        }
        return (ssize_t)k;
    }
    if (!c->readable) {
        errno = EAGAIN;
        return -1;
    }
    got = c->io->recv(c, p, n);
    /* Short: the socket is empty now, and epoll will tell of more; but it has told of a hang-up already. */
    if (got < 0 || (got < (ssize_t)n && !c->hung_up))
        c->readable = false;
    if (got > 0)
        alb_stat_add(ALB_STAT_HTTP_BYTES_IN, got);
    return got;
}

/* ---- begin and end ------------------------------------------------------------------------------- */

static void timer_fired(struct alb_wheel_entry *e, int64_t now);

struct alb_conn *alb_conn_new(struct alb_loop *loop, int fd, const struct alb_addr *peer)
{
    struct alb_conn *c = alb_mem_calloc(1, sizeof(*c));

    if (!c) {
        (void)close(fd);
        return NULL;
    }
    c->source.kind = ALB_SOURCE_CONN;
    c->loop = loop;
    c->io = &alb_transport_plain;
    c->fd = fd;
    c->state = ALB_CONN_IDLE;
    c->readable = c->writable = true;
    c->peer = *peer;
    c->timer.fire = timer_fired;
    c->timer.due = c->gone_at = ALB_NEVER;
    return c;
}

void alb_conn_discard(struct alb_conn *c)
{
    c->io->close(c);
    alb_mem_free(c);
}

/* Over a limit: says so, as far as one write goes, and lets the client read it. */
static void turn_away(struct alb_conn *c)
{
    static const char text[] =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json; charset=utf-8\r\n"
        "Content-Length: 81\r\nRetry-After: 5\r\nCache-Control: no-store\r\n"
        "Connection: close\r\n\r\n"
        "{\"message\":\"too many connections\",\"error\":\"Service Unavailable\","
        "\"statusCode\":503}";
    struct iovec iov = {(void *)(uintptr_t)text, sizeof(text) - 1};

    alb_ignore(c->io->send(c, &iov, 1, false) < 0, "best effort");
    c->io->shut(c);
    c->state = ALB_CONN_LINGER;
    c->linger_left = 65536;
    c->linger_until = alb_deadline(c->loop->now, c->loop->server->config.limits.linger_ns);
}

void alb_conn_begin(struct alb_conn *c)
{
    struct alb_loop *l = c->loop;
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = &c->source};
    const struct alb_http *s = l->server;

    c->next = l->conns;
    if (c->next)
        c->next->prev = c;
    l->conns = c;
    c->since = l->now;
    if (c->refused)
        turn_away(c);
    else if (s->config.proxy_protocol && alb_cidr_has(s->trusted, s->trusted_n, &c->peer))
        c->state = ALB_CONN_PROXY;
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &ev) != 0) {
        alb_conn_close(c);
        return;
    }
    alb_conn_arm(c);
    alb_conn_run(c);
}

static void forget(struct alb_conn *c)
{
    struct alb_loop *l = c->loop;
    struct alb_http *s = l->server;

    if (c->in_again)
        for (struct alb_conn **p = &l->again; *p; p = &(*p)->again_next)
            if (*p == c) {
                *p = c->again_next;
                break;
            }
    if (c->prev)
        c->prev->next = c->next;
    else
        l->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    alb_wheel_clear(&l->wheel, &c->timer);
    if (c->counted)
        alb_tally_down(s->addresses, &c->key);
    if (c->refused) {
        atomic_fetch_sub_explicit(&s->refused, 1, memory_order_relaxed);
    } else {
        atomic_fetch_sub_explicit(&s->connections, 1, memory_order_relaxed);
        alb_stat_dec(ALB_STAT_HTTP_CONNECTIONS);
    }
    atomic_fetch_sub_explicit(&l->conn_count, 1, memory_order_relaxed);
}

void alb_conn_close(struct alb_conn *c)
{
    /* By name: a child that is just being started has a copy of the descriptor until its exec, and as long as
     * that is open, epoll would tell of a connection that is freed. */
    (void)epoll_ctl(c->loop->epoll, EPOLL_CTL_DEL, c->fd, NULL);
    if (c->req)
        alb_conn_drop_request(c, ALB_E_CANCELLED);
    forget(c);
    c->io->close(c);
    alb_mem_free(c->pending_memory);
    alb_mem_free(c);
}

void alb_conn_drop_request(struct alb_conn *c, enum alb_code why)
{
    struct alb_req *r = c->req;

    if (!c->pending_memory)
        c->pending_n = 0; /* it lies in the request's buffer */
    c->req = NULL;
    r->conn = NULL;
    r->gone_code = why;
    if (r->t_head && !r->answered)
        alb_stat_inc(ALB_STAT_HTTP_ABANDONED);
    if (r->pooled && !r->answered) {
        alb_hand_gone(r, why); /* it ends by a letter */
        return;
    }
    if (r->t_head)
        alb_req_record(r, r->loop->now);
    alb_req_recycle(r);
}

void alb_conn_drain(struct alb_conn *c)
{
    if (c->state == ALB_CONN_IDLE || c->state == ALB_CONN_PROXY) {
        c->readable = true; /* a request may have arrived that epoll has not told of: it is still answered */
        alb_conn_run(c);
    } else {
        alb_conn_part(c);
    }
}

/* ---- deadlines ----------------------------------------------------------------------------------- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t body_window(const struct alb_req *r)
{
    const struct alb_http_limits *lim = &r->server->config.limits;

    return r->in_seen == 0 && r->drained == 0 ? lim->body_first_ns : lim->rate_window_ns;
}

static int64_t request_due(const struct alb_req *r)
{
    int64_t due = earlier(r->deadline, r->drain_until);

    if (r->pace_in.since != ALB_NEVER)
        due = earlier(due, alb_deadline(r->pace_in.since, body_window(r)));
    if (r->pace_out.since != ALB_NEVER)
        due = earlier(due, alb_deadline(r->pace_out.since, r->server->config.limits.rate_window_ns));
    return due;
}

/* By a client that has shut its side, and of which nothing more is to be read. */
static bool is_waited_for(const struct alb_conn *c)
{
    const struct alb_req *r = c->req;

    return c->hung_up && !r->answered && (r->in == ALB_IN_DONE || r->in == ALB_IN_DEAD);
}

void alb_conn_arm(struct alb_conn *c)
{
    const struct alb_http_limits *lim = &c->loop->server->config.limits;
    int64_t due = ALB_NEVER;

    switch (c->state) {
    case ALB_CONN_PROXY:
    case ALB_CONN_HEAD:
        due = alb_deadline(c->since, lim->head_ns);
        break;
    case ALB_CONN_IDLE:
        due = alb_deadline(c->since, c->served ? lim->idle_ns : lim->head_ns);
        break;
    case ALB_CONN_REQUEST:
        due = request_due(c->req);
        if (is_waited_for(c))
            due = earlier(due, c->gone_at);
        break;
    case ALB_CONN_LINGER:
        due = c->linger_until;
        break;
    }
    alb_wheel_set(&c->loop->wheel, &c->timer, due);
}

/* Has the client moved enough since the window began? Begins the next one if so. */
static bool too_slow(struct alb_pace *p, int64_t now, int64_t window, uint64_t least, bool first)
{
    if (p->since == ALB_NEVER || now < alb_deadline(p->since, window))
        return false;
    if (first || p->bytes < least * (uint64_t)(window / ALB_NS_PER_MS) / 1000)
        return true;
    *p = (struct alb_pace){now, 0};
    return false;
}

/* True: c is gone or has another state. */
static bool request_late(struct alb_conn *c, int64_t now)
{
    const struct alb_http_limits *lim = &c->loop->server->config.limits;
    struct alb_req *r = c->req;

    if (too_slow(&r->pace_out, now, lim->rate_window_ns, lim->rate_out, false)) {
        alb_conn_close(c); /* it does not read: there is nothing to say to it */
        return true;
    }
    if (now >= r->deadline) {
        if (r->out != ALB_OUT_NOTHING) {
            alb_conn_close(c);
            return true;
        }
        alb_conn_refuse(c, 504, alb_code_client_text(ALB_E_TIMEOUT));
    } else if (too_slow(&r->pace_in, now, body_window(r), lim->rate_in, r->in_seen == 0 && r->drained == 0)) {
        alb_conn_body_failed(c, ALB_E_TIMEOUT);
    } else if (now >= r->drain_until) {
        r->drain_until = ALB_NEVER;
        alb_conn_body_failed(c, ALB_E_TIMEOUT);
    } else {
        return false;
    }
    return false;
}

static void timer_fired(struct alb_wheel_entry *e, int64_t now)
{
    struct alb_conn *c = ALB_CONTAINER_OF(e, struct alb_conn, timer);

    switch (c->state) {
    case ALB_CONN_IDLE:
    case ALB_CONN_PROXY:
    case ALB_CONN_LINGER:
        alb_conn_close(c);
        return;
    case ALB_CONN_HEAD:
        c->state = ALB_CONN_REQUEST;
        alb_req_dispatch(c, c->req, 408);
        break;
    case ALB_CONN_REQUEST:
        if (request_late(c, now))
            return;
        break;
    }
    alb_conn_arm(c);
    alb_conn_run(c);
}

/* ---- turns --------------------------------------------------------------------------------------- */

void alb_conn_events(struct alb_conn *c, uint32_t events)
{
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        c->readable = true;
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        c->writable = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        c->hung_up = true;
    if (events & (EPOLLHUP | EPOLLERR))
        c->gone_at = c->loop->now;
    alb_conn_run(c);
}

/* Proxies that speak PROXY do so before anything else: looked at without being taken, then taken exactly. */
static enum alb_conn_go read_proxy(struct alb_conn *c)
{
    char text[ALB_PROXY_HEAD_MAX];
    ssize_t n = recv(c->fd, text, sizeof(text), MSG_PEEK | MSG_DONTWAIT);
    int used;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return ALB_CONN_STUCK;
    used = n > 0 ? alb_proxy_parse(text, (size_t)n, &c->peer) : -1;
    if (used == 0 && !c->hung_up)
        return ALB_CONN_STUCK;
    if (used <= 0 || recv(c->fd, text, (size_t)used, MSG_DONTWAIT) != used) {
        alb_conn_close(c);
        return ALB_CONN_OVER;
    }
    c->port = 0; /* it was the proxy's */
    c->state = ALB_CONN_IDLE;
    c->readable = true;
    alb_conn_arm(c);
    return ALB_CONN_MOVED;
}

enum alb_conn_go alb_conn_linger(struct alb_conn *c)
{
    for (;;) {
        ssize_t n = alb_conn_recv(c, c->loop->scratch, ALB_LOOP_SCRATCH);

        if (n < 0 && errno == EAGAIN)
            return ALB_CONN_STUCK;
        if (n <= 0 || (uint64_t)n >= c->linger_left) {
            alb_conn_close(c);
            return ALB_CONN_OVER;
        }
        c->linger_left -= (uint64_t)n;
    }
}

/* Body and answer move independently of each other. */
static enum alb_conn_go run_request(struct alb_conn *c)
{
    enum alb_conn_go in = alb_conn_read_body(c), out, end;

    if (in == ALB_CONN_OVER)
        return in;
    out = alb_conn_send(c);
    if (out == ALB_CONN_OVER)
        return out;
    end = alb_conn_finish(c);
    if (end != ALB_CONN_STUCK)
        return end;
    if (is_waited_for(c)) {
        if (c->gone_at == ALB_NEVER)
            c->gone_at = alb_deadline(c->loop->now, HALF_CLOSED_NS);
        if (c->loop->now >= c->gone_at) {
            alb_conn_close(c);
            return ALB_CONN_OVER;
        }
        alb_conn_arm(c);
    }
    return in == ALB_CONN_MOVED || out == ALB_CONN_MOVED ? ALB_CONN_MOVED : ALB_CONN_STUCK;
}

void alb_conn_run(struct alb_conn *c)
{
    for (int i = 0; i < TURNS; i++) {
        enum alb_conn_go go = ALB_CONN_STUCK;

        switch (c->state) {
        case ALB_CONN_PROXY:
            go = read_proxy(c);
            break;
        case ALB_CONN_IDLE:
        case ALB_CONN_HEAD:
            go = alb_conn_read_head(c);
            break;
        case ALB_CONN_REQUEST:
            go = run_request(c);
            break;
        case ALB_CONN_LINGER:
            go = alb_conn_linger(c);
            break;
        }
        if (go != ALB_CONN_MOVED)
            return;
    }
    alb_loop_again(c->loop, c);
}
