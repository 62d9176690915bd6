/* SPDX-License-Identifier: Apache-2.0
 *
 * Every option of the output reaches its encoder: looked for in the bytes that come out, not in what was called. And what
 * goes along: profiles, resolution, metadata, or only whose work it is.
 */
#include "encode_world.h"
#include "image/general_rights.h"
#include "image/general_steps.h"

static bool has(struct alb_str s, const char *bytes, size_t n)
{
    return alb_str_find_str(s, (struct alb_str){bytes, n}) != ALB_STR_NPOS;
}

/* ---- JPEG ---- */

/* Sampling of the first channel, from SOF: 0x11 or 0x22; and which SOF it is. */
static unsigned jpeg_frame(struct alb_str s, unsigned *sof, unsigned *channels)
{
    size_t at = 2;
    while (at + 12 < s.n) {
        unsigned m = (unsigned char)s.p[at + 1],
                 n = (unsigned)((unsigned char)s.p[at + 2] << 8 | (unsigned char)s.p[at + 3]);
        if (m == 0xc0 || m == 0xc2) {
            *sof = m;
            *channels = (unsigned char)s.p[at + 9];
            return (unsigned char)s.p[at + 11];
        }
        at += n + 2;
    }
    fail_msg("no frame");
    return 0;
}

static void test_jpeg(void **state)
{
    static const struct {
        bool progressive;
        enum alb_chroma chroma;
        uint8_t quality;
        unsigned sof, sampling;
    } cases[] = {{false, ALB_CHROMA_AUTO, 80, 0xc0, 0x22},
                 {false, ALB_CHROMA_AUTO, 95, 0xc0, 0x11},
                 {true, ALB_CHROMA_FULL, 50, 0xc2, 0x11},
                 {false, ALB_CHROMA_HALF, 100, 0xc0, 0x22},
                 {true, ALB_CHROMA_HALF, 20, 0xc2, 0x22}};
    struct alb_str s = sample(67, 45, ".png");
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_plan_options o = options_for(ALB_FORMAT_JPEG);
        unsigned sof, channels;
        o.output.jpeg_progressive = cases[i].progressive;
        o.output.chroma = cases[i].chroma;
        o.output.quality[ALB_FORMAT_JPEG] = cases[i].quality;
        struct alb_str out = run(s, &o);
        assert_int_equal(jpeg_frame(out, &sof, &channels), cases[i].sampling);
        assert_int_equal(sof, cases[i].sof);
        assert_int_equal(channels, 3);
        drop(out);
    }
    drop(s);
}

/* Grey stays grey wherever a format has grey. */
static void test_grey(void **state)
{
    VipsImage *image = sample_image(50, 30), *grey = NULL;
    unsigned sof, channels;
    (void)state;
    assert_int_equal(vips_colourspace(image, &grey, VIPS_INTERPRETATION_B_W, NULL), 0);
    struct alb_str s = sample_encode(grey, ".png");
    struct alb_plan_options o = options_for(ALB_FORMAT_JPEG);
    struct alb_str out = run(s, &o);
    jpeg_frame(out, &sof, &channels);
    assert_int_equal(channels, 1);
    drop(out);
    static const enum alb_format formats[] = {ALB_FORMAT_PNG, ALB_FORMAT_TIFF, ALB_FORMAT_JXL};
    for (size_t i = 0; i < ALB_ARRAY_LEN(formats); i++) {
        o = options_for(formats[i]);
        out = run(s, &o);
        VipsImage *x = back(out);
        assert_int_equal(x->Bands, 1);
        g_object_unref(x);
        drop(out);
    }
    drop(s);
    g_object_unref(grey);
    g_object_unref(image);
}

/* ---- WebP, AVIF, HEIC, JXL ---- */

