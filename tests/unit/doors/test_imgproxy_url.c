/* SPDX-License-Identifier: Apache-2.0
 *
 * From the request target to signature, path, options and source; signatures.
 */
#include "imgproxy.h"

#include "doors/imgproxy/signature.h"

#define KEYS "IMGPROXY_KEY=736563726574", "IMGPROXY_SALT=68656c6c6f" /* secret, hello */

static void mending(void **state)
{
    static const struct {
        const char *from, *to;
    } table[] = {
        {"rs%3Afill%3A300%3A200/plain/https:/h/p.jpg", "rs:fill:300:200/plain/https://h/p.jpg"},
        {"rs%3afill/plain/http://h/p", "rs%3afill/plain/http://h/p"},
        {"plain/local:/image.jpg", "plain/local:///image.jpg"},
        {"plain/local:///image.jpg", "plain/local:///image.jpg"},
        {"w:1/plain/http:/x", "w:1/plain/http://x"},
        {"plain/http://h/a:/b", "plain/http://h/a://b"},
        {"plain/http:/h/a:/b", "plain/http:/h/a://b"},
        {"plain/http://h/%3A", "plain/http://h/%3A"},
        {"w%3A1/aHR0cDo%3A", "w:1/aHR0cDo:"},
        {"plain/a b:/c", "plain/a b:/c"},
        {"plain/a:/b c:/d", "plain/a://b c:/d"},
        {"plain/:/x", "plain/:/x"},
        {"plain/s3:/", "plain/s3:/"},
        {"plain/s3:", "plain/s3:"},
        {"plain/", "plain/"},
        {"a/plain/b/plain/http:/x", "a/plain/b/plain/http://x"},
        {"/w:1/plain/x", "w:1/plain/x"},
        {"//w:1", "/w:1"},
        {"%3", "%3"},
        {"%3A", ":"},
        {"explain/http:/x", "explain/http:/x"},
    };
    struct alb_arena *arena = alb_arena_new((size_t)1 << 20), *small;

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++)
        assert_text(alb_imgproxy_url_mend(arena, alb_str_c(table[i].from)), table[i].to);
    alb_arena_free(&arena);
    small = alb_arena_new(512);
    while (alb_arena_alloc(small, 16) != NULL)
        ;
    assert_null(alb_imgproxy_url_mend(small, ALB_STR("plain/http://h")).p);
    alb_arena_free(&small);
}

static enum alb_imgproxy_refusal split(struct world *w, const char *target)
{
    alb_err_clear(&w->err);
    return alb_imgproxy_url_split(w->config, w->arena, alb_str_c(target), &w->url, &w->err);
}

static void splitting(void **state)
{
    static const char *const bad[] = {"",       "/",       "//",        "/sig",       "/sig/",    "?a/b",
                                      "/?/b/c", "/sig?/a", "/info/sig", "/info/sig/", "/info//a", "/sig//"};
    static const char *const prefix[] = {"IMGPROXY_PATH_PREFIX=img/pro/", NULL};
    struct world w;

    (void)state;
    world_begin(&w, NULL);
    assert_int_equal(split(&w, "/sig/w%3A1/plain/http:/h?x=/y"), ALB_IMGPROXY_FINE);
    assert_text(w.url.signature, "sig");
    assert_text(w.url.path, "w:1/plain/http://h");
    assert_text(w.url.received, "w%3A1/plain/http:/h");
    assert_false(w.url.info);
    assert_int_equal(split(&w, "sig/a"), ALB_IMGPROXY_FINE);
    assert_int_equal(split(&w, "/info/sig/s:1/abc"), ALB_IMGPROXY_FINE);
    assert_true(w.url.info);
    assert_text(w.url.path, "s:1/abc");
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        if (split(&w, bad[i]) != ALB_IMGPROXY_BAD_URL)
            fail_msg("\"%s\" was taken", bad[i]);
    }
    char *large = alb_arena_alloc(w.arena, ALB_IMGPROXY_TARGET_MAX + 1);
    memset(large, 'a', ALB_IMGPROXY_TARGET_MAX + 1);
    assert_int_equal(alb_imgproxy_url_split(w.config, w.arena, alb_str_n(large, ALB_IMGPROXY_TARGET_MAX + 1),
                                            &w.url, NULL),
                     ALB_IMGPROXY_TOO_LONG);
    world_end(&w);

    world_begin(&w, prefix);
    assert_int_equal(split(&w, "/img/pro/sig/abc"), ALB_IMGPROXY_FINE);
    assert_text(w.url.path, "abc");
    assert_int_equal(split(&w, "/img/pro/info/sig/abc"), ALB_IMGPROXY_FINE);
    assert_true(w.url.info);
    assert_int_equal(split(&w, "/img/prosig/abc"), ALB_IMGPROXY_BAD_URL);
    assert_int_equal(split(&w, "/img/pro"), ALB_IMGPROXY_BAD_URL);
    assert_int_equal(split(&w, "/sig/abc"), ALB_IMGPROXY_BAD_URL);
    world_end(&w);
}

