/* SPDX-License-Identifier: Apache-2.0
 *
 * The answer side of the HTTP room: set status, headers and one body, return HIT or DONE. Until then
 * everything may be set again; the last one wins. http adds Date, Content-Length or chunks, Connection,
 * X-Request-ID, Accept-Ranges, CORS; it drops bodies of HEAD and 304, evaluates validators and ranges, and
 * makes 304, 412, 206 and 416 out of a 200 where they are due. Included by http/http.h.
 */
#ifndef ALB_HTTP_RES_H
#define ALB_HTTP_RES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/obj.h"

struct alb_req;

void alb_res_status(struct alb_req *req, int status); /* default 200 */
int alb_res_get_status(const struct alb_req *req);
/* Header lines of one answer together; beyond it the answer is 500. Three times what a request may say by
 * default: doors repeat some of it. */
#define ALB_RES_LINES_MAX ((size_t)192 << 10)
/* Adds a line. `name` is a token of ours; control bytes in the value become blanks, so nothing can be
 * smuggled in. Framing headers are http's own and refused (a bug: panic). */
void alb_res_header(struct alb_req *req, const char *name, struct alb_str value);
void alb_res_header_c(struct alb_req *req, const char *name, const char *value);
void alb_res_header_i64(struct alb_req *req, const char *name, int64_t value);
/* Replaces the lines of that name, or removes them (value.p == NULL). */
void alb_res_header_set(struct alb_req *req, const char *name, struct alb_str value);
/* Lines that were built before, each "Name: value\r\n", trusted: for hot answers. */
void alb_res_header_block(struct alb_req *req, struct alb_str lines);
/* What was set beside the body, as views; and the same set for another request, whose texts live as long as that one
 * (lines are copied). For doors that give the same answer again. */
struct alb_res_head {
    int status;
    bool weak;
    const char *type;
    struct alb_str lines, etag;
    int64_t modified_ms;
};
void alb_res_head_get(const struct alb_req *req, struct alb_res_head *head);
void alb_res_head_set(struct alb_req *req, const struct alb_res_head *head);
/* Content-Type: a literal, or in the arena. Control bytes in it: "application/octet-stream" instead. */
void alb_res_type(struct alb_req *req, const char *type);
/* Content-Disposition with filename and, where needed, filename* (RFC 6266). */
void alb_res_disposition(struct alb_req *req, bool attachment, struct alb_str filename);

struct alb_cookie {
    const char *name, *path; /* path NULL: "/" */
    struct alb_str value;    /* cookie-octets only, else the cookie is dropped */
    int64_t max_age_s;       /* -1: session; 0: remove it */
    bool http_only, secure;
    const char *same_site; /* "Lax", "Strict", "None" or NULL */
};
void alb_res_cookie(struct alb_req *req, const struct alb_cookie *cookie);

/* ---- bodies -------------------------------------------------------------------------------------- */

void alb_res_copy(struct alb_req *req, const void *p, size_t n); /* copied into the arena */
/* Takes the contents of b over (b is empty afterwards); a buffer in error answers 500 or 503. */
void alb_res_buf(struct alb_req *req, struct alb_buf *b);
/* The same, but with Content-Encoding: gzip where the client takes that and it is worth while; Vary says that it
 * depends. From step only, never from hot (it computes), and after alb_res_etag, which gets "-gz" behind it.
 * Not for answers with a secret beside something that others may choose (docs/threat-model.md). */
void alb_res_buf_packed(struct alb_req *req, struct alb_buf *b);
/* Memory that lives as long as the request, at least: literals, embedded files, the request's arena; not what a
 * hook frees. */
void alb_res_literal(struct alb_req *req, struct alb_str body);
/* Shared immutable bytes; http takes its own reference. Range requests are answered. */
void alb_res_bytes(struct alb_req *req, struct alb_bytes *bytes);

/* A source of known size that is read on the io pool, in any order, when the socket has room. Fills
 * 1..n bytes at offset off (*got), or fails: before the first byte was sent the answer becomes that error,
 * later the connection is cut, so that a short body is never taken for a whole one. ctx must live until
 * the request ends (arena). Range requests are answered. */
typedef enum alb_code alb_read_fn(void *ctx, uint64_t off, void *p, size_t n, size_t *got,
                                  struct alb_err *err);
void alb_res_source(struct alb_req *req, uint64_t size, alb_read_fn *fn, void *ctx);

/* An answer of unknown length, written by the step between waits (JSON lines, zip, events). Status and
 * headers are fixed from the first alb_res_write on. The end is DONE. Only from step. */
void alb_res_stream(struct alb_req *req);
/* Takes up to n bytes into the ring and says how many; 0: full, or the client has gone: return
 * alb_req_wait_drain. (Routes with ALB_ROUTE_TOLD: n once it has gone, and the bytes go nowhere.) */
size_t alb_res_write(struct alb_req *req, const void *p, size_t n);
/* Moves what fits from the front of b; true when b is empty. */
bool alb_res_write_buf(struct alb_req *req, struct alb_buf *b);
void alb_res_abort(struct alb_req *req); /* cuts the connection instead of ending the body well */

/* ---- errors -------------------------------------------------------------------------------------- */

/* The whole answer for a failure: status of the code, body by the group's error writer. text NULL: the code's
 * own text. 429 and 503 get Retry-After. Headers that were set stay, except Content-*, validators and
 * Cache-Control (becomes no-store). */
void alb_res_error(struct alb_req *req, enum alb_code code, const char *text);
/* For statuses that are no alb_code (405, 408, 416 …). */
void alb_res_error_status(struct alb_req *req, int status, const char *text);
/* Logs *err with the request and answers its code. */
void alb_res_fail(struct alb_req *req, const struct alb_err *err);
/* After an error of status 429 or 503, which says 5 s by itself. */
void alb_res_retry_after(struct alb_req *req, int seconds);
void alb_res_close(struct alb_req *req); /* no further request on this connection */

/* ---- validators (RFC 9110 §13): the service says what it has, http decides -------------------------- */

void alb_res_etag(struct alb_req *req, struct alb_str tag /* without quotes; p == NULL: none */, bool weak);
void alb_res_modified(struct alb_req *req, int64_t wall_ms);
/* After the two above: would a GET end as 304 or 412? Then DONE may be returned without a body. */
bool alb_res_decided(struct alb_req *req);
/* For methods that change something, before the change: true = go on; else the 412 is set. tag.p == NULL:
 * no such resource exists now. wall_ms < 0: no date. */
bool alb_req_may_change(struct alb_req *req, struct alb_str tag, bool weak, int64_t wall_ms) ALB_MUST_CHECK;

/* For routes that answer OPTIONS themselves: adds what a CORS preflight asks for (`allow`: ALB_M_* of the resource).
 * False: it is none, or its origin is not allowed; nothing was changed. */
bool alb_res_preflight(struct alb_req *req, unsigned allow);

/* "OK", "Not Found" …; "Unknown" for others. */
const char *alb_http_reason(int status);

#endif
