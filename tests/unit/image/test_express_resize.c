/* SPDX-License-Identifier: Apache-2.0
 *
 * The resizer against its definition in double precision, with libm, no rings and no rounding, over random sizes,
 * ratios, places, kernels and layouts; every path against every other, to the byte; and its memory.
 */
#include <math.h>

#include "image/express/resize_priv.h"
#include "test.h"

#define PI 3.14159265358979323846
#define SIDE 96 /* of pictures here, at most */

static uint32_t seed = 20261121;

static uint32_t dice(uint32_t n)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(seed >> 8) * n >> 24);
}

static double chance(void)
{
    return dice(1 << 20) / (double)(1 << 20);
}

/* ---- the definition ---- */

static double wave(double x, double lobes)
{
    if (fabs(x) < 1e-12)
        return 1;
    return fabs(x) >= lobes ? 0 : lobes * sin(PI * x) * sin(PI * x / lobes) / (PI * PI * x * x);
}

static double kernel_at(enum alb_kernel k, double x)
{
    double a = fabs(x);
    if (k == ALB_KERNEL_LANCZOS3)
        return wave(x, 3);
    if (k == ALB_KERNEL_LANCZOS2)
        return wave(x, 2);
    if (k == ALB_KERNEL_LINEAR)
        return a < 1 ? 1 - a : 0;
    if (a < 1)
        return 1.5 * a * a * a - 2.5 * a * a + 1;
    return a < 2 ? -0.5 * a * a * a + 2.5 * a * a - 4 * a + 2 : 0;
}

/* weights[source] of result i */
static void weigh(const struct alb_axis *a, enum alb_kernel k, uint32_t i, double *weights)
{
    double step = a->span / a->out, scale = fabs(step) > 1 ? fabs(step) : 1,
           centre = a->from + (i + 0.5) * step;
    double reach = 3 * scale, sum = 0;
    memset(weights, 0, a->in * sizeof(*weights));
    if (k == ALB_KERNEL_NEAREST) {
        double at = floor(centre);
        weights[at < 0 ? 0 : at >= a->in ? a->in - 1 : (uint32_t)at] = 1;
        return;
    }
    for (int64_t s = (int64_t)floor(centre - reach) - 1; s <= (int64_t)ceil(centre + reach); s++) {
        double w = kernel_at(k, ((double)s + 0.5 - centre) / scale);
        weights[s < 0 ? 0 : s >= a->in ? a->in - 1 : s] += w;
        sum += w;
    }
    for (uint32_t s = 0; s < a->in; s++)
        weights[s] /= sum;
}

