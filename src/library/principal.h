/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is asking. A principal is an immutable, counted value: made once per request from a credential, kept in
 * the request's context, never changed (law 4). Its rights are looked up again whenever it is used: a
 * principal that outlives a revoked session or a deleted user sees nothing.
 */
#ifndef ALB_LIBRARY_PRINCIPAL_H
#define ALB_LIBRARY_PRINCIPAL_H

#include "catalog/session.h" /* enum alb_token: SESSION, KEY, SHARE */
#include "library/library.h"

enum alb_credential {
    ALB_CRED_GUEST,   /* nobody signed in; sees the public gallery if guests are let in, else nothing */
    ALB_CRED_SESSION, /* signed in with a password */
    ALB_CRED_KEY,     /* API key */
    ALB_CRED_SHARE,   /* share link */
    ALB_CRED_SIGNED,  /* signed URL: acts for the signer, for one URL */
    ALB_CRED_LOCAL    /* the command line on this machine, jobs */
};

struct alb_principal {
    struct alb_obj obj;
    enum alb_credential credential;
    int64_t credential_id; /* session, api_key or share id; 0 for the others */
    int64_t user_id;       /* for a share: who made it */
    struct alb_uuid user_uuid;
    enum alb_role role; /* GUEST for shares */
    int level;
    int64_t expires_ms;        /* wall ms, INT64_MAX = never */
    int64_t elevated_until_ms; /* session: locked assets until then; 0 = no */
    bool share_download, share_upload;
    struct alb_str permissions; /* API key: words separated by blanks, "all" = everything; others: "all" */
    struct alb_str name;        /* user name, for logs */
};
static inline struct alb_principal *alb_principal_ref(struct alb_principal *p)
{
    return p ? (struct alb_principal *)(void *)alb_obj_ref(&p->obj) : NULL;
}
static inline void alb_principal_unref(struct alb_principal *p)
{
    if (p)
        alb_obj_unref(&p->obj);
}
/* For ALB_CLEANUP on a `struct alb_principal *`. */
void alb_principal_cleanup(struct alb_principal **p);

/* Whether the credential carries the permission ("asset.read"). Sessions carry all. */
bool alb_principal_may(const struct alb_principal *p, const char *permission);

/* Event loop: the principal of a token if it is remembered and still valid, else NULL (ask again in step). */
struct alb_principal *alb_library_principal_hot(struct alb_library *lib, enum alb_token kind,
                                                struct alb_str token);
/* io thread: UNAUTHENTICATED for unknown, expired or revoked tokens. Notes the use (written behind). */
enum alb_code alb_library_principal(struct alb_library *lib, enum alb_token kind, struct alb_str token,
                                    struct alb_principal **p, struct alb_err *err) ALB_MUST_CHECK;
/* The principal of a user without a token: signed URLs (after the signature was verified), command line,
 * jobs. NOT_FOUND if there is no such user. expires_ms INT64_MAX = never. */
enum alb_code alb_library_principal_user(struct alb_library *lib, int64_t user_id,
                                         enum alb_credential credential, int64_t credential_id,
                                         int64_t expires_ms, struct alb_principal **p,
                                         struct alb_err *err) ALB_MUST_CHECK;
/* Whom a signed URL acts for, once its signature was verified: remembered as tokens are. _hot: event loop; NULL: ask
 * again in step. Else NOT_FOUND if the user is no more. */
struct alb_principal *alb_library_signer_hot(struct alb_library *lib, int64_t user_id);
enum alb_code alb_library_signer(struct alb_library *lib, int64_t user_id, struct alb_principal **p,
                                 struct alb_err *err) ALB_MUST_CHECK;
/* The guest. NULL: no memory. What it sees depends on config.guests. */
struct alb_principal *alb_library_principal_guest(struct alb_library *lib) ALB_MUST_CHECK;

#endif
