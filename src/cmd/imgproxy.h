/* SPDX-License-Identifier: Apache-2.0
 *
 * The imgproxy door of `albumen serve`: what its options say, the fetch loop and the sources that it needs, the door.
 * Opened after render and before http starts; closed after http has stopped and before render, pool and fetch go.
 * Main thread.
 */
#ifndef ALB_CMD_IMGPROXY_H
#define ALB_CMD_IMGPROXY_H

#include "cmd/local.h"
#include "doors/imgproxy/door.h"

struct alb_quarantine;

struct alb_serve_imgproxy {
    struct alb_imgproxy_config *config; /* a reference */
    struct alb_fetch *fetch;            /* NULL: http sources are not allowed */
    struct alb_origins *origins;
    struct alb_imgproxy_door *door;
    int local_dirfd, tmp_dirfd;
};
#define ALB_SERVE_IMGPROXY_NONE {.local_dirfd = -1, .tmp_dirfd = -1}

struct alb_serve_imgproxy_config {
    const struct alb_options *options;
    const struct alb_folder *folder;
    struct alb_pool *pool;
    struct alb_render *render;
    bool others_fetch; /* other doors want the same origins to ask other servers */
    const struct alb_plan_limits *limits;
};
enum alb_code alb_serve_imgproxy_open(const struct alb_serve_imgproxy_config *config,
                                      struct alb_serve_imgproxy *s, struct alb_err *err) ALB_MUST_CHECK;
void alb_serve_imgproxy_close(struct alb_serve_imgproxy *s); /* safe twice */

#endif
