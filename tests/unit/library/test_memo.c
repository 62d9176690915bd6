/* SPDX-License-Identifier: Apache-2.0
 * Resolving and remembering: a remembered answer is found without SQL, and is gone before whoever made it
 * wrong is acknowledged, whatever the threads do. The memo by itself: bounds, replacement, references.
 */
#include <pthread.h>
#include <sched.h>

#include "base/mem.h"
#include "kit.h"
#include "library/priv.h"

/* ---- the memo by itself ---- */

struct counted {
    struct alb_obj obj;
    int *alive;
};

static void counted_free(struct alb_obj *obj)
{
    struct counted *c = ALB_CONTAINER_OF(obj, struct counted, obj);

    --*c->alive;
    free(c);
}

static struct alb_obj *counted_new(int *alive)
{
    struct counted *c = calloc(1, sizeof(*c));

    assert_non_null(c);
    alb_obj_init(&c->obj, counted_free);
    c->alive = alive;
    ++*alive;
    return &c->obj;
}

static bool expires_after(const void *ctx, const struct alb_memo_value *v)
{
    return v->expires_ms > *(const int64_t *)ctx;
}

static void test_memo_is_bounded(void **state)
{
    struct alb_memo *m = alb_memo_new(512);
    unsigned char key[ALB_MEMO_KEY_LEN] = {0};
    int64_t now = 0;
    int alive = 0, found = 0;

    (void)state;
    assert_non_null(m);
    for (int i = 0; i < 20000; i++) {
        struct alb_memo_value v = {.obj = counted_new(&alive), .expires_ms = 100};

        memcpy(key, &i, sizeof(i));
        alb_memo_put(m, key, &v);
        alb_obj_unref(v.obj);
    }
    assert_true(alive <= 512);
    for (int i = 0; i < 20000; i++) {
        struct alb_obj *obj;

        memcpy(key, &i, sizeof(i));
        obj = alb_memo_get(m, key, expires_after, &now);
        found += obj != NULL;
        alb_obj_unref(obj);
    }
    assert_int_equal(found, alive);
    assert_true(found > 200);
    now = 100; /* all stale: looked at once, dropped */
    for (int i = 0; i < 20000; i++) {
        memcpy(key, &i, sizeof(i));
        assert_null(alb_memo_get(m, key, expires_after, &now));
    }
    assert_int_equal(alive, 0);
    alb_memo_free(&m);
}

static void test_memo_replaces(void **state)
{
    struct alb_memo *m = alb_memo_new(1);
    unsigned char key[ALB_MEMO_KEY_LEN] = {7};
    int64_t now = 0;
    int alive = 0;
    struct alb_obj *a = counted_new(&alive), *b = counted_new(&alive), *got;

    (void)state;
    alb_memo_put(m, key, &(struct alb_memo_value){.obj = a, .expires_ms = 1});
    alb_memo_put(m, key, &(struct alb_memo_value){.obj = b, .expires_ms = 1});
    got = alb_memo_get(m, key, expires_after, &now);
    assert_ptr_equal(got, b);
    alb_obj_unref(got);
    alb_obj_unref(a);
    assert_int_equal(alive, 1);
    alb_obj_unref(b);
    alb_memo_free(&m);
    assert_int_equal(alive, 0);
}

/* ---- references ---- */

static void test_ref_parse(void **state)
{
    static const struct {
        const char *text;
        bool ok, by_uuid;
        int64_t id;
    } table[] = {
        {"asset:12", true, false, 12},
        {"asset://01890a5d-ac96-774b-bcce-b302099a8057", true, true, 0},
        {"asset:01890A5D-AC96-774B-BCCE-B302099A8057", true, true, 0},
        {"01890a5d-ac96-774b-bcce-b302099a8057", true, true, 0},
        {"asset://12", true, false, 12},
        {"asset:0", false, false, 0},
        {"asset:-1", false, false, 0},
        {"asset:12 ", false, false, 0},
        {"asset:", false, false, 0},
        {"", false, false, 0},
        {"asset:99999999999999999999", false, false, 0},
        {"local:///etc/passwd", false, false, 0},
        {"asset://01890a5d-ac96-774b-bcce-b302099a8057/../x", false, false, 0},
    };
    struct alb_ref ref;

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        assert_int_equal(alb_ref_parse(alb_str_c(table[i].text), &ref), table[i].ok);
        if (table[i].ok) {
            assert_int_equal(ref.by_uuid, table[i].by_uuid);
            assert_int_equal(ref.id, table[i].id);
        }
    }
}

