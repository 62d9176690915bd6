/* SPDX-License-Identifier: Apache-2.0
 *
 * DSSIM. Per scale (the picture, then halved up to four times): colours as L*a*b* of linear light, each between 0 and
 * 1; a and b blurred once; of each channel the local mean and variance of both pictures and their covariance under a
 * Gaussian of two passes of 3 x 3; SSIM of the three channels' averages; the mean of SSIM, and how far places deviate
 * from it. Scales are weighted as in multi-scale SSIM (Wang et al., 2003).
 */
#include "image/score.h"

#include <math.h>

#include "base/mem.h"

#define SCALES 5
#define SIDE_MIN 4            /* a scale below this says nothing */
#define LIGHT (1.05f / 1.16f) /* of L, beside a and b; as measured with the program */
#define GROUND_SHIFT 11
#define C1 (0.01f * 0.01f)
#define C2 (0.03f * 0.03f)

static const double weights[SCALES] = {0.028, 0.197, 0.322, 0.298, 0.155};

/* Planes of one size. Linear RGB, times alpha if there is any, while scales are made; then L, a, b. */
struct planes {
    uint32_t width, height;
    unsigned count; /* 3, or 4 with alpha */
    float *p[4];
};

static size_t count_of(const struct planes *a)
{
    return (size_t)a->width * a->height;
}

static void planes_free(struct planes *a)
{
    alb_mem_free(a->p[0]);
    a->p[0] = NULL;
}

static bool planes_new(struct planes *a, uint32_t width, uint32_t height, unsigned count)
{
    a->width = width;
    a->height = height;
    a->count = count;
    a->p[0] = alb_mem_calloc(count * count_of(a), sizeof(float));
    if (!a->p[0])
        return false;
    for (unsigned c = 1; c < count; c++)
        a->p[c] = a->p[0] + c * count_of(a);
    return true;
}

/* ---- colours ---- */

static void linear_table(float t[256])
{
    for (int i = 0; i < 256; i++) {
        double v = i / 255.0;
        t[i] = (float)(v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4));
    }
}

static bool from_pixels(struct planes *out, const uint8_t *px, uint32_t w, uint32_t h, unsigned bands)
{
    float lin[256];
    bool alpha = bands == 2 || bands == 4, grey = bands < 3;
    if (!planes_new(out, w, h, alpha ? 4 : 3))
        return false;
    linear_table(lin);
    for (size_t at = 0; at < count_of(out); at++, px += bands) {
        float a = alpha ? (float)px[bands - 1] / 255.0f : 1.0f;
        for (unsigned c = 0; c < 3; c++)
            out->p[c][at] = lin[px[grey ? 0 : c]] * a;
        if (alpha)
            out->p[3][at] = a;
    }
    return true;
}

static bool halve(const struct planes *in, struct planes *out)
{
    if (!planes_new(out, in->width / 2, in->height / 2, in->count))
        return false;
    for (unsigned c = 0; c < in->count; c++) {
        for (uint32_t y = 0; y < out->height; y++) {
            const float *r0 = in->p[c] + (size_t)(2 * y) * in->width, *r1 = r0 + in->width;
            for (uint32_t x = 0; x < out->width; x++)
                out->p[c][(size_t)y * out->width + x] =
                    0.25f * (r0[2 * x] + r0[2 * x + 1] + r1[2 * x] + r1[2 * x + 1]);
        }
    }
    return true;
}

static float lab_curve(float t)
{
    const float epsilon = 216.0f / 24389.0f, kappa = 24389.0f / 27.0f;
    return t > epsilon ? cbrtf(t) : (kappa * t + 16) / 116;
}

/* What is transparent is shown on a pattern of its own for each colour, so that a change of alpha alone is seen. */
static float ground(uint32_t x, uint32_t y, unsigned channel)
{
    static const unsigned bit[3] = {16, 8, 32};
    return ((x + GROUND_SHIFT) ^ (y + GROUND_SHIFT)) & bit[channel] ? 1.0f : 0.0f;
}

