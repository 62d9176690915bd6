/* SPDX-License-Identifier: Apache-2.0
 *
 * The state machine of futures (contract and invariants: future.h; callbacks: callback.h). Every function is
 * one critical section that decides, followed by the callbacks it decided on:
 *   - woken waiters are cut off the list, and `on` cleared, inside the section (so leave knows), then called
 *     from a private chain;
 *   - a due hook puts the future itself, with a reference, in the thread's queue. What is called is looked up
 *     under the lock again when its turn comes, so a hook whose term has ended meanwhile is never called.
 * At most one queue holds the future; who would queue it a second time leaves the hook to that thread, which
 * looks again after each call.
 */
#include "base/future.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/future_priv.h"
#include "base/mem.h"
#include "base/pool.h"

static void run_hook(struct alb_callback *callback);
static void run_wake(struct alb_callback *callback);

/* The public view of a future is const where nothing that its users see changes; the lock inside does. */
static struct alb_future *mutable(const struct alb_future *f)
{
    return (struct alb_future *)(uintptr_t)f;
}

static enum alb_future_state state_of(const struct alb_future *f)
{
    return atomic_load_explicit(&f->state, memory_order_acquire);
}

/* ---- life ---------------------------------------------------------------------------------------- */

void alb_future_init(struct alb_future *f, alb_obj_free_fn *free_fn, struct alb_mutex *outer,
                     void (*ended)(struct alb_future *f), struct alb_owner *owner)
{
    *f = (struct alb_future){.outer = outer, .ended = ended, .term = 1};
    alb_obj_init(&f->obj, free_fn);
    atomic_init(&f->state, ALB_FUTURE_OWNED);
    alb_mutex_init(&f->mtx, ALB_LOCK_FUTURE);
    alb_cond_init(&f->hook_done);
    f->hook_callback.run = run_hook;
    *owner = (struct alb_owner){alb_future_ref(f), 1};
}

void alb_future_fini(struct alb_future *f)
{
    ALB_CHECK(state_of(f) != ALB_FUTURE_OWNED); /* a title was lost */
    ALB_CHECK(f->head == NULL && !f->hook_queued);
    alb_obj_unref(f->result);
    alb_cond_fini(&f->hook_done);
    alb_mutex_fini(&f->mtx);
}

static void future_free(struct alb_obj *obj)
{
    struct alb_future *f = ALB_CONTAINER_OF(obj, struct alb_future, obj);

    alb_future_fini(f);
    alb_mem_free(f);
}

enum alb_code alb_future_new(struct alb_future **future, struct alb_owner *owner)
{
    struct alb_future *f = alb_mem_alloc(sizeof(*f));

    *future = f;
    *owner = ALB_OWNER_NONE;
    if (f == NULL)
        return ALB_E_NO_MEMORY;
    alb_future_init(f, future_free, NULL, NULL, owner);
    return ALB_OK;
}

struct alb_future *alb_future_ref(struct alb_future *f)
{
    if (f != NULL)
        alb_obj_ref(&f->obj);
    return f;
}

void alb_future_unref(struct alb_future *f)
{
    if (f != NULL)
        alb_obj_unref(&f->obj);
}

/* ---- waiters ------------------------------------------------------------------------------------- */

static void unlink_locked(struct alb_future *f, struct alb_waiter *w)
{
    if (w->prev != NULL)
        w->prev->next = w->next;
    else
        f->head = w->next;
    if (w->next != NULL)
        w->next->prev = w->prev;
    else
        f->tail = w->prev;
    w->prev = NULL;
    w->next = NULL;
    w->on = NULL;
    f->waiters--;
}

/* Cuts the whole list off, each waiter marked; the caller wakes the chain (linked by next) without the lock.
 */
static struct alb_waiter *take_waiters_locked(struct alb_future *f)
{
    struct alb_waiter *chain = f->head;

    for (struct alb_waiter *w = chain; w != NULL; w = w->next) {
        w->on = NULL;
        w->why = ALB_WAKE_SETTLED;
    }
    f->head = NULL;
    f->tail = NULL;
    f->waiters = 0;
    return chain;
}

static void wake_chain(struct alb_waiter *w)
{
    while (w != NULL) {
        struct alb_waiter *next = w->next; /* w is its user's again once its wake has begun */
        w->callback.run = run_wake;
        alb_callback_push(&w->callback);
        w = next;
    }
}

