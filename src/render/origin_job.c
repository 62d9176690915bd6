/* SPDX-License-Identifier: Apache-2.0
 *
 * A flight of a source: its stages, its end, and what happens when nobody wants it any more (origin_job.h).
 */
#include "render/origin_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stat.h"
#include "blob/purges.h"

#define VERIFY_SLICE ((int64_t)32 << 20) /* about 5 ms of reading from the page cache */
#define NOTE_MAX ((size_t)4 << 20)
#define JAR_MAX ((size_t)64 * 1024)

static void post(struct alb_origin_job *job, unsigned event)
{
    alb_actor_post(&job->actor, event);
}

static void on_forsaken(void *arg)
{
    post(arg, ALB_ORIGIN_EV_FORSAKEN);
}

/* ---- made and freed ---- */

static size_t text_size(const struct alb_origin_ask *ask)
{
    size_t n = ask->header_count * sizeof(struct alb_str) + ask->url.n;
    for (size_t i = 0; i < ask->header_count; i++)
        n += ask->headers[i].n;
    return n;
}

static struct alb_str move(char **at, struct alb_str text)
{
    struct alb_str moved = {*at, text.n};
    if (text.n > 0)
        memcpy(*at, text.p, text.n);
    *at += text.n;
    return moved;
}

static bool copy_ask(struct alb_origin_job *job, const struct alb_origin_ask *ask)
{
    job->ask = *ask;
    job->memory = alb_mem_alloc(text_size(ask));
    if (!job->memory)
        return false;
    struct alb_str *headers = (struct alb_str *)(void *)job->memory;
    char *at = job->memory + ask->header_count * sizeof(*headers);
    for (size_t i = 0; i < ask->header_count; i++)
        headers[i] = move(&at, ask->headers[i]);
    job->ask.headers = headers;
    job->ask.url = move(&at, ask->url);
    alb_obj_ref(&ask->policy->obj);
    return true;
}

static bool handle(struct alb_actor *actor, unsigned events);

struct alb_origin_job *alb_origin_job_new(struct alb_origins *origins, const struct alb_origin_ask *ask,
                                          const struct alb_derived_key *copy_key,
                                          const unsigned char flight[32])
{
    struct alb_origin_job *job = alb_mem_calloc(1, sizeof(*job));
    if (!job)
        return NULL;
    job->origins = origins;
    job->kept_fd = -1;
    job->copy_key = *copy_key;
    memcpy(job->flight, flight, sizeof(job->flight));
    alb_buf_init(&job->jar, JAR_MAX);
    alb_buf_init(&job->drain, ALB_ORIGIN_PIPE_MAX);
    if (!copy_ask(job, ask) || alb_future_new(&job->future, &job->owner) != ALB_OK) {
        if (job->memory)
            alb_obj_unref(&ask->policy->obj);
        alb_mem_free(job->memory);
        alb_mem_free(job);
        return NULL;
    }
    job->begun = alb_mono(origins->config.clock);
    job->deadline = alb_deadline(job->begun, ask->policy->timeout_ns);
    alb_actor_init(&job->actor, origins->config.pool, false, handle, ALB_ORIGIN_EV_TURN);
    return job;
}

static void drop_transfer(struct alb_origin_job *job)
{
    alb_origin_pipe_detach(&job->pipe);
    alb_future_unref(job->fetch);
    job->fetch = NULL;
    if (job->spooling)
        alb_origin_spool_end(&job->spool);
    job->spooling = false;
}

static void free_all(struct alb_origin_job *job)
{
    ALB_CHECK(!job->pending && !job->listed);
    drop_transfer(job);
    alb_origin_job_drop_note(job);
    alb_url_fini(&job->first);
    alb_url_fini(&job->hop);
    alb_buf_fini(&job->jar);
    alb_buf_fini(&job->drain);
    alb_obj_unref(&job->ask.policy->obj);
    alb_wipe(job->memory, text_size(&job->ask)); /* there may be cookies in it */
    alb_mem_free(job->memory);
    alb_future_unref(job->future);
    alb_mem_free(job);
}

void alb_origin_job_drop(struct alb_origin_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    (void)alb_fail(&err, ALB_E_CANCELLED, "never begun");
    (void)alb_future_fail(&job->owner, &err);
    free_all(job);
}

