/* SPDX-License-Identifier: Apache-2.0
 *
 * SSIMULACRA 2.1, from its public description. Up to six scales, each half of the one before, halved in linear light.
 * On each, for each of three channels of XYB (brought to about 0..1), three maps are made of the two pictures and of
 * what a Gaussian leaves of them: how alike the structure is, edges that only the second has (ringing, blocks), edges
 * that only the first has (blur). Of each map the mean and the fourth root of the mean of fourth powers count; a
 * weighted sum of these 108 numbers, bent by a polynomial and a power, is the score.
 *
 * Pictures are walked once per scale, row by row: a ring keeps the last nine rows, blurred along the row, of both
 * pictures, the sum of their squares and the square of their difference (so that what two like pictures do not share
 * is never the small difference of large numbers). The rows of the next scale are made on the way.
 *
 * The score is the same to the last bit on all processors of one kind: no contraction (meson.build), lanes are summed
 * in a fixed order.
 */
#include "image/score.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "image/protocol.h"

/* Loops for which wider vectors pay; they give the same bits. Sanitizers cannot follow the switch. */
#if defined(__x86_64__) && !ALB_SANITIZED && !defined(__clang__)
#define FAST __attribute__((target_clones("avx2", "default")))
#else
#define FAST
#endif

#define SCALES 6
#define SIDE_MIN 8 /* nothing is halved that is smaller */
#define CHANNELS 3
#define REACH 4 /* of the blur, to each side; beyond the picture is 0 */
#define RING (2 * REACH + 1)
#define LANES 8
#define C2 0.0009f
#define GROUND_DARK 0.1f /* what shows through transparent pictures; the worse of the two counts */
#define GROUND_BRIGHT 0.9f

/* What is blurred. */
enum kind { FIRST, SECOND, SQUARES, DIFFERENCE, KINDS };
enum map { STRUCTURE, RINGING, BLUR, MAPS };

/* A Gaussian of sigma 1.5 as a sum of three cosines that ends after four (Charalampidis, 2016, N = 5): taps 0 to 4. */
static const float taps[REACH + 1] = {0.2646211055f, 0.2129285920f, 0.1093353728f, 0.0360111147f,
                                      0.0094143678f};

/* Channel X, Y, B; scale, a line each; norm 1, 4; map. */
/* clang-format off */
static const double weights[CHANNELS * SCALES * 2 * MAPS] = {
    /* X */
    0, 0.0007376606707, 0, 0, 0.0007793481683, 0,
    0, 0.000437115573, 0, 1.104172643, 0.0006628483413, 0.0001523163278,
    0, 0.001640643746, 0, 1.842245552, 11.4411726, 0,
    0.0007989109436, 0.0001768164381, 0, 1.878759498, 10.94906991, 0,
    0.0007289346992, 0.9677937081, 0, 0.0001400342429, 0.9981766978, 0.0003194975593,
    0.0004550992114, 0, 0, 0.001364876616, 0, 0,
    /* Y */
    0, 0, 0, 7.466890328, 0, 17.44583398,
    0.0006235601634, 0, 0, 6.683678146, 0.0003772440798, 1.027889938,
    225.205153, 0, 0, 19.21323819, 0.001140152459, 0.001237755636,
    176.393176, 0, 0, 24.43301, 0.2852080261, 0.0004485436924,
    0, 0, 0, 34.77906344, 44.83562533, 0,
    0, 0, 0, 0, 0, 0,
    /* B */
    0, 0.0008680556573, 0, 0, 0, 0,
    0, 0.0005313191874, 0, 0.0001653381416, 0, 0,
    0, 0, 0, 0.0004179171803, 0.001729082823, 0,
    0.002082700585, 0, 0, 8.826982765, 23.19243344, 0,
    95.10804988, 0.9863978034, 0.9834382792, 0.001228640505, 171.2667256, 0.9807858872,
    0, 0, 0, 0.0005130064589, 0, 0.0001085405786,
};
/* clang-format on */

/* ---- from bytes to linear light ---- */

/* One of the two pictures at one scale. */
struct picture {
    const uint8_t *px; /* of the first scale */
    unsigned bands;
    float ground;
    float *plane[CHANNELS]; /* linear, of all later scales; rows of width */
    float *next[CHANNELS];  /* what becomes plane */
    float *area[2];         /* where both lie, by turns */
    float *lines;           /* two rows of each channel, of the first scale */
};

