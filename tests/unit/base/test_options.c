/* SPDX-License-Identifier: Apache-2.0
 *
 * Options by their rules, with options of the real table: log-level (STRING, every command), retry-for
 * (DURATION), concurrent (INT), recursive (BOOL, on), tag (LIST) and server of the importer.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/options_priv.h"
#include "test.h"

#define MAX_WORDS 24

struct outcome {
    enum alb_code code;
    struct alb_err err;
    struct alb_options *o;
    char **rest;
};

static char no_config[] = "ALBUMEN_CONFIG=/dev/null";

static struct outcome parse(unsigned command, char **argv, char **envp)
{
    struct outcome r = {.err = ALB_ERR_INIT};
    int argc = 0;

    while (argv[argc] != NULL)
        argc++;
    r.code = alb_options_parse(command, argc, argv, envp, &r.o, &r.rest, &r.err);
    assert_int_equal(r.code == ALB_OK, r.o != NULL);
    assert_int_equal(r.code, r.err.code);
    return r;
}

static struct outcome parse_words(const char *line)
{
    static char copy[1024];
    char *argv[MAX_WORDS + 1] = {NULL}, *env[] = {no_config, NULL}, *save = NULL;
    int n = 0;

    assert_true(strlen(line) < sizeof(copy));
    memcpy(copy, line, strlen(line) + 1);
    for (char *w = strtok_r(copy, " ", &save); w != NULL && n < MAX_WORDS; w = strtok_r(NULL, " ", &save))
        argv[n++] = w;
    return parse(ALB_CMD_IMPORT, argv, env);
}

static void test_defaults(void **state)
{
    const char *const *items;

    (void)state;
    struct outcome r = parse_words("");
    assert_int_equal(r.code, ALB_OK);
    assert_string_equal(alb_opt_string(r.o, ALB_P_LOG_LEVEL), "info");
    assert_int_equal(alb_opt_duration(r.o, ALB_P_RETRY_FOR), 300 * ALB_NS_PER_S);
    assert_int_equal(alb_opt_int(r.o, ALB_P_CONCURRENT), 0);
    assert_true(alb_opt_bool(r.o, ALB_P_RECURSIVE));
    assert_int_equal(alb_opt_list(r.o, ALB_P_TAG, &items), 0);
    assert_false(alb_opt_given(r.o, ALB_P_LOG_LEVEL));
    assert_null(r.rest[0]);
    alb_options_free(&r.o);
    assert_null(r.o);
    alb_options_free(&r.o);
}

static void test_flags(void **state)
{
    const char *const *items;

    (void)state;
    struct outcome r =
        parse_words("DIR --log-level debug --retry-for=90s --concurrent -3 --no-recursive --tag a,b "
                    "--tag=c - -- --log-level");
    assert_int_equal(r.code, ALB_OK);
    assert_string_equal(alb_opt_string(r.o, ALB_P_LOG_LEVEL), "debug");
    assert_true(alb_opt_given(r.o, ALB_P_LOG_LEVEL));
    assert_int_equal(alb_opt_duration(r.o, ALB_P_RETRY_FOR), 90 * ALB_NS_PER_S);
    assert_int_equal(alb_opt_int(r.o, ALB_P_CONCURRENT), -3);
    assert_false(alb_opt_bool(r.o, ALB_P_RECURSIVE));
    assert_int_equal(alb_opt_list(r.o, ALB_P_TAG, &items), 2);
    assert_string_equal(items[0], "a,b"); /* no splitting where it can be said twice */
    assert_string_equal(items[1], "c");
    assert_string_equal(r.rest[0], "DIR");
    assert_string_equal(r.rest[1], "-");
    assert_string_equal(r.rest[2], "--log-level");
    assert_null(r.rest[3]);
    alb_options_free(&r.o);

    r = parse_words("--recursive=off --log-level=a=b --log-level= --server x --server y");
    assert_int_equal(r.code, ALB_OK);
    assert_false(alb_opt_bool(r.o, ALB_P_RECURSIVE));
    assert_string_equal(alb_opt_string(r.o, ALB_P_LOG_LEVEL), "");
    assert_string_equal(alb_opt_string(r.o, ALB_P_SERVER), "y"); /* the last one */
    alb_options_free(&r.o);

    r = parse_words("--recursive no"); /* a flag takes no word */
    assert_int_equal(r.code, ALB_OK);
    assert_true(alb_opt_bool(r.o, ALB_P_RECURSIVE));
    assert_string_equal(r.rest[0], "no");
    alb_options_free(&r.o);
}