/* ---- resolving ---- */

static struct alb_source *hot(struct kit *k, const struct alb_principal *p, const struct alb_ref *ref)
{
    return alb_library_resolve_hot(k->lib, p, ref, ALB_PURPOSE_VIEW);
}

static void test_resolve(void **state)
{
    struct kit *k = *state;
    struct alb_asset_new a = kit_asset(ALB_USER_ADMIN, 1);
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN), *ann = kit_as(k, kit_user(k, "ann", 0));
    struct alb_created *c;
    struct alb_source *s, *h;
    struct alb_ref ref = {.by_uuid = true}, by_id = {.by_uuid = false};
    struct alb_asset_update u = {.favorite = -1,
                                 .visibility = -1,
                                 .level = -1,
                                 .if_rev = ALB_ASSET_ANY_REV,
                                 .values = {.stated = ALB_FIELD_BIT(ALB_FIELD_ROTATION), .rotation = 270}};

    a.media.header = ALB_STR("\x01packed\0header");
    a.media.orientation = 6;
    c = kit_create(k, &a);
    ref.uuid = c->asset_uuid;
    by_id.id = c->asset_id;
    assert_null(hot(k, p, &ref));
    assert_int_equal(alb_library_resolve(k->lib, p, &ref, ALB_PURPOSE_VIEW, &s, NULL), ALB_OK);
    assert_int_equal(s->asset_id, c->asset_id);
    assert_memory_equal(s->sha256, a.blob.sha256, ALB_SHA256_LEN);
    assert_string_equal(s->store.p, "disk");
    assert_string_equal(s->key.p, "o/1");
    assert_string_equal(s->mime.p, "image/jpeg");
    assert_int_equal(s->header.n, 14);
    assert_memory_equal(s->sums.p, "12345678", 8);
    assert_int_equal(s->orientation, 6);
    assert_int_equal(s->render_rev, 1);
    assert_true(s->is_private);
    h = hot(k, p, &ref);
    assert_ptr_equal(h, s);
    alb_source_unref(h);
    /* by credential, reference, purpose */
    assert_null(hot(k, ann, &ref));
    assert_null(hot(k, p, &by_id));
    assert_null(alb_library_resolve_hot(k->lib, p, &ref, ALB_PURPOSE_ORIGINAL));
    assert_int_equal(alb_library_resolve(k->lib, ann, &ref, ALB_PURPOSE_VIEW, &h, NULL), ALB_E_NOT_FOUND);
    assert_null(h);
    assert_null(hot(k, ann, &ref)); /* a no is not remembered */
    alb_source_unref(s);
    assert_int_equal(alb_library_resolve(k->lib, p, &by_id, ALB_PURPOSE_VIEW, &s, NULL), ALB_OK);
    alb_source_unref(s);
    s = hot(k, p, &by_id);
    assert_non_null(s);
    alb_source_unref(s);
    /* an edit of this asset: forgotten at once; what is resolved then is the new one */
    assert_int_equal(KIT(alb_library_asset_update, k->lib, p, &ref.uuid, &u), ALB_OK);
    assert_null(hot(k, p, &ref));
    assert_null(hot(k, p, &by_id));
    assert_int_equal(alb_library_resolve(k->lib, p, &ref, ALB_PURPOSE_VIEW, &s, NULL), ALB_OK);
    assert_int_equal(s->rotation, 270);
    assert_int_equal(s->render_rev, 2);
    alb_source_unref(s);
    alb_obj_unref(&c->obj);
    alb_principal_unref(p);
    alb_principal_unref(ann);
}

