/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/imagor_house.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/build.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/house.h"
#include "cmd/ranges.h"
#include "personality/imagor.h"
#include "personality/life.h"

#define TEXTS_MAX ((size_t)4 << 20)
#define STOP_TIME (10 * ALB_NS_PER_S)   /* as imagor drains */
#define CLIENT_IDLE (90 * ALB_NS_PER_S) /* Go's */

const char alb_imagor_text[] =
    "Takes imagor's place: pictures in any size and form by URL, on port 8000, with imagor's flags (-port "
    "8000\n"
    "-imagor-secret=...), the same as environment (IMAGOR_SECRET=...) or as lines of .env, its folders of "
    "sources\n"
    "and of results, and its paths in there. docs/doors/imagor.md says what differs from imagor 1.9.\n";

struct house {
    struct alb_options *options;
    struct alb_arena *texts;
    struct alb_imagor_flags flags;
    struct alb_imagor_config config;
    struct alb_imagor_files files;
    struct alb_house engines;
    struct alb_imagor_service *service;
};

/* ---- up ---- */

/* The door makes them narrower for each request. */
static void make_limits(void *ctx, struct alb_plan_limits *limits)
{
    const struct house *h = ctx;
    const struct alb_thumbor_config *c = &h->config.door;
    limits->source_pixels = limits->animation_pixels = (uint64_t)c->max_resolution;
    if (c->http.max_bytes > 0 && c->http.max_bytes < limits->source_bytes)
        limits->source_bytes = c->http.max_bytes;
}

static enum alb_code up(void *ctx, struct alb_err *err)
{
    struct house *h = ctx;
    const struct alb_house_config config = {.options = h->options,
                                            .name = "imagor",
                                            .client_idle_ns = CLIENT_IDLE,
                                            .workers = h->flags.concurrency > 0 ? h->flags.concurrency : 0,
                                            .queue = h->flags.queue,
                                            .job_ns = alb_imagor_process_time(&h->flags),
                                            .limit = make_limits,
                                            .ctx = h};
    enum alb_code code = alb_imagor_config_make(&h->flags, h->texts, &h->config, err);
    if (code == ALB_OK)
        code = alb_house_up(&config, &h->engines, err);
    if (code == ALB_OK)
        code = alb_imagor_files_open(&h->flags, h->engines.pool, h->engines.cache.purges, &h->files, err);
    if (code != ALB_OK)
        return code;
    const struct alb_imagor_service_config service = {.flags = &h->flags,
                                                      .door = &h->config.door,
                                                      .files = &h->files,
                                                      .options = h->options,
                                                      .pool = h->engines.pool,
                                                      .render = h->engines.render,
                                                      .origins = h->engines.origins,
                                                      .canary = h->engines.canary,
                                                      .limits = h->engines.limits};
    return alb_imagor_service_open(&service, &h->service, err);
}

/* ---- down ---- */

static bool down(void *ctx)
{
    struct house *h = ctx;
    bool clean = alb_imagor_service_stop(h->service, alb_deadline(alb_mono(alb_clock_real()), STOP_TIME));
    alb_imagor_service_free(&h->service);
    alb_imagor_files_close(&h->files);
    alb_house_down(&h->engines);
    alb_imagor_config_fini(&h->config);
    return clean;
}

/* ---- life ---- */

static void dump(void *ctx, int fd)
{
    const struct house *h = ctx;
    alb_imagor_service_dump(h->service, fd);
}

static void ending(void *ctx, int number)
{
    (void)ctx;
    (void)number;
    alb_log_event(ALB_LOG_INFO, "shutdown");
}

static const struct alb_life life = {.up = up, .dump = dump, .ending = ending, .down = down, .last_words = ""};

/* ---- the command ---- */

static void say_remarks(struct house *h, struct alb_buf *remarks)
{
    struct alb_str rest = alb_buf_view(remarks), line;
    while (rest.n > 0 && alb_str_next(&rest, '\n', &line))
        if (line.n > 0)
            alb_log(ALB_LOG_WARN, "settings", ALB_LOG_STR("text", line));
    if (!h->flags.is_unsafe && !h->flags.secret[0])
        alb_log_event(ALB_LOG_WARN, "neither -imagor-secret nor -imagor-unsafe is set: no URL is taken");
    if (h->flags.is_unsafe)
        alb_log_event(ALB_LOG_WARN, "-imagor-unsafe: anybody can ask for any picture in any form");
}

/* How many words from here on belong together; *own: they are an option of albumen's. */
static int next_words(int left, char **argv, bool *own)
{
    int n = alb_imagor_flags_words(argv[0]);
    *own = n == 0 && argv[0][0] == '-' && argv[0][1] == '-' && argv[0][2] != '\0';
    if (*own)
        n = !strchr(argv[0], '=') && left > 1 && argv[1][0] != '-' ? 2 : 1;
    return n < 1 ? 1 : (n < left ? n : left);
}

/* albumen's own options go behind imagor's flags; returns how many words are imagor's. */
static int sort_words(int argc, char **argv, char **out)
{
    int first = 0, mine = 0;
    bool own;
    for (int i = 0, n; i < argc; i += n) {
        n = next_words(argc - i, argv + i, &own);
        first += own ? 0 : n;
    }
    for (int i = 0, n, at = first; i < argc; i += n) {
        n = next_words(argc - i, argv + i, &own);
        for (int k = 0; k < n; k++)
            out[own ? at++ : mine++] = argv[i + k];
    }
    return first;
}

static int complain(const struct alb_err *err)
{
    fprintf(stderr, "albumen: %s\n(albumen imagor --help shows the flags)\n", err->msg);
    return 2;
}

static int run(struct house *h, int argc, char **argv, char **sorted, char **envp)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_buf remarks = ALB_BUF_INIT(ALB_IMAGOR_REMARKS_MAX);
    char **rest = NULL;
    int imagor = sort_words(argc, argv, sorted), status = 0;
    if (alb_imagor_flags_parse(imagor, sorted, envp, h->texts, &h->flags, &remarks, &err) != ALB_OK ||
        alb_options_parse(ALB_CMD_IMAGOR, argc - imagor, sorted + imagor, envp, &h->options, &rest, &err) !=
            ALB_OK ||
        alb_ranges_check(h->options, &err) != ALB_OK || alb_imagor_flags_check(&h->flags, &err) != ALB_OK) {
        status = complain(&err);
    } else if (h->flags.version) {
        status = printf("%s\n", alb_version()) < 0 ? 1 : 0;
    } else {
        alb_log_setup(STDERR_FILENO, h->flags.debug ? ALB_LOG_LOGFMT : ALB_LOG_JSON,
                      h->flags.debug ? ALB_LOG_DEBUG : ALB_LOG_INFO);
        say_remarks(h, &remarks);
        status = alb_life_run(&life, h);
    }
    alb_buf_fini(&remarks);
    alb_options_free(&h->options);
    return status;
}

int alb_imagor(int argc, char **argv, char **envp)
{
    static struct house house = {.engines = ALB_HOUSE_NONE};
    struct house *h = &house;
    char **sorted = alb_mem_calloc((size_t)argc + 1, sizeof(*sorted));
    int status = 1;
    h->texts = alb_arena_new(TEXTS_MAX);
    if (sorted && h->texts)
        status = run(h, argc, argv, sorted, envp);
    alb_arena_free(&h->texts);
    alb_mem_free(sorted);
    return status;
}
