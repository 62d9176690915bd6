/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a program in another's place listens, and its HTTP servers: one for what it is there for, and one for its
 * metrics if they have an address of their own.
 *
 * Threads: the main thread, at start and at the end. No locks.
 */
#ifndef ALB_PERSONALITY_SERVERS_H
#define ALB_PERSONALITY_SERVERS_H

#include "http/http.h"

#define ALB_SERVERS_WHERE_MAX 2

/* Host and port of "host:port", ":port", "[v6]:port", in the arena. INVALID names the setting. */
enum alb_code alb_servers_split(struct alb_arena *text, const char *setting, struct alb_str bind,
                                const char **host, const char **port, struct alb_err *err) ALB_MUST_CHECK;
/* What http is to listen on for them. No host, or 0.0.0.0: every address of both families, as Go's net package means
 * it. Texts lie in the arena. NO_MEMORY. */
enum alb_code alb_servers_where(struct alb_arena *text, const char *host, const char *port,
                                const char *listen[ALB_SERVERS_WHERE_MAX], size_t *n,
                                struct alb_err *err) ALB_MUST_CHECK;

struct alb_servers {                 /* begins as zeroes */
    struct alb_http *http, *metrics; /* metrics: NULL where nobody asked for them */
    const char *listen[ALB_SERVERS_WHERE_MAX], *listen_metrics[ALB_SERVERS_WHERE_MAX];
};

/* Makes the one for metrics, with one loop and http's own limits; an empty `bind`: none. Routes are the caller's. */
enum alb_code alb_servers_add_metrics(struct alb_servers *s, struct alb_pool *pool, struct alb_arena *text,
                                      const char *setting, struct alb_str bind,
                                      struct alb_err *err) ALB_MUST_CHECK;
/* Metrics first: whoever is served can be counted. */
enum alb_code alb_servers_start(struct alb_servers *s, struct alb_err *err) ALB_MUST_CHECK;
/* Requests may end until `deadline` (monotonic), then they are cut: false. Also of what never started. */
bool alb_servers_stop(struct alb_servers *s, int64_t deadline);
void alb_servers_free(struct alb_servers *s); /* stopped, or never started; safe twice */

#endif
