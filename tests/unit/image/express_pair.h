/* SPDX-License-Identifier: Apache-2.0
 *
 * One plan by both executors: a random picture in one of the formats of the express lane, random options, and what must
 * hold of the two results: the same size and channels, and pixels that no eye tells apart. For the test (from a seed)
 * and the fuzzer (from bytes).
 */
#ifndef ALB_TESTS_IMAGE_EXPRESS_PAIR_H
#define ALB_TESTS_IMAGE_EXPRESS_PAIR_H

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vips/vips.h>

#include <jpeglib.h>

#include "base/check.h"
#include "base/mem.h"
#include "image/express/lane.h"
#include "image/general.h"
#include "image/load.h"
#include "plan_random.h"

/* ---- pictures ---- */

/* Not too many for what remains of the side. */
static inline double pair_waves(struct dice *d, uint32_t side)
{
    uint32_t most = side / 16 < 6 ? side / 16 : 6;
    return (1 + dice_below(d, most + 1)) * 6.28318 / side;
}

/* Waves a few times as long as a pixel of a small result: whatever lies a pixel off shows. */
static inline VipsImage *pair_image(struct dice *d, uint32_t w, uint32_t h, int bands, bool wide)
{
    VipsImage *x = vips_image_new_memory();
    VipsInterpretation space = bands < 3 ? (wide ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W)
                                         : (wide ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB);
    vips_image_init_fields(x, (int)w, (int)h, bands, wide ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR,
                           VIPS_CODING_NONE, space, 1, 1);
    ALB_CHECK(vips_image_write_prepare(x) == 0);
    double fx[4], fy[4], at[4];
    for (int b = 0; b < bands; b++) {
        fx[b] = pair_waves(d, w);
        fy[b] = pair_waves(d, h);
        at[b] = dice_below(d, 628) / 100.0;
    }
    for (uint32_t j = 0; j < h; j++) {
        for (uint32_t i = 0; i < w; i++) {
            for (int b = 0; b < bands; b++) {
                double v = 128 + 60 * sin(i * fx[b] + at[b]) + 60 * cos(j * fy[b] + at[b]);
                size_t k = ((size_t)j * w + i) * (size_t)bands + (size_t)b;
                if (wide)
                    ((uint16_t *)(void *)x->data)[k] = (uint16_t)(v * 257);
                else
                    x->data[k] = (uint8_t)v;
            }
        }
    }
    return x;
}

/* With any sampling: libvips knows two of them. */
static inline struct alb_str pair_jpeg(struct dice *d, VipsImage *x)
{
    static const uint8_t samplings[][2] = {{1, 1}, {2, 1}, {2, 2}, {1, 2}, {4, 1}, {4, 2}};
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    unsigned char *p = NULL;
    unsigned long n = 0;
    bool rgb = x->Bands == 3 && dice_rare(d, 8);
    const uint8_t *s = samplings[dice_below(d, dice_rare(d, 4) ? 6 : 3)];
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &p, &n);
    c.image_width = (JDIMENSION)x->Xsize;
    c.image_height = (JDIMENSION)x->Ysize;
    c.input_components = x->Bands;
    c.in_color_space = x->Bands == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&c);
    if (rgb)
        jpeg_set_colorspace(&c, JCS_RGB);
    jpeg_set_quality(&c, 92, TRUE);
    if (x->Bands == 3 && !rgb) {
        c.comp_info[0].h_samp_factor = s[0];
        c.comp_info[0].v_samp_factor = s[1];
    }
    if (dice_rare(d, 3))
        jpeg_simple_progression(&c);
    c.restart_interval = dice_rare(d, 4) ? 1 + dice_below(d, 20) : 0;
    jpeg_start_compress(&c, TRUE);
    for (int y = 0; y < x->Ysize; y++) {
        JSAMPROW row = x->data + (size_t)y * (size_t)x->Xsize * (size_t)x->Bands;
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    char *copy = g_malloc(n);
    memcpy(copy, p, n);
    alb_mem_free(p); /* from libjpeg's malloc */
    return (struct alb_str){copy, n};
}

