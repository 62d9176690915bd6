/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing in and out, elevation, the list of sessions, API keys (contract: auth.h).
 *
 * Sign-in: an io thread reads the user's hash, the lane verifies, a unit makes the session. The unit reads
 * the hash again and refuses if it is another one by now: a password that was changed meanwhile does not sign
 * in, and its change has ended all sessions.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/stat.h"
#include "catalog/user.h"
#include "library/lane.h"

#define PREFIX_SHOWN 8 /* of a key, without ALB_KEY_PREFIX */

void alb_token_new(const char *prefix, char text[ALB_TOKEN_TEXT_MAX], unsigned char hash[ALB_SHA256_LEN])
{
    struct alb_buf b = ALB_BUF_INIT(ALB_TOKEN_TEXT_MAX - 1);
    unsigned char secret[32];

    alb_random(secret, sizeof(secret));
    alb_buf_c(&b, prefix);
    alb_b64_encode(&b, secret, sizeof(secret), ALB_B64_URL);
    snprintf(text, ALB_TOKEN_TEXT_MAX, "%s", alb_buf_cstr(&b));
    alb_sha256(text, strlen(text), hash);
    alb_wipe(b.p, b.n);
    alb_buf_fini(&b);
    alb_wipe(secret, sizeof(secret));
}

/* ---- sign in ---- */

struct sign_in {
    int64_t user_id;
    char hash[ALB_HASH_TEXT_LEN]; /* that was verified */
    char token[ALB_TOKEN_TEXT_MAX];
    unsigned char token_hash[ALB_SHA256_LEN];
    struct alb_str type, os, app, address;
    enum alb_door door;
};

static void signed_in_release(struct alb_obj *obj)
{
    struct alb_signed_in *in = ALB_CONTAINER_OF(obj, struct alb_signed_in, obj);

    alb_principal_unref(in->principal);
    alb_wipe(in->token, sizeof(in->token));
    alb_mem_free(in);
}

/* The hash in the catalog is still the one that was verified. */
static enum alb_code same_hash(struct alb_tx *tx, struct alb_arena *a, int64_t user, const char *verified,
                               struct alb_err *err)
{
    struct alb_str hash;
    enum alb_code code = alb_catalog_user_hash(alb_tx_snap(tx), user, a, &hash, err);

    if (code == ALB_OK && !alb_str_eq_c(hash, verified))
        return alb_fail(err, ALB_E_UNAUTHENTICATED, "the password has just been changed");
    return code;
}

static enum alb_code make_session(struct alb_tx *tx, struct alb_call *c, struct alb_arena *a,
                                  struct alb_signed_in *in, struct alb_err *err)
{
    const struct sign_in *args = c->args;
    struct alb_session row = {.user_id = args->user_id,
                              .type = args->type,
                              .os = args->os,
                              .app = args->app,
                              .address = args->address};
    struct alb_user user;
    int64_t id;
    enum alb_code code = same_hash(tx, a, args->user_id, args->hash, err);

    row.expires_at = alb_tx_now(tx) + c->lib->config.session_ms;
    if (code == ALB_OK)
        code = alb_catalog_user_get(alb_tx_snap(tx), args->user_id, a, &user, err);
    if (code == ALB_OK)
        code =
            alb_catalog_session_insert(tx, &row, args->token_hash, (int)args->door, &id, &in->session, err);
    if (code == ALB_OK)
        code = alb_principal_load(c->lib, alb_tx_snap(tx), ALB_TOKEN_SESSION, args->token_hash,
                                  &in->principal, err);
    if (code == ALB_OK) {
        in->should_change_password = user.should_change_password;
        memcpy(in->token, args->token, sizeof(in->token));
    }
    return code;
}

static enum alb_code sign_in_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                  struct alb_err *err)
{
    struct alb_arena *a = alb_unit_arena(err);
    struct alb_signed_in *in = alb_mem_calloc(1, sizeof(*in));
    enum alb_code code;

    if (in != NULL)
        alb_obj_init(&in->obj, signed_in_release);
    if (a == NULL || in == NULL)
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory to sign in");
    else
        code = make_session(tx, alb_call_of(obj), a, in, err);
    alb_arena_free(&a);
    if (code == ALB_OK)
        *result = &in->obj;
    else if (in != NULL)
        alb_obj_unref(&in->obj);
    return code;
}

