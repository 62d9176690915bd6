/* SPDX-License-Identifier: Apache-2.0
 *
 * The journal's file: open, mend, rewrite, append. See journal.h for the format and the promises.
 */
#include "import/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/mem.h"
#include "import/journal_index.h"
#include "import/limits.h"

#define READ_CHUNK ((size_t)256 * 1024)
#define REWRITE_ABOVE 1000u /* dead lines that are not worth the trouble */
#define OPEN_TRIES 5
/* A file that changed so recently may change again within the same tick of its clock. */
#define FRESH_NS (2 * ALB_NS_PER_S)

struct alb_journal {
    /* fixed after open */
    int fd; /* -1 when read only and absent */
    enum alb_journal_mode mode;
    struct alb_journal_index index;
    /* atomic */
    _Atomic int64_t synced_at;
    atomic_bool broken;
    _Atomic int broken_sys;
};

/* --- reading -----------------------------------------------------------------------------------------------
 */

typedef enum alb_code line_fn(void *ctx, struct alb_str line, struct alb_err *err);

/* Calls fn for every line that fits and ends in a newline; *torn tells whether something follows the last. */
static enum alb_code each_line(int fd, line_fn *fn, void *ctx, bool *torn, struct alb_err *err)
{
    struct alb_buf b = ALB_BUF_INIT(READ_CHUNK + ALB_IMPORT_JOURNAL_LINE);
    enum alb_code code = ALB_OK;
    int64_t at = 0;
    bool skipping = false; /* inside a line that is too long to be ours */
    size_t got = 1;
    *torn = false;
    while (code == ALB_OK && got > 0) {
        char *room = alb_buf_reserve(&b, READ_CHUNK);
        if (!room) {
            code = alb_fail(err, ALB_E_NO_MEMORY, "no memory for the journal");
            break;
        }
        code = alb_fs_pread_all(fd, room, READ_CHUNK, at, &got, err);
        if (code != ALB_OK)
            break;
        alb_buf_commit(&b, got);
        at += (int64_t)got;
        struct alb_str rest = alb_buf_view(&b);
        size_t end;
        while (code == ALB_OK && (end = alb_str_find(rest, '\n')) != ALB_STR_NPOS) {
            if (!skipping)
                code = fn(ctx, alb_str_sub(rest, 0, end), err);
            skipping = false;
            rest = alb_str_from(rest, end + 1);
        }
        *torn = rest.n > 0 || skipping;
        if (rest.n >= ALB_IMPORT_JOURNAL_LINE) {
            skipping = true;
            rest = alb_str_from(rest, rest.n);
        }
        alb_buf_drop_front(&b, b.n - rest.n);
    }
    alb_buf_fini(&b);
    return code;
}

static enum alb_code load_line(void *ctx, struct alb_str line, struct alb_err *err)
{
    struct alb_journal *j = ctx;
    struct alb_journal_line l;
    return alb_journal_line_parse(line, &l) ? alb_journal_index_add(&j->index, &l, err) : ALB_OK;
}

/* An empty file and one that was cut while its first line was written are new journals; *fresh says so. */
static enum alb_code check_head(int fd, const char *path, bool *fresh, struct alb_err *err)
{
    char head[sizeof(ALB_JOURNAL_HEAD) - 1];
    size_t got = 0;
    enum alb_code code = alb_fs_pread_all(fd, head, sizeof(head), 0, &got, err);
    if (code != ALB_OK)
        return code;
    *fresh = got < sizeof(head);
    if (memcmp(head, ALB_JOURNAL_HEAD, got) != 0)
        return alb_fail(err, ALB_E_INVALID, "%s is not a journal of albumen", path);
    return ALB_OK;
}

/* --- opening -----------------------------------------------------------------------------------------------
 */

static enum alb_code make_folder(const char *path, struct alb_err *err)
{
    struct alb_str s = alb_str_c(path);
    size_t slash = alb_str_rfind(s, '/');
    char folder[ALB_IMPORT_PATH_MAX];
    if (slash == ALB_STR_NPOS || slash == 0)
        return ALB_OK;
    if (!alb_str_to_c(alb_str_sub(s, 0, slash), folder, sizeof(folder)))
        return alb_fail(err, ALB_E_INVALID, "the journal's path is too long");
    return alb_fs_mkdirs(AT_FDCWD, folder, 0700, err);
}

