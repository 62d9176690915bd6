/* SPDX-License-Identifier: Apache-2.0
 *
 * See ring.h. Invariants: head < cap, fill <= cap; the account of the server holds cap.
 */
#include "http/ring.h"

#include "base/check.h"
#include "base/mem.h"
#include "http/http_priv.h"

void alb_ring_init(struct alb_ring *r, size_t max)
{
    *r = (struct alb_ring){.max = max};
}

void alb_ring_fini(struct alb_ring *r, struct alb_http *s)
{
    if (r->p)
        alb_http_uncharge(s, r->cap);
    alb_mem_free(r->p);
    *r = (struct alb_ring){.max = r->max};
}

static bool make(struct alb_ring *r, struct alb_http *s, size_t cap)
{
    char *p;

    if (!alb_http_charge(s, cap))
        return false;
    p = alb_mem_alloc(cap);
    if (!p) {
        alb_http_uncharge(s, cap);
        return false;
    }
    alb_ring_fini(r, s);
    r->p = p;
    r->cap = cap;
    return true;
}

static size_t first_cap(const struct alb_ring *r, uint64_t hint)
{
    size_t cap = ALB_RING_FIRST;

    if (hint > 0 && hint < cap)
        cap = hint < 1024 ? 1024 : (size_t)hint;
    else if (hint >= 4 * (uint64_t)ALB_RING_FIRST)
        cap = 4 * ALB_RING_FIRST;
    return cap < r->max ? cap : r->max;
}

char *alb_ring_space(struct alb_ring *r, struct alb_http *s, uint64_t hint, size_t *n)
{
    size_t tail;

    if (!r->p && !make(r, s, first_cap(r, hint))) {
        *n = 1;
        return NULL;
    }
    if (r->fill == 0) {
        size_t cap = r->cap * 4 < r->max ? r->cap * 4 : r->max;

        r->head = 0;
        if (r->was_full && cap > r->cap)
            (void)make(r, s, cap); /* else it goes on as it is */
        r->was_full = false;
    }
    if (r->fill == r->cap) {
        r->was_full = true;
        *n = 0;
        return NULL;
    }
    tail = r->head + r->fill;
    if (tail >= r->cap) {
        tail -= r->cap;
        *n = r->head - tail;
    } else {
        *n = r->cap - tail;
    }
    return r->p + tail;
}

void alb_ring_filled(struct alb_ring *r, size_t n)
{
    ALB_CHECK(n <= r->cap - r->fill);
    r->fill += n;
    if (r->fill == r->cap)
        r->was_full = true;
}

const char *alb_ring_view(const struct alb_ring *r, size_t *n)
{
    *n = r->fill < r->cap - r->head ? r->fill : r->cap - r->head;
    return r->p ? r->p + r->head : NULL;
}

void alb_ring_used(struct alb_ring *r, size_t n)
{
    ALB_CHECK(n <= r->fill);
    r->fill -= n;
    r->head += n;
    if (r->head >= r->cap)
        r->head -= r->cap;
}
