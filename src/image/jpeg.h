/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker side: JPEG straight from libjpeg-turbo into memory, shrunk in the decoder, for thumbnails. libvips'
 * loader does the same work through threads and regions, which costs a quarter more (bench/thumb.c); it keeps
 * large pictures, CMYK, and pictures whose metadata are to be kept.
 */
#ifndef ALB_IMAGE_JPEG_H
#define ALB_IMAGE_JPEG_H

#include <vips/vips.h>

#include "base/err.h"
#include "base/str.h"

/* *taken is false for a picture that is not for this reader (nothing is wrong then). The image is in memory,
 * 8 bits, grey or RGB, with its profile; sides are those of alb_jpeg_side, at most ALB_JPEG_PIXELS. */
enum alb_code alb_jpeg_open(struct alb_str bytes, unsigned eighths, bool strict, VipsImage **out, bool *taken,
                            struct alb_err *err) ALB_MUST_CHECK;

#endif
