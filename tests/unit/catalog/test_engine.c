/* SPDX-License-Identifier: Apache-2.0
 * The engine: opening and refusing, group commit, units that fail, try and ask for more, bounds, snapshots,
 * the commit hook, checkpoints. Times are only upper bounds; threads meet at barriers.
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/stat.h>

#include "kit.h"

/* Units write into `setting`: a table without derived data. */
static enum alb_code put(struct alb_tx *tx, const char *name, int64_t value, struct alb_err *err)
{
    char text[32];
    struct alb_q q;

    snprintf(text, sizeof(text), "%lld", (long long)value);
    alb_q_open(&q, alb_tx_snap(tx),
               "INSERT INTO setting (name, value, updated_at) VALUES (?, ?, ?)"
               " ON CONFLICT DO UPDATE SET value = value + excluded.value");
    alb_q_str(&q, alb_str_c(name));
    alb_q_str(&q, alb_str_c(text));
    alb_q_i64(&q, alb_tx_now(tx));
    return alb_q_run(&q, err);
}

static enum alb_code add_one(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    return put(tx, arg, 1, err);
}

static enum alb_code add_then_fail(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    alb_ignore(put(tx, arg, 1000, err), "tested by its absence");
    return alb_fail(err, ALB_E_CONFLICT, "on purpose");
}

/* ---- opening ---- */

static void test_open_again(void **state)
{
    struct kit *k = *state;

    kit_write_ok(k, add_one, (void *)(uintptr_t)"x");
    alb_catalog_close(&k->cat);
    kit_reopen(k);
    assert_int_equal(kit_ask(k, "SELECT value FROM setting WHERE name = 'x'"), 1);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM migration"), alb_catalog_schema_version());
    assert_int_equal(kit_ask(k, "SELECT role FROM account WHERE id = 1"), ALB_ROLE_ADMIN);
    assert_int_equal(kit_ask(k, "SELECT role FROM account WHERE id = 2"), ALB_ROLE_GUEST);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM account WHERE password_hash IS NOT NULL"), 0);
    kit_check_clean(k);
}

static void test_lock(void **state)
{
    struct kit *k = *state;
    struct alb_catalog *second;
    struct alb_err err = ALB_ERR_INIT;
    char who[100];

    assert_true(alb_catalog_lock_holder(k->path, who, sizeof(who)));
    assert_non_null(strstr(who, "test (pid "));
    assert_int_equal(alb_catalog_open(&k->config, &second, &err), ALB_E_CONFLICT);
    assert_null(second);
    assert_non_null(strstr(err.msg, "test (pid "));
    alb_catalog_close(&k->cat);
    assert_false(alb_catalog_lock_holder(k->path, who, sizeof(who)));
    kit_reopen(k);
}

static enum alb_code set_version(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    return alb_dbconn_exec(alb_tx_snap(tx)->conn, arg, err);
}

static void refused_with(struct kit *k, const char *pragma)
{
    struct alb_catalog *cat;
    struct alb_err err = ALB_ERR_INIT;

    kit_write_ok(k, set_version, (void *)(uintptr_t)pragma);
    alb_catalog_close(&k->cat);
    assert_int_equal(alb_catalog_open(&k->config, &cat, &err), ALB_E_UNSUPPORTED);
    assert_null(cat);
}

static void test_newer_schema_is_refused(void **state)
{
    refused_with(*state, "PRAGMA user_version=9999");
}

static void test_foreign_file_is_refused(void **state)
{
    refused_with(*state, "PRAGMA application_id=77");
}

static void test_missing_folder(void **state)
{
    struct alb_catalog_config config = {.path = "/nonexistent/albumen", .lock = true};
    struct alb_catalog *cat;
    struct alb_err err = ALB_ERR_INIT;

    (void)state;
    assert_int_not_equal(alb_catalog_open(&config, &cat, &err), ALB_OK);
    assert_null(cat);
}

/* ---- groups ---- */

struct gate {
    sem_t entered, go;
};

static void gate_init(struct gate *g)
{
    sem_init(&g->entered, 0, 0);
    sem_init(&g->go, 0, 0);
}

