/* SPDX-License-Identifier: Apache-2.0
 *
 * File calls that finish what they start (contract: fs.h). Every call that changes or reads a file passes
 * through struck() first, so a test can make the n-th of them fail. Without a plan that costs one load.
 */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"

/* ---- the fault plan (atomic; one test sets it, any thread may run into it) ---- */

static struct {
    atomic_bool on;
    atomic_int call, sys;
    atomic_bool once, fired;
    atomic_uint_fast64_t left;
} plan;

void alb_fs_fault(enum alb_fs_call call, uint64_t n, int sys, bool once)
{
    atomic_store(&plan.on, false);
    atomic_store(&plan.call, (int)call);
    atomic_store(&plan.sys, sys);
    atomic_store(&plan.once, once);
    atomic_store(&plan.fired, false);
    atomic_store(&plan.left, n);
    atomic_store(&plan.on, n > 0);
}

bool alb_fs_fault_fired(void)
{
    return atomic_load(&plan.fired);
}

/* The errno that this call is to fail with, or 0. ALB_FS_ANY here: a call that only such a plan reaches. */
static int struck(enum alb_fs_call call)
{
    if (__builtin_expect(!atomic_load_explicit(&plan.on, memory_order_relaxed), 1))
        return 0;
    int wanted = atomic_load(&plan.call);
    if (wanted != (int)ALB_FS_ANY && wanted != (int)call)
        return 0;
    uint_fast64_t left = atomic_load(&plan.left);
    while (left > 1) {
        if (atomic_compare_exchange_weak(&plan.left, &left, left - 1))
            return 0;
    }
    bool first = !atomic_exchange(&plan.fired, true);
    if (atomic_load(&plan.once) && !first)
        return 0;
    return atomic_load(&plan.sys);
}

/* ---- calls ---- */

enum alb_code alb_fs_open(int dirfd, const char *path, int flags, mode_t mode, int *fd, struct alb_err *err)
{
    *fd = -1;
    int sys = struck(ALB_FS_OPEN);
    while (sys == 0) {
        *fd = openat(dirfd, path, flags | O_CLOEXEC, mode);
        if (*fd >= 0)
            return ALB_OK;
        if (errno != EINTR)
            sys = errno;
    }
    return alb_fail_sys(err, alb_code_of_errno(sys), sys, "open %s", path);
}

static enum alb_code open_how(int dirfd, const char *path, int flags, uint64_t resolve, int *fd,
                              struct alb_err *err)
{
    struct open_how how = {.flags = (unsigned)flags | O_CLOEXEC, .resolve = resolve};

    *fd = -1;
    int sys = struck(ALB_FS_OPEN);
    while (sys == 0) {
        *fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
        if (*fd >= 0)
            return ALB_OK;
        if (errno != EINTR && errno != EAGAIN) /* EAGAIN: something was renamed on the way */
            sys = errno;
    }
    return alb_fail_sys(err, alb_code_of_errno(sys), sys, "open %s", path);
}

enum alb_code alb_fs_open_beneath(int dirfd, const char *path, int flags, int *fd, struct alb_err *err)
{
    return open_how(dirfd, path, flags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS, fd, err);
}

enum alb_code alb_fs_open_inside(int dirfd, const char *path, int flags, int *fd, struct alb_err *err)
{
    return open_how(dirfd, path, flags, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS, fd, err);
}

void alb_fs_close(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* on Linux it is closed whatever this returns */
    *fd = -1;
}

/* off < 0: at the file's own position. */
static enum alb_code write_all(int fd, const char *p, size_t n, int64_t off, struct alb_err *err)
{
    int planned = struck(ALB_FS_WRITE);

    if (planned != 0)
        n /= 2; /* the disk took some of it */
    while (n > 0) {
        ssize_t w = off < 0 ? write(fd, p, n) : pwrite(fd, p, n, off);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0) {
            int sys = w < 0 ? errno : EIO;
            return alb_fail_sys(err, alb_code_of_errno(sys), sys, "write");
        }
        p += w;
        n -= (size_t)w;
        if (off >= 0)
            off += w;
    }
    if (planned != 0)
        return alb_fail_sys(err, alb_code_of_errno(planned), planned, "write");
    return ALB_OK;
}

enum alb_code alb_fs_write_all(int fd, const void *p, size_t n, struct alb_err *err)
{
    return write_all(fd, p, n, -1, err);
}

enum alb_code alb_fs_pwrite_all(int fd, const void *p, size_t n, int64_t off, struct alb_err *err)
{
    ALB_CHECK(off >= 0);
    return write_all(fd, p, n, off, err);
}

