/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/imgproxy_house.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/build.h"
#include "base/log.h"
#include "base/options.h"
#include "cmd/house.h"
#include "cmd/ranges.h"
#include "doors/imgproxy/env.h"
#include "personality/imgproxy.h"
#include "personality/life.h"

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
    struct alb_house engines;
    struct alb_imgproxy_service *service;
};

/* ---- up ---- */

/* The server's limits: imgproxy's where it has one. */
static void make_limits(void *ctx, struct alb_plan_limits *limits)
{
    const struct house *h = ctx;
    const struct alb_imgproxy_limits *c = &h->config->limits;
    limits->source_pixels = limits->animation_pixels = (uint64_t)c->source_pixels;
    if (c->source_bytes > 0 && c->source_bytes < limits->source_bytes)
        limits->source_bytes = c->source_bytes;
    if (c->frames < limits->frames)
        limits->frames = (uint32_t)c->frames;
    limits->frame_pixels = (uint64_t)c->frame_pixels;
    if (c->result_side > 0 && c->result_side < limits->result_side)
        limits->result_side = (uint32_t)c->result_side;
}

static enum alb_code open_engines(struct house *h, struct alb_err *err)
{
    const struct alb_imgproxy_config *c = h->config;
    const struct alb_house_config config = {.options = h->options,
                                            .name = "imgproxy",
                                            .client_idle_ns = c->client_keep_alive,
                                            .workers = c->workers,
                                            .queue = c->queue,
                                            .job_ns = c->timeout,
                                            .png_unlimited = c->png_unlimited,
                                            .svg_unlimited = c->svg_unlimited,
                                            .limit = make_limits,
                                            .ctx = h,
                                            .local_root = c->local_root,
                                            .local_name = "IMGPROXY_LOCAL_FILESYSTEM_ROOT",
                                            .local_separator =
                                                c->query_separator.n > 0 ? c->query_separator.p[0] : '\0'};
    return alb_house_up(&config, &h->engines, err);
}

static enum alb_code open_service(struct house *h, struct alb_err *err)
{
    const struct alb_imgproxy_service_config service = {.config = h->config,
                                                        .options = h->options,
                                                        .pool = h->engines.pool,
                                                        .render = h->engines.render,
                                                        .origins = h->engines.origins,
                                                        .darkroom = h->engines.darkroom,
                                                        .canary = h->engines.canary,
                                                        .limits = h->engines.limits,
                                                        .may_degrade =
                                                            alb_opt_bool(h->options, ALB_P_DEGRADE)};
    return alb_imgproxy_service_open(&service, &h->service, err);
}

static enum alb_code up(void *ctx, struct alb_err *err)
{
    struct house *h = ctx;
    (void)umask(077);
    enum alb_code code = open_engines(h, err);
    return code == ALB_OK ? open_service(h, err) : code;
}

/* ---- down ---- */

static bool down(void *ctx)
{
    struct house *h = ctx;
    int64_t deadline = alb_deadline(alb_mono(alb_clock_real()), h->config->graceful_stop);
    bool clean = alb_imgproxy_service_stop(h->service, deadline);
    alb_imgproxy_service_free(&h->service);
    alb_house_down(&h->engines);
    return clean;
}

/* ---- life ---- */

static void dump(void *ctx, int fd)
{
    const struct house *h = ctx;
    alb_imgproxy_service_dump(h->service, fd);
}

static void ending(void *ctx, int number)
{
    (void)ctx;
    (void)number;
    alb_log_event(ALB_LOG_INFO, "Shutting down");
}

static const struct alb_life life = {.up = up, .dump = dump, .ending = ending, .down = down, .last_words = ""};

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
        status = alb_life_run(&life, h);
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
    h->engines = (struct alb_house)ALB_HOUSE_NONE;
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
