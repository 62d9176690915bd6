/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of `albumen imagor`. Private to src/personality.
 */
#ifndef ALB_PERSONALITY_IMAGOR_PRIV_H
#define ALB_PERSONALITY_IMAGOR_PRIV_H

#include "base/lock.h"
#include "personality/health.h"
#include "personality/imagor.h"
#include "personality/servers.h"

#define ALB_IMAGOR_BOUNDS 11   /* of Go's default histogram */
#define ALB_IMAGOR_TALLIES 128 /* pairs of status and method; more are not counted */
#define ALB_IMAGOR_ROUTES 4

struct alb_imagor_tally {
    int status;
    const char *method; /* literal */
    uint64_t bucket[ALB_IMAGOR_BOUNDS], count;
    int64_t sum_ns;
};

struct alb_imagor_service {
    /* fixed after open */
    struct alb_imagor_service_config config;
    struct alb_arena *text;
    const char *prefix; /* "" or "/x" */
    struct alb_servers servers;
    struct alb_thumbor_door *door;
    const char *origins[1];
    struct alb_cors cors;
    struct alb_http_voice voice;
    struct alb_http_group group, metrics_group;
    struct alb_route routes[ALB_IMAGOR_ROUTES], metrics_route;
    struct alb_str landing;
    struct alb_health health;
    /* under mtx */
    struct alb_mutex mtx;
    struct alb_imagor_tally tally[ALB_IMAGOR_TALLIES];
    size_t tallies;
};

/* ---- imagor_pages.c ---- */
enum alb_code alb_imagor_pages_add(struct alb_imagor_service *s, struct alb_err *err) ALB_MUST_CHECK;
void alb_imagor_error(struct alb_req *req, int status, struct alb_str text);

/* ---- imagor_metrics.c ---- */
enum alb_code alb_imagor_metrics_add(struct alb_imagor_service *s, struct alb_err *err) ALB_MUST_CHECK;
void alb_imagor_count(struct alb_imagor_service *s, int status, const char *method, int64_t ns);

/* ---- imagor_regex.c: a regular expression in Go's syntax, over addresses ---- */
enum alb_code alb_regex_of_sources_new(const char *pattern, struct alb_regex_of_sources **out,
                                       struct alb_err *err) ALB_MUST_CHECK;
void alb_regex_of_sources_free(struct alb_regex_of_sources **regex);
bool alb_regex_of_sources_matches(const void *regex, struct alb_str url);

#endif
