/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of steps share: one ask that each test makes its own of, and its plan in short. Included once by
 * each.
 */
#ifndef ALB_TESTS_IMAGE_PLAN_WORLD_H
#define ALB_TESTS_IMAGE_PLAN_WORLD_H

#include "plan_simple.h"
#include "test.h"

static struct alb_plan_limits limits;
static struct alb_plan p;
static struct alb_plan_options o;
static struct alb_image_header h[ALB_PLAN_INPUTS];
static struct alb_rect trims[2];
static uint32_t trim_count, header_count;

/* A source of that size and options that want all of it as PNG. */
static inline void fresh(enum alb_type type, uint32_t width, uint32_t height)
{
    memset(h, 0, sizeof(h));
    for (int i = 0; i < ALB_PLAN_INPUTS; i++)
        h[i] = (struct alb_image_header){.type = type,
                                         .width = width,
                                         .height = height,
                                         .orientation = 1,
                                         .pages = 1,
                                         .bits = 8,
                                         .bytes = 1000};
    alb_plan_options_init(&o);
    alb_plan_limits_default(&limits);
    o.output.format = ALB_FORMAT_PNG;
    trim_count = 0;
    header_count = 1;
}

static inline enum alb_code try_make(struct alb_err *err)
{
    const struct alb_plan_ask ask = {h, header_count, &o, &limits, trims, trim_count};
    return alb_plan_make(&ask, &p, err);
}

static inline void expect_code(enum alb_code code)
{
    struct alb_err err = ALB_ERR_INIT;
    if (try_make(&err) != code)
        fail_msg("%d: %s", (int)err.code, err.msg);
}

/* The steps in short: letter, size, and what counts of each. */
static inline const char *steps(void)
{
    static char text[2048];
    struct alb_buf b = ALB_BUF_INIT(sizeof(text) - 1);
    expect_code(ALB_OK);
    assert_int_equal(alb_plan_check(&p, NULL), ALB_OK);
    for (uint32_t i = 0; i < p.count; i++) {
        const struct alb_plan_step *s = &p.steps[i];
        static const char letters[] = "?LRCTKFESGXMNB9";
        alb_buf_printf(&b, "%s%c%ux%u", i > 0 ? " " : "", letters[s->kind], s->width, s->height);
        if (s->kind == ALB_STEP_CROP || s->kind == ALB_STEP_CANVAS)
            alb_buf_printf(&b, "+%u+%u", s->u.crop.left, s->u.crop.top);
        if (s->kind == ALB_STEP_TURN)
            alb_buf_printf(&b, "/%u", s->u.turn.orientation);
        if (s->kind == ALB_STEP_COLOUR)
            alb_buf_printf(&b, "/%d", (int)s->u.colour.to);
        if (s->kind == ALB_STEP_EFFECT)
            alb_buf_printf(&b, "/%d", (int)s->u.effect.kind);
    }
    memcpy(text, alb_buf_cstr(&b), b.n + 1);
    alb_buf_fini(&b);
    return text;
}

static inline const struct alb_plan_step *step(enum alb_step_kind kind)
{
    for (uint32_t i = 0; i < p.count; i++) {
        if (p.steps[i].kind == kind)
            return &p.steps[i];
    }
    fail_msg("no step %d", (int)kind);
    return NULL;
}

#endif
