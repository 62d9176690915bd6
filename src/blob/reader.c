/* SPDX-License-Identifier: Apache-2.0
 *
 * The checked reader of originals (contract: store.h), for every store that can open a descriptor.
 *
 * Law 3 without holding 1 MiB per reader: the first touch of a block reads all of it and compares it with its
 * sum; meanwhile the sums of its 64 KiB pieces are noted. What is given afterwards is read a second time and
 * compared with the note, so even bytes that the kernel had to fetch again in between are checked bytes. A
 * request for a whole block is read once, into the caller's buffer.
 */
#include "blob/store.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stat.h"
#include "blob/scan.h"

struct alb_blob_reader {
    struct alb_blob_scan *scan;
    unsigned char *sums;
    int64_t noted_block; /* whose pieces are noted, -1 = none */
    uint64_t pieces[ALB_PIECES_PER_BLOCK];
    bool told;                    /* damage has been logged */
    struct alb_blob_store *store; /* NULL: no original, its user tells */
    unsigned char sha256[ALB_SHA256_LEN];
    char key[ALB_BLOB_KEY_MAX];
};

static bool is_damage(enum alb_code code, int sys)
{
    return code == ALB_E_CORRUPT || code == ALB_E_NOT_FOUND || sys == EIO; /* a bad sector is damage too */
}

static void tell(struct alb_blob_reader *r, int64_t block, const struct alb_err *err)
{
    if (r->store == NULL || r->told || !is_damage(err->code, err->sys))
        return;
    r->told = true;
    if (err->code != ALB_E_NOT_FOUND) {
        alb_stat_inc(ALB_STAT_BLOB_CORRUPT);
        alb_log(ALB_LOG_ERROR, "damaged original", ALB_LOG_C("key", r->key), ALB_LOG_C("why", err->msg));
    }
    if (r->store->damage_fn != NULL)
        r->store->damage_fn(r->store->damage_ctx, r->sha256, block);
}

/* Takes *fd. */
static enum alb_code attach(struct alb_blob_reader *r, int *fd, int64_t size, struct alb_str sums,
                            struct alb_err *err)
{
    r->sums = alb_mem_alloc(sums.n);
    if (r->sums == NULL) {
        alb_fs_close(fd);
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the sums of a file");
    }
    if (sums.n > 0)
        memcpy(r->sums, sums.p, sums.n);
    return alb_blob_scan_open(fd, size, alb_str_n((const char *)r->sums, sums.n), &r->scan, err);
}

