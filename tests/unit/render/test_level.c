/* SPDX-License-Identifier: Apache-2.0
 * Render with levels: who makes them, how often, who waits, who leaves. The source is one of 4000 x 3000 pixels, so it
 * has a level of 2048 and one of 1024, which is made of that. Fakes below (fakes.h).
 */
#include "fakes.h"

#include "render/sizes.h"

#include <dirent.h>

static const struct world_options usual = {.slots = 2, .pyramid = true};
static const struct world_options ahead = {.slots = 2, .pyramid = true, .ahead = true};
static const struct world_options one_slot = {.slots = 1, .pyramid = true};

static struct alb_plan_options sized(uint32_t side)
{
    struct alb_plan_options o = small_picture();
    o.width = o.height = side;
    o.levels = true;
    return o;
}

static void wake(struct alb_waiter *w, enum alb_wake why)
{
    struct asker *a = ALB_CONTAINER_OF(w, struct asker, waiter);
    (void)atomic_fetch_add(why == ALB_WAKE_PROMOTED ? &a->promoted : &a->settled, 1);
}

static void start(struct world *w, struct asker *a, struct alb_source *source, uint32_t side,
                  enum alb_lease_class cls)
{
    const struct alb_plan_options o = sized(side);
    const struct alb_render_ask q = ask_of(source, &o, cls, ALB_NEVER);
    memset(a, 0, sizeof(*a));
    a->waiter.wake = wake;
    a->waiter.heir = cls == ALB_LEASE_FOREGROUND;
    assert_int_equal(alb_render_start(w->render, &q, &a->waiter, &a->future, NULL), ALB_OK);
}

/* *code: how it ended; the pictures made for it are returned. */
static unsigned get(struct world *w, struct alb_source *source, uint32_t side, enum alb_code *code)
{
    struct asker a;
    unsigned before = fake_submitted();
    start(w, &a, source, side, ALB_LEASE_FOREGROUND);
    until(atomic_load(&a.settled) == 1);
    world_settle(w);
    *code = asker_code(&a);
    if (*code == ALB_OK)
        assert_int_equal(asker_picture(&a)->width, side);
    asker_end(&a);
    return fake_submitted() - before;
}

static unsigned open_files(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d))
        n++;
    (void)closedir(d);
    return n;
}

static void test_made_once(void **state)
{
    struct world w;
    enum alb_code code;
    struct alb_source *source = fake_source(1, "k"), *same = fake_source(1, "missing");
    int64_t made = alb_stat_get(ALB_STAT_LEVELS), used = alb_stat_get(ALB_STAT_LEVEL_USES);
    (void)state;
    fake_reset(FAKE_AUTO);
    world_open(&w, &usual);
    assert_int_equal(get(&w, source, 1440, &code), 2); /* 2048, and the picture */
    assert_int_equal(code, ALB_OK);
    unsigned files = open_files();
    assert_int_equal(get(&w, source, 500, &code), 2); /* 1024, and the picture */
    assert_int_equal(get(&w, source, 400, &code), 1);
    assert_int_equal(get(&w, source, 1000, &code), 1);
    assert_int_equal(alb_stat_get(ALB_STAT_LEVELS) - made, 2);
    assert_int_equal(alb_stat_get(ALB_STAT_LEVEL_USES) - used, 5);
    assert_int_equal(get(&w, same, 300, &code), 1); /* the original is not looked at */
    assert_int_equal(code, ALB_OK);
    assert_int_equal(get(&w, same, 3000, &code), 0);
    assert_int_equal(code, ALB_E_CORRUPT); /* no level has so many pixels */
    assert_int_equal(open_files(), files);
    alb_source_unref(source);
    alb_source_unref(same);
    world_close(&w);
}

static void test_switched_off(void **state)
{
    static const struct world_options off = {.slots = 1};
    struct world w;
    enum alb_code code;
    struct alb_flight_key with, without;
    struct alb_source *source = fake_source(2, "k");
    struct alb_plan_options o = sized(500);
    struct alb_render_ask q = ask_of(source, &o, ALB_LEASE_FOREGROUND, ALB_NEVER);
    (void)state;
    fake_reset(FAKE_AUTO);
    world_open(&w, &off);
    assert_int_equal(get(&w, source, 500, &code), 1);
    alb_render_key(w.render, &q, &with);
    o.levels = false;
    alb_render_key(w.render, &q, &without);
    assert_memory_equal(&with, &without, sizeof(with));
    alb_source_unref(source);
    world_close(&w);
    source = fake_source(2, "k");
    q.source = source;
    fake_reset(FAKE_AUTO);
    world_open(&w, &usual);
    alb_render_key(w.render, &q, &without);
    o.levels = true;
    alb_render_key(w.render, &q, &with);
    assert_memory_not_equal(&with, &without, sizeof(with));
    alb_source_unref(source);
    world_close(&w);
}

