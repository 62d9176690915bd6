/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers about small pictures. The blurhashes were computed by an independent implementation of the published
 * algorithm; those of plain colours are known from its own tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "image/look.h"

#define W 20
#define H 12

static uint8_t ramp_pixels[W * H * 4];

static struct alb_look ramp(void)
{
    for (unsigned y = 0; y < H; y++) {
        for (unsigned x = 0; x < W; x++) {
            uint8_t *p = ramp_pixels + (size_t)4 * (y * W + x);
            p[0] = (uint8_t)(x * 255 / 19);
            p[1] = (uint8_t)(y * 255 / 11);
            p[2] = (uint8_t)(x * y * 7 % 256);
            p[3] = 255;
        }
    }
    return (struct alb_look){ramp_pixels, W, H};
}

static struct alb_look plain(uint8_t *p, uint8_t r, uint8_t g, uint8_t b, uint8_t a)
{
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t one[4] = {r, g, b, a};
        memcpy(p + (size_t)4 * i, one, 4);
    }
    return (struct alb_look){p, 2, 2};
}

static void test_blurhash(void **state)
{
    char text[ALB_BLURHASH_MAX];
    uint8_t p[16];
    struct alb_look l = ramp();
    (void)state;
    alb_look_blurhash(&l, 4, 3, text);
    assert_string_equal(text, "L$HoO42-wtbpqMR%jre=f{fhfSfl");
    alb_look_blurhash(&l, 9, 9, text);
    assert_string_equal(
        text,
        "|$HoO42-wtbpWmt3SJt6SIqMR%jre=a~jJa}jKa~f{fhfSflfSflfRfhfPt3Sgjvfka|j=a_j=a}eTf9fSf8fOf5fSf9fTt"
        "NShjufha_j[b0j@a_eUf9fPf5fSf9fRf4fPtMShjsfha~j[a_j=a~eVf9fOf7fSf5fOfAfR");
    assert_true(strlen(text) < ALB_BLURHASH_MAX);
    l = plain(p, 255, 0, 0, 255);
    alb_look_blurhash(&l, 1, 1, text);
    assert_string_equal(text, "00TI:j");
    l = plain(p, 255, 255, 255, 255);
    alb_look_blurhash(&l, 1, 1, text);
    assert_string_equal(text, "00TSUA");
    alb_look_blurhash(&l, 10, 1, text);
    assert_string_equal(text, "");
}

static void same(struct alb_colour c, int r, int g, int b, int a)
{
    assert_int_equal(c.r, r);
    assert_int_equal(c.g, g);
    assert_int_equal(c.b, b);
    assert_int_equal(c.a, a);
}

static void test_average(void **state)
{
    uint8_t p[16];
    struct alb_look l = plain(p, 10, 20, 30, 255);
    (void)state;
    same(alb_look_average(&l, false), 10, 20, 30, 255);
    assert_false(alb_look_has_alpha(&l));
    p[0] = 200, p[3] = 0;
    assert_true(alb_look_has_alpha(&l));
    same(alb_look_average(&l, true), 10, 20, 30, 255);
    same(alb_look_average(&l, false), 58, 20, 30, 191);
    l = plain(p, 9, 9, 9, 0);
    same(alb_look_average(&l, true), 0, 0, 0, 0);
}

static void test_palette(void **state)
{
    struct alb_colour out[ALB_LOOK_PALETTE_MAX];
    uint8_t p[400];
    struct alb_look l = {p, 10, 10};
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        const uint8_t red[4] = {255, 0, 0, 255}, blue[4] = {0, 0, 255, 255}, none[4] = {0, 255, 0, 0};
        memcpy(p + (size_t)4 * i, i < 64 ? red : i < 96 ? blue : none, 4);
    }
    assert_int_equal(alb_look_palette(&l, 2, out), 2);
    assert_int_equal(alb_look_palette(&l, 16, out), 2); /* there are no more */
    same(out[0], 255, 0, 0, 255);
    same(out[1], 0, 0, 255, 255);
    assert_int_equal(alb_look_palette(&l, 1, out), 1);
    same(out[0], 170, 0, 85, 255);
    l = plain(p, 1, 2, 3, 255);
    assert_int_equal(alb_look_palette(&l, 256, out), 1);
    same(out[0], 1, 2, 3, 255);
    l = plain(p, 1, 2, 3, 0);
    assert_int_equal(alb_look_palette(&l, 256, out), 0);
    l = ramp();
    assert_int_equal(alb_look_palette(&l, 256, out) > 200, 1);
}

static void test_dominant(void **state)
{
    struct alb_colour out[ALB_DOMINANT_COUNT];
    uint8_t p[16];
    struct alb_look l = plain(p, 230, 30, 30, 255);
    (void)state;
    assert_int_equal(alb_look_dominant(&l, false, out), 1u << ALB_DOMINANT_VIBRANT);
    same(out[ALB_DOMINANT_VIBRANT], 230, 30, 30, 255);
    assert_int_equal(alb_look_dominant(&l, true, out), (1u << ALB_DOMINANT_COUNT) - 1);
    assert_true(out[ALB_DOMINANT_DARK_VIBRANT].r < 150 && out[ALB_DOMINANT_DARK_VIBRANT].r > 80);
    assert_true(out[ALB_DOMINANT_LIGHT_VIBRANT].g > out[ALB_DOMINANT_VIBRANT].g);
    l = plain(p, 0, 0, 0, 0);
    assert_int_equal(alb_look_dominant(&l, true, out), 0);
    l = ramp();
    assert_true(alb_look_dominant(&l, false, out) & 1u << ALB_DOMINANT_VIBRANT);
}

static unsigned distance(uint64_t a, uint64_t b)
{
    return (unsigned)__builtin_popcountll(a ^ b);
}

static void test_phash(void **state)
{
    struct alb_look l = ramp();
    uint64_t first = alb_look_phash(&l);
    (void)state;
    for (size_t i = 0; i < sizeof(ramp_pixels); i++) /* a little darker */
        ramp_pixels[i] = (uint8_t)(ramp_pixels[i] * 9 / 10);
    assert_true(distance(first, alb_look_phash(&l)) <= 4);
    for (size_t i = 0; i < sizeof(ramp_pixels); i++)
        ramp_pixels[i] = (uint8_t)(255 - ramp_pixels[i]);
    assert_true(distance(first, alb_look_phash(&l)) >= 48);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blurhash), cmocka_unit_test(test_average), cmocka_unit_test(test_palette),
        cmocka_unit_test(test_dominant), cmocka_unit_test(test_phash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
