/* SPDX-License-Identifier: Apache-2.0
 *
 * One asset, many assets, the trash, and the question which of these files you have.
 */
#include <string.h>

#include "doors/immich/door.h"
#include "library/asset.h"

static struct alb_library *library_of(const struct alb_req *req)
{
    const struct alb_door_immich *door = alb_req_ctx(req);
    return door->auth.library;
}

static enum alb_step send_asset(struct alb_req *req, const struct alb_uuid *id)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_asset asset;
    struct alb_buf out;
    struct alb_json j;
    struct alb_arena *a ALB_CLEANUP(alb_arena_free) = alb_immich_arena(req);
    if (!a)
        return ALB_STEP_DONE;
    if (alb_library_asset_get(library_of(req), alb_auth_principal(req), id, a, &asset, &err) != ALB_OK) {
        alb_res_fail(req, &err);
        return ALB_STEP_DONE;
    }
    alb_immich_begin(&j, &out);
    alb_immich_json_asset(&j, &asset);
    return alb_immich_send(req, 200, &out);
}

enum alb_step alb_immich_asset_get(struct alb_req *req)
{
    struct alb_uuid id;
    if (!alb_auth_may(req, "asset.read") || !alb_immich_path_id(req, &id))
        return ALB_STEP_DONE;
    return send_asset(req, &id);
}

/* ---- PUT /assets/{id} ---- */

static void state(struct alb_layer *l, enum alb_field f)
{
    l->stated |= ALB_FIELD_BIT(f);
}

/* Year 1 is how some clients say "unknown". */
static bool take_date(struct alb_str text, struct alb_layer *l)
{
    int64_t utc;
    int offset;
    if (!alb_time_rfc3339_parse(text.p, text.n, &utc, &offset))
        return false;
    if (alb_str_starts(text, ALB_STR("0001-")))
        return true;
    state(l, ALB_FIELD_CAPTURE);
    l->capture = alb_capture_utc(utc, !alb_str_ends_ci(text, ALB_STR("z")), offset);
    return true;
}

static const char *take_place(const json_t *body, struct alb_layer *l)
{
    double latitude, longitude;
    bool has_latitude = alb_immich_number(body, "latitude", &latitude);
    bool has_longitude = alb_immich_number(body, "longitude", &longitude);
    if (!has_latitude && !has_longitude)
        return NULL;
    if (!has_latitude || !has_longitude || latitude < -90 || latitude > 90 || longitude < -180 ||
        longitude > 180)
        return "latitude and longitude belong together: -90 to 90, -180 to 180";
    state(l, ALB_FIELD_GPS);
    l->latitude = latitude;
    l->longitude = longitude;
    return NULL;
}

static const char *take_rating(const json_t *body, struct alb_asset_update *u)
{
    double rating;
    if (json_is_null(json_object_get(body, "rating"))) {
        u->forget |= ALB_FIELD_BIT(ALB_FIELD_RATING);
        return NULL;
    }
    if (!alb_immich_number(body, "rating", &rating))
        return NULL;
    if (rating < -1 || rating > 5 || rating != (double)(int)rating)
        return "rating must be a whole number from -1 to 5";
    state(&u->values, ALB_FIELD_RATING);
    u->values.rating = (int)rating;
    return NULL;
}

/* What is wrong with the body, or NULL. Keys that are not known are ignored, as clients send many. */
static const char *take_update(const json_t *body, struct alb_asset_update *u)
{
    struct alb_str text;
    enum alb_visibility v;
    bool flag;
    *u =
        (struct alb_asset_update){.favorite = -1, .visibility = -1, .level = -1, .if_rev = ALB_ASSET_ANY_REV};
    if (alb_immich_flag(body, "isFavorite", &flag))
        u->favorite = flag;
    if (alb_immich_flag(body, "isArchived", &flag))
        u->visibility = flag ? ALB_VIS_ARCHIVE : ALB_VIS_TIMELINE;
    text = alb_immich_text(body, "visibility");
    if (text.p && !alb_immich_visibility(text, &v))
        return "visibility must be timeline, archive, hidden or locked";
    if (text.p)
        u->visibility = (int)v;
    text = alb_immich_text(body, "description");
    if (text.p) {
        state(&u->values, ALB_FIELD_DESCRIPTION);
        u->values.description = text;
        if (text.n == 0)
            u->values.empty |= ALB_FIELD_BIT(ALB_FIELD_DESCRIPTION);
    }
    text = alb_immich_text(body, "dateTimeOriginal");
    if (text.p && !take_date(text, &u->values))
        return "dateTimeOriginal must be a time such as 2024-07-01T12:00:00+02:00";
    const char *wrong = take_place(body, &u->values);
    return wrong ? wrong : take_rating(body, u);
}

