/* SPDX-License-Identifier: Apache-2.0
 *
 * The image and what is laid over it, one after the other. A name is, in this order: a colour, an asset, a file of
 * those that lie here, a file below the local root, a picture of another server.
 */
#include "base/codec.h"
#include "doors/common/pattern.h"
#include "doors/thumbor/canvas.h"
#include "doors/thumbor/job.h"
#include "render/origin_given.h"

void alb_thumbor_inputs_drop(struct alb_thumbor_job *job)
{
    alb_door_bytes_close(&job->bytes);
    for (size_t i = 0; i < ALB_ARRAY_LEN(job->input); i++)
        alb_door_input_drop(&job->input[i]);
    job->at = 0;
}

static struct alb_str name_of(const struct alb_thumbor_job *job, unsigned i)
{
    return i == 0 ? job->url.image : job->wish.input[i - 1];
}

static enum alb_purpose purpose_of(const struct alb_thumbor_job *job)
{
    return job->filters.raw && job->at == 0 ? ALB_PURPOSE_ORIGINAL : ALB_PURPOSE_VIEW;
}

static bool is_local(const struct alb_thumbor_job *job, struct alb_str image)
{
    return job->door->config.local && alb_str_starts(image, ALB_STR("local://"));
}

static struct alb_origin_ask ask_for(const struct alb_thumbor_job *job, struct alb_str url)
{
    const struct alb_thumbor_http *h = &job->door->config.config->http;
    int64_t most = job->wish.limits.source_bytes > 0 ? job->wish.limits.source_bytes : INT64_MAX;
    return (struct alb_origin_ask){
        .url = url,
        .headers = job->forward,
        .header_count = job->forward_count,
        .any_type = job->filters.raw && job->at == 0,
        .max_bytes = h->max_bytes > 0 && h->max_bytes < most ? h->max_bytes : most,
        .policy = &job->door->policy->base,
    };
}

/* ---- from memory ---- */

static bool hot_one(struct alb_thumbor_job *job)
{
    const struct alb_thumbor_door_config *d = &job->door->config;
    struct alb_str image = name_of(job, job->at), url;
    struct alb_door_input *in = &job->input[job->at];
    struct alb_thumbor_colour colour;
    struct alb_ref ref;
    if (alb_thumbor_colour_image(image, &colour) || is_local(job, image))
        return false; /* made, or looked at, each time */
    if (d->library && alb_ref_parse(image, &ref)) {
        in->asset = alb_library_resolve_hot(d->library, job->principal, &ref, purpose_of(job));
        return in->asset != NULL;
    }
    if ((d->files && d->files->load) || !d->origins ||
        alb_thumbor_address(d->config, job->arena, image, &url, NULL) != ALB_OK || !alb_thumbor_forward(job))
        return false;
    const struct alb_origin_ask ask = ask_for(job, url);
    in->origin = alb_origin_hot(d->origins, &ask);
    return in->origin != NULL;
}

bool alb_thumbor_inputs_hot(struct alb_thumbor_job *job)
{
    for (job->at = 0; job->at <= job->wish.inputs; job->at++) {
        if (!hot_one(job)) {
            alb_thumbor_inputs_drop(job);
            return false;
        }
    }
    return true;
}

/* ---- asked for ---- */

static enum alb_thumbor_next taken(struct alb_thumbor_job *job)
{
    job->at++;
    job->stage = ALB_THUMBOR_INPUTS;
    return ALB_THUMBOR_ON;
}

static enum alb_thumbor_next make_colour(struct alb_thumbor_job *job, const struct alb_thumbor_colour *colour)
{
    unsigned char bytes[ALB_THUMBOR_CANVAS_LEN];
    struct alb_err err = ALB_ERR_INIT;
    size_t n = alb_thumbor_canvas(colour, bytes);
    if (alb_origin_given(alb_str_n((const char *)bytes, n), &job->input[job->at].origin, &err) != ALB_OK)
        return alb_thumbor_fail(job, &err, NULL);
    return taken(job);
}

static enum alb_thumbor_next find_asset(struct alb_thumbor_job *job, const struct alb_ref *ref)
{
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = alb_library_resolve(job->door->config.library, job->principal, ref, purpose_of(job),
                                             &job->input[job->at].asset, &err);
    if (code == ALB_E_FORBIDDEN)
        return alb_thumbor_fail(
            job, &err, purpose_of(job) == ALB_PURPOSE_ORIGINAL ? "the key may not download" : "forbidden");
    return code == ALB_OK ? taken(job) : alb_thumbor_fail(job, &err, NULL);
}

