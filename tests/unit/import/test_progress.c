/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "import/human.h"
#include "import/progress.h"
#include "test.h"

static void test_human(void **state)
{
    (void)state;
    char t[ALB_HUMAN_MAX];
    assert_string_equal(alb_human_count(0, t), "0");
    assert_string_equal(alb_human_count(999, t), "999");
    assert_string_equal(alb_human_count(1000, t), "1,000");
    assert_string_equal(alb_human_count(1234567, t), "1,234,567");
    assert_string_equal(alb_human_count(UINT64_MAX, t), "18,446,744,073,709,551,615");
    assert_string_equal(alb_human_bytes(0, t), "0 B");
    assert_string_equal(alb_human_bytes(999, t), "999 B");
    assert_string_equal(alb_human_bytes(1000, t), "1.0 kB");
    assert_string_equal(alb_human_bytes(1234567, t), "1.2 MB");
    assert_string_equal(alb_human_bytes(9949999, t), "9.9 MB");
    assert_string_equal(alb_human_bytes(9950001, t), "10 MB");
    assert_string_equal(alb_human_bytes(999499999, t), "999 MB");
    assert_string_equal(alb_human_bytes(999500001, t), "1.0 GB");
    assert_string_equal(alb_human_bytes(INT64_MAX, t), "9.2 EB");
    assert_string_equal(alb_human_duration(-5, t), "0.0 s");
    assert_string_equal(alb_human_duration(450 * ALB_NS_PER_MS, t), "0.5 s");
    assert_string_equal(alb_human_duration(42 * ALB_NS_PER_S, t), "42 s");
    assert_string_equal(alb_human_duration(185 * ALB_NS_PER_S, t), "3m 05s");
    assert_string_equal(alb_human_duration(7800 * ALB_NS_PER_S, t), "2h 10m");
    assert_string_equal(alb_human_duration(273600 * ALB_NS_PER_S, t), "3d 4h");
    assert_string_equal(alb_human_rate(0.44, t), "0.4");
    assert_string_equal(alb_human_rate(9.96, t), "10");
    assert_string_equal(alb_human_rate(1234.4, t), "1,234");
    assert_string_equal(alb_human_rate(-1, t), "0.0");
}

static struct alb_meter_sample sample(double seconds, int64_t files, int64_t bytes)
{
    return (struct alb_meter_sample){
        .at_ns = (int64_t)(seconds * 1e9), .files = files, .bytes = bytes, .sent = bytes};
}

static void test_meter(void **state)
{
    (void)state;
    struct alb_meter m = {.n = 0};
    assert_true(alb_meter_rate(&m, 5).files == 0);
    alb_meter_add(&m, sample(100, 0, 0));
    assert_true(alb_meter_rate(&m, 101 * ALB_NS_PER_S).files == 0);
    alb_meter_add(&m, sample(100.1, 50, 50)); /* too soon: not taken */
    assert_int_equal(m.n, 1);
    alb_meter_add(&m, sample(101, 10, 1000));
    alb_meter_add(&m, sample(102, 20, 4000));
    struct alb_meter_rate r = alb_meter_rate(&m, 102 * ALB_NS_PER_S);
    assert_true(r.files > 9.99 && r.files < 10.01);
    assert_true(r.bytes > 1999 && r.bytes < 2001);
    /* Nothing moves any more: the rate falls, and in the end the window is empty. */
    r = alb_meter_rate(&m, 110 * ALB_NS_PER_S);
    assert_true(r.files > 1.99 && r.files < 2.01);
    r = alb_meter_rate(&m, 200 * ALB_NS_PER_S);
    assert_true(r.files == 0 && r.bytes == 0);
    /* A steady stream for longer than the window: the ring goes round. */
    for (int i = 0; i < 1000; i++)
        alb_meter_add(&m, sample(300 + i * 0.25, i, i * 100));
    r = alb_meter_rate(&m, (int64_t)((300 + 999 * 0.25) * 1e9));
    assert_true(r.files > 3.9 && r.files < 4.1);
    assert_true(r.bytes > 390 && r.bytes < 410);
}

static struct alb_tally_view view(void)
{
    struct alb_tally_view v = {.scanned = true};
    v.found = (struct alb_count){2000, 8000000000};
    v.outcome[ALB_OUTCOME_UPLOADED] = (struct alb_count){400, 2000000000};
    v.outcome[ALB_OUTCOME_DUPLICATE] = (struct alb_count){100, 1000000000};
    v.moving = 200000000;
    return v;
}

