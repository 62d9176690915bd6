/* SPDX-License-Identifier: Apache-2.0
 *
 * How many connections an address has, how many requests a user has: counts by key, for limits (law 7).
 * Keys whose count is 0 take no memory, so the table is bounded by what it counts.
 * Threads: any. Lock: HTTP_WAKE, only inside (a leaf).
 */
#ifndef ALB_HTTP_TALLY_H
#define ALB_HTTP_TALLY_H

#include "base/lock.h"

struct alb_tally_key {
    unsigned char b[16];
};

struct alb_tally;

struct alb_tally *alb_tally_new(void) ALB_MUST_CHECK; /* NULL: no memory */
void alb_tally_free(struct alb_tally **t);
/* Adds one unless the count is `max` already (or memory is short): false. */
bool alb_tally_up(struct alb_tally *t, const struct alb_tally_key *key, unsigned max) ALB_MUST_CHECK;
void alb_tally_down(struct alb_tally *t, const struct alb_tally_key *key);

#endif
