/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights of one axis. Lanczos needs one cosine per weight, and those of neighbours are a fixed angle apart: a rotation
 * (two multiplications each) gives the next one, a series the first. Nothing here may be contracted or come from libm,
 * so that every machine finds the same weights.
 */
#include "image/express/resize_priv.h"

#include <string.h>

#include "base/check.h"

#define TURN 6.283185307179586476925286766559 /* two pi */
#define PI_SQUARED 9.869604401089358618834490999876

void *alb_cut(struct alb_cutter *c, size_t count, size_t size)
{
    size_t at = c->used;
    c->used += (count * size + (ALB_SCRATCH_ALIGN - 1)) & ~(size_t)(ALB_SCRATCH_ALIGN - 1);
    return c->block ? c->block + at : NULL;
}

static double lobes(enum alb_kernel kernel)
{
    static const double support[ALB_KERNEL_COUNT] = {
        [ALB_KERNEL_LANCZOS3] = 3, [ALB_KERNEL_NEAREST] = 0.5, [ALB_KERNEL_LINEAR] = 1,
        [ALB_KERNEL_CUBIC] = 2,    [ALB_KERNEL_LANCZOS2] = 2,
    };
    return support[kernel];
}

static double step_of(const struct alb_axis *a)
{
    return a->span / a->out;
}

/* How wide the kernel is: 1 when enlarging. */
static double scale_of(const struct alb_axis *a)
{
    double step = step_of(a);
    step = step < 0 ? -step : step;
    return step > 1 ? step : 1;
}

static double floor_of(double v) /* |v| < 2^31 */
{
    double whole = (double)(int64_t)v;
    return whole > v ? whole - 1 : whole;
}

/* Whole numbers within an open interval as wide as the kernel. */
static uint32_t width_of(const struct alb_axis *a, enum alb_kernel kernel)
{
    return (uint32_t)-floor_of(-2 * lobes(kernel) * scale_of(a));
}

uint32_t alb_taps_most(const struct alb_axis *a, enum alb_kernel kernel)
{
    uint32_t n = width_of(a, kernel);
    return n < a->in ? n : a->in;
}

uint32_t alb_taps_nearest(const struct alb_axis *a, uint32_t i)
{
    double at = floor_of(a->from + (i + 0.5) * step_of(a));
    return at < 0 ? 0 : at >= a->in ? a->in - 1 : (uint32_t)at;
}

void alb_taps_cut(struct alb_taps *t, struct alb_cutter *c, const struct alb_axis *a, enum alb_kernel kernel,
                  bool down)
{
    uint32_t most = alb_taps_most(a, kernel);
    t->out = a->out;
    if (down)
        t->lanes = (most + 2) & ~1u; /* the first may be the lower one of its pair */
    else
        t->lanes = most <= 8 ? 8 : (most + 15) & ~15u;
    t->first = alb_cut(c, t->out, sizeof(*t->first));
    t->pairs = down ? alb_cut(c, t->out, sizeof(*t->pairs)) : NULL;
    t->weight = alb_cut(c, ((size_t)t->out + 7) / 8 * 8 * t->lanes, sizeof(*t->weight)); /* read in eights */
}

/* ---- kernels ---- */

struct angle {
    double cosine, sine;
};

/* t in turns. Series at an eighth of the angle (below 1e-17 after x^12 there), doubled three times. */
static struct angle angle_of(double t)
{
    double x = (t - floor_of(t + 0.5)) * (TURN / 8), q = x * x;
    double s =
        x * (1 + q * (-1.0 / 6 + q * (1.0 / 120 + q * (-1.0 / 5040 + q * (1.0 / 362880 - q / 39916800)))));
    double c = 1 + q * (-1.0 / 2 + q * (1.0 / 24 + q * (-1.0 / 720 + q * (1.0 / 40320 - q / 3628800))));
    for (int i = 0; i < 3; i++) {
        double twice = 2 * s * c;
        c = 1 - 2 * s * s;
        s = twice;
    }
    return (struct angle){c, s};
}

static double cubic(double x) /* Catmull-Rom */
{
    x = x < 0 ? -x : x;
    if (x >= 2)
        return 0;
    return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : ((-0.5 * x + 2.5) * x - 4) * x + 2;
}

static double linear(double x)
{
    x = x < 0 ? -x : x;
    return x >= 1 ? 0 : 1 - x;
}

