/* SPDX-License-Identifier: Apache-2.0
 *
 * Timers on a binary heap (contract: timer.h). The heap array is allocated once, so arming never allocates.
 * slots[1] is due first; every timer knows its slot. A pass fires what was armed before it began (seq), so a
 * callback that arms a timer for now cannot keep a pass busy for ever.
 */
#include "base/timer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "base/callback.h"
#include "base/check.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/pool.h"

#define TIMERS_MAGIC 0xa1b071e5U

/* A thread in alb_timer_clear_sync, on its stack. */
struct syncer {
    const struct alb_timer *t;
    bool done;
    struct syncer *next;
};

struct alb_timers {
    uint32_t magic;

    /* fixed after create */
    const struct alb_clock *clock;
    size_t max;

    /* owned by who starts and frees */
    pthread_t thread;
    bool started;

    /* under mtx */
    struct alb_mutex mtx;
    struct alb_cond changed; /* an earlier due time, a callback ended while somebody waits, or the end */
    size_t n;
    size_t reserved;       /* places given away */
    size_t reserved_armed; /* of those, in the heap */
    uint64_t seq;
    struct alb_timer *firing; /* a name only: its user may have freed it */
    bool passing;             /* a pass is under way, on thread `passer` */
    pthread_t passer;
    struct syncer *syncers;
    bool stopping;

    struct alb_timer *slots[]; /* 1 … n */
};

/* ---- the heap ------------------------------------------------------------------------------------ */

static bool before(const struct alb_timer *a, const struct alb_timer *b)
{
    return a->due != b->due ? a->due < b->due : a->seq < b->seq;
}

static void place_locked(struct alb_timers *ts, struct alb_timer *t, size_t slot)
{
    ts->slots[slot] = t;
    t->slot = slot;
}

/* Puts t where it belongs, starting from the hole at `slot`. */
static void sift_locked(struct alb_timers *ts, struct alb_timer *t, size_t slot)
{
    while (slot > 1 && before(t, ts->slots[slot / 2])) {
        place_locked(ts, ts->slots[slot / 2], slot);
        slot /= 2;
    }
    for (;;) {
        size_t child = slot * 2;
        if (child < ts->n && before(ts->slots[child + 1], ts->slots[child]))
            child++;
        if (child > ts->n || !before(ts->slots[child], t))
            break;
        place_locked(ts, ts->slots[child], slot);
        slot = child;
    }
    place_locked(ts, t, slot);
}

static void remove_locked(struct alb_timers *ts, struct alb_timer *t)
{
    size_t slot = t->slot;
    struct alb_timer *last = ts->slots[ts->n--];

    t->slot = 0;
    ts->reserved_armed -= t->reserved;
    if (last != t)
        sift_locked(ts, last, slot);
}

static int64_t next_due_locked(const struct alb_timers *ts)
{
    return ts->n > 0 ? ts->slots[1]->due : ALB_NEVER;
}

/* ---- arming -------------------------------------------------------------------------------------- */

static bool has_place_locked(const struct alb_timers *ts)
{
    return ts->n - ts->reserved_armed + ts->reserved < ts->max;
}

enum alb_code alb_timer_set(struct alb_timers *ts, struct alb_timer *t, int64_t due)
{
    enum alb_code code = ALB_OK;

    ALB_MAGIC_CHECK(ts, TIMERS_MAGIC);
    ALB_CHECK(t->fire != NULL);
    alb_mutex_lock(&ts->mtx);
    int64_t next = next_due_locked(ts);
    if (t->slot != 0) {
        t->due = due;
        t->seq = ++ts->seq;
        sift_locked(ts, t, t->slot);
    } else if (t->reserved || has_place_locked(ts)) {
        t->due = due;
        t->seq = ++ts->seq;
        ts->reserved_armed += t->reserved;
        ts->n++;
        sift_locked(ts, t, ts->n);
    } else {
        code = ALB_E_BUSY;
    }
    if (next_due_locked(ts) < next)
        alb_cond_broadcast(&ts->changed);
    alb_mutex_unlock(&ts->mtx);
    return code;
}

static bool clear_locked(struct alb_timers *ts, struct alb_timer *t)
{
    bool armed = t->slot != 0;

    if (armed)
        remove_locked(ts, t);
    return armed;
}

bool alb_timer_clear(struct alb_timers *ts, struct alb_timer *t)
{
    ALB_MAGIC_CHECK(ts, TIMERS_MAGIC);
    alb_mutex_lock(&ts->mtx);
    bool armed = clear_locked(ts, t);
    alb_mutex_unlock(&ts->mtx);
    return armed;
}

void alb_timer_clear_sync(struct alb_timers *ts, struct alb_timer *t)
{
    ALB_MAGIC_CHECK(ts, TIMERS_MAGIC);
    if (alb_callback_active())
        alb_panic(ALB_WHERE, "alb_timer_clear_sync inside a callback (callback.h, C3)");
    alb_mutex_lock(&ts->mtx);
    (void)clear_locked(ts, t);
    if (ts->firing == t && pthread_equal(ts->passer, pthread_self()) == 0) {
        struct syncer self = {.t = t, .next = ts->syncers};
        ts->syncers = &self;
        while (!self.done)
            alb_cond_wait(&ts->changed, &ts->mtx);
    }
    alb_mutex_unlock(&ts->mtx);
}

enum alb_code alb_timer_reserve(struct alb_timers *ts, struct alb_timer *t)
{
    enum alb_code code = ALB_E_BUSY;

