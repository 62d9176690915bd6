/* SPDX-License-Identifier: Apache-2.0
 *
 * DSSIM against the program of that name (version 3.5, K. Lesinski): pairs of pictures made by plain arithmetic, whose
 * scores were measured once with it.
 */
#include "score_pictures.h"
#include "image/score.h"

#include <math.h>

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
