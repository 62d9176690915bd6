/* SPDX-License-Identifier: Apache-2.0 */
#include "render/job.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stat.h"
#include "blob/cache.h"
#include "library/source.h"

enum {
    EV_TURN = ALB_ACTOR_EVENT(0), /* begin, or the next slice */
    EV_GRANTED = ALB_ACTOR_EVENT(1),
    EV_REFUSED = ALB_ACTOR_EVENT(2),
    EV_DONE = ALB_ACTOR_EVENT(3),
    EV_FORSAKEN = ALB_ACTOR_EVENT(4),
    EV_WANTED = ALB_ACTOR_EVENT(5),
    EV_OVERDUE = ALB_ACTOR_EVENT(6),
    EV_CANCEL = ALB_ACTOR_EVENT(7),
};

#define VERIFY_SLICE ((int64_t)32 << 20) /* about 5 ms of reading from the page cache */
#define META_MAX 64

/* ---- pictures and their files ---- */

static void picture_free(struct alb_obj *obj)
{
    struct alb_picture *p = ALB_CONTAINER_OF(obj, struct alb_picture, obj);
    alb_bytes_unref(p->bytes);
    alb_mem_free(p);
}

/* Takes the bytes; NULL: no memory (bytes released). */
static struct alb_picture *picture_new(const struct alb_flight_key *key, struct alb_bytes *bytes,
                                       enum alb_format format, uint32_t width, uint32_t height)
{
    struct alb_picture *p = alb_mem_calloc(1, sizeof(*p));
    if (!p) {
        alb_bytes_unref(bytes);
        return NULL;
    }
    alb_obj_init(&p->obj, picture_free);
    p->bytes = bytes;
    p->content_type = alb_format_mime(format);
    p->width = width;
    p->height = height;
    alb_hex(key->b, 16, p->etag);
    return p;
}

static struct alb_derived_key file_key(const struct alb_flight_key *key)
{
    struct alb_derived_key k;
    memcpy(k.b, key->b, sizeof(k.b));
    return k;
}

/* "jpeg 512 341": what a file in the result cache says about its body. */
static bool meta_parse(struct alb_str meta, enum alb_format *format, uint32_t *width, uint32_t *height)
{
    struct alb_str name, rest, w, h;
    uint64_t wide, high;
    if (!alb_str_cut(meta, ' ', &name, &rest) || !alb_str_cut(rest, ' ', &w, &h) || !alb_str_u64(w, &wide) ||
        !alb_str_u64(h, &high) || wide > UINT32_MAX || high > UINT32_MAX)
        return false;
    *format = alb_format_of_name(name);
    *width = (uint32_t)wide;
    *height = (uint32_t)high;
    return *format != ALB_FORMAT_SAME;
}

static struct alb_picture *picture_from_disk(struct alb_render *r, const struct alb_flight_key *key)
{
    struct alb_derived_key k = file_key(key);
    struct alb_derived file = {0};
    struct alb_picture *p = NULL;
    enum alb_format format;
    uint32_t width, height;
    if (!r->config.cache || alb_cache_get(r->config.cache, &k, &file, NULL) != ALB_OK)
        return NULL;
    if (meta_parse(alb_str_n(file.meta, file.meta_n), &format, &width, &height))
        p = picture_new(key, alb_bytes_ref(file.body), format, width, height);
    if (p)
        p->from_disk = true;
    alb_derived_fini(&file);
    return p;
}

static void picture_to_disk(struct alb_render *r, const struct alb_flight_key *key,
                            const struct alb_plan *plan, const struct alb_picture *p)
{
    char meta[META_MAX];
    struct alb_derived_key k = file_key(key);
    if (!r->config.cache)
        return;
    int n = snprintf(meta, sizeof(meta), "%s %u %u", alb_format_name(plan->format), p->width, p->height);
    alb_ignore(alb_cache_put(r->config.cache, &k, alb_str_n(meta, (size_t)n), alb_bytes_view(p->bytes), NULL),
               "a full disk only means that it is made again (counted by the cache)");
}

/* ---- events ---- */

static void post(struct alb_render_job *job, unsigned event)
{
    alb_actor_post(&job->actor, event);
}

