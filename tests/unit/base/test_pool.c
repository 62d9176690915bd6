/* SPDX-License-Identifier: Apache-2.0
 * The worker pool: order, bounds, the share of the background, resume, the end, threads that cannot be made.
 * Tasks that have to stand still wait at a gate; nothing sleeps.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/pool.h"
#include "test.h"

struct job {
    struct alb_task task;
    char name;
    atomic_bool *gate; /* waits until it opens */
    struct job *then;  /* resumed at the end */
};

static atomic_uint begun, ended, background_now, background_most, blockers;
static char order[256];
static struct alb_pool *pool;

static void run(struct alb_task *task)
{
    struct job *job = ALB_CONTAINER_OF(task, struct job, task);
    bool background = task->background;

    if (background) {
        unsigned now = atomic_fetch_add(&background_now, 1) + 1;
        unsigned most = atomic_load(&background_most);
        while (now > most && !atomic_compare_exchange_weak(&background_most, &most, now)) {
        }
    }
    atomic_fetch_add(&blockers, alb_thread_may_block());
    unsigned at = atomic_fetch_add(&begun, 1);
    if (at < sizeof(order))
        order[at] = job->name;
    while (job->gate != NULL && !atomic_load(job->gate))
        sched_yield();
    if (job->then != NULL)
        alb_pool_resume(pool, &job->then->task);
    if (background)
        atomic_fetch_sub(&background_now, 1);
    atomic_fetch_add(&ended, 1);
}

static void start(unsigned threads, unsigned queue_max)
{
    const struct alb_pool_config config = {.name = "io", .threads = threads, .queue_max = queue_max};

    atomic_store(&begun, 0);
    atomic_store(&ended, 0);
    atomic_store(&background_now, 0);
    atomic_store(&background_most, 0);
    atomic_store(&blockers, 0);
    memset(order, 0, sizeof(order));
    assert_int_equal(alb_pool_new(&config, &pool, NULL), ALB_OK);
}

static void until(atomic_uint *counter, unsigned n)
{
    while (atomic_load(counter) < n)
        sched_yield();
}

static void test_runs_what_it_is_given(void **state)
{
    struct job jobs[10];

    (void)state;
    memset(jobs, 0, sizeof(jobs));
    start(3, 10);
    assert_int_equal(alb_pool_look(pool).threads, 3);
    for (int i = 0; i < 10; i++) {
        jobs[i].task.run = run;
        assert_int_equal(alb_pool_submit(pool, &jobs[i].task), ALB_OK);
    }
    until(&ended, 10);
    while (alb_pool_look(pool).done_total < 10)
        sched_yield();
    struct alb_pool_view view = alb_pool_look(pool);
    assert_int_equal(view.busy + view.queued, 0);
    assert_int_equal(view.oldest_wait_ns, 0);
    alb_pool_free(&pool);
    assert_null(pool);
    alb_pool_free(&pool);
    assert_int_equal(atomic_load(&blockers), 0); /* law 1 */
    assert_true(alb_thread_may_block());
    alb_thread_set_may_block(false);
    assert_false(alb_thread_may_block());
    alb_thread_set_may_block(true);
}

/* One thread, held at a gate: what is queued meanwhile runs in the order of pool.h. */
static void test_order_and_bounds(void **state)
{
    atomic_bool gate = false;
    struct job first = {.task = {.run = run}, .name = '0', .gate = &gate};
    struct job jobs[] = {
        {.task = {.run = run, .background = true}, .name = 'w'},
        {.task = {.run = run}, .name = 'c'},
        {.task = {.run = run, .background = true}, .name = 'x'},
        {.task = {.run = run}, .name = 'd'},
    };
    struct job resumed[] = {
        {.task = {.run = run, .background = true}, .name = 'u'},
        {.task = {.run = run}, .name = 'a'},
        {.task = {.run = run, .background = true}, .name = 'v'},
        {.task = {.run = run}, .name = 'b'},
    };
    struct job refused = {.task = {.run = run}}, background = {.task = {.run = run, .background = true}};

    (void)state;
    start(1, 4);
    assert_int_equal(alb_pool_submit(pool, &first.task), ALB_OK);
    until(&begun, 1);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(alb_pool_submit(pool, &jobs[i].task), ALB_OK);
        if (i == 2) /* half of the queue is for the background, the rest is not */
            assert_int_equal(alb_pool_submit(pool, &background.task), ALB_E_BUSY);
    }
    assert_int_equal(alb_pool_submit(pool, &refused.task), ALB_E_BUSY);
    assert_int_equal(alb_pool_submit(pool, &background.task), ALB_E_BUSY);
    for (size_t i = 0; i < 4; i++)
        alb_pool_resume(pool, &resumed[i].task); /* never refused */
    struct alb_pool_view view = alb_pool_look(pool);
    assert_int_equal(view.queued, 8);
    assert_int_equal(view.busy, 1);
    assert_true(view.oldest_wait_ns > 0);
    atomic_store(&gate, true);
    until(&ended, 9);
    assert_string_equal(order, "0abcduvwx");
    /* Refused is not queued: it may be tried again. */
    assert_int_equal(alb_pool_submit(pool, &refused.task), ALB_OK);
    alb_pool_free(&pool);
    assert_int_equal(atomic_load(&ended), 10);
}

