/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /search/metadata. Pages are counted by the client (page, size), in the stable order of the library.
 */
#include <stdio.h>
#include <string.h>

#include "doors/immich/door.h"
#include "library/search.h"

static bool take_time(const json_t *body, const char *key, int64_t *out)
{
    struct alb_str text = alb_immich_text(body, key);
    return !text.p || alb_time_rfc3339_parse(text.p, text.n, out, NULL);
}

/* The key that was not understood, or NULL. */
static const char *take_times(const json_t *body, struct alb_search *q)
{
    const struct {
        const char *key;
        int64_t *to;
    } times[] = {{"takenAfter", &q->taken_after},     {"takenBefore", &q->taken_before},
                 {"createdAfter", &q->created_after}, {"createdBefore", &q->created_before},
                 {"updatedAfter", &q->updated_after}, {"updatedBefore", &q->updated_before},
                 {"trashedAfter", &q->trashed_after}, {"trashedBefore", &q->trashed_before}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(times); i++)
        if (!take_time(body, times[i].key, times[i].to))
            return times[i].key;
    return NULL;
}

static void take_texts(const json_t *body, struct alb_search *q)
{
    const struct {
        const char *key;
        struct alb_str *to;
    } texts[] = {{"make", &q->make},
                 {"model", &q->model},
                 {"lensModel", &q->lens},
                 {"city", &q->city},
                 {"state", &q->state},
                 {"country", &q->country},
                 {"originalFileName", &q->name},
                 {"description", &q->description},
                 {"query", &q->text},
                 {"deviceId", &q->device_id},
                 {"deviceAssetId", &q->device_asset_id}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(texts); i++) {
        struct alb_str v = alb_immich_text(body, texts[i].key);
        if (v.n > 0)
            *texts[i].to = v;
    }
}

static void take_flags(const json_t *body, struct alb_search *q)
{
    bool flag;
    if (alb_immich_flag(body, "isFavorite", &flag))
        q->favorite = flag;
    if (alb_immich_flag(body, "isNotInAlbum", &flag) && flag)
        q->in_album = 0;
    if (alb_immich_flag(body, "isMotion", &flag))
        q->has_live = flag;
    if (alb_immich_flag(body, "withDeleted", &flag))
        q->with_trashed = flag;
    struct alb_str type = alb_immich_text(body, "type");
    if (alb_str_eq_c(type, "IMAGE"))
        q->kind = ALB_KIND_IMAGE;
    if (alb_str_eq_c(type, "VIDEO"))
        q->kind = ALB_KIND_VIDEO;
    q->ascending = alb_str_eq_c(alb_immich_text(body, "order"), "asc");
    q->with_tags = true;
}

static const char *take_checksum(const json_t *body, struct alb_search *q)
{
    struct alb_str text = alb_immich_text(body, "checksum");
    if (!text.p)
        return NULL;
    q->has_sha1 = text.n == 28 ? alb_b64_decode(text, q->sha1, sizeof(q->sha1), ALB_B64_STD) == ALB_SHA1_LEN
                               : alb_hex_decode(text, q->sha1, sizeof(q->sha1));
    return q->has_sha1 ? NULL : "checksum";
}

static const char *take_numbers(const json_t *body, struct alb_search *q, double *page)
{
    double number;
    enum alb_visibility v;
    struct alb_str word = alb_immich_text(body, "visibility");
    if (word.p && !alb_immich_visibility(word, &v))
        return "visibility";
    if (word.p)
        q->visibility = ALB_VIS_BIT(v);
    if (alb_immich_number(body, "rating", &number)) {
        if (number < -1 || number > 5)
            return "rating";
        q->rating = (int)number;
    }
    if (alb_immich_number(body, "size", &number)) {
        if (number < 1 || number > ALB_SEARCH_PAGE_MAX)
            return "size";
        q->limit = (size_t)number;
    } else {
        q->limit = 250;
    }
    *page = 1;
    if (alb_immich_number(body, "page", page) && (*page < 1 || *page > 1e7))
        return "page";
    q->skip = (size_t)(*page - 1) * q->limit;
    return NULL;
}

