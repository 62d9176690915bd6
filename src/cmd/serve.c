/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/serve.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/timer.h"
#include "cmd/control.h"
#include "cmd/imgproxy.h"
#include "cmd/thumbor.h"
#include "cmd/local.h"
#include "cmd/ranges.h"
#include "cmd/upkeep.h"
#include "cmd/watchdog.h"
#include "doors/immich/immich.h"
#include "doors/ops/ops.h"
#include "doors/tus/tus.h"
#include "doors/web/assets.h"
#include "image/darkroom.h"
#include "ingest/ingest.h"
#include "jobs/jobs.h"
#include "library/auth.h"
#include "personality/life.h"
#include "personality/tus_hooks.h"
#include "render/render.h"
#include "upload/upload.h"

#define TIMERS_MAX 65536
#define SWEEP_GRACE_MS ((int64_t)24 * 3600 * 1000)

struct house {
    const struct alb_options *options;
    struct alb_folder folder;
    struct alb_timers *timers;
    struct alb_pool *pool;
    struct alb_darkroom *darkroom;
    struct alb_plan_limits limits;
    struct alb_render *render;
    struct alb_serve_imgproxy imgproxy;
    struct alb_serve_thumbor thumbor;
    struct alb_ingest *ingest;
    struct alb_uploads *uploads;
    struct alb_jobs *jobs;
    _Atomic(struct alb_jobs *) told; /* the same, for the catalog's writer: NULL until they run */
    struct alb_upkeep upkeep;
    struct alb_keeper *keeper;
    struct alb_http *http;
    struct alb_control *control;
    struct alb_admin admin;
    struct alb_cors cors;
    struct alb_hooks *hooks;
    struct alb_tus_hooks hook_table;
    struct alb_door_tus tus;
    struct alb_door_ops ops;
    struct alb_door_immich immich;
    struct alb_watchdog watchdog;
    char setup_token[33]; /* "" once there is a password */
};

static unsigned processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (unsigned)n;
}

static unsigned count_or(const struct alb_options *o, enum alb_param p, unsigned otherwise)
{
    int64_t n = alb_opt_int(o, p);
    return n > 0 ? (unsigned)n : otherwise;
}

/* ---- up ---- */

static enum alb_code open_engines(struct house *h, struct alb_err *err)
{
    const struct alb_options *o = h->options;
    const struct alb_pool_config pool = {.name = "io",
                                         .threads = count_or(o, ALB_P_IO_THREADS, processors() * 4),
                                         .queue_max = (unsigned)alb_opt_int(o, ALB_P_IO_QUEUE)};
    struct alb_darkroom_config darkroom;
    h->timers = alb_timers_new(alb_clock_real(), TIMERS_MAX);
    if (!h->timers)
        return alb_fail(err, ALB_E_NO_MEMORY, "timers");
    enum alb_code code = alb_timers_start(h->timers, err);
    if (code == ALB_OK)
        code = alb_pool_new(&pool, &h->pool, err);
    if (code != ALB_OK)
        return code;
    alb_darkroom_config_default(&darkroom);
    code = alb_darkroom_config_options(&darkroom, o, err);
    if (code != ALB_OK)
        return code;
    darkroom.render_workers = alb_render_slots((unsigned)alb_opt_int(o, ALB_P_RENDERS));
    darkroom.job_ns = alb_opt_duration(o, ALB_P_RENDER_TIMEOUT);
    code = alb_darkroom_open(&darkroom, &h->darkroom, err);
    if (code != ALB_OK)
        return code;
    struct alb_render_config render = {
        .clock = alb_clock_real(),
        .pool = h->pool,
        .timers = h->timers,
        .darkroom = h->darkroom,
        .store = h->folder.store,
        .cache = h->folder.cache,
        .purges = h->folder.purges,
        .slots = darkroom.render_workers,
        .vector_slots = darkroom.font_workers,
        .queue_max = (unsigned)alb_opt_int(o, ALB_P_RENDER_QUEUE),
        .budget_bytes = (uint64_t)alb_opt_size(o, ALB_P_RENDER_MEMORY),
        .deadline_ns = alb_opt_duration(o, ALB_P_RENDER_TIMEOUT),
        .hot_bytes = (size_t)alb_opt_size(o, ALB_P_HOT_CACHE_SIZE),
        .max_age_ms = alb_opt_duration(o, ALB_P_CACHE_MAX_AGE) / ALB_NS_PER_MS,
        /* where nothing is kept, levels would be made for every picture */
        .pyramid = alb_opt_bool(o, ALB_P_PYRAMID) && alb_opt_size(o, ALB_P_CACHE_SIZE) > 0,
        .ahead = true,
    };
    render.limits = h->limits = darkroom.limits;
    return alb_render_new(&render, &h->render, err);
}

