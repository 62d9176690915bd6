/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing in and out, the first set-up, and who am I.
 */
#include <string.h>

#include "doors/immich/door.h"
#include "library/auth.h"

#define SESSION_SECONDS ((int64_t)400 * 86400) /* browsers keep no cookie longer */

static void cookies(struct alb_req *req, const char *token, int64_t max_age)
{
    bool secure = alb_str_eq_c(alb_req_scheme(req), "https");
    struct alb_cookie c = {.name = ALB_SESSION_COOKIE,
                           .value = alb_str_c(token),
                           .max_age_s = max_age,
                           .http_only = true,
                           .secure = secure,
                           .same_site = "Lax"};
    alb_res_cookie(req, &c);
    c.name = "immich_auth_type";
    c.value = alb_str_c(token[0] ? "password" : "");
    alb_res_cookie(req, &c);
    c.name = "immich_is_authenticated";
    c.value = alb_str_c(token[0] ? "true" : "");
    c.http_only = false;
    alb_res_cookie(req, &c);
}

static void user_json(struct alb_json *j, const struct alb_user *u)
{
    bool has_email = u->email.n > 0;
    alb_json_object(j);
    alb_immich_json_uuid(j, "id", &u->uuid);
    alb_json_kstr(j, "email", has_email ? u->email : u->name);
    alb_json_kstr(j, "name", u->name);
    alb_json_kstr(j, "avatarColor", u->avatar_color.n > 0 ? u->avatar_color : ALB_STR("primary"));
    alb_json_kc(j, "profileImagePath", "");
    alb_immich_json_time(j, "profileChangedAt", u->created_at);
    alb_json_kbool(j, "isAdmin", u->role == ALB_ROLE_ADMIN);
    alb_json_kc(j, "status", u->deleted_at ? "deleted" : "active");
    alb_json_kbool(j, "shouldChangePassword", u->should_change_password);
    alb_json_knull(j, "storageLabel");
    alb_json_kc(j, "oauthId", "");
    alb_json_key(j, "quotaSizeInBytes");
    if (u->quota_bytes < 0)
        alb_json_null(j);
    else
        alb_json_i64(j, u->quota_bytes);
    alb_json_ki64(j, "quotaUsageInBytes", u->used_bytes);
    alb_json_knull(j, "license");
    alb_immich_json_time(j, "createdAt", u->created_at);
    alb_immich_json_time(j, "updatedAt", u->updated_at);
    alb_immich_json_time(j, "deletedAt", u->deleted_at);
    alb_json_end(j);
}

static enum alb_step send_user(struct alb_req *req, int64_t id, int status)
{
    const struct alb_door_immich *door = alb_req_ctx(req);
    struct alb_err err = ALB_ERR_INIT;
    struct alb_user u;
    struct alb_buf out;
    struct alb_json j;
    if (alb_library_user_get(door->auth.library, id, alb_req_arena(req), &u, &err) != ALB_OK) {
        alb_res_fail(req, &err);
        return ALB_STEP_DONE;
    }
    alb_immich_begin(&j, &out);
    user_json(&j, &u);
    return alb_immich_send(req, status, &out);
}

enum alb_step alb_immich_me(struct alb_req *req)
{
    return alb_auth_may(req, "user.read") ? send_user(req, alb_auth_principal(req)->user_id, 200)
                                          : ALB_STEP_DONE;
}

/* ---- POST /auth/login ---- */

static enum alb_step signed_in(struct alb_req *req, const struct alb_signed_in *s)
{
    const struct alb_door_immich *door = alb_req_ctx(req);
    struct alb_err err = ALB_ERR_INIT;
    struct alb_user u;
    struct alb_buf out;
    struct alb_json j;
    if (alb_library_user_get(door->auth.library, s->principal->user_id, alb_req_arena(req), &u, &err) !=
        ALB_OK) {
        alb_res_fail(req, &err);
        return ALB_STEP_DONE;
    }
    cookies(req, s->token, SESSION_SECONDS);
    alb_immich_begin(&j, &out);
    alb_json_object(&j);
    alb_json_kc(&j, "accessToken", s->token);
    alb_immich_json_uuid(&j, "userId", &u.uuid);
    alb_json_kstr(&j, "userEmail", u.email.n > 0 ? u.email : u.name);
    alb_json_kstr(&j, "name", u.name);
    alb_json_kbool(&j, "isAdmin", u.role == ALB_ROLE_ADMIN);
    alb_json_kbool(&j, "isOnboarded", true);
    alb_json_kbool(&j, "shouldChangePassword", s->should_change_password);
    alb_json_kc(&j, "profileImagePath", "");
    alb_json_end(&j);
    return alb_immich_send(req, 201, &out);
}