static void on_granted(struct alb_lease *l)
{
    post(ALB_CONTAINER_OF(l, struct alb_render_job, lease), EV_GRANTED);
}

static void on_refused(struct alb_lease *l, enum alb_code code)
{
    struct alb_render_job *job = ALB_CONTAINER_OF(l, struct alb_render_job, lease);
    job->refusal = code;
    post(job, EV_REFUSED);
}

static void on_reclaim(struct alb_lease *l, enum alb_reclaim why)
{
    post(ALB_CONTAINER_OF(l, struct alb_render_job, lease),
         why == ALB_RECLAIM_WANTED ? EV_WANTED : EV_OVERDUE);
}

static void on_forsaken(void *arg)
{
    post(arg, EV_FORSAKEN);
}

static void on_done(struct alb_darkroom_job *dj)
{
    post(ALB_CONTAINER_OF(dj, struct alb_render_job, darkroom), EV_DONE);
}

void alb_render_job_cancel(struct alb_render_job *job)
{
    post(job, EV_CANCEL);
}

/* ---- the end ---- */

static void forget(struct alb_render_job *job)
{
    struct alb_render *r = job->render;
    alb_mutex_lock(&r->mtx);
    if (job->prev)
        job->prev->next = job->next;
    else
        r->jobs = job->next;
    if (job->next)
        job->next->prev = job->prev;
    r->job_count--;
    if (r->job_count == 0)
        alb_cond_broadcast(&r->none_left);
    alb_mutex_unlock(&r->mtx);
}

/* The title has ended and the lease is back: nothing points to the job any more (future.h C4, lease.h L3). */
static void job_free(struct alb_render_job *job)
{
    alb_blob_close(&job->reader);
    alb_bytes_unref(job->darkroom.result);
    alb_source_unref(job->source);
    forget(job);
    alb_mem_free(job);
}

static void let_go(struct alb_render_job *job)
{
    if (job->leased)
        alb_lease_release(&job->lease);
    job->leased = false;
}

/* Reasons that may hold for this job only: somebody else may want to try (law 2). */
static bool is_own_reason(enum alb_code code)
{
    return code == ALB_E_CANCELLED || code == ALB_E_TIMEOUT || code == ALB_E_BUSY;
}

static void end_badly(struct alb_render_job *job, const struct alb_err *why)
{
    alb_stat_inc(ALB_STAT_RENDER_FAILED);
    let_go(job);
    if (is_own_reason(why->code))
        (void)alb_future_resign(&job->owner, why);
    else
        (void)alb_future_fail(&job->owner, why);
    job_free(job);
}

static void end_code(struct alb_render_job *job, enum alb_code code, const char *text)
{
    struct alb_err err = ALB_ERR_INIT;
    (void)alb_fail(&err, code, "%s", text);
    end_badly(job, &err);
}

/* Takes the picture. It is in the hot cache before anyone hears of it, so that whoever comes next finds it.
 */
static void end_well(struct alb_render_job *job, struct alb_picture *p)
{
    struct alb_render *r = job->render;
    bool made = !p->from_disk;
    let_go(job);
    alb_hot_cache_put(r->hot, &job->key, p);
    alb_stat_observe(ALB_HIST_RENDER, alb_mono(r->config.clock) - job->begun);
    alb_obj_ref(&p->obj);
    (void)alb_future_settle(&job->owner, &p->obj);
    if (made) /* nobody waits for the disk */
        picture_to_disk(r, &job->key, &job->plan, p);
    alb_obj_unref(&p->obj);
    job_free(job);
}

/* ---- the stages; each returns false when the job has ended ---- */

static bool run_in_worker(struct alb_render_job *job)
{
    struct alb_render *r = job->render;
    struct alb_err err = ALB_ERR_INIT;
    int fd = -1;
    uint64_t ticket = 0;
    job->stage = ALB_RENDER_RUNNING;
    if (alb_blob_verify_all(job->reader, &fd, &err) != ALB_OK) {
        end_badly(job, &err);
        return false;
    }
    job->darkroom = (struct alb_darkroom_job){
        .work = ALB_WORK_RENDER,
        .source_fd = fd,
        .source_bytes = job->source->size,
        .type = job->plan.steps[0].u.load.type,
        .plan = &job->plan,
        .deadline = alb_deadline(alb_mono(r->config.clock), r->config.deadline_ns),
        .done = on_done,
    };
    if (alb_darkroom_submit(r->config.darkroom, &job->darkroom, &ticket, &err) != ALB_OK) {
        end_badly(job, &err);
        return false;
    }
    atomic_store(&job->ticket, ticket);
    if (alb_future_is_forsaken(&job->owner))
        alb_lease_abandon(&job->lease);
    return true;
}

