/* SPDX-License-Identifier: Apache-2.0
 *
 * ycc_light.h for processors with AVX2: the same steps as ycc_light_plain.c, sixteen results at a time.
 */
#include "image/express/ycc_light_priv.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define INLINE AVX2 static inline __attribute__((always_inline))
#define LANES 16
typedef __m256i vec;

INLINE vec load(const void *p)
{
    return _mm256_loadu_si256(p);
}

INLINE vec all(int v)
{
    return _mm256_set1_epi16((int16_t)v);
}

INLINE void store(void *p, vec v)
{
    _mm256_storeu_si256(p, v);
}

INLINE vec product(vec a, vec b)
{
    return _mm256_mulhrs_epi16(a, b);
}

/* ---- light ---- */

INLINE vec light_of(vec luma, vec shift)
{
    vec t = _mm256_max_epi16(_mm256_adds_epi16(luma, shift), all(YCC_BLACK));
    t = _mm256_min_epi16(t, all(YCC_WHITE));
    vec twice = _mm256_add_epi16(t, t),
        poly = _mm256_add_epi16(product(twice, all(YCC_POLY_4)), all(YCC_POLY_3));
    poly = _mm256_add_epi16(product(twice, poly), all(YCC_POLY_2));
    poly = _mm256_add_epi16(product(twice, poly), all(YCC_POLY_1));
    poly = _mm256_add_epi16(product(twice, poly), all(YCC_POLY_0));
    vec curve = _mm256_mulhi_epu16(_mm256_add_epi16(twice, twice), _mm256_slli_epi16(poly, 2));
    vec straight = _mm256_mulhi_epu16(_mm256_sub_epi16(t, all(YCC_BLACK)), all(YCC_SLOPE));
    return _mm256_blendv_epi8(curve, straight, _mm256_cmpgt_epi16(all(YCC_STRAIGHT), t));
}

INLINE vec luma_of(const struct alb_ycc_mix *c, vec sample)
{
    return _mm256_add_epi16(_mm256_mulhi_epu16(sample, all(c->luma)), all(c->base));
}

/* Bytes next to each other, times 256. */
INLINE vec even_of(vec both)
{
    return _mm256_slli_epi16(both, 8);
}

INLINE vec odd_of(vec both)
{
    return _mm256_and_si256(both, all(0xff00));
}

struct shift {
    vec of[ALB_PLANES];
};

INLINE struct shift shift_of(const struct alb_ycc_mix *c, vec blue, vec red)
{
    struct shift s;
    vec b = _mm256_xor_si256(blue, all(INT16_MIN)), r = _mm256_xor_si256(red, all(INT16_MIN));
    s.of[0] = product(r, all(c->red));
    s.of[1] = _mm256_add_epi16(product(b, all(c->green_b)), product(r, all(c->green_r)));
    s.of[2] = product(b, all(c->blue));
    return s;
}

/* For the pixels at even places, and at odd ones. */
INLINE void shifts_of(const struct alb_ycc_mix *c, const uint8_t *blue, const uint8_t *red, bool wide,
                      struct shift *even, struct shift *odd)
{
    if (wide) {
        vec b = load(blue), r = load(red);
        *even = shift_of(c, even_of(b), even_of(r));
        *odd = shift_of(c, odd_of(b), odd_of(r));
    } else {
        vec b = _mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)blue));
        vec r = _mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)red));
        *even = *odd = shift_of(c, even_of(b), even_of(r));
    }
}

INLINE void pairs(const struct alb_ycc_mix *c, const struct alb_ycc_rows *rows, bool wide, bool same,
                  size_t x, struct alb_ycc_lit lit[2][ALB_PLANES])
{
    struct shift even, odd;
    size_t at = wide ? 2 * x : x; /* of chroma */
    shifts_of(c, rows->row[0][1] + at, rows->row[0][2] + at, wide, &even, &odd);
    for (unsigned k = 0; k < 2; k++) {
        const uint8_t *const *row = rows->row[k];
        vec luma = load(row[0] + 2 * x), y0 = luma_of(c, even_of(luma)), y1 = luma_of(c, odd_of(luma));
        if (k == 1 && !same)
            shifts_of(c, row[1] + at, row[2] + at, wide, &even, &odd);
        for (unsigned p = 0; p < ALB_PLANES; p++) {
            store(lit[k][p].even + x, light_of(y0, even.of[p]));
            store(lit[k][p].odd + x, light_of(y1, odd.of[p]));
        }
    }
}

AVX2 static void light(const struct alb_ycc_mix *mix, const struct alb_ycc_rows *rows, bool wide, size_t n,
                       struct alb_ycc_lit lit[2][ALB_PLANES])
{
    const struct alb_ycc_mix c = *mix;
    bool same = rows->row[0][1] == rows->row[1][1];
    if (!wide && same) { /* 4:2:0, nearly always */
        for (size_t x = 0; x < n; x += LANES)
            pairs(&c, rows, false, true, x, lit);
    } else {
        for (size_t x = 0; x < n; x += LANES)
            pairs(&c, rows, wide, same, x, lit);
    }
}

/* ---- halves ---- */

INLINE vec half(vec a, vec b, vec c, vec d)
{
    vec inner = _mm256_avg_epu16(b, c);
    return _mm256_avg_epu16(inner, _mm256_avg_epu16(inner, _mm256_avg_epu16(a, d)));
}

AVX2 static void across(const struct alb_ycc_lit *lit, size_t n, uint16_t *out)
{
    for (size_t x = 0; x < n; x += LANES) {
        const uint16_t *even = lit->even + x, *odd = lit->odd + x;
        store(out + x, half(load(odd - 1), load(even), load(odd), load(even + 1)));
    }
}

AVX2 static void down(const uint16_t *const row[4], size_t n, int16_t *out)
{
    for (size_t x = 0; x < n; x += LANES) {
        vec v = half(load(row[0] + x), load(row[1] + x), load(row[2] + x), load(row[3] + x));
        store(out + x, _mm256_xor_si256(v, all(INT16_MIN)));
    }
}

const struct alb_ycc_ops alb_ycc_avx2 = {.light = light, .across = across, .down = down};

#else
typedef int alb_ycc_light_avx2_is_elsewhere;
#endif
