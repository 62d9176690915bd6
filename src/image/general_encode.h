/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker side: one picture to bytes of one format with one quality. What stays of the metadata and how many bits the
 * picture has is settled before (alb_encode_prepare), so that several tries cost only the encoder.
 */
#ifndef ALB_IMAGE_GENERAL_ENCODE_H
#define ALB_IMAGE_GENERAL_ENCODE_H

#include <vips/vips.h>

#include "base/err.h"
#include "image/plan.h"

/* Metadata, profile, resolution and depth as the output says, for any of its formats. */
enum alb_code alb_encode_prepare(VipsImage **image, const struct alb_output *output, bool animate,
                                 struct alb_str profile, struct alb_err *err) ALB_MUST_CHECK;
/* One encoding. quality 1..100. */
enum alb_code alb_encode(VipsImage *image, const struct alb_output *output, enum alb_format format,
                         unsigned quality, VipsTarget *target, struct alb_err *err) ALB_MUST_CHECK;
/* The same in memory: *bytes are freed with g_free. */
enum alb_code alb_encode_memory(VipsImage *image, const struct alb_output *output, enum alb_format format,
                                unsigned quality, struct alb_str *bytes, struct alb_err *err) ALB_MUST_CHECK;

/* Formats that libvips would leave to ImageMagick: a Windows bitmap (24 bits, or 32 with alpha), and an icon (one
 * picture, a PNG inside, sides up to 256). */
int alb_bmp_save(VipsImage *image, VipsTarget *target);
int alb_ico_save(VipsImage *image, VipsTarget *target);

#endif
