/* SPDX-License-Identifier: Apache-2.0
 *
 * What a render job does while another one makes the level that it needs (job.h, image/plan.h). The level is a render
 * of its own, with its own key, flight, slot and file; here it is waited for, hurried, left, and laid before the
 * worker instead of the source. No slot is held meanwhile (law 1).
 */
#include <errno.h>
#include <sys/mman.h>

#include "base/fs.h"
#include "base/stat.h"
#include "render/job.h"

static void on_level(struct alb_waiter *w, enum alb_wake why)
{
    struct alb_render_job *job = ALB_CONTAINER_OF(w, struct alb_render_job, level_waiter);
    job->level_why = why;
    alb_actor_post(&job->actor, ALB_RENDER_JOB_LEVEL);
}

/* The level's own ask follows from the source and the plan alone. */
static struct alb_render_ask ask_of(const struct alb_render_job *job, struct alb_plan_options *o)
{
    const struct alb_render_held *h = &job->inputs.in[0];
    alb_level_options(&h->header, job->plan->level, o);
    return (struct alb_render_ask){.source = h->source,
                                   .origin = h->origin,
                                   .options = o,
                                   .limits = job->own_limits ? &job->limits : NULL,
                                   .door = ALB_RENDER_DOOR_LEVELS,
                                   .cls = job->lease.cls,
                                   .queue_deadline = job->asked_line};
}

enum alb_code alb_render_job_level_ask(struct alb_render_job *job, struct alb_err *err)
{
    struct alb_plan_options o;
    const struct alb_render_ask ask = ask_of(job, &o);
    job->stage = ALB_RENDER_LEVELLING;
    job->level_cls = job->lease.cls;
    job->level_begun = alb_mono(job->render->config.clock);
    job->level_waiter.wake = on_level;
    job->level_waiter.heir = job->lease.cls == ALB_LEASE_FOREGROUND;
    return alb_render_level_start(job->render, &ask, &job->level_waiter, &job->level_key, &job->level, err);
}

bool alb_render_job_level_leave(struct alb_render_job *job)
{
    return alb_future_leave(job->level, &job->level_waiter);
}

void alb_render_job_level_hurry(struct alb_render_job *job)
{
    struct alb_render *r = job->render;
    alb_mutex_lock(&r->mtx);
    alb_render_hurry_locked(r, &job->level_key, job->asked_line);
    alb_mutex_unlock(&r->mtx);
}

static enum alb_code lay_before(struct alb_render_job *job, const struct alb_picture *p, struct alb_err *err)
{
    const struct alb_plan_step *load = &job->plan->steps[0];
    int fd = -1;
    if (p->width != load->u.load.source_width || p->height != load->u.load.source_height)
        return alb_fail(err, ALB_E_INTERNAL, "a level of %u x %u instead of %u x %u", p->width, p->height,
                        load->u.load.source_width, load->u.load.source_height);
    fd = memfd_create("albumen-level", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return alb_fail_sys(err, ALB_E_NO_MEMORY, errno, "memory file");
    job->inputs.level_fd = fd;
    job->inputs.level_bytes = (int64_t)p->bytes->n;
    job->inputs.levelled = true;
    return alb_fs_pwrite_all(fd, p->bytes->p, p->bytes->n, 0, err);
}

static enum alb_render_level take_over(struct alb_render_job *job, bool unwanted, struct alb_err *err)
{
    struct alb_plan_options o;
    if (unwanted) {
        (void)alb_fail(err, ALB_E_BUSY, "nobody waits any more");
        (void)alb_future_resign(&job->level_waiter.owner, err);
        return ALB_RENDER_LEVEL_FAILED;
    }
    const struct alb_render_ask ask = ask_of(job, &o);
    job->level_cls = job->lease.cls;
    alb_render_level_inherit(job->render, &ask, &job->level_waiter.owner, &job->level_waiter);
    return ALB_RENDER_LEVEL_NOT_YET;
}

enum alb_render_level alb_render_job_level_take(struct alb_render_job *job, bool unwanted,
                                                struct alb_err *err)
{
    bool background = job->level_cls == ALB_LEASE_BACKGROUND;
    if (job->level_why == ALB_WAKE_PROMOTED)
        return take_over(job, unwanted, err);
    enum alb_code code = alb_future_error(job->level, err);
    if (code == ALB_OK) {
        const struct alb_picture *p = ALB_CONTAINER_OF(alb_future_result(job->level), struct alb_picture, obj);
        job->anew = p->anew;
        code = lay_before(job, p, err);
    }
    alb_future_unref(job->level);
    job->level = NULL;
    if (code == ALB_OK) { /* the time that it took is not waiting for a slot of its own */
        int64_t took = alb_mono(job->render->config.clock) - job->level_begun;
        job->asked_line = job->lease.queue_deadline = alb_deadline(job->asked_line, took);
        alb_stat_inc(ALB_STAT_LEVEL_USES);
        return ALB_RENDER_LEVEL_THERE;
    }
    bool of_its_share = background && (code == ALB_E_TOO_LARGE || code == ALB_E_BUSY);
    if (of_its_share && job->lease.cls == ALB_LEASE_FOREGROUND && !unwanted) {
        alb_err_clear(err); /* a person waits since, and has more */
        return alb_render_job_level_ask(job, err) == ALB_OK ? ALB_RENDER_LEVEL_NOT_YET
                                                            : ALB_RENDER_LEVEL_FAILED;
    }
    return of_its_share ? ALB_RENDER_LEVEL_REFUSED : ALB_RENDER_LEVEL_FAILED;
}
