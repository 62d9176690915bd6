/* SPDX-License-Identifier: Apache-2.0
 *
 * Who holds an upload, who waits for it, and how it is passed on (contract: upload.h, U2).
 *
 *   acquire --nobody holds it--------------------------> granted --release--> (gone; the first waiter
 *                                                                              is granted)
 *      \--somebody does; asks the holder to stop--> queued --grant--> granted
 *                                                     |  \--terminated, stop--> refused
 *                                                     +--release--> (gone)
 *
 * Every arrow is one critical section. A title that a critical section decides to end leaves its session
 * there and then, so ending it after the lock is gone touches no session that its user may free meanwhile.
 */
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/stat.h"
#include "upload/priv.h"

struct alb_upload_session *alb_upload_session_new(struct alb_uploads *u, enum alb_upload_intent intent)
{
    struct alb_upload_session *s = alb_mem_calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->u = u;
    s->intent = intent;
    s->datafd = s->statefd = -1;
    atomic_init(&s->interrupted, false);
    if (alb_future_new(&s->interrupt, &s->interrupt_title) != ALB_OK) {
        alb_mem_free(s);
        return NULL;
    }
    return s;
}

void alb_upload_session_free(struct alb_upload_session *s)
{
    struct alb_err over = ALB_ERR_INIT;

    ALB_CHECK(s->e == NULL && !s->queued);
    alb_upload_close_files(s);
    alb_sums_fini(&s->sums);
    alb_mem_free(s->record);
    alb_bytes_unref(s->recalled);
    alb_obj_unref(s->witness);
    (void)alb_fail(&over, ALB_E_CANCELLED, "the session is over");
    (void)alb_future_fail(&s->interrupt_title, &over);
    (void)alb_future_fail(&s->grant_title, &over);
    alb_future_unref(s->interrupt);
    alb_mem_free(s);
}

void alb_upload_attach_locked(struct alb_upload_session *s, struct alb_upload_entry *e)
{
    ALB_CHECK(e->holder == NULL);
    s->e = e;
    s->granted = true;
    e->refs++;
    e->holder = s;
    s->u->held++;
}

void alb_upload_interrupt_locked(struct alb_upload_entry *e, struct alb_upload_calls *calls)
{
    struct alb_upload_session *s = e->holder;

    if (s == NULL || e->finishing || atomic_exchange(&s->interrupted, true))
        return;
    calls->interrupted = s->interrupt_title;
    s->interrupt_title = ALB_OWNER_NONE;
    if (e->kind == ALB_UPLOAD_FINAL)
        alb_cond_broadcast(&s->u->work); /* its assembly may be waiting for a part */
    alb_stat_inc(ALB_STAT_UPLOADS_INTERRUPTED);
}

static void dequeue_locked(struct alb_upload_session *s)
{
    struct alb_upload_entry *e = s->e;

    *(s->prev != NULL ? &s->prev->next : &e->first) = s->next;
    *(s->next != NULL ? &s->next->prev : &e->last) = s->prev;
    s->prev = s->next = NULL;
    s->queued = false;
    e->waiting--;
    s->u->waiting--;
}

static void enqueue_locked(struct alb_upload_session *s, struct alb_upload_entry *e)
{
    s->e = e;
    e->refs++;
    s->prev = e->last;
    *(e->last != NULL ? &e->last->next : &e->first) = s;
    e->last = s;
    s->queued = true;
    e->waiting++;
    s->u->waiting++;
}

void alb_upload_refuse_waiters_locked(struct alb_upload_entry *e, enum alb_code why,
                                      struct alb_upload_calls *calls)
{
    calls->why = why;
    while (e->first != NULL) {
        struct alb_upload_session *s = e->first;
        dequeue_locked(s);
        s->refused = why;
        calls->refused[calls->refused_n++] = s->grant_title;
        s->grant_title = ALB_OWNER_NONE;
    }
}

