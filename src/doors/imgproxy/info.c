/* SPDX-License-Identifier: Apache-2.0
 *
 * What only a worker can tell: the facts of /info, and an SVG without what could run in a browser.
 */
#include "base/codec.h"
#include "doors/imgproxy/info.h"
#include "doors/imgproxy/job.h"
#include "render/order.h"

enum alb_imgproxy_next alb_imgproxy_ask_worker(struct alb_imgproxy_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    const struct alb_order_ask ask = {.kind = job->want.is_info ? ALB_ORDER_FACTS : ALB_ORDER_CLEAN,
                                      .source = job->input[0].asset,
                                      .origin = job->input[0].origin,
                                      .type = alb_imgproxy_source_type(job),
                                      .deadline = job->deadline};
    alb_future_unref(job->future);
    job->future = NULL;
    alb_req_wait_until(job->req, job->deadline);
    if (alb_render_order(job->door->config.render, &ask, alb_req_waiter(job->req, false), &job->future, &err) !=
        ALB_OK) {
        const struct alb_imgproxy_wrong wrong = alb_imgproxy_wrong_of(err.code, &err);
        return alb_imgproxy_fail(job, &wrong);
    }
    job->stage = ALB_IMGPROXY_ASKED;
    alb_req_doing(job->req, "waiting for a worker's words");
    (void)alb_req_wait_joined(job->req, job->future);
    return ALB_IMGPROXY_WAIT;
}

/* ---- its answer ---- */

static struct alb_str identity(const struct alb_imgproxy_job *job, const char *what)
{
    char text[2 * ALB_SHA256_LEN + 1];
    const struct alb_imgproxy_held *h = &job->input[0];
    alb_hex(h->asset ? h->asset->sha256 : h->origin->identity, ALB_SHA256_LEN, text);
    text[32] = '\0';
    return alb_arena_printf(job->arena, "%s-%s", what, text);
}

static enum alb_imgproxy_next send_vector(struct alb_imgproxy_job *job, const struct alb_order_answer *o)
{
    alb_imgproxy_head(job, identity(job, "svg1"), job->input[0].origin && job->input[0].origin->no_store,
                      "svg");
    alb_res_type(job->req, "image/svg+xml");
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

static enum alb_code sum_up(struct alb_imgproxy_job *job, struct alb_imgproxy_sums *sums, struct alb_err *err)
{
    struct alb_hash hash[SUM_LAST + 1];
    unsigned char piece[8192], sum[ALB_HASH_MAX_LEN];
    int64_t size = alb_imgproxy_bytes_size(job), at = 0;
    size_t got = 1;
    enum alb_code code = alb_imgproxy_open_bytes(job, err);
    for (int i = SUM_FIRST; i <= SUM_LAST; i++)
        alb_hash_init(&hash[i], kind_of(i));
    while (code == ALB_OK && at < size && got > 0) {
        code = alb_imgproxy_read(job, (uint64_t)at, piece, sizeof(piece), &got, err);
        at += (int64_t)got;
        for (int i = SUM_FIRST; i <= SUM_LAST && code == ALB_OK; i++)
            if (job->want.info.hashes & (1u << i))
                alb_hash_update(&hash[i], piece, got);
    }
    for (int i = SUM_FIRST; i <= SUM_LAST; i++)
        alb_hex(sum, alb_hash_final(&hash[i], sum), sums->text[i]);
    return code;
}

static enum alb_imgproxy_next send_info(struct alb_imgproxy_job *job, const struct alb_order_answer *o)
{
    struct alb_buf out = ALB_BUF_INIT(ALB_IMGPROXY_INFO_MAX);
    struct alb_err err = ALB_ERR_INIT;
    struct alb_imgproxy_sums sums = {{{0}}};
    enum alb_code code = job->want.info.hashes ? sum_up(job, &sums, &err) : ALB_OK;
    if (code == ALB_OK)
        code = alb_imgproxy_info_write(&job->want.info, o->probe, alb_imgproxy_bytes_size(job), &sums, &out,
                                       &err);
    if (code != ALB_OK) {
        const struct alb_imgproxy_wrong wrong = alb_imgproxy_wrong_of(code, &err);
        alb_buf_fini(&out);
        return alb_imgproxy_fail(job, &wrong);
    }
    alb_imgproxy_head(job, ALB_STR_NONE, job->input[0].origin && job->input[0].origin->no_store, NULL);
    alb_res_type(job->req, "application/json");
    alb_res_buf(job->req, &out);
    return ALB_IMGPROXY_DONE;
}

enum alb_imgproxy_next alb_imgproxy_told(struct alb_imgproxy_job *job)
{
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = alb_future_error(job->future, &err);
    if (alb_req_timed_out(job->req))
        code = alb_fail(&err, ALB_E_TIMEOUT, "a worker did not answer in time");
    if (code != ALB_OK) {
        struct alb_imgproxy_wrong wrong = alb_imgproxy_wrong_of(code, &err);
        if (code == ALB_E_UNPROCESSABLE && !job->want.is_info)
            wrong.text = "Broken or unsupported SVG image";
        return alb_imgproxy_fail(job, &wrong);
    }
    const struct alb_order_answer *o =
        ALB_CONTAINER_OF(alb_future_result(job->future), struct alb_order_answer, obj);
    return job->want.is_info ? send_info(job, o) : send_vector(job, o);
}
