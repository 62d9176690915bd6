/* SPDX-License-Identifier: Apache-2.0
 *
 * imagor's flags: where values come from, what is stronger, what is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "personality/imagor_flags.h"

static struct {
    struct alb_arena *arena;
    struct alb_imagor_flags flags;
    struct alb_buf remarks;
    struct alb_err err;
    char file[64];
} st;

static int up(void **state)
{
    (void)state;
    st.arena = alb_arena_new((size_t)1 << 20);
    alb_buf_init(&st.remarks, ALB_IMAGOR_REMARKS_MAX);
    (void)snprintf(st.file, sizeof(st.file), "/tmp/albumen-flags-XXXXXX");
    int fd = mkstemp(st.file);
    (void)close(fd);
    return st.arena && fd >= 0 ? 0 : -1;
}

static int down(void **state)
{
    (void)state;
    (void)unlink(st.file);
    alb_buf_fini(&st.remarks);
    alb_arena_free(&st.arena);
    return 0;
}

static enum alb_code parse(const char *file, const char *const *env, const char *const *words)
{
    const char *none[] = {NULL};
    char config[80];
    char *argv[16];
    int argc = 0;
    FILE *f = fopen(st.file, "w");
    assert_non_null(f);
    (void)fputs(file, f);
    (void)fclose(f);
    (void)snprintf(config, sizeof(config), "-config=%s", st.file);
    argv[argc++] = config;
    for (; words && *words; words++)
        argv[argc++] = (char *)(uintptr_t)*words;
    alb_err_clear(&st.err);
    alb_buf_reset(&st.remarks);
    return alb_imagor_flags_parse(argc, argv, (char **)(uintptr_t)(env ? env : none), st.arena, &st.flags,
                                  &st.remarks, &st.err);
}

static void test_defaults(void **state)
{
    (void)state;
    assert_int_equal(parse("", NULL, NULL), ALB_OK);
    assert_int_equal(alb_imagor_flags_check(&st.flags, &st.err), ALB_OK);
    assert_int_equal(st.flags.port, 8000);
    assert_int_equal(st.flags.request_timeout, 30 * ALB_NS_PER_S);
    assert_int_equal(st.flags.concurrency, -1);
    assert_int_equal(st.flags.ttl, 168 * 3600 * ALB_NS_PER_S);
    assert_int_equal(st.flags.swr, 24 * 3600 * ALB_NS_PER_S);
    assert_int_equal(st.flags.storage_mkdir, 0755);
    assert_int_equal(st.flags.result_write, 0666);
    assert_int_equal(st.flags.avif_speed, 8);
    assert_string_equal(st.flags.prometheus_namespace, "imagor");
    assert_int_equal(st.remarks.n, 0);
}

static void test_order(void **state)
{
    const char *const env[] = {
        "IMAGOR_SECRET=e", "FILE_SAFE_CHARS=e", "IMAGOR_AUTO_WEBP=", "VERSION=1.2", "Port=1", NULL};
    const char *const words[] = {"--file-safe-chars",          "--", "-imagor-auto-avif",
                                 "-vips-max-animation-frames", "-1", NULL};
    (void)state;
    assert_int_equal(
        parse("IMAGOR_SECRET=f\nFILE_SAFE_CHARS=f\nIMAGOR_BASE_PARAMS=f\nIMAGOR_AUTO_WEBP=true\n", env,
              words),
        ALB_OK);
    assert_string_equal(st.flags.secret, "e");
    assert_string_equal(st.flags.safe_chars, "--");
    assert_string_equal(st.flags.base_params, "f");
    assert_true(st.flags.auto_webp); /* an empty variable is none */
    assert_true(st.flags.auto_avif);
    assert_int_equal(st.flags.port, 8000);
    assert_false(st.flags.version);
}

static void test_file(void **state)
{
    (void)state;
    assert_int_equal(parse("\r\n  # words\n IMAGOR_SECRET = \"a b\\n\\\"c\\\"\" \r\nimagor-base-params=x=y # "
                           "z\nIMAGOR_AUTO_WEBP=\n",
                           NULL, NULL),
                     ALB_OK);
    assert_string_equal(st.flags.secret, "a b\n\"c\"");
    assert_string_equal(st.flags.base_params, "x=y # z");
    assert_int_equal(parse("PORT\n", NULL, NULL), ALB_E_INVALID);
    assert_non_null(strstr(st.err.msg, ":1: NAME=value"));
    assert_int_equal(parse("\nPORT=many\n", NULL, NULL), ALB_E_INVALID);
    assert_non_null(strstr(st.err.msg, "invalid value \"many\" for flag -port"));
}

