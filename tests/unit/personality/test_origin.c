/* SPDX-License-Identifier: Apache-2.0
 *
 * Regular expressions of origins: what is accepted matches as in Go, what is not is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "personality/origin.h"

static bool matches(const char *pattern, const char *origin)
{
    struct alb_origin o;
    struct alb_err err = ALB_ERR_INIT;
    if (alb_origin_compile(&o, pattern, &err) != ALB_OK)
        fail_msg("%s: %s", pattern, err.msg);
    bool yes = alb_origin_allows(&o, alb_str_c(origin));
    alb_origin_fini(&o);
    return yes;
}

static void matching(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *yes, *no;
    } cases[] = {
        {".*", "https://a.example", NULL},
        {"", "anything", NULL},
        {"example\\.com", "https://example.com.evil", "https://exampleXcom"}, /* not anchored, as in Go */
        {"^https?://([a-z]+\\.)?example\\.com(:\\d+)?$", "https://www.example.com:8443", "https://evil.com"},
        {"^https://[\\w-]+\\.example\\.com$", "https://a-b_c.example.com", "https://a.b.example.com"},
        {"^https://[\\w.-]+$", "https://a.b-c", "https://a/b"},
        {"^(?:https|http)://a$", "http://a", "ftp://a"},
        {"^[^\\d]+?$", "abc", "ab1"},
        {"^\\D+\\d{2,3}$", "ab12", "ab1"},
        {"^https:\\/\\/a\\.b$", "https://a.b", "https://aXb"},
        {"^a\\|b$", "a|b", "a"},
        {"^a|b$", "axx", "xx"},
        {"^[a-c\\-]+$", "a-c", "d"},
        {"^x\\??$", "x?", "xy"},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        if (!matches(cases[i].pattern, cases[i].yes))
            fail_msg("%s should match %s", cases[i].pattern, cases[i].yes);
        if (cases[i].no && matches(cases[i].pattern, cases[i].no))
            fail_msg("%s should not match %s", cases[i].pattern, cases[i].no);
    }
}

static void refusing(void **state)
{
    (void)state;
    static const char *const bad[] = {"(",
                                      "[a",
                                      "(?i)a",
                                      "\\pL",
                                      "\\bA",
                                      "a\\",
                                      "[]a]",
                                      "[[:alpha:]]",
                                      "\\1",
                                      "[\\]]",
                                      "(?P<n>a)",
                                      "\\Aa",
                                      "\\x41",
                                      "a{2",
                                      "*a",
                                      "(+a)",
                                      "a|*",
                                      "(?:*)",
                                      "a**",
                                      "a+*",
                                      "a???",
                                      "a{2}+",
                                      "--++++++++++++++++++++"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        struct alb_origin o;
        if (alb_origin_compile(&o, bad[i], NULL) == ALB_OK)
            fail_msg("%s should be refused", bad[i]);
    }
}

static void too_long(void **state)
{
    (void)state;
    static char longer[ALB_ORIGIN_MAX + 2];
    memset(longer, 'a', sizeof(longer) - 1);
    assert_false(matches("a", longer));
    longer[ALB_ORIGIN_MAX] = '\0';
    assert_true(matches("a", longer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(matching), cmocka_unit_test(refusing),
                                       cmocka_unit_test(too_long)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
