/* SPDX-License-Identifier: Apache-2.0
 *
 * Temporary name -> write -> verify -> fsync -> final name -> fsync of the folder (contract: publish.h).
 * Names of temporary files: process id and a counter; tmp/ is emptied at start, and O_EXCL decides.
 */
#include "blob/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "blob/list.h"

#define TMP_TRIES 100

static atomic_uint counter;

enum alb_code alb_publish_begin(struct alb_publish *p, int tmp_dirfd, struct alb_err *err)
{
    struct alb_err last = ALB_ERR_INIT;

    *p = (struct alb_publish)ALB_PUBLISH_INIT;
    p->dirfd = tmp_dirfd;
    for (int i = 0; i < TMP_TRIES; i++) {
        unsigned n = atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed);
        (void)snprintf(p->name, sizeof(p->name), "%lld-%u", (long long)getpid(), n);
        alb_err_clear(&last);
        enum alb_code code =
            alb_fs_open(tmp_dirfd, p->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, &p->fd, &last);
        if (code == ALB_OK && flock(p->fd, LOCK_EX | LOCK_NB) == 0) {
            p->named = true;
            return ALB_OK;
        }
        bool taken = code == ALB_OK && errno == EWOULDBLOCK; /* a process that clears up was faster */
        if (code == ALB_OK && !taken) { /* no such locks here: then nobody clears up while we live */
            p->named = true;
            return ALB_OK;
        }
        alb_fs_close(&p->fd);
        if (last.sys != EEXIST && !taken)
            break;
    }
    return alb_fail_sys(err, last.code, last.sys, "%s", last.msg);
}

static enum alb_code give_name(int from_dirfd, const char *from, int dirfd, const char *name, unsigned flags,
                               struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    struct stat st;

    if ((flags & ALB_PUBLISH_LINK) != 0) {
        enum alb_code code = alb_fs_link(from_dirfd, from, dirfd, name, &why);
        if (code == ALB_E_CONFLICT && (flags & ALB_PUBLISH_REPLACE) == 0)
            return alb_fail_sys(err, code, why.sys, "%s", why.msg);
        if (code != ALB_E_CONFLICT && code != ALB_E_UNSUPPORTED) {
            if (code != ALB_OK)
                (void)alb_fail_sys(err, code, why.sys, "%s", why.msg);
            return code;
        }
    }
    if ((flags & ALB_PUBLISH_REPLACE) == 0 && fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return alb_fail(err, ALB_E_CONFLICT, "%s exists", name);
    return alb_fs_rename(from_dirfd, from, dirfd, name, err);
}

enum alb_code alb_publish_adopt(int from_dirfd, const char *from_name, int fd, int dirfd, const char *name,
                                unsigned flags, alb_publish_verify_fn *verify, void *arg, struct alb_err *err)
{
    enum alb_code code = ALB_OK;

    if (verify != NULL)
        code = verify(arg, fd, err);
    if (code == ALB_OK && (flags & ALB_PUBLISH_DURABLE) != 0 && (flags & ALB_PUBLISH_SYNCED) == 0)
        code = alb_fs_sync(fd, err);
    if (code == ALB_OK)
        code = give_name(from_dirfd, from_name, dirfd, name, flags, err);
    if (code == ALB_OK && (flags & ALB_PUBLISH_DURABLE) != 0)
        code = alb_fs_sync_dir(dirfd, err);
    return code;
}

enum alb_code alb_publish_commit(struct alb_publish *p, int dirfd, const char *name, unsigned flags,
                                 alb_publish_verify_fn *verify, void *arg, struct alb_err *err)
{
    enum alb_code code = alb_publish_adopt(p->dirfd, p->name, p->fd, dirfd, name, flags, verify, arg, err);

    if (code == ALB_OK && (flags & ALB_PUBLISH_LINK) == 0)
        p->named = false;
    return code;
}

void alb_publish_end(struct alb_publish *p)
{
    if (p->named)
        alb_ignore(alb_fs_unlink(p->dirfd, p->name, NULL), "recovery empties tmp/ at the next start");
    p->named = false;
    alb_fs_close(&p->fd);
}

/* ---- after a crash ---- */

static enum alb_code remove_leftover(void *arg, int dirfd, const char *name, struct alb_err *err)
{
    int64_t *count = arg;

    (void)err;
    if (alb_fs_unlink(dirfd, name, NULL) == ALB_OK)
        ++*count;
    return ALB_OK;
}

/* One whose writer lives is locked by it; the kernel gives the lock back when the writer is gone. */
static enum alb_code remove_orphan(void *arg, int dirfd, const char *name, struct alb_err *err)
{
    int64_t *count = arg;
    int fd = -1;

    (void)err;
    if (alb_fs_open(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, &fd, NULL) == ALB_OK &&
        flock(fd, LOCK_EX | LOCK_NB) == 0 && alb_fs_unlink(dirfd, name, NULL) == ALB_OK)
        ++*count;
    alb_fs_close(&fd);
    return ALB_OK;
}

enum alb_code alb_publish_recover_shared(int data_dirfd, struct alb_err *err)
{
    int64_t leftovers = 0;
    enum alb_code code = alb_fs_mkdirs(data_dirfd, "tmp", 0700, err);

    if (code == ALB_OK)
        code = alb_list_folder(data_dirfd, "tmp", remove_orphan, &leftovers, err);
    if (leftovers > 0)
        alb_log(ALB_LOG_INFO, "unfinished files removed", ALB_LOG_INT("count", leftovers));
    return code;
}

enum alb_code alb_publish_recover(int data_dirfd, struct alb_err *err)
{
    int64_t leftovers = 0;
    enum alb_code code = alb_fs_mkdirs(data_dirfd, "tmp", 0700, err);

    if (code == ALB_OK)
        code = alb_list_folder(data_dirfd, "tmp", remove_leftover, &leftovers, err);
    if (code != ALB_OK)
        return code;
    if (leftovers > 0)
        alb_log(ALB_LOG_INFO, "unfinished files removed", ALB_LOG_INT("count", leftovers));
    if (syncfs(data_dirfd) != 0)
        return alb_fail_sys(err, alb_code_of_errno(errno), errno, "syncfs");
    return ALB_OK;
}