/* The user and hash of a login; nobody leaves *id 0 and the hash empty. */
static enum alb_code find_login(struct alb_library *lib, struct alb_str login, int64_t *id,
                                char hash[ALB_HASH_TEXT_LEN], struct alb_err *err)
{
    struct alb_arena *a = alb_arena_new(65536);
    struct alb_snap *s = NULL;
    struct alb_user u = {0};
    struct alb_str text = ALB_STR_NONE;
    enum alb_code code;

    *id = 0;
    hash[0] = '\0';
    if (a == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to sign in");
    code = alb_catalog_read(lib->cat, &s, err);
    if (code == ALB_OK) {
        code = alb_catalog_user_by_login(s, login, a, &u, NULL);
        if (code == ALB_E_NOT_FOUND)
            code = ALB_OK;
        else if (code == ALB_OK)
            code = alb_catalog_user_hash(s, u.id, a, &text, err);
        else
            code = alb_fail(err, code, "looking for a user");
    }
    if (code == ALB_OK && text.n > 0 && alb_str_to_c(text, hash, ALB_HASH_TEXT_LEN))
        *id = u.id;
    alb_catalog_read_end(&s);
    alb_arena_free(&a);
    return code;
}

enum alb_code alb_library_sign_in(struct alb_library *lib, struct alb_str login, struct alb_str password,
                                  const struct alb_device *device, struct alb_future **future,
                                  struct alb_err *err)
{
    struct alb_lane_job job = {.verify = true, .name = "sign-in", .run = sign_in_unit};
    struct sign_in *args;
    int64_t id;
    enum alb_code code;

    *future = NULL;
    alb_throttle_ticket(lib->throttle, login, device->address, &job.ticket);
    if (alb_throttle_begin(lib->throttle, &job.ticket) > 0) {
        alb_stat_inc(ALB_STAT_SIGN_IN_TOO_SOON);
        return alb_fail(err, ALB_E_TOO_MANY, "too many wrong passwords");
    }
    job.counted = true;
    code = find_login(lib, login, &id, job.hash, err);
    if (code != ALB_OK) {
        alb_throttle_undo(lib->throttle, &job.ticket);
        return code;
    }
    job.call = alb_call_new(lib, NULL, ALB_CALL_SMALL, sizeof(*args));
    if (job.call != NULL) {
        args = job.call->args;
        args->user_id = id;
        memcpy(args->hash, job.hash, sizeof(args->hash));
        alb_token_new("", args->token, args->token_hash);
        args->type = alb_call_str(job.call, alb_str_sub(device->type, 0, 200));
        args->os = alb_call_str(job.call, alb_str_sub(device->os, 0, 200));
        args->app = alb_call_str(job.call, alb_str_sub(device->app, 0, 200));
        args->address = alb_call_str(job.call, alb_str_sub(device->address, 0, 200));
        args->door = device->door;
    }
    code = alb_lane_submit(lib, &job, password, future, err);
    if (code != ALB_OK)
        alb_throttle_undo(lib->throttle, &job.ticket);
    return code;
}

int alb_library_sign_in_wait(struct alb_library *lib, struct alb_str login, struct alb_str address)
{
    struct alb_throttle_ticket ticket;
    int64_t wait;

    alb_throttle_ticket(lib->throttle, login, address, &ticket);
    wait = (alb_throttle_wait(lib->throttle, &ticket) + ALB_NS_PER_S - 1) / ALB_NS_PER_S;
    return wait < 1 ? 1 : (int)wait;
}

/* ---- sessions ---- */

struct session_args {
    int64_t user_id, session_id, until_ms;
    bool one, others;
    struct alb_uuid uuid;
    char hash[ALB_HASH_TEXT_LEN];
};

static enum alb_code session_end_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                      struct alb_err *err)
{
    const struct session_args *args = alb_args_of(obj);
    int64_t n;
    enum alb_code code;

    if (args->one)
        code = alb_catalog_session_end_uuid(tx, args->user_id, &args->uuid, &n, err);
    else if (args->others)
        code = alb_catalog_session_end_others(tx, args->user_id, args->session_id, &n, err);
    else
        code = alb_catalog_session_end(tx, args->user_id, args->session_id, &n, err);
    if (code == ALB_OK && args->one && n == 0)
        return alb_fail(err, ALB_E_NOT_FOUND, "no such session");
    return code == ALB_OK ? alb_done_give(result, 0, n, NULL, err) : code;
}

