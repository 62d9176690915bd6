/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/imgproxy_house.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/build.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/options.h"
#include "base/timer.h"
#include "cmd/imgproxy_cache.h"
#include "cmd/ranges.h"
#include "cmd/upkeep.h"
#include "doors/imgproxy/env.h"
#include "fetch/client.h"
#include "image/darkroom.h"
#include "personality/imgproxy.h"
#include "personality/life.h"
#include "render/origin.h"

#define TIMERS_MAX 65536
#define CLIENT_FOREVER (86400 * ALB_NS_PER_S) /* where CLIENT_KEEP_ALIVE_TIMEOUT is 0: no limit */
#define QUEUE 512 /* where REQUESTS_QUEUE_SIZE is 0 */

const char alb_imgproxy_text[] = "Takes imgproxy's place: pictures in any size and form by URL, set up by "
                                 "imgproxy's variables (below, and "
                                 "`albumen\n"
                                 "imgproxy --help`), on port 8080. health asks the one that runs with the "
                                 "same variables, version prints the "
                                 "version.\n"
                                 "docs/doors/imgproxy.md says what differs from imgproxy 4.\n";

struct house {
    struct alb_options *options;
    struct alb_imgproxy_config *config;
    struct alb_imgproxy_cache cache;
    struct alb_timers *timers;
    struct alb_pool *pool;
    struct alb_fetch *fetch;
    struct alb_darkroom *darkroom;
    struct alb_render *render;
    struct alb_origins *origins;
    struct alb_canary *canary;
    struct alb_upkeep upkeep;
    struct alb_keeper *keeper;
    struct alb_imgproxy_service *service;
    struct alb_plan_limits limits;
    int local_dirfd;
};

static unsigned processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (unsigned)n;
}

static unsigned queue_of(const struct house *h)
{
    int64_t n = h->config->queue > 0 ? h->config->queue : QUEUE;
    return n < TIMERS_MAX / 4 ? (unsigned)n : TIMERS_MAX / 4;
}

/* ---- up ---- */

static enum alb_code open_threads(struct house *h, struct alb_err *err)
{
    int64_t threads = alb_opt_int(h->options, ALB_P_IO_THREADS);
    const struct alb_pool_config pool = {.name = "io",
                                         .threads = threads > 0 ? (unsigned)threads : processors() * 4,
                                         .queue_max = (unsigned)alb_opt_int(h->options, ALB_P_IO_QUEUE)};
    unsigned transfers = (unsigned)alb_opt_int(h->options, ALB_P_SOURCE_FETCHES);
    const struct alb_fetch_config fetch = {
        .agent = "imgproxy",
        .transfers = transfers,
        .queue = transfers,
        .per_host = (unsigned)alb_opt_int(h->options, ALB_P_SOURCE_FETCHES_PER_HOST),
        .idle_ns = h->config->client_keep_alive > 0 ? h->config->client_keep_alive : CLIENT_FOREVER};
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

/* The server's limits: imgproxy's where it has one. */
static void make_limits(struct house *h, const struct alb_plan_limits *server)
{
    const struct alb_imgproxy_limits *c = &h->config->limits;
    h->limits = *server;
    h->limits.source_pixels = h->limits.animation_pixels = (uint64_t)c->source_pixels;
    if (c->source_bytes > 0 && c->source_bytes < h->limits.source_bytes)
        h->limits.source_bytes = c->source_bytes;
    if (c->frames < h->limits.frames)
        h->limits.frames = (uint32_t)c->frames;
    h->limits.frame_pixels = (uint64_t)c->frame_pixels;
    if (c->result_side > 0 && c->result_side < h->limits.result_side)
        h->limits.result_side = (uint32_t)c->result_side;
}

static enum alb_code open_render(struct house *h, struct alb_err *err)
{
    const struct alb_options *o = h->options;
    struct alb_darkroom_config darkroom;
    int64_t workers = h->config->workers;
    alb_darkroom_config_default(&darkroom);
    enum alb_code code = alb_darkroom_config_options(&darkroom, o, err);
    if (code != ALB_OK)
        return code;
    /* A worker is never idle here while there is work: more of them than cores only make all of them slower. */
    darkroom.render_workers = alb_render_slots(workers > 0 && workers < processors() ? (unsigned)workers : 0);
    darkroom.job_ns = h->config->timeout;
    darkroom.limits.png_unlimited = h->config->png_unlimited;
    darkroom.limits.svg_unlimited = h->config->svg_unlimited;
    make_limits(h, &darkroom.limits);
    code = alb_darkroom_open(&darkroom, &h->darkroom, err);
    if (code != ALB_OK)
        return code;
    const struct alb_render_config render = {.clock = alb_clock_real(),
                                             .pool = h->pool,
                                             .timers = h->timers,
                                             .darkroom = h->darkroom,
                                             .cache = h->cache.results,
                                             .purges = h->cache.purges,
                                             .claims = h->cache.claims,
                                             .slots = darkroom.render_workers,
                                             .vector_slots = darkroom.font_workers,
                                             .queue_max = queue_of(h),
                                             .budget_bytes = (uint64_t)alb_opt_size(o, ALB_P_RENDER_MEMORY),
                                             .deadline_ns = h->config->timeout,
                                             .limits = h->limits,
                                             .hot_bytes = (size_t)alb_opt_size(o, ALB_P_HOT_CACHE_SIZE)};
    code = alb_render_new(&render, &h->render, err);
    return code == ALB_OK ? alb_canary_open(h->darkroom, &h->canary, err) : code;
}

static enum alb_code open_local(struct house *h, struct alb_err *err)
{
    char path[4096];
    if (h->config->local_root.n == 0)
        return ALB_OK;
    if (!alb_str_to_c(h->config->local_root, path, sizeof(path)))
        return alb_fail(err, ALB_E_INVALID, "IMGPROXY_LOCAL_FILESYSTEM_ROOT is no path");
    if (alb_fs_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &h->local_dirfd, err) != ALB_OK)
        alb_err_context(err, "IMGPROXY_LOCAL_FILESYSTEM_ROOT");
    return err->code;
}

