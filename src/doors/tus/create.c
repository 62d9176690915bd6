/* SPDX-License-Identifier: Apache-2.0
 *
 * POST: a new upload, in either protocol, with or without the first bytes.
 */
#include "doors/tus/door.h"
#include "doors/tus/metadata.h"
#include "ingest/ingest.h"

#define OFFSET_TYPE "application/offset+octet-stream"
#define NOTE_MAX ((size_t)64 << 10)

/* ---- what is asked ---- */

/* All its lines: it is a list. p == NULL: there is none. */
static struct alb_str metadata(struct alb_req *req)
{
    struct alb_arena *a = alb_req_arena(req);
    struct alb_str all = ALB_STR_NONE, line;
    size_t at = 0;

    while (alb_req_header_next(req, "upload-metadata", &at, &line)) {
        if (all.n == 0)
            all = line;
        else if (line.n > 0)
            all = alb_arena_printf(a, ALB_STR_FMT "," ALB_STR_FMT, ALB_STR_ARG(all), ALB_STR_ARG(line));
    }
    return all;
}

static enum alb_tus_word parse_length(struct alb_req *req, struct alb_tus *t)
{
    bool deferred = alb_tus_has_header(req, "upload-defer-length");
    uint64_t n = 0;

    if (deferred && alb_tus_has_header(req, "upload-length"))
        return ALB_TUS_AMBIGUOUS;
    t->spec.length = ALB_UPLOAD_DEFERRED;
    if (deferred)
        return alb_str_eq_c(alb_tus_field(req, "upload-defer-length"), "1") ? ALB_TUS_FINE
                                                                            : ALB_TUS_BAD_DEFER;
    if (!alb_str_u64(alb_tus_field(req, "upload-length"), &n) || n > INT64_MAX)
        return ALB_TUS_BAD_LENGTH;
    t->spec.length = (int64_t)n;
    return ALB_TUS_FINE;
}

static enum alb_tus_word parse_tus(struct alb_req *req, struct alb_tus *t)
{
    enum alb_tus_word word = alb_tus_concat_parse(req, t);

    t->spec.metadata = metadata(req);
    if (word != ALB_TUS_FINE || t->spec.kind == ALB_UPLOAD_FINAL)
        return word;
    word = parse_length(req, t);
    if (word == ALB_TUS_FINE && alb_req_content_length(req) != 0 && !alb_tus_is_piece(req, OFFSET_TYPE)) {
        t->no_body = t->door->options.like_tusd; /* tusd does not look at such a body */
        word = t->no_body ? ALB_TUS_FINE : ALB_TUS_BAD_TYPE;
    }
    return word;
}

static enum alb_tus_word parse(struct alb_req *req, struct alb_tus *t)
{
    int64_t max = alb_tus_max_bytes(t->door);
    enum alb_tus_word word;

    t->spec.owner = t->owner;
    word = t->dialect == ALB_TUS_RUFH ? alb_tus_rufh_creation(req, t) : parse_tus(req, t);
    if (word != ALB_TUS_FINE)
        return word;
    if (max > 0 && t->spec.length > max)
        return ALB_TUS_TOO_LARGE;
    return t->no_body || t->spec.kind == ALB_UPLOAD_FINAL
               ? ALB_TUS_FINE
               : alb_tus_check_body(req, t,
                                    t->spec.length >= 0 ? t->spec.length
                                    : max > 0           ? max
                                                        : -1);
}

/* ---- it is made ---- */

/* Upload-Metadata for the sink. Without ingest it is only echoed: what is broken in it harms nobody (tusd
 * drops it). */
static enum alb_code hints(struct alb_req *req, struct alb_tus *t, struct alb_buf *note, struct alb_err *err)
{
    struct alb_ingest_hints h;

    alb_ingest_hints_init(&h);
    enum alb_code code = alb_tus_metadata(t->spec.metadata, alb_req_arena(req), &h, err);
    if (code != ALB_OK && t->door->options.like_tusd) {
        alb_err_clear(err);
        return ALB_OK;
    }
    if (code != ALB_OK)
        return code;
    alb_ingest_hints_pack(&h, note);
    code = alb_buf_code(note);
    return code == ALB_OK ? ALB_OK : alb_fail(err, code, "Upload-Metadata is too long");
}

static enum alb_code create(struct alb_req *req, struct alb_tus *t, struct alb_err *err)
{
    struct alb_buf note = ALB_BUF_INIT(NOTE_MAX);
    struct alb_upload_view v;
    enum alb_code code = hints(req, t, &note, err);

