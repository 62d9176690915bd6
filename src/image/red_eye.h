/* SPDX-License-Identifier: Apache-2.0
 *
 * Red eyes, found by their colour and mended: a flash that comes back from the back of the eye paints pupils red.
 * There is no detector of faces here; what is looked for is a round red spot with skin around it, and another one
 * of about its size at such a distance as eyes have. Arithmetic on bytes; no libvips. Pure; any thread.
 */
#ifndef ALB_IMAGE_RED_EYE_H
#define ALB_IMAGE_RED_EYE_H

#include <stdint.h>

/* `bands` bytes for each pixel, the first three red, green and blue; rows without gaps. How many pupils were
 * mended; all others stay as they are. */
unsigned alb_red_eyes(uint8_t *pixels, uint32_t width, uint32_t height, unsigned bands);

#endif