static bool ask_for_slot(struct alb_render_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    job->stage = ALB_RENDER_QUEUED;
    job->lease.cost = job->plan.memory;
    switch (alb_lease_request(job->render->leases, &job->lease, &err)) {
    case ALB_LEASE_HELD:
        job->leased = true;
        return run_in_worker(job);
    case ALB_LEASE_QUEUED:
        return true;
    case ALB_LEASE_REFUSED:
        break;
    }
    end_badly(job, &err);
    return false;
}

static bool verify_slice(struct alb_render_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    bool done = false;
    if (alb_blob_verify_step(job->reader, VERIFY_SLICE, &done, &err) != ALB_OK) {
        end_badly(job, &err);
        return false;
    }
    if (done)
        return ask_for_slot(job);
    post(job, EV_TURN);
    return true;
}

static enum alb_code make_plan(struct alb_render_job *job, struct alb_err *err)
{
    struct alb_image_header header;
    if (job->source->header.n == 0)
        return alb_fail(err, ALB_E_UNPROCESSABLE,
                        "nothing is known about this picture: it could not be read");
    enum alb_code code = alb_header_unpack(job->source->header, &header, err);
    if (code == ALB_OK)
        code = alb_plan_make(&header, &job->options, &job->render->config.limits, &job->plan, err);
    return code;
}

static enum alb_code open_source(struct alb_render_job *job, struct alb_err *err)
{
    const struct alb_source *s = job->source;
    struct alb_blob_ref ref = {.size = s->size, .key = s->key, .sums = s->sums};
    memcpy(ref.sha256, s->sha256, sizeof(ref.sha256));
    return alb_blob_open(job->render->config.store, &ref, &job->reader, err);
}

static bool look(struct alb_render_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_picture *p = alb_render_hot(job->render, &job->key);
    if (!p)
        p = picture_from_disk(job->render, &job->key);
    if (p) {
        alb_stat_inc(ALB_STAT_RENDER_DISK_HITS);
        end_well(job, p);
        return false;
    }
    alb_stat_inc(ALB_STAT_RENDER_MISSES);
    if (make_plan(job, &err) != ALB_OK || open_source(job, &err) != ALB_OK) {
        if (err.code == ALB_E_NOT_FOUND) /* the catalog knows it, the store does not */
            err.code = ALB_E_CORRUPT;
        end_badly(job, &err);
        return false;
    }
    job->stage = ALB_RENDER_VERIFYING;
    return verify_slice(job);
}

static bool worker_done(struct alb_render_job *job)
{
    struct alb_darkroom_job *d = &job->darkroom;
    atomic_store(&job->ticket, 0);
    alb_stat_observe(ALB_HIST_DARKROOM, d->run_ns);
    if (d->code != ALB_OK) {
        end_badly(job, &d->err);
        return false;
    }
    struct alb_picture *p =
        picture_new(&job->key, d->result, job->plan.format, job->plan.width, job->plan.height);
    d->result = NULL;
    if (p)
        end_well(job, p);
    else
        end_code(job, ALB_E_NO_MEMORY, "a finished picture");
    return false;
}

static void kill_worker(struct alb_render_job *job)
{
    uint64_t ticket = atomic_load(&job->ticket);
    if (ticket)
        alb_darkroom_cancel(job->render->config.darkroom, ticket);
}