static void run_wake(struct alb_callback *callback)
{
    struct alb_waiter *w = ALB_CONTAINER_OF(callback, struct alb_waiter, callback);

    w->wake(w, w->why);
}

bool alb_future_wait(struct alb_future *f, struct alb_waiter *w)
{
    ALB_CHECK(w->wake != NULL);
    alb_mutex_lock(&f->mtx);
    bool owned = state_of(f) == ALB_FUTURE_OWNED;
    if (owned) {
        ALB_CHECK(w->on == NULL); /* waits already */
        w->owner = ALB_OWNER_NONE;
        w->on = f;
        w->next = NULL;
        w->prev = f->tail;
        if (f->tail != NULL)
            f->tail->next = w;
        else
            f->head = w;
        f->tail = w;
        f->waiters++;
        f->awaited = true;
        f->forsaken = false;
    }
    alb_mutex_unlock(&f->mtx);
    return owned;
}

static bool hook_due_locked(const struct alb_future *f)
{
    return f->forsaken && f->hook != NULL;
}

/* True: the caller pushes f->hook_callback once it has unlocked. */
static bool queue_hook_locked(struct alb_future *f)
{
    if (!hook_due_locked(f) || f->hook_queued)
        return false;
    f->hook_queued = true;
    alb_future_ref(f);
    return true;
}

bool alb_future_leave(struct alb_future *f, struct alb_waiter *w)
{
    bool call = false;

    alb_callback_check_unlocked();
    alb_mutex_lock(&f->mtx);
    bool left = w->on == f;
    if (left) {
        unlink_locked(f, w);
        if (f->waiters == 0 && f->awaited) {
            f->forsaken = true;
            call = queue_hook_locked(f);
        }
    }
    alb_mutex_unlock(&f->mtx);
    if (call)
        alb_callback_push(&f->hook_callback);
    return left;
}

/* ---- the hook ------------------------------------------------------------------------------------ */

static void run_hook(struct alb_callback *callback)
{
    struct alb_future *f = ALB_CONTAINER_OF(callback, struct alb_future, hook_callback);

    alb_mutex_lock(&f->mtx);
    while (hook_due_locked(f)) {
        alb_forsaken_fn *hook = f->hook;
        void *arg = f->hook_arg;
        f->hook = NULL;
        f->hook_running = true;
        f->hook_term = f->term;
        f->hook_thread = pthread_self();
        alb_mutex_unlock(&f->mtx);

        alb_callback_enter(f);
        hook(arg);
        alb_callback_leave();

        alb_mutex_lock(&f->mtx);
        f->hook_running = false;
        if (f->hook_awaited > 0)
            alb_cond_broadcast(&f->hook_done);
    }
    f->hook_queued = false;
    alb_mutex_unlock(&f->mtx);
    alb_future_unref(f);
}

/* Whether the hook of `term` runs on another thread: then the end of the term has to wait (C4). */
static bool hook_busy_locked(const struct alb_future *f, uint32_t term)
{
    return f->hook_running && f->hook_term == term && pthread_equal(f->hook_thread, pthread_self()) == 0;
}

static void await_hook_locked(struct alb_future *f, uint32_t term) ALB_REQUIRES(f->mtx)
{
    f->hook_awaited++;
    while (hook_busy_locked(f, term))
        alb_cond_wait(&f->hook_done, &f->mtx);
    f->hook_awaited--;
}

static bool is_current_locked(const struct alb_future *f, uint32_t term)
{
    return state_of(f) == ALB_FUTURE_OWNED && f->term == term;
}

void alb_future_on_forsaken(const struct alb_owner *owner, alb_forsaken_fn *fn, void *arg)
{
    struct alb_future *f = owner->future;
    bool call = false;

    alb_callback_check_unlocked();
    if (f == NULL)
        return;
    alb_mutex_lock(&f->mtx);
    if (is_current_locked(f, owner->term)) {
        f->hook = NULL; /* the one before must not begin while this waits for it */
        await_hook_locked(f, owner->term);
    }
    if (is_current_locked(f, owner->term)) {
        f->hook = fn;
        f->hook_arg = arg;
        call = queue_hook_locked(f);
    }
    alb_mutex_unlock(&f->mtx);
    if (call)
        alb_callback_push(&f->hook_callback);
}

