/* SPDX-License-Identifier: Apache-2.0
 * Render by schedule: one thing after the other, with fakes below (fakes.h).
 */
#include "fakes.h"

#define SECOND ALB_NS_PER_S

static const struct world_options usual = {.slots = 2};
static const struct world_options one_slot = {.slots = 1};

static int64_t now(struct world *w)
{
    return alb_mono(&w->clock.clock);
}

static void pass(struct world *w, int64_t ns)
{
    alb_manual_clock_advance(&w->clock, ns);
    (void)alb_timers_run(w->timers);
    world_settle(w);
}

/* ---- hits, misses, single flight ---- */

static void test_two_hundred_askers_are_one_job(void **state)
{
    static struct asker askers[200];
    struct world w;
    struct alb_source *source = fake_source(1, "k");
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &usual);
    for (size_t i = 0; i < ALB_ARRAY_LEN(askers); i++)
        assert_int_equal(ask(&w, &askers[i], source), ALB_OK);
    until(fake_running() == 1);
    world_settle(&w);
    assert_int_equal(fake_submitted(), 1);
    fake_finish(ALB_OK);
    for (size_t i = 0; i < ALB_ARRAY_LEN(askers); i++) {
        until(atomic_load(&askers[i].settled) == 1);
        assert_non_null(asker_picture(&askers[i]));
        assert_ptr_equal(asker_picture(&askers[i]), asker_picture(&askers[0]));
    }
    assert_string_equal(asker_picture(&askers[0])->content_type, "image/jpeg");
    assert_int_equal(asker_picture(&askers[0])->width, 256);
    assert_int_equal(asker_picture(&askers[0])->height, 192);
    for (size_t i = 0; i < ALB_ARRAY_LEN(askers); i++)
        asker_end(&askers[i]);
    alb_source_unref(source);
    world_close(&w);
}

/* What was made is found in memory and, once forgotten there, on the disk; and is stored there once. */
static void test_hits(void **state)
{
    struct world w;
    struct asker a;
    struct alb_flight_key key;
    struct alb_source *source = fake_source(2, "k");
    const struct alb_plan_options o = small_picture();
    const struct alb_render_ask question = ask_of(source, &o, ALB_LEASE_FOREGROUND, ALB_NEVER);
    (void)state;
    fake_reset(FAKE_AUTO);
    world_open(&w, &usual);
    alb_render_key(&question, &key);
    assert_null(alb_render_hot(w.render, &key));
    for (int i = 0; i < 3; i++) { /* a miss, then whoever comes between the hot look and the flight */
        assert_int_equal(ask(&w, &a, source), ALB_OK);
        until(atomic_load(&a.settled) == 1);
        assert_non_null(asker_picture(&a));
        asker_end(&a);
        world_settle(&w);
    }
    assert_int_equal(fake_submitted(), 1);
    assert_int_equal(atomic_load(&fake_cache_puts), 1);
    struct alb_picture *p = alb_render_hot(w.render, &key);
    assert_non_null(p);
    alb_obj_unref(&p->obj);
    alb_render_free(&w.render);

    struct world again; /* a new start: nothing in memory */
    world_open(&again, &usual);
    assert_int_equal(ask(&again, &a, source), ALB_OK);
    until(atomic_load(&a.settled) == 1);
    assert_non_null(asker_picture(&a));
    assert_string_equal(asker_picture(&a)->content_type, "image/jpeg");
    assert_int_equal(asker_picture(&a)->height, 192);
    asker_end(&a);
    assert_int_equal(fake_submitted(), 1);
    assert_int_equal(atomic_load(&fake_cache_puts), 1);
    alb_source_unref(source);
    world_close(&again);
    world_close(&w);
}

