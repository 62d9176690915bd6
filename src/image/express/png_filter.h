/* SPDX-License-Identifier: Apache-2.0
 *
 * PNG's five filters of rows, both ways (the PNG specification, chapter 9). Pure arithmetic, any thread;
 * SSE2 and NEON where they pay, plain C elsewhere, all with equal results: undoing is a chain from pixel to
 * pixel, so wider vectors than a pixel gain nothing; choosing looks at all bytes at once.
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

/* Undoes a filter in place. row and above have n bytes, in pixels of bpp bytes (1..4); above is all 0 for
 * the first row. Up to ALB_PNG_SLACK bytes behind both may be read. */
void alb_png_unfilter(enum alb_png_filter f, uint8_t *row, const uint8_t *above, size_t n, unsigned bpp);
/* The same without vectors: what tests compare with. */
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
