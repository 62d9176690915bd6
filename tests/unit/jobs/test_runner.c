/* SPDX-License-Identifier: Apache-2.0
 * Runners: what is done with a job for each way in which it may end, old leases, stopping, news.
 */
#include "fakes.h"

#include "ingest/ingest.h"

/* ---- the only kind of job here ---- */

static _Atomic int answer; /* enum alb_code of the next jobs */
static atomic_uint runs, waiting_inside;
static atomic_bool waits;
static struct alb_manual_clock clock_by_hand;
static int64_t job_takes;

enum alb_code alb_job_warm(struct alb_jobs *j, const struct alb_job *job, struct alb_err *err)
{
    enum alb_code code = (enum alb_code)atomic_load(&answer);
    (void)job;
    (void)atomic_fetch_add(&runs, 1);
    if (atomic_load(&waits)) {
        struct alb_future *f = fake_pending();
        (void)atomic_fetch_add(&waiting_inside, 1);
        return alb_jobs_await(j, &f, NULL, ALB_NEVER, err);
    }
    alb_manual_clock_advance(&clock_by_hand, job_takes);
    return code == ALB_OK ? ALB_OK : alb_fail(err, code, "so it is");
}

void *alb_janitor_main(void *jobs)
{
    alb_jobs_rest(jobs, ALB_NEVER);
    return NULL;
}

static struct alb_jobs *start(unsigned runners)
{
    struct alb_jobs *jobs = NULL;
    struct alb_jobs_config config;
    memset(&config, 0, sizeof(config));
    /* Far in the future of the real clock, by which threads sleep: rests end by news or by stopping only. */
    alb_manual_clock_init(&clock_by_hand, INT64_MAX / 4, 1000);
    config.clock = &clock_by_hand.clock;
    config.runners = runners;
    atomic_store(&answer, ALB_OK);
    atomic_store(&runs, 0);
    atomic_store(&waits, false);
    atomic_store(&waiting_inside, 0);
    job_takes = 0;
    assert_int_equal(alb_jobs_start(&config, &jobs, NULL), ALB_OK);
    return jobs;
}

static void test_every_way_to_end(void **state)
{
    (void)state;
    for (int code = ALB_OK; code < ALB_CODE_COUNT; code++) {
        fake_reset();
        struct alb_jobs *jobs = start(1);
        atomic_store(&answer, code);
        unsigned job = fake_add(jobs, ALB_JOB_KIND_WARM);
        until(fake_look(job).leases == 1 && !fake_look(job).leased);
        const struct fake_job j = fake_look(job);
        bool later = code == ALB_E_TIMEOUT || code == ALB_E_NO_MEMORY || code == ALB_E_NO_SPACE ||
                     code == ALB_E_IO || code == ALB_E_TOO_MANY;
        bool back = code == ALB_E_CANCELLED || code == ALB_E_BUSY;
        assert_int_equal(j.done, code == ALB_OK);
        assert_int_equal(j.released, back);
        assert_int_equal(j.retried, later);
        assert_int_equal(j.failed, code != ALB_OK && !later && !back);
        alb_jobs_stop(jobs);
        const struct alb_jobs_view v = alb_jobs_look(jobs);
        assert_int_equal(v.done, code == ALB_OK);
        assert_int_equal(v.failed, code != ALB_OK && !back);
        assert_int_equal(v.busy, 0);
        alb_jobs_free(&jobs);
        assert_null(jobs);
    }
}

static void test_all_jobs_are_run(void **state)
{
    (void)state;
    fake_reset();
    struct alb_jobs *jobs = start(3);
    for (unsigned i = 0; i < 40; i++)
        (void)fake_add(jobs, ALB_JOB_KIND_WARM);
    (void)fake_add(jobs, "of.another.albumen");
    for (unsigned i = 0; i < 40; i++)
        until(fake_look(i).done == 1);
    alb_jobs_free(&jobs);
    assert_int_equal(atomic_load(&runs), 40);
    assert_int_equal(fake_look(40).leases, 0);
    assert_true(fake_queue.most_leased <= 8);
}

/* The first of a batch takes so long that the others' leases get old: they are given back, then run. */
static void test_old_leases_are_given_back(void **state)
{
    (void)state;
    fake_reset();
    struct alb_jobs *jobs = start(1);
    job_takes = 6 * 60 * ALB_NS_PER_S;
    fake_lock();
    for (unsigned i = 0; i < 3; i++)
        fake_queue.jobs[fake_queue.count++] = (struct fake_job){.kind = ALB_JOB_KIND_WARM, .waiting = true};
    fake_unlock();
    alb_jobs_notice(jobs);
    until(fake_look(0).done == 1 && fake_look(1).released == 1 && fake_look(2).released == 1);
    assert_int_equal(atomic_load(&runs), 1);
    alb_jobs_free(&jobs);
}

