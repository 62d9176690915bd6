/* SPDX-License-Identifier: Apache-2.0
 *
 * The picture: what is kept of this URL already, what the client has, and else what is made.
 */
#include "doors/thumbor/job.h"
#include "render/books.h"

/* ---- what is kept by others ---- */

static bool may_keep(const struct alb_thumbor_job *job)
{
    return job->door->config.files && !job->filters.preview && !job->filters.raw && !job->is_upload;
}

enum alb_thumbor_next alb_thumbor_kept(struct alb_thumbor_job *job)
{
    const struct alb_thumbor_files *files = job->door->config.files;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_origin *o = NULL;
    job->stage = ALB_THUMBOR_INPUTS;
    if (!may_keep(job) || !files->load_result)
        return ALB_THUMBOR_ON;
    if (files->load_result(files->ctx, &job->result, &o, &err) != ALB_OK) {
        if (err.code == ALB_E_NOT_FOUND)
            return ALB_THUMBOR_ON;
        return alb_thumbor_fail(job, &err, NULL);
    }
    if (!o)
        return ALB_THUMBOR_ON;
    job->told.origin = o;
    return alb_thumbor_send_bytes(job, &job->told, job->url.meta ? "application/json" : NULL);
}

void alb_thumbor_keep(struct alb_thumbor_job *job, struct alb_bytes *bytes)
{
    const struct alb_thumbor_files *files = job->door->config.files;
    if (!may_keep(job) || !files->save_result)
        return;
    for (unsigned i = 0; i <= job->wish.inputs; i++) {
        const struct alb_origin *o = job->input[i].origin;
        if (o && (!o->is_shared || o->no_store))
            return;
    }
    files->save_result(files->ctx, &job->result, bytes);
}

/* ---- the picture that is asked for ---- */

/* By its URL the answer can be purged (without memory by its sources alone). */
static size_t label(struct alb_thumbor_job *job)
{
    if (job->label.n == 0)
        job->label = alb_thumbor_url_label(job->arena, job->signed_path, job->is_decoded);
    return job->label.n > 0 ? 1 : 0;
}

static struct alb_render_ask ask_for(struct alb_thumbor_job *job)
{
    struct alb_render_ask ask = {
        .label_count = label(job),
        .source = job->input[0].asset,
        .origin = job->input[0].origin,
        .more_count = job->wish.inputs,
        .options = job->wish.options,
        .limits = &job->wish.limits,
        .cls = ALB_LEASE_FOREGROUND,
        .queue_deadline = alb_door_end_of_line(job->begun, job->deadline),
        .door = ALB_RENDER_DOOR_THUMBOR,
    };
    ask.labels = &job->label;
    for (unsigned i = 0; i < job->wish.inputs; i++) {
        ask.more[i].source = job->input[i + 1].asset;
        ask.more[i].origin = job->input[i + 1].origin;
    }
    return ask;
}

/* Whether the client has it: decided before a slot is asked for. */
static bool has_it(struct alb_thumbor_job *job, const struct alb_flight_key *key)
{
    if (job->url.meta)
        return false;
    alb_thumbor_head(job, alb_door_etag(job->arena, key), false, NULL);
    return alb_res_get_status(job->req) == 200 && alb_res_decided(job->req);
}

static void answer(struct alb_thumbor_job *job, const struct alb_render_ask *ask, const struct alb_picture *p,
                   bool hot)
{
    alb_thumbor_picture(job, p);
    alb_render_answered(job->door->config.render, ask, p, hot, alb_res_decided(job->req));
}

bool alb_thumbor_make_hot(struct alb_thumbor_job *job)
{
    struct alb_flight_key key;
    struct alb_picture *p = NULL;
    if (job->filters.raw || job->url.meta) /* its bytes lie on a disk; a worker must look */
        return false;
    if (alb_thumbor_inputs_hot(job)) {
        const struct alb_render_ask ask = ask_for(job);
        alb_render_key(job->door->config.render, &ask, &key);
        bool hot;
        p = alb_render_at_hand(job->door->config.render, ask.door, &key, &hot);
        if (p)
            answer(job, &ask, p, hot);
    }
    if (p) {
        alb_obj_unref(&p->obj);
        return true;
    }
    alb_thumbor_inputs_drop(job); /* the step looks anew */
    return false;
}

/* It is there: kept where the operator wants it, and answered. */
static void give(struct alb_thumbor_job *job, const struct alb_render_ask *ask, const struct alb_picture *p)
{
    if (!p->no_store)
        alb_thumbor_keep(job, p->bytes);
    answer(job, ask, p, false);
}

/* From the disk, if it lies there and is small. */
static bool give_kept(struct alb_thumbor_job *job, const struct alb_render_ask *ask, const struct alb_flight_key *key)
{
    struct alb_picture *p = alb_render_kept(job->door->config.render, ask->door, key);
    if (p) {
        give(job, ask, p);
        alb_obj_unref(&p->obj);
    }
    return p != NULL;
}

static enum alb_thumbor_next render(struct alb_thumbor_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_flight_key key;
    const struct alb_render_ask ask = ask_for(job);
    alb_render_key(job->door->config.render, &ask, &key);
    job->etag = alb_door_etag(job->arena, &key);
    if (has_it(job, &key)) {
        alb_render_answered(job->door->config.render, &ask, NULL, false, true);
        return ALB_THUMBOR_DONE;
    }
    if (!job->url.meta && give_kept(job, &ask, &key))
        return ALB_THUMBOR_DONE;
    if (alb_door_picture_start(job->req, job->door->config.render, &ask, job->deadline, &job->future, &err) !=
        ALB_OK)
        return alb_thumbor_fail(job, &err, NULL);
    job->stage = ALB_THUMBOR_RENDERING;
    return ALB_THUMBOR_WAIT;
}

enum alb_thumbor_next alb_thumbor_choose(struct alb_thumbor_job *job)
{
    return job->filters.raw ? alb_thumbor_send_bytes(job, &job->input[0], NULL) : render(job);
}

enum alb_thumbor_next alb_thumbor_rendered(struct alb_thumbor_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_picture *p;
    const struct alb_render_ask ask = ask_for(job);
    switch (alb_door_picture_end(job->req, job->door->config.render, &ask, job->deadline, job->future, &p,
                                 &err)) {
    case ALB_DOOR_WAITS:
        return ALB_THUMBOR_WAIT;
    case ALB_DOOR_MADE:
        if (job->url.meta)
            return alb_thumbor_tell(job, p);
        give(job, &ask, p);
        return ALB_THUMBOR_DONE;
    case ALB_DOOR_CHANGED: /* as it is now, then */
        if (job->is_second || job->is_upload)
            break;
        job->is_second = true;
        alb_thumbor_inputs_drop(job);
        job->stage = ALB_THUMBOR_INPUTS;
        return ALB_THUMBOR_ON;
    case ALB_DOOR_FAILED:
        break;
    }
    return alb_thumbor_fail_making(job, &err);
}
