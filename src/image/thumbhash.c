/* SPDX-License-Identifier: Apache-2.0
 *
 * Encoding: the picture over its average colour becomes four channels (lightness, yellow-blue, red-green,
 * alpha); of each a few low frequencies of a cosine transform are kept: the constant one in the header, the
 * others scaled to 4 bits.
 */
#include "image/thumbhash.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

#define SIDE ALB_THUMBHASH_SIDE
#define PI 3.14159265358979323846
#define TERMS_MAX 32 /* 27 for 7 x 7 */

struct channel {
    double dc, scale;
    double ac[TERMS_MAX];
    unsigned count;
};

struct picture {
    unsigned w, h;
    bool alpha;
    double lpqa[4][SIDE * SIDE];
};

static void split(const uint8_t *rgba, struct picture *p)
{
    size_t n = (size_t)p->w * p->h;
    double avg[4] = {0, 0, 0, 0};
    for (size_t i = 0; i < n; i++) {
        double alpha = rgba[4 * i + 3] / 255.0;
        for (size_t c = 0; c < 3; c++)
            avg[c] += alpha / 255.0 * rgba[4 * i + c];
        avg[3] += alpha;
    }
    for (size_t c = 0; c < 3 && avg[3] > 0; c++)
        avg[c] /= avg[3];
    p->alpha = avg[3] < (double)n;
    for (size_t i = 0; i < n; i++) {
        double alpha = rgba[4 * i + 3] / 255.0, v[3];
        for (size_t c = 0; c < 3; c++)
            v[c] = avg[c] * (1 - alpha) + alpha / 255.0 * rgba[4 * i + c];
        p->lpqa[0][i] = (v[0] + v[1] + v[2]) / 3;
        p->lpqa[1][i] = (v[0] + v[1]) / 2 - v[2];
        p->lpqa[2][i] = v[0] - v[1];
        p->lpqa[3][i] = alpha;
    }
}

static double term(const struct picture *p, const double *v, unsigned cx, unsigned cy)
{
    double fx[SIDE], f = 0;
    for (unsigned x = 0; x < p->w; x++)
        fx[x] = cos(PI / p->w * cx * (x + 0.5));
    for (unsigned y = 0; y < p->h; y++) {
        double fy = cos(PI / p->h * cy * (y + 0.5));
        for (unsigned x = 0; x < p->w; x++) /* in the order of the reference: ties round the same way */
            f += v[(size_t)y * p->w + x] * fx[x] * fy;
    }
    return f / ((double)p->w * p->h);
}

static void transform(const struct picture *p, const double *v, unsigned nx, unsigned ny, struct channel *c)
{
    memset(c, 0, sizeof(*c));
    for (unsigned cy = 0; cy < ny; cy++) {
        for (unsigned cx = 0; cx * ny < nx * (ny - cy); cx++) {
            double f = term(p, v, cx, cy);
            if (cx == 0 && cy == 0) {
                c->dc = f;
                continue;
            }
            c->ac[c->count++] = f;
            c->scale = fmax(c->scale, fabs(f));
        }
    }
    for (unsigned i = 0; i < c->count && c->scale > 0; i++)
        c->ac[i] = 0.5 + 0.5 / c->scale * c->ac[i];
}

static uint32_t rounded(double v)
{
    return (uint32_t)floor(v + 0.5);
}

static unsigned side_terms(unsigned limit, unsigned side, unsigned longest)
{
    unsigned n = (unsigned)floor((double)limit * side / longest + 0.5);
    return n < 1 ? 1 : n;
}

static size_t put_terms(uint8_t *out, size_t nibble, const struct channel *c)
{
    for (unsigned i = 0; i < c->count; i++, nibble++)
        out[nibble / 2] |= (uint8_t)(rounded(15 * c->ac[i]) << (nibble % 2 * 4));
    return nibble;
}

static size_t encode(const struct picture *p, uint8_t out[static 32])
{
    struct channel l, py, q, a = {0};
    unsigned limit = p->alpha ? 5 : 7, longest = p->w > p->h ? p->w : p->h;
    unsigned lx = side_terms(limit, p->w, longest), ly = side_terms(limit, p->h, longest);
    transform(p, p->lpqa[0], lx < 3 ? 3 : lx, ly < 3 ? 3 : ly, &l);
    transform(p, p->lpqa[1], 3, 3, &py);
    transform(p, p->lpqa[2], 3, 3, &q);
    if (p->alpha)
        transform(p, p->lpqa[3], 5, 5, &a);
    memset(out, 0, 32);
    bool landscape = p->w > p->h;
    uint32_t head = rounded(63 * l.dc) | rounded(31.5 + 31.5 * py.dc) << 6 |
                    rounded(31.5 + 31.5 * q.dc) << 12 | rounded(31 * l.scale) << 18 |
                    (uint32_t)p->alpha << 23;
    uint32_t tail = (landscape ? ly : lx) | rounded(63 * py.scale) << 3 | rounded(63 * q.scale) << 9 |
                    (uint32_t)landscape << 15;
    out[0] = (uint8_t)head;
    out[1] = (uint8_t)(head >> 8);
    out[2] = (uint8_t)(head >> 16);
    out[3] = (uint8_t)tail;
    out[4] = (uint8_t)(tail >> 8);
    size_t start = 5;
    if (p->alpha)
        out[start++] = (uint8_t)(rounded(15 * a.dc) | rounded(15 * a.scale) << 4);
    size_t nibbles = put_terms(out + start, 0, &l);
    nibbles = put_terms(out + start, nibbles, &py);
    nibbles = put_terms(out + start, nibbles, &q);
    if (p->alpha)
        nibbles = put_terms(out + start, nibbles, &a);
    return start + (nibbles + 1) / 2;
}

size_t alb_thumbhash(const uint8_t *rgba, unsigned w, unsigned h, uint8_t out[static 32])
{
    if (w == 0 || h == 0 || w > SIDE || h > SIDE)
        return 0;
    struct picture *p = alb_mem_calloc(1, sizeof(*p)); /* 320 KB: too much for a stack */
    if (!p)
        return 0;
    p->w = w;
    p->h = h;
    split(rgba, p);
    size_t n = encode(p, out);
    alb_mem_free(p);
    return n;
}