enum alb_code alb_fs_pread_all(int fd, void *p, size_t n, int64_t off, size_t *got, struct alb_err *err)
{
    size_t have = 0;
    int sys = struck(ALB_FS_READ);

    *got = 0;
    ALB_CHECK(off >= 0);
    while (sys == 0 && have < n) {
        ssize_t r = pread(fd, (char *)p + have, n - have, off + (int64_t)have);
        if (r == 0)
            break;
        if (r > 0)
            have += (size_t)r;
        else if (errno != EINTR)
            sys = errno;
    }
    if (sys != 0)
        return alb_fail_sys(err, alb_code_of_errno(sys), sys, "read");
    *got = have;
    return ALB_OK;
}

static enum alb_code code_of_cached(int sys)
{
    switch (sys) {
    case EAGAIN:
    case EPERM: /* another user's, or a container's filter of before openat2 */
        return ALB_E_BUSY;
    case EINVAL: /* openat2 of before RESOLVE_CACHED */
    case ENOSYS:
    case EOPNOTSUPP:
        return ALB_E_UNSUPPORTED;
    default:
        return alb_code_of_errno(sys);
    }
}

enum alb_code alb_fs_read_cached(int dirfd, const char *path, void *p, size_t n, size_t *got, struct alb_err *err)
{
    /* Without O_NOATIME to read it might write, and wait for the file system's journal. */
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOATIME, .resolve = RESOLVE_CACHED};
    const struct iovec room = {p, n};
    ssize_t r = -1;

    *got = 0;
    int sys = struck(ALB_FS_OPEN);
    int fd = sys == 0 ? (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how)) : -1;
    if (sys == 0 && fd < 0)
        sys = errno;
    if (sys == 0)
        sys = struck(ALB_FS_READ);
    if (sys == 0) {
        r = preadv2(fd, &room, 1, 0, RWF_NOWAIT);
        sys = r < 0 ? errno : 0;
    }
    alb_fs_close(&fd);
    if (sys != 0)
        return alb_fail_sys(err, code_of_cached(sys), sys, "read %s at once", path);
    *got = (size_t)r;
    return ALB_OK;
}

enum alb_code alb_fs_size(int fd, int64_t *size, struct alb_err *err)
{
    struct stat st;

    *size = 0;
    if (fstat(fd, &st) != 0)
        return alb_fail_sys(err, alb_code_of_errno(errno), errno, "size");
    *size = st.st_size;
    return ALB_OK;
}

enum alb_code alb_fs_truncate(int fd, int64_t size, struct alb_err *err)
{
    int sys = struck(ALB_FS_ANY);

    while (sys == 0) {
        if (ftruncate(fd, size) == 0)
            return ALB_OK;
        if (errno != EINTR)
            sys = errno;
    }
    return alb_fail_sys(err, alb_code_of_errno(sys), sys, "truncate");
}

enum alb_code alb_fs_clone(int from_fd, int64_t from, int to_fd, int64_t to, int64_t n, struct alb_err *err)
{
    struct file_clone_range range = {.src_fd = from_fd,
                                     .src_offset = (uint64_t)from,
                                     .src_length = (uint64_t)n,
                                     .dest_offset = (uint64_t)to};
    int sys = struck(ALB_FS_ANY);

    if (n <= 0) /* to the kernel 0 is everything */
        return alb_fail(err, ALB_E_INVALID, "clone of %lld bytes", (long long)n);
    while (sys == 0) {
        if (ioctl(to_fd, FICLONERANGE, &range) == 0)
            return ALB_OK;
        if (errno != EINTR)
            sys = errno;
    }
    bool cannot = sys == EOPNOTSUPP || sys == ENOTTY || sys == EINVAL || sys == EXDEV || sys == ENOSYS ||
                  sys == EPERM || sys == ETXTBSY;
    return alb_fail_sys(err, cannot ? ALB_E_UNSUPPORTED : alb_code_of_errno(sys), sys, "clone");
}

static enum alb_code sync_with(int (*call)(int), const char *what, int fd, struct alb_err *err)
{
    int sys = struck(ALB_FS_SYNC);

    while (sys == 0) {
        if (call(fd) == 0)
            return ALB_OK;
        if (errno != EINTR)
            sys = errno;
    }
    return alb_fail_sys(err, alb_code_of_errno(sys), sys, "%s", what);
}

enum alb_code alb_fs_sync(int fd, struct alb_err *err)
{
    return sync_with(fsync, "fsync", fd, err);
}

enum alb_code alb_fs_datasync(int fd, struct alb_err *err)
{
    return sync_with(fdatasync, "fdatasync", fd, err);
}

enum alb_code alb_fs_sync_dir(int dirfd, struct alb_err *err)
{
    return sync_with(fsync, "fsync of a folder", dirfd, err);
}

