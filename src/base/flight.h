/* SPDX-License-Identifier: Apache-2.0
 *
 * Single flight: a sharded table from key to the future that is being made for it. Equal keys share one
 * future as long as it is OWNED; when it ends, the entry is gone in the same critical section and so before
 * the first waiter is woken: the next join starts afresh (and finds the result in a cache). A promotion keeps
 * the entry. A key never has two owners (future.h).
 * Threads: any. Locks: FLIGHT (a shard), inside it FUTURE. Joining calls nobody back.
 */
#ifndef ALB_BASE_FLIGHT_H
#define ALB_BASE_FLIGHT_H

#include "base/future.h"

struct alb_flight;

#define ALB_FLIGHT_KEY_LEN 32
struct alb_flight_key { /* all bytes count: zero what is not used */
    unsigned char b[ALB_FLIGHT_KEY_LEN];
};

/* At most `max` (>= 1) keys in flight; a new key beyond is refused with ALB_E_BUSY, joining one that flies
 * never is. NULL: no memory. */
struct alb_flight *alb_flight_new(size_t max) ALB_MUST_CHECK;
/* Must be empty: every title ended. References to futures that have ended may live on. */
void alb_flight_free(struct alb_flight **fl);

enum alb_flight_role { ALB_FLIGHT_OWNER, ALB_FLIGHT_WAITER };

/* Joins the flight of `key`. On ALB_OK *future holds a reference for the caller and *role says:
 *   OWNER   nobody was making it: *owner is the title (end it; it may also be waited on by its maker);
 *   WAITER  somebody is: wait with alb_future_wait (which may find it done: fine). *owner is none.
 * w may be NULL; if given it is registered in the same step in both cases, so a newcomer can never miss the
 * end, and an owner who is also a waiter is never forsaken while it waits. As OWNER w->heir is set to false:
 * a maker does not inherit from itself (future.h, "Progress").
 * BUSY or NO_MEMORY: *future is NULL, *owner none, w not registered. */
enum alb_code alb_flight_join(struct alb_flight *fl, const struct alb_flight_key *key, struct alb_waiter *w,
                              struct alb_future **future, struct alb_owner *owner, enum alb_flight_role *role,
                              struct alb_err *err) ALB_MUST_CHECK;
size_t alb_flight_count(struct alb_flight *fl);

#endif
