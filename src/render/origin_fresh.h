/* SPDX-License-Identifier: Apache-2.0
 *
 * How long an answer is fresh (RFC 9111 §4.2), for a cache that acts for one set of credentials or for
 * everybody. Private to src/render. Pure; any thread.
 */
#ifndef ALB_RENDER_ORIGIN_FRESH_H
#define ALB_RENDER_ORIGIN_FRESH_H

#include "base/str.h"

struct alb_origin_words { /* header values, several lines joined by ", "; p == NULL: absent */
    struct alb_str cache_control, expires, date, age, pragma, vary;
};

struct alb_origin_fresh {
    bool worded;      /* something was said: until_ms counts, even if it has passed */
    bool always;      /* no-cache, Vary: *: ask every time */
    bool no_store;    /* nothing may be kept */
    int64_t until_ms; /* wall; 0: nothing was said */
};

/* asked_ms, answered_ms: wall times of our request and of its answer. `shared`: no credentials were sent, so
 * s-maxage is meant for us. */
struct alb_origin_fresh alb_origin_fresh_of(const struct alb_origin_words *w, bool shared, int64_t asked_ms,
                                            int64_t answered_ms);
/* No longer than `other` says, which stood on the way (a redirect). */
struct alb_origin_fresh alb_origin_fresh_least(struct alb_origin_fresh a, struct alb_origin_fresh other);

#endif