/* Opened and locked, and still the file that stands at the path (the holder before us may have replaced it).
 */
static enum alb_code open_locked(const char *path, int *fd, struct alb_err *err)
{
    for (int i = 0; i < OPEN_TRIES; i++) {
        enum alb_code code = alb_fs_open(AT_FDCWD, path, O_RDWR | O_CREAT | O_APPEND, 0600, fd, err);
        if (code != ALB_OK)
            return code;
        if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
            int sys = errno;
            alb_fs_close(fd);
            if (sys == EWOULDBLOCK)
                return alb_fail(err, ALB_E_CONFLICT, "another import uses the journal %s", path);
            return alb_fail_sys(err, alb_code_of_errno(sys), sys, "cannot lock %s", path);
        }
        struct stat mine, there;
        if (fstat(*fd, &mine) == 0 && stat(path, &there) == 0 && mine.st_ino == there.st_ino &&
            mine.st_dev == there.st_dev)
            return ALB_OK;
        alb_fs_close(fd);
    }
    return alb_fail(err, ALB_E_CONFLICT, "the journal %s is being replaced", path);
}

struct rewriting {
    const struct alb_journal_index *index;
    int fd;
    struct alb_buf out;
};

static enum alb_code flush_rewrite(struct rewriting *r, size_t least, struct alb_err *err)
{
    if (r->out.n < least)
        return ALB_OK;
    if (alb_buf_code(&r->out) != ALB_OK)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the journal");
    enum alb_code code = alb_fs_write_all(r->fd, r->out.p, r->out.n, err);
    alb_buf_reset(&r->out);
    return code;
}

static enum alb_code keep_line(void *ctx, struct alb_str line, struct alb_err *err)
{
    struct rewriting *r = ctx;
    struct alb_journal_line l;
    if (!alb_journal_line_parse(line, &l) || !alb_journal_index_live(r->index, &l))
        return ALB_OK;
    alb_buf_str(&r->out, line);
    alb_buf_char(&r->out, '\n');
    return flush_rewrite(r, READ_CHUNK, err);
}

static enum alb_code write_copy(struct alb_journal *j, int fd, struct alb_err *err)
{
    struct rewriting r = {.index = &j->index, .fd = fd, .out = ALB_BUF_INIT(2 * READ_CHUNK)};
    bool torn;
    alb_buf_c(&r.out, ALB_JOURNAL_HEAD);
    enum alb_code code = each_line(j->fd, keep_line, &r, &torn, err);
    if (code == ALB_OK)
        code = flush_rewrite(&r, 1, err);
    if (code == ALB_OK)
        code = alb_fs_sync(fd, err);
    alb_buf_fini(&r.out);
    return code;
}

/* Leaves only what is alive. Any failure leaves the old file as it is, which is as good, only longer. */
static void rewrite(struct alb_journal *j, const char *path)
{
    struct alb_buf tmp = ALB_BUF_INIT(ALB_IMPORT_PATH_MAX + 16);
    int fd = -1;
    alb_buf_printf(&tmp, "%s.new", path);
    const char *name = alb_buf_cstr(&tmp);
    if (alb_buf_code(&tmp) == ALB_OK &&
        alb_fs_open(AT_FDCWD, name, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600, &fd, NULL) == ALB_OK) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0 && write_copy(j, fd, NULL) == ALB_OK &&
            alb_fs_rename(AT_FDCWD, name, AT_FDCWD, path, NULL) == ALB_OK) {
            int old = j->fd;
            j->fd = fd;
            fd = old;
        } else {
            alb_ignore(alb_fs_unlink(AT_FDCWD, name, NULL), "the next rewriting truncates it");
        }
    }
    alb_fs_close(&fd);
    alb_buf_fini(&tmp);
}

