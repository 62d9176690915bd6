/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder of plain files that others know too (contract: shelf.h).
 */
#include "render/shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stat.h"
#include "blob/publish.h"
#include "blob/purges.h"
#include "image/whole.h"
#include "render/shelf_seal.h"

#define TRY_MAX ((int64_t)1 << 20)
#define OWN ".albumen" /* imagor has no names with a dot before them */

struct fault {
    int sys; /* 0: none */
    int64_t since_ms;
};

struct later { /* on its way to the folder; what is there at the end is what was asked for last */
    struct alb_task task;
    struct alb_shelf *shelf;
    char *path; /* behind it */
    /* under the shelf's mtx */
    struct later *next;
    struct alb_bytes *bytes; /* a reference; NULL: none but what is being written */
    struct alb_bytes *being_written;
};

struct alb_shelf {
    /* fixed after open */
    struct alb_shelf_config config;
    int dirfd;
    mode_t dir_mode, file_mode;
    const char *sealer;         /* NULL: seals are not looked at */
    struct alb_seal_memo *memo; /* NULL: likewise */
    /* atomic */
    atomic_uint_fast64_t hits, misses, expired, unsound, put, unfit, failed, dropped;
    /* under mtx */
    struct alb_mutex mtx;
    struct alb_cond none_left;
    struct later *later;
    unsigned waiting;
    size_t waiting_bytes;
    struct fault reading, writing;
    int64_t unput; /* bytes of what could not be put last */
    bool trying;
};

/* ---- trouble ---- */

/* Told when it begins and when it ends, not in between. */
static void note(struct alb_shelf *s, struct fault *f, const char *doing, const struct alb_err *err)
{
    int sys = err ? (err->sys != 0 ? err->sys : EIO) : 0;
    alb_mutex_lock(&s->mtx);
    bool news = (f->sys != 0) != (sys != 0);
    if (news)
        f->since_ms = alb_wall(s->config.clock);
    f->sys = sys;
    alb_mutex_unlock(&s->mtx);
    if (news && err)
        alb_log(ALB_LOG_WARN, "a storage is in trouble; requests are answered without it",
                ALB_LOG_C("storage", s->config.name), ALB_LOG_C("doing", doing),
                ALB_LOG_C("error", err->msg));
    else if (news)
        alb_log(ALB_LOG_INFO, "a storage works again", ALB_LOG_C("storage", s->config.name),
                ALB_LOG_C("doing", doing));
}

/* What no file can be called, or a folder where a file is wanted: no trouble of the disk's. */
static bool is_unfit(const struct alb_err *err)
{
    return err->code == ALB_E_INVALID || err->sys == ENAMETOOLONG || err->sys == ENOTDIR ||
           err->sys == EISDIR || err->sys == ENOTEMPTY || err->sys == EEXIST || err->sys == EXDEV ||
           err->sys == ELOOP;
}

/* ---- taking ---- */

static bool is_expired(const struct alb_shelf *s, const struct alb_origin_stamp *stamp)
{
    int64_t age_ms = alb_wall(s->config.clock) - stamp->modified_ns / ALB_NS_PER_MS;
    return s->config.expire_ns > 0 && age_ms > s->config.expire_ns / ALB_NS_PER_MS;
}

static enum alb_code sniff(int fd, struct alb_origin_note *n, struct alb_err *err)
{
    unsigned char head[ALB_SNIFF_LEN];
    size_t got;
    enum alb_code code = alb_fs_pread_all(fd, head, sizeof(head), 0, &got, err);
    if (code != ALB_OK)
        return code;
    n->o.type = alb_sniff(head, got);
    if (n->o.type == ALB_TYPE_UNKNOWN && got > 0 && head[0] == '{')
        n->o.content_type = ALB_STR(ALB_SHELF_JSON);
    return ALB_OK;
}

/* What an older albumen has put, and is as it was: from now on under this name alone. */
static void seal_anew(int fd, const struct alb_origin_stamp *stamp, const struct alb_seal *seal)
{
    alb_ignore(alb_seal_write(fd, stamp, seal, NULL), "it may be somebody else's; it is used as it is");
}

