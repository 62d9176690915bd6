/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples of a picture to planes of int16, and back: depth, light, alpha, gain. What is frequent goes to the path's
 * kernels, the rest through plain loops here: each source and each result sample comes by once.
 *
 * Scale: 65536 is 2^bits where samples are only moved (so 8 bits are a shift), 65535 is white where they are multiplied
 * or looked up (alpha, linear light).
 */
#include "image/express/resize_priv.h"

static bool is_full(const struct alb_samples *s)
{
    return s->alpha || s->linear;
}

void alb_samples_init(struct alb_samples *s, const struct alb_resize_ask *ask, bool copy,
                      const struct alb_resize_ops *ops)
{
    *s = (struct alb_samples){
        .count = ask->samples, .bits_in = ask->bits_in, .bits_out = ask->bits_out, .ops = ops};
    bool same = ask->gain >= 1 && ask->gain <= 1 && ask->bias >= 0 && ask->bias <= 0;
    s->alpha = ask->alpha && !copy;
    s->linear = ask->linear && !copy;
    s->scaled = !same || (s->bits_in != s->bits_out && !is_full(s));
    s->white = is_full(s) ? 65535 : ((1u << s->bits_in) - 1) << (16 - s->bits_in);
    s->gain = (float)((1u << s->bits_out) - 1) / (float)s->white * ask->gain;
    s->bias = ask->bias;
    if (s->linear) {
        s->light = alb_light();
        if (s->bits_in != 8 || s->bits_out != 8 || s->scaled)
            s->light16 = alb_light16();
    }
}

/* ---- in ---- */

static uint32_t read_sample(const void *row, uint8_t bits, size_t i)
{
    return bits == 8 ? ((const uint8_t *)row)[i] : ((const uint16_t *)row)[i];
}

/* 0..65535, by repeating the bits */
static uint16_t full(uint32_t v, uint8_t bits)
{
    return (uint16_t)(v << (16 - bits) | v >> (2 * bits - 16));
}

static int16_t centred(uint32_t v)
{
    return (int16_t)((int32_t)v - ALB_RESIZE_MIDDLE);
}

static uint32_t value(int16_t v)
{
    return (uint32_t)(v + ALB_RESIZE_MIDDLE);
}

static void plain_in(const struct alb_samples *s, const void *row, unsigned c, size_t n, int16_t *out)
{
    for (size_t x = 0; x < n; x++)
        out[x] = centred((uint16_t)(read_sample(row, s->bits_in, x * s->count + c) << (16 - s->bits_in)));
}

static void linear_in(const struct alb_samples *s, const void *row, unsigned c, size_t n, int16_t *out)
{
    if (s->bits_in == 8) {
        const uint8_t *in = (const uint8_t *)row + c;
        for (size_t x = 0; x < n; x++)
            out[x] = centred(s->light->linear8[in[x * s->count]]);
    } else {
        const uint16_t *in = (const uint16_t *)row + c;
        for (size_t x = 0; x < n; x++)
            out[x] = centred(s->light16->linear[full(in[x * s->count], s->bits_in)]);
    }
}

static void full_in(const struct alb_samples *s, const void *row, unsigned c, size_t n, int16_t *out)
{
    for (size_t x = 0; x < n; x++)
        out[x] = centred(full(read_sample(row, s->bits_in, x * s->count + c), s->bits_in));
}

/* v * a / 65535, rounded */
static uint32_t product(uint32_t v, uint32_t a)
{
    uint32_t p = v * a + 32768;
    return (p + (p >> 16)) >> 16;
}

static void premultiply(int16_t *plane, const int16_t *alpha, size_t n)
{
    for (size_t x = 0; x < n; x++)
        plane[x] = centred(product(value(plane[x]), value(alpha[x])));
}

void alb_samples_in(const struct alb_samples *s, const void *row, size_t n, int16_t *const *plane)
{
    unsigned colours = s->alpha ? s->count - 1 : s->count;
    if (alb_samples_bytes(s)) {
        s->ops->widen[s->count / 2](row, n, plane);
        return;
    }
    for (unsigned c = 0; c < colours; c++) {
        if (s->linear)
            linear_in(s, row, c, n, plane[c]);
        else if (s->alpha)
            full_in(s, row, c, n, plane[c]);
        else
            plain_in(s, row, c, n, plane[c]);
    }
    if (!s->alpha)
        return;
    full_in(s, row, colours, n, plane[colours]);
    for (unsigned c = 0; c < colours; c++)
        premultiply(plane[c], plane[colours], n);
}

/* ---- out ---- */

static void write_sample(void *row, uint8_t bits, size_t i, uint32_t v)
{
    if (bits == 8)
        ((uint8_t *)row)[i] = (uint8_t)v;
    else
        ((uint16_t *)row)[i] = (uint16_t)v;
}

/* 0..65535 to a sample */
static uint32_t sized(const struct alb_samples *s, uint32_t v)
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

static void encoded_out(const struct alb_samples *s, const int16_t *in, unsigned c, size_t n, void *row)
{
    if (!s->light16) {
        uint8_t *out = (uint8_t *)row + c;
        for (size_t x = 0; x < n; x++) {
            uint32_t at = (value(in[x]) + 1) >> 1;
            out[x * s->count] = s->light->encoded8[at < 32768 ? at : 32767];
        }
        return;
    }
    for (size_t x = 0; x < n; x++)
        write_sample(row, s->bits_out, x * s->count + c, sized(s, s->light16->encoded[value(in[x])]));
}

static void plain_out(const struct alb_samples *s, const int16_t *in, unsigned c, size_t n, void *row)
{
    for (size_t x = 0; x < n; x++)
        write_sample(row, s->bits_out, x * s->count + c, sized(s, value(in[x])));
}

static uint32_t encoded(const struct alb_samples *s, uint32_t v)
{
    if (s->light16)
        return sized(s, s->light16->encoded[v]);
    v = (v + 1) >> 1;
    return s->light->encoded8[v < 32768 ? v : 32767];
}

/* Colours that are hardly there (no alpha left in the result) are black. */
static void alpha_out(const struct alb_samples *s, const int16_t *const *plane, size_t n, void *row)
{
    unsigned colours = s->count - 1;
    for (size_t x = 0; x < n; x++) {
        uint32_t a = value(plane[colours][x]), shown = sized(s, a);
        float inverse = a > 0 ? 65535.0f / (float)a : 0;
        for (unsigned c = 0; c < colours; c++) {
            float f = (float)value(plane[c][x]) * inverse;
            uint32_t v = f >= 65535 ? 65535 : (uint32_t)(int32_t)(f + 0.5f);
            v = s->linear ? encoded(s, v) : sized(s, v);
            write_sample(row, s->bits_out, x * s->count + c, shown > 0 ? v : 0);
        }
        write_sample(row, s->bits_out, x * s->count + colours, shown);
    }
}

void alb_samples_out(const struct alb_samples *s, const int16_t *const *plane, size_t n, void *row)
{
    if (s->alpha) {
        alpha_out(s, plane, n, row);
        return;
    }
    if (s->bits_out == 8 && !s->linear && !s->scaled && (s->count == 1 || s->count == 3)) {
        s->ops->narrow[s->count / 2](plane, n, row);
        return;
    }
    for (unsigned c = 0; c < s->count; c++) {
        if (s->linear)
            encoded_out(s, plane[c], c, n, row);
        else
            plain_out(s, plane[c], c, n, row);
    }
}
