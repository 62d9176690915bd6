/* SPDX-License-Identifier: Apache-2.0
 * Rights: every case of see() as a table of assets and viewers, changes of rights that count at once, and who
 * may edit what.
 */
#include "kit.h"

enum { OWN, PUB, PUB4, PRIV, SUB, GRP, LOCK, TWO, SHARED, TRASH, HID, LOCKED, ARCH, ORPHAN, INSHARE, ASSETS };
enum { ANN, ANN_UP, ADMIN, BOB, CAT, GUEST, NOBODY, SET, ALBUM, LOCAL, VIEWERS };

/* Columns: ann, ann elevated, admin, bob, cat, guest, nobody (unknown user), share of a set, of an album,
 * local */
static const struct {
    const char *asset, *seen;
} table[ASSETS] = {
    [OWN] = {"in no album", "1100000001"},
    [PUB] = {"public album", "1111110001"},
    [PUB4] = {"public album, level 4", "1110100001"},
    [PRIV] = {"private album, granted to bob, not to admin", "1101000001"},
    [SUB] = {"below the private album, granted there only to cat", "1100000001"},
    [GRP] = {"private album, granted to a group", "1110100001"},
    [LOCK] = {"locked album", "1110000001"},
    [TWO] = {"private and public album", "1111110001"},
    [SHARED] = {"personal album, shared with bob", "1101000011"},
    [TRASH] = {"public album, in the trash", "1100000001"},
    [HID] = {"motion part of the one in the public album", "1111110001"},
    [LOCKED] = {"public album, locked visibility", "0100000001"},
    [ARCH] = {"public album, archived", "1111110001"},
    [ORPHAN] = {"gallery, no album", "1110000001"},
    [INSHARE] = {"in a shared set", "1100000101"},
};

struct world {
    struct kit *k;
    int64_t ann, bob, cat, group;
    int64_t pub, priv, sub, grp, lock, personal;
    int64_t asset[ASSETS];
    int64_t set_id, album_id;
    struct alb_principal *admin, *as_ann, *viewer[VIEWERS];
};

static int64_t album(struct world *w, const struct alb_principal *p, struct alb_album_new a)
{
    int64_t id;

    a.name = ALB_STR("an album");
    assert_int_equal(KIT_ID(&id, alb_library_album_new, w->k->lib, p, &a), ALB_OK);
    return id;
}

static void link_to(struct world *w, int asset, int64_t album_id, const struct alb_principal *p)
{
    struct alb_principal *local;
    int64_t done;

    (void)p;
    assert_int_equal(
        alb_library_principal_user(w->k->lib, w->ann, ALB_CRED_LOCAL, 0, INT64_MAX, &local, NULL), ALB_OK);
    assert_int_equal(
        kit_bulk(w->k, local, ALB_DOOR_LOCAL, ALB_BULK_ALBUM_ADD, album_id, w->asset[asset], &done), ALB_OK);
    assert_int_equal(done, 1);
    alb_principal_unref(local);
}

static void set_bulk(struct world *w, int asset, enum alb_bulk_action action, int64_t value)
{
    int64_t done;

    assert_int_equal(kit_bulk(w->k, w->viewer[LOCAL], ALB_DOOR_WEB, action, value, w->asset[asset], &done),
                     ALB_OK);
    assert_int_equal(done, 1);
}

