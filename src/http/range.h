/* SPDX-License-Identifier: Apache-2.0
 *
 * Range requests (RFC 9110 §14) on a body of known size. Pure; any thread. A Range header that is malformed,
 * of another unit, asks for more parts than we like or for more bytes than there are in all, is ignored
 * (200 with everything), as the RFC allows: overlapping ranges are an attack, not a wish.
 */
#ifndef ALB_HTTP_RANGE_H
#define ALB_HTTP_RANGE_H

#include "base/str.h"

#define ALB_RANGES_MAX 16

struct alb_range {
    uint64_t off, len; /* len > 0 */
};

enum alb_range_kind {
    ALB_RANGE_ALL,  /* no (valid) range: send everything */
    ALB_RANGE_PART, /* 206 with the n ranges found */
    ALB_RANGE_NOT,  /* 416 */
};

enum alb_range_kind alb_range_parse(struct alb_str header, uint64_t size,
                                    struct alb_range out[ALB_RANGES_MAX], unsigned *n);

#endif
