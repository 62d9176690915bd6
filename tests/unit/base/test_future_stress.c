/* SPDX-License-Identifier: Apache-2.0
 * Futures and flights under random schedules: eight threads ask for four keys, wait, leave, inherit, settle,
 * fail, resign, use stale titles, for two seconds. What must hold is counted exactly:
 *   every registered waiter has one wake or one successful leave (F2);
 *   a key has at most one owner at a time, and only its title ends it (F1);
 *   forsaken comes at most once per setting, and never after the end of its term: what it points to is freed
 *   right then, so ASan, TSan and the magic number see a late one (F5, C4);
 *   whoever was told "settled" reads the end, and nobody waits for ever (the threads come home).
 * ALB_SEED=n repeats the choices (not the interleaving).
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/flight.h"
#include "test.h"

#define THREADS 8
#define KEYS 4
#define RUN_NS (2 * ALB_NS_PER_S)

static struct alb_flight *fl;
static atomic_uint owners_of[KEYS]; /* threads that hold the title of a key */
static atomic_uint_fast64_t registered, woken, left, promoted, settled, failed, resigned, stale, hooks_set,
    hooks_called, joined, refused;

/* The maker's state; freed as soon as its term has ended. */
#define MAKER_MAGIC 0x3a4e12U
struct maker {
    uint32_t magic;
    atomic_uint calls, settings;
};

struct asker {
    struct alb_waiter w;
    atomic_uint wakes; /* of the registration that is open */
    enum alb_wake why;
    bool pass_on; /* resigns inside the wake */
    unsigned key;
};

static unsigned rnd(unsigned *seed, unsigned n)
{
    return (unsigned)rand_r(seed) % n;
}

static void linger(unsigned *seed)
{
    unsigned n = rnd(seed, 8);

    for (unsigned i = 0; n > 3 && i < n; i++)
        sched_yield();
}

static struct alb_obj *result(void)
{
    struct alb_bytes *b = alb_bytes_copy("picture", 7);

    ALB_CHECK(b != NULL);
    return &b->obj;
}

static void wake(struct alb_waiter *w, enum alb_wake why)
{
    struct asker *a = ALB_CONTAINER_OF(w, struct asker, w);
    struct alb_owner owner = w->owner;

    atomic_fetch_add(&woken, 1);
    if (why == ALB_WAKE_PROMOTED) {
        atomic_fetch_add(&promoted, 1);
        ALB_CHECK(owner.future != NULL && !alb_future_done(owner.future)); /* F4 */
        ALB_CHECK(atomic_fetch_add(&owners_of[a->key], 1) == 0);           /* F1 */
        if (a->pass_on) {
            atomic_fetch_sub(&owners_of[a->key], 1);
            ALB_CHECK(alb_future_resign(&owner, NULL));
            atomic_fetch_add(&resigned, 1);
        }
    }
    a->why = why;
    ALB_CHECK(atomic_fetch_add(&a->wakes, 1) == 0); /* F2; a may be used again from here on */
}

static void forsaken(void *arg)
{
    struct maker *m = arg;

    ALB_CHECK(m->magic == MAKER_MAGIC);
    ALB_CHECK(atomic_fetch_add(&m->calls, 1) < atomic_load(&m->settings)); /* F5 */
    atomic_fetch_add(&hooks_called, 1);
    sched_yield();
    ALB_CHECK(m->magic == MAKER_MAGIC);
}

/* Holds the title: makes for a while, ends it, and is gone. */
static void make(struct alb_owner owner, unsigned key, unsigned *seed)
{
    struct maker *m = calloc(1, sizeof(*m));
    struct alb_future *f = alb_future_ref(owner.future);
    struct alb_owner copy = owner;

    ALB_CHECK(m != NULL);
    m->magic = MAKER_MAGIC;
    for (unsigned n = rnd(seed, 3); n > 0; n--) {
        atomic_fetch_add(&m->settings, 1);
        atomic_fetch_add(&hooks_set, 1);
        alb_future_on_forsaken(&owner, forsaken, m);
        linger(seed);
    }
    if (rnd(seed, 8) == 0)
        alb_future_describe_owner(&owner, "a maker");
    bool give_up = alb_future_is_forsaken(&owner) && rnd(seed, 2) == 0;
    ALB_CHECK(atomic_fetch_sub(&owners_of[key], 1) == 1);
    switch (give_up ? 0 : rnd(seed, 5)) {
    case 0:
    case 1:
        atomic_fetch_add(&resigned, 1);
        ALB_CHECK(alb_future_resign(&owner, NULL));
        break;
    case 2:
        atomic_fetch_add(&failed, 1);
        ALB_CHECK(alb_future_fail(&owner, NULL));
        break;
    default:
        atomic_fetch_add(&settled, 1);
        ALB_CHECK(alb_future_settle(&owner, result()));
    }
    m->magic = 0;
    free(m);
    if (rnd(seed, 2) == 0) { /* F1: nothing happens, whatever has become of the future */
        ALB_CHECK(!alb_future_settle(&copy, result()));
        atomic_fetch_add(&stale, 1);
    }
    alb_future_unref(f);
}

