/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests in words, and mistakes in signatures. The mistakes that people make with whole URLs are tested end to end
 * (tests/e2e/test_sign.py); here are those that need a setting of their own.
 */
#include "imgproxy.h"

#include "base/codec.h"
#include "doors/imgproxy/explain.h"
#include "doors/imgproxy/signature.h"

static void says(struct world *w, const char *path, const char *const *words)
{
    struct alb_buf out = ALB_BUF_INIT((size_t)64 << 10);

    if (world_parse(w, path) != ALB_IMGPROXY_FINE)
        fail_msg("%s: %s", path, w->err.msg);
    alb_imgproxy_describe(w->config, &w->request, &out);
    for (; *words != NULL; words++) {
        if (strstr(alb_buf_cstr(&out), *words) == NULL)
            fail_msg("\"%s\" is not in\n%s", *words, alb_buf_cstr(&out));
    }
    alb_buf_fini(&out);
}

static void descriptions(void **state)
{
    static const char *const env[] = {"IMGPROXY_PRESETS=t=w:5", "IMGPROXY_BASE_URL=http://b/", NULL};
    struct world w;

    (void)state;
    world_begin(&w, env);
    says(&w, SOURCE,
         (const char *const[]){"http://b/http://h/a.jpg (plain)", "as written", "that of the source", NULL});
    says(&w, "el:1/mw:5/ra:cubic/z:2/dpr:2/ex:1:no:5/exar:1/g:no:0:5/c:1:2:sm/car:2:1/t:5:f80/" SOURCE,
         (const char *const[]){"enlarge", "5 x 0", "cubic", "2 x 2", "picture no at 5, 0", "picture ce",
                               "1 x 2, sm", "2, enlarge", "threshold 5, colour ff8800", NULL});
    says(&w, "rs:force:1/c:5/t:1/car:3/g:no:3/pd:1/ar:0/rot:90/fl:1:1/bg:fff/" SOURCE,
         (const char *const[]){"force to 1 x 0", "5 x 0, by gravity", "threshold 1", "no at 3, 0", "1 1 1 1",
                               "90 degrees", "horizontally vertically", "ffffff, alpha 1", NULL});
    says(&w, "a:1:2:3/mc:1/dt:1/col:1:f00:1/gr:1/bl:1/ba:1:0:0:1:1/pbl:1/sh:1/pix:2/ush:none/" SOURCE,
         (const char *const[]){"brightness 1, contrast 2, saturation 3", "b3b3b3", "000000 to ffffff",
                               "keeps alpha", "0 to 1", "1 areas", "progressive blur", "sharpen", "pixelate",
                               "none, weight 1", NULL});
    says(&w, "wm:0.5/wmu:aHR0cDovL2g/wms:1:2/wmr:5/wmsh:1/-/wm:1/wmt:YWJj/" SOURCE,
         (const char *const[]){"opacity 0.5, ce", "http://h", "1 x 2", "5 degrees", "watermark shadow",
                               "pipeline          2", "abc", NULL});
    says(&w, "q:5/fq:jpg:7/aq:size/mb:9/sm:0/kcr:0/scp:0/ph:1/dpi:300/cp:srgb/f:png/" SOURCE,
         (const char *const[]){"7 for jpeg", "size, target 0.02", "max bytes", "strip metadata",
                               "keep copyright", "strip profile", "preserve hdr", "300", "srgb", "png",
                               NULL});
    says(
        &w,
        "raw:1/pg:1/da:1/vts:2/vtk:1/fiu:aHR0cDovL2g/skp:gif/hs:md5:00112233445566778899aabbccddeeff/" SOURCE,
        (const char *const[]){"as it is", "1 from page 1", "disabled", "nearest key frame", "http://h", "gif",
                              "md5", NULL});
    says(&w, "cb:x/fn:y/att:1/exp:1800000000/pr:t/el:no/" SOURCE,
         (const char *const[]){"cache buster", "file name", "attachment", "1800000000", "preset",
                               "no boolean", NULL});
    says(&w,
         "rs:auto/mh:5/z:1:2/g:sm/c:1:1:ce:2:3/car:1/pd:0:0:0:1/fl:1/co:2/-/fl:0:1/sa:2/g:ce:5/"
         "c:0:1:no:0:1/" SOURCE,
         (const char *const[]){"auto to 0 x 0", "0 x 5", "1 x 2", "sm", "1 x 1, ce at 2, 3", "0 0 0 1",
                               "contrast 2", "vertically", "saturation 2", "ce at 5, 0", "0 x 1, no at 0, 1",
                               NULL});
    says(&w, "wm:1/wms:0:2/-/wm:0/wms:1/dt:0.5/col:0.5/pgs:2/vts:1/ct:a/" SOURCE,
         (const char *const[]){"0 x 2", "duotone", "2 from page 0", "at 1 s", NULL});
    says(&w, "/info/" SOURCE, (const char *const[]){"as JSON", NULL});
    world_end(&w);
}

