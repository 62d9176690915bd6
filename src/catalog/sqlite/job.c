/* SPDX-License-Identifier: Apache-2.0
 *
 * The job queue's rows (contract: catalog/job.h; states: library/job.h).
 *
 * One waiting job per (kind, subject) is a unique index. A job that would wait again while another one waits
 * for the same thing is dropped instead: the waiting one has the same or newer input.
 * Counters per kind are changed together with every state, here only.
 */
#include "catalog/job.h"

#include <string.h>

#include "catalog/sqlite/engine.h"

#define DEFAULT_ATTEMPTS 5
#define RECLAIM_SLICE 1000
#define KINDS_MAX 1000

bool alb_job_valid(const struct alb_job_new *job)
{
    if (job->kind.n == 0 || job->kind.n > ALB_JOB_KIND_MAX || job->args.n > ALB_JOB_ARGS_MAX)
        return false;
    for (size_t i = 0; i < job->kind.n; i++) {
        char c = job->kind.p[i];

        if (!(c >= 'a' && c <= 'z') && c != '.' && c != '-' && c != '_')
            return false;
    }
    return job->priority >= ALB_JOB_LOW && job->priority <= ALB_JOB_HIGH && job->max_attempts >= 0 &&
           alb_str_is_utf8(job->args);
}

/* ---- counters ---- */

static const char *count_query(int state)
{
    switch (state) {
    case ALB_JOB_WAITING:
        return "INSERT INTO job_kind (kind, waiting) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET waiting = "
               "waiting + ?2";
    case ALB_JOB_LEASED:
        return "INSERT INTO job_kind (kind, leased) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET leased = "
               "leased + ?2";
    case ALB_JOB_FAILED:
        return "INSERT INTO job_kind (kind, failed) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET failed = "
               "failed + ?2";
    default:
        return "INSERT INTO job_kind (kind, completed) VALUES (?1, ?2)"
               " ON CONFLICT DO UPDATE SET completed = completed + ?2";
    }
}

#define COMPLETED 3

static enum alb_code count(struct alb_tx *tx, struct alb_str kind, int state, int64_t delta,
                           struct alb_err *err)
{
    struct alb_q q;

    if (delta == 0)
        return ALB_OK;
    alb_q_open(&q, &tx->snap, count_query(state));
    alb_q_str(&q, kind);
    alb_q_i64(&q, delta);
    return alb_q_run(&q, err);
}

static enum alb_code count_move(struct alb_tx *tx, struct alb_str kind, int from, int to, struct alb_err *err)
{
    enum alb_code code = count(tx, kind, from, -1, err);

    return code == ALB_OK ? count(tx, kind, to, 1, err) : code;
}

/* ---- one job, as commands look at it ---- */

struct job {
    int64_t id, subject;
    int state, attempts, max_attempts;
    char kind[ALB_JOB_KIND_MAX + 1];
};

static struct alb_str kind_of(const struct job *j)
{
    return alb_str_c(j->kind);
}

static enum alb_code load(struct alb_snap *s, int64_t id, struct job *j, struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    memset(j, 0, sizeof(*j));
    alb_q_open(&q, s, "SELECT id, subject, state, attempts, max_attempts, kind FROM job WHERE id = ?");
    alb_q_i64(&q, id);
    if (alb_q_first(&q)) {
        j->id = alb_q_int(&q, 0);
        j->subject = alb_q_int(&q, 1);
        j->state = (int)alb_q_int(&q, 2);
        j->attempts = (int)alb_q_int(&q, 3);
        j->max_attempts = (int)alb_q_int(&q, 4);
        if (!alb_str_to_c(alb_q_text(&q, 5), j->kind, sizeof(j->kind)))
            alb_q_give_up(&q, ALB_E_CORRUPT);
    }
    code = alb_q_end(&q, err);
    return code;
}

static enum alb_code load_leased(struct alb_snap *s, int64_t id, struct alb_str owner, struct job *j,
                                 struct alb_err *err)
{
    bool holds = false;
    struct alb_q q;
    enum alb_code code = load(s, id, j, err);

