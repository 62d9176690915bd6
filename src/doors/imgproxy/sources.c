/* SPDX-License-Identifier: Apache-2.0
 *
 * Every input of a request, one after the other: assets with the caller's rights, everything else from the origins.
 * What is wrong with the source itself may be mended by a fallback picture; what is wrong with another input is an
 * error of the request.
 */
#include "doors/imgproxy/job.h"

static bool is_asset(const struct alb_imgproxy_source *s)
{
    return s->scheme == ALB_IMGPROXY_SOURCE_ASSET;
}

void alb_imgproxy_sources_drop(struct alb_imgproxy_job *job)
{
    alb_door_bytes_close(&job->bytes);
    for (size_t i = 0; i < ALB_ARRAY_LEN(job->input); i++)
        alb_door_input_drop(&job->input[i]);
    job->at = 0;
}

enum alb_type alb_imgproxy_source_type(const struct alb_imgproxy_job *job)
{
    return alb_door_input_type(&job->input[0]);
}

/* ---- what is asked for ---- */

/* Where input i is to be found; NULL: it is given (*given, borrowed, may be NULL: nothing is configured), or a
 * profile. */
static const struct alb_imgproxy_source *place_of(const struct alb_imgproxy_job *job, unsigned i,
                                                  struct alb_origin **given)
{
    const struct alb_imgproxy_door *door = job->door;
    *given = NULL;
    if (i == 0 && !job->fell_back)
        return &job->want.source;
    if (i == 0 && job->want.fallback.url.p)
        return &job->want.fallback;
    if (i > 0 && job->wish.input[i - 1].source)
        return job->wish.input[i - 1].source;
    if (i > 0 && job->wish.input[i - 1].profile.n > 0)
        return NULL;
    *given = i == 0 ? door->fallback : door->watermark;
    if (*given)
        return NULL;
    const struct alb_imgproxy_source *url = i == 0 ? &door->fallback_url : &door->watermark_url;
    return url->url.p ? url : NULL;
}

/* Cookies are for the host that the client asked for, as its browser would have it; with COOKIE_PASSTHROUGH_ALL too
 * for all. */
static bool cookies_for(const struct alb_imgproxy_job *job, const struct alb_imgproxy_source *s)
{
    const struct alb_imgproxy_config *c = job->door->config.config;
    struct alb_url from = {0}, to = {0};
    if (!c->cookies || c->cookies_all)
        return c->cookies;
    struct alb_str base =
        c->cookie_base_url.n > 0
            ? c->cookie_base_url
            : alb_arena_printf(job->arena, ALB_STR_FMT "://" ALB_STR_FMT "/",
                               ALB_STR_ARG(alb_req_scheme(job->req)), ALB_STR_ARG(alb_req_host(job->req)));
    bool same = alb_url_parse(base, &from, NULL) == ALB_OK && alb_url_parse(s->url, &to, NULL) == ALB_OK &&
                alb_str_eq(from.host, to.host) && (to.secure || !from.secure);
    alb_url_fini(&from);
    alb_url_fini(&to);
    return same;
}

#define FORWARD_MAX 32

static void forward(struct alb_imgproxy_job *job, const char *name)
{
    struct alb_str value = alb_req_header(job->req, name);
    if (value.p && job->forward_count < FORWARD_MAX)
        job->forward[job->forward_count++] =
            alb_arena_printf(job->arena, "%s: " ALB_STR_FMT, name, ALB_STR_ARG(value));
}

/* False: no memory. */
static bool collect_headers(struct alb_imgproxy_job *job, const struct alb_imgproxy_source *s)
{
    const struct alb_imgproxy_config *c = job->door->config.config;
    job->forward_count = 0;
    if (c->pass_request.count == 0 && !c->cookies)
        return true;
    if (!job->forward)
        job->forward = alb_arena_calloc(job->arena, FORWARD_MAX, sizeof(*job->forward));
    if (!job->forward)
        return false;
    for (size_t i = 0; i < c->pass_request.count; i++) {
        const char *name = alb_arena_cstr(job->arena, c->pass_request.item[i]);
        if (name)
            forward(job, name);
    }
    if (cookies_for(job, s))
        forward(job, "Cookie");
    return alb_arena_code(job->arena) == ALB_OK;
}

