/* SPDX-License-Identifier: Apache-2.0 */
#include "doors/tus/alarm.h"

#include <stdatomic.h>

#include "base/mem.h"

struct alb_tus_alarm {
    /* fixed after create */
    struct alb_future *future, *watched[2]; /* references */
    struct alb_owner title;                 /* copies of it end the future; the first one wins */
    /* the futures' */
    struct alb_waiter waiters[2];
    /* atomic */
    atomic_uint refs; /* the request's, and one per registered waiter */
};

static void ring(struct alb_tus_alarm *a, enum alb_code code)
{
    struct alb_owner title = a->title;
    struct alb_err err = ALB_ERR_INIT;

    (void)alb_fail(&err, code, "something has happened");
    (void)alb_future_fail(&title, &err);
}

static void drop(struct alb_tus_alarm *a)
{
    if (atomic_fetch_sub(&a->refs, 1) != 1)
        return;
    ring(a, ALB_E_CANCELLED);
    alb_future_unref(a->future);
    alb_future_unref(a->watched[0]);
    alb_future_unref(a->watched[1]);
    alb_mem_free(a);
}

static void wake_first(struct alb_waiter *w, enum alb_wake why)
{
    struct alb_tus_alarm *a = ALB_CONTAINER_OF(w, struct alb_tus_alarm, waiters[0]);

    (void)why; /* no heir: it is never a promotion */
    ring(a, ALB_E_CONFLICT);
    drop(a);
}

static void wake_second(struct alb_waiter *w, enum alb_wake why)
{
    struct alb_tus_alarm *a = ALB_CONTAINER_OF(w, struct alb_tus_alarm, waiters[1]);

    (void)why;
    ring(a, ALB_E_CONFLICT);
    drop(a);
}

struct alb_tus_alarm *alb_tus_alarm_new(struct alb_future *one, struct alb_future *other)
{
    struct alb_tus_alarm *a = alb_mem_calloc(1, sizeof(*a));

    if (a == NULL)
        return NULL;
    if (alb_future_new(&a->future, &a->title) != ALB_OK) {
        alb_mem_free(a);
        return NULL;
    }
    a->watched[0] = alb_future_ref(one);
    a->watched[1] = alb_future_ref(other);
    a->waiters[0].wake = wake_first;
    a->waiters[1].wake = wake_second;
    atomic_init(&a->refs, 3);
    for (size_t i = 0; i < ALB_ARRAY_LEN(a->waiters); i++) {
        if (!alb_future_wait(a->watched[i], &a->waiters[i])) {
            ring(a, ALB_E_CONFLICT);
            drop(a);
        }
    }
    return a;
}

struct alb_future *alb_tus_alarm_future(const struct alb_tus_alarm *a)
{
    return a->future;
}

struct alb_future *alb_tus_alarm_other(const struct alb_tus_alarm *a)
{
    return a->watched[1];
}

void alb_tus_alarm_dismiss(struct alb_tus_alarm **alarm)
{
    struct alb_tus_alarm *a = *alarm;

    *alarm = NULL;
    if (a == NULL)
        return;
    for (size_t i = 0; i < ALB_ARRAY_LEN(a->waiters); i++)
        if (alb_future_leave(a->watched[i], &a->waiters[i]))
            drop(a);
    drop(a);
}