/* A picture too large for memory lies on the disk before anybody hears of it. */
static void test_large_pictures_are_found_too(void **state)
{
    const struct world_options small_memory = {.hot_bytes = 64 << 10};
    struct world w;
    struct asker a, b;
    struct alb_source *source = fake_source(3, "k");
    (void)state;
    fake_reset(FAKE_AUTO);
    fake_darkroom.result_bytes = 100000;
    world_open(&w, &small_memory);
    assert_int_equal(ask(&w, &a, source), ALB_OK);
    until(atomic_load(&a.settled) == 1);
    assert_int_equal(atomic_load(&fake_cache_puts), 1);
    assert_int_equal(ask(&w, &b, source), ALB_OK);
    until(atomic_load(&b.settled) == 1);
    assert_non_null(asker_picture(&b));
    assert_int_equal(fake_submitted(), 1);
    asker_end(&a);
    asker_end(&b);
    alb_source_unref(source);
    world_close(&w);
}

static void test_a_full_disk_only_costs_work(void **state)
{
    struct world w;
    struct asker a;
    struct alb_source *source = fake_source(4, "k");
    (void)state;
    fake_reset(FAKE_AUTO);
    world_open(&w, &usual);
    atomic_store(&fake_cache_off, true);
    assert_int_equal(ask(&w, &a, source), ALB_OK);
    until(atomic_load(&a.settled) == 1);
    assert_non_null(asker_picture(&a));
    asker_end(&a);
    alb_source_unref(source);
    world_close(&w);
}

/* ---- answers ---- */

static void expect_answer(struct alb_source *source, enum alb_code worker, enum alb_code expected)
{
    struct world w;
    struct asker a, b;
    fake_reset(FAKE_AUTO);
    fake_darkroom.answer = worker;
    world_open(&w, &usual);
    assert_int_equal(ask(&w, &a, source), ALB_OK);
    assert_int_equal(ask(&w, &b, source), ALB_OK);
    until(atomic_load(&a.settled) == 1);
    assert_null(asker_picture(&a));
    assert_int_equal(asker_code(&a), expected);
    until(atomic_load(&b.settled) == 1);
    assert_int_equal(asker_code(&b), expected);
    asker_end(&b);
    asker_end(&a);
    alb_source_unref(source);
    world_close(&w);
}

static void test_answers(void **state)
{
    static const enum alb_code for_all[] = {ALB_E_UNPROCESSABLE, ALB_E_TOO_LARGE, ALB_E_UNSUPPORTED,
                                            ALB_E_TIMEOUT,       ALB_E_INTERNAL,  ALB_E_IO};
    struct alb_source *bare;
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(for_all); i++)
        expect_answer(fake_source(10, "k"), for_all[i], for_all[i]);
    expect_answer(fake_source(11, "corrupt"), ALB_OK, ALB_E_CORRUPT);
    expect_answer(fake_source(12, "missing"), ALB_OK, ALB_E_CORRUPT);
    bare = fake_source(13, "k");
    bare->header = ALB_STR_NONE;
    expect_answer(bare, ALB_OK, ALB_E_UNPROCESSABLE);
    assert_int_equal(fake_submitted(), 0);
}

/* ---- giving up and inheriting ---- */

/* B's time for a slot ends while A holds it; C, who has more time, goes on, and B gets C's picture. */
static void test_a_job_without_a_slot_resigns(void **state)
{
    struct world w;
    struct asker a, b, c;
    struct alb_source *first = fake_source(20, "k"), *second = fake_source(21, "k");
    const struct alb_plan_options o = small_picture();
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &one_slot);
    assert_int_equal(ask(&w, &a, first), ALB_OK);
    until(fake_running() == 1);
    assert_int_equal(ask_until(&w, &b, second, now(&w) + SECOND), ALB_OK);
    assert_int_equal(ask_until(&w, &c, second, now(&w) + 9 * SECOND), ALB_OK);
    world_settle(&w);
    assert_int_equal(alb_render_look(w.render).lease.queued[ALB_LEASE_FOREGROUND], 1);
    pass(&w, 2 * SECOND);
    assert_int_equal(atomic_load(&c.promoted), 1);
    assert_int_equal(atomic_load(&b.settled), 0);
    const struct alb_render_ask question = ask_of(second, &o, ALB_LEASE_FOREGROUND, now(&w) + 9 * SECOND);
    alb_render_inherit(w.render, &question, &c.waiter.owner, &c.waiter);
    world_settle(&w);
    fake_finish(ALB_OK);
    until(fake_running() == 1);
    fake_finish(ALB_OK);
    until(atomic_load(&b.settled) == 1 && atomic_load(&c.settled) == 1);
    assert_non_null(asker_picture(&c));
    assert_ptr_equal(asker_picture(&b), asker_picture(&c));
    assert_int_equal(fake_submitted(), 2);
    asker_end(&a);
    asker_end(&b);
    asker_end(&c);
    alb_source_unref(first);
    alb_source_unref(second);
    world_close(&w);
}

