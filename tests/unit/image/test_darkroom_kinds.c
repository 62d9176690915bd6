/* SPDX-License-Identifier: Apache-2.0
 *
 * Every kind of picture through the real, sealed darkroom: colours come out as they went in (deep, grey, CMYK, wide
 * gamut, palettes, transparency), and so does the frame of a video. Some samples are made here, others by samples.py.
 */
#include <math.h>

#include "dark_world.h"
#include "scripted.h"

#define W 128
#define H 96
static const int FIELDS[4][3] = {{200, 30, 40}, {30, 180, 60}, {40, 50, 190}, {128, 128, 128}};

/* ---- what comes out ---- */

struct seen {
    double field[4][4]; /* mean colours and transparency of the middle of each field */
    uint32_t width, height;
};

static void look(struct alb_str png, struct seen *out)
{
    VipsImage *image = vips_image_new_from_buffer(png.p, png.n, "", NULL), *rgb = NULL, *alpha = NULL;
    double *v;
    int n;
    assert_non_null(image);
    out->width = (uint32_t)vips_image_get_width(image);
    out->height = (uint32_t)vips_image_get_height(image);
    assert_int_equal(vips_image_get_format(image), VIPS_FORMAT_UCHAR);
    assert_int_equal(vips_colourspace(image, &rgb, VIPS_INTERPRETATION_sRGB, NULL), 0);
    if (vips_image_hasalpha(rgb))
        alpha = g_object_ref(rgb);
    else
        assert_int_equal(vips_addalpha(rgb, &alpha, NULL), 0);
    for (int i = 0; i < 4; i++) {
        int x = (int)out->width * (1 + 2 * (i % 2)) / 4, y = (int)out->height * (1 + 2 * (i / 2)) / 4;
        assert_int_equal(vips_getpoint(alpha, &v, &n, x, y, NULL), 0);
        assert_int_equal(n, 4);
        memcpy(out->field[i], v, sizeof(out->field[i]));
        g_free(v);
    }
    g_object_unref(alpha);
    g_object_unref(rgb);
    g_object_unref(image);
}

/* Probe and plan and render, in the sandbox, to a PNG; the code of what failed first. */
static enum alb_code pass(const char *name, struct alb_str s, struct alb_plan_options *o,
                          struct alb_image_header *h, struct seen *out)
{
    static struct alb_plan plan;
    struct alb_probe *p = NULL;
    struct alb_err err = ALB_ERR_INIT;
    enum alb_code code = probe_bytes(s, alb_sniff(s.p, s.n), &p);
    if (code != ALB_OK)
        fail_msg("%s: no probe", name);
    *h = p->header;
    bool shown = !p->damaged && !p->not_looked;
    if (shown)
        assert_true(p->thumbhash_len > 0);
    else
        print_message("# %s: %s\n", name, p->note);
    alb_probe_free(&p);
    if (!shown)
        return ALB_E_UNSUPPORTED;
    o->output.format = ALB_FORMAT_PNG;
    code = plan_make(h, o, &config.limits, &plan, &err);
    if (code != ALB_OK)
        fail_msg("%s: %s", name, err.msg);
    int fd = file_of(s);
    struct alb_darkroom_job job = {.work = ALB_WORK_RENDER,
                                   .source_fd = fd,
                                   .source_bytes = (int64_t)s.n,
                                   .plan = &plan,
                                   .deadline = ALB_NEVER};
    code = alb_darkroom_run(dr, &job, &err);
    if (code == ALB_OK && alb_plan_is_trim(&plan)) {
        struct alb_rect found = job.trim;
        code = plan_again(h, o, &config.limits, &found, &plan, &err);
        if (code == ALB_OK)
            code = alb_darkroom_run(dr, &job, &err);
    }
    close(fd);
    if (code != ALB_OK)
        fail_msg("%s: %s", name, err.msg);
    look(alb_bytes_view(job.result), out);
    alb_bytes_unref(job.result);
    return ALB_OK;
}

