/* SPDX-License-Identifier: Apache-2.0
 *
 * Heads of requests, strict by construction: what RFC 9112 leaves to taste is refused, never guessed, so that
 * no proxy in front of us can see another request than we do. Pure functions on bytes; any thread.
 *
 * Two steps: alb_head_scan looks for the end of the head in what has arrived (cheap, incremental, and early
 * with its refusals), alb_head_parse reads a complete head in one go. Views point into the caller's bytes.
 */
#ifndef ALB_HTTP_PARSE_H
#define ALB_HTTP_PARSE_H

#include "base/str.h"

/* Headers that http itself looks at: ALB_X(id, lower-case name, may it come once only?). A second line of a
 * header that can only have one meaning is a smuggling attempt or a broken client: 400. */
#define ALB_HTTP_KNOWN_HEADERS(ALB_X)                                                                        \
    ALB_X(HOST, "host", true)                                                                                \
    ALB_X(CONTENT_LENGTH, "content-length", true)                                                            \
    ALB_X(TRANSFER_ENCODING, "transfer-encoding", true)                                                      \
    ALB_X(CONNECTION, "connection", false)                                                                   \
    ALB_X(EXPECT, "expect", true)                                                                            \
    ALB_X(RANGE, "range", true)                                                                              \
    ALB_X(IF_RANGE, "if-range", true)                                                                        \
    ALB_X(IF_MATCH, "if-match", false)                                                                       \
    ALB_X(IF_NONE_MATCH, "if-none-match", false)                                                             \
    ALB_X(IF_MODIFIED_SINCE, "if-modified-since", true)                                                      \
    ALB_X(IF_UNMODIFIED_SINCE, "if-unmodified-since", true)                                                  \
    ALB_X(ORIGIN, "origin", true)                                                                            \
    ALB_X(COOKIE, "cookie", false)                                                                           \
    ALB_X(AUTHORIZATION, "authorization", true)                                                              \
    ALB_X(CONTENT_TYPE, "content-type", true)                                                                \
    ALB_X(ACCEPT, "accept", false)                                                                           \
    ALB_X(ACCEPT_ENCODING, "accept-encoding", false)                                                         \
    ALB_X(USER_AGENT, "user-agent", false)                                                                   \
    ALB_X(X_REQUEST_ID, "x-request-id", false)                                                               \
    ALB_X(X_FORWARDED_FOR, "x-forwarded-for", false)                                                         \
    ALB_X(X_FORWARDED_PROTO, "x-forwarded-proto", false)                                                     \
    ALB_X(X_FORWARDED_HOST, "x-forwarded-host", false)                                                       \
    ALB_X(FORWARDED, "forwarded", false)                                                                     \
    ALB_X(X_HTTP_METHOD_OVERRIDE, "x-http-method-override", true)                                            \
    ALB_X(AC_REQUEST_METHOD, "access-control-request-method", true)                                          \
    ALB_X(AC_REQUEST_HEADERS, "access-control-request-headers", false)

enum alb_known_header {
#define ALB_X(id, name, once) ALB_H_##id,
    ALB_HTTP_KNOWN_HEADERS(ALB_X)
#undef ALB_X
        ALB_H_COUNT
};

struct alb_field {
    struct alb_str name, value; /* value without blanks around it */
};

#define ALB_HEAD_FIELDS_MAX 128 /* room for fields; the limit of the configuration is not above it */

struct alb_head {
    struct alb_str method, target, path, query; /* query.p == NULL: no '?' */
    struct alb_str host;                        /* of the target if it is absolute, else of Host */
    unsigned method_bit;                        /* ALB_M_*, 0: a method we do not know */
    bool v11, keep_alive, chunked, expect;
    int64_t length; /* body: 0 none, -1 chunked */
    unsigned count;
    unsigned char known[ALB_H_COUNT]; /* 1 + index of the first such field, 0: absent */
    struct alb_field fields[ALB_HEAD_FIELDS_MAX];
};

struct alb_head_limits {
    size_t bytes, target;
    unsigned fields; /* <= ALB_HEAD_FIELDS_MAX */
};

/* Progress of the search; all zero to begin. */
struct alb_head_scan {
    size_t start; /* where the request line begins (an empty line before it is allowed once) */
    size_t at;    /* everything before was looked at */
    unsigned lines;
};

enum { ALB_SCAN_MORE = 0, ALB_SCAN_DONE = 1 }; /* others: the HTTP status to refuse with */

/* Looks at p[0..n), which begins with everything that was there at the last call. DONE: the head is
 * p[s->start .. s->at), the empty line included. */
int alb_head_scan(struct alb_head_scan *s, const char *p, size_t n, const struct alb_head_limits *limits);

/* Reads a complete head (request line, fields, empty line). 0, or the status to refuse with: 400, 414, 417,
 * 431, 505. On a refusal `head` holds what was understood so far (method, target, version), for the log. */
int alb_head_parse(const char *p, size_t n, const struct alb_head_limits *limits,
                   struct alb_head *head) ALB_MUST_CHECK;

/* Reads field lines, each with its CRLF, up to the end of p or an empty line: the same rules for trailers and
 * multipart. Returns the number of fields, or -400 or -431. */
int alb_fields_parse(const char *p, size_t n, struct alb_field *fields, unsigned cap) ALB_MUST_CHECK;

/* The view of the first value; p == NULL: absent. */
static inline struct alb_str alb_head_known(const struct alb_head *h, enum alb_known_header id)
{
    return h->known[id] ? h->fields[h->known[id] - 1].value : ALB_STR_NONE;
}

bool alb_is_token(struct alb_str s);          /* one or more token characters (RFC 9110 §5.6.2) */
bool alb_is_host(struct alb_str s);           /* host[:port] that may stand in a URL; not empty */
unsigned alb_method_bit(struct alb_str name); /* ALB_M_* or 0 */
const char *alb_method_name(unsigned bit);    /* "GET"; "-" for 0 */
/* Is `token` in the comma-separated list (any case)? */
bool alb_list_has(struct alb_str list, const char *token);

#endif
