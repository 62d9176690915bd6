/* SPDX-License-Identifier: Apache-2.0
 * What somebody else must not get, by the ways round: through the motion part of a still, through an undo,
 * through a share's credential, through tags; and what the owner must not get without elevation.
 */
#include "kit.h"

struct house {
    struct kit *k;
    int64_t ann, bob;
    int64_t still, motion, personal;
    struct alb_principal *as_ann, *as_bob;
};

static int64_t add_with(struct kit *k, int64_t owner, uint64_t n, int64_t live)
{
    struct alb_asset_new a = kit_asset(owner, n);
    struct alb_created *c;
    int64_t id;

    a.live = live;
    c = kit_create(k, &a);
    if (c == NULL)
        return 0;
    id = c->asset_id;
    alb_obj_unref(&c->obj);
    return id;
}

/* Ann's still with its motion part, in a personal album that Bob may edit. */
static void house_open(struct house *h, struct kit *k)
{
    struct alb_album_new album = {.kind = ALB_ALBUM_PERSONAL, .name = ALB_STR("holidays")};
    int64_t done;

    *h = (struct house){.k = k, .ann = kit_user(k, "ann", 0), .bob = kit_user(k, "bob", 0)};
    h->as_ann = kit_as(k, h->ann);
    h->as_bob = kit_as(k, h->bob);
    h->motion = kit_add(k, h->ann, 1);
    h->still = add_with(k, h->ann, 2, h->motion);
    assert_int_equal(KIT_ID(&h->personal, alb_library_album_new, k->lib, h->as_ann, &album), ALB_OK);
    assert_int_equal(
        KIT(alb_library_album_grant_user, k->lib, h->as_ann, h->personal, h->bob, ALB_ALBUM_EDITOR), ALB_OK);
    assert_int_equal(kit_bulk(k, h->as_ann, ALB_DOOR_WEB, ALB_BULK_ALBUM_ADD, h->personal, h->still, &done),
                     ALB_OK);
    assert_int_equal(done, 1);
}

static void house_close(struct house *h)
{
    kit_check_clean(h->k);
    alb_principal_unref(h->as_ann);
    alb_principal_unref(h->as_bob);
}

static void bulk(struct house *h, struct alb_principal *p, enum alb_bulk_action action, int64_t value,
                 int64_t id)
{
    int64_t done;

    assert_int_equal(kit_bulk(h->k, p, ALB_DOOR_WEB, action, value, id, &done), ALB_OK);
    assert_int_equal(done, 1);
}

static enum alb_code resolve(struct kit *k, struct alb_principal *p, int64_t id)
{
    struct alb_ref ref = {.id = id};
    struct alb_source *s;
    enum alb_code code = alb_library_resolve(k->lib, p, &ref, ALB_PURPOSE_VIEW, &s, NULL);

    alb_source_unref(s);
    return code;
}

static bool hot(struct kit *k, const struct alb_principal *p, int64_t id)
{
    struct alb_ref ref = {.id = id};
    struct alb_source *s = alb_library_resolve_hot(k->lib, p, &ref, ALB_PURPOSE_VIEW);
    bool is = s != NULL;

    alb_source_unref(s);
    return is;
}

static void remembered(struct house *h)
{
    assert_int_equal(resolve(h->k, h->as_bob, h->motion), ALB_OK);
    assert_true(hot(h->k, h->as_bob, h->motion));
}

static void forgotten(struct house *h)
{
    assert_false(hot(h->k, h->as_bob, h->motion));
    assert_int_equal(resolve(h->k, h->as_bob, h->motion), ALB_E_NOT_FOUND);
}

/* A motion part is seen through its still: when that is over, so is the remembered answer. */
static void test_motion_goes_with_its_still(void **state)
{
    struct house h;
    struct alb_asset_update u = {
        .favorite = -1, .visibility = -1, .level = -1, .set_live = true, .if_rev = ALB_ASSET_ANY_REV};
    struct alb_uuid still;

    house_open(&h, *state);
    remembered(&h);
    bulk(&h, h.as_ann, ALB_BULK_ALBUM_REMOVE, h.personal, h.still);
    forgotten(&h);
    bulk(&h, h.as_ann, ALB_BULK_ALBUM_ADD, h.personal, h.still);
    remembered(&h);
    bulk(&h, h.as_ann, ALB_BULK_TRASH, 0, h.still);
    forgotten(&h);
    bulk(&h, h.as_ann, ALB_BULK_RESTORE, 0, h.still);
    remembered(&h);
    still = kit_uuid(h.k, h.still);
    assert_int_equal(KIT(alb_library_asset_update, h.k->lib, h.as_ann, &still, &u), ALB_OK);
    forgotten(&h);
    u.live = h.motion;
    assert_int_equal(KIT(alb_library_asset_update, h.k->lib, h.as_ann, &still, &u), ALB_OK);
    remembered(&h);
    bulk(&h, h.as_ann, ALB_BULK_TRASH, 0, h.still);
    bulk(&h, h.as_ann, ALB_BULK_PURGE, 0, h.still);
    forgotten(&h);
    house_close(&h);
}

