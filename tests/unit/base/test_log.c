/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/log_format.h"
#include "base/stat.h"
#include "test.h"

/* What a setup wrote, through a pipe. */
static struct {
    int read_fd, write_fd;
    char text[1 << 20];
    size_t n;
} sink;

static int sink_open(void **state)
{
    int fds[2];

    (void)state;
    if (pipe(fds) != 0)
        return -1;
    (void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
    sink.read_fd = fds[0];
    sink.write_fd = fds[1];
    sink.n = 0;
    return 0;
}

static int sink_close(void **state)
{
    (void)state;
    alb_log_setup(STDERR_FILENO, ALB_LOG_LOGFMT, ALB_LOG_INFO);
    (void)close(sink.read_fd);
    (void)close(sink.write_fd);
    return 0;
}

static const char *sink_read(void)
{
    ssize_t r;

    while ((r = read(sink.read_fd, sink.text + sink.n, sizeof(sink.text) - 1 - sink.n)) > 0)
        sink.n += (size_t)r;
    sink.text[sink.n] = '\0';
    return sink.text;
}

/* A record without its time, which differs from run to run. */
static void assert_record(const char *line, const char *start, const char *rest)
{
    assert_memory_equal(line, start, strlen(start));
    line += strlen(start) + 24;
    assert_string_equal(line, rest);
}

static void log_everything(void)
{
    alb_log(ALB_LOG_WARN, "all kinds", ALB_LOG_C("word", "plain"), ALB_LOG_C("two", "two words"),
            ALB_LOG_C("none", NULL), ALB_LOG_STR("empty", ALB_STR("")), ALB_LOG_INT("int", -5),
            ALB_LOG_UINT("uint", UINT64_MAX), ALB_LOG_MS("took_ms", 1234567), ALB_LOG_BOOL("ok", true),
            ALB_LOG_SECRET("password"), ALB_LOG_C("quote", "a\"b=c"));
}

static void test_logfmt(void **state)
{
    (void)state;
    alb_log_setup(sink.write_fd, ALB_LOG_LOGFMT, ALB_LOG_INFO);
    log_everything();
    assert_record(sink_read(), "time=",
                  " level=warn event=\"all kinds\" word=plain two=\"two words\" none=\"\" empty=\"\" int=-5"
                  " uint=18446744073709551615 took_ms=1.235 ok=true password=[secret] quote=\"a\\\"b=c\"\n");
}

static void test_json(void **state)
{
    (void)state;
    alb_log_setup(sink.write_fd, ALB_LOG_AUTO, ALB_LOG_INFO); /* a pipe is no terminal */
    log_everything();
    assert_record(sink_read(), "{\"time\":\"",
                  "\",\"level\":\"warn\",\"event\":\"all kinds\",\"word\":\"plain\",\"two\":\"two "
                  "words\",\"none\":null,"
                  "\"empty\":\"\",\"int\":-5,\"uint\":18446744073709551615,\"took_ms\":1.235,\"ok\":true,"
                  "\"password\":\"[secret]\",\"quote\":\"a\\\"b=c\"}\n");
}

/* Groups in groups, in every form; what is nested too deep is left out. */
static void test_groups(void **state)
{
    static const struct {
        enum alb_log_format format;
        const char *text;
    } cases[] = {
        {ALB_LOG_PRETTY,
         " crop={ gravity={ type=we x_offset=0.5 } width=100 } blur=2.25 empty={ } url=\"a:/b\" end=\"}\" plain=#fff/%2F\n"},
        {ALB_LOG_STRUCTURED, " crop.gravity.type=\"we\" crop.gravity.x_offset=0.5 crop.width=100 blur=2.25 url=\"a:/b\" "
                             "end=\"}\" plain=\"#fff/%2F\"\n"},
        {ALB_LOG_SLOG, ",\"crop\":{\"gravity\":{\"type\":\"we\",\"x_offset\":0.5},\"width\":100},\"blur\":2.25,"
                       "\"empty\":{},\"url\":\"a:/b\",\"end\":\"}\",\"plain\":\"#fff/%2F\"}\n"},
        {ALB_LOG_LOGFMT,
         " crop.gravity.type=we crop.gravity.x_offset=0.5 crop.width=100 blur=2.25 url=a:/b end=} plain=#fff/%2F\n"},
    };
    const struct alb_log_field end = {NULL, ALB_F_END, {.u = 0}};
    const struct alb_log_field deepest[] = {ALB_LOG_INT("no", 1), end};
    const struct alb_log_field deep4[] = {ALB_LOG_GROUP("e", deepest), end};
    const struct alb_log_field deep3[] = {ALB_LOG_GROUP("d", deep4), end};
    const struct alb_log_field deep2[] = {ALB_LOG_GROUP("c", deep3), ALB_LOG_INT("n", 3), end};
    const struct alb_log_field deep1[] = {ALB_LOG_GROUP("b", deep2), end};
    const struct alb_log_field gravity[] = {ALB_LOG_C("type", "we"), ALB_LOG_F64("x_offset", 0.5), end};
    const struct alb_log_field crop[] = {ALB_LOG_GROUP("gravity", gravity), ALB_LOG_F64("width", 100), end};
    const struct alb_log_field fields[] = {ALB_LOG_GROUP("crop", crop), ALB_LOG_F64("blur", 2.25),
                                           ALB_LOG_GROUP("empty", &end), ALB_LOG_C("url", "a:/b"),
                                           ALB_LOG_C("end", "}"), ALB_LOG_C("plain", "#fff/%2F"), end};
    const struct alb_log_field deep[] = {ALB_LOG_GROUP("a", deep1), end};
    char line[ALB_LOG_LINE_MAX + 1];

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        size_t n = alb_log_format(line, cases[i].format, ALB_LOG_INFO, "x", fields);
        line[n] = '\0';
        assert_true(n > strlen(cases[i].text));
        assert_string_equal(line + n - strlen(cases[i].text), cases[i].text);
    }
    size_t n = alb_log_format(line, ALB_LOG_SLOG, ALB_LOG_INFO, "x", deep);
    line[n] = '\0';
    assert_non_null(strstr(line, ",\"a\":{\"b\":{\"c\":{\"d\":{}},\"n\":3}}}\n"));
}

