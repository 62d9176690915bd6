/* SPDX-License-Identifier: Apache-2.0
 *
 * The express lane in a sealed worker: who renders what, that nobody sees when it gives up, how much memory a large
 * photograph takes, and that a second processor changes no byte.
 */
#include "dark_world.h"

#define MEMORY_MAX_KIB (40 << 10)

static int64_t general, express, fallback;

static void remember(void)
{
    general = alb_stat_get(ALB_STAT_DARKROOM_GENERAL);
    express = alb_stat_get(ALB_STAT_DARKROOM_EXPRESS);
    fallback = alb_stat_get(ALB_STAT_DARKROOM_FALLBACK);
}

static void were(int by_general, int by_express, int by_fallback)
{
    assert_int_equal(alb_stat_get(ALB_STAT_DARKROOM_GENERAL), general + by_general);
    assert_int_equal(alb_stat_get(ALB_STAT_DARKROOM_EXPRESS), express + by_express);
    assert_int_equal(alb_stat_get(ALB_STAT_DARKROOM_FALLBACK), fallback + by_fallback);
}

static void ok(enum alb_code code, const struct alb_darkroom_job *job)
{
    if (code != ALB_OK)
        fail_msg("%s", job->err.msg);
}

static void test_who_renders(void **state)
{
    struct alb_str jpeg = sample(600, 400, ".jpg"), tiff = sample(600, 400, ".tif");
    struct alb_darkroom_job job;
    (void)state;
    remember();
    ok(render_with(jpeg, ALB_FORMAT_JPEG, ALB_NEVER, &job), &job);
    alb_bytes_unref(job.result);
    were(0, 1, 0);
    ok(render_with(tiff, ALB_FORMAT_JPEG, ALB_NEVER, &job), &job);
    alb_bytes_unref(job.result);
    were(1, 1, 0);
    g_free((void *)(uintptr_t)jpeg.p);
    g_free((void *)(uintptr_t)tiff.p);
}

/* Press colours are known from the file only: the same worker starts anew, and the answer is one whole picture. */
static void test_gives_up(void **state)
{
    VipsImage *image = sample_image(600, 400), *press = NULL;
    struct alb_darkroom_job job;
    uint32_t w, h;
    (void)state;
    if (vips_icc_export(image, &press, "output_profile", "cmyk", NULL) != 0)
        fail_msg("%s", vips_error_buffer());
    struct alb_str s = sample_encode(press, ".jpg");
    remember();
    ok(render_with(s, ALB_FORMAT_JPEG, ALB_NEVER, &job), &job);
    were(0, 0, 1);
    struct alb_str result = alb_bytes_view(job.result);
    assert_true(alb_sniff_size(ALB_TYPE_JPEG, result.p, result.n, &w, &h) && w == 64);
    alb_bytes_unref(job.result);
    g_object_unref(press);
    g_object_unref(image);
    g_free((void *)(uintptr_t)s.p);
}

/* Ends in the middle of its pixels: neither executor makes a picture of it. */
static void test_cut_off(void **state)
{
    struct alb_str s = sample(1200, 900, ".jpg[Q=95]");
    struct alb_darkroom_job job;
    static struct alb_plan plan;
    (void)state;
    assert_int_equal(plan_with(s, ALB_FORMAT_JPEG, &plan), ALB_OK);
    remember();
    assert_int_equal(run_plan((struct alb_str){s.p, s.n / 2}, &plan, ALB_NEVER, &job), ALB_E_UNPROCESSABLE);
    assert_null(job.result);
    were(0, 0, 0);
    g_free((void *)(uintptr_t)s.p);
}

/* ---- memory ---- */

static unsigned peak_kib(pid_t pid)
{
    char path[64], text[4096];
    unsigned kib = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *p = strstr(text, "VmHWM:");
    assert_true(p && sscanf(p, "VmHWM: %u", &kib) == 1);
    return kib;
}

/* Of all workers: whoever did it is among them. */
static unsigned worst_peak(void)
{
    struct alb_darkroom_view v = alb_darkroom_look(dr);
    unsigned worst = 0;
    for (size_t i = 0; i < ALB_ARRAY_LEN(v.worker_pids) && v.worker_pids[i] != 0; i++) {
        unsigned kib = peak_kib(v.worker_pids[i]);
        worst = kib > worst ? kib : worst;
    }
    return worst;
}

static void large_plan(uint32_t w, uint32_t h, size_t bytes, struct alb_plan *plan)
{
    struct alb_image_header header = {.type = ALB_TYPE_JPEG,
                                      .width = w,
                                      .height = h,
                                      .orientation = 6,
                                      .pages = 1,
                                      .bits = 8,
                                      .space = ALB_SPACE_RGB,
                                      .bytes = (int64_t)bytes};
    struct alb_plan_options o;
    alb_plan_options_init(&o);
    o.width = o.height = 512;
    o.shrink_margin = ALB_SHRINK_NEVER;
    o.output.format = ALB_FORMAT_JPEG;
    assert_int_equal(plan_make(&header, &o, &config.limits, plan, NULL), ALB_OK);
}

/* 50 megapixels, none of them left out by the decoder: everything that the worker has, with its libraries and with the
 * file that it reads. */
static void test_memory(void **state)
{
    struct alb_str s = sample(8660, 5774, ".jpg[Q=70]");
    struct alb_darkroom_config old = config;
    struct alb_darkroom_job job;
    static struct alb_plan plan;
    (void)state;
    large_plan(8660, 5774, s.n, &plan);
    reopen(&old); /* workers that have seen nothing yet */
    remember();
    ok(run_plan(s, &plan, ALB_NEVER, &job), &job);
    alb_bytes_unref(job.result);
    were(0, 1, 0);
    unsigned kib = worst_peak();
    print_message("# 50 megapixels: %u KiB\n", kib);
    if (!ALB_SANITIZED) /* which needs several times as much */
        assert_true(kib < MEMORY_MAX_KIB);
    g_free((void *)(uintptr_t)s.p);
}

/* ---- processors ---- */

static void test_same_bytes_under_load(void **state)
{
    struct alb_str s = sample(2400, 1600, ".jpg[Q=90]");
    struct alb_darkroom_config old = config, one = config;
    struct alb_darkroom_job job[2];
    static struct alb_plan plan;
    (void)state;
    large_plan(2400, 1600, s.n, &plan);
    for (unsigned i = 0; i < 2; i++) { /* a darkroom with one worker never gives a picture two processors */
        one.render_workers = 1 + i;
        reopen(&one);
        ok(run_plan(s, &plan, ALB_NEVER, &job[i]), &job[i]);
    }
    assert_true(alb_str_eq(alb_bytes_view(job[0].result), alb_bytes_view(job[1].result)));
    alb_bytes_unref(job[0].result);
    alb_bytes_unref(job[1].result);
    reopen(&old);
    g_free((void *)(uintptr_t)s.p);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_renders),
        cmocka_unit_test(test_gives_up),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_same_bytes_under_load),
    };
    if (argc < 2 || !begin(argv[0], argv[1]))
        return 1;
    int rc = cmocka_run_group_tests(tests, start, stop);
    vips_shutdown();
    return rc;
}
