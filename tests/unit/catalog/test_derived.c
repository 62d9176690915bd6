/* SPDX-License-Identifier: Apache-2.0
 * Derived data: after ten thousand random commands every counter, effective value, path and link equals what
 * the rows say; layers written in any order give the same asset; check finds what is wrong and repairs it.
 */
#include "kit.h"

/* ---- chance that can be repeated ---- */

static uint64_t seed;

static uint64_t chance(uint64_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % n;
}

/* ---- random commands ---- */

#define ASSETS_MAX 400
#define ALBUMS_MAX 40

struct world {
    int64_t assets[ASSETS_MAX], albums[ALBUMS_MAX], tags[20];
    size_t asset_count, album_count, tag_count;
    uint64_t next_blob;
    int64_t users[3];
    int64_t done, refused;
};
static struct world w;

static int64_t some_asset(void)
{
    return w.asset_count > 0 ? w.assets[chance(w.asset_count)] : 1;
}

static int64_t some_album(void)
{
    return w.album_count > 0 ? w.albums[chance(w.album_count)] : 1;
}

static int64_t some_time(void)
{
    return (int64_t)chance(40ULL * 365 * 86400) * 1000 + (int64_t)chance(1000);
}

static int some_level(void)
{
    static const int levels[] = {0, 1, 2, 4, 8};

    return levels[chance(5)];
}

static void some_layer(struct alb_layer *l)
{
    static const struct alb_str texts[] = {{"", 0}, {"one", 3}, {"Two", 3}, {"\xc3\xa9", 2}};

    *l = (struct alb_layer){.stated = (uint32_t)chance(ALB_FIELDS_ALL + 1)};
    l->empty = l->stated & (uint32_t)chance(ALB_FIELDS_ALL + 1) & (uint32_t)chance(ALB_FIELDS_ALL + 1);
    l->capture = alb_capture_local(some_time(), chance(2) != 0, (int32_t)chance(1440) - 720);
    l->title = texts[chance(4)];
    l->description = texts[chance(4)];
    l->author = texts[chance(4)];
    l->latitude = (double)chance(180) - 90;
    l->longitude = (double)chance(360) - 180;
    l->rating = (int)chance(7) - 1;
    l->rotation = (int)chance(4) * 90;
}

static enum alb_code new_asset(struct alb_tx *tx, struct alb_err *err)
{
    int64_t id;
    enum alb_code code;

    if (w.asset_count == ASSETS_MAX)
        return ALB_OK;
    code = kit_insert_asset(tx, w.users[chance(3)], w.next_blob++, chance(3) ? some_time() : 0, &id, err);
    if (code == ALB_OK)
        w.assets[w.asset_count++] = id;
    return code;
}

static enum alb_code purge_one(struct alb_tx *tx, struct alb_err *err)
{
    size_t i = w.asset_count > 0 ? chance(w.asset_count) : 0;
    enum alb_code code;

    if (w.asset_count < 20)
        return ALB_OK;
    code = alb_catalog_asset_purge(tx, w.assets[i], err);
    if (code == ALB_OK)
        w.assets[i] = w.assets[--w.asset_count];
    return code;
}

static enum alb_code new_album(struct alb_tx *tx, struct alb_err *err)
{
    struct alb_album_new a = {.kind = chance(3) ? ALB_ALBUM_GALLERY : ALB_ALBUM_PERSONAL,
                              .name = ALB_STR("Album"),
                              .is_private = chance(3) == 0,
                              .locked = chance(5) == 0};
    struct alb_uuid uuid;
    int64_t id;
    enum alb_code code;

    if (w.album_count == ALBUMS_MAX)
        return ALB_OK;
    if (a.kind == ALB_ALBUM_GALLERY && chance(2))
        a.parent = some_album();
    code = alb_catalog_album_insert(tx, &a, w.users[0], w.users[0], &id, &uuid, err);
    if (code == ALB_OK)
        w.albums[w.album_count++] = id;
    return code;
}

static enum alb_code delete_album(struct alb_tx *tx, struct alb_err *err)
{
    size_t i = w.album_count > 0 ? chance(w.album_count) : 0;
    bool ended = false;
    enum alb_code code;

