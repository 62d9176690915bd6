/* SPDX-License-Identifier: Apache-2.0
 *
 * Options of colour, filters and watermarks (rows: options_table.c).
 */
#include <math.h>

#include "doors/imgproxy/options_priv.h"

static enum alb_imgproxy_refusal take_channel(struct alb_imgproxy_option *o, size_t i, uint32_t *rgb)
{
    uint64_t v;

    if (!alb_str_u64(o->arg[i], &v) || v > 255)
        return alb_imgproxy_arg_wrong(o, i, "a number in 0..255");
    *rgb = *rgb << 8 | (uint32_t)v;
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_background(struct alb_imgproxy_option *o)
{
    uint32_t rgb = 0;

    if (o->args == 2)
        return alb_imgproxy_args_wrong(o, "a colour is ff8800 or 255:136:0");
    if (o->args == 1 && o->arg[0].n == 0) {
        o->pipe->background_on = false;
        return ALB_IMGPROXY_FINE;
    }
    if (o->args == 1)
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_colour(o, 0, &rgb));
    for (size_t i = 0; i < 3 && o->args == 3; i++)
        ALB_IMGPROXY_TRY(take_channel(o, i, &rgb));
    o->pipe->background = rgb;
    o->pipe->background_on = true;
    return ALB_IMGPROXY_FINE;
}

static enum alb_imgproxy_refusal take_brightness(struct alb_imgproxy_option *o, size_t i)
{
    int64_t v = 0;

    ALB_IMGPROXY_TRY(alb_imgproxy_arg_int(o, i, -255, 255, &v));
    o->pipe->brightness = (int32_t)v;
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_brightness(struct alb_imgproxy_option *o)
{
    return take_brightness(o, 0);
}

enum alb_imgproxy_refusal alb_imgproxy_take_adjust(struct alb_imgproxy_option *o)
{
    if (alb_imgproxy_has(o, 0))
        ALB_IMGPROXY_TRY(take_brightness(o, 0));
    if (alb_imgproxy_has(o, 1))
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 1, 0, HUGE_VAL, &o->pipe->contrast));
    return alb_imgproxy_has(o, 2) ? alb_imgproxy_arg_float(o, 2, 0, HUGE_VAL, &o->pipe->saturation)
                                  : ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_monochrome(struct alb_imgproxy_option *o)
{
    ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 0, 0, 1, &o->pipe->monochrome.intensity));
    return alb_imgproxy_has(o, 1) ? alb_imgproxy_arg_colour(o, 1, &o->pipe->monochrome.colour)
                                  : ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_duotone(struct alb_imgproxy_option *o)
{
    ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 0, 0, 1, &o->pipe->duotone.intensity));
    if (alb_imgproxy_has(o, 1))
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_colour(o, 1, &o->pipe->duotone.dark));
    return alb_imgproxy_has(o, 2) ? alb_imgproxy_arg_colour(o, 2, &o->pipe->duotone.light)
                                  : ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_unsharp(struct alb_imgproxy_option *o)
{
    int mode;

    if (alb_imgproxy_has(o, 0)) {
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_word(o, 0, alb_imgproxy_unsharps, &mode));
        o->pipe->unsharp.mode = (enum alb_imgproxy_unsharp)mode;
    }
    if (alb_imgproxy_has(o, 1))
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_above(o, 1, &o->pipe->unsharp.weight));
    return alb_imgproxy_has(o, 2) ? alb_imgproxy_arg_above(o, 2, &o->pipe->unsharp.divider)
                                  : ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_blur_areas(struct alb_imgproxy_option *o)
{
    size_t count = (o->args - 1) / 4;
    double sigma = 0;

    ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 0, 0, HUGE_VAL, &sigma));
    if ((o->args - 1) % 4 != 0 || count > ALB_IMGPROXY_AREAS_MAX || (count == 0 && sigma > 0))
        return alb_imgproxy_args_wrong(o,
                                       "sigma, then left:top:width:height once for each of at most 32 areas");
    struct alb_imgproxy_area *area = alb_arena_calloc(o->parser->arena, count + 1, sizeof(*area));
    if (area == NULL)
        return alb_imgproxy_out_of_memory(o);
    for (size_t i = 0; i < count; i++) {
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 1 + 4 * i, 0, 1, &area[i].left));
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 2 + 4 * i, 0, 1, &area[i].top));
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 3 + 4 * i, 0, 1, &area[i].width));
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 4 + 4 * i, 0, 1, &area[i].height));
    }
    o->pipe->blur_areas.sigma = sigma;
    o->pipe->blur_areas.area = area;
    o->pipe->blur_areas.count = count;
    return ALB_IMGPROXY_FINE;
}

/* direction:start:stop from argument i on. */
static enum alb_imgproxy_refusal take_ramp(struct alb_imgproxy_option *o, size_t i,
                                           struct alb_imgproxy_ramp *ramp)
{
    static const struct alb_imgproxy_word directions[] = {
        {"down", 0}, {"left", 90}, {"up", 180}, {"right", 270}, {NULL, 0}};
    int angle;