    if (code != ALB_OK)
        return code;
    alb_q_open(&q, s, "SELECT 1 FROM job WHERE id = ? AND state = 1 AND lease_owner = ?");
    alb_q_i64(&q, id);
    alb_q_str(&q, owner);
    holds = alb_q_first(&q);
    code = alb_q_end(&q, err);
    if (code == ALB_OK && !holds)
        return alb_fail(err, ALB_E_CONFLICT, "the lease of job %lld is lost", (long long)id);
    return code;
}

static enum alb_code drop(struct alb_tx *tx, const struct job *j, struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    alb_q_open(&q, &tx->snap, "DELETE FROM job WHERE id = ?");
    alb_q_i64(&q, j->id);
    code = alb_q_run(&q, err);
    return code == ALB_OK ? count(tx, kind_of(j), j->state, -1, err) : code;
}

enum alb_code alb_catalog_job_drop(struct alb_tx *tx, int64_t id, struct alb_err *err)
{
    struct job j;
    enum alb_code code = load(&tx->snap, id, &j, err);

    return code == ALB_OK && j.id != 0 ? drop(tx, &j, err) : code;
}

static enum alb_code has_twin(struct alb_snap *s, const struct job *j, bool *twin, struct alb_err *err)
{
    struct alb_q q;

    alb_q_open(&q, s, "SELECT 1 FROM job WHERE kind = ? AND subject = ? AND state = 0 AND id <> ?");
    alb_q_str(&q, kind_of(j));
    alb_q_i64(&q, j->subject);
    alb_q_i64(&q, j->id);
    *twin = alb_q_first(&q);
    return alb_q_end(&q, err);
}

/* To WAITING, or gone if another one waits for the same thing. */
static enum alb_code wait_again(struct alb_tx *tx, const struct job *j, int64_t run_at, int attempts,
                                struct alb_str error, struct alb_err *err)
{
    bool twin;
    struct alb_q q;
    enum alb_code code = has_twin(&tx->snap, j, &twin, err);

    if (code != ALB_OK)
        return code;
    alb_tx_touch_jobs(tx);
    if (twin)
        return drop(tx, j, err);
    alb_q_open(&q, &tx->snap,
               "UPDATE job SET state = 0, lease_owner = NULL, lease_until = NULL, run_at = ?, attempts = ?,"
               " last_error = CASE WHEN ?3 = '' THEN last_error ELSE ?3 END, updated_at = ? WHERE id = ?");
    alb_q_i64(&q, run_at);
    alb_q_i64(&q, attempts);
    alb_q_str(&q, error);
    alb_q_i64(&q, alb_tx_now(tx));
    alb_q_i64(&q, j->id);
    code = alb_q_run(&q, err);
    return code == ALB_OK ? count_move(tx, kind_of(j), j->state, ALB_JOB_WAITING, err) : code;
}

static enum alb_code give_up(struct alb_tx *tx, const struct job *j, struct alb_str error,
                             struct alb_err *err)
{
    struct alb_q q;
    enum alb_code code;

    alb_q_open(&q, &tx->snap,
               "UPDATE job SET state = 2, lease_owner = NULL, lease_until = NULL, attempts = attempts + 1,"
               " last_error = ?, updated_at = ? WHERE id = ?");
    alb_q_str(&q, error);
    alb_q_i64(&q, alb_tx_now(tx));
    alb_q_i64(&q, j->id);
    code = alb_q_run(&q, err);
    return code == ALB_OK ? count_move(tx, kind_of(j), j->state, ALB_JOB_FAILED, err) : code;
}

/* ---- adding and leasing ---- */

enum alb_code alb_catalog_job_add(struct alb_tx *tx, const struct alb_job_new *job, struct alb_err *err)
{
    int64_t n;
    struct alb_q q;
    enum alb_code code;

