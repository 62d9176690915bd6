/* SPDX-License-Identifier: Apache-2.0
 * The timeline, statistics and search: counts against what months hold, filters one by one, paging by key
 * while the library changes, and the time it takes with a hundred thousand assets (printed).
 */
#include "kit.h"

#include "catalog/asset.h"

#define HOUR ((int64_t)3600000)
#define DAY (24 * HOUR)

/* ---- assets with something to find ---- */

struct made {
    int64_t id;
    struct alb_uuid uuid;
};

static struct made make(struct kit *k, int64_t owner, uint64_t n, int64_t taken_local,
                        enum alb_visibility visibility)
{
    struct alb_asset_new a = kit_asset(owner, n);
    struct alb_layer file = {.stated = ALB_FIELD_BIT(ALB_FIELD_CAPTURE)};
    struct alb_created *c;
    struct made m;
    char name[32];

    snprintf(name, sizeof(name), "IMG_%llu.JPG", (unsigned long long)n);
    file.capture = alb_capture_local(taken_local, n % 2 == 0, 120);
    a.file = &file;
    a.visibility = visibility;
    a.name = alb_str_c(name);
    a.kind = n % 5 == 0 ? ALB_KIND_VIDEO : ALB_KIND_IMAGE;
    a.media.make = n % 2 ? ALB_STR("Canon") : ALB_STR("Nikon");
    a.media.city = ALB_STR("Z\xc3\xbcrich");
    c = kit_create(k, &a);
    assert_non_null(c);
    m = (struct made){c->asset_id, c->asset_uuid};
    alb_obj_unref(&c->obj);
    return m;
}

static int64_t month_ms(int year, int month)
{
    return alb_days_from_civil(year, month, 1) * DAY;
}

static void bulk_one(struct kit *k, const struct alb_principal *p, enum alb_bulk_action action, int64_t value,
                     int64_t id)
{
    int64_t done;

    assert_int_equal(kit_bulk(k, p, ALB_DOOR_WEB, action, value, id, &done), ALB_OK);
    assert_int_equal(done, 1);
}

static size_t buckets(struct kit *k, const struct alb_principal *p, const struct alb_timeline *t,
                      struct alb_bucket **list)
{
    size_t count = 0;

    assert_int_equal(alb_library_buckets(k->lib, p, t, k->arena, list, &count, NULL), ALB_OK);
    return count;
}

/* Every month holds as many assets as it says, in order. Returns the sum. */
static int64_t all_months_agree(struct kit *k, const struct alb_principal *p, const struct alb_timeline *t)
{
    struct alb_bucket *list;
    size_t count = buckets(k, p, t, &list);
    int64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        struct alb_columns c;

        assert_true(i == 0 ||
                    (t->ascending ? list[i].month > list[i - 1].month : list[i].month < list[i - 1].month));
        assert_int_equal(alb_library_bucket(k->lib, p, t, list[i].month, k->arena, &c, NULL), ALB_OK);
        assert_int_equal(c.count, list[i].count);
        for (size_t x = 0; x < c.count; x++) {
            assert_int_equal(alb_month_of(c.taken_local[x]), list[i].month);
            if (x > 0)
                assert_true(t->ascending ? c.taken_local[x] >= c.taken_local[x - 1]
                                         : c.taken_local[x] <= c.taken_local[x - 1]);
        }
        sum += list[i].count;
    }
    return sum;
}

struct stack_args {
    struct alb_obj obj;
    int64_t ids[2];
};

static enum alb_code stack_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                struct alb_err *err)
{
    struct stack_args *a = ALB_CONTAINER_OF(obj, struct stack_args, obj);
    struct alb_uuid uuid;
    int64_t stack;

    (void)result;
    return alb_catalog_stack_new(tx, ALB_USER_ADMIN, a->ids, 2, &stack, &uuid, err);
}

static void nothing(struct alb_obj *obj)
{
    (void)obj;
}

