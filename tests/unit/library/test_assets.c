/* SPDX-License-Identifier: Apache-2.0
 * Making assets (duplicates, trash, doors, collisions, quota, races), layers of machines and persons, the
 * life of a blob's row, the change feed.
 */
#include <pthread.h>

#include "kit.h"

#define TITLE ALB_FIELD_BIT(ALB_FIELD_TITLE)
#define CAPTURE ALB_FIELD_BIT(ALB_FIELD_CAPTURE)

static struct alb_created *create(struct kit *k, int64_t owner, uint64_t n, enum alb_door door)
{
    struct alb_asset_new a = kit_asset(owner, n);
    struct alb_created *c;

    a.door = door;
    c = kit_create(k, &a);
    assert_non_null(c);
    return c;
}

/* ---- duplicates ---- */

static void test_duplicate_rules(void **state)
{
    struct kit *k = *state;
    int64_t ann = kit_user(k, "ann", 0), done, id;
    struct alb_principal *p = kit_as(k, ann);
    struct alb_created *c = create(k, ann, 1, ALB_DOOR_WEB);
    struct alb_asset a;

    assert_int_equal(c->as, ALB_CREATED);
    assert_false(c->blob_known);
    id = c->asset_id;
    alb_obj_unref(&c->obj);

    c = create(k, ann, 1, ALB_DOOR_TUS);
    assert_int_equal(c->as, ALB_DUPLICATE);
    assert_int_equal(c->asset_id, id);
    assert_true(c->blob_known);
    assert_false(c->trashed);
    alb_obj_unref(&c->obj);

    /* through Piwigo's door it joins the gallery, and stays its owner's */
    c = create(k, ann, 1, ALB_DOOR_PIWIGO);
    assert_int_equal(c->as, ALB_DUPLICATE);
    alb_obj_unref(&c->obj);
    a = kit_get(k, id);
    assert_true(a.gallery && a.personal);

    /* in the trash: Immich is told, others restore */
    assert_int_equal(kit_bulk(k, p, ALB_DOOR_WEB, ALB_BULK_TRASH, 0, id, &done), ALB_OK);
    c = create(k, ann, 1, ALB_DOOR_IMMICH);
    assert_int_equal(c->as, ALB_DUPLICATE);
    assert_true(c->trashed);
    alb_obj_unref(&c->obj);
    assert_true(kit_get(k, id).trashed);
    c = create(k, ann, 1, ALB_DOOR_WEB);
    assert_int_equal(c->as, ALB_RESTORED);
    assert_int_equal(c->asset_id, id);
    alb_obj_unref(&c->obj);
    assert_false(kit_get(k, id).trashed);

    /* another owner: another asset, the same blob */
    c = create(k, ALB_USER_ADMIN, 1, ALB_DOOR_WEB);
    assert_int_equal(c->as, ALB_CREATED);
    assert_true(c->blob_known);
    assert_int_equal(kit_get(k, c->asset_id).blob_id, kit_get(k, id).blob_id);
    alb_obj_unref(&c->obj);
    kit_check_clean(k);
    alb_principal_unref(p);
}

static void test_sha1_collision_is_loud(void **state)
{
    struct kit *k = *state;
    struct alb_asset_new a = kit_asset(ALB_USER_ADMIN, 1);
    unsigned char sha1[ALB_SHA1_LEN];
    struct alb_future *f;

    memcpy(sha1, a.blob.sha1, sizeof(sha1));
    kit_add(k, ALB_USER_ADMIN, 1);
    a = kit_asset(ALB_USER_ADMIN, 2);
    memcpy(a.blob.sha1, sha1, sizeof(sha1)); /* other bytes with the same SHA-1 */
    assert_int_equal(alb_library_asset_create(k->lib, &a, &f, NULL), ALB_OK);
    assert_int_equal(alb_library_await(&f, NULL, NULL), ALB_E_UNPROCESSABLE);
    kit_check_clean(k);
}

struct racer {
    struct kit *k;
    int created, duplicate;
};

#define RACES 40

static void *race(void *arg)
{
    struct racer *r = arg;

    for (uint64_t n = 1; n <= RACES; n++) {
        struct alb_created *c = create(r->k, ALB_USER_ADMIN, n, ALB_DOOR_WEB);

        r->created += c->as == ALB_CREATED;
        r->duplicate += c->as == ALB_DUPLICATE;
        alb_obj_unref(&c->obj);
    }
    return NULL;
}

