/* SPDX-License-Identifier: Apache-2.0
 *
 * Sources: their three forms, replacements and base URL, and which ones are allowed.
 */
#include "imgproxy.h"

#include "base/codec.h"
#include "base/mem.h"

#define B64 "aHR0cDovL2ltYWdlcy5kZXYvbG9yZW0vaXBzdW0uanBn" /* http://images.dev/lorem/ipsum.jpg */
#define URL "http://images.dev/lorem/ipsum.jpg"

static enum alb_imgproxy_refusal parse(struct world *w, const char *part, struct alb_imgproxy_source *s)
{
    alb_err_clear(&w->err);
    return alb_imgproxy_source_parse(w->config, w->arena, alb_str_c(part), s, &w->err);
}

static void forms(void **state)
{
    static const struct {
        const char *part, *url, *extension;
        enum alb_imgproxy_form form;
    } table[] = {
        {B64, URL, "", ALB_IMGPROXY_BASE64},
        {B64 ".png", URL, "png", ALB_IMGPROXY_BASE64},
        {B64 "==.png", URL, "png", ALB_IMGPROXY_BASE64},
        {B64 ".", URL, "", ALB_IMGPROXY_BASE64},
        {"aHR0cDovL2ltYWdl/cy5kZXYvbG9yZW0v/aXBzdW0uanBn.jpg", URL, "jpg", ALB_IMGPROXY_BASE64},
        {"plain/" URL, URL, "", ALB_IMGPROXY_PLAIN},
        {"plain/" URL "@png", URL, "png", ALB_IMGPROXY_PLAIN},
        {"plain/" URL "@", URL, "", ALB_IMGPROXY_PLAIN},
        {"plain/http%3A%2F%2Fimages.dev%2Florem%2Fipsum.jpg@png", URL, "png", ALB_IMGPROXY_PLAIN},
        {"plain/http://h/a+b%20c%40d%25", "http://h/a+b c@d%", "", ALB_IMGPROXY_PLAIN},
        {"plain/plain/x://y", "plain/x://y", "", ALB_IMGPROXY_PLAIN},
    };
    static const char *const bad[] = {
        "",           "/",        "plain/",  "plain/@png",  "plain/" URL "@c@png",
        B64 ".x.png", ".png",     "plain/%", "plain/%4",    "plain/%zz",
        "plain",      "a",        "ab+c",    "plain/a%00b", "plain/a%0ab",
        "enc/" B64,   "raw/" URL, "====",    "aHR0\xff"};
    struct alb_imgproxy_source s;
    struct world w;

    (void)state;
    world_begin(&w, NULL);
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        if (parse(&w, table[i].part, &s) != ALB_IMGPROXY_FINE)
            fail_msg("%s: %s", table[i].part, w.err.msg);
        assert_text(s.url, table[i].url);
        assert_text(s.extension, table[i].extension);
        assert_int_equal(s.form, table[i].form);
        assert_int_equal(s.filename.n, 0);
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        if (parse(&w, bad[i], &s) != ALB_IMGPROXY_BAD_URL)
            fail_msg("%s was taken", bad[i]);
        assert_true(w.err.msg[0] != '\0');
    }
    /* stray bits behind the last byte, as careless encoders leave them */
    assert_int_equal(parse(&w, "YTp", &s), ALB_IMGPROXY_FINE);
    assert_text(s.url, "a:");
    assert_int_equal(parse(&w, "YX", &s), ALB_IMGPROXY_FINE);
    assert_text(s.url, "a");
    assert_int_equal(parse(&w, "plain/" URL, &s), ALB_IMGPROXY_FINE);
    world_end(&w);
}

static void file_names(void **state)
{
    static const char *const env[] = {"IMGPROXY_BASE64_URL_INCLUDES_FILENAME=true",
                                      "IMGPROXY_SOURCE_URL_ENCRYPTION_KEY=00112233445566778899aabbccddeeff",
                                      NULL};
    struct alb_imgproxy_source s;
    struct world w;

    (void)state;
    world_begin(&w, env);
    assert_int_equal(parse(&w, B64 ".png/puppy.jpg", &s), ALB_IMGPROXY_FINE);
    assert_text(s.url, URL);
    assert_text(s.extension, "png");
    assert_text(s.filename, "puppy.jpg");
    assert_int_equal(parse(&w, "aHR0cDovL2ltYWdl/cy5kZXYvbG9yZW0v/aXBzdW0uanBn/x.y.z", &s),
                     ALB_IMGPROXY_FINE);
    assert_text(s.url, URL);
    assert_text(s.filename, "x.y.z");
    assert_int_equal(parse(&w, B64, &s), ALB_IMGPROXY_FINE);
    assert_int_equal(s.filename.n, 0);
    assert_int_equal(parse(&w, "plain/" URL, &s), ALB_IMGPROXY_FINE);
    assert_text(s.url, URL);
    world_end(&w);
}

