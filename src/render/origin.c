/* SPDX-License-Identifier: Apache-2.0
 *
 * The room of sources (contract: origin.h): its caches, the table of flights, and the way into a flight.
 */
#include "render/origin.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/options.h"
#include "base/stat.h"
#include "blob/purges.h"
#include "render/origin_job.h"

#define NOTES_SHARE 32 /* one part in so many of the cache is for notes */
#define CHECK_BODIES ((int64_t)1 << 32) /* cursor of alb_origins_check_step: before it notes, from it on bodies */

/* ---- keys ---- */

static void add_text(struct alb_hash *h, struct alb_str text)
{
    uint64_t n = text.n;
    alb_hash_update(h, &n, sizeof(n));
    alb_hash_update(h, text.p, text.n);
}

static void add_number(struct alb_hash *h, int64_t v)
{
    alb_hash_update(h, &v, sizeof(v));
}

static void digest(const struct alb_hash *h, unsigned char out[ALB_SHA256_LEN])
{
    unsigned char sum[ALB_HASH_MAX_LEN];
    (void)alb_hash_final(h, sum);
    memcpy(out, sum, ALB_SHA256_LEN);
}

void alb_origin_keys(const struct alb_origin_ask *ask, uint64_t purged, struct alb_derived_key *copy,
                     unsigned char flight[32])
{
    const struct alb_origin_policy *p = ask->policy;
    struct alb_hash h;
    alb_hash_init(&h, ALB_HASH_SHA256);
    add_text(&h, ALB_STR("albumen source 1"));
    add_text(&h, ask->url);
    add_number(&h, (int64_t)ask->header_count);
    for (size_t i = 0; i < ask->header_count; i++)
        add_text(&h, ask->headers[i]);
    add_number(&h, ask->headers_follow);
    add_number(&h, p->reach);
    for (size_t i = 0; i < p->blocked_count; i++) {
        add_text(&h, alb_str_n((const char *)p->blocked[i].address, sizeof(p->blocked[i].address)));
        add_number(&h, p->blocked[i].bits);
    }
    add_number(&h, p->insecure);
    add_text(&h, alb_str_c(p->agent));
    for (size_t i = 0; i < p->keep_count; i++)
        add_text(&h, alb_str_c(p->keep[i]));
    if (purged) /* what was fetched before a purge is never found again */
        add_number(&h, (int64_t)purged);
    digest(&h, copy->b);
    add_number(&h, (int64_t)(uintptr_t)p); /* its `may`, its times */
    add_number(&h, ask->max_bytes);
    add_number(&h, ask->any_type);
    add_number(&h, ask->reload);
    digest(&h, flight);
}

/* ---- the table ---- */

static struct alb_origin_job **bucket_of(struct alb_origins *r, const unsigned char flight[32])
{
    return &r->buckets[flight[0] % ALB_ORIGIN_BUCKETS];
}

static struct alb_origin_job *find_locked(struct alb_origins *r, const unsigned char flight[32])
{
    struct alb_origin_job *job = *bucket_of(r, flight);
    while (job && memcmp(job->flight, flight, sizeof(job->flight)) != 0)
        job = job->next;
    return job;
}

static void link_locked(struct alb_origin_job *job)
{
    struct alb_origin_job **bucket = bucket_of(job->origins, job->flight);
    job->prev = NULL;
    job->next = *bucket;
    if (*bucket)
        (*bucket)->prev = job;
    *bucket = job;
    job->listed = true;
    job->origins->jobs++;
}

static void unlink_locked(struct alb_origin_job *job)
{
    if (!job->listed)
        return;
    if (job->prev)
        job->prev->next = job->next;
    else
        *bucket_of(job->origins, job->flight) = job->next;
    if (job->next)
        job->next->prev = job->prev;
    job->listed = false;
}

void alb_origin_forget(struct alb_origin_job *job)
{
    alb_mutex_lock(&job->origins->mtx);
    unlink_locked(job);
    alb_mutex_unlock(&job->origins->mtx);
}

bool alb_origin_forsake(struct alb_origin_job *job)
{
    alb_mutex_lock(&job->origins->mtx);
    bool nobody = alb_future_is_forsaken(&job->owner);
    if (nobody)
        unlink_locked(job);
    alb_mutex_unlock(&job->origins->mtx);
    return nobody;
}

void alb_origin_gone(struct alb_origins *r)
{
    alb_mutex_lock(&r->mtx);
    if (--r->jobs == 0)
        alb_cond_broadcast(&r->none_left);
    alb_mutex_unlock(&r->mtx);
}

/* ---- asking ---- */

