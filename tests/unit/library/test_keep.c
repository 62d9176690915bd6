/* SPDX-License-Identifier: Apache-2.0
 * What is bounded in the catalog: changes, operations and failed jobs are forgotten by age and by number,
 * whoever missed changes is told, sessions have a number; and what leaves no row at all.
 */
#include "kit.h"

#include "catalog/sqlite/engine.h"

#define DAY ((int64_t)86400000)

/* The answer to a question with one number, past all rights. */
static int64_t ask(struct kit *k, const char *sql)
{
    struct alb_snap *s;
    struct alb_q q;
    int64_t n = 0;

    assert_int_equal(alb_catalog_read(k->cat, &s, NULL), ALB_OK);
    alb_q_open(&q, s, sql);
    if (alb_q_first(&q))
        n = alb_q_int(&q, 0);
    assert_int_equal(alb_q_end(&q, NULL), ALB_OK);
    alb_catalog_read_end(&s);
    return n;
}

static void forget(struct kit *k, int64_t since_ms, int64_t rows_max)
{
    struct alb_keep keep = {.since_ms = since_ms, .rows_max = rows_max};

    assert_int_equal(KIT(alb_library_compact, k->lib, &keep), ALB_OK);
}

static enum alb_code changes(struct kit *k, int64_t after, size_t *count)
{
    struct alb_change *list;

    return alb_library_changes(k->lib, NULL, after, 1000, k->arena, &list, count, NULL);
}

static void test_changes(void **state)
{
    struct kit *k = *state;
    int64_t middle, last;
    size_t n;

    for (uint64_t i = 0; i < 700; i++)
        kit_add(k, ALB_USER_ADMIN, i + 1);
    middle = alb_library_last_change(k->lib);
    kit_advance(k, 10 * DAY);
    for (uint64_t i = 0; i < 20; i++)
        kit_add(k, ALB_USER_ADMIN, i + 1000);
    last = alb_library_last_change(k->lib);
    assert_int_equal(last, middle + 20);
    assert_int_equal(changes(k, 0, &n), ALB_OK);

    forget(k, KIT_NOW, 1000000); /* nothing is so old */
    assert_int_equal(ask(k, "SELECT min(seq) FROM change"), 1);
    forget(k, KIT_NOW + DAY, 1000000);
    assert_int_equal(ask(k, "SELECT min(seq) FROM change"), middle + 1);
    assert_int_equal(changes(k, middle - 1, &n), ALB_E_GONE);
    assert_int_equal(changes(k, 0, &n), ALB_E_GONE);
    assert_int_equal(changes(k, middle, &n), ALB_OK);
    assert_int_equal(n, 20);
    forget(k, INT64_MIN, 5); /* by number */
    assert_int_equal(ask(k, "SELECT count(*) FROM change"), 5);
    assert_int_equal(changes(k, last - 5, &n), ALB_OK);
    assert_int_equal(n, 5);
    assert_int_equal(changes(k, last - 6, &n), ALB_E_GONE);

    forget(k, INT64_MAX, 0); /* all: the newest stays, and the numbers go on after it */
    kit_close(k);
    kit_open(k);
    assert_int_equal(alb_library_last_change(k->lib), last);
    kit_add(k, ALB_USER_ADMIN, 5000);
    assert_int_equal(alb_library_last_change(k->lib), last + 1);
    kit_check_clean(k);
}

static void test_operations(void **state)
{
    struct kit *k = *state;
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN);
    struct alb_uuid ids[600];
    struct alb_future *f;
    int64_t done;

    for (uint64_t i = 0; i < ALB_ARRAY_LEN(ids); i++)
        ids[i] = kit_uuid(k, kit_add(k, ALB_USER_ADMIN, i + 1));
    assert_int_equal(
        alb_library_bulk(k->lib, p, ALB_DOOR_WEB, ALB_BULK_TRASH, 0, ids, ALB_ARRAY_LEN(ids), &f, NULL),
        ALB_OK);
    assert_int_equal(alb_library_await(&f, NULL, NULL), ALB_OK);
    kit_advance(k, DAY);
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            kit_bulk(k, p, ALB_DOOR_WEB, ALB_BULK_FAVORITE, i & 1, kit_add(k, 1, 900 + (uint64_t)i), &done),
            ALB_OK);
    assert_int_equal(ask(k, "SELECT count(*) FROM operation_undo"), 601);
    forget(k, KIT_NOW, 1000);
    assert_int_equal(ask(k, "SELECT count(*) FROM operation"), 4);
    forget(k, KIT_NOW + 1, 1000);
    assert_int_equal(ask(k, "SELECT count(*) FROM operation"), 3);
    assert_int_equal(ask(k, "SELECT count(*) FROM operation_undo"), 1);
    forget(k, INT64_MIN, 1);
    assert_int_equal(ask(k, "SELECT count(*) FROM operation"), 1);
    alb_principal_unref(p);
    kit_check_clean(k);
}

