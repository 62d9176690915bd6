/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of the darkroom: with work in it, with the server killed, and one that cannot begin.
 */
#include <sys/socket.h>

#include "dark_world.h"

/* ---- the end ---- */

static void test_close_with_work(void **state)
{
    struct alb_darkroom_config same = config;
    struct slow s[4];
    uint64_t ticket;
    struct alb_err err = ALB_ERR_INIT;
    (void)state;
    settle();
    struct left before = look_what_is_left();
    for (int i = 0; i < 4; i++)
        slow_start(&s[i], ALB_NEVER, &ticket);
    await("a running job", is_running, NULL);
    pid_t zygote = alb_darkroom_look(dr).zygote_pid;
    alb_darkroom_close(&dr);
    assert_null(dr);
    for (int i = 0; i < 4; i++) { /* it has waited for none of them */
        assert_int_equal(s[i].job.code, ALB_E_CANCELLED);
        slow_end(&s[i]);
    }
    assert_int_equal(kill(zygote, 0), -1);
    assert_int_equal(count_children(getpid()), 0);
    if (alb_darkroom_open(&same, &dr, &err) != ALB_OK)
        fail_msg("%s", err.msg);
    settle();
    await("the end of what was used", nothing_more_is_left, &before);
}

/* Nothing reaches the workers any more: shuts our end of every socket of the darkroom. */
static void cut_sockets(void)
{
    for (int fd = 3; fd < 256; fd++) {
        int type = 0;
        socklen_t n = sizeof(type);
        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_SEQPACKET)
            assert_int_equal(shutdown(fd, SHUT_WR), 0);
    }
}

static bool has_a_job(void *arg)
{
    (void)arg;
    return alb_darkroom_look(dr).lane[ALB_LANE_RENDER].busy > 0;
}

/* A job whose worker was found dead when it was to get it, and waits for another one: closing ends it as it
 * ends all others, not as if it were worth another try here. */
static void test_close_with_a_lost_worker(void **state)
{
    struct alb_darkroom_config same = config;
    struct slow s;
    uint64_t ticket;
    (void)state;
    settle();
    struct alb_darkroom_view v = alb_darkroom_look(dr);
    assert_int_equal(kill(v.zygote_pid, SIGSTOP), 0); /* nobody hears of their end */
    for (size_t i = 0; i < 64 && v.worker_pids[i]; i++)
        assert_int_equal(kill(v.worker_pids[i], SIGSTOP), 0);
    cut_sockets();
    slow_start(&s, ALB_NEVER, &ticket);
    await("a job with a worker", has_a_job, NULL);
    alb_darkroom_close(&dr);
    assert_int_equal(atomic_load(&s.done), 1);
    assert_int_equal(s.job.code, ALB_E_CANCELLED);
    config = same;
    assert_int_equal(alb_darkroom_open(&config, &dr, NULL), ALB_OK);
    works();
}

/* The server of the next test: this program again, with a pipe as its output. Never returns by itself. */
static int serve(void)
{
    if (alb_darkroom_open(&config, &dr, NULL) != ALB_OK)
        return 1;
    struct alb_darkroom_view v = alb_darkroom_look(dr);
    if (write(STDOUT_FILENO, &v, sizeof(v)) != sizeof(v))
        return 1;
    for (;;)
        pause();
}

/* A server that is killed leaves no process behind. */
static void test_killed_server(void **state)
{
    char program[300], self[] = "/proc/self/exe", how[] = "serve";
    char *argv[] = {self, program, how, NULL};
    int pipe_fds[2];
    struct alb_darkroom_view v;
    (void)state;
    snprintf(program, sizeof(program), "%s", config.program);
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t server = fork();
    assert_true(server >= 0);
    if (server == 0) {
        dup2(pipe_fds[1], STDOUT_FILENO);
        execv(self, argv);
        _exit(127);
    }
    assert_int_equal(read(pipe_fds[0], &v, sizeof(v)), sizeof(v));
    assert_int_equal(kill(server, SIGKILL), 0);
    assert_int_equal(waitpid(server, NULL, 0), server);
    int64_t by = now() + 120 * ALB_NS_PER_S;
    bool alive = true;
    while (alive && now() < by) {
        while (waitpid(-1, NULL, WNOHANG | __WNOTHREAD) > 0) /* if we are init here, they are ours now */
            continue;
        alive = kill(v.zygote_pid, 0) == 0;
        for (size_t i = 0; i < 64 && v.worker_pids[i]; i++)
            alive = alive || kill(v.worker_pids[i], 0) == 0;
        breathe();
    }
    assert_false(alive);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

static void test_no_program(void **state)
{
    struct alb_darkroom_config c = config;
    struct alb_darkroom *none;
    struct alb_err err = ALB_ERR_INIT;
    (void)state;
    unsigned fds = count_fds();
    c.program = "/nonexistent/albumen-darkroom";
    assert_int_equal(alb_darkroom_open(&c, &none, &err), ALB_E_NOT_FOUND);
    assert_null(none);
    alb_err_clear(&err);
    c.program = "/bin/false"; /* starts, and is no zygote */
    assert_int_not_equal(alb_darkroom_open(&c, &none, &err), ALB_OK);
    assert_null(none);
    assert_true(count_fds() <= fds); /* fewer: what a job before has left is closed by now */
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_close_with_work),
        cmocka_unit_test(test_close_with_a_lost_worker),
        cmocka_unit_test(test_killed_server),
        cmocka_unit_test(test_no_program),
    };
    if (argc < 2 || !begin(argv[0], argv[1]))
        return 1;
    if (argc > 2)
        return serve();
    int rc = cmocka_run_group_tests(tests, start, stop);
    vips_shutdown();
    return rc;
}
