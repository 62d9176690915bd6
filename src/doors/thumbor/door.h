/* SPDX-License-Identifier: Apache-2.0
 *
 * The thumbor door over HTTP, in the language of thumbor and imagor. Its home is `albumen serve`, at /imagor/: pictures
 * are assets (asset://UUID, or the bare UUID), with the rights of whoever asks. A signed URL acts for the user that its
 * secret belongs to; "unsafe/" and no signature need a session or an API key.
 *
 * Way of a request, one struct alb_thumbor_job in its arena, a step at a time, no thread waiting (law 1):
 *   TAKE    path -> value, signature, base parameters, filters; compile                        -> refusal
 *   SOURCE  alb_library_resolve; raw() -> the bytes as they are
 *   RENDER  validators -> 304; alb_render_start -> WAIT -> answer
 * The hot entry answers from memory what is remembered all the way.
 *
 * Errors are JSON, {"message", "status"}, with imagor's statuses. Threads: routes run on the loop (hot) and the io pool
 * (step); the door is fixed after open. No locks.
 */
#ifndef ALB_DOORS_THUMBOR_DOOR_H
#define ALB_DOORS_THUMBOR_DOOR_H

#include "doors/common/auth.h"
#include "doors/thumbor/config.h"
#include "http/http.h"
#include "render/render.h"

struct alb_thumbor_door_config {
    const struct alb_thumbor_config *config; /* borrowed, as long as the door is open */
    const char *prefix;                      /* "/imagor": a literal */
    struct alb_render *render;
    struct alb_plan_limits limits; /* of the server */
    struct alb_library *library;
    struct alb_blob_store *store; /* originals, for raw() */
    const int64_t *owner;         /* of each of config->signer.secret: a user. Borrowed as config is */
};

struct alb_thumbor_door;
enum alb_code alb_thumbor_door_open(const struct alb_thumbor_door_config *config,
                                    struct alb_thumbor_door **out, struct alb_err *err) ALB_MUST_CHECK;
void alb_thumbor_door_close(struct alb_thumbor_door **door); /* after http has stopped */
/* GET (with HEAD) on everything below the prefix. */
enum alb_code alb_thumbor_door_mount(struct alb_thumbor_door *door, struct alb_http *http,
                                     struct alb_err *err) ALB_MUST_CHECK;

#endif
