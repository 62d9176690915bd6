/* SPDX-License-Identifier: Apache-2.0
 *
 * How future.h and lease.h call their users back. The rules:
 *   C1  No callback is called with a lock held: not one of these modules, and not one of the caller. Every
 *       function that may cause a callback must be called without any lock (checked with ALB_LOCK_DEBUG).
 *       So a callback may take any lock.
 *   C2  Callbacks never nest. What a callback causes is called after it has returned, on the same thread, in
 *       order, before the outermost call into these modules returns. So a thousand waiters that pass a title
 *       on, each in its wake, need no deep stack, and a callback never sees another one half done.
 *   C3  Callbacks are short: push to a queue, set a flag, write an eventfd, end something. They do no I/O and
 *       wait for nobody (alb_future_await panics inside one).
 *   C4  Two kinds, `forsaken` of a title and `reclaim` of a lease, tell an owner something while it may be
 *       about to end. Ending the term (settle, fail, resign) or the holding (release) drops such a call that
 *       has not begun, and waits for one that runs on another thread: after the end none comes or runs, and
 *       what it points to may be freed. By C3 that wait is short, by C5 it is never in a circle.
 *   C5  Inside `forsaken` and `reclaim` the title or lease they are about may be ended, and no other one
 *       that could be in such a call itself (checked with ALB_LOCK_DEBUG). Pass anything bigger to a task.
 *
 * Private to base apart from these rules. Threads: any; the state is per thread. Locks: none.
 */
#ifndef ALB_BASE_CALLBACK_H
#define ALB_BASE_CALLBACK_H

#include "base/attr.h"

/* A call that is due; it lies in the object that it is about and is in one queue at a time. */
struct alb_callback {
    void (*run)(struct alb_callback *cb); /* cb may be gone as soon as run has given it up */
    struct alb_callback *next;
};

/* Runs cb now, or after the callback that this thread is in (C2). */
void alb_callback_push(struct alb_callback *cb);
bool alb_callback_active(void); /* this thread is in a callback */

/* C1, C5. `subject` is the title's future or the lease whose forsaken or reclaim this thread calls. */
void alb_callback_check_unlocked(void);
void alb_callback_check_may_end(const void *subject);
void alb_callback_enter(const void *subject);
void alb_callback_leave(void);

#endif
