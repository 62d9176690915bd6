/* SPDX-License-Identifier: Apache-2.0
 *
 * Lease pools (contract and invariants: lease.h; callbacks: callback.h): the lock around the ledger, the
 * timer, and who calls back. A call changes the ledger, balances it and unlocks. What became due stands in
 * the ledger's list; the call that finds nobody at work on that list becomes its dispatcher and calls the
 * entries one at a time without the lock (L7). Because the list is the pool's, release can drop what has not
 * begun, and a lease is never touched after its granted or refused has begun.
 */
#include "base/lease.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/check.h"
#include "base/lease_ledger.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/timer.h"

#define POOL_MAGIC 0xa1b01ea5U

struct alb_lease_pool {
    uint32_t magic;

    /* fixed after create */
    unsigned slots;
    const struct alb_clock *clock;
    struct alb_timers *timers; /* or NULL */

    /* under mtx */
    struct alb_mutex mtx;
    struct alb_ledger ledger;
    bool dispatching;
    pthread_t dispatcher;
    struct alb_lease *reclaiming; /* whose reclaim runs; a name only */
    struct alb_cond changed;      /* of the three above, while somebody waits */
    unsigned awaited;             /* threads that wait for it */
    int64_t armed;                /* when the timer ticks */

    struct alb_callback dispatch; /* the dispatcher, in its thread's queue */
    struct alb_timer timer;
};

/* ---- dispatch ------------------------------------------------------------------------------------ */

static void wait_changed_locked(struct alb_lease_pool *p) ALB_REQUIRES(p->mtx)
{
    p->awaited++;
    alb_cond_wait(&p->changed, &p->mtx);
    p->awaited--;
}

static void tell_changed_locked(struct alb_lease_pool *p)
{
    if (p->awaited > 0)
        alb_cond_broadcast(&p->changed);
}

static void reclaim_locked(struct alb_lease_pool *p, struct alb_lease *l, enum alb_reclaim why)
    ALB_REQUIRES(p->mtx)
{
    p->reclaiming = l;
    p->ledger.reclaimed_total++;
    alb_mutex_unlock(&p->mtx);

    alb_callback_enter(l);
    l->reclaim(l, why);
    alb_callback_leave();

    alb_mutex_lock(&p->mtx);
    p->reclaiming = NULL;
    tell_changed_locked(p);
}

/* False: nothing is due. */
static bool call_next_locked(struct alb_lease_pool *p) ALB_REQUIRES(p->mtx)
{
    struct alb_lease *l;
    enum alb_code code;

    switch (alb_ledger_take_due(&p->ledger, &l)) {
    case ALB_LEASE_DUE_NONE:
        return false;
    case ALB_LEASE_DUE_REFUSED:
        code = l->refusal;
        alb_mutex_unlock(&p->mtx);
        l->refused(l, code);
        alb_mutex_lock(&p->mtx);
        break;
    case ALB_LEASE_DUE_GRANTED:
        alb_mutex_unlock(&p->mtx);
        l->granted(l);
        alb_mutex_lock(&p->mtx);
        break;
    case ALB_LEASE_DUE_OVERDUE:
        reclaim_locked(p, l, ALB_RECLAIM_OVERDUE);
        break;
    case ALB_LEASE_DUE_WANTED:
        reclaim_locked(p, l, ALB_RECLAIM_WANTED);
        break;
    }
    return true;
}

static void run_dispatch(struct alb_callback *callback)
{
    struct alb_lease_pool *p = ALB_CONTAINER_OF(callback, struct alb_lease_pool, dispatch);

    alb_mutex_lock(&p->mtx);
    while (call_next_locked(p)) {
    }
    p->dispatching = false;
    tell_changed_locked(p);
    alb_mutex_unlock(&p->mtx);
}

static void arm_locked(struct alb_lease_pool *p)
{
    p->armed = p->ledger.earliest;
    if (p->timers != NULL) /* its place among the timers is reserved */
        ALB_CHECK(alb_timer_set(p->timers, &p->timer, p->armed) == ALB_OK);
}

/* Ends a change: balances, sees to the timer, unlocks, and calls what is due unless another thread does. */
static void end_change(struct alb_lease_pool *p, int64_t now) ALB_NO_LOCK_ANALYSIS
{
    bool dispatch = false;

    alb_ledger_balance(&p->ledger, now);
    if (p->ledger.earliest < p->armed) /* a deadline that went only makes the tick idle */
        arm_locked(p);
    if (p->ledger.due.head != NULL && !p->dispatching) {
        dispatch = true;
        p->dispatching = true;
        p->dispatcher = pthread_self();
    }
    alb_mutex_unlock(&p->mtx);
    if (dispatch) /* p stays until dispatching has ended */
        alb_callback_push(&p->dispatch);
}

