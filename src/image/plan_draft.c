/* SPDX-License-Identifier: Apache-2.0
 *
 * The draft: the list of steps as it grows, and the picture as it is behind the last one. What two steps in a row
 * do that one can do is one step.
 */
#include <string.h>

#include "image/plan_priv.h"

struct alb_plan_step *alb_draft_add(struct alb_draft *d, enum alb_step_kind kind, uint32_t width,
                                    uint32_t height)
{
    struct alb_plan *p = d->plan;
    if (p->count == ALB_PLAN_STEPS) { /* given up at the end; until then the last one is written over */
        d->full = true;
        p->count--;
    }
    struct alb_plan_step *s = &p->steps[p->count++];
    memset(s, 0, sizeof(*s));
    s->kind = kind;
    s->width = width;
    s->height = height;
    return s;
}

struct alb_plan_text alb_draft_text(struct alb_draft *d, struct alb_str text)
{
    struct alb_plan *p = d->plan;
    struct alb_plan_text t = {p->text_bytes, (uint32_t)text.n};
    if (text.n == 0)
        return (struct alb_plan_text){0, 0};
    if (text.n > ALB_PLAN_TEXTS - p->text_bytes) {
        d->full = true;
        return (struct alb_plan_text){0, 0};
    }
    memcpy(p->texts + t.at, text.p, text.n);
    p->text_bytes += t.n;
    return t;
}

/* Cuts a rectangle out; two cuts in a row are one. */
void alb_draft_crop(struct alb_draft *d, struct alb_rect r)
{
    if (r.width == d->width && r.height == d->height)
        return;
    struct alb_plan_step *last = &d->plan->steps[d->plan->count - 1];
    if (last->kind == ALB_STEP_CROP) {
        last->u.crop.left += r.left;
        last->u.crop.top += r.top;
        last->width = r.width;
        last->height = r.height;
    } else {
        struct alb_plan_step *s = alb_draft_add(d, ALB_STEP_CROP, r.width, r.height);
        s->u.crop.left = r.left;
        s->u.crop.top = r.top;
    }
    d->width = r.width;
    d->height = r.height;
}

void alb_draft_smart_crop(struct alb_draft *d, uint32_t width, uint32_t height)
{
    d->held += (uint64_t)d->width * d->height * 8;
    alb_draft_add(d, ALB_STEP_SMART_CROP, width, height);
    d->width = width;
    d->height = height;
}

/* The picture at left, top of a transparent canvas; two canvases in a row are one. */
void alb_draft_canvas(struct alb_draft *d, uint32_t width, uint32_t height, uint32_t left, uint32_t top)
{
    struct alb_plan_step *last = &d->plan->steps[d->plan->count - 1];
    if (last->kind == ALB_STEP_CANVAS && last->u.canvas.ground == ALB_GROUND_CLEAR) {
        last->u.canvas.left += left;
        last->u.canvas.top += top;
        last->width = width;
        last->height = height;
    } else {
        struct alb_plan_step *s = alb_draft_add(d, ALB_STEP_CANVAS, width, height);
        s->u.canvas.left = left;
        s->u.canvas.top = top;
    }
    d->width = width;
    d->height = height;
    d->alpha = true;
}

enum alb_code alb_draft_resize(struct alb_draft *d, const struct alb_plan_options *o, int64_t width,
                               int64_t height)
{
    uint64_t limit = d->ask->limits->result_pixels, before = (uint64_t)d->width * d->height;
    width = width < 1 ? 1 : width;
    height = height < 1 ? 1 : height;
    if (width > ALB_PLAN_SIDE_MAX || height > ALB_PLAN_SIDE_MAX)
        return alb_fail(d->err, ALB_E_TOO_LARGE, "a side above %u pixels would be needed", ALB_PLAN_SIDE_MAX);
    uint64_t pixels = (uint64_t)width * (uint64_t)height;
    if (pixels * (d->animated ? d->pages : 1) > limit && pixels > before)
        return alb_fail(d->err, ALB_E_TOO_LARGE, "the picture would have to be enlarged too much");
    alb_draft_add(d, ALB_STEP_RESIZE, (uint32_t)width, (uint32_t)height)->u.resize.kernel = o->kernel;
    d->width = (uint32_t)width;
    d->height = (uint32_t)height;
    return ALB_OK;
}

enum alb_code alb_draft_check_canvas(const struct alb_draft *d, int64_t width, int64_t height)
{
    uint64_t limit = d->ask->limits->result_pixels;
    if (width < 1 || height < 1)
        return alb_fail(d->err, ALB_E_UNPROCESSABLE, "nothing of the picture is left on its canvas");
    if (width > ALB_PLAN_SIDE_MAX || height > ALB_PLAN_SIDE_MAX ||
        (uint64_t)width * (uint64_t)height > limit / (d->animated ? d->pages : 1))
        return alb_fail(d->err, ALB_E_TOO_LARGE, "the result would have more than %llu pixels",
                        (unsigned long long)limit);
    return ALB_OK;
}
