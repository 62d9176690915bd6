/* SPDX-License-Identifier: Apache-2.0
 * Render: who asks hangs up, takes too long, or comes for what the background has begun.
 */
#include "fakes.h"

#define SECOND ALB_NS_PER_S

static const struct world_options usual = {.slots = 2};
static const struct world_options one_slot = {.slots = 1};

/* ---- hang-ups ---- */

static void test_forsaken_before_it_runs(void **state)
{
    struct world w;
    struct asker a, b;
    struct alb_source *first = fake_source(30, "k"), *second = fake_source(31, "k");
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &one_slot);
    assert_int_equal(ask(&w, &a, first), ALB_OK);
    until(fake_running() == 1);
    assert_int_equal(ask(&w, &b, second), ALB_OK); /* queued */
    world_settle(&w);
    asker_leave(&b);
    world_settle(&w);
    assert_int_equal(alb_render_look(w.render).jobs, 1);
    atomic_store(&fake_gate_closed, true); /* verifying */
    assert_int_equal(ask(&w, &b, second), ALB_OK);
    until(atomic_load(&fake_at_gate) == 1);
    asker_leave(&b);
    atomic_store(&fake_gate_closed, false);
    world_settle(&w);
    assert_int_equal(alb_render_look(w.render).jobs, 1);
    fake_finish(ALB_OK);
    until(atomic_load(&a.settled) == 1);
    assert_int_equal(fake_submitted(), 1);
    asker_end(&a);
    alb_source_unref(first);
    alb_source_unref(second);
    world_close(&w);
}

/* Nobody waits for what runs: it may finish, and is published; but not if its slot is wanted. */
static void test_abandoned_work(void **state)
{
    struct world w;
    struct asker a, b;
    struct alb_source *first = fake_source(32, "k"), *second = fake_source(33, "k");
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &one_slot);
    assert_int_equal(ask(&w, &a, first), ALB_OK);
    until(fake_running() == 1);
    asker_leave(&a);
    world_settle(&w);
    assert_int_equal(alb_render_look(w.render).lease.abandoned, 1);
    fake_finish(ALB_OK);
    world_settle(&w);
    assert_int_equal(ask(&w, &a, first), ALB_OK); /* it was published */
    until(atomic_load(&a.settled) == 1);
    assert_int_equal(fake_submitted(), 1);
    asker_end(&a);

    assert_int_equal(ask(&w, &a, second), ALB_OK);
    until(fake_running() == 1);
    asker_leave(&a);
    world_settle(&w);
    struct alb_source *third = fake_source(34, "k");
    assert_int_equal(ask(&w, &b, third), ALB_OK);
    until(fake_cancels() == 1); /* wanted */
    fake_finish_cancelled();
    until(fake_running() == 1);
    fake_finish(ALB_OK);
    until(atomic_load(&b.settled) == 1);
    assert_non_null(asker_picture(&b));
    asker_end(&b);
    alb_source_unref(first);
    alb_source_unref(second);
    alb_source_unref(third);
    world_close(&w);
}

/* Somebody came for the abandoned work before its slot was wanted: it goes on. */
static void test_adopted_work(void **state)
{
    struct world w;
    struct asker a, b, c;
    struct alb_source *first = fake_source(35, "k"), *second = fake_source(36, "k");
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &one_slot);
    assert_int_equal(ask(&w, &a, first), ALB_OK);
    until(fake_running() == 1);
    asker_leave(&a);
    world_settle(&w);
    assert_int_equal(ask(&w, &b, first), ALB_OK);
    assert_int_equal(ask(&w, &c, second), ALB_OK);
    world_settle(&w);
    assert_int_equal(fake_cancels(), 0);
    assert_int_equal(alb_render_look(w.render).lease.abandoned, 0);
    asker_leave(&b); /* and is forsaken again: the hook was set anew */
    until(fake_cancels() == 1);
    fake_finish_cancelled();
    until(fake_running() == 1);
    fake_finish(ALB_OK);
    until(atomic_load(&c.settled) == 1);
    assert_non_null(asker_picture(&c));
    asker_end(&c);
    alb_source_unref(first);
    alb_source_unref(second);
    world_close(&w);
}

/* ---- deadlines ---- */

static void test_overdue_work_is_killed(void **state)
{
    struct world w;
    struct asker a, b;
    struct alb_source *source = fake_source(40, "k");
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &one_slot);
    assert_int_equal(ask(&w, &a, source), ALB_OK);
    assert_int_equal(ask(&w, &b, source), ALB_OK);
    until(fake_running() == 1);
    world_pass(&w, 31 * SECOND); /* the darkroom's own time; it fails to act */
    assert_int_equal(fake_cancels(), 0);
    world_pass(&w, 2 * SECOND);
    assert_int_equal(fake_cancels(), 1);
    fake_finish_cancelled();
    until(atomic_load(&a.settled) == 1 && atomic_load(&b.settled) == 1);
    assert_int_equal(asker_code(&a), ALB_E_TIMEOUT);
    assert_int_equal(asker_code(&b), ALB_E_TIMEOUT); /* an answer: not tried once more for each */
    assert_int_equal(atomic_load(&b.promoted), 0);
    asker_end(&a);
    asker_end(&b);
    alb_source_unref(source);
    world_close(&w);
}