static void test_long_lists(void **state)
{
    char *argv[402], *env[] = {no_config, NULL};
    static char words[200][8], flag[] = "--tag";
    const char *const *items;

    (void)state;
    for (int i = 0; i < 200; i++) {
        (void)snprintf(words[i], sizeof(words[i]), "t%d", i);
        argv[2 * i] = flag;
        argv[2 * i + 1] = words[i];
    }
    argv[400] = NULL;
    struct outcome r = parse(ALB_CMD_IMPORT, argv, env);
    assert_int_equal(r.code, ALB_OK);
    assert_int_equal(alb_opt_list(r.o, ALB_P_TAG, &items), 200);
    for (int i = 0; i < 200; i++)
        assert_string_equal(items[i], words[i]);
    alb_options_free(&r.o);
}

static void test_refused_words(void **state)
{
    static const struct {
        const char *words, *why; /* the start of the message */
    } cases[] = {
        {"--lgo-level x", "--lgo-level is unknown; did you mean --log-level?"},
        {"--log-levle=x", "--log-levle is unknown; did you mean --log-level?"},
        {"--zzzzzzzz", "--zzzzzzzz is unknown"},
        {"--data x", "--data is not an option of this command"},
        {"--no-log-level", "--no-log-level is unknown"},
        {"--no-recursive=yes", "--no-recursive takes no value"},
        {"--log-level", "--log-level needs a value"},
        {"-x", "-x is unknown; options begin with two dashes"},
        {"--=x", "-- is unknown"},
        {"--concurrent 1.5", "--concurrent: \"1.5\" is not a whole number"},
        {"--concurrent 9223372036854775808", "--concurrent: \"9223372036854775808\" is not a whole number"},
        {"--retry-for 90", "--retry-for: \"90\" is not a time: "},
        {"--retry-for -5s", "--retry-for: \"-5s\" is not a time: "},
        {"--recursive=maybe", "--recursive: \"maybe\" is not true or false"},
        {"--log-level=\xff", "--log-level: the value is not valid UTF-8 text"},
    };

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct outcome r = parse_words(cases[i].words);
        assert_int_equal(r.code, ALB_E_INVALID);
        if (strncmp(r.err.msg, cases[i].why, strlen(cases[i].why)) != 0)
            fail_msg("%s: %s", cases[i].words, r.err.msg);
        assert_null(r.rest);
    }
}

static void test_environment(void **state)
{
    char path[] = "PATH=/bin", level[] = "ALBUMEN_LOG_LEVEL=warn", tags[] = "ALBUMEN_TAG= a, b ,,c",
         stranger[] = "ALBUMENLOG=x", retry[] = "ALBUMEN_RETRY_FOR=0";
    char flag[] = "--tag=d", empty_level[] = "--log-level=";
    char *none[] = {NULL}, *flags[] = {flag, empty_level, NULL};
    char *env[] = {path, level, no_config, tags, stranger, retry, NULL};
    const char *const *items;

    (void)state;
    struct outcome r = parse(ALB_CMD_IMPORT, none, env);
    assert_int_equal(r.code, ALB_OK);
    assert_string_equal(alb_opt_string(r.o, ALB_P_LOG_LEVEL), "warn");
    assert_int_equal(alb_opt_duration(r.o, ALB_P_RETRY_FOR), 0);
    assert_int_equal(alb_opt_list(r.o, ALB_P_TAG, &items), 3);
    assert_string_equal(items[0], "a");
    assert_string_equal(items[1], "b");
    assert_string_equal(items[2], "c");
    assert_true(alb_opt_given(r.o, ALB_P_TAG));
    alb_options_free(&r.o);

    r = parse(ALB_CMD_IMPORT, flags, env); /* flags are stronger, whole lists too */
    assert_int_equal(alb_opt_list(r.o, ALB_P_TAG, &items), 1);
    assert_string_equal(items[0], "d");
    assert_string_equal(alb_opt_string(r.o, ALB_P_LOG_LEVEL), "");
    alb_options_free(&r.o);
}

