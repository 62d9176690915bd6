/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts that threads share: queue, twins, tally, stop. Schedules are free; what must hold is counted.
 */
#include <poll.h>

#include "base/clock.h"
#include "base/thread.h"
#include "import/queue.h"
#include "import/seen.h"
#include "import/stop.h"
#include "import/tally.h"
#include "import/twins.h"
#include "test.h"

#define ITEMS 2000
#define WORKERS 4

static void test_queue_order_and_batches(void **state)
{
    (void)state;
    struct alb_queue q;
    struct alb_item *items[5], *out[8];
    alb_queue_init(&q, 10, 1000);
    for (size_t i = 0; i < 5; i++) {
        items[i] = test_item("/x.jpg", 1, (unsigned char)i, "");
        assert_true(alb_queue_put(&q, items[i]));
    }
    assert_int_equal(alb_queue_take_batch(&q, out, 3, 0), 3);
    for (size_t i = 0; i < 3; i++)
        assert_ptr_equal(out[i], items[i]);
    assert_int_equal(alb_queue_take_batch(&q, out, 8, ALB_NS_PER_MS),
                     2); /* does not wait for ever to be full */
    alb_queue_finish(&q);
    assert_int_equal(alb_queue_take_batch(&q, out, 8, ALB_NEVER), 0);
    assert_null(alb_queue_take(&q));
    alb_queue_fini(&q);
    for (size_t i = 0; i < 5; i++)
        alb_item_free(&items[i]);
}

static void test_queue_closed(void **state)
{
    (void)state;
    struct alb_queue q;
    struct alb_item *a = test_item("/a.jpg", 1, 1, ""), *b = test_item("/b.jpg", 1, 2, "");
    alb_queue_init(&q, 1, 1000);
    assert_true(alb_queue_put(&q, a));
    alb_queue_close(&q);
    assert_false(alb_queue_put(&q, b)); /* full, but it does not wait */
    assert_ptr_equal(alb_queue_take(&q), a);
    assert_null(alb_queue_take(&q));
    alb_queue_fini(&q);
    alb_item_free(&a);
    alb_item_free(&b);
}

struct flow {
    struct alb_queue first, second;
    _Atomic unsigned producers, passers;
    _Atomic uint64_t out;
};

static void *produce(void *arg)
{
    struct flow *f = arg;
    for (int i = 0; i < ITEMS; i++) {
        struct alb_item *item = test_item("/x.jpg", i % 50, 1, "");
        assert_true(alb_queue_put(&f->first, item));
    }
    if (atomic_fetch_sub(&f->producers, 1) == 1)
        alb_queue_finish(&f->first);
    return NULL;
}

static void *pass(void *arg)
{
    struct flow *f = arg;
    struct alb_item *item;
    while ((item = alb_queue_take(&f->first)) != NULL)
        assert_true(alb_queue_put(&f->second, item));
    if (atomic_fetch_sub(&f->passers, 1) == 1)
        alb_queue_finish(&f->second);
    return NULL;
}

static void *consume(void *arg)
{
    struct flow *f = arg;
    struct alb_item *items[16];
    size_t n;
    while ((n = alb_queue_take_batch(&f->second, items, 16, ALB_NS_PER_MS)) > 0) {
        for (size_t i = 0; i < n; i++)
            alb_item_free(&items[i]);
        atomic_fetch_add(&f->out, n);
    }
    return NULL;
}

static void test_queue_flow(void **state)
{
    (void)state;
    struct flow f;
    struct alb_thread threads[3 * WORKERS] = {{.started = false}};
    alb_queue_init(&f.first, 3, 60);
    alb_queue_init(&f.second, 7, 40); /* less than one item: let in when it is empty */
    atomic_init(&f.producers, WORKERS);
    atomic_init(&f.passers, WORKERS);
    atomic_init(&f.out, 0);
    for (size_t i = 0; i < WORKERS; i++) {
        assert_int_equal(alb_thread_start(&threads[i], "produce", produce, &f, NULL), ALB_OK);
        assert_int_equal(alb_thread_start(&threads[WORKERS + i], "pass", pass, &f, NULL), ALB_OK);
        assert_int_equal(alb_thread_start(&threads[2 * WORKERS + i], "consume", consume, &f, NULL), ALB_OK);
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(threads); i++)
        alb_thread_join(&threads[i]);
    assert_int_equal(atomic_load(&f.out), WORKERS * ITEMS);
    alb_queue_fini(&f.first);
    alb_queue_fini(&f.second);
}