static void fail_one(struct kit *k, int64_t subject)
{
    struct alb_job_new job = {.kind = ALB_STR("test.keep"), .subject = subject};
    struct alb_str kind = ALB_STR("test.keep");
    struct alb_future *f;
    struct alb_obj *obj;
    struct alb_job_batch *b;

    assert_int_equal(KIT(alb_library_job_add, k->lib, &job, 1), ALB_OK);
    assert_int_equal(alb_library_job_lease(k->lib, &kind, 1, ALB_STR("me"), 1000, 1, &f, NULL), ALB_OK);
    assert_int_equal(alb_library_await(&f, &obj, NULL), ALB_OK);
    b = ALB_CONTAINER_OF(obj, struct alb_job_batch, obj);
    assert_int_equal(b->count, 1);
    assert_int_equal(KIT(alb_library_job_fail, k->lib, b->jobs[0].id, ALB_STR("me"), false, ALB_STR("no")),
                     ALB_OK);
    alb_obj_unref(obj);
}

static void test_failed_jobs(void **state)
{
    struct kit *k = *state;
    struct alb_job_new waiting = {.kind = ALB_STR("test.keep"), .subject = 99};

    for (int i = 0; i < 5; i++) {
        fail_one(k, i + 1);
        kit_advance(k, DAY);
    }
    assert_int_equal(KIT(alb_library_job_add, k->lib, &waiting, 1), ALB_OK);
    forget(k, KIT_NOW + DAY, 1000);
    assert_int_equal(ask(k, "SELECT count(*) FROM job WHERE state = 2"), 4);
    forget(k, INT64_MIN, 2);
    assert_int_equal(ask(k, "SELECT count(*) FROM job WHERE state = 2"), 2);
    forget(k, INT64_MAX, 0);
    assert_int_equal(ask(k, "SELECT count(*) FROM job"), 1); /* what waits is not history */
    kit_check_clean(k);
}

static void test_sessions_have_a_number(void **state)
{
    struct kit *k = *state;
    struct alb_signed_in *first, *last = NULL;
    struct alb_principal *p;

    assert_int_equal(KIT(alb_library_user_password, k->lib, ALB_USER_ADMIN, ALB_STR("secret"), 0), ALB_OK);
    first = kit_sign_in(k, "admin", "secret");
    for (int i = 0; i < 3; i++) {
        alb_obj_unref(last != NULL ? &last->obj : NULL);
        kit_advance(k, 1000);
        last = kit_sign_in(k, "admin", "secret");
        assert_non_null(last);
    }
    assert_int_equal(ask(k, "SELECT count(*) FROM session"), 4);
    assert_int_equal(alb_library_principal(k->lib, ALB_TOKEN_SESSION, alb_str_c(first->token), &p, NULL),
                     ALB_OK);
    alb_principal_unref(p);
    kit_advance(k, k->library.session_ms != 0 ? k->library.session_ms : 400 * DAY);
    alb_library_tick(k->lib);
    kit_add(k, ALB_USER_ADMIN, 1); /* queued behind the tick */
    assert_int_equal(ask(k, "SELECT count(*) FROM session"), 0);
    alb_obj_unref(&first->obj);
    alb_obj_unref(&last->obj);
}

static enum alb_code many_sessions(struct alb_tx *tx, struct alb_obj *args, struct alb_obj **result,
                                   struct alb_err *err)
{
    struct alb_session row = {.user_id = ALB_USER_ADMIN, .expires_at = KIT_NOW + DAY};
    enum alb_code code = ALB_OK;