static enum alb_code load(struct alb_journal *j, const char *path, struct alb_err *err)
{
    bool fresh = false, torn = false;
    enum alb_code code = check_head(j->fd, path, &fresh, err);
    if (code == ALB_OK && !fresh)
        code = each_line(j->fd, load_line, j, &torn, err);
    if (code != ALB_OK || j->mode == ALB_JOURNAL_READ)
        return code;
    if (fresh) {
        code = alb_fs_truncate(j->fd, 0, err);
        if (code == ALB_OK)
            code = alb_fs_write_all(j->fd, ALB_JOURNAL_HEAD, sizeof(ALB_JOURNAL_HEAD) - 1, err);
        return code;
    }
    if (torn)
        code = alb_fs_write_all(j->fd, "\n", 1, err);
    uint64_t dead = j->index.lines - j->index.live;
    if (code == ALB_OK && dead > REWRITE_ABOVE && dead > j->index.live)
        rewrite(j, path);
    return code;
}

enum alb_code alb_journal_open(const char *path, enum alb_journal_mode mode, struct alb_journal **journal,
                               struct alb_err *err)
{
    *journal = NULL;
    struct alb_journal *j = alb_mem_calloc(1, sizeof(*j));
    if (!j)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the journal");
    j->fd = -1;
    j->mode = mode;
    atomic_init(&j->broken, false);
    atomic_init(&j->synced_at, alb_mono(alb_clock_real()));
    enum alb_code code;
    if (mode == ALB_JOURNAL_READ) {
        code = access(path, F_OK) == 0 ? alb_fs_open(AT_FDCWD, path, O_RDONLY, 0, &j->fd, err) : ALB_OK;
    } else {
        code = make_folder(path, err);
        if (code == ALB_OK)
            code = open_locked(path, &j->fd, err);
    }
    if (code == ALB_OK && j->fd >= 0)
        code = load(j, path, err);
    if (code != ALB_OK) {
        j->mode = ALB_JOURNAL_READ; /* nothing to sync */
        alb_journal_close(&j);
    }
    *journal = j;
    return code;
}

void alb_journal_close(struct alb_journal **journal)
{
    struct alb_journal *j = *journal;
    *journal = NULL;
    if (!j)
        return;
    if (j->mode == ALB_JOURNAL_WRITE && !atomic_load(&j->broken))
        alb_ignore(alb_fs_datasync(j->fd, NULL), "a memory only; the next run hashes again");
    alb_fs_close(&j->fd);
    alb_journal_index_fini(&j->index);
    alb_mem_free(j);
}

/* --- asking ------------------------------------------------------------------------------------------------
 */

bool alb_journal_hash(const struct alb_journal *j, const struct alb_item *item,
                      unsigned char sha1[ALB_SHA1_LEN])
{
    unsigned char key[16];
    if (!j)
        return false;
    alb_journal_key(alb_str_c(item->path), item->size, item->mtime_ns, item->ino, key);
    const struct alb_journal_file *f = alb_journal_index_file(&j->index, key);
    if (f)
        memcpy(sha1, f->sha1, ALB_SHA1_LEN);
    return f != NULL;
}

enum alb_journal_state alb_journal_state(const struct alb_journal *j, const struct alb_item *item,
                                         struct alb_str *url)
{
    const struct alb_journal_upload *u =
        j ? alb_journal_index_upload(&j->index, item->sha1, item->labels) : NULL;
    *url = u ? alb_str_n(u->url, u->url_n) : ALB_STR_NONE;
    return u ? u->state : ALB_JOURNAL_NONE;
}

/* --- appending ---------------------------------------------------------------------------------------------
 */

static void fail_for_good(struct alb_journal *j, const struct alb_err *err)
{
    atomic_store(&j->broken_sys, err->sys);
    atomic_store(&j->broken, true);
}

static void sync_sometimes(struct alb_journal *j)
{
    int64_t now = alb_mono(alb_clock_real()), last = atomic_load(&j->synced_at);
    if (now - last < ALB_IMPORT_JOURNAL_FLUSH_NS ||
        !atomic_compare_exchange_strong(&j->synced_at, &last, now))
        return;
    struct alb_err err = ALB_ERR_INIT;
    if (alb_fs_datasync(j->fd, &err) != ALB_OK)
        fail_for_good(j, &err);
}

