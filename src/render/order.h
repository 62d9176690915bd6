/* SPDX-License-Identifier: Apache-2.0
 *
 * What only a worker can tell of a file that is there: its facts, its header alone, or an SVG without what could run
 * in a browser.
 * It is told by the darkroom's lane of probes, where headers of new sources and uploads stand too: so only
 * ALB_ORDERS_AT_ONCE are worked on, ALB_ORDERS_MAX may wait for that in the order of their coming, and equal ones
 * are one. A file that a worker could not tell of is not tried again for a while (render/failures.h), so that it
 * does not hold a place for everybody who asks. An order outlives whoever gave it: when nobody waits for its
 * future any more it is cancelled (law 8). Answers are not kept.
 *
 * Threads: any. Lock: RENDER inside.
 */
#ifndef ALB_RENDER_ORDER_H
#define ALB_RENDER_ORDER_H

#include "base/future.h"
#include "image/probe.h"
#include "render/origin.h"
#include "render/render.h"

enum alb_order_kind {
    ALB_ORDER_FACTS, /* -> probe */
    ALB_ORDER_CLEAN, /* of an SVG -> bytes */
    ALB_ORDER_HEADER /* -> header; without a worker where it is known */
};

struct alb_order_ask {
    enum alb_order_kind kind;
    struct alb_source *source; /* one of both: an asset, or an origin whose bytes are there */
    struct alb_origin *origin; /* borrowed for the call */
    enum alb_type type;
    int64_t deadline; /* monotonic ns: longest wait for a place */
};
struct alb_order_answer { /* immutable */
    struct alb_obj obj;
    struct alb_image_header header;
    struct alb_probe *probe;
    struct alb_bytes *bytes;
};
#define ALB_ORDERS_AT_ONCE 2
#define ALB_ORDERS_MAX 64

/* Joins or gives it and registers w in the same step (may be NULL; it inherits nothing). *future, a reference, settles
 * with a struct alb_order_answer or fails: UNPROCESSABLE, UNSUPPORTED, TOO_LARGE, CORRUPT, IO, TIMEOUT, BUSY. As the
 * code of the call BUSY or NO_MEMORY: nothing was begun, w is not registered. */
enum alb_code alb_render_order(struct alb_render *render, const struct alb_order_ask *ask,
                               struct alb_waiter *w, struct alb_future **future,
                               struct alb_err *err) ALB_MUST_CHECK;

#endif
