/* SPDX-License-Identifier: Apache-2.0
 *
 * What the express lane's WebP sink does of its own: planes from RGB, and the quality where the effort is
 * open.
 */
#include <math.h>

#include "express_ends.h"
#include "image/express/webp_planes.h"

static struct alb_express x;

/* Smooth colours, with some grain. */
static VipsImage *grainy(int w, int h)
{
    VipsImage *image = vips_image_new_memory();
    vips_image_init_fields(image, w, h, 3, VIPS_FORMAT_UCHAR, VIPS_CODING_NONE, VIPS_INTERPRETATION_sRGB, 1,
                           1);
    assert_int_equal(vips_image_write_prepare(image), 0);
    for (int i = 0; i < w * h * 3; i++) {
        double v = 128 + 100 * sin(0.05 * (i / 3 % w) * (i % 3 + 1)) * cos(0.04 * (i / 3 / w));
        image->data[i] = (uint8_t)((uint8_t)v ^ (((uint32_t)i * 2654435761u >> 24) & 15));
    }
    return image;
}

static void write_open_effort(VipsImage *image, enum alb_layout layout, unsigned quality, bool sharper,
                              struct alb_buf *out)
{
    static const struct alb_output o = {.format = ALB_FORMAT_WEBP};
    const struct alb_sink_ask ask = {.format = {.layout = layout,
                                                .bits = 8,
                                                .width = (uint32_t)image->Xsize,
                                                .height = (uint32_t)image->Ysize,
                                                .sub_x = layout == ALB_LAYOUT_YCC,
                                                .sub_y = layout == ALB_LAYOUT_YCC,
                                                .matrix = ALB_MATRIX_601,
                                                .limited = layout == ALB_LAYOUT_YCC},
                                     .output = &o,
                                     .quality = quality,
                                     .sharper = sharper,
                                     .out = out};
    const uint8_t *planes[ALB_PLANES] = {image->data};
    uint8_t *flat = alb_mem_alloc_nofail((size_t)image->Xsize * (size_t)image->Ysize);
    memset(flat, 128, (size_t)image->Xsize * (size_t)image->Ysize);
    if (layout == ALB_LAYOUT_YCC)
        planes[1] = planes[2] = flat;
    assert_int_equal(write_all(alb_webp_sink_open, &x, &ask, planes), ALB_OK);
    alb_mem_free(flat);
}

/* Where nobody asked for a method it is another one: about as many bytes for the same quality, no more for a
 * lower one; and a picture that is sharper than planned gets fewer. */
static void test_webp_open_effort(void **state)
{
    VipsImage *image = grainy(293, 271);
    size_t before[2] = {0};
    (void)state;
    for (unsigned q = 1; q <= 100; q++) {
        static const enum alb_layout layouts[] = {ALB_LAYOUT_RGB, ALB_LAYOUT_YCC};
        for (int k = 0; k < 2; k++) {
            struct alb_buf out = ALB_BUF_INIT(1 << 20), less = ALB_BUF_INIT(1 << 20);
            write_open_effort(image, layouts[k], q, false, &out);
            assert_true(out.n + out.n / 50 >= before[k]);
            before[k] = out.n;
            write_open_effort(image, layouts[k], q, true, &less);
            if (less.n > out.n + out.n / 50 || less.n + less.n / 4 < out.n)
                fail_msg("quality %u: %zu bytes if sharper, else %zu", q, less.n, out.n);
            if (q == 75 && layouts[k] == ALB_LAYOUT_YCC)
                assert_true(less.n + less.n / 50 < out.n);
            alb_buf_fini(&less);
            alb_buf_fini(&out);
        }
        if (q % 25 == 0) {
            void *p;
            size_t n;
            assert_int_equal(vips_webpsave_buffer(image, &p, &n, "Q", (int)q, "strip", TRUE, NULL), 0);
            if (before[0] > n + n / 8 || before[0] < n - n / 4)
                fail_msg("quality %u: %zu bytes for %zu", q, before[0], n);
            g_free(p);
        }
    }
    g_object_unref(image);
}

/* One plane sample by the formula, in double precision. c: 0 Y, 1 Cb, 2 Cr. */
static double plane_sample(const VipsImage *image, int at_x, int at_y, int c)
{
    static const double m[3][3] = {{16839, 33059, 6420}, {-9719, -19081, 28800}, {28800, -24116, -4684}};
    double sum = c == 0 ? 16 : 128;
    for (int k = 0; k < 3; k++) {
        double mean = 0;
        for (int j = 0; j < 4; j++) {
            int px = c == 0 ? at_x : 2 * at_x + j % 2, py = c == 0 ? at_y : 2 * at_y + j / 2;
            px = px < image->Xsize ? px : image->Xsize - 1;
            py = py < image->Ysize ? py : image->Ysize - 1;
            double v = image->data[((size_t)py * (size_t)image->Xsize + (size_t)px) * 3 + (size_t)k];
            mean += v * v / 4;
        }
        sum += m[c][k] / 65536 * sqrt(mean);
    }
    return sum;
}

/* Colours are averaged as light: planes are within half a step of the formula. */
static void test_webp_planes_of_rgb(void **state)
{
    static const int sizes[][2] = {{1, 1}, {2, 2}, {7, 5}, {127, 3}, {128, 4}, {129, 6}, {300, 31}};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(sizes); i++) {
        int w = sizes[i][0], h = sizes[i][1];
        struct noise n = {(uint32_t)i};
        VipsImage *image = grainy(w, h);
        for (int k = 0; k < w * h * 3; k++)
            image->data[k] = noise(&n) < 100 ? 0 : noise(&n) < 100 ? 255 : noise(&n);
        uint8_t *out[3];
        for (int c = 0; c < 3; c++)
            out[c] = alb_mem_calloc((size_t)w, (size_t)h);
        for (int y = 0; y < h; y += 2) {
            int lower = y + 1 < h ? y + 1 : y;
            size_t at = (size_t)(y / 2) * (size_t)((w + 1) / 2);
            const struct alb_webp_pair rows = {.rgb = {image->data + y * w * 3, image->data + lower * w * 3},
                                               .luma = {out[0] + y * w, out[0] + lower * w},
                                               .blue = out[1] + at,
                                               .red = out[2] + at};
            alb_webp_planes(&rows, (uint32_t)w);
        }
        for (int c = 0; c < 3; c++) {
            int cw = c == 0 ? w : (w + 1) / 2, ch = c == 0 ? h : (h + 1) / 2;
            for (int k = 0; k < cw * ch; k++) {
                double want = plane_sample(image, k % cw, k / cw, c);
                if (fabs(out[c][k] - want) > 0.501)
                    fail_msg("%dx%d, plane %d, %d: %d for %.3f", w, h, c, k, out[c][k], want);
            }
            alb_mem_free(out[c]);
        }
        g_object_unref(image);
    }
}

static int set_up(void **state)
{
    (void)state;
    x = (struct alb_express){.scratch = alb_scratch_new(), .threads = 1};
    return x.scratch ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    alb_scratch_free(&x.scratch);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_webp_open_effort),
        cmocka_unit_test(test_webp_planes_of_rgb),
    };
    (void)argc;
    if (VIPS_INIT(argv[0]) != 0)
        return 1;
    vips_concurrency_set(1);
    int failed = cmocka_run_group_tests(tests, set_up, tear_down);
    vips_shutdown();
    return failed;
}