/* ---- life ---------------------------------------------------------------------------------------- */

static void tick_on_timer(struct alb_timer *t)
{
    (void)alb_lease_tick(ALB_CONTAINER_OF(t, struct alb_lease_pool, timer));
}

struct alb_lease_pool *alb_lease_pool_new(const struct alb_lease_config *config)
{
    ALB_CHECK(config->slots >= 1 && config->background_slots <= config->slots && config->clock != NULL);
    struct alb_lease_pool *p = alb_mem_calloc(1, sizeof(*p));
    if (p == NULL)
        return NULL;
    p->timer.fire = tick_on_timer;
    if (config->timers != NULL && alb_timer_reserve(config->timers, &p->timer) != ALB_OK) {
        alb_mem_free(p);
        return NULL;
    }
    p->magic = POOL_MAGIC;
    p->slots = config->slots;
    p->clock = config->clock;
    p->timers = config->timers;
    p->armed = ALB_NEVER;
    p->dispatch.run = run_dispatch;
    alb_ledger_init(&p->ledger, config);
    alb_mutex_init(&p->mtx, ALB_LOCK_LEASE);
    alb_cond_init(&p->changed);
    return p;
}

static void await_dispatch(struct alb_lease_pool *p)
{
    alb_mutex_lock(&p->mtx);
    while (p->dispatching)
        wait_changed_locked(p);
    alb_mutex_unlock(&p->mtx);
}

void alb_lease_pool_free(struct alb_lease_pool **pool)
{
    struct alb_lease_pool *p = *pool;

    if (p == NULL)
        return;
    ALB_MAGIC_CHECK(p, POOL_MAGIC);
    ALB_CHECK(!alb_callback_active());
    /* First: a callback that still runs may request and release, which arms the timer. */
    await_dispatch(p);
    if (p->timers != NULL)
        alb_timer_unreserve(p->timers, &p->timer);
    await_dispatch(p); /* of a tick that ran meanwhile */
    ALB_CHECK(p->ledger.in_state[ALB_LEASE_S_QUEUED] == 0 && p->ledger.holders.head == NULL);
    alb_cond_fini(&p->changed);
    alb_mutex_fini(&p->mtx);
    p->magic = 0;
    alb_mem_free(p);
    *pool = NULL; /* not before: a callback that still ran may have used it */
}

/* Begins a call that may call back. */
static int64_t begin(struct alb_lease_pool *pool) ALB_NO_LOCK_ANALYSIS
{
    ALB_MAGIC_CHECK(pool, POOL_MAGIC);
    alb_callback_check_unlocked();
    int64_t now = alb_mono(pool->clock);
    alb_mutex_lock(&pool->mtx);
    return now;
}

void alb_lease_close(struct alb_lease_pool *pool) ALB_NO_LOCK_ANALYSIS
{
    int64_t now = begin(pool);

    alb_ledger_close(&pool->ledger);
    end_change(pool, now);
}

int64_t alb_lease_tick(struct alb_lease_pool *pool) ALB_NO_LOCK_ANALYSIS
{
    int64_t now = begin(pool), next;

    alb_ledger_expire(&pool->ledger, now);
    alb_ledger_balance(&pool->ledger, now); /* may grant, which brings a deadline */
    alb_ledger_find_earliest(&pool->ledger);
    next = pool->ledger.earliest;
    arm_locked(pool);
    end_change(pool, now);
    return next;
}

/* ---- one lease ----------------------------------------------------------------------------------- */

enum alb_lease_answer alb_lease_request(struct alb_lease_pool *pool, struct alb_lease *l,
                                        struct alb_err *err) ALB_NO_LOCK_ANALYSIS
{
    ALB_CHECK((unsigned)l->cls < ALB_LEASE_CLASS_COUNT && l->granted != NULL && l->refused != NULL);
    ALB_CHECK(l->reclaim != NULL || l->hold_ns == ALB_NEVER);
    int64_t now = begin(pool);
    enum alb_code code = alb_ledger_request(&pool->ledger, l, now);
    bool held = l->state == (int)ALB_LEASE_S_HELD;
    atomic_store_explicit(&l->pool, pool, memory_order_release);
    end_change(pool, now); /* a queued l may have been granted, released and freed after this */
    if (code == ALB_OK)
        return held ? ALB_LEASE_HELD : ALB_LEASE_QUEUED;
    if (code == ALB_E_TOO_LARGE)
        (void)alb_fail(err, code, "it needs more than the whole budget");
    else if (code == ALB_E_TIMEOUT)
        (void)alb_fail(err, code, "no slot is free, and there is no time to wait for one");
    else
        (void)alb_fail(err, code, "too many wait for a slot, or none is given any more");
    return ALB_LEASE_REFUSED;
}

