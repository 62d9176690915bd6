/* SPDX-License-Identifier: Apache-2.0
 *
 * How good results look: reads lines "SOURCE<tab>RESULT", prints "WIDTH HEIGHT SSIMULACRA2" of each. What it should
 * look like is the source, all of it decoded, reduced to the result's size by Lanczos in linear light, in float, at
 * once: made by libvips, so that albumen's own resizer is judged by somebody else. Lines of one source should follow
 * each other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

#include "image/score.h"

static void die(const char *what)
{
    fprintf(stderr, "bench-images-judge: %s: %s\n", what, vips_error_buffer());
    exit(1);
}

/* 8 bits of sRGB without alpha. Takes the reference. */
static VipsImage *plain(VipsImage *in)
{
    VipsImage *rgb = NULL, *flat = NULL, *bytes = NULL;
    if (vips_colourspace(in, &rgb, VIPS_INTERPRETATION_sRGB, NULL) != 0 ||
        vips_extract_band(rgb, &flat, 0, "n", 3, NULL) != 0 ||
        vips_cast(flat, &bytes, VIPS_FORMAT_UCHAR, NULL) != 0)
        die("colour");
    g_object_unref(in);
    g_object_unref(rgb);
    g_object_unref(flat);
    return bytes;
}

static VipsImage *open_all(const char *name)
{
    VipsImage *in = vips_image_new_from_file(name, "access", VIPS_ACCESS_SEQUENTIAL, NULL);
    VipsImage *held = in ? vips_image_copy_memory(in) : NULL;
    if (!held)
        die(name);
    g_object_unref(in);
    return held;
}

static VipsImage *reduced(VipsImage *source, int width, int height)
{
    VipsImage *light = NULL, *small = NULL;
    if (vips_colourspace(source, &light, VIPS_INTERPRETATION_scRGB, NULL) != 0 ||
        vips_resize(light, &small, (double)width / source->Xsize, "vscale", (double)height / source->Ysize,
                    "kernel", VIPS_KERNEL_LANCZOS3, "gap", 0.0, NULL) != 0)
        die("resize");
    g_object_unref(light);
    return plain(small);
}

static void judge(VipsImage *source, const char *name)
{
    VipsImage *result = plain(open_all(name)), *want = reduced(source, result->Xsize, result->Ysize);
    size_t n = 0, m = 0;
    void *a = vips_image_write_to_memory(want, &n), *b = vips_image_write_to_memory(result, &m);
    double score = 0;
    if (!a || !b || n != m ||
        !alb_score_ssimulacra2(a, b, (uint32_t)result->Xsize, (uint32_t)result->Ysize, 3, &score))
        die(name);
    printf("%d %d %.3f\n", result->Xsize, result->Ysize, score);
    fflush(stdout);
    g_free(a);
    g_free(b);
    g_object_unref(result);
    g_object_unref(want);
}

int main(int argc, char **argv)
{
    static char line[8192], last[8192];
    VipsImage *source = NULL;
    if (VIPS_INIT(argv[0]) != 0 || argc != 1)
        die("start");
    vips_cache_set_max(0);
    while (fgets(line, sizeof(line), stdin)) {
        char *result = strchr(line, '\t');
        if (!result)
            die(line);
        *result++ = '\0';
        result[strcspn(result, "\n")] = '\0';
        if (strcmp(line, last) != 0) {
            g_clear_object(&source);
            source = open_all(line);
            memcpy(last, line, sizeof(last));
        }
        judge(source, result);
    }
    g_clear_object(&source);
    vips_shutdown();
    return 0;
}