/* A group in braces that does not fit is left out, and the record is whole. */
static void test_group_too_long(void **state)
{
    static char text[ALB_LOG_LINE_MAX];
    const struct alb_log_field end = {NULL, ALB_F_END, {.u = 0}};
    char line[ALB_LOG_LINE_MAX + 1];

    (void)state;
    for (size_t fill = ALB_LOG_LINE_MAX - 140; fill < ALB_LOG_LINE_MAX - 60; fill++) {
        memset(text, 'a', fill);
        const struct alb_log_field inner[] = {ALB_LOG_INT("n", 1), ALB_LOG_STR("t", alb_str_n(text, 20)), end};
        const struct alb_log_field group[] = {ALB_LOG_GROUP("in", inner), end};
        const struct alb_log_field fields[] = {ALB_LOG_STR("s", alb_str_n(text, fill)), ALB_LOG_GROUP("g", group), end};
        size_t n = alb_log_format(line, ALB_LOG_SLOG, ALB_LOG_INFO, "x", fields);
        line[n] = '\0';
        const char *whole = strstr(line, "\"g\":{\"in\":{\"n\":1,\"t\":\"aaaaaaaaaaaaaaaaaaaa\"}}}\n");
        if (whole == NULL) {
            assert_null(strstr(line, "\"g\""));
            assert_string_equal(line + n - 13, ",\"cut\":true}\n");
        }
    }
}