static struct alb_origin_ask ask_for(const struct alb_imgproxy_job *job, const struct alb_imgproxy_source *s)
{
    return (struct alb_origin_ask){
        .url = s->url,
        .headers = job->forward,
        .header_count = job->forward_count,
        .headers_follow = job->door->config.config->cookies && job->door->config.config->cookies_all,
        .any_type = job->want.raw && !job->fell_back && job->at == 0,
        .reload = job->want.bypass_cache,
        .max_bytes = job->wish.limits.source_bytes,
        .policy = &job->door->policy->base,
    };
}

static enum alb_purpose purpose_of(const struct alb_imgproxy_job *job)
{
    return job->want.raw && job->at == 0 ? ALB_PURPOSE_ORIGINAL : ALB_PURPOSE_VIEW;
}

/* Kinds of files that the configuration does not want to be looked into; raw answers do not. */
static bool is_off(const struct alb_imgproxy_job *job, unsigned i)
{
    const struct alb_imgproxy_config *c = job->door->config.config;
    enum alb_type_class class = alb_type_class(alb_door_input_type(&job->input[i]));
    if (job->want.raw && i == 0 && !job->fell_back)
        return false;
    return (class == ALB_CLASS_VIDEO && !c->video) || (class == ALB_CLASS_RAW && !c->raw_photos);
}

/* ---- from memory ---- */

static bool hot_one(struct alb_imgproxy_job *job)
{
    struct alb_door_input *h = &job->input[job->at];
    struct alb_origin *given;
    const struct alb_imgproxy_source *s = place_of(job, job->at, &given);
    struct alb_ref ref;
    if (given)
        h->origin = alb_origin_ref(given);
    if (given || !s)
        return given != NULL;
    if (is_asset(s)) {
        if (job->principal && alb_ref_parse(s->url, &ref))
            h->asset =
                alb_library_resolve_hot(job->door->auth.library, job->principal, &ref, purpose_of(job));
        return h->asset != NULL;
    }
    if (job->want.bypass_cache || !collect_headers(job, s))
        return false;
    const struct alb_origin_ask ask = ask_for(job, s);
    h->origin = alb_origin_hot(job->door->config.origins, &ask);
    return h->origin != NULL;
}

bool alb_imgproxy_sources_hot(struct alb_imgproxy_job *job)
{
    for (job->at = 0; job->at <= job->wish.inputs; job->at++) {
        if (!hot_one(job) || is_off(job, job->at)) {
            alb_imgproxy_sources_drop(job);
            return false;
        }
    }
    return true;
}

/* ---- asked for ---- */

static bool may_fall_back(const struct alb_imgproxy_job *job)
{
    const struct alb_imgproxy_door *door = job->door;
    return job->at == 0 && !job->fell_back && !job->want.raw && !job->want.is_info &&
           (job->want.fallback.url.p || door->fallback || door->fallback_url.url.p);
}

/* Something is wrong with input `at`. A fallback picture that cannot be had either is no reason to hide the first
 * one. */
static enum alb_imgproxy_next missing(struct alb_imgproxy_job *job, const struct alb_imgproxy_wrong *wrong,
                                      bool broken_off)
{
    if (job->fell_back)
        return alb_imgproxy_fail(job, &job->wrong);
    if (broken_off || !may_fall_back(job))
        return alb_imgproxy_fail(job, wrong);
    job->wrong = *wrong;
    job->fell_back = true;
    return ALB_IMGPROXY_ON;
}

/* As if nobody knew such files. */
static enum alb_imgproxy_next taken(struct alb_imgproxy_job *job)
{
    struct alb_imgproxy_wrong wrong = {422, "Invalid source image", ALB_IMGPROXY_TROUBLE_SIZE, ALB_ERR_INIT};
    if (!is_off(job, job->at)) {
        job->at++;
        return ALB_IMGPROXY_ON;
    }
    (void)alb_fail(&wrong.err, ALB_E_UNSUPPORTED, "%s is switched off",
                   alb_type_class(alb_imgproxy_source_type(job)) == ALB_CLASS_RAW
                       ? "what cameras call raw (IMGPROXY_ENABLE_RAW_FORMATS)"
                       : "the frame of a video (IMGPROXY_ENABLE_VIDEO_THUMBNAILS)");
    alb_door_input_drop(&job->input[job->at]);
    return missing(job, &wrong, false);
}

