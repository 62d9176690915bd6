/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of published originals. A blob dies only so:
 *
 *   LIVE --the purge of its last asset, or alb_library_blob_bury: a transaction that saw no reference-->
 * DYING DYING --asset_create with the same bytes--> LIVE (blob_revived) DYING --the janitor (src/jobs), with
 * alb_blob_remove: still dying, not pinned, not published since? unlink; alb_library_blob_gone--> row removed
 * (only if still DYING)
 *
 * The other side: ingest publishes the bytes, which pins them in the store, calls asset_create, and unpins
 * when that has settled. So the file of a row that was revived is there: either it was published before the
 * janitor looked, which then leaves it, or after, which puts it back (blob/store.h says why no order loses
 * bytes). The janitor comes round and finds dying rows by their index: there is no job for it.
 */
#ifndef ALB_LIBRARY_BLOB_H
#define ALB_LIBRARY_BLOB_H

#include "catalog/blob.h" /* struct alb_blob */
#include "library/library.h"

/* NOT_FOUND if there is no row. */
enum alb_code alb_library_blob_find(struct alb_library *lib, const unsigned char sha256[ALB_SHA256_LEN],
                                    struct alb_arena *a, struct alb_blob *out,
                                    struct alb_err *err) ALB_MUST_CHECK;
/* All rows by id, a page at a time (check, scrub): ids greater than `after`. */
enum alb_code alb_library_blob_page(struct alb_library *lib, int64_t after, size_t limit, struct alb_arena *a,
                                    struct alb_blob **list, size_t *count,
                                    struct alb_err *err) ALB_MUST_CHECK;
/* Marks up to `limit` blobs without any reference as dying. Result alb_done (count). */
enum alb_code alb_library_blob_bury(struct alb_library *lib, size_t limit, struct alb_future **future,
                                    struct alb_err *err) ALB_MUST_CHECK;
/* Blobs that are dying, by id after `after`. */
enum alb_code alb_library_blob_dying_page(struct alb_library *lib, int64_t after, size_t limit,
                                          struct alb_arena *a, struct alb_blob **list, size_t *count,
                                          struct alb_err *err) ALB_MUST_CHECK;
/* Fresh answer, for the janitor between the store's locks (short read). False also when it cannot be read. */
bool alb_library_blob_dying(struct alb_library *lib, int64_t blob_id);
/* Removes the row if it is still dying. Result alb_done (count 0 or 1). */
enum alb_code alb_library_blob_gone(struct alb_library *lib, int64_t blob_id, struct alb_future **future,
                                    struct alb_err *err) ALB_MUST_CHECK;
/* The scrubber's finding; seen: verified_at of the row as it was read before the file. Result alb_done (count 0:
 * somebody has judged the file since, that stands). */
enum alb_code alb_library_blob_verified(struct alb_library *lib, int64_t blob_id, int64_t seen, bool good,
                                        struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;

/* From now on damage that readers of this store meet is noted (damage.c), so that the owner sees it and the same
 * bytes, uploaded again, are welcome. Once, before the first reader; the store is closed before the library. */
struct alb_blob_store;
void alb_library_watch_store(struct alb_library *lib, struct alb_blob_store *store);

/* How many there are, for progress. Where waiting is allowed. */
enum alb_code alb_library_blob_totals(struct alb_library *lib, int64_t *count, int64_t *bytes,
                                      struct alb_err *err) ALB_MUST_CHECK;

/* Who misses a damaged original: assets of all owners, trash included, whose original or other file it is. */
enum alb_code alb_library_blob_users(struct alb_library *lib, int64_t blob_id, size_t limit, struct alb_arena *a,
                                     struct alb_blob_user **list, size_t *count,
                                     struct alb_err *err) ALB_MUST_CHECK;

#endif