static enum alb_thumbor_next fetch(struct alb_thumbor_job *job, struct alb_str url)
{
    struct alb_err err = ALB_ERR_INIT;
    if (!alb_thumbor_forward(job)) {
        (void)alb_fail(&err, ALB_E_NO_MEMORY, "no memory for a source");
        return alb_thumbor_fail(job, &err, NULL);
    }
    const struct alb_origin_ask ask = ask_for(job, url);
    if (alb_door_origin_start(job->req, job->door->config.origins, &ask, job->deadline, &job->future, &err) !=
        ALB_OK)
        return alb_thumbor_fail(job, &err, NULL);
    job->stage = ALB_THUMBOR_FETCHING;
    return ALB_THUMBOR_WAIT;
}

static enum alb_thumbor_next find_origin(struct alb_thumbor_job *job, struct alb_str image)
{
    const struct alb_thumbor_door_config *d = &job->door->config;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_str url = image;
    enum alb_code code = ALB_OK;
    if (!d->origins)
        code = alb_fail(&err, ALB_E_NOT_FOUND, "there are no pictures of other servers here");
    else if (!is_local(job, image))
        code = alb_thumbor_address(d->config, job->arena, image, &url, &err);
    return code == ALB_OK ? fetch(job, url) : alb_thumbor_fail(job, &err, NULL);
}

/* Of the files that lie here; NULL inside and OK: not among them. */
static enum alb_code load(struct alb_thumbor_job *job, struct alb_str image, struct alb_err *err)
{
    const struct alb_thumbor_files *files = job->door->config.files;
    if (!files || !files->load)
        return ALB_OK;
    return files->load(files->ctx, image, &job->input[job->at].origin, err);
}

enum alb_thumbor_next alb_thumbor_inputs(struct alb_thumbor_job *job)
{
    struct alb_thumbor_colour colour;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_ref ref;
    if (job->at > job->wish.inputs || (job->at > 0 && job->filters.raw)) {
        job->stage = ALB_THUMBOR_CHOOSE;
        return ALB_THUMBOR_ON;
    }
    if (job->input[job->at].origin) /* it came with the request */
        return taken(job);
    struct alb_str image = name_of(job, job->at);
    if (alb_thumbor_colour_image(image, &colour))
        return make_colour(job, &colour);
    if (job->door->config.library && alb_ref_parse(image, &ref))
        return find_asset(job, &ref);
    if (load(job, image, &err) != ALB_OK)
        return alb_thumbor_fail(job, &err, NULL);
    return job->input[job->at].origin ? taken(job) : find_origin(job, image);
}

/* What the source says of itself must be what is accepted; that it says nothing is no lie. */
static bool is_accepted(const struct alb_thumbor_job *job, const struct alb_origin *o)
{
    struct alb_str rest = job->door->config.config->http.accept, piece, type, parameters;
    (void)alb_str_cut(o->content_type, ';', &type, &parameters);
    type = alb_str_trim(type);
    if (rest.n == 0 || type.n == 0 || o->is_local)
        return true;
    while (rest.n > 0 && alb_str_next(&rest, ',', &piece)) {
        struct alb_str glob;
        (void)alb_str_cut(piece, ';', &glob, &parameters);
        if (alb_door_glob(alb_str_trim(glob), type))
            return true;
    }
    return false;
}

enum alb_thumbor_next alb_thumbor_fetched(struct alb_thumbor_job *job)
{
    const struct alb_thumbor_files *files = job->door->config.files;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_origin *o;
    if (alb_door_origin_end(job->req, job->future, &o, &err) != ALB_OK)
        return alb_thumbor_fail(job, &err, NULL);
    job->input[job->at].origin = o;
    if (o->failure != ALB_ORIGIN_GOOD)
        return alb_thumbor_fail_origin(job, o);
    if (!is_accepted(job, o)) {
        (void)alb_fail(&err, ALB_E_UNSUPPORTED, "the source says that it is " ALB_STR_FMT,
                       ALB_STR_ARG(o->content_type));
        return alb_thumbor_fail(job, &err, NULL);
    }
    if (files && files->save && o->is_shared && !o->no_store && !o->is_local && alb_origin_claim(o))
        files->save(files->ctx, name_of(job, job->at), o);
    return taken(job);
}
