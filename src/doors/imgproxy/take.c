/* SPDX-License-Identifier: Apache-2.0
 *
 * From the request line to what is wanted and who wants it. Everything here is pure but for the look-up of a
 * credential, so it runs on the event loop wherever that is remembered.
 */
#include "doors/imgproxy/job.h"
#include "doors/imgproxy/signature.h"

/* What stands where a signature would: "I do not sign". */
static bool is_no_signature(struct alb_str s)
{
    return alb_str_eq_c(s, "unsafe") || alb_str_eq_c(s, "insecure") || alb_str_eq_c(s, "_");
}

static enum alb_imgproxy_next need_credential(struct alb_imgproxy_job *job, bool on_loop)
{
    enum alb_who who = alb_auth_viewer(job->req, on_loop, &job->principal);
    return who == ALB_WHO_KNOWN   ? ALB_IMGPROXY_ON
           : who == ALB_WHO_LATER ? ALB_IMGPROXY_LATER
                                  : ALB_IMGPROXY_DONE;
}

static enum alb_imgproxy_next nobodys(struct alb_imgproxy_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    (void)alb_fail(&err, ALB_E_FORBIDDEN, "the key of this signature is nobody's");
    return alb_imgproxy_refused(job, ALB_IMGPROXY_BAD_SIGNATURE, &err);
}

/* The owner of a pair of keys, as long as that user is there. */
static enum alb_imgproxy_next find_signer(struct alb_imgproxy_job *job, int64_t user, bool on_loop)
{
    struct alb_err err = ALB_ERR_INIT;
    enum alb_who who = alb_auth_signer(job->door->auth.library, user, on_loop, &job->signer, &err);
    job->principal = job->signer;
    if (who == ALB_WHO_NOBODY)
        return nobodys(job);
    if (who == ALB_WHO_UNKNOWN) {
        const struct alb_imgproxy_wrong wrong = alb_imgproxy_wrong_of(err.code, &err);
        return alb_imgproxy_fail(job, &wrong);
    }
    return who == ALB_WHO_KNOWN ? ALB_IMGPROXY_ON : ALB_IMGPROXY_LATER;
}

/* Whether the signature is good, and whom it speaks for. */
static enum alb_imgproxy_next who(struct alb_imgproxy_job *job, bool on_loop)
{
    struct alb_imgproxy_door *door = job->door;
    const struct alb_imgproxy_config *c = door->config.config;
    struct alb_err err = ALB_ERR_INIT;
    int pair = -1;
    bool signs = alb_imgproxy_config_signs(c);
    if (door->auth.library && (!signs || is_no_signature(job->url.signature)))
        return need_credential(job, on_loop);
    enum alb_imgproxy_refusal no =
        alb_imgproxy_signature_check(c, job->arena, job->url.signature, job->url.path, &pair, &err);
    if (no != ALB_IMGPROXY_FINE)
        return alb_imgproxy_refused(job, no, &err);
    job->is_signed = true;
    if (!door->auth.library)
        return ALB_IMGPROXY_ON;
    if (pair < 0 || pair >= ALB_IMGPROXY_PAIRS_MAX || door->owners[pair] == 0)
        return nobodys(job);
    return find_signer(job, door->owners[pair], on_loop);
}

static bool knows_secret(const struct alb_imgproxy_job *job)
{
    struct alb_str secret = job->door->config.config->secret, scheme, token;
    if (secret.n == 0)
        return true;
    return alb_str_cut(alb_req_header(job->req, "authorization"), ' ', &scheme, &token) &&
           alb_str_eq_ci(scheme, ALB_STR("bearer")) && alb_str_eq_secret(alb_str_trim(token), secret);
}

static struct alb_str hint(const struct alb_imgproxy_job *job, const char *name, const char *old)
{
    struct alb_str value = alb_req_header(job->req, name);
    return value.p ? value : alb_req_header(job->req, old);
}