static void test_left(void **state)
{
    (void)state;
    struct alb_meter m = {.n = 0};
    struct alb_tally_view v = view();
    alb_meter_add(&m, sample(0, 400, 2200000000));
    alb_meter_add(&m, sample(10, 500, 3200000000)); /* 100 MB and 10 files a second */
    struct alb_progress p = alb_progress_of(&v, &m, 10 * ALB_NS_PER_S, 0, false);
    assert_int_equal(p.files_done, 500);
    assert_int_equal(p.bytes_done, 3200000000);
    assert_true(p.left_ns / ALB_NS_PER_S == 150); /* 1500 files take longer than 4.8 GB */
    v.found.bytes = 80000000000;
    p = alb_progress_of(&v, &m, 10 * ALB_NS_PER_S, 0, false);
    assert_true(p.left_ns / ALB_NS_PER_S == 768); /* here the bytes do */
    v.scanned = false;
    assert_int_equal(alb_progress_of(&v, &m, 10 * ALB_NS_PER_S, 0, false).left_ns, -1);
    v.scanned = true;
    assert_int_equal(alb_progress_of(&v, &m, 10 * ALB_NS_PER_S, 5, false).left_ns, -1);
    v.moving = -5000000000000; /* a moment between two counters must not show */
    assert_int_equal(alb_progress_of(&v, &m, 10 * ALB_NS_PER_S, 0, false).bytes_done, 0);
    v.moving = 500000000000;
    assert_int_equal(alb_progress_of(&v, &m, 10 * ALB_NS_PER_S, 0, false).bytes_done, 80000000000);
}

static void expect_line(const struct alb_progress *p, unsigned width, bool bar, const char *line)
{
    struct alb_buf b = ALB_BUF_INIT(4096);
    alb_progress_text(p, width, bar, &b);
    assert_string_equal(alb_buf_cstr(&b), line);
    assert_true(b.n <= width);
    alb_buf_fini(&b);
}

static void test_line(void **state)
{
    (void)state;
    struct alb_progress p = {.files_done = 1234,
                             .files_found = 2890,
                             .bytes_done = 3200000000,
                             .bytes_found = 7500000000,
                             .scanned = true,
                             .files_per_s = 12.4,
                             .sent_per_s = 45100000,
                             .left_ns = 151 * ALB_NS_PER_S,
                             .failed = 3};
    const char *all =
        "42%  1,234 of 2,890 files  3.2 GB of 7.5 GB  12 files/s  45 MB/s  2m 31s left  3 failed";
    expect_line(&p, 500, false, all);
    expect_line(&p, (unsigned)strlen(all), true, all);
    expect_line(&p, (unsigned)strlen(all) - 1, true,
                "42%  1,234 of 2,890 files  3.2 GB of 7.5 GB  45 MB/s  2m 31s left  3 failed");
    expect_line(&p, 60, true, "42%  1,234 of 2,890 files  45 MB/s  2m 31s left  3 failed");
    expect_line(&p, 26, true, "42%  1,234 of 2,890 files");
    expect_line(&p, 10, true, "42%");
    expect_line(&p, 2, true, "");
    expect_line(&p, 0, true, "");
    expect_line(&p, (unsigned)strlen(all) + 14, true,
                "[====>     ]  42%  1,234 of 2,890 files  3.2 GB of 7.5 GB  12 files/s  45 MB/s  2m 31s left "
                " 3 failed");
    p.failed = 0;
    p.waiting_ns = 65 * ALB_NS_PER_S;
    p.left_ns = -1;
    expect_line(&p, 70, false, "42%  1,234 of 2,890 files  no answer from the server for 1m 05s");
    p.scanned = false;
    p.waiting_ns = 0;
    p.stopping = true;
    expect_line(&p, 45, true, "looking  1,234 of 2,890 files  stopping");
}

static void test_percent_is_100_only_at_the_end(void **state)
{
    (void)state;
    struct alb_progress p = {.files_done = 9,
                             .files_found = 10,
                             .bytes_done = 100,
                             .bytes_found = 100,
                             .scanned = true,
                             .left_ns = -1};
    expect_line(&p, 30, false, "99%  9 of 10 files");
    p.files_done = 10;
    expect_line(&p, 30, false, "100%  10 of 10 files");
    p = (struct alb_progress){.scanned = true, .left_ns = -1};
    expect_line(&p, 20, false, "0%  0 of 0 files");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_human),
        cmocka_unit_test(test_meter),
        cmocka_unit_test(test_left),
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_percent_is_100_only_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