static void explains(struct world *w, const char *target, const char *words, bool known)
{
    struct alb_buf out = ALB_BUF_INIT((size_t)64 << 10);
    struct alb_imgproxy_url url;

    assert_int_equal(alb_imgproxy_url_split(w->config, w->arena, alb_str_c(target), &url, NULL),
                     ALB_IMGPROXY_FINE);
    bool got =
        alb_imgproxy_explain_signature(w->config, w->arena, &url, alb_str_c(target), ALB_STR_NONE, &out);
    if (strstr(alb_buf_cstr(&out), words) == NULL || got != known)
        fail_msg("%s: \"%s\" is not in\n%s", target, words, alb_buf_cstr(&out));
    alb_buf_fini(&out);
}

static void mistakes(void **state)
{
    static const char *const env[] = {"IMGPROXY_KEY=6b6579,6b657932", "IMGPROXY_SALT=73616c74,73616c7432",
                                      "IMGPROXY_TRUSTED_SIGNATURES=friend", NULL};
    static const struct {
        const char *key, *salt, *signed_path, *path, *words;
        size_t size;
    } table[] = {
        {"key2", "salt2", "w:1/abc", "w:1/abc", "right (key 2)", 32},
        {"key", "salt2", "w:1/abc", "w:1/abc", "another pair", 32},
        {"6b6579", "salt", "w:1/abc", "w:1/abc", "the key was used as hexadecimal", 32},
        {"key", "73616c74", "w:1/abc", "w:1/abc", "the salt was used as hexadecimal", 32},
        {"key", "salt", "w:1/abc", "w:1/abc", "20 bytes", 20},
        {"key", "salt", "w:1/abc/", "w:1/abc", "stood at the end", 32},
        {"key", "salt", "w:1/abc", "w:1/abc/", "no '/' stood", 32},
        {"key", "salt", "abc", "w:1/abc", "only the source", 32},
        {"key", "salt", "w:1/plain/http:/h", "w:1/plain/http://h", "double slashes", 32},
        {"key", "salt", "plain/http://h/%2F", "plain/http://h/%2f", "upper case", 32},
        {"key", "salt", "plain/http://h/%2f", "plain/http://h/%2F", "lower case", 32},
        {"key", "salt", "plain/http://h/a%20b", "plain/http://h/a+b", "'+' arrived", 32},
        {"key", "salt", "plain/http://h/a+b", "plain/http://h/a%20b", "'%20' arrived", 32},
        {"key", "salt", "w:1/plain/http://h/a b", "w:1/plain/http://h/a%20b", "decoded path", 32},
        {"key", "salt", "w:1/plain/http://h/a b", "w:1/plain/http://h/a%2520b", "encoded twice", 32},
        {"key", "salt", "w:1/plain/http://h/a%3Fb@png", "w:1/plain/http://h/a%3fb@png", "upper case", 32},
        {"key", "salt", "abc", "abc.png", "extension", 32},
        {"no", "no", "abc", "abc", "no usual mistake", 32},
    };
    struct world w;

    (void)state;
    world_begin(&w, env);
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        char target[300];
        struct alb_str s =
            alb_imgproxy_signature_make(w.arena, alb_str_c(table[i].key), alb_str_c(table[i].salt),
                                        table[i].size, alb_str_c(table[i].signed_path));
        (void)snprintf(target, sizeof(target), "/%.*s/%s", ALB_STR_ARG(s), table[i].path);
        explains(&w, target, table[i].words, i + 1 != ALB_ARRAY_LEN(table));
    }
    explains(&w, "/friend/abc", "TRUSTED", true);
    explains(&w, "/unsafe/abc", "not signed", true);
    explains(&w, "/w:10/plain/http://h/a.jpg", "there is no signature", true);
    explains(&w, "/min-width:10/w:10/plain/http://h/a.jpg", "there is no signature", true);
    explains(&w, "/what:10/plain/http://h/a.jpg", "no usual mistake", false);
    struct alb_str made = alb_imgproxy_signature_make(w.arena, ALB_STR("key"), ALB_STR("salt"), 32, ALB_STR("abc"));
    char small[100];
    (void)snprintf(small, sizeof(small), "/%.*s/abc", ALB_STR_ARG(made));
    for (size_t i = 0; small[i] != '\0'; i++)
        small[i] = alb_lower(small[i]);
    explains(&w, small, "in another case", true);
    explains(&w, "/%zz/abc", "no usual mistake", false);
    explains(&w, "/a/abc", "no usual mistake", false);
    explains(&w, "/====/abc", "no usual mistake", false);
    explains(&w, "/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/abc", "no usual mistake",
             false);
    explains(&w, "/00000000000000000000000000000000000000000000000000000000000000zz/abc", "no usual mistake",
             false);
    world_end(&w);
    world_begin(&w, NULL);
    explains(&w, "/unsafe/abc", "every signature passes", true);
    explains(&w, "/w:1/abc", "an option stands", true);
    world_end(&w);
}

