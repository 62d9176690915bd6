/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/upkeep.h"

#include "render/origin.h"

enum alb_code alb_upkeep_start(const struct alb_options *o, struct alb_cache *results,
                               struct alb_origins *origins, struct alb_keeper **keeper, struct alb_err *err)
{
    struct alb_keeper_config config = {.caches = {results},
                                       .scrub_rate = alb_opt_size(o, ALB_P_CACHE_SCRUB_RATE),
                                       .scrub_pause_ns = alb_opt_duration(o, ALB_P_CACHE_SCRUB_PAUSE)};
    if (origins)
        alb_origins_caches(origins, &config.caches[1], &config.caches[2]);
    return alb_keeper_start(&config, keeper, err);
}