/* Whether its bytes are what was written once, by whomever, under this name; sets its identity. */
static enum alb_code judge(struct alb_shelf *s, int fd, struct alb_str path, struct alb_origin_note *n,
                           bool *sound, struct alb_err *err)
{
    struct alb_seal seal;
    enum alb_code code = sniff(fd, n, err);
    *sound = true;
    if (code != ALB_OK)
        return code;
    alb_origin_identify(n, path);
    if (!s->sealer)
        return ALB_OK;
    enum alb_seal_kind kind = alb_seal_read(fd, &n->stamp, alb_seal_place(s->sealer, path), &seal);
    if (kind == ALB_SEAL_NONE)
        return s->config.keeps ? alb_whole(fd, n->stamp.size, n->o.type, sound, err) : ALB_OK;
    *sound = false;
    if (kind == ALB_SEAL_ELSEWHERE)
        return ALB_OK;
    code = alb_seal_check(s->memo, fd, &n->stamp, &seal, n->o.identity, sound, err);
    if (*sound && kind == ALB_SEAL_OLD && s->config.keeps)
        seal_anew(fd, &n->stamp, &seal);
    n->stamp.changed_ns = 0;
    return code;
}

static enum alb_code nothing(struct alb_err *err, const char *why)
{
    return alb_fail(err, ALB_E_NOT_FOUND, "%s", why);
}

static enum alb_code miss(struct alb_shelf *s, struct alb_err *err, const char *why)
{
    atomic_fetch_add(&s->misses, 1);
    alb_stat_inc(ALB_STAT_SHELF_MISSES);
    return nothing(err, why);
}

static enum alb_code unsound(struct alb_shelf *s, const char *path, struct alb_err *err)
{
    atomic_fetch_add(&s->unsound, 1);
    alb_stat_inc(ALB_STAT_SHELF_UNSOUND);
    alb_log(ALB_LOG_WARN, "a stored file is cut off, damaged or of another name; it is made again",
            ALB_LOG_C("storage", s->config.name), ALB_LOG_C("path", path));
    return nothing(err, "cut off, damaged or of another name");
}

static enum alb_code take(struct alb_shelf *s, const char *path, struct alb_origin_note *n, int *fd,
                          struct alb_err *err)
{
    bool sound = false;
    enum alb_code code = alb_origin_open_regular(s->dirfd, path, fd, &n->stamp, err);
    if (code != ALB_OK && alb_origin_is_missing(err)) {
        alb_err_clear(err);
        return miss(s, err, "not there");
    }
    if (code == ALB_OK && is_expired(s, &n->stamp)) {
        atomic_fetch_add(&s->expired, 1);
        return miss(s, err, "expired");
    }
    if (code == ALB_OK)
        code = judge(s, *fd, alb_str_c(path), n, &sound, err);
    if (code == ALB_OK || code == ALB_E_IO)
        note(s, &s->reading, "read", code == ALB_OK ? NULL : err);
    return code == ALB_OK && !sound ? unsound(s, path, err) : code;
}

enum alb_code alb_shelf_get(struct alb_shelf *s, const char *path, struct alb_str asked,
                            struct alb_origin **out, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    struct alb_origin_note n = {0};
    struct alb_origin_body body = ALB_ORIGIN_BODY_NONE;
    uint64_t known = alb_purges_now(s->config.purges),
             purged = alb_purges_newest(s->config.purges, &asked, 1);
    *out = NULL;
    enum alb_code code = take(s, path, &n, &body.fd, &why);
    if (code != ALB_OK) {
        alb_origin_body_fini(&body);
        return alb_fail_sys(err, code, why.sys, "%s", why.msg);
    }
    *out = alb_origin_make_local(&n, alb_str_c(path), alb_wall(s->config.clock), &body);
    if (!*out)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a stored file");
    alb_origin_mark(*out, asked, purged, known);
    atomic_fetch_add(&s->hits, 1);
    alb_stat_inc(ALB_STAT_SHELF_HITS);
    return ALB_OK;
}

