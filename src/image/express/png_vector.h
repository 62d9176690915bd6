/* SPDX-License-Identifier: Apache-2.0
 *
 * 16 bytes at once, for PNG's filters: SSE2 (every x86-64) and NEON (every ARM of 64 bits). Private to
 * png_filter.c and png_undo.c; pure arithmetic on unsigned bytes, the same on both. Elsewhere VECTORS is 0.
 */
#ifndef ALB_IMAGE_EXPRESS_PNG_VECTOR_H
#define ALB_IMAGE_EXPRESS_PNG_VECTOR_H

#include "base/attr.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#define VECTORS 1
typedef __m128i V;
static inline V v_load(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}
static inline void v_store(uint8_t *p, V v)
{
    _mm_storeu_si128((__m128i *)(void *)p, v);
}
static inline V v_add(V a, V b)
{
    return _mm_add_epi8(a, b);
}
static inline V v_sub(V a, V b)
{
    return _mm_sub_epi8(a, b);
}
static inline V v_and(V a, V b)
{
    return _mm_and_si128(a, b);
}
static inline V v_pick(V mask, V yes, V no)
{
    return _mm_or_si128(_mm_and_si128(mask, yes), _mm_andnot_si128(mask, no));
}
static inline V v_least(V a, V b)
{
    return _mm_min_epu8(a, b);
}
static inline V v_most(V a, V b)
{
    return _mm_max_epu8(a, b);
}
static inline V v_over(V a, V b) /* a - b, at least 0 */
{
    return _mm_subs_epu8(a, b);
}
static inline V v_twice(V a) /* at most 255 */
{
    return _mm_adds_epu8(a, a);
}
static inline V v_at_most(V a, V b) /* a <= b: all bits */
{
    return _mm_cmpeq_epi8(_mm_min_epu8(a, b), a);
}
static inline V v_average(V a, V b) /* rounded down */
{
    V odd = _mm_and_si128(_mm_xor_si128(a, b), _mm_set1_epi8(1));
    return _mm_sub_epi8(_mm_avg_epu8(a, b), odd);
}
/* The sum of 16 signed bytes without their signs. */
static inline uint64_t v_cost(V d)
{
    V m = _mm_min_epu8(d, _mm_sub_epi8(_mm_setzero_si128(), d));
    V two = _mm_sad_epu8(m, _mm_setzero_si128());
    return (uint64_t)_mm_cvtsi128_si64(_mm_add_epi64(two, _mm_unpackhi_epi64(two, two)));
}
/* Four lanes of four bytes. */
static inline V v_lanes(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    V ab = _mm_unpacklo_epi32(_mm_cvtsi32_si128((int)a), _mm_cvtsi32_si128((int)b));
    V cd = _mm_unpacklo_epi32(_mm_cvtsi32_si128((int)c), _mm_cvtsi32_si128((int)d));
    return _mm_unpacklo_epi64(ab, cd);
}
#define V_LANE(v, k) ((uint32_t)_mm_cvtsi128_si32(_mm_shuffle_epi32(v, k)))
/* Each lane moves on by one; the first gets `first`. */
static inline V v_next_lane(V v, uint32_t first)
{
    return _mm_or_si128(_mm_slli_si128(v, 4), _mm_cvtsi32_si128((int)first));
}

#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#include <arm_neon.h>
#define VECTORS 1
typedef uint8x16_t V;
static inline V v_load(const uint8_t *p)
{
    return vld1q_u8(p);
}
static inline void v_store(uint8_t *p, V v)
{
    vst1q_u8(p, v);
}
static inline V v_add(V a, V b)
{
    return vaddq_u8(a, b);
}
static inline V v_sub(V a, V b)
{
    return vsubq_u8(a, b);
}
static inline V v_and(V a, V b)
{
    return vandq_u8(a, b);
}
static inline V v_pick(V mask, V yes, V no)
{
    return vbslq_u8(mask, yes, no);
}
static inline V v_least(V a, V b)
{
    return vminq_u8(a, b);
}
static inline V v_most(V a, V b)
{
    return vmaxq_u8(a, b);
}
static inline V v_over(V a, V b)
{
    return vqsubq_u8(a, b);
}
static inline V v_twice(V a)
{
    return vqaddq_u8(a, a);
}
static inline V v_at_most(V a, V b)
{
    return vcleq_u8(a, b);
}
static inline V v_average(V a, V b)
{
    return vhaddq_u8(a, b);
}
static inline uint64_t v_cost(V d)
{
    return vaddlvq_u8(vminq_u8(d, vsubq_u8(vdupq_n_u8(0), d)));
}
static inline V v_lanes(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    uint64x2_t v = {a | (uint64_t)b << 32, c | (uint64_t)d << 32};
    return vreinterpretq_u8_u64(v);
}
#define V_LANE(v, k) vgetq_lane_u32(vreinterpretq_u32_u8(v), k)
static inline V v_next_lane(V v, uint32_t first)
{
    uint32x4_t moved = vextq_u32(vdupq_n_u32(0), vreinterpretq_u32_u8(v), 3);
    return vreinterpretq_u8_u32(vsetq_lane_u32(first, moved, 0));
}
#else
#define VECTORS 0
#endif

#if VECTORS
/* What Paeth's choice adds to c. With low and high of a and b: high, if twice the way from low to c is at
 * most that from c to high (both at least 0); low, the other way round; else c. (The specification's
 * choice, for all 2^24 inputs: a test goes through them. Where both are true, all three are one.) */
static inline V v_paeth_less_c(V a, V b, V c)
{
    V low = v_least(a, b), high = v_most(a, b);
    V over = v_over(c, low), under = v_over(high, c);
    V is_high = v_at_most(v_twice(over), under), is_low = v_at_most(v_twice(under), over);
    return v_sub(v_and(is_high, under), v_and(is_low, over));
}
#endif

#endif
