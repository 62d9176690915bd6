/* SPDX-License-Identifier: Apache-2.0
 * Futures, one thread: every transition of future.h from every state as a table of steps; results, errors and
 * dumps; blocking; failure of memory and the panics. Callbacks that act, and two threads:
 * test_future_calls.c; many threads: test_future_stress.c.
 */
#include <pthread.h>
#include <sched.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/pool.h"
#include "future_world.h"

/* ---- transitions as scripts ---------------------------------------------------------------------- */

/* A script is a row of steps, each a letter, on one future; what happens is written to a trace:
 *   w W  waiter i (digit follows) waits; W as heir            "!" in the trace: refused (terminal)
 *   l    waiter i leaves                                      "-" true, "x" false
 *   h H  set the hook (h counts, H: none)                     "F" when called
 *   s f r  settle, fail, resign with the title in hand        "x" when stale
 *   t    use a stale copy of the first title to settle        "x" expected
 *   o    ask is_forsaken                                      "0" or "1"
 * Wakes write "S" or "P" and the waiter's digit; a promotion puts the title in hand. */
struct script {
    const char *name, *steps, *trace, *state;
    uint32_t term, waiters;
};

static void end_step(char c)
{
    struct alb_err err = some_error();
    struct alb_owner stale = world.first;
    bool ok = true;

    switch (c) {
    case 's':
        ok = alb_future_settle(&world.title, some_result());
        break;
    case 'f':
        ok = alb_future_fail(&world.title, &err);
        break;
    case 'r':
        ok = alb_future_resign(&world.title, &err);
        break;
    case 't':
        ok = alb_future_settle(&stale, some_result());
        assert_null(stale.future);
        break;
    default:
        fail();
    }
    if (!ok)
        note('x');
}

static void step(char c, char digit)
{
    struct alb_waiter *w = &world.w[digit - '0'];

    switch (c) {
    case 'w':
    case 'W':
        w->wake = wake;
        w->heir = c == 'W';
        if (!alb_future_wait(world.f, w))
            note('!');
        break;
    case 'l':
        note(alb_future_leave(world.f, w) ? '-' : 'x');
        break;
    case 'h':
        alb_future_on_forsaken(&world.title, forsaken, &world);
        break;
    case 'H':
        alb_future_on_forsaken(&world.title, NULL, NULL);
        break;
    case 'o':
        note(alb_future_is_forsaken(&world.title) ? '1' : '0');
        break;
    default:
        end_step(c);
    }
}

static void check_end(const struct script *s)
{
    struct alb_future_view view = alb_future_look(world.f);
    struct alb_err err;
    enum alb_code code = alb_future_error(world.f, &err);

    assert_string_equal(world.trace, s->trace);
    assert_string_equal(view.state, s->state);
    assert_int_equal(view.term, s->term);
    assert_int_equal(view.waiters, s->waiters);
    assert_int_equal(alb_future_done(world.f), s->state[0] != 'o' && strcmp(s->state, "forsaken") != 0);
    assert_int_equal(alb_future_result(world.f) != NULL, s->state[0] == 's');
    assert_int_equal(code == ALB_E_UNPROCESSABLE, strcmp(s->state, "failed") == 0);
    assert_int_equal(err.code, code);
}

static void run_script(const struct script *s)
{
    memset(&world, 0, sizeof(world));
    assert_int_equal(alb_future_new(&world.f, &world.title), ALB_OK);
    world.first = world.title;
    for (const char *p = s->steps; *p != '\0'; p++) {
        bool digit = strchr("wWl", *p) != NULL;
        step(*p, digit ? p[1] : '0');
        p += digit;
    }
    check_end(s);
    /* Whatever is open ends well, and everybody still registered hears of it. */
    world.n = 0;
    if (!alb_future_done(world.f)) {
        assert_true(alb_future_settle(&world.title, some_result()));
        assert_int_equal(world.n, 2 * s->waiters);
    }
    alb_future_unref(world.f);
}

