/* SPDX-License-Identifier: Apache-2.0
 * The janitor: each duty in its time, what it removes and what it must not, and a prompt end.
 */
#include "fakes.h"

#include <stdlib.h>

#include "blob/store.h"
#include "library/asset.h"
#include "library/blob.h"
#include "upload/upload.h"

#define MINUTE (60 * ALB_NS_PER_S)
#define BLOBS 250

enum alb_code alb_job_warm(struct alb_jobs *j, const struct alb_job *job, struct alb_err *err)
{
    (void)j;
    (void)job;
    (void)err;
    return ALB_OK;
}

struct alb_obj *alb_fake_done(void);

static struct {
    atomic_uint ticks, forgets, sweeps, purges, buries, file_sweeps, removed, gone, pages;
    _Atomic int64_t purged_before, kept_since;
    atomic_bool purge_hangs;
    atomic_bool bytes_away;
    atomic_uint in_use; /* this one is in use again: the store says so */
    bool dying[BLOBS + 1];
} world;

static enum alb_code done_now(struct alb_future **future)
{
    *future = fake_pending();
    fake_end_pending(ALB_OK);
    return ALB_OK;
}

void alb_library_tick(struct alb_library *lib)
{
    (void)lib;
    (void)atomic_fetch_add(&world.ticks, 1);
}

void alb_uploads_sweep(struct alb_uploads *u, unsigned finishes, struct alb_upload_swept *swept)
{
    (void)u;
    assert_true(finishes > 0);
    *swept = (struct alb_upload_swept){0};
    (void)atomic_fetch_add(&world.sweeps, 1);
}

bool alb_uploads_bytes_away(struct alb_uploads *u)
{
    (void)u;
    return atomic_load(&world.bytes_away);
}

enum alb_code alb_library_purge_old(struct alb_library *lib, int64_t before_ms, struct alb_future **future,
                                    struct alb_err *err)
{
    (void)lib;
    (void)err;
    atomic_store(&world.purged_before, before_ms);
    (void)atomic_fetch_add(&world.purges, 1);
    if (!atomic_load(&world.purge_hangs))
        return done_now(future);
    *future = fake_pending();
    return ALB_OK;
}

enum alb_code alb_library_compact(struct alb_library *lib, const struct alb_keep *keep,
                                  struct alb_future **future, struct alb_err *err)
{
    (void)lib;
    (void)err;
    assert_int_equal(keep->rows_max, ALB_HISTORY_ROWS_MAX);
    atomic_store(&world.kept_since, keep->since_ms);
    (void)atomic_fetch_add(&world.forgets, 1);
    return done_now(future);
}

enum alb_code alb_library_blob_bury(struct alb_library *lib, size_t limit, struct alb_future **future,
                                    struct alb_err *err)
{
    (void)lib;
    (void)err;
    assert_true(limit > 0);
    (void)atomic_fetch_add(&world.buries, 1);
    return done_now(future);
}

enum alb_code alb_library_blob_dying_page(struct alb_library *lib, int64_t after, size_t limit,
                                          struct alb_arena *a, struct alb_blob **list, size_t *count,
                                          struct alb_err *err)
{
    (void)lib;
    (void)err;
    (void)atomic_fetch_add(&world.pages, 1);
    *list = alb_arena_calloc(a, limit, sizeof(**list));
    *count = 0;
    for (int64_t id = after + 1; id <= BLOBS && *count < limit; id++)
        if (world.dying[id])
            (*list)[(*count)++].id = id;
    return ALB_OK;
}

bool alb_library_blob_dying(struct alb_library *lib, int64_t blob_id)
{
    (void)lib;
    return world.dying[blob_id];
}

enum alb_code alb_library_blob_gone(struct alb_library *lib, int64_t blob_id, struct alb_future **future,
                                    struct alb_err *err)
{
    (void)lib;
    (void)err;
    assert_true((unsigned)blob_id != atomic_load(&world.in_use));
    world.dying[blob_id] = false;
    (void)atomic_fetch_add(&world.gone, 1);
    return done_now(future);
}

enum alb_code alb_library_blob_find(struct alb_library *lib, const unsigned char sha256[ALB_SHA256_LEN],
                                    struct alb_arena *a, struct alb_blob *out, struct alb_err *err)
{
    (void)lib;
    (void)a;
    (void)out;
    if (sha256[0] == 1)
        return ALB_OK;
    return alb_fail(err, sha256[0] == 2 ? ALB_E_NOT_FOUND : ALB_E_IO, "the fake library says so");
}

enum alb_code alb_blob_remove(struct alb_blob_store *store, const unsigned char sha256[ALB_SHA256_LEN],
                              alb_blob_ask_fn *still_dying, void *arg, bool *removed, struct alb_err *err)
{
    bool dying = false;
    (void)store;
    unsigned n = atomic_fetch_add(&world.removed, 1) + 1;
    assert_int_equal(still_dying(arg, sha256, &dying, err), ALB_OK);
    *removed = dying && n != atomic_load(&world.in_use);
    return ALB_OK;
}

