/* SPDX-License-Identifier: Apache-2.0
 *
 * The file of the list of purges (its records: purges.c). Each process that has it open holds a shared flock on it; who
 * can have it alone may begin it anew under its name. A process that finds that its file has lost its name goes over to
 * the one that has it: nothing was in force in the old one then, so what it says is done with.
 *
 *   NONE (no file, and none can be made) --load--> OPEN <--> READ ONLY     every question or purge, and the keeper, try
 *
 * A file that is there and cannot be read may say anything: until it can be, everything is purged, in memory alone.
 */
#include "blob/purges_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/publish.h"

#define NAME "purges"
#define MAGIC "ALBPURG1"
#define STEP ALB_PURGES_STEP
#define SHRINK_FROM ((int64_t)1 << 20)

/* Numbers go on where they cannot have been before, if the clock is about right. */
static uint64_t fresh_base(const struct alb_purges *p)
{
    return (uint64_t)alb_wall(p->clock) << 16;
}

static enum alb_code make(const struct alb_purges *p, uint64_t base, unsigned how, struct alb_err *err)
{
    struct alb_publish f;
    unsigned char head[STEP];

    memcpy(head, MAGIC, 8);
    alb_purges_put_le(head + 8, base, 8);
    enum alb_code code = alb_publish_begin(&f, p->tmpfd, err);
    if (code == ALB_OK)
        code = alb_fs_write_all(f.fd, head, sizeof(head), err);
    if (code == ALB_OK)
        code = alb_publish_commit(&f, p->dirfd, NAME, ALB_PUBLISH_DURABLE | how, NULL, NULL, err);
    alb_publish_end(&f);
    if (code != ALB_E_CONFLICT)
        return code;
    alb_err_clear(err); /* another process was faster */
    return ALB_OK;
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
    if (got != STEP || memcmp(head, MAGIC, 8) != 0)
        return alb_fail(err, ALB_E_CORRUPT, "the list of purges is damaged");
    *base = alb_purges_get_le(head + 8, 8);
    return ALB_OK;
}

/* fd becomes the list's. Whoever uses the number of the old one meanwhile uses one or the other. */
static enum alb_code install(struct alb_purges *p, int fd, struct alb_err *err)
{
    int old = atomic_load(&p->fd);

    alb_ignore(flock(fd, LOCK_SH) != 0, "then nobody sees that we are here, and a list is not shortened");
    if (old < 0) {
        atomic_store(&p->fd, fd);
        return ALB_OK;
    }
    if (dup3(fd, old, O_CLOEXEC) < 0) {
        (void)alb_fail_sys(err, alb_code_of_errno(errno), errno, "take over the list of purges");
        alb_fs_close(&fd);
        return err != NULL ? err->code : ALB_E_IO;
    }
    alb_fs_close(&fd); /* the lock is of both */
    return ALB_OK;
}

enum alb_code alb_purges_load_locked(struct alb_purges *p, struct alb_err *err)
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
    code = install(p, fd, err);
    if (code != ALB_OK)
        return code;
    if (p->generation > 0)
        p->offered = base;
    else if (p->prefix_count > 0) /* of everything, as long as nobody knew what it says */
        alb_purges_forget_locked(p, UINT64_MAX);
    p->generation++;
    p->retired = 0;
    p->writable = writable;
    p->base = p->now = base;
    p->at = STEP;
    return alb_purges_follow_locked(p, err);
}

bool alb_purges_is_lost(const struct alb_purges *p)
{
    struct stat st;
    int fd = atomic_load(&p->fd);

    return fd < 0 || (fstat(fd, &st) == 0 && st.st_nlink == 0);
}

/* The one of that name, made if there is none, or another in the place of one that is no list. */
static enum alb_code load_or_make(struct alb_purges *p, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;

    alb_mutex_lock(&p->mtx);
    enum alb_code code = alb_purges_load_locked(p, &why);
    alb_mutex_unlock(&p->mtx);
    if (code != ALB_E_NOT_FOUND && code != ALB_E_CORRUPT)
        return code == ALB_OK ? ALB_OK : alb_fail_sys(err, code, why.sys, "%s", why.msg);
    bool damaged = code == ALB_E_CORRUPT;
    if (damaged)
        alb_log_event(ALB_LOG_ERROR, "the list of purges is damaged: everything older is made again");
    code = make(p, fresh_base(p), damaged ? ALB_PUBLISH_REPLACE : ALB_PUBLISH_LINK, err);
    if (code != ALB_OK)
        return code;
    alb_mutex_lock(&p->mtx);
    code = alb_purges_load_locked(p, err);
    alb_mutex_unlock(&p->mtx);
    return code == ALB_OK && damaged ? alb_purges_append_everything(p, err) : code;
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

enum alb_code alb_purges_ready(struct alb_purges *p, struct alb_err *err)
{
    alb_mutex_assert_held(&p->writer);
    alb_mutex_lock(&p->mtx);
    bool lost = alb_purges_is_lost(p), writable = p->writable;
    alb_mutex_unlock(&p->mtx);
    if (lost)
        return load_or_make(p, err);
    return writable ? ALB_OK : make_writable(p, err);
}

static bool is_done(struct alb_purges *p)
{
    alb_mutex_lock(&p->mtx);
    bool done = p->at > SHRINK_FROM && p->wholes + p->prefix_count == 0 && p->writable;
    alb_mutex_unlock(&p->mtx);
    return done;
}

void alb_purges_shrink(struct alb_purges *p)
{
    int fd = atomic_load(&p->fd);

    alb_mutex_assert_held(&p->writer);
    if (fd < 0 || !is_done(p))
        return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) { /* nobody else has it, and nobody gets it before this is done */
        alb_mutex_lock(&p->mtx);
        enum alb_code code = alb_purges_is_lost(p) ? ALB_E_CONFLICT : alb_purges_follow_locked(p, NULL);
        uint64_t base = p->base + (uint64_t)p->at;
        alb_mutex_unlock(&p->mtx);
        static const unsigned char more[STEP];
        if (code == ALB_OK && is_done(p) && make(p, base, ALB_PUBLISH_REPLACE, NULL) == ALB_OK)
            alb_ignore(alb_fs_write_all(fd, more, sizeof(more), NULL),
                       "who has opened it in that moment sees that it has changed, and that its name is gone");
    }
    alb_ignore(flock(fd, LOCK_SH) != 0, "then nobody sees that we are here, and a list is not shortened");
    alb_mutex_lock(&p->mtx);
    if (alb_purges_is_lost(p)) /* by us, or by who had it for that moment */
        alb_ignore(alb_purges_load_locked(p, NULL), "the next question tries again");
    alb_mutex_unlock(&p->mtx);
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
    alb_purges_everything_locked(p, fresh_base(p));
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
