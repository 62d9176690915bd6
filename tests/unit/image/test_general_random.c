/* SPDX-License-Identifier: Apache-2.0
 *
 * Any plan over real pictures: the executor makes what the plan says, or says why not.
 */
#include "general_world.h"
#include "plan_random.h"

#define ASKS 250

static struct alb_str sources[6];

static void make_sources(void)
{
    VipsImage *wide = NULL, *alpha = NULL, *pages[3], *joined = NULL, *plain = sample_image(301, 199);
    sources[0] = sample(301, 199, ".jpg");
    assert_int_equal(vips_addalpha(plain, &alpha, NULL), 0);
    sources[1] = sample_encode(alpha, ".png");
    sources[2] = sample(200, 300, ".webp");
    assert_int_equal(vips_colourspace(plain, &wide, VIPS_INTERPRETATION_RGB16, NULL), 0);
    sources[3] = sample_encode(wide, ".tif");
    for (int i = 0; i < 3; i++)
        pages[i] = sample_image_of(90, 60, i * 9);
    assert_int_equal(vips_arrayjoin(pages, &joined, 3, "across", 1, NULL), 0);
    vips_image_set_int(joined, VIPS_META_PAGE_HEIGHT, 60);
    sources[4] = sample_encode(joined, ".gif");
    sources[5] = ALB_STR("<svg xmlns='http://www.w3.org/2000/svg' width='120' height='80'>"
                         "<rect width='60' height='40' fill='#e00000'/></svg>");
    for (int i = 0; i < 3; i++)
        g_object_unref(pages[i]);
    g_object_unref(plain);
    g_object_unref(wide);
    g_object_unref(alpha);
    g_object_unref(joined);
}

/* Small enough for hundreds of them, and quick formats. */
static void tame(struct random_ask *a, struct dice *d)
{
    static const enum alb_format quick[] = {ALB_FORMAT_JPEG, ALB_FORMAT_PNG, ALB_FORMAT_WEBP,
                                            ALB_FORMAT_GIF,  ALB_FORMAT_BMP, ALB_FORMAT_TIFF};
    a->ask.header_count = 2;
    a->limits.result_side = 700;
    a->limits.result_pixels = 250000;
    a->limits.memory = (uint64_t)200 << 20;
    for (int i = 0; i < 3; i++) {
        struct alb_plan_options *o = &a->options[i];
        o->width %= 500;
        o->height %= 500;
        o->min_width %= 300;
        o->min_height %= 300;
        o->output.best = 0;
        o->output.max_bytes = 0;
        o->output.profile = o->output.profile == ALB_PROFILE_CMYK ? ALB_PROFILE_SRGB : o->output.profile;
        memset(o->output.automatic, 0, sizeof(o->output.automatic));
        o->output.format = quick[dice_below(d, ALB_ARRAY_LEN(quick))];
        for (int k = 0; k < 3; k++)
            a->overlays[i][k].mark.input = a->overlays[i][k].mark.input ? 1 : 0;
    }
}

/* What it wrote is as planned; of a plan that asks for a trim, nothing is. */
static void check_result(const struct alb_plan *p, int fd, int number)
{
    uint32_t w = 0, h = 0;
    size_t n = (size_t)lseek(fd, 0, SEEK_END);
    if (alb_plan_is_trim(p)) {
        assert_int_equal(n, 0);
        return;
    }
    char *bytes = g_malloc(n);
    assert_int_equal(pread(fd, bytes, n, 0), n);
    if (!alb_sniff_size(alb_format_type(p->format), bytes, n, &w, &h) || w != p->width || h != p->height)
        fail_msg("ask %d: %s %ux%u, planned %ux%u", number, alb_format_name(p->format), w, h, p->width,
                 p->height);
    g_free(bytes);
}

static struct alb_rect run_plan(const struct alb_plan *p, struct alb_str source, int number)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_general_outcome done;
    const struct alb_str inputs[ALB_PLAN_INPUTS] = {source, sources[0]};
    int fd = memfd_create("result", MFD_CLOEXEC);
    assert_true(fd >= 0);
    if (alb_general_render(p, inputs, fd, &done, &err) != ALB_OK)
        fail_msg("ask %d: %s", number, err.msg);
    check_result(p, fd, number);
    close(fd);
    return done.trim;
}

/* Whether there is a picture in the end: every trim that it asks for is looked for. */
static bool run_ask(struct random_ask *a, struct alb_str source, int number)
{
    static struct alb_plan p;
    enum alb_code code = alb_plan_make(&a->ask, &p, NULL);
    while (code == ALB_OK && alb_plan_is_trim(&p)) {
        a->trims[a->ask.trim_count] = run_plan(&p, source, number);
        a->ask.trim_count++;
        code = alb_plan_make(&a->ask, &p, NULL);
        assert_int_not_equal(code, ALB_E_INVALID); /* the rectangle lies in the picture */
    }
    if (code == ALB_OK)
        (void)run_plan(&p, source, number);
    return code == ALB_OK;
}

static void test_any_plan(void **state)
{
    static struct random_ask a;
    struct dice d = {.seed = 20261121};
    struct alb_image_header headers[6];
    unsigned made = 0;
    (void)state;
    make_sources();
    for (int i = 0; i < 6; i++) {
        struct alb_probe *probed = probe(sources[i]);
        headers[i] = probed->header;
        alb_probe_free(&probed);
    }
    for (int i = 0; i < ASKS; i++) {
        uint32_t which = dice_below(&d, 6);
        dice_ask(&d, &a);
        tame(&a, &d);
        a.headers[0] = headers[which];
        a.headers[0].orientation = (uint8_t)(which == 0 ? 1 + dice_below(&d, 8) : headers[which].orientation);
        a.headers[1] = headers[0];
        made += run_ask(&a, sources[which], i);
    }
    for (int i = 0; i < 5; i++)
        g_free((void *)(uintptr_t)sources[i].p);
    assert_true(made > ASKS / 5);
}

/* Smaller than the window of libvips' median. */
static void test_trim_of_a_line(void **state)
{
    static struct random_ask a;
    struct alb_str s = sample(2, 200, ".png");
    struct alb_probe *probed = probe(s);
    (void)state;
    memset(&a, 0, sizeof(a));
    alb_plan_options_init(&a.options[0]);
    a.options[0].trim.on = true;
    a.headers[0] = probed->header;
    alb_plan_limits_default(&a.limits);
    a.ask = (struct alb_plan_ask){a.headers, 1, a.options, &a.limits, a.trims, 0};
    assert_true(run_ask(&a, s, 0));
    assert_true(a.trims[0].width == 2 && a.trims[0].height == 200);
    alb_probe_free(&probed);
    g_free((void *)(uintptr_t)s.p);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_plan),
        cmocka_unit_test(test_trim_of_a_line),
    };
    (void)argc;
    return begin(argv[0]) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
