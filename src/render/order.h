/* SPDX-License-Identifier: Apache-2.0
 *
 * What only a worker can tell of a file that is there: its facts, or an SVG without what could run in a browser. A lane
 * of its own in the darkroom (probes), so it takes no slot of renders. An order outlives whoever gave it: when nobody
 * waits for its future any more it is cancelled (law 8). Nothing is kept: each order is worked on.
 *
 * Threads: give orders on the io pool (an asset is read and checked whole). No locks.
 */
#ifndef ALB_RENDER_ORDER_H
#define ALB_RENDER_ORDER_H

#include "base/future.h"
#include "image/probe.h"
#include "render/origin.h"
#include "render/render.h"

enum alb_order_kind {
    ALB_ORDER_FACTS, /* -> probe */
    ALB_ORDER_CLEAN  /* of an SVG -> bytes */
};

struct alb_order_ask {
    enum alb_order_kind kind;
    struct alb_source
        *source; /* one of both: an asset, or an origin whose bytes are there; borrowed for the call */
    struct alb_origin *origin;
    enum alb_type type;
    int64_t deadline; /* monotonic ns */
};
struct alb_order_answer { /* immutable */
    struct alb_obj obj;
    const struct alb_probe *probe;
    struct alb_bytes *bytes;
};

/* *future, a reference, settles with a struct alb_order_answer or fails: UNPROCESSABLE, UNSUPPORTED, TOO_LARGE,
 * TIMEOUT, BUSY. As the code of the call also CORRUPT, IO, NO_MEMORY: nothing was begun. */
enum alb_code alb_render_order(struct alb_render *render, const struct alb_order_ask *ask,
                               struct alb_future **future, struct alb_err *err) ALB_MUST_CHECK;

#endif
