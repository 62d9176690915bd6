/* SPDX-License-Identifier: Apache-2.0
 *
 * What a client of the door reads: headers, pictures, and errors in imgproxy's words (door.h).
 */
#include <stdio.h>

#include "base/codec.h"
#include "doors/imgproxy/job.h"
#include "doors/imgproxy/negotiate.h"

#define CSP "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"

/* ---- errors ---- */

void alb_imgproxy_error_page(struct alb_req *req, int status, struct alb_str text)
{
    (void)status;
    alb_res_type(req, "text/plain");
    alb_res_header_c(req, "Content-Security-Policy", CSP);
    alb_res_copy(req, text.p, text.n);
}

static void put_escaped(struct alb_buf *b, const char *text)
{
    for (; *text; text++) {
        if (*text == '<')
            alb_buf_c(b, "&lt;");
        else if (*text == '>')
            alb_buf_c(b, "&gt;");
        else if (*text == '&')
            alb_buf_c(b, "&amp;");
        else
            alb_buf_char(b, *text);
    }
}

/* In development mode, for who looks with a browser. */
static bool show_page(struct alb_imgproxy_job *job, const struct alb_imgproxy_wrong *wrong)
{
    struct alb_buf b = ALB_BUF_INIT(16384);
    struct alb_str accept = alb_req_header(job->req, "accept");
    if (alb_str_find_str(accept, ALB_STR("text/html")) == ALB_STR_NPOS)
        return false;
    alb_buf_printf(&b, "<!doctype html><meta charset=utf-8><title>%d</title><h1>%d ", wrong->status, wrong->status);
    put_escaped(&b, wrong->text);
    alb_buf_c(&b, "</h1><pre>");
    put_escaped(&b, wrong->err.msg);
    alb_buf_c(&b, "</pre>\n");
    alb_res_error_status(job->req, wrong->status, wrong->text); /* Retry-After and all */
    alb_res_type(job->req, "text/html; charset=utf-8");
    alb_res_buf(job->req, &b);
    return true;
}

enum alb_imgproxy_next alb_imgproxy_fail(struct alb_imgproxy_job *job, const struct alb_imgproxy_wrong *wrong)
{
    const char *text = wrong->text;
    char page[sizeof(wrong->err.msg) + 128];
    alb_req_log_err(job->req, &wrong->err);
    atomic_fetch_add(&job->door->errors[wrong->trouble], 1);
    bool tells = job->door->config.config->development_errors && wrong->err.code != ALB_OK;
    if (tells && show_page(job, wrong))
        return ALB_IMGPROXY_DONE;
    if (tells) {
        (void)snprintf(page, sizeof(page), "%s\n%s\n", text, wrong->err.msg);
        text = page;
    }
    alb_res_error_status(job->req, wrong->status, text);
    return ALB_IMGPROXY_DONE;
}

enum alb_imgproxy_next alb_imgproxy_refused(struct alb_imgproxy_job *job, enum alb_imgproxy_refusal no,
                                            const struct alb_err *err)
{
    bool security = no == ALB_IMGPROXY_BAD_SIGNATURE || no == ALB_IMGPROXY_NO_SIGNATURE ||
                    no == ALB_IMGPROXY_SECURITY_OPTION || no == ALB_IMGPROXY_BAD_SOURCE;
    const struct alb_imgproxy_wrong wrong = {
        alb_imgproxy_refusal_status(no), alb_imgproxy_refusal_text(no),
        security ? ALB_IMGPROXY_TROUBLE_SECURITY : ALB_IMGPROXY_TROUBLE_PATH, *err};
    return alb_imgproxy_fail(job, &wrong);
}

