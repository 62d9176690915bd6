/* SPDX-License-Identifier: Apache-2.0
 *
 * `albumen imgproxy`: the imgproxy door alone, at imgproxy's place, with imgproxy's variables, pages, words and
 * metrics, so that URLs, dashboards and deployments made for imgproxy go on unchanged (docs/doors/imgproxy.md says
 * what differs). Here is everything that is seen of it; the engines behind it are opened by cmd/imgproxy_house.c.
 *
 *   imgproxy.c          two HTTP servers: pictures and pages on BIND, metrics on PROMETHEUS_BIND
 *   imgproxy_pages.c    /, /health, /favicon.ico, what is not there
 *   imgproxy_metrics.c  imgproxy's names for our numbers
 *   imgproxy_words.c    two log lines per request, as imgproxy writes them
 *   imgproxy_help.c     the variables
 *   imgproxy_ask.c      `albumen imgproxy health`
 *
 * Threads: open, start, stop on the main thread; routes and words as http.h says.
 */
#ifndef ALB_PERSONALITY_IMGPROXY_H
#define ALB_PERSONALITY_IMGPROXY_H

#include "doors/imgproxy/door.h"
#include "render/canary.h"

struct alb_imgproxy_service;

struct alb_imgproxy_service_config { /* all borrowed while it is open, but `config`: referenced */
    struct alb_imgproxy_config *config;
    const struct alb_options *options; /* of ALB_CMD_IMGPROXY: limits of http, trusted proxies */
    struct alb_pool *pool;
    struct alb_render *render;
    struct alb_origins *origins;
    struct alb_darkroom *darkroom; /* facts for /info, SVG that stays SVG */
    struct alb_canary *canary;
    struct alb_plan_limits limits;
    bool may_degrade;
};
/* Loads what is configured and listens. INVALID names the variable. */
enum alb_code alb_imgproxy_service_open(const struct alb_imgproxy_service_config *config,
                                        struct alb_imgproxy_service **out,
                                        struct alb_err *err) ALB_MUST_CHECK;
/* Requests may end until `deadline` (monotonic), then they are cut: false. NULL inside is allowed. */
bool alb_imgproxy_service_stop(struct alb_imgproxy_service *service, int64_t deadline);
void alb_imgproxy_service_free(struct alb_imgproxy_service **service); /* stopped, or it failed to open */
void alb_imgproxy_service_dump(struct alb_imgproxy_service *service, int fd);

/* `albumen imgproxy health`: asks the one that the environment describes. The exit status. */
int alb_imgproxy_ask_health(const struct alb_imgproxy_config *config);
/* The variables with their defaults, in groups; text, or source of a manual page. */
void alb_imgproxy_help(bool man, struct alb_buf *out);
/* What a variable is for, by its name without prefix; NULL: it is not in the help. For tests. */
const char *alb_imgproxy_help_of(struct alb_str name);

/* What cmd needs to know of the configuration. */
enum alb_log_format alb_imgproxy_log_format(const struct alb_imgproxy_config *config, int fd);
enum alb_log_level alb_imgproxy_log_level(const struct alb_imgproxy_config *config);

#endif
