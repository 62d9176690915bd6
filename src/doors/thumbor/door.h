/* SPDX-License-Identifier: Apache-2.0
 *
 * The thumbor door over HTTP, in the language of thumbor and imagor. Two homes:
 *   albumen serve    at /imagor/: pictures are assets (asset://UUID, or the bare UUID), with the rights of whoever
 *                    asks; once allowed, those of other servers and local:// too. A signed URL acts for the user that
 *                    its secret belongs to; "unsafe/" and no signature need a session or an API key.
 *   albumen imagor   at the root, with imagor's own rules: no library, no users; who has signed, or "unsafe/" where the
 *                    configuration takes it, may. Files come and go by `files`.
 *
 * Way of a request, one struct alb_thumbor_job in its arena, a step at a time, no thread waiting (law 1):
 *   TAKE    path -> value, signature, base parameters, filters; compile; where it is not the picture's: params/ -> JSON
 *   UPLOAD  POST: the body is the source                                                     -> refusal
 *   KEPT    files->load_result: what is kept of this URL                                     -> answer
 *   INPUTS  the image and what is laid over it: colour, asset, files->load, another server -> WAIT
 *   CHOOSE  raw() -> the bytes as they are; validators -> 304; alb_render_start -> WAIT
 *   RENDER  picture, files->save_result -> answer; meta/ -> a worker looks at the picture -> WAIT -> JSON
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
#include "render/origin.h"
#include "render/render.h"

/* By what a result is kept: imagor's key. The rest is for path styles that need more than the path. */
struct alb_thumbor_result {
    /* Without a hash. As it was asked for, but canonical (url.h) where imagor makes it so: base parameters are set,
     * Accept has chosen a format, or expire(), attachment() and max_age() were taken out. */
    struct alb_str path;
    const struct alb_thumbor_url *url; /* with base parameters; url->meta: it is JSON */
    const struct alb_thumbor_filters *filters;
};

/* Where files lie beside albumen's own caches: imagor's loaders and storages. Each may be NULL. Called on io threads,
 * many at a time: short, may touch disks, never waits for another machine or request. Views are valid for the call.
 * `load...`: OK with an origin (a reference) is it; OK with NULL: not here; NOT_FOUND: nor anywhere else; FORBIDDEN,
 * INVALID ...: the answer of the request, the text of *err is for the log. */
struct alb_thumbor_files {
    void *ctx;
    /* A source by the name that the URL has for it: before other servers are asked. */
    enum alb_code (*load)(void *ctx, struct alb_str image, struct alb_origin **out, struct alb_err *err);
    /* One that has come from another server, its bytes are there. */
    void (*save)(void *ctx, struct alb_str image, struct alb_origin *origin);
    /* Not asked for preview(), raw() and uploads. */
    enum alb_code (*load_result)(void *ctx, const struct alb_thumbor_result *r, struct alb_origin **out,
                                 struct alb_err *err);
    /* Of what may be kept at all; meta/: JSON. Take a reference of `bytes` to write them later. */
    void (*save_result)(void *ctx, const struct alb_thumbor_result *r, struct alb_bytes *bytes);
};

struct alb_thumbor_door_config {
    const struct alb_thumbor_config *config; /* borrowed, as long as the door is open */
    const char *prefix;                      /* "" or "/imagor": a literal */
    struct alb_render *render;
    struct alb_origins *origins;   /* NULL: neither other servers nor local:// */
    bool local;                    /* local:///PATH, as the origins have it */
    struct alb_plan_limits limits; /* of the server */
    /* serve only, else NULL: then there are no assets, and config->signer and allow_unsafe alone say who may ask. */
    struct alb_library *library;
    struct alb_blob_store *store; /* originals, for raw(); with library */
    const int64_t *owner;         /* of each of config->signer.secret: a user. Borrowed as config is */
    const struct alb_thumbor_files *files; /* NULL: none. Borrowed */
    /* Pages of imagor's at the root, with an empty prefix: "/" (redirect, or one of its own words), /favicon.ico and
     * /healthcheck are the personality's routes; literal ones win over the door's. */
};

struct alb_thumbor_door;
enum alb_code alb_thumbor_door_open(const struct alb_thumbor_door_config *config,
                                    struct alb_thumbor_door **out, struct alb_err *err) ALB_MUST_CHECK;
void alb_thumbor_door_close(struct alb_thumbor_door **door); /* after http has stopped */
/* GET (with HEAD) on everything below the prefix, and POST where uploads are on. */
enum alb_code alb_thumbor_door_mount(struct alb_thumbor_door *door, struct alb_http *http,
                                     struct alb_err *err) ALB_MUST_CHECK;
/* The door's errors, for routes of others beside it: {"message","status"}. ctx of their group: the door. */
void alb_thumbor_error_page(struct alb_req *req, int status, struct alb_str text);

#endif
