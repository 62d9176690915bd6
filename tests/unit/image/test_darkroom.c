/* SPDX-License-Identifier: Apache-2.0
 *
 * The darkroom with its real program and real processes: what comes out and what is refused. Workers that
 * die: test_darkroom_death.c; bounds and storms: test_darkroom_bounds.c; the end: test_darkroom_end.c.
 */
#include "dark_world.h"

static void test_formats(void **state)
{
    static const char *const kinds[] = {".jpg", ".png", ".webp", ".gif", ".tif",
                                        ".jxl", ".jp2", ".avif", ".heic"};
    VipsImage *image = sample_image(300, 200);
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(kinds); i++) {
        void *p = NULL;
        size_t n = 0;
        struct alb_str s;
        if (i < 7)
            s = sample_encode(image, kinds[i]);
        else {
            assert_int_equal(vips_heifsave_buffer(image, &p, &n, "effort", 0, "compression",
                                                  i == 7 ? VIPS_FOREIGN_HEIF_COMPRESSION_AV1
                                                         : VIPS_FOREIGN_HEIF_COMPRESSION_HEVC,
                                                  NULL),
                             0);
            s = (struct alb_str){p, n};
        }
        for (unsigned f = 1; f < ALB_FORMAT_COUNT; f++) {
            struct alb_darkroom_job job;
            char corners[5];
            if (render_with(s, (enum alb_format)f, ALB_NEVER, &job) != ALB_OK)
                fail_msg("%s to %s: %s", kinds[i], alb_format_name((enum alb_format)f), job.err.msg);
            sample_corners(alb_bytes_view(job.result), corners);
            assert_string_equal(corners, "rgbw");
            alb_bytes_unref(job.result);
        }
        g_free((void *)(uintptr_t)s.p);
    }
    g_object_unref(image);
}

static void test_fonts(void **state)
{
    static const char svg[] = "<svg xmlns='http://www.w3.org/2000/svg' width='200' height='60'><rect "
                              "width='200' height='60' fill='white'/>"
                              "<text x='10' y='40' font-size='30'>albumen</text></svg>";
    static const char pdf[] =
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count "
        "1>>endobj\n"
        "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 60]/Contents 4 0 R/Resources<</Font<</F1 5 0 "
        "R>>>>>>endobj\n"
        "4 0 obj<</Length 44>>stream\nBT /F1 30 Tf 10 20 Td (Hello albumen) Tj ET\nendstream endobj\n"
        "5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>\n";
    struct alb_str texts[2] = {{svg, sizeof(svg) - 1}, {pdf, sizeof(pdf) - 1}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct alb_darkroom_job job;
        double least = 255;
        if (render_with(texts[i], ALB_FORMAT_PNG, ALB_NEVER, &job) != ALB_OK)
            fail_msg("%s", job.err.msg);
        VipsImage *image = vips_image_new_from_buffer(job.result->p, job.result->n, "", NULL), *flat = NULL;
        VipsArrayDouble *white = vips_array_double_newv(1, 255.0);
        assert_int_equal(vips_flatten(image, &flat, "background", white, NULL), 0);
        vips_area_unref(VIPS_AREA(white));
        assert_int_equal(vips_min(flat, &least, NULL), 0);
        if (least > 150)
            fail_msg("text %zu was drawn without ink", i);
        g_object_unref(flat);
        g_object_unref(image);
        alb_bytes_unref(job.result);
    }
    int64_t by = now() + 120 * ALB_NS_PER_S;
    while (!alb_darkroom_look(dr).fonts_ok && now() < by)
        breathe();
    assert_true(alb_darkroom_look(dr).fonts_ok);
}

static void test_probe(void **state)
{
    struct alb_str s = sample(301, 200, ".png");
    struct alb_probe *p;
    (void)state;
    assert_int_equal(probe_bytes(s, ALB_TYPE_PNG, &p), ALB_OK);
    assert_true(p->header.width == 301 && p->header.height == 200 && p->header.bytes == (int64_t)s.n);
    assert_true(p->thumbhash_len > 0 && !p->damaged);
    alb_probe_free(&p);
    static const char xmp[] = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF "
                              "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
                              "<rdf:Description rdf:about='' xmlns:xmp='http://ns.adobe.com/xap/1.0/' "
                              "xmp:Rating='4'/></rdf:RDF></x:xmpmeta>";
    int fd = file_of((struct alb_str){xmp, sizeof(xmp) - 1});
    struct alb_darkroom_job job = {
        .work = ALB_WORK_SIDECAR, .source_fd = fd, .source_bytes = sizeof(xmp) - 1, .deadline = ALB_NEVER};
    assert_int_equal(alb_darkroom_run(dr, &job, NULL), ALB_OK);
    assert_int_equal(job.probe->type, ALB_TYPE_XMP);
    assert_int_equal(job.probe->meta.rating, 4);
    alb_probe_free(&job.probe);
    close(fd);
    g_free((void *)(uintptr_t)s.p);
}