static void test_buckets(void **state)
{
    struct kit *k = *state;
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN), *ann = kit_as(k, kit_user(k, "ann", 0));
    struct alb_timeline t = alb_timeline_default();
    struct made m[10];
    struct alb_bucket *list;
    struct stack_args args;
    struct alb_catalog_unit unit = {.name = "stack", .run = stack_unit, .args = &args.obj};
    struct alb_statistics st;

    for (uint64_t i = 0; i < 10; i++) /* two in each of five months; the last two archived */
        m[i] = make(k, ALB_USER_ADMIN, i + 1, month_ms(2020, 1 + (int)i / 2) + (int64_t)i * HOUR,
                    i < 8 ? ALB_VIS_TIMELINE : ALB_VIS_ARCHIVE);
    make(k, ann->user_id, 100, month_ms(2021, 1), ALB_VIS_TIMELINE);
    make(k, ALB_USER_ADMIN, 101, month_ms(1969, 12), ALB_VIS_TIMELINE); /* before 1970 */

    assert_int_equal(buckets(k, p, &t, &list), 5);
    assert_int_equal(list[0].month, 2020 * 12 + 3);
    assert_int_equal(list[4].month, 1969 * 12 + 11);
    assert_int_equal(all_months_agree(k, p, &t), 9);
    t.ascending = true;
    assert_int_equal(all_months_agree(k, p, &t), 9);
    t.visibility |= ALB_VIS_BIT(ALB_VIS_ARCHIVE);
    assert_int_equal(all_months_agree(k, p, &t), 11);
    /* the trash */
    bulk_one(k, p, ALB_BULK_TRASH, 0, m[0].id);
    assert_int_equal(all_months_agree(k, p, &t), 10);
    t.trashed = true;
    assert_int_equal(all_months_agree(k, p, &t), 1);
    t.trashed = false;
    /* favourites */
    bulk_one(k, p, ALB_BULK_FAVORITE, 1, m[2].id);
    bulk_one(k, p, ALB_BULK_FAVORITE, 1, m[4].id);
    t.favorites = true;
    assert_int_equal(all_months_agree(k, p, &t), 2);
    t.favorites = false;
    /* a stack: one in front */
    alb_obj_init(&args.obj, nothing);
    args.ids[0] = m[2].id;
    args.ids[1] = m[3].id;
    assert_int_equal(alb_catalog_write_now(k->cat, &unit, NULL, NULL), ALB_OK);
    assert_int_equal(all_months_agree(k, p, &t), 10);
    t.with_stacked = true;
    assert_int_equal(all_months_agree(k, p, &t), 9);
    /* locked: not without elevation, whoever asks */
    t = alb_timeline_default();
    t.visibility = ~0u;
    bulk_one(k, p, ALB_BULK_VISIBILITY, ALB_VIS_LOCKED, m[5].id);
    assert_int_equal(all_months_agree(k, p, &t), 9);
    /* statistics */
    assert_int_equal(alb_library_statistics(k->lib, p, 0, false, -1, &st, NULL), ALB_OK);
    assert_int_equal(st.total, 9);
    assert_int_equal(st.images + st.videos, 9);
    assert_int_equal(alb_library_statistics(k->lib, p, 0, false, 1, &st, NULL), ALB_OK);
    assert_int_equal(st.total, 2);
    assert_int_equal(alb_library_statistics(k->lib, p, 0, false, 0, &st, NULL), ALB_OK);
    assert_int_equal(st.total, 7);
    assert_int_equal(alb_library_statistics(k->lib, p, 0, true, -1, &st, NULL), ALB_OK);
    assert_int_equal(st.total, 1);
    kit_check_clean(k);
    alb_principal_unref(p);
    alb_principal_unref(ann);
}

