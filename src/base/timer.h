/* SPDX-License-Identifier: Apache-2.0
 *
 * Timers for everything but connections (those have the wheel of their event loop): a binary heap over an
 * injected clock, and one thread that sleeps until the next one is due. Callbacks are short (push to a pool),
 * one at a time, in order of due time and, where equal, of arming.
 * A test drives the heap by hand with alb_timers_run and no thread.
 *
 *   IDLE --set--> ARMED --due--> FIRING (idle again before `fire` begins, so fire may set or free its timer)
 *     ^             | clear: true
 *     +-------------+
 *
 * Invariants: T1 one arming is answered by exactly one of: one fire, one clear that says true, one set that
 * moves it, the end of the heap. T2 fire is never called before its due time, nor with a lock held.
 * T3 after alb_timer_clear_sync the timer is idle and its callback does not run.
 * Threads: any. Lock: TIMERS; alb_timer_set and alb_timer_clear may be called under locks of a lower rank.
 */
#ifndef ALB_BASE_TIMER_H
#define ALB_BASE_TIMER_H

#include "base/clock.h"
#include "base/err.h"

struct alb_timers;
struct alb_timer { /* zeroed before its first use; its user keeps it valid while armed and until fire begins
                    */
    void (*fire)(struct alb_timer *t);
    /* private */
    int64_t due;
    uint64_t seq;
    size_t slot; /* 1-based place in the heap, 0 = not armed */
    bool reserved;
};

/* NULL: no memory. */
struct alb_timers *alb_timers_new(const struct alb_clock *clock, size_t max /* >= 1 */) ALB_MUST_CHECK;
/* Starts the thread; only on the real clock (the thread sleeps in real time) and once. */
enum alb_code alb_timers_start(struct alb_timers *ts, struct alb_err *err) ALB_MUST_CHECK;
/* Joins the thread, waits for a callback that runs; armed timers never fire. Not from a callback. */
void alb_timers_free(struct alb_timers **ts);

/* (Re)arms t for `due` (monotonic ns; ALB_NEVER is armed and never fires). ALB_E_BUSY when max timers are
 * armed; re-arming never fails. */
enum alb_code alb_timer_set(struct alb_timers *ts, struct alb_timer *t, int64_t due) ALB_MUST_CHECK;
/* Gives t a place of its own among the max, so that setting it never fails, whatever else is armed.
 * ALB_E_BUSY when all places are armed or reserved. unreserve clears it as alb_timer_clear_sync does. */
enum alb_code alb_timer_reserve(struct alb_timers *ts, struct alb_timer *t) ALB_MUST_CHECK;
void alb_timer_unreserve(struct alb_timers *ts, struct alb_timer *t);
/* True: was armed, will not fire. False: not armed, or firing right now on another thread. */
bool alb_timer_clear(struct alb_timers *ts, struct alb_timer *t);
/* As alb_timer_clear, and waits for a callback that is running now; also one that arms its timer again is
 * stopped. Inside the timer's own callback it does not wait. It waits, so: without locks and not inside a
 * callback of future.h or lease.h (panics). */
void alb_timer_clear_sync(struct alb_timers *ts, struct alb_timer *t);
/* Fires what is due now and was armed before the call; returns the next due time (ALB_NEVER: none). It has
 * passed already if a callback armed one for now: that is for the next call. By hand only: not once the
 * thread was started, one call at a time, not from a callback. */
int64_t alb_timers_run(struct alb_timers *ts);

#endif
