/* SPDX-License-Identifier: Apache-2.0 */
#include "image/look.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PIXELS_MAX (ALB_LOOK_SIDE * ALB_LOOK_SIDE)
#define OPAQUE 128 /* what is fainter counts as transparent in palettes */
#define PI 3.14159265358979323846

static size_t count_of(const struct alb_look *l)
{
    return (size_t)l->width * l->height;
}

bool alb_look_has_alpha(const struct alb_look *l)
{
    for (size_t i = 0; i < count_of(l); i++)
        if (l->rgba[4 * i + 3] != 255)
            return true;
    return false;
}

struct alb_colour alb_look_average(const struct alb_look *l, bool ignore_transparent)
{
    double sum[4] = {0}, weight = 0;
    size_t n = count_of(l), counted = 0;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = l->rgba + 4 * i;
        double w = ignore_transparent ? p[3] / 255.0 : 1;
        for (int c = 0; c < 3; c++)
            sum[c] += p[c] * w;
        weight += w;
        if (!ignore_transparent || p[3] > 0) {
            sum[3] += p[3];
            counted++;
        }
    }
    if (weight <= 0)
        return (struct alb_colour){0, 0, 0, 0};
    return (struct alb_colour){(uint8_t)lround(sum[0] / weight), (uint8_t)lround(sum[1] / weight),
                               (uint8_t)lround(sum[2] / weight), (uint8_t)lround(sum[3] / (double)counted)};
}

/* ---- median cut ---- */

struct box {
    size_t first, n; /* of the pixels */
    int axis, range; /* its longest side */
};

static void measure(const struct alb_colour *px, struct box *b)
{
    uint8_t least[3] = {255, 255, 255}, most[3] = {0, 0, 0};
    for (size_t i = b->first; i < b->first + b->n; i++) {
        const uint8_t v[3] = {px[i].r, px[i].g, px[i].b};
        for (int c = 0; c < 3; c++) {
            least[c] = v[c] < least[c] ? v[c] : least[c];
            most[c] = v[c] > most[c] ? v[c] : most[c];
        }
    }
    b->range = 0;
    for (int c = 0; c < 3; c++) {
        if (most[c] - least[c] > b->range) {
            b->range = most[c] - least[c];
            b->axis = c;
        }
    }
}

static int whole_order(const struct alb_colour *a, const struct alb_colour *b)
{
    int x = a->r << 16 | a->g << 8 | a->b, y = b->r << 16 | b->g << 8 | b->b;
    return x - y;
}

static int by_r(const void *a, const void *b)
{
    const struct alb_colour *x = a, *y = b;
    return x->r != y->r ? x->r - y->r : whole_order(x, y);
}

static int by_g(const void *a, const void *b)
{
    const struct alb_colour *x = a, *y = b;
    return x->g != y->g ? x->g - y->g : whole_order(x, y);
}

static int by_b(const void *a, const void *b)
{
    const struct alb_colour *x = a, *y = b;
    return x->b != y->b ? x->b - y->b : whole_order(x, y);
}

static struct alb_colour mean(const struct alb_colour *px, const struct box *b)
{
    size_t r = b->n / 2, g = r, bl = r;
    for (size_t i = b->first; i < b->first + b->n; i++) {
        r += px[i].r;
        g += px[i].g;
        bl += px[i].b;
    }
    return (struct alb_colour){(uint8_t)(r / b->n), (uint8_t)(g / b->n), (uint8_t)(bl / b->n), 255};
}

/* The box that is worth most to cut; count: none has two colours. */
static unsigned widest(const struct box *boxes, unsigned count)
{
    unsigned best = count;
    double most = 0;
    for (unsigned i = 0; i < count; i++) {
        double worth = boxes[i].range * sqrt((double)boxes[i].n);
        if (boxes[i].n > 1 && boxes[i].range > 0 && worth > most) {
            most = worth;
            best = i;
        }
    }
    return best;
}

static int larger_first(const void *a, const void *b)
{
    const struct box *x = a, *y = b;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return x->first < y->first ? -1 : 1;
}

static bool is_step(const struct alb_colour *px, int axis)
{
    const int d[3] = {px[0].r - px[-1].r, px[0].g - px[-1].g, px[0].b - px[-1].b};
    return d[axis] != 0;
}

