/* SPDX-License-Identifier: Apache-2.0
 *
 * From complete bytes to the sink and its answer (contract: upload.h, U3, U4).
 *
 *   finish: data fdatasynced; an announced upload is sealed (slot COMPLETE, durable), so that nobody ever
 *           writes to the file again, whatever the sink makes of it and whenever we crash; sink->take gives
 *           a future; its wake puts a task into the io pool;
 *   task:   success: config.finished is called; slot FINISHED with the answer, data removed
 *           refusal: slot REJECTED (durable, before the data is removed)
 *           failure: slot COMPLETE (durable): the sweep or the client tries again
 *           then the session is passed on, and then the door's future ends: who comes back finds it free.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stat.h"
#include "upload/priv.h"

bool alb_upload_refusal(enum alb_code code)
{
    return code == ALB_E_INVALID || code == ALB_E_FORBIDDEN || code == ALB_E_TOO_LARGE ||
           code == ALB_E_UNSUPPORTED || code == ALB_E_UNPROCESSABLE;
}

void alb_upload_witness(struct alb_upload_session *s, struct alb_obj *witness)
{
    alb_obj_unref(s->witness);
    s->witness = alb_obj_ref(witness);
}

void alb_upload_tell_finished(struct alb_upload_session *s)
{
    struct alb_upload_view v;

    if (s->u->finished == NULL)
        return;
    alb_upload_describe_session(s, &v);
    v.offset = v.length;
    s->u->finished(s->u->finished_ctx, &v, s->witness);
}

/* ---- after the sink ---- */

/* Bytes are not kept any more: they do not count, and the file goes. */
static void give_up_bytes(struct alb_upload_session *s)
{
    struct alb_uploads *u = s->u;

    alb_mutex_lock(&u->mtx);
    alb_upload_uncount_locked(u, s->e);
    alb_mutex_unlock(&u->mtx);
    alb_upload_close_files(s);
    alb_upload_remove_data(u, s->e);
}

/* Nothing is remembered of it. The bytes that were appended are counted as a tail that is dropped. */
static void leave_no_trace(struct alb_upload_session *s)
{
    if (s->position > s->slot.offset)
        alb_upload_forget_tail(s);
    alb_upload_close_files(s);
    alb_ignore(alb_upload_remove_files(s->u, s->e, NULL), "removed at start");
    alb_upload_drop_entry(s, ALB_E_GONE);
}

/* Half of the table is for what is unfinished: beyond the other half a finished upload is the sink's to
 * remember, if it can and nobody waits here for the answer. */
static bool leave_to_sink(struct alb_upload_session *s)
{
    struct alb_uploads *u = s->u;

    if (u->sink->recall == NULL || u->sink->keeps_data)
        return false;
    alb_mutex_lock(&u->mtx);
    bool leave = u->known > u->limits.max_count / 2 && s->e->first == NULL;
    if (leave)
        alb_upload_remove_locked(u, s->e);
    alb_mutex_unlock(&u->mtx);
    if (!leave)
        return false;
    alb_upload_close_files(s);
    alb_ignore(alb_upload_remove_files(u, s->e, NULL),
               "at start the sink is asked about it, or it is removed");
    return true;
}

static void taken(struct alb_upload_session *s, struct alb_str result)
{
    struct alb_err err = ALB_ERR_INIT;
    bool forgets = s->u->sink->recall == NULL; /* then our record is the only memory of it */

    alb_stat_inc(ALB_STAT_UPLOADS_FINISHED);
    if (s->transient) {
        leave_no_trace(s);
        return;
    }
    ALB_CHECK(result.n <= ALB_UPLOAD_RESULT_MAX);
    alb_upload_tell_finished(s);
    if (leave_to_sink(s))
        return;
    s->slot.result_n = result.n;
    if (result.n > 0)
        memcpy(s->slot.result, result.p, result.n);
    /* A sealed record need not be fsynced: after a power cut it is COMPLETE, is offered again, and the sink,
     * idempotent by id, gives the same answer. */
    if (alb_upload_save(s, ALB_UPLOAD_FINISHED, forgets && !s->e->announced, &err) != ALB_OK)
        alb_log_err("the answer to an upload is not kept", &err);
    if (s->u->sink->keeps_data) {
        alb_mutex_lock(&s->u->mtx);
        alb_upload_uncount_locked(s->u, s->e);
        alb_mutex_unlock(&s->u->mtx);
    } else {
        give_up_bytes(s);
    }
    if (err.code != ALB_OK && !s->e->announced)
        alb_upload_drop_entry(s, ALB_E_GONE);
}

void alb_upload_reject(struct alb_upload_session *s, const struct alb_err *why)
{
    struct alb_err err = ALB_ERR_INIT;

    alb_stat_inc(ALB_STAT_UPLOADS_REJECTED);
    if (!s->e->announced) {
        leave_no_trace(s);
        return;
    }
    s->slot.rejected = why->code;
    s->slot.reason_n = strnlen(why->msg, sizeof(s->slot.reason));
    memcpy(s->slot.reason, why->msg, s->slot.reason_n);
    if (alb_upload_save(s, ALB_UPLOAD_REJECTED, true, &err) == ALB_OK)
        give_up_bytes(s);
    else
        alb_log_err("the refusal of an upload is not kept",
                    &err); /* it is COMPLETE still, and refused again */
}