static double to_linear(double v)
{
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double to_encoded(double v)
{
    return v <= 0.0031308 ? v * 12.92 : 1.055 * pow(v, 1 / 2.4) - 0.055;
}

static double within(double v, double least, double most)
{
    return v < least ? least : v > most ? most : v;
}

/* ---- a picture ---- */

struct world {
    struct alb_resize_ask ask;
    size_t row_in, row_out;              /* bytes */
    uint8_t *in, *out[ALB_RESIZE_PATHS]; /* rows with slack behind the last */
    double *wanted, *alpha;
};

static unsigned get(const uint8_t *p, unsigned bits, size_t i)
{
    return bits == 8 ? p[i] : ((const uint16_t *)(const void *)p)[i];
}

static void fill_source(struct world *w)
{
    const struct alb_resize_ask *a = &w->ask;
    size_t n = (size_t)a->x.in * a->y.in * a->samples;
    uint32_t kind = dice(4), most = (1u << a->bits_in) - 1, base = dice(most + 1);
    for (size_t i = 0; i < n; i++) {
        uint32_t x = (uint32_t)(i / a->samples % a->x.in), v = dice(most + 1);
        if (kind == 1)
            v = v & 1 ? most : 0; /* the hardest edges */
        else if (kind == 2)
            v = (x * 7 + base) & most;
        else if (kind == 3)
            v = (base + v / 16) & most;
        if (a->bits_in == 8)
            w->in[i] = (uint8_t)v;
        else
            ((uint16_t *)(void *)w->in)[i] = (uint16_t)v;
    }
}

static void world_make(struct world *w, const struct alb_resize_ask *ask)
{
    memset(w, 0, sizeof(*w));
    w->ask = *ask;
    w->row_in = (size_t)ask->x.in * ask->samples * (ask->bits_in > 8 ? 2 : 1);
    w->row_out = (size_t)ask->x.out * ask->samples * (ask->bits_out > 8 ? 2 : 1);
    w->in = alb_mem_alloc_nofail(w->row_in * ask->y.in + ALB_ROW_SLACK);
    memset(w->in, 0xa5, w->row_in * ask->y.in + ALB_ROW_SLACK);
    fill_source(w);
}

static void world_drop(struct world *w)
{
    alb_mem_free(w->in);
    alb_mem_free(w->wanted);
    alb_mem_free(w->alpha);
    for (int p = 0; p < ALB_RESIZE_PATHS; p++)
        alb_mem_free(w->out[p]);
}

/* A source sample as it is mixed, 0..1. */
static double mixed(const struct world *w, uint32_t x, uint32_t y, unsigned c)
{
    const struct alb_resize_ask *a = &w->ask;
    double most = (1u << a->bits_in) - 1;
    size_t at = ((size_t)y * a->x.in + x) * a->samples;
    double v = get(w->in, a->bits_in, at + c) / most;
    if (a->alpha && c == a->samples - 1)
        return v;
    v = a->linear ? to_linear(v) : v;
    return a->alpha ? v * get(w->in, a->bits_in, at + a->samples - 1) / most : v;
}

/* All results of one sample, 0..1 and what overshoots. */
static double *resized(const struct world *w, unsigned c)
{
    const struct alb_axis *x = &w->ask.x, *y = &w->ask.y;
    double *middle = alb_mem_alloc_nofail(sizeof(double) * x->in * y->out), weights[SIDE * 8];
    double *out = alb_mem_alloc_nofail(sizeof(double) * x->out * y->out);
    for (uint32_t j = 0; j < y->out; j++) {
        weigh(y, w->ask.kernel, j, weights);
        for (uint32_t i = 0; i < x->in; i++) {
            double sum = 0;
            for (uint32_t s = 0; s < y->in; s++)
                sum += weights[s] > 0 || weights[s] < 0 ? weights[s] * mixed(w, i, s, c) : 0;
            middle[(size_t)j * x->in + i] = sum;
        }
    }
    for (uint32_t i = 0; i < x->out; i++) {
        weigh(x, w->ask.kernel, i, weights);
        for (uint32_t j = 0; j < y->out; j++) {
            double sum = 0;
            for (uint32_t s = 0; s < x->in; s++)
                sum += weights[s] * middle[(size_t)j * x->in + s];
            out[(size_t)j * x->out + i] = sum;
        }
    }
    alb_mem_free(middle);
    return out;
}

/* What is wanted, in steps of the result. */
static void define(struct world *w)
{
    const struct alb_resize_ask *a = &w->ask;
    size_t n = (size_t)a->x.out * a->y.out;
    double most = (1u << a->bits_out) - 1;
    w->wanted = alb_mem_alloc_nofail(n * a->samples * sizeof(double));
    if (a->alpha)
        w->alpha = resized(w, a->samples - 1);
    for (unsigned c = 0; c < a->samples; c++) {
        double *v = resized(w, c);
        bool colour = !a->alpha || c < a->samples - 1;
        for (size_t i = 0; i < n; i++) {
            double t = within(v[i], 0, 1);
            if (a->alpha && colour)
                t = t <= 0 ? 0 : within(t / within(w->alpha[i], 1e-9, 1), 0, 1);
            if (colour && a->linear)
                t = to_encoded(t);
            w->wanted[i * a->samples + c] = within(t * most * (double)a->gain + (double)a->bias, 0, most);
        }
        alb_mem_free(v);
    }
}

static void run(struct world *w, enum alb_resize_path path)
{
    const struct alb_resize_ask *a = &w->ask;
    size_t bytes = alb_resize_memory(a), all = w->row_out * a->y.out + ALB_ROW_SLACK;
    assert_true(bytes > 0 && bytes % ALB_SCRATCH_ALIGN == 0);
    uint8_t *block = alb_mem_alloc_nofail(bytes + ALB_SCRATCH_ALIGN), *put = alb_mem_alloc_nofail(all);
    uint8_t *row = alb_mem_alloc_nofail(w->row_in + ALB_ROW_SLACK);
    uintptr_t skew = (uintptr_t)block % ALB_SCRATCH_ALIGN;
    memset(block, (int)path * 31 + 7, bytes + ALB_SCRATCH_ALIGN); /* what lay there before is of no account */
    struct alb_resize *r = alb_resize_place(a, block + (skew ? ALB_SCRATCH_ALIGN - skew : 0), path);
    uint32_t first, end, made = 0;
    alb_resize_rows(r, &first, &end);
    assert_true(first < end && end <= a->y.in);
    for (uint32_t y = 0; y < a->y.in && !alb_resize_done(r); y++) {
        memcpy(row, w->in + y * w->row_in, w->row_in);
        memset(row + w->row_in, (int)(path * 55), ALB_ROW_SLACK);
        alb_resize_push(r, y < first || y >= end ? NULL : row);
        while (alb_resize_pull(r, put + made * w->row_out))
            made++;
    }
    assert_true(alb_resize_done(r));
    assert_int_equal(made, a->y.out);
    alb_mem_free(block);
    alb_mem_free(row);
    w->out[path] = put;
}

static void describe(const struct world *w, const char *what)
{
    const struct alb_resize_ask *a = &w->ask;
    print_message("# %s: x %u of %.9g+%.9g of %u, y %u of %.9g+%.9g of %u, %u samples%s, %u -> %u bits, "
                  "kernel %d%s, gain "
                  "%.9g + %.9g\n",
                  what, a->x.out, a->x.from, a->x.span, a->x.in, a->y.out, a->y.from, a->y.span, a->y.in,
                  a->samples, a->alpha ? " with alpha" : "", a->bits_in, a->bits_out, (int)a->kernel,
                  a->linear ? " linear" : "", (double)a->gain, (double)a->bias);
}

/* Largest errors seen, in steps of the result (above 8 bits: 1/65536 of the range). */
static double worst_plain, worst_linear, worst_deep, worst_alpha;

static double allowed(const struct world *w, size_t i)
{
    const struct alb_resize_ask *a = &w->ask;
    double deep = 24.0 * (1 << a->bits_out) / 65536, error = a->linear ? 0.8 : 0.6;
    if (a->bits_out > 8)
        error = 0.5 + (a->linear ? 8 : 1) * deep;
    error *= (double)a->gain > 1 ? (double)a->gain : 1;
    if (!a->alpha)
        return error;
    double alpha = within(w->alpha[i / a->samples], 0, 1);
    if (i % a->samples == a->samples - 1u)
        return error;
    return alpha < 0.01 ? 1e9 : 0.5 + (error - 0.5) * 2 / alpha;
}

static void note(const struct world *w, size_t i, double error)
{
    const struct alb_resize_ask *a = &w->ask;
    double *worst = a->alpha          ? &worst_alpha
                    : a->bits_out > 8 ? &worst_deep
                    : a->linear       ? &worst_linear
                                      : &worst_plain;
    if (a->alpha)
        error *= within(w->alpha[i / a->samples], 0, 1);
    if (a->bits_out > 8)
        error = error / (1 << a->bits_out) * 65536;
    if (error > *worst)
        *worst = error;
}

static void check(const struct alb_resize_ask *ask)
{
    struct world w;
    world_make(&w, ask);
    define(&w);
    run(&w, ALB_RESIZE_PLAIN);
    size_t n = (size_t)ask->x.out * ask->y.out * ask->samples;
    for (size_t i = 0; i < n; i++) {
        double error = fabs(get(w.out[ALB_RESIZE_PLAIN], ask->bits_out, i) - w.wanted[i]);
        if (error > allowed(&w, i)) {
            describe(&w, "error");
            fail_msg("at %zu: %u, not %f", i, get(w.out[ALB_RESIZE_PLAIN], ask->bits_out, i), w.wanted[i]);
        }
        if (allowed(&w, i) < 1e8)
            note(&w, i, error);
    }
    for (enum alb_resize_path p = ALB_RESIZE_BEST; p < ALB_RESIZE_PATHS; p++) {
        if (p == ALB_RESIZE_PLAIN || !alb_resize_path_works(p))
            continue;
        run(&w, p);
        if (memcmp(w.out[p], w.out[ALB_RESIZE_PLAIN], ask->y.out * w.row_out) != 0) {
            describe(&w, "paths");
            fail_msg("path %d differs", (int)p);
        }
    }
    world_drop(&w);
}

/* ---- tests ---- */

static struct alb_axis any_axis(bool mirror)
{
    struct alb_axis a = {.in = 1 + dice(SIDE), .out = 1 + dice(SIDE)};
    uint32_t how = dice(4);
    a.span = a.in;
    if (how == 1) { /* a part of it, anywhere */
        a.from = chance() * a.in * 0.8;
        a.span = 0.1 + chance() * (a.in - a.from);
    } else if (how == 2) { /* odd sizes of chroma and rounded scaling: a bit more or less */
        a.from = chance() - 0.5;
        a.span = a.in + chance() - 0.5;
    } else if (how == 3) { /* little shrinking */
        a.out = (uint32_t)(a.in / (1 + chance() * 2)) + 1;
    }
    if (mirror && dice(5) == 0) {
        a.from = a.from + a.span;
        a.span = -a.span;
    }
    return a;
}

static struct alb_resize_ask any_ask(void)
{
    static const uint8_t depths[] = {8, 8, 8, 10, 12, 16};
    struct alb_resize_ask a = {.x = any_axis(true), .y = any_axis(false), .samples = 1 + dice(4), .gain = 1};
    a.bits_in = depths[dice(6)];
    a.bits_out = dice(3) ? a.bits_in : depths[dice(6)];
    a.kernel = dice(2) ? ALB_KERNEL_LANCZOS3 : (enum alb_kernel)dice(ALB_KERNEL_COUNT);
    a.linear = dice(3) == 0;
    a.alpha = a.samples % 2 == 0 && dice(2);
    if (!a.alpha && dice(6) == 0) {
        a.gain = (float)(0.5 + chance());
        a.bias = (float)(chance() * 16);
    }
    return a;
}

static void test_random(void **state)
{
    (void)state;
    for (int i = 0; i < 700; i++) {
        struct alb_resize_ask a = any_ask();
        if (a.kernel !=
            ALB_KERNEL_NEAREST) /* the definition of which pixel is nearest hangs on the last bit */
            check(&a);
    }
    print_message("# worst errors: 8 bits %.3f, linear %.3f; of 65536: deep %.1f; times alpha %.2f\n",
                  worst_plain, worst_linear, worst_deep, worst_alpha);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