static void set_ground(struct planes *a)
{
    for (size_t i = 0; a->count == 4 && i < count_of(a); i++) {
        for (unsigned c = 0; c < 3; c++)
            a->p[c][i] += ground((uint32_t)(i % a->width), (uint32_t)(i / a->width), c) * (1 - a->p[3][i]);
    }
}

/* L, a, b of linear sRGB under D65, each brought to about 0..1. */
static bool to_lab(const struct planes *in, struct planes *out)
{
    if (!planes_new(out, in->width, in->height, in->count))
        return false;
    for (size_t i = 0; i < in->count * count_of(in); i++)
        out->p[0][i] = in->p[0][i];
    set_ground(out);
    for (size_t i = 0; i < count_of(in); i++) {
        float r = out->p[0][i], g = out->p[1][i], b = out->p[2][i];
        float x = lab_curve((0.4124f * r + 0.3576f * g + 0.1805f * b) / 0.9505f),
              y = lab_curve(0.2126f * r + 0.7152f * g + 0.0722f * b),
              z = lab_curve((0.0193f * r + 0.1192f * g + 0.9505f * b) / 1.089f);
        out->p[0][i] = LIGHT * (1.16f * y - 0.16f);
        out->p[1][i] = (86.2f + 500.0f * (x - y)) / 220.0f;
        out->p[2][i] = (107.9f + 200.0f * (y - z)) / 220.0f;
    }
    return true;
}

/* ---- blur ---- */

/* One pass of [a b a] x [a b a] / its sum, edges repeated; `line` holds a row. */
static void pass(const float *in, float *out, uint32_t w, uint32_t h, float *line)
{
    const float side = 0.30876f, middle = 0.38248f;
    for (uint32_t y = 0; y < h; y++) {
        const float *up = in + (size_t)(y > 0 ? y - 1 : 0) * w, *at = in + (size_t)y * w,
                    *down = in + (size_t)(y + 1 < h ? y + 1 : y) * w;
        for (uint32_t x = 0; x < w; x++)
            line[x] = side * (up[x] + down[x]) + middle * at[x];
        float *to = out + (size_t)y * w;
        for (uint32_t x = 0; x < w; x++)
            to[x] = side * (line[x > 0 ? x - 1 : 0] + line[x + 1 < w ? x + 1 : x]) + middle * line[x];
    }
}

/* Scratch of a comparison: all of one size. */
struct scratch {
    float *half, *line;
    float *mean_a, *mean_b, *square_a, *square_b, *product; /* blurred, one channel */
    float *sums;                                            /* 5 numbers per pixel, over the channels */
    float *block;
};

static void blur(const float *in, float *out, uint32_t w, uint32_t h, const struct scratch *s)
{
    pass(in, s->half, w, h, s->line);
    pass(s->half, out, w, h, s->line);
}

static bool scratch_new(struct scratch *s, uint32_t w, uint32_t h)
{
    size_t n = (size_t)w * h;
    s->block = alb_mem_calloc(11 * n + w, sizeof(float));
    if (!s->block)
        return false;
    float *p = s->block;
    float **parts[] = {&s->half, &s->mean_a, &s->mean_b, &s->square_a, &s->square_b, &s->product};
    for (size_t i = 0; i < ALB_ARRAY_LEN(parts); i++, p += n)
        *parts[i] = p;
    s->sums = p;
    s->line = p + 5 * n;
    return true;
}

/* ---- one scale ---- */

static void blurred_product(const float *a, const float *b, float *out, float *spare, uint32_t w, uint32_t h,
                            const struct scratch *s)
{
    for (size_t i = 0; i < (size_t)w * h; i++)
        spare[i] = a[i] * b[i];
    blur(spare, out, w, h, s);
}

