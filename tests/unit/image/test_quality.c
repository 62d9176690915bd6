/* SPDX-License-Identifier: Apache-2.0
 *
 * Searches for a quality: what they promise, on pictures with noise (so that quality costs bytes), for every format that
 * has one; with transparency, in grey, with 16 bits, and with frames.
 */
#include "general_world.h"
#include "image/score.h"

/* Waves and noise: what a photograph is to an encoder. */
static VipsImage *photo(int w, int h, int bands)
{
    VipsImage *x = vips_image_new_memory();
    uint32_t seed = 1;
    vips_image_init_fields(x, w, h, bands, VIPS_FORMAT_UCHAR, VIPS_CODING_NONE,
                           bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, 1, 1);
    assert_int_equal(vips_image_write_prepare(x), 0);
    for (int i = 0; i < w * h * bands; i++) {
        int px = i / bands % w, py = i / bands / w, wave = (px * 2 + py * (1 + i % bands)) % 160;
        seed = seed * 1664525u + 1013904223u;
        x->data[i] =
            (unsigned char)((bands & 1) == 0 && i % bands == bands - 1 ? 255 - px % 200
                                                                       : wave + 40 + (int)(seed >> 28));
    }
    return x;
}

static struct alb_str photo_file(int w, int h, int bands)
{
    VipsImage *x = photo(w, h, bands);
    struct alb_str s = sample_encode(x, ".png");
    g_object_unref(x);
    return s;
}

/* Renders and says which format came out. */
static struct alb_str rendered(struct alb_str s, const struct alb_plan_options *o, enum alb_format *format)
{
    struct alb_probe *p = probe(s);
    static struct alb_plan plan;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_general_outcome outcome = {.format = ALB_FORMAT_SAME};
    assert_int_equal(plan_make(&p->header, o, &limits, &plan, &err), ALB_OK);
    int fd = memfd_create("result", MFD_CLOEXEC);
    if (alb_general_render(&plan, &s, fd, &outcome, &err) != ALB_OK)
        fail_msg("%s", err.msg);
    size_t n = (size_t)lseek(fd, 0, SEEK_END);
    char *bytes = g_malloc(n);
    assert_int_equal(pread(fd, bytes, n, 0), n);
    close(fd);
    alb_probe_free(&p);
    *format = outcome.format;
    assert_int_equal(alb_sniff(bytes, n), alb_format_type(outcome.format));
    return (struct alb_str){bytes, n};
}

static size_t size_of(struct alb_str s, const struct alb_plan_options *o)
{
    enum alb_format f;
    struct alb_str out = rendered(s, o, &f);
    g_free((void *)(uintptr_t)out.p);
    return out.n;
}

static void test_max_bytes(void **state)
{
    struct alb_str s = photo_file(120, 90, 3);
    (void)state;
    for (unsigned f = 1; f < ALB_FORMAT_COUNT; f++) {
        struct alb_plan_options o;
        alb_plan_options_init(&o);
        o.output.format = (enum alb_format)f;
        o.output.quality[f] = 95;
        size_t full = size_of(s, &o);
        o.output.max_bytes = full; /* it fits: nothing changes */
        assert_int_equal(size_of(s, &o), full);
        o.output.max_bytes = full * 2 / 3;
        size_t less = size_of(s, &o);
        o.output.max_bytes = 1; /* cannot be reached: as small as quality 10 */
        size_t least = size_of(s, &o);
        if (!alb_format_quality((enum alb_format)f)) {
            assert_int_equal(less, full);
            continue;
        }
        o.output.max_bytes = 0;
        o.output.quality[f] = 10;
        assert_int_equal(least, size_of(s, &o));
        if (f != ALB_FORMAT_TIFF && (less >= full || less > full * 2 / 3))
            fail_msg("%s: %zu of %zu bytes", alb_format_name((enum alb_format)f), less, full);
    }
    g_free((void *)(uintptr_t)s.p);
}

static void test_by_size(void **state)
{
    struct alb_str s = photo_file(120, 90, 3);
    struct alb_plan_options o;
    (void)state;
    alb_plan_options_init(&o);
    o.output.format = ALB_FORMAT_JPEG;
    o.output.quality[ALB_FORMAT_JPEG] = 50;
    size_t half = size_of(s, &o);
    o.output.autoquality = ALB_AUTOQUALITY_SIZE;
    o.output.target = (double)half;
    o.output.error = 0;
    o.output.least = 1;
    o.output.most = 100;
    assert_int_equal(size_of(s, &o), half);
    o.output.error = 0.05;
    size_t near = size_of(s, &o);
    assert_true(near <= half && near >= half * 9 / 10);
    o.output.error = 0;
    o.output.target = 1; /* nothing fits: the least quality of the range */
    o.output.least = 30;
    o.output.most = 60;
    size_t least = size_of(s, &o);
    o.output.target = 1e9; /* everything does: the most */
    size_t most = size_of(s, &o);
    o.output.autoquality = ALB_AUTOQUALITY_OFF;
    o.output.quality[ALB_FORMAT_JPEG] = 30;
    assert_int_equal(least, size_of(s, &o));
    o.output.quality[ALB_FORMAT_JPEG] = 60;
    assert_int_equal(most, size_of(s, &o));
    g_free((void *)(uintptr_t)s.p);
}

