/* SPDX-License-Identifier: Apache-2.0
 *
 * What comes round. One thread; each duty has its period, none holds anything while it waits, and all end
 * soon when the house stops (what they began goes on at the next start).
 */
#include "base/log.h"
#include "blob/store.h"
#include "jobs/runner.h"
#include "library/asset.h"
#include "library/blob.h"
#include "upload/upload.h"

#define ARENA_CAP ((size_t)4 << 20)
#define PAGE 100
#define FINISHES 32 /* complete uploads offered again per sweep */

static void tell(const char *duty, enum alb_code code, struct alb_err *err)
{
    if (code == ALB_OK || code == ALB_E_CANCELLED)
        return;
    alb_err_context(err, "%s", duty);
    alb_log_err("janitor", err);
}

static void tick_library(struct alb_jobs *j)
{
    alb_library_tick(j->config.library);
}

static void sweep_uploads(struct alb_jobs *j)
{
    struct alb_upload_swept swept;
    alb_uploads_sweep(j->config.uploads, FINISHES, &swept);
    if (swept.expired > 0)
        alb_log(ALB_LOG_INFO, "uploads expired", ALB_LOG_INT("count", swept.expired));
}

static void purge_trash(struct alb_jobs *j)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_future *future = NULL;
    if (j->config.trash_ms <= 0)
        return;
    enum alb_code code = alb_library_purge_old(j->config.library,
                                               alb_wall(j->config.clock) - j->config.trash_ms, &future, &err);
    if (code == ALB_OK)
        code = alb_jobs_await(j, &future, NULL, ALB_NEVER, &err);
    tell("purge the trash", code, &err);
}

static void forget_old(struct alb_jobs *j)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_future *future = NULL;
    struct alb_keep keep = {.since_ms = INT64_MIN, .rows_max = ALB_HISTORY_ROWS_MAX};
    if (j->config.keep_ms > 0)
        keep.since_ms = alb_wall(j->config.clock) - j->config.keep_ms;
    enum alb_code code = alb_library_compact(j->config.library, &keep, &future, &err);
    if (code == ALB_OK)
        code = alb_jobs_await(j, &future, NULL, ALB_NEVER, &err);
    tell("forget what is old", code, &err);
}

/* ---- originals that nobody refers to: row dying -> file unlinked -> row gone (model.md) ---- */

struct dying {
    struct alb_jobs *jobs;
    int64_t blob_id;
};

static enum alb_code still_dying(void *arg, const unsigned char sha256[ALB_SHA256_LEN], bool *answer,
                                 struct alb_err *err)
{
    const struct dying *d = arg;
    (void)sha256;
    (void)err;
    *answer = alb_library_blob_dying(d->jobs->config.library, d->blob_id);
    return ALB_OK;
}

static enum alb_code remove_blob(struct alb_jobs *j, const struct alb_blob *blob, struct alb_err *err)
{
    struct dying d = {j, blob->id};
    struct alb_future *future = NULL;
    bool removed = false;
    enum alb_code code = alb_blob_remove(j->config.store, blob->sha256, still_dying, &d, &removed, err);
    if (code != ALB_OK || !removed)
        return code;
    code = alb_library_blob_gone(j->config.library, blob->id, &future, err);
    return code == ALB_OK ? alb_jobs_await(j, &future, NULL, ALB_NEVER, err) : code;
}

static enum alb_code remove_page(struct alb_jobs *j, int64_t *after, bool *more, struct alb_err *err)
{
    struct alb_arena *arena = alb_arena_new(ARENA_CAP);
    struct alb_blob *list = NULL;
    size_t count = 0;
    if (!arena)
        return alb_fail(err, ALB_E_NO_MEMORY, "page of blobs");
    enum alb_code code =
        alb_library_blob_dying_page(j->config.library, *after, PAGE, arena, &list, &count, err);
    for (size_t i = 0; code == ALB_OK && i < count && !atomic_load(&j->stopping); i++) {
        *after = list[i].id;
        code = remove_blob(j, &list[i], err);
    }
    *more = count == PAGE;
    alb_arena_free(&arena);
    return code;
}