    if (!alb_job_valid(job))
        return alb_fail(err, ALB_E_INVALID, "not a job");
    alb_tx_touch_jobs(tx);
    alb_q_open(&q, &tx->snap,
               "UPDATE job SET input_rev = max(input_rev, ?3), priority = max(priority, ?4),"
               " run_at = min(run_at, ?5), updated_at = ?6 WHERE kind = ?1 AND subject = ?2 AND state = 0");
    alb_q_str(&q, job->kind);
    alb_q_i64(&q, job->subject);
    alb_q_i64(&q, job->input_rev);
    alb_q_i64(&q, job->priority);
    alb_q_i64(&q, alb_tx_now(tx) + job->delay_ms);
    alb_q_i64(&q, alb_tx_now(tx));
    code = alb_q_run_count(&q, &n, err);
    if (code != ALB_OK || n > 0)
        return code;
    alb_q_open(&q, &tx->snap,
               "INSERT INTO job (kind, subject, input_rev, priority, run_at, max_attempts, args, created_at,"
               " updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)");
    alb_q_str(&q, job->kind);
    alb_q_i64(&q, job->subject);
    alb_q_i64(&q, job->input_rev);
    alb_q_i64(&q, job->priority);
    alb_q_i64(&q, alb_tx_now(tx) + job->delay_ms);
    alb_q_i64(&q, job->max_attempts > 0 ? job->max_attempts : DEFAULT_ATTEMPTS);
    alb_q_str(&q, job->args);
    alb_q_i64(&q, alb_tx_now(tx));
    code = alb_q_run(&q, err);
    return code == ALB_OK ? count(tx, job->kind, ALB_JOB_WAITING, 1, err) : code;
}

/* One seek of the index (state, kind, priority, run_at) per priority: delayed jobs are never walked over. */
enum alb_code alb_catalog_job_best(struct alb_snap *s, struct alb_str kind, int64_t now_ms,
                                   struct alb_job_pick *pick, bool *found, struct alb_err *err)
{
    bool paused = false;
    struct alb_q q;
    enum alb_code code;

    *found = false;
    alb_q_open(&q, s, "SELECT paused_until > ?2 FROM job_kind WHERE kind = ?1");
    alb_q_str(&q, kind);
    alb_q_i64(&q, now_ms);
    if (alb_q_first(&q))
        paused = alb_q_int(&q, 0) != 0;
    code = alb_q_end(&q, err);
    for (int priority = ALB_JOB_HIGH; code == ALB_OK && !paused && !*found && priority >= ALB_JOB_LOW;
         priority--) {
        alb_q_open(&q, s,
                   "SELECT id, run_at FROM job WHERE state = 0 AND kind = ? AND priority = ? AND run_at <= ?"
                   " ORDER BY run_at, id LIMIT 1");
        alb_q_str(&q, kind);
        alb_q_i64(&q, priority);
        alb_q_i64(&q, now_ms);
        if (alb_q_first(&q)) {
            *found = true;
            pick->id = alb_q_int(&q, 0);
            pick->priority = priority;
            pick->run_at = alb_q_int(&q, 1);
        }
        code = alb_q_end(&q, err);
    }
    return code;
}

enum alb_code alb_catalog_job_next(struct alb_snap *s, struct alb_str kind, int64_t *run_at,
                                   struct alb_err *err)
{
    enum alb_code code = ALB_OK;

    *run_at = INT64_MAX;
    for (int priority = ALB_JOB_LOW; code == ALB_OK && priority <= ALB_JOB_HIGH; priority++) {
        struct alb_q q;

        alb_q_open(
            &q, s,
            "SELECT run_at FROM job WHERE state = 0 AND kind = ? AND priority = ? ORDER BY run_at LIMIT 1");
        alb_q_str(&q, kind);
        alb_q_i64(&q, priority);
        if (alb_q_first(&q) && alb_q_int(&q, 0) < *run_at)
            *run_at = alb_q_int(&q, 0);
        code = alb_q_end(&q, err);
    }
    return code;
}

static enum alb_code read_job(struct alb_snap *s, int64_t id, struct alb_arena *a, struct alb_job *out,
                              struct alb_err *err)
{
    struct alb_q q;

    memset(out, 0, sizeof(*out));
    alb_q_open(&q, s,
               "SELECT id, subject, input_rev, state, priority, attempts, max_attempts, run_at, lease_until,"
               " created_at, kind, args, last_error FROM job WHERE id = ?");
    alb_q_i64(&q, id);
    if (alb_q_first(&q)) {
        out->id = alb_q_int(&q, 0);
        out->subject = alb_q_int(&q, 1);
        out->input_rev = alb_q_int(&q, 2);
        out->state = (enum alb_job_state)alb_q_int(&q, 3);
        out->priority = (enum alb_job_priority)alb_q_int(&q, 4);
        out->attempts = (int)alb_q_int(&q, 5);
        out->max_attempts = (int)alb_q_int(&q, 6);
        out->run_at = alb_q_int(&q, 7);
        out->lease_until = alb_q_int(&q, 8);
        out->created_at = alb_q_int(&q, 9);
        out->kind = alb_q_keep(&q, 10, a);
        out->args = alb_q_keep(&q, 11, a);
        out->last_error = alb_q_keep(&q, 12, a);
    }
    return alb_q_end(&q, err);
}

