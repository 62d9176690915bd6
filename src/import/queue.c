/* SPDX-License-Identifier: Apache-2.0
 *
 * See queue.h.
 */
#include "import/queue.h"

#include "base/check.h"
#include "base/clock.h"

void alb_queue_init(struct alb_queue *q, size_t max_items, int64_t max_bytes)
{
    *q = (struct alb_queue){.max_items = max_items, .max_bytes = max_bytes};
    alb_mutex_init(&q->lock, ALB_LOCK_IMPORT_QUEUE);
    alb_cond_init(&q->not_empty);
    alb_cond_init(&q->not_full);
    q->end = &q->first;
}

void alb_queue_fini(struct alb_queue *q)
{
    ALB_CHECK(q->first == NULL);
    alb_cond_fini(&q->not_empty);
    alb_cond_fini(&q->not_full);
    alb_mutex_fini(&q->lock);
}

static bool has_room(const struct alb_queue *q, const struct alb_item *item)
{
    return q->n == 0 || (q->n < q->max_items && q->bytes + item->size <= q->max_bytes);
}

bool alb_queue_put(struct alb_queue *q, struct alb_item *item)
{
    alb_mutex_lock(&q->lock);
    while (!q->closed && !has_room(q, item))
        alb_cond_wait(&q->not_full, &q->lock);
    bool in = !q->closed;
    if (in) {
        ALB_CHECK(!q->finished);
        item->next = NULL;
        *q->end = item;
        q->end = &item->next;
        q->n++;
        q->bytes += item->size;
        alb_cond_signal(&q->not_empty);
    }
    alb_mutex_unlock(&q->lock);
    return in;
}

static struct alb_item *take_locked(struct alb_queue *q)
{
    struct alb_item *item = q->first;
    q->first = item->next;
    if (!q->first)
        q->end = &q->first;
    item->next = NULL;
    q->n--;
    q->bytes -= item->size;
    alb_cond_broadcast(&q->not_full); /* producers wait for different sizes */
    return item;
}

struct alb_item *alb_queue_take(struct alb_queue *q)
{
    struct alb_item *item = NULL;
    return alb_queue_take_batch(q, &item, 1, 0) == 1 ? item : NULL;
}

size_t alb_queue_take_batch(struct alb_queue *q, struct alb_item **out, size_t max, int64_t wait_ns)
{
    size_t n = 0;
    alb_mutex_lock(&q->lock);
    while (!q->first && !q->finished && !q->closed)
        alb_cond_wait(&q->not_empty, &q->lock);
    int64_t until = alb_deadline(alb_mono(alb_clock_real()), wait_ns);
    while (n < max) {
        if (q->first)
            out[n++] = take_locked(q);
        else if (q->finished || q->closed || n == 0 || wait_ns <= 0 ||
                 !alb_cond_wait_until(&q->not_empty, &q->lock, until))
            break;
    }
    alb_mutex_unlock(&q->lock);
    return n;
}

void alb_queue_finish(struct alb_queue *q)
{
    alb_mutex_lock(&q->lock);
    q->finished = true;
    alb_cond_broadcast(&q->not_empty);
    alb_mutex_unlock(&q->lock);
}

void alb_queue_close(struct alb_queue *q)
{
    alb_mutex_lock(&q->lock);
    q->closed = true;
    alb_cond_broadcast(&q->not_empty);
    alb_cond_broadcast(&q->not_full);
    alb_mutex_unlock(&q->lock);
}
