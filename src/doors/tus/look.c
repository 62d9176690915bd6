/* SPDX-License-Identifier: Apache-2.0
 *
 * HEAD, GET and DELETE.
 */
#include <string.h>

#include "doors/tus/door.h"
#include "doors/tus/metadata.h"
#include "ingest/ingest.h"

#define WHOLE_URLS_MAX ((size_t)32 << 10) /* of Upload-Concat; clients do not read lines of any length */
#define TYPE_MAX 1024                     /* of a Content-Type */

/* RUFH: fields of appends have no place in other requests. */
static bool has_stray_fields(const struct alb_req *req, const struct alb_tus *t)
{
    return t->dialect == ALB_TUS_RUFH &&
           (alb_tus_has_header(req, "upload-offset") || alb_tus_has_header(req, "upload-complete") ||
            alb_tus_has_header(req, "upload-incomplete"));
}

/* ---- HEAD ---- */

/* The parts by their whole URLs, or by their paths alone. False: it is too long. */
static bool concat_list(struct alb_req *req, const struct alb_tus *t, struct alb_str ids, bool whole,
                        size_t max)
{
    struct alb_buf out = ALB_BUF_INIT(max);
    struct alb_str id;

    alb_buf_c(&out, "final;");
    for (size_t i = 0; alb_buf_code(&out) == ALB_OK && alb_str_next(&ids, ' ', &id); i++) {
        struct alb_tus part = {.door = t->door, .id = id};
        if (i > 0)
            alb_buf_c(&out, " ");
        alb_buf_str(&out, whole ? alb_tus_location(req, &part) : alb_tus_path(req, &part));
    }
    bool fits = alb_buf_code(&out) == ALB_OK;
    if (fits)
        alb_res_header(req, "Upload-Concat", alb_buf_view(&out));
    alb_buf_fini(&out);
    return fits;
}

static void concat_header(struct alb_req *req, const struct alb_tus *t, const struct alb_upload_view *v)
{
    if (v->kind == ALB_UPLOAD_PARTIAL)
        alb_res_header_c(req, "Upload-Concat", "partial");
    else if (v->kind == ALB_UPLOAD_FINAL && !concat_list(req, t, v->parts, true, WHOLE_URLS_MAX))
        (void)concat_list(req, t, v->parts, false, ALB_TUS_ECHO_MAX);
}

static void describe(struct alb_req *req, struct alb_tus *t, const struct alb_upload_view *v)
{
    alb_tus_place_headers(req, t, v);
    if (v->length >= 0)
        alb_res_header_i64(req, "Upload-Length", v->length);
    else if (t->dialect != ALB_TUS_RUFH && v->kind != ALB_UPLOAD_FINAL)
        alb_res_header_c(req, "Upload-Defer-Length", "1");
    if (v->state == ALB_UPLOAD_FINISHED)
        alb_tus_result_headers(req, v->result);
    if (t->dialect == ALB_TUS_RUFH)
        return;
    if (v->metadata.n > 0)
        alb_res_header(req, "Upload-Metadata", v->metadata);
    concat_header(req, t, v);
}

/* It will never be taken: a client that only sees its offset would think that it was. */
static enum alb_step rejected(struct alb_req *req, struct alb_tus *t, const struct alb_upload_view *v)
{
    struct alb_err err = ALB_ERR_INIT;

    (void)alb_fail(&err, v->rejected, ALB_STR_FMT, ALB_STR_ARG(v->reason));
    if (t->session != NULL)
        alb_upload_release(&t->session);
    enum alb_step step = alb_tus_fail(req, t, &err);
    alb_tus_complete_header(req, t, true);
    return step;
}

static enum alb_step answer_head(struct alb_req *req, struct alb_tus *t)
{
    struct alb_upload_view v;

    alb_upload_look(t->session, &v);
    if (v.state == ALB_UPLOAD_REJECTED)
        return rejected(req, t, &v);
    describe(req, t, &v);
    alb_upload_release(&t->session);
    return alb_tus_done(req, t, t->dialect == ALB_TUS_RUFH ? 204 : 200);
}

enum alb_step alb_tus_head(struct alb_req *req, struct alb_tus *t)
{
    alb_res_header_set(req, "Cache-Control", ALB_STR("no-store"));
    if (has_stray_fields(req, t))
        return alb_tus_refuse(req, t, ALB_TUS_BAD_FIELD);
    return alb_tus_acquire(req, t, ALB_UPLOAD_LOOK, answer_head);
}

