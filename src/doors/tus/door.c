/* SPDX-License-Identifier: Apache-2.0 */
#include "doors/tus/door.h"

#include "ingest/ingest.h"

static void end_state(void *arg)
{
    struct alb_tus *t = arg;
    alb_upload_release(&t->session);
    alb_future_unref(t->future);
}

struct alb_tus *alb_tus_of(struct alb_req *req)
{
    struct alb_tus *t = alb_req_slot(req);
    if (t)
        return t;
    struct alb_arena *a = alb_req_arena(req);
    t = ALB_ARENA_NEW(a, struct alb_tus);
    if (!t || !alb_arena_defer(a, end_state, t)) {
        alb_res_error(req, ALB_E_NO_MEMORY, NULL);
        return NULL;
    }
    t->door = alb_req_ctx(req);
    alb_req_set_slot(req, t);
    return t;
}

bool alb_tus_version_ok(struct alb_req *req)
{
    alb_res_header_set(req, "Tus-Resumable", ALB_STR(ALB_TUS_VERSION));
    alb_res_header_set(req, "X-Content-Type-Options", ALB_STR("nosniff"));
    if (alb_str_eq_c(alb_req_header(req, "tus-resumable"), ALB_TUS_VERSION))
        return true;
    alb_res_error(req, ALB_E_PRECONDITION, "this server speaks Tus-Resumable: " ALB_TUS_VERSION);
    alb_res_header_set(req, "Tus-Version", ALB_STR(ALB_TUS_VERSION));
    return false;
}

void alb_tus_offset_header(struct alb_req *req, int64_t offset)
{
    struct alb_str text = alb_arena_printf(alb_req_arena(req), "%lld", (long long)offset);
    alb_res_header_set(req, "Upload-Offset", text);
}

void alb_tus_expires_header(struct alb_req *req, int64_t expires_ms)
{
    char text[30];
    if (expires_ms <= 0)
        return;
    alb_time_http(expires_ms, text);
    alb_res_header_set(req, "Upload-Expires", alb_arena_str(alb_req_arena(req), alb_str_c(text)));
}

void alb_tus_location_header(struct alb_req *req, const struct alb_tus *t)
{
    struct alb_str base = alb_req_base_url(req);
    alb_res_header_set(req, "Location",
                       alb_arena_printf(alb_req_arena(req), ALB_STR_FMT ALB_TUS_PATH ALB_STR_FMT,
                                        ALB_STR_ARG(base), ALB_STR_ARG(t->id)));
}

void alb_tus_result_headers(struct alb_req *req, struct alb_str result)
{
    struct alb_ingest_result r;
    char uuid[37];
    if (!alb_ingest_result_parse(result, &r))
        return;
    alb_uuid_text(&r.asset, uuid);
    alb_res_header_set(req, "Albumen-Asset", alb_arena_str(alb_req_arena(req), alb_str_c(uuid)));
    alb_res_header_set(req, "Albumen-Result", alb_str_c(alb_ingest_result_word(r.as)));
}

/* What a client may read of a failure. Texts with these codes are written for it, by this door, by upload and
 * by ingest; others may name files or say who has what, and stay in the log. */
static const char *client_text(const struct alb_err *err)
{
    static const enum alb_code open[] = {ALB_E_INVALID, ALB_E_CONFLICT, ALB_E_TOO_LARGE, ALB_E_UNPROCESSABLE};
    for (size_t i = 0; i < ALB_ARRAY_LEN(open); i++)
        if (err->code == open[i] && err->msg[0] != '\0')
            return err->msg;
    return NULL;
}

/* Where the upload stands, behind an error; then it is let go: not held while the answer is sent (law 1). */
static void tell_offset(struct alb_req *req, struct alb_tus *t)
{
    struct alb_upload_view v;
    if (!t || !t->session)
        return;
    alb_upload_look(t->session, &v);
    if (v.announced) {
        alb_tus_offset_header(req, v.offset);
        if (t->created)
            alb_tus_location_header(req, t);
    }
    alb_upload_release(&t->session);
}

enum alb_step alb_tus_fail(struct alb_req *req, struct alb_tus *t, const struct alb_err *err)
{
    alb_req_log_err(req, err);
    alb_res_error(req, err->code, client_text(err));
    tell_offset(req, t);
    return ALB_STEP_DONE;
}

enum alb_step alb_tus_body_gone(struct alb_req *req, struct alb_tus *t)
{
    alb_req_body_refuse(req);
    tell_offset(req, t);
    return ALB_STEP_DONE;
}

static bool load(struct alb_req *req, struct alb_tus *t, enum alb_step *step)
{
    struct alb_err err = ALB_ERR_INIT;
    t->stage = ALB_TUS_BODY;
    if (alb_upload_load(t->session, &err) == ALB_OK)
        return false;
    alb_upload_release(&t->session);
    *step = alb_tus_fail(req, NULL, &err);
    return true;
}

