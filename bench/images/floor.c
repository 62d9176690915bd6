/* SPDX-License-Identifier: Apache-2.0
 *
 * What codecs cost by themselves, in one thread: bench-images-floor SIDE FILE... prints, for all files of a kind
 * together, CPU milliseconds a picture
 *   read jpg N     libjpeg-turbo at N/8, the samples as they are coded: no upsampling, no other colours
 *   read png ...   libvips' loader (libspng, libwebp, libheif), the whole picture into memory
 *   write ...      the picture fitted into SIDE, from memory: libjpeg-turbo 4:2:0 quality 80 baseline and progressive; and
 *                  libvips' savers: PNG, WebP 75, AVIF 65 effort 0
 * A pipeline that reads one and writes the other cannot be cheaper without better codecs.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <vips/vips.h>

#include <jpeglib.h>

#define LAPS 3 /* the best counts */

static void die(const char *what)
{
    fprintf(stderr, "bench-images-floor: %s: %s\n", what, vips_error_buffer());
    exit(1);
}

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ---- JPEG, by itself ---- */

#define PLANES 4
#define ROWS_MOST 64

static void read_jpeg(const unsigned char *p, size_t n, unsigned scale)
{
    struct jpeg_decompress_struct d;
    struct jpeg_error_mgr e;
    d.err = jpeg_std_error(&e);
    jpeg_create_decompress(&d);
    jpeg_mem_src(&d, p, n);
    (void)jpeg_read_header(&d, TRUE);
    d.raw_data_out = TRUE;
    d.scale_num = scale;
    d.scale_denom = 8;
    (void)jpeg_start_decompress(&d);
    JSAMPROW rows[PLANES][ROWS_MOST];
    JSAMPARRAY planes[PLANES];
    unsigned char *block[PLANES] = {NULL};
    unsigned height = (unsigned)(d.max_v_samp_factor * d.min_DCT_scaled_size);
    for (int c = 0; c < d.num_components; c++) {
        const jpeg_component_info *at = &d.comp_info[c];
        size_t stride = (size_t)at->width_in_blocks * (size_t)at->DCT_scaled_size;
        unsigned count = (unsigned)(at->v_samp_factor * at->DCT_scaled_size);
        block[c] = g_malloc(stride * (size_t)count);
        for (unsigned i = 0; i < count; i++)
            rows[c][i] = block[c] + stride * i;
        planes[c] = rows[c];
    }
    while (d.output_scanline < d.output_height) {
        if (jpeg_read_raw_data(&d, planes, height) == 0)
            die("damaged JPEG");
    }
    (void)jpeg_finish_decompress(&d);
    jpeg_destroy_decompress(&d);
    for (int c = 0; c < PLANES; c++)
        g_free(block[c]);
}

static void write_jpeg(const unsigned char *rgb, int width, int height, bool progressive)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr e;
    unsigned char *out = NULL;
    unsigned long n = 0;
    c.err = jpeg_std_error(&e);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &out, &n);
    c.image_width = (JDIMENSION)width;
    c.image_height = (JDIMENSION)height;
    c.input_components = 3;
    c.in_color_space = JCS_RGB;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, 80, TRUE);
    if (progressive)
        jpeg_simple_progression(&c);
    jpeg_start_compress(&c, TRUE);
    while (c.next_scanline < c.image_height) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(rgb + (size_t)3 * (size_t)width * c.next_scanline);
        (void)jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    free(out);
}

/* ---- all ---- */

struct sources {
    char **names;
    int count;
    int side;
};

static VipsImage *small_of(const char *name, int side)
{
    VipsImage *thumb = NULL;
    if (vips_thumbnail(name, &thumb, side, "height", side, NULL) != 0)
        die(name);
    VipsImage *held = vips_image_copy_memory(thumb);
    g_object_unref(thumb);
    return held;
}

/* One picture: what is timed. */
enum work { READ_JPEG, READ, WRITE_JPEG, WRITE };

static double once(const struct sources *s, int i, enum work what, unsigned scale, const char *suffix)
{
    char *bytes = NULL;
    size_t n = 0;
    double spent;
    if (what == READ_JPEG && !g_file_get_contents(s->names[i], &bytes, &n, NULL))
        die(s->names[i]);
    VipsImage *small = what == WRITE || what == WRITE_JPEG ? small_of(s->names[i], s->side) : NULL;
    double begin = cpu_ms();
    if (what == READ_JPEG) {
        read_jpeg((const unsigned char *)bytes, n, scale);
    } else if (what == WRITE_JPEG) {
        write_jpeg(vips_image_get_data(small), small->Xsize, small->Ysize, scale != 0);
    } else if (what == READ) {
        VipsImage *in = vips_image_new_from_file(s->names[i], "access", VIPS_ACCESS_SEQUENTIAL, NULL);
        VipsImage *held = in ? vips_image_copy_memory(in) : NULL;
        if (!held)
            die(s->names[i]);
        g_object_unref(in);
        g_object_unref(held);
    } else {
        void *out = NULL;
        if (vips_image_write_to_buffer(small, suffix, &out, &n, NULL) != 0)
            die(suffix);
        g_free(out);
    }
    spent = cpu_ms() - begin;
    g_clear_object(&small);
    g_free(bytes);
    return spent;
}

static void measure(const struct sources *s, const char *kind, const char *label, enum work what,
                    unsigned scale, const char *suffix)
{
    double best[LAPS] = {0}, least = 0;
    int count = 0;
    for (int lap = 0; lap < LAPS; lap++) {
        count = 0;
        for (int i = 0; i < s->count; i++) {
            if (!g_str_has_suffix(s->names[i], kind))
                continue;
            best[lap] += once(s, i, what, scale, suffix);
            count++;
        }
        least = lap == 0 || best[lap] < least ? best[lap] : least;
    }
    if (count > 0)
        printf("%s %.3f\n", label, least / count);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc < 3 || VIPS_INIT(argv[0]) != 0)
        die("usage: bench-images-floor SIDE FILE...");
    struct sources s = {argv + 2, argc - 2, atoi(argv[1])};
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    measure(&s, ".jpg", "read jpg 8", READ_JPEG, 8, NULL);
    measure(&s, ".jpg", "read jpg 4", READ_JPEG, 4, NULL);
    measure(&s, ".jpg", "read jpg 3", READ_JPEG, 3, NULL);
    measure(&s, ".png", "read png", READ, 0, NULL);
    measure(&s, ".webp", "read webp", READ, 0, NULL);
    measure(&s, ".avif", "read avif", READ, 0, NULL);
    measure(&s, ".jpg", "write jpg", WRITE_JPEG, 0, NULL);
    measure(&s, ".jpg", "write jpg-progressive", WRITE_JPEG, 1, NULL);
    measure(&s, ".jpg", "write png", WRITE, 0, ".png");
    measure(&s, ".jpg", "write webp", WRITE, 0, ".webp[Q=75,strip]");
    measure(&s, ".jpg", "write avif", WRITE, 0, ".avif[Q=65,effort=0,strip]");
    vips_shutdown();
    return 0;
}
