/* SPDX-License-Identifier: Apache-2.0
 *
 * One pixel of a colour as a PNG: what a picture of nothing but that colour is made of, by the same plan as every
 * other.
 * Pure; any thread.
 */
#ifndef ALB_DOORS_THUMBOR_CANVAS_H
#define ALB_DOORS_THUMBOR_CANVAS_H

#include "doors/thumbor/words.h"

#define ALB_THUMBOR_CANVAS_LEN 73 /* at most: one less for a colour that hides what is below it */
/* Gives back how many bytes it has. */
size_t alb_thumbor_canvas(const struct alb_thumbor_colour *colour,
                          unsigned char out[static ALB_THUMBOR_CANVAS_LEN]);

#endif
