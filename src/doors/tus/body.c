/* SPDX-License-Identifier: Apache-2.0
 *
 * A body comes in, in either protocol: short steps that take what has arrived and wait for more; then the end
 * of the request, or of the upload.
 */
#include <string.h>

#include "doors/tus/door.h"
#include "ingest/ingest.h"

#define TURN_BYTES                                                                                           \
    ((size_t)2 << 20) /* stored in one step at most: about 10 ms, then others have their turn */
#define SHOWN_BYTES ((int64_t)16 << 20) /* between two 104, at least: each costs two fsyncs */

bool alb_tus_is_piece(const struct alb_req *req, const char *type)
{
    return alb_str_eq_ci(alb_media_type(alb_tus_field(req, "content-type")), alb_str_c(type));
}

/* ---- the end of the upload ---- */

static enum alb_step answer_finished(struct alb_req *req, struct alb_tus *t)
{
    alb_tus_notice_end(t, true);
    if (t->dialect == ALB_TUS_RUFH)
        alb_res_header_set(req, "Upload-Limit", alb_tus_limits(req, t, 0));
    if (t->created)
        alb_tus_made_header(req, t, alb_bytes_view(t->result));
    return alb_tus_done(req, t, t->created ? 201 : 204);
}

/* The sink has the upload, or has refused it, or has failed for now: then the bytes are safe, unless not even
 * that could be kept. */
enum alb_step alb_tus_finished(struct alb_req *req, struct alb_tus *t)
{
    struct alb_err err = ALB_ERR_INIT;

    if (alb_future_error(t->future, &err) == ALB_OK) {
        t->result = ALB_CONTAINER_OF(alb_obj_ref(alb_future_result(t->future)), struct alb_bytes, obj);
        t->event.hook = ALB_TUS_PRE_FINISH;
        t->event.offset = t->length;
        t->told = true; /* also in the answer of a PRE_FINISH that fails */
        alb_tus_result_headers(req, alb_bytes_view(t->result));
        alb_tus_offset_header(req, t->length);
        alb_tus_complete_header(req, t, true);
        return t->over ? answer_finished(req, t) : alb_tus_ask(req, t, &t->event, answer_finished);
    }
    bool refused = alb_upload_refusal(err.code) || err.code == ALB_E_GONE;
    bool there = !refused && alb_upload_known(t->door->uploads, t->id);
    t->told = there;
    enum alb_step step = alb_tus_fail(req, t, &err);
    if (there)
        alb_tus_offset_header(req, t->length);
    alb_tus_complete_header(req, t, refused);
    return step;
}

/* What the client said that the whole must be. Without hashes (struct alb_upload_layout) it is not known. */
static bool whole_is_right(const struct alb_tus *t, const struct alb_digest_whole *whole)
{
    const struct alb_digest_value *value = &whole->value;
    unsigned char is[ALB_HASH_MAX_LEN];

    return !whole->given || !alb_upload_digest(t->session, alb_digest_hash(value->kind), is) ||
           memcmp(is, value->p, value->n) == 0;
}

/* What it wants to hear of the whole; the session is the sink's soon. */
static void say_digest(struct alb_req *req, const struct alb_tus *t, const struct alb_digest_whole *whole)
{
    struct alb_buf out = ALB_BUF_INIT(256);
    unsigned char is[ALB_HASH_MAX_LEN];

    if (t->dialect != ALB_TUS_RUFH || !whole->wanted ||
        !alb_upload_digest(t->session, alb_digest_hash(whole->want), is))
        return;
    alb_digest_field_write(&out, whole->want, is);
    alb_res_header_set(req, "Repr-Digest", alb_buf_view(&out));
    alb_buf_fini(&out);
}

/* Kept for the answer and the hooks: the session is the sink's from now on. */
static void remember(struct alb_req *req, struct alb_tus *t, const struct alb_upload_view *v)
{
    struct alb_arena *a = alb_req_arena(req);

    t->length = v->length;
    if (t->door->hooks == NULL)
        return;
    alb_tus_event_of(t, v, ALB_TUS_PRE_FINISH, &t->event);
    t->event.id = t->id;
    t->event.metadata = alb_arena_str(a, v->metadata);
    t->event.parts = alb_arena_str(a, v->parts);
    t->event.path = alb_arena_str(a, v->path);
}

/* Whether who sends this may do it still. If not, what the request brought goes: it would make the upload whole,
 * and what is durable and whole is finished, by the sweep if by nobody else (U4). The owner goes on with what
 * was there before. */