static void test_webp(void **state)
{
    struct alb_str s = sample(120, 90, ".png");
    size_t sizes[ALB_WEBP_PRESET_COUNT], different = 0;
    (void)state;
    for (int mode = 0; mode < ALB_WEBP_MODE_COUNT; mode++) {
        struct alb_plan_options o = options_for(ALB_FORMAT_WEBP);
        o.output.webp_mode = (enum alb_webp_mode)mode;
        struct alb_str out = run(s, &o);
        assert_int_equal(has(out, "VP8L", 4), mode != ALB_WEBP_LOSSY);
        drop(out);
    }
    for (int preset = 0; preset < ALB_WEBP_PRESET_COUNT; preset++) {
        struct alb_plan_options o = options_for(ALB_FORMAT_WEBP);
        o.output.webp_preset = (enum alb_webp_preset)preset;
        struct alb_str out = run(s, &o);
        sizes[preset] = out.n;
        different += sizes[preset] != sizes[0];
        drop(out);
    }
    assert_true(different > 0);
    struct alb_plan_options o = options_for(ALB_FORMAT_WEBP);
    o.output.effort[ALB_FORMAT_WEBP] = 1;
    struct alb_str fast = run(s, &o);
    o.output.effort[ALB_FORMAT_WEBP] = 10;
    struct alb_str slow = run(s, &o);
    assert_int_not_equal(fast.n, slow.n);
    drop(fast);
    drop(slow);
    drop(s);
}

/* Chroma of AVIF is in av1C: subsampling bits x and y. Each of AVIF and JPEG has its own word. */
static void test_avif(void **state)
{
    struct alb_str s = sample(64, 48, ".png");
    (void)state;
    for (int full = 0; full < 2; full++) {
        struct alb_plan_options o = options_for(ALB_FORMAT_AVIF);
        o.output.heif_chroma = full ? ALB_CHROMA_FULL : ALB_CHROMA_HALF;
        o.output.chroma = full ? ALB_CHROMA_HALF : ALB_CHROMA_FULL;
        struct alb_str out = run(s, &o);
        size_t at = alb_str_find_str(out, ALB_STR("av1C"));
        assert_int_not_equal(at, ALB_STR_NPOS);
        assert_int_equal((unsigned char)out.p[at + 6] & 0x0c, full ? 0 : 0x0c);
        drop(out);
    }
    drop(s);
}

static void test_deep(void **state)
{
    static const enum alb_format formats[] = {ALB_FORMAT_PNG, ALB_FORMAT_TIFF, ALB_FORMAT_AVIF,
                                              ALB_FORMAT_JXL, ALB_FORMAT_JPEG, ALB_FORMAT_HEIC};
    VipsImage *image = sample_image(40, 30), *deep = NULL;
    (void)state;
    assert_int_equal(vips_colourspace(image, &deep, VIPS_INTERPRETATION_RGB16, NULL), 0);
    struct alb_str s = sample_encode(deep, ".png");
    for (size_t i = 0; i < 2 * ALB_ARRAY_LEN(formats); i++) {
        struct alb_plan_options o = options_for(formats[i / 2]);
        o.output.deep = (i & 1) != 0;
        struct alb_str out = run(s, &o);
        VipsImage *x = back(out);
        bool wide = o.output.deep && i / 2 < 4;
        if (vips_image_get_format(x) != (wide ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR))
            fail_msg("%s %zu: %d", alb_format_name(formats[i / 2]), i & 1, vips_image_get_format(x));
        g_object_unref(x);
        drop(out);
    }
    drop(s);
    g_object_unref(deep);
    g_object_unref(image);
}

static void test_lossless(void **state)
{
    static const enum alb_format formats[] = {ALB_FORMAT_JXL, ALB_FORMAT_AVIF, ALB_FORMAT_HEIC,
                                              ALB_FORMAT_JP2};
    VipsImage *image = sample_image(41, 33);
    struct alb_str s = sample_encode(image, ".png");
    double most;
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(formats); i++) {
        struct alb_plan_options o = options_for(formats[i]);
        o.output.lossless = true;
        struct alb_str out = run(s, &o);
        VipsImage *x = back(out), *d = NULL, *far = NULL;
        assert_int_equal(vips_subtract(image, x, &d, NULL), 0);
        assert_int_equal(vips_abs(d, &far, NULL), 0);
        assert_int_equal(vips_max(far, &most, NULL), 0);
        if (most > 0)
            fail_msg("%s is %.0f off", alb_format_name(formats[i]), most);
        g_object_unref(far);
        g_object_unref(d);
        g_object_unref(x);
        drop(out);
    }
    g_object_unref(image);
    drop(s);
}

