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
 *   resign(err)  | |  the longest-waiting heir among the w: it leaves the list, owns the next term, is
 *                +-+  woken PROMOTED; the others wait on
 *                |
 *                +-->  no heir, or term ALB_FUTURE_TERMS_MAX: FAILED(err)
 *
 *   wait(w)     OWNED: w joins the list. Else: false, read the end.
 *   leave(w)    OWNED: w is out of the list. If it was the last one and somebody was registered in this
 *               term, the future is forsaken, until the next wait or the next term: the owner's `forsaken`
 *               hook is called, once per alb_future_on_forsaken. Not forsaken: a future or a term on which
 *               nobody has waited yet, for its first waiter is on its way.
 *
 * A forsaken owner may still settle (late work is not thrown away) or resign; it does not fail for being
 * forsaken, for a newcomer may have joined: it is simply the first waiter again, and inherits if the owner
 * resigns. So one key never has two owners. An owner who goes on because of a newcomer sets its hook again.
 *
 * Invariants (tests/models/future.pml checks them with spin; tests/unit/base/test_future.c by schedules):
 *   F1  OWNED has exactly one current term, and only the title of that term can end it; a stale title's
 *       settle, fail or resign changes nothing and says so.
 *   F2  every registered waiter gets exactly one of: one wake, or a successful leave. Never both, never none.
 *   F3  a terminal state never changes, and its result or error can be read by anyone who holds a reference.
 *   F4  a promoted waiter is owner before its wake is called.
 *   F5  `forsaken` is decided only in OWNED, with no waiters, at most once per setting, and is called in the
 *       term that it was set in, before that term's end has returned to its owner.
 *   F6  no callback is called with a lock held (callback.h, C1).
 *
 * Progress is the users' part: who gives a title up for a reason that will still hold for itself (no slot for
 * its class) waits again with heir = false, else it inherits from itself until ALB_FUTURE_TERMS_MAX.
 *
 * Threads: any, at any time. Locks: FUTURE inside; FLIGHT is taken around it (see flight.h).
 * Callbacks: `wake` and `forsaken`, by the rules of callback.h: short, never nested, may call back into any
 * future. A wake may arrive before alb_future_wait has returned to its caller on another thread: do not touch
 * the waiter after registering it unless your own lock or queue orders that.
 * A waiter belongs to its user (zeroed before its first use), must stay valid until its wake has begun or it
 * has left, and waits on one future at a time. Its user holds a reference to the future meanwhile.
 */
#ifndef ALB_BASE_FUTURE_H
#define ALB_BASE_FUTURE_H

#include "base/callback.h"
#include "base/err.h"
#include "base/obj.h"

struct alb_future;

/* Law 7: what a hundred owners gave up is not going to come. */
#define ALB_FUTURE_TERMS_MAX 100

enum alb_wake {
    ALB_WAKE_SETTLED,  /* read alb_future_result / alb_future_error */
    ALB_WAKE_PROMOTED, /* w->owner now holds the title: settle, fail or resign */
};

/* The right to end a future. Plain data that may be moved. A copy does not copy the right: the first end wins
 * (F1), and then a copy is of use only to who holds a reference of its own. */
struct alb_owner {
    struct alb_future *future; /* a reference that the title holds, or NULL: no title */
    uint32_t term;
};
#define ALB_OWNER_NONE ((struct alb_owner){NULL, 0})

struct alb_waiter;
typedef void alb_wake_fn(struct alb_waiter *w, enum alb_wake why);

struct alb_waiter {
    alb_wake_fn *wake;      /* set by the user before registering; w may be freed or used again inside it */
    bool heir;              /* set by the user before registering: may be promoted */
    struct alb_owner owner; /* filled on promotion */
    /* private */
    enum alb_wake why;
    struct alb_waiter *prev, *next;
    struct alb_future *on; /* where it is registered, or NULL */
    struct alb_callback callback;
};

/* What the owner wants to hear, F5. `arg` must stay valid until the end of the term has returned (C4). */
typedef void alb_forsaken_fn(void *arg);

/* A new future, OWNED by the caller in term 1. NULL future inside *owner and ALB_E_NO_MEMORY on failure.
 * The returned reference and the title's reference are two. */
enum alb_code alb_future_new(struct alb_future **future, struct alb_owner *owner) ALB_MUST_CHECK;
struct alb_future *alb_future_ref(struct alb_future *f); /* NULL gives NULL */
void alb_future_unref(struct alb_future *f); /* NULL allowed; the last one out of OWNED is a bug (panic) */

/* Owner side. Each takes *owner (cleared). Returns false if the title was none or stale: nothing happened,
 * and in settle the object is released. Without locks (C1); not in another's forsaken or reclaim (C5). */
bool alb_future_settle(struct alb_owner *owner, struct alb_obj *result /* take, not NULL */);
/* err is copied; NULL, or one without a code, counts as INTERNAL. */
bool alb_future_fail(struct alb_owner *owner, const struct alb_err *err);
bool alb_future_resign(struct alb_owner *owner, const struct alb_err *err);
/* Sets the hook of this term, instead of one set before (which no longer comes or runs when this returns);
 * fn may be NULL. If the future is forsaken already the hook is called at once (C2). Stale: nothing. */
void alb_future_on_forsaken(const struct alb_owner *owner, alb_forsaken_fn *fn, void *arg);
/* No waiters now (a newcomer may still come). True also for a title that is none or stale: stop. */
bool alb_future_is_forsaken(const struct alb_owner *owner);

/* Waiter side. Returns true: registered, the wake will come (or leave). False: the future is terminal, no
 * wake will come. No callback is called inside; allowed under locks of a lower rank. */
bool alb_future_wait(struct alb_future *f, struct alb_waiter *w) ALB_MUST_CHECK;
/* Only after a wait (or join) that registered w on f. True: w is out, its wake will never come. False: the
 * wake was called, runs now or is about to be called; the user waits for it in its own way (F2). If that
 * wake is a promotion, the user must end the title: resign. Without locks (C1). */
bool alb_future_leave(struct alb_future *f, struct alb_waiter *w) ALB_MUST_CHECK;

bool alb_future_done(const struct alb_future *f);
/* Borrowed from the future; NULL while OWNED or after a failure. */
struct alb_obj *alb_future_result(const struct alb_future *f);
/* Copies the error (out may be NULL); code ALB_OK while OWNED or SETTLED. */
enum alb_code alb_future_error(const struct alb_future *f, struct alb_err *out);

/* Blocks the calling thread until done or `deadline_ns` (real monotonic clock): for command lines, start-up,
 * tests and threads of their own. Never from an event loop or the io pool (law 1: panics there, see
 * pool.h) nor inside a callback (panics). ALB_E_TIMEOUT at the deadline; otherwise the future's own code. */
enum alb_code alb_future_await(struct alb_future *f, int64_t deadline_ns, struct alb_err *err) ALB_MUST_CHECK;

struct alb_future_view { /* for dumps: what a request waits for, and who owns that */
    const char *state;   /* "owned", "forsaken" (owned, and the last waiter has left), "settled", "failed" */
    uint32_t term, waiters;
    char owner[64];
};
/* Says who the owner is, for SIGQUIT dumps ("render 0a1b… pid 712"). Stale titles are ignored. */
void alb_future_describe_owner(const struct alb_owner *owner, const char *text);
struct alb_future_view alb_future_look(const struct alb_future *f);

#endif
