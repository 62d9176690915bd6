/* SPDX-License-Identifier: Apache-2.0
 *
 * The darkroom: workers and zygotes that die, fall silent, are too slow or are not wanted any more.
 */
#include "dark_world.h"

/* A crash is the picture's fault; a SIGKILL that is not ours is the kernel's, for want of memory. */
static void test_killed_worker(void **state)
{
    static const struct {
        int sig;
        enum alb_code code;
        enum alb_stat counter;
    } deaths[] = {{SIGBUS, ALB_E_UNPROCESSABLE, ALB_STAT_DARKROOM_CRASH},
                  {SIGKILL, ALB_E_TOO_LARGE, ALB_STAT_DARKROOM_OOM},
                  {SIGSYS, ALB_E_UNPROCESSABLE, ALB_STAT_DARKROOM_SIGSYS},
                  {SIGXCPU, ALB_E_TIMEOUT, ALB_STAT_DARKROOM_CPU}};
    (void)state;
    for (size_t k = 0; k < ALB_ARRAY_LEN(deaths); k++) {
        struct slow s;
        uint64_t ticket;
        settle();
        int64_t before = alb_stat_get(deaths[k].counter);
        slow_start(&s, ALB_NEVER, &ticket);
        await("a running job", is_running, NULL);
        struct alb_darkroom_view v = alb_darkroom_look(dr);
        for (size_t i = 0; i < 64 && v.worker_pids[i]; i++) /* all of them: one has the job */
            assert_int_equal(kill(v.worker_pids[i], deaths[k].sig), 0);
        slow_end(&s);
        if (!ALB_SANITIZED || deaths[k].sig == SIGKILL) { /* a sanitizer makes its own end of some signals */
            assert_int_equal(s.job.code, deaths[k].code);
            assert_int_equal(s.job.short_of_memory, deaths[k].sig == SIGKILL);
            assert_int_equal(alb_stat_get(deaths[k].counter), before + 1);
        }
        works();
    }
}

static bool is_there(pid_t pid)
{
    struct alb_darkroom_view v = alb_darkroom_look(dr);
    for (size_t k = 0; k < ALB_ARRAY_LEN(v.worker_pids) && v.worker_pids[k]; k++)
        if (v.worker_pids[k] == pid)
            return true;
    return false;
}

/* A worker that dies between two jobs costs none. */
static void test_killed_idle_worker(void **state)
{
    struct alb_darkroom_view v = {0};
    (void)state;
    for (int i = 0; i < 20; i++) {
        settle();
        v = alb_darkroom_look(dr);
        for (size_t k = 0; k < ALB_ARRAY_LEN(v.worker_pids) && v.worker_pids[k]; k++)
            if (k == 0 || i % 2)
                assert_int_equal(kill(v.worker_pids[k], SIGKILL), 0);
        works();
    }
    for (size_t k = 0; k < ALB_ARRAY_LEN(v.worker_pids) && v.worker_pids[k]; k++)
        while (is_there(v.worker_pids[k])) /* until it is known, for whoever counts workers next */
            breathe();
}

