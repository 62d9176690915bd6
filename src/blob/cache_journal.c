/* SPDX-License-Identifier: Apache-2.0
 *
 * The journal of a cache (contract and format: cache_journal.h).
 */
#include "blob/cache_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/publish.h"

#define NAME "journal"
#define MAGIC "ALBINDX1"
#define PIECE ((size_t)64 * 1024)
#define LONG_MIN 65536 /* records: shorter ones stay as they are */
#define LONG_SHARE 3   /* so many records for each file are too many */
#define TRIES 3

_Static_assert(PIECE % ALB_JOURNAL_RECORD == 0, "pieces hold whole records");

static void put_u32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++, v >>= 8)
        p[i] = (unsigned char)v;
}

static uint32_t get_u32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void encode(const struct alb_cache_journal_record *r, unsigned char *p)
{
    p[4] = (unsigned char)r->op;
    p[5] = r->hits;
    p[6] = r->item.kind;
    p[7] = 0;
    put_u32(p + 8, r->item.pages);
    put_u32(p + 12, r->item.made_s);
    memcpy(p + 16, r->key.b, ALB_INDEX_KEY_LEN);
    put_u32(p, (uint32_t)alb_xxh3(p + 4, ALB_JOURNAL_RECORD - 4));
}

static bool decode(const unsigned char *p, struct alb_cache_journal_record *r)
{
    if (get_u32(p) != (uint32_t)alb_xxh3(p + 4, ALB_JOURNAL_RECORD - 4) || p[4] < ALB_JOURNAL_HEAD ||
        p[4] > ALB_JOURNAL_MOVED)
        return false;
    *r = (struct alb_cache_journal_record){
        .op = (enum alb_cache_journal_op)p[4], .hits = p[5], .item = {get_u32(p + 8), get_u32(p + 12), p[6]}};
    memcpy(r->key.b, p + 16, ALB_INDEX_KEY_LEN);
    return true;
}

static struct alb_cache_journal_record head_record(uint64_t rows)
{
    struct alb_cache_journal_record r = {.op = ALB_JOURNAL_HEAD};

    memcpy(r.key.b, MAGIC, 8);
    put_u32(r.key.b + 8, (uint32_t)rows);
    put_u32(r.key.b + 12, (uint32_t)(rows >> 32));
    return r;
}

/* ---- reading ---- */

/* One record at its place. False: nothing behind it counts. */
static bool take(struct alb_cache_journal *j, const unsigned char *p, struct alb_cache_journal_record *r)
{
    if (!decode(p, r)) {
        j->damaged = true;
        return true;
    }
    if (r->op == ALB_JOURNAL_MOVED) {
        j->moved = true;
        return false;
    }
    if (j->mine != NULL && memcmp(p, j->mine, ALB_JOURNAL_RECORD) == 0)
        j->mine_seen = true;
    j->apply(j->arg, r);
    return true;
}

/* Applies from `at` to the end; *last (may be NULL) is the last good record. */
static enum alb_code read_on(struct alb_cache_journal *j, struct alb_cache_journal_record *last,
                             struct alb_err *err)
{
    unsigned char *piece ALB_CLEANUP(alb_mem_cleanup) = alb_mem_alloc(PIECE);
    size_t got = PIECE;
    enum alb_code code = ALB_OK;

    if (piece == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to read a journal");
    while (code == ALB_OK && !j->moved && got == PIECE) {
        struct alb_cache_journal_record r;
        code = alb_fs_pread_all(j->fd, piece, PIECE, j->at, &got, err);
        size_t whole = code == ALB_OK ? got / ALB_JOURNAL_RECORD : 0, i = 0;
        while (i < whole && take(j, piece + i * ALB_JOURNAL_RECORD, &r)) {
            if (last != NULL)
                *last = r;
            i++;
        }
        j->at += (int64_t)(i * ALB_JOURNAL_RECORD);
        if (code == ALB_OK && got % ALB_JOURNAL_RECORD != 0)
            j->damaged = true; /* what is appended now would stand askew */
    }
    j->records = j->at / ALB_JOURNAL_RECORD;
    return code;
}

/* The file of that name; *rows: of its snapshot. NOT_FOUND, CORRUPT: not a journal. */
static enum alb_code open_named(struct alb_cache_journal *j, uint64_t *rows, struct alb_err *err)
{
    unsigned char first[ALB_JOURNAL_RECORD];
    struct alb_cache_journal_record head;
    size_t got = 0;
    int fd = -1;
    enum alb_code code = alb_fs_open(j->dirfd, NAME, O_RDWR | O_APPEND | O_NOFOLLOW, 0, &fd, err);

