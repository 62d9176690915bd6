/* SPDX-License-Identifier: Apache-2.0
 *
 * When a session or key was last used: noted in memory, written behind by alb_library_tick (law 5 allows it
 * and says so). Bounded: a full table forgets the note, the next use notes again.
 *
 * Threads: any. Lock: LIBRARY_MEMO, short.
 */
#include <string.h>

#include "base/mem.h"
#include "library/priv.h"

#define SLOTS 4096

struct note {
    int64_t id; /* 0 = free */
    int64_t at_ms;
    enum alb_token kind;
};
struct alb_used {
    struct alb_mutex mtx;
    size_t count; /* under mtx, like the notes */
    struct note notes[SLOTS];
};

struct alb_used *alb_used_new(void)
{
    struct alb_used *u = alb_mem_calloc(1, sizeof(*u));

    if (u != NULL)
        alb_mutex_init(&u->mtx, ALB_LOCK_LIBRARY_MEMO);
    return u;
}

void alb_used_free(struct alb_used **u)
{
    if (*u != NULL)
        alb_mutex_fini(&(*u)->mtx);
    alb_mem_free(*u);
    *u = NULL;
}

void alb_used_note(struct alb_used *u, enum alb_token kind, int64_t id, int64_t at_ms)
{
    alb_mutex_lock(&u->mtx);
    for (size_t i = 0; i < 8; i++) { /* open addressing, short: a note may be lost */
        struct note *n = &u->notes[((uint64_t)id * 3 + (uint64_t)kind + i) % SLOTS];

        if (n->id != 0 && (n->id != id || n->kind != kind))
            continue;
        u->count += n->id == 0;
        *n = (struct note){.id = id, .at_ms = at_ms, .kind = kind};
        break;
    }
    alb_mutex_unlock(&u->mtx);
}

struct batch {
    size_t count;
    int64_t session_ms;
    struct note notes[SLOTS];
};

static enum alb_code flush_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                struct alb_err *err)
{
    const struct batch *b = alb_args_of(obj);
    enum alb_code code = ALB_OK;

    (void)result;
    for (size_t i = 0; code == ALB_OK && i < b->count; i++) {
        const struct note *n = &b->notes[i];

        code = alb_catalog_token_used(tx, n->kind, n->id, n->at_ms, n->at_ms + b->session_ms, err);
    }
    return code;
}

static size_t take_notes(struct alb_used *u, struct note *out)
{
    size_t n = 0;

    alb_mutex_lock(&u->mtx);
    for (size_t i = 0; u->count > 0 && i < SLOTS; i++)
        if (u->notes[i].id != 0)
            out[n++] = u->notes[i];
    memset(u->notes, 0, sizeof(u->notes));
    u->count = 0;
    alb_mutex_unlock(&u->mtx);
    return n;
}

void alb_library_flush_used(struct alb_library *lib, bool wait)
{
    struct alb_call *c = alb_call_new(lib, NULL, sizeof(struct batch) + ALB_CALL_SMALL, sizeof(struct batch));
    struct alb_future *f = NULL;
    struct batch *b;

    if (c == NULL)
        return;
    b = c->args;
    b->session_ms = lib->config.session_ms;
    b->count = take_notes(lib->used, b->notes);
    if (b->count == 0) {
        alb_call_free(&c);
        return;
    }
    if (alb_call_write_background(&c, "last-used", flush_unit, wait ? &f : NULL, NULL) != ALB_OK)
        return; /* written behind: lost, and noted again at the next use */
    if (wait)
        alb_ignore(alb_library_await(&f, NULL, NULL), "written behind");
}
