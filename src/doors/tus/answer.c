/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers in both protocols: what can be wrong and how it is said, and the headers about where an upload
 * stands.
 */
#include <string.h>

#include "base/json.h"
#include "doors/tus/door.h"
#include "ingest/ingest.h"

#define PROBLEMS "https://iana.org/assignments/http-problem-types#"

struct word {
    int status, tusd_status; /* tusd_status 0: the same */
    const char *name, *text;
    const char *problem; /* of RUFH's problem details; NULL: about:blank */
};

static const struct word words[ALB_TUS_WORD_COUNT] = {
    [ALB_TUS_BAD_VERSION] = {412, 0, "ERR_UNSUPPORTED_VERSION",
                             "missing, invalid or unsupported Tus-Resumable header", NULL},
    [ALB_TUS_TOO_LARGE] = {413, 0, "ERR_MAX_SIZE_EXCEEDED", "maximum size exceeded", NULL},
    [ALB_TUS_PAST_LENGTH] = {413, 0, "ERR_UPLOAD_SIZE_EXCEEDED", "upload's size exceeded", NULL},
    [ALB_TUS_BAD_TYPE] = {415, 400, "ERR_INVALID_CONTENT_TYPE", "missing or invalid Content-Type header",
                          NULL},
    [ALB_TUS_BAD_LENGTH] = {400, 0, "ERR_INVALID_UPLOAD_LENGTH", "missing or invalid Upload-Length header",
                            NULL},
    [ALB_TUS_BAD_DEFER] = {400, 0, "ERR_INVALID_UPLOAD_LENGTH_DEFER", "invalid Upload-Defer-Length header",
                           NULL},
    [ALB_TUS_BAD_OFFSET] = {400, 0, "ERR_INVALID_OFFSET", "missing or invalid Upload-Offset header", NULL},
    [ALB_TUS_WRONG_OFFSET] = {409, 0, "ERR_MISMATCHED_OFFSET", "mismatched offset",
                              PROBLEMS "mismatching-upload-offset"},
    [ALB_TUS_BAD_METADATA] = {400, 0, "ERR_INVALID_UPLOAD_METADATA", "invalid Upload-Metadata header", NULL},
    [ALB_TUS_BAD_CONCAT] = {400, 0, "ERR_INVALID_CONCAT", "invalid Upload-Concat header", NULL},
    [ALB_TUS_UNFINISHED_PART] = {400, 0, "ERR_UPLOAD_NOT_FINISHED",
                                 "one of the partial uploads is not finished", NULL},
    [ALB_TUS_NO_CONCAT] = {400, 0, "ERR_CONCATENATION_UNSUPPORTED",
                           "Upload-Concat header is not supported by server", NULL},
    [ALB_TUS_FINAL_FIXED] = {403, 0, "ERR_MODIFY_FINAL", "modifying a final upload is not allowed", NULL},
    [ALB_TUS_AMBIGUOUS] = {400, 0, "ERR_AMBIGUOUS_UPLOAD_LENGTH",
                           "provided both Upload-Length and Upload-Defer-Length", NULL},
    [ALB_TUS_BAD_CHECKSUM] = {400, 0, "ERR_INVALID_CHECKSUM",
                              "the checksum's algorithm is not supported, or it is no such checksum", NULL},
    [ALB_TUS_CHECKSUM_DIFFERS] = {460, 0, "ERR_CHECKSUM_MISMATCH", "the bytes are not those of the checksum",
                                  NULL},
    [ALB_TUS_DIGEST_DIFFERS] = {400, 0, "ERR_DIGEST_MISMATCH", "the bytes are not those of the digest",
                                PROBLEMS "digest-mismatching-values"},
    [ALB_TUS_BAD_FIELD] = {400, 0, "ERR_INVALID_FIELD", "an upload field is missing, or does not belong here",
                           NULL},
    [ALB_TUS_COMPLETED] = {400, 0, "ERR_UPLOAD_COMPLETED", "the upload is completed already",
                           PROBLEMS "completed-upload"},
    [ALB_TUS_INCONSISTENT] = {400, 0, "ERR_INCONSISTENT_UPLOAD_LENGTH", "the lengths contradict each other",
                              PROBLEMS "inconsistent-upload-length"},
    [ALB_TUS_NOT_FOUND] = {404, 0, "ERR_UPLOAD_NOT_FOUND", "upload not found", NULL},
    [ALB_TUS_INTERRUPTED] = {409, 400, "ERR_UPLOAD_INTERRUPTED",
                             "upload has been interrupted by another request for this upload resource", NULL},
    [ALB_TUS_SHUTDOWN] = {503, 0, "ERR_SERVER_SHUTDOWN",
                          "request has been interrupted because the server is shutting down", NULL},
    [ALB_TUS_LOCKED] = {503, 500, "ERR_LOCK_TIMEOUT", "failed to acquire lock before timeout", NULL},
    /* 408 would be the word for it, but tus-js-client gives up at most of 4xx, and goes on after 5xx. */
    [ALB_TUS_SLOW_BODY] = {503, 500, "ERR_READ_TIMEOUT", "timeout while reading request body", NULL},
    [ALB_TUS_BROKEN_BODY] = {400, 0, "ERR_UNEXPECTED_EOF", "server expected to receive more bytes", NULL},
    [ALB_TUS_STOPPED] = {400, 0, "ERR_UPLOAD_STOPPED", "upload has been stopped by server", NULL},
    [ALB_TUS_REJECTED] = {400, 0, "ERR_UPLOAD_REJECTED", "upload creation has been rejected by server", NULL},
    [ALB_TUS_NO_TERMINATION] = {400, 0, "ERR_UPLOAD_TERMINATION_REJECTED",
                                "upload termination has been rejected by server", NULL},
    [ALB_TUS_FORBIDDEN] = {403, 0, "ERR_FORBIDDEN", "this request is not allowed", NULL},
    [ALB_TUS_BAD_ORIGIN] = {403, 0, "ERR_ORIGIN_NOT_ALLOWED", "request origin is not allowed", NULL},
    [ALB_TUS_INTERNAL] = {500, 0, "ERR_INTERNAL_SERVER_ERROR",
                          "the server could not ask what it has to ask first", NULL},
    [ALB_TUS_BUSY] = {503, 0, "ERR_SERVER_BUSY", "too many requests wait for hooks", NULL},
    [ALB_TUS_LONG_FIELDS] = {431, 0, "ERR_HEADERS_TOO_LARGE",
                             "Upload-Metadata and Upload-Concat together are too long", NULL},
};

