/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "doors/immich/door.h"

#define VALUES_MAX 131072 /* ALB_BULK_MAX ids and room to spare */

/* ---- writes ---- */

static void drop_future(void *future)
{
    alb_future_unref(future);
}

enum alb_step alb_immich_wait(struct alb_req *req, enum alb_code code, struct alb_future *future,
                              const struct alb_err *err)
{
    if (code != ALB_OK) {
        alb_res_fail(req, err);
        return ALB_STEP_DONE;
    }
    alb_req_set_slot(req, future);
    if (!alb_arena_defer(alb_req_arena(req), drop_future, future)) {
        alb_res_error(req, ALB_E_NO_MEMORY, NULL);
        return ALB_STEP_DONE;
    }
    alb_req_doing(req, "waiting for the catalog");
    return alb_req_wait_future(req, future, false);
}

bool alb_immich_waited(struct alb_req *req, struct alb_obj **result)
{
    struct alb_future *future = alb_req_slot(req);
    struct alb_err err = ALB_ERR_INIT;
    *result = NULL;
    if (!future)
        return false;
    if (alb_future_error(future, &err) != ALB_OK)
        alb_res_fail(req, &err);
    else
        *result = alb_future_result(future);
    return true;
}

/* ---- requests ---- */

static void drop_json(void *json)
{
    json_decref(json);
}

/* A parsed value costs about a hundred bytes, a comma costs one: bounded before parsing (law 7). Marks inside
 * of strings count too, which is on the safe side. */
static bool has_too_many_values(struct alb_str body)
{
    size_t n = 0;
    for (size_t i = 0; i < body.n; i++)
        n += body.p[i] == ',' || body.p[i] == '[' || body.p[i] == '{';
    return n > VALUES_MAX;
}

const json_t *alb_immich_body(struct alb_req *req)
{
    struct alb_str body = alb_req_body(req);
    json_error_t why;
    if (has_too_many_values(body)) {
        alb_res_error(req, ALB_E_TOO_LARGE, "The body has too many values");
        return NULL;
    }
    json_t *json = json_loadb(body.p ? body.p : "", body.n, JSON_REJECT_DUPLICATES, &why);
    if (!json || !json_is_object(json)) {
        json_decref(json);
        alb_res_error(req, ALB_E_INVALID, "The body must be a JSON object");
        return NULL;
    }
    if (!alb_arena_defer(alb_req_arena(req), drop_json, json)) {
        alb_res_error(req, ALB_E_NO_MEMORY, NULL);
        return NULL;
    }
    return json;
}

struct alb_str alb_immich_text(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_string(v) ? alb_str_n(json_string_value(v), json_string_length(v)) : ALB_STR_NONE;
}

bool alb_immich_flag(const json_t *o, const char *key, bool *out)
{
    const json_t *v = json_object_get(o, key);
    if (!json_is_boolean(v))
        return false;
    *out = json_is_true(v);
    return true;
}

bool alb_immich_number(const json_t *o, const char *key, double *out)
{
    const json_t *v = json_object_get(o, key);
    if (!json_is_number(v))
        return false;
    *out = json_number_value(v);
    return true;
}

const struct alb_uuid *alb_immich_ids(struct alb_req *req, const json_t *o, const char *key, size_t max,
                                      size_t *count)
{
    const json_t *list = json_object_get(o, key);
    size_t n = json_array_size(list);
    *count = 0;
    if (!json_is_array(list) || n > max) {
        alb_res_error(req, ALB_E_INVALID,
                      json_is_array(list) ? "Too many ids in one request" : "ids must be an array");
        return NULL;
    }
    struct alb_uuid *ids = alb_arena_calloc(alb_req_arena(req), n + 1, sizeof(*ids));
    if (!ids) {
        alb_res_error(req, ALB_E_NO_MEMORY, NULL);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);
        if (json_is_string(v) &&
            alb_uuid_parse(alb_str_n(json_string_value(v), json_string_length(v)), &ids[*count]))
            (*count)++;
    }
    return ids;
}

