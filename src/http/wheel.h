/* SPDX-License-Identifier: Apache-2.0
 *
 * Timer wheel of one event loop: thousands of deadlines that are moved with every request and hardly ever
 * come true. Moving a deadline to later costs nothing (an entry that comes up too early is put back); moving
 * it nearer relinks it. Resolution is one tick (about 67 ms); an entry fires up to one tick late, never
 * early. Owned by the loop's thread. Time is an argument.
 */
#ifndef ALB_HTTP_WHEEL_H
#define ALB_HTTP_WHEEL_H

#include "base/clock.h"

#define ALB_WHEEL_SLOTS 1024
#define ALB_WHEEL_SHIFT 26 /* ns per tick = 2^26 */

struct alb_wheel_entry;
typedef void alb_wheel_fn(struct alb_wheel_entry *e, int64_t now);

struct alb_wheel_entry {
    struct alb_wheel_entry *prev, *next; /* in a slot; NULL: not linked */
    int64_t due;                         /* ALB_NEVER: none */
    int64_t tick;                        /* of the slot it is linked in */
    alb_wheel_fn *fire;                  /* called unlinked; may set the entry again or free it */
};

struct alb_wheel {
    struct alb_wheel_entry slots[ALB_WHEEL_SLOTS]; /* list heads */
    uint64_t used[ALB_WHEEL_SLOTS / 64];           /* slots that are perhaps not empty */
    int64_t tick;                                  /* all before were looked at */
};

void alb_wheel_init(struct alb_wheel *w, int64_t now);
void alb_wheel_set(struct alb_wheel *w, struct alb_wheel_entry *e, int64_t due);
void alb_wheel_clear(struct alb_wheel *w, struct alb_wheel_entry *e);
void alb_wheel_run(struct alb_wheel *w, int64_t now);
/* Milliseconds until the next slot that may have something; -1: nothing at all. For epoll_wait. */
int alb_wheel_timeout(struct alb_wheel *w, int64_t now);

#endif
