/* SPDX-License-Identifier: Apache-2.0
 *
 * WebP and AVIF of the express lane: what comes in is what libvips or the codec itself sees, what goes out
 * is what libvips would write.
 */
#include <avif/avif.h>
#include <math.h>
#include <webp/decode.h>

#include "express_ends.h"

static struct alb_express x;

/* Smooth colours with an edge. */
static VipsImage *picture(int w, int h, int bands)
{
    VipsImage *image = vips_image_new_memory();
    vips_image_init_fields(image, w, h, bands, VIPS_FORMAT_UCHAR, VIPS_CODING_NONE,
                           bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, 1, 1);
    assert_int_equal(vips_image_write_prepare(image), 0);
    for (int j = 0; j < h; j++) {
        for (int i = 0; i < w; i++) {
            for (int b = 0; b < bands; b++) {
                double v =
                    128 + 100 * sin(0.05 * i * (b + 1)) * cos(0.04 * j) + (i > w / 2 && b == 1 ? 20 : 0);
                bool alpha = bands % 2 == 0 && b == bands - 1;
                image->data[((size_t)j * (size_t)w + (size_t)i) * (size_t)bands + (size_t)b] =
                    (uint8_t)(alpha ? (j * 5) & 255 : (int)v);
            }
        }
    }
    return image;
}

static struct alb_str saved(VipsImage *image, const char *how)
{
    void *p = NULL;
    size_t n = 0;
    if (vips_image_write_to_buffer(image, how, &p, &n, NULL) != 0)
        fail_msg("%s: %s", how, vips_error_buffer());
    return (struct alb_str){p, n};
}

static struct alb_str sample(int w, int h, int bands, const char *how)
{
    VipsImage *image = picture(w, h, bands);
    struct alb_str s = saved(image, how);
    g_object_unref(image);
    return s;
}

static void drop(struct alb_str *s)
{
    g_free((void *)(uintptr_t)s->p);
    *s = ALB_STR_NONE;
}

static double distance(const uint8_t *a, const uint8_t *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum / (double)n);
}

static const struct alb_rect whole;

/* ---- WebP in ---- */

static void test_webp_pixels(void **state)
{
    static const char *const how[] = {".webp[Q=80]", ".webp[lossless]", ".webp[Q=40,effort=6]",
                                      ".webp[Q=90,smart_subsample]"};
    uint32_t vw, vh;
    int bands;
    (void)state;
    for (size_t k = 0; k < ALB_ARRAY_LEN(how); k++) {
        for (int b = 3; b <= 4; b++) {
            for (uint32_t w = 1; w < 200; w = w * 3 + 2) {
                struct alb_str s = sample((int)w, 61, b, how[k]);
                struct pixels p;
                assert_int_equal(read_all(alb_webp_source_open, &x, s, w, 61, false, whole, &p), ALB_OK);
                uint8_t *want = by_vips(s, ALB_TYPE_WEBP, &vw, &vh, &bands);
                assert_non_null(want);
                assert_int_equal(alb_layout_samples(p.format.layout), bands);
                assert_int_equal(p.rows[0], vh);
                assert_memory_equal(p.plane[0], want, (size_t)vw * vh * (size_t)bands);
                g_free(want);
                pixels_free(&p);
                drop(&s);
            }
        }
    }
}