/* ---- what is refused ---- */

static void test_misuse(void **state)
{
    struct alb_darkroom_job job = {.work = ALB_WORK_PROBE, .source_fd = -1, .deadline = ALB_NEVER};
    static struct alb_plan plan;
    uint64_t ticket;
    (void)state;
    memset(&plan, 0, sizeof(plan));
    assert_int_equal(alb_darkroom_submit(dr, &job, &ticket, NULL), ALB_E_INVALID);
    job.source_fd = 0;
    assert_int_equal(alb_darkroom_submit(dr, &job, &ticket, NULL), ALB_E_INVALID); /* type unknown */
    job = (struct alb_darkroom_job){
        .work = ALB_WORK_RENDER, .source_fd = 0, .plan = &plan, .deadline = ALB_NEVER};
    assert_int_equal(alb_darkroom_submit(dr, &job, &ticket, NULL), ALB_E_INVALID);
    assert_int_equal(ticket, 0);
    alb_darkroom_cancel(dr, 12345678); /* nobody's */
}

static void test_damage(void **state)
{
    struct alb_str s = sample(300, 200, ".jpg"), half = {s.p, s.n * 3 / 4};
    struct alb_darkroom_job job;
    struct alb_probe *p;
    (void)state;
    assert_int_equal(probe_bytes(half, ALB_TYPE_JPEG, &p), ALB_OK);
    assert_true(p->damaged && p->type == ALB_TYPE_JPEG);
    alb_probe_free(&p);
    assert_int_equal(render_with(half, ALB_FORMAT_JPEG, ALB_NEVER, &job), ALB_E_UNPROCESSABLE);
    assert_int_equal(probe_bytes((struct alb_str){"", 0}, ALB_TYPE_JPEG, &p), ALB_E_UNPROCESSABLE);
    assert_int_equal(probe_bytes(ALB_STR("text that says it is a picture"), ALB_TYPE_JPEG, &p), ALB_OK);
    assert_true(p->damaged);
    alb_probe_free(&p);
    works();
    g_free((void *)(uintptr_t)s.p);
}

/* 30 000 x 30 000 in 110 kB: told from the header, nothing is decoded. */
static void test_bomb(void **state)
{
    VipsImage *black = NULL, *one = NULL;
    struct alb_probe *p;
    static struct alb_plan plan;
    struct alb_plan_options o;
    void *png = NULL;
    size_t n = 0;
    (void)state;
    assert_int_equal(vips_black(&black, 30000, 30000, NULL), 0);
    assert_int_equal(vips_copy(black, &one, "interpretation", VIPS_INTERPRETATION_B_W, NULL), 0);
    assert_int_equal(vips_pngsave_buffer(one, &png, &n, "bitdepth", 1, "compression", 1, NULL), 0);
    assert_int_equal(probe_bytes((struct alb_str){png, n}, ALB_TYPE_PNG, &p), ALB_OK);
    assert_true(p->not_looked && !p->damaged && p->header.width == 30000);
    alb_plan_options_init(&o);
    o.width = 64;
    assert_int_equal(plan_make(&p->header, &o, &config.limits, &plan, NULL), ALB_E_TOO_LARGE);
    alb_probe_free(&p);
    g_free(png);
    g_object_unref(one);
    g_object_unref(black);
}

/* A file that only a follower of its references would find: its name and contents must have no effect. The
 * canary is a picture; if the worker could open it, the result would be red. */
