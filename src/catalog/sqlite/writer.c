/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer: one thread, one connection, group commit (contract: catalog.h).
 *
 * Life of a unit: `struct alb_unit` is made by alb_catalog_write, linked into the queue, taken by the writer,
 * and freed by it after its future has ended. The queue counts only units that wait; units of the open group
 * are on the writer's own list until the COMMIT.
 *
 * Threads: alb_catalog_write* any; all else the writer thread. Lock: CATALOG_QUEUE, never held over SQL or a
 * callback.
 */
#include "catalog/sqlite/engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stat.h"

struct alb_unit {
    struct alb_unit *next;
    struct alb_catalog_unit what;
    struct alb_owner owner; /* future NULL: nobody wants to know */
    int64_t queued_at;      /* monotonic */
    struct alb_obj *result;
    bool again;
    struct alb_err err;
};

/* ---- the result that says nothing ---- */

static void never_freed(struct alb_obj *obj)
{
    (void)obj;
    alb_panic(__FILE__, "the empty result was released once too often");
}

static struct alb_obj nothing;
static pthread_once_t nothing_once = PTHREAD_ONCE_INIT;

static void make_nothing(void)
{
    alb_obj_init(&nothing, never_freed);
}

/* ---- queue ---- */

static void unit_free(struct alb_unit *u)
{
    alb_obj_unref(u->what.args);
    alb_obj_unref(u->result);
    alb_mem_free(u);
}

/* Ends the unit's future with what the unit holds. Never under a lock. */
static void unit_finish(struct alb_unit *u)
{
    if (u->owner.future != NULL) {
        if (u->err.code != ALB_OK) {
            alb_future_fail(&u->owner, &u->err);
        } else {
            struct alb_obj *result = u->result ? u->result : alb_obj_ref(&nothing);

            u->result = NULL;
            alb_future_settle(&u->owner, result);
        }
    }
    unit_free(u);
}

static void push_locked(struct alb_catalog *cat, struct alb_unit *u)
{
    u->next = NULL;
    *cat->tail = u;
    cat->tail = &u->next;
    cat->queued++;
    alb_stat_inc(ALB_STAT_CATALOG_QUEUED);
}

static struct alb_unit *pop_locked(struct alb_catalog *cat)
{
    struct alb_unit *u = cat->head;

    if (u == NULL)
        return NULL;
    cat->head = u->next;
    if (cat->head == NULL)
        cat->tail = &cat->head;
    cat->queued--;
    alb_stat_dec(ALB_STAT_CATALOG_QUEUED);
    cat->running = u->what.name;
    if (cat->group_since == 0 || u->queued_at < cat->group_since)
        cat->group_since = u->queued_at;
    return u;
}

/* Queues u; on refusal sets *err and leaves u with the caller. */
static enum alb_code enqueue(struct alb_catalog *cat, struct alb_unit *u, struct alb_err *err)
{
    enum alb_code code = ALB_OK;
    unsigned room = u->what.background ? cat->config.queue_max / 2 : cat->config.queue_max;

    u->queued_at = alb_mono(alb_clock_real());
    alb_mutex_lock(&cat->queue_mtx);
    if (cat->closing)
        code = ALB_E_CANCELLED;
    else if (cat->queued >= room)
        code = ALB_E_BUSY;
    else
        push_locked(cat, u);
    if (code == ALB_OK)
        alb_cond_signal(&cat->queue_cond);
    alb_mutex_unlock(&cat->queue_mtx);
    if (code == ALB_E_BUSY)
        return alb_fail(err, code, "%u writes wait already", room);
    return code == ALB_OK ? ALB_OK : alb_fail(err, code, "the catalog is closing");
}

static struct alb_unit *unit_new(const struct alb_catalog_unit *unit)
{
    struct alb_unit *u = alb_mem_calloc(1, sizeof(*u));

    pthread_once(&nothing_once, make_nothing);
    if (u == NULL)
        alb_obj_unref(unit->args);
    else
        u->what = *unit;
    return u;
}

