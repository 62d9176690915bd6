/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP room: our own strict HTTP/1.1 server on epoll (reference: docs/architecture.md, "A request").
 * This header is what doors and cmd see: the server, its limits, groups and routes. req.h is the request
 * side, res.h the answer side; both are included here.
 *
 * Life of a request:
 *   1. an event loop reads the head, checks it (strictly: refuse, never guess), finds the route;
 *   2. `before` (who is it?) and then `hot`, both optional, run on the loop: no SQL, nothing that can wait (of
 *      files alb_fs_read_cached alone). HIT answers; MISS goes on;
 *   3. `before` and then `step` run on the io pool. step returns DONE (an answer is set, or a stream ended)
 *      or WAIT on exactly one thing (req.h), and is called again when that has happened. No pool thread ever
 *      waits for a client or a future (laws 1, 2);
 *   4. the arena's cleanup hooks run where the step has run, and then the loop sends: nothing is held while a
 *      client is waited for (law 1). The arena's memory stays until it is over. Requests that no step had to do
 *      with are sent first, and their hooks run on the loop.
 * Only one thread has a request at a time, so doors need no locks for what hangs on it. All req and res
 * functions may be called only by the thread that is inside hot, before, step or a source's read.
 *
 * Hang-up: a client that leaves sets alb_req_gone. A request that waits on a future leaves it (and
 * resigns, if it was promoted meanwhile); one that waits for its body is called on as long as it reads, until
 * alb_req_body_read has said GONE; one that is never called again ends by its arena's hooks. So whatever must
 * be undone hangs there. Routes with ALB_ROUTE_TOLD are not ended silently: see there.
 * A half-closed client counts as gone a second after its body is read to the end, unless its answer has begun.
 * A hang-up behind more of a body than the ring takes is noticed when the step reads on.
 *
 * Threads: server functions from any thread, one at a time. Locks: HTTP_SERVER, HTTP_REQUEST inside.
 */
#ifndef ALB_HTTP_HTTP_H
#define ALB_HTTP_HTTP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/future.h"
#include "base/log.h"
#include "base/obj.h"
#include "base/options.h"
#include "base/pool.h"
#include "http/req.h"
#include "http/res.h"

struct alb_http;

/* ---- routes ------------------------------------------------------------------------------------ */

enum {
    ALB_M_GET = 1u << 0, /* brings HEAD with it */
    ALB_M_HEAD = 1u << 1,
    ALB_M_POST = 1u << 2,
    ALB_M_PUT = 1u << 3,
    ALB_M_PATCH = 1u << 4,
    ALB_M_DELETE = 1u << 5,
    ALB_M_OPTIONS = 1u << 6, /* without a route of its own: 204 with Allow, or the CORS preflight */
    ALB_M_ALL = (1u << 7) - 1,
};

enum alb_hot { ALB_HOT_MISS, ALB_HOT_HIT };

/* Who is it, and may they? Runs before hot (on_loop = true) until it says GO, and else before the first step.
 * GO: go on. ANSWERED: an answer is set. LATER: only on the loop; ask again on the pool. WAIT: only on the
 * pool; returned when a wait helper of req.h was called; called again after it. */
enum alb_before { ALB_BEFORE_GO, ALB_BEFORE_ANSWERED, ALB_BEFORE_LATER, ALB_BEFORE_WAIT };

typedef enum alb_hot alb_hot_fn(struct alb_req *req);
typedef enum alb_step alb_step_fn(struct alb_req *req);
typedef enum alb_before alb_before_fn(struct alb_req *req, bool on_loop);
/* Sets type and body of an error answer whose status is set already; text is safe for clients. */
typedef void alb_error_fn(struct alb_req *req, int status, struct alb_str text);

enum alb_body_mode {
    ALB_BODY_NONE,   /* not wanted; if one comes it is read away within the drain limits */
    ALB_BODY_SMALL,  /* collected up to body_max before hot or step is called; alb_req_body() */
    ALB_BODY_STREAM, /* step is called at once and reads as it comes; alb_req_body_read() */
};

