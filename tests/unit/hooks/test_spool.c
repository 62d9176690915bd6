/* SPDX-License-Identifier: Apache-2.0
 *
 * Notifications that survive: a spool folder across rooms (as across restarts), failing hooks, damaged files.
 */
#include "programs.h"

#include <dirent.h>

#include "base/fs.h"

static size_t lines(const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    size_t n = 0;
    for (int c; f && (c = fgetc(f)) != EOF;)
        n += c == '\n';
    if (f)
        fclose(f);
    return n;
}

/* Names in the spool, sorted by time of the answer: how many, and the last one. */
static size_t files(char last[64])
{
    char path[128];
    snprintf(path, sizeof(path), "%s/spool", folder);
    DIR *d = opendir(path);
    size_t n = 0;
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.' && e->d_name[1] != 't')
            continue;
        snprintf(last, 64, "%.63s", e->d_name);
        n++;
    }
    if (d)
        closedir(d);
    return n;
}

static struct alb_hooks *open_hooks(unsigned tells)
{
    struct alb_hooks_config c;
    alb_hooks_config_default(&c);
    c.dir = alb_str_c(folder);
    c.spool_dirfd = folder_fd;
    c.spool = "spool";
    c.tells = tells;
    return open_with(&c);
}

static void wait_lines(const char *name, size_t n)
{
    int64_t until = in(LONG_NS);
    while (lines(name) < n) {
        assert_true(alb_mono(alb_clock_real()) < until);
        sched_yield();
    }
}

static void wait_empty(void)
{
    char last[64];
    int64_t until = in(LONG_NS);
    while (files(last) > 0) {
        assert_true(alb_mono(alb_clock_real()) < until);
        sched_yield();
    }
}

static void told_and_forgotten(void **state)
{
    (void)state;
    script("post-finish", "cat >> events; echo >> events; echo \"$TUS_ID $TUS_SIZE $TUS_OFFSET\" >> env");
    struct alb_hooks *h = open_hooks(1);
    for (int i = 0; i < 300; i++) /* more than are taken from the folder at once */
        assert_true(alb_hooks_tell(h, ALB_HOOK_POST_FINISH, &event));
    wait_lines("env", 300);
    wait_empty();
    assert_int_equal(alb_hooks_look(h).invocations[ALB_HOOK_POST_FINISH], 300);
    alb_hooks_close(&h, in(LONG_NS));
    assert_int_equal(lines("env"), 300);
    assert_int_equal(lines("events"), 300);
}

/* What a room does not come to, the next one does: closing drops nothing, whatever its deadline. */
static void next_start(void **state)
{
    char last[64];
    (void)state;
    script("post-finish", "exec sleep 1000");
    struct alb_hooks *h = open_hooks(1);
    for (int i = 0; i < 5; i++)
        assert_true(alb_hooks_tell(h, ALB_HOOK_POST_FINISH, &event));
    alb_hooks_close(&h, in(0));
    assert_int_equal(files(last), 5);
    script("post-finish", "echo x >> told");
    h = open_hooks(4);
    wait_lines("told", 5);
    wait_empty();
    alb_hooks_close(&h, in(LONG_NS));
    assert_int_equal(lines("told"), 5);
}

