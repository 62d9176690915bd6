/* SPDX-License-Identifier: Apache-2.0
 * A lease pool under random schedules, for two seconds: six threads request, hold and release; two pests pick
 * leases of others and abandon, adopt or cancel them; a timer thread ticks with deadlines of microseconds.
 * What must hold is counted exactly: slots, budget and the background's share are never exceeded (L1, counted
 * by the holders themselves); every queued request has exactly one of granted, refused, cancelled (L2); no
 * callback comes before granted or after release (L3; magic numbers change right then, and the memory is
 *   freed, so ASan and TSan see a late one);
 *   reclaim comes at most once for OVERDUE, and for WANTED at most once more than it was adopted (L5);
 *   nobody waits for ever (the threads come home), and the pool ends empty.
 * ALB_SEED=n repeats the choices (not the interleaving).
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/lease.h"
#include "base/obj.h"
#include "base/timer.h"
#include "test.h"

#define HOLDERS 6
#define PESTS 2
#define SLOTS 3U
#define SHARE 1U
#define BUDGET 5U
#define RUN_NS (2 * ALB_NS_PER_S)

enum told { NOTHING, GRANTED, REFUSED };

/* What a holder works on: counted, because the pests hold it, too. */
struct work {
    struct alb_obj obj;
    struct alb_lease l;
    atomic_int told;
    atomic_bool holds, released;
    atomic_uint overdue, wanted, adopted, cancelled;
};

static struct alb_lease_pool *pool;
static atomic_uint slots_used, share_used;
static atomic_uint_fast64_t budget_used, queued, granted_n, refused_n, cancelled_n, held_n, turned_away,
    overdue_n, wanted_n, adopted_n, abandoned_n;
static atomic_bool over;

/* Where pests find their victims; a mutex of the C library, not one of ours: this is not under test. */
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static struct work *table[HOLDERS];

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

static void begin_holding(struct work *w)
{
    ALB_CHECK(atomic_fetch_add(&slots_used, 1) < SLOTS); /* L1 */
    ALB_CHECK(atomic_fetch_add(&budget_used, w->l.cost) + w->l.cost <= BUDGET);
    if (w->l.cls == ALB_LEASE_BACKGROUND)
        ALB_CHECK(atomic_fetch_add(&share_used, 1) < SHARE);
    ALB_CHECK(!atomic_exchange(&w->holds, true));
}

static void end_holding(struct work *w)
{
    if (w->l.cls == ALB_LEASE_BACKGROUND)
        atomic_fetch_sub(&share_used, 1);
    atomic_fetch_sub(&budget_used, w->l.cost);
    atomic_fetch_sub(&slots_used, 1);
}

static void granted(struct alb_lease *l)
{
    struct work *w = ALB_CONTAINER_OF(l, struct work, l);

    atomic_fetch_add(&granted_n, 1);
    ALB_CHECK(atomic_load(&w->overdue) + atomic_load(&w->wanted) == 0); /* L3 */
    begin_holding(w);
    ALB_CHECK(atomic_exchange(&w->told, GRANTED) == NOTHING); /* L2; the holder goes on from here */
}

static void refused(struct alb_lease *l, enum alb_code code)
{
    struct work *w = ALB_CONTAINER_OF(l, struct work, l);

    ALB_CHECK(code == ALB_E_TIMEOUT || code == ALB_E_CANCELLED);
    atomic_fetch_add(&refused_n, 1);
    ALB_CHECK(atomic_exchange(&w->told, REFUSED) == NOTHING);
}

static void reclaim(struct alb_lease *l, enum alb_reclaim why)
{
    struct work *w = ALB_CONTAINER_OF(l, struct work, l);

    ALB_CHECK(!atomic_load(&w->released)); /* L3; it may come before a request that HELD has returned */
    if (why == ALB_RECLAIM_OVERDUE) {
        atomic_fetch_add(&overdue_n, 1);
        ALB_CHECK(atomic_fetch_add(&w->overdue, 1) == 0); /* L5 */
    } else {
        atomic_fetch_add(&wanted_n, 1);
        atomic_fetch_add(&w->wanted, 1);
        if (atomic_load(&w->adopted) % 3 == 1 && alb_lease_adopt(l))
            atomic_fetch_add(&w->adopted, 1);
    }
    sched_yield();
    ALB_CHECK(!atomic_load(&w->released)); /* release has waited for us */
}

