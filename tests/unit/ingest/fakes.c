/* SPDX-License-Identifier: Apache-2.0
 * The fakes (fakes.h). One parcel at a time: its turns do not overlap, so plain fields will do.
 */
#include "fakes.h"

#include <stdio.h>

#include "base/check.h"
#include "blob/store.h"
#include "library/blob.h"
#include "upload/upload.h"

struct fake fake;

void fake_reset(void)
{
    memset(&fake, 0, sizeof(fake));
    fake.slices = 1;
}

void fake_note(char c)
{
    unsigned at = atomic_fetch_add(&fake.steps, 1);
    if (at < sizeof(fake.order) - 1)
        fake.order[at] = c;
}

/* ---- upload ---- */

bool alb_upload_refusal(enum alb_code code) /* as upload.h says */
{
    return code == ALB_E_INVALID || code == ALB_E_FORBIDDEN || code == ALB_E_TOO_LARGE ||
           code == ALB_E_UNSUPPORTED || code == ALB_E_UNPROCESSABLE;
}

/* ---- store ---- */

struct alb_blob_reader {
    unsigned slices;
};

void alb_blob_publish_begin(struct alb_blob_publish *p, struct alb_blob_store *store,
                            const struct alb_blob_source *source)
{
    memset(p, 0, sizeof(*p));
    p->store = store;
    p->source = *source;
    p->rounds = fake.slices;
}

enum alb_code alb_blob_publish_step(struct alb_blob_publish *p, int64_t budget, bool *done,
                                    struct alb_err *err)
{
    ALB_CHECK(budget > 0 && p->rounds > 0 && !p->pinned);
    *done = --p->rounds == 0;
    if (!*done)
        return ALB_OK;
    if (fake.publish != ALB_OK) {
        *done = false;
        return alb_fail(err, fake.publish, "the fake store says so");
    }
    fake_note('P');
    (void)snprintf(p->key, sizeof(p->key), "ab/cdef");
    p->existed = fake.existed;
    p->pinned = true;
    fake.pins++;
    return ALB_OK;
}

void alb_blob_publish_end(struct alb_blob_publish *p)
{
    if (!p->pinned)
        return;
    p->pinned = false;
    fake.pins--;
    fake_note('E');
}

enum alb_code alb_blob_remove(struct alb_blob_store *store, const unsigned char sha256[ALB_SHA256_LEN],
                              alb_blob_ask_fn *ask, void *arg, bool *removed, struct alb_err *err)
{
    (void)store;
    ALB_CHECK(fake.pins == 0 && sha256[0] == 3);
    enum alb_code code = ask(arg, sha256, removed, err);
    if (code == ALB_OK && *removed)
        fake_note('R');
    return code;
}

enum alb_code alb_blob_open(struct alb_blob_store *store, const struct alb_blob_ref *ref,
                            struct alb_blob_reader **reader, struct alb_err *err)
{
    (void)store;
    *reader = NULL;
    ALB_CHECK(alb_str_eq_c(ref->key, "ab/cdef"));
    if (fake.open != ALB_OK)
        return alb_fail(err, fake.open, "the fake store says so");
    *reader = alb_mem_calloc(1, sizeof(**reader));
    ALB_CHECK(*reader);
    (*reader)->slices = fake.slices;
    fake_note('O');
    return ALB_OK;
}

void alb_blob_close(struct alb_blob_reader **reader)
{
    alb_mem_free(*reader);
    *reader = NULL;
}

enum alb_code alb_blob_verify_step(struct alb_blob_reader *r, int64_t budget, bool *done, struct alb_err *err)
{
    (void)budget;
    (void)err;
    fake_note('V');
    *done = --r->slices == 0;
    return ALB_OK;
}

/* The same bytes as the upload's file: the test's own. */
extern int original_fd;

enum alb_code alb_blob_verify_all(struct alb_blob_reader *r, int *fd, struct alb_err *err)
{
    (void)err;
    ALB_CHECK(r->slices == 0);
    *fd = original_fd;
    return ALB_OK;
}

const char *alb_blob_store_name(const struct alb_blob_store *store)
{
    (void)store;
    return "disk";
}

/* ---- darkroom ---- */

