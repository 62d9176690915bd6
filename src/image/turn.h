/* SPDX-License-Identifier: Apache-2.0
 *
 * The eight ways a picture can lie (EXIF orientation 1..8) as arithmetic: composing them, and mapping sizes
 * and rectangles between stored and shown pixels. Pure; any thread.
 */
#ifndef ALB_IMAGE_TURN_H
#define ALB_IMAGE_TURN_H

#include "base/attr.h"

struct alb_rect {
    uint32_t left, top, width, height;
};

/* 1..8, or 1 for anything else. */
uint8_t alb_turn_valid(unsigned orientation);
/* Orientation 1..8 of "first what `first` does, then `second`" (stored -> shown -> shown again). */
uint8_t alb_turn_compose(uint8_t first, uint8_t second);
/* The orientation that turns by clockwise degrees (multiple of 90), then mirrors. */
uint8_t alb_turn_of(unsigned degrees, bool flip_h, bool flip_v);
bool alb_turn_swaps(uint8_t orientation); /* width and height change places */
/* A rectangle of the shown picture as a rectangle of the stored one, whose size is given. */
struct alb_rect alb_turn_to_stored(uint8_t orientation, uint32_t stored_width, uint32_t stored_height,
                                   struct alb_rect shown);

#endif
