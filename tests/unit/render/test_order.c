/* SPDX-License-Identifier: Apache-2.0
 * Orders: equal ones are one, few are worked on at a time, nobody's are ended. Fakes below (fakes.h).
 */
#include "fakes.h"
#include "render/order.h"

static const struct world_options usual = {.slots = 2};

static void wake(struct alb_waiter *w, enum alb_wake why)
{
    struct asker *a = ALB_CONTAINER_OF(w, struct asker, waiter);
    (void)atomic_fetch_add(why == ALB_WAKE_PROMOTED ? &a->promoted : &a->settled, 1);
}

static enum alb_code give_kind(struct world *w, struct asker *a, struct alb_origin *origin, int64_t deadline,
                               enum alb_order_kind kind)
{
    const struct alb_order_ask order = {
        .kind = kind, .origin = origin, .type = ALB_TYPE_JPEG, .deadline = deadline};
    memset(a, 0, sizeof(*a));
    a->waiter.wake = wake;
    return alb_render_order(w->render, &order, &a->waiter, &a->future, NULL);
}

static enum alb_code give(struct world *w, struct asker *a, struct alb_origin *origin, int64_t deadline)
{
    return give_kind(w, a, origin, deadline, ALB_ORDER_FACTS);
}

static const struct alb_order_answer *words(const struct asker *a)
{
    struct alb_obj *obj = alb_future_result(a->future);
    return obj ? ALB_CONTAINER_OF(obj, struct alb_order_answer, obj) : NULL;
}

static void test_equal_orders_are_one(void **state)
{
    static struct asker askers[200];
    struct world w;
    struct alb_origin *origin = fake_origin(1);
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &usual);
    for (size_t i = 0; i < ALB_ARRAY_LEN(askers); i++)
        assert_int_equal(give(&w, &askers[i], origin, ALB_NEVER), ALB_OK);
    until(fake_running() == 1);
    world_settle(&w);
    assert_int_equal(fake_submitted(), 1);
    fake_finish(ALB_OK);
    for (size_t i = 0; i < ALB_ARRAY_LEN(askers); i++) {
        until(atomic_load(&askers[i].settled) == 1);
        assert_ptr_equal(words(&askers[i]), words(&askers[0]));
        assert_int_equal(words(&askers[i])->probe->header.width, 4000);
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(askers); i++)
        asker_end(&askers[i]);
    alb_origin_unref(origin);
    world_close(&w);
}

/* Few are worked on, a bounded number waits, the rest is told to come again; all that waited get their turn. */
static void test_many_stand_in_line(void **state)
{
    static struct asker askers[ALB_ORDERS_AT_ONCE + ALB_ORDERS_MAX + 3];
    struct alb_origin *origins[ALB_ARRAY_LEN(askers)];
    struct world w;
    unsigned accepted = 0;
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &usual);
    for (size_t i = 0; i < ALB_ARRAY_LEN(askers); i++) {
        origins[i] = fake_origin((unsigned)i);
        enum alb_code code = give(&w, &askers[i], origins[i], ALB_NEVER);
        assert_true(code == ALB_OK || code == ALB_E_BUSY);
        accepted += code == ALB_OK;
    }
    assert_int_equal(accepted, ALB_ORDERS_AT_ONCE + ALB_ORDERS_MAX);
    for (unsigned i = 0; i < accepted; i++) {
        unsigned left = accepted - i, most = left < ALB_ORDERS_AT_ONCE ? left : ALB_ORDERS_AT_ONCE;
        until(fake_running() == most);
        world_settle(&w);
        assert_int_equal(fake_running(), most);
        fake_finish(ALB_OK);
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(askers); i++) {
        if (askers[i].future) {
            until(atomic_load(&askers[i].settled) == 1);
            assert_non_null(words(&askers[i]));
            asker_end(&askers[i]);
        }
        alb_origin_unref(origins[i]);
    }
    world_close(&w);
}

/* Beside one that is worked on, others take the places that are left. */
struct filler {
    struct asker askers[ALB_ORDERS_AT_ONCE - 1];
    struct alb_origin *origins[ALB_ORDERS_AT_ONCE - 1];
};

static void fill(struct world *w, struct filler *f)
{
    for (unsigned i = 0; i < ALB_ARRAY_LEN(f->askers); i++) {
        f->origins[i] = fake_origin(100 + i);
        assert_int_equal(give(w, &f->askers[i], f->origins[i], ALB_NEVER), ALB_OK);
        until(fake_running() == i + 2);
    }
}

/* They are done, or were told to stop. */
static void fill_end(struct filler *f)
{
    for (unsigned i = 0; i < ALB_ARRAY_LEN(f->askers); i++) {
        until(atomic_load(&f->askers[i].settled) == 1);
        asker_end(&f->askers[i]);
        alb_origin_unref(f->origins[i]);
    }
}

static void test_nobody_waits_any_more(void **state)
{
    struct asker first, second, third;
    struct filler others;
    struct alb_origin *one = fake_origin(1), *two = fake_origin(2);
    struct world w;
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &usual);
    assert_int_equal(give(&w, &first, one, ALB_NEVER), ALB_OK);
    until(fake_running() == 1);
    fill(&w, &others);
    assert_int_equal(give(&w, &second, two, ALB_NEVER), ALB_OK);
    world_settle(&w);
    asker_leave(&second); /* out of the line */
    world_settle(&w);
    asker_leave(&first); /* out of a worker */
    until(fake_cancels() == 1);
    assert_int_equal(give(&w, &third, one, ALB_NEVER), ALB_OK); /* just in time: it is begun again */
    fake_finish(ALB_OK);
    until(fake_running() == ALB_ORDERS_AT_ONCE);
    for (unsigned i = 0; i < ALB_ORDERS_AT_ONCE; i++)
        fake_finish(ALB_OK);
    until(atomic_load(&third.settled) == 1);
    assert_non_null(words(&third));
    assert_int_equal(fake_submitted(), ALB_ORDERS_AT_ONCE + 1);
    asker_end(&third);
    fill_end(&others);
    alb_origin_unref(one);
    alb_origin_unref(two);
    world_close(&w);
}