enum alb_code alb_catalog_job_lease(struct alb_tx *tx, int64_t id, struct alb_str owner, int64_t until_ms,
                                    struct alb_arena *a, struct alb_job *out, struct alb_err *err)
{
    struct job j;
    int64_t n;
    struct alb_q q;
    enum alb_code code = load(&tx->snap, id, &j, err);

    if (code != ALB_OK)
        return code;
    alb_q_open(&q, &tx->snap,
               "UPDATE job SET state = 1, lease_owner = ?, lease_until = ?, updated_at = ? WHERE id = ? AND "
               "state = 0");
    alb_q_str(&q, owner);
    alb_q_i64(&q, until_ms);
    alb_q_i64(&q, alb_tx_now(tx));
    alb_q_i64(&q, id);
    code = alb_q_run_count(&q, &n, err);
    if (code == ALB_OK && n == 0)
        return alb_fail(err, ALB_E_CONFLICT, "job %lld does not wait", (long long)id);
    if (code == ALB_OK)
        code = count_move(tx, kind_of(&j), ALB_JOB_WAITING, ALB_JOB_LEASED, err);
    return code == ALB_OK ? read_job(&tx->snap, id, a, out, err) : code;
}

/* ---- ending a lease ---- */

enum alb_code alb_catalog_job_done(struct alb_tx *tx, int64_t id, struct alb_str owner, struct alb_err *err)
{
    struct job j;
    enum alb_code code = load_leased(&tx->snap, id, owner, &j, err);

    if (code == ALB_OK)
        code = drop(tx, &j, err);
    return code == ALB_OK ? count(tx, kind_of(&j), COMPLETED, 1, err) : code;
}

enum alb_code alb_catalog_job_extend(struct alb_tx *tx, int64_t id, struct alb_str owner, int64_t until_ms,
                                     struct alb_err *err)
{
    struct job j;
    struct alb_q q;
    enum alb_code code = load_leased(&tx->snap, id, owner, &j, err);

    if (code != ALB_OK)
        return code;
    alb_q_open(&q, &tx->snap, "UPDATE job SET lease_until = max(lease_until, ?) WHERE id = ?");
    alb_q_i64(&q, until_ms);
    alb_q_i64(&q, id);
    return alb_q_run(&q, err);
}

enum alb_code alb_catalog_job_fail(struct alb_tx *tx, int64_t id, struct alb_str owner, int64_t retry_at,
                                   bool count_attempt, struct alb_str error, struct alb_err *err)
{
    struct job j;
    enum alb_code code = load_leased(&tx->snap, id, owner, &j, err);

    if (code != ALB_OK)
        return code;
    error = alb_str_sub(error, 0, 1000);
    if (retry_at < 0 || (count_attempt && j.attempts + 1 >= j.max_attempts))
        return give_up(tx, &j, error, err);
    return wait_again(tx, &j, retry_at, j.attempts + count_attempt, error, err);
}

enum alb_code alb_catalog_job_attempts(struct alb_snap *s, int64_t id, struct alb_str owner, int *attempts,
                                       struct alb_err *err)
{
    struct job j;
    enum alb_code code = load_leased(s, id, owner, &j, err);

    *attempts = j.attempts;
    return code;
}

/* A lease that nobody ended. While we live it counts as an attempt: a job that holds up its runner again and
 * again must end somewhere. At a new start it is most likely not the job's fault: it never fails for that,
 * but what was there at several ends in a row waits a while, so that a job that kills us leaves us time
 * between. */
static enum alb_code take_back(struct alb_tx *tx, const struct job *j, bool new_start, struct alb_err *err)
{
    int attempts = j->attempts + 1;
    int64_t wait = 0;

