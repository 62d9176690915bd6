/* SPDX-License-Identifier: Apache-2.0
 *
 * For x86-64 without AVX2 (small home servers): the two kernels that take nearly all the time. Everything else, and so
 * how pairs lie, is plain C's (resize_plain.c): ALB_RESIZE_BLOCK samples of the upper row, as many of the lower one.
 */
#include "image/express/resize_priv.h"

#if defined(__x86_64__)
#include <emmintrin.h>
#include <string.h>

static inline __m128i load(const int16_t *p)
{
    return _mm_loadu_si128((const void *)p);
}

static void down(const int16_t *const *pair, const int16_t *weight, uint32_t pairs, unsigned shift, size_t n,
                 int16_t *out)
{
    __m128i by = _mm_cvtsi32_si128((int)shift), half = _mm_set1_epi32(1 << (shift - 1));
    for (size_t x = 0; x < n; x += 16) {
        size_t at = x / ALB_RESIZE_BLOCK * 2 * ALB_RESIZE_BLOCK + x % ALB_RESIZE_BLOCK;
        __m128i s0 = half, s1 = half, s2 = half, s3 = half;
        for (uint32_t k = 0; k < pairs; k++) {
            const int16_t *upper = pair[k] + at, *lower = upper + ALB_RESIZE_BLOCK;
            int32_t both;
            memcpy(&both, weight + 2 * k, sizeof(both));
            __m128i w = _mm_set1_epi32(both), a = load(upper), b = load(lower);
            s0 = _mm_add_epi32(s0, _mm_madd_epi16(w, _mm_unpacklo_epi16(a, b)));
            s1 = _mm_add_epi32(s1, _mm_madd_epi16(w, _mm_unpackhi_epi16(a, b)));
            a = load(upper + 8);
            b = load(lower + 8);
            s2 = _mm_add_epi32(s2, _mm_madd_epi16(w, _mm_unpacklo_epi16(a, b)));
            s3 = _mm_add_epi32(s3, _mm_madd_epi16(w, _mm_unpackhi_epi16(a, b)));
        }
        s0 = _mm_packs_epi32(_mm_sra_epi32(s0, by), _mm_sra_epi32(s1, by));
        s2 = _mm_packs_epi32(_mm_sra_epi32(s2, by), _mm_sra_epi32(s3, by));
        _mm_storeu_si128((void *)(out + x), s0);
        _mm_storeu_si128((void *)(out + x + 8), s2);
    }
}

/* The sums of one result, in four parts. */
static inline __m128i part_of(const int16_t *row, const int16_t *weight, size_t lanes)
{
    __m128i s = _mm_madd_epi16(load(weight), load(row));
    for (size_t k = 8; k < lanes; k += 8)
        s = _mm_add_epi32(s, _mm_madd_epi16(load(weight + k), load(row + k)));
    return s;
}

/* a0 + a2, b0 + b2, a1 + a3, b1 + b3 */
static inline __m128i folded(__m128i a, __m128i b)
{
    return _mm_add_epi32(_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
}

static void across(const int16_t *row, const struct alb_taps *t, unsigned shift, int16_t *out)
{
    __m128i by = _mm_cvtsi32_si128((int)shift), half = _mm_set1_epi32(1 << (shift - 1));
    const int16_t *w = t->weight;
    const uint32_t *f = t->first;
    size_t lanes = t->lanes;
    for (uint32_t i = 0; i < t->out; i += 4, w += 4 * lanes, f += 4) {
        __m128i a = folded(part_of(row + f[0], w, lanes), part_of(row + f[1], w + lanes, lanes));
        __m128i b =
            folded(part_of(row + f[2], w + 2 * lanes, lanes), part_of(row + f[3], w + 3 * lanes, lanes));
        __m128i s = _mm_add_epi32(_mm_unpacklo_epi64(a, b), _mm_unpackhi_epi64(a, b));
        s = _mm_sra_epi32(_mm_add_epi32(s, half), by);
        _mm_storel_epi64((void *)(out + i), _mm_packs_epi32(s, s));
    }
}

void alb_resize_sse2(struct alb_resize_ops *ops)
{
    ops->down = down;
    ops->across = across;
}

#else
typedef int alb_resize_sse2_is_elsewhere;
#endif
