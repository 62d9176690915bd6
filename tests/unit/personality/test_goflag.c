/* SPDX-License-Identifier: Apache-2.0
 *
 * Flags as Go reads them. What is expected here was seen with Go's flag package.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "personality/goflag.h"
#include "personality/tusd_flags.h"

struct values {
    const char *text;
    bool yes;
    int64_t number, time, mode;
};
#define AT(field) offsetof(struct values, field)
static const struct alb_goflag flags[] = {
    {"First", "text", "a text", ALB_GOFLAG_STRING, AT(text), "t"},
    {NULL, "number", "a number", ALB_GOFLAG_INT, AT(number), "0"},
    {"Second", "yes", "or no", ALB_GOFLAG_BOOL, AT(yes), "true"},
    {NULL, "time", "a time", ALB_GOFLAG_DURATION, AT(time), "1m0s"},
    {NULL, "mode", "a mode", ALB_GOFLAG_OCTAL, AT(mode), "664"},
};

static enum alb_code parse(struct values *v, struct alb_err *err, const char *a, const char *b, const char *c)
{
    char words[3][64], *argv[4] = {words[0], words[1], words[2], NULL};
    const char *given[3] = {a, b, c};
    int n = 0;
    alb_err_clear(err);
    for (; n < 3 && given[n]; n++) {
        strncpy(words[n], given[n], 63);
        words[n][63] = '\0';
    }
    static char kept[3][64]; /* values are borrowed from argv */
    memcpy(kept, words, sizeof(kept));
    for (int i = 0; i < n; i++)
        argv[i] = kept[i];
    return alb_goflag_parse(flags, ALB_ARRAY_LEN(flags), v, n, argv, err);
}

static void forms(void **state)
{
    (void)state;
    struct values v;
    struct alb_err err = ALB_ERR_INIT;
    assert_int_equal(parse(&v, &err, NULL, NULL, NULL), ALB_OK);
    assert_string_equal(v.text, "t");
    assert_true(v.yes && v.number == 0 && v.time == 60000000000 && v.mode == 0664);
    static const char *const ways[][2] = {
        {"-text=a b", NULL}, {"--text=a b", NULL}, {"-text", "a b"}, {"--text", "a b"}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(ways); i++) {
        assert_int_equal(parse(&v, &err, ways[i][0], ways[i][1], NULL), ALB_OK);
        assert_string_equal(v.text, "a b");
    }
    assert_int_equal(parse(&v, &err, "-text", "-yes", "--yes=F"), ALB_OK);
    assert_string_equal(v.text, "-yes");
    assert_false(v.yes);
    assert_int_equal(parse(&v, &err, "-text=", NULL, NULL), ALB_OK);
    assert_string_equal(v.text, "");
    assert_int_equal(parse(&v, &err, "-text=a=b", NULL, NULL), ALB_OK);
    assert_string_equal(v.text, "a=b");
    /* A boolean takes no next word; what follows the first word is not looked at. */
    assert_int_equal(parse(&v, &err, "-yes", "false", "-number=x"), ALB_OK);
    assert_true(v.yes);
    assert_int_equal(parse(&v, &err, "--", "-number=x", NULL), ALB_OK);
    assert_int_equal(parse(&v, &err, "-", "-number=x", NULL), ALB_OK);
    assert_int_equal(parse(&v, &err, "-help", NULL, NULL), ALB_E_CANCELLED);
    assert_int_equal(parse(&v, &err, "--h", NULL, NULL), ALB_E_CANCELLED);
}

static void complaints(void **state)
{
    (void)state;
    struct values v;
    struct alb_err err = ALB_ERR_INIT;
    static const char *const bad[][2] = {
        {"-nix", "flag provided but not defined: -nix"},
        {"--nix=1", "flag provided but not defined: -nix"},
        {"---text", "bad flag syntax: ---text"},
        {"-=x", "bad flag syntax: -=x"},
        {"--=x", "bad flag syntax: --=x"},
        {"-text", "flag needs an argument: -text"},
        {"-yes=maybe", "invalid boolean value \"maybe\" for -yes: parse error"},
        {"-yes=", "invalid boolean value \"\" for -yes: parse error"},
        {"-number=x", "invalid value \"x\" for flag -number: parse error"},
        {"-number=9223372036854775808",
         "invalid value \"9223372036854775808\" for flag -number: parse error"},
        {"-number=1__0", "invalid value \"1__0\" for flag -number: parse error"},
        {"-number=", "invalid value \"\" for flag -number: parse error"},
        {"-time=5", "invalid value \"5\" for flag -time: parse error"},
        {"-mode=9", "invalid value \"9\" for flag -mode: parse error"},
        {"-mode=-1", "invalid value \"-1\" for flag -mode: parse error"},
    };
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        assert_int_equal(parse(&v, &err, bad[i][0], NULL, NULL), ALB_E_INVALID);
        assert_string_equal(err.msg, bad[i][1]);
    }
}

static void numbers(void **state)
{
    (void)state;
    struct values v;
    struct alb_err err = ALB_ERR_INIT;
    static const struct {
        const char *word;
        int64_t number;
    } good[] = {{"-number=0", 0},
                {"-number=-0", 0},
                {"-number=+7", 7},
                {"-number=0x1F", 31},
                {"-number=0o17", 15},
                {"-number=017", 15},
                {"-number=0b101", 5},
                {"-number=1_000", 1000},
                {"-number=9223372036854775807", INT64_MAX},
                {"-number=-9223372036854775808", INT64_MIN}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(good); i++) {
        assert_int_equal(parse(&v, &err, good[i].word, NULL, NULL), ALB_OK);
        assert_int_equal(v.number, good[i].number);
    }
}

