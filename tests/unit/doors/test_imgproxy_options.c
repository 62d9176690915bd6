/* SPDX-License-Identifier: Apache-2.0
 *
 * Processing options of imgproxy's open source edition: what each row of the reference says, and what is refused.
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

static void nothing_asked_for(void **state)
{
    (void)state;
    assert_int_equal(world_parse(&w, SOURCE), ALB_IMGPROXY_FINE);
    struct alb_imgproxy_pipeline *p = w.request.pipeline[0];
    assert_int_equal(w.request.pipelines, 1);
    assert_int_equal(p->given | w.request.given, 0);
    assert_true(p->resize == ALB_IMGPROXY_FIT && p->width == 0 && p->height == 0 && !p->enlarge);
    assert_near(p->dpr, 1);
    assert_near(p->zoom_x, 1);
    assert_int_equal(p->gravity.place, ALB_IMGPROXY_CE);
    assert_int_equal(p->crop.gravity.place, ALB_IMGPROXY_NOWHERE);
    assert_true(p->auto_rotate && !p->background_on && !p->trim.on && !p->extend.on);
    assert_true(w.request.strip_metadata && w.request.keep_copyright && w.request.strip_profile);
    assert_int_equal(w.request.format, ALB_IMGPROXY_FORMAT_NONE);
    assert_int_equal(w.request.format_quality[ALB_IMGPROXY_AVIF], 63);
    assert_int_equal(w.request.limits.source_pixels, 50000000);
    assert_text(w.request.source.url, "http://h/a.jpg");
}

static void sizes(void **state)
{
    (void)state;
    struct alb_imgproxy_pipeline *p = world_options(&w, "rs:fill:300:400:1:1:so:10:0.5");
    assert_true(p->resize == ALB_IMGPROXY_FILL && p->width == 300 && p->height == 400 && p->enlarge &&
                p->extend.on);
    assert_int_equal(p->extend.gravity.place, ALB_IMGPROXY_SO);
    assert_near(p->extend.gravity.x, 10);
    assert_near(p->extend.gravity.y, 0.5);
    assert_true((p->given & ALB_IMGPROXY_GIVEN_SIZE) != 0 && (p->given & ALB_IMGPROXY_GIVEN_RESIZE) != 0);
    p = world_options(&w, "resize:::5");
    assert_true(p->resize == ALB_IMGPROXY_FIT && p->width == 0 && p->height == 5);
    p = world_options(&w, "size:100:200:0::ignored");
    assert_true(p->width == 100 && p->height == 200 && !p->enlarge && !p->extend.on);
    p = world_options(&w, "s:100");
    assert_int_equal(p->width, 100);
    p = world_options(&w, "rt:fill-down/w:10/h:20/mw:30/mh:40/el:t/z:2/dpr:1.5");
    assert_true(p->resize == ALB_IMGPROXY_FILL_DOWN && p->width == 10 && p->height == 20 &&
                p->min_width == 30);
    assert_true(p->min_height == 40 && p->enlarge);
    assert_near(p->zoom_y, 2);
    assert_near(p->dpr, 1.5);
    p = world_options(&w, "zoom:2:0.5");
    assert_near(p->zoom_x, 2);
    assert_near(p->zoom_y, 0.5);
    p = world_options(&w, "w:100/rs::200/w:+300");
    assert_int_equal(p->width, 300); /* later wins */
    p = world_options(&w, "w:99999999999");
    assert_int_equal(p->width, 99999999999);
    p = world_options(&w, "exar:1:fp:0.25:1");
    assert_true(p->extend_ar.on && !p->extend.on && p->extend_ar.gravity.place == ALB_IMGPROXY_FP);
    assert_near(p->extend_ar.gravity.x, 0.25);
    static const char *const types[] = {"fit", "fill", "fill-down", "force", "auto"};
    for (int i = 0; i < 5; i++) {
        char option[32];
        (void)snprintf(option, sizeof(option), "resizing_type:%s", types[i]);
        assert_int_equal(world_options(&w, option)->resize, i);
    }
}

