/* SPDX-License-Identifier: Apache-2.0
 *
 * A disk that fails, for tests: loaded into the server in front of libc. As long as there is a file "read" in the folder
 * ALB_TEST_EIO, reading files whose path contains ALB_TEST_EIO_PATH fails with EIO; with "fsync" fsync and fdatasync of
 * them do. Workers of the darkroom are left alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool fails(int fd, const char *what)
{
    const char *folder = getenv("ALB_TEST_EIO"), *part = getenv("ALB_TEST_EIO_PATH");
    char path[PATH_MAX], link[64];

    if (folder == NULL || part == NULL || strcmp(program_invocation_short_name, "albumen") != 0)
        return false;
    (void)snprintf(path, sizeof(path), "%s/%s", folder, what);
    if (access(path, F_OK) != 0)
        return false;
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof(path) - 1);
    if (n <= 0)
        return false;
    path[n] = '\0';
    return strstr(path, part) != NULL;
}

static ssize_t read_at(int fd, void *p, size_t n, off_t at)
{
    int before = errno;

    if (fails(fd, "read")) {
        errno = EIO;
        return -1;
    }
    errno = before;
    return syscall(SYS_pread64, fd, p, n, at);
}

static int sync_it(int fd, long call)
{
    int before = errno;

    if (fails(fd, "fsync")) {
        errno = EIO;
        return -1;
    }
    errno = before;
    return (int)syscall(call, fd);
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
    return read_at(fd, p, n, at);
}

ssize_t pread64(int fd, void *p, size_t n, off64_t at)
{
    return read_at(fd, p, n, at);
}

ssize_t __pread_chk(int fd, void *p, size_t n, off_t at, size_t room);
ssize_t __pread_chk(int fd, void *p, size_t n, off_t at, size_t room)
{
    (void)room;
    return read_at(fd, p, n, at);
}

ssize_t __pread64_chk(int fd, void *p, size_t n, off64_t at, size_t room);
ssize_t __pread64_chk(int fd, void *p, size_t n, off64_t at, size_t room)
{
    (void)room;
    return read_at(fd, p, n, at);
}

int fsync(int fd)
{
    return sync_it(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return sync_it(fd, SYS_fdatasync);
}