/* Nobody has more time: all are told that there was no slot, which is worth another try. */
static void test_no_slot_is_busy(void **state)
{
    struct world w;
    struct asker a, b;
    struct alb_source *first = fake_source(22, "k"), *second = fake_source(23, "k");
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &one_slot);
    assert_int_equal(ask(&w, &a, first), ALB_OK);
    until(fake_running() == 1);
    assert_int_equal(ask_until(&w, &b, second, now(&w) + SECOND), ALB_OK);
    world_settle(&w);
    pass(&w, 2 * SECOND);
    until(atomic_load(&b.settled) == 1);
    assert_int_equal(asker_code(&b), ALB_E_BUSY);
    asker_end(&b);
    assert_int_equal(ask_until(&w, &b, second, now(&w) - 1), ALB_OK); /* late from the beginning */
    until(atomic_load(&b.settled) == 1);
    assert_int_equal(asker_code(&b), ALB_E_BUSY);
    fake_finish(ALB_OK);
    until(atomic_load(&a.settled) == 1);
    asker_end(&a);
    asker_end(&b);
    alb_source_unref(first);
    alb_source_unref(second);
    world_close(&w);
}

/* A worker that was lost (not for what the picture is) costs the first asker its try, not the second. */
/* No worker of its lane came free: that says nothing about the picture, and the next one tries. */
static void test_a_starved_job_is_tried_again(void **state)
{
    struct world w;
    struct asker a, b;
    struct alb_source *source = fake_source(25, "k");
    const struct alb_plan_options o = small_picture();
    const struct alb_render_ask question = ask_of(source, &o, ALB_LEASE_FOREGROUND, ALB_NEVER);
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &one_slot);
    assert_int_equal(ask(&w, &a, source), ALB_OK);
    assert_int_equal(ask(&w, &b, source), ALB_OK);
    until(fake_running() == 1);
    fake_darkroom.starved = true;
    fake_finish(ALB_E_TIMEOUT);
    until(atomic_load(&b.promoted) == 1);
    fake_darkroom.starved = false;
    alb_render_inherit(w.render, &question, &b.waiter.owner, &b.waiter);
    until(fake_running() == 1);
    fake_finish(ALB_OK);
    until(atomic_load(&a.settled) == 1 && atomic_load(&b.settled) == 1);
    assert_non_null(asker_picture(&a));
    asker_end(&a);
    asker_end(&b);
    alb_source_unref(source);
    world_close(&w);
}

static void test_a_lost_worker_is_tried_again(void **state)
{
    struct world w;
    struct asker a, b;
    struct alb_source *source = fake_source(24, "k");
    const struct alb_plan_options o = small_picture();
    const struct alb_render_ask question = ask_of(source, &o, ALB_LEASE_FOREGROUND, ALB_NEVER);
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &one_slot);
    assert_int_equal(ask(&w, &a, source), ALB_OK);
    assert_int_equal(ask(&w, &b, source), ALB_OK);
    until(fake_running() == 1);
    fake_finish(ALB_E_BUSY);
    until(atomic_load(&b.promoted) == 1);
    alb_render_inherit(w.render, &question, &b.waiter.owner, &b.waiter);
    until(fake_running() == 1);
    fake_finish(ALB_OK);
    until(atomic_load(&a.settled) == 1 && atomic_load(&b.settled) == 1);
    assert_non_null(asker_picture(&a));
    asker_end(&a);
    asker_end(&b);
    alb_source_unref(source);
    world_close(&w);
}

/* The heir is the last one, and the others leave before its job looks: the heir waits, so nobody is forsaken.
 */
