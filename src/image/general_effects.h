/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker side: what is done to the pixels of a picture that has its size: effects, canvas, marks laid over it, and the
 * two places that only pixels can tell (smart crop, trim). As general_steps.h: each takes *image over and puts its
 * result there; on failure *image is NULL. Pictures come here in 8 or 16 bits, grey or RGB, with or without alpha that
 * is not premultiplied.
 */
#ifndef ALB_IMAGE_GENERAL_EFFECTS_H
#define ALB_IMAGE_GENERAL_EFFECTS_H

#include <vips/vips.h>

#include "base/err.h"
#include "image/plan.h"

/* `data`: what u.effect.data names. */
enum alb_code alb_step_effect(VipsImage **image, const struct alb_plan_step *s, struct alb_str data,
                              struct alb_err *err) ALB_MUST_CHECK;
/* Of these those from LINEAR to CURVE (general_filters.c). */
enum alb_code alb_step_filter(VipsImage **image, const struct alb_plan_step *s, struct alb_str data,
                              struct alb_err *err) ALB_MUST_CHECK;
/* Pixels of our own: they may be changed. */
enum alb_code alb_step_own(VipsImage **image, struct alb_err *err) ALB_MUST_CHECK;
/* OUTLINE (general_outline.c). */
enum alb_code alb_step_outline(VipsImage **image, const struct alb_plan_step *s,
                               struct alb_err *err) ALB_MUST_CHECK;
/* RED_EYE; what has 16 bits has 8 afterwards. A picture in shades of grey stays as it is. */
enum alb_code alb_step_red_eye(VipsImage **image, struct alb_err *err) ALB_MUST_CHECK;
/* A picture in shades of grey as one with colours; others as they are. */
enum alb_code alb_step_rgb(VipsImage **image, struct alb_err *err) ALB_MUST_CHECK;
/* The mean colour of a picture over white, which stays as it is. */
enum alb_code alb_image_mean(VipsImage *image, uint32_t *rgb, struct alb_err *err) ALB_MUST_CHECK;
/* Lays the picture on a canvas of the step's size, with a ground as it says. */
enum alb_code alb_step_canvas(VipsImage **image, const struct alb_plan_step *s,
                              struct alb_err *err) ALB_MUST_CHECK;
/* `bytes`: of input s->u.mark.input, or the text; `texts`: those of the plan. A mark that lies outside is no error. */
enum alb_code alb_step_mark(VipsImage **image, const struct alb_plan_step *s, const char *texts,
                            struct alb_str bytes, struct alb_err *err) ALB_MUST_CHECK;
/* Cut to the size of the step, there where the eye goes (libvips' attention strategy). */
enum alb_code alb_step_smart_crop(VipsImage **image, const struct alb_plan_step *s,
                                  struct alb_err *err) ALB_MUST_CHECK;
/* The rectangle that differs from its surroundings by more than the threshold; the whole picture if there is none.
 * Does not change the image. Transparency counts as magenta, as in imgproxy's trim. */
enum alb_code alb_step_find_trim(VipsImage *image, const struct alb_plan_step *s, struct alb_rect *found,
                                 struct alb_err *err) ALB_MUST_CHECK;

#endif
