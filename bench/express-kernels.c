/* SPDX-License-Identifier: Apache-2.0
 *
 * What the resizer of the express lane costs, case by case, in plain C, and against libvips' reduce.
 *
 *   express-kernels                 processor time of each case and way, in turns, medians
 *   express-kernels CASE WAY        does the work once, in measured(): for callgrind (express-kernels.py counts)
 *   express-kernels list            the cases and ways that this processor has, one pair a line
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <vips/vips.h>

#include "base/mem.h"
#include "image/express/resize.h"

#define ROUNDS 21

struct one {
    const char *name;
    uint32_t in_width, in_height, width, height;
    unsigned samples;
    uint8_t bits;
    bool alpha, linear;
    enum alb_kernel kernel;
};
/* A photograph of 2040 pixels decoded at 4/8 to fit 512, one of 12 megapixels at 2/8; whole decoded ones (PNG). */
static const struct one cases[] = {
    {"luma", 1020, 678, 512, 340, 1, 8, false, false, ALB_KERNEL_LANCZOS3},
    {"chroma", 510, 339, 256, 170, 1, 8, false, false, ALB_KERNEL_LANCZOS3},
    {"rgb", 1020, 678, 512, 340, 3, 8, false, false, ALB_KERNEL_LANCZOS3},
    {"rgb-linear", 1020, 678, 512, 340, 3, 8, false, true, ALB_KERNEL_LANCZOS3},
    {"luma-close", 680, 452, 512, 340, 1, 8, false, false, ALB_KERNEL_LANCZOS3},
    {"luma-12mp", 1000, 750, 512, 384, 1, 8, false, false, ALB_KERNEL_LANCZOS3},
    {"rgb-2040", 2040, 1356, 512, 340, 3, 8, false, false, ALB_KERNEL_LANCZOS3},
    {"rgb-2040-linear", 2040, 1356, 512, 340, 3, 8, false, true, ALB_KERNEL_LANCZOS3},
    {"rgba-2040", 2040, 1356, 512, 340, 4, 8, true, false, ALB_KERNEL_LANCZOS3},
    {"rgb16-2040", 2040, 1356, 512, 340, 3, 16, false, false, ALB_KERNEL_LANCZOS3},
    {"rgb-12mp", 4000, 3000, 512, 384, 3, 8, false, false, ALB_KERNEL_LANCZOS3},
    {"rgb-12mp-tiny", 4000, 3000, 100, 75, 3, 8, false, false, ALB_KERNEL_LANCZOS3},
    {"rgb-up", 256, 170, 512, 340, 3, 8, false, false, ALB_KERNEL_LANCZOS3},
    {"rgb-cubic", 1020, 678, 512, 340, 3, 8, false, false, ALB_KERNEL_CUBIC},
    {"rgb-linear-kernel", 1020, 678, 512, 340, 3, 8, false, false, ALB_KERNEL_LINEAR},
};
enum way { WAY_BEST, WAY_SSE2, WAY_PLAIN, WAY_VIPS, WAY_COUNT };
static const char *const ways[WAY_COUNT] = {"best", "sse2", "plain", "vips"};

struct job {
    const struct one *one;
    enum way way;
    struct alb_resize_ask ask;
    uint8_t *in, *out;
    void *block;
    VipsImage *image;
};

static void die(const char *what)
{
    fprintf(stderr, "express-kernels: %s\n", what);
    exit(1);
}

static bool has(const struct one *o, enum way way)
{
    bool plain = o->bits == 8 && !o->linear && !o->alpha;
    if (way == WAY_SSE2)
        return alb_resize_path_works(ALB_RESIZE_SSE2);
    return way != WAY_VIPS || (plain && o->in_width >= o->width);
}

static void job_make(struct job *j, const struct one *o, enum way way)
{
    size_t sample = o->bits > 8 ? 2 : 1, n = (size_t)o->in_width * o->in_height * o->samples * sample;
    *j = (struct job){.one = o, .way = way};
    j->ask = (struct alb_resize_ask){.x = {o->in_width, o->width, 0, o->in_width, false},
                                     .y = {o->in_height, o->height, 0, o->in_height, false},
                                     .samples = o->samples,
                                     .alpha = o->alpha,
                                     .bits_in = o->bits,
                                     .bits_out = o->bits,
                                     .kernel = o->kernel,
                                     .linear = o->linear,
                                     .gain = 1};
    j->in = alb_mem_alloc_nofail(n + ALB_ROW_SLACK);
    j->out = alb_mem_alloc_nofail((size_t)o->width * o->height * o->samples * sample + ALB_ROW_SLACK);
    j->block = aligned_alloc(ALB_SCRATCH_ALIGN, alb_resize_memory(&j->ask));
    uint32_t random = 1;
    for (size_t i = 0; i < n; i++) {
        random = random * 1664525 + 1013904223;
        j->in[i] = (uint8_t)((i / 64 + (random >> 28)) & 255);
    }
    if (way == WAY_VIPS)
        j->image = vips_image_new_from_memory(j->in, n, (int)o->in_width, (int)o->in_height, (int)o->samples,
                                              VIPS_FORMAT_UCHAR);
}

