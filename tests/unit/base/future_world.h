/* SPDX-License-Identifier: Apache-2.0
 *
 * One thread, one future, a few waiters and a trace of what happens: what the future tests are written in.
 */
#ifndef ALB_TESTS_BASE_FUTURE_WORLD_H
#define ALB_TESTS_BASE_FUTURE_WORLD_H

#include "base/future.h"
#include "test.h"

#define WAITERS 4

static struct world {
    struct alb_future *f;
    struct alb_owner title, first;
    struct alb_waiter w[WAITERS];
    char trace[128];
    size_t n;
} world;

static inline void note(char c)
{
    assert_true(world.n + 1 < sizeof(world.trace));
    world.trace[world.n++] = c;
    world.trace[world.n] = '\0';
}

static inline void wake(struct alb_waiter *w, enum alb_wake why)
{
    note(why == ALB_WAKE_SETTLED ? 'S' : 'P');
    note((char)('0' + (w - world.w)));
    if (why == ALB_WAKE_PROMOTED) {
        assert_ptr_equal(w->owner.future, world.f); /* F4 */
        assert_int_equal(w->owner.term, alb_future_look(world.f).term);
        assert_false(alb_future_done(world.f));
        world.title = w->owner;
        w->owner = ALB_OWNER_NONE;
    } else {
        assert_true(alb_future_done(world.f));
        assert_null(w->owner.future);
    }
}

static inline void forsaken(void *arg)
{
    assert_ptr_equal(arg, &world);
    assert_false(alb_future_done(world.f)); /* F5 */
    assert_int_equal(alb_future_look(world.f).waiters, 0);
    assert_string_equal(alb_future_look(world.f).state, "forsaken");
    note('F');
}

static inline struct alb_obj *some_result(void)
{
    struct alb_bytes *b = alb_bytes_copy("picture", 7);

    assert_non_null(b);
    return &b->obj;
}

static inline struct alb_err some_error(void)
{
    struct alb_err err = ALB_ERR_INIT;

    (void)alb_fail(&err, ALB_E_UNPROCESSABLE, "damaged");
    return err;
}

#endif
