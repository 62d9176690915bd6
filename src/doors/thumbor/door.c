/* SPDX-License-Identifier: Apache-2.0 */
#include "doors/thumbor/door.h"

#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"
#include "doors/thumbor/job.h"

#define FORM_EXTRA ((uint64_t)64 << 10) /* of a form around the image in it */

static void job_end(void *arg)
{
    struct alb_thumbor_job *job = arg;
    alb_thumbor_inputs_drop(job);
    alb_door_input_drop(&job->told);
    alb_future_unref(job->future);
    alb_principal_unref(job->signer);
}

static struct alb_thumbor_job *job_new(struct alb_req *req)
{
    struct alb_thumbor_door *door = alb_req_ctx(req);
    struct alb_thumbor_job *job = ALB_ARENA_NEW(alb_req_arena(req), struct alb_thumbor_job);
    if (!job || !alb_arena_defer(alb_req_arena(req), job_end, job)) {
        alb_res_error(req, ALB_E_NO_MEMORY, NULL);
        return NULL;
    }
    job->door = door;
    job->req = req;
    job->arena = alb_req_arena(req);
    job->begun = alb_mono(alb_req_clock(req));
    job->deadline = alb_deadline(job->begun, door->config.config->timeout * ALB_NS_PER_MS);
    job->is_upload = alb_req_method(req) == ALB_M_POST;
    alb_req_set_slot(req, job);
    return job;
}

static enum alb_thumbor_next run(struct alb_thumbor_job *job)
{
    switch (job->stage) {
    case ALB_THUMBOR_TAKE:
        return alb_thumbor_take(job, false);
    case ALB_THUMBOR_UPLOAD:
        return alb_thumbor_upload(job);
    case ALB_THUMBOR_KEPT:
        return alb_thumbor_kept(job);
    case ALB_THUMBOR_INPUTS:
        return alb_thumbor_inputs(job);
    case ALB_THUMBOR_FETCHING:
        return alb_thumbor_fetched(job);
    case ALB_THUMBOR_CHOOSE:
        return alb_thumbor_choose(job);
    case ALB_THUMBOR_RENDERING:
        return alb_thumbor_rendered(job);
    case ALB_THUMBOR_TELLING:
        return alb_thumbor_told(job);
    }
    alb_panic(__FILE__, "no such stage: %d", (int)job->stage);
}

static enum alb_step step(struct alb_req *req)
{
    struct alb_thumbor_job *job = alb_req_slot(req);
    enum alb_thumbor_next next = ALB_THUMBOR_ON;
    if (!job)
        job = job_new(req);
    while (job && next == ALB_THUMBOR_ON)
        next = run(job);
    return next == ALB_THUMBOR_WAIT ? ALB_STEP_WAIT : ALB_STEP_DONE;
}

static enum alb_hot hot(struct alb_req *req)
{
    struct alb_thumbor_job *job = job_new(req);
    enum alb_thumbor_next next = job ? alb_thumbor_take(job, true) : ALB_THUMBOR_DONE;
    if (next == ALB_THUMBOR_ON && alb_thumbor_make_hot(job))
        next = ALB_THUMBOR_DONE;
    return next == ALB_THUMBOR_DONE ? ALB_HOT_HIT : ALB_HOT_MISS;
}

enum alb_code alb_thumbor_door_open(const struct alb_thumbor_door_config *config,
                                    struct alb_thumbor_door **out, struct alb_err *err)
{
    struct alb_thumbor_door *door = alb_mem_calloc(1, sizeof(*door));
    struct alb_thumbor_policy *policy = alb_thumbor_policy_new(config);
    *out = NULL;
    if (!door || !policy) {
        alb_mem_free(door);
        if (policy)
            alb_obj_unref(&policy->base.obj);
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for the thumbor door");
    }
    door->config = *config;
    door->policy = policy;
    door->auth.library = config->library;
    (void)snprintf(door->pattern, sizeof(door->pattern), "%s/{path*}", config->prefix);
    *out = door;
    return ALB_OK;
}

void alb_thumbor_door_close(struct alb_thumbor_door **pointer)
{
    struct alb_thumbor_door *door = *pointer;
    *pointer = NULL;
    if (!door)
        return;
    alb_obj_unref(&door->policy->base.obj);
    alb_mem_free(door);
}

enum alb_code alb_thumbor_door_mount(struct alb_thumbor_door *door, struct alb_http *http,
                                     struct alb_err *err)
{
    const struct alb_thumbor_config *c = door->config.config;
    door->group = (struct alb_http_group){.name = "thumbor", .ctx = door, .error = alb_thumbor_error_page};
    door->routes[0] = (struct alb_route){
        .pattern = door->pattern, .methods = ALB_M_GET, .body = ALB_BODY_NONE, .hot = hot, .step = step};
    door->routes[1] = (struct alb_route){.pattern = door->pattern,
                                         .methods = ALB_M_POST,
                                         .body = ALB_BODY_SMALL,
                                         .body_max = (uint64_t)c->upload.max_bytes + FORM_EXTRA,
                                         .step = step};
    bool uploads = c->upload.on && c->allow_unsafe && !door->config.library;
    return alb_http_routes(http, &door->group, door->routes, uploads ? 2 : 1, err);
}
