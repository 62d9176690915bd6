/* SPDX-License-Identifier: Apache-2.0
 *
 * Bounded ring of bytes between the event loop and the io pool: the body on its way in, or an answer on its
 * way out. One thread fills, one empties. The positions are under the lock of the request (the caller holds
 * it for every function here but new and fini); the bytes between are touched without it: who fills owns the
 * free part, who empties owns the filled part. It begins small and grows (up to max) when it was full and is
 * empty again, so a slow client costs a page or two and a fast one gets few, large pieces. An emptied ring
 * begins anew at its start.
 */
#ifndef ALB_HTTP_RING_H
#define ALB_HTTP_RING_H

#include "base/attr.h"

struct alb_http;

struct alb_ring {
    char *p; /* NULL: not made yet */
    size_t cap, max, head, fill;
    bool was_full;
};

#define ALB_RING_FIRST 16384

void alb_ring_init(struct alb_ring *r, size_t max);
void alb_ring_fini(struct alb_ring *r,
                   struct alb_http *s); /* gives the memory back to the server's account */
/* The free piece at the end, at most *n bytes; NULL with *n = 0: full; NULL with *n > 0: no memory. Call it
 * only as the one who fills; the memory may move if the ring is empty. hint: how much will come, 0 unknown.
 */
char *alb_ring_space(struct alb_ring *r, struct alb_http *s, uint64_t hint, size_t *n);
void alb_ring_filled(struct alb_ring *r, size_t n);
/* The first filled piece. */
const char *alb_ring_view(const struct alb_ring *r, size_t *n);
void alb_ring_used(struct alb_ring *r, size_t n);

#endif
