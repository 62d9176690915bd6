/* SPDX-License-Identifier: Apache-2.0
 *
 * a is the byte to the left, b the one above, c the one above left. Paeth's choice is written so that little
 * of it waits for a, which is the pixel that was only just made: with t = 3c - b - a, the choice is the
 * larger of a and b if t is at most the smaller, the smaller if t is at least the larger, else c (equal to
 * the specification's for all 2^24 inputs, which a test goes through).
 */
#include "image/express/png_filter.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

static inline unsigned paeth(unsigned a, unsigned b, unsigned c)
{
    int t = 3 * (int)c - (int)b - (int)a;
    int low = (int)(a < b ? a : b), high = (int)(a < b ? b : a);
    int or_c = high <= t ? low : (int)c;
    return (unsigned)(t <= low ? high : or_c);
}

static inline uint8_t predicted(enum alb_png_filter f, unsigned a, unsigned b, unsigned c)
{
    switch (f) {
    case ALB_PNG_SUB:
        return (uint8_t)a;
    case ALB_PNG_UP:
        return (uint8_t)b;
    case ALB_PNG_AVERAGE:
        return (uint8_t)((a + b) >> 1);
    case ALB_PNG_PAETH:
        return (uint8_t)paeth(a, b, c);
    case ALB_PNG_NONE:
    case ALB_PNG_FILTERS:
        break;
    }
    return 0;
}

/* Inlined with a known filter: one loop for each. */
static inline __attribute__((always_inline)) void undo(enum alb_png_filter f, uint8_t *row,
                                                       const uint8_t *above, size_t n, size_t bpp)
{
    size_t i = 0;
    for (; i < bpp && i < n; i++)
        row[i] = (uint8_t)(row[i] + predicted(f, 0, above[i], 0));
    for (; i < n; i++)
        row[i] = (uint8_t)(row[i] + predicted(f, row[i - bpp], above[i], above[i - bpp]));
}

void alb_png_unfilter_plain(enum alb_png_filter f, uint8_t *row, const uint8_t *above, size_t n, unsigned bpp)
{
    switch (f) {
    case ALB_PNG_SUB:
        undo(ALB_PNG_SUB, row, above, n, bpp);
        break;
    case ALB_PNG_UP:
        for (size_t i = 0; i < n; i++)
            row[i] = (uint8_t)(row[i] + above[i]);
        break;
    case ALB_PNG_AVERAGE:
        undo(ALB_PNG_AVERAGE, row, above, n, bpp);
        break;
    case ALB_PNG_PAETH:
        undo(ALB_PNG_PAETH, row, above, n, bpp);
        break;
    case ALB_PNG_NONE:
    case ALB_PNG_FILTERS:
        break;
    }
}

void alb_png_costs_plain(const uint8_t *row, const uint8_t *above, size_t n, unsigned bpp,
                         uint64_t costs[ALB_PNG_FILTERS])
{
    for (int f = 0; f < ALB_PNG_FILTERS; f++) {
        const uint8_t *left = row - bpp, *corner = above - bpp;
        uint64_t sum = 0;
        for (size_t i = 0; i < n; i++) {
            uint8_t d = (uint8_t)(row[i] - predicted((enum alb_png_filter)f, left[i], above[i], corner[i]));
            sum += d < 128 ? d : 256u - d;
        }
        costs[f] = sum;
    }
}

/* ---- vectors ---- */

