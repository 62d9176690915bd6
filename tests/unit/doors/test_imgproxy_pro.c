/* SPDX-License-Identifier: Apache-2.0
 *
 * Options that imgproxy keeps for its paid edition, /info, and presets.
 */
#include "imgproxy.h"

static struct world w;

static int begin(void **state)
{
    (void)state;
    world_begin(&w, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_end(&w);
    return 0;
}

static void geometry(void **state)
{
    (void)state;
    struct alb_imgproxy_pipeline *p = world_options(&w, "ra:cubic/car:1.5:1");
    assert_int_equal(p->kernel, ALB_IMGPROXY_CUBIC);
    assert_near(p->crop.ratio, 1.5);
    assert_true(p->crop.ratio_enlarge);
    p = world_options(&w, "crop_ar:2");
    assert_false(p->crop.ratio_enlarge);
}

static void colours(void **state)
{
    (void)state;
    struct alb_imgproxy_pipeline *p = world_options(&w, "bga:0.5/a:-20:1.5:0/mc:0.5/dt:1:ff0000:00f");
    assert_near(p->background_alpha, 0.5);
    assert_int_equal(p->brightness, -20);
    assert_near(p->contrast, 1.5);
    assert_near(p->saturation, 0);
    assert_near(p->monochrome.intensity, 0.5);
    assert_int_equal(p->monochrome.colour, 0xb3b3b3);
    assert_int_equal(p->duotone.dark, 0xff0000);
    assert_int_equal(p->duotone.light, 0x0000ff);
    p = world_options(&w, "br:255/co:2/sa:3/mc:1:123/a::4");
    assert_int_equal(p->brightness, 255);
    assert_near(p->contrast, 4);
    assert_near(p->saturation, 3);
    assert_int_equal(p->monochrome.colour, 0x112233);
    p = world_options(&w, "col:0.3:f00:1/gr:0.4:0f0:left:0.1:0.9");
    assert_near(p->colorize.opacity, 0.3);
    assert_true(p->colorize.keep_alpha && p->colorize.colour == 0xff0000);
    assert_near(p->gradient.ramp.angle, 90);
    assert_near(p->gradient.ramp.start, 0.1);
    assert_near(p->gradient.ramp.stop, 0.9);
    p = world_options(&w, "gr:1:000:-90");
    assert_near(p->gradient.ramp.angle, 270);
    p = world_options(&w, "gr:1:000:720.5");
    assert_near(p->gradient.ramp.angle, 0.5);
    p = world_options(&w, "gr:1:000:-1e-30");
    assert_near(p->gradient.ramp.angle, 0);
    p = world_options(&w, "gr:1::up");
    assert_near(p->gradient.ramp.angle, 180);
    assert_near(p->gradient.ramp.stop, 1);
}

static void filters(void **state)
{
    (void)state;
    struct alb_imgproxy_pipeline *p =
        world_options(&w, "ush:always:2:12/ba:3:0:0:0.5:0.5:0.5:0.5:1:1/pbl:4:right:0.2:0.8");
    assert_int_equal(p->unsharp.mode, ALB_IMGPROXY_UNSHARP_ALWAYS);
    assert_near(p->unsharp.weight, 2);
    assert_near(p->unsharp.divider, 12);
    assert_true((p->given & ALB_IMGPROXY_GIVEN_UNSHARP) != 0);
    assert_int_equal(p->blur_areas.count, 2);
    assert_near(p->blur_areas.area[1].left, 0.5);
    assert_near(p->blur_areas.area[1].height, 1);
    assert_near(p->progressive_blur.sigma, 4);
    assert_near(p->progressive_blur.ramp.angle, 270);
    p = world_options(&w, "ush::3/ba:0");
    assert_int_equal(p->unsharp.mode, ALB_IMGPROXY_UNSHARP_AUTO);
    assert_near(p->unsharp.divider, 24);
    assert_int_equal(p->blur_areas.count, 0);
}

static void watermarks(void **state)
{
    static const char *const env[] = {"IMGPROXY_BASE_URL=http://b/", "IMGPROXY_WATERMARK_PREPROCESS_URL=1",
                                      "IMGPROXY_ALLOWED_SOURCES=http://b/", NULL};
    struct world rules;

    (void)state;
    struct alb_imgproxy_pipeline *p =
        world_options(&w, "wm:1:ch/wmu:aHR0cDovL2gvdy5wbmc=/wms:10:20/wmr:450/wmsh:1.5/fiu:aHR0cDovL2gvZg");
    assert_int_equal(p->watermark.gravity.place, ALB_IMGPROXY_CH);
    assert_text(p->watermark.source.url, "http://h/w.png");
    assert_int_equal(p->watermark.source.scheme, ALB_IMGPROXY_SOURCE_HTTP);
    assert_true(p->watermark.width == 10 && p->watermark.height == 20);
    assert_near(p->watermark.rotate, 90);
    assert_near(p->watermark.shadow, 1.5);
    assert_text(w.request.fallback.url, "http://h/f");
    assert_int_equal(alb_imgproxy_request_check_sources(w.config, &w.request, NULL), ALB_IMGPROXY_FINE);
    p = world_options(&w, "wmu:aHR0cDovL2gvdy5wbmc/wmt:PGI-w7w8L2I-/wms::5");
    assert_text(p->watermark.text, "<b>\xc3\xbc</b>");
    assert_null(p->watermark.source.url.p);
    p = world_options(&w, "wmt:YWJj/wmu:/fiu:aHR0cDovL2gvZg/fiu:");
    assert_true(p->watermark.text.n == 0 && p->watermark.source.url.p == NULL &&
                w.request.fallback.url.p == NULL);
    (void)world_options(&w, "wmu:czM6Ly9iL2s"); /* s3://b/k */
    assert_int_equal(alb_imgproxy_request_check_sources(w.config, &w.request, NULL), ALB_IMGPROXY_SOURCE_OFF);
    (void)world_options(&w, "fiu:czM6Ly9iL2s");
    assert_int_equal(alb_imgproxy_request_check_sources(w.config, &w.request, NULL), ALB_IMGPROXY_SOURCE_OFF);

    world_begin(&rules, env);
    p = world_options(&rules, "wmu:dy5wbmc/fiu:dy5wbmc");
    assert_text(p->watermark.source.url, "http://b/w.png");
    assert_text(rules.request.fallback.url, "w.png");
    assert_int_equal(alb_imgproxy_request_check_sources(rules.config, &rules.request, NULL),
                     ALB_IMGPROXY_BAD_SOURCE);
    world_end(&rules);
}

static void encoders(void **state)
{
    struct alb_imgproxy_request *r = &w.request;

    (void)state;
    (void)world_options(
        &w,
        "jpgo:1:1:0:1::3/pngo:1:1:64/webpo:near_lossless:1:photo/avifo:off/dpi:300/cp:my%20profile/st:YXt9");
    assert_true(r->jpeg.progressive && r->jpeg.no_subsample && !r->jpeg.trellis && r->jpeg.overshoot &&
                r->jpeg.table == 3);
    assert_true(r->png.interlaced && r->png.quantize && r->png.colours == 64);
    assert_true(r->webp_compression == ALB_IMGPROXY_NEAR_LOSSLESS && r->webp_smart_subsample);
    assert_int_equal(r->webp_preset, ALB_IMGPROXY_PRESET_PHOTO);
    assert_int_equal(r->avif_subsample, ALB_IMGPROXY_SUBSAMPLE_OFF);
    assert_near(r->dpi, 300);
    assert_text(r->color_profile, "my profile");
    assert_text(r->style, "a{}");
    (void)world_options(&w, "aq:dssim:0.05:60:90:0.01/icc:srgb/st:");
    assert_int_equal(r->autoquality.method, ALB_IMGPROXY_AQ_DSSIM);
    assert_near(r->autoquality.target, 0.05);
    assert_true(r->autoquality.min == 60 && r->autoquality.max == 90);
    assert_near(r->autoquality.error, 0.01);
    assert_int_equal(r->style.n, 0);
    (void)world_options(&w, "aq::0.03/jpgo:/webpo:::/pngo:/aq:size");
    assert_near(r->autoquality.target, 0.03);
    assert_int_equal(r->autoquality.method, ALB_IMGPROXY_AQ_SIZE);
}

static void sources(void **state)
{
    struct alb_imgproxy_request *r = &w.request;

    (void)state;
    (void)world_options(&w, "pg:2/pgs:3/da:1/vts:1.5/vtk:1/ct:a::b/hs:md5:00112233445566778899AABBccddeeff");
    assert_true(r->page == 2 && r->pages == 3 && r->disable_animation && r->video_keyframes);
    assert_near(r->video_second, 1.5);
    assert_int_equal(r->tags, 2);
    assert_text(r->tag[1], "b");
    assert_true(r->hash == ALB_IMGPROXY_HASH_MD5 && r->hash_len == 16 && r->hash_bytes[10] == 0xaa);
    (void)world_options(&w, "hs:none/vtt:2:3:4:50:60:1:0:1:0.1:0.2/vta:-1:100:5:50:60");
    assert_int_equal(r->hash, ALB_IMGPROXY_HASH_NONE);
    assert_true(r->video_tile.columns == 3 && r->video_tile.rows == 4 && r->video_tile.width == 50);
    assert_true(r->video_tile.extend && !r->video_tile.trim && r->video_tile.fill);
    assert_near(r->video_tile.focus_y, 0.2);
    assert_true(r->video_animation.columns == 5 && r->video_animation.delay == 100 &&
                r->video_animation.rows == 1);
    assert_near(r->video_animation.step, -1);
    assert_near(r->video_animation.focus_x, 0.5);
    (void)world_options(&w, "vtt:1:1:1:1:1/vtt:0:0:0:0:0/vta:0");
    assert_near(r->video_tile.step, 0);
}

static void refused(void **state)
{
    static const char *const bad[] = {"ra:lanczos",
                                      "car:-1",
                                      "car:1:1:1",
                                      "bga:1.1",
                                      "br:256",
                                      "br:-256",
                                      "br:1.5",
                                      "co:-1",
                                      "sa:-1",
                                      "a:300",
                                      "a:1:-1",
                                      "a:1:1:-1",
                                      "a:1:1:1:1",
                                      "mc:2",
                                      "mc:1:zz",
                                      "dt:1:zz",
                                      "dt:1:fff:zz",
                                      "dt:-1",
                                      "ush:no",
                                      "ush:auto:0",
                                      "ush:auto:1:0",
                                      "ba:1",
                                      "ba:1:0:0:1",
                                      "ba:1:0:0:1:2",
                                      "ba:-1",
                                      "ba:1:a:0:0:0",
                                      "ba:1:0:a:0:0",
                                      "ba:1:0:0:a:0",
                                      "pbl:-1",
                                      "pbl:1:sideways",
                                      "pbl:1:NaN",
                                      "pbl:1:up:2",
                                      "pbl:1:up:0:2",
                                      "col:2",
                                      "col:1:zz",
                                      "gr:2",
                                      "gr:1:zz",
                                      "wmu:!",
                                      "wmt:!",
                                      "wmt:_w",
                                      "wmt:AA",
                                      "wms:-1",
                                      "wms:1:-1",
                                      "wmr:x",
                                      "wmsh:-1",
                                      "jpgo:1:1:1:1:1:9",
                                      "pngo:1:1:1",
                                      "pngo:1:1:257",
                                      "webpo:x",
                                      "webpo:lossy:1:x",
                                      "avifo:maybe",
                                      "dpi:-1",
                                      "cp:%zz",
                                      "cp:..%2fx",
                                      "cp:.x",
                                      "cp:a%2Fb",
                                      "cp:a%00b",
                                      "st:!",
                                      "st:_w",
                                      "aq:ml",
                                      "aq:best",
                                      "aq:dssim:-1",
                                      "aq:dssim:1:0",
                                      "aq:dssim:1:1:101",
                                      "aq:dssim:1:1:1:-1",
                                      "pg:-1",
                                      "pgs:0",
                                      "vts:-1",
                                      "hs:md5",
                                      "hs:md5:00",
                                      "hs:crc:00",
                                      "hs:md5:zz112233445566778899aabbccddeeff",
                                      "vtt:1",
                                      "vtt:1:0:1:1:1",
                                      "vtt:1:1:0:1:1",
                                      "vtt:1:1:1:0:1",
                                      "vtt:1:1:1:1:0",
                                      "vtt:1:1001:1:1:1",
                                      "vtt:1:1:1:1:1:1:1:1:2",
                                      "vtt:x",
                                      "vta:1:0:1:1:1",
                                      "vta:1:1:0:1:1",
                                      "vta:x",
                                      "ct:a,b",
                                      "ct:a b",
                                      "fiu:!",
                                      "fiu:AA",
                                      "wmu:AA",
                                      "pr:nothing",
                                      "pr:"};
    static char tags[400];

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++)
        world_refuses(&w, bad[i], ALB_IMGPROXY_BAD_URL);
    size_t n = (size_t)snprintf(tags, sizeof(tags), "ct");
    for (int i = 0; i < ALB_IMGPROXY_TAGS_MAX + 1; i++)
        n += (size_t)snprintf(tags + n, sizeof(tags) - n, ":t");
    world_refuses(&w, tags, ALB_IMGPROXY_BAD_URL);
    n = (size_t)snprintf(tags, sizeof(tags), "ba:1");
    for (int i = 0; i < ALB_IMGPROXY_ARGS_MAX - 4; i++)
        n += (size_t)snprintf(tags + n, sizeof(tags) - n, ":0");
    (void)world_options(&w, tags);
    assert_int_equal(w.request.pipeline[0]->blur_areas.count, 32);
}