/* In imgproxy's words: what does not differ from run to run. */
static void test_words_of_others(void **state)
{
    static const struct {
        enum alb_log_format format;
        size_t time_n;
        const char *start, *rest;
    } cases[] = {
        {ALB_LOG_PRETTY, 19, "", " [WRN] Started /a b\\n n=1 word=x two=\"a b\"\n"},
        {ALB_LOG_STRUCTURED, 19, "time=\"",
         "\" level=\"WARNING\" msg=\"Started /a b\\n\" n=1 word=\"x\" two=\"a b\"\n"},
        {ALB_LOG_SLOG, 20, "{\"time\":\"",
         "\",\"level\":\"WARNING\",\"msg\":\"Started /a b\\n\",\"n\":1,\"word\":\"x\",\"two\":\"a b\"}\n"},
        {ALB_LOG_GCP, 20, "{\"time\":\"",
         "\",\"severity\":\"WARNING\",\"message\":\"Started /a b\\n\",\"n\":1,\"word\":\"x\",\"two\":\"a "
         "b\"}\n"},
    };
    const struct alb_log_field fields[] = {
        ALB_LOG_INT("n", 1), ALB_LOG_C("word", "x"), ALB_LOG_C("two", "a b"), {NULL, ALB_F_END, {.u = 0}}};

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        char line[ALB_LOG_LINE_MAX + 1];
        size_t n = alb_log_format(line, cases[i].format, ALB_LOG_WARN, "Started /a b\n", fields);
        line[n] = '\0';
        assert_memory_equal(line, cases[i].start, strlen(cases[i].start));
        const char *when = line + strlen(cases[i].start);
        assert_int_equal(when[10], cases[i].time_n == 19 ? ' ' : 'T');
        assert_string_equal(when + cases[i].time_n, cases[i].rest);
    }
}

static void test_hostile_values(void **state)
{
    static const struct {
        struct alb_str in;
        const char *logfmt, *json;
    } cases[] = {
        {{"a\nlevel=error", 13}, "\"a\\nlevel=error\"", "\"a\\nlevel=error\""},
        {{"\x1b[2J", 4}, "\"\\u001b[2J\"", "\"\\u001b[2J\""},
        {{"\xc2\x9b"
          "2J",
          4},
         "\"\\u009b2J\"",
         "\"\\u009b2J\""},
        {{"\x9b"
          "2J",
          3},
         "\"\\x9b2J\"",
         "\"\xef\xbf\xbd"
         "2J\""},
        {{"a\0b", 3}, "\"a\\u0000b\"", "\"a\\u0000b\""},
        {{"\xe2\x80\xae"
          "abc",
          6},
         "\"\\u202eabc\"",
         "\"\\u202eabc\""},
        {{"\xe2\x80\xa8", 3}, "\"\\u2028\"", "\"\\u2028\""},
        {{"back\\slash", 10}, "\"back\\\\slash\"", "\"back\\\\slash\""},
        {{"\t\r\x7f", 3}, "\"\\t\\r\\u007f\"", "\"\\t\\r\\u007f\""},
        {{"M\xc3\xbcnchen", 8}, "M\xc3\xbcnchen", "\"M\xc3\xbcnchen\""},
        {{"[secret]", 8}, "[secret]", "\"[secret]\""},
    };
    char line[ALB_LOG_LINE_MAX + 1], expect[256];

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        const struct alb_log_field fields[] = {ALB_LOG_STR("v", cases[i].in), {NULL, ALB_F_END, {.u = 0}}};
        size_t n = alb_log_format(line, ALB_LOG_LOGFMT, ALB_LOG_INFO, "e", fields);
        line[n] = '\0';
        (void)snprintf(expect, sizeof(expect), " level=info event=e v=%s\n", cases[i].logfmt);
        assert_string_equal(line + 29, expect);
        n = alb_log_format(line, ALB_LOG_JSON, ALB_LOG_INFO, "e", fields);
        line[n] = '\0';
        (void)snprintf(expect, sizeof(expect), ",\"level\":\"info\",\"event\":\"e\",\"v\":%s}\n",
                       cases[i].json);
        assert_string_equal(line + 34, expect);
    }
}

/* Values of every length around the limit, of characters that are escaped, wide or plain: never too long, the
 * end of the record is always whole. */
