/* SPDX-License-Identifier: Apache-2.0
 *
 * The thumbor door of `albumen serve`: what its options say, and the door. Opened after render and before http starts;
 * closed after http has stopped. Main thread.
 */
#ifndef ALB_CMD_THUMBOR_H
#define ALB_CMD_THUMBOR_H

#include "cmd/local.h"
#include "doors/thumbor/door.h"

#define ALB_SERVE_THUMBOR_SOURCES 256 /* patterns of servers that may be asked */

struct alb_serve_thumbor {
    struct alb_thumbor_config config; /* its texts are the options' */
    int64_t owner[ALB_THUMBOR_SECRETS_MAX];
    struct alb_str source[ALB_SERVE_THUMBOR_SOURCES];
    struct alb_thumbor_door *door;
};
struct alb_serve_thumbor_config {
    const struct alb_options *options; /* live as long as the door */
    const struct alb_folder *folder;
    struct alb_render *render;
    struct alb_origins *origins; /* of all doors */
    const struct alb_plan_limits *limits;
};
enum alb_code alb_serve_thumbor_open(const struct alb_serve_thumbor_config *config,
                                     struct alb_serve_thumbor *s, struct alb_err *err) ALB_MUST_CHECK;
/* Whether it needs other servers at all. */
bool alb_serve_thumbor_fetches(const struct alb_options *options);
void alb_serve_thumbor_close(struct alb_serve_thumbor *s); /* safe twice */

#endif