const char *alb_tus_word_name(enum alb_tus_word word)
{
    return words[word].name;
}

int64_t alb_tus_max_bytes(const struct alb_door_tus *door)
{
    return door->options.max_bytes > 0 ? door->options.max_bytes : door->max_bytes;
}

/* ---- headers ---- */

static struct alb_str number(struct alb_req *req, int64_t n)
{
    return alb_arena_printf(alb_req_arena(req), "%lld", (long long)n);
}

void alb_tus_common_headers(struct alb_req *req, const struct alb_tus *t)
{
    alb_res_header_set(req, "X-Content-Type-Options", ALB_STR("nosniff"));
    if (t->dialect != ALB_TUS_RUFH)
        alb_res_header_set(req, "Tus-Resumable", ALB_STR(ALB_TUS_VERSION));
    if (t->dialect == ALB_TUS_RUFH && t->interop > 0)
        alb_res_header_set(req, "Upload-Draft-Interop-Version", number(req, t->interop));
}

void alb_tus_offset_header(struct alb_req *req, int64_t offset)
{
    alb_res_header_set(req, "Upload-Offset", number(req, offset));
}

void alb_tus_expires_header(struct alb_req *req, const struct alb_tus *t, int64_t expires_ms)
{
    char text[30];

    if (expires_ms <= 0 || t->dialect == ALB_TUS_RUFH)
        return;
    alb_time_http(expires_ms, text);
    alb_res_header_set(req, "Upload-Expires", alb_arena_str(alb_req_arena(req), alb_str_c(text)));
}

