/* SPDX-License-Identifier: Apache-2.0
 *
 * Principals: made from tokens, remembered for a minute (contract: principal.h). A remembered one is dropped
 * by the rights epoch (revoked key, ended session, changed user) before whoever caused that is told; the
 * minute is for noting the last use.
 */
#include "library/principal.h"

#include <string.h>

#include "base/mem.h"
#include "catalog/user.h"
#include "library/lane.h"

#define REMEMBER_MS ((int64_t)60000)
#define TOKEN_MAX 512

static void principal_release(struct alb_obj *obj)
{
    alb_mem_free(ALB_CONTAINER_OF(obj, struct alb_principal, obj));
}

/* One allocation: the texts lie behind the struct. */
static struct alb_principal *principal_new(struct alb_str permissions, struct alb_str name)
{
    struct alb_principal *p;
    char *text;
    size_t n;

    if (!alb_size_add(sizeof(*p), permissions.n, &n) || !alb_size_add(n, name.n, &n))
        return NULL;
    p = alb_mem_calloc(1, n);
    if (p == NULL)
        return NULL;
    alb_obj_init(&p->obj, principal_release);
    text = (char *)(p + 1);
    if (permissions.n > 0)
        memcpy(text, permissions.p, permissions.n);
    p->permissions = alb_str_n(text, permissions.n);
    if (name.n > 0)
        memcpy(text + permissions.n, name.p, name.n);
    p->name = alb_str_n(text + permissions.n, name.n);
    p->expires_ms = INT64_MAX;
    return p;
}

void alb_principal_cleanup(struct alb_principal **p)
{
    alb_principal_unref(*p);
    *p = NULL;
}

bool alb_principal_may(const struct alb_principal *p, const char *permission)
{
    struct alb_str rest = p->permissions, word;

    while (alb_str_next(&rest, ' ', &word))
        if (alb_str_eq_c(word, "all") || alb_str_eq_c(word, permission))
            return true;
    return false;
}

/* ---- tokens ---- */

static bool token_key(enum alb_token kind, struct alb_str token, unsigned char hash[ALB_SHA256_LEN],
                      unsigned char key[ALB_MEMO_KEY_LEN])
{
    if (token.n == 0 || token.n > TOKEN_MAX)
        return false;
    alb_sha256(token.p, token.n, hash);
    memcpy(key, hash, ALB_MEMO_KEY_LEN);
    key[0] ^= (unsigned char)kind; /* equal tokens of two kinds are two entries */
    return true;
}

struct alb_principal *alb_library_principal_hot(struct alb_library *lib, enum alb_token kind,
                                                struct alb_str token)
{
    unsigned char hash[ALB_SHA256_LEN], key[ALB_MEMO_KEY_LEN];

    if (!token_key(kind, token, hash, key))
        return NULL;
    return (struct alb_principal *)(void *)alb_library_remembered(lib, lib->tokens, key);
}

static struct alb_principal *from_row(enum alb_token kind, const struct alb_token_row *row)
{
    struct alb_principal *p = principal_new(row->permissions, row->user_name);

    if (p == NULL)
        return NULL;
    p->credential = kind == ALB_TOKEN_SESSION ? ALB_CRED_SESSION
                    : kind == ALB_TOKEN_KEY   ? ALB_CRED_KEY
                                              : ALB_CRED_SHARE;
    p->credential_id = row->id;
    p->user_id = row->user_id;
    p->user_uuid = row->user_uuid;
    p->role = kind == ALB_TOKEN_SHARE ? ALB_ROLE_GUEST : row->role;
    p->level = row->level;
    p->expires_ms = row->expires_at;
    p->elevated_until_ms = row->elevated_until;
    p->share_download = row->may_download;
    p->share_upload = row->may_upload;
    return p;
}

enum alb_code alb_principal_load(struct alb_library *lib, struct alb_snap *s, enum alb_token kind,
                                 const unsigned char hash[ALB_SHA256_LEN], struct alb_principal **p,
                                 struct alb_err *err)
{
    struct alb_arena *a = alb_arena_new((size_t)256 << 10);
    struct alb_token_row row;
    enum alb_code code;

    *p = NULL;
    if (a == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a principal");
    code = alb_catalog_token(s, kind, hash, alb_wall(lib->clock), a, &row, err);
    if (code == ALB_OK && row.has_password)
        code = alb_fail(err, ALB_E_FORBIDDEN, "this share needs a password");
    if (code == ALB_OK) {
        *p = from_row(kind, &row);
        if (*p == NULL)
            code = alb_fail(err, ALB_E_NO_MEMORY, "no memory for a principal");
    }
    alb_arena_free(&a);
    return code;
}

static void remember(struct alb_library *lib, const unsigned char key[ALB_MEMO_KEY_LEN],
                     struct alb_principal *p, struct alb_tag_of_memo tag)
{
    int64_t minute = alb_wall(lib->clock) + REMEMBER_MS;
    struct alb_memo_value v = {
        .obj = &p->obj,
        .tag = tag,
        .expires_ms = p->expires_ms < minute ? p->expires_ms : minute,
    };

