/* SPDX-License-Identifier: Apache-2.0
 * Render in more than one round: headers of sources that are no assets, trims, faster formats when time runs out,
 * and what is kept in no cache. Fakes below (fakes.h).
 */
#include "fakes.h"
#include "render/job.h"

static const struct world_options one_slot = {.slots = 1};

static struct alb_render_ask ask_origin(struct alb_origin *origin, const struct alb_plan_options *o)
{
    struct alb_render_ask q = ask_of(NULL, o, ALB_LEASE_FOREGROUND, ALB_NEVER);
    q.origin = origin;
    return q;
}

static void wake(struct alb_waiter *w, enum alb_wake why)
{
    struct asker *a = ALB_CONTAINER_OF(w, struct asker, waiter);
    (void)atomic_fetch_add(why == ALB_WAKE_PROMOTED ? &a->promoted : &a->settled, 1);
}

static void start(struct world *w, struct asker *a, const struct alb_render_ask *q)
{
    memset(a, 0, sizeof(*a));
    a->waiter.wake = wake;
    assert_int_equal(alb_render_start(w->render, q, &a->waiter, &a->future, NULL), ALB_OK);
}

static void get(struct world *w, struct asker *a, const struct alb_render_ask *q)
{
    start(w, a, q);
    until(atomic_load(&a->settled) == 1);
    world_settle(w);
}

/* ---- headers ---- */

static void test_header_is_asked_once(void **state)
{
    struct world w;
    struct asker a;
    struct alb_origin *origin = fake_origin(7);
    struct alb_plan_options o = small_picture();
    (void)state;
    fake_reset(FAKE_AUTO);
    world_open(&w, &one_slot);
    for (uint32_t side = 100; side < 103; side++) {
        o.width = o.height = side;
        const struct alb_render_ask q = ask_origin(origin, &o);
        get(&w, &a, &q);
        assert_non_null(asker_picture(&a));
        assert_int_equal(asker_picture(&a)->width, side);
        asker_end(&a);
    }
    assert_int_equal(fake_darkroom.headers, 1);
    assert_int_equal(fake_submitted(), 3);
    alb_origin_unref(origin);
    world_close(&w);
}

/* No slot is held while a header is looked for; whoever leaves then ends it. */
static void test_leaving_while_looking(void **state)
{
    struct world w;
    struct asker a;
    struct alb_origin *origin = fake_origin(8);
    const struct alb_plan_options o = small_picture();
    const struct alb_render_ask q = ask_origin(origin, &o);
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &one_slot);
    start(&w, &a, &q);
    until(fake_running() == 1);
    world_settle(&w);
    assert_int_equal(alb_render_look(w.render).lease.held, 0);
    asker_leave(&a);
    until(fake_cancels() == 1);
    fake_finish(ALB_OK);
    world_settle(&w);
    assert_int_equal(alb_render_look(w.render).jobs, 0);
    assert_int_equal(fake_submitted(), 0);
    alb_origin_unref(origin);
    world_close(&w);
}

static void test_header_that_cannot_be_read(void **state)
{
    struct world w;
    struct asker a;
    struct alb_origin *origin = fake_origin(9);
    const struct alb_plan_options o = small_picture();
    const struct alb_render_ask q = ask_origin(origin, &o);
    (void)state;
    fake_reset(FAKE_AUTO);
    fake_darkroom.answer = ALB_E_UNPROCESSABLE;
    world_open(&w, &one_slot);
    get(&w, &a, &q);
    assert_int_equal(asker_code(&a), ALB_E_UNPROCESSABLE);
    asker_end(&a);
    get(&w, &a, &q); /* remembered */
    assert_int_equal(asker_code(&a), ALB_E_UNPROCESSABLE);
    assert_int_equal(fake_darkroom.headers, 1);
    asker_end(&a);
    alb_origin_unref(origin);
    world_close(&w);
}

/* ---- trims ---- */

