/* SPDX-License-Identifier: Apache-2.0
 *
 * Request targets of imgproxy's language (doors/imgproxy): mending, signature, options, presets, source, what is
 * allowed, and all of it in words. Nothing harms; a refusal has its reason; what is taken is typed, finite and bounded,
 * is the same each time, and no host gets past a pattern that it does not fit.
 */
#include <math.h>
#include <string.h>

#include "base/check.h"
#include "doors/imgproxy/env.h"
#include "doors/imgproxy/explain.h"
#include "doors/imgproxy/signature.h"
#include "fuzz.h"

#define MEMORY ((size_t)4 << 20)
#define OUTPUT ((size_t)1 << 20)

/* The first byte chooses: "0", "1" ... in the seeds. */
static const char *const settings[][8] = {
    {NULL},
    {"IMGPROXY_KEY=736563726574,00", "IMGPROXY_SALT=68656c6c6f,01", "IMGPROXY_PATH_PREFIX=/p", NULL},
    {"IMGPROXY_BASE64_URL_INCLUDES_FILENAME=1", "IMGPROXY_BASE_URL=http://b/",
     "IMGPROXY_SOURCE_URL_ENCRYPTION_KEY=1eb5b0e971ad7f45324c1bb15c947cb207c43152fa5c6c7f35c4f36e0c18e0f1",
     "IMGPROXY_URL_REPLACEMENTS=m://*/=http://${1}.x/;*-*-*=$2$$$1", NULL},
    {"IMGPROXY_PRESETS=default=q:5,a=w:1/pr:b,b=rs:fill:5:6/-/blur:2/pr:a:c,c=g:fp:0:1",
     "IMGPROXY_INFO_PRESETS=a=bh:1:1", NULL},
    {"IMGPROXY_PRESETS=a=w:1,b=h:2/-/h:3", "IMGPROXY_ONLY_PRESETS=1", "IMGPROXY_INFO_ONLY_PRESETS=0", NULL},
    {"IMGPROXY_ALLOW_SECURITY_OPTIONS=1", "IMGPROXY_ALLOW_BYPASS_CACHE=1", "IMGPROXY_ARGUMENTS_SEPARATOR=,",
     "IMGPROXY_ALLOWED_SOURCES=http://*.cdn.dev/,https://h:*/a/*/c", "IMGPROXY_MAX_CHAINED_PIPELINES=3",
     NULL},
    {"IMGPROXY_ALLOWED_SOURCES=http://*.cdn.dev/", "IMGPROXY_ALLOWED_PROCESSING_OPTIONS=w,rs,wm,wmu,fiu",
     NULL},
};

static bool is_in(double v, double low, double high)
{
    return isfinite(v) && v >= low && v <= high;
}

static void check_pipeline(const struct alb_imgproxy_pipeline *p)
{
    ALB_CHECK(p->width >= 0 && p->height >= 0 && p->min_width >= 0 && p->min_height >= 0);
    ALB_CHECK(isfinite(p->zoom_x) && isfinite(p->zoom_y) && isfinite(p->dpr));
    ALB_CHECK(p->zoom_x > 0 && p->zoom_y > 0 && p->dpr > 0);
    ALB_CHECK(p->rotate % 90 == 0 && p->rotate < 360);
    ALB_CHECK(isfinite(p->gravity.x) && isfinite(p->gravity.y) && p->gravity.place <= ALB_IMGPROXY_FP);
    ALB_CHECK(p->extend.gravity.place != ALB_IMGPROXY_SM && p->extend.gravity.place < ALB_IMGPROXY_RE);
    ALB_CHECK(is_in(p->crop.width, 0, HUGE_VAL) && is_in(p->crop.height, 0, HUGE_VAL));
    ALB_CHECK(is_in(p->watermark.opacity, 0, 1) && p->background <= 0xffffff);
    ALB_CHECK(is_in(p->gradient.ramp.angle, 0, 360) && p->gradient.ramp.angle < 360);
    ALB_CHECK(is_in(p->gradient.ramp.start, 0, 1) && is_in(p->blur, 0, HUGE_VAL));
    ALB_CHECK(p->blur_areas.count <= ALB_IMGPROXY_AREAS_MAX && p->watermark.text.n <= ALB_IMGPROXY_TEXT_MAX);
    ALB_CHECK(p->padding.top >= 0 && p->padding.left >= 0);
}