static void make_albums(struct world *w)
{
    struct alb_library *lib = w->k->lib;

    w->pub = album(w, w->admin, (struct alb_album_new){.kind = ALB_ALBUM_GALLERY});
    w->priv = album(w, w->admin, (struct alb_album_new){.kind = ALB_ALBUM_GALLERY, .is_private = true});
    w->sub = album(w, w->admin, (struct alb_album_new){.kind = ALB_ALBUM_GALLERY, .parent = w->priv});
    w->grp = album(w, w->admin, (struct alb_album_new){.kind = ALB_ALBUM_GALLERY, .is_private = true});
    w->lock = album(w, w->admin, (struct alb_album_new){.kind = ALB_ALBUM_GALLERY, .locked = true});
    w->personal = album(w, w->as_ann, (struct alb_album_new){.kind = ALB_ALBUM_PERSONAL});
    assert_int_equal(KIT_ID(&w->group, alb_library_group_new, lib, w->admin, ALB_STR("friends")), ALB_OK);
    assert_int_equal(KIT(alb_library_group_member, lib, w->admin, w->group, w->cat, true), ALB_OK);
    assert_int_equal(KIT(alb_library_album_grant_group, lib, w->admin, w->grp, w->group, true), ALB_OK);
    assert_int_equal(KIT(alb_library_album_grant_user, lib, w->admin, w->priv, w->bob, ALB_ALBUM_VIEWER),
                     ALB_OK);
    assert_int_equal(KIT(alb_library_album_grant_user, lib, w->admin, w->sub, w->cat, ALB_ALBUM_VIEWER),
                     ALB_OK);
    assert_int_equal(KIT(alb_library_album_grant_user, lib, w->as_ann, w->personal, w->bob, ALB_ALBUM_VIEWER),
                     ALB_OK);
    /* who makes a private album is granted; without that an administrator obeys like anyone */
    assert_int_equal(KIT(alb_library_album_grant_user, lib, w->admin, w->sub, ALB_USER_ADMIN, -1), ALB_OK);
    assert_int_equal(KIT(alb_library_album_grant_user, lib, w->admin, w->priv, ALB_USER_ADMIN, -1), ALB_OK);
}

static void make_assets(struct world *w)
{
    struct alb_asset_new a;
    struct alb_created *c;

    for (int i = 0; i < ASSETS; i++) {
        a = kit_asset(w->ann, (uint64_t)i + 1);
        if (i == ORPHAN)
            a.door = ALB_DOOR_PIWIGO;
        if (i == PUB4)
            a.level = 4;
        if (i == PUB)
            a.live = 0;
        c = kit_create(w->k, &a);
        assert_non_null(c);
        w->asset[i] = c->asset_id;
        alb_obj_unref(&c->obj);
    }
    link_to(w, PUB, w->pub, NULL);
    link_to(w, PUB4, w->pub, NULL);
    link_to(w, PRIV, w->priv, NULL);
    link_to(w, SUB, w->sub, NULL);
    link_to(w, GRP, w->grp, NULL);
    link_to(w, LOCK, w->lock, NULL);
    link_to(w, TWO, w->priv, NULL);
    link_to(w, TWO, w->pub, NULL);
    link_to(w, SHARED, w->personal, NULL);
    link_to(w, TRASH, w->pub, NULL);
    link_to(w, LOCKED, w->pub, NULL);
    link_to(w, ARCH, w->pub, NULL);
    set_bulk(w, TRASH, ALB_BULK_TRASH, 0);
    set_bulk(w, LOCKED, ALB_BULK_VISIBILITY, ALB_VIS_LOCKED);
    set_bulk(w, ARCH, ALB_BULK_VISIBILITY, ALB_VIS_ARCHIVE);
}

static struct alb_principal *share(struct world *w, int64_t of_album, int asset, int64_t expires, int64_t *id)
{
    struct alb_uuid uuid = kit_uuid(w->k, w->asset[asset]);
    struct alb_share_new s = {.album = of_album,
                              .assets = &uuid,
                              .asset_count = of_album == 0,
                              .may_download = true,
                              .expires_at = expires};
    struct alb_future *f;
    struct alb_obj *obj;
    struct alb_share_made *made;
    struct alb_principal *p;