static void test_long_records_are_cut(void **state)
{
    static const char *const pieces[] = {"x", "\"", "\xf0\x9f\x93\xb7", "\xff", "\x01"};
    static char text[20000];
    char line[ALB_LOG_LINE_MAX];

    (void)state;
    for (size_t p = 0; p < ALB_ARRAY_LEN(pieces); p++) {
        size_t step = strlen(pieces[p]);
        for (size_t i = 0; i + step <= sizeof(text); i += step)
            memcpy(text + i, pieces[p], step);
        for (size_t n = 600; n < 4200; n++) {
            const struct alb_log_field fields[] = {ALB_LOG_STR("v", alb_str_n(text, n - n % step)),
                                                   ALB_LOG_INT("after", 123456789),
                                                   {NULL, ALB_F_END, {.u = 0}}};
            for (int json = 0; json < 2; json++) {
                size_t len = alb_log_format(line, json != 0 ? ALB_LOG_JSON : ALB_LOG_LOGFMT, ALB_LOG_INFO, "e", fields);
                struct alb_str s = alb_str_n(line, len);
                assert_true(len <= ALB_LOG_LINE_MAX && alb_str_is_utf8(s));
                bool whole = alb_str_ends(s, json != 0 ? ALB_STR("\"after\":123456789}\n")
                                                       : ALB_STR(" after=123456789\n"));
                bool cut = alb_str_ends(s, json != 0 ? ALB_STR(",\"cut\":true}\n") : ALB_STR(" cut=true\n"));
                assert_true(whole != cut);
                assert_int_equal(len < 3900 && cut, 0);
            }
        }
    }
}

static void test_times_of_any_value(void **state)
{
    static const struct {
        double ms;
        const char *text;
    } cases[] = {
        {0, "0.000"},
        {0.0004, "0.000"},
        {0.0005, "0.001"},
        {-1.5, "-1.500"},
        {1e14, "100000000000000.000"},
        {1e15, "-"},
        {-1e300, "-"},
        {__builtin_nan(""), "-"},
        {__builtin_inf(), "-"},
    };
    char line[ALB_LOG_LINE_MAX + 1], expect[64];

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        const struct alb_log_field fields[] = {{"t", ALB_F_MS, {.ms = cases[i].ms}},
                                               {NULL, ALB_F_END, {.u = 0}}};
        line[alb_log_format(line, ALB_LOG_LOGFMT, ALB_LOG_INFO, "e", fields)] = '\0';
        (void)snprintf(expect, sizeof(expect), " level=info event=e t=%s\n", cases[i].text);
        assert_string_equal(line + 29, expect);
    }
}

static void test_levels(void **state)
{
    (void)state;
    alb_log_setup(sink.write_fd, ALB_LOG_LOGFMT, ALB_LOG_WARN);
    assert_false(alb_log_on(ALB_LOG_INFO));
    assert_true(alb_log_on(ALB_LOG_WARN));
    alb_log_event(ALB_LOG_DEBUG, "one");
    alb_log_event(ALB_LOG_INFO, "two");
    alb_log_event(ALB_LOG_WARN, "three");
    alb_log_event(ALB_LOG_ERROR, "four");
    const char *text = sink_read();
    assert_null(strstr(text, "one"));
    assert_null(strstr(text, "two"));
    assert_non_null(strstr(text, "level=warn event=three\n"));
    assert_non_null(strstr(text, "level=error event=four\n"));
}

static void test_errors(void **state)
{
    struct alb_err err = ALB_ERR_INIT;

    (void)state;
    alb_log_setup(sink.write_fd, ALB_LOG_LOGFMT, ALB_LOG_INFO);
    (void)alb_fail_sys(&err, ALB_E_IO, EIO, "read x");
    alb_log_err("cannot", &err);
    const char *text = sink_read();
    assert_non_null(strstr(text, "level=error event=cannot code=IO errno=5 at="));
    assert_non_null(strstr(text, "message=\"read x: Input/output error\""));
}

#define THREADS 4
#define RECORDS 200

static void *log_many(void *arg)
{
    for (int i = 0; i < RECORDS; i++)
        alb_log(ALB_LOG_INFO, "thread", ALB_LOG_C("who", arg),
                ALB_LOG_C("pad", "0123456789012345678901234567890"));
    return NULL;
}

