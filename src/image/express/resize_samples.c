/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples of a picture to planes of int16, and back: depth, light, alpha, gain. What is frequent goes to the path's
 * kernels, the rest through plain loops here: each source and each result sample comes by once.
 *
 * Scale: 65536 is 2^bits where samples are only moved (so 8 bits are a shift), 65535 is white where they are multiplied
 * or looked up (alpha, linear light).
 */
#include "image/express/resize_priv.h"

#include <string.h>

#include "image/protocol.h"

/* The compiler makes a version for newer processors beside the plain one: whole numbers, and floats one operation at a
 * time, so both give the same. Sanitizers cannot follow the switch. */
#if defined(__x86_64__) && !ALB_SANITIZED && !defined(__clang__)
#define FAST __attribute__((target_clones("avx2", "default")))
#else
#define FAST
#endif
#define INLINE static inline __attribute__((always_inline))

static bool is_full(const struct alb_samples *s)
{
    return s->alpha || s->linear;
}

INLINE void write_sample(void *row, uint8_t bits, size_t i, uint32_t v)
{
    if (bits == 8)
        ((uint8_t *)row)[i] = (uint8_t)v;
    else
        ((uint16_t *)row)[i] = (uint16_t)v;
}

/* 0..65535 to a sample */
INLINE uint32_t sized(const struct alb_samples *s, uint32_t v)
{
    uint32_t most = (1u << s->bits_out) - 1;
    if (s->scaled) {
        float f = (float)(v < s->white ? v : s->white) * s->gain;
        f = f + s->bias;
        return f <= 0 ? 0 : f >= (float)most ? most : (uint32_t)(int32_t)(f + 0.5f);
    }
    if (is_full(s))
        return (v * most + 32767) / 65535;
    v = (v + (1u << (16 - s->bits_out) >> 1)) >> (16 - s->bits_out);
    return v < most ? v : most;
}

/* Light in more steps than 8 bits have, on one of its ways. */
static bool is_fine(const struct alb_samples *s)
{
    return (s->bits_in != 8 && !s->lit) || s->bits_out != 8 || s->scaled;
}

void alb_samples_init(struct alb_samples *s, const struct alb_resize_ask *ask, bool copy,
                      const struct alb_resize_ops *ops)
{
    *s = (struct alb_samples){
        .count = ask->samples, .bits_in = ask->bits_in, .bits_out = ask->bits_out, .ops = ops};
    bool same = ask->gain >= 1 && ask->gain <= 1 && ask->bias >= 0 && ask->bias <= 0;
    s->lit = ask->lit;
    s->alpha = ask->alpha && !copy;
    s->linear = ask->linear && !copy;
    s->scaled = !same || (s->bits_in != s->bits_out && !is_full(s));
    s->white = is_full(s) ? 65535 : ((1u << s->bits_in) - 1) << (16 - s->bits_in);
    s->gain = (float)((1u << s->bits_out) - 1) / (float)s->white * ask->gain;
    s->bias = ask->bias;
    while (s->alpha && sized(s, s->faintest) == 0)
        s->faintest++;
    if (s->linear) {
        s->light = alb_light();
        if (is_fine(s))
            s->light16 = alb_light16();
    }
}

/* ---- in ---- */

INLINE uint32_t read_sample(const void *row, bool bytes, size_t i)
{
    return bytes ? ((const uint8_t *)row)[i] : ((const uint16_t *)row)[i];
}

/* 0..65535, by repeating the bits */
INLINE uint16_t full(uint32_t v, uint8_t bits)
{
    return (uint16_t)(v << (16 - bits) | v >> (2 * bits - 16));
}

INLINE int16_t centred(uint32_t v)
{
    return (int16_t)(uint16_t)(v ^ ALB_RESIZE_MIDDLE);
}

INLINE uint32_t value(int16_t v)
{
    return (uint16_t)v ^ (uint32_t)ALB_RESIZE_MIDDLE;
}

/* One sample of each pixel, as it is; full: 65535 is white. */
INLINE void moved_in(const void *row, bool bytes, uint8_t bits, bool to_full, unsigned count, unsigned c,
                     size_t n, int16_t *out)
{
    for (size_t x = 0; x < n; x++) {
        uint32_t v = read_sample(row, bytes, x * count + c);
        out[x] = centred(to_full ? full(v, bits) : v << (16 - bits));
    }
}