static enum alb_code may_be_whole(struct alb_req *req, struct alb_tus *t, bool announced, struct alb_err *err)
{
    struct alb_err ours = ALB_ERR_INIT;

    if (t->door->auth.library == NULL || alb_auth_again(req, "asset.upload", err) == ALB_OK)
        return ALB_OK;
    if (announced && alb_upload_rollback(t->session, &ours) != ALB_OK)
        alb_req_log_err(req, &ours);
    return err->code;
}

/* What has come so far becomes durable, its last byte only if who sends it may do that still. */
static enum alb_code commit(struct alb_req *req, struct alb_tus *t, struct alb_err *err)
{
    struct alb_upload_view v;

    alb_upload_look(t->session, &v);
    if (v.state == ALB_UPLOAD_OPEN && alb_upload_position(t->session) == v.length &&
        may_be_whole(req, t, v.announced, err) != ALB_OK)
        return err->code;
    return alb_upload_commit(t->session, err);
}

enum alb_step alb_tus_finish(struct alb_req *req, struct alb_tus *t)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_digest_whole whole;
    struct alb_upload_view v;

    alb_tus_last_progress(req, t);
    alb_upload_look(t->session, &v);
    alb_digest_whole_read(v.note, &whole);
    if (v.state == ALB_UPLOAD_OPEN && may_be_whole(req, t, v.announced, &err) != ALB_OK)
        return alb_tus_fail(req, t, &err);
    if (v.state == ALB_UPLOAD_OPEN && !whole_is_right(t, &whole)) {
        if (alb_upload_terminate(t->session, &err) != ALB_OK)
            return alb_tus_fail(req, t, &err);
        alb_upload_release(&t->session);
        enum alb_step step = alb_tus_refuse(req, t, ALB_TUS_DIGEST_DIFFERS);
        alb_tus_complete_header(req, t, true); /* there is nothing to go on with */
        return step;
    }
    remember(req, t, &v);
    if (v.kind == ALB_UPLOAD_PARTIAL)
        alb_tus_expires_header(req, t, v.expires_ms); /* others do not, once they are whole */
    say_digest(req, t, &whole);
    t->over = v.state == ALB_UPLOAD_FINISHED || v.state == ALB_UPLOAD_REJECTED ||
              (v.state == ALB_UPLOAD_COMPLETE && v.kind == ALB_UPLOAD_PARTIAL);
    alb_future_unref(t->future);
    t->future = NULL;
    alb_tus_notice_begin(req, t);
    if (alb_upload_finish(&t->session, &t->future, &err) != ALB_OK)
        return alb_tus_fail(req, t, &err);
    return alb_tus_wait(req, t, "waiting for the photo to be taken in", alb_tus_finished);
}

/* ---- the end of the request ---- */

/* What has come so far becomes durable, whatever the reason that no more will come; unless it was to be
 * checked as a whole. */
static void keep(struct alb_req *req, struct alb_tus *t)
{
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = t->holding ? alb_upload_rollback(t->session, &err) : ALB_OK;

    t->holding = false;
    alb_tus_last_progress(req, t);
    if (code == ALB_OK)
        code = commit(req, t, &err);
    if (code != ALB_OK)
        alb_req_log_err(req, &err);
}

static enum alb_step refuse_and_keep(struct alb_req *req, struct alb_tus *t, enum alb_tus_word word)
{
    keep(req, t);
    return alb_tus_refuse(req, t, word);
}

/* In RUFH the client says what the last piece is, all bytes alone do not make it. But tus-js-client in its
 * modes for the drafts (interop 5 and 6) never says so when it sends pieces of a file. */
static bool is_last(const struct alb_tus *t, bool all)
{
    if (t->dialect != ALB_TUS_RUFH)
        return all;
    return t->complete || (all && t->interop >= 3 && t->interop <= 6);
}

/* Whether its last byte is there, though the end of the request is not: then the upload is over, and not the
 * client's to finish any more (U4). */
static bool all_is_there(const struct alb_tus *t)
{
    struct alb_upload_view v;

    alb_upload_look(t->session, &v);
    return !t->holding && v.length >= 0 && alb_upload_position(t->session) == v.length && is_last(t, true);
}

static enum alb_step interrupted(struct alb_req *req, struct alb_tus *t)
{
    if (all_is_there(t))
        return alb_tus_finish(req, t);
    return refuse_and_keep(req, t,
                           alb_uploads_stopping(t->door->uploads) ? ALB_TUS_SHUTDOWN : ALB_TUS_INTERRUPTED);
}

