/* SPDX-License-Identifier: Apache-2.0
 *
 * Mutexes and condition variables with a class, and so with a rank (tbl/locks.h). Taking one out of order
 * panics in debug and sanitizer builds (ALB_LOCK_DEBUG); release builds keep the counts of locks taken and
 * contended per class, shown by /metrics. Under a lock: no I/O, no SQL, no codec, no callback, no log
 * formatting (BLOB_HASH and CACHE_JOURNAL are the exceptions and say so in the table).
 * Waiting uses the monotonic clock and always a predicate loop.
 */
#ifndef ALB_BASE_LOCK_H
#define ALB_BASE_LOCK_H

#include <pthread.h>

#include "base/attr.h"

enum alb_lock_class {
#define ALB_X(name, rank, text) ALB_LOCK_##name,
#include "tbl/locks.h"
#undef ALB_X
    ALB_LOCK_CLASS_COUNT
};

struct ALB_CAPABILITY("mutex") alb_mutex {
    pthread_mutex_t m;
    enum alb_lock_class cls;
};

void alb_mutex_init(struct alb_mutex *m, enum alb_lock_class cls);
void alb_mutex_fini(struct alb_mutex *m); /* must not be held */
void alb_mutex_lock(struct alb_mutex *m) ALB_ACQUIRE(*m);
void alb_mutex_unlock(struct alb_mutex *m) ALB_RELEASE(*m);
void alb_mutex_assert_held(struct alb_mutex *m) ALB_REQUIRES(*m); /* checked in debug builds */

struct alb_cond {
    pthread_cond_t c;
};
void alb_cond_init(struct alb_cond *c);
void alb_cond_fini(struct alb_cond *c);
void alb_cond_wait(struct alb_cond *c, struct alb_mutex *m) ALB_REQUIRES(*m);
/* Until `deadline_ns` of the real monotonic clock (ALB_NEVER allowed); false = it has passed. */
bool alb_cond_wait_until(struct alb_cond *c, struct alb_mutex *m, int64_t deadline_ns) ALB_REQUIRES(*m);
void alb_cond_signal(struct alb_cond *c);
void alb_cond_broadcast(struct alb_cond *c);

struct alb_lock_stat {
    const char *name;
    int rank;
    uint64_t taken, contended;
};
struct alb_lock_stat alb_lock_stat(enum alb_lock_class cls);
unsigned alb_lock_held_count(void); /* by this thread; debug builds, else 0 */
/* Writes the names of the locks this thread holds into out (debug builds; else ""). */
void alb_lock_held_names(char *out, size_t cap);

#endif