static void append(struct alb_journal *j, struct alb_buf *rest)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_buf line = ALB_BUF_INIT(ALB_IMPORT_JOURNAL_LINE);
    if (alb_buf_code(rest) == ALB_OK)
        alb_journal_line_write(&line, alb_buf_view(rest));
    /* What does not fit in a line is not remembered. */
    if (line.n > 0 && alb_buf_code(&line) == ALB_OK && !atomic_load(&j->broken)) {
        if (alb_fs_write_all(j->fd, line.p, line.n, &err) != ALB_OK)
            fail_for_good(j, &err);
        else
            sync_sometimes(j);
    }
    alb_buf_fini(&line);
    alb_buf_fini(rest);
}

static bool begin_line(const struct alb_journal *j, struct alb_buf *rest, char kind,
                       const struct alb_item *item)
{
    char hex[2 * ALB_SHA1_LEN + 1];
    if (!j || j->mode == ALB_JOURNAL_READ)
        return false;
    alb_buf_init(rest, ALB_IMPORT_JOURNAL_LINE - 32);
    alb_hex(item->sha1, ALB_SHA1_LEN, hex);
    alb_buf_printf(rest, "%c %s ", kind, hex);
    return true;
}

void alb_journal_hashed(struct alb_journal *j, const struct alb_item *item)
{
    struct alb_buf rest;
    int64_t age = alb_wall(alb_clock_real()) * ALB_NS_PER_MS - item->mtime_ns;
    if ((age >= 0 && age < FRESH_NS) || !begin_line(j, &rest, 'H', item))
        return;
    alb_buf_printf(&rest, "%lld %lld %llu ", (long long)item->size, (long long)item->mtime_ns,
                   (unsigned long long)item->ino);
    alb_percent_encode(&rest, alb_str_c(item->path));
    append(j, &rest);
}

void alb_journal_begun(struct alb_journal *j, const struct alb_item *item, struct alb_str url)
{
    struct alb_buf rest;
    if (url.n > ALB_IMPORT_URL_MAX || !begin_line(j, &rest, 'U', item))
        return;
    alb_buf_printf(&rest, "%llx %lld ", (unsigned long long)item->labels, (long long)item->size);
    alb_percent_encode(&rest, url);
    append(j, &rest);
}

void alb_journal_done(struct alb_journal *j, const struct alb_item *item, const char *result,
                      struct alb_str asset)
{
    struct alb_buf rest;
    if (!begin_line(j, &rest, 'D', item))
        return;
    alb_buf_printf(&rest, "%llx %s " ALB_STR_FMT, (unsigned long long)item->labels, result,
                   ALB_STR_ARG(asset.n > 0 ? asset : ALB_STR("-")));
    append(j, &rest);
}

void alb_journal_gone(struct alb_journal *j, const struct alb_item *item)
{
    struct alb_buf rest;
    if (!begin_line(j, &rest, 'X', item))
        return;
    alb_buf_printf(&rest, "%llx", (unsigned long long)item->labels);
    append(j, &rest);
}

bool alb_journal_broken(const struct alb_journal *j, struct alb_err *err)
{
    if (!j || !atomic_load(&j->broken))
        return false;
    int sys = atomic_load(&j->broken_sys);
    return alb_fail_sys(err, alb_code_of_errno(sys), sys, "the journal cannot be written") != ALB_OK;
}

enum alb_code alb_journal_default_path(struct alb_str server, struct alb_str key, struct alb_buf *path,
                                       struct alb_err *err)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    struct alb_hash h;
    unsigned char sum[ALB_HASH_MAX_LEN];
    char hex[17];
    alb_hash_init(&h, ALB_HASH_SHA256);
    alb_hash_update(&h, server.p, server.n);
    alb_hash_update(&h, "\n", 1);
    alb_hash_update(&h, key.p, key.n);
    alb_hash_final(&h, sum);
    alb_hex(sum, 8, hex);
    alb_buf_reset(path);
    if (state && state[0] == '/')
        alb_buf_printf(path, "%s/albumen/import-%s.journal", state, hex);
    else if (home && home[0] == '/')
        alb_buf_printf(path, "%s/.local/state/albumen/import-%s.journal", home, hex);
    else
        return alb_fail(err, ALB_E_NOT_FOUND, "neither XDG_STATE_HOME nor HOME is set");
    return alb_buf_code(path) == ALB_OK ? ALB_OK
                                        : alb_fail(err, ALB_E_TOO_LARGE, "the journal's path is too long");
}