/* ---- a person joins background work ---- */

static void test_a_person_hurries_background_work(void **state)
{
    struct world w;
    struct asker a, b;
    struct alb_future *quiet[2];
    struct alb_source *first = fake_source(50, "k"), *second = fake_source(51, "k"),
                      *third = fake_source(52, "k");
    const struct alb_plan_options o = small_picture();
    struct alb_render_ask question = ask_of(first, &o, ALB_LEASE_BACKGROUND, ALB_NEVER);
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &usual); /* two slots, one of them at most for the background */
    assert_int_equal(alb_render_start(w.render, &question, NULL, &quiet[0], NULL), ALB_OK);
    until(fake_running() == 1);
    question.source = second;
    assert_int_equal(alb_render_start(w.render, &question, NULL, &quiet[1], NULL), ALB_OK);
    world_settle(&w);
    assert_int_equal(fake_running(), 1);
    assert_int_equal(alb_render_look(w.render).lease.queued[ALB_LEASE_BACKGROUND], 1);
    world_pass(&w, 100 * SECOND);
    assert_int_equal(alb_render_look(w.render).oldest_ns, 0); /* nobody at a screen waits */
    fake_finish_cancelled();                                  /* the first was overdue */

    until(fake_running() == 1); /* the second runs; the third queues, then somebody looks at it */
    question.source = third;
    struct alb_future *queued;
    assert_int_equal(alb_render_start(w.render, &question, NULL, &queued, NULL), ALB_OK);
    world_settle(&w);
    assert_int_equal(fake_running(), 1);
    assert_int_equal(ask_until(&w, &a, third, world_now(&w) + 5 * SECOND), ALB_OK);
    until(fake_running() == 2);
    assert_int_equal(alb_render_look(w.render).lease.queued[ALB_LEASE_BACKGROUND], 0);
    assert_int_equal(ask(&w, &b, third), ALB_OK); /* joins what is in a hurry already */
    fake_finish(ALB_OK);
    fake_finish(ALB_OK);
    until(atomic_load(&a.settled) == 1 && atomic_load(&b.settled) == 1);
    assert_non_null(asker_picture(&a));
    asker_end(&a);
    asker_end(&b);
    alb_future_unref(quiet[0]);
    alb_future_unref(quiet[1]);
    alb_future_unref(queued);
    alb_source_unref(first);
    alb_source_unref(second);
    alb_source_unref(third);
    world_close(&w);
}

/* The person's patience is the job's from then on. */
static void test_a_hurried_job_has_the_persons_time(void **state)
{
    struct world w;
    struct asker a, other, b;
    struct alb_future *quiet;
    struct alb_source *first = fake_source(53, "k"), *second = fake_source(54, "k"),
                      *third = fake_source(55, "k");
    const struct alb_plan_options o = small_picture();
    const struct alb_render_ask question = ask_of(second, &o, ALB_LEASE_BACKGROUND, ALB_NEVER);
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &usual);
    assert_int_equal(ask(&w, &a, first), ALB_OK);
    assert_int_equal(ask(&w, &other, third), ALB_OK);
    until(fake_running() == 2); /* no slot is free */
    atomic_store(&fake_gate_closed, true);
    assert_int_equal(alb_render_start(w.render, &question, NULL, &quiet, NULL), ALB_OK);
    until(atomic_load(&fake_at_gate) == 1); /* not queued yet */
    assert_int_equal(ask_until(&w, &b, second, world_now(&w) + SECOND), ALB_OK);
    atomic_store(&fake_gate_closed, false);
    world_settle(&w);
    assert_int_equal(alb_render_look(w.render).lease.queued[ALB_LEASE_FOREGROUND], 1);
    assert_int_equal(alb_render_look(w.render).oldest_ns, 0);
    alb_manual_clock_advance(&w.clock, SECOND / 2);
    assert_int_equal(alb_render_look(w.render).oldest_ns, SECOND / 2);
    world_pass(&w, SECOND);
    until(atomic_load(&b.promoted) == 1); /* no slot in its time: its turn to say what now */
    (void)alb_future_resign(&b.waiter.owner, NULL);
    assert_int_equal(alb_future_error(quiet, NULL), ALB_E_INTERNAL);
    fake_finish(ALB_OK);
    fake_finish(ALB_OK);
    until(atomic_load(&a.settled) == 1 && atomic_load(&other.settled) == 1);
    asker_end(&a);
    asker_end(&other);
    asker_end(&b);
    alb_future_unref(quiet);
    alb_source_unref(first);
    alb_source_unref(second);
    alb_source_unref(third);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forsaken_before_it_runs),
        cmocka_unit_test(test_abandoned_work),
        cmocka_unit_test(test_adopted_work),
        cmocka_unit_test(test_overdue_work_is_killed),
        cmocka_unit_test(test_a_person_hurries_background_work),
        cmocka_unit_test(test_a_hurried_job_has_the_persons_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