enum {
    /* An answer is held back until the whole body has come in (clients that cannot read an early one). */
    ALB_ROUTE_DRAIN_FIRST = 1u << 0,
    /* The step is told of a hang-up instead of being left: it is called even if the client has gone before
     * its first call (not if `before` answers), waits on futures go on to their end (but see
     * alb_req_wait_for_client), waits for the body or for drain return at once.
     * It ends when the step returns DONE (the answer goes nowhere). For what must be done
     * or kept although nobody listens any more: a PATCH reads on until END or GONE, commits what it has, may
     * wait on the future of that commit, and returns DONE; a DELETE just goes on.
     * A client that falls silent is the same: GONE with TIMEOUT, after body-timeout or a rate-window below
     * min-rate-in, but it can still read the answer (408). A request over request-timeout as well.
     * Only when the server is cut at the end of its shutdown time is it taken off its futures, or not called
     * for the first time; a body that it was reading is still read to GONE. So what may not be half done still
     * needs a hook in the arena, or recovery at start. */
    ALB_ROUTE_TOLD = 1u << 1,
    /* This route also answers POST with X-HTTP-Method-Override naming one of its methods (tus). */
    ALB_ROUTE_OVERRIDE = 1u << 2,
    /* Steps are background work in the pool. */
    ALB_ROUTE_BACKGROUND = 1u << 3,
    /* Not logged unless it fails or is slow (health checks). */
    ALB_ROUTE_QUIET = 1u << 4,
};

/* A route; normally one line in a door's static const table. Pattern: literal segments, "{name}" for one
 * segment that is not empty, "{name*}" at the end for everything that is left, slashes and nothing included.
 * Literals win over {name}, {name} over {name*}. Matching is on the raw path, byte by byte. */
struct alb_route {
    const char *pattern;
    unsigned methods;
    enum alb_body_mode body;
    unsigned flags;
    uint64_t body_max; /* 0: the server's limit for SMALL, no limit for STREAM; over it: 413 */
    alb_hot_fn *hot;   /* may be NULL */
    alb_step_fn *step; /* may be NULL if hot always answers */
};

struct alb_cors {
    const char *const *origins; /* "https://a.example"; one "*" allows every origin */
    size_t origin_count;
    bool credentials;           /* then the origin is echoed, never "*" */
    const char *allow_headers;  /* list for preflights; NULL echoes what was asked for */
    const char *expose_headers; /* may be NULL */
    int max_age_s;
};

/* What the routes of one door share. Must outlive the server. */
struct alb_http_group {
    const char *name;            /* in logs and dumps */
    void *ctx;                   /* alb_req_ctx */
    alb_before_fn *before;       /* NULL: the server's */
    alb_error_fn *error;         /* NULL: JSON {"message","error","statusCode","correlationId"} */
    const struct alb_cors *cors; /* NULL: the server's */
};

/* ---- server ------------------------------------------------------------------------------------ */

struct alb_http_limits {
    size_t head_bytes;   /* request line and headers together; 431 */
    size_t target_bytes; /* 414 */
    unsigned head_count; /* header lines; 431 */
    size_t small_body;   /* ALB_BODY_SMALL without a limit of its own; 413 */
    size_t ring_bytes;   /* of one upload or one streamed answer */
    size_t body_memory;  /* all collected bodies and rings together; 503 */
    size_t arena_bytes;  /* one request's arena */
    unsigned connections, connections_per_address;
    unsigned requests_per_user; /* alb_req_count_user */
    int64_t head_ns;            /* from the first byte (or the accept) to the end of the head; 408 */
    int64_t body_first_ns;      /* from the head, or 100 Continue, to the first byte of the body */
    int64_t idle_ns;            /* between requests; 0: one request per connection */
    int64_t request_ns;         /* the whole request; 504 */
    /* Least bytes per second, measured over the window, while we are not the slow side ourselves. */
    uint64_t rate_in, rate_out;
    int64_t rate_window_ns;
    uint64_t drain_bytes; /* of a body that nobody wants any more, to keep the connection */
    int64_t drain_ns;
    int64_t linger_ns; /* reading after a half-close, so that the client can read the answer */
};

/* For a program that stands in another's place: what each of its answers says, and records of requests in that
 * program's words instead of the room's own. Called on the loop: short. */
struct alb_http_ended {
    int status;
    bool gone;                  /* the client has left before the answer's end */
    int64_t total_ns, send_ns;  /* from the first byte to the last; of these, from the answer on */
    const struct alb_log_field *fields; /* of alb_req_log */
    size_t field_count;
    const struct alb_err *err; /* of alb_req_log_err; its code is OK if there is none */
};
struct alb_http_voice {
    void *ctx;
    /* Lines of every answer, each "Name: value\r\n"; one that the answer has of its own stays instead. */
    struct alb_str lines;
    alb_error_fn *error; /* the body of an error that no group answers for; NULL: as http has it */
    void (*begun)(void *ctx, const struct alb_req *req); /* its route is known */
    void (*ended)(void *ctx, const struct alb_req *req, const struct alb_http_ended *how);
};