/* Holds the writer until the test lets it go: what is queued meanwhile forms one group. */
static enum alb_code hold_writer(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    struct gate *g = arg;

    (void)tx;
    (void)err;
    sem_post(&g->entered);
    sem_wait(&g->go);
    return ALB_OK;
}

static void test_failing_unit_undoes_only_itself(void **state)
{
    struct kit *k = *state;
    struct gate g;
    struct alb_future *f[4];
    uint64_t commits;

    gate_init(&g);
    f[0] = kit_start(k, hold_writer, &g);
    sem_wait(&g.entered);
    commits = alb_catalog_look(k->cat).commits;
    f[1] = kit_start(k, add_one, (void *)(uintptr_t)"a");
    f[2] = kit_start(k, add_then_fail, (void *)(uintptr_t)"a");
    f[3] = kit_start(k, add_one, (void *)(uintptr_t)"a");
    sem_post(&g.go);
    assert_int_equal(kit_await(f[0]), ALB_OK);
    assert_int_equal(kit_await(f[1]), ALB_OK);
    assert_int_equal(kit_await(f[2]), ALB_E_CONFLICT);
    assert_int_equal(kit_await(f[3]), ALB_OK);
    assert_int_equal(kit_ask(k, "SELECT value FROM setting WHERE name = 'a'"), 2);
    assert_true(alb_catalog_look(k->cat).commits <= commits + 2);
    assert_int_equal(alb_catalog_look(k->cat).units_failed, 1);
}

#define THREADS 8
#define PER_THREAD 250

static void *write_many(void *arg)
{
    struct kit *k = arg;

    for (int i = 0; i < PER_THREAD; i++)
        if (kit_write(k, i % 10 == 9 ? add_then_fail : add_one, (void *)(uintptr_t)"n", NULL) !=
            (i % 10 == 9 ? ALB_E_CONFLICT : ALB_OK))
            return arg;
    return NULL;
}

static void test_group_commit_under_threads(void **state)
{
    struct kit *k = *state;
    pthread_t t[THREADS];
    struct alb_catalog_view v;
    int64_t started = alb_mono(alb_clock_real()), took;

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, write_many, k), 0);
    for (int i = 0; i < THREADS; i++) {
        void *bad;

        pthread_join(t[i], &bad);
        assert_null(bad);
    }
    took = alb_mono(alb_clock_real()) - started;
    v = alb_catalog_look(k->cat);
    assert_int_equal(kit_ask(k, "SELECT value FROM setting WHERE name = 'n'"), THREADS * PER_THREAD / 10 * 9);
    assert_int_equal(v.queued, 0);
    assert_true(v.commits < THREADS * PER_THREAD);
    print_message("# %d units of %d threads in %llu commits, %.0f units/s\n", THREADS * PER_THREAD, THREADS,
                  (unsigned long long)v.commits, THREADS * PER_THREAD * 1e9 / (double)took);
}

/* ---- try, again ---- */

static enum alb_code try_both(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    struct alb_err why = ALB_ERR_INIT;

    (void)arg;
    if (alb_tx_try(tx, add_then_fail, (void *)(uintptr_t)"t", &why) != ALB_E_CONFLICT)
        return alb_fail(err, ALB_E_INTERNAL, "the try did not fail");
    return alb_tx_try(tx, add_one, (void *)(uintptr_t)"t", err);
}

static void test_try(void **state)
{
    struct kit *k = *state;

    kit_write_ok(k, try_both, NULL);
    assert_int_equal(kit_ask(k, "SELECT value FROM setting WHERE name = 't'"), 1);
}

static enum alb_code until_five(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    enum alb_code code = put(tx, arg, 1, err);

    if (code == ALB_OK && kit_ask_in(alb_tx_snap(tx), "SELECT value FROM setting WHERE name = 'slow'") < 5)
        alb_tx_again(tx);
    return code;
}

