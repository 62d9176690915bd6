/* SPDX-License-Identifier: Apache-2.0
 *
 * What the unit tests of base share: cmocka with its includes, panics seen from outside (a child process
 * must die by abort and say why), and the sweep that makes every allocation of a piece of work fail in turn.
 */
#ifndef ALB_TESTS_BASE_TEST_H
#define ALB_TESTS_BASE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

/* What a child has counted is kept, too, when branches are counted (-Db_coverage=true): the error paths that
 * only a child can go are part of what is tested. */
#ifdef ALB_COVERAGE
extern void __gcov_dump(void);
#else
static inline void __gcov_dump(void) {}
#endif

static inline void child_aborts(int signal_number)
{
    (void)signal_number;
    __gcov_dump(); /* abort goes on when this returns */
}

static inline _Noreturn void child_exit(int status)
{
    __gcov_dump();
    _exit(status);
}

/* fn(arg) must end the process with abort after a report that contains `text`; the report is copied to
 * report[cap] if that is given. */
static inline void expect_panic_report(void (*fn)(void *arg), void *arg, const char *text, char *report,
                                       size_t cap)
{
    char all[8192];
    size_t n = 0;
    int fds[2], status;

    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)dup2(fds[1], STDERR_FILENO);
        (void)close(fds[0]);
        (void)signal(SIGABRT, child_aborts);
        (void)alarm(30);
        fn(arg);
        child_exit(0);
    }
    (void)close(fds[1]);
    for (ssize_t r = 1; r > 0 && n < sizeof(all) - 1; n += r > 0 ? (size_t)r : 0)
        r = read(fds[0], all + n, sizeof(all) - 1 - n);
    all[n] = '\0';
    (void)close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || strstr(all, text) == NULL)
        fail_msg("no panic about \"%s\"; status %d, report: %s", text, status, all);
    if (report != NULL) {
        assert_true(n < cap);
        memcpy(report, all, n + 1);
    }
}

static inline void expect_panic(void (*fn)(void *arg), void *arg, const char *text)
{
    expect_panic_report(fn, arg, text, NULL, 0);
}

/* Runs work(arg) with allocation 1, 2, 3 … failing, once and from there on, until no plan strikes any
 * more. `work` asserts that a failure is reported, that nothing leaks (ASan looks) and, by itself, that its
 * objects stay usable; it returns whether it saw the failure. */
static inline void sweep_allocations(bool (*work)(void *arg), void *arg)
{
    for (int once = 0; once < 2; once++) {
        unsigned n = 1;
        for (;; n++) {
            assert_true(n < 100000);
            alb_mem_fault(n, once != 0);
            bool failed = work(arg);
            bool fired = alb_mem_fault_fired();
            alb_mem_fault(0, false);
            if (!fired) {
                assert_false(failed);
                break;
            }
            if (!failed)
                fail_msg("allocation %u failed and nobody noticed", n);
        }
        assert_true(n > 1);
    }
}

#define assert_str(s, literal)                                                                               \
    do {                                                                                                     \
        struct alb_str s_ = (s);                                                                             \
        assert_int_equal(s_.n, strlen(literal));                                                             \
        assert_memory_equal(s_.n > 0 ? s_.p : "", literal, s_.n);                                            \
    } while (0)

#endif