static void failed_for_now(struct alb_upload_session *s)
{
    struct alb_err err = ALB_ERR_INIT;

    if (s->transient) {
        leave_no_trace(s);
        return;
    }
    if (s->slot.state == ALB_UPLOAD_COMPLETE)
        return;
    if (alb_upload_save(s, ALB_UPLOAD_COMPLETE, true, &err) == ALB_OK)
        return;
    alb_log_err("the state of an upload is not kept", &err);
    leave_no_trace(s);
}

static void end(struct alb_upload_finishing *f, const struct alb_err *err, struct alb_bytes *result)
{
    struct alb_uploads *u = f->u;
    struct alb_owner title = f->title;

    if (err->code == ALB_OK)
        taken(f->session, alb_bytes_view(result));
    else if (alb_upload_refusal(err->code))
        alb_upload_reject(f->session, err);
    else
        failed_for_now(f->session);
    alb_mutex_lock(&u->mtx);
    *(f->prev != NULL ? &f->prev->next : &u->finishing) = f->next;
    if (f->next != NULL)
        f->next->prev = f->prev;
    u->finishing_n--;
    alb_mutex_unlock(&u->mtx);
    alb_upload_pass_on(f->session);
    if (err->code == ALB_OK)
        (void)alb_future_settle(&title, &alb_bytes_ref(result)->obj);
    else
        (void)alb_future_fail(&title, err);
    alb_future_unref(f->taken);
    alb_bytes_unref(f->sums);
    alb_mem_free(f);
    alb_mutex_lock(&u->mtx);
    if (--u->ends_due == 0)
        alb_cond_broadcast(&u->idle);
    alb_mutex_unlock(&u->mtx);
}

static void after_sink(struct alb_task *task)
{
    struct alb_upload_finishing *f = ALB_CONTAINER_OF(task, struct alb_upload_finishing, task);
    struct alb_err err = ALB_ERR_INIT;
    struct alb_bytes *result = NULL;

    if (alb_future_error(f->taken, &err) == ALB_OK)
        result = ALB_CONTAINER_OF(alb_future_result(f->taken), struct alb_bytes, obj);
    end(f, &err, result);
}

static void sink_done(struct alb_waiter *w, enum alb_wake why)
{
    struct alb_upload_finishing *f = ALB_CONTAINER_OF(w, struct alb_upload_finishing, waiter);

    ALB_CHECK(why == ALB_WAKE_SETTLED); /* no heir */
    alb_pool_resume(f->u->pool, &f->task);
}

/* ---- before the sink ---- */

static enum alb_code seal(struct alb_upload_session *s, struct alb_err *err)
{
    enum alb_code code = ALB_OK;

    if (s->slot.state == ALB_UPLOAD_COMPLETE)
        return ALB_OK;
    code = alb_upload_open_data(s, err);
    if (code == ALB_OK)
        code = alb_upload_sync_data(s, err);
    if (code == ALB_OK && s->head.kind == ALB_UPLOAD_PARTIAL && !s->transient)
        alb_upload_tell_finished(s); /* no sink takes it: this is its end */
    if (code == ALB_OK && s->e->announced)
        code = alb_upload_save(s, ALB_UPLOAD_COMPLETE, true, err);
    if (code != ALB_OK)
        s->spoilt = true;
    return code;
}

static enum alb_code parcel(struct alb_upload_finishing *f, struct alb_err *err)
{
    struct alb_upload_session *s = f->session;
    struct alb_upload_parcel *p = &f->parcel;
    unsigned char digest[ALB_HASH_MAX_LEN];

