/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls: a unit of the catalog with its arguments copied into an arena of its own (contract: priv.h).
 */
#include <string.h>

#include "base/mem.h"
#include "library/priv.h"

static void call_release(struct alb_obj *obj)
{
    struct alb_call *c = ALB_CONTAINER_OF(obj, struct alb_call, obj);

    if (c->alive != NULL)
        atomic_fetch_sub(c->alive, 1);
    alb_principal_unref(c->principal);
    alb_arena_free(&c->arena);
    alb_mem_free(c);
}

struct alb_call *alb_call_new(struct alb_library *lib, const struct alb_principal *p, size_t cap, size_t args)
{
    struct alb_call *c = alb_mem_calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    alb_obj_init(&c->obj, call_release);
    c->lib = lib;
    /* A reference through a const pointer: the value is not changed, only counted. */
    c->principal = alb_principal_ref((struct alb_principal *)(uintptr_t)p);
    c->arena = alb_arena_new(cap);
    if (c->arena != NULL)
        c->args = alb_arena_calloc(c->arena, 1, args > 0 ? args : 1);
    if (c->args == NULL)
        alb_call_free(&c);
    return c;
}

void alb_call_free(struct alb_call **c)
{
    if (*c != NULL)
        alb_obj_unref(&(*c)->obj);
    *c = NULL;
}

struct alb_str alb_call_str(struct alb_call *c, struct alb_str s)
{
    struct alb_str copy;

    if (s.n == 0)
        return s.p == NULL ? ALB_STR_NONE : ALB_STR("");
    copy = alb_arena_str(c->arena, s);
    if (copy.n != s.n)
        c->full = true;
    return copy;
}

void *alb_call_copy(struct alb_call *c, const void *p, size_t count, size_t size)
{
    size_t n;
    void *copy;

    if (count == 0)
        return NULL;
    copy = alb_size_mul(count, size, &n) ? alb_arena_alloc(c->arena, n) : NULL;
    if (copy == NULL)
        c->full = true;
    else
        memcpy(copy, p, n);
    return copy;
}

struct alb_layer *alb_call_layer(struct alb_call *c, const struct alb_layer *l)
{
    struct alb_layer *copy;

    if (l == NULL)
        return NULL;
    copy = alb_call_copy(c, l, 1, sizeof(*l));
    if (copy == NULL)
        return NULL;
    copy->title = alb_call_str(c, l->title);
    copy->description = alb_call_str(c, l->description);
    copy->author = alb_call_str(c, l->author);
    return copy;
}

struct alb_tag_name *alb_call_tags(struct alb_call *c, const struct alb_tag_name *tags, size_t count)
{
    struct alb_tag_name *copy = alb_call_copy(c, tags, count, sizeof(*tags));

    for (size_t i = 0; copy != NULL && i < count; i++)
        copy[i].value = alb_call_str(c, tags[i].value);
    return copy;
}

static enum alb_code call_write(struct alb_call **c, const char *name, alb_catalog_unit_fn *run,
                                bool background, struct alb_future **future, struct alb_err *err)
{
    struct alb_call *call = *c;
    struct alb_catalog_unit unit = {.name = name, .run = run, .background = background};

    *c = NULL;
    if (future != NULL)
        *future = NULL;
    if (call == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for %s", name);
    if (call->full || alb_arena_code(call->arena) != ALB_OK) {
        enum alb_code code = alb_arena_code(call->arena);

        alb_call_free(&call);
        return alb_fail(err, code != ALB_OK ? code : ALB_E_TOO_LARGE, "%s: the arguments are too large",
                        name);
    }
    unit.args = &call->obj;
    return alb_catalog_write(call->lib->cat, &unit, future, err);
}

enum alb_code alb_call_write(struct alb_call **c, const char *name, alb_catalog_unit_fn *run,
                             struct alb_future **future, struct alb_err *err)
{
    return call_write(c, name, run, false, future, err);
}

enum alb_code alb_call_write_background(struct alb_call **c, const char *name, alb_catalog_unit_fn *run,
                                        struct alb_future **future, struct alb_err *err)
{
    return call_write(c, name, run, true, future, err);
}

static void done_release(struct alb_obj *obj)
{
    alb_mem_free(ALB_CONTAINER_OF(obj, struct alb_done, obj));
}

enum alb_code alb_done_give(struct alb_obj **result, int64_t id, int64_t count, const struct alb_uuid *uuid,
                            struct alb_err *err)
{
    struct alb_done *d = alb_mem_calloc(1, sizeof(*d));

    if (d == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a result");
    alb_obj_init(&d->obj, done_release);
    d->id = id;
    d->count = count;
    if (uuid != NULL)
        d->uuid = *uuid;
    *result = &d->obj;
    return ALB_OK;
}

#define UNIT_ARENA ((size_t)4 << 20)

struct alb_arena *alb_unit_arena(struct alb_err *err)
{
    struct alb_arena *a = alb_arena_new(UNIT_ARENA);

    if (a == NULL)
        alb_ignore(alb_fail(err, ALB_E_NO_MEMORY, "no memory for a unit"), "in *err");
    return a;
}