/* ---- /info ---- */

static void info(void **state)
{
    struct alb_imgproxy_info *i = &w.request.info;

    (void)state;
    assert_int_equal(world_parse(&w, "/info/" SOURCE), ALB_IMGPROXY_FINE);
    assert_true(w.request.is_info && i->size && i->format && i->dimensions && i->exif && !i->exif_canonical &&
                i->iptc);
    assert_true(i->xmp && i->video_meta && !i->alpha && !i->average && i->average_ignore_transparent &&
                i->palette == 0);
    assert_int_equal(
        world_parse(
            &w, "/info/s:0/f:0/d:0/exif:1:1/iptc:0/xmp:0/vm:0/do:0/cl:0/cs:1/b:1/sf:1/pn:1/a:1:1/" SOURCE),
        ALB_IMGPROXY_FINE);
    assert_true(!i->size && !i->format && !i->dimensions && i->exif && i->exif_canonical && !i->iptc &&
                !i->xmp && !i->video_meta);
    assert_true(i->colorspace && i->bands && i->sample_format && i->pages_number && i->alpha &&
                i->alpha_check);
    assert_int_equal(
        world_parse(
            &w,
            "/info/c:100:0.5:sm/p:16/avg:1:0/dc:1:1/bh:4:3/th:1/phash:1/chs:md5::sha256/pg:3/vts:2/" SOURCE),
        ALB_IMGPROXY_FINE);
    assert_near(i->crop_height, 0.5);
    assert_int_equal(i->crop_gravity.place, ALB_IMGPROXY_SM);
    assert_true(i->palette == 16 && i->average && !i->average_ignore_transparent && i->dominant &&
                i->dominant_build_missed);
    assert_true(i->blurhash_x == 4 && i->blurhash_y == 3 && i->thumb_hash && i->perceptual_hash);
    assert_int_equal(i->hashes, 1U << ALB_IMGPROXY_HASH_MD5 | 1U << ALB_IMGPROXY_HASH_SHA256);
    assert_int_equal(w.request.page, 3);
    assert_int_equal(world_parse(&w, "/info/do:false/dc:1/cb:x/exp:1800000000/hs:none/plain/http://h/a@png"),
                     ALB_IMGPROXY_FINE);
    assert_int_equal(w.request.format, ALB_IMGPROXY_FORMAT_NONE);
    static const char *const bad[] = {"w:1",     "p:1",      "p:257", "p:-1",   "bh:4",  "bh:10:1", "bh:1:x",
                                      "chs:crc", "do:1",     "cl:3",  "cl:3:a", "do:x",  "op:ce",   "c:-1",
                                      "c:1:x",   "c:1:1:re", "-",     "s:1:1",  "rs:fit"};
    for (size_t k = 0; k < ALB_ARRAY_LEN(bad); k++) {
        char path[100];
        (void)snprintf(path, sizeof(path), "/info/%s/" SOURCE, bad[k]);
        if (world_parse(&w, path) != ALB_IMGPROXY_BAD_URL)
            fail_msg("%s was taken", path);
    }
    assert_int_equal(world_parse(&w, "/info/plain/http://h/a@foo"), ALB_IMGPROXY_BAD_URL);
    assert_int_equal(world_parse(&w, "/info/msr:1/" SOURCE), ALB_IMGPROXY_SECURITY_OPTION);
}

