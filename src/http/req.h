/* SPDX-License-Identifier: Apache-2.0
 *
 * The request side of the HTTP room. What a request says is complete and fixed before hot or step sees it
 * (law 4); views are valid until the request ends. Call from hot, before, step or a source's read only.
 * Included by http/http.h.
 */
#ifndef ALB_HTTP_REQ_H
#define ALB_HTTP_REQ_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/future.h"
#include "base/log.h"

struct alb_req;
struct alb_route;

/* What a step returns: an answer is set (or its stream ended), or it waits. */
enum alb_step { ALB_STEP_DONE, ALB_STEP_WAIT };

/* ---- what was asked ------------------------------------------------------------------------------ */

struct alb_arena *alb_req_arena(struct alb_req *req);     /* never NULL; ends with the request */
unsigned alb_req_method(const struct alb_req *req);       /* one of ALB_M_*; HEAD stays HEAD on a GET route */
struct alb_str alb_req_target(const struct alb_req *req); /* every byte as it came */
struct alb_str alb_req_path(const struct alb_req *req);   /* raw, from the first slash to '?' */
struct alb_str alb_req_query(const struct alb_req *req);  /* raw, behind '?'; p == NULL: there is none */
/* First value of the header, blanks trimmed; p == NULL if absent. Names in any case. */
struct alb_str alb_req_header(const struct alb_req *req, const char *name);
/* All values in order: start with *at = 0; false at the end. */
bool alb_req_header_next(const struct alb_req *req, const char *name, size_t *at, struct alb_str *value);
/* All lines: index from 0; false at the end. */
bool alb_req_header_at(const struct alb_req *req, size_t i, struct alb_str *name, struct alb_str *value);
/* The raw value of {name} in the pattern; p == NULL: no such parameter. And percent-decoded into the arena:
 * false (404 is the right answer) if an escape is broken, or decodes to NUL. */
struct alb_str alb_req_param(const struct alb_req *req, const char *name);
bool alb_req_param_decoded(struct alb_req *req, const char *name, struct alb_str *out) ALB_MUST_CHECK;
/* The value of the first query key `name`, decoded (form rules) into the arena; false: absent or broken. */
bool alb_req_query_get(struct alb_req *req, const char *name, struct alb_str *out);
/* The value of the cookie `name`, as it came; p == NULL if absent. */
struct alb_str alb_req_cookie(const struct alb_req *req, const char *name);

/* ---- who asked ----------------------------------------------------------------------------------- */

struct alb_str alb_req_id(const struct alb_req *req);     /* X-Request-ID, taken over or made here */
struct alb_str alb_req_client(const struct alb_req *req); /* address behind trusted proxies; "unix" */
unsigned alb_req_client_port(const struct alb_req *req);  /* 0: not known (behind a proxy, "unix") */
struct alb_str alb_req_scheme(const struct alb_req *req); /* "http" or "https", as the client saw it */
struct alb_str alb_req_host(const struct alb_req *req);   /* host[:port], as the client saw it */
/* "https://host" without a slash: --public-url if given, else scheme and host. For absolute Locations. */
struct alb_str alb_req_base_url(struct alb_req *req);
const struct alb_clock *alb_req_clock(const struct alb_req *req);
int64_t alb_req_deadline(const struct alb_req *req); /* of the whole request, monotonic */
bool alb_req_gone(const struct alb_req *req);        /* the client has left: long steps look now and then */
void *alb_req_ctx(const struct alb_req *req);        /* of the route's group */
const struct alb_route *alb_req_route(const struct alb_req *req);

/* Opaque to http: who it is (set by `before`), and the door's own state between entries. */
void alb_req_set_principal(struct alb_req *req, void *principal);
void *alb_req_principal(const struct alb_req *req);
void alb_req_set_slot(struct alb_req *req, void *state);
void *alb_req_slot(const struct alb_req *req);
/* Counts the request under a user until it ends. False: the user has too many; answer TOO_MANY. Once. */
bool alb_req_count_user(struct alb_req *req, uint64_t user) ALB_MUST_CHECK;
/* Adds a field to the request's log record; views must live as long as the request (so not in what a hook
 * frees). At most 8; more are dropped. */
void alb_req_log(struct alb_req *req, struct alb_log_field field);
/* Why it failed, for the log record: code, place and message of *err (copied). The first one wins. */
void alb_req_log_err(struct alb_req *req, const struct alb_err *err);

/* ---- waiting: `return alb_req_wait_…(req, …);` from step (or ALB_BEFORE_WAIT from before) ---------- */