bool alb_shelf_modified(struct alb_shelf *s, const char *path, int64_t *modified_ms)
{
    struct alb_origin_stamp stamp;
    int fd = -1;
    bool ok = alb_origin_open_regular(s->dirfd, path, &fd, &stamp, NULL) == ALB_OK && !is_expired(s, &stamp);
    *modified_ms = ok ? stamp.modified_ns / ALB_NS_PER_MS : 0;
    alb_fs_close(&fd);
    return ok;
}

/* ---- putting ---- */

struct source {
    struct alb_origin_reader *reader; /* or: */
    const struct alb_bytes *bytes;
};

static bool read_source(void *ctx, int64_t off, void *p, size_t n, struct alb_err *err)
{
    const struct source *from = ctx;
    size_t done = 0, got = 0;
    if (from->bytes) {
        memcpy(p, from->bytes->p + off, n);
        return true;
    }
    while (done < n) {
        if (alb_origin_read(from->reader, off + (int64_t)done, (char *)p + done, n - done, &got, err) !=
            ALB_OK)
            return false;
        if (got == 0) {
            (void)alb_fail(err, ALB_E_CORRUPT, "a source ends too early");
            return false;
        }
        done += got;
    }
    return true;
}

/* The folder `dir`, over links that an operator has laid; what is not there is made, never outside of ours. */
static enum alb_code make_way(struct alb_shelf *s, const char *dir, int *folder, struct alb_err *err)
{
    struct alb_str whole = alb_str_c(dir), rest = whole, name;
    char way[4096], last[256];
    int at = -1;
    if (alb_fs_open_inside(s->dirfd, dir, O_RDONLY | O_DIRECTORY, folder, NULL) == ALB_OK)
        return ALB_OK;
    enum alb_code code = alb_fs_open(s->dirfd, ".", O_RDONLY | O_DIRECTORY, 0, &at, err);
    while (code == ALB_OK && rest.n > 0 && alb_str_next(&rest, '/', &name)) {
        struct alb_str so_far = alb_str_sub(whole, 0, (size_t)(name.p - whole.p) + name.n);
        if (!alb_str_to_c(name, last, sizeof(last)) || !alb_str_to_c(so_far, way, sizeof(way)))
            code = alb_fail(err, ALB_E_INVALID, "a folder's name that is too long");
        if (code == ALB_OK && name.n > 0)
            code = alb_fs_mkdirs(at, last, s->dir_mode, err);
        alb_fs_close(&at);
        if (code == ALB_OK)
            code = alb_fs_open_inside(s->dirfd, way, O_RDONLY | O_DIRECTORY, &at, err);
    }
    *folder = code == ALB_OK ? at : -1;
    if (code != ALB_OK)
        alb_fs_close(&at);
    return code;
}

/* The folder of a path, and its name in there. */
static enum alb_code enter(struct alb_shelf *s, const char *path, int *folder, const char **name,
                           struct alb_err *err)
{
    const char *slash = strrchr(path, '/');
    char dir[4096];
    *name = slash ? slash + 1 : path;
    if (!slash)
        return alb_fs_open(s->dirfd, ".", O_RDONLY | O_DIRECTORY, 0, folder, err);
    if (!alb_str_to_c(alb_str_n(path, (size_t)(slash - path)), dir, sizeof(dir)))
        return alb_fail(err, ALB_E_INVALID, "a path that is too long");
    return make_way(s, dir, folder, err);
}

/* Temporary files of ours, on the same file system. Each time anew: a folder may have been read-only at the start. */
static enum alb_code open_tmp(struct alb_shelf *s, int *tmp, struct alb_err *err)
{
    if (alb_fs_open_beneath(s->dirfd, OWN "/tmp", O_RDONLY | O_DIRECTORY, tmp, NULL) == ALB_OK)
        return ALB_OK;
    enum alb_code code = alb_fs_mkdirs(s->dirfd, OWN "/tmp", 0700, err);
    return code == ALB_OK ? alb_fs_open_beneath(s->dirfd, OWN "/tmp", O_RDONLY | O_DIRECTORY, tmp, err)
                          : code;
}