bool alb_tus_acquire(struct alb_req *req, struct alb_tus *t, enum alb_upload_intent intent,
                     enum alb_step *step)
{
    struct alb_err err = ALB_ERR_INIT;
    if (t->stage == ALB_TUS_ACQUIRE)
        return load(req, t, step);
    if (!alb_req_param_decoded(req, "id", &t->id)) {
        alb_res_error(req, ALB_E_NOT_FOUND, NULL);
        *step = ALB_STEP_DONE;
        return true;
    }
    int64_t owner = alb_auth_principal(req)->user_id;
    if (alb_upload_acquire(t->door->uploads, t->id, owner, intent, &t->session, &t->future, &err) != ALB_OK) {
        *step = alb_tus_fail(req, NULL, &err);
        return true;
    }
    if (!t->future)
        return load(req, t, step);
    t->stage = ALB_TUS_ACQUIRE;
    alb_req_doing(req, "waiting for the upload");
    *step = alb_req_wait_future(req, t->future, false);
    return true;
}

enum alb_step alb_tus_head(struct alb_req *req)
{
    struct alb_tus *t = alb_tus_of(req);
    enum alb_step step;
    struct alb_upload_view v;
    if (!t || (t->stage == ALB_TUS_BEGIN && !(alb_tus_version_ok(req) && alb_auth_may(req, "asset.upload"))))
        return ALB_STEP_DONE;
    alb_res_header_set(req, "Cache-Control", ALB_STR("no-store"));
    if (alb_tus_acquire(req, t, ALB_UPLOAD_LOOK, &step))
        return step;
    alb_upload_look(t->session, &v);
    alb_res_status(req, 200);
    alb_tus_offset_header(req, v.offset);
    if (v.length == ALB_UPLOAD_DEFERRED)
        alb_res_header_c(req, "Upload-Defer-Length", "1");
    else
        alb_res_header_i64(req, "Upload-Length", v.length);
    if (v.metadata.n > 0)
        alb_res_header(req, "Upload-Metadata", alb_arena_str(alb_req_arena(req), v.metadata));
    alb_tus_expires_header(req, v.expires_ms);
    if (v.state == ALB_UPLOAD_FINISHED)
        alb_tus_result_headers(req, v.result);
    alb_upload_release(&t->session);
    return ALB_STEP_DONE;
}

enum alb_step alb_tus_delete(struct alb_req *req)
{
    struct alb_tus *t = alb_tus_of(req);
    enum alb_step step;
    struct alb_err err = ALB_ERR_INIT;
    if (!t || (t->stage == ALB_TUS_BEGIN && !(alb_tus_version_ok(req) && alb_auth_may(req, "asset.upload"))))
        return ALB_STEP_DONE;
    if (alb_tus_acquire(req, t, ALB_UPLOAD_TERMINATE, &step))
        return step;
    if (alb_upload_terminate(t->session, &err) != ALB_OK)
        return alb_tus_fail(req, t, &err);
    alb_upload_release(&t->session);
    alb_res_status(req, 204);
    return ALB_STEP_DONE;
}

static enum alb_hot options_hot(struct alb_req *req)
{
    const struct alb_door_tus *door = alb_req_ctx(req);
    alb_res_status(req, 204);
    alb_res_header_c(req, "Tus-Resumable", ALB_TUS_VERSION);
    alb_res_header_c(req, "Tus-Version", ALB_TUS_VERSION);
    alb_res_header_c(req, "Tus-Extension", ALB_TUS_EXTENSIONS);
    alb_res_header_i64(req, "Tus-Max-Size", door->max_bytes);
    (void)alb_res_preflight(req, ALB_M_HEAD | ALB_M_POST | ALB_M_PATCH | ALB_M_DELETE | ALB_M_OPTIONS);
    return ALB_HOT_HIT;
}

/* Plain text, as tus clients show it. */
static void error_text(struct alb_req *req, int status, struct alb_str text)
{
    (void)status;
    alb_res_type(req, "text/plain; charset=utf-8");
    struct alb_str line = alb_arena_printf(alb_req_arena(req), ALB_STR_FMT "\n", ALB_STR_ARG(text));
    alb_res_copy(req, line.p, line.n);
}

static const struct alb_route open_routes[] = {
    {"/files", ALB_M_OPTIONS, ALB_BODY_NONE, 0, 0, options_hot, NULL},
    {"/files/{id*}", ALB_M_OPTIONS, ALB_BODY_NONE, 0, 0, options_hot, NULL},
};

static const struct alb_route routes[] = {
    {"/files", ALB_M_POST, ALB_BODY_STREAM, 0, 0, NULL, alb_tus_post},
    {"/files/", ALB_M_POST, ALB_BODY_STREAM, 0, 0, NULL, alb_tus_post},
    {"/files/{id}", ALB_M_HEAD, ALB_BODY_NONE, ALB_ROUTE_OVERRIDE, 0, NULL, alb_tus_head},
    {"/files/{id}", ALB_M_PATCH, ALB_BODY_STREAM, ALB_ROUTE_OVERRIDE, 0, NULL, alb_tus_patch},
    {"/files/{id}", ALB_M_DELETE, ALB_BODY_NONE, ALB_ROUTE_OVERRIDE, 0, NULL, alb_tus_delete},
};

enum alb_code alb_door_tus(struct alb_http *http, struct alb_door_tus *door, struct alb_err *err)
{
    static struct alb_http_group open_group = {.name = "tus", .error = error_text};
    static struct alb_http_group group = {.name = "tus", .before = alb_auth_require, .error = error_text};
    open_group.ctx = door;
    group.ctx = door;
    enum alb_code code = alb_http_routes(http, &open_group, open_routes, ALB_ARRAY_LEN(open_routes), err);
    if (code == ALB_OK)
        code = alb_http_routes(http, &group, routes, ALB_ARRAY_LEN(routes), err);
    return code;
}
