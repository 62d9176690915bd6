/* SPDX-License-Identifier: Apache-2.0 */
#include "http/nudge.h"

#include "base/lock.h"
#include "base/mem.h"
#include "http/hand.h"

struct alb_nudge {
    struct alb_obj obj;
    struct alb_waiter waiter;
    struct alb_future *future; /* a reference */
    bool aimed;                /* the waiter was registered; owned by the request's thread */
    /* under mtx */
    struct alb_mutex mtx;
    struct alb_req *req; /* NULL: detached */
};

static void nudge_free(struct alb_obj *obj)
{
    struct alb_nudge *n = ALB_CONTAINER_OF(obj, struct alb_nudge, obj);

    alb_future_unref(n->future);
    alb_mutex_fini(&n->mtx);
    alb_mem_free(n);
}

/* Any thread. The request cannot end in here: it detaches under the same lock first. */
static void on_wake(struct alb_waiter *w, enum alb_wake why)
{
    struct alb_nudge *n = ALB_CONTAINER_OF(w, struct alb_nudge, waiter);

    (void)why; /* never an heir */
    alb_mutex_lock(&n->mtx);
    if (n->req)
        alb_hand_nudged(n->req);
    alb_mutex_unlock(&n->mtx);
    alb_obj_unref(&n->obj);
}

void alb_nudge_aim(struct alb_req *r, struct alb_future *f)
{
    struct alb_nudge *n = r->nudge;

    if (n && n->future == f)
        return;
    alb_nudge_detach(r);
    n = alb_mem_calloc(1, sizeof(*n));
    if (!n)
        return;
    alb_obj_init(&n->obj, nudge_free);
    alb_mutex_init(&n->mtx, ALB_LOCK_HTTP_NUDGE);
    n->waiter.wake = on_wake;
    n->future = alb_future_ref(f);
    n->req = r;
    r->nudge = n;
    alb_obj_ref(&n->obj); /* the waiter's */
    n->aimed = alb_future_wait(f, &n->waiter);
    if (!n->aimed) {
        alb_obj_unref(&n->obj);
        alb_hand_nudged(r);
    }
}

void alb_nudge_detach(struct alb_req *r)
{
    struct alb_nudge *n = r->nudge;

    if (!n)
        return;
    r->nudge = NULL;
    alb_mutex_lock(&n->mtx);
    n->req = NULL;
    alb_mutex_unlock(&n->mtx);
    if (n->aimed && alb_future_leave(n->future, &n->waiter))
        alb_obj_unref(&n->obj);
    alb_obj_unref(&n->obj);
    alb_mutex_lock(&r->mtx);
    r->nudged = false; /* it was for a wait that is over */
    alb_mutex_unlock(&r->mtx);
}
