/* SPDX-License-Identifier: Apache-2.0
 *
 * The file of the list of purges (its records: purges.c). A process that finds that its file has lost its name (another
 * one has written it anew, or somebody has moved it) reads it to its end and goes over to the one that has the name;
 * what it knows to be in force stays so. One that finds that its file has been cut off writes it anew.
 *
 *   NONE (no file, and none can be made) --load--> OPEN <--> READ ONLY     every question or purge, and the keeper, try
 *
 * A file that is there and cannot be read may say anything: until it can be, everything is purged, in memory alone.
 */
#include "blob/purges_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/publish.h"

#define NAME "purges"
#define STEP ALB_PURGES_STEP

/* Numbers go on where they cannot have been before, if the clock is about right. */
uint64_t alb_purges_fresh_base(const struct alb_purges *p)
{
    uint64_t base = (uint64_t)alb_wall(p->clock) << 16, next = p->now + STEP;

    return base > next ? base : next;
}

static enum alb_code open_named(const struct alb_purges *p, int *fd, bool *writable, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    enum alb_code code = alb_fs_open(p->dirfd, NAME, O_RDWR | O_APPEND | O_NOFOLLOW, 0, fd, &why);

    *writable = code == ALB_OK;
    if (why.sys == EROFS || why.sys == EACCES) { /* what was purged holds; no more can be */
        alb_err_clear(&why);
        code = alb_fs_open(p->dirfd, NAME, O_RDONLY | O_NOFOLLOW, 0, fd, &why);
    }
    return code == ALB_OK ? ALB_OK : alb_fail_sys(err, code, why.sys, "%s", why.msg);
}

/* CORRUPT: it is no list. */
static enum alb_code read_head(int fd, uint64_t *base, struct alb_err *err)
{
    unsigned char head[STEP];
    size_t got = 0;
    enum alb_code code = alb_fs_pread_all(fd, head, STEP, 0, &got, err);

    if (code != ALB_OK)
        return code;
    if (got != STEP || memcmp(head, ALB_PURGES_MAGIC, 4) != 0 ||
        alb_purges_get_le(head + 4, 4) != (uint32_t)alb_xxh3(head + 8, 8))
        return alb_fail(err, ALB_E_CORRUPT, "the list of purges is damaged");
    *base = alb_purges_get_le(head + 8, 8);
    return ALB_OK;
}

/* fd becomes the list's. Whoever uses the number of the old one meanwhile uses one or the other. */
static enum alb_code install(struct alb_purges *p, int fd, struct alb_err *err)
{
    int old = atomic_load(&p->fd);

    if (old < 0) {
        atomic_store(&p->fd, fd);
        return ALB_OK;
    }
    if (dup3(fd, old, O_CLOEXEC) < 0) {
        (void)alb_fail_sys(err, alb_code_of_errno(errno), errno, "take over the list of purges");
        alb_fs_close(&fd);
        return err != NULL ? err->code : ALB_E_IO;
    }
    alb_fs_close(&fd);
    return ALB_OK;
}

enum alb_code alb_purges_load_locked(struct alb_purges *p, struct alb_err *err) ALB_NO_LOCK_ANALYSIS
{
    uint64_t base = 0;
    bool writable;
    int fd = -1;
    enum alb_code code = open_named(p, &fd, &writable, err);

    alb_mutex_assert_held(&p->mtx);
    if (code == ALB_OK)
        code = read_head(fd, &base, err);
    if (code != ALB_OK) {
        alb_fs_close(&fd);
        return code;
    }
    if (p->generation > 0 && !alb_purges_is_broken(p) && alb_purges_follow_locked(p, NULL) != ALB_OK)
        alb_purges_everything_locked(p, p->now = alb_purges_fresh_base(p)); /* who knows what it said */
    code = install(p, fd, err);
    if (code != ALB_OK)
        return code;
    if (p->generation == 0 && p->prefix_count > 0) /* of everything, as long as nobody knew what it says */
        alb_purges_forget_locked(p, UINT64_MAX);
    if (p->generation == 0 || base < p->retired || base < p->offered)
        p->retired = p->offered = 0;
    p->generation++;
    p->broken = false;
    p->writable = writable;
    p->base = p->now = base;
    p->at = STEP;
    return alb_purges_follow_locked(p, err);
}

bool alb_purges_is_lost(const struct alb_purges *p)
{
    struct stat st, named;
    int fd = atomic_load(&p->fd);

    if (fd < 0 || fstat(fd, &st) != 0)
        return fd < 0;
    if (fstatat(p->dirfd, NAME, &named, AT_SYMLINK_NOFOLLOW) != 0)
        return st.st_nlink == 0 || errno == ENOENT;
    return named.st_ino != st.st_ino || named.st_dev != st.st_dev;
}

bool alb_purges_is_broken(struct alb_purges *p) ALB_NO_LOCK_ANALYSIS
{
    struct stat st;

    alb_mutex_assert_held(&p->mtx);
    if (p->broken || fstat(atomic_load(&p->fd), &st) != 0 || st.st_size >= p->at)
        return p->broken;
    alb_purges_break_locked(p);
    return true;
}

void alb_purges_break_locked(struct alb_purges *p)
{
    p->broken = true;
    alb_purges_everything_locked(p, p->now = alb_purges_fresh_base(p));
    alb_log_event(ALB_LOG_ERROR, "the list of purges was cut off: everything older is made again");
}

