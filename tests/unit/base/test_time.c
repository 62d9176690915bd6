/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "test.h"

#define NOV_94 INT64_C(784111777000) /* 1994-11-06T08:49:37Z, the example of RFC 9110 */

static void test_days(void **state)
{
    int y, m, d;

    (void)state;
    assert_int_equal(alb_days_from_civil(1970, 1, 1), 0);
    assert_int_equal(alb_days_from_civil(1969, 12, 31), -1);
    assert_int_equal(alb_days_from_civil(2000, 3, 1), 11017);
    assert_int_equal(alb_days_from_civil(1, 1, 1), -719162);
    /* Every day from before year 1 to after 9999, there and back, one after the other. */
    int64_t days = alb_days_from_civil(0, 1, 1), last = alb_days_from_civil(10000, 12, 31);
    int py = -1, pm = 12, pd = 31;
    for (; days <= last; days++) {
        alb_civil_from_days(days, &y, &m, &d);
        if (alb_days_from_civil(y, m, d) != days)
            fail_msg("day %lld", (long long)days);
        bool next_day = y == py && m == pm && d == pd + 1;
        bool next_month = y == py && m == pm + 1 && d == 1 && pd >= 28;
        bool next_year = y == py + 1 && m == 1 && d == 1 && pm == 12 && pd == 31;
        if (!next_day && !next_month && !next_year)
            fail_msg("day %lld", (long long)days);
        py = y;
        pm = m;
        pd = d;
    }
}

static void test_against_libc(void **state)
{
    uint64_t r = 88172645463325252U;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char ours[30], theirs[64];
        struct tm tm;
        r ^= r << 13;
        r ^= r >> 7;
        r ^= r << 17;
        time_t t = (time_t)(r % 315537897600U) - 62135596800; /* years 1 to 9999 */
        assert_non_null(gmtime_r(&t, &tm));
        alb_time_http((int64_t)t * 1000 + 999, ours);
        assert_true(strftime(theirs, sizeof(theirs), "%a, %d %b ", &tm) > 0);
        (void)snprintf(theirs + 12, sizeof(theirs) - 12, "%04d %02d:%02d:%02d GMT", tm.tm_year + 1900,
                       tm.tm_hour, tm.tm_min, tm.tm_sec);
        assert_string_equal(ours, theirs);
        int64_t back;
        assert_true(alb_time_http_parse(ours, 29, &back));
        assert_int_equal(back, (int64_t)t * 1000);
    }
}