/* host= and proto= of the first element of Forwarded, without quotes. */
static void forwarded_field(struct alb_str field, struct alb_str *host, struct alb_str *scheme)
{
    struct alb_str first, rest, pair, key, value;

    (void)alb_str_cut(field, ',', &first, &rest);
    while (first.p != NULL && alb_str_next(&first, ';', &pair)) {
        (void)alb_str_cut(alb_str_trim(pair), '=', &key, &value);
        if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
            value = alb_str_sub(value, 1, value.n - 2);
        if (alb_str_eq_ci(key, ALB_STR("host")) && value.n > 0)
            *host = value;
        else if (alb_str_eq_ci(key, ALB_STR("proto")))
            *scheme = value;
    }
}

static bool is_scheme(struct alb_str s)
{
    return alb_str_eq_ci(s, ALB_STR("http")) || alb_str_eq_ci(s, ALB_STR("https"));
}

/* Scheme and host as a proxy that nobody checks says: Forwarded wins over X-Forwarded-*. */
static struct alb_str forwarded_base(struct alb_req *req)
{
    struct alb_str scheme = alb_req_scheme(req), host = alb_req_header(req, "x-forwarded-host");
    struct alb_str said = alb_req_header(req, "x-forwarded-proto");

    if (host.n == 0)
        host = alb_req_host(req);
    forwarded_field(alb_req_header(req, "forwarded"), &host, &said);
    if (is_scheme(said))
        scheme = said;
    struct alb_str port = alb_str_eq_ci(scheme, ALB_STR("https")) ? ALB_STR(":443") : ALB_STR(":80");
    if (alb_str_ends(host, port))
        host.n -= port.n;
    return alb_arena_printf(alb_req_arena(req), ALB_STR_FMT "://" ALB_STR_FMT, ALB_STR_ARG(scheme),
                            ALB_STR_ARG(host));
}

/* The id as it stands in a URL: hooks may have chosen one with bytes that mean something there. */
static struct alb_str url_id(struct alb_req *req, struct alb_str id)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = alb_arena_alloc(alb_req_arena(req), 3 * id.n + 1);
    size_t n = 0;

    if (out == NULL)
        return ALB_STR_NONE;
    for (size_t i = 0; i < id.n; i++) {
        unsigned char c = (unsigned char)id.p[i];
        if (c > ' ' && c < 0x7f && strchr("%?#\"<>\\", c) == NULL) {
            out[n++] = id.p[i];
            continue;
        }
        out[n++] = '%';
        out[n++] = digits[c >> 4];
        out[n++] = digits[c & 15];
    }
    return alb_str_n(out, n);
}

struct alb_str alb_tus_path(struct alb_req *req, const struct alb_tus *t)
{
    return alb_arena_printf(alb_req_arena(req), "%s" ALB_STR_FMT, t->door->options.base,
                            ALB_STR_ARG(url_id(req, t->id)));
}

/* Empty: the client has not said by which name it knows us (HTTP/1.0). */
static struct alb_str origin(struct alb_req *req, const struct alb_tus *t)
{
    struct alb_str base = t->door->options.forwarded ? forwarded_base(req) : alb_req_base_url(req);

    return alb_str_ends(base, ALB_STR("://")) ? ALB_STR("") : base;
}

struct alb_str alb_tus_location(struct alb_req *req, const struct alb_tus *t)
{
    const struct alb_tus_options *o = &t->door->options;

    if (o->location != NULL)
        return alb_arena_printf(alb_req_arena(req), "%s" ALB_STR_FMT, o->location,
                                ALB_STR_ARG(url_id(req, t->id)));
    return alb_arena_printf(alb_req_arena(req), ALB_STR_FMT ALB_STR_FMT, ALB_STR_ARG(origin(req, t)),
                            ALB_STR_ARG(alb_tus_path(req, t)));
}

