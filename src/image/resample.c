/* SPDX-License-Identifier: Apache-2.0
 *
 * Source rows come in order, are made float and kept in a ring that holds as many rows as one result row is
 * made of. A result row is their weighted sum (plain loops over long rows, the cheap direction: so first),
 * and then shortened (a pixel is one vector of 4, of which 1 or 3 are used). Weights of one result pixel sum
 * to 1; at the edges the outermost source pixels are repeated by adding their weights to them. Built with
 * -O3: the plain loops are written to be made vectors of.
 */
#include "image/resample.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "image/protocol.h"

#define LOBES 3.0
#define PI 3.14159265358979323846

/* The compiler makes a version for newer processors beside the plain one. Sanitizers cannot follow the
 * switch. */
#if defined(__x86_64__) && !ALB_SANITIZED && !defined(__clang__)
#define FAST __attribute__((target_clones("avx2", "default")))
#else
#define FAST
#endif

typedef float pixel __attribute__((vector_size(16)));

/* For each result position: the first source position, how many, and their weights. */
struct taps {
    uint32_t *first, *count;
    float *weight; /* `most` for each */
    uint32_t most;
};

static double kernel(double x)
{
    if (fabs(x) < 1e-8)
        return 1;
    if (fabs(x) >= LOBES)
        return 0;
    return LOBES * sin(PI * x) * sin(PI * x / LOBES) / (PI * PI * x * x);
}

static void taps_free(struct taps *t)
{
    alb_mem_free(t->first);
    alb_mem_free(t->count);
    alb_mem_free(t->weight);
}

static void fill(struct taps *t, uint32_t i, double centre, double scale, uint32_t in)
{
    float *w = t->weight + (size_t)i * t->most;
    int64_t from = (int64_t)floor(centre - LOBES * scale + 0.5),
            to = (int64_t)floor(centre + LOBES * scale + 0.5);
    int64_t first = from<0 ? 0 : from, last = to>(int64_t) in ? (int64_t)in : to;
    double sum = 0;
    t->first[i] = (uint32_t)first;
    t->count[i] = (uint32_t)(last - first);
    for (int64_t k = from; k < to; k++) {
        int64_t at = k < first ? first : k >= last ? last - 1 : k;
        double v = kernel(((double)k + 0.5 - centre) / scale);
        w[at - first] += (float)v;
        sum += v;
    }
    for (uint32_t k = 0; k < t->count[i]; k++)
        w[k] = (float)((double)w[k] / sum);
}

static bool taps_make(struct taps *t, uint32_t in, uint32_t out)
{
    double ratio = (double)in / out, scale = ratio > 1 ? ratio : 1;
    t->most = (uint32_t)ceil(2 * LOBES * scale) + 2;
    t->first = alb_mem_calloc(out, sizeof(*t->first));
    t->count = alb_mem_calloc(out, sizeof(*t->count));
    t->weight = alb_mem_calloc((size_t)out * t->most, sizeof(*t->weight));
    if (!t->first || !t->count || !t->weight)
        return false;
    for (uint32_t i = 0; i < out; i++)
        fill(t, i, (i + 0.5) * ratio, scale, in);
    return true;
}

FAST static void to_floats(const uint8_t *restrict in, size_t n, float *restrict out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = in[i];
}

/* One row, from `row` to out_width pixels (both with room for a whole vector at the last pixel). Four sums at
 * a time, so that no addition waits for the one before it. */
FAST static void shorten(const float *row, unsigned bands, const struct taps *t, uint32_t out_width,
                         float *out)
{
    for (uint32_t i = 0; i < out_width; i++, out += bands) {
        const float *p = row + (size_t)t->first[i] * bands, *w = t->weight + (size_t)i * t->most;
        pixel sum[4] = {{0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}}, v;
        uint32_t k = 0, n = t->count[i];
        for (; n - k >= 4; k += 4) {
            for (uint32_t m = 0; m < 4; m++, p += bands) {
                memcpy(&v, p, sizeof(v));
                sum[m] += v * w[k + m];
            }
        }
        for (; k < n; k++, p += bands) {
            memcpy(&v, p, sizeof(v));
            sum[0] += v * w[k];
        }
        v = (sum[0] + sum[1]) + (sum[2] + sum[3]);
        memcpy(out, &v, sizeof(v)); /* the next pixel writes over what is too much */
    }
}

/* sum = the first two rows, weighted; later ones are added two by two. */
FAST static void add_rows(const float *restrict a, float wa, const float *restrict b, float wb, size_t n,
                          bool first, float *restrict sum)
{
    if (first) {
        for (size_t i = 0; i < n; i++)
            sum[i] = a[i] * wa + b[i] * wb;
    } else {
        for (size_t i = 0; i < n; i++)
            sum[i] += a[i] * wa + b[i] * wb;
    }
}

FAST static void to_bytes(const float *restrict in, size_t n, uint8_t *restrict out)
{
    for (size_t i = 0; i < n; i++) {
        float v = in[i] + 0.5f;
        v = v < 0 ? 0 : v;
        v = v > 255 ? 255 : v;
        out[i] = (uint8_t)(int)v;
    }
}

struct work {
    const uint8_t *in;
    uint32_t width, height;
    unsigned bands;
    uint32_t out_width;
    size_t row;    /* samples of a source row */
    float *ring;   /* down.most source rows; row y is at y % down.most */
    float *sum;    /* what a result row is made of, still wide; with room for a vector at its last pixel */
    float *narrow; /* one result row, with such room too */
    uint32_t next; /* source row that comes next */
    struct taps across, down;
};

static void make_row(struct work *w, uint32_t y, uint8_t *out)
{
    uint32_t first = w->down.first[y], end = first + w->down.count[y];
    const float *weight = w->down.weight + (size_t)y * w->down.most;
    for (; w->next < end; w->next++)
        to_floats(w->in + w->next * w->row, w->row, w->ring + w->next % w->down.most * w->row);
    for (uint32_t k = first; k < end; k += 2) {
        uint32_t pair = k + 1 < end ? k + 1 : k; /* an odd one out: itself again, without weight */
        add_rows(w->ring + k % w->down.most * w->row, weight[k - first],
                 w->ring + pair % w->down.most * w->row, pair > k ? weight[pair - first] : 0, w->row,
                 k == first, w->sum);
    }
    shorten(w->sum, w->bands, &w->across, w->out_width, w->narrow);
    to_bytes(w->narrow, (size_t)w->out_width * w->bands, out);
}

bool alb_resample(const uint8_t *in, uint32_t width, uint32_t height, unsigned bands, uint8_t *out,
                  uint32_t out_width, uint32_t out_height)
{
    struct work w = {.in = in, .width = width, .height = height, .bands = bands, .out_width = out_width};
    size_t out_row = (size_t)out_width * bands;
    w.row = (size_t)width * bands;
    bool ok = taps_make(&w.across, width, out_width) && taps_make(&w.down, height, out_height);
    if (ok) {
        w.ring = alb_mem_calloc(w.down.most, w.row * sizeof(float));
        w.sum = alb_mem_calloc(w.row + 4, sizeof(float));
        w.narrow = alb_mem_calloc(out_row + 4, sizeof(float));
        ok = w.ring && w.sum && w.narrow;
    }
    for (uint32_t y = 0; ok && y < out_height; y++)
        make_row(&w, y, out + (size_t)y * out_row);
    alb_mem_free(w.ring);
    alb_mem_free(w.sum);
    alb_mem_free(w.narrow);
    taps_free(&w.across);
    taps_free(&w.down);
    return ok;
}