/* People are served first: what follows a BUSY job in its batch is not even tried. */
static void test_busy_yields(void **state)
{
    (void)state;
    fake_reset();
    struct alb_jobs *jobs = start(1);
    atomic_store(&answer, ALB_E_BUSY);
    fake_lock();
    for (unsigned i = 0; i < 3; i++)
        fake_queue.jobs[fake_queue.count++] = (struct fake_job){.kind = ALB_JOB_KIND_WARM, .waiting = true};
    fake_unlock();
    alb_jobs_notice(jobs);
    until(fake_look(2).released == 1);
    assert_int_equal(atomic_load(&runs), 1);
    alb_jobs_free(&jobs); /* promptly, out of its rest */
}

static void test_a_queue_that_fails_is_asked_again(void **state)
{
    (void)state;
    fake_reset();
    fake_queue.lease = ALB_E_BUSY;
    struct alb_jobs *jobs = start(1);
    unsigned job = fake_add(jobs, ALB_JOB_KIND_WARM);
    fake_lock();
    fake_queue.lease = ALB_OK;
    fake_unlock();
    alb_jobs_notice(jobs);
    until(fake_look(job).done == 1);
    alb_jobs_free(&jobs);
}

/* ---- stopping ---- */

static void test_stopping_leaves_what_is_waited_for(void **state)
{
    (void)state;
    fake_reset();
    struct alb_jobs *jobs = start(2);
    atomic_store(&waits, true);
    for (unsigned i = 0; i < 6; i++)
        (void)fake_add(jobs, ALB_JOB_KIND_WARM);
    until(atomic_load(&waiting_inside) >= 1);
    alb_jobs_stop(jobs);
    fake_lock();
    for (unsigned i = 0; i < fake_queue.count; i++) {
        assert_false(fake_queue.jobs[i].leased); /* nothing keeps a lease */
        assert_int_equal(fake_queue.jobs[i].done + fake_queue.jobs[i].failed + fake_queue.jobs[i].retried, 0);
    }
    fake_unlock();
    alb_jobs_notice(jobs); /* may still come */
    alb_jobs_free(&jobs);
    while (fake_pending_count() > 0) /* whoever works on it goes on */
        fake_end_pending(ALB_OK);
}

static void test_await(void **state)
{
    struct alb_obj *result = NULL;
    struct alb_err err = ALB_ERR_INIT;
    (void)state;
    fake_reset();
    struct alb_jobs *jobs = start(1);
    struct alb_future *f = fake_pending();
    fake_end_pending(ALB_OK);
    assert_int_equal(alb_jobs_await(jobs, &f, &result, ALB_NEVER, &err), ALB_OK);
    assert_non_null(result);
    assert_null(f);
    alb_obj_unref(result);
    f = fake_pending();
    fake_end_pending(ALB_E_CORRUPT);
    assert_int_equal(alb_jobs_await(jobs, &f, &result, ALB_NEVER, &err), ALB_E_CORRUPT);
    assert_null(result);
    alb_err_clear(&err);
    f = fake_pending();
    assert_int_equal(alb_jobs_await(jobs, &f, NULL, 1, &err), ALB_E_TIMEOUT); /* long past */
    fake_end_pending(ALB_OK);
    alb_jobs_free(&jobs);
}

static void *end_it(void *arg)
{
    (void)arg;
    fake_end_pending(ALB_OK);
    return NULL;
}

/* The end and the deadline at the same time: one of the two, and no thread sleeps for ever. */
static void test_await_races(void **state)
{
    (void)state;
    fake_reset();
    struct alb_jobs *jobs = start(1);
    for (int i = 0; i < 300; i++) {
        struct alb_future *f = fake_pending();
        pthread_t id;
        assert_int_equal(pthread_create(&id, NULL, end_it, NULL), 0);
        enum alb_code code =
            alb_jobs_await(jobs, &f, NULL, alb_mono(alb_clock_real()) + (i % 10) * 10000, NULL);
        assert_true(code == ALB_OK || code == ALB_E_TIMEOUT);
        assert_int_equal(pthread_join(id, NULL), 0);
    }
    alb_jobs_free(&jobs);
}

static void test_without_memory(void **state)
{
    struct alb_jobs_config config;
    struct alb_jobs *jobs;
    (void)state;
    memset(&config, 0, sizeof(config));
    config.clock = alb_clock_real();
    config.runners = 2;
    for (uint64_t n = 1; n <= 4; n++) { /* itself, its runners, two threads */
        alb_mem_fault(n, true);
        assert_int_equal(alb_jobs_start(&config, &jobs, NULL), ALB_E_NO_MEMORY);
        alb_mem_fault(0, false);
        assert_null(jobs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_way_to_end),
        cmocka_unit_test(test_all_jobs_are_run),
        cmocka_unit_test(test_old_leases_are_given_back),
        cmocka_unit_test(test_busy_yields),
        cmocka_unit_test(test_a_queue_that_fails_is_asked_again),
        cmocka_unit_test(test_stopping_leaves_what_is_waited_for),
        cmocka_unit_test(test_await),
        cmocka_unit_test(test_await_races),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
