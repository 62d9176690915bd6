/* SPDX-License-Identifier: Apache-2.0
 *
 * A bounded queue of items between two stages, first in, first out. Bounded by number and by bytes of files
 * (an item larger than the byte bound is let in when the queue is empty).
 *   put     waits for room; takes the item. After close it is refused: the caller keeps the item
 *   take    waits for an item; NULL once the queue is finished and empty
 *   finish  the last producer says that nothing more comes; consumers get what is left
 *   close   the run is stopped: producers are refused, consumers get what is left (to count it as left undone)
 * Threads: any number on both sides. Lock: IMPORT_QUEUE, held for pointer work only.
 */
#ifndef ALB_IMPORT_QUEUE_H
#define ALB_IMPORT_QUEUE_H

#include "base/lock.h"
#include "import/item.h"

struct alb_queue {
    struct alb_mutex lock;
    struct alb_cond not_empty, not_full;
    /* fixed after init */
    size_t max_items;
    int64_t max_bytes;
    /* under lock */
    struct alb_item *first, **end;
    size_t n;
    int64_t bytes;
    bool finished, closed;
};
void alb_queue_init(struct alb_queue *q, size_t max_items, int64_t max_bytes);
void alb_queue_fini(struct alb_queue *q); /* must be empty */
bool alb_queue_put(struct alb_queue *q, struct alb_item *item) ALB_MUST_CHECK;
struct alb_item *alb_queue_take(struct alb_queue *q);
/* Up to `max` items into out, waiting for the first without end and for the others until `wait_ns` after it.
 * Returns how many; 0 = finished and empty. */
size_t alb_queue_take_batch(struct alb_queue *q, struct alb_item **out, size_t max, int64_t wait_ns);
void alb_queue_finish(struct alb_queue *q);
void alb_queue_close(struct alb_queue *q);

#endif
