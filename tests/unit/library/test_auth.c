/* SPDX-License-Identifier: Apache-2.0
 * Passwords, first run, sessions, keys, users: what signs in, what ends it, and that the end counts before it
 * is acknowledged.
 */
#include "kit.h"

/* ---- first run ---- */

static void test_first_run(void **state)
{
    struct kit *k = *state;
    bool first;
    struct alb_signed_in *in;

    assert_int_equal(alb_library_first_run(k->lib, &first, NULL), ALB_OK);
    assert_true(first);
    assert_null(kit_sign_in(k, "admin", ""));
    assert_null(kit_sign_in(k, "admin", "secret"));
    assert_int_equal(KIT(alb_library_first_password, k->lib, ALB_STR("Anna"), ALB_STR("anna@example.org"),
                         ALB_STR("seven..")),
                     ALB_E_INVALID);
    assert_int_equal(KIT(alb_library_first_password, k->lib, ALB_STR("Anna"), ALB_STR("anna@example.org"),
                         ALB_STR("secret to eight")),
                     ALB_OK);
    assert_int_equal(alb_library_first_run(k->lib, &first, NULL), ALB_OK);
    assert_false(first);
    /* only once */
    assert_int_equal(KIT(alb_library_first_password, k->lib, ALB_STR(""), ALB_STR(""), ALB_STR("other one")),
                     ALB_E_CONFLICT);
    assert_null(kit_sign_in(k, "anna", "other one"));
    in = kit_sign_in(k, "ANNA@Example.org", "secret to eight");
    assert_non_null(in);
    assert_int_equal(in->principal->user_id, ALB_USER_ADMIN);
    assert_int_equal(in->principal->role, ALB_ROLE_ADMIN);
    alb_obj_unref(&in->obj);
    assert_null(kit_sign_in(k, "admin", "secret")); /* the old name is gone */
}

/* ---- passwords ---- */

static void test_password(void **state)
{
    struct kit *k = *state;
    char hash[128], again[128];

    assert_int_equal(alb_password_hash(k->lib, ALB_STR("correct horse"), hash, NULL), ALB_OK);
    assert_int_equal(strncmp(hash, "$argon2id$", 10), 0);
    assert_int_equal(alb_password_hash(k->lib, ALB_STR("correct horse"), again, NULL), ALB_OK);
    assert_string_not_equal(hash, again); /* salt */
    assert_true(alb_password_verify(hash, ALB_STR("correct horse")));
    assert_false(alb_password_verify(hash, ALB_STR("Correct horse")));
    assert_false(alb_password_verify(hash, ALB_STR("")));
    assert_false(alb_password_verify("", ALB_STR("")));
    assert_false(alb_password_verify("nonsense", ALB_STR("nonsense")));
    assert_int_equal(alb_password_hash(k->lib, ALB_STR("abc"), hash, NULL), ALB_E_INVALID);
}

/* ---- sessions ---- */

static struct alb_signed_in *anna(struct kit *k)
{
    return kit_sign_in(k, "anna", "secret");
}

static int64_t make_anna(struct kit *k)
{
    struct alb_user_new u = {.name = ALB_STR("anna"),
                             .email = ALB_STR("anna@example.org"),
                             .password = ALB_STR("secret"),
                             .role = ALB_ROLE_USER,
                             .quota_bytes = -1};
    int64_t id;

    assert_int_equal(KIT_ID(&id, alb_library_user_add, k->lib, &u), ALB_OK);
    return id;
}

static enum alb_code try_token(struct kit *k, enum alb_token kind, const char *token)
{
    struct alb_principal *p;
    enum alb_code code = alb_library_principal(k->lib, kind, alb_str_c(token), &p, NULL);

    alb_principal_unref(p);
    return code;
}

static bool hot(struct kit *k, enum alb_token kind, const char *token)
{
    struct alb_principal *p = alb_library_principal_hot(k->lib, kind, alb_str_c(token));

    alb_principal_unref(p);
    return p != NULL;
}

