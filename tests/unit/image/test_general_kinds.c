/* SPDX-License-Identifier: Apache-2.0
 *
 * The general executor: animations, drawings, bitmaps and raw files.
 */
#include "general_world.h"

static int frames_of(struct alb_str s)
{
    VipsImage *image = vips_image_new_from_buffer(s.p, s.n, "[n=-1]", NULL);
    assert_non_null(image);
    int n = vips_image_get_n_pages(image), *delays = NULL, count = 0;
    if (n > 1) {
        assert_int_equal(vips_image_get_array_int(image, "delay", &delays, &count), 0);
        assert_int_equal(count, n);
        assert_int_equal(delays[1], 60);
    }
    g_object_unref(image);
    return n;
}

static void test_animations(void **state)
{
    (void)state;
    for (int gif = 0; gif < 2; gif++) {
        struct alb_str s = sample_animation(90, 60, 5, gif ? ".gif" : ".webp"), out;
        struct alb_probe *p = probe(s);
        struct alb_plan_options o;
        static struct alb_plan plan;
        assert_true(p->header.animated && p->header.pages == 5 && p->header.width == 90 &&
                    p->header.height == 60);
        alb_plan_options_init(&o);
        o.width = 30;
        o.output.format = ALB_FORMAT_WEBP;
        assert_int_equal(render(s, &p->header, &o, &out, &plan), ALB_OK);
        assert_int_equal(frames_of(out), 1);
        g_free((void *)(uintptr_t)out.p);
        o.frames = 100000;
        o.turn = 90;
        assert_int_equal(render(s, &p->header, &o, &out, &plan), ALB_OK);
        assert_int_equal(frames_of(out), 5);
        char corners[5];
        sample_corners(out, corners);
        assert_string_equal(corners, "brwg");
        g_free((void *)(uintptr_t)out.p);
        alb_probe_free(&p);
        g_free((void *)(uintptr_t)s.p);
    }
}

static void test_vectors(void **state)
{
    static const char svg[] =
        "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='20'>"
        "<rect width='20' height='10' fill='#e00000'/><rect x='20' width='20' height='10' fill='#00e000'/>"
        "<rect y='10' width='20' height='10' fill='#0000e0'/><rect x='20' y='10' width='20' height='10' "
        "fill='#808080'/></svg>";
    struct alb_str s = {svg, sizeof(svg) - 1};
    struct alb_plan_options o;
    (void)state;
    alb_plan_options_init(&o);
    o.output.format = ALB_FORMAT_PNG;
    o.width = 400; /* drawn larger than its natural size */
    render_ok(s, &o, "rgbw");
    o.width = 7;
    render_ok(s, &o, NULL);
    /* so large that it cannot be drawn as small as it is wanted */
    static const char map[] = "<svg xmlns='http://www.w3.org/2000/svg' width='1000000' height='500000' "
                              "viewBox='0 0 2 1'><rect width='2' height='1' fill='#e00000'/></svg>";
    s = (struct alb_str){map, sizeof(map) - 1};
    struct alb_probe *p = probe(s);
    assert_false(p->damaged || p->not_looked);
    assert_int_equal(p->header.width, 1000000);
    alb_probe_free(&p);
    o.width = 64;
    render_ok(s, &o, NULL);
}

/* A level of a pyramid is enough for a small result; pages of other sizes are other pictures. */
static void test_pyramid(void **state)
{
    struct alb_str s = sample(801, 601, ".tif[tile,tile-width=64,tile-height=64,pyramid]");
    struct alb_plan_options o;
    static struct alb_plan plan;
    struct alb_str out;
    (void)state;
    struct alb_probe *p = probe(s);
    assert_in_range(p->header.halvings, 2, 8);
    alb_plan_options_init(&o);
    o.output.format = ALB_FORMAT_PNG;
    o.width = 150;
    assert_int_equal(render(s, &p->header, &o, &out, &plan), ALB_OK);
    assert_int_equal(plan.steps[0].u.load.how, ALB_LOAD_PAGE);
    assert_int_equal(plan.steps[0].width, 200);
    g_free((void *)(uintptr_t)out.p);
    render_ok(s, &o, "rgbw");
    alb_probe_free(&p);
    g_free((void *)(uintptr_t)s.p);
    VipsImage *pages[2] = {sample_image(100, 80), sample_image(100, 80)}, *joined = NULL;
    assert_int_equal(vips_arrayjoin(pages, &joined, 2, "across", 1, NULL), 0);
    vips_image_set_int(joined, VIPS_META_PAGE_HEIGHT, 80);
    s = sample_encode(joined, ".tif");
    p = probe(s);
    assert_int_equal(p->header.pages, 2);
    assert_int_equal(p->header.halvings, 0);
    alb_probe_free(&p);
    g_free((void *)(uintptr_t)s.p);
    g_object_unref(joined);
    g_object_unref(pages[0]);
    g_object_unref(pages[1]);
}

