/* SPDX-License-Identifier: Apache-2.0
 *
 * How good our JPEG is beside libjpeg-turbo's own (its tables, its transform, its progression), quality by
 * quality:
 *
 * bench-jpeg [-v] QUALITY,QUALITY... PICTURE...     (-v: each picture too)
 *
 * Pictures larger than 512 pixels are reduced to that in linear light first. Prints mean bytes, mean
 * SSIMULACRA2 and the encoder's processor time of both, and what the worst picture lost or won.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <vips/vips.h>

#include "base/mem.h"
#include "image/express/jpeg_ends.h"
#include "image/score.h"

#define SIDE 512
#define ROUNDS 5

struct picture {
    const char *name;
    uint32_t width, height;
    uint8_t *rgb;
};
struct made {
    size_t bytes;
    double score, ms;
};

static struct alb_express x;

static void die(const char *what)
{
    fprintf(stderr, "bench-jpeg: %s: %s\n", what, vips_error_buffer());
    exit(1);
}

static struct picture open_picture(const char *name)
{
    VipsImage *in = vips_image_new_from_file(name, NULL), *small = NULL, *rgb = NULL, *flat = NULL,
              *bytes = NULL;
    size_t n = 0;
    if (!in)
        die(name);
    if (in->Xsize > SIDE || in->Ysize > SIDE) {
        g_object_unref(in);
        if (vips_thumbnail(name, &small, SIDE, "height", SIDE, "linear", TRUE, "size", VIPS_SIZE_DOWN,
                           NULL) != 0)
            die(name);
    } else {
        small = in;
    }
    if (vips_colourspace(small, &rgb, VIPS_INTERPRETATION_sRGB, NULL) != 0 ||
        vips_extract_band(rgb, &flat, 0, "n", 3, NULL) != 0 ||
        vips_cast(flat, &bytes, VIPS_FORMAT_UCHAR, NULL) != 0)
        die(name);
    struct picture p = {.name = name, .width = (uint32_t)bytes->Xsize, .height = (uint32_t)bytes->Ysize};
    p.rgb = vips_image_write_to_memory(bytes, &n);
    if (!p.rgb)
        die(name);
    g_object_unref(bytes);
    g_object_unref(flat);
    g_object_unref(rgb);
    g_object_unref(small);
    return p;
}

static void by_libjpeg(const struct picture *p, unsigned quality, unsigned char **out, unsigned long *n)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr e;
    c.err = jpeg_std_error(&e);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, out, n);
    c.image_width = p->width;
    c.image_height = p->height;
    c.input_components = 3;
    c.in_color_space = JCS_RGB;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, (int)quality, TRUE);
    c.write_JFIF_header = FALSE;
    c.optimize_coding = TRUE;
    jpeg_simple_progression(&c);
    if (quality >= 90)
        c.comp_info[0].h_samp_factor = c.comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(&c, TRUE);
    while (c.next_scanline < c.image_height) {
        JSAMPROW row = p->rgb + (size_t)c.next_scanline * p->width * 3;
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
}

static void by_albumen(const struct picture *p, unsigned quality, struct alb_buf *out)
{
    struct alb_err err = ALB_ERR_INIT;
    struct alb_output output = {.format = ALB_FORMAT_JPEG, .jpeg_progressive = true};
    struct alb_sink_ask ask = {
        .format = {.layout = ALB_LAYOUT_RGB, .bits = 8, .width = p->width, .height = p->height},
        .output = &output,
        .quality = quality,
        .out = out};
    struct alb_band band = {.plane = {p->rgb}, .stride = {(size_t)p->width * 3}, .rows = {p->height}};
    struct alb_sink *s;
    if (alb_jpeg_sink_open(&x, &ask, &s, &err) != ALB_OK || s->ops->write(s, &band, &err) != ALB_OK ||
        s->ops->finish(s, &err) != ALB_OK)
        die(err.msg);
    s->ops->close(s);
    alb_scratch_reset(x.scratch);
}

static double processor_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double score(const struct picture *p, const void *jpeg, size_t n)
{
    VipsImage *image = vips_image_new_from_buffer(jpeg, n, "", NULL);
    size_t size;
    double s = 0;
    void *rgb = image ? vips_image_write_to_memory(image, &size) : NULL;
    if (!rgb || !alb_score_ssimulacra2(p->rgb, rgb, p->width, p->height, 3, &s))
        die(p->name);
    g_free(rgb);
    g_object_unref(image);
    return s;
}

static struct made make(const struct picture *p, unsigned quality, bool ours)
{
    struct made m = {.ms = INFINITY};
    struct alb_buf out = ALB_BUF_INIT(64 << 20);
    unsigned char *theirs = NULL;
    unsigned long n = 0;
    for (int i = 0; i < ROUNDS; i++) {
        alb_buf_fini(&out);
        out = (struct alb_buf)ALB_BUF_INIT(64 << 20);
        free(theirs);
        theirs = NULL;
        double from = processor_ms();
        if (ours)
            by_albumen(p, quality, &out);
        else
            by_libjpeg(p, quality, &theirs, &n);
        m.ms = fmin(m.ms, processor_ms() - from);
    }
    m.bytes = ours ? out.n : n;
    m.score = score(p, ours ? (const void *)out.p : theirs, m.bytes);
    alb_buf_fini(&out);
    free(theirs);
    return m;
}

static void compare(unsigned quality, const struct picture *p, int count, bool each)
{
    struct made sum[2] = {{0, 0, 0}, {0, 0, 0}};
    double least = INFINITY, most = -INFINITY;
    for (int i = 0; i < count; i++) {
        struct made m[2];
        for (int k = 0; k < 2; k++) {
            m[k] = make(&p[i], quality, k == 1);
            sum[k].bytes += m[k].bytes;
            sum[k].score += m[k].score / count;
            sum[k].ms += m[k].ms / count;
        }
        if (each)
            printf("    %s: %zu %.2f, %zu %.2f\n", p[i].name, m[0].bytes, m[0].score, m[1].bytes, m[1].score);
        least = fmin(least, m[1].score - m[0].score);
        most = fmax(most, m[1].score - m[0].score);
    }
    printf("%3u  libjpeg %7zu B %6.2f %5.2f ms  albumen %7zu B %6.2f %5.2f ms  bytes %+5.1f %%, score %+5.2f "
           "(%+.2f to %+.2f)\n",
           quality, sum[0].bytes / (size_t)count, sum[0].score, sum[0].ms, sum[1].bytes / (size_t)count,
           sum[1].score, sum[1].ms, ((double)sum[1].bytes / (double)sum[0].bytes - 1) * 100,
           sum[1].score - sum[0].score, least, most);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    bool each = argc > 1 && strcmp(argv[1], "-v") == 0;
    int first = each ? 3 : 2, count = argc - first;
    if (VIPS_INIT(argv[0]) != 0 || count < 1)
        die("usage: bench-jpeg [-v] QUALITY,QUALITY... PICTURE...");
    struct picture *p = alb_mem_alloc_nofail((size_t)count * sizeof(*p));
    for (int i = 0; i < count; i++)
        p[i] = open_picture(argv[first + i]);
    x = (struct alb_express){.scratch = alb_scratch_new(), .threads = 1};
    for (char *at = argv[first - 1]; *at; at += *at == ',') {
        unsigned long q = strtoul(at, &at, 10);
        if (q < 1 || q > 100 || (*at && *at != ','))
            die("quality");
        compare((unsigned)q, p, count, each);
    }
    for (int i = 0; i < count; i++)
        g_free(p[i].rgb);
    alb_mem_free(p);
    alb_scratch_free(&x.scratch);
    vips_shutdown();
    return 0;
}