static inline struct alb_str pair_saved(VipsImage *x, const char *how)
{
    void *p = NULL;
    size_t n = 0;
    ALB_CHECK(vips_image_write_to_buffer(x, how, &p, &n, NULL) == 0);
    return (struct alb_str){p, n};
}

/* g_free it. */
static inline struct alb_str pair_source(struct dice *d, uint32_t w, uint32_t h)
{
    static const char *const pngs[] = {".png", ".png[interlace]", ".png[palette]"};
    static const char *const webps[] = {".webp[Q=92]", ".webp[lossless]", ".webp[Q=95,smart_subsample]"};
    uint32_t kind = dice_below(d, 4);
    int bands = kind < 2 ? (dice_rare(d, 4) ? 1 : 3) : 1 + (int)dice_below(d, 4);
    bool wide = kind == 2 && dice_rare(d, 4);
    const char *png = wide ? pngs[0] : pngs[dice_below(d, 3)];
    if (png == pngs[2])
        bands = 1; /* no more levels than a palette has */
    VipsImage *x = pair_image(d, w, h, bands, wide);
    struct alb_str s;
    if (kind < 2)
        s = pair_jpeg(d, x);
    else if (kind == 2)
        s = pair_saved(x, png);
    else
        s = pair_saved(x, webps[dice_below(d, 3)]);
    g_object_unref(x);
    return s;
}

/* ---- options ---- */

static inline void pair_options(struct dice *d, struct alb_plan_options *o)
{
    static const enum alb_format formats[] = {ALB_FORMAT_JPEG, ALB_FORMAT_PNG, ALB_FORMAT_WEBP,
                                              ALB_FORMAT_JPEG};
    static const uint16_t margins[] = {0, 1000, 1700, 3000, ALB_SHRINK_NEVER};
    alb_plan_options_init(o);
    o->fit = (enum alb_fit)dice_below(d, ALB_FIT_COUNT);
    o->width = dice_rare(d, 6) ? 0 : 1 + dice_below(d, 300);
    o->height = dice_rare(d, 6) ? 0 : 1 + dice_below(d, 300);
    o->enlarge = dice_rare(d, 3);
    o->gravity = dice_gravity(d, ALB_GRAVITY_SMART);
    if (dice_rare(d, 3))
        o->crop = (struct alb_crop){.on = true,
                                    .width = 5 + dice_below(d, 400),
                                    .height = 5 + dice_below(d, 400),
                                    .at = dice_gravity(d, ALB_GRAVITY_SMART)};
    o->turn = (uint16_t)(dice_below(d, 4) * 90);
    o->flip_h = dice_rare(d, 3);
    o->flip_v = dice_rare(d, 3);
    o->linear = dice_rare(d, 3);
    o->kernel = dice_rare(d, 3) ? (enum alb_kernel)dice_below(d, ALB_KERNEL_COUNT) : ALB_KERNEL_LANCZOS3;
    o->shrink_margin = margins[dice_below(d, 5)];
    o->flatten = dice_rare(d, 3);
    o->background = dice_word(d) & 0xffffff;
    o->output.format = formats[dice_below(d, 4)];
    o->output.quality[ALB_FORMAT_SAME] = (uint8_t)(dice_rare(d, 2) ? 95 : 85);
    o->output.jpeg_progressive = dice_rare(d, 4);
    o->output.keep_copyright = dice_rare(d, 2);
    o->output.dpi = o->width % 2 == 1 ? 72 : o->height % 5 == 1 ? 300 : 0;
    o->output.chroma = dice_rare(d, 3) ? (enum alb_chroma)dice_below(d, ALB_CHROMA_COUNT) : ALB_CHROMA_AUTO;
}

/* ---- both ---- */

