/* SPDX-License-Identifier: Apache-2.0 */
#include "doors/common/auth.h"

#include <stdio.h>

#include "library/auth.h"

struct credential {
    enum alb_token kind;
    struct alb_str token; /* p == NULL: none */
    bool cookie;
};

static enum alb_token kind_of(struct alb_str token)
{
    return alb_str_starts(token, alb_str_c(ALB_KEY_PREFIX)) ? ALB_TOKEN_KEY : ALB_TOKEN_SESSION;
}

static struct alb_str bearer(const struct alb_req *req)
{
    struct alb_str value = alb_req_header(req, "authorization");
    struct alb_str scheme, token;
    if (!value.p || !alb_str_cut(value, ' ', &scheme, &token) || !alb_str_eq_ci(scheme, ALB_STR("bearer")))
        return ALB_STR_NONE;
    return alb_str_trim(token);
}

static struct credential find(struct alb_req *req)
{
    static const char *const headers[] = {"x-api-key", "x-immich-user-token", "x-immich-session-token"};
    static const char *const queries[] = {"apiKey", "sessionKey"};
    struct credential c = {.token = ALB_STR_NONE};
    for (size_t i = 0; !c.token.p && i < ALB_ARRAY_LEN(headers); i++)
        c.token = alb_req_header(req, headers[i]);
    if (!c.token.p)
        c.token = bearer(req);
    if (!c.token.p) {
        c.token = alb_req_cookie(req, ALB_SESSION_COOKIE);
        c.cookie = c.token.p != NULL;
    }
    for (size_t i = 0; !c.token.p && i < ALB_ARRAY_LEN(queries); i++)
        if (!alb_req_query_get(req, queries[i], &c.token))
            c.token = ALB_STR_NONE;
    c.kind = kind_of(c.token);
    return c;
}

static bool changes_something(const struct alb_req *req)
{
    return (alb_req_method(req) & (ALB_M_GET | ALB_M_HEAD | ALB_M_OPTIONS)) == 0;
}

/* "https://host:port" names the host that was asked, or the public address of this server (which may have a
 * path: an origin has none). */
static bool is_own_origin(struct alb_req *req, struct alb_str origin)
{
    struct alb_str scheme, own, base = alb_req_base_url(req);
    size_t at = alb_str_find_str(origin, ALB_STR("://"));
    if (at == ALB_STR_NPOS || at == 0)
        return false;
    if (alb_str_eq_ci(alb_str_from(origin, at + 3), alb_req_host(req)))
        return true;
    at = alb_str_find_str(base, ALB_STR("://"));
    if (at == ALB_STR_NPOS)
        return false;
    scheme = alb_str_sub(base, 0, at + 3);
    own = alb_str_from(base, at + 3);
    own = alb_str_sub(own, 0, alb_str_find(own, '/'));
    return alb_str_eq_ci(alb_str_sub(origin, 0, scheme.n), scheme) &&
           alb_str_eq_ci(alb_str_from(origin, scheme.n), own);
}

static bool comes_from_elsewhere(struct alb_req *req)
{
    struct alb_str origin = alb_req_header(req, "origin");
    struct alb_str site = alb_req_header(req, "sec-fetch-site");
    return (origin.p && !is_own_origin(req, origin)) || alb_str_eq_c(site, "cross-site");
}

bool alb_auth_same_site(struct alb_req *req)
{
    if (!comes_from_elsewhere(req))
        return true;
    alb_res_error(req, ALB_E_FORBIDDEN, "This request comes from another site");
    return false;
}

static void drop(void *principal)
{
    alb_principal_unref(principal);
}

static enum alb_before accept(struct alb_req *req, struct alb_principal *p)
{
    if (!alb_arena_defer(alb_req_arena(req), drop, p)) {
        alb_res_error(req, ALB_E_NO_MEMORY, NULL);
        return ALB_BEFORE_ANSWERED;
    }
    alb_req_set_principal(req, p);
    alb_req_log(req, ALB_LOG_INT("user", p->user_id)); /* the record may be written after p has gone */
    if (!alb_req_count_user(req, (uint64_t)p->user_id)) {
        alb_res_error(req, ALB_E_TOO_MANY, NULL);
        return ALB_BEFORE_ANSWERED;
    }
    return ALB_BEFORE_GO;
}

