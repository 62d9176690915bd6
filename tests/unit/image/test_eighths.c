/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG shrunk in the decoder: every number of eighths, by plans as they are made and by plans that are forced to it,
 * looks like the whole picture made smaller, and has its size. Metadata do not change what is shown.
 */
#include <string.h>

#include "general_world.h"
#include "image/score.h"

#define SIDE 150

static void drop(struct alb_str s)
{
    g_free((void *)(uintptr_t)s.p);
}

/* Soft shapes, as photographs have; sides that no number of eighths divides. */
static struct alb_str photograph(int w, int h, bool grey, const char *how)
{
    VipsImage *a = NULL, *b = NULL, *c = NULL, *all = NULL, *out = NULL, *named = NULL;
    assert_int_equal(vips_perlin(&a, w, h, "cell_size", 90, "seed", 1, NULL), 0);
    assert_int_equal(vips_linear1(a, &b, 100, 120, NULL), 0);
    assert_int_equal(vips_linear1(a, &c, -80, 110, NULL), 0);
    assert_int_equal(vips_bandjoin((VipsImage *[]){b, c, b}, &all, grey ? 1 : 3, NULL), 0);
    assert_int_equal(vips_cast(all, &out, VIPS_FORMAT_UCHAR, NULL), 0);
    assert_int_equal(vips_copy(out, &named, "interpretation",
                               grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, NULL),
                     0);
    struct alb_str s = sample_encode(named, how);
    g_object_unref(a);
    g_object_unref(b);
    g_object_unref(c);
    g_object_unref(all);
    g_object_unref(out);
    g_object_unref(named);
    return s;
}

struct pixels {
    uint8_t *p;
    uint32_t width, height;
    unsigned bands;
};

static struct pixels run(struct alb_str s, const struct alb_plan *plan)
{
    struct alb_general_outcome outcome;
    struct alb_err err = ALB_ERR_INIT;
    int fd = memfd_create("result", MFD_CLOEXEC);
    if (alb_general_render(plan, &s, fd, &outcome, &err) != ALB_OK)
        fail_msg("%s", err.msg);
    size_t n = (size_t)lseek(fd, 0, SEEK_END);
    char *bytes = g_malloc(n);
    assert_int_equal(pread(fd, bytes, n, 0), n);
    close(fd);
    VipsImage *x = vips_image_new_from_buffer(bytes, n, "", NULL);
    assert_non_null(x);
    struct pixels out = {NULL, (uint32_t)x->Xsize, (uint32_t)x->Ysize, (unsigned)x->Bands};
    out.p = vips_image_write_to_memory(x, &n);
    g_object_unref(x);
    g_free(bytes);
    return out;
}

static void plan_for(const struct alb_image_header *h, uint16_t margin, struct alb_plan *plan)
{
    struct alb_plan_options o;
    struct alb_err err = ALB_ERR_INIT;
    alb_plan_options_init(&o);
    o.width = o.height = SIDE;
    o.output.format = ALB_FORMAT_PNG;
    o.shrink_margin = margin;
    if (plan_make(h, &o, &limits, plan, &err) != ALB_OK)
        fail_msg("%s", err.msg);
}

static void expect_same(const char *what, const struct pixels *want, struct pixels got, double most)
{
    assert_int_equal(got.width, want->width);
    assert_int_equal(got.height, want->height);
    assert_int_equal(got.bands, want->bands);
    double d = alb_score_dssim(want->p, got.p, got.width, got.height, got.bands);
    if (d < 0 || d > most)
        fail_msg("%s: differs by %g", what, d);
    g_free(got.p);
}

static void test_every_number(void **state)
{
    static const char *const kinds[] = {".jpg[Q=95]", ".jpg[Q=95,no_subsample]", ".jpg[Q=95,interlace]"};
    static struct alb_plan plan, forced;
    (void)state;
    for (size_t kind = 0; kind < 2 * ALB_ARRAY_LEN(kinds); kind++) {
        struct alb_str s =
            photograph(1203, 901, kind >= ALB_ARRAY_LEN(kinds), kinds[kind % ALB_ARRAY_LEN(kinds)]);
        struct alb_probe *p = probe(s);
        plan_for(&p->header, ALB_SHRINK_NEVER, &plan);
        struct pixels whole = run(s, &plan);
        for (uint8_t n = 1; n < 8; n++) {
            char name[64];
            snprintf(name, sizeof(name), "kind %zu, %u/8", kind, n);
            forced = plan;
            forced.steps[0].u.load.how = ALB_LOAD_EIGHTHS;
            forced.steps[0].u.load.eighths = n;
            forced.steps[0].width = alb_jpeg_side(1203, n);
            forced.steps[0].height = alb_jpeg_side(901, n);
            expect_same(name, &whole, run(s, &forced), n == 1 ? 0.05 : n < 4 ? 0.01 : 0.003);
        }
        g_free(whole.p);
        alb_probe_free(&p);
        drop(s);
    }
}

/* As it is made for sizes of our own: nearly the whole picture's. */
static void test_margin(void **state)
{
    static struct alb_plan plan;
    static const int widths[] = {301, 415, 480, 640, 777, 1203};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(widths); i++) {
        struct alb_str s = photograph(widths[i], widths[i] * 3 / 4, false, ".jpg[Q=95]");
        struct alb_probe *p = probe(s);
        char name[32];
        plan_for(&p->header, ALB_SHRINK_NEVER, &plan);
        struct pixels whole = run(s, &plan);
        plan_for(&p->header, 1700, &plan);
        snprintf(name, sizeof(name), "%d at %u/8", widths[i], plan.steps[0].u.load.eighths);
        assert_int_equal(plan.steps[0].u.load.eighths, i == 0 ? 8 : i < 3 ? 5 : i < 5 ? 4 : 2);
        expect_same(name, &whole, run(s, &plan), 0.002);
        g_free(whole.p);
        alb_probe_free(&p);
        drop(s);
    }
}

/* A plan for our own reader meets a picture that it does not take: libvips stands in, and the size is as planned. */
static void test_stand_in(void **state)
{
    static struct alb_plan plan;
    VipsImage *press = NULL, *x = sample_image(415, 311);
    (void)state;
    assert_int_equal(vips_icc_transform(x, &press, "cmyk", "input_profile", "srgb", NULL), 0);
    struct alb_str s = sample_encode(press, ".jpg[Q=95]");
    struct alb_probe *p = probe(s);
    assert_int_equal(p->header.space, ALB_SPACE_CMYK);
    p->header.space = ALB_SPACE_RGB; /* a header of another file */
    plan_for(&p->header, 1700, &plan);
    assert_int_equal(plan.steps[0].u.load.eighths, 5);
    struct pixels got = run(s, &plan);
    assert_int_equal(got.width, plan.width);
    assert_int_equal(got.height, plan.height);
    g_free(got.p);
    alb_probe_free(&p);
    drop(s);
    g_object_unref(press);
    g_object_unref(x);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_number),
        cmocka_unit_test(test_margin),
        cmocka_unit_test(test_stand_in),
    };
    (void)argc;
    if (!begin(argv[0]))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