static void test_sign_in_and_out(void **state)
{
    struct kit *k = *state;
    struct alb_signed_in *in;
    int64_t id = make_anna(k);

    assert_null(kit_sign_in(k, "anna", "Secret"));
    assert_null(kit_sign_in(k, "nobody", "secret"));
    assert_null(kit_sign_in(k, "guest", ""));
    in = anna(k);
    assert_non_null(in);
    assert_int_equal(in->principal->user_id, id);
    assert_int_equal(in->principal->credential, ALB_CRED_SESSION);
    assert_true(alb_principal_may(in->principal, "anything"));
    assert_false(hot(k, ALB_TOKEN_SESSION, in->token)); /* not looked up yet */
    assert_int_equal(try_token(k, ALB_TOKEN_SESSION, in->token), ALB_OK);
    assert_true(hot(k, ALB_TOKEN_SESSION, in->token));
    assert_false(hot(k, ALB_TOKEN_KEY, in->token)); /* kinds do not mix */
    assert_int_equal(try_token(k, ALB_TOKEN_KEY, in->token), ALB_E_UNAUTHENTICATED);
    assert_int_equal(try_token(k, ALB_TOKEN_SESSION, "no such token"), ALB_E_UNAUTHENTICATED);
    assert_int_equal(try_token(k, ALB_TOKEN_SESSION, ""), ALB_E_UNAUTHENTICATED);
    assert_int_equal(KIT(alb_library_sign_out, k->lib, in->principal), ALB_OK);
    assert_false(hot(k, ALB_TOKEN_SESSION, in->token)); /* at once, no wait */
    assert_int_equal(try_token(k, ALB_TOKEN_SESSION, in->token), ALB_E_UNAUTHENTICATED);
    assert_false(alb_library_may(k->lib, in->principal, 1, ALB_RIGHT_SEE)); /* a principal that was kept */
    alb_obj_unref(&in->obj);
}

static void test_token_is_not_in_the_catalog(void **state)
{
    struct kit *k = *state;
    struct alb_signed_in *in;
    char path[128], *bytes = malloc(1 << 22);
    int64_t id;
    size_t n;
    FILE *f;

    id = make_anna(k);
    assert_int_equal(KIT(alb_library_user_password, k->lib, id, ALB_STR("correct horse"), 0), ALB_OK);
    in = kit_sign_in(k, "anna", "correct horse");
    assert_non_null(in);
    snprintf(path, sizeof(path), "%s/catalog.db-wal", k->path);
    f = fopen(path, "rb");
    assert_non_null(f);
    n = fread(bytes, 1, 1 << 22, f);
    fclose(f);
    assert_true(n > 0);
    assert_null(memmem(bytes, n, in->token, strlen(in->token)));
    assert_null(memmem(bytes, n, "correct horse", 13));
    assert_non_null(memmem(bytes, n, "$argon2id$", 10)); /* looked at the right bytes */
    free(bytes);
    alb_obj_unref(&in->obj);
}

static void test_list_and_end_sessions(void **state)
{
    struct kit *k = *state;
    struct alb_signed_in *in[3];
    struct alb_session *list;
    size_t count;

    make_anna(k);
    for (int i = 0; i < 3; i++)
        in[i] = anna(k);
    assert_int_equal(alb_library_session_list(k->lib, in[0]->principal, k->arena, &list, &count, NULL),
                     ALB_OK);
    assert_int_equal(count, 3);
    assert_true(alb_str_eq_c(list[0].type, "test"));
    assert_int_equal(KIT(alb_library_session_end, k->lib, in[0]->principal, &in[1]->session), ALB_OK);
    assert_int_equal(try_token(k, ALB_TOKEN_SESSION, in[1]->token), ALB_E_UNAUTHENTICATED);
    assert_int_equal(KIT(alb_library_session_end, k->lib, in[0]->principal, &in[1]->session),
                     ALB_E_NOT_FOUND);
    assert_int_equal(KIT(alb_library_session_end, k->lib, in[0]->principal, NULL), ALB_OK); /* all others */
    assert_int_equal(try_token(k, ALB_TOKEN_SESSION, in[2]->token), ALB_E_UNAUTHENTICATED);
    assert_int_equal(try_token(k, ALB_TOKEN_SESSION, in[0]->token), ALB_OK);
    for (int i = 0; i < 3; i++)
        alb_obj_unref(&in[i]->obj);
}

