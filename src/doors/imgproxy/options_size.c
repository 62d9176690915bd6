/* SPDX-License-Identifier: Apache-2.0
 *
 * Options of geometry (rows: options_table.c). Sub-fields that an option does not name keep what they had.
 */
#include <math.h>

#include "doors/imgproxy/options_priv.h"

static enum alb_imgproxy_refusal take_side(struct alb_imgproxy_option *o, size_t i, int64_t *side)
{
    if (!alb_imgproxy_has(o, i))
        return ALB_IMGPROXY_FINE;
    o->pipe->given |= ALB_IMGPROXY_GIVEN_SIZE;
    return alb_imgproxy_arg_int(o, i, 0, INT64_MAX, side);
}

static enum alb_imgproxy_refusal take_extend(struct alb_imgproxy_option *o, size_t i,
                                             struct alb_imgproxy_extend *extend)
{
    ALB_IMGPROXY_TRY(alb_imgproxy_arg_bool(o, i, &extend->on));
    if (o->args > i + 1)
        return alb_imgproxy_arg_gravity(o, i + 1, ALB_IMGPROXY_PLACES_EXTEND, &extend->gravity);
    return ALB_IMGPROXY_FINE;
}

/* w:h:enlarge:extend:gravity from argument i on; the gravity is read only behind an extend that is not empty.
 * */
static enum alb_imgproxy_refusal take_size(struct alb_imgproxy_option *o, size_t i)
{
    ALB_IMGPROXY_TRY(take_side(o, i, &o->pipe->width));
    ALB_IMGPROXY_TRY(take_side(o, i + 1, &o->pipe->height));
    if (alb_imgproxy_has(o, i + 2))
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_bool(o, i + 2, &o->pipe->enlarge));
    return alb_imgproxy_has(o, i + 3) ? take_extend(o, i + 3, &o->pipe->extend) : ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_resize(struct alb_imgproxy_option *o)
{
    int type;

    if (alb_imgproxy_has(o, 0)) {
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_word(o, 0, alb_imgproxy_resizes, &type));
        o->pipe->resize = (enum alb_imgproxy_resize)type;
        o->pipe->given |= ALB_IMGPROXY_GIVEN_RESIZE;
    }
    return take_size(o, 1);
}

enum alb_imgproxy_refusal alb_imgproxy_take_size(struct alb_imgproxy_option *o)
{
    return take_size(o, 0);
}

enum alb_imgproxy_refusal alb_imgproxy_take_zoom(struct alb_imgproxy_option *o)
{
    double x = 1;

    ALB_IMGPROXY_TRY(alb_imgproxy_arg_above(o, 0, &x));
    o->pipe->zoom_x = o->pipe->zoom_y = x;
    return o->args > 1 ? alb_imgproxy_arg_above(o, 1, &o->pipe->zoom_y) : ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_extend(struct alb_imgproxy_option *o)
{
    return take_extend(o, 0, (struct alb_imgproxy_extend *)(void *)((char *)o->pipe + o->row->offset));
}

enum alb_imgproxy_refusal alb_imgproxy_take_gravity(struct alb_imgproxy_option *o)
{
    return alb_imgproxy_arg_gravity(o, 0, ALB_IMGPROXY_PLACES_CROP, &o->pipe->gravity);
}

enum alb_imgproxy_refusal alb_imgproxy_take_crop(struct alb_imgproxy_option *o)
{
    ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 0, 0, HUGE_VAL, &o->pipe->crop.width));
    if (o->args > 1)
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 1, 0, HUGE_VAL, &o->pipe->crop.height));
    if (o->args > 2)
        return alb_imgproxy_arg_gravity(o, 2, ALB_IMGPROXY_PLACES_CROP, &o->pipe->crop.gravity);
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_crop_ratio(struct alb_imgproxy_option *o)
{
    if (alb_imgproxy_has(o, 0))
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 0, 0, HUGE_VAL, &o->pipe->crop.ratio));
    return alb_imgproxy_has(o, 1) ? alb_imgproxy_arg_bool(o, 1, &o->pipe->crop.ratio_enlarge)
                                  : ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_trim(struct alb_imgproxy_option *o)
{
    struct alb_imgproxy_pipeline *pipe = o->pipe;

    pipe->trim.on = alb_imgproxy_has(o, 0);
    if (pipe->trim.on)
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 0, 0, HUGE_VAL, &pipe->trim.threshold));
    pipe->trim.coloured = alb_imgproxy_has(o, 1);
    if (pipe->trim.coloured)
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_colour(o, 1, &pipe->trim.colour));
    if (alb_imgproxy_has(o, 2))
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_bool(o, 2, &pipe->trim.equal_hor));
    return alb_imgproxy_has(o, 3) ? alb_imgproxy_arg_bool(o, 3, &pipe->trim.equal_ver) : ALB_IMGPROXY_FINE;
}

/* As CSS fills in: right from top, bottom from top, left from right. A side that nobody has said, here or in a padding
 * before, fills nothing in. */
enum alb_imgproxy_refusal alb_imgproxy_take_padding(struct alb_imgproxy_option *o)
{
    struct alb_imgproxy_pipeline *p = o->pipe;
    const struct {
        int64_t *side;
        const int64_t *from;
        uint32_t said, source;
    } sides[] = {
        {&p->padding.top, &p->padding.top, ALB_IMGPROXY_GIVEN_PADDING_TOP, 0},
        {&p->padding.right, &p->padding.top, ALB_IMGPROXY_GIVEN_PADDING_RIGHT,
         ALB_IMGPROXY_GIVEN_PADDING_TOP},
        {&p->padding.bottom, &p->padding.top, 0, ALB_IMGPROXY_GIVEN_PADDING_TOP},
        {&p->padding.left, &p->padding.right, 0, ALB_IMGPROXY_GIVEN_PADDING_RIGHT},
    };

    for (size_t i = 0; i < ALB_ARRAY_LEN(sides); i++) {
        bool filled = (p->given & sides[i].source) != 0;
        if (alb_imgproxy_has(o, i))
            ALB_IMGPROXY_TRY(alb_imgproxy_arg_int(o, i, 0, INT64_MAX, sides[i].side));
        else if (filled)
            *sides[i].side = *sides[i].from;
        if (alb_imgproxy_has(o, i) || filled)
            p->given |= sides[i].said;
    }
    return ALB_IMGPROXY_FINE;
}

/* imgproxy lets negative angles through and then does half of what they mean; here -90 is 270. */
enum alb_imgproxy_refusal alb_imgproxy_take_rotate(struct alb_imgproxy_option *o)
{
    int64_t angle = 0;

    ALB_IMGPROXY_TRY(alb_imgproxy_arg_int(o, 0, INT64_MIN, INT64_MAX, &angle));
    if (angle % 90 != 0)
        return alb_imgproxy_arg_wrong(o, 0, "a multiple of 90");
    o->pipe->rotate = (uint16_t)((angle % 360 + 360) % 360);
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_flip(struct alb_imgproxy_option *o)
{
    if (alb_imgproxy_has(o, 0))
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_bool(o, 0, &o->pipe->flip_h));
    return alb_imgproxy_has(o, 1) ? alb_imgproxy_arg_bool(o, 1, &o->pipe->flip_v) : ALB_IMGPROXY_FINE;
}