static size_t bytes_as(struct alb_str s, enum alb_format f, enum alb_chroma jpeg, enum alb_chroma heif)
{
    static struct alb_plan plan;
    struct alb_plan_options o;
    struct alb_str out;
    struct alb_probe *p = probe(s);
    alb_plan_options_init(&o);
    o.output.format = f;
    o.output.chroma = jpeg;
    o.output.heif_chroma = heif;
    assert_int_equal(render(s, &p->header, &o, &out, &plan), ALB_OK);
    alb_probe_free(&p);
    g_free((void *)(uintptr_t)out.p);
    return out.n;
}

/* Each family of formats has its own word on how fine colour is. */
static void test_chroma(void **state)
{
    struct alb_str s = sample(160, 120, ".png");
    (void)state;
    size_t jpeg = bytes_as(s, ALB_FORMAT_JPEG, ALB_CHROMA_HALF, ALB_CHROMA_HALF);
    assert_true(bytes_as(s, ALB_FORMAT_JPEG, ALB_CHROMA_FULL, ALB_CHROMA_HALF) != jpeg);
    assert_true(bytes_as(s, ALB_FORMAT_JPEG, ALB_CHROMA_HALF, ALB_CHROMA_FULL) == jpeg);
    size_t avif = bytes_as(s, ALB_FORMAT_AVIF, ALB_CHROMA_HALF, ALB_CHROMA_HALF);
    assert_true(bytes_as(s, ALB_FORMAT_AVIF, ALB_CHROMA_HALF, ALB_CHROMA_FULL) != avif);
    assert_true(bytes_as(s, ALB_FORMAT_AVIF, ALB_CHROMA_FULL, ALB_CHROMA_HALF) == avif);
    g_free((void *)(uintptr_t)s.p);
}

static VipsImage *bitmap(struct alb_str s, bool strict, struct alb_err *err)
{
    struct alb_load l = ALB_LOAD_INIT(ALB_TYPE_BMP, s);
    l.strict = strict;
    return alb_bmp_open(&l, err);
}

static void test_bitmaps(void **state)
{
    static const unsigned char palette[] = "BM\x46\0\0\0\0\0\0\0\x3e\0\0\0\x28\0\0\0\x02\0\0\0\x02\0\0\0\x01"
                                           "\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                           "\x02\0\0\0\0\0\0\0\0\0\xe0\0\xe0\0\0\0\x40\0\0\0\x80\0\0\0";
    struct alb_str s = {(const char *)palette, sizeof(palette) - 1};
    struct alb_err err = ALB_ERR_INIT;
    (void)state;
    VipsImage *image = bitmap(s, true, &err);
    if (!image)
        fail_msg("%s", err.msg);
    static const unsigned char wanted[12] = {0, 0, 0xe0, 0xe0, 0, 0, 0xe0, 0, 0, 0, 0, 0xe0};
    /* stored from below: row 1 of the file (80: second colour first) is the upper one */
    assert_memory_equal(image->data, wanted, 12);
    g_object_unref(image);
    for (size_t n = 0; n < s.n; n++) {
        char *cut = g_malloc(n + 1);
        memcpy(cut, s.p, n);
        image = bitmap((struct alb_str){cut, n}, true, NULL);
        assert_int_equal(image != NULL, n + 3 >= s.n); /* the last row's padding may be missing */
        g_clear_object(&image);
        image = bitmap((struct alb_str){cut, n}, false, NULL);
        g_clear_object(&image);
        g_free(cut);
    }
}

/* A DNG as small as it can be: an embedded JPEG in the first directory, sensor data in the second. */
static struct alb_str make_dng(struct alb_str jpeg, unsigned w, unsigned h, bool preview);

