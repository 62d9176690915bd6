/* SPDX-License-Identifier: Apache-2.0
 * The control socket: a call arrives as it was made, its streams and status come back, and whatever else is
 * sent harms nobody and keeps nobody waiting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/control.h"

#define until(expr)                                                                                          \
    do {                                                                                                     \
        while (!(expr))                                                                                      \
            (void)sched_yield();                                                                             \
    } while (0)

/* ---- the commands ---- */

static atomic_uint waiting;
static atomic_bool go;

static int say(struct alb_admin *admin, const struct alb_admin_call *call, struct alb_console *c)
{
    (void)admin;
    alb_console_out(c, "user=%s name=%s secret=%zu", alb_opt_string(call->options, ALB_P_USER),
                    alb_opt_string(call->options, ALB_P_NAME), call->secret.n);
    for (char **w = call->words; *w; w++)
        alb_console_out(c, " %s", *w);
    alb_console_progress(c, "%d of %d", 1, 2);
    alb_console_err(c, "and an error");
    return 7;
}

/* Runs until it is told to end. */
static int wait_here(struct alb_admin *admin, const struct alb_admin_call *call, struct alb_console *c)
{
    (void)admin;
    (void)call;
    (void)atomic_fetch_add(&waiting, 1);
    until(alb_console_over(c) || atomic_load(&go));
    (void)atomic_fetch_sub(&waiting, 1);
    return 0;
}

static const struct alb_admin_command commands[] = {
    {"key", ALB_CMD_KEY, say, NULL},
    {"check", ALB_CMD_CHECK, wait_here, NULL},
};

const struct alb_admin_command *alb_admin_find(const char *name)
{
    for (size_t i = 0; i < ALB_ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* ---- both ends ---- */

static char folder[] = "/tmp/albumen-control-XXXXXX";
static struct alb_control *control;
static struct alb_admin admin;

static int open_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder); /* the socket is gone too */
}

static void start(void)
{
    atomic_store(&go, false);
    assert_int_equal(alb_control_start(folder, &admin, &control, NULL), ALB_OK);
}

struct heard {
    struct alb_console console;
    char out[512], err[512], progress[512];
};

static bool hear(struct alb_console *c, int stream, struct alb_str text)
{
    struct heard *h = ALB_CONTAINER_OF(c, struct heard, console);
    char *to = stream == ALB_STREAM_OUT ? h->out : stream == ALB_STREAM_ERR ? h->err : h->progress;
    size_t n = strlen(to);
    assert_true(n + text.n < sizeof(h->out));
    memcpy(to + n, text.p, text.n);
    return true;
}

static int call(struct heard *h, const char *command, int argc, char **argv, struct alb_str secret)
{
    int status = -1;
    *h = (struct heard){.console = {.write = hear}};
    assert_true(alb_control_call(folder, command, argc, argv, secret, &h->console, &status));
    return status;
}

static int connect_raw(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/control.sock", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
    return fd;
}

static void put(int fd, const void *p, size_t n)
{
    (void)send(fd, p, n, MSG_NOSIGNAL); /* the server may have ended it already */
}

static void put_u32(int fd, uint32_t v)
{
    put(fd, &v, sizeof(v));
}

static void expect_end(int fd)
{
    char byte;
    assert_true(recv(fd, &byte, 1, 0) <= 0); /* closed, and nothing was said */
    (void)close(fd);
}

