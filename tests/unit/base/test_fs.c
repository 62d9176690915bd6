/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "test.h"

static char dir_path[64];
static int dir = -1;

static int dir_open(void **state)
{
    (void)state;
    (void)snprintf(dir_path, sizeof(dir_path), "/tmp/albumen-test-fs-XXXXXX");
    if (mkdtemp(dir_path) == NULL)
        return -1;
    dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir >= 0 ? 0 : -1;
}

static int dir_close(void **state)
{
    static const char *const left[] = {"file", "other", "link"};

    (void)state;
    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    for (size_t i = 0; i < ALB_ARRAY_LEN(left); i++)
        (void)unlinkat(dir, left[i], 0);
    (void)unlinkat(dir, "a/b/c", AT_REMOVEDIR);
    (void)unlinkat(dir, "a/b", AT_REMOVEDIR);
    (void)unlinkat(dir, "a", AT_REMOVEDIR);
    alb_fs_close(&dir);
    return rmdir(dir_path);
}

static int make_file(const char *content)
{
    int fd;

    assert_int_equal(alb_fs_open(dir, "file", O_RDWR | O_CREAT | O_TRUNC, 0600, &fd, NULL), ALB_OK);
    assert_int_equal(alb_fs_write_all(fd, content, strlen(content), NULL), ALB_OK);
    return fd;
}

static void test_reading_and_writing(void **state)
{
    struct alb_err err = ALB_ERR_INIT;
    char back[32];
    size_t got;
    int64_t size;

    (void)state;
    int fd = make_file("hello ");
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(alb_fs_write_all(fd, "world", 5, &err), ALB_OK);
    assert_int_equal(alb_fs_pwrite_all(fd, "W", 1, 6, &err), ALB_OK);
    assert_int_equal(alb_fs_write_all(fd, NULL, 0, &err), ALB_OK);
    assert_int_equal(alb_fs_size(fd, &size, &err), ALB_OK);
    assert_int_equal(size, 11);
    assert_int_equal(alb_fs_pread_all(fd, back, 5, 6, &got, &err), ALB_OK);
    assert_int_equal(got, 5);
    assert_memory_equal(back, "World", 5);
    assert_int_equal(alb_fs_pread_all(fd, back, sizeof(back), 6, &got, &err), ALB_OK);
    assert_int_equal(got, 5); /* the end of the file is no error */
    assert_int_equal(alb_fs_pread_all(fd, back, 5, 100, &got, &err), ALB_OK);
    assert_int_equal(got, 0);
    assert_int_equal(alb_fs_truncate(fd, 3, &err), ALB_OK);
    assert_int_equal(alb_fs_size(fd, &size, &err), ALB_OK);
    assert_int_equal(size, 3);
    assert_int_equal(alb_fs_sync(fd, &err), ALB_OK);
    assert_int_equal(alb_fs_datasync(fd, &err), ALB_OK);
    assert_int_equal(alb_fs_sync_dir(dir, &err), ALB_OK);
    alb_fs_close(&fd);
    assert_int_equal(fd, -1);
    alb_fs_close(&fd);
    assert_int_equal(err.code, ALB_OK);
}

static void test_names(void **state)
{
    struct alb_err err = ALB_ERR_INIT;
    int fd = make_file("x");

    (void)state;
    alb_fs_close(&fd);
    assert_int_equal(alb_fs_rename(dir, "file", dir, "other", &err), ALB_OK);
    assert_int_equal(alb_fs_open(dir, "file", O_RDONLY, 0, &fd, &err), ALB_E_NOT_FOUND);
    assert_int_equal(fd, -1);
    assert_int_equal(err.sys, ENOENT);
    assert_non_null(strstr(err.msg, "file"));
    assert_int_equal(alb_fs_rename(dir, "file", dir, "other", NULL), ALB_E_NOT_FOUND);
    assert_int_equal(alb_fs_link(dir, "other", dir, "link", NULL), ALB_OK);
    assert_int_equal(alb_fs_link(dir, "other", dir, "link", NULL), ALB_E_CONFLICT);
    assert_int_equal(alb_fs_unlink(dir, "other", NULL), ALB_OK);
    assert_int_equal(alb_fs_unlink(dir, "other", NULL), ALB_E_NOT_FOUND);
    assert_int_equal(alb_fs_unlink(dir, "link", NULL), ALB_OK);
}

