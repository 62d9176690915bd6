/* SPDX-License-Identifier: Apache-2.0
 *
 * The room: opening, closing, the commit hook, what runs on a clock (contract: library.h).
 */
#include "library/library.h"

#include <sodium.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "catalog/change.h"
#include "catalog/job.h"
#include "catalog/session.h"
#include "library/priv.h"

#define DAY_MS ((int64_t)86400000)

/* ---- epochs ---- */

static size_t slot_of(int64_t asset_id)
{
    return (size_t)((uint64_t)asset_id % ALB_ASSET_SLOTS);
}

struct alb_tag_of_memo alb_library_tag_now(struct alb_library *lib, int64_t asset_id)
{
    return (struct alb_tag_of_memo){
        .rights = atomic_load(&lib->rights_epoch),
        .generation = asset_id == 0 ? 0 : atomic_load(&lib->generation[slot_of(asset_id)]),
    };
}

struct look {
    const struct alb_library *lib;
    int64_t now;
};

static bool still_holds(const void *ctx, const struct alb_memo_value *v)
{
    const struct look *l = ctx;

    if (v->expires_ms <= l->now || v->tag.rights != atomic_load(&l->lib->rights_epoch))
        return false;
    return v->asset_id == 0 || v->tag.generation == atomic_load(&l->lib->generation[slot_of(v->asset_id)]);
}

struct alb_obj *alb_library_remembered(struct alb_library *lib, struct alb_memo *memo,
                                       const unsigned char key[ALB_MEMO_KEY_LEN])
{
    const struct look l = {.lib = lib, .now = alb_wall(lib->clock)};

    return alb_memo_get(memo, key, still_holds, &l);
}

/* On the writer thread, after COMMIT, before anyone is acknowledged. */
static void committed(void *ctx, const struct alb_touched *t)
{
    struct alb_library *lib = ctx;

    if (t->asset_count > 0)
        atomic_fetch_add(&lib->asset_epoch, 1);
    for (size_t i = 0; i < t->asset_count; i++)
        atomic_fetch_add(&lib->generation[slot_of(t->assets[i])], 1);
    if (t->rights || t->all_assets)
        atomic_fetch_add(&lib->rights_epoch, 1);
    if (t->last_change > atomic_load(&lib->last_change))
        atomic_store(&lib->last_change, t->last_change);
    if (lib->notice_fn != NULL && (t->jobs || t->last_change > 0))
        lib->notice_fn(lib->notice_ctx, t->jobs, atomic_load(&lib->last_change));
}

/* ---- opening ---- */

static void defaults(struct alb_library_config *c)
{
    if (c->memo_entries == 0)
        c->memo_entries = 16384;
    if (c->password_threads == 0)
        c->password_threads = 1;
    if (c->password_queue == 0)
        c->password_queue = 64;
    if (c->password_ops == 0)
        c->password_ops = crypto_pwhash_OPSLIMIT_INTERACTIVE;
    if (c->password_mem == 0)
        c->password_mem = crypto_pwhash_MEMLIMIT_INTERACTIVE;
    if (c->session_ms == 0)
        c->session_ms = 400 * DAY_MS;
    if (c->clock == NULL)
        c->clock = alb_clock_real();
}

static enum alb_code allocate(struct alb_library *lib, struct alb_err *err)
{
    struct alb_pool_config lane = {
        .name = "password",
        .threads = lib->config.password_threads,
        .queue_max = lib->config.password_queue,
    };

    lib->sources = alb_memo_new(lib->config.memo_entries);
    lib->tokens = alb_memo_new(1024);
    lib->used = alb_used_new();
    lib->throttle = alb_throttle_new(&lib->config.throttle, lib->clock);
    if (lib->sources == NULL || lib->tokens == NULL || lib->used == NULL || lib->throttle == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the library");
    return alb_pool_new(&lane, &lib->lane, err);
}

static enum alb_code reclaim_unit(struct alb_tx *tx, struct alb_obj *args, struct alb_obj **result,
                                  struct alb_err *err)
{
    const bool *everything = alb_args_of(args);
    int64_t n;
    enum alb_code code = alb_catalog_job_reclaim(tx, *everything ? INT64_MAX : alb_tx_now(tx), &n, err);