    assert_int_equal(alb_library_share_new(w->k->lib, w->as_ann, &s, &f, NULL), ALB_OK);
    assert_int_equal(alb_library_await(&f, &obj, NULL), ALB_OK);
    made = (struct alb_share_made *)(void *)obj;
    *id = made->id;
    assert_int_equal(alb_library_principal(w->k->lib, ALB_TOKEN_SHARE, alb_str_c(made->token), &p, NULL),
                     ALB_OK);
    alb_obj_unref(obj);
    return p;
}

static void make_viewers(struct world *w)
{
    struct kit *k = w->k;
    struct alb_signed_in *in;

    assert_int_equal(KIT(alb_library_user_password, k->lib, w->ann, ALB_STR("secret"), 0), ALB_OK);
    in = kit_sign_in(k, "ann", "secret");
    assert_non_null(in);
    assert_int_equal(KIT(alb_library_elevate, k->lib, in->principal, ALB_STR("secret"), 3600 * 1000), ALB_OK);
    w->viewer[ANN_UP] = alb_principal_ref(in->principal);
    alb_obj_unref(&in->obj);
    w->viewer[ANN] = kit_as(k, w->ann);
    w->viewer[ADMIN] = kit_as(k, ALB_USER_ADMIN);
    w->viewer[BOB] = kit_as(k, w->bob);
    w->viewer[CAT] = kit_as(k, w->cat);
    w->viewer[GUEST] = alb_library_principal_guest(k->lib);
    w->viewer[NOBODY] = kit_as(k, w->bob);
    w->viewer[NOBODY]->user_id = 4711; /* a user that does not exist (any more) */
    w->viewer[SET] = share(w, 0, INSHARE, 0, &w->set_id);
    w->viewer[ALBUM] = share(w, w->personal, OWN, KIT_NOW + 3600 * 1000, &w->album_id);
}

static void world_begin(struct world *w, struct kit *k)
{
    struct alb_asset_update u = {
        .favorite = -1, .visibility = -1, .level = -1, .set_live = true, .if_rev = ALB_ASSET_ANY_REV};
    struct alb_uuid still;

    memset(w, 0, sizeof(*w));
    w->k = k;
    w->ann = kit_user(k, "ann", 0);
    w->bob = kit_user(k, "bob", 0);
    w->cat = kit_user(k, "cat", 4);
    w->admin = kit_as(k, ALB_USER_ADMIN);
    w->as_ann = kit_as(k, w->ann);
    assert_int_equal(
        alb_library_principal_user(k->lib, w->ann, ALB_CRED_LOCAL, 0, INT64_MAX, &w->viewer[LOCAL], NULL),
        ALB_OK);
    make_albums(w);
    make_assets(w);
    u.live = w->asset[HID];
    still = kit_uuid(k, w->asset[PUB]);
    assert_int_equal(KIT(alb_library_asset_update, k->lib, w->as_ann, &still, &u), ALB_OK);
    assert_int_equal(kit_get(k, w->asset[HID]).visibility, ALB_VIS_HIDDEN);
    make_viewers(w);
}

static void world_end(struct world *w)
{
    for (int i = 0; i < VIEWERS; i++)
        alb_principal_unref(w->viewer[i]);
    alb_principal_unref(w->admin);
    alb_principal_unref(w->as_ann);
}

static bool sees(struct world *w, int viewer, int asset)
{
    return alb_library_may(w->k->lib, w->viewer[viewer], w->asset[asset], ALB_RIGHT_SEE);
}

