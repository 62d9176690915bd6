/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory of one request or one job: allocate freely, free everything at once. Chunks grow up to a hard cap
 * that is given at creation (law 7); past it, or out of memory, allocations return NULL and the arena
 * remembers (alb_arena_code), so a builder may check once before it answers. Cleanup hooks run last in,
 * first out when the arena is freed or rewound past them: descriptors, statements and references of the
 * request hang there and cannot leak.
 * One thread at a time; whoever hands a request on hands the arena on with it. Nothing in an arena is seen
 * by a second thread. Under ASan unused and rewound memory is poisoned.
 */
#ifndef ALB_BASE_ARENA_H
#define ALB_BASE_ARENA_H

#include "base/err.h"
#include "base/str.h"

struct alb_arena;

/* cap: bytes of heap, the arena's own included; less than 512 counts as 512. NULL: no memory. */
struct alb_arena *alb_arena_new(size_t cap) ALB_MUST_CHECK;
void alb_arena_free(struct alb_arena **arena); /* runs the hooks; NULL inside is allowed */

/* Aligned for any type, not cleared / cleared. NULL once the cap is reached. */
void *alb_arena_alloc(struct alb_arena *a, size_t n);
void *alb_arena_calloc(struct alb_arena *a, size_t count, size_t size);
#define ALB_ARENA_NEW(a, type) ((type *)alb_arena_calloc((a), 1, sizeof(type)))
/* Copies; the copy has a NUL behind it that is not counted. Empty view on failure. */
struct alb_str alb_arena_str(struct alb_arena *a, struct alb_str s);
char *alb_arena_cstr(struct alb_arena *a, struct alb_str s); /* NULL on failure */
struct alb_str alb_arena_printf(struct alb_arena *a, const char *fmt, ...) ALB_PRINTF(2, 3);

/* fn(arg) when the arena ends. If the hook cannot be stored it runs at once and false is returned. */
typedef void alb_cleanup_fn(void *arg);
bool alb_arena_defer(struct alb_arena *a, alb_cleanup_fn *fn, void *arg) ALB_MUST_CHECK;

struct alb_arena_mark {
    void *chunk;
    size_t used;
    void *hook;
};
struct alb_arena_mark alb_arena_mark(struct alb_arena *a);
void alb_arena_rewind(struct alb_arena *a, struct alb_arena_mark mark);

/* OK, TOO_LARGE or NO_MEMORY: the first failure of this arena's life; rewinding does not forget it. */
enum alb_code alb_arena_code(const struct alb_arena *a) ALB_MUST_CHECK;
size_t alb_arena_used(const struct alb_arena *a); /* bytes taken from the heap */

#endif
