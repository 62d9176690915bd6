/* SPDX-License-Identifier: Apache-2.0
 *
 * The heap and its fault plan (contract: mem.h). The plan is per thread, so a test that makes allocation 3
 * fail is not disturbed by what other threads do. A planned failure looks exactly like a real one.
 */
#include "base/mem.h"

#include <stdlib.h>

#include "base/check.h"

static _Thread_local struct {
    uint64_t left; /* allocations until the failure; 0 = no plan */
    bool once;
    bool fired;
} plan;

static bool planned_failure(void)
{
    if (__builtin_expect(plan.left == 0, 1))
        return false;
    if (plan.left > 1) {
        plan.left--;
        return false;
    }
    plan.fired = true;
    if (plan.once)
        plan.left = 0;
    return true;
}

void *alb_mem_alloc(size_t n)
{
    if (planned_failure())
        return NULL;
    return malloc(n > 0 ? n : 1);
}

void *alb_mem_calloc(size_t count, size_t size)
{
    if (planned_failure())
        return NULL;
    size_t n;
    if (!alb_size_mul(count, size, &n))
        return NULL; /* calloc would say so too, but sanitizers end the process there */
    return calloc(n > 0 ? n : 1, 1);
}

void *alb_mem_realloc(void *p, size_t n)
{
    if (planned_failure())
        return NULL;
    return realloc(p, n > 0 ? n : 1);
}

void *alb_mem_alloc_nofail(size_t n)
{
    void *p = alb_mem_alloc(n);

    if (p == NULL)
        alb_panic(__FILE__, "no memory for %zu bytes at start", n);
    return p;
}

void alb_mem_free(void *p)
{
    free(p);
}

void alb_mem_fault(uint64_t n, bool once)
{
    plan.left = n;
    plan.once = once;
    plan.fired = false;
}

bool alb_mem_fault_fired(void)
{
    return plan.fired;
}

void alb_mem_cleanup(void *pointer_to_pointer)
{
    void **p = pointer_to_pointer;

    free(*p);
    *p = NULL;
}
