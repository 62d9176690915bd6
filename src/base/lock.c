/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranked mutexes and condition variables (contract: lock.h). Every build uses error-checking mutexes: a lock
 * taken twice or given back by a stranger is a bug that ends the process. With ALB_LOCK_DEBUG each thread
 * keeps the list of what it holds, in the order of taking, and a rank that does not rise panics before the
 * lock is taken, that is before the deadlock. The same builds forbid waiting on a condition with a second
 * lock in hand (law 1).
 */
#include "base/lock.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/shard.h"

static const struct {
    const char *name;
    int rank;
} classes[ALB_LOCK_CLASS_COUNT] = {
#define ALB_X(name, rank, text) [ALB_LOCK_##name] = {#name, rank},
#include "tbl/locks.h"
#undef ALB_X
};

/* atomic */
static struct {
    _Alignas(ALB_CACHE_LINE) atomic_uint_fast64_t taken[ALB_LOCK_CLASS_COUNT];
    atomic_uint_fast64_t contended[ALB_LOCK_CLASS_COUNT];
} counts[ALB_SHARDS];

unsigned alb_shard_of_thread(void)
{
    static atomic_uint next;
    static _Thread_local unsigned mine; /* 1-based; 0 = none yet */

    if (__builtin_expect(mine == 0, 0))
        mine = atomic_fetch_add_explicit(&next, 1, memory_order_relaxed) % ALB_SHARDS + 1;
    return mine - 1;
}

#ifdef ALB_LOCK_DEBUG

#define HELD_MAX 16

static _Thread_local struct {
    const struct alb_mutex *m[HELD_MAX];
    unsigned n;
} held;

static void debug_before_lock(const struct alb_mutex *m)
{
    if (held.n == 0)
        return;
    const struct alb_mutex *last = held.m[held.n - 1];
    if (classes[last->cls].rank >= classes[m->cls].rank)
        alb_panic(__FILE__, "lock order: %s (rank %d) taken inside %s (rank %d)", classes[m->cls].name,
                  classes[m->cls].rank, classes[last->cls].name, classes[last->cls].rank);
    ALB_CHECK(held.n < HELD_MAX);
}

static void debug_after_lock(const struct alb_mutex *m)
{
    held.m[held.n++] = m;
}

static void debug_before_unlock(const struct alb_mutex *m)
{
    unsigned i = held.n;

    while (i > 0 && held.m[i - 1] != m)
        i--;
    if (i == 0)
        alb_panic(__FILE__, "%s is given back by a thread that does not hold it", classes[m->cls].name);
    memmove(&held.m[i - 1], &held.m[i], (held.n - i) * sizeof(held.m[0]));
    held.n--;
}

static void debug_must_hold(const struct alb_mutex *m)
{
    for (unsigned i = 0; i < held.n; i++) {
        if (held.m[i] == m)
            return;
    }
    alb_panic(__FILE__, "%s must be held here", classes[m->cls].name);
}

static void debug_before_wait(const struct alb_mutex *m)
{
    debug_must_hold(m);
    if (held.n != 1)
        alb_panic(__FILE__, "waits under %s with another lock in hand", classes[m->cls].name);
}

void alb_mutex_assert_held(struct alb_mutex *m) ALB_NO_LOCK_ANALYSIS
{
    debug_must_hold(m);
}

unsigned alb_lock_held_count(void)
{
    return held.n;
}

void alb_lock_held_names(char *out, size_t cap)
{
    size_t at = 0;

    if (cap == 0)
        return;
    out[0] = '\0';
    for (unsigned i = 0; i < held.n && at < cap; i++) {
        int n = snprintf(out + at, cap - at, "%s%s", i > 0 ? " " : "", classes[held.m[i]->cls].name);
        at += n > 0 ? (size_t)n : 0;
    }
}

#else

static void debug_before_lock(const struct alb_mutex *m)
{
    (void)m;
}

static void debug_after_lock(const struct alb_mutex *m)
{
    (void)m;
}

static void debug_before_unlock(const struct alb_mutex *m)
{
    (void)m;
}

static void debug_before_wait(const struct alb_mutex *m)
{
    (void)m;
}

void alb_mutex_assert_held(struct alb_mutex *m) ALB_NO_LOCK_ANALYSIS
{
    (void)m;
}

