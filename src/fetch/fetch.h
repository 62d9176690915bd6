/* SPDX-License-Identifier: Apache-2.0
 *
 * Outbound HTTP(S) as futures: one thread drives every transfer through curl's multi interface, so nobody
 * waits for another machine (law 1). Made for what the server asks of others while it serves (hooks).
 *
 *   alb_fetch_start -> future --+-- SETTLED with a struct alb_fetch_answer: there was an HTTP answer,
 *                               |            whatever its status
 *                               +-- FAILED   BUSY (no connection, or it broke), TIMEOUT (deadline), FORBIDDEN
 *                                            (an address that `reach` does not allow), INVALID (no address,
 *                                            not HTTP, certificate refused: trying again is of no use),
 *                                            CANCELLED
 *
 * One start is one attempt. What is sent twice: a 307 or 308 that is followed (`redirects`), and a request
 * whose kept connection turns out to be closed before any byte of an answer. Authorization and Cookie go to
 * the first host only. A future that is forsaken (future.h) ends its transfer at once.
 *
 * Who chooses the address decides what may be reached. Addresses that the person who runs the server wrote
 * down may be ANYWHERE. Addresses that came from anybody else are for ALB_FETCH_PUBLIC: no connection to an
 * address that is loopback, private, link-local, shared, multicast or otherwise not of the open internet; the
 * first three can be allowed one by one. It is checked on the numbers that are connected to, after the name
 * was resolved and after each redirect, again when a kept connection is used, and no proxy is used then: so a
 * name that changes its mind between look-up and connection gains nothing.
 *
 * A body is collected in memory up to `answer_max`, or handed to a sink as it comes.
 *
 * Threads: start from any; stop and free from one that may block. Lock: FETCH. Bounds: `transfers` at a time,
 * `per_host` of them to one host, `queue` more that wait for their turn inside their deadline, at most half of
 * these for one host; BUSY beyond. So a host that answers nobody does not take what others need.
 */
#ifndef ALB_FETCH_FETCH_H
#define ALB_FETCH_FETCH_H

#include "base/buf.h"
#include "base/future.h"
#include "base/obj.h"

struct alb_fetch;

#define ALB_FETCH_IDLE_S 60
struct alb_fetch_config {
    const char *agent;  /* literal for User-Agent */
    unsigned transfers; /* at the same time, >= 1 */
    unsigned queue;     /* that wait, >= 0 */
    unsigned per_host;  /* of the transfers, to one host (and port); 0: no such bound */
    int64_t idle_ns;    /* how long an unused connection is kept for the next one; 0: ALB_FETCH_IDLE_S */
};
enum alb_code alb_fetch_open(const struct alb_fetch_config *config, struct alb_fetch **fetch,
                             struct alb_err *err) ALB_MUST_CHECK;
/* Ends what runs and waits (CANCELLED), joins the thread, frees. Nobody may start any more. Blocks. */
void alb_fetch_close(struct alb_fetch **fetch);

/* What may be connected to, or-ed. */
enum {
    ALB_FETCH_PUBLIC = 0,           /* the open internet */
    ALB_FETCH_LOOPBACK = 1u << 0,   /* 127/8, ::1, and the unspecified addresses, which mean the same */
    ALB_FETCH_LINK_LOCAL = 1u << 1, /* also multicast of that scope; the metadata of clouds live there */
    ALB_FETCH_PRIVATE = 1u << 2,    /* private, shared by carriers, site-local, reserved, for documentation */
    ALB_FETCH_OTHER = 1u << 3,      /* multicast, broadcast, what is no address */
    ALB_FETCH_ANYWHERE = (1u << 4) - 1, /* not checked, and the environment's proxy is used */
};

/* Addresses that are not connected to although `reach` would: a network. IPv4 as IPv6 that maps it. */
struct alb_fetch_network {
    unsigned char address[16];
    unsigned bits;
};
/* "10.0.0.0/8", "fd00::/8"; without a length one address. False: neither. */
bool alb_fetch_network_parse(struct alb_str text, struct alb_fetch_network *out) ALB_MUST_CHECK;

/* Takes the body of an answer as it comes, on the thread of the fetch loop: both are short, and make no file
 * calls. Counted: the transfer holds a reference, also for a moment after its future has ended. */
struct alb_fetch_sink {
    struct alb_obj obj;
    /* The head of the final answer is there: lines as in struct alb_fetch_answer. False: the body is not
     * wanted, the future settles with what is there (`cut`). */
    bool (*head)(struct alb_fetch_sink *sink, int status, struct alb_str head);
    enum alb_fetch_take {
        ALB_FETCH_TAKEN,
        ALB_FETCH_LATER, /* no room: nothing was taken, nothing more comes until alb_fetch_go_on */
        ALB_FETCH_STOP,  /* enough: the future settles (`cut`) */
    } (*body)(struct alb_fetch_sink *sink, const void *p, size_t n);
    /* private */
    atomic_bool go_on;
};

struct alb_fetch_request {         /* all of it is copied, or referenced */
    const char *method;            /* literal: GET or POST */
    struct alb_str url;            /* http:// or https:// */
    const struct alb_str *headers; /* "Name: value", no control characters */
    size_t header_count;
    struct alb_bytes *body;      /* of a POST; NULL: empty */
    int64_t connect_ns;          /* time for name, TCP and TLS of each connection */
    int64_t deadline;            /* monotonic, of everything together: waiting, redirects, answer */
    size_t answer_max;           /* bytes of the answer's body; more are cut off (`cut`) */
    unsigned redirects;          /* that are followed; 0: a 3xx is the answer */
    bool insecure;               /* certificates are not checked */
    unsigned reach;              /* ALB_FETCH_*; ANYWHERE with `blocked`: without a proxy */
    const struct alb_fetch_network *blocked; /* copied */
    size_t blocked_count;
    const char *agent;           /* instead of the config's; NULL: that. Copied */
    struct alb_fetch_sink *sink; /* referenced; NULL: collect. With a sink no redirect is followed */
    bool jar;                    /* cookies that the answer sets are given back in `cookies`... */
    struct alb_str cookies;      /* ...and these, from an answer before, are sent where they belong */
};

struct alb_fetch_answer { /* immutable */
    struct alb_obj obj;
    int status;
    bool cut;               /* the body is longer; this is its beginning */
    struct alb_str head;    /* header lines of the final answer */
    struct alb_str body;    /* empty with a sink */
    struct alb_str cookies; /* lines, if a jar was asked for */
};
/* First header of that name (any case), trimmed; false if absent. */
bool alb_fetch_header(const struct alb_fetch_answer *a, const char *name, struct alb_str *value);
/* The same among the lines of a head. */
bool alb_fetch_header_in(struct alb_str head, const char *name, struct alb_str *value);
/* Takes the next header of that name from *rest, which begins as a head; false: no more. */
bool alb_fetch_header_next(struct alb_str *rest, const char *name, struct alb_str *value);

/* *future is a reference for the caller. BUSY, INVALID (url or headers), NO_MEMORY. */
enum alb_code alb_fetch_start(struct alb_fetch *fetch, const struct alb_fetch_request *request,
                              struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;

/* There is room again in a sink that has said LATER. Any thread; the fetch loop is open. */
void alb_fetch_go_on(struct alb_fetch *fetch, struct alb_fetch_sink *sink);

#endif
