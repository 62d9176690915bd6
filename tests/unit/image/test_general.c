/* SPDX-License-Identifier: Apache-2.0
 *
 * The general executor, in this process: every source, every result, turns, colours, damage, limits,
 * metadata. Kinds with ways of their own: test_general_kinds.c.
 */
#include "general_world.h"

static const char *const kinds[] = {".jpg",
                                    ".jpg[interlace]",
                                    ".png",
                                    ".png[interlace]",
                                    ".webp",
                                    ".webp[lossless]",
                                    ".gif",
                                    ".tif",
                                    ".tif[compression=jpeg,tile]",
                                    ".jxl",
                                    ".jp2",
                                    ".avif",
                                    ".heic"};

static struct alb_str make(VipsImage *image, const char *kind)
{
    void *p = NULL;
    size_t n = 0;
    if (strcmp(kind, ".avif") == 0 || strcmp(kind, ".heic") == 0) {
        int rc = vips_heifsave_buffer(image, &p, &n, "compression",
                                      kind[1] == 'a' ? VIPS_FOREIGN_HEIF_COMPRESSION_AV1
                                                     : VIPS_FOREIGN_HEIF_COMPRESSION_HEVC,
                                      "effort", 0, NULL);
        if (rc != 0)
            fail_msg("%s: %s", kind, vips_error_buffer());
        return (struct alb_str){p, n};
    }
    return sample_encode(image, kind);
}

static void test_every_source(void **state)
{
    VipsImage *image = sample_image(300, 200);
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(kinds); i++) {
        struct alb_str s = make(image, kinds[i]);
        struct alb_probe *p = probe(s);
        if (p->damaged || p->not_looked || p->header.width != 300 || p->header.height != 200)
            fail_msg("%s: %ux%u %s", kinds[i], p->header.width, p->header.height, p->note);
        assert_int_equal(p->header.pages, 1);
        assert_true(p->thumbhash_len >= 15);
        assert_int_equal(p->header.progressive, strstr(kinds[i], "interlace") != NULL);
        alb_probe_free(&p);
        struct alb_plan_options o;
        alb_plan_options_init(&o);
        o.width = o.height = 60;
        o.output.format = ALB_FORMAT_PNG;
        render_ok(s, &o, "rgbw");
        o.fit = ALB_FIT_COVER;
        render_ok(s, &o, "rgbw");
        g_free((void *)(uintptr_t)s.p);
    }
    g_object_unref(image);
}

/* Sides that the decoder's own shrinking would make nothing of. */
static void test_narrow(void **state)
{
    static const int sizes[][2] = {{1, 30000}, {30000, 1}, {7, 9000}, {9000, 7}, {1, 1}};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(sizes); i++) {
        struct alb_str s = sample(sizes[i][0], sizes[i][1], ".jpg");
        struct alb_probe *p = probe(s);
        assert_false(p->damaged);
        assert_int_equal(p->header.width, sizes[i][0]);
        assert_true(p->thumbhash_len > 0);
        alb_probe_free(&p);
        struct alb_plan_options o;
        alb_plan_options_init(&o);
        o.width = o.height = 60;
        render_ok(s, &o, NULL);
        g_free((void *)(uintptr_t)s.p);
    }
}

/* A HEIF file of two pictures that says its second one is the one to show. */
static void test_primary_is_shown(void **state)
{
    VipsImage *pair[2] = {sample_image(64, 48), NULL}, *both = NULL, *copy = NULL;
    void *p = NULL;
    size_t n = 0;
    (void)state;
    assert_int_equal(vips_rot180(pair[0], &pair[1], NULL), 0);
    assert_int_equal(vips_arrayjoin(pair, &both, 2, "across", 1, NULL), 0);
    assert_int_equal(vips_copy(both, &copy, NULL), 0);
    vips_image_set_int(copy, VIPS_META_PAGE_HEIGHT, 48);
    assert_int_equal(vips_heifsave_buffer(copy, &p, &n, "compression", VIPS_FOREIGN_HEIF_COMPRESSION_AV1,
                                          "effort", 0, NULL),
                     0);
    struct alb_str s = {p, n};
    struct alb_plan_options o;
    alb_plan_options_init(&o);
    o.output.format = ALB_FORMAT_PNG;
    render_ok(s, &o, "rgbw");
    unsigned char *pitm = memmem(p, n, "pitm\0\0\0", 7); /* version and flags, then the number of an item */
    assert_non_null(pitm);
    pitm[9] = 3; /* 2 is the EXIF of the first */
    render_ok(s, &o, "wbgr");
    o.page = 1; /* by number: the second in the file */
    render_ok(s, &o, "wbgr");
    g_free(p);
    g_object_unref(copy);
    g_object_unref(both);
    g_object_unref(pair[1]);
    g_object_unref(pair[0]);
}