static void test_race_makes_one(void **state)
{
    struct racer r[6];
    pthread_t t[6];
    int created = 0;

    for (int i = 0; i < 6; i++) {
        r[i] = (struct racer){.k = *state};
        assert_int_equal(pthread_create(&t[i], NULL, race, &r[i]), 0);
    }
    for (int i = 0; i < 6; i++) {
        pthread_join(t[i], NULL);
        created += r[i].created;
        assert_int_equal(r[i].created + r[i].duplicate, RACES);
    }
    assert_int_equal(created, RACES);
    kit_check_clean(*state);
}

static void test_quota(void **state)
{
    struct kit *k = *state;
    struct alb_user_new u = {.name = ALB_STR("tight"), .role = ALB_ROLE_USER, .quota_bytes = 2500};
    struct alb_user who;
    struct alb_asset_new a;
    struct alb_future *f;
    int64_t id;

    assert_int_equal(KIT_ID(&id, alb_library_user_add, k->lib, &u), ALB_OK);
    kit_add(k, id, 1); /* 1001 bytes each and a little */
    kit_add(k, id, 2);
    a = kit_asset(id, 3);
    assert_int_equal(alb_library_asset_create(k->lib, &a, &f, NULL), ALB_OK);
    assert_int_equal(alb_library_await(&f, NULL, NULL), ALB_E_TOO_LARGE);
    assert_int_equal(alb_library_user_get(k->lib, id, k->arena, &who, NULL), ALB_OK);
    assert_int_equal(who.used_bytes, 1001 + 1002);
    a = kit_asset(ALB_USER_GUEST, 4);
    assert_int_equal(alb_library_asset_create(k->lib, &a, &f, NULL), ALB_OK);
    assert_int_equal(alb_library_await(&f, NULL, NULL), ALB_E_FORBIDDEN);
    kit_check_clean(k);
}

/* ---- everything in one call ---- */

static void test_create_with_everything(void **state)
{
    struct kit *k = *state;
    int64_t ann = kit_user(k, "ann", 0), ben = kit_user(k, "ben", 0), mine, his, motion = kit_add(k, ann, 77);
    struct alb_principal *p = kit_as(k, ann), *q = kit_as(k, ben);
    struct alb_album_new album = {.kind = ALB_ALBUM_PERSONAL, .name = ALB_STR("a")};
    struct alb_layer hint = {.stated = CAPTURE | TITLE, .title = ALB_STR("from the hint")};
    struct alb_layer file = {.stated = CAPTURE};
    struct alb_tag_name tags[] = {
        {ALB_TAG_USER, ALB_STR("a/b")}, {ALB_TAG_USER, ALB_STR("")}, {ALB_TAG_USER, ALB_STR("A/B")}};
    struct alb_declared_sum sum = {ALB_SUM_MD5, ALB_STR("0123456789abcdef")};
    struct alb_job_new job = {.kind = ALB_STR("asset.extract")};
    struct alb_asset_new a = kit_asset(ann, 1);
    struct alb_created *c;
    struct alb_asset got;
    struct alb_job_counts *counts;
    size_t n;

    hint.capture = alb_capture_utc(5000, false, 0);
    file.capture = alb_capture_local(86400000, true, 120);
    assert_int_equal(KIT_ID(&mine, alb_library_album_new, k->lib, p, &album), ALB_OK);
    assert_int_equal(KIT_ID(&his, alb_library_album_new, k->lib, q, &album), ALB_OK);
    a.hint = &hint;
    a.file = &file;
    a.file_tags = tags;
    a.file_tag_count = 3; /* one is no tag, one is the same in capitals */
    a.albums = (const int64_t[]){mine, his, 999};
    a.album_count = 3;
    a.live = motion;
    a.favorite = true;
    a.declared = &sum;
    a.declared_count = 1;
    a.jobs = &job;
    a.job_count = 1;
    a.media.make = ALB_STR("Canon");
    a.media.header = ALB_STR("packed");
    a.device_id = ALB_STR("phone");
    c = kit_create(k, &a);
    assert_non_null(c);
    assert_int_equal(c->albums_skipped, 2);
    assert_int_equal(alb_library_asset_get(k->lib, p, &c->asset_uuid, k->arena, &got, NULL), ALB_OK);
    assert_true(got.favorite);
    assert_true(got.has_live);
    assert_int_equal(got.effective.capture.utc_ms, 86400000 - 120 * 60000);
    assert_int_equal(got.capture_source, ALB_LAYER_FILE);
    assert_int_equal(got.sort_local, 86400000);
    assert_true(alb_str_eq_c(got.effective.title, "from the hint"));
    assert_int_equal(got.tag_count, 1);
    assert_true(alb_str_eq_c(got.tags[0].value, "a/b"));
    assert_true(alb_str_eq_c(got.media.make, "Canon"));
    assert_int_equal(got.media.width, 4000);
    assert_int_equal(kit_get(k, motion).visibility, ALB_VIS_HIDDEN);
    assert_int_equal(alb_library_job_counts(k->lib, k->arena, &counts, &n, NULL), ALB_OK);
    assert_int_equal(n, 1);
    assert_int_equal(counts[0].waiting, 1);
    alb_obj_unref(&c->obj);
    kit_check_clean(k);
    alb_principal_unref(p);
    alb_principal_unref(q);
}

