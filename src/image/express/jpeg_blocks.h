/* SPDX-License-Identifier: Apache-2.0
 *
 * From rows to quantised blocks: what albumen does for itself of JPEG. Samples here are int16 around 0, in
 * sixteenths of a level, so that colours are not rounded to whole levels before they are transformed. Pure
 * arithmetic; any thread. The same coefficients on every processor: whole numbers, and floats one operation at
 * a time in a fixed order.
 */
#ifndef ALB_IMAGE_EXPRESS_JPEG_BLOCKS_H
#define ALB_IMAGE_EXPRESS_JPEG_BLOCKS_H

#include "base/attr.h"

#define ALB_JPEG_BLOCK 64 /* coefficients, in natural order: 8 * down + across */

/* ---- rows (jpeg_rows.c) ---- */

/* Samples as they are. */
void alb_jpeg_widen(const uint8_t *row, size_t n, int16_t *out);
/* Of pixels, 3 bytes each. */
void alb_jpeg_luma(const uint8_t *rgb, size_t n, int16_t *y);
void alb_jpeg_chroma(const uint8_t *rgb, size_t n, int16_t *cb, int16_t *cr);
/* Of the middle of four pixels: (n + 1) / 2 samples out of two rows; the last pixel counts twice where n is odd. */
void alb_jpeg_chroma_half(const uint8_t *upper, const uint8_t *lower, size_t n, int16_t *cb, int16_t *cr);

/* ---- quantisation (jpeg_tables.c) ---- */

/* Of a plane. A coefficient becomes 0 below a threshold that is higher in busy blocks, where nobody misses it;
 * else it is rounded. In the order of the kernels: 8 * across + down. */
struct alb_jpeg_quant {
    float by[ALB_JPEG_BLOCK]; /* from a transformed sample to a step */
    float low[ALB_JPEG_BLOCK], busy[ALB_JPEG_BLOCK];
};
/* Quality 1..100. *table gets the steps, in natural order. */
void alb_jpeg_quant(unsigned quality, bool chroma, struct alb_jpeg_quant *q, uint16_t table[ALB_JPEG_BLOCK]);

/* ---- blocks (jpeg_blocks.c) ---- */

/* Bit k of the words is the coefficient k in zigzag order; the first, DC, is never said. */
struct alb_jpeg_block {
    uint64_t some, more; /* which are not 0; which are neither 0, 1 nor -1 */
    int16_t v[ALB_JPEG_BLOCK];
};

/* `count` blocks that lie beside each other, of 8 rows. */
void alb_jpeg_blocks(int16_t *const row[8], size_t count, const struct alb_jpeg_quant *q,
                     struct alb_jpeg_block *out);

#endif