static void test_every_result(void **state)
{
    struct alb_str s = sample(300, 200, ".jpg");
    (void)state;
    for (unsigned f = 1; f < ALB_FORMAT_COUNT; f++) {
        struct alb_plan_options o;
        alb_plan_options_init(&o);
        o.width = o.height = 64;
        o.output.format = (enum alb_format)f;
        render_ok(s, &o, "rgbw");
        o.output.quality[f] = 1;
        render_ok(s, &o, NULL);
        o.output.quality[f] = 0;
        o.output.lossless = true;
        render_ok(s, &o, "rgbw");
        o.width = o.height = 1;
        render_ok(s, &o, NULL);
    }
    g_free((void *)(uintptr_t)s.p);
}

/* Every way a file can lie, and every turn of a person: always upright, and the right part when cut. */
static void test_orientations(void **state)
{
    static const char *const corners[9] = {"",     "rgbw", "grwb", "wbgr", "bwrg",
                                           "rbgw", "brwg", "wgbr", "gwrb"};
    VipsImage *image = sample_image(300, 200);
    (void)state;
    for (int orientation = 1; orientation <= 8; orientation++) {
        vips_image_set_int(image, VIPS_META_ORIENTATION, orientation);
        struct alb_str s = sample_encode(image, ".jpg");
        struct alb_probe *p = probe(s);
        assert_int_equal(p->header.orientation, orientation);
        assert_int_equal(p->meta.orientation, orientation);
        alb_probe_free(&p);
        struct alb_plan_options o;
        alb_plan_options_init(&o);
        o.width = o.height = 80;
        o.output.format = ALB_FORMAT_PNG;
        render_ok(s, &o, corners[orientation]);
        o.turn = 180;
        char upside[5] = {corners[orientation][3], corners[orientation][2], corners[orientation][1],
                          corners[orientation][0], 0};
        render_ok(s, &o, upside);
        o.turn = 0;
        o.ignore_orientation = true;
        render_ok(s, &o, "rgbw");
        g_free((void *)(uintptr_t)s.p);
    }
    g_object_unref(image);
}

static void test_transparency(void **state)
{
    VipsImage *image = sample_image(100, 100), *rgba = NULL;
    (void)state;
    assert_int_equal(vips_bandjoin_const1(image, &rgba, 0, NULL), 0); /* all of it */
    static const char *const with_alpha[] = {".png", ".webp", ".tif", ".jxl"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(with_alpha); i++) {
        struct alb_str s = sample_encode(rgba, with_alpha[i]);
        struct alb_probe *p = probe(s);
        assert_true(p->header.alpha);
        alb_probe_free(&p);
        struct alb_plan_options o;
        alb_plan_options_init(&o);
        o.width = o.height = 50;
        o.output.format = ALB_FORMAT_JPEG;
        render_ok(s, &o, "wwww");
        o.background = 0xe00000;
        render_ok(s, &o, "rrrr");
        o.output.format = ALB_FORMAT_PNG;
        o.flatten = true;
        render_ok(s, &o, "rrrr");
        g_free((void *)(uintptr_t)s.p);
    }
    g_object_unref(rgba);
    g_object_unref(image);
}

