/* SPDX-License-Identifier: Apache-2.0
 * Render by schedule: one thing after the other, with fakes below (fakes.h). Hits, answers, who goes on.
 * People who hang up or hurry: test_leave.c; slots, memory and failures: test_admission.c; the end:
 * test_close.c.
 */
#include "fakes.h"

#define SECOND ALB_NS_PER_S

static const struct world_options usual = {.slots = 2};
static const struct world_options one_slot = {.slots = 1};

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
    alb_render_key(NULL, &question, &key);
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

/* What is small is found on the disk without a flight, and is in memory then; what is large is for a flight. The event
 * loop itself takes what needs no memory file. */
static void test_small_ones_are_read_at_once(void **state)
{
    static const size_t sizes[] = {20000, 100000, (256 << 10) + 1};
    const struct world_options much_memory = {.slots = 2, .hot_bytes = 64 << 20};
    struct world w;
    struct asker a;
    (void)state;
    for (unsigned i = 0; i < ALB_ARRAY_LEN(sizes); i++) {
        struct alb_flight_key key;
        struct alb_source *source = fake_source(20 + i, "k");
        const struct alb_plan_options o = small_picture();
        const struct alb_render_ask question = ask_of(source, &o, ALB_LEASE_FOREGROUND, ALB_NEVER);
        fake_reset(FAKE_AUTO);
        fake_darkroom.result_bytes = sizes[i];
        world_open(&w, &much_memory);
        alb_render_key(w.render, &question, &key);
        assert_null(alb_render_kept(w.render, question.door, &key));
        assert_int_equal(ask(&w, &a, source), ALB_OK);
        until(atomic_load(&a.settled) == 1);
        asker_end(&a);
        world_settle(&w);
        alb_render_purges_retired(w.render); /* forgets what is in memory */
        assert_null(alb_render_hot(w.render, &key));
        bool in_memory = true;
        struct alb_picture *p = alb_render_at_hand(w.render, question.door, &key, &in_memory);
        assert_int_equal(p != NULL, i == 0);
        assert_false(in_memory);
        if (!p)
            p = alb_render_kept(w.render, question.door, &key);
        assert_int_equal(p != NULL, i <= 1);
        if (p) {
            struct alb_picture *again = alb_render_at_hand(w.render, question.door, &key, &in_memory);
            assert_ptr_equal(again, p);
            assert_true(in_memory);
            alb_obj_unref(&again->obj);
            struct alb_picture *hot = alb_render_hot(w.render, &key);
            assert_ptr_equal(hot, p);
            assert_int_equal(p->bytes->n, sizes[i]);
            assert_string_equal(p->content_type, "image/jpeg");
            alb_obj_unref(&hot->obj);
            alb_obj_unref(&p->obj);
        }
        assert_int_equal(fake_submitted(), 1);
        alb_source_unref(source);
        world_close(&w);
    }
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
    bare = fake_source(14, "k"); /* a kind that nothing is made of has no header */
    bare->header = ALB_STR_NONE;
    bare->mime = ALB_STR("application/rdf+xml");
    expect_answer(bare, ALB_OK, ALB_E_UNSUPPORTED);
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
    assert_int_equal(ask_until(&w, &b, second, world_now(&w) + SECOND), ALB_OK);
    assert_int_equal(ask_until(&w, &c, second, world_now(&w) + 9 * SECOND), ALB_OK);
    world_settle(&w);
    assert_int_equal(alb_render_look(w.render).lease.queued[ALB_LEASE_FOREGROUND], 1);
    world_pass(&w, 2 * SECOND);
    assert_int_equal(atomic_load(&c.promoted), 1);
    assert_int_equal(atomic_load(&b.settled), 0);
    const struct alb_render_ask question =
        ask_of(second, &o, ALB_LEASE_FOREGROUND, world_now(&w) + 9 * SECOND);
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
    assert_int_equal(ask_until(&w, &b, second, world_now(&w) + SECOND), ALB_OK);
    world_settle(&w);
    world_pass(&w, 2 * SECOND);
    until(atomic_load(&b.settled) == 1);
    assert_int_equal(asker_code(&b), ALB_E_BUSY);
    asker_end(&b);
    assert_int_equal(ask_until(&w, &b, second, world_now(&w) - 1), ALB_OK); /* late from the beginning */
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

/* A worker that was lost (not for what the picture is) costs the first asker its try, not the second. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_hundred_askers_are_one_job),
        cmocka_unit_test(test_hits),
        cmocka_unit_test(test_small_ones_are_read_at_once),
        cmocka_unit_test(test_large_pictures_are_found_too),
        cmocka_unit_test(test_a_full_disk_only_costs_work),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_a_job_without_a_slot_resigns),
        cmocka_unit_test(test_no_slot_is_busy),
        cmocka_unit_test(test_a_starved_job_is_tried_again),
        cmocka_unit_test(test_a_lost_worker_is_tried_again),
        cmocka_unit_test(test_an_heir_is_never_forsaken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