static void test_password_change_ends_sessions(void **state)
{
    struct kit *k = *state;
    struct alb_signed_in *a, *b;
    int64_t id = make_anna(k);

    a = anna(k);
    b = anna(k);
    assert_int_equal(try_token(k, ALB_TOKEN_SESSION, b->token), ALB_OK);
    assert_int_equal(
        KIT(alb_library_user_password, k->lib, id, ALB_STR("another"), a->principal->credential_id), ALB_OK);
    assert_false(hot(k, ALB_TOKEN_SESSION, b->token));
    assert_int_equal(try_token(k, ALB_TOKEN_SESSION, a->token), ALB_OK);
    assert_int_equal(try_token(k, ALB_TOKEN_SESSION, b->token), ALB_E_UNAUTHENTICATED);
    assert_null(anna(k));
    alb_obj_unref(&a->obj);
    a = kit_sign_in(k, "anna", "another");
    assert_non_null(a);
    assert_int_equal(KIT(alb_library_user_password, k->lib, ALB_USER_GUEST, ALB_STR("guest"), 0),
                     ALB_E_FORBIDDEN);
    assert_int_equal(KIT(alb_library_user_password, k->lib, 999, ALB_STR("nobody"), 0), ALB_E_NOT_FOUND);
    alb_obj_unref(&a->obj);
    alb_obj_unref(&b->obj);
}

/* The change is ahead of the sign-in in the lane, but the sign-in has read the old hash: the old password
 * verifies, and must not make a session that the change can no longer end. */
static void test_sign_in_loses_against_a_change(void **state)
{
    struct kit *k = *state;
    struct alb_device device = {.type = ALB_STR("x")};
    struct alb_future *change, *in;
    int64_t id = make_anna(k);

    assert_int_equal(alb_library_user_password(k->lib, id, ALB_STR("another"), 0, &change, NULL), ALB_OK);
    assert_int_equal(alb_library_sign_in(k->lib, ALB_STR("anna"), ALB_STR("secret"), &device, &in, NULL),
                     ALB_OK);
    assert_int_equal(alb_library_await(&change, NULL, NULL), ALB_OK);
    assert_int_equal(alb_library_await(&in, NULL, NULL), ALB_E_UNAUTHENTICATED);
}

static void test_sessions_end_by_time(void **state)
{
    struct kit *k = *state;
    struct alb_signed_in *in;
    struct alb_session *list;
    size_t count;

    kit_close(k);
    k->library.session_ms = 100000;
    kit_open(k);
    make_anna(k);
    in = anna(k);
    kit_advance(k, 90000);
    assert_int_equal(try_token(k, ALB_TOKEN_SESSION, in->token), ALB_OK); /* used: lives on */
    alb_library_tick(k->lib);
    assert_int_equal(KIT(alb_library_session_end, k->lib, in->principal, NULL),
                     ALB_OK); /* behind the tick's units */
    assert_int_equal(alb_library_session_list(k->lib, in->principal, k->arena, &list, &count, NULL), ALB_OK);
    assert_int_equal(count, 1);
    assert_int_equal(list[0].last_used_at, KIT_NOW + 90000);
    assert_int_equal(list[0].expires_at, KIT_NOW + 190000);
    kit_advance(k, 90000);
    assert_int_equal(try_token(k, ALB_TOKEN_SESSION, in->token), ALB_OK);
    kit_advance(k, 11000);
    assert_false(hot(k, ALB_TOKEN_SESSION, in->token));
    assert_int_equal(try_token(k, ALB_TOKEN_SESSION, in->token), ALB_E_UNAUTHENTICATED);
    alb_obj_unref(&in->obj);
}

static void test_last_use_survives_closing(void **state)
{
    struct kit *k = *state;
    struct alb_signed_in *in;
    struct alb_session *list;
    size_t count;

    make_anna(k);
    in = anna(k);
    kit_advance(k, 5000);
    assert_int_equal(try_token(k, ALB_TOKEN_SESSION, in->token), ALB_OK);
    kit_close(k);
    kit_open(k);
    assert_int_equal(alb_library_session_list(k->lib, in->principal, k->arena, &list, &count, NULL), ALB_OK);
    assert_int_equal(list[0].last_used_at, KIT_NOW + 5000);
    alb_obj_unref(&in->obj);
}