static enum alb_code end_sessions(struct alb_library *lib, const struct alb_principal *p,
                                  const struct alb_uuid *uuid, bool others, struct alb_future **future,
                                  struct alb_err *err)
{
    struct alb_call *c;

    /* A share's and a guest's user_id name somebody else. */
    if (p->credential == ALB_CRED_SHARE || p->credential == ALB_CRED_GUEST)
        return alb_fail(err, ALB_E_UNAUTHENTICATED, "sign in first");
    c = alb_call_new(lib, p, ALB_CALL_SMALL, sizeof(struct session_args));
    if (c != NULL) {
        struct session_args *args = c->args;

        args->user_id = p->user_id;
        args->session_id = p->credential == ALB_CRED_SESSION ? p->credential_id : 0;
        args->others = others;
        args->one = uuid != NULL;
        if (uuid != NULL)
            args->uuid = *uuid;
    }
    return alb_call_write(&c, "session-end", session_end_unit, future, err);
}

enum alb_code alb_library_sign_out(struct alb_library *lib, const struct alb_principal *p,
                                   struct alb_future **future, struct alb_err *err)
{
    return end_sessions(lib, p, NULL, false, future, err);
}

enum alb_code alb_library_session_end(struct alb_library *lib, const struct alb_principal *p,
                                      const struct alb_uuid *uuid, struct alb_future **future,
                                      struct alb_err *err)
{
    return end_sessions(lib, p, uuid, uuid == NULL, future, err);
}

enum alb_code alb_library_session_list(struct alb_library *lib, const struct alb_principal *p,
                                       struct alb_arena *a, struct alb_session **list, size_t *count,
                                       struct alb_err *err)
{
    struct alb_snap *s;
    struct alb_viewer v;
    enum alb_code code = alb_view_open(lib, p, true, &s, &v, err);

    *list = NULL;
    *count = 0;
    if (code != ALB_OK)
        return code;
    code = alb_catalog_session_list(s, v.user_id, alb_wall(lib->clock), a, list, count, err);
    alb_catalog_read_end(&s);
    return code;
}

static enum alb_code elevate_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                  struct alb_err *err)
{
    const struct session_args *args = alb_args_of(obj);
    struct alb_arena *a = alb_unit_arena(err);
    enum alb_code code = a != NULL ? ALB_OK : ALB_E_NO_MEMORY;

    if (code == ALB_OK && args->until_ms != 0)
        code = same_hash(tx, a, args->user_id, args->hash, err);
    if (code == ALB_OK)
        code = alb_catalog_session_elevate(tx, args->session_id, args->until_ms, err);
    alb_arena_free(&a);
    return code == ALB_OK ? alb_done_give(result, args->session_id, 1, NULL, err) : code;
}

static enum alb_code hash_of(struct alb_library *lib, int64_t user, char hash[ALB_HASH_TEXT_LEN],
                             struct alb_err *err)
{
    struct alb_arena *a = alb_arena_new(65536);
    struct alb_snap *s = NULL;
    struct alb_str text;
    enum alb_code code;

    hash[0] = '\0';
    if (a == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a hash");
    code = alb_catalog_read(lib->cat, &s, err);
    if (code == ALB_OK)
        code = alb_catalog_user_hash(s, user, a, &text, err);
    if (code == ALB_OK && !alb_str_to_c(text, hash, ALB_HASH_TEXT_LEN))
        hash[0] = '\0';
    alb_catalog_read_end(&s);
    alb_arena_free(&a);
    return code;
}

enum alb_code alb_library_elevate(struct alb_library *lib, const struct alb_principal *p,
                                  struct alb_str password, int64_t ms, struct alb_future **future,
                                  struct alb_err *err)
{
    struct alb_lane_job job = {.verify = true, .name = "elevate", .run = elevate_unit};
    struct session_args *args;
    enum alb_code code;