enum check { FOUR = 0, GREY = 1, MASKED = 2, TURNED = 4, ONE_BIT = 8, PRESS = 16 };
/* What a press can print of the fields. */
static const int PRINTED[4][3] = {{200, 37, 49}, {76, 167, 55}, {47, 65, 141}, {120, 119, 120}};

static void check(const char *name, const struct seen *seen, unsigned how, int tolerance)
{
    static const int turned[4] = {2, 0, 3, 1};
    for (int i = 0; i < 4; i++) {
        const int *want = FIELDS[(how & TURNED) != 0 ? turned[i] : i];
        bool hidden = (how & MASKED) != 0 && i == 3;
        if (fabs(seen->field[i][3] - (hidden ? 0 : 255)) > 1)
            fail_msg("%s: field %d has transparency %g", name, i, seen->field[i][3]);
        for (int c = 0; c < 3 && !hidden; c++) {
            int v = (how & GREY) != 0 ? 128 : want[c];
            if ((how & PRESS) != 0)
                v = PRINTED[i][c];
            if ((how & ONE_BIT) != 0)
                v = i < 2 ? FIELDS[0][c] : FIELDS[2][c];
            if (fabs(seen->field[i][c] - v) > tolerance)
                fail_msg("%s: field %d is %g %g %g, not near %d in channel %d", name, i, seen->field[i][0],
                         seen->field[i][1], seen->field[i][2], v, c);
        }
    }
}

static void check_bytes(const char *name, struct alb_str s, unsigned how, int tolerance)
{
    struct alb_plan_options o;
    struct alb_image_header h;
    struct seen seen;
    bool turned = (how & TURNED) != 0;
    alb_plan_options_init(&o);
    assert_int_equal(pass(name, s, &o, &h, &seen), ALB_OK);
    if (seen.width != (turned ? H : W) || seen.height != (turned ? W : H))
        fail_msg("%s: %ux%u", name, seen.width, seen.height);
    check(name, &seen, how, tolerance);
}

/* ---- samples of samples.py ---- */

static void check_file(const char *name, unsigned how, int tolerance)
{
    struct alb_str s = sample_file(name);
    check_bytes(name, s, how, tolerance);
    g_free((void *)(uintptr_t)s.p);
}

static void test_icons(void **state)
{
    (void)state;
    static const char *const depths[] = {"4", "8", "24", "32"};
    char name[32];
    for (size_t i = 0; i < ALB_ARRAY_LEN(depths); i++) {
        snprintf(name, sizeof(name), "dib%s.ico", depths[i]);
        check_file(name, FOUR, 0);
        snprintf(name, sizeof(name), "masked%s.ico", depths[i]);
        check_file(name, MASKED, 0);
    }
    check_file("dib16.ico", FOUR, 8);
    check_file("masked16.ico", MASKED, 8);
    check_file("onebit.ico", ONE_BIT, 0);
    check_file("png.ico", FOUR, 0);
    check_file("cursor.ico", FOUR, 0);
}

/* The largest is the first page, its halvings are used when less is needed, others have pages of their own. */
static void test_icon_pages(void **state)
{
    (void)state;
    struct alb_str s = sample_file("many.ico");
    struct alb_plan_options o;
    struct alb_image_header h;
    struct seen seen;
    static struct alb_plan plan;
    alb_plan_options_init(&o);
    assert_int_equal(pass("many.ico", s, &o, &h, &seen), ALB_OK);
    assert_int_equal(h.width, 256);
    assert_int_equal(h.height, 256);
    assert_int_equal(h.pages, 6);
    assert_int_equal(h.halvings, 4); /* 128, 64, 32, 16; 48 is the last page */
    check("largest", &seen, FOUR, 0);
    o.width = o.height = 30;
    assert_int_equal(plan_make(&h, &o, &config.limits, &plan, NULL), ALB_OK);
    assert_int_equal(plan.steps[0].u.load.how, ALB_LOAD_PAGE);
    assert_int_equal(plan.steps[0].u.load.page, 3);
    assert_int_equal(pass("many.ico", s, &o, &h, &seen), ALB_OK);
    assert_int_equal(seen.width, 30);
    check("small", &seen, FOUR, 2);
    o.width = o.height = 0;
    for (o.page = 1; o.page < 6; o.page++) {
        assert_int_equal(pass("many.ico", s, &o, &h, &seen), ALB_OK);
        check("page", &seen, FOUR, 2);
    }
    g_free((void *)(uintptr_t)s.p);
}

