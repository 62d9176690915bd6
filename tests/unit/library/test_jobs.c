/* SPDX-License-Identifier: Apache-2.0
 * The durable queue: leases and their compare-and-set, order, back-off, pauses, counters, one waiting job per
 * thing, leases of the dead; many runners take each job once.
 */
#include <pthread.h>

#include "kit.h"

static const struct alb_str kinds[] = {{"a", 1}, {"b", 1}};

static void add(struct kit *k, const char *kind, int64_t subject, enum alb_job_priority priority,
                int64_t delay)
{
    struct alb_job_new job = {.kind = alb_str_c(kind),
                              .subject = subject,
                              .priority = priority,
                              .delay_ms = delay,
                              .input_rev = 1,
                              .max_attempts = 3,
                              .args = ALB_STR("args")};

    assert_int_equal(KIT(alb_library_job_add, k->lib, &job, 1), ALB_OK);
}

static struct alb_job_batch *lease(struct kit *k, const char *owner, size_t max)
{
    struct alb_future *f;
    struct alb_obj *obj;

    assert_int_equal(alb_library_job_lease(k->lib, kinds, 2, alb_str_c(owner), 1000, max, &f, NULL), ALB_OK);
    assert_int_equal(alb_library_await(&f, &obj, NULL), ALB_OK);
    return (struct alb_job_batch *)(void *)obj;
}

/* Leases one; 0 if there is none. */
static int64_t lease_one(struct kit *k, const char *owner, int64_t *subject)
{
    struct alb_job_batch *b = lease(k, owner, 1);
    int64_t id = b->count > 0 ? b->jobs[0].id : 0;

    if (subject != NULL)
        *subject = b->count > 0 ? b->jobs[0].subject : 0;
    alb_obj_unref(&b->obj);
    return id;
}

static struct alb_job_counts counts_of(struct kit *k, const char *kind)
{
    struct alb_job_counts *list;
    size_t n;

    assert_int_equal(alb_library_job_counts(k->lib, k->arena, &list, &n, NULL), ALB_OK);
    for (size_t i = 0; i < n; i++)
        if (alb_str_eq_c(list[i].kind, kind))
            return list[i];
    return (struct alb_job_counts){0};
}

static void test_life_of_a_job(void **state)
{
    struct kit *k = *state;
    struct alb_job_batch *b;
    int64_t id;

    add(k, "a", 1, ALB_JOB_NORMAL, 0);
    assert_int_equal(counts_of(k, "a").waiting, 1);
    b = lease(k, "me", 10);
    assert_int_equal(b->count, 1);
    assert_true(alb_str_eq_c(b->jobs[0].args, "args"));
    assert_true(alb_str_eq_c(b->jobs[0].kind, "a"));
    id = b->jobs[0].id;
    alb_obj_unref(&b->obj);
    assert_int_equal(counts_of(k, "a").leased, 1);
    assert_int_equal(lease_one(k, "you", NULL), 0);
    assert_int_equal(KIT(alb_library_job_done, k->lib, id, ALB_STR("you")), ALB_E_CONFLICT);
    assert_int_equal(KIT(alb_library_job_done, k->lib, id, ALB_STR("me")), ALB_OK);
    assert_int_equal(KIT(alb_library_job_done, k->lib, id, ALB_STR("me")), ALB_E_CONFLICT);
    assert_int_equal(counts_of(k, "a").leased, 0);
    assert_int_equal(counts_of(k, "a").completed, 1);
    kit_check_clean(k);
}

static void test_order(void **state)
{
    struct kit *k = *state;
    int64_t subject;

    add(k, "a", 1, ALB_JOB_LOW, 0);
    kit_advance(k, 1);
    add(k, "b", 2, ALB_JOB_NORMAL, 0);
    kit_advance(k, 1);
    add(k, "a", 3, ALB_JOB_NORMAL, 0);
    add(k, "a", 4, ALB_JOB_HIGH, 500); /* not yet */
    kit_advance(k, 1);
    add(k, "b", 5, ALB_JOB_HIGH, 0);
    for (size_t i = 0; i < 4; i++) {
        static const int64_t expected[] = {5, 2, 3, 1};

        assert_int_not_equal(lease_one(k, "me", &subject), 0);
        assert_int_equal(subject, expected[i]);
    }
    {
        struct alb_job_batch *b = lease(k, "me", 1);

        assert_int_equal(b->count, 0);
        assert_int_equal(b->next_run_at, KIT_NOW + 2 + 500);
        alb_obj_unref(&b->obj);
    }
    kit_advance(k, 500);
    assert_int_not_equal(lease_one(k, "me", &subject), 0);
    assert_int_equal(subject, 4);
}