    if (w.album_count < 10)
        return ALB_OK;
    code = alb_catalog_album_delete(tx, w.albums[i], &ended, err);
    if ((code == ALB_OK && ended) || code == ALB_E_NOT_FOUND)
        w.albums[i] = w.albums[--w.album_count];
    return code == ALB_E_NOT_FOUND ? ALB_OK : code;
}

static enum alb_code write_layer(struct alb_tx *tx, struct alb_err *err)
{
    struct alb_layer l;
    struct alb_media m = {.width = 10, .height = 20, .make = ALB_STR("Canon")};
    struct alb_machine_write mw = {
        .layer = (enum alb_layer_id)chance(3), .values = &l, .media = chance(2) ? &m : NULL, .damaged = -1};
    int64_t tags[3];

    some_layer(&l);
    for (size_t i = 0; i < 3; i++)
        tags[i] = w.tags[chance(w.tag_count)];
    mw.tags = tags;
    mw.tag_count = chance(4);
    return alb_catalog_layer_write(tx, some_asset(), &mw, err);
}

static enum alb_code write_person(struct alb_tx *tx, struct alb_err *err)
{
    struct alb_layer l;
    int64_t add = w.tags[chance(w.tag_count)], remove = w.tags[chance(w.tag_count)];
    struct alb_person_write pw = {.values = &l,
                                  .forget = (uint32_t)chance(ALB_FIELDS_ALL + 1),
                                  .tags_add = &add,
                                  .tags_remove = &remove,
                                  .tag_add_count = chance(2),
                                  .tag_remove_count = chance(2),
                                  .actor = w.users[0]};

    some_layer(&l);
    return alb_catalog_person_write(tx, some_asset(), &pw, err);
}

static enum alb_code new_stack(struct alb_tx *tx, struct alb_err *err)
{
    int64_t ids[3] = {some_asset(), some_asset(), some_asset()}, stack;
    struct alb_uuid uuid;
    struct alb_asset_core core;
    enum alb_code code = alb_catalog_asset_core(alb_tx_snap(tx), ids[0], &core, err);

    if (code != ALB_OK || ids[0] == ids[1] || ids[1] == ids[2] || ids[0] == ids[2])
        return code;
    return alb_catalog_stack_new(tx, core.owner_id, ids, 3, &stack, &uuid, err);
}

static enum alb_code dissolve_stack(struct alb_tx *tx, struct alb_err *err)
{
    struct alb_asset_core core;
    enum alb_code code = alb_catalog_asset_core(alb_tx_snap(tx), some_asset(), &core, err);

    return code == ALB_OK && core.stack_id != 0 ? alb_catalog_stack_dissolve(tx, core.stack_id, err) : code;
}

static enum alb_code work_on_jobs(struct alb_tx *tx, struct alb_err *err)
{
    static const struct alb_str kinds[] = {{"a", 1}, {"b", 1}};
    struct alb_job_new job = {.kind = kinds[chance(2)], .subject = (int64_t)chance(30), .max_attempts = 2};
    struct alb_job_pick pick = {0};
    struct alb_arena *a = alb_arena_new(65536);
    struct alb_job out;
    bool found;
    int64_t n;
    enum alb_code code = alb_catalog_job_add(tx, &job, err);

    if (code == ALB_OK)
        code = alb_catalog_job_best(alb_tx_snap(tx), kinds[chance(2)], alb_tx_now(tx), &pick, &found, err);
    if (code == ALB_OK && found)
        code = alb_catalog_job_lease(tx, pick.id, ALB_STR("me"), alb_tx_now(tx) + 5, a, &out, err);
    if (code == ALB_OK && found) {
        switch (chance(4)) {
        case 0:
            code = alb_catalog_job_done(tx, pick.id, ALB_STR("me"), err);
            break;
        case 1:
            code = alb_catalog_job_fail(tx, pick.id, ALB_STR("me"), alb_tx_now(tx), true, ALB_STR("no"), err);
            break;
        case 2:
            code = alb_catalog_job_fail(tx, pick.id, ALB_STR("me"), -1, true, ALB_STR("never"), err);
            break;
        default:
            code = alb_catalog_job_reclaim(tx, INT64_MAX, &n, err);
            break;
        }
    }
    if (code == ALB_OK && chance(20) == 0)
        code = alb_catalog_job_retry(tx, kinds[chance(2)], chance(2) != 0, &n, err);
    alb_arena_free(&a);
    return code;
}