#include "../meta/build.h"

static unsigned dng_flip = 6; /* EXIF */
static uint32_t dng_preview_at, dng_sensor_at; /* 0: where they are */

static struct alb_str make_dng(struct alb_str jpeg, unsigned w, unsigned h, bool preview)
{
    struct alb_buf b = ALB_BUF_INIT(8 << 20);
    uint32_t strip[1], sub[1], bytes[1] = {w * h * 2};
    alb_buf_add(&b, "II*\0\0\0\0\0", 8);
    strip[0] = dng_sensor_at != 0 ? dng_sensor_at : (uint32_t)b.n;
    for (unsigned y = 0; y < h; y++) {
        for (unsigned x = 0; x < w; x++)
            put_int(&b, 1000 + (x * 37 + y * 91) % 2000, 2, false);
    }
    uint32_t jpeg_at[1] = {(uint32_t)b.n}, jpeg_n[1] = {(uint32_t)jpeg.n};
    alb_buf_str(&b, jpeg);
    if (b.n & 1)
        alb_buf_char(&b, '\0');
    if (dng_preview_at != 0)
        jpeg_at[0] = dng_preview_at;
    const struct tag raw[] = {
        TAG_LONG(0xfe, 0),
        TAG_LONG(0x100, w),
        TAG_LONG(0x101, h),
        TAG_SHORT(0x102, 16),
        TAG_SHORT(0x103, 1),
        TAG_SHORT(0x106, 32803),
        {0x111, 4, 1, strip},
        TAG_SHORT(0x115, 1),
        TAG_LONG(0x116, h),
        {0x117, 4, 1, bytes},
        {0x828d, 3, 2, (const uint32_t[]){2, 2}},
        {0x828e, 1, 4, "\0\x01\x01\x02"},
        TAG_LONG(0xc61d, 4095),
    };
    sub[0] = (uint32_t)put_dir(&b, 0, raw, ALB_ARRAY_LEN(raw), false);
    const struct tag ifd0[] = {
        TAG_LONG(0xfe, 1),
        TAG_LONG(0x100, preview ? 320 : 1),
        TAG_LONG(0x101, preview ? 240 : 1),
        {0x102, 3, 3, (const uint32_t[]){8, 8, 8}},
        TAG_SHORT(0x103, 7),
        TAG_SHORT(0x106, 6),
        TAG_TEXT(0x10f, "Test"),
        TAG_TEXT(0x110, "Camera"),
        {0x111, 4, 1, jpeg_at},
        TAG_SHORT(0x112, dng_flip),
        TAG_SHORT(0x115, 3),
        TAG_LONG(0x116, 240),
        {0x117, 4, 1, jpeg_n},
        {0x14a, 4, 1, sub},
        {0xc612, 1, 4, "\x01\x04\0\0"},
        TAG_TEXT(0xc614, "Test Camera"),
    };
    /* without a preview: the sensor's directory first */
    size_t at = preview ? put_dir(&b, 0, ifd0, ALB_ARRAY_LEN(ifd0), false) : 0;
    if (!preview) {
        struct tag only[20];
        memcpy(only, raw, sizeof(raw));
        only[ALB_ARRAY_LEN(raw)] = (struct tag){0xc612, 1, 4, "\x01\x04\0\0"};
        only[ALB_ARRAY_LEN(raw) + 1] = (struct tag)TAG_TEXT(0x10f, "Test");
        only[ALB_ARRAY_LEN(raw) + 2] = (struct tag)TAG_TEXT(0x110, "Camera");
        at = put_dir(&b, 0, only, ALB_ARRAY_LEN(raw) + 3, false);
    }
    poke(&b, 4, (uint32_t)at, 4, false);
    size_t n;
    char *p = alb_buf_give(&b, &n);
    return (struct alb_str){p, n};
}