void alb_tus_location_header(struct alb_req *req, const struct alb_tus *t)
{
    alb_res_header_set(req, "Location", alb_tus_location(req, t));
}

/* To the newer drafts, an answer with Upload-Complete: ?1 is that of the request itself, and its Location
 * names what was made. The older ones, and tus, look for the upload there. */
void alb_tus_made_header(struct alb_req *req, const struct alb_tus *t, struct alb_str result)
{
    struct alb_ingest_result r;
    char uuid[37];

    if (t->dialect != ALB_TUS_RUFH || (t->interop >= 3 && t->interop <= 6) ||
        !alb_ingest_result_parse(result, &r)) {
        alb_tus_location_header(req, t);
        return;
    }
    alb_uuid_text(&r.asset, uuid);
    alb_res_header_set(req, "Location",
                       alb_arena_printf(alb_req_arena(req), ALB_STR_FMT "/api/assets/%s",
                                        ALB_STR_ARG(origin(req, t)), uuid));
}

void alb_tus_complete_header(struct alb_req *req, const struct alb_tus *t, bool complete)
{
    if (t->dialect == ALB_TUS_V1 || t->door->options.no_rufh)
        return;
    if (t->interop == 3)
        alb_res_header_set(req, "Upload-Incomplete", complete ? ALB_STR("?0") : ALB_STR("?1"));
    else
        alb_res_header_set(req, "Upload-Complete", complete ? ALB_STR("?1") : ALB_STR("?0"));
}

struct alb_str alb_tus_limits(struct alb_req *req, const struct alb_tus *t, int64_t expires_ms)
{
    struct alb_arena *a = alb_req_arena(req);
    int64_t max = alb_tus_max_bytes(t->door);
    struct alb_str text =
        max > 0 ? alb_arena_printf(a, "max-size=%lld, min-size=0", (long long)max) : ALB_STR("min-size=0");

    if (expires_ms > 0) {
        int64_t left = (expires_ms - alb_wall(alb_req_clock(req))) / 1000;
        text = alb_arena_printf(a, ALB_STR_FMT ", %s=%lld", ALB_STR_ARG(text),
                                t->interop == 6 ? "expires" : "max-age", (long long)(left > 0 ? left : 0));
    }
    return text;
}

void alb_tus_result_headers(struct alb_req *req, struct alb_str result)
{
    struct alb_ingest_result r;
    char uuid[37];

    if (!alb_ingest_result_parse(result, &r))
        return;
    alb_uuid_text(&r.asset, uuid);
    alb_res_header_set(req, "Albumen-Asset", alb_arena_str(alb_req_arena(req), alb_str_c(uuid)));
    alb_res_header_set(req, "Albumen-Result", alb_str_c(alb_ingest_result_word(r.as)));
}

void alb_tus_place_headers(struct alb_req *req, struct alb_tus *t, const struct alb_upload_view *v)
{
    bool over = v->state != ALB_UPLOAD_OPEN;

    if (v->kind == ALB_UPLOAD_FINAL && v->state != ALB_UPLOAD_FINISHED)
        return; /* it has no offset while it is put together */
    alb_tus_offset_header(req, v->offset);
    alb_tus_complete_header(req, t, over);
    alb_tus_expires_header(req, t, v->expires_ms);
    if (t->dialect != ALB_TUS_V1 && !t->door->options.no_rufh)
        alb_res_header_set(req, "Upload-Limit", alb_tus_limits(req, t, over ? 0 : v->expires_ms));
}

/* ---- what hooks want of an answer ---- */

static bool is_ours(const char *name)
{
    static const char *const own[] = {"connection", "content-length", "date", "keep-alive",
                                      "transfer-encoding"};

    for (size_t i = 0; i < ALB_ARRAY_LEN(own); i++) {
        if (alb_str_eq_ci(alb_str_c(name), alb_str_c(own[i])))
            return true;
    }
    for (const char *c = name; *c != '\0'; c++) {
        if (!alb_is_digit(*c) && !(alb_lower(*c) >= 'a' && alb_lower(*c) <= 'z') &&
            strchr("!#$%&'*+-.^_`|~", *c) == NULL)
            return true;
    }
    return name[0] == '\0';
}

