/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames of AVIF, in and out, in this process: what our writer makes is read by libav, which shares no code with it.
 */
#include <string.h>

#include "general_world.h"
#include "image/frames.h"

#define W 48
#define H 32
#define N 4
static const int delays[N] = {50, 120, 80, 200};

static void drop(struct alb_str s)
{
    g_free((void *)(uintptr_t)s.p);
}

/* Frame i is of one colour: i quarters of red, and blue; with a hole in the lower right quarter if `hole`. */
static struct alb_str animation(const char *how, int plays, bool hole)
{
    VipsImage *all = vips_image_new_memory(), *named = NULL;
    int bands = hole ? 4 : 3;
    vips_image_init_fields(all, W, H * N, bands, VIPS_FORMAT_UCHAR, VIPS_CODING_NONE,
                           VIPS_INTERPRETATION_sRGB, 1, 1);
    assert_int_equal(vips_image_write_prepare(all), 0);
    for (int y = 0; y < H * N; y++) {
        for (int x = 0; x < W; x++) {
            unsigned char *p = all->data + (y * W + x) * bands;
            p[0] = (unsigned char)(60 * (y / H));
            p[1] = 20;
            p[2] = 180;
            if (hole)
                p[3] = x >= W / 2 && y % H >= H / 2 ? 0 : 255;
        }
    }
    assert_int_equal(vips_copy(all, &named, NULL), 0);
    vips_image_set_int(named, VIPS_META_PAGE_HEIGHT, H);
    vips_image_set_array_int(named, "delay", delays, N);
    vips_image_set_int(named, "loop", plays);
    struct alb_str s = sample_encode(named, how);
    g_object_unref(named);
    g_object_unref(all);
    return s;
}

/* As the plan of all its frames has it. */
static struct alb_str moving(struct alb_str s, enum alb_format format, struct alb_plan_options *o)
{
    static struct alb_plan plan;
    struct alb_probe *p = probe(s);
    struct alb_str out;
    assert_true(p->header.animated);
    assert_int_equal(p->header.pages, N);
    assert_int_equal(p->header.width, W);
    assert_int_equal(p->header.height, H);
    assert_true(p->thumbhash_len > 0);
    o->output.format = format;
    o->frames = 100;
    assert_int_equal(render(s, &p->header, o, &out, &plan), ALB_OK);
    assert_int_equal(plan.format, format);
    alb_probe_free(&p);
    return out;
}

/* A frame's middle of the upper left quarter, by libav. */
static int red_at(struct alb_str avif, double second)
{
    struct alb_load l = ALB_LOAD_INIT(ALB_TYPE_MP4, avif);
    struct alb_err err = ALB_ERR_INIT;
    double *v;
    int n;
    l.second = second;
    VipsImage *image = alb_video_open(&l, &err);
    if (!image)
        fail_msg("%s", err.msg);
    assert_int_equal(
        vips_getpoint(image, &v, &n, vips_image_get_width(image) / 4, vips_image_get_height(image) / 4, NULL),
        0);
    int red = (int)v[0];
    g_free(v);
    g_object_unref(image);
    return red;
}

static void expect_near(const char *what, double got, double want, double off)
{
    if (got < want - off || got > want + off)
        fail_msg("%s is %g, not %g", what, got, want);
}

static void test_written(void **state)
{
    (void)state;
    for (int deep = 0; deep < 2; deep++) {
        struct alb_str gif = animation(".gif", 3, false);
        struct alb_plan_options o;
        struct alb_video v;
        alb_plan_options_init(&o);
        o.width = deep ? 0 : W / 2;
        struct alb_str avif = moving(gif, ALB_FORMAT_AVIF, &o);
        assert_int_equal(alb_sniff(avif.p, avif.n), ALB_TYPE_AVIF);
        assert_memory_equal(avif.p + 8, "avis", 4);
        assert_int_equal(alb_video_look(ALB_TYPE_MP4, avif, &v, NULL), ALB_OK);
        assert_int_equal(v.width, deep ? W : W / 2);
        assert_int_equal(v.height, deep ? H : H / 2);
        assert_int_equal(v.duration_ms, 3 * 450);
        static const double middles[N] = {0.01, 0.06, 0.18, 0.26};
        for (int i = 0; i < N; i++)
            expect_near("red", red_at(avif, middles[i]), 60 * i, 14);
        drop(avif);
        drop(gif);
    }
}