/* A hundred sizes at once: the original is decoded once. */
static void test_many_at_once(void **state)
{
    enum { MANY = 100 };
    static struct asker a[MANY];
    const struct world_options wide = {.slots = 4, .queue_max = 2 * MANY, .pyramid = true};
    struct world w;
    struct alb_source *source = fake_source(3, "k");
    (void)state;
    fake_reset(FAKE_AUTO);
    world_open(&w, &wide);
    for (uint32_t i = 0; i < MANY; i++)
        start(&w, &a[i], source, 100 + 13 * i, i % 3 ? ALB_LEASE_FOREGROUND : ALB_LEASE_BACKGROUND);
    for (uint32_t i = 0; i < MANY; i++) {
        until(atomic_load(&a[i].settled) == 1);
        assert_int_equal(asker_code(&a[i]), ALB_OK);
        asker_end(&a[i]);
    }
    world_settle(&w);
    assert_int_equal(fake_submitted(), MANY + 2);
    alb_source_unref(source);
    world_close(&w);
}

/* While the level is made no slot is held for what waits; who leaves takes the level's job along. */
static void test_leaving(void **state)
{
    struct world w;
    struct asker a, b;
    struct alb_source *source = fake_source(4, "k");
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &usual);
    start(&w, &a, source, 1400, ALB_LEASE_FOREGROUND);
    start(&w, &b, source, 500, ALB_LEASE_FOREGROUND); /* waits for 1024, which waits for 2048 */
    until(fake_running() == 1);
    world_settle(&w);
    assert_int_equal(alb_render_look(w.render).lease.held, 1);
    assert_int_equal(alb_render_look(w.render).jobs, 4);
    asker_leave(&a);
    world_settle(&w);
    assert_int_equal(alb_render_look(w.render).jobs, 3); /* somebody else waits for the level */
    asker_leave(&b);
    world_settle(&w);
    assert_int_equal(alb_render_look(w.render).jobs, 1); /* it runs: it may finish, and be kept */
    assert_int_equal(alb_render_look(w.render).lease.abandoned, 1);
    fake_finish(ALB_OK);
    world_settle(&w);
    start(&w, &a, source, 1400, ALB_LEASE_FOREGROUND);
    until(fake_running() == 1);
    assert_int_equal(fake_submitted(), 2); /* the level was kept */
    fake_finish(ALB_OK);
    until(atomic_load(&a.settled) == 1);
    asker_end(&a);
    alb_source_unref(source);
    world_close(&w);
}

/* Somebody comes while the one who waits for a level is leaving, again and again: everybody gets an answer. */
static void test_coming_and_going(void **state)
{
    struct world w;
    struct asker a, b;
    struct alb_source *source;
    (void)state;
    fake_reset(FAKE_STORM);
    world_open(&w, &one_slot);
    for (unsigned i = 0; i < 200; i++) {
        source = fake_source(100 + i, "k");
        start(&w, &a, source, 700, i % 2 ? ALB_LEASE_FOREGROUND : ALB_LEASE_BACKGROUND);
        if (i % 3)
            (void)sched_yield();
        start(&w, &b, source, i % 5 ? 700 : 600, ALB_LEASE_FOREGROUND);
        asker_leave(&a);
        until(atomic_load(&b.settled) + atomic_load(&b.promoted) == 1);
        if (atomic_load(&b.promoted) == 1) {
            struct alb_err err = ALB_ERR_INIT;
            (void)alb_fail(&err, ALB_E_BUSY, "a test has had enough");
            (void)alb_future_resign(&b.waiter.owner, &err);
        }
        asker_end(&b);
        alb_source_unref(source);
    }
    world_close(&w);
}

