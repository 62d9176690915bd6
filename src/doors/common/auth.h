/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is asking, for every door: finds the credential in a request and makes a principal of it.
 *
 * Places, first one wins: x-api-key; Authorization: Bearer; x-immich-user-token, x-immich-session-token; the
 * cookie immich_access_token; the query keys apiKey and sessionKey. A token that begins with "alb_" is an API
 * key wherever it stands; the others are sessions.
 * A cookie counts for methods that change something only if the request comes from our own pages: an Origin,
 * if there is one, must name the host that was asked (and Sec-Fetch-Site must not say cross-site).
 *
 * Threads: event loop (memory only) and io pool, by the rules of http.h. The principal hangs on the request's
 * arena.
 */
#ifndef ALB_DOORS_COMMON_AUTH_H
#define ALB_DOORS_COMMON_AUTH_H

#include "http/http.h"
#include "library/principal.h"

#define ALB_SESSION_COOKIE "immich_access_token"

/* The context of every door group that asks who it is begins with this. */
struct alb_door_auth {
    struct alb_library *library;
};

/* For struct alb_http_group.before: a valid credential, or 401. */
enum alb_before alb_auth_require(struct alb_req *req, bool on_loop);
/* The principal that alb_auth_require has set. */
struct alb_principal *alb_auth_principal(const struct alb_req *req);
/* For requests that need no credential and give one: false if a page of another site sent it (403 is
 * answered), so that nobody is signed in as somebody else without knowing. */
bool alb_auth_same_site(struct alb_req *req) ALB_MUST_CHECK;
/* True if the credential carries the permission; else sets 403 "Missing required permission: x". */
bool alb_auth_may(struct alb_req *req, const char *permission) ALB_MUST_CHECK;
/* For doors of pictures: who is asking, by credential (with asset.view) or as the owner of a key that has signed. */
enum alb_who {
    ALB_WHO_KNOWN,
    ALB_WHO_LATER,    /* on the loop only: the step must ask */
    ALB_WHO_ANSWERED, /* an answer is set: no credential, or one that may not */
    ALB_WHO_NOBODY,   /* the owner is there no more */
    ALB_WHO_UNKNOWN   /* *err says why nobody can tell */
};
enum alb_who alb_auth_viewer(struct alb_req *req, bool on_loop, struct alb_principal **principal);
/* *signer: a reference, if KNOWN. */
enum alb_who alb_auth_signer(struct alb_library *library, int64_t user, bool on_loop,
                             struct alb_principal **signer, struct alb_err *err);
/* For requests that have run for long, before what they were for is done: the same credential, looked at once
 * more. OK: it is still good, and carries the permission. UNAUTHENTICATED, FORBIDDEN, or why nobody can tell.
 * io thread. */
enum alb_code alb_auth_again(struct alb_req *req, const char *permission, struct alb_err *err) ALB_MUST_CHECK;

#endif
