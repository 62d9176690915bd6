/* SPDX-License-Identifier: Apache-2.0
 *
 * The Immich-shaped door, /api/: what albumen's own page, its importer and the first Immich clients need.
 * Shapes as Immich 2.x answers them (reference: the OpenAPI description of that project). Every route asks
 * who it is, but: ping, version, config, features, login and the first set-up.
 *
 * Lists come from one short snapshot each; pictures through render, so a thumbnail that is in memory is
 * answered on the event loop; originals are read in verified blocks with ranges.
 */
#ifndef ALB_DOORS_IMMICH_IMMICH_H
#define ALB_DOORS_IMMICH_IMMICH_H

#include "doors/common/auth.h"

struct alb_blob_store;
struct alb_render;

struct alb_door_immich {
    struct alb_door_auth auth; /* first */
    struct alb_render *render;
    struct alb_blob_store *store;
    int trash_days;
    const char *setup_token; /* "" when nobody may set the first password without signing in */
};
enum alb_code alb_door_immich(struct alb_http *http, struct alb_door_immich *door,
                              struct alb_err *err) ALB_MUST_CHECK;

#endif
