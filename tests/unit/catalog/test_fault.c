/* SPDX-License-Identifier: Apache-2.0
 * Full disk, failing writes and syncs, no memory: the group that is hit fails as a whole with the right code,
 * nothing of it is left, what was acknowledged before is there, and the next group succeeds.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <semaphore.h>

#include "faultvfs.h"
#include "kit.h"

static uint64_t next_blob = 1;

static enum alb_code insert_some(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    enum alb_code code = ALB_OK;
    int n = *(int *)arg;

    for (int i = 0; code == ALB_OK && i < n; i++) {
        int64_t id;

        code = kit_insert_asset(tx, ALB_USER_ADMIN, next_blob++, 1000, &id, err);
    }
    return code;
}

/* ---- the disk ---- */

struct gate {
    sem_t entered, go;
};

static enum alb_code hold_writer(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    struct gate *g = arg;

    (void)tx;
    (void)err;
    sem_post(&g->entered);
    sem_wait(&g->go);
    return ALB_OK;
}

/* The checkpointer has a thread of its own, and may have more to say than `before` of checkpoints that failed. */
static bool checkpoint_fails(struct kit *k, uint64_t before)
{
    int64_t until = alb_mono(alb_clock_real()) + 60 * ALB_NS_PER_S;

    while (alb_catalog_look(k->cat).checkpoints_failed == before && alb_mono(alb_clock_real()) < until)
        sched_yield();
    return alb_catalog_look(k->cat).checkpoints_failed > before;
}

/* Three units that form one group while the plan is on. True if the fault struck. */
static bool group_under_fault(struct kit *k, enum fault_on on, int n, int rc, enum alb_code expected)
{
    struct gate g;
    struct alb_future *hold, *f[3];
    int some = 5;
    uint64_t failed = alb_catalog_look(k->cat).checkpoints_failed;
    int64_t before = kit_ask(k, "SELECT count(*) FROM asset");

    sem_init(&g.entered, 0, 0);
    sem_init(&g.go, 0, 0);
    hold = kit_start(k, hold_writer, &g);
    sem_wait(&g.entered);
    for (int i = 0; i < 3; i++)
        f[i] = kit_start(k, insert_some, &some);
    fault_plan(on, n, rc, true);
    sem_post(&g.go);
    int done = 0;
    for (int i = 0; i < 3; i++) {
        enum alb_code code = kit_await(f[i]);

        done += code == ALB_OK;
        if (code != ALB_OK && (!fault.fired || code != expected))
            fail_msg("fault %d at %d: unit %d ended with %s", (int)on, n, i, alb_code_name(code));
    }
    bool held = kit_await(hold) == ALB_OK;
    fault.left = 0;
    /* A machine that is busy enough makes more than one group of them, and the fault may strike that of the first
     * unit alone; or when all were acknowledged, a checkpoint. */
    assert_true(done < 3 || !held || !fault.fired || checkpoint_fails(k, failed));
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM asset"), before + (int64_t)done * some);
    kit_write_ok(k, insert_some, &some); /* and life goes on */
    return fault.fired;
}

static void sweep(struct kit *k, enum fault_on on, int rc, enum alb_code expected)
{
    int n = 1;

    while (n < 200 && group_under_fault(k, on, n, rc, expected))
        n++;
    print_message("# %d places\n", n - 1);
    assert_true(n > 1 && n < 200);
    kit_check_clean(k);
    alb_catalog_close(&k->cat);
    kit_reopen(k);
    kit_check_clean(k);
}

static void test_disk_full(void **state)
{
    sweep(*state, FAULT_WRITE, SQLITE_FULL, ALB_E_NO_SPACE);
}

static void test_write_fails(void **state)
{
    sweep(*state, FAULT_WRITE, SQLITE_IOERR_WRITE, ALB_E_IO);
}

static void test_sync_fails(void **state)
{
    sweep(*state, FAULT_SYNC, SQLITE_IOERR_FSYNC, ALB_E_IO);
}

static enum alb_code limit_pages(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    char sql[64];

    snprintf(sql, sizeof(sql), "PRAGMA max_page_count=%d", *(int *)arg);
    return alb_dbconn_exec(alb_tx_snap(tx)->conn, sql, err);
}