/* The example of imgproxy's own manual. */
static void encrypted(void **state)
{
    static const char *const env[] = {
        "IMGPROXY_SOURCE_URL_ENCRYPTION_KEY=1eb5b0e971ad7f45324c1bb15c947cb207c43152fa5c6c7f35c4f36e0c18e0f1",
        NULL};
    static const char *const good[] = {
        "enc/p5VjorNdhs7mRRw8gA9TWoRlGci3l1kuzqN43UQlRaRIQ0qtBKW3qFABIsx-ZRz_cVc8iVTYbhsNsxNBL1BHaQ.png",
        "enc/p5VjorNdhs7mRRw8/gA9TWoRlGci3l1kuzqN43UQl/RaRIQ0qtBKW3qFABIsx-ZRz_cVc8iVTYbhsNsxNBL1BHaQ==.png"};
    static const char *const bad[] = {"enc/", "enc/abcd", "enc/!", "enc/AAAAAAAAAAAAAAAAAAAAAA",
                                      "enc/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    struct alb_imgproxy_source s;
    struct world w;

    (void)state;
    world_begin(&w, env);
    for (size_t i = 0; i < ALB_ARRAY_LEN(good); i++) {
        assert_int_equal(parse(&w, good[i], &s), ALB_IMGPROXY_FINE);
        assert_text(s.url, "http://example.com/images/curiosity.jpg");
        assert_text(s.extension, "png");
        assert_int_equal(s.form, ALB_IMGPROXY_ENCRYPTED);
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++)
        assert_int_equal(parse(&w, bad[i], &s), ALB_IMGPROXY_BAD_URL);
    world_end(&w);
}

static void rules(void **state)
{
    static const char *const env[] = {"IMGPROXY_URL_REPLACEMENTS=mys3://=s3://my_bucket/images/;test1://*/"
                                      "=s3://${1}/;two://*-*/=x://$2/$1y/$$/${0}/$9/$;"
                                      "q://*=${}${a}$",
                                      "IMGPROXY_BASE_URL=http://images.dev/", NULL};
    static const struct {
        const char *from, *to;
    } table[] = {
        {"http://images.dev/a", "http://images.dev/a"},
        {"a/b.jpg", "http://images.dev/a/b.jpg"},
        {"mys3://image01.jpg", "http://images.dev/s3://my_bucket/images/image01.jpg"},
        {"test1://bucket/x", "http://images.dev/s3://bucket/x"},
        {"test1://bucket", "http://images.dev/test1://bucket"},
        {"two://a-b-c/z",
         "http://images.dev/x://c//$/two://a-b-c///$z"}, /* "$1y" is a group of that name: none */
        {"q://z", "http://images.dev/${}$"},
    };
    struct alb_imgproxy_source s;
    struct world w;

    (void)state;
    world_begin(&w, env);
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        assert_int_equal(
            alb_imgproxy_source_of(w.config, w.arena, alb_str_c(table[i].from), true, &s, &w.err),
            ALB_IMGPROXY_FINE);
        assert_text(s.url, table[i].to);
        assert_text(s.written, table[i].from);
    }
    assert_int_equal(alb_imgproxy_source_of(w.config, w.arena, ALB_STR("a"), false, &s, &w.err),
                     ALB_IMGPROXY_FINE);
    assert_text(s.url, "a");
    world_end(&w);
}

