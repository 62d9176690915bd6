/* SPDX-License-Identifier: Apache-2.0
 *
 * The operator's door: /health and /metrics.
 *
 * GET /health        200 while pictures, commits and requests make progress; 503 with the reasons in JSON as
 * soon as one of them has waited longer than the limit. It measures waiting, not emptiness: an idle server is
 * healthy. GET /health?live   200: the process answers. For supervisors that restart. GET /metrics Prometheus
 * text format 0.0.4. Needs an administrator's session or key, unless the option says that everybody may read
 * it.
 *
 * POST /cache/purge?url=|source=|prefix=|tag=TEXT   purges (blob/purges.h): 200 and {"purged": true, "id": "1"} when it
 * is durable. Needs an administrator's session or key; a key that may not do everything, "cache.purge".
 * 400 unless it is exactly one of them, that can be purged.
 *
 * GET /cache/stats   the caches of pictures in numbers, for the page of the administrator. JSON, no-store; needs an
 * administrator's session or key (its permission: "cache.read"). Counters count from `startedMs`; times are wall ms;
 * bytes of "results" and "sources" are those on the disk (whole pages, what the bound bounds).
 *
 *   {"startedMs": 0, "nowMs": 0,
 *    "asked":   {"memory": 0, "disk": 0, "joined": 0, "made": 0, "failed": 0},     how questions for pictures ended
 *    "memory":  {"bytes": 0, "limitBytes": 0},
 *    "results": {"folder": "cache", "complete": true, "files": 0, "bytes": 0, "limitBytes": 0, "hits": 0, "misses": 0,
 *                "stored": 0, "refused": 0, "evicted": 0, "expired": 0, "corrupt": 0},
 *    "sources": the same, or null: copies of other servers' pictures
 *    "formats": [{"format": "webp", "files": 0, "bytes": 0}],              what lies in results, most bytes first
 *    "doors":   [{"door": "immich", "format": "webp", "hits": 0, "misses": 0, "bytes": 0}],   most asked first
 *    "top":     [{"source": "asset://UUID", "hits": 0, "misses": 0, "bytes": 0}],   most asked first; 20 at most
 *    "topBytes": the same, most bytes first
 *    "scrub":   {"rounds": 0, "files": 0, "bytes": 0, "corrupt": 0}}                of the round that goes on
 *
 * In doors and top a hit is a picture that was not made for the question (memory, disk, joined), bytes are those of the
 * answers; of pictures that jobs have made beforehand ("jobs"), and of levels that pictures are made of ("levels"),
 * there are misses alone. hitRate (of asked) leaves those out. Numbers of top are estimates (render/books.h), `over`
 * says by how much too high at most. Lists are empty, never missing. What has a further number says so in a further
 * field.
 *
 * GET /cache/purges  the newest purges, newest first, 32 at most; the same rights. "by" may be empty, "files" are those
 * that have gone until now, and "done" says that all have:
 *
 *   {"inForce": 0, "purges": [{"id": "1", "atMs": 0, "what": "source", "text": "asset://UUID", "by": "admin",
 *                              "files": 0, "done": true}]}
 *
 * A disk cache that cannot be used is named in /health ("caches") and is no reason for 503: pictures are made without.
 *
 * The first two answer from memory on the event loop (metrics: on the pool), so they work when nothing else does.
 */
#ifndef ALB_DOORS_OPS_OPS_H
#define ALB_DOORS_OPS_OPS_H

#include "doors/common/auth.h"

struct alb_jobs;
struct alb_origins;
struct alb_render;
struct alb_render_scrub;
struct alb_uploads;

struct alb_door_ops {
    struct alb_door_auth auth; /* first */
    struct alb_http *http;
    struct alb_pool *pool;
    struct alb_render *render;
    struct alb_uploads *uploads;
    struct alb_jobs *jobs;
    const struct alb_clock *clock;
    int64_t stuck_ns; /* how long something may wait before the server is called unhealthy */
    bool public_metrics;
    struct alb_origins *origins; /* whose caches /health tells of too; NULL: none */
    /* The label of `text`, which is a "url", "source", "prefix" or "tag"; empty: it is none, and *err says why. */
    struct alb_str (*label)(struct alb_arena *arena, const char *what, struct alb_str text,
                            struct alb_err *err);
    struct alb_render_scrub (*scrub)(void *ctx); /* NULL: there is none */
    void *scrub_ctx;
};
enum alb_code alb_door_ops(struct alb_http *http, struct alb_door_ops *door,
                           struct alb_err *err) ALB_MUST_CHECK;

#endif
