/* SPDX-License-Identifier: Apache-2.0
 *
 * SSIMULACRA 2.1 against three witnesses: the program of that name (J. Sneyers, cloudinary/ssimulacra2), asked once
 * about pictures made here; its numbers for synthetic pictures as published with the crate ssimulacra2 (imazen); and the
 * same arithmetic in double precision, which tells how much of a difference is the program's own rounding: it works
 * in float and squares before it subtracts, which shows on small pictures and wherever hardly anything differs.
 */
#include "score_pictures.h"
#include "image/score.h"

#include <math.h>

#define NEAR_EXACT 0.002
#define NEAR_PROGRAM 0.02 /* of pictures with detail, from 100 pixels a side */
#define FLAT_NEAR_EXACT 0.02
#define FLAT_NEAR_PROGRAM 2.0

static double score_of(const uint8_t *a, const uint8_t *b, unsigned w, unsigned h, unsigned bands)
{
    double got = 0;
    assert_true(alb_score_ssimulacra2(a, b, w, h, bands, &got));
    return got;
}

static double score(unsigned w, unsigned h, unsigned bands, enum change a, enum change b)
{
    uint8_t *pa = picture(w, h, bands, a), *pb = picture(w, h, bands, b);
    double got = score_of(pa, pb, w, h, bands);
    alb_mem_free(pa);
    alb_mem_free(pb);
    return got;
}

static const struct {
    unsigned w, h, bands, how;
    double program, exact;
} measured[] = {
    {160, 120, 3, 1, 89.67045221, 89.678644}, {160, 120, 3, 2, 82.69873818, 82.703612},
    {160, 120, 3, 3, 78.01968740, 78.026604}, {160, 120, 3, 4, 31.35952188, 31.367213},
    {160, 120, 3, 5, 43.88707443, 43.891771}, {160, 120, 3, 6, 8.69464601, 8.697794},
    {160, 120, 3, 7, 71.01061003, 71.013094}, {160, 120, 3, 8, -64.15006169, -64.149959},
    {64, 64, 3, 2, 62.27346964, 62.282126},   {33, 47, 3, 2, 11.19124836, 11.237324},
    {17, 90, 3, 2, 81.72799260, 81.735343},   {8, 8, 3, 2, 94.32948735, 94.329617},
    {300, 200, 3, 2, 82.29100506, 82.290149}, {161, 121, 3, 4, 31.34058924, 31.347478},
    {301, 203, 3, 6, 4.97995611, 4.982621},   {512, 341, 3, 4, 13.79959905, 13.804273},
    {160, 120, 1, 2, 80.29587686, 80.314975}, {160, 120, 1, 3, 76.38538176, 76.401137},
    {160, 120, 2, 2, 84.27645365, 84.392690}, {160, 120, 4, 2, 86.62003755, 86.768993},
    {160, 120, 4, 9, 52.67879614, 52.677652}, {40, 40, 3, 8, 6.05782348, 6.083652},
};

static void test_as_measured(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(measured); i++) {
        unsigned w = measured[i].w, h = measured[i].h, bands = measured[i].bands;
        double got = score(w, h, bands, AS_IS, (enum change)measured[i].how);
        bool large = w >= 100 && h >= 100 && bands % 2;
        if (fabs(got - measured[i].exact) > NEAR_EXACT ||
            fabs(got - measured[i].program) > (large ? NEAR_PROGRAM : 10 * NEAR_PROGRAM))
            fail_msg("%u x %u, %u bands, change %u: %.6f, not %.6f (exact) or %.6f (the program)", w, h,
                     bands, measured[i].how, got, measured[i].exact, measured[i].program);
    }
}

/* ---- published ---- */

static void fill(uint8_t *p, unsigned side, unsigned value)
{
    memset(p, (int)value, (size_t)side * side * 3);
}

static void set_grey(uint8_t *p, unsigned value)
{
    p[0] = p[1] = p[2] = (uint8_t)value;
}

