/* SPDX-License-Identifier: Apache-2.0
 *
 * Nine-patches, as Android and thumbor's frame() have them: a picture with a line of one pixel around it, in which
 * opaque black says, at the top and at the left, which columns and rows may be stretched, and at the bottom and at
 * the right, which part is to be filled by what is framed. Arithmetic on bytes; no libvips. Pure; any thread.
 */
#ifndef ALB_IMAGE_GENERAL_FRAME_H
#define ALB_IMAGE_GENERAL_FRAME_H

#include <stdint.h>

#include "image/turn.h"

struct alb_nine {
    const uint8_t *rgba;    /* rows without gaps, not premultiplied */
    uint32_t width, height; /* with the line; at least 3 */
};

/* What is to be filled, so that what is left of width and height, without the line, is what a picture grows by:
 * left and top are that of the near sides, and what is behind left + width that of the far ones. */
void alb_nine_inside(const struct alb_nine *n, struct alb_rect *inside);
/* Drawn as large as width x height to `out`, RGBA that is all 0. What may not be stretched keeps its size; where
 * there is no room for that, pieces that do not fit are left out. */
void alb_nine_draw(const struct alb_nine *n, uint8_t *out, uint32_t width, uint32_t height);

#endif