enum alb_step alb_immich_asset_put(struct alb_req *req)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_future *future = NULL;
    struct alb_obj *result;
    struct alb_asset_update update;
    struct alb_uuid id;
    if (!alb_immich_path_id(req, &id))
        return ALB_STEP_DONE;
    if (alb_immich_waited(req, &result))
        return result ? send_asset(req, &id) : ALB_STEP_DONE;
    if (!alb_auth_may(req, "asset.update"))
        return ALB_STEP_DONE;
    const json_t *body = alb_immich_body(req);
    if (!body)
        return ALB_STEP_DONE;
    const char *wrong = take_update(body, &update);
    if (wrong)
        return alb_immich_bad(req, wrong);
    enum alb_code code =
        alb_library_asset_update(library_of(req), alb_auth_principal(req), &id, &update, &future, &err);
    return alb_immich_wait(req, code, future, &err);
}

/* ---- many at once ---- */

static enum alb_step bulk(struct alb_req *req, enum alb_bulk_action action, int64_t value, const json_t *body)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_future *future = NULL;
    size_t count;
    const struct alb_uuid *ids = alb_immich_ids(req, body, "ids", ALB_BULK_MAX, &count);
    if (!ids)
        return ALB_STEP_DONE;
    enum alb_code code = alb_library_bulk(library_of(req), alb_auth_principal(req), ALB_DOOR_IMMICH, action,
                                          value, ids, count, &future, &err);
    return alb_immich_wait(req, code, future, &err);
}

/* PUT /assets {ids, isFavorite | visibility}: one thing at a time, as clients do. */
enum alb_step alb_immich_assets_put(struct alb_req *req)
{
    struct alb_obj *result;
    enum alb_visibility v;
    bool favorite;
    if (alb_immich_waited(req, &result))
        return result ? alb_immich_no_content(req) : ALB_STEP_DONE;
    if (!alb_auth_may(req, "asset.update"))
        return ALB_STEP_DONE;
    const json_t *body = alb_immich_body(req);
    if (!body)
        return ALB_STEP_DONE;
    struct alb_str word = alb_immich_text(body, "visibility");
    bool has_favorite = alb_immich_flag(body, "isFavorite", &favorite);
    if (word.p && !alb_immich_visibility(word, &v))
        return alb_immich_bad(req, "visibility must be timeline, archive, hidden or locked");
    if (has_favorite == (word.p != NULL))
        return alb_immich_bad(req,
                              "exactly one of isFavorite and visibility can be changed for many at once");
    return has_favorite ? bulk(req, ALB_BULK_FAVORITE, favorite, body)
                        : bulk(req, ALB_BULK_VISIBILITY, (int64_t)v, body);
}

enum alb_step alb_immich_assets_delete(struct alb_req *req)
{
    struct alb_obj *result;
    bool force = false;
    if (alb_immich_waited(req, &result))
        return result ? alb_immich_no_content(req) : ALB_STEP_DONE;
    if (!alb_auth_may(req, "asset.delete"))
        return ALB_STEP_DONE;
    const json_t *body = alb_immich_body(req);
    if (!body)
        return ALB_STEP_DONE;
    (void)alb_immich_flag(body, "force", &force);
    return bulk(req, force ? ALB_BULK_PURGE : ALB_BULK_TRASH, 0, body);
}

static enum alb_step send_count(struct alb_req *req, const struct alb_obj *result)
{
    const struct alb_bulk *b = (const struct alb_bulk *)(const void *)result;
    struct alb_buf out;
    struct alb_json j;
    alb_immich_begin(&j, &out);
    alb_json_object(&j);
    alb_json_ki64(&j, "count", b->done);
    alb_json_end(&j);
    return alb_immich_send(req, 200, &out);
}

