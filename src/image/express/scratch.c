/* SPDX-License-Identifier: Apache-2.0
 *
 * The scratch: chunks that are cut from the front. After a picture that needed several, the next one finds a single
 * chunk of their sum, as far as it is worth keeping.
 */
#include <string.h>

#include "base/mem.h"
#include "image/express/rows.h"

#define CHUNK_LEAST ((size_t)256 << 10)
#define KEEP_MOST ((size_t)16 << 20)

struct chunk {
    struct chunk *next;
    size_t size, used; /* behind this head */
};

struct alb_scratch {
    struct chunk *first; /* the one that is cut from */
    size_t wanted;       /* what the last picture took */
};

struct alb_scratch *alb_scratch_new(void)
{
    return alb_mem_calloc(1, sizeof(struct alb_scratch));
}

static void drop_all(struct alb_scratch *s)
{
    while (s->first) {
        struct chunk *c = s->first;
        s->first = c->next;
        alb_mem_free(c);
    }
}

void alb_scratch_free(struct alb_scratch **s)
{
    if (*s)
        drop_all(*s);
    alb_mem_free(*s);
    *s = NULL;
}

static bool add_chunk(struct alb_scratch *s, size_t need)
{
    size_t size = s->wanted > need ? s->wanted : need, whole;
    size = size > CHUNK_LEAST ? size : CHUNK_LEAST;
    if (!alb_size_add(size, sizeof(struct chunk), &whole))
        return false;
    struct chunk *c = alb_mem_alloc(whole);
    if (!c)
        return false;
    *c = (struct chunk){.next = s->first, .size = size};
    s->first = c;
    s->wanted = 0; /* only the first chunk is made larger than needed */
    return true;
}

void *alb_scratch_take(struct alb_scratch *s, size_t count, size_t size)
{
    size_t n;
    if (!alb_size_mul(count, size, &n) || !alb_size_add(n, (size_t)2 * ALB_SCRATCH_ALIGN, &n))
        return NULL;
    n &= ~(size_t)(ALB_SCRATCH_ALIGN - 1); /* with room for aligning */
    if ((!s->first || s->first->size - s->first->used < n) && !add_chunk(s, n))
        return NULL;
    char *p = (char *)(s->first + 1) + s->first->used;
    s->first->used += n;
    uintptr_t off = (uintptr_t)p & (ALB_SCRATCH_ALIGN - 1);
    return off ? p + (ALB_SCRATCH_ALIGN - off) : p;
}

void alb_scratch_reset(struct alb_scratch *s)
{
    size_t all = 0;
    for (const struct chunk *c = s->first; c; c = c->next)
        all += c->used;
    if (s->first && !s->first->next && s->first->size <= KEEP_MOST) {
        s->first->used = 0;
        return;
    }
    drop_all(s);
    s->wanted = all <= KEEP_MOST ? all : 0;
}

void alb_scratch_trim(struct alb_scratch *s)
{
    drop_all(s);
}
