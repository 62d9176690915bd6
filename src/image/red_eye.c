/* SPDX-License-Identifier: Apache-2.0
 *
 * Red pixels that touch are one spot (runs of each row, joined with those of the row above); of a spot only its box
 * and its size are kept. Red is what thumbor's red_eye() takes for it: as much as green and blue together. Skin: P.
 * Peer, J. Kovac, F. Solina, "Human skin colour clustering for face detection" (2003), by daylight.
 */
#include "image/red_eye.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SPOTS_MAX 65536 /* more of them: a picture that is red all over */
#define PUPILS_MAX 256
#define RED_LEAST 60 /* darker ones are no colour */
#define SIDE_LEAST 3
#define SIDE_SHARE 8    /* of the picture's shorter side: no larger pupil */
#define ASPECT 2        /* of its box, at most */
#define FILLED 0.4      /* of its box; a glint may be in it */
#define SKIN_SHARE 0.25 /* of what is around it */
#define APART_LEAST 2.5 /* of the pupils' size */
#define APART_MOST 24.0
#define FADES_FROM 1.4 /* red over the mean of green and blue: at the edge of a pupil less is taken away */
#define FADES_TO 2.0

struct view {
    uint8_t *p;
    uint32_t w, h;
    unsigned bands;
};
struct spot {
    uint32_t left, top, right, bottom; /* inclusive */
    uint64_t pixels;
    uint32_t into; /* another spot that it has become part of; itself: none */
};
struct spots {
    struct spot *at;
    uint32_t count;
};
struct run {
    uint32_t from, to, spot; /* to: exclusive */
};
struct row {
    struct run *run;
    uint32_t count;
};

static uint8_t *pixel(const struct view *v, uint32_t x, uint32_t y)
{
    return v->p + ((size_t)y * v->w + x) * v->bands;
}

static bool is_red(const uint8_t *p)
{
    return p[0] >= RED_LEAST && p[0] >= p[1] + p[2];
}

static bool is_skin(const uint8_t *p)
{
    int r = p[0], g = p[1], b = p[2], least = g < b ? g : b;
    return r > 95 && g > 40 && b > 20 && r - least > 15 && r - g > 15 && r > b && !is_red(p);
}

/* ---- spots ---- */

static uint32_t find(struct spots *s, uint32_t i)
{
    while (s->at[i].into != i)
        i = s->at[i].into;
    return i;
}

/* The older one keeps its number, so that chains stay short. */
static uint32_t join(struct spots *s, uint32_t a, uint32_t b)
{
    a = find(s, a);
    b = find(s, b);
    if (a == b)
        return a;
    struct spot *x = &s->at[a < b ? a : b], *y = &s->at[a < b ? b : a];
    x->left = x->left < y->left ? x->left : y->left;
    x->top = x->top < y->top ? x->top : y->top;
    x->right = x->right > y->right ? x->right : y->right;
    x->bottom = x->bottom > y->bottom ? x->bottom : y->bottom;
    x->pixels += y->pixels;
    y->into = a < b ? a : b;
    return y->into;
}

/* Of one run of a row. False: there are too many. */
static bool add_run(struct spots *s, struct run *r, uint32_t y)
{
    if (s->count == SPOTS_MAX)
        return false;
    s->at[s->count] = (struct spot){r->from, y, r->to - 1, y, r->to - r->from, s->count};
    r->spot = s->count++;
    return true;
}

static bool read_row(const struct view *v, uint32_t y, struct spots *s, struct row *row)
{
    row->count = 0;
    for (uint32_t x = 0; x < v->w; x++) {
        if (!is_red(pixel(v, x, y)))
            continue;
        struct run *r = &row->run[row->count++];
        r->from = x;
        while (x < v->w && is_red(pixel(v, x, y)))
            x++;
        r->to = x;
        if (!add_run(s, r, y))
            return false;
    }
    return true;
}

/* Runs that touch, corners too. */
static void join_rows(struct spots *s, const struct row *above, struct row *row)
{
    for (uint32_t i = 0, k = 0; i < row->count && k < above->count;) {
        struct run *r = &row->run[i];
        const struct run *a = &above->run[k];
        if (a->from <= r->to && r->from <= a->to)
            r->spot = join(s, a->spot, r->spot);
        if (a->to < r->to)
            k++;
        else
            i++;
    }
}

static bool find_spots(const struct view *v, struct spots *s)
{
    size_t most = (size_t)v->w / 2 + 1;
    struct run *room = alb_mem_alloc(2 * most * sizeof(*room));
    struct row above = {room, 0}, row = {room ? room + most : NULL, 0};
    bool ok = room != NULL;
    for (uint32_t y = 0; ok && y < v->h; y++) {
        ok = read_row(v, y, s, &row);
        if (ok)
            join_rows(s, &above, &row);
        struct row swap = above;
        above = row;
        row = swap;
    }
    alb_mem_free(room);
    return ok;
}

