/* SPDX-License-Identifier: Apache-2.0
 *
 * libjpeg reports fatal errors by a function that must not return: the one place where this code jumps.
 * Everything that lives across the jump is in struct decode, which outlives it.
 */
#include "image/jpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "base/mem.h"
#include "image/plan.h"

#define SCANS_MAX 100 /* a progressive file may ask for any number of passes over the whole picture */

struct decode {
    struct jpeg_decompress_struct d;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf end;
    bool strict;
    char text[JMSG_LENGTH_MAX];
    VipsImage *image;
    JSAMPLE *row;
    JOCTET *icc;
    unsigned icc_length;
};

static struct decode *of(j_common_ptr c)
{
    return c->client_data;
}

static void on_error(j_common_ptr c)
{
    struct decode *s = of(c);
    s->errors.format_message(c, s->text);
    longjmp(s->end, 1); /* allowed: longjmp, libjpeg has no other way out */
}

/* Damaged data are a warning to libjpeg, and so is an early end: that one counts. */
static void on_message(j_common_ptr c, int level)
{
    struct decode *s = of(c);
    if (level < 0 && s->strict && s->errors.msg_code == JWRN_JPEG_EOF)
        on_error(c);
    s->errors.num_warnings += level < 0;
}

static void on_output(j_common_ptr c)
{
    (void)c; /* says nothing */
}

static void on_progress(j_common_ptr c)
{
    struct decode *s = of(c);
    if (s->d.input_scan_number > SCANS_MAX) {
        s->errors.msg_code = JERR_BAD_PROGRESSION;
        on_error(c);
    }
}

static bool is_ours(const struct decode *s)
{
    bool grey = s->d.jpeg_color_space == JCS_GRAYSCALE && s->d.num_components == 1;
    bool colour =
        (s->d.jpeg_color_space == JCS_YCbCr || s->d.jpeg_color_space == JCS_RGB) && s->d.num_components == 3;
    return (grey || colour) && s->d.data_precision == 8;
}

static bool prepare_image(struct decode *s, uint32_t width, uint32_t height)
{
    int bands = s->d.output_components;
    s->image = vips_image_new_memory();
    vips_image_init_fields(s->image, (int)width, (int)height, bands, VIPS_FORMAT_UCHAR, VIPS_CODING_NONE,
                           bands == 3 ? VIPS_INTERPRETATION_sRGB : VIPS_INTERPRETATION_B_W, 1, 1);
    s->row = alb_mem_calloc(s->d.output_width, (size_t)bands);
    return s->row && vips_image_write_prepare(s->image) == 0;
}

/* Between the jump's mark and its target: nothing here owns anything. */
static bool decode(struct decode *s, struct alb_str bytes, unsigned eighths, bool *taken)
{
    jpeg_create_decompress(&s->d);
    s->d.client_data = s;
    s->progress.progress_monitor = on_progress;
    s->d.progress = &s->progress;
    jpeg_mem_src(&s->d, (const unsigned char *)bytes.p, bytes.n);
    jpeg_save_markers(&s->d, JPEG_APP0 + 2, 0xffff);
    jpeg_read_header(&s->d, TRUE);
    uint32_t width = alb_jpeg_side(s->d.image_width, eighths), height = alb_jpeg_side(s->d.image_height, eighths);
    *taken = is_ours(s) && width > 0 && height > 0 && (uint64_t)width * height <= ALB_JPEG_PIXELS;
    if (!*taken)
        return true;
    if (jpeg_read_icc_profile(&s->d, &s->icc, &s->icc_length) == FALSE)
        s->icc_length = 0;
    s->d.scale_num = eighths;
    s->d.scale_denom = 8;
    s->d.out_color_space = s->d.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_start_decompress(&s->d);
    if (!prepare_image(s, width, height))
        return false;
    size_t line = (size_t)width * (size_t)s->d.output_components;
    while (s->d.output_scanline < s->d.output_height) {
        JDIMENSION y = s->d.output_scanline;
        jpeg_read_scanlines(&s->d, &s->row, 1);
        if (y < height)
            memcpy(s->image->data + (size_t)y * line, s->row, line);
    }
    jpeg_finish_decompress(&s->d);
    return true;
}

enum alb_code alb_jpeg_open(struct alb_str bytes, unsigned eighths, bool strict, VipsImage **out, bool *taken,
                            struct alb_err *err)
{
    struct decode *s = alb_mem_calloc(1, sizeof(*s));
    enum alb_code code = ALB_OK;
    *out = NULL;
    *taken = false;
    if (!s)
        return alb_fail(err, ALB_E_NO_MEMORY, "no memory");
    s->strict = strict;
    s->d.err = jpeg_std_error(&s->errors);
    s->d.client_data = s;
    s->errors.error_exit = on_error;
    s->errors.emit_message = on_message;
    s->errors.output_message = on_output;
    if (setjmp(s->end) != 0) { /* allowed: setjmp, see on_error */
        code = alb_fail(err, ALB_E_UNPROCESSABLE, "jpeg: %s", s->text);
    } else if (!decode(s, bytes, eighths, taken)) {
        vips_error_clear();
        code = alb_fail(err, ALB_E_NO_MEMORY, "no memory for a picture");
    }
    jpeg_destroy_decompress(&s->d);
    if (code == ALB_OK && *taken) {
        if (s->icc_length > 0)
            vips_image_set_blob_copy(s->image, VIPS_META_ICC_NAME, s->icc, s->icc_length);
        *out = g_steal_pointer(&s->image);
    }
    g_clear_object(&s->image);
    alb_mem_free(s->row);
    alb_mem_free(s->icc); /* from libjpeg's malloc */
    alb_mem_free(s);
    return code;
}