static void gradient(uint8_t *p, unsigned side)
{
    for (unsigned i = 0; i < side * side; i++)
        set_grey(p + (size_t)3 * i, i % side * 255 / (side - 1));
}

static void edge(uint8_t *p, unsigned side)
{
    for (unsigned i = 0; i < side * side; i++)
        set_grey(p + (size_t)3 * i, i % side < side / 2 ? 0 : 255);
}

static void random_bytes(uint8_t *p, unsigned side, uint64_t seed)
{
    for (unsigned i = 0; i < side * side * 3; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        p[i] = (uint8_t)(seed >> 33);
    }
}

/* The mean of 8 x 8, from four before to three behind; edges repeated. Grey. */
static void box(const uint8_t *in, uint8_t *out, int side)
{
    for (int at = 0; at < side * side; at++) {
        unsigned sum = 0;
        for (int i = 0; i < 64; i++) {
            int x = at % side + i % 8 - 4, y = at / side + i / 8 - 4;
            x = x < 0 ? 0 : x >= side ? side - 1 : x;
            y = y < 0 ? 0 : y >= side ? side - 1 : y;
            sum += in[(size_t)3 * (size_t)(y * side + x)];
        }
        set_grey(out + (size_t)3 * (size_t)at, sum / 64);
    }
}

static void check_published(const uint8_t *a, const uint8_t *b, unsigned side, double want, double near)
{
    double got = score_of(a, b, side, side, 3);
    if (fabs(got - want) > near)
        fail_msg("%u x %u: %.6f, wanted: %.6f", side, side, got, want);
}

static void test_published(void **state)
{
    enum { MOST = 256 };
    static uint8_t a[3 * MOST * MOST], b[3 * MOST * MOST];
    static const unsigned shift[5] = {1, 5, 10, 20, 50}, side[4] = {32, 64, 128, 256};
    /* Flat grey of 128 against one that is lighter by shift: as published, and exact. */
    static const double lighter[4][5][2] = {
        {{97.74921430, 99.74514},
         {98.80827382, 98.82045},
         {96.53114090, 97.49443},
         {93.79823220, 94.57558},
         {85.01409588, 85.45815}},
        {{97.98672126, 98.84013},
         {91.52357693, 91.54353},
         {80.24289393, 80.40187},
         {56.05855584, 56.16110},
         {-8.75942256, -8.71683}},
        {{96.78920738, 97.21478},
         {88.54070876, 88.94425},
         {77.84296299, 77.82401},
         {54.27883917, 54.25249},
         {-9.82383315, -9.80260}},
        {{96.15027098, 97.59264},
         {89.73209436, 90.40133},
         {80.29149136, 80.65529},
         {59.77892918, 59.68991},
         {-0.39085784, -0.39415}},
    };
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned k = 0; k < 5; k++) {
            fill(a, side[i], 128);
            fill(b, side[i], 128 + shift[k]);
            check_published(a, b, side[i], lighter[i][k][0], FLAT_NEAR_PROGRAM);
            check_published(a, b, side[i], lighter[i][k][1], FLAT_NEAR_EXACT);
        }
    }
    gradient(a, 64);
    fill(b, 64, 128);
    check_published(a, b, 64, -64.56872148, 0.1);
    box(a, b, 64);
    check_published(a, b, 64, 94.34090315, 0.3);
    random_bytes(a, 64, 42);
    fill(b, 64, 128);
    check_published(a, b, 64, -47.33572558, 0.1);
    edge(a, 64);
    box(a, b, 64);
    check_published(a, b, 64, 24.27333552, 0.1);
}

/* ---- laws ---- */

static void test_equal(void **state)
{
    static const unsigned sizes[][2] = {{1, 2}, {1, 50},  {50, 1},   {7, 7},
                                        {8, 8}, {64, 64}, {101, 33}, {300, 9}};
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(sizes); i++) {
        for (unsigned bands = 1; bands <= 4; bands++) {
            double same = score(sizes[i][0], sizes[i][1], bands, MUCH_NOISE, MUCH_NOISE),
                   other = score(sizes[i][0], sizes[i][1], bands, AS_IS, MUCH_NOISE);
            assert_true(same == 100);
            bool seen = sizes[i][0] > 1 || bands % 2; /* the first column is transparent */
            assert_true(isfinite(other) && (seen ? other < 100 : other == 100));
        }
    }
}