static void gravity_and_crop(void **state)
{
    (void)state;
    struct alb_imgproxy_pipeline *p = world_options(&w, "gravity:soea");
    assert_int_equal(p->gravity.place, ALB_IMGPROXY_SOEA);
    p = world_options(&w, "g:fp:0.5:0.75");
    assert_int_equal(p->gravity.place, ALB_IMGPROXY_FP);
    assert_near(p->gravity.y, 0.75);
    p = world_options(&w, "g:no:10:20/g:we");
    assert_near(p->gravity.x, 10); /* each sub-field for itself */
    p = world_options(&w, "g:no:10:20/g:sm");
    assert_int_equal(p->gravity.place, ALB_IMGPROXY_SM);
    assert_near(p->gravity.x, 0);
    p = world_options(&w, "g:ce::-5");
    assert_near(p->gravity.y, -5);
    p = world_options(&w, "crop:100:200");
    assert_near(p->crop.width, 100);
    assert_near(p->crop.height, 200);
    assert_int_equal(p->crop.gravity.place, ALB_IMGPROXY_NOWHERE);
    p = world_options(&w, "c:0.5:0:nowe:10:20");
    assert_near(p->crop.width, 0.5);
    assert_int_equal(p->crop.gravity.place, ALB_IMGPROXY_NOWE);
    assert_near(p->crop.gravity.y, 20);
    p = world_options(&w, "c:1e2");
    assert_near(p->crop.width, 100);
}

static void turning(void **state)
{
    static const struct {
        const char *option;
        int angle;
    } angles[] = {{"rot:90", 90},   {"rotate:180", 180}, {"rot:270", 270}, {"rot:360", 0},   {"rot:450", 90},
                  {"rot:-90", 270}, {"rot:-360", 0},     {"rot:0", 0},     {"rot:-450", 270}};

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(angles); i++)
        assert_int_equal(world_options(&w, angles[i].option)->rotate, angles[i].angle);
    struct alb_imgproxy_pipeline *p = world_options(&w, "fl::1/ar:0");
    assert_true(!p->flip_h && p->flip_v && !p->auto_rotate &&
                (p->given & ALB_IMGPROXY_GIVEN_AUTO_ROTATE) != 0);
    p = world_options(&w, "flip:1");
    assert_true(p->flip_h && !p->flip_v);
}

static void borders(void **state)
{
    (void)state;
    struct alb_imgproxy_pipeline *p = world_options(&w, "pd:1");
    assert_true(p->padding.top == 1 && p->padding.right == 1 && p->padding.bottom == 1 &&
                p->padding.left == 1);
    p = world_options(&w, "pd:1:2");
    assert_true(p->padding.top == 1 && p->padding.right == 2 && p->padding.bottom == 1 &&
                p->padding.left == 2);
    p = world_options(&w, "pd::2::4");
    assert_true(p->padding.top == 0 && p->padding.right == 2 && p->padding.bottom == 0 &&
                p->padding.left == 4);
    p = world_options(&w, "pd:::3/pd::2");
    assert_true(p->padding.top == 0 && p->padding.right == 2 && p->padding.bottom == 3 &&
                p->padding.left == 2);
    p = world_options(&w, "pd:1:2:3:4/pd::5");
    assert_true(p->padding.top == 1 && p->padding.right == 5 && p->padding.bottom == 1 &&
                p->padding.left == 5);
    p = world_options(&w, "pd:7/pd::::9");
    assert_true(p->padding.top == 7 && p->padding.right == 7 && p->padding.bottom == 7 &&
                p->padding.left == 9);
    p = world_options(&w, "padding:100:200:300:400");
    assert_true(p->padding.bottom == 300 && p->padding.left == 400);
    p = world_options(&w, "trim:10:f80:1:t");
    assert_true(p->trim.on && p->trim.coloured && p->trim.colour == 0xff8800 && p->trim.equal_hor &&
                p->trim.equal_ver);
    assert_near(p->trim.threshold, 10);
    p = world_options(&w, "t:10:fff/t:5");
    assert_true(p->trim.on && !p->trim.coloured);
    p = world_options(&w, "t:10/t:");
    assert_false(p->trim.on);
}

static void colours_and_filters(void **state)
{
    (void)state;
    struct alb_imgproxy_pipeline *p = world_options(&w, "bg:128:129:130");
    assert_true(p->background_on && p->background == 0x808182);
    p = world_options(&w, "background:ffddee");
    assert_int_equal(p->background, 0xffddee);
    p = world_options(&w, "background:fff/background:");
    assert_false(p->background_on);
    p = world_options(&w, "bl:0.2/sh:0.7/pix:8");
    assert_near(p->blur, 0.2);
    assert_near(p->sharpen, 0.7);
    assert_int_equal(p->pixelate, 8);
    p = world_options(&w, "wm:0.5:soea:10:-20:0.6");
    assert_near(p->watermark.opacity, 0.5);
    assert_int_equal(p->watermark.gravity.place, ALB_IMGPROXY_SOEA);
    assert_near(p->watermark.gravity.y, -20);
    assert_near(p->watermark.scale, 0.6);
    p = world_options(&w, "wm:1:re:5:5:0:x:y");
    assert_int_equal(p->watermark.gravity.place, ALB_IMGPROXY_RE);
}

