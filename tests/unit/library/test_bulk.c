/* SPDX-License-Identifier: Apache-2.0
 * Bulk edits: what each action does and skips, undo, the trash, slices with others' writes in between, and
 * taking up again what a closing or dying process left half done.
 */
#include <signal.h>
#include <sys/wait.h>

#include "kit.h"

static struct alb_bulk *bulk(struct kit *k, const struct alb_principal *p, enum alb_door door,
                             enum alb_bulk_action action, int64_t value, const struct alb_uuid *ids,
                             size_t count)
{
    struct alb_future *f;
    struct alb_obj *obj;
    struct alb_err err = ALB_ERR_INIT;

    if (alb_library_bulk(k->lib, p, door, action, value, ids, count, &f, &err) != ALB_OK ||
        alb_library_await(&f, &obj, &err) != ALB_OK)
        fail_msg("bulk %d: %s %s", (int)action, alb_code_name(err.code), err.msg);
    return (struct alb_bulk *)(void *)obj;
}

/* Does it, checks the numbers, gives the operation's id. */
static int64_t bulk_is(struct kit *k, const struct alb_principal *p, enum alb_door door,
                       enum alb_bulk_action action, int64_t value, const struct alb_uuid *ids, size_t count,
                       int64_t done, int64_t skipped)
{
    struct alb_bulk *b = bulk(k, p, door, action, value, ids, count);
    int64_t id = b->operation_id;

    assert_int_equal(b->done, done);
    assert_int_equal(b->skipped, skipped);
    alb_obj_unref(&b->obj);
    return id;
}

struct three {
    int64_t ann, ben, id[4];
    struct alb_uuid uuid[4]; /* 0, 1 ann's, 2 ben's, 3 nobody's */
    struct alb_principal *a, *b, *admin;
};

static void three_begin(struct three *t, struct kit *k)
{
    t->ann = kit_user(k, "ann", 0);
    t->ben = kit_user(k, "ben", 0);
    t->a = kit_as(k, t->ann);
    t->b = kit_as(k, t->ben);
    t->admin = kit_as(k, ALB_USER_ADMIN);
    for (int i = 0; i < 3; i++) {
        t->id[i] = kit_add(k, i < 2 ? t->ann : t->ben, (uint64_t)i + 1);
        t->uuid[i] = kit_uuid(k, t->id[i]);
    }
    t->uuid[3] = t->uuid[0];
    t->uuid[3].b[15] ^= 0x55;
}

static void three_end(struct three *t)
{
    alb_principal_unref(t->a);
    alb_principal_unref(t->b);
    alb_principal_unref(t->admin);
}

static void test_trash_and_undo(void **state)
{
    struct kit *k = *state;
    struct three t;
    int64_t op;

    three_begin(&t, k);
    op = bulk_is(k, t.a, ALB_DOOR_WEB, ALB_BULK_TRASH, 0, t.uuid, 4, 2, 2);
    assert_true(kit_get(k, t.id[0]).trashed && kit_get(k, t.id[1]).trashed);
    assert_false(kit_get(k, t.id[2]).trashed);
    bulk_is(k, t.b, ALB_DOOR_WEB, ALB_BULK_RESTORE, 0, t.uuid, 2, 0, 2);
    bulk_is(k, t.a, ALB_DOOR_WEB, ALB_BULK_RESTORE, 0, &t.uuid[0], 1, 1, 0);
    bulk_is(k, t.a, ALB_DOOR_WEB, ALB_BULK_UNDO, op, NULL, 0, 1,
            1); /* one was changed since: later edits win */
    assert_false(kit_get(k, t.id[0]).trashed || kit_get(k, t.id[1]).trashed);
    kit_check_clean(k);
    three_end(&t);
}

static enum alb_code undo_fails(struct kit *k, const struct alb_principal *p, int64_t op)
{
    struct alb_future *f;

    assert_int_equal(alb_library_bulk(k->lib, p, ALB_DOOR_WEB, ALB_BULK_UNDO, op, NULL, 0, &f, NULL), ALB_OK);
    return alb_library_await(&f, NULL, NULL);
}