    if (alb_imgproxy_has(o, i)) {
        if (alb_imgproxy_word(directions, o->arg[i], &angle))
            ramp->angle = angle;
        else
            ALB_IMGPROXY_TRY(alb_imgproxy_arg_angle(o, i, &ramp->angle));
    }
    if (alb_imgproxy_has(o, i + 1))
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, i + 1, 0, 1, &ramp->start));
    return alb_imgproxy_has(o, i + 2) ? alb_imgproxy_arg_float(o, i + 2, 0, 1, &ramp->stop)
                                      : ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_progressive_blur(struct alb_imgproxy_option *o)
{
    ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 0, 0, HUGE_VAL, &o->pipe->progressive_blur.sigma));
    return take_ramp(o, 1, &o->pipe->progressive_blur.ramp);
}

enum alb_imgproxy_refusal alb_imgproxy_take_colorize(struct alb_imgproxy_option *o)
{
    ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 0, 0, 1, &o->pipe->colorize.opacity));
    if (alb_imgproxy_has(o, 1))
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_colour(o, 1, &o->pipe->colorize.colour));
    return alb_imgproxy_has(o, 2) ? alb_imgproxy_arg_bool(o, 2, &o->pipe->colorize.keep_alpha)
                                  : ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_gradient(struct alb_imgproxy_option *o)
{
    ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 0, 0, 1, &o->pipe->gradient.opacity));
    if (alb_imgproxy_has(o, 1))
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_colour(o, 1, &o->pipe->gradient.colour));
    return take_ramp(o, 2, &o->pipe->gradient.ramp);
}

/* ---- watermarks ---- */

enum alb_imgproxy_refusal alb_imgproxy_take_watermark(struct alb_imgproxy_option *o)
{
    struct alb_imgproxy_gravity *at = &o->pipe->watermark.gravity;
    int place;

    ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 0, 0, 1, &o->pipe->watermark.opacity));
    if (alb_imgproxy_has(o, 1)) {
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_word(o, 1, alb_imgproxy_places, &place));
        if ((ALB_IMGPROXY_PLACES_MARK & 1U << place) == 0)
            return alb_imgproxy_arg_wrong(o, 1, "a side, a corner, ce, re or ch");
        at->place = (enum alb_imgproxy_place)place;
    }
    if (alb_imgproxy_has(o, 2))
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 2, -HUGE_VAL, HUGE_VAL, &at->x));
    if (alb_imgproxy_has(o, 3))
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 3, -HUGE_VAL, HUGE_VAL, &at->y));
    return alb_imgproxy_has(o, 4) ? alb_imgproxy_arg_float(o, 4, 0, HUGE_VAL, &o->pipe->watermark.scale)
                                  : ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_watermark_url(struct alb_imgproxy_option *o)
{
    struct alb_str url = ALB_STR_NONE;

    o->pipe->watermark.text = ALB_STR_NONE;
    o->pipe->watermark.source = (struct alb_imgproxy_source){.url = ALB_STR_NONE};
    ALB_IMGPROXY_TRY(alb_imgproxy_arg_base64(o, 0, ALB_IMGPROXY_SOURCE_MAX, &url));
    if (url.n == 0)
        return ALB_IMGPROXY_FINE;
    return alb_imgproxy_source_of(o->parser->config, o->parser->arena, url,
                                  o->parser->config->watermark_preprocess, &o->pipe->watermark.source,
                                  o->parser->err);
}

enum alb_imgproxy_refusal alb_imgproxy_take_watermark_text(struct alb_imgproxy_option *o)
{
    struct alb_str text = ALB_STR_NONE;

    ALB_IMGPROXY_TRY(alb_imgproxy_arg_base64(o, 0, ALB_IMGPROXY_TEXT_MAX, &text));
    if (!alb_str_is_utf8(text) || alb_str_find(text, '\0') != ALB_STR_NPOS)
        return alb_imgproxy_arg_wrong(o, 0, "base64 of UTF-8");
    o->pipe->watermark.source = (struct alb_imgproxy_source){.url = ALB_STR_NONE};
    o->pipe->watermark.text = text.n > 0 ? text : ALB_STR_NONE;
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_watermark_size(struct alb_imgproxy_option *o)
{
    if (alb_imgproxy_has(o, 0))
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_int(o, 0, 0, INT64_MAX, &o->pipe->watermark.width));
    return alb_imgproxy_has(o, 1) ? alb_imgproxy_arg_int(o, 1, 0, INT64_MAX, &o->pipe->watermark.height)
                                  : ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_watermark_rotate(struct alb_imgproxy_option *o)
{
    return alb_imgproxy_arg_angle(o, 0, &o->pipe->watermark.rotate);
}
