/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of the HTTP room: the server, and a request with everything that hangs on it. Who may touch
 * which field stands at its group; "the holder" is the one thread that has the request at the moment: the
 * loop (HAND_LOOP, HAND_DONE) or the pool thread that runs its step (HAND_RUNNING). See hand.h for the
 * hand-over.
 */
#ifndef ALB_HTTP_HTTP_PRIV_H
#define ALB_HTTP_HTTP_PRIV_H

#include "http/chunked.h"
#include "http/conn.h"
#include "http/http.h"
#include "http/range.h"
#include "http/ring.h"
#include "http/router.h"
#include "http/validators.h"

#define ALB_LOOPS_MAX 8
#define ALB_LISTENERS_MAX 16
#define ALB_REQ_LOG_FIELDS 8
#define ALB_REQ_ID_MAX 64
#define ALB_HEAD_FIRST 4096 /* bytes of a request's head buffer to begin with */

struct alb_listener {
    struct alb_loop_source source;
    int fd;
    bool inherited; /* a socket that systemd owns */
    bool unix_socket;
    char path[108]; /* to unlink at the end; "" */
    char text[128];
};

struct alb_http {
    /* fixed after start */
    struct alb_http_config config;
    struct alb_router *router;
    struct alb_cidr *trusted;
    size_t trusted_n;
    struct alb_listener listeners[ALB_LISTENERS_MAX];
    size_t listener_n;
    struct alb_loop loops[ALB_LOOPS_MAX];
    unsigned loop_n;
    struct alb_http_group bare; /* for answers without a route */
    struct alb_http_group files_group;
    void *static_tables; /* list, static.c */
    struct alb_tally *addresses, *users;
    bool started;

    /* atomic */
    atomic_bool draining, cutting; /* set once, in this order */
    atomic_uint connections, refused;
    atomic_uint loops_listening; /* loops that may still accept, for themselves or for another */
    atomic_size_t body_memory;

    /* under mtx (HTTP_SERVER) */
    struct alb_mutex mtx;
    struct alb_cond idle; /* a loop has ended */
    unsigned loops_running;
};

/* Memory of bodies: false if the limit is reached. Any thread. */
bool alb_http_charge(struct alb_http *s, size_t n) ALB_MUST_CHECK;
void alb_http_uncharge(struct alb_http *s, size_t n);

enum alb_hand {
    ALB_HAND_LOOP,    /* head, collecting, hot */
    ALB_HAND_QUEUED,  /* with the pool, not begun */
    ALB_HAND_RUNNING, /* on a pool thread */
    ALB_HAND_WAITING, /* for what `wait` says */
    ALB_HAND_LEAVING, /* the loop is taking it off its future */
    ALB_HAND_DONE,    /* answered; the loop sends */
};

enum alb_wait { ALB_WAIT_NONE, ALB_WAIT_FUTURE, ALB_WAIT_BODY, ALB_WAIT_DRAIN };

enum alb_in {
    ALB_IN_DONE,    /* no body, or all of it was read */
    ALB_IN_EXPECT,  /* the client waits for 100 Continue, or comes without */
    ALB_IN_COLLECT, /* into r->small */
    ALB_IN_STREAM,  /* into r->in_ring */
    ALB_IN_DISCARD, /* nobody wants it */
    ALB_IN_DEAD,    /* broken or cut: nothing more is read as a request here */
};

enum alb_out { ALB_OUT_NOTHING, ALB_OUT_SENDING, ALB_OUT_DONE };

enum alb_res_kind { ALB_RES_EMPTY, ALB_RES_MEMORY, ALB_RES_BYTES, ALB_RES_SOURCE, ALB_RES_STREAM };

/* A piece of a body that is pumped: text (n bytes), or [off, off + n) of the source. */
struct alb_segment {
    const char *text;
    uint64_t off, n;
};

struct alb_res {
    int status;
    enum alb_res_kind kind;
    const char *type;
    struct alb_buf lines; /* "Name: value\r\n" … */
    struct alb_str memory;
    char *owned; /* of memory, or NULL */
    struct alb_bytes *bytes;
    uint64_t size; /* of the source */
    alb_read_fn *read;
    void *read_ctx;
    struct alb_str etag;
    bool weak, close, no_store, abort;
    int64_t modified_ms;
    int retry_after_s;
};

/* How fast the client moves: bytes since `since`; since = ALB_NEVER: it is not the client that is awaited. */
struct alb_pace {
    int64_t since;
    uint64_t bytes;
};

struct alb_req {
    struct alb_mail mail; /* to the loop */

    /* atomic */
    atomic_bool gone; /* the client has left */
    _Atomic(const char *) doing;

    /* fixed from dispatch on */
    struct alb_http *server;
    struct alb_loop *loop;
    struct alb_head head;
    struct alb_route_match match;
    const struct alb_http_group *group; /* never NULL */
    unsigned method;                    /* after an override */
    char id[ALB_REQ_ID_MAX + 1];
    size_t id_n;
    char client[ALB_ADDR_TEXT];
    uint16_t client_port; /* 0: not known */
    size_t client_n;
    struct alb_str scheme, host;
    int64_t t_first, t_head, deadline;