enum alb_code alb_fs_rename(int from_dirfd, const char *from, int to_dirfd, const char *to,
                            struct alb_err *err)
{
    int sys = struck(ALB_FS_RENAME);

    if (sys == 0 && renameat(from_dirfd, from, to_dirfd, to) == 0)
        return ALB_OK;
    if (sys == 0)
        sys = errno;
    return alb_fail_sys(err, alb_code_of_errno(sys), sys, "rename %s to %s", from, to);
}

enum alb_code alb_fs_link(int from_dirfd, const char *from, int to_dirfd, const char *to, struct alb_err *err)
{
    int sys = struck(ALB_FS_RENAME);

    if (sys == 0 && linkat(from_dirfd, from, to_dirfd, to, 0) == 0)
        return ALB_OK;
    if (sys == 0)
        sys = errno;
    enum alb_code code = alb_code_of_errno(sys);
    if (sys == EEXIST)
        code = ALB_E_CONFLICT;
    else if (sys == EPERM || sys == EOPNOTSUPP || sys == EMLINK || sys == EXDEV || sys == ENOSYS)
        code = ALB_E_UNSUPPORTED;
    return alb_fail_sys(err, code, sys, "link %s to %s", from, to);
}

enum alb_code alb_fs_unlink(int dirfd, const char *path, struct alb_err *err)
{
    int sys = struck(ALB_FS_ANY);

    if (sys == 0 && unlinkat(dirfd, path, 0) == 0)
        return ALB_OK;
    if (sys == 0)
        sys = errno;
    return alb_fail_sys(err, alb_code_of_errno(sys), sys, "unlink %s", path);
}

/* Makes one folder below dirfd if it is not there (then its parent, dirfd, is made durable), and opens it. */
static enum alb_code enter(int dirfd, const char *name, mode_t mode, int *fd, struct alb_err *err)
{
    int sys = struck(ALB_FS_ANY);

    *fd = -1;
    if (sys == 0 && mkdirat(dirfd, name, mode) != 0)
        sys = errno;
    if (sys == 0) {
        enum alb_code code = alb_fs_sync_dir(dirfd, err);
        if (code != ALB_OK)
            return code;
    } else if (sys != EEXIST) {
        return alb_fail_sys(err, alb_code_of_errno(sys), sys, "make folder %s", name);
    }
    return alb_fs_open(dirfd, name, O_RDONLY | O_DIRECTORY, 0, fd, err);
}

enum alb_code alb_fs_mkdirs(int dirfd, const char *path, mode_t mode, struct alb_err *err)
{
    struct alb_str rest = alb_str_c(path), name;
    char part[256];
    int at = -1;
    enum alb_code code;

    code = alb_fs_open(dirfd, alb_str_starts(rest, ALB_STR("/")) ? "/" : ".", O_RDONLY | O_DIRECTORY, 0, &at,
                       err);
    while (code == ALB_OK && alb_str_next(&rest, '/', &name)) {
        int next = -1;
        if (name.n == 0)
            continue;
        if (!alb_str_to_c(name, part, sizeof(part))) {
            code = alb_fail(err, ALB_E_INVALID, "folder name longer than %zu bytes", sizeof(part) - 1);
            break;
        }
        code = enter(at, part, mode, &next, err);
        alb_fs_close(&at);
        at = next;
    }
    alb_fs_close(&at);
    if (code != ALB_OK)
        alb_err_context(err, "%s", path);
    return code;
}

enum alb_code alb_fs_read_file(int dirfd, const char *path, size_t max, char **p, size_t *n,
                               struct alb_err *err)
{
    int fd;
    int64_t size;
    char *room = NULL;

    *p = NULL;
    *n = 0;
    enum alb_code code = alb_fs_open(dirfd, path, O_RDONLY | O_NONBLOCK, 0, &fd, err);
    if (code != ALB_OK)
        return code;
    code = alb_fs_size(fd, &size, err);
    if (code == ALB_OK && size > 0 && (uint64_t)size > max)
        code = alb_fail(err, ALB_E_TOO_LARGE, "%s is larger than %zu bytes", path, max);
    if (code == ALB_OK) {
        room = alb_mem_alloc((size_t)size + 1);
        code = room != NULL ? alb_fs_pread_all(fd, room, (size_t)size, 0, n, err)
                            : alb_fail(err, ALB_E_NO_MEMORY, "no memory to read %s", path);
    }
    alb_fs_close(&fd);
    if (code != ALB_OK) {
        alb_mem_free(room);
        *n = 0;
        return code;
    }
    room[*n] = '\0';
    *p = room;
    return ALB_OK;
}