enum alb_code alb_blob_sweep_step(struct alb_blob_store *store, int64_t *cursor, int64_t before_ms,
                                  alb_blob_ask_fn *has_row, void *arg, struct alb_blob_swept *swept,
                                  struct alb_err *err)
{
    unsigned char sha256[ALB_SHA256_LEN] = {0};
    bool answer = false;
    (void)store;
    (void)swept;
    assert_true(before_ms < 1000000000);
    sha256[0] = 1;
    assert_int_equal(has_row(arg, sha256, &answer, err), ALB_OK);
    assert_true(answer);
    sha256[0] = 2;
    assert_int_equal(has_row(arg, sha256, &answer, err), ALB_OK);
    assert_int_equal(answer, atomic_load(&world.bytes_away));
    sha256[0] = 3; /* cannot be known: it has one, and the sweep ends */
    if (!atomic_load(&world.bytes_away))
        assert_int_equal(has_row(arg, sha256, &answer, NULL), ALB_E_IO);
    assert_true(answer);
    (void)atomic_fetch_add(&world.file_sweeps, 1);
    *cursor = *cursor < 3 ? *cursor + 1 : -1;
    return ALB_OK;
}

/* The janitor looks at this clock; its rests are measured by the real one, which is always later: it comes
 * round at once, and acts when this one is moved. */
static struct alb_manual_clock clock_by_hand;

static struct alb_jobs *start(int64_t trash_ms)
{
    struct alb_jobs *jobs = NULL;
    struct alb_jobs_config config;
    memset(&config, 0, sizeof(config));
    memset(&world, 0, sizeof(world));
    fake_reset();
    alb_manual_clock_init(&clock_by_hand, 1, 1000000000);
    config.clock = &clock_by_hand.clock;
    config.runners = 1;
    config.trash_ms = trash_ms;
    config.keep_ms = trash_ms * 2;
    config.grace_ms = 3600000;
    assert_int_equal(alb_jobs_start(&config, &jobs, NULL), ALB_OK);
    until(atomic_load(&world.sweeps) == 1); /* at once: complete uploads are offered again after a start */
    return jobs;
}

static void test_duties_in_their_time(void **state)
{
    struct alb_jobs *jobs = start(5000);
    (void)state;
    assert_int_equal(atomic_load(&world.ticks) + atomic_load(&world.purges) + atomic_load(&world.buries), 0);
    alb_manual_clock_advance(&clock_by_hand, MINUTE);
    until(atomic_load(&world.ticks) >= 1 && atomic_load(&world.sweeps) == 2);
    alb_manual_clock_advance(&clock_by_hand, MINUTE);
    until(atomic_load(&world.purges) == 1);
    assert_int_equal(atomic_load(&world.purged_before), 1000000000 + 120000 - 5000);
    alb_manual_clock_advance(&clock_by_hand, MINUTE);
    until(atomic_load(&world.buries) == 1);
    assert_int_equal(atomic_load(&world.forgets), 0);
    alb_manual_clock_advance(&clock_by_hand, MINUTE);
    until(atomic_load(&world.forgets) == 1);
    assert_int_equal(atomic_load(&world.kept_since), 1000000000 + 240000 - 10000);
    assert_int_equal(atomic_load(&world.file_sweeps), 0);
    alb_manual_clock_advance(&clock_by_hand, 7 * MINUTE);
    until(atomic_load(&world.file_sweeps) == 4);
    alb_jobs_free(&jobs);
}

static void test_the_trash_is_kept_if_told_so(void **state)
{
    struct alb_jobs *jobs = start(0);
    (void)state;
    alb_manual_clock_advance(&clock_by_hand, 4 * MINUTE + 1);
    until(atomic_load(&world.buries) == 1 && atomic_load(&world.forgets) == 1);
    assert_int_equal(atomic_load(&world.purges), 0);
    assert_true(atomic_load(&world.kept_since) == INT64_MIN);
    alb_jobs_free(&jobs);
}

/* All pages; the row of what the store keeps stays. */
static void test_dying_originals(void **state)
{
    struct alb_jobs *jobs = start(0);
    (void)state;
    for (int i = 1; i <= BLOBS; i++)
        world.dying[i] = true;
    atomic_store(&world.in_use, 7);
    alb_manual_clock_advance(&clock_by_hand, 3 * MINUTE + 1);
    until(atomic_load(&world.removed) == BLOBS && atomic_load(&world.gone) == BLOBS - 1);
    alb_jobs_free(&jobs);
    assert_true(world.dying[7]);
    assert_int_equal(atomic_load(&world.pages), 3);
}

/* What has no row, or has a dying one, may be the only copy of an upload that is not finished yet. */
static void test_bytes_of_uploads_stay(void **state)
{
    struct alb_jobs *jobs = start(0);
    (void)state;
    world.dying[1] = true;
    atomic_store(&world.bytes_away, true);
    alb_manual_clock_advance(&clock_by_hand, 11 * MINUTE);
    until(atomic_load(&world.file_sweeps) == 4); /* which sees that nothing may go */
    assert_int_equal(atomic_load(&world.removed), 0);
    atomic_store(&world.bytes_away, false);
    alb_manual_clock_advance(&clock_by_hand, 10 * MINUTE);
    until(atomic_load(&world.removed) == 1);
    alb_jobs_free(&jobs);
}

/* An operation of minutes does not hold the house up. */
static void test_stopping_is_prompt(void **state)
{
    struct alb_jobs *jobs = start(1);
    (void)state;
    atomic_store(&world.purge_hangs, true);
    alb_manual_clock_advance(&clock_by_hand, 2 * MINUTE + 1);
    until(atomic_load(&world.purges) == 1);
    alb_jobs_free(&jobs);
    fake_end_pending(ALB_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duties_in_their_time),
        cmocka_unit_test(test_the_trash_is_kept_if_told_so),
        cmocka_unit_test(test_dying_originals),
        cmocka_unit_test(test_bytes_of_uploads_stay),
        cmocka_unit_test(test_stopping_is_prompt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