static void test_elevation(void **state)
{
    struct kit *k = *state;
    struct alb_signed_in *in;
    int64_t id = make_anna(k), asset;
    struct alb_asset_new a = kit_asset(id, 1);
    struct alb_created *c;

    a.visibility = ALB_VIS_LOCKED;
    c = kit_create(k, &a);
    asset = c->asset_id;
    alb_obj_unref(&c->obj);
    in = anna(k);
    assert_false(alb_library_may(k->lib, in->principal, asset, ALB_RIGHT_SEE));
    assert_int_equal(KIT(alb_library_elevate, k->lib, in->principal, ALB_STR("wrong!"), 1000),
                     ALB_E_UNAUTHENTICATED);
    assert_false(alb_library_may(k->lib, in->principal, asset, ALB_RIGHT_SEE));
    assert_int_equal(KIT(alb_library_elevate, k->lib, in->principal, ALB_STR("secret"), 1000), ALB_OK);
    assert_true(alb_library_may(k->lib, in->principal, asset, ALB_RIGHT_SEE));
    kit_advance(k, 1001);
    assert_false(alb_library_may(k->lib, in->principal, asset, ALB_RIGHT_SEE));
    assert_int_equal(KIT(alb_library_elevate, k->lib, in->principal, ALB_STR("secret"), 1000), ALB_OK);
    assert_int_equal(KIT(alb_library_elevate, k->lib, in->principal, ALB_STR_NONE, 0), ALB_OK);
    assert_false(alb_library_may(k->lib, in->principal, asset, ALB_RIGHT_SEE));
    alb_obj_unref(&in->obj);
}

/* More sign-ins than the lane holds: BUSY at once, nothing queues without bound, the others get an answer. */
static void test_lane_is_bounded(void **state)
{
    struct kit *k = *state;
    struct alb_device device = {.type = ALB_STR("x")};
    struct alb_future *f[64];
    int busy = 0, started = 0;

    kit_close(k);
    k->library.password_queue = 4;
    k->library.throttle.tries = 1000; /* not what is tested here */
    k->library.password_ops = crypto_pwhash_OPSLIMIT_INTERACTIVE;
    k->library.password_mem = crypto_pwhash_MEMLIMIT_MIN * 512;
    kit_open(k);
    make_anna(k);
    for (int i = 0; i < 64; i++) {
        enum alb_code code =
            alb_library_sign_in(k->lib, ALB_STR("anna"), ALB_STR("secret"), &device, &f[started], NULL);

        if (code == ALB_E_BUSY)
            busy++;
        else
            started++;
    }
    assert_true(busy > 0);
    assert_true(started >= 4);
    for (int i = 0; i < started; i++)
        assert_int_equal(alb_library_await(&f[i], NULL, NULL), ALB_OK);
}

/* ---- keys ---- */

static void test_keys(void **state)
{
    struct kit *k = *state;
    struct alb_future *f;
    struct alb_obj *obj;
    struct alb_key_made *made;
    struct alb_key *list;
    struct alb_principal *p;
    size_t count;
    int64_t id = make_anna(k);

    assert_int_equal(
        alb_library_key_new(k->lib, id, ALB_STR("phone"), ALB_STR("asset.read asset.view"), 0, &f, NULL),
        ALB_OK);
    assert_int_equal(alb_library_await(&f, &obj, NULL), ALB_OK);
    made = (struct alb_key_made *)(void *)obj;
    assert_int_equal(strncmp(made->key, ALB_KEY_PREFIX, 4), 0);
    assert_true(strlen(made->key) > 40);
    assert_int_equal(alb_library_principal(k->lib, ALB_TOKEN_KEY, alb_str_c(made->key), &p, NULL), ALB_OK);
    assert_int_equal(p->user_id, id);
    assert_true(alb_principal_may(p, "asset.read"));
    assert_false(alb_principal_may(p, "asset.delete"));
    assert_false(alb_principal_may(p, "asset"));
    assert_true(hot(k, ALB_TOKEN_KEY, made->key));
    assert_int_equal(alb_library_key_list(k->lib, id, k->arena, &list, &count, NULL), ALB_OK);
    assert_int_equal(count, 1);
    assert_true(alb_str_starts(alb_str_c(made->key), list[0].prefix));
    assert_int_equal(list[0].prefix.n, 12);
    assert_int_equal(KIT(alb_library_key_revoke, k->lib, ALB_USER_ADMIN, made->id),
                     ALB_E_NOT_FOUND); /* not theirs */
    assert_int_equal(KIT(alb_library_key_revoke, k->lib, id, made->id), ALB_OK);
    assert_false(hot(k, ALB_TOKEN_KEY, made->key));
    assert_int_equal(try_token(k, ALB_TOKEN_KEY, made->key), ALB_E_UNAUTHENTICATED);
    assert_int_equal(KIT(alb_library_key_revoke, k->lib, 0, made->id), ALB_OK);
    assert_int_equal(KIT(alb_library_key_revoke, k->lib, 0, 4711), ALB_E_NOT_FOUND);
    alb_principal_unref(p);
    alb_obj_unref(obj);
    assert_int_equal(KIT(alb_library_key_new, k->lib, ALB_USER_GUEST, ALB_STR("x"), ALB_STR_NONE, 0),
                     ALB_E_NOT_FOUND);
    assert_int_equal(KIT(alb_library_key_new, k->lib, 999, ALB_STR("x"), ALB_STR_NONE, 0), ALB_E_NOT_FOUND);
}

