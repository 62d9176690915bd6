/* SPDX-License-Identifier: Apache-2.0
 *
 * The stages of a parcel (ingest.h). Order of PROBE and PUBLISH: probe first, so that nothing unknown becomes
 * an original; only when a crash has left the file renamed already is it published (found) first and probed
 * there.
 */
#include "ingest/parcel.h"

#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stat.h"
#include "library/blob.h"
#include "upload/upload.h"

enum {
    EV_TURN = ALB_ACTOR_EVENT(0),
    EV_PROBED = ALB_ACTOR_EVENT(1),
    EV_COMMITTED = ALB_ACTOR_EVENT(2),
};

#define SLICE ((int64_t)32 << 20) /* of a file, checked in one turn */
#define ARENA_CAP ((size_t)4 << 20)
#define UNKNOWN_TYPE "this is not a photo or video that albumen knows"

/* ---- the end ---- */

static void job_free(struct alb_parcel_job *job)
{
    alb_blob_publish_end(&job->publish);
    if (job->reader)
        alb_blob_close(&job->reader); /* the descriptor is the reader's */
    else
        alb_fs_close(&job->fd);
    alb_probe_free(&job->probing.probe);
    alb_future_unref(job->commit);
    alb_arena_free(&job->arena);
    alb_mem_free(job);
}

/* What was published for a parcel that was refused then: else whoever has no quota left could fill the disk
 * with originals that nobody has, until the sweep finds them. By the rules of the sweep (blob/store.h). */
static enum alb_code has_no_row(void *arg, const unsigned char sha256[ALB_SHA256_LEN], bool *answer,
                                struct alb_err *err)
{
    struct alb_arena *arena = alb_arena_new(ARENA_CAP);
    struct alb_err mine = ALB_ERR_INIT;
    struct alb_blob row;
    *answer = false;
    if (!arena)
        return alb_fail(err, ALB_E_NO_MEMORY, "row of an original");
    enum alb_code code = alb_library_blob_find(arg, sha256, arena, &row, &mine);
    alb_arena_free(&arena);
    *answer = code == ALB_E_NOT_FOUND;
    return code == ALB_OK || code == ALB_E_NOT_FOUND ? ALB_OK : alb_fail(err, code, "%s", mine.msg);
}

static void remove_orphan(const struct alb_ingest_config *c, const unsigned char sha256[ALB_SHA256_LEN])
{
    struct alb_err err = ALB_ERR_INIT;
    bool removed;
    if (alb_blob_remove(c->store, sha256, has_no_row, c->library, &removed, &err) != ALB_OK)
        alb_log_err("an original that nobody has stays for the sweep", &err);
}

/* False, as turns return it. */
static bool end(struct alb_parcel_job *job, const struct alb_err *why)
{
    struct alb_owner owner = job->owner;
    struct alb_err err = *why; /* may lie in the job */
    alb_stat_inc(ALB_STAT_INGEST_REFUSED);
    alb_log(alb_code_level(err.code), "upload not taken", ALB_LOG_STR("upload", job->parcel.id),
            ALB_LOG_C("code", alb_code_name(err.code)), ALB_LOG_C("reason", err.msg));
    const struct alb_ingest_config *config = &job->ingest->config;
    bool orphan = job->orphan;
    unsigned char sha256[ALB_SHA256_LEN];
    memcpy(sha256, job->parcel.sha256, sizeof(sha256));
    job_free(job); /* unpinned before the upload room hears of it */
    if (orphan)
        remove_orphan(config, sha256);
    (void)alb_future_fail(&owner, &err);
    return false;
}

static bool refuse(struct alb_parcel_job *job, enum alb_code code, const char *text)
{
    struct alb_err err = ALB_ERR_INIT;
    (void)alb_fail(&err, code, "%s", text);
    job->orphan = job->published && !job->publish.existed;
    return end(job, &err);
}

/* Whatever went wrong is no reason to give the bytes up. */
static bool not_now(struct alb_parcel_job *job, const struct alb_err *why)
{
    struct alb_err err = *why;
    if (alb_upload_refusal(err.code))
        err.code = ALB_E_INTERNAL;
    return end(job, &err);
}

static bool no_memory(struct alb_parcel_job *job, const char *what)
{
    struct alb_err err = ALB_ERR_INIT;
    (void)alb_fail(&err, ALB_E_NO_MEMORY, "%s", what);
    return end(job, &err);
}

