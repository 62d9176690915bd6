/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker side: single steps over libvips images, shared by render and probe. Each takes *image over
 * (unreferences it) and puts its result there; on failure *image is NULL.
 */
#ifndef ALB_IMAGE_GENERAL_STEPS_H
#define ALB_IMAGE_GENERAL_STEPS_H

#include <vips/vips.h>

#include "base/err.h"
#include "image/plan.h"

/* *image becomes `next` if rc is 0; the old one is released either way. Else UNPROCESSABLE with what libvips says. */
enum alb_code alb_step_replace(VipsImage **image, int rc, VipsImage *next, const char *what,
                               struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_step_resize(VipsImage **image, uint32_t width, uint32_t height, enum alb_kernel kernel,
                              struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_step_crop(VipsImage **image, uint32_t left, uint32_t top, uint32_t width, uint32_t height,
                            struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_step_turn(VipsImage **image, uint8_t orientation, struct alb_err *err) ALB_MUST_CHECK;
/* As enum alb_colour_to says; to 8 bits unless `deep` and there are more. */
enum alb_code alb_step_colour(VipsImage **image, enum alb_colour_to to, bool deep,
                              struct alb_err *err) ALB_MUST_CHECK;
/* alpha below 1: the ground itself is so transparent, and the result keeps its alpha. */
enum alb_code alb_step_flatten(VipsImage **image, uint32_t rgb, double alpha,
                               struct alb_err *err) ALB_MUST_CHECK;
/* Reads every pixel into memory: afterwards any order is free. */
enum alb_code alb_step_hold(VipsImage **image, struct alb_err *err) ALB_MUST_CHECK;
/* Writes the picture as u.encode says; *format is the one that was written. `profile`: the bytes of the input that
 * output.profile_input names, if any. */
enum alb_code alb_step_encode(VipsImage **image, const struct alb_plan_step *encode, struct alb_str profile,
                              int result_fd, enum alb_format *format, struct alb_err *err) ALB_MUST_CHECK;

/* The profile blob of an image; empty if none. Borrowed. */
struct alb_str alb_image_blob(VipsImage *image, const char *name);

#endif
