/* SPDX-License-Identifier: Apache-2.0
 *
 * One file on its way through the pipeline. Exactly one stage owns it at a time (a queue, a thread, or the
 * table of twins), and only the owner touches it; handing it on is what makes its fields visible to the next
 * thread.
 */
#ifndef ALB_IMPORT_ITEM_H
#define ALB_IMPORT_ITEM_H

#include "base/hash.h"
#include "base/str.h"

struct alb_source;

struct alb_item {
    struct alb_item *next;          /* in a queue or a thread's own list */
    struct alb_item *bucket, *twin; /* in the table of twins; under its lock */

    /* fixed after create */
    const struct alb_source *source;
    const char *path;     /* absolute; what the journal knows it by and what people see */
    struct alb_str album; /* "" = none */
    uint64_t labels;      /* stands for album and tags; 0 = neither */

    /* as the owner last saw the file */
    int64_t size, mtime_ns;
    uint64_t ino;
    bool hashed;
    unsigned char sha1[ALB_SHA1_LEN];

    int64_t shown; /* bytes of it that the progress bar has counted as moved */
};

/* path and album are copied; NULL: no memory. */
struct alb_item *alb_item_new(const struct alb_source *source, struct alb_str path, struct alb_str album,
                              uint64_t labels) ALB_MUST_CHECK;
void alb_item_free(struct alb_item **item);

/* What album and tags come to; 0 when both are empty. */
uint64_t alb_item_labels(struct alb_str album, struct alb_str tags);
/* The last part of the path. */
struct alb_str alb_item_name(const struct alb_item *item);

#endif