/* Adds what a channel has to say to the five sums of every pixel. */
static void add_channel(const float *a, const float *b, uint32_t w, uint32_t h, const struct scratch *s)
{
    size_t n = (size_t)w * h;
    blurred_product(a, a, s->square_a, s->mean_a, w, h, s);
    blurred_product(b, b, s->square_b, s->mean_a, w, h, s);
    blurred_product(a, b, s->product, s->mean_a, w, h, s);
    blur(a, s->mean_a, w, h, s);
    blur(b, s->mean_b, w, h, s);
    for (size_t i = 0; i < n; i++) {
        float ma = s->mean_a[i], mb = s->mean_b[i], *sum = s->sums + 5 * i;
        sum[0] += ma * ma;
        sum[1] += mb * mb;
        sum[2] += ma * mb;
        sum[3] += s->square_a[i] - ma * ma + s->square_b[i] - mb * mb;
        sum[4] += s->product[i] - ma * mb;
    }
}

static float ssim_at(const float *sum)
{
    float mean_aa = sum[0] / 3, mean_bb = sum[1] / 3, mean_ab = sum[2] / 3, vars = sum[3] / 3,
          cov = sum[4] / 3;
    return (2 * mean_ab + C1) * (2 * cov + C2) / ((mean_aa + mean_bb + C1) * (vars + C2));
}

/* How alike the two are at this scale, 1 = equal. */
static double pooled(const struct scratch *s, size_t n, int scale)
{
    double sum = 0, off = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)ssim_at(s->sums + 5 * i);
    double mean = sum / (double)n;
    mean = pow(mean > 0 ? mean : 0, pow(0.5, scale));
    for (size_t i = 0; i < n; i++)
        off += fabs(mean - (double)ssim_at(s->sums + 5 * i));
    return 1 - off / (double)n;
}

static void blur_chroma(struct planes *lab, const struct scratch *s)
{
    for (unsigned c = 1; c < 3; c++) {
        blur(lab->p[c], s->mean_a, lab->width, lab->height, s);
        for (size_t i = 0; i < count_of(lab); i++)
            lab->p[c][i] = s->mean_a[i];
    }
}

/* Negative: no memory. */
static double compare(const struct planes *a, const struct planes *b, int scale)
{
    struct planes la = {0}, lb = {0};
    struct scratch s = {0}; /* its sums begin with 0 */
    double like = -1;
    if (to_lab(a, &la) && to_lab(b, &lb) && scratch_new(&s, a->width, a->height)) {
        blur_chroma(&la, &s);
        blur_chroma(&lb, &s);
        for (unsigned c = 0; c < 3; c++)
            add_channel(la.p[c], lb.p[c], a->width, a->height, &s);
        like = pooled(&s, count_of(a), scale);
    }
    alb_mem_free(s.block);
    planes_free(&la);
    planes_free(&lb);
    return like;
}

static bool next_scale(struct planes *a)
{
    struct planes half;
    bool ok = halve(a, &half);
    if (ok) {
        planes_free(a);
        *a = half;
    }
    return ok;
}

double alb_score_dssim(const uint8_t *a, const uint8_t *b, uint32_t width, uint32_t height, unsigned bands)
{
    struct planes pa = {0}, pb = {0};
    double sum = 0, weight = 0;
    bool ok = from_pixels(&pa, a, width, height, bands) && from_pixels(&pb, b, width, height, bands);
    for (int i = 0; ok && i < SCALES; i++) {
        if (i > 0 && (pa.width / 2 < SIDE_MIN || pa.height / 2 < SIDE_MIN))
            break;
        if (i > 0)
            ok = next_scale(&pa) && next_scale(&pb);
        double like = ok ? compare(&pa, &pb, i) : -1;
        ok = like >= 0;
        sum += like * weights[i];
        weight += weights[i];
    }
    planes_free(&pa);
    planes_free(&pb);
    if (!ok)
        return -1;
    double ssim = sum / weight;
    return ssim > 0 ? fmax(0, 1 / ssim - 1) : (double)INFINITY;
}
