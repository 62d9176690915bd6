/* SPDX-License-Identifier: Apache-2.0
 *
 * The lock of the data folder: one process at a time works on it. An open-file-description lock (fcntl
 * F_OFD_SETLK: ends with the descriptor, like flock) rather than flock, because it can be asked about
 * (F_OFD_GETLK) without being taken: a command that looks who is there cannot make a starting server fail.
 * The file's text says who holds it; it is only for people, the lock itself is what counts.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "catalog/sqlite/engine.h"

static enum alb_code lock_file(const char *path, int flags, int *fd, struct alb_err *err)
{
    char name[4096];
    int n = snprintf(name, sizeof(name), "%s/lock", path);

    *fd = -1;
    if (n < 0 || (size_t)n >= sizeof(name))
        return alb_fail(err, ALB_E_INVALID, "the path of the data folder is too long");
    return alb_fs_open(AT_FDCWD, name, flags, 0600, fd, err);
}

static void read_holder(int fd, char *out, size_t cap)
{
    size_t got = 0;

    out[0] = '\0';
    if (alb_fs_pread_all(fd, out, cap - 1, 0, &got, NULL) != ALB_OK)
        got = 0;
    out[got] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

enum alb_code alb_data_lock(const char *path, const char *holder, int *fd, struct alb_err *err)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    enum alb_code code = lock_file(path, O_RDWR | O_CREAT, fd, err);
    char text[128];
    int n;

    if (code != ALB_OK) {
        alb_err_context(err, "locking %s", path);
        return code;
    }
    if (fcntl(*fd, F_OFD_SETLK, &l) != 0) {
        int sys = errno;

        read_holder(*fd, text, sizeof(text));
        alb_fs_close(fd);
        if (sys != EAGAIN && sys != EACCES)
            return alb_fail_sys(err, alb_code_of_errno(sys), sys, "locking %s", path);
        return alb_fail(err, ALB_E_CONFLICT, "%s is in use by %s", path, text[0] ? text : "another process");
    }
    n = snprintf(text, sizeof(text), "%s (pid %ld)\n", holder ? holder : "albumen", (long)getpid());
    code = alb_fs_truncate(*fd, 0, err);
    if (code == ALB_OK)
        code = alb_fs_pwrite_all(*fd, text, n > 0 ? (size_t)n : 0, 0, err);
    if (code != ALB_OK)
        alb_fs_close(fd);
    return code;
}

bool alb_catalog_lock_holder(const char *path, char *out, size_t cap)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    bool held = false;
    int fd;

    out[0] = '\0';
    if (lock_file(path, O_RDWR, &fd, NULL) != ALB_OK)
        return false;
    if (fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK) {
        held = true;
        read_holder(fd, out, cap);
    }
    alb_fs_close(&fd);
    return held;
}