struct alb_origin *alb_origin_hot(struct alb_origins *r, const struct alb_origin_ask *ask)
{
    const struct alb_origin_policy *p = ask->policy;
    struct alb_derived_key key;
    unsigned char flight[32];
    struct alb_url url;
    if (ask->reload)
        return NULL;
    alb_origin_keys(ask, alb_purges_newest(r->config.purges, &ask->url, 1), &key, flight);
    struct alb_origin *o = alb_origin_hot_get(r->hot, &key);
    if (!o)
        return NULL;
    bool fine = alb_origin_note_is_fresh(alb_origin_note_of(o), alb_wall(r->config.clock),
                                         r->config.recheck_ns / ALB_NS_PER_MS) &&
                o->size <= ask->max_bytes && (o->type != ALB_TYPE_UNKNOWN || ask->any_type);
    if (fine && p->may) { /* asked for, and where it came from */
        fine = alb_url_parse(ask->url, &url, NULL) == ALB_OK && p->may(p, &url, ALB_STR_NONE);
        alb_url_fini(&url);
        if (fine && !alb_str_eq(o->url, ask->url)) {
            fine = alb_url_parse(o->url, &url, NULL) == ALB_OK && p->may(p, &url, ALB_STR_NONE);
            alb_url_fini(&url);
        }
    }
    if (fine) {
        alb_origins_count_hot(r);
        return o;
    }
    alb_origin_unref(o);
    return NULL;
}

uint64_t alb_origins_changes(struct alb_origins *r)
{
    return alb_origin_hot_changes(r->hot);
}

void alb_origins_count_hot(struct alb_origins *r)
{
    atomic_fetch_add(&r->hot_hits, 1);
    alb_stat_inc(ALB_STAT_SOURCE_HOT_HITS);
}

/* Joins, or enters `job` (NULL: only joins; false: there was none to join). */
static bool enter(struct alb_origins *r, const unsigned char flight[32], struct alb_origin_job *job,
                  struct alb_waiter *w, struct alb_future **future, enum alb_code *code, struct alb_err *err)
{
    bool joined = false;
    alb_mutex_lock(&r->mtx);
    struct alb_origin_job *other = find_locked(r, flight);
    if (r->closing)
        *code = alb_fail(err, ALB_E_BUSY, "closing");
    else if (!other && r->jobs >= r->config.jobs_max)
        *code = alb_fail(err, ALB_E_BUSY, "too many sources are being fetched");
    if (*code == ALB_OK && !other && job) {
        link_locked(job);
        other = job;
    } else {
        joined = *code == ALB_OK && other;
    }
    if (*code == ALB_OK && other) {
        *future = alb_future_ref(other->future);
        if (w)
            ALB_CHECK(alb_future_wait(*future, w)); /* it is in the table: owned */
    }
    alb_mutex_unlock(&r->mtx);
    return joined;
}

enum alb_code alb_origin_start(struct alb_origins *r, const struct alb_origin_ask *ask, struct alb_waiter *w,
                               struct alb_future **future, struct alb_err *err)
{
    struct alb_derived_key copy;
    unsigned char flight[32];
    enum alb_code code = ALB_OK;
    *future = NULL;
    if (ask->header_count > ALB_ORIGIN_HEADERS_MAX)
        return alb_fail(err, ALB_E_INVALID, "too many headers to forward");
    if (w)
        w->heir = false;
    uint64_t known = alb_purges_now(r->config.purges); /* before what it is about to know */
    uint64_t purged = alb_purges_newest(r->config.purges, &ask->url, 1);
    alb_origin_keys(ask, purged, &copy, flight);
    bool joined = enter(r, flight, NULL, w, future, &code, err);
    if (code == ALB_OK && !joined) {
        struct alb_origin_job *job = alb_origin_job_new(r, ask, &copy, flight);
        if (!job)
            return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a source");
        job->purged = purged;
        job->known = known;
        joined = enter(r, flight, job, w, future, &code, err);
        if (code == ALB_OK && !joined)
            alb_origin_job_start(job);
        else
            alb_origin_job_drop(job);
    }
    if (joined) {
        atomic_fetch_add(&r->joined, 1);
        alb_stat_inc(ALB_STAT_SOURCE_JOINED);
    }
    return code;
}

/* ---- the room ---- */

void alb_origins_config_options(struct alb_origins_config *c, const struct alb_options *o)
{
    c->cache_bytes = alb_opt_size(o, ALB_P_SOURCE_CACHE_SIZE);
    c->memory_max = alb_opt_size(o, ALB_P_SOURCE_MEMORY);
    c->spool_max = alb_opt_size(o, ALB_P_SOURCE_SPOOL);
    c->jobs_max = 4 * (unsigned)alb_opt_int(o, ALB_P_SOURCE_FETCHES); /* most find a copy, or wait */
    c->hot_max = (unsigned)alb_opt_int(o, ALB_P_SOURCE_ENTRIES);
    c->recheck_ns = alb_opt_duration(o, ALB_P_SOURCE_RECHECK);
    c->local_separator = '?';
}

static void budget_free(struct alb_obj *obj)
{
    alb_mem_free(ALB_CONTAINER_OF(obj, struct alb_origin_budget, obj));
}

