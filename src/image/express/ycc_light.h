/* SPDX-License-Identifier: Apache-2.0
 *
 * From rows of YCC, as JPEG, WebP and AVIF lay them, to rows of linear light of half the width and height: what the
 * lane does first when a picture is reduced a good deal in linear light. Colour conversion, sRGB's curve and the
 * halving go over rows that are still in the nearest caches, in 16 bits; and the resizer is left with a quarter of the
 * samples.
 *
 * Halving is by [1 3 3 1] / 8 in both directions, in linear light; pictures end with repeats of their outermost pixels.
 * Little of what is too fine for the halves gets through it, and what it takes away from the rest the resizer's weights
 * give back (struct alb_axis: halved). Chroma is not blended between its samples: each belongs to the pixels that
 * it was made of.
 *
 * Arithmetic: whole numbers of 16 bits, each step the same on every path, hence the same bytes. Error of a result
 * against the same sums in double precision, in 1/256 of the range of encoded values: 0.2 (test_express_ycc).
 */
#ifndef ALB_IMAGE_EXPRESS_YCC_LIGHT_H
#define ALB_IMAGE_EXPRESS_YCC_LIGHT_H

#include "image/express/resize.h"

struct alb_ycc_ask {
    uint32_t width; /* pixels of a row */
    unsigned sub_x; /* 1: chroma has half as many samples in a row; 0: as many */
    enum alb_matrix matrix;
    bool limited;
    enum alb_resize_path path; /* that works */
};
struct alb_ycc;
/* In the scratch: there is no close. NULL without memory. */
struct alb_ycc *alb_ycc_open(struct alb_express *x, const struct alb_ycc_ask *ask) ALB_MUST_CHECK;

/* Samples that there must be room for in a result row: of (width + 1) / 2 all are written, and those up to a whole
 * block. */
#define ALB_YCC_BLOCK 32
static inline size_t alb_ycc_room(uint32_t width)
{
    return ((size_t)width / 2 / ALB_YCC_BLOCK + 1) * ALB_YCC_BLOCK;
}

/* Two rows of 8 bits, the upper one first. The same one twice where there is no lower one; the same ones of chroma
 * where they belong to both. */
struct alb_ycc_rows {
    const uint8_t *row[2][ALB_PLANES];
};
/* The next two rows. All results are pulled before. */
void alb_ycc_push(struct alb_ycc *y, const struct alb_ycc_rows *rows);
void alb_ycc_end(struct alb_ycc *y); /* there are no more */
/* The next result, if what it needs was pushed (the rows that follow, too): red, green and blue, 0..65535 less 32768,
 * as the resizer takes them. */
bool alb_ycc_pull(struct alb_ycc *y, int16_t *const out[ALB_PLANES]) ALB_MUST_CHECK;

#endif
