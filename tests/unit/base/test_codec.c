/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdatomic.h>

#include "base/codec.h"
#include "test.h"

static void test_hex(void **state)
{
    static const unsigned char raw[4] = {0x00, 0xff, 0x1a, 0xb0};
    unsigned char back[4];
    char text[9];

    (void)state;
    alb_hex(raw, 4, text);
    assert_string_equal(text, "00ff1ab0");
    alb_hex(raw, 0, text);
    assert_string_equal(text, "");
    assert_true(alb_hex_decode(ALB_STR("00FF1aB0"), back, 4));
    assert_memory_equal(raw, back, 4);
    assert_true(alb_hex_decode(ALB_STR_NONE, back, 0));
    assert_false(alb_hex_decode(ALB_STR("00ff1ab"), back, 4));
    assert_false(alb_hex_decode(ALB_STR("00ff1ab000"), back, 4));
    assert_false(alb_hex_decode(ALB_STR("00ff1ag0"), back, 4));
    assert_false(alb_hex_decode(ALB_STR("00ff1a 0"), back, 4));
}

static void test_b64_encode(void **state)
{
    static const struct {
        const char *raw, *std, *url;
    } cases[] = {
        /* RFC 4648 §10 */
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xfb\xff\xfe", "+//+", "-__-"},
    };
    unsigned char back[16];

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        struct alb_buf b = ALB_BUF_INIT(100);
        size_t n = strlen(cases[i].raw);
        alb_b64_encode(&b, cases[i].raw, n, ALB_B64_STD);
        assert_string_equal(alb_buf_cstr(&b), cases[i].std);
        alb_buf_reset(&b);
        alb_b64_encode(&b, cases[i].raw, n, ALB_B64_URL);
        assert_string_equal(alb_buf_cstr(&b), cases[i].url);
        alb_buf_fini(&b);
        assert_int_equal(alb_b64_decode(alb_str_c(cases[i].std), back, n, ALB_B64_STD), n);
        assert_memory_equal(back, cases[i].raw, n);
        assert_int_equal(alb_b64_decode(alb_str_c(cases[i].url), back, n, ALB_B64_URL), n);
        assert_memory_equal(back, cases[i].raw, n);
        if (n > 0) /* exactly one byte too little room */
            assert_int_equal(alb_b64_decode(alb_str_c(cases[i].std), back, n - 1, ALB_B64_STD), -1);
    }
}

static void test_b64_refused(void **state)
{
    static const struct {
        const char *text;
        enum alb_b64 alphabet;
    } cases[] = {
        {"Zg", ALB_B64_STD},     {"Zg=", ALB_B64_STD},        {"Zg===", ALB_B64_STD},
        {"Z===", ALB_B64_STD},   {"====", ALB_B64_STD},       {"=", ALB_B64_STD},
        {"Zh==", ALB_B64_STD},   {"Zm9=", ALB_B64_STD},       {"Zm 9v", ALB_B64_STD},
        {"Zm9v\n", ALB_B64_STD}, {"Zg==Zg==", ALB_B64_STD},   {"-__-", ALB_B64_STD},
        {"Zg==", ALB_B64_URL},   {"Z", ALB_B64_URL},          {"Zh", ALB_B64_URL},
        {"Zm9vY", ALB_B64_URL},  {"+//+", ALB_B64_URL},       {"Zm9", ALB_B64_URL},
        {"Zm9*", ALB_B64_STD},   {"Z\xc3\xa4=", ALB_B64_STD},
    };
    unsigned char out[16];

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        if (alb_b64_decode(alb_str_c(cases[i].text), out, sizeof(out), cases[i].alphabet) != -1)
            fail_msg("\"%s\"", cases[i].text);
    }
    assert_int_equal(alb_b64_decode(alb_str_n("Zm9\0", 4), out, sizeof(out), ALB_B64_STD), -1);
}

