/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of an original, for doors that send it: a source (rights are checked already) opened for reading in
 * verified blocks. A damaged block is CORRUPT and gives no byte (law 3).
 * Threads: one at a time per original; file I/O, so io pool only.
 */
#ifndef ALB_LIBRARY_ORIGINAL_H
#define ALB_LIBRARY_ORIGINAL_H

#include "library/source.h"

struct alb_blob_store;
struct alb_original;

/* CORRUPT: the catalog knows the original, but its file is missing or has another size. */
enum alb_code alb_original_open(struct alb_blob_store *store, const struct alb_source *source,
                                struct alb_original **original, struct alb_err *err) ALB_MUST_CHECK;
void alb_original_close(struct alb_original **original); /* NULL inside is allowed */
/* [off, off + n), clamped at the end; *got says how many. */
enum alb_code alb_original_read(struct alb_original *original, uint64_t off, void *p, size_t n, size_t *got,
                                struct alb_err *err) ALB_MUST_CHECK;
#endif
