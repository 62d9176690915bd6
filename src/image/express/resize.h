/* SPDX-License-Identifier: Apache-2.0
 *
 * The resizer behind rows.h (alb_resize_open, push, pull, done): what the lane does not need, but tests, benches and
 * cost estimates do.
 *
 *     row -> widen -> [zip -> ring -> down] -> across -> narrow -> row      columns first: few rows are kept
 *     row -> widen -> across -> [zip -> ring -> down] -> narrow -> row      rows first: when it is cheaper (strong
 *                                                                           shrinking of wide pictures)
 *
 * Arithmetic: whole numbers only. A sample becomes an int16 around the middle of its range, weights are int16 in
 * 1/32768 (1/16384 where one is nearly 1), sums int32 that cannot overflow, so the order of additions is free and every
 * path (plain C, SSE2, AVX2, NEON) gives the same bytes. Between the two directions samples keep 15 bits and what
 * overshoots.
 * Weights of one result sample sum to exactly 1: they are the differences of rounded running sums. They are made in
 * double precision with +, -, * and / alone: libm may differ between machines, these do not.
 *
 * Error against the same sums in double precision, in 1/256 of the range, beside the half step of the last rounding
 * (test_express_resize holds all paths to it over random sizes, ratios, places, kernels and layouts):
 *     encoded light     0.1     (seen: 0.03 from 8 to 8 bits, 0.06 else)
 *     linear light      0.5     (seen: 0.4, in the dark, where sRGB is steep), also of rows that are light already
 *     under alpha       these, divided by the result's alpha (0..1)
 *     shrinking more than 64 times: four times these
 *     nearest, or the same size: none
 *
 * Memory: one block whose size depends on widths and ratios, never on the source's height. No allocation per row.
 * A resizer belongs to one thread at a time.
 */
#ifndef ALB_IMAGE_EXPRESS_RESIZE_H
#define ALB_IMAGE_EXPRESS_RESIZE_H

#include "image/express/rows.h"

#define ALB_RESIZE_SIDE (1u << 20) /* larger pictures are not for the lane */
#define ALB_RESIZE_SHRINK 512      /* nor stronger shrinking: weights would be too small for int16 */

/* Bytes of the block that this takes from the scratch; 0: not for this resizer (alb_resize_open: UNSUPPORTED). Pure. */
size_t alb_resize_memory(const struct alb_resize_ask *ask);

/* Ways to compute the same bytes. */
enum alb_resize_path {
    ALB_RESIZE_BEST,
    ALB_RESIZE_PLAIN,
    ALB_RESIZE_SSE2,
    ALB_RESIZE_AVX2,
    ALB_RESIZE_NEON,
    ALB_RESIZE_PATHS
};
bool alb_resize_path_works(enum alb_resize_path path); /* on this processor, in this build */

/* alb_resize_open with a block of the caller's (alb_resize_memory bytes at a multiple of ALB_SCRATCH_ALIGN) and a path
 * that works. */
struct alb_resize *alb_resize_place(const struct alb_resize_ask *ask, void *block,
                                    enum alb_resize_path path) ALB_MUST_CHECK;

/* Source rows that results are made of, first to end - 1: others may be pushed as NULL. */
void alb_resize_rows(const struct alb_resize *r, uint32_t *first, uint32_t *end);

#endif