FAST static void plane_in(const struct alb_samples *s, const void *row, unsigned c, size_t n,
                          int16_t *restrict out)
{
    bool to_full = is_full(s);
    if (s->bits_in == 8 && s->count == 4 && to_full)
        moved_in(row, true, 8, true, 4, c, n, out);
    else if (s->bits_in == 8)
        moved_in(row, true, 8, to_full, s->count, c, n, out);
    else if (s->bits_in == 16 && s->count == 3)
        moved_in(row, false, 16, false, 3, c, n, out);
    else if (s->bits_in == 16 && s->count == 1)
        moved_in(row, false, 16, false, 1, c, n, out);
    else
        moved_in(row, false, s->bits_in, to_full, s->count, c, n, out);
}

INLINE void light_in(const struct alb_light *light, const uint8_t *row, unsigned count, unsigned colours,
                     size_t n, int16_t *const *plane)
{
    int16_t *p0 = plane[0], *p1 = plane[colours > 1 ? 1 : 0], *p2 = plane[colours > 2 ? 2 : 0];
    for (size_t x = 0; x < n; x++, row += count) {
        p0[x] = light->linear8[row[0]];
        if (colours > 1)
            p1[x] = light->linear8[row[1]];
        if (colours > 2)
            p2[x] = light->linear8[row[2]];
        if (colours > 3)
            plane[3][x] = light->linear8[row[3]];
    }
}

static void linear_in(const struct alb_samples *s, const void *row, unsigned colours, size_t n,
                      int16_t *const *plane)
{
    if (s->bits_in > 8) {
        const uint16_t *in = row;
        for (unsigned c = 0; c < colours; c++) {
            for (size_t x = 0; x < n; x++)
                plane[c][x] = centred(s->light16->linear[full(in[x * s->count + c], s->bits_in)]);
        }
    } else if (s->count == 3) {
        light_in(s->light, row, 3, 3, n, plane);
    } else if (s->count == 4 && colours == 3) {
        light_in(s->light, row, 4, 3, n, plane);
    } else {
        light_in(s->light, row, s->count, colours, n, plane);
    }
}

/* v * a / 65535, rounded */
INLINE uint32_t product(uint32_t v, uint32_t a)
{
    uint32_t p = v * a + 32768;
    return (p + (p >> 16)) >> 16;
}

FAST static void premultiply(int16_t *restrict plane, const int16_t *restrict alpha, size_t n)
{
    for (size_t x = 0; x < n; x++)
        plane[x] = centred(product(value(plane[x]), value(alpha[x])));
}

void alb_samples_in(const struct alb_samples *s, const void *row, size_t n, int16_t *const *plane)
{
    unsigned colours = s->alpha ? s->count - 1 : s->count;
    if (s->lit) {
        const int16_t *const *from = row;
        for (unsigned c = 0; c < s->count; c++)
            memcpy(plane[c], from[c], n * sizeof(*plane[c]));
        return;
    }
    if (alb_samples_bytes(s)) {
        s->ops->widen[s->count / 2](row, n, plane);
        return;
    }
    if (s->linear)
        linear_in(s, row, colours, n, plane);
    for (unsigned c = s->linear ? colours : 0; c < s->count; c++)
        plane_in(s, row, c, n, plane[c]);
    for (unsigned c = 0; s->alpha && c < colours; c++)
        premultiply(plane[c], plane[colours], n);
}

/* ---- out ---- */

static void encode16(const struct alb_samples *s, const int16_t *in, unsigned c, size_t n, void *row)
{
    for (size_t x = 0; x < n; x++)
        write_sample(row, s->bits_out, x * s->count + c, sized(s, s->light16->encoded[value(in[x])]));
}

INLINE void encode8(const struct alb_light *light, int16_t *const *plane, unsigned count, unsigned colours,
                    size_t n, uint8_t *out)
{
    const int16_t *p0 = plane[0], *p1 = plane[colours > 1 ? 1 : 0], *p2 = plane[colours > 2 ? 2 : 0];
    for (size_t x = 0; x < n; x++, out += count) {
        out[0] = light->encoded8[(uint16_t)p0[x] >> 1];
        if (colours > 1)
            out[1] = light->encoded8[(uint16_t)p1[x] >> 1];
        if (colours > 2)
            out[2] = light->encoded8[(uint16_t)p2[x] >> 1];
        if (colours > 3)
            out[3] = light->encoded8[(uint16_t)plane[3][x] >> 1];
    }
}

