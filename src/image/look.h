/* SPDX-License-Identifier: Apache-2.0
 *
 * What a small picture looks like, in a few numbers: average, palette, dominant colours, blurhash, perceptual hash.
 * Works on the small pixels that a probe brings (probe.h): rgba, 4 bytes a pixel, sRGB, alpha not premultiplied, at
 * most ALB_LOOK_SIDE a side. Plain arithmetic, bounded by that size. Pure; any thread.
 */
#ifndef ALB_IMAGE_LOOK_H
#define ALB_IMAGE_LOOK_H

#include "base/str.h"

#define ALB_LOOK_SIDE 100
#define ALB_LOOK_PALETTE_MAX 256
#define ALB_BLURHASH_MAX 168 /* bytes, with a NUL */

struct alb_look {
    const uint8_t *rgba;
    uint32_t width, height; /* 1..ALB_LOOK_SIDE */
};
struct alb_colour {
    uint8_t r, g, b, a;
};

bool alb_look_has_alpha(const struct alb_look *l); /* a pixel that is not opaque */
/* Weighted by opacity with `ignore_transparent`; its alpha is then that of what was counted. */
struct alb_colour alb_look_average(const struct alb_look *l, bool ignore_transparent);
/* Median cut of what is not transparent, the most frequent first; returns how many there are (0: all transparent). */
unsigned alb_look_palette(const struct alb_look *l, unsigned max,
                          struct alb_colour out[static ALB_LOOK_PALETTE_MAX]);

enum alb_dominant {
    ALB_DOMINANT_VIBRANT,
    ALB_DOMINANT_LIGHT_VIBRANT,
    ALB_DOMINANT_DARK_VIBRANT,
    ALB_DOMINANT_MUTED,
    ALB_DOMINANT_LIGHT_MUTED,
    ALB_DOMINANT_DARK_MUTED,
    ALB_DOMINANT_COUNT
};
const char *alb_dominant_name(enum alb_dominant d); /* "light_vibrant" */
/* Bits 1 << enum alb_dominant of what was found; with `build` those that are missing are made of others. */
unsigned alb_look_dominant(const struct alb_look *l, bool build,
                           struct alb_colour out[static ALB_DOMINANT_COUNT]);

/* blurha.sh, x by y components, 1..9 each. */
void alb_look_blurhash(const struct alb_look *l, unsigned x, unsigned y, char out[static ALB_BLURHASH_MAX]);
/* 64 bits of the low frequencies of the brightness: near pictures differ in few bits. */
uint64_t alb_look_phash(const struct alb_look *l);

#endif