struct scale {
    uint32_t width, height;
    size_t stride; /* of rows in the ring, with room for the blur at both ends */
};

struct compare {
    struct picture side[2];
    struct scale at;
    bool halve; /* there is a next scale */
    float table[256];
    float *ring;   /* [RING][CHANNELS][KINDS][stride] */
    float *colour; /* [RING][CHANNELS][2][stride]: not blurred */
    float *spare;  /* [KINDS + MAPS][stride] */
    const float *zero;
    float *block;
    double sums[CHANNELS][2][MAPS];
};

static float linear_of(float v)
{
    return v <= 0.04045f ? v / 12.92f : powf((v + 0.055f) / 1.055f, 2.4f);
}

/* Alpha is blended as coded, not in linear light, as the program does. */
static void blended_row(const struct compare *c, const struct picture *p, const uint8_t *px,
                        float *out[CHANNELS])
{
    unsigned step = p->bands < 3 ? 0 : 1;
    for (uint32_t x = 0; x < c->at.width; x++, px += p->bands) {
        float a = (float)px[p->bands - 1] / 255.0f;
        for (unsigned k = 0; k < CHANNELS; k++)
            out[k][x] = px[p->bands - 1] == 255
                            ? c->table[px[k * step]]
                            : linear_of((float)px[k * step] / 255.0f * a + p->ground * (1 - a));
    }
}

/* out: where row y lies now. */
static void linear_row(const struct compare *c, const struct picture *p, uint32_t y, float *out[CHANNELS])
{
    uint32_t w = c->at.width;
    for (unsigned k = 0; k < CHANNELS; k++)
        out[k] = p->plane[0] ? p->plane[k] + (size_t)y * w : p->lines + ((size_t)(y & 1) * CHANNELS + k) * w;
    if (p->plane[0])
        return;
    const uint8_t *px = p->px + (size_t)y * w * p->bands;
    if (p->bands == 2 || p->bands == 4) {
        blended_row(c, p, px, out);
        return;
    }
    for (unsigned k = 0; k < CHANNELS; k++) {
        for (uint32_t x = 0; x < w; x++)
            out[k][x] = c->table[px[(size_t)x * p->bands + (p->bands == 3 ? k : 0)]];
    }
}

/* Two rows become one of the next scale; the last of an odd number counts twice. */
FAST static void halve_row(const float *restrict up, const float *restrict down, uint32_t w,
                           float *restrict out)
{
    for (uint32_t x = 0; x < w / 2; x++)
        out[x] = 0.25f * ((up[2 * x] + up[2 * x + 1]) + (down[2 * x] + down[2 * x + 1]));
    if (w % 2)
        out[w / 2] = 0.5f * (up[w - 1] + down[w - 1]);
}

static void feed_next(const struct compare *c, const struct picture *p, uint32_t y,
                      float *const row[CHANNELS])
{
    uint32_t w = c->at.width, half = (w + 1) / 2;
    if (y % 2 == 0 && y + 1 < c->at.height)
        return;
    for (unsigned k = 0; k < CHANNELS; k++) {
        const float *up = row[k];
        if (y % 2)
            up = p->plane[0] ? row[k] - w : p->lines + (size_t)k * w;
        halve_row(up, row[k], w, p->next[k] + (size_t)(y / 2) * half);
    }
}

/* ---- from linear light to XYB ---- */

#define BIAS 0.0037930732552754493f
#define ROOT_OF_BIAS 0.1559542025f
#define THIRD_OF_EXPONENTS                                                                                   \
    709958130.0f /* two thirds of the bias of float's exponent, as bits; less the mean error */

/* v from about BIAS to 1: a third of the exponent is a guess within 6 %, two steps of Halley make it exact to the last
 * bits. In a form that vectors can do. */
static inline float cube_root(float v)
{
    int32_t bits;
    float y;
    memcpy(&bits, &v, sizeof(bits));
    bits = (int32_t)((float)bits * (1.0f / 3.0f) + THIRD_OF_EXPONENTS);
    memcpy(&y, &bits, sizeof(y));
    for (int i = 0; i < 2; i++) {
        float y3 = y * y * y;
        y *= (y3 + (v + v)) / ((y3 + y3) + v);
    }
    return y;
}

static inline float absorbed(float r, float g, float b, const float m[3])
{
    float v = m[0] * r + m[1] * g + m[2] * b + BIAS;
    return cube_root(v > 0 ? v : 0) - ROOT_OF_BIAS;
}