/* ---- pupils ---- */

static uint32_t width_of(const struct spot *s)
{
    return s->right - s->left + 1;
}

static uint32_t height_of(const struct spot *s)
{
    return s->bottom - s->top + 1;
}

static uint32_t size_of(const struct spot *s)
{
    return width_of(s) > height_of(s) ? width_of(s) : height_of(s);
}

static bool is_round(const struct view *v, const struct spot *s)
{
    uint32_t w = width_of(s), h = height_of(s), shorter = v->w < v->h ? v->w : v->h;
    return w >= SIDE_LEAST && h >= SIDE_LEAST && size_of(s) <= shorter / SIDE_SHARE && w <= ASPECT * h &&
           h <= ASPECT * w && (double)s->pixels >= FILLED * w * h;
}

/* The box with so much around it, within the picture. */
static struct spot grown(const struct view *v, const struct spot *s, uint32_t by)
{
    return (struct spot){s->left > by ? s->left - by : 0,
                         s->top > by ? s->top - by : 0,
                         v->w - 1 - s->right > by ? s->right + by : v->w - 1,
                         v->h - 1 - s->bottom > by ? s->bottom + by : v->h - 1,
                         0,
                         0};
}

static bool has_skin_around(const struct view *v, const struct spot *s)
{
    struct spot near = grown(v, s, size_of(s) / 2), far = grown(v, s, 2 * size_of(s));
    uint64_t all = 0, skin = 0;
    for (uint32_t y = far.top; y <= far.bottom; y++) {
        for (uint32_t x = far.left; x <= far.right; x++) {
            if (x >= near.left && x <= near.right && y >= near.top && y <= near.bottom)
                continue;
            all++;
            skin += is_skin(pixel(v, x, y));
        }
    }
    return (double)skin >= SKIN_SHARE * (double)all && all > 0;
}

static bool is_pair(const struct spot *a, const struct spot *b)
{
    double x = ((double)a->left + a->right - b->left - b->right) / 2,
           y = ((double)a->top + a->bottom - b->top - b->bottom) / 2, size = (size_of(a) + size_of(b)) / 2.0;
    double far = x * x + y * y;
    return size_of(a) <= 2 * size_of(b) && size_of(b) <= 2 * size_of(a) &&
           far >= APART_LEAST * APART_LEAST * size * size && far <= APART_MOST * APART_MOST * size * size;
}

/* ---- mending ---- */

/* The mean of green and blue instead of the red. */
static void mend_pixel(uint8_t *p)
{
    double mean = (p[1] + p[2]) / 2.0, by = mean > 0 ? p[0] / mean : FADES_TO;
    double share = (by - FADES_FROM) / (FADES_TO - FADES_FROM);
    if (share <= 0)
        return;
    p[0] = (uint8_t)(p[0] + (share < 1 ? share : 1) * (mean - p[0]) + 0.5);
}

static void mend(const struct view *v, const struct spot *s)
{
    struct spot b = grown(v, s, 1 + size_of(s) / 4);
    double cx = (b.left + b.right) / 2.0, cy = (b.top + b.bottom) / 2.0, rx = (width_of(&b)) / 2.0,
           ry = height_of(&b) / 2.0;
    for (uint32_t y = b.top; y <= b.bottom; y++) {
        for (uint32_t x = b.left; x <= b.right; x++) {
            double dx = (x - cx) / rx, dy = (y - cy) / ry;
            if (dx * dx + dy * dy <= 1)
                mend_pixel(pixel(v, x, y));
        }
    }
}

static unsigned mend_pairs(const struct view *v, const struct spot *const *pupil, unsigned count)
{
    unsigned mended = 0;
    for (unsigned i = 0; i < count; i++) {
        bool paired = false;
        for (unsigned k = 0; !paired && k < count; k++)
            paired = k != i && is_pair(pupil[i], pupil[k]);
        if (paired)
            mend(v, pupil[i]);
        mended += paired;
    }
    return mended;
}

unsigned alb_red_eyes(uint8_t *pixels, uint32_t width, uint32_t height, unsigned bands)
{
    const struct view v = {pixels, width, height, bands};
    const struct spot *pupil[PUPILS_MAX];
    struct spots s = {alb_mem_alloc(SPOTS_MAX * sizeof(*s.at)), 0};
    unsigned count = 0;
    if (s.at && find_spots(&v, &s)) {
        for (uint32_t i = 0; i < s.count && count < PUPILS_MAX; i++) {
            if (s.at[i].into == i && is_round(&v, &s.at[i]) && has_skin_around(&v, &s.at[i]))
                pupil[count++] = &s.at[i];
        }
    }
    unsigned mended = mend_pairs(&v, pupil, count);
    alb_mem_free(s.at);
    return mended;
}