bool alb_future_is_forsaken(const struct alb_owner *owner)
{
    struct alb_future *f = owner->future;

    if (f == NULL)
        return true;
    alb_mutex_lock(&f->mtx);
    bool forsaken = f->forsaken || !is_current_locked(f, owner->term);
    alb_mutex_unlock(&f->mtx);
    return forsaken;
}

/* ---- the end of a term --------------------------------------------------------------------------- */

static void lock_both(struct alb_future *f) ALB_NO_LOCK_ANALYSIS
{
    if (f->outer != NULL)
        alb_mutex_lock(f->outer);
    alb_mutex_lock(&f->mtx);
}

static void unlock_both(struct alb_future *f) ALB_NO_LOCK_ANALYSIS
{
    alb_mutex_unlock(&f->mtx);
    if (f->outer != NULL)
        alb_mutex_unlock(f->outer);
}

/* Takes the title. True: it is the current one, its hook does not run elsewhere and never will again, and
 * both locks are held. False: stale; nothing is held. The title's reference passes to the caller only if
 * true. */
static bool begin_end(struct alb_owner *owner, struct alb_future **future) ALB_NO_LOCK_ANALYSIS
{
    struct alb_future *f = owner->future;
    uint32_t term = owner->term;

    *owner = ALB_OWNER_NONE;
    *future = f;
    alb_callback_check_unlocked();
    if (f == NULL)
        return false;
    alb_callback_check_may_end(f);
    for (;;) {
        lock_both(f);
        if (!is_current_locked(f, term)) {
            unlock_both(f);
            return false;
        }
        f->hook = NULL;
        if (!hook_busy_locked(f, term))
            return true;
        unlock_both(f); /* not with the shard in hand: the hook may join a flight */
        alb_mutex_lock(&f->mtx);
        await_hook_locked(f, term);
        alb_mutex_unlock(&f->mtx);
    }
}

/* Goes to a terminal state, unlocks, wakes everybody and gives the title's reference back. */
static void finish_locked(struct alb_future *f, enum alb_future_state state) ALB_NO_LOCK_ANALYSIS
{
    struct alb_waiter *chain = take_waiters_locked(f);

    f->forsaken = false;
    atomic_store_explicit(&f->state, state, memory_order_release);
    if (f->ended != NULL)
        f->ended(f);
    unlock_both(f);
    wake_chain(chain);
    alb_future_unref(f);
}

/* What the waiters of a failed future read. */
static struct alb_err reason(const struct alb_err *err)
{
    struct alb_err copy = ALB_ERR_INIT;

    if (err != NULL && err->code != ALB_OK)
        return *err;
    (void)alb_fail(&copy, ALB_E_INTERNAL, "the owner gave no reason");
    return copy;
}

bool alb_future_settle(struct alb_owner *owner, struct alb_obj *result)
{
    struct alb_future *f;

    ALB_CHECK(result != NULL);
    if (!begin_end(owner, &f)) {
        alb_obj_unref(result);
        return false;
    }
    f->result = result;
    finish_locked(f, ALB_FUTURE_SETTLED);
    return true;
}

bool alb_future_fail(struct alb_owner *owner, const struct alb_err *err)
{
    struct alb_future *f;
    struct alb_err why = reason(err);

    if (!begin_end(owner, &f))
        return false;
    f->error = why;
    finish_locked(f, ALB_FUTURE_FAILED);
    return true;
}

bool alb_future_resign(struct alb_owner *owner, const struct alb_err *err) ALB_NO_LOCK_ANALYSIS
{
    struct alb_future *f;
    struct alb_err why = reason(err);

    if (!begin_end(owner, &f))
        return false;
    struct alb_waiter *heir = f->term < ALB_FUTURE_TERMS_MAX ? f->head : NULL;
    while (heir != NULL && !heir->heir)
        heir = heir->next;
    if (heir == NULL) {
        f->error = why;
        finish_locked(f, ALB_FUTURE_FAILED);
        return true;
    }
    unlink_locked(f, heir);
    f->term++;
    f->awaited = false;
    f->forsaken = false;
    f->owner[0] = '\0';
    heir->why = ALB_WAKE_PROMOTED;
    heir->owner = (struct alb_owner){f, f->term}; /* with the reference of the title that ends */
    unlock_both(f);
    wake_chain(heir);
    return true;
}