/* The database may not grow any more: reads and small changes go on, growth is NO_SPACE, nothing is lost. */
static void test_no_room_to_grow(void **state)
{
    struct kit *k = *state;
    int some = 50, pages = (int)kit_ask(k, "SELECT page_count + 4 FROM pragma_page_count"), all = 1 << 30;
    int64_t before;
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = ALB_OK;

    kit_write_ok(k, limit_pages, &pages);
    for (int i = 0; i < 100 && code == ALB_OK; i++)
        code = kit_write(k, insert_some, &some, &err);
    assert_int_equal(code, ALB_E_NO_SPACE);
    assert_int_equal(err.sys, ENOSPC); /* the machine's: not a text for clients */
    before = kit_ask(k, "SELECT count(*) FROM asset");
    assert_int_equal(before % some, 0);
    kit_check_clean(k);
    kit_write_ok(k, limit_pages, &all);
    kit_write_ok(k, insert_some, &some);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM asset"), before + some);
    kit_check_clean(k);
}

/* A failing sync hits the writer or the checkpointer: what is acknowledged is there, what fails is not. */
static void test_syncs_fail_now_and_then(void **state)
{
    struct kit *k = *state;
    int some = 20, done = 0, failed = 0;

    alb_catalog_close(&k->cat);
    k->config.checkpoint_bytes = 32 << 10;
    kit_reopen(k);
    for (int i = 0; i < 60; i++) {
        enum alb_code code;

        fault_plan(FAULT_SYNC, 1 + i % 4, SQLITE_IOERR_FSYNC, false);
        code = kit_write(k, insert_some, &some, NULL);
        assert_true(code == ALB_OK || code == ALB_E_IO);
        done += code == ALB_OK;
        failed += code != ALB_OK;
        assert_int_equal(kit_ask(k, "SELECT count(*) FROM asset"), done * some);
    }
    fault.left = 0;
    assert_true(failed > 0 && done > 0);
    kit_check_clean(k);
    alb_catalog_close(&k->cat);
    kit_reopen(k);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM asset"), done * some);
    kit_check_clean(k);
}

/* ---- memory ---- */

struct oom {
    int n;
    bool fired, ours;
};

static enum alb_code insert_without_memory(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    struct oom *o = arg;
    int64_t id;
    enum alb_code code;

    if (o->ours) {
        alb_mem_fault((uint64_t)o->n, true);
    } else {
        oom_fired = false;
        oom_left = o->n;
    }
    code = kit_insert_asset(tx, ALB_USER_ADMIN, next_blob++, 1000, &id, err);
    o->fired = o->ours ? alb_mem_fault_fired() : oom_fired;
    oom_left = 0;
    alb_mem_fault(0, true);
    return code;
}

static void oom_sweep(struct kit *k, bool ours)
{
    int64_t there = kit_ask(k, "SELECT count(*) FROM asset");
    int n = 1, failed = 0;
    struct oom o;

    do {
        enum alb_code code;

        o = (struct oom){.n = n, .ours = ours};
        code = kit_write(k, insert_without_memory, &o, NULL);
        if (code != ALB_OK && code != ALB_E_NO_MEMORY)
            fail_msg("allocation %d: %s", n, alb_code_name(code));
        failed += code != ALB_OK;
        there += code == ALB_OK;
        assert_int_equal(kit_ask(k, "SELECT count(*) FROM asset"), there);
        n++;
    } while (o.fired && n < 2000);
    print_message("# %d allocations failed, %d of them the unit\n", n - 2, failed);
    assert_true(failed > 0 && n < 2000);
    kit_check_clean(k);
}

static void test_sqlite_without_memory(void **state)
{
    struct kit *k = *state;
    int one = 1;

    kit_write_ok(k, insert_some, &one); /* statements are prepared: the sweep hits their running */
    oom_sweep(k, false);
    alb_catalog_close(&k->cat);
    kit_reopen(k); /* and now their preparing */
    oom_sweep(k, false);
}

static void test_units_without_memory(void **state)
{
    oom_sweep(*state, true);
}

static int without_faults(void **state)
{
    fault.left = 0;
    alb_log_setup(STDERR_FILENO, ALB_LOG_LOGFMT, ALB_LOG_WARN);
    return kit_teardown(state);
}

/* The failures are planned: the log need not tell. */
static int quiet_setup(void **state)
{
    int rc = kit_setup(state);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

    alb_log_setup(nowhere, ALB_LOG_LOGFMT, ALB_LOG_ERROR);
    return rc;
}

#define T(f) cmocka_unit_test_setup_teardown(f, quiet_setup, without_faults)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_disk_full),
        T(test_write_fails),
        T(test_sync_fails),
        T(test_no_room_to_grow),
        T(test_syncs_fail_now_and_then),
        T(test_sqlite_without_memory),
        T(test_units_without_memory),
    };

    oom_install();
    fault_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