static bool end_well(struct alb_parcel_job *job, const struct alb_created *made)
{
    struct alb_owner owner = job->owner;
    const struct alb_ingest_result r = {made->as, made->asset_uuid, made->trashed};
    struct alb_bytes *result = alb_ingest_result_text(&r);
    if (!result) /* the asset is there; asked again, the answer is made again */
        return no_memory(job, "result of an upload");
    alb_stat_inc(made->as == ALB_CREATED ? ALB_STAT_INGEST_CREATED : ALB_STAT_INGEST_DUPLICATE);
    job_free(job);
    (void)alb_future_settle(&owner, &result->obj);
    return false;
}

/* ---- CREATE ---- */

static void on_commit(struct alb_waiter *w, enum alb_wake why)
{
    (void)why; /* never an heir */
    alb_actor_post(&ALB_CONTAINER_OF(w, struct alb_parcel_job, waiter)->actor, EV_COMMITTED);
}

static bool committed(struct alb_parcel_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = alb_future_error(job->commit, &err);
    if (code == ALB_E_TOO_LARGE)
        return refuse(job, code, "your quota is used up");
    if (code == ALB_E_FORBIDDEN)
        return refuse(job, code, "uploads are not allowed for this user");
    if (code == ALB_E_UNPROCESSABLE) /* offered again it would be the same for ever */
        return refuse(job, code, "another file with the same SHA-1 is here already");
    if (code != ALB_OK)
        return not_now(job, &err);
    /* A blob row that was dying is alive again: its file is too, for the pin was there before (blob/store.h).
     */
    struct alb_created *made = ALB_CONTAINER_OF(alb_future_result(job->commit), struct alb_created, obj);
    return end_well(job, made);
}

static void hint_layer(const struct alb_ingest_hints *h, struct alb_layer *l)
{
    *l = (struct alb_layer){.stated = 0};
    if (h->has_taken) {
        l->stated |= ALB_FIELD_BIT(ALB_FIELD_CAPTURE);
        l->capture = h->taken;
    }
    if (h->title.n > 0) {
        l->stated |= ALB_FIELD_BIT(ALB_FIELD_TITLE);
        l->title = h->title;
    }
    if (h->description.n > 0) {
        l->stated |= ALB_FIELD_BIT(ALB_FIELD_DESCRIPTION);
        l->description = h->description;
    }
    alb_parcel_clean(l);
}

static struct alb_blob_new blob_of(const struct alb_parcel_job *job)
{
    const struct alb_upload_parcel *p = &job->parcel;
    struct alb_blob_new b = {
        .has_md5 = p->has_md5,
        .size = p->size,
        .store = alb_str_c(alb_blob_store_name(job->ingest->config.store)),
        .key = alb_str_c(job->publish.key),
        .sums = p->sums,
    };
    memcpy(b.sha256, p->sha256, sizeof(b.sha256));
    memcpy(b.sha1, p->sha1, sizeof(b.sha1));
    memcpy(b.md5, p->md5, sizeof(b.md5));
    return b;
}

static bool create(struct alb_parcel_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_parcel_facts facts;
    struct alb_layer hint;
    struct alb_probe *probe = job->probing.probe;
    const struct alb_ingest_hints *h = &job->hints;
    if (alb_parcel_facts(probe, job->arena, &facts, &err) != ALB_OK)
        return not_now(job, &err);
    hint_layer(h, &hint);
    struct alb_tag_name tags[ALB_INGEST_TAGS_MAX];
    size_t tag_count = 0;
    for (size_t i = 0; i < h->tag_count; i++)
        if (alb_parcel_tag_ok(h->tags[i]))
            tags[tag_count++] = (struct alb_tag_name){.scope = ALB_TAG_USER, .value = h->tags[i]};
    struct alb_str name = alb_parcel_name(h->name, job->parcel.id, job->type, job->arena);
    if (name.n == 0)
        return no_memory(job, "name of a photo");
    const struct alb_job_new warm = {.kind = ALB_STR(ALB_JOB_KIND_WARM), .priority = ALB_JOB_NORMAL};
    struct alb_asset_new asset = {
        .owner_id = job->parcel.owner,
        .actor_id = job->parcel.owner,
        .door = h->door,
        .blob = blob_of(job),
        .name = name,
        .mime = alb_str_c(alb_type_mime(job->type)),
        .kind = alb_type_class(job->type) == ALB_CLASS_VIDEO ? ALB_KIND_VIDEO : ALB_KIND_IMAGE,
        .damaged = probe->damaged,
        .file_modified_ms = h->file_modified_ms,
        .visibility = h->visibility,
        .favorite = h->favorite,
        .media = facts.media,
        .hint = &hint,
        .file = &facts.file,
        .file_tags = facts.tags,
        .file_tag_count = facts.tag_count,
        .person_tags = tags,
        .person_tag_count = tag_count,
        .album_names = h->albums,
        .album_name_count = h->album_count,
        .jobs = &warm,
        .job_count = alb_type_can_show(job->type) && !probe->damaged && probe->header.width > 0 ? 1 : 0,
        .upload_id = job->parcel.id,
        .upload_keep_ms = job->parcel.transient ? 0 : job->ingest->config.keep_ms,
        .device_id = h->device_id,
        .device_asset_id = h->device_asset_id,
    };
    if (alb_library_asset_create(job->ingest->config.library, &asset, &job->commit, &err) != ALB_OK)
        return not_now(job, &err);
    job->waiter = (struct alb_waiter){.wake = on_commit};
    if (!alb_future_wait(job->commit, &job->waiter))
        return committed(job);
    return true;
}

