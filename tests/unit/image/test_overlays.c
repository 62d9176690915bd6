/* SPDX-License-Identifier: Apache-2.0
 *
 * Nine-patches and red eyes, on pixels that are written out: what is stretched and what is not, which spots are eyes and
 * which are lips, berries and noise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/attr.h"
#include "image/general_frame.h"
#include "image/red_eye.h"

/* ---- nine-patches ---- */

/* A letter for each pixel: "#" opaque black, "." clear, others a colour of their own. */
static struct alb_nine nine(const char *const *rows, uint32_t count)
{
    static uint8_t rgba[4 * 400];
    struct alb_nine n = {rgba, (uint32_t)strlen(rows[0]), count};
    memset(rgba, 0, sizeof(rgba));
    for (uint32_t y = 0; y < count; y++) {
        for (uint32_t x = 0; x < n.width; x++) {
            uint8_t *p = rgba + 4 * (y * n.width + x);
            char c = rows[y][x];
            p[3] = c == '.' ? 0 : 255;
            p[0] = c == '#' || c == '.' ? 0 : (uint8_t)c;
        }
    }
    return n;
}

static const char *drawn(const struct alb_nine *n, uint32_t w, uint32_t h)
{
    static uint8_t out[4 * 400];
    static char text[500];
    char *t = text;
    assert_true(w * h <= 400);
    memset(out, 0, sizeof(out));
    alb_nine_draw(n, out, w, h);
    for (uint32_t y = 0; y < h; y++) {
        for (uint32_t x = 0; x < w; x++) {
            const uint8_t *p = out + 4 * (y * w + x);
            *t++ = p[3] == 0 ? '.' : p[3] == 255 ? (char)p[0] : '~';
        }
        *t++ = y + 1 < h ? '|' : '\0';
    }
    return text;
}

static void frames(void **state)
{
    static const char *const rows[] = {"..#..", "#ata#", ".sxs.", ".ata.", "..#.."}; /* one column, one row */
    static const char *const two[] = {".#.#..", ".abcd.", "......"};
    struct alb_rect r;
    (void)state;
    struct alb_nine n = nine(rows, 5);
    assert_string_equal(drawn(&n, 3, 3), "ata|sxs|ata");
    assert_string_equal(drawn(&n, 6, 5), "atttta|atttta|atttta|sxxxxs|atttta");
    assert_string_equal(drawn(&n, 2, 3), "aa|ss|aa"); /* no room for what stretches */
    assert_string_equal(drawn(&n, 1, 1), ".");        /* nor for the rest: what does not fit is left out */
    alb_nine_inside(&n, &r);
    assert_int_equal(r.left, 1);
    assert_int_equal(r.width, 3); /* one column is left on either side, less the line */
    assert_int_equal(r.top, 0);
    assert_int_equal(r.height, 3);
    n = nine(two, 3); /* what stretches shares the room by how wide it is */
    assert_string_equal(drawn(&n, 8, 1), "aaabcccd");
    alb_nine_inside(&n, &r); /* nothing is said: all of it */
    assert_true(r.left == 0 && r.top == 0 && r.width == 6 && r.height == 3);
}

/* Between two columns colours go over, without that of what is clear. */
static void soft_frames(void **state)
{
    static const char *const rows[] = {".##.", ".z..", "...."};
    uint8_t out[4 * 9] = {0};
    (void)state;
    struct alb_nine n = nine(rows, 3);
    alb_nine_draw(&n, out, 9, 1);
    for (int i = 0; i < 8; i++) {
        assert_true(out[4 * i + 3] > out[4 * i + 7]);
        assert_int_equal(out[4 * i], 'z');
    }
}

/* ---- red eyes ---- */

#define W 120
#define H 90
static uint8_t face[3 * W * H];

static void paint(int64_t cx, int64_t cy, int64_t rx, int64_t ry, uint32_t rgb)
{
    for (int64_t i = 0; i < W * H; i++) {
        int64_t x = i % W - cx, y = i / W - cy;
        for (int c = 0; c < 3 && x * x * ry * ry + y * y * rx * rx <= rx * rx * ry * ry; c++)
            face[3 * i + c] = (uint8_t)(rgb >> (16 - 8 * c));
    }
}

static unsigned mended(void)
{
    return alb_red_eyes(face, W, H, 3);
}

static const uint8_t *at(int x, int y)
{
    return face + 3 * (y * W + x);
}

static void red_eyes(void **state)
{
    (void)state;
    paint(0, 0, 1000, 1000, 0xe0b090); /* skin */
    paint(40, 40, 4, 4, 0xc82020);
    paint(80, 42, 4, 4, 0xc82020);
    paint(81, 40, 1, 1, 0xffffff);  /* a glint */
    paint(60, 75, 14, 4, 0xb03040); /* lips */
    assert_int_equal(mended(), 2);
    assert_true(at(40, 40)[0] == 0x20 && at(40, 40)[1] == 0x20);
    assert_true(at(81, 40)[0] == 0xff && at(81, 40)[1] == 0xff);
    assert_true(at(60, 75)[0] == 0xb0 && at(10, 10)[0] == 0xe0);
    assert_int_equal(mended(), 0); /* there is nothing left */
}

static void no_eyes(void **state)
{
    (void)state;
    paint(0, 0, 1000, 1000, 0xe0b090);
    paint(40, 40, 4, 4, 0xc82020); /* one alone: a mole */
    assert_int_equal(mended(), 0);
    assert_int_equal(at(40, 40)[0], 0xc8);
    paint(0, 0, 1000, 1000, 0xffffff); /* berries on a plate */
    paint(40, 40, 4, 4, 0xc82020);
    paint(80, 42, 4, 4, 0xc82020);
    assert_int_equal(mended(), 0);
    paint(0, 0, 1000, 1000, 0xe0b090); /* not of one size, too far apart, too near, too large */
    paint(30, 20, 2, 2, 0xc82020);
    paint(80, 20, 5, 5, 0xc82020);
    assert_int_equal(mended(), 0);
    paint(0, 0, 1000, 1000, 0xc82020); /* red all over */
    assert_int_equal(mended(), 0);
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof(face); i++) {
        seed = seed * 1664525 + 1013904223;
        face[i] = (uint8_t)(seed >> 24);
    }
    assert_int_equal(mended(), 0);
    assert_int_equal(alb_red_eyes(face, 1, 1, 3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(frames), cmocka_unit_test(soft_frames),
                                       cmocka_unit_test(red_eyes), cmocka_unit_test(no_eyes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