/* Nothing of it stays. */
static enum alb_step deactivate(struct alb_req *req, struct alb_tus *t, enum alb_tus_word word)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_upload_view v;
    struct alb_tus_event e;

    alb_tus_alarm_dismiss(&t->alarm);
    alb_upload_look(t->session, &v);
    alb_tus_event_of(t, &v, ALB_TUS_POST_TERMINATE, &e);
    if (alb_upload_terminate(t->session, &err) != ALB_OK)
        return alb_tus_fail(req, t, &err);
    alb_tus_tell(req, t, &e);
    alb_upload_release(&t->session);
    return alb_tus_refuse(req, t, word);
}

enum alb_step alb_tus_past_length(struct alb_req *req, struct alb_tus *t)
{
    struct alb_upload_view v;

    alb_upload_look(t->session, &v);
    if (t->dialect != ALB_TUS_RUFH || v.length < 0)
        return refuse_and_keep(req, t, ALB_TUS_PAST_LENGTH);
    if (t->interop >= 3 && t->interop <= 6)
        return refuse_and_keep(req, t, ALB_TUS_INCONSISTENT);
    t->told = false; /* no Location: there is nothing at it */
    enum alb_step step = deactivate(req, t, ALB_TUS_INCONSISTENT);
    alb_tus_complete_header(req, t, true); /* there is nothing to go on with */
    return step;
}

static enum alb_step append_failed(struct alb_req *req, struct alb_tus *t, const struct alb_err *why)
{
    if (alb_upload_interrupted(t->session))
        return interrupted(req, t);
    if (why->code == ALB_E_TOO_LARGE)
        return alb_tus_past_length(req, t);
    keep(req, t);
    return alb_tus_fail(req, t, why);
}

static enum alb_step stored(struct alb_req *req, struct alb_tus *t)
{
    struct alb_upload_view v;

    alb_tus_last_progress(req, t);
    alb_upload_look(t->session, &v);
    if (t->created)
        alb_tus_location_header(req, t);
    alb_tus_place_headers(req, t, &v);
    alb_upload_release(&t->session); /* not held while the answer is sent (law 1) */
    return alb_tus_done(req, t, t->created ? 201 : 204);
}

static enum alb_tus_word check_digests(struct alb_req *req, struct alb_tus *t)
{
    struct alb_digest_value v;

    if (t->digests.in_trailer) {
        if (!alb_checksum_parse(alb_req_trailer(req, "upload-checksum"), &v))
            return ALB_TUS_BAD_CHECKSUM;
        alb_digests_expect(&t->digests, &v);
    }
    if (alb_digests_hold(&t->digests))
        return ALB_TUS_FINE;
    return t->dialect == ALB_TUS_RUFH ? ALB_TUS_DIGEST_DIFFERS : ALB_TUS_CHECKSUM_DIFFERS;
}

static enum alb_step body_ended(struct alb_req *req, struct alb_tus *t)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_upload_view v;
    int64_t at = alb_upload_position(t->session);

    if (t->holding) {
        enum alb_tus_word word = check_digests(req, t);
        if (word != ALB_TUS_FINE)
            return refuse_and_keep(req, t, word);
        t->holding = false;
    } else if (t->dialect != ALB_TUS_RUFH && alb_req_trailer(req, "upload-checksum").p != NULL) {
        t->holding = true; /* nobody knew: what is not durable yet goes */
        return refuse_and_keep(req, t, ALB_TUS_BAD_CHECKSUM);
    }
    if (t->dialect == ALB_TUS_RUFH && t->complete && alb_upload_declare(t->session, at, &err) != ALB_OK)
        return refuse_and_keep(req, t, ALB_TUS_INCONSISTENT);
    alb_upload_look(t->session, &v);
    if (is_last(t, at == v.length))
        return alb_tus_finish(req, t);
    if (commit(req, t, &err) != ALB_OK)
        return alb_tus_fail(req, t, &err);
    return stored(req, t);
}

enum alb_step alb_tus_no_body(struct alb_req *req, struct alb_tus *t)
{
    return body_ended(req, t);
}

static enum alb_step body_gone(struct alb_req *req, struct alb_tus *t)
{
    if (all_is_there(t))
        return alb_tus_finish(req, t);
    keep(req, t);
    return alb_tus_body_gone(req, t);
}

/* ---- pieces ---- */

static alb_tus_fn more;

static enum alb_step wait_for_more(struct alb_req *req, struct alb_tus *t)
{
    int64_t silence = t->door->options.body_ns, wake_at = ALB_NEVER;