static void results(void **state)
{
    (void)state;
    (void)world_options(&w, "q:55/fq:jpg:10:webp:20/mb:1000/f:webp/sm:0/kcr:0/scp:0/ph:1/eth:1");
    struct alb_imgproxy_request *r = &w.request;
    assert_int_equal(r->quality, 55);
    assert_int_equal(r->format_quality[ALB_IMGPROXY_JPEG], 10);
    assert_int_equal(r->format_quality[ALB_IMGPROXY_WEBP], 20);
    assert_int_equal(r->format_quality[ALB_IMGPROXY_AVIF], 63);
    assert_int_equal(r->max_bytes, 1000);
    assert_int_equal(r->format, ALB_IMGPROXY_WEBP);
    assert_true(!r->strip_metadata && !r->keep_copyright && !r->strip_profile && r->preserve_hdr &&
                r->enforce_thumbnail);
    assert_true((r->given & ALB_IMGPROXY_GIVEN_STRIP) != 0 && (r->given & ALB_IMGPROXY_GIVEN_FORMAT) != 0);
    (void)world_options(&w, "skp:jpg:png/raw:1/cb:abc/att:1/fn:my%20file/exp:1800000000");
    assert_int_equal(r->skip_formats,
                     ALB_IMGPROXY_FORMAT_BIT(ALB_IMGPROXY_JPEG) | ALB_IMGPROXY_FORMAT_BIT(ALB_IMGPROXY_PNG));
    assert_true(r->raw && r->attachment);
    assert_text(r->cachebuster, "abc");
    assert_text(r->filename, "my%20file");
    assert_int_equal(r->expires, 1800000000);
    (void)world_options(&w, "fn:cHVwcHk:1/cb:x/cb:");
    assert_text(r->filename, "puppy");
    assert_int_equal(r->cachebuster.n, 0);
    (void)world_options(&w, "fn:cHVwcHk:no/exp:0");
    assert_text(r->filename, "cHVwcHk");
    assert_int_equal(r->expires, 0);
    (void)world_options(&w, "ext:best/exp:-5/f:tiff");
    assert_int_equal(r->format, ALB_IMGPROXY_TIFF);
    (void)world_options(&w, "exp:1700000000"); /* this very second */
}

static void extensions(void **state)
{
    (void)state;
    assert_int_equal(world_parse(&w, "f:png/plain/http://h/a@webp"), ALB_IMGPROXY_FINE);
    assert_int_equal(w.request.format, ALB_IMGPROXY_WEBP);
    assert_int_equal(world_parse(&w, "f:png/plain/http://h/a@"), ALB_IMGPROXY_FINE);
    assert_int_equal(w.request.format, ALB_IMGPROXY_PNG);
    assert_int_equal(world_parse(&w, "plain/http://h/a@jpgg"), ALB_IMGPROXY_BAD_URL);
    assert_int_equal(world_parse(&w, "raw:1/plain/http://h/a@jpgg"), ALB_IMGPROXY_FINE);
    assert_int_equal(world_parse(&w, "raw:0/plain/http://h/a@jpgg"), ALB_IMGPROXY_BAD_URL);
    assert_int_equal(world_parse(&w, "plain/http://h/a@mp4"), ALB_IMGPROXY_BAD_URL);
    assert_non_null(strstr(w.err.msg, "not written"));
}

static void booleans(void **state)
{
    (void)state;
    struct alb_imgproxy_pipeline *p = world_options(&w, "el:1/el:yes");
    assert_false(p->enlarge);
    assert_int_equal(w.request.warnings, 1);
    assert_non_null(strstr(w.request.warning[0].p, "\"yes\" is no boolean"));
    (void)world_options(
        &w, "el:a/el:a/el:a/el:a/el:a/el:a/el:a/el:a/el:a/el:a/el:a/el:a/el:a/el:a/el:a/el:a/el:a/el:a");
    assert_int_equal(w.request.warnings, ALB_IMGPROXY_WARNINGS_MAX);
}

