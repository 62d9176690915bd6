/* SPDX-License-Identifier: Apache-2.0
 *
 * The durable queue for runners and people (contract: library/job.h).
 */
#include "library/job.h"

#include <string.h>

#include "base/mem.h"
#include "library/priv.h"

#define BACKOFF_FIRST_MS ((int64_t)2000)
#define BACKOFF_MAX_MS ((int64_t)3600000)
#define KINDS_MAX 64

/* ---- adding ---- */

struct add_args {
    const struct alb_job_new *jobs;
    size_t count;
};

static enum alb_code add_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                              struct alb_err *err)
{
    const struct add_args *args = alb_args_of(obj);
    enum alb_code code = ALB_OK;

    for (size_t i = 0; code == ALB_OK && i < args->count; i++)
        code = alb_catalog_job_add(tx, &args->jobs[i], err);
    return code == ALB_OK ? alb_done_give(result, 0, (int64_t)args->count, NULL, err) : code;
}

enum alb_code alb_library_job_add(struct alb_library *lib, const struct alb_job_new *jobs, size_t count,
                                  struct alb_future **future, struct alb_err *err)
{
    struct alb_call *c = alb_call_new(lib, NULL, ALB_CALL_LARGE, sizeof(struct add_args));

    *future = NULL;
    if (c != NULL) {
        struct add_args *args = c->args;

        args->jobs = alb_call_jobs(c, jobs, count);
        args->count = count;
    }
    return alb_call_write(&c, "job-add", add_unit, future, err);
}

/* ---- leasing ---- */

struct lease_args {
    const struct alb_str *kinds;
    size_t kind_count, max;
    struct alb_str owner;
    int64_t lease_ms;
};

static void batch_release(struct alb_obj *obj)
{
    struct alb_job_batch *b = ALB_CONTAINER_OF(obj, struct alb_job_batch, obj);

    alb_arena_free(&b->arena);
    alb_mem_free(b);
}

/* The best over all kinds: priority, then time, then age. */
static enum alb_code best_of_kinds(struct alb_tx *tx, const struct lease_args *args,
                                   struct alb_job_pick *best, bool *found, struct alb_err *err)
{
    enum alb_code code = ALB_OK;

    *found = false;
    for (size_t i = 0; code == ALB_OK && i < args->kind_count; i++) {
        struct alb_job_pick pick;
        bool one;

        code = alb_catalog_job_best(alb_tx_snap(tx), args->kinds[i], alb_tx_now(tx), &pick, &one, err);
        if (code != ALB_OK || !one)
            continue;
        if (!*found || pick.priority > best->priority ||
            (pick.priority == best->priority &&
             (pick.run_at < best->run_at || (pick.run_at == best->run_at && pick.id < best->id))))
            *best = pick;
        *found = true;
    }
    return code;
}

static enum alb_code fill_batch(struct alb_tx *tx, const struct lease_args *args, struct alb_job_batch *b,
                                struct alb_err *err)
{
    struct alb_job *jobs = alb_arena_calloc(b->arena, args->max, sizeof(*jobs));
    enum alb_code code = ALB_OK;

    if (jobs == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for %zu jobs", args->max);
    b->jobs = jobs;
    b->next_run_at = INT64_MAX;
    while (code == ALB_OK && b->count < args->max) {
        struct alb_job_pick pick = {0};
        bool found;

        code = best_of_kinds(tx, args, &pick, &found, err);
        if (code != ALB_OK || !found)
            break;
        code = alb_catalog_job_lease(tx, pick.id, args->owner, alb_tx_now(tx) + args->lease_ms, b->arena,
                                     &jobs[b->count], err);
        b->count += code == ALB_OK;
    }
    for (size_t i = 0; code == ALB_OK && i < args->kind_count; i++) {
        int64_t run_at;

        code = alb_catalog_job_next(alb_tx_snap(tx), args->kinds[i], &run_at, err);
        if (run_at < b->next_run_at)
            b->next_run_at = run_at;
    }
    return code;
}

static enum alb_code lease_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                struct alb_err *err)
{
    struct alb_job_batch *b = alb_mem_calloc(1, sizeof(*b));
    enum alb_code code;