static void test_webp_planes(void **state)
{
    static const uint32_t sizes[][2] = {{1, 1}, {2, 3}, {33, 17}, {161, 240}, {64, 301}};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(sizes); i++) {
        uint32_t w = sizes[i][0], h = sizes[i][1];
        struct alb_str s = sample((int)w, (int)h, 3, ".webp[Q=85]");
        struct pixels p;
        int dw, dh, stride, uv_stride;
        uint8_t *u, *v;
        assert_int_equal(read_all(alb_webp_source_open, &x, s, w, h, true, whole, &p), ALB_OK);
        assert_true(p.format.layout == ALB_LAYOUT_YCC && p.format.limited && p.format.sub_x == 1 &&
                    p.format.sub_y == 1);
        uint8_t *y = WebPDecodeYUV((const uint8_t *)s.p, s.n, &dw, &dh, &u, &v, &stride, &uv_stride);
        const uint8_t *const want[3] = {y, u, v};
        for (unsigned c = 0; c < 3; c++) {
            uint32_t line = alb_plane_width(&p.format, c);
            assert_int_equal(p.rows[c], alb_plane_height(&p.format, c));
            for (uint32_t j = 0; j < p.rows[c]; j++)
                assert_memory_equal(p.plane[c] + (size_t)j * line,
                                    want[c] + j * (size_t)(c ? uv_stride : stride), line);
        }
        WebPFree(y);
        pixels_free(&p);
        struct alb_rect window = {0, h / 3, w, h - h / 3};
        assert_int_equal(read_all(alb_webp_source_open, &x, s, w, h, true, window, &p), ALB_OK);
        assert_true(p.area.top <= window.top && p.area.top % 2 == 0 && p.area.top + p.area.height == h);
        assert_int_equal(p.rows[0], p.area.height);
        assert_int_equal(p.rows[1], (p.area.height + 1) / 2);
        pixels_free(&p);
        drop(&s);
    }
}

/* Far above the size that is wanted the edges of blocks are not smoothed: as libwebp has it when it shrinks,
 * and a good deal farther where the plan wants every pixel. */
static void test_webp_reduced(void **state)
{
    static const struct {
        uint32_t w, h;
        bool bypass;
        double reduction;
    } wanted[] = {{50, 40, true, 0},    {149, 119, true, 0},    {150, 119, false, 0}, {149, 120, false, 0},
                  {200, 160, false, 0}, {200, 160, false, 3.4}, {200, 160, true, 3.5}};
    struct alb_str s = sample(200, 160, 3, ".webp[Q=20]");
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(wanted); i++) {
        const struct alb_source_ask ask = {.bytes = s,
                                           .width = wanted[i].w,
                                           .height = wanted[i].h,
                                           .source_width = 200,
                                           .source_height = 160,
                                           .reduction = wanted[i].reduction,
                                           .strict = true};
        struct alb_source *source;
        struct alb_band b;
        WebPDecoderConfig c;
        assert_true(WebPInitDecoderConfig(&c));
        c.output.colorspace = MODE_YUV;
        c.options.bypass_filtering = wanted[i].bypass;
        assert_int_equal(WebPDecode((const uint8_t *)s.p, s.n, &c), VP8_STATUS_OK);
        assert_int_equal(alb_webp_source_open(&x, &ask, &source, NULL), ALB_OK);
        assert_true(source->native.width == 200 && source->native.height == 160);
        assert_int_equal(source->ops->start(source, ALB_LAYOUT_YCC, (struct alb_rect){0, 0, 200, 160}, NULL),
                         ALB_OK);
        uint32_t at = 0;
        for (;;) {
            assert_int_equal(source->ops->read(source, &b, NULL), ALB_OK);
            if (b.rows[0] == 0)
                break;
            for (uint32_t y = 0; y < b.rows[0]; y++, at++)
                assert_memory_equal(b.plane[0] + y * b.stride[0],
                                    c.output.u.YUVA.y + at * (size_t)c.output.u.YUVA.y_stride, 200);
        }
        assert_int_equal(at, 160);
        source->ops->close(source);
        alb_scratch_reset(x.scratch);
        WebPFreeDecBuffer(&c.output);
    }
    drop(&s);
}

static enum alb_code code_of(alb_source_open_fn *open, struct alb_str s, uint32_t w, uint32_t h, bool planes)
{
    struct pixels p;
    enum alb_code code = read_all(open, &x, s, w, h, planes, whole, &p);
    pixels_free(&p);
    return code;
}