/* The level's place in the line is that of who needed it first; when that one's time is over another goes on. */
static void test_the_first_has_no_more_time(void **state)
{
    struct world w;
    struct asker other, a, b;
    struct alb_source *source = fake_source(11, "k"), *before = fake_source(12, "k");
    const struct alb_plan_options o = sized(1400);
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &one_slot);
    start(&w, &other, before, 3000, ALB_LEASE_FOREGROUND);
    until(fake_running() == 1);
    const struct alb_render_ask q = ask_of(source, &o, ALB_LEASE_FOREGROUND, world_now(&w) + ALB_NS_PER_S);
    a = (struct asker){.waiter.wake = wake};
    assert_int_equal(alb_render_start(w.render, &q, &a.waiter, &a.future, NULL), ALB_OK);
    world_settle(&w);
    start(&w, &b, source, 1000, ALB_LEASE_FOREGROUND);
    world_settle(&w);
    world_pass(&w, 2 * ALB_NS_PER_S);
    assert_int_equal(atomic_load(&b.settled) + atomic_load(&b.promoted), 0);
    while (atomic_load(&a.settled) + atomic_load(&b.settled) + atomic_load(&other.settled) < 3) {
        if (fake_running() > 0)
            fake_finish(ALB_OK);
        (void)sched_yield();
    }
    assert_int_equal(asker_code(&b), ALB_OK);
    asker_end(&a);
    asker_end(&b);
    asker_end(&other);
    alb_source_unref(source);
    alb_source_unref(before);
    world_close(&w);
}

static void test_failures_are_everybodys(void **state)
{
    struct world w;
    enum alb_code code;
    struct alb_source *source = fake_source(5, "corrupt"), *bad = fake_source(6, "k");
    (void)state;
    fake_reset(FAKE_AUTO);
    world_open(&w, &usual);
    assert_int_equal(get(&w, source, 500, &code), 0);
    assert_int_equal(code, ALB_E_CORRUPT);
    fake_darkroom.answer = ALB_E_UNPROCESSABLE;
    assert_int_equal(get(&w, bad, 1000, &code), 1);
    assert_int_equal(code, ALB_E_UNPROCESSABLE);
    assert_int_equal(get(&w, bad, 1100, &code), 0); /* remembered of the level */
    assert_int_equal(code, ALB_E_UNPROCESSABLE);
    assert_int_equal(get(&w, bad, 500, &code), 0); /* and of what would be made of it */
    assert_int_equal(code, ALB_E_UNPROCESSABLE);
    alb_source_unref(source);
    alb_source_unref(bad);
    world_close(&w);
}

/* A person who joins what the background has begun does not stand behind the background, nor does the level. */
static void test_hurry(void **state)
{
    struct world w;
    struct asker other, a, b;
    struct alb_source *source = fake_source(7, "k"), *before = fake_source(8, "k");
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &usual); /* one slot of two for the background */
    start(&w, &other, before, 1400, ALB_LEASE_BACKGROUND);
    until(fake_running() == 1);
    start(&w, &a, source, 1400, ALB_LEASE_BACKGROUND);
    world_settle(&w);
    assert_int_equal(alb_render_look(w.render).lease.queued[ALB_LEASE_BACKGROUND], 1);
    start(&w, &b, source, 1400, ALB_LEASE_FOREGROUND);
    until(fake_running() == 2); /* the level has the other slot */
    fake_finish(ALB_OK);
    fake_finish(ALB_OK);
    until(fake_submitted() == 4);
    until(fake_running() == 2);
    fake_finish(ALB_OK);
    fake_finish(ALB_OK);
    until(atomic_load(&a.settled) == 1 && atomic_load(&b.settled) == 1 && atomic_load(&other.settled) == 1);
    assert_int_equal(asker_code(&b), ALB_OK);
    asker_end(&a);
    asker_end(&b);
    asker_end(&other);
    alb_source_unref(source);
    alb_source_unref(before);
    world_close(&w);
}

/* An origin's header is asked for once, by whoever comes first; then it goes as with assets. */
static void test_origin(void **state)
{
    struct world w;
    struct asker a;
    struct alb_origin *origin = fake_origin(9);
    (void)state;
    fake_reset(FAKE_AUTO);
    world_open(&w, &usual);
    for (uint32_t side = 500; side < 503; side++) {
        const struct alb_plan_options o = sized(side);
        struct alb_render_ask q = ask_of(NULL, &o, ALB_LEASE_FOREGROUND, ALB_NEVER);
        q.origin = origin;
        memset(&a, 0, sizeof(a));
        a.waiter.wake = wake;
        assert_int_equal(alb_render_start(w.render, &q, &a.waiter, &a.future, NULL), ALB_OK);
        until(atomic_load(&a.settled) == 1);
        world_settle(&w);
        assert_int_equal(asker_code(&a), ALB_OK);
        asker_end(&a);
    }
    assert_int_equal(fake_headers(), 1);
    assert_int_equal(fake_submitted(), 2 + 3);
    alb_origin_unref(origin);
    world_close(&w);
}

