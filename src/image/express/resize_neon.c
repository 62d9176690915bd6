/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels for 64-bit ARM, where every processor has NEON. A pair of rows has 8 samples of the upper row, 8 of the
 * lower one, and so on: multiplying by one weight needs no order of its own.
 */
#include "image/express/resize_priv.h"

#if defined(__aarch64__)
#include <arm_neon.h>

/* ---- bytes in ---- */

/* 8 bytes as samples */
static inline int16x8_t wide_of(uint8x8_t bytes)
{
    return vreinterpretq_s16_u16(veorq_u16(vshll_n_u8(bytes, 8), vdupq_n_u16(ALB_RESIZE_MIDDLE)));
}

static void widen1(const uint8_t *row, size_t n, int16_t *const *plane)
{
    for (size_t x = 0; x < n; x += 8)
        vst1q_s16(plane[0] + x, wide_of(vld1_u8(row + x)));
}

static void widen3(const uint8_t *row, size_t n, int16_t *const *plane)
{
    for (size_t x = 0; x < n; x += 8, row += 24) {
        uint8x8x3_t v = vld3_u8(row);
        for (int c = 0; c < 3; c++)
            vst1q_s16(plane[c] + x, wide_of(v.val[c]));
    }
}

static void zip_bytes1(const uint8_t *a, const uint8_t *b, size_t n, int16_t *const *pair)
{
    for (size_t x = 0; x < n; x += 8) {
        vst1q_s16(pair[0] + 2 * x, wide_of(vld1_u8(a + x)));
        vst1q_s16(pair[0] + 2 * x + 8, wide_of(vld1_u8(b + x)));
    }
}

static void zip_bytes3(const uint8_t *a, const uint8_t *b, size_t n, int16_t *const *pair)
{
    for (size_t x = 0; x < n; x += 8, a += 24, b += 24) {
        uint8x8x3_t upper = vld3_u8(a), lower = vld3_u8(b);
        for (int c = 0; c < 3; c++) {
            vst1q_s16(pair[c] + 2 * x, wide_of(upper.val[c]));
            vst1q_s16(pair[c] + 2 * x + 8, wide_of(lower.val[c]));
        }
    }
}

static void zip(const int16_t *a, const int16_t *b, size_t n, int16_t *pair)
{
    for (size_t x = 0; x < n; x += 8) {
        vst1q_s16(pair + 2 * x, vld1q_s16(a + x));
        vst1q_s16(pair + 2 * x + 8, vld1q_s16(b + x));
    }
}

/* ---- sums ---- */

static void down(const int16_t *const *pair, const int16_t *weight, uint32_t pairs, unsigned shift, size_t n,
                 int16_t *out)
{
    int32x4_t half = vdupq_n_s32(1 << (shift - 1)), by = vdupq_n_s32(-(int32_t)shift);
    for (size_t x = 0; x < n; x += 32) {
        int32x4_t s[8];
        for (int i = 0; i < 8; i++)
            s[i] = half;
        for (uint32_t k = 0; k < pairs; k++) {
            const int16_t *p = pair[k] + 2 * x;
            int16_t upper = weight[2 * k], lower = weight[2 * k + 1];
            for (int i = 0; i < 4; i++, p += 16) {
                int16x8_t a = vld1q_s16(p), b = vld1q_s16(p + 8);
                s[2 * i] = vmlal_n_s16(s[2 * i], vget_low_s16(a), upper);
                s[2 * i + 1] = vmlal_high_n_s16(s[2 * i + 1], a, upper);
                s[2 * i] = vmlal_n_s16(s[2 * i], vget_low_s16(b), lower);
                s[2 * i + 1] = vmlal_high_n_s16(s[2 * i + 1], b, lower);
            }
        }
        for (int i = 0; i < 4; i++)
            vst1q_s16(out + x + 8 * i, vcombine_s16(vqmovn_s32(vshlq_s32(s[2 * i], by)),
                                                    vqmovn_s32(vshlq_s32(s[2 * i + 1], by))));
    }
}

/* The sums of one result, in four parts. */
static inline int32x4_t part_of(const int16_t *row, const int16_t *weight, size_t lanes)
{
    int16x8_t v = vld1q_s16(row), w = vld1q_s16(weight);
    int32x4_t s = vmull_s16(vget_low_s16(v), vget_low_s16(w));
    s = vmlal_high_s16(s, v, w);
    for (size_t k = 8; k < lanes; k += 8) {
        v = vld1q_s16(row + k);
        w = vld1q_s16(weight + k);
        s = vmlal_s16(s, vget_low_s16(v), vget_low_s16(w));
        s = vmlal_high_s16(s, v, w);
    }
    return s;
}

static void across(const int16_t *row, const struct alb_taps *t, unsigned shift, int16_t *out)
{
    int32x4_t half = vdupq_n_s32(1 << (shift - 1)), by = vdupq_n_s32(-(int32_t)shift);
    const int16_t *w = t->weight;
    const uint32_t *f = t->first;
    size_t lanes = t->lanes;
    for (uint32_t i = 0; i < t->out; i += 4, w += 4 * lanes, f += 4) {
        int32x4_t a = vpaddq_s32(part_of(row + f[0], w, lanes), part_of(row + f[1], w + lanes, lanes));
        int32x4_t b =
            vpaddq_s32(part_of(row + f[2], w + 2 * lanes, lanes), part_of(row + f[3], w + 3 * lanes, lanes));
        int32x4_t s = vshlq_s32(vaddq_s32(vpaddq_s32(a, b), half), by);
        vst1_s16(out + i, vqmovn_s32(s));
    }
}

/* ---- bytes out ---- */

static inline uint8x8_t narrow_of(const int16_t *in)
{
    uint16x8_t v = veorq_u16(vreinterpretq_u16_s16(vld1q_s16(in)), vdupq_n_u16(ALB_RESIZE_MIDDLE));
    return vqrshrn_n_u16(v, 8);
}

static void narrow1(const int16_t *const *plane, size_t n, uint8_t *row)
{
    for (size_t x = 0; x < n; x += 8)
        vst1_u8(row + x, narrow_of(plane[0] + x));
}

static void narrow3(const int16_t *const *plane, size_t n, uint8_t *row)
{
    for (size_t x = 0; x < n; x += 8, row += 24) {
        uint8x8x3_t v = {{narrow_of(plane[0] + x), narrow_of(plane[1] + x), narrow_of(plane[2] + x)}};
        vst3_u8(row, v);
    }
}

const struct alb_resize_ops alb_resize_neon = {
    .widen = {widen1, widen3},
    .zip_bytes = {zip_bytes1, zip_bytes3},
    .zip = zip,
    .down = down,
    .across = across,
    .narrow = {narrow1, narrow3},
};

#else
typedef int alb_resize_neon_is_elsewhere;
#endif
