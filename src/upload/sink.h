/* SPDX-License-Identifier: Apache-2.0
 *
 * Where complete uploads go: `ingest` makes assets of them; the keep sink of the tusd personality leaves
 * them.
 */
#ifndef ALB_UPLOAD_SINK_H
#define ALB_UPLOAD_SINK_H

#include "base/err.h"
#include "base/future.h"
#include "base/hash.h"
#include "base/obj.h"
#include "blob/sums.h"

/* A complete upload on its way into the sink. All of it is borrowed and valid until the sink's future has
 * ended. The bytes are durable (fdatasync has returned). */
struct alb_upload_parcel {
    struct alb_str id; /* the same after a crash: the sink is idempotent by it */
    int64_t owner;
    int64_t size;
    unsigned char sha256[ALB_SHA256_LEN];
    unsigned char sha1[ALB_SHA1_LEN];
    unsigned char md5[ALB_MD5_LEN];
    bool has_md5;
    struct alb_str sums; /* block sums (blob/sums.h); none of an upload that was adopted */
    struct alb_str metadata, note;
    int64_t created_ms;
    int dirfd; /* with name: the file (alb_blob_source). Never written again */
    const char *name;
    bool transient; /* nobody can ask for it by its id: it need not be recalled */
    bool present;   /* false: the sink has renamed it away, and a failure or crash came before it was done */
};

struct alb_upload_sink {
    void *ctx;
    /* Begins to take the parcel; called on an io thread, must not block on anything but file I/O. *future (a
     * reference for the caller) settles with a struct alb_bytes (the result: opaque, at most
     * ALB_UPLOAD_RESULT_MAX bytes, handed to every client that asks for this upload later) or fails. The sink
     * may link or rename the file elsewhere; what is left of it is removed after success. */
    enum alb_code (*take)(void *ctx, const struct alb_upload_parcel *parcel, struct alb_future **future,
                          struct alb_err *err);
    /* May be NULL. The durable memory of ids that were taken: ALB_OK and what is needed to answer for it, or
     * NOT_FOUND. With it the record of a finished upload need not be fsynced (2 fsyncs less per photo).
     * Called on io threads and at start; reads the catalog, blocks on nothing else. *result: alb_bytes, a
     * reference. */
    enum alb_code (*recall)(void *ctx, struct alb_str id, int64_t *owner, int64_t *size,
                            struct alb_bytes **result, struct alb_err *err);
    bool keeps_data; /* the sink uses the file where it is: never removed before the upload is terminated */
};
#define ALB_UPLOAD_RESULT_MAX 1024

/* The sink that keeps uploads as files, for `albumen tusd`. */
const struct alb_upload_sink *alb_upload_keep(void);

#endif
