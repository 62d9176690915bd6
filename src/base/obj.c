/* SPDX-License-Identifier: Apache-2.0
 *
 * Counted objects and immutable bytes (contract: obj.h). The count is the only field that changes while
 * threads share an object. A dead object's magic is destroyed, so a late ref or unref is caught as long as
 * the memory has not been given to somebody else.
 */
#include "base/obj.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define DEAD_MAGIC 0xdeadb1ecU
/* A count this high is a leak in a loop; wrapping round to zero would free what is in use. */
#define REFS_MAX (UINT32_MAX / 2)

void alb_obj_init(struct alb_obj *obj, alb_obj_free_fn *free_fn)
{
    ALB_CHECK(free_fn != NULL);
    obj->magic = ALB_OBJ_MAGIC;
    atomic_init(&obj->refs, 1);
    obj->free_fn = free_fn;
}

struct alb_obj *alb_obj_ref(struct alb_obj *obj)
{
    if (obj == NULL)
        return NULL;
    ALB_MAGIC_CHECK(obj, ALB_OBJ_MAGIC);
    unsigned before = atomic_fetch_add_explicit(&obj->refs, 1, memory_order_relaxed);
    ALB_CHECK(before > 0 && before < REFS_MAX);
    return obj;
}

void alb_obj_unref(struct alb_obj *obj)
{
    if (obj == NULL)
        return;
    ALB_MAGIC_CHECK(obj, ALB_OBJ_MAGIC);
    unsigned before = atomic_fetch_sub_explicit(&obj->refs, 1, memory_order_acq_rel);
    ALB_CHECK(before > 0);
    if (before == 1) {
        obj->magic = DEAD_MAGIC;
        obj->free_fn(obj);
    }
}

static void bytes_free(struct alb_obj *obj)
{
    struct alb_bytes *b = ALB_CONTAINER_OF(obj, struct alb_bytes, obj);

    if (b->release != NULL)
        b->release(b->arg, b->p, b->n);
    alb_mem_free(b);
}

struct alb_bytes *alb_bytes_copy(const void *p, size_t n)
{
    size_t total;

    if (!alb_size_add(sizeof(struct alb_bytes), n, &total))
        return NULL;
    struct alb_bytes *b = alb_mem_alloc(total);
    if (b == NULL)
        return NULL;
    unsigned char *room = (unsigned char *)(b + 1);
    if (n > 0)
        memcpy(room, p, n);
    alb_obj_init(&b->obj, bytes_free);
    b->p = room;
    b->n = n;
    b->release = NULL;
    b->arg = NULL;
    b->fd = -1;
    return b;
}

struct alb_bytes *alb_bytes_wrap(const void *p, size_t n,
                                 void (*release)(void *arg, const unsigned char *p, size_t n), void *arg)
{
    struct alb_bytes *b = alb_mem_alloc(sizeof(*b));

    if (b == NULL)
        return NULL;
    alb_obj_init(&b->obj, bytes_free);
    b->p = p;
    b->n = n;
    b->release = release;
    b->arg = arg;
    b->fd = -1;
    return b;
}
