/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker side: what libvips 8.14 does not do with AVIF, JPEG XL and TIFF. Frames of animations are read, AVIF
 * animations are written, and AVIF stills of 10 bits: libvips and libheif know the first picture only, and
 * libheif's use of libaom ends the process with 10 bits. An animation is one tall picture, as libvips has it: page
 * height, number of pages, delays in milliseconds, and how often it is played (0: without end).
 */
#ifndef ALB_IMAGE_FRAMES_H
#define ALB_IMAGE_FRAMES_H

#include <vips/vips.h>

#include "image/load.h"
#include "image/options.h"

#define ALB_FRAMES_MAX 100000u /* above it nobody counts: the file is not taken for an animation */

/* Frames l->page .. as many as l->pages, or with l->header none of their pixels; AVIF: and stills of PQ, HLG or
 * Display P3 that only numbers tell of. *taken: it is one of these, and NULL means that it is a bad one. */
VipsImage *alb_avif_open(const struct alb_load *l, bool *taken, struct alb_err *err) ALB_MUST_CHECK;
VipsImage *alb_jxl_open(const struct alb_load *l, bool *taken, struct alb_err *err) ALB_MUST_CHECK;

/* A tall picture of l->pages frames, or a hollow one of all `count` for a header. Delays are those of all `count`
 * frames. */
struct alb_frames {
    uint32_t width, height, count;
    unsigned bands, bits; /* per channel */
    int plays;
    int *delays;
};
VipsImage *alb_frames_new(const struct alb_load *l, const struct alb_frames *f,
                          struct alb_err *err) ALB_MUST_CHECK;
/* How many of them l asks for; 0: l->page is behind the last one. */
uint32_t alb_frames_wanted(const struct alb_load *l, uint32_t count);

/* 8 bits a channel, or 10 if the picture has more; all its pages as frames. speed 0 (slowest) to 9. 0, or -1 with the
 * reason in libvips' error buffer. */
int alb_avif_save(VipsImage *image, const struct alb_output *o, int quality, int speed, VipsTarget *target);

/* How often the animation is played: its edit list says so. 0: without end. */
int alb_avif_plays(struct alb_str avif);
/* The animation as libavif wrote it, with an edit list. False: it is in no form that is known here, or no memory. */
bool alb_avif_set_plays(struct alb_str avif, int plays, struct alb_buf *out) ALB_MUST_CHECK;

/* EXIF of the picture as its fields are now, from "Exif\0\0" on; to be freed with g_free. Empty: it has none. */
struct alb_str alb_exif_block(VipsImage *image);
/* A little-endian TIFF with the EXIF of such a block among its entries. False: it is not one, the block has nothing
 * that belongs there, or *out is full. */
bool alb_tiff_add_exif(struct alb_str tiff, struct alb_str exif, struct alb_buf *out) ALB_MUST_CHECK;

#endif