static void test_trim_takes_two_rounds(void **state)
{
    struct world w;
    struct asker a;
    struct alb_source *source = fake_source(10, "k");
    struct alb_plan_options o = small_picture();
    (void)state;
    fake_reset(FAKE_AUTO);
    fake_darkroom.trim = (struct alb_rect){100, 200, 1000, 500};
    world_open(&w, &one_slot);
    o.trim.on = true;
    o.trim.threshold = 10;
    const struct alb_render_ask q = ask_of(source, &o, ALB_LEASE_FOREGROUND, ALB_NEVER);
    get(&w, &a, &q);
    assert_non_null(asker_picture(&a));
    assert_int_equal(asker_picture(&a)->width, 256);
    assert_int_equal(asker_picture(&a)->height, 128);
    assert_int_equal(fake_submitted(), 2);
    asker_end(&a);
    alb_source_unref(source);
    world_close(&w);
}

/* ---- time ---- */

static void test_faster_format_when_time_runs_out(void **state)
{
    struct world w;
    struct asker a;
    struct alb_flight_key key;
    struct alb_source *source = fake_source(11, "k");
    struct alb_plan_options o = small_picture();
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &one_slot);
    o.output.format = ALB_FORMAT_AVIF;
    struct alb_render_ask q = ask_of(source, &o, ALB_LEASE_FOREGROUND, ALB_NEVER);
    q.may_degrade = true;
    start(&w, &a, &q);
    until(fake_running() == 1);
    fake_finish(ALB_E_TIMEOUT);
    until(fake_submitted() == 2);
    assert_int_equal(alb_render_look(w.render).lease.held, 1); /* the same slot */
    fake_finish(ALB_OK);
    until(atomic_load(&a.settled) == 1);
    world_settle(&w);
    assert_string_equal(asker_picture(&a)->content_type, "image/webp");
    assert_true(asker_picture(&a)->no_store);
    alb_render_key(NULL, &q, &key);
    assert_null(alb_render_hot(w.render, &key));
    assert_int_equal(atomic_load(&fake_cache_puts), 0);
    asker_end(&a);
    alb_source_unref(source);
    world_close(&w);
}

/* Whatever is left and whatever is needed: what remains after the first try is enough, or nothing was tried. */
static void test_time_for_the_faster_one(void **state)
{
    static const struct {
        int64_t left, need, first;
    } table[] = {{12000, 0, 8000}, {12000, 4000, 8000}, {12000, 6000, 6000}, {12000, 11000, 1000},
                 {12000, 11500, 0}, {12000, 90000, 0},  {0, 1, 0},           {-5, 10, 0}};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++)
        assert_int_equal(alb_render_first_try(table[i].left, table[i].need), table[i].first);
    for (int64_t left = 1; left < 5000; left += 7) {
        for (int64_t need = 0; need < 6000; need += 11) {
            int64_t first = alb_render_first_try(left, need);
            assert_true(first >= 0 && (first == 0 || left - first >= need));
        }
    }
}

/* No time for the good one when the slot is there: the faster one is begun at once, and nothing else. */
static void test_faster_format_at_once(void **state)
{
    struct world w;
    struct asker a;
    struct alb_source *source = fake_source(15, "k");
    struct alb_plan_options o = small_picture();
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &one_slot);
    o.output.format = ALB_FORMAT_AVIF;
    struct alb_render_ask q = ask_of(source, &o, ALB_LEASE_FOREGROUND, ALB_NEVER);
    q.may_degrade = true;
    q.deadline = world_now(&w) + ALB_NS_PER_MS;
    start(&w, &a, &q);
    until(fake_running() == 1);
    fake_finish(ALB_OK);
    until(atomic_load(&a.settled) == 1);
    assert_int_equal(fake_submitted(), 1);
    assert_string_equal(asker_picture(&a)->content_type, "image/webp");
    asker_end(&a);
    alb_source_unref(source);
    world_close(&w);
}

static void test_no_faster_format_unless_asked(void **state)
{
    struct world w;
    struct asker a;
    struct alb_source *source = fake_source(12, "k");
    struct alb_plan_options o = small_picture();
    (void)state;
    fake_reset(FAKE_AUTO);
    fake_darkroom.answer = ALB_E_TIMEOUT;
    world_open(&w, &one_slot);
    o.output.format = ALB_FORMAT_AVIF;
    const struct alb_render_ask q = ask_of(source, &o, ALB_LEASE_FOREGROUND, ALB_NEVER);
    get(&w, &a, &q);
    assert_int_equal(asker_code(&a), ALB_E_TIMEOUT);
    assert_int_equal(fake_submitted(), 1);
    asker_end(&a);
    alb_source_unref(source);
    world_close(&w);
}