static enum alb_code change_state(struct alb_tx *tx, struct alb_err *err)
{
    int64_t id = some_asset();
    bool changed;

    switch (chance(7)) {
    case 0:
        return alb_catalog_asset_set_trashed(tx, id, chance(2) ? alb_tx_now(tx) : 0, err);
    case 1:
        return alb_catalog_asset_set_visibility(tx, id, (enum alb_visibility)chance(4), err);
    case 2:
        return alb_catalog_asset_set_level(tx, id, some_level(), err);
    case 3:
        return alb_catalog_favorite_set(tx, w.users[chance(3)], id, chance(2) != 0, &changed, err);
    case 4:
        return alb_catalog_asset_set_live(tx, id, some_asset(), err);
    case 5:
        return alb_catalog_album_set_private(tx, some_album(), chance(2) != 0, err);
    default:
        return alb_catalog_album_set_locked(tx, some_album(), chance(2) != 0, err);
    }
}

static enum alb_code one_command(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    bool changed;

    (void)arg;
    switch (chance(20)) {
    case 0:
    case 1:
    case 2:
        return new_asset(tx, err);
    case 3:
        return purge_one(tx, err);
    case 4:
        return new_album(tx, err);
    case 5:
        return chance(4) ? ALB_OK : delete_album(tx, err);
    case 6:
    case 7:
        return write_layer(tx, err);
    case 8:
    case 9:
        return write_person(tx, err);
    case 10:
        return new_stack(tx, err);
    case 11:
        return dissolve_stack(tx, err);
    case 12:
    case 13:
        return work_on_jobs(tx, err);
    case 14:
    case 15:
    case 16:
        return alb_catalog_album_link(tx, some_album(), some_asset(), w.users[0], &changed, err);
    case 17:
        return alb_catalog_album_unlink(tx, some_album(), some_asset(), &changed, err);
    default:
        return change_state(tx, err);
    }
}

static enum alb_code a_hundred(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    for (int i = 0; i < 100; i++) {
        struct alb_err why = ALB_ERR_INIT;
        struct world before = w;
        enum alb_code code = alb_tx_try(tx, one_command, arg, &why);

        if (code == ALB_OK) {
            w.done++;
        } else if (code == ALB_E_NOT_FOUND || code == ALB_E_INVALID || code == ALB_E_FORBIDDEN) {
            w = before; /* undone: the world too */
            w.refused++;
        } else {
            return alb_fail(err, code, "%s", why.msg);
        }
    }
    return ALB_OK;
}

static enum alb_code settle_in(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    static const char *names[] = {"anna", "ben"};
    enum alb_code code = ALB_OK;

    (void)arg;
    w.users[0] = ALB_USER_ADMIN;
    for (int i = 0; code == ALB_OK && i < 2; i++) {
        struct alb_user u = {.name = alb_str_c(names[i]), .role = ALB_ROLE_USER, .quota_bytes = -1};
        struct alb_uuid uuid;

        code = alb_catalog_user_insert(tx, &u, ALB_STR_NONE, &w.users[i + 1], &uuid, err);
    }
    for (int i = 0; code == ALB_OK && i < 10; i++) {
        char value[16];
        struct alb_tag_name name = {.scope = i % 2 ? ALB_TAG_USER : ALB_TAG_GALLERY};

        snprintf(value, sizeof(value), "t/%d", i);
        name.value = alb_str_c(value);
        code = alb_catalog_tag_ensure(tx, &name, w.users[0], &w.tags[w.tag_count++], err);
    }
    return code;
}

static void test_random_commands(void **state)
{
    struct kit *k = *state;

    memset(&w, 0, sizeof(w));
    seed = 0x9e3779b97f4a7c15ULL;
    kit_write_ok(k, settle_in, NULL);
    for (int i = 0; i < 100; i++) {
        kit_write_ok(k, a_hundred, NULL);
        if (i % 20 == 19)
            kit_check_clean(k);
    }
    print_message("# %lld commands, %lld refused, %zu assets, %zu albums\n", (long long)w.done,
                  (long long)w.refused, w.asset_count, w.album_count);
    assert_true(w.done > 7000);
    assert_true(kit_ask(k, "SELECT sum(assets) FROM count_month") == (int64_t)w.asset_count);
    assert_true(kit_ask(k, "SELECT count(*) FROM count_album") > 0);
    assert_true(kit_ask(k, "SELECT sum(behind) FROM count_month") > 0);
    assert_true(kit_ask(k, "SELECT count(*) FROM change") > 5000);
}

