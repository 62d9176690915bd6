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
    for (int64_t s = (int64_t)floor(centre - reach) - 2; s <= (int64_t)ceil(centre + reach) + 1; s++) {
        double at = (double)s + 0.5 - centre, w = kernel_at(k, at / scale);
        if (a->halved) /* what the halving took away */
            w += ALB_RESIZE_LIFT * (2 * w - kernel_at(k, (at - 1) / scale) - kernel_at(k, (at + 1) / scale));
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
    if (a->lit)
        return v;
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

/* A row of light as planes, which are no longer than they must be. */
static const void *split(const struct world *w, const uint8_t *row, int16_t *const *planes)
{
    for (size_t i = 0; i < (size_t)w->ask.x.in * w->ask.samples; i++)
        planes[i % w->ask.samples][i / w->ask.samples] = (int16_t)((int)get(row, 16, i) - 32768);
    return planes;
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
    int16_t *planes[4] = {NULL};
    for (unsigned c = 0; c < a->samples && a->lit; c++)
        planes[c] = alb_mem_alloc_nofail(a->x.in * sizeof(int16_t));
    alb_resize_rows(r, &first, &end);
    assert_true(first < end && end <= a->y.in);
    for (uint32_t y = 0; y < a->y.in && !alb_resize_done(r); y++) {
        memcpy(row, w->in + y * w->row_in, w->row_in);
        memset(row + w->row_in, (int)(path * 55), ALB_ROW_SLACK);
        const void *given = a->lit ? split(w, row, planes) : row;
        alb_resize_push(r, y < first || y >= end ? NULL : given);
        while (alb_resize_pull(r, put + made * w->row_out))
            made++;
    }
    assert_true(alb_resize_done(r));
    assert_int_equal(made, a->y.out);
    for (unsigned c = 0; c < 4; c++)
        alb_mem_free(planes[c]);
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

/* Largest errors seen, in 1/256 of the range (8 bits: steps), without half a step for the last rounding; of colours
 * under alpha, times alpha. */
static double worst[2][2][2]; /* alpha, linear, more than 8 bits */

/* What resize.h states. */
static double stated(const struct alb_resize_ask *a)
{
    bool strong = fabs(a->x.span) > 64.0 * a->x.out || a->y.span > 64.0 * a->y.out;
    return (a->linear ? 0.5 : 0.1) * (strong ? 4 : 1);
}

/* The same in steps of the result. */
static double allowed(const struct world *w, size_t i)
{
    const struct alb_resize_ask *a = &w->ask;
    double error = stated(a) * ((1 << a->bits_out) / 256.0) * ((double)a->gain > 1 ? (double)a->gain : 1);
    if (a->alpha && i % a->samples < a->samples - 1u) {
        double alpha = within(w->alpha[i / a->samples], 0, 1);
        error = alpha < 0.02 ? 1e9 : error / alpha; /* hardly there: anything */
    }
    return 0.5 + error;
}

static void note(const struct world *w, size_t i, double error)
{
    const struct alb_resize_ask *a = &w->ask;
    double *most = &worst[a->alpha][a->linear][a->bits_in > 8 || a->bits_out > 8];
    error = (error - 0.5) * 256 / (1 << a->bits_out);
    if (a->alpha && i % a->samples < a->samples - 1u)
        error *= within(w->alpha[i / a->samples], 0, 1);
    *most = error > *most ? error : *most;
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

#define GOLDEN_PICTURES 0x41a225b0208eede2
#define GOLDEN_LIGHT 0xb477a11bc6ca296d
#define GOLDEN_LIGHT16 0x620bbb56164a9570

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
    for (int i = 0; i < 1000; i++) {
        struct alb_resize_ask a = any_ask();
        if (a.kernel !=
            ALB_KERNEL_NEAREST) /* the definition of which pixel is nearest hangs on the last bit */
            check(&a);
    }
    for (int i = 0; i < 8; i++)
        print_message("# %s%s%s: off by at most half a step and %.4f / 256\n", i & 1 ? "deep" : "8 bits",
                      i & 2 ? ", linear" : "", i & 4 ? ", alpha" : "", worst[i >> 2][i >> 1 & 1][i & 1]);
}

/* Rows of light, halved: as ycc_light.h makes them. */
static void test_light(void **state)
{
    (void)state;
    memset(worst, 0, sizeof(worst));
    for (int i = 0; i < 300; i++) {
        struct alb_resize_ask a = any_ask();
        if (a.kernel == ALB_KERNEL_NEAREST)
            continue;
        a.alpha = false;
        a.linear = a.lit = true;
        a.bits_in = 16;
        a.bits_out = 8;
        a.gain = 1;
        a.bias = 0;
        a.x.halved = dice(4) > 0;
        a.y.halved = dice(4) > 0;
        check(&a);
    }
    print_message("# light: off by at most half a step and %.4f / 256\n", worst[0][1][1]);
}

static struct alb_resize_ask simple_ask(uint32_t in, uint32_t out, unsigned samples)
{
    return (struct alb_resize_ask){.x = {in, out, 0, in},
                                   .y = {in, out, 0, in},
                                   .samples = samples,
                                   .bits_in = 8,
                                   .bits_out = 8,
                                   .kernel = ALB_KERNEL_LANCZOS3,
                                   .gain = 1};
}

/* Strong shrinking, where whole rows are resized before they are kept; enlarging; one row, one column. */
static void test_shapes(void **state)
{
    static const uint32_t shapes[][4] = {{700, 5, 8, 8},  {640, 64, 10, 2}, {700, 9, 700, 3},
                                         {1, 1, 90, 90},  {3, 90, 90, 3},   {2, 95, 90, 90},
                                         {5, 50, 90, 90}, {5, 600, 500, 1}, {96, 95, 96, 96}};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(shapes); i++) {
        for (unsigned samples = 1; samples <= 4; samples++) {
            for (int kernel = 0; kernel < ALB_KERNEL_COUNT; kernel++) {
                struct alb_resize_ask a = simple_ask(1, 1, samples);
                a.x = (struct alb_axis){shapes[i][0], shapes[i][1], 0, shapes[i][0], false};
                a.y = (struct alb_axis){shapes[i][2], shapes[i][3], 0, shapes[i][2], false};
                a.kernel = (enum alb_kernel)kernel;
                a.alpha = samples == 4;
                if (kernel != ALB_KERNEL_NEAREST)
                    check(&a);
            }
        }
    }
}

static void test_copies_are_exact(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        struct alb_resize_ask a = simple_ask(1 + dice(SIDE), 1, 1 + dice(4));
        uint32_t times = 1 + dice(3);
        a.bits_in = a.bits_out = (uint8_t)(dice(2) ? 8 : 10 + dice(7));
        a.alpha = a.samples > 1 && dice(2);
        a.linear = dice(2);
        a.x.out = a.y.out = a.x.in * times;
        if (times > 1 || dice(2))
            a.kernel = ALB_KERNEL_NEAREST; /* each pixel becomes a square */
        if (dice(2) && a.kernel == ALB_KERNEL_NEAREST) {
            a.x.from = a.x.in;
            a.x.span = -a.x.span;
        }
        struct world w;
        world_make(&w, &a);
        run(&w, ALB_RESIZE_BEST);
        for (size_t at = 0; at < (size_t)a.x.out * a.y.out * a.samples; at++) {
            size_t c = at % a.samples, x = at / a.samples % a.x.out / times,
                   y = at / a.samples / a.x.out / times;
            x = a.x.span < 0 ? a.x.in - 1 - x : x;
            assert_int_equal(get(w.out[ALB_RESIZE_BEST], a.bits_in, at),
                             get(w.in, a.bits_in, (y * a.x.in + x) * a.samples + c));
        }
        world_drop(&w);
    }
}