    (void)args;
    (void)result;
    for (int i = 0; code == ALB_OK && i < ALB_SESSIONS_MAX + 5; i++) {
        unsigned char hash[ALB_SHA256_LEN];
        struct alb_uuid uuid;
        int64_t id;

        alb_sha256(&i, sizeof(i), hash);
        code = alb_catalog_session_insert(tx, &row, hash, ALB_DOOR_WEB, &id, &uuid, err);
        if (code == ALB_OK && i == 0) /* the oldest, but the one that is used */
            code = alb_catalog_token_used(tx, ALB_TOKEN_SESSION, id, KIT_NOW + 1, KIT_NOW + DAY, err);
    }
    return code;
}

static void test_sessions_of_a_script(void **state)
{
    struct kit *k = *state;
    struct alb_catalog_unit unit = {.name = "many", .run = many_sessions};

    assert_int_equal(alb_catalog_write_now(k->cat, &unit, NULL, NULL), ALB_OK);
    assert_int_equal(ask(k, "SELECT count(*) FROM session"), ALB_SESSIONS_MAX);
    assert_int_equal(ask(k, "SELECT min(id) FROM session"), 1);
    assert_int_equal(ask(k, "SELECT max(id) FROM session"), ALB_SESSIONS_MAX + 5);
}

/* An operation whose slice was lost with its group (disk full): the row says running, and no unit is left. */
static enum alb_code lost_operation(struct alb_tx *tx, struct alb_obj *args, struct alb_obj **result,
                                    struct alb_err *err)
{
    struct alb_operation op = {.user_id = ALB_USER_ADMIN, .action = ALB_BULK_TRASH, .total = 1};
    struct alb_arena *a = alb_arena_new(65536);
    struct alb_asset asset;
    struct alb_uuid uuid;
    int64_t id;
    enum alb_code code = alb_catalog_operation_insert(tx, &op, &id, &uuid, err);

    (void)args;
    (void)result;
    if (code == ALB_OK)
        code = alb_catalog_asset_get(alb_tx_snap(tx), 1, 0, a, &asset, err);
    if (code == ALB_OK)
        code = alb_catalog_operation_items_add(tx, id, 0, &asset.uuid, 1, err);
    alb_arena_free(&a);
    return code;
}

static void test_lost_operations_go_on(void **state)
{
    struct kit *k = *state;
    struct alb_catalog_unit unit = {.name = "lost", .run = lost_operation};
    int64_t id = kit_add(k, ALB_USER_ADMIN, 1);

    assert_int_equal(id, 1);
    assert_int_equal(alb_catalog_write_now(k->cat, &unit, NULL, NULL), ALB_OK);
    assert_int_equal(ask(k, "SELECT count(*) FROM operation WHERE state = 0"), 1);
    alb_library_tick(k->lib);
    kit_add(k, ALB_USER_ADMIN, 2); /* queued behind the tick */
    assert_int_equal(ask(k, "SELECT count(*) FROM operation WHERE state = 1"), 1);
    assert_true(kit_get(k, id).trashed);
    alb_library_tick(k->lib);
    kit_add(k, ALB_USER_ADMIN, 3);
    assert_int_equal(ask(k, "SELECT count(*) FROM operation"), 1);
    kit_check_clean(k);
}

/* Nobody runs jobs for buried blobs: the janitor finds them by their state. And a purge of an empty trash is
 * not worth a row. */
static void test_no_rows_for_nothing(void **state)
{
    struct kit *k = *state;
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN);
    int64_t id = kit_add(k, ALB_USER_ADMIN, 1), done, before;

    assert_int_equal(kit_bulk(k, p, ALB_DOOR_WEB, ALB_BULK_TRASH, 0, id, &done), ALB_OK);
    assert_int_equal(kit_bulk(k, p, ALB_DOOR_WEB, ALB_BULK_PURGE, 0, id, &done), ALB_OK);
    assert_int_equal(ask(k, "SELECT count(*) FROM blob WHERE state = 1"), 1);
    assert_int_equal(ask(k, "SELECT count(*) FROM job"), 0);
    before = alb_library_last_change(k->lib);
    assert_int_equal(KIT(alb_library_purge_old, k->lib, KIT_NOW * 2), ALB_OK);
    assert_int_equal(ask(k, "SELECT count(*) FROM operation"), 2);
    assert_int_equal(alb_library_last_change(k->lib), before);
    alb_principal_unref(p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_changes),
        T(test_operations),
        T(test_failed_jobs),
        T(test_sessions_have_a_number),
        T(test_sessions_of_a_script),
        T(test_lost_operations_go_on),
        T(test_no_rows_for_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