    /* owned by the holder */
    struct alb_arena *arena;
    struct alb_arena_mark base;
    void *principal, *slot;
    struct alb_res res;
    struct alb_buf out_head;      /* the answer's head, when it is made */
    struct alb_segment *segments; /* pump */
    unsigned segment_n, segment_at;
    uint64_t segment_off;
    uint64_t body_size; /* of the answer; UINT64_MAX: chunks or until the close */
    bool pumping, head_made, head_only, before_done, entered, gone_told;
    bool lent, timed_out, promoted, pooled;
    bool untold;      /* this wait ends with its client, whatever the route says; the loop looks in WAITING */
    size_t gone_left; /* of the body in the ring when the step was called last, with its client gone */
    enum alb_wait want;   /* of the step that is running */
    enum alb_wait waited; /* what the last wait was for */
    int64_t want_until;
    struct alb_future *on;  /* reference; waited on now or last */
    struct alb_owner title; /* of a promotion that nobody has taken yet */
    bool user_counted;
    struct alb_tally_key user;
    struct alb_log_field log[ALB_REQ_LOG_FIELDS];
    unsigned log_n;
    struct alb_err err;
    size_t small_at; /* of a collected body that is read like a stream */
    unsigned steps;
    int64_t t_entry, t_answer, step_ns;
    struct alb_field trailers[ALB_CHUNK_TRAILER_FIELDS];
    unsigned trailer_n;

    /* owned by the loop */
    struct alb_conn *conn; /* NULL: it has left */
    char *in_buf;          /* head, and what came with it */
    size_t in_cap, in_n;
    struct alb_head_scan scan;
    enum alb_in in;
    int64_t in_left; /* of a body of known length */
    struct alb_chunked chunked;
    struct alb_buf small; /* COLLECT */
    size_t small_charged;
    uint64_t drained;
    int64_t drain_until;
    struct alb_pace pace_in, pace_out;
    bool in_begun; /* pace_in is that of a body whose first bytes have come */
    bool continued, held, closing, in_flight;
    bool settled;  /* the answer is complete on the other side; what remains of the body is decided */
    bool answered; /* and the letter ANSWER has come, or the loop answers itself: nobody else has it */
    bool recorded;
    enum alb_code gone_code; /* why it was let go without an answer */
    enum alb_out out;
    size_t head_sent;
    uint64_t body_sent, bytes_out;
    struct alb_buf early; /* interim answers on their way */
    size_t early_sent;
    char frame[24]; /* head of the chunk that is being sent */
    unsigned frame_n, frame_at;
    size_t frame_left;   /* data of that chunk that is still in the ring */
    unsigned frame_tail; /* of its CRLF */
    bool frame_last;
    struct alb_wheel_entry timer; /* deadline of a wait */
    struct alb_req *next, *prev;  /* spare list; flights (under the loop's mtx) */

    /* the pool */
    struct alb_task task;
    struct alb_waiter waiter;
    struct alb_nudge *nudge; /* owned by the thread that has the request; may be NULL */

    /* under mtx (HTTP_REQUEST) */
    struct alb_mutex mtx;
    enum alb_hand hand;
    enum alb_wait wait;
    int64_t wait_until;
    int64_t wait_since;
    bool registered; /* the waiter is, or its wake is on the way */
    bool woken;      /* the wake has come and was not looked at */
    bool nudged;     /* a wait for the body shall end (nudge.h) */
    bool timeout;    /* the deadline of the wait has come and was not looked at */
    enum alb_wake why;
    bool ending;           /* no more steps: clean up */
    bool finishing;        /* the step is done, but was registered on a future; finish after its wake */
    bool in_wanted;        /* the step has asked for the body */
    bool in_paused;        /* the loop does not read, because the ring is full */
    bool in_end;           /* all of it is in the ring */
    enum alb_code in_code; /* why no more will come */
    uint64_t in_seen, in_max;
    bool head_ready, out_end;
    struct alb_ring in_ring, out_ring;
    struct alb_buf interim; /* to be sent */
};

/* ---- request.c: life -------------------------------------------------------------------------------- */
struct alb_req *alb_req_take(struct alb_loop *l); /* NULL: no memory. HAND_LOOP, no connection */
void alb_req_recycle(struct alb_req *r);          /* ended on both sides */
void alb_req_free(struct alb_req *r);
void alb_req_reset_response(struct alb_req *r);

/* ---- dispatch.c: from a complete head to hot, collecting or the pool ------------------------------------
 */
void alb_req_dispatch(struct alb_conn *c, struct alb_req *r, int status);
void alb_req_enter(struct alb_req *r); /* body collected, or none: hot, then the pool */

/* ---- answer.c: makes the head of the answer out of r->res. Holder. ------------------------------------- */
void alb_res_finalise(struct alb_req *r);
void alb_res_clear_body(struct alb_req *r);
void alb_cors_lines(struct alb_req *r);                     /* cors.c */
void alb_methods_text(unsigned bits, char out[64]);         /* "GET, HEAD" */

/* ---- gzip.c ---- */
bool alb_accepts_gzip(const struct alb_req *r);

/* ---- body.c: the trailer fields of a body that has come in whole. Holder. ------------------------------ */
void alb_req_read_trailers(struct alb_req *r);

/* ---- pump.c: bodies that are read on the pool ------------------------------------------------------------
 */
void alb_pump_whole(struct alb_req *r);
void alb_pump_ranges(struct alb_req *r, const struct alb_range *ranges, unsigned n);
enum alb_step alb_pump_step(struct alb_req *r);

/* ---- record.c -------------------------------------------------------------------------------------------
 */
void alb_req_record(struct alb_req *r, int64_t now);

/* ---- listen.c --------------------------------------------------------------------------------------------
 */
enum alb_code alb_listen_open(struct alb_http *s, const char *spec, struct alb_err *err);
void alb_listen_close(struct alb_http *s);
void alb_listen_accept(struct alb_loop *l, struct alb_listener *li);

/* ---- static.c --------------------------------------------------------------------------------------------
 */
void alb_static_free(struct alb_http *s);

#endif