static void test_table(void **state)
{
    struct world w;

    world_begin(&w, *state);
    for (int a = 0; a < ASSETS; a++)
        for (int v = 0; v < VIEWERS; v++)
            if (sees(&w, v, a) != (table[a].seen[v] == '1'))
                fail_msg("asset '%s', viewer %d: sees %d", table[a].asset, v, !(table[a].seen[v] == '1'));
    /* The same answers from the function that names bytes, cold and remembered; twice for the memo. */
    for (int round = 0; round < 2; round++)
        for (int a = 0; a < ASSETS; a++)
            for (int v = 0; v < VIEWERS; v++) {
                struct alb_ref ref = {.by_uuid = true, .uuid = kit_uuid(w.k, w.asset[a])};
                struct alb_source *s;
                enum alb_code code =
                    alb_library_resolve(w.k->lib, w.viewer[v], &ref, ALB_PURPOSE_VIEW, &s, NULL);

                if ((code == ALB_OK) != (table[a].seen[v] == '1'))
                    fail_msg("asset '%s', viewer %d: %s", table[a].asset, v, alb_code_name(code));
                if (code == ALB_OK)
                    assert_int_equal(s->is_private, table[a].seen[GUEST] != '1');
                alb_source_unref(s);
            }
    kit_check_clean(w.k);
    world_end(&w);
}

static void test_guests_only_when_let_in(void **state)
{
    struct kit *k = *state;
    struct world w;

    world_begin(&w, k);
    assert_true(sees(&w, GUEST, PUB));
    world_end(&w);
    kit_close(k);
    k->library.guests = false;
    kit_open(k);
    w.viewer[GUEST] = alb_library_principal_guest(k->lib);
    for (int a = 0; a < ASSETS; a++)
        assert_false(sees(&w, GUEST, a));
    alb_principal_unref(w.viewer[GUEST]);
}

static void test_changes_count_at_once(void **state)
{
    struct kit *k = *state;
    struct alb_library *lib = k->lib;
    struct world w;

    world_begin(&w, k);
    /* a grant */
    assert_true(sees(&w, BOB, PRIV));
    assert_int_equal(KIT(alb_library_album_grant_user, lib, w.viewer[LOCAL], w.priv, w.bob, -1), ALB_OK);
    assert_false(sees(&w, BOB, PRIV));
    /* a group */
    assert_int_equal(KIT(alb_library_group_member, lib, w.admin, w.group, w.cat, false), ALB_OK);
    assert_false(sees(&w, CAT, GRP));
    /* privacy and locks */
    assert_int_equal(KIT(alb_library_album_privacy, lib, w.admin, w.pub, 1, -1), ALB_OK);
    assert_false(sees(&w, BOB, PUB));
    assert_false(sees(&w, GUEST, PUB));
    assert_false(sees(&w, ADMIN, PUB)); /* nobody is granted, administrators obey */
    assert_int_equal(KIT(alb_library_album_privacy, lib, w.viewer[LOCAL], w.pub, 0, -1), ALB_OK);
    assert_true(sees(&w, GUEST, PUB));
    assert_int_equal(KIT(alb_library_album_privacy, lib, w.admin, w.pub, -1, 1), ALB_OK);
    assert_false(sees(&w, GUEST, PUB));
    assert_true(sees(&w, ADMIN, PUB));
    /* a personal album */
    assert_int_equal(KIT(alb_library_album_grant_user, lib, w.as_ann, w.personal, w.bob, -1), ALB_OK);
    assert_false(sees(&w, BOB, SHARED));
    /* shares */
    assert_true(sees(&w, SET, INSHARE));
    assert_int_equal(KIT(alb_library_share_end, lib, w.as_ann, w.set_id), ALB_OK);
    assert_false(sees(&w, SET, INSHARE));
    assert_true(sees(&w, ALBUM, SHARED));
    kit_advance(k, 3600 * 1000 + 1);
    assert_false(sees(&w, ALBUM, SHARED));
    /* elevation ends by itself, too */
    assert_false(sees(&w, ANN_UP, LOCKED));
    assert_true(sees(&w, ANN_UP, OWN));
    world_end(&w);
}

