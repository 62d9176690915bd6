/* SPDX-License-Identifier: Apache-2.0
 *
 * The allocation functions of libc under their own names: the program's definitions win over libc's in every
 * library, and pass on to libc's own. Not in sanitizer builds, which have their own.
 */
#include "image/oom.h"

#include <errno.h>

static struct alb_flag_page *flags;

void alb_oom_watch(struct alb_flag_page *page)
{
    flags = page;
}

#if !ALB_SANITIZED

#define EXPORT __attribute__((visibility("default")))

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

EXPORT void *malloc(size_t n);
EXPORT void *calloc(size_t count, size_t size);
EXPORT void *realloc(void *p, size_t n);
EXPORT void *memalign(size_t align, size_t n);
EXPORT void *aligned_alloc(size_t align, size_t n);
EXPORT int posix_memalign(void **out, size_t align, size_t n);

static void *note(void *p)
{
    if (!p && flags)
        flags->out_of_memory = 1;
    return p;
}

void *malloc(size_t n) /* allowed: malloc, this is the definition */
{
    return note(__libc_malloc(n));
}

void *calloc(size_t count, size_t size) /* allowed: calloc, this is the definition */
{
    return note(__libc_calloc(count, size));
}

void *realloc(void *p, size_t n) /* allowed: realloc, this is the definition */
{
    void *q = __libc_realloc(p, n);
    return n > 0 ? note(q) : q;
}

void *memalign(size_t align, size_t n)
{
    return note(__libc_memalign(align, n));
}

void *aligned_alloc(size_t align, size_t n) /* allowed: aligned_alloc, this is the definition */
{
    return note(__libc_memalign(align, n));
}

int posix_memalign(void **out, size_t align, size_t n) /* allowed: posix_memalign, this is the definition */
{
    if (align < sizeof(void *) || (align & (align - 1)) != 0)
        return EINVAL;
    void *p = note(__libc_memalign(align, n));
    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}

#endif