/* The one of that name, made if there is none, or another in the place of one that is no list. */
static enum alb_code load_or_make(struct alb_purges *p, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;

    alb_mutex_lock(&p->mtx);
    enum alb_code code = alb_purges_load_locked(p, &why);
    if (code == ALB_E_CORRUPT)
        alb_purges_everything_locked(p, p->now = alb_purges_fresh_base(p));
    alb_mutex_unlock(&p->mtx);
    if (code == ALB_E_NOT_FOUND)
        return alb_purges_anew(p, ALB_PUBLISH_LINK, err);
    if (code != ALB_E_CORRUPT)
        return code == ALB_OK ? ALB_OK : alb_fail_sys(err, code, why.sys, "%s", why.msg);
    alb_log_event(ALB_LOG_ERROR, "the list of purges is damaged: everything older is made again");
    return alb_purges_anew(p, ALB_PUBLISH_REPLACE, err);
}

/* Opened when the disk could not be written to; the same file, with its lock. */
static enum alb_code make_writable(struct alb_purges *p, struct alb_err *err)
{
    struct stat old, now;
    int fd = -1;
    enum alb_code code = alb_fs_open(p->dirfd, NAME, O_RDWR | O_APPEND | O_NOFOLLOW, 0, &fd, err);

    if (code != ALB_OK)
        return code;
    if (fstat(fd, &now) != 0 || fstat(atomic_load(&p->fd), &old) != 0 || now.st_ino != old.st_ino) {
        alb_fs_close(&fd);
        return load_or_make(p, err);
    }
    code = install(p, fd, err);
    alb_mutex_lock(&p->mtx);
    p->writable = code == ALB_OK;
    alb_mutex_unlock(&p->mtx);
    return code;
}

enum alb_code alb_purges_ready(struct alb_purges *p, struct alb_err *err) ALB_NO_LOCK_ANALYSIS
{
    alb_mutex_assert_held(&p->writer);
    alb_mutex_lock(&p->mtx);
    bool lost = alb_purges_is_lost(p), broken = !lost && alb_purges_is_broken(p), writable = p->writable;
    alb_mutex_unlock(&p->mtx);
    if (lost)
        return load_or_make(p, err);
    if (broken)
        return alb_purges_anew(p, ALB_PUBLISH_REPLACE, err);
    return writable ? ALB_OK : make_writable(p, err);
}

/* ---- open and close ---- */

static enum alb_code open_folders(struct alb_purges *p, const struct alb_purges_config *c,
                                  struct alb_err *err)
{
    p->dirfd = fcntl(c->dirfd, F_DUPFD_CLOEXEC, 0);
    p->tmpfd = fcntl(c->tmp_dirfd, F_DUPFD_CLOEXEC, 0);
    if (p->dirfd < 0 || p->tmpfd < 0)
        return alb_fail_sys(err, alb_code_of_errno(errno), errno, "folders of the list of purges");
    return ALB_OK;
}

/* The disk does not let it be read, or made: what was purged is not known. */
static void begin_without(struct alb_purges *p, const struct alb_err *why)
{
    struct stat st;

    alb_log(ALB_LOG_WARN, "nothing can be purged from the caches now", ALB_LOG_C("error", why->msg));
    if (fstatat(p->dirfd, NAME, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
        return;
    alb_mutex_lock(&p->mtx);
    alb_purges_everything_locked(p, alb_purges_fresh_base(p));
    alb_mutex_unlock(&p->mtx);
}

static void begin(struct alb_purges *p)
{
    struct alb_err why = ALB_ERR_INIT;

    alb_mutex_lock(&p->writer);
    enum alb_code code = load_or_make(p, &why);
    if (code != ALB_OK && atomic_load(&p->fd) < 0)
        begin_without(p, &why);
    if (code == ALB_OK && !alb_purges_look(p).writable)
        alb_purges_note(p, ALB_E_IO, EROFS);
    else
        alb_purges_note(p, code, why.sys);
    alb_purges_forget(p);
    alb_purges_shrink(p);
    alb_mutex_unlock(&p->writer);
}

enum alb_code alb_purges_open(const struct alb_purges_config *config, struct alb_purges **out,
                              struct alb_err *err)
{
    struct alb_purges *p = alb_mem_calloc(1, sizeof(*p));

    *out = p;
    if (p == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the list of purges");
    atomic_store(&p->fd, -1);
    p->dirfd = p->tmpfd = -1;
    p->clock = config->clock;
    p->shared = config->shared;
    p->at = STEP;
    alb_mutex_init(&p->writer, ALB_LOCK_CACHE_PURGES_FILE);
    alb_mutex_init(&p->mtx, ALB_LOCK_CACHE_PURGES);
    p->table = alb_mem_calloc(ALB_PURGES_TABLE, sizeof(*p->table));
    enum alb_code code = p->table != NULL ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "no memory for purges");
    if (code == ALB_OK)
        code = open_folders(p, config, err);
    if (code == ALB_OK)
        begin(p);
    else
        alb_purges_close(out);
    return code;
}

void alb_purges_close(struct alb_purges **purges)
{
    struct alb_purges *p = *purges;

    *purges = NULL;
    if (p == NULL)
        return;
    int fd = atomic_load(&p->fd);
    alb_purges_note(p, ALB_OK, 0); /* it is not there any more */
    for (size_t i = 0; i < p->prefix_count; i++)
        alb_mem_free(p->prefixes[i].text);
    alb_purge_notes_fini(&p->notes);
    alb_mem_free(p->table);
    alb_fs_close(&fd);
    alb_fs_close(&p->dirfd);
    alb_fs_close(&p->tmpfd);
    alb_mutex_fini(&p->mtx);
    alb_mutex_fini(&p->writer);
    alb_mem_free(p);
}