static void test_refused_environment(void **state)
{
    static const struct {
        char var[64];
        const char *why;
    } cases[] = {
        {"ALBUMEN_LOGLEVEL=x", "the environment variable ALBUMEN_LOGLEVEL is no option of albumen"},
        {"ALBUMEN_log_level=x", "the environment variable ALBUMEN_log_level is no option of albumen"},
        {"ALBUMEN_=x", "the environment variable ALBUMEN_ is no option of albumen"},
        {"ALBUMEN_CONCURRENT=", "ALBUMEN_CONCURRENT: \"\" is not a whole number"},
        {"ALBUMEN_RECURSIVE=2", "ALBUMEN_RECURSIVE: \"2\" is not true or false"},
    };
    char *none[] = {NULL};

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        char var[64];
        memcpy(var, cases[i].var, sizeof(var));
        char *env[] = {no_config, var, NULL};
        struct outcome r = parse(ALB_CMD_SERVE, none, env);
        assert_int_equal(r.code, ALB_E_INVALID);
        assert_string_equal(r.err.msg, cases[i].why);
    }
    /* A wrong value is told even where a flag overrules it. */
    char var[] = "ALBUMEN_CONCURRENT=many", flag[] = "--concurrent=3";
    char *env[] = {no_config, var, NULL}, *argv[] = {flag, NULL};
    assert_int_equal(parse(ALB_CMD_IMPORT, argv, env).code, ALB_E_INVALID);
}

/* ---- albumen.conf ---- */

static void test_conf_text(void **state)
{
    static const struct {
        const char *text, *why; /* NULL: accepted */
    } cases[] = {
        {"", NULL},
        {"\n\n", NULL},
        {"# comment\n  # another\nlog-level = debug\n", NULL},
        {"log-level=debug\r\nconcurrent = 4\r\n", NULL},
        {"\tlog-level\t=\tdebug", NULL},
        {"log-level = # not a comment\n", NULL},
        {"tag = a\ntag = b\n", NULL},
        {"log-level debug\n", "c.conf:1: \"log-level debug\" is not \"name = value\""},
        {"recursive\n", "c.conf:1: \"recursive\" is not \"name = value\""},
        {"\n\nloglevel = x\n", "c.conf:3: \"loglevel\" is no option; did you mean \"log-level\"?"},
        {"= x\n", "c.conf:1: \"\" is no option"},
        {"[section]\nx = y\n", "c.conf:1: \"[section]\" is not \"name = value\""},
        {"--log-level = x\n", "c.conf:1: \"--log-level\" is no option; did you mean \"log-level\"?"},
        {"log-level = a\nlog-level = b\n", "c.conf:2: log-level is set twice, first in line 1"},
        {"concurrent = x\n", "c.conf:1: \"x\" is not a whole number"},
        {"data = /x\n", "c.conf:1: data says where this file is and cannot stand in it"},
        {"config = /x\n", "c.conf:1: config says where this file is and cannot stand in it"},
        {"log-level = \xff\n", "c.conf:1: the value is not valid UTF-8 text"},
    };

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_options *o;
        struct alb_err err = ALB_ERR_INIT;
        assert_int_equal(alb_options_new(&o, &err), ALB_OK);
        enum alb_code code = alb_options_conf(o, "c.conf", true, alb_str_c(cases[i].text), &err);
        if ((code == ALB_OK) != (cases[i].why == NULL))
            fail_msg("case %zu: %s", i, err.msg);
        if (cases[i].why != NULL)
            assert_string_equal(err.msg, cases[i].why);
        alb_options_free(&o);
    }
    struct alb_options *o;
    assert_int_equal(alb_options_new(&o, NULL), ALB_OK);
    assert_int_equal(alb_options_conf(o, "c.conf", false, ALB_STR("data = /x"), NULL), ALB_OK);
    assert_string_equal(alb_opt_string(o, ALB_P_DATA), "/x");
    assert_int_equal(alb_options_conf(o, "c.conf", false, ALB_STR("log-level = a\0b"), NULL), ALB_E_INVALID);
    alb_options_free(&o);
}