static void test_odd_sizes(void **state)
{
    static const int sizes[][2] = {{17, 17}, {33, 64}, {64, 33}, {101, 99}};
    (void)state;
    for (unsigned f = 1; f < ALB_FORMAT_COUNT; f++) {
        for (size_t i = 0; i < ALB_ARRAY_LEN(sizes); i++) {
            struct alb_str s = sample(sizes[i][0], sizes[i][1], ".png");
            struct alb_plan_options o = options_for((enum alb_format)f);
            render_ok(s, &o, "rgbw");
            drop(s);
        }
    }
}

/* ---- BMP, ICO ---- */

static void test_bmp_ico(void **state)
{
    VipsImage *image = sample_image(301, 200), *alpha = NULL;
    (void)state;
    assert_int_equal(vips_bandjoin_const1(image, &alpha, 128, NULL), 0);
    for (int a = 0; a < 2; a++) {
        struct alb_str s = sample_encode(a ? alpha : image, ".png");
        struct alb_plan_options o = options_for(ALB_FORMAT_BMP);
        o.output.dpi = 300;
        struct alb_str out = run(s, &o);
        assert_int_equal(out.p[28], a ? 32 : 24);
        assert_memory_equal(out.p + 38, "\x23\x2e\0\0\x23\x2e\0\0", 8); /* 11811 in a metre */
        drop(out);
        o = options_for(ALB_FORMAT_ICO);
        out = run(s, &o);
        assert_int_equal((unsigned char)out.p[6], 0); /* 256 */
        assert_int_equal((unsigned char)out.p[7], 170);
        assert_memory_equal(out.p + 22, "\x89PNG", 4);
        drop(out);
        drop(s);
    }
    g_object_unref(alpha);
    g_object_unref(image);
}

/* ---- animations ---- */

static void test_frames(void **state)
{
    static const char *const kinds[] = {".gif", ".webp"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct alb_str s = sample_animation(40, 30, 5, kinds[i / 2]);
        struct alb_plan_options o = options_for(i & 1 ? ALB_FORMAT_GIF : ALB_FORMAT_WEBP);
        for (unsigned page = 0; page < 3; page += 2) {
            o.page = page; /* frames are no pages */
            o.frames = 3;
            struct alb_str out = run(s, &o);
            VipsImage *x = vips_image_new_from_buffer(out.p, out.n, "[n=-1]", NULL);
            int *delays, n;
            assert_non_null(x);
            assert_int_equal(vips_image_get_n_pages(x), 3);
            assert_int_equal(vips_image_get_array_int(x, "delay", &delays, &n), 0);
            for (unsigned k = 0; k < 3; k++) {
                if (delays[k] != (int)(50 + 10 * k))
                    fail_msg("frame %u, page %u: %d ms", k, page, delays[k]);
            }
            g_object_unref(x);
            drop(out);
        }
        drop(s);
    }
}

/* ---- what goes along ---- */

static void test_dpi(void **state)
{
    static const enum alb_format formats[] = {ALB_FORMAT_JPEG, ALB_FORMAT_PNG, ALB_FORMAT_TIFF};
    struct alb_str s = sample(40, 30, ".png");
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(formats); i++) {
        for (int dpi = 0; dpi <= 300; dpi += 150) {
            struct alb_plan_options o = options_for(formats[i]);
            o.output.dpi = dpi;
            struct alb_str out = run(s, &o);
            VipsImage *x = back(out);
            double got = vips_image_get_xres(x) * 25.4, want = dpi ? dpi : 72;
            if (got < want - 0.6 || got > want + 0.6)
                fail_msg("%s: %g, not %g dpi", alb_format_name(formats[i]), got, want);
            g_object_unref(x);
            drop(out);
        }
    }
    drop(s);
}

static enum alb_icc profile_of(struct alb_str s)
{
    VipsImage *x = back(s);
    enum alb_icc kind = alb_icc_kind(alb_image_blob(x, VIPS_META_ICC_NAME));
    g_object_unref(x);
    return kind;
}