/* Where sorted pixels change their value, as near to the median as that is: no colour is on both sides. */
static size_t near_median(const struct alb_colour *px, const struct box *b)
{
    size_t up = b->n / 2, down = up;
    while (up < b->n && !is_step(px + b->first + up, b->axis))
        up++;
    while (down > 0 && !is_step(px + b->first + down, b->axis))
        down--;
    if (down == 0)
        return up;
    return up == b->n || b->n / 2 - down <= up - b->n / 2 ? down : up;
}

static unsigned cut(struct alb_colour *px, size_t n, unsigned max, struct box *boxes)
{
    static int (*const order[3])(const void *, const void *) = {by_r, by_g, by_b};
    unsigned count = 1;
    boxes[0] = (struct box){.n = n};
    measure(px, &boxes[0]);
    while (count < max) {
        unsigned i = widest(boxes, count);
        if (i == count)
            break;
        struct box *b = &boxes[i], *other = &boxes[count++];
        qsort(px + b->first, b->n, sizeof(*px), order[b->axis]);
        size_t half = near_median(px, b);
        *other = (struct box){.first = b->first + half, .n = b->n - half};
        b->n = half;
        measure(px, b);
        measure(px, other);
    }
    qsort(boxes, count, sizeof(*boxes), larger_first);
    return count;
}

/* Boxes with their colours; 0: nothing opaque, or no memory. */
static unsigned sort_out(const struct alb_look *l, unsigned max, struct box *boxes, struct alb_colour *out)
{
    size_t n = 0;
    unsigned count = 0;
    struct alb_colour *px = alb_mem_alloc(PIXELS_MAX * sizeof(*px));
    for (size_t i = 0; px && i < count_of(l) && i < PIXELS_MAX; i++) {
        const uint8_t *p = l->rgba + 4 * i;
        if (p[3] >= OPAQUE)
            px[n++] = (struct alb_colour){p[0], p[1], p[2], 255};
    }
    if (n > 0)
        count = cut(px, n, max, boxes);
    for (unsigned i = 0; i < count; i++)
        out[i] = mean(px, &boxes[i]);
    alb_mem_free(px);
    return count;
}

unsigned alb_look_palette(const struct alb_look *l, unsigned max,
                          struct alb_colour out[static ALB_LOOK_PALETTE_MAX])
{
    struct box boxes[ALB_LOOK_PALETTE_MAX];
    if (max < 1 || max > ALB_LOOK_PALETTE_MAX)
        return 0;
    return sort_out(l, max, boxes, out);
}

/* ---- dominant colours ---- */

#define SWATCHES 64

struct target {
    double sat_least, sat, sat_most, light_least, light, light_most;
};
static const struct target targets[ALB_DOMINANT_COUNT] = {
    [ALB_DOMINANT_VIBRANT] = {0.35, 1, 1, 0.3, 0.5, 0.7},
    [ALB_DOMINANT_LIGHT_VIBRANT] = {0.35, 1, 1, 0.55, 0.74, 1},
    [ALB_DOMINANT_DARK_VIBRANT] = {0.35, 1, 1, 0, 0.26, 0.45},
    [ALB_DOMINANT_MUTED] = {0, 0.3, 0.4, 0.3, 0.5, 0.7},
    [ALB_DOMINANT_LIGHT_MUTED] = {0, 0.3, 0.4, 0.55, 0.74, 1},
    [ALB_DOMINANT_DARK_MUTED] = {0, 0.3, 0.4, 0, 0.26, 0.45},
};

const char *alb_dominant_name(enum alb_dominant d)
{
    static const char *const names[ALB_DOMINANT_COUNT] = {"vibrant", "light_vibrant", "dark_vibrant",
                                                          "muted",   "light_muted",   "dark_muted"};
    return d < ALB_DOMINANT_COUNT ? names[d] : "?";
}

static void to_hsl(struct alb_colour c, double *h, double *s, double *l)
{
    double r = c.r / 255.0, g = c.g / 255.0, b = c.b / 255.0;
    double most = fmax(r, fmax(g, b)), least = fmin(r, fmin(g, b)), d = most - least;
    *l = (most + least) / 2;
    *h = *s = 0;
    if (d <= 0)
        return;
    *s = d / (1 - fabs(2 * *l - 1));
    if (most <= r)
        *h = fmod((g - b) / d + 6, 6);
    else if (most <= g)
        *h = (b - r) / d + 2;
    else
        *h = (r - g) / d + 4;
}