/* ---- layers commute ---- */

struct script {
    struct alb_layer layers[3];
    int64_t tags[3][2], add, remove;
    struct alb_layer person;
    const int *order;
    int64_t asset;
};

static enum alb_code play(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    struct script *s = arg;
    enum alb_code code = kit_insert_asset(tx, ALB_USER_ADMIN, w.next_blob++, 0, &s->asset, err);

    for (int i = 0; code == ALB_OK && i < 4; i++) {
        int step = s->order[i];

        if (step < 3) {
            struct alb_machine_write mw = {.layer = (enum alb_layer_id)step,
                                           .values = &s->layers[step],
                                           .tags = s->tags[step],
                                           .tag_count = 2,
                                           .damaged = -1};

            code = alb_catalog_layer_write(tx, s->asset, &mw, err);
        } else {
            struct alb_person_write pw = {.values = &s->person,
                                          .tags_add = &s->add,
                                          .tags_remove = &s->remove,
                                          .tag_add_count = 1,
                                          .tag_remove_count = 1,
                                          .actor = ALB_USER_ADMIN};

            code = alb_catalog_person_write(tx, s->asset, &pw, err);
        }
    }
    return code;
}

/* Everything effective of an asset as one text; creation time stands in where no capture time is known. */
static void effective_text(struct kit *k, int64_t asset, struct alb_buf *out)
{
    struct alb_snap *s;
    struct alb_q q;

    assert_int_equal(alb_catalog_read(k->cat, &s, NULL), ALB_OK);
    alb_q_open(
        &q, s,
        "SELECT quote(taken_utc) || quote(taken_local) || quote(taken_offset) || quote(taken_layer) ||"
        " quote(CASE WHEN taken_utc IS NULL THEN 0 ELSE sort_local END) || quote(title) || quote(title_key) "
        "||"
        " quote(description) || quote(description_key) || quote(author) || quote(latitude) ||"
        " quote(longitude) || quote(rating) || quote(rotation) ||"
        " coalesce((SELECT group_concat(tag_id) FROM (SELECT tag_id FROM asset_tag WHERE asset_id = a.id"
        " ORDER BY tag_id)), '-') FROM asset a WHERE id = ?");
    alb_q_i64(&q, asset);
    assert_true(alb_q_first(&q));
    alb_buf_reset(out);
    alb_buf_str(out, alb_q_text(&q, 0));
    assert_int_equal(alb_q_end(&q, NULL), ALB_OK);
    alb_catalog_read_end(&s);
}

static void test_layers_commute(void **state)
{
    static const int orders[24][4] = {{0, 1, 2, 3}, {0, 1, 3, 2}, {0, 2, 1, 3}, {0, 2, 3, 1}, {0, 3, 1, 2},
                                      {0, 3, 2, 1}, {1, 0, 2, 3}, {1, 0, 3, 2}, {1, 2, 0, 3}, {1, 2, 3, 0},
                                      {1, 3, 0, 2}, {1, 3, 2, 0}, {2, 0, 1, 3}, {2, 0, 3, 1}, {2, 1, 0, 3},
                                      {2, 1, 3, 0}, {2, 3, 0, 1}, {2, 3, 1, 0}, {3, 0, 1, 2}, {3, 0, 2, 1},
                                      {3, 1, 0, 2}, {3, 1, 2, 0}, {3, 2, 0, 1}, {3, 2, 1, 0}};
    struct kit *k = *state;
    struct alb_buf first = ALB_BUF_INIT(65536), other = ALB_BUF_INIT(65536);

    memset(&w, 0, sizeof(w));
    seed = 88172645463325252ULL;
    kit_write_ok(k, settle_in, NULL);
    for (int round = 0; round < 15; round++) {
        struct script s = {.asset = 0};

        for (int i = 0; i < 3; i++) {
            some_layer(&s.layers[i]);
            s.tags[i][0] = w.tags[chance(w.tag_count)];
            s.tags[i][1] = w.tags[chance(w.tag_count)];
        }
        some_layer(&s.person);
        s.add = w.tags[chance(w.tag_count)];
        s.remove = w.tags[chance(w.tag_count)];
        for (int i = 0; i < 24; i++) {
            s.order = orders[i];
            kit_write_ok(k, play, &s);
            effective_text(k, s.asset, i == 0 ? &first : &other);
            if (i > 0 && !alb_str_eq(alb_buf_view(&first), alb_buf_view(&other)))
                fail_msg("round %d order %d: " ALB_STR_FMT " / " ALB_STR_FMT, round, i,
                         ALB_STR_ARG(alb_buf_view(&first)), ALB_STR_ARG(alb_buf_view(&other)));
        }
    }
    kit_check_clean(k);
    alb_buf_fini(&first);
    alb_buf_fini(&other);
}