static void test_columns(void **state)
{
    struct kit *k = *state;
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN);
    struct alb_timeline t = alb_timeline_default();
    struct alb_asset_new a = kit_asset(ALB_USER_ADMIN, 1);
    struct alb_layer file = {.stated = ALB_FIELD_BIT(ALB_FIELD_CAPTURE) | ALB_FIELD_BIT(ALB_FIELD_GPS),
                             .latitude = 47.5,
                             .longitude = 8.25};
    struct alb_asset_update u = {.favorite = 1,
                                 .visibility = -1,
                                 .level = -1,
                                 .if_rev = ALB_ASSET_ANY_REV,
                                 .values = {.stated = ALB_FIELD_BIT(ALB_FIELD_ROTATION), .rotation = 90}};
    struct alb_created *c;
    struct alb_columns col;

    file.capture = alb_capture_local(month_ms(2020, 5) + HOUR, true, 120);
    a.file = &file;
    a.media.orientation = 6; /* portrait, shown 3:4 */
    a.media.duration_ms = 1234;
    a.media.thumbhash = ALB_STR("th\0sh");
    a.media.city = ALB_STR("Bern");
    c = kit_create(k, &a);
    assert_int_equal(alb_library_bucket(k->lib, p, &t, 2020 * 12 + 4, k->arena, &col, NULL), ALB_OK);
    assert_int_equal(col.count, 1);
    assert_memory_equal(&col.id[0], &c->asset_uuid, 16);
    assert_true(col.ratio[0] > 0.74 && col.ratio[0] < 0.76);
    assert_int_equal(col.offset_min[0], 120);
    assert_int_equal(col.taken_utc[0], month_ms(2020, 5) - HOUR); /* April in UTC, May where it was taken */
    assert_int_equal(col.duration_ms[0], 1234);
    assert_int_equal(col.thumbhash[0].n, 5);
    assert_true(col.has_gps[0] && col.latitude[0] == 47.5);
    assert_true(alb_str_eq_c(col.city[0], "Bern"));
    assert_false(col.favorite[0] || col.trashed[0] || col.has_live[0] || col.has_stack[0]);
    assert_int_equal(KIT(alb_library_asset_update, k->lib, p, &c->asset_uuid, &u), ALB_OK);
    assert_int_equal(alb_library_bucket(k->lib, p, &t, 2020 * 12 + 4, k->arena, &col, NULL), ALB_OK);
    assert_true(col.ratio[0] > 1.32 && col.ratio[0] < 1.34);
    assert_true(col.favorite[0]);
    assert_int_equal(alb_library_bucket(k->lib, p, &t, 2020 * 12 + 5, k->arena, &col, NULL), ALB_OK);
    assert_int_equal(col.count, 0);
    alb_obj_unref(&c->obj);
    alb_principal_unref(p);
}

/* Albums: what others see of them is what they show, up to their level. */
static void test_album_timeline(void **state)
{
    struct kit *k = *state;
    int64_t ann = kit_user(k, "ann", 0), gallery, personal;
    struct alb_principal *admin = kit_as(k, ALB_USER_ADMIN), *p = kit_as(k, ann), *guest;
    struct alb_album_new g = {.kind = ALB_ALBUM_GALLERY, .name = ALB_STR("g")};
    struct alb_album_new q = {.kind = ALB_ALBUM_PERSONAL, .name = ALB_STR("q")};
    struct alb_timeline t = alb_timeline_default();
    struct alb_album *list;
    struct alb_bucket *b;
    struct made m[4];
    size_t n;

    for (uint64_t i = 0; i < 4; i++)
        m[i] = make(k, ALB_USER_ADMIN, i + 1, month_ms(2020, 1), ALB_VIS_TIMELINE);
    assert_int_equal(KIT_ID(&gallery, alb_library_album_new, k->lib, admin, &g), ALB_OK);
    assert_int_equal(KIT_ID(&personal, alb_library_album_new, k->lib, admin, &q), ALB_OK);
    for (int i = 0; i < 4; i++) {
        bulk_one(k, admin, ALB_BULK_ALBUM_ADD, gallery, m[i].id);
        bulk_one(k, admin, ALB_BULK_ALBUM_ADD, personal, m[i].id);
    }
    bulk_one(k, admin, ALB_BULK_LEVEL, 8, m[0].id);
    bulk_one(k, admin, ALB_BULK_TRASH, 0, m[1].id);
    assert_int_equal(alb_library_album_list(k->lib, admin, ALB_ALBUM_GALLERY, k->arena, &list, &n, NULL),
                     ALB_OK);
    t.has_album = true;
    t.album = list[0].uuid;
    assert_int_equal(all_months_agree(k, admin, &t), 3);
    assert_int_equal(all_months_agree(k, p, &t), 2);
    guest = alb_library_principal_guest(k->lib);
    assert_int_equal(all_months_agree(k, guest, &t), 2);
    assert_int_equal(alb_library_album_list(k->lib, admin, ALB_ALBUM_PERSONAL, k->arena, &list, &n, NULL),
                     ALB_OK);
    t.album = list[0].uuid;
    assert_int_equal(alb_library_buckets(k->lib, p, &t, k->arena, &b, &n, NULL), ALB_E_NOT_FOUND);
    assert_int_equal(alb_library_buckets(k->lib, guest, &t, k->arena, &b, &n, NULL), ALB_E_NOT_FOUND);
    assert_int_equal(KIT(alb_library_album_grant_user, k->lib, admin, personal, ann, ALB_ALBUM_VIEWER),
                     ALB_OK);
    assert_int_equal(all_months_agree(k, p, &t), 3); /* levels are the gallery's */
    t = alb_timeline_default();
    assert_int_equal(alb_library_buckets(k->lib, guest, &t, k->arena, &b, &n, NULL), ALB_E_UNAUTHENTICATED);
    alb_principal_unref(admin);
    alb_principal_unref(p);
    alb_principal_unref(guest);
}