static enum alb_code open_origins(struct house *h, struct alb_err *err)
{
    const struct alb_imgproxy_config *c = h->config;
    struct alb_origins_config origins = {.clock = alb_clock_real(),
                                         .pool = h->pool,
                                         .fetch = h->fetch,
                                         .data_dirfd = h->cache.dirfd,
                                         .tmp_dirfd = h->cache.tmpfd,
                                         .quarantine = h->cache.quarantine,
                                         .purges = h->cache.purges,
                                         .shared = true,
                                         .local_dirfd = h->local_dirfd};
    alb_origins_config_options(&origins, h->options);
    origins.local_separator = c->query_separator.n > 0 ? c->query_separator.p[0] : '\0';
    return alb_origins_open(&origins, &h->origins, err);
}

static enum alb_code open_upkeep(struct house *h, struct alb_err *err)
{
    h->upkeep = (struct alb_upkeep){.results = h->cache.results,
                                    .purges = h->cache.purges,
                                    .render = h->render,
                                    .origins = h->origins};
    return alb_upkeep_start(h->options, &h->upkeep, &h->keeper, err);
}

static enum alb_code open_service(struct house *h, struct alb_err *err)
{
    const struct alb_imgproxy_service_config service = {.config = h->config,
                                                        .options = h->options,
                                                        .pool = h->pool,
                                                        .render = h->render,
                                                        .origins = h->origins,
                                                        .darkroom = h->darkroom,
                                                        .canary = h->canary,
                                                        .limits = h->limits,
                                                        .may_degrade =
                                                            alb_opt_bool(h->options, ALB_P_DEGRADE)};
    return alb_imgproxy_service_open(&service, &h->service, err);
}

static enum alb_code up(struct house *h, struct alb_err *err)
{
    enum alb_code code = alb_imgproxy_cache_open(h->options, &h->cache, err);
    if (code == ALB_OK)
        code = open_threads(h, err);
    if (code == ALB_OK)
        code = open_render(h, err);
    if (code == ALB_OK)
        code = open_local(h, err);
    if (code == ALB_OK)
        code = open_origins(h, err);
    if (code == ALB_OK)
        code = open_upkeep(h, err);
    return code == ALB_OK ? open_service(h, err) : code;
}

/* ---- down ---- */