static void job_drop(struct job *j)
{
    g_clear_object(&j->image);
    alb_mem_free(j->in);
    alb_mem_free(j->out);
    free(j->block);
}

static void run_resize(struct job *j, enum alb_resize_path path)
{
    size_t sample = j->one->bits > 8 ? 2 : 1;
    size_t row_in = (size_t)j->one->in_width * j->one->samples * sample;
    size_t row_out = (size_t)j->one->width * j->one->samples * sample;
    uint8_t *out = j->out;
    struct alb_resize *r = alb_resize_place(&j->ask, j->block, path);
    for (uint32_t y = 0; y < j->one->in_height; y++) {
        alb_resize_push(r, j->in + y * row_in);
        while (alb_resize_pull(r, out))
            out += row_out;
    }
}

static void run_vips(struct job *j)
{
    VipsImage *out = NULL;
    void *pixels;
    size_t bytes;
    if (vips_reduce(j->image, &out, (double)j->one->in_width / j->one->width,
                    (double)j->one->in_height / j->one->height, "kernel",
                    j->one->kernel == ALB_KERNEL_CUBIC    ? VIPS_KERNEL_CUBIC
                    : j->one->kernel == ALB_KERNEL_LINEAR ? VIPS_KERNEL_LINEAR
                                                          : VIPS_KERNEL_LANCZOS3,
                    NULL) != 0 ||
        !(pixels = vips_image_write_to_memory(out, &bytes)))
        die(vips_error_buffer());
    g_object_unref(out);
    g_free(pixels);
}

__attribute__((noinline)) static void measured(struct job *j)
{
    if (j->way == WAY_VIPS)
        run_vips(j);
    else
        run_resize(j, j->way == WAY_PLAIN  ? ALB_RESIZE_PLAIN
                      : j->way == WAY_SSE2 ? ALB_RESIZE_SSE2
                                           : ALB_RESIZE_BEST);
}

static double processor_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void time_case(const struct one *o)
{
    struct job jobs[WAY_COUNT];
    double us[WAY_COUNT][ROUNDS];
    for (enum way w = 0; w < WAY_COUNT; w++)
        job_make(&jobs[w], o, w);
    for (int round = 0; round < ROUNDS; round++) {
        for (enum way w = 0; w < WAY_COUNT; w++) {
            double before = processor_us();
            if (has(o, w))
                measured(&jobs[w]);
            us[w][round] = processor_us() - before;
        }
    }
    printf("%-18s %7zu KB", o->name, alb_resize_memory(&jobs[0].ask) >> 10);
    for (enum way w = 0; w < WAY_COUNT; w++) {
        qsort(us[w], ROUNDS, sizeof(double), compare);
        if (has(o, w))
            printf(" %9.0f", us[w][ROUNDS / 2]);
        else
            printf(" %9s", "-");
        job_drop(&jobs[w]);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    bool list = argc == 2 && strcmp(argv[1], "list") == 0, found = false;
    if (VIPS_INIT(argv[0]) != 0)
        die("libvips");
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    if (argc == 1)
        printf("microseconds          memory      best      sse2     plain      vips\n");
    for (size_t c = 0; c < ALB_ARRAY_LEN(cases); c++) {
        if (argc == 1)
            time_case(&cases[c]);
        for (enum way w = 0; w < WAY_COUNT && argc > 1; w++) {
            struct job j;
            if (list && has(&cases[c], w))
                printf("%s %s\n", cases[c].name, ways[w]);
            if (argc != 3 || strcmp(argv[1], cases[c].name) != 0 || strcmp(argv[2], ways[w]) != 0 ||
                !has(&cases[c], w))
                continue;
            job_make(&j, &cases[c], w);
            measured(&j);
            job_drop(&j);
            found = true;
        }
    }
    vips_shutdown();
    if (argc == 3 && !found)
        die("no such case");
    return 0;
}
