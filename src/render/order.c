/* SPDX-License-Identifier: Apache-2.0 */
#include "render/order.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "library/source.h"
#include "render/job.h"

struct order {
    struct alb_order_answer answer;
    struct alb_darkroom *darkroom;
    struct alb_darkroom_job job;
    uint64_t ticket;
    struct alb_owner owner;
    struct alb_origin *origin; /* the bytes: a reference, or a descriptor of our own */
    int fd;
};

static void order_free(struct alb_obj *obj)
{
    struct order *o = ALB_CONTAINER_OF(obj, struct order, answer.obj);
    alb_bytes_unref(o->job.result);
    alb_probe_free(&o->job.probe);
    alb_origin_unref(o->origin);
    alb_fs_close(&o->fd);
    alb_mem_free(o);
}

static void on_done(struct alb_darkroom_job *job)
{
    struct order *o = ALB_CONTAINER_OF(job, struct order, job);
    struct alb_owner owner = o->owner;
    if (job->code == ALB_OK) {
        o->answer.probe = job->probe;
        o->answer.bytes = job->result;
        (void)alb_future_settle(&owner, &o->answer.obj);
        return;
    }
    (void)alb_fail(&job->err, job->code, "the darkroom");
    (void)alb_future_fail(&owner, &job->err);
    alb_obj_unref(&o->answer.obj);
}

static void on_forsaken(void *arg)
{
    struct order *o = arg;
    alb_darkroom_cancel(o->darkroom, o->ticket);
}

static enum alb_code lend_asset(struct alb_blob_store *store, const struct alb_source *s, struct order *o,
                                struct alb_err *err)
{
    struct alb_blob_ref ref = {.size = s->size, .key = s->key, .sums = s->sums};
    struct alb_blob_reader *reader = NULL;
    int lent = -1;
    memcpy(ref.sha256, s->sha256, sizeof(ref.sha256));
    enum alb_code code = alb_blob_open(store, &ref, &reader, err);
    if (code == ALB_E_NOT_FOUND) /* the catalog knows it, the store does not */
        err->code = code = ALB_E_CORRUPT;
    if (code == ALB_OK)
        code = alb_blob_verify_all(reader, &lent, err);
    if (code == ALB_OK)
        o->fd = fcntl(lent, F_DUPFD_CLOEXEC, 0);
    if (code == ALB_OK && o->fd < 0)
        code = alb_fail_sys(err, ALB_E_IO, errno, "another descriptor");
    alb_blob_close(&reader);
    o->job.source_fd = o->fd;
    o->job.source_bytes = s->size;
    return code;
}

static enum alb_code lend_origin(struct alb_origin *origin, struct order *o, struct alb_err *err)
{
    o->origin = alb_origin_ref(origin);
    o->job.source_fd = alb_origin_fd(origin);
    o->job.source_bytes = origin->size;
    return o->job.source_fd >= 0 ? ALB_OK : alb_fail(err, ALB_E_IO, "a source without bytes");
}

/* From here on others work on it: what this thread still touches is kept alive by the caller's reference. */
static enum alb_code submit(struct order *o, struct alb_future **future, struct alb_err *err)
{
    enum alb_code code = alb_future_new(future, &o->owner);
    if (code != ALB_OK)
        return code;
    const struct alb_owner title =
        o->owner; /* a copy: o's is used up by on_done, which may have run by then */
    struct alb_owner mine = title;
    alb_obj_ref(&o->answer.obj); /* on_done's */
    code = alb_darkroom_submit(o->darkroom, &o->job, &o->ticket, err);
    if (code == ALB_OK) {
        alb_future_on_forsaken(&title, on_forsaken, o);
        return ALB_OK;
    }
    (void)alb_future_fail(&mine, err);
    alb_future_unref(*future);
    *future = NULL;
    alb_obj_unref(&o->answer.obj);
    return code;
}

enum alb_code alb_render_order(struct alb_render *r, const struct alb_order_ask *ask,
                               struct alb_future **future, struct alb_err *err)
{
    struct order *o = alb_mem_calloc(1, sizeof(*o));
    *future = NULL;
    if (!o)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for an order");
    alb_obj_init(&o->answer.obj, order_free);
    o->fd = -1;
    o->darkroom = r->config.darkroom;
    o->job =
        (struct alb_darkroom_job){.work = ask->kind == ALB_ORDER_FACTS ? ALB_WORK_PROBE : ALB_WORK_SANITISE,
                                  .source_fd = -1,
                                  .type = ask->type,
                                  .deadline = ask->deadline,
                                  .done = on_done};
    enum alb_code code =
        ask->origin ? lend_origin(ask->origin, o, err) : lend_asset(r->config.store, ask->source, o, err);
    if (code == ALB_OK)
        code = submit(o, future, err);
    alb_obj_unref(&o->answer.obj);
    return code;
}