static void parts(void **state)
{
    static const struct {
        const char *path, *separator, *options, *source;
        bool only;
    } table[] = {
        {"w:1/h:2/abc/d", ":", "w:1/h:2", "abc/d", false},
        {"abc", ":", "", "abc", false},
        {"w:1", ":", "w:1", NULL, false},
        {"w:1/-/h:1/x", ":", "w:1/-/h:1", "x", false},
        {"raw/x", ":", "", "raw/x", false},
        {"w:1//x", ":", "w:1", "/x", false},
        {"w:1/", ":", "w:1", "", false},
        {"w,1/h:1/x", ",", "w,1", "h:1/x", false},
        {"w::1/h:1/x", "::", "w::1", "h:1/x", false},
        {"a:b/plain/x", ":", "a:b", "plain/x", true},
        {"a/plain/x", ":", "a", "plain/x", true},
        {"a", ":", "a", NULL, true},
        {"", ":", "", "", false},
    };
    struct alb_imgproxy_path p;

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        alb_imgproxy_path_split(alb_str_c(table[i].path), alb_str_c(table[i].separator), table[i].only, &p);
        assert_text(p.options, table[i].options);
        assert_int_equal(p.source.p == NULL, table[i].source == NULL);
        if (table[i].source != NULL)
            assert_text(p.source, table[i].source);
    }
}

/* ---- signatures ---- */

static enum alb_imgproxy_refusal check(struct world *w, const char *signature, const char *path, int *pair)
{
    alb_err_clear(&w->err);
    return alb_imgproxy_signature_check(w->config, w->arena, alb_str_c(signature), alb_str_c(path), pair,
                                        &w->err);
}