/* How many hidden assets the lists show: search, the month of the timeline, the trash. */
static size_t listed_hidden(struct kit *k, const struct alb_principal *p, bool trashed)
{
    struct alb_search q = alb_search_default();
    struct alb_timeline t = alb_timeline_default();
    struct alb_found found;
    struct alb_bucket *months;
    struct alb_columns c;
    size_t count, n = 0;

    q.visibility = ALB_VIS_BIT(ALB_VIS_HIDDEN);
    q.only_trashed = trashed;
    t.visibility = q.visibility;
    t.trashed = trashed;
    assert_int_equal(alb_library_search(k->lib, p, &q, k->arena, &found, NULL), ALB_OK);
    assert_int_equal(alb_library_buckets(k->lib, p, &t, k->arena, &months, &count, NULL), ALB_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(alb_library_bucket(k->lib, p, &t, months[i].month, k->arena, &c, NULL), ALB_OK);
        assert_int_equal(c.count, months[i].count);
        for (size_t a = 0; a < c.count; a++)
            n += c.visibility[a] == ALB_VIS_HIDDEN;
    }
    assert_int_equal(found.count, n);
    return n;
}

/* A locked still locks its motion part with it. */
static void test_motion_of_a_locked_still(void **state)
{
    struct house h;
    struct alb_signed_in *in;
    struct alb_uuid motion;
    struct alb_asset a;

    house_open(&h, *state);
    motion = kit_uuid(h.k, h.motion);
    assert_int_equal(KIT(alb_library_user_password, h.k->lib, h.ann, ALB_STR("secret"), 0), ALB_OK);
    in = kit_sign_in(h.k, "ann", "secret");
    assert_int_equal(resolve(h.k, in->principal, h.motion), ALB_OK);
    assert_int_equal(listed_hidden(h.k, in->principal, false), 1);
    bulk(&h, h.as_ann, ALB_BULK_VISIBILITY, ALB_VIS_LOCKED, h.still);

    assert_false(hot(h.k, in->principal, h.motion));
    assert_int_equal(resolve(h.k, in->principal, h.motion), ALB_E_NOT_FOUND);
    assert_int_equal(alb_library_asset_get(h.k->lib, in->principal, &motion, h.k->arena, &a, NULL),
                     ALB_E_NOT_FOUND);
    assert_int_equal(listed_hidden(h.k, in->principal, false), 0);
    assert_false(alb_library_may(h.k->lib, in->principal, h.motion, ALB_RIGHT_OWN));

    assert_int_equal(KIT(alb_library_elevate, h.k->lib, in->principal, ALB_STR("secret"), 10000), ALB_OK);
    assert_int_equal(resolve(h.k, in->principal, h.motion), ALB_OK);
    assert_false(hot(h.k, in->principal, h.motion));
    assert_int_equal(listed_hidden(h.k, in->principal, false), 1);
    bulk(&h, in->principal, ALB_BULK_TRASH, 0, h.motion);
    assert_int_equal(listed_hidden(h.k, in->principal, true), 1);
    kit_advance(h.k, 10001);
    assert_int_equal(resolve(h.k, in->principal, h.motion), ALB_E_NOT_FOUND);
    assert_int_equal(listed_hidden(h.k, in->principal, true), 0);
    alb_obj_unref(&in->obj);
    house_close(&h);
}

/* Being made somebody's motion part hides an asset; a locked one would come out of the locked folder so. */
static void test_locked_stays_locked(void **state)
{
    struct house h;
    struct alb_asset_update u = {
        .favorite = -1, .visibility = -1, .level = -1, .set_live = true, .if_rev = ALB_ASSET_ANY_REV};
    struct alb_uuid still;
    int64_t secret;

    house_open(&h, *state);
    secret = kit_add(h.k, h.ann, 7);
    bulk(&h, h.as_ann, ALB_BULK_VISIBILITY, ALB_VIS_LOCKED, secret);
    assert_int_equal(add_with(h.k, h.ann, 8, secret), 0);
    still = kit_uuid(h.k, h.still);
    u.live = secret;
    assert_int_equal(KIT(alb_library_asset_update, h.k->lib, h.as_ann, &still, &u), ALB_E_NOT_FOUND);
    assert_int_equal(kit_get(h.k, secret).visibility, ALB_VIS_LOCKED);
    house_close(&h);
}