struct pair_counts {
    unsigned planned, taken, done; /* plans; of the lane; that it did */
    double sum;                    /* of what they differ by: root of the mean square over the pixels */
};

static inline VipsImage *pair_read(int fd)
{
    size_t n = (size_t)lseek(fd, 0, SEEK_END);
    char *p = g_malloc(n);
    ALB_CHECK(pread(fd, p, n, 0) == (ssize_t)n);
    VipsImage *x = vips_image_new_from_buffer(p, n, "", NULL);
    ALB_CHECK(x);
    VipsImage *held = vips_image_copy_memory(x);
    ALB_CHECK(held);
    g_object_unref(x);
    g_free(p);
    return held;
}

/* Colours count as far as they are seen. */
static inline double pair_difference(VipsImage *a, VipsImage *b)
{
    size_t pixels = (size_t)a->Xsize * (size_t)a->Ysize, bands = (size_t)a->Bands;
    bool alpha = bands == 2 || bands == 4;
    double sum = 0;
    for (size_t i = 0; i < pixels; i++) {
        const uint8_t *p = a->data + i * bands, *q = b->data + i * bands;
        for (size_t k = 0; k < bands; k++) {
            double x = p[k], y = q[k];
            if (alpha && k + 1 < bands) {
                x *= p[bands - 1] / 255.0;
                y *= q[bands - 1] / 255.0;
            }
            sum += (x - y) * (x - y);
        }
    }
    return sqrt(sum / (double)(pixels * bands));
}

static inline bool pair_same_bytes(int a, int b)
{
    size_t n = (size_t)lseek(a, 0, SEEK_END);
    if ((size_t)lseek(b, 0, SEEK_END) != n)
        return false;
    char *p = g_malloc(n), *q = g_malloc(n);
    ALB_CHECK(pread(a, p, n, 0) == (ssize_t)n && pread(b, q, n, 0) == (ssize_t)n);
    bool same = memcmp(p, q, n) == 0;
    g_free(p);
    g_free(q);
    return same;
}

/* The lane with two threads makes the same bytes, or refuses in the same way. */
static inline void pair_threads(struct alb_scratch *scratch, const struct alb_plan *plan,
                                struct alb_str source, int fd, enum alb_code code)
{
    struct alb_express two = {.scratch = scratch, .threads = 2};
    int other = memfd_create("two", MFD_CLOEXEC);
    ALB_CHECK(other >= 0 && alb_express_render(&two, plan, source, other, 64 << 20, NULL) == code);
    ALB_CHECK(code != ALB_OK || pair_same_bytes(fd, other));
    close(other);
}

/* The difference; negative: the lane did not do it, or *general says that its executor did not. */
static inline double pair_render(struct alb_scratch *scratch, const struct alb_plan *plan,
                                 struct alb_str source, enum alb_code *general, struct alb_err *err)
{
    struct alb_express x = {.scratch = scratch, .threads = 1};
    struct alb_general_outcome outcome;
    int ours = memfd_create("ours", MFD_CLOEXEC), theirs = memfd_create("theirs", MFD_CLOEXEC);
    double differ = -1;
    ALB_CHECK(ours >= 0 && theirs >= 0);
    enum alb_code code = alb_express_render(&x, plan, source, ours, 64 << 20, err);
    ALB_CHECK(code == ALB_OK || (code == ALB_E_UNSUPPORTED && lseek(ours, 0, SEEK_END) == 0));
    pair_threads(scratch, plan, source, ours, code);
    struct alb_err why = ALB_ERR_INIT;
    *general = alb_general_render(plan, &source, theirs, &outcome, &why);
    if (code == ALB_OK && *general == ALB_OK) {
        VipsImage *a = pair_read(ours), *b = pair_read(theirs);
        ALB_CHECK(a->Xsize == (int)plan->width && a->Ysize == (int)plan->height);
        ALB_CHECK(a->Xsize == b->Xsize && a->Ysize == b->Ysize && a->Bands == b->Bands);
        ALB_CHECK(a->BandFmt == VIPS_FORMAT_UCHAR && b->BandFmt == VIPS_FORMAT_UCHAR);
        ALB_CHECK(fabs(a->Xres - b->Xres) < 0.01 && fabs(a->Yres - b->Yres) < 0.01);
        differ = pair_difference(a, b);
        g_object_unref(a);
        g_object_unref(b);
    }
    close(ours);
    close(theirs);
    return differ;
}