static const struct script scripts[] = {
    /* ends of a term, and F1 */
    {"settle", "s", "", "settled", 1, 0},
    {"fail", "f", "", "failed", 1, 0},
    {"resign without anybody", "r", "", "failed", 1, 0},
    {"no title any more", "ssfr", "xxx", "settled", 1, 0},
    {"stale after settle", "st", "x", "settled", 1, 0},
    {"stale after fail", "ft", "x", "failed", 1, 0},
    {"stale after resign", "rt", "x", "failed", 1, 0},
    {"stale after promotion", "W0rt", "P0x", "owned", 2, 0},
    {"stale two terms later", "W0W1rrt", "P0P1x", "owned", 3, 0},
    /* F2 */
    {"one waiter", "w0s", "S0", "settled", 1, 0},
    {"all waiters, in order", "w0W1w2f", "S0S1S2", "failed", 1, 0},
    {"wait too late", "sw0", "!", "settled", 1, 0},
    {"wait after failure", "fW0", "!", "failed", 1, 0},
    {"leave", "w0w1l0s", "-S1", "settled", 1, 0},
    {"leave the first", "w0w1w2l0s", "-S1S2", "settled", 1, 0},
    {"leave the middle", "w0w1w2l1s", "-S0S2", "settled", 1, 0},
    {"leave the last", "w0w1w2l2s", "-S0S1", "settled", 1, 0},
    {"leave twice", "w0l0l0", "-x", "forsaken", 1, 0},
    {"leave too late", "w0sl0", "S0x", "settled", 1, 0},
    {"leave after promotion", "W0rl0", "P0x", "owned", 2, 0},
    {"wait again after leave", "w0l0w0s", "-S0", "settled", 1, 0},
    {"wait again after promotion", "W0rW0s", "P0S0", "settled", 2, 0},
    /* heirs */
    {"heir", "W0r", "P0", "owned", 2, 0},
    {"no heir among waiters", "w0w1r", "S0S1", "failed", 1, 0},
    {"longest waiting heir", "w0W1W2r", "P1", "owned", 2, 2},
    {"the others wait on", "w0W1W2rs", "P1S0S2", "settled", 2, 0},
    {"an heir that left", "W0W1l0r", "-P1", "owned", 2, 0},
    {"heir after heir", "W0W1W2rrf", "P0P1S2", "failed", 3, 0},
    {"the last heir gives up", "W0rr", "P0", "failed", 2, 0},
    {"inherit from oneself", "W0rW0r", "P0P0", "owned", 3, 0},
    /* forsaken, F5 */
    {"nobody has waited yet", "ho", "0", "owned", 1, 0},
    {"somebody waits", "hw0o", "0", "owned", 1, 1},
    {"one of two leaves", "hw0w1l0o", "-0", "owned", 1, 1},
    {"the last one leaves", "hw0l0o", "F-1", "forsaken", 1, 0},
    {"both leave", "hw0w1l0l1", "-F-", "forsaken", 1, 0},
    {"hook after the fact", "w0l0h", "-F", "forsaken", 1, 0},
    {"once per setting", "hw0l0w1l1", "F--", "forsaken", 1, 0},
    {"set again", "hw0l0w1hl1", "F-F-", "forsaken", 1, 0},
    {"set again while forsaken", "hw0l0h", "F-F", "forsaken", 1, 0},
    {"hook taken away", "hHw0l0", "-", "forsaken", 1, 0},
    {"newcomer", "hw0l0w1o", "F-0", "owned", 1, 1},
    {"newcomer hears the end", "hw0l0w1s", "F-S1", "settled", 1, 0},
    {"newcomer inherits", "hw0l0W1r", "F-P1", "owned", 2, 0},
    {"late work counts", "hw0l0s", "F-", "settled", 1, 0},
    {"resign when forsaken", "hw0l0r", "F-", "failed", 1, 0},
    {"the hook ends with its term", "hW0rw1l1", "P0-", "forsaken", 2, 0},
    {"a new term that nobody waited in", "W0W1rhl1o", "P0-0", "owned", 2, 0},
    {"a new term, waited in and left", "W0W1rhl1w0l0", "P0-F-", "forsaken", 2, 0},
    {"forsaken ends with the term", "W0w1l1r", "-P0", "owned", 2, 0},
    {"no title: stop", "so", "1", "settled", 1, 0},
};

static void test_transitions(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(scripts); i++) {
        print_message("# %s\n", scripts[i].name);
        run_script(&scripts[i]);
    }
}

/* ---- results and errors (F3) --------------------------------------------------------------------- */

static void test_result_stays(void **state)
{
    struct alb_future *f;
    struct alb_owner owner;
    struct alb_obj *result = some_result();

    (void)state;
    assert_int_equal(alb_future_new(&f, &owner), ALB_OK);
    assert_null(alb_future_result(f));
    assert_int_equal(alb_future_error(f, NULL), ALB_OK);
    assert_true(alb_future_settle(&owner, alb_obj_ref(result)));
    assert_ptr_equal(alb_future_result(f), result);
    assert_ptr_equal(alb_future_ref(f), f);
    alb_future_unref(f);
    alb_obj_unref(result);
    assert_memory_equal(((struct alb_bytes *)(void *)alb_future_result(f))->p, "picture", 7);
    alb_future_unref(f);
    alb_future_unref(NULL);
    assert_null(alb_future_ref(NULL));
}

