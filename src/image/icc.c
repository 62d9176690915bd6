/* SPDX-License-Identifier: Apache-2.0
 *
 * ICC.1 profiles: a header of 128 bytes, a table of tags (signature, offset, size), then their data. Looked
 * at: the colour space, the red, green and blue primaries (XYZ, relative to D50) and the red tone curve.
 */
#include "image/icc.h"

#include <math.h>

static uint32_t be(struct alb_str s, size_t off, size_t bytes)
{
    uint32_t v = 0;
    for (size_t i = 0; i < bytes && off < s.n && bytes <= s.n - off; i++)
        v = v << 8 | (unsigned char)s.p[off + i];
    return v;
}

static double fixed(struct alb_str s, size_t off)
{
    return (double)(int32_t)be(s, off, 4) / 65536.0;
}

static struct alb_str tag(struct alb_str s, const char *name)
{
    uint32_t count = be(s, 128, 4);
    for (uint32_t i = 0; i < count && i < 100; i++) {
        size_t at = 132 + 12 * (size_t)i;
        if (!alb_str_eq_c(alb_str_sub(s, at, 4), name))
            continue;
        struct alb_str body = alb_str_sub(s, be(s, at + 4, 4), be(s, at + 8, 4));
        return body.n == be(s, at + 8, 4) ? body : ALB_STR_NONE;
    }
    return ALB_STR_NONE;
}

static bool is_xyz(struct alb_str t, double x, double y, double z)
{
    return t.n >= 20 && fabs(fixed(t, 8) - x) < 0.003 && fabs(fixed(t, 12) - y) < 0.003 &&
           fabs(fixed(t, 16) - z) < 0.003;
}

static double srgb_curve(double v)
{
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

/* A table of 16-bit samples: compared at 15 places. */
static bool is_srgb_table(struct alb_str t, uint32_t count)
{
    if (t.n < 12 + 2 * (size_t)count)
        return false;
    for (uint32_t i = 1; i < 16; i++) {
        double at = i / 16.0 * (count - 1);
        uint32_t low = (uint32_t)at;
        double a = be(t, 12 + 2 * (size_t)low, 2) / 65535.0, b = be(t, 14 + 2 * (size_t)low, 2) / 65535.0;
        if (fabs(a + (b - a) * (at - low) - srgb_curve(i / 16.0)) > 0.004)
            return false;
    }
    return true;
}

static bool is_srgb_tone(struct alb_str t)
{
    if (alb_str_starts(t, ALB_STR("curv"))) {
        uint32_t count = be(t, 8, 4);
        return count >= 16 && count <= 65536 && is_srgb_table(t, count);
    }
    if (!alb_str_starts(t, ALB_STR("para")) || be(t, 8, 2) != 3 || t.n < 32)
        return false;
    return fabs(fixed(t, 12) - 2.4) < 0.005 && fabs(fixed(t, 16) - 1 / 1.055) < 0.005 &&
           fabs(fixed(t, 20) - 0.055 / 1.055) < 0.005 && fabs(fixed(t, 24) - 1 / 12.92) < 0.005 &&
           fabs(fixed(t, 28) - 0.04045) < 0.005;
}

enum alb_icc alb_icc_kind(struct alb_str p)
{
    if (p.n == 0)
        return ALB_ICC_NONE;
    if (p.n < 132 || !alb_str_eq_c(alb_str_sub(p, 36, 4), "acsp"))
        return ALB_ICC_OTHER;
    struct alb_str space = alb_str_sub(p, 16, 4);
    if (alb_str_eq_c(space, "GRAY"))
        return ALB_ICC_GREY;
    if (alb_str_eq_c(space, "CMYK"))
        return ALB_ICC_CMYK;
    if (!alb_str_eq_c(space, "RGB "))
        return ALB_ICC_OTHER;
    bool primaries = is_xyz(tag(p, "rXYZ"), 0.4361, 0.2225, 0.0139) &&
                     is_xyz(tag(p, "gXYZ"), 0.3851, 0.7169, 0.0971) &&
                     is_xyz(tag(p, "bXYZ"), 0.1431, 0.0606, 0.7139);
    return primaries && is_srgb_tone(tag(p, "rTRC")) ? ALB_ICC_SRGB : ALB_ICC_RGB;
}
