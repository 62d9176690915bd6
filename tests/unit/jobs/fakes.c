/* SPDX-License-Identifier: Apache-2.0
 * The fakes (fakes.h).
 */
#include "fakes.h"

#include "base/check.h"
#include "library/job.h"

struct fake_queue fake_queue;

static pthread_mutex_t mtx = PTHREAD_MUTEX_INITIALIZER;

void fake_lock(void)
{
    (void)pthread_mutex_lock(&mtx);
}

void fake_unlock(void)
{
    (void)pthread_mutex_unlock(&mtx);
}

void fake_reset(void)
{
    memset(&fake_queue, 0, sizeof(fake_queue));
}

unsigned fake_add(struct alb_jobs *jobs, const char *kind)
{
    fake_lock();
    ALB_CHECK(fake_queue.count < FAKE_JOBS);
    unsigned i = fake_queue.count++;
    fake_queue.jobs[i] = (struct fake_job){.kind = kind, .waiting = true};
    fake_unlock();
    if (jobs)
        alb_jobs_notice(jobs);
    return i;
}

struct fake_job fake_look(unsigned job)
{
    fake_lock();
    struct fake_job copy = fake_queue.jobs[job];
    fake_unlock();
    return copy;
}

/* ---- results ---- */

struct alb_obj *alb_fake_done(void);

static void plain_free(struct alb_obj *obj)
{
    alb_mem_free(obj);
}

static enum alb_code settled(struct alb_future **future, struct alb_obj *obj)
{
    struct alb_owner owner;
    ALB_CHECK(alb_future_new(future, &owner) == ALB_OK);
    (void)alb_future_settle(&owner, obj);
    return ALB_OK;
}

struct alb_obj *alb_fake_done(void)
{
    struct alb_done *d = alb_mem_calloc(1, sizeof(*d));
    ALB_CHECK(d);
    alb_obj_init(&d->obj, plain_free);
    return &d->obj;
}

enum alb_code alb_library_await(struct alb_future **future, struct alb_obj **result, struct alb_err *err)
{
    enum alb_code code = alb_future_await(*future, ALB_NEVER, err);
    if (result)
        *result = code == ALB_OK ? alb_obj_ref(alb_future_result(*future)) : NULL;
    alb_future_unref(*future);
    *future = NULL;
    return code;
}

/* ---- pending futures ---- */

static struct alb_owner pending[16];
static unsigned pending_n;

struct alb_future *fake_pending(void)
{
    struct alb_future *f;
    fake_lock();
    ALB_CHECK(pending_n < ALB_ARRAY_LEN(pending) && alb_future_new(&f, &pending[pending_n]) == ALB_OK);
    pending_n++;
    fake_unlock();
    return f;
}

void fake_end_pending(enum alb_code code)
{
    struct alb_err err = ALB_ERR_INIT;
    fake_lock();
    ALB_CHECK(pending_n > 0);
    struct alb_owner owner = pending[0];
    memmove(&pending[0], &pending[1], --pending_n * sizeof(pending[0]));
    fake_unlock();
    if (code == ALB_OK) {
        (void)alb_future_settle(&owner, alb_fake_done());
        return;
    }
    (void)alb_fail(&err, code, "the test says so");
    (void)alb_future_fail(&owner, &err);
}

unsigned fake_pending_count(void)
{
    fake_lock();
    unsigned n = pending_n;
    fake_unlock();
    return n;
}

/* ---- the queue ---- */

struct batch {
    struct alb_job_batch batch;
    struct alb_job jobs[FAKE_JOBS];
};

enum alb_code alb_library_job_lease(struct alb_library *lib, const struct alb_str *kinds, size_t kind_count,
                                    struct alb_str owner, int64_t lease_ms, size_t max,
                                    struct alb_future **future, struct alb_err *err)
{
    struct batch *b = alb_mem_calloc(1, sizeof(*b));
    (void)lib;
    ALB_CHECK(b && kind_count > 0 && owner.n > 0 && lease_ms > 0 && max > 0);
    alb_obj_init(&b->batch.obj, plain_free);
    b->batch.jobs = b->jobs;
    b->batch.next_run_at = INT64_MAX;
    fake_lock();
    enum alb_code code = fake_queue.lease;
    for (unsigned i = 0; code == ALB_OK && i < fake_queue.count && b->batch.count < max; i++) {
        struct fake_job *j = &fake_queue.jobs[i];
        bool mine = false;
        for (size_t k = 0; k < kind_count; k++)
            mine |= alb_str_eq_c(kinds[k], j->kind);
        if (!j->waiting || !mine)
            continue;
        j->waiting = false;
        j->leased = true;
        j->leases++;
        b->jobs[b->batch.count++] =
            (struct alb_job){.id = (int64_t)i + 1, .subject = (int64_t)i + 1, .kind = alb_str_c(j->kind)};
    }
    if (b->batch.count > fake_queue.most_leased)
        fake_queue.most_leased = (unsigned)b->batch.count;
    fake_unlock();
    if (code != ALB_OK) {
        alb_mem_free(b);
        *future = NULL;
        return alb_fail(err, code, "the fake queue says so");
    }
    return settled(future, &b->batch.obj);
}

static enum alb_code end_lease(int64_t job, struct alb_str owner, struct alb_future **future, int how)
{
    ALB_CHECK(job >= 1 && job <= FAKE_JOBS && owner.n > 0);
    fake_lock();
    struct fake_job *j = &fake_queue.jobs[job - 1];
    ALB_CHECK(j->leased);
    j->leased = false;
    j->done += how == 0;
    j->retried += how == 1;
    j->failed += how == 2;
    j->released += how == 3;
    fake_unlock();
    return settled(future, alb_fake_done());
}

enum alb_code alb_library_job_done(struct alb_library *lib, int64_t job, struct alb_str owner,
                                   struct alb_future **future, struct alb_err *err)
{
    (void)lib;
    (void)err;
    return end_lease(job, owner, future, 0);
}

enum alb_code alb_library_job_fail(struct alb_library *lib, int64_t job, struct alb_str owner, bool retry,
                                   struct alb_str error, struct alb_future **future, struct alb_err *err)
{
    (void)lib;
    (void)err;
    ALB_CHECK(error.n > 0);
    return end_lease(job, owner, future, retry ? 1 : 2);
}

enum alb_code alb_library_job_release(struct alb_library *lib, int64_t job, struct alb_str owner,
                                      struct alb_future **future, struct alb_err *err)
{
    (void)lib;
    (void)err;
    return end_lease(job, owner, future, 3);
}
