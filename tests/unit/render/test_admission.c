/* SPDX-License-Identifier: Apache-2.0
 * Render: what may run beside what. Vectors and photos, persons and the background, and pictures that fail.
 */
#include "fakes.h"

#include "render/failures.h"

#define SECOND ALB_NS_PER_S
#define VECTORS 5

static struct alb_source *drawing(unsigned content)
{
    return fake_picture(content, ALB_TYPE_SVG, 400, 300);
}

static enum alb_code ask_in_background(struct world *w, struct alb_source *source, struct alb_future **future)
{
    const struct alb_plan_options o = small_picture();
    const struct alb_render_ask question = ask_of(source, &o, ALB_LEASE_BACKGROUND, ALB_NEVER);
    return alb_render_start(w->render, &question, NULL, future, NULL);
}

/* ---- lanes ---- */

/* Slow drawings, more of them than there are slots: a photo is made meanwhile. */
static void test_vectors_do_not_hold_up_photos(void **state)
{
    const struct world_options two = {.slots = 2, .vector_slots = 1};
    struct world w;
    struct asker drawers[VECTORS], a;
    struct alb_source *s[VECTORS], *photo = fake_source(120, "k");
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &two);
    for (unsigned i = 0; i < VECTORS; i++) {
        s[i] = drawing(100 + i);
        assert_int_equal(ask(&w, &drawers[i], s[i]), ALB_OK);
    }
    until(fake_running() == 1);
    world_settle(&w);
    assert_int_equal(fake_running(), 1); /* as many as have a worker of their lane */
    struct alb_render_view v = alb_render_look(w.render);
    assert_int_equal(v.vectors.held, 1);
    assert_int_equal(v.vectors.queued[ALB_LEASE_FOREGROUND], VECTORS - 1);
    assert_int_equal(v.lease.held, 0);
    assert_int_equal(ask(&w, &a, photo), ALB_OK);
    until(fake_running() == 2);
    fake_finish(ALB_OK); /* the first drawing: the next one begins */
    until(fake_running() == 2);
    fake_finish(ALB_OK); /* the photo */
    until(atomic_load(&a.settled) == 1);
    assert_non_null(asker_picture(&a));
    for (unsigned i = 1; i < VECTORS; i++) {
        until(fake_running() == 1);
        fake_finish(ALB_OK);
    }
    for (unsigned i = 0; i < VECTORS; i++) {
        until(atomic_load(&drawers[i].settled) == 1);
        assert_non_null(asker_picture(&drawers[i]));
        asker_end(&drawers[i]);
        alb_source_unref(s[i]);
    }
    asker_end(&a);
    alb_source_unref(photo);
    world_close(&w);
}

/* Their queue is bounded and has the same deadlines. */
static void test_the_queue_of_vectors(void **state)
{
    const struct world_options small = {.slots = 2, .vector_slots = 1, .queue_max = 8};
    struct world w;
    struct asker running, late, waiting, turned_away;
    struct alb_source *s[4];
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &small); /* two may wait */
    for (unsigned i = 0; i < 4; i++)
        s[i] = drawing(110 + i);
    assert_int_equal(ask(&w, &running, s[0]), ALB_OK);
    until(fake_running() == 1);
    assert_int_equal(ask_until(&w, &late, s[1], world_now(&w) + SECOND), ALB_OK);
    assert_int_equal(ask(&w, &waiting, s[2]), ALB_OK);
    world_settle(&w);
    assert_int_equal(ask(&w, &turned_away, s[3]), ALB_OK);
    until(atomic_load(&turned_away.settled) == 1);
    assert_int_equal(asker_code(&turned_away), ALB_E_BUSY);
    world_pass(&w, 2 * SECOND);
    until(atomic_load(&late.settled) == 1);
    assert_int_equal(asker_code(&late), ALB_E_BUSY);
    asker_leave(&waiting); /* nobody waits: it goes out of that queue as well */
    world_settle(&w);
    assert_int_equal(alb_render_look(w.render).vectors.queued[ALB_LEASE_FOREGROUND], 0);
    fake_finish(ALB_OK);
    until(atomic_load(&running.settled) == 1);
    asker_end(&running);
    asker_end(&late);
    asker_end(&turned_away);
    for (unsigned i = 0; i < 4; i++)
        alb_source_unref(s[i]);
    world_close(&w);
}