/* What rooms below say of themselves or of a picture. */
struct alb_imgproxy_wrong alb_imgproxy_wrong_of(enum alb_code code, const struct alb_err *err)
{
    static const struct {
        enum alb_code code;
        int status;
        const char *text;
        enum alb_imgproxy_trouble trouble;
    } table[] = {
        {ALB_E_UNPROCESSABLE, 422, "Broken or unsupported image", ALB_IMGPROXY_TROUBLE_PROCESSING},
        {ALB_E_UNSUPPORTED, 422, "Invalid source image", ALB_IMGPROXY_TROUBLE_PROCESSING},
        {ALB_E_TOO_LARGE, 422, "Invalid source image", ALB_IMGPROXY_TROUBLE_SIZE},
        {ALB_E_INVALID, 404, "Invalid URL", ALB_IMGPROXY_TROUBLE_PATH},
        {ALB_E_BUSY, 429, "Too many requests", ALB_IMGPROXY_TROUBLE_QUEUE},
        {ALB_E_CONFLICT, 503, "Source has changed", ALB_IMGPROXY_TROUBLE_DOWNLOAD},
        {ALB_E_TIMEOUT, 503, "Timeout", ALB_IMGPROXY_TROUBLE_TIMEOUT},
        {ALB_E_CANCELLED, 503, "Cancelled", ALB_IMGPROXY_TROUBLE_QUEUE},
        {ALB_E_NO_MEMORY, 503, "Internal error", ALB_IMGPROXY_TROUBLE_UNEXPECTED},
        {ALB_E_NO_SPACE, 503, "Internal error", ALB_IMGPROXY_TROUBLE_UNEXPECTED},
    };
    struct alb_imgproxy_wrong wrong = {500, "Internal error", ALB_IMGPROXY_TROUBLE_UNEXPECTED, *err};
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        if (table[i].code != code)
            continue;
        wrong.status = table[i].status;
        wrong.text = table[i].text;
        wrong.trouble = table[i].trouble;
    }
    return wrong;
}

struct alb_imgproxy_wrong alb_imgproxy_wrong_origin(const struct alb_origin *o)
{
    struct alb_imgproxy_wrong wrong = {404, "Source is unreachable", ALB_IMGPROXY_TROUBLE_DOWNLOAD, o->err};
    switch (o->failure) {
    case ALB_ORIGIN_BLOCKED:
        wrong.text = "Invalid source URL";
        wrong.trouble = ALB_IMGPROXY_TROUBLE_SECURITY;
        break;
    case ALB_ORIGIN_STATUS:
        wrong.status = alb_door_status_of_origin(o->status);
        break;
    case ALB_ORIGIN_TIMEOUT:
        wrong.status = 504;
        wrong.trouble = ALB_IMGPROXY_TROUBLE_TIMEOUT;
        break;
    case ALB_ORIGIN_INCOMPLETE:
        wrong.status = 422;
        wrong.text = "Source response is incomplete";
        break;
    case ALB_ORIGIN_TOO_LARGE:
    case ALB_ORIGIN_TYPE:
    case ALB_ORIGIN_ENCODING:
        wrong.status = 422;
        wrong.text = "Invalid source image";
        wrong.trouble = ALB_IMGPROXY_TROUBLE_SIZE;
        break;
    case ALB_ORIGIN_GOOD:
    case ALB_ORIGIN_SCHEME:
    case ALB_ORIGIN_UNREACHABLE:
    case ALB_ORIGIN_REDIRECTS:
    case ALB_ORIGIN_MISSING:
    case ALB_ORIGIN_FAILURE_COUNT:
    default:
        break;
    }
    return wrong;
}

/* The head of an answer is set more than once: before a picture is asked for, to see whether the client has it, and
 * with the picture. */
static void set(struct alb_req *req, const char *name, const char *value)
{
    alb_res_header_set(req, name, alb_str_c(value));
}

/* ---- caching ---- */

/* Whether somebody else's cache may keep it. */
static bool is_public(const struct alb_imgproxy_job *job)
{
    if (!job->is_signed)
        return false;
    for (size_t i = 0; i < ALB_ARRAY_LEN(job->input); i++) {
        const struct alb_door_input *h = &job->input[i];
        if ((h->asset && h->asset->is_private) || (h->origin && !h->origin->is_shared))
            return false;
    }
    return true;
}

/* Equal bytes share a picture, wherever they come from; what each origin says of keeping it does not. */
static bool is_forbidden(const struct alb_imgproxy_job *job)
{
    for (size_t i = 0; i < ALB_ARRAY_LEN(job->input); i++)
        if (job->input[i].origin && job->input[i].origin->no_store)
            return true;
    return false;
}

static int64_t max_age(const struct alb_imgproxy_job *job)
{
    const struct alb_imgproxy_config *c = job->door->config.config;
    const struct alb_origin *o = job->input[0].origin;
    int64_t now_ms = alb_wall(alb_req_clock(job->req)), age = c->ttl;
    if (c->cache_control_passthrough && o && o->expires.n > 0 && o->fresh_until_ms > 0)
        age = o->fresh_until_ms > now_ms ? (o->fresh_until_ms - now_ms) / 1000 : 0;
    if (job->fell_back && c->fallback_ttl > 0 && c->fallback_ttl < age)
        age = c->fallback_ttl;
    if (job->want.expires > 0 && job->want.expires - now_ms / 1000 < age)
        age = job->want.expires - now_ms / 1000;
    return age < 0 ? 0 : age;
}

