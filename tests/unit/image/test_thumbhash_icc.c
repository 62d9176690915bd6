/* SPDX-License-Identifier: Apache-2.0 */
#include "base/codec.h"
#include "image/icc.h"
#include "image/thumbhash.h"
#include "test.h"

/* Vectors from the reference implementation (evanw.github.io/thumbhash) on the same formula. */
static void test_thumbhash(void **state)
{
    static const struct {
        unsigned w, h;
        bool alpha;
        const char *hash;
    } cases[] = {
        {100, 75, false, "df070a359a8087777077777878787778708007f877"},
        {60, 100, false, "dff7093c1a700787777777787777808008f878"},
        {40, 40, true, "a1f8851d101880889079b78688809009f9672078006cc28576"},
        {1, 1, false, "000802070000000000000000000000000000000000000000"},
        {100, 3, false, "1ff80d49a472669470778787938028f877"},
    };
    static uint8_t rgba[100 * 100 * 4];
    uint8_t out[32];
    char text[65];
    (void)state;
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        unsigned w = cases[i].w, h = cases[i].h;
        for (unsigned y = 0; y < h; y++) {
            for (unsigned x = 0; x < w; x++) {
                uint8_t *p = rgba + 4 * (y * w + x);
                p[0] = (uint8_t)(x * 255 / (w > 1 ? w - 1 : 1));
                p[1] = (uint8_t)(y * 255 / (h > 1 ? h - 1 : 1));
                p[2] = (uint8_t)((x * 7 + y * 13) % 256);
                p[3] = cases[i].alpha ? (uint8_t)((x + y) * 4 % 256) : 255;
            }
        }
        alb_hex(out, alb_thumbhash(rgba, w, h, out), text);
        assert_string_equal(text, cases[i].hash);
    }
    assert_int_equal(alb_thumbhash(rgba, 101, 1, out), 0);
    assert_int_equal(alb_thumbhash(rgba, 0, 1, out), 0);
    alb_mem_fault(1, true);
    assert_int_equal(alb_thumbhash(rgba, 10, 10, out), 0);
    alb_mem_fault(0, false);
}

static void test_profiles(void **state)
{
    char p[200] = {0};
    (void)state;
    assert_int_equal(alb_icc_kind(ALB_STR_NONE), ALB_ICC_NONE);
    assert_int_equal(alb_icc_kind((struct alb_str){p, 100}), ALB_ICC_OTHER);
    assert_int_equal(alb_icc_kind((struct alb_str){p, 200}), ALB_ICC_OTHER);
    memcpy(p + 36, "acsp", 4);
    static const struct {
        const char *space;
        enum alb_icc kind;
    } cases[] = {
        {"GRAY", ALB_ICC_GREY}, {"CMYK", ALB_ICC_CMYK}, {"RGB ", ALB_ICC_RGB}, {"Lab ", ALB_ICC_OTHER}};
    for (size_t i = 0; i < ALB_ARRAY_LEN(cases); i++) {
        memcpy(p + 16, cases[i].space, 4);
        assert_int_equal(alb_icc_kind((struct alb_str){p, 200}), cases[i].kind);
    }
    memset(p + 128, 0xff, 72); /* 4 billion tags, each outside */
    memcpy(p + 16, "RGB ", 4);
    assert_int_equal(alb_icc_kind((struct alb_str){p, 200}), ALB_ICC_RGB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_thumbhash), cmocka_unit_test(test_profiles)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
