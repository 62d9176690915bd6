/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/json.h"
#include "test.h"

static void test_document(void **state)
{
    struct alb_buf b = ALB_BUF_INIT(10000);
    struct alb_json j;

    (void)state;
    alb_json_init(&j, &b);
    alb_json_object(&j);
    alb_json_kc(&j, "name", "a\"b");
    alb_json_kc(&j, "none", NULL);
    alb_json_kstr(&j, "empty", ALB_STR(""));
    alb_json_ki64(&j, "min", INT64_MIN);
    alb_json_key(&j, "max");
    alb_json_u64(&j, UINT64_MAX);
    alb_json_kbool(&j, "yes", true);
    alb_json_knull(&j, "null");
    alb_json_key(&j, "list");
    alb_json_array(&j);
    alb_json_bool(&j, false);
    alb_json_array(&j);
    alb_json_end(&j);
    alb_json_object(&j);
    alb_json_end(&j);
    alb_json_object(&j);
    alb_json_key(&j, "x");
    alb_json_raw(&j, ALB_STR("[1,2]"));
    alb_json_end(&j);
    alb_json_end(&j);
    alb_json_key(&j, "after");
    alb_json_double(&j, 0.5);
    alb_json_end(&j);
    assert_string_equal(alb_buf_cstr(&b),
                        "{\"name\":\"a\\\"b\",\"none\":null,\"empty\":\"\",\"min\":-9223372036854775808,"
                        "\"max\":18446744073709551615,\"yes\":true,\"null\":null,"
                        "\"list\":[false,[],{},{\"x\":[1,2]}],\"after\":0.5}");
    alb_buf_fini(&b);
}

static void test_strings(void **state)
{
    static const struct {
        struct alb_str in;
        const char *out;
    } cases[] = {
        {{"", 0}, "\"\""},
        {{NULL, 0}, "null"},
        {{"\"\\/\b\f\n\r\t", 8}, "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
        {{"\0\x01\x1f\x7f", 4}, "\"\\u0000\\u0001\\u001f\\u007f\""},
        {{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xb7", 9}, "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xb7\""},
        {{"a\xff"
          "b",
          3},
         "\"a\xef\xbf\xbd"
         "b\""},
        {{"\xc3", 1}, "\"\xef\xbf\xbd\""},
        {{"\xed\xa0\x80", 3}, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {{"</script>", 9}, "\"</script>\""},
    };

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_buf b = ALB_BUF_INIT(1000);
        struct alb_json j;
        alb_json_init(&j, &b);
        alb_json_str(&j, cases[i].in);
        assert_string_equal(alb_buf_cstr(&b), cases[i].out);
        alb_buf_fini(&b);
    }
}

static void test_doubles(void **state)
{
    static const struct {
        double v;
        const char *out;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {1e21, "1e+21"},
        {-2.5, "-2.5"},
        {5e-324, "4.94065645841247e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {__builtin_inf(), "null"},
        {-__builtin_inf(), "null"},
        {__builtin_nan(""), "null"},
        {52.520008, "52.520008"},
    };

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_buf b = ALB_BUF_INIT(100);
        struct alb_json j;
        alb_json_init(&j, &b);
        alb_json_double(&j, cases[i].v);
        assert_string_equal(alb_buf_cstr(&b), cases[i].out);
        alb_buf_fini(&b);
    }
}

static void test_nesting_of_32(void **state)
{
    struct alb_buf b = ALB_BUF_INIT(1000);
    struct alb_json j;

    (void)state;
    alb_json_init(&j, &b);
    for (int i = 0; i < 32; i++) {
        if (i % 2 == 0) {
            alb_json_array(&j);
        } else {
            alb_json_object(&j);
            alb_json_key(&j, "k");
        }
        if (i == 31)
            alb_json_null(&j);
    }
    for (int i = 0; i < 32; i++)
        alb_json_end(&j);
    assert_int_equal(b.n, 16 + 16 * 5 + 4 + 32);
    alb_buf_fini(&b);
}

static void misuse(void *arg)
{
    struct alb_buf b = ALB_BUF_INIT(10000);
    struct alb_json j;

    alb_json_init(&j, &b);
    for (const char *op = arg; *op != '\0'; op++) {
        switch (*op) {
        case '{':
            alb_json_object(&j);
            break;
        case '[':
            alb_json_array(&j);
            break;
        case 'e':
            alb_json_end(&j);
            break;
        case 'k':
            alb_json_key(&j, "k");
            break;
        case 'r':
            alb_json_raw(&j, ALB_STR(""));
            break;
        default:
            alb_json_i64(&j, 1);
            break;
        }
    }
    alb_buf_fini(&b);
}

static void test_misuse(void **state)
{
    static char programs[][40] = {
        "{1",  /* value without a key */
        "[k",  /* key in an array */
        "k",   /* key outside */
        "{kk", /* two keys */
        "{ke", /* key without value */
        "e",   "[ee", "11", "[e1", "{k1e[", "[r", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", /* 33 */
    };

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(programs); i++)
        expect_panic(misuse, programs[i], "json.c");
}

static void test_full_buffer_sticks(void **state)
{
    struct alb_buf b = ALB_BUF_INIT(10);
    struct alb_json j;

    (void)state;
    alb_json_init(&j, &b);
    alb_json_array(&j);
    for (int64_t i = 0; i < 10; i++)
        alb_json_i64(&j, i);
    alb_json_end(&j);
    assert_int_equal(alb_buf_code(&b), ALB_E_TOO_LARGE);
    alb_buf_fini(&b);
}

static void test_flushing_between_elements(void **state)
{
    struct alb_buf b = ALB_BUF_INIT(64), all = ALB_BUF_INIT(10000);
    struct alb_json j;

    (void)state;
    alb_json_init(&j, &b);
    alb_json_array(&j);
    for (int64_t i = 0; i < 100; i++) {
        alb_json_object(&j);
        alb_json_ki64(&j, "n", i);
        alb_json_end(&j);
        alb_buf_str(&all, alb_buf_view(&b));
        alb_buf_reset(&b);
    }
    alb_json_end(&j);
    alb_buf_str(&all, alb_buf_view(&b));
    assert_int_equal(alb_buf_code(&b), ALB_OK);
    const char *text = alb_buf_cstr(&all);
    assert_memory_equal(text, "[{\"n\":0},{\"n\":1},", 17);
    assert_string_equal(text + all.n - 10, ",{\"n\":99}]");
    alb_buf_fini(&b);
    alb_buf_fini(&all);
}

static bool write_much(void *arg)
{
    struct alb_buf b = ALB_BUF_INIT(100000);
    struct alb_json j;

    (void)arg;
    alb_json_init(&j, &b);
    alb_json_array(&j);
    for (int i = 0; i < 500; i++)
        alb_json_c(&j, "some text");
    alb_json_end(&j);
    enum alb_code code = alb_buf_code(&b);
    alb_buf_fini(&b);
    assert_true(code == ALB_OK || code == ALB_E_NO_MEMORY);
    return code != ALB_OK;
}

static void test_no_memory(void **state)
{
    (void)state;
    sweep_allocations(write_much, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_nesting_of_32),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_full_buffer_sticks),
        cmocka_unit_test(test_flushing_between_elements),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
