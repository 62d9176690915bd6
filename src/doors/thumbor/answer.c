/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers: headers, pictures, bytes as they are, errors. Everything that is text is JSON, and says so.
 */
#include <jansson.h>

#include "base/check.h"
#include "base/codec.h"
#include "doors/thumbor/job.h"

static void set(struct alb_req *req, const char *name, struct alb_str value)
{
    alb_res_header_set(req, name, value);
}

/* ---- errors ---- */

static struct alb_str dump(struct alb_arena *arena, json_t *json, size_t flags)
{
    size_t n = json ? json_dumpb(json, NULL, 0, flags) : 0;
    char *room = n > 0 ? alb_arena_alloc(arena, n) : NULL;
    struct alb_str out = room ? alb_str_n(room, json_dumpb(json, room, n, flags)) : ALB_STR_NONE;
    json_decref(json);
    return out;
}

void alb_thumbor_error_page(struct alb_req *req, int status, struct alb_str text)
{
    const struct alb_thumbor_door *door = alb_req_ctx(req);
    if (door->config.config->disable_error_body)
        return;
    alb_res_type(req, "application/json");
    struct alb_str body =
        dump(alb_req_arena(req), json_pack("{s:s%, s:i}", "message", text.p, text.n, "status", status),
             JSON_COMPACT);
    alb_res_copy(req, body.p, body.n);
}

/* imagor's statuses and words. */
static const struct {
    enum alb_code code;
    int status;
    const char *text;
} errors[] = {
    {ALB_E_INVALID, 400, "invalid"},
    {ALB_E_FORBIDDEN, 403, "url signature mismatch"},
    {ALB_E_NOT_FOUND, 404, "not found"},
    {ALB_E_UNSUPPORTED, 406, "unsupported format"},
    {ALB_E_UNPROCESSABLE, 406, "unsupported format"},
    {ALB_E_CORRUPT, 406, "unsupported format"},
    {ALB_E_TIMEOUT, 408, "timeout"},
    {ALB_E_GONE, 410, "expired"},
    {ALB_E_TOO_LARGE, 422, "maximum resolution exceeded"},
    {ALB_E_BUSY, 429, "too many requests"},
    {ALB_E_CONFLICT, 503, "source has changed"},
    {ALB_E_CANCELLED, 503, "cancelled"},
    {ALB_E_NO_MEMORY, 503, "internal error"},
    {ALB_E_NO_SPACE, 503, "internal error"},
};

enum alb_thumbor_next alb_thumbor_fail_status(struct alb_thumbor_job *job, const struct alb_err *err,
                                              int status, const char *text)
{
    alb_req_log_err(job->req, err);
    set(job->req, "Expires", ALB_STR_NONE); /* of the picture that was to be */
    alb_res_error_status(job->req, status, text);
    return ALB_THUMBOR_DONE;
}

static int status_of(enum alb_code code, const char **word)
{
    *word = "internal error";
    for (size_t i = 0; i < ALB_ARRAY_LEN(errors); i++) {
        if (errors[i].code != code)
            continue;
        *word = errors[i].text;
        return errors[i].status;
    }
    return 500;
}

enum alb_thumbor_next alb_thumbor_fail(struct alb_thumbor_job *job, const struct alb_err *err,
                                       const char *text)
{
    const char *word;
    int status = status_of(err->code, &word);
    return alb_thumbor_fail_status(job, err, status, text ? text : word);
}

enum alb_thumbor_next alb_thumbor_fail_origin(struct alb_thumbor_job *job, const struct alb_origin *o)
{
    static const struct {
        int status;
        const char *text;
    } table[ALB_ORIGIN_FAILURE_COUNT] = {
        [ALB_ORIGIN_BLOCKED] = {403, "http source not allowed"},
        [ALB_ORIGIN_SCHEME] = {404, "not found"},
        [ALB_ORIGIN_UNREACHABLE] = {404, "not found"},
        [ALB_ORIGIN_REDIRECTS] = {404, "not found"},
        [ALB_ORIGIN_STATUS] = {0, NULL},
        [ALB_ORIGIN_MISSING] = {404, "not found"},
        [ALB_ORIGIN_TIMEOUT] = {408, "timeout"},
        [ALB_ORIGIN_INCOMPLETE] = {502, "source is incomplete"},
        [ALB_ORIGIN_TOO_LARGE] = {400, "maximum size exceeded"},
        [ALB_ORIGIN_TYPE] = {406, "unsupported format"},
        [ALB_ORIGIN_ENCODING] = {406, "unsupported format"},
    };
    ALB_CHECK((unsigned)o->failure < ALB_ARRAY_LEN(table));
    int status = table[o->failure].status;
    const char *text = table[o->failure].text;
    if (!text) { /* what it has said itself; a status of nothing wrong is no picture either */
        status = o->status >= 400 && o->status < 600 ? o->status : 404;
        text = alb_http_reason(status);
    }
    return alb_thumbor_fail_status(job, &o->err, status, text);
}

