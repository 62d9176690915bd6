/* SPDX-License-Identifier: Apache-2.0
 *
 * What the client and the fetch loop share. Private to src/fetch. Pure, or as said; any thread.
 */
#ifndef ALB_FETCH_PRIV_H
#define ALB_FETCH_PRIV_H

#include <sys/socket.h>

#include "base/buf.h"

struct curl_slist;

/* The value of curl's NOPROXY: the environment's, and this machine; with its NUL. *out is initialised. */
void alb_fetch_no_proxy(struct alb_buf *out);
bool alb_fetch_headers_add(struct curl_slist **list, const char *line) ALB_MUST_CHECK; /* false: no memory */
void alb_fetch_headers_free(
    struct curl_slist *list); /* wiped first: there may be secrets in it; NULL allowed */
/* A CURLcode that another attempt cannot mend. */
bool alb_fetch_is_hopeless(int curl_code);

/* What must be allowed (ALB_FETCH_*) before this address may be connected to; ALB_FETCH_PUBLIC: nothing. IPv6
 * forms that carry an IPv4 address (mapped, compatible, 6to4, NAT64, Teredo, ISATAP) need what that needs
 * too. */
unsigned alb_fetch_needs(const struct sockaddr *address);
/* Whether it, or an IPv4 address that it carries, is in any of these networks. */
struct alb_fetch_network;
bool alb_fetch_is_in(const struct sockaddr *address, const struct alb_fetch_network *networks, size_t count);

#endif