static struct alb_probe *make_probe(enum alb_type type)
{
    static struct alb_str keywords[3];
    struct alb_probe *p = alb_mem_calloc(1, sizeof(*p));
    ALB_CHECK(p);
    keywords[0] = ALB_STR("a/b");
    keywords[1] = ALB_STR("a//b"); /* no tag */
    keywords[2] = ALB_STR("c");
    alb_meta_init(&p->meta);
    p->type = fake.unknown ? ALB_TYPE_UNKNOWN : type;
    p->damaged = fake.damaged;
    if (fake.with_meta) {
        p->header = (struct alb_image_header){.type = type,
                                              .width = 40,
                                              .height = 30,
                                              .orientation = 6,
                                              .pages = 1,
                                              .bits = 8,
                                              .space = ALB_SPACE_RGB};
        p->meta.keywords = keywords;
        p->meta.keyword_count = 3;
        p->meta.title = ALB_STR("from the file");
        p->meta.has_gps = true;
        p->meta.latitude = 91; /* out of range */
        p->meta.exposure_s = 0.004;
    }
    return p;
}

enum alb_code alb_darkroom_submit(struct alb_darkroom *dr, struct alb_darkroom_job *job, uint64_t *ticket,
                                  struct alb_err *err)
{
    (void)dr;
    *ticket = 0;
    ALB_CHECK(job->work == ALB_WORK_PROBE && job->source_fd >= 0);
    if (fake.submit != ALB_OK)
        return alb_fail(err, fake.submit, "the fake darkroom says so");
    fake_note('B');
    *ticket = 1;
    job->code = fake.probe;
    job->queued_ns = fake.queued_ns;
    job->run_ns = fake.run_ns;
    if (fake.probe == ALB_OK)
        job->probe = make_probe(job->type);
    else
        (void)alb_fail(&job->err, fake.probe, "the fake darkroom says so");
    job->done(job);
    return ALB_OK;
}

/* ---- library ---- */

static void created_free(struct alb_obj *obj)
{
    alb_mem_free(obj);
}

static void keep(char *to, size_t cap, struct alb_str s)
{
    ALB_CHECK(alb_str_to_c(s, to, cap));
}

static void keep_asset(const struct alb_asset_new *a)
{
    size_t n = 0;
    fake.asset = *a;
    keep(fake.name, sizeof(fake.name), a->name);
    keep(fake.mime, sizeof(fake.mime), a->mime);
    keep(fake.key, sizeof(fake.key), a->blob.key);
    keep(fake.upload, sizeof(fake.upload), a->upload_id);
    if (a->hint->stated & ALB_FIELD_BIT(ALB_FIELD_TITLE))
        keep(fake.title, sizeof(fake.title), a->hint->title);
    fake.hint_stated = a->hint->stated;
    fake.file_stated = a->file->stated;
    for (size_t i = 0; i < a->person_tag_count + a->file_tag_count; i++) {
        const struct alb_tag_name *t =
            i < a->person_tag_count ? &a->person_tags[i] : &a->file_tags[i - a->person_tag_count];
        n += (size_t)snprintf(fake.tags + n, sizeof(fake.tags) - n, ALB_STR_FMT " ", ALB_STR_ARG(t->value));
    }
}

enum alb_code alb_library_blob_find(struct alb_library *lib, const unsigned char sha256[ALB_SHA256_LEN],
                                    struct alb_arena *a, struct alb_blob *out, struct alb_err *err)
{
    (void)lib;
    (void)sha256;
    (void)a;
    memset(out, 0, sizeof(*out));
    return fake.row == ALB_OK ? ALB_OK : alb_fail(err, fake.row, "the fake library says so");
}

enum alb_code alb_library_upload_taken(struct alb_library *lib, struct alb_str upload_id,
                                       struct alb_taken *out, struct alb_err *err)
{
    (void)lib;
    *out = fake.taken;
    return alb_str_eq_c(upload_id, "known") ? ALB_OK : alb_fail(err, ALB_E_NOT_FOUND, "not remembered");
}

enum alb_code alb_library_asset_create(struct alb_library *lib, const struct alb_asset_new *asset,
                                       struct alb_future **future, struct alb_err *err)
{
    struct alb_owner owner;
    (void)lib;
    *future = NULL;
    fake_note('C');
    keep_asset(asset);
    if (fake.create != ALB_OK)
        return alb_fail(err, fake.create, "the fake library says so");
    ALB_CHECK(alb_future_new(future, &owner) == ALB_OK);
    if (fake.commit != ALB_OK) {
        struct alb_err why = ALB_ERR_INIT;
        (void)alb_fail(&why, fake.commit, "the fake library says so");
        (void)alb_future_fail(&owner, &why);
        return ALB_OK;
    }
    struct alb_created *made = alb_mem_calloc(1, sizeof(*made));
    ALB_CHECK(made);
    alb_obj_init(&made->obj, created_free);
    made->as = fake.as;
    made->trashed = fake.trashed;
    ALB_CHECK(alb_uuid_parse(ALB_STR("01234567-89ab-7def-8123-456789abcdef"), &made->asset_uuid));
    (void)alb_future_settle(&owner, &made->obj);
    return ALB_OK;
}