static void *free_render(void *arg)
{
    struct alb_render *render = arg;
    alb_render_free(&render);
    return NULL;
}

static void test_closing_ends_vectors(void **state)
{
    const struct world_options one_each = {.slots = 1, .vector_slots = 1};
    struct world w;
    struct asker running, queued;
    struct alb_source *first = drawing(115), *second = drawing(116);
    pthread_t id;
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &one_each);
    assert_int_equal(ask(&w, &running, first), ALB_OK);
    until(fake_running() == 1);
    assert_int_equal(ask(&w, &queued, second), ALB_OK);
    world_settle(&w);
    assert_int_equal(pthread_create(&id, NULL, free_render, w.render), 0);
    until(fake_cancels() == 1);
    fake_finish_cancelled();
    assert_int_equal(pthread_join(id, NULL), 0);
    w.render = NULL;
    until(atomic_load(&running.settled) == 1 && atomic_load(&queued.settled) == 1);
    assert_int_equal(asker_code(&queued), ALB_E_BUSY);
    asker_end(&running);
    asker_end(&queued);
    alb_source_unref(first);
    alb_source_unref(second);
    world_close(&w);
}

/* ---- persons and the background ---- */

static void test_slots_of_a_small_machine(void **state)
{
    (void)state;
    assert_true(alb_render_slots(0) >= 2);
    assert_int_equal(alb_render_slots(1), 2);
    assert_int_equal(alb_render_slots(2), 2);
    assert_int_equal(alb_render_slots(7), 7);
}

/* However many warm-ups there are, in either lane: a person's picture begins at once. */
static void test_background_leaves_a_slot(void **state)
{
    const struct world_options least = {.slots = 0};
    struct world w;
    struct asker a, b;
    struct alb_source *photos[9], *drawings[3];
    struct alb_future *quiet[10];
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &least);
    for (unsigned i = 0; i < 9; i++)
        photos[i] = fake_source(130 + i, "k");
    for (unsigned i = 0; i < 3; i++)
        drawings[i] = drawing(140 + i);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(ask_in_background(&w, photos[i], &quiet[i]), ALB_OK);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(ask_in_background(&w, drawings[i], &quiet[8 + i]), ALB_OK);
    world_settle(&w);
    struct alb_render_view v = alb_render_look(w.render);
    assert_true(v.lease.held >= 1 && v.lease.held < v.lease.slots);
    assert_true(v.vectors.held >= 1 && v.vectors.held < v.vectors.slots);
    unsigned running = fake_running();
    assert_int_equal(ask(&w, &a, photos[8]), ALB_OK);
    assert_int_equal(ask(&w, &b, drawings[2]), ALB_OK);
    until(fake_running() == running + 2);
    while (alb_render_look(w.render).jobs > 0)
        if (fake_running() > 0)
            fake_finish(ALB_OK);
    for (unsigned i = 0; i < 10; i++)
        alb_future_unref(quiet[i]);
    for (unsigned i = 0; i < 9; i++)
        alb_source_unref(photos[i]);
    for (unsigned i = 0; i < 3; i++)
        alb_source_unref(drawings[i]);
    asker_end(&a);
    asker_end(&b);
    world_close(&w);
}

/* A JXL of 4000 x 3000 wants about 110 MiB (plan.c). */
static struct alb_source *large(unsigned content)
{
    return fake_picture(content, ALB_TYPE_JXL, 4000, 3000);
}

/* Two warm-ups, of which only one fits into the background's part: the other half is there for a person. */
static void test_background_leaves_memory(void **state)
{
    const struct world_options o = {.slots = 6, .budget = (uint64_t)300 << 20};
    struct world w;
    struct asker a;
    struct alb_source *s[3] = {large(150), large(151), large(152)};
    struct alb_future *quiet[2];
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &o);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(ask_in_background(&w, s[i], &quiet[i]), ALB_OK);
        world_settle(&w);
    }
    assert_int_equal(fake_running(), 1);
    assert_int_equal(ask(&w, &a, s[2]), ALB_OK);
    until(fake_running() == 2);
    while (alb_render_look(w.render).jobs > 0)
        if (fake_running() > 0)
            fake_finish(ALB_OK);
    assert_non_null(asker_picture(&a));
    asker_end(&a);
    for (unsigned i = 0; i < 2; i++)
        alb_future_unref(quiet[i]);
    for (unsigned i = 0; i < 3; i++)
        alb_source_unref(s[i]);
    world_close(&w);
}

