/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection of a client. Owned by its event loop: no other thread ever touches it.
 *
 *   PROXY --header read--> IDLE --first byte--> HEAD --head read--> REQUEST --answered, body read--> IDLE
 *     (only if configured)                        \--refused--\        \--must close--> LINGER --> closed
 *   LINGER: our side is shut, what still comes is thrown away for a bounded time, so that the client can read
 *   the answer (closing at once would reset the connection under it).
 *   Any state --hang-up, deadline, drain--> closed. A request that a pool thread still has then goes on
 *   without its connection (r->conn == NULL) until it ends.
 *
 * epoll is edge-triggered and armed once: readable, writable and hung_up remember what was said. Not reading
 * is therefore just that, and costs no system call (back-pressure).
 * The bytes go through struct alb_transport, so that TLS and HTTP/2 find a place below and beside this.
 */
#ifndef ALB_HTTP_CONN_H
#define ALB_HTTP_CONN_H

#include <sys/uio.h>

#include "http/loop.h"
#include "http/proxy.h"
#include "http/tally.h"

struct alb_conn;
struct alb_listener;

/* recv, send and send_file return bytes, 0 (recv: the end), or -1 with errno (EAGAIN: not now). shut ends our side. */
struct alb_transport {
    ssize_t (*recv)(struct alb_conn *c, void *p, size_t n);
    /* more: other bytes follow at once, so that no packet goes out half full. */
    ssize_t (*send)(struct alb_conn *c, const struct iovec *iov, int count, bool more);
    /* [off, off + n) of a sealed memory file, from its pages, without a copy. */
    ssize_t (*send_file)(struct alb_conn *c, int fd, size_t off, size_t n);
    void (*shut)(struct alb_conn *c);
    void (*close)(struct alb_conn *c);
};
extern const struct alb_transport alb_transport_plain;

enum alb_conn_state { ALB_CONN_PROXY, ALB_CONN_IDLE, ALB_CONN_HEAD, ALB_CONN_REQUEST, ALB_CONN_LINGER };

struct alb_conn {
    struct alb_loop_source source; /* first: what epoll points to */
    struct alb_loop *loop;
    const struct alb_transport *io;
    int fd;
    enum alb_conn_state state;
    bool readable, writable, hung_up; /* as epoll said and nothing has disproved */
    int64_t gone_at; /* it has shut its side: it is taken for gone then, unless it has an answer; ALB_NEVER */
    bool served;     /* a request was answered here */
    bool counted;    /* in the tally of addresses */
    bool refused;    /* over a limit; not in the count of connections */
    bool in_again;   /* in the loop's list of those that may go on at once */
    struct alb_addr peer; /* who connected, or whom the PROXY header names */
    uint16_t port;        /* of who connected; 0: a Unix socket */
    struct alb_tally_key key;
    struct alb_req *req; /* HEAD, REQUEST */
    const char *pending; /* read already, not yet looked at */
    size_t pending_n;
    char *pending_memory; /* owner of pending; NULL: it lies in req's head buffer */
    uint64_t linger_left;
    int64_t linger_until;
    int64_t since; /* of the state: accept, last answer, first byte of the head */
    struct alb_wheel_entry timer;
    struct alb_conn *prev, *next; /* all of the loop */
    struct alb_conn *again_next, *inbox_next;
};

/* A connection that was accepted by any loop, for `loop`. Takes fd (closed on failure). NULL: no memory. */
struct alb_conn *alb_conn_new(struct alb_loop *loop, int fd, const struct alb_addr *peer) ALB_MUST_CHECK;
void alb_conn_discard(struct alb_conn *c); /* never begun: closes and frees it */
/* The loop has received it: registers and begins. */
void alb_conn_begin(struct alb_conn *c);
void alb_conn_events(struct alb_conn *c, uint32_t events);
/* Does whatever can be done now: reads, dispatches, sends, finishes, in turn. c may be gone afterwards. */
void alb_conn_run(struct alb_conn *c);
void alb_conn_close(struct alb_conn *c); /* at once; its request, if any, is told that the client has gone */
/* The server drains: idle ones end, and nobody's body is read away any more (alb_conn_part). */
void alb_conn_drain(struct alb_conn *c);

/* ---- between the files of a connection ------------------------------------------------------------ */

enum alb_conn_go {
    ALB_CONN_STUCK, /* needs an event */
    ALB_CONN_MOVED, /* something changed: look again */
    ALB_CONN_OVER,  /* c does not exist any more */
};

ssize_t alb_conn_recv(struct alb_conn *c, void *p, size_t n); /* pending bytes first */
enum alb_conn_go alb_conn_read_head(struct alb_conn *c);      /* conn_head.c */
enum alb_conn_go alb_conn_read_body(struct alb_conn *c);      /* conn_body.c */
enum alb_conn_go alb_conn_send(struct alb_conn *c);           /* conn_send.c */
/* Is the answer out, and is the body read or given up? Goes to the next request, lingers or closes. */
enum alb_conn_go alb_conn_finish(struct alb_conn *c);
/* Of a server that ends: gives up a body that is only read away, and cuts a linger short. */
void alb_conn_part(struct alb_conn *c);
/* Our side is shut; reads away what comes. */
enum alb_conn_go alb_conn_linger(struct alb_conn *c);
/* Sets the timer to the nearest deadline of the state. */
void alb_conn_arm(struct alb_conn *c);
/* Tells the request that its client has gone, and lets go of it. */
void alb_conn_drop_request(struct alb_conn *c, enum alb_code why);
/* The loop answers the request itself, with what is set in it (hot, OPTIONS), or with an error: the step has
 * not begun, or it goes on without a client (then a fresh request carries the answer). */
void alb_conn_answer(struct alb_conn *c);
void alb_conn_refuse(struct alb_conn *c, int status, const char *text);
/* The answer is complete on the pool's side: decides what becomes of the rest of the body. Once. */
void alb_conn_settle(struct alb_conn *c);
/* The letter that says so has come: the request is the loop's alone. */
void alb_conn_answered(struct alb_conn *c);
/* The body will not be complete (code): tells the step, or answers. */
void alb_conn_body_failed(struct alb_conn *c, enum alb_code code);

#endif
