/* SPDX-License-Identifier: Apache-2.0
 * Wrong passwords make the next one wait, and only those who gave them; time is moved by hand.
 */
#include <pthread.h>

#include "base/stat.h"
#include "kit.h"
#include "library/throttle.h"

#define SECOND ALB_NS_PER_S

struct world {
    struct alb_manual_clock clock;
    struct alb_throttle *t;
};

static int setup(void **state)
{
    static const struct alb_throttle_config config = {
        .tries = 3, .entries = 1024, .delay_ns = 10 * SECOND, .window_ns = 100 * SECOND};
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    alb_manual_clock_init(&w->clock, 1, KIT_NOW);
    w->t = alb_throttle_new(&config, &w->clock.clock);
    assert_non_null(w->t);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    alb_throttle_free(&w->t);
    assert_null(w->t);
    alb_throttle_free(&w->t); /* nothing */
    free(w);
    return 0;
}

static struct alb_throttle_ticket who(struct world *w, const char *login, const char *address)
{
    struct alb_throttle_ticket k;

    alb_throttle_ticket(w->t, alb_str_c(login), alb_str_c(address), &k);
    return k;
}

/* A wrong password, at once: 0, or how long it must wait. */
static int64_t wrong(struct world *w, const char *login, const char *address)
{
    struct alb_throttle_ticket k = who(w, login, address);

    return alb_throttle_begin(w->t, &k);
}

static void wait(struct world *w, int64_t ns)
{
    alb_manual_clock_advance(&w->clock, ns);
}

static void test_waits_grow_to_their_limit(void **state)
{
    static const int64_t waits[] = {1, 2, 4, 8, 10, 10, 10};
    struct world *w = *state;

    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(wrong(w, "anna", "192.0.2.1"), 0);
    for (size_t i = 0; i < ALB_ARRAY_LEN(waits); i++) {
        assert_int_equal(wrong(w, "anna", "192.0.2.1"), waits[i] * SECOND);
        assert_int_equal(wrong(w, "ANNA", "192.0.2.1"), waits[i] * SECOND); /* asking does not lengthen it */
        wait(w, waits[i] * SECOND - 1);
        assert_int_equal(wrong(w, "anna", "192.0.2.1"), 1);
        wait(w, 1);
        assert_int_equal(wrong(w, "anna", "192.0.2.1"), 0);
    }
    wait(w, 100 * SECOND + 1); /* forgotten */
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(wrong(w, "anna", "192.0.2.1"), 0);
    assert_int_equal(wrong(w, "anna", "192.0.2.1"), SECOND);
}

static void test_the_right_password_begins_anew(void **state)
{
    struct world *w = *state;
    struct alb_throttle_ticket k = who(w, "anna", "192.0.2.1");

    for (unsigned round = 0; round < 20; round++) {
        assert_int_equal(wrong(w, "anna", "192.0.2.1"), 0);
        assert_int_equal(wrong(w, "anna", "192.0.2.1"), 0);
        assert_int_equal(alb_throttle_begin(w->t, &k), 0);
        alb_throttle_good(w->t, &k);
        wait(w, 101 * SECOND / 4); /* what the address has collected is forgotten in the end: see below */
        if (round % 4 == 3)
            wait(w, 101 * SECOND);
    }
    for (unsigned i = 0; i < 100; i++) { /* many that are right cost nothing */
        assert_int_equal(alb_throttle_begin(w->t, &k), 0);
        alb_throttle_good(w->t, &k);
    }
}

static void test_many_at_once_gain_nothing(void **state)
{
    struct world *w = *state;
    struct alb_throttle_ticket k = who(w, "anna", "192.0.2.1");
    unsigned begun = 0;

    for (unsigned i = 0; i < 100; i++)
        begun += alb_throttle_begin(w->t, &k) == 0;
    assert_int_equal(begun, 3);
    for (unsigned i = 0; i < 3; i++) /* none of them was looked at (the lane was full) */
        alb_throttle_undo(w->t, &k);
    assert_int_equal(alb_throttle_wait(w->t, &k), 0);
    alb_throttle_undo(w->t, &k); /* harmless */
    alb_throttle_good(w->t, &k);
    assert_int_equal(alb_throttle_wait(w->t, &k), 0);
}

/* Others guess at anna's account from everywhere: anna, from her own address, is not kept out. */
static void test_nobody_is_locked_out_by_others(void **state)
{
    struct world *w = *state;
    char address[32];

    for (unsigned i = 0; i < 200; i++) {
        snprintf(address, sizeof(address), "198.51.100.%u", i);
        assert_int_equal(wrong(w, "anna", address), 0);
        if (i >= 12)
            assert_true(wrong(w, "anna", address) > 0); /* one try each, when it has been noticed */
    }
    assert_int_equal(wrong(w, "anna", "192.0.2.7"), 0);
    assert_true(wrong(w, "anna", "192.0.2.7") <= 10 * SECOND);
    assert_int_equal(wrong(w, "ben", "192.0.2.7"), 0);
}

static void test_one_address_many_accounts(void **state)
{
    struct world *w = *state;
    char login[32];
    unsigned begun = 0;

    for (unsigned i = 0; i < 50; i++) {
        snprintf(login, sizeof(login), "user%u", i);
        begun += wrong(w, login, "192.0.2.1") == 0;
    }
    assert_int_equal(begun, 12);
    assert_int_equal(wrong(w, "user99", "192.0.2.2"), 0);
}