/* A stricter goal never gives fewer bytes. */
static void test_by_likeness(void **state)
{
    static const enum alb_format formats[] = {ALB_FORMAT_JPEG, ALB_FORMAT_WEBP, ALB_FORMAT_AVIF,
                                              ALB_FORMAT_JXL};
    static const double targets[] = {0.05, 0.01, 0.002, 0.0001, 0.000001};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(formats); i++) {
        for (int bands = 1; bands <= 4; bands++) {
            if (bands == 2 || (formats[i] == ALB_FORMAT_JPEG && bands == 4) || (i >= 2 && bands == 1))
                continue;
            struct alb_str s = photo_file(64, 48, bands);
            size_t before = 0;
            for (size_t k = 0; k < ALB_ARRAY_LEN(targets); k++) {
                struct alb_plan_options o;
                alb_plan_options_init(&o);
                o.output.format = formats[i];
                o.output.autoquality = ALB_AUTOQUALITY_DSSIM;
                o.output.target = targets[k];
                o.output.error = 0;
                o.output.least = 5;
                o.output.most = 95;
                size_t n = size_of(s, &o);
                if (n < before)
                    fail_msg("%s, %d bands, %g: %zu after %zu bytes", alb_format_name(formats[i]), bands,
                             targets[k], n, before);
                before = n;
            }
            g_free((void *)(uintptr_t)s.p);
        }
    }
}

static void test_frames(void **state)
{
    struct alb_str s = sample_animation(60, 40, 4, ".gif");
    struct alb_plan_options o;
    enum alb_format f;
    (void)state;
    alb_plan_options_init(&o);
    o.frames = 100;
    o.output.format = ALB_FORMAT_WEBP;
    o.output.autoquality = ALB_AUTOQUALITY_DSSIM;
    o.output.target = 0.01;
    o.output.least = 10;
    o.output.most = 90;
    struct alb_str out = rendered(s, &o, &f);
    VipsImage *back = vips_image_new_from_buffer(out.p, out.n, "[n=-1]", NULL);
    assert_non_null(back);
    assert_int_equal(vips_image_get_n_pages(back), 4);
    g_object_unref(back);
    g_free((void *)(uintptr_t)out.p);
    o.output.autoquality = ALB_AUTOQUALITY_OFF;
    o.output.best = ALB_FORMAT_BIT(ALB_FORMAT_WEBP) | ALB_FORMAT_BIT(ALB_FORMAT_GIF);
    out = rendered(s, &o, &f);
    g_free((void *)(uintptr_t)out.p);
    g_free((void *)(uintptr_t)s.p);
}

static double likeness(struct alb_str a, struct alb_str b)
{
    VipsImage *x = vips_image_new_from_buffer(a.p, a.n, "", NULL),
              *y = vips_image_new_from_buffer(b.p, b.n, "", NULL);
    size_t n, m;
    assert_true(x && y && x->Bands == y->Bands);
    uint8_t *p = vips_image_write_to_memory(x, &n), *q = vips_image_write_to_memory(y, &m);
    assert_int_equal(n, m);
    double d = alb_score_dssim(p, q, (uint32_t)x->Xsize, (uint32_t)x->Ysize, (unsigned)x->Bands);
    g_free(p);
    g_free(q);
    g_object_unref(x);
    g_object_unref(y);
    return d;
}

/* A format has a range of its own, and above a size there is no search at all. */
static void test_ranges(void **state)
{
    struct alb_str s = photo_file(120, 90, 3);
    struct alb_plan_options o;
    (void)state;
    alb_plan_options_init(&o);
    o.output.format = ALB_FORMAT_JPEG;
    o.output.quality[ALB_FORMAT_JPEG] = 20;
    size_t low = size_of(s, &o);
    o.output.quality[ALB_FORMAT_JPEG] = 90;
    size_t high = size_of(s, &o);
    o.output.autoquality = ALB_AUTOQUALITY_SIZE;
    o.output.target = 1; /* nothing fits: the least quality */
    o.output.least = 50;
    o.output.most = 60;
    size_t middle = size_of(s, &o);
    assert_true(low < middle && middle < high);
    o.output.least_of[ALB_FORMAT_WEBP] = 20; /* another's */
    assert_int_equal(size_of(s, &o), middle);
    o.output.least_of[ALB_FORMAT_JPEG] = 20;
    assert_int_equal(size_of(s, &o), low);
    o.output.least_of[ALB_FORMAT_JPEG] = o.output.most_of[ALB_FORMAT_JPEG] = 90;
    assert_int_equal(size_of(s, &o), high);
    o.output.least_of[ALB_FORMAT_JPEG] = 20;
    o.output.autoquality_pixels = 120 * 90;
    assert_int_equal(size_of(s, &o), low);
    o.output.autoquality_pixels--;
    assert_int_equal(size_of(s, &o), high); /* its plain quality */
    o.output.least_of[ALB_FORMAT_PNG] = 70; /* above `most`: no range is left */
    assert_int_equal(alb_plan_options_check(&o, NULL), ALB_E_INVALID);
    g_free((void *)(uintptr_t)s.p);
}