static char dir[64];

static int dir_open(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/albumen-test-options-XXXXXX");
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static void conf_path(char *out, size_t cap)
{
    assert_true((size_t)snprintf(out, cap, "%s/albumen.conf", dir) < cap);
}

static void write_conf(const char *text)
{
    char path[128];

    conf_path(path, sizeof(path));
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int dir_close(void **state)
{
    char path[128];

    (void)state;
    conf_path(path, sizeof(path));
    (void)unlink(path);
    return rmdir(dir);
}

static void test_conf_file(void **state)
{
    char data[128], config[160], level[] = "ALBUMEN_LOG_LEVEL=error", format[] = "--log-format=json";
    char *env[] = {level, NULL}, *no_env[] = {NULL}, *argv[] = {data, format, NULL};
    char *by_config[] = {config, NULL};

    (void)state;
    (void)snprintf(data, sizeof(data), "--data=%s", dir);
    (void)snprintf(config, sizeof(config), "--config=%s/albumen.conf", dir);
    struct outcome r = parse(ALB_CMD_SERVE, argv, env); /* need not be there */
    assert_int_equal(r.code, ALB_OK);
    alb_options_free(&r.o);
    r = parse(ALB_CMD_SERVE, by_config, env); /* named, so it must be there */
    assert_int_equal(r.code, ALB_E_NOT_FOUND);
    assert_non_null(strstr(r.err.msg, "albumen.conf"));

    write_conf("log-level = debug\nlog-format = logfmt\nconcurrent = 5\n");
    r = parse(ALB_CMD_SERVE, argv, env);
    assert_int_equal(r.code, ALB_OK);
    assert_string_equal(alb_opt_string(r.o, ALB_P_LOG_LEVEL), "error"); /* environment over file */
    assert_string_equal(alb_opt_string(r.o, ALB_P_LOG_FORMAT), "json"); /* flag over file */
    assert_int_equal(alb_opt_int(r.o, ALB_P_CONCURRENT), 5);            /* another command's: checked, kept */
    alb_options_free(&r.o);
    r = parse(ALB_CMD_SERVE, argv, no_env);
    assert_string_equal(alb_opt_string(r.o, ALB_P_LOG_LEVEL), "debug");
    assert_true(alb_opt_given(r.o, ALB_P_LOG_LEVEL));
    alb_options_free(&r.o);
    r = parse(ALB_CMD_IMPORT, by_config, no_env);
    assert_int_equal(alb_opt_int(r.o, ALB_P_CONCURRENT), 5);
    alb_options_free(&r.o);

    write_conf("tag = a\nconcurrent = many\n");
    r = parse(ALB_CMD_SERVE, argv, env);
    assert_int_equal(r.code, ALB_E_INVALID);
    assert_non_null(strstr(r.err.msg, "/albumen.conf:2: \"many\" is not a whole number"));
}

/* ---- values ---- */

static void test_sizes(void **state)
{
    static const struct {
        const char *text;
        int64_t bytes; /* -1: refused */
    } cases[] = {
        {"0", 0},
        {"512", 512},
        {"1k", 1024},
        {"1K", 1024},
        {"3M", 3 << 20},
        {"2g", INT64_C(2) << 30},
        {"1T", INT64_C(1) << 40},
        {"9223372036854775807", INT64_MAX},
        {"8388607T", INT64_C(8388607) << 40},
        {"8388608T", -1},
        {"9223372036854775808", -1},
        {"9007199254740992k", -1},
        {"", -1},
        {"k", -1},
        {"-1", -1},
        {"1.5G", -1},
        {"1kB", -1},
        {"1 k", -1},
        {"1P", -1},
        {"0x10", -1},
        {"1kk", -1},
        {" 1", -1},
    };

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        int64_t v = 77;
        bool ok = alb_option_size(alb_str_c(cases[i].text), &v);
        if (ok != (cases[i].bytes >= 0) || (ok && v != cases[i].bytes) || (!ok && v != 0))
            fail_msg("\"%s\" gave %lld", cases[i].text, (long long)v);
    }
    int64_t v;
    assert_false(alb_option_size(alb_str_n("1\0", 2), &v)); /* strchr finds NUL in every string */
}

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        int64_t ns; /* -1: refused */
    } cases[] = {
        {"0", 0},
        {"0s", 0},
        {"250ms", 250 * ALB_NS_PER_MS},
        {"30s", 30 * ALB_NS_PER_S},
        {"5m", 300 * ALB_NS_PER_S},
        {"2h", 7200 * ALB_NS_PER_S},
        {"1d", 86400 * ALB_NS_PER_S},
        {"106751d", INT64_C(106751) * 86400 * ALB_NS_PER_S},
        {"106752d", -1},
        {"9223372036s", 9223372036 * ALB_NS_PER_S},
        {"9223372037s", -1},
        {"30", -1},
        {"s", -1},
        {"", -1},
        {"-1s", -1},
        {"1.5s", -1},
        {"1h30m", -1},
        {"1S", -1},
        {"1 s", -1},
        {"1us", -1},
        {"99999999999999999999s", -1},
    };

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        int64_t v = 77;
        bool ok = alb_option_duration(alb_str_c(cases[i].text), &v);
        if (ok != (cases[i].ns >= 0) || (ok && v != cases[i].ns) || (!ok && v != 0))
            fail_msg("\"%s\" gave %lld", cases[i].text, (long long)v);
    }
}

