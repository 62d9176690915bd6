/* SPDX-License-Identifier: Apache-2.0
 *
 * CORS as tusd does it (struct alb_tus_cors): a regular expression for origins, echoed, and 403 for every
 * method when it does not match.
 */
#include "doors/tus/door.h"

bool alb_tus_cors(struct alb_req *req, const struct alb_door_tus *door, bool preflight)
{
    const struct alb_tus_cors *c = door->options.cors;
    struct alb_str origin = alb_req_header(req, "origin");

    if (c == NULL || origin.n == 0)
        return true;
    if (!c->allows(c->ctx, origin))
        return false;
    alb_res_header_set(req, "Access-Control-Allow-Origin", origin);
    alb_res_header(req, "Vary", ALB_STR("Origin"));
    if (c->credentials)
        alb_res_header_set(req, "Access-Control-Allow-Credentials", ALB_STR("true"));
    if (preflight) {
        alb_res_header_set(req, "Access-Control-Allow-Methods", alb_str_c(c->methods));
        alb_res_header_set(req, "Access-Control-Allow-Headers", alb_str_c(c->headers));
        alb_res_header_set(req, "Access-Control-Max-Age", alb_str_c(c->max_age));
    } else {
        alb_res_header_set(req, "Access-Control-Expose-Headers", alb_str_c(c->expose));
    }
    return true;
}
