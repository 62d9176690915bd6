/* SPDX-License-Identifier: Apache-2.0
 *
 * Every input is there: what the client has already, what needs no picture, and else the picture.
 */
#include "base/codec.h"
#include "doors/imgproxy/job.h"
#include "render/books.h"

#define HASH_SLICE ((int64_t)16 << 20)

/* ---- the picture that is asked for ---- */

/* A cheaper format is only taken where the format was ours to choose, and the client takes the cheaper one. */
static bool may_degrade(const struct alb_imgproxy_job *job)
{
    return job->door->config.may_degrade && job->want.format == ALB_IMGPROXY_FORMAT_NONE &&
           (alb_imgproxy_accepted(&job->accept) & ALB_IMGPROXY_FORMAT_BIT(ALB_IMGPROXY_WEBP));
}

/* The URL behind its signature, and its tags: by these it can be purged. Without memory by its sources alone. */
static const struct alb_str *labels_of(const struct alb_imgproxy_job *job, size_t *count)
{
    struct alb_str *labels = alb_arena_calloc(job->arena, 1 + job->want.tags, sizeof(*labels));
    *count = labels ? 1 + job->want.tags : 0;
    if (!labels)
        return NULL;
    labels[0] = alb_arena_printf(job->arena, "u:" ALB_STR_FMT, ALB_STR_ARG(job->url.path));
    for (size_t i = 0; i < job->want.tags; i++)
        labels[1 + i] = alb_arena_printf(job->arena, "t:" ALB_STR_FMT, ALB_STR_ARG(job->want.tag[i]));
    return labels;
}

static struct alb_render_ask ask_for(const struct alb_imgproxy_job *job)
{
    size_t label_count;
    const struct alb_str *labels = labels_of(job, &label_count);
    struct alb_render_ask ask = {
        .labels = labels,
        .label_count = label_count,
        .source = job->input[0].asset,
        .origin = job->input[0].origin,
        .more_count = job->wish.inputs,
        .options = job->wish.options,
        .limits = &job->wish.limits,
        .may_degrade = may_degrade(job),
        .deadline = job->deadline,
        .cls = ALB_LEASE_FOREGROUND,
        .queue_deadline = alb_door_end_of_line(job->begun, job->deadline),
        .door = ALB_RENDER_DOOR_IMGPROXY,
    };
    for (unsigned i = 0; i < job->wish.inputs; i++) {
        ask.more[i].source = job->input[i + 1].asset;
        ask.more[i].origin = job->input[i + 1].origin;
    }
    return ask;
}

/* ---- what needs none ---- */

/* Whoever may only look at an asset gets pictures of it, never its file. */
static bool may_have_file(const struct alb_imgproxy_job *job)
{
    return !job->input[0].asset || alb_principal_may(job->principal, "asset.download");
}

/* No format is asked for, and the source's own is as good as any: with `best` only if the configuration says so. */
static bool is_open(const struct alb_imgproxy_job *job)
{
    const struct alb_imgproxy_config *c = job->door->config.config;
    if (alb_imgproxy_wants_best(c, &job->want))
        return c->best_skips;
    return job->want.format == ALB_IMGPROXY_FORMAT_NONE;
}

static bool stays_vector(const struct alb_imgproxy_job *job, enum alb_type type)
{
    return type == ALB_TYPE_SVG && may_have_file(job) &&
           (job->want.format == ALB_IMGPROXY_SVG ||
            (is_open(job) && (!job->door->config.config->rasterize_svg ||
                              (job->want.skip_formats & ALB_IMGPROXY_FORMAT_BIT(ALB_IMGPROXY_SVG)))));
}

/* The configuration or the request says that this kind of source is sent as it is. */
static bool is_skipped(const struct alb_imgproxy_job *job, enum alb_type type)
{
    enum alb_imgproxy_format f = alb_imgproxy_of_type(type);
    return f != ALB_IMGPROXY_FORMAT_NONE && f != ALB_IMGPROXY_SVG &&
           (job->want.skip_formats & ALB_IMGPROXY_FORMAT_BIT(f)) && (is_open(job) || job->want.format == f) &&
           may_have_file(job);
}

static bool needs_picture(const struct alb_imgproxy_job *job, enum alb_type type)
{
    return !job->want.raw && !job->want.is_info && !stays_vector(job, type) && !is_skipped(job, type);
}

/* Whether the client has it: decided before a slot is asked for. */
static bool has_it(struct alb_imgproxy_job *job, const struct alb_flight_key *key)
{
    alb_imgproxy_head(job, alb_door_etag(job->arena, key), false, NULL);
    if (alb_res_get_status(job->req) != 200 || !alb_res_decided(job->req))
        return false;
    alb_imgproxy_tell(job, NULL);
    return true;
}

