/* SPDX-License-Identifier: Apache-2.0
 *
 * The health of a program that makes pictures, for its own page of it. Well: a worker of the darkroom has just looked
 * at a picture, and nothing has waited longer than it can wait while all goes well (every request has its deadline:
 * what is older is stuck). A server that is merely busy, with every slot taken and a queue before them, is well.
 *
 * Threads: hot on the loop, step on the io pool; a struct alb_health is fixed once routes are there. No locks.
 */
#ifndef ALB_PERSONALITY_HEALTH_H
#define ALB_PERSONALITY_HEALTH_H

#include "base/pool.h"
#include "http/http.h"
#include "render/canary.h"
#include "render/origin.h"
#include "render/render.h"

struct alb_health {
    /* borrowed */
    struct alb_pool *pool;
    struct alb_render *render;
    struct alb_origins *origins;
    struct alb_canary *canary;
    int64_t
        request_ns; /* the longest that a request may take; what has waited for longer than that is stuck */
    /* Sets the answer; why->code is OK: well. On either thread. */
    void (*say)(struct alb_req *req, const struct alb_err *why);
};

/* The two parts of the route, whose context is the program's own. */
enum alb_hot alb_health_hot(struct alb_req *req, const struct alb_health *health);
enum alb_step alb_health_step(struct alb_req *req, const struct alb_health *health);

#endif