static void test_error_is_copied(void **state)
{
    struct alb_future *f;
    struct alb_owner owner;
    struct alb_err err = some_error(), out = ALB_ERR_INIT;

    (void)state;
    assert_int_equal(alb_future_new(&f, &owner), ALB_OK);
    assert_true(alb_future_fail(&owner, &err));
    memset(&err, 'x', sizeof(err));
    (void)alb_fail(&out, ALB_E_IO, "what was there before");
    assert_int_equal(alb_future_error(f, &out), ALB_E_UNPROCESSABLE);
    assert_string_equal(out.msg, "damaged");
    alb_future_unref(f);

    /* A failure always has a code. */
    alb_err_clear(&err);
    assert_int_equal(alb_future_new(&f, &owner), ALB_OK);
    assert_true(alb_future_fail(&owner, &err));
    assert_int_equal(alb_future_error(f, NULL), ALB_E_INTERNAL);
    alb_future_unref(f);
    assert_int_equal(alb_future_new(&f, &owner), ALB_OK);
    assert_true(alb_future_resign(&owner, NULL));
    assert_int_equal(alb_future_error(f, NULL), ALB_E_INTERNAL);
    alb_future_unref(f);
}

static void test_no_title(void **state)
{
    struct alb_owner none = ALB_OWNER_NONE;

    (void)state;
    assert_false(alb_future_settle(&none, some_result()));
    assert_false(alb_future_fail(&none, NULL));
    assert_false(alb_future_resign(&none, NULL));
    assert_true(alb_future_is_forsaken(&none));
    alb_future_on_forsaken(&none, forsaken, NULL);
    alb_future_describe_owner(&none, "nobody");
}

static void test_dump(void **state)
{
    struct alb_future *f;
    struct alb_owner owner, copy;
    struct alb_waiter w = {.wake = wake, .heir = true};

    (void)state;
    memset(&world, 0, sizeof(world));
    assert_int_equal(alb_future_new(&f, &owner), ALB_OK);
    copy = owner;
    world.f = f;
    world.w[0] = w;
    alb_future_describe_owner(
        &owner, "render 0a1b pid 712, and a text that is longer than what the view has room for");
    assert_memory_equal(alb_future_look(f).owner, "render 0a1b pid 712, and", 24);
    assert_int_equal(strlen(alb_future_look(f).owner), 63);
    assert_true(alb_future_wait(f, &world.w[0]));
    assert_int_equal(alb_future_look(f).waiters, 1);
    assert_true(alb_future_resign(&owner, NULL));
    assert_string_equal(alb_future_look(f).owner, ""); /* the new owner has not said yet */
    alb_future_describe_owner(&copy, "stale");
    assert_string_equal(alb_future_look(f).owner, "");
    alb_future_on_forsaken(&copy, forsaken, &world);
    assert_true(alb_future_is_forsaken(&copy));
    assert_false(alb_future_is_forsaken(&world.title));
    assert_true(alb_future_settle(&world.title, some_result()));
    alb_future_unref(f);
}

/* ---- blocking ------------------------------------------------------------------------------------ */

struct blocked {
    struct alb_future *f;
    struct alb_owner owner;
};

static void *settle_soon(void *arg)
{
    struct blocked *s = arg;

    while (alb_future_look(s->f).waiters == 0)
        sched_yield();
    alb_ignore(alb_future_settle(&s->owner, some_result()), "the title is the only one");
    return NULL;
}