static void cache_control(const struct alb_imgproxy_job *job, bool no_store)
{
    const struct alb_origin *o = job->input[0].origin;
    char text[64];
    bool shared = is_public(job);
    if (no_store || is_forbidden(job)) {
        set(job->req, "Cache-Control", "no-store");
        return;
    }
    if (shared && job->door->config.config->cache_control_passthrough && o && o->cache_control.n > 0 &&
        !job->fell_back && job->want.expires == 0) {
        alb_res_header_set(job->req, "Cache-Control", o->cache_control);
        return;
    }
    int64_t age = max_age(job);
    if (age > 0)
        (void)snprintf(text, sizeof(text), shared ? "max-age=%lld, public" : "private, max-age=%lld",
                       (long long)age);
    else
        (void)snprintf(text, sizeof(text), shared ? "no-cache" : "private, no-cache");
    set(job->req, "Cache-Control", text);
}

/* What has no name and is kept by nobody has no date either, whatever was said before the picture was there: a client
 * that asks by it would keep a makeshift. */
static void validators(const struct alb_imgproxy_job *job, struct alb_str etag, bool no_store)
{
    const struct alb_imgproxy_config *c = job->door->config.config;
    const struct alb_origin *o = job->input[0].origin;
    bool makeshift = no_store && etag.n == 0;
    int64_t modified = o && !makeshift ? o->modified_ms : 0;
    if (c->etag && etag.n > 0 && c->etag_buster.n > 0) {
        struct alb_buf hex = ALB_BUF_INIT(4096); /* of any characters: not all may stand in a tag */
        alb_percent_encode(&hex, c->etag_buster);
        etag = alb_arena_printf(job->arena, ALB_STR_FMT "/" ALB_STR_FMT, ALB_STR_ARG(alb_buf_view(&hex)),
                                ALB_STR_ARG(etag));
        alb_buf_fini(&hex);
    }
    alb_res_etag(job->req, c->etag && etag.n > 0 ? etag : ALB_STR_NONE, false);
    if (c->last_modified_buster > modified && modified > 0)
        modified = c->last_modified_buster;
    alb_res_modified(job->req, c->last_modified && modified > 0 ? modified : -1);
}

/* ---- the rest of the head ---- */

static bool is_http(const struct alb_imgproxy_source *s)
{
    return s->scheme == ALB_IMGPROXY_SOURCE_HTTP || s->scheme == ALB_IMGPROXY_SOURCE_HTTPS;
}

static void disposition(struct alb_imgproxy_job *job, const char *ending)
{
    const struct alb_source *asset = job->input[0].asset;
    struct alb_str name =
        alb_imgproxy_filename(job->arena, &job->want, asset ? asset->name : ALB_STR_NONE, ending);
    alb_res_disposition(job->req, job->want.attachment, name);
}

/* As it may stand between angle brackets (RFC 8288, URI-Reference): nothing in it ends them. */
static struct alb_str as_reference(struct alb_arena *arena, struct alb_str url)
{
    struct alb_buf b = ALB_BUF_INIT(3 * ALB_IMGPROXY_SOURCE_MAX);
    for (size_t i = 0; i < url.n; i++) {
        unsigned char c = (unsigned char)url.p[i];
        if (c <= ' ' || c >= 0x7f || c == '<' || c == '>' || c == '"')
            alb_percent_encode(&b, alb_str_sub(url, i, 1));
        else
            alb_buf_char(&b, (char)c);
    }
    struct alb_str out = alb_arena_str(arena, alb_buf_code(&b) == ALB_OK ? alb_buf_view(&b) : ALB_STR_NONE);
    alb_buf_fini(&b);
    return out;
}

/* As CDNs read them: CloudFront those of an object in S3, Cloudflare its own. */
static void cache_tags(struct alb_imgproxy_job *job)
{
    struct alb_str format = job->door->config.config->cache_tags_format;
    struct alb_buf b = ALB_BUF_INIT(ALB_IMGPROXY_TAGS_MAX * (ALB_IMGPROXY_NAME_MAX + 1));
    bool all = alb_str_eq_c(format, "all");
    for (size_t i = 0; i < job->want.tags; i++) {
        if (i > 0)
            alb_buf_char(&b, ',');
        alb_buf_str(&b, job->want.tag[i]);
    }
    if (b.n > 0 && alb_buf_code(&b) == ALB_OK) {
        if (all || alb_str_eq_c(format, "cloudfront"))
            alb_res_header_set(job->req, "X-Amz-Meta-Cache-Tag", alb_buf_view(&b));
        if (all || alb_str_eq_c(format, "cloudflare"))
            alb_res_header_set(job->req, "Cache-Tag", alb_buf_view(&b));
    }
    alb_buf_fini(&b);
}