static void test_profiles(void **state)
{
    static const enum alb_format formats[] = {ALB_FORMAT_JPEG, ALB_FORMAT_PNG,  ALB_FORMAT_WEBP,
                                              ALB_FORMAT_AVIF, ALB_FORMAT_TIFF, ALB_FORMAT_JXL};
    VipsImage *image = sample_image(64, 48), *p3 = NULL, *grey = NULL;
    (void)state;
    assert_int_equal(vips_icc_transform(image, &p3, "p3", "input_profile", "srgb", NULL), 0);
    assert_int_equal(vips_colourspace(image, &grey, VIPS_INTERPRETATION_B_W, NULL), 0);
    struct alb_str s = sample_encode(p3, ".png"), g = sample_encode(grey, ".png");
    for (size_t i = 0; i < ALB_ARRAY_LEN(formats); i++) {
        struct alb_plan_options o = options_for(formats[i]);
        bool press = formats[i] == ALB_FORMAT_JPEG || formats[i] == ALB_FORMAT_TIFF;
        struct alb_str out = run(s, &o);
        assert_true(profile_of(out) <=
                    ALB_ICC_SRGB); /* readers of JXL and AVIF may make one of the stated space */
        drop(out);
        o.output.profile = ALB_PROFILE_KEEP;
        out = run(s, &o);
        if (formats[i] != ALB_FORMAT_JXL) /* it states colours by numbers */
            assert_int_equal(profile_of(out), ALB_ICC_RGB);
        drop(out);
        o.output.profile = ALB_PROFILE_P3;
        for (int from = 0; from < 2; from++) {
            out = run(from ? g : s, &o);
            if (formats[i] != ALB_FORMAT_JXL)
                assert_int_equal(profile_of(out), ALB_ICC_RGB);
            drop(out);
        }
        o.output.profile = ALB_PROFILE_CMYK;
        out = run(s, &o);
        if (press)
            assert_int_equal(profile_of(out), ALB_ICC_CMYK);
        drop(out);
        out = run(g, &o);
        if (press)
            assert_int_equal(profile_of(out), ALB_ICC_CMYK);
        drop(out);
    }
    drop(s);
    drop(g);
    g_object_unref(grey);
    g_object_unref(p3);
    g_object_unref(image);
}

static void *find_profile(const char *name, size_t *n)
{
    VipsBlob *blob = NULL;
    assert_int_equal(vips_profile_load(name, &blob, NULL), 0);
    void *p = g_memdup2(VIPS_AREA(blob)->data, VIPS_AREA(blob)->length);
    *n = VIPS_AREA(blob)->length;
    vips_area_unref(VIPS_AREA(blob));
    return p;
}

/* The profile of an input: of colour, of a press, of none. */
static void test_given_profile(void **state)
{
    static const struct {
        const char *name;
        enum alb_format format;
        enum alb_icc kind;
    } cases[] = {{"p3", ALB_FORMAT_PNG, ALB_ICC_RGB},
                 {"p3", ALB_FORMAT_JPEG, ALB_ICC_RGB},
                 {"cmyk", ALB_FORMAT_JPEG, ALB_ICC_CMYK},
                 {"cmyk", ALB_FORMAT_PNG, ALB_ICC_NONE},
                 {NULL, ALB_FORMAT_PNG, ALB_ICC_NONE}};
    (void)state;
    for (size_t i = 0; i < 2 * ALB_ARRAY_LEN(cases); i++) {
        VipsImage *x = sample_image(30, 20), *grey = NULL;
        struct alb_err err = ALB_ERR_INIT;
        if (i & 1) {
            assert_int_equal(vips_colourspace(x, &grey, VIPS_INTERPRETATION_B_W, NULL), 0);
            g_object_unref(x);
            x = grey;
        }
        struct alb_plan_step s = {.kind = ALB_STEP_ENCODE};
        enum alb_format f;
        s.u.encode.output.format = cases[i / 2].format;
        s.u.encode.output.quality[cases[i / 2].format] = 80;
        s.u.encode.output.profile = ALB_PROFILE_INPUT;
        s.u.encode.output.profile_input = 1;
        size_t n = 5;
        void *profile = cases[i / 2].name ? find_profile(cases[i / 2].name, &n) : g_strdup("bogus");
        int fd = memfd_create("result", MFD_CLOEXEC);
        enum alb_code code = alb_step_encode(&x, &s, (struct alb_str){profile, n}, fd, &f, &err);
        assert_int_equal(code, cases[i / 2].name ? ALB_OK : ALB_E_UNPROCESSABLE);
        if (code == ALB_OK) {
            struct alb_str out = {NULL, (size_t)lseek(fd, 0, SEEK_END)};
            char *p = g_malloc(out.n);
            out.p = p;
            assert_int_equal(pread(fd, p, out.n, 0), out.n);
            assert_int_equal(profile_of(out), cases[i / 2].kind);
            drop(out);
        } else {
            assert_non_null(strstr(err.msg, "profile"));
        }
        close(fd);
        g_free(profile);
        g_clear_object(&x);
    }
}