static void test_truths(void **state)
{
    static const char *const yes[] = {"true", "TRUE", "yes", "On", "1"},
                             *const no[] = {"false", "no", "OFF", "0"}, *const bad[] = {"",    "y",
                                                                                        "2",   "truee",
                                                                                        "tru", " true"};
    bool v;

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(yes); i++)
        assert_true(alb_option_bool(alb_str_c(yes[i]), &v) && v);
    for (size_t i = 0; i < ALB_ARRAY_LEN(no); i++)
        assert_true(alb_option_bool(alb_str_c(no[i]), &v) && !v);
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++)
        assert_false(alb_option_bool(alb_str_c(bad[i]), &v));
}

static void get_with_wrong_type(void *arg)
{
    alb_ignore(alb_opt_int(arg, ALB_P_LOG_LEVEL) == 0, "it does not come back");
}

static void test_getters_check_the_type(void **state)
{
    (void)state;
    struct outcome r = parse_words("");
    expect_panic(get_with_wrong_type, r.o, "type == type");
    alb_options_free(&r.o);
}

/* ---- the table and its three forms ---- */

static void test_table(void **state)
{
    (void)state;
    for (unsigned p = 0; p < ALB_PARAM_COUNT; p++) {
        const struct alb_param_spec *s = &alb_param_specs[p];
        if (strspn(s->name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(s->name) ||
            s->name[0] == '-' || s->help[0] == '\0' || s->group[0] == '\0' || s->commands == 0 ||
            alb_option_find(alb_str_c(s->name)) != p)
            fail_msg("option %s", s->name);
    }
}

static void test_help_text(void **state)
{
    struct alb_buf b = ALB_BUF_INIT((size_t)1 << 20);
    struct alb_str rest, line;

    (void)state;
    alb_options_help(ALB_CMD_IMPORT, ALB_HELP_TEXT, &b);
    assert_int_equal(alb_buf_code(&b), ALB_OK);
    const char *text = alb_buf_cstr(&b);
    assert_memory_equal(text, "General:\n", 9);
    assert_non_null(
        strstr(text, "\n  --log-level TEXT          debug, info, warn or error (default info)\n"));
    assert_non_null(strstr(text, "(on unless"));
    assert_non_null(strstr(text, "(may be given again)"));
    assert_null(strstr(text, "--data ")); /* not an option of import */
    rest = alb_buf_view(&b);
    while (alb_str_next(&rest, '\n', &line)) {
        if (line.n > 80 || (line.n > 0 && line.p[line.n - 1] == ' '))
            fail_msg("%.*s", (int)line.n, line.p);
    }
    alb_buf_fini(&b);
}

static void test_help_shows_every_option(void **state)
{
    static const enum alb_help_form forms[] = {ALB_HELP_TEXT, ALB_HELP_MAN, ALB_HELP_MARKDOWN};

    (void)state;
    for (size_t f = 0; f < ALB_ARRAY_LEN(forms); f++) {
        struct alb_buf b = ALB_BUF_INIT((size_t)1 << 20);
        alb_options_help(ALB_CMD_ALL | ALB_CMD_STAND_IN, forms[f], &b);
        assert_int_equal(alb_buf_code(&b), ALB_OK);
        for (unsigned p = 0; p < ALB_PARAM_COUNT; p++) {
            char name[128] = "", expect[160];
            size_t n = 0;
            for (const char *c = alb_param_specs[p].name; *c != '\0'; c++) {
                if (forms[f] == ALB_HELP_MAN && *c == '-')
                    name[n++] = '\\';
                name[n++] = *c;
            }
            name[n] = '\0';
            (void)snprintf(expect, sizeof(expect),
                           f == 0   ? "  --%s"
                           : f == 1 ? "\\fB\\-\\-%s\\fR"
                                    : "| `--%s",
                           name);
            if (strstr(alb_buf_cstr(&b), expect) == NULL)
                fail_msg("%s in form %zu", alb_param_specs[p].name, f);
        }
        alb_buf_fini(&b);
    }
}

static void test_markdown_rows(void **state)
{
    struct alb_buf b = ALB_BUF_INIT((size_t)1 << 20);
    struct alb_str rest, line;

    (void)state;
    alb_options_help(ALB_CMD_ALL, ALB_HELP_MARKDOWN, &b);
    assert_non_null(
        strstr(alb_buf_cstr(&b), "| `--log-level TEXT` | `ALBUMEN_LOG_LEVEL` | `info` | debug, info"));
    rest = alb_buf_view(&b);
    while (alb_str_next(&rest, '\n', &line)) {
        unsigned bars = 0;
        for (size_t i = 0; i < line.n; i++)
            bars += line.p[i] == '|' && (i == 0 || line.p[i - 1] != '\\');
        assert_true(bars == 0 || bars == 5);
    }
    alb_buf_fini(&b);
}

/* ---- no memory ---- */

static bool parse_all(void *arg)
{
    char level[] = "--log-level=debug", tag1[] = "--tag=a", tag2[] = "--tag=b", word[] = "DIR";
    char *argv[] = {level, tag1, tag2, word, NULL}, config[160],
         tags[] = "ALBUMEN_INCLUDE_EXTENSIONS=jpg,png,webp";
    struct alb_err err = ALB_ERR_INIT;
    struct alb_options *o;
    char **rest;

    (void)arg;
    (void)snprintf(config, sizeof(config), "ALBUMEN_CONFIG=%s/albumen.conf", dir);
    char *env[] = {config, tags, NULL};
    enum alb_code code = alb_options_parse(ALB_CMD_IMPORT, 4, argv, env, &o, &rest, &err);
    assert_true(code == ALB_OK || code == ALB_E_NO_MEMORY);
    assert_int_equal(code, err.code);
    alb_options_free(&o);
    return code != ALB_OK;
}

static bool write_help(void *arg)
{
    struct alb_buf b = ALB_BUF_INIT((size_t)1 << 20);

    alb_options_help(ALB_CMD_ALL, *(enum alb_help_form *)arg, &b);
    bool failed = alb_buf_code(&b) == ALB_E_NO_MEMORY;
    alb_buf_fini(&b);
    return failed;
}

static void test_no_memory(void **state)
{
    (void)state;
    write_conf("ban-file = x\nban-file = y\nlog-format = json\n");
    sweep_allocations(parse_all, NULL);
    for (enum alb_help_form form = ALB_HELP_TEXT; form <= ALB_HELP_MARKDOWN; form++)
        sweep_allocations(write_help, &form);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_long_lists),
        cmocka_unit_test(test_refused_words),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_refused_environment),
        cmocka_unit_test(test_conf_text),
        cmocka_unit_test(test_conf_file),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_truths),
        cmocka_unit_test(test_getters_check_the_type),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_help_text),
        cmocka_unit_test(test_help_shows_every_option),
        cmocka_unit_test(test_markdown_rows),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, dir_open, dir_close);
}