/* Until f is done. http takes its own reference and registers its own waiter. heir: may be promoted. If f is
 * done already the step is called again at once. */
enum alb_step alb_req_wait_future(struct alb_req *req, struct alb_future *f, bool heir);
/* For services that register the waiter themselves (alb_flight_join): lend the request's waiter, then return
 * alb_req_wait_joined with the future it was registered on. Lent but not registered: nothing to do. */
struct alb_waiter *alb_req_waiter(struct alb_req *req, bool heir);
enum alb_step alb_req_wait_joined(struct alb_req *req, struct alb_future *f);
/* Until alb_req_body_read has something to say that is not AGAIN. */
enum alb_step alb_req_wait_body(struct alb_req *req);
/* The same, or until f is done, whichever comes first (f: the interrupt of an upload, so that a newcomer need
 * not wait for a client that has fallen silent). http takes its own reference; never an heir. */
enum alb_step alb_req_wait_body_or(struct alb_req *req, struct alb_future *f);
/* Until at least half of the answer's ring is free. */
enum alb_step alb_req_wait_drain(struct alb_req *req);
/* Gives the next wait a deadline (monotonic ns); at it the step is called with alb_req_timed_out() true and
 * the wait is over. */
void alb_req_wait_until(struct alb_req *req, int64_t deadline_ns);
/* On an ALB_ROUTE_TOLD route: the next wait ends with the client, and the request with it, as on any other
 * route. For what goes before the thing that may not be half done: nothing is there yet, and nobody shall
 * work for a client that has gone (law 8). */
void alb_req_wait_for_client(struct alb_req *req);
bool alb_req_timed_out(const struct alb_req *req);
/* True: this entry is a promotion; *owner is the title now (taken: the step settles, fails or resigns it).
 * A title that is not taken is resigned when the step returns. */
bool alb_req_promoted(struct alb_req *req, struct alb_owner *owner);
/* The future that was waited on last (borrowed, until the next wait), or NULL. */
struct alb_future *alb_req_future(const struct alb_req *req);
/* What the request is doing, for dumps: a literal. */
void alb_req_doing(struct alb_req *req, const char *what);

/* ---- body in ------------------------------------------------------------------------------------- */

enum alb_body {
    ALB_BODY_DATA,  /* *view is the next piece; tell what was used with alb_req_body_consume */
    ALB_BODY_AGAIN, /* nothing yet: return alb_req_wait_body(req) */
    ALB_BODY_END,   /* complete */
    ALB_BODY_GONE,  /* it will never be complete: alb_req_body_code says why */
};
/* The first call answers a waiting `Expect: 100-continue`. Bytes that came before a hang-up come first.
 * A view stays valid until it is consumed. */
enum alb_body alb_req_body_read(struct alb_req *req, struct alb_str *view);
void alb_req_body_consume(struct alb_req *req, size_t n);
/* After GONE: CANCELLED (hang-up), TIMEOUT (too slow), TOO_LARGE or INVALID (broken chunks). */
enum alb_code alb_req_body_code(const struct alb_req *req);
/* Sets the answer that fits a body that is GONE: 408, 413 or 400 (nobody sees it after a hang-up). */
void alb_req_body_refuse(struct alb_req *req);
int64_t alb_req_content_length(const struct alb_req *req); /* 0: no body; -1: chunked, unknown */
/* Lowers or raises the limit of a STREAM body from now on; beyond it GONE with TOO_LARGE. */
void alb_req_body_limit(struct alb_req *req, uint64_t max);
/* The collected body of a SMALL route. */
struct alb_str alb_req_body(const struct alb_req *req);
/* Trailer fields of a chunked body, known after END (of a collected body: from the beginning). Never mixed
 * with the headers, and none that frame, route or authorise: such a body is broken. The first value of that
 * name, p == NULL: absent; and all lines: index from 0, false at the end. */
struct alb_str alb_req_trailer(const struct alb_req *req, const char *name);
bool alb_req_trailer_at(const struct alb_req *req, size_t i, struct alb_str *name, struct alb_str *value);

struct alb_header {
    const char *name; /* token, a literal */
    struct alb_str value;
};
/* Sends an interim answer (103, 104 …), as often as is useful, from any step before the final answer is
 * begun: also before and while the body is read. They go out at once and in order; the 100 of a request that
 * expects it comes where the step first asks for the body. HTTP/1.0 clients get none; a client that does not
 * read gets no more once some 32 KB are waiting for it: they are hints. */
void alb_req_interim(struct alb_req *req, int status, const struct alb_header *headers, size_t n);

#endif
