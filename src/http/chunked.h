/* SPDX-License-Identifier: Apache-2.0
 *
 * Decoder of the chunked transfer coding (RFC 9112 §7.1), strict: sizes are 1 to 15 hex digits, lines end in
 * CRLF, extensions are bounded and ignored, trailers are bounded, kept apart, and may not name a framing
 * field. Works in place: the payload moves down over the framing, nothing is copied elsewhere. One thread.
 */
#ifndef ALB_HTTP_CHUNKED_H
#define ALB_HTTP_CHUNKED_H

#include "base/buf.h"

enum alb_chunked_state {
    ALB_CHUNK_SIZE, /* digits */
    ALB_CHUNK_EXT,
    ALB_CHUNK_SIZE_LF,
    ALB_CHUNK_DATA,
    ALB_CHUNK_DATA_CR,
    ALB_CHUNK_DATA_LF,
    ALB_CHUNK_TRAILER,
    ALB_CHUNK_END,
    ALB_CHUNK_BAD,
};

struct alb_chunked {
    enum alb_chunked_state state;
    unsigned digits;
    uint64_t left;           /* of the chunk's data; while reading the size: the size so far */
    size_t ext;              /* bytes of extensions in this body */
    struct alb_buf trailers; /* raw lines */
};

#define ALB_CHUNK_EXT_MAX 16384 /* in one body */
#define ALB_CHUNK_TRAILER_MAX 8192
#define ALB_CHUNK_TRAILER_FIELDS 32

void alb_chunked_init(struct alb_chunked *c);
void alb_chunked_fini(struct alb_chunked *c);

/* Reads p[0..n). Returns how many bytes it used: n, or fewer when the body ended (state END) or is broken
 * (BAD). The payload among them is p[0..*payload) afterwards; bytes behind those used are untouched. */
size_t alb_chunked_decode(struct alb_chunked *c, char *p, size_t n, size_t *payload);

#endif