static void test_again_lets_others_in(void **state)
{
    struct kit *k = *state;
    struct gate g;
    struct alb_future *hold, *slow, *quick;

    gate_init(&g);
    hold = kit_start(k, hold_writer, &g);
    sem_wait(&g.entered);
    slow = kit_start(k, until_five, (void *)(uintptr_t)"slow");
    quick = kit_start(k, add_one, (void *)(uintptr_t)"quick");
    sem_post(&g.go);
    assert_int_equal(kit_await(hold), ALB_OK);
    assert_int_equal(kit_await(quick), ALB_OK);
    assert_int_equal(kit_await(slow), ALB_OK);
    assert_int_equal(kit_ask(k, "SELECT value FROM setting WHERE name = 'slow'"), 5);
}

/* ---- bounds ---- */

static void test_queue_is_bounded(void **state)
{
    struct kit *k = *state;
    struct gate g;
    struct alb_future *hold, *f[4];
    struct alb_err err = ALB_ERR_INIT;
    struct alb_catalog_unit unit;

    alb_catalog_close(&k->cat);
    k->config.queue_max = 4;
    kit_reopen(k);
    gate_init(&g);
    hold = kit_start(k, hold_writer, &g);
    sem_wait(&g.entered);
    f[0] = kit_start(k, add_one, (void *)(uintptr_t)"q");
    f[1] = kit_start(k, add_one, (void *)(uintptr_t)"q");
    unit = kit_make(add_one, (void *)(uintptr_t)"q");
    unit.background = true; /* half of the queue is taken */
    assert_int_equal(alb_catalog_write(k->cat, &unit, NULL, &err), ALB_E_BUSY);
    f[2] = kit_start(k, add_one, (void *)(uintptr_t)"q");
    f[3] = kit_start(k, add_one, (void *)(uintptr_t)"q");
    unit = kit_make(add_one, (void *)(uintptr_t)"q");
    alb_err_clear(&err);
    assert_int_equal(alb_catalog_write(k->cat, &unit, NULL, &err), ALB_E_BUSY);
    assert_true(alb_catalog_look(k->cat).oldest_queued_ns > 0);
    assert_string_equal(alb_catalog_look(k->cat).running, "test");
    sem_post(&g.go);
    assert_int_equal(kit_await(hold), ALB_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(kit_await(f[i]), ALB_OK);
    assert_int_equal(kit_ask(k, "SELECT value FROM setting WHERE name = 'q'"), 4);
}

static void test_readers_are_bounded(void **state)
{
    struct kit *k = *state;
    struct alb_snap *a, *b, *c;
    struct alb_err err = ALB_ERR_INIT;

    alb_catalog_close(&k->cat);
    k->config.readers_max = 2;
    kit_reopen(k);
    assert_int_equal(alb_catalog_read(k->cat, &a, &err), ALB_OK);
    assert_int_equal(alb_catalog_read(k->cat, &b, &err), ALB_OK);
    assert_int_equal(alb_catalog_read(k->cat, &c, &err), ALB_E_BUSY);
    assert_null(c);
    alb_catalog_read_end(&a);
    alb_err_clear(&err);
    assert_int_equal(alb_catalog_read(k->cat, &c, &err), ALB_OK);
    alb_catalog_read_end(&b);
    alb_catalog_read_end(&c);
    assert_int_equal(alb_catalog_look(k->cat).readers_open, 2);
    assert_int_equal(alb_catalog_look(k->cat).readers_busy, 0);
}

static void test_read_has_a_deadline(void **state)
{
    struct kit *k = *state;
    struct alb_snap *s;
    struct alb_q q;

    alb_catalog_close(&k->cat);
    k->config.read_limit_ns = 50 * ALB_NS_PER_MS;
    kit_reopen(k);
    assert_int_equal(alb_catalog_read(k->cat, &s, NULL), ALB_OK);
    alb_q_open(&q, s,
               "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c");
    assert_false(alb_q_first(&q));
    assert_int_equal(alb_q_end(&q, NULL), ALB_E_TIMEOUT);
    alb_catalog_read_end(&s);
    assert_int_equal(kit_ask(k, "SELECT 7"), 7); /* the connection is fit again */
}

/* ---- snapshots ---- */

static void test_snapshot_stands_still(void **state)
{
    struct kit *k = *state;
    struct alb_snap *s;

    kit_write_ok(k, add_one, (void *)(uintptr_t)"s");
    assert_int_equal(alb_catalog_read(k->cat, &s, NULL), ALB_OK);
    assert_int_equal(kit_ask_in(s, "SELECT value FROM setting WHERE name = 's'"), 1);
    kit_write_ok(k, add_one, (void *)(uintptr_t)"s");
    assert_int_equal(kit_ask_in(s, "SELECT value FROM setting WHERE name = 's'"), 1);
    alb_catalog_read_end(&s);
    assert_int_equal(kit_ask(k, "SELECT value FROM setting WHERE name = 's'"), 2);
}

static void test_readers_cannot_write(void **state)
{
    struct kit *k = *state;
    struct alb_snap *s;
    struct alb_q q;

    assert_int_equal(alb_catalog_read(k->cat, &s, NULL), ALB_OK);
    alb_q_open(&q, s, "DELETE FROM setting");
    assert_int_not_equal(alb_q_run(&q, NULL), ALB_OK);
    alb_catalog_read_end(&s);
}

/* ---- the hook ---- */

struct heard {
    _Atomic int calls, rights;
    _Atomic int64_t asset;
};

static void hear(void *ctx, const struct alb_touched *t)
{
    struct heard *h = ctx;

    h->calls++;
    h->rights += t->rights;
    if (t->asset_count > 0)
        h->asset = t->assets[t->asset_count - 1];
}

static enum alb_code touch(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    (void)arg;
    alb_tx_touch_rights(tx);
    alb_tx_touch_asset(tx, 42);
    return put(tx, "h", 1, err);
}

static enum alb_code touch_and_fail(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    (void)arg;
    alb_tx_touch_asset(tx, 43);
    return alb_fail(err, ALB_E_INVALID, "on purpose");
}

static void test_hook_comes_before_the_acknowledgement(void **state)
{
    struct kit *k = *state;
    struct heard h = {0};

    alb_catalog_on_commit(k->cat, hear, &h);
    for (int i = 1; i <= 20; i++) {
        kit_write_ok(k, touch, NULL);
        assert_true(h.rights >= i); /* no wait: it must have happened */
        assert_int_equal(h.asset, 42);
    }
    assert_int_equal(kit_write(k, touch_and_fail, NULL, NULL), ALB_E_INVALID);
    assert_int_equal(h.asset, 42);
    alb_catalog_on_commit(k->cat, NULL, NULL);
}

static enum alb_code feed_then_fail(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    struct alb_change c = {.entity = ALB_ENTITY_TAG, .id = 1};

    (void)arg;
    alb_ignore(alb_catalog_change_add(tx, &c, err), "undone");
    return alb_fail(err, ALB_E_INVALID, "on purpose");
}

static enum alb_code feed_one_try_another(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    struct alb_change c = {.entity = ALB_ENTITY_TAG, .id = 1};
    enum alb_code code = alb_catalog_change_add(tx, &c, err);

    if (code == ALB_OK && alb_tx_try(tx, feed_then_fail, arg, NULL) != ALB_E_INVALID)
        return alb_fail(err, ALB_E_INTERNAL, "the try did not fail");
    return code;
}

static void hear_last(void *ctx, const struct alb_touched *t)
{
    *(_Atomic int64_t *)ctx = t->last_change;
}

/* A seq that was undone will be given to another change: whoever was told it would miss that one. */
static void test_hook_never_tells_an_undone_seq(void **state)
{
    struct kit *k = *state;
    _Atomic int64_t last = -1;

    alb_catalog_on_commit(k->cat, hear_last, &last);
    assert_int_equal(kit_write(k, feed_then_fail, NULL, NULL), ALB_E_INVALID);
    assert_int_equal(last, 0);
    kit_write_ok(k, feed_one_try_another, NULL);
    assert_int_equal(last, kit_ask(k, "SELECT max(seq) FROM change"));
    alb_catalog_on_commit(k->cat, NULL, NULL);
}

/* ---- checkpoints ---- */

static enum alb_code write_much(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    char name[64];
    enum alb_code code = ALB_OK;

    for (int i = 0; code == ALB_OK && i < 500; i++) {
        snprintf(name, sizeof(name), "%d-%d-xxxxxxxxxxxxxxxxxxxxxxxxxxxxx", *(int *)arg, i);
        code = put(tx, name, i, err);
    }
    return code;
}

static void test_checkpoints_happen(void **state)
{
    struct kit *k = *state;
    int64_t until = alb_mono(alb_clock_real()) + 20 * ALB_NS_PER_S;

    alb_catalog_close(&k->cat);
    k->config.checkpoint_bytes = 64 << 10;
    kit_reopen(k);
    for (int i = 0; i < 40; i++)
        kit_write_ok(k, write_much, &i);
    while (alb_catalog_look(k->cat).checkpoints == 0 && alb_mono(alb_clock_real()) < until)
        sched_yield();
    assert_true(alb_catalog_look(k->cat).checkpoints > 0);
    assert_int_equal(alb_catalog_look(k->cat).checkpoints_failed, 0);
    kit_check_clean(k);
}

/* ---- another process at the database (a backup, a curious person) ---- */

static sqlite3 *outsider(struct kit *k, const char *sql)
{
    char file[256];
    sqlite3 *db = NULL;

    snprintf(file, sizeof(file), "%s/catalog.db", k->path);
    assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static void outsider_leaves(sqlite3 *db)
{
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* A writer from outside is waited for; nothing fails, nothing is lost. */
static void test_outside_writer(void **state)
{
    struct kit *k = *state;
    sqlite3 *db = outsider(k, "BEGIN IMMEDIATE");
    int round = 1;
    struct alb_future *f = kit_start(k, write_much, &round);

    while (alb_catalog_look(k->cat).running[0] == '\0')
        sched_yield();
    assert_false(alb_future_done(f));
    outsider_leaves(db);
    assert_int_equal(kit_await(f), ALB_OK);
    assert_int_equal(alb_catalog_look(k->cat).groups_failed, 0);
}

static int64_t outside_count(sqlite3 *db)
{
    sqlite3_stmt *st;
    int64_t n;

    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM setting", -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    n = sqlite3_column_int64(st, 0);
    assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
    return n;
}

static int64_t wal_size(struct kit *k)
{
    char file[256];
    struct stat st;

    snprintf(file, sizeof(file), "%s/catalog.db-wal", k->path);
    return stat(file, &st) == 0 ? st.st_size : 0;
}

/* A reader that does not end keeps the WAL from beginning anew, and nothing else: writes go on, the reader
 * sees what it saw. When it has left, the WAL is used again from its beginning, and the file gives its room
 * back. */
static void test_outside_reader(void **state)
{
    struct kit *k = *state;
    int64_t until = alb_mono(alb_clock_real()) + 60 * ALB_NS_PER_S, large, seen;
    sqlite3 *db;
    int n = 0;

    alb_catalog_close(&k->cat);
    k->config.checkpoint_bytes = 64 << 10;
    kit_reopen(k);
    kit_write_ok(k, write_much, &n);
    db = outsider(k, "BEGIN");
    seen = outside_count(db);
    for (n = 1; n < 60; n++)
        kit_write_ok(k, write_much, &n);
    large = wal_size(k);
    assert_true(large > 2 * (512 << 10));
    assert_int_equal(outside_count(db), seen);
    outsider_leaves(db);
    while (wal_size(k) > 512 << 10 && alb_mono(alb_clock_real()) < until) {
        n++;
        kit_write_ok(k, write_much, &n);
    }
    assert_true(wal_size(k) <= 512 << 10);
    assert_int_equal(alb_catalog_look(k->cat).checkpoints_failed, 0);
    kit_check_clean(k);
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_open_again),
        T(test_lock),
        T(test_newer_schema_is_refused),
        T(test_foreign_file_is_refused),
        cmocka_unit_test(test_missing_folder),
        T(test_failing_unit_undoes_only_itself),
        T(test_group_commit_under_threads),
        T(test_try),
        T(test_again_lets_others_in),
        T(test_queue_is_bounded),
        T(test_readers_are_bounded),
        T(test_read_has_a_deadline),
        T(test_snapshot_stands_still),
        T(test_readers_cannot_write),
        T(test_hook_comes_before_the_acknowledgement),
        T(test_hook_never_tells_an_undone_seq),
        T(test_checkpoints_happen),
        T(test_outside_writer),
        T(test_outside_reader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
