/* SPDX-License-Identifier: Apache-2.0
 *
 * A future is one result that does not exist yet: made by exactly one owner, awaited by any number of
 * waiters (laws 1 and 2). It is how every part of albumen waits for another.
 *
 * States (every arrow is one critical section under the future's lock; "w" = a registered waiter):
 *
 *                  settle(obj)                            every w woken SETTLED
 *      new  --> OWNED --------------------> SETTLED       (alb_future_result != NULL)
 *                | ^  fail(err)
 *                | |  --------------------> FAILED        every w woken SETTLED (alb_future_error)
 *                | |
 *   resign(err)  | |  an heir among the w: it leaves the list, owns the next term, is woken PROMOTED
 *                +-+
 *                |    no heir: FAILED(err)
 *
 *   leave(w), and w was the last, and OWNED: the owner's `forsaken` hook is called once per term. The owner
 *   may still settle (late work is not thrown away) or resign. A newcomer may join a forsaken future: it is
 *   simply the first waiter again, and inherits if the owner resigns. So one key never has two owners.
 *
 * Invariants (tests/models/future.pml checks them with spin; tests/unit/base/test_future.c by schedules):
 *   F1  OWNED has exactly one current term, and only the holder of that term can end it; a stale owner's
 *       settle, fail or resign changes nothing and says so.
 *   F2  every registered waiter gets exactly one of: one wake, or a successful leave. Never both, never none.
 *   F3  a terminal state never changes, and its result or error can be read by anyone who holds a reference.
 *   F4  a promoted waiter is owner before its wake is called.
 *   F5  `forsaken` is called only in OWNED, with no waiters, at most once per term.
 *   F6  no callback is called with a lock of this module held.
 *
 * Threads: any, at any time. Locks: FUTURE inside; FLIGHT is taken around it (see flight.h).
 * Callbacks (`wake`, `forsaken`) run on the thread that caused them, must be short (push to a queue, set a
 * flag, write an eventfd) and may call back into any future. A wake may arrive before alb_future_wait has
 * returned to its caller on another thread: do not touch the waiter after registering it unless your own
 * lock or queue orders that.
 * A waiter belongs to its user, must stay valid until woken or left, and waits on one future at a time.
 */
#ifndef ALB_BASE_FUTURE_H
#define ALB_BASE_FUTURE_H

#include "base/err.h"
#include "base/obj.h"

struct alb_future;

enum alb_wake {
    ALB_WAKE_SETTLED,  /* read alb_future_result / alb_future_error */
    ALB_WAKE_PROMOTED, /* w->owner now holds the title: settle, fail or resign */
};

/* The right to end a future. Plain data; copying it does not copy the right: the first end wins, F1. */
struct alb_owner {
    struct alb_future *future; /* a reference that the title holds, or NULL */
    uint32_t term;
};
#define ALB_OWNER_NONE ((struct alb_owner){NULL, 0})

struct alb_waiter;
typedef void alb_wake_fn(struct alb_waiter *w, enum alb_wake why);

struct alb_waiter {
    alb_wake_fn *wake;      /* set by the user before registering */
    bool heir;              /* set by the user: may be promoted */
    struct alb_owner owner; /* filled on promotion */
    /* private */
    struct alb_waiter *prev, *next;
    struct alb_future *on; /* where it is registered, or NULL */
};

/* What the owner wants to hear; called at most once per term, F5. */
typedef void alb_forsaken_fn(void *arg);

/* A new future, OWNED by the caller in term 1. NULL future inside *owner and ALB_E_NO_MEMORY on failure.
 * The returned reference and the title's reference are two. */
enum alb_code alb_future_new(struct alb_future **future, struct alb_owner *owner) ALB_MUST_CHECK;
struct alb_future *alb_future_ref(struct alb_future *f);
void alb_future_unref(struct alb_future *f); /* NULL allowed; the last one out of OWNED is a bug (panic) */

/* Owner side. Each takes *owner (cleared). Returns false if the term was stale: nothing happened, and in
 * settle the object is released. */
bool alb_future_settle(struct alb_owner *owner, struct alb_obj *result /* take, not NULL */);
bool alb_future_fail(struct alb_owner *owner, const struct alb_err *err);
bool alb_future_resign(struct alb_owner *owner, const struct alb_err *err);
/* Sets the hook of this term. If the future is forsaken already it is called before this returns. */
void alb_future_on_forsaken(const struct alb_owner *owner, alb_forsaken_fn *fn, void *arg);
bool alb_future_is_forsaken(const struct alb_owner *owner); /* no waiters now (a newcomer may still come) */

/* Waiter side. Returns true: registered, the wake will come (or leave). False: the future is terminal, no
 * wake will come. */
bool alb_future_wait(struct alb_future *f, struct alb_waiter *w) ALB_MUST_CHECK;
/* True: w is out, its wake will never come. False: the wake was called or is being called right now; the
 * user waits for it in its own way (F2). If that wake is a promotion, the user must resign. */
bool alb_future_leave(struct alb_future *f, struct alb_waiter *w) ALB_MUST_CHECK;

bool alb_future_done(const struct alb_future *f);
/* Borrowed from the future; NULL while OWNED or after a failure. */
struct alb_obj *alb_future_result(const struct alb_future *f);
/* Copies the error; code ALB_OK while OWNED or SETTLED. */
enum alb_code alb_future_error(const struct alb_future *f, struct alb_err *out);

/* Blocks the calling thread until done or `deadline_ns` (real monotonic clock): for command lines, start-up,
 * tests and threads of their own. Never from an event loop or the io pool (law 1: panics there, see
 * pool.h). ALB_E_TIMEOUT at the deadline; otherwise the future's own code. */
enum alb_code alb_future_await(struct alb_future *f, int64_t deadline_ns, struct alb_err *err) ALB_MUST_CHECK;

struct alb_future_view { /* for dumps: what a request waits for, and who owns that */
    const char *state;
    uint32_t term, waiters;
    char owner[64];
};
/* Says who the owner is, for SIGQUIT dumps ("render 0a1b… pid 712"). Stale titles are ignored. */
void alb_future_describe_owner(const struct alb_owner *owner, const char *text);
struct alb_future_view alb_future_look(const struct alb_future *f);

#endif
