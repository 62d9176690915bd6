/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/err.h"
#include "test.h"

static enum alb_code open_door(struct alb_err *err)
{
    return alb_fail(err, ALB_E_FORBIDDEN, "door %d", 7);
}

static void test_first_error_wins(void **state)
{
    struct alb_err err = ALB_ERR_INIT;

    (void)state;
    assert_int_equal(open_door(&err), ALB_E_FORBIDDEN);
    assert_string_equal(err.msg, "door 7");
    assert_non_null(strstr(err.where, "test_err.c:"));
    assert_int_equal(err.sys, 0);
    assert_int_equal(alb_fail(&err, ALB_E_IO, "later"), ALB_E_FORBIDDEN);
    assert_string_equal(err.msg, "door 7");
    alb_err_clear(&err);
    assert_int_equal(err.code, ALB_OK);
    assert_int_equal(alb_fail_sys(&err, ALB_E_IO, EIO, "read %s", "x"), ALB_E_IO);
    assert_string_equal(err.msg, "read x: Input/output error");
    assert_int_equal(err.sys, EIO);
}

/* Passed on with another code: what the system said is said once. */
static void test_errno_is_told_once(void **state)
{
    struct alb_err inner = ALB_ERR_INIT, err = ALB_ERR_INIT;

    (void)state;
    (void)alb_fail_sys(&inner, ALB_E_NOT_FOUND, ENOENT, "open %s", "x");
    (void)alb_fail_sys(&err, ALB_E_CORRUPT, inner.sys, "original: %s", inner.msg);
    assert_string_equal(err.msg, "original: open x: No such file or directory");
    assert_int_equal(err.sys, ENOENT);
}

static void test_null_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(open_door(NULL), ALB_E_FORBIDDEN);
    alb_err_context(NULL, "x");
    alb_err_clear(NULL);
}

static void test_failure_is_never_ok(void **state)
{
    struct alb_err err = ALB_ERR_INIT;

    (void)state;
    assert_int_equal(alb_fail(&err, ALB_OK, "mistake"), ALB_E_INTERNAL);
    assert_int_equal(err.code, ALB_E_INTERNAL);
    assert_int_equal(alb_fail(NULL, ALB_OK, "mistake"), ALB_E_INTERNAL);
}

static void test_context(void **state)
{
    struct alb_err err = ALB_ERR_INIT;

    (void)state;
    alb_err_context(&err, "not set");
    assert_int_equal(err.code, ALB_OK);
    assert_string_equal(err.msg, "");
    (void)open_door(&err);
    alb_err_context(&err, "house %d", 3);
    alb_err_context(&err, "street");
    assert_string_equal(err.msg, "street: house 3: door 7");
    assert_int_equal(err.code, ALB_E_FORBIDDEN);
}

static void test_long_texts_are_cut(void **state)
{
    struct alb_err err = ALB_ERR_INIT;
    char text[1000];

    (void)state;
    memset(text, 'm', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    (void)alb_fail_sys(&err, ALB_E_IO, EIO, "%s", text);
    assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
    memset(text, 'c', sizeof(text) - 1);
    alb_err_context(&err, "%s", text);
    assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
    assert_int_equal(err.msg[0], 'c');
    assert_int_equal(err.msg[sizeof(err.msg) - 2], 'm'); /* the message is still there */
    for (int i = 0; i < 50; i++)
        alb_err_context(&err, "x");
    assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
}

static void test_codes(void **state)
{
    (void)state;
    for (int c = 0; c < ALB_CODE_COUNT; c++) {
        enum alb_code code = (enum alb_code)c;
        assert_true(alb_code_name(code)[0] != '\0');
        assert_true(alb_code_client_text(code)[0] != '\0');
        assert_true(alb_code_status(code) >= 200 && alb_code_status(code) < 600);
        /* What the server is to blame for is logged as more than information. */
        if (alb_code_status(code) >= 500)
            assert_true(alb_code_level(code) >= ALB_LOG_WARN);
    }
    assert_string_equal(alb_code_name(ALB_E_NOT_FOUND), "NOT_FOUND");
    assert_int_equal(alb_code_status(ALB_E_NO_SPACE), 507);
    assert_int_equal(alb_code_status((enum alb_code)9999), 500);
}

static void test_errno(void **state)
{
    static const struct {
        int sys;
        enum alb_code code;
    } cases[] = {
        {EMFILE, ALB_E_BUSY},     {ENFILE, ALB_E_BUSY},      {ENOSPC, ALB_E_NO_SPACE},
        {EDQUOT, ALB_E_NO_SPACE}, {ENOMEM, ALB_E_NO_MEMORY}, {ENOENT, ALB_E_NOT_FOUND},
        {EIO, ALB_E_IO},          {EACCES, ALB_E_IO},
    };

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++)
        assert_int_equal(alb_code_of_errno(cases[i].sys), cases[i].code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_error_wins),
        cmocka_unit_test(test_errno_is_told_once),
        cmocka_unit_test(test_null_is_allowed),
        cmocka_unit_test(test_failure_is_never_ok),
        cmocka_unit_test(test_context),
        cmocka_unit_test(test_long_texts_are_cut),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_errno),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