static void vectors(void **state)
{
    static const char *const hello[] = {KEYS, NULL};
    static const char *const test[] = {"IMGPROXY_KEY=00,746573742d6b6579",
                                       "IMGPROXY_SALT=00, 746573742d73616c74",
                                       "IMGPROXY_TRUSTED_SIGNATURES=trusted, other", NULL};
    static const char *const cut[] = {"IMGPROXY_KEY=746573742d6b6579", "IMGPROXY_SALT=746573742d73616c74",
                                      "IMGPROXY_SIGNATURE_SIZE=8", NULL};
    struct world w;
    int pair;

    (void)state;
    world_begin(&w, hello);
    assert_int_equal(
        check(&w, "oKfUtW34Dvo2BGQehJFR4Nr0_rIjOtdtzJ3QFsUcXH8",
              "rs:fill:300:400:0/g:sm/aHR0cDovL2V4YW1w/bGUuY29tL2ltYWdl/cy9jdXJpb3NpdHku/anBn.png", &pair),
        ALB_IMGPROXY_FINE);
    assert_int_equal(pair, 0);
    world_end(&w);
    world_begin(&w, test);
    assert_int_equal(check(&w, "oWaL7QoW5TsgbuiS9-5-DI8S3Ibbo1gdB2SteJh3a20", "asd", &pair),
                     ALB_IMGPROXY_FINE);
    assert_int_equal(pair, 1);
    assert_int_equal(check(&w, "My9d3xq_PYpVHsPrCyww0Kh1w5KZeZhIlWhsa4az1TI",
                           "rs:fill:4:4/plain/local:///test1.png", NULL),
                     ALB_IMGPROXY_FINE);
    assert_int_equal(check(&w, "trusted", "asd", &pair), ALB_IMGPROXY_FINE);
    assert_int_equal(pair, -1);
    assert_int_equal(check(&w, "other", "asd", &pair), ALB_IMGPROXY_FINE);
    assert_text(alb_imgproxy_signature_make(w.arena, w.config->keys.item[1], w.config->salts.item[1], 32,
                                            ALB_STR("asd")),
                "oWaL7QoW5TsgbuiS9-5-DI8S3Ibbo1gdB2SteJh3a20");
    static const char *const bad[] = {"oWaL7QoW5Ts",
                                      "oWaL7QoW5TsgbuiS9-5-DI8S3Ibbo1gdB2SteJh3a20=",
                                      "oWaL7QoW5TsgbuiS9-5-DI8S3Ibbo1gdB2SteJh3a21",
                                      "unsafe",
                                      "w:100",
                                      "a",
                                      "!!!!",
                                      "oWaL7QoW5TsgbuiS9+5+DI8S3Ibbo1gdB2SteJh3a20",
                                      "oWaL7QoW5TsgbuiS9-5-DI8S3Ibbo1gdB2SteJh3a20oWaL7QoW5TsgbuiS9"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++)
        assert_int_equal(check(&w, bad[i], "asd", &pair), ALB_IMGPROXY_BAD_SIGNATURE);
    assert_int_equal(check(&w, "oWaL7QoW5TsgbuiS9-5-DI8S3Ibbo1gdB2SteJh3a20", "asd/", NULL),
                     ALB_IMGPROXY_BAD_SIGNATURE);
    world_end(&w);
    world_begin(&w, cut);
    assert_int_equal(check(&w, "oWaL7QoW5Ts", "asd", NULL), ALB_IMGPROXY_FINE);
    assert_int_equal(check(&w, "oWaL7QoW5TsgbuiS9-5-DI8S3Ibbo1gdB2SteJh3a20", "asd", NULL),
                     ALB_IMGPROXY_BAD_SIGNATURE);
    assert_text(alb_imgproxy_signature_make(w.arena, w.config->keys.item[0], w.config->salts.item[0], 8,
                                            ALB_STR("asd")),
                "oWaL7QoW5Ts");
    world_end(&w);
}

static void without_keys(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, NULL);
    assert_int_equal(check(&w, "unsafe", "asd", NULL), ALB_IMGPROXY_FINE);
    assert_int_equal(check(&w, "anything at all", "asd", NULL), ALB_IMGPROXY_FINE);
    assert_int_equal(check(&w, "rs:fit", "asd", NULL), ALB_IMGPROXY_NO_SIGNATURE);
    assert_non_null(strstr(w.err.msg, "rs:fit"));
    world_end(&w);
}

static void memory_ends(void **state)
{
    static const char *const hello[] = {KEYS, NULL};
    struct alb_arena *small = alb_arena_new(512);
    struct world w;

    (void)state;
    world_begin(&w, hello);
    while (alb_arena_alloc(small, 16) != NULL)
        ;
    assert_int_equal(alb_imgproxy_signature_check(w.config, small, ALB_STR("abcd"), ALB_STR("a"), NULL, NULL),
                     ALB_IMGPROXY_NO_MEMORY);
    assert_null(alb_imgproxy_signature_make(small, ALB_STR("k"), ALB_STR("s"), 32, ALB_STR("a")).p);
    assert_int_equal(alb_imgproxy_url_split(w.config, small, ALB_STR("/sig/abc"), &w.url, NULL),
                     ALB_IMGPROXY_NO_MEMORY);
    alb_arena_free(&small);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mending), cmocka_unit_test(splitting),    cmocka_unit_test(parts),
        cmocka_unit_test(vectors), cmocka_unit_test(without_keys), cmocka_unit_test(memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
