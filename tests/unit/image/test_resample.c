/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "image/resample.h"
#include "test.h"

#define PI 3.14159265358979323846

static double lanczos(double x)
{
    if (fabs(x) < 1e-12)
        return 1;
    return fabs(x) >= 3 ? 0 : 3 * sin(PI * x) * sin(PI * x / 3) / (PI * PI * x * x);
}

/* One pixel by the definition, in double precision. */
static double wanted(const uint8_t *in, int w, int h, int bands, int band, int x, int y, int ow, int oh)
{
    double fx = (double)w / ow, fy = (double)h / oh, sx = fx > 1 ? fx : 1, sy = fy > 1 ? fy : 1;
    double cx = (x + 0.5) * fx, cy = (y + 0.5) * fy, sum = 0, all = 0;
    for (int j = (int)floor(cy - 3 * sy) - 1; j <= (int)ceil(cy + 3 * sy); j++) {
        for (int i = (int)floor(cx - 3 * sx) - 1; i <= (int)ceil(cx + 3 * sx); i++) {
            int ci = i < 0 ? 0 : i >= w ? w - 1 : i, cj = j < 0 ? 0 : j >= h ? h - 1 : j;
            double k = lanczos((i + 0.5 - cx) / sx) * lanczos((j + 0.5 - cy) / sy);
            sum += k * in[((size_t)cj * (size_t)w + (size_t)ci) * (size_t)bands + (size_t)band];
            all += k;
        }
    }
    return sum / all;
}

static void test_against_definition(void **state)
{
    static const int sizes[][4] = {{100, 70, 51, 36}, {100, 70, 99, 70}, {64, 64, 32, 32}, {37, 11, 13, 11},
                                   {9, 9, 20, 30},    {1, 1, 5, 5},      {3, 200, 1, 67},  {17, 1, 8, 1}};
    static uint8_t in[20000], out[40000];
    (void)state;
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof(in); i++) {
        random = random * 1664525 + 1013904223;
        in[i] = (uint8_t)(random >> 24);
    }
    for (size_t c = 0; c < ALB_ARRAY_LEN(sizes); c++) {
        for (int bands = 1; bands <= 3; bands += 2) {
            int w = sizes[c][0], h = sizes[c][1], ow = sizes[c][2], oh = sizes[c][3];
            if ((size_t)(w * h * bands) > sizeof(in))
                continue;
            assert_true(
                alb_resample(in, (uint32_t)w, (uint32_t)h, (unsigned)bands, out, (uint32_t)ow, (uint32_t)oh));
            for (int i = 0; i < ow * oh * bands; i++) {
                double v = wanted(in, w, h, bands, i % bands, i / bands % ow, i / bands / ow, ow, oh);
                v = v < 0 ? 0 : v > 255 ? 255 : v;
                if (fabs(v - out[i]) > 0.51)
                    fail_msg("case %zu, %d bands, at %d: %d, not %f", c, bands, i, out[i], v);
            }
        }
    }
}

static void test_flat_stays_flat(void **state)
{
    static uint8_t in[60 * 60 * 3], out[31 * 29 * 3];
    (void)state;
    for (int v = 0; v < 256; v += 51) {
        memset(in, v, sizeof(in));
        assert_true(alb_resample(in, 60, 60, 3, out, 31, 29));
        for (size_t i = 0; i < sizeof(out); i++)
            assert_int_equal(out[i], v);
    }
}

static void test_no_memory(void **state)
{
    static uint8_t in[300], out[75];
    bool ok = false;
    (void)state;
    for (uint64_t n = 1; n < 30 && !ok; n++) {
        alb_mem_fault(n, false);
        ok = alb_resample(in, 10, 10, 3, out, 5, 5);
        bool fired = alb_mem_fault_fired();
        alb_mem_fault(0, false);
        assert_int_equal(ok, !fired);
    }
    assert_true(ok);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_definition),
        cmocka_unit_test(test_flat_stays_flat),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