    ALB_MAGIC_CHECK(ts, TIMERS_MAGIC);
    alb_mutex_lock(&ts->mtx);
    ALB_CHECK(!t->reserved && t->slot == 0);
    if (has_place_locked(ts)) {
        t->reserved = true;
        ts->reserved++;
        code = ALB_OK;
    }
    alb_mutex_unlock(&ts->mtx);
    return code;
}

void alb_timer_unreserve(struct alb_timers *ts, struct alb_timer *t)
{
    alb_timer_clear_sync(ts, t);
    alb_mutex_lock(&ts->mtx);
    ALB_CHECK(t->reserved && t->slot == 0); /* an armed one would be counted wrongly for ever */
    t->reserved = false;
    ts->reserved--;
    alb_mutex_unlock(&ts->mtx);
}

/* ---- firing -------------------------------------------------------------------------------------- */

/* t's callback has returned. Who waits for that gets an idle timer: one that armed itself again is stopped
 * here, before it can fire again. (That somebody waits is what says that t is still there.) */
static void let_syncers_go_locked(struct alb_timers *ts, struct alb_timer *t)
{
    bool any = false;

    for (struct syncer **at = &ts->syncers; *at != NULL;) {
        struct syncer *s = *at;
        if (s->t != t) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        s->done = true;
        any = true;
    }
    if (any) {
        (void)clear_locked(ts, t);
        alb_cond_broadcast(&ts->changed);
    }
}

/* Fires what is due and was armed before; returns when that is done or the heap is to end. */
static void pass_locked(struct alb_timers *ts, int64_t now) ALB_REQUIRES(ts->mtx)
{
    uint64_t newest = ts->seq;

    ALB_CHECK(!ts->passing);
    ts->passing = true;
    ts->passer = pthread_self();
    while (!ts->stopping && ts->n > 0) {
        struct alb_timer *t = ts->slots[1];
        if (t->due > now || t->due == ALB_NEVER || t->seq > newest)
            break;
        remove_locked(ts, t);
        ts->firing = t;
        alb_mutex_unlock(&ts->mtx);
        t->fire(t);
        alb_mutex_lock(&ts->mtx);
        ts->firing = NULL;
        let_syncers_go_locked(ts, t);
    }
    ts->passing = false;
}

int64_t alb_timers_run(struct alb_timers *ts)
{
    ALB_MAGIC_CHECK(ts, TIMERS_MAGIC);
    ALB_CHECK(!ts->started);
    int64_t now = alb_mono(ts->clock);
    alb_mutex_lock(&ts->mtx);
    pass_locked(ts, now);
    int64_t next = next_due_locked(ts);
    alb_mutex_unlock(&ts->mtx);
    return next;
}

static void *timer_thread(void *arg)
{
    struct alb_timers *ts = arg;

    alb_thread_name("timers");
    alb_thread_set_may_block(false);
    alb_mutex_lock(&ts->mtx);
    while (!ts->stopping) {
        int64_t now = alb_mono(ts->clock);
        int64_t next = next_due_locked(ts);
        if (next <= now)
            pass_locked(ts, now);
        else
            (void)alb_cond_wait_until(&ts->changed, &ts->mtx, next);
    }
    alb_mutex_unlock(&ts->mtx);
    return NULL;
}

/* ---- life ---------------------------------------------------------------------------------------- */

struct alb_timers *alb_timers_new(const struct alb_clock *clock, size_t max)
{
    size_t bytes;

    ALB_CHECK(max >= 1);
    if (!alb_size_mul(max, sizeof(struct alb_timer *), &bytes) ||
        !alb_size_add(bytes, sizeof(struct alb_timers) + sizeof(struct alb_timer *), &bytes))
        return NULL;
    struct alb_timers *ts = alb_mem_calloc(1, bytes);
    if (ts == NULL)
        return NULL;
    ts->magic = TIMERS_MAGIC;
    ts->clock = clock;
    ts->max = max;
    alb_mutex_init(&ts->mtx, ALB_LOCK_TIMERS);
    alb_cond_init(&ts->changed);
    return ts;
}

enum alb_code alb_timers_start(struct alb_timers *ts, struct alb_err *err)
{
    sigset_t all, old;

    ALB_MAGIC_CHECK(ts, TIMERS_MAGIC);
    ALB_CHECK(!ts->started && ts->clock == alb_clock_real());
    (void)sigfillset(&all);
    ALB_CHECK(pthread_sigmask(SIG_SETMASK, &all, &old) == 0);
    ts->started = true; /* before the thread can look */
    int rc = pthread_create(&ts->thread, NULL, timer_thread, ts);
    ALB_CHECK(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
    if (rc != 0) {
        ts->started = false;
        return alb_fail_sys(err, rc == EAGAIN ? ALB_E_BUSY : alb_code_of_errno(rc), rc, "the timer thread");
    }
    return ALB_OK;
}

void alb_timers_free(struct alb_timers **tsp)
{
    struct alb_timers *ts = *tsp;

    if (ts == NULL)
        return;
    ALB_MAGIC_CHECK(ts, TIMERS_MAGIC);
    alb_mutex_lock(&ts->mtx);
    ts->stopping = true;
    alb_cond_broadcast(&ts->changed);
    ALB_CHECK(!ts->passing || (ts->started && pthread_equal(ts->passer, pthread_self()) == 0));
    alb_mutex_unlock(&ts->mtx);
    if (ts->started)
        ALB_CHECK(pthread_join(ts->thread, NULL) == 0);
    while (ts->n > 0)
        remove_locked(ts, ts->slots[ts->n]);
    alb_cond_fini(&ts->changed);
    alb_mutex_fini(&ts->mtx);
    ts->magic = 0;
    alb_mem_free(ts);
    *tsp = NULL; /* not before: a callback that still ran may have used it */
}
