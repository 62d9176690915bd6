/* SPDX-License-Identifier: Apache-2.0
 *
 * Pure decisions about header values: ranges, validators, queries, cookies, proxies, routes.
 */
#include "http_test.h"

#include <stdio.h>

#include "base/clock.h"
#include "http/proxy.h"
#include "http/query.h"
#include "http/range.h"
#include "http/router.h"
#include "http/validators.h"

/* ---- ranges -------------------------------------------------------------------------------------- */

static void test_range(void **state)
{
    static const struct {
        const char *header;
        uint64_t size;
        enum alb_range_kind want;
        unsigned n;
        uint64_t off, len; /* of the first */
    } cases[] = {
        {"bytes=0-0", 10, ALB_RANGE_PART, 1, 0, 1},
        {"bytes=0-", 10, ALB_RANGE_PART, 1, 0, 10},
        {"bytes=2-5", 10, ALB_RANGE_PART, 1, 2, 4},
        {"Bytes=2-99", 10, ALB_RANGE_PART, 1, 2, 8},
        {"bytes=-3", 10, ALB_RANGE_PART, 1, 7, 3},
        {"bytes=-99", 10, ALB_RANGE_PART, 1, 0, 10},
        {"bytes=9-9,0-0", 10, ALB_RANGE_PART, 2, 9, 1},
        {"bytes= 0-1 , ,3-4,", 10, ALB_RANGE_PART, 2, 0, 2},
        {"bytes=0-0,99-100", 10, ALB_RANGE_PART, 1, 0, 1},
        {"bytes=10-", 10, ALB_RANGE_NOT, 0, 0, 0},
        {"bytes=99999999999999999999999-", 10, ALB_RANGE_NOT, 0, 0, 0},
        {"bytes=0-99999999999999999999999", 10, ALB_RANGE_PART, 1, 0, 10},
        {"bytes=-0", 10, ALB_RANGE_NOT, 0, 0, 0},
        {"bytes=0-", 0, ALB_RANGE_NOT, 0, 0, 0},
        {"bytes=5-4", 10, ALB_RANGE_ALL, 0, 0, 0},
        {"bytes=a-b", 10, ALB_RANGE_ALL, 0, 0, 0},
        {"bytes=1", 10, ALB_RANGE_ALL, 0, 0, 0},
        {"bytes=-", 10, ALB_RANGE_ALL, 0, 0, 0},
        {"bytes=", 10, ALB_RANGE_ALL, 0, 0, 0},
        {"bytes", 10, ALB_RANGE_ALL, 0, 0, 0},
        {"items=0-1", 10, ALB_RANGE_ALL, 0, 0, 0},
        {"bytes=1--2", 10, ALB_RANGE_ALL, 0, 0, 0},
        {"bytes=+1-2", 10, ALB_RANGE_ALL, 0, 0, 0},
        {"bytes=0-1 2-3", 10, ALB_RANGE_ALL, 0, 0, 0},
        {"bytes=0-9,0-9", 10, ALB_RANGE_ALL, 0, 0, 0}, /* more than there is */
        {"bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,0-0,1-1,2-2,3-3,4-4,5-5,6-6", 99, ALB_RANGE_ALL, 0, 0,
         0},
        {"bytes=0-9223372036854775806", UINT64_MAX, ALB_RANGE_PART, 1, 0, 9223372036854775807},
        {"bytes=-18446744073709551615", UINT64_MAX, ALB_RANGE_PART, 1, 0, UINT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_range r[ALB_RANGES_MAX];
        unsigned n;
        enum alb_range_kind said = alb_range_parse(alb_str_c(cases[i].header), cases[i].size, r, &n);

        if (said != cases[i].want || n != cases[i].n ||
            (n > 0 && (r[0].off != cases[i].off || r[0].len != cases[i].len)))
            fail_msg("%s of %llu: %d, %u", cases[i].header, (unsigned long long)cases[i].size, (int)said, n);
    }
}

/* ---- validators ---------------------------------------------------------------------------------- */

#define T0 "Tue, 14 Nov 2023 22:13:20 GMT" /* 1700000000 */
#define T1 "Tue, 14 Nov 2023 22:13:21 GMT"
#define T_1 "Tue, 14 Nov 2023 22:13:19 GMT"

static void test_validators(void **state)
{
    static const struct {
        const char *match, *none, *since, *unmod;
        bool safe, weak, exists;
        enum alb_decision want;
    } cases[] = {
        {NULL, NULL, NULL, NULL, true, false, true, ALB_DECIDE_GO},
        {NULL, "\"v1\"", NULL, NULL, true, false, true, ALB_DECIDE_NOT_MODIFIED},
        {NULL, "W/\"v1\"", NULL, NULL, true, false, true, ALB_DECIDE_NOT_MODIFIED},
        {NULL, "\"x\", \"v1\"", NULL, NULL, true, false, true, ALB_DECIDE_NOT_MODIFIED},
        {NULL, "\"x,\"v1\"", NULL, NULL, true, false, true, ALB_DECIDE_GO},
        {NULL, "\"x\"", NULL, NULL, true, false, true, ALB_DECIDE_GO},
        {NULL, "*", NULL, NULL, true, false, true, ALB_DECIDE_NOT_MODIFIED},
        {NULL, "*", NULL, NULL, false, false, true, ALB_DECIDE_FAILED},
        {NULL, "*", NULL, NULL, false, false, false, ALB_DECIDE_GO},
        {NULL, "\"v1\"", NULL, NULL, false, false, true, ALB_DECIDE_FAILED},
        {NULL, "v1", NULL, NULL, true, false, true, ALB_DECIDE_GO},
        {NULL, NULL, T0, NULL, true, false, true, ALB_DECIDE_NOT_MODIFIED},
        {NULL, NULL, T1, NULL, true, false, true, ALB_DECIDE_NOT_MODIFIED},
        {NULL, NULL, T_1, NULL, true, false, true, ALB_DECIDE_GO},
        {NULL, NULL, T0, NULL, false, false, true, ALB_DECIDE_GO},
        {NULL, NULL, "yesterday", NULL, true, false, true, ALB_DECIDE_GO},
        {NULL, "\"x\"", T0, NULL, true, false, true, ALB_DECIDE_GO}, /* If-None-Match wins */
        {"\"v1\"", NULL, NULL, NULL, false, false, true, ALB_DECIDE_GO},
        {"\"v1\"", NULL, NULL, NULL, false, true, true, ALB_DECIDE_FAILED}, /* strong comparison */
        {"W/\"v1\"", NULL, NULL, NULL, false, false, true, ALB_DECIDE_FAILED},
        {"\"x\"", NULL, NULL, NULL, false, false, true, ALB_DECIDE_FAILED},
        {"*", NULL, NULL, NULL, false, false, true, ALB_DECIDE_GO},
        {"*", NULL, NULL, NULL, false, false, false, ALB_DECIDE_FAILED},
        {"rubbish", NULL, NULL, NULL, false, false, true, ALB_DECIDE_FAILED},
        {NULL, NULL, NULL, T0, false, false, true, ALB_DECIDE_GO},
        {NULL, NULL, NULL, T_1, false, false, true, ALB_DECIDE_FAILED},
        {NULL, NULL, NULL, "rubbish", false, false, true, ALB_DECIDE_GO},
        {"\"v1\"", NULL, NULL, T_1, false, false, true, ALB_DECIDE_GO},               /* If-Match wins */
        {"\"v1\"", "\"v1\"", NULL, NULL, true, false, true, ALB_DECIDE_NOT_MODIFIED}, /* both are asked */
    };

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_conditions c = {alb_str_c(cases[i].match), alb_str_c(cases[i].none),
                                   alb_str_c(cases[i].since), alb_str_c(cases[i].unmod), ALB_STR_NONE};
        struct alb_validators v = {cases[i].exists, cases[i].exists ? ALB_STR("v1") : ALB_STR_NONE,
                                   cases[i].weak, 1700000000500};

        if (alb_decide(&c, cases[i].safe, &v) != cases[i].want)
            fail_msg("case %zu: %d", i, (int)alb_decide(&c, cases[i].safe, &v));
    }
}