static void test_time_in_line_ends(void **state)
{
    struct asker first, second;
    struct filler others;
    struct alb_origin *one = fake_origin(1), *two = fake_origin(2);
    struct world w;
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &usual);
    assert_int_equal(give(&w, &first, one, ALB_NEVER), ALB_OK);
    until(fake_running() == 1);
    fill(&w, &others);
    assert_int_equal(give(&w, &second, two, world_now(&w) + ALB_NS_PER_S), ALB_OK);
    world_settle(&w);
    world_pass(&w, 2 * ALB_NS_PER_S);
    until(atomic_load(&second.settled) == 1);
    assert_int_equal(asker_code(&second), ALB_E_TIMEOUT);
    asker_end(&second);
    fake_finish(ALB_E_UNPROCESSABLE);
    until(atomic_load(&first.settled) == 1);
    assert_int_equal(asker_code(&first), ALB_E_UNPROCESSABLE);
    asker_end(&first);
    while (fake_running() > 0)
        fake_finish(ALB_OK);
    fill_end(&others);
    alb_origin_unref(one);
    alb_origin_unref(two);
    world_close(&w);
}

/* It would fail again, and hold a place while it does: for some time it is not tried. Others are. */
static void test_what_cannot_be_told_is_remembered(void **state)
{
    static const enum alb_code lasting[] = {ALB_E_UNPROCESSABLE, ALB_E_TOO_LARGE},
                               passing[] = {ALB_E_IO, ALB_E_NO_MEMORY};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct asker first, again, other;
        struct alb_origin *one = fake_origin(1), *two = fake_origin(2);
        enum alb_code code = i < 2 ? lasting[i] : passing[i - 2];
        struct world w;
        fake_reset(FAKE_HELD);
        world_open(&w, &usual);
        assert_int_equal(give(&w, &first, one, ALB_NEVER), ALB_OK);
        until(fake_running() == 1);
        fake_finish(code);
        until(atomic_load(&first.settled) == 1);
        assert_int_equal(asker_code(&first), code);
        assert_int_equal(give(&w, &again, one, ALB_NEVER), ALB_OK);
        if (i < 2) {
            until(atomic_load(&again.settled) == 1);
            assert_int_equal(asker_code(&again), code);
            assert_int_equal(fake_submitted(), 1);
            asker_end(&again);
            world_pass(&w, 3600 * ALB_NS_PER_S);
            assert_int_equal(give(&w, &again, one, ALB_NEVER), ALB_OK);
        }
        until(fake_running() == 1);
        assert_int_equal(give(&w, &other, two, ALB_NEVER), ALB_OK);
        until(fake_running() == 2);
        fake_finish(ALB_OK);
        fake_finish(ALB_OK);
        until(atomic_load(&again.settled) == 1);
        assert_non_null(words(&again));
        until(atomic_load(&other.settled) == 1);
        asker_end(&first);
        asker_end(&again);
        asker_end(&other);
        alb_origin_unref(one);
        alb_origin_unref(two);
        world_close(&w);
    }
}

static void *end_cancelled(void *arg)
{
    until(fake_cancels() == ALB_ORDERS_AT_ONCE);
    fake_finish_cancelled();
    return arg;
}

static void test_closing(void **state)
{
    struct asker first, second;
    struct filler others;
    struct alb_origin *one = fake_origin(1), *two = fake_origin(2);
    struct world w;
    pthread_t thread;
    (void)state;
    fake_reset(FAKE_HELD);
    world_open(&w, &usual);
    assert_int_equal(give(&w, &first, one, ALB_NEVER), ALB_OK);
    until(fake_running() == 1);
    fill(&w, &others);
    assert_int_equal(give(&w, &second, two, ALB_NEVER), ALB_OK);
    world_settle(&w);
    assert_int_equal(pthread_create(&thread, NULL, end_cancelled, NULL), 0);
    alb_render_free(&w.render);
    (void)pthread_join(thread, NULL);
    assert_int_equal(asker_code(&first), ALB_E_BUSY);
    assert_int_equal(asker_code(&second), ALB_E_BUSY);
    asker_end(&first);
    asker_end(&second);
    fill_end(&others);
    alb_origin_unref(one);
    alb_origin_unref(two);
    world_close(&w);
}

/* A header is asked of a worker once, and after that of nobody. */
static void test_headers_are_known(void **state)
{
    struct world w;
    struct asker a;
    struct alb_origin *origin = fake_origin(7);
    (void)state;
    fake_reset(FAKE_AUTO);
    world_open(&w, &usual);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(give_kind(&w, &a, origin, ALB_NEVER, ALB_ORDER_HEADER), ALB_OK);
        until(atomic_load(&a.settled) == 1);
        assert_int_equal(words(&a)->header.width, 4000);
        asker_end(&a);
        assert_int_equal(fake_headers(), 1);
    }
    alb_origin_unref(origin);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_orders_are_one),
        cmocka_unit_test(test_many_stand_in_line),
        cmocka_unit_test(test_nobody_waits_any_more),
        cmocka_unit_test(test_time_in_line_ends),
        cmocka_unit_test(test_what_cannot_be_told_is_remembered),
        cmocka_unit_test(test_headers_are_known),
        cmocka_unit_test(test_closing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