static void check_cut_and_flipped(alb_source_open_fn *open, struct alb_str s, uint32_t w, uint32_t h,
                                  bool planes, bool may_miss_end)
{
    char *copy = alb_mem_alloc(s.n);
    assert_non_null(copy);
    memcpy(copy, s.p, s.n);
    assert_int_equal(code_of(open, s, w, h, planes), ALB_OK);
    for (size_t i = 0; i < s.n; i += 1 + i / 16) {
        char *cut = alb_mem_alloc(i); /* so that a sanitizer sees what is read behind it */
        memcpy(cut, s.p, i);
        enum alb_code code = code_of(open, (struct alb_str){cut, i}, w, h, planes);
        if (!may_miss_end || i + 16 < s.n)
            assert_int_not_equal(code, ALB_OK);
        alb_mem_free(cut);
        copy[i] = (char)(copy[i] ^ 1 << i % 8);
        alb_ignore(code_of(open, (struct alb_str){copy, s.n}, w, h, planes) != ALB_OK, "any code will do");
        copy[i] = s.p[i];
    }
    alb_mem_free(copy);
}

static void test_webp_damage(void **state)
{
    (void)state;
    for (int b = 3; b <= 4; b++) {
        struct alb_str s = sample(40, 50, b, ".webp[Q=70]");
        check_cut_and_flipped(alb_webp_source_open, s, 40, 50, b == 3, false);
        assert_int_equal(code_of(alb_webp_source_open, s, 50, 40, false), ALB_E_UNSUPPORTED);
        drop(&s);
    }
    struct alb_str s = sample(40, 50, 3, ".webp[lossless]");
    check_cut_and_flipped(alb_webp_source_open, s, 40, 50, false, false);
    drop(&s);
}

/* ---- WebP out ---- */

/* The first chunk of that name; empty if there is none. */
static struct alb_str riff(struct alb_str s, const char *name)
{
    for (size_t at = 12; at + 8 <= s.n;) {
        const unsigned char *p = (const unsigned char *)s.p + at;
        size_t n = (size_t)p[4] | (size_t)p[5] << 8 | (size_t)p[6] << 16;
        if (memcmp(p, name, 4) == 0)
            return (struct alb_str){s.p + at + 8, n};
        at += 8 + n + n % 2;
    }
    return ALB_STR_NONE;
}

/* What is coded has the very bytes of libvips, for every layout and setting. (It adds EXIF of its own.) */
static void test_webp_as_libvips(void **state)
{
    static const struct {
        const char *how;
        struct alb_output o;
        unsigned q;
    } cases[] = {
        {".webp[Q=33,strip,effort=2]", {.format = ALB_FORMAT_WEBP, .effort = {[ALB_FORMAT_WEBP] = 4}}, 33},
        {".webp[Q=75,strip,effort=3]", {.format = ALB_FORMAT_WEBP, .effort = {[ALB_FORMAT_WEBP] = 6}}, 75},
        {".webp[Q=75,strip,effort=4]", {.format = ALB_FORMAT_WEBP, .effort = {[ALB_FORMAT_WEBP] = 7}}, 75},
        {".webp[Q=80,strip,effort=5]", {.format = ALB_FORMAT_WEBP, .effort = {[ALB_FORMAT_WEBP] = 8}}, 80},
        {".webp[Q=90,strip,preset=photo,effort=6]",
         {.format = ALB_FORMAT_WEBP, .webp_preset = ALB_WEBP_PHOTO, .effort = {[ALB_FORMAT_WEBP] = 10}},
         90},
        {".webp[Q=60,strip,preset=text,effort=0]",
         {.format = ALB_FORMAT_WEBP, .webp_preset = ALB_WEBP_TEXT, .effort = {[ALB_FORMAT_WEBP] = 1}},
         60},
        {".webp[Q=75,strip,smart_subsample,effort=1]",
         {.format = ALB_FORMAT_WEBP, .webp_smart_subsample = true, .effort = {[ALB_FORMAT_WEBP] = 2}},
         75},
        {".webp[Q=75,strip,lossless]", {.format = ALB_FORMAT_WEBP, .webp_mode = ALB_WEBP_LOSSLESS}, 75},
        {".webp[Q=40,strip,near_lossless]",
         {.format = ALB_FORMAT_WEBP, .webp_mode = ALB_WEBP_NEAR_LOSSLESS},
         40},
    };
    static const char *const coded[] = {"VP8 ", "VP8L", "ALPH"};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        for (int b = 1; b <= 4; b++) {
            VipsImage *image = picture(93, 71, b);
            struct alb_str want = saved(image, cases[i].how);
            struct alb_buf out = ALB_BUF_INIT(1 << 20);
            const struct alb_sink_ask ask = {
                .format = {.layout = (enum alb_layout)(b - 1), .bits = 8, .width = 93, .height = 71},
                .output = &cases[i].o,
                .quality = cases[i].q,
                .out = &out};
            const uint8_t *const planes[ALB_PLANES] = {image->data};
            assert_true(alb_webp_sink_takes(&cases[i].o));
            assert_int_equal(write_all(alb_webp_sink_open, &x, &ask, planes), ALB_OK);
            for (size_t c = 0; c < ALB_ARRAY_LEN(coded); c++) {
                if (!alb_str_eq(riff(alb_buf_view(&out), coded[c]), riff(want, coded[c])))
                    fail_msg("%s, %d channels: other bytes", cases[i].how, b);
            }
            assert_true(riff(want, coded[0]).n + riff(want, coded[1]).n > 0);
            struct alb_buf small = ALB_BUF_INIT(out.n - 1);
            struct alb_sink_ask less = ask;
            less.out = &small;
            assert_int_equal(write_all(alb_webp_sink_open, &x, &less, planes), ALB_E_TOO_LARGE);
            alb_buf_fini(&small);
            alb_buf_fini(&out);
            drop(&want);
            g_object_unref(image);
        }
    }
}

