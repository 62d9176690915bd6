/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the general executor share: a probe and a render in this process. Included once by each.
 */
#ifndef ALB_TESTS_IMAGE_GENERAL_WORLD_H
#define ALB_TESTS_IMAGE_GENERAL_WORLD_H

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"
#include "image/general.h"
#include "image/icc.h"
#include "image/load.h"
#include "plan_simple.h"
#include "sample.h"

static struct alb_plan_limits limits;

static inline struct alb_probe *probe(struct alb_str s)
{
    struct alb_probe *p = alb_mem_calloc(1, sizeof(*p));
    struct alb_err err = ALB_ERR_INIT;
    assert_non_null(p);
    p->arena = alb_arena_new(16 << 20);
    assert_non_null(p->arena);
    if (alb_general_probe(alb_sniff(s.p, s.n), s, &limits, true, p, &err) != ALB_OK)
        fail_msg("%s", err.msg);
    return p;
}

/* Renders; the result is NULL-free memory (free with g_free), or empty with the code. */
static inline enum alb_code render(struct alb_str s, const struct alb_image_header *h,
                                   const struct alb_plan_options *o, struct alb_str *out,
                                   struct alb_plan *plan)
{
    struct alb_err err = ALB_ERR_INIT;
    *out = ALB_STR_NONE;
    struct alb_general_outcome outcome;
    int fd = memfd_create("result", MFD_CLOEXEC);
    assert_true(fd >= 0);
    enum alb_code code = plan_make(h, o, &limits, plan, &err);
    if (code == ALB_OK && alb_plan_is_trim(plan)) {
        assert_int_equal(alb_general_render(plan, &s, fd, &outcome, &err), ALB_OK);
        code = plan_again(h, o, &limits, &outcome.trim, plan, &err);
    }
    if (code != ALB_OK)
        fail_msg("plan: %s", err.msg);
    code = alb_general_render(plan, &s, fd, &outcome, &err);
    if (code == ALB_OK) {
        size_t n = (size_t)lseek(fd, 0, SEEK_END);
        char *p = g_malloc(n);
        assert_int_equal(pread(fd, p, n, 0), n);
        *out = (struct alb_str){p, n};
    }
    close(fd);
    return code;
}

/* Checks that the result is what the plan says, and how it lies. */
static inline void render_ok(struct alb_str s, const struct alb_plan_options *o, const char *corners)
{
    struct alb_probe *p = probe(s);
    static struct alb_plan plan;
    struct alb_str out;
    uint32_t w, h;
    char got[5];
    assert_int_equal(render(s, &p->header, o, &out, &plan), ALB_OK);
    if (!alb_sniff_size(alb_format_type(plan.format), out.p, out.n, &w, &h))
        fail_msg("the result is no %s", alb_format_name(plan.format));
    assert_int_equal(w, plan.width);
    assert_int_equal(h, plan.height);
    if (corners) {
        sample_corners(out, got);
        assert_string_equal(got, corners);
    }
    g_free((void *)(uintptr_t)out.p);
    alb_probe_free(&p);
}

static inline bool begin(char *self)
{
    if (VIPS_INIT(self) != 0)
        return false;
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    alb_meta_global_init();
    alb_plan_limits_default(&limits);
    return true;
}

#endif