/* ---- what follows by itself ---- */

static void start_own(struct world *w, struct asker *a, struct alb_source *source, enum alb_size size,
                      enum alb_lease_class cls)
{
    struct alb_plan_options o;
    alb_size_options(size, source, &o);
    const struct alb_render_ask q = ask_of(source, &o, cls, ALB_NEVER);
    *a = (struct asker){.waiter.wake = wake};
    assert_int_equal(alb_render_start(w->render, &q, &a->waiter, &a->future, NULL), ALB_OK);
}

static unsigned get_own(struct world *w, struct alb_source *source, enum alb_size size,
                        enum alb_lease_class cls)
{
    struct asker a;
    unsigned before = fake_submitted();
    start_own(w, &a, source, size, cls);
    until(atomic_load(&a.settled) == 1);
    until(alb_stat_get(ALB_STAT_AHEAD) == 0);
    world_settle(w);
    assert_int_equal(asker_code(&a), ALB_OK);
    asker_end(&a);
    return fake_submitted() - before;
}

/* In either order: what the first one needs, and the other; then that is there, also when the photo is not. */
static void test_the_other_size_follows(void **state)
{
    (void)state;
    for (enum alb_size first = ALB_SIZE_THUMBNAIL; first <= ALB_SIZE_PREVIEW; first++) {
        enum alb_size other = ALB_SIZE_THUMBNAIL + ALB_SIZE_PREVIEW - first;
        struct world w;
        struct alb_source *source = fake_source(20, "k");
        int64_t made = alb_stat_get(ALB_STAT_LEVELS);
        fake_reset(FAKE_AUTO);
        world_open(&w, &ahead);
        assert_int_equal(get_own(&w, source, first, ALB_LEASE_FOREGROUND), 4);
        assert_int_equal(alb_stat_get(ALB_STAT_LEVELS) - made, 2);
        assert_int_equal(get_own(&w, source, other, ALB_LEASE_FOREGROUND), 0);
        assert_int_equal(get_own(&w, source, first, ALB_LEASE_FOREGROUND), 0);
        alb_source_unref(source);
        world_close(&w);
    }
}

static void test_nothing_follows(void **state)
{
    struct world w;
    struct asker a;
    enum alb_code code;
    struct alb_origin *origin = fake_origin(24);
    struct alb_source *source = fake_source(21, "k"), *other = fake_source(22, "k"),
                      *small = fake_picture(23, ALB_TYPE_JPEG, 3000, 2000);
    (void)state;
    fake_reset(FAKE_AUTO);
    world_open(&w, &ahead);
    assert_int_equal(get_own(&w, source, ALB_SIZE_PREVIEW, ALB_LEASE_BACKGROUND),
                     2); /* it knows what it wants */
    assert_int_equal(get_own(&w, source, ALB_SIZE_THUMBNAIL, ALB_LEASE_FOREGROUND),
                     2); /* of a level of before */
    assert_int_equal(get_own(&w, small, ALB_SIZE_THUMBNAIL, ALB_LEASE_FOREGROUND), 1);
    const struct alb_plan_options o = sized(500); /* not a photo of ours */
    struct alb_render_ask q = ask_of(NULL, &o, ALB_LEASE_FOREGROUND, ALB_NEVER);
    q.origin = origin;
    a = (struct asker){.waiter.wake = wake};
    unsigned before = fake_submitted();
    assert_int_equal(alb_render_start(w.render, &q, &a.waiter, &a.future, NULL), ALB_OK);
    until(atomic_load(&a.settled) == 1);
    world_settle(&w);
    assert_int_equal(fake_submitted() - before, 3);
    asker_end(&a);
    fake_darkroom.answer = ALB_E_UNPROCESSABLE;
    assert_int_equal(get(&w, other, 500, &code), 1);
    assert_int_equal(code, ALB_E_UNPROCESSABLE);
    assert_int_equal(alb_stat_get(ALB_STAT_AHEAD), 0);
    alb_origin_unref(origin);
    alb_source_unref(source);
    alb_source_unref(other);
    alb_source_unref(small);
    world_close(&w);
}