/* Its bytes with the status of the error, for who would rather have something. */
static bool send_instead(struct alb_thumbor_job *job, int status)
{
    const struct alb_door_input *in = &job->input[0];
    if (!job->door->config.config->raw_on_error || (!in->asset && !in->origin))
        return false;
    if (in->asset && !alb_principal_may(job->principal, "asset.download"))
        return false;
    if (alb_door_bytes_open(&job->bytes, job->door->config.store, in, NULL) != ALB_OK)
        return false;
    alb_res_status(job->req, status);
    set(job->req, "Cache-Control", ALB_STR("no-store"));
    set(job->req, "Expires", ALB_STR_NONE);
    set(job->req, "X-Content-Type-Options", ALB_STR("nosniff"));
    set(job->req, "Content-Security-Policy", ALB_STR("default-src 'none'; sandbox"));
    alb_res_type(job->req, alb_type_mime(alb_door_input_type(in)));
    alb_res_etag(job->req, ALB_STR_NONE, false);
    alb_res_source(job->req, (uint64_t)alb_door_input_size(in), alb_door_bytes_read, &job->bytes);
    return true;
}

enum alb_thumbor_next alb_thumbor_fail_making(struct alb_thumbor_job *job, const struct alb_err *err)
{
    const char *word;
    int status = status_of(err->code, &word);
    if (!send_instead(job, status))
        return alb_thumbor_fail_status(job, err, status, word);
    alb_req_log_err(job->req, err);
    return ALB_THUMBOR_DONE;
}

/* ---- the head ---- */

static bool asks_for_no_cache(const struct alb_thumbor_job *job)
{
    return alb_str_find_str(alb_req_header(job->req, "cache-control"), ALB_STR("no-cache")) != ALB_STR_NPOS;
}

/* Shared caches may keep what everybody may see who has the URL: what a signature shows, and all where there are no
 * users; but nothing that was asked for with somebody's headers. */
static bool is_public(const struct alb_thumbor_job *job)
{
    for (size_t i = 0; i < ALB_ARRAY_LEN(job->input); i++) {
        const struct alb_door_input *in = &job->input[i];
        if ((in->asset && in->asset->is_private) || (in->origin && !in->origin->is_shared))
            return false;
    }
    return job->is_signed || !job->door->config.library;
}

/* For caches of HTTP/1.0, as imagor has it. */
static void expires(struct alb_thumbor_job *job, int64_t ttl)
{
    char text[30];
    alb_time_http(alb_wall(alb_req_clock(job->req)) + (ttl < INT32_MAX ? ttl : INT32_MAX) * 1000, text);
    set(job->req, "Expires", alb_arena_str(job->arena, alb_str_c(text)));
}

static void cache_control(struct alb_thumbor_job *job, bool no_store)
{
    const struct alb_thumbor_config *c = job->door->config.config;
    const struct alb_thumbor_filters *f = &job->filters;
    int64_t ttl = f->has_max_age ? f->max_age : c->ttl;
    bool shared = is_public(job) && !f->has_expire;
    if (f->has_expire) {
        int64_t left = (f->expire - alb_wall(alb_req_clock(job->req)) + 999) / 1000;
        ttl = left < ttl ? (left > 0 ? left : 0) : ttl;
    }
    if (no_store || c->no_cache || ttl == 0 || asks_for_no_cache(job)) {
        set(job->req, "Cache-Control", ALB_STR("private, no-cache, no-store, must-revalidate"));
        expires(job, 0);
        return;
    }
    struct alb_str text =
        shared ? alb_arena_printf(job->arena, "public, s-maxage=%lld, max-age=%lld, no-transform",
                                  (long long)ttl, (long long)ttl)
               : alb_arena_printf(job->arena, "private, max-age=%lld, no-transform", (long long)ttl);
    if (c->swr > 0 && c->swr < ttl)
        text = alb_arena_printf(job->arena, ALB_STR_FMT ", stale-while-revalidate=%lld", ALB_STR_ARG(text),
                                (long long)c->swr);
    set(job->req, "Cache-Control", text);
    expires(job, ttl);
}