static void test_percent(void **state)
{
    static const struct {
        const char *text;
        bool form, ok;
        const char *out;
    } cases[] = {
        {"", false, true, ""},
        {"a%2Fb", false, true, "a/b"},
        {"a%2fb+c", false, true, "a/b+c"},
        {"a+b%2B", true, true, "a b+"},
        {"%c3%A4", false, true, "\xc3\xa4"},
        {"%", false, false, ""},
        {"%2", false, false, ""},
        {"a%2", false, false, ""},
        {"%2g", false, false, ""},
        {"%g2", false, false, ""},
        {"%%25", false, false, ""},
        {"%25%", false, false, ""},
        {"%+1", false, false, ""},
    };
    char out[16];
    size_t n;

    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        bool ok = alb_percent_decode(alb_str_c(cases[i].text), cases[i].form, out, sizeof(out), &n);
        if (ok != cases[i].ok || n != strlen(cases[i].out) || memcmp(out, cases[i].out, n) != 0)
            fail_msg("\"%s\"", cases[i].text);
    }
    assert_true(alb_percent_decode(ALB_STR("%00x"), false, out, 2, &n));
    assert_int_equal(n, 2);
    assert_int_equal(out[0], '\0');
    assert_false(alb_percent_decode(ALB_STR("%00xy"), false, out, 2, &n)); /* does not fit */

    struct alb_buf b = ALB_BUF_INIT(1000);
    alb_percent_encode(&b, ALB_STR("aZ09-._~ /%\xc3\xa4+\x01"));
    assert_string_equal(alb_buf_cstr(&b), "aZ09-._~%20%2F%25%C3%A4%2B%01");
    alb_buf_fini(&b);
}

static void test_uuid_text(void **state)
{
    static const char good[] = "0190b2c4-7d3e-7abc-8def-0123456789ab";
    static const char *const bad[] = {
        "",
        "0190b2c4-7d3e-7abc-8def-0123456789a",
        "0190b2c4-7d3e-7abc-8def-0123456789abc",
        "0190b2c47d3e-7abc-8def-0123456789abcd",
        "0190b2c4-7d3e-7abc-8def_0123456789ab",
        "0190b2c4-7d3e-7abc-8def-0123456789ag",
        "0190b2c4-7d3e-7abc-8def-0123456789a-",
        "{190b2c4-7d3e-7abc-8def-0123456789a}",
        "g190b2c4-7d3e-7abc-8def-0123456789ab",
        "0190b2c4-7d3 -7abc-8def-0123456789ab",
        "0190b2c4-7d3e-7ab -8def-0123456789ab",
        "0190b2c4-7d3e-7abc-8de -0123456789ab",
    };
    struct alb_uuid u;
    char text[37];

    (void)state;
    assert_true(alb_uuid_parse(alb_str_c(good), &u));
    alb_uuid_text(&u, text);
    assert_string_equal(text, good);
    assert_true(alb_uuid_parse(ALB_STR("0190B2C4-7D3E-7ABC-8DEF-0123456789AB"), &u));
    alb_uuid_text(&u, text);
    assert_string_equal(text, good);
    for (size_t i = 0; i < ALB_ARRAY_LEN(bad); i++) {
        static const struct alb_uuid zero;
        if (alb_uuid_parse(alb_str_c(bad[i]), &u))
            fail_msg("\"%s\"", bad[i]);
        assert_memory_equal(&u, &zero, sizeof(u));
    }
}

static void test_uuid_order(void **state)
{
    struct alb_uuid last = {{0}}, u;
    struct alb_manual_clock clock;

    (void)state;
    /* Many in one millisecond (more than the counter has room for), then a clock that was set back. */
    alb_manual_clock_init(&clock, 0, INT64_C(1700000000000));
    for (int i = 0; i < 10000; i++) {
        if (i == 9000)
            atomic_store(&clock.wall, INT64_C(1600000000000));
        u = alb_uuid_v7(&clock.clock);
        assert_true(memcmp(last.b, u.b, 16) < 0);
        assert_int_equal(u.b[6] >> 4, 7);
        assert_int_equal(u.b[8] >> 6, 2);
        last = u;
    }
    u = alb_uuid_v7(alb_clock_real());
    uint64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | u.b[i];
    assert_true(ms + 2000 > (uint64_t)alb_wall(alb_clock_real()));
}

#define THREADS 4
#define PER_THREAD 2000
static struct alb_uuid made[THREADS][PER_THREAD];

static void *make_ids(void *arg)
{
    struct alb_uuid *out = arg;

    for (int i = 0; i < PER_THREAD; i++)
        out[i] = alb_uuid_v7(alb_clock_real());
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, 8); /* time and counter alone must differ */
}

static void test_uuid_threads(void **state)
{
    pthread_t t[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, make_ids, made[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(t[i], NULL), 0);
    qsort(made, THREADS * PER_THREAD, sizeof(struct alb_uuid), compare);
    for (int i = 1; i < THREADS * PER_THREAD; i++)
        assert_true(compare(&made[0][0] + i - 1, &made[0][0] + i) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex),          cmocka_unit_test(test_b64_encode),
        cmocka_unit_test(test_b64_refused),  cmocka_unit_test(test_percent),
        cmocka_unit_test(test_uuid_text),    cmocka_unit_test(test_uuid_order),
        cmocka_unit_test(test_uuid_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
