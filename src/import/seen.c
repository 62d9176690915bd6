/* SPDX-License-Identifier: Apache-2.0
 *
 * See seen.h.
 */
#include "import/seen.h"

#include "base/hash.h"
#include "base/mem.h"

/* The slot that holds the entry, or the free one where it belongs. cap is a power of two and never full. */
static struct alb_seen_entry *slot_of(const struct alb_seen *s, const struct alb_seen_entry *e)
{
    size_t i = (size_t)alb_xxh3(e, sizeof(*e)) & (s->cap - 1);
    while (s->slots[i].ino != 0 &&
           (s->slots[i].ino != e->ino || s->slots[i].dev != e->dev || s->slots[i].label != e->label))
        i = (i + 1) & (s->cap - 1);
    return &s->slots[i];
}

static bool grow(struct alb_seen *s)
{
    struct alb_seen bigger = {.n = s->n, .cap = s->cap ? s->cap * 2 : 1024};
    bigger.slots = alb_mem_calloc(bigger.cap, sizeof(*bigger.slots));
    if (!bigger.slots)
        return false;
    for (size_t i = 0; i < s->cap; i++)
        if (s->slots[i].ino != 0)
            *slot_of(&bigger, &s->slots[i]) = s->slots[i];
    alb_mem_free(s->slots);
    *s = bigger;
    return true;
}

enum alb_code alb_seen_add(struct alb_seen *s, uint64_t dev, uint64_t ino, uint64_t label)
{
    if (s->n >= s->cap / 4 * 3 && !grow(s))
        return ALB_E_NO_MEMORY;
    struct alb_seen_entry e = {.dev = dev, .ino = ino == 0 ? UINT64_MAX : ino, .label = label};
    struct alb_seen_entry *slot = slot_of(s, &e);
    if (slot->ino != 0)
        return ALB_E_CONFLICT;
    *slot = e;
    s->n++;
    return ALB_OK;
}

void alb_seen_fini(struct alb_seen *s)
{
    alb_mem_free(s->slots);
    *s = (struct alb_seen){.n = 0};
}
