/* SPDX-License-Identifier: Apache-2.0
 *
 * The source's bytes as they are: streamed in checked blocks, ranges included, in a sandbox for the browser
 * (answer.c) since nobody has looked at more than their header, and at raw ones not even that.
 */
#include "base/codec.h"
#include "doors/imgproxy/job.h"

enum alb_code alb_imgproxy_open_bytes(struct alb_imgproxy_job *job, struct alb_err *err)
{
    return alb_door_bytes_open(&job->bytes, job->door->config.store, &job->input[0], err);
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
    alb_imgproxy_head(job, alb_door_input_name(&job->input[0], job->arena),
                      alb_door_input_no_store(&job->input[0]), ending);
    if (must_look(job))
        return alb_imgproxy_ask_header(job);
    alb_res_type(job->req, type);
    if (!job->want.raw)
        alb_imgproxy_debug_source(job);
    if (!ending && job->want.attachment)
        alb_res_disposition(job->req, true, job->want.filename);
    alb_imgproxy_tell(job, job->want.raw ? NULL : ending);
    alb_res_source(job->req, (uint64_t)alb_door_input_size(&job->input[0]), alb_door_bytes_read, &job->bytes);
    return ALB_IMGPROXY_DONE;
}
