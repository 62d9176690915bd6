/* SPDX-License-Identifier: Apache-2.0
 *
 * Light of PQ and HLG as sRGB. The numbers were worked out by hand from BT.2100 and the bend that hdr.h promises.
 */
#include "test.h"

#include "image/hdr.h"

struct row {
    const char *what;
    double in[3]; /* 0..1 */
    int out[3];
};

static void check(enum alb_hdr how, const struct row *rows, size_t count)
{
    struct alb_hdr_tables *t = alb_hdr_new(how);
    assert_non_null(t);
    for (size_t i = 0; i < count; i++) {
        uint16_t in[4] = {0, 0, 0, 0x8040};
        uint8_t out[4];
        for (int c = 0; c < 3; c++)
            in[c] = (uint16_t)(rows[i].in[c] * 65535 + 0.5);
        alb_hdr_run(t, in, out, 1, 4);
        assert_int_equal(out[3], 0x80);
        for (int c = 0; c < 3; c++) {
            if (out[c] < rows[i].out[c] - 1 || out[c] > rows[i].out[c] + 1)
                fail_msg("%s: %d %d %d", rows[i].what, out[0], out[1], out[2]);
        }
    }
    alb_hdr_free(&t);
    assert_null(t);
}

static void test_pq(void **state)
{
    static const struct row rows[] = {
        {"black", {0, 0, 0}, {0, 0, 0}},
        {"20.3 cd/m2, a tenth of white", {0.35830, 0.35830, 0.35830}, {89, 89, 89}},
        {"100 cd/m2", {0.50808, 0.50808, 0.50808}, {186, 186, 186}},
        {"203 cd/m2, white", {0.58069, 0.58069, 0.58069}, {238, 238, 238}},
        {"1000 cd/m2", {0.75183, 0.75183, 0.75183}, {255, 255, 255}},
        {"10000 cd/m2", {1, 1, 1}, {255, 255, 255}},
        /* a tenth of white in red alone is more than sRGB has of it: 0.166 of red, nothing of the others */
        {"red of BT.2020", {0.35830, 0, 0}, {113, 0, 0}},
    };
    (void)state;
    check(ALB_HDR_PQ, rows, ALB_ARRAY_LEN(rows));
}

static void test_hlg(void **state)
{
    static const struct row rows[] = {
        {"black", {0, 0, 0}, {0, 0, 0}},
        {"0.5: 50.7 cd/m2", {0.5, 0.5, 0.5}, {137, 137, 137}},
        {"0.75: 203 cd/m2", {0.75, 0.75, 0.75}, {238, 238, 238}},
        {"1: 1000 cd/m2", {1, 1, 1}, {255, 255, 255}},
    };
    (void)state;
    check(ALB_HDR_HLG, rows, ALB_ARRAY_LEN(rows));
}

/* Lighter is never darker, and proportions of a bright colour stay. */
static void test_bend(void **state)
{
    struct alb_hdr_tables *t = alb_hdr_new(ALB_HDR_PQ);
    uint8_t last = 0, out[3];
    (void)state;
    for (unsigned v = 0; v < 65536; v += 64) {
        uint16_t in[3] = {(uint16_t)v, (uint16_t)v, (uint16_t)v};
        alb_hdr_run(t, in, out, 1, 3);
        assert_true(out[0] >= last && out[0] <= last + 2);
        assert_true(out[1] >= out[0] - 1 && out[1] <= out[0] + 1 && out[2] >= out[0] - 1 && out[2] <= out[0] + 1);
        last = out[0];
    }
    uint16_t orange[3] = {0xd000, 0xb000, 0x8000};
    alb_hdr_run(t, orange, out, 1, 3);
    assert_true(out[0] > out[1] + 40 && out[1] > out[2] + 20); /* clipped channels would be white */
    alb_hdr_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pq),
        cmocka_unit_test(test_hlg),
        cmocka_unit_test(test_bend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