static const char tiff[] = "II*\0\x08\0\0\0\0\0\0\0\0\0", xmp[] = "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>";

static void check_metadata(alb_source_open_fn *open, alb_sink_open_fn *sink, enum alb_type type,
                           enum alb_layout layout, struct alb_output o)
{
    static const char *const names[] = {VIPS_META_EXIF_NAME, VIPS_META_XMP_NAME};
    static const uint8_t in[32 * 20 * 4];
    const uint8_t *const planes[ALB_PLANES] = {in};
    for (int which = 1; which < 4; which++) {
        struct alb_buf out = ALB_BUF_INIT(1 << 20);
        struct alb_source *s;
        struct alb_sink_ask ask = {.format = {.layout = layout, .bits = 8, .width = 31, .height = 19},
                                   .output = &o,
                                   .quality = 70,
                                   .out = &out};
        if (which & 1)
            ask.exif = (struct alb_str){tiff, sizeof(tiff) - 1};
        if (which & 2)
            ask.xmp = (struct alb_str){xmp, sizeof(xmp) - 2};
        assert_int_equal(write_all(sink, &x, &ask, planes), ALB_OK);
        const struct alb_source_ask again = {.bytes = alb_buf_view(&out),
                                             .width = 31,
                                             .height = 19,
                                             .source_width = 31,
                                             .source_height = 19,
                                             .metadata = true};
        assert_int_equal(open(&x, &again, &s, NULL), ALB_OK);
        assert_true(alb_str_eq(s->exif, ask.exif) && alb_str_eq(s->xmp, ask.xmp));
        s->ops->close(s);
        alb_scratch_reset(x.scratch);
        struct alb_load l = ALB_LOAD_INIT(type, alb_buf_view(&out));
        VipsImage *image = alb_load_open(&l, NULL);
        assert_non_null(image);
        for (int i = 0; i < 2; i++)
            assert_int_equal(vips_image_get_typeof(image, names[i]) != 0, (which >> i & 1) != 0);
        g_object_unref(image);
        alb_buf_fini(&out);
    }
}

static void test_webp_metadata(void **state)
{
    const struct alb_output lossy = {.format = ALB_FORMAT_WEBP},
                            lossless = {.format = ALB_FORMAT_WEBP, .webp_mode = ALB_WEBP_LOSSLESS};
    (void)state;
    for (int l = ALB_LAYOUT_RGB; l <= ALB_LAYOUT_RGB_ALPHA; l++) {
        check_metadata(alb_webp_source_open, alb_webp_sink_open, ALB_TYPE_WEBP, (enum alb_layout)l, lossy);
        check_metadata(alb_webp_source_open, alb_webp_sink_open, ALB_TYPE_WEBP, (enum alb_layout)l, lossless);
    }
}

/* ---- planes from end to end ---- */

