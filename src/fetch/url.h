/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses of other servers, taken to pieces by the same parser that will connect (curl's), so that what a
 * list of allowed addresses looks at is what is asked for. http and https only. Spaces and bytes above 0x7f
 * in path and query come out percent-encoded, as they go over the wire; the fragment is dropped; "." and ".."
 * are resolved. Pure; any thread.
 */
#ifndef ALB_FETCH_URL_H
#define ALB_FETCH_URL_H

#include "base/err.h"
#include "base/str.h"

#define ALB_URL_MAX ((size_t)16 * 1024)

struct alb_url {          /* zeroed before its first use; views into `memory` */
    struct alb_str text;  /* the whole, with a NUL behind it; without user and password if resolved */
    struct alb_str user;  /* "name:password" as written, or empty */
    struct alb_str host;  /* lower case, IPv6 without brackets; names of other scripts as written */
    struct alb_str path;  /* begins with "/" */
    struct alb_str query; /* behind "?"; p == NULL: there is none */
    uint16_t port;        /* the scheme's own if none is written */
    bool secure;          /* https */
    char *memory;
};

/* INVALID: not an address of http or https, with control characters, or too long. */
enum alb_code alb_url_parse(struct alb_str text, struct alb_url *url, struct alb_err *err) ALB_MUST_CHECK;
/* What `reference` (a Location header) means, seen from base: RFC 3986 §5. The user and password of base are
 * not inherited. */
enum alb_code alb_url_resolve(const struct alb_url *base, struct alb_str reference, struct alb_url *url,
                              struct alb_err *err) ALB_MUST_CHECK;
void alb_url_fini(struct alb_url *url); /* safe twice and on a zeroed struct */

/* Same scheme, host and port; or the same host, from port 80 of http to port 443 of https. What was meant for
 * `from` may be told to `to`. */
bool alb_url_may_tell(const struct alb_url *from, const struct alb_url *to);

#endif