bool alb_immich_query_flag(struct alb_req *req, const char *key, bool *out)
{
    struct alb_str v;
    if (!alb_req_query_get(req, key, &v))
        return false;
    *out = alb_str_eq_c(v, "true") || alb_str_eq_c(v, "1");
    return true;
}

bool alb_immich_query_uuid(struct alb_req *req, const char *key, struct alb_uuid *out)
{
    struct alb_str v;
    return alb_req_query_get(req, key, &v) && alb_uuid_parse(v, out);
}

bool alb_immich_path_id(struct alb_req *req, struct alb_uuid *out)
{
    if (alb_uuid_parse(alb_req_param(req, "id"), out))
        return true;
    alb_res_error(req, ALB_E_NOT_FOUND, "Asset not found");
    return false;
}

static const char *const visibility_words[ALB_VIS_COUNT] = {
    [ALB_VIS_TIMELINE] = "timeline",
    [ALB_VIS_ARCHIVE] = "archive",
    [ALB_VIS_HIDDEN] = "hidden",
    [ALB_VIS_LOCKED] = "locked",
};

bool alb_immich_visibility(struct alb_str word, enum alb_visibility *out)
{
    for (unsigned v = 0; v < ALB_VIS_COUNT; v++)
        if (alb_str_eq_c(word, visibility_words[v])) {
            *out = (enum alb_visibility)v;
            return true;
        }
    return false;
}

const char *alb_immich_visibility_word(enum alb_visibility v)
{
    return (unsigned)v < ALB_VIS_COUNT ? visibility_words[v] : "timeline";
}

/* ---- answers ---- */

struct alb_arena *alb_immich_arena(struct alb_req *req)
{
    struct alb_arena *a = alb_arena_new(ALB_IMMICH_LIST_ARENA);
    if (!a)
        alb_res_error(req, ALB_E_NO_MEMORY, NULL);
    return a;
}

void alb_immich_begin(struct alb_json *j, struct alb_buf *out)
{
    alb_buf_init(out, ALB_IMMICH_ANSWER_MAX);
    alb_json_init(j, out);
}

static void describe(struct alb_req *req, int status)
{
    alb_res_status(req, status);
    alb_res_type(req, "application/json; charset=utf-8");
    alb_res_header_c(req, "Cache-Control", "no-cache, no-store, must-revalidate");
}

enum alb_step alb_immich_send_packed(struct alb_req *req, struct alb_buf *out)
{
    describe(req, 200);
    alb_res_buf_packed(req, out);
    alb_buf_fini(out);
    return ALB_STEP_DONE;
}

enum alb_step alb_immich_send(struct alb_req *req, int status, struct alb_buf *out)
{
    describe(req, status);
    alb_res_buf(req, out);
    alb_buf_fini(out);
    return ALB_STEP_DONE;
}

enum alb_step alb_immich_no_content(struct alb_req *req)
{
    alb_res_status(req, 204);
    return ALB_STEP_DONE;
}

enum alb_step alb_immich_bad(struct alb_req *req, const char *text)
{
    alb_res_error(req, ALB_E_INVALID, text);
    return ALB_STEP_DONE;
}

void alb_immich_json_uuid(struct alb_json *j, const char *key, const struct alb_uuid *u)
{
    char text[37];
    alb_uuid_text(u, text);
    alb_json_kc(j, key, text);
}

void alb_immich_json_time(struct alb_json *j, const char *key, int64_t wall_ms)
{
    char text[25];
    if (wall_ms == 0) {
        alb_json_knull(j, key);
        return;
    }
    alb_time_rfc3339(wall_ms, text);
    alb_json_kc(j, key, text);
}

void alb_immich_json_b64(struct alb_json *j, const char *key, struct alb_str bytes)
{
    struct alb_buf text = ALB_BUF_INIT(4096);
    if (bytes.n > 0)
        alb_b64_encode(&text, bytes.p, bytes.n, ALB_B64_STD);
    if (bytes.n == 0 || alb_buf_code(&text) != ALB_OK)
        alb_json_knull(j, key);
    else
        alb_json_kstr(j, key, alb_buf_view(&text));
    alb_buf_fini(&text);
}