static void test_colour_spaces(void **state)
{
    VipsImage *image = sample_image(100, 100), *out = NULL;
    struct alb_plan_options o;
    (void)state;
    alb_plan_options_init(&o);
    o.width = o.height = 50;
    o.output.format = ALB_FORMAT_PNG;
    static const struct {
        const char *profile;
        enum alb_icc icc;
        enum alb_space space;
    } profiles[] = {{"srgb", ALB_ICC_SRGB, ALB_SPACE_RGB},
                    {"p3", ALB_ICC_RGB, ALB_SPACE_RGB},
                    {"cmyk", ALB_ICC_CMYK, ALB_SPACE_CMYK}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(profiles); i++) {
        assert_int_equal(vips_icc_transform(image, &out, profiles[i].profile, "input_profile", "srgb", NULL),
                         0);
        struct alb_str s = sample_encode(out, ".jpg[Q=95]");
        struct alb_probe *p = probe(s);
        assert_int_equal(p->header.icc, profiles[i].icc);
        assert_int_equal(p->header.space, profiles[i].space);
        alb_probe_free(&p);
        render_ok(s, &o, i < 2 ? "rgbw" : NULL); /* no press prints these */
        g_free((void *)(uintptr_t)s.p);
        g_object_unref(out);
    }
    assert_int_equal(vips_colourspace(image, &out, VIPS_INTERPRETATION_RGB16, NULL), 0);
    struct alb_str s = sample_encode(out, ".png");
    render_ok(s, &o, "rgbw");
    g_free((void *)(uintptr_t)s.p);
    g_object_unref(out);
    assert_int_equal(vips_colourspace(image, &out, VIPS_INTERPRETATION_LAB, NULL), 0);
    s = sample_encode(out, ".tif");
    render_ok(s, &o, "rgbw");
    g_free((void *)(uintptr_t)s.p);
    g_object_unref(out);
    assert_int_equal(vips_colourspace(image, &out, VIPS_INTERPRETATION_LABQ, NULL), 0); /* Lab of 8 bits */
    s = sample_encode(out, ".tif");
    struct alb_probe *p = probe(s);
    assert_false(p->header.alpha);
    alb_probe_free(&p);
    render_ok(s, &o, "rgbw");
    g_free((void *)(uintptr_t)s.p);
    g_object_unref(out);
    assert_int_equal(vips_colourspace(image, &out, VIPS_INTERPRETATION_B_W, NULL), 0);
    s = sample_encode(out, ".jpg");
    for (unsigned f = 1; f < ALB_FORMAT_COUNT; f++) {
        o.output.format = (enum alb_format)f;
        render_ok(s, &o, NULL);
    }
    g_free((void *)(uintptr_t)s.p);
    g_object_unref(out);
    g_object_unref(image);
}

/* A known type is kept and told to be damaged; strict renders refuse it, lenient ones show what is there. */
static void test_damage(void **state)
{
    static const struct {
        const char *how;
        bool lenient_works;
    } cases[] = {{".jpg", true}, {".png", true},  {".webp", false},
                 {".gif", true}, {".tif", false}, {".jxl", false}};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_str s = sample(300, 200, cases[i].how), half = {s.p, s.n * 3 / 4}, out;
        struct alb_probe *p = probe(half);
        struct alb_plan_options o;
        static struct alb_plan plan;
        if (!p->damaged || p->thumbhash_len != 0 || p->note[0] == 0)
            fail_msg("%s is not told to be damaged", cases[i].how);
        alb_plan_options_init(&o);
        o.width = 60;
        if (p->header.width != 0) {
            assert_int_equal(render(half, &p->header, &o, &out, &plan), ALB_E_UNPROCESSABLE);
            o.lenient = true;
            enum alb_code code = render(half, &p->header, &o, &out, &plan);
            if (cases[i].lenient_works)
                assert_int_equal(code, ALB_OK);
            g_free((void *)(uintptr_t)out.p);
        }
        alb_probe_free(&p);
        g_free((void *)(uintptr_t)s.p);
    }
}

/* A plan made for another picture. */
static void test_not_as_planned(void **state)
{
    struct alb_str a = sample(300, 200, ".jpg"), b = sample(200, 300, ".jpg"), out;
    struct alb_probe *p = probe(a);
    struct alb_plan_options o;
    static struct alb_plan plan;
    (void)state;
    alb_plan_options_init(&o);
    o.width = 60;
    assert_int_equal(render(b, &p->header, &o, &out, &plan), ALB_E_UNPROCESSABLE);
    alb_probe_free(&p);
    g_free((void *)(uintptr_t)a.p);
    g_free((void *)(uintptr_t)b.p);
}

