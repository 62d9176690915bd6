/* SPDX-License-Identifier: Apache-2.0 */
#include "image/general_frame.h"

#include <stdbool.h>
#include <stddef.h>

static const uint8_t *pixel(const struct alb_nine *n, uint32_t x, uint32_t y)
{
    return n->rgba + 4 * ((size_t)y * n->width + x);
}

static bool is_black(const struct alb_nine *n, uint32_t x, uint32_t y)
{
    const uint8_t *p = pixel(n, x, y);
    return p[0] == 0 && p[1] == 0 && p[2] == 0 && p[3] == 255;
}

/* ---- the line ---- */

/* One axis of it: the near line says what is stretched, the far one what is filled. */
struct axis {
    const struct alb_nine *n;
    bool down;
};

static uint32_t length(struct axis a)
{
    return a.down ? a.n->height : a.n->width;
}

static bool stretches(struct axis a, uint32_t i)
{
    return a.down ? is_black(a.n, 0, i) : is_black(a.n, i, 0);
}

static bool fills(struct axis a, uint32_t i)
{
    return a.down ? is_black(a.n, a.n->width - 1, i) : is_black(a.n, i, a.n->height - 1);
}

/* How much of it lies before what is to be filled, and behind; neither if nothing is said. */
static void sides(struct axis a, uint32_t *before, uint32_t *behind)
{
    uint32_t end = length(a) - 1, first = 1, last = end - 1;
    *before = *behind = 0;
    while (first < end && !fills(a, first))
        first++;
    if (first == end)
        return;
    while (!fills(a, last))
        last--;
    *before = first - 1;
    *behind = end - 1 - last;
}

void alb_nine_inside(const struct alb_nine *n, struct alb_rect *inside)
{
    uint32_t left, right, top, bottom;
    sides((struct axis){n, false}, &left, &right);
    sides((struct axis){n, true}, &top, &bottom);
    *inside = (struct alb_rect){left, top, n->width - left - right, n->height - top - bottom};
}

/* ---- pieces ---- */

static uint32_t stretchy(struct axis a)
{
    uint32_t all = 0;
    for (uint32_t i = 1; i + 1 < length(a); i++)
        all += stretches(a, i);
    return all;
}

/* A run of columns or rows that are alike, and where it goes to. */
struct run {
    uint32_t from, n, to, to_n;
};

/* The run that begins at r->from + r->n; false: there is none. */
static bool next_run(struct axis a, uint32_t all, uint32_t room, struct run *r)
{
    uint32_t from = r->from + r->n, end = length(a) - 1, n = 1;
    if (from >= end)
        return false;
    bool wide = stretches(a, from);
    while (from + n < end && stretches(a, from + n) == wide)
        n++;
    uint32_t to = r->to + r->to_n;
    *r = (struct run){from, n, to, wide ? (uint32_t)((double)n / all * room + 0.5) : n};
    return true;
}

static uint32_t room_for(struct axis a, uint32_t all, uint32_t whole)
{
    uint32_t fixed = length(a) - 2 - all;
    return whole > fixed ? whole - fixed : 0;
}

/* ---- drawing ---- */

/* Between four pixels, premultiplied, so that the colour of what is clear does not show. */
static void mix(const struct alb_nine *n, uint32_t x, uint32_t y, double fx, double fy, uint8_t *out)
{
    const uint32_t x1 = x + 1 < n->width ? x + 1 : x, y1 = y + 1 < n->height ? y + 1 : y;
    const uint8_t *p[4] = {pixel(n, x, y), pixel(n, x1, y), pixel(n, x, y1), pixel(n, x1, y1)};
    const double w[4] = {(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy};
    double alpha = 0, c[3] = {0, 0, 0};
    for (int i = 0; i < 4; i++) {
        alpha += w[i] * p[i][3];
        for (int k = 0; k < 3; k++)
            c[k] += w[i] * p[i][3] * p[i][k];
    }
    out[3] = (uint8_t)(alpha + 0.5);
    for (int k = 0; k < 3 && alpha > 0; k++)
        out[k] = (uint8_t)(c[k] / alpha + 0.5);
}

static void draw_piece(const struct alb_nine *n, const struct run *x, const struct run *y, uint8_t *out,
                       uint32_t width)
{
    double by_x = ((double)x->n - 1) / x->to_n, by_y = ((double)y->n - 1) / y->to_n;
    if (x->to_n == x->n) /* as it is: no pixel is mixed */
        by_x = 1;
    if (y->to_n == y->n)
        by_y = 1;
    for (uint32_t j = 0; j < y->to_n; j++) {
        uint32_t sy = (uint32_t)(by_y * j);
        for (uint32_t i = 0; i < x->to_n; i++) {
            uint32_t sx = (uint32_t)(by_x * i);
            mix(n, x->from + sx, y->from + sy, by_x * i - sx, by_y * j - sy,
                out + 4 * ((size_t)(y->to + j) * width + x->to + i));
        }
    }
}

void alb_nine_draw(const struct alb_nine *n, uint8_t *out, uint32_t width, uint32_t height)
{
    struct axis across = {n, false}, down = {n, true};
    uint32_t all_x = stretchy(across), all_y = stretchy(down);
    uint32_t room_x = room_for(across, all_x, width), room_y = room_for(down, all_y, height);
    struct run y = {1, 0, 0, 0};
    while (next_run(down, all_y, room_y, &y)) {
        struct run x = {1, 0, 0, 0};
        while (next_run(across, all_x, room_x, &x)) {
            if (x.to + x.to_n <= width && y.to + y.to_n <= height)
                draw_piece(n, &x, &y, out, width);
        }
    }
}