static inline void pair_header(struct alb_str source, struct alb_image_header *h)
{
    struct alb_probe *p = alb_mem_calloc(1, sizeof(*p));
    struct alb_plan_limits limits;
    alb_plan_limits_default(&limits);
    ALB_CHECK(p);
    p->arena = alb_arena_new(16 << 20);
    ALB_CHECK(p->arena);
    ALB_CHECK(alb_general_probe(alb_sniff(source.p, source.n), source, &limits, false, p, NULL) == ALB_OK);
    *h = p->header;
    alb_probe_free(&p);
}

/* How far apart the two may be: they shrink in other steps and enlarge by other kernels, and one of them works in colours,
 * the other in planes. A pixel off is 20 and more. */
static inline double pair_allowed(const struct alb_plan *p)
{
    const struct alb_plan_step *load = &p->steps[0];
    double allowed = p->format == ALB_FORMAT_PNG ? 5 : 9;
    if (p->width < 16 || p->height < 16)
        return 256; /* hardly a picture: its size and its channels count */
    if (p->width < 32 || p->height < 32 || load->width < 32 || load->height < 32)
        allowed += 10; /* waves of few pixels */
    if (load->u.load.how == ALB_LOAD_SCALED)
        allowed += 3; /* libwebp's own shrinking, which the lane does without */
    for (uint32_t i = 1; i < p->count; i++) {
        if (p->steps[i].kind == ALB_STEP_RESIZE && p->steps[i].u.resize.kernel == ALB_KERNEL_NEAREST)
            allowed += 15; /* which one of two neighbours is nearer */
    }
    return allowed;
}

static inline double pair_run(struct dice *d, struct alb_scratch *scratch, struct pair_counts *counts)
{
    static struct alb_plan plan;
    struct alb_plan_options o;
    struct alb_image_header h;
    struct alb_plan_limits limits;
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code general;
    double differ = -1;
    alb_plan_limits_default(&limits);
    limits.result_pixels = 400000;
    struct alb_str source = pair_source(d, 1 + dice_below(d, 700), 1 + dice_below(d, 500));
    pair_header(source, &h);
    h.orientation = (uint8_t)(1 + dice_below(d, 8));
    pair_options(d, &o);
    const struct alb_plan_ask ask = {.headers = &h, .header_count = 1, .options = &o, .limits = &limits};
    if (alb_plan_make(&ask, &plan, NULL) == ALB_OK) {
        counts->planned++;
        if (alb_express_takes(&plan)) {
            counts->taken++;
            differ = pair_render(scratch, &plan, source, &general, &err);
            ALB_CHECK(general == ALB_OK);
            counts->done += differ >= 0;
            counts->sum += differ > 0 ? differ : 0;
            if (differ < 0)
                fprintf(stderr, "# not done: %s (%ux%u)\n", err.msg, plan.width, plan.height);
            if (differ > pair_allowed(&plan))
                fprintf(stderr, "# %s %ux%u o%d -> %s %ux%u kernel %d linear %d margin %d: %.2f\n",
                        alb_type_name(h.type), h.width, h.height, h.orientation, alb_format_name(plan.format),
                        plan.width, plan.height, o.kernel, o.linear, o.shrink_margin, differ);
        }
    }
    g_free((void *)(uintptr_t)source.p);
    return differ > pair_allowed(&plan) ? differ : 0;
}

#endif