/* A filter that is not understood must not become no filter: that would find everything. False: 400 is
 * answered. */
static bool take_list(struct alb_req *req, const json_t *body, const char *key, const struct alb_uuid **ids,
                      size_t *count)
{
    const json_t *list = json_object_get(body, key);
    if (!list || json_is_null(list))
        return true;
    *ids = alb_immich_ids(req, body, key, ALB_SEARCH_LIST_MAX, count);
    if (*ids && *count < json_array_size(list)) {
        alb_res_error(req, ALB_E_INVALID, "albumIds and tagIds are lists of UUIDs");
        return false;
    }
    return *ids != NULL;
}

static bool take_lists(struct alb_req *req, const json_t *body, struct alb_search *q)
{
    const json_t *one = json_object_get(body, "id");
    if (!take_list(req, body, "albumIds", &q->albums, &q->album_count) ||
        !take_list(req, body, "tagIds", &q->tags, &q->tag_count))
        return false;
    if (!one || json_is_null(one))
        return true;
    struct alb_uuid *id = ALB_ARENA_NEW(alb_req_arena(req), struct alb_uuid);
    if (!id || !alb_uuid_parse(alb_immich_text(body, "id"), id)) {
        alb_res_error(req, id ? ALB_E_INVALID : ALB_E_NO_MEMORY, id ? "id is not valid" : NULL);
        return false;
    }
    q->ids = id;
    q->id_count = 1;
    return true;
}

static void write_found(struct alb_json *j, const struct alb_found *f, double page)
{
    char next[24];
    (void)snprintf(next, sizeof(next), "%.0f", page + 1);
    alb_json_object(j);
    alb_json_key(j, "albums");
    alb_json_raw(j, ALB_STR("{\"total\":0,\"count\":0,\"items\":[],\"facets\":[]}"));
    alb_json_key(j, "assets");
    alb_json_object(j);
    alb_json_ki64(j, "total", (int64_t)f->count);
    alb_json_ki64(j, "count", (int64_t)f->count);
    alb_json_key(j, "items");
    alb_json_array(j);
    for (size_t i = 0; i < f->count; i++)
        alb_immich_json_asset(j, &f->assets[i]);
    alb_json_end(j);
    alb_json_key(j, "facets");
    alb_json_array(j);
    alb_json_end(j);
    alb_json_kc(j, "nextPage", f->more ? next : NULL);
    alb_json_end(j);
    alb_json_end(j);
}

enum alb_step alb_immich_search(struct alb_req *req)
{
    const struct alb_door_immich *door = alb_req_ctx(req);
    struct alb_err err = ALB_ERR_INIT;
    struct alb_search q = alb_search_default();
    struct alb_found found;
    struct alb_buf out;
    struct alb_json j;
    struct alb_arena *a ALB_CLEANUP(alb_arena_free) = NULL;
    const json_t *body;
    double page = 1;
    if (!alb_auth_may(req, "asset.read") || !(body = alb_immich_body(req)))
        return ALB_STEP_DONE;
    take_texts(body, &q);
    take_flags(body, &q);
    const char *wrong = take_times(body, &q);
    if (!wrong)
        wrong = take_checksum(body, &q);
    if (!wrong)
        wrong = take_numbers(body, &q, &page);
    if (wrong)
        return alb_immich_bad(req,
                              alb_arena_cstr(alb_req_arena(req),
                                             alb_arena_printf(alb_req_arena(req), "%s is not valid", wrong)));
    if (!take_lists(req, body, &q) || !(a = alb_immich_arena(req)))
        return ALB_STEP_DONE;
    if (alb_library_search(door->auth.library, alb_auth_principal(req), &q, a, &found, &err) != ALB_OK) {
        alb_res_fail(req, &err);
        return ALB_STEP_DONE;
    }
    alb_immich_begin(&j, &out);
    write_found(&j, &found, page);
    return alb_immich_send_packed(req, &out);
}
