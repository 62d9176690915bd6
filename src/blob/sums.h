/* SPDX-License-Identifier: Apache-2.0
 *
 * Block sums: XXH3-64 of every 1 MiB block of an original, little-endian, 8 bytes each, in order; the last
 * block may be short; an empty file has none. They are computed while an upload arrives, kept in the
 * catalog's blob row, and let us check just the blocks that a Range or a worker touches (law 3).
 * One thread at a time.
 */
#ifndef ALB_BLOB_SUMS_H
#define ALB_BLOB_SUMS_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/obj.h"

#define ALB_BLOCK_SIZE ((int64_t)1 << 20)
#define ALB_BLOCK_SUM_LEN 8
#define ALB_BLOCKS_MAX ((int64_t)1 << 24) /* 16 TiB per original */

/* Number of blocks of a file of `size` bytes. */
static inline int64_t alb_blocks_of(int64_t size)
{
    return size / ALB_BLOCK_SIZE + (size % ALB_BLOCK_SIZE != 0);
}

/* Sum of block i; the view holds at least i + 1 sums. */
uint64_t alb_block_sum(const unsigned char *sums, int64_t i);
void alb_block_sum_put(unsigned char out[ALB_BLOCK_SUM_LEN], uint64_t sum);

struct alb_sums {
    struct alb_buf done;         /* sums of complete blocks */
    struct alb_xxh3_state *part; /* the running block */
    int64_t part_n;              /* its bytes so far, < ALB_BLOCK_SIZE */
};
enum alb_code alb_sums_init(struct alb_sums *s, struct alb_err *err) ALB_MUST_CHECK;
void alb_sums_fini(struct alb_sums *s); /* safe on a zeroed struct and twice */
enum alb_code alb_sums_update(struct alb_sums *s, const void *p, size_t n,
                              struct alb_err *err) ALB_MUST_CHECK;
/* All sums, the running block included, for a file that ends here. s may go on. NULL: no memory. */
struct alb_bytes *alb_sums_final(const struct alb_sums *s) ALB_MUST_CHECK;

#endif
