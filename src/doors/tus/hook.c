/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking and telling those who hang on to the door (contract: tus.h). Nothing is held while a question is
 * out.
 */
#include "base/check.h"
#include "base/mem.h"
#include "doors/tus/door.h"

#define PROGRESS_NS ALB_NS_PER_S

const char *alb_tus_hook_name(enum alb_tus_hook hook)
{
    static const char *const names[ALB_TUS_HOOK_COUNT] = {
        "authorise",  "pre-create",  "post-create",   "post-receive",
        "pre-finish", "post-finish", "pre-terminate", "post-terminate",
    };

    return names[hook];
}

bool alb_tus_asks(const struct alb_tus *t, enum alb_tus_hook hook)
{
    return t->door->hooks != NULL && (t->door->hooks->asks & 1U << hook) != 0;
}

void alb_tus_event_of(const struct alb_tus *t, const struct alb_upload_view *v, enum alb_tus_hook hook,
                      struct alb_tus_event *e)
{
    *e = (struct alb_tus_event){
        .hook = hook,
        .id = v->id.n > 0 ? v->id : t->id,
        .size = v->length,
        .offset = v->offset,
        .metadata = v->metadata,
        .kind = v->kind,
        .parts = v->parts,
        .path = v->path,
        .folder = v->folder,
    };
}

/* ---- questions ---- */

static enum alb_tus_word rejection(enum alb_tus_hook hook)
{
    if (hook == ALB_TUS_PRE_CREATE)
        return ALB_TUS_REJECTED;
    return hook == ALB_TUS_PRE_TERMINATE ? ALB_TUS_NO_TERMINATION : ALB_TUS_FORBIDDEN;
}

static enum alb_step answered(struct alb_req *req, struct alb_tus *t)
{
    struct alb_err err = ALB_ERR_INIT;

    if (alb_future_error(t->future, &err) != ALB_OK) {
        alb_req_log_err(req, &err);
        if (t->asked == ALB_TUS_PRE_FINISH && t->door->options.like_tusd)
            alb_tus_notice_end(t, false);
        return alb_tus_refuse(req, t, ALB_TUS_INTERNAL);
    }
    struct alb_obj *obj = alb_obj_ref(alb_future_result(t->future));
    struct alb_tus_verdict *v = ALB_CONTAINER_OF(obj, struct alb_tus_verdict, obj);
    size_t at = t->asked == ALB_TUS_PRE_CREATE || t->asked == ALB_TUS_AUTHORISE ? 0 : 1;
    if (t->verdicts[at] != NULL)
        alb_obj_unref(&t->verdicts[at]->obj);
    t->verdicts[at] = v;
    if (v->reject)
        return alb_tus_refuse(req, t, rejection(t->asked));
    return t->then(req, t);
}

enum alb_step alb_tus_ask(struct alb_req *req, struct alb_tus *t, struct alb_tus_event *e, alb_tus_fn *then)
{
    struct alb_err err = ALB_ERR_INIT;

    if (!alb_tus_asks(t, e->hook))
        return then(req, t);
    ALB_CHECK(t->session == NULL);
    e->req = req;
    t->asked = e->hook;
    t->then = then;
    alb_future_unref(t->future);
    t->future = NULL;
    enum alb_code code = t->door->hooks->ask(t->door->hooks->ctx, e, &t->future, &err);
    if (code != ALB_OK) {
        alb_req_log_err(req, &err);
        return alb_tus_refuse(req, t, code == ALB_E_BUSY ? ALB_TUS_BUSY : ALB_TUS_INTERNAL);
    }
    /* Nothing has been made or touched yet: nobody is to be asked for a client that has gone. */
    if (e->hook == ALB_TUS_AUTHORISE || e->hook == ALB_TUS_PRE_CREATE)
        alb_req_wait_for_client(req);
    return alb_tus_wait(req, t, "waiting for a hook", answered);
}

void alb_tus_tell(struct alb_req *req, const struct alb_tus *t, struct alb_tus_event *e)
{
    const struct alb_tus_hooks *h = t->door->hooks;

    if (h == NULL || (h->tells & 1U << e->hook) == 0)
        return;
    e->req = req;
    h->tell(h->ctx, e);
}

/* ---- the end of an upload ---- */

/* POST_FINISH of one upload. The session has a reference (its witness), and the request that brought it here
 * as long as it has something to do before: the last one tells. */
struct alb_tus_notice {
    struct alb_obj obj;
    /* fixed after create */
    const struct alb_tus_hooks *hooks;
    struct alb_obj *request; /* or NULL: no memory */
    /* written by who finishes the upload, before the future of that ends; then the request's */
    void *kept;
};

static void notice_free(struct alb_obj *obj)
{
    struct alb_tus_notice *n = ALB_CONTAINER_OF(obj, struct alb_tus_notice, obj);

    if (n->kept != NULL)
        n->hooks->let_go(n->hooks->ctx, n->kept, true);
    alb_obj_unref(n->request);
    alb_mem_free(n);
}

