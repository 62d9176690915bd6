/* SPDX-License-Identifier: Apache-2.0
 *
 * What a render job makes out of what it knows: its plan (again, when a trim was found), the darkroom's job, and the
 * cheaper wish when time runs out. Called in turns of the job; decides nothing about its life.
 */
#include <string.h>

#include "base/mem.h"
#include "base/stat.h"
#include "render/books.h"
#include "render/failures.h"
#include "render/job.h"
#include "render/origin.h"
#include "render/picture.h"

/* Of the time for one render, at most: then a picture that may degrade is made in a faster format in what is left. */
#define DEGRADE_SHARE(ns) ((ns) / 3 * 2)
#define WORTH_A_TRY(ns) ((ns) / 16)

/* Noise, the dearest of all pictures, through the slower of the executors, with half a core for it. */
#define NEED_FLOOR (ALB_NS_PER_S / 5)
#define NEED_DECODE 120 /* ns per pixel of the source */
#define NEED_ENCODE 300 /* ns per pixel of the result */

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

/* ---- what is known already ---- */

struct alb_picture *alb_render_job_from_disk(struct alb_render_job *job)
{
    enum alb_picture_for of = !job->is_level                            ? ALB_PICTURE_FOR_A_CLIENT
                              : job->lease.cls == ALB_LEASE_BACKGROUND ? ALB_PICTURE_FOR_UPKEEP
                                                                       : ALB_PICTURE_FOR_ANOTHER;
    struct alb_picture *p = alb_picture_from_disk(job->render->config.cache, &job->key, of,
                                                  job->is_level ? NULL : job->render->hot);
    if (p) {
        alb_books_disk(job->render->books, job->door, p->format);
        if (!job->is_level)
            alb_stat_inc(ALB_STAT_RENDER_DISK_HITS);
    }
    return p;
}

bool alb_render_lies_in_the_file(const struct alb_darkroom_job *d, enum alb_code code)
{
    switch ((unsigned)code) {
    case ALB_E_UNPROCESSABLE:
    case ALB_E_UNSUPPORTED:
    case ALB_E_TOO_LARGE:
        return !d->short_of_memory;
    case ALB_E_TIMEOUT: /* most of the time must have been its own */
        return d->queued_ns < d->run_ns;
    default:
        return false;
    }
}

void alb_render_job_note_failure(struct alb_render_job *job, enum alb_code code)
{
    struct alb_render *r = job->render;
    if (alb_render_lies_in_the_file(&job->darkroom, code))
        alb_failures_note(r->failures, &job->key, code, job->darkroom.run_ns, alb_mono(r->config.clock));
}

/* ---- time ---- */

int64_t alb_render_makeshift_need(const struct alb_plan *plan)
{
    const struct alb_plan_step *load = &plan->steps[0], *last = &plan->steps[plan->count - 1];
    double pages = load->u.load.pages > 1 ? load->u.load.pages : 1;
    double decode = (double)load->u.load.source_width * load->u.load.source_height * pages;
    double encode = (double)last->width * last->height * (load->u.load.animated ? pages : 1);
    return NEED_FLOOR + (int64_t)(decode * NEED_DECODE + encode * NEED_ENCODE);
}

int64_t alb_render_first_try(int64_t left, int64_t need)
{
    int64_t most = DEGRADE_SHARE(left), latest = left - need;
    int64_t time = latest < most ? latest : most;
    return time > WORTH_A_TRY(left) ? time : 0;
}

static bool has_makeshift(const struct alb_render_job *job)
{
    return job->may_degrade && !job->degraded && faster(job->options, job->plan) != ALB_FORMAT_SAME;
}

/* Of a run that begins now. */
static int64_t end_of_run(const struct alb_render_job *job, int64_t now)
{
    int64_t end = alb_deadline(now, job->render->config.deadline_ns);
    return job->may_degrade && job->deadline > 0 && job->deadline < end ? job->deadline : end;
}

int64_t alb_render_job_line_ends(const struct alb_render_job *job)
{
    int64_t asked = job->asked_line;
    if (!has_makeshift(job) || job->deadline <= 0)
        return asked;
    int64_t half = (job->deadline - job->begun) / 2, need = alb_render_makeshift_need(job->plan);
    int64_t latest = job->deadline - (need < half ? need : half);
    return latest < asked ? latest : asked;
}

bool alb_render_job_is_late(const struct alb_render_job *job)
{
    int64_t now = alb_mono(job->render->config.clock);
    return has_makeshift(job) &&
           alb_render_first_try(end_of_run(job, now) - now, alb_render_makeshift_need(job->plan)) == 0;
}

/* When the worker is to be stopped. */
static int64_t run_ends(struct alb_render_job *job, int64_t now)
{
    if (!job->degraded || job->run_until == 0)
        job->run_until = end_of_run(job, now);
    if (!has_makeshift(job))
        return job->run_until;
    int64_t left = job->run_until - now;
    int64_t first = alb_render_first_try(left, alb_render_makeshift_need(job->plan));
    return first > 0 ? now + first : job->run_until;
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
        d->deadline = run_ends(job, now);
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

struct alb_picture *alb_render_job_picture(struct alb_render_job *job)
{
    struct alb_darkroom_job *d = &job->darkroom;
    struct alb_picture *p =
        alb_picture_new(&job->key, d->result, d->format, job->plan->width, job->plan->height);
    d->result = NULL;
    if (!p)
        return NULL;
    alb_header_shown(&job->inputs.in[0].header, 0, &p->source_width, &p->source_height);
    p->anew = job->is_level && (job->plan->level == 0 || job->anew);
    p->made_ms = alb_wall(job->render->config.clock);
    p->no_store = job->degraded || alb_render_inputs_no_store(&job->inputs);
    return p;
}