static void test_http(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t ms;
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", true, NOV_94},
        {"Sunday, 06-Nov-94 08:49:37 GMT", true, NOV_94},
        {"Sun Nov  6 08:49:37 1994", true, NOV_94},
        {"Sun Nov 06 08:49:37 1994", true, NOV_94},
        {"Thu, 01 Jan 1970 00:00:00 GMT", true, 0},
        {"Thu, 29 Feb 2024 23:59:59 GMT", true, INT64_C(1709251199000)},
        {"Sat, 31 Dec 2016 23:59:60 GMT", true, INT64_C(1483228800000)}, /* a leap second */
        {"Mon, 06 Nov 1994 08:49:37 GMT", true, NOV_94},                 /* the date counts, not the name */
        {"Fri, 31 Dec 9999 23:59:59 GMT", true, INT64_C(253402300799000)},
        {"", false, 0},
        {"Sun", false, 0},
        {"Sun, 06 Nov 1994 08:49:37 UTC", false, 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT ", false, 0},
        {" Sun, 06 Nov 1994 08:49:37 GMT", false, 0},
        {"sun, 06 Nov 1994 08:49:37 GMT", false, 0},
        {"Sun, 6 Nov 1994 08:49:37 GMT", false, 0},
        {"Sun, 06 nov 1994 08:49:37 GMT", false, 0},
        {"Sun, 31 Nov 1994 08:49:37 GMT", false, 0},
        {"Sun, 00 Nov 1994 08:49:37 GMT", false, 0},
        {"Wed, 29 Feb 2023 00:00:00 GMT", false, 0},
        {"Thu, 29 Feb 1900 00:00:00 GMT", false, 0},
        {"Sun, 06 Nov 1994 24:49:37 GMT", false, 0},
        {"Sun, 06 Nov 1994 08:60:37 GMT", false, 0},
        {"Sun, 06 Nov 1994 08:49:61 GMT", false, 0},
        {"Sun, 06 Nov 0000 08:49:37 GMT", false, 0},
        {"Sun, 06 Nov 19941 08:49:37 GMT", false, 0},
        {"Sun, +6 Nov 1994 08:49:37 GMT", false, 0},
        {"Sunday, 06-Nov-1994 08:49:37 GMT", false, 0},
        {"Sunday, 06 Nov 1994 08:49:37 GMT", false, 0},
        {"Sun, 06-Nov-94 08:49:37 GMT", false, 0},
        {"Sun Nov  6 08:49:37 1994 GMT", false, 0},
        {"Sun Nov 6 08:49:37 1994", false, 0},
        {"784111777", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        int64_t ms = 77;
        if (alb_time_http_parse(cases[i].text, strlen(cases[i].text), &ms) != cases[i].ok ||
            ms != cases[i].ms)
            fail_msg("\"%s\" gave %lld", cases[i].text, (long long)ms);
    }
}

static void test_two_digit_years(void **state)
{
    int this_year, m, d, got;

    (void)state;
    alb_civil_from_days(alb_wall(alb_clock_real()) / 86400000, &this_year, &m, &d);
    for (int two = 0; two < 100; two++) {
        char text[64];
        int64_t ms;
        (void)snprintf(text, sizeof(text), "Monday, 15-Jun-%02d 12:00:00 GMT", two);
        assert_true(alb_time_http_parse(text, strlen(text), &ms));
        int64_t days = (ms >= 0 ? ms : ms - 86399999) / 86400000;
        alb_civil_from_days(days, &got, &m, &d);
        assert_int_equal(got % 100, two);
        assert_true(got <= this_year + 50 && got > this_year - 100);
    }
}

static void test_rfc3339(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t ms;
        int offset;
    } cases[] = {
        {"1994-11-06T08:49:37Z", true, NOV_94, 0},
        {"1994-11-06t08:49:37z", true, NOV_94, 0},
        {"1994-11-06 08:49:37Z", true, NOV_94, 0},
        {"1994-11-06T08:49:37.5Z", true, NOV_94 + 500, 0},
        {"1994-11-06T08:49:37.05Z", true, NOV_94 + 50, 0},
        {"1994-11-06T08:49:37.1239999999Z", true, NOV_94 + 123, 0},
        {"1994-11-06T08:49:37+00:00", true, NOV_94, 0},
        {"1994-11-06T08:49:37-00:00", true, NOV_94, 0},
        {"1994-11-06T14:34:37+05:45", true, NOV_94, 345},
        {"1994-11-06T00:49:37.000-08:00", true, NOV_94, -480},
        {"1994-11-07T08:48:37+23:59", true, NOV_94, 1439},
        {"0001-01-01T00:00:00Z", true, INT64_C(-62135596800000), 0},
        {"9999-12-31T23:59:59.999Z", true, INT64_C(253402300799999), 0},
        {"1969-12-31T23:59:59.999Z", true, -1, 0},
        {"2016-12-31T23:59:60Z", true, INT64_C(1483228800000), 0},
        {"0001-01-01T00:00:00+00:01", false, 0, 0}, /* before what we can write */
        {"9999-12-31T23:59:59-00:01", false, 0, 0},
        {"9999-12-31T23:59:60Z", false, 0, 0},
        {"0000-01-01T00:00:00Z", false, 0, 0},
        {"1994-11-06T08:49:37", false, 0, 0},
        {"1994-11-06T08:49:37.Z", false, 0, 0},
        {"1994-11-06T08:49:37,5Z", false, 0, 0},
        {"1994-11-06T08:49Z", false, 0, 0},
        {"1994-11-06T08:49:37+5:45", false, 0, 0},
        {"1994-11-06T08:49:37+0545", false, 0, 0},
        {"1994-11-06T08:49:37+24:00", false, 0, 0},
        {"1994-11-06T08:49:37+00:60", false, 0, 0},
        {"1994-11-06T08:49:37ZZ", false, 0, 0},
        {"1994-11-06T24:00:00Z", false, 0, 0},
        {"1994-13-06T08:49:37Z", false, 0, 0},
        {"1994-00-06T08:49:37Z", false, 0, 0},
        {"1994-02-29T08:49:37Z", false, 0, 0},
        {"94-11-06T08:49:37Z", false, 0, 0},
        {"-1994-11-06T08:49:37Z", false, 0, 0},
        {"1994-11-06", false, 0, 0},
        {"", false, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        int64_t ms = 77;
        int offset = 77;
        size_t n = strlen(cases[i].text);
        if (alb_time_rfc3339_parse(cases[i].text, n, &ms, &offset) != cases[i].ok || ms != cases[i].ms ||
            offset != cases[i].offset)
            fail_msg("\"%s\" gave %lld, %d", cases[i].text, (long long)ms, offset);
        assert_int_equal(alb_time_rfc3339_parse(cases[i].text, n, &ms, NULL), cases[i].ok);
    }
}

static void test_every_prefix_is_refused(void **state)
{
    static const char http[] = "Sun, 06 Nov 1994 08:49:37 GMT", rfc3339[] = "1994-11-06T08:49:37.123+05:45";
    int64_t ms;

    (void)state;
    for (size_t n = 0; n < sizeof(http) - 1; n++)
        assert_false(alb_time_http_parse(http, n, &ms));
    for (size_t n = 0; n < sizeof(rfc3339) - 1; n++)
        assert_false(alb_time_rfc3339_parse(rfc3339, n, &ms, NULL));
}

static void test_writing(void **state)
{
    char http[30], rfc3339[25];

    (void)state;
    alb_time_http(NOV_94 + 999, http);
    assert_string_equal(http, "Sun, 06 Nov 1994 08:49:37 GMT");
    alb_time_rfc3339(NOV_94 + 7, rfc3339);
    assert_string_equal(rfc3339, "1994-11-06T08:49:37.007Z");
    alb_time_rfc3339(-1, rfc3339);
    assert_string_equal(rfc3339, "1969-12-31T23:59:59.999Z");
    alb_time_rfc3339(INT64_MAX, rfc3339);
    assert_string_equal(rfc3339, "9999-12-31T23:59:59.999Z");
    alb_time_http(INT64_MIN, http);
    assert_string_equal(http, "Mon, 01 Jan 0001 00:00:00 GMT");
}

static void test_deadline(void **state)
{
    (void)state;
    assert_int_equal(alb_deadline(5, 6), 11);
    assert_int_equal(alb_deadline(5, ALB_NEVER), ALB_NEVER);
    assert_int_equal(alb_deadline(ALB_NEVER, -5), ALB_NEVER);
    assert_int_equal(alb_deadline(ALB_NEVER - 1, 5), ALB_NEVER);
    assert_int_equal(alb_deadline(INT64_MIN + 1, -5), INT64_MIN);
}

static void test_clocks(void **state)
{
    struct alb_manual_clock m;
    const struct alb_clock *real = alb_clock_real();

    (void)state;
    int64_t a = alb_mono(real), b = alb_mono(real);
    assert_true(b >= a && a > 0);
    assert_true(alb_wall(real) > INT64_C(1700000000000));
    alb_manual_clock_init(&m, 100, 5000);
    assert_int_equal(alb_mono(&m.clock), 100);
    for (int i = 0; i < 10; i++)
        alb_manual_clock_advance(&m, ALB_NS_PER_MS / 4);
    assert_int_equal(alb_mono(&m.clock), 100 + ALB_NS_PER_MS / 4 * 10);
    assert_int_equal(alb_wall(&m.clock), 5002);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days),    cmocka_unit_test(test_against_libc),
        cmocka_unit_test(test_http),    cmocka_unit_test(test_two_digit_years),
        cmocka_unit_test(test_rfc3339), cmocka_unit_test(test_every_prefix_is_refused),
        cmocka_unit_test(test_writing), cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_clocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
