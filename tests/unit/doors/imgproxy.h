/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of imgproxy's language share: a configuration from a short environment, and one request at a time in an
 * arena that lasts until the next one.
 */
#ifndef ALB_TESTS_UNIT_DOORS_IMGPROXY_H
#define ALB_TESTS_UNIT_DOORS_IMGPROXY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "doors/imgproxy/env.h"
#include "doors/imgproxy/options.h"

#define NOW 1700000000

struct world {
    struct alb_arena *arena;
    struct alb_imgproxy_config *config;
    struct alb_imgproxy_url url;
    struct alb_imgproxy_request request;
    struct alb_err err;
    double hint_dpr, hint_width;
};

#define assert_text(s, literal)                                                                              \
    do {                                                                                                     \
        struct alb_str s_ = (s);                                                                             \
        if (!alb_str_eq_c(s_, (literal)))                                                                    \
            fail_msg("\"%.*s\" is not \"%s\"", (int)s_.n, s_.p ? s_.p : "", (literal));                      \
    } while (0)
#define assert_near(a, b)                                                                                    \
    do {                                                                                                     \
        double a_ = (a), b_ = (b);                                                                           \
        if (!(a_ - b_ < 1e-9 && b_ - a_ < 1e-9))                                                             \
            fail_msg("%g is not %g", a_, b_);                                                                \
    } while (0)

/* Variables end with NULL. */
static inline void world_begin(struct world *w, const char *const *envp)
{
    static const char *const none[] = {NULL};

    memset(w, 0, sizeof(*w));
    if (alb_imgproxy_config_from_env(envp != NULL ? envp : none, &w->config, NULL, &w->err) != ALB_OK)
        fail_msg("%s", w->err.msg);
    w->arena = alb_arena_new((size_t)1 << 20);
    assert_non_null(w->arena);
}

static inline void world_end(struct world *w)
{
    alb_arena_free(&w->arena);
    alb_imgproxy_config_unref(w->config);
}

/* The path behind the signature, as it arrives; signatures are not looked at. */
static inline enum alb_imgproxy_refusal world_parse(struct world *w, const char *path)
{
    struct alb_imgproxy_setting set = {.now = NOW, .hint_dpr = w->hint_dpr, .hint_width = w->hint_width};
    bool info = strncmp(path, "/info/", 6) == 0;
    enum alb_imgproxy_refusal r;

    alb_arena_free(&w->arena);
    w->arena = alb_arena_new((size_t)1 << 20);
    assert_non_null(w->arena);
    alb_err_clear(&w->err);
    struct alb_str target = info ? alb_arena_printf(w->arena, "/info/sig/%s", path + 6)
                                 : alb_arena_printf(w->arena, "/sig/%s", path);
    set.config = w->config;
    set.arena = w->arena;
    r = alb_imgproxy_url_split(w->config, w->arena, target, &w->url, &w->err);
    if (r == ALB_IMGPROXY_FINE)
        r = alb_imgproxy_request_parse(&set, &w->url, &w->request, &w->err);
    assert_int_equal(r == ALB_IMGPROXY_FINE, w->err.code == ALB_OK); /* a refusal has its reason */
    return r;
}

#define SOURCE "plain/http://h/a.jpg"

/* Options, before a source that does not matter. */
static inline struct alb_imgproxy_pipeline *world_options(struct world *w, const char *options)
{
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/" SOURCE, options);
    if (world_parse(w, path) != ALB_IMGPROXY_FINE)
        fail_msg("%s: %s", options, w->err.msg);
    return w->request.pipeline[0];
}

static inline void world_refuses(struct world *w, const char *options, enum alb_imgproxy_refusal r)
{
    char path[8192];

    (void)snprintf(path, sizeof(path), "%s/" SOURCE, options);
    enum alb_imgproxy_refusal got = world_parse(w, path);
    if (got != r)
        fail_msg("%s: refusal %d, not %d (%s)", options, (int)got, (int)r, w->err.msg);
}

#endif
