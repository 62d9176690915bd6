/* SPDX-License-Identifier: Apache-2.0
 *
 * One transfer of the fetch loop (fetch.h): what its request says, and what curl calls while it runs.
 * Private to src/fetch. Made by the thread that starts it, from then on the loop's alone, but for
 * `forsaken`, an atomic that the future's hook raises, and the sink's `go_on`.
 */
#ifndef ALB_FETCH_TRANSFER_H
#define ALB_FETCH_TRANSFER_H

#include <curl/curl.h>

#include "fetch/fetch.h"
#include "fetch/sockets.h"

#define ALB_FETCH_HOSTS 1024

struct alb_transfer {
    struct alb_transfer *next;
    struct alb_owner title;
    atomic_bool forsaken;
    CURLM *multi; /* to wake the loop with */
    /* fixed after start */
    const char *method;
    struct alb_buf url, agent, cookies, cookie;
    struct curl_slist *headers;
    struct alb_bytes *body;
    struct alb_fetch_sink *sink;
    int64_t connect_ns, deadline;
    unsigned redirects, reach;
    struct alb_fetch_network *blocked; /* ours */
    size_t blocked_count;
    long idle_s; /* a kept connection is not used again after so long */
    unsigned host; /* of the url: a number below ALB_FETCH_HOSTS; two hosts may share one */
    bool insecure, jar;
    /* owned by the loop */
    CURL *easy; /* NULL: waiting */
    struct alb_buf head, answer;
    struct alb_fetch_sockets *sockets; /* the loop's */
    struct alb_fetch_opened opened;
    bool refused, head_done, cut, paused;
    bool unclean; /* the kept connection it was given was not */
    bool again;   /* ...and so it has a new one now */
    char error[CURL_ERROR_SIZE];
};

/* INVALID: url or headers. */
enum alb_code alb_transfer_check(const struct alb_fetch_request *r, struct alb_err *err) ALB_MUST_CHECK;
/* Everything of the request, copied; no title yet. NULL: no memory. */
struct alb_transfer *alb_transfer_new(const struct alb_fetch_request *r,
                                      const struct alb_fetch_config *config) ALB_MUST_CHECK;
void alb_transfer_free(struct alb_transfer *t); /* its title has ended */

/* The loop: makes `easy`; false: no memory. no_proxy: curl's NOPROXY. */
bool alb_transfer_prepare(struct alb_transfer *t, const char *no_proxy,
                          struct alb_fetch_sockets *sockets) ALB_MUST_CHECK;
/* Ended by us before anything was sent, and worth another beginning: `easy` is gone again. */
bool alb_transfer_rewind(struct alb_transfer *t, CURLcode rc);
/* curl is through with it: settles or fails its title. */
void alb_transfer_end(struct alb_transfer *t, CURLcode rc);
void alb_transfer_fail(struct alb_transfer *t, enum alb_code code, const char *text);
/* Goes on if it has stood still and its sink has room again. */
void alb_transfer_go_on(struct alb_transfer *t);

#endif