/* ---- search ---- */

static size_t found(struct kit *k, const struct alb_principal *p, const struct alb_search *q)
{
    struct alb_found f;
    struct alb_err err = ALB_ERR_INIT;

    if (alb_library_search(k->lib, p, q, k->arena, &f, &err) != ALB_OK)
        fail_msg("%s", err.msg);
    return f.count;
}

#define FOUND(expected, ...)                                                                                 \
    do {                                                                                                     \
        struct alb_search q = alb_search_default();                                                          \
        __VA_ARGS__;                                                                                         \
        assert_int_equal(found(k, p, &q), (expected));                                                       \
    } while (0)

static void test_search_filters(void **state)
{
    struct kit *k = *state;
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN);
    struct alb_album_new album = {.kind = ALB_ALBUM_PERSONAL, .name = ALB_STR("a")};
    struct alb_tag_name tag = {.scope = ALB_TAG_USER, .value = ALB_STR("T\xc3\xa4g")};
    struct alb_asset_update u = {.favorite = -1, .visibility = -1, .level = -1, .if_rev = ALB_ASSET_ANY_REV};
    struct alb_album *albums;
    struct alb_tag *tags;
    struct made m[10];
    struct alb_blob_new blob;
    struct alb_str *list;
    int64_t album_id;
    size_t n;

    for (uint64_t i = 0; i < 10; i++)
        m[i] = make(k, ALB_USER_ADMIN, i + 1, month_ms(2020, 1 + (int)i),
                    i == 9 ? ALB_VIS_HIDDEN : ALB_VIS_TIMELINE);
    kit_add(k, kit_user(k, "ann", 0), 50);
    assert_int_equal(KIT_ID(&album_id, alb_library_album_new, k->lib, p, &album), ALB_OK);
    bulk_one(k, p, ALB_BULK_ALBUM_ADD, album_id, m[1].id);
    bulk_one(k, p, ALB_BULK_ALBUM_ADD, album_id, m[2].id);
    bulk_one(k, p, ALB_BULK_FAVORITE, 1, m[3].id);
    bulk_one(k, p, ALB_BULK_VISIBILITY, ALB_VIS_ARCHIVE, m[4].id);
    bulk_one(k, p, ALB_BULK_TRASH, 0, m[5].id);
    u.tags_add = &tag;
    u.tag_add_count = 1;
    u.values = (struct alb_layer){.stated = ALB_FIELD_BIT(ALB_FIELD_DESCRIPTION) |
                                            ALB_FIELD_BIT(ALB_FIELD_RATING) | ALB_FIELD_BIT(ALB_FIELD_TITLE),
                                  .description = ALB_STR("Am Stra\xc3\x9f"
                                                         "enrand"),
                                  .rating = 4,
                                  .title = ALB_STR("Stra\xc3\x9f"
                                                   "e")};
    assert_int_equal(KIT(alb_library_asset_update, k->lib, p, &m[6].uuid, &u), ALB_OK);
    assert_int_equal(alb_library_album_list(k->lib, p, ALB_ALBUM_PERSONAL, k->arena, &albums, &n, NULL),
                     ALB_OK);
    assert_int_equal(alb_library_tag_list(k->lib, p, k->arena, &tags, &n, NULL), ALB_OK);

    FOUND(8, (void)q);
    FOUND(9, q.with_trashed = true);
    FOUND(1, q.only_trashed = true);
    FOUND(1, q.trashed_after = -62135596800000LL); /* year 1, as immich-go asks */
    FOUND(0, q.trashed_before = 0);
    FOUND(1, q.visibility = ALB_VIS_BIT(ALB_VIS_HIDDEN));
    FOUND(1, q.visibility = ALB_VIS_BIT(ALB_VIS_ARCHIVE));
    FOUND(10, q.visibility = ~0u; q.with_trashed = true);
    FOUND(1, q.favorite = 1);
    FOUND(7, q.favorite = 0);
    FOUND(1, q.kind = ALB_KIND_VIDEO);
    FOUND(6, q.in_album = 0);
    FOUND(2, q.in_album = 1);
    FOUND(2, q.albums = &albums[0].uuid; q.album_count = 1);
    FOUND(0, q.albums = &m[0].uuid; q.album_count = 1); /* no such album */
    FOUND(1, q.tags = &tags[0].uuid; q.tag_count = 1);
    FOUND(0, q.tags = &m[0].uuid; q.tag_count = 1);
    FOUND(1, q.rating = 4);
    FOUND(1, q.min_rating = 3);
    FOUND(0, q.min_rating = 5);
    FOUND(2, q.taken_after = month_ms(2020, 2) - DAY; q.taken_before = month_ms(2020, 4) - DAY);
    FOUND(8, q.created_after = KIT_NOW);
    FOUND(0, q.created_before = KIT_NOW);
    FOUND(8, q.updated_after = KIT_NOW);
    FOUND(5, q.make = ALB_STR("canon"));
    FOUND(0, q.make = ALB_STR("can"));
    FOUND(0, q.make = ALB_STR(""));
    FOUND(8, q.city = ALB_STR("Z\xc3\xbcrich"));
    FOUND(8, q.name = ALB_STR("img_"));
    FOUND(1, q.name = ALB_STR("G_2.j"));
    FOUND(1, q.description = ALB_STR("STRASSE")); /* folded: sharp s */
    FOUND(1, q.text = ALB_STR("strasse"));
    FOUND(1, q.text = ALB_STR("img_2.jpg"));
    FOUND(1, q.text = ALB_STR("img_"); q.favorite = 1); /* text and what the rows say */
    FOUND(1, q.name = ALB_STR("img_"); q.tags = &tags[0].uuid; q.tag_count = 1);
    FOUND(0, q.description = ALB_STR("strasse"); q.favorite = 1);
    FOUND(2, q.name = ALB_STR("img_"); q.albums = &albums[0].uuid; q.album_count = 1);
    FOUND(0, q.name = ALB_STR("strasse"); q.albums = &albums[0].uuid; q.album_count = 1);
    FOUND(0, q.text = ALB_STR("img_"); q.albums = &m[0].uuid; q.album_count = 1);
    FOUND(10, q.text = ALB_STR("img_"); q.visibility = ~0u; q.with_trashed = true);
    FOUND(2, q.text = ALB_STR("img_"); q.skip = 6);
    FOUND(3, q.ids = (const struct alb_uuid[]){m[0].uuid, m[1].uuid, m[2].uuid}; q.id_count = 3);
    FOUND(1, q.with_trashed = true; q.has_sha1 = true; kit_blob(&blob, 6);
          memcpy(q.sha1, blob.sha1, ALB_SHA1_LEN));
    FOUND(0, q.has_sha1 = true; kit_blob(&blob, 50); memcpy(q.sha1, blob.sha1, ALB_SHA1_LEN)); /* ann's */
    FOUND(3, q.limit = 3);
    FOUND(2, q.skip = 6);
    assert_int_equal(alb_library_suggest(k->lib, p, ALB_SUGGEST_MAKE, k->arena, &list, &n, NULL), ALB_OK);
    assert_int_equal(n, 2);
    assert_true(alb_str_eq_c(list[0], "Canon"));
    alb_principal_unref(p);
}