/* ---- reading ------------------------------------------------------------------------------------- */

bool alb_future_done(const struct alb_future *f)
{
    return state_of(f) != ALB_FUTURE_OWNED;
}

struct alb_obj *alb_future_result(const struct alb_future *f)
{
    return state_of(f) == ALB_FUTURE_SETTLED ? f->result : NULL;
}

enum alb_code alb_future_error(const struct alb_future *f, struct alb_err *out)
{
    bool failed = state_of(f) == ALB_FUTURE_FAILED;

    if (out != NULL) {
        if (failed)
            *out = f->error;
        else
            alb_err_clear(out);
    }
    return failed ? f->error.code : ALB_OK;
}

void alb_future_describe_owner(const struct alb_owner *owner, const char *text)
{
    struct alb_future *f = owner->future;

    if (f == NULL)
        return;
    alb_mutex_lock(&f->mtx);
    if (is_current_locked(f, owner->term))
        (void)snprintf(f->owner, sizeof(f->owner), "%s", text);
    alb_mutex_unlock(&f->mtx);
}

struct alb_future_view alb_future_look(const struct alb_future *f)
{
    static const char *const names[] = {
        [ALB_FUTURE_OWNED] = "owned",
        [ALB_FUTURE_SETTLED] = "settled",
        [ALB_FUTURE_FAILED] = "failed",
    };
    struct alb_future_view view;

    alb_mutex_lock(&mutable(f)->mtx);
    view.state = f->forsaken ? "forsaken" : names[state_of(f)];
    view.term = f->term;
    view.waiters = f->waiters;
    memcpy(view.owner, f->owner, sizeof(view.owner));
    alb_mutex_unlock(&mutable(f)->mtx);
    return view;
}

/* ---- blocking ------------------------------------------------------------------------------------ */

struct await {
    struct alb_waiter waiter;
    struct alb_mutex mtx;
    struct alb_cond cond;
    bool woken;
};

static void await_wake(struct alb_waiter *w, enum alb_wake why)
{
    struct await *a = ALB_CONTAINER_OF(w, struct await, waiter);

    (void)why; /* not an heir: always SETTLED */
    alb_mutex_lock(&a->mtx);
    a->woken = true;
    alb_cond_signal(&a->cond); /* under the lock: the waiter may be gone right after it */
    alb_mutex_unlock(&a->mtx);
}

/* False: the deadline came first, and no wake will come. */
static bool await_done(struct alb_future *f, int64_t deadline_ns)
{
    struct await a = {.waiter = {.wake = await_wake}};
    bool done = true;

    alb_mutex_init(&a.mtx, ALB_LOCK_AWAIT);
    alb_cond_init(&a.cond);
    if (alb_future_wait(f, &a.waiter)) {
        alb_mutex_lock(&a.mtx);
        while (!a.woken && alb_cond_wait_until(&a.cond, &a.mtx, deadline_ns)) {
        }
        bool late = !a.woken;
        alb_mutex_unlock(&a.mtx);
        if (late)
            done = !alb_future_leave(f, &a.waiter);
        alb_mutex_lock(&a.mtx);
        while (done && !a.woken) /* the wake is on its way */
            alb_cond_wait(&a.cond, &a.mtx);
        alb_mutex_unlock(&a.mtx);
    }
    alb_cond_fini(&a.cond);
    alb_mutex_fini(&a.mtx);
    return done;
}

enum alb_code alb_future_await(struct alb_future *f, int64_t deadline_ns, struct alb_err *err)
{
    struct alb_err end;

    if (!alb_thread_may_block())
        alb_panic(ALB_WHERE, "alb_future_await on a thread that must not wait (law 1)");
    if (alb_callback_active())
        alb_panic(ALB_WHERE, "alb_future_await inside a callback (callback.h, C3)");
    alb_callback_check_unlocked();
    if (!await_done(f, deadline_ns))
        return alb_fail(err, ALB_E_TIMEOUT, "the result did not come in time");
    if (alb_future_error(f, &end) != ALB_OK && err != NULL && err->code == ALB_OK)
        *err = end;
    return end.code;
}
