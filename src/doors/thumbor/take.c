/* SPDX-License-Identifier: Apache-2.0
 *
 * From the request line to what is wanted and who wants it. Pure but for the look-up of a credential, so it runs on the
 * event loop wherever that is remembered. A path that is not signed as it came is tried once more percent-decoded, as
 * imagor does: clients sign either form.
 */
#include "doors/thumbor/job.h"

static enum alb_thumbor_next need_credential(struct alb_thumbor_job *job, bool on_loop)
{
    switch (alb_auth_require(job->req, on_loop)) {
    case ALB_BEFORE_LATER:
        return ALB_THUMBOR_LATER;
    case ALB_BEFORE_GO:
        job->principal = alb_auth_principal(job->req);
        return alb_auth_may(job->req, "asset.view") ? ALB_THUMBOR_ON : ALB_THUMBOR_DONE;
    case ALB_BEFORE_ANSWERED:
    case ALB_BEFORE_WAIT:
    default:
        return ALB_THUMBOR_DONE;
    }
}

/* The user that a secret belongs to, as long as that user is there. */
static enum alb_thumbor_next find_signer(struct alb_thumbor_job *job, int64_t user, bool on_loop)
{
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = ALB_OK;
    if (on_loop)
        job->signer = alb_library_signer_hot(job->door->auth.library, user);
    else
        code = alb_library_signer(job->door->auth.library, user, &job->signer, &err);
    job->principal = job->signer;
    job->is_signed = true;
    if (code == ALB_E_NOT_FOUND) {
        alb_err_clear(&err);
        (void)alb_fail(&err, ALB_E_FORBIDDEN, "the secret of this signature is nobody's");
        return alb_thumbor_fail(job, &err, NULL);
    }
    if (code != ALB_OK)
        return alb_thumbor_fail(job, &err, NULL);
    return job->signer ? ALB_THUMBOR_ON : ALB_THUMBOR_LATER;
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
    if (*secret < 0)
        job->url = as_it_came;
    return true;
}

/* ---- what it asks for ---- */

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

static enum alb_code check(const struct alb_thumbor_job *job, struct alb_err *err)
{
    const struct alb_thumbor_filters *f = &job->filters;
    if (f->has_expire && alb_wall(alb_req_clock(job->req)) > f->expire)
        return alb_fail(err, ALB_E_GONE, "this URL has expired");
    if (job->url.meta)
        return alb_fail(err, ALB_E_UNSUPPORTED, "meta/ is not answered here");
    if (job->url.image.n == 0)
        return alb_fail(err, ALB_E_NOT_FOUND, "no image is named");
    return ALB_OK;
}

static enum alb_thumbor_next read_wish(struct alb_thumbor_job *job)
{
    const struct alb_thumbor_config *c = job->door->config.config;
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = ALB_OK;
    if (c->base_params.n > 0 && !alb_thumbor_url_apply(&job->url, job->arena, c->base_params))
        code = alb_fail(&err, ALB_E_NO_MEMORY, "no memory for a URL");
    if (code == ALB_OK)
        code = alb_thumbor_filters_read(&c->rules, &job->url, job->arena, &job->filters, &err);
    if (code == ALB_OK && !alb_thumbor_extract_focal(&job->url, job->arena, &job->filters))
        code = alb_fail(&err, ALB_E_NO_MEMORY, "no memory for a URL");
    if (code == ALB_OK)
        code = check(job, &err);
    if (code != ALB_OK)
        return alb_thumbor_fail(job, &err, code == ALB_E_UNSUPPORTED ? err.msg : NULL);
    choose_format(job);
    if (!alb_principal_may(job->principal, "asset.read")) /* where it was taken, by whom */
        job->filters.strip_metadata = true;
    code = alb_thumbor_compile(c, &job->url, &job->filters, &job->door->config.limits, job->arena, &job->wish,
                               &err);
    if (code != ALB_OK)
        return alb_thumbor_fail(job, &err, err.msg);
    for (unsigned i = 0; i <= job->wish.inputs; i++) {
        if (alb_ref_parse(i == 0 ? job->url.image : job->wish.input[i - 1], &job->ref[i]))
            continue;
        (void)alb_fail(&err, ALB_E_NOT_FOUND, "pictures are assets here: asset://UUID");
        return alb_thumbor_fail(job, &err, NULL);
    }
    job->stage = ALB_THUMBOR_SOURCE;
    return ALB_THUMBOR_ON;
}

enum alb_thumbor_next alb_thumbor_take(struct alb_thumbor_job *job, bool on_loop)
{
    const struct alb_thumbor_config *c = job->door->config.config;
    struct alb_err err = ALB_ERR_INIT;
    int secret = -1;
    if (!read_path(job, &secret)) {
        (void)alb_fail(&err, ALB_E_NO_MEMORY, "no memory for a URL");
        return alb_thumbor_fail(job, &err, NULL);
    }
    if (job->url.params && !c->disable_params)
        return alb_thumbor_tell_params(job);
    if (secret < 0 && job->url.hash.n > 0 && c->signer.secrets > 0) {
        (void)alb_fail(&err, ALB_E_FORBIDDEN, "the signature is not that of %.*s under any of %zu secrets",
                       (int)(job->url.path.n > 100 ? 100 : job->url.path.n), job->url.path.p,
                       c->signer.secrets);
        return alb_thumbor_fail(job, &err, NULL);
    }
    enum alb_thumbor_next next = secret >= 0 ? find_signer(job, job->door->config.owner[secret], on_loop)
                                             : need_credential(job, on_loop);
    return next == ALB_THUMBOR_ON ? read_wish(job) : next;
}
