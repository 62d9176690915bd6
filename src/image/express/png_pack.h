/* SPDX-License-Identifier: Apache-2.0
 *
 * Deflate for the differences that PNG's filters leave of photographs (RFC 1950, RFC 1951). They hardly
 * repeat themselves: what counts is how well single bytes are coded, and short repeats do harm to that. So
 * only repeats of REPEAT_MIN bytes and more are taken, if naming them is shorter than their bytes are; only
 * the most recent one is looked at; and codes are made anew every few rows. On photographs that is smaller
 * than zlib's level 6 and libdeflate's 7, in a fifth of the time. Drawings, which do repeat themselves, are
 * told from the rest by what the search finds.
 *
 * Pure; any thread; the same bytes on every machine.
 */
#ifndef ALB_IMAGE_EXPRESS_PNG_PACK_H
#define ALB_IMAGE_EXPRESS_PNG_PACK_H

#include "base/attr.h"

struct alb_png_pack; /* working memory */
size_t alb_png_pack_size(void);
/* Bytes that the output needs at most, for alb_png_pack. */
size_t alb_png_pack_bound(size_t n);

/* A whole zlib stream of in[n], which has 8 readable bytes behind it. The length, or 0: not one for this
 * packer (small). *repeats: there are so many repeats that libdeflate may do better. */
size_t alb_png_pack(struct alb_png_pack *work, const uint8_t *in, size_t n, uint8_t *out,
                    bool *repeats) ALB_MUST_CHECK;

#endif