static void test_a_call_and_its_answer(void **state)
{
    char new[] = "new", user[] = "--user=me", dashes[] = "--", word[] = "a b";
    char *argv[] = {new, user, dashes, word};
    struct heard h;
    struct stat st;
    char path[64];
    (void)state;
    start();
    (void)snprintf(path, sizeof(path), "%s/control.sock", folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(call(&h, "key", 4, argv, ALB_STR("hush")), 7);
    assert_string_equal(h.out, "user=me name= secret=4 new a b");
    assert_string_equal(h.err, "and an error");
    assert_string_equal(h.progress, "1 of 2");
    assert_int_equal(setenv("ALBUMEN_NAME", "from the environment", 1), 0);
    assert_int_equal(setenv("ALBUMEN_USER", "weaker", 1), 0);
    assert_int_equal(call(&h, "key", 2, argv, ALB_STR("")), 7);
    assert_string_equal(h.out, "user=me name=from the environment secret=0 new");
    (void)unsetenv("ALBUMEN_NAME");
    (void)unsetenv("ALBUMEN_USER");
    assert_int_equal(call(&h, "nonsense", 0, NULL, ALB_STR("")), 2);
    assert_non_null(strstr(h.err, "nonsense"));
    char bad[] = "--no-such-option";
    char *bad_argv[] = {bad};
    assert_int_equal(call(&h, "key", 1, bad_argv, ALB_STR("")), 2);
    alb_control_stop(&control);
    assert_false(alb_control_call(folder, "key", 0, NULL, ALB_STR(""), &h.console, &(int){0}));
}

static void begin_call(int fd, uint32_t count, uint32_t variables)
{
    put(fd, "ALBD", 4);
    put_u32(fd, count);
    put_u32(fd, variables);
}

static void test_nonsense_ends_at_once(void **state)
{
    static const uint32_t counts[][2] = {{0, 0},         {257, 0}, {1, 1}, {2, 2}, {UINT32_MAX, UINT32_MAX},
                                         {3, UINT32_MAX}};
    static char room[65536];
    struct heard h;
    (void)state;
    start();
    int fd = connect_raw();
    put(fd, "GET / HTTP/1.1\r\n\r\n", 18);
    expect_end(fd);
    for (size_t i = 0; i < ALB_ARRAY_LEN(counts); i++) {
        fd = connect_raw();
        begin_call(fd, counts[i][0], counts[i][1]);
        expect_end(fd);
    }
    static const uint32_t lengths[] = {65536, 65537, UINT32_MAX, 0x80000000u};
    for (size_t i = 0; i < ALB_ARRAY_LEN(lengths); i++) {
        fd = connect_raw();
        begin_call(fd, 1, 0);
        put_u32(fd, lengths[i]);
        expect_end(fd);
    }
    /* the first word fills the room to its last byte: there is none for the next */
    fd = connect_raw();
    begin_call(fd, 2, 0);
    put_u32(fd, 65535);
    put(fd, room, 65535);
    put_u32(fd, 100);
    put(fd, room, 100);
    expect_end(fd);
    fd = connect_raw(); /* hangs up in the middle */
    begin_call(fd, 2, 0);
    put_u32(fd, 100);
    (void)close(fd);
    assert_int_equal(call(&h, "key", 0, NULL, ALB_STR("")), 7); /* and others are served */
    alb_control_stop(&control);
}

static void *wait_main(void *arg)
{
    struct heard h;
    (void)arg;
    (void)call(&h, "check", 0, NULL, ALB_STR(""));
    return NULL;
}

static void test_more_than_the_limit_is_told_so(void **state)
{
    pthread_t ids[4];
    struct heard h;
    (void)state;
    start();
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, wait_main, NULL), 0);
    until(atomic_load(&waiting) == 4);
    assert_int_equal(call(&h, "key", 0, NULL, ALB_STR("")), 1);
    assert_non_null(strstr(h.err, "busy"));
    atomic_store(&go, true);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_join(ids[i], NULL), 0);
    until(call(&h, "key", 0, NULL, ALB_STR("")) == 7); /* slots come back */
    alb_control_stop(&control);
}

/* A fifth caller who says nothing, or says too much, or never reads, delays nobody: neither the next refusal
 * nor the first call when a slot is free again. */
static void test_refused_callers_delay_nobody(void **state)
{
    pthread_t ids[4];
    static char much[8192];
    int silent[40];
    struct heard h;
    struct timespec before, after;
    (void)state;
    start();
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, wait_main, NULL), 0);
    until(atomic_load(&waiting) == 4);
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &before), 0);
    for (size_t i = 0; i < ALB_ARRAY_LEN(silent); i++) { /* more than are remembered */
        silent[i] = connect_raw();
        if (i % 2)
            put(silent[i], much, sizeof(much));
    }
    assert_int_equal(call(&h, "key", 0, NULL, ALB_STR("")), 1);
    assert_non_null(strstr(h.err, "busy"));
    atomic_store(&go, true);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_join(ids[i], NULL), 0);
    until(call(&h, "key", 0, NULL, ALB_STR("")) == 7);
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &after), 0);
    /* One second each is what they would cost if somebody waited for them. */
    assert_true(after.tv_sec - before.tv_sec < (time_t)ALB_ARRAY_LEN(silent) / 2);
    for (size_t i = 0; i < ALB_ARRAY_LEN(silent); i++)
        (void)close(silent[i]);
    alb_control_stop(&control);
}

/* Stopping ends what runs, and does not wait for who has not said what it wants. */
static void test_stopping_is_prompt(void **state)
{
    pthread_t id;
    struct timespec before, after;
    (void)state;
    start();
    int silent = connect_raw();
    assert_int_equal(pthread_create(&id, NULL, wait_main, NULL), 0);
    until(atomic_load(&waiting) == 1);
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &before), 0);
    alb_control_stop(&control);
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &after), 0);
    assert_true(after.tv_sec - before.tv_sec < 5);
    assert_int_equal(pthread_join(id, NULL), 0);
    expect_end(silent);
    alb_control_stop(&control); /* nothing */
}

static void test_no_place_for_it(void **state)
{
    char deep[300];
    struct alb_err err = ALB_ERR_INIT;
    (void)state;
    memset(deep, 'd', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    assert_int_equal(alb_control_start(deep, &admin, &control, &err), ALB_E_INVALID);
    assert_null(control);
    alb_err_clear(&err);
    assert_int_equal(alb_control_start("/no/such/folder", &admin, &control, &err), ALB_E_IO);
    assert_null(control);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_call_and_its_answer),
        cmocka_unit_test(test_nonsense_ends_at_once),
        cmocka_unit_test(test_more_than_the_limit_is_told_so),
        cmocka_unit_test(test_refused_callers_delay_nobody),
        cmocka_unit_test(test_stopping_is_prompt),
        cmocka_unit_test(test_no_place_for_it),
    };
    return cmocka_run_group_tests(tests, open_folder, remove_folder);
}