/* ---- whose work it is ---- */

static const char xmp[] =
    "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
    "<rdf:Description rdf:about='' xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Rating='5'"
    " xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:xmpRights='http://ns.adobe.com/xap/1.0/rights/'"
    " xmlns:cc='http://creativecommons.org/ns#' xmlns:exif='http://ns.adobe.com/exif/1.0/'"
    " exif:GPSLatitude='52,30.secretN' xmpRights:Marked='True' cc:license='http://licence.example/'>"
    "<dc:rights><rdf:Alt><rdf:li xml:lang='x-default'>Rights of Ada</rdf:li></rdf:Alt></dc:rights>"
    "<dc:creator><rdf:Seq><rdf:li>Ada the creator</rdf:li></rdf:Seq></dc:creator>"
    "<dc:subject><rdf:Bag><rdf:li>secret subject</rdf:li></rdf:Bag></dc:subject>"
    "</rdf:Description></rdf:RDF></x:xmpmeta>";
static const char iptc[] = "Photoshop 3.0\0"
                           "8BIM\x04\x04\0\0\0\0\0\x47"
                           "\x1c\x01\x5a\0\x03\x1b%G"
                           "\x1c\x02\x50\0\x07"
                           "Ada by2"
                           "\x1c\x02\x74\0\x09"
                           "Ada right"
                           "\x1c\x02\x19\0\x0d"
                           "secret theme1"
                           "\x1c\x02\x6e\0\x0a"
                           "Ada credit";

static struct alb_str with_metadata(const char *how)
{
    VipsImage *image = sample_image(64, 48);
    vips_image_set_string(image, "exif-ifd0-Artist", "Ada (Ada, ASCII, 4 components, 4 bytes)");
    vips_image_set_string(image, "exif-ifd0-Copyright", "Ada 2026 (Ada 2026, ASCII, 9 components, 9 bytes)");
    vips_image_set_string(image, "exif-ifd0-Make", "secretcam (secretcam, ASCII, 10 components, 10 bytes)");
    vips_image_set_string(image, "exif-ifd3-GPSLatitude",
                          "52/1 30/1 0/1 (52, 30, 0, Rational, 3 components, 24 bytes)");
    vips_image_set_blob_copy(image, VIPS_META_XMP_NAME, xmp, sizeof(xmp) - 1);
    vips_image_set_blob_copy(image, VIPS_META_IPTC_NAME, iptc, sizeof(iptc) - 1);
    struct alb_str jpeg = sample_encode(image, ".jpg[Q=95]");
    g_object_unref(image);
    if (strcmp(how, ".jpg") == 0)
        return jpeg;
    image = back(jpeg);
    struct alb_str s = sample_encode(image, how);
    g_object_unref(image);
    drop(jpeg);
    return s;
}

static bool keeps_exif(enum alb_format f)
{
    return f == ALB_FORMAT_JPEG || f == ALB_FORMAT_PNG || f == ALB_FORMAT_WEBP || f == ALB_FORMAT_AVIF ||
           f == ALB_FORMAT_HEIC || f == ALB_FORMAT_TIFF;
}

