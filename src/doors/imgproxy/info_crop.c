/* SPDX-License-Identifier: Apache-2.0
 *
 * /info `crop`: where the option `crop` would cut, in parts of the picture as it is shown. The arithmetic is the
 * plan's; only `sm` needs pixels, and gets the small ones of the probe: there the eye is drawn to edges, strong
 * colours and skin, as in libvips' "attention". Pure.
 */
#include <math.h>

#include "base/mem.h"
#include "doors/imgproxy/compile.h"
#include "doors/imgproxy/info.h"

#define CELLS (ALB_LOOK_SIDE * ALB_LOOK_SIDE)

static float brightness(const uint8_t *p)
{
    return 0.2126f * p[0] + 0.7152f * p[1] + 0.0722f * p[2];
}

static float edge_at(const struct alb_look *l, uint32_t x, uint32_t y)
{
    const uint8_t *p = l->rgba + 4 * ((size_t)y * l->width + x);
    if (x == 0 || y == 0 || x + 1 == l->width || y + 1 == l->height)
        return 0;
    size_t row = 4 * (size_t)l->width;
    return fabsf(4 * brightness(p) - brightness(p - 4) - brightness(p + 4) - brightness(p - row) -
                 brightness(p + row));
}

/* How near a colour is to that of skin, which differs in brightness more than in hue. */
static float skin_at(const uint8_t *p)
{
    float n = sqrtf((float)(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]));
    if (n < 60)
        return 0;
    float r = (float)p[0] / n - 0.78f, g = (float)p[1] / n - 0.57f, b = (float)p[2] / n - 0.44f;
    float near = 1 - sqrtf(r * r + g * g + b * b) / 0.2f;
    return near > 0 ? near * 100 : 0;
}

static float colour_at(const uint8_t *p)
{
    int most = p[0] > p[1] ? p[0] : p[1], least = p[0] < p[1] ? p[0] : p[1];
    most = most > p[2] ? most : p[2];
    least = least < p[2] ? least : p[2];
    return most < 13 ? 0 : (float)(most - least);
}

static void score(const struct alb_look *l, float *out)
{
    for (uint32_t y = 0; y < l->height; y++) {
        for (uint32_t x = 0; x < l->width; x++) {
            const uint8_t *p = l->rgba + 4 * ((size_t)y * l->width + x);
            float all = 5 * edge_at(l, x, y) + skin_at(p) + colour_at(p);
            out[(size_t)y * l->width + x] = all * (float)p[3] / 255;
        }
    }
}

#define REACH_MAX 40 /* sigma is at most the diagonal / 10 */

struct bell {
    int reach;
    float weight[REACH_MAX + 1]; /* by distance */
};

static struct bell bell_of(double sigma)
{
    struct bell b = {.reach = (int)ceil(2 * sigma)};
    if (b.reach > REACH_MAX)
        b.reach = REACH_MAX;
    for (int i = 0; i <= b.reach; i++)
        b.weight[i] = (float)exp(-i * i / (2 * sigma * sigma));
    return b;
}

/* Along one axis: `step` to the next cell of a line of `n`; beyond its ends there is nothing. */
static void blur_line(const struct bell *bell, const float *in, float *out, int n, size_t step)
{
    for (int i = 0; i < n; i++) {
        float sum = 0;
        for (int k = -bell->reach; k <= bell->reach; k++)
            if (i + k >= 0 && i + k < n)
                sum += in[(size_t)(i + k) * step] * bell->weight[k < 0 ? -k : k];
        out[(size_t)i * step] = sum;
    }
}

/* The middle of what draws the eye, seen as coarsely as the cut is large. No memory: that of the picture. */
static struct alb_gravity attention(const struct alb_look *l, double sigma)
{
    struct alb_gravity at = {ALB_GRAVITY_POINT, 0.5, 0.5};
    const struct bell bell = bell_of(sigma);
    size_t best = 0;
    float *a = alb_mem_calloc(2 * (size_t)CELLS, sizeof(*a)), *b = a ? a + CELLS : NULL;
    if (!a)
        return at;
    score(l, a);
    for (uint32_t y = 0; y < l->height; y++)
        blur_line(&bell, a + (size_t)y * l->width, b + (size_t)y * l->width, (int)l->width, 1);
    for (uint32_t x = 0; x < l->width; x++)
        blur_line(&bell, b + x, a + x, (int)l->height, l->width);
    for (size_t i = 1; i < (size_t)l->width * l->height; i++)
        best = a[i] > a[best] ? i : best;
    if (a[best] > 0) {
        at.x = ((double)(best % l->width) + 0.5) / l->width;
        at.y = ((double)(best / l->width) + 0.5) / l->height;
    }
    alb_mem_free(a);
    return at;
}

static uint32_t part_of(double v, uint32_t side)
{
    double n = v >= 1 ? floor(v) : round(v * side);
    return n < 1 ? 1 : n > side ? side : (uint32_t)n;
}

bool alb_imgproxy_info_crop(const struct alb_imgproxy_info *want, const struct alb_probe *p,
                            struct alb_imgproxy_place_of *out)
{
    const struct alb_look look = {p->small, p->small_width, p->small_height};
    struct alb_gravity at = alb_imgproxy_to_gravity(&want->crop_gravity);
    uint32_t w, h;
    alb_header_shown(&p->header, 0, &w, &h);
    if (want->crop_width <= 0 || want->crop_height <= 0 || w == 0 || h == 0)
        return false;
    uint32_t part_w = part_of(want->crop_width, w), part_h = part_of(want->crop_height, h);
    out->width = (double)part_w / w;
    out->height = (double)part_h / h;
    if (at.kind == ALB_GRAVITY_SMART) {
        at = (struct alb_gravity){ALB_GRAVITY_CENTRE, 0, 0};
        if (look.rgba)
            at = attention(&look, fmax(hypot(out->width * look.width, out->height * look.height) / 10, 1));
    }
    out->left = (double)alb_place_x(&at, w, part_w, 1, false) / w;
    out->top = (double)alb_place_y(&at, h, part_h, 1, false) / h;
    return true;
}