/* Begins a call on the pool that l was last requested from; NULL (and nothing locked) if it never was. */
static struct alb_lease_pool *begin_lease(struct alb_lease *l, int64_t *now) ALB_NO_LOCK_ANALYSIS
{
    struct alb_lease_pool *p = atomic_load_explicit(&l->pool, memory_order_acquire);

    *now = p != NULL ? begin(p) : 0;
    return p;
}

bool alb_lease_cancel(struct alb_lease *l) ALB_NO_LOCK_ANALYSIS
{
    int64_t now;
    struct alb_lease_pool *p = begin_lease(l, &now);

    if (p == NULL)
        return false;
    bool cancelled = alb_ledger_cancel(&p->ledger, l);
    end_change(p, now);
    return cancelled;
}

void alb_lease_abandon(struct alb_lease *l) ALB_NO_LOCK_ANALYSIS
{
    int64_t now;
    struct alb_lease_pool *p = begin_lease(l, &now);

    if (p == NULL)
        return;
    (void)alb_ledger_abandon(&p->ledger, l);
    end_change(p, now);
}

bool alb_lease_adopt(struct alb_lease *l) ALB_NO_LOCK_ANALYSIS
{
    int64_t now;
    struct alb_lease_pool *p = begin_lease(l, &now);

    if (p == NULL)
        return false;
    bool adopted = alb_ledger_adopt(&p->ledger, l);
    end_change(p, now);
    return adopted;
}

void alb_lease_release(struct alb_lease *l) ALB_NO_LOCK_ANALYSIS
{
    int64_t now;

    alb_callback_check_may_end(l);
    struct alb_lease_pool *p = begin_lease(l, &now);
    ALB_CHECK(p != NULL);
    while (p->reclaiming == l && pthread_equal(p->dispatcher, pthread_self()) == 0)
        wait_changed_locked(p);
    alb_ledger_release(&p->ledger, l);
    end_change(p, now);
}

/* ---- reading ------------------------------------------------------------------------------------- */

struct alb_lease_view alb_lease_look(struct alb_lease_pool *pool)
{
    ALB_MAGIC_CHECK(pool, POOL_MAGIC);
    struct alb_lease_view view = {.slots = pool->slots};

    alb_mutex_lock(&pool->mtx);
    int64_t now = alb_mono(pool->clock);
    const struct alb_ledger *g = &pool->ledger;
    view.abandoned = g->in_state[ALB_LEASE_S_ABANDONED];
    view.overdue = g->in_state[ALB_LEASE_S_OVERDUE];
    view.held = g->in_state[ALB_LEASE_S_HELD] + view.abandoned + view.overdue;
    view.budget_used = g->budget - g->free.budget;
    view.granted_total = g->granted_total;
    view.refused_total = g->refused_total;
    view.reclaimed_total = g->reclaimed_total;
    for (int cls = 0; cls < ALB_LEASE_CLASS_COUNT; cls++) {
        const struct alb_lease *first = g->queue[cls].head;
        view.queued[cls] = g->queued[cls];
        if (first != NULL && now - first->since > view.oldest_wait_ns)
            view.oldest_wait_ns = now - first->since;
    }
    alb_mutex_unlock(&pool->mtx);
    return view;
}

static void describe_locked(const struct alb_lease *l, int64_t now, struct alb_lease_info *out)
{
    static const char *const names[ALB_LEASE_S_COUNT] = {
        [ALB_LEASE_S_IDLE] = "idle",           [ALB_LEASE_S_QUEUED] = "queued",   [ALB_LEASE_S_HELD] = "held",
        [ALB_LEASE_S_ABANDONED] = "abandoned", [ALB_LEASE_S_OVERDUE] = "overdue",
    };

    out->state = names[l->state];
    out->cls = l->cls;
    out->cost = l->cost;
    out->age_ns = now - l->since;
    memcpy(out->owner, l->owner, sizeof(out->owner));
    out->owner[sizeof(out->owner) - 1] = '\0';
}

size_t alb_lease_list(struct alb_lease_pool *pool, struct alb_lease_info *out, size_t max)
{
    ALB_MAGIC_CHECK(pool, POOL_MAGIC);
    size_t n = 0;

    alb_mutex_lock(&pool->mtx);
    int64_t now = alb_mono(pool->clock);
    const struct alb_lease *lists[] = {pool->ledger.holders.head,
                                       pool->ledger.queue[ALB_LEASE_FOREGROUND].head,
                                       pool->ledger.queue[ALB_LEASE_BACKGROUND].head};
    for (size_t i = 0; i < ALB_ARRAY_LEN(lists); i++) {
        for (const struct alb_lease *l = lists[i]; l != NULL && n < max; l = l->next)
            describe_locked(l, now, &out[n++]);
    }
    alb_mutex_unlock(&pool->mtx);
    return n;
}
