/* SPDX-License-Identifier: Apache-2.0
 *
 * Block sums while bytes pass (contract: sums.h). Room for the sums of a piece is made before anything
 * changes, so a failed update changes nothing.
 */
#include "blob/sums.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

uint64_t alb_block_sum(const unsigned char *sums, int64_t i)
{
    const unsigned char *p = sums + i * ALB_BLOCK_SUM_LEN;
    uint64_t v = 0;

    for (int b = ALB_BLOCK_SUM_LEN - 1; b >= 0; b--)
        v = v << 8 | p[b];
    return v;
}

void alb_block_sum_put(unsigned char out[ALB_BLOCK_SUM_LEN], uint64_t sum)
{
    for (int b = 0; b < ALB_BLOCK_SUM_LEN; b++)
        out[b] = (unsigned char)(sum >> (8 * b));
}

enum alb_code alb_sums_init(struct alb_sums *s, struct alb_err *err)
{
    alb_buf_init(&s->done, (size_t)ALB_BLOCKS_MAX * ALB_BLOCK_SUM_LEN);
    s->part_n = 0;
    s->part = alb_xxh3_new();
    if (s->part == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for block sums");
    return ALB_OK;
}

void alb_sums_fini(struct alb_sums *s)
{
    alb_buf_fini(&s->done);
    if (s->part != NULL)
        alb_xxh3_free(s->part);
    s->part = NULL;
    s->part_n = 0;
}

enum alb_code alb_sums_update(struct alb_sums *s, const void *p, size_t n, struct alb_err *err)
{
    size_t blocks = (size_t)((s->part_n + (int64_t)n) / ALB_BLOCK_SIZE);
    const unsigned char *at = p;

    if (blocks > 0 && alb_buf_reserve(&s->done, blocks * ALB_BLOCK_SUM_LEN) == NULL) {
        enum alb_code code = alb_buf_code(&s->done);
        s->done.code = ALB_OK; /* nothing was appended: the sums so far are right, a later try may fit */
        return alb_fail(err, code, "no room for block sums");
    }
    while (n > 0) {
        size_t piece = (size_t)(ALB_BLOCK_SIZE - s->part_n);
        if (piece > n)
            piece = n;
        alb_xxh3_update(s->part, at, piece);
        s->part_n += (int64_t)piece;
        at += piece;
        n -= piece;
        if (s->part_n == ALB_BLOCK_SIZE) {
            unsigned char sum[ALB_BLOCK_SUM_LEN];
            alb_block_sum_put(sum, alb_xxh3_digest(s->part));
            alb_buf_add(&s->done, sum, sizeof(sum));
            alb_xxh3_reset(s->part);
            s->part_n = 0;
        }
    }
    ALB_CHECK(s->done.code == ALB_OK);
    return ALB_OK;
}

struct alb_bytes *alb_sums_final(const struct alb_sums *s)
{
    struct alb_buf all = ALB_BUF_INIT(s->done.n + ALB_BLOCK_SUM_LEN);
    struct alb_bytes *bytes = NULL;

    alb_buf_add(&all, s->done.p, s->done.n);
    if (s->part_n > 0) {
        unsigned char sum[ALB_BLOCK_SUM_LEN];
        alb_block_sum_put(sum, alb_xxh3_digest(s->part));
        alb_buf_add(&all, sum, sizeof(sum));
    }
    if (alb_buf_code(&all) == ALB_OK)
        bytes = alb_bytes_copy(all.p, all.n);
    alb_buf_fini(&all);
    return bytes;
}
