/* SPDX-License-Identifier: Apache-2.0
 *
 * DSSIM against the program of that name (version 3.5, K. Lesinski): pairs of pictures made by plain arithmetic, whose
 * scores were measured once with it.
 */
#include "test.h"
#include "image/score.h"

#include <math.h>

static unsigned base(unsigned x, unsigned y, unsigned b)
{
    if ((x / 24 + y / 24) % 2)
        return (x * 3 + y * 2 + b * 40) % 256;
    return 128 + x * y / (7 + b) % 64;
}

static unsigned noise(unsigned x, unsigned y, unsigned b)
{
    uint32_t n = (uint32_t)x * 374761393u + (uint32_t)y * 668265263u + (uint32_t)b * 2246822519u;
    n = (n ^ (n >> 13)) * 1274126177u;
    return (n ^ (n >> 16)) & 0xff;
}

static int clamped(int v)
{
    return v < 0 ? 0 : v > 255 ? 255 : v;
}

/* What is done to the second of a pair. */
enum change { AS_IS, LIGHTER, SOME_NOISE, POSTERIZED, BLOCKS_2, MUCH_NOISE, MOVED, BLUER, BLOCKS_8, ALPHA };

static int changed(enum change how, unsigned x, unsigned y, unsigned b)
{
    int v = (int)base(x, y, b);
    switch (how) {
    case LIGHTER:
        return clamped(v + 4);
    case SOME_NOISE:
        return clamped(v + (int)(noise(x, y, b) % 17) - 8);
    case POSTERIZED:
        return v / 16 * 16;
    case BLOCKS_2:
        return (int)base(x - x % 2, y - y % 2, b);
    case MUCH_NOISE:
        return clamped(v + (int)(noise(x, y, b) % 61) - 30);
    case MOVED:
        return (int)base(x + 1, y, b);
    case BLUER:
        return clamped(v + (b == 2 ? 20 : 0));
    case BLOCKS_8:
        return (int)base(x - x % 8, y - y % 8, b);
    case AS_IS:
    case ALPHA:
        break;
    }
    return v;
}

static uint8_t *picture(unsigned w, unsigned h, unsigned bands, enum change how)
{
    uint8_t *p = alb_mem_calloc((size_t)w * h, bands), *at = p;
    unsigned colours = bands >= 3 ? 3 : 1;
    assert_non_null(p);
    for (unsigned y = 0; y < h; y++) {
        for (unsigned x = 0; x < w; x++, at += bands) {
            for (unsigned b = 0; b < colours; b++)
                at[b] = (uint8_t)changed(how, x, y, b);
            int alpha = (int)(x * 255 / (w > 1 ? w - 1 : 1));
            if (bands > colours)
                at[colours] = (uint8_t)(how == ALPHA ? clamped(alpha + 16) : alpha);
        }
    }
    return p;
}

static double score(unsigned w, unsigned h, unsigned bands, enum change a, enum change b)
{
    uint8_t *pa = picture(w, h, bands, a), *pb = picture(w, h, bands, b);
    double d = alb_score_dssim(pa, pb, w, h, bands);
    alb_mem_free(pa);
    alb_mem_free(pb);
    return d;
}

static const struct {
    unsigned w, h, bands, how;
    double dssim;
} measured[] = {
    {160, 120, 3, 1, 0.00013761}, {160, 120, 3, 2, 0.00147043}, {160, 120, 3, 3, 0.00193126},
    {160, 120, 3, 4, 0.02414571}, {160, 120, 3, 5, 0.01661957}, {160, 120, 3, 6, 0.03160415},
    {160, 120, 3, 7, 0.00192383}, {160, 120, 3, 8, 0.19489012}, {64, 64, 3, 2, 0.00146630},
    {33, 47, 3, 2, 0.00205518},   {17, 90, 3, 2, 0.00299716},   {8, 8, 3, 2, 0.00790554},
    {300, 200, 3, 2, 0.00145345}, {161, 121, 3, 4, 0.02402392}, {160, 120, 1, 2, 0.00260497},
    {160, 120, 1, 3, 0.00427803}, {160, 120, 4, 2, 0.00051422}, {160, 120, 4, 9, 0.00931365},
    {40, 40, 3, 8, 0.08387252},   {300, 200, 3, 6, 0.03066929},
};

static void test_as_measured(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(measured); i++) {
        double d =
            score(measured[i].w, measured[i].h, measured[i].bands, AS_IS, (enum change)measured[i].how);
        if (fabs(d - measured[i].dssim) > 0.01 * measured[i].dssim)
            fail_msg("%u x %u, %u bands, change %u: %.8f, not %.8f", measured[i].w, measured[i].h,
                     measured[i].bands, measured[i].how, d, measured[i].dssim);
    }
}

static void test_equal(void **state)
{
    static const unsigned sizes[][2] = {{1, 1}, {1, 50}, {50, 1}, {7, 7}, {64, 64}, {101, 33}};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(sizes); i++) {
        for (unsigned bands = 1; bands <= 4; bands++) {
            double same = score(sizes[i][0], sizes[i][1], bands, AS_IS, AS_IS),
                   other = score(sizes[i][0], sizes[i][1], bands, AS_IS, MUCH_NOISE);
            assert_true(same >= 0 && same < 1e-6);
            assert_true(isfinite(other) && other >= 0);
        }
    }
}

/* Worse pictures have larger numbers, and the order of the two makes no difference. */
static void test_order(void **state)
{
    (void)state;
    double little = score(80, 60, 3, AS_IS, LIGHTER), more = score(80, 60, 3, AS_IS, SOME_NOISE),
           much = score(80, 60, 3, AS_IS, MUCH_NOISE);
    assert_true(little > 0 && little < more && more < much);
    assert_true(fabs(much - score(80, 60, 3, MUCH_NOISE, AS_IS)) < 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_measured),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
