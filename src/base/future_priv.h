/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to base: the inside of a future, for the flight table that embeds it in its entries.
 * A future in a table is taken out of it in the critical section that ends it: `outer` (the shard's lock) is
 * held around the future's own, and `ended` called under both.
 */
#ifndef ALB_BASE_FUTURE_PRIV_H
#define ALB_BASE_FUTURE_PRIV_H

#include <pthread.h>

#include "base/future.h"
#include "base/lock.h"

enum alb_future_state { ALB_FUTURE_OWNED, ALB_FUTURE_SETTLED, ALB_FUTURE_FAILED };

struct alb_future {
    struct alb_obj obj;

    /* fixed after create */
    struct alb_mutex *outer; /* or NULL */
    void (*ended)(struct alb_future *f);

    /* atomic: written under mtx; after a terminal value `result` and `error` never change */
    _Atomic(enum alb_future_state) state;

    /* under mtx */
    struct alb_mutex mtx;
    uint32_t term;
    uint32_t waiters;
    struct alb_waiter *head, *tail; /* in the order of registering */
    bool awaited;                   /* a waiter was registered in this term */
    bool forsaken;                  /* and the last one has left */
    alb_forsaken_fn *hook;          /* NULL once it is called */
    void *hook_arg;
    bool hook_queued; /* in a thread's queue of callbacks, or running there; holds a reference */
    bool hook_running;
    uint32_t hook_term; /* of the running one */
    pthread_t hook_thread;
    unsigned hook_awaited; /* threads that wait until it does not run */
    struct alb_cond hook_done;
    struct alb_callback hook_callback;
    char owner[64];

    /* fixed once terminal */
    struct alb_obj *result;
    struct alb_err error;
};

/* Makes *f (caller's memory, to be freed by free_fn, which calls alb_future_fini first) OWNED in term 1, with
 * two references: one for the caller, one in *owner. */
void alb_future_init(struct alb_future *f, alb_obj_free_fn *free_fn, struct alb_mutex *outer,
                     void (*ended)(struct alb_future *f), struct alb_owner *owner);
void alb_future_fini(struct alb_future *f);

#endif
