/* SPDX-License-Identifier: Apache-2.0
 *
 * Checking a file against its block sums (contract: scan.h). A block is read in 64 KiB pieces, so that a
 * reader costs 64 KiB of memory and not 1 MiB.
 */
#include "blob/scan.h"

#include "base/fs.h"
#include "base/mem.h"

enum alb_code alb_blob_scan_open(int *fd, int64_t size, struct alb_str sums, struct alb_blob_scan **scan,
                                 struct alb_err *err)
{
    int64_t real = 0;
    enum alb_code code = ALB_OK;

    *scan = NULL;
    if (size < 0 || alb_blocks_of(size) > ALB_BLOCKS_MAX ||
        sums.n != (size_t)alb_blocks_of(size) * ALB_BLOCK_SUM_LEN)
        code = alb_fail(err, ALB_E_INVALID, "%zu bytes of sums for a file of %lld", sums.n, (long long)size);
    if (code == ALB_OK)
        code = alb_fs_size(*fd, &real, err);
    if (code == ALB_OK && real != size)
        code =
            alb_fail(err, ALB_E_CORRUPT, "file has %lld bytes, not %lld", (long long)real, (long long)size);
    struct alb_blob_scan *s = code == ALB_OK ? alb_mem_calloc(1, sizeof(*s)) : NULL;
    if (s != NULL) {
        s->fd = *fd;
        *fd = -1;
        s->size = size;
        s->blocks = alb_blocks_of(size);
        s->sums = (const unsigned char *)sums.p;
        s->xxh = alb_xxh3_new();
        s->piece = alb_mem_alloc(ALB_PIECE_SIZE);
    }
    if (code == ALB_OK && (s == NULL || s->xxh == NULL || s->piece == NULL)) {
        alb_blob_scan_close(&s);
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory to check a file");
    }
    alb_fs_close(fd);
    *scan = s;
    return code;
}

void alb_blob_scan_close(struct alb_blob_scan **scan)
{
    struct alb_blob_scan *s = *scan;

    *scan = NULL;
    if (s == NULL)
        return;
    alb_fs_close(&s->fd);
    if (s->xxh != NULL)
        alb_xxh3_free(s->xxh);
    alb_mem_free(s->piece);
    alb_mem_free(s);
}

int64_t alb_blob_scan_block_len(const struct alb_blob_scan *scan, int64_t block)
{
    int64_t left = scan->size - block * ALB_BLOCK_SIZE;

    return left < ALB_BLOCK_SIZE ? left : ALB_BLOCK_SIZE;
}

enum alb_code alb_blob_scan_block(struct alb_blob_scan *scan, int64_t block,
                                  uint64_t pieces[ALB_PIECES_PER_BLOCK], struct alb_err *err)
{
    int64_t len = alb_blob_scan_block_len(scan, block);
    int piece_no = 0;

    alb_xxh3_reset(scan->xxh);
    for (int64_t at = 0; at < len; piece_no++) {
        size_t want = ALB_PIECE_SIZE, got;
        if ((int64_t)want > len - at)
            want = (size_t)(len - at);
        enum alb_code code =
            alb_fs_pread_all(scan->fd, scan->piece, want, block * ALB_BLOCK_SIZE + at, &got, err);
        if (code != ALB_OK)
            return code;
        if (got != want)
            return alb_fail(err, ALB_E_CORRUPT, "file ends inside block %lld", (long long)block);
        alb_xxh3_update(scan->xxh, scan->piece, want);
        if (pieces != NULL)
            pieces[piece_no] = alb_xxh3(scan->piece, want);
        at += (int64_t)want;
    }
    if (alb_xxh3_digest(scan->xxh) != alb_block_sum(scan->sums, block))
        return alb_fail(err, ALB_E_CORRUPT, "block %lld is damaged", (long long)block);
    return ALB_OK;
}

enum alb_code alb_blob_scan_step(struct alb_blob_scan *scan, int64_t budget, bool *done, struct alb_err *err)
{
    *done = false;
    while (scan->next < scan->blocks) {
        enum alb_code code = alb_blob_scan_block(scan, scan->next, NULL, err);
        if (code != ALB_OK)
            return code;
        budget -= alb_blob_scan_block_len(scan, scan->next);
        scan->next++;
        if (budget <= 0)
            break;
    }
    *done = scan->next == scan->blocks;
    return ALB_OK;
}