    if (code != ALB_OK)
        return code;
    code = alb_fs_pread_all(fd, first, sizeof(first), 0, &got, err);
    alb_fs_close(&j->fd);
    j->fd = fd;
    j->at = ALB_JOURNAL_RECORD;
    j->moved = false;
    if (code != ALB_OK)
        return code;
    if (got != sizeof(first) || !decode(first, &head) || head.op != ALB_JOURNAL_HEAD ||
        memcmp(head.key.b, MAGIC, 8) != 0)
        return alb_fail(err, ALB_E_CORRUPT, "this is no journal");
    *rows = get_u32(head.key.b + 8) | (uint64_t)get_u32(head.key.b + 12) << 32;
    return ALB_OK;
}

/* Another one has taken its place: what its snapshot says is known, if this one was read to its end. BUSY: not yet. */
static enum alb_code go_over(struct alb_cache_journal *j, struct alb_err *err)
{
    struct stat old, now;
    uint64_t rows = 0;
    bool whole = j->moved;

    if (fstat(j->fd, &old) == 0 && fstatat(j->dirfd, NAME, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
        old.st_ino == now.st_ino && old.st_dev == now.st_dev)
        return alb_fail(err, ALB_E_BUSY, "the journal of the cache is being written anew");
    enum alb_code code = open_named(j, &rows, err);
    if (code != ALB_OK) {
        j->damaged = true;
        return code;
    }
    if (!whole)
        j->damaged = true; /* records were missed: the folders tell */
    else if (rows < (uint64_t)INT64_MAX / ALB_JOURNAL_RECORD - 1)
        j->at += (int64_t)rows * ALB_JOURNAL_RECORD;
    return ALB_OK;
}

enum alb_code alb_cache_journal_follow(struct alb_cache_journal *j, struct alb_err *err)
{
    enum alb_code code = ALB_OK;

    if (j->fd < 0)
        return alb_fail(err, ALB_E_IO, "the cache has no journal");
    for (int i = 0; i < TRIES && code == ALB_OK; i++) {
        struct stat st;
        code = read_on(j, NULL, err);
        if (code != ALB_OK)
            break;
        if (fstat(j->fd, &st) != 0)
            return alb_fail_sys(err, alb_code_of_errno(errno), errno, "look at the journal");
        if (st.st_size < j->at) {
            j->damaged = true;
            j->at = st.st_size / ALB_JOURNAL_RECORD * ALB_JOURNAL_RECORD;
        }
        if (!j->moved && st.st_nlink > 0)
            return ALB_OK;
        code = go_over(j, err);
    }
    return code;
}

/* ---- writing ---- */

enum alb_code alb_cache_journal_append(struct alb_cache_journal *j,
                                       const struct alb_cache_journal_record *records, size_t n,
                                       struct alb_err *err)
{
    unsigned char bytes[ALB_JOURNAL_BATCH * ALB_JOURNAL_RECORD];
    enum alb_code code = ALB_OK;

    if (n == 0)
        return ALB_OK;
    for (size_t i = 0; i < n; i++)
        encode(&records[i], bytes + i * ALB_JOURNAL_RECORD);
    for (int i = 0; i < TRIES; i++) {
        code = alb_cache_journal_follow(j, err);
        if (code == ALB_OK && j->damaged)
            code = alb_fail(err, ALB_E_BUSY, "the journal of the cache is damaged and will be written anew");
        if (code == ALB_OK)
            code = alb_fs_write_all(j->fd, bytes, n * ALB_JOURNAL_RECORD, err);
        if (code != ALB_OK)
            return code;
        j->mine = bytes + (n - 1) * ALB_JOURNAL_RECORD;
        j->mine_seen = false;
        code = alb_cache_journal_follow(j, err);
        j->mine = NULL;
        if (code != ALB_OK || j->mine_seen)
            return code;
    }
    return alb_fail(err, ALB_E_BUSY, "the journal of the cache changes too often");
}

bool alb_cache_journal_is_long(const struct alb_cache_journal *j, int64_t files)
{
    return j->records > LONG_MIN && j->records > files * LONG_SHARE;
}

struct writer {
    int fd;
    size_t n;
    unsigned char bytes[PIECE];
};

static enum alb_code flush(struct writer *w, struct alb_err *err)
{
    size_t n = w->n;

