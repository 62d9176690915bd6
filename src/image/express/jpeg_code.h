/* SPDX-License-Identifier: Apache-2.0
 *
 * Quantised blocks to a JPEG file: headers, scans, and Huffman tables made for each scan. Baseline in one scan, or
 * progressive. Errors stay in the buffer, as alb_buf has it.
 */
#ifndef ALB_IMAGE_EXPRESS_JPEG_CODE_H
#define ALB_IMAGE_EXPRESS_JPEG_CODE_H

#include "base/buf.h"
#include "image/express/jpeg_blocks.h"

#define ALB_JPEG_PLANES 3
#define ALB_JPEG_SIDE 65500 /* what readers take */

struct alb_jpeg_plane {
    struct alb_jpeg_block *block; /* row by row, without gaps */
    uint32_t across, down;        /* blocks */
    uint8_t sub;                  /* blocks of it on each side of a unit of all planes: 1 or 2 */
};
struct alb_jpeg_file {
    uint32_t width, height;
    unsigned planes;                  /* 1 or 3 */
    uint16_t step[2][ALB_JPEG_BLOCK]; /* luma, chroma; natural order */
    struct alb_jpeg_plane plane[ALB_JPEG_PLANES];
    bool progressive;
};

/* How a file begins; dots per inch, 0: without a JFIF head. */
void alb_jpeg_begin(struct alb_buf *out, unsigned dpi);
/* APPn. False: too long. */
bool alb_jpeg_app(struct alb_buf *out, unsigned n, struct alb_str head, struct alb_str body) ALB_MUST_CHECK;
/* All the rest. */
void alb_jpeg_code(struct alb_buf *out, const struct alb_jpeg_file *f);

/* ---- tables (jpeg_huffman.c) ---- */

struct alb_jpeg_huffman {
    uint8_t count[17]; /* of codes of so many bits */
    uint8_t symbol[256];
    unsigned symbols;
    uint16_t code[256];
    uint8_t bits[256];
};
/* The best one of at most 16 bits; symbols that never come have none. At least one has to come. */
void alb_jpeg_huffman(const uint32_t often[256], struct alb_jpeg_huffman *h);

#endif