/* What the two loops below are made of: W, four samples of 16 bits (a pixel), and V, 16 samples of 8 bits. */
#if defined(__SSE2__)
#define VECTORS 1
typedef __m128i W;
typedef __m128i V;
static inline W widen(uint32_t pixel)
{
    return _mm_unpacklo_epi8(_mm_cvtsi32_si128((int)pixel), _mm_setzero_si128());
}
static inline uint32_t narrow(W v)
{
    return (uint32_t)_mm_cvtsi128_si32(_mm_packus_epi16(v, v));
}
static inline W w_zero(void)
{
    return _mm_setzero_si128();
}
/* Sums of bytes in 16 bits, without their carry. */
static inline W w_add_bytes(W a, W b)
{
    return _mm_add_epi8(a, b);
}
static inline W w_half(W a, W b)
{
    return _mm_srli_epi16(_mm_add_epi16(a, b), 1);
}
static inline W w_triple_less(W c, W b) /* 3c - b */
{
    return _mm_sub_epi16(_mm_add_epi16(c, _mm_add_epi16(c, c)), b);
}
static inline W w_paeth(W a, W b, W c, W triple)
{
    W t = _mm_sub_epi16(triple, a);
    W low = _mm_min_epi16(a, b), high = _mm_max_epi16(a, b);
    W not_high = _mm_cmpgt_epi16(t, low), not_low = _mm_cmpgt_epi16(high, t);
    W take_high = _mm_andnot_si128(not_high, high), take_low = _mm_andnot_si128(not_low, low);
    W take_c = _mm_and_si128(_mm_and_si128(not_high, not_low), c);
    /* at low = high = t both are taken, and are one */
    return _mm_or_si128(_mm_or_si128(take_high, take_low), take_c);
}
static inline V v_load(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}
static inline V v_sub(V a, V b)
{
    return _mm_sub_epi8(a, b);
}
static inline V v_average(V a, V b)
{
    V odd = _mm_and_si128(_mm_xor_si128(a, b), _mm_set1_epi8(1));
    return _mm_sub_epi8(_mm_avg_epu8(a, b), odd);
}
static inline V v_paeth(V a, V b, V c)
{
    V zero = _mm_setzero_si128();
    V b_over = _mm_subs_epu8(b, c), b_under = _mm_subs_epu8(c, b);
    V a_over = _mm_subs_epu8(a, c), a_under = _mm_subs_epu8(c, a);
    V pa = _mm_or_si128(b_over, b_under), pb = _mm_or_si128(a_over, a_under);
    /* |a + b - 2c|: of one sign it is the sum of both (never the smallest alone), else their difference */
    V one_sign = _mm_cmpeq_epi8(_mm_cmpeq_epi8(b_under, zero), _mm_cmpeq_epi8(a_under, zero));
    V apart = _mm_or_si128(_mm_subs_epu8(pa, pb), _mm_subs_epu8(pb, pa));
    V sum = _mm_adds_epu8(pa, pb);
    V pc = _mm_or_si128(_mm_and_si128(one_sign, sum), _mm_andnot_si128(one_sign, apart));
    V least = _mm_min_epu8(pb, pc);
    V is_a = _mm_cmpeq_epi8(_mm_min_epu8(pa, least), pa), is_b = _mm_cmpeq_epi8(least, pb);
    V b_or_c = _mm_or_si128(_mm_and_si128(is_b, b), _mm_andnot_si128(is_b, c));
    return _mm_or_si128(_mm_and_si128(is_a, a), _mm_andnot_si128(is_a, b_or_c));
}
/* The sum of 16 signed bytes without their signs. */
static inline uint64_t v_cost(V d)
{
    V m = _mm_min_epu8(d, _mm_sub_epi8(_mm_setzero_si128(), d));
    V two = _mm_sad_epu8(m, _mm_setzero_si128());
    return (uint64_t)_mm_cvtsi128_si64(_mm_add_epi64(two, _mm_unpackhi_epi64(two, two)));
}
static inline void v_store(uint8_t *p, V v)
{
    _mm_storeu_si128((__m128i *)(void *)p, v);
}
#elif defined(__aarch64__)
#define VECTORS 1
typedef int16x4_t W;
typedef uint8x16_t V;
static inline W widen(uint32_t pixel)
{
    return vreinterpret_s16_u16(vget_low_u16(vmovl_u8(vcreate_u8(pixel))));
}
static inline uint32_t narrow(W v)
{
    uint8x8_t b = vmovn_u16(vreinterpretq_u16_s16(vcombine_s16(v, v)));
    return vget_lane_u32(vreinterpret_u32_u8(b), 0);
}
static inline W w_zero(void)
{
    return vdup_n_s16(0);
}
static inline W w_add_bytes(W a, W b)
{
    return vreinterpret_s16_u8(vadd_u8(vreinterpret_u8_s16(a), vreinterpret_u8_s16(b)));
}
static inline W w_half(W a, W b)
{
    return vhadd_s16(a, b);
}
static inline W w_triple_less(W c, W b)
{
    return vsub_s16(vadd_s16(c, vadd_s16(c, c)), b);
}
static inline W w_paeth(W a, W b, W c, W triple)
{
    W t = vsub_s16(triple, a);
    W low = vmin_s16(a, b), high = vmax_s16(a, b);
    W or_c = vbsl_s16(vcge_s16(t, high), low, c);
    return vbsl_s16(vcle_s16(t, low), high, or_c);
}
static inline V v_load(const uint8_t *p)
{
    return vld1q_u8(p);
}
static inline V v_sub(V a, V b)
{
    return vsubq_u8(a, b);
}
static inline V v_average(V a, V b)
{
    return vhaddq_u8(a, b);
}
static inline V v_paeth(V a, V b, V c)
{
    V pa = vabdq_u8(b, c), pb = vabdq_u8(a, c);
    V one_sign = vceqq_u8(vcgeq_u8(b, c), vcgeq_u8(a, c));
    V pc = vbslq_u8(one_sign, vqaddq_u8(pa, pb), vabdq_u8(pa, pb));
    V least = vminq_u8(pb, pc);
    return vbslq_u8(vcleq_u8(pa, least), a, vbslq_u8(vceqq_u8(least, pb), b, c));
}
static inline uint64_t v_cost(V d)
{
    return vaddlvq_u8(vminq_u8(d, vsubq_u8(vdupq_n_u8(0), d)));
}
static inline void v_store(uint8_t *p, V v)
{
    vst1q_u8(p, v);
}
#else
#define VECTORS 0
#endif