/* ---- GET ---- */

/* Types that browsers show without running anything. */
static bool is_harmless(struct alb_str type)
{
    static const char *const types[] = {"text/plain",  "image/png",      "image/jpeg", "image/gif",
                                        "image/bmp",   "image/webp",     "audio/wave", "audio/wav",
                                        "audio/x-wav", "audio/x-pn-wav", "audio/webm", "audio/ogg",
                                        "video/mp4",   "video/webm",     "video/ogg",  "application/ogg"};

    for (size_t i = 0; i < ALB_ARRAY_LEN(types); i++) {
        if (alb_str_eq_ci(type, alb_str_c(types[i])))
            return true;
    }
    return false;
}

/* As Go quotes it, for what was written against tusd: `inline;filename="a.jpg"`. */
static void tusd_disposition(struct alb_req *req, bool harmless, struct alb_str name)
{
    struct alb_buf out = ALB_BUF_INIT((size_t)64 << 10);

    alb_buf_c(&out, harmless ? "inline" : "attachment");
    if (name.n > 0) {
        alb_buf_c(&out, ";filename=\"");
        for (size_t i = 0; i < name.n; i++) {
            if (name.p[i] == '"' || name.p[i] == '\\')
                alb_buf_c(&out, "\\");
            if ((unsigned char)name.p[i] >= 0x20 && name.p[i] != 0x7f)
                alb_buf_add(&out, name.p + i, 1);
        }
        alb_buf_c(&out, "\"");
    }
    if (alb_buf_code(&out) == ALB_OK)
        alb_res_header_set(req, "Content-Disposition", alb_buf_view(&out));
    alb_buf_fini(&out);
}

static void download_headers(struct alb_req *req, const struct alb_tus *t, struct alb_str type,
                             struct alb_str name)
{
    bool harmless = is_harmless(alb_media_type(type));
    bool good = alb_media_type(type).p != NULL && /* and its parameters */
                type.n <= TYPE_MAX && !alb_str_has_control(type);
    struct alb_str given = good ? type : ALB_STR("application/octet-stream");

    alb_res_type(req, alb_arena_printf(alb_req_arena(req), ALB_STR_FMT "%c", ALB_STR_ARG(given), '\0').p);
    if (t->door->options.like_tusd)
        tusd_disposition(req, harmless, name);
    else
        alb_res_disposition(req, !harmless, name);
    alb_res_header_set(req, "Cache-Control", ALB_STR("private, no-cache, no-transform"));
    alb_res_header_set(req, "Content-Security-Policy", ALB_STR("sandbox"));
}

static enum alb_code read_upload(void *ctx, uint64_t off, void *p, size_t n, size_t *got, struct alb_err *err)
{
    struct alb_tus *t = ctx;

    return alb_upload_reader_read(t->reader, off, p, n, got, err);
}

static enum alb_code read_original(void *ctx, uint64_t off, void *p, size_t n, size_t *got,
                                   struct alb_err *err)
{
    struct alb_tus *t = ctx;

    return alb_original_read(t->original, off, p, n, got, err);
}

static enum alb_step send_upload(struct alb_req *req, struct alb_tus *t, const struct alb_upload_view *v)
{
    struct alb_arena *a = alb_req_arena(req);

    download_headers(req, t, alb_tus_metadata_find(v->metadata, ALB_STR("filetype"), a),
                     alb_tus_metadata_find(v->metadata, ALB_STR("filename"), a));
    if (v->state == ALB_UPLOAD_FINISHED)
        alb_res_etag(req, alb_arena_str(a, v->id), false); /* a finished upload never changes */
    else
        alb_res_header_set(req, "Cache-Control", ALB_STR("no-store"));
    alb_res_source(req, (uint64_t)v->offset, read_upload, t);
    return alb_tus_done(req, t, 200);
}

/* The photo that was made of it; its rights count, not those of the upload. */
static enum alb_step send_original(struct alb_req *req, struct alb_tus *t, const struct alb_uuid *asset)
{
    struct alb_ref ref = {.by_uuid = true, .uuid = *asset};
    struct alb_err err = ALB_ERR_INIT;
    char etag[2 * ALB_SHA256_LEN + 1];

