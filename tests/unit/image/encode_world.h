/* SPDX-License-Identifier: Apache-2.0
 *
 * A picture through plan and executor into one format, for tests of what is written. Include once.
 */
#ifndef ALB_TESTS_IMAGE_ENCODE_WORLD_H
#define ALB_TESTS_IMAGE_ENCODE_WORLD_H

#include "general_world.h"

static inline struct alb_plan_options options_for(enum alb_format f)
{
    struct alb_plan_options o;
    alb_plan_options_init(&o);
    o.output.format = f;
    return o;
}

static inline struct alb_str run(struct alb_str s, const struct alb_plan_options *o)
{
    struct alb_probe *p = probe(s);
    static struct alb_plan plan;
    struct alb_str out;
    enum alb_code code = render(s, &p->header, o, &out, &plan);
    alb_probe_free(&p);
    if (code != ALB_OK)
        fail_msg("%s: %d", alb_format_name(o->output.format), code);
    assert_int_equal(alb_sniff(out.p, out.n), alb_format_type(o->output.format));
    return out;
}

static inline void drop(struct alb_str s)
{
    g_free((void *)(uintptr_t)s.p);
}

static inline VipsImage *back(struct alb_str s)
{
    VipsImage *x = vips_image_new_from_buffer(s.p, s.n, "", NULL);
    if (!x)
        fail_msg("%s", vips_error_buffer());
    return x;
}

#endif