#if VECTORS
static inline uint32_t load4(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

/* Pixels of 3 or 4 bytes; each is read before the one before it is written, whose 4th byte may lie in it. */
static inline __attribute__((always_inline)) void undo_pixels(enum alb_png_filter f, uint8_t *row,
                                                              const uint8_t *above, size_t n, size_t bpp)
{
    W a = w_zero(), c = w_zero();
    uint32_t x = load4(row);
    for (size_t i = 0; i < n; i += bpp) {
        uint32_t next = load4(row + i + bpp);
        W b = widen(load4(above + i)), v = widen(x), p = a;
        if (f == ALB_PNG_AVERAGE)
            p = w_half(a, b);
        else if (f == ALB_PNG_PAETH)
            p = w_paeth(a, b, c, w_triple_less(c, b));
        a = w_add_bytes(v, p);
        uint32_t out = narrow(a);
        memcpy(row + i, &out, i + 4 <= n ? 4 : bpp);
        c = b;
        x = next;
    }
}

static bool undo_fast(enum alb_png_filter f, uint8_t *row, const uint8_t *above, size_t n, unsigned bpp)
{
    bool three = bpp == 3;
    if ((bpp != 3 && bpp != 4) || n % bpp != 0 || n == 0)
        return false;
    if (f == ALB_PNG_SUB && three)
        undo_pixels(ALB_PNG_SUB, row, above, n, 3);
    else if (f == ALB_PNG_SUB)
        undo_pixels(ALB_PNG_SUB, row, above, n, 4);
    else if (f == ALB_PNG_AVERAGE && three)
        undo_pixels(ALB_PNG_AVERAGE, row, above, n, 3);
    else if (f == ALB_PNG_AVERAGE)
        undo_pixels(ALB_PNG_AVERAGE, row, above, n, 4);
    else if (f == ALB_PNG_PAETH && three)
        undo_pixels(ALB_PNG_PAETH, row, above, n, 3);
    else if (f == ALB_PNG_PAETH)
        undo_pixels(ALB_PNG_PAETH, row, above, n, 4);
    else
        return false;
    return true;
}

void alb_png_unfilter(enum alb_png_filter f, uint8_t *row, const uint8_t *above, size_t n, unsigned bpp)
{
    if (!undo_fast(f, row, above, n, bpp))
        alb_png_unfilter_plain(f, row, above, n, bpp);
}

void alb_png_costs(const uint8_t *row, const uint8_t *above, size_t n, unsigned bpp,
                   uint64_t costs[ALB_PNG_FILTERS])
{
    uint64_t sum[ALB_PNG_FILTERS] = {0};
    const uint8_t *left = row - bpp, *corner = above - bpp;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        V x = v_load(row + i), a = v_load(left + i), b = v_load(above + i), c = v_load(corner + i);
        sum[ALB_PNG_NONE] += v_cost(x);
        sum[ALB_PNG_SUB] += v_cost(v_sub(x, a));
        sum[ALB_PNG_UP] += v_cost(v_sub(x, b));
        sum[ALB_PNG_AVERAGE] += v_cost(v_sub(x, v_average(a, b)));
        sum[ALB_PNG_PAETH] += v_cost(v_sub(x, v_paeth(a, b, c)));
    }
    alb_png_costs_plain(row + i, above + i, n - i, bpp, costs);
    for (int f = 0; f < ALB_PNG_FILTERS; f++)
        costs[f] += sum[f];
}
#else
void alb_png_unfilter(enum alb_png_filter f, uint8_t *row, const uint8_t *above, size_t n, unsigned bpp)
{
    alb_png_unfilter_plain(f, row, above, n, bpp);
}

