/* SPDX-License-Identifier: Apache-2.0
 *
 * What a PNG is written as: interlaced, with a palette, with filters; and grey that stays grey.
 */
#include "encode_world.h"

static void test_png(void **state)
{
    static const struct {
        bool interlaced, quantize;
        uint16_t colors;
        unsigned depth, type;
    } cases[] = {{false, false, 0, 8, 2}, {true, false, 0, 8, 2},  {false, true, 0, 8, 3},
                 {true, true, 256, 8, 3}, {false, true, 16, 4, 3}, {false, true, 4, 2, 3},
                 {false, true, 2, 1, 3}};
    struct alb_str s = sample(67, 45, ".png");
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_plan_options o = options_for(ALB_FORMAT_PNG);
        o.output.png_interlaced = cases[i].interlaced;
        o.output.png_quantize = cases[i].quantize;
        o.output.png_colors = cases[i].colors;
        struct alb_str out = run(s, &o);
        if ((unsigned char)out.p[24] != cases[i].depth || (unsigned char)out.p[25] != cases[i].type ||
            (unsigned char)out.p[28] != (cases[i].interlaced ? 1 : 0))
            fail_msg("PNG %zu: depth %d type %d interlace %d", i, out.p[24], out.p[25], out.p[28]);
        drop(out);
    }
    drop(s);
}

/* What came with a palette gets one of as many bits; nothing is lost for it where nothing may be,
 * and it has none where none is wanted. */
static void test_palette_again(void **state)
{
    static const struct {
        const char *source;
        unsigned depth;
    } cases[] = {{".png[palette,bitdepth=1]", 1},
                 {".png[palette,bitdepth=2]", 2},
                 {".png[palette,bitdepth=4]", 4},
                 {".png[palette,bitdepth=8]", 8},
                 {".gif", 8},
                 {".bmp", 0}};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_str s = sample(67, 45, cases[i].source);
        for (int way = 0; way < 3; way++) {
            struct alb_plan_options o = options_for(ALB_FORMAT_PNG);
            unsigned depth = way > 0 || cases[i].depth == 0 ? 8 : cases[i].depth;
            bool palette = way == 0 && cases[i].depth != 0;
            o.output.lossless = way == 1;
            o.output.png_plain = way == 2;
            struct alb_str out = run(s, &o);
            if ((unsigned char)out.p[24] != depth || ((unsigned char)out.p[25] == 3) != palette)
                fail_msg("PNG of %s: depth %d type %d", cases[i].source, out.p[24], out.p[25]);
            drop(out);
        }
        drop(s);
    }
}

/* Rows as differences: a photograph is smaller than with its rows as they are. */
static void test_png_filters(void **state)
{
    VipsImage *sharp = sample_image(200, 150), *image = NULL;
    void *plain = NULL;
    size_t n = 0;
    (void)state;
    assert_int_equal(vips_gaussblur(sharp, &image, 9, NULL), 0);
    assert_int_equal(vips_pngsave_buffer(image, &plain, &n, "filter", VIPS_FOREIGN_PNG_FILTER_NONE, NULL), 0);
    struct alb_plan_options o = options_for(ALB_FORMAT_PNG);
    struct alb_str s = sample_encode(image, ".png"), out = run(s, &o);
    if (out.n * 10 > n * 9)
        fail_msg("%zu bytes, %zu without filters", out.n, n);
    drop(out);
    drop(s);
    g_free(plain);
    g_object_unref(image);
    g_object_unref(sharp);
}

/* ---- grey with a profile ---- */

#define PROFILE_BYTES 192

static void be32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (24 - 8 * i));
}

/* Grey with a gamma of 1.8: header, white point and curve of ICC.1:2001-04. */
static void grey_profile(unsigned char p[PROFILE_BYTES])
{
    static const uint32_t d50[3] = {0xf6d6, 0x10000, 0xd32d};
    memset(p, 0, PROFILE_BYTES);
    be32(p, PROFILE_BYTES);
    be32(p + 8, 0x02400000);
    memcpy(p + 12, "mntrGRAYXYZ ", 12);
    memcpy(p + 36, "acsp", 4);
    be32(p + 128, 2);
    memcpy(p + 132, "wtpt", 4);
    be32(p + 136, 156);
    be32(p + 140, 20);
    memcpy(p + 144, "kTRC", 4);
    be32(p + 148, 176);
    be32(p + 152, 12 + 2);
    memcpy(p + 156, "XYZ ", 4);
    for (size_t i = 0; i < 3; i++) {
        be32(p + 68 + 4 * i, d50[i]);
        be32(p + 164 + 4 * i, d50[i]);
    }
    memcpy(p + 176, "curv", 4);
    be32(p + 184, 1);
    be32(p + 188, 0x01cd0000); /* 1.8, 8 bits behind the point */
}

/* It is converted and stays grey; one that is as grey as sRGB's would change nothing. */
static void test_grey_profile(void **state)
{
    unsigned char profile[PROFILE_BYTES];
    VipsImage *image = vips_image_new_matrix(16, 16), *grey = NULL, *two = NULL;
    (void)state;
    grey_profile(profile);
    int rc = vips_linear1(image, &grey, 0, 100, "uchar", TRUE, NULL);
    g_object_unref(image);
    assert_int_equal(rc, 0);
    rc = vips_copy(grey, &image, "interpretation", VIPS_INTERPRETATION_B_W, NULL);
    assert_int_equal(rc, 0);
    vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, profile, sizeof(profile));
    for (int alpha = 0; alpha < 2; alpha++) {
        if (alpha)
            assert_int_equal(vips_bandjoin_const1(image, &two, 128, NULL), 0);
        struct alb_str s = sample_encode(alpha ? two : image, ".png");
        struct alb_plan_options o = options_for(ALB_FORMAT_PNG);
        struct alb_str out = run(s, &o);
        VipsImage *x = back(out);
        double *v = NULL;
        int n = 0;
        assert_int_equal(x->Bands, 1 + alpha);
        assert_int_equal(vips_getpoint(x, &v, &n, 3, 3, NULL), 0);
        /* (100 / 255) ^ 1.8 is light of 0.185, which sRGB writes as 119 */
        if (fabs(v[0] - 119) > 1 || (alpha && v[1] != 128))
            fail_msg("%g of 100", v[0]);
        g_free(v);
        g_object_unref(x);
        drop(out);
        drop(s);
    }
    g_object_unref(two);
    g_object_unref(image);
    g_object_unref(grey);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png),
        cmocka_unit_test(test_palette_again),
        cmocka_unit_test(test_png_filters),
        cmocka_unit_test(test_grey_profile),
    };
    (void)argc;
    if (!begin(argv[0]))
        return 1;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    vips_shutdown();
    return rc;
}
