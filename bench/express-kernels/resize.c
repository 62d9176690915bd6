/* SPDX-License-Identifier: Apache-2.0
 *
 * The resizer. A photograph of 2040 pixels decoded at 4/8 to fit 512, one of 12 megapixels at 2/8; whole decoded ones
 * (PNG); and rows of light at half size (light.c).
 */
#include <stdlib.h>
#include <vips/vips.h>

#include "base/mem.h"
#include "image/express/resize.h"
#include "kernels.h"

struct what {
    uint32_t in_width, in_height, width, height;
    unsigned samples;
    uint8_t bits;
    bool alpha, linear, lit;
    enum alb_kernel kernel;
};

struct resizing {
    const struct what *what;
    struct alb_resize_ask ask;
    uint8_t *in, *out;
    size_t row_in, row_out; /* bytes */
    void *block;
    VipsImage *image;
};

static void start_vips(void)
{
    static bool started;
    if (!started && vips_init("express-kernels") != 0)
        kernel_die("libvips");
    started = true;
    vips_concurrency_set(1);
    vips_cache_set_max(0);
}

/* n samples of 16 bits. */
static void widen(const uint8_t *in, size_t n, uint16_t *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint16_t)(in[i] * 257);
}

static void make(struct job *j)
{
    const struct what *w = j->kernel->what;
    struct resizing *r = alb_mem_alloc_nofail(sizeof(*r));
    size_t n = (size_t)w->in_width * w->in_height * w->samples;
    *r = (struct resizing){.what = w};
    r->ask = (struct alb_resize_ask){.x = {w->in_width, w->width, 0, w->in_width, w->lit},
                                     .y = {w->in_height, w->height, 0, w->in_height, w->lit},
                                     .samples = w->samples,
                                     .alpha = w->alpha,
                                     .bits_in = w->bits,
                                     .bits_out = w->lit ? 8 : w->bits,
                                     .kernel = w->kernel,
                                     .linear = w->linear,
                                     .lit = w->lit,
                                     .gain = 1};
    r->row_in = (size_t)w->in_width * w->samples * (w->bits > 8 ? 2 : 1);
    r->row_out = (size_t)w->width * w->samples * (r->ask.bits_out > 8 ? 2 : 1);
    r->in = alb_mem_alloc_nofail(n + ALB_ROW_SLACK);
    r->out = alb_mem_alloc_nofail(r->row_out * w->height + ALB_ROW_SLACK);
    kernel_photo(r->in, w->in_width, w->in_height, w->samples, 1);
    if (w->bits > 8) {
        uint8_t *wide = alb_mem_alloc_nofail(2 * n + ALB_ROW_SLACK);
        widen(r->in, n, (uint16_t *)(void *)wide);
        alb_mem_free(r->in);
        r->in = wide;
    }
    j->own = r;
    j->memory = alb_resize_memory(&r->ask);
    r->block = aligned_alloc(ALB_SCRATCH_ALIGN, j->memory);
    if (!r->block)
        kernel_die("no memory");
    if (j->way != WAY_VIPS)
        return;
    start_vips();
    r->image = vips_image_new_from_memory(r->in, n, (int)w->in_width, (int)w->in_height, (int)w->samples,
                                          VIPS_FORMAT_UCHAR);
}

static void drop(struct job *j)
{
    struct resizing *r = j->own;
    g_clear_object(&r->image);
    alb_mem_free(r->in);
    alb_mem_free(r->out);
    free(r->block);
    alb_mem_free(r);
}

/* Where it asks for planes, thirds of a row pass for them: sums take as long whatever they are of. */
static void run_resize(struct resizing *r, enum alb_resize_path path)
{
    uint8_t *out = r->out;
    struct alb_resize *resize = alb_resize_place(&r->ask, r->block, path);
    for (uint32_t y = 0; y < r->what->in_height; y++) {
        const uint8_t *row = r->in + y * r->row_in;
        const void *planes[ALB_PLANES] = {row, row + r->row_in / 3, row + r->row_in / 3 * 2};
        alb_resize_push(resize, r->what->lit ? (const void *)planes : row);
        while (alb_resize_pull(resize, out))
            out += r->row_out;
    }
}