void alb_origin_job_start(struct alb_origin_job *job)
{
    char id[17], text[32];
    alb_hex(job->flight, 8, id);
    (void)snprintf(text, sizeof(text), "source %s", id);
    alb_future_describe_owner(&job->owner, text);
    alb_future_on_forsaken(&job->owner, on_forsaken, job);
    alb_actor_start(&job->actor);
}

/* ---- the end ---- */

/* The title has ended, the table does not know it. Freed now, or when the transfer's wake has come. */
static bool leave(struct alb_origin_job *job)
{
    struct alb_origins *origins = job->origins;
    job->stage = ALB_ORIGIN_ENDED;
    alb_stat_observe(ALB_HIST_SOURCE, alb_mono(origins->config.clock) - job->begun);
    alb_origin_pipe_detach(&job->pipe);
    if (job->pending && alb_future_leave(job->fetch, &job->waiter))
        job->pending = false;
    if (job->pending)
        return true;
    free_all(job);
    alb_origin_gone(origins);
    return false;
}

bool alb_origin_job_settle(struct alb_origin_job *job, struct alb_origin *o)
{
    struct alb_err err = ALB_ERR_INIT;
    if (o && o->failure != ALB_ORIGIN_GOOD) {
        atomic_fetch_add(&job->origins->failed, 1);
        alb_stat_inc(ALB_STAT_SOURCE_FAILED);
    }
    alb_origin_forget(job);
    if (o) {
        alb_origin_mark(o, job->ask.url, job->purged, job->known);
        (void)alb_future_settle(&job->owner, &o->obj);
        return leave(job);
    }
    (void)alb_fail(&err, ALB_E_NO_MEMORY, "no memory for a source");
    (void)alb_future_fail(&job->owner, &err);
    return leave(job);
}

bool alb_origin_job_failure(struct alb_origin_job *job, enum alb_origin_failure failure, int status,
                            const char *text)
{
    struct alb_err why = ALB_ERR_INIT;
    enum alb_code code = failure == ALB_ORIGIN_TIMEOUT   ? ALB_E_TIMEOUT
                         : failure == ALB_ORIGIN_BLOCKED ? ALB_E_FORBIDDEN
                                                         : ALB_E_UNPROCESSABLE;
    (void)alb_fail(&why, code, "%s", text);
    return alb_origin_job_settle(job, alb_origin_make_failure(failure, status, &why));
}

bool alb_origin_job_fail(struct alb_origin_job *job, const struct alb_err *why)
{
    alb_stat_inc(ALB_STAT_SOURCE_FAILED);
    atomic_fetch_add(&job->origins->failed, 1);
    alb_origin_forget(job);
    (void)alb_future_fail(&job->owner, why);
    return leave(job);
}

static bool forsaken(struct alb_origin_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    if (!alb_origin_forsake(job)) { /* a newcomer: the hook is for the next time */
        alb_future_on_forsaken(&job->owner, on_forsaken, job);
        return true;
    }
    (void)alb_fail(&err, ALB_E_CANCELLED, "nobody waits any more");
    (void)alb_future_fail(&job->owner, &err);
    return leave(job);
}

static bool cancelled(struct alb_origin_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    (void)alb_fail(&err, ALB_E_BUSY, "closing");
    return alb_origin_job_fail(job, &err);
}

/* ---- the copy that is kept ---- */

void alb_origin_job_drop_note(struct alb_origin_job *job)
{
    alb_blob_close(&job->reader);
    alb_fs_close(&job->kept_fd);
    alb_derived_fini(&job->kept);
    job->has_note = false;
}

void alb_origin_job_remember(struct alb_origin_job *job, const struct alb_origin_note *note, bool on_disk)
{
    struct alb_origins *r = job->origins;
    if (on_disk && r->notes) {
        struct alb_buf text = ALB_BUF_INIT(NOTE_MAX);
        struct alb_buf labels = ALB_BUF_INIT(ALB_DERIVED_LABELS_MAX);
        alb_labels_write(&job->ask.url, 1, &labels);
        const struct alb_derived_front front = {.labels = alb_buf_view(&labels), .purges = job->known};
        alb_origin_note_write(note, &text);
        if (alb_buf_code(&text) == ALB_OK)
            alb_ignore(alb_cache_put(r->notes, &job->copy_key, &front, alb_buf_view(&text), NULL),
                       "it is fetched again");
        alb_buf_fini(&labels);
        alb_buf_fini(&text);
    }
    if (note->o.no_store ||
        !alb_origin_note_is_fresh(note, alb_wall(r->config.clock), r->config.recheck_ns / ALB_NS_PER_MS))
        return;
    struct alb_origin *o = alb_origin_make(note, NULL);
    if (o)
        alb_origin_mark(o, job->ask.url, job->purged, job->known);
    if (o)
        alb_origin_hot_put(r->hot, &job->copy_key, o);
    alb_origin_unref(o);
}