static void test_photoshop(void **state)
{
    (void)state;
    static const char *const same[] = {"rgb.psd",     "raw.psd",       "large.psd",  "deep.psd",
                                       "deepraw.psd", "selection.psd", "indexed.psd"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(same); i++)
        check_file(same[i], FOUR, 0);
    check_file("masked.psd", MASKED, 0);
    check_file("grey.psd", GREY, 0);
    check_file("duotone.psd", GREY, 0);
    check_file("adobe.psd", FOUR, 6);
    static const char *const not[] = {"lab.psd", "empty.psd"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(not); i++) {
        struct alb_str s = sample_file(not[i]);
        struct alb_plan_options o;
        struct alb_image_header h;
        struct seen seen;
        alb_plan_options_init(&o);
        assert_int_equal(pass(not[i], s, &o, &h, &seen), ALB_E_UNSUPPORTED);
        assert_int_equal(h.width, W); /* its size is known all the same */
        g_free((void *)(uintptr_t)s.p);
    }
}

static void test_palettes_and_profiles(void **state)
{
    (void)state;
    check_file("palette.png", FOUR, 0);
    check_file("masked_trns.png", MASKED, 0);
    check_file("palette.bmp", FOUR, 0);
    check_file("palette.tif", FOUR, 0);
    check_file("rgb.bmp", FOUR, 0);
    check_file("adobe.png", FOUR, 6);
    check_file("adobe.jpg", FOUR, 10);
}

/* ---- samples of libvips ---- */

static VipsImage *fields(void)
{
    VipsImage *x = vips_image_new_memory();
    vips_image_init_fields(x, W, H, 3, VIPS_FORMAT_UCHAR, VIPS_CODING_NONE, VIPS_INTERPRETATION_sRGB, 1, 1);
    assert_int_equal(vips_image_write_prepare(x), 0);
    for (size_t i = 0; i < W * H; i++) {
        const int *c = FIELDS[(i / W >= H / 2 ? 2 : 0) + (i % W >= W / 2 ? 1 : 0)];
        for (size_t k = 0; k < 3; k++)
            x->data[3 * i + k] = (unsigned char)c[k];
    }
    return x;
}

/* What becomes of the fields before they are written. */
enum make { PLAIN, DEEP, GRAY, DEEP_GRAY, GRAY_ALPHA, ALPHA, DEEP_ALPHA, CMYK, P3, DEEP_P3, LAB, FLOAT };

static VipsImage *with_hole(VipsImage *in)
{
    VipsImage *mask = vips_image_new_from_image1(in, 255), *out = NULL, *deep = NULL;
    bool wide = vips_image_get_format(in) == VIPS_FORMAT_USHORT;
    assert_non_null(mask);
    VipsImage *held = vips_image_copy_memory(mask), *cast = NULL, *scaled = NULL;
    assert_int_equal(vips_draw_rect1(held, 0, W / 2, H / 2, W / 2, H / 2, "fill", TRUE, NULL), 0);
    assert_int_equal(vips_linear1(held, &scaled, wide ? 257 : 1, 0, NULL), 0);
    assert_int_equal(vips_cast(scaled, &cast, vips_image_get_format(in), NULL), 0);
    assert_int_equal(vips_bandjoin2(in, cast, &out, NULL), 0);
    g_clear_object(&deep);
    g_object_unref(scaled);
    g_object_unref(cast);
    g_object_unref(held);
    g_object_unref(mask);
    g_object_unref(in);
    return out;
}

