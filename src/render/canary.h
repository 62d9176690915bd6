/* SPDX-License-Identifier: Apache-2.0
 *
 * Does the darkroom still answer? A picture of a few bytes is shown to one of its workers, in the lane of probes,
 * which stands behind no render: a darkroom that is merely busy answers at once, one that hangs does not. For
 * /health, which asks whenever it is asked: those who ask at the same time share one look.
 *
 * Threads: any. Locks: FLIGHT, FUTURE, DARKROOM inside.
 */
#ifndef ALB_RENDER_CANARY_H
#define ALB_RENDER_CANARY_H

#include "base/clock.h"
#include "base/future.h"

struct alb_canary;
struct alb_darkroom;

enum alb_code alb_canary_open(struct alb_darkroom *darkroom, struct alb_canary **out,
                              struct alb_err *err) ALB_MUST_CHECK;
void alb_canary_close(struct alb_canary **canary); /* after the darkroom was closed */

/* Joins or begins a look and registers w on it (may be NULL; made no heir). *future, a reference, settles: a worker has
 * answered; or fails: TIMEOUT (at `deadline`, monotonic, of whoever began), BUSY, or what the worker said. BUSY,
 * NO_MEMORY as the code of the call: nothing was begun. No I/O on the calling thread. */
enum alb_code alb_canary_ask(struct alb_canary *c, int64_t deadline, struct alb_waiter *w,
                             struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;

#endif
