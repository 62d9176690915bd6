/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures of high dynamic range (BT.2100: PQ and HLG, in the primaries of BT.2020) as sRGB. Pure arithmetic on rows in
 * memory; any thread.
 *
 * Light of 203 cd/m2 is the white of ordinary pictures (BT.2408). What is darker than 0.6 of it stays as it is; above,
 * the brightest channel is bent so that it never reaches 1 and no step is seen, and the other two keep their
 * proportion to it, so that highlights keep their colour.
 */
#ifndef ALB_IMAGE_HDR_H
#define ALB_IMAGE_HDR_H

#include "base/attr.h"

enum alb_hdr { ALB_HDR_NONE, ALB_HDR_PQ, ALB_HDR_HLG };

/* Tables of one transfer function: 0.6 MB. NULL: no memory. */
struct alb_hdr_tables;
struct alb_hdr_tables *alb_hdr_new(enum alb_hdr how) ALB_MUST_CHECK;
void alb_hdr_free(struct alb_hdr_tables **t);

/* `n` pixels of 16 bits, `bands` 3 or 4 (then the last one is transparency), full range, to 8 bits. */
void alb_hdr_run(const struct alb_hdr_tables *t, const uint16_t *in, uint8_t *out, size_t n, unsigned bands);

#endif
