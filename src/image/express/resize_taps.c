/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights of one axis. Nothing here may be contracted or come from libm,
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

/* Whole numbers within an open interval as wide as the kernel, and those beside them where they get a share. */
static uint32_t width_of(const struct alb_axis *a, enum alb_kernel kernel)
{
    return (uint32_t)-floor_of(-2 * lobes(kernel) * scale_of(a)) + (a->halved ? 2 : 0);
}

/* How many source samples a result may need at most. */
static uint32_t most_of(const struct alb_axis *a, enum alb_kernel kernel)
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
    uint32_t most = most_of(a, kernel);
    t->out = a->out;
    if (down)
        t->lanes = (most + 2) & ~1u; /* the first may be the lower one of its pair */
    else
        t->lanes = most <= 8 ? 8 : (most + 15) & ~15u;
    size_t eights = ((size_t)t->out + 7) / 8 * 8; /* which kernels take at a time */
    t->first = alb_cut(c, eights, sizeof(*t->first));
    t->pairs = down ? alb_cut(c, t->out, sizeof(*t->pairs)) : NULL;
    t->work = alb_cut(c, width_of(a, kernel) + 1, sizeof(*t->work));
    t->weight = alb_cut(c, eights * t->lanes, sizeof(*t->weight));
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

static double triangle(double x)
{
    x = x < 0 ? -x : x;
    return x >= 1 ? 0 : 1 - x;
}

typedef double two __attribute__((vector_size(16)));

/* n values of Lanczos from x on (one more may be written). It is made of one cosine, whose angle goes on by a fixed
 * turn: with u = cos(2 pi v / 3), 3 sin(pi v) sin(pi v / 3) / (pi v)^2 = 1.5 / pi^2 * (1 - u) (1 + 2 u) / v^2; with
 * u = cos(pi v / 2), 2 sin(pi v) sin(pi v / 2) / (pi v)^2 = 4 / pi^2 * (1 - u^2) u / v^2. The constants are left out:
 * only ratios count. Two values at a time. */
static void sample_waves(bool three, double x, double step, uint32_t n, double *w)
{
    double turns = three ? 3 : 4, centre = -x / step;
    struct angle a = angle_of(x / turns), by = angle_of(step / turns);
    two u = {a.cosine, a.cosine * by.cosine - a.sine * by.sine}, v = {x, x + step},
        next = {2 * step, 2 * step};
    two s = {a.sine, a.sine * by.cosine + a.cosine * by.sine};
    two c2 = {1 - 2 * by.sine * by.sine, 1 - 2 * by.sine * by.sine};
    two s2 = {2 * by.sine * by.cosine, 2 * by.sine * by.cosine};
    for (uint32_t k = 0; k < n; k += 2) {
        two value = three ? (1 - u) * (1 + 2 * u) / (v * v) : (1 - u * u) * u / (v * v), before = u;
        memcpy(w + k, &value, sizeof(value));
        u = u * c2 - s * s2;
        s = s * c2 + before * s2;
        v += next;
    }
    if (centre > -0.5 && centre < n - 0.5) { /* where v may be 0 */
        uint32_t k = (uint32_t)(centre + 0.5);
        double at = (k - centre) * step;
        if (at > -1e-4 && at < 1e-4)
            w[k] = PI_SQUARED / (three ? 1.5 : 4);
    }
}

/* ---- one result ---- */

/* The kernel after [-L, 1 + 2 L, -L]: together with the mean of two that made the samples it lets through what a result
 * can show, to 1 %, where the mean alone takes away up to 8 %. n values from w[1] on; those beside them come to be. */
static void lift(double *w, uint32_t n)
{
    double before = 0, here;
    w[0] = w[n + 1] = 0;
    for (uint32_t k = 0; k <= n; k++, before = here) {
        here = w[k];
        w[k] = here + ALB_RESIZE_LIFT * (2 * here - before - w[k + 1]);
    }
    w[n + 1] = -ALB_RESIZE_LIFT * before;
}

