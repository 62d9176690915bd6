/* SPDX-License-Identifier: Apache-2.0
 *
 * `albumen imagor`: the thumbor door alone, at imagor's place, with imagor's flags, folders, pages and metrics, so
 * that URLs and deployments made for imagor go on unchanged (docs/doors/imagor.md says what differs). Here is
 * everything that is seen of it; the engines behind it are opened by cmd/imagor_house.c.
 *
 *   imagor_flags.c    flags, environment, file       imagor_config.c   what they mean for the door
 *   imagor_files.c    loader and storages            imagor.c          two HTTP servers: pictures, metrics
 *   imagor_pages.c    /, /healthcheck, /favicon.ico  imagor_metrics.c  imagor's metric, ours behind it
 *
 * Threads: open, start, stop on the main thread; routes as http.h says. Lock: IMAGOR_TALLY.
 */
#ifndef ALB_PERSONALITY_IMAGOR_H
#define ALB_PERSONALITY_IMAGOR_H

#include "personality/imagor_files.h"
#include "render/canary.h"

struct alb_regex_of_sources;

/* The configuration of the door, from flags. Texts and lists: in the flags and in the arena. */
struct alb_imagor_config {
    struct alb_thumbor_config door;
    struct alb_regex_of_sources *regex; /* NULL: none */
};
/* INVALID names the flag. */
enum alb_code alb_imagor_config_make(const struct alb_imagor_flags *f, struct alb_arena *arena,
                                     struct alb_imagor_config *c, struct alb_err *err) ALB_MUST_CHECK;
void alb_imagor_config_fini(struct alb_imagor_config *c); /* safe twice */
/* ns, with imagor's defaults for 0. */
int64_t alb_imagor_process_time(const struct alb_imagor_flags *f);
int64_t alb_imagor_request_time(const struct alb_imagor_flags *f);

struct alb_imagor_service;
struct alb_imagor_service_config { /* all borrowed while it is open */
    const struct alb_imagor_flags *flags;
    const struct alb_thumbor_config *door;
    const struct alb_imagor_files *files;
    const struct alb_options *options; /* of ALB_CMD_IMAGOR: limits of http, trusted proxies */
    struct alb_pool *pool;
    struct alb_render *render;
    struct alb_origins *origins;
    struct alb_canary *canary;
    struct alb_plan_limits limits;
};
enum alb_code alb_imagor_service_open(const struct alb_imagor_service_config *config,
                                      struct alb_imagor_service **out, struct alb_err *err) ALB_MUST_CHECK;
/* Requests may end until `deadline` (monotonic), then they are cut: false. NULL is allowed. */
bool alb_imagor_service_stop(struct alb_imagor_service *service, int64_t deadline);
void alb_imagor_service_free(struct alb_imagor_service **service); /* stopped, or it failed to open */
void alb_imagor_service_dump(struct alb_imagor_service *service, int fd);

#endif
