/* SPDX-License-Identifier: Apache-2.0
 *
 * The hand-over of a request between its event loop, the io pool, and the futures it waits on. One lock
 * (HTTP_REQUEST) guards the state; every arrow is one critical section.
 *
 *            submit                 pool                      step says WAIT and it has not happened yet
 *   LOOP ------------> QUEUED -------------> RUNNING -------------------------------------------> WAITING
 *                        ^                     |  step says DONE                                    | |
 *                        |                     +----------------> DONE (the loop sends)             | |
 *                        |                     |  ended by hang-up: clean up, mail ENDED            | |
 *                        |                                                                          | |
 *                        +---- wake of the future, body came, ring drained, deadline ---------------+ |
 *                        |                                                                            |
 *                        +---------- left, or the wake came meanwhile ---- LEAVING <------------------+
 *                                                                   (loop: hang-up or deadline of a future)
 *
 * Invariants:
 *   1. QUEUED is entered with exactly one alb_pool_submit or _resume, by whoever made the transition.
 *   2. A wake that comes while the step still runs is kept (woken) and honoured when the step parks, so none
 *      is lost; BODY and DRAIN are conditions, tested under the lock when the step parks.
 *   3. The waiter is registered on at most one future; no request ends while its wake is still on the way.
 *   4. Letters are posted before the request is parked: after that it is no longer ours.
 *   5. Only the loop recycles a request: at HAND_LOOP or DONE, or when ENDED has come. The arena's hooks have
 *      run then, except at HAND_LOOP.
 */
#ifndef ALB_HTTP_HAND_H
#define ALB_HTTP_HAND_H

#include "http/http_priv.h"

void alb_hand_init(struct alb_req *r);
/* Loop: gives the request to the pool for the first time. BUSY: the pool is full. */
enum alb_code alb_hand_submit(struct alb_req *r) ALB_MUST_CHECK;
/* Loop: the client has gone (why: CANCELLED, or what refused it). The step is told, taken off its future,
 * or left to end. */
void alb_hand_gone(struct alb_req *r, enum alb_code why);
/* Loop: body bytes, its end or its failure are there; or the out ring has room. */
void alb_hand_body(struct alb_req *r);
void alb_hand_drained(struct alb_req *r);
/* Any thread, under HTTP_NUDGE: a wait for the body shall end, now or the next one. */
void alb_hand_nudged(struct alb_req *r);
/* Loop: the deadline of the wait has passed. */
void alb_hand_timeout(struct alb_req *r, int64_t now);
/* The server is being cut: also routes that are only told are taken off their futures. */
void alb_hand_cut(struct alb_req *r);

#endif