/* More than the background may hold at all: it is told so; a person who waits for the same gets the picture.
 */
static void test_too_large_for_the_background(void **state)
{
    const struct world_options o = {.slots = 2, .budget = (uint64_t)200 << 20};
    const struct alb_plan_options picture = small_picture();
    struct world w;
    struct asker a;
    struct alb_source *source = large(155);
    struct alb_future *quiet;
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &o);
    assert_int_equal(ask_in_background(&w, source, &quiet), ALB_OK);
    world_settle(&w);
    assert_int_equal(alb_future_error(quiet, NULL), ALB_E_TOO_LARGE);
    assert_int_equal(fake_submitted(), 0);
    alb_future_unref(quiet);

    atomic_store(&fake_gate_closed, true);
    assert_int_equal(ask_in_background(&w, source, &quiet), ALB_OK);
    until(atomic_load(&fake_at_gate) == 1);
    assert_int_equal(ask(&w, &a, source),
                     ALB_OK); /* in the same turn: the job may ask before it hears of this */
    atomic_store(&fake_gate_closed, false);
    until(fake_running() == 1 || atomic_load(&a.promoted) == 1);
    if (atomic_load(&a.promoted) == 1) {
        const struct alb_render_ask question = ask_of(source, &picture, ALB_LEASE_FOREGROUND, ALB_NEVER);
        alb_render_inherit(w.render, &question, &a.waiter.owner, &a.waiter);
    }
    until(fake_running() == 1);
    fake_finish(ALB_OK);
    until(atomic_load(&a.settled) == 1);
    assert_non_null(asker_picture(&a));
    asker_end(&a);
    alb_future_unref(quiet);
    alb_source_unref(source);
    world_close(&w);
}

/* Law 8: once over its deadline it is killed, and the person who waits for a slot has it. */
static void test_background_over_its_deadline_is_killed(void **state)
{
    const struct world_options two = {.slots = 2};
    struct world w;
    struct asker a, b;
    struct alb_source *s[3] = {fake_source(160, "k"), fake_source(161, "k"), fake_source(162, "k")};
    struct alb_future *quiet;
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &two);
    assert_int_equal(ask_in_background(&w, s[0], &quiet), ALB_OK);
    until(fake_running() == 1);
    world_pass(&w, 20 * SECOND);
    assert_int_equal(ask(&w, &a, s[1]), ALB_OK);
    until(fake_running() == 2);
    assert_int_equal(ask(&w, &b, s[2]), ALB_OK);
    world_pass(&w, 13 * SECOND); /* 33 s: over the render's time and the net below it */
    assert_int_equal(fake_cancels(), 1);
    fake_finish_cancelled();
    until(fake_running() == 2);
    fake_finish(ALB_OK);
    fake_finish(ALB_OK);
    until(atomic_load(&a.settled) == 1 && atomic_load(&b.settled) == 1);
    assert_non_null(asker_picture(&b));
    assert_int_equal(alb_future_error(quiet, NULL), ALB_E_TIMEOUT);
    asker_end(&a);
    asker_end(&b);
    alb_future_unref(quiet);
    for (unsigned i = 0; i < 3; i++)
        alb_source_unref(s[i]);
    world_close(&w);
}

/* ---- pictures that fail ---- */

static enum alb_code ask_and_wait(struct world *w, struct alb_source *source)
{
    struct asker a;
    assert_int_equal(ask(w, &a, source), ALB_OK);
    until(atomic_load(&a.settled) == 1);
    enum alb_code code = asker_picture(&a) ? ALB_OK : asker_code(&a);
    asker_end(&a);
    world_settle(w);
    return code;
}