static void test_an_heir_is_never_forsaken(void **state)
{
    struct world w;
    struct asker a, b;
    struct alb_source *source = fake_source(25, "k");
    const struct alb_plan_options o = small_picture();
    const struct alb_render_ask question = ask_of(source, &o, ALB_LEASE_FOREGROUND, ALB_NEVER);
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &one_slot);
    assert_int_equal(ask(&w, &a, source), ALB_OK);
    assert_int_equal(ask(&w, &b, source), ALB_OK);
    until(fake_running() == 1);
    fake_finish(ALB_E_BUSY);
    until(atomic_load(&b.promoted) == 1);
    atomic_store(&fake_gate_closed, true); /* the job stops where it verifies */
    alb_render_inherit(w.render, &question, &b.waiter.owner, &b.waiter);
    until(atomic_load(&fake_at_gate) == 1);
    asker_leave(&a);
    atomic_store(&fake_gate_closed, false);
    until(fake_running() == 1);
    fake_finish(ALB_OK);
    until(atomic_load(&b.settled) == 1);
    assert_non_null(asker_picture(&b));
    asker_end(&b);
    alb_source_unref(source);
    world_close(&w);
}

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
    pass(&w, 31 * SECOND); /* the darkroom's own time; it fails to act */
    assert_int_equal(fake_cancels(), 0);
    pass(&w, 2 * SECOND);
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
    pass(&w, 100 * SECOND);
    assert_int_equal(alb_render_look(w.render).oldest_ns, 0); /* nobody at a screen waits */
    fake_finish_cancelled();                                  /* the first was overdue */

    until(fake_running() == 1); /* the second runs; the third queues, then somebody looks at it */
    question.source = third;
    struct alb_future *queued;
    assert_int_equal(alb_render_start(w.render, &question, NULL, &queued, NULL), ALB_OK);
    world_settle(&w);
    assert_int_equal(fake_running(), 1);
    assert_int_equal(ask_until(&w, &a, third, now(&w) + 5 * SECOND), ALB_OK);
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
    struct asker a, b;
    struct alb_future *quiet;
    struct alb_source *first = fake_source(53, "k"), *second = fake_source(54, "k");
    const struct alb_plan_options o = small_picture();
    const struct alb_render_ask question = ask_of(second, &o, ALB_LEASE_BACKGROUND, ALB_NEVER);
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &one_slot);
    assert_int_equal(ask(&w, &a, first), ALB_OK);
    until(fake_running() == 1);
    atomic_store(&fake_gate_closed, true);
    assert_int_equal(alb_render_start(w.render, &question, NULL, &quiet, NULL), ALB_OK);
    until(atomic_load(&fake_at_gate) == 1); /* not queued yet */
    assert_int_equal(ask_until(&w, &b, second, now(&w) + SECOND), ALB_OK);
    atomic_store(&fake_gate_closed, false);
    world_settle(&w);
    assert_int_equal(alb_render_look(w.render).lease.queued[ALB_LEASE_FOREGROUND], 1);
    assert_int_equal(alb_render_look(w.render).oldest_ns, 0);
    alb_manual_clock_advance(&w.clock, SECOND / 2);
    assert_int_equal(alb_render_look(w.render).oldest_ns, SECOND / 2);
    pass(&w, SECOND);
    until(atomic_load(&b.promoted) == 1); /* no slot in its time: its turn to say what now */
    (void)alb_future_resign(&b.waiter.owner, NULL);
    assert_int_equal(alb_future_error(quiet, NULL), ALB_E_INTERNAL);
    fake_finish(ALB_OK);
    until(atomic_load(&a.settled) == 1);
    asker_end(&a);
    asker_end(&b);
    alb_future_unref(quiet);
    alb_source_unref(first);
    alb_source_unref(second);
    world_close(&w);
}

/* ---- failures at the beginning ---- */