void alb_upload_calls_run(struct alb_uploads *u, struct alb_upload_calls *calls)
{
    struct alb_err err = ALB_ERR_INIT;

    if (calls->interrupted.future != NULL) {
        (void)alb_fail(&err, ALB_E_CONFLICT, "upload interrupted: another request wants it");
        (void)alb_future_fail(&calls->interrupted, &err);
    }
    if (calls->granted.future != NULL) {
        struct alb_bytes *token = alb_bytes_ref(u->token);
        (void)alb_future_settle(&calls->granted, &token->obj);
    }
    alb_err_clear(&err);
    if (calls->refused_n > 0)
        (void)alb_fail(&err, calls->why, "the upload is not to be had any more");
    for (unsigned i = 0; i < calls->refused_n; i++)
        (void)alb_future_fail(&calls->refused[i], &err);
}

/* ---- acquire ---- */

/* The sink remembers uploads that are not in the table any more. */
static enum alb_code recall(struct alb_uploads *u, struct alb_str id, int64_t owner,
                            struct alb_upload_session *s, struct alb_err *err)
{
    int64_t its_owner = 0, size = 0;
    struct alb_bytes *result = NULL;

    if (u->sink->recall == NULL)
        return alb_fail(err, ALB_E_NOT_FOUND, "no such upload");
    enum alb_code code = u->sink->recall(u->sink->ctx, id, &its_owner, &size, &result, err);
    if (code != ALB_OK)
        return code;
    s->record = alb_mem_alloc(id.n);
    if (s->record == NULL || (owner != ALB_UPLOAD_ANYONE && its_owner != owner)) {
        alb_bytes_unref(result);
        return s->record == NULL ? alb_fail(err, ALB_E_NO_MEMORY, "no memory for an upload")
                                 : alb_fail(err, ALB_E_NOT_FOUND, "no such upload of this owner");
    }
    memcpy(s->record, id.p, id.n);
    s->head.id = alb_str_n(s->record, id.n);
    s->head.owner = its_owner;
    s->slot.state = ALB_UPLOAD_FINISHED;
    s->slot.offset = s->slot.length = s->length = s->position = size;
    s->recalled = result;
    s->granted = true;
    return ALB_OK;
}

/* A final upload belongs to the assembler until it is over: others look without taking it away. */
static bool intent_is_free(const struct alb_upload_entry *e, enum alb_upload_intent intent)
{
    return e->kind == ALB_UPLOAD_FINAL && e->announced && intent != ALB_UPLOAD_TERMINATE &&
           (e->state == ALB_UPLOAD_OPEN || e->state == ALB_UPLOAD_COMPLETE);
}

/* Nobody was told of it yet, and who asked it to stop now would stop the assembler that it is on its way
 * to. */
static bool is_not_begun(const struct alb_upload_entry *e, enum alb_upload_intent intent)
{
    return e->kind == ALB_UPLOAD_FINAL && !e->announced && intent != ALB_UPLOAD_TERMINATE;
}

static enum alb_code join_locked(struct alb_uploads *u, struct alb_upload_session *s, struct alb_str id,
                                 int64_t owner, struct alb_owner *title, struct alb_upload_calls *calls,
                                 struct alb_err *err)
{
    if (u->stopped)
        return alb_fail(err, ALB_E_BUSY, "uploads are stopping");
    struct alb_upload_entry *e = alb_upload_find_locked(u, id);
    if (e == NULL || e->hidden || (owner != ALB_UPLOAD_ANYONE && e->owner_id != owner))
        return alb_fail(err, ALB_E_NOT_FOUND, "no such upload of this owner");
    if (is_not_begun(e, s->intent))
        return alb_fail(err, ALB_E_NOT_FOUND, "the concatenation has not begun");
    if (intent_is_free(e, s->intent)) {
        s->e = e;
        s->shared = s->granted = true;
        e->refs++;
        return ALB_OK;
    }
    if (e->holder == NULL) {
        alb_upload_attach_locked(s, e);
        return ALB_OK;
    }
    if (e->waiting >= u->limits.waiters_max)
        return alb_fail(err, ALB_E_BUSY, "%u requests wait for this upload already", (unsigned)e->waiting);
    s->grant_title = *title;
    *title = ALB_OWNER_NONE;
    enqueue_locked(s, e);
    alb_upload_interrupt_locked(e, calls);
    return ALB_OK;
}