static enum alb_imgproxy_next unreachable(struct alb_imgproxy_job *job, enum alb_code code,
                                          const struct alb_err *err)
{
    struct alb_imgproxy_wrong wrong = {404, "Source is unreachable", ALB_IMGPROXY_TROUBLE_DOWNLOAD,
                                       ALB_ERR_INIT};
    bool ours =
        code != ALB_E_NOT_FOUND && code != ALB_E_GONE && code != ALB_E_FORBIDDEN && code != ALB_E_INVALID;
    if (ours) { /* no fallback picture, which caches would keep, for what has nothing to do with the source */
        wrong = alb_imgproxy_wrong_of(code, err);
        return alb_imgproxy_fail(job, &wrong);
    }
    wrong.err = *err;
    if (code == ALB_E_FORBIDDEN) {
        wrong.status = 403;
        wrong.text = "Forbidden";
        wrong.trouble = ALB_IMGPROXY_TROUBLE_SECURITY;
    }
    return missing(job, &wrong, false);
}

static enum alb_imgproxy_next resolve_asset(struct alb_imgproxy_job *job, const struct alb_imgproxy_source *s)
{
    struct alb_library *lib = job->door->auth.library;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_ref ref;
    enum alb_code code = ALB_E_NOT_FOUND;
    if (!lib || !job->principal)
        code = alb_fail(&err, code, "there are no assets here");
    else if (!alb_ref_parse(s->url, &ref))
        code = alb_fail(&err, code, "no asset is named like this");
    else
        code =
            alb_library_resolve(lib, job->principal, &ref, purpose_of(job), &job->input[job->at].asset, &err);
    return code == ALB_OK ? taken(job) : unreachable(job, code, &err);
}

static enum alb_imgproxy_next start_origin(struct alb_imgproxy_job *job, const struct alb_imgproxy_source *s)
{
    struct alb_err err = ALB_ERR_INIT;
    if (!collect_headers(job, s))
        return unreachable(job, ALB_E_NO_MEMORY, &err);
    const struct alb_origin_ask ask = ask_for(job, s);
    enum alb_code code =
        alb_door_origin_start(job->req, job->door->config.origins, &ask, job->deadline, &job->future, &err);
    if (code != ALB_OK)
        return unreachable(job, code, &err);
    job->stage = ALB_IMGPROXY_FETCHING;
    return ALB_IMGPROXY_WAIT;
}

/* No picture is configured where one is named, or a profile is asked for. */
static enum alb_imgproxy_next other_input(struct alb_imgproxy_job *job)
{
    const struct alb_imgproxy_config *c = job->door->config.config;
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = ALB_E_NOT_FOUND;
    if (job->at > 0 && job->wish.input[job->at - 1].profile.n > 0)
        code =
            alb_imgproxy_profile(c, job->wish.input[job->at - 1].profile, &job->input[job->at].origin, &err);
    else
        code = alb_fail(&err, code, "no watermark is configured");
    if (code == ALB_OK) {
        job->at++;
        return ALB_IMGPROXY_ON;
    }
    return alb_imgproxy_refused(job, ALB_IMGPROXY_BAD_URL, &err);
}

enum alb_imgproxy_next alb_imgproxy_sources(struct alb_imgproxy_job *job)
{
    struct alb_origin *given;
    if (job->at > job->wish.inputs || (job->at == 1 && (job->want.raw || job->want.is_info))) {
        job->stage = ALB_IMGPROXY_DECIDE;
        return ALB_IMGPROXY_ON;
    }
    const struct alb_imgproxy_source *s = place_of(job, job->at, &given);
    if (given) {
        job->input[job->at].origin = alb_origin_ref(given);
        return taken(job);
    }
    if (!s)
        return other_input(job);
    return is_asset(s) ? resolve_asset(job, s) : start_origin(job, s);
}

enum alb_imgproxy_next alb_imgproxy_fetched(struct alb_imgproxy_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_origin *o;
    job->stage = ALB_IMGPROXY_SOURCES;
    if (alb_door_origin_end(job->req, job->future, &o, &err) != ALB_OK)
        return unreachable(job, err.code, &err);
    if (o->failure == ALB_ORIGIN_GOOD) {
        job->input[job->at].origin = o;
        return taken(job);
    }
    const struct alb_imgproxy_wrong wrong = alb_imgproxy_wrong_origin(o);
    enum alb_imgproxy_next next = missing(job, &wrong, o->failure == ALB_ORIGIN_INCOMPLETE);
    alb_origin_unref(o);
    return next;
}
