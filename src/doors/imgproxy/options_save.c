/* SPDX-License-Identifier: Apache-2.0
 *
 * Options of what is written: format, quality, encoders (rows: options_table.c).
 */
#include <math.h>
#include <string.h>

#include "base/codec.h"
#include "doors/imgproxy/options_priv.h"

enum alb_imgproxy_refusal alb_imgproxy_set_format(struct alb_imgproxy_parser *p, struct alb_str name)
{
    int format;

    if (!alb_imgproxy_word(alb_imgproxy_formats, name, &format))
        return alb_imgproxy_refuse(p->err, ALB_IMGPROXY_BAD_URL,
                                   "\"%.*s\" is no format (names are lower case)",
                                   (int)(name.n > 40 ? 40 : name.n), name.p);
    if (format == ALB_IMGPROXY_PDF || format == ALB_IMGPROXY_MP4)
        return alb_imgproxy_refuse(p->err, ALB_IMGPROXY_BAD_URL, "%.*s is read here, not written",
                                   ALB_STR_ARG(name));
    p->request->format = (enum alb_imgproxy_format)format;
    p->request->given |= ALB_IMGPROXY_GIVEN_FORMAT;
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_format(struct alb_imgproxy_option *o)
{
    return alb_imgproxy_set_format(o->parser, o->arg[0]);
}

static enum alb_imgproxy_refusal take_quality(struct alb_imgproxy_option *o, size_t i, uint8_t *out)
{
    int64_t v = 0;

    ALB_IMGPROXY_TRY(alb_imgproxy_arg_int(o, i, 0, 100, &v));
    *out = (uint8_t)v;
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_quality(struct alb_imgproxy_option *o)
{
    return take_quality(o, 0, &o->request->quality);
}

enum alb_imgproxy_refusal alb_imgproxy_take_format_quality(struct alb_imgproxy_option *o)
{
    int format;

    if (o->args % 2 != 0)
        return alb_imgproxy_args_wrong(o, "every format needs a quality");
    for (size_t i = 0; i < o->args; i += 2) {
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_word(o, i, alb_imgproxy_formats, &format));
        ALB_IMGPROXY_TRY(take_quality(o, i + 1, &o->request->format_quality[format]));
    }
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_autoquality(struct alb_imgproxy_option *o)
{
    struct alb_imgproxy_autoquality *aq = &o->request->autoquality;
    int method;

    if (alb_imgproxy_has(o, 0)) {
        if (alb_str_eq_c(o->arg[0], "ml"))
            return alb_imgproxy_take_learning(o);
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_word(o, 0, alb_imgproxy_aqs, &method));
        aq->method = (enum alb_imgproxy_aq)method;
    }
    if (alb_imgproxy_has(o, 1))
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_float(o, 1, 0, HUGE_VAL, &aq->target));
    if (alb_imgproxy_has(o, 2))
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_int(o, 2, 1, 100, &aq->min));
    if (alb_imgproxy_has(o, 3))
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_int(o, 3, 1, 100, &aq->max));
    return alb_imgproxy_has(o, 4) ? alb_imgproxy_arg_float(o, 4, 0, HUGE_VAL, &aq->error) : ALB_IMGPROXY_FINE;
}

static enum alb_imgproxy_refusal take_flags(struct alb_imgproxy_option *o, bool *const *flags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (alb_imgproxy_has(o, i))
            ALB_IMGPROXY_TRY(alb_imgproxy_arg_bool(o, i, flags[i]));
    }
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_jpeg(struct alb_imgproxy_option *o)
{
    struct alb_imgproxy_jpeg *j = &o->request->jpeg;
    bool *const flags[] = {&j->progressive, &j->no_subsample, &j->trellis, &j->overshoot, &j->scans};

    ALB_IMGPROXY_TRY(take_flags(o, flags, ALB_ARRAY_LEN(flags)));
    return alb_imgproxy_has(o, 5) ? alb_imgproxy_arg_int(o, 5, 0, 8, &j->table) : ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_png(struct alb_imgproxy_option *o)
{
    struct alb_imgproxy_png *png = &o->request->png;
    bool *const flags[] = {&png->interlaced, &png->quantize};

    ALB_IMGPROXY_TRY(take_flags(o, flags, ALB_ARRAY_LEN(flags)));
    return alb_imgproxy_has(o, 2) ? alb_imgproxy_arg_int(o, 2, 2, 256, &png->colours) : ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_webp(struct alb_imgproxy_option *o)
{
    int word;

    if (alb_imgproxy_has(o, 0)) {
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_word(o, 0, alb_imgproxy_webps, &word));
        o->request->webp_compression = (enum alb_imgproxy_webp)word;
    }
    if (alb_imgproxy_has(o, 1))
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_bool(o, 1, &o->request->webp_smart_subsample));
    if (alb_imgproxy_has(o, 2)) {
        ALB_IMGPROXY_TRY(alb_imgproxy_arg_word(o, 2, alb_imgproxy_webp_presets, &word));
        o->request->webp_preset = (enum alb_imgproxy_webp_preset)word;
    }
    return ALB_IMGPROXY_FINE;
}

enum alb_imgproxy_refusal alb_imgproxy_take_style(struct alb_imgproxy_option *o)
{
    struct alb_str css = ALB_STR_NONE;

    ALB_IMGPROXY_TRY(alb_imgproxy_arg_base64(o, 0, ALB_IMGPROXY_TEXT_MAX, &css));
    if (!alb_str_is_utf8(css) || alb_str_find(css, '\0') != ALB_STR_NPOS)
        return alb_imgproxy_arg_wrong(o, 0, "base64 of UTF-8");
    o->request->style = css;
    return ALB_IMGPROXY_FINE;
}

/* A profile is a file's plain name in one folder: nothing in it may lead elsewhere. */
enum alb_imgproxy_refusal alb_imgproxy_take_profile(struct alb_imgproxy_option *o)
{
    struct alb_str name = o->arg[0];
    char *room = alb_arena_alloc(o->parser->arena, name.n + 1);

    if (room == NULL)
        return alb_imgproxy_out_of_memory(o);
    if (!alb_percent_decode(name, false, room, name.n, &name.n))
        return alb_imgproxy_arg_wrong(o, 0, "a percent-encoded name");
    name.p = room;
    if (name.n > 255 || alb_str_has_control(name) || alb_str_find(name, '/') != ALB_STR_NPOS ||
        alb_str_starts(name, ALB_STR(".")))
        return alb_imgproxy_arg_wrong(o, 0, "srgb, cmyk or the plain name of a profile");
    o->request->color_profile = name;
    return ALB_IMGPROXY_FINE;
}