static enum alb_before refuse(struct alb_req *req, enum alb_code code, const char *text)
{
    alb_res_error(req, code, text);
    return ALB_BEFORE_ANSWERED;
}

enum alb_before alb_auth_require(struct alb_req *req, bool on_loop)
{
    const struct alb_door_auth *door = alb_req_ctx(req);
    struct credential c = find(req);
    struct alb_principal *p = NULL;
    struct alb_err err = ALB_ERR_INIT;
    if (!c.token.p)
        return refuse(req, ALB_E_UNAUTHENTICATED, "Authentication required");
    if (c.cookie && changes_something(req) && !alb_auth_same_site(req))
        return ALB_BEFORE_ANSWERED;
    if (on_loop) {
        p = alb_library_principal_hot(door->library, c.kind, c.token);
        return p ? accept(req, p) : ALB_BEFORE_LATER;
    }
    enum alb_code code = alb_library_principal(door->library, c.kind, c.token, &p, &err);
    if (code == ALB_OK)
        return accept(req, p);
    if (code != ALB_E_UNAUTHENTICATED)
        alb_req_log_err(req, &err);
    return refuse(req, code, code == ALB_E_UNAUTHENTICATED ? "Invalid or expired credentials" : NULL);
}

struct alb_principal *alb_auth_principal(const struct alb_req *req)
{
    return alb_req_principal(req);
}

bool alb_auth_may(struct alb_req *req, const char *permission)
{
    char text[96];
    if (alb_principal_may(alb_auth_principal(req), permission))
        return true;
    (void)snprintf(text, sizeof(text), "Missing required permission: %s", permission);
    alb_res_error(req, ALB_E_FORBIDDEN, text);
    return false;
}

enum alb_code alb_auth_again(struct alb_req *req, const char *permission, struct alb_err *err)
{
    const struct alb_door_auth *door = alb_req_ctx(req);
    struct credential c = find(req);
    struct alb_principal *p = alb_library_principal_hot(door->library, c.kind, c.token);
    enum alb_code code = ALB_OK;

    if (p == NULL)
        code = alb_library_principal(door->library, c.kind, c.token, &p, err);
    if (code != ALB_OK)
        return code;
    bool may = p->user_id == alb_auth_principal(req)->user_id && alb_principal_may(p, permission);
    alb_principal_unref(p);
    return may ? ALB_OK : alb_fail(err, ALB_E_FORBIDDEN, "the credential has lost %s", permission);
}

/* ---- pictures by URL ---- */

enum alb_who alb_auth_viewer(struct alb_req *req, bool on_loop, struct alb_principal **principal)
{
    *principal = NULL;
    switch (alb_auth_require(req, on_loop)) {
    case ALB_BEFORE_LATER:
        return ALB_WHO_LATER;
    case ALB_BEFORE_GO:
        *principal = alb_auth_principal(req);
        return alb_auth_may(req, "asset.view") ? ALB_WHO_KNOWN : ALB_WHO_ANSWERED;
    case ALB_BEFORE_ANSWERED:
    case ALB_BEFORE_WAIT:
    default:
        return ALB_WHO_ANSWERED;
    }
}

enum alb_who alb_auth_signer(struct alb_library *library, int64_t user, bool on_loop,
                             struct alb_principal **signer, struct alb_err *err)
{
    enum alb_code code = ALB_OK;
    *signer = NULL;
    if (on_loop)
        *signer = alb_library_signer_hot(library, user);
    else
        code = alb_library_signer(library, user, signer, err);
    if (code == ALB_E_NOT_FOUND) {
        alb_err_clear(err);
        return ALB_WHO_NOBODY;
    }
    if (code != ALB_OK)
        return ALB_WHO_UNKNOWN;
    return *signer ? ALB_WHO_KNOWN : ALB_WHO_LATER;
}