static void check_planes(alb_source_open_fn *open, alb_sink_open_fn *sink, alb_sink_planes_fn *wants,
                         struct alb_str s, uint32_t w, uint32_t h, enum alb_type type, struct alb_output o)
{
    struct pixels p;
    struct alb_rows_format want;
    uint32_t vw, vh;
    int bands;
    assert_int_equal(read_all(open, &x, s, w, h, true, whole, &p), ALB_OK);
    want = p.format;
    assert_true(wants(&o, &p.format, &want));
    if (want.limited != p.format.limited || want.sub_x != p.format.sub_x || want.sub_y != p.format.sub_y)
        fail_msg("the sample is none that goes straight through");
    struct alb_buf out = ALB_BUF_INIT(1 << 20);
    const struct alb_sink_ask ask = {.format = want, .output = &o, .quality = 95, .out = &out};
    const uint8_t *const planes[ALB_PLANES] = {p.plane[0], p.plane[1], p.plane[2]};
    assert_int_equal(write_all(sink, &x, &ask, planes), ALB_OK);
    uint8_t *before = by_vips(s, type, &vw, &vh, &bands);
    uint8_t *after = by_vips(alb_buf_view(&out), type, &vw, &vh, &bands);
    assert_true(before && after && vw == w && vh == h && bands == 3);
    double d = distance(before, after, (size_t)w * h * 3);
    if (d > 3)
        fail_msg("%s: %.2f apart", alb_type_name(type), d);
    g_free(before);
    g_free(after);
    alb_buf_fini(&out);
    pixels_free(&p);
}

static void test_planes(void **state)
{
    const struct alb_output webp = {.format = ALB_FORMAT_WEBP};
    const struct alb_output avif = {.format = ALB_FORMAT_AVIF, .heif_chroma = ALB_CHROMA_HALF};
    const struct alb_output full = {.format = ALB_FORMAT_AVIF, .heif_chroma = ALB_CHROMA_FULL};
    struct alb_str s = sample(77, 55, 3, ".webp[Q=95]");
    (void)state;
    check_planes(alb_webp_source_open, alb_webp_sink_open, alb_webp_sink_planes, s, 77, 55, ALB_TYPE_WEBP,
                 webp);
    drop(&s);
    s = sample(77, 55, 3, ".avif[Q=95,subsample_mode=on]");
    check_planes(alb_avif_source_open, alb_avif_sink_open, alb_avif_sink_planes, s, 77, 55, ALB_TYPE_AVIF,
                 avif);
    drop(&s);
    s = sample(77, 55, 3, ".avif[Q=95,subsample_mode=off]");
    check_planes(alb_avif_source_open, alb_avif_sink_open, alb_avif_sink_planes, s, 77, 55, ALB_TYPE_AVIF,
                 full);
    drop(&s);
}

/* ---- AVIF ---- */

static void test_avif_pixels(void **state)
{
    static const char *const how[] = {".avif[Q=80]", ".avif[Q=90,subsample_mode=off]"};
    uint32_t vw, vh;
    int bands;
    (void)state;
    for (size_t k = 0; k < ALB_ARRAY_LEN(how); k++) {
        for (int b = 3; b <= 4; b++) {
            struct alb_str s = sample(87, 62, b, how[k]);
            struct pixels p;
            assert_int_equal(read_all(alb_avif_source_open, &x, s, 87, 62, false, whole, &p), ALB_OK);
            uint8_t *want = by_vips(s, ALB_TYPE_AVIF, &vw, &vh, &bands);
            assert_non_null(want);
            assert_int_equal(alb_layout_samples(p.format.layout), bands);
            assert_int_equal(p.rows[0], vh);
            double d = distance(p.plane[0], want, (size_t)vw * vh * (size_t)bands);
            if (d > (k == 0 ? 4 : 1)) /* chroma is spread in another way; 4:4:4 is equal but for rounding */
                fail_msg("%s, %d channels: %.2f apart", how[k], b, d);
            g_free(want);
            pixels_free(&p);
            drop(&s);
        }
    }
}