static void test_twins(void **state)
{
    (void)state;
    struct alb_twins t;
    struct alb_item *a = test_item("/a.jpg", 1, 7, ""), *b = test_item("/b.jpg", 1, 7, "");
    struct alb_item *c = test_item("/c.jpg", 1, 7, ""), *other = test_item("/o.jpg", 1, 8, "");
    /* Same bucket, other content. */
    memcpy(other->sha1, a->sha1, 4);
    alb_twins_init(&t);
    assert_true(alb_twins_enter(&t, a));
    assert_true(alb_twins_enter(&t, other));
    assert_false(alb_twins_enter(&t, b));
    assert_false(alb_twins_enter(&t, c));
    assert_ptr_equal(alb_twins_leave(&t, a), b);
    assert_null(alb_twins_leave(&t, other));
    assert_ptr_equal(alb_twins_leave(&t, b), c);
    assert_false(alb_twins_enter(&t, a)); /* again, while c is in work */
    assert_ptr_equal(alb_twins_leave(&t, c), a);
    assert_null(alb_twins_leave(&t, a));
    assert_true(alb_twins_enter(&t, a));
    assert_null(alb_twins_leave(&t, a));
    alb_twins_fini(&t);
    alb_item_free(&a);
    alb_item_free(&b);
    alb_item_free(&c);
    alb_item_free(&other);
}

struct crowd {
    struct alb_twins twins;
    _Atomic int in_work[4]; /* per content */
    _Atomic unsigned done;
};

static void *enter_many(void *arg)
{
    struct crowd *c = arg;
    for (int i = 0; i < ITEMS; i++) {
        unsigned char content = (unsigned char)(i % 4);
        struct alb_item *item = test_item("/x.jpg", 1, content, "");
        if (!alb_twins_enter(&c->twins, item))
            continue;
        while (item) {
            assert_int_equal(atomic_fetch_add(&c->in_work[content], 1), 0); /* never two at a time */
            assert_int_equal(atomic_fetch_sub(&c->in_work[content], 1), 1);
            struct alb_item *twin = alb_twins_leave(&c->twins, item);
            alb_item_free(&item);
            atomic_fetch_add(&c->done, 1);
            item = twin;
        }
    }
    return NULL;
}

static void test_twins_crowd(void **state)
{
    (void)state;
    struct crowd c;
    struct alb_thread threads[WORKERS] = {{.started = false}};
    alb_twins_init(&c.twins);
    atomic_init(&c.done, 0);
    for (size_t i = 0; i < 4; i++)
        atomic_init(&c.in_work[i], 0);
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(alb_thread_start(&threads[i], "crowd", enter_many, &c, NULL), ALB_OK);
    for (size_t i = 0; i < WORKERS; i++)
        alb_thread_join(&threads[i]);
    assert_int_equal(atomic_load(&c.done), WORKERS * ITEMS);
    alb_twins_fini(&c.twins);
}

static void test_tally(void **state)
{
    (void)state;
    struct alb_tally t;
    struct alb_tally_view v;
    size_t n;
    alb_tally_init(&t);
    for (int i = 0; i < 10; i++)
        alb_tally_found(&t, 100);
    alb_tally_end(&t, ALB_OUTCOME_UPLOADED, 100);
    for (int i = 0; i < 3; i++)
        alb_tally_skip(&t, ALB_SKIP_TYPE, ALB_STR("/a.txt"), 100);
    alb_tally_skip(&t, ALB_SKIP_TYPE, ALB_STR("/a.doc"), 100);
    alb_tally_skip(&t, ALB_SKIP_TYPE, ALB_STR("/README"), 100);
    alb_tally_skip(&t, ALB_SKIP_EMPTY, ALB_STR("/a.jpg"), 100);
    assert_int_equal(alb_tally_fail(&t, ALB_STR("/bad.jpg"), 100, false, ALB_STR("why")), 1);
    assert_int_equal(alb_tally_fail(&t, ALB_STR("/folder"), 0, true, ALB_STR("closed")), 2);
    alb_tally_end(&t, ALB_OUTCOME_LEFT, 100);
    alb_tally_look(&t, &v);
    assert_false(alb_tally_adds_up(&v)); /* one is on its way */
    alb_tally_end(&t, ALB_OUTCOME_DUPLICATE, 100);
    alb_tally_sent(&t, 40);
    alb_tally_moved(&t, -30);
    alb_tally_look(&t, &v);
    assert_true(alb_tally_adds_up(&v));
    assert_int_equal(v.moving, 10);
    assert_int_equal(v.sent, 40);
    assert_string_equal(v.types[0].ext, ".txt");
    assert_int_equal(v.types[0].files, 3);
    assert_int_equal(v.types[3].files, 0);
    assert_int_equal(v.skip[ALB_SKIP_EMPTY].files, 1);
    const struct alb_failure *f = alb_tally_failures(&t, &n);
    assert_int_equal(n, 2);
    assert_string_equal(f[0].path, "/bad.jpg");
    assert_true(f[1].folder);
    alb_tally_fini(&t);
}

