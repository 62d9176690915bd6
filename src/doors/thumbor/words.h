/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers, colours and escapes as thumbor's clients write them: nothing is refused, what cannot be read is 0, black, or
 * stays as it is. Pure; any thread.
 */
#ifndef ALB_DOORS_THUMBOR_WORDS_H
#define ALB_DOORS_THUMBOR_WORDS_H

#include "base/arena.h"

/* An optional sign and digits, else 0; too large is the largest (Go's Atoi). */
int64_t alb_thumbor_int(struct alb_str s);
/* A finite number as Go's ParseFloat reads it, else 0. */
double alb_thumbor_float(struct alb_str s);

/* %XX decoded and "+" a blank; as it is where an escape is broken. Empty view: no memory, or nothing in it. */
struct alb_str alb_thumbor_unescape(struct alb_arena *arena, struct alb_str s);
/* What is behind "b64:" decoded, else the text as it is: base64url, padded or not, with slashes behind it. */
struct alb_str alb_thumbor_debase64(struct alb_arena *arena, struct alb_str s, bool *is_base64);

enum alb_thumbor_hue { ALB_THUMBOR_RGB, ALB_THUMBOR_AUTO, ALB_THUMBOR_CLEAR, ALB_THUMBOR_BLURRED };
struct alb_thumbor_colour {
    enum alb_thumbor_hue hue; /* AUTO: the mean of the picture */
    uint32_t rgb;             /* of RGB; else 0 */
    uint8_t alpha;            /* of eight hex digits, else 255; of CLEAR 0 */
};
/* Up to the first comma, in any case, a "#" before it or not: "auto"; "none" and "transparent"; "blur" exactly; a name
 * of SVG 1.1; 3, 6 or 8 characters read as hex, with 0 for those that are none; else black. */
struct alb_thumbor_colour alb_thumbor_colour(struct alb_str s);
/* "color:..." as an image; false: it is none. */
bool alb_thumbor_colour_image(struct alb_str image, struct alb_thumbor_colour *out);
/* Of a name, in lower case; false: unknown. */
bool alb_thumbor_colour_name(struct alb_str name, uint32_t *rgb);

#endif
