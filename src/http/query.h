/* SPDX-License-Identifier: Apache-2.0
 *
 * Query strings and URL-encoded forms ("a=1&b=%20"), and the Cookie header. Pieces come raw; decode what you
 * use with alb_percent_decode (base/codec.h) or alb_query_value. Pure; any thread.
 */
#ifndef ALB_HTTP_QUERY_H
#define ALB_HTTP_QUERY_H

#include "base/arena.h"

/* Takes the next pair; empty ones ("a&&b") are skipped. value.p == NULL: there was no '='. False at the end.
 */
bool alb_query_next(struct alb_str *rest, struct alb_str *key, struct alb_str *value);
/* The first value whose decoded key is `name`, decoded into the arena (form rules, '+' is a blank). False:
 * absent, a broken escape, a NUL, or no memory. A key without '=' has the empty value. */
bool alb_query_value(struct alb_str query, const char *name, struct alb_arena *a, struct alb_str *out);
/* Decodes s into the arena. False as above. */
bool alb_query_decode(struct alb_str s, bool form, struct alb_arena *a, struct alb_str *out);

/* The value of cookie `name` in a Cookie header, quotes removed; p == NULL: absent. */
struct alb_str alb_cookie_get(struct alb_str header, const char *name);
/* May this stand as a cookie's value (cookie-octet of RFC 6265)? */
bool alb_is_cookie_value(struct alb_str s);

#endif