    alb_memo_put(lib->tokens, key, &v);
}

enum alb_code alb_library_principal(struct alb_library *lib, enum alb_token kind, struct alb_str token,
                                    struct alb_principal **p, struct alb_err *err)
{
    unsigned char hash[ALB_SHA256_LEN], key[ALB_MEMO_KEY_LEN];
    struct alb_tag_of_memo tag = alb_library_tag_now(lib, 0); /* before the snapshot */
    struct alb_snap *s;
    enum alb_code code;

    *p = alb_library_principal_hot(lib, kind, token);
    if (*p != NULL)
        return ALB_OK;
    if (!token_key(kind, token, hash, key))
        return alb_fail(err, ALB_E_UNAUTHENTICATED, "not a token");
    code = alb_catalog_read(lib->cat, &s, err);
    if (code != ALB_OK)
        return code;
    code = alb_principal_load(lib, s, kind, hash, p, err);
    alb_catalog_read_end(&s);
    if (code != ALB_OK)
        return code;
    alb_used_note(lib->used, kind, (*p)->credential_id, alb_wall(lib->clock));
    remember(lib, key, *p, tag);
    return ALB_OK;
}

/* ---- without a token ---- */

enum alb_code alb_library_principal_user(struct alb_library *lib, int64_t user_id,
                                         enum alb_credential credential, int64_t credential_id,
                                         int64_t expires_ms, struct alb_principal **p, struct alb_err *err)
{
    struct alb_arena *a = alb_arena_new(65536);
    struct alb_snap *s = NULL;
    struct alb_user u;
    enum alb_code code;

    *p = NULL;
    if (a == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a principal");
    code = alb_catalog_read(lib->cat, &s, err);
    if (code == ALB_OK)
        code = alb_catalog_user_get(s, user_id, a, &u, err);
    alb_catalog_read_end(&s);
    if (code == ALB_OK) {
        *p = principal_new(ALB_STR("all"), u.name);
        if (*p == NULL) {
            code = alb_fail(err, ALB_E_NO_MEMORY, "no memory for a principal");
        } else {
            (*p)->credential = credential;
            (*p)->credential_id = credential_id;
            (*p)->user_id = user_id;
            (*p)->user_uuid = u.uuid;
            (*p)->role = u.role;
            (*p)->level = u.level;
            (*p)->expires_ms = expires_ms;
        }
    }
    alb_arena_free(&a);
    return code;
}

/* ---- signers ---- */

/* A token's key is 32 bytes of a hash; this one is none of those. */
static void signer_key(int64_t user_id, unsigned char key[ALB_MEMO_KEY_LEN])
{
    unsigned char text[16] = "signer:";

    memcpy(text + 8, &user_id, sizeof(user_id));
    unsigned char hash[ALB_SHA256_LEN];
    alb_sha256(text, sizeof(text), hash);
    memcpy(key, hash, ALB_MEMO_KEY_LEN);
}

struct alb_principal *alb_library_signer_hot(struct alb_library *lib, int64_t user_id)
{
    unsigned char key[ALB_MEMO_KEY_LEN];

    signer_key(user_id, key);
    return (struct alb_principal *)(void *)alb_library_remembered(lib, lib->tokens, key);
}

enum alb_code alb_library_signer(struct alb_library *lib, int64_t user_id, struct alb_principal **p,
                                 struct alb_err *err)
{
    unsigned char key[ALB_MEMO_KEY_LEN];
    struct alb_tag_of_memo tag = alb_library_tag_now(lib, 0); /* before the snapshot */
    enum alb_code code;

    *p = alb_library_signer_hot(lib, user_id);
    if (*p != NULL)
        return ALB_OK;
    code = alb_library_principal_user(lib, user_id, ALB_CRED_SIGNED, 0, INT64_MAX, p, err);
    if (code != ALB_OK)
        return code;
    signer_key(user_id, key);
    remember(lib, key, *p, tag);
    return ALB_OK;
}

struct alb_principal *alb_library_principal_guest(struct alb_library *lib)
{
    struct alb_principal *p = principal_new(ALB_STR("all"), ALB_STR("guest"));

    (void)lib;
    if (p == NULL)
        return NULL;
    p->credential = ALB_CRED_GUEST;
    p->user_id = ALB_USER_GUEST;
    p->role = ALB_ROLE_GUEST;
    return p;
}