static void info_presets(void **state)
{
    static const char *const env[] = {"IMGPROXY_INFO_PRESETS=default=xmp:0,hash=blurhash:4:3",
                                      "IMGPROXY_PRESETS=hash=width:5", "IMGPROXY_INFO_ONLY_PRESETS=1",
                                      "IMGPROXY_ALLOWED_INFO_OPTIONS=exif", NULL};
    struct world only;

    (void)state;
    world_begin(&only, env);
    assert_int_equal(world_parse(&only, "/info/hash/" SOURCE), ALB_IMGPROXY_FINE);
    assert_true(only.request.info.blurhash_x == 4 && !only.request.info.xmp && only.request.presets == 2);
    assert_int_equal(world_parse(&only, "/info/exif:1/" SOURCE), ALB_IMGPROXY_BAD_URL);
    assert_int_equal(world_options(&only, "pr:hash")->width, 5);
    world_end(&only);
}

/* ---- presets ---- */

static void presets(void **state)
{
    static const char *const env[] = {"IMGPROXY_PRESETS=default=q:70/rt:fill,test1=w:100/pr:test2, test2 = "
                                      "blur:0.2 ,loop=pr:loop/h:7,test1=w:200/pr:test2",
                                      "IMGPROXY_ARGUMENTS_SEPARATOR=:", NULL};
    struct world many;

    (void)state;
    world_begin(&many, env);
    struct alb_imgproxy_pipeline *p = world_options(&many, "h:5");
    assert_true(many.request.quality == 70 && p->resize == ALB_IMGPROXY_FILL && p->height == 5);
    assert_int_equal(many.request.presets, 1);
    p = world_options(&many, "pr:test1/rt:fit");
    assert_true(p->width == 200 && p->resize == ALB_IMGPROXY_FIT);
    assert_near(p->blur, 0.2);
    assert_text(many.request.preset[2], "test2");
    p = world_options(&many, "w:1/preset:loop:test2");
    assert_int_equal(p->height, 7);
    assert_int_equal(many.request.warnings, 1);
    assert_non_null(strstr(many.request.warning[0].p, "loop"));
    world_refuses(&many, "pr:test3", ALB_IMGPROXY_BAD_URL);
    world_end(&many);
}