static void test_each_action_undone(void **state)
{
    static const struct {
        enum alb_bulk_action action;
        int64_t value;
    } actions[] = {
        {ALB_BULK_VISIBILITY, ALB_VIS_ARCHIVE},
        {ALB_BULK_FAVORITE, 1},
        {ALB_BULK_LEVEL, 4},
        {ALB_BULK_TRASH, 0},
    };
    struct kit *k = *state;
    struct three t;
    struct alb_album_new album = {.kind = ALB_ALBUM_PERSONAL, .name = ALB_STR("x")};
    struct alb_album got;
    struct alb_asset before, after;
    int64_t op, id;

    three_begin(&t, k);
    for (size_t i = 0; i < ALB_ARRAY_LEN(actions); i++) {
        assert_int_equal(alb_library_asset_get(k->lib, t.a, &t.uuid[0], k->arena, &before, NULL), ALB_OK);
        op = bulk_is(k, t.a, ALB_DOOR_WEB, actions[i].action, actions[i].value, t.uuid, 2, 2, 0);
        assert_int_equal(undo_fails(k, t.b, op), ALB_E_NOT_FOUND); /* somebody else's */
        bulk_is(k, t.a, ALB_DOOR_WEB, ALB_BULK_UNDO, op, NULL, 0, 2, 0);
        assert_int_equal(undo_fails(k, t.a, op), ALB_E_CONFLICT); /* only once */
        assert_int_equal(alb_library_asset_get(k->lib, t.a, &t.uuid[0], k->arena, &after, NULL), ALB_OK);
        assert_int_equal(after.visibility, before.visibility);
        assert_int_equal(after.favorite, before.favorite);
        assert_int_equal(after.level, before.level);
        assert_int_equal(after.trashed, before.trashed);
    }
    assert_int_equal(KIT_ID(&id, alb_library_album_new, k->lib, t.a, &album), ALB_OK);
    op = bulk_is(k, t.a, ALB_DOOR_WEB, ALB_BULK_ALBUM_ADD, id, t.uuid, 4, 2, 2);
    bulk_is(k, t.b, ALB_DOOR_WEB, ALB_BULK_ALBUM_ADD, id, &t.uuid[2], 1, 0, 1); /* not his album */
    bulk_is(k, t.a, ALB_DOOR_WEB, ALB_BULK_UNDO, op, NULL, 0, 2, 0);
    {
        struct alb_album *list;
        size_t n;

        assert_int_equal(alb_library_album_list(k->lib, t.a, ALB_ALBUM_PERSONAL, k->arena, &list, &n, NULL),
                         ALB_OK);
        got = list[0];
    }
    assert_int_equal(got.photos, 0);
    kit_check_clean(k);
    three_end(&t);
}

/* Deleting through Piwigo's door. */
static void test_piwigo_delete(void **state)
{
    struct kit *k = *state;
    struct three t;
    struct alb_album_new album = {.kind = ALB_ALBUM_GALLERY, .name = ALB_STR("g")};
    struct alb_asset_new gallery_only;
    struct alb_created *c;
    struct alb_uuid only;
    int64_t id, op;

    three_begin(&t, k);
    assert_int_equal(KIT_ID(&id, alb_library_album_new, k->lib, t.admin, &album), ALB_OK);
    gallery_only = kit_asset(ALB_USER_ADMIN, 99);
    gallery_only.door = ALB_DOOR_PIWIGO;
    c = kit_create(k, &gallery_only);
    only = c->asset_uuid;
    bulk_is(k, t.admin, ALB_DOOR_PIWIGO, ALB_BULK_ALBUM_ADD, id, &only, 1, 1, 0);
    /* ann puts hers in: she may not change the house's album; the house does it for her */
    bulk_is(k, t.a, ALB_DOOR_WEB, ALB_BULK_ALBUM_ADD, id, &t.uuid[0], 1, 0, 1);
    {
        struct alb_principal *local;

        assert_int_equal(
            alb_library_principal_user(k->lib, t.ann, ALB_CRED_LOCAL, 0, INT64_MAX, &local, NULL), ALB_OK);
        bulk_is(k, local, ALB_DOOR_WEB, ALB_BULK_ALBUM_ADD, id, &t.uuid[0], 1, 1, 0);
        alb_principal_unref(local);
    }
    assert_true(kit_get(k, t.id[0]).gallery);
    /* the administrator deletes both: hers leaves the gallery and stays hers; the other goes to the trash */
    op = bulk_is(k, t.admin, ALB_DOOR_PIWIGO, ALB_BULK_TRASH, 0, &t.uuid[0], 1, 1, 0);
    bulk_is(k, t.admin, ALB_DOOR_PIWIGO, ALB_BULK_TRASH, 0, &only, 1, 1, 0);
    assert_false(kit_get(k, t.id[0]).gallery);
    assert_false(kit_get(k, t.id[0]).trashed);
    assert_true(kit_get(k, c->asset_id).trashed);
    /* not through another door, and not what was never in the gallery */
    bulk_is(k, t.admin, ALB_DOOR_IMMICH, ALB_BULK_TRASH, 0, &t.uuid[0], 1, 0, 1);
    bulk_is(k, t.admin, ALB_DOOR_PIWIGO, ALB_BULK_TRASH, 0, &t.uuid[1], 1, 0, 1);
    /* the undo puts link and gallery back */
    bulk_is(k, t.admin, ALB_DOOR_PIWIGO, ALB_BULK_UNDO, op, NULL, 0, 2, 0);
    assert_true(kit_get(k, t.id[0]).gallery);
    assert_true(alb_library_may(k->lib, t.b, t.id[0], ALB_RIGHT_SEE));
    kit_check_clean(k);
    alb_obj_unref(&c->obj);
    three_end(&t);
}

