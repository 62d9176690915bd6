/* SPDX-License-Identifier: Apache-2.0
 *
 * Runners: lease, run, complete. They may wait, so everything here is straight-line code.
 */
#include "jobs/runner.h"

#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/hash.h"
#include "ingest/ingest.h"

#define LEASE_MS ((int64_t)10 * 60 * 1000) /* longer than what a batch may take, see round_of */
#define BATCH 8                            /* leased at once by one runner */
#define YIELD_NS (5 * ALB_NS_PER_S)
#define IDLE_NS (30 * ALB_NS_PER_S) /* delayed jobs are looked for at least this often */

static const struct {
    const char *kind;
    alb_job_run_fn *run;
} tbl_kinds[] = {
    {ALB_JOB_KIND_WARM, alb_job_warm},
};

struct alb_runner {
    struct alb_jobs *jobs;
    struct alb_thread thread;
    char name[48]; /* unique among all runners of all time: a lease cannot be taken for another's */
};

void alb_jobs_rest(struct alb_jobs *j, int64_t deadline)
{
    alb_mutex_lock(&j->mtx);
    while (!atomic_load(&j->stopping))
        if (!alb_cond_wait_until(&j->news, &j->mtx, deadline))
            break;
    alb_mutex_unlock(&j->mtx);
}

/* Until the deadline, a notice newer than `seen`, or stopping. */
static void wait_for_news(struct alb_jobs *j, uint64_t seen, int64_t deadline)
{
    alb_mutex_lock(&j->mtx);
    while (j->notices == seen && !atomic_load(&j->stopping))
        if (!alb_cond_wait_until(&j->news, &j->mtx, deadline))
            break;
    alb_mutex_unlock(&j->mtx);
}

/* ---- waiting for a future ---- */

struct sleeper {
    struct alb_waiter waiter;
    struct alb_jobs *jobs;
    bool woken; /* under the jobs' mtx */
};

static void wake(struct alb_waiter *w, enum alb_wake why)
{
    struct sleeper *s = ALB_CONTAINER_OF(w, struct sleeper, waiter);
    struct alb_jobs *j = s->jobs;
    (void)why; /* never an heir */
    alb_mutex_lock(&j->mtx);
    s->woken = true; /* s may be gone as soon as the lock is */
    alb_cond_broadcast(&j->news);
    alb_mutex_unlock(&j->mtx);
}

/* True: it is done. False: left, for stopping or for the deadline. */
static bool sleep_on(struct alb_jobs *j, struct alb_future *f, int64_t deadline)
{
    struct sleeper s = {.waiter.wake = wake, .jobs = j};
    bool woken, in_time = true;
    if (!alb_future_wait(f, &s.waiter))
        return true;
    alb_mutex_lock(&j->mtx);
    while (!s.woken && in_time && !atomic_load(&j->stopping))
        in_time = alb_cond_wait_until(&j->news, &j->mtx, deadline);
    woken = s.woken;
    alb_mutex_unlock(&j->mtx);
    if (woken)
        return true;
    if (alb_future_leave(f, &s.waiter))
        return false;
    alb_mutex_lock(&j->mtx); /* its wake is on the way */
    while (!s.woken)
        alb_cond_wait(&j->news, &j->mtx);
    alb_mutex_unlock(&j->mtx);
    return true;
}

enum alb_code alb_jobs_await(struct alb_jobs *j, struct alb_future **future, struct alb_obj **result,
                             int64_t deadline, struct alb_err *err)
{
    struct alb_future *f = *future;
    enum alb_code code;
    *future = NULL;
    if (result)
        *result = NULL;
    if (sleep_on(j, f, deadline))
        code = alb_future_error(f, err);
    else if (atomic_load(&j->stopping))
        code = alb_fail(err, ALB_E_CANCELLED, "stopping");
    else
        code = alb_fail(err, ALB_E_TIMEOUT, "it took too long");
    if (code == ALB_OK && result)
        *result = alb_obj_ref(alb_future_result(f));
    alb_future_unref(f);
    return code;
}

/* ---- the queue ---- */

static uint64_t notices(struct alb_jobs *j)
{
    alb_mutex_lock(&j->mtx);
    uint64_t n = j->notices;
    alb_mutex_unlock(&j->mtx);
    return n;
}