/* Pages of a search by text, both ways: the same as all at once. */
static void test_text_in_pages(void **state)
{
    struct kit *k = *state;
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN);

    for (uint64_t i = 0; i < 40; i++)
        (void)make(k, ALB_USER_ADMIN, i + 1, month_ms(2020, 1 + (int)(i * 7 % 10)),
                   i % 3 == 0 ? ALB_VIS_ARCHIVE : ALB_VIS_TIMELINE);
    for (int ascending = 0; ascending < 2; ascending++) {
        struct alb_search q = alb_search_default();
        struct alb_found whole, page;
        size_t at = 0;

        q.text = ALB_STR("G_1"); /* img_1, img_10 to 19 */
        q.ascending = ascending != 0;
        assert_int_equal(alb_library_search(k->lib, p, &q, k->arena, &whole, NULL), ALB_OK);
        assert_int_equal(whole.count, 11);
        for (q.limit = 3;; q.after = page.next) {
            assert_int_equal(alb_library_search(k->lib, p, &q, k->arena, &page, NULL), ALB_OK);
            for (size_t i = 0; i < page.count; i++, at++)
                assert_int_equal(page.assets[i].id, whole.assets[at].id);
            if (!page.more)
                break;
        }
        assert_int_equal(at, 11);
    }
    alb_principal_unref(p);
}