static void notice(void *ctx, bool jobs, int64_t last_change)
{
    struct house *h = ctx;
    struct alb_jobs *told = atomic_load(&h->told);
    (void)last_change;
    if (jobs && told)
        alb_jobs_notice(told);
}

static enum alb_code open_services(struct house *h, struct alb_err *err)
{
    const struct alb_options *o = h->options;
    const struct alb_ingest_config ingest = {.clock = alb_clock_real(),
                                             .pool = h->pool,
                                             .library = h->folder.library,
                                             .store = h->folder.store,
                                             .darkroom = h->darkroom,
                                             .probe_ns = alb_opt_duration(o, ALB_P_PROBE_TIMEOUT),
                                             .keep_ms =
                                                 alb_opt_duration(o, ALB_P_UPLOAD_KEEP_DONE) / ALB_NS_PER_MS};
    enum alb_code code = alb_ingest_new(&ingest, &h->ingest, err);
    if (code == ALB_OK) /* before the uploads: they may find at their start that one has ended */
        code = alb_tus_hooks_serve(o, h->folder.dirfd, &h->hooks, &h->hook_table, err);
    if (code != ALB_OK)
        return code;
    struct alb_uploads_config uploads = {.data_dirfd = h->folder.dirfd,
                                         .clock = alb_clock_real(),
                                         .pool = h->pool,
                                         .sink = alb_ingest_sink(h->ingest),
                                         .quarantine = h->folder.quarantine,
                                         .finished = h->hooks ? alb_tus_upload_finished : NULL,
                                         .finished_ctx = &h->hook_table};
    alb_upload_limits_options(&uploads.limits, o);
    code = alb_uploads_open(&uploads, &h->uploads, err);
    if (code != ALB_OK)
        return code;
    const struct alb_jobs_config jobs = {.clock = alb_clock_real(),
                                         .library = h->folder.library,
                                         .render = h->render,
                                         .store = h->folder.store,
                                         .uploads = h->uploads,
                                         .trash_ms = alb_opt_duration(o, ALB_P_TRASH) / ALB_NS_PER_MS,
                                         .grace_ms = SWEEP_GRACE_MS,
                                         .keep_ms = alb_opt_duration(o, ALB_P_HISTORY) / ALB_NS_PER_MS};
    code = alb_jobs_start(&jobs, &h->jobs, err);
    atomic_store(&h->told, h->jobs);
    return code;
}

static enum alb_code open_upkeep(struct house *h, struct alb_err *err)
{
    h->ops.origins = h->imgproxy.origins;
    h->upkeep = (struct alb_upkeep){.results = h->folder.cache,
                                    .purges = h->folder.purges,
                                    .render = h->render,
                                    .origins = h->imgproxy.origins};
    return alb_upkeep_start(h->options, &h->upkeep, &h->keeper, err);
}

static enum alb_code open_imgproxy(struct house *h, struct alb_err *err)
{
    const struct alb_serve_imgproxy_config config = {.options = h->options,
                                                     .folder = &h->folder,
                                                     .pool = h->pool,
                                                     .render = h->render,
                                                     .others_fetch = alb_serve_thumbor_fetches(h->options),
                                                     .limits = &h->limits};
    enum alb_code code = alb_serve_imgproxy_open(&config, &h->imgproxy, err);
    if (code == ALB_OK)
        code = open_upkeep(h, err);
    return code == ALB_OK ? alb_imgproxy_door_mount(h->imgproxy.door, h->http, err) : code;
}

static enum alb_code open_thumbor(struct house *h, struct alb_err *err)
{
    const struct alb_serve_thumbor_config config = {.options = h->options,
                                                    .folder = &h->folder,
                                                    .render = h->render,
                                                    .origins = h->imgproxy.origins,
                                                    .limits = &h->limits};
    enum alb_code code = alb_serve_thumbor_open(&config, &h->thumbor, err);
    return code == ALB_OK ? alb_thumbor_door_mount(h->thumbor.door, h->http, err) : code;
}