struct alb_http_config {
    /* "127.0.0.1:8080", "[::1]:0", "unix:/path[,mode]", "systemd" (all sockets it passed) */
    const char *const *listen;
    size_t listen_count;
    const char *const *trusted_proxies; /* "10.0.0.0/8", "::1", "unix" = peers of Unix sockets */
    size_t trusted_proxy_count;
    bool proxy_protocol;    /* trusted proxies speak PROXY v1 or v2 first */
    const char *public_url; /* "https://photos.example" or ""; wins over what requests say */
    const struct alb_cors *cors;
    bool reuse_port; /* other processes may listen on the same TCP addresses (SO_REUSEPORT) */
    unsigned loops; /* 0: one per core, at most 8 */
    struct alb_http_limits limits;
    struct alb_pool *pool; /* the io pool; must outlive the server */
    const struct alb_clock *clock;
    alb_before_fn *before; /* may be NULL */
    const struct alb_http_voice *voice; /* NULL: none */
};

/* Defaults of tbl/params.h without an options table (tests), and the values of a parsed one. Lists stay
 * borrowed from `o`. */
void alb_http_config_default(struct alb_http_config *c);
enum alb_code alb_http_config_options(struct alb_http_config *c, const struct alb_options *o,
                                      struct alb_err *err) ALB_MUST_CHECK;

/* Copies the config's values; strings, arrays, pool and clock stay borrowed. */
enum alb_code alb_http_server_new(const struct alb_http_config *c, struct alb_http **server,
                                  struct alb_err *err) ALB_MUST_CHECK;
/* Before start only. Group and routes stay borrowed. CONFLICT: pattern and method are taken. */
enum alb_code alb_http_routes(struct alb_http *s, const struct alb_http_group *group,
                              const struct alb_route *routes, size_t n, struct alb_err *err) ALB_MUST_CHECK;
/* Binds and begins to answer. */
enum alb_code alb_http_server_start(struct alb_http *s, struct alb_err *err) ALB_MUST_CHECK;
/* The i-th address that is listened on, as text ("127.0.0.1:40001", "unix:/path"); false: no such. */
bool alb_http_server_address(const struct alb_http *s, size_t i, char *out, size_t cap);
/* No new connections and requests; answers say `Connection: close`; idle connections are closed. */
void alb_http_server_drain(struct alb_http *s);
/* Drains, waits until nothing is in flight or until deadline_ns (real monotonic clock), then cuts what is
 * left, waits for running steps to end and joins the loops. ALB_E_TIMEOUT if something had to be cut. Blocks.
 * Futures that requests wait on are left. The pool must still run. */
enum alb_code alb_http_server_stop(struct alb_http *s, int64_t deadline_ns) ALB_MUST_CHECK;
void alb_http_server_free(struct alb_http **s); /* stopped, or never started */

struct alb_http_view {
    unsigned connections, requests, waiting;
    int64_t oldest_ns; /* age of the oldest request that is with the pool or waits */
};
struct alb_http_view alb_http_look(struct alb_http *s);
/* Every request in flight: id, route, state, age, what it waits for and who owns that. For SIGQUIT: call it
 * from a thread, not from the signal handler. */
void alb_http_dump(struct alb_http *s, int fd);

/* Tells systemd ("READY=1", "STOPPING=1", "WATCHDOG=1"); nothing happens without NOTIFY_SOCKET. */
void alb_http_notify(const char *state);

/* ---- files that are part of the program ---------------------------------------------------------- */

struct alb_static_file {
    const char *path; /* "/index.html", the whole path of the request */
    const unsigned char *p;
    size_t n;
    const unsigned char *gzip; /* the same, compressed; may be NULL */
    size_t gzip_n;
    const char *etag; /* without quotes */
    const char *type;
    const char *headers; /* further lines, each "Name: value\r\n"; may be NULL */
    bool immutable;      /* the name changes with the content: may be kept for ever */
};
/* Answers them on the event loop, public. The table stays borrowed. Before start only. */
enum alb_code alb_http_static(struct alb_http *s, const struct alb_static_file *files, size_t n,
                              struct alb_err *err) ALB_MUST_CHECK;

#endif