static enum alb_code write_file(struct alb_shelf *s, const char *path, struct source *from, int64_t size,
                                struct alb_err *err)
{
    struct alb_publish p = ALB_PUBLISH_INIT;
    struct alb_seal seal = {.place = alb_seal_place(s->sealer, alb_str_c(path))};
    struct alb_origin_stamp stamp;
    int tmp ALB_CLEANUP(alb_fs_close) = -1, folder ALB_CLEANUP(alb_fs_close) = -1;
    const char *name = NULL;
    enum alb_code code = enter(s, path, &folder, &name, err);
    if (code == ALB_OK)
        code = open_tmp(s, &tmp, err);
    if (code == ALB_OK)
        code = alb_publish_begin(&p, tmp, err);
    if (code == ALB_OK)
        code = alb_seal_copy(p.fd, size, read_source, from, &seal.xxh3, err);
    if (code == ALB_OK && !alb_origin_stamp_take(p.fd, &stamp))
        code = alb_fail(err, ALB_E_IO, "a file that was written cannot be looked at");
    if (code == ALB_OK) /* while it may be written to */
        code = alb_seal_write(p.fd, &stamp, &seal, err);
    if (code == ALB_OK && fchmod(p.fd, s->file_mode) != 0)
        code = alb_fail_sys(err, ALB_E_IO, errno, "fchmod");
    if (code == ALB_OK)
        code =
            alb_publish_commit(&p, folder, name, ALB_PUBLISH_DURABLE | ALB_PUBLISH_REPLACE, NULL, NULL, err);
    alb_publish_end(&p);
    return code;
}

static void put(struct alb_shelf *s, const char *path, struct source *from, int64_t size)
{
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = write_file(s, path, from, size, &err);
    if (code == ALB_OK) {
        atomic_fetch_add(&s->put, 1);
        alb_stat_inc(ALB_STAT_SHELF_PUT);
        note(s, &s->writing, "write", NULL);
        return;
    }
    bool source = code == ALB_E_CORRUPT || code == ALB_E_NO_MEMORY;
    bool unfit = !source && is_unfit(&err);
    atomic_fetch_add(unfit ? &s->unfit : &s->failed, 1);
    alb_stat_inc(ALB_STAT_SHELF_FAILED);
    if (unfit || source)
        return;
    alb_mutex_lock(&s->mtx);
    s->unput = size;
    alb_mutex_unlock(&s->mtx);
    note(s, &s->writing, "write", &err);
}

/* As much as could not be put, that nobody is told of a disk that works and has room for nothing. */
static enum alb_code try_write(struct alb_shelf *s, int64_t size, struct alb_err *err)
{
    static const char nothing_at_all[16 << 10];
    struct alb_publish p = ALB_PUBLISH_INIT;
    int tmp ALB_CLEANUP(alb_fs_close) = -1;
    enum alb_code code = open_tmp(s, &tmp, err);
    if (code == ALB_OK)
        code = alb_publish_begin(&p, tmp, err);
    for (int64_t at = 0; code == ALB_OK && at <= size && at < TRY_MAX; at += (int64_t)sizeof(nothing_at_all))
        code = alb_fs_pwrite_all(p.fd, nothing_at_all, sizeof(nothing_at_all), at, err);
    if (code == ALB_OK)
        code = alb_fs_sync(p.fd, err);
    alb_publish_end(&p);
    return code;
}

void alb_shelf_tend(struct alb_shelf *s)
{
    struct alb_err err = ALB_ERR_INIT;
    alb_mutex_lock(&s->mtx);
    int64_t size = s->unput;
    bool mine = s->writing.sys != 0 && !s->trying;
    s->trying = s->trying || mine;
    alb_mutex_unlock(&s->mtx);
    if (!mine)
        return;
    note(s, &s->writing, "write", try_write(s, size, &err) == ALB_OK ? NULL : &err);
    alb_mutex_lock(&s->mtx);
    s->trying = false;
    alb_mutex_unlock(&s->mtx);
}

