/* SPDX-License-Identifier: Apache-2.0
 *
 * Timers for everything but connections (those have the wheel of their event loop): a binary heap over an
 * injected clock, and one thread that sleeps until the next one is due. Callbacks are short (push to a pool).
 * A test drives the heap by hand with alb_timers_run and no thread.
 * Threads: any. Lock: TIMERS; callbacks run without it.
 */
#ifndef ALB_BASE_TIMER_H
#define ALB_BASE_TIMER_H

#include "base/clock.h"
#include "base/err.h"

struct alb_timers;
struct alb_timer {
    void (*fire)(struct alb_timer *t);
    /* private */
    int64_t due;
    size_t slot; /* 1-based place in the heap, 0 = not armed */
};

struct alb_timers *alb_timers_new(const struct alb_clock *clock, size_t max) ALB_MUST_CHECK;
enum alb_code alb_timers_start(struct alb_timers *ts, struct alb_err *err) ALB_MUST_CHECK; /* own thread */
void alb_timers_free(struct alb_timers **ts); /* joins the thread; armed timers never fire */

/* (Re)arms t for `due` (monotonic ns). ALB_E_BUSY when max timers are armed; re-arming never fails. */
enum alb_code alb_timer_set(struct alb_timers *ts, struct alb_timer *t, int64_t due) ALB_MUST_CHECK;
/* True: was armed, will not fire. False: not armed, or firing right now on another thread. */
bool alb_timer_clear(struct alb_timers *ts, struct alb_timer *t);
/* As alb_timer_clear, and waits for a callback that is running now (not from inside it). */
void alb_timer_clear_sync(struct alb_timers *ts, struct alb_timer *t);
int64_t alb_timers_run(struct alb_timers *ts); /* fires what is due; returns the next due time */

#endif