/* It waits until the answer is out, behind everybody, and for no more than some; who then asks for it hurries it. */
static void test_it_stands_behind(void **state)
{
    enum { MANY = 40 };
    static struct asker a[MANY];
    static struct alb_source *source[MANY];
    const struct world_options wide = {.slots = 2, .queue_max = 8 * MANY, .pyramid = true, .ahead = true};
    struct world w;
    struct asker b;
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &wide);
    for (unsigned i = 0; i < MANY; i++) {
        source[i] = fake_source(200 + i, "k");
        start_own(&w, &a[i], source[i], ALB_SIZE_PREVIEW, ALB_LEASE_FOREGROUND);
        world_settle(&w); /* their line is in this order */
    }
    until(fake_running() == 2);
    world_settle(&w);
    assert_int_equal(alb_stat_get(ALB_STAT_AHEAD), 0);
    for (unsigned i = 0; i < 2 * MANY; i++) { /* levels and previews of all */
        until(fake_running() == 2);
        world_settle(&w);
        fake_finish(ALB_OK);
    }
    for (unsigned i = 0; i < MANY; i++) {
        until(atomic_load(&a[i].settled) == 1);
        assert_int_equal(asker_code(&a[i]), ALB_OK);
        asker_end(&a[i]);
    }
    until(fake_running() == 1); /* half of the slots */
    world_settle(&w);
    assert_int_equal(alb_stat_get(ALB_STAT_AHEAD), 16);
    start_own(&w, &b, source[0], ALB_SIZE_THUMBNAIL, ALB_LEASE_FOREGROUND);
    while (atomic_load(&b.settled) == 0 || alb_stat_get(ALB_STAT_AHEAD) > 0) {
        if (fake_running() > 0)
            fake_finish(ALB_OK);
        (void)sched_yield();
    }
    assert_int_equal(asker_code(&b), ALB_OK);
    assert_int_equal(fake_submitted(), 2 * MANY + 2 * 16);
    asker_end(&b);
    for (unsigned i = 0; i < MANY; i++)
        alb_source_unref(source[i]);
    world_close(&w);
}

static void *free_render(void *arg)
{
    struct alb_render *render = arg;
    alb_render_free(&render);
    return NULL;
}

/* What follows, at the start of it and in a worker, does not keep render from ending. */
static void test_closing_with_more_to_come(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        struct world w;
        struct asker a;
        struct alb_source *source = fake_source(30 + i, "k");
        fake_reset(FAKE_STORM);
        world_open(&w, &ahead);
        start_own(&w, &a, source, i % 2 ? ALB_SIZE_PREVIEW : ALB_SIZE_THUMBNAIL, ALB_LEASE_FOREGROUND);
        until(atomic_load(&a.settled) == 1);
        asker_end(&a);
        alb_source_unref(source);
        alb_render_free(&w.render);
        assert_int_equal(alb_stat_get(ALB_STAT_AHEAD), 0);
        world_close(&w);
    }
}

static void test_closing(void **state)
{
    struct world w;
    struct asker a, b;
    struct alb_source *source = fake_source(10, "k");
    pthread_t id;
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &one_slot);
    start(&w, &a, source, 500, ALB_LEASE_FOREGROUND);
    start(&w, &b, source, 1400, ALB_LEASE_FOREGROUND);
    until(fake_running() == 1);
    world_settle(&w);
    assert_int_equal(pthread_create(&id, NULL, free_render, w.render), 0);
    until(fake_cancels() == 1);
    fake_finish_cancelled();
    assert_int_equal(pthread_join(id, NULL), 0);
    w.render = NULL;
    until(atomic_load(&a.settled) == 1 && atomic_load(&b.settled) == 1);
    assert_int_equal(asker_code(&a), ALB_E_BUSY);
    assert_int_equal(asker_code(&b), ALB_E_BUSY);
    asker_end(&a);
    asker_end(&b);
    alb_source_unref(source);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made_once),
        cmocka_unit_test(test_switched_off),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_leaving),
        cmocka_unit_test(test_coming_and_going),
        cmocka_unit_test(test_the_first_has_no_more_time),
        cmocka_unit_test(test_failures_are_everybodys),
        cmocka_unit_test(test_hurry),
        cmocka_unit_test(test_origin),
        cmocka_unit_test(test_the_other_size_follows),
        cmocka_unit_test(test_nothing_follows),
        cmocka_unit_test(test_it_stands_behind),
        cmocka_unit_test(test_closing),
        cmocka_unit_test(test_closing_with_more_to_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
