/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/build.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/stat_priv.h"
#include "test.h"

#define THREADS 20 /* more than there are shards */
#define ROUNDS 5000

static void *count(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        alb_stat_inc(ALB_STAT_HTTP_REQUESTS);
        alb_stat_inc(ALB_STAT_HTTP_IN_FLIGHT);
        alb_stat_observe(ALB_HIST_RENDER, 1000);
        alb_stat_dec(ALB_STAT_HTTP_IN_FLIGHT);
    }
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t t[THREADS];
    struct alb_hist_view v;

    (void)state;
    alb_stat_reset_for_tests();
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, count, NULL), 0);
    int64_t seen = alb_stat_get(ALB_STAT_HTTP_REQUESTS);
    assert_true(seen >= 0 && seen <= THREADS * ROUNDS);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(t[i], NULL), 0);
    assert_int_equal(alb_stat_get(ALB_STAT_HTTP_REQUESTS), THREADS * ROUNDS);
    assert_int_equal(alb_stat_get(ALB_STAT_HTTP_IN_FLIGHT), 0);
    alb_hist_look(ALB_HIST_RENDER, &v);
    assert_int_equal(v.count, THREADS * ROUNDS);
    assert_int_equal(v.sum_ns, (int64_t)THREADS * ROUNDS * 1000);
}

static void test_buckets(void **state)
{
    static const struct {
        int64_t ns;
        unsigned bucket;
    } cases[] = {
        {INT64_MIN, 0},      {-1, 0},     {0, 0},      {64000, 0}, /* a bound belongs to its bucket */
        {64001, 1},          {128000, 1}, {128001, 2}, {1000000000, 14}, {67108864000, 20}, {67108864001, 21},
        {INT64_MAX / 2, 21},
    };
    struct alb_hist_view v;

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        alb_stat_reset_for_tests();
        alb_stat_observe(ALB_HIST_COMMIT, cases[i].ns);
        alb_hist_look(ALB_HIST_COMMIT, &v);
        assert_int_equal(v.count, 1);
        if (v.bucket[cases[i].bucket] != 1)
            fail_msg("%lld", (long long)cases[i].ns);
    }
}

/* The line that begins with `name` and a blank or brace; checks that there is one. */
static const char *line_of(const char *text, const char *name)
{
    char start[128];

    (void)snprintf(start, sizeof(start), "\n%s", name);
    const char *at = strstr(text, start);
    if (at == NULL)
        fail_msg("no line %s", name);
    return at + 1;
}

static double number_of(const char *text, const char *name)
{
    char *end;
    const char *at = line_of(text, name) + strlen(name);

    assert_int_equal(*at, ' ');
    double v = strtod(at, &end);
    assert_int_equal(*end, '\n');
    return v;
}

