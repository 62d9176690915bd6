/* SPDX-License-Identifier: Apache-2.0
 *
 * What only a worker can tell: the facts of /info, an SVG without what could run in a browser, and the header of what
 * is sent as it is.
 */
#include "base/codec.h"
#include "doors/imgproxy/info.h"
#include "doors/imgproxy/job.h"
#include "render/order.h"

static enum alb_imgproxy_next ask_for(struct alb_imgproxy_job *job, enum alb_order_kind kind)
{
    struct alb_err err = ALB_ERR_INIT;
    const struct alb_order_ask ask = {.kind = kind,
                                      .source = job->input[0].asset,
                                      .origin = job->input[0].origin,
                                      .type = alb_imgproxy_source_type(job),
                                      .deadline = job->deadline};
    alb_future_unref(job->future);
    job->future = NULL;
    alb_req_wait_until(job->req, job->deadline);
    if (alb_render_order(job->door->config.render, &ask, alb_req_waiter(job->req, false), &job->future,
                         &err) != ALB_OK) {
        const struct alb_imgproxy_wrong wrong = alb_imgproxy_wrong_of(err.code, &err);
        return alb_imgproxy_fail(job, &wrong);
    }
    job->stage = ALB_IMGPROXY_ASKED;
    alb_req_doing(job->req, "waiting for a worker's words");
    (void)alb_req_wait_joined(job->req, job->future);
    return ALB_IMGPROXY_WAIT;
}

enum alb_imgproxy_next alb_imgproxy_ask_header(struct alb_imgproxy_job *job)
{
    job->is_looking = true;
    return ask_for(job, ALB_ORDER_HEADER);
}

static struct alb_str identity(const struct alb_imgproxy_job *job, const char *what)
{
    char text[2 * ALB_SHA256_LEN + 1];
    const struct alb_door_input *h = &job->input[0];
    alb_hex(h->asset ? h->asset->sha256 : h->origin->identity, ALB_SHA256_LEN, text);
    text[32] = '\0';
    return alb_arena_printf(job->arena, "%s-%s", what, text);
}

static void head_of_vector(struct alb_imgproxy_job *job)
{
    alb_imgproxy_head(job, identity(job, "svg1"), alb_door_input_no_store(&job->input[0]), "svg");
}

enum alb_imgproxy_next alb_imgproxy_ask_worker(struct alb_imgproxy_job *job)
{
    if (job->want.is_info)
        return ask_for(job, ALB_ORDER_FACTS);
    head_of_vector(job);
    if (alb_res_decided(job->req)) { /* the client has it: nobody has to clean it again */
        alb_imgproxy_tell(job, NULL);
        return ALB_IMGPROXY_DONE;
    }
    return job->door->config.config->debug_headers && !job->has_looked ? alb_imgproxy_ask_header(job)
                                                                       : ask_for(job, ALB_ORDER_CLEAN);
}

/* ---- its answer ---- */

static enum alb_imgproxy_next send_vector(struct alb_imgproxy_job *job, const struct alb_order_answer *o)
{
    head_of_vector(job);
    alb_res_type(job->req, "image/svg+xml");
    alb_imgproxy_debug_source(job);
    alb_imgproxy_tell(job, "svg");
    alb_res_bytes(job->req, o->bytes);
    return ALB_IMGPROXY_DONE;
}

static enum alb_hash_kind kind_of(int hash)
{
    static const enum alb_hash_kind kinds[] = {[ALB_IMGPROXY_HASH_MD5] = ALB_HASH_MD5,
                                               [ALB_IMGPROXY_HASH_SHA1] = ALB_HASH_SHA1,
                                               [ALB_IMGPROXY_HASH_SHA256] = ALB_HASH_SHA256,
                                               [ALB_IMGPROXY_HASH_SHA512] = ALB_HASH_SHA512};
    return kinds[hash];
}

#define SUM_FIRST ALB_IMGPROXY_HASH_MD5
#define SUM_LAST ALB_IMGPROXY_HASH_SHA512

#define SUM_SLICE ((int64_t)16 << 20)

static enum alb_imgproxy_next failed(struct alb_imgproxy_job *job, const struct alb_err *err)
{
    const struct alb_imgproxy_wrong wrong = alb_imgproxy_wrong_of(err->code, err);
    return alb_imgproxy_fail(job, &wrong);
}

/* The facts that are asked for, and how they are written: a name for the answer itself. */
static struct alb_str sum_of(const struct alb_imgproxy_job *job, struct alb_str json)
{
    unsigned char sum[ALB_SHA256_LEN];
    char text[2 * 16 + 1];
    alb_sha256(json.p, json.n, sum);
    alb_hex(sum, 16, text);
    return alb_arena_printf(job->arena, "info-%s", text);
}