/* ---- check and repair ---- */

static enum alb_code tamper(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    return alb_dbconn_exec(alb_tx_snap(tx)->conn, arg, err);
}

static void test_check_finds_and_repairs(void **state)
{
    static const char *const damages[] = {
        "UPDATE count_month SET assets = assets + 1",
        "DELETE FROM count_month",
        "UPDATE count_owner SET bytes = bytes - 1",
        "UPDATE count_album SET photos = 99",
        "UPDATE count_album SET newest_at = 1",
        "UPDATE album_asset SET shown_level = 8",
        "UPDATE asset SET title = 'somebody wrote here'",
        "UPDATE asset SET rotation = 90",
        "INSERT OR IGNORE INTO asset_tag SELECT a.id, t.id FROM asset a, tag t WHERE a.id = (SELECT min(id) "
        "FROM asset)",
        "DELETE FROM album_path WHERE depth = 0",
        "UPDATE job_kind SET waiting = waiting + 5",
        "DELETE FROM job_kind",
        "INSERT INTO count_month VALUES (1, 0, 0, 1, 0, 0, 0, 0)",
        "UPDATE count_month SET images = images - 1, videos = videos + 1",
        "DELETE FROM count_owner",
        "DELETE FROM count_album",
        "INSERT OR IGNORE INTO count_album SELECT id, 8, 3, 5 FROM album",
        "UPDATE album_asset SET asset_created_at = 5, shown_level = NULL",
        "UPDATE asset SET gallery = 0, personal = 1",
        "DELETE FROM album_path",
        "UPDATE album SET path = '7,' || path",
        "UPDATE album SET path = ''; DELETE FROM album_path WHERE depth > 0",
        "INSERT OR IGNORE INTO album_path SELECT a.id, b.id, 7 FROM album a, album b",
        "UPDATE blob SET state = 1",
        "UPDATE count_month SET assets = 0; UPDATE count_album SET photos = 0; UPDATE album_asset SET"
        " shown_level = 1; DELETE FROM album_path; UPDATE job_kind SET failed = 7",
    };
    struct kit *k = *state;

    memset(&w, 0, sizeof(w));
    seed = 42;
    kit_write_ok(k, settle_in, NULL);
    for (int i = 0; i < 8; i++)
        kit_write_ok(k, a_hundred, NULL);
    kit_check_clean(k);
    assert_true(kit_ask(k, "SELECT count(*) FROM count_album") > 0);
    for (size_t i = 0; i < ALB_ARRAY_LEN(damages); i++) {
        uint64_t problems = 0;

        kit_write_ok(k, tamper, (void *)(uintptr_t)damages[i]);
        assert_int_equal(alb_catalog_check(k->cat, false, NULL, NULL, &problems, NULL), ALB_OK);
        if (problems == 0)
            fail_msg("not found: %s", damages[i]);
        assert_int_equal(alb_catalog_check(k->cat, true, NULL, NULL, &problems, NULL), ALB_OK);
        assert_true(problems > 0);
        kit_check_clean(k);
    }
}

/* What the counters are wrong by stays what it is, whatever happens meanwhile: also where they pass by zero,
 * at which rows of counters end. */
struct steady {
    int64_t album, assets[4];
};