static void test_one_waiting_job_per_thing(void **state)
{
    struct kit *k = *state;
    int64_t id;

    add(k, "a", 1, ALB_JOB_LOW, 5000);
    add(k, "a", 1, ALB_JOB_HIGH, 0); /* the same: sooner, more urgent */
    assert_int_equal(counts_of(k, "a").waiting, 1);
    id = lease_one(k, "me", NULL);
    assert_int_not_equal(id, 0);
    add(k, "a", 1, ALB_JOB_LOW, 0); /* again while one runs: another one waits */
    assert_int_equal(counts_of(k, "a").waiting, 1);
    assert_int_equal(KIT(alb_library_job_fail, k->lib, id, ALB_STR("me"), true, ALB_STR("x")), ALB_OK);
    assert_int_equal(counts_of(k, "a").waiting, 1); /* the one that failed gives way */
    assert_int_equal(counts_of(k, "a").leased, 0);
    kit_check_clean(k);
}

static void test_failing_and_backing_off(void **state)
{
    struct kit *k = *state;
    int64_t id, wait = 2000;

    add(k, "a", 1, ALB_JOB_NORMAL, 0);
    for (int attempt = 0; attempt < 2; attempt++) {
        id = lease_one(k, "me", NULL);
        assert_int_not_equal(id, 0);
        assert_int_equal(KIT(alb_library_job_fail, k->lib, id, ALB_STR("me"), true, ALB_STR("no luck")),
                         ALB_OK);
        assert_int_equal(lease_one(k, "me", NULL), 0);
        kit_advance(k, wait - 1);
        assert_int_equal(lease_one(k, "me", NULL), 0);
        kit_advance(k, wait / 4 + 1);
        wait *= 2;
    }
    id = lease_one(k, "me", NULL);
    assert_int_not_equal(id, 0);
    assert_int_equal(KIT(alb_library_job_fail, k->lib, id, ALB_STR("me"), true, ALB_STR("no luck")), ALB_OK);
    kit_advance(k, 3600 * 1000 * 2);
    assert_int_equal(lease_one(k, "me", NULL), 0); /* three attempts, that was the last */
    assert_int_equal(counts_of(k, "a").failed, 1);
    assert_int_equal(KIT(alb_library_job_retry, k->lib, ALB_STR("a"), false), ALB_OK);
    assert_int_equal(counts_of(k, "a").failed, 0);
    id = lease_one(k, "me", NULL);
    assert_int_not_equal(id, 0);
    assert_int_equal(KIT(alb_library_job_fail, k->lib, id, ALB_STR("me"), false, ALB_STR("hopeless")),
                     ALB_OK);
    assert_int_equal(counts_of(k, "a").failed, 1);
    assert_int_equal(KIT(alb_library_job_retry, k->lib, ALB_STR("a"), true), ALB_OK);
    assert_int_equal(counts_of(k, "a").failed + counts_of(k, "a").waiting, 0);
    kit_check_clean(k);
}

static void test_overdue_leases(void **state)
{
    struct kit *k = *state;
    int64_t id, again;

    add(k, "a", 1, ALB_JOB_NORMAL, 0);
    id = lease_one(k, "slow", NULL);
    kit_advance(k, 900);
    assert_int_equal(KIT(alb_library_job_extend, k->lib, id, ALB_STR("slow"), 1000), ALB_OK);
    kit_advance(k, 900);
    alb_library_tick(k->lib);
    assert_int_equal(lease_one(k, "other", NULL), 0); /* extended: still slow's */
    kit_advance(k, 200);
    alb_library_tick(k->lib);
    again = lease_one(k, "other", NULL);
    assert_int_equal(again, id);
    assert_int_equal(KIT(alb_library_job_done, k->lib, id, ALB_STR("slow")), ALB_E_CONFLICT);
    assert_int_equal(KIT(alb_library_job_release, k->lib, id, ALB_STR("other")), ALB_OK);
    /* a new process: no lease of the old one holds, and however often that happens, no job fails for it */
    for (int i = 0; i < 5; i++) {
        id = lease_one(k, "old", NULL);
        assert_int_not_equal(id, 0);
        kit_close(k);
        kit_open(k);
        assert_int_equal(KIT(alb_library_job_done, k->lib, id, ALB_STR("old")), ALB_E_CONFLICT);
        kit_advance(k, 60000);
    }
    assert_int_equal(counts_of(k, "a").failed, 0);
    assert_int_equal(counts_of(k, "a").waiting, 1);
    kit_check_clean(k);
}

static void test_pause(void **state)
{
    struct kit *k = *state;
    int64_t subject;

    add(k, "a", 1, ALB_JOB_HIGH, 0);
    add(k, "b", 2, ALB_JOB_LOW, 0);
    assert_int_equal(KIT(alb_library_job_pause, k->lib, ALB_STR("a"), KIT_NOW + 1000, ALB_USER_ADMIN),
                     ALB_OK);
    assert_true(counts_of(k, "a").paused);
    assert_int_not_equal(lease_one(k, "me", &subject), 0);
    assert_int_equal(subject, 2);
    assert_int_equal(lease_one(k, "me", NULL), 0);
    kit_advance(k, 1001); /* a pause ends by itself: nobody has to come back for it */
    assert_false(counts_of(k, "a").paused);
    assert_int_not_equal(lease_one(k, "me", &subject), 0);
    assert_int_equal(subject, 1);
}

