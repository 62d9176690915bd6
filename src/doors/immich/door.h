/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the Immich door share. Private to src/doors/immich.
 *
 * A step that writes goes through twice: first it begins the write and waits for its future, then it answers.
 *     if (alb_immich_waited(req, &result)) ... answer ...
 *     else ... return alb_immich_wait(req, code, future, &err);
 */
#ifndef ALB_DOORS_IMMICH_DOOR_H
#define ALB_DOORS_IMMICH_DOOR_H

#include <jansson.h>

#include "base/codec.h"
#include "base/json.h"
#include "doors/immich/immich.h"
#include "library/asset.h"

#define ALB_IMMICH_LIST_ARENA ((size_t)64 << 20) /* one page of any list */
#define ALB_IMMICH_ANSWER_MAX ((size_t)32 << 20)
#define ALB_IMMICH_BODY_MAX ((uint64_t)4 << 20) /* thousands of ids or checksums */

/* ---- writes ---- */

/* Waits for the write that was begun with `code` (else answers its error). Takes the future. */
enum alb_step alb_immich_wait(struct alb_req *req, enum alb_code code, struct alb_future *future,
                              const struct alb_err *err);
/* False: nothing was begun yet. True: it has ended; *result is its object (borrowed), or NULL after an error
 * that is answered. */
bool alb_immich_waited(struct alb_req *req, struct alb_obj **result);

/* ---- requests ---- */

/* The body as a JSON object; NULL: 400 is answered. Lives as long as the request. */
const json_t *alb_immich_body(struct alb_req *req);
struct alb_str alb_immich_text(const json_t *o, const char *key);      /* p == NULL: absent or no string */
bool alb_immich_flag(const json_t *o, const char *key, bool *out);     /* false: absent or no boolean */
bool alb_immich_number(const json_t *o, const char *key, double *out); /* false: absent or no number */
/* The strings of an array as UUIDs; what is none is skipped. NULL: the array is missing or too long (400 is
 * answered). */
const struct alb_uuid *alb_immich_ids(struct alb_req *req, const json_t *o, const char *key, size_t max,
                                      size_t *count);
bool alb_immich_query_flag(struct alb_req *req, const char *key, bool *out);
bool alb_immich_query_uuid(struct alb_req *req, const char *key, struct alb_uuid *out);
/* {id} of the path; false: 404 is answered. */
bool alb_immich_path_id(struct alb_req *req, struct alb_uuid *out);
bool alb_immich_visibility(struct alb_str word, enum alb_visibility *out);
const char *alb_immich_visibility_word(enum alb_visibility v);

/* ---- answers ---- */

/* An arena for one list: free it (ALB_CLEANUP(alb_arena_free)) when the answer is written, for the client may
 * be slow to read that. NULL: the error is answered. */
struct alb_arena *alb_immich_arena(struct alb_req *req);
void alb_immich_begin(struct alb_json *j, struct alb_buf *out);
/* Sends out (JSON) with the status; empties it. */
enum alb_step alb_immich_send(struct alb_req *req, int status, struct alb_buf *out);
/* The same with 200, packed where the client takes that: lists and details of assets, which hold no secret. */
enum alb_step alb_immich_send_packed(struct alb_req *req, struct alb_buf *out);
enum alb_step alb_immich_no_content(struct alb_req *req);
enum alb_step alb_immich_bad(struct alb_req *req, const char *text);

void alb_immich_json_uuid(struct alb_json *j, const char *key, const struct alb_uuid *u);
void alb_immich_json_time(struct alb_json *j, const char *key, int64_t wall_ms);     /* 0 = null */
void alb_immich_json_b64(struct alb_json *j, const char *key, struct alb_str bytes); /* empty = null */
void alb_immich_json_asset(struct alb_json *j, const struct alb_asset *a);

alb_step_fn alb_immich_login, alb_immich_logout, alb_immich_sign_up, alb_immich_me, alb_immich_key_me;
alb_step_fn alb_immich_config;
alb_hot_fn alb_immich_ping, alb_immich_version, alb_immich_features, alb_immich_media_types, alb_immich_about,
    alb_immich_well_known;
alb_step_fn alb_immich_buckets, alb_immich_bucket, alb_immich_statistics;
alb_step_fn alb_immich_asset_get, alb_immich_asset_put, alb_immich_assets_put, alb_immich_assets_delete,
    alb_immich_trash_restore, alb_immich_trash_restore_all, alb_immich_trash_empty, alb_immich_bulk_check;
alb_step_fn alb_immich_search;
alb_hot_fn alb_immich_thumbnail_hot;
alb_step_fn alb_immich_thumbnail, alb_immich_original, alb_immich_playback;

#endif