    *future = NULL;
    if (p->credential != ALB_CRED_SESSION)
        return alb_fail(err, ALB_E_FORBIDDEN, "only a session can be elevated");
    code = hash_of(lib, p->user_id, job.hash, err);
    if (code != ALB_OK)
        return code;
    job.call = alb_call_new(lib, p, ALB_CALL_SMALL, sizeof(*args));
    if (job.call != NULL) {
        args = job.call->args;
        args->user_id = p->user_id;
        args->session_id = p->credential_id;
        args->until_ms = ms > 0 ? alb_wall(lib->clock) + ms : 0;
        memcpy(args->hash, job.hash, sizeof(args->hash));
    }
    if (ms > 0)
        return alb_lane_submit(lib, &job, password, future, err);
    return alb_call_write(&job.call, "elevate", elevate_unit, future, err);
}

/* ---- API keys ---- */

struct key_args {
    int64_t owner, id;
    struct alb_key row;
    char key[ALB_TOKEN_TEXT_MAX];
    unsigned char hash[ALB_SHA256_LEN];
};

static void key_made_release(struct alb_obj *obj)
{
    struct alb_key_made *k = ALB_CONTAINER_OF(obj, struct alb_key_made, obj);

    alb_wipe(k->key, sizeof(k->key));
    alb_mem_free(k);
}

static enum alb_code key_new_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                  struct alb_err *err)
{
    const struct key_args *args = alb_args_of(obj);
    struct alb_key_made *k = alb_mem_calloc(1, sizeof(*k));
    struct alb_viewer v;
    enum alb_code code;

    if (k == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a key");
    alb_obj_init(&k->obj, key_made_release);
    code = alb_catalog_viewer(alb_tx_snap(tx), ALB_VIEWER_USER, args->row.user_id, alb_tx_now(tx), &v, NULL);
    if (code != ALB_OK || v.guest)
        code = alb_fail(err, ALB_E_NOT_FOUND, "no user %lld", (long long)args->row.user_id);
    if (code == ALB_OK)
        code = alb_catalog_key_insert(tx, &args->row, args->hash, &k->id, &k->uuid, err);
    if (code != ALB_OK) {
        alb_obj_unref(&k->obj);
        return code;
    }
    memcpy(k->key, args->key, sizeof(k->key));
    *result = &k->obj;
    return ALB_OK;
}

enum alb_code alb_library_key_new(struct alb_library *lib, int64_t user_id, struct alb_str name,
                                  struct alb_str permissions, int64_t expires_at, struct alb_future **future,
                                  struct alb_err *err)
{
    struct alb_call *c = alb_call_new(lib, NULL, ALB_CALL_SMALL, sizeof(struct key_args));

    *future = NULL;
    if (c != NULL) {
        struct key_args *args = c->args;

        alb_token_new(ALB_KEY_PREFIX, args->key, args->hash);
        args->row.user_id = user_id;
        args->row.name = alb_call_str(c, alb_str_sub(name, 0, 255));
        args->row.prefix = alb_str_n(args->key, strlen(ALB_KEY_PREFIX) + PREFIX_SHOWN);
        args->row.permissions = alb_call_str(c, permissions.n > 0 ? permissions : ALB_STR("all"));
        args->row.expires_at = expires_at;
    }
    return alb_call_write(&c, "key-new", key_new_unit, future, err);
}

enum alb_code alb_library_key_list(struct alb_library *lib, int64_t user_id, struct alb_arena *a,
                                   struct alb_key **list, size_t *count, struct alb_err *err)
{
    struct alb_snap *s;
    enum alb_code code = alb_catalog_read(lib->cat, &s, err);

    *list = NULL;
    *count = 0;
    if (code != ALB_OK)
        return code;
    code = alb_catalog_key_list(s, user_id, a, list, count, err);
    alb_catalog_read_end(&s);
    return code;
}

static enum alb_code key_revoke_unit(struct alb_tx *tx, struct alb_obj *obj, struct alb_obj **result,
                                     struct alb_err *err)
{
    const struct key_args *args = alb_args_of(obj);
    enum alb_code code = alb_catalog_key_revoke(tx, args->owner, args->id, err);

    return code == ALB_OK ? alb_done_give(result, args->id, 1, NULL, err) : code;
}

enum alb_code alb_library_key_revoke(struct alb_library *lib, int64_t owner, int64_t key_id,
                                     struct alb_future **future, struct alb_err *err)
{
    struct alb_call *c = alb_call_new(lib, NULL, ALB_CALL_SMALL, sizeof(struct key_args));

    if (c != NULL) {
        struct key_args *args = c->args;

        args->owner = owner;
        args->id = key_id;
    }
    return alb_call_write(&c, "key-revoke", key_revoke_unit, future, err);
}