    w->n = 0;
    return n > 0 ? alb_fs_write_all(w->fd, w->bytes, n, err) : ALB_OK;
}

static enum alb_code add(struct writer *w, const struct alb_cache_journal_record *r, struct alb_err *err)
{
    encode(r, w->bytes + w->n);
    w->n += ALB_JOURNAL_RECORD;
    return w->n == PIECE ? flush(w, err) : ALB_OK;
}

/* What is to be written down, a few rows at a time: hits go on meanwhile, under their lock. */
struct snapshot {
    const struct alb_index *ix;
    struct alb_mutex *mtx;
    struct alb_index_walk walk;
    uint32_t ghost;
    struct alb_cache_journal_record some[ALB_JOURNAL_BATCH];
    size_t count;
};

static bool next_some(struct snapshot *s)
{
    struct alb_index_row row;
    uint32_t ghost[2];

    s->count = 0;
    alb_mutex_lock(s->mtx);
    while (s->count < ALB_JOURNAL_BATCH && alb_index_walk(s->ix, &s->walk, &row))
        s->some[s->count++] = (struct alb_cache_journal_record){
            .op = row.place == ALB_INDEX_MAIN ? ALB_JOURNAL_KEEP_MAIN : ALB_JOURNAL_KEEP_SMALL,
            .key = row.key,
            .item = row.item,
            .hits = row.hits};
    while (s->count < ALB_JOURNAL_BATCH && alb_index_walk_ghost(s->ix, &s->ghost, ghost))
        s->some[s->count++] =
            (struct alb_cache_journal_record){.op = ALB_JOURNAL_GHOST, .item = {ghost[0], ghost[1], 0}};
    alb_mutex_unlock(s->mtx);
    return s->count > 0;
}

static enum alb_code write_snapshot(struct writer *w, const struct alb_index *ix, struct alb_mutex *mtx,
                                    bool clean, struct alb_err *err)
{
    struct snapshot s = {.ix = ix, .mtx = mtx};
    uint64_t rows = 0;

    while (next_some(&s))
        rows += s.count;
    const struct alb_cache_journal_record head = head_record(rows);
    const struct alb_cache_journal_record end = {.op = clean ? ALB_JOURNAL_CLEAN : ALB_JOURNAL_HERE};
    enum alb_code code = add(w, &head, err);
    s = (struct snapshot){.ix = ix, .mtx = mtx};
    while (code == ALB_OK && next_some(&s))
        for (size_t i = 0; i < s.count && code == ALB_OK; i++)
            code = add(w, &s.some[i], err);
    if (code == ALB_OK)
        code = add(w, &end, err);
    return code == ALB_OK ? flush(w, err) : code;
}

/* The last word of the old one; what others have said before it goes over into the new one. */
static enum alb_code end_old(struct alb_cache_journal *j, int to, struct alb_err *err)
{
    const struct alb_cache_journal_record moved = {.op = ALB_JOURNAL_MOVED};
    unsigned char bytes[ALB_JOURNAL_RECORD];
    enum alb_code code = ALB_OK;