static bool if_range(const char *header, bool weak)
{
    struct alb_conditions c = {.if_range = alb_str_c(header)};
    struct alb_validators v = {true, ALB_STR("v1"), weak, 1700000000500};

    return alb_if_range_holds(&c, &v);
}

static void test_if_range(void **state)
{
    (void)state;
    assert_true(if_range(NULL, false));
    assert_true(if_range("\"v1\"", false));
    assert_false(if_range("\"v2\"", false));
    assert_false(if_range("W/\"v1\"", false));
    assert_false(if_range("\"v1\"", true));
    assert_false(if_range("\"v1\", \"v2\"", false));
    assert_true(if_range(T0, false));
    assert_false(if_range(T1, false));
    assert_false(if_range("rubbish", false));
    assert_true(alb_is_etag(ALB_STR("a!#~\xff")));
    assert_false(alb_is_etag(ALB_STR("a\"b")));
    assert_false(alb_is_etag(ALB_STR("a b")));
}

/* ---- queries and cookies ------------------------------------------------------------------------- */

static void test_query(void **state)
{
    struct alb_arena *a = alb_arena_new(65536);
    struct alb_str q = ALB_STR("a=1&&b=x%20y+z&c&d=&%65=enc&f=%zz&g=%00&a=2&h=a=b"), v, rest = q, key;
    unsigned pairs = 0;

    (void)state;
    assert_non_null(a);
    assert_true(alb_query_value(q, "a", a, &v));
    assert_str(v, "1");
    assert_true(alb_query_value(q, "b", a, &v));
    assert_str(v, "x y z");
    assert_true(alb_query_value(q, "c", a, &v));
    assert_str(v, "");
    assert_true(alb_query_value(q, "d", a, &v));
    assert_str(v, "");
    assert_true(alb_query_value(q, "e", a, &v));
    assert_str(v, "enc");
    assert_true(alb_query_value(q, "h", a, &v));
    assert_str(v, "a=b");
    assert_false(alb_query_value(q, "f", a, &v));
    assert_false(alb_query_value(q, "g", a, &v));
    assert_false(alb_query_value(q, "nope", a, &v));
    assert_false(alb_query_value(ALB_STR_NONE, "a", a, &v));
    while (alb_query_next(&rest, &key, &v))
        pairs++;
    assert_int_equal(pairs, 9);
    alb_arena_free(&a);
}