static void test_over_limits(void **state)
{
    struct alb_plan_limits old = limits;
    struct alb_str s = sample(300, 200, ".png");
    (void)state;
    limits.source_pixels = 59999;
    struct alb_probe *p = probe(s);
    assert_true(p->not_looked && !p->damaged && p->thumbhash_len == 0 && p->header.width == 300);
    alb_probe_free(&p);
    limits = old;
    g_free((void *)(uintptr_t)s.p);
}

static void test_metadata(void **state)
{
    VipsImage *image = sample_image(100, 100);
    static const char xmp[] = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF "
                              "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
                              "<rdf:Description rdf:about='' xmlns:xmp='http://ns.adobe.com/xap/1.0/' "
                              "xmp:Rating='5'/></rdf:RDF></x:xmpmeta>";
    static const char *const carriers[] = {".jpg", ".png", ".webp", ".tif", ".heic", ".avif"};
    (void)state;
    vips_image_set_string(image, "exif-ifd0-Make", "Canon (Canon, ASCII, 6 components, 6 bytes)");
    vips_image_set_string(image, "exif-ifd2-DateTimeOriginal",
                          "2020:02:29 23:59:58 (2020:02:29 23:59:58, ASCII, 20 components, 20 bytes)");
    vips_image_set_blob_copy(image, VIPS_META_XMP_NAME, xmp, sizeof(xmp) - 1);
    struct alb_str jpeg =
        sample_encode(image, ".jpg[Q=95]"); /* its saver makes the EXIF block, others copy it */
    g_object_unref(image);
    image = vips_image_new_from_buffer(jpeg.p, jpeg.n, "", NULL);
    for (size_t i = 0; i < ALB_ARRAY_LEN(carriers); i++) {
        struct alb_str s = make(image, carriers[i]), out;
        struct alb_probe *p = probe(s);
        if (!p->meta.has_rating || p->meta.rating != 5)
            fail_msg("%s: no XMP", carriers[i]);
        if (i != 3) { /* libvips writes no EXIF into TIFF */
            if (!alb_str_eq_c(p->meta.make, "Canon"))
                fail_msg("%s: no EXIF", carriers[i]);
            assert_int_equal(p->meta.taken.local_ms, 1583020798000);
        }
        struct alb_plan_options o;
        static struct alb_plan plan;
        alb_plan_options_init(&o);
        o.output.format = ALB_FORMAT_JPEG;
        assert_int_equal(render(s, &p->header, &o, &out, &plan), ALB_OK);
        assert_int_equal(alb_str_find_str(out, ALB_STR("xmp:Rating")), ALB_STR_NPOS);
        assert_int_equal(alb_str_find_str(out, ALB_STR("Exif")), ALB_STR_NPOS);
        g_free((void *)(uintptr_t)out.p);
        o.output.keep_metadata = true;
        assert_int_equal(render(s, &p->header, &o, &out, &plan), ALB_OK);
        assert_int_not_equal(alb_str_find_str(out, ALB_STR("Exif")), ALB_STR_NPOS);
        g_free((void *)(uintptr_t)out.p);
        alb_probe_free(&p);
        g_free((void *)(uintptr_t)s.p);
    }
    g_object_unref(image);
    g_free((void *)(uintptr_t)jpeg.p);
}

static void test_canary(void **state)
{
    struct alb_err err = ALB_ERR_INIT;
    (void)state;
    if (alb_general_canary(&err) != ALB_OK)
        fail_msg("%s", err.msg);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_source),     cmocka_unit_test(test_narrow),
        cmocka_unit_test(test_primary_is_shown), cmocka_unit_test(test_every_result),
        cmocka_unit_test(test_orientations),     cmocka_unit_test(test_transparency),
        cmocka_unit_test(test_colour_spaces),    cmocka_unit_test(test_damage),
        cmocka_unit_test(test_not_as_planned),   cmocka_unit_test(test_over_limits),
        cmocka_unit_test(test_metadata),         cmocka_unit_test(test_canary),
    };
    (void)argc;
    if (!begin(argv[0]))
        return 1;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    vips_shutdown();
    return rc;
}