static void bury(struct alb_jobs *j)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_future *future = NULL;
    int64_t after = 0;
    bool more = true;
    if (alb_uploads_bytes_away(j->config.uploads)) /* of the same bytes, perhaps */
        return;
    enum alb_code code = alb_library_blob_bury(j->config.library, PAGE * 10, &future, &err);
    if (code == ALB_OK)
        code = alb_jobs_await(j, &future, NULL, ALB_NEVER, &err);
    while (code == ALB_OK && more && !atomic_load(&j->stopping))
        code = remove_page(j, &after, &more, &err);
    tell("remove originals without a reference", code, &err);
}

static enum alb_code has_row(void *arg, const unsigned char sha256[ALB_SHA256_LEN], bool *answer,
                             struct alb_err *err)
{
    struct alb_jobs *j = arg;
    struct alb_arena *arena = alb_arena_new(ARENA_CAP);
    struct alb_blob row;
    struct alb_err mine = ALB_ERR_INIT;
    if (!arena)
        return alb_fail(err, ALB_E_NO_MEMORY, "row of a blob");
    if (alb_uploads_bytes_away(j->config.uploads)) { /* it may be the only copy of what will have one */
        alb_arena_free(&arena);
        *answer = true;
        return ALB_OK;
    }
    enum alb_code code = alb_library_blob_find(j->config.library, sha256, arena, &row, &mine);
    alb_arena_free(&arena);
    *answer = code != ALB_E_NOT_FOUND; /* in doubt it has one */
    if (code != ALB_OK && code != ALB_E_NOT_FOUND)
        return alb_fail(err, code, "%s", mine.msg);
    return ALB_OK;
}

static void sweep_files(struct alb_jobs *j)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_blob_swept swept = {0};
    int64_t cursor = 0, before = alb_wall(j->config.clock) - j->config.grace_ms;
    enum alb_code code = ALB_OK;
    while (code == ALB_OK && cursor >= 0 && !atomic_load(&j->stopping))
        code = alb_blob_sweep_step(j->config.store, &cursor, before, has_row, j, &swept, &err);
    if (swept.removed > 0)
        alb_log(ALB_LOG_INFO, "files without a row removed", ALB_LOG_INT("count", swept.removed),
                ALB_LOG_INT("bytes", swept.removed_bytes));
    tell("sweep files without a row", code, &err);
}

struct duty {
    void (*run)(struct alb_jobs *j);
    int64_t first_ns, period_ns;
};
#define MINUTE (60 * ALB_NS_PER_S)
static const struct duty duties[] = {
    {tick_library, MINUTE / 2, MINUTE / 2}, {sweep_uploads, 0, MINUTE},
    {purge_trash, 2 * MINUTE, 60 * MINUTE}, {bury, 3 * MINUTE, 10 * MINUTE},
    {forget_old, 4 * MINUTE, 60 * MINUTE},  {sweep_files, 10 * MINUTE, 24 * 60 * MINUTE},
};

void *alb_janitor_main(void *arg)
{
    struct alb_jobs *j = arg;
    int64_t due[ALB_ARRAY_LEN(duties)], now = alb_mono(j->config.clock);
    for (size_t i = 0; i < ALB_ARRAY_LEN(duties); i++)
        due[i] = alb_deadline(now, duties[i].first_ns);
    while (!atomic_load(&j->stopping)) {
        int64_t next = ALB_NEVER;
        for (size_t i = 0; i < ALB_ARRAY_LEN(duties) && !atomic_load(&j->stopping); i++) {
            if (due[i] <= alb_mono(j->config.clock)) {
                duties[i].run(j);
                due[i] = alb_deadline(alb_mono(j->config.clock), duties[i].period_ns);
            }
            if (due[i] < next)
                next = due[i];
        }
        alb_jobs_rest(j, next);
    }
    return NULL;
}
