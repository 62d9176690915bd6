/* SPDX-License-Identifier: Apache-2.0
 *
 * The arena (contract: arena.h). A list of chunks, newest first; the first chunk lies in the same piece of
 * heap as the arena itself, so a small request costs one allocation. Cleanup hooks lie in the arena's own
 * memory, newest first, which is why rewinding runs them before it frees chunks.
 *
 * Invariants: 1. taken = bytes of all pieces of heap, <= cap. 2. used <= size in every chunk. 3. Under ASan
 * every byte that was not handed out is poisoned, and 16 poisoned bytes follow each one that was.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#define RED_ZONE 16
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#define RED_ZONE 0
#endif

#define ALIGN 16U
#define LEAST_CAP 512
#define FIRST_CHUNK 4096   /* the whole first piece, with the arena in it */
#define LARGEST_STEP 65536 /* chunks double up to here; a larger one is made only for a larger request */

struct chunk {
    struct chunk *prev;
    size_t size, used;
    size_t piece; /* bytes of heap */
    _Alignas(16) unsigned char room[];
};

struct hook {
    struct hook *prev;
    alb_cleanup_fn *fn;
    void *arg;
};

struct alb_arena {
    size_t cap, taken;
    enum alb_code code;
    struct hook *hooks;
    struct chunk *newest;
    _Alignas(16) unsigned char first[]; /* the first chunk */
};

static void chunk_set_up(struct chunk *c, struct chunk *prev, size_t piece, size_t size)
{
    c->prev = prev;
    c->size = size;
    c->used = 0;
    c->piece = piece;
    POISON(c->room, size);
}

struct alb_arena *alb_arena_new(size_t cap)
{
    if (cap < LEAST_CAP)
        cap = LEAST_CAP;
    size_t piece = cap < FIRST_CHUNK ? cap : FIRST_CHUNK;
    struct alb_arena *a = alb_mem_alloc(piece);
    if (a == NULL)
        return NULL;
    a->cap = cap;
    a->taken = piece;
    a->code = ALB_OK;
    a->hooks = NULL;
    a->newest = (struct chunk *)(void *)a->first;
    chunk_set_up(a->newest, NULL, 0, piece - sizeof(*a) - sizeof(struct chunk));
    return a;
}

static void run_hooks(struct alb_arena *a, const struct hook *until)
{
    while (a->hooks != until) {
        struct hook *h = a->hooks;
        ALB_CHECK(h != NULL);
        a->hooks = h->prev;
        h->fn(h->arg);
    }
}

static void drop_newest(struct alb_arena *a)
{
    struct chunk *c = a->newest;

    a->newest = c->prev;
    a->taken -= c->piece;
    UNPOISON(c->room, c->size);
    alb_mem_free(c);
}

void alb_arena_free(struct alb_arena **arena)
{
    struct alb_arena *a = *arena;

    if (a == NULL)
        return;
    *arena = NULL;
    run_hooks(a, NULL);
    while (a->newest->prev != NULL)
        drop_newest(a);
    UNPOISON(a->newest->room, a->newest->size);
    alb_mem_free(a);
}

static void *fail(struct alb_arena *a, enum alb_code code)
{
    if (a->code == ALB_OK)
        a->code = code;
    return NULL;
}

/* A new newest chunk with room for at least n bytes. */
static bool add_chunk(struct alb_arena *a, size_t n)
{
    size_t least, piece = a->newest->piece < FIRST_CHUNK ? FIRST_CHUNK : a->newest->piece * 2;
    size_t left = a->cap - a->taken;

    if (!alb_size_add(n, sizeof(struct chunk), &least) || least > left)
        return fail(a, ALB_E_TOO_LARGE) != NULL;
    if (piece > LARGEST_STEP)
        piece = LARGEST_STEP;
    if (piece > left)
        piece = left;
    if (piece < least)
        piece = least;
    struct chunk *c = alb_mem_alloc(piece);
    if (c == NULL)
        return fail(a, ALB_E_NO_MEMORY) != NULL;
    chunk_set_up(c, a->newest, piece, piece - sizeof(*c));
    a->newest = c;
    a->taken += piece;
    return true;
}

void *alb_arena_alloc(struct alb_arena *a, size_t n)
{
    size_t room;

    if (!alb_size_add(n, RED_ZONE + ALIGN - 1, &room))
        return fail(a, ALB_E_TOO_LARGE);
    room &= ~(size_t)(ALIGN - 1);
    if (room == 0)
        room = ALIGN; /* n = 0 too gets an address of its own */
    if (room > a->newest->size - a->newest->used && !add_chunk(a, room))
        return NULL;
    unsigned char *p = a->newest->room + a->newest->used;
    a->newest->used += room;
    UNPOISON(p, n);
    return p;
}

void *alb_arena_calloc(struct alb_arena *a, size_t count, size_t size)
{
    size_t n;

    if (!alb_size_mul(count, size, &n))
        return fail(a, ALB_E_TOO_LARGE);
    void *p = alb_arena_alloc(a, n);
    if (p != NULL && n > 0)
        memset(p, 0, n);
    return p;
}

char *alb_arena_cstr(struct alb_arena *a, struct alb_str s)
{
    size_t room;

    if (!alb_size_add(s.n, 1, &room))
        return fail(a, ALB_E_TOO_LARGE);
    char *p = alb_arena_alloc(a, room);
    if (p == NULL)
        return NULL;
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return p;
}

struct alb_str alb_arena_str(struct alb_arena *a, struct alb_str s)
{
    char *p = alb_arena_cstr(a, s);

    return p != NULL ? alb_str_n(p, s.n) : ALB_STR_NONE;
}

struct alb_str alb_arena_printf(struct alb_arena *a, const char *fmt, ...)
{
    va_list ap;
    char *p = NULL;

    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        (void)fail(a, ALB_E_TOO_LARGE);
    else
        p = alb_arena_alloc(a, (size_t)n + 1);
    if (p == NULL)
        return ALB_STR_NONE;
    va_start(ap, fmt);
    (void)vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return alb_str_n(p, (size_t)n);
}

bool alb_arena_defer(struct alb_arena *a, alb_cleanup_fn *fn, void *arg)
{
    struct hook *h = alb_arena_alloc(a, sizeof(*h));

    if (h == NULL) {
        fn(arg);
        return false;
    }
    h->prev = a->hooks;
    h->fn = fn;
    h->arg = arg;
    a->hooks = h;
    return true;
}

struct alb_arena_mark alb_arena_mark(struct alb_arena *a)
{
    return (struct alb_arena_mark){a->newest, a->newest->used, a->hooks};
}

void alb_arena_rewind(struct alb_arena *a, struct alb_arena_mark mark)
{
    run_hooks(a, mark.hook);
    while (a->newest != mark.chunk) {
        ALB_CHECK(a->newest->prev != NULL); /* a mark of this arena, and not of a later time */
        drop_newest(a);
    }
    ALB_CHECK(mark.used <= a->newest->used);
    a->newest->used = mark.used;
    POISON(a->newest->room + mark.used, a->newest->size - mark.used);
}

enum alb_code alb_arena_code(const struct alb_arena *a)
{
    return a->code;
}

size_t alb_arena_used(const struct alb_arena *a)
{
    return a->taken;
}