static void test_resumed_do_not_fill_the_queue(void **state)
{
    atomic_bool gate = false;
    struct job first = {.task = {.run = run}, .gate = &gate}, newcomer = {.task = {.run = run}};
    struct job resumed[100];

    (void)state;
    memset(resumed, 0, sizeof(resumed));
    start(1, 1);
    assert_int_equal(alb_pool_submit(pool, &first.task), ALB_OK);
    until(&begun, 1);
    for (size_t i = 0; i < 100; i++) {
        resumed[i].task.run = run;
        alb_pool_resume(pool, &resumed[i].task);
    }
    assert_int_equal(alb_pool_submit(pool, &newcomer.task), ALB_OK);
    atomic_store(&gate, true);
    alb_pool_free(&pool);
    assert_int_equal(atomic_load(&ended), 102);
}

static void background_share(unsigned threads, unsigned share)
{
    enum { N = 64 };
    static struct job bg[N], fg[N];
    atomic_bool gate = false;

    memset(bg, 0, sizeof(bg));
    memset(fg, 0, sizeof(fg));
    start(threads, 2 * N);
    for (int i = 0; i < N; i++) {
        bg[i] = (struct job){.task = {.run = run, .background = true}, .gate = &gate};
        assert_int_equal(alb_pool_submit(pool, &bg[i].task), ALB_OK);
    }
    until(&begun, share); /* it does get its share … */
    if (threads > 1) {    /* … and while that stands still, the foreground passes by on the rest */
        for (int i = 0; i < N; i++) {
            fg[i].task.run = run;
            assert_int_equal(alb_pool_submit(pool, &fg[i].task), ALB_OK);
        }
        until(&ended, N);
        assert_int_equal(atomic_load(&background_now), share);
        assert_int_equal(alb_pool_look(pool).queued, N - share);
    }
    atomic_store(&gate, true);
    alb_pool_free(&pool);
    assert_int_equal(atomic_load(&background_most), share);
    assert_int_equal(atomic_load(&begun), threads > 1 ? 2 * N : N);
}

static void test_background_gets_half_at_most(void **state)
{
    (void)state;
    background_share(1, 1);
    background_share(2, 1);
    background_share(3, 1);
    background_share(4, 2);
    background_share(7, 3);
}

/* The worker that gives the background's share back goes on with foreground work: another one must wake for
 * the background task that waits. */
static void test_share_is_handed_on(void **state)
{
    atomic_bool bg_gate = false, fg_gate = false;
    struct job bg1 = {.task = {.run = run, .background = true}, .name = '1', .gate = &bg_gate};
    struct job bg2 = {.task = {.run = run, .background = true}, .name = '2'};
    struct job fg = {.task = {.run = run}, .name = 'f', .gate = &fg_gate};

    (void)state;
    for (int round = 0; round < 200; round++) {
        start(2, 8);
        atomic_store(&bg_gate, false);
        atomic_store(&fg_gate, false);
        bg1.then = &fg; /* resumed inside bg1: its worker may take it next */
        assert_int_equal(alb_pool_submit(pool, &bg1.task), ALB_OK);
        until(&begun, 1);
        assert_int_equal(alb_pool_submit(pool, &bg2.task), ALB_OK);
        atomic_store(&bg_gate, true);
        until(&begun, 3); /* hangs here if nobody wakes for bg2 while fg stands at its gate */
        atomic_store(&fg_gate, true);
        alb_pool_free(&pool);
    }
}

/* A task may be queued again, and by another thread, as soon as it has begun. */
static atomic_uint turns;

static void turn(struct alb_task *task)
{
    if (atomic_fetch_add(&turns, 1) < 20000)
        alb_pool_resume(pool, task);
}