static void test_raw_preview(void **state)
{
    struct alb_str jpeg = sample(320, 240, ".jpg"), dng = make_dng(jpeg, 640, 480, true);
    struct alb_plan_options o;
    (void)state;
    struct alb_probe *p = probe(dng);
    assert_int_equal(p->type, ALB_TYPE_DNG);
    if (p->damaged || !p->header.preview)
        fail_msg("%s", p->note);
    assert_int_equal(p->header.width, 320);
    assert_int_equal(p->header.height, 240);
    assert_int_equal(p->header.raw_width, 640);
    assert_int_equal(p->header.orientation, 6);
    assert_true(alb_str_eq_c(p->meta.make, "Test"));
    assert_true(p->thumbhash_len > 0);
    alb_probe_free(&p);
    alb_plan_options_init(&o);
    o.width = o.height = 100;
    render_ok(dng, &o, "brwg"); /* turned upright */
    alb_mem_free((void *)(uintptr_t)dng.p);
    g_free((void *)(uintptr_t)jpeg.p);
}

static void test_raw_developed(void **state)
{
    struct alb_str dng = make_dng(ALB_STR("none"), 640, 480, false);
    struct alb_plan_options o;
    (void)state;
    struct alb_probe *p = probe(dng);
    assert_int_equal(p->type, ALB_TYPE_DNG);
    if (p->damaged || p->header.preview)
        fail_msg("%s", p->note);
    assert_int_equal(p->header.width, 320); /* half size */
    assert_int_equal(p->header.height, 240);
    alb_probe_free(&p);
    alb_plan_options_init(&o);
    o.width = o.height = 100;
    render_ok(dng, &o, NULL);
    alb_mem_free((void *)(uintptr_t)dng.p);
}

/* What is shown of a file: the size that its header has, and whether that is the preview's; it can be rendered. */
static void check_shown(struct alb_str dng, uint32_t width, bool preview, uint8_t orientation)
{
    struct alb_plan_options o;
    struct alb_probe *p = probe(dng);
    if (p->damaged || p->header.preview != preview || p->header.width != width)
        fail_msg("%u, preview %d: %s", p->header.width, p->header.preview, p->note);
    assert_int_equal(p->header.raw_width, 640);
    assert_int_equal(p->header.orientation, orientation);
    assert_true(p->thumbhash_len > 0);
    alb_probe_free(&p);
    alb_plan_options_init(&o);
    o.width = o.height = 100;
    render_ok(dng, &o, NULL);
    alb_mem_free((void *)(uintptr_t)dng.p);
}

/* A small preview is for lists; one that is not where it is said to be makes libraw forget the file. */
static void test_raw_without_a_good_preview(void **state)
{
    struct alb_str good = sample(320, 240, ".jpg"), small = sample(152, 114, ".jpg");
    (void)state;
    check_shown(make_dng(small, 640, 480, true), 320, false, 6);
    dng_preview_at = 0x7f000000;
    check_shown(make_dng(good, 640, 480, true), 320, false, 6);
    dng_preview_at = 0;
    g_free((void *)(uintptr_t)good.p);
    g_free((void *)(uintptr_t)small.p);
}

/* What a sensor has not seen cannot be shown; then the small one is more than nothing. */
static void test_raw_without_a_sensor(void **state)
{
    struct alb_str small = sample(152, 114, ".jpg");
    (void)state;
    dng_sensor_at = 0x7f000000;
    check_shown(make_dng(small, 640, 480, true), 152, true, 6);
    dng_preview_at = 0x7f000000;
    struct alb_str dng = make_dng(small, 640, 480, true);
    struct alb_probe *p = probe(dng);
    assert_true(p->damaged);
    alb_probe_free(&p);
    alb_mem_free((void *)(uintptr_t)dng.p);
    dng_sensor_at = dng_preview_at = 0;
    g_free((void *)(uintptr_t)small.p);
}

static void test_raw_orientations(void **state)
{
    struct alb_str jpeg = sample(320, 240, ".jpg");
    (void)state;
    for (dng_flip = 1; dng_flip <= 8; dng_flip++)
        check_shown(make_dng(jpeg, 640, 480, true), 320, true, (uint8_t)dng_flip);
    dng_flip = 6;
    g_free((void *)(uintptr_t)jpeg.p);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raw_orientations),
        cmocka_unit_test(test_raw_without_a_good_preview),
        cmocka_unit_test(test_raw_without_a_sensor),
        cmocka_unit_test(test_animations),    cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_pyramid),
        cmocka_unit_test(test_chroma),
        cmocka_unit_test(test_bitmaps),       cmocka_unit_test(test_raw_preview),
        cmocka_unit_test(test_raw_developed),
    };
    (void)argc;
    if (!begin(argv[0]))
        return 1;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    vips_shutdown();
    return rc;
}
