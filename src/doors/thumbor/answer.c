/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers: headers, pictures, the parameters of a path, errors. Everything that is text is JSON, and says so.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "base/codec.h"
#include "doors/thumbor/job.h"

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

enum alb_thumbor_next alb_thumbor_fail(struct alb_thumbor_job *job, const struct alb_err *err,
                                       const char *text)
{
    int status = 500;
    const char *word = "internal error";
    for (size_t i = 0; i < ALB_ARRAY_LEN(errors); i++) {
        if (errors[i].code != err->code)
            continue;
        status = errors[i].status;
        word = errors[i].text;
    }
    alb_req_log_err(job->req, err);
    alb_res_error_status(job->req, status, text ? text : word);
    return ALB_THUMBOR_DONE;
}

/* ---- the head ---- */

static void set(struct alb_req *req, const char *name, struct alb_str value)
{
    alb_res_header_set(req, name, value);
}

static bool asks_for_no_cache(const struct alb_thumbor_job *job)
{
    return alb_str_find_str(alb_req_header(job->req, "cache-control"), ALB_STR("no-cache")) != ALB_STR_NPOS;
}

/* Shared caches may keep what a signature shows and everybody may see. */
static bool is_public(const struct alb_thumbor_job *job)
{
    for (size_t i = 0; i < ALB_ARRAY_LEN(job->source); i++) {
        if (job->source[i] && job->source[i]->is_private)
            return false;
    }
    return job->is_signed;
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
}

/* As it is saved: the name that the URL gives, or the picture's own, with the ending of what it is now. */
static void disposition(struct alb_thumbor_job *job, const char *ending)
{
    struct alb_str name = job->filters.name.n > 0 ? job->filters.name : job->source[0]->name;
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
}

void alb_thumbor_picture(struct alb_thumbor_job *job, const struct alb_picture *p)
{
    /* what is not to be kept has no name by which it could be asked for again; p may go before it is sent */
    struct alb_str etag = p->no_store ? ALB_STR_NONE : alb_arena_str(job->arena, alb_str_c(p->etag));
    alb_thumbor_head(job, etag, p->no_store, alb_type_ending(alb_type_of_mime(alb_str_c(p->content_type))));
    alb_res_type(job->req, p->content_type);
    alb_res_bytes(job->req, p->bytes);
}

static enum alb_code read_bytes(void *ctx, uint64_t off, void *p, size_t n, size_t *got, struct alb_err *err)
{
    const struct alb_thumbor_job *job = ctx;
    return alb_original_read(job->original, off, p, n, got, err);
}

enum alb_thumbor_next alb_thumbor_send_bytes(struct alb_thumbor_job *job)
{
    char etag[2 * ALB_SHA256_LEN + 1];
    const struct alb_source *s = job->source[0];
    const char *type = alb_arena_cstr(job->arena, s->mime);
    alb_hex(s->sha256, sizeof(s->sha256), etag);
    alb_thumbor_head(job, alb_arena_str(job->arena, alb_str_c(etag)), false,
                     alb_type_ending(alb_type_of_mime(s->mime)));
    alb_res_type(job->req, type ? type : "application/octet-stream");
    if (!alb_res_decided(job->req))
        alb_res_source(job->req, (uint64_t)s->size, read_bytes, job);
    return ALB_THUMBOR_DONE;
}

/* ---- parameters ---- */

/* Only what the path says, as imagor tells it. */
static void put_text(json_t *o, const char *name, struct alb_str value)
{
    if (value.n > 0)
        (void)json_object_set_new(o, name, json_stringn(value.p, value.n));
}

static void put_true(json_t *o, const char *name, bool value)
{
    if (value)
        (void)json_object_set_new(o, name, json_true());
}

static void put_integer(json_t *o, const char *name, int64_t value)
{
    if (value != 0)
        (void)json_object_set_new(o, name, json_integer(value));
}

static void put_number(json_t *o, const char *name, double value)
{
    if (value > 0 && fabs(value - floor(value)) > 0)
        (void)json_object_set_new(o, name, json_real(value));
    else
        put_integer(o, name, (int64_t)value);
}

static void put_geometry(json_t *o, const struct alb_thumbor_url *u)
{
    static const char *const across[] = {"", "left", "center", "right"}, *const down[] = {"", "top", "middle",
                                                                                          "bottom"};
    static const char *const crop[] = {"crop_left", "crop_top", "crop_right", "crop_bottom"};
    static const char *const padding[] = {"padding_left", "padding_top", "padding_right", "padding_bottom"};
    put_true(o, "trim", u->trim);
    if (u->trim)
        put_text(o, "trim_by", u->trim_last ? ALB_STR("bottom-right") : ALB_STR("top-left"));
    put_integer(o, "trim_tolerance", u->trim_tolerance);
    for (size_t i = 0; i < 4; i++)
        put_number(o, crop[i], u->crop[i]);
    put_true(o, "fit_in", u->fit_in);
    put_true(o, "adaptive_fit_in", u->adaptive);
    put_true(o, "full_fit_in", u->full);
    put_true(o, "stretch", u->stretch);
    put_integer(o, "width", u->width);
    put_integer(o, "height", u->height);
    for (size_t i = 0; i < 4; i++)
        put_integer(o, padding[i], u->padding[i]);
    put_true(o, "h_flip", u->flip_h);
    put_true(o, "v_flip", u->flip_v);
    put_text(o, "h_align", alb_str_c(across[u->halign]));
    put_text(o, "v_align", alb_str_c(down[u->valign]));
    put_true(o, "smart", u->smart);
}

enum alb_thumbor_next alb_thumbor_tell_params(struct alb_thumbor_job *job)
{
    const struct alb_thumbor_url *u = &job->url;
    json_t *o = json_object(), *list = json_array();
    put_text(o, "path", u->path);
    put_text(o, "image", u->image);
    put_true(o, "base64_image", u->is_base64);
    put_true(o, "unsafe", u->is_unsafe);
    put_text(o, "hash", u->hash);
    put_true(o, "meta", u->meta);
    put_geometry(o, u);
    for (size_t i = 0; i < u->filter_count; i++) {
        json_t *filter = json_object();
        put_text(filter, "name", u->filters[i].name);
        put_text(filter, "args", u->filters[i].args);
        (void)json_array_append_new(list, filter);
    }
    if (u->filter_count > 0)
        (void)json_object_set(o, "filters", list);
    json_decref(list);
    struct alb_str text = dump(job->arena, o, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
    alb_res_type(job->req, "application/json");
    alb_res_copy(job->req, text.p, text.n);
    return ALB_THUMBOR_DONE;
}
