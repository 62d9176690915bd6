/* SPDX-License-Identifier: Apache-2.0
 *
 * The loops of ycc_light.h in plain C: what every path must equal, and what runs where no other does. Written to be
 * made vectors of by the compiler (built with -O3).
 */
#include <string.h>

#include "image/express/ycc_light_priv.h"

#define INLINE static inline __attribute__((always_inline))
#define BLOCK ALB_YCC_BLOCK
#define MIDDLE 8192

/* Of fractions of fifteen bits, rounded. */
INLINE int16_t product(int16_t a, int16_t b)
{
    return (int16_t)((((int32_t)a * b >> 14) + 1) >> 1);
}

INLINE uint16_t high_of(uint16_t a, uint16_t b)
{
    return (uint16_t)((uint32_t)a * b >> 16);
}

INLINE uint16_t mean(uint16_t a, uint16_t b)
{
    return (uint16_t)(((uint32_t)a + b + 1) >> 1);
}

/* ---- light ---- */

/* Luma and shift together may be more than 16 bits hold: about a middle they are not. */
INLINE uint16_t light_of(int16_t luma, int16_t shift)
{
    const int16_t black = YCC_BLACK - MIDDLE, white = YCC_WHITE - MIDDLE;
    int16_t t = (int16_t)((int16_t)(luma - MIDDLE) + shift);
    t = t > black ? t : black;
    t = t < white ? t : white;
    t = (int16_t)(t + MIDDLE);
    int16_t twice = (int16_t)(t * 2), poly = (int16_t)(product(twice, YCC_POLY_4) + YCC_POLY_3);
    poly = (int16_t)(product(twice, poly) + YCC_POLY_2);
    poly = (int16_t)(product(twice, poly) + YCC_POLY_1);
    poly = (int16_t)(product(twice, poly) + YCC_POLY_0);
    uint16_t curve = high_of((uint16_t)(t * 4), (uint16_t)(poly * 4));
    uint16_t straight = high_of((uint16_t)(t - YCC_BLACK), YCC_SLOPE);
    return t < YCC_STRAIGHT ? straight : curve;
}

INLINE int16_t luma_of(const struct alb_ycc_mix *c, unsigned sample)
{
    return (int16_t)(high_of((uint16_t)(sample << 8), c->luma) + c->base);
}

/* What chroma adds to luma. */
struct shift {
    int16_t of[ALB_PLANES][BLOCK];
};

INLINE void shift_one(const struct alb_ycc_mix *c, unsigned blue, unsigned red, struct shift *to, size_t i)
{
    int16_t b = (int16_t)(uint16_t)(blue << 8 ^ 0x8000), r = (int16_t)(uint16_t)(red << 8 ^ 0x8000);
    to->of[0][i] = product(r, c->red);
    to->of[1][i] = (int16_t)(product(b, c->green_b) + product(r, c->green_r));
    to->of[2][i] = product(b, c->blue);
}

static void shifts_of(const struct alb_ycc_mix *c, const uint8_t *const *row, bool wide, size_t at,
                      struct shift *even, struct shift *odd)
{
    const uint8_t *b = row[1] + (wide ? 2 * at : at), *r = row[2] + (wide ? 2 * at : at);
    for (size_t i = 0; i < BLOCK && !wide; i++)
        shift_one(c, b[i], r[i], even, i);
    for (size_t i = 0; i < BLOCK && wide; i++) {
        shift_one(c, b[2 * i], r[2 * i], even, i);
        shift_one(c, b[2 * i + 1], r[2 * i + 1], odd, i);
    }
}

static void block(const int16_t *restrict luma, const int16_t *restrict shift, uint16_t *restrict out)
{
    for (size_t i = 0; i < BLOCK; i++)
        out[i] = light_of(luma[i], shift[i]);
}

static void light(const struct alb_ycc_mix *c, const struct alb_ycc_rows *rows, bool wide, size_t n,
                  struct alb_ycc_lit lit[2][ALB_PLANES])
{
    for (size_t x = 0; x < n; x += BLOCK) {
        for (unsigned k = 0; k < 2; k++) {
            int16_t even[BLOCK], odd[BLOCK];
            struct shift shift[2];
            const uint8_t *luma = rows->row[k][0] + 2 * x;
            for (size_t i = 0; i < BLOCK; i++) {
                even[i] = luma_of(c, luma[2 * i]);
                odd[i] = luma_of(c, luma[2 * i + 1]);
            }
            shifts_of(c, rows->row[k], wide, x, &shift[0], &shift[1]);
            for (unsigned p = 0; p < ALB_PLANES; p++) {
                block(even, shift[0].of[p], lit[k][p].even + x);
                block(odd, shift[wide ? 1 : 0].of[p], lit[k][p].odd + x);
            }
        }
    }
}

/* ---- halves ---- */

/* (a + 3 b + 3 c + d) / 8 */
INLINE uint16_t half(uint16_t a, uint16_t b, uint16_t c, uint16_t d)
{
    uint16_t inner = mean(b, c);
    return mean(inner, mean(inner, mean(a, d)));
}

static void across(const struct alb_ycc_lit *lit, size_t n, uint16_t *restrict out)
{
    const uint16_t *restrict even = lit->even, *restrict odd = lit->odd;
    for (size_t i = 0; i < n; i++)
        out[i] = half(odd[(ptrdiff_t)i - 1], even[i], odd[i], even[i + 1]);
}

static void down(const uint16_t *const row[4], size_t n, int16_t *restrict out)
{
    const uint16_t *a = row[0], *b = row[1], *c = row[2], *d = row[3];
    for (size_t i = 0; i < n; i++)
        out[i] = (int16_t)(uint16_t)(half(a[i], b[i], c[i], d[i]) ^ 0x8000);
}

const struct alb_ycc_ops alb_ycc_plain = {.light = light, .across = across, .down = down};