/* The last waiter has left; a newcomer may have come since. */
static bool forsaken(struct alb_render_job *job)
{
    if (!alb_future_is_forsaken(&job->owner)) {
        alb_future_on_forsaken(&job->owner, on_forsaken, job);
        return true;
    }
    switch (job->stage) {
    case ALB_RENDER_RUNNING:
        alb_lease_abandon(&job->lease);
        return true;
    case ALB_RENDER_QUEUED:
        if (!job->leased && !alb_lease_cancel(&job->lease))
            return true; /* granted or refused is on its way and will look again */
        break;
    case ALB_RENDER_LOOKING:
    case ALB_RENDER_VERIFYING:
        break;
    }
    end_code(job, ALB_E_CANCELLED, "nobody waits any more");
    return false;
}

static bool wanted(struct alb_render_job *job)
{
    if (!alb_future_is_forsaken(&job->owner) && alb_lease_adopt(&job->lease))
        alb_future_on_forsaken(&job->owner, on_forsaken, job);
    else
        kill_worker(job);
    return true;
}

static bool granted(struct alb_render_job *job)
{
    job->leased = true;
    if (alb_future_is_forsaken(&job->owner)) {
        end_code(job, ALB_E_CANCELLED, "nobody waits any more");
        return false;
    }
    return run_in_worker(job);
}

static bool cancelled(struct alb_render_job *job)
{
    if (job->stage == ALB_RENDER_RUNNING) {
        kill_worker(job);
        return true;
    }
    if (job->stage == ALB_RENDER_QUEUED && !job->leased && !alb_lease_cancel(&job->lease))
        return true;
    end_code(job, ALB_E_CANCELLED, "closing");
    return false;
}

static bool turn(struct alb_render_job *job)
{
    return job->stage == ALB_RENDER_LOOKING ? look(job) : verify_slice(job);
}

/* What ends the job comes first: after it nothing else matters. */
static bool handle(struct alb_actor *actor, unsigned events)
{
    struct alb_render_job *job = ALB_CONTAINER_OF(actor, struct alb_render_job, actor);
    if (events & EV_DONE)
        return worker_done(job);
    if (events & EV_REFUSED) {
        end_code(job, job->refusal, "no slot for this picture");
        return false;
    }
    if ((events & EV_GRANTED) && !granted(job))
        return false;
    if ((events & EV_CANCEL) && !cancelled(job))
        return false;
    if ((events & EV_FORSAKEN) && !forsaken(job))
        return false;
    if (events & EV_OVERDUE)
        kill_worker(job);
    if ((events & EV_WANTED) && !wanted(job))
        return false;
    if ((events & EV_TURN) && !turn(job))
        return false;
    return true;
}

void alb_render_job_begin(struct alb_render *r, const struct alb_render_ask *ask,
                          const struct alb_flight_key *key, struct alb_owner *owner)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_render_job *job = alb_mem_calloc(1, sizeof(*job));
    if (!job || atomic_load(&r->closing)) {
        (void)alb_fail(&err, job ? ALB_E_BUSY : ALB_E_NO_MEMORY, "render");
        alb_mem_free(job);
        (void)alb_future_fail(owner, &err);
        return;
    }
    job->render = r;
    job->key = *key;
    job->source = alb_source_ref(ask->source);
    job->options = *ask->options;
    job->begun = alb_mono(r->config.clock);
    job->owner = *owner;
    *owner = ALB_OWNER_NONE;
    alb_actor_init(&job->actor, r->config.pool, ask->cls == ALB_LEASE_BACKGROUND, handle, EV_TURN);
    job->lease = (struct alb_lease){
        .granted = on_granted,
        .refused = on_refused,
        .reclaim = on_reclaim,
        .cls = ask->cls,
        .queue_deadline = ask->queue_deadline,
        .hold_ns =
            r->config.deadline_ns + 2 * ALB_NS_PER_S, /* the darkroom ends it earlier; this is the net */
    };
    char id[17];
    alb_hex(key->b, 8, id);
    (void)snprintf(job->lease.owner, sizeof(job->lease.owner), "render %s", id);
    alb_future_describe_owner(&job->owner, job->lease.owner);

    alb_mutex_lock(&r->mtx);
    job->next = r->jobs;
    if (r->jobs)
        r->jobs->prev = job;
    r->jobs = job;
    r->job_count++;
    alb_mutex_unlock(&r->mtx);

    alb_future_on_forsaken(&job->owner, on_forsaken, job);
    alb_actor_start(&job->actor);
}
