/* SPDX-License-Identifier: Apache-2.0 */
#include "doors/thumbor/canvas.h"

#include <string.h>

/* PNG's own sum (ISO 3309). */
static uint32_t crc(const unsigned char *p, size_t n)
{
    uint32_t c = 0xffffffffU;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? 0xedb88320U ^ (c >> 1) : c >> 1;
    }
    return ~c;
}

static void put32(unsigned char *p, uint32_t v)
{
    p[0] = (unsigned char)(v >> 24);
    p[1] = (unsigned char)(v >> 16);
    p[2] = (unsigned char)(v >> 8);
    p[3] = (unsigned char)v;
}

static uint32_t adler(const unsigned char *p, size_t n)
{
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < n; i++) {
        a = (a + p[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

/* Length, name, n bytes that stand there already, sum; gives back what is behind it. */
static unsigned char *chunk(unsigned char *at, const char *name, uint32_t n)
{
    put32(at, n);
    memcpy(at + 4, name, 4);
    put32(at + 8 + n, crc(at + 4, n + 4));
    return at + 12 + n;
}

size_t alb_thumbor_canvas(const struct alb_thumbor_colour *colour,
                          unsigned char out[static ALB_THUMBOR_CANVAS_LEN])
{
    static const unsigned char signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    static const unsigned char pixels[] = {0, 0, 0, 1, 0, 0, 0, 1, 8}; /* 1 x 1, 8 bits */
    static const unsigned char method[] = {0x78, 0x01, 0x01};          /* a block as it is */
    const unsigned char row[] = {0, (unsigned char)(colour->rgb >> 16), (unsigned char)(colour->rgb >> 8),
                                 (unsigned char)colour->rgb, colour->alpha}; /* filter 0 */
    const unsigned char n = colour->alpha < 255 ? 5 : 4;                     /* RGBA; RGB */
    unsigned char *at = out;
    memset(out, 0, ALB_THUMBOR_CANVAS_LEN);
    memcpy(at, signature, sizeof(signature));
    at += sizeof(signature);
    memcpy(at + 8, pixels, sizeof(pixels));
    at[8 + sizeof(pixels)] = n == 5 ? 6 : 2;
    at = chunk(at, "IHDR", 13);
    memcpy(at + 8, method, sizeof(method));
    at[11] = n;
    at[13] = (unsigned char)~n;
    at[14] = 0xff;
    memcpy(at + 15, row, n);
    put32(at + 15 + n, adler(row, n));
    at = chunk(at, "IDAT", 11U + n);
    return (size_t)(chunk(at, "IEND", 0) - out);
}