/* Albums by name: found or made with the photo; a name that is none is skipped. */
static void test_albums_by_name(void **state)
{
    struct kit *k = *state;
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN);
    struct alb_str names[] = {ALB_STR("Holiday"), ALB_STR(""), ALB_STR("bad\xff"), ALB_STR("Holiday")};
    struct alb_album *list;
    size_t count;

    for (uint64_t n = 1; n <= 3; n++) {
        struct alb_asset_new a = kit_asset(ALB_USER_ADMIN, n == 3 ? 1 : n); /* the third is the first again */
        struct alb_created *c;

        a.album_names = names;
        a.album_name_count = 4;
        c = kit_create(k, &a);
        assert_non_null(c);
        assert_int_equal(c->albums_skipped, 2);
        alb_obj_unref(&c->obj);
    }
    assert_int_equal(alb_library_album_list(k->lib, p, ALB_ALBUM_PERSONAL, k->arena, &list, &count, NULL),
                     ALB_OK);
    assert_int_equal(count, 1);
    assert_int_equal(list[0].photos, 2);
    kit_check_clean(k);
    alb_principal_unref(p);
}

/* What files say wrongly does not keep the photo out; what a person says wrongly is refused. */
static void test_bad_values(void **state)
{
    struct kit *k = *state;
    struct alb_layer bad = {
        .stated = CAPTURE | TITLE | ALB_FIELD_BIT(ALB_FIELD_GPS), .title = ALB_STR("fine"), .latitude = 1000};
    struct alb_asset_new a = kit_asset(ALB_USER_ADMIN, 1);
    struct alb_future *f;
    struct alb_created *c;
    struct alb_asset got;

    bad.capture.utc_ms = INT64_MAX;
    a.file = &bad;
    c = kit_create(k, &a);
    assert_non_null(c);
    got = kit_get(k, c->asset_id);
    assert_int_equal(got.effective.stated & (CAPTURE | TITLE | ALB_FIELD_BIT(ALB_FIELD_GPS)), TITLE);
    assert_int_equal(got.sort_local, KIT_NOW);
    alb_obj_unref(&c->obj);
    a = kit_asset(ALB_USER_ADMIN, 2);
    a.person = &bad;
    assert_int_equal(alb_library_asset_create(k->lib, &a, &f, NULL), ALB_E_INVALID);
    a = kit_asset(ALB_USER_ADMIN, 2);
    a.level = 3;
    assert_int_equal(alb_library_asset_create(k->lib, &a, &f, NULL), ALB_E_INVALID);
}

/* ---- layers ---- */

static enum alb_code write_title(struct kit *k, int64_t asset, enum alb_layer_id layer, const char *title,
                                 int64_t rev)
{
    struct alb_layer_write w = {.asset_id = asset,
                                .input_rev = rev,
                                .layer = layer,
                                .damaged = -1,
                                .values = {.stated = TITLE, .title = alb_str_c(title)}};

    return KIT(alb_library_layer_write, k->lib, &w);
}

