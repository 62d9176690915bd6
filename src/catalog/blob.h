/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of published originals (life of a row: library/blob.h).
 */
#ifndef ALB_CATALOG_BLOB_H
#define ALB_CATALOG_BLOB_H

#include "catalog/catalog.h"
#include "catalog/types.h"

enum alb_blob_state { ALB_BLOB_LIVE = 0, ALB_BLOB_DYING = 1 };
struct alb_blob {
    int64_t id, size, created_at;
    enum alb_blob_state state;
    unsigned char sha256[ALB_SHA256_LEN], sha1[ALB_SHA1_LEN];
    bool has_md5;
    unsigned char md5[ALB_MD5_LEN];
    struct alb_str store, key, sums;
    /* When its file was last judged: read whole by the scrubber, found damaged by a reader, or published (good
     * bytes are there now). 0 = not since it was made. Grows with every judgement, also when the clock stands
     * still: a judgement of the file counts only if it still is what was read before looking at the file. */
    int64_t verified_at;
    bool bad; /* and it was found damaged or missing */
};
struct alb_blob_new { /* a published original */
    unsigned char sha256[ALB_SHA256_LEN], sha1[ALB_SHA1_LEN];
    bool has_md5;
    unsigned char md5[ALB_MD5_LEN];
    int64_t size;
    struct alb_str store, key; /* where it lies: "disk", relative path */
    struct alb_str sums;       /* checksums of the 1 MiB blocks, as the blob store made them */
};

/* NOT_FOUND if there is none. */
enum alb_code alb_catalog_blob_by_sha256(struct alb_snap *s, const unsigned char sha256[ALB_SHA256_LEN],
                                         struct alb_arena *a, struct alb_blob *out,
                                         struct alb_err *err) ALB_MUST_CHECK;
/* By id, after `after`; state -1 = any. */
enum alb_code alb_catalog_blob_page(struct alb_snap *s, int state, int64_t after, size_t limit,
                                    struct alb_arena *a, struct alb_blob **list, size_t *count,
                                    struct alb_err *err) ALB_MUST_CHECK;
/* All live ones together. Reads every row: not while a request waits. */
enum alb_code alb_catalog_blob_totals(struct alb_snap *s, int64_t *count, int64_t *bytes,
                                      struct alb_err *err) ALB_MUST_CHECK;

/* An asset that needs the blob, for whoever must tell people that it is damaged. */
struct alb_blob_user {
    int64_t asset_id;
    struct alb_uuid uuid;
    struct alb_str owner, name; /* account, file name */
    int64_t local_ms;           /* wall clock of the photo, else of its arrival */
    bool trashed, extra;        /* extra: a further file of the asset (sidecar ...), not its original */
};
/* By asset, at most limit. */
enum alb_code alb_catalog_blob_users(struct alb_snap *s, int64_t blob_id, size_t limit, struct alb_arena *a,
                                     struct alb_blob_user **list, size_t *count,
                                     struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_blob_is_dying(struct alb_snap *s, int64_t id, bool *dying,
                                        struct alb_err *err) ALB_MUST_CHECK;

/* The row for these bytes, which have just been published (verified) where `blob` says: found or inserted. A
 * dying one is revived; what was marked bad is good again, for these bytes took the place of the damaged ones;
 * and who looked at the file before that may no longer mark it (verified_at). */
enum alb_code alb_catalog_blob_ensure(struct alb_tx *tx, const struct alb_blob_new *blob, int64_t *id,
                                      bool *known, bool *revived, struct alb_err *err) ALB_MUST_CHECK;
/* Marks it dying if nothing refers to it; *buried says whether. */
enum alb_code alb_catalog_blob_bury(struct alb_tx *tx, int64_t id, bool *buried,
                                    struct alb_err *err) ALB_MUST_CHECK;
/* All that nothing refers to, at most limit. */
enum alb_code alb_catalog_blob_bury_some(struct alb_tx *tx, size_t limit, int64_t *count,
                                         struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_blob_remove_dying(struct alb_tx *tx, int64_t id, int64_t *count,
                                            struct alb_err *err) ALB_MUST_CHECK;
/* Notes how the file was found by somebody who had read `seen` = verified_at before looking at it. *count 0:
 * somebody else has judged it since, or the row is not live: nothing is changed. */
enum alb_code alb_catalog_blob_verified(struct alb_tx *tx, int64_t id, int64_t seen, bool good, int64_t *count,
                                        struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_blob_set_md5(struct alb_tx *tx, int64_t id, const unsigned char md5[ALB_MD5_LEN],
                                       struct alb_err *err) ALB_MUST_CHECK;

#endif
