/* SPDX-License-Identifier: Apache-2.0
 *
 * POST and PATCH: bytes come in. Steps are short: each takes what has arrived and waits for more.
 */
#include <string.h>

#include "doors/tus/door.h"
#include "doors/tus/metadata.h"

#define OFFSET_TYPE "application/offset+octet-stream"
#define NOTE_MAX ((size_t)64 << 10)
#define TURN_BYTES                                                                                           \
    ((size_t)2 << 20) /* stored in one step at most: about 10 ms, then others have their turn */

static enum alb_step refuse(struct alb_req *req, enum alb_code code, const char *text)
{
    alb_res_error(req, code, text);
    return ALB_STEP_DONE;
}

static bool is_offset_type(const struct alb_req *req)
{
    struct alb_str type = alb_req_header(req, "content-type"), head, rest;
    (void)alb_str_cut(type, ';', &head, &rest);
    return alb_str_eq_ci(alb_str_trim(head), ALB_STR(OFFSET_TYPE));
}

static enum alb_step stored(struct alb_req *req, struct alb_tus *t)
{
    struct alb_upload_view v;
    alb_upload_look(t->session, &v);
    alb_res_status(req, t->created ? 201 : 204);
    if (t->created)
        alb_tus_location_header(req, t);
    alb_tus_offset_header(req, v.offset);
    alb_tus_expires_header(req, v.expires_ms);
    alb_upload_release(&t->session); /* not held while the answer is sent (law 1) */
    return ALB_STEP_DONE;
}

/* The sink has the upload, or has refused it, or has failed for now: then the bytes are safe, unless not even
 * that could be kept. */
static enum alb_step finished(struct alb_req *req, struct alb_tus *t)
{
    struct alb_err err = ALB_ERR_INIT;
    bool there = true;
    if (alb_future_error(t->future, &err) == ALB_OK) {
        alb_res_status(req, t->created ? 201 : 204);
        alb_tus_result_headers(
            req, alb_bytes_view(ALB_CONTAINER_OF(alb_future_result(t->future), struct alb_bytes, obj)));
    } else {
        (void)alb_tus_fail(req, NULL, &err);
        there = !alb_upload_refusal(err.code) && alb_upload_known(t->door->uploads, t->id);
    }
    if (there) {
        alb_tus_offset_header(req, t->length);
        if (t->created)
            alb_tus_location_header(req, t);
    }
    return ALB_STEP_DONE;
}

static enum alb_step finish(struct alb_req *req, struct alb_tus *t)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_upload_view v;
    alb_upload_look(t->session, &v);
    t->length = v.length;
    alb_future_unref(t->future);
    t->future = NULL;
    if (alb_upload_finish(&t->session, &t->future, &err) != ALB_OK)
        return alb_tus_fail(req, t, &err);
    t->stage = ALB_TUS_FINISH;
    alb_req_doing(req, "waiting for the photo to be taken in");
    return alb_req_wait_future(req, t->future, false);
}

/* What has come so far becomes durable, whatever the reason that no more will come. */
static void keep(struct alb_req *req, struct alb_tus *t)
{
    struct alb_err err = ALB_ERR_INIT;
    if (alb_upload_commit(t->session, &err) != ALB_OK)
        alb_req_log_err(req, &err);
}

static enum alb_step stop(struct alb_req *req, struct alb_tus *t, const struct alb_err *why)
{
    keep(req, t);
    return alb_tus_fail(req, t, why);
}

static enum alb_step body_ended(struct alb_req *req, struct alb_tus *t)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_upload_view v;
    alb_upload_look(t->session, &v);
    if (alb_upload_position(t->session) == v.length)
        return finish(req, t);
    if (alb_upload_commit(t->session, &err) != ALB_OK)
        return alb_tus_fail(req, t, &err);
    return stored(req, t);
}

static enum alb_step wait_for_more(struct alb_req *req, struct alb_tus *t)
{
    struct alb_err err = ALB_ERR_INIT;
    if (alb_upload_interrupted(t->session)) {
        (void)alb_fail(&err, ALB_E_CONFLICT, "another request goes on with this upload");
        return stop(req, t, &err);
    }
    return alb_req_wait_body_or(req, alb_upload_interrupt(t->session));
}

static enum alb_step take_body(struct alb_req *req, struct alb_tus *t)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_str piece;
    size_t taken = 0;
    while (taken < TURN_BYTES) {
        switch (alb_req_body_read(req, &piece)) {
        case ALB_BODY_DATA:
            if (alb_upload_append(t->session, alb_upload_position(t->session), piece.p, piece.n, &err) !=
                ALB_OK)
                return stop(req, t, &err);
            alb_req_body_consume(req, piece.n);
            taken += piece.n;
            break;
        case ALB_BODY_AGAIN:
            return wait_for_more(req, t);
        case ALB_BODY_END:
            return body_ended(req, t);
        case ALB_BODY_GONE:
            keep(req, t);
            return alb_tus_body_gone(req, t);
        }
    }
    return wait_for_more(req, t);
}

