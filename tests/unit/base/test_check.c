/* SPDX-License-Identifier: Apache-2.0 */
#include "base/build.h"
#include "base/check.h"
#include "base/lock.h"
#include "base/log.h"
#include "test.h"

static void fail_a_check(void *arg)
{
    int answer = 41;

    (void)arg;
    alb_thread_name("a-long-thread-name");
    alb_thread_working_on("request 0a1b");
    alb_log_setup(STDERR_FILENO, ALB_LOG_LOGFMT, ALB_LOG_INFO);
    alb_log(ALB_LOG_INFO, "remembered", ALB_LOG_INT("n", 17));
    ALB_CHECK(answer == 42);
}

static void test_report(void **state)
{
    static char report[8192];

    (void)state;
    expect_panic_report(fail_a_check, NULL, "panic: ", report, sizeof(report));
    assert_non_null(strstr(report, "answer == 42"));
    assert_non_null(strstr(report, "test_check.c"));
    assert_non_null(strstr(report, "thread: a-long-thread-n\n"));
    assert_non_null(strstr(report, "working on: request 0a1b"));
    assert_non_null(strstr(report, "locks held: (none known)"));
    const char *records = strstr(report, "last log records:");
    assert_non_null(records);
    assert_non_null(strstr(records, "event=remembered n=17"));
}

static void panic_under_lock(void *arg)
{
    struct alb_mutex m;

    (void)arg;
    alb_mutex_init(&m, ALB_LOCK_LOG);
    alb_mutex_lock(&m);
    alb_panic("here", "number %d", 5);
}

static void test_panic_under_the_lock_of_the_log(void **state)
{
    static char report[8192];

    (void)state;
    expect_panic_report(panic_under_lock, NULL, "panic: here number 5", report, sizeof(report));
#ifdef ALB_LOCK_DEBUG
    assert_non_null(strstr(report, "locks held: LOG\n"));
#endif
}

static void check_magic(void *arg)
{
    struct {
        uint32_t magic;
    } thing = {*(uint32_t *)arg};

    ALB_MAGIC_CHECK(&thing, 0x1234U);
}

static void test_magic(void **state)
{
    uint32_t good = 0x1234, bad = 0x4321;

    (void)state;
    check_magic(&good);
    expect_panic(check_magic, &bad, "magic");
}

static void test_build(void **state)
{
    (void)state;
    assert_true(strlen(alb_version()) >= 5);
    assert_int_equal(strspn(alb_build_id(), "0123456789abcdef"), 40); /* the linker gives SHA-1 ids */
    assert_ptr_equal(alb_build_id(), alb_build_id());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_panic_under_the_lock_of_the_log),
        cmocka_unit_test(test_magic),
        cmocka_unit_test(test_build),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
