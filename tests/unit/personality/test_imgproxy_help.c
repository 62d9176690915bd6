/* SPDX-License-Identifier: Apache-2.0
 *
 * The help of `albumen imgproxy` against the table that reads the variables: each that has an effect is explained,
 * and nothing is explained that nobody reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "doors/imgproxy/env_priv.h"
#include "personality/imgproxy.h"

#define HELP_MAX ((size_t)1 << 20)

static void test_every_variable_is_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < alb_imgproxy_variable_count; i++) {
        const struct alb_imgproxy_variable *v = &alb_imgproxy_variables[i];
        if (v->kind != ALB_IMGPROXY_ENV_NOTHING && !alb_imgproxy_help_of(alb_str_c(v->name)))
            fail_msg("IMGPROXY_%s is not in the help", v->name);
    }
}

/* Lines "  IMGPROXY_NAME" or "  IMGPROXY_NAME=default". */
static void test_every_explanation_has_a_variable(void **state)
{
    (void)state;
    struct alb_buf text = ALB_BUF_INIT(HELP_MAX);
    struct alb_str rest, line, name, value;
    size_t n = 0;
    alb_imgproxy_help(false, &text);
    assert_int_equal(alb_buf_code(&text), ALB_OK);
    rest = alb_buf_view(&text);
    while (rest.n > 0 && alb_str_next(&rest, '\n', &line)) {
        if (!alb_str_starts(line, ALB_STR("  IMGPROXY_")))
            continue;
        name = alb_str_from(line, strlen("  IMGPROXY_"));
        if (alb_str_find(name, '=') != ALB_STR_NPOS)
            assert_true(alb_str_cut(alb_str_from(line, strlen("  IMGPROXY_")), '=', &name, &value));
        if (!alb_imgproxy_variable_find(name))
            fail_msg("nobody reads IMGPROXY_%.*s", ALB_STR_ARG(name));
        n++;
    }
    assert_true(n > 100);
    alb_buf_fini(&text);
}

/* A line of a manual page that begins with a dot and is no request would vanish. */
static void test_manual(void **state)
{
    (void)state;
    struct alb_buf text = ALB_BUF_INIT(HELP_MAX);
    struct alb_str rest, line;
    alb_imgproxy_help(true, &text);
    assert_int_equal(alb_buf_code(&text), ALB_OK);
    rest = alb_buf_view(&text);
    while (rest.n > 0 && alb_str_next(&rest, '\n', &line))
        if (line.n > 0 && line.p[0] == '.')
            assert_true(alb_str_starts(line, ALB_STR(".SS ")) || alb_str_eq_c(line, ".TP") ||
                        alb_str_starts(line, ALB_STR(".BI ")));
    alb_buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_variable_is_explained),
        cmocka_unit_test(test_every_explanation_has_a_variable),
        cmocka_unit_test(test_manual),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