    if (s->slot.state == ALB_UPLOAD_COMPLETE && s->sums.part_n == 0 && !s->slot.unsummed &&
        s->position % ALB_BLOCK_SIZE != 0) {
        /* loaded as complete: its last sum is in the slot */
        struct alb_buf all = ALB_BUF_INIT(s->sums.done.n + ALB_BLOCK_SUM_LEN);
        unsigned char sum[ALB_BLOCK_SUM_LEN];
        alb_block_sum_put(sum, s->slot.tail_sum);
        alb_buf_str(&all, alb_buf_view(&s->sums.done));
        alb_buf_add(&all, sum, sizeof(sum));
        if (alb_buf_code(&all) == ALB_OK)
            f->sums = alb_bytes_copy(all.p, all.n);
        alb_buf_fini(&all);
    } else {
        f->sums = alb_sums_final(&s->sums);
    }
    if (f->sums == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for block sums");
    alb_upload_data_name(s->u, s->e, f->name);
    *p = (struct alb_upload_parcel){
        .id = s->head.id,
        .owner = s->head.owner,
        .size = s->position,
        .has_md5 = s->head.md5 && !s->u->unhashed,
        .sums = alb_bytes_view(f->sums),
        .metadata = s->head.metadata,
        .note = s->head.note,
        .created_ms = s->head.created_ms,
        .transient = s->transient,
        .dirfd = s->u->dirfd,
        .name = f->name,
        .present = faccessat(s->u->dirfd, f->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0,
    };
    if (s->u->unhashed)
        return ALB_OK;
    (void)alb_hash_final(&s->hashes[0], digest);
    memcpy(p->sha256, digest, sizeof(p->sha256));
    (void)alb_hash_final(&s->hashes[1], digest);
    memcpy(p->sha1, digest, sizeof(p->sha1));
    if (s->head.md5) {
        (void)alb_hash_final(&s->hashes[2], digest);
        memcpy(p->md5, digest, sizeof(p->md5));
    }
    return ALB_OK;
}

/* The future of an end that is known already. */
static enum alb_code done_future(struct alb_upload_session *s, struct alb_future **future,
                                 struct alb_err *err)
{
    struct alb_upload_view v;
    struct alb_owner title;

    alb_upload_look(s, &v);
    struct alb_bytes *result = alb_bytes_copy(v.result.p, v.result.n);
    if (result == NULL || alb_future_new(future, &title) != ALB_OK) {
        alb_bytes_unref(result);
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the end of an upload");
    }
    if (v.state == ALB_UPLOAD_REJECTED) {
        struct alb_err why = ALB_ERR_INIT;
        (void)alb_fail(&why, v.rejected, ALB_STR_FMT, ALB_STR_ARG(v.reason));
        (void)alb_future_fail(&title, &why);
        alb_bytes_unref(result);
    } else {
        (void)alb_future_settle(&title, &result->obj);
    }
    return ALB_OK;
}

static void begin(struct alb_upload_finishing *f)
{
    struct alb_uploads *u = f->u;
    struct alb_err err = ALB_ERR_INIT;

    alb_mutex_lock(&u->mtx);
    f->session->e->finishing = true;
    f->since = alb_mono(u->clock);
    f->next = u->finishing;
    if (f->next != NULL)
        f->next->prev = f;
    u->finishing = f;
    u->finishing_n++;
    u->ends_due++;
    alb_mutex_unlock(&u->mtx);
    alb_upload_close_files(f->session);
    f->task.run = after_sink;
    f->waiter.wake = sink_done;
    if (u->sink->take(u->sink->ctx, &f->parcel, &f->taken, &err) != ALB_OK)
        end(f, &err, NULL);
    else if (!alb_future_wait(f->taken, &f->waiter))
        after_sink(&f->task);
}

static enum alb_code finish_running(struct alb_upload_session *s, struct alb_future **future,
                                    struct alb_err *err)
{
    if (s->spoilt)
        return alb_fail(err, ALB_E_IO, "an earlier write of this session failed");
    if (s->shared)
        return alb_fail(err, ALB_E_CONFLICT, "the upload is put together by the server");
    if (s->length < 0 || s->position != s->length)
        return alb_fail(err, ALB_E_CONFLICT, "%lld bytes of %lld are there", (long long)s->position,
                        (long long)s->length);
    struct alb_upload_finishing *f = alb_mem_calloc(1, sizeof(*f));
    if (f == NULL)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory to finish an upload");
    f->u = s->u;
    f->session = s;
    s->held_back = false;
    enum alb_code code = seal(s, err);
    if (code == ALB_OK)
        code = parcel(f, err);
    if (code == ALB_OK && alb_future_new(future, &f->title) != ALB_OK)
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory to finish an upload");
    if (code != ALB_OK) {
        alb_bytes_unref(f->sums);
        alb_mem_free(f);
        return code;
    }
    alb_future_describe_owner(&f->title, "sink of uploads");
    begin(f);
    return ALB_OK;
}

/* Its bytes are for a later concatenation: durable, and that is all. */
static enum alb_code finish_partial(struct alb_upload_session *s, struct alb_future **future,
                                    struct alb_err *err)
{
    if (s->spoilt || s->length < 0 || s->position != s->length)
        return alb_fail(err, s->spoilt ? ALB_E_IO : ALB_E_CONFLICT, "%lld bytes of %lld are there",
                        (long long)s->position, (long long)s->length);
    enum alb_code code = seal(s, err);
    if (code == ALB_OK && !s->e->announced && !s->transient)
        code = alb_upload_save(s, ALB_UPLOAD_COMPLETE, true, err);
    return code == ALB_OK ? done_future(s, future, err) : code;
}

enum alb_code alb_upload_finish(struct alb_upload_session **session, struct alb_future **future,
                                struct alb_err *err)
{
    struct alb_upload_session *s = *session;
    enum alb_code code;

    *future = NULL;
    ALB_CHECK(s->intent == ALB_UPLOAD_WRITE && (s->ready || s->spoilt));
    if (s->slot.state == ALB_UPLOAD_FINISHED || s->slot.state == ALB_UPLOAD_REJECTED)
        code = done_future(s, future, err);
    else if (s->head.kind == ALB_UPLOAD_PARTIAL)
        code = finish_partial(s, future, err);
    else {
        code = finish_running(s, future, err);
        if (code == ALB_OK)
            *session = NULL;
        return code;
    }
    if (code == ALB_OK)
        alb_upload_release(session);
    return code;
}