/* n values of the kernel at x, x + step, ... */
static void sample(enum alb_kernel kernel, double x, double step, uint32_t n, double *w)
{
    double end = lobes(kernel), turns = kernel == ALB_KERNEL_LANCZOS3 ? 3 : 4;
    bool wave = kernel == ALB_KERNEL_LANCZOS3 || kernel == ALB_KERNEL_LANCZOS2;
    struct angle at = {1, 0}, by = {1, 0};
    if (wave) {
        at = angle_of(x / turns);
        by = angle_of(step / turns);
    }
    for (uint32_t k = 0; k < n; k++) {
        double v = x + k * step, u = at.cosine;
        if (!wave)
            w[k] = kernel == ALB_KERNEL_CUBIC ? cubic(v) : linear(v);
        else if (v <= -end || v >= end)
            w[k] = 0;
        else if (v > -1e-4 && v < 1e-4)
            w[k] = 1;
        else if (kernel ==
                 ALB_KERNEL_LANCZOS3) /* 3 sin(pi v) sin(pi v / 3) / (pi v)^2, u = cos(2 pi v / 3) */
            w[k] = 1.5 * (1 - u) * (1 + 2 * u) / (PI_SQUARED * v * v);
        else /* 2 sin(pi v) sin(pi v / 2) / (pi v)^2, u = cos(pi v / 2) */
            w[k] = 4 * (1 - u * u) * u / (PI_SQUARED * v * v);
        at = (struct angle){u * by.cosine - at.sine * by.sine, at.sine * by.cosine + u * by.sine};
    }
}

/* ---- one result ---- */

/* Values of the kernel folded onto samples that exist; returns how many, *first the first one. Their sum is *sum. */
static uint32_t values(const struct alb_axis *a, enum alb_kernel kernel, uint32_t i, double *w,
                       uint32_t *first, double *sum)
{
    double scale = scale_of(a), reach = lobes(kernel) * scale, centre = a->from + (i + 0.5) * step_of(a);
    int64_t from = (int64_t)floor_of(centre - reach - 0.5) + 1,
            last = a->in - 1;                                 /* from + 0.5 > centre - reach */
    int64_t to = (int64_t)-floor_of(-(centre + reach - 0.5)); /* to - 0.5 < centre + reach */
    if (to - from > width_of(a, kernel))
        to--; /* found by rounding; of no weight */
    int64_t low = from < 0 ? 0 : from > last ? last : from, high = to > last + 1 ? last + 1 : to < 1 ? 1 : to;
    uint32_t n = high > low ? (uint32_t)(high - low) : 1;
    double part[64], before = 0, behind = 0;
    *sum = 0;
    memset(w, 0, n * sizeof(*w));
    for (int64_t k = from; k < to; k += 64) {
        uint32_t some = to - k < 64 ? (uint32_t)(to - k) : 64;
        sample(kernel, ((double)k + 0.5 - centre) / scale, 1 / scale, some, part);
        for (uint32_t j = 0; j < some; j++) {
            int64_t at = k + j;
            *sum += part[j];
            if (at < low)
                before += part[j];
            else if (at >= high)
                behind += part[j];
            else
                w[at - low] += part[j];
        }
    }
    w[0] += before;
    w[n - 1] += behind;
    *first = (uint32_t)low;
    return n;
}

/* To whole numbers that sum to 2^bits: each takes over what rounding took from the one before it. False if one is too
 * large for int16. */
static bool round_weights(const double *w, uint32_t n, double sum, uint32_t bits, int16_t *out)
{
    double factor = (double)(1 << bits) / sum, left = 0;
    for (uint32_t k = 0; k < n; k++) {
        double v = w[k] * factor + left, whole = floor_of(v + 0.5);
        if (whole > INT16_MAX || whole < -INT16_MAX)
            return false;
        left = v - whole;
        out[k] = (int16_t)whole;
    }
    return true;
}

static bool fill(struct alb_taps *t, const struct alb_axis *a, enum alb_kernel kernel, double *work)
{
    for (uint32_t i = 0; i < t->out; i++) {
        int16_t *w = t->weight + (size_t)i * t->lanes;
        double sum;
        uint32_t n = values(a, kernel, i, work, &t->first[i], &sum), lead = 0;
        if (t->pairs) {
            lead = t->first[i] & 1;
            t->first[i] -= lead;
            t->pairs[i] = (lead + n + 1) / 2;
        }
        memset(w, 0, t->lanes * sizeof(*w));
        if (!round_weights(work, n, sum, t->bits, w + lead))
            return false;
    }
    return true;
}

void alb_taps_fill(struct alb_taps *t, const struct alb_axis *a, enum alb_kernel kernel, double *work)
{
    t->bits = 15;
    if (fill(t, a, kernel, work))
        return;
    t->bits = 14;
    bool fits = fill(t, a, kernel, work); /* no kernel has values above 2 of its sum */
    ALB_CHECK(fits);
}
