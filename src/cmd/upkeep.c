/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/upkeep.h"

#include <fcntl.h>

#include "base/fs.h"
#include "base/log.h"
#include "blob/claims.h"
#include "render/books.h"
#include "render/origin.h"
#include "render/render.h"

static void retired(void *arg)
{
    const struct alb_upkeep *u = arg;
    if (u->render)
        alb_render_purges_retired(u->render);
    if (u->origins)
        alb_origins_purges_retired(u->origins);
}

enum alb_code alb_upkeep_start(const struct alb_options *o, struct alb_upkeep *u, struct alb_keeper **keeper,
                               struct alb_err *err)
{
    struct alb_keeper_config config = {.caches = {u->results},
                                       .purges = u->purges,
                                       .retired = retired,
                                       .arg = u,
                                       .scrub_rate = alb_opt_size(o, ALB_P_CACHE_SCRUB_RATE),
                                       .scrub_pause_ns = alb_opt_duration(o, ALB_P_CACHE_SCRUB_PAUSE)};
    if (u->origins)
        alb_origins_caches(u->origins, &config.caches[1], &config.caches[2]);
    return alb_keeper_start(&config, keeper, err);
}

struct alb_render_scrub alb_upkeep_scrub(void *keeper)
{
    struct alb_keeper *const *k = keeper;
    struct alb_keeper_view v = {0};
    if (*k)
        v = alb_keeper_look(*k);
    return (struct alb_render_scrub){
        .rounds = v.rounds, .files = v.now.seen, .bytes = v.now.bytes, .corrupt = v.now.bad};
}

void alb_upkeep_open_purges(int dirfd, bool shared, struct alb_purges **purges)
{
    struct alb_purges_config config = {
        .dirfd = -1, .tmp_dirfd = -1, .clock = alb_clock_real(), .shared = shared};
    struct alb_err err = ALB_ERR_INIT;
    *purges = NULL;
    enum alb_code code = alb_fs_mkdirs(dirfd, "cache", 0700, &err);
    if (code == ALB_OK)
        code = alb_fs_open(dirfd, "cache", O_RDONLY | O_DIRECTORY, 0, &config.dirfd, &err);
    if (code == ALB_OK)
        code = alb_fs_open(dirfd, "tmp", O_RDONLY | O_DIRECTORY, 0, &config.tmp_dirfd, &err);
    if (code == ALB_OK)
        code = alb_purges_open(&config, purges, &err);
    if (code != ALB_OK)
        alb_log(ALB_LOG_WARN, "nothing can be purged from the caches", ALB_LOG_C("error", err.msg));
    alb_fs_close(&config.dirfd);
    alb_fs_close(&config.tmp_dirfd);
}

void alb_upkeep_open_claims(int dirfd, struct alb_claims **claims)
{
    struct alb_err err = ALB_ERR_INIT;
    int folder = -1;
    *claims = NULL;
    enum alb_code code = alb_fs_open(dirfd, "cache", O_RDONLY | O_DIRECTORY, 0, &folder, &err);
    if (code == ALB_OK)
        code = alb_claims_open(folder, claims, &err);
    if (code != ALB_OK)
        alb_log(ALB_LOG_INFO, "processes that share the cache do not wait for each other", ALB_LOG_C("error", err.msg));
    alb_fs_close(&folder);
}