static void run_vips(struct resizing *r)
{
    const struct what *w = r->what;
    VipsImage *out = NULL;
    void *pixels;
    size_t bytes;
    if (vips_reduce(r->image, &out, (double)w->in_width / w->width, (double)w->in_height / w->height,
                    "kernel",
                    w->kernel == ALB_KERNEL_CUBIC    ? VIPS_KERNEL_CUBIC
                    : w->kernel == ALB_KERNEL_LINEAR ? VIPS_KERNEL_LINEAR
                                                     : VIPS_KERNEL_LANCZOS3,
                    NULL) != 0 ||
        !(pixels = vips_image_write_to_memory(out, &bytes)))
        kernel_die(vips_error_buffer());
    g_object_unref(out);
    g_free(pixels);
}

static void run(struct job *j)
{
    if (j->way == WAY_VIPS)
        run_vips(j->own);
    else
        run_resize(j->own, j->way == WAY_PLAIN  ? ALB_RESIZE_PLAIN
                           : j->way == WAY_SSE2 ? ALB_RESIZE_SSE2
                                                : ALB_RESIZE_BEST);
}

static const struct kind resize = {make, run, drop};
#define OWN (BEST | SSE2 | PLAIN)
#define WHAT(...)                                                                                            \
    &resize, &(const struct what)                                                                            \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }
#define LANCZOS ALB_KERNEL_LANCZOS3

const struct kernel kernels_resize[] = {
    {"luma", OWN | VIPS, WHAT(1020, 678, 512, 340, 1, 8, false, false, false, LANCZOS)},
    {"chroma", OWN | VIPS, WHAT(510, 339, 256, 170, 1, 8, false, false, false, LANCZOS)},
    {"rgb", OWN | VIPS, WHAT(1020, 678, 512, 340, 3, 8, false, false, false, LANCZOS)},
    {"rgb-linear", OWN, WHAT(1020, 678, 512, 340, 3, 8, false, true, false, LANCZOS)},
    {"rgb-lit", OWN, WHAT(1020, 678, 512, 340, 3, 16, false, true, true, LANCZOS)},
    {"luma-close", OWN | VIPS, WHAT(680, 452, 512, 340, 1, 8, false, false, false, LANCZOS)},
    {"luma-12mp", OWN | VIPS, WHAT(1000, 750, 512, 384, 1, 8, false, false, false, LANCZOS)},
    {"rgb-2040", OWN | VIPS, WHAT(2040, 1356, 512, 340, 3, 8, false, false, false, LANCZOS)},
    {"rgb-2040-linear", OWN, WHAT(2040, 1356, 512, 340, 3, 8, false, true, false, LANCZOS)},
    {"rgba-2040", OWN, WHAT(2040, 1356, 512, 340, 4, 8, true, false, false, LANCZOS)},
    {"rgb16-2040", OWN, WHAT(2040, 1356, 512, 340, 3, 16, false, false, false, LANCZOS)},
    {"rgb-12mp", OWN | VIPS, WHAT(4000, 3000, 512, 384, 3, 8, false, false, false, LANCZOS)},
    {"rgb-12mp-tiny", OWN | VIPS, WHAT(4000, 3000, 100, 75, 3, 8, false, false, false, LANCZOS)},
    {"rgb-up", OWN, WHAT(256, 170, 512, 340, 3, 8, false, false, false, LANCZOS)},
    {"rgb-cubic", OWN | VIPS, WHAT(1020, 678, 512, 340, 3, 8, false, false, false, ALB_KERNEL_CUBIC)},
    {"rgb-linear-kernel", OWN | VIPS,
     WHAT(1020, 678, 512, 340, 3, 8, false, false, false, ALB_KERNEL_LINEAR)},
    {.name = NULL},
};