static int64_t operation(struct house *h, struct alb_principal *p, enum alb_bulk_action action, int64_t value,
                         int64_t id)
{
    struct alb_uuid uuid = kit_uuid(h->k, id);
    struct alb_future *f;
    struct alb_obj *obj;
    int64_t op;

    assert_int_equal(alb_library_bulk(h->k->lib, p, ALB_DOOR_WEB, action, value, &uuid, 1, &f, NULL), ALB_OK);
    assert_int_equal(alb_library_await(&f, &obj, NULL), ALB_OK);
    assert_int_equal(((struct alb_bulk *)(void *)obj)->done, 1);
    op = ((struct alb_bulk *)(void *)obj)->operation_id;
    alb_obj_unref(obj);
    return op;
}

/* What the undo did: one item. */
static bool undone(struct house *h, struct alb_principal *p, int64_t op)
{
    struct alb_future *f;
    struct alb_obj *obj;
    bool did;

    assert_int_equal(alb_library_bulk(h->k->lib, p, ALB_DOOR_WEB, ALB_BULK_UNDO, op, NULL, 0, &f, NULL),
                     ALB_OK);
    assert_int_equal(alb_library_await(&f, &obj, NULL), ALB_OK);
    did = ((struct alb_bulk *)(void *)obj)->done == 1;
    assert_int_equal(((struct alb_bulk *)(void *)obj)->skipped, !did);
    alb_obj_unref(obj);
    return did;
}

/* An undo is an edit of today: it asks what the user may do today. */
static void test_undo_asks_again(void **state)
{
    struct house h;
    int64_t op;

    house_open(&h, *state);
    op = operation(&h, h.as_bob, ALB_BULK_ALBUM_REMOVE, h.personal, h.still);
    assert_true(undone(&h, h.as_bob, op));
    op = operation(&h, h.as_bob, ALB_BULK_ALBUM_REMOVE, h.personal, h.still);
    assert_int_equal(
        KIT(alb_library_album_grant_user, h.k->lib, h.as_ann, h.personal, h.bob, ALB_ALBUM_VIEWER), ALB_OK);
    assert_false(undone(&h, h.as_bob, op));
    assert_int_equal(resolve(h.k, h.as_bob, h.still), ALB_E_NOT_FOUND);

    bulk(&h, h.as_ann, ALB_BULK_ALBUM_ADD, h.personal, h.still);
    op = operation(&h, h.as_bob, ALB_BULK_FAVORITE, 1, h.still);
    assert_true(undone(&h, h.as_bob, op)); /* one's own favourite needs no right but to see */

    op = operation(&h, h.as_ann, ALB_BULK_VISIBILITY, ALB_VIS_LOCKED, h.still);
    assert_false(undone(&h, h.as_ann, op)); /* locked by now, and nobody is elevated */
    assert_int_equal(kit_get(h.k, h.still).visibility, ALB_VIS_LOCKED);
    house_close(&h);
}