/* Of what a hook says on a creation, Location does not count: without it nobody would find the upload. */
static bool is_taken(const struct alb_tus *t, size_t verdict, const char *name)
{
    return !is_ours(name) &&
           !(verdict == 0 && t->created && alb_str_eq_ci(alb_str_c(name), ALB_STR("location")));
}

static void apply(struct alb_req *req, const struct alb_tus *t)
{
    bool typed = false;

    for (size_t i = 0; i < ALB_ARRAY_LEN(t->verdicts); i++) {
        const struct alb_tus_verdict *v = t->verdicts[i];
        if (v == NULL)
            continue;
        for (size_t k = 0; k < v->header_count; k++) {
            if (alb_str_eq_ci(alb_str_c(v->headers[k].name), ALB_STR("content-type"))) {
                struct alb_str type = alb_arena_printf(alb_req_arena(req), ALB_STR_FMT "%c",
                                                       ALB_STR_ARG(v->headers[k].value), '\0');
                if (type.n > 0)
                    alb_res_type(req, type.p);
                typed = true;
            } else if (is_taken(t, i, v->headers[k].name)) {
                alb_res_header_set(req, v->headers[k].name, v->headers[k].value);
            }
        }
        if (v->status >= 200 && v->status <= 599)
            alb_res_status(req, v->status);
        if (v->body.p != NULL && !typed)
            alb_res_type(req, "text/plain; charset=utf-8");
        if (v->body.p != NULL)
            alb_res_copy(req, v->body.p, v->body.n);
    }
}

enum alb_step alb_tus_done(struct alb_req *req, struct alb_tus *t, int status)
{
    alb_res_status(req, status);
    apply(req, t);
    return ALB_STEP_DONE;
}

/* ---- errors ---- */

/* Where the upload stands, behind an error; then it is let go: not held while the answer is sent (law 1). */
static void tell_place(struct alb_req *req, struct alb_tus *t)
{
    struct alb_upload_view v;

    alb_tus_alarm_dismiss(&t->alarm);
    if (t->session == NULL)
        return;
    alb_upload_look(t->session, &v);
    if (v.announced) {
        alb_tus_place_headers(req, t, &v);
        t->told = t->told || t->created;
    }
    alb_upload_release(&t->session);
}

static int status_of(const struct alb_tus *t, const struct word *w)
{
    return t->door->options.like_tusd && w->tusd_status != 0 && t->dialect != ALB_TUS_RUFH ? w->tusd_status
                                                                                           : w->status;
}

enum alb_step alb_tus_refuse(struct alb_req *req, struct alb_tus *t, enum alb_tus_word word)
{
    const struct word *w = &words[word];

    t->word = word;
    tell_place(req, t);
    alb_res_error_status(req, status_of(t, w), w->text);
    if (word == ALB_TUS_BAD_VERSION)
        alb_res_header_set(req, "Tus-Version", ALB_STR(ALB_TUS_VERSION));
    if (word == ALB_TUS_TOO_LARGE && t->dialect == ALB_TUS_RUFH)
        alb_res_header_set(req, "Upload-Limit", alb_tus_limits(req, t, 0));
    if (word == ALB_TUS_WRONG_OFFSET)
        alb_tus_complete_header(req, t, false);
    if (t->created && t->told)
        alb_tus_location_header(req, t);
    apply(req, t);
    return ALB_STEP_DONE;
}

/* What a client may read of a failure. Texts with these codes are written for it, by this door, by upload and
 * by ingest; others may name files or say who has what, and stay in the log. No space: the disk has an errno,
 * all else is a limit. */
