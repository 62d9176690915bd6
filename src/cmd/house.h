/* SPDX-License-Identifier: Apache-2.0
 *
 * The engines of a program that stands in another's place and makes pictures (`albumen imgproxy`, `albumen imagor`):
 * no accounts, no catalog.
 *
 * Up:   cache folder - timers, io pool - fetch - darkroom - render - origins - upkeep of caches
 * Down: what stands on it first, then the other way round
 *
 * Main thread.
 */
#ifndef ALB_CMD_HOUSE_H
#define ALB_CMD_HOUSE_H

#include "cmd/house_cache.h"
#include "cmd/upkeep.h"
#include "image/darkroom.h"
#include "render/canary.h"
#include "render/origin.h"
#include "render/render.h"

struct alb_house_config {
    const struct alb_options *options; /* of its command */
    const char *name; /* of the default cache folder, and what sources are told unless a policy says more */
    int64_t client_idle_ns; /* of connections to sources; 0: no limit */
    int64_t workers;        /* 0: one per processor; never more, two at least */
    int64_t queue;          /* pictures that wait for their turn; 0: ALB_HOUSE_QUEUE */
    int64_t job_ns;         /* one picture in a worker */
    bool png_unlimited, svg_unlimited;
    void (*limit)(void *ctx,
                  struct alb_plan_limits *limits); /* makes the server's limits those of the program */
    void *ctx;
    struct alb_str local_root; /* of local://; empty: none */
    const char *local_name;    /* of that setting, for errors */
    char local_separator;
};
#define ALB_HOUSE_QUEUE 512

struct alb_house {
    const struct alb_options *options;
    struct alb_house_cache cache;
    struct alb_timers *timers;
    struct alb_pool *pool;
    struct alb_fetch *fetch;
    struct alb_darkroom *darkroom;
    struct alb_render *render;
    struct alb_origins *origins;
    struct alb_canary *canary;
    struct alb_upkeep upkeep;
    struct alb_keeper *keeper;
    struct alb_plan_limits limits;
    int local_dirfd;
};
#define ALB_HOUSE_NONE {.cache = {.dirfd = -1, .tmpfd = -1}, .local_dirfd = -1}

enum alb_code alb_house_up(const struct alb_house_config *config, struct alb_house *house,
                           struct alb_err *err) ALB_MUST_CHECK;
void alb_house_down(struct alb_house *house); /* also after a failure; http has stopped, doors are closed */

#endif