static void test_no_memory_begins_nothing(void **state)
{
    struct world w;
    struct asker a, b;
    struct alb_source *source = fake_source(60, "k");
    const struct alb_plan_options o = small_picture();
    const struct alb_render_ask question = ask_of(source, &o, ALB_LEASE_FOREGROUND, ALB_NEVER);
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &one_slot);
    for (uint64_t n = 1;; n++) {
        alb_mem_fault(n, true);
        enum alb_code code = ask(&w, &a, source);
        bool fired = alb_mem_fault_fired();
        alb_mem_fault(0, false);
        if (!fired || code == ALB_OK) {
            assert_int_equal(code, ALB_OK); /* the key's text may fail: then it is a key of its own */
            asker_leave(&a);
            world_settle(&w);
            until(fake_running() <= 1);
            while (fake_running() > 0)
                fake_finish(ALB_E_UNPROCESSABLE);
            world_settle(&w);
            if (!fired)
                break;
            continue;
        }
        assert_int_equal(code, ALB_E_NO_MEMORY);
        assert_null(a.future);
        assert_null(a.waiter.on);
    }
    /* an heir without memory fails the flight for all, itself included */
    assert_int_equal(ask(&w, &a, source), ALB_OK);
    assert_int_equal(ask(&w, &b, source), ALB_OK);
    until(fake_running() == 1);
    fake_finish(ALB_E_BUSY);
    until(atomic_load(&b.promoted) == 1);
    alb_mem_fault(2, false);
    alb_render_inherit(w.render, &question, &b.waiter.owner, &b.waiter);
    alb_mem_fault(0, false);
    until(atomic_load(&a.settled) == 1 && atomic_load(&b.settled) == 1);
    assert_int_equal(asker_code(&a), ALB_E_NO_MEMORY);
    asker_end(&a);
    asker_end(&b);
    alb_source_unref(source);
    world_close(&w);
}

static void test_more_than_the_limit_is_busy(void **state)
{
    const struct world_options tiny = {.slots = 1, .queue_max = 1};
    struct world w;
    struct asker a[4];
    struct alb_source *sources[4];
    enum alb_code last = ALB_OK;
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &tiny); /* three in flight, one of them in the queue */
    atomic_store(&fake_gate_closed, true);
    for (unsigned i = 0; i < 4; i++) {
        sources[i] = fake_source(70 + i, "k");
        last = ask(&w, &a[i], sources[i]);
        assert_int_equal(last, i < 3 ? ALB_OK : ALB_E_BUSY);
    }
    assert_null(a[3].future);
    atomic_store(&fake_gate_closed, false);
    until(atomic_load(&a[0].settled) + atomic_load(&a[1].settled) + atomic_load(&a[2].settled) == 1);
    for (unsigned i = 0; i < 3; i++)
        if (atomic_load(&a[i].settled) == 1)
            assert_int_equal(asker_code(&a[i]), ALB_E_BUSY); /* the queue was full */
    while (alb_render_look(w.render).jobs > 0)
        if (fake_running() > 0)
            fake_finish(ALB_OK);
    for (unsigned i = 0; i < 4; i++) {
        if (i < 3)
            asker_end(&a[i]);
        alb_source_unref(sources[i]);
    }
    world_close(&w);
}

static void test_a_full_darkroom_is_busy(void **state)
{
    struct world w;
    struct asker a;
    struct alb_source *source = fake_source(80, "k");
    (void)state;
    fake_reset(FAKE_AUTO);
    fake_darkroom.submit = ALB_E_BUSY;
    world_open(&w, &usual);
    assert_int_equal(ask(&w, &a, source), ALB_OK);
    until(atomic_load(&a.settled) == 1);
    assert_int_equal(asker_code(&a), ALB_E_BUSY);
    asker_end(&a);
    alb_source_unref(source);
    world_close(&w);
}

/* ---- closing ---- */

static void *free_render(void *arg)
{
    struct alb_render *render = arg;
    alb_render_free(&render);
    return NULL;
}

