/* SPDX-License-Identifier: Apache-2.0
 *
 * Upload-Concat: partial uploads, and final ones that the upload room puts together. The POST waits for the
 * end up to a limit; then it answers 201, and HEAD tells when it is done.
 */
#include "doors/tus/door.h"

#define WAIT_NS (10 * ALB_NS_PER_S)

enum alb_tus_word alb_tus_concat_parse(struct alb_req *req, struct alb_tus *t)
{
    struct alb_arena *a = alb_req_arena(req);
    struct alb_buf ids = ALB_BUF_INIT((size_t)UINT16_MAX);
    struct alb_str urls, id;
    bool broken = false;
    size_t count = 0;

    if (!alb_tus_has_header(req, "upload-concat"))
        return ALB_TUS_FINE;
    if (t->door->options.no_concatenation)
        return ALB_TUS_NO_CONCAT;
    switch (alb_concat_kind(alb_tus_field(req, "upload-concat"), &urls)) {
    case ALB_CONCAT_NONE:
    case ALB_CONCAT_BROKEN:
        return ALB_TUS_BAD_CONCAT;
    case ALB_CONCAT_PARTIAL:
        t->spec.kind = ALB_UPLOAD_PARTIAL;
        return ALB_TUS_FINE;
    case ALB_CONCAT_FINAL:
        break;
    }
    if (alb_tus_has_header(req, "upload-length") && !t->door->options.like_tusd)
        return ALB_TUS_BAD_LENGTH;
    while (alb_concat_next(&urls, alb_str_c(t->door->options.base), a, &id, &broken)) {
        if (count++ > 0)
            alb_buf_c(&ids, " ");
        alb_buf_str(&ids, id);
    }
    bool fits = !broken && count > 0 && count <= ALB_UPLOAD_PARTS_MAX && alb_buf_code(&ids) == ALB_OK;
    t->spec.kind = ALB_UPLOAD_FINAL;
    t->spec.length = ALB_UPLOAD_DEFERRED;
    t->spec.parts = alb_arena_str(a, alb_buf_view(&ids));
    alb_buf_fini(&ids);
    return fits ? ALB_TUS_FINE : ALB_TUS_BAD_CONCAT;
}

/* tusd knows no concatenation-unfinished. */
enum alb_tus_word alb_tus_concat_look(struct alb_tus *t)
{
    const int64_t max = alb_tus_max_bytes(t->door);
    struct alb_str rest = t->spec.parts, id;
    struct alb_upload_brief brief;
    int64_t sum = 0;

    while (alb_str_next(&rest, ' ', &id)) {
        if (alb_upload_brief(t->door->uploads, id, t->owner, &brief, NULL) != ALB_OK)
            return ALB_TUS_NOT_FOUND;
        if (brief.kind != ALB_UPLOAD_PARTIAL)
            return ALB_TUS_BAD_CONCAT;
        if (t->door->options.like_tusd && brief.state != ALB_UPLOAD_COMPLETE)
            return ALB_TUS_UNFINISHED_PART;
        if (brief.length < 0)
            sum = ALB_UPLOAD_DEFERRED;
        else if (sum >= 0 && __builtin_add_overflow(sum, brief.length, &sum))
            return ALB_TUS_TOO_LARGE;
    }
    t->length = sum;
    return max > 0 && sum > max ? ALB_TUS_TOO_LARGE : ALB_TUS_FINE;
}

/* It goes on without us. */
static enum alb_step answer_running(struct alb_req *req, struct alb_tus *t)
{
    alb_tus_location_header(req, t);
    return alb_tus_done(req, t, 201);
}

static enum alb_step waited(struct alb_req *req, struct alb_tus *t)
{
    struct alb_upload_brief brief;

    if (!alb_future_done(t->future))
        return answer_running(req, t);
    if (alb_upload_brief(t->door->uploads, t->id, t->owner, &brief, NULL) == ALB_OK)
        t->length = t->event.size = brief.length;
    return alb_tus_finished(req, t);
}

enum alb_step alb_tus_concat(struct alb_req *req, struct alb_tus *t)
{
    const int64_t patience = t->door->options.assemble_ns > 0 ? t->door->options.assemble_ns : WAIT_NS;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_upload_view v;

    alb_upload_look(t->session, &v);
    alb_tus_event_of(t, &v, ALB_TUS_POST_CREATE, &t->event);
    t->event.id = t->id;
    t->event.size = t->length;
    t->event.metadata = t->spec.metadata;
    t->event.parts = t->spec.parts;
    t->event.path = t->spec.path;
    alb_future_unref(t->future);
    t->future = NULL;
    alb_tus_notice_begin(req, t);
    if (alb_upload_assemble(&t->session, &t->future, &err) != ALB_OK)
        return alb_tus_fail(req, t, &err);
    t->told = true;
    alb_tus_tell(req, t, &t->event);
    alb_req_wait_until(req, alb_deadline(alb_mono(alb_req_clock(req)), patience));
    return alb_tus_wait(req, t, "waiting for a concatenation", waited);
}
