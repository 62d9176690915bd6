/* SPDX-License-Identifier: Apache-2.0
 *
 * A small HTTP client for talking to one server again and again (the importer; later our own tools). It is
 * not the fetcher of remote pictures: addresses come from the person who starts the program, never from a
 * request.
 *
 *   struct alb_client       where, who and how patient; fixed after new, used by all threads
 *   struct alb_client_conn  one keep-alive connection; one thread at a time
 *
 * alb_client_do makes exactly one attempt and answers ALB_OK as soon as there is an HTTP answer, whatever its
 * status: what to do then is the caller's business (fetch/patience.h helps). There is no limit on the total
 * time of a transfer, only on the time in which no byte moves. Nothing is ever sent twice behind the caller's
 * back, no redirect is followed, and the key goes to no other origin than `base`. Threads: conns are
 * independent. `cancel_fd` readable ends every transfer at once. No locks.
 */
#ifndef ALB_FETCH_CLIENT_H
#define ALB_FETCH_CLIENT_H

#include "base/buf.h"
#include "base/log.h"

struct alb_client;
struct alb_client_conn;

#define ALB_CLIENT_ANSWER_FACTOR 5

struct alb_client_config {
    struct alb_str base; /* "http://host:port/prefix", no slash at the end; copied */
    struct alb_str key;  /* value of x-api-key, or empty; copied, wiped at the end */
    const char *agent;   /* literal for User-Agent */
    int64_t connect_ns;  /* time for name, TCP and TLS */
    int64_t stall_ns;    /* TIMEOUT when no byte moved in either direction for so long; once the whole body
                            is out, ALB_CLIENT_ANSWER_FACTOR times so long for the answer */
    size_t answer_max;   /* bytes of an answer's body; a longer one fails with TOO_LARGE */
    int cancel_fd;       /* readable = CANCELLED; -1: never */
};
enum alb_code alb_client_new(const struct alb_client_config *config, struct alb_client **client,
                             struct alb_err *err) ALB_MUST_CHECK;
void alb_client_free(struct alb_client **client); /* after all its conns */

enum alb_code alb_client_conn_new(struct alb_client *client, struct alb_client_conn **conn,
                                  struct alb_err *err) ALB_MUST_CHECK;
void alb_client_conn_free(struct alb_client_conn **conn);

struct alb_client_body {
    int64_t length; /* exact */
    /* Up to n bytes into p; 0 = cannot deliver any more: the transfer ends with CANCELLED and the caller
     * knows why. Called from alb_client_do, in order, for `length` bytes at most. */
    size_t (*read)(void *ctx, void *p, size_t n);
    void *ctx;
};

struct alb_client_request {
    const char *method;                 /* GET, HEAD, POST, PATCH, DELETE */
    struct alb_str target;              /* path and query below base, begins with "/" */
    const char *const *headers;         /* "Name: value", NULL at the end; may be NULL */
    const struct alb_client_body *body; /* NULL = none; POST and PATCH then send Content-Length: 0 */
};

struct alb_client_answer {
    int status;          /* 0: there was none */
    struct alb_buf head; /* header lines of the final answer, each with its newline */
    struct alb_buf body;
    int64_t sent;   /* bytes of the request body handed to the system */
    bool connected; /* the request may have reached the server */
};
void alb_client_answer_init(struct alb_client_answer *a);
void alb_client_answer_fini(struct alb_client_answer *a);
/* First header of that name (any case), trimmed; false if absent. Valid until the answer is used again. */
bool alb_client_header(const struct alb_client_answer *a, const char *name, struct alb_str *value);

/* One attempt. ALB_OK: *a holds an answer. Else: ALB_E_BUSY (no connection, or it broke), ALB_E_TIMEOUT
 * (stall), ALB_E_CANCELLED (cancel_fd, or the body gave up), ALB_E_TOO_LARGE, ALB_E_INVALID (not HTTP, TLS
 * refused, bad address: trying again is of no use), ALB_E_NO_MEMORY. `a` is reset first. */
enum alb_code alb_client_do(struct alb_client_conn *conn, const struct alb_client_request *request,
                            struct alb_client_answer *a, struct alb_err *err) ALB_MUST_CHECK;

/* Sees to it that a server's address is one: adds nothing, cuts slashes at the end. *base is NUL-terminated.
 */
enum alb_code alb_client_base(struct alb_str address, struct alb_buf *base,
                              struct alb_err *err) ALB_MUST_CHECK;

#endif
