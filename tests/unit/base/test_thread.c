/* SPDX-License-Identifier: Apache-2.0
 * Threads of rooms: they run with their name, take no signal, may block, are joined once.
 */
#include <pthread.h>
#include <signal.h>

#include "base/pool.h"
#include "base/thread.h"
#include "test.h"

struct seen {
    char name[16];
    bool term_blocked, may_block;
};

static void *look(void *arg)
{
    struct seen *s = arg;
    sigset_t now;

    (void)pthread_getname_np(pthread_self(), s->name, sizeof(s->name));
    (void)pthread_sigmask(SIG_BLOCK, NULL, &now);
    s->term_blocked = sigismember(&now, SIGTERM) == 1;
    s->may_block = alb_thread_may_block();
    return NULL;
}

static void test_runs_and_joins(void **state)
{
    struct alb_thread t = {.started = false};
    struct seen s = {.may_block = false};
    sigset_t before, after;

    (void)state;
    alb_thread_join(&t); /* never started: nothing */
    (void)pthread_sigmask(SIG_BLOCK, NULL, &before);
    assert_int_equal(alb_thread_start(&t, "looker", look, &s, NULL), ALB_OK);
    assert_true(t.started);
    alb_thread_join(&t);
    alb_thread_join(&t);
    (void)pthread_sigmask(SIG_BLOCK, NULL, &after);
    assert_string_equal(s.name, "looker");
    assert_true(s.term_blocked);
    assert_true(s.may_block);
    assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

static void test_without_memory(void **state)
{
    struct alb_thread t = {.started = false};
    struct alb_err err = ALB_ERR_INIT;

    (void)state;
    alb_mem_fault(1, true);
    assert_int_equal(alb_thread_start(&t, "never", look, NULL, &err), ALB_E_NO_MEMORY);
    alb_mem_fault(0, false);
    assert_false(t.started);
    alb_thread_join(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_and_joins),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
