/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of bytes to samples for the transform (jpeg_blocks.h): JFIF's colours, in whole numbers. Chroma of four
 * pixels is made of their sums, so it is rounded once.
 */
#include "image/express/jpeg_blocks.h"

#include "image/protocol.h"

/* The compiler makes a version for newer processors beside the plain one; sanitizers cannot follow the switch. */
#if defined(__x86_64__) && !ALB_SANITIZED && !defined(__clang__)
#define FAST __attribute__((target_clones("avx2", "default")))
#else
#define FAST
#endif
#define INLINE static inline __attribute__((always_inline))

#define DOWN 12 /* of weights in 1 / 2^16, to sixteenths */
#define HALF (1 << (DOWN - 1))

FAST void alb_jpeg_widen(const uint8_t *row, size_t n, int16_t *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (int16_t)((row[i] - 128) * 16);
}

FAST void alb_jpeg_luma(const uint8_t *rgb, size_t n, int16_t *y)
{
    for (size_t i = 0; i < n; i++) {
        int32_t r = rgb[3 * i], g = rgb[3 * i + 1], b = rgb[3 * i + 2];
        y[i] = (int16_t)(((19595 * r + 38470 * g + 7471 * b + HALF) >> DOWN) - 128 * 16);
    }
}

/* Of the sum of 2^bits pixels. */
INLINE int16_t blue(int32_t r, int32_t g, int32_t b, unsigned bits)
{
    return (int16_t)((32768 * b - 11059 * r - 21709 * g + (HALF << bits)) >> (DOWN + bits));
}

INLINE int16_t red(int32_t r, int32_t g, int32_t b, unsigned bits)
{
    return (int16_t)((32768 * r - 27439 * g - 5329 * b + (HALF << bits)) >> (DOWN + bits));
}

FAST void alb_jpeg_chroma(const uint8_t *rgb, size_t n, int16_t *cb, int16_t *cr)
{
    for (size_t i = 0; i < n; i++) {
        int32_t r = rgb[3 * i], g = rgb[3 * i + 1], b = rgb[3 * i + 2];
        cb[i] = blue(r, g, b, 0);
        cr[i] = red(r, g, b, 0);
    }
}

FAST void alb_jpeg_chroma_half(const uint8_t *upper, const uint8_t *lower, size_t n, int16_t *cb, int16_t *cr)
{
    const uint8_t *u = upper, *l = lower;
    for (size_t i = 0; i < n / 2; i++, u += 6, l += 6) {
        int32_t r = u[0] + u[3] + l[0] + l[3], g = u[1] + u[4] + l[1] + l[4], b = u[2] + u[5] + l[2] + l[5];
        cb[i] = blue(r, g, b, 2);
        cr[i] = red(r, g, b, 2);
    }
    if (n % 2 == 0)
        return;
    int32_t r = 2 * (u[0] + l[0]), g = 2 * (u[1] + l[1]), b = 2 * (u[2] + l[2]);
    cb[n / 2] = blue(r, g, b, 2);
    cr[n / 2] = red(r, g, b, 2);
}