/* The layer and its job are one transaction. */
static void test_layer_completes_its_job(void **state)
{
    struct kit *k = *state;
    struct alb_job_new job = {.kind = ALB_STR("a")}, next = {.kind = ALB_STR("b")};
    struct alb_asset_new a = kit_asset(ALB_USER_ADMIN, 1);
    struct alb_created *c;
    struct alb_layer_write w = {.layer = ALB_LAYER_FILE,
                                .damaged = 1,
                                .job_owner = ALB_STR("me"),
                                .jobs = &next,
                                .job_count = 1,
                                .thumbhash = ALB_STR("hash"),
                                .has_md5 = true,
                                .values = {.stated = ALB_FIELD_BIT(ALB_FIELD_TITLE), .title = ALB_STR("t")}};
    int64_t subject;

    a.jobs = &job;
    a.job_count = 1;
    c = kit_create(k, &a);
    w.job_id = lease_one(k, "me", &subject);
    assert_int_equal(subject, c->asset_id);
    w.asset_id = c->asset_id;
    w.input_rev = 1;
    w.job_owner = ALB_STR("somebody else");
    assert_int_equal(KIT(alb_library_layer_write, k->lib, &w), ALB_E_CONFLICT);
    assert_int_equal(kit_get(k, c->asset_id).effective.title.n, 0); /* nothing of it */
    w.job_owner = ALB_STR("me");
    assert_int_equal(KIT(alb_library_layer_write, k->lib, &w), ALB_OK);
    assert_true(alb_str_eq_c(kit_get(k, c->asset_id).effective.title, "t"));
    assert_true(kit_get(k, c->asset_id).damaged);
    assert_true(kit_get(k, c->asset_id).has_md5);
    assert_true(alb_str_eq_c(kit_get(k, c->asset_id).media.thumbhash, "hash"));
    assert_int_equal(counts_of(k, "a").completed, 1);
    assert_int_equal(counts_of(k, "b").waiting, 1);
    alb_obj_unref(&c->obj);
    kit_check_clean(k);
}

/* ---- many runners ---- */

#define JOBS 300

struct runner {
    struct kit *k;
    char name[16];
    int done;
    _Atomic int *seen;
};

static void *run(void *arg)
{
    struct runner *r = arg;

    for (;;) {
        struct alb_job_batch *b = lease(r->k, r->name, 7);
        size_t n = b->count;

        for (size_t i = 0; i < n; i++) {
            r->seen[b->jobs[i].subject]++;
            r->done += KIT(alb_library_job_done, r->k->lib, b->jobs[i].id, alb_str_c(r->name)) == ALB_OK;
        }
        alb_obj_unref(&b->obj);
        if (n == 0)
            return NULL;
    }
}

static void test_each_job_runs_once(void **state)
{
    static _Atomic int seen[JOBS + 1];
    struct kit *k = *state;
    struct runner r[4];
    pthread_t t[4];
    int done = 0;

    for (int i = 1; i <= JOBS; i++) {
        struct alb_job_new job = {.kind = kinds[i % 2], .subject = i};
        struct alb_future *f;

        assert_int_equal(alb_library_job_add(k->lib, &job, 1, &f, NULL), ALB_OK);
        alb_future_unref(f);
    }
    assert_int_equal(KIT(alb_library_job_pause, k->lib, ALB_STR("x"), 0, 1), ALB_OK); /* behind all of them */
    for (int i = 0; i < 4; i++) {
        r[i] = (struct runner){.k = k, .seen = seen};
        snprintf(r[i].name, sizeof(r[i].name), "runner-%d", i);
        assert_int_equal(pthread_create(&t[i], NULL, run, &r[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
        done += r[i].done;
    }
    assert_int_equal(done, JOBS);
    for (int i = 1; i <= JOBS; i++)
        assert_int_equal(seen[i], 1);
    kit_check_clean(k);
}

static void test_bad_jobs(void **state)
{
    struct kit *k = *state;
    struct alb_job_new job = {.kind = ALB_STR("Not A Kind")};
    struct alb_future *f;

    assert_int_equal(KIT(alb_library_job_add, k->lib, &job, 1), ALB_E_INVALID);
    assert_int_equal(alb_library_job_lease(k->lib, kinds, 0, ALB_STR("me"), 1, 1, &f, NULL), ALB_E_INVALID);
    assert_int_equal(alb_library_job_lease(k->lib, kinds, 2, ALB_STR("me"), 1, 65, &f, NULL), ALB_E_INVALID);
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_life_of_a_job),
        T(test_order),
        T(test_one_waiting_job_per_thing),
        T(test_failing_and_backing_off),
        T(test_overdue_leases),
        T(test_pause),
        T(test_layer_completes_its_job),
        T(test_each_job_runs_once),
        T(test_bad_jobs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