    if (b == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for jobs");
    alb_obj_init(&b->obj, batch_release);
    b->arena = alb_unit_arena(err);
    code = b->arena != NULL ? fill_batch(tx, alb_args_of(obj), b, err) : ALB_E_NO_MEMORY;
    if (code == ALB_OK)
        *result = &b->obj;
    else
        alb_obj_unref(&b->obj);
    return code;
}

enum alb_code alb_library_job_lease(struct alb_library *lib, const struct alb_str *kinds, size_t kind_count,
                                    struct alb_str owner, int64_t lease_ms, size_t max,
                                    struct alb_future **future, struct alb_err *err)
{
    struct alb_call *c;

    *future = NULL;
    if (kind_count == 0 || kind_count > KINDS_MAX || max == 0 || max > ALB_JOB_LEASE_MAX || owner.n == 0 ||
        lease_ms <= 0)
        return alb_fail(err, ALB_E_INVALID, "a lease needs kinds, an owner and a time");
    c = alb_call_new(lib, NULL, ALB_CALL_SMALL, sizeof(struct lease_args));
    if (c != NULL) {
        struct lease_args *args = c->args;
        struct alb_str *copy = alb_call_copy(c, kinds, kind_count, sizeof(*kinds));

        for (size_t i = 0; copy != NULL && i < kind_count; i++)
            copy[i] = alb_call_str(c, kinds[i]);
        args->kinds = copy;
        args->kind_count = kind_count;
        args->max = max;
        args->owner = alb_call_str(c, owner);
        args->lease_ms = lease_ms;
    }
    return alb_call_write_background(&c, "job-lease", lease_unit, future, err);
}

/* ---- ending a lease ---- */

struct end_args {
    int64_t job, lease_ms;
    struct alb_str owner, error;
    bool retry;
};

static enum alb_code write_end(struct alb_library *lib, const struct end_args *what, const char *name,
                               alb_catalog_unit_fn *run, struct alb_future **future, struct alb_err *err)
{
    struct alb_call *c = alb_call_new(lib, NULL, ALB_CALL_SMALL, sizeof(*what));

    *future = NULL;
    if (c != NULL) {
        struct end_args *args = c->args;

        *args = *what;
        args->owner = alb_call_str(c, what->owner);
        args->error = alb_call_str(c, alb_str_sub(what->error, 0, 1000));
    }
    /* Foreground: a runner that cannot report back makes the work be done twice. */
    return alb_call_write(&c, name, run, future, err);
}

static enum alb_code done_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                               struct alb_err *err)
{
    const struct end_args *args = alb_args_of(obj);
    enum alb_code code = alb_catalog_job_done(tx, args->job, args->owner, err);

    return code == ALB_OK ? alb_done_give(result, args->job, 1, NULL, err) : code;
}

enum alb_code alb_library_job_done(struct alb_library *lib, int64_t job, struct alb_str owner,
                                   struct alb_future **future, struct alb_err *err)
{
    struct end_args what = {.job = job, .owner = owner};

    return write_end(lib, &what, "job-done", done_unit, future, err);
}

static enum alb_code extend_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                 struct alb_err *err)
{
    const struct end_args *args = alb_args_of(obj);
    enum alb_code code =
        alb_catalog_job_extend(tx, args->job, args->owner, alb_tx_now(tx) + args->lease_ms, err);

    return code == ALB_OK ? alb_done_give(result, args->job, 1, NULL, err) : code;
}

enum alb_code alb_library_job_extend(struct alb_library *lib, int64_t job, struct alb_str owner,
                                     int64_t lease_ms, struct alb_future **future, struct alb_err *err)
{
    struct end_args what = {.job = job, .owner = owner, .lease_ms = lease_ms};

    return write_end(lib, &what, "job-extend", extend_unit, future, err);
}

/* Doubling from 2 s to 1 h, plus up to a quarter by chance so that what failed together does not come back
 * together. Chance is no effect outside the transaction: another run of the unit may choose another time. */
static int64_t back_off(int attempts)
{
    int64_t ms = BACKOFF_FIRST_MS;
    uint32_t chance;

    for (int i = 0; i < attempts && ms < BACKOFF_MAX_MS; i++)
        ms *= 2;
    if (ms > BACKOFF_MAX_MS)
        ms = BACKOFF_MAX_MS;
    alb_random(&chance, sizeof(chance));
    return ms + (int64_t)(chance % (uint32_t)(ms / 4 + 1));
}