unsigned alb_lock_held_count(void)
{
    return 0;
}

void alb_lock_held_names(char *out, size_t cap)
{
    if (cap > 0)
        out[0] = '\0';
}

#endif

/* pthread calls fail only by misuse. */
static void must(int rc, const char *what, const struct alb_mutex *m)
{
    if (__builtin_expect(rc != 0, 0))
        alb_panic(__FILE__, "%s of %s: %s", what, m != NULL ? classes[m->cls].name : "a condition",
                  strerrordesc_np(rc));
}

void alb_mutex_init(struct alb_mutex *m, enum alb_lock_class cls)
{
    pthread_mutexattr_t attr;

    ALB_CHECK((unsigned)cls < ALB_LOCK_CLASS_COUNT);
    m->cls = cls;
    must(pthread_mutexattr_init(&attr), "set-up", m);
    must(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK), "set-up", m);
    must(pthread_mutex_init(&m->m, &attr), "set-up", m);
    must(pthread_mutexattr_destroy(&attr), "set-up", m);
}

void alb_mutex_fini(struct alb_mutex *m)
{
    must(pthread_mutex_destroy(&m->m), "end", m);
}

void alb_mutex_lock(struct alb_mutex *m) ALB_NO_LOCK_ANALYSIS
{
    unsigned shard = alb_shard_of_thread();

    debug_before_lock(m);
    int rc = pthread_mutex_trylock(&m->m);
    if (rc == EBUSY) {
        atomic_fetch_add_explicit(&counts[shard].contended[m->cls], 1, memory_order_relaxed);
        rc = pthread_mutex_lock(&m->m);
    }
    must(rc, "lock", m);
    atomic_fetch_add_explicit(&counts[shard].taken[m->cls], 1, memory_order_relaxed);
    debug_after_lock(m);
}

void alb_mutex_unlock(struct alb_mutex *m) ALB_NO_LOCK_ANALYSIS
{
    debug_before_unlock(m);
    must(pthread_mutex_unlock(&m->m), "unlock", m);
}

void alb_cond_init(struct alb_cond *c)
{
    pthread_condattr_t attr;

    must(pthread_condattr_init(&attr), "set-up", NULL);
    must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), "set-up", NULL);
    must(pthread_cond_init(&c->c, &attr), "set-up", NULL);
    must(pthread_condattr_destroy(&attr), "set-up", NULL);
}

void alb_cond_fini(struct alb_cond *c)
{
    must(pthread_cond_destroy(&c->c), "end", NULL);
}

void alb_cond_wait(struct alb_cond *c, struct alb_mutex *m) ALB_NO_LOCK_ANALYSIS
{
    debug_before_wait(m);
    must(pthread_cond_wait(&c->c, &m->m), "wait", m);
}

bool alb_cond_wait_until(struct alb_cond *c, struct alb_mutex *m, int64_t deadline_ns) ALB_NO_LOCK_ANALYSIS
{
    if (deadline_ns == ALB_NEVER) {
        alb_cond_wait(c, m);
        return true;
    }
    debug_before_wait(m);
    if (deadline_ns < 0)
        deadline_ns = 0;
    struct timespec at = {.tv_sec = (time_t)(deadline_ns / ALB_NS_PER_S),
                          .tv_nsec = (long)(deadline_ns % ALB_NS_PER_S)};
    int rc = pthread_cond_timedwait(&c->c, &m->m, &at);
    if (rc == ETIMEDOUT)
        return false;
    must(rc, "wait", m);
    return true;
}

void alb_cond_signal(struct alb_cond *c)
{
    must(pthread_cond_signal(&c->c), "signal", NULL);
}

void alb_cond_broadcast(struct alb_cond *c)
{
    must(pthread_cond_broadcast(&c->c), "broadcast", NULL);
}

struct alb_lock_stat alb_lock_stat(enum alb_lock_class cls)
{
    ALB_CHECK((unsigned)cls < ALB_LOCK_CLASS_COUNT);
    struct alb_lock_stat s = {.name = classes[cls].name, .rank = classes[cls].rank};
    for (unsigned i = 0; i < ALB_SHARDS; i++) {
        s.taken += atomic_load_explicit(&counts[i].taken[cls], memory_order_relaxed);
        s.contended += atomic_load_explicit(&counts[i].contended[cls], memory_order_relaxed);
    }
    return s;
}
