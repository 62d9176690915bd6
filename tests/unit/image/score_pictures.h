/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures made by plain arithmetic, and what is done to them, for the tests of scores: the same everywhere, so that
 * other programs can be asked about them once.
 */
#ifndef TEST_SCORE_PICTURES_H
#define TEST_SCORE_PICTURES_H

#include "test.h"

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

#endif
