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
#include "render/books.h"
#include "render/failures.h"
#include "render/job.h"
#include "render/order.h"
#include "render/picture.h"
#include "render/purged.h"

#define VECTOR_SLOTS 2 /* one of them for the background */
#define KEY_HEAD_MAX 512

static unsigned processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (unsigned)n;
}

unsigned alb_render_slots(unsigned wanted)
{
    unsigned n = wanted > 0 ? wanted : processors();
    return n < 2 ? 2 : n;
}

static struct alb_lease_pool *lease_pool(const struct alb_render_config *c, unsigned slots,
                                         unsigned queue_max, uint64_t budget)
{
    struct alb_lease_config lease = {
        .slots = slots,
        .background_slots = slots / 2,
        .budget = budget,
        .background_budget = budget / 2,
        .queue_max = queue_max,
        .clock = c->clock,
        .timers = c->timers,
    };
    return alb_lease_pool_new(&lease);
}

enum alb_code alb_render_new(const struct alb_render_config *config, struct alb_render **out,
                             struct alb_err *err)
{
    struct alb_render *r = alb_mem_calloc(1, sizeof(*r));
    *out = NULL;
    if (!r)
        return alb_fail(err, ALB_E_NO_MEMORY, "render");
    r->config = *config;
    r->started_ms = alb_wall(config->clock);
    if (r->config.slots == 0)
        r->config.slots = alb_render_slots(0);
    if (r->config.vector_slots == 0)
        r->config.vector_slots = VECTOR_SLOTS;
    alb_mutex_init(&r->mtx, ALB_LOCK_RENDER);
    alb_cond_init(&r->none_left);
    r->leases = lease_pool(config, r->config.slots, config->queue_max, config->budget_bytes);
    r->vectors =
        lease_pool(config, r->config.vector_slots, (config->queue_max + 3) / 4, config->budget_bytes / 2);
    r->order_places = lease_pool(config, ALB_ORDERS_AT_ONCE, ALB_ORDERS_MAX, UINT64_MAX);
    r->order_flights = alb_flight_new(ALB_ORDERS_MAX + ALB_ORDERS_AT_ONCE);
    r->failures = alb_failures_new();
    r->headers = alb_headers_new();
    r->flights = alb_flight_new((size_t)config->queue_max * 2 + r->config.slots);
    /* Each of those may wait for a level, which may be made of another one. */
    r->level_flights = alb_flight_new(((size_t)config->queue_max * 2 + r->config.slots) * 2);
    r->hot = alb_hot_cache_new(config->hot_bytes);
    r->books = alb_books_new();
    if (!r->leases || !r->vectors || !r->order_places || !r->order_flights || !r->failures || !r->headers ||
        !r->flights || !r->level_flights || !r->hot || !r->books) {
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
    alb_mutex_lock(&r->mtx);
    r->closing = true;
    for (int cls = 0; cls < ALB_LEASE_CLASS_COUNT; cls++)
        for (struct alb_render_job *job = r->jobs[cls]; job; job = job->next)
            alb_render_job_cancel_locked(job);
    alb_render_order_cancel_locked(r->orders);
    alb_mutex_unlock(&r->mtx);
    if (r->leases)
        alb_lease_close(r->leases);
    if (r->vectors)
        alb_lease_close(r->vectors);
    if (r->order_places)
        alb_lease_close(r->order_places);
    alb_mutex_lock(&r->mtx);
    while (r->job_count + r->order_count + r->ahead_count > 0)
        alb_cond_wait(&r->none_left, &r->mtx);
    alb_mutex_unlock(&r->mtx);
    alb_hot_cache_free(&r->hot);
    alb_books_free(&r->books);
    if (r->flights)
        alb_flight_free(&r->flights);
    if (r->level_flights)
        alb_flight_free(&r->level_flights);
    if (r->order_flights)
        alb_flight_free(&r->order_flights);
    alb_lease_pool_free(&r->leases);
    alb_lease_pool_free(&r->vectors);
    alb_lease_pool_free(&r->order_places);
    alb_failures_free(&r->failures);
    alb_headers_free(&r->headers);
    alb_cond_fini(&r->none_left);
    alb_mutex_fini(&r->mtx);
    alb_mem_free(r);
}

/* The turn that a person gave is part of what is wanted: equal bytes then have equal keys, whoever owns them.
 */
static struct alb_plan_options wanted(const struct alb_render *r, const struct alb_render_ask *ask)
{
    struct alb_plan_options o = *ask->options;
    o.levels = o.levels && (!r || r->config.pyramid);
    if (ask->source)
        o.turn = (uint16_t)((o.turn + 360 + ask->source->rotation % 360) % 360);
    return o;
}

static void add_limits(const struct alb_plan_limits *l, struct alb_buf *out)
{
    const uint64_t all[] = {
        (uint64_t)l->source_bytes, l->source_pixels, l->animation_pixels, l->frames, l->result_side,
        l->result_pixels,          l->memory};
    alb_buf_add(out, all, sizeof(all));
}

static void key_of(struct alb_render *r, const struct alb_render_ask *ask, const struct alb_plan_options *o,
                   struct alb_flight_key *key)
{
    struct alb_buf text = ALB_BUF_INIT(ALB_OPTIONS_KEY_MAX + KEY_HEAD_MAX);
    const unsigned char head[5] = {ALB_RENDER_EPOCH, ALB_IMAGE_EPOCH, (unsigned char)(1 + ask->more_count),
                                   ask->may_degrade, ask->limits != NULL};
    alb_buf_add(&text, head, sizeof(head));
    alb_render_inputs_key(ask, &text);
    if (ask->limits) /* what is refused under them is an answer too */
        add_limits(ask->limits, &text);
    alb_plan_options_key(o, &text);
    if (r)
        alb_render_purged_key(r->config.purges, ask, &text);
    ALB_CHECK(sizeof(key->b) == ALB_SHA256_LEN);
    if (alb_buf_code(&text) == ALB_OK)
        alb_sha256(text.p, text.n, key->b);
    else
        alb_random(key->b, sizeof(key->b)); /* no memory: a key that nobody shares */
    alb_buf_fini(&text);
}

void alb_render_key(struct alb_render *r, const struct alb_render_ask *ask, struct alb_flight_key *key)
{
    struct alb_plan_options o = wanted(r, ask);
    key_of(r, ask, &o, key);
}

uint64_t alb_render_purges_newest(struct alb_render *r)
{
    return alb_purges_now(r->config.purges);
}

void alb_render_purges_retired(struct alb_render *r)
{
    alb_hot_cache_clear(r->hot);
}

struct alb_picture *alb_render_hot(struct alb_render *r, const struct alb_flight_key *key)
{
    int64_t oldest_ms = r->config.max_age_ms > 0 ? alb_wall(r->config.clock) - r->config.max_age_ms + 1 : 0;
    struct alb_picture *p = alb_hot_cache_get(r->hot, key, oldest_ms);
    if (p)
        alb_stat_inc(ALB_STAT_RENDER_HOT_HITS);
    return p;
}

static struct alb_picture *from_disk(struct alb_render *r, enum alb_render_door door,
                                     const struct alb_flight_key *key, enum alb_picture_for of)
{
    int64_t begun = alb_mono(r->config.clock);
    struct alb_picture *p = alb_picture_from_disk(r->config.cache, key, of, r->hot);
    if (!p)
        return NULL;
    alb_books_disk(r->books, door, p->format);
    alb_stat_inc(ALB_STAT_RENDER_DISK_HITS);
    alb_stat_observe(ALB_HIST_RENDER, alb_mono(r->config.clock) - begun);
    (void)alb_hot_cache_put(r->hot, key, p); /* or it is read again */
    return p;
}

struct alb_picture *alb_render_at_hand(struct alb_render *r, enum alb_render_door door,
                                       const struct alb_flight_key *key, bool *hot)
{
    struct alb_picture *p = alb_render_hot(r, key);
    *hot = p != NULL;
    return p ? p : from_disk(r, door, key, ALB_PICTURE_AT_HAND);
}

struct alb_picture *alb_render_kept(struct alb_render *r, enum alb_render_door door,
                                    const struct alb_flight_key *key)
{
    return from_disk(r, door, key, ALB_PICTURE_AT_ONCE);
}

void alb_render_hurry_locked(struct alb_render *r, const struct alb_flight_key *key, int64_t deadline)
{
    for (struct alb_render_job *job = r->jobs[ALB_LEASE_BACKGROUND]; job; job = job->next)
        if (memcmp(&job->key, key, sizeof(*key)) == 0) {
            alb_render_job_hurry_locked(job, deadline);
            return;
        }
}

/* Joins the flight, and makes the job its owner or tells the one that is there: in one step, so that nobody
 * who joins can miss it. The job is linked if role is OWNER. */
static enum alb_code enter(struct alb_render *r, const struct alb_render_ask *ask, struct alb_render_job *job,
                           struct alb_waiter *w, struct alb_future **future, enum alb_flight_role *role,
                           struct alb_err *err)
{
    enum alb_code code = ALB_OK;
    alb_mutex_lock(&r->mtx);
    if (r->closing)
        code = alb_fail(err, ALB_E_BUSY, "closing");
    if (code == ALB_OK)
        code = alb_flight_join(job->is_level ? r->level_flights : r->flights, &job->key, w, future, &job->owner,
                               role, err);
    if (code == ALB_OK && *role == ALB_FLIGHT_OWNER)
        alb_render_job_link_locked(job);
    else if (code == ALB_OK && ask->cls == ALB_LEASE_FOREGROUND)
        alb_render_hurry_locked(r, &job->key, ask->queue_deadline);
    alb_mutex_unlock(&r->mtx);
    return code;
}

/* A job for the ask, in no list; NULL: no memory. */
static struct alb_render_job *job_for(struct alb_render *r, const struct alb_render_ask *ask,
                                      const struct alb_plan_options *o, bool level)
{
    struct alb_flight_key key;
    key_of(r, ask, o, &key);
    struct alb_render_job *job = alb_render_job_new(r, ask, o, &key);
    if (job)
        job->is_level = level;
    return job;
}

static enum alb_code start(struct alb_render *r, const struct alb_render_ask *ask, struct alb_render_job *job,
                           struct alb_waiter *w, struct alb_future **future, struct alb_err *err)
{
    enum alb_flight_role role = ALB_FLIGHT_WAITER;
    if (!job)
        return alb_fail(err, ALB_E_NO_MEMORY, "render");
    enum alb_code code = enter(r, ask, job, w, future, &role, err);
    if (code == ALB_OK && role == ALB_FLIGHT_OWNER) {
        alb_render_job_start(job);
        return ALB_OK;
    }
    if (code == ALB_OK && !job->is_level)
        alb_stat_inc(ALB_STAT_RENDER_JOINED);
    alb_render_job_drop(job);
    return code;
}

enum alb_code alb_render_start(struct alb_render *r, const struct alb_render_ask *ask, struct alb_waiter *w,
                               struct alb_future **future, struct alb_err *err)
{
    struct alb_plan_options o = wanted(r, ask);
    *future = NULL;
    enum alb_code code = alb_plan_options_check(&o, err);
    if (code != ALB_OK)
        return code;
    /* Made before the flight is joined: after that nothing may fail. */
    return start(r, ask, job_for(r, ask, &o, false), w, future, err);
}

enum alb_code alb_render_level_start(struct alb_render *r, const struct alb_render_ask *ask, struct alb_waiter *w,
                                     struct alb_flight_key *key, struct alb_future **future, struct alb_err *err)
{
    struct alb_render_job *job = job_for(r, ask, ask->options, true);
    *future = NULL;
    if (job)
        *key = job->key;
    return start(r, ask, job, w, future, err);
}

static void inherit(struct alb_render *r, struct alb_render_job *job, struct alb_owner *owner, struct alb_waiter *w)
{
    struct alb_owner title = *owner; /* it may lie in w, which is registered anew below */
    struct alb_err err = ALB_ERR_INIT;
    bool closing = false;
    *owner = ALB_OWNER_NONE;
    if (w) { /* before the job begins: the others may leave, and it would end before its heir waits */
        w->heir = false;
        ALB_CHECK(alb_future_wait(title.future, w));
    }
    if (job) {
        alb_mutex_lock(&r->mtx);
        closing = r->closing;
        if (!closing) {
            job->owner = title;
            alb_render_job_link_locked(job);
        }
        alb_mutex_unlock(&r->mtx);
    }
    if (job && !closing) {
        alb_render_job_start(job);
        return;
    }
    (void)alb_fail(&err, job ? ALB_E_BUSY : ALB_E_NO_MEMORY, "render");
    if (job)
        alb_render_job_drop(job);
    (void)alb_future_fail(&title, &err);
}

void alb_render_inherit(struct alb_render *r, const struct alb_render_ask *ask, struct alb_owner *owner,
                        struct alb_waiter *w)
{
    struct alb_plan_options o = wanted(r, ask);
    inherit(r, job_for(r, ask, &o, false), owner, w);
}

void alb_render_level_inherit(struct alb_render *r, const struct alb_render_ask *ask, struct alb_owner *owner,
                              struct alb_waiter *w)
{
    inherit(r, job_for(r, ask, ask->options, true), owner, w);
}

struct alb_render_view alb_render_look(struct alb_render *r)
{
    struct alb_render_view v = {
        .lease = alb_lease_look(r->leases),
        .vectors = alb_lease_look(r->vectors),
        .hot_hits = (uint64_t)alb_stat_get(ALB_STAT_RENDER_HOT_HITS),
        .disk_hits = (uint64_t)alb_stat_get(ALB_STAT_RENDER_DISK_HITS),
        .misses = (uint64_t)alb_stat_get(ALB_STAT_RENDER_MISSES),
        .joined = (uint64_t)alb_stat_get(ALB_STAT_RENDER_JOINED),
        .failed = (uint64_t)alb_stat_get(ALB_STAT_RENDER_FAILED),
        .remembered = (uint64_t)alb_stat_get(ALB_STAT_RENDER_REMEMBERED),
        .hot_bytes = alb_hot_cache_bytes(r->hot),
        .hot_limit = r->config.hot_bytes,
        .started_ms = r->started_ms,
    };
    int64_t now = alb_mono(r->config.clock);
    alb_mutex_lock(&r->mtx);
    v.jobs = r->job_count;
    for (const struct alb_render_job *job = r->jobs[ALB_LEASE_FOREGROUND]; job; job = job->next)
        if (now - job->waited_since > v.oldest_ns)
            v.oldest_ns = now - job->waited_since;
    alb_mutex_unlock(&r->mtx);
    return v;
}