static enum alb_code open_caches(struct alb_origins *r, struct alb_err *err)
{
    const struct alb_origins_config *c = &r->config;
    struct alb_cache_config config = {.data_dirfd = c->data_dirfd,
                                      .folder = ALB_ORIGIN_NOTES,
                                      .limit = c->cache_bytes / NOTES_SHARE,
                                      .clock = c->clock,
                                      .quarantine = c->quarantine,
                                      .shared = c->shared};
    if (c->data_dirfd < 0 || c->cache_bytes <= 0)
        return ALB_OK;
    enum alb_code code = alb_cache_open(&config, &r->notes, err);
    config.folder = ALB_ORIGIN_BODIES;
    config.limit = c->cache_bytes - config.limit;
    config.plain = true;
    if (code == ALB_OK)
        code = alb_cache_open(&config, &r->bodies, err);
    return code;
}

enum alb_code alb_origins_open(const struct alb_origins_config *config, struct alb_origins **out,
                               struct alb_err *err)
{
    struct alb_origins *r = alb_mem_calloc(1, sizeof(*r));
    *out = NULL;
    if (!r)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for sources");
    r->config = *config;
    alb_mutex_init(&r->mtx, ALB_LOCK_ORIGINS);
    alb_cond_init(&r->none_left);
    r->hot = alb_origin_hot_new(config->hot_max);
    r->budget = alb_mem_calloc(1, sizeof(*r->budget));
    enum alb_code code = ALB_OK;
    if (r->budget) {
        alb_obj_init(&r->budget->obj, budget_free);
        r->budget->memory_max = config->memory_max;
        r->budget->spool_max = config->spool_max;
    }
    if (!r->hot || !r->budget)
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory for sources");
    if (code == ALB_OK)
        code = open_caches(r, err);
    if (code != ALB_OK)
        alb_origins_close(&r);
    *out = r;
    return code;
}

void alb_origins_close(struct alb_origins **origins)
{
    struct alb_origins *r = *origins;
    *origins = NULL;
    if (!r)
        return;
    alb_mutex_lock(&r->mtx);
    r->closing = true;
    for (size_t i = 0; i < ALB_ORIGIN_BUCKETS; i++)
        for (struct alb_origin_job *job = r->buckets[i]; job; job = job->next)
            alb_actor_post(&job->actor, ALB_ORIGIN_EV_CANCEL);
    while (r->jobs > 0)
        alb_cond_wait(&r->none_left, &r->mtx);
    alb_mutex_unlock(&r->mtx);
    alb_cache_close(&r->notes);
    alb_cache_close(&r->bodies);
    alb_origin_hot_free(&r->hot);
    if (r->budget)
        alb_obj_unref(&r->budget->obj);
    alb_cond_fini(&r->none_left);
    alb_mutex_fini(&r->mtx);
    alb_mem_free(r);
}

void alb_origins_caches(struct alb_origins *r, struct alb_cache **notes, struct alb_cache **bodies)
{
    *notes = r->notes;
    *bodies = r->bodies;
}

void alb_origins_purges_retired(struct alb_origins *r)
{
    alb_origin_hot_purge(r->hot);
}

void alb_origins_purge(struct alb_origins *r)
{
    alb_origin_hot_purge(r->hot);
    if (!r->notes)
        return;
    alb_cache_purge_all(r->notes);
    alb_cache_purge_all(r->bodies);
}

enum alb_code alb_origins_check_step(struct alb_origins *r, int64_t *cursor, struct alb_cache_checked *sum,
                                     struct alb_err *err)
{
    bool notes = *cursor < CHECK_BODIES;
    int64_t at = notes ? *cursor : *cursor - CHECK_BODIES;
    if (!r->notes || *cursor < 0) {
        *cursor = -1;
        return ALB_OK;
    }
    enum alb_code code = alb_cache_check_step(notes ? r->notes : r->bodies, &at, sum, err);
    if (at < 0)
        *cursor = notes ? CHECK_BODIES : -1;
    else
        *cursor = notes ? at : CHECK_BODIES + at;
    return code;
}

struct alb_origins_view alb_origins_look(struct alb_origins *r)
{
    struct alb_origins_view v = {
        .memory = atomic_load(&r->budget->memory),
        .spool = atomic_load(&r->budget->spool),
        .hot_hits = atomic_load(&r->hot_hits),
        .disk_hits = atomic_load(&r->disk_hits),
        .revalidated = atomic_load(&r->revalidated),
        .fetched = atomic_load(&r->fetched),
        .joined = atomic_load(&r->joined),
        .failed = atomic_load(&r->failed),
    };
    int64_t now = alb_mono(r->config.clock);
    if (r->notes)
        v.cache_bytes = alb_cache_look(r->notes).bytes + alb_cache_look(r->bodies).bytes;
    alb_mutex_lock(&r->mtx);
    v.jobs = r->jobs;
    for (size_t i = 0; i < ALB_ORIGIN_BUCKETS; i++)
        for (const struct alb_origin_job *job = r->buckets[i]; job; job = job->next)
            if (now - job->begun > v.oldest_ns)
                v.oldest_ns = now - job->begun;
    alb_mutex_unlock(&r->mtx);
    return v;
}