/* The same picture in several ways, of which only the first is for the lane. */
static void test_avif_not_ours(void **state)
{
    (void)state;
    for (int way = 0; way < 7; way++) {
        avifImage *i =
            avifImageCreate(32, 32, 8, way == 1 ? AVIF_PIXEL_FORMAT_YUV400 : AVIF_PIXEL_FORMAT_YUV444);
        avifEncoder *e = avifEncoderCreate();
        avifRWData out = AVIF_DATA_EMPTY;
        assert_true(i && e);
        avifImageAllocatePlanes(i, AVIF_PLANES_YUV);
        for (int p = 0; p < (way == 1 ? 1 : 3); p++)
            memset(i->yuvPlanes[p], 100, (size_t)i->yuvRowBytes[p] * 32);
        i->matrixCoefficients = way == 2 ? AVIF_MATRIX_COEFFICIENTS_IDENTITY : AVIF_MATRIX_COEFFICIENTS_BT601;
        i->colorPrimaries = way == 3 ? AVIF_COLOR_PRIMARIES_BT2020 : AVIF_COLOR_PRIMARIES_BT709;
        i->transferCharacteristics =
            way == 4 ? AVIF_TRANSFER_CHARACTERISTICS_SMPTE2084 : AVIF_TRANSFER_CHARACTERISTICS_SRGB;
        if (way == 5) {
            i->transformFlags = AVIF_TRANSFORM_IROT;
            i->irot.angle = 1;
        }
        e->speed = 10;
        if (way == 6) { /* each cell of a grid must have 64 pixels a side */
            avifImage *big = avifImageCreate(64, 64, 8, AVIF_PIXEL_FORMAT_YUV444);
            avifImageAllocatePlanes(big, AVIF_PLANES_YUV);
            for (int p = 0; p < 3; p++)
                memset(big->yuvPlanes[p], 100, (size_t)big->yuvRowBytes[p] * 64);
            const avifImage *const cells[2] = {big, big};
            assert_int_equal(avifEncoderAddImageGrid(e, 2, 1, cells, AVIF_ADD_IMAGE_FLAG_SINGLE),
                             AVIF_RESULT_OK);
            avifImageDestroy(big);
        } else {
            assert_int_equal(avifEncoderAddImage(e, i, 1, AVIF_ADD_IMAGE_FLAG_SINGLE), AVIF_RESULT_OK);
        }
        assert_int_equal(avifEncoderFinish(e, &out), AVIF_RESULT_OK);
        struct alb_str s = {(const char *)out.data, out.size};
        enum alb_code code = code_of(alb_avif_source_open, s, way == 6 ? 128 : 32, way == 6 ? 64 : 32, true);
        if (code != (way == 0 ? ALB_OK : ALB_E_UNSUPPORTED))
            fail_msg("way %d: %s", way, alb_code_name(code));
        avifRWDataFree(&out);
        avifEncoderDestroy(e);
        avifImageDestroy(i);
    }
}

static void test_avif_damage(void **state)
{
    (void)state;
    for (int b = 3; b <= 4; b++) {
        struct alb_str s = sample(40, 48, b, ".avif[Q=60]");
        check_cut_and_flipped(alb_avif_source_open, s, 40, 48, b == 3, true);
        assert_int_equal(code_of(alb_avif_source_open, s, 48, 40, false), ALB_E_UNSUPPORTED);
        drop(&s);
    }
}