    if (alb_library_resolve(t->door->auth.library, alb_auth_principal(req), &ref, ALB_PURPOSE_ORIGINAL,
                            &t->source, &err) != ALB_OK ||
        alb_original_open(t->door->store, t->source, &t->original, &err) != ALB_OK)
        return alb_tus_fail(req, t, &err);
    download_headers(req, t, t->source->mime, t->source->name);
    alb_hex(t->source->sha256, sizeof(t->source->sha256), etag);
    alb_res_etag(req, alb_arena_str(alb_req_arena(req), alb_str_c(etag)), false);
    alb_res_modified(req, t->source->modified_ms);
    alb_res_source(req, (uint64_t)t->source->size, read_original, t);
    return alb_tus_done(req, t, 200);
}

static enum alb_step answer_taken(struct alb_req *req, struct alb_tus *t)
{
    struct alb_upload_view v;
    struct alb_ingest_result r;

    alb_upload_look(t->session, &v);
    if (v.state == ALB_UPLOAD_REJECTED)
        return rejected(req, t, &v);
    bool photo =
        t->door->store != NULL && v.state == ALB_UPLOAD_FINISHED && alb_ingest_result_parse(v.result, &r);
    alb_upload_release(&t->session);
    if (!photo)
        return alb_tus_refuse(req, t, ALB_TUS_NOT_FOUND);
    return send_original(req, t, &r.asset);
}

enum alb_step alb_tus_get(struct alb_req *req, struct alb_tus *t)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_upload_view v;

    if (!alb_tus_take_id(req, t))
        return alb_tus_refuse(req, t, ALB_TUS_NOT_FOUND);
    enum alb_code code = alb_upload_reader_open(t->door->uploads, t->id, t->owner, &t->reader, &v, &err);
    if (code == ALB_E_GONE || code == ALB_E_NOT_FOUND) /* the sink has its bytes, or remembers it */
        return alb_tus_acquire(req, t, ALB_UPLOAD_LOOK, answer_taken);
    if (code != ALB_OK)
        return alb_tus_fail(req, t, &err);
    if (v.state == ALB_UPLOAD_FINISHED || t->door->options.like_tusd)
        return send_upload(req, t, &v);
    alb_res_header_set(req, "Cache-Control", ALB_STR("no-store")); /* not whole yet: where it stands */
    describe(req, t, &v);
    return alb_tus_done(req, t, 204);
}

/* ---- DELETE ---- */

static enum alb_step terminate(struct alb_req *req, struct alb_tus *t)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_upload_view v;
    struct alb_tus_event e;

    alb_upload_look(t->session, &v);
    if (v.state == ALB_UPLOAD_REJECTED && v.rejected == ALB_E_GONE)
        return rejected(req, t, &v);
    alb_tus_event_of(t, &v, ALB_TUS_POST_TERMINATE, &e);
    if (alb_upload_terminate(t->session, &err) != ALB_OK)
        return alb_tus_fail(req, t, &err);
    alb_tus_tell(req, t, &e);
    alb_upload_release(&t->session);
    return alb_tus_done(req, t, 204);
}

static enum alb_step allowed(struct alb_req *req, struct alb_tus *t)
{
    return alb_tus_acquire(req, t, ALB_UPLOAD_TERMINATE, terminate);
}

/* The hook hears what is to go; the upload is not held while it thinks. */
static enum alb_step ask(struct alb_req *req, struct alb_tus *t)
{
    struct alb_arena *a = alb_req_arena(req);
    struct alb_upload_view v;

    alb_upload_look(t->session, &v);
    alb_tus_event_of(t, &v, ALB_TUS_PRE_TERMINATE, &t->event);
    t->event.id = t->id;
    t->event.metadata = alb_arena_str(a, v.metadata);
    t->event.parts = alb_arena_str(a, v.parts);
    t->event.path = alb_arena_str(a, v.path);
    alb_upload_release(&t->session);
    return alb_tus_ask(req, t, &t->event, allowed);
}

enum alb_step alb_tus_delete(struct alb_req *req, struct alb_tus *t)
{
    if (has_stray_fields(req, t))
        return alb_tus_refuse(req, t, ALB_TUS_BAD_FIELD);
    if (alb_tus_asks(t, ALB_TUS_PRE_TERMINATE))
        return alb_tus_acquire(req, t, ALB_UPLOAD_LOOK, ask);
    return allowed(req, t);
}
