/* SPDX-License-Identifier: Apache-2.0
 *
 * The signature: base64url, without padding, of HMAC-SHA256(key, salt ‖ "/" ‖ path), cut to signature_size
 * bytes before it is encoded. Any pair of key and salt may match, so that keys can be changed while old URLs
 * live. Without keys any signature passes, except one with ":" in it: that is an option, and the signature
 * was forgotten. Compared in constant time. Pure; any thread.
 */
#ifndef ALB_DOORS_IMGPROXY_SIGNATURE_H
#define ALB_DOORS_IMGPROXY_SIGNATURE_H

#include "base/arena.h"
#include "base/hash.h"
#include "doors/imgproxy/config.h"
#include "doors/imgproxy/refusal.h"

/* `path` without its first "/". FINE; BAD_SIGNATURE; NO_SIGNATURE; NO_MEMORY. *pair (may be NULL): which key
 * matched, or -1: trusted, or unchecked. */
enum alb_imgproxy_refusal alb_imgproxy_signature_check(const struct alb_imgproxy_config *c,
                                                       struct alb_arena *arena, struct alb_str signature,
                                                       struct alb_str path, int *pair,
                                                       struct alb_err *err) ALB_MUST_CHECK;
/* The signature's text; empty view: no memory. size: 1..32. */
struct alb_str alb_imgproxy_signature_make(struct alb_arena *arena, struct alb_str key, struct alb_str salt,
                                           size_t size, struct alb_str path);

#endif
