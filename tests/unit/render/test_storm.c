/* SPDX-License-Identifier: Apache-2.0
 * Render under a storm: many askers of few pictures, who wait, hang up at any moment or inherit; workers that
 * end in every way. Afterwards all is at zero and the next request is answered (law 8).
 */
#include "fakes.h"

#include "render/failures.h"

#define THREADS 4
#define ROUNDS 1000
#define PICTURES 6

static struct alb_source *sources[PICTURES];
static atomic_uint got, failed, left;

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

struct client {
    struct world *w;
    uint32_t seed;
    enum alb_lease_class cls;
};

static void inherit(struct client *c, struct asker *a, struct alb_source *source)
{
    const struct alb_plan_options o = small_picture();
    const struct alb_render_ask question = ask_of(source, &o, c->cls, ALB_NEVER);
    atomic_store(&a->promoted, 0);
    alb_render_inherit(c->w->render, &question, &a->waiter.owner, &a->waiter);
}

static void wait_for_the_end(struct client *c, struct asker *a, struct alb_source *source)
{
    while (atomic_load(&a->settled) == 0) {
        if (atomic_load(&a->promoted) > 0)
            inherit(c, a, source);
        (void)sched_yield();
    }
    (void)atomic_fetch_add(asker_picture(a) ? &got : &failed, 1);
    asker_end(a);
}

static void hang_up_soon(struct client *c, struct asker *a)
{
    for (uint32_t n = next_random(&c->seed) % 40; n > 0; n--)
        (void)sched_yield();
    asker_leave(a);
    (void)atomic_fetch_add(&left, 1);
}

/* In the background: no waiter of its own, like the jobs room, which may let go at any time. */
static void ask_quietly(struct client *c, struct alb_source *source)
{
    const struct alb_plan_options o = small_picture();
    const struct alb_render_ask question = ask_of(source, &o, ALB_LEASE_BACKGROUND, ALB_NEVER);
    struct alb_future *future;
    if (alb_render_start(c->w->render, &question, NULL, &future, NULL) != ALB_OK)
        return;
    if (next_random(&c->seed) % 2)
        until(alb_future_done(future));
    alb_future_unref(future);
}

static void *client_main(void *arg)
{
    struct client *c = arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct asker a;
        struct alb_source *source = sources[next_random(&c->seed) % PICTURES];
        alb_manual_clock_advance(&c->w->clock,
                                 ALB_FAILURE_LEAST_NS / 64); /* what failed is tried again soon */
        if (next_random(&c->seed) % 8 == 0) {
            ask_quietly(c, source);
            continue;
        }
        if (ask(c->w, &a, source) != ALB_OK) {
            (void)atomic_fetch_add(&failed, 1);
            continue;
        }
        if (next_random(&c->seed) % 2)
            hang_up_soon(c, &a);
        else
            wait_for_the_end(c, &a, source);
    }
    return NULL;
}

static void test_everything_comes_back(void **state)
{
    const struct world_options o = {
        .slots = 2, .queue_max = 4, .hot_bytes = 4096}; /* nothing stays in memory */
    struct world w;
    struct client clients[THREADS];
    pthread_t ids[THREADS];
    (void)state;
    for (unsigned i = 0; i < PICTURES; i++)
        sources[i] = fake_source(100 + i, i == 0 ? "corrupt" : "k");
    fake_reset(FAKE_STORM);
    world_open(&w, &o);
    atomic_store(&fake_cache_off, true);
    atomic_store(&fake_verify_slices, 3);
    for (unsigned i = 0; i < THREADS; i++) {
        clients[i] = (struct client){.w = &w, .seed = i + 1, .cls = ALB_LEASE_FOREGROUND};
        assert_int_equal(pthread_create(&ids[i], NULL, client_main, &clients[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(ids[i], NULL), 0);
    until(alb_render_look(w.render).jobs == 0); /* what was abandoned comes to its end */
    assert_true(atomic_load(&got) > 0 && atomic_load(&left) > 0 && atomic_load(&failed) > 0);
    assert_true(fake_darkroom.most_running <= o.slots);

    struct asker last; /* whoever comes next is served (a worker may be lost once or twice) */
    do {
        assert_int_equal(ask(&w, &last, sources[1]), ALB_OK);
        until(atomic_load(&last.settled) == 1);
        if (asker_picture(&last))
            break;
        asker_end(&last);
        alb_manual_clock_advance(&w.clock, ALB_FAILURE_LEAST_NS);
    } while (true);
    asker_end(&last);
    world_settle(&w);
    for (unsigned i = 0; i < PICTURES; i++)
        assert_int_equal(atomic_load(&sources[i]->obj.refs), 1);
    for (unsigned i = 0; i < PICTURES; i++)
        alb_source_unref(sources[i]);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
