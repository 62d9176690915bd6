/* SPDX-License-Identifier: Apache-2.0
 *
 * The bounded byte buffer (contract: buf.h). Invariants: n <= cap <= max; p has cap + 1 bytes when it is not
 * NULL, so that a NUL always fits behind the contents; after an error nothing is appended any more.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define FIRST_CAP 128

void alb_buf_init(struct alb_buf *b, size_t max)
{
    *b = (struct alb_buf)ALB_BUF_INIT(max);
}

void alb_buf_fini(struct alb_buf *b)
{
    alb_mem_free(b->p);
    *b = (struct alb_buf)ALB_BUF_INIT(b->max);
}

void alb_buf_reset(struct alb_buf *b)
{
    b->n = 0;
    b->code = ALB_OK;
}

static bool fail(struct alb_buf *b, enum alb_code code)
{
    if (b->code == ALB_OK)
        b->code = code;
    return false;
}

static bool grow(struct alb_buf *b, size_t want)
{
    size_t cap = b->cap < FIRST_CAP ? FIRST_CAP : b->cap;

    while (cap < want)
        cap = cap > SIZE_MAX / 2 ? want : cap * 2;
    if (cap > b->max)
        cap = b->max; /* want fits, so this still does */
    size_t room;
    if (!alb_size_add(cap, 1, &room))
        return fail(b, ALB_E_TOO_LARGE);
    char *p = alb_mem_realloc(b->p, room);
    if (p == NULL)
        return fail(b, ALB_E_NO_MEMORY);
    b->p = p;
    b->cap = cap;
    return true;
}

char *alb_buf_reserve(struct alb_buf *b, size_t n)
{
    if (b->code != ALB_OK)
        return NULL;
    if (n > b->max || b->n > b->max - n) {
        fail(b, ALB_E_TOO_LARGE);
        return NULL;
    }
    if ((b->p == NULL || b->n + n > b->cap) && !grow(b, b->n + n))
        return NULL;
    return b->p + b->n;
}

void alb_buf_commit(struct alb_buf *b, size_t n)
{
    ALB_CHECK(n <= b->cap - b->n);
    b->n += n;
}

void alb_buf_add(struct alb_buf *b, const void *p, size_t n)
{
    if (n == 0)
        return;
    char *room = alb_buf_reserve(b, n);
    if (room == NULL)
        return;
    memcpy(room, p, n);
    b->n += n;
}

void alb_buf_str(struct alb_buf *b, struct alb_str s)
{
    alb_buf_add(b, s.p, s.n);
}

void alb_buf_c(struct alb_buf *b, const char *c)
{
    alb_buf_add(b, c, strlen(c));
}

void alb_buf_char(struct alb_buf *b, char c)
{
    alb_buf_add(b, &c, 1);
}

void alb_buf_u64(struct alb_buf *b, uint64_t v)
{
    char text[20];
    size_t at = sizeof(text);

    do {
        text[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    alb_buf_add(b, text + at, sizeof(text) - at);
}

void alb_buf_i64(struct alb_buf *b, int64_t v)
{
    if (v < 0)
        alb_buf_char(b, '-');
    alb_buf_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void alb_buf_printf(struct alb_buf *b, const char *fmt, ...)
{
    va_list ap, again;

    if (b->code != ALB_OK)
        return;
    va_start(ap, fmt);
    va_copy(again, ap);
    /* Most lines fit into what is there; else the first call says how much is needed. */
    size_t room = b->p != NULL ? b->cap - b->n + 1 : 0;
    int n = vsnprintf(room > 0 ? b->p + b->n : NULL, room, fmt, ap);
    va_end(ap);
    if (n < 0) {
        fail(b, ALB_E_TOO_LARGE); /* longer than INT_MAX */
    } else if ((size_t)n < room) {
        b->n += (size_t)n;
    } else if (alb_buf_reserve(b, (size_t)n) != NULL) {
        (void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void alb_buf_drop_front(struct alb_buf *b, size_t n)
{
    ALB_CHECK(n <= b->n);
    if (n == 0)
        return;
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

enum alb_code alb_buf_code(const struct alb_buf *b)
{
    return b->code;
}

struct alb_str alb_buf_view(const struct alb_buf *b)
{
    return alb_str_n(b->p != NULL ? b->p : "", b->n);
}

const char *alb_buf_cstr(struct alb_buf *b)
{
    if (b->code != ALB_OK || b->p == NULL)
        return "";
    b->p[b->n] = '\0';
    return b->p;
}

char *alb_buf_give(struct alb_buf *b, size_t *n)
{
    char *p = NULL;

    *n = 0;
    if (b->code == ALB_OK && (b->p != NULL || grow(b, 0))) {
        p = b->p;
        p[b->n] = '\0';
        *n = b->n;
        b->p = NULL;
    }
    alb_buf_fini(b);
    return p;
}