/* X, Y and B - Y, each moved and stretched to lie within 0 and 1. */
FAST static void xyb_row(float *const in[CHANNELS], uint32_t w, float *restrict ox, float *restrict oy,
                         float *restrict ob)
{
    static const float l[3] = {0.3f, 0.622f, 0.078f}, m[3] = {0.23f, 0.692f, 0.078f},
                       s[3] = {0.24342268924547819f, 0.20476744424496821f, 0.5518098665095536f};
    const float *restrict r = in[0], *restrict g = in[1], *restrict b = in[2];
    for (uint32_t x = 0; x < w; x++) {
        float rl = absorbed(r[x], g[x], b[x], l), rm = absorbed(r[x], g[x], b[x], m);
        float y = 0.5f * (rl + rm);
        ox[x] = 0.5f * (rl - rm) * 14.0f + 0.42f;
        oy[x] = y + 0.01f;
        ob[x] = absorbed(r[x], g[x], b[x], s) - y + 0.55f;
    }
}

/* ---- blur ---- */

FAST static void products(const float *restrict a, const float *restrict b, size_t n, float *restrict squares,
                          float *restrict difference)
{
    for (size_t x = 0; x < n; x++) {
        squares[x] = a[x] * a[x] + b[x] * b[x];
        difference[x] = (a[x] - b[x]) * (a[x] - b[x]);
    }
}

/* in and out point at the first pixel; REACH zeros lie on both sides of the row. */
FAST static void blur_along(const float *restrict in, uint32_t w, float *restrict out)
{
    for (uint32_t x = 0; x < w; x++) {
        const float *p = in + x;
        out[x] = taps[0] * p[0] + taps[1] * (p[-1] + p[1]) + taps[2] * (p[-2] + p[2]) +
                 taps[3] * (p[-3] + p[3]) + taps[4] * (p[-4] + p[4]);
    }
}

FAST static void blur_across(const float *const rows[RING], uint32_t w, float *restrict out)
{
    const float *restrict m = rows[4], *restrict a1 = rows[3], *restrict b1 = rows[5], *restrict a2 = rows[2],
                          *restrict b2 = rows[6], *restrict a3 = rows[1], *restrict b3 = rows[7],
                          *restrict a4 = rows[0], *restrict b4 = rows[8];
    for (uint32_t x = 0; x < w; x++)
        out[x] = taps[0] * m[x] + taps[1] * (a1[x] + b1[x]) + taps[2] * (a2[x] + b2[x]) +
                 taps[3] * (a3[x] + b3[x]) + taps[4] * (a4[x] + b4[x]);
}

/* ---- maps ---- */

/* 1 - SSIM without the part that would weigh dark places more; never negative. */
FAST static void map_structure(float *const blurred[KINDS], uint32_t w, float *restrict out)
{
    const float *restrict ma = blurred[FIRST], *restrict mb = blurred[SECOND],
                          *restrict squares = blurred[SQUARES], *restrict difference = blurred[DIFFERENCE];
    for (uint32_t x = 0; x < w; x++) {
        float apart = (ma[x] - mb[x]) * (ma[x] - mb[x]);
        float spread = squares[x] - (ma[x] * ma[x] + mb[x] * mb[x]) + C2;
        float unlike = difference[x] - apart; /* both variances less twice the covariance */
        float d = (unlike + apart * (spread - unlike)) / spread;
        out[x] = d > 0 ? d : 0;
    }
}

FAST static void map_edges(const float *restrict a, const float *restrict b, float *const blurred[KINDS],
                           uint32_t w, float *restrict ringing, float *restrict blur)
{
    const float *restrict ma = blurred[FIRST], *restrict mb = blurred[SECOND];
    for (uint32_t x = 0; x < w; x++) {
        float ea = fabsf(a[x] - ma[x]), eb = fabsf(b[x] - mb[x]);
        float d = (eb - ea) / (1 + ea);
        ringing[x] = d > 0 ? d : 0;
        blur[x] = d < 0 ? -d : 0;
    }
}

/* sum[0]: of values, sum[1]: of their fourth powers. */
FAST static void add_row(const float *restrict v, uint32_t w, double sum[2])
{
    float one[LANES] = {0}, four[LANES] = {0};
    uint32_t x = 0;
    for (; x + LANES <= w; x += LANES) {
        for (unsigned i = 0; i < LANES; i++) {
            float d = v[x + i], square = d * d;
            one[i] += d;
            four[i] += square * square;
        }
    }
    for (unsigned i = 0; x < w; x++, i++) {
        float square = v[x] * v[x];
        one[i] += v[x];
        four[i] += square * square;
    }
    for (unsigned i = 0; i < LANES; i++) {
        sum[0] += (double)one[i];
        sum[1] += (double)four[i];
    }
}

