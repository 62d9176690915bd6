/* SPDX-License-Identifier: Apache-2.0
 *
 * The source's bytes as they are: streamed in checked blocks, ranges included, in a sandbox for the browser
 * (answer.c) since nobody has looked at more than their header, and at raw ones not even that.
 */
#include "base/codec.h"
#include "doors/imgproxy/job.h"

enum alb_code alb_imgproxy_open_bytes(struct alb_imgproxy_job *job, struct alb_err *err)
{
    const struct alb_imgproxy_held *h = &job->input[0];
    if (job->original || job->reader)
        return ALB_OK;
    return h->asset ? alb_original_open(job->door->config.store, h->asset, &job->original, err)
                    : alb_origin_reader_open(h->origin, &job->reader, err);
}

int64_t alb_imgproxy_bytes_size(const struct alb_imgproxy_job *job)
{
    return job->input[0].asset ? job->input[0].asset->size : job->input[0].origin->size;
}

enum alb_code alb_imgproxy_read(void *ctx, uint64_t off, void *p, size_t n, size_t *got, struct alb_err *err)
{
    struct alb_imgproxy_job *job = ctx;
    return job->original ? alb_original_read(job->original, off, p, n, got, err)
                         : alb_origin_read(job->reader, (int64_t)off, p, n, got, err);
}

static struct alb_str etag_of(const struct alb_imgproxy_job *job)
{
    char text[2 * ALB_SHA256_LEN + 1];
    const struct alb_imgproxy_held *h = &job->input[0];
    alb_hex(h->asset ? h->asset->sha256 : h->origin->identity, ALB_SHA256_LEN, text);
    return alb_arena_str(job->arena, alb_str_c(text));
}

/* The limits of sources are for those too that are passed on: else a browser is sent what we would not open. */
static bool must_look(const struct alb_imgproxy_job *job)
{
    if (job->want.raw || job->has_looked || alb_res_decided(job->req))
        return false;
    return alb_imgproxy_source_type(job) != ALB_TYPE_SVG || job->door->config.config->debug_headers;
}

enum alb_imgproxy_next alb_imgproxy_send_bytes(struct alb_imgproxy_job *job, const char *type,
                                               const char *ending)
{
    struct alb_err err = ALB_ERR_INIT;
    if (alb_imgproxy_open_bytes(job, &err) != ALB_OK) {
        const struct alb_imgproxy_wrong wrong = alb_imgproxy_wrong_of(err.code, &err);
        return alb_imgproxy_fail(job, &wrong);
    }
    alb_imgproxy_head(job, etag_of(job), job->input[0].origin && job->input[0].origin->no_store, ending);
    if (must_look(job))
        return alb_imgproxy_ask_header(job);
    alb_res_type(job->req, type);
    if (!job->want.raw)
        alb_imgproxy_debug_source(job);
    if (!ending && job->want.attachment)
        alb_res_disposition(job->req, true, job->want.filename);
    alb_imgproxy_tell(job, job->want.raw ? NULL : ending);
    alb_res_source(job->req, (uint64_t)alb_imgproxy_bytes_size(job), alb_imgproxy_read, job);
    return ALB_IMGPROXY_DONE;
}