enum alb_step alb_immich_trash_restore(struct alb_req *req)
{
    struct alb_obj *result;
    if (alb_immich_waited(req, &result))
        return result ? send_count(req, result) : ALB_STEP_DONE;
    if (!alb_auth_may(req, "asset.delete"))
        return ALB_STEP_DONE;
    const json_t *body = alb_immich_body(req);
    return body ? bulk(req, ALB_BULK_RESTORE, 0, body) : ALB_STEP_DONE;
}

static enum alb_step whole_trash(struct alb_req *req, bool restore)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_future *future = NULL;
    struct alb_obj *result;
    if (alb_immich_waited(req, &result))
        return result ? send_count(req, result) : ALB_STEP_DONE;
    if (!alb_auth_may(req, "asset.delete"))
        return ALB_STEP_DONE;
    enum alb_code code =
        alb_library_trash_all(library_of(req), alb_auth_principal(req), restore, &future, &err);
    return alb_immich_wait(req, code, future, &err);
}

enum alb_step alb_immich_trash_restore_all(struct alb_req *req)
{
    return whole_trash(req, true);
}

enum alb_step alb_immich_trash_empty(struct alb_req *req)
{
    return whole_trash(req, false);
}

/* ---- POST /assets/bulk-upload-check {assets: [{id, checksum}]} ---- */

/* SHA-1 as 40 hex digits, or as base64 (28 characters). */
static bool parse_sha1(struct alb_str text, unsigned char out[ALB_SHA1_LEN])
{
    if (text.n == 28)
        return alb_b64_decode(text, out, ALB_SHA1_LEN, ALB_B64_STD) == ALB_SHA1_LEN;
    return text.n == 2 * ALB_SHA1_LEN && alb_hex_decode(text, out, ALB_SHA1_LEN);
}

/* What lies in the trash stays as it is; else a damaged original is what the upload is welcome for. */
static bool has(const struct alb_sum_answer *answer)
{
    return answer->asset_id != 0 && (answer->trashed || !answer->bad);
}

static void write_check(struct alb_json *j, const json_t *list, const struct alb_sum_answer *answers)
{
    alb_json_object(j);
    alb_json_key(j, "results");
    alb_json_array(j);
    for (size_t i = 0; i < json_array_size(list); i++) {
        alb_json_object(j);
        alb_json_kstr(j, "id", alb_immich_text(json_array_get(list, i), "id"));
        alb_json_kc(j, "action", has(&answers[i]) ? "reject" : "accept");
        if (has(&answers[i])) {
            alb_json_kc(j, "reason", "duplicate");
            alb_immich_json_uuid(j, "assetId", &answers[i].uuid);
            alb_json_kbool(j, "isTrashed", answers[i].trashed);
        }
        alb_json_end(j);
    }
    alb_json_end(j);
    alb_json_end(j);
}

enum alb_step alb_immich_bulk_check(struct alb_req *req)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_sum_answer *answers = NULL;
    struct alb_buf out;
    struct alb_json j;
    struct alb_arena *a ALB_CLEANUP(alb_arena_free) = NULL;
    const json_t *body;
    if (!alb_auth_may(req, "asset.upload") || !(body = alb_immich_body(req)) || !(a = alb_immich_arena(req)))
        return ALB_STEP_DONE;
    const json_t *list = json_object_get(body, "assets");
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n > ALB_SUMS_MAX)
        return alb_immich_bad(req, "assets must be an array of at most 5000");
    unsigned char(*sums)[ALB_SHA1_LEN] = alb_arena_calloc(a, n + 1, sizeof(*sums));
    if (!sums) {
        alb_res_error(req, ALB_E_NO_MEMORY, NULL);
        return ALB_STEP_DONE;
    }
    for (size_t i = 0; i < n; i++)
        if (!parse_sha1(alb_immich_text(json_array_get(list, i), "checksum"), sums[i]))
            return alb_immich_bad(req, "checksum must be SHA-1, in hexadecimal or base64");
    if (alb_library_check_sums(library_of(req), alb_auth_principal(req),
                               (const unsigned char(*)[ALB_SHA1_LEN])(uintptr_t)sums, n, a, &answers,
                               &err) != ALB_OK) {
        alb_res_fail(req, &err);
        return ALB_STEP_DONE;
    }
    alb_immich_begin(&j, &out);
    write_check(&j, list, answers);
    return alb_immich_send(req, 200, &out);
}
