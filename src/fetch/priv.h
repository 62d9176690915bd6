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
/* First header of that name (any case) among the lines of a head, trimmed. */
bool alb_fetch_header_in(struct alb_str head, const char *name, struct alb_str *value);
/* A CURLcode that another attempt cannot mend. */
bool alb_fetch_is_hopeless(int curl_code);

/* An address that belongs to the open internet: not loopback, private, link-local, shared (RFC 6598),
 * multicast, reserved or documentation, nor an IPv6 form that carries such an IPv4 address. */
bool alb_fetch_is_public(const struct sockaddr *address);

#endif
