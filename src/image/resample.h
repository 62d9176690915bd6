/* SPDX-License-Identifier: Apache-2.0
 *
 * Lanczos-3 resampling of pictures in memory, for the last step down to a thumbnail: after the decoder has
 * shrunk the picture most of the way, libvips' general machinery costs four times the arithmetic
 * (bench/thumb.c measures the whole). Floating point throughout. Pure; any thread.
 */
#ifndef ALB_IMAGE_RESAMPLE_H
#define ALB_IMAGE_RESAMPLE_H

#include "base/attr.h"

#define ALB_RESAMPLE_PIXELS (16u << 20) /* larger sources stay in the pipeline */
#define ALB_RESAMPLE_SHRINK 3           /* stronger shrinking too: its cost grows with the number of taps, */
#define ALB_RESAMPLE_FAR 8 /* but up to here it is still cheaper than libvips without its compiler, */
#define ALB_RESAMPLE_FAR_PIXELS (4u << 20) /* which a sealed worker cannot use: for what takes little room */

/* 8 bits, 1 or 3 bands, rows without padding, no transparency. False without memory. */
bool alb_resample(const uint8_t *in, uint32_t width, uint32_t height, unsigned bands, uint8_t *out,
                  uint32_t out_width, uint32_t out_height) ALB_MUST_CHECK;

#endif