enum alb_code alb_catalog_write(struct alb_catalog *cat, const struct alb_catalog_unit *unit,
                                struct alb_future **future, struct alb_err *err)
{
    struct alb_future *f = NULL;
    struct alb_err why = ALB_ERR_INIT;
    struct alb_unit *u = unit_new(unit);
    enum alb_code code;

    if (future != NULL)
        *future = NULL;
    if (u == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to queue %s", unit->name);
    if (future != NULL) {
        code = alb_future_new(&f, &u->owner);
        if (code != ALB_OK) {
            unit_free(u);
            return alb_fail(err, code, "no memory to queue %s", unit->name);
        }
    }
    code = enqueue(cat, u, &why);
    if (code != ALB_OK) {
        u->err = why;
        unit_finish(u);
        alb_future_unref(f);
        return alb_fail(err, code, "%s: %s", unit->name, why.msg);
    }
    if (future != NULL)
        *future = f;
    return ALB_OK;
}

void alb_catalog_write_for(struct alb_catalog *cat, const struct alb_catalog_unit *unit,
                           struct alb_owner *owner)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_unit *u = unit_new(unit);

    if (u == NULL) {
        alb_ignore(alb_fail(&err, ALB_E_NO_MEMORY, "no memory to queue %s", unit->name),
                   "told by the future");
        alb_future_fail(owner, &err);
        return;
    }
    u->owner = *owner;
    *owner = ALB_OWNER_NONE;
    if (enqueue(cat, u, &err) != ALB_OK) {
        u->err = err;
        unit_finish(u);
    }
}

enum alb_code alb_catalog_write_now(struct alb_catalog *cat, const struct alb_catalog_unit *unit,
                                    struct alb_obj **result, struct alb_err *err)
{
    struct alb_future *f;
    enum alb_code code = alb_catalog_write(cat, unit, &f, err);

    if (result != NULL)
        *result = NULL;
    if (code != ALB_OK)
        return code;
    code = alb_future_await(f, ALB_NEVER, err);
    if (code == ALB_OK && result != NULL)
        *result = alb_obj_ref(alb_future_result(f));
    alb_future_unref(f);
    return code;
}

/* ---- inside a unit ---- */

struct alb_snap *alb_tx_snap(struct alb_tx *tx)
{
    return &tx->snap;
}

int64_t alb_tx_now(const struct alb_tx *tx)
{
    return tx->now_ms;
}

const struct alb_clock *alb_tx_clock(const struct alb_tx *tx)
{
    return tx->cat->config.clock;
}

void alb_tx_again(struct alb_tx *tx)
{
    tx->again = true;
}

bool alb_tx_slice_over(const struct alb_tx *tx)
{
    return alb_mono(alb_clock_real()) >= tx->slice_end_ns;
}

void alb_tx_touch_rights(struct alb_tx *tx)
{
    tx->rights = true;
}

void alb_tx_touch_jobs(struct alb_tx *tx)
{
    tx->jobs = true;
}

void alb_tx_touch_asset(struct alb_tx *tx, int64_t asset_id)
{
    if (tx->asset_count > 0 && tx->assets[tx->asset_count - 1] == asset_id)
        return;
    if (tx->asset_count == ALB_TOUCH_MAX)
        tx->all_assets = true;
    else
        tx->assets[tx->asset_count++] = asset_id;
}

void alb_tx_note_change(struct alb_tx *tx, int64_t seq)
{
    if (seq > tx->last_change)
        tx->last_change = seq;
}

enum alb_code alb_tx_try(struct alb_tx *tx, alb_catalog_try_fn *fn, void *arg, struct alb_err *err)
{
    struct alb_dbconn *c = tx->snap.conn;
    size_t assets_before = tx->asset_count;
    int64_t change_before = tx->last_change;
    enum alb_code code = alb_dbconn_exec(c, "SAVEPOINT try", err);

    if (code != ALB_OK)
        return code;
    code = fn(tx, arg, err);
    if (code == ALB_OK)
        return alb_dbconn_exec(c, "RELEASE try", err);
    tx->asset_count = assets_before;
    tx->last_change = change_before;
    if (!c->lost && alb_dbconn_exec(c, "ROLLBACK TO try; RELEASE try", NULL) != ALB_OK)
        c->lost = true;
    return code;
}