/* Few tones: nothing is lost, if a format can do that. Large: the likeliest at once. */
static void test_best_of_what_is_plain(void **state)
{
    static const uint16_t all = ALB_FORMAT_BIT(ALB_FORMAT_JPEG) | ALB_FORMAT_BIT(ALB_FORMAT_PNG) |
                                ALB_FORMAT_BIT(ALB_FORMAT_WEBP) | ALB_FORMAT_BIT(ALB_FORMAT_AVIF);
    struct alb_str s = photo_file(96, 64, 3);
    struct alb_plan_options o;
    enum alb_format f;
    (void)state;
    alb_plan_options_init(&o);
    o.output.best = all;
    o.output.best_plain = 64; /* more than any picture has: everything is plain */
    struct alb_str exact = rendered(s, &o, &f);
    assert_true(f == ALB_FORMAT_PNG || f == ALB_FORMAT_WEBP);
    assert_true(likeness(s, exact) < 1e-6);
    o.output.best = ALB_FORMAT_BIT(ALB_FORMAT_JPEG); /* which cannot: as without */
    struct alb_str lossy = rendered(s, &o, &f);
    assert_int_equal(f, ALB_FORMAT_JPEG);
    o.output.best = all;
    o.output.best_plain = 0.5; /* fewer than a photograph has */
    struct alb_str tried = rendered(s, &o, &f);
    assert_true(likeness(s, tried) > 1e-6);
    o.output.best_pixels = 96 * 64 - 1;
    struct alb_str likely = rendered(s, &o, &f);
    assert_int_equal(f, ALB_FORMAT_WEBP);
    o.output.best_pixels = 96 * 64;
    struct alb_str again = rendered(s, &o, &f);
    assert_int_equal(again.n, tried.n);
    const struct alb_str made[] = {s, exact, lossy, tried, likely, again};
    for (size_t i = 0; i < ALB_ARRAY_LEN(made); i++)
        g_free((void *)(uintptr_t)made[i].p);
}

/* The best is never larger than the first format alone, and looks as good. */
static void test_best(void **state)
{
    static const uint16_t sets[] = {
        ALB_FORMAT_BIT(ALB_FORMAT_JPEG) | ALB_FORMAT_BIT(ALB_FORMAT_WEBP) | ALB_FORMAT_BIT(ALB_FORMAT_AVIF),
        ALB_FORMAT_BIT(ALB_FORMAT_JPEG) | ALB_FORMAT_BIT(ALB_FORMAT_PNG) | ALB_FORMAT_BIT(ALB_FORMAT_GIF),
        ALB_FORMAT_BIT(ALB_FORMAT_PNG) | ALB_FORMAT_BIT(ALB_FORMAT_GIF),
        ALB_FORMAT_BIT(ALB_FORMAT_WEBP) | ALB_FORMAT_BIT(ALB_FORMAT_JXL),
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(sets); i++) {
        struct alb_str s = photo_file(96, 64, 3);
        struct alb_plan_options o;
        enum alb_format f, first = ALB_FORMAT_JPEG;
        alb_plan_options_init(&o);
        o.output.best = sets[i];
        struct alb_str best = rendered(s, &o, &f);
        assert_true((sets[i] & ALB_FORMAT_BIT(f)) != 0);
        o.output.best = 0;
        while ((sets[i] & ALB_FORMAT_BIT(first)) == 0)
            first++;
        if (i == 1)
            first = ALB_FORMAT_JPEG;
        o.output.format = first;
        struct alb_str alone = rendered(s, &o, &first);
        if (best.n > alone.n)
            fail_msg("set %zu: %s of %zu bytes, %s has %zu", i, alb_format_name(f), best.n,
                     alb_format_name(first), alone.n);
        if (f != ALB_FORMAT_JXL && f != ALB_FORMAT_AVIF) {
            double d = likeness(s, best), than = likeness(s, alone);
            if (d > than * 1.06 + 1e-6)
                fail_msg("set %zu: %s looks worse: %g, not %g", i, alb_format_name(f), d, than);
        }
        g_free((void *)(uintptr_t)best.p);
        g_free((void *)(uintptr_t)alone.p);
        g_free((void *)(uintptr_t)s.p);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_max_bytes), cmocka_unit_test(test_by_size), cmocka_unit_test(test_by_likeness),
        cmocka_unit_test(test_frames),    cmocka_unit_test(test_best),    cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_best_of_what_is_plain),
    };
    (void)argc;
    if (!begin(argv[0]))
        return 1;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    vips_shutdown();
    return rc;
}