static void test_records_do_not_mix(void **state)
{
    static char names[THREADS][2] = {"a", "b", "c", "d"};
    pthread_t t[THREADS];
    struct alb_str rest, line;
    unsigned lines = 0;

    (void)state;
    (void)fcntl(sink.write_fd, F_SETPIPE_SZ, 1 << 20);
    alb_log_setup(sink.write_fd, ALB_LOG_LOGFMT, ALB_LOG_INFO);
    int64_t dropped = alb_stat_get(ALB_STAT_LOG_DROPPED);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, log_many, names[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(t[i], NULL), 0);
    rest = alb_str_c(sink_read());
    while (alb_str_next(&rest, '\n', &line) && line.n > 0) {
        assert_true(alb_str_starts(line, ALB_STR("time=")));
        assert_true(alb_str_ends(line, ALB_STR(" pad=0123456789012345678901234567890")));
        lines++;
    }
    assert_int_equal(lines + alb_stat_get(ALB_STAT_LOG_DROPPED) - dropped, THREADS * RECORDS);
    assert_true(lines > 0);
}

static void test_a_stuck_output_drops(void **state)
{
    int flags = fcntl(sink.write_fd, F_GETFL);

    (void)state;
    alb_log_setup(sink.write_fd, ALB_LOG_LOGFMT, ALB_LOG_INFO);
    int64_t dropped = alb_stat_get(ALB_STAT_LOG_DROPPED);
    /* Nobody reads; a pipe holds 64 KiB. If a call blocked, this test would never end. */
    for (int i = 0; i < 2000; i++)
        alb_log(ALB_LOG_INFO, "flood", ALB_LOG_INT("i", i),
                ALB_LOG_C("pad", "01234567890123456789012345678901234567"));
    assert_true(alb_stat_get(ALB_STAT_LOG_DROPPED) - dropped > 500);
    (void)sink_read();
    sink.n = 0;
    alb_log_event(ALB_LOG_INFO, "free again");
    assert_non_null(strstr(sink_read(), "event=\"free again\"\n"));
    /* The descriptor we were given still blocks, for those who share it. */
    assert_int_equal(fcntl(sink.write_fd, F_GETFL), flags);
}

static void test_a_socket_never_blocks(void **state)
{
    int fds[2];
    char text[4096];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    alb_log_setup(fds[0], ALB_LOG_LOGFMT, ALB_LOG_INFO);
    int64_t dropped = alb_stat_get(ALB_STAT_LOG_DROPPED);
    for (int i = 0; i < 5000; i++)
        alb_log(ALB_LOG_INFO, "flood", ALB_LOG_INT("i", i));
    assert_true(alb_stat_get(ALB_STAT_LOG_DROPPED) > dropped);
    ssize_t r = read(fds[1], text, sizeof(text));
    assert_true(r > 0 && memcmp(text, "time=", 5) == 0);
    (void)close(fds[1]);
    alb_log_event(ALB_LOG_INFO, "nobody there"); /* no SIGPIPE */
    alb_log_setup(STDERR_FILENO, ALB_LOG_LOGFMT, ALB_LOG_INFO);
    (void)close(fds[0]);
}

/* A descriptor that cannot be opened a second time: whether it has room is asked before each record. */
static void test_an_output_that_cannot_be_opened_again(void **state)
{
    struct rlimit before, none;
    int64_t dropped = alb_stat_get(ALB_STAT_LOG_DROPPED);
    char filler[4096];

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){0, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    alb_log_setup(sink.write_fd, ALB_LOG_LOGFMT, ALB_LOG_INFO);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    alb_log(ALB_LOG_INFO, "there is room", ALB_LOG_INT("n", 1));
    assert_non_null(strstr(sink_read(), "event=\"there is room\" n=1\n"));
    assert_int_equal(alb_stat_get(ALB_STAT_LOG_DROPPED), dropped);

    memset(filler, '.', sizeof(filler));
    assert_int_equal(fcntl(sink.write_fd, F_SETFL, O_NONBLOCK), 0);
    while (write(sink.write_fd, filler, sizeof(filler)) > 0) {
    }
    alb_log(ALB_LOG_INFO, "there is none", ALB_LOG_INT("n", 2));
    assert_int_equal(alb_stat_get(ALB_STAT_LOG_DROPPED), dropped + 1);
    sink.n = 0;
    assert_null(strstr(sink_read(), "n=2"));
    alb_log(ALB_LOG_INFO, "again", ALB_LOG_INT("n", 3));
    assert_non_null(strstr(sink_read(), "event=again n=3\n"));
}

