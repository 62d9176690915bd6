/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parsers of several doors share: globs as Go's path.Match has them (the table is of its documentation and of
 * its own tests), and which headers may go through.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "doors/common/headers.h"
#include "doors/common/pattern.h"

static void globs(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool fits;
    } table[] = {
        {"abc", "abc", true},
        {"*", "abc", true},
        {"*c", "abc", true},
        {"a*", "a", true},
        {"a*", "abc", true},
        {"a*", "ab/c", false},
        {"a*/b", "abc/b", true},
        {"a*/b", "a/c/b", false},
        {"a*b*c*d*e*/f", "axbxcxdxe/f", true},
        {"a*b*c*d*e*/f", "axbxcxdxexxx/f", true},
        {"a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false},
        {"a*b?c*x", "abxbbxdbxebxczzx", true},
        {"a*b?c*x", "abxbbxdbxebxczzy", false},
        {"ab[c]", "abc", true},
        {"ab[b-d]", "abc", true},
        {"ab[e-g]", "abc", false},
        {"ab[^c]", "abc", false},
        {"ab[^b-d]", "abc", false},
        {"ab[^e-g]", "abc", true},
        {"a\\*b", "a*b", true},
        {"a\\*b", "ab", false},
        {"a?b", "a/b", false},
        {"[a-ζ]*", "a", true},
        {"*[a-ζ]", "A", false},
        {"[\\]a]", "]", true},
        {"[\\-]", "-", true},
        {"[x\\-]", "x", true},
        {"[x\\-]", "z", false},
        {"[]a]", "]", false},
        {"[-]", "-", false},
        {"[x-]", "x", false},
        {"[-x]", "x", false},
        {"[a-b-c]", "a", false},
        {"[", "a", false},
        {"[^bc", "a", false},
        {"a\\", "a", false},
        {"", "", true},
        {"", "a", false},
        {"**", "ab", true},
        {"*x", "xxx", true},
        {"*.example.com", "a.b.example.com", true},
        {"*.example.com", "example.com", false},
        {"image/*", "image/jpeg", true},
    };
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(table); i++)
        if (alb_door_glob(alb_str_c(table[i].pattern), alb_str_c(table[i].text)) != table[i].fits)
            fail_msg("%s and %s", table[i].pattern, table[i].text);
}

static void headers(void **state)
{
    static const char *const pass[] = {"X-Thing", "link"}, *const stay[] = {"Set-Cookie", "content-type",
                                                                            "a b", ""};
    static const char *const tell[] = {"User-Agent", "cookie", "Accept"}, *const keep[] = {
                                                                              "Authorization", "HOST",
                                                                              "X-Api-Key", "Range", "a:b"};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(pass); i++)
        assert_true(alb_door_may_pass(alb_str_c(pass[i])));
    for (size_t i = 0; i < ALB_ARRAY_LEN(stay); i++)
        assert_false(alb_door_may_pass(alb_str_c(stay[i])));
    for (size_t i = 0; i < ALB_ARRAY_LEN(tell); i++)
        assert_true(alb_door_may_forward(alb_str_c(tell[i])));
    for (size_t i = 0; i < ALB_ARRAY_LEN(keep); i++)
        assert_false(alb_door_may_forward(alb_str_c(keep[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(globs), cmocka_unit_test(headers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