static void refused(void **state)
{
    static const char *const bad[] = {"extend:1:sm",
                                      "extend:1:re",
                                      "extend:1:",
                                      "gravity:re",
                                      "gravity:ch",
                                      "crop:1:1:re",
                                      "g:fp:0.5",
                                      "g:fp:0.5:1.5",
                                      "g:fp:0.5:-0.1",
                                      "g:fp:0.5:0.5:1",
                                      "g:sm:1",
                                      "g:ce:1:2:3",
                                      "g:xx",
                                      "g:ce:a",
                                      "rot:45",
                                      "rot:1.5",
                                      "rot:",
                                      "wm:1.5",
                                      "wm:-0.1",
                                      "wm:0.5:sm",
                                      "wm:0.5:fp",
                                      "wm:0.5:xx",
                                      "wm:0.5:ce:a",
                                      "wm:0.5:ce:1:a",
                                      "wm:0.5:ce:1:1:-1",
                                      "wm:a",
                                      "wm:",
                                      "wm:1:ce:0:0:1:1:1:1",
                                      "bg:1:2",
                                      "bg:ffff",
                                      "bg:1:2:256",
                                      "bg:1:2:-3",
                                      "bg:1:2:3:4",
                                      "w:-1",
                                      "w:a",
                                      "w:",
                                      "w:1.5",
                                      "w:1:2",
                                      "h:-1",
                                      "mw:-1",
                                      "mh:x",
                                      "z:0",
                                      "z:-1",
                                      "z:1:0",
                                      "z:1:1:1",
                                      "dpr:0",
                                      "dpr:-1",
                                      "dpr:Inf",
                                      "dpr:NaN",
                                      "crop:NaN",
                                      "crop:Inf",
                                      "crop:-1",
                                      "crop:",
                                      "crop:1:",
                                      "crop:1:-1",
                                      "c:1:1:ce:1:1:1",
                                      "rs:fit:1:1:1:1:ce:1:1:1",
                                      "rs:foo",
                                      "s:1:1:1:1:ce:1:1:1",
                                      "s:a",
                                      "s:1:a",
                                      "rt:",
                                      "rt:Fill",
                                      "q:101",
                                      "q:-1",
                                      "q:x",
                                      "fq:jpg",
                                      "fq:jpg:101",
                                      "fq:foo:1",
                                      "mb:-1",
                                      "f:jpgg",
                                      "f:JPG",
                                      "f:tif",
                                      "f:",
                                      "f:mp4",
                                      "f:pdf",
                                      "skp:jpg:bad",
                                      "skp:",
                                      "exp:1609448400",
                                      "exp:a",
                                      "exp:",
                                      "exp:1699999999",
                                      "pd:-1",
                                      "pd:1:1:1:1:1",
                                      "pd:a",
                                      "t:a",
                                      "t:-1",
                                      "t:1:ff",
                                      "t:1:fff:1:1:1",
                                      "bl:-1",
                                      "bl:NaN",
                                      "sh:-0.5",
                                      "pix:-1",
                                      "pix:1.5",
                                      "fl:1:1:1",
                                      "ar:1:1",
                                      "raw:1:1",
                                      "cb:1:2",
                                      "fn:a:b:c",
                                      "fn:%:1",
                                      "fn:AA:1",
                                      "foo:1",
                                      "W:1",
                                      "width_:1",
                                      "min_width:1",
                                      "min-Width:1",
                                      ":",
                                      ":1",
                                      "el:1:1",
                                      "gravity:obj:face",
                                      "g:objw:face:2",
                                      "c:1:1:obj",
                                      "objects_position:ce",
                                      "obj_pos:prop",
                                      "op:ce",
                                      "crop_objects:1.2",
                                      "blur_detections:5",
                                      "bd:5",
                                      "draw_detections:1",
                                      "dd:1:face",
                                      "co:1.2:face"};
    static const char *const whole[] = {"fit/300/200/no/0/plain/http://h/a",
                                        "fill-down/1/1/plain/x",
                                        "w:100",
                                        "w:100/",
                                        "w:100/plain/",
                                        "w:1//" SOURCE,
                                        "raw/" SOURCE,
                                        "-",
                                        "-/-"};
    char name[1200] = "cb:";

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++)
        world_refuses(&w, bad[i], ALB_IMGPROXY_BAD_URL);
    for (size_t i = 0; i < ALB_ARRAY_LEN(whole); i++) {
        if (world_parse(&w, whole[i]) != ALB_IMGPROXY_BAD_URL)
            fail_msg("%s was taken", whole[i]);
    }
    (void)world_parse(&w, "fit/300/200/no/0/plain/http://h/a");
    assert_non_null(strstr(w.err.msg, "basic URL format"));
    world_refuses(&w, "g:obj:face", ALB_IMGPROXY_BAD_URL);
    assert_non_null(strstr(w.err.msg, "machine learning"));
    memset(name + 3, 'a', sizeof(name) - 4);
    world_refuses(&w, name, ALB_IMGPROXY_TOO_LONG);
}