static void test_purge_takes_the_motion_part(void **state)
{
    struct kit *k = *state;
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN);
    int64_t motion = kit_add(k, ALB_USER_ADMIN, 1), ids[2], done;
    struct alb_asset got;

    for (int i = 0; i < 2; i++) { /* two stills with one motion part */
        struct alb_asset_new a = kit_asset(ALB_USER_ADMIN, (uint64_t)i + 2);
        struct alb_created *c;

        a.live = motion;
        c = kit_create(k, &a);
        ids[i] = c->asset_id;
        alb_obj_unref(&c->obj);
    }
    assert_int_equal(kit_bulk(k, p, ALB_DOOR_WEB, ALB_BULK_PURGE, 0, ids[0], &done), ALB_OK);
    assert_true(kit_get(k, ids[1]).has_live);
    assert_int_equal(kit_bulk(k, p, ALB_DOOR_WEB, ALB_BULK_PURGE, 0, ids[1], &done), ALB_OK);
    assert_int_equal(alb_library_asset_by_id(k->lib, motion, k->arena, &got, NULL), ALB_E_NOT_FOUND);
    kit_check_clean(k);
    alb_principal_unref(p);
}

/* ---- the trash as a whole ---- */

static void test_empty_trash(void **state)
{
    struct kit *k = *state;
    struct three t;
    struct alb_future *f;
    struct alb_obj *obj;
    struct alb_statistics st;
    int64_t done;

    three_begin(&t, k);
    assert_int_equal(kit_bulk(k, t.a, ALB_DOOR_WEB, ALB_BULK_VISIBILITY, ALB_VIS_LOCKED, t.id[1], &done),
                     ALB_OK);
    bulk_is(k, t.b, ALB_DOOR_WEB, ALB_BULK_TRASH, 0, &t.uuid[2], 1, 1, 0);
    bulk_is(k, t.a, ALB_DOOR_WEB, ALB_BULK_TRASH, 0, &t.uuid[0], 1, 1, 0);
    assert_int_equal(alb_library_trash_all(k->lib, t.a, true, &f, NULL), ALB_OK);
    assert_int_equal(alb_library_await(&f, &obj, NULL), ALB_OK);
    assert_int_equal(((struct alb_bulk *)(void *)obj)->done, 1);
    alb_obj_unref(obj);
    assert_false(kit_get(k, t.id[0]).trashed);
    assert_true(kit_get(k, t.id[2]).trashed); /* ben's */
    bulk_is(k, t.a, ALB_DOOR_WEB, ALB_BULK_TRASH, 0, &t.uuid[0], 1, 1, 0);
    assert_int_equal(alb_library_trash_all(k->lib, t.a, false, &f, NULL), ALB_OK);
    assert_int_equal(alb_library_await(&f, NULL, NULL), ALB_OK);
    assert_int_equal(alb_library_statistics(k->lib, t.a, 0, true, -1, &st, NULL), ALB_OK);
    assert_int_equal(st.total, 0);
    /* the nightly purge: by age, of everybody */
    assert_int_equal(alb_library_purge_old(k->lib, KIT_NOW, &f, NULL), ALB_OK);
    assert_int_equal(alb_library_await(&f, NULL, NULL), ALB_OK);
    assert_true(kit_get(k, t.id[2]).trashed); /* not before, but at that moment */
    assert_int_equal(alb_library_purge_old(k->lib, KIT_NOW + 1, &f, NULL), ALB_OK);
    assert_int_equal(alb_library_await(&f, NULL, NULL), ALB_OK);
    assert_int_equal(alb_library_statistics(k->lib, t.b, 0, true, -1, &st, NULL), ALB_OK);
    assert_int_equal(st.total, 0);
    kit_check_clean(k);
    three_end(&t);
}

/* ---- slices ---- */

#define MANY 1500

static struct alb_uuid *many(struct kit *k, int64_t owner)
{
    struct alb_uuid *ids = calloc(MANY, sizeof(*ids));
    struct alb_future *f[MANY];

    assert_non_null(ids);
    for (uint64_t i = 0; i < MANY; i++) {
        struct alb_asset_new a = kit_asset(owner, i + 1000);

        assert_int_equal(alb_library_asset_create(k->lib, &a, &f[i], NULL), ALB_OK);
    }
    for (int i = 0; i < MANY; i++) {
        struct alb_obj *obj;

        assert_int_equal(alb_library_await(&f[i], &obj, NULL), ALB_OK);
        ids[i] = ((struct alb_created *)(void *)obj)->asset_uuid;
        alb_obj_unref(obj);
    }
    return ids;
}