void alb_jobs_notice(struct alb_jobs *j)
{
    alb_mutex_lock(&j->mtx);
    j->notices++;
    alb_cond_broadcast(&j->news);
    alb_mutex_unlock(&j->mtx);
}

/* Waits for a write whose result does not matter; says what went wrong. */
static void settle(struct alb_future *future, enum alb_code begun, struct alb_err *err, const char *what)
{
    if (begun == ALB_OK)
        begun = alb_library_await(&future, NULL, err);
    if (begun != ALB_OK &&
        begun != ALB_E_CONFLICT) { /* CONFLICT: the lease was lost, somebody else does it */
        alb_err_context(err, "%s", what);
        alb_log_err("job queue", err);
    }
}

/* No verdict on the job: it goes back without an attempt less. BUSY is how work of the background yields. */
static bool gives_back(enum alb_code code)
{
    return code == ALB_E_CANCELLED || code == ALB_E_BUSY;
}

static bool may_work_later(enum alb_code code)
{
    return code == ALB_E_TIMEOUT || code == ALB_E_NO_MEMORY || code == ALB_E_NO_SPACE || code == ALB_E_IO ||
           code == ALB_E_TOO_MANY;
}

static void complete(struct alb_runner *r, const struct alb_job *job, enum alb_code code,
                     const struct alb_err *why)
{
    struct alb_jobs *j = r->jobs;
    struct alb_library *lib = j->config.library;
    struct alb_str owner = alb_str_c(r->name);
    struct alb_err err = ALB_ERR_INIT;
    struct alb_future *future = NULL;
    enum alb_code begun;
    if (code == ALB_OK) {
        begun = alb_library_job_done(lib, job->id, owner, &future, &err);
        settle(future, begun, &err, "done");
        atomic_fetch_add(&j->done, 1);
    } else if (gives_back(code)) {
        begun = alb_library_job_release(lib, job->id, owner, &future, &err);
        settle(future, begun, &err, "give back");
    } else {
        begun = alb_library_job_fail(lib, job->id, owner, may_work_later(code), alb_str_c(why->msg), &future,
                                     &err);
        settle(future, begun, &err, "failed");
        atomic_fetch_add(&j->failed, 1);
    }
}

/* `late`: the lease is too old to begin with it. */
static enum alb_code run_job(struct alb_runner *r, const struct alb_job *job, bool late)
{
    struct alb_jobs *j = r->jobs;
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = alb_fail(NULL, ALB_E_UNSUPPORTED, "kind");
    if (late || atomic_load(&j->stopping)) {
        complete(r, job, ALB_E_CANCELLED, &err);
        return ALB_E_CANCELLED;
    }
    atomic_fetch_add(&j->busy, 1);
    for (size_t i = 0; i < ALB_ARRAY_LEN(tbl_kinds); i++)
        if (alb_str_eq_c(job->kind, tbl_kinds[i].kind))
            code = tbl_kinds[i].run(j, job, &err);
    atomic_fetch_sub(&j->busy, 1);
    if (code != ALB_OK && !gives_back(code))
        alb_log(may_work_later(code) ? ALB_LOG_INFO : ALB_LOG_WARN, "job failed",
                ALB_LOG_STR("kind", job->kind), ALB_LOG_INT("subject", job->subject),
                ALB_LOG_INT("attempt", job->attempts), ALB_LOG_C("code", alb_code_name(code)),
                ALB_LOG_C("reason", err.msg));
    complete(r, job, code, &err);
    return code;
}

