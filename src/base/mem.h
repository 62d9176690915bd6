/* SPDX-License-Identifier: Apache-2.0
 *
 * The only door to the heap (tools/banned keeps malloc and friends out of every other file). Memory of a
 * request or a job comes from its arena; what threads share is a counted object; these two and start-up
 * call here. Failure returns NULL, except in the _nofail form, which is for start-up only and panics.
 * Tests plan failures: alb_mem_fault(n, once) makes the n-th allocation of the calling thread fail.
 */
#ifndef ALB_BASE_MEM_H
#define ALB_BASE_MEM_H

#include "base/attr.h"

void *alb_mem_alloc(size_t n) ALB_MUST_CHECK; /* not cleared; n = 0 gives a unique pointer */
void *alb_mem_calloc(size_t count, size_t size) ALB_MUST_CHECK; /* cleared; NULL on overflow */
void *alb_mem_realloc(void *p, size_t n) ALB_MUST_CHECK;        /* p stays valid on failure */
void *alb_mem_alloc_nofail(size_t n) ALB_MUST_CHECK;
void alb_mem_free(void *p); /* NULL is allowed */

/* Checked size arithmetic: false on overflow (out untouched). */
static inline bool alb_size_add(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_add_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}
static inline bool alb_size_mul(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_mul_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

/* Fault plan of the calling thread: n = 0 ends it; 1 = the next allocation fails. once = only that one,
 * else every one from there on. alb_mem_fault_fired tells whether the plan has struck since it was set. */
void alb_mem_fault(uint64_t n, bool once);
bool alb_mem_fault_fired(void);

/* For ALB_CLEANUP(alb_mem_cleanup) on a pointer variable. */
void alb_mem_cleanup(void *pointer_to_pointer);

#endif