/* One colour stays that colour, whatever the ratio: weights sum to 1. */
static void test_flat_stays_flat(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) {
        struct alb_resize_ask a = any_ask();
        struct world w;
        a.bits_in = a.bits_out = dice(2) ? 8 : 16;
        a.gain = 1;
        a.bias = 0;
        world_make(&w, &a);
        memset(w.in, (int)dice(256) | (a.alpha ? 0xc0 : 0), w.row_in * a.y.in);
        run(&w, ALB_RESIZE_BEST);
        for (size_t at = 0; at < (size_t)a.x.out * a.y.out * a.samples; at++) {
            int32_t off =
                (int32_t)get(w.out[ALB_RESIZE_BEST], a.bits_in, at) - (int32_t)get(w.in, a.bits_in, 0);
            if (abs(off) > (a.bits_in == 8 ? 0 : a.linear || a.alpha ? 24 : 2)) {
                describe(&w, "flat");
                fail_msg("at %zu: off by %d from %u", at, off, get(w.in, a.bits_in, 0));
            }
        }
        world_drop(&w);
    }
}

static uint64_t hash_of(const uint8_t *p, size_t n)
{
    uint64_t h = 0xcbf29ce484222325;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3;
    return h;
}

/* The same bytes on every machine and with every compiler: these came from x86-64 and from ARM. */
static void test_bytes_for_ever(void **state)
{
    uint64_t all = 0;
    (void)state;
    seed = 7;
    for (int i = 0; i < 150; i++) {
        struct alb_resize_ask a = any_ask();
        struct world w;
        world_make(&w, &a);
        run(&w, ALB_RESIZE_BEST);
        all = all * 31 + hash_of(w.out[ALB_RESIZE_BEST], w.row_out * a.y.out);
        world_drop(&w);
    }
    assert_int_equal(all, GOLDEN_PICTURES);
    const struct alb_light *l = alb_light();
    assert_int_equal(hash_of((const uint8_t *)l, sizeof(*l)), GOLDEN_LIGHT);
    const struct alb_light16 *l16 = alb_light16();
    assert_int_equal(hash_of((const uint8_t *)l16, sizeof(*l16)), GOLDEN_LIGHT16);
}