/* True: there may be more to do at once. False: *next is when to look again at the latest. */
static bool round_of(struct alb_runner *r, int64_t *next, bool *busy)
{
    struct alb_jobs *j = r->jobs;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_future *future = NULL;
    struct alb_obj *result = NULL;
    struct alb_str kinds[ALB_ARRAY_LEN(tbl_kinds)];
    for (size_t i = 0; i < ALB_ARRAY_LEN(tbl_kinds); i++)
        kinds[i] = alb_str_c(tbl_kinds[i].kind);
    int64_t begun = alb_mono(j->config.clock);
    *next = alb_deadline(begun, IDLE_NS);
    enum alb_code code = alb_library_job_lease(j->config.library, kinds, ALB_ARRAY_LEN(kinds),
                                               alb_str_c(r->name), LEASE_MS, BATCH, &future, &err);
    if (code == ALB_OK)
        code = alb_library_await(&future, &result, &err);
    if (code != ALB_OK) {
        alb_log_err("job queue", &err);
        return false;
    }
    struct alb_job_batch *batch = ALB_CONTAINER_OF(result, struct alb_job_batch, obj);
    size_t n = batch->count;
    /* Half of the lease for beginning, half for the last one. What is given back comes again at once, and
     * what has become more urgent meanwhile comes before it. */
    for (size_t i = 0; i < n; i++) {
        bool late = *busy || alb_mono(j->config.clock) - begun > LEASE_MS / 2 * ALB_NS_PER_MS;
        if (run_job(r, &batch->jobs[i], late) == ALB_E_BUSY)
            *busy = true;
    }
    int64_t due_ms =
        batch->next_run_at == INT64_MAX ? INT64_MAX : batch->next_run_at - alb_wall(j->config.clock);
    if (due_ms < IDLE_NS / ALB_NS_PER_MS)
        *next = alb_deadline(alb_mono(j->config.clock), due_ms < 0 ? 0 : due_ms * ALB_NS_PER_MS);
    alb_obj_unref(result);
    return n > 0;
}

static void *runner_main(void *arg)
{
    struct alb_runner *r = arg;
    struct alb_jobs *j = r->jobs;
    while (!atomic_load(&j->stopping)) {
        uint64_t seen = notices(j);
        int64_t next;
        bool busy = false, more = round_of(r, &next, &busy);
        if (busy) /* others are served first: come back in a while, whatever the news */
            alb_jobs_rest(j, alb_deadline(alb_mono(j->config.clock), YIELD_NS));
        else if (!more)
            wait_for_news(j, seen, next);
    }
    return NULL;
}

static unsigned default_runners(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN) / 2;
    return n < 1 ? 1 : (unsigned)n;
}

enum alb_code alb_jobs_start(const struct alb_jobs_config *config, struct alb_jobs **out, struct alb_err *err)
{
    struct alb_jobs *j = alb_mem_calloc(1, sizeof(*j));
    *out = NULL;
    if (!j)
        return alb_fail(err, ALB_E_NO_MEMORY, "jobs");
    j->config = *config;
    alb_mutex_init(&j->mtx, ALB_LOCK_JOBS);
    alb_cond_init(&j->news);
    j->runner_count = config->runners ? config->runners : default_runners();
    j->runners = alb_mem_calloc(j->runner_count, sizeof(*j->runners));
    enum alb_code code = j->runners ? ALB_OK : alb_fail(err, ALB_E_NO_MEMORY, "runners");
    for (unsigned i = 0; code == ALB_OK && i < j->runner_count; i++) {
        struct alb_runner *r = &j->runners[i];
        char unique[17];
        unsigned char random[8];
        alb_random(random, sizeof(random));
        alb_hex(random, sizeof(random), unique);
        r->jobs = j;
        (void)snprintf(r->name, sizeof(r->name), "runner %u %s", i, unique);
        code = alb_thread_start(&r->thread, "runner", runner_main, r, err);
    }
    if (code == ALB_OK)
        code = alb_thread_start(&j->janitor, "janitor", alb_janitor_main, j, err);
    *out = j;
    if (code != ALB_OK)
        alb_jobs_free(out);
    return code;
}

void alb_jobs_stop(struct alb_jobs *j)
{
    atomic_store(&j->stopping, true);
    alb_jobs_notice(j);
    for (unsigned i = 0; j->runners && i < j->runner_count; i++)
        alb_thread_join(&j->runners[i].thread);
    alb_thread_join(&j->janitor);
}

void alb_jobs_free(struct alb_jobs **jobs)
{
    struct alb_jobs *j = *jobs;
    if (!j)
        return;
    *jobs = NULL;
    alb_jobs_stop(j);
    alb_mem_free(j->runners);
    alb_cond_fini(&j->news);
    alb_mutex_fini(&j->mtx);
    alb_mem_free(j);
}

struct alb_jobs_view alb_jobs_look(struct alb_jobs *j)
{
    return (struct alb_jobs_view){
        .runners = j->runner_count,
        .busy = atomic_load(&j->busy),
        .done = atomic_load(&j->done),
        .failed = atomic_load(&j->failed),
    };
}
