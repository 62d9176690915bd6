/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels in plain C: what every path must equal, and what runs where no other does. Written to be made vectors of
 * by the compiler (built with -O3).
 */
#include "image/express/resize_priv.h"

#define BLOCK ALB_RESIZE_BLOCK

static int16_t widened(uint8_t v)
{
    return (int16_t)(v * 256 - ALB_RESIZE_MIDDLE);
}

static int16_t saturated(int32_t v)
{
    return (int16_t)(v < INT16_MIN ? INT16_MIN : v > INT16_MAX ? INT16_MAX : v);
}

static void widen1(const uint8_t *row, size_t n, int16_t *const *plane)
{
    int16_t *out = plane[0];
    for (size_t x = 0; x < n; x++)
        out[x] = widened(row[x]);
}

static void widen3(const uint8_t *row, size_t n, int16_t *const *plane)
{
    int16_t *r = plane[0], *g = plane[1], *b = plane[2];
    for (size_t x = 0; x < n; x++, row += 3) {
        r[x] = widened(row[0]);
        g[x] = widened(row[1]);
        b[x] = widened(row[2]);
    }
}

/* A pair here: BLOCK samples of the upper row, as many of the lower one, and so on. One row of it: */
static void lay1(const uint8_t *row, size_t n, int16_t *out)
{
    for (size_t x = 0; x < n; x += BLOCK, out += 2 * BLOCK)
        widen1(row + x, n - x < BLOCK ? n - x : BLOCK, &out);
}

static void lay3(const uint8_t *row, size_t n, int16_t *const *pair, size_t at)
{
    int16_t *out[3] = {pair[0] + at, pair[1] + at, pair[2] + at};
    for (size_t x = 0; x < n; x += BLOCK) {
        widen3(row + 3 * x, n - x < BLOCK ? n - x : BLOCK, out);
        for (int c = 0; c < 3; c++)
            out[c] += 2 * BLOCK;
    }
}

static void zip_bytes1(const uint8_t *a, const uint8_t *b, size_t n, int16_t *const *pair)
{
    lay1(a, n, pair[0]);
    lay1(b, n, pair[0] + BLOCK);
}

static void zip_bytes3(const uint8_t *a, const uint8_t *b, size_t n, int16_t *const *pair)
{
    lay3(a, n, pair, 0);
    lay3(b, n, pair, BLOCK);
}

static void zip(const int16_t *a, const int16_t *b, size_t n, int16_t *pair)
{
    for (size_t x = 0; x < n; x += BLOCK, pair += 2 * BLOCK) {
        for (size_t i = 0; i < BLOCK; i++)
            pair[i] = a[x + i];
        for (size_t i = 0; i < BLOCK; i++)
            pair[BLOCK + i] = b[x + i];
    }
}

static void down(const int16_t *const *pair, const int16_t *weight, uint32_t pairs, unsigned shift, size_t n,
                 int16_t *out)
{
    for (size_t x = 0; x < n; x += BLOCK) {
        int32_t sum[BLOCK];
        for (size_t i = 0; i < BLOCK; i++)
            sum[i] = 1 << (shift - 1);
        for (uint32_t k = 0; k < pairs; k++) {
            const int16_t *p = pair[k] + 2 * x;
            int16_t upper = weight[2 * k], lower = weight[2 * k + 1]; /* int16: one multiplication each */
            for (size_t i = 0; i < BLOCK; i++)
                sum[i] += p[i] * upper + p[BLOCK + i] * lower;
        }
        for (size_t i = 0; i < BLOCK; i++)
            out[x + i] = saturated(sum[i] >> shift);
    }
}

static void across(const int16_t *row, const struct alb_taps *t, unsigned shift, int16_t *out)
{
    const int16_t *w = t->weight;
    for (uint32_t i = 0; i < t->out; i++, w += t->lanes) {
        const int16_t *p = row + t->first[i];
        int32_t sum = 1 << (shift - 1);
        for (uint32_t k = 0; k < t->lanes; k++)
            sum += p[k] * w[k];
        out[i] = saturated(sum >> shift);
    }
}

static uint8_t narrowed(int16_t v)
{
    int32_t u = (v + ALB_RESIZE_MIDDLE + 128) >> 8;
    return (uint8_t)(u > 255 ? 255 : u);
}

static void narrow1(const int16_t *const *plane, size_t n, uint8_t *row)
{
    const int16_t *in = plane[0];
    for (size_t x = 0; x < n; x++)
        row[x] = narrowed(in[x]);
}

static void narrow3(const int16_t *const *plane, size_t n, uint8_t *row)
{
    const int16_t *r = plane[0], *g = plane[1], *b = plane[2];
    for (size_t x = 0; x < n; x++, row += 3) {
        row[0] = narrowed(r[x]);
        row[1] = narrowed(g[x]);
        row[2] = narrowed(b[x]);
    }
}

const struct alb_resize_ops alb_resize_plain = {
    .widen = {widen1, widen3},
    .zip_bytes = {zip_bytes1, zip_bytes3},
    .zip = zip,
    .down = down,
    .across = across,
    .narrow = {narrow1, narrow3},
};