static void prefixes(void **state)
{
    struct alb_str group[ALB_DOOR_GROUPS_MAX];
    size_t end, groups;

    (void)state;
    assert_true(alb_door_prefix_match(ALB_STR(""), ALB_STR("x"), &end, group, &groups) && end == 0 &&
                groups == 0);
    assert_true(alb_door_prefix_match(ALB_STR("a*b*c"), ALB_STR("a1b2b3cd"), &end, group, &groups));
    assert_int_equal(end, 7);
    assert_text(group[0], "1b2");
    assert_text(group[1], "3");
    assert_true(alb_door_prefix_match(ALB_STR("*"), ALB_STR("ab/c"), &end, group, &groups) && end == 2);
    assert_false(alb_door_prefix_match(ALB_STR("*/*/"), ALB_STR("ab/c"), &end, group, &groups));
    assert_false(alb_door_prefix_match(ALB_STR("*****************"), ALB_STR("a"), &end, group, &groups));
    char text[4096];
    memset(text, 'a', sizeof(text));
    assert_false(alb_door_prefix_match(ALB_STR("*a*a*a*a*a*a*a*b"), alb_str_n(text, sizeof(text)), &end,
                                           group, &groups));
}

static void patterns(void **state)
{
    static const struct {
        const char *pattern, *url;
        bool allowed;
    } table[] = {
        {"http://images.dev/", "http://images.dev/a.jpg", true},
        {"http://images.dev/", "HTTP://Images.DEV/a.jpg", true},
        {"http://images.dev/", "http://images.dev", true},
        {"http://images.dev", "http://images.dev/a.jpg", true},
        {"http://images.dev", "http://images.dev.evil.com/a.jpg", false},
        {"http://images.dev", "http://images.dev@evil.com/a.jpg", false},
        {"http://images.dev/", "https://images.dev/a.jpg", false},
        {"http*://images.dev/", "https://images.dev/a.jpg", true},
        {"http://images.dev/", "http://images.dev:80/a.jpg", true},
        {"https://images.dev:443/", "https://images.dev/a.jpg", true},
        {"http://images.dev/", "http://images.dev:8080/a.jpg", false},
        {"http://images.dev:8080/", "http://images.dev:8080/a.jpg", true},
        {"http://images.dev:*/", "http://images.dev:8080/a.jpg", true},
        {"http://images.dev:*/", "http://images.dev/a.jpg", true},
        {"http://*.cdn.dev/", "http://a.cdn.dev/x", true},
        {"http://*.cdn.dev/", "http://a.b.cdn.dev/x", false},
        {"http://*.*.cdn.dev/", "http://a.b.cdn.dev/x", true},
        {"http://*.cdn.dev/", "http://cdn.dev/x", false},
        {"http://*.cdn.dev/", "http://evil?.cdn.dev/", false},
        {"http://*.cdn.dev/", "http://evil#.cdn.dev/", false},
        {"http://*.cdn.dev/", "http://evil@x.cdn.dev/", false},
        {"http://*.cdn.dev/", "http://x.cdn.dev:x@evil.com/", false},
        {"http://*.cdn.dev/", "http://evil.com\\.cdn.dev/", false},
        {"http://*.cdn.dev/", "http://evil%2f.cdn.dev/", false},
        {"http://*.cdn.dev/", "http://a .cdn.dev/", false},
        {"http://img*.cdn.dev/", "http://img12.cdn.dev/", true},
        {"http://u:p@h/", "http://u:p@h/a", true},
        {"http://u:p@h/", "http://u:q@h/a", false},
        {"http://[::1]/", "http://[::1]/a", true},
        {"http://[::1]:8/", "http://[::1]/a", false},
        {"http://h/images/", "http://h/images/a.jpg", true},
        {"http://h/images/", "http://h/images/../secret", false},
        {"http://h/images/", "http://h/images/%2e%2E/secret", false},
        {"http://h/images/", "http://h/images/./x/../a", true},
        {"http://h/images/", "http://h/x/../images/a", true},
        {"http://h/images/", "http://h/images/..", false},
        {"http://h/images/", "http://h/images/.", true},
        {"http://h/images/", "http://h/../../images/a", true},
        {"http://h/images/", "http://h/Images/a.jpg", false},
        {"http://h/*/thumb", "http://h/a/thumb.jpg", true},
        {"http://h/*/thumb", "http://h/a/b/thumb.jpg", false},
        {"http://h/*/thumb", "http://h/a?/thumb", false},
        {"http://h/a*c", "http://h/abbbc", true},
        {"http://h/a*c", "http://h/abbb", false},
        {"http://h/i?id=", "http://h/i?id=5", true},
        {"http://h/i?id=", "http://h/i#?id=5", false},
        {"http://h/a", "http://h/a\\b", false},
        {"s3://", "s3://bucket/key", true},
        {"s3://", "s3x://bucket/key", false},
        {"s3://bucket/", "s3://bucket/key", true},
        {"s3://bucket/", "s3://other/key", false},
        {"local://", "local:///a/b", true},
        {"local:///a/", "local:///a/b", true},
        {"local:///a/", "local://host/a/b", true},
        {"local:///a/", "local:///b", false},
        {"local:///a/", "local:///a/../b", false},
        {"asset:", "asset:0123", true},
        {"asset:", "asset://0123", false},
        {"asset://", "asset://0123", true},
        {"http://h/", "h/a", false},
        {"http://h/", "", false},
        {"http://h/", "://h/", false},
        {"nonsense", "http://h/", false},
        {"http://h:x/", "http://h/", false},
        {"http://h/", "http://h:/a", true},
        {"http://h:*/", "http://h:x/a", false},
        {"http://h:*/", "http://h:70000/a", false},
        {"http://h/my dir/", "http://h/my%20dir/a", true},
        {"http://h/my%20dir/", "http://h/my dir/a", true},
        {"http://h/\xc3\xbc/", "http://h/%C3%BC/a", true},
        {"local:///my dir/", "local:///my%20dir/a", false},
        {"http://h?a", "http://h?ab", false}, /* a pattern's query needs its path */
        {"http://h/?a", "http://h?ab", true},
        {"http://[::1]/", "http://[::2]/", false},
    };
    static char long_url[9000] = "http://h/";

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        if (alb_door_pattern_allows(alb_str_c(table[i].pattern), alb_str_c(table[i].url)) !=
            table[i].allowed)
            fail_msg("%s and %s", table[i].pattern, table[i].url);
    }
    memset(long_url + 9, 'a', sizeof(long_url) - 10);
    assert_false(alb_door_pattern_allows(ALB_STR("http://h/a"), alb_str_c(long_url)));
    assert_true(alb_door_pattern_allows(ALB_STR("http://h"), alb_str_c(long_url)));
}