/* Running sums of the kernel's values on samples that exist (the first takes over what lies before it, the last one
 * what lies behind): *n of them, the first for sample *first. */
static const double *sums_of(const struct alb_axis *a, enum alb_kernel kernel, uint32_t i, double *w,
                             uint32_t *first, uint32_t *n)
{
    double scale = scale_of(a), reach = lobes(kernel) * scale, centre = a->from + (i + 0.5) * step_of(a),
           sum = 0;
    int64_t from = (int64_t)floor_of(centre - reach - 0.5) + 1,
            last = a->in - 1;                                 /* from + 0.5 > centre - reach */
    int64_t to = (int64_t)-floor_of(-(centre + reach - 0.5)); /* to - 0.5 < centre + reach */
    uint32_t all = (uint32_t)(to - from), beside = a->halved ? 1 : 0, most = width_of(a, kernel) - 2 * beside;
    all = all < most ? all : most; /* one more is found by rounding; of no weight */
    double x = ((double)from + 0.5 - centre) / scale, step = 1 / scale;
    if (kernel == ALB_KERNEL_LANCZOS3 || kernel == ALB_KERNEL_LANCZOS2)
        sample_waves(kernel == ALB_KERNEL_LANCZOS3, x, step, all, w + beside);
    else
        for (uint32_t k = 0; k < all; k++)
            w[k + beside] = kernel == ALB_KERNEL_CUBIC ? cubic(x + k * step) : triangle(x + k * step);
    if (a->halved)
        lift(w, all);
    from -= beside;
    all += 2 * beside;
    for (uint32_t k = 0; k < all; k++) {
        sum += w[k];
        w[k] = sum;
    }
    for (; all > 1 && from < 0; from++, all--)
        w++;
    for (; all > 1 && from + all - 1 > last; all--) {
    }
    w[all - 1] = sum;
    from = from < 0 ? 0 : from > last ? last : from;
    *first = (uint32_t)from;
    *n = all;
    return w;
}

/* To whole numbers that sum to 2^bits: rounded sums differ by them. False if one is too large for int16. */
static bool round_weights(const double *sums, uint32_t n, uint32_t bits, int16_t *out)
{
    const double magic =
        6755399441055744.0; /* 1.5 * 2^52: a number added to it is rounded, and lies in its low bits */
    double factor = (double)(1 << bits) / sums[n - 1];
    int32_t before = 0, excess = 0;
    for (uint32_t k = 0; k < n; k++) {
        double v = sums[k] * factor + magic;
        uint64_t bytes;
        memcpy(&bytes, &v, sizeof(bytes));
        int32_t sum = (int32_t)(uint32_t)bytes, weight = sum - before;
        before = sum;
        out[k] = (int16_t)weight;
        excess |= weight ^ out[k];
    }
    return excess == 0;
}

static bool fill(struct alb_taps *t, const struct alb_axis *a, enum alb_kernel kernel)
{
    for (uint32_t i = 0; i < t->out; i++) {
        int16_t *w = t->weight + (size_t)i * t->lanes;
        uint32_t n, lead = 0;
        const double *sums = sums_of(a, kernel, i, t->work, &t->first[i], &n);
        if (t->pairs) {
            lead = t->first[i] & 1;
            t->first[i] -= lead;
            t->pairs[i] = (lead + n + 1) / 2;
            w[0] = 0;
        }
        if (!round_weights(sums, n, t->bits, w + lead))
            return false;
        memset(w + lead + n, 0, (t->lanes - lead - n) * sizeof(*w));
    }
    for (uint32_t i = t->out; i % 8 != 0; i++)
        t->first[i] = 0; /* weights are of no account then */
    return true;
}

void alb_taps_fill(struct alb_taps *t, const struct alb_axis *a, enum alb_kernel kernel)
{
    t->bits = 15;
    if (fill(t, a, kernel))
        return;
    t->bits = 14;
    bool fits = fill(t, a, kernel); /* no kernel has values above 2 of its sum */
    ALB_CHECK(fits);
}
