/* SPDX-License-Identifier: Apache-2.0 */
#include "base/options.h"
#include "image/darkroom.h"
#include "test.h"

static enum alb_code read_limits(const char *name, const char *value, struct alb_darkroom_config *c,
                                 struct alb_err *err)
{
    char flag[64] = "--", text[64] = "", *argv[] = {flag, text, NULL}, *envp[] = {NULL}, **rest;
    struct alb_options *o = NULL;
    if (name) {
        strncat(flag, name, sizeof(flag) - 3);
        strncat(text, value, sizeof(text) - 1);
    }
    assert_int_equal(alb_options_parse(ALB_CMD_SERVE, name ? 2 : 0, argv, envp, &o, &rest, err), ALB_OK);
    alb_darkroom_config_default(c);
    enum alb_code code = alb_darkroom_config_options(c, o, err);
    alb_options_free(&o);
    return code;
}

/* The table's defaults are the code's: whoever reads --help reads the truth. */
static void test_defaults(void **state)
{
    struct alb_darkroom_config plain, read;
    (void)state;
    alb_darkroom_config_default(&plain);
    assert_int_equal(read_limits(NULL, NULL, &read, NULL), ALB_OK);
    assert_memory_equal(&plain.limits, &read.limits, sizeof(plain.limits));
    assert_int_equal(plain.queue_max, read.queue_max);
    assert_int_equal(plain.jobs_per_worker, read.jobs_per_worker);
    assert_int_equal(plain.memory, read.memory);
    assert_int_equal(plain.result_max, read.result_max);
}

static void test_values(void **state)
{
    struct alb_darkroom_config c;
    (void)state;
    assert_int_equal(read_limits("picture-pixels", "1000", &c, NULL), ALB_OK);
    assert_int_equal(c.limits.source_pixels, 1000);
    assert_int_equal(read_limits("worker-memory", "1G", &c, NULL), ALB_OK);
    assert_int_equal(c.memory, 1 << 30);
    assert_int_equal(read_limits("result-side", "500", &c, NULL), ALB_OK);
    assert_int_equal(c.limits.result_side, 500);
}

static void test_out_of_range(void **state)
{
    static const char *const bad[][2] = {{"picture-pixels", "0"},    {"result-side", "100000"},
                                         {"animation-frames", "-1"}, {"worker-jobs", "0"},
                                         {"worker-memory", "1M"},    {"picture-size", "0"}};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        struct alb_darkroom_config c;
        struct alb_err err = ALB_ERR_INIT;
        assert_int_equal(read_limits(bad[i][0], bad[i][1], &c, &err), ALB_E_INVALID);
        assert_non_null(strstr(err.msg, bad[i][0]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
