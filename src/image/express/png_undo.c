/* SPDX-License-Identifier: Apache-2.0
 *
 * Undoing filters is a chain from pixel to pixel: a row takes as many turns as it has pixels, however wide the
 * vectors are. So four rows go at once, each in a lane of its own, LAG pixels behind the one above: what the
 * lane above made LAG turns ago is what stands above the pixel now. A filter is a matter of masks: Sub is
 * Paeth where nothing is above, Up is Paeth where nothing is to the left. (png_undo_avx2.c: eight rows.)
 */
#include <string.h>

#include "image/express/png_filter.h"
#include "image/express/png_vector.h"

#define LANES 4
#define LAG 2
#define LEAD ((LANES - 1) * LAG) /* pixels by which the first lane is ahead of the last */
#define WIDE 16                  /* pixels; narrower rows are not worth it */

static inline __attribute__((always_inline)) void undo(enum alb_png_filter f, uint8_t *row,
                                                       const uint8_t *above, size_t n, size_t bpp)
{
    size_t i = 0;
    for (; i < bpp && i < n; i++)
        row[i] = (uint8_t)(row[i] + alb_png_predicted(f, 0, above[i], 0));
    for (; i < n; i++)
        row[i] = (uint8_t)(row[i] + alb_png_predicted(f, row[i - bpp], above[i], above[i - bpp]));
}

void alb_png_unfilter_plain(enum alb_png_filter f, uint8_t *row, const uint8_t *above, size_t n, unsigned bpp)
{
    switch (f) {
    case ALB_PNG_SUB:
        undo(ALB_PNG_SUB, row, above, n, bpp);
        break;
    case ALB_PNG_UP:
        for (size_t i = 0; i < n; i++)
            row[i] = (uint8_t)(row[i] + above[i]);
        break;
    case ALB_PNG_AVERAGE:
        undo(ALB_PNG_AVERAGE, row, above, n, bpp);
        break;
    case ALB_PNG_PAETH:
        undo(ALB_PNG_PAETH, row, above, n, bpp);
        break;
    case ALB_PNG_NONE:
    case ALB_PNG_FILTERS:
        break;
    }
}

#if VECTORS