static void test_layers(void **state)
{
    struct kit *k = *state;
    int64_t id = kit_add(k, ALB_USER_ADMIN, 1);
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN);
    struct alb_asset_update u = {.favorite = -1, .visibility = -1, .level = -1, .if_rev = ALB_ASSET_ANY_REV};
    struct alb_uuid uuid = kit_uuid(k, id);
    struct alb_layer l;

    assert_int_equal(write_title(k, id, ALB_LAYER_FILE, "file", 1), ALB_OK);
    assert_true(alb_str_eq_c(kit_get(k, id).effective.title, "file"));
    assert_int_equal(write_title(k, id, ALB_LAYER_SIDECAR, "sidecar", 1), ALB_OK);
    assert_int_equal(write_title(k, id, ALB_LAYER_FILE, "file again", 1), ALB_OK); /* late: does not win */
    assert_true(alb_str_eq_c(kit_get(k, id).effective.title, "sidecar"));
    assert_int_equal(write_title(k, id, ALB_LAYER_FILE, "stale", 2), ALB_E_CONFLICT); /* compare and set */
    assert_int_equal(write_title(k, id, ALB_LAYER_PERSON, "no", 1), ALB_E_INVALID);
    assert_int_equal(write_title(k, 4711, ALB_LAYER_FILE, "no", 1), ALB_E_NOT_FOUND);
    /* an explicit empty covers the others; forgetting it shows them again */
    u.values = (struct alb_layer){.stated = TITLE, .empty = TITLE};
    assert_int_equal(KIT(alb_library_asset_update, k->lib, p, &uuid, &u), ALB_OK);
    assert_int_equal(kit_get(k, id).effective.stated & TITLE, 0);
    assert_int_equal(alb_library_layer_get(k->lib, id, ALB_LAYER_PERSON, k->arena, &l, NULL), ALB_OK);
    assert_int_equal(l.stated, TITLE);
    assert_int_equal(l.empty, TITLE);
    u.values = (struct alb_layer){0};
    u.forget = TITLE;
    assert_int_equal(KIT(alb_library_asset_update, k->lib, p, &uuid, &u), ALB_OK);
    assert_true(alb_str_eq_c(kit_get(k, id).effective.title, "sidecar"));
    kit_check_clean(k);
    alb_principal_unref(p);
}

static void test_tags_union_minus_removals(void **state)
{
    struct kit *k = *state;
    int64_t id = kit_add(k, ALB_USER_ADMIN, 1);
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN);
    struct alb_uuid uuid = kit_uuid(k, id);
    struct alb_tag_name ab[] = {{ALB_TAG_USER, ALB_STR("a")}, {ALB_TAG_USER, ALB_STR("b")}};
    struct alb_layer_write w = {
        .asset_id = id, .input_rev = 1, .layer = ALB_LAYER_FILE, .damaged = -1, .tags = ab, .tag_count = 2};
    struct alb_asset_update u = {.favorite = -1,
                                 .visibility = -1,
                                 .level = -1,
                                 .if_rev = ALB_ASSET_ANY_REV,
                                 .tags_remove = &ab[0],
                                 .tag_remove_count = 1};
    struct alb_tag *list;
    size_t count;

    assert_int_equal(KIT(alb_library_layer_write, k->lib, &w), ALB_OK);
    assert_int_equal(kit_get(k, id).tag_count, 2);
    assert_int_equal(KIT(alb_library_asset_update, k->lib, p, &uuid, &u), ALB_OK);
    assert_int_equal(kit_get(k, id).tag_count, 1);
    assert_int_equal(KIT(alb_library_layer_write, k->lib, &w), ALB_OK); /* the file says it again */
    assert_int_equal(kit_get(k, id).tag_count, 1);                      /* removed stays removed */
    u.tags_add = &ab[0];
    u.tag_add_count = 1;
    u.tag_remove_count = 0;
    assert_int_equal(KIT(alb_library_asset_update, k->lib, p, &uuid, &u), ALB_OK);
    assert_int_equal(kit_get(k, id).tag_count, 2);
    w.tag_count = 0;
    assert_int_equal(KIT(alb_library_layer_write, k->lib, &w),
                     ALB_OK); /* only what the person added is left */
    assert_int_equal(kit_get(k, id).tag_count, 1);
    assert_int_equal(alb_library_tag_list(k->lib, p, k->arena, &list, &count, NULL), ALB_OK);
    assert_int_equal(count, 2);
    assert_int_equal(list[0].assets, 1);
    assert_int_equal(list[1].assets, 0);
    kit_check_clean(k);
    alb_principal_unref(p);
}

