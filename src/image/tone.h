/* SPDX-License-Identifier: Apache-2.0
 *
 * Effects that look at one pixel at a time: brightness, contrast, saturation, one and two tones, a colour or a
 * gradient laid over. Pure arithmetic on rows in memory; any thread. The luminance is Rec. 709's on encoded values, as
 * CSS Filter Effects (saturate, grayscale) has it.
 */
#ifndef ALB_IMAGE_TONE_H
#define ALB_IMAGE_TONE_H

#include "image/options.h"

struct alb_tone {
    enum alb_effect_kind kind; /* one for which alb_tone_knows */
    double amount;             /* as enum alb_effect_kind says */
    uint32_t rgb, rgb2;
    bool keep;
    double angle, start, stop; /* GRADIENT */
};
bool alb_tone_knows(enum alb_effect_kind kind);
/* Whether a grey picture has colours afterwards, so that it must be RGB before. */
bool alb_tone_colours(const struct alb_tone *t);

/* Rows without padding, `bands` 1 or 3 (grey only if !alb_tone_colours), one more with alpha behind them; not
 * premultiplied. In place. */
void alb_tone_run8(const struct alb_tone *t, uint8_t *pixels, uint32_t width, uint32_t height, unsigned bands,
                   bool alpha);
void alb_tone_run16(const struct alb_tone *t, uint16_t *pixels, uint32_t width, uint32_t height,
                    unsigned bands, bool alpha);

/* How far a ramp (as of GRADIENT; t: its angle, start and stop) is at each pixel of row y: 0..1. */
void alb_tone_ramp_row(const struct alb_tone *t, uint32_t width, uint32_t height, uint32_t y, float *out);

#endif
