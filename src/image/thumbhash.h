/* SPDX-License-Identifier: Apache-2.0
 *
 * ThumbHash: a picture in about 25 bytes, as a placeholder until the real one is there (public specification
 * and reference by Evan Wallace, evanw.github.io/thumbhash). Pure; any thread.
 */
#ifndef ALB_IMAGE_THUMBHASH_H
#define ALB_IMAGE_THUMBHASH_H

#include "base/attr.h"

#define ALB_THUMBHASH_SIDE 100 /* larger pictures are not taken */

/* rgba: w * h pixels of 4 bytes, sRGB, alpha not premultiplied; 1 <= w, h <= ALB_THUMBHASH_SIDE. Writes at
 * most 32 bytes to out and returns how many (5..25), 0 if the size is wrong or there is no memory. */
size_t alb_thumbhash(const uint8_t *rgba, unsigned w, unsigned h, uint8_t out[static 32]);

#endif
