/* SPDX-License-Identifier: Apache-2.0
 *
 * What could not be made lately, and why: so that a picture on which a worker crashes or runs out of its time
 * is not tried again for everybody who reloads the page it stands on. Only what lies in the picture is noted,
 * never what lies in the load of the server; the answer is the same as the first time.
 *
 * A note holds for ten times as long as the try took (within bounds): so one picture takes at most a tenth of
 * a slot, however often it is asked for. A fixed number of notes; a new one takes the place of the one that
 * would end first among those that it may replace.
 *
 * Threads: any. Lock: RENDER_FAILURES.
 */
#ifndef ALB_RENDER_FAILURES_H
#define ALB_RENDER_FAILURES_H

#include "base/clock.h"
#include "base/err.h"
#include "base/flight.h"

#define ALB_FAILURES_MAX 1024
#define ALB_FAILURE_LEAST_NS (10 * ALB_NS_PER_S)
#define ALB_FAILURE_MOST_NS (300 * ALB_NS_PER_S)

struct alb_failures;

struct alb_failures *alb_failures_new(void) ALB_MUST_CHECK; /* NULL: no memory */
void alb_failures_free(struct alb_failures **failures);
/* It took `took_ns`, at `now`, to find out that this cannot be made. */
void alb_failures_note(struct alb_failures *f, const struct alb_flight_key *key, enum alb_code code,
                       int64_t took_ns, int64_t now);
/* What was found out, or ALB_OK: nothing is known (any more). */
enum alb_code alb_failures_look(struct alb_failures *f, const struct alb_flight_key *key, int64_t now);

#endif