static VipsImage *made(enum make how)
{
    VipsImage *in = fields(), *out = NULL;
    static const VipsInterpretation space[] = {
        [PLAIN] = VIPS_INTERPRETATION_sRGB,       [DEEP] = VIPS_INTERPRETATION_RGB16,
        [GRAY] = VIPS_INTERPRETATION_B_W,         [DEEP_GRAY] = VIPS_INTERPRETATION_GREY16,
        [GRAY_ALPHA] = VIPS_INTERPRETATION_B_W,   [ALPHA] = VIPS_INTERPRETATION_sRGB,
        [DEEP_ALPHA] = VIPS_INTERPRETATION_RGB16, [CMYK] = VIPS_INTERPRETATION_sRGB,
        [P3] = VIPS_INTERPRETATION_sRGB,          [DEEP_P3] = VIPS_INTERPRETATION_sRGB,
        [LAB] = VIPS_INTERPRETATION_LAB,          [FLOAT] = VIPS_INTERPRETATION_scRGB,
    };
    bool grey = how == GRAY || how == DEEP_GRAY || how == GRAY_ALPHA;
    if (grey) {
        int rc = vips_linear1(in, &out, 0, 128, NULL);
        assert_int_equal(rc, 0);
        g_object_unref(in);
        assert_int_equal(vips_cast(out, &in, VIPS_FORMAT_UCHAR, NULL), 0);
        g_object_unref(out);
    }
    if (how == CMYK || how == P3 || how == DEEP_P3)
        assert_int_equal(vips_icc_transform(in, &out, how == CMYK ? "cmyk" : "p3", "input_profile", "srgb",
                                            "intent", VIPS_INTENT_RELATIVE, "depth", how == DEEP_P3 ? 16 : 8,
                                            NULL),
                         0);
    else
        assert_int_equal(vips_colourspace(in, &out, space[how], NULL), 0);
    g_object_unref(in);
    return how == GRAY_ALPHA || how == ALPHA || how == DEEP_ALPHA ? with_hole(out) : out;
}