void alb_tus_notice_begin(struct alb_req *req, struct alb_tus *t)
{
    const struct alb_tus_hooks *h = t->door->hooks;

    if (h == NULL || (h->tells & 1U << ALB_TUS_POST_FINISH) == 0)
        return;
    alb_tus_notice_end(t, true);
    t->notice = alb_mem_calloc(1, sizeof(*t->notice));
    if (t->notice == NULL)
        return; /* it is told without a request */
    alb_obj_init(&t->notice->obj, notice_free);
    t->notice->hooks = h;
    t->notice->request = h->remember(h->ctx, req);
    alb_upload_witness(t->session, &t->notice->obj);
}

void alb_tus_notice_end(struct alb_tus *t, bool tell)
{
    struct alb_tus_notice *n = t->notice;

    t->notice = NULL;
    if (n == NULL)
        return;
    if (!tell && n->kept != NULL) {
        n->hooks->let_go(n->hooks->ctx, n->kept, false);
        n->kept = NULL;
    }
    alb_obj_unref(&n->obj);
}

void alb_tus_upload_finished(void *ctx, const struct alb_upload_view *v, struct alb_obj *witness)
{
    const struct alb_tus_hooks *h = ctx;
    const struct alb_tus none = {.id = ALB_STR_NONE};
    struct alb_tus_notice *n = witness != NULL ? ALB_CONTAINER_OF(witness, struct alb_tus_notice, obj) : NULL;
    struct alb_tus_event e;

    if ((h->tells & 1U << ALB_TUS_POST_FINISH) == 0)
        return;
    alb_tus_event_of(&none, v, ALB_TUS_POST_FINISH, &e);
    e.request = n != NULL ? n->request : NULL;
    void *kept = h->keep(h->ctx, &e);
    if (n != NULL)
        n->kept = kept;
    else if (kept != NULL)
        h->let_go(h->ctx, kept, true);
}

/* ---- while a body comes in ---- */

/* The hook that was asked last has answered, and wants it stopped. */
static bool is_stopped(struct alb_tus *t)
{
    struct alb_future *f = t->alarm != NULL ? alb_tus_alarm_other(t->alarm) : NULL;

    if (f == NULL || !alb_future_done(f))
        return false;
    struct alb_obj *obj = alb_obj_ref(alb_future_result(f));
    alb_tus_alarm_dismiss(&t->alarm);
    if (obj == NULL)
        return false; /* it failed: nothing depends on it */
    struct alb_tus_verdict *v = ALB_CONTAINER_OF(obj, struct alb_tus_verdict, obj);
    if (!v->stop) {
        alb_obj_unref(obj);
        return false;
    }
    if (t->verdicts[1] != NULL)
        alb_obj_unref(&t->verdicts[1]->obj);
    t->verdicts[1] = v;
    return true;
}

static void progress_of(const struct alb_tus *t, struct alb_tus_event *e)
{
    struct alb_upload_view v;

    alb_upload_look(t->session, &v);
    alb_tus_event_of(t, &v, ALB_TUS_POST_RECEIVE, e);
    e->offset = alb_upload_position(t->session);
}

static void ask_progress(struct alb_req *req, struct alb_tus *t)
{
    struct alb_tus_event e;
    struct alb_future *future = NULL;

    progress_of(t, &e);
    e.req = req;
    if (t->door->hooks->ask(t->door->hooks->ctx, &e, &future, NULL) != ALB_OK)
        return;
    t->alarm = alb_tus_alarm_new(alb_upload_interrupt(t->session), future);
    alb_future_unref(future);
}

bool alb_tus_progress(struct alb_req *req, struct alb_tus *t, int64_t *wake_at)
{
    int64_t now = alb_mono(alb_req_clock(req));
    int64_t every = t->door->options.progress_ns > 0 ? t->door->options.progress_ns : PROGRESS_NS;

    if (!alb_tus_asks(t, ALB_TUS_POST_RECEIVE))
        return false;
    if (is_stopped(t))
        return true;
    if (t->alarm != NULL || t->told_bytes == alb_upload_position(t->session))
        return false;
    if (now - t->told_at < every) {
        *wake_at = t->told_at + every; /* also if no byte comes any more */
        return false;
    }
    t->told_at = now;
    t->told_bytes = alb_upload_position(t->session);
    ask_progress(req, t);
    return is_stopped(t);
}

void alb_tus_last_progress(struct alb_req *req, struct alb_tus *t)
{
    struct alb_tus_event e;

    alb_tus_alarm_dismiss(&t->alarm);
    if (!alb_tus_asks(t, ALB_TUS_POST_RECEIVE) || t->told_at == 0 ||
        t->told_bytes == alb_upload_position(t->session))
        return;
    t->told_bytes = alb_upload_position(t->session);
    progress_of(t, &e);
    alb_tus_tell(req, t, &e);
}