static void test_cookie(void **state)
{
    struct alb_str c = ALB_STR("a=1; b=\"two\";c=3=4;  d=");

    (void)state;
    assert_str(alb_cookie_get(c, "a"), "1");
    assert_str(alb_cookie_get(c, "b"), "two");
    assert_str(alb_cookie_get(c, "c"), "3=4");
    assert_str(alb_cookie_get(c, "d"), "");
    assert_non_null(alb_cookie_get(c, "d").p);
    assert_null(alb_cookie_get(c, "e").p);
    assert_true(alb_is_cookie_value(ALB_STR("abc/+=")));
    assert_false(alb_is_cookie_value(ALB_STR("a;b")));
    assert_false(alb_is_cookie_value(ALB_STR("a b")));
    assert_false(alb_is_cookie_value(ALB_STR("a\r\nb")));
}

/* ---- proxies ------------------------------------------------------------------------------------- */

static bool has(const char *cidr, const char *addr)
{
    struct alb_cidr c;
    struct alb_addr a;

    assert_true(alb_cidr_parse(alb_str_c(cidr), &c));
    assert_true(alb_addr_parse(alb_str_c(addr), &a));
    return alb_cidr_has(&c, 1, &a);
}

static void test_addresses(void **state)
{
    struct alb_addr a;
    struct alb_cidr c;
    char text[ALB_ADDR_TEXT];

    (void)state;
    assert_true(has("10.0.0.0/8", "10.1.2.3"));
    assert_false(has("10.0.0.0/8", "11.1.2.3"));
    assert_true(has("192.0.2.1", "192.0.2.1:8080"));
    assert_false(has("192.0.2.1", "192.0.2.2"));
    assert_true(has("192.0.2.128/25", "192.0.2.255"));
    assert_false(has("192.0.2.128/25", "192.0.2.127"));
    assert_true(has("2001:db8::/33", "[2001:db8:7fff::1]:80"));
    assert_false(has("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(has("0.0.0.0/0", "1.2.3.4"));
    assert_false(has("0.0.0.0/0", "::1"));
    assert_true(has("::ffff:10.0.0.0/104", "10.9.9.9"));
    assert_false(alb_cidr_parse(ALB_STR("10.0.0.0/33"), &c));
    assert_false(alb_cidr_parse(ALB_STR("10.0.0.0/"), &c));
    assert_false(alb_cidr_parse(ALB_STR("host"), &c));
    assert_false(alb_addr_parse(ALB_STR("1.2.3"), &a));
    assert_false(alb_addr_parse(ALB_STR("[::1"), &a));
    assert_true(alb_addr_parse(ALB_STR("192.0.2.7"), &a));
    assert_int_equal(alb_addr_text(&a, text), 9);
    assert_string_equal(text, "192.0.2.7");
    assert_true(alb_addr_parse(ALB_STR("127.9.9.9"), &a) && alb_addr_is_local(&a));
    assert_true(alb_addr_parse(ALB_STR("::1"), &a) && alb_addr_is_local(&a));
    assert_true(alb_addr_parse(ALB_STR("10.0.0.1"), &a) && !alb_addr_is_local(&a));
    a.unix_peer = true;
    (void)alb_addr_text(&a, text);
    assert_string_equal(text, "unix");
}

/* "client scheme host" as seen by a server that trusts 10.0.0.0/8, for a connection from `peer`. */
static const char *seen(const char *peer, const char *headers)
{
    static struct alb_head h;
    static char out[200];
    struct alb_head_limits limits = {65536, 32768, 100};
    char text[1024], addr[ALB_ADDR_TEXT];
    struct alb_cidr trusted;
    struct alb_addr a;
    struct alb_seen s;
    int n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: own\r\n%s\r\n", headers);

    assert_int_equal(alb_head_parse(text, (size_t)n, &limits, &h), 0);
    assert_true(alb_cidr_parse(ALB_STR("10.0.0.0/8"), &trusted) && alb_addr_parse(alb_str_c(peer), &a));
    alb_proxy_see(&h, &a, &trusted, 1, &s);
    (void)alb_addr_text(&s.client, addr);
    (void)snprintf(out, sizeof(out), "%s %.*s %.*s", addr, (int)(s.scheme.p ? s.scheme.n : 1),
                   s.scheme.p ? s.scheme.p : "-", (int)(s.host.p ? s.host.n : 1), s.host.p ? s.host.p : "-");
    return out;
}

static void test_forwarded(void **state)
{
    (void)state;
    assert_string_equal(seen("1.1.1.1", "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n"),
                        "1.1.1.1 - -");
    assert_string_equal(seen("10.0.0.1", "X-Forwarded-For: 6.6.6.6\r\n"), "6.6.6.6 - -");
    assert_string_equal(seen("10.0.0.1", "X-Forwarded-For: 7.7.7.7, 6.6.6.6, 10.0.0.2\r\n"), "6.6.6.6 - -");
    assert_string_equal(seen("10.0.0.1", "X-Forwarded-For: 7.7.7.7\r\nX-Forwarded-For: 6.6.6.6\r\n"),
                        "6.6.6.6 - -");
    assert_string_equal(seen("10.0.0.1", "X-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n"), "10.0.0.3 - -");
    assert_string_equal(seen("10.0.0.1", "X-Forwarded-For: rubbish\r\n"), "10.0.0.1 - -");
    assert_string_equal(seen("10.0.0.1", "X-Forwarded-Proto: HTTPS\r\nX-Forwarded-Host: photos.example\r\n"),
                        "10.0.0.1 https photos.example");
    assert_string_equal(seen("10.0.0.1", "X-Forwarded-Proto: gopher\r\nX-Forwarded-Host: a/b\r\n"),
                        "10.0.0.1 - -");
    assert_string_equal(seen("10.0.0.1", "Forwarded: for=6.6.6.6;proto=https;host=a.example\r\n"
                                         "X-Forwarded-For: 9.9.9.9\r\n"),
                        "6.6.6.6 https a.example");
    assert_string_equal(seen("10.0.0.1", "Forwarded: for=7.7.7.7, for=\"[2001:db8::1]:99\" ; proto=http\r\n"),
                        "2001:db8::1 http -");
    assert_string_equal(seen("10.0.0.1", "Forwarded: for=unknown\r\n"), ":: - -");
}

static int proxy(const char *p, size_t n, char out[ALB_ADDR_TEXT])
{
    struct alb_addr a = {.unix_peer = true};
    int used = -2;

    for (size_t k = 1; k <= n; k++) { /* a longer beginning never changes a decision */
        used = alb_proxy_parse(p, k, &a);
        if (used != 0)
            break;
    }
    (void)alb_addr_text(&a, out);
    return used;
}

static void test_proxy_protocol(void **state)
{
    static const char v1[] = "PROXY TCP4 192.0.2.9 10.0.0.1 5000 80\r\nGET /";
    static const char v1_6[] = "PROXY TCP6 2001:db8::9 ::1 5000 80\r\n";
    static const char unknown[] = "PROXY UNKNOWN\r\n";
    static const char v2[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x09\x0a\0\0\x01\x13\x88\0\x50GET";
    static const char local[] = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
    char text[ALB_ADDR_TEXT];

    (void)state;
    assert_int_equal(proxy(v1, sizeof(v1) - 1, text), sizeof(v1) - 1 - 5);
    assert_string_equal(text, "192.0.2.9");
    assert_int_equal(proxy(v1_6, sizeof(v1_6) - 1, text), sizeof(v1_6) - 1);
    assert_string_equal(text, "2001:db8::9");
    assert_int_equal(proxy(unknown, sizeof(unknown) - 1, text), sizeof(unknown) - 1);
    assert_string_equal(text, "unix");
    assert_int_equal(proxy(v2, sizeof(v2) - 1, text), 28);
    assert_string_equal(text, "192.0.2.9");
    assert_int_equal(proxy(local, sizeof(local) - 1, text), 16);
    assert_int_equal(proxy("GET / HTTP/1.1\r\n", 16, text), -1);
    assert_int_equal(proxy("PROXY TCP4 nonsense\r\n", 21, text), -1);
    assert_int_equal(proxy("PROXY TCP4 1.2.3.4\n", 19, text), -1);
}

/* ---- routes -------------------------------------------------------------------------------------- */

static enum alb_step never(struct alb_req *req)
{
    (void)req;
    return ALB_STEP_DONE;
}

static const struct alb_route table[] = {
    {.pattern = "/", .methods = ALB_M_GET, .step = never},
    {.pattern = "/api/assets", .methods = ALB_M_GET | ALB_M_POST, .step = never},
    {.pattern = "/api/assets/{id}", .methods = ALB_M_GET, .step = never},
    {.pattern = "/api/assets/{id}", .methods = ALB_M_PUT, .step = never},
    {.pattern = "/api/assets/statistics", .methods = ALB_M_GET, .step = never},
    {.pattern = "/api/assets/{id}/thumbnail", .methods = ALB_M_GET, .step = never},
    {.pattern = "/api/{what}/{id}/people", .methods = ALB_M_GET, .step = never},
    {.pattern = "/imgproxy/{rest*}", .methods = ALB_M_GET, .step = never},
    {.pattern = "/head", .methods = ALB_M_HEAD, .step = never},
    {.pattern = "/head", .methods = ALB_M_GET, .step = never},
};

static int find(struct alb_router *r, unsigned method, const char *path, struct alb_route_match *m)
{
    alb_router_find(r, alb_str_c(path), method, m);
    return m->entry ? (int)(m->entry->route - table) : -1;
}

static void test_router(void **state)
{
    static const struct alb_http_group group = {.name = "t"};
    struct alb_router *r = alb_router_new();
    struct alb_route_match m;
    struct alb_err err = ALB_ERR_INIT;

    (void)state;
    assert_non_null(r);
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++)
        assert_int_equal(alb_router_add(r, &table[i], &group, &err), ALB_OK);
    assert_int_equal(find(r, ALB_M_GET, "/", &m), 0);
    assert_int_equal(find(r, ALB_M_HEAD, "/api/assets", &m), 1);
    assert_int_equal(find(r, ALB_M_POST, "/api/assets", &m), 1);
    assert_int_equal(find(r, ALB_M_GET, "/api/assets/7f", &m), 2);
    assert_str(m.params[0], "7f");
    assert_int_equal(find(r, ALB_M_PUT, "/api/assets/7f", &m), 3);
    assert_int_equal(find(r, ALB_M_GET, "/api/assets/statistics", &m), 4);
    assert_int_equal(find(r, ALB_M_PUT, "/api/assets/statistics", &m), 3); /* the literal has no PUT */
    assert_int_equal(find(r, ALB_M_GET, "/api/assets/7f/thumbnail", &m), 5);
    assert_int_equal(find(r, ALB_M_GET, "/api/assets/7f/people", &m), 6); /* back from the literal branch */
    assert_int_equal(m.param_count, 2);
    assert_str(m.params[0], "assets");
    assert_str(m.params[1], "7f");
    assert_int_equal(find(r, ALB_M_GET, "/imgproxy/", &m), 7);
    assert_str(m.params[0], "");
    assert_int_equal(find(r, ALB_M_GET, "/imgproxy/a//b/..%2F", &m), 7);
    assert_str(m.params[0], "a//b/..%2F");
    assert_int_equal(find(r, ALB_M_HEAD, "/head", &m), 8);
    assert_int_equal(find(r, ALB_M_GET, "/head", &m), 9);
    assert_int_equal(find(r, ALB_M_DELETE, "/api/assets/7f", &m), -1);
    assert_int_equal(m.allow, ALB_M_GET | ALB_M_PUT);
    assert_int_equal(find(r, ALB_M_GET, "/api/assets/", &m), -1); /* {id} is not empty */
    assert_int_equal(m.allow, 0);
    assert_int_equal(find(r, ALB_M_GET, "/imgproxy", &m), -1);
    assert_int_equal(find(r, ALB_M_GET, "/api//assets", &m), -1);
    assert_int_equal(find(r, ALB_M_GET, "", &m), -1);
    assert_int_equal(find(r, ALB_M_GET, "*", &m), -1);
    assert_int_equal(alb_route_param_index("/a/{x}/{y*}", ALB_STR("y")), 1);
    assert_int_equal(alb_route_param_index("/a/{x}/{y*}", ALB_STR("z")), -1);
    alb_router_free(&r);
}

static void test_router_refuses(void **state)
{
    static const struct alb_http_group group = {.name = "t"};
    static const struct alb_route good = {.pattern = "/a/{x}", .methods = ALB_M_GET, .step = never};
    static const struct alb_route bad[] = {
        {.pattern = "a", .methods = ALB_M_GET, .step = never},
        {.pattern = "/a/{x*}/b", .methods = ALB_M_GET, .step = never},
        {.pattern = "/a/b{x}", .methods = ALB_M_GET, .step = never},
        {.pattern = "/a", .methods = 0, .step = never},
        {.pattern = "/{a}/{b}/{c}/{d}/{e}/{f}/{g}", .methods = ALB_M_GET, .step = never},
    };
    struct alb_router *r = alb_router_new();

    (void)state;
    assert_non_null(r);
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++)
        assert_int_equal(alb_router_add(r, &bad[i], &group, NULL), ALB_E_INVALID);
    assert_int_equal(alb_router_add(r, &good, &group, NULL), ALB_OK);
    assert_int_equal(alb_router_add(r, &good, &group, NULL), ALB_E_CONFLICT);
    alb_router_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_range),     cmocka_unit_test(test_validators),
        cmocka_unit_test(test_if_range),  cmocka_unit_test(test_query),
        cmocka_unit_test(test_cookie),    cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_forwarded), cmocka_unit_test(test_proxy_protocol),
        cmocka_unit_test(test_router),    cmocka_unit_test(test_router_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
