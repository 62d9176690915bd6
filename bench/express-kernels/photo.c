/* SPDX-License-Identifier: Apache-2.0
 *
 * The picture that the kernels work on. Whole numbers only, for counts must not hang on libm; and few instructions,
 * for callgrind runs them too.
 */
#include <string.h>

#include "kernels.h"

#define NEW_ROWS 256 /* then they come again, out of reach of any packer */
#define ALPHA 3

/* Nearly a sine: -1024..1024, in periods of 256. */
static int wave(uint32_t t)
{
    int p = (int)(t & 127), v = p * (128 - p) / 4;
    return t & 128 ? -v : v;
}

/* 33..223 before noise. */
static int shade(uint32_t x, uint32_t y, unsigned c)
{
    int edge = (x / 96 + y / 80) % 2 ? 19 : -19;
    return 128 + (60 * wave(x / 4 + y / 8 + 40 * c) + 16 * wave(x - 2 * y + 10 * c)) / 1024 + edge;
}

void kernel_photo(uint8_t *out, uint32_t width, uint32_t height, unsigned samples, uint32_t seed)
{
    size_t row = (size_t)width * samples;
    for (uint32_t y = 0; y < height; y++) {
        uint8_t *to = out + y * row;
        if (y >= NEW_ROWS) {
            memcpy(to, to - NEW_ROWS * row, row);
            continue;
        }
        for (uint32_t x = 0; x < width; x++) {
            seed = seed * 1664525 + 1013904223;
            int grain = (int)(seed >> 30) + (int)(seed >> 28 & 3) - 3;
            for (unsigned c = 0; c < samples; c++)
                *to++ = (uint8_t)(c == ALPHA ? 192 + 63 * wave(x / 4 + y) / 1024
                                             : shade(x, y, c) + grain + (int)(seed >> (20 + c) & 1));
        }
    }
}
