/* SPDX-License-Identifier: Apache-2.0
 * Futures: what callbacks may do and in which order they come, chains, the bound on terms, hooks that act or
 * are dropped, and the end of a term that waits for a hook on another thread (callback.h).
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "future_world.h"

/* ---- what callbacks may do ----------------------------------------------------------------------- */

struct heir {
    struct alb_waiter w;
    unsigned *depth, *promoted, *settled;
};

static void pass_on(struct alb_waiter *w, enum alb_wake why)
{
    struct heir *h = ALB_CONTAINER_OF(w, struct heir, w);
    struct alb_owner owner = w->owner;

    assert_int_equal((*h->depth)++, 0); /* C2 */
    if (why == ALB_WAKE_PROMOTED) {
        struct alb_err err = some_error();
        (*h->promoted)++;
        assert_true(alb_future_resign(&owner, &err));
    } else {
        (*h->settled)++;
    }
    (*h->depth)--;
    free(h); /* nobody looks at a waiter once its wake has begun: ASan would see it */
}

/* A thousand heirs that all pass the title on: no deep stack, and the bound on terms (law 7). */
static void test_heirs_that_pass_on(void **state)
{
    struct alb_future *f;
    struct alb_owner owner;
    unsigned depth = 0, promoted = 0, settled = 0;

    (void)state;
    assert_int_equal(alb_future_new(&f, &owner), ALB_OK);
    for (int i = 0; i < 1000; i++) {
        struct heir *h = calloc(1, sizeof(*h));
        assert_non_null(h);
        *h = (struct heir){.w = {.wake = pass_on, .heir = true},
                           .depth = &depth,
                           .promoted = &promoted,
                           .settled = &settled};
        assert_true(alb_future_wait(f, &h->w));
    }
    assert_true(alb_future_resign(&owner, NULL));
    assert_int_equal(promoted, ALB_FUTURE_TERMS_MAX - 1);
    assert_int_equal(settled, 1000 - promoted);
    assert_int_equal(alb_future_error(f, NULL), ALB_E_UNPROCESSABLE);
    assert_int_equal(alb_future_look(f).term, ALB_FUTURE_TERMS_MAX);
    alb_future_unref(f);
}

struct link {
    struct alb_waiter w;
    struct alb_owner owner; /* of the next future */
    struct alb_future *next;
    bool again;
};

static void settle_next(struct alb_waiter *w, enum alb_wake why)
{
    struct link *l = ALB_CONTAINER_OF(w, struct link, w);

    assert_int_equal(why, ALB_WAKE_SETTLED);
    if (l->again) { /* the waiter is free for another future inside its wake */
        l->again = false;
        assert_true(alb_future_wait(l->next, w));
        return;
    }
    if (l->owner.future != NULL)
        assert_true(alb_future_settle(&l->owner, some_result()));
}

static void test_chain_of_futures(void **state)
{
    enum { N = 200 };
    static struct link links[N];
    struct alb_future *f[N + 1];
    struct alb_owner first;

    (void)state;
    memset(links, 0, sizeof(links));
    assert_int_equal(alb_future_new(&f[0], &first), ALB_OK);
    for (int i = 0; i < N; i++) {
        assert_int_equal(alb_future_new(&f[i + 1], &links[i].owner), ALB_OK);
        links[i].w.wake = settle_next;
        assert_true(alb_future_wait(f[i], &links[i].w));
    }
    assert_true(alb_future_settle(&first, some_result()));
    for (int i = 0; i <= N; i++) {
        assert_true(alb_future_done(f[i]));
        alb_future_unref(f[i]);
    }
}

