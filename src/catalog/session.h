/* SPDX-License-Identifier: Apache-2.0
 *
 * Credentials: sessions, API keys, share links. Only SHA-256 hashes of tokens come here.
 */
#ifndef ALB_CATALOG_SESSION_H
#define ALB_CATALOG_SESSION_H

#include "catalog/catalog.h"
#include "catalog/types.h"

struct alb_session {
    int64_t id;
    struct alb_uuid uuid;
    int64_t user_id, created_at, last_used_at, expires_at;
    struct alb_str type, os, app, address;
};
struct alb_key {
    int64_t id;
    struct alb_uuid uuid;
    int64_t user_id;
    struct alb_str name, prefix, permissions; /* prefix: the first characters, to recognise it */
    int64_t created_at, updated_at, last_used_at, expires_at, revoked_at; /* 0 = never / not */
};

/* What a token stands for. */
struct alb_token_row {
    int64_t id, user_id;
    struct alb_uuid user_uuid;
    int64_t expires_at; /* INT64_MAX = never */
    int64_t elevated_until;
    bool may_download, may_upload, has_password;
    struct alb_str permissions;
    struct alb_str user_name;
    enum alb_role role;
    int level;
};
enum alb_token { ALB_TOKEN_SESSION, ALB_TOKEN_KEY, ALB_TOKEN_SHARE };
/* UNAUTHENTICATED if unknown, expired at now_ms, revoked, or of a deleted user. */
enum alb_code alb_catalog_token(struct alb_snap *s, enum alb_token kind,
                                const unsigned char hash[ALB_SHA256_LEN], int64_t now_ms, struct alb_arena *a,
                                struct alb_token_row *out, struct alb_err *err) ALB_MUST_CHECK;

enum alb_code alb_catalog_session_list(struct alb_snap *s, int64_t user, int64_t now_ms, struct alb_arena *a,
                                       struct alb_session **list, size_t *count,
                                       struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_key_list(struct alb_snap *s, int64_t user /* 0 = all */, struct alb_arena *a,
                                   struct alb_key **list, size_t *count, struct alb_err *err) ALB_MUST_CHECK;

#define ALB_SESSIONS_MAX 1000 /* of one user: a new one ends the one that was used least lately */
/* Takes user_id, expires_at and texts from `row`. */
enum alb_code alb_catalog_session_insert(struct alb_tx *tx, const struct alb_session *row,
                                         const unsigned char hash[ALB_SHA256_LEN], int door, int64_t *id,
                                         struct alb_uuid *uuid, struct alb_err *err) ALB_MUST_CHECK;
/* One by id or UUID (the user's own), or all of the user's except `keep`. *count: how many ended. */
enum alb_code alb_catalog_session_end(struct alb_tx *tx, int64_t user, int64_t id, int64_t *count,
                                      struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_session_end_uuid(struct alb_tx *tx, int64_t user, const struct alb_uuid *uuid,
                                           int64_t *count, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_session_end_others(struct alb_tx *tx, int64_t user, int64_t keep, int64_t *count,
                                             struct alb_err *err) ALB_MUST_CHECK;
/* One slice; *more: there are more. */
enum alb_code alb_catalog_session_end_expired(struct alb_tx *tx, bool *more,
                                              struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_session_elevate(struct alb_tx *tx, int64_t id, int64_t until_ms,
                                          struct alb_err *err) ALB_MUST_CHECK;
/* Written behind: last use, and for sessions the new end. */
enum alb_code alb_catalog_token_used(struct alb_tx *tx, enum alb_token kind, int64_t id, int64_t at_ms,
                                     int64_t expires_at, struct alb_err *err) ALB_MUST_CHECK;

/* Takes user_id, name, prefix, permissions, expires_at from `row`. */
enum alb_code alb_catalog_key_insert(struct alb_tx *tx, const struct alb_key *row,
                                     const unsigned char hash[ALB_SHA256_LEN], int64_t *id,
                                     struct alb_uuid *uuid, struct alb_err *err) ALB_MUST_CHECK;
/* owner 0 = any. NOT_FOUND if there is no such key; revoking twice is fine. */
enum alb_code alb_catalog_key_revoke(struct alb_tx *tx, int64_t owner, int64_t id,
                                     struct alb_err *err) ALB_MUST_CHECK;

struct alb_share_row {
    int64_t user_id, album_id; /* album 0 = the set */
    struct alb_str description;
    int64_t expires_at; /* 0 = never */
    bool may_download, may_upload;
};
enum alb_code alb_catalog_share_insert(struct alb_tx *tx, const struct alb_share_row *row,
                                       const unsigned char hash[ALB_SHA256_LEN], int64_t *id,
                                       struct alb_uuid *uuid, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_share_add(struct alb_tx *tx, int64_t share, int64_t asset,
                                    struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_catalog_share_end(struct alb_tx *tx, int64_t owner, int64_t id,
                                    struct alb_err *err) ALB_MUST_CHECK;

#endif