/* ---- one scale ---- */

static float *ring_row(const struct compare *c, uint32_t y, unsigned channel, unsigned kind)
{
    return c->ring + (((size_t)(y % RING) * CHANNELS + channel) * KINDS + kind) * c->at.stride + REACH;
}

static float *colour_row(const struct compare *c, uint32_t y, unsigned channel, unsigned side)
{
    return c->colour + (((size_t)(y % RING) * CHANNELS + channel) * 2 + side) * c->at.stride + REACH;
}

static float *spare_row(const struct compare *c, unsigned i)
{
    return c->spare + i * c->at.stride + REACH;
}

/* Row y comes in: into the next scale, and blurred along into the ring. */
static void enter_row(struct compare *c, uint32_t y)
{
    uint32_t w = c->at.width;
    for (unsigned s = 0; s < 2; s++) {
        float *row[CHANNELS];
        linear_row(c, &c->side[s], y, row);
        if (c->halve)
            feed_next(c, &c->side[s], y, row);
        xyb_row(row, w, colour_row(c, y, 0, s), colour_row(c, y, 1, s), colour_row(c, y, 2, s));
    }
    for (unsigned k = 0; k < CHANNELS; k++) {
        const float *a = colour_row(c, y, k, 0), *b = colour_row(c, y, k, 1);
        float *squares = spare_row(c, SQUARES), *difference = spare_row(c, DIFFERENCE);
        products(a, b, w, squares, difference);
        blur_along(a, w, ring_row(c, y, k, FIRST));
        blur_along(b, w, ring_row(c, y, k, SECOND));
        blur_along(squares, w, ring_row(c, y, k, SQUARES));
        blur_along(difference, w, ring_row(c, y, k, DIFFERENCE));
    }
}

/* All that row y needs is in the ring: it is judged. */
static void judge_row(struct compare *c, uint32_t y)
{
    uint32_t w = c->at.width;
    for (unsigned k = 0; k < CHANNELS; k++) {
        float *blurred[KINDS], *map[MAPS];
        for (unsigned kind = 0; kind < KINDS; kind++) {
            const float *rows[RING];
            for (uint32_t i = 0; i < RING; i++) {
                bool there = y + i >= REACH && y + i - REACH < c->at.height;
                rows[i] = there ? ring_row(c, y + i - REACH, k, kind) : c->zero;
            }
            blurred[kind] = spare_row(c, kind);
            blur_across(rows, w, blurred[kind]);
        }
        for (unsigned m = 0; m < MAPS; m++)
            map[m] = spare_row(c, KINDS + m);
        map_structure(blurred, w, map[STRUCTURE]);
        map_edges(colour_row(c, y, k, 0), colour_row(c, y, k, 1), blurred, w, map[RINGING], map[BLUR]);
        for (unsigned m = 0; m < MAPS; m++) {
            double sum[2] = {c->sums[k][0][m], c->sums[k][1][m]};
            add_row(map[m], w, sum);
            c->sums[k][0][m] = sum[0];
            c->sums[k][1][m] = sum[1];
        }
    }
}

/* Sets sums to the norms of this scale. The ring is laid out for its width; what lies beside rows is 0. */
static void judge_scale(struct compare *c)
{
    double n = (double)c->at.width * c->at.height;
    memset(c->sums, 0, sizeof(c->sums));
    memset(c->spare, 0, ((size_t)KINDS + MAPS) * c->at.stride * sizeof(float));
    memset(c->colour, 0, (size_t)RING * CHANNELS * 2 * c->at.stride * sizeof(float));
    for (uint32_t y = 0; y < c->at.height + REACH; y++) {
        if (y < c->at.height)
            enter_row(c, y);
        if (y >= REACH)
            judge_row(c, y - REACH);
    }
    for (unsigned k = 0; k < CHANNELS; k++) {
        for (unsigned m = 0; m < MAPS; m++) {
            c->sums[k][0][m] /= n;
            c->sums[k][1][m] = sqrt(sqrt(c->sums[k][1][m] / n));
        }
    }
}

/* ---- the whole ---- */

static size_t stride_of(uint32_t width)
{
    return ((size_t)width + 2 * REACH + LANES - 1) / LANES * LANES;
}