enum alb_code alb_upload_acquire(struct alb_uploads *u, struct alb_str id, int64_t owner,
                                 enum alb_upload_intent intent, struct alb_upload_session **session,
                                 struct alb_future **future, struct alb_err *err)
{
    struct alb_upload_calls calls = {0};
    struct alb_err why = ALB_ERR_INIT;
    struct alb_future *wait = NULL;
    struct alb_owner title = ALB_OWNER_NONE;

    *session = NULL;
    *future = NULL;
    if (!alb_upload_id_usable(u, id))
        return alb_fail(err, ALB_E_NOT_FOUND, "no upload has such an id");
    struct alb_upload_session *s = alb_upload_session_new(u, intent);
    if (s == NULL || alb_future_new(&wait, &title) != ALB_OK) {
        if (s != NULL)
            alb_upload_session_free(s);
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for an upload");
    }
    alb_mutex_lock(&u->mtx);
    enum alb_code code = join_locked(u, s, id, owner, &title, &calls, &why);
    bool queued = s->queued;
    alb_mutex_unlock(&u->mtx);
    if (code == ALB_E_NOT_FOUND) {
        alb_err_clear(&why);
        code = recall(u, id, owner, s, &why);
    }
    if (!queued) { /* nobody will wait on it */
        struct alb_err over = ALB_ERR_INIT;
        (void)alb_fail(&over, ALB_E_CANCELLED, "not waited for");
        (void)alb_future_fail(&title, &over);
        alb_future_unref(wait);
        wait = NULL;
    }
    alb_upload_calls_run(u, &calls);
    if (code != ALB_OK) {
        alb_upload_session_free(s);
        return alb_fail_sys(err, code, why.sys, "%s", why.msg);
    }
    *session = s;
    *future = wait;
    return ALB_OK;
}

bool alb_upload_interrupted(const struct alb_upload_session *s)
{
    return atomic_load(&s->interrupted);
}

struct alb_future *alb_upload_interrupt(const struct alb_upload_session *s)
{
    return s->interrupt;
}

/* ---- the end of a session ---- */

/* Under the lock: the first of the queue holds it now; if others wait behind, it is asked to be quick. */
static void grant_next_locked(struct alb_upload_entry *e, struct alb_upload_calls *calls)
{
    struct alb_upload_session *s = e->first;

    if (s == NULL)
        return;
    dequeue_locked(s);
    s->granted = true;
    e->holder = s;
    s->u->held++;
    calls->granted = s->grant_title;
    s->grant_title = ALB_OWNER_NONE;
    if (e->first != NULL)
        alb_upload_interrupt_locked(e, calls);
}

void alb_upload_pass_on(struct alb_upload_session *s)
{
    struct alb_upload_calls calls = {0};
    struct alb_uploads *u = s->u;

    alb_upload_close_files(s); /* before somebody else opens them */
    alb_mutex_lock(&u->mtx);
    struct alb_upload_entry *e = s->e;
    s->e = NULL;
    if (s->queued) {
        s->e = e;
        dequeue_locked(s);
        s->e = NULL;
    } else if (e->holder == s) {
        e->holder = NULL;
        e->finishing = false;
        u->held--;
        grant_next_locked(e, &calls);
    }
    alb_upload_entry_unref(e);
    alb_mutex_unlock(&u->mtx);
    alb_upload_session_free(s);
    alb_upload_calls_run(u, &calls);
}