static enum alb_imgproxy_next send_info(struct alb_imgproxy_job *job, const struct alb_imgproxy_sums *sums)
{
    const struct alb_order_answer *o =
        ALB_CONTAINER_OF(alb_future_result(job->future), struct alb_order_answer, obj);
    struct alb_buf out = ALB_BUF_INIT(ALB_IMGPROXY_INFO_MAX);
    struct alb_err err = ALB_ERR_INIT;
    if (alb_imgproxy_info_write(&job->want.info, o->probe, alb_door_input_size(&job->input[0]), sums, &out,
                                &err) != ALB_OK) {
        alb_buf_fini(&out);
        return failed(job, &err);
    }
    alb_imgproxy_head(job, sum_of(job, alb_buf_view(&out)), alb_door_input_no_store(&job->input[0]), NULL);
    alb_res_type(job->req, "application/json");
    alb_imgproxy_tell(job, NULL);
    alb_res_buf(job->req, &out);
    return ALB_IMGPROXY_DONE;
}

static enum alb_imgproxy_next begin_sums(struct alb_imgproxy_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    if (alb_imgproxy_open_bytes(job, &err) != ALB_OK)
        return failed(job, &err);
    for (int i = SUM_FIRST; i <= SUM_LAST; i++)
        alb_hash_init(&job->sums[i], kind_of(i));
    job->hashed = 0;
    job->stage = ALB_IMGPROXY_SUMMING;
    return ALB_IMGPROXY_ON;
}

enum alb_imgproxy_next alb_imgproxy_sum_up(struct alb_imgproxy_job *job)
{
    struct alb_imgproxy_sums sums = {{{0}}};
    unsigned char piece[8192], sum[ALB_HASH_MAX_LEN];
    struct alb_err err = ALB_ERR_INIT;
    int64_t size = alb_door_input_size(&job->input[0]), until = job->hashed + SUM_SLICE;
    size_t got = 1;
    while (job->hashed < size && job->hashed < until && got > 0) {
        if (alb_door_bytes_read(&job->bytes, (uint64_t)job->hashed, piece, sizeof(piece), &got, &err) !=
            ALB_OK)
            return failed(job, &err);
        job->hashed += (int64_t)got;
        for (int i = SUM_FIRST; i <= SUM_LAST; i++)
            if (job->want.info.hashes & (1u << i))
                alb_hash_update(&job->sums[i], piece, got);
    }
    if (job->hashed < size && got > 0)
        return alb_imgproxy_breathe(job);
    for (int i = SUM_FIRST; i <= SUM_LAST; i++)
        alb_hex(sum, alb_hash_final(&job->sums[i], sum), sums.text[i]);
    return send_info(job, &sums);
}

static enum alb_imgproxy_next looked(struct alb_imgproxy_job *job, enum alb_code code, struct alb_err *err)
{
    bool vector = alb_imgproxy_source_type(job) == ALB_TYPE_SVG;
    job->is_looking = false;
    job->has_looked = true;
    if (code == ALB_OK)
        job->header = ALB_CONTAINER_OF(alb_future_result(job->future), struct alb_order_answer, obj)->header;
    if (code == ALB_OK && !vector)
        code = alb_plan_check_source(&job->header, &job->wish.limits, err);
    if (code != ALB_OK && (!vector || code == ALB_E_TIMEOUT || code == ALB_E_BUSY))
        return failed(job, err);
    job->stage = ALB_IMGPROXY_CHOSEN;
    return ALB_IMGPROXY_ON;
}

enum alb_imgproxy_next alb_imgproxy_told(struct alb_imgproxy_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = alb_future_error(job->future, &err);
    if (alb_req_timed_out(job->req))
        code = alb_fail(&err, ALB_E_TIMEOUT, "a worker did not answer in time");
    if (job->is_looking)
        return looked(job, code, &err);
    if (code != ALB_OK) {
        struct alb_imgproxy_wrong wrong = alb_imgproxy_wrong_of(code, &err);
        if (code == ALB_E_UNPROCESSABLE && !job->want.is_info)
            wrong.text = "Broken or unsupported SVG image";
        return alb_imgproxy_fail(job, &wrong);
    }
    const struct alb_order_answer *o =
        ALB_CONTAINER_OF(alb_future_result(job->future), struct alb_order_answer, obj);
    if (!job->want.is_info)
        return send_vector(job, o);
    const struct alb_imgproxy_sums none = {{{0}}};
    return job->want.info.hashes ? begin_sums(job) : send_info(job, &none);
}
