/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to blob/disk: the struct of the store and what its two files share.
 */
#ifndef ALB_BLOB_DISK_PRIV_H
#define ALB_BLOB_DISK_PRIV_H

#include "base/lock.h"
#include "blob/disk/disk.h"

#define ALB_DISK_STRIPES 64
#define ALB_DISK_FOLDER_LEN 2 /* of "ab" */

struct alb_disk_stripe {
    struct alb_mutex mtx; /* BLOB_HASH */
    /* under mtx */
    uint64_t published;            /* publications so far: a remover that sees it move asks again */
    struct alb_blob_publish *pins; /* published, not yet committed */
};

struct alb_disk {
    struct alb_blob_store store; /* first */
    /* fixed after create */
    int rootfd; /* originals/ */
    struct alb_quarantine *quarantine;
    struct alb_disk_stripe stripes[ALB_DISK_STRIPES];
};

/* All originals of one folder ab/ belong to one stripe. */
static inline struct alb_disk_stripe *alb_disk_stripe_of(struct alb_disk *d, const unsigned char *sha256)
{
    return &d->stripes[sha256[0] % ALB_DISK_STRIPES];
}
static inline struct alb_disk *alb_disk_of(struct alb_blob_store *s)
{
    return (struct alb_disk *)(void *)s;
}

/* "ab/<sha256>" */
void alb_disk_key(const unsigned char sha256[ALB_SHA256_LEN], char out[ALB_BLOB_KEY_MAX]);

enum alb_code alb_disk_publish_step(struct alb_blob_publish *p, int64_t budget, bool *done,
                                    struct alb_err *err);
void alb_disk_publish_end(struct alb_blob_publish *p);
enum alb_code alb_disk_remove(struct alb_blob_store *s, const unsigned char sha256[ALB_SHA256_LEN],
                              alb_blob_ask_fn *ask, bool unlink_if, void *arg, bool *removed,
                              struct alb_err *err);

#endif
