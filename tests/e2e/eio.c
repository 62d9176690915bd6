/* SPDX-License-Identifier: Apache-2.0
 *
 * A disk that fails, for tests: loaded into the server in front of libc. As long as there is a file "read" in the folder
 * ALB_TEST_EIO, reading files whose path contains ALB_TEST_EIO_PATH fails with EIO; with "fsync" fsync and fdatasync of
 * them do; with "readonly" whatever would change them fails with EROFS, also by descriptors that were opened before, as
 * on a disk that the kernel has made read-only after an error. Workers of the darkroom are left alone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Whether that is switched on; *part: of whose paths. */
static bool is_on(const char *what, const char **part)
{
    const char *folder = getenv("ALB_TEST_EIO");
    char path[PATH_MAX];

    *part = getenv("ALB_TEST_EIO_PATH");
    if (folder == NULL || *part == NULL || strcmp(program_invocation_short_name, "albumen") != 0)
        return false;
    (void)snprintf(path, sizeof(path), "%s/%s", folder, what);
    return access(path, F_OK) == 0;
}

/* The file of a descriptor; or, with a name, the one of that name in the folder of a descriptor. */
static bool is_meant(int fd, const char *name, const char *part)
{
    char path[2 * PATH_MAX], link[64];

    if (name != NULL && (name[0] == '/' || fd == AT_FDCWD))
        return strstr(name, part) != NULL;
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX);
    if (n <= 0)
        return false;
    (void)snprintf(path + n, sizeof(path) - (size_t)n, "/%s", name != NULL ? name : "");
    return strstr(path, part) != NULL;
}

static bool fails(int fd, const char *what)
{
    const char *part;

    return is_on(what, &part) && is_meant(fd, NULL, part);
}

/* It may not be changed; errno says so. */
static bool refused(int fd, const char *name)
{
    const char *part;
    int before = errno;
    bool is = is_on("readonly", &part) && is_meant(fd, name, part);

    errno = is ? EROFS : before;
    return is;
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

static ssize_t read_into(int fd, const struct iovec *v, int n, off_t at, int flags)
{
    int before = errno;

    if (fails(fd, "read")) {
        errno = EIO;
        return -1;
    }
    errno = before;
    return syscall(SYS_preadv2, fd, v, n, at, 0, flags);
}

ssize_t preadv2(int fd, const struct iovec *v, int n, off_t at, int flags)
{
    return read_into(fd, v, n, at, flags);
}

ssize_t preadv64v2(int fd, const struct iovec *v, int n, off64_t at, int flags)
{
    return read_into(fd, v, n, at, flags);
}

int fsync(int fd)
{
    return sync_it(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return sync_it(fd, SYS_fdatasync);
}

ssize_t write(int fd, const void *p, size_t n)
{
    return refused(fd, NULL) ? -1 : syscall(SYS_write, fd, p, n);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    return refused(fd, NULL) ? -1 : syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
    return refused(fd, NULL) ? -1 : syscall(SYS_pwrite64, fd, p, n, at);
}

static int open_at(int fd, const char *name, int flags, mode_t mode)
{
    bool changes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0;

    return changes && refused(fd, name) ? -1 : (int)syscall(SYS_openat, fd, name, flags, mode);
}

static mode_t mode_of(int flags, va_list more)
{
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(more, mode_t) : 0;
}

int openat(int fd, const char *name, int flags, ...)
{
    va_list more;

    va_start(more, flags);
    mode_t mode = mode_of(flags, more);
    va_end(more);
    return open_at(fd, name, flags, mode);
}

int openat64(int fd, const char *name, int flags, ...)
{
    va_list more;

    va_start(more, flags);
    mode_t mode = mode_of(flags, more);
    va_end(more);
    return open_at(fd, name, flags, mode);
}

int __openat_2(int fd, const char *name, int flags);
int __openat_2(int fd, const char *name, int flags)
{
    return open_at(fd, name, flags, 0);
}

int __openat64_2(int fd, const char *name, int flags);
int __openat64_2(int fd, const char *name, int flags)
{
    return open_at(fd, name, flags, 0);
}

int renameat(int from, const char *old, int to, const char *new)
{
    return refused(from, old) || refused(to, new) ? -1 : (int)syscall(SYS_renameat2, from, old, to, new, 0);
}

int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
    return refused(from, old) || refused(to, new) ? -1 : (int)syscall(SYS_renameat2, from, old, to, new, flags);
}

int linkat(int from, const char *old, int to, const char *new, int flags)
{
    return refused(to, new) ? -1 : (int)syscall(SYS_linkat, from, old, to, new, flags);
}

int unlinkat(int fd, const char *name, int flags)
{
    return refused(fd, name) ? -1 : (int)syscall(SYS_unlinkat, fd, name, flags);
}

int mkdirat(int fd, const char *name, mode_t mode)
{
    return refused(fd, name) ? -1 : (int)syscall(SYS_mkdirat, fd, name, mode);
}