/* The same, of what a client has taken apart. */
static void addresses(void **state)
{
    static const char *const env[] = {"IMGPROXY_ALLOWED_SOURCES=https://*.cdn.dev/a/,http://[::1]:81/", NULL};
    struct alb_door_address a = {.scheme = ALB_STR("https"),
                                     .host = ALB_STR("x.cdn.dev"),
                                     .path = ALB_STR("/a/b"),
                                     .port = 443,
                                     .authority = true};
    struct world w;

    (void)state;
    world_begin(&w, env);
    assert_true(alb_imgproxy_address_allowed(w.config, &a));
    a.query = ALB_STR("c=d");
    assert_true(alb_imgproxy_address_allowed(w.config, &a));
    a.port = 444;
    assert_false(alb_imgproxy_address_allowed(w.config, &a));
    a.port = 443;
    a.path = ALB_STR("/b");
    assert_false(alb_imgproxy_address_allowed(w.config, &a));
    a = (struct alb_door_address){.scheme = ALB_STR("http"),
                                      .host = ALB_STR("::1"),
                                      .path = ALB_STR("/"),
                                      .port = 81,
                                      .authority = true};
    assert_true(alb_imgproxy_address_allowed(w.config, &a));
    world_end(&w);
    world_begin(&w, NULL);
    assert_true(alb_imgproxy_address_allowed(w.config, &a));
    world_end(&w);
}