/* ---- the writer thread ---- */

static void run_unit(struct alb_catalog *cat, struct alb_unit *u)
{
    struct alb_tx *tx = &cat->tx;
    struct alb_dbconn *c = cat->writer;
    size_t assets_before = tx->asset_count;
    int64_t change_before = tx->last_change;
    enum alb_code code;

    if (alb_dbconn_exec(c, "SAVEPOINT unit", &u->err) != ALB_OK)
        return;
    tx->now_ms = alb_wall(cat->config.clock);
    tx->slice_end_ns = alb_deadline(alb_mono(alb_clock_real()), cat->config.group_ns);
    tx->again = false;
    alb_thread_working_on(u->what.name);
    code = u->what.run(tx, u->what.args, &u->result, &u->err);
    alb_thread_working_on(NULL);
    if (code == ALB_OK) {
        alb_err_clear(&u->err); /* a unit may have tried something and gone on */
        u->again = tx->again;
        alb_ignore(alb_dbconn_exec(c, "RELEASE unit", &u->err), "in u->err");
        return;
    }
    if (u->err.code == ALB_OK)
        alb_ignore(alb_fail(&u->err, code, "%s failed", u->what.name), "in u->err");
    tx->asset_count = assets_before; /* rights, jobs and all_assets may stay raised: harmless */
    tx->last_change = change_before;
    if (!c->lost && alb_dbconn_exec(c, "ROLLBACK TO unit; RELEASE unit", NULL) != ALB_OK)
        c->lost = true;
}

/* The group as a whole cannot go on: everything in it is undone, every unit of it fails. */
static void fail_group(struct alb_catalog *cat, struct alb_unit *group, const struct alb_err *why)
{
    if (sqlite3_get_autocommit(cat->writer->db) == 0)
        alb_ignore(alb_dbconn_exec(cat->writer, "ROLLBACK", NULL), "the next BEGIN shows what is wrong");
    cat->writer->lost = false;
    atomic_fetch_add(&cat->groups_failed, 1);
    alb_stat_inc(ALB_STAT_CATALOG_GROUPS_FAILED);
    alb_log_err("catalog-group-failed", why);
    for (struct alb_unit *u = group; u != NULL; u = u->next) {
        u->again = false;
        if (u->err.code == ALB_OK)
            u->err = *why;
    }
}

static void tell_hook(struct alb_catalog *cat)
{
    const struct alb_tx *tx = &cat->tx;
    struct alb_touched touched = {
        .rights = tx->rights,
        .jobs = tx->jobs,
        .all_assets = tx->all_assets,
        .assets = tx->assets,
        .asset_count = tx->asset_count,
        .last_change = tx->last_change,
    };
    alb_catalog_commit_fn *fn;
    void *ctx;

    alb_mutex_lock(&cat->queue_mtx);
    fn = cat->commit_fn;
    ctx = cat->commit_ctx;
    cat->in_hook = fn != NULL;
    alb_mutex_unlock(&cat->queue_mtx);
    if (fn == NULL)
        return;
    fn(ctx, &touched);
    alb_mutex_lock(&cat->queue_mtx);
    cat->in_hook = false;
    alb_cond_broadcast(&cat->hook_cond);
    alb_mutex_unlock(&cat->queue_mtx);
}

/* Runs what has gathered into one transaction. Returns the units in order; *err is set if the group is lost.
 */
static struct alb_unit *run_group(struct alb_catalog *cat, struct alb_unit *first, struct alb_err *err)
{
    struct alb_unit *group = first, **tail = &first->next, *u = first;
    int64_t end = alb_deadline(alb_mono(alb_clock_real()), cat->config.group_ns);
    unsigned n = 0;

    *tail = NULL;
    if (alb_dbconn_exec(cat->writer, "BEGIN IMMEDIATE", err) != ALB_OK)
        return group;
    for (;;) {
        run_unit(cat, u);
        if (cat->writer->lost || sqlite3_get_autocommit(cat->writer->db) != 0) {
            *err = u->err;
            alb_ignore(alb_fail(err, ALB_E_IO, "the transaction was lost in %s", u->what.name), "in *err");
            return group;
        }
        if (++n >= cat->config.group_max || alb_mono(alb_clock_real()) >= end)
            break;
        alb_mutex_lock(&cat->queue_mtx);
        u = pop_locked(cat);
        alb_mutex_unlock(&cat->queue_mtx);
        if (u == NULL)
            break;
        u->next = NULL;
        *tail = u;
        tail = &u->next;
    }
    alb_ignore(alb_dbconn_exec(cat->writer, "COMMIT", err), "in *err");
    return group;
}