static void test_spaces(void **state)
{
    static const struct {
        const char *name;
        enum make make;
        const char *how;
        unsigned check;
        int tolerance;
    } rows[] = {
        {"jpeg", PLAIN, ".jpg[Q=95,no_subsample]", FOUR, 4},
        {"jpeg p3", P3, ".jpg[Q=95,no_subsample]", FOUR, 6},
        {"jpeg cmyk", CMYK, ".jpg[Q=95,no_subsample]", PRESS, 6},
        {"jpeg cmyk without a profile", CMYK, ".jpg[Q=95,no_subsample,strip]", PRESS, 6},
        {"jpeg grey", GRAY, ".jpg[Q=95]", GREY, 2},
        {"png", PLAIN, ".png", FOUR, 0},
        {"png 16", DEEP, ".png", FOUR, 1},
        {"png grey", GRAY, ".png", GREY, 0},
        {"png grey 16", DEEP_GRAY, ".png", GREY, 1},
        {"png grey alpha", GRAY_ALPHA, ".png", GREY | MASKED, 0},
        {"png alpha", ALPHA, ".png", MASKED, 0},
        {"png alpha 16", DEEP_ALPHA, ".png", MASKED, 1},
        {"png p3", P3, ".png", FOUR, 3},
        {"png p3 16", DEEP_P3, ".png", FOUR, 5},
        {"webp", PLAIN, ".webp[lossless]", FOUR, 0},
        {"webp lossy", PLAIN, ".webp[Q=95]", FOUR, 12},
        {"webp alpha", ALPHA, ".webp[lossless]", MASKED, 0},
        {"webp p3", P3, ".webp[lossless]", FOUR, 3},
        {"gif", PLAIN, ".gif", FOUR, 4},
        {"gif alpha", ALPHA, ".gif", MASKED, 4},
        {"jxl", PLAIN, ".jxl[lossless]", FOUR, 0},
        {"jxl 16", DEEP, ".jxl[lossless]", FOUR, 1},
        {"jxl lossy", PLAIN, ".jxl[distance=0.5]", FOUR, 4},
        {"jxl lossy 16", DEEP, ".jxl[distance=0.5]", FOUR, 4},
        {"jxl p3 16", DEEP_P3, ".jxl[lossless]", FOUR, 5},
        {"jxl alpha 16", DEEP_ALPHA, ".jxl[lossless]", MASKED, 1},
        {"jxl grey 16", DEEP_GRAY, ".jxl[lossless]", GREY, 1},
        {"jxl p3", P3, ".jxl[lossless]", FOUR, 3},
        {"jxl alpha", ALPHA, ".jxl[lossless]", MASKED, 0},
        {"jxl grey", GRAY, ".jxl[lossless]", GREY, 1},
        {"avif", PLAIN, ".avif[Q=95,subsample_mode=on]", FOUR, 8},
        {"avif 12", DEEP, ".avif[Q=95,bitdepth=12]", FOUR, 8},
        {"avif alpha", ALPHA, ".avif[Q=95,subsample_mode=on]", MASKED, 8},
        {"avif p3", P3, ".avif[Q=95,subsample_mode=on]", FOUR, 10},
        {"heic", PLAIN, ".heif[compression=hevc,Q=95]", FOUR, 8},
        {"heic p3", P3, ".heif[compression=hevc,Q=95]", FOUR, 10},
        {"jp2", PLAIN, ".jp2[lossless]", FOUR, 0},
        {"jp2 16", DEEP, ".jp2[lossless]", FOUR, 1},
        {"jp2 grey", GRAY, ".jp2[lossless]", GREY, 0},
        {"tiff", PLAIN, ".tif", FOUR, 0},
        {"tiff tiles", PLAIN, ".tif[tile,compression=jpeg,Q=95]", FOUR, 12},
        {"tiff lzw", PLAIN, ".tif[compression=lzw,predictor=horizontal]", FOUR, 0},
        {"tiff 16", DEEP, ".tif", FOUR, 1},
        {"tiff grey", GRAY, ".tif", GREY, 0},
        {"tiff grey 16", DEEP_GRAY, ".tif", GREY, 1},
        {"tiff grey alpha", GRAY_ALPHA, ".tif", GREY | MASKED, 0},
        {"tiff alpha", ALPHA, ".tif", MASKED, 0},
        {"tiff alpha 16", DEEP_ALPHA, ".tif", MASKED, 1},
        {"tiff cmyk", CMYK, ".tif", PRESS, 6},
        {"tiff p3", P3, ".tif", FOUR, 3},
        {"tiff p3 16", DEEP_P3, ".tif", FOUR, 5},
        {"tiff lab", LAB, ".tif", FOUR, 2},
        {"tiff float", FLOAT, ".tif", FOUR, 2},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(rows); i++) {
        VipsImage *image = made(rows[i].make);
        struct alb_str s = sample_encode(image, rows[i].how);
        check_bytes(rows[i].name, s, rows[i].check, rows[i].tolerance);
        g_free((void *)(uintptr_t)s.p);
        g_object_unref(image);
    }
}

/* ---- videos ---- */

static void test_videos(void **state)
{
    (void)state;
    static const char *const names[] = {"h264.mp4", "h264_709.mov", "full.mp4",  "ten_bits.mp4", "mpeg4.avi",
                                        "vp9.webm", "vp8.mkv",      "av1.mp4",   "mpeg2.mpg",    "h264.mts",
                                        "wmv.wmv",  "phone.3gp",    "prores.mov"};
    /* not the first frame, which is black */
    for (size_t i = 0; i < ALB_ARRAY_LEN(names); i++)
        check_file(names[i], FOUR, 20);
    check_file("turned.mp4", TURNED, 20);
    /* sequences that call themselves pictures, with a still beside them and without */
    check_file("frames.avif", FOUR, 20);
    check_file("frames.heic", FOUR, 20);
}

/* High dynamic range and wide gamut that only numbers tell of, no profile: PQ, HLG, Display P3. */
static void test_numbers(void **state)
{
    (void)state;
    check_file("pq.mp4", FOUR, 8);
    check_file("hlg.mp4", FOUR, 8);
    check_file("pq.avif", FOUR, 8);
    check_file("hlg.avif", FOUR, 8);
    check_file("p3.avif", FOUR, 8);
}