static void check_request(const struct alb_imgproxy_request *r)
{
    ALB_CHECK(r->pipelines >= 1 && r->pipelines <= ALB_IMGPROXY_PIPELINES_MAX);
    for (size_t i = 0; i < r->pipelines; i++)
        check_pipeline(r->pipeline[i]);
    ALB_CHECK(r->source.url.n > 0 && r->source.url.n <= ALB_IMGPROXY_SOURCE_MAX &&
              !alb_str_has_control(r->source.written));
    ALB_CHECK(r->format != ALB_IMGPROXY_PDF && r->format != ALB_IMGPROXY_MP4 && r->quality <= 100);
    ALB_CHECK(r->limits.source_pixels >= 0 && r->limits.frames >= 1 && r->pages >= 1 && r->page >= 0);
    ALB_CHECK(r->filename.n <= ALB_IMGPROXY_NAME_MAX && alb_str_find(r->color_profile, '/') == ALB_STR_NPOS);
    ALB_CHECK(r->info.palette != 1 && r->info.palette <= 256);
}

/* Read in another way than the door reads it: the host that a client would go to. */
static void check_host(struct alb_str url)
{
    struct alb_str rest = alb_str_from(url, strlen("http://")), host = rest;
    size_t n = 0;

    while (n < rest.n && strchr("/?#", rest.p[n]) == NULL)
        n++;
    host.n = n;
    ALB_CHECK(alb_str_find(host, '@') == ALB_STR_NPOS && alb_str_find(host, '\\') == ALB_STR_NPOS);
    if (alb_str_ends(host, ALB_STR(":80")))
        host.n -= 3;
    else if (alb_str_ends(host, ALB_STR(":")))
        host.n -= 1;
    ALB_CHECK(alb_str_ends_ci(host, ALB_STR(".cdn.dev")));
    ALB_CHECK(alb_str_find(alb_str_sub(host, 0, host.n - 8), '.') == ALB_STR_NPOS);
}

static void check_sources(const struct alb_imgproxy_config *c, const struct alb_imgproxy_request *r)
{
    struct alb_err err = ALB_ERR_INIT;
    enum alb_imgproxy_refusal refusal = alb_imgproxy_request_check_sources(c, r, &err);

    ALB_CHECK((refusal == ALB_IMGPROXY_FINE) == (err.msg[0] == '\0'));
    if (refusal == ALB_IMGPROXY_FINE && c->allowed_sources.count > 0 &&
        r->source.scheme == ALB_IMGPROXY_SOURCE_HTTP)
        check_host(r->source.url);
}

static void parse(const struct alb_imgproxy_config *c, struct alb_arena *arena, struct alb_str target,
                  struct alb_buf *words)
{
    struct alb_imgproxy_setting set = {.config = c, .arena = arena, .now = 1700000000};
    struct alb_imgproxy_request *r = ALB_ARENA_NEW(arena, struct alb_imgproxy_request);
    struct alb_imgproxy_url url;
    struct alb_err err = ALB_ERR_INIT;
    enum alb_imgproxy_refusal refusal;

    ALB_CHECK(r != NULL);
    refusal = alb_imgproxy_url_split(c, arena, target, &url, &err);
    if (refusal == ALB_IMGPROXY_FINE) {
        ALB_CHECK(url.signature.n > 0 && url.path.n > 0 && url.path.n <= url.received.n + 2);
        struct alb_str s = alb_imgproxy_signature_make(arena, ALB_STR("k"), ALB_STR("s"), 32, url.path);
        ALB_CHECK(s.n == 43);
        (void)alb_imgproxy_explain_signature(c, arena, &url, target, ALB_STR("http://o"), words);
        refusal = alb_imgproxy_request_parse(&set, &url, r, &err);
    }
    ALB_CHECK((refusal == ALB_IMGPROXY_FINE) == (err.msg[0] == '\0'));
    if (refusal != ALB_IMGPROXY_FINE) {
        alb_buf_c(words, err.msg);
        return;
    }
    check_request(r);
    check_sources(c, r);
    alb_imgproxy_describe(c, r, words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t which = (uint8_t)(fuzz_take_byte(&data, &size) - '0') % ALB_ARRAY_LEN(settings);
    struct alb_str target = alb_str_n((const char *)data, size);
    struct alb_imgproxy_config *c;
    struct alb_buf first = ALB_BUF_INIT(OUTPUT), again = ALB_BUF_INIT(OUTPUT);
    struct alb_arena *arena = alb_arena_new(MEMORY), *other = alb_arena_new(MEMORY);

    ALB_CHECK(arena != NULL && other != NULL);
    ALB_CHECK(alb_imgproxy_config_from_env(settings[which], &c, NULL, NULL) == ALB_OK);
    parse(c, arena, target, &first);
    parse(c, other, target, &again);
    ALB_CHECK(alb_str_eq(alb_buf_view(&first), alb_buf_view(&again)));
    alb_buf_fini(&first);
    alb_buf_fini(&again);
    alb_arena_free(&arena);
    alb_arena_free(&other);
    alb_imgproxy_config_unref(c);
    return 0;
}
