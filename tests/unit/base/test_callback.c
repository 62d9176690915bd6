/* SPDX-License-Identifier: Apache-2.0
 * The rules of callback.h that do not need a future or a lease to be seen: order, no nesting, the checks.
 */
#include "base/callback.h"
#include "base/lock.h"
#include "test.h"

struct step {
    struct alb_callback callback;
    char name;
    struct step *causes[3];
};

static char trace[64];
static unsigned depth;

static void put(char c)
{
    size_t n = strlen(trace);

    assert_true(n + 1 < sizeof(trace));
    trace[n] = c;
    trace[n + 1] = '\0';
}

static void run(struct alb_callback *callback)
{
    struct step *s = ALB_CONTAINER_OF(callback, struct step, callback);

    assert_true(alb_callback_active());
    assert_int_equal(depth++, 0); /* never nested */
    put(s->name);
    for (size_t i = 0; i < ALB_ARRAY_LEN(s->causes) && s->causes[i] != NULL; i++)
        alb_callback_push(&s->causes[i]->callback);
    put('.');
    depth--;
}

static void test_order_without_nesting(void **state)
{
    struct step e = {{.run = run}, 'e', {NULL}};
    struct step d = {{.run = run}, 'd', {NULL}};
    struct step c = {{.run = run}, 'c', {&e}};
    struct step b = {{.run = run}, 'b', {&d}};
    struct step a = {{.run = run}, 'a', {&b, &c}};

    (void)state;
    trace[0] = '\0';
    assert_false(alb_callback_active());
    alb_callback_push(&a.callback);
    assert_string_equal(trace, "a.b.c.d.e.");
    assert_false(alb_callback_active());
    alb_callback_push(&e.callback);
    assert_string_equal(trace, "a.b.c.d.e.e.");
}

static unsigned again;

static void push_again(struct alb_callback *callback)
{
    if (again-- > 0)
        alb_callback_push(callback);
}

static void test_a_million_in_a_chain_need_no_stack(void **state)
{
    struct alb_callback self = {.run = push_again};

    (void)state;
    again = 1000000;
    alb_callback_push(&self);
    assert_int_equal(again, UINT32_MAX);
}

#ifdef ALB_LOCK_DEBUG
static void under_a_lock(void *arg)
{
    struct alb_mutex m;

    (void)arg;
    alb_mutex_init(&m, ALB_LOCK_TEST_OUTER);
    alb_mutex_lock(&m);
    alb_callback_check_unlocked();
}

static void ends_another(void *arg)
{
    int mine = 0, other = 0;

    (void)arg;
    alb_callback_enter(&mine);
    alb_callback_check_may_end(&mine);
    alb_callback_check_may_end(&other);
}

static void test_checks(void **state)
{
    int mine = 0, other = 0;

    (void)state;
    alb_callback_check_unlocked();
    alb_callback_check_may_end(&mine);
    alb_callback_enter(&mine);
    alb_callback_leave();
    alb_callback_check_may_end(&other);
    expect_panic(under_a_lock, NULL, "with a lock held: TEST_OUTER");
    expect_panic(ends_another, NULL, "callback.h, C5");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_without_nesting),
        cmocka_unit_test(test_a_million_in_a_chain_need_no_stack),
#ifdef ALB_LOCK_DEBUG
        cmocka_unit_test(test_checks),
#endif
    };
    return cmocka_run_group_tests_name("callback", tests, NULL, NULL);
}