/* Jobs that run, queue and verify; all end with BUSY and nothing runs any more. */
static void test_closing_ends_every_stage(void **state)
{
    struct world w;
    struct asker running, queued, verifying, joined;
    struct alb_source *s[3];
    pthread_t id;
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        s[i] = fake_source(90 + i, "k");
    fake_reset(FAKE_HELD);
    world_open(&w, &one_slot);
    assert_int_equal(ask(&w, &running, s[0]), ALB_OK);
    until(fake_running() == 1);
    assert_int_equal(ask(&w, &queued, s[1]), ALB_OK);
    world_settle(&w);
    atomic_store(&fake_gate_closed, true);
    atomic_store(&fake_verify_slices, 3);
    assert_int_equal(ask(&w, &verifying, s[2]), ALB_OK);
    until(atomic_load(&fake_at_gate) == 1);
    assert_int_equal(ask(&w, &joined, s[0]), ALB_OK);
    assert_int_equal(pthread_create(&id, NULL, free_render, w.render), 0);
    until(fake_cancels() == 1);
    fake_finish_cancelled();
    until(atomic_load(&joined.promoted) == 1); /* an heir, whose connection is cut as well */
    (void)alb_future_resign(&joined.waiter.owner, NULL);
    atomic_store(&fake_gate_closed, false);
    assert_int_equal(pthread_join(id, NULL), 0);
    w.render = NULL;
    struct asker *all[] = {&running, &queued, &verifying};
    for (size_t i = 0; i < ALB_ARRAY_LEN(all); i++) {
        until(atomic_load(&all[i]->settled) == 1);
        assert_null(asker_picture(all[i]));
        if (i > 0)
            assert_int_equal(asker_code(all[i]), ALB_E_BUSY);
        asker_end(all[i]);
    }
    asker_end(&joined);
    assert_int_equal(fake_submitted(), 1);
    for (unsigned i = 0; i < 3; i++)
        alb_source_unref(s[i]);
    world_close(&w);
}

/* Jobs whose first turn has not begun, and askers and heirs who come while it closes. */
static void test_closing_ends_what_has_not_begun(void **state)
{
    const struct world_options one_thread = {.slots = 1, .threads = 1};
    struct world w;
    struct asker verifying, looking, late;
    struct alb_source *first = fake_source(95, "k"), *second = fake_source(96, "k");
    pthread_t id;
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &one_thread);
    atomic_store(&fake_gate_closed, true);
    assert_int_equal(ask(&w, &verifying, first), ALB_OK);
    until(atomic_load(&fake_at_gate) == 1);
    assert_int_equal(ask(&w, &looking, second), ALB_OK);
    assert_int_equal(pthread_create(&id, NULL, free_render, w.render), 0);
    while (ask(&w, &late, second) == ALB_OK)
        asker_leave(&late);
    assert_null(late.future);
    atomic_store(&fake_gate_closed, false);
    assert_int_equal(pthread_join(id, NULL), 0);
    w.render = NULL;
    until(atomic_load(&verifying.settled) == 1 && atomic_load(&looking.settled) == 1);
    assert_int_equal(asker_code(&verifying), ALB_E_BUSY);
    assert_int_equal(asker_code(&looking), ALB_E_BUSY);
    assert_int_equal(fake_submitted(), 0);
    asker_end(&verifying);
    asker_end(&looking);
    alb_source_unref(first);
    alb_source_unref(second);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_hundred_askers_are_one_job),
        cmocka_unit_test(test_hits),
        cmocka_unit_test(test_large_pictures_are_found_too),
        cmocka_unit_test(test_a_full_disk_only_costs_work),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_a_job_without_a_slot_resigns),
        cmocka_unit_test(test_no_slot_is_busy),
        cmocka_unit_test(test_a_lost_worker_is_tried_again),
        cmocka_unit_test(test_a_starved_job_is_tried_again),
        cmocka_unit_test(test_an_heir_is_never_forsaken),
        cmocka_unit_test(test_forsaken_before_it_runs),
        cmocka_unit_test(test_abandoned_work),
        cmocka_unit_test(test_adopted_work),
        cmocka_unit_test(test_overdue_work_is_killed),
        cmocka_unit_test(test_a_person_hurries_background_work),
        cmocka_unit_test(test_a_hurried_job_has_the_persons_time),
        cmocka_unit_test(test_no_memory_begins_nothing),
        cmocka_unit_test(test_more_than_the_limit_is_busy),
        cmocka_unit_test(test_a_full_darkroom_is_busy),
        cmocka_unit_test(test_closing_ends_every_stage),
        cmocka_unit_test(test_closing_ends_what_has_not_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