/* Waits for the wake; makes if it is a promotion. True: the future is done. */
static bool hear(struct asker *a, struct alb_future *f, unsigned *seed)
{
    while (atomic_load(&a->wakes) == 0)
        sched_yield();
    if (a->why == ALB_WAKE_SETTLED) {
        struct alb_err err;
        ALB_CHECK(alb_future_done(f)); /* F3 */
        ALB_CHECK((alb_future_result(f) != NULL) != (alb_future_error(f, &err) != ALB_OK));
        return true;
    }
    if (!a->pass_on)
        make(a->w.owner, a->key, seed);
    return false;
}

static bool ask_again(struct asker *a, struct alb_future *f)
{
    atomic_store(&a->wakes, 0);
    a->w.heir = false;
    a->pass_on = false;
    if (!alb_future_wait(f, &a->w))
        return false;
    atomic_fetch_add(&registered, 1);
    return true;
}

static void ask(unsigned *seed)
{
    struct asker *a = calloc(1, sizeof(*a));
    struct alb_flight_key key = {{0}};
    struct alb_future *f;
    struct alb_owner owner;
    enum alb_flight_role role;
    bool waits = rnd(seed, 4) != 0;

    ALB_CHECK(a != NULL);
    a->key = rnd(seed, KEYS);
    key.b[0] = (unsigned char)a->key;
    a->pass_on = rnd(seed, 4) == 0;
    a->w.wake = wake;
    a->w.heir = rnd(seed, 4) != 0;
    if (alb_flight_join(fl, &key, waits ? &a->w : NULL, &f, &owner, &role, NULL) != ALB_OK) {
        atomic_fetch_add(&refused, 1);
        free(a);
        return;
    }
    atomic_fetch_add(&joined, 1);
    atomic_fetch_add(&registered, waits);
    if (role == ALB_FLIGHT_OWNER) {
        ALB_CHECK(atomic_fetch_add(&owners_of[a->key], 1) == 0); /* F1 */
        make(owner, a->key, seed);
    } else if (!waits) {
        linger(seed);
        waits = ask_again(a, f);
    }
    linger(seed);
    while (waits) {
        if (rnd(seed, 3) == 0 && alb_future_leave(f, &a->w)) {
            atomic_fetch_add(&left, 1);
            ALB_CHECK(atomic_load(&a->wakes) == 0);
            break;
        }
        if (hear(a, f, seed))
            break;
        waits = rnd(seed, 2) == 0 && ask_again(a, f);
    }
    alb_future_unref(f);
    free(a); /* no wake may come any more */
}

struct runner {
    pthread_t thread;
    unsigned seed;
    int64_t end;
};

static void *run(void *arg)
{
    struct runner *r = arg;

    while (alb_mono(alb_clock_real()) < r->end) {
        for (int i = 0; i < 20; i++)
            ask(&r->seed);
    }
    return NULL;
}

static void test_random_schedule(void **state)
{
    static struct runner runners[THREADS];
    const char *given = getenv("ALB_SEED");
    unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);

    (void)state;
    print_message("# ALB_SEED=%u\n", seed);
    (void)alarm(120);              /* a waiter that nobody wakes */
    fl = alb_flight_new(KEYS - 1); /* one key too few: BUSY is part of it */
    assert_non_null(fl);
    for (unsigned i = 0; i < THREADS; i++) {
        runners[i] = (struct runner){.seed = seed + i, .end = alb_mono(alb_clock_real()) + RUN_NS};
        assert_int_equal(pthread_create(&runners[i].thread, NULL, run, &runners[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(runners[i].thread, NULL), 0);
    assert_int_equal(alb_flight_count(fl), 0);
    alb_flight_free(&fl);
    for (unsigned i = 0; i < KEYS; i++)
        assert_int_equal(atomic_load(&owners_of[i]), 0);
    print_message("# joined %lu, registered %lu, woken %lu (promoted %lu), left %lu\n", atomic_load(&joined),
                  atomic_load(&registered), atomic_load(&woken), atomic_load(&promoted), atomic_load(&left));
    print_message("# settled %lu, failed %lu, resigned %lu, stale %lu, hooks %lu of %lu, refused %lu\n",
                  atomic_load(&settled), atomic_load(&failed), atomic_load(&resigned), atomic_load(&stale),
                  atomic_load(&hooks_called), atomic_load(&hooks_set), atomic_load(&refused));
    assert_int_equal(atomic_load(&registered), atomic_load(&woken) + atomic_load(&left)); /* F2 */
    /* The schedule has been everywhere. */
    assert_true(atomic_load(&promoted) > 0 && atomic_load(&left) > 0 && atomic_load(&hooks_called) > 0);
    assert_true(atomic_load(&failed) > 0 && atomic_load(&stale) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_schedule)};
    return cmocka_run_group_tests_name("future_stress", tests, NULL, NULL);
}
