/* SPDX-License-Identifier: Apache-2.0
 *
 * The forward transform and the quantisation of 8 x 8 samples. Vectors of four, in the compiler's own words:
 * SSE2 and NEON are part of every processor that albumen is built for, others get plain instructions. Eight
 * columns are transformed, turned, and transformed again; so a block lies on its side until the last step,
 * which turns it back while it packs pairs of coefficients.
 */
#include "image/express/jpeg_blocks.h"

#include <float.h>
#include <string.h>

#include "image/protocol.h"

#if FLT_EVAL_METHOD != 0
#error "coefficients would depend on the compiler's wide registers"
#endif

typedef float f4 __attribute__((vector_size(16)));
typedef int32_t i4 __attribute__((vector_size(16)));
typedef int16_t h8 __attribute__((vector_size(16)));
/* The compiler makes a version for newer processors beside the plain one: shorter code of the same operations.
 * Sanitizers cannot follow the switch. */
#if defined(__x86_64__) && !ALB_SANITIZED && !defined(__clang__)
#define FAST __attribute__((target_clones("avx2", "default")))
#else
#define FAST
#endif
#define INLINE static inline __attribute__((always_inline))

#define MOST 1023   /* what the format can say of a coefficient */
#define BUSY_MOST 8 /* steps; what one coefficient counts for at most */

struct block {
    f4 v[8][2]; /* row, half */
};

INLINE f4 load4(const float *p)
{
    f4 v;
    memcpy(&v, p, sizeof(v));
    return v;
}

INLINE f4 both(float v)
{
    return (f4){v, v, v, v};
}

/* One of eight values after the other, four at a time: the orthonormal cosine transform. */
INLINE void transform(f4 *x)
{
    const float c1 = 0.49039264F, c2 = 0.46193977F, c3 = 0.41573481F, c4 = 0.35355339F, c5 = 0.27778512F,
                c6 = 0.19134172F, c7 = 0.09754516F;
    f4 s0 = x[0] + x[14], s1 = x[2] + x[12], s2 = x[4] + x[10], s3 = x[6] + x[8];
    f4 d0 = x[0] - x[14], d1 = x[2] - x[12], d2 = x[4] - x[10], d3 = x[6] - x[8];
    f4 e0 = s0 + s3, e1 = s1 + s2, e2 = s1 - s2, e3 = s0 - s3;
    x[0] = (e0 + e1) * c4;
    x[4] = e3 * c2 + e2 * c6;
    x[8] = (e0 - e1) * c4;
    x[12] = e3 * c6 - e2 * c2;
    x[2] = (d0 * c1 + d1 * c3) + (d2 * c5 + d3 * c7);
    x[6] = (d0 * c3 - d1 * c7) - (d2 * c1 + d3 * c5);
    x[10] = (d0 * c5 - d1 * c1) + (d2 * c7 + d3 * c3);
    x[14] = (d0 * c7 - d1 * c5) + (d2 * c3 - d3 * c1);
}

/* Four rows of four on their side. */
#define TURN(type, a, b, c, d, to0, to1, to2, to3)                                                           \
    do {                                                                                                     \
        type ac0 = __builtin_shufflevector(a, c, 0, 4, 1, 5),                                                \
             ac1 = __builtin_shufflevector(a, c, 2, 6, 3, 7);                                                \
        type bd0 = __builtin_shufflevector(b, d, 0, 4, 1, 5),                                                \
             bd1 = __builtin_shufflevector(b, d, 2, 6, 3, 7);                                                \
        to0 = __builtin_shufflevector(ac0, bd0, 0, 4, 1, 5);                                                 \
        to1 = __builtin_shufflevector(ac0, bd0, 2, 6, 3, 7);                                                 \
        to2 = __builtin_shufflevector(ac1, bd1, 0, 4, 1, 5);                                                 \
        to3 = __builtin_shufflevector(ac1, bd1, 2, 6, 3, 7);                                                 \
    } while (0)

INLINE void turn(const struct block *in, struct block *out)
{
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++)
            TURN(f4, in->v[4 * i][j], in->v[4 * i + 1][j], in->v[4 * i + 2][j], in->v[4 * i + 3][j],
                 out->v[4 * j][i], out->v[4 * j + 1][i], out->v[4 * j + 2][i], out->v[4 * j + 3][i]);
    }
}