static void answer(struct alb_imgproxy_job *job, const struct alb_render_ask *ask,
                   const struct alb_picture *p, bool hot)
{
    alb_imgproxy_picture(job, p);
    alb_render_answered(job->door->config.render, ask, p, hot, alb_res_decided(job->req));
}

bool alb_imgproxy_answer_hot(struct alb_imgproxy_job *job)
{
    if (job->want.hash != ALB_IMGPROXY_HASH_NONE || !needs_picture(job, alb_imgproxy_source_type(job)))
        return false;
    const struct alb_render_ask ask = ask_for(job);
    alb_render_key(job->door->config.render, &ask, &job->key);
    job->has_key = true;
    bool hot;
    struct alb_picture *p = alb_render_at_hand(job->door->config.render, ask.door, &job->key, &hot);
    if (!p)
        return false;
    answer(job, &ask, p, hot);
    alb_imgproxy_memo_keep(job, &ask, &job->key);
    alb_obj_unref(&p->obj);
    return true;
}

bool alb_imgproxy_answer_kept(struct alb_imgproxy_job *job)
{
    struct alb_render *r = job->door->config.render;
    const struct alb_render_ask ask = ask_for(job);
    if (has_it(job, &job->key)) {
        alb_render_answered(r, &ask, NULL, false, true);
        return true;
    }
    struct alb_picture *p = alb_render_kept(r, ask.door, &job->key);
    if (!p)
        return false;
    answer(job, &ask, p, false);
    alb_imgproxy_memo_keep(job, &ask, &job->key);
    alb_obj_unref(&p->obj);
    return true;
}

/* ---- hashsum ---- */

static enum alb_hash_kind kind_of(enum alb_imgproxy_hash hash)
{
    switch (hash) {
    case ALB_IMGPROXY_HASH_MD5:
        return ALB_HASH_MD5;
    case ALB_IMGPROXY_HASH_SHA1:
        return ALB_HASH_SHA1;
    case ALB_IMGPROXY_HASH_SHA512:
        return ALB_HASH_SHA512;
    case ALB_IMGPROXY_HASH_NONE:
    case ALB_IMGPROXY_HASH_SHA256:
    default:
        return ALB_HASH_SHA256;
    }
}

static enum alb_imgproxy_next broken(struct alb_imgproxy_job *job, const struct alb_err *err)
{
    const struct alb_imgproxy_wrong wrong = alb_imgproxy_wrong_of(err->code, err);
    return alb_imgproxy_fail(job, &wrong);
}

static enum alb_imgproxy_next judge_hash(struct alb_imgproxy_job *job)
{
    unsigned char sum[ALB_HASH_MAX_LEN];
    struct alb_imgproxy_wrong wrong = {422, "Invalid source image", ALB_IMGPROXY_TROUBLE_SECURITY,
                                       ALB_ERR_INIT};
    size_t n = alb_hash_final(&job->hash, sum);
    job->stage = ALB_IMGPROXY_CHOSEN;
    if (alb_str_eq_secret(alb_str_n((const char *)sum, n),
                          alb_str_n((const char *)job->want.hash_bytes, job->want.hash_len)))
        return ALB_IMGPROXY_ON;
    (void)alb_fail(&wrong.err, ALB_E_UNPROCESSABLE,
                   "the source does not have the hash sum that the URL names");
    return alb_imgproxy_fail(job, &wrong);
}

enum alb_imgproxy_next alb_imgproxy_breathe(struct alb_imgproxy_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_owner title;
    if (!job->pause) {
        if (alb_future_new(&job->pause, &title) != ALB_OK)
            return ALB_IMGPROXY_ON;
        (void)alb_fail(&err, ALB_E_CANCELLED, "a pause is over at once");
        (void)alb_future_fail(&title, &err);
    }
    (void)alb_req_wait_future(job->req, job->pause, false);
    return ALB_IMGPROXY_WAIT;
}

/* A slice per step: an io thread belongs to nobody for long. */
enum alb_imgproxy_next alb_imgproxy_check_hash(struct alb_imgproxy_job *job)
{
    unsigned char piece[8192];
    struct alb_err err = ALB_ERR_INIT;
    int64_t size = alb_door_input_size(&job->input[0]), until = job->hashed + HASH_SLICE;
    size_t got = 1;
    while (job->hashed < size && job->hashed < until && got > 0) {
        if (alb_door_bytes_read(&job->bytes, (uint64_t)job->hashed, piece, sizeof(piece), &got, &err) !=
            ALB_OK)
            return broken(job, &err);
        alb_hash_update(&job->hash, piece, got);
        job->hashed += (int64_t)got;
    }
    if (job->hashed < size && got > 0)
        return alb_imgproxy_breathe(job);
    return judge_hash(job);
}

