/* SPDX-License-Identifier: Apache-2.0
 *
 * PNG's five filters of rows, both ways (the PNG specification, chapter 9). Pure arithmetic, any thread;
 * SSE2 and NEON where they pay (png_vector.h), plain C elsewhere, all with equal results.
 */
#ifndef ALB_IMAGE_EXPRESS_PNG_FILTER_H
#define ALB_IMAGE_EXPRESS_PNG_FILTER_H

#include "base/attr.h"

enum alb_png_filter {
    ALB_PNG_NONE,
    ALB_PNG_SUB,
    ALB_PNG_UP,
    ALB_PNG_AVERAGE,
    ALB_PNG_PAETH,
    ALB_PNG_FILTERS
};
#define ALB_PNG_SLACK 16 /* bytes that are read, and kept as they are, before and behind rows */

/* What the filter says of a byte: a is the one to the left, b the one above, c the one above left, a pixel away. */
static inline uint8_t alb_png_predicted(enum alb_png_filter f, unsigned a, unsigned b, unsigned c)
{
    /* Paeth's choice, written so that little of it waits for a, which was only just made */
    int t = 3 * (int)c - (int)b - (int)a, low = (int)(a < b ? a : b), high = (int)(a < b ? b : a);
    switch (f) {
    case ALB_PNG_SUB:
        return (uint8_t)a;
    case ALB_PNG_UP:
        return (uint8_t)b;
    case ALB_PNG_AVERAGE:
        return (uint8_t)((a + b) >> 1);
    case ALB_PNG_PAETH:
        return (uint8_t)(t <= low ? high : high <= t ? low : (int)c);
    case ALB_PNG_NONE:
    case ALB_PNG_FILTERS:
        break;
    }
    return 0;
}

/* Undoes filters in place (png_undo.c): `count` rows of `line` bytes, the filter before the pixels of bpp
 * bytes (1..4); above: the pixels of the row before the first, all 0 if there is none. Up to ALB_PNG_SLACK
 * bytes behind the rows and above may be read. False: a filter
 * that does not exist; the rows before it are undone. */
bool alb_png_unfilter(uint8_t *rows, size_t line, uint32_t count, const uint8_t *above,
                      unsigned bpp) ALB_MUST_CHECK;
/* The same of ALB_PNG_UNDO_LANES rows at least ALB_PNG_UNDO_WIDE pixels of 3 or 4 bytes wide, whose filters all
 * exist, on a processor with AVX2 (png_undo_avx2.c). */
#define ALB_PNG_UNDO_LANES 8
#define ALB_PNG_UNDO_WIDE 64
#if defined(__x86_64__)
void alb_png_undo_avx2(uint8_t *rows, size_t line, const uint8_t *above, unsigned bpp);
#endif
/* One row of n bytes, without vectors: what tests compare with. */
void alb_png_unfilter_plain(enum alb_png_filter f, uint8_t *row, const uint8_t *above, size_t n,
                            unsigned bpp);

/* Of each filter: the sum of its differences, taken as signed bytes, without their signs: the smaller, the
 * better a row is likely to be packed. ALB_PNG_SLACK bytes before both rows must be 0. */
void alb_png_costs(const uint8_t *row, const uint8_t *above, size_t n, unsigned bpp,
                   uint64_t costs[ALB_PNG_FILTERS]);
void alb_png_costs_plain(const uint8_t *row, const uint8_t *above, size_t n, unsigned bpp,
                         uint64_t costs[ALB_PNG_FILTERS]);
/* Writes n filtered bytes; same rules for what lies before the rows. */
void alb_png_filter(enum alb_png_filter f, const uint8_t *row, const uint8_t *above, size_t n, unsigned bpp,
                    uint8_t *out);

#endif