static void test_keys_end_by_time(void **state)
{
    struct kit *k = *state;
    struct alb_future *f;
    struct alb_obj *obj;
    struct alb_key_made *made;

    assert_int_equal(
        alb_library_key_new(k->lib, ALB_USER_ADMIN, ALB_STR("k"), ALB_STR_NONE, KIT_NOW + 1000, &f, NULL),
        ALB_OK);
    assert_int_equal(alb_library_await(&f, &obj, NULL), ALB_OK);
    made = (struct alb_key_made *)(void *)obj;
    assert_int_equal(try_token(k, ALB_TOKEN_KEY, made->key), ALB_OK);
    assert_true(hot(k, ALB_TOKEN_KEY, made->key));
    kit_advance(k, 1001);
    assert_false(hot(k, ALB_TOKEN_KEY, made->key));
    assert_int_equal(try_token(k, ALB_TOKEN_KEY, made->key), ALB_E_UNAUTHENTICATED);
    alb_obj_unref(obj);
}

/* ---- users ---- */

static void test_users(void **state)
{
    struct kit *k = *state;
    struct alb_user_new u = {.name = ALB_STR("Anna"), .role = ALB_ROLE_USER, .quota_bytes = 5000};
    struct alb_user *list, one;
    size_t count;
    int64_t id = make_anna(k);

    assert_int_equal(KIT(alb_library_user_add, k->lib, &u), ALB_E_CONFLICT);
    u.name = ALB_STR("ANNA@example.org"); /* a name that is somebody's e-mail */
    assert_int_equal(KIT(alb_library_user_add, k->lib, &u), ALB_E_CONFLICT);
    u.name = ALB_STR("ben");
    u.email = ALB_STR("anna"); /* an e-mail that is somebody's name */
    assert_int_equal(KIT(alb_library_user_add, k->lib, &u), ALB_E_CONFLICT);
    u.email = ALB_STR_NONE;
    u.level = 3;
    assert_int_equal(KIT(alb_library_user_add, k->lib, &u), ALB_E_INVALID);
    u.level = 4;
    u.role = ALB_ROLE_GUEST;
    assert_int_equal(KIT(alb_library_user_add, k->lib, &u), ALB_E_INVALID);
    u.role = ALB_ROLE_ADMIN;
    assert_int_equal(KIT(alb_library_user_add, k->lib, &u), ALB_OK);
    assert_int_equal(alb_library_user_list(k->lib, k->arena, &list, &count, NULL), ALB_OK);
    assert_int_equal(count, 4); /* admin, guest, anna, ben */
    assert_int_equal(list[3].quota_bytes, 5000);
    assert_false(list[3].has_password);
    assert_int_equal(alb_library_user_find(k->lib, ALB_STR("aNNa@EXAMPLE.org"), k->arena, &one, NULL),
                     ALB_OK);
    assert_int_equal(one.id, id);
    assert_int_equal(alb_library_user_find(k->lib, ALB_STR("nobody"), k->arena, &one, NULL), ALB_E_NOT_FOUND);
    assert_int_equal(one.id, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_first_run),
        T(test_password),
        T(test_sign_in_and_out),
        T(test_token_is_not_in_the_catalog),
        T(test_list_and_end_sessions),
        T(test_password_change_ends_sessions),
        T(test_sign_in_loses_against_a_change),
        T(test_sessions_end_by_time),
        T(test_last_use_survives_closing),
        T(test_elevation),
        T(test_lane_is_bounded),
        T(test_keys),
        T(test_keys_end_by_time),
        T(test_users),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