static struct alb_colour from_hsl(double h, double s, double l)
{
    double chroma = (1 - fabs(2 * l - 1)) * s, x = chroma * (1 - fabs(fmod(h, 2) - 1)), m = l - chroma / 2;
    const double table[6][3] = {{chroma, x, 0}, {x, chroma, 0}, {0, chroma, x},
                                {0, x, chroma}, {x, 0, chroma}, {chroma, 0, x}};
    const double *v = table[(int)h % 6];
    return (struct alb_colour){(uint8_t)lround((v[0] + m) * 255), (uint8_t)lround((v[1] + m) * 255),
                               (uint8_t)lround((v[2] + m) * 255), 255};
}

static double score(struct alb_colour c, double share, const struct target *t)
{
    double h, s, l;
    to_hsl(c, &h, &s, &l);
    if (s < t->sat_least || s > t->sat_most || l < t->light_least || l > t->light_most)
        return -1;
    return 3 * (1 - fabs(s - t->sat)) + 6.5 * (1 - fabs(l - t->light)) + 0.5 * share;
}

/* From the same hue at another lightness, or from the first one that was found. */
static void build_missing(unsigned found, struct alb_colour out[static ALB_DOMINANT_COUNT])
{
    unsigned first = 0;
    while (first < ALB_DOMINANT_COUNT && !(found & 1u << first))
        first++;
    for (unsigned i = 0; i < ALB_DOMINANT_COUNT; i++) {
        double h, s, l;
        unsigned kin = i < ALB_DOMINANT_MUTED ? ALB_DOMINANT_VIBRANT : ALB_DOMINANT_MUTED;
        if (found & 1u << i)
            continue;
        to_hsl(out[found & 1u << kin ? kin : first], &h, &s, &l);
        out[i] = from_hsl(h, fmin(fmax(s, targets[i].sat_least), targets[i].sat_most), targets[i].light);
    }
}

unsigned alb_look_dominant(const struct alb_look *l, bool build,
                           struct alb_colour out[static ALB_DOMINANT_COUNT])
{
    struct box boxes[SWATCHES];
    struct alb_colour colours[SWATCHES];
    bool used[SWATCHES] = {false};
    unsigned n = sort_out(l, SWATCHES, boxes, colours), found = 0;
    memset(out, 0, ALB_DOMINANT_COUNT * sizeof(*out));
    for (unsigned t = 0; t < ALB_DOMINANT_COUNT; t++) {
        double most = 0;
        unsigned best = n;
        for (unsigned i = 0; i < n; i++) {
            double s = used[i] ? -1 : score(colours[i], (double)boxes[i].n / (double)boxes[0].n, &targets[t]);
            if (s > most) {
                most = s;
                best = i;
            }
        }
        if (best == n)
            continue;
        used[best] = true;
        out[t] = colours[best];
        found |= 1u << t;
    }
    if (!build || !found)
        return found;
    build_missing(found, out);
    return (1u << ALB_DOMINANT_COUNT) - 1;
}

/* ---- blurhash ---- */

static double linear(uint8_t v)
{
    double f = v / 255.0;
    return f <= 0.04045 ? f / 12.92 : pow((f + 0.055) / 1.055, 2.4);
}

static unsigned encoded(double v)
{
    double f = fmin(fmax(v, 0), 1);
    return (unsigned)(f <= 0.0031308 ? f * 12.92 * 255 + 0.5 : (1.055 * pow(f, 1 / 2.4) - 0.055) * 255 + 0.5);
}

