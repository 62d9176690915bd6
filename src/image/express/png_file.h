/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands in a PNG file, without its pixels (the PNG specification, chapters 5 and 11). Pure, for
 * hostile bytes, any thread. Only files that are right in every part that matters for the picture are taken:
 * what libpng would forgive, the general executor (on libpng) forgives.
 */
#ifndef ALB_IMAGE_EXPRESS_PNG_FILE_H
#define ALB_IMAGE_EXPRESS_PNG_FILE_H

#include "base/err.h"
#include "base/str.h"

enum alb_png_colour {
    ALB_PNG_GREY = 0,
    ALB_PNG_RGB = 2,
    ALB_PNG_PALETTE = 3,
    ALB_PNG_GREY_ALPHA = 4,
    ALB_PNG_RGB_ALPHA = 6
};

struct alb_png_file {
    uint32_t width, height;
    unsigned depth; /* 1, 2, 4, 8 */
    enum alb_png_colour colour;
    unsigned bpp;                  /* bytes of a pixel for filters: at least 1 */
    size_t row;                    /* bytes of a row, without its filter's */
    unsigned char palette[256][4]; /* RGBA; what the file does not say is black */
    bool palette_alpha;            /* some of it is not opaque */
    bool keyed;                    /* GREY and RGB: samples equal to `key` are transparent */
    uint16_t key[3];
    struct alb_str profile_packed; /* deflated, of iCCP; empty: none */
    struct alb_str exif, xmp;      /* of eXIf and iTXt; empty: none */
    /* IDAT: chunk headers lie at `data` and behind each other; `packed` bytes in all, in `parts` chunks. */
    struct alb_str bytes;
    size_t data, packed;
    uint32_t parts;
};

/* UNSUPPORTED: 16 bits, interlaced, unknown or disordered chunks, wrong checksums. Checksums of IDAT
 * chunks are checked by alb_png_part. */
enum alb_code alb_png_look(struct alb_str bytes, struct alb_png_file *f, struct alb_err *err) ALB_MUST_CHECK;

/* The part of the pixels' stream at *at (f->data at first; moved behind it), its checksum checked: false
 * if that is wrong, or there is none left. */
bool alb_png_part(const struct alb_png_file *f, size_t *at, struct alb_str *part) ALB_MUST_CHECK;

#endif