enum alb_imgproxy_next alb_imgproxy_decide(struct alb_imgproxy_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    job->stage = ALB_IMGPROXY_CHOSEN;
    if (job->want.hash == ALB_IMGPROXY_HASH_NONE || job->fell_back)
        return ALB_IMGPROXY_ON;
    if (alb_imgproxy_open_bytes(job, &err) != ALB_OK)
        return broken(job, &err);
    alb_hash_init(&job->hash, kind_of(job->want.hash));
    job->hashed = 0;
    job->stage = ALB_IMGPROXY_HASH;
    return ALB_IMGPROXY_ON;
}

/* ---- the choice ---- */

static enum alb_imgproxy_next render(struct alb_imgproxy_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_flight_key key;
    const struct alb_render_ask ask = ask_for(job);
    alb_render_key(job->door->config.render, &ask, &key);
    if (has_it(job, &key)) {
        alb_render_answered(job->door->config.render, &ask, NULL, false, true);
        return ALB_IMGPROXY_DONE;
    }
    if (alb_door_picture_start(job->req, job->door->config.render, &ask, job->deadline, &job->future, &err) !=
        ALB_OK)
        return broken(job, &err);
    job->stage = ALB_IMGPROXY_RENDERING;
    return ALB_IMGPROXY_WAIT;
}

/* Facts of an asset are more than its picture: where it was taken, by whom. */
static enum alb_imgproxy_next ask_facts(struct alb_imgproxy_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    if (job->is_signed &&
        job->door->auth.library) /* "/info" is not signed: whoever has a picture's URL has this one */
        job->want.info.exif = job->want.info.iptc = job->want.info.xmp = job->want.info.video_meta = false;
    if (!job->input[0].asset || alb_principal_may(job->principal, "asset.read"))
        return alb_imgproxy_ask_worker(job);
    (void)alb_fail(&err, ALB_E_FORBIDDEN, "the key lacks the permission asset.read");
    return alb_imgproxy_refused(job, ALB_IMGPROXY_BAD_SIGNATURE, &err);
}

static const char *media_type(struct alb_imgproxy_job *job, enum alb_type type)
{
    const struct alb_door_input *h = &job->input[0];
    struct alb_str told = h->asset ? h->asset->mime : h->origin->content_type;
    if (job->want.raw && told.n > 0) {
        const char *text = alb_arena_cstr(job->arena, told);
        return text ? text : "application/octet-stream";
    }
    return alb_type_mime(type);
}

enum alb_imgproxy_next alb_imgproxy_choose(struct alb_imgproxy_job *job)
{
    enum alb_type type = alb_imgproxy_source_type(job);
    struct alb_err err = ALB_ERR_INIT;
    if (job->want.raw)
        return alb_imgproxy_send_bytes(job, media_type(job, type),
                                       type == ALB_TYPE_UNKNOWN ? NULL : alb_type_ending(type));
    if (job->want.is_info)
        return ask_facts(job);
    if (stays_vector(job, type) && job->door->config.config->sanitize_svg)
        return alb_imgproxy_ask_worker(job);
    if (stays_vector(job, type))
        return alb_imgproxy_send_bytes(job, alb_type_mime(type), alb_type_ending(type));
    if (is_skipped(job, type))
        return alb_imgproxy_send_bytes(job, alb_type_mime(type), alb_type_ending(type));
    if (job->want.format == ALB_IMGPROXY_SVG) {
        (void)alb_fail(&err, ALB_E_UNSUPPORTED, "only an SVG can stay one");
        const struct alb_imgproxy_wrong wrong = {422, "Invalid URL", ALB_IMGPROXY_TROUBLE_PROCESSING, err};
        return alb_imgproxy_fail(job, &wrong);
    }
    return render(job);
}

enum alb_imgproxy_next alb_imgproxy_rendered(struct alb_imgproxy_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_picture *p;
    const struct alb_render_ask ask = ask_for(job);
    switch (alb_door_picture_end(job->req, job->door->config.render, &ask, job->deadline, job->future, &p,
                                 &err)) {
    case ALB_DOOR_WAITS:
        return ALB_IMGPROXY_WAIT;
    case ALB_DOOR_MADE:
        answer(job, &ask, p, false);
        return ALB_IMGPROXY_DONE;
    case ALB_DOOR_CHANGED: /* as it is now, then */
        if (job->is_second)
            break;
        job->is_second = true;
        alb_imgproxy_sources_drop(job);
        job->stage = ALB_IMGPROXY_SOURCES;
        return ALB_IMGPROXY_ON;
    case ALB_DOOR_FAILED:
        break;
    }
    return broken(job, &err);
}
