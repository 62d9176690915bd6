/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of `albumen imgproxy`. Private to src/personality.
 */
#ifndef ALB_PERSONALITY_IMGPROXY_PRIV_H
#define ALB_PERSONALITY_IMGPROXY_PRIV_H

#include "personality/health.h"
#include "personality/imgproxy.h"
#include "personality/servers.h"

#define ALB_IMGPROXY_STATUS_MAX 600
#define ALB_IMGPROXY_PAGES_MAX 12

struct alb_imgproxy_service {
    /* fixed after open */
    struct alb_imgproxy_service_config config;
    struct alb_arena *text; /* strings that live as long as it does */
    struct alb_servers servers;
    struct alb_imgproxy_door *door;
    struct alb_http_voice voice;
    struct alb_http_group group, metrics_group;
    struct alb_route routes[ALB_IMGPROXY_PAGES_MAX];
    size_t route_count;
    struct alb_str landing, prefix; /* prefix: of metrics, "" or "<namespace>_" */
    struct alb_health health;
    /* atomic */
    _Atomic uint64_t requests, status[ALB_IMGPROXY_STATUS_MAX];
    _Atomic uint64_t memory_max;
};

/* ---- imgproxy_pages.c ---- */
enum alb_code alb_imgproxy_pages_add(struct alb_imgproxy_service *s, struct alb_err *err) ALB_MUST_CHECK;
/* Errors are plain text, also where no route answers. */
void alb_imgproxy_error_words(struct alb_req *req, int status, struct alb_str text);
/* One of ours, or none: not a request for a picture. */
bool alb_imgproxy_is_page(const struct alb_imgproxy_service *s, const struct alb_route *route);

/* ---- imgproxy_metrics.c ---- */
enum alb_code alb_imgproxy_metrics_add(struct alb_imgproxy_service *s, struct alb_err *err) ALB_MUST_CHECK;

/* ---- imgproxy_words.c ---- */
void alb_imgproxy_voice_init(struct alb_imgproxy_service *s);
/* A length of time as Go prints it: "1.5ms", "2m3s". */
void alb_imgproxy_duration(int64_t ns, char out[32]);

#endif