/* The cascade of Piwigo: down when set, up when lifted; grants that the reference lacks go. */
static void test_privacy_cascades(void **state)
{
    struct world w;
    struct alb_library *lib;

    world_begin(&w, *state);
    lib = w.k->lib;
    assert_false(sees(&w, CAT, SUB)); /* granted below, but not on the way */
    assert_int_equal(KIT(alb_library_album_grant_user, lib, w.viewer[LOCAL], w.priv, w.cat, ALB_ALBUM_VIEWER),
                     ALB_OK);
    assert_true(sees(&w, CAT, SUB));
    assert_false(sees(&w, BOB, SUB));
    assert_int_equal(KIT(alb_library_album_privacy, lib, w.viewer[LOCAL], w.sub, 0, -1),
                     ALB_OK); /* lifts both */
    assert_true(sees(&w, GUEST, SUB));
    assert_true(sees(&w, GUEST, PRIV));
    assert_int_equal(KIT(alb_library_album_privacy, lib, w.viewer[LOCAL], w.priv, 1, -1),
                     ALB_OK); /* sets both */
    assert_false(sees(&w, GUEST, SUB));
    assert_true(sees(&w, CAT, SUB)); /* dormant grants revive where the reference has them */
    assert_true(sees(&w, BOB, PRIV));
    kit_check_clean(w.k);
    world_end(&w);
}

/* ---- editing ---- */

static enum alb_code edit_title(struct world *w, int viewer, int asset)
{
    struct alb_asset_update u = {
        .favorite = -1,
        .visibility = -1,
        .level = -1,
        .if_rev = ALB_ASSET_ANY_REV,
        .values = {.stated = ALB_FIELD_BIT(ALB_FIELD_TITLE), .title = ALB_STR("new")}};
    struct alb_uuid uuid = kit_uuid(w->k, w->asset[asset]);

    return KIT(alb_library_asset_update, w->k->lib, w->viewer[viewer], &uuid, &u);
}

static void test_edit(void **state)
{
    static const struct {
        int viewer, asset;
        enum alb_code code;
    } cases[] = {
        {ANN, OWN, ALB_OK},
        {ANN, TRASH, ALB_OK},
        {ANN, LOCKED, ALB_E_NOT_FOUND}, /* not elevated: not even seen */
        {ANN_UP, LOCKED, ALB_OK},
        {ADMIN, PUB, ALB_OK}, /* a gallery field of a gallery asset */
        {ADMIN, ORPHAN, ALB_OK},
        {ADMIN, PRIV, ALB_E_NOT_FOUND}, /* obeys private albums */
        {ADMIN, OWN, ALB_E_NOT_FOUND},
        {BOB, PUB, ALB_E_FORBIDDEN}, /* sees it */
        {BOB, SHARED, ALB_E_FORBIDDEN},
        {BOB, OWN, ALB_E_NOT_FOUND},
        {GUEST, PUB, ALB_E_FORBIDDEN},
        {NOBODY, PUB, ALB_E_UNAUTHENTICATED},
        {SET, INSHARE, ALB_E_FORBIDDEN},
        {LOCAL, PRIV, ALB_OK},
    };
    struct world w;

    world_begin(&w, *state);
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        enum alb_code code = edit_title(&w, cases[i].viewer, cases[i].asset);

        if (code != cases[i].code)
            fail_msg("case %zu: %s instead of %s", i, alb_code_name(code), alb_code_name(cases[i].code));
    }
    world_end(&w);
}