/* ---- SNIFF and PROBE ---- */

static void on_probed(struct alb_darkroom_job *d)
{
    alb_actor_post(&ALB_CONTAINER_OF(d, struct alb_parcel_job, probing)->actor, EV_PROBED);
}

static bool sniff_and_probe(struct alb_parcel_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    const struct alb_ingest_config *c = &job->ingest->config;
    unsigned char head[ALB_SNIFF_LEN];
    size_t got = 0;
    uint64_t ticket;
    if (alb_fs_pread_all(job->fd, head, sizeof(head), 0, &got, &err) != ALB_OK)
        return not_now(job, &err);
    job->type = alb_sniff(head, got);
    if (alb_type_class(job->type) == ALB_CLASS_NONE || alb_type_class(job->type) == ALB_CLASS_SIDECAR)
        return refuse(job, ALB_E_UNPROCESSABLE, UNKNOWN_TYPE);
    job->probing = (struct alb_darkroom_job){
        .work = ALB_WORK_PROBE,
        .source_fd = job->fd,
        .source_bytes = job->parcel.size,
        .type = job->type,
        .deadline = alb_deadline(alb_mono(c->clock), c->probe_ns),
        .done = on_probed,
    };
    enum alb_code code = alb_darkroom_submit(c->darkroom, &job->probing, &ticket, &err);
    if (code == ALB_E_UNSUPPORTED) { /* no lane for it on this system: kept, not looked at */
        job->probing.code = code;
        job->probing.err = err;
        alb_actor_post(&job->actor, EV_PROBED);
    } else if (code != ALB_OK) {
        return not_now(job, &err);
    }
    return true;
}

/* Reasons that say nothing about the file: it is looked at again later. */
static bool is_servers_fault(const struct alb_darkroom_job *d)
{
    static const enum alb_code own[] = {ALB_E_BUSY, ALB_E_CANCELLED, ALB_E_NO_MEMORY, ALB_E_NO_SPACE,
                                        ALB_E_IO};
    for (size_t i = 0; i < ALB_ARRAY_LEN(own); i++)
        if (d->code == own[i])
            return true;
    return d->code == ALB_E_TIMEOUT && d->run_ns <= d->queued_ns; /* most of its time went by in the queue */
}

/* A probe that could not be made of a known type (a crash, a limit, too slow): all that is known is the type.
 */
static struct alb_probe *poor_probe(enum alb_type type, enum alb_code why)
{
    struct alb_probe *p = alb_mem_calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->type = type;
    p->damaged = why == ALB_E_UNPROCESSABLE;
    p->not_looked = !p->damaged;
    alb_meta_init(&p->meta);
    return p;
}

static bool next(struct alb_parcel_job *job);