    if (j->fd < 0 || j->damaged)
        return ALB_OK;
    encode(&moved, bytes);
    int64_t from = j->at;
    if (!j->moved)
        code = alb_fs_write_all(j->fd, bytes, sizeof(bytes), err);
    if (code == ALB_OK)
        code = read_on(j, NULL, err);
    while (code == ALB_OK && from < j->at) {
        unsigned char copy[ALB_JOURNAL_BATCH * ALB_JOURNAL_RECORD];
        size_t n = j->at - from < (int64_t)sizeof(copy) ? (size_t)(j->at - from) : sizeof(copy), got = 0;
        code = alb_fs_pread_all(j->fd, copy, n, from, &got, err);
        if (code == ALB_OK)
            code = alb_fs_write_all(to, copy, got, err);
        from += (int64_t)n;
    }
    return code;
}

static enum alb_code replace(struct alb_cache_journal *j, const struct alb_index *ix, struct alb_mutex *mtx,
                             bool clean, struct alb_err *err)
{
    struct alb_publish p;
    struct writer *w ALB_CLEANUP(alb_mem_cleanup) = alb_mem_alloc(sizeof(*w));
    unsigned flags = ALB_PUBLISH_DURABLE | (j->fd >= 0 ? ALB_PUBLISH_REPLACE : ALB_PUBLISH_LINK);

    if (w == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to write a journal");
    enum alb_code code = alb_publish_begin(&p, j->tmpfd, err);
    w->fd = p.fd;
    w->n = 0;
    if (code == ALB_OK)
        code = write_snapshot(w, ix, mtx, clean, err);
    if (code == ALB_OK)
        code = end_old(j, p.fd, err);
    if (code == ALB_OK)
        code = alb_publish_commit(&p, j->dirfd, NAME, flags, NULL, NULL, err);
    alb_publish_end(&p);
    return code;
}

/* The lock of who writes a new one lies on the old one's file, and ends with its descriptor. */
static enum alb_code take_over(struct alb_cache_journal *j, const struct alb_index *ix, struct alb_mutex *mtx,
                               bool clean, bool *ours, struct alb_err *err)
{
    int old = j->fd;
    enum alb_code code = ALB_OK;

    if (old >= 0 && flock(old, LOCK_EX | LOCK_NB) != 0)
        return alb_fail(err, ALB_E_BUSY, "another process writes the journal anew");
    if (old >= 0 && !j->damaged && !j->moved)
        code = alb_cache_journal_follow(j, err);
    if (j->fd != old) /* somebody else has just done it */
        return code;
    if (code == ALB_OK)
        code = replace(j, ix, mtx, clean, err);
    *ours = code == ALB_OK;
    if (code != ALB_OK && old >= 0)
        (void)flock(old, LOCK_UN);
    return code;
}

enum alb_code alb_cache_journal_renew(struct alb_cache_journal *j, const struct alb_index *ix,
                                      struct alb_mutex *mtx, bool clean, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    uint64_t rows = 0;
    bool ours = false;
    enum alb_code code = take_over(j, ix, mtx, clean, &ours, &why);

    if (code != ALB_OK && code != ALB_E_CONFLICT)
        return alb_fail_sys(err, code, why.sys, "%s", why.msg);
    code = open_named(j, &rows, err); /* closes the old one */
    j->damaged = code != ALB_OK;
    if (code == ALB_OK && ours) /* what is in it is known */
        j->at += (int64_t)rows * ALB_JOURNAL_RECORD;
    return code == ALB_OK ? read_on(j, NULL, err) : code;
}

/* ---- open and close ---- */

enum alb_code alb_cache_journal_open(struct alb_cache_journal *j, enum alb_cache_journal_found *found,
                                     struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    struct alb_cache_journal_record last = {.op = ALB_JOURNAL_HEAD};
    uint64_t rows;

    *found = ALB_JOURNAL_NEW;
    enum alb_code code = open_named(j, &rows, &why);
    if (code == ALB_E_NOT_FOUND)
        return ALB_OK;
    *found = ALB_JOURNAL_DAMAGED;
    if (code == ALB_OK)
        code = read_on(j, &last, &why);
    if (code == ALB_OK && !j->damaged && !j->moved)
        *found = last.op == ALB_JOURNAL_CLEAN ? ALB_JOURNAL_TRUSTED : ALB_JOURNAL_UNCLEAN;
    if (code != ALB_OK)
        j->damaged = true;
    if (code == ALB_OK || code == ALB_E_CORRUPT)
        return ALB_OK;
    return alb_fail_sys(err, code, why.sys, "%s", why.msg);
}

void alb_cache_journal_close(struct alb_cache_journal *j)
{
    alb_fs_close(&j->fd);
}