/* False: something had to be cut. */
static bool down(struct house *h)
{
    int64_t deadline = alb_deadline(alb_mono(alb_clock_real()), h->config->graceful_stop);
    bool clean = alb_imgproxy_service_stop(h->service, deadline);
    alb_imgproxy_service_free(&h->service);
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
    alb_imgproxy_cache_close(&h->cache);
    alb_fs_close(&h->local_dirfd);
    return clean;
}

static void wait_for_end(struct house *h, const sigset_t *set)
{
    for (;;) {
        int number = sigwaitinfo(set, NULL);
        if (number == SIGTERM || number == SIGINT)
            return;
        if (number == SIGQUIT)
            alb_imgproxy_service_dump(h->service, STDERR_FILENO);
    }
}

static int serve(struct house *h)
{
    struct alb_err err = ALB_ERR_INIT;
    sigset_t set;
    alb_life_block_signals(&set);
    (void)umask(077);
    if (up(h, &err) != ALB_OK) {
        alb_log(ALB_LOG_ERROR, "cannot start", ALB_LOG_C("error", err.msg));
        (void)down(h);
        return 1;
    }
    alb_http_notify("READY=1");
    wait_for_end(h, &set);
    alb_http_notify("STOPPING=1");
    alb_log_event(ALB_LOG_INFO, "Shutting down");
    alb_life_arm_second_signal("");
    if (!down(h))
        alb_log_event(ALB_LOG_WARN, "some requests were cut: they had not ended in time");
    return 0;
}

/* ---- the command ---- */

static void log_remarks(struct alb_buf *remarks)
{
    struct alb_str rest = alb_buf_view(remarks), line;
    char text[512];
    while (rest.n > 0 && alb_str_next(&rest, '\n', &line))
        if (line.n > 0 && alb_str_to_c(alb_str_sub(line, 0, sizeof(text) - 1), text, sizeof(text)))
            alb_log_event(ALB_LOG_WARN, text);
}

static int run(struct house *h, const char *word, char **envp)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_buf remarks = ALB_BUF_INIT(ALB_IMGPROXY_REMARKS_MAX);
    int status = 1;
    if (alb_imgproxy_config_from_env((const char *const *)envp, &h->config, &remarks, &err) != ALB_OK) {
        alb_log_setup(STDOUT_FILENO, isatty(STDOUT_FILENO) ? ALB_LOG_PRETTY : ALB_LOG_STRUCTURED,
                      ALB_LOG_INFO);
        alb_log(ALB_LOG_ERROR, "cannot start", ALB_LOG_C("error", err.msg));
    } else if (strcmp(word, "health") == 0) {
        status = alb_imgproxy_ask_health(h->config);
    } else {
        alb_log_setup(STDOUT_FILENO, alb_imgproxy_log_format(h->config, STDOUT_FILENO),
                      alb_imgproxy_log_level(h->config));
        log_remarks(&remarks);
        status = serve(h);
    }
    alb_buf_fini(&remarks);
    alb_imgproxy_config_unref(h->config);
    return status;
}

int alb_imgproxy(int argc, char **argv, char **envp)
{
    static struct house house;
    struct house *h = &house;
    struct alb_err err = ALB_ERR_INIT;
    char **words = NULL;
    int status = 2;
    h->cache = (struct alb_imgproxy_cache){.dirfd = -1, .tmpfd = -1};
    h->local_dirfd = -1;
    if (alb_options_parse(ALB_CMD_IMGPROXY, argc, argv, envp, &h->options, &words, &err) != ALB_OK ||
        alb_ranges_check(h->options, &err) != ALB_OK) {
        fprintf(stderr, "albumen: %s\n(albumen imgproxy --help shows the options)\n", err.msg);
        alb_options_free(&h->options);
        return 2;
    }
    const char *word = words[0] ? words[0] : "";
    bool known = !word[0] || strcmp(word, "health") == 0 || strcmp(word, "version") == 0;
    if (!known || (word[0] && words[1]))
        fprintf(stderr, "albumen: imgproxy takes options, health or version, not \"%s\"\n",
                known ? words[1] : word);
    else if (strcmp(word, "version") == 0)
        status = printf("%s\n", alb_version()) < 0 ? 1 : 0;
    else
        status = run(h, word, envp);
    alb_options_free(&h->options);
    return status;
}
