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
    bool told; /* damage has been logged */
    char key[ALB_BLOB_KEY_MAX];
};

static void tell(struct alb_blob_reader *r, const struct alb_err *err)
{
    if (r->told)
        return;
    r->told = true;
    alb_stat_inc(ALB_STAT_BLOB_CORRUPT);
    alb_log(ALB_LOG_ERROR, "damaged original", ALB_LOG_C("key", r->key), ALB_LOG_C("why", err->msg));
}

enum alb_code alb_blob_open(struct alb_blob_store *store, const struct alb_blob_ref *ref,
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
    if (!alb_str_to_c(ref->key, r->key, sizeof(r->key)))
        code = alb_fail(&why, ALB_E_CORRUPT, "no key of a store");
    r->sums = alb_mem_alloc(ref->sums.n);
    if (code == ALB_OK && r->sums == NULL)
        code = alb_fail(&why, ALB_E_NO_MEMORY, "no memory for the sums of an original");
    if (code == ALB_OK)
        code = store->ops->open(store, ref, &fd, &why);
    if (code == ALB_OK) {
        if (ref->sums.n > 0)
            memcpy(r->sums, ref->sums.p, ref->sums.n);
        code =
            alb_blob_scan_open(&fd, ref->size, alb_str_n((const char *)r->sums, ref->sums.n), &r->scan, &why);
    }
    if (code == ALB_OK) {
        *reader = r;
        return ALB_OK;
    }
    if (code == ALB_E_INVALID)
        why.code = code = ALB_E_CORRUPT; /* a row whose sums do not fit its size */
    if (code == ALB_E_CORRUPT)
        tell(r, &why);
    alb_mem_free(r->sums);
    alb_mem_free(r);
    return alb_fail_sys(err, code, why.sys, "%s", why.msg);
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
            if (code == ALB_E_CORRUPT)
                tell(reader, &why);
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
    if (code == ALB_E_CORRUPT)
        tell(reader, &why);
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
