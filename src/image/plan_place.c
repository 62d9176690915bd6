/* SPDX-License-Identifier: Apache-2.0
 *
 * Where things lie: a part on a side, by gravity, and gravity as seen through turns and mirrors. Halves are
 * rounded to even, and each expression is one operation on doubles at a time (the build forbids the compiler to
 * fuse them): the numbers are those of imgproxy (its processing/calc_position.go and gravity.go) on every
 * machine.
 */
#include <math.h>

#include "image/plan_priv.h"

/* Per kind: -1 = at the left / top, 1 = at the right / bottom, 0 = in the middle. */
static const struct {
    signed char x, y;
} direction[ALB_GRAVITY_COUNT] = {
    [ALB_GRAVITY_CENTRE] = {0, 0},       [ALB_GRAVITY_NORTH] = {0, -1},
    [ALB_GRAVITY_SOUTH] = {0, 1},        [ALB_GRAVITY_EAST] = {1, 0},
    [ALB_GRAVITY_WEST] = {-1, 0},        [ALB_GRAVITY_NORTH_EAST] = {1, -1},
    [ALB_GRAVITY_NORTH_WEST] = {-1, -1}, [ALB_GRAVITY_SOUTH_EAST] = {1, 1},
    [ALB_GRAVITY_SOUTH_WEST] = {-1, 1},  [ALB_GRAVITY_POINT] = {0, 0},
    [ALB_GRAVITY_SMART] = {0, 0},
};

int64_t alb_even(double v)
{
    if (!(v > -1e15)) /* NaN as well */
        return -1000000000000000;
    return v < 1e15 ? (int64_t)nearbyint(v) : 1000000000000000;
}

static int64_t offset(double v, int64_t side, double dpr)
{
    return fabs(v) >= 1.0 ? alb_even(v * dpr) : alb_even((double)side * v);
}

/* where: -1, 0, 1. */
static int64_t place(int where, bool point, double v, int64_t side, int64_t part, double dpr, bool over)
{
    int64_t off = point ? 0 : offset(v, side, dpr), at;
    if (point)
        at = alb_even((double)side * v) - part / 2;
    else if (where < 0)
        at = off;
    else if (where > 0)
        at = side - part - off;
    else
        at = alb_even((double)(side - part + 1) / 2.0) + off;
    int64_t least = over ? 1 - part : 0, most = over ? side - 1 : side - part;
    at = at < most ? at : most;
    return at > least ? at : least;
}

static int64_t place_down(int where, bool point, double v, int64_t side, int64_t part)
{
    int64_t most = side - part;
    if (most <= 0)
        return 0;
    if (point) {
        double at = (double)side * v - (double)part / 2;
        return at > 0 ? (at < (double)most ? (int64_t)at : most) : 0;
    }
    return where < 0 ? 0 : where > 0 ? most : most / 2;
}

int64_t alb_place_down_x(const struct alb_gravity *g, uint32_t side, uint32_t part)
{
    return place_down(direction[g->kind].x, g->kind == ALB_GRAVITY_POINT, g->x, side, part);
}

int64_t alb_place_down_y(const struct alb_gravity *g, uint32_t side, uint32_t part)
{
    return place_down(direction[g->kind].y, g->kind == ALB_GRAVITY_POINT, g->y, side, part);
}

int64_t alb_place_x(const struct alb_gravity *g, uint32_t side, uint32_t part, double dpr, bool over)
{
    return place(direction[g->kind].x, g->kind == ALB_GRAVITY_POINT, g->x, side, part, dpr, over);
}

int64_t alb_place_y(const struct alb_gravity *g, uint32_t side, uint32_t part, double dpr, bool over)
{
    return place(direction[g->kind].y, g->kind == ALB_GRAVITY_POINT, g->y, side, part, dpr, over);
}

/* ---- through turns ---- */

static enum alb_gravity_kind kind_of(int x, int y)
{
    for (unsigned k = 0; k < ALB_GRAVITY_POINT; k++) {
        if (direction[k].x == x && direction[k].y == y)
            return (enum alb_gravity_kind)k;
    }
    return ALB_GRAVITY_CENTRE;
}

/* An offset counts towards the inside; in the middle, where there is none, to the right and down. So it turns
 * its sign with a mirror only there. */
static void mirror_x(struct alb_gravity *g)
{
    int x = direction[g->kind].x;
    if (g->kind == ALB_GRAVITY_POINT)
        g->x = 1.0 - g->x;
    else if (x == 0)
        g->x = -g->x;
    if (x != 0)
        g->kind = kind_of(-x, direction[g->kind].y);
}

static void mirror_y(struct alb_gravity *g)
{
    int y = direction[g->kind].y;
    if (g->kind == ALB_GRAVITY_POINT)
        g->y = 1.0 - g->y;
    else if (y == 0)
        g->y = -g->y;
    if (y != 0)
        g->kind = kind_of(direction[g->kind].x, -y);
}

static void swap(struct alb_gravity *g)
{
    double x = g->x;
    g->x = g->y;
    g->y = x;
    if (g->kind < ALB_GRAVITY_POINT)
        g->kind = kind_of(direction[g->kind].y, direction[g->kind].x);
}

void alb_gravity_before(struct alb_gravity *g, unsigned degrees, bool flip_h, bool flip_v)
{
    if (g->kind == ALB_GRAVITY_SMART)
        return;
    if (flip_h)
        mirror_x(g);
    if (flip_v)
        mirror_y(g);
    switch (degrees % 360) {
    case 90:
        swap(g);
        mirror_y(g);
        break;
    case 180:
        mirror_x(g);
        mirror_y(g);
        break;
    case 270:
        swap(g);
        mirror_x(g);
        break;
    default:
        break;
    }
}

void alb_gravity_to_stored(struct alb_gravity *g, uint8_t orientation, const struct alb_plan_options *o)
{
    static const unsigned short degrees[9] = {0, 0, 0, 180, 180, 90, 90, 270, 270};
    static const bool flipped[9] = {false, false, true, false, true, true, false, true, false};
    alb_gravity_before(g, o->turn, o->flip_h, o->flip_v);
    alb_gravity_before(g, degrees[orientation], flipped[orientation], false);
}