static void work_free(struct alb_obj *obj)
{
    free(ALB_CONTAINER_OF(obj, struct work, obj));
}

static void show(unsigned place, struct work *w)
{
    (void)pthread_mutex_lock(&table_lock);
    struct work *before = table[place];
    table[place] = w;
    if (w != NULL)
        alb_obj_ref(&w->obj);
    (void)pthread_mutex_unlock(&table_lock);
    if (before != NULL)
        alb_obj_unref(&before->obj);
}

static void hold_for_a_while(struct work *w, unsigned *seed)
{
    for (unsigned n = rnd(seed, 6); n > 0; n--)
        sched_yield();
    if (rnd(seed, 4) == 0) { /* forsaken: waits to be wanted or overdue, as long as there is reason to hope */
        alb_lease_abandon(&w->l);
        atomic_fetch_add(&abandoned_n, 1);
        while (atomic_load(&w->wanted) + atomic_load(&w->overdue) == 0 && atomic_load(&w->adopted) == 0)
            sched_yield();
    }
}

static void end_of_holding(struct work *w)
{
    end_holding(w);
    alb_lease_release(&w->l);
    atomic_store(&w->released, true); /* from here on no reclaim may come or run */
    ALB_CHECK(atomic_load(&w->wanted) <= atomic_load(&w->adopted) + 1);
}

static void one_request(unsigned place, unsigned *seed)
{
    struct work *w = calloc(1, sizeof(*w));
    int64_t now = alb_mono(alb_clock_real());

    ALB_CHECK(w != NULL);
    alb_obj_init(&w->obj, work_free);
    w->l.granted = granted;
    w->l.refused = refused;
    w->l.reclaim = reclaim;
    w->l.cls = rnd(seed, 3) == 0 ? ALB_LEASE_BACKGROUND : ALB_LEASE_FOREGROUND;
    w->l.cost = rnd(seed, BUDGET + 2);
    w->l.queue_deadline = rnd(seed, 3) == 0 ? now + rnd(seed, 200) * 1000 : ALB_NEVER;
    w->l.hold_ns = rnd(seed, 200) * 1000; /* always one: an abandoned one ends also if nobody wants it */
    show(place, w);
    enum alb_lease_answer answer = alb_lease_request(pool, &w->l, NULL);
    if (answer == ALB_LEASE_HELD) {
        atomic_fetch_add(&held_n, 1);
        begin_holding(w);
    } else if (answer == ALB_LEASE_QUEUED) {
        atomic_fetch_add(&queued, 1);
        linger(seed);
        if (rnd(seed, 4) == 0 && alb_lease_cancel(&w->l)) {
            atomic_fetch_add(&cancelled_n, 1);
            ALB_CHECK(atomic_fetch_add(&w->cancelled, 1) == 0);
        }
        while (atomic_load(&w->told) == NOTHING && atomic_load(&w->cancelled) == 0)
            sched_yield();
        ALB_CHECK((atomic_load(&w->told) == NOTHING) == (atomic_load(&w->cancelled) == 1)); /* L2 */
    } else {
        atomic_fetch_add(&turned_away, 1);
        sched_yield();
    }
    if (atomic_load(&w->holds)) {
        hold_for_a_while(w, seed);
        end_of_holding(w);
    }
    alb_obj_unref(&w->obj);
}

static void *pest(void *arg)
{
    unsigned seed = *(unsigned *)arg;

    while (!atomic_load(&over)) {
        unsigned place = rnd(&seed, HOLDERS);
        (void)pthread_mutex_lock(&table_lock);
        struct work *w = table[place];
        if (w != NULL)
            alb_obj_ref(&w->obj);
        (void)pthread_mutex_unlock(&table_lock);
        if (w == NULL)
            continue;
        switch (rnd(&seed, 8)) {
        case 0:
            if (alb_lease_cancel(&w->l)) {
                atomic_fetch_add(&cancelled_n, 1);
                ALB_CHECK(atomic_fetch_add(&w->cancelled, 1) == 0);
            }
            break;
        case 1:
            atomic_fetch_add(&w->adopted, 1); /* counted before: its reclaim may come at once */
            atomic_fetch_add(&adopted_n, alb_lease_adopt(&w->l));
            break;
        case 2:
            alb_lease_abandon(&w->l);
            break;
        default:
            (void)alb_lease_look(pool);
            sched_yield();
        }
        alb_obj_unref(&w->obj);
    }
    return NULL;
}

