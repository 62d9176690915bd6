/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
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
    assert_int_equal(alb_fs_open(dir, "file", O_RDONLY, 0, &other, NULL), ALB_E_IO);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading_and_writing),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_errors_of_the_system),
        cmocka_unit_test(test_mkdirs),
        cmocka_unit_test(test_read_file),
        cmocka_unit_test(test_fault_plan),
    };

    return cmocka_run_group_tests(tests, dir_open, dir_close);
}