/* The server is at its limit of open files: the job is told so, and its worker is none the worse for it. */
static void test_no_descriptors(void **state)
{
    struct alb_str s = sample(30, 20, ".jpg");
    int fd = file_of(s);
    struct rlimit old, none;
    struct alb_darkroom_job job = {.work = ALB_WORK_PROBE,
                                   .source_fd = fd,
                                   .source_bytes = (int64_t)s.n,
                                   .type = ALB_TYPE_JPEG,
                                   .deadline = ALB_NEVER};
    (void)state;
    settle();
    struct alb_darkroom_view before = alb_darkroom_look(dr);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    enum alb_code code = alb_darkroom_run(dr, &job, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(code, ALB_E_IO);
    close(fd);
    g_free((void *)(uintptr_t)s.p);
    works();
    struct alb_darkroom_view after = alb_darkroom_look(dr);
    assert_int_equal(after.started_total, before.started_total);
}

static int oom_score_of(pid_t pid)
{
    char path[64], text[16] = "";
    snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    return (int)strtol(text, NULL, 10);
}

/* When memory is short the kernel is to take a worker, not the server. */
static void test_workers_go_first(void **state)
{
    (void)state;
    settle();
    pid_t worker = alb_darkroom_look(dr).worker_pids[0];
    assert_true(oom_score_of(worker) > oom_score_of(getpid()));
}

/* A zygote that is alive and does nothing is replaced. */
static void test_silent_zygote(void **state)
{
    (void)state;
    settle();
    int64_t lost = alb_stat_get(ALB_STAT_DARKROOM_ZYGOTES_LOST);
    struct alb_darkroom_view v = alb_darkroom_look(dr);
    assert_int_equal(kill(v.zygote_pid, SIGSTOP), 0);
    for (size_t i = 0; i < 64 && v.worker_pids[i]; i++)
        assert_int_equal(kill(v.worker_pids[i], SIGKILL), 0);
    works();
    assert_true(alb_stat_get(ALB_STAT_DARKROOM_ZYGOTES_LOST) >
                lost); /* so may be one that a busy machine keeps back */
    assert_int_not_equal(alb_darkroom_look(dr).zygote_pid, v.zygote_pid);
}

/* /metrics tells the time of probes and of renders apart; what never got to a worker has none. */
static void test_times_are_told(void **state)
{
    struct alb_hist_view render[2], probing[2];
    (void)state;
    settle();
    alb_hist_look(ALB_HIST_DARKROOM_RENDER, &render[0]);
    alb_hist_look(ALB_HIST_DARKROOM_PROBE, &probing[0]);
    works();
    alb_hist_look(ALB_HIST_DARKROOM_RENDER, &render[1]);
    alb_hist_look(ALB_HIST_DARKROOM_PROBE, &probing[1]);
    assert_int_equal(render[1].count, render[0].count + 1);
    assert_int_equal(probing[1].count, probing[0].count + 1);
}

static void test_killed_zygote(void **state)
{
    struct slow s;
    uint64_t ticket;
    (void)state;
    settle();
    int64_t lost = alb_stat_get(ALB_STAT_DARKROOM_ZYGOTES_LOST);
    slow_start(&s, ALB_NEVER, &ticket);
    await("a running job", is_running, NULL);
    struct alb_darkroom_view v = alb_darkroom_look(dr);
    assert_int_equal(kill(v.zygote_pid, SIGKILL), 0);
    slow_end(&s);
    assert_int_equal(s.job.code, ALB_E_BUSY);
    for (size_t i = 0; i < 64 && v.worker_pids[i]; i++) /* none is left, not even as a zombie of ours */
        assert_int_not_equal(waitpid(v.worker_pids[i], NULL, WNOHANG), 0);
    works();
    assert_true(alb_stat_get(ALB_STAT_DARKROOM_ZYGOTES_LOST) >
                lost); /* so may be one that a busy machine keeps back */
    assert_int_not_equal(alb_darkroom_look(dr).zygote_pid, v.zygote_pid);
}

static void test_deadline(void **state)
{
    struct slow s;
    uint64_t ticket;
    (void)state;
    settle();
    slow_start(&s, now() + 300 * ALB_NS_PER_MS, &ticket);
    slow_end(&s);
    assert_int_equal(s.job.code, ALB_E_TIMEOUT);
    works();
}

static void test_deadline_in_the_queue(void **state)
{
    struct slow s[4];
    uint64_t ticket[4];
    (void)state;
    settle();
    for (int i = 0; i < 4; i++) /* two workers; all end in time, run or not */
        slow_start(&s[i], now() + 400 * ALB_NS_PER_MS, &ticket[i]);
    for (int i = 0; i < 4; i++) {
        slow_end(&s[i]);
        assert_int_equal(s[i].job.code, ALB_E_TIMEOUT);
    }
    works();
}

static void test_cancel(void **state)
{
    struct slow s[3];
    uint64_t ticket[3];
    (void)state;
    settle();
    for (int i = 0; i < 3; i++)
        slow_start(&s[i], ALB_NEVER, &ticket[i]);
    await("a running job", is_running, NULL);
    struct left before = look_what_is_left();
    for (int i = 2; i >= 0; i--)
        alb_darkroom_cancel(dr, ticket[i]);
    for (int i = 0; i < 3; i++) {
        slow_end(&s[i]);
        assert_int_equal(s[i].job.code, ALB_E_CANCELLED);
        alb_darkroom_cancel(dr, ticket[i]); /* too late: nothing */
    }
    settle();
    await("the end of what was used", nothing_more_is_left, &before);
    works();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_worker),         cmocka_unit_test(test_killed_idle_worker),
        cmocka_unit_test(test_no_descriptors),        cmocka_unit_test(test_workers_go_first),
        cmocka_unit_test(test_silent_zygote),         cmocka_unit_test(test_times_are_told),
        cmocka_unit_test(test_killed_zygote),         cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_deadline_in_the_queue), cmocka_unit_test(test_cancel),
    };
    if (argc < 2 || !begin(argv[0], argv[1]))
        return 1;
    int rc = cmocka_run_group_tests(tests, start, stop);
    vips_shutdown();
    return rc;
}