static void test_queued_again_by_itself(void **state)
{
    struct alb_task tasks[4] = {
        {.run = turn}, {.run = turn, .background = true}, {.run = turn}, {.run = turn}};

    (void)state;
    atomic_store(&turns, 0);
    start(4, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(alb_pool_submit(pool, &tasks[i]), ALB_OK);
    alb_pool_free(&pool); /* runs everything to its end, also what is resumed by what runs */
    assert_int_equal(atomic_load(&turns), 20004);
}

/* ---- many submitters ----------------------------------------------------------------------------- */

struct submitter {
    pthread_t thread;
    unsigned seed, accepted;
    struct alb_task tasks[64];
    atomic_bool pending[64];
};

static atomic_uint served;

static struct submitter submitters[4];

static void serve(struct alb_task *task)
{
    for (size_t i = 0; i < ALB_ARRAY_LEN(submitters); i++) {
        ptrdiff_t at = task - submitters[i].tasks;
        if (at >= 0 && at < 64)
            atomic_store(&submitters[i].pending[at], false);
    }
    atomic_fetch_add(&served, 1);
}

static void *submit_many(void *arg)
{
    struct submitter *s = arg;

    for (int i = 0; i < 20000; i++) {
        unsigned n = (unsigned)rand_r(&s->seed) % 64;
        if (atomic_load(&s->pending[n]))
            continue;
        atomic_store(&s->pending[n], true);
        s->tasks[n] = (struct alb_task){.run = serve, .background = n % 4 == 0};
        if (n % 8 == 1) {
            alb_pool_resume(pool, &s->tasks[n]);
        } else if (alb_pool_submit(pool, &s->tasks[n]) != ALB_OK) {
            atomic_store(&s->pending[n], false);
            continue;
        }
        s->accepted++;
    }
    return NULL;
}

static void test_every_accepted_task_runs_once(void **state)
{
    unsigned accepted = 0;

    (void)state;
    memset(submitters, 0, sizeof(submitters));
    atomic_store(&served, 0);
    start(3, 40);
    for (unsigned i = 0; i < ALB_ARRAY_LEN(submitters); i++) {
        submitters[i].seed = (unsigned)time(NULL) + i;
        print_message("# seed %u\n", submitters[i].seed);
        assert_int_equal(pthread_create(&submitters[i].thread, NULL, submit_many, &submitters[i]), 0);
    }
    for (unsigned i = 0; i < ALB_ARRAY_LEN(submitters); i++) {
        assert_int_equal(pthread_join(submitters[i].thread, NULL), 0);
        accepted += submitters[i].accepted;
    }
    alb_pool_free(&pool);
    assert_int_equal(atomic_load(&served), accepted);
}

/* ---- failures ------------------------------------------------------------------------------------ */

static bool make(void *arg)
{
    const struct alb_pool_config config = {.name = "io", .threads = 2, .queue_max = 4};
    struct alb_pool *made;
    struct alb_err err = ALB_ERR_INIT;

    (void)arg;
    if (alb_pool_new(&config, &made, &err) == ALB_OK) {
        alb_pool_free(&made);
        return false;
    }
    assert_int_equal(err.code, ALB_E_NO_MEMORY);
    assert_null(made);
    return true;
}

static void test_no_memory(void **state)
{
    (void)state;
    sweep_allocations(make, NULL);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* No room for the stacks of a thousand threads: those that were made end again, and the caller is told. */
static void test_no_threads(void **state)
{
    const struct alb_pool_config config = {.name = "io", .threads = 1000, .queue_max = 4};
    int status;

    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct rlimit room = {512 << 20, 512 << 20};
        struct alb_pool *made;
        struct alb_err err = ALB_ERR_INIT;
        if (setrlimit(RLIMIT_AS, &room) != 0)
            child_exit(10);
        enum alb_code code = alb_pool_new(&config, &made, &err);
        child_exit(code == ALB_E_BUSY && err.code == code && made == NULL ? 0 : 11);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}
#endif

static void mask_seen(struct alb_task *task)
{
    sigset_t set;

    (void)task;
    if (pthread_sigmask(SIG_SETMASK, NULL, &set) == 0 && sigismember(&set, SIGTERM) == 1)
        atomic_fetch_add(&served, 1);
}

static void test_signals_go_elsewhere(void **state)
{
    struct alb_task task = {.run = mask_seen};
    sigset_t set;

    (void)state;
    atomic_store(&served, 0);
    start(1, 1);
    assert_int_equal(alb_pool_submit(pool, &task), ALB_OK);
    alb_pool_free(&pool);
    assert_int_equal(atomic_load(&served), 1);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &set), 0);
    assert_int_equal(sigismember(&set, SIGTERM), 0); /* as it was */
}

static void queues_twice(void *arg)
{
    atomic_bool gate = false;
    struct job first = {.task = {.run = run}, .gate = &gate};
    struct alb_task task = {.run = turn};

    (void)arg;
    start(1, 8);
    if (alb_pool_submit(pool, &first.task) != ALB_OK)
        return;
    until(&begun, 1);
    if (alb_pool_submit(pool, &task) == ALB_OK)
        alb_pool_resume(pool, &task);
}

static void free_own(struct alb_task *task)
{
    (void)task;
    alb_pool_free(&pool);
}

static void frees_from_inside(void *arg)
{
    struct alb_task task = {.run = free_own};

    (void)arg;
    start(1, 8);
    if (alb_pool_submit(pool, &task) == ALB_OK)
        (void)pause();
}

static void test_panics(void **state)
{
    (void)state;
    expect_panic(queues_twice, NULL, "task->next == NULL");
    expect_panic(frees_from_inside, NULL, "pool_of_thread");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_panics), /* forks: first, while there are no threads */
        cmocka_unit_test(test_runs_what_it_is_given),
        cmocka_unit_test(test_order_and_bounds),
        cmocka_unit_test(test_resumed_do_not_fill_the_queue),
        cmocka_unit_test(test_background_gets_half_at_most),
        cmocka_unit_test(test_share_is_handed_on),
        cmocka_unit_test(test_queued_again_by_itself),
        cmocka_unit_test(test_every_accepted_task_runs_once),
        cmocka_unit_test(test_no_memory),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        cmocka_unit_test(test_no_threads),
#endif
        cmocka_unit_test(test_signals_go_elsewhere),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
