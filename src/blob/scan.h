/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to blob: checking an open file against its block sums, block by block. The checked reader and the
 * verification before publishing are both made of this.
 * One thread at a time.
 */
#ifndef ALB_BLOB_SCAN_H
#define ALB_BLOB_SCAN_H

#include "base/err.h"
#include "blob/sums.h"

#define ALB_PIECE_SIZE ((size_t)64 * 1024)
#define ALB_PIECES_PER_BLOCK 16

struct alb_blob_scan {
    int fd; /* owned */
    int64_t size, blocks;
    int64_t next;              /* blocks before it have been checked by alb_blob_scan_step */
    const unsigned char *sums; /* borrowed */
    struct alb_xxh3_state *xxh;
    unsigned char *piece; /* ALB_PIECE_SIZE */
};

/* Takes *fd (set to -1; closed on failure too). `sums` must stay valid. CORRUPT: the file is not `size` bytes
 * long; INVALID: the number of sums does not fit the size. */
enum alb_code alb_blob_scan_open(int *fd, int64_t size, struct alb_str sums, struct alb_blob_scan **scan,
                                 struct alb_err *err) ALB_MUST_CHECK;
void alb_blob_scan_close(struct alb_blob_scan **scan);

int64_t alb_blob_scan_block_len(const struct alb_blob_scan *scan, int64_t block);
/* Reads and checks one block: CORRUPT if it is not what its sum says. pieces (may be NULL) receives the
 * XXH3-64 of each 64 KiB piece. */
enum alb_code alb_blob_scan_block(struct alb_blob_scan *scan, int64_t block,
                                  uint64_t pieces[ALB_PIECES_PER_BLOCK], struct alb_err *err) ALB_MUST_CHECK;
/* Checks from `next` on, at least one block, about `budget` bytes; *done when none is left. */
enum alb_code alb_blob_scan_step(struct alb_blob_scan *scan, int64_t budget, bool *done,
                                 struct alb_err *err) ALB_MUST_CHECK;

#endif