static void hear_client(struct alb_imgproxy_job *job, struct alb_imgproxy_setting *set)
{
    struct alb_str value;
    size_t at = 0;
    while (alb_req_header_next(job->req, "accept", &at, &value))
        alb_imgproxy_accept_add(&job->accept, value);
    if (set->config->client_hints) {
        set->hint_dpr = alb_imgproxy_hint_dpr(hint(job, "sec-ch-dpr", "dpr"));
        set->hint_width = alb_imgproxy_hint_width(hint(job, "sec-ch-width", "width"));
    }
}

/* http sources under `serve` are off until they are allowed. */
static enum alb_imgproxy_refusal may_fetch(const struct alb_imgproxy_job *job,
                                           const struct alb_imgproxy_source *s, struct alb_err *err)
{
    bool http = s && (s->scheme == ALB_IMGPROXY_SOURCE_HTTP || s->scheme == ALB_IMGPROXY_SOURCE_HTTPS);
    if (!http || job->door->config.http_sources)
        return ALB_IMGPROXY_FINE;
    return alb_imgproxy_refuse(err, ALB_IMGPROXY_SOURCE_OFF,
                               "http sources are not allowed here (--imgproxy-sources)");
}

/* Who may look at an asset, but not read what is known of it, gets a picture without its metadata: where it was taken,
 * by whom. */
static void withhold_facts(struct alb_imgproxy_job *job)
{
    if (!job->principal || job->want.source.scheme != ALB_IMGPROXY_SOURCE_ASSET ||
        alb_principal_may(job->principal, "asset.read"))
        return;
    job->want.strip_metadata = true;
    job->want.keep_copyright = false;
}

static enum alb_imgproxy_refusal parse(struct alb_imgproxy_job *job, struct alb_err *err)
{
    const struct alb_imgproxy_config *c = job->door->config.config;
    struct alb_imgproxy_setting set = {
        .config = c, .arena = job->arena, .now = alb_wall(alb_req_clock(job->req)) / 1000};
    hear_client(job, &set);
    enum alb_imgproxy_refusal no = alb_imgproxy_request_parse(&set, &job->url, &job->want, err);
    if (no == ALB_IMGPROXY_FINE)
        no = alb_imgproxy_request_check_sources(c, &job->want, err);
    if (no == ALB_IMGPROXY_FINE)
        withhold_facts(job);
    if (no == ALB_IMGPROXY_FINE)
        no = alb_imgproxy_compile(c, &job->want, &job->accept, &job->door->config.limits, job->arena,
                                  &job->wish, err);
    if (no == ALB_IMGPROXY_FINE)
        no = may_fetch(job, &job->want.source, err);
    for (unsigned i = 0; no == ALB_IMGPROXY_FINE && i < job->wish.inputs; i++)
        no = may_fetch(job, job->wish.input[i].source, err);
    return no;
}

enum alb_imgproxy_next alb_imgproxy_take(struct alb_imgproxy_job *job, bool on_loop)
{
    const struct alb_imgproxy_config *c = job->door->config.config;
    struct alb_str path = alb_req_path(job->req), prefix = alb_str_c(job->door->prefix);
    struct alb_err err = ALB_ERR_INIT;
    if (alb_str_starts(path, prefix))
        path = alb_str_from(path, prefix.n);
    enum alb_imgproxy_refusal no = alb_imgproxy_url_split(c, job->arena, path, &job->url, &err);
    if (no != ALB_IMGPROXY_FINE)
        return alb_imgproxy_refused(job, no, &err);
    if (!knows_secret(job)) {
        (void)alb_fail(&err, ALB_E_FORBIDDEN, "the secret is missing or wrong");
        return alb_imgproxy_refused(job, ALB_IMGPROXY_BAD_SIGNATURE, &err);
    }
    enum alb_imgproxy_next next = who(job, on_loop);
    if (next != ALB_IMGPROXY_ON)
        return next;
    no = parse(job, &err);
    if (no != ALB_IMGPROXY_FINE)
        return alb_imgproxy_refused(job, no, &err);
    job->vary = alb_imgproxy_vary(c, &job->want);
    job->stage = ALB_IMGPROXY_SOURCES;
    return ALB_IMGPROXY_ON;
}
