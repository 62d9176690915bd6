/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of a source on their way: inflated if need be, bounded, hashed, summed block by block, their
 * beginning kept for the sniffer; in a memory file first, from ALB_ORIGIN_MEMORY on in a temporary file,
 * and back in memory if the disk takes no more and the budget allows. Private to src/render. One thread at
 * a time; blocks on the disk.
 */
#ifndef ALB_RENDER_ORIGIN_SPOOL_H
#define ALB_RENDER_ORIGIN_SPOOL_H

#include "blob/publish.h"
#include "blob/sums.h"
#include "render/origin_priv.h"

struct alb_inflate;

struct alb_origin_spool {
    /* fixed after begin */
    int tmp_dirfd;
    int64_t max_bytes;
    struct alb_inflate *inflate;
    /* while it runs */
    struct alb_origin_body body; /* fd and what is charged */
    struct alb_publish publish;  /* the temporary name, while in_file; its fd is body.fd */
    bool in_file, no_disk;
    int64_t size;
    struct alb_hash hash;
    struct alb_sums sums;
    unsigned char head[ALB_SNIFF_LEN];
    size_t head_n;
};

/* encoding: the value of Content-Encoding, may be empty. UNSUPPORTED: an encoding that is not known.
 * NO_MEMORY, IO. Zeroed or ended before; to be ended after failure too. */
enum alb_code alb_origin_spool_begin(struct alb_origin_spool *s, struct alb_origin_budget *budget,
                                     int tmp_dirfd, int64_t max_bytes, struct alb_str encoding,
                                     struct alb_err *err) ALB_MUST_CHECK;
/* TOO_LARGE: more than max_bytes; CORRUPT: not of its encoding; NO_SPACE: no room on disk nor in the
 * budget. */
enum alb_code alb_origin_spool_write(struct alb_origin_spool *s, const void *p, size_t n,
                                     struct alb_err *err) ALB_MUST_CHECK;
bool alb_origin_spool_is_whole(const struct alb_origin_spool *s); /* false: an encoded body was cut */
/* Gives the bytes as a read-only file of exactly `size` bytes; with `cache` a copy is kept there under its
 * SHA-256 if that is possible (`kept`). sums: a reference. */
enum alb_code alb_origin_spool_finish(struct alb_origin_spool *s, struct alb_cache *cache,
                                      struct alb_derived_key *sha256, struct alb_bytes **sums,
                                      struct alb_origin_body *body, bool *kept,
                                      struct alb_err *err) ALB_MUST_CHECK;
void alb_origin_spool_end(struct alb_origin_spool *s); /* safe twice */

#endif
