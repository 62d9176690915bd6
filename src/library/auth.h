/* SPDX-License-Identifier: Apache-2.0
 *
 * Users, passwords, sessions, API keys. Passwords are argon2id (libsodium), hashed and verified on a lane of
 * 1-2 threads of their own with a bounded queue: a storm of sign-ins answers BUSY and slows nothing else.
 * Tokens and keys are 256 random bits; the catalog holds only their SHA-256 (fast hash: they cannot be
 * guessed). Secrets are wiped after use and never logged.
 */
#ifndef ALB_LIBRARY_AUTH_H
#define ALB_LIBRARY_AUTH_H

#include "base/log.h"
#include "catalog/session.h" /* struct alb_session, struct alb_key */
#include "catalog/user.h"    /* struct alb_user */
#include "library/principal.h"

#define ALB_PASSWORD_MIN 4 /* bytes; refuses accidents */
#define ALB_PASSWORD_FIRST_MIN                                                                               \
    8 /* of the first one, which looks after the library: as the set-up page says */
#define ALB_PASSWORD_MAX 1024
#define ALB_KEY_PREFIX "alb_" /* every API key begins so */
#define ALB_TOKEN_TEXT_MAX 64

/* ---- passwords: the pure part ---- */

/* argon2id in its text form. Slow by design: password lane and command line only. */
enum alb_code alb_password_hash(const struct alb_library *lib, struct alb_str password, char out[128],
                                struct alb_err *err) ALB_MUST_CHECK;
bool alb_password_verify(const char *hash,
                         struct alb_str password); /* hash NULL or "": false after equal work */

/* ---- first run ---- */

/* True as long as user 1 has no password. */
enum alb_code alb_library_first_run(struct alb_library *lib, bool *first, struct alb_err *err) ALB_MUST_CHECK;
/* Sets name (empty = keep), e-mail and password of user 1, only if there is no password yet (else CONFLICT).
 * INVALID: shorter than ALB_PASSWORD_FIRST_MIN. Result alb_done. */
enum alb_code alb_library_first_password(struct alb_library *lib, struct alb_str name, struct alb_str email,
                                         struct alb_str password, struct alb_future **future,
                                         struct alb_err *err) ALB_MUST_CHECK;

/* ---- sign in ---- */

struct alb_device { /* what the client says about itself; shown in the list of sessions */
    struct alb_str type, os, app, address;
    enum alb_door door;
};
struct alb_signed_in {
    struct alb_obj obj;
    struct alb_principal *principal;
    struct alb_uuid session;
    char token[ALB_TOKEN_TEXT_MAX]; /* shown to the client once */
    bool should_change_password;
};
/* `login` is a name or an e-mail. UNAUTHENTICATED through the future for any mismatch (same time for unknown
 * users); BUSY at once when the lane is full; TOO_MANY at once after too many wrong ones (throttle.h). Result
 * struct alb_signed_in. */
enum alb_code alb_library_sign_in(struct alb_library *lib, struct alb_str login, struct alb_str password,
                                  const struct alb_device *device, struct alb_future **future,
                                  struct alb_err *err) ALB_MUST_CHECK;
/* After TOO_MANY: seconds until the next attempt, at least 1. */
int alb_library_sign_in_wait(struct alb_library *lib, struct alb_str login, struct alb_str address);
/* Ends the principal's own session. */
enum alb_code alb_library_sign_out(struct alb_library *lib, const struct alb_principal *p,
                                   struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;
/* Opens (for ms) or closes (ms = 0, password ignored) the locked folder for this session. */
enum alb_code alb_library_elevate(struct alb_library *lib, const struct alb_principal *p,
                                  struct alb_str password, int64_t ms, struct alb_future **future,
                                  struct alb_err *err) ALB_MUST_CHECK;

enum alb_code alb_library_session_list(struct alb_library *lib, const struct alb_principal *p,
                                       struct alb_arena *a, struct alb_session **list, size_t *count,
                                       struct alb_err *err) ALB_MUST_CHECK;
/* One of the principal's own sessions; uuid NULL = all but the present one. */
enum alb_code alb_library_session_end(struct alb_library *lib, const struct alb_principal *p,
                                      const struct alb_uuid *uuid, struct alb_future **future,
                                      struct alb_err *err) ALB_MUST_CHECK;

/* ---- API keys ---- */

struct alb_key_made {
    struct alb_obj obj;
    int64_t id;
    struct alb_uuid uuid;
    char key[ALB_TOKEN_TEXT_MAX]; /* shown once; starts with ALB_KEY_PREFIX */
};
/* permissions: words separated by blanks; empty = "all"; unknown words are kept. expires_at 0 = never.
 * Result struct alb_key_made. */
enum alb_code alb_library_key_new(struct alb_library *lib, int64_t user_id, struct alb_str name,
                                  struct alb_str permissions, int64_t expires_at, struct alb_future **future,
                                  struct alb_err *err) ALB_MUST_CHECK;
/* Keys of one user, or of all (user_id 0: the caller is the command line or an administrator). */
enum alb_code alb_library_key_list(struct alb_library *lib, int64_t user_id, struct alb_arena *a,
                                   struct alb_key **list, size_t *count, struct alb_err *err) ALB_MUST_CHECK;
/* By id; owner 0 = any user's. NOT_FOUND if there is none; revoking twice is fine. */
enum alb_code alb_library_key_revoke(struct alb_library *lib, int64_t owner, int64_t key_id,
                                     struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;

/* ---- users ---- */

struct alb_user_new {
    struct alb_str name, email, password; /* email and password may be empty (no sign-in until one is set) */
    enum alb_role role;
    int level;           /* administrators: 8 */
    int64_t quota_bytes; /* -1 = none */
    bool should_change_password;
};
/* CONFLICT if the name or e-mail is taken (without regard to case). Result alb_done. */
enum alb_code alb_library_user_add(struct alb_library *lib, const struct alb_user_new *user,
                                   struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;
/* Also ends the user's sessions except `keep_session` (0 = none). Result alb_done. */
enum alb_code alb_library_user_password(struct alb_library *lib, int64_t user_id, struct alb_str password,
                                        int64_t keep_session, struct alb_future **future,
                                        struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_library_user_list(struct alb_library *lib, struct alb_arena *a, struct alb_user **list,
                                    size_t *count, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_library_user_get(struct alb_library *lib, int64_t id, struct alb_arena *a,
                                   struct alb_user *out, struct alb_err *err) ALB_MUST_CHECK;
/* By name or e-mail, case folded. */
enum alb_code alb_library_user_find(struct alb_library *lib, struct alb_str login, struct alb_arena *a,
                                    struct alb_user *out, struct alb_err *err) ALB_MUST_CHECK;

#endif
