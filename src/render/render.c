/* SPDX-License-Identifier: Apache-2.0 */
#include "render/render.h"

#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/stat.h"
#include "library/source.h"
#include "render/job.h"

static unsigned processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (unsigned)n;
}

enum alb_code alb_render_new(const struct alb_render_config *config, struct alb_render **out,
                             struct alb_err *err)
{
    struct alb_render *r = alb_mem_calloc(1, sizeof(*r));
    *out = NULL;
    if (!r)
        return alb_fail(err, ALB_E_NO_MEMORY, "render");
    r->config = *config;
    if (r->config.slots == 0)
        r->config.slots = processors();
    alb_mutex_init(&r->mtx, ALB_LOCK_RENDER);
    alb_cond_init(&r->none_left);
    struct alb_lease_config lease = {
        .slots = r->config.slots,
        .background_slots = r->config.slots > 1 ? r->config.slots / 2 : 1,
        .budget = config->budget_bytes,
        .queue_max = config->queue_max,
        .clock = config->clock,
        .timers = config->timers,
    };
    r->leases = alb_lease_pool_new(&lease);
    r->flights = alb_flight_new((size_t)config->queue_max * 2 + r->config.slots);
    r->hot = alb_hot_cache_new(config->hot_bytes);
    if (!r->leases || !r->flights || !r->hot) {
        alb_render_free(&r);
        return alb_fail(err, ALB_E_NO_MEMORY, "render");
    }
    *out = r;
    return ALB_OK;
}

void alb_render_free(struct alb_render **render)
{
    struct alb_render *r = *render;
    if (!r)
        return;
    *render = NULL;
    atomic_store(&r->closing, true);
    if (r->leases)
        alb_lease_close(r->leases);
    alb_mutex_lock(&r->mtx);
    for (struct alb_render_job *job = r->jobs; job; job = job->next)
        alb_render_job_cancel(job);
    while (r->job_count > 0)
        alb_cond_wait(&r->none_left, &r->mtx);
    alb_mutex_unlock(&r->mtx);
    alb_hot_cache_free(&r->hot);
    if (r->flights)
        alb_flight_free(&r->flights);
    if (r->leases)
        alb_lease_pool_free(&r->leases);
    alb_cond_fini(&r->none_left);
    alb_mutex_fini(&r->mtx);
    alb_mem_free(r);
}

/* The turn that a person gave is part of what is wanted: equal bytes then have equal keys, whoever owns them.
 */
static struct alb_plan_options wanted(const struct alb_render_ask *ask)
{
    struct alb_plan_options o = *ask->options;
    o.turn = (uint16_t)((o.turn + ask->source->rotation) % 360);
    return o;
}

static void key_of(const struct alb_source *source, const struct alb_plan_options *o,
                   struct alb_flight_key *key)
{
    struct alb_buf text = ALB_BUF_INIT(1024);
    const unsigned char epochs[4] = {ALB_RENDER_EPOCH, ALB_IMAGE_EPOCH, 0, 0};
    alb_buf_add(&text, epochs, sizeof(epochs));
    alb_buf_add(&text, source->sha256, sizeof(source->sha256));
    alb_plan_options_key(o, &text);
    ALB_CHECK(sizeof(key->b) == ALB_SHA256_LEN);
    if (alb_buf_code(&text) == ALB_OK)
        alb_sha256(text.p, text.n, key->b);
    else
        alb_random(key->b, sizeof(key->b)); /* no memory: a key that nobody shares */
    alb_buf_fini(&text);
}

void alb_render_key(const struct alb_render_ask *ask, struct alb_flight_key *key)
{
    struct alb_plan_options o = wanted(ask);
    key_of(ask->source, &o, key);
}

struct alb_picture *alb_render_hot(struct alb_render *r, const struct alb_flight_key *key)
{
    struct alb_picture *p = alb_hot_cache_get(r->hot, key);
    if (p)
        alb_stat_inc(ALB_STAT_RENDER_HOT_HITS);
    return p;
}

enum alb_code alb_render_start(struct alb_render *r, const struct alb_render_ask *ask, struct alb_waiter *w,
                               struct alb_future **future, struct alb_err *err)
{
    struct alb_plan_options o = wanted(ask);
    struct alb_render_ask mine = *ask;
    struct alb_flight_key key;
    struct alb_owner owner;
    enum alb_flight_role role;
    mine.options = &o;
    key_of(ask->source, &o, &key);
    enum alb_code code = alb_flight_join(r->flights, &key, w, future, &owner, &role, err);
    if (code != ALB_OK)
        return code;
    if (role == ALB_FLIGHT_OWNER)
        alb_render_job_begin(r, &mine, &key, &owner);
    else
        alb_stat_inc(ALB_STAT_RENDER_JOINED);
    return ALB_OK;
}

void alb_render_inherit(struct alb_render *r, const struct alb_render_ask *ask, struct alb_owner *owner)
{
    struct alb_plan_options o = wanted(ask);
    struct alb_render_ask mine = *ask;
    struct alb_flight_key key;
    mine.options = &o;
    key_of(ask->source, &o, &key);
    alb_render_job_begin(r, &mine, &key, owner);
}

struct alb_render_view alb_render_look(struct alb_render *r)
{
    struct alb_render_view v = {
        .lease = alb_lease_look(r->leases),
        .hot_hits = (uint64_t)alb_stat_get(ALB_STAT_RENDER_HOT_HITS),
        .disk_hits = (uint64_t)alb_stat_get(ALB_STAT_RENDER_DISK_HITS),
        .misses = (uint64_t)alb_stat_get(ALB_STAT_RENDER_MISSES),
        .joined = (uint64_t)alb_stat_get(ALB_STAT_RENDER_JOINED),
        .failed = (uint64_t)alb_stat_get(ALB_STAT_RENDER_FAILED),
        .hot_bytes = alb_hot_cache_bytes(r->hot),
    };
    int64_t now = alb_mono(r->config.clock);
    alb_mutex_lock(&r->mtx);
    v.jobs = r->job_count;
    for (const struct alb_render_job *job = r->jobs; job; job = job->next)
        if (now - job->begun > v.oldest_job_ns)
            v.oldest_job_ns = now - job->begun;
    alb_mutex_unlock(&r->mtx);
    return v;
}