static void security(void **state)
{
    static const char *const allow[] = {"IMGPROXY_ALLOW_SECURITY_OPTIONS=1", "IMGPROXY_ALLOW_BYPASS_CACHE=1",
                                        NULL};
    static const char *const options[] = {"msr:1", "msfs:5", "maf:10", "mafr:2", "mrd:100", "bc:1"};
    struct world open;

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(options); i++)
        world_refuses(&w, options[i], ALB_IMGPROXY_SECURITY_OPTION);
    world_begin(&open, allow);
    (void)world_options(&open, "msr:1.5/msfs:5/maf:10/mafr:2/mrd:100/bc:1");
    assert_int_equal(open.request.limits.source_pixels, 1500000);
    assert_int_equal(open.request.limits.source_bytes, 5);
    assert_int_equal(open.request.limits.frames, 10);
    assert_int_equal(open.request.limits.frame_pixels, 2000000);
    assert_int_equal(open.request.limits.result_side, 100);
    assert_true(open.request.bypass_cache && (open.request.given & ALB_IMGPROXY_GIVEN_LIMITS) != 0);
    static const char *const bad[] = {"msr:-1", "msr:1e20", "msfs:-1", "maf:0", "mrd:-1", "mafr:x"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++)
        world_refuses(&open, bad[i], ALB_IMGPROXY_BAD_URL);
    world_end(&open);
}

static void allowed_options(void **state)
{
    static const char *const env[] = {"IMGPROXY_ALLOWED_PROCESSING_OPTIONS=w,h,pr",
                                      "IMGPROXY_PRESETS=t=width:5/blur:0.2", NULL};
    struct world few;

    (void)state;
    world_begin(&few, env);
    assert_int_equal(world_options(&few, "w:100/h:5")->width, 100);
    world_refuses(&few, "width:100", ALB_IMGPROXY_BAD_URL);
    world_refuses(&few, "w:100/blur:2", ALB_IMGPROXY_BAD_URL);
    assert_near(world_options(&few, "pr:t")->blur, 0.2); /* the list does not hold inside presets */
    assert_int_equal(world_parse(&few, "w:1/plain/http://h/a@png"), ALB_IMGPROXY_FINE);
    world_end(&few);
}

static void separators(void **state)
{
    static const char *const comma[] = {"IMGPROXY_ARGUMENTS_SEPARATOR=,", NULL};
    static const char *const two[] = {"IMGPROXY_ARGUMENTS_SEPARATOR=--", NULL};
    struct world other;

    (void)state;
    world_begin(&other, comma);
    struct alb_imgproxy_pipeline *p = world_options(&other, "size,100,100,1");
    assert_true(p->width == 100 && p->height == 100 && p->enlarge);
    assert_int_equal(world_parse(&other, "size:100:100/" SOURCE), ALB_IMGPROXY_BAD_URL);
    world_end(&other);
    world_begin(&other, two);
    assert_int_equal(world_options(&other, "s--100--50")->height, 50);
    assert_int_equal(world_options(&other, "w--1/-/w--2")->width, 1);
    world_end(&other);
}

static void hints(void **state)
{
    (void)state;
    w.hint_dpr = 2;
    w.hint_width = 301;
    assert_int_equal(world_parse(&w, SOURCE), ALB_IMGPROXY_FINE);
    assert_near(w.request.pipeline[0]->dpr, 2);
    assert_int_equal(w.request.pipeline[0]->width, 151); /* half away from zero */
    struct alb_imgproxy_pipeline *p = world_options(&w, "w:150/dpr:3");
    assert_near(p->dpr, 3);
    assert_int_equal(p->width, 150);
    w.hint_dpr = w.hint_width = 0;
}