static void test_await(void **state)
{
    struct blocked s = {.f = NULL};
    struct alb_err err = ALB_ERR_INIT, failure = some_error();
    pthread_t thread;

    (void)state;
    assert_int_equal(alb_future_new(&s.f, &s.owner), ALB_OK);
    assert_int_equal(alb_future_await(s.f, 0, &err), ALB_E_TIMEOUT);
    assert_int_equal(err.code, ALB_E_TIMEOUT);
    assert_int_equal(alb_future_await(s.f, alb_mono(alb_clock_real()) + ALB_NS_PER_MS, NULL), ALB_E_TIMEOUT);
    assert_int_equal(pthread_create(&thread, NULL, settle_soon, &s), 0);
    assert_int_equal(alb_future_await(s.f, ALB_NEVER, NULL), ALB_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(alb_future_await(s.f, 0, NULL), ALB_OK);
    alb_future_unref(s.f);

    assert_int_equal(alb_future_new(&s.f, &s.owner), ALB_OK);
    assert_true(alb_future_fail(&s.owner, &failure));
    alb_err_clear(&err);
    assert_int_equal(alb_future_await(s.f, ALB_NEVER, &err), ALB_E_UNPROCESSABLE);
    assert_string_equal(err.msg, "damaged");
    alb_future_unref(s.f);
}

/* ---- memory, panics ------------------------------------------------------------------------------ */

static bool make_one(void *arg)
{
    struct alb_future *f;
    struct alb_owner owner;

    (void)arg;
    enum alb_code code = alb_future_new(&f, &owner);
    if (code == ALB_OK) {
        assert_true(alb_future_fail(&owner, NULL));
        alb_future_unref(f);
        return false;
    }
    assert_int_equal(code, ALB_E_NO_MEMORY);
    assert_null(f);
    assert_null(owner.future);
    return true;
}

static void test_no_memory(void **state)
{
    (void)state;
    sweep_allocations(make_one, NULL);
}

static void loses_the_title(void *arg)
{
    struct alb_future *f;
    struct alb_owner owner;

    (void)arg;
    if (alb_future_new(&f, &owner) == ALB_OK) {
        alb_future_unref(f);
        alb_future_unref(f); /* the reference of the title */
    }
}

static void waits_twice(void *arg)
{
    struct alb_future *f;
    struct alb_owner owner;
    struct alb_waiter w = {.wake = wake};

    (void)arg;
    if (alb_future_new(&f, &owner) == ALB_OK && alb_future_wait(f, &w))
        alb_ignore(alb_future_wait(f, &w), "panics");
}

static void settles_nothing(void *arg)
{
    struct alb_future *f;
    struct alb_owner owner;

    (void)arg;
    if (alb_future_new(&f, &owner) == ALB_OK)
        (void)alb_future_settle(&owner, NULL);
}

static void await_in_wake(struct alb_waiter *w, enum alb_wake why)
{
    (void)w;
    (void)why;
    alb_ignore(alb_future_await(world.f, ALB_NEVER, NULL), "panics");
}

static void awaits_inside_a_callback(void *arg)
{
    struct alb_waiter w = {.wake = await_in_wake};
    struct alb_owner owner;

    (void)arg;
    if (alb_future_new(&world.f, &owner) == ALB_OK && alb_future_wait(world.f, &w))
        (void)alb_future_fail(&owner, NULL);
}

static void await_in_task(struct alb_task *task)
{
    (void)task;
    alb_ignore(alb_future_await(world.f, ALB_NEVER, NULL), "panics");
}

static void awaits_on_the_pool(void *arg)
{
    const struct alb_pool_config config = {.name = "io", .threads = 2, .queue_max = 4};
    struct alb_task task = {.run = await_in_task};
    struct alb_pool *pool;
    struct alb_owner owner;

    (void)arg;
    if (alb_future_new(&world.f, &owner) == ALB_OK && alb_pool_new(&config, &pool, NULL) == ALB_OK &&
        alb_pool_submit(pool, &task) == ALB_OK)
        alb_pool_free(&pool); /* waits for the task, which ends the process */
}

static void test_panics(void **state)
{
    (void)state;
    expect_panic(loses_the_title, NULL, "ALB_FUTURE_OWNED");
    expect_panic(waits_twice, NULL, "w->on == NULL");
    expect_panic(settles_nothing, NULL, "result != NULL");
    expect_panic(awaits_inside_a_callback, NULL, "inside a callback");
    expect_panic(awaits_on_the_pool, NULL, "must not wait (law 1)");
}

#ifdef ALB_LOCK_DEBUG
static void settles_under_a_lock(void *arg)
{
    struct alb_future *f;
    struct alb_owner owner;
    struct alb_mutex m;

    (void)arg;
    alb_mutex_init(&m, ALB_LOCK_TEST_OUTER);
    alb_mutex_lock(&m);
    if (alb_future_new(&f, &owner) == ALB_OK)
        (void)alb_future_fail(&owner, NULL);
}

static struct alb_owner other;

static void end_other(void *arg)
{
    (void)arg;
    (void)alb_future_fail(&other, NULL);
}

static void ends_another_in_its_hook(void *arg)
{
    struct alb_future *f, *g;
    struct alb_owner owner;
    struct alb_waiter w = {.wake = wake};

    (void)arg;
    if (alb_future_new(&f, &owner) == ALB_OK && alb_future_new(&g, &other) == ALB_OK &&
        alb_future_wait(f, &w)) {
        alb_future_on_forsaken(&owner, end_other, NULL);
        alb_ignore(alb_future_leave(f, &w), "panics");
    }
}

static void test_rules_are_checked(void **state)
{
    (void)state;
    expect_panic(settles_under_a_lock, NULL, "with a lock held");
    expect_panic(ends_another_in_its_hook, NULL, "callback.h, C5");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transitions),
        cmocka_unit_test(test_result_stays),
        cmocka_unit_test(test_error_is_copied),
        cmocka_unit_test(test_no_title),
        cmocka_unit_test(test_dump),
        cmocka_unit_test(test_await),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_panics),
#ifdef ALB_LOCK_DEBUG
        cmocka_unit_test(test_rules_are_checked),
#endif
    };
    return cmocka_run_group_tests_name("future", tests, NULL, NULL);
}
