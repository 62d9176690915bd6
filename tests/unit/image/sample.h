/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures for tests, made by libvips at test time: nothing binary lies in the tree.
 */
#ifndef ALB_TESTS_IMAGE_SAMPLE_H
#define ALB_TESTS_IMAGE_SAMPLE_H

#include <vips/vips.h>

#include "base/str.h"

/* A picture whose corners tell how it lies: red top left, green top right, blue bottom left, grey bottom
 * right; with some texture, so that codecs have work. */
static inline VipsImage *sample_image_of(int w, int h, int texture)
{
    VipsImage *x = vips_image_new_memory();
    vips_image_init_fields(x, w, h, 3, VIPS_FORMAT_UCHAR, VIPS_CODING_NONE, VIPS_INTERPRETATION_sRGB, 1, 1);
    assert_int_equal(vips_image_write_prepare(x), 0);
    for (int j = 0; j < h; j++) {
        unsigned char *p = x->data + (size_t)3 * (size_t)w * (size_t)j;
        for (int i = 0; i < w; i++, p += 3) {
            bool right = i >= w / 2, low = j >= h / 2;
            unsigned char t = (unsigned char)((texture + i * 7 + j * 13) % 32);
            p[0] = (unsigned char)(!right && !low ? 220 + t : right && low ? 128 : t);
            p[1] = (unsigned char)(right && !low ? 220 + t : right && low ? 128 : t);
            p[2] = (unsigned char)(!right && low ? 220 + t : right && low ? 128 : t);
        }
    }
    return x;
}

static inline VipsImage *sample_image(int w, int h)
{
    return sample_image_of(w, h, 0);
}

/* Encoded by its ending with options, ".jpg[Q=90]". Free with g_free. */
static inline struct alb_str sample_encode(VipsImage *image, const char *how)
{
    void *p = NULL;
    size_t n = 0;
    if (vips_image_write_to_buffer(image, how, &p, &n, NULL) != 0)
        fail_msg("%s: %s", how, vips_error_buffer());
    return (struct alb_str){p, n};
}

static inline struct alb_str sample(int w, int h, const char *how)
{
    VipsImage *image = sample_image(w, h);
    struct alb_str s = sample_encode(image, how);
    g_object_unref(image);
    return s;
}

/* n frames of one picture, joined for the savers of animations. */
static inline struct alb_str sample_animation(int w, int h, int n, const char *how)
{
    VipsImage *frames[16], *joined = NULL, *copy = NULL;
    for (int i = 0; i < n; i++)
        frames[i] = sample_image_of(w, h, 5 * i);
    assert_int_equal(vips_arrayjoin(frames, &joined, n, "across", 1, NULL), 0);
    assert_int_equal(vips_copy(joined, &copy, NULL), 0);
    vips_image_set_int(copy, VIPS_META_PAGE_HEIGHT, h);
    int delays[16] = {50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150, 160, 170, 180, 190, 200};
    vips_image_set_array_int(copy, "delay", delays, n);
    struct alb_str s = sample_encode(copy, how);
    g_object_unref(copy);
    g_object_unref(joined);
    for (int i = 0; i < n; i++)
        g_object_unref(frames[i]);
    return s;
}

/* Which corner colour is at a place of an encoded picture (first frame): 'r', 'g', 'b', 'w' (grey), '?'. */
static inline char sample_corner(struct alb_str s, double fx, double fy)
{
    VipsImage *image = vips_image_new_from_buffer(s.p, s.n, "", NULL), *rgb = NULL;
    double *v;
    int n;
    if (!image)
        fail_msg("%s", vips_error_buffer());
    assert_int_equal(vips_colourspace(image, &rgb, VIPS_INTERPRETATION_sRGB, NULL), 0);
    int x = (int)(fx * (vips_image_get_width(rgb) - 1)),
        y = (int)(fy * (vips_image_get_page_height(rgb) - 1));
    assert_int_equal(vips_getpoint(rgb, &v, &n, x, y, NULL), 0);
    assert_true(n >= 3);
    bool r = v[0] > 110, g = v[1] > 110, b = v[2] > 110;
    g_free(v);
    g_object_unref(rgb);
    g_object_unref(image);
    return r && g && b ? 'w' : r && !g && !b ? 'r' : g && !r && !b ? 'g' : b && !r && !g ? 'b' : '?';
}

static inline void sample_corners(struct alb_str s, char out[5])
{
    out[0] = sample_corner(s, 0.25, 0.25);
    out[1] = sample_corner(s, 0.75, 0.25);
    out[2] = sample_corner(s, 0.25, 0.75);
    out[3] = sample_corner(s, 0.75, 0.75);
    out[4] = 0;
}

#endif