static void test_permission_and_expiry(void **state)
{
    struct kit *k = *state;
    struct alb_future *f;
    struct alb_obj *obj;
    struct alb_principal *p, *late;
    struct alb_source *s;
    struct alb_ref ref = {.by_uuid = false, .id = kit_add(k, ALB_USER_ADMIN, 1)};

    assert_int_equal(
        alb_library_key_new(k->lib, ALB_USER_ADMIN, ALB_STR("k"), ALB_STR("asset.view"), 0, &f, NULL),
        ALB_OK);
    assert_int_equal(alb_library_await(&f, &obj, NULL), ALB_OK);
    assert_int_equal(alb_library_principal(k->lib, ALB_TOKEN_KEY,
                                           alb_str_c(((struct alb_key_made *)(void *)obj)->key), &p, NULL),
                     ALB_OK);
    assert_int_equal(alb_library_resolve(k->lib, p, &ref, ALB_PURPOSE_ORIGINAL, &s, NULL), ALB_E_FORBIDDEN);
    assert_int_equal(alb_library_resolve(k->lib, p, &ref, ALB_PURPOSE_VIEW, &s, NULL), ALB_OK);
    alb_source_unref(s);
    /* a revoked key: the principal is still in somebody's hands, the answer is not in the memo */
    assert_int_equal(KIT(alb_library_key_revoke, k->lib, 0, ((struct alb_key_made *)(void *)obj)->id),
                     ALB_OK);
    assert_null(hot(k, p, &ref));
    assert_int_equal(alb_library_resolve(k->lib, p, &ref, ALB_PURPOSE_VIEW, &s, NULL), ALB_E_UNAUTHENTICATED);
    /* a signed URL ends by time */
    assert_int_equal(
        alb_library_principal_user(k->lib, ALB_USER_ADMIN, ALB_CRED_SIGNED, 0, KIT_NOW + 1000, &late, NULL),
        ALB_OK);
    assert_int_equal(alb_library_resolve(k->lib, late, &ref, ALB_PURPOSE_VIEW, &s, NULL), ALB_OK);
    alb_source_unref(s);
    s = hot(k, late, &ref);
    assert_non_null(s);
    alb_source_unref(s);
    kit_advance(k, 1001);
    assert_null(hot(k, late, &ref));
    assert_int_equal(alb_library_resolve(k->lib, late, &ref, ALB_PURPOSE_VIEW, &s, NULL),
                     ALB_E_UNAUTHENTICATED);
    alb_principal_unref(p);
    alb_principal_unref(late);
    alb_obj_unref(obj);
}

static void test_signers(void **state)
{
    struct kit *k = *state;
    struct alb_principal *p;
    struct alb_future *f;
    struct alb_obj *obj;

    assert_null(alb_library_signer_hot(k->lib, ALB_USER_ADMIN));
    assert_int_equal(alb_library_signer(k->lib, ALB_USER_ADMIN, &p, NULL), ALB_OK);
    assert_true(p->credential == ALB_CRED_SIGNED && p->user_id == ALB_USER_ADMIN);
    alb_principal_unref(p);
    p = alb_library_signer_hot(k->lib, ALB_USER_ADMIN);
    assert_non_null(p);
    alb_principal_unref(p);
    /* whatever changes rights forgets them */
    assert_int_equal(alb_library_key_new(k->lib, ALB_USER_ADMIN, ALB_STR("k"), ALB_STR("all"), 0, &f, NULL),
                     ALB_OK);
    assert_int_equal(alb_library_await(&f, &obj, NULL), ALB_OK);
    assert_int_equal(KIT(alb_library_key_revoke, k->lib, 0, ((struct alb_key_made *)(void *)obj)->id),
                     ALB_OK);
    assert_null(alb_library_signer_hot(k->lib, ALB_USER_ADMIN));
    alb_obj_unref(obj);
    /* and so does a minute */
    assert_int_equal(alb_library_signer(k->lib, ALB_USER_ADMIN, &p, NULL), ALB_OK);
    alb_principal_unref(p);
    kit_advance(k, 60001);
    assert_null(alb_library_signer_hot(k->lib, ALB_USER_ADMIN));
    assert_int_equal(alb_library_signer(k->lib, 4711, &p, NULL), ALB_E_NOT_FOUND);
    assert_null(p);
    assert_null(alb_library_signer_hot(k->lib, 4711));
}