static void expect_frames(struct alb_str s, int plays, const char *how)
{
    VipsImage *x = vips_image_new_from_buffer(s.p, s.n, how, NULL);
    int *got, n, loop;
    assert_non_null(x);
    assert_int_equal(vips_image_get_n_pages(x), N);
    assert_int_equal(vips_image_get_array_int(x, "delay", &got, &n), 0);
    assert_int_equal(n, N);
    for (int i = 0; i < N; i++)
        assert_int_equal(got[i], delays[i]);
    assert_int_equal(vips_image_get_int(x, "loop", &loop), 0);
    assert_int_equal(loop, plays);
    for (int i = 0; i < N; i++) {
        double *v;
        assert_int_equal(vips_getpoint(x, &v, &n, W / 4, i * H + H / 4, NULL), 0);
        expect_near("red", v[0], 60 * i, 20);
        expect_near("blue", v[2], 180, 20);
        g_free(v);
    }
    g_object_unref(x);
}

/* GIF to AVIF to WebP to AVIF to GIF: times and loops are kept, and so is what shows through. */
static void test_round(void **state)
{
    static const int plays[] = {0, 1, 3, 1000};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(plays); i++) {
        struct alb_str gif = animation(".gif", plays[i], false);
        struct alb_plan_options o;
        alb_plan_options_init(&o);
        struct alb_str avif = moving(gif, ALB_FORMAT_AVIF, &o);
        assert_int_equal(alb_avif_plays(avif), plays[i]);
        struct alb_str webp = moving(avif, ALB_FORMAT_WEBP, &o);
        expect_frames(webp, plays[i], "[n=-1]");
        struct alb_str again = moving(webp, ALB_FORMAT_AVIF, &o);
        assert_int_equal(alb_avif_plays(again), plays[i]);
        struct alb_str last = moving(again, ALB_FORMAT_GIF, &o);
        expect_frames(last, plays[i], "[n=-1]");
        drop(gif);
        drop(avif);
        drop(webp);
        drop(again);
        drop(last);
    }
}

static void test_holes(void **state)
{
    (void)state;
    struct alb_str webp = animation(".webp[lossless]", 2, true);
    struct alb_plan_options o;
    double *v;
    int n;
    alb_plan_options_init(&o);
    struct alb_str avif = moving(webp, ALB_FORMAT_AVIF, &o);
    assert_int_equal(alb_avif_plays(avif), 2); /* the edit list went into both tracks */
    struct alb_str back = moving(avif, ALB_FORMAT_WEBP, &o);
    VipsImage *x = vips_image_new_from_buffer(back.p, back.n, "[n=-1]", NULL);
    assert_non_null(x);
    assert_int_equal(vips_image_get_bands(x), 4);
    for (int i = 0; i < N; i++) {
        for (int part = 0; part < 4; part++) {
            int px = W / 4 + part % 2 * W / 2, py = i * H + H / 4 + part / 2 * H / 2;
            assert_int_equal(vips_getpoint(x, &v, &n, px, py, NULL), 0);
            expect_near("alpha", v[3], part == 3 ? 0 : 255, 6);
            g_free(v);
        }
    }
    g_object_unref(x);
    drop(back);
    drop(avif);
    drop(webp);
}

/* One frame of an AVIF animation, and its first ones. */
static void test_parts(void **state)
{
    (void)state;
    struct alb_str gif = animation(".gif", 0, false);
    struct alb_plan_options o;
    static struct alb_plan plan;
    alb_plan_options_init(&o);
    struct alb_str avif = moving(gif, ALB_FORMAT_AVIF, &o), out;
    struct alb_probe *p = probe(avif);
    double *v;
    int n;
    alb_plan_options_init(&o);
    o.output.format = ALB_FORMAT_PNG;
    for (o.page = 0; o.page < N; o.page++) {
        assert_int_equal(render(avif, &p->header, &o, &out, &plan), ALB_OK);
        VipsImage *x = vips_image_new_from_buffer(out.p, out.n, "", NULL);
        assert_int_equal(vips_image_get_height(x), H);
        assert_int_equal(vips_getpoint(x, &v, &n, 5, 5, NULL), 0);
        expect_near("red", v[0], 60 * (int)o.page, 14);
        g_free(v);
        g_object_unref(x);
        drop(out);
    }
    o.page = 0;
    o.frames = 2;
    o.output.format = ALB_FORMAT_WEBP;
    assert_int_equal(render(avif, &p->header, &o, &out, &plan), ALB_OK);
    VipsImage *x = vips_image_new_from_buffer(out.p, out.n, "[n=-1]", NULL);
    int *got;
    assert_int_equal(vips_image_get_n_pages(x), 2);
    assert_int_equal(vips_image_get_array_int(x, "delay", &got, &n), 0);
    assert_int_equal(got[0], delays[0]);
    assert_int_equal(got[1], delays[1]);
    g_object_unref(x);
    drop(out);
    alb_probe_free(&p);
    drop(avif);
    drop(gif);
}

