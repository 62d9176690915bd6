/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects that threads share: magic, count, destructor. Put `struct alb_obj obj;` first in the struct.
 * A new object has one reference, the creator's. Taking a reference is relaxed, dropping one acquires and
 * releases, so whoever drops the last sees everything that was written. Any thread.
 * struct alb_bytes is the object that most rooms pass around: immutable bytes.
 */
#ifndef ALB_BASE_OBJ_H
#define ALB_BASE_OBJ_H

#include <stdatomic.h>

#include "base/str.h"

struct alb_obj;
typedef void alb_obj_free_fn(struct alb_obj *obj);

struct alb_obj {
    uint32_t magic; /* ALB_OBJ_MAGIC while alive */
    atomic_uint refs;
    alb_obj_free_fn *free_fn; /* frees the whole struct; called once, with refs == 0 */
};
#define ALB_OBJ_MAGIC 0xa1b0b1ecU

void alb_obj_init(struct alb_obj *obj, alb_obj_free_fn *free_fn);
struct alb_obj *alb_obj_ref(struct alb_obj *obj); /* NULL gives NULL */
void alb_obj_unref(struct alb_obj *obj);          /* NULL is allowed */

/* Immutable bytes, in one allocation, over foreign memory that `release(arg)` gives back, or in a memory file. */
struct alb_bytes {
    struct alb_obj obj;
    const unsigned char *p;
    size_t n;
    void (*release)(void *arg, const unsigned char *p, size_t n);
    void *arg;
    int fd; /* -1, or a sealed memory file of the same n bytes, which lives as long as they do (bytes_file.h) */
};
struct alb_bytes *alb_bytes_copy(const void *p, size_t n) ALB_MUST_CHECK; /* NULL: no memory */
/* Takes the memory over (release is called once when the last reference goes); NULL: no memory, not taken. */
struct alb_bytes *alb_bytes_wrap(const void *p, size_t n,
                                 void (*release)(void *arg, const unsigned char *p, size_t n),
                                 void *arg) ALB_MUST_CHECK;
static inline struct alb_bytes *alb_bytes_ref(struct alb_bytes *b)
{
    return b ? (struct alb_bytes *)(void *)alb_obj_ref(&b->obj) : NULL;
}
static inline void alb_bytes_unref(struct alb_bytes *b)
{
    if (b)
        alb_obj_unref(&b->obj);
}
static inline struct alb_str alb_bytes_view(const struct alb_bytes *b)
{
    return (struct alb_str){(const char *)b->p, b->n};
}

#endif