static void test_locked_is_not_remembered(void **state)
{
    struct kit *k = *state;
    struct alb_principal *p;
    struct alb_ref ref = {.by_uuid = false, .id = kit_add(k, ALB_USER_ADMIN, 1)};
    struct alb_source *s;
    struct alb_signed_in *in;
    int64_t done;

    assert_int_equal(KIT(alb_library_user_password, k->lib, ALB_USER_ADMIN, ALB_STR("secret"), 0), ALB_OK);
    in = kit_sign_in(k, "admin", "secret");
    p = in->principal;
    assert_int_equal(KIT(alb_library_elevate, k->lib, p, ALB_STR("secret"), 10000), ALB_OK);
    assert_int_equal(kit_bulk(k, p, ALB_DOOR_WEB, ALB_BULK_VISIBILITY, ALB_VIS_LOCKED, ref.id, &done),
                     ALB_OK);
    assert_int_equal(alb_library_resolve(k->lib, p, &ref, ALB_PURPOSE_VIEW, &s, NULL), ALB_OK);
    alb_source_unref(s);
    assert_null(hot(k, p, &ref));
    kit_advance(k, 10001);
    assert_int_equal(alb_library_resolve(k->lib, p, &ref, ALB_PURPOSE_VIEW, &s, NULL), ALB_E_NOT_FOUND);
    alb_obj_unref(&in->obj);
}

/* ---- the race ---- */

/* One thread gives and takes a grant, and counts each acknowledged "taken" before it gives again. Readers
 * resolve and look up hot, and must never be answered yes when a take was acknowledged before they asked and
 * no new grant was begun before they were done. `phase` is odd while the grant is certainly taken. */
struct race {
    struct kit *k;
    int64_t album, ann;
    struct alb_principal *admin, *reader;
    struct alb_ref ref;
    _Atomic uint64_t phase;
    _Atomic bool stop;
    _Atomic uint64_t yes, no, wrong;
};

static void *toggle(void *arg)
{
    struct race *r = arg;

    for (int i = 0; i < 150; i++) {
        if (KIT(alb_library_album_grant_user, r->k->lib, r->admin, r->album, r->ann, ALB_ALBUM_VIEWER) !=
                ALB_OK ||
            KIT(alb_library_album_grant_user, r->k->lib, r->admin, r->album, r->ann, -1) != ALB_OK)
            break;
        atomic_fetch_add(&r->phase, 1); /* odd: taken, acknowledged */
        for (int y = 0; y < 50; y++)
            sched_yield();
        atomic_fetch_add(&r->phase, 1);
    }
    atomic_store(&r->stop, true);
    return NULL;
}

static void *ask(void *arg)
{
    struct race *r = arg;

    while (!atomic_load(&r->stop)) {
        uint64_t before = atomic_load(&r->phase), after;
        struct alb_source *s = hot(r->k, r->reader, &r->ref);

        if (s == NULL)
            alb_ignore(alb_library_resolve(r->k->lib, r->reader, &r->ref, ALB_PURPOSE_VIEW, &s, NULL),
                       "may be a no");
        after = atomic_load(&r->phase);
        atomic_fetch_add(s != NULL ? &r->yes : &r->no, 1);
        if (s != NULL && before == after && before % 2 == 1)
            atomic_fetch_add(&r->wrong, 1);
        alb_source_unref(s);
    }
    return NULL;
}

static void run_race(struct kit *k, bool by_uuid)
{
    struct race r = {.k = k, .admin = kit_as(k, ALB_USER_ADMIN)};
    struct alb_album_new album = {.kind = ALB_ALBUM_GALLERY, .name = ALB_STR("private"), .is_private = true};
    pthread_t t[4];
    int64_t asset = kit_add(k, ALB_USER_ADMIN, 1), done;

    r.ann = kit_user(k, "ann", 0);
    r.reader = kit_as(k, r.ann);
    r.ref = (struct alb_ref){.by_uuid = by_uuid, .id = by_uuid ? 0 : asset, .uuid = kit_uuid(k, asset)};
    assert_int_equal(KIT_ID(&r.album, alb_library_album_new, k->lib, r.admin, &album), ALB_OK);
    assert_int_equal(kit_bulk(k, r.admin, ALB_DOOR_WEB, ALB_BULK_ALBUM_ADD, r.album, asset, &done), ALB_OK);
    assert_int_equal(pthread_create(&t[0], NULL, toggle, &r), 0);
    for (int i = 1; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, ask, &r), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    print_message("# %llu yes, %llu no\n", (unsigned long long)r.yes, (unsigned long long)r.no);
    assert_int_equal(r.wrong, 0);
    assert_true(r.yes > 0 && r.no > 0);
    alb_principal_unref(r.admin);
    alb_principal_unref(r.reader);
}