static void only_presets(void **state)
{
    static const char *const env[] = {"IMGPROXY_PRESETS=test1=blur:0.2,test2=quality:50",
                                      "IMGPROXY_ONLY_PRESETS=true", NULL};
    struct world only;

    (void)state;
    world_begin(&only, env);
    struct alb_imgproxy_pipeline *p = world_options(&only, "test1:test2");
    assert_near(p->blur, 0.2);
    assert_int_equal(only.request.quality, 50);
    assert_int_equal(world_parse(&only, "test1/aHR0cDovL2g.png"), ALB_IMGPROXY_FINE);
    assert_int_equal(only.request.format, ALB_IMGPROXY_PNG);
    assert_int_equal(world_parse(&only, "w:5/" SOURCE), ALB_IMGPROXY_BAD_URL);
    assert_int_equal(world_parse(&only, "test1"), ALB_IMGPROXY_BAD_URL);
    world_end(&only);
}

static void nesting(void **state)
{
    static char text[2000] = "IMGPROXY_PRESETS=";
    const char *const env[] = {text, NULL};
    struct alb_imgproxy_config *config;
    struct alb_err err = ALB_ERR_INIT;
    size_t n = strlen(text);

    (void)state;
    for (int i = 0; i < ALB_IMGPROXY_NESTING_MAX + 2; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "p%d=pr:p%d,", i, i + 1);
    (void)snprintf(text + n, sizeof(text) - n, "p%d=w:1", ALB_IMGPROXY_NESTING_MAX + 2);
    assert_int_equal(alb_imgproxy_config_from_env(env, &config, NULL, &err), ALB_E_INVALID);
    assert_non_null(strstr(err.msg, "nested"));
    assert_null(config);
}