/* What stands behind the last slash of an address, without its query. */
static struct alb_str name_of(const struct alb_thumbor_job *job)
{
    struct alb_str name = job->url.image, query;
    if (job->filters.name.n > 0)
        return job->filters.name;
    if (job->input[0].asset)
        return job->input[0].asset->name;
    (void)alb_str_cut(name, '?', &name, &query);
    size_t slash = alb_str_rfind(name, '/');
    return slash == ALB_STR_NPOS ? name : alb_str_from(name, slash + 1);
}

/* As it is saved: the name that the URL gives, or the picture's own, with the ending of what it is now. */
static void disposition(struct alb_thumbor_job *job, const char *ending)
{
    struct alb_str name = name_of(job);
    size_t dot = alb_str_rfind(name, '.');
    if (dot != ALB_STR_NPOS && dot > 0)
        name = alb_str_sub(name, 0, dot);
    if (name.n == 0)
        name = ALB_STR("image");
    name = alb_arena_printf(job->arena, ALB_STR_FMT ".%s", ALB_STR_ARG(name), ending);
    if (job->filters.attachment)
        alb_res_disposition(job->req, true, name);
    else
        set(job->req, "Content-Disposition", ALB_STR("inline"));
}

static bool is_about_keeping(struct alb_str name)
{
    return alb_str_eq_ci(name, ALB_STR("cache-control")) || alb_str_eq_ci(name, ALB_STR("expires"));
}

/* Headers of the source that stand instead of ours; but what was asked for with somebody's headers stays private,
 * whatever the source says. */
static void hand_on(struct alb_thumbor_job *job)
{
    const struct alb_origin *o = job->input[0].origin;
    struct alb_str rest = o ? o->kept : ALB_STR_NONE, all = rest, name, value, last = ALB_STR_NONE;
    while (alb_origin_kept_next(&rest, &name, &value)) {
        if (o->is_shared && is_about_keeping(name))
            set(job->req, "Expires", ALB_STR_NONE); /* ours would contradict it */
    }
    while (alb_origin_kept_next(&all, &name, &value)) { /* lines of one name stand together */
        const char *text = o->is_shared || !is_about_keeping(name) ? alb_arena_cstr(job->arena, name) : NULL;
        if (text && alb_str_eq(name, last))
            alb_res_header(job->req, text, value);
        else if (text)
            set(job->req, text, value);
        last = name;
    }
}

void alb_thumbor_head(struct alb_thumbor_job *job, struct alb_str etag, bool no_store, const char *ending)
{
    alb_res_status(job->req, 200);
    set(job->req, "X-Content-Type-Options", ALB_STR("nosniff"));
    set(job->req, "Content-Security-Policy", ALB_STR("default-src 'none'; sandbox"));
    cache_control(job, no_store);
    alb_res_etag(job->req, etag, false);
    if (job->varies)
        set(job->req, "Vary", ALB_STR("Accept"));
    if (ending)
        disposition(job, ending);
    hand_on(job);
}

void alb_thumbor_picture(struct alb_thumbor_job *job, const struct alb_picture *p)
{
    /* what is not to be kept has no name by which it could be asked for again; p may go before it is sent */
    struct alb_str etag = p->no_store ? ALB_STR_NONE : alb_arena_str(job->arena, alb_str_c(p->etag));
    alb_thumbor_head(job, etag, p->no_store, alb_type_ending(alb_type_of_mime(alb_str_c(p->content_type))));
    alb_res_type(job->req, p->content_type);
    alb_res_bytes(job->req, p->bytes);
}

enum alb_thumbor_next alb_thumbor_send_bytes(struct alb_thumbor_job *job, const struct alb_door_input *in,
                                             const char *type)
{
    struct alb_err err = ALB_ERR_INIT;
    enum alb_type is = alb_door_input_type(in);
    if (alb_door_bytes_open(&job->bytes, job->door->config.store, in, &err) != ALB_OK)
        return alb_thumbor_fail(job, &err, NULL);
    if (!type && in->asset)
        type = alb_arena_cstr(job->arena, in->asset->mime);
    bool no_store = alb_door_input_no_store(in);
    alb_thumbor_head(job, no_store ? ALB_STR_NONE : alb_door_input_name(in, job->arena), no_store,
                     type && !in->asset ? NULL : alb_type_ending(is));
    if (in->origin && in->origin->modified_ms > 0)
        alb_res_modified(job->req, in->origin->modified_ms);
    alb_res_type(job->req, type ? type : alb_type_mime(is));
    if (!alb_res_decided(job->req))
        alb_res_source(job->req, (uint64_t)alb_door_input_size(in), alb_door_bytes_read, &job->bytes);
    return ALB_THUMBOR_DONE;
}