static void test_avif_written(void **state)
{
    const struct alb_output o = {.format = ALB_FORMAT_AVIF};
    uint32_t vw, vh;
    int bands;
    (void)state;
    for (int b = 1; b <= 4; b++) {
        VipsImage *image = picture(65, 43, b);
        struct alb_buf out = ALB_BUF_INIT(1 << 20);
        const struct alb_sink_ask ask = {
            .format = {.layout = (enum alb_layout)(b - 1), .bits = 8, .width = 65, .height = 43},
            .output = &o,
            .quality = 92,
            .out = &out};
        const uint8_t *const planes[ALB_PLANES] = {image->data};
        assert_int_equal(write_all(alb_avif_sink_open, &x, &ask, planes), ALB_OK);
        uint8_t *back = by_vips(alb_buf_view(&out), ALB_TYPE_AVIF, &vw, &vh, &bands);
        assert_true(back && vw == 65 && vh == 43 && bands == (b % 2 ? 3 : 4));
        double worst = 0;
        for (size_t i = 0; i < (size_t)65 * 43; i++) {
            for (int c = 0; c < bands; c++) {
                int from = b > 2 ? c : c == 3 ? 1 : 0;
                worst = fmax(worst, fabs((double)back[i * (size_t)bands + (size_t)c] -
                                         image->data[i * (size_t)b + (size_t)from]));
            }
        }
        if (worst > 40)
            fail_msg("%d channels: %.0f apart", b, worst);
        struct alb_buf again = ALB_BUF_INIT(1 << 20); /* bytes do not depend on threads */
        struct alb_sink_ask twice = ask;
        twice.out = &again;
        x.threads = 2;
        assert_int_equal(write_all(alb_avif_sink_open, &x, &twice, planes), ALB_OK);
        x.threads = 1;
        assert_true(alb_str_eq(alb_buf_view(&out), alb_buf_view(&again)));
        g_free(back);
        alb_buf_fini(&again);
        alb_buf_fini(&out);
        g_object_unref(image);
    }
}

static size_t avif_size(VipsImage *image, uint8_t effort, unsigned quality)
{
    const struct alb_output o = {.format = ALB_FORMAT_AVIF, .effort = {[ALB_FORMAT_AVIF] = effort}};
    struct alb_buf out = ALB_BUF_INIT(1 << 20);
    const struct alb_sink_ask ask = {
        .format = {.layout = ALB_LAYOUT_RGB, .bits = 8, .width = 165, .height = 143},
        .output = &o,
        .quality = quality,
        .out = &out};
    const uint8_t *const planes[ALB_PLANES] = {image->data};
    assert_int_equal(write_all(alb_avif_sink_open, &x, &ask, planes), ALB_OK);
    size_t n = out.n;
    alb_buf_fini(&out);
    return n;
}

/* Effort 2 is speed 8, and what high qualities get where none is asked for. Lower ones are written otherwise
 * then, and grow with the quality all the same. */
static void test_avif_open_effort(void **state)
{
    VipsImage *image = picture(165, 143, 3);
    size_t before = 0;
    (void)state;
    assert_int_equal(avif_size(image, 0, 70), avif_size(image, 2, 70));
    assert_int_not_equal(avif_size(image, 0, 63), avif_size(image, 2, 63));
    assert_int_not_equal(avif_size(image, 0, 63), avif_size(image, 1, 63));
    for (unsigned q = 5; q <= 65; q += 10) {
        size_t n = avif_size(image, 0, q);
        assert_true(n >= before);
        before = n;
    }
    g_object_unref(image);
}

static void test_avif_metadata(void **state)
{
    const struct alb_output o = {.format = ALB_FORMAT_AVIF};
    (void)state;
    check_metadata(alb_avif_source_open, alb_avif_sink_open, ALB_TYPE_AVIF, ALB_LAYOUT_RGB, o);
}

static int set_up(void **state)
{
    (void)state;
    x = (struct alb_express){.scratch = alb_scratch_new(), .threads = 1};
    return x.scratch ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    alb_scratch_free(&x.scratch);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_webp_pixels),      cmocka_unit_test(test_webp_planes),
        cmocka_unit_test(test_webp_damage),      cmocka_unit_test(test_webp_as_libvips),
        cmocka_unit_test(test_webp_metadata),    cmocka_unit_test(test_planes),
        cmocka_unit_test(test_avif_pixels),      cmocka_unit_test(test_avif_damage),
        cmocka_unit_test(test_avif_written),     cmocka_unit_test(test_avif_metadata),
        cmocka_unit_test(test_avif_not_ours),    cmocka_unit_test(test_webp_reduced),
        cmocka_unit_test(test_avif_open_effort),
    };
    (void)argc;
    if (VIPS_INIT(argv[0]) != 0)
        return 1;
    vips_concurrency_set(1);
    int failed = cmocka_run_group_tests(tests, set_up, tear_down);
    vips_shutdown();
    return failed;
}