static void definitions(void **state)
{
    static const char *const bad[] = {"abc", "a=b=c", "=w:1", "a=", "a = ", " = w:1"};
    static const char *const wrong[] = {"a=w:1/abc", "a=foo:1", "a=w:x", "a=pr:b", "a=msr:5", "a=/"};
    struct alb_imgproxy_preset p;
    struct alb_err err = ALB_ERR_INIT;

    (void)state;
    assert_int_equal(alb_imgproxy_preset_parse(ALB_STR("  a = w:1/h:2 "), &p, &err), ALB_OK);
    assert_text(p.name, "a");
    assert_text(p.options, "w:1/h:2");
    assert_int_equal(alb_imgproxy_preset_parse(ALB_STR(" # a = b"), &p, &err), ALB_OK);
    assert_int_equal(p.name.n, 0);
    assert_int_equal(alb_imgproxy_preset_parse(ALB_STR("  "), &p, &err), ALB_OK);
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++)
        assert_int_equal(alb_imgproxy_preset_parse(alb_str_c(bad[i]), &p, NULL), ALB_E_INVALID);
    for (size_t i = 0; i < ALB_ARRAY_LEN(wrong); i++) {
        char text[100];
        const char *const env[] = {text, NULL};
        struct alb_imgproxy_config *config;
        alb_err_clear(&err);
        (void)snprintf(text, sizeof(text), "IMGPROXY_PRESETS=%s", wrong[i]);
        assert_int_equal(alb_imgproxy_config_from_env(env, &config, NULL, &err), ALB_E_INVALID);
        assert_non_null(strstr(err.msg, "IMGPROXY_PRESETS"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(geometry),    cmocka_unit_test(colours),      cmocka_unit_test(filters),
        cmocka_unit_test(watermarks),  cmocka_unit_test(encoders),     cmocka_unit_test(sources),
        cmocka_unit_test(refused),     cmocka_unit_test(info),         cmocka_unit_test(info_presets),
        cmocka_unit_test(presets),     cmocka_unit_test(only_presets), cmocka_unit_test(nesting),
        cmocka_unit_test(definitions),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
