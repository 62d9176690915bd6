/* SPDX-License-Identifier: Apache-2.0
 * Actors (A1-A3 of actor.h): every bit is handled, turns never overlap and see each other's work, the end
 * frees. State of the actors below is plain on purpose: ThreadSanitizer checks A2.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/actor.h"
#include "test.h"

#define POSTERS 4
#define ROUNDS 4000
#define BITS 8
#define END ALB_ACTOR_EVENT(30)

static struct alb_pool *pool;

static void start(unsigned threads)
{
    const struct alb_pool_config config = {.name = "act", .threads = threads, .queue_max = 10};

    assert_int_equal(alb_pool_new(&config, &pool, NULL), ALB_OK);
}

struct counter {
    struct alb_actor actor;
    /* owned by the turn that runs */
    unsigned turns, inside;
    uint64_t taken[BITS]; /* what the posters had posted when a turn with that bit began */
    /* atomic */
    _Atomic uint64_t posted[BITS];
    atomic_bool over;
};

static bool count(struct alb_actor *actor, unsigned events)
{
    struct counter *c = ALB_CONTAINER_OF(actor, struct counter, actor);

    assert_true(events != 0);
    assert_int_equal(c->inside, 0);
    c->inside++;
    c->turns++;
    for (unsigned i = 0; i < BITS; i++)
        if (events & ALB_ACTOR_EVENT(i))
            c->taken[i] = atomic_load(&c->posted[i]);
    c->inside--;
    if (events & END) {
        atomic_store(&c->over, true);
        return false;
    }
    return true;
}

static void *post_at_random(void *arg)
{
    struct counter *c = arg;
    unsigned seed = (unsigned)(uintptr_t)&seed;

    for (int i = 0; i < ROUNDS; i++) {
        unsigned bit = (seed = seed * 1103515245u + 12345u) >> 16 & (BITS - 1);
        (void)atomic_fetch_add(&c->posted[bit], 1);
        alb_actor_post(&c->actor, ALB_ACTOR_EVENT(bit));
        if ((seed & 0x70000) == 0)
            (void)sched_yield();
    }
    return NULL;
}

/* A1: a bit posted last is handled in a turn that begins after the post, so that turn sees all posts. */
static void test_every_bit_is_handled(void **state)
{
    struct counter c = {.inside = 0};
    pthread_t ids[POSTERS];

    (void)state;
    start(3);
    alb_actor_init(&c.actor, pool, false, count, ALB_ACTOR_EVENT(0));
    alb_actor_start(&c.actor);
    for (int i = 0; i < POSTERS; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, post_at_random, &c), 0);
    for (int i = 0; i < POSTERS; i++)
        assert_int_equal(pthread_join(ids[i], NULL), 0);
    alb_actor_post(&c.actor, END);
    while (!atomic_load(&c.over))
        (void)sched_yield();
    alb_pool_free(&pool);
    for (unsigned i = 0; i < BITS; i++)
        assert_int_equal(c.taken[i], atomic_load(&c.posted[i]));
    assert_true(c.turns >= 2 && c.turns <= POSTERS * ROUNDS + 2);
}

static void test_posts_before_the_start_gather(void **state)
{
    struct counter c = {.inside = 0};

    (void)state;
    start(1);
    alb_actor_init(&c.actor, pool, false, count, ALB_ACTOR_EVENT(1));
    alb_actor_post(&c.actor, ALB_ACTOR_EVENT(2));
    alb_actor_post(&c.actor, END);
    assert_int_equal(alb_pool_look(pool).queued, 0);
    alb_actor_start(&c.actor);
    while (!atomic_load(&c.over))
        (void)sched_yield();
    alb_pool_free(&pool);
    assert_int_equal(c.turns, 1);
}

/* ---- an actor that posts to itself, changes its class and frees itself (A3) ---- */

struct walker {
    struct alb_actor actor;
    unsigned steps;
    atomic_uint *alive;
};

static bool walk(struct alb_actor *actor, unsigned events)
{
    struct walker *w = ALB_CONTAINER_OF(actor, struct walker, actor);

    (void)events;
    alb_actor_set_background(actor, w->steps % 2 == 0);
    if (w->steps-- > 0) {
        alb_actor_post(actor, ALB_ACTOR_EVENT(0));
        return true;
    }
    (void)atomic_fetch_sub(w->alive, 1);
    alb_mem_free(w);
    return false;
}

static void test_actors_push_and_end_themselves(void **state)
{
    atomic_uint alive = 0;

    (void)state;
    start(3);
    for (unsigned i = 0; i < 200; i++) {
        struct walker *w = alb_mem_calloc(1, sizeof(*w));
        assert_non_null(w);
        w->steps = i % 17;
        w->alive = &alive;
        (void)atomic_fetch_add(&alive, 1);
        alb_actor_init(&w->actor, pool, i % 3 == 0, walk, ALB_ACTOR_EVENT(0));
        alb_actor_start(&w->actor);
    }
    while (atomic_load(&alive) > 0)
        (void)sched_yield();
    alb_pool_free(&pool);
}

static void post_nothing(void *arg)
{
    alb_actor_post(arg, 0);
}

static void test_a_post_says_something(void **state)
{
    struct alb_actor a;

    (void)state;
    alb_actor_init(&a, NULL, false, walk, ALB_ACTOR_EVENT(0));
    expect_panic(post_nothing, &a, "events != 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_bit_is_handled),
        cmocka_unit_test(test_posts_before_the_start_gather),
        cmocka_unit_test(test_actors_push_and_end_themselves),
        cmocka_unit_test(test_a_post_says_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
