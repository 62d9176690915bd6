/* SPDX-License-Identifier: Apache-2.0
 * Render: failures at the beginning, and the end in every stage.
 */
#include "fakes.h"

static const struct world_options usual = {.slots = 2};
static const struct world_options one_slot = {.slots = 1};

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
                fake_finish(ALB_E_BUSY);
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
        cmocka_unit_test(test_no_memory_begins_nothing),
        cmocka_unit_test(test_more_than_the_limit_is_busy),
        cmocka_unit_test(test_a_full_darkroom_is_busy),
        cmocka_unit_test(test_closing_ends_every_stage),
        cmocka_unit_test(test_closing_ends_what_has_not_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
