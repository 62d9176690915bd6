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

enum alb_code alb_step_resize(VipsImage **image, uint32_t width, uint32_t height,
                              struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_step_crop(VipsImage **image, uint32_t left, uint32_t top, uint32_t width, uint32_t height,
                            struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_step_turn(VipsImage **image, uint8_t orientation, struct alb_err *err) ALB_MUST_CHECK;
/* To 8 bits; to sRGB or grey, or (if not) only out of spaces that no result format has. */
enum alb_code alb_step_colour(VipsImage **image, bool to_srgb, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_step_flatten(VipsImage **image, uint32_t rgb, struct alb_err *err) ALB_MUST_CHECK;
/* Reads every pixel into memory: afterwards any order is free. */
enum alb_code alb_step_hold(VipsImage **image, struct alb_err *err) ALB_MUST_CHECK;
enum alb_code alb_step_encode(VipsImage **image, const struct alb_plan_step *encode, int result_fd,
                              struct alb_err *err) ALB_MUST_CHECK;

/* The profile blob of an image; empty if none. Borrowed. */
struct alb_str alb_image_blob(VipsImage *image, const char *name);

#endif