static void test_order(void **state)
{
    (void)state;
    double little = score(160, 120, 3, AS_IS, LIGHTER), more = score(160, 120, 3, AS_IS, SOME_NOISE),
           much = score(160, 120, 3, AS_IS, MUCH_NOISE), most = score(160, 120, 3, AS_IS, BLOCKS_8);
    assert_true(little > more && more > much && much > most);
    /* What was lost weighs otherwise than what was added. */
    assert_true(fabs(much - score(160, 120, 3, MUCH_NOISE, AS_IS)) > 1);
}

/* Seen in a mirror, upside down, or lying on their side, two pictures are as alike as before. */
static void test_symmetric(void **state)
{
    enum { W = 128, H = 96 };
    uint8_t *a = picture(W, H, 3, AS_IS), *b = picture(W, H, 3, SOME_NOISE);
    uint8_t *ta = alb_mem_calloc((size_t)W * H, 3), *tb = alb_mem_calloc((size_t)W * H, 3);
    double straight = score_of(a, b, W, H, 3);
    (void)state;
    assert_true(ta && tb);
    for (int how = 0; how < 3; how++) {
        for (size_t i = 0; i < (size_t)W * H; i++) {
            size_t x = i % W, y = i / W;
            size_t to = how == 0 ? y * W + (W - 1 - x) : how == 1 ? (H - 1 - y) * W + x : x * H + y;
            memcpy(ta + 3 * to, a + 3 * i, 3);
            memcpy(tb + 3 * to, b + 3 * i, 3);
        }
        double turned = how == 2 ? score_of(ta, tb, H, W, 3) : score_of(ta, tb, W, H, 3);
        assert_true(fabs(turned - straight) < 0.001);
    }
    alb_mem_free(a);
    alb_mem_free(b);
    alb_mem_free(ta);
    alb_mem_free(tb);
}

static void test_bands(void **state)
{
    enum { SIDE = 40, N = SIDE * SIDE };
    uint8_t *a = picture(SIDE, SIDE, 1, AS_IS), *b = picture(SIDE, SIDE, 1, SOME_NOISE);
    static uint8_t wide[2][4 * N];
    (void)state;
    double grey = score_of(a, b, SIDE, SIDE, 1);
    for (unsigned bands = 2; bands <= 4; bands++) { /* as colour, and opaque: the same to the last bit */
        for (unsigned i = 0; i < N * bands; i++) {
            bool alpha = bands % 2 == 0 && i % bands == bands - 1;
            wide[0][i] = alpha ? 255 : a[i / bands];
            wide[1][i] = alpha ? 255 : b[i / bands];
        }
        assert_true(score_of(wide[0], wide[1], SIDE, SIDE, bands) == grey);
    }
    for (unsigned i = 0; i < N; i++)
        wide[0][2 * i + 1] = wide[1][2 * i + 1] = 0;
    assert_true(score_of(wide[0], wide[1], SIDE, SIDE, 2) == 100); /* nobody sees the difference */
    alb_mem_free(a);
    alb_mem_free(b);
}

static void test_no_memory(void **state)
{
    static uint8_t p[64 * 3];
    double got = 1;
    (void)state;
    alb_mem_fault(1, true);
    assert_false(alb_score_ssimulacra2(p, p, 8, 8, 3, &got));
    assert_true(alb_mem_fault_fired());
    alb_mem_fault(0, true);
    assert_true(got == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_measured), cmocka_unit_test(test_published), cmocka_unit_test(test_equal),
        cmocka_unit_test(test_order),       cmocka_unit_test(test_symmetric), cmocka_unit_test(test_bands),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