static bool give_kept(struct alb_origin_job *job)
{
    struct alb_origins *r = job->origins;
    struct alb_origin_body body = {.fd = job->kept_fd, .is_kept = true, .stamp = job->kept_stamp};
    job->kept_fd = -1;
    atomic_fetch_add(job->revalidated ? &r->revalidated : &r->disk_hits, 1);
    alb_stat_inc(job->revalidated ? ALB_STAT_SOURCE_REVALIDATED : ALB_STAT_SOURCE_DISK_HITS);
    alb_origin_job_remember(job, &job->note, job->revalidated);
    return alb_origin_job_settle(job, alb_origin_make(&job->note, &body));
}

/* Fetched again, whole. */
static bool damaged(struct alb_origin_job *job, const struct alb_err *why)
{
    struct alb_derived_key key;
    memcpy(key.b, job->note.o.identity, sizeof(key.b));
    if (why->code == ALB_E_CORRUPT || why->sys == EIO)
        alb_cache_reject(job->origins->bodies, &key, why->msg);
    alb_cache_purge(job->origins->notes, &job->copy_key);
    alb_origin_job_drop_note(job);
    job->revalidated = false;
    return alb_origin_http_again(job);
}

bool alb_origin_job_verify(struct alb_origin_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = ALB_OK;
    bool done = false;
    job->stage = ALB_ORIGIN_VERIFYING;
    if (!job->reader) {
        bool stamped = alb_origin_stamp_take(job->kept_fd, &job->kept_stamp);
        int fd = stamped ? fcntl(job->kept_fd, F_DUPFD_CLOEXEC, 0) : -1;
        code = fd < 0 ? alb_fail_sys(&err, ALB_E_IO, errno, "another descriptor")
                      : alb_blob_open_file(&fd, job->note.o.size, job->note.sums, ALB_STR("copy of a source"),
                                           &job->reader, &err);
    }
    if (code == ALB_OK)
        code = alb_blob_verify_step(job->reader, VERIFY_SLICE, &done, &err);
    if (code != ALB_OK)
        return damaged(job, &err);
    if (done)
        return give_kept(job);
    post(job, ALB_ORIGIN_EV_TURN);
    return true;
}

/* ---- turns ---- */

static bool turn(struct alb_origin_job *job)
{
    if (job->stage == ALB_ORIGIN_VERIFYING)
        return alb_origin_job_verify(job);
    if (job->stage != ALB_ORIGIN_LOOKING)
        return true;
    return alb_str_starts(job->ask.url, ALB_STR("local://")) ? alb_origin_local(job)
                                                             : alb_origin_http_look(job);
}

static bool data(struct alb_origin_job *job)
{
    return job->pipe ? alb_origin_http_data(job) : true;
}

static bool fetched(struct alb_origin_job *job)
{
    job->pending = false;
    return job->stage == ALB_ORIGIN_ENDED ? leave(job) : alb_origin_http_fetched(job);
}

/* In this order within one turn: what ends the job comes first. An ended one waits for the transfer's wake
 * only. */
static bool handle(struct alb_actor *actor, unsigned events)
{
    static const struct {
        unsigned event;
        bool (*run)(struct alb_origin_job *job);
    } table[] = {
        {ALB_ORIGIN_EV_CANCEL, cancelled}, {ALB_ORIGIN_EV_FORSAKEN, forsaken}, {ALB_ORIGIN_EV_TURN, turn},
        {ALB_ORIGIN_EV_DATA, data},        {ALB_ORIGIN_EV_FETCHED, fetched},
    };
    struct alb_origin_job *job = ALB_CONTAINER_OF(actor, struct alb_origin_job, actor);
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        if (!(events & table[i].event))
            continue;
        if (job->stage == ALB_ORIGIN_ENDED && table[i].event != ALB_ORIGIN_EV_FETCHED)
            continue;
        if (!table[i].run(job))
            return false;
    }
    return true;
}