/* Reloaded again and again, it takes a worker once in its time; others are not concerned. */
static void test_a_failure_is_remembered(void **state)
{
    const struct world_options two = {.slots = 2};
    static const enum alb_code codes[] = {ALB_E_TIMEOUT, ALB_E_UNPROCESSABLE, ALB_E_TOO_LARGE,
                                          ALB_E_UNSUPPORTED};
    (void)state;
    for (unsigned i = 0; i < ALB_ARRAY_LEN(codes); i++) {
        struct world w;
        struct alb_source *poisoned = fake_source(170 + i, "k"), *good = fake_source(180 + i, "k");
        fake_reset(FAKE_AUTO);
        fake_darkroom.answer = codes[i];
        fake_darkroom.run_ns = 3 * SECOND;
        world_open(&w, &two);
        int64_t before = alb_stat_get(ALB_STAT_RENDER_REMEMBERED);
        for (int n = 0; n < 5; n++)
            assert_int_equal(ask_and_wait(&w, poisoned), codes[i]);
        assert_int_equal(fake_submitted(), 1);
        assert_int_equal(alb_stat_get(ALB_STAT_RENDER_REMEMBERED) - before, 4);
        fake_darkroom.answer = ALB_OK;
        assert_int_equal(ask_and_wait(&w, good), ALB_OK);
        world_pass(&w, 30 * SECOND); /* ten times as long as it took */
        assert_int_equal(ask_and_wait(&w, poisoned), ALB_OK);
        assert_int_equal(fake_submitted(), 3);
        alb_source_unref(poisoned);
        alb_source_unref(good);
        world_close(&w);
    }
}

/* What lies in the load, or in this server, is tried again at once. */
static void test_load_is_not_remembered(void **state)
{
    static const struct {
        enum alb_code answer, submit;
        bool starved, late, short_of_memory;
        enum alb_code expected;
    } cases[] = {
        {ALB_E_BUSY, ALB_OK, false, false, false, ALB_E_BUSY},
        {ALB_E_IO, ALB_OK, false, false, false, ALB_E_IO},
        {ALB_E_TIMEOUT, ALB_OK, true, false, false, ALB_E_BUSY},
        {ALB_E_TIMEOUT, ALB_OK, false, true, false, ALB_E_TIMEOUT},
        {ALB_E_TOO_LARGE, ALB_OK, false, false, true, ALB_E_TOO_LARGE},
        {ALB_OK, ALB_E_BUSY, false, false, false, ALB_E_BUSY},
    };
    (void)state;
    for (unsigned i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        const struct world_options two = {.slots = 2};
        struct world w;
        struct alb_source *source = fake_source(190 + i, "k");
        fake_reset(FAKE_AUTO);
        fake_darkroom.answer = cases[i].answer;
        fake_darkroom.submit = cases[i].submit;
        fake_darkroom.starved = cases[i].starved;
        fake_darkroom.late = cases[i].late;
        fake_darkroom.short_of_memory = cases[i].short_of_memory;
        world_open(&w, &two);
        assert_int_equal(ask_and_wait(&w, source), cases[i].expected);
        fake_reset(FAKE_AUTO);
        assert_int_equal(ask_and_wait(&w, source), ALB_OK);
        alb_source_unref(source);
        world_close(&w);
    }
}

/* A worker that had to be killed by the net below the darkroom: the same. */
static void test_overdue_is_remembered(void **state)
{
    const struct world_options two = {.slots = 2};
    struct world w;
    struct asker a;
    struct alb_source *source = fake_source(199, "k");
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &two);
    assert_int_equal(ask(&w, &a, source), ALB_OK);
    until(fake_running() == 1);
    world_pass(&w, 33 * SECOND);
    fake_finish_cancelled();
    until(atomic_load(&a.settled) == 1);
    asker_end(&a);
    assert_int_equal(ask_and_wait(&w, source), ALB_E_TIMEOUT);
    assert_int_equal(fake_submitted(), 1);
    alb_source_unref(source);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_do_not_hold_up_photos),
        cmocka_unit_test(test_the_queue_of_vectors),
        cmocka_unit_test(test_closing_ends_vectors),
        cmocka_unit_test(test_slots_of_a_small_machine),
        cmocka_unit_test(test_background_leaves_a_slot),
        cmocka_unit_test(test_background_leaves_memory),
        cmocka_unit_test(test_too_large_for_the_background),
        cmocka_unit_test(test_background_over_its_deadline_is_killed),
        cmocka_unit_test(test_a_failure_is_remembered),
        cmocka_unit_test(test_load_is_not_remembered),
        cmocka_unit_test(test_overdue_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
