/* SPDX-License-Identifier: Apache-2.0
 *
 * asset.warm: makes the standard sizes before anybody asks for them. Its result is a cache entry, so it may
 * be run twice, or never, without harm.
 */
#include "base/log.h"
#include "jobs/runner.h"
#include "library/source.h"
#include "render/render.h"
#include "render/sizes.h"

#define PATIENCE_NS                                                                                          \
    (60 * ALB_NS_PER_S)             /* for a slot: foreground work goes first, for as long as it likes       \
                                     */
#define WORK_NS (60 * ALB_NS_PER_S) /* for the picture once there is one */

static enum alb_code warm_size(struct alb_jobs *j, struct alb_source *source, enum alb_size size,
                               struct alb_err *err)
{
    struct alb_plan_options options;
    struct alb_future *future = NULL;
    int64_t deadline = alb_deadline(alb_mono(j->config.clock), PATIENCE_NS);
    alb_size_options(size, source, &options);
    struct alb_render_ask ask = {.source = source,
                                 .options = &options,
                                 .door = ALB_RENDER_DOOR_JOBS,
                                 .cls = ALB_LEASE_BACKGROUND,
                                 .queue_deadline = deadline};
    enum alb_code code = alb_render_start(j->config.render, &ask, NULL, &future, err);
    return code == ALB_OK ? alb_jobs_await(j, &future, NULL, alb_deadline(deadline, WORK_NS), err) : code;
}

/* What cannot be shown is no failure of this job: the photo is kept, and who asks gets the reason. */
static bool cannot_be_shown(enum alb_code code)
{
    return code == ALB_E_UNPROCESSABLE || code == ALB_E_UNSUPPORTED || code == ALB_E_TOO_LARGE;
}

enum alb_code alb_job_warm(struct alb_jobs *j, const struct alb_job *job, struct alb_err *err)
{
    struct alb_principal *machine ALB_CLEANUP(alb_principal_cleanup) = NULL;
    struct alb_source *source ALB_CLEANUP(alb_source_cleanup) = NULL;
    const struct alb_ref ref = {.id = job->subject};
    enum alb_code code = alb_library_principal_user(j->config.library, ALB_USER_ADMIN, ALB_CRED_LOCAL, 0,
                                                    INT64_MAX, &machine, err);
    if (code == ALB_OK)
        code = alb_library_resolve(j->config.library, machine, &ref, ALB_PURPOSE_VIEW, &source, err);
    if (code == ALB_E_NOT_FOUND || code == ALB_E_GONE) { /* deleted meanwhile */
        alb_err_clear(err);
        return ALB_OK;
    }
    for (enum alb_size size = ALB_SIZE_THUMBNAIL; code == ALB_OK && size <= ALB_SIZE_PREVIEW; size++) {
        if (atomic_load(&j->stopping))
            return alb_fail(err, ALB_E_CANCELLED, "stopping");
        code = warm_size(j, source, size, err);
    }
    if (cannot_be_shown(code)) {
        alb_err_clear(err);
        code = ALB_OK;
    }
    return code;
}