static void checks(void **state)
{
    static const struct {
        const char *url;
        enum alb_imgproxy_refusal refusal;
        const char *reason;
    } table[] = {
        {"http://h/a", ALB_IMGPROXY_FINE, ""},
        {"HTTPS://h/a", ALB_IMGPROXY_FINE, ""},
        {"asset://0190", ALB_IMGPROXY_FINE, ""},
        {"asset:5", ALB_IMGPROXY_FINE, ""},
        {"local:///a", ALB_IMGPROXY_SOURCE_OFF, "IMGPROXY_LOCAL_FILESYSTEM_ROOT"},
        {"s3://b/k", ALB_IMGPROXY_SOURCE_OFF, "IMGPROXY_USE_S3"},
        {"gs://b/k", ALB_IMGPROXY_SOURCE_OFF, "IMGPROXY_USE_GCS"},
        {"abs://b/k", ALB_IMGPROXY_SOURCE_OFF, "IMGPROXY_USE_ABS"},
        {"swift://b/k", ALB_IMGPROXY_SOURCE_OFF, "IMGPROXY_USE_SWIFT"},
        {"ftp://h/a", ALB_IMGPROXY_SOURCE_OFF, "not known"},
        {"file:///etc/passwd", ALB_IMGPROXY_SOURCE_OFF, "not known"},
        {"a/b.jpg", ALB_IMGPROXY_SOURCE_OFF, "no scheme"},
        {"a/b:c://d", ALB_IMGPROXY_SOURCE_OFF, "no scheme"},
        {"http:/x", ALB_IMGPROXY_SOURCE_OFF, "no scheme"},
        {":x", ALB_IMGPROXY_SOURCE_OFF, "no scheme"},
    };
    static const char *const root[] = {"IMGPROXY_LOCAL_FILESYSTEM_ROOT=/srv",
                                       "IMGPROXY_ALLOWED_SOURCES=local://,https://h/", NULL};
    struct world w;

    (void)state;
    world_begin(&w, NULL);
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        alb_err_clear(&w.err);
        assert_int_equal(alb_imgproxy_source_check(w.config, alb_str_c(table[i].url), &w.err),
                         table[i].refusal);
        assert_non_null(strstr(w.err.msg, table[i].reason));
    }
    world_end(&w);
    world_begin(&w, root);
    assert_int_equal(alb_imgproxy_source_check(w.config, ALB_STR("local:///x"), NULL), ALB_IMGPROXY_FINE);
    assert_int_equal(alb_imgproxy_source_check(w.config, ALB_STR("https://h/x"), NULL), ALB_IMGPROXY_FINE);
    assert_int_equal(alb_imgproxy_source_check(w.config, ALB_STR("http://h/x"), NULL),
                     ALB_IMGPROXY_BAD_SOURCE);
    assert_int_equal(alb_imgproxy_source_check(w.config, ALB_STR("asset:5"), NULL), ALB_IMGPROXY_BAD_SOURCE);
    world_end(&w);
}

static void bounds(void **state)
{
    static const char *const env[] = {"IMGPROXY_BASE_URL=http://images.dev/0123456789", NULL};
    struct alb_imgproxy_source s;
    struct alb_arena *small = alb_arena_new(512);
    struct world w;

    (void)state;
    world_begin(&w, env);
    char *text = alb_arena_alloc(w.arena, ALB_IMGPROXY_SOURCE_MAX + 1);
    memset(text, 'a', ALB_IMGPROXY_SOURCE_MAX + 1);
    assert_int_equal(alb_imgproxy_source_of(w.config, w.arena, alb_str_n(text, ALB_IMGPROXY_SOURCE_MAX + 1),
                                            true, &s, NULL),
                     ALB_IMGPROXY_TOO_LONG);
    assert_int_equal(
        alb_imgproxy_source_of(w.config, w.arena, alb_str_n(text, ALB_IMGPROXY_SOURCE_MAX), true, &s, NULL),
        ALB_IMGPROXY_TOO_LONG);
    assert_int_equal(alb_imgproxy_source_of(w.config, w.arena, ALB_STR_NONE, true, &s, NULL),
                     ALB_IMGPROXY_BAD_URL);
    while (alb_arena_alloc(small, 16) != NULL)
        ;
    assert_int_equal(alb_imgproxy_source_parse(w.config, small, ALB_STR(B64), &s, NULL),
                     ALB_IMGPROXY_NO_MEMORY);
    assert_int_equal(alb_imgproxy_source_parse(w.config, small, ALB_STR("plain/" URL), &s, NULL),
                     ALB_IMGPROXY_NO_MEMORY);
    assert_int_equal(alb_imgproxy_source_of(w.config, small, ALB_STR(URL), true, &s, NULL),
                     ALB_IMGPROXY_NO_MEMORY);
    alb_arena_free(&small);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),  cmocka_unit_test(file_names), cmocka_unit_test(encrypted),
        cmocka_unit_test(rules),  cmocka_unit_test(prefixes),   cmocka_unit_test(patterns),
        cmocka_unit_test(checks), cmocka_unit_test(addresses),  cmocka_unit_test(bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
