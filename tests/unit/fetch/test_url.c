/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses: what is taken, into which parts it falls, what a redirect means, and who may be told a secret.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fetch/url.h"

static void parts(void **state)
{
    static const struct {
        const char *text, *whole, *user, *host, *path, *query;
        int port;
        bool secure;
    } table[] = {
        {"http://a/b", "http://a/b", "", "a", "/b", NULL, 80, false},
        {"HTTPS://A.Example:444?x=1", "https://A.Example:444/?x=1", "", "a.example", "/", "x=1", 444, true},
        {"https://u:p%40@h/%41/../b?c?d#e", "https://u:p%40@h/b?c?d", "u:p%40", "h", "/b", "c?d", 443, true},
        {"http://[::1]:8080/", "http://[::1]:8080/", "", "::1", "/", NULL, 8080, false},
        {"http://h/a b\xc3\xa9", "http://h/a%20b%c3%a9", "", "h", "/a%20b%c3%a9", NULL, 80, false},
        {"http://evil?.cdn.dev/", "http://evil/?.cdn.dev/", "", "evil", "/", ".cdn.dev/", 80, false},
        {"http://cdn.dev@evil/", "http://cdn.dev@evil/", "cdn.dev", "evil", "/", NULL, 80, false},
        {"http://evil#.cdn.dev/", "http://evil/", "", "evil", "/", NULL, 80, false},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        struct alb_url u;
        assert_int_equal(alb_url_parse(alb_str_c(table[i].text), &u, NULL), ALB_OK);
        assert_string_equal(u.text.p, table[i].whole);
        assert_true(alb_str_eq_c(u.user, table[i].user));
        assert_true(alb_str_eq_c(u.host, table[i].host));
        assert_true(alb_str_eq_c(u.path, table[i].path));
        if (table[i].query)
            assert_true(alb_str_eq_c(u.query, table[i].query));
        else
            assert_null(u.query.p);
        assert_int_equal(u.port, table[i].port);
        assert_int_equal(u.secure, table[i].secure);
        alb_url_fini(&u);
        alb_url_fini(&u);
    }
}

static void refusals(void **state)
{
    static const char *const bad[] = {"",
                                      "a",
                                      "//a/b",
                                      "ftp://a/b",
                                      "file:///etc/passwd",
                                      "local:///a",
                                      "http://",
                                      "http:///b",
                                      "http:/b",
                                      "http:b",
                                      "http://a:99999/",
                                      "http://a:0/",
                                      "http://a:b/",
                                      "http://a b/",
                                      "http://a\nb/",
                                      "http://[::1/",
                                      "http://[fe80::1%25lo]/",
                                      "s3://bucket/key"};
    struct alb_url u;
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        if (alb_url_parse(alb_str_c(bad[i]), &u, NULL) != ALB_E_INVALID)
            fail_msg("%s is taken", bad[i]);
        assert_null(u.memory);
    }
    char *lengthy = malloc(ALB_URL_MAX + 100);
    memset(lengthy, 'a', ALB_URL_MAX + 100);
    memcpy(lengthy, "http://h/", 9);
    assert_int_equal(alb_url_parse(alb_str_n(lengthy, ALB_URL_MAX + 100), &u, NULL), ALB_E_INVALID);
    free(lengthy);
    for (uint64_t n = 1;; n++) {
        alb_mem_fault(n, false);
        enum alb_code code = alb_url_parse(ALB_STR("http://a/b?c"), &u, NULL);
        bool fired = alb_mem_fault_fired();
        alb_mem_fault(0, false);
        alb_url_fini(&u);
        if (!fired)
            break;
        assert_int_equal(code, ALB_E_NO_MEMORY);
    }
}

static void redirects(void **state)
{
    static const struct {
        const char *to, *whole;
    } table[] = {
        {"/x", "https://h:8443/x"},
        {"x?y", "https://h:8443/a/x?y"},
        {"../x", "https://h:8443/x"},
        {"?q", "https://h:8443/a/b?q"},
        {"//other/x", "https://other/x"},
        {"http://other", "http://other/"},
        {"local:///etc/passwd", NULL},
        {"file:///etc/passwd", NULL},
        {"s3://bucket/key", NULL},
        {"", NULL},
        {"http://", NULL},
        {"http:/x", NULL},
        {"http:///x", NULL},
    };
    struct alb_url base, u;
    (void)state;
    assert_int_equal(alb_url_parse(ALB_STR("https://me:secret@h:8443/a/b?c"), &base, NULL), ALB_OK);
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++) {
        enum alb_code code = alb_url_resolve(&base, alb_str_c(table[i].to), &u, NULL);
        assert_int_equal(code, table[i].whole ? ALB_OK : ALB_E_INVALID);
        if (table[i].whole)
            assert_string_equal(u.text.p, table[i].whole);
        alb_url_fini(&u);
    }
    alb_url_fini(&base);
}

static bool may_tell(const char *from, const char *to)
{
    struct alb_url a, b;
    assert_int_equal(alb_url_parse(alb_str_c(from), &a, NULL), ALB_OK);
    assert_int_equal(alb_url_parse(alb_str_c(to), &b, NULL), ALB_OK);
    bool may = alb_url_may_tell(&a, &b);
    alb_url_fini(&a);
    alb_url_fini(&b);
    return may;
}

static void secrets(void **state)
{
    (void)state;
    assert_true(may_tell("http://a/x", "http://A:80/y"));
    assert_true(may_tell("http://a/x", "https://a/y"));
    assert_false(may_tell("https://a/x", "http://a/y"));
    assert_false(may_tell("http://a/x", "http://b/x"));
    assert_false(may_tell("http://a/x", "http://a:81/x"));
    assert_false(may_tell("http://a:8080/x", "https://a/x"));
    assert_false(may_tell("http://a/x", "http://sub.a/x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts),
        cmocka_unit_test(refusals),
        cmocka_unit_test(redirects),
        cmocka_unit_test(secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