static enum alb_code open_doors(struct house *h, struct alb_err *err)
{
    const struct alb_door_auth auth = {.library = h->folder.library};
    struct alb_upload_limits limits;
    alb_upload_limits_options(&limits, h->options);
    h->tus = (struct alb_door_tus){
        .auth = auth, .uploads = h->uploads, .store = h->folder.store, .max_bytes = limits.max_bytes};
    h->tus.hooks = h->hooks ? &h->hook_table : NULL;
    h->ops = (struct alb_door_ops){.auth = auth,
                                   .http = h->http,
                                   .pool = h->pool,
                                   .render = h->render,
                                   .uploads = h->uploads,
                                   .jobs = h->jobs,
                                   .clock = alb_clock_real(),
                                   .stuck_ns = alb_opt_duration(h->options, ALB_P_STUCK_AFTER),
                                   .label = alb_cache_label,
                                   .scrub = alb_upkeep_scrub,
                                   .scrub_ctx = &h->keeper,
                                   .public_metrics = alb_opt_bool(h->options, ALB_P_PUBLIC_METRICS)};
    h->immich = (struct alb_door_immich){
        .auth = auth,
        .render = h->render,
        .store = h->folder.store,
        .trash_days = (int)(alb_opt_duration(h->options, ALB_P_TRASH) / ALB_NS_PER_S / 86400),
        .setup_token = h->setup_token};
    enum alb_code code = alb_door_tus(h->http, &h->tus, err);
    if (code == ALB_OK)
        code = alb_door_ops(h->http, &h->ops, err);
    if (code == ALB_OK)
        code = alb_door_immich(h->http, &h->immich, err);
    if (code == ALB_OK)
        code = open_imgproxy(h, err);
    if (code == ALB_OK)
        code = open_thumbor(h, err);
    if (code == ALB_OK)
        code = alb_http_static(h->http, alb_web_files, alb_web_file_count, err);
    return code;
}

static enum alb_code open_http(struct house *h, struct alb_err *err)
{
    struct alb_http_config config;
    alb_http_config_default(&config);
    enum alb_code code = alb_http_config_options(&config, h->options, err);
    /* Other people's pages bring a key; the cookie is for our own (doors/common/auth.h). */
    h->cors = (struct alb_cors){
        .max_age_s = 86400,
        .expose_headers =
            "Location, Upload-Offset, Upload-Length, Upload-Expires, Tus-Version, Tus-Resumable, "
            "Tus-Max-Size, Tus-Extension, Tus-Checksum-Algorithm, Upload-Metadata, Upload-Defer-Length, "
            "Upload-Concat, Upload-Complete, Upload-Incomplete, Upload-Limit, Upload-Draft-Interop-Version, "
            "Albumen-Asset, Albumen-Result, Repr-Digest, Content-Disposition, X-Request-ID",
    };
    h->cors.origin_count = alb_opt_list(h->options, ALB_P_CORS_ORIGIN, &h->cors.origins);
    config.cors = h->cors.origin_count > 0 ? &h->cors : NULL;
    config.pool = h->pool;
    config.clock = alb_clock_real();
    if (code == ALB_OK)
        code = alb_http_server_new(&config, &h->http, err);
    if (code == ALB_OK)
        code = open_doors(h, err);
    if (code == ALB_OK)
        code = alb_http_server_start(h->http, err);
    return code;
}

/* The first user gets the password that was given, or the terminal a link that asks for one. */
static enum alb_code first_run(struct house *h, struct alb_err *err)
{
    const char *password = alb_opt_string(h->options, ALB_P_ADMIN_PASSWORD);
    struct alb_future *future = NULL;
    unsigned char random[16];
    bool first = false;
    enum alb_code code = alb_library_first_run(h->folder.library, &first, err);
    if (code != ALB_OK || !first)
        return code;
    if (password[0] == '\0') {
        alb_random(random, sizeof(random));
        alb_hex(random, sizeof(random), h->setup_token);
        return ALB_OK;
    }
    if (strlen(password) < ALB_PASSWORD_FIRST_MIN)
        return alb_fail(err, ALB_E_INVALID,
                        "--admin-password (ALBUMEN_ADMIN_PASSWORD) is too short: %d bytes at least",
                        ALB_PASSWORD_FIRST_MIN);
    code = alb_library_first_password(h->folder.library, ALB_STR("admin"), ALB_STR(""), alb_str_c(password),
                                      &future, err);
    return code == ALB_OK ? alb_library_await(&future, NULL, err) : code;
}

static void ready(void *ctx)
{
    struct house *h = ctx;
    char address[160] = "";
    for (size_t i = 0; alb_http_server_address(h->http, i, address, sizeof(address)); i++)
        alb_log(ALB_LOG_INFO, "listening", ALB_LOG_C("address", address));
    if (h->setup_token[0]) {
        const char *public_url = alb_opt_string(h->options, ALB_P_PUBLIC_URL);
        (void)alb_http_server_address(h->http, 0, address, sizeof(address));
        /* Not a log record: it is a secret, for the person at the terminal. */
        fprintf(stderr, "\nNo administrator has a password yet. To set one, open\n\n    %s%s/#setup=%s\n\n",
                public_url[0] ? "" : "http://", public_url[0] ? public_url : address, h->setup_token);
    }
    alb_log(ALB_LOG_INFO, "ready", ALB_LOG_C("version", ALB_VERSION),
            ALB_LOG_C("data", alb_opt_string(h->options, ALB_P_DATA)),
            ALB_LOG_C("sandbox", alb_darkroom_look(h->darkroom).level));
    alb_watchdog_init(&h->watchdog, h->http);
}

