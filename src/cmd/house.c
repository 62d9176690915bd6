/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/house.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/timer.h"
#include "fetch/client.h"

#define TIMERS_MAX 65536
#define CLIENT_FOREVER (86400 * ALB_NS_PER_S)

static unsigned processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (unsigned)n;
}

static unsigned queue_of(const struct alb_house_config *c)
{
    int64_t n = c->queue > 0 ? c->queue : ALB_HOUSE_QUEUE;
    return n < TIMERS_MAX / 4 ? (unsigned)n : TIMERS_MAX / 4;
}

/* ---- up ---- */

static enum alb_code open_threads(const struct alb_house_config *c, struct alb_house *h, struct alb_err *err)
{
    int64_t threads = alb_opt_int(c->options, ALB_P_IO_THREADS);
    const struct alb_pool_config pool = {.name = "io",
                                         .threads = threads > 0 ? (unsigned)threads : processors() * 4,
                                         .queue_max = (unsigned)alb_opt_int(c->options, ALB_P_IO_QUEUE)};
    unsigned transfers = (unsigned)alb_opt_int(c->options, ALB_P_SOURCE_FETCHES);
    const struct alb_fetch_config fetch = {
        .agent = c->name,
        .transfers = transfers,
        .queue = transfers,
        .per_host = (unsigned)alb_opt_int(c->options, ALB_P_SOURCE_FETCHES_PER_HOST),
        .idle_ns = c->client_idle_ns > 0 ? c->client_idle_ns : CLIENT_FOREVER};
    h->timers = alb_timers_new(alb_clock_real(), TIMERS_MAX);
    if (!h->timers)
        return alb_fail(err, ALB_E_NO_MEMORY, "timers");
    enum alb_code code = alb_timers_start(h->timers, err);
    if (code == ALB_OK)
        code = alb_pool_new(&pool, &h->pool, err);
    if (code == ALB_OK)
        code = alb_fetch_open(&fetch, &h->fetch, err);
    return code;
}

static enum alb_code open_darkroom(const struct alb_house_config *c, struct alb_house *h,
                                   struct alb_darkroom_config *darkroom, struct alb_err *err)
{
    alb_darkroom_config_default(darkroom);
    enum alb_code code = alb_darkroom_config_options(darkroom, c->options, err);
    if (code != ALB_OK)
        return code;
    /* A worker is never idle here while there is work: more of them than cores only make all of them slower. */
    darkroom->render_workers =
        alb_render_slots(c->workers > 0 && c->workers < processors() ? (unsigned)c->workers : 0);
    darkroom->job_ns = c->job_ns;
    darkroom->limits.png_unlimited = c->png_unlimited;
    darkroom->limits.svg_unlimited = c->svg_unlimited;
    h->limits = darkroom->limits;
    c->limit(c->ctx, &h->limits);
    return alb_darkroom_open(darkroom, &h->darkroom, err);
}

static enum alb_code open_render(const struct alb_house_config *c, struct alb_house *h, struct alb_err *err)
{
    struct alb_darkroom_config darkroom;
    enum alb_code code = open_darkroom(c, h, &darkroom, err);
    if (code != ALB_OK)
        return code;
    const struct alb_render_config render = {
        .clock = alb_clock_real(),
        .pool = h->pool,
        .timers = h->timers,
        .darkroom = h->darkroom,
        .cache = h->cache.results,
        .purges = h->cache.purges,
        .claims = h->cache.claims,
        .slots = darkroom.render_workers,
        .vector_slots = darkroom.font_workers,
        .queue_max = queue_of(c),
        .budget_bytes = (uint64_t)alb_opt_size(c->options, ALB_P_RENDER_MEMORY),
        .deadline_ns = c->job_ns,
        .limits = h->limits,
        .hot_bytes = (size_t)alb_opt_size(c->options, ALB_P_HOT_CACHE_SIZE),
        .max_age_ms = alb_opt_duration(c->options, ALB_P_CACHE_MAX_AGE) / ALB_NS_PER_MS};
    code = alb_render_new(&render, &h->render, err);
    return code == ALB_OK ? alb_canary_open(h->darkroom, &h->canary, err) : code;
}

static enum alb_code open_local(const struct alb_house_config *c, struct alb_house *h, struct alb_err *err)
{
    char path[4096];
    if (c->local_root.n == 0)
        return ALB_OK;
    if (!alb_str_to_c(c->local_root, path, sizeof(path)))
        return alb_fail(err, ALB_E_INVALID, "%s is no path", c->local_name);
    if (alb_fs_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &h->local_dirfd, err) != ALB_OK)
        alb_err_context(err, "%s", c->local_name);
    return err->code;
}

static enum alb_code open_origins(const struct alb_house_config *c, struct alb_house *h, struct alb_err *err)
{
    struct alb_origins_config origins = {.clock = alb_clock_real(),
                                         .pool = h->pool,
                                         .fetch = h->fetch,
                                         .data_dirfd = h->cache.dirfd,
                                         .tmp_dirfd = h->cache.tmpfd,
                                         .quarantine = h->cache.quarantine,
                                         .purges = h->cache.purges,
                                         .shared = true,
                                         .local_dirfd = h->local_dirfd};
    alb_origins_config_options(&origins, c->options);
    origins.local_separator = c->local_separator;
    return alb_origins_open(&origins, &h->origins, err);
}

static enum alb_code open_upkeep(const struct alb_house_config *c, struct alb_house *h, struct alb_err *err)
{
    h->upkeep = (struct alb_upkeep){
        .results = h->cache.results, .purges = h->cache.purges, .render = h->render, .origins = h->origins};
    return alb_upkeep_start(c->options, &h->upkeep, &h->keeper, err);
}

enum alb_code alb_house_up(const struct alb_house_config *c, struct alb_house *h, struct alb_err *err)
{
    enum alb_code code = alb_house_cache_open(c->options, c->name, &h->cache, err);
    if (code == ALB_OK)
        code = open_threads(c, h, err);
    if (code == ALB_OK)
        code = open_render(c, h, err);
    if (code == ALB_OK)
        code = open_local(c, h, err);
    if (code == ALB_OK)
        code = open_origins(c, h, err);
    return code == ALB_OK ? open_upkeep(c, h, err) : code;
}

/* ---- down ---- */

void alb_house_down(struct alb_house *h)
{
    alb_keeper_stop(&h->keeper);
    if (h->origins)
        alb_origins_close(&h->origins);
    alb_render_free(&h->render);
    if (h->fetch)
        alb_fetch_close(&h->fetch);
    if (h->pool)
        alb_pool_free(&h->pool);
    if (h->darkroom)
        alb_darkroom_close(&h->darkroom);
    alb_canary_close(&h->canary);
    if (h->timers)
        alb_timers_free(&h->timers);
    alb_house_cache_close(&h->cache);
    alb_fs_close(&h->local_dirfd);
}
