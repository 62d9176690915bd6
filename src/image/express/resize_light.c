/* SPDX-License-Identifier: Apache-2.0
 *
 * sRGB's curve in tables, made at first use. Powers are taken by Newton's method: basic arithmetic alone, so the
 * tables are the same on every machine (their sums are in the tests). From 8 bits it is a curve of 16 parts, whose
 * numbers were found by trying all that come near: those that are nearest to sRGB where they are farthest from it.
 */
#include "image/express/resize_priv.h"

#include "base/lock.h"

static struct alb_light light;
static struct alb_light16 light16;

/* v^2.4 as v^2 times the fifth root of v^2; v in 0.05..1. */
static double power(double v)
{
    double q = v * v, root = 1;
    for (int i = 0; i < 12; i++) {
        double r2 = root * root;
        root = 0.8 * root + 0.2 * q / (r2 * r2);
    }
    return q * root;
}

static double linear_of(double v)
{
    return v <= 0.04045 ? v / 12.92 : power((v + 0.055) / 1.055);
}

static uint16_t to_65535(double v)
{
    return (uint16_t)(int)(v * 65535 + 0.5);
}

static const struct {
    uint16_t base, slope, bend;
} parts[ALB_LIGHT_PARTS] = {
    {0, 301, 2},       {340, 430, 11},    {947, 783, 13},    {1937, 1198, 14},
    {3360, 1656, 15},  {5257, 2151, 16},  {7665, 2681, 17},  {10618, 3240, 18},
    {14146, 3827, 19}, {18278, 4440, 20}, {23038, 5080, 21}, {28453, 5741, 22},
    {34545, 6439, 22}, {41337, 7146, 23}, {48849, 7887, 23}, {57105, 8632, 24},
};

static void make_parts(void)
{
    for (uint32_t h = 0; h < ALB_LIGHT_PARTS; h++) {
        uint32_t base = (uint32_t)parts[h].base ^ ALB_RESIZE_MIDDLE;
        light.base[0][h] = (uint8_t)base;
        light.base[1][h] = (uint8_t)(base >> 8);
        light.slope[0][h] = (uint8_t)parts[h].slope;
        light.slope[1][h] = (uint8_t)(parts[h].slope >> 8);
        light.bend[h] = (uint8_t)parts[h].bend;
    }
}

static int16_t linear8_of(uint32_t v)
{
    uint32_t h = v / 16, l = v % 16, rise = parts[h].slope + l * parts[h].bend;
    return (int16_t)((int32_t)(parts[h].base + l * rise / 16) - ALB_RESIZE_MIDDLE);
}

static void make_light(void)
{
    uint32_t at = 0;
    make_parts();
    for (uint32_t v = 0; v < 256; v++) {
        light.linear8[v] = linear8_of(v);
        double limit = v < 255 ? linear_of((v + 0.5) / 255) * 65535 : 65536; /* from here on it is v + 1 */
        for (; at < 32768 && 2 * at + 0.5 < limit; at++)
            light.encoded8[at ^ ALB_RESIZE_MIDDLE / 2] = (uint8_t)v;
    }
}

static void make_light16(void)
{
    uint32_t at = 0;
    for (uint32_t v = 0; v < 65536; v++) {
        light16.linear[v] = to_65535(linear_of(v / 65535.0));
        double limit = v < 65535 ? linear_of((v + 0.5) / 65535) * 65535 : 65536;
        for (; at < 65536 && at < limit; at++)
            light16.encoded[at] = (uint16_t)v;
    }
}

const struct alb_light *alb_light(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_light);
    return &light;
}

const struct alb_light16 *alb_light16(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_light16);
    return &light16;
}