/* What the source said beside its picture, where the configuration wants it told. */
static void hand_on(struct alb_imgproxy_job *job)
{
    const struct alb_origin *o = job->input[0].origin;
    struct alb_str rest = o ? o->kept : ALB_STR_NONE, name, value, last = ALB_STR_NONE;
    while (alb_origin_kept_next(&rest, &name, &value)) { /* lines of one name stand together */
        const char *text = alb_arena_cstr(job->arena, name);
        if (text && alb_str_eq(name, last))
            alb_res_header(job->req, text, value);
        else if (text)
            alb_res_header_set(job->req, text, value);
        last = name;
    }
}

void alb_imgproxy_head(struct alb_imgproxy_job *job, struct alb_str etag, bool no_store, const char *ending)
{
    const struct alb_imgproxy_config *c = job->door->config.config;
    struct alb_req *req = job->req;
    alb_res_status(req, 200);
    if (job->fell_back)
        alb_res_status(req, c->fallback_status > 0 ? (int)c->fallback_status : job->wrong.status);
    set(req, "Content-Security-Policy", CSP);
    set(req, "X-Content-Type-Options", "nosniff");
    cache_control(job, no_store);
    validators(job, etag, no_store);
    if (job->vary)
        set(req, "Vary", job->vary);
    cache_tags(job);
    hand_on(job);
    if (ending)
        disposition(job, ending);
    if (c->canonical && is_http(&job->want.source) && !job->fell_back)
        alb_res_header_set(req, "Link",
                           alb_arena_printf(job->arena, "<" ALB_STR_FMT ">; rel=\"canonical\"",
                                            ALB_STR_ARG(as_reference(job->arena, job->want.source.url))));
}

/* ---- pictures ---- */

struct size {
    uint32_t width, height; /* 0: not known */
};

static void debug_size(struct alb_req *req, const char *width, const char *height, struct size s)
{
    if (s.width == 0)
        return;
    alb_res_header_i64(req, width, s.width);
    alb_res_header_i64(req, height, s.height);
}

static void debug_headers(const struct alb_imgproxy_job *job, struct size origin, struct size result)
{
    if (!job->door->config.config->debug_headers)
        return;
    alb_res_header_i64(job->req, "X-Origin-Content-Length", alb_door_input_size(&job->input[0]));
    debug_size(job->req, "X-Origin-Width", "X-Origin-Height", origin);
    debug_size(job->req, "X-Result-Width", "X-Result-Height", result);
}

void alb_imgproxy_debug_source(const struct alb_imgproxy_job *job)
{
    struct size s;
    alb_header_shown(&job->header, 0, &s.width, &s.height);
    debug_headers(job, s, s);
}

/* imgproxy's names where they are not ours. */
static const char *named(const char *type, const char **ending)
{
    static const struct {
        enum alb_type type;
        const char *mime, *ending;
    } own[] = {{ALB_TYPE_HEIC, "image/heif", "heic"},
               {ALB_TYPE_ICO, "image/x-icon", "ico"},
               {ALB_TYPE_TIFF, "image/tiff", "tiff"}};
    enum alb_type t = alb_type_of_mime(alb_str_c(type));
    *ending = alb_type_ending(t);
    for (size_t i = 0; i < ALB_ARRAY_LEN(own); i++) {
        if (own[i].type != t)
            continue;
        *ending = own[i].ending;
        return own[i].mime;
    }
    return type;
}

void alb_imgproxy_picture(struct alb_imgproxy_job *job, const struct alb_picture *p)
{
    /* What is not to be kept has no name by which it could be asked for again: a degraded one would pass for the good
     * one. p may go before it is sent. */
    struct alb_str etag = p->no_store ? ALB_STR_NONE : alb_arena_str(job->arena, alb_str_c(p->etag));
    const char *ending, *type = named(p->content_type, &ending);
    alb_imgproxy_head(job, etag, p->no_store, ending);
    alb_res_type(job->req, type);
    debug_headers(job, (struct size){p->source_width, p->source_height}, (struct size){p->width, p->height});
    alb_imgproxy_tell(job, alb_type_name(alb_type_of_mime(alb_str_c(p->content_type))));
    alb_res_bytes(job->req, p->bytes);
}