/* As NAME.want says: four lines of red, green, blue and transparency. */
static void check_want(const char *name, int tolerance)
{
    char file[64];
    struct alb_str s = sample_file(name);
    struct alb_plan_options o;
    struct alb_image_header h;
    struct seen seen;
    snprintf(file, sizeof(file), "%s.want", name);
    struct alb_str text = sample_file(file);
    alb_plan_options_init(&o);
    assert_int_equal(pass(name, s, &o, &h, &seen), ALB_OK);
    char *at = (char *)(uintptr_t)text.p;
    for (int i = 0; i < 16; i++) {
        double v = seen.field[i / 4][i % 4], wanted = (double)strtol(at, &at, 10);
        if (fabs(v - wanted) > tolerance)
            fail_msg("%s: field %d is %g in channel %d, not %g", name, i / 4, v, i % 4, wanted);
    }
    g_free((void *)(uintptr_t)text.p);
    g_free((void *)(uintptr_t)s.p);
}

/* Against what Little CMS, ffmpeg and arithmetic say, in files that libvips has not written. */
static void test_references(void **state)
{
    static const struct {
        const char *name;
        int tolerance;
    } rows[] = {
        {"inverted.jpg", 4},      {"unmarked.jpg", 4}, {"press.tif", 2},  {"p3_16.png", 3},
        {"p3_16.tif", 3},         {"p3.jpg", 4},       {"rgb_16.png", 0}, {"big_endian.tif", 0},
        {"alpha_16.tif", 1},      {"grey_16.tif", 0},  {"grey.jpg", 1},   {"grey_alpha.png", 0},
        {"palette_alpha.png", 0}, {"ten.avif", 4},     {"ten.heic", 4},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(rows); i++)
        check_want(rows[i].name, rows[i].tolerance);
}

/* A thumbnail that is large enough is taken for the picture, and none that is too small. */
static void test_embedded(void **state)
{
    static const struct {
        uint32_t side;
        enum alb_load_how how;
        uint32_t width, height;
    } rows[] = {
        {64, ALB_LOAD_THUMBNAIL, 64, 48},
        {160, ALB_LOAD_THUMBNAIL, 160, 120},
        {161, ALB_LOAD_FULL, 161, 121},
        {400, ALB_LOAD_FULL, 400, 300},
    };
    struct alb_str s = sample_file("thumbnail.heic");
    static struct alb_plan plan;
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(rows); i++) {
        struct alb_plan_options o;
        struct alb_image_header h;
        struct seen seen;
        alb_plan_options_init(&o);
        o.width = o.height = rows[i].side;
        assert_int_equal(pass("thumbnail.heic", s, &o, &h, &seen), ALB_OK);
        assert_int_equal(h.width, 640);
        assert_int_equal(h.thumb_width, 160);
        assert_int_equal(h.thumb_height, 120);
        assert_int_equal(plan_make(&h, &o, &config.limits, &plan, NULL), ALB_OK);
        assert_int_equal(plan.steps[0].u.load.how, rows[i].how);
        assert_int_equal(seen.width, rows[i].width);
        assert_int_equal(seen.height, rows[i].height);
        check("thumbnail.heic", &seen, FOUR, 10);
    }
    g_free((void *)(uintptr_t)s.p);
}

static void frame_at(const char *name, double second, bool keyframe, int light)
{
    struct alb_str s = sample_file(name);
    struct alb_plan_options o;
    struct alb_image_header h;
    struct seen seen;
    alb_plan_options_init(&o);
    o.video_second = second;
    o.video_keyframe = keyframe;
    assert_int_equal(pass(name, s, &o, &h, &seen), ALB_OK);
    if (light < 0)
        check(name, &seen, FOUR, 20);
    else if (fabs(seen.field[0][0] - light) > 12)
        fail_msg("%s at %g: %g", name, second, seen.field[0][0]);
    g_free((void *)(uintptr_t)s.p);
}

static void test_video_times(void **state)
{
    (void)state;
    static const char *const names[] = {"h264.mp4", "vp9.webm", "mpeg4.avi", "vp8.mkv"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(names); i++) {
        frame_at(names[i], 0.1, false, 0);
        frame_at(names[i], 0.9, false, -1);
        frame_at(names[i], 2.0, false, 128);
        frame_at(names[i], 900, false, 128); /* behind the end: the last one */
        frame_at(names[i], 0.1, true, 0);
        frame_at(names[i], 1.0, true, -1);
    }
    struct alb_str s = sample_file("wide.mp4");
    struct alb_probe *p;
    assert_int_equal(probe_bytes(s, alb_sniff(s.p, s.n), &p), ALB_OK);
    assert_int_equal(p->header.width, 2 * W);
    assert_int_equal(p->header.height, H);
    alb_probe_free(&p);
    g_free((void *)(uintptr_t)s.p);
}

