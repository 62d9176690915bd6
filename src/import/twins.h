/* SPDX-License-Identifier: Apache-2.0
 *
 * Files with the same content, met in the same run. The first that enters with a SHA-1 is in work; those that
 * come while it is become its twins and wait. When it leaves, the first twin takes its place and is handed to
 * the thread that ended the other, which decides again. So no bytes are sent twice at a time, and a twin is
 * tried when the first has failed. Bounded by the number of items in the pipeline. Threads: any. Lock:
 * IMPORT_TWINS, pointer work only.
 */
#ifndef ALB_IMPORT_TWINS_H
#define ALB_IMPORT_TWINS_H

#include "base/lock.h"
#include "import/item.h"

#define ALB_TWINS_BUCKETS 1024u

struct alb_twins {
    struct alb_mutex lock;
    struct alb_item
        *buckets[ALB_TWINS_BUCKETS]; /* under lock; chained by item->bucket, twins by item->twin */
};
void alb_twins_init(struct alb_twins *t);
void alb_twins_fini(struct alb_twins *t); /* must be empty */
/* True: the caller goes on with it. False: taken, it waits. */
bool alb_twins_enter(struct alb_twins *t, struct alb_item *item) ALB_MUST_CHECK;
/* The item is done. Gives the twin that is in work from now on, or NULL. */
struct alb_item *alb_twins_leave(struct alb_twins *t, struct alb_item *item) ALB_MUST_CHECK;

#endif
