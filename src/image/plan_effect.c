/* SPDX-License-Identifier: Apache-2.0
 *
 * What effects may say: ranges of their numbers, and what `data` holds.
 */
#include <math.h>
#include <string.h>

#include "image/plan_priv.h"
#include "meta/wire.h"

#define AMOUNT_MAX 100000.0
#define DIVIDER_MIN 0.00001
#define VALUE_MAX 1e6
#define COLUMNS_MAX 15

static bool within(double v, double least, double most) /* false for NaN */
{
    return v >= least && v <= most;
}

bool alb_effect_amount_ok(enum alb_effect_kind kind, double amount, double amount2)
{
    static const struct {
        double least, most;
    } range[ALB_EFFECT_COUNT] = {
        [ALB_EFFECT_BLUR] = {0, 1000},
        [ALB_EFFECT_SHARPEN] = {0, 1000},
        [ALB_EFFECT_UNSHARP] = {0, 1000},
        [ALB_EFFECT_PIXELATE] = {1, AMOUNT_MAX},
        [ALB_EFFECT_BRIGHTNESS] = {-255, 255},
        [ALB_EFFECT_CONTRAST] = {0, AMOUNT_MAX},
        [ALB_EFFECT_SATURATION] = {0, 1000},
        [ALB_EFFECT_MONOCHROME] = {0, 1},
        [ALB_EFFECT_DUOTONE] = {0, 1},
        [ALB_EFFECT_COLORIZE] = {0, 1},
        [ALB_EFFECT_GRADIENT] = {0, 1},
        [ALB_EFFECT_WATERMARK] = {0, 0},
        [ALB_EFFECT_BLUR_RAMP] = {0, 1000},
        [ALB_EFFECT_LINEAR] = {0, 0},
        [ALB_EFFECT_GREY] = {0, 0},
        [ALB_EFFECT_MODULATE] = {0, 0},
        [ALB_EFFECT_ROUND] = {0, AMOUNT_MAX},
        [ALB_EFFECT_NOISE] = {0, 1000},
        [ALB_EFFECT_EQUALIZE] = {0, 0},
        [ALB_EFFECT_CURVE] = {0, 0},
        [ALB_EFFECT_CONVOLVE] = {1, COLUMNS_MAX},
        [ALB_EFFECT_LAYER] = {0, 0},
        [ALB_EFFECT_FRAME] = {0, 0},
        [ALB_EFFECT_RED_EYE] = {0, 0},
        [ALB_EFFECT_OUTLINE] = {1, 1000},
    };
    if ((unsigned)kind >= ALB_EFFECT_COUNT || !within(amount, range[kind].least, range[kind].most))
        return false;
    if (kind == ALB_EFFECT_UNSHARP)
        return within(amount2, DIVIDER_MIN, AMOUNT_MAX);
    if (kind == ALB_EFFECT_ROUND)
        return within(amount2, 0, AMOUNT_MAX);
    return within(amount2, -AMOUNT_MAX, AMOUNT_MAX);
}

/* ---- data ---- */

double alb_effect_weight(struct alb_str data, size_t i)
{
    struct alb_wire w = alb_wire_open(alb_str_sub(data, 8 * i, 8));
    uint64_t bits = alb_wire_u64(&w);
    double v;
    memcpy(&v, &bits, sizeof(v));
    return w.bad ? 0 : v;
}

void alb_effect_weight_put(unsigned char *data, size_t i, double weight)
{
    uint64_t bits;
    weight += 0.0; /* 0 and -0 are one number */
    memcpy(&bits, &weight, sizeof(bits));
    for (size_t k = 0; k < 8; k++)
        data[8 * i + k] = (unsigned char)(bits >> (8 * k));
}

/* Rows and columns odd, so that there is a middle. */
static bool weights_ok(double columns, struct alb_str data)
{
    size_t n = data.n / 8, across = (size_t)columns;
    if (data.n % 8 != 0 || n == 0 || fabs(columns - (double)across) > 0 || across % 2 == 0 ||
        n % across != 0 || n / across % 2 == 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!within(alb_effect_weight(data, i), -VALUE_MAX, VALUE_MAX))
            return false;
    }
    return true;
}

bool alb_effect_values_ok(enum alb_effect_kind kind, double amount, const double v[6], struct alb_str data)
{
    for (size_t i = 0; i < 6; i++) {
        if (!within(v[i], -VALUE_MAX, VALUE_MAX))
            return false;
    }
    if (data.n > ALB_EFFECT_DATA_MAX)
        return false;
    if (kind == ALB_EFFECT_CURVE)
        return data.n == ALB_EFFECT_CURVE_LEN;
    return kind == ALB_EFFECT_CONVOLVE ? weights_ok(amount, data) : data.n == 0;
}

uint32_t alb_whole_blocks(uint32_t side, double block)
{
    double blocks = floor(side / block + 0.5);
    return (uint32_t)(fmax(blocks, 1) * block);
}