INLINE void gather(int16_t *const row[8], size_t at, struct block *out)
{
    for (int y = 0; y < 8; y++) {
        h8 s;
        memcpy(&s, row[y] + at, sizeof(s));
        i4 low = (i4)__builtin_shufflevector(s, s, 0, 0, 1, 1, 2, 2, 3, 3) >> 16;
        i4 high = (i4)__builtin_shufflevector(s, s, 4, 4, 5, 5, 6, 6, 7, 7) >> 16;
        out->v[y][0] = __builtin_convertvector(low, f4);
        out->v[y][1] = __builtin_convertvector(high, f4);
    }
}

/* About the logarithm to base 2 of 1 + the steps in the block, each coefficient bounded: read off the exponent. */
INLINE float busyness(const struct block *steps)
{
    f4 sum = {0, 0, 0, 0};
    for (int i = 0; i < 16; i++) {
        f4 v = steps->v[i / 2][i % 2], most = both(BUSY_MOST);
        i4 over = v > most;
        sum += (f4)(((i4)most & over) | ((i4)v & ~over));
    }
    float dc = steps->v[0][0][0], all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    all = 1 + (all - (dc < BUSY_MOST ? dc : BUSY_MOST));
    int32_t bits;
    memcpy(&bits, &all, sizeof(bits));
    return (float)(bits - 0x3f800000) * (1.0F / (1 << 23));
}

INLINE void quantise(const struct block *in, const struct alb_jpeg_quant *q, int16_t *out)
{
    struct block steps;
    i4 sign[8][2], level[8][2], row[8][2];
    for (int i = 0; i < 16; i++) {
        f4 v = in->v[i / 2][i % 2] * load4(q->by + 4 * i);
        sign[i / 2][i % 2] = (i4)v >> 31;
        steps.v[i / 2][i % 2] = (f4)((i4)v & 0x7fffffff);
    }
    f4 busy = both(busyness(&steps));
    for (int i = 0; i < 16; i++) {
        f4 v = steps.v[i / 2][i % 2], low = load4(q->low + 4 * i) + load4(q->busy + 4 * i) * busy;
        i4 n = __builtin_convertvector(v + 0.5F, i4) & (v >= low), s = sign[i / 2][i % 2], over = n > MOST;
        n = (n & ~over) | (MOST & over);
        level[i / 2][i % 2] = (n ^ s) - s;
    }
    for (int i = 0; i < 8; i++) /* two rows in one: what lies beside each other in the result */
        row[i / 2][i % 2] = (level[i / 2 * 2][i % 2] & 0xffff) | (level[i / 2 * 2 + 1][i % 2] << 16);
    for (int i = 0; i < 2; i++) {
        i4 a, b, c, d;
        TURN(i4, row[0][i], row[1][i], row[2][i], row[3][i], a, b, c, d);
        memcpy(out + 32 * i, &a, sizeof(a));
        memcpy(out + 32 * i + 8, &b, sizeof(b));
        memcpy(out + 32 * i + 16, &c, sizeof(c));
        memcpy(out + 32 * i + 24, &d, sizeof(d));
    }
}

/* Where in zigzag order a coefficient comes. */
static const uint8_t zigzag[ALB_JPEG_BLOCK] = {
    0,  1,  5,  6,  14, 15, 27, 28, 2,  4,  7,  13, 16, 26, 29, 42, 3,  8,  12, 17, 25, 30,
    41, 43, 9,  11, 18, 24, 31, 40, 44, 53, 10, 19, 23, 32, 39, 45, 52, 54, 20, 22, 33, 38,
    46, 51, 55, 60, 21, 34, 37, 47, 50, 56, 59, 61, 35, 36, 48, 49, 57, 58, 62, 63};

INLINE void point_out(struct alb_jpeg_block *b)
{
    uint64_t some = 0, more = 0;
    for (int i = 0; i < ALB_JPEG_BLOCK; i += 4) { /* most are 0 */
        uint64_t four;
        memcpy(&four, b->v + i, sizeof(four));
        for (int k = i; four != 0 && k < i + 4; k++) {
            uint64_t bit = (uint64_t)1 << zigzag[k];
            some |= b->v[k] != 0 ? bit : 0;
            more |= (unsigned)b->v[k] + 1 > 2 ? bit : 0;
        }
    }
    b->some = some & ~(uint64_t)1;
    b->more = more & ~(uint64_t)1;
}

FAST void alb_jpeg_blocks(int16_t *const row[8], size_t count, const struct alb_jpeg_quant *q,
                          struct alb_jpeg_block *out)
{
    for (size_t i = 0; i < count; i++) {
        struct block a, b;
        gather(row, 8 * i, &a);
        transform(&a.v[0][0]);
        transform(&a.v[0][1]);
        turn(&a, &b);
        transform(&b.v[0][0]);
        transform(&b.v[0][1]);
        quantise(&b, q, out[i].v);
        point_out(&out[i]);
    }
}