static void test_errors_of_the_system(void **state)
{
    struct alb_err err = ALB_ERR_INIT;
    char c;
    size_t got = 9;
    int64_t size = 9;

    (void)state;
    assert_int_equal(alb_fs_write_all(-1, "x", 1, &err), ALB_E_IO);
    assert_int_equal(err.sys, EBADF);
    assert_int_equal(alb_fs_pread_all(-1, &c, 1, 0, &got, NULL), ALB_E_IO);
    assert_int_equal(got, 0);
    assert_int_equal(alb_fs_size(-1, &size, NULL), ALB_E_IO);
    assert_int_equal(size, 0);
    assert_int_equal(alb_fs_truncate(-1, 0, NULL), ALB_E_IO);
    assert_int_equal(alb_fs_sync(-1, NULL), ALB_E_IO);
    assert_int_equal(alb_fs_datasync(-1, NULL), ALB_E_IO);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    assert_int_equal(alb_fs_write_all(full, "x", 1, NULL), ALB_E_NO_SPACE);
    alb_fs_close(&full);
}

static void test_mkdirs(void **state)
{
    struct alb_err err = ALB_ERR_INIT;
    struct stat st;
    char path[128], long_name[600];

    (void)state;
    assert_int_equal(alb_fs_mkdirs(dir, "a//b/./c/", 0700, &err), ALB_OK);
    assert_int_equal(fstatat(dir, "a/b/c", &st, 0), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(alb_fs_mkdirs(dir, "a/b/c", 0700, &err), ALB_OK); /* again */
    (void)snprintf(path, sizeof(path), "%s/a/b", dir_path);
    assert_int_equal(alb_fs_mkdirs(-1, path, 0700, &err), ALB_OK); /* absolute: dirfd does not matter */
    assert_int_equal(alb_fs_mkdirs(dir, "", 0700, &err), ALB_OK);
    int fd = make_file("x");
    alb_fs_close(&fd);
    assert_int_equal(alb_fs_mkdirs(dir, "file/b", 0700, &err), ALB_E_IO);
    assert_int_equal(err.sys, ENOTDIR);
    assert_non_null(strstr(err.msg, "file/b: "));
    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    assert_int_equal(alb_fs_mkdirs(dir, long_name, 0700, NULL), ALB_E_INVALID);
    /* One new folder: one fsync, of its parent. */
    assert_int_equal(unlinkat(dir, "a/b/c", AT_REMOVEDIR), 0);
    alb_fs_fault(ALB_FS_SYNC, 1, EIO, true);
    assert_int_equal(alb_fs_mkdirs(dir, "a/b/c", 0700, NULL), ALB_E_IO);
    assert_true(alb_fs_fault_fired());
    assert_int_equal(unlinkat(dir, "a/b/c", AT_REMOVEDIR), 0);
    alb_fs_fault(ALB_FS_SYNC, 2, EIO, true);
    assert_int_equal(alb_fs_mkdirs(dir, "a/b/c", 0700, NULL), ALB_OK);
    assert_false(alb_fs_fault_fired());
}

static void test_read_file(void **state)
{
    struct alb_err err = ALB_ERR_INIT;
    char *p;
    size_t n;
    int fd = make_file("twelve bytes");

    (void)state;
    alb_fs_close(&fd);
    assert_int_equal(alb_fs_read_file(dir, "file", 12, &p, &n, &err), ALB_OK);
    assert_int_equal(n, 12);
    assert_string_equal(p, "twelve bytes");
    alb_mem_free(p);
    assert_int_equal(alb_fs_read_file(dir, "file", 11, &p, &n, &err), ALB_E_TOO_LARGE);
    assert_null(p);
    assert_int_equal(n, 0);
    assert_int_equal(alb_fs_read_file(dir, "none", 11, &p, &n, NULL), ALB_E_NOT_FOUND);
    assert_int_equal(alb_fs_read_file(dir, ".", 1 << 20, &p, &n, NULL), ALB_E_IO); /* a folder */
    assert_null(p);
    alb_mem_fault(1, true);
    assert_int_equal(alb_fs_read_file(dir, "file", 100, &p, &n, NULL), ALB_E_NO_MEMORY);
    assert_null(p);
}

/* Who cannot tell what is in memory says so; who can reads what was read just before (memory may be short: again). */
static enum alb_code read_cached(const char *name, void *p, size_t n, size_t *got)
{
    enum alb_code code = ALB_E_BUSY;
    char *all;
    size_t size;

    for (int i = 0; i < 1000 && code == ALB_E_BUSY; i++) {
        assert_int_equal(alb_fs_read_file(dir, "file", 1 << 20, &all, &size, NULL), ALB_OK);
        alb_mem_free(all);
        code = alb_fs_read_cached(dir, name, p, n, got, NULL);
    }
    return code;
}

static void test_what_is_in_memory(void **state)
{
    static const struct {
        enum alb_fs_call call;
        int sys;
        enum alb_code code;
    } faults[] = {{ALB_FS_OPEN, EAGAIN, ALB_E_BUSY},        {ALB_FS_READ, EAGAIN, ALB_E_BUSY},
                  {ALB_FS_OPEN, EINVAL, ALB_E_UNSUPPORTED}, {ALB_FS_OPEN, EPERM, ALB_E_BUSY},
                  {ALB_FS_OPEN, ENOSYS, ALB_E_UNSUPPORTED}, {ALB_FS_READ, EOPNOTSUPP, ALB_E_UNSUPPORTED},
                  {ALB_FS_READ, EIO, ALB_E_IO},             {ALB_FS_OPEN, EMFILE, ALB_E_BUSY}};
    char room[32];
    size_t got;

    (void)state;
    int fd = openat(dir, "file", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(alb_fs_write_all(fd, "0123456789", 10, NULL), ALB_OK);
    alb_fs_close(&fd);
    assert_int_equal(symlinkat("file", dir, "link"), 0);
    enum alb_code code = read_cached("file", room, sizeof(room), &got);
    if (code != ALB_E_UNSUPPORTED) {
        assert_int_equal(code, ALB_OK);
        assert_int_equal(got, 10);
        assert_memory_equal(room, "0123456789", 10);
        assert_int_equal(read_cached("file", room, 4, &got), ALB_OK);
        assert_int_equal(got, 4);
        assert_int_equal(read_cached("other", room, 4, &got), ALB_E_NOT_FOUND);
        assert_int_equal(read_cached("link", room, 4, &got), ALB_E_IO);
        assert_int_equal(got, 0);
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(faults) && code == ALB_OK; i++) {
        alb_fs_fault(faults[i].call, 1, faults[i].sys, true);
        assert_int_equal(alb_fs_read_cached(dir, "file", room, sizeof(room), &got, NULL), faults[i].code);
        assert_int_equal(got, 0);
    }
    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    assert_int_equal(unlinkat(dir, "link", 0), 0);
}

static void test_fault_plan(void **state)
{
    char c;
    size_t got;
    int64_t size;
    int fd = make_file(""), other;

    (void)state;
    /* The second write fails, once, after half of its bytes. */
    alb_fs_fault(ALB_FS_WRITE, 2, ENOSPC, true);
    assert_int_equal(alb_fs_write_all(fd, "0123456789", 10, NULL), ALB_OK);
    assert_int_equal(alb_fs_sync(fd, NULL), ALB_OK);
    assert_false(alb_fs_fault_fired());
    assert_int_equal(alb_fs_write_all(fd, "0123456789", 10, NULL), ALB_E_NO_SPACE);
    assert_true(alb_fs_fault_fired());
    assert_int_equal(alb_fs_size(fd, &size, NULL), ALB_OK);
    assert_int_equal(size, 15);
    assert_int_equal(alb_fs_write_all(fd, "0123456789", 10, NULL), ALB_OK);
    /* From there on. */
    alb_fs_fault(ALB_FS_SYNC, 1, EIO, false);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(alb_fs_sync(fd, NULL), ALB_E_IO);
        assert_int_equal(alb_fs_datasync(fd, NULL), ALB_E_IO);
        assert_int_equal(alb_fs_sync_dir(dir, NULL), ALB_E_IO);
    }
    alb_fs_fault(ALB_FS_READ, 1, EIO, true);
    assert_int_equal(alb_fs_pread_all(fd, &c, 1, 0, &got, NULL), ALB_E_IO);
    assert_int_equal(got, 0);
    alb_fs_fault(ALB_FS_RENAME, 1, EXDEV, true);
    assert_int_equal(alb_fs_rename(dir, "file", dir, "other", NULL), ALB_E_IO);
    static const struct {
        int sys;
        enum alb_code code;
    } links[] = {{EPERM, ALB_E_UNSUPPORTED},  {EOPNOTSUPP, ALB_E_UNSUPPORTED},
                 {ENOSYS, ALB_E_UNSUPPORTED}, {EMLINK, ALB_E_UNSUPPORTED},
                 {EXDEV, ALB_E_UNSUPPORTED},  {EEXIST, ALB_E_CONFLICT},
                 {ENOSPC, ALB_E_NO_SPACE},    {EIO, ALB_E_IO}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(links); i++) {
        alb_fs_fault(ALB_FS_RENAME, 1, links[i].sys, true);
        assert_int_equal(alb_fs_link(dir, "file", dir, "other", NULL), links[i].code);
    }
    alb_fs_fault(ALB_FS_OPEN, 1, EMFILE, true);
    assert_int_equal(alb_fs_open(dir, "file", O_RDONLY, 0, &other, NULL), ALB_E_BUSY);
    assert_int_equal(other, -1);
    alb_fs_fault(ALB_FS_ANY, 3, EIO, false);
    assert_int_equal(alb_fs_sync(fd, NULL), ALB_OK);
    assert_int_equal(alb_fs_truncate(fd, 1, NULL), ALB_OK);
    assert_int_equal(alb_fs_unlink(dir, "file", NULL), ALB_E_IO);
    assert_int_equal(alb_fs_truncate(fd, 1, NULL), ALB_E_IO);
    alb_fs_fault(ALB_FS_ANY, 0, 0, false);
    assert_int_equal(alb_fs_unlink(dir, "file", NULL), ALB_OK);
    alb_fs_close(&fd);
}

/* ---- calls that a signal interrupts -------------------------------------------------------------- */

#define THROUGH_THE_PIPE ((size_t)300000) /* more than a pipe holds */

static atomic_uint interrupted;

static void on_signal(int number)
{
    (void)number;
    atomic_fetch_add(&interrupted, 1);
}

static struct {
    pthread_t writer; /* the thread that is to be interrupted */
    int fd;
    atomic_bool began;
    unsigned char last;
    size_t n;
} disturbed;

/* Interrupts the writer while the pipe is full (or the fifo has no other end), then lets it go on. */
static void interrupt_writer(void)
{
    while (!atomic_load(&disturbed.began))
        sched_yield();
    for (unsigned before = atomic_load(&interrupted); atomic_load(&interrupted) < before + 20;) {
        assert_int_equal(pthread_kill(disturbed.writer, SIGUSR1), 0);
        sched_yield();
    }
}

static void *read_late(void *arg)
{
    unsigned char room[4096];
    ssize_t r;

    (void)arg;
    interrupt_writer();
    while ((r = read(disturbed.fd, room, sizeof(room))) > 0) {
        disturbed.n += (size_t)r;
        disturbed.last = room[r - 1];
    }
    return NULL;
}

#ifndef __SANITIZE_THREAD__ /* which keeps signals back until a call that it knows, and openat is none */
static void *open_late(void *arg)
{
    interrupt_writer();
    *(int *)arg = openat(dir, "other", O_WRONLY | O_CLOEXEC);
    return NULL;
}

/* The open of a fifo waits for the other end. */
static void interrupt_open(void)
{
    pthread_t thread;
    int fd, other = -1;

    assert_int_equal(mkfifoat(dir, "other", 0600), 0);
    atomic_store(&disturbed.began, false);
    assert_int_equal(pthread_create(&thread, NULL, open_late, &other), 0);
    atomic_store(&disturbed.began, true);
    assert_int_equal(alb_fs_open(dir, "other", O_RDONLY, 0, &fd, NULL), ALB_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    alb_fs_close(&fd);
    alb_fs_close(&other);
    assert_int_equal(alb_fs_unlink(dir, "other", NULL), ALB_OK);
}
#else
static void interrupt_open(void) {}
#endif

static void test_signals(void **state)
{
    struct sigaction act = {.sa_handler = on_signal}, before; /* without SA_RESTART: calls say EINTR */
    pthread_t thread;
    int fds[2];

    (void)state;
    assert_int_equal(sigaction(SIGUSR1, &act, &before), 0);
    disturbed.writer = pthread_self();

    /* write: a few bytes into a full pipe wait, and say EINTR; many go in part, and go on */
    unsigned char *bytes = calloc(1, THROUGH_THE_PIPE);
    assert_non_null(bytes);
    bytes[THROUGH_THE_PIPE - 1] = 77;
    assert_int_equal(pipe(fds), 0);
    disturbed.fd = fds[0];
    assert_int_equal(pthread_create(&thread, NULL, read_late, NULL), 0);
    atomic_store(&disturbed.began, true);
    assert_int_equal(alb_fs_write_all(fds[1], bytes, THROUGH_THE_PIPE, NULL), ALB_OK);
    assert_int_equal(close(fds[1]), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(close(fds[0]), 0);
    assert_int_equal(disturbed.n, THROUGH_THE_PIPE);
    assert_int_equal(disturbed.last, 77);
    free(bytes);

    interrupt_open();
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

/* A disk that is full for good: /dev/full takes no byte. */
static void test_a_full_disk(void **state)
{
    struct alb_err err = ALB_ERR_INIT;
    int fd;

    (void)state;
    assert_int_equal(alb_fs_open(AT_FDCWD, "/dev/full", O_WRONLY, 0, &fd, NULL), ALB_OK);
    assert_int_equal(alb_fs_write_all(fd, "abc", 3, &err), ALB_E_NO_SPACE);
    assert_int_equal(err.sys, ENOSPC);
    alb_fs_close(&fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading_and_writing),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_errors_of_the_system),
        cmocka_unit_test(test_mkdirs),
        cmocka_unit_test(test_read_file),
        cmocka_unit_test(test_what_is_in_memory),
        cmocka_unit_test(test_fault_plan),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_a_full_disk),
    };

    return cmocka_run_group_tests(tests, dir_open, dir_close);
}
