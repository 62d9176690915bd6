/* SPDX-License-Identifier: Apache-2.0
 *
 * Every effect is a function of one pixel in 0..1 (red, green, blue, alpha) and, for the gradient, of its place. One
 * loop runs it over both depths.
 */
#include "image/tone.h"

#include <math.h>

#include "base/check.h"

struct pixel {
    float c[3]; /* 0..1 */
    float a;
};

/* What stays the same for a whole picture. */
struct run {
    const struct alb_tone *t;
    float amount, one[3], two[3];
    float pivot;               /* MONOCHROME: luminance of `one` */
    float along_x, along_y;    /* GRADIENT: progress per pixel, */
    float origin, start, span; /* and where it begins */
};

static float clamp(float v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

static float luminance(const float c[3])
{
    return 0.2126f * c[0] + 0.7152f * c[1] + 0.0722f * c[2];
}

static void split(uint32_t rgb, float c[3])
{
    for (int i = 0; i < 3; i++)
        c[i] = (float)(rgb >> (16 - 8 * i) & 0xff) / 255.0f;
}

static void mix(struct pixel *p, const float to[3], float share)
{
    for (int i = 0; i < 3; i++)
        p->c[i] += (to[i] - p->c[i]) * share;
}

/* Shades of one colour: black below it, white above it, so that a grey one gives plain grey tones. */
static void monochrome(const struct run *r, struct pixel *p)
{
    float l = clamp(luminance(p->c)), shade[3];
    for (int i = 0; i < 3; i++) {
        if (l <= r->pivot)
            shade[i] = r->pivot > 0 ? r->one[i] * l / r->pivot : 0;
        else
            shade[i] = r->one[i] + (1 - r->one[i]) * (l - r->pivot) / (1 - r->pivot);
    }
    mix(p, shade, r->amount);
}

static void duotone(const struct run *r, struct pixel *p)
{
    float l = clamp(luminance(p->c)), shade[3];
    for (int i = 0; i < 3; i++)
        shade[i] = r->one[i] + (r->two[i] - r->one[i]) * l;
    mix(p, shade, r->amount);
}

/* A colour with an opacity laid over the pixel (source-over of the W3C's Compositing). */
static void lay_over(struct pixel *p, const float color[3], float opacity, bool keep)
{
    if (keep) {
        mix(p, color, opacity);
        return;
    }
    float a = opacity + p->a * (1 - opacity);
    if (a > 0)
        mix(p, color, opacity / a);
    p->a = a;
}

static void effect(const struct run *r, struct pixel *p, uint32_t x, uint32_t y)
{
    float l;
    switch ((int)r->t->kind) {
    case ALB_EFFECT_BRIGHTNESS:
        for (int i = 0; i < 3; i++)
            p->c[i] += r->amount / 255.0f;
        break;
    case ALB_EFFECT_CONTRAST:
        for (int i = 0; i < 3; i++)
            p->c[i] = (p->c[i] - 0.5f) * r->amount + 0.5f;
        break;
    case ALB_EFFECT_SATURATION:
        l = luminance(p->c);
        for (int i = 0; i < 3; i++)
            p->c[i] = l + (p->c[i] - l) * r->amount;
        break;
    case ALB_EFFECT_MONOCHROME:
        monochrome(r, p);
        break;
    case ALB_EFFECT_DUOTONE:
        duotone(r, p);
        break;
    case ALB_EFFECT_COLORIZE:
        lay_over(p, r->one, r->amount, r->t->keep);
        break;
    case ALB_EFFECT_GRADIENT:
        l = r->origin + (float)x * r->along_x + (float)y * r->along_y;
        lay_over(p, r->one, r->amount * clamp((l - r->start) / r->span), false);
        break;
    default:
        break;
    }
}

bool alb_tone_knows(enum alb_effect_kind kind)
{
    return kind >= ALB_EFFECT_BRIGHTNESS && kind <= ALB_EFFECT_GRADIENT;
}

static bool is_grey(uint32_t rgb)
{
    return (rgb >> 16 & 0xff) == (rgb >> 8 & 0xff) && (rgb >> 8 & 0xff) == (rgb & 0xff);
}

bool alb_tone_colours(const struct alb_tone *t)
{
    switch ((int)t->kind) {
    case ALB_EFFECT_MONOCHROME:
    case ALB_EFFECT_COLORIZE:
    case ALB_EFFECT_GRADIENT:
        return !is_grey(t->rgb);
    case ALB_EFFECT_DUOTONE:
        return !is_grey(t->rgb) || !is_grey(t->rgb2);
    default:
        return false;
    }
}

/* The gradient goes from edge to edge of the picture along its angle: 0 is downwards, 90 to the left. */
static void set_gradient(struct run *r, uint32_t width, uint32_t height)
{
    double radians = r->t->angle * 3.14159265358979323846 / 180.0;
    double dx = -sin(radians), dy = cos(radians);
    double length = fabs(dx) * width + fabs(dy) * height;
    r->along_x = (float)(dx / length);
    r->along_y = (float)(dy / length);
    r->origin = (float)(0.5 - (dx * (width - 1.0) / 2 + dy * (height - 1.0) / 2) / length);
    r->start = (float)r->t->start;
    r->span = (float)(r->t->stop - r->t->start);
    if (fabsf(r->span) < 1e-6f) /* a hard edge */
        r->span = 1e-6f;
}

void alb_tone_ramp_row(const struct alb_tone *t, uint32_t width, uint32_t height, uint32_t y, float *out)
{
    struct run r = {.t = t};
    set_gradient(&r, width, height);
    for (uint32_t x = 0; x < width; x++)
        out[x] = clamp((r.origin + (float)x * r.along_x + (float)y * r.along_y - r.start) / r.span);
}

static struct run begin(const struct alb_tone *t, uint32_t width, uint32_t height)
{
    struct run r = {.t = t, .amount = (float)t->amount};
    split(t->rgb, r.one);
    split(t->rgb2, r.two);
    r.pivot = luminance(r.one);
    if (t->kind == ALB_EFFECT_GRADIENT)
        set_gradient(&r, width, height);
    return r;
}

/* The same loop for both depths. */
#define RUN(name, sample, top)                                                                               \
    void name(const struct alb_tone *t, sample *pixels, uint32_t width, uint32_t height, unsigned bands,     \
              bool alpha)                                                                                    \
    {                                                                                                        \
        struct run r = begin(t, width, height);                                                              \
        unsigned stride = bands + (alpha ? 1u : 0u);                                                         \
        ALB_CHECK(bands == 3 || bands == 1);                                                                 \
        for (uint32_t y = 0; y < height; y++) {                                                              \
            sample *row = pixels + (size_t)y * width * stride;                                               \
            for (uint32_t x = 0; x < width; x++, row += stride) {                                            \
                struct pixel p = {.a = alpha ? (float)row[bands] / (top) : 1.0f};                            \
                for (unsigned i = 0; i < 3; i++)                                                             \
                    p.c[i] = (float)row[bands == 3 ? i : 0] / (top);                                         \
                effect(&r, &p, x, y);                                                                        \
                for (unsigned i = 0; i < bands; i++)                                                         \
                    row[i] = (sample)(clamp(p.c[i]) * (top) + 0.5f);                                         \
                if (alpha)                                                                                   \
                    row[bands] = (sample)(clamp(p.a) * (top) + 0.5f);                                        \
            }                                                                                                \
        }                                                                                                    \
    }

RUN(alb_tone_run8, uint8_t, 255.0f)
RUN(alb_tone_run16, uint16_t, 65535.0f)