static void test_wait_elsewhere_inside_wake(void **state)
{
    struct alb_future *f, *g;
    struct alb_owner first, second;
    struct link l = {.w = {.wake = settle_next}, .again = true};

    (void)state;
    assert_int_equal(alb_future_new(&f, &first), ALB_OK);
    assert_int_equal(alb_future_new(&g, &second), ALB_OK);
    l.next = g;
    assert_true(alb_future_wait(f, &l.w));
    assert_true(alb_future_settle(&first, some_result()));
    assert_int_equal(alb_future_look(g).waiters, 1);
    assert_true(alb_future_leave(g, &l.w));
    assert_true(alb_future_settle(&second, some_result()));
    alb_future_unref(f);
    alb_future_unref(g);
}

/* A hook that acts on its own title, in every way. */
struct acting {
    struct alb_future *f;
    struct alb_owner owner;
    struct alb_waiter *newcomer;
    char action;
    unsigned calls;
};

static void act(void *arg)
{
    struct acting *a = arg;

    a->calls++;
    if (a->newcomer != NULL)
        assert_true(alb_future_wait(a->f, a->newcomer));
    switch (a->action) {
    case 's':
        assert_true(alb_future_settle(&a->owner, some_result()));
        break;
    case 'f':
        assert_true(alb_future_fail(&a->owner, NULL));
        break;
    case 'r':
        assert_true(alb_future_resign(&a->owner, NULL));
        break;
    case 'h': /* a second setting while still forsaken: called after this one has returned */
        a->action = '.';
        alb_future_on_forsaken(&a->owner, act, a);
        assert_int_equal(a->calls, 1);
        break;
    default:
        break;
    }
}

static void acting_hook(char action, bool newcomer, unsigned calls, const char *end)
{
    struct alb_waiter w = {.wake = wake}, late = {.wake = wake, .heir = true};
    struct acting a = {.action = action, .newcomer = NULL};

    memset(&world, 0, sizeof(world));
    assert_int_equal(alb_future_new(&a.f, &a.owner), ALB_OK);
    world.f = a.f;
    world.w[0] = w;
    world.w[1] = late;
    if (newcomer)
        a.newcomer = &world.w[1];
    assert_true(alb_future_wait(a.f, &world.w[0]));
    alb_future_on_forsaken(&a.owner, act, &a);
    assert_true(alb_future_leave(a.f, &world.w[0]));
    assert_int_equal(a.calls, calls);
    assert_string_equal(alb_future_look(a.f).state, end);
    if (!alb_future_done(a.f))
        assert_true(alb_future_settle(world.title.future != NULL ? &world.title : &a.owner, some_result()));
    alb_future_unref(a.f);
}

static void test_hook_that_acts(void **state)
{
    (void)state;
    acting_hook('s', false, 1, "settled");
    acting_hook('f', false, 1, "failed");
    acting_hook('r', false, 1, "failed");
    acting_hook('h', false, 2, "forsaken");
    acting_hook('.', true, 1, "owned");
    acting_hook('s', true, 1, "settled");
    acting_hook('r', true, 1, "owned"); /* the newcomer inherited */
    assert_string_equal(world.trace, "P1");
}

/* A hook that is due but has not begun is dropped by the end of its term, and by a newcomer. */
struct dropper {
    struct alb_waiter w;
    struct acting *a;
    struct alb_waiter *leaver, *newcomer;
    bool end;
};

static void leave_and(struct alb_waiter *w, enum alb_wake why)
{
    struct dropper *d = ALB_CONTAINER_OF(w, struct dropper, w);

    assert_int_equal(why, ALB_WAKE_SETTLED);
    assert_true(alb_future_leave(d->a->f, d->leaver));
    assert_true(alb_future_is_forsaken(&d->a->owner));
    assert_int_equal(d->a->calls, 0); /* we are in a callback: the hook waits for its turn */
    if (d->newcomer != NULL)
        assert_true(alb_future_wait(d->a->f, d->newcomer));
    if (d->end)
        assert_true(alb_future_settle(&d->a->owner, some_result()));
}

