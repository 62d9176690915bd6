/* SPDX-License-Identifier: Apache-2.0
 *
 * From the request line to what is wanted and who wants it. Pure but for the look-up of a credential, so it runs on the
 * event loop wherever that is remembered. A path that is not signed as it came is tried once more percent-decoded, as
 * imagor does: clients sign either form.
 */
#include "doors/thumbor/job.h"

static enum alb_thumbor_next need_credential(struct alb_thumbor_job *job, bool on_loop)
{
    enum alb_who who = alb_auth_viewer(job->req, on_loop, &job->principal);
    return who == ALB_WHO_KNOWN   ? ALB_THUMBOR_ON
           : who == ALB_WHO_LATER ? ALB_THUMBOR_LATER
                                  : ALB_THUMBOR_DONE;
}

static enum alb_thumbor_next forbidden(struct alb_thumbor_job *job, const char *why)
{
    struct alb_err err = ALB_ERR_INIT;
    (void)alb_fail(&err, ALB_E_FORBIDDEN, "%s", why);
    return alb_thumbor_fail(job, &err, NULL);
}

/* The user that a secret belongs to, as long as that user is there. */
static enum alb_thumbor_next find_signer(struct alb_thumbor_job *job, int64_t user, bool on_loop)
{
    struct alb_err err = ALB_ERR_INIT;
    enum alb_who who = alb_auth_signer(job->door->auth.library, user, on_loop, &job->signer, &err);
    job->principal = job->signer;
    if (who == ALB_WHO_NOBODY)
        return forbidden(job, "the secret of this signature is nobody's");
    if (who == ALB_WHO_UNKNOWN)
        return alb_thumbor_fail(job, &err, NULL);
    return who == ALB_WHO_KNOWN ? ALB_THUMBOR_ON : ALB_THUMBOR_LATER;
}

/* ---- the path, in one form or the other ---- */

static bool parse(struct alb_thumbor_job *job, struct alb_str path)
{
    job->url = (struct alb_thumbor_url){0};
    return alb_thumbor_url_apply(&job->url, job->arena, path);
}

static int signed_by(const struct alb_thumbor_job *job)
{
    if (job->url.hash.n == 0 || job->url.is_unsafe)
        return -1;
    return alb_thumbor_signed_by(&job->door->config.config->signer, job->url.hash, job->url.path);
}

/* Sets job->url; *secret: which one has signed it, or -1. False: no memory. */
static bool read_path(struct alb_thumbor_job *job, int *secret)
{
    struct alb_str path = alb_str_from(alb_req_path(job->req), alb_str_c(job->door->config.prefix).n);
    struct alb_str decoded = alb_thumbor_unescape(job->arena, path);
    if (!parse(job, path))
        return false;
    *secret = signed_by(job);
    if (*secret >= 0 || job->url.is_unsafe || job->url.params || job->url.hash.n == 0 ||
        alb_str_eq(decoded, path))
        return alb_arena_code(job->arena) == ALB_OK;
    struct alb_thumbor_url as_it_came = job->url;
    if (!parse(job, decoded))
        return false;
    *secret = signed_by(job);
    job->is_decoded = *secret >= 0;
    if (!job->is_decoded)
        job->url = as_it_came;
    return true;
}

static enum alb_thumbor_next who(struct alb_thumbor_job *job, int secret, bool on_loop)
{
    const struct alb_thumbor_config *c = job->door->config.config;
    struct alb_err err = ALB_ERR_INIT;
    bool library = job->door->config.library != NULL;
    job->is_signed = secret >= 0;
    if (secret >= 0)
        return library ? find_signer(job, job->door->config.owner[secret], on_loop) : ALB_THUMBOR_ON;
    if (library && (job->url.hash.n == 0 || c->signer.secrets == 0))
        return need_credential(job, on_loop);
    if (!library && c->allow_unsafe && job->url.is_unsafe)
        return ALB_THUMBOR_ON;
    (void)alb_fail(&err, ALB_E_FORBIDDEN, "the signature is not that of %.*s under any of %zu secrets",
                   (int)(job->url.path.n > 100 ? 100 : job->url.path.n), job->url.path.p, c->signer.secrets);
    return alb_thumbor_fail(job, &err, NULL);
}

/* ---- what it asks for ---- */

/* What an operator says of every URL: on top of it, but for what was signed and how. False: no memory. */
static bool apply_base(struct alb_thumbor_job *job)
{
    const struct alb_thumbor_url was = job->url;
    struct alb_str base = job->door->config.config->base_params;
    job->signed_path = was.path;
    if (base.n == 0)
        return true;
    bool good = alb_thumbor_url_apply(&job->url, job->arena, base);
    job->url.path = was.path;
    job->url.hash = was.hash;
    job->url.is_unsafe = was.is_unsafe;
    job->url.params = was.params;
    return good;
}