static void test_remarks(void **state)
{
    const char *const env[] = {"IMAGOR_NEW=1", "SOMETHING_ELSE=1", "HTTP_LOADER_HTTPS_ONLY=1", NULL};
    (void)state;
    assert_int_equal(parse("NOBODY=1\nVIPS_VECTOR=1\n", env, NULL), ALB_OK);
    const char *text = alb_buf_cstr(&st.remarks);
    assert_non_null(strstr(text, "NOBODY is nothing that imagor or albumen knows"));
    assert_non_null(strstr(text, "VIPS_VECTOR has no effect"));
    assert_non_null(strstr(text, "environment: IMAGOR_NEW is nothing"));
    assert_non_null(strstr(text, "HTTP_LOADER_HTTPS_ONLY is nothing"));
    assert_null(strstr(text, "SOMETHING_ELSE"));
    assert_null(strstr(text, "passed over"));
    const char *const words[] = {"-imagor-unsafe", "-port", "80", "true", "-port=81", NULL};
    assert_int_equal(parse("", NULL, words), ALB_OK);
    assert_int_equal(st.flags.port, 80);
    assert_non_null(strstr(alb_buf_cstr(&st.remarks), "arguments: true is no flag"));
}

static void test_refused(void **state)
{
    static const struct {
        const char *word, *text;
    } cases[] = {
        {"-s3-loader-bucket=b", "no S3 store"},        {"-gcloud-result-storage-bucket=b", "Google Cloud"},
        {"-http-loader-proxy-urls=http://p", "proxy"}, {"-port=70000", "out of range"},
        {"-vips-avif-speed=10", "out of range"},       {"-imagor-process-concurrency=-2", "out of range"},
        {"-prometheus-path=metrics", "begins with /"},
    };
    const char *const unknown[] = {"-nonsense", NULL}, *const help[] = {"-h", NULL};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        const char *const words[] = {cases[i].word, NULL};
        assert_int_equal(parse("", NULL, words), ALB_OK);
        assert_int_not_equal(alb_imagor_flags_check(&st.flags, &st.err), ALB_OK);
        if (!strstr(st.err.msg, cases[i].text))
            fail_msg("%s: %s", cases[i].word, st.err.msg);
    }
    assert_int_equal(parse("", NULL, unknown), ALB_E_INVALID);
    assert_int_equal(parse("", NULL, help), ALB_E_CANCELLED);
}

/* A name twice, or a default that is no value of its kind, would be found by the first who starts it. */
static void test_table(void **state)
{
    size_t count;
    const struct alb_goflag *all = alb_imagor_flags_table(&count);
    struct alb_buf help = ALB_BUF_INIT((size_t)1 << 20);
    char item[96];
    (void)state;
    alb_imagor_flags_help(false, &help);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(all[i].name, all[k].name);
        (void)snprintf(item, sizeof(item), "  -%s", all[i].name);
        assert_non_null(strstr(alb_buf_cstr(&help), item));
        (void)snprintf(item, sizeof(item), "--%s", all[i].name);
        assert_int_equal(alb_imagor_flags_words(item), all[i].type == ALB_GOFLAG_BOOL ? 1 : 2);
        (void)snprintf(item, sizeof(item), "-%s=1", all[i].name);
        assert_int_equal(alb_imagor_flags_words(item), 1);
    }
    assert_int_equal(alb_imagor_flags_words("--cache-dir"), 0);
    assert_int_equal(alb_imagor_flags_words("port"), 0);
    alb_buf_fini(&help);
}

int main(void)
{
#define WITH(name) cmocka_unit_test_setup_teardown(name, up, down)
    const struct CMUnitTest tests[] = {WITH(test_defaults), WITH(test_order),   WITH(test_file),
                                       WITH(test_remarks),  WITH(test_refused), WITH(test_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