static bool probe_came(struct alb_parcel_job *job)
{
    struct alb_darkroom_job *d = &job->probing;
    if (d->code != ALB_OK && is_servers_fault(d)) {
        (void)alb_fail(&d->err, d->code, "the darkroom");
        return not_now(job, &d->err);
    }
    if (!d->probe) {
        alb_log(ALB_LOG_WARN, "photo could not be probed", ALB_LOG_STR("upload", job->parcel.id),
                ALB_LOG_C("type", alb_type_name(job->type)), ALB_LOG_C("code", alb_code_name(d->code)),
                ALB_LOG_C("reason", d->err.msg));
        d->probe = poor_probe(job->type, d->code);
        if (!d->probe)
            return no_memory(job, "probe");
    }
    if (d->probe->type == ALB_TYPE_UNKNOWN)
        return refuse(job, ALB_E_UNPROCESSABLE, UNKNOWN_TYPE);
    job->type = d->probe->type;
    job->probed = true;
    return next(job);
}

/* ---- PUBLISH ---- */

static bool publish(struct alb_parcel_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    bool done = false;
    if (alb_blob_publish_step(&job->publish, SLICE, &done, &err) != ALB_OK)
        return not_now(job, &err);
    if (!done) {
        alb_actor_post(&job->actor, EV_TURN);
        return true;
    }
    job->published = true;
    return next(job);
}

/* ---- OPEN ---- */

static bool open_upload(struct alb_parcel_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    if (alb_fs_open(job->parcel.dirfd, job->parcel.name, O_RDONLY, 0, &job->fd, &err) != ALB_OK)
        return not_now(job, &err);
    return next(job);
}

/* The original, checked in slices. */
static bool open_original(struct alb_parcel_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    const struct alb_upload_parcel *p = &job->parcel;
    struct alb_blob_ref ref = {.size = p->size, .key = alb_str_c(job->publish.key), .sums = p->sums};
    bool done = false;
    memcpy(ref.sha256, p->sha256, sizeof(ref.sha256));
    if (!job->reader && alb_blob_open(job->ingest->config.store, &ref, &job->reader, &err) != ALB_OK)
        return not_now(job, &err);
    if (alb_blob_verify_step(job->reader, SLICE, &done, &err) != ALB_OK)
        return not_now(job, &err);
    if (!done) {
        alb_actor_post(&job->actor, EV_TURN);
        return true;
    }
    if (alb_blob_verify_all(job->reader, &job->fd, &err) != ALB_OK) /* lends the descriptor */
        return not_now(job, &err);
    return next(job);
}

/* ---- what comes next ---- */

static bool next(struct alb_parcel_job *job)
{
    if (job->parcel.size == 0)
        return refuse(job, ALB_E_UNPROCESSABLE, "the file is empty");
    if (!job->published && (!job->parcel.present || job->probed))
        return publish(job);
    if (job->probed)
        return create(job);
    if (job->fd >= 0)
        return sniff_and_probe(job);
    return job->published ? open_original(job) : open_upload(job);
}

static bool handle(struct alb_actor *actor, unsigned events)
{
    struct alb_parcel_job *job = ALB_CONTAINER_OF(actor, struct alb_parcel_job, actor);
    if (events & EV_COMMITTED)
        return committed(job);
    if (events & EV_PROBED)
        return probe_came(job);
    return next(job);
}

void alb_parcel_begin(struct alb_ingest *ingest, const struct alb_upload_parcel *parcel,
                      struct alb_owner *owner)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_parcel_job *job = alb_mem_calloc(1, sizeof(*job));
    struct alb_arena *arena = alb_arena_new(ARENA_CAP);
    if (!job || !arena) {
        alb_mem_free(job);
        alb_arena_free(&arena);
        (void)alb_fail(&err, ALB_E_NO_MEMORY, "ingest");
        (void)alb_future_fail(owner, &err);
        return;
    }
    job->ingest = ingest;
    job->parcel = *parcel;
    job->owner = *owner;
    *owner = ALB_OWNER_NONE;
    job->arena = arena;
    job->fd = -1;
    alb_future_describe_owner(&job->owner, "ingest");
    if (alb_ingest_hints_unpack(parcel->note, arena, &job->hints, &err) != ALB_OK) {
        alb_log_err("the hints of an upload are not understood", &err); /* they never cost the photo */
        alb_ingest_hints_init(&job->hints);
    }
    struct alb_blob_source source = {.from_dirfd = parcel->dirfd,
                                     .from_name = parcel->name,
                                     .size = parcel->size,
                                     .sums = parcel->sums,
                                     .synced = true};
    memcpy(source.sha256, parcel->sha256, sizeof(source.sha256));
    alb_blob_publish_begin(&job->publish, ingest->config.store, &source);
    alb_actor_init(&job->actor, ingest->config.pool, false, handle, EV_TURN);
    alb_actor_start(&job->actor);
}
