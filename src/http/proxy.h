/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is really there: addresses, the list of trusted proxies, and what these say about the client
 * (Forwarded of RFC 7239, X-Forwarded-For/-Proto/-Host, PROXY protocol 1 and 2). Nobody else is believed.
 * Pure; any thread.
 */
#ifndef ALB_HTTP_PROXY_H
#define ALB_HTTP_PROXY_H

#include <sys/socket.h>

#include "base/err.h"
#include "base/str.h"
#include "http/parse.h"

/* An address without its port; IPv4 as ::ffff:a.b.c.d. */
struct alb_addr {
    unsigned char b[16];
    bool unix_peer; /* no address: a Unix socket, or a proxy that says "unknown" */
};
#define ALB_ADDR_TEXT 46

void alb_addr_from_sockaddr(const struct sockaddr_storage *ss, struct alb_addr *out);
/* "192.0.2.1", "2001:db8::1", "[2001:db8::1]:80", "192.0.2.1:80". */
bool alb_addr_parse(struct alb_str s, struct alb_addr *out) ALB_MUST_CHECK;
bool alb_addr_is_local(const struct alb_addr *a);                        /* loopback or a Unix peer */
size_t alb_addr_text(const struct alb_addr *a, char out[ALB_ADDR_TEXT]); /* "unix" for a Unix peer */

struct alb_cidr {
    struct alb_addr addr;
    unsigned bits; /* of 128; ignored for "unix" */
};
bool alb_cidr_parse(struct alb_str s, struct alb_cidr *out) ALB_MUST_CHECK; /* "10.0.0.0/8", "::1", "unix" */
bool alb_cidr_has(const struct alb_cidr *list, size_t n, const struct alb_addr *a);

struct alb_seen {
    struct alb_addr client;
    struct alb_str scheme, host; /* p == NULL: the proxies did not say */
};
/* What a request with these headers looked like to the outermost trusted proxy. `peer` is who connected. */
void alb_proxy_see(const struct alb_head *h, const struct alb_addr *peer, const struct alb_cidr *trusted,
                   size_t trusted_n, struct alb_seen *out);

/* PROXY protocol at the start of a connection. Returns the bytes it takes up (client set; unchanged for LOCAL
 * and UNKNOWN), 0: more is needed, -1: this is not it. */
#define ALB_PROXY_HEAD_MAX 536
int alb_proxy_parse(const char *p, size_t n, struct alb_addr *client);

#endif
