/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads that a room owns for itself (runners, masters): started with a name, joined once. Signals are
 * blocked in them; the main thread alone handles signals.
 */
#ifndef ALB_BASE_THREAD_H
#define ALB_BASE_THREAD_H

#include <pthread.h>

#include "base/err.h"

struct alb_thread {
    pthread_t id;
    bool started;
};
/* `name` is a literal (15 bytes are shown by the system). */
enum alb_code alb_thread_start(struct alb_thread *t, const char *name, void *(*run)(void *), void *arg,
                               struct alb_err *err) ALB_MUST_CHECK;
void alb_thread_join(struct alb_thread *t); /* does nothing if it was never started */

#endif