static void test_race_by_uuid(void **state)
{
    run_race(*state, true);
}

static void test_race_by_id(void **state)
{
    run_race(*state, false);
}

/* One thread turns the picture again and again and publishes each acknowledged revision; readers that ask by
 * UUID must never get an older one than was acknowledged before they asked. */
struct turning {
    struct kit *k;
    struct alb_principal *p;
    struct alb_ref ref;
    _Atomic int64_t acknowledged;
    _Atomic bool stop;
    _Atomic uint64_t asked, stale;
};

static void *turn(void *arg)
{
    struct turning *t = arg;
    struct alb_asset_update u = {.favorite = -1, .visibility = -1, .level = -1, .if_rev = ALB_ASSET_ANY_REV};

    u.values.stated = ALB_FIELD_BIT(ALB_FIELD_ROTATION);
    for (int i = 1; i <= 400; i++) {
        u.values.rotation = i % 4 * 90;
        if (KIT(alb_library_asset_update, t->k->lib, t->p, &t->ref.uuid, &u) != ALB_OK)
            break;
        atomic_store(&t->acknowledged, i + 1);
    }
    atomic_store(&t->stop, true);
    return NULL;
}

static void *look(void *arg)
{
    struct turning *t = arg;

    while (!atomic_load(&t->stop)) {
        int64_t least = atomic_load(&t->acknowledged);
        struct alb_source *s = hot(t->k, t->p, &t->ref);

        if (s == NULL)
            alb_ignore(alb_library_resolve(t->k->lib, t->p, &t->ref, ALB_PURPOSE_VIEW, &s, NULL),
                       "may be busy");
        if (s != NULL && s->render_rev < least)
            atomic_fetch_add(&t->stale, 1);
        atomic_fetch_add(&t->asked, s != NULL);
        alb_source_unref(s);
    }
    return NULL;
}

static void test_revisions_never_go_back(void **state)
{
    struct kit *k = *state;
    int64_t asset = kit_add(k, ALB_USER_ADMIN, 1);
    struct turning t = {.k = k, .p = kit_as(k, ALB_USER_ADMIN), .acknowledged = 1};
    pthread_t thread[4];

    t.ref = (struct alb_ref){.by_uuid = true, .uuid = kit_uuid(k, asset)};
    assert_int_equal(pthread_create(&thread[0], NULL, turn, &t), 0);
    for (int i = 1; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, look, &t), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(t.acknowledged, 401);
    assert_int_equal(t.stale, 0);
    assert_true(t.asked > 0);
    alb_principal_unref(t.p);
}

static void test_hot_is_quick(void **state)
{
    struct kit *k = *state;
    struct alb_principal *p = kit_as(k, ALB_USER_ADMIN);
    struct alb_ref ref = {.by_uuid = false, .id = kit_add(k, ALB_USER_ADMIN, 1)};
    struct alb_source *s;
    int64_t started, took;

    assert_int_equal(alb_library_resolve(k->lib, p, &ref, ALB_PURPOSE_VIEW, &s, NULL), ALB_OK);
    alb_source_unref(s);
    started = alb_mono(alb_clock_real());
    for (int i = 0; i < 200000; i++) {
        s = hot(k, p, &ref);
        assert_non_null(s);
        alb_source_unref(s);
    }
    took = alb_mono(alb_clock_real()) - started;
    print_message("# resolve_hot: %.0f ns\n", (double)took / 200000);
    alb_principal_unref(p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memo_is_bounded),
        cmocka_unit_test(test_memo_replaces),
        cmocka_unit_test(test_ref_parse),
        T(test_resolve),
        T(test_permission_and_expiry),
        T(test_signers),
        T(test_locked_is_not_remembered),
        T(test_race_by_uuid),
        T(test_race_by_id),
        T(test_revisions_never_go_back),
        T(test_hot_is_quick),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
