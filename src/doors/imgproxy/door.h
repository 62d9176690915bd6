/* SPDX-License-Identifier: Apache-2.0
 *
 * The imgproxy door over HTTP: pictures at any size and in any format from a URL. Two homes:
 *   albumen serve     at /imgproxy/; sources are assets (asset://, the caller's rights), local:// and, once allowed,
 *                     http(s). A signed URL acts for the owner of its key; an unsigned one needs a session or API key.
 *   albumen imgproxy  at the root, with imgproxy's own rules (personality/imgproxy.h): no library, no users.
 *
 * Way of a request, one struct alb_imgproxy_job in its arena, a step at a time, no thread waiting (law 1):
 *   TAKE      parse, signature, secret, allowed sources; compile                        -> refusal
 *   SOURCES   for the source and each further input: asset -> library_resolve, else alb_origin_start -> WAIT
 *   DECIDE    origin's failure -> fallback picture or error; validators -> 304; raw and skipped formats -> the bytes
 *             as they are; SVG that stays SVG -> sanitised
 *   RENDER    alb_render_start -> WAIT -> answer
 * Conditional requests are decided before RENDER: our ETag is the render key, which is known then. HEAD does the same
 * work as GET. The hot entry answers from memory what is signed, remembered by its origin and in the hot cache; what
 * the same URL came to a moment ago it does not work out again (memo.c), unless requests are logged.
 *
 * What is signed is public for shared caches unless an asset in it is private; what a session or key has asked for
 * never is.
 *
 * Errors are imgproxy's (status, text/plain body; reference §3.4), with Retry-After on 429 and 503; in development mode
 * the precise reason follows. Every answer of this door carries its Content-Security-Policy.
 *
 * Threads: routes run on the loop (hot) and the io pool (step); the door is fixed after open. Locks: IMGPROXY_DOOR,
 * IMGPROXY_MEMO.
 */
#ifndef ALB_DOORS_IMGPROXY_DOOR_H
#define ALB_DOORS_IMGPROXY_DOOR_H

#include "doors/common/auth.h"
#include "doors/imgproxy/config.h"
#include "http/http.h"
#include "render/origin.h"
#include "render/render.h"

struct alb_imgproxy_door_config {
    struct alb_imgproxy_config *config; /* referenced */
    const char *prefix; /* "" or "/imgproxy": where it is mounted, before config->path_prefix */
    struct alb_render *render;
    struct alb_origins *origins;
    /* Of the server: what a request may not exceed, but for pixels of a source and frames where the configuration
     * allows security options. */
    struct alb_plan_limits limits;
    /* serve only, else NULL: then there are no assets, and any signature that imgproxy would take is taken. With it:
     * what is signed by pair n of config->keys acts for user key_owner[n] (config->keys.count of them; copied), what
     * has no signature ("unsafe", "insecure", "_", or anything while there are no keys) needs a session or an API
     * key. */
    struct alb_library *library;
    struct alb_blob_store *store; /* originals, for raw answers of assets; with library */
    const int64_t *key_owner;
    bool http_sources; /* http and https are allowed */
    bool may_degrade;  /* of a request for a picture: render.h */
};

struct alb_imgproxy_door;

/* Loads the configured watermark and fallback picture where they are files or data (a URL is fetched like any other
 * source, when first needed). INVALID: what cannot be read, with the variable's name. May block: at start. */
enum alb_code alb_imgproxy_door_open(const struct alb_imgproxy_door_config *config,
                                     struct alb_imgproxy_door **out, struct alb_err *err) ALB_MUST_CHECK;
void alb_imgproxy_door_close(struct alb_imgproxy_door **door); /* after http has stopped */
/* Adds its routes: GET (with HEAD) and OPTIONS on everything below the prefix, /info/ with them. Routes of others that
 * are literal (/health) win over it. */
enum alb_code alb_imgproxy_door_mount(struct alb_imgproxy_door *door, struct alb_http *http,
                                      struct alb_err *err) ALB_MUST_CHECK;

/* What the personality's metrics and health look at. */
struct alb_imgproxy_view {
    uint64_t requests, status[6] /* by hundreds */, errors[8] /* enum alb_imgproxy_trouble */;
    unsigned in_progress;
    int64_t oldest_ns; /* longest of those in progress */
};
enum alb_imgproxy_trouble { /* words of imgproxy's errors_total{type} */
                            ALB_IMGPROXY_TROUBLE_TIMEOUT,
                            ALB_IMGPROXY_TROUBLE_SIZE, /* image_data_size */
                            ALB_IMGPROXY_TROUBLE_PATH, /* path_parsing */
                            ALB_IMGPROXY_TROUBLE_SECURITY,
                            ALB_IMGPROXY_TROUBLE_QUEUE,
                            ALB_IMGPROXY_TROUBLE_DOWNLOAD,
                            ALB_IMGPROXY_TROUBLE_PROCESSING,
                            ALB_IMGPROXY_TROUBLE_UNEXPECTED,
};
struct alb_imgproxy_view alb_imgproxy_door_look(struct alb_imgproxy_door *door);

#endif