static void test_tally_bounds(void **state)
{
    (void)state;
    struct alb_tally t;
    struct alb_tally_view v;
    size_t n;
    char name[32];
    alb_tally_init(&t);
    for (unsigned i = 0; i < ALB_IMPORT_FAILURES_MAX + 5; i++)
        (void)alb_tally_fail(&t, ALB_STR("/x"), 1, false, ALB_STR("y"));
    for (int i = 0; i < 200; i++) {
        struct alb_buf b = ALB_BUF_INIT(sizeof(name));
        alb_buf_printf(&b, "/x.e%d", i);
        alb_tally_skip(&t, ALB_SKIP_TYPE, alb_buf_view(&b), 1);
        alb_buf_fini(&b);
    }
    alb_tally_look(&t, &v);
    assert_int_equal(v.outcome[ALB_OUTCOME_FAILED].files, ALB_IMPORT_FAILURES_MAX + 5);
    (void)alb_tally_failures(&t, &n);
    assert_int_equal(n, ALB_IMPORT_FAILURES_MAX);
    assert_string_equal(v.types[0].ext, "others");
    assert_int_equal(v.types[0].files, 200 - 63);
    alb_tally_fini(&t);
}

static void expect_safe(const char *in, size_t n, const char *out)
{
    struct alb_buf b = ALB_BUF_INIT(1000);
    alb_tally_safe_text(&b, alb_str_n(in, n));
    assert_string_equal(alb_buf_cstr(&b), out);
    alb_buf_fini(&b);
}

static void test_safe_text(void **state)
{
    (void)state;
#define SAFE(in, out) expect_safe(in, sizeof(in) - 1, out)
    SAFE("plain Grüße 写真 📷", "plain Grüße 写真 📷");
    SAFE("a\033[31m\n\t\x7f\0", "a\\x1b[31m\\x0a\\x09\\x7f\\x00");
    SAFE("\xff\xfe", "\\xff\\xfe");
    SAFE("\xc3", "\\xc3");
    SAFE("\xe2\x82", "\\xe2\\x82");
    SAFE("\xc2\x85", "\\xc2\\x85");          /* next line, a C1 control */
    SAFE("\xe2\x80\xae", "\\xe2\\x80\\xae"); /* right-to-left override */
    SAFE("\xe2\x82\xac", "€");
    SAFE("\x80", "\\x80");
}

static void test_seen(void **state)
{
    (void)state;
    struct alb_seen s = {.n = 0};
    for (uint64_t i = 0; i < 5000; i++)
        assert_int_equal(alb_seen_add(&s, i % 3, i, i % 2), ALB_OK);
    for (uint64_t i = 0; i < 5000; i++)
        assert_int_equal(alb_seen_add(&s, i % 3, i, i % 2), ALB_E_CONFLICT);
    assert_int_equal(alb_seen_add(&s, 0, 1, 1), ALB_OK);
    assert_int_equal(alb_seen_add(&s, 1, 1, 0), ALB_OK);
    alb_seen_fini(&s);
}

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void test_stop(void **state)
{
    (void)state;
    struct alb_stop s;
    assert_int_equal(alb_stop_init(&s, NULL), ALB_OK);
    assert_false(alb_stop_asked(&s));
    alb_stop_raise(&s, ALB_STOP_DRAIN);
    assert_true(alb_stop_asked(&s) && readable(s.drain_fd) && !readable(s.abort_fd));
    alb_stop_raise(&s, ALB_STOP_ABORT);
    alb_stop_raise(&s, ALB_STOP_DRAIN); /* never back */
    assert_int_equal(atomic_load(&s.step), ALB_STOP_ABORT);
    assert_true(readable(s.abort_fd));
    alb_stop_fini(&s);
    assert_int_equal(s.drain_fd, -1);
}

static void test_labels(void **state)
{
    (void)state;
    assert_int_equal(alb_item_labels(ALB_STR(""), ALB_STR("")), 0);
    uint64_t a = alb_item_labels(ALB_STR("ab"), ALB_STR("c")),
             b = alb_item_labels(ALB_STR("a"), ALB_STR("bc"));
    assert_true(a != 0 && b != 0 && a != b);
    assert_true(a == alb_item_labels(ALB_STR("ab"), ALB_STR("c")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue_order_and_batches),
        cmocka_unit_test(test_queue_closed),
        cmocka_unit_test(test_queue_flow),
        cmocka_unit_test(test_twins),
        cmocka_unit_test(test_twins_crowd),
        cmocka_unit_test(test_tally),
        cmocka_unit_test(test_tally_bounds),
        cmocka_unit_test(test_safe_text),
        cmocka_unit_test(test_seen),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