static void test_rotation_is_part_of_what_is_rendered(void **state)
{
    struct kit *k = *state;
    int64_t id = kit_add(k, ALB_USER_ADMIN, 1);
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN);
    struct alb_uuid uuid = kit_uuid(k, id);
    struct alb_asset_update u = {.favorite = -1,
                                 .visibility = -1,
                                 .level = -1,
                                 .if_rev = ALB_ASSET_ANY_REV,
                                 .values = {.stated = TITLE, .title = ALB_STR("x")}};

    assert_int_equal(KIT(alb_library_asset_update, k->lib, p, &uuid, &u), ALB_OK);
    assert_int_equal(kit_get(k, id).render_rev, 1);
    u.values = (struct alb_layer){.stated = ALB_FIELD_BIT(ALB_FIELD_ROTATION), .rotation = 90};
    assert_int_equal(KIT(alb_library_asset_update, k->lib, p, &uuid, &u), ALB_OK);
    assert_int_equal(kit_get(k, id).render_rev, 2);
    assert_int_equal(KIT(alb_library_asset_update, k->lib, p, &uuid, &u), ALB_OK);
    assert_int_equal(kit_get(k, id).render_rev, 2); /* the same turn: the same pictures */
    alb_principal_unref(p);
}

/* ---- blobs ---- */

static void test_life_of_a_blob(void **state)
{
    struct kit *k = *state;
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN);
    struct alb_asset_new a = kit_asset(ALB_USER_ADMIN, 1);
    int64_t id = kit_add(k, ALB_USER_ADMIN, 1), ann = kit_user(k, "ann", 0), hers = kit_add(k, ann, 1), done;
    struct alb_principal *q = kit_as(k, ann);
    struct alb_blob blob, *dying;
    struct alb_created *c;
    size_t count;

    assert_int_equal(alb_library_blob_find(k->lib, a.blob.sha256, k->arena, &blob, NULL), ALB_OK);
    assert_int_equal(blob.state, ALB_BLOB_LIVE);
    assert_int_equal(kit_bulk(k, p, ALB_DOOR_WEB, ALB_BULK_PURGE, 0, id, &done), ALB_OK);
    assert_int_equal(done, 1);
    assert_false(alb_library_blob_dying(k->lib, blob.id)); /* hers */
    assert_int_equal(kit_bulk(k, q, ALB_DOOR_WEB, ALB_BULK_PURGE, 0, hers, &done), ALB_OK);
    assert_true(alb_library_blob_dying(k->lib, blob.id));
    assert_int_equal(alb_library_blob_dying_page(k->lib, 0, 10, k->arena, &dying, &count, NULL), ALB_OK);
    assert_int_equal(count, 1);
    /* the same bytes again: revived, and the caller is told to publish once more */
    c = kit_create(k, &a);
    assert_non_null(c);
    assert_true(c->blob_revived);
    assert_int_equal(c->blob_id, blob.id);
    id = c->asset_id;
    alb_obj_unref(&c->obj);
    assert_false(alb_library_blob_dying(k->lib, blob.id));
    assert_int_equal(KIT(alb_library_blob_gone, k->lib, blob.id), ALB_OK); /* a janitor that was too late */
    assert_int_equal(alb_library_blob_find(k->lib, a.blob.sha256, k->arena, &blob, NULL), ALB_OK);
    /* dies for good */
    assert_int_equal(kit_bulk(k, p, ALB_DOOR_WEB, ALB_BULK_PURGE, 0, id, &done), ALB_OK);
    assert_int_equal(KIT(alb_library_blob_gone, k->lib, blob.id), ALB_OK);
    assert_int_equal(alb_library_blob_find(k->lib, a.blob.sha256, k->arena, &blob, NULL), ALB_E_NOT_FOUND);
    kit_check_clean(k);
    alb_principal_unref(p);
    alb_principal_unref(q);
}