    if (code == ALB_OK && n >= 1000) /* a full slice: there may be more */
        alb_tx_again(tx);
    (void)result;
    return code;
}

static enum alb_code reclaim_jobs(struct alb_library *lib, bool everything, struct alb_future **f,
                                  struct alb_err *err)
{
    struct alb_call *c = alb_call_new(lib, NULL, ALB_CALL_SMALL, sizeof(bool));

    if (c != NULL)
        *(bool *)c->args = everything;
    return alb_call_write_background(&c, "job-reclaim", reclaim_unit, f, err);
}

/* Operations that are half done and that nobody works on. */
static enum alb_code resume_operations(struct alb_library *lib, struct alb_err *err)
{
    struct alb_arena *a = alb_arena_new((size_t)1 << 20);
    struct alb_snap *s = NULL;
    int64_t *running = NULL;
    size_t count = 0;
    enum alb_code code = ALB_OK;

    if (a == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to look for operations");
    code = alb_catalog_read(lib->cat, &s, err);
    if (code == ALB_OK)
        code = alb_catalog_operation_running(s, a, &running, &count, err);
    alb_catalog_read_end(&s);
    for (size_t i = 0; code == ALB_OK && i < count; i++)
        code = alb_bulk_resume(lib, running[i], err);
    alb_arena_free(&a);
    return code;
}

/* What a process that died left behind: leases of its runners, operations half done. */
static enum alb_code take_up(struct alb_library *lib, struct alb_err *err)
{
    struct alb_future *f = NULL;
    struct alb_snap *s = NULL;
    int64_t last = 0;
    enum alb_code code = reclaim_jobs(lib, true, &f, err);

    if (code == ALB_OK)
        code = alb_library_await(&f, NULL, err);
    if (code == ALB_OK)
        code = alb_catalog_read(lib->cat, &s, err);
    if (code == ALB_OK)
        code = alb_catalog_last_change(s, &last, err);
    alb_catalog_read_end(&s);
    if (last > atomic_load(&lib->last_change))
        atomic_store(&lib->last_change, last);
    return code == ALB_OK ? resume_operations(lib, err) : code;
}

enum alb_code alb_library_open(const struct alb_library_config *config, struct alb_library **lib,
                               struct alb_err *err)
{
    struct alb_library *l;
    enum alb_code code;

    *lib = NULL;
    if (sodium_init() < 0)
        return alb_fail(err, ALB_E_INTERNAL, "libsodium does not start");
    l = alb_mem_calloc(1, sizeof(*l));
    if (l == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the library");
    l->config = *config;
    defaults(&l->config);
    l->clock = l->config.clock;
    l->cat = config->catalog;
    code = allocate(l, err);
    if (code == ALB_OK) {
        alb_catalog_on_commit(l->cat, committed, l);
        code = take_up(l, err);
    }
    if (code != ALB_OK) {
        alb_library_close(&l);
        return code;
    }
    *lib = l;
    return ALB_OK;
}

static enum alb_code nothing_unit(struct alb_tx *tx, struct alb_obj *args, struct alb_obj **result,
                                  struct alb_err *err)
{
    (void)tx;
    (void)args;
    (void)result;
    (void)err;
    return ALB_OK;
}

/* Whatever was queued before is through when this returns. */
static void drain(struct alb_library *lib)
{
    struct alb_catalog_unit unit = {.name = "close", .run = nothing_unit};

    alb_ignore(alb_catalog_write_now(lib->cat, &unit, NULL, NULL), "only for its place in the queue");
}

void alb_library_close(struct alb_library **lib)
{
    struct alb_library *l = *lib;

    *lib = NULL;
    if (l == NULL)
        return;
    if (l->lane != NULL)
        alb_pool_free(&l->lane);
    atomic_store(&l->closing, true);
    if (l->used != NULL) {
        alb_library_flush_used(l, true);
        drain(l);
        drain(l); /* twice: the first lets an operation that was running queue itself once more */
    }
    alb_catalog_on_commit(l->cat, NULL, NULL);
    alb_memo_free(&l->sources);
    alb_memo_free(&l->tokens);
    alb_used_free(&l->used);
    alb_throttle_free(&l->throttle);
    alb_mem_free(l);
}

void alb_library_on_notice(struct alb_library *lib, alb_library_notice_fn *fn, void *ctx)
{
    lib->notice_ctx = ctx;
    lib->notice_fn = fn;
}

/* ---- on a clock ---- */

static enum alb_code expire_unit(struct alb_tx *tx, struct alb_obj *args, struct alb_obj **result,
                                 struct alb_err *err)
{
    bool more = false;
    enum alb_code code = alb_catalog_session_end_expired(tx, &more, err);

