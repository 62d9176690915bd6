/* SPDX-License-Identifier: Apache-2.0
 *
 * Undoes a Content-Encoding piece by piece: gzip (several members too, RFC 1952) and deflate (with the zlib
 * wrapper of RFC 9110, or without, as some servers send it). What comes out is bounded by whoever takes it,
 * piece by piece, so a small body that would become an enormous one costs only what is taken. One thread at
 * a time.
 */
#ifndef ALB_FETCH_INFLATE_H
#define ALB_FETCH_INFLATE_H

#include "base/err.h"
#include "base/str.h"

struct alb_inflate;

/* The value of a Content-Encoding header: *out stays NULL for none and "identity". UNSUPPORTED: any other, or
 * several; NO_MEMORY. */
enum alb_code alb_inflate_new(struct alb_str encoding, struct alb_inflate **out,
                              struct alb_err *err) ALB_MUST_CHECK;
void alb_inflate_free(struct alb_inflate **in);

/* Called with each piece that came out; another code than ALB_OK ends it. */
typedef enum alb_code alb_inflate_fn(void *arg, const void *p, size_t n, struct alb_err *err);
/* CORRUPT: not of that encoding; else the code of fn. */
enum alb_code alb_inflate_feed(struct alb_inflate *in, const void *p, size_t n, alb_inflate_fn *fn, void *arg,
                               struct alb_err *err) ALB_MUST_CHECK;
/* Whether what was fed is complete: false, it was cut. */
bool alb_inflate_is_whole(const struct alb_inflate *in);

#endif