static void test_scrub_and_sums(void **state)
{
    struct kit *k = *state;
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN);
    int64_t id = kit_add(k, ALB_USER_ADMIN, 1), done;
    struct alb_asset_new a = kit_asset(ALB_USER_ADMIN, 1), b = kit_asset(ALB_USER_ADMIN, 2);
    unsigned char sums[2][ALB_SHA1_LEN];
    struct alb_sum_answer *answers;
    struct alb_blob *list;
    size_t count;

    assert_int_equal(alb_library_blob_page(k->lib, 0, 100, k->arena, &list, &count, NULL), ALB_OK);
    assert_int_equal(count, 1);
    assert_int_equal(KIT(alb_library_blob_verified, k->lib, list[0].id, list[0].verified_at, false), ALB_OK);
    assert_int_equal(alb_library_blob_page(k->lib, 0, 100, k->arena, &list, &count, NULL), ALB_OK);
    assert_true(list[0].bad);
    assert_int_equal(list[0].verified_at, KIT_NOW);
    memcpy(sums[0], b.blob.sha1, ALB_SHA1_LEN);
    memcpy(sums[1], a.blob.sha1, ALB_SHA1_LEN);
    assert_int_equal(kit_bulk(k, p, ALB_DOOR_WEB, ALB_BULK_TRASH, 0, id, &done), ALB_OK);
    assert_int_equal(alb_library_check_sums(k->lib, p, (const unsigned char(*)[ALB_SHA1_LEN])sums, 2,
                                            k->arena, &answers, NULL),
                     ALB_OK);
    assert_int_equal(answers[0].asset_id, 0);
    assert_int_equal(answers[1].asset_id, id);
    assert_true(answers[1].trashed);
    alb_principal_unref(p);
}

/* ---- the feed ---- */

