/* SPDX-License-Identifier: Apache-2.0
 *
 * How different two pictures look. Pure arithmetic; any thread; memory is proportional to the pixels and freed before
 * return. Both take rows of `bands` 1 (grey) or 3 (sRGB) or one more with alpha, not premultiplied, without padding.
 */
#ifndef ALB_IMAGE_SCORE_H
#define ALB_IMAGE_SCORE_H

#include "base/attr.h"

/* Structural dissimilarity over five scales, 0 = equal, about 0.001 = hardly to be told apart, 0.01 = visible.
 * The arithmetic is that of the program dssim (K. Lesinski, version 3): L*a*b* of linear light, chroma blurred,
 * SSIM on each channel, 1 / ssim - 1. About 80 bytes for a pixel. Negative: no memory. */
double alb_score_dssim(const uint8_t *a, const uint8_t *b, uint32_t width, uint32_t height,
                       unsigned bands) ALB_MUST_CHECK;

/* SSIMULACRA 2.1 (J. Sneyers): 100 = equal, 90 not to be told apart even by flicker, 80 not side by side, 70 hardly
 * noticed, 50 slightly annoying, 30 annoying; no lower end. What was added to the second counts otherwise than what it
 * lost, so the order matters. Within 0.002 of the same arithmetic in double precision, 0.02 where all surfaces are
 * flat. The program itself rounds more: it is within 0.02 of ours on pictures with detail from 100 pixels a side, and
 * up to 2 lower on flat ones. Pictures with alpha are laid on dark and on bright ground; the worse counts. About 8
 * bytes for a pixel and 750 for a column. False: no memory; the score is 0 then. */
bool alb_score_ssimulacra2(const uint8_t *a, const uint8_t *b, uint32_t width, uint32_t height,
                           unsigned bands, double *score) ALB_MUST_CHECK;

#endif
