/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the resizer (resize.h): weights, light, and the kernels that each path brings. Nobody else includes this.
 */
#ifndef ALB_IMAGE_EXPRESS_RESIZE_PRIV_H
#define ALB_IMAGE_EXPRESS_RESIZE_PRIV_H

#include "image/express/resize.h"

/* ---- memory: cut from one block ---- */

struct alb_cutter {
    uint8_t *block; /* NULL: only counts */
    size_t used;
};
/* Aligned to ALB_SCRATCH_ALIGN; NULL while counting. */
void *alb_cut(struct alb_cutter *c, size_t count, size_t size);

/* ---- weights ---- */

#define ALB_RESIZE_LIFT 0.12 /* of halved samples: what neighbours give up to the one between them */

/* Of one axis: result i is the sum of `lanes` weights times the source samples from first[i] on. Lanes behind a
 * result's own have weight 0; the last may lie behind the end of the source. */
struct alb_taps {
    uint32_t out;
    uint32_t lanes; /* across: 8, or a multiple of 16; down: even */
    uint32_t bits;  /* weights are in 1 / 2^bits */
    uint32_t *first;
    uint32_t *pairs; /* down: so many pairs of rows, first[i] is even; across: NULL */
    int16_t *weight;
    double *work; /* of fill */
};
void alb_taps_cut(struct alb_taps *t, struct alb_cutter *c, const struct alb_axis *a, enum alb_kernel kernel,
                  bool down);
void alb_taps_fill(struct alb_taps *t, const struct alb_axis *a, enum alb_kernel kernel);
/* Where nearest, or a copy, takes result i from. */
uint32_t alb_taps_nearest(const struct alb_axis *a, uint32_t i);

/* ---- light: sRGB's curve, 0..65535 ---- */

/* linear8 is a curve of 16 parts, by the high four bits of a value: with l, the low four, part h is
 * base[h] + l * (slope[h] + l * bend[h]) / 16, rounded down. So vectors can do without 256 entries, which they have no
 * instruction for. */
#define ALB_LIGHT_PARTS 16
struct alb_light {
    int16_t linear8[256]; /* around 0, as the kernels have them; off by 3.1 at most, and by 0.14 of a step */
    uint8_t encoded8[32768]; /* of those, as uint16_t, halved */
    /* bytes, low then high, of (around 0) base and of slope; bend */
    uint8_t base[2][ALB_LIGHT_PARTS], slope[2][ALB_LIGHT_PARTS], bend[ALB_LIGHT_PARTS];
};
struct alb_light16 {
    uint16_t linear[65536], encoded[65536];
};
const struct alb_light *alb_light(void); /* made once for the process; any thread */
const struct alb_light16 *alb_light16(void);

/* ---- kernels ---- */

/* Samples inside are int16 around 0: (0..65535) - 32768. Planes have a multiple of ALB_RESIZE_BLOCK samples, aligned to
 * ALB_SCRATCH_ALIGN; what lies behind their width is of no account. A pair is two rows zipped in an order that only
 * the path's own zip and down know, twice as long. */
#define ALB_RESIZE_BLOCK 64
#define ALB_RESIZE_MIDDLE 32768

struct alb_resize_ops {
    /* Rows of bytes (samples * 256): n pixels; up to ALB_ROW_SLACK bytes behind may be read. 1 or 3 planes out. */
    void (*widen[2])(const uint8_t *row, size_t n, int16_t *const *plane);
    void (*zip_bytes[2])(const uint8_t *a, const uint8_t *b, size_t n, int16_t *const *pair);
    /* RGB through light->linear8; NULL: the path has none. */
    void (*zip_light3)(const struct alb_light *light, const uint8_t *a, const uint8_t *b, size_t n,
                       int16_t *const *pair);
    void (*zip)(const int16_t *a, const int16_t *b, size_t n, int16_t *pair);
    /* out[x] = the sum over pairs of rows, weight[2 k] for the upper and weight[2 k + 1] for the lower one of pair k,
     * shifted right by `shift`, rounded half up, saturated. */
    void (*down)(const int16_t *const *pair, const int16_t *weight, uint32_t pairs, unsigned shift, size_t n,
                 int16_t *out);
    void (*across)(const int16_t *row, const struct alb_taps *t, unsigned shift, int16_t *out);
    /* To bytes: (v + 128) / 256, at most 255; up to ALB_ROW_SLACK bytes behind may be written. From 1 or 3 planes. */
    void (*narrow[2])(const int16_t *const *plane, size_t n, uint8_t *row);
};
extern const struct alb_resize_ops alb_resize_plain;
#if defined(__x86_64__)
extern const struct alb_resize_ops alb_resize_avx2;
void alb_resize_sse2(struct alb_resize_ops *ops); /* over those of alb_resize_plain */
#elif defined(__aarch64__)
extern const struct alb_resize_ops alb_resize_neon;
#endif

/* ---- samples of a picture to planes, and back ---- */

struct alb_samples {
    unsigned count;            /* in a pixel, and planes */
    uint8_t bits_in, bits_out; /* as in the ask */
    bool alpha, linear, lit;
    bool scaled;       /* out = value * gain + bias */
    uint32_t white;    /* the largest value: what overshoots is cut off before gain */
    uint32_t faintest; /* alpha that still is 1 in the result */
    float gain, bias;
    const struct alb_resize_ops *ops;
    const struct alb_light *light;     /* linear */
    const struct alb_light16 *light16; /* linear, and not from 8 to 8 bits */
};
void alb_samples_init(struct alb_samples *s, const struct alb_resize_ask *ask, bool copy,
                      const struct alb_resize_ops *ops);
/* Bytes as they are: zip_bytes may be used. */
static inline bool alb_samples_bytes(const struct alb_samples *s)
{
    return s->bits_in == 8 && !s->alpha && !s->linear && (s->count == 1 || s->count == 3);
}
/* Bytes that zip_light3 takes as they are. */
static inline bool alb_samples_light(const struct alb_samples *s)
{
    return s->bits_in == 8 && !s->alpha && s->linear && s->count == 3 && s->ops->zip_light3;
}
void alb_samples_in(const struct alb_samples *s, const void *row, size_t n, int16_t *const *plane);
/* Planes are written to. */
void alb_samples_out(const struct alb_samples *s, int16_t *const *plane, size_t n, void *row);

#endif
