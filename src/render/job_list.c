/* SPDX-License-Identifier: Apache-2.0
 *
 * The lists in which a render finds its jobs, and what others do to a job that they find there (job.h): all of it under
 * the render's mtx; what the job is to do about it is an event of its actor.
 */
#include "render/job.h"

void alb_render_job_link_locked(struct alb_render_job *job) ALB_NO_LOCK_ANALYSIS
{
    struct alb_render *r = job->render;
    struct alb_render_job **list = &r->jobs[job->list];
    alb_mutex_assert_held(&r->mtx);
    job->prev = NULL;
    job->next = *list;
    if (*list)
        (*list)->prev = job;
    *list = job;
    r->job_count++;
}

static void unlink_locked(struct alb_render_job *job)
{
    struct alb_render *r = job->render;
    if (job->prev)
        job->prev->next = job->next;
    else
        r->jobs[job->list] = job->next;
    if (job->next)
        job->next->prev = job->prev;
    r->job_count--;
}

void alb_render_job_forget(struct alb_render_job *job)
{
    struct alb_render *r = job->render;
    alb_mutex_lock(&r->mtx);
    unlink_locked(job);
    if (r->job_count == 0)
        alb_cond_broadcast(&r->none_left);
    alb_mutex_unlock(&r->mtx);
}

void alb_render_job_hurry_locked(struct alb_render_job *job, int64_t deadline)
{
    unlink_locked(job);
    job->list = ALB_LEASE_FOREGROUND;
    job->waited_since = alb_mono(job->render->config.clock);
    job->hurry_deadline = deadline;
    alb_render_job_link_locked(job);
    alb_actor_post(&job->actor, ALB_RENDER_JOB_HURRY);
}

void alb_render_job_cancel_locked(struct alb_render_job *job) ALB_NO_LOCK_ANALYSIS
{
    alb_mutex_assert_held(&job->render->mtx);
    alb_actor_post(&job->actor, ALB_RENDER_JOB_CANCEL);
}