    alb_digest_whole_write(&t->whole, &note);
    t->spec.note = alb_buf_view(&note);
    if (code == ALB_OK)
        code = alb_upload_create(t->door->uploads, &t->spec, &t->session, err);
    alb_buf_fini(&note);
    t->spec.note = ALB_STR_NONE;
    if (code != ALB_OK)
        return code;
    alb_upload_look(t->session, &v);
    t->id = alb_arena_str(alb_req_arena(req), v.id);
    t->created = true;
    return alb_arena_code(alb_req_arena(req));
}

static enum alb_step create_failed(struct alb_req *req, struct alb_tus *t, const struct alb_err *err)
{
    if (err->code != ALB_E_INVALID || t->verdicts[0] == NULL || t->verdicts[0]->id.p == NULL)
        return alb_tus_fail(req, t, err);
    alb_req_log_err(req, err);
    return alb_tus_refuse(req, t, ALB_TUS_INTERNAL); /* the hook's fault, not the client's */
}

/* Durable from here on: Location may be told. */
static enum alb_code announce(struct alb_req *req, struct alb_tus *t, struct alb_err *err)
{
    struct alb_upload_view v;
    struct alb_tus_event e;
    enum alb_code code = alb_upload_commit(t->session, err);

    if (code != ALB_OK)
        return code;
    t->told = true;
    alb_upload_look(t->session, &v);
    alb_tus_event_of(t, &v, ALB_TUS_POST_CREATE, &e);
    alb_tus_tell(req, t, &e);
    return ALB_OK;
}

/* What HEAD would have to say of it has room in an answer; else nobody could ever look at it. */
static bool can_be_echoed(struct alb_req *req, const struct alb_tus *t)
{
    struct alb_str rest = t->spec.parts;
    struct alb_tus part = {.door = t->door};
    size_t n = t->spec.metadata.n;

    while (alb_str_next(&rest, ' ', &part.id))
        n += alb_tus_path(req, &part).n + 1;
    return n <= ALB_TUS_ECHO_MAX;
}

static enum alb_step begin(struct alb_req *req, struct alb_tus *t)
{
    struct alb_err err = ALB_ERR_INIT;
    bool body = alb_req_content_length(req) != 0 && !t->no_body;

    if (!can_be_echoed(req, t))
        return alb_tus_refuse(req, t, ALB_TUS_LONG_FIELDS);
    if (create(req, t, &err) != ALB_OK)
        return create_failed(req, t, &err);
    if (t->spec.kind == ALB_UPLOAD_FINAL)
        return alb_tus_concat(req, t);
    bool interim = t->dialect == ALB_TUS_RUFH && body;
    /* A tus client cannot come back before it has an answer: without hooks the first record waits for that.
     */
    if ((interim || t->door->hooks != NULL) && announce(req, t, &err) != ALB_OK)
        return alb_tus_fail(req, t, &err);
    if (interim)
        alb_tus_rufh_interim(req, t, -1);
    if (!t->no_body)
        return alb_tus_take_body(req, t);
    return alb_tus_no_body(req, t);
}

/* What the hook wants otherwise. */
static enum alb_step checked(struct alb_req *req, struct alb_tus *t)
{
    const struct alb_tus_verdict *v = t->verdicts[0];

    if (v != NULL && t->asked == ALB_TUS_PRE_CREATE) {
        if (v->id.p != NULL)
            t->spec.id = v->id;
        if (v->path.p != NULL)
            t->spec.path = v->path;
        if (v->metadata.p != NULL)
            t->spec.metadata = v->metadata;
    }
    return begin(req, t);
}

enum alb_step alb_tus_post(struct alb_req *req, struct alb_tus *t)
{
    enum alb_tus_word word = parse(req, t);
    struct alb_tus_event e = {.hook = ALB_TUS_PRE_CREATE};

    if (word == ALB_TUS_FINE && t->spec.kind == ALB_UPLOAD_FINAL)
        word = alb_tus_concat_look(t);
    if (word != ALB_TUS_FINE)
        return alb_tus_refuse(req, t, word);
    e.size = t->spec.kind == ALB_UPLOAD_FINAL ? t->length : t->spec.length;
    e.metadata = t->spec.metadata;
    e.kind = t->spec.kind;
    e.parts = t->spec.parts;
    return alb_tus_ask(req, t, &e, checked);
}