/* ---- animations ---- */

/* Probe and render of all frames; bytes are to be unreferenced. */
static struct alb_bytes *moving(const char *name, struct alb_str s, enum alb_format format, uint32_t pages)
{
    static struct alb_plan plan;
    struct alb_probe *p = NULL;
    struct alb_plan_options o;
    struct alb_err err = ALB_ERR_INIT;
    struct alb_darkroom_job job;
    alb_plan_options_init(&o);
    o.output.format = format;
    o.frames = 100;
    assert_int_equal(probe_bytes(s, alb_sniff(s.p, s.n), &p), ALB_OK);
    if (!p->header.animated || p->header.pages != pages || p->damaged || p->thumbhash_len == 0)
        fail_msg("%s: %u pages: %s", name, p->header.pages, p->note);
    if (plan_make(&p->header, &o, &config.limits, &plan, &err) != ALB_OK)
        fail_msg("%s: %s", name, err.msg);
    alb_probe_free(&p);
    if (run_plan(s, &plan, ALB_NEVER, &job) != ALB_OK)
        fail_msg("%s: %s", name, job.err.msg);
    return job.result;
}

/* Frame i has 60 i of red. */
static void expect_frames(const char *name, struct alb_str webp, const int delays[4])
{
    VipsImage *x = vips_image_new_from_buffer(webp.p, webp.n, "[n=-1]", NULL);
    int *got, n;
    double *v;
    assert_non_null(x);
    assert_int_equal(vips_image_get_n_pages(x), 4);
    assert_int_equal(vips_image_get_array_int(x, "delay", &got, &n), 0);
    for (int i = 0; i < 4; i++) {
        if (got[i] != delays[i])
            fail_msg("%s: frame %d lasts %d ms, not %d", name, i, got[i], delays[i]);
        assert_int_equal(vips_getpoint(x, &v, &n, W / 4, i * H + H / 4, NULL), 0);
        if (fabs(v[0] - 60 * i) > 20)
            fail_msg("%s: frame %d has %g of red", name, i, v[0]);
        g_free(v);
    }
    g_object_unref(x);
}

/* Each kind of animation, and what is written of it, through the sandbox. */
static void test_frames(void **state)
{
    static const struct {
        const char *name;
        int delays[4];
    } files[] = {
        {"moving.gif", {40, 120, 80, 200}},
        {"moving.jxl", {40, 120, 80, 200}},
        {"moving.avif", {40, 120, 80, 40}}, /* written by libav, which knows no end of the last frame */
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(files); i++) {
        struct alb_str s = sample_file(files[i].name);
        struct alb_bytes *webp = moving(files[i].name, s, ALB_FORMAT_WEBP, 4);
        expect_frames(files[i].name, alb_bytes_view(webp), files[i].delays);
        alb_bytes_unref(webp);
        struct alb_bytes *avif = moving(files[i].name, s, ALB_FORMAT_AVIF, 4);
        webp = moving("its avif", alb_bytes_view(avif), ALB_FORMAT_WEBP, 4);
        expect_frames("its avif", alb_bytes_view(webp), files[i].delays);
        alb_bytes_unref(webp);
        alb_bytes_unref(avif);
        g_free((void *)(uintptr_t)s.p);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spaces),
        cmocka_unit_test(test_icons),
        cmocka_unit_test(test_icon_pages),
        cmocka_unit_test(test_photoshop),
        cmocka_unit_test(test_palettes_and_profiles),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_videos),
        cmocka_unit_test(test_video_times),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_embedded),
    };
    if (argc < 3 || !begin(argv[0], argv[1]))
        return 1;
    script = argv[2];
    return cmocka_run_group_tests(tests, make_samples, remove_samples);
}
