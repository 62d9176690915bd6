/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker side: layers of a plan (plan.h: what lies between a LOAD and its BLEND), as they are found and kept, and how
 * they are laid over. One thread.
 */
#ifndef ALB_IMAGE_GENERAL_LAYERS_H
#define ALB_IMAGE_GENERAL_LAYERS_H

#include <vips/vips.h>

#include "base/err.h"
#include "image/plan.h"

/* The step that closes the layer that begins with step `begin`; the last one, if none does. */
uint32_t alb_layer_end(const struct alb_plan *p, uint32_t begin);
/* The LOAD of the innermost picture that is open at the end: 0, or a layer's before FIND_TRIM. */
uint32_t alb_layer_open(const struct alb_plan *p);

struct alb_layer {
    VipsImage **frames; /* count of them, held in memory; NULL before they are made */
    uint32_t count;     /* 0: not begun */
};
struct alb_layers;
struct alb_layers *alb_layers_new(const struct alb_plan *p);
void alb_layers_free(struct alb_layers **layers);
struct alb_layer *alb_layers_at(struct alb_layers *layers, uint32_t begin);
enum alb_code alb_layer_new(struct alb_layer *layer, uint32_t count, struct alb_err *err) ALB_MUST_CHECK;

/* As steps do: *image is taken over. `layer` stays the caller's; s: the BLEND. */
enum alb_code alb_step_blend(VipsImage **image, VipsImage *layer, const struct alb_plan_step *s,
                             struct alb_err *err) ALB_MUST_CHECK;
/* The nine-patch as large as that (general_frame.h). */
enum alb_code alb_step_nine(VipsImage **image, uint32_t width, uint32_t height,
                            struct alb_err *err) ALB_MUST_CHECK;
/* What of a nine-patch is to be filled. */
enum alb_code alb_step_find_frame(VipsImage **image, struct alb_rect *inside,
                                  struct alb_err *err) ALB_MUST_CHECK;

/* ---- general_marks.c ---- */

struct alb_over {
    int64_t left, top;
    uint32_t across, down; /* so often */
    enum alb_blend blend;
};
enum alb_code alb_mark_alpha(VipsImage **image, struct alb_err *err) ALB_MUST_CHECK; /* has some afterwards */
enum alb_code alb_mark_fade(VipsImage **mark, double opacity, struct alb_err *err) ALB_MUST_CHECK;
/* What of the mark lies on the picture, laid over it there. Takes both over. */
enum alb_code alb_mark_over(VipsImage **image, VipsImage **mark, const struct alb_over *o,
                            struct alb_err *err) ALB_MUST_CHECK;
/* A text as the step says; *image is only read, for its mean colour. NULL with failure. */
enum alb_code alb_mark_text(VipsImage **image, const struct alb_plan_step *s, const char *texts,
                            struct alb_str words, VipsImage **mark, struct alb_err *err) ALB_MUST_CHECK;

#endif