void alb_shelf_put(struct alb_shelf *s, const char *path, struct alb_origin *o)
{
    struct source from = {0};
    bool whole = false;
    if (!s->config.keeps || alb_whole(alb_origin_fd(o), o->size, o->type, &whole, NULL) != ALB_OK || !whole ||
        alb_origin_reader_open(o, &from.reader, NULL) != ALB_OK)
        return;
    put(s, path, &from, o->size);
    alb_origin_reader_close(&from.reader);
}

/* ---- putting later ---- */

/* mtx is held. */
static void forget_locked(struct alb_shelf *s, struct later *l)
{
    struct later **at = &s->later;
    alb_mutex_assert_held(&s->mtx);
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    if (--s->waiting == 0)
        alb_cond_broadcast(&s->none_left);
}

/* What was written has been; what is to be written now, or NULL: then it is forgotten, and the shelf may be closed. */
static struct alb_bytes *next_bytes(struct alb_shelf *s, struct later *l)
{
    alb_mutex_lock(&s->mtx);
    struct alb_bytes *old = l->being_written, *bytes = l->bytes;
    if (old)
        s->waiting_bytes -= old->n;
    l->being_written = bytes;
    l->bytes = NULL;
    if (!bytes)
        forget_locked(s, l);
    alb_mutex_unlock(&s->mtx);
    alb_bytes_unref(old);
    return bytes;
}

static void run_later(struct alb_task *task)
{
    struct later *l = ALB_CONTAINER_OF(task, struct later, task);
    struct alb_bytes *bytes;
    while ((bytes = next_bytes(l->shelf, l)) != NULL) {
        struct source from = {.bytes = bytes};
        put(l->shelf, l->path, &from, (int64_t)bytes->n);
    }
    alb_mem_free(l);
}

static struct later *twin_of(const struct alb_shelf *s, const char *path)
{
    struct later *l = s->later;
    while (l && strcmp(l->path, path) != 0)
        l = l->next;
    return l;
}

/* In the place of what waits under that name; *old: that. */
static void renew(struct alb_shelf *s, struct later *twin, struct later *l, struct alb_bytes **old)
{
    if (l->bytes == (twin->bytes ? twin->bytes : twin->being_written))
        return; /* the same result */
    *old = twin->bytes;
    s->waiting_bytes += l->bytes->n - (*old ? (*old)->n : 0);
    twin->bytes = l->bytes;
    l->bytes = NULL;
}

/* False: another one brings its bytes there, or too much waits. */
static bool admit(struct alb_shelf *s, struct later *l)
{
    struct alb_bytes *old = NULL;
    alb_mutex_lock(&s->mtx);
    struct later *twin = twin_of(s, l->path);
    bool full = s->waiting >= ALB_SHELF_LATER_MAX || s->waiting_bytes + l->bytes->n > ALB_SHELF_LATER_BYTES;
    if (twin) {
        renew(s, twin, l, &old);
    } else if (!full) {
        l->next = s->later;
        s->later = l;
        s->waiting++;
        s->waiting_bytes += l->bytes->n;
    }
    alb_mutex_unlock(&s->mtx);
    if (full && !twin)
        atomic_fetch_add(&s->dropped, 1);
    alb_bytes_unref(old);
    return !full && !twin;
}

static void free_later(struct later *l)
{
    alb_bytes_unref(l->bytes);
    alb_mem_free(l);
}

/* The pool takes no more. */
static void drop(struct alb_shelf *s, struct later *l)
{
    atomic_fetch_add(&s->dropped, 1);
    alb_mutex_lock(&s->mtx);
    s->waiting_bytes -= l->bytes->n;
    forget_locked(s, l);
    alb_mutex_unlock(&s->mtx);
    free_later(l);
}