static void test_edit_limits(void **state)
{
    struct alb_asset_update none = {
        .favorite = -1, .visibility = -1, .level = -1, .if_rev = ALB_ASSET_ANY_REV};
    struct alb_tag_name house = {.scope = ALB_TAG_GALLERY, .value = ALB_STR("house")};
    struct alb_tag_name mine = {.scope = ALB_TAG_USER, .value = ALB_STR("mine")};
    struct world w;
    struct alb_uuid pub;
    struct alb_asset_update u;

    world_begin(&w, *state);
    pub = kit_uuid(w.k, w.asset[PUB]);
    /* administrators: not the visibility, not the owner's tags; the house's tags and the level */
    u = none;
    u.visibility = ALB_VIS_ARCHIVE;
    assert_int_equal(KIT(alb_library_asset_update, w.k->lib, w.admin, &pub, &u), ALB_E_FORBIDDEN);
    u = none;
    u.tags_add = &mine;
    u.tag_add_count = 1;
    assert_int_equal(KIT(alb_library_asset_update, w.k->lib, w.admin, &pub, &u), ALB_E_FORBIDDEN);
    assert_int_equal(KIT(alb_library_asset_update, w.k->lib, w.as_ann, &pub, &u), ALB_OK);
    u.tags_add = &house;
    assert_int_equal(KIT(alb_library_asset_update, w.k->lib, w.as_ann, &pub, &u), ALB_E_FORBIDDEN);
    assert_int_equal(KIT(alb_library_asset_update, w.k->lib, w.admin, &pub, &u), ALB_OK);
    assert_int_equal(kit_get(w.k, w.asset[PUB]).tag_count, 2);
    u = none;
    u.level = 8;
    assert_int_equal(KIT(alb_library_asset_update, w.k->lib, w.admin, &pub, &u), ALB_OK);
    assert_false(sees(&w, GUEST, PUB));
    /* favourites: whoever sees it; not the guest */
    u = none;
    u.favorite = 1;
    pub = kit_uuid(w.k, w.asset[TWO]);
    assert_int_equal(KIT(alb_library_asset_update, w.k->lib, w.viewer[BOB], &pub, &u), ALB_OK);
    assert_int_equal(KIT(alb_library_asset_update, w.k->lib, w.viewer[GUEST], &pub, &u), ALB_E_FORBIDDEN);
    /* the revision */
    u.if_rev = 1;
    assert_int_equal(KIT(alb_library_asset_update, w.k->lib, w.as_ann, &pub, &u), ALB_E_PRECONDITION);
    u.if_rev = kit_get(w.k, w.asset[TWO]).rev;
    assert_int_equal(KIT(alb_library_asset_update, w.k->lib, w.as_ann, &pub, &u), ALB_OK);
    world_end(&w);
}

static void test_lists_obey(void **state)
{
    struct world w;
    struct alb_album *list;
    size_t count;

    world_begin(&w, *state);
    assert_int_equal(
        alb_library_album_list(w.k->lib, w.viewer[BOB], ALB_ALBUM_GALLERY, w.k->arena, &list, &count, NULL),
        ALB_OK);
    assert_int_equal(count, 2);          /* pub, priv */
    assert_int_equal(list[0].photos, 3); /* pub, two, arch: neither level 4, trash nor locked */
    assert_int_equal(
        alb_library_album_list(w.k->lib, w.viewer[CAT], ALB_ALBUM_GALLERY, w.k->arena, &list, &count, NULL),
        ALB_OK);
    assert_int_equal(count, 2); /* pub, grp */
    assert_int_equal(list[0].photos, 4);
    assert_int_equal(
        alb_library_album_list(w.k->lib, w.viewer[BOB], ALB_ALBUM_PERSONAL, w.k->arena, &list, &count, NULL),
        ALB_OK);
    assert_int_equal(count, 1);
    assert_int_equal(alb_library_album_list(w.k->lib, w.viewer[ADMIN], ALB_ALBUM_PERSONAL, w.k->arena, &list,
                                            &count, NULL),
                     ALB_OK);
    assert_int_equal(count, 0);
    assert_int_equal(
        alb_library_album_list(w.k->lib, w.viewer[GUEST], ALB_ALBUM_GALLERY, w.k->arena, &list, &count, NULL),
        ALB_OK);
    assert_int_equal(count, 1);
    world_end(&w);
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_table),
        T(test_guests_only_when_let_in),
        T(test_changes_count_at_once),
        T(test_privacy_cascades),
        T(test_edit),
        T(test_edit_limits),
        T(test_lists_obey),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