static const char *client_text(const struct alb_err *err)
{
    static const enum alb_code open[] = {ALB_E_INVALID, ALB_E_CONFLICT, ALB_E_TOO_LARGE, ALB_E_UNPROCESSABLE,
                                         ALB_E_NO_SPACE};

    for (size_t i = 0; i < ALB_ARRAY_LEN(open); i++) {
        if (err->code == open[i] && err->msg[0] != '\0' && (err->code != ALB_E_NO_SPACE || err->sys == 0))
            return err->msg;
    }
    return NULL;
}

enum alb_step alb_tus_fail(struct alb_req *req, struct alb_tus *t, const struct alb_err *err)
{
    alb_req_log_err(req, err);
    if (err->code == ALB_E_NOT_FOUND || (err->code == ALB_E_GONE && t->door->options.like_tusd))
        return alb_tus_refuse(req, t, ALB_TUS_NOT_FOUND);
    if (err->code == ALB_E_BUSY && alb_uploads_stopping(t->door->uploads))
        return alb_tus_refuse(req, t, ALB_TUS_SHUTDOWN);
    t->word = err->code == ALB_E_TOO_LARGE && t->door->options.like_tusd ? ALB_TUS_TOO_LARGE : ALB_TUS_FINE;
    tell_place(req, t);
    alb_res_error(req, err->code, client_text(err));
    if (err->code == ALB_E_TOO_LARGE && t->dialect == ALB_TUS_RUFH)
        alb_res_header_set(req, "Upload-Limit", alb_tus_limits(req, t, 0));
    if (t->created && t->told)
        alb_tus_location_header(req, t);
    apply(req, t);
    return ALB_STEP_DONE;
}

enum alb_step alb_tus_body_gone(struct alb_req *req, struct alb_tus *t)
{
    enum alb_code why = alb_req_body_code(req);

    if (why == ALB_E_TIMEOUT)
        return alb_tus_refuse(req, t, ALB_TUS_SLOW_BODY);
    if (why == ALB_E_TOO_LARGE)
        return alb_tus_refuse(req, t, ALB_TUS_PAST_LENGTH);
    return alb_tus_refuse(req, t, ALB_TUS_BROKEN_BODY); /* or nobody is there to read it */
}

static void problem(struct alb_req *req, const struct alb_tus *t, int status, struct alb_str text)
{
    struct alb_buf out = ALB_BUF_INIT(4096);
    struct alb_json j;
    const char *type = words[t->word].problem;

    alb_json_init(&j, &out);
    alb_json_object(&j);
    alb_json_kc(&j, "type", type != NULL ? type : "about:blank");
    alb_json_kstr(&j, "title", type != NULL ? text : alb_str_c(alb_http_reason(status)));
    alb_json_ki64(&j, "status", status);
    if (type == NULL)
        alb_json_kstr(&j, "detail", text);
    if (t->word == ALB_TUS_WRONG_OFFSET) {
        alb_json_ki64(&j, "expected-offset", t->expected);
        alb_json_ki64(&j, "provided-offset", t->provided);
    }
    alb_json_end(&j);
    alb_res_type(req, "application/problem+json");
    alb_res_buf(req, &out);
}

/* RUFH: problem details. Else plain text, as tus clients show it: "ERR_X: words". */
void alb_tus_error(struct alb_req *req, int status, struct alb_str text)
{
    const struct alb_tus *t = alb_req_slot(req);
    struct alb_arena *a = alb_req_arena(req);

    if (t != NULL && t->dialect == ALB_TUS_RUFH) {
        problem(req, t, status, text);
        return;
    }
    if (t == NULL) /* it came no further than the router, or who it is */
        alb_res_header_set(req, "Tus-Resumable", ALB_STR(ALB_TUS_VERSION));
    alb_res_type(req, "text/plain; charset=utf-8");
    const char *name = t != NULL ? words[t->word].name : NULL;
    struct alb_str line = name != NULL ? alb_arena_printf(a, "%s: " ALB_STR_FMT "\n", name, ALB_STR_ARG(text))
                                       : alb_arena_printf(a, ALB_STR_FMT "\n", ALB_STR_ARG(text));
    alb_res_copy(req, line.p, line.n);
}