/* ---- POST ---- */

static enum alb_code parse_creation(struct alb_req *req, struct alb_upload_spec *spec,
                                    struct alb_ingest_hints *hints, struct alb_err *err)
{
    struct alb_str length = alb_req_header(req, "upload-length");
    const struct alb_door_tus *door = alb_req_ctx(req);
    uint64_t n = 0;
    if (!length.p || !alb_str_u64(length, &n) || n > INT64_MAX)
        return alb_fail(err, ALB_E_INVALID, "Upload-Length must be the size of the file in bytes");
    if ((int64_t)n > door->max_bytes)
        return alb_fail(err, ALB_E_TOO_LARGE, "larger than Tus-Max-Size");
    *spec = (struct alb_upload_spec){
        .owner = alb_auth_principal(req)->user_id,
        .length = (int64_t)n,
        .metadata = alb_req_header(req, "upload-metadata"),
    };
    return alb_tus_metadata(spec->metadata, alb_req_arena(req), hints, err);
}

static enum alb_code create(struct alb_req *req, struct alb_tus *t, struct alb_err *err)
{
    struct alb_upload_spec spec;
    struct alb_ingest_hints hints;
    struct alb_buf note = ALB_BUF_INIT(NOTE_MAX);
    struct alb_upload_view v;
    alb_ingest_hints_init(&hints);
    enum alb_code code = parse_creation(req, &spec, &hints, err);
    if (code != ALB_OK)
        return code;
    alb_ingest_hints_pack(&hints, &note);
    code = alb_buf_code(&note);
    if (code != ALB_OK)
        (void)alb_fail(err, code, "Upload-Metadata is too long");
    spec.note = alb_buf_view(&note);
    if (code == ALB_OK)
        code = alb_upload_create(t->door->uploads, &spec, &t->session, err);
    alb_buf_fini(&note);
    if (code != ALB_OK)
        return code;
    alb_upload_look(t->session, &v);
    t->id = alb_arena_str(alb_req_arena(req), v.id);
    t->created = true;
    return alb_arena_code(alb_req_arena(req));
}

enum alb_step alb_tus_post(struct alb_req *req)
{
    struct alb_tus *t = alb_tus_of(req);
    struct alb_err err = ALB_ERR_INIT;
    if (!t)
        return ALB_STEP_DONE;
    if (t->stage == ALB_TUS_FINISH)
        return finished(req, t);
    if (t->stage == ALB_TUS_BODY)
        return take_body(req, t);
    if (!alb_tus_version_ok(req) || !alb_auth_may(req, "asset.upload"))
        return ALB_STEP_DONE;
    if (alb_req_content_length(req) != 0 && !is_offset_type(req))
        return refuse(req, ALB_E_UNSUPPORTED, "a body must be " OFFSET_TYPE);
    if (create(req, t, &err) != ALB_OK)
        return alb_tus_fail(req, t, &err);
    t->stage = ALB_TUS_BODY;
    return take_body(req, t);
}

/* ---- PATCH ---- */

static enum alb_step at_wrong_offset(struct alb_req *req, struct alb_tus *t, const struct alb_upload_view *v)
{
    alb_res_error(req, ALB_E_CONFLICT, "Upload-Offset is not where the upload stands");
    alb_tus_offset_header(req, v->offset);
    alb_upload_release(&t->session);
    return ALB_STEP_DONE;
}

static enum alb_step patch_begin(struct alb_req *req, struct alb_tus *t)
{
    struct alb_upload_view v;
    uint64_t offset = 0;
    alb_upload_look(t->session, &v);
    if (!alb_str_u64(alb_req_header(req, "upload-offset"), &offset) || offset > INT64_MAX) {
        alb_upload_release(&t->session);
        return refuse(req, ALB_E_INVALID, "Upload-Offset must say where the body begins");
    }
    if (v.state == ALB_UPLOAD_REJECTED)
        return finish(req, t); /* answers at once with what was kept */
    if ((int64_t)offset != v.offset)
        return at_wrong_offset(req, t, &v);
    if (v.state != ALB_UPLOAD_OPEN)
        return finish(req, t);
    return take_body(req, t);
}

enum alb_step alb_tus_patch(struct alb_req *req)
{
    struct alb_tus *t = alb_tus_of(req);
    enum alb_step step;
    if (!t)
        return ALB_STEP_DONE;
    if (t->stage == ALB_TUS_FINISH)
        return finished(req, t);
    if (t->stage == ALB_TUS_BODY)
        return take_body(req, t);
    if (t->stage == ALB_TUS_BEGIN) {
        if (!alb_tus_version_ok(req) || !alb_auth_may(req, "asset.upload"))
            return ALB_STEP_DONE;
        if (!is_offset_type(req))
            return refuse(req, ALB_E_UNSUPPORTED, "the body must be " OFFSET_TYPE);
    }
    if (alb_tus_acquire(req, t, ALB_UPLOAD_WRITE, &step))
        return step;
    return patch_begin(req, t);
}
