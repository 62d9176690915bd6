/* SPDX-License-Identifier: Apache-2.0
 *
 * From rows of RGB to the planes that a lossy WebP is coded as: Y, Cb, Cr of BT.601 in limited range, one
 * sample of chroma for two by two pixels. Pure arithmetic, any thread; the same bytes on every machine.
 */
#ifndef ALB_IMAGE_EXPRESS_WEBP_PLANES_H
#define ALB_IMAGE_EXPRESS_WEBP_PLANES_H

#include "base/attr.h"

struct alb_webp_pair {
    const uint8_t *rgb[2]; /* an upper and a lower row; the same one twice where there is no lower one */
    uint8_t *luma[2];      /* likewise */
    uint8_t *blue, *red;   /* (width + 1) / 2 samples */
};
void alb_webp_planes(const struct alb_webp_pair *rows, uint32_t width);

#endif