/* Other spellings of a signature that is right. */
static void spellings(void **state)
{
    static const char *const env[] = {"IMGPROXY_KEY=6b6579", "IMGPROXY_SALT=73616c74", NULL};
    struct world w;
    unsigned char digest[32];
    char target[300], hex[65];
    struct alb_str s = ALB_STR_NONE, path = ALB_STR_NONE;

    (void)state;
    world_begin(&w, env);
    for (int i = 0; s.p == NULL || alb_str_find(s, '-') == ALB_STR_NPOS;
         i++) { /* one with a digit that differs */
        path = alb_arena_printf(w.arena, "w:%d/abc", i);
        s = alb_imgproxy_signature_make(w.arena, w.config->keys.item[0], w.config->salts.item[0], 32, path);
    }
    assert_int_equal(alb_b64_decode(s, digest, sizeof(digest), ALB_B64_URL), 32);
    alb_hex(digest, sizeof(digest), hex);
    for (char *c = hex; *c != '\0'; c++)
        *c = *c >= 'a' ? (char)(*c - 32) : *c;
    (void)snprintf(target, sizeof(target), "/%s/%.*s", hex, ALB_STR_ARG(path));
    explains(&w, target, "hexadecimal digits", true);
    (void)snprintf(target, sizeof(target), "/%.63s/%.*s", hex, ALB_STR_ARG(path));
    explains(&w, target, "no usual mistake", false);
    char standard[64];
    assert_true(alb_str_to_c(s, standard, sizeof(standard)));
    *strchr(standard, '-') = '+';
    (void)snprintf(target, sizeof(target), "/%s=/%.*s", standard, ALB_STR_ARG(path));
    explains(&w, target, "URL-safe base64 has", true);
    (void)snprintf(target, sizeof(target), "/%s==/%.*s", standard, ALB_STR_ARG(path));
    explains(&w, target, "padding", true);
    (void)snprintf(target, sizeof(target), "/%%%02X%s/%.*s", standard[0], standard + 1, ALB_STR_ARG(path));
    explains(&w, target, "percent-encoded", true);
    (void)snprintf(target, sizeof(target), "/insecure/%.*s", ALB_STR_ARG(path));
    explains(&w, target, "not signed", true);
    (void)snprintf(target, sizeof(target), "/_/%.*s", ALB_STR_ARG(path));
    explains(&w, target, "not signed", true);
    world_end(&w);
}

/* Wherever memory ends, something is said. */
static void memory_ends(void **state)
{
    static const char *const env[] = {"IMGPROXY_KEY=6b6579", "IMGPROXY_SALT=73616c74",
                                      "IMGPROXY_PATH_PREFIX=/p", NULL};
    static const char target[] = "/p/AAAAAAAAAAAAAAAAAAAAAAAA/w:1/plain/http://h/a%20b?c=d@png";
    struct world w;
    bool ended = false;

    (void)state;
    world_begin(&w, env);
    for (size_t cap = 512; cap < 16384; cap += 48) {
        struct alb_arena *arena = alb_arena_new(cap);
        struct alb_buf out = ALB_BUF_INIT((size_t)64 << 10);
        struct alb_imgproxy_url url;
        if (alb_imgproxy_url_split(w.config, arena, alb_str_c(target), &url, NULL) == ALB_IMGPROXY_FINE) {
            assert_false(alb_imgproxy_explain_signature(w.config, arena, &url, alb_str_c(target),
                                                        ALB_STR("http://o"), &out));
            assert_non_null(strstr(alb_buf_cstr(&out), "no usual mistake"));
        }
        ended = ended || alb_arena_code(arena) != ALB_OK;
        alb_buf_fini(&out);
        alb_arena_free(&arena);
    }
    assert_true(ended);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(descriptions), cmocka_unit_test(mistakes),
                                       cmocka_unit_test(spellings), cmocka_unit_test(memory_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