static enum alb_code up(void *ctx, struct alb_err *err)
{
    struct house *h = ctx;
    const char *data = alb_opt_string(h->options, ALB_P_DATA);
    enum alb_code code = alb_ranges_check(h->options, err);
    if (code == ALB_OK)
        code = alb_folder_open(h->options, data, "serve", &h->folder, err);
    if (code == ALB_OK) {
        alb_library_on_notice(h->folder.library, notice, h);
        code = first_run(h, err);
    }
    if (code == ALB_OK)
        code = open_engines(h, err);
    if (code == ALB_OK)
        code = open_services(h, err);
    if (code == ALB_OK)
        code = open_http(h, err);
    h->admin = (struct alb_admin){.clock = alb_clock_real(),
                                  .library = h->folder.library,
                                  .store = h->folder.store,
                                  .cache = h->folder.cache,
                                  .render = h->render,
                                  .purges = h->folder.purges,
                                  .origins = h->imgproxy.origins};
    if (code == ALB_OK)
        code = alb_control_start(data, &h->admin, &h->control, err);
    return code;
}

/* ---- down ---- */

static bool down(void *ctx)
{
    struct house *h = ctx;
    bool clean = true;
    int64_t deadline =
        alb_deadline(alb_mono(alb_clock_real()), alb_opt_duration(h->options, ALB_P_SHUTDOWN_TIMEOUT));
    alb_control_stop(&h->control);
    if (h->uploads)
        alb_uploads_stop(h->uploads);
    if (h->http)
        clean = alb_http_server_stop(h->http, deadline) == ALB_OK;
    alb_http_server_free(&h->http);
    alb_keeper_stop(&h->keeper);
    alb_serve_imgproxy_close(&h->imgproxy);
    alb_serve_thumbor_close(&h->thumbor);
    if (h->jobs)
        alb_jobs_stop(h->jobs);
    if (h->uploads)
        alb_uploads_free(&h->uploads);
    alb_hooks_close(&h->hooks, deadline);
    if (h->ingest)
        alb_ingest_free(&h->ingest);
    alb_render_free(&h->render);
    if (h->pool)
        alb_pool_free(&h->pool);
    if (h->darkroom)
        alb_darkroom_close(&h->darkroom);
    if (h->timers)
        alb_timers_free(&h->timers);
    alb_folder_close(&h->folder);
    alb_jobs_free(&h->jobs); /* after the catalog's writer, which tells it news */
    return clean;
}

/* ---- life ---- */

static void dump(void *ctx, int fd)
{
    const struct house *h = ctx;
    struct alb_render_view render = alb_render_look(h->render);
    struct alb_catalog_view catalog = alb_library_look(h->folder.library);
    struct alb_darkroom_view dark = alb_darkroom_look(h->darkroom);
    dprintf(
        fd,
        "-- render: %u jobs, %u of %u slots held, %u queued; catalog: %u queued, running %s; darkroom: %s\n",
        render.jobs, render.lease.held, render.lease.slots,
        render.lease.queued[ALB_LEASE_FOREGROUND] + render.lease.queued[ALB_LEASE_BACKGROUND], catalog.queued,
        catalog.running[0] ? catalog.running : "nothing", dark.level);
    alb_http_dump(h->http, fd);
}

static int64_t beat(void *ctx)
{
    const struct house *h = ctx;
    if (h->watchdog.every_ns > 0)
        alb_watchdog_beat(&h->watchdog);
    return h->watchdog.every_ns;
}

static void cannot_start(void *ctx, const struct alb_err *err)
{
    (void)ctx;
    alb_log_err("cannot start", err);
    fprintf(stderr, "albumen: cannot start: %s\n", err->msg);
}

static void ending(void *ctx, int number)
{
    (void)ctx;
    alb_log(ALB_LOG_INFO, "stopping", ALB_LOG_C("signal", number == SIGTERM ? "TERM" : "INT"));
}

static void ended(void *ctx, bool clean)
{
    (void)ctx;
    if (!clean)
        alb_log_event(ALB_LOG_WARN, "some requests were cut: they had not ended in time");
    alb_log_event(ALB_LOG_INFO, "stopped");
}

int alb_serve(const struct alb_options *options)
{
    static const struct alb_life life = {.up = up,
                                         .cannot_start = cannot_start,
                                         .ready = ready,
                                         .beat = beat,
                                         .dump = dump,
                                         .ending = ending,
                                         .down = down,
                                         .ended = ended};
    static struct house h; /* as long-lived as the process: doors are borrowed by the server */
    h = (struct house){.options = options, .folder = {.dirfd = -1}, .imgproxy = ALB_SERVE_IMGPROXY_NONE};
    return alb_life_run(&life, &h);
}
