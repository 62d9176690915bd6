/* SPDX-License-Identifier: Apache-2.0
 *
 * curve(): natural cubic splines through points (Press et al., Numerical Recipes, "Cubic Spline Interpolation"), the
 * ends go on level. First the channel's own curve, then that of all (contract: filters.h).
 */
#include <math.h>
#include <string.h>

#include "doors/thumbor/filters.h"

#define POINTS_MAX 64

struct points {
    double x[POINTS_MAX], y[POINTS_MAX];
    size_t n;
};

static double byte_of(struct alb_str s)
{
    int64_t v = alb_thumbor_int(alb_str_trim(s));
    return v < 0 ? 0 : v > 255 ? 255 : (double)v;
}

/* "(x,y)" anywhere in `list`; what does not go on to the right is passed over. */
static void read_points(struct alb_str list, struct points *p)
{
    struct alb_str before, point, x, y;
    p->n = 0;
    while (p->n < POINTS_MAX && alb_str_cut(list, '(', &before, &list) &&
           alb_str_cut(list, ')', &point, &list)) {
        if (!alb_str_cut(point, ',', &x, &y))
            continue;
        p->x[p->n] = byte_of(x);
        p->y[p->n] = byte_of(y);
        if (p->n == 0 || p->x[p->n] > p->x[p->n - 1])
            p->n++;
    }
}

/* Second derivatives at the points. */
static void bend(const struct points *p, double *d)
{
    double u[POINTS_MAX] = {0};
    d[0] = 0;
    for (size_t i = 1; i + 1 < p->n; i++) {
        double sig = (p->x[i] - p->x[i - 1]) / (p->x[i + 1] - p->x[i - 1]), k = sig * d[i - 1] + 2;
        double slope = (p->y[i + 1] - p->y[i]) / (p->x[i + 1] - p->x[i]) -
                       (p->y[i] - p->y[i - 1]) / (p->x[i] - p->x[i - 1]);
        d[i] = (sig - 1) / k;
        u[i] = (6 * slope / (p->x[i + 1] - p->x[i - 1]) - sig * u[i - 1]) / k;
    }
    d[p->n - 1] = 0;
    for (size_t i = p->n - 1; i-- > 0;)
        d[i] = d[i] * d[i + 1] + u[i];
}

static double at(const struct points *p, const double *d, double x)
{
    size_t i = 0;
    if (x <= p->x[0])
        return p->y[0];
    if (x >= p->x[p->n - 1])
        return p->y[p->n - 1];
    while (p->x[i + 1] < x)
        i++;
    double h = p->x[i + 1] - p->x[i], a = (p->x[i + 1] - x) / h, b = 1 - a;
    return a * p->y[i] + b * p->y[i + 1] + ((a * a * a - a) * d[i] + (b * b * b - b) * d[i + 1]) * h * h / 6;
}

static void make_table(struct alb_str list, unsigned char table[256])
{
    struct points p;
    double d[POINTS_MAX];
    read_points(list, &p);
    if (p.n > 0)
        bend(&p, d);
    for (unsigned x = 0; x < 256; x++)
        table[x] = p.n > 0 ? (unsigned char)lround(fmin(fmax(at(&p, d, x), 0), 255)) : (unsigned char)x;
}

bool alb_thumbor_curve(struct alb_arena *arena, struct alb_str args, struct alb_str *tables)
{
    unsigned char table[4][256], *out = alb_arena_alloc(arena, 3 * 256);
    struct alb_str rest = alb_thumbor_unescape(arena, args), before, list;
    if (!out)
        return false;
    for (size_t i = 0; i < 4; i++) {
        list = ALB_STR_NONE;
        if (alb_str_cut(rest, '[', &before, &rest))
            (void)alb_str_cut(rest, ']', &list, &rest);
        make_table(list, table[i]);
    }
    for (size_t i = 0; i < 3 * 256; i++)
        out[i] = table[0][table[1 + i / 256][i % 256]];
    *tables = alb_str_n((const char *)out, 3 * 256);
    return true;
}