    (void)args;
    (void)result;
    if (code == ALB_OK && more)
        alb_tx_again(tx);
    return code;
}

void alb_library_tick(struct alb_library *lib)
{
    struct alb_catalog_unit expire = {.name = "session-expire", .run = expire_unit, .background = true};

    alb_library_flush_used(lib, false);
    alb_ignore(alb_catalog_write(lib->cat, &expire, NULL, NULL), "the next tick tries again");
    alb_ignore(reclaim_jobs(lib, false, NULL, NULL), "the next tick tries again");
    /* A unit is counted before its row exists and until the row has ended: without one, a running row is one
     * whose slice was lost. (One that begins just now may get a second unit: both go by the row, nothing is
     * done twice.) */
    if (atomic_load(&lib->bulks) == 0)
        alb_ignore(resume_operations(lib, NULL), "the next tick tries again");
}

static enum alb_code compact_unit(struct alb_tx *tx, struct alb_obj *args, struct alb_obj **result,
                                  struct alb_err *err)
{
    const struct alb_keep *keep = alb_args_of(args);
    bool more = false;
    enum alb_code code = alb_catalog_compact(tx, keep, &more, err);

    if (code != ALB_OK || !more)
        return code == ALB_OK ? alb_done_give(result, 0, 0, NULL, err) : code;
    alb_tx_again(tx);
    return ALB_OK;
}

enum alb_code alb_library_compact(struct alb_library *lib, const struct alb_keep *keep,
                                  struct alb_future **future, struct alb_err *err)
{
    struct alb_call *c = alb_call_new(lib, NULL, ALB_CALL_SMALL, sizeof(*keep));

    *future = NULL;
    if (c != NULL)
        *(struct alb_keep *)c->args = *keep;
    return alb_call_write_background(&c, "compact", compact_unit, future, err);
}

/* ---- waiting, watching ---- */

enum alb_code alb_library_await(struct alb_future **future, struct alb_obj **result, struct alb_err *err)
{
    struct alb_future *f = *future;
    enum alb_code code;

    *future = NULL;
    if (result != NULL)
        *result = NULL;
    if (f == NULL)
        return alb_fail(err, ALB_E_INTERNAL, "there is nothing to wait for");
    code = alb_future_await(f, ALB_NEVER, err);
    if (code == ALB_OK && result != NULL)
        *result = alb_obj_ref(alb_future_result(f));
    alb_future_unref(f);
    return code;
}

enum alb_code alb_library_check(struct alb_library *lib, bool repair, alb_catalog_report_fn *report,
                                void *ctx, uint64_t *problems, struct alb_err *err)
{
    return alb_catalog_check(lib->cat, repair, report, ctx, problems, err);
}

struct alb_catalog_view alb_library_look(struct alb_library *lib)
{
    return alb_catalog_look(lib->cat);
}