/* Cut short or changed: an error, or still an animation, but nothing else. */
static void test_broken(void **state)
{
    (void)state;
    struct alb_str gif = animation(".gif", 3, false);
    struct alb_plan_options o;
    alb_plan_options_init(&o);
    struct alb_str avif = moving(gif, ALB_FORMAT_AVIF, &o);
    struct alb_buf out = ALB_BUF_INIT(1 << 20);
    assert_false(alb_avif_set_plays(avif, 2, &out)); /* it has an edit list */
    for (size_t n = 0; n < avif.n; n += 7) {
        struct alb_str part = alb_str_sub(avif, 0, n);
        assert_true(alb_avif_plays(part) >= 0);
        alb_buf_reset(&out);
        alb_ignore(alb_avif_set_plays(part, 2, &out), "it may be whole enough");
    }
    alb_buf_fini(&out);
    struct alb_load l = ALB_LOAD_INIT(ALB_TYPE_AVIF, alb_str_sub(avif, 0, avif.n - avif.n / 4));
    bool taken;
    l.pages = -1;
    VipsImage *image = alb_avif_open(&l, &taken, NULL);
    assert_true(!taken || !image); /* all frames are there, or none */
    drop(avif);
    drop(gif);
}

/* 10 bits, which every decoder has, in steps that 8 bits do not know. */
static void test_ten_bits(void **state)
{
    (void)state;
    for (int grey = 0; grey < 2; grey++) {
        VipsImage *ramp = vips_image_new_memory();
        int bands = grey ? 1 : 3;
        vips_image_init_fields(ramp, 256, 64, bands, VIPS_FORMAT_USHORT, VIPS_CODING_NONE,
                               grey ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16, 1, 1);
        assert_int_equal(vips_image_write_prepare(ramp), 0);
        for (size_t i = 0; i < (size_t)(256 * 64 * bands); i++)
            ((uint16_t *)(void *)ramp->data)[i] = (uint16_t)(30000 + 16 * (i / (unsigned)bands % 256));
        struct alb_str png = sample_encode(ramp, ".png"), out;
        struct alb_plan_options o;
        static struct alb_plan plan;
        struct alb_probe *p = probe(png);
        alb_plan_options_init(&o);
        o.output.format = ALB_FORMAT_AVIF;
        o.output.deep = true;
        o.output.quality[ALB_FORMAT_AVIF] = 98;
        assert_int_equal(render(png, &p->header, &o, &out, &plan), ALB_OK);
        VipsImage *x = vips_image_new_from_buffer(out.p, out.n, "", NULL);
        int bits = 0, n;
        double *v;
        assert_non_null(x);
        assert_int_equal(vips_image_get_int(x, "heif-bitdepth", &bits), 0);
        assert_int_equal(bits, 10);
        assert_int_equal(vips_image_get_format(x), VIPS_FORMAT_USHORT);
        unsigned steps = 0;
        double last = -1;
        for (int i = 0; i < 256; i++) {
            assert_int_equal(vips_getpoint(x, &v, &n, i, 32, NULL), 0);
            double as16 = v[0] <= 1023 ? v[0] * 65535 / 1023 : v[0];
            expect_near("a step of the ramp", as16, 30000 + 16 * i, 300);
            steps += v[0] > last;
            last = v[0];
            g_free(v);
        }
        if (steps < 40) /* 8 bits have 17 in this range, 10 have 65 */
            fail_msg("%u steps", steps);
        g_object_unref(x);
        g_object_unref(ramp);
        alb_probe_free(&p);
        drop(out);
        drop(png);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written), cmocka_unit_test(test_round),  cmocka_unit_test(test_holes),
        cmocka_unit_test(test_parts),   cmocka_unit_test(test_broken), cmocka_unit_test(test_ten_bits),
    };
    (void)argc;
    if (!begin(argv[0]))
        return 1;
    alb_video_global_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