/* Members come and go: the feed names the group as clients know it, and only when something has changed. */
static void test_groups_in_the_feed(void **state)
{
    struct kit *k = *state;
    int64_t ann = kit_user(k, "ann", 0), group, start;
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN);
    struct alb_change *list;
    struct alb_uuid uuid;
    size_t count;

    start = alb_library_last_change(k->lib);
    assert_int_equal(KIT_ID(&group, alb_library_group_new, k->lib, p, ALB_STR("friends")), ALB_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(KIT(alb_library_group_member, k->lib, p, group, ann, true), ALB_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(KIT(alb_library_group_member, k->lib, p, group, ann, false), ALB_OK);
    assert_int_equal(KIT(alb_library_group_member, k->lib, p, group + 7, ann, true), ALB_E_NOT_FOUND);
    assert_int_equal(alb_library_changes(k->lib, NULL, start, 100, k->arena, &list, &count, NULL), ALB_OK);
    assert_int_equal(count, 3);
    uuid = list[0].uuid;
    assert_int_equal(list[0].kind, ALB_CHANGE_CREATE);
    for (size_t i = 1; i < count; i++) {
        assert_int_equal(list[i].entity, ALB_ENTITY_GROUP);
        assert_int_equal(list[i].kind, ALB_CHANGE_UPDATE);
        assert_int_equal(list[i].other, ann);
        assert_memory_equal(list[i].uuid.b, uuid.b, sizeof(uuid.b));
    }
    alb_principal_unref(p);
}

static void test_change_feed(void **state)
{
    struct kit *k = *state;
    int64_t ann = kit_user(k, "ann", 0), ben = kit_user(k, "ben", 0), start = alb_library_last_change(k->lib),
            id, done;
    struct alb_principal *p = kit_as(k, ann), *q = kit_as(k, ben);
    struct alb_change *list;
    size_t count;

    id = kit_add(k, ann, 1);
    kit_add(k, ben, 2);
    assert_int_equal(kit_bulk(k, p, ALB_DOOR_WEB, ALB_BULK_FAVORITE, 1, id, &done), ALB_OK);
    assert_int_equal(kit_bulk(k, p, ALB_DOOR_WEB, ALB_BULK_PURGE, 0, id, &done), ALB_OK);
    assert_int_equal(alb_library_changes(k->lib, p, start, 100, k->arena, &list, &count, NULL), ALB_OK);
    assert_int_equal(list[0].entity, ALB_ENTITY_ASSET);
    assert_int_equal(list[0].kind, ALB_CHANGE_CREATE);
    assert_int_equal(list[0].id, id);
    for (size_t i = 0; i < count; i++) {
        assert_true(list[i].owner_id == ann || list[i].owner_id == 0);
        assert_true(i == 0 || list[i].seq > list[i - 1].seq);
    }
    assert_int_equal(list[count - 1].seq, alb_library_last_change(k->lib));
    for (size_t i = 0; i < count; i++)
        if (list[i].kind == ALB_CHANGE_DELETE && list[i].entity == ALB_ENTITY_ASSET)
            assert_int_equal(list[i].id, id);
    assert_int_equal(alb_library_changes(k->lib, q, start, 1, k->arena, &list, &count, NULL), ALB_OK);
    assert_int_equal(count, 1);
    assert_int_equal(list[0].owner_id, ben);
    start = alb_library_last_change(k->lib);
    kit_close(k);
    kit_open(k);
    assert_int_equal(alb_library_last_change(k->lib), start);
    alb_principal_unref(p);
    alb_principal_unref(q);
}

/* ---- uploads ---- */

static struct alb_taken taken_of(struct kit *k, const char *upload, enum alb_code expect)
{
    struct alb_taken t;

    assert_int_equal(alb_library_upload_taken(k->lib, alb_str_c(upload), &t, NULL), expect);
    return t;
}

static struct alb_uuid add_upload(struct kit *k, uint64_t n, const char *upload, enum alb_created_as as)
{
    struct alb_asset_new a = kit_asset(ALB_USER_ADMIN, n);
    struct alb_created *c;
    struct alb_uuid uuid;

    a.upload_id = alb_str_c(upload);
    a.upload_keep_ms = 1000;
    c = kit_create(k, &a);
    assert_non_null(c);
    assert_int_equal(c->as, as);
    uuid = c->asset_uuid;
    alb_obj_unref(&c->obj);
    return uuid;
}

static void test_uploads_are_remembered(void **state)
{
    struct kit *k = *state;
    struct alb_asset_new unasked;
    struct alb_uuid one, two;
    struct alb_created *c;
    struct alb_taken t;

    (void)taken_of(k, "one", ALB_E_NOT_FOUND);
    one = add_upload(k, 1, "one", ALB_CREATED);
    two = add_upload(k, 2, "two", ALB_CREATED);
    t = taken_of(k, "one", ALB_OK);
    assert_memory_equal(&t.asset, &one, sizeof(one));
    assert_int_equal(t.owner_id, ALB_USER_ADMIN);
    assert_int_equal(t.size, kit_asset(ALB_USER_ADMIN, 1).blob.size);
    assert_int_equal(t.made, ALB_CREATED);
    assert_false(t.trashed);

    /* Offered again after a crash it keeps its first answer; as another file it gets a new one. */
    (void)add_upload(k, 1, "one", ALB_DUPLICATE);
    assert_int_equal(taken_of(k, "one", ALB_OK).made, ALB_CREATED);
    (void)add_upload(k, 2, "one", ALB_DUPLICATE);
    t = taken_of(k, "one", ALB_OK);
    assert_int_equal(t.made, ALB_DUPLICATE);
    assert_memory_equal(&t.asset, &two, sizeof(two));

    /* It survives a restart; after its time two go for each that comes. */
    kit_close(k);
    kit_open(k);
    (void)taken_of(k, "two", ALB_OK);
    alb_manual_clock_advance(&k->clock, 1001 * ALB_NS_PER_MS);
    (void)add_upload(k, 3, "three", ALB_CREATED);
    (void)taken_of(k, "one", ALB_E_NOT_FOUND);
    (void)taken_of(k, "two", ALB_E_NOT_FOUND);
    (void)taken_of(k, "three", ALB_OK);

    /* Not asked to, nothing is remembered. */
    unasked = kit_asset(ALB_USER_ADMIN, 9);
    unasked.upload_id = ALB_STR("four");
    c = kit_create(k, &unasked);
    assert_non_null(c);
    alb_obj_unref(&c->obj);
    (void)taken_of(k, "four", ALB_E_NOT_FOUND);
    kit_check_clean(k);
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_duplicate_rules),
        T(test_sha1_collision_is_loud),
        T(test_race_makes_one),
        T(test_quota),
        T(test_create_with_everything),
        T(test_albums_by_name),
        T(test_bad_values),
        T(test_layers),
        T(test_tags_union_minus_removals),
        T(test_rotation_is_part_of_what_is_rendered),
        T(test_life_of_a_blob),
        T(test_scrub_and_sums),
        T(test_change_feed), T(test_groups_in_the_feed),
        T(test_uploads_are_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