static bool accepts(const struct alb_thumbor_job *job, const char *type)
{
    struct alb_str value;
    size_t at = 0;
    while (alb_req_header_next(job->req, "accept", &at, &value)) {
        if (alb_str_find_str(value, alb_str_c(type)) != ALB_STR_NPOS)
            return true;
    }
    return false;
}

/* Without format() in the URL the client's Accept may choose, where the configuration offers that. */
static void choose_format(struct alb_thumbor_job *job)
{
    const struct alb_thumbor_config *c = job->door->config.config;
    struct alb_thumbor_filters *f = &job->filters;
    job->varies = !f->has_format && (c->auto_avif || c->auto_webp || c->auto_jpeg);
    if (!job->varies)
        return;
    bool webp = c->auto_webp && accepts(job, "image/webp"), avif = c->auto_avif && accepts(job, "image/avif");
    bool any = !alb_req_header(job->req, "accept").p || accepts(job, "image/jpeg") ||
               accepts(job, "image/*") || accepts(job, "*/*");
    if (avif) {
        f->format = ALB_THUMBOR_AVIF;
        f->fallback = webp ? ALB_THUMBOR_WEBP : f->fallback;
    } else if (webp) {
        f->format = ALB_THUMBOR_WEBP;
    } else if (c->auto_jpeg && any) {
        f->format = ALB_THUMBOR_JPEG;
    }
}

/* What only says how an answer is sent is no part of what is kept. */
static bool is_for_http(struct alb_str name)
{
    return alb_str_eq_c(name, "expire") || alb_str_eq_c(name, "attachment") || alb_str_eq_c(name, "max_age");
}

static void put(struct alb_thumbor_filter *list, size_t *n, const char *name, const char *args)
{
    list[(*n)++] = (struct alb_thumbor_filter){alb_str_c(name), alb_str_c(args)};
}

static const char *chosen(enum alb_thumbor_format f)
{
    return f == ALB_THUMBOR_AVIF   ? "avif"
           : f == ALB_THUMBOR_WEBP ? "webp"
           : f == ALB_THUMBOR_JPEG ? "jpeg"
                                   : NULL;
}

/* imagor's key of the result. False: no memory. */
static bool name_result(struct alb_thumbor_job *job)
{
    struct alb_thumbor_url *u = ALB_ARENA_NEW(job->arena, struct alb_thumbor_url);
    struct alb_thumbor_filter *list = alb_arena_calloc(job->arena, job->url.filter_count + 2, sizeof(*list));
    const char *format = job->varies ? chosen(job->filters.format) : NULL;
    bool changed = format || job->door->config.config->base_params.n > 0;
    size_t n = 0;
    if (!u || !list)
        return false;
    for (size_t i = 0; i < job->url.filter_count; i++) {
        if (is_for_http(job->url.filters[i].name))
            changed = true;
        else
            list[n++] = job->url.filters[i];
    }
    if (format)
        put(list, &n, "format", format);
    if (format && job->filters.format == ALB_THUMBOR_AVIF && job->filters.fallback == ALB_THUMBOR_WEBP)
        put(list, &n, "fallback_format", "webp");
    *u = job->url;
    u->filters = list;
    u->filter_count = n;
    job->result = (struct alb_thumbor_result){
        changed ? alb_thumbor_url_canonical(job->arena, u) : job->signed_path, u, &job->filters};
    return job->result.path.p != NULL;
}

/* A picture of one colour is a canvas as large as the URL says, as far as it may be: *w, *h. */
static void canvas_size(const struct alb_thumbor_config *c, const struct alb_thumbor_url *u, int64_t *w,
                        int64_t *h)
{
    *w = u->width > 0 ? u->width : u->height > 0 ? u->height : 1;
    *h = u->height > 0 ? u->height : *w;
    if (c->max_width > 0 && *w > c->max_width)
        *w = c->max_width;
    if (c->max_height > 0 && *h > c->max_height)
        *h = c->max_height;
}

/* That all else is done to. False: no memory. */
static bool make_canvas(struct alb_thumbor_job *job, int64_t w, int64_t h)
{
    struct alb_plan_options *o = ALB_ARENA_NEW(job->arena, struct alb_plan_options);
    if (!o)
        return false;
    alb_plan_options_init(o);
    o->sizing = ALB_SIZING_THUMBNAIL;
    o->fit = ALB_FIT_FORCE;
    o->enlarge = true;
    o->width = (uint32_t)(w < INT32_MAX ? w : INT32_MAX);
    o->height = (uint32_t)(h < INT32_MAX ? h : INT32_MAX);
    o->output = job->wish.options->output;
    if (o->output.format == ALB_FORMAT_SAME)
        o->output.format = ALB_FORMAT_JPEG;
    o->background = job->wish.options->background;
    o->next = job->wish.options;
    job->wish.options = o;
    return true;
}