void alb_shelf_put_later(struct alb_shelf *s, const char *path, struct alb_bytes *bytes)
{
    size_t n = strlen(path) + 1;
    struct later *l = s->config.keeps ? alb_mem_calloc(1, sizeof(*l) + n) : NULL;
    if (!l)
        return;
    l->shelf = s;
    l->bytes = alb_bytes_ref(bytes);
    l->task.run = run_later;
    l->task.background = true;
    l->path = (char *)(l + 1);
    memcpy(l->path, path, n);
    if (!admit(s, l))
        free_later(l);
    else if (alb_pool_submit(s->config.pool, &l->task) != ALB_OK)
        drop(s, l);
}

/* ---- the shelf ---- */

static mode_t umask_now(void)
{
    mode_t mask = umask(077);
    (void)umask(mask);
    return mask;
}

/* What a process that is no more has left. */
static void clear_up(struct alb_shelf *s)
{
    struct alb_err err = ALB_ERR_INIT;
    int own = -1;
    enum alb_code code = alb_fs_mkdirs(s->dirfd, OWN, 0700, &err);
    if (code == ALB_OK)
        code = alb_fs_open_beneath(s->dirfd, OWN, O_RDONLY | O_DIRECTORY, &own, &err);
    if (code == ALB_OK)
        code = alb_publish_recover_shared(own, &err);
    alb_fs_close(&own);
    if (code != ALB_OK)
        note(s, &s->writing, "write", &err);
}

enum alb_code alb_shelf_open(const struct alb_shelf_config *config, struct alb_shelf **out,
                             struct alb_err *err)
{
    struct alb_shelf *s = alb_mem_calloc(1, sizeof(*s));
    enum alb_code code = ALB_OK;
    *out = NULL;
    if (!s)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a storage");
    mode_t mask = umask_now();
    s->config = *config;
    s->dirfd = -1;
    s->sealer = config->keeps ? config->name : config->sealer;
    s->memo = s->sealer ? alb_seal_memo_new() : NULL;
    s->dir_mode = config->dir_mode & ~mask;
    s->file_mode = config->file_mode & ~mask;
    alb_mutex_init(&s->mtx, ALB_LOCK_SHELF);
    alb_cond_init(&s->none_left);
    if (s->sealer && !s->memo)
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory for a storage");
    if (config->keeps)
        alb_ignore(alb_fs_mkdirs(AT_FDCWD, config->folder, config->dir_mode, NULL), "opening it tells more");
    if (code == ALB_OK)
        code = alb_fs_open(AT_FDCWD, config->folder, O_RDONLY | O_DIRECTORY, 0, &s->dirfd, err);
    if (code != ALB_OK) {
        alb_err_context(err, "%s", config->name);
        alb_shelf_close(&s);
        return code;
    }
    if (config->keeps)
        clear_up(s);
    *out = s;
    return ALB_OK;
}

void alb_shelf_close(struct alb_shelf **shelf)
{
    struct alb_shelf *s = *shelf;
    *shelf = NULL;
    if (!s)
        return;
    alb_mutex_lock(&s->mtx);
    while (s->waiting > 0)
        alb_cond_wait(&s->none_left, &s->mtx);
    alb_mutex_unlock(&s->mtx);
    alb_fs_close(&s->dirfd);
    alb_seal_memo_free(&s->memo);
    alb_cond_fini(&s->none_left);
    alb_mutex_fini(&s->mtx);
    alb_mem_free(s);
}

struct alb_shelf_view alb_shelf_look(struct alb_shelf *s)
{
    struct alb_shelf_view v = {
        .name = s->config.name,
        .hits = atomic_load(&s->hits),
        .misses = atomic_load(&s->misses),
        .expired = atomic_load(&s->expired),
        .unsound = atomic_load(&s->unsound),
        .put = atomic_load(&s->put),
        .unfit = atomic_load(&s->unfit),
        .failed = atomic_load(&s->failed),
        .dropped = atomic_load(&s->dropped),
    };
    alb_mutex_lock(&s->mtx);
    v.waiting = s->waiting;
    v.reading = s->reading.sys;
    v.reading_ms = s->reading.since_ms;
    v.writing = s->writing.sys;
    v.writing_ms = s->writing.since_ms;
    alb_mutex_unlock(&s->mtx);
    return v;
}
