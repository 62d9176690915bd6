/* SPDX-License-Identifier: Apache-2.0 */
#include "image/turn.h"
#include "test.h"

/* The EXIF standard in pixels: a picture of 3 x 2 with the numbers 1..6, as it is shown for each orientation.
 */
static const struct {
    uint32_t w, h;
    char shown[7];
} standard[9] = {
    {0, 0, ""},       {3, 2, "123456"}, {3, 2, "321654"}, {3, 2, "654321"}, {3, 2, "456123"},
    {2, 3, "142536"}, {2, 3, "415263"}, {2, 3, "635241"}, {2, 3, "362514"},
};

static void shown(uint8_t o, const char *stored, uint32_t w, uint32_t h, char *out)
{
    uint32_t sw = alb_turn_swaps(o) ? h : w, sh = alb_turn_swaps(o) ? w : h;
    for (uint32_t y = 0; y < sh; y++) {
        for (uint32_t x = 0; x < sw; x++) {
            struct alb_rect r = alb_turn_to_stored(o, w, h, (struct alb_rect){x, y, 1, 1});
            out[y * sw + x] = stored[r.top * w + r.left];
        }
    }
    out[w * h] = 0;
}

static void test_standard(void **state)
{
    char out[7];
    (void)state;
    for (uint8_t o = 1; o <= 8; o++) {
        shown(o, "123456", 3, 2, out);
        assert_string_equal(out, standard[o].shown);
        assert_int_equal(alb_turn_swaps(o), standard[o].w == 2);
    }
    assert_int_equal(alb_turn_valid(0), 1);
    assert_int_equal(alb_turn_valid(9), 1);
}

/* Composing is the same as doing one after the other. */
static void test_compose(void **state)
{
    char first[7], second[7], both[7];
    (void)state;
    for (uint8_t a = 1; a <= 8; a++) {
        for (uint8_t b = 1; b <= 8; b++) {
            shown(a, "123456", 3, 2, first);
            shown(b, first, standard[a].w, standard[a].h, second);
            shown(alb_turn_compose(a, b), "123456", 3, 2, both);
            assert_string_equal(second, both);
        }
    }
}

static void test_degrees(void **state)
{
    (void)state;
    assert_int_equal(alb_turn_of(0, false, false), 1);
    assert_int_equal(alb_turn_of(90, false, false), 6);
    assert_int_equal(alb_turn_of(180, false, false), 3);
    assert_int_equal(alb_turn_of(270, false, false), 8);
    assert_int_equal(alb_turn_of(0, true, false), 2);
    assert_int_equal(alb_turn_of(0, false, true), 4);
    assert_int_equal(alb_turn_of(0, true, true), 3);
    assert_int_equal(alb_turn_of(90, true, false), 5); /* turned, then mirrored */
    assert_int_equal(alb_turn_of(270, true, false), 7);
}

static void test_rectangles(void **state)
{
    (void)state;
    /* the top left quarter of the shown picture, of a stored 40 x 20 */
    struct alb_rect r = alb_turn_to_stored(6, 40, 20, (struct alb_rect){0, 0, 10, 20});
    assert_true(r.left == 0 && r.top == 10 && r.width == 20 && r.height == 10);
    r = alb_turn_to_stored(8, 40, 20, (struct alb_rect){0, 0, 10, 20});
    assert_true(r.left == 20 && r.top == 0 && r.width == 20 && r.height == 10);
    r = alb_turn_to_stored(3, 40, 20, (struct alb_rect){1, 2, 10, 5});
    assert_true(r.left == 29 && r.top == 13 && r.width == 10 && r.height == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_standard),
        cmocka_unit_test(test_compose),
        cmocka_unit_test(test_degrees),
        cmocka_unit_test(test_rectangles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