static void linear_out(const struct alb_samples *s, int16_t *const *plane, unsigned colours, size_t n,
                       void *row)
{
    if (s->light16) {
        for (unsigned c = 0; c < colours; c++)
            encode16(s, plane[c], c, n, row);
    } else if (s->count == 3) {
        encode8(s->light, plane, 3, 3, n, row);
    } else {
        encode8(s->light, plane, s->count, colours, n, row);
    }
}

/* Samples that need neither light nor more than rounding, of 8 or 16 bits. */
FAST static void plane_out(const struct alb_samples *s, const int16_t *restrict in, unsigned c, size_t n,
                           void *row)
{
    uint8_t *bytes = (uint8_t *)row + c;
    uint16_t *words = (uint16_t *)row + c;
    if (s->bits_out == 8 && is_full(s)) {
        for (size_t x = 0; x < n; x++)
            bytes[x * s->count] = (uint8_t)((value(in[x]) * 255 + 32895) >> 16); /* v / 257, rounded */
    } else if (s->bits_out == 16) {
        for (size_t x = 0; x < n; x++)
            words[x * s->count] = (uint16_t)value(in[x]);
    } else {
        for (size_t x = 0; x < n; x++)
            write_sample(row, s->bits_out, x * s->count + c, sized(s, value(in[x])));
    }
}

static void scaled_out(const struct alb_samples *s, const int16_t *in, unsigned c, size_t n, void *row)
{
    for (size_t x = 0; x < n; x++)
        write_sample(row, s->bits_out, x * s->count + c, sized(s, value(in[x])));
}

/* Colours that are hardly there (no alpha left in the result) are black. */
FAST static void unpremultiply(int16_t *restrict plane, const int16_t *restrict alpha, uint32_t faintest,
                               size_t n)
{
    for (size_t x = 0; x < n; x++) {
        int32_t a = (int32_t)value(alpha[x]), v = (int32_t)value(plane[x]), some = a > 1 ? a : 1;
        float share = 65535.0f / (float)some;
        v = v < a ? v : a;
        v &= -(int32_t)(a >= (int32_t)faintest); /* no branch: the loop becomes vectors */
        float f = (float)v * share;
        int32_t whole = (int32_t)(f + 0.5f);
        whole = whole < 65535 ? whole : 65535;
        plane[x] = centred((uint32_t)whole);
    }
}

/* Four bytes of full range. */
FAST static void rgba_out(const int16_t *restrict r, const int16_t *restrict g, const int16_t *restrict b,
                          const int16_t *restrict a, size_t n, uint8_t *restrict row)
{
    for (size_t x = 0; x < n; x++) {
        uint32_t pixel = (value(r[x]) * 255 + 32895) >> 16;
        pixel |= (value(g[x]) * 255 + 32895) >> 8 & 0xff00;
        pixel |= (value(b[x]) * 255 + 32895) & 0xff0000;
        pixel |= ((value(a[x]) * 255 + 32895) & 0xff0000) << 8;
        memcpy(row + 4 * x, &pixel, sizeof(pixel));
    }
}

static void unpremultiplied_out(const struct alb_samples *s, int16_t *const *plane, size_t n, void *row)
{
    unsigned colours = s->count - 1;
    for (unsigned c = 0; c < colours; c++)
        unpremultiply(plane[c], plane[colours], s->faintest, n);
    if (!s->linear && s->count == 4 && s->bits_out == 8) {
        rgba_out(plane[0], plane[1], plane[2], plane[3], n, row);
        return;
    }
    if (s->linear)
        linear_out(s, plane, colours, n, row);
    for (unsigned c = s->linear ? colours : 0; c < s->count; c++)
        plane_out(s, plane[c], c, n, row);
}

void alb_samples_out(const struct alb_samples *s, int16_t *const *plane, size_t n, void *row)
{
    if (s->alpha) {
        unpremultiplied_out(s, plane, n, row);
    } else if (s->linear) {
        linear_out(s, plane, s->count, n, row);
    } else if (!s->scaled && s->bits_out == 8 && (s->count == 1 || s->count == 3)) {
        s->ops->narrow[s->count / 2]((const int16_t *const *)plane, n, row);
    } else {
        for (unsigned c = 0; c < s->count; c++) {
            if (s->scaled)
                scaled_out(s, plane[c], c, n, row);
            else
                plane_out(s, plane[c], c, n, row);
        }
    }
}
