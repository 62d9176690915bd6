/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures of few pixels, written down: what a step makes of them is compared sample by sample. Included once by each
 * test that runs steps of the general executor alone.
 */
#ifndef ALB_TESTS_IMAGE_PIXEL_WORLD_H
#define ALB_TESTS_IMAGE_PIXEL_WORLD_H

#include <vips/vips.h>

#include "test.h"
#include "image/general_effects.h"
#include "image/general_steps.h"

/* Of `bands` samples a pixel: 1 grey, 2 with alpha, 3 RGB, 4 with alpha. */
static inline VipsImage *pixels_new(int w, int h, int bands, bool wide)
{
    VipsImage *x = vips_image_new_memory();
    VipsInterpretation deep = bands < 3 ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16,
                       plain = bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    vips_image_init_fields(x, w, h, bands, wide ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR, VIPS_CODING_NONE,
                           wide ? deep : plain, 1, 1);
    assert_int_equal(vips_image_write_prepare(x), 0);
    return x;
}

static inline void pixels_set(VipsImage *x, size_t i, unsigned v)
{
    if (x->BandFmt == VIPS_FORMAT_USHORT)
        ((uint16_t *)(void *)x->data)[i] = (uint16_t)v;
    else
        x->data[i] = (unsigned char)v;
}

static inline VipsImage *pixels_of(int w, int h, int bands, bool wide, const unsigned *v)
{
    VipsImage *x = pixels_new(w, h, bands, wide);
    for (size_t i = 0; i < (size_t)w * (size_t)h * (size_t)bands; i++)
        pixels_set(x, i, v[i]);
    return x;
}

/* Every pixel the same: samples of v. */
static inline VipsImage *pixels_flat(int w, int h, int bands, bool wide, const unsigned *v)
{
    VipsImage *x = pixels_new(w, h, bands, wide);
    for (size_t i = 0; i < (size_t)w * (size_t)h * (size_t)bands; i++)
        pixels_set(x, i, v[i % (size_t)bands]);
    return x;
}

/* One sample of a picture; it must have what a step may leave: 8 or 16 bits, and a name for its space that is true.
 * The picture is made at the first look: vips_getpoint() would run all of its steps for each sample. */
static inline unsigned pixels_at(VipsImage *x, int left, int top, int band)
{
    assert_int_equal(vips_image_wio_input(x), 0);
    assert_true(left >= 0 && left < x->Xsize && top >= 0 && top < x->Ysize && band >= 0 && band < x->Bands);
    assert_true(x->BandFmt == VIPS_FORMAT_UCHAR || x->BandFmt == VIPS_FORMAT_USHORT);
    size_t i = ((size_t)top * (size_t)x->Xsize + (size_t)left) * (size_t)x->Bands + (size_t)band;
    return x->BandFmt == VIPS_FORMAT_USHORT ? ((const uint16_t *)(const void *)x->data)[i] : x->data[i];
}

static inline void pixels_check_kind(VipsImage *x, int w, int h, int bands, bool wide, const char *what)
{
    VipsInterpretation deep = bands < 3 ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16,
                       plain = bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    if (x->Xsize != w || x->Ysize != h || x->Bands != bands)
        fail_msg("%s: %d x %d of %d bands", what, x->Xsize, x->Ysize, x->Bands);
    if (vips_image_get_format(x) != (wide ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR))
        fail_msg("%s: format %d", what, vips_image_get_format(x));
    if (vips_image_get_interpretation(x) != (wide ? deep : plain))
        fail_msg("%s: interpretation %d", what, vips_image_get_interpretation(x));
}

static inline int pixels_differ(VipsImage *x, int left, int top, const unsigned *v, unsigned slack)
{
    for (int b = 0; b < x->Bands; b++) {
        unsigned got = pixels_at(x, left, top, b), far = got > v[b] ? got - v[b] : v[b] - got;
        if (far > slack)
            return b;
    }
    return -1;
}

/* The pixel at left, top is v within `slack`. */
static inline void pixels_check(VipsImage *x, int left, int top, const unsigned *v, unsigned slack,
                                const char *what)
{
    int b = pixels_differ(x, left, top, v, slack);
    if (b >= 0)
        fail_msg("%s: (%d, %d) band %d is %u, not %u", what, left, top, b, pixels_at(x, left, top, b), v[b]);
}

/* All pixels are v. */
static inline void pixels_check_flat(VipsImage *x, const unsigned *v, unsigned slack, const char *what)
{
    for (int j = 0; j < x->Ysize; j++) {
        for (int i = 0; i < x->Xsize; i++)
            pixels_check(x, i, j, v, slack, what);
    }
}

static inline bool pixels_begin(char *self)
{
    if (VIPS_INIT(self) != 0)
        return false;
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    return true;
}

#endif