static void test_slices_let_others_in(void **state)
{
    struct kit *k = *state;
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN);
    struct alb_uuid *ids = many(k, ALB_USER_ADMIN);
    struct alb_future *big;
    struct alb_obj *obj;
    uint64_t commits = alb_library_look(k->lib).commits;
    int between = 0;
    int64_t worst = 0;

    assert_int_equal(alb_library_bulk(k->lib, p, ALB_DOOR_WEB, ALB_BULK_TRASH, 0, ids, MANY, &big, NULL),
                     ALB_OK);
    while (!alb_future_done(big)) {
        int64_t started = alb_mono(alb_clock_real()), took;

        kit_add(k, ALB_USER_ADMIN, 100000 + (uint64_t)between++);
        took = alb_mono(alb_clock_real()) - started;
        worst = took > worst ? took : worst;
    }
    assert_int_equal(alb_library_await(&big, &obj, NULL), ALB_OK);
    assert_int_equal(((struct alb_bulk *)(void *)obj)->done, MANY);
    alb_obj_unref(obj);
    print_message("# %d assets in %llu commits, %d writes in between, the slowest %.1f ms\n", MANY,
                  (unsigned long long)(alb_library_look(k->lib).commits - commits), between,
                  (double)worst / 1e6);
    assert_true(alb_library_look(k->lib).commits - commits > 1);
    assert_true(between > 0);
    kit_check_clean(k);
    free(ids);
    alb_principal_unref(p);
}

static int64_t trashed(struct kit *k, const struct alb_principal *p)
{
    struct alb_statistics st;

    assert_int_equal(alb_library_statistics(k->lib, p, 0, true, -1, &st, NULL), ALB_OK);
    return st.total;
}

/* Closing in the middle: the caller is told, and the next start finishes it. */
static void test_goes_on_after_closing(void **state)
{
    struct kit *k = *state;
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN);
    struct alb_uuid *ids = many(k, ALB_USER_ADMIN);
    struct alb_future *big;
    int64_t until = alb_mono(alb_clock_real()) + 60 * ALB_NS_PER_S, half;
    enum alb_code code;

    assert_int_equal(alb_library_bulk(k->lib, p, ALB_DOOR_WEB, ALB_BULK_TRASH, 0, ids, MANY, &big, NULL),
                     ALB_OK);
    while (trashed(k, p) == 0 && !alb_future_done(big))
        continue;
    kit_close(k);
    assert_true(alb_future_done(big));
    code = alb_library_await(&big, NULL, NULL);
    assert_true(code == ALB_E_CANCELLED || code == ALB_OK);
    kit_open(k);
    half = trashed(k, p);
    while (trashed(k, p) < MANY && alb_mono(alb_clock_real()) < until)
        continue;
    assert_int_equal(trashed(k, p), MANY);
    print_message("# %s, %lld of %d when opened again\n", alb_code_name(code), (long long)half, MANY);
    kit_check_clean(k);
    free(ids);
    alb_principal_unref(p);
}

/* kill -9 in the middle. */
static void test_goes_on_after_a_kill(void **state)
{
    struct kit *k = *state;
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN);
    struct alb_uuid *ids = many(k, ALB_USER_ADMIN);
    int64_t until = alb_mono(alb_clock_real()) + 60 * ALB_NS_PER_S;
    int fds[2], status;
    char c;
    pid_t pid;

    kit_close(k);
    assert_int_equal(pipe(fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct alb_future *big;

        if (alb_catalog_open(&k->catalog, &k->cat, NULL) != ALB_OK)
            _exit(2);
        k->library.catalog = k->cat;
        if (alb_library_open(&k->library, &k->lib, NULL) != ALB_OK ||
            alb_library_bulk(k->lib, p, ALB_DOOR_WEB, ALB_BULK_TRASH, 0, ids, MANY, &big, NULL) != ALB_OK)
            _exit(2);
        while (trashed(k, p) == 0)
            continue;
        alb_ignore(write(fds[1], "x", 1) < 0, "the parent sees the end instead");
        alb_ignore(alb_library_await(&big, NULL, NULL), "killed before or after");
        for (;;)
            pause();
    }
    close(fds[1]);
    assert_int_equal(read(fds[0], &c, 1), 1);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    close(fds[0]);
    kit_open(k);
    while (trashed(k, p) < MANY && alb_mono(alb_clock_real()) < until)
        continue;
    assert_int_equal(trashed(k, p), MANY);
    kit_check_clean(k);
    free(ids);
    alb_principal_unref(p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_trash_and_undo),        T(test_each_action_undone),
        T(test_piwigo_delete),         T(test_purge_takes_the_motion_part),
        T(test_empty_trash),           T(test_slices_let_others_in),
        T(test_goes_on_after_closing), T(test_goes_on_after_a_kill),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