static void test_light_is_srgb(void **state)
{
    const struct alb_light *l = alb_light();
    const struct alb_light16 *l16 = alb_light16();
    (void)state;
    for (int v = 0; v < 256; v++) {
        double off = fabs(l->linear8[v] + 32768 - to_linear(v / 255.0) * 65535); /* resize_priv.h */
        assert_true(off < 3.1 && off < 0.14 * 65535 * (to_linear((v + 1) / 255.0) - to_linear(v / 255.0)));
        assert_int_equal(l->encoded8[(uint16_t)l->linear8[v] >> 1], v); /* there and back */
    }
    for (int v = 0; v < 65536; v++) {
        assert_true(fabs(l16->linear[v] - to_linear(v / 65535.0) * 65535) < 0.5001);
        assert_true(fabs(l16->encoded[v] - to_encoded(v / 65535.0) * 65535) < 0.51);
        assert_true(fabs(l->encoded8[(v ^ 32768) >> 1] - to_encoded(v / 65535.0) * 255) < 0.54);
    }
}

/* Memory: of a few rows and of weights; twice the height of the source is none. */
static void test_memory(void **state)
{
    struct alb_resize_ask a = simple_ask(8660, 512, 3);
    (void)state;
    a.y = (struct alb_axis){5773, 341, 0, 5773, false};
    size_t one = alb_resize_memory(&a);
    assert_true(one > 0 && one < 2 << 20); /* 50 megapixels */
    a.y = (struct alb_axis){4 * 5773, 4 * 341, 0, 4 * 5773, false};
    size_t four = alb_resize_memory(&a);
    assert_true(four < one + 4 * 341 * (200 + 8)); /* weights of four times as many rows */
    a = simple_ask(1020, 512, 1);
    assert_true(alb_resize_memory(&a) < 100 << 10); /* stays in a processor's nearest caches */
}

static void test_refusals(void **state)
{
    struct alb_scratch *s = alb_scratch_new();
    struct alb_express x = {.scratch = s, .threads = 1};
    struct alb_resize *r;
    (void)state;
    assert_non_null(s);
    for (int i = 0; i < 17; i++) {
        struct alb_resize_ask a = simple_ask(100, 50, 2);
        switch (i) {
        case 0:
            a.x.in = 0;
            break;
        case 1:
            a.y.out = 0;
            break;
        case 2:
            a.x.out = ALB_RESIZE_SIDE + 1;
            break;
        case 3:
            a.y.span = -100;
            break;
        case 4:
            a.x.span = 0;
            break;
        case 5:
            a.x.span = (double)NAN;
            break;
        case 6:
            a.y.from = (double)INFINITY;
            break;
        case 7:
            a.samples = 0;
            break;
        case 8:
            a.samples = 5;
            break;
        case 9:
            a.bits_in = 7;
            break;
        case 10:
            a.bits_out = 17;
            break;
        case 11:
            a.kernel = ALB_KERNEL_COUNT;
            break;
        case 12:
            a.gain = NAN;
            break;
        case 13:
            a.y.span = 50.0 * (ALB_RESIZE_SHRINK + 1);
            break;
        case 14:
            a.lit = true; /* of 8 bits */
            break;
        case 15:
            a.samples = 1;
            a.alpha = true;
            break;
        default:
            a.alpha = true;
            a.bias = 1;
            break;
        }
        assert_int_equal(alb_resize_memory(&a), 0);
        assert_int_equal(alb_resize_open(&x, &a, &r, NULL), ALB_E_UNSUPPORTED);
        assert_null(r);
    }
    struct alb_resize_ask a = simple_ask(100, 50, 3);
    assert_int_equal(alb_resize_open(&x, &a, &r, NULL), ALB_OK);
    assert_false(alb_resize_done(r));
    alb_scratch_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),           cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_light),
        cmocka_unit_test(test_copies_are_exact), cmocka_unit_test(test_flat_stays_flat),
        cmocka_unit_test(test_bytes_for_ever),   cmocka_unit_test(test_light_is_srgb),
        cmocka_unit_test(test_memory),           cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
