/* SPDX-License-Identifier: Apache-2.0
 *
 * The test server of the HTTP room: the real server with routes that do one thing each, driven by varnishtest
 * scenarios (*.vtc), storms (storm.c, python) and benches. Not part of the product.
 */
#ifndef ALB_TESTS_SERVERD_H
#define ALB_TESTS_SERVERD_H

#include "base/flight.h"
#include "base/lock.h"
#include "base/timer.h"
#include "http/http.h"

struct serverd {
    struct alb_pool *pool;
    struct alb_timers *timers;
    struct alb_flight *flight;
    struct alb_http *http;
    struct alb_bytes *small, *large; /* 1 KB and 20 KB of text */
    struct alb_mutex mtx;            /* of the next three */
    long open;                       /* requests whose cleanup hook has not run yet */
    struct alb_owner quiet[16];      /* who waits for open to become 0 */
    unsigned quiet_n;
    atomic_long builds;     /* titles that routes of /flight have held */
    atomic_long told;       /* steps that were told of a hang-up */
    atomic_long gone_bytes; /* body bytes that steps had seen when GONE came */
};

extern struct serverd serverd;

extern const struct alb_http_group serverd_group;
enum alb_code serverd_routes_answers(struct alb_http *s, struct alb_err *err); /* routes_answers.c */
enum alb_code serverd_routes_waits(struct alb_http *s, struct alb_err *err);   /* routes_waits.c */
enum alb_code serverd_routes_bodies(struct alb_http *s, struct alb_err *err);  /* routes_bodies.c */

/* Counts the request as open until its arena ends. */
void serverd_hold(struct alb_req *req);
long serverd_open(void);
/* Ends what timers would have ended later. */
void serverd_finish_works(void);
/* From now on nothing is held any more. */
void serverd_free_works(void);
/* Waits for a future that a timer ends. */
enum alb_step serverd_sleep(struct alb_req *req, int64_t ms);
/* The query value `name` as a number, or `otherwise`. */
int64_t serverd_number(struct alb_req *req, const char *name, int64_t otherwise);

#endif
