/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside ycc_light.h: the numbers, and the loops of each path. Nobody else includes this.
 *
 * A value v of sRGB (0..1) is carried as t = (v + 0.055) / 1.055 in fourteen bits, for light is t^2.4 then: t times a
 * polynomial for t^1.4; below 0.04045, v / 12.92. All rounding together is off by at most 0.08 / 256 of the encoded
 * range.
 */
#ifndef ALB_IMAGE_EXPRESS_YCC_LIGHT_PRIV_H
#define ALB_IMAGE_EXPRESS_YCC_LIGHT_PRIV_H

#include "image/express/ycc_light.h"

/* t, in 1 / 2^14 */
#define YCC_BLACK 854
#define YCC_WHITE 16383
/* Light: straight up to here, times 65536 / 2^14 * 1.055 / 12.92. */
#define YCC_STRAIGHT 1482
#define YCC_SLOPE 21406
/* The polynomial, in 1 / 2^14. */
#define YCC_POLY_0 (-123)
#define YCC_POLY_1 6109
#define YCC_POLY_2 17542
#define YCC_POLY_3 (-10525)
#define YCC_POLY_4 3382

/* From samples times 256 to t. */
struct alb_ycc_mix {
    uint16_t luma;                       /* in 1 / 65536 */
    int16_t base;                        /* t of luma 0 */
    int16_t red, green_b, green_r, blue; /* of chroma, in 1 / 32768 */
};

/* Light, 0..65535, of pixels at even places and of those at odd ones. */
struct alb_ycc_lit {
    uint16_t *even, *odd;
};

struct alb_ycc_ops {
    /* Of n pairs of pixels in two rows, a multiple of ALB_YCC_BLOCK all of whose samples may be read. */
    void (*light)(const struct alb_ycc_mix *mix, const struct alb_ycc_rows *rows, bool wide, size_t n,
                  struct alb_ycc_lit lit[2][ALB_PLANES]);
    /* Columns halved: odd[-1] and even[n] count too. */
    void (*across)(const struct alb_ycc_lit *lit, size_t n, uint16_t *out);
    /* Rows halved. */
    void (*down)(const uint16_t *const row[4], size_t n, int16_t *out);
};
extern const struct alb_ycc_ops alb_ycc_plain;
#if defined(__x86_64__)
extern const struct alb_ycc_ops alb_ycc_avx2;
#endif

#endif
