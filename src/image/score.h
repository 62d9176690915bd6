/* SPDX-License-Identifier: Apache-2.0
 *
 * How different two pictures look. Pure arithmetic; any thread; memory is proportional to the pixels (about 40 bytes
 * each) and freed before return.
 */
#ifndef ALB_IMAGE_SCORE_H
#define ALB_IMAGE_SCORE_H

#include "base/attr.h"

/* Structural dissimilarity over five scales, 0 = equal, about 0.001 = hardly to be told apart, 0.01 = visible.
 * The arithmetic is that of the program dssim (K. Lesinski, version 3): L*a*b* of linear light, chroma blurred,
 * SSIM on each channel, 1 / ssim - 1. Rows of `bands` 1 (grey) or 3 (sRGB) or one more with alpha, not
 * premultiplied, without padding. Negative: no memory. */
double alb_score_dssim(const uint8_t *a, const uint8_t *b, uint32_t width, uint32_t height,
                       unsigned bands) ALB_MUST_CHECK;

#endif