static void pipelines(void **state)
{
    static const char *const env[] = {
        "IMGPROXY_MAX_CHAINED_PIPELINES=2",
        "IMGPROXY_PRESETS=test=width:300/height:300/-/width:200/height:200/-/width:100/height:200", NULL};
    struct world few;
    char many[200] = "";

    (void)state;
    (void)world_options(&w, "w:500/q:7/-/trim:10/f:png/-/w:5");
    assert_int_equal(w.request.pipelines, 3);
    assert_int_equal(w.request.pipeline[0]->width, 500);
    assert_true(w.request.pipeline[1]->trim.on && w.request.pipeline[1]->width == 0);
    assert_int_equal(w.request.pipeline[2]->width, 5);
    assert_true(w.request.quality == 7 && w.request.format == ALB_IMGPROXY_PNG);
    assert_true(w.request.pipeline[0]->auto_rotate && !w.request.pipeline[1]->auto_rotate);
    for (int i = 0; i < ALB_IMGPROXY_PIPELINES_MAX; i++)
        strncat(many, i > 0 ? "/-" : "-", sizeof(many) - strlen(many) - 1);
    world_refuses(&w, many, ALB_IMGPROXY_TOO_LONG);
    many[strlen(many) - 2] = '\0';
    (void)world_options(&w, many);
    assert_int_equal(w.request.pipelines, ALB_IMGPROXY_PIPELINES_MAX);

    world_begin(&few, env);
    (void)world_options(&few, "w:1/-/w:2");
    world_refuses(&few, "w:1/-/w:2/-/w:3", ALB_IMGPROXY_BAD_URL);
    (void)world_options(&few, "pr:test/-/w:7"); /* those of presets do not count */
    assert_int_equal(few.request.pipelines, 3);
    assert_int_equal(few.request.pipeline[1]->width, 7);
    assert_int_equal(few.request.pipeline[1]->height, 200);
    world_end(&few);
}

static void bounds(void **state)
{
    static char path[60000];
    size_t n = 0;

    (void)state;
    for (int i = 0; i < ALB_IMGPROXY_APPLIED_MAX + 1; i++)
        n += (size_t)snprintf(path + n, sizeof(path) - n, "w:%d/", i);
    (void)snprintf(path + n, sizeof(path) - n, SOURCE);
    assert_int_equal(world_parse(&w, path), ALB_IMGPROXY_TOO_LONG);
    memcpy(path, "ct", 2);
    memset(path + 2, ':', ALB_IMGPROXY_ARGS_MAX + 1);
    (void)snprintf(path + 2 + ALB_IMGPROXY_ARGS_MAX + 1, 100, "/" SOURCE);
    assert_int_equal(world_parse(&w, path), ALB_IMGPROXY_TOO_LONG);

    for (size_t cap = 512; cap < 16384; cap += 256) { /* wherever memory ends, it is said */
        struct alb_arena *arena = alb_arena_new(cap);
        struct alb_imgproxy_setting set = {.config = w.config, .arena = arena};
        struct alb_imgproxy_url url;
        struct alb_err err = ALB_ERR_INIT;
        enum alb_imgproxy_refusal r = alb_imgproxy_url_split(
            w.config, arena,
            ALB_STR("/s/el:x/-/wmu:aHR0cDovL2g/-/ba:1:0:0:1:1/wmt:YWJj/st:YWJj/cp:abc/fn:YWJj:1/" SOURCE),
            &url, &err);
        if (r == ALB_IMGPROXY_FINE)
            r = alb_imgproxy_request_parse(&set, &url, &w.request, &err);
        assert_true(r == ALB_IMGPROXY_FINE || r == ALB_IMGPROXY_NO_MEMORY);
        alb_arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_asked_for), cmocka_unit_test(sizes),
        cmocka_unit_test(gravity_and_crop),  cmocka_unit_test(turning),
        cmocka_unit_test(borders),           cmocka_unit_test(colours_and_filters),
        cmocka_unit_test(results),           cmocka_unit_test(extensions),
        cmocka_unit_test(booleans),          cmocka_unit_test(refused),
        cmocka_unit_test(security),          cmocka_unit_test(allowed_options),
        cmocka_unit_test(separators),        cmocka_unit_test(hints),
        cmocka_unit_test(pipelines),         cmocka_unit_test(bounds),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
