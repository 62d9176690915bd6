/* SPDX-License-Identifier: Apache-2.0
 *
 * What a render job has to do with other processes that share its cache, and with purges (job.h).
 */
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/stat.h"
#include "render/books.h"
#include "render/job.h"
#include "render/purged.h"

#define CLAIM_WAIT (10 * ALB_NS_PER_S) /* at most, for another process */

static struct alb_derived_key file_key(const struct alb_render_job *job)
{
    struct alb_derived_key key;
    ALB_CHECK(sizeof(key.b) == sizeof(job->key.b));
    memcpy(key.b, job->key.b, sizeof(key.b));
    return key;
}

static void on_claim(struct alb_claim *claim)
{
    alb_actor_post(&ALB_CONTAINER_OF(claim, struct alb_render_job, claim)->actor, ALB_RENDER_JOB_CLAIM);
}

bool alb_render_job_waits_for_another(struct alb_render_job *job)
{
    struct alb_claims *claims = job->render->config.claims;
    const struct alb_derived_key key = file_key(job);
    int64_t deadline = job->render->config.deadline_ns;
    if (!claims || job->claimed)
        return false;
    if (job->claim_until == 0)
        job->claim_until =
            alb_deadline(alb_mono(alb_clock_real()), deadline < CLAIM_WAIT ? deadline : CLAIM_WAIT);
    job->stage = ALB_RENDER_CLAIMING;
    job->claim.wake = on_claim;
    switch (alb_claim_take(claims, &key, &job->claim, job->claim_until)) {
    case ALB_CLAIM_WAITING:
        alb_stat_inc(ALB_STAT_CACHE_CLAIM_WAITS);
        return true;
    case ALB_CLAIM_HELD:
        job->claimed = true;
        break;
    case ALB_CLAIM_NONE:
        break;
    }
    return false;
}

void alb_render_job_unclaim(struct alb_render_job *job)
{
    struct alb_claims *claims = job->render->config.claims;
    const struct alb_derived_key key = file_key(job);
    if (claims)
        alb_claim_leave(claims, &job->claim);
    if (job->claimed)
        alb_claim_give(claims, &key);
    job->claimed = false;
}

void alb_render_job_label(struct alb_render_job *job, const struct alb_render_ask *ask)
{
    char room[ALB_BOOKS_NAME_ROOM];
    job->door = ask->door;
    job->source = alb_arena_str(job->arena, alb_books_source(ask->source, ask->origin, room));
    struct alb_buf text = ALB_BUF_INIT(ALB_DERIVED_LABELS_MAX);
    job->purges = alb_render_purges_known(job->render->config.purges, ask);
    alb_render_labels(ask, &text);
    job->labels = alb_arena_str(job->arena, alb_buf_view(&text));
    if (alb_buf_code(&text) != ALB_OK || (text.n > 0 && job->labels.n == 0))
        job->labels = ALB_STR("\1\0" ALB_LABEL_ANY);
    alb_buf_fini(&text);
}