static size_t halved(const struct scale *s, unsigned times)
{
    size_t w = s->width, h = s->height;
    for (; times > 0; times--) {
        w = (w + 1) / 2;
        h = (h + 1) / 2;
    }
    return w * h;
}

/* All memory of a comparison, for the first scale; later ones need less. */
static bool compare_new(struct compare *c)
{
    size_t stride = stride_of(c->at.width), lines = (size_t)2 * CHANNELS * c->at.width;
    size_t areas[2] = {CHANNELS * halved(&c->at, 1), CHANNELS * halved(&c->at, 2)};
    size_t rows = 1 + RING * CHANNELS * (KINDS + 2) + KINDS + MAPS;
    c->block = alb_mem_calloc(rows * stride + 2 * (lines + areas[0] + areas[1]), sizeof(float));
    if (!c->block)
        return false;
    float *p = c->block;
    c->zero = p;
    c->ring = p + stride;
    c->colour = c->ring + RING * CHANNELS * KINDS * stride;
    c->spare = c->colour + RING * CHANNELS * 2 * stride;
    p += rows * stride;
    for (unsigned s = 0; s < 2; s++) {
        struct picture *side = &c->side[s];
        side->lines = p;
        side->area[0] = p + lines;
        side->area[1] = side->area[0] + areas[0];
        p += lines + areas[0] + areas[1];
    }
    return true;
}

/* Says where the rows of the scale behind this one go. */
static void place_next(struct compare *c, unsigned scale)
{
    for (unsigned s = 0; s < 2; s++) {
        for (unsigned k = 0; k < CHANNELS; k++)
            c->side[s].next[k] = c->side[s].area[scale % 2] + k * halved(&c->at, 1);
    }
}

static void step_down(struct compare *c)
{
    for (unsigned s = 0; s < 2; s++)
        memcpy(c->side[s].plane, c->side[s].next, sizeof(c->side[s].plane));
    c->at.width = (c->at.width + 1) / 2;
    c->at.height = (c->at.height + 1) / 2;
    c->at.stride = stride_of(c->at.width);
}

/* The weighted sum becomes a score. */
static double bend(double sum)
{
    sum *= 0.9562382616834844;
    sum =
        2.326765642916932 * sum - 0.020884521182843837 * sum * sum + 6.248496625763138e-05 * sum * sum * sum;
    return sum > 0 ? 100 - 10 * pow(sum, 0.6276336467831387) : 100;
}

/* The score over one ground. Where there are fewer scales, the weights go to what there is in turn, as in the
 * program. */
static double compare(struct compare *c)
{
    double norms[CHANNELS][SCALES][2][MAPS], sum = 0;
    unsigned scales = 0;
    for (bool more = true; more; scales++) {
        c->halve = scales + 1 < SCALES && c->at.width >= SIDE_MIN && c->at.height >= SIDE_MIN;
        place_next(c, scales);
        judge_scale(c);
        for (unsigned k = 0; k < CHANNELS; k++)
            memcpy(norms[k][scales], c->sums[k], sizeof(c->sums[k]));
        more = c->halve;
        step_down(c);
    }
    const double *weight = weights;
    for (unsigned k = 0; k < CHANNELS; k++) {
        for (unsigned i = 0; i < scales * 2 * MAPS; i++)
            sum += *weight++ * norms[k][i / (2 * MAPS)][i / MAPS % 2][i % MAPS];
    }
    return bend(sum);
}

bool alb_score_ssimulacra2(const uint8_t *a, const uint8_t *b, uint32_t width, uint32_t height,
                           unsigned bands, double *score)
{
    struct compare c = {.at = {width, height, stride_of(width)}};
    bool alpha = bands == 2 || bands == 4;
    *score = 0;
    if (!compare_new(&c))
        return false;
    for (int i = 0; i < 256; i++)
        c.table[i] = linear_of((float)i / 255.0f);
    for (int turn = 0; turn < (alpha ? 2 : 1); turn++) {
        c.at = (struct scale){width, height, stride_of(width)};
        for (unsigned s = 0; s < 2; s++) {
            c.side[s].px = s == 0 ? a : b;
            c.side[s].bands = bands;
            c.side[s].ground = turn == 0 ? GROUND_DARK : GROUND_BRIGHT;
            c.side[s].plane[0] = NULL;
        }
        double got = compare(&c);
        *score = turn == 0 || got < *score ? got : *score;
    }
    alb_mem_free(c.block);
    return true;
}