/* A failure is noted in the name and tried again when its time has come. */
static void fails_and_mends(void **state)
{
    char last[64], path[192];
    (void)state;
    script("post-finish", "echo x >> tried; exit 1");
    struct alb_hooks *h = open_hooks(1);
    assert_true(alb_hooks_tell(h, ALB_HOOK_POST_FINISH, &event));
    wait_lines("tried", 1);
    int64_t until = in(LONG_NS);
    while (files(last) != 1 || strcmp(last + 16, "-1") != 0)
        assert_true(alb_mono(alb_clock_real()) < until);
    alb_hooks_close(&h, in(LONG_NS));
    assert_int_equal(lines("tried"), 1);
    /* Not due yet: left alone. Due: told. */
    h = open_hooks(1);
    alb_hooks_close(&h, in(LONG_NS));
    assert_int_equal(lines("tried"), 1);
    snprintf(path, sizeof(path), "%s/spool/%s", folder, last);
    const struct timespec past[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    assert_int_equal(utimensat(AT_FDCWD, path, past, 0), 0);
    script("post-finish", "echo x >> told");
    h = open_hooks(1);
    wait_lines("told", 1);
    wait_empty();
    alb_hooks_close(&h, in(LONG_NS));
}

/* The last try of many is the last. */
static void given_up(void **state)
{
    char last[64], path[192], other[192];
    (void)state;
    script("post-finish", "exec sleep 1000");
    struct alb_hooks *h = open_hooks(1);
    assert_true(alb_hooks_tell(h, ALB_HOOK_POST_FINISH, &event));
    alb_hooks_close(&h, in(0));
    assert_int_equal(files(last), 1);
    snprintf(path, sizeof(path), "%s/spool/%s", folder, last);
    snprintf(other, sizeof(other), "%s/spool/%.16s-13", folder, last); /* 0x13: nineteen tries */
    assert_int_equal(rename(path, other), 0);
    const struct timespec past[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    assert_int_equal(utimensat(AT_FDCWD, other, past, 0), 0);
    script("post-finish", "echo x >> tried; exit 1");
    h = open_hooks(1);
    wait_lines("tried", 1);
    wait_empty();
    alb_hooks_close(&h, in(LONG_NS));
}

/* What the disk does not give at once is told a little later. */
static void unreadable_for_a_moment(void **state)
{
    (void)state;
    script("post-finish", "echo x >> told");
    struct alb_hooks *h = open_hooks(1);
    alb_fs_fault(ALB_FS_READ, 1, EIO, true);
    assert_true(alb_hooks_tell(h, ALB_HOOK_POST_FINISH, &event));
    wait_lines("told", 1);
    assert_true(alb_fs_fault_fired());
    alb_fs_fault(ALB_FS_READ, 0, 0, true);
    wait_empty();
    alb_hooks_close(&h, in(LONG_NS));
    assert_int_equal(lines("told"), 1);
}

static void damaged(void **state)
{
    char last[64], path[192];
    (void)state;
    script("post-finish", "exec sleep 1000");
    struct alb_hooks *h = open_hooks(1);
    for (int i = 0; i < 2; i++)
        assert_true(alb_hooks_tell(h, ALB_HOOK_POST_FINISH, &event));
    alb_hooks_close(&h, in(0));
    assert_int_equal(files(last), 2);
    snprintf(path, sizeof(path), "%s/spool/%s", folder, last);
    assert_int_equal(truncate(path, 100), 0);
    snprintf(path, sizeof(path), "%s/spool/.t0000000000000009", folder); /* a write that was cut off */
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    close(fd);
    script("post-finish", "echo x >> told");
    h = open_hooks(1);
    wait_empty();
    alb_hooks_close(&h, in(LONG_NS));
    assert_int_equal(lines("told"), 1);
}

/* A full disk: told as such, and nothing is left half done. */
static void no_room(void **state)
{
    char last[64];
    (void)state;
    script("post-finish", "echo x >> told");
    struct alb_hooks *h = open_hooks(1);
    alb_fs_fault(ALB_FS_WRITE, 1, ENOSPC, true);
    assert_false(alb_hooks_tell(h, ALB_HOOK_POST_FINISH, &event));
    alb_fs_fault(ALB_FS_WRITE, 0, 0, true);
    assert_int_equal(alb_hooks_look(h).dropped[ALB_HOOK_POST_FINISH], 1);
    assert_int_equal(files(last), 0);
    assert_true(alb_hooks_tell(h, ALB_HOOK_POST_FINISH, &event));
    wait_lines("told", 1);
    alb_hooks_close(&h, in(LONG_NS));
    assert_int_equal(lines("told"), 1);
}

/* What is told again anyway does not hold up the end, and has not failed. */
static void the_end_waits_for_none_that_hangs(void **state)
{
    char last[64] = "";
    (void)state;
    script("post-finish", "echo x >> begun; sleep 1000");
    struct alb_hooks *h = open_hooks(4);
    assert_true(alb_hooks_tell(h, ALB_HOOK_POST_FINISH, &event));
    wait_lines("begun", 1);
    alb_hooks_close(&h, in(600 * ALB_NS_PER_S));
    assert_int_equal(files(last), 1);
    assert_string_equal(last, "0000000000000001-0");
}

/* Between the two halves: nobody hears of it, but it is there, also if the process ends. */
static void what_is_kept_is_told_after_a_crash(void **state)
{
    char last[64] = "";
    int status = 0;
    (void)state;
    script("post-finish", "cat >/dev/null; echo told >> log");
    pid_t pid = fork();
    assert_int_not_equal(pid, -1);
    if (pid == 0) {
        struct alb_hooks *child = open_hooks(4);
        struct alb_hook_run *lost = alb_hooks_keep(child, ALB_HOOK_POST_FINISH, &event);
        struct alb_hook_run *never = alb_hooks_keep(child, ALB_HOOK_POST_FINISH, &event);
        alb_hooks_let_go(never, false);
        _exit(lost && never ? 7 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    assert_int_equal(files(last), 1);
    assert_int_equal(lines("log"), 0);
    struct alb_hooks *h = open_hooks(4);
    wait_lines("log", 1);
    struct alb_hook_run *kept = alb_hooks_keep(h, ALB_HOOK_POST_FINISH, &event);
    assert_non_null(kept);
    assert_true(alb_hooks_tell(h, ALB_HOOK_POST_FINISH, &event));
    wait_lines("log", 2);
    assert_int_equal(alb_hooks_look(h).invocations[ALB_HOOK_POST_FINISH], 2);
    alb_hooks_let_go(kept, true);
    wait_lines("log", 3);
    alb_hooks_close(&h, in(LONG_NS));
    assert_int_equal(files(last), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(told_and_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(next_start, setup, teardown),
        cmocka_unit_test_setup_teardown(fails_and_mends, setup, teardown),
        cmocka_unit_test_setup_teardown(given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(unreadable_for_a_moment, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(no_room, setup, teardown),
        cmocka_unit_test_setup_teardown(the_end_waits_for_none_that_hangs, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_kept_is_told_after_a_crash, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