/* Whoever looks through a share acts for nobody: its maker's sessions, lists and trash are not theirs. */
static void test_share_is_nobody(void **state)
{
    struct house h;
    struct alb_signed_in *in;
    struct alb_share_new share = {.may_download = true};
    struct alb_future *f;
    struct alb_obj *obj;
    struct alb_principal *p;
    struct alb_session *sessions;
    struct alb_search q = alb_search_default();
    struct alb_timeline t = alb_timeline_default();
    struct alb_found found;
    struct alb_bucket *months;
    struct alb_statistics stats;
    struct alb_tag *tags;
    struct alb_str *words;
    struct alb_change *changes;
    struct alb_album *albums;
    struct alb_sum_answer *sums;
    static const unsigned char sha1[1][ALB_SHA1_LEN];
    size_t n;

    house_open(&h, *state);
    assert_int_equal(KIT(alb_library_user_password, h.k->lib, h.ann, ALB_STR("secret"), 0), ALB_OK);
    in = kit_sign_in(h.k, "ann", "secret");
    share.album = h.personal;
    assert_int_equal(alb_library_share_new(h.k->lib, h.as_ann, &share, &f, NULL), ALB_OK);
    assert_int_equal(alb_library_await(&f, &obj, NULL), ALB_OK);
    assert_int_equal(alb_library_principal(h.k->lib, ALB_TOKEN_SHARE,
                                           alb_str_c(((struct alb_share_made *)(void *)obj)->token), &p,
                                           NULL),
                     ALB_OK);
    alb_obj_unref(obj);
    assert_int_equal(resolve(h.k, p, h.still), ALB_OK);

    assert_int_equal(alb_library_session_list(h.k->lib, p, h.k->arena, &sessions, &n, NULL),
                     ALB_E_UNAUTHENTICATED);
    assert_int_equal(KIT(alb_library_session_end, h.k->lib, p, &in->session), ALB_E_UNAUTHENTICATED);
    assert_int_equal(KIT(alb_library_session_end, h.k->lib, p, NULL), ALB_E_UNAUTHENTICATED);
    assert_int_equal(alb_library_session_list(h.k->lib, in->principal, h.k->arena, &sessions, &n, NULL),
                     ALB_OK);
    assert_int_equal(n, 1);
    assert_int_equal(alb_library_search(h.k->lib, p, &q, h.k->arena, &found, NULL), ALB_E_UNAUTHENTICATED);
    assert_int_equal(alb_library_buckets(h.k->lib, p, &t, h.k->arena, &months, &n, NULL),
                     ALB_E_UNAUTHENTICATED);
    assert_int_equal(alb_library_statistics(h.k->lib, p, 0, false, -1, &stats, NULL), ALB_E_UNAUTHENTICATED);
    assert_int_equal(alb_library_tag_list(h.k->lib, p, h.k->arena, &tags, &n, NULL), ALB_E_UNAUTHENTICATED);
    assert_int_equal(alb_library_suggest(h.k->lib, p, ALB_SUGGEST_MAKE, h.k->arena, &words, &n, NULL),
                     ALB_E_UNAUTHENTICATED);
    assert_int_equal(alb_library_changes(h.k->lib, p, 0, 10, h.k->arena, &changes, &n, NULL),
                     ALB_E_UNAUTHENTICATED);
    assert_int_equal(alb_library_check_sums(h.k->lib, p, sha1, 1, h.k->arena, &sums, NULL),
                     ALB_E_UNAUTHENTICATED);
    assert_int_equal(alb_library_album_list(h.k->lib, p, ALB_ALBUM_PERSONAL, h.k->arena, &albums, &n, NULL),
                     ALB_OK);
    assert_int_equal(n, 0);
    assert_int_equal(KIT(alb_library_trash_all, h.k->lib, p, false), ALB_E_UNAUTHENTICATED);
    assert_int_equal(KIT(alb_library_album_delete, h.k->lib, p, h.personal), ALB_E_UNAUTHENTICATED);
    assert_false(alb_library_may(h.k->lib, p, h.still, ALB_RIGHT_EDIT_GALLERY));
    alb_principal_unref(p);
    alb_obj_unref(&in->obj);
    house_close(&h);
}

static size_t tags_seen(struct house *h, struct alb_principal *p)
{
    struct alb_uuid uuid = kit_uuid(h->k, h->still);
    struct alb_asset a;

    assert_int_equal(alb_library_asset_get(h->k->lib, p, &uuid, h->k->arena, &a, NULL), ALB_OK);
    return a.tag_count;
}

/* A user's tags are the user's own words about a photo; who sees the photo sees the gallery's tags. */
static void test_tags_are_the_owners(void **state)
{
    struct house h;
    struct alb_tag_name names[] = {{ALB_TAG_USER, ALB_STR("people/the ex")},
                                   {ALB_TAG_GALLERY, ALB_STR("sea")}};
    struct alb_asset_update u = {.favorite = -1,
                                 .visibility = -1,
                                 .level = -1,
                                 .tags_add = names,
                                 .tag_add_count = 2,
                                 .if_rev = ALB_ASSET_ANY_REV};
    struct alb_principal *local;
    struct alb_album *albums;
    struct alb_search q = alb_search_default();
    struct alb_found found;
    struct alb_uuid still;
    size_t n;

    house_open(&h, *state);
    still = kit_uuid(h.k, h.still);
    assert_int_equal(alb_library_principal_user(h.k->lib, h.ann, ALB_CRED_LOCAL, 0, INT64_MAX, &local, NULL),
                     ALB_OK);
    assert_int_equal(KIT(alb_library_asset_update, h.k->lib, local, &still, &u), ALB_OK);
    assert_int_equal(tags_seen(&h, h.as_ann), 2);
    assert_int_equal(tags_seen(&h, local), 2);
    assert_int_equal(tags_seen(&h, h.as_bob), 1);
    assert_int_equal(
        alb_library_album_list(h.k->lib, h.as_bob, ALB_ALBUM_PERSONAL, h.k->arena, &albums, &n, NULL),
        ALB_OK);
    assert_int_equal(n, 1);
    q.albums = &albums[0].uuid;
    q.album_count = 1;
    q.with_tags = true;
    assert_int_equal(alb_library_search(h.k->lib, h.as_bob, &q, h.k->arena, &found, NULL), ALB_OK);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.assets[0].tag_count, 1);
    assert_true(alb_str_eq_c(found.assets[0].tags[0].value, "sea"));
    alb_principal_unref(local);
    house_close(&h);
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_motion_goes_with_its_still),
        T(test_motion_of_a_locked_still),
        T(test_locked_stays_locked),
        T(test_undo_asks_again),
        T(test_share_is_nobody),
        T(test_tags_are_the_owners),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