struct runner {
    pthread_t thread;
    unsigned place, seed;
    int64_t end;
};

static void *holder(void *arg)
{
    struct runner *r = arg;

    while (alb_mono(alb_clock_real()) < r->end) {
        for (int i = 0; i < 10; i++)
            one_request(r->place, &r->seed);
    }
    show(r->place, NULL);
    return NULL;
}

static void report(void)
{
    print_message(
        "# queued %lu = granted %lu + refused %lu + cancelled %lu; held at once %lu, turned away %lu\n",
        atomic_load(&queued), atomic_load(&granted_n), atomic_load(&refused_n), atomic_load(&cancelled_n),
        atomic_load(&held_n), atomic_load(&turned_away));
    print_message("# abandoned %lu, wanted %lu, overdue %lu, adopted %lu\n", atomic_load(&abandoned_n),
                  atomic_load(&wanted_n), atomic_load(&overdue_n), atomic_load(&adopted_n));
}

static void test_random_schedule(void **state)
{
    static struct runner runners[HOLDERS];
    unsigned pest_seeds[PESTS];
    pthread_t pests[PESTS];
    const char *given = getenv("ALB_SEED");
    unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    struct alb_timers *timers = alb_timers_new(alb_clock_real(), 1);

    (void)state;
    print_message("# ALB_SEED=%u\n", seed);
    (void)alarm(120); /* a request that nobody answers */
    assert_non_null(timers);
    assert_int_equal(alb_timers_start(timers, NULL), ALB_OK);
    const struct alb_lease_config config = {.slots = SLOTS,
                                            .background_slots = SHARE,
                                            .budget = BUDGET,
                                            .queue_max = 5,
                                            .clock = alb_clock_real(),
                                            .timers = timers};
    pool = alb_lease_pool_new(&config);
    assert_non_null(pool);
    for (unsigned i = 0; i < PESTS; i++) {
        pest_seeds[i] = seed + 100 + i;
        assert_int_equal(pthread_create(&pests[i], NULL, pest, &pest_seeds[i]), 0);
    }
    for (unsigned i = 0; i < HOLDERS; i++) {
        runners[i] =
            (struct runner){.place = i, .seed = seed + i, .end = alb_mono(alb_clock_real()) + RUN_NS};
        assert_int_equal(pthread_create(&runners[i].thread, NULL, holder, &runners[i]), 0);
    }
    for (unsigned i = 0; i < HOLDERS; i++)
        assert_int_equal(pthread_join(runners[i].thread, NULL), 0);
    atomic_store(&over, true);
    for (unsigned i = 0; i < PESTS; i++)
        assert_int_equal(pthread_join(pests[i], NULL), 0);
    struct alb_lease_view view = alb_lease_look(pool);
    assert_int_equal(view.held + view.queued[0] + view.queued[1] + view.budget_used, 0);
    assert_int_equal(view.granted_total, atomic_load(&granted_n) + atomic_load(&held_n));
    assert_int_equal(view.refused_total, atomic_load(&refused_n) + atomic_load(&turned_away));
    assert_int_equal(view.reclaimed_total, atomic_load(&overdue_n) + atomic_load(&wanted_n));
    alb_lease_close(pool);
    alb_lease_pool_free(&pool);
    alb_timers_free(&timers);
    report();
    assert_int_equal(atomic_load(&queued),
                     atomic_load(&granted_n) + atomic_load(&refused_n) + atomic_load(&cancelled_n)); /* L2 */
    assert_int_equal(atomic_load(&slots_used) + atomic_load(&share_used) + atomic_load(&budget_used), 0);
    /* The schedule has been everywhere. */
    assert_true(atomic_load(&granted_n) > 0 && atomic_load(&refused_n) > 0 && atomic_load(&cancelled_n) > 0);
    assert_true(atomic_load(&wanted_n) > 0 && atomic_load(&overdue_n) > 0 && atomic_load(&adopted_n) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_schedule)};
    return cmocka_run_group_tests_name("lease_stress", tests, NULL, NULL);
}
