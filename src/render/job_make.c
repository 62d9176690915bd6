/* SPDX-License-Identifier: Apache-2.0
 *
 * What a render job makes out of what it knows: its plan (again, when a trim was found), the darkroom's job, and the
 * cheaper wish when time runs out. Called in turns of the job; decides nothing about its life.
 */
#include <string.h>

#include "base/mem.h"
#include "render/job.h"
#include "render/origin.h"

/* Of the time for one render: then a picture that may degrade is made in a faster format in what is left. */
#define DEGRADE_SHARE(ns) ((ns) / 3 * 2)

enum alb_code alb_render_job_plan(struct alb_render_job *job, struct alb_err *err)
{
    struct alb_image_header headers[ALB_PLAN_INPUTS];
    if (!job->plan)
        job->plan = alb_mem_alloc(sizeof(*job->plan));
    if (!job->plan)
        return alb_fail(err, ALB_E_NO_MEMORY, "a plan");
    for (unsigned i = 0; i < job->inputs.count; i++)
        headers[i] = job->inputs.in[i].header;
    const struct alb_plan_ask ask = {.headers = headers,
                                     .header_count = job->inputs.count,
                                     .options = job->options,
                                     .limits = &job->limits,
                                     .trims = job->trims,
                                     .trim_count = job->trim_count};
    return alb_plan_make(&ask, job->plan, err);
}

bool alb_render_job_add_trim(struct alb_render_job *job, const struct alb_rect *found)
{
    if (job->trim_count == ALB_ARRAY_LEN(job->trims))
        return false;
    job->trims[job->trim_count++] = *found;
    return true;
}

/* Formats whose encoders take long, and what everybody shows instead. */
static enum alb_format faster(const struct alb_plan_options *o, const struct alb_plan *plan)
{
    bool slow = plan->format == ALB_FORMAT_AVIF || plan->format == ALB_FORMAT_HEIC ||
                plan->format == ALB_FORMAT_JXL || plan->format == ALB_FORMAT_SAME;
    bool search = o->output.best || o->output.max_bytes || o->output.autoquality != ALB_AUTOQUALITY_OFF;
    return slow || search ? ALB_FORMAT_WEBP : ALB_FORMAT_SAME;
}

bool alb_render_job_degrade(struct alb_render_job *job)
{
    struct alb_output *o = &job->options->output;
    enum alb_format to = faster(job->options, job->plan);
    if (!job->may_degrade || job->degraded || to == ALB_FORMAT_SAME)
        return false;
    memset(o->automatic, 0, sizeof(o->automatic));
    o->format = to;
    o->best = 0;
    o->max_bytes = 0;
    o->autoquality = ALB_AUTOQUALITY_OFF;
    o->webp_mode = ALB_WEBP_LOSSY;
    o->effort[to] = 1;
    job->degraded = true;
    return true;
}

enum alb_code alb_render_job_order(struct alb_render_job *job, enum alb_darkroom_work work,
                                   alb_job_done_fn *done, struct alb_err *err)
{
    struct alb_render *r = job->render;
    int64_t whole = r->config.deadline_ns, now = alb_mono(r->config.clock);
    struct alb_darkroom_job *d = &job->darkroom;
    enum alb_code code;
    *d = (struct alb_darkroom_job){
        .work = work, .source_fd = -1, .deadline = alb_deadline(now, whole), .done = done};
    if (work == ALB_WORK_HEADER) {
        unsigned i = alb_render_inputs_unknown(&job->inputs);
        d->type = job->inputs.in[i].origin->type;
        code = alb_render_inputs_fd(&job->inputs, i, &d->source_fd, &d->source_bytes, err);
    } else {
        d->plan = job->plan;
        d->type = job->plan->steps[0].u.load.type;
        if (!job->degraded)
            job->run_until = d->deadline;
        if (job->degraded)
            d->deadline = job->run_until;
        else if (job->may_degrade && faster(job->options, job->plan) != ALB_FORMAT_SAME)
            d->deadline = alb_deadline(now, DEGRADE_SHARE(whole));
        code = alb_render_inputs_lend(&job->inputs, d, err);
    }
    return code == ALB_OK ? alb_darkroom_submit(r->config.darkroom, d, &job->ticket, err) : code;
}

enum alb_code alb_render_job_learn(struct alb_render_job *job, struct alb_err *err)
{
    unsigned i = alb_render_inputs_unknown(&job->inputs);
    struct alb_render_held *h = &job->inputs.in[i];
    const struct alb_probe *p = job->darkroom.probe;
    if (p->damaged && (p->header.width == 0 || p->header.height == 0))
        return alb_fail(err, ALB_E_UNPROCESSABLE, "%s", p->note);
    h->header = p->header;
    h->known = true;
    alb_headers_put(job->render->headers, h->origin->identity, &h->header);
    return ALB_OK;
}
