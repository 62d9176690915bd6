/* SPDX-License-Identifier: Apache-2.0
 *
 * A nudge: ends a wait for the body when a future is done (alb_req_wait_body_or). Its waiter lives in an
 * object of its own, so a request that ends need not wait for a wake that is on its way: it detaches, and the
 * wake finds nobody.
 *
 *   aimed --wake--> the request is told (nudged, until detach), queued if it waits for its body; the waiter's
 *     |             reference goes
 *     +--detach (pool thread of the request): told no more, not nudged any more; left, or the wake drops the
 *                   waiter's reference
 *
 * References: the request's (until detach) and the waiter's (until woken or left). Lock HTTP_NUDGE guards
 * `req`; HTTP_REQUEST is taken inside it.
 */
#ifndef ALB_HTTP_NUDGE_H
#define ALB_HTTP_NUDGE_H

#include "http/http_priv.h"

/* Aims a nudge of f at the request; again for the same future is cheap. No memory: there is none, and the
 * wait ends by the body's own deadlines. Pool thread of the request. */
void alb_nudge_aim(struct alb_req *r, struct alb_future *f);
void alb_nudge_detach(struct alb_req *r);

#endif
