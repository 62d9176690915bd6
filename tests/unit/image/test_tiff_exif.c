/* SPDX-License-Identifier: Apache-2.0
 *
 * EXIF in the TIFFs that are written: of either byte order, seen by the probe's own reader, and the pixels are as before.
 */
#include <string.h>

#include "general_world.h"
#include "image/frames.h"

#include "../meta/build.h"

static void drop(struct alb_str s)
{
    g_free((void *)(uintptr_t)s.p);
}

/* A block with something for every directory, and with what must not go along. */
static void make_block(struct alb_buf *b, bool big)
{
    struct alb_buf t = ALB_BUF_INIT(1 << 16);
    alb_buf_add(&t, big ? "MM\0*\0\0\0\0" : "II*\0\0\0\0\0", 8);
    const struct tag below[] = {
        TAG_RATIONAL(0x829a, 1, 250), TAG_SHORT(0x8827, 640), TAG_TEXT(0x9003, "2020:02:29 23:59:58"),
        {0x927c, 7, 9, "a secret\0"}, /* maker's notes */
        TAG_RATIONAL(0x920a, 35, 1),
    };
    uint32_t below_at[1] = {(uint32_t)put_dir(&t, 0, below, ALB_ARRAY_LEN(below), big)};
    const struct tag gps[] = {
        TAG_TEXT(1, "N"),
        TAG_RATIONAL3(2, 52, 1, 30, 1, 0, 1),
        TAG_TEXT(3, "W"),
        TAG_RATIONAL3(4, 13, 1, 15, 1, 0, 1),
    };
    uint32_t gps_at[1] = {(uint32_t)put_dir(&t, 0, gps, ALB_ARRAY_LEN(gps), big)};
    const struct tag first[] = {
        TAG_LONG(0x100, 9999), /* the size of another picture */
        TAG_TEXT(0x10f, "Canon"), TAG_TEXT(0x110, "A model with a long name"),
        TAG_SHORT(0x112, 6), /* the picture is upright */
        TAG_TEXT(0x8298, "Ada"),  {0x8769, 4, 1, below_at},
        {0x8825, 4, 1, gps_at},
    };
    poke(&t, 4, (uint32_t)put_dir(&t, 0, first, ALB_ARRAY_LEN(first), big), 4, big);
    alb_buf_add(b, "Exif\0", 6);
    alb_buf_str(b, alb_buf_view(&t));
    alb_buf_fini(&t);
}

static void expect_pixels(struct alb_str a, struct alb_str b)
{
    VipsImage *x = vips_image_new_from_buffer(a.p, a.n, "", NULL),
              *y = vips_image_new_from_buffer(b.p, b.n, "", NULL);
    size_t n, m;
    assert_true(x && y);
    void *p = vips_image_write_to_memory(x, &n), *q = vips_image_write_to_memory(y, &m);
    assert_int_equal(n, m);
    assert_memory_equal(p, q, n);
    g_free(p);
    g_free(q);
    g_object_unref(x);
    g_object_unref(y);
}

static void test_both_orders(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct alb_str tiff = sample(61, 43, ".tif[compression=deflate]");
        struct alb_buf block = ALB_BUF_INIT(1 << 16), out = ALB_BUF_INIT(1 << 20);
        make_block(&block, big);
        assert_true(alb_tiff_add_exif(tiff, alb_buf_view(&block), &out));
        struct alb_str with = alb_buf_view(&out);
        struct alb_probe *p = probe(with);
        assert_true(!p->damaged && p->header.width == 61 && p->header.height == 43 &&
                    p->header.orientation == 1);
        assert_true(alb_str_eq_c(p->meta.make, "Canon"));
        assert_true(alb_str_eq_c(p->meta.model, "A model with a long name"));
        assert_true(alb_str_eq_c(p->meta.copyright, "Ada"));
        assert_int_equal(p->meta.iso, 640);
        assert_true(p->meta.exposure_s > 0.00399 && p->meta.exposure_s < 0.00401);
        assert_int_equal(p->meta.taken.local_ms, 1583020798000);
        assert_true(p->meta.has_gps);
        assert_true(p->meta.latitude > 52.499 && p->meta.latitude < 52.501);
        assert_true(p->meta.longitude < -13.249 && p->meta.longitude > -13.251);
        assert_int_equal(alb_str_find_str(with, ALB_STR("secret")), ALB_STR_NPOS);
        expect_pixels(tiff, with);
        alb_probe_free(&p);
        alb_buf_fini(&out);
        alb_buf_fini(&block);
        drop(tiff);
    }
}

/* Through the executor: kept if asked for, and only then. */
static void test_executor(void **state)
{
    VipsImage *image = sample_image(64, 48);
    static struct alb_plan plan;
    (void)state;
    vips_image_set_string(image, "exif-ifd0-Make", "Canon (Canon, ASCII, 6 components, 6 bytes)");
    vips_image_set_string(image, "exif-ifd2-DateTimeOriginal",
                          "2020:02:29 23:59:58 (2020:02:29 23:59:58, ASCII, 20 components, 20 bytes)");
    vips_image_set_int(image, VIPS_META_ORIENTATION, 6);
    struct alb_str jpeg = sample_encode(image, ".jpg[Q=95]"), out;
    g_object_unref(image);
    struct alb_probe *p = probe(jpeg);
    for (int keep = 0; keep < 2; keep++) {
        struct alb_plan_options o;
        alb_plan_options_init(&o);
        o.output.format = ALB_FORMAT_TIFF;
        o.output.keep_metadata = keep;
        assert_int_equal(render(jpeg, &p->header, &o, &out, &plan), ALB_OK);
        struct alb_probe *q = probe(out);
        assert_int_equal(q->header.width, 48);
        assert_int_equal(q->header.orientation, 1); /* it was turned upright: not once more */
        assert_int_equal(alb_str_eq_c(q->meta.make, "Canon"), keep);
        assert_int_equal(q->meta.taken.known, keep);
        alb_probe_free(&q);
        drop(out);
    }
    alb_probe_free(&p);
    drop(jpeg);
}

/* Cut anywhere, changed anywhere: a TIFF all the same, or a refusal. */
static void test_broken(void **state)
{
    (void)state;
    struct alb_str tiff = sample(61, 43, ".tif[compression=deflate]");
    struct alb_buf block = ALB_BUF_INIT(1 << 16), out = ALB_BUF_INIT(1 << 20);
    make_block(&block, true);
    unsigned taken = 0;
    for (size_t i = 0; i < block.n; i++) {
        char was = block.p[i];
        alb_buf_reset(&out);
        alb_ignore(alb_tiff_add_exif(tiff, alb_str_sub(alb_buf_view(&block), 0, i), &out),
                   "it may be whole enough");
        for (unsigned v = 0; v < 256; v += 51) {
            block.p[i] = (char)v;
            alb_buf_reset(&out);
            if (alb_tiff_add_exif(tiff, alb_buf_view(&block), &out)) {
                expect_pixels(tiff, alb_buf_view(&out));
                taken++;
            }
        }
        block.p[i] = was;
    }
    assert_true(taken > block.n);
    alb_buf_reset(&out);
    assert_false(alb_tiff_add_exif(ALB_STR("MM\0*\0\0\0\x08"), alb_buf_view(&block), &out));
    alb_buf_fini(&out);
    alb_buf_fini(&block);
    drop(tiff);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_orders),
        cmocka_unit_test(test_executor),
        cmocka_unit_test(test_broken),
    };
    (void)argc;
    if (!begin(argv[0]))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
