/* SPDX-License-Identifier: Apache-2.0
 *
 * The darkroom's limits from the option table: the one place where their names, ranges and defaults meet.
 */
#include "base/options.h"
#include "image/darkroom.h"

struct count {
    enum alb_param param;
    const char *name;
    int64_t least, most;
};

static enum alb_code check(const struct alb_options *o, struct alb_err *err)
{
    static const struct count counts[] = {
        {ALB_P_PICTURE_PIXELS, "picture-pixels", 1, 10000000000},
        {ALB_P_ANIMATION_PIXELS, "animation-pixels", 1, 10000000000},
        {ALB_P_ANIMATION_FRAMES, "animation-frames", 1, 100000},
        {ALB_P_RESULT_SIDE, "result-side", 1, 65535},
        {ALB_P_RESULT_PIXELS, "result-pixels", 1, 4000000000},
        {ALB_P_WORKER_JOBS, "worker-jobs", 1, 1000000},
        {ALB_P_WORKER_QUEUE, "worker-queue", 1, 1000000},
    };
    static const struct count sizes[] = {
        {ALB_P_PICTURE_SIZE, "picture-size", 1, INT64_MAX},
        {ALB_P_PICTURE_MEMORY, "picture-memory", (int64_t)64 << 20, INT64_MAX},
        {ALB_P_WORKER_MEMORY, "worker-memory", (int64_t)256 << 20, (int64_t)1 << 46},
        {ALB_P_RESULT_SIZE, "result-size", (int64_t)1 << 20, INT64_MAX},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(counts); i++) {
        int64_t v = alb_opt_int(o, counts[i].param);
        if (v < counts[i].least || v > counts[i].most)
            return alb_fail(err, ALB_E_INVALID, "--%s must be from %lld to %lld", counts[i].name,
                            (long long)counts[i].least, (long long)counts[i].most);
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(sizes); i++) {
        int64_t v = alb_opt_size(o, sizes[i].param);
        if (v < sizes[i].least || v > sizes[i].most)
            return alb_fail(err, ALB_E_INVALID, "--%s must be at least %lld bytes", sizes[i].name,
                            (long long)sizes[i].least);
    }
    return ALB_OK;
}

enum alb_code alb_darkroom_config_options(struct alb_darkroom_config *c, const struct alb_options *o,
                                          struct alb_err *err)
{
    enum alb_code code = check(o, err);
    if (code != ALB_OK)
        return code;
    c->queue_max = (unsigned)alb_opt_int(o, ALB_P_WORKER_QUEUE);
    c->jobs_per_worker = (unsigned)alb_opt_int(o, ALB_P_WORKER_JOBS);
    c->memory = (uint64_t)alb_opt_size(o, ALB_P_WORKER_MEMORY);
    c->result_max = (uint64_t)alb_opt_size(o, ALB_P_RESULT_SIZE);
    c->limits = (struct alb_plan_limits){
        .source_bytes = alb_opt_size(o, ALB_P_PICTURE_SIZE),
        .source_pixels = (uint64_t)alb_opt_int(o, ALB_P_PICTURE_PIXELS),
        .animation_pixels = (uint64_t)alb_opt_int(o, ALB_P_ANIMATION_PIXELS),
        .frames = (uint32_t)alb_opt_int(o, ALB_P_ANIMATION_FRAMES),
        .result_side = (uint32_t)alb_opt_int(o, ALB_P_RESULT_SIDE),
        .result_pixels = (uint64_t)alb_opt_int(o, ALB_P_RESULT_PIXELS),
        .memory = (uint64_t)alb_opt_size(o, ALB_P_PICTURE_MEMORY),
    };
    return ALB_OK;
}
