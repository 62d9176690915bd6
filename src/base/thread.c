/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <signal.h>

#include "base/check.h"
#include "base/mem.h"

struct start {
    const char *name;
    void *(*run)(void *);
    void *arg;
};

static void *begin(void *arg)
{
    struct start s = *(struct start *)arg;
    alb_mem_free(arg);
    alb_thread_name(s.name);
    return s.run(s.arg);
}

enum alb_code alb_thread_start(struct alb_thread *t, const char *name, void *(*run)(void *), void *arg,
                               struct alb_err *err)
{
    sigset_t all, before;
    struct start *s = alb_mem_alloc(sizeof(*s));
    if (!s)
        return alb_fail(err, ALB_E_NO_MEMORY, "thread %s", name);
    *s = (struct start){name, run, arg};
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int sys = pthread_create(&t->id, NULL, begin, s);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (sys != 0) {
        alb_mem_free(s);
        return alb_fail_sys(err, ALB_E_NO_MEMORY, sys, "thread %s", name);
    }
    t->started = true;
    return ALB_OK;
}

void alb_thread_join(struct alb_thread *t)
{
    if (t->started)
        ALB_CHECK(pthread_join(t->id, NULL) == 0);
    t->started = false;
}
