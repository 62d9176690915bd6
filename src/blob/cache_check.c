/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading what a cache keeps, file by file, whether somebody has asked for it (`albumen check`) or not (the scrub):
 * contract in cache.h.
 */
#include "blob/cache_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/stat.h"
#include "blob/list.h"
#include "blob/purges.h"

#define PIECE ((size_t)256 * 1024)
#define BLOCK ((size_t)4096)
_Static_assert(PIECE >= ALB_DERIVED_FRONT_MAX, "what stands in front of a body is in the first piece");
_Static_assert(PIECE % BLOCK == 0, "pieces are whole blocks");

/* One reading of one file. */
struct reading {
    struct alb_cache *cache;
    struct alb_cache_checked *sum;
    alb_cache_pace_fn *pace; /* NULL: as fast as it goes */
    void *arg;
    /* of the file */
    int fd;
    bool direct; /* past the page cache */
    unsigned char *piece;
    int64_t size, bytes; /* of them read */
};

/* ---- what the disk says, and not what memory remembers of it ---- */

static bool set_direct(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && fcntl(fd, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

/* Where a file system cannot read past its memory, or not so small a piece, what it remembers is dropped first (a hint:
 * what is not written yet, or mapped, stays). */
static void leave_direct(struct reading *r)
{
    if (r->direct)
        alb_ignore(set_direct(r->fd, false), "then reading says what is wrong");
    r->direct = false;
    alb_ignore(posix_fadvise(r->fd, 0, 0, POSIX_FADV_DONTNEED) != 0, "a hint");
}

/* Whole blocks, and only as far as the file went when it was opened: one call for each, since what follows a short one
 * would not begin at a block. */
static enum alb_code read_direct(struct reading *r, size_t want, size_t *got, struct alb_err *err)
{
    size_t whole = want / BLOCK * BLOCK;
    enum alb_code code = alb_fs_pread_all(r->fd, r->piece, whole, r->bytes, got, err);

    if (code != ALB_OK || *got < whole || whole == want)
        return code;
    ssize_t n = pread(r->fd, r->piece + whole, BLOCK, r->bytes + (int64_t)whole);
    if (n < 0)
        return alb_fail_sys(err, alb_code_of_errno(errno), errno, "read");
    *got += (size_t)n < want - whole ? (size_t)n : want - whole;
    return ALB_OK;
}

/* The next piece; *got less than PIECE at the end. */
static enum alb_code read_piece(struct reading *r, size_t *got, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    int64_t left = r->size - r->bytes;
    size_t want = left < (int64_t)PIECE ? (size_t)left : PIECE;
    enum alb_code code = ALB_OK;

    *got = 0;
    if (r->direct) {
        code = read_direct(r, want, got, &why);
        if (code != ALB_OK && why.sys == EINVAL)
            leave_direct(r);
        else if (code != ALB_OK)
            return alb_fail_sys(err, code, why.sys, "%s", why.msg);
    }
    if (!r->direct)
        code = alb_fs_pread_all(r->fd, r->piece, PIECE, r->bytes, got, err);
    if (code != ALB_OK)
        return code;
    r->bytes += (int64_t)*got;
    if (r->pace != NULL && !r->pace(r->arg, (int64_t)*got))
        return alb_fail(err, ALB_E_CANCELLED, "stopped");
    return ALB_OK;
}

/* A plain file is named by its bytes. */
static enum alb_code check_plain(struct reading *r, const struct alb_index_key *key, struct alb_err *err)
{
    unsigned char sum[ALB_HASH_MAX_LEN];
    struct alb_hash hash;
    size_t got = PIECE;
    enum alb_code code = ALB_OK;

    alb_hash_init(&hash, ALB_HASH_SHA256);
    while (code == ALB_OK && got == PIECE) {
        code = read_piece(r, &got, err);
        if (code == ALB_OK)
            alb_hash_update(&hash, r->piece, got);
    }
    (void)alb_hash_final(&hash, sum);
    if (code == ALB_OK && memcmp(sum, key->b, sizeof(key->b)) != 0)
        code = alb_fail(err, ALB_E_CORRUPT, "its bytes have another checksum than its name");
    return code;
}

static enum alb_code check_derived(struct reading *r, const struct alb_index_key *key, struct alb_err *err)
{
    struct alb_derived_view view;
    size_t got = 0;
    enum alb_code code = read_piece(r, &got, err);

    if (code == ALB_OK)
        code = alb_derived_parse_front(r->piece, got, (uint64_t)r->size, &view, err);
    if (code != ALB_OK)
        return code;
    uint64_t want = view.checksum;
    bool ours = memcmp(view.key.b, key->b, sizeof(key->b)) == 0;
    struct alb_xxh3_state *sum = alb_xxh3_new();
    if (sum == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a checksum");
    alb_xxh3_update(sum, r->piece + ALB_DERIVED_SUMMED_AT, got - ALB_DERIVED_SUMMED_AT);
    while (code == ALB_OK && got == PIECE) {
        code = read_piece(r, &got, err);
        if (code == ALB_OK)
            alb_xxh3_update(sum, r->piece, got);
    }
    if (code == ALB_OK && alb_xxh3_digest(sum) != want)
        code = alb_fail(err, ALB_E_CORRUPT, "derived file with a wrong checksum");
    alb_xxh3_free(sum);
    if (code == ALB_OK && !ours)
        code = alb_fail(err, ALB_E_CORRUPT, "it lies under the name of another key");
    return code;
}

static enum alb_code check_open(struct reading *r, int dirfd, const char *name,
                                const struct alb_index_key *key, struct alb_err *err)
{
    r->fd = -1;
    r->bytes = 0;
    unsigned char *room = alb_mem_alloc(PIECE + BLOCK);
    if (room == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to check the cache");
    r->piece = room + (BLOCK - (uintptr_t)room % BLOCK) % BLOCK; /* as direct reading wants it */
    enum alb_code code = alb_fs_open(dirfd, name, O_RDONLY | O_NOFOLLOW, 0, &r->fd, err);
    if (code == ALB_OK)
        code = alb_fs_size(r->fd, &r->size, err);
    r->direct = code == ALB_OK && set_direct(r->fd, true);
    if (code == ALB_OK && !r->direct)
        leave_direct(r);
    if (code == ALB_OK)
        code = r->cache->plain ? check_plain(r, key, err) : check_derived(r, key, err);
    alb_fs_close(&r->fd);
    alb_mem_free(room);
    return code;
}

/* dirfd/name: the file of that key. */
static enum alb_code check_one(struct reading *r, int dirfd, const char *name,
                               const struct alb_index_key *key, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    enum alb_code code = check_open(r, dirfd, name, key, &why);

    if (code == ALB_E_NOT_FOUND)
        return ALB_OK; /* evicted meanwhile, or of an older version */
    if (code == ALB_E_CANCELLED)
        return alb_fail(err, code, "stopped");
    if (why.sys == EIO)
        code = ALB_E_CORRUPT; /* the disk cannot read it */
    r->sum->seen++;
    r->sum->bytes += r->bytes;
    if (code != ALB_E_CORRUPT)
        return code == ALB_OK ? ALB_OK : alb_fail_sys(err, code, why.sys, "%s: %s", name, why.msg);
    r->sum->bad++;
    alb_mutex_lock(&r->cache->mtx);
    r->cache->corrupt++;
    alb_mutex_unlock(&r->cache->mtx);
    alb_stat_inc(ALB_STAT_CACHE_CORRUPT);
    alb_ignore(alb_quarantine_take(r->cache->quarantine, dirfd, name, why.msg, false, NULL),
               "counted; a miss anyway");
    alb_cache_forget(r->cache, key);
    return ALB_OK;
}

/* ---- every file of a folder ---- */

static enum alb_code check_file(void *arg, int dirfd, const char *name, struct alb_err *err)
{
    struct reading *r = arg;
    struct alb_index_key key;

    if (alb_cache_key_of_name(name, &key))
        return check_one(r, dirfd, name, &key, err);
    r->sum->foreign++;
    return ALB_OK;
}

enum alb_code alb_cache_check_step(struct alb_cache *c, int64_t *cursor, struct alb_cache_checked *sum,
                                   struct alb_err *err)
{
    struct reading r = {.cache = c, .sum = sum};
    struct alb_err why = ALB_ERR_INIT;
    char name[3];

    if (*cursor < 0 || *cursor >= ALB_CACHE_FOLDERS) {
        *cursor = -1;
        return ALB_OK;
    }
    unsigned char byte = (unsigned char)*cursor;
    alb_hex(&byte, 1, name);
    enum alb_code code = alb_list_folder(c->dirfd, name, check_file, &r, &why);
    if (code != ALB_OK && code != ALB_E_NOT_FOUND)
        return alb_fail_sys(err, code, why.sys, "%s", why.msg);
    *cursor = *cursor + 1 < ALB_CACHE_FOLDERS ? *cursor + 1 : -1;
    return ALB_OK;
}

/* ---- the scrub ---- */

void alb_cache_scrub_init(struct alb_cache_scrub *s)
{
    memset(s, 0, sizeof(*s));
}

/* The next file to be read; false: that was the last. */
static bool next_file(struct alb_cache *c, struct alb_cache_scrub *s, struct alb_index_key *key)
{
    struct alb_index_row rows[ALB_CACHE_SCRUB_FILES];

    while (s->at == s->count && s->folder < ALB_CACHE_FOLDERS) {
        alb_mutex_lock(&c->mtx);
        s->count = alb_index_folder(c->index, s->folder, false, &s->place, rows, ALB_CACHE_SCRUB_FILES);
        alb_mutex_unlock(&c->mtx);
        s->at = 0;
        for (size_t i = 0; i < s->count; i++)
            memcpy(s->keys[i], rows[i].key.b, ALB_INDEX_KEY_LEN);
        if (s->count == 0) {
            s->folder++;
            s->place = 0;
        }
    }
    if (s->at == s->count)
        return false;
    memcpy(key->b, s->keys[s->at++], ALB_INDEX_KEY_LEN);
    return true;
}

bool alb_cache_scrub_step(struct alb_cache *c, struct alb_cache_scrub *s, alb_cache_pace_fn *pace, void *arg,
                          struct alb_cache_checked *sum)
{
    struct reading r = {.cache = c, .sum = sum, .pace = pace, .arg = arg};
    struct alb_index_key key;
    struct alb_err err = ALB_ERR_INIT;
    char name[ALB_DERIVED_NAME_MAX];

    if (!s->begun)
        alb_cache_want_walk(c); /* names and sizes too */
    s->begun = true;
    if (!next_file(c, s, &key))
        return false;
    alb_cache_name(&key, name);
    if (check_one(&r, c->dirfd, name, &key, &err) != ALB_OK && err.code != ALB_E_CANCELLED)
        alb_cache_note(c, ALB_CACHE_READS, err.code, err.sys);
    return true;
}

/* ---- purges ---- */

/* One look through one folder. */
struct purging {
    struct alb_cache *cache;
    struct alb_purges *purges;
    unsigned char *room; /* of what stands in front of a body */
    size_t removed;
};

/* *by: the purge that touches it; 0: none. What is damaged is given to nobody, and others find it. */
static enum alb_code purged_by(struct purging *p, int dirfd, const char *name, uint64_t *by,
                               struct alb_err *err)
{
    struct alb_str labels[ALB_LABELS_MAX];
    struct alb_derived_view view;
    struct stat st;
    struct alb_err why = ALB_ERR_INIT;

    *by = 0;
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))
        return ALB_OK;
    enum alb_code code = alb_derived_read_front(dirfd, name, p->room, &view, &why);
    if (code == ALB_E_NOT_FOUND || code == ALB_E_CORRUPT)
        return ALB_OK;
    if (code != ALB_OK) {
        alb_cache_note(p->cache, ALB_CACHE_READS, code, why.sys);
        return alb_fail_sys(err, code, why.sys, "%s", why.msg);
    }
    size_t n = alb_labels_read(view.front.labels, labels);
    uint64_t newest = alb_purges_newest(p->purges, labels, n);
    *by = newest > view.front.purges ? newest : 0;
    return ALB_OK;
}

static enum alb_code purge_file(struct purging *p, int dirfd, const char *name,
                                const struct alb_index_key *key, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    uint64_t by = 0;
    enum alb_code code = purged_by(p, dirfd, name, &by, err);

    if (code != ALB_OK || by == 0)
        return code;
    alb_cache_forget(p->cache, key);
    code = alb_fs_unlink(dirfd, name, &why);
    if (code == ALB_E_NOT_FOUND)
        return ALB_OK;
    if (code !=
        ALB_OK) { /* it lies there still, and would be found when nothing is said of the purge any more */
        alb_cache_note(p->cache, ALB_CACHE_WRITES, code, why.sys);
        return alb_fail_sys(err, code, why.sys, "%s", why.msg);
    }
    alb_purges_count(p->purges, by);
    p->removed++;
    return ALB_OK;
}

static enum alb_code met_purged(void *arg, int dirfd, const char *name, struct alb_err *err)
{
    struct alb_index_key key;

    if (alb_cache_key_of_name(name, &key))
        alb_ignore(purge_file(arg, dirfd, name, &key, err), "the first that failed is in err; the others go");
    return ALB_OK;
}

/* The folder itself is looked through, not the index: a file that it has lost is found again one day. */
enum alb_code alb_cache_purge_step(struct alb_cache *c, struct alb_purges *purges, int *cursor,
                                   size_t *removed, struct alb_err *err)
{
    unsigned char *room ALB_CLEANUP(alb_mem_cleanup) = alb_mem_alloc(ALB_DERIVED_FRONT_MAX);
    struct purging p = {.cache = c, .purges = purges, .room = room};
    struct alb_err why = ALB_ERR_INIT;
    unsigned char byte = (unsigned char)*cursor;
    char name[3];

    *cursor = *cursor + 1 < ALB_CACHE_FOLDERS && !c->plain ? *cursor + 1 : -1;
    if (c->plain)
        return ALB_OK;
    if (room == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to look for what was purged");
    alb_hex(&byte, 1, name);
    alb_ignore(alb_list_folder(c->dirfd, name, met_purged, &p, &why), "it is in why, if nothing was before");
    *removed += p.removed;
    alb_stat_add(ALB_STAT_CACHE_PURGED, (int64_t)p.removed);
    bool all = why.code == ALB_OK || why.code == ALB_E_NOT_FOUND; /* no folder: nothing in it */
    return all ? ALB_OK : alb_fail_sys(err, why.code, why.sys, "%s", why.msg);
}

enum alb_code alb_cache_sync(struct alb_cache *c, struct alb_err *err)
{
    if (syncfs(c->dirfd) == 0)
        return ALB_OK;
    int sys = errno;
    alb_cache_note(c, ALB_CACHE_WRITES, alb_code_of_errno(sys), sys);
    return alb_fail_sys(err, alb_code_of_errno(sys), sys, "syncfs of a cache");
}