static void put83(char **out, unsigned v, unsigned digits)
{
    static const char alphabet[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";
    for (unsigned i = 0; i < digits; i++, v /= 83)
        (*out)[digits - 1 - i] = alphabet[v % 83];
    *out += digits;
}

/* What does not change from component to component: light of every pixel value, and the waves across. */
struct waves {
    double light[256], across[9][ALB_LOOK_SIDE];
};

static void make_waves(const struct alb_look *l, struct waves *w)
{
    for (unsigned v = 0; v < 256; v++)
        w->light[v] = linear((uint8_t)v);
    for (unsigned k = 0; k < 9; k++)
        for (uint32_t x = 0; x < l->width; x++)
            w->across[k][x] = cos(PI * k * x / l->width);
}

static void component(const struct alb_look *l, const struct waves *w, unsigned cx, unsigned cy, double out[3])
{
    double sum[3] = {0, 0, 0}, scale = (cx == 0 && cy == 0 ? 1.0 : 2.0) / ((double)l->width * l->height);
    const uint8_t *p = l->rgba;
    for (uint32_t y = 0; y < l->height; y++) {
        double down = cos(PI * cy * y / l->height);
        for (uint32_t x = 0; x < l->width; x++, p += 4) {
            double basis = down * w->across[cx][x];
            for (int c = 0; c < 3; c++)
                sum[c] += basis * w->light[p[c]];
        }
    }
    for (int c = 0; c < 3; c++)
        out[c] = sum[c] * scale;
}

static unsigned quantised(double v, double most)
{
    double f = copysign(sqrt(fabs(v / most)), v);
    return (unsigned)fmin(fmax(floor(f * 9 + 9.5), 0), 18);
}

void alb_look_blurhash(const struct alb_look *l, unsigned x, unsigned y, char out[static ALB_BLURHASH_MAX])
{
    double f[81][3], largest = 0, most = 1;
    struct waves w;
    unsigned n = x * y, level = 0;
    out[0] = '\0';
    if (x < 1 || x > 9 || y < 1 || y > 9)
        return;
    make_waves(l, &w);
    for (unsigned i = 0; i < n; i++) {
        component(l, &w, i % x, i / x, f[i]);
        for (int c = 0; c < 3 && i > 0; c++)
            largest = fmax(largest, fabs(f[i][c]));
    }
    put83(&out, x - 1 + (y - 1) * 9, 1);
    if (n > 1) {
        level = (unsigned)fmin(fmax(floor(largest * 166 - 0.5), 0), 82);
        most = (level + 1) / 166.0;
    }
    put83(&out, level, 1);
    put83(&out, encoded(f[0][0]) << 16 | encoded(f[0][1]) << 8 | encoded(f[0][2]), 4);
    for (unsigned i = 1; i < n; i++)
        put83(&out,
              (quantised(f[i][0], most) * 19 + quantised(f[i][1], most)) * 19 + quantised(f[i][2], most), 2);
    *out = '\0';
}

/* ---- perceptual hash ---- */

#define DCT 32
#define LOW 8

static double grey_at(const struct alb_look *l, unsigned x, unsigned y)
{
    const uint8_t *p = l->rgba + 4 * ((size_t)(y * l->height / DCT) * l->width + x * l->width / DCT);
    return 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

uint64_t alb_look_phash(const struct alb_look *l)
{
    double low[LOW * LOW], sorted[LOW * LOW], rows[DCT][LOW], wave[LOW][DCT];
    uint64_t bits = 0;
    for (unsigned u = 0; u < LOW; u++)
        for (unsigned x = 0; x < DCT; x++)
            wave[u][x] =
                cos(PI * (u + 1) * (x + 0.5) / DCT); /* without the mean: it says nothing of a picture */
    for (unsigned y = 0; y < DCT; y++) {
        for (unsigned u = 0; u < LOW; u++) {
            rows[y][u] = 0;
            for (unsigned x = 0; x < DCT; x++)
                rows[y][u] += grey_at(l, x, y) * wave[u][x];
        }
    }
    for (unsigned i = 0; i < LOW * LOW; i++) {
        low[i] = 0;
        for (unsigned y = 0; y < DCT; y++)
            low[i] += rows[y][i % LOW] * wave[i / LOW][y];
    }
    memcpy(sorted, low, sizeof(low));
    qsort(sorted, LOW * LOW, sizeof(sorted[0]), by_value);
    double median = (sorted[LOW * LOW / 2 - 1] + sorted[LOW * LOW / 2]) / 2;
    for (unsigned i = 0; i < LOW * LOW; i++)
        bits = bits << 1 | (low[i] > median ? 1u : 0u);
    return bits;
}
