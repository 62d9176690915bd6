/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever is packed unpacks to the same bytes with zlib, within the bound.
 */
#include <zlib.h>

#include "base/mem.h"
#include "image/express/png_pack.h"
#include "test.h"

#define MOST (1u << 20)
#define GUARD 64

static struct alb_png_pack *work;
static uint8_t *in, *out, *back;

static uint32_t state;
static uint32_t dice(void)
{
    state = state * 1664525 + 1013904223;
    return state >> 8;
}

/* The length, 0 if it was not taken. */
static size_t check(size_t n, const char *what)
{
    size_t bound = alb_png_pack_bound(n);
    bool repeats = false;
    uLongf made = MOST;
    memset(in + n, 0x5a, 8);
    memset(out, 0x33, bound + GUARD);
    size_t size = alb_png_pack(work, in, n, out, &repeats);
    for (size_t i = 0; i < GUARD; i++)
        assert_int_equal(out[bound + i], 0x33);
    if (size == 0) {
        assert_true(repeats);
        return 0;
    }
    assert_true(size <= bound);
    int rc = uncompress(back, &made, out, size);
    if (rc != Z_OK || made != n || memcmp(back, in, n) != 0)
        fail_msg("%s, %zu bytes: does not come back (%d)", what, n, rc);
    return size;
}

static const size_t sizes[] = {8191, 8192, 8193, 16383, 16384, 16385, 32768, 32769, 50000, 300001};

static void test_contents(void **unused)
{
    (void)unused;
    for (size_t s = 0; s < ALB_ARRAY_LEN(sizes); s++) {
        size_t n = sizes[s];
        memset(in, 0, n);
        check(n, "zeros");
        for (size_t i = 0; i < n; i++)
            in[i] = (uint8_t)dice();
        size_t size = check(n, "noise");
        assert_true(size == 0 || size < n + n / 50 + 2000);
        for (size_t i = 0; i < n; i++)
            in[i] = (uint8_t)(dice() % 3 + 254);
        check(n, "little noise");
        for (size_t i = 0; i < n; i++)
            in[i] = (uint8_t)(i * i >> 9);
        check(n, "curves");
        for (size_t i = 0; i < n; i++) /* half of the bytes are 1, a quarter 2 ...: codes of every length */
            in[i] = (uint8_t)__builtin_ctz(dice() | 1u << 23);
        check(n, "halves");
        for (size_t i = 0; i < n; i++)
            in[i] = (uint8_t)(i % 17 == 0 ? dice() : i % 250);
        check(n, "a pattern");
    }
    assert_int_equal(check(0, "nothing"), 0);
    assert_int_equal(check(100, "little"), 0);
}

/* Counts as of Fibonacci would make codes of more than 15 bits. */
static void test_long_codes(void **unused)
{
    (void)unused;
    size_t n = 0, a = 1, b = 1;
    for (unsigned symbol = 0; n + a < 16000; symbol++) {
        memset(in + n, (int)symbol, a);
        n += a;
        size_t next = a + b;
        a = b;
        b = next;
    }
    for (size_t i = n - 1; i > 0; i--) { /* so that nothing repeats for long */
        size_t j = dice() % (i + 1);
        uint8_t swap = in[i];
        in[i] = in[j];
        in[j] = swap;
    }
    assert_true(check(n, "fibonacci") > 0);
}

/* Repeats of every length, from near and from the farthest place that can be named, and one byte farther. */
static void test_repeats(void **unused)
{
    (void)unused;
    for (size_t length = 3; length < 600; length += length < 300 ? 1 : 37) {
        for (int far = -1; far <= 1; far++) {
            size_t n = 32768 + (size_t)(far + 1) + length;
            for (size_t i = 0; i < n; i++)
                in[i] = (uint8_t)dice();
            memcpy(in + n - length, in + n - length - (size_t)(32768 + far), length);
            assert_true(check(n, "far") > 0);
        }
        for (size_t apart = 1; apart < 40; apart += 9) {
            size_t n = 9000 + length;
            for (size_t i = 0; i < n; i++)
                in[i] = i >= 9000 ? in[i - apart] : (uint8_t)dice();
            assert_true(check(n, "near") > 0);
        }
    }
}

/* What photographs leave behind filters: as a two-sided geometric law. Better than zlib. */
static void test_better(void **unused)
{
    (void)unused;
    size_t n = 500000;
    uLongf room = MOST + MOST / 4;
    for (size_t i = 0; i < n; i++) {
        int k = 0, spread = 3 + (int)(i / 50000);
        while (dice() % (unsigned)spread != 0)
            k++;
        in[i] = (uint8_t)(dice() & 1 ? k : -k);
    }
    size_t size = check(n, "differences");
    assert_int_equal(compress2(out, &room, in, n, 6), Z_OK);
    if (size == 0 || size > room)
        fail_msg("%zu bytes, zlib makes %lu", size, (unsigned long)room);
}

static void test_same_bytes(void **unused)
{
    bool repeats;
    (void)unused;
    for (size_t i = 0; i < 60000; i++)
        in[i] = (uint8_t)(dice() % 7);
    size_t n = alb_png_pack(work, in, 60000, out, &repeats);
    memset(work, 0x77, alb_png_pack_size()); /* nothing is left from the picture before */
    assert_int_equal(alb_png_pack(work, in, 60000, back, &repeats), n);
    assert_memory_equal(out, back, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents), cmocka_unit_test(test_long_codes), cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_better),   cmocka_unit_test(test_same_bytes),
    };
    work = alb_mem_alloc_nofail(alb_png_pack_size());
    in = alb_mem_alloc_nofail(MOST + 8);
    out = alb_mem_alloc_nofail(alb_png_pack_bound(MOST) + GUARD);
    back = alb_mem_alloc_nofail(MOST + MOST / 4);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    alb_mem_free(work);
    alb_mem_free(in);
    alb_mem_free(out);
    alb_mem_free(back);
    return failed;
}