static enum alb_code two_in_an_album(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    const struct alb_album_new a = {.kind = ALB_ALBUM_GALLERY, .name = ALB_STR("Album")};
    struct steady *s = arg;
    struct alb_uuid uuid;
    bool changed;
    enum alb_code code =
        alb_catalog_album_insert(tx, &a, ALB_USER_ADMIN, ALB_USER_ADMIN, &s->album, &uuid, err);

    for (size_t i = 0; code == ALB_OK && i < 4; i++) {
        code = kit_insert_asset(tx, ALB_USER_ADMIN, 100 + i, 0, &s->assets[i], err);
        if (code == ALB_OK && i < 2)
            code = alb_catalog_album_link(tx, s->album, s->assets[i], ALB_USER_ADMIN, &changed, err);
    }
    return code;
}

static enum alb_code up_and_down(struct alb_tx *tx, void *arg, struct alb_err *err)
{
    const struct steady *s = arg;
    bool changed;
    enum alb_code code = alb_catalog_album_link(tx, s->album, s->assets[2], ALB_USER_ADMIN, &changed, err);

    if (code == ALB_OK)
        code = alb_catalog_album_unlink(tx, s->album, s->assets[2], &changed, err);
    if (code == ALB_OK)
        code = alb_catalog_album_unlink(tx, s->album, s->assets[1], &changed, err);
    if (code == ALB_OK)
        code = alb_catalog_asset_purge(tx, s->assets[2], err);
    return code == ALB_OK ? alb_catalog_asset_purge(tx, s->assets[3], err) : code;
}

static void test_errors_stay_what_they_are(void **state)
{
    struct kit *k = *state;
    struct steady s;

    kit_write_ok(k, two_in_an_album, &s);
    kit_check_clean(k);
    kit_write_ok(k, tamper,
                 (void *)(uintptr_t)"UPDATE count_album SET photos = 0; UPDATE count_month SET assets = 1");
    kit_write_ok(k, up_and_down, &s);
    kit_write_ok(
        k, tamper,
        (void *)(uintptr_t)"INSERT INTO count_album SELECT album_id, shown_level, 2, 0 FROM album_asset"
                           " WHERE true ON CONFLICT DO UPDATE SET photos = photos + 2;"
                           "UPDATE count_month SET assets = assets + 3");
    kit_check_clean(k);
}

/* Everybody goes on writing while it is put right: what is counted wrong is told by a snapshot, and the
 * counters have moved on by the time it is written. */
static void test_repairs_among_writes(void **state)
{
    struct kit *k = *state;
    struct alb_future *writes[24];
    uint64_t problems;

    memset(&w, 0, sizeof(w));
    seed = 4711;
    kit_write_ok(k, settle_in, NULL);
    kit_write_ok(k, a_hundred, NULL);
    for (int round = 0; round < 3; round++) {
        kit_write_ok(
            k, tamper,
            (void *)(uintptr_t)"UPDATE count_month SET assets = assets + 3, behind = behind - 1;"
                               "UPDATE count_owner SET bytes = 1; UPDATE count_album SET photos = 0");
        for (size_t i = 0; i < ALB_ARRAY_LEN(writes); i++)
            writes[i] = kit_start(k, a_hundred, NULL);
        assert_int_equal(alb_catalog_check(k->cat, true, NULL, NULL, &problems, NULL), ALB_OK);
        for (size_t i = 0; i < ALB_ARRAY_LEN(writes); i++)
            assert_int_equal(kit_await(writes[i]), ALB_OK);
        assert_true(problems > 0);
        kit_check_clean(k);
    }
}

/* A bare check changes nothing: not a row, not the feed. */
static void test_check_does_not_write(void **state)
{
    struct kit *k = *state;
    int64_t changes;
    uint64_t problems;

    memset(&w, 0, sizeof(w));
    seed = 7;
    kit_write_ok(k, settle_in, NULL);
    kit_write_ok(k, a_hundred, NULL);
    kit_write_ok(k, tamper, (void *)(uintptr_t)"UPDATE asset SET author = 'x'");
    changes = kit_ask(k, "SELECT max(seq) FROM change");
    assert_int_equal(alb_catalog_check(k->cat, false, NULL, NULL, &problems, NULL), ALB_OK);
    assert_true(problems > 0);
    assert_int_equal(kit_ask(k, "SELECT max(seq) FROM change"), changes);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM asset WHERE author = 'x'"), (int64_t)w.asset_count);
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_random_commands),      T(test_layers_commute),       T(test_check_finds_and_repairs),
        T(test_repairs_among_writes), T(test_check_does_not_write), T(test_errors_stay_what_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