void alb_png_costs(const uint8_t *row, const uint8_t *above, size_t n, unsigned bpp,
                   uint64_t costs[ALB_PNG_FILTERS])
{
    alb_png_costs_plain(row, above, n, bpp, costs);
}
#endif

static inline __attribute__((always_inline)) void
apply(enum alb_png_filter f, const uint8_t *row, const uint8_t *above, size_t n, size_t bpp, uint8_t *out)
{
    const uint8_t *left = row - bpp, *corner = above - bpp;
    size_t i = 0;
#if VECTORS
    for (; i + 16 <= n; i += 16) {
        V x = v_load(row + i), a = v_load(left + i), b = v_load(above + i), c = v_load(corner + i);
        V p = f == ALB_PNG_SUB       ? a
              : f == ALB_PNG_UP      ? b
              : f == ALB_PNG_AVERAGE ? v_average(a, b)
                                     : v_paeth(a, b, c);
        v_store(out + i, v_sub(x, p));
    }
#endif
    for (; i < n; i++)
        out[i] = (uint8_t)(row[i] - predicted(f, left[i], above[i], corner[i]));
}

void alb_png_filter(enum alb_png_filter f, const uint8_t *row, const uint8_t *above, size_t n, unsigned bpp,
                    uint8_t *out)
{
    switch (f) {
    case ALB_PNG_SUB:
        apply(ALB_PNG_SUB, row, above, n, bpp, out);
        break;
    case ALB_PNG_UP:
        apply(ALB_PNG_UP, row, above, n, bpp, out);
        break;
    case ALB_PNG_AVERAGE:
        apply(ALB_PNG_AVERAGE, row, above, n, bpp, out);
        break;
    case ALB_PNG_PAETH:
        apply(ALB_PNG_PAETH, row, above, n, bpp, out);
        break;
    case ALB_PNG_NONE:
    case ALB_PNG_FILTERS:
        memcpy(out, row, n);
        break;
    }
}
