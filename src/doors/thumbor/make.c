/* SPDX-License-Identifier: Apache-2.0
 *
 * The source with the caller's rights, and the picture that is made of it.
 */
#include "doors/thumbor/job.h"

#include "base/codec.h"
#include "render/books.h"

#define RENDER_SHARE 8 /* one part in so many of a request's time is for the making */

void alb_thumbor_drop_sources(struct alb_thumbor_job *job)
{
    alb_original_close(&job->original);
    for (size_t i = 0; i < ALB_ARRAY_LEN(job->source); i++) {
        alb_source_unref(job->source[i]);
        job->source[i] = NULL;
    }
}

/* The path that is signed: by it the answer can be purged (without memory by its sources alone). */
static size_t label(struct alb_thumbor_job *job)
{
    job->label = alb_arena_printf(job->arena, "u:" ALB_STR_FMT, ALB_STR_ARG(job->url.path));
    return job->label.n > 0 ? 1 : 0;
}

static struct alb_render_ask ask_for(struct alb_thumbor_job *job)
{
    struct alb_render_ask ask = {
        .labels = &job->label,
        .label_count = label(job),
        .source = job->source[0],
        .more_count = job->wish.inputs,
        .options = job->wish.options,
        .limits = &job->wish.limits,
        .cls = ALB_LEASE_FOREGROUND,
        .queue_deadline = job->deadline - (job->deadline - job->begun) / RENDER_SHARE,
        .door = ALB_RENDER_DOOR_THUMBOR,
    };
    for (unsigned i = 0; i < job->wish.inputs; i++)
        ask.more[i].source = job->source[i + 1];
    return ask;
}

/* Whether the client has it: decided before a slot is asked for. */
static bool has_it(struct alb_thumbor_job *job, const struct alb_flight_key *key)
{
    char etag[33];
    alb_hex(key->b, 16, etag); /* as render makes it */
    alb_thumbor_head(job, alb_arena_str(job->arena, alb_str_c(etag)), false, NULL);
    return alb_res_get_status(job->req) == 200 && alb_res_decided(job->req);
}

static bool find_hot(struct alb_thumbor_job *job)
{
    if (job->filters.raw) /* its bytes lie on a disk */
        return false;
    for (unsigned i = 0; i <= job->wish.inputs; i++) {
        job->source[i] =
            alb_library_resolve_hot(job->door->auth.library, job->principal, &job->ref[i], ALB_PURPOSE_VIEW);
        if (!job->source[i])
            return false;
    }
    return true;
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
    if (find_hot(job)) {
        const struct alb_render_ask ask = ask_for(job);
        alb_render_key(job->door->config.render, &ask, &key);
        p = alb_render_hot(job->door->config.render, &key);
        if (p)
            answer(job, &ask, p, true);
    }
    if (p) {
        alb_obj_unref(&p->obj);
        return true;
    }
    alb_thumbor_drop_sources(job); /* the step looks anew */
    return false;
}

static enum alb_thumbor_next render(struct alb_thumbor_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_flight_key key;
    const struct alb_render_ask ask = ask_for(job);
    alb_render_key(job->door->config.render, &ask, &key);
    if (has_it(job, &key)) {
        alb_render_answered(job->door->config.render, &ask, NULL, false, true);
        return ALB_THUMBOR_DONE;
    }
    alb_req_wait_until(job->req, job->deadline);
    if (alb_render_start(job->door->config.render, &ask, alb_req_waiter(job->req, true), &job->future,
                         &err) != ALB_OK)
        return alb_thumbor_fail(job, &err, NULL);
    job->stage = ALB_THUMBOR_RENDERING;
    alb_req_doing(job->req, "waiting for a picture");
    (void)alb_req_wait_joined(job->req, job->future);
    return ALB_THUMBOR_WAIT;
}

/* The file itself: more than a picture of it, so another permission. */
static enum alb_thumbor_next find_bytes(struct alb_thumbor_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = alb_library_resolve(job->door->auth.library, job->principal, &job->ref[0],
                                             ALB_PURPOSE_ORIGINAL, &job->source[0], &err);
    if (code == ALB_OK)
        code = alb_original_open(job->door->config.store, job->source[0], &job->original, &err);
    if (code == ALB_E_FORBIDDEN)
        return alb_thumbor_fail(job, &err, "the key may not download");
    return code == ALB_OK ? alb_thumbor_send_bytes(job) : alb_thumbor_fail(job, &err, NULL);
}

enum alb_thumbor_next alb_thumbor_find_source(struct alb_thumbor_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    if (job->filters.raw)
        return find_bytes(job);
    for (unsigned i = 0; i <= job->wish.inputs; i++) {
        if (alb_library_resolve(job->door->auth.library, job->principal, &job->ref[i], ALB_PURPOSE_VIEW,
                                &job->source[i], &err) != ALB_OK)
            return alb_thumbor_fail(job, &err, NULL);
    }
    return render(job);
}

enum alb_thumbor_next alb_thumbor_rendered(struct alb_thumbor_job *job)
{
    const struct alb_render_ask ask = ask_for(job);
    struct alb_owner title;
    struct alb_err err = ALB_ERR_INIT;
    if (alb_req_promoted(job->req, &title)) { /* whoever made it has given up: go on in its place */
        alb_req_wait_until(job->req, job->deadline);
        alb_render_inherit(job->door->config.render, &ask, &title, alb_req_waiter(job->req, false));
        (void)alb_req_wait_joined(job->req, job->future);
        return ALB_THUMBOR_WAIT;
    }
    if (alb_req_timed_out(job->req)) {
        (void)alb_fail(&err, ALB_E_TIMEOUT, "the picture was not made in time");
        return alb_thumbor_fail(job, &err, NULL);
    }
    if (alb_future_error(job->future, &err) != ALB_OK)
        return alb_thumbor_fail(job, &err, NULL);
    answer(job, &ask, ALB_CONTAINER_OF(alb_future_result(job->future), struct alb_picture, obj), false);
    return ALB_THUMBOR_DONE;
}