static enum alb_code open_reader(struct alb_blob_store *store, const struct alb_blob_ref *ref, bool quiet,
                                 struct alb_blob_reader **reader, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    int fd = -1;
    enum alb_code code = ALB_OK;

    *reader = NULL;
    struct alb_blob_reader *r = alb_mem_calloc(1, sizeof(*r));
    if (r == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a reader");
    r->noted_block = -1;
    r->store = store;
    r->told = quiet;
    memcpy(r->sha256, ref->sha256, sizeof(r->sha256));
    if (!alb_str_to_c(ref->key, r->key, sizeof(r->key)))
        code = alb_fail(&why, ALB_E_CORRUPT, "no key of a store");
    if (code == ALB_OK)
        code = store->ops->open(store, ref, &fd, &why);
    if (code == ALB_OK)
        code = attach(r, &fd, ref->size, ref->sums, &why);
    if (code == ALB_OK) {
        *reader = r;
        return ALB_OK;
    }
    if (code == ALB_E_INVALID)
        why.code = code = ALB_E_CORRUPT; /* a row whose sums do not fit its size */
    tell(r, -1, &why);
    alb_mem_free(r->sums);
    alb_mem_free(r);
    return alb_fail_sys(err, code, why.sys, "%s", why.msg);
}

enum alb_code alb_blob_open_file(int *fd, int64_t size, struct alb_str sums, struct alb_str name,
                                 struct alb_blob_reader **reader, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    struct alb_blob_reader *r = alb_mem_calloc(1, sizeof(*r));

    *reader = NULL;
    if (r == NULL) {
        alb_fs_close(fd);
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a reader");
    }
    r->noted_block = -1;
    if (!alb_str_to_c(alb_str_sub(name, 0, sizeof(r->key) - 1), r->key, sizeof(r->key)))
        r->key[0] = '\0'; /* only a name in messages */
    enum alb_code code = attach(r, fd, size, sums, &why);
    if (code == ALB_OK) {
        *reader = r;
        return ALB_OK;
    }
    alb_mem_free(r->sums);
    alb_mem_free(r);
    return alb_fail_sys(err, code == ALB_E_INVALID ? ALB_E_CORRUPT : code, why.sys, "%s", why.msg);
}

enum alb_code alb_blob_open(struct alb_blob_store *store, const struct alb_blob_ref *ref,
                            struct alb_blob_reader **reader, struct alb_err *err)
{
    return open_reader(store, ref, false, reader, err);
}

void alb_blob_close(struct alb_blob_reader **reader)
{
    struct alb_blob_reader *r = *reader;

    *reader = NULL;
    if (r == NULL)
        return;
    alb_blob_scan_close(&r->scan);
    alb_mem_free(r->sums);
    alb_mem_free(r);
}

int64_t alb_blob_size(const struct alb_blob_reader *reader)
{
    return reader->scan->size;
}

/* The whole block, read once and compared as a whole. */
static enum alb_code read_block(struct alb_blob_reader *r, int64_t block, unsigned char *to, size_t len,
                                struct alb_err *err)
{
    size_t got;
    enum alb_code code = alb_fs_pread_all(r->scan->fd, to, len, block * ALB_BLOCK_SIZE, &got, err);

    if (code != ALB_OK)
        return code;
    if (got != len || alb_xxh3(to, len) != alb_block_sum(r->sums, block))
        return alb_fail(err, ALB_E_CORRUPT, "block %lld is damaged", (long long)block);
    return ALB_OK;
}

/* One piece of a noted block, or a part of it. */
static enum alb_code read_piece(struct alb_blob_reader *r, int64_t piece_off, size_t piece_len, size_t skip,
                                unsigned char *to, size_t n, struct alb_err *err)
{
    bool whole = skip == 0 && n == piece_len;
    unsigned char *room = whole ? to : r->scan->piece;
    size_t got;
    enum alb_code code = alb_fs_pread_all(r->scan->fd, room, piece_len, piece_off, &got, err);

    if (code != ALB_OK)
        return code;
    uint64_t note = r->pieces[(size_t)(piece_off % ALB_BLOCK_SIZE) / ALB_PIECE_SIZE];
    if (got != piece_len || alb_xxh3(room, piece_len) != note)
        return alb_fail(err, ALB_E_CORRUPT, "bytes at %lld changed between two reads", (long long)piece_off);
    if (!whole)
        memcpy(to, room + skip, n);
    return ALB_OK;
}

/* [from, from + n) of one block. */
static enum alb_code read_in_block(struct alb_blob_reader *r, int64_t block, size_t from, unsigned char *to,
                                   size_t n, struct alb_err *err)
{
    size_t len = (size_t)alb_blob_scan_block_len(r->scan, block);

    if (from == 0 && n == len && r->noted_block != block)
        return read_block(r, block, to, len, err);
    if (r->noted_block != block) {
        r->noted_block = -1;
        enum alb_code code = alb_blob_scan_block(r->scan, block, r->pieces, err);
        if (code != ALB_OK)
            return code;
        r->noted_block = block;
    }
    while (n > 0) {
        size_t start = from - from % ALB_PIECE_SIZE;
        size_t piece_len = len - start < ALB_PIECE_SIZE ? len - start : ALB_PIECE_SIZE;
        size_t skip = from - start;
        size_t part = piece_len - skip < n ? piece_len - skip : n;
        enum alb_code code =
            read_piece(r, block * ALB_BLOCK_SIZE + (int64_t)start, piece_len, skip, to, part, err);
        if (code != ALB_OK)
            return code;
        from += part;
        to += part;
        n -= part;
    }
    return ALB_OK;
}

enum alb_code alb_blob_read(struct alb_blob_reader *reader, int64_t off, void *buf, size_t n, size_t *got,
                            struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    unsigned char *to = buf;
    int64_t left = reader->scan->size - off;

    *got = 0;
    ALB_CHECK(off >= 0);
    if (left <= 0)
        return ALB_OK;
    if ((uint64_t)left < n)
        n = (size_t)left;
    for (size_t at = 0; at < n;) {
        int64_t block = (off + (int64_t)at) / ALB_BLOCK_SIZE;
        size_t from = (size_t)((off + (int64_t)at) % ALB_BLOCK_SIZE);
        size_t part = (size_t)alb_blob_scan_block_len(reader->scan, block) - from;
        if (part > n - at)
            part = n - at;
        enum alb_code code = read_in_block(reader, block, from, to + at, part, &why);
        if (code != ALB_OK) {
            tell(reader, block, &why);
            memset(buf, 0, n); /* nobody sends by mistake what was read before the damage was found */
            return alb_fail_sys(err, code, why.sys, "%s: %s", reader->key, why.msg);
        }
        at += part;
    }
    *got = n;
    return ALB_OK;
}

enum alb_code alb_blob_verify_step(struct alb_blob_reader *reader, int64_t budget, bool *done,
                                   struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;
    enum alb_code code = alb_blob_scan_step(reader->scan, budget, done, &why);

    if (code == ALB_OK)
        return ALB_OK;
    tell(reader, reader->scan->next, &why);
    return alb_fail_sys(err, code, why.sys, "%s: %s", reader->key, why.msg);
}

enum alb_code alb_blob_verify_all(struct alb_blob_reader *reader, int *fd, struct alb_err *err)
{
    bool done;

    *fd = -1;
    enum alb_code code = alb_blob_verify_step(reader, INT64_MAX, &done, err);
    if (code == ALB_OK)
        *fd = reader->scan->fd;
    return code;
}

/* ---- damage ---- */

void alb_blob_on_damage(struct alb_blob_store *store, alb_blob_damage_fn *fn, void *ctx)
{
    store->damage_fn = fn;
    store->damage_ctx = ctx;
}

enum alb_code alb_blob_look_again(struct alb_blob_store *store, const struct alb_blob_ref *ref, int64_t block,
                                  struct alb_err *err)
{
    struct alb_blob_reader *r;
    struct alb_err why = ALB_ERR_INIT;
    enum alb_code code = open_reader(store, ref, true, &r, &why);

    if (code == ALB_OK && block >= 0 && block < r->scan->blocks)
        code = alb_blob_scan_block(r->scan, block, NULL, &why);
    alb_blob_close(&r);
    if (code == ALB_OK)
        return ALB_OK;
    return alb_fail_sys(err, is_damage(code, why.sys) && code != ALB_E_NOT_FOUND ? ALB_E_CORRUPT : code,
                        why.sys, "%s", why.msg);
}