static int wal_grew(void *arg, sqlite3 *db, const char *name, int frames)
{
    struct alb_catalog *cat = arg;

    (void)db;
    (void)name;
    alb_mutex_lock(&cat->queue_mtx);
    cat->wal_bytes = frames * ALB_WAL_FRAME;
    if (cat->wal_bytes >= cat->config.checkpoint_bytes)
        alb_cond_signal(&cat->checkpoint_cond);
    alb_mutex_unlock(&cat->queue_mtx);
    return SQLITE_OK;
}

static void write_group(struct alb_catalog *cat, struct alb_unit *first)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_tx *tx = &cat->tx;
    int64_t started = alb_mono(alb_clock_real());
    struct alb_unit *group, *u;

    tx->rights = tx->jobs = tx->all_assets = false;
    tx->asset_count = 0;
    tx->last_change = 0;
    group = run_group(cat, first, &err);
    if (err.code != ALB_OK) {
        fail_group(cat, group, &err);
    } else {
        int64_t now = alb_mono(alb_clock_real());

        atomic_store(&cat->last_commit_ns, now);
        atomic_fetch_add(&cat->commits, 1);
        alb_stat_inc(ALB_STAT_CATALOG_COMMITS);
        alb_stat_observe(ALB_HIST_COMMIT, now - started);
        tell_hook(cat);
    }
    while ((u = group) != NULL) {
        bool ok = u->err.code == ALB_OK;
        bool closing = false;

        group = u->next;
        atomic_fetch_add(ok ? &cat->units : &cat->units_failed, 1);
        alb_stat_inc(ok ? ALB_STAT_CATALOG_UNITS : ALB_STAT_CATALOG_UNITS_FAILED);
        if (ok && u->again) {
            u->again = false;
            alb_obj_unref(u->result);
            u->result = NULL;
            u->queued_at = alb_mono(alb_clock_real());
            alb_mutex_lock(&cat->queue_mtx);
            closing = cat->closing;
            if (!closing)
                push_locked(cat, u);
            alb_mutex_unlock(&cat->queue_mtx);
            if (!closing)
                continue;
            alb_ignore(alb_fail(&u->err, ALB_E_CANCELLED, "interrupted; goes on at the next start"),
                       "in u->err");
        }
        unit_finish(u);
    }
}

static void *writer_main(void *arg)
{
    struct alb_catalog *cat = arg;

    alb_mutex_lock(&cat->queue_mtx);
    for (;;) {
        struct alb_unit *u;

        cat->running = NULL;
        cat->group_since = 0;
        while (cat->head == NULL && !cat->closing)
            alb_cond_wait(&cat->queue_cond, &cat->queue_mtx);
        u = pop_locked(cat);
        if (u == NULL)
            break;
        alb_mutex_unlock(&cat->queue_mtx);
        write_group(cat, u);
        alb_mutex_lock(&cat->queue_mtx);
    }
    alb_mutex_unlock(&cat->queue_mtx);
    return NULL;
}

enum alb_code alb_writer_start(struct alb_catalog *cat, struct alb_err *err)
{
    cat->tx.snap = (struct alb_snap){.conn = cat->writer, .cat = cat};
    cat->tx.cat = cat;
    sqlite3_wal_hook(cat->writer->db, wal_grew, cat);
    return alb_thread_start(&cat->writer_thread, "catalog-writer", writer_main, cat, err);
}

void alb_writer_stop(struct alb_catalog *cat)
{
    alb_mutex_lock(&cat->queue_mtx);
    cat->closing = true;
    alb_cond_signal(&cat->queue_cond);
    alb_mutex_unlock(&cat->queue_mtx);
    alb_thread_join(&cat->writer_thread);
}