static void drop(bool newcomer, bool end)
{
    struct alb_future *outer;
    struct alb_owner outer_owner;
    struct alb_waiter leaver = {.wake = wake}, late = {.wake = wake};
    struct acting a = {.action = '.'};
    struct dropper d = {.w = {.wake = leave_and}, .a = &a, .leaver = &leaver, .end = end};

    memset(&world, 0, sizeof(world));
    if (newcomer)
        d.newcomer = &late;
    assert_int_equal(alb_future_new(&outer, &outer_owner), ALB_OK);
    assert_int_equal(alb_future_new(&a.f, &a.owner), ALB_OK);
    world.f = a.f;
    alb_future_on_forsaken(&a.owner, act, &a);
    assert_true(alb_future_wait(a.f, &leaver));
    assert_true(alb_future_wait(outer, &d.w));
    assert_true(alb_future_settle(&outer_owner, some_result()));
    assert_int_equal(a.calls, newcomer || end ? 0 : 1);
    if (newcomer && !end) { /* it is still set */
        assert_true(alb_future_leave(a.f, &late));
        assert_int_equal(a.calls, 1);
    }
    if (!end)
        assert_true(alb_future_settle(&a.owner, some_result()));
    alb_future_unref(a.f);
    alb_future_unref(outer);
}

static void test_hook_is_dropped(void **state)
{
    (void)state;
    drop(false, false);
    drop(false, true);
    drop(true, false);
}

/* ---- the end waits for a hook on another thread (C4) --------------------------------------------- */

struct slow_hook {
    struct alb_future *f;
    struct alb_owner owner;
    struct alb_waiter w;
    atomic_bool in_hook, ending, hook_over;
};

static void slow_hook(void *arg)
{
    struct slow_hook *s = arg;

    atomic_store(&s->in_hook, true);
    while (!atomic_load(&s->ending))
        sched_yield();
    for (int i = 0; i < 1000; i++) /* time for the other thread to go wrong */
        sched_yield();
    atomic_store(&s->hook_over, true);
}

static void *leaver(void *arg)
{
    struct slow_hook *s = arg;

    alb_ignore(alb_future_leave(s->f, &s->w), "checked by who started the thread");
    return NULL;
}

static void end_during_hook(char how)
{
    struct slow_hook s = {.w = {.wake = wake}};
    pthread_t thread;

    assert_int_equal(alb_future_new(&s.f, &s.owner), ALB_OK);
    assert_true(alb_future_wait(s.f, &s.w));
    alb_future_on_forsaken(&s.owner, slow_hook, &s);
    assert_int_equal(pthread_create(&thread, NULL, leaver, &s), 0);
    while (!atomic_load(&s.in_hook))
        sched_yield();
    atomic_store(&s.ending, true);
    if (how == 's')
        assert_true(alb_future_settle(&s.owner, some_result()));
    else if (how == 'f')
        assert_true(alb_future_fail(&s.owner, NULL));
    else if (how == 'r')
        assert_true(alb_future_resign(&s.owner, NULL));
    else
        alb_future_on_forsaken(&s.owner, NULL, NULL);
    assert_true(atomic_load(&s.hook_over));
    if (!alb_future_done(s.f))
        assert_true(alb_future_settle(&s.owner, some_result()));
    assert_int_equal(pthread_join(thread, NULL), 0);
    alb_future_unref(s.f);
}

static void test_end_waits_for_a_running_hook(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        end_during_hook('s');
        end_during_hook('f');
        end_during_hook('r');
        end_during_hook('h');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heirs_that_pass_on),
        cmocka_unit_test(test_chain_of_futures),
        cmocka_unit_test(test_wait_elsewhere_inside_wake),
        cmocka_unit_test(test_hook_that_acts),
        cmocka_unit_test(test_hook_is_dropped),
        cmocka_unit_test(test_end_waits_for_a_running_hook),
    };
    return cmocka_run_group_tests_name("future_calls", tests, NULL, NULL);
}