static void test_search_values(void **state)
{
    struct kit *k = *state;
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN);
    struct made m = make(k, ALB_USER_ADMIN, 2, month_ms(2020, 1), ALB_VIS_TIMELINE);
    struct alb_tag_name tag = {.scope = ALB_TAG_USER, .value = ALB_STR("a/b")};
    struct alb_asset_update u = {.favorite = 1,
                                 .visibility = -1,
                                 .level = -1,
                                 .if_rev = ALB_ASSET_ANY_REV,
                                 .tags_add = &tag,
                                 .tag_add_count = 1};
    struct alb_search q = alb_search_default();
    struct alb_found f;

    assert_int_equal(KIT(alb_library_asset_update, k->lib, p, &m.uuid, &u), ALB_OK);
    q.with_tags = true;
    assert_int_equal(alb_library_search(k->lib, p, &q, k->arena, &f, NULL), ALB_OK);
    assert_int_equal(f.count, 1);
    assert_false(f.more);
    assert_int_equal(f.assets[0].id, m.id);
    assert_memory_equal(&f.assets[0].uuid, &m.uuid, 16);
    assert_true(f.assets[0].favorite);
    assert_int_equal(f.assets[0].tag_count, 1);
    assert_true(alb_str_eq_c(f.assets[0].tags[0].value, "a/b"));
    assert_int_equal(f.assets[0].size, 1002);
    assert_int_equal(f.assets[0].effective.capture.offset_min, 120);
    assert_int_equal(f.assets[0].owner_id, ALB_USER_ADMIN);
    assert_true(alb_str_eq_c(f.assets[0].media.make, "Nikon"));
    alb_principal_unref(p);
}

/* Pages by key: what was there from beginning to end comes exactly once, whatever is added, removed and
 * re-dated in between. */
static void test_paging_under_change(void **state)
{
    struct kit *k = *state;
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN);
    struct alb_search q = alb_search_default();
    struct made m[60];
    int seen[60] = {0};
    int page = 0;

    for (uint64_t i = 0; i < 60; i++) /* many share one moment: the id decides */
        m[i] = make(k, ALB_USER_ADMIN, i + 1, month_ms(2020, 1) + (int64_t)(i / 7) * HOUR, ALB_VIS_TIMELINE);
    q.limit = 7;
    for (;;) {
        struct alb_found f;

        assert_int_equal(alb_library_search(k->lib, p, &q, k->arena, &f, NULL), ALB_OK);
        for (size_t i = 0; i < f.count; i++)
            for (int x = 0; x < 60; x++)
                seen[x] += f.assets[i].id == m[x].id;
        if (!f.more)
            break;
        q.after = f.next;
        make(k, ALB_USER_ADMIN, 1000 + (uint64_t)page, month_ms(2020, 1) + 5 * HOUR, ALB_VIS_TIMELINE);
        if (page == 2) /* one that has been seen goes, one that has not goes */
            for (int x = 0; x < 60; x += 59)
                bulk_one(k, p, ALB_BULK_PURGE, 0, m[x].id);
        page++;
    }
    for (int x = 1; x < 59; x++)
        assert_int_equal(seen[x], 1);
    assert_true(page > 7);
    alb_principal_unref(p);
}

/* ---- size ---- */

#ifdef ALB_LOCK_DEBUG
#define LARGE 3000 /* sanitizers */
#else
#define LARGE 100000
#endif
#define WINDOW 1500

static double ms_since(int64_t started)
{
    return (double)(alb_mono(alb_clock_real()) - started) / 1e6;
}

