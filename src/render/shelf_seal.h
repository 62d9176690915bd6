/* SPDX-License-Identifier: Apache-2.0
 *
 * The seal of a file on a shelf: an extended attribute that says which bytes were put there. "1 SIZE MTIME XXH3
 * SHA256": numbers in decimal, sums in hex; MTIME in ns, of the file when its last byte was written. A seal whose size
 * or time is not the file's is about other bytes (somebody has written into the file since), and no seal. Private to
 * src/render. One thread per file; reads files.
 */
#ifndef ALB_RENDER_SHELF_SEAL_H
#define ALB_RENDER_SHELF_SEAL_H

#include "render/origin_priv.h"

struct alb_seal {
    uint64_t xxh3;
    unsigned char sha256[ALB_ORIGIN_IDENTITY_LEN];
};
/* False: there is none, or it is of other bytes. */
bool alb_seal_read(int fd, const struct alb_origin_stamp *stamp, struct alb_seal *seal) ALB_MUST_CHECK;
/* As soon as all bytes are there. A file system without attributes is no error: then there is no seal. IO. */
enum alb_code alb_seal_write(int fd, const struct alb_seal *seal, struct alb_err *err) ALB_MUST_CHECK;
/* Reads the whole file. *good: its bytes are those of the seal. IO, NO_MEMORY. */
enum alb_code alb_seal_check(int fd, const struct alb_origin_stamp *stamp, const struct alb_seal *seal,
                             bool *good, struct alb_err *err) ALB_MUST_CHECK;

/* Where bytes come from for alb_seal_copy: n of them at `off`; false: *err says why. */
typedef bool alb_seal_source_fn(void *ctx, int64_t off, void *p, size_t n, struct alb_err *err);
/* Writes `size` bytes from a source into an empty file, and makes their seal. */
enum alb_code alb_seal_copy(int fd, int64_t size, alb_seal_source_fn *source, void *ctx,
                            struct alb_seal *seal, struct alb_err *err) ALB_MUST_CHECK;

#endif