static inline uint32_t load4(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

struct lanes {
    uint8_t *row[LANES];
    const uint8_t *above[LANES];
    enum alb_png_filter filter[LANES];
    bool all_paeth;
    V left, up, average; /* masks: whose filter looks there, whose is Average */
};

static V mask_of(const struct lanes *l, unsigned filters)
{
    uint32_t m[LANES];
    for (int i = 0; i < LANES; i++)
        m[i] = filters >> l->filter[i] & 1 ? UINT32_MAX : 0;
    return v_lanes(m[0], m[1], m[2], m[3]);
}

/* Pixels from..to - 1 of one row, one after the other: the corners that the lanes do not reach. */
static void undo_part(const struct lanes *l, int lane, size_t from, size_t to, size_t bpp)
{
    uint8_t *row = l->row[lane];
    const uint8_t *above = l->above[lane];
    for (size_t i = from * bpp; i < to * bpp; i++) {
        unsigned a = i < bpp ? 0 : row[i - bpp], c = i < bpp ? 0 : above[i - bpp];
        row[i] = (uint8_t)(row[i] + alb_png_predicted(l->filter[lane], a, above[i], c));
    }
}

static inline __attribute__((always_inline)) V undone(const struct lanes *l, V x, V a, V b, V c)
{
    if (l->all_paeth)
        return v_add(v_add(x, c), v_paeth_less_c(a, b, c));
    a = v_and(a, l->left);
    b = v_and(b, l->up);
    c = v_and(c, v_and(l->left, l->up));
    return v_add(x, v_pick(l->average, v_average(a, b), v_add(c, v_paeth_less_c(a, b, c))));
}

/* The pixel of each lane, n bytes of it. A fourth byte of three is the next pixel's, which was read before. */
static inline __attribute__((always_inline)) void put(uint8_t *const at[LANES], V v, size_t n)
{
    const uint32_t p[LANES] = {V_LANE(v, 0), V_LANE(v, 1), V_LANE(v, 2), V_LANE(v, 3)};
    for (int i = 0; i < LANES; i++)
        memcpy(at[i], &p[i], n);
}

/* Rows of w >= WIDE pixels. In turn t lane i makes pixel t - LAG * i. */
static inline __attribute__((always_inline)) void undo_lanes(const struct lanes *l, size_t w, size_t bpp)
{
    for (int i = 0; i < LANES - 1; i++)
        undo_part(l, i, 0, (size_t)(LEAD - LAG * i), bpp);
    uint8_t *at[LANES];
    uint32_t now[LANES], made[LANES], before[LANES], corner[LANES];
    for (int i = 0; i < LANES; i++) {
        bool first = i == LANES - 1;
        at[i] = l->row[i] + (size_t)(LEAD - LAG * i) * bpp;
        now[i] = load4(at[i]);
        made[i] = first ? 0 : load4(at[i] - bpp);
        before[i] = first ? 0 : load4(at[i] - 2 * bpp);
        corner[i] = first ? 0 : load4(l->above[i] + (size_t)(LEAD - LAG * i - 1) * bpp);
    }
    const uint8_t *above = l->above[0] + LEAD * bpp;
    V x = v_lanes(now[0], now[1], now[2], now[3]), a = v_lanes(made[0], made[1], made[2], made[3]);
    V last = v_lanes(before[0], before[1], before[2], before[3]);
    V c = v_lanes(corner[0], corner[1], corner[2], corner[3]);
    for (size_t t = LEAD; t < w - 1; t++, above += bpp) {
        V next = v_lanes(load4(at[0] + bpp), load4(at[1] + bpp), load4(at[2] + bpp), load4(at[3] + bpp));
        V b = v_next_lane(last, load4(above));
        V out = undone(l, x, a, b, c);
        put(at, out, bpp == 3 ? 4 : bpp);
        last = a;
        a = out;
        c = b;
        x = next;
        for (int i = 0; i < LANES; i++)
            at[i] += bpp;
    }
    put(at, x, bpp); /* of three bytes the first may have been written over */
    for (int i = 0; i < LANES; i++)
        undo_part(l, i, w - 1 - (size_t)(LAG * i), w, bpp);
}

static void undo_four(struct lanes *l, size_t w, unsigned bpp)
{
    const unsigned left = 1u << ALB_PNG_SUB | 1u << ALB_PNG_AVERAGE | 1u << ALB_PNG_PAETH,
                   up = 1u << ALB_PNG_UP | 1u << ALB_PNG_AVERAGE | 1u << ALB_PNG_PAETH;
    l->left = mask_of(l, left);
    l->up = mask_of(l, up);
    l->average = mask_of(l, 1u << ALB_PNG_AVERAGE);
    struct lanes paeth = *l, mixed = *l;
    paeth.all_paeth = true; /* known to the compiler: two loops for each size of pixels */
    mixed.all_paeth = false;
    if (bpp == 3 && l->all_paeth)
        undo_lanes(&paeth, w, 3);
    else if (bpp == 3)
        undo_lanes(&mixed, w, 3);
    else if (bpp == 4 && l->all_paeth)
        undo_lanes(&paeth, w, 4);
    else if (bpp == 4)
        undo_lanes(&mixed, w, 4);
    else if (bpp == 2)
        undo_lanes(&mixed, w, 2);
    else
        undo_lanes(&mixed, w, 1);
}

/* Four rows at once, if they are such that it pays. */
static bool undo_fast(uint8_t *rows, size_t line, const uint8_t *above, unsigned bpp)
{
    struct lanes l = {.all_paeth = true};
    bool chain = false;
    size_t n = line - 1;
    if (bpp > 4 || n % bpp != 0 || n / bpp < WIDE)
        return false;
    for (int i = 0; i < LANES; i++, above = rows + 1, rows += line) {
        if (rows[0] >= ALB_PNG_FILTERS)
            return false;
        l.filter[i] = (enum alb_png_filter)rows[0];
        l.row[i] = rows + 1;
        l.above[i] = i == 0 ? above : l.row[i - 1];
        l.all_paeth = l.all_paeth && l.filter[i] == ALB_PNG_PAETH;
        chain = chain || (l.filter[i] != ALB_PNG_NONE && l.filter[i] != ALB_PNG_UP);
    }
    if (chain)
        undo_four(&l, n / bpp, bpp);
    return chain;
}
#else
static bool undo_fast(uint8_t *rows, size_t line, const uint8_t *above, unsigned bpp)
{
    (void)rows;
    (void)line;
    (void)above;
    (void)bpp;
    return false;
}
#endif

/* Eight rows by AVX2, if the processor has it and it pays. */
static bool undo_faster(uint8_t *rows, size_t line, const uint8_t *above, unsigned bpp)
{
#if defined(__x86_64__)
    bool chain = false;
    if ((bpp != 3 && bpp != 4) || (line - 1) % bpp != 0 || (line - 1) / bpp < ALB_PNG_UNDO_WIDE ||
        !__builtin_cpu_supports("avx2"))
        return false;
    for (size_t i = 0; i < ALB_PNG_UNDO_LANES; i++) {
        uint8_t f = rows[i * line];
        if (f >= ALB_PNG_FILTERS)
            return false;
        chain = chain || (f != ALB_PNG_NONE && f != ALB_PNG_UP);
    }
    if (chain)
        alb_png_undo_avx2(rows, line, above, bpp);
    return chain;
#else
    (void)rows;
    (void)line;
    (void)above;
    (void)bpp;
    return false;
#endif
}

bool alb_png_unfilter(uint8_t *rows, size_t line, uint32_t count, const uint8_t *above, unsigned bpp)
{
    for (uint32_t done = 0; done < count;) {
        uint32_t step = 1;
        if (count - done >= ALB_PNG_UNDO_LANES && undo_faster(rows, line, above, bpp))
            step = ALB_PNG_UNDO_LANES;
        else if (count - done >= LANES && undo_fast(rows, line, above, bpp))
            step = LANES;
        else if (rows[0] < ALB_PNG_FILTERS)
            alb_png_unfilter_plain((enum alb_png_filter)rows[0], rows + 1, above, line - 1, bpp);
        else
            return false;
        done += step;
        rows += step * line;
        above = rows - line + 1;
    }
    return true;
}
