/* SPDX-License-Identifier: Apache-2.0
 *
 * PATCH: bytes go on where the upload stands.
 */
#include "doors/tus/door.h"

#define OFFSET_TYPE "application/offset+octet-stream"
#define APPEND_TYPE "application/partial-upload"

/* A length that was left open is said now. */
static enum alb_tus_word declare(struct alb_req *req, struct alb_tus *t, const struct alb_upload_view *v)
{
    struct alb_err err = ALB_ERR_INIT;
    int64_t max = alb_tus_max_bytes(t->door);
    uint64_t length = 0;

    if (!alb_tus_has_header(req, "upload-length"))
        return ALB_TUS_FINE;
    if (!alb_str_u64(alb_tus_field(req, "upload-length"), &length) || length > INT64_MAX)
        return ALB_TUS_BAD_LENGTH;
    if (v->length >= 0)
        return (int64_t)length == v->length ? ALB_TUS_FINE : ALB_TUS_BAD_LENGTH;
    if (max > 0 && (int64_t)length > max)
        return ALB_TUS_TOO_LARGE;
    enum alb_code code = alb_upload_declare(t->session, (int64_t)length, &err);
    if (code == ALB_OK)
        return ALB_TUS_FINE;
    return code == ALB_E_TOO_LARGE ? ALB_TUS_TOO_LARGE : ALB_TUS_BAD_LENGTH;
}

static enum alb_tus_word tus_fields(struct alb_req *req, struct alb_tus *t, const struct alb_upload_view *v)
{
    uint64_t offset = 0;

    if (!alb_str_u64(alb_tus_field(req, "upload-offset"), &offset) || offset > INT64_MAX)
        return ALB_TUS_BAD_OFFSET;
    t->expected = v->offset;
    t->provided = (int64_t)offset;
    if ((int64_t)offset != v->offset && v->state != ALB_UPLOAD_REJECTED)
        return ALB_TUS_WRONG_OFFSET;
    return v->state == ALB_UPLOAD_OPEN ? declare(req, t, v) : ALB_TUS_FINE;
}

/* What the client announces is more than there is left, of an upload of known length. */
static bool is_past_length(const struct alb_req *req, const struct alb_tus *t)
{
    struct alb_upload_view v;

    alb_upload_look(t->session, &v);
    return t->dialect == ALB_TUS_RUFH && v.state == ALB_UPLOAD_OPEN && v.length >= 0 &&
           alb_req_content_length(req) > v.length - v.offset;
}

static enum alb_step begin(struct alb_req *req, struct alb_tus *t)
{
    struct alb_upload_view v;
    int64_t max = alb_tus_max_bytes(t->door);

    alb_upload_look(t->session, &v);
    if (v.kind == ALB_UPLOAD_FINAL)
        return alb_tus_refuse(req, t, ALB_TUS_FINAL_FIXED);
    enum alb_tus_word word =
        t->dialect == ALB_TUS_RUFH ? alb_tus_rufh_append(req, t, &v) : tus_fields(req, t, &v);
    if ((word == ALB_TUS_FINE || word == ALB_TUS_INCONSISTENT) && is_past_length(req, t))
        return alb_tus_past_length(req, t);
    if (word != ALB_TUS_FINE)
        return alb_tus_refuse(req, t, word);
    if (v.state != ALB_UPLOAD_OPEN)
        return alb_tus_finish(req, t); /* it is over: answered with what was kept */
    alb_upload_look(t->session, &v);
    word = alb_tus_check_body(req, t, v.length >= 0 ? v.length - v.offset : max > 0 ? max - v.offset : -1);
    if (word != ALB_TUS_FINE)
        return alb_tus_refuse(req, t, word);
    return alb_tus_take_body(req, t);
}

static bool type_is_right(const struct alb_req *req, const struct alb_tus *t)
{
    if (t->dialect != ALB_TUS_RUFH)
        return alb_tus_is_piece(req, OFFSET_TYPE);
    return (t->interop >= 3 && t->interop <= 5) || alb_tus_is_piece(req, APPEND_TYPE);
}

enum alb_step alb_tus_patch(struct alb_req *req, struct alb_tus *t)
{
    if (!type_is_right(req, t))
        return alb_tus_refuse(req, t, ALB_TUS_BAD_TYPE);
    return alb_tus_acquire(req, t, ALB_UPLOAD_WRITE, begin);
}