static void test_text(void **state)
{
    struct alb_buf b = ALB_BUF_INIT((size_t)1 << 20);
    struct alb_mutex m;
    char build[128];

    (void)state;
    alb_stat_reset_for_tests();
    alb_stat_add(ALB_STAT_HTTP_BYTES_OUT, 123456789012);
    alb_stat_add(ALB_STAT_HTTP_CONNECTIONS, -3);
    alb_stat_observe(ALB_HIST_HTTP_REQUEST, 1500000);      /* 1.5 ms */
    alb_stat_observe(ALB_HIST_HTTP_REQUEST, 100000000000); /* 100 s */
    alb_mutex_init(&m, ALB_LOCK_TEST_INNER);
    alb_mutex_lock(&m);
    alb_mutex_unlock(&m);
    alb_mutex_fini(&m);
    alb_stat_write(&b);
    assert_int_equal(alb_buf_code(&b), ALB_OK);
    const char *text = alb_buf_cstr(&b);

    assert_non_null(strstr(
        text,
        "\n# TYPE albumen_http_sent_bytes_total counter\nalbumen_http_sent_bytes_total 123456789012\n"));
    assert_non_null(strstr(text, "# TYPE albumen_http_connections gauge\nalbumen_http_connections -3\n"));
    assert_non_null(strstr(text, "\n# TYPE albumen_http_request_seconds histogram\n"));
    assert_non_null(strstr(text, "albumen_http_request_seconds_bucket{le=\"0.000064\"} 0\n"));
    assert_non_null(strstr(text, "albumen_http_request_seconds_bucket{le=\"0.001024\"} 0\n"));
    assert_non_null(strstr(text, "albumen_http_request_seconds_bucket{le=\"0.002048\"} 1\n"));
    assert_non_null(strstr(text, "albumen_http_request_seconds_bucket{le=\"67.108864\"} 1\n"));
    assert_non_null(strstr(text, "albumen_http_request_seconds_bucket{le=\"+Inf\"} 2\n"));
    assert_non_null(strstr(text, "albumen_http_request_seconds_sum 100.001500000\n"));
    assert_non_null(strstr(text, "albumen_http_request_seconds_count 2\n"));
    assert_true(number_of(text, "albumen_lock_taken_total{lock=\"TEST_INNER\"}") >= 1);
    assert_true(number_of(text, "process_resident_memory_bytes") > 100000);
    assert_true(number_of(text, "process_virtual_memory_bytes") >
                number_of(text, "process_resident_memory_bytes"));
    assert_true(number_of(text, "process_open_fds") >= 3);
    assert_true(number_of(text, "process_max_fds") >= 3);
    assert_true(number_of(text, "process_threads") >= 1);
    assert_true(number_of(text, "process_cpu_seconds_total") >= 0);
    double started = number_of(text, "process_start_time_seconds"),
           now = (double)alb_wall(alb_clock_real()) / 1000;
    assert_true(started <= now + 1 && started > now - 3600);
    (void)snprintf(build, sizeof(build), "albumen_build_info{version=\"%s\",build_id=\"%s\"}", alb_version(),
                   alb_build_id());
    assert_true(number_of(text, build) == 1);
    alb_buf_fini(&b);
}

/* Every line is a comment of a known form or "name[{labels}] number", every name has one HELP and one TYPE
 * before its first sample, and no series appears twice. */
static void test_format(void **state)
{
    struct alb_buf b = ALB_BUF_INIT((size_t)1 << 20);
    static struct alb_str series[4096];
    struct alb_str line, name, value;
    size_t n = 0;

    (void)state;
    alb_stat_write(&b);
    struct alb_str rest = alb_buf_view(&b);
    assert_true(alb_str_ends(rest, ALB_STR("\n")));
    rest.n--;
    struct alb_str family = ALB_STR_NONE;
    while (alb_str_next(&rest, '\n', &line)) {
        if (alb_str_starts(line, ALB_STR("# HELP "))) {
            alb_str_cut(alb_str_from(line, 7), ' ', &family, &value);
            assert_true(value.n > 0);
            continue;
        }
        if (alb_str_starts(line, ALB_STR("# TYPE "))) {
            alb_str_cut(alb_str_from(line, 7), ' ', &name, &value);
            assert_true(alb_str_eq(name, family));
            bool total = alb_str_ends(name, ALB_STR("_total"));
            assert_int_equal(total, alb_str_eq(value, ALB_STR("counter")));
            continue;
        }
        size_t blank = alb_str_rfind(line, ' ');
        assert_true(blank != ALB_STR_NPOS);
        double v;
        assert_true(alb_str_double(alb_str_from(line, blank + 1), &v));
        assert_true(alb_str_starts(line, family)); /* histograms add a suffix */
        assert_true(n < ALB_ARRAY_LEN(series));
        series[n++] = alb_str_sub(line, 0, blank);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = i + 1; k < n; k++) {
            if (alb_str_eq(series[i], series[k]))
                fail_msg("twice: " ALB_STR_FMT, ALB_STR_ARG(series[i]));
        }
    }
    alb_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_buckets),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_format),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