    if (attempts >= j->max_attempts) {
        if (!new_start)
            return give_up(tx, j, ALB_STR("the runner did not finish in time"), err);
        attempts = j->max_attempts - 1;
    }
    if (new_start && attempts >= 2)
        wait = attempts < 6 ? (int64_t)1000 << attempts : 60000;
    return wait_again(tx, j, alb_tx_now(tx) + wait, attempts, ALB_STR_NONE, err);
}

enum alb_code alb_catalog_job_reclaim(struct alb_tx *tx, int64_t now_ms, int64_t *taken, struct alb_err *err)
{
    enum alb_code code = ALB_OK;

    *taken = 0;
    while (code == ALB_OK && *taken < RECLAIM_SLICE) {
        int64_t id = 0;
        struct job j;
        struct alb_q q;

        alb_q_open(&q, &tx->snap,
                   "SELECT id FROM job WHERE state = 1 AND lease_until < ? ORDER BY lease_until LIMIT 1");
        alb_q_i64(&q, now_ms);
        if (alb_q_first(&q))
            id = alb_q_int(&q, 0);
        code = alb_q_end(&q, err);
        if (code != ALB_OK || id == 0)
            break;
        code = load(&tx->snap, id, &j, err);
        if (code == ALB_OK)
            code = take_back(tx, &j, now_ms == INT64_MAX, err);
        ++*taken;
    }
    return code;
}

/* ---- for people ---- */

enum alb_code alb_catalog_job_retry(struct alb_tx *tx, struct alb_str kind, bool drop_them, int64_t *n,
                                    struct alb_err *err)
{
    enum alb_code code = ALB_OK;

    *n = 0;
    while (code == ALB_OK && !alb_tx_slice_over(tx)) {
        int64_t id = 0;
        struct job j;
        struct alb_q q;

        alb_q_open(&q, &tx->snap,
                   "SELECT id FROM job WHERE state = 2 AND kind = ? ORDER BY priority, run_at, id LIMIT 1");
        alb_q_str(&q, kind);
        if (alb_q_first(&q))
            id = alb_q_int(&q, 0);
        code = alb_q_end(&q, err);
        if (code != ALB_OK || id == 0)
            break;
        code = load(&tx->snap, id, &j, err);
        if (code == ALB_OK)
            code = drop_them ? drop(tx, &j, err) : wait_again(tx, &j, alb_tx_now(tx), 0, ALB_STR_NONE, err);
        ++*n;
    }
    if (code == ALB_OK && alb_tx_slice_over(tx))
        alb_tx_again(tx);
    return code;
}

enum alb_code alb_catalog_job_pause(struct alb_tx *tx, struct alb_str kind, int64_t until_ms, int64_t actor,
                                    struct alb_err *err)
{
    struct alb_q q;

    alb_tx_touch_jobs(tx);
    alb_q_open(
        &q, &tx->snap,
        "INSERT INTO job_kind (kind, paused_until, paused_by) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET paused_until = excluded.paused_until, paused_by = excluded.paused_by");
    alb_q_str(&q, kind);
    alb_q_i64(&q, until_ms);
    alb_q_i64(&q, actor);
    return alb_q_run(&q, err);
}

enum alb_code alb_catalog_job_counts(struct alb_snap *s, int64_t now_ms, struct alb_arena *a,
                                     struct alb_job_counts **list, size_t *n, struct alb_err *err)
{
    size_t got = 0;
    struct alb_q q;
    enum alb_code code;

    *n = 0;
    *list = alb_arena_calloc(a, KINDS_MAX, sizeof(**list));
    if (*list == NULL)
        return alb_fail(err, alb_arena_code(a), "no room for the kinds of jobs");
    alb_q_open(&q, s,
               "SELECT kind, waiting, leased, failed, completed, paused_until FROM job_kind ORDER BY kind");
    while (got < KINDS_MAX && alb_q_row(&q)) {
        struct alb_job_counts *c = &(*list)[got++];

        c->kind = alb_q_keep(&q, 0, a);
        c->waiting = alb_q_int(&q, 1);
        c->leased = alb_q_int(&q, 2);
        c->failed = alb_q_int(&q, 3);
        c->completed = alb_q_int(&q, 4);
        c->paused_until = alb_q_int(&q, 5);
        c->paused = c->paused_until > now_ms;
    }
    code = alb_q_end(&q, err);
    *n = code == ALB_OK ? got : 0;
    return code;
}
