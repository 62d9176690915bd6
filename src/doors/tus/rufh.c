/* SPDX-License-Identifier: Apache-2.0
 *
 * Resumable Uploads for HTTP: what its fields say. Interop versions 3 to 8 and the newest text (0) differ in
 * names (Upload-Incomplete in 3, inverted), in whether an append has a media type of its own (from 6 on), and
 * in what must be refused; answers carry everything that any of them wants.
 */
#include <string.h>

#include "base/codec.h"
#include "doors/tus/door.h"

#define APPEND_TYPE "application/partial-upload"
#define FILE_NAME_MAX 1024

/* The field that says whether this is the last piece, as it means today. */
static bool complete_field(const struct alb_req *req, const struct alb_tus *t, bool *complete)
{
    if (t->interop == 3) {
        bool incomplete;
        bool there = alb_sf_bool(alb_tus_field(req, "upload-incomplete"), &incomplete);
        *complete = there && !incomplete;
        return there;
    }
    return alb_sf_bool(alb_tus_field(req, "upload-complete"), complete);
}

static bool length_field(const struct alb_req *req, int64_t *length)
{
    return alb_sf_integer(alb_tus_field(req, "upload-length"), length) && *length >= 0;
}

/* Content-Digest covers this body; nothing of it counts before it is checked. */
static enum alb_tus_word digest_field(const struct alb_req *req, struct alb_tus *t)
{
    struct alb_str field = alb_req_header(req, "content-digest");
    struct alb_digest_value v;

    if (field.p == NULL)
        return ALB_TUS_FINE;
    int found = alb_digest_field_parse(field, &v);
    if (found < 0)
        return ALB_TUS_BAD_CHECKSUM;
    if (found > 0) {
        alb_digests_expect(&t->digests, &v);
        t->holding = true;
    }
    return ALB_TUS_FINE;
}

/* File name and type as a tus client would have said them. */
static struct alb_str metadata(struct alb_req *req)
{
    struct alb_arena *a = alb_req_arena(req);
    struct alb_str given = alb_req_header(req, "upload-metadata");
    struct alb_str name = alb_disposition_name(alb_req_header(req, "content-disposition"), a);
    struct alb_str type = alb_media_type(alb_req_header(req, "content-type"));
    struct alb_buf out = ALB_BUF_INIT((size_t)64 << 10);

    alb_buf_str(&out, given);
    if (given.n == 0 && name.n > 0 && name.n <= FILE_NAME_MAX)
        alb_tus_metadata_add(&out, ALB_STR("filename"), name);
    if (given.n == 0 && type.n > 0)
        alb_tus_metadata_add(&out, ALB_STR("filetype"), type);
    struct alb_str text = alb_arena_str(a, alb_buf_view(&out));
    alb_buf_fini(&out);
    return text;
}

static bool is_about(const struct alb_digest_whole *w, enum alb_digest kind)
{
    return (w->given && w->value.kind == kind) || (w->wanted && w->want == kind);
}

/* What is said of the whole, and what must be computed on the way for it. False: it is not understood. */
static bool whole_fields(const struct alb_req *req, struct alb_tus *t)
{
    if (!alb_digest_whole_parse(alb_req_header(req, "repr-digest"), alb_req_header(req, "want-repr-digest"),
                                &t->whole))
        return false;
    t->spec.md5 = is_about(&t->whole, ALB_DIGEST_MD5);
    t->spec.sha512 = !t->spec.md5 && is_about(&t->whole, ALB_DIGEST_SHA512);
    return true;
}

enum alb_tus_word alb_tus_rufh_creation(struct alb_req *req, struct alb_tus *t)
{
    int64_t length = 0, body = alb_req_content_length(req);
    bool has_length = length_field(req, &length);

    if (!complete_field(req, t, &t->complete) || alb_tus_has_header(req, "upload-offset"))
        return ALB_TUS_BAD_FIELD;
    if (has_length && body >= 0 && (t->complete ? body != length : body > length))
        return ALB_TUS_INCONSISTENT;
    if (!has_length)
        length = t->complete && body >= 0 ? body : ALB_UPLOAD_DEFERRED;
    if (!whole_fields(req, t))
        return ALB_TUS_BAD_CHECKSUM;
    t->spec.length = length;
    t->spec.metadata = metadata(req);
    return digest_field(req, t);
}

/* The length as this request says it, in one way or in two that must agree. */
static enum alb_tus_word said_length(const struct alb_req *req, const struct alb_tus *t, int64_t offset,
                                     int64_t *length)
{
    int64_t body = alb_req_content_length(req), whole = ALB_UPLOAD_DEFERRED;

    if (t->complete && body >= 0)
        whole = offset + body;
    if (!length_field(req, length))
        *length = whole;
    return whole >= 0 && whole != *length ? ALB_TUS_INCONSISTENT : ALB_TUS_FINE;
}

static enum alb_tus_word declare(struct alb_tus *t, const struct alb_upload_view *v, int64_t length)
{
    struct alb_err err = ALB_ERR_INIT;

    if (length < 0)
        return ALB_TUS_FINE;
    if (v->length >= 0)
        return length == v->length ? ALB_TUS_FINE : ALB_TUS_INCONSISTENT;
    enum alb_code code = alb_upload_declare(t->session, length, &err);
    if (code == ALB_E_TOO_LARGE)
        return ALB_TUS_TOO_LARGE;
    return code == ALB_OK ? ALB_TUS_FINE : ALB_TUS_INCONSISTENT;
}

enum alb_tus_word alb_tus_rufh_append(struct alb_req *req, struct alb_tus *t, const struct alb_upload_view *v)
{
    int64_t offset, length = ALB_UPLOAD_DEFERRED;

    if (!complete_field(req, t, &t->complete))
        return ALB_TUS_BAD_FIELD;
    if (!alb_sf_integer(alb_tus_field(req, "upload-offset"), &offset) || offset < 0)
        return ALB_TUS_BAD_OFFSET;
    if (v->state != ALB_UPLOAD_OPEN)
        return ALB_TUS_COMPLETED;
    t->expected = v->offset;
    t->provided = offset;
    if (offset != v->offset)
        return ALB_TUS_WRONG_OFFSET;
    enum alb_tus_word word = said_length(req, t, offset, &length);
    if (word == ALB_TUS_FINE)
        word = declare(t, v, length);
    return word == ALB_TUS_FINE ? digest_field(req, t) : word;
}

void alb_tus_rufh_interim(struct alb_req *req, struct alb_tus *t, int64_t offset)
{
    struct alb_header headers[3];
    struct alb_arena *a = alb_req_arena(req);
    struct alb_upload_view v;
    size_t n = 0;

    if (t->interop == 0 && alb_tus_has_header(req, "upload-draft-interop-version"))
        return; /* of a draft that is not known here: 104 may mean something else there */
    alb_upload_look(t->session, &v);
    if (t->interop > 0)
        headers[n++] =
            (struct alb_header){"Upload-Draft-Interop-Version", alb_arena_printf(a, "%u", t->interop)};
    if (offset < 0) { /* the first one of a creation */
        headers[n++] = (struct alb_header){"Location", alb_tus_location(req, t)};
        headers[n++] = (struct alb_header){"Upload-Limit", alb_tus_limits(req, t, v.expires_ms)};
    } else {
        headers[n++] = (struct alb_header){"Upload-Offset", alb_arena_printf(a, "%lld", (long long)offset)};
    }
    if (alb_arena_code(a) == ALB_OK)
        alb_req_interim(req, 104, headers, n);
}
