/* SPDX-License-Identifier: Apache-2.0
 *
 * What a quality means: steps and thresholds by frequency. Found by search (docs/architecture.md, section 7):
 * the highest SSIMULACRA2 at the bytes that libjpeg's tables of the same quality make of photographs. Beside
 * those, steps grow less from slow to fast changes, so that fine detail lasts longer.
 */
#include <math.h>

#include "image/express/jpeg_blocks.h"

#define REACHES 7 /* distances from the mean, between which steps are interpolated */
#define STEP_MOST 255

static const float reach[REACHES] = {0, 1, 2, 3.5F, 5, 7, 9.9F};

struct plane_knot {
    float step[REACHES];
    float low[3], busy[2]; /* thresholds in steps: of slow, medium and fast changes, and what busyness adds */
};
struct knot {
    float coarse;               /* libjpeg's own scale of its tables, in percent */
    struct plane_knot plane[2]; /* luma, chroma */
};
/* Qualities 100, 97, 93, 80, 50 and 20. */
static const struct knot knots[] = {
    {0,
     {{{1, 1, 1, 1, 1, 1, 1}, {0.5F, 0.5F, 0.5F}, {0, 0}},
      {{1, 1, 1, 1, 1, 1, 1}, {0.5F, 0.5F, 0.5F}, {0, 0}}}},
    {6,
     {{{1.27F, 1.28F, 1.79F, 2.13F, 2.28F, 2.49F, 3.21F}, {0.54F, 0.54F, 0.55F}, {0.011F, 0.0052F}},
      {{1.37F, 1.54F, 2.37F, 3.39F, 3.51F, 3.87F, 4.5F}, {0.608F, 0.584F, 0.56F}, {0.0086F, 0.0086F}}}},
    {14,
     {{{1.79F, 1.82F, 3.29F, 4.28F, 4.71F, 5.31F, 7.41F}, {0.54F, 0.54F, 0.55F}, {0.011F, 0.0052F}},
      {{2.08F, 2.57F, 4.96F, 7.94F, 8.27F, 9.31F, 11.15F}, {0.608F, 0.584F, 0.56F}, {0.0086F, 0.0086F}}}},
    {40,
     {{{3.85F, 4.57F, 9.06F, 14.01F, 14.13F, 16.43F, 16.77F}, {0.54F, 0.54F, 0.633F}, {0.002F, 0.0085F}},
      {{4.82F, 5.34F, 10.33F, 11.86F, 16.49F, 18.61F, 24.56F}, {0.52F, 0.51F, 0.5F}, {-0.004F, -0.004F}}}},
    {100,
     {{{8, 9.81F, 19.73F, 26.2F, 29.2F, 39.34F, 39.93F}, {0.518F, 0.54F, 0.662F}, {0.0127F, 0.018F}},
      {{7.48F, 16.22F, 21.32F, 28.24F, 30.26F, 39.38F, 52.69F}, {0.572F, 0.536F, 0.5F}, {-0.016F, -0.016F}}}},
    {250,
     {{{15.83F, 23.64F, 46.29F, 55.82F, 56.26F, 64.18F, 79.02F}, {0.532F, 0.61F, 0.623F}, {0.02F, 0.031F}},
      {{20.09F, 28.45F, 36.89F, 60.09F, 59.88F, 79.02F, 104.27F}, {0.56F, 0.53F, 0.5F}, {-0.004F, -0.004F}}}},
};

static float coarseness(unsigned quality)
{
    return quality < 50 ? 5000.0F / (float)quality : 200 - 2 * (float)quality;
}

static float mix(float a, float b, float t)
{
    return a + (b - a) * t;
}

/* The knots on both sides, and where between them; beyond the last one steps grow with its coarseness. */
static void place(unsigned quality, const struct knot **a, const struct knot **b, float *t, float *beyond)
{
    float coarse = coarseness(quality);
    size_t i = 1;
    while (i + 1 < ALB_ARRAY_LEN(knots) && knots[i].coarse < coarse)
        i++;
    *a = &knots[i - 1];
    *b = &knots[i];
    *t = (coarse - (*a)->coarse) / ((*b)->coarse - (*a)->coarse);
    *t = *t > 1 ? 1 : *t;
    *beyond = coarse > (*b)->coarse ? coarse / (*b)->coarse : 1;
}

static float step_at(const struct plane_knot *k, float distance)
{
    size_t i = 1;
    while (i + 1 < REACHES && reach[i] < distance)
        i++;
    return mix(k->step[i - 1], k->step[i], (distance - reach[i - 1]) / (reach[i] - reach[i - 1]));
}

void alb_jpeg_quant(unsigned quality, bool chroma, struct alb_jpeg_quant *q, uint16_t table[ALB_JPEG_BLOCK])
{
    const struct knot *from, *to;
    float t, beyond;
    place(quality, &from, &to, &t, &beyond);
    const struct plane_knot *a = &from->plane[chroma], *b = &to->plane[chroma];
    for (unsigned i = 0; i < ALB_JPEG_BLOCK; i++) {
        unsigned down = i / 8, across = i % 8, at = 8 * across + down;
        float distance = sqrtf((float)(down * down + across * across));
        unsigned zone = distance < 3 ? 0 : distance < 6 ? 1 : 2, slow = distance < 4 ? 0 : 1;
        float step = mix(step_at(a, distance), step_at(b, distance), t) * beyond + 0.5F;
        step = step < 1 ? 1 : step > STEP_MOST ? STEP_MOST : floorf(step);
        table[i] = (uint16_t)step;
        q->by[at] = 1 / (16 * step);
        q->low[at] = i == 0 ? 0 : mix(a->low[zone], b->low[zone], t);
        q->busy[at] = i == 0 ? 0 : mix(a->busy[slow], b->busy[slow], t);
    }
}