/* ---- what is not kept ---- */

static void test_origin_that_forbids_keeping(void **state)
{
    struct world w;
    struct asker a;
    struct alb_origin *origin = fake_origin(13);
    const struct alb_plan_options o = small_picture();
    const struct alb_render_ask q = ask_origin(origin, &o);
    (void)state;
    fake_reset(FAKE_AUTO);
    world_open(&w, &one_slot);
    origin->no_store = true;
    for (unsigned i = 1; i <= 2; i++) {
        get(&w, &a, &q);
        assert_true(asker_picture(&a)->no_store);
        assert_int_equal(fake_submitted(), i);
        asker_end(&a);
    }
    assert_int_equal(atomic_load(&fake_cache_puts), 0);
    alb_origin_unref(origin);
    world_close(&w);
}

static void test_file_that_changes_meanwhile(void **state)
{
    struct world w;
    struct asker a;
    struct alb_origin *origin = fake_origin(14);
    const struct alb_plan_options o = small_picture();
    const struct alb_render_ask q = ask_origin(origin, &o);
    (void)state;
    fake_reset(FAKE_AUTO);
    world_open(&w, &one_slot);
    atomic_store(&fake_origin_changed, true);
    get(&w, &a, &q);
    assert_int_equal(asker_code(&a), ALB_E_CONFLICT);
    assert_int_equal(atomic_load(&fake_cache_puts), 0);
    asker_end(&a);
    alb_origin_unref(origin);
    world_close(&w);
}

/* After its header was read: neither a picture nor a failure of that file, for nobody knows what a worker has read. */
static void test_file_that_changes_under_a_worker(void **state)
{
    static const enum alb_code ends[] = {ALB_OK, ALB_E_UNPROCESSABLE, ALB_E_CORRUPT};
    struct world w;
    struct asker a;
    struct alb_origin *origin = fake_origin(15);
    const struct alb_plan_options o = small_picture();
    const struct alb_render_ask q = ask_origin(origin, &o);
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &one_slot);
    for (size_t i = 0; i < ALB_ARRAY_LEN(ends); i++) {
        start(&w, &a, &q);
        until(fake_running() == 1);
        if (i == 0) {
            fake_finish(ALB_OK); /* the header, which is known from now on */
            until(fake_submitted() == 1 && fake_running() == 1);
        }
        assert_int_equal(fake_submitted(), i + 1);
        atomic_store(&fake_origin_changed, true);
        fake_finish(ends[i]);
        until(atomic_load(&a.settled) == 1);
        world_settle(&w);
        assert_int_equal(asker_code(&a), ALB_E_CONFLICT);
        asker_end(&a);
        atomic_store(&fake_origin_changed, false);
    }
    assert_int_equal(atomic_load(&fake_cache_puts), 0);
    start(&w, &a, &q); /* as nothing is remembered, it is tried */
    until(fake_submitted() == 4 && fake_running() == 1);
    fake_finish(ALB_OK);
    until(atomic_load(&a.settled) == 1);
    world_settle(&w);
    assert_non_null(asker_picture(&a));
    asker_end(&a);
    alb_origin_unref(origin);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_is_asked_once),
        cmocka_unit_test(test_leaving_while_looking),
        cmocka_unit_test(test_header_that_cannot_be_read),
        cmocka_unit_test(test_trim_takes_two_rounds),
        cmocka_unit_test(test_faster_format_when_time_runs_out),
        cmocka_unit_test(test_time_for_the_faster_one),
        cmocka_unit_test(test_faster_format_at_once),
        cmocka_unit_test(test_no_faster_format_unless_asked),
        cmocka_unit_test(test_origin_that_forbids_keeping),
        cmocka_unit_test(test_file_that_changes_meanwhile),
        cmocka_unit_test(test_file_that_changes_under_a_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