    if (alb_upload_interrupted(t->session))
        return interrupted(req, t);
    if (alb_tus_progress(req, t, &wake_at))
        return deactivate(req, t, ALB_TUS_STOPPED); /* by a hook */
    if (silence > 0 && alb_deadline(t->silent_since, silence) < wake_at)
        wake_at = alb_deadline(t->silent_since, silence);
    if (wake_at != ALB_NEVER)
        alb_req_wait_until(req, wake_at);
    t->next = more;
    return alb_req_wait_body_or(req, t->alarm != NULL ? alb_tus_alarm_future(t->alarm)
                                                      : alb_upload_interrupt(t->session));
}

/* Says how far it has come, of what is durable. */
static enum alb_code show_progress(struct alb_req *req, struct alb_tus *t, struct alb_err *err)
{
    struct alb_upload_view v;
    int64_t at = alb_upload_position(t->session);

    if (t->dialect != ALB_TUS_RUFH || t->holding || at - t->shown_bytes < SHOWN_BYTES)
        return ALB_OK;
    alb_upload_look(t->session, &v);
    if (at == v.length)
        return ALB_OK; /* durable and whole it is finished (U4): first alb_tus_finish asks whether it may be */
    enum alb_code code = alb_upload_commit(t->session, err);
    if (code != ALB_OK)
        return code;
    alb_upload_look(t->session, &v);
    t->shown_bytes = v.offset;
    alb_tus_rufh_interim(req, t, v.offset);
    return ALB_OK;
}

static enum alb_step more(struct alb_req *req, struct alb_tus *t)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_str piece;
    size_t taken = 0;
    int64_t now = alb_mono(alb_req_clock(req));

    while (taken < TURN_BYTES) {
        switch (alb_req_body_read(req, &piece)) {
        case ALB_BODY_DATA:
            if (alb_upload_append(t->session, alb_upload_position(t->session), piece.p, piece.n, &err) !=
                    ALB_OK ||
                show_progress(req, t, &err) != ALB_OK)
                return append_failed(req, t, &err);
            alb_digests_update(&t->digests, piece.p, piece.n);
            alb_req_body_consume(req, piece.n);
            taken += piece.n;
            t->silent_since = now;
            break;
        case ALB_BODY_AGAIN:
            if (t->door->options.body_ns > 0 && now - t->silent_since >= t->door->options.body_ns)
                return all_is_there(t) ? alb_tus_finish(req, t) : refuse_and_keep(req, t, ALB_TUS_SLOW_BODY);
            return wait_for_more(req, t);
        case ALB_BODY_END:
            return body_ended(req, t);
        case ALB_BODY_GONE:
            return body_gone(req, t);
        }
    }
    return wait_for_more(req, t);
}

/* What the headers say of a checksum behind or before the body. tusd looks at neither; but whoever sends one
 * wants it checked. */
static enum alb_tus_word checksum_fields(struct alb_req *req, struct alb_tus *t)
{
    struct alb_str trailers = alb_req_header(req, "trailer"), name;
    struct alb_digest_value v;

    if (t->dialect == ALB_TUS_RUFH)
        return ALB_TUS_FINE;
    if (alb_tus_has_header(req, "upload-checksum")) {
        if (!alb_checksum_parse(alb_tus_field(req, "upload-checksum"), &v))
            return ALB_TUS_BAD_CHECKSUM;
        alb_digests_expect(&t->digests, &v);
        t->holding = true;
        return ALB_TUS_FINE;
    }
    while (trailers.p != NULL && alb_str_next(&trailers, ',', &name)) {
        if (alb_str_eq_ci(alb_str_trim(name), ALB_STR("upload-checksum"))) {
            alb_digests_want(&t->digests, ALB_TUS_CHECKSUM_KINDS); /* it is not said which */
            t->holding = t->digests.in_trailer = true;
        }
    }
    return ALB_TUS_FINE;
}

enum alb_tus_word alb_tus_check_body(struct alb_req *req, struct alb_tus *t, int64_t room)
{
    int64_t body = alb_req_content_length(req);

    if (room >= 0 && body > room)
        return ALB_TUS_PAST_LENGTH;
    return checksum_fields(req, t);
}

enum alb_step alb_tus_take_body(struct alb_req *req, struct alb_tus *t)
{
    struct alb_err err = ALB_ERR_INIT;

    if (t->holding && alb_upload_hold_back(t->session, &err) != ALB_OK)
        return alb_tus_fail(req, t, &err);
    t->silent_since = t->told_at = alb_mono(alb_req_clock(req));
    t->shown_bytes = alb_upload_position(t->session);
    t->told_bytes = 0; /* as in tusd: each body is heard of, also one that brings nothing new */
    return more(req, t);
}