static void test_an_output_that_is_gone(void **state)
{
    int64_t dropped = alb_stat_get(ALB_STAT_LOG_DROPPED);
    int fd = dup(sink.write_fd);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    alb_log_setup(fd, ALB_LOG_AUTO, ALB_LOG_INFO);
    alb_log(ALB_LOG_INFO, "nobody reads this", ALB_LOG_INT("n", 1));
    assert_int_equal(alb_stat_get(ALB_STAT_LOG_DROPPED), dropped + 1);
    alb_log_dump_ring(fd); /* ends, whatever it can write */
}

static void test_ring(void **state)
{
    static char text[200000];
    int fds[2];
    size_t n = 0;
    ssize_t r;

    (void)state;
    alb_log_setup(sink.write_fd, ALB_LOG_LOGFMT, ALB_LOG_INFO);
    for (int i = 0; i < 100; i++) {
        alb_log(ALB_LOG_INFO, "numbered", ALB_LOG_INT("i", i), ALB_LOG_C("pad", i == 99 ? text : "short"));
        (void)sink_read();
        sink.n = 0;
    }
    assert_int_equal(pipe(fds), 0);
    alb_log_dump_ring(fds[1]);
    (void)close(fds[1]);
    while ((r = read(fds[0], text + n, sizeof(text) - 1 - n)) > 0)
        n += (size_t)r;
    (void)close(fds[0]);
    text[n] = '\0';
    assert_null(strstr(text, " i=35 "));
    const char *oldest = strstr(text, " i=36 "), *newest = strstr(text, " i=99 ");
    assert_non_null(oldest);
    assert_non_null(newest);
    assert_true(oldest < newest);
    assert_int_equal(text[n - 1], '\n');
}

static void test_secrets(void **state)
{
    struct alb_secret s = {NULL, 0};

    (void)state;
    assert_true(alb_secret_set(&s, ALB_STR("hunter2")));
    assert_true(alb_str_eq_secret(alb_str_n(s.p, s.n), ALB_STR("hunter2")));
    assert_string_equal(s.p, "hunter2");
    assert_true(alb_secret_set(&s, ALB_STR_NONE));
    assert_int_equal(s.n, 0);
    alb_mem_fault(1, true);
    assert_false(alb_secret_set(&s, ALB_STR("x")));
    alb_secret_fini(&s);
    assert_null(s.p);
    alb_secret_fini(&s);

    char room[8] = "secret!";
    alb_wipe(room, sizeof(room));
    for (size_t i = 0; i < sizeof(room); i++)
        assert_int_equal(room[i], 0);
    alb_wipe(NULL, 0);
}

#define WITH_SINK(fn) cmocka_unit_test_setup_teardown(fn, sink_open, sink_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SINK(test_logfmt),
        WITH_SINK(test_json),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_group_too_long),
        cmocka_unit_test(test_words_of_others),
        cmocka_unit_test(test_hostile_values),
        cmocka_unit_test(test_long_records_are_cut),
        cmocka_unit_test(test_times_of_any_value),
        WITH_SINK(test_levels),
        WITH_SINK(test_errors),
        WITH_SINK(test_records_do_not_mix),
        WITH_SINK(test_a_stuck_output_drops),
        cmocka_unit_test(test_a_socket_never_blocks),
        WITH_SINK(test_an_output_that_cannot_be_opened_again),
        WITH_SINK(test_an_output_that_is_gone),
        WITH_SINK(test_ring),
        cmocka_unit_test(test_secrets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