static void test_rights(void **state)
{
    static const char *const kinds[] = {".jpg", ".png", ".webp"};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(kinds); i++) {
        struct alb_str s = with_metadata(kinds[i]);
        assert_true(has(s, "secretcam", 9));
        for (unsigned f = 1; f < ALB_FORMAT_COUNT; f++) {
            struct alb_plan_options o = options_for((enum alb_format)f);
            const char *name = alb_format_name((enum alb_format)f);
            struct alb_str out = run(s, &o);
            if (has(out, "secret", 6) || has(out, "Ada", 3))
                fail_msg("%s to %s: not stripped", kinds[i], name);
            drop(out);
            o.output.keep_copyright = true;
            out = run(s, &o);
            if (has(out, "secret", 6) || has(out, "GPS", 3))
                fail_msg("%s to %s: a secret went along", kinds[i], name);
            if (keeps_exif((enum alb_format)f) && (!has(out, "Ada 2026", 8) || !has(out, "Ada\0", 4)))
                fail_msg("%s to %s: no copyright in EXIF", kinds[i], name);
            bool jpeg = f == ALB_FORMAT_JPEG;
            if (jpeg && (!has(out, "Rights of Ada", 13) || !has(out, "Ada the creator", 15) ||
                         !has(out, "licence.example", 15) || !has(out, "Marked", 6)))
                fail_msg("%s to %s: no copyright in XMP", kinds[i], name);
            if (jpeg && i == 0 &&
                (!has(out, "Ada by2", 7) || !has(out, "Ada right", 9) || !has(out, "Ada credit", 10)))
                fail_msg("%s to %s: no copyright in IPTC", kinds[i], name);
            struct alb_probe *p = probe(out);
            if (keeps_exif((enum alb_format)f)) {
                if (!alb_str_eq_c(p->meta.copyright, "Rights of Ada") &&
                    !alb_str_eq_c(p->meta.copyright, "Ada 2026"))
                    fail_msg("%s to %s: %.*s", kinds[i], name, (int)p->meta.copyright.n, p->meta.copyright.p);
                assert_false(p->meta.has_gps);
            }
            alb_probe_free(&p);
            drop(out);
        }
        drop(s);
    }
}

/* Blocks that are none: nothing stays, nothing breaks. */
static void test_broken_blocks(void **state)
{
    static const struct alb_str blocks[] = {{"", 0},
                                            {"Exif\0\0", 6},
                                            {"Exif\0\0II*\0\xff\xff\xff\xff", 14},
                                            {"Photoshop 3.0\0"
                                             "8BIM\x04\x04\0\0\xff\xff\xff\xff\x1c\x02",
                                             26},
                                            {"\x1c\x02\x50\xff\xff"
                                             "abc",
                                             8},
                                            {"<!DOCTYPE x [<!ENTITY a 'b'>]>     ", 35},
                                            {"<a><b><c>      no end of it    ", 31}};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(blocks); i++) {
        VipsImage *x = sample_image(20, 20);
        static const char *const names[] = {VIPS_META_EXIF_NAME, VIPS_META_IPTC_NAME, VIPS_META_XMP_NAME};
        for (int k = 0; k < 3; k++)
            vips_image_set_blob_copy(x, names[k], blocks[i].p, blocks[i].n);
        alb_rights_only(x);
        for (int k = 0; k < 3; k++)
            assert_int_equal(alb_image_blob(x, names[k]).n, 0);
        g_object_unref(x);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jpeg),          cmocka_unit_test(test_grey),
        cmocka_unit_test(test_webp),          cmocka_unit_test(test_avif),
        cmocka_unit_test(test_deep),          cmocka_unit_test(test_odd_sizes),
        cmocka_unit_test(test_lossless),      cmocka_unit_test(test_bmp_ico),
        cmocka_unit_test(test_frames),        cmocka_unit_test(test_dpi),
        cmocka_unit_test(test_profiles),      cmocka_unit_test(test_rights),
        cmocka_unit_test(test_given_profile), cmocka_unit_test(test_broken_blocks),
    };
    (void)argc;
    if (!begin(argv[0]))
        return 1;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    vips_shutdown();
    return rc;
}