static void test_what_an_address_is(void **state)
{
    static const char *const same[][2] = {{"2001:db8::1", "2001:db8::ffff:1"},
                                          {"2001:DB8:0:0::5", "2001:db8::6"}};
    static const char *const others[][2] = {{"2001:db8::1", "2001:db8:0:1::1"},
                                            {"192.0.2.1", "192.0.2.2"},
                                            {"::ffff:192.0.2.1", "::ffff:192.0.2.2"},
                                            {"unix", ""},
                                            {"127.0.0.1", "::1"}};
    struct world *w = *state;

    for (size_t i = 0; i < ALB_ARRAY_LEN(same); i++) {
        struct alb_throttle_ticket a = who(w, "a", same[i][0]), b = who(w, "a", same[i][1]);
        assert_memory_equal(&a, &b, sizeof(a));
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(others); i++) {
        struct alb_throttle_ticket a = who(w, "a", others[i][0]), b = who(w, "a", others[i][1]);
        assert_memory_not_equal(a.pair, b.pair, sizeof(a.pair));
        assert_memory_not_equal(a.address, b.address, sizeof(a.address));
        assert_memory_equal(a.account, b.account, sizeof(a.account));
    }
    struct alb_throttle_ticket a = who(w, "Ärger\xE2\x84\xAA", "x"), b = who(w, "ärgerk", "x");
    assert_memory_equal(&a, &b, sizeof(a)); /* folded, as the catalog does */
    struct alb_throttle_ticket none;
    alb_throttle_ticket(w->t, ALB_STR_NONE, ALB_STR_NONE, &none);
    assert_int_equal(alb_throttle_begin(w->t, &none), 0);
}

/* The table is full: the entries with most wrong passwords stay. */
static void test_a_flood_of_names_does_not_wash_it_out(void **state)
{
    struct world *w = *state;
    char login[32], address[64];

    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(wrong(w, "anna", "192.0.2.1"), 0);
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(login, sizeof(login), "n%u", i);
        snprintf(address, sizeof(address), "2001:db8:0:%x::1", i);
        assert_int_equal(wrong(w, login, address), 0);
    }
    assert_int_equal(wrong(w, "anna", "192.0.2.1"), SECOND);
}

static void *hammer(void *arg)
{
    struct world *w = arg;
    struct alb_throttle_ticket k = who(w, "anna", "192.0.2.1");

    for (unsigned i = 0; i < 2000; i++) {
        if (alb_throttle_begin(w->t, &k) == 0)
            i % 2 ? alb_throttle_good(w->t, &k) : alb_throttle_undo(w->t, &k);
        (void)alb_throttle_wait(w->t, &k);
    }
    return NULL;
}

static void test_from_many_threads(void **state)
{
    pthread_t ids[4];

    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, hammer, *state), 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_join(ids[i], NULL), 0);
}

/* ---- in the library ---- */

static enum alb_code sign_in(struct kit *k, const char *login, const char *password)
{
    const struct alb_device device = {.type = ALB_STR("t"), .address = ALB_STR("192.0.2.1")};
    struct alb_future *f = NULL;
    enum alb_code code =
        alb_library_sign_in(k->lib, alb_str_c(login), alb_str_c(password), &device, &f, NULL);

    return code == ALB_OK ? alb_library_await(&f, NULL, NULL) : code;
}

static void test_signing_in(void **state)
{
    static const char *const logins[] = {"anna", "nobody"}; /* told apart by nothing */
    struct kit *k = *state;
    const struct alb_user_new anna = {
        .name = ALB_STR("anna"), .password = ALB_STR("secret"), .role = ALB_ROLE_USER, .quota_bytes = -1};
    int64_t refused = alb_stat_get(ALB_STAT_SIGN_IN_TOO_SOON), bad = alb_stat_get(ALB_STAT_SIGN_IN_WRONG),
            good = alb_stat_get(ALB_STAT_SIGN_IN_GOOD);

    assert_int_equal(KIT(alb_library_user_add, k->lib, &anna), ALB_OK);
    for (size_t n = 0; n < ALB_ARRAY_LEN(logins); n++) {
        for (unsigned i = 0; i < 5; i++)
            assert_int_equal(sign_in(k, logins[n], i % 2 ? "x" : "wrong one"), ALB_E_UNAUTHENTICATED);
        assert_int_equal(sign_in(k, logins[n], "secret"), ALB_E_TOO_MANY);
        assert_int_equal(alb_library_sign_in_wait(k->lib, alb_str_c(logins[n]), ALB_STR("192.0.2.1")), 1);
        assert_int_equal(alb_library_sign_in_wait(k->lib, alb_str_c(logins[n]), ALB_STR("192.0.2.2")), 1);
    }
    kit_advance(k, 1000);
    assert_int_equal(sign_in(k, "anna", "secret"), ALB_OK);
    assert_int_equal(sign_in(k, "anna", "secret"), ALB_OK);
    assert_int_equal(alb_stat_get(ALB_STAT_SIGN_IN_TOO_SOON) - refused, 2);
    assert_int_equal(alb_stat_get(ALB_STAT_SIGN_IN_WRONG) - bad, 10);
    assert_int_equal(alb_stat_get(ALB_STAT_SIGN_IN_GOOD) - good, 2);
}

int main(void)
{
#define W(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        W(test_waits_grow_to_their_limit),
        W(test_the_right_password_begins_anew),
        W(test_many_at_once_gain_nothing),
        W(test_nobody_is_locked_out_by_others),
        W(test_one_address_many_accounts),
        W(test_what_an_address_is),
        W(test_a_flood_of_names_does_not_wash_it_out),
        W(test_from_many_threads),
        cmocka_unit_test_setup_teardown(test_signing_in, kit_setup, kit_teardown),
    };
#undef W
    return cmocka_run_group_tests_name("throttle", tests, NULL, NULL);
}
