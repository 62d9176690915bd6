/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of `albumen tusd`. Private to src/personality.
 */
#ifndef ALB_PERSONALITY_TUSD_PRIV_H
#define ALB_PERSONALITY_TUSD_PRIV_H

#include "base/lock.h"
#include "base/pool.h"
#include "doors/tus/tus.h"
#include "http/http.h"
#include "personality/origin.h"
#include "personality/tus_hooks.h"
#include "personality/tusd_flags.h"

/* ---- words (tusd_words.c): tusd's lines, with the time in front, or as JSON ---- */

void alb_tusd_words_setup(bool json);
void alb_tusd_say(const char *fmt, ...) ALB_PRINTF(1, 2);      /* to standard output */
void alb_tusd_complain(const char *fmt, ...) ALB_PRINTF(1, 2); /* to standard error */

/* ---- pages (tusd_pages.c): the greeting and the metrics ---- */

#define ALB_TUSD_ERRORS_MAX 64 /* pairs of status and code; more are counted as the last one */

struct alb_tusd_error_count {
    int status;
    const char *code; /* literal of the door */
    uint64_t n;
};

struct alb_tusd_pages {
    /* fixed after start */
    struct alb_str greeting, base;
    char metrics_path[256];
    struct alb_hooks *hooks; /* or NULL */
    struct alb_http_group group;
    struct alb_route routes[3];
    /* atomic */
    _Atomic uint64_t requests[6]; /* DELETE, GET, HEAD, OPTIONS, PATCH, POST */
    /* under mtx */
    struct alb_mutex mtx;
    struct alb_tusd_error_count errors[ALB_TUSD_ERRORS_MAX];
    size_t error_count;
};
enum alb_code alb_tusd_pages_add(struct alb_tusd_pages *p, const struct alb_tusd_flags *f,
                                 struct alb_http *http, struct alb_arena *text, const char *version,
                                 struct alb_err *err) ALB_MUST_CHECK;
/* For struct alb_tus_hooks.answered; ctx is the pages. */
void alb_tusd_pages_answered(struct alb_tusd_pages *p, const struct alb_req *req, int status,
                             const char *code);

#endif