static void durations(void **state)
{
    (void)state;
    int64_t ns;
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {{"0", 0},
                {"5s", 5000000000},
                {"1.5s", 1500000000},
                {"300ms", 300000000},
                {"1h2m3s", 3723000000000},
                {".5s", 500000000},
                {"1.s", 1000000000},
                {"-2s", -2000000000},
                {"+2s", 2000000000},
                {"10us", 10000},
                {"10\xc2\xb5s", 10000},
                {"7ns", 7}};
    static const char *const bad[] = {"", "-", "5", "s", ".s", "5 s", "5x", "5s5", "1e3s", "99999999999h"};
    for (size_t i = 0; i < ALB_ARRAY_LEN(good); i++) {
        assert_true(alb_goflag_duration(alb_str_c(good[i].text), &ns));
        assert_int_equal(ns, good[i].ns);
    }
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++)
        if (alb_goflag_duration(alb_str_c(bad[i]), &ns))
            fail_msg("%s is no duration", bad[i]);
}

static void help(void **state)
{
    (void)state;
    struct alb_buf out = ALB_BUF_INIT(4096);
    alb_goflag_help(flags, ALB_ARRAY_LEN(flags), "prog", &out);
    assert_string_equal(
        alb_buf_cstr(&out),
        "Usage of prog:\n\nFirst:\n  -number int\n    \ta number\n  -text string\n    \ta text (default "
        "\"t\")\n\nSecond:\n  -mode value\n    \ta mode (default 664)\n  -time duration\n    \ta time "
        "(default 1m0s)\n  -yes\n    \tor no (default true)\n\n");
    alb_buf_fini(&out);
}

/* What tusd can and albumen cannot (yet) is answered, not ignored. */
static void tusd_refusals(void **state)
{
    (void)state;
    static const char *const bad[][2] = {{"-s3-bucket=b", "-s3-bucket"},
                                         {"-gcs-bucket=b", "-gcs-bucket"},
                                         {"-azure-storage=b", "-azure-storage"},
                                         {"-tls-certificate=c", "TLS"},
                                         {"-enable-h2c", "HTTP/2"},
                                         {"-hooks-grpc=localhost:1", "gRPC"},
                                         {"-hooks-plugin=p", "Go plugins"},
                                         {"-expose-pprof", "-expose-pprof"},
                                         {"-log-format=xml", "-log-format"},
                                         {"-hooks-enabled-events=pre-creat", "Unknown hook event type"},
                                         {"-network-timeout=0", "-network-timeout"},
                                         {"-hooks-http-retry=0", "-hooks-http-retry"}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        char word[64], *argv[] = {word, NULL};
        struct alb_tusd_flags f;
        struct alb_err err = ALB_ERR_INIT;
        strncpy(word, bad[i][0], sizeof(word) - 1);
        word[sizeof(word) - 1] = '\0';
        assert_int_equal(alb_tusd_flags_parse(1, argv, &f, &err), ALB_OK);
        assert_int_equal(alb_tusd_flags_check(&f, &err), ALB_E_INVALID);
        if (!strstr(err.msg, bad[i][1]))
            fail_msg("%s: %s", bad[i][0], err.msg);
    }
}

static void tusd_events(void **state)
{
    (void)state;
    char word[] = "-hooks-enabled-events=", two[] = "-hooks-enabled-events=post-finish, pre-create",
         *argv[] = {word, NULL};
    struct alb_tusd_flags f;
    assert_int_equal(alb_tusd_flags_parse(0, argv, &f, NULL), ALB_OK);
    assert_int_equal(alb_tusd_flags_check(&f, NULL), ALB_OK);
    assert_int_equal(f.hook_bits, ALB_HOOK_BIT(ALB_HOOK_PRE_CREATE) | ALB_HOOK_BIT(ALB_HOOK_POST_CREATE) |
                                      ALB_HOOK_BIT(ALB_HOOK_POST_RECEIVE) |
                                      ALB_HOOK_BIT(ALB_HOOK_POST_TERMINATE) |
                                      ALB_HOOK_BIT(ALB_HOOK_POST_FINISH));
    assert_int_equal(alb_tusd_flags_parse(1, argv, &f, NULL), ALB_OK);
    assert_int_equal(alb_tusd_flags_check(&f, NULL), ALB_OK);
    assert_int_equal(f.hook_bits, ALB_HOOK_ALL & ~ALB_HOOK_BIT(ALB_HOOK_AUTHORISE));
    argv[0] = two;
    assert_int_equal(alb_tusd_flags_parse(1, argv, &f, NULL), ALB_OK);
    assert_int_equal(alb_tusd_flags_check(&f, NULL), ALB_OK);
    assert_int_equal(f.hook_bits, ALB_HOOK_BIT(ALB_HOOK_PRE_CREATE) | ALB_HOOK_BIT(ALB_HOOK_POST_FINISH));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),       cmocka_unit_test(complaints), cmocka_unit_test(numbers),
        cmocka_unit_test(durations),   cmocka_unit_test(help),       cmocka_unit_test(tusd_refusals),
        cmocka_unit_test(tusd_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