enum alb_step alb_immich_login(struct alb_req *req)
{
    const struct alb_door_immich *door = alb_req_ctx(req);
    struct alb_err err = ALB_ERR_INIT;
    struct alb_future *future = NULL;
    struct alb_obj *result;
    if (alb_immich_waited(req, &result)) {
        if (result)
            return signed_in(req, ALB_CONTAINER_OF(result, struct alb_signed_in, obj));
        if (alb_res_get_status(req) == 401)
            alb_res_error(req, ALB_E_UNAUTHENTICATED, "Incorrect email or password");
        return ALB_STEP_DONE;
    }
    const json_t *body = alb_auth_same_site(req) ? alb_immich_body(req) : NULL;
    if (!body)
        return ALB_STEP_DONE;
    struct alb_str login = alb_immich_text(body, "email"), password = alb_immich_text(body, "password");
    if (!login.p || !password.p)
        return alb_immich_bad(req, "email and password are needed");
    const struct alb_device device = {.type = alb_req_header(req, "user-agent"),
                                      .os = ALB_STR(""),
                                      .app = ALB_STR("web"),
                                      .address = alb_req_client(req),
                                      .door = ALB_DOOR_WEB};
    enum alb_code code = alb_library_sign_in(door->auth.library, login, password, &device, &future, &err);
    if (code == ALB_E_TOO_MANY) {
        alb_res_error(req, code, "Too many wrong passwords: try again a little later");
        alb_res_retry_after(req, alb_library_sign_in_wait(door->auth.library, login, device.address));
        return ALB_STEP_DONE;
    }
    return alb_immich_wait(req, code, future, &err);
}

enum alb_step alb_immich_logout(struct alb_req *req)
{
    const struct alb_door_immich *door = alb_req_ctx(req);
    struct alb_err err = ALB_ERR_INIT;
    struct alb_future *future = NULL;
    struct alb_obj *result;
    struct alb_buf out;
    struct alb_json j;
    bool is_session = alb_auth_principal(req)->credential == ALB_CRED_SESSION;
    if (is_session && !alb_immich_waited(req, &result)) {
        enum alb_code code = alb_library_sign_out(door->auth.library, alb_auth_principal(req), &future, &err);
        return alb_immich_wait(req, code, future, &err);
    }
    if (is_session && !result)
        return ALB_STEP_DONE;
    cookies(req, "", 0);
    alb_immich_begin(&j, &out);
    alb_json_object(&j);
    alb_json_kbool(&j, "successful", true);
    alb_json_kc(&j, "redirectUri", "/auth/login?autoLaunch=0");
    alb_json_end(&j);
    return alb_immich_send(req, 200, &out);
}

/* ---- POST /auth/admin-sign-up: the first password, with the token of the set-up link ---- */

enum alb_step alb_immich_sign_up(struct alb_req *req)
{
    const struct alb_door_immich *door = alb_req_ctx(req);
    struct alb_err err = ALB_ERR_INIT;
    struct alb_future *future = NULL;
    struct alb_obj *result;
    if (alb_immich_waited(req, &result))
        return result ? send_user(req, ALB_USER_ADMIN, 201) : ALB_STEP_DONE;
    const json_t *body = alb_auth_same_site(req) ? alb_immich_body(req) : NULL;
    if (!body)
        return ALB_STEP_DONE;
    struct alb_str token = alb_immich_text(body, "setupToken"), password = alb_immich_text(body, "password");
    if (!door->setup_token[0] || !token.p || !alb_str_eq_secret(token, alb_str_c(door->setup_token))) {
        alb_res_error(req, ALB_E_FORBIDDEN, "Open the set-up link that the server has printed");
        return ALB_STEP_DONE;
    }
    if (!password.p)
        return alb_immich_bad(req, "a password is needed");
    struct alb_str name = alb_immich_text(body, "name"), email = alb_immich_text(body, "email");
    enum alb_code code = alb_library_first_password(door->auth.library, name.p ? name : ALB_STR("admin"),
                                                    email.p ? email : ALB_STR(""), password, &future, &err);
    return alb_immich_wait(req, code, future, &err);
}

/* ---- GET /api-keys/me ---- */

enum alb_step alb_immich_key_me(struct alb_req *req)
{
    const struct alb_principal *p = alb_auth_principal(req);
    struct alb_str rest = p->permissions, word;
    struct alb_buf out;
    struct alb_json j;
    if (p->credential != ALB_CRED_KEY) {
        alb_res_error(req, ALB_E_FORBIDDEN, "Not authenticated with an API key");
        return ALB_STEP_DONE;
    }
    alb_immich_begin(&j, &out);
    alb_json_object(&j);
    alb_json_key(&j, "permissions");
    alb_json_array(&j);
    while (alb_str_next(&rest, ' ', &word))
        if (word.n > 0)
            alb_json_str(&j, word);
    alb_json_end(&j);
    alb_json_end(&j);
    return alb_immich_send(req, 200, &out);
}