static void fill(struct kit *k)
{
    static struct alb_future *f[WINDOW];
    struct alb_layer file = {.stated = ALB_FIELD_BIT(ALB_FIELD_CAPTURE)};
    int64_t started = alb_mono(alb_clock_real());

    for (uint64_t i = 0; i < LARGE; i++) {
        struct alb_asset_new a = kit_asset(ALB_USER_ADMIN, i + 1);

        file.capture = alb_capture_local(
            month_ms(2005, 1) + (int64_t)(i * 2654435761u % 7300) * DAY + (int64_t)i, false, 0);
        a.file = &file;
        a.media.make = ALB_STR("Canon");
        a.media.thumbhash = ALB_STR("12345678901234567890");
        if (f[i % WINDOW] != NULL)
            assert_int_equal(alb_library_await(&f[i % WINDOW], NULL, NULL), ALB_OK);
        assert_int_equal(alb_library_asset_create(k->lib, &a, &f[i % WINDOW], NULL), ALB_OK);
    }
    for (int i = 0; i < WINDOW; i++)
        if (f[i] != NULL)
            assert_int_equal(alb_library_await(&f[i], NULL, NULL), ALB_OK);
    print_message("# %d assets made in %.1f s, %.0f/s\n", LARGE, ms_since(started) / 1000,
                  LARGE / ms_since(started) * 1000);
}

static void test_large(void **state)
{
    struct kit *k = *state;
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN);
    struct alb_timeline t = alb_timeline_default();
    struct alb_search q = alb_search_default();
    struct alb_bucket *list;
    struct alb_columns c;
    struct alb_statistics st;
    struct alb_found f;
    size_t count = 0, pages = 0, all = 0;
    int64_t started;

    kit_close(k); /* large groups: this is about reading */
    k->catalog.group_max = WINDOW;
    k->catalog.group_ns = ALB_NS_PER_S;
    kit_open(k);
    fill(k);
    for (int i = 0; i < 2; i++) { /* cold, warm */
        started = alb_mono(alb_clock_real());
        count = buckets(k, p, &t, &list);
        print_message("# %zu buckets: %.2f ms\n", count, ms_since(started));
    }
    started = alb_mono(alb_clock_real());
    assert_int_equal(alb_library_bucket(k->lib, p, &t, list[0].month, k->arena, &c, NULL), ALB_OK);
    print_message("# one bucket of %zu: %.2f ms\n", c.count, ms_since(started));
    started = alb_mono(alb_clock_real());
    for (size_t i = 0; i < count; i++) {
        struct alb_arena_mark mark = alb_arena_mark(k->arena);

        assert_int_equal(alb_library_bucket(k->lib, p, &t, list[i].month, k->arena, &c, NULL), ALB_OK);
        all += c.count;
        alb_arena_rewind(k->arena, mark);
    }
    print_message("# all buckets: %.1f ms\n", ms_since(started));
    assert_int_equal(all, LARGE);
    started = alb_mono(alb_clock_real());
    assert_int_equal(alb_library_statistics(k->lib, p, 0, false, -1, &st, NULL), ALB_OK);
    print_message("# statistics: %.2f ms\n", ms_since(started));
    assert_int_equal(st.total, LARGE);
    t.favorites = true;
    started = alb_mono(alb_clock_real());
    assert_int_equal(buckets(k, p, &t, &list), 0);
    print_message("# favourite buckets (counted): %.2f ms\n", ms_since(started));
    q.limit = 1000;
    q.with_tags = true;
    started = alb_mono(alb_clock_real());
    for (all = 0;; q.after = f.next) {
        struct alb_arena_mark mark = alb_arena_mark(k->arena);

        assert_int_equal(alb_library_search(k->lib, p, &q, k->arena, &f, NULL), ALB_OK);
        all += f.count;
        pages++;
        alb_arena_rewind(k->arena, mark);
        if (!f.more)
            break;
    }
    print_message("# search over everything: %zu pages, %.1f ms\n", pages, ms_since(started));
    assert_int_equal(all, LARGE);
    q = alb_search_default();
    q.name = ALB_STR("nothing like that");
    started = alb_mono(alb_clock_real());
    assert_int_equal(found(k, p, &q), 0);
    print_message("# search for a part of a name: %.1f ms\n", ms_since(started));
    started = alb_mono(alb_clock_real());
    kit_check_clean(k);
    print_message("# check: %.1f s\n", ms_since(started) / 1000);
    alb_principal_unref(p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_buckets),       T(test_columns),       T(test_album_timeline),      T(test_search_filters),
        T(test_text_in_pages), T(test_search_values), T(test_paging_under_change), T(test_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