static enum alb_code fail_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                               struct alb_err *err)
{
    const struct end_args *args = alb_args_of(obj);
    int attempts;
    enum alb_code code = alb_catalog_job_attempts(alb_tx_snap(tx), args->job, args->owner, &attempts, err);

    if (code == ALB_OK)
        code = alb_catalog_job_fail(tx, args->job, args->owner,
                                    args->retry ? alb_tx_now(tx) + back_off(attempts) : -1, true, args->error,
                                    err);
    return code == ALB_OK ? alb_done_give(result, args->job, 1, NULL, err) : code;
}

enum alb_code alb_library_job_fail(struct alb_library *lib, int64_t job, struct alb_str owner, bool retry,
                                   struct alb_str error, struct alb_future **future, struct alb_err *err)
{
    struct end_args what = {.job = job, .owner = owner, .retry = retry, .error = error};

    return write_end(lib, &what, "job-fail", fail_unit, future, err);
}

static enum alb_code release_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                  struct alb_err *err)
{
    const struct end_args *args = alb_args_of(obj);
    enum alb_code code =
        alb_catalog_job_fail(tx, args->job, args->owner, alb_tx_now(tx), false, ALB_STR_NONE, err);

    return code == ALB_OK ? alb_done_give(result, args->job, 1, NULL, err) : code;
}

enum alb_code alb_library_job_release(struct alb_library *lib, int64_t job, struct alb_str owner,
                                      struct alb_future **future, struct alb_err *err)
{
    struct end_args what = {.job = job, .owner = owner};

    return write_end(lib, &what, "job-release", release_unit, future, err);
}

/* ---- for people ---- */

struct kind_args {
    struct alb_str kind;
    int64_t until_ms, actor;
    bool drop;
};

static enum alb_code write_kind(struct alb_library *lib, const struct kind_args *what, const char *name,
                                alb_catalog_unit_fn *run, struct alb_future **future, struct alb_err *err)
{
    struct alb_call *c;

    *future = NULL;
    if (what->kind.n == 0 || what->kind.n > ALB_JOB_KIND_MAX)
        return alb_fail(err, ALB_E_INVALID, "no such kind of job");
    c = alb_call_new(lib, NULL, ALB_CALL_SMALL, sizeof(*what));
    if (c != NULL) {
        struct kind_args *args = c->args;

        *args = *what;
        args->kind = alb_call_str(c, what->kind);
    }
    return alb_call_write(&c, name, run, future, err);
}

static enum alb_code retry_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                struct alb_err *err)
{
    const struct kind_args *args = alb_args_of(obj);
    int64_t n;
    enum alb_code code = alb_catalog_job_retry(tx, args->kind, args->drop, &n, err);

    return code == ALB_OK ? alb_done_give(result, 0, n, NULL, err) : code;
}

enum alb_code alb_library_job_retry(struct alb_library *lib, struct alb_str kind, bool drop,
                                    struct alb_future **future, struct alb_err *err)
{
    struct kind_args what = {.kind = kind, .drop = drop};

    return write_kind(lib, &what, "job-retry", retry_unit, future, err);
}

static enum alb_code pause_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                struct alb_err *err)
{
    const struct kind_args *args = alb_args_of(obj);
    enum alb_code code = alb_catalog_job_pause(tx, args->kind, args->until_ms, args->actor, err);

    return code == ALB_OK ? alb_done_give(result, 0, 1, NULL, err) : code;
}

enum alb_code alb_library_job_pause(struct alb_library *lib, struct alb_str kind, int64_t until_ms,
                                    int64_t actor, struct alb_future **future, struct alb_err *err)
{
    struct kind_args what = {.kind = kind, .until_ms = until_ms, .actor = actor};

    return write_kind(lib, &what, "job-pause", pause_unit, future, err);
}

enum alb_code alb_library_job_counts(struct alb_library *lib, struct alb_arena *a,
                                     struct alb_job_counts **list, size_t *count, struct alb_err *err)
{
    struct alb_snap *s;
    enum alb_code code = alb_catalog_read(lib->cat, &s, err);

    *list = NULL;
    *count = 0;
    if (code != ALB_OK)
        return code;
    code = alb_catalog_job_counts(s, alb_wall(lib->clock), a, list, count, err);
    alb_catalog_read_end(&s);
    return code;
}