/* What there is to do. */
static enum alb_code compile(struct alb_thumbor_job *job, struct alb_err *err)
{
    const struct alb_thumbor_config *c = job->door->config.config;
    struct alb_thumbor_url u = job->url;
    struct alb_thumbor_colour colour;
    int64_t w = 0, h = 0;
    bool is_colour = alb_thumbor_colour_image(u.image, &colour);
    if (is_colour) {
        canvas_size(c, &u, &w, &h);
        u.width = u.width > w ? w : u.width;
        u.height = u.height > h ? h : u.height;
    }
    enum alb_code code =
        alb_thumbor_compile(c, &u, &job->filters, &job->door->config.limits, job->arena, &job->wish, err);
    if (code == ALB_OK && ((is_colour && !make_canvas(job, w, h)) || !name_result(job)))
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory for a URL");
    return code;
}

static enum alb_code check(const struct alb_thumbor_job *job, struct alb_err *err)
{
    const struct alb_thumbor_filters *f = &job->filters;
    if (f->has_expire && alb_wall(alb_req_clock(job->req)) > f->expire)
        return alb_fail(err, ALB_E_GONE, "this URL has expired");
    if (job->url.image.n == 0 && !job->is_upload)
        return alb_fail(err, ALB_E_NOT_FOUND, "no image is named");
    return ALB_OK;
}

static enum alb_code read_filters(struct alb_thumbor_job *job, struct alb_err *err)
{
    const struct alb_thumbor_config *c = job->door->config.config;
    if (!apply_base(job))
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory for a URL");
    if (job->is_upload)
        job->url.image = ALB_STR_NONE;
    enum alb_code code = alb_thumbor_filters_read(&c->rules, &job->url, job->arena, &job->filters, err);
    if (code == ALB_OK && !alb_thumbor_extract_focal(&job->url, job->arena, &job->filters))
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory for a URL");
    if (code == ALB_OK)
        code = check(job, err);
    return code == ALB_OK && job->url.meta ? alb_thumbor_read_asked(&job->url, &job->asked, err) : code;
}

static enum alb_thumbor_next read_wish(struct alb_thumbor_job *job)
{
    const struct alb_thumbor_config *c = job->door->config.config;
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = read_filters(job, &err);
    if (code == ALB_E_NOT_FOUND && c->upload.on && c->allow_unsafe && !job->door->config.library)
        return alb_thumbor_show_form(job);
    if (code != ALB_OK)
        return alb_thumbor_fail(job, &err, code == ALB_E_INVALID ? err.msg : NULL);
    choose_format(job);
    if (job->principal && !alb_principal_may(job->principal, "asset.read")) /* where it was taken, by whom */
        job->filters.strip_metadata = true;
    code = compile(job, &err);
    if (code != ALB_OK)
        return alb_thumbor_fail(job, &err, code == ALB_E_NO_MEMORY ? NULL : err.msg);
    job->stage = job->is_upload ? ALB_THUMBOR_UPLOAD : ALB_THUMBOR_KEPT;
    return ALB_THUMBOR_ON;
}

/* To where there is no query; never to another host, as "//host" would be. */
static enum alb_thumbor_next strip_query(struct alb_thumbor_job *job)
{
    struct alb_str path = alb_req_path(job->req);
    while (path.n > 1 && path.p[0] == '/' && (path.p[1] == '/' || path.p[1] == '\\'))
        path = alb_str_from(path, 1);
    if (path.n > 0 && path.p[0] != '/')
        path = alb_arena_printf(job->arena, "/" ALB_STR_FMT, ALB_STR_ARG(path));
    alb_res_status(job->req, 307);
    alb_res_header_set(job->req, "Location", path);
    alb_res_literal(job->req, ALB_STR(""));
    return ALB_THUMBOR_DONE;
}

enum alb_thumbor_next alb_thumbor_take(struct alb_thumbor_job *job, bool on_loop)
{
    const struct alb_thumbor_config *c = job->door->config.config;
    struct alb_err err = ALB_ERR_INIT;
    int secret = -1;
    if (c->strip_query && alb_req_query(job->req).p)
        return strip_query(job);
    if (!read_path(job, &secret)) {
        (void)alb_fail(&err, ALB_E_NO_MEMORY, "no memory for a URL");
        return alb_thumbor_fail(job, &err, NULL);
    }
    if (job->url.params) {
        if (!c->disable_params)
            return alb_thumbor_tell_params(job);
        alb_res_literal(job->req, ALB_STR(""));
        return ALB_THUMBOR_DONE;
    }
    enum alb_thumbor_next next = who(job, secret, on_loop);
    return next == ALB_THUMBOR_ON ? read_wish(job) : next;
}