static void test_svg_opens_nothing(void **state)
{
    static const char *const bodies[] = {
        "<image xlink:href='file://%s' width='64' height='64'/>",
        "<image xlink:href='%s' width='64' height='64'/>",
        "<style>@import url('file://%s');</style><image href='file://%s' width='64' height='64'/>",
        "<image xlink:href='http://127.0.0.1:1/x.png' width='64' height='64'/><!-- %s -->",
        "<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='file://%s' parse='text'/>",
        "<use xlink:href='file://%s#x'/>",
    };
    char canary[] = "/tmp/albumen-canary-XXXXXX";
    (void)state;
    struct alb_str png = sample(64, 64, ".png");
    int fd = mkstemp(canary);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, png.p, png.n), png.n);
    assert_int_equal(fchmod(fd, 0644), 0);
    for (size_t i = 0; i < ALB_ARRAY_LEN(bodies); i++) {
        struct alb_buf b = ALB_BUF_INIT(4096);
        struct alb_darkroom_job job;
        char body[600];
        int at = 0;
        for (const char *c = bodies[i]; *c; c++) { /* %s, as often as it stands there */
            if (c[0] == '%' && c[1] == 's') {
                at += snprintf(body + at, sizeof(body) - (size_t)at, "%s", canary);
                c++;
            } else {
                body[at++] = *c;
            }
        }
        body[at] = 0;
        alb_buf_printf(&b,
                       "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' "
                       "width='64' height='64'>%s</svg>",
                       body);
        enum alb_code code = render_with(alb_buf_view(&b), ALB_FORMAT_PNG, ALB_NEVER, &job);
        if (code == ALB_OK) {
            VipsImage *image = vips_image_new_from_buffer(job.result->p, job.result->n, "", NULL);
            double ink = 1;
            assert_int_equal(vips_avg(image, &ink, NULL), 0);
            if (ink > 0)
                fail_msg("case %zu drew something", i);
            g_object_unref(image);
            alb_bytes_unref(job.result);
        } else {
            assert_int_equal(code, ALB_E_UNPROCESSABLE);
        }
        alb_buf_fini(&b);
    }
    unlink(canary);
    close(fd);
    g_free((void *)(uintptr_t)png.p);
}

/* What a library has to say in a worker is said to nobody, and is no reason to end the worker: GLib would
 * look at its stderr first, which is not in the list of calls. */
static void test_warnings_are_harmless(void **state)
{
    static const char odd[] =
        "%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n"
        "2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj\n"
        "3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 100000000 100000000] >> endobj\n"
        "trailer << /Root 1 0 R >>\n%%EOF\n";
    struct alb_probe *p = NULL;
    int64_t before = alb_stat_get(ALB_STAT_DARKROOM_SIGSYS);
    (void)state;
    assert_int_equal(probe_bytes((struct alb_str){odd, sizeof(odd) - 1}, ALB_TYPE_PDF, &p), ALB_OK);
    alb_probe_free(&p);
    assert_int_equal(alb_stat_get(ALB_STAT_DARKROOM_SIGSYS), before);
}

static void test_svg_bombs(void **state)
{
    static const char entities[] =
        "<!DOCTYPE svg [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
        "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'>"
        "<!ENTITY e '&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;'><!ENTITY f '&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;'>"
        "<!ENTITY g '&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;'><!ENTITY h '&g;&g;&g;&g;&g;&g;&g;&g;&g;&g;'>]>"
        "<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'><text>&h;</text></svg>";
    static const char xxe[] =
        "<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg xmlns='http://www.w3.org/2000/svg' "
        "width='200' height='60'><text x='10' y='40'>&x;</text></svg>";
    struct alb_str texts[2] = {{entities, sizeof(entities) - 1}, {xxe, sizeof(xxe) - 1}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct alb_darkroom_job job;
        enum alb_code code = render_with(texts[i], ALB_FORMAT_PNG, ALB_NEVER, &job);
        if (code == ALB_OK) { /* fine if nothing of it is seen */
            VipsImage *image = vips_image_new_from_buffer(job.result->p, job.result->n, "", NULL);
            double ink = 1;
            assert_int_equal(vips_avg(image, &ink, NULL), 0);
            assert_true(ink <= 0);
            g_object_unref(image);
            alb_bytes_unref(job.result);
        }
        assert_int_not_equal(code, ALB_E_TIMEOUT);
    }
    works();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_fonts),
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_bomb),
        cmocka_unit_test(test_svg_opens_nothing),
        cmocka_unit_test(test_warnings_are_harmless),
        cmocka_unit_test(test_svg_bombs),
    };
    if (argc < 2 || !begin(argv[0], argv[1]))
        return 1;
    int rc = cmocka_run_group_tests(tests, start, stop);
    vips_shutdown();
    return rc;
}
